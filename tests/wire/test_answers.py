"""A response that may belong to another request is not accepted, and does not affect later ones."""

import json
import time

import pandas as pd
import pytest
from support.quick_delivery import deliver, open_to
from support.wire_server import SUCCESS, ask, message, wait_until

import growlytics_pandas as gp
from growlytics_pandas._status import Status
from growlytics_pandas.http.protocol import RequestFault

REFUSED = message(422, b'{"success":false}')
ACCEPTED = message(200, SUCCESS)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n" + SUCCESS + b"\r\n0\r\n\r\n"

SURPLUS = {
    "another answer": ACCEPTED + REFUSED,
    "the answer of another": ACCEPTED + ACCEPTED,
    "a line end": ACCEPTED + b"\r\n",
    "half an answer": ACCEPTED + REFUSED[:20],
    "a body longer than its length": message(200, SUCCESS, length=10),
    "a length of nothing": message(200, SUCCESS, length=0),
    "a body where none can be": message(204, SUCCESS),
    "after chunks": CHUNKED + REFUSED,
    "after a last answer": message(200, SUCCESS, "Connection: keep-alive") + b"x" * 20_000,
    "after a refusal": REFUSED + ACCEPTED,
}


def customers(rows):
    return pd.DataFrame({"id": [f"c{i}" for i in range(rows)], "Score": range(rows)})


@pytest.mark.parametrize("status", [100, 102, 103, 199])
def test_interim_responses_are_skipped(serve, client, status):
    stored = set()

    def answer(sock, request):
        name = json.loads(request[1])["id"]
        is_refused = name.endswith("3")
        if not is_refused:
            stored.add(name)
        interim = f"HTTP/1.1 {status} Wait\r\nLink: </a.css>\r\n\r\n".encode()
        sock.sendall(2 * interim + (REFUSED if is_refused else ACCEPTED))
        return True

    result = gp.push(customers(60), "id", client=client(serve(answer)), progress=False)
    outcomes = result.outcomes.set_index("id")["status"]
    assert {name for name, status in outcomes.items() if status == "accepted"} == stored
    assert result.counts["failed"] == 6
    assert result.outcomes["attempts"].eq(1).all()


def test_switching_protocols_is_a_lost_response(serve, transport):
    server = serve(lambda sock, request: sock.sendall(b"HTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\n" + ACCEPTED) or True)
    connection = open_to(server.url, transport, 1)
    replies = [ask(connection), ask(connection)]
    connection.close()
    assert {(reply.status, reply.fault, reply.was_sent) for reply in replies} == {(0, RequestFault.BROKEN, True)}
    assert server.n_connections == 2


@pytest.mark.parametrize("data", SURPLUS.values(), ids=SURPLUS)
def test_extra_bytes_are_a_lost_response(serve, transport, data):
    server = serve(lambda sock, request: sock.sendall(data) or True)
    connection = open_to(server.url, transport, 1)
    replies = [ask(connection), ask(connection), ask(connection)]
    connection.close()
    assert {(reply.status, reply.fault, reply.was_sent) for reply in replies} == {(0, RequestFault.BROKEN, True)}
    assert server.n_connections == 3, "no connection is used again after it"


@pytest.mark.parametrize("plain", [ACCEPTED, CHUNKED], ids=["length", "chunks"])
@pytest.mark.parametrize(
    "late", [REFUSED, ACCEPTED, b"\r\n", b"HTTP/1.1 2"], ids=["refused", "accepted", "line", "half"]
)
def test_late_bytes_are_no_response(serve, transport, plain, late):
    sent = []

    def answer(sock, request):
        sock.sendall(plain)
        time.sleep(0.02)  # libcurl and http.client have read the answer by now
        sock.sendall(late)
        sent.append(request)
        return True

    server = serve(answer)
    connection = open_to(server.url, transport, 1)
    for n in range(1, 4):
        reply = ask(connection)
        assert (reply.status, reply.body, reply.repeats) == (200, SUCCESS, 0)
        assert wait_until(lambda n=n: len(sent) == n)
    connection.close()
    assert server.n_connections == 3


def test_connection_is_reused(serve, transport):
    server = serve(lambda sock, request: sock.sendall(ACCEPTED if len(server.requests) % 2 else CHUNKED) or True)
    connection = open_to(server.url, transport, 1)
    assert {ask(connection).status for _ in range(20)} == {200}
    connection.close()
    assert server.n_connections == 1


@pytest.mark.parametrize("lines", [["Connection: close"], ["connection: Keep-Alive, Close"]])
def test_response_that_closes_is_accepted(serve, transport, lines):
    server = serve(lambda sock, request: sock.sendall(message(200, SUCCESS, *lines)))
    connection = open_to(server.url, transport, 1)
    assert {ask(connection).status for _ in range(5)} == {200}
    connection.close()
    assert len(server.requests) == 5


def test_early_response_is_accepted(serve, transport):
    """A body that is refused for its size need not be read to its end."""
    server = serve(lambda sock, request: sock.sendall(message(413, b"too large")) or True)
    connection = open_to(server.url, transport, 1)
    assert {ask(connection, b"x" * 2_000_000).status for _ in range(3)} == {413}
    connection.close()


def test_extra_responses_do_not_shift_rows(serve, transport):
    stored = set()

    def answer(sock, request):
        name = json.loads(request[1])["id"]
        number = int(name[1:])
        if number % 3:
            stored.add(name)
        data = ACCEPTED if number % 3 else REFUSED
        sock.sendall(data + (ACCEPTED + REFUSED[:30] if number % 11 == 0 else b""))
        return True

    names = [f"c{i}" for i in range(60)]
    _, buffer = deliver(open_to(serve(answer).url, transport), names)
    accepted, failed, unknown = (
        {names[row] for row in buffer.rows_with([status])}
        for status in (Status.ACCEPTED, Status.FAILED, Status.UNKNOWN)
    )
    too_much = {f"c{i}" for i in range(0, 60, 11)}
    assert too_much <= unknown, "and, where the rest comes late, the row that had its connection next"
    assert len(unknown) <= 2 * len(too_much)
    assert accepted == stored - unknown
    assert failed == set(names) - stored - unknown
