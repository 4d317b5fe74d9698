"""One contract for both transports, over http and https, against real servers on loopback. How a transport reports a failed request, and how it cleans up."""

import contextlib
import re
import socket
import struct
import threading
import time

import psutil
import pytest
from support.wire_server import SUCCESS, accept, ask, message, our_threads, reset, say, wait_until

from growlytics_pandas.http.protocol import MAX_RESPONSE_BYTES, RequestFault
from growlytics_pandas.http.retry import may_have_arrived


def test_unreachable_server_is_distinguished(connect, bundle):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    for url in (f"http://localhost:{port}/", "http://no-such-host.invalid/"):
        reply = ask(connect(url))
        assert (reply.status, reply.fault, reply.was_sent) == (0, RequestFault.CONNECT, False)
        assert reply.detail
        assert not re.search(r"_Watched|0x| \d+ m", reply.detail), "one reason has the same words each time"


@pytest.mark.parametrize("scheme", ["https"], indirect=True)
def test_untrusted_certificate_sends_nothing(serve, connect):
    server = serve()
    reply = ask(connect(server.url, verify=True))
    assert (reply.status, reply.fault, reply.was_sent) == (0, RequestFault.TLS, False)
    assert "certificate" in reply.detail.lower()
    wrong_name = ask(connect(server.url.replace("localhost", "127.0.0.1")))
    assert (wrong_name.fault, wrong_name.was_sent) == (RequestFault.TLS, False)
    assert server.requests == []
    assert ask(connect(server.url, verify=False), b"{}").status == 200


@pytest.mark.parametrize("scheme", ["http"], indirect=True)
def test_tls_to_a_plain_server_blames_the_url(serve, connect):
    server = serve(say(message(400)))
    reply = ask(connect(server.url.replace("http:", "https:"), timeout_seconds=0.3))
    assert reply.fault in {RequestFault.TLS, RequestFault.CONNECT}
    assert not reply.was_sent


def test_broken_handshake_is_retried(connect):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drop():
            with contextlib.suppress(OSError):
                sock, _ = listener.accept()
                sock.recv(10)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.close()

        thread = threading.Thread(target=drop)
        thread.start()
        reply = ask(connect(f"https://localhost:{listener.getsockname()[1]}/"))
        thread.join()
    assert (reply.fault, reply.was_sent) == (RequestFault.CONNECT, False)


def test_reset_after_the_body_may_be_stored(serve, connect):
    server = serve(reset)
    reply = ask(connect(server.url))
    assert (reply.status, reply.fault, reply.was_sent) == (0, RequestFault.BROKEN, True)
    assert len(server.requests) == 1


def test_close_without_response_is_broken(serve, connect):
    reply = ask(connect(serve(lambda sock, request: False).url))
    assert (reply.status, reply.fault, reply.was_sent) == (0, RequestFault.BROKEN, True)


@pytest.mark.parametrize("delay", [0.0, 0.1])
def test_closed_keep_alive_costs_no_row(serve, connect, delay):
    server = serve(say(message(200, SUCCESS), stay=False))
    transport = connect(server.url, 1)
    replies = []
    for _ in range(20):
        replies.append(ask(transport))
        time.sleep(delay / 10)
    assert {reply.fault for reply in replies} <= {None, RequestFault.STALE}
    assert replies[0].status == 200
    assert sum(reply.status == 200 for reply in replies) >= 10


def test_dying_reused_connection_is_stale_or_new(serve, connect):
    seen = set()  # the sockets themselves: an id is given to another once its socket is gone

    def once_then_reset(sock, request):
        if sock in seen:
            return reset(sock, request)
        seen.add(sock)
        return accept(sock, request)

    server = serve(once_then_reset)
    transport = connect(server.url, 1)
    assert ask(transport).status == 200
    reply = ask(transport)
    assert reply.fault is RequestFault.STALE or reply.status == 200
    assert reply.was_sent


def test_unanswered_curl_repeat_is_kept(serve, connect):
    """libcurl repeats a request by itself when a kept-alive connection breaks under it; the first may be stored."""

    def answer(sock, request):
        if len(server.requests) == 2:
            return reset(sock, request)
        sock.sendall(message(200, SUCCESS) if len(server.requests) == 1 else message(500))
        return True

    server = serve(answer)
    transport = connect(server.url, concurrency=1)
    assert not ask(transport, b'{"id":"a"}').repeats
    hurt = ask(transport, b'{"id":"b"}')
    assert may_have_arrived(hurt), "whether this transport repeated it or says that it broke"
    assert not ask(transport, b'{"id":"c"}').repeats


