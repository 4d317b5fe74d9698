"""One contract for both transports, over http and https, against real servers on loopback. Requests and responses."""

import threading
import time
from email.utils import formatdate

import pytest
from support.wire_server import KEY, SUCCESS, accept, ask, collect, message, say

from growlytics_pandas.http.retry import describe, describe_location, parse_retry_after


def test_request_matches_the_documentation(serve, connect):
    server = serve()
    reply = ask(connect(server.url), b'{"id":"\xc3\xa9"}')
    assert (reply.token, reply.status, reply.body, reply.fault, reply.was_sent) == (7, 200, SUCCESS, None, True)
    assert 0.0 < reply.seconds < 5.0
    head, body = server.requests[0]
    lines = head.split(b"\r\n")
    headers = dict(line.split(b": ", 1) for line in lines[1:])
    assert lines[0] == b"POST /rest-api/customer HTTP/1.1"
    assert {name: headers.get(name) for name in (b"Accept", b"Content-Type", b"x-growlytics-key")} == {
        b"Accept": b"application/json", b"Content-Type": b"application/json", b"x-growlytics-key": KEY.encode(),
    }  # fmt: skip
    assert headers[b"Host"] == f"localhost:{server.port}".encode()
    assert headers[b"Content-Length"] == b"11"
    assert not {line.lower() for line in headers} & {b"expect", b"cookie", b"authorization", b"transfer-encoding"}
    assert body == b'{"id":"\xc3\xa9"}'


def test_large_body_sends_no_expect_header(serve, connect):
    server = serve()
    body = b'"' + b"x" * 3_000_000 + b'"'
    assert ask(connect(server.url), body).status == 200
    assert b"expect" not in server.requests[0][0].lower()
    assert server.requests[0][1] == body


def test_two_thousand_bodies_arrive_once_each(serve, connect):
    def echo(sock, request):
        sock.sendall(message(200, request[1]))
        return True

    server = serve(echo)
    transport = connect(server.url, 16)
    replies, sent = [], 0
    while len(replies) < 2000:
        while sent < 2000 and sent - len(replies) < 16:
            transport.submit(sent, b"body-%d" % sent)
            sent += 1
        replies += transport.poll(1.0)
    assert sorted(body for _, body in server.requests) == sorted(b"body-%d" % n for n in range(2000))
    assert {(reply.token, reply.body) for reply in replies} == {(n, b"body-%d" % n) for n in range(2000)}
    assert server.n_connections <= 16
    assert server.most_at_once <= 16


def test_slow_responses_overlap(serve, connect):
    barrier = threading.Barrier(8, timeout=5)

    def together(sock, request):
        barrier.wait()
        return accept(sock, request)

    server = serve(together)
    transport = connect(server.url, 8)
    for token in range(8):
        transport.submit(token, b"{}")
    assert {reply.status for reply in collect(transport, 8)} == {200}
    assert server.most_at_once == 8


def test_poll_respects_its_timeout(serve, connect):
    transport = connect(serve(lambda sock, request: time.sleep(0.3) or accept(sock, request)).url)
    transport.submit(1, b"{}")
    started = time.monotonic()
    assert transport.poll(0.1) == []
    assert time.monotonic() - started < 0.25
    assert collect(transport, 1)[0].status == 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_never_followed(serve, connect, status):
    elsewhere = serve()
    server = serve(say(message(status, b"moved", f"Location: {elsewhere.url}?k={KEY}")))
    reply = ask(connect(server.url))
    assert (reply.status, describe_location(reply)) == (status, f"{elsewhere.url}?k=[key]")
    assert elsewhere.requests == []
    assert elsewhere.n_connections == 0


@pytest.mark.parametrize(
    "write", [str, lambda seconds: formatdate(time.time() + seconds, usegmt=True)], ids=["seconds", "date"]
)
def test_retry_after_as_seconds_or_date(serve, connect, write):
    transport = connect(serve(say(message(429, b"", f"retry-AFTER:  {write(1000)} "))).url)
    for reply in (ask(transport), ask(transport)):
        assert parse_retry_after(reply.retry_after, time.time()) == pytest.approx(1000, abs=60)
    server = serve(say(message(429)))
    assert ask(connect(server.url)).retry_after is None


def test_error_message_omits_the_key(serve, connect):
    reply = ask(connect(serve(say(message(400, f'{{"message":"no such key {KEY}"}}'.encode()))).url))
    assert (reply.status, describe(reply)) == (400, "HTTP 400: no such key [key]")