def test_truncated_body_is_a_lost_response(serve, connect):
    transport = connect(serve(say(message(200, SUCCESS, length=500), stay=False)).url)
    reply = ask(transport)
    assert (reply.status, reply.body, reply.fault, reply.was_sent) == (0, b"", RequestFault.BROKEN, True)


@pytest.mark.parametrize("headers", ["Content-Length: 50000000", "Transfer-Encoding: chunked"])
def test_huge_response_is_cut_off(serve, connect, headers):
    piece = b"x" * 0x10000
    framed = b"10000\r\n" + piece + b"\r\n" if "chunked" in headers else piece
    sent = []

    def flood(sock, request):
        sock.sendall(f"HTTP/1.1 200 OK\r\n{headers}\r\n\r\n".encode())
        for _ in range(50_000_000 // len(piece)):
            sock.sendall(framed)
            sent.append(len(piece))
        return False

    transport = connect(serve(flood).url)
    reply = ask(transport)
    assert (reply.status, reply.fault, reply.was_sent) == (200, RequestFault.TOO_LARGE, True)
    assert len(reply.body) <= MAX_RESPONSE_BYTES
    assert sum(sent) < 40_000_000


def test_non_http_response_is_broken(serve, connect):
    reply = ask(connect(serve(say(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", stay=False)).url))
    assert (reply.status, reply.fault, reply.was_sent) == (0, RequestFault.BROKEN, True)


def test_hanging_server_is_timeout_and_unknown(serve, connect):
    server = serve(lambda sock, request: server.stopping.wait(10) and False)
    started = time.monotonic()
    reply = ask(connect(server.url, timeout_seconds=0.3))
    assert (reply.status, reply.fault, reply.was_sent) == (0, RequestFault.TIMEOUT, True)
    assert 0.25 < time.monotonic() - started < 1.5


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"])
def test_trickling_server_times_out(serve, connect, head):
    def trickle(sock, request):
        sock.sendall(head or b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not server.stopping.wait(0.05):
            sock.sendall(b"x")
        return False

    server = serve(trickle)
    started = time.monotonic()
    reply = ask(connect(server.url, timeout_seconds=0.3))
    assert (reply.status, reply.fault, reply.was_sent) == (0, RequestFault.TIMEOUT, True)
    assert time.monotonic() - started < 2.0


def test_hanging_handshake_times_out(connect):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        reply = ask(connect(f"https://localhost:{listener.getsockname()[1]}/", timeout_seconds=0.3))
    assert (reply.status, reply.fault, reply.was_sent) == (0, RequestFault.CONNECT, False)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx"])
def test_close_leaves_no_thread_or_connection(serve, connect, head):
    def hang(sock, request):
        sock.sendall(head)
        return not sock.recv(1) and False

    server = serve(hang)
    transport = connect(server.url, 8, timeout_seconds=30.0)
    for token in range(8):
        transport.submit(token, b"{}")
    assert wait_until(lambda: transport.poll(0.05) == [] and len(server.requests) == 8)
    started = time.monotonic()
    transport.close()
    assert time.monotonic() - started < 2.0
    assert our_threads() == []
    assert wait_until(lambda: server.open_connections() == 0)
    assert not [c for c in psutil.Process().net_connections("tcp") if c.raddr and c.raddr.port == server.port]


def test_close_ends_hanging_connects_and_tls(connect):
    # Nobody accepts: the handshakes of the first hang, and past the backlog the connects themselves do.
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
        transport = connect(f"https://127.0.0.1:{listener.getsockname()[1]}/", 8, timeout_seconds=30.0)
        for token in range(8):
            transport.submit(token, b"{}")
        transport.poll(0.2)
        started = time.monotonic()
        transport.close()
        assert time.monotonic() - started < 2.0
        assert our_threads() == []


def test_nothing_is_sent_after_close(serve, connect):
    may_answer = threading.Event()
    server = serve(lambda sock, request: may_answer.wait(10) and accept(sock, request))
    transport = connect(server.url, 2)
    for token in range(6):
        transport.submit(token, b"{}")
    deadline = time.monotonic() + 10
    while len(server.requests) < 2 and time.monotonic() < deadline:
        transport.poll(0.05)
    threading.Timer(0.1, may_answer.set).start()
    transport.close()
    may_answer.wait()
    time.sleep(0.2)
    assert len(server.requests) == 2
    transport.close()


def test_close_without_a_request_is_quiet(serve, connect):
    server = serve()
    connect(server.url).close()
    assert server.n_connections == 0
