"""Whatever bytes arrive, the sandbox keeps running, answers the next request, and uses little memory."""

import json
import random
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing, suppress

import psutil
import pytest
from support.sandbox_http import PUBLISHED, TIMEOUT_SECONDS

from growlytics_pandas import contract
from growlytics_pandas.sandbox import DEFAULT_API_KEY, Sandbox
from growlytics_pandas.sandbox.responses import MAX_BODY_BYTES

MAX_GROWTH_BYTES = 64 << 20
"""What the sandbox may grow by over this whole file, half of a single flood."""

FLOOD_BYTES = 128 << 20
PIECE = b"x" * (1 << 16)
CHUNK = b"10000\r\n" + PIECE + b"\r\n"
BODY = json.dumps(PUBLISHED).encode()
KEY = f"{contract.KEY_HEADER}: {DEFAULT_API_KEY}".encode()
CLOSE = b"connection: close"
SUCCESS = b'{"success":true}'
SEED = 20261123
BAD, TOO_LARGE = 400, 413


class Server:
    """A sandbox in a process of its own."""

    def __init__(self, db):
        command = [sys.executable, "-m", "growlytics_pandas", "sandbox", "--db", str(db)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        url = self.process.stdout.readline().split()[2]
        self.address = ("127.0.0.1", int(url.rsplit(":", 1)[1]))
        self.db = db

    def connect(self):
        return closing(socket.create_connection(self.address, timeout=TIMEOUT_SECONDS))

    def rss(self):
        return psutil.Process(self.process.pid).memory_info().rss

    def pour(self, pieces):
        """Send `pieces` and no more, until the server has had enough; return the statuses that it answers."""
        with self.connect() as connection:
            with suppress(ConnectionError):
                for piece in pieces:
                    connection.sendall(piece)
                connection.shutdown(socket.SHUT_WR)
            return statuses(read_all(connection))

    def ask(self, whole):
        """Send one request that asks for the connection's end, and return the answer."""
        with self.connect() as connection:
            connection.sendall(whole)
            return read_all(connection)


def read_all(connection):
    answer = bytearray()
    with suppress(ConnectionError):
        while piece := connection.recv(1 << 16):
            answer += piece
    return bytes(answer)


def request(body=BODY, *headers, length=None):
    """A customer request as bytes, its length wrong if asked."""
    size = b"content-length: %d" % (len(body) if length is None else length)
    return head(size, *headers) + body


def chunked(*chunks):
    """A customer request whose body is sent in `chunks`, each as it goes over the wire."""
    return head(b"transfer-encoding: chunked", CLOSE) + b"".join(chunks)


def head(*headers):
    line = b"POST %s HTTP/1.1" % contract.CUSTOMER_PATH.encode()
    return b"\r\n".join([line, b"host: localhost", KEY, *headers, b"", b""])


def statuses(answer):
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("garbage") / "sandbox.db")
    try:
        for _ in range(100):
            server.ask(request(BODY, CLOSE))
        server.rss_at_start = server.rss()
        yield server
    finally:
        server.process.terminate()
        printed = server.process.communicate(timeout=TIMEOUT_SECONDS)[1]
    assert (server.process.returncode, printed) == (0, "")


@pytest.fixture
def server(started):
    """The server; after the test it must be well, quick and small."""
    yield started
    start = time.monotonic()
    assert started.ask(request(BODY, CLOSE)).endswith(SUCCESS)
    assert time.monotonic() - start < 2
    assert started.rss() - started.rss_at_start < MAX_GROWTH_BYTES


def flood(start, piece, n=None):
    """`start`, then `piece` again and again: `n` times, or until there are `FLOOD_BYTES`."""
    yield start
    for _ in range(n or FLOOD_BYTES // len(piece)):
        yield piece


def test_a_request_may_be_cut_anywhere(server):
    whole = request()
    for end in range(len(whole)):
        assert not set(server.pour([whole[:end]])) & {200, 500}


@pytest.mark.parametrize(
    ("start", "piece", "n", "end"),
    [
        (request(b"", CLOSE, length=FLOOD_BYTES), PIECE, None, b""),
        (chunked(), CHUNK, None, b"0\r\n\r\n"),
        (chunked(), b"1\r\n{\r\n" * 10_000, 200, b"0\r\n\r\n"),
    ],
    ids=["with a length", "in chunks", "in chunks of a byte"],
)
def test_oversized_body_is_read_and_discarded(server, start, piece, n, end):
    with server.connect() as connection:
        for part in (*flood(start, piece, n), end):
            connection.sendall(part)
        assert statuses(read_all(connection)) == [TOO_LARGE]


@pytest.mark.parametrize("length", [MAX_BODY_BYTES * 8, 1 << 62])
def test_short_body_is_not_stored(server, length):
    assert server.pour([request(length=length)]) == []


@pytest.mark.parametrize(
    "whole",
    [
        request(length=1 << 64),
        request(length=-1),
        request(BODY, b"content-length: 1"),
        request(BODY, b"transfer-encoding: chunked"),
        request().replace(b"content-length: ", b"content-length: x"),
        chunked(b"xyz\r\n"),
        chunked(b"ffffffffffffffffff\r\n" + BODY),
        chunked(b"5\r\n" + BODY),
        chunked(b"-5\r\n" + BODY),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x00" * 5000,
        b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n\x00: b\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    ],
    ids=lambda whole: repr(whole[-40:]),
)
def test_non_http_is_400(server, whole):
    assert server.ask(whole).startswith(b"HTTP/1.1 400 ")


def test_bytes_after_a_short_body_are_no_request(server):
    assert statuses(server.ask(request(BODY + BODY, length=len(BODY)))) in ([200, BAD], [BAD])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"id":"a","attributes":[{"name":"n","type":"number","value":1e400}]}', 200),
        (b'{"id":"a","attributes":[{"name":"n","type":"number","value":-1e-400}]}', 200),
        (b'{"id":"a","attributes":[{"name":"n","type":"number","value":' + b"9" * 900_000 + b"}]}", 200),
        (b'{"id":"a","attributes":[{"name":"n","type":"number","value":NaN}]}', BAD),
        (b'{"id":"a","attributes":[{"name":"n","type":"number","value":0x10}]}', BAD),
        (b'{"id":"a\\u0000b","attributes":[{"name":"\\u0000","type":"string","value":"\\u0000"}]}', 200),
        (b'{"id":"a\x00b"}', BAD),
        (b'{"id":"\xed\xa0\x80"}', BAD),
        (b"\xef\xbb\xbf" + BODY, BAD),
        (b'{"id":' + b"[" * 100_000 + b"]" * 100_000 + b"}", BAD),
        (b'{"id":"a","x":' + b'{"x":' * 100_000 + b"1" + b"}" * 100_000 + b"}", BAD),
        (b'{"id":"' + b"i" * 1_000_000 + b'"}', 200),
        (b"{" + b",".join(b'"k%d":1' % i for i in range(60_000)) + b',"id":"a"}', 200),
    ],
    ids=lambda value: repr(value[:70]) if isinstance(value, bytes) else str(value),
)
def test_odd_json_never_causes_an_error(server, body, status):
    assert statuses(server.ask(request(body, CLOSE))) == [status]


@pytest.mark.parametrize(
    "entries",
    [
        [{"name": f"n{i}", "type": "number", "value": i} for i in range(20_000)],
        [{"name": "n", "type": "string", "value": str(i)} for i in range(20_000)],
    ],
    ids=["many names", "one name"],
)
def test_thousands_of_attributes_are_one_request(server, entries):
    body = json.dumps({"id": "many", "attributes": entries}, separators=(",", ":")).encode()
    assert len(body) < MAX_BODY_BYTES

    assert server.ask(request(body, CLOSE)).endswith(SUCCESS)


def test_slow_clients_do_not_delay_others(server):
    with ExitStack() as slow:
        whole = request()
        for end in range(0, len(whole), 2):
            slow.enter_context(server.connect()).sendall(whole[:end])
        for connection in (slow.enter_context(server.connect()) for _ in range(100)):
            connection.sendall(request(length=MAX_BODY_BYTES))
        start = time.monotonic()
        assert server.ask(request(BODY, CLOSE)).endswith(SUCCESS)
        assert time.monotonic() - start < 1


def test_pipelined_requests_are_answered_in_order(server):
    bodies = [BODY, b"[]"] * 300
    pipeline = b"".join(map(request, bodies)) + request(BODY, CLOSE)

    assert statuses(server.ask(pipeline)) == [200, BAD] * 300 + [200]


def mutate(rng, whole):
    """`whole` with one to four small accidents."""
    data = bytearray(whole)
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(data) + 1)
        stop = min(len(data), start + rng.randint(0, 12))
        accident = rng.randrange(5)
        if accident == 0:
            data[start:stop] = rng.randbytes(rng.randint(0, 12))
        elif accident == 1:
            data[start:stop] = b""
        elif accident == 2:
            data[start:start] = data[start:stop] * rng.randint(1, 50)
        elif accident == 3:
            data[start:stop] = rng.choice(SPLINTERS)
        else:
            data = data[: max(1, start)]
    return bytes(data)


SPLINTERS = (
    *(b"\r\n", b"\r\n\r\n", b"\n", b"\x00", b"\xff", b"\\ud800", b"\\u0000", b'"', b"{", b"[", b"}", b"]", b",", b":"),
    *(b"null", b"true", b"1e999", b"-0", b"NaN", b"0.10", b"9" * 30, b'"date"', b'"number"', b'"2026-02-30 00:00:00"'),
    *(b"content-length: 5\r\n", b"transfer-encoding: chunked\r\n", b"expect: 100-continue\r\n", b"HTTP/1.0"),
    *(b"upgrade: websocket\r\nconnection: upgrade\r\n", b"GET ", b"HEAD ", b"CONNECT ", b"%00", b"%ff", b"../"),
)


@pytest.mark.slow
def test_broken_requests_cause_no_error(server):
    rng = random.Random(SEED)
    seen = {status for _ in range(3000) for status in server.pour([mutate(rng, request())])}

    assert {200, BAD} < seen <= {100, 200, BAD, 401, 404, 405}


@pytest.mark.slow
def test_broken_bodies_cause_no_error(server):
    rng = random.Random(SEED)
    for _ in range(3000):
        bodies = [mutate(rng, BODY) for _ in range(2)]
        answer = server.ask(b"".join(map(request, bodies[:1])) + request(bodies[1], CLOSE))
        assert len(statuses(answer)) == 2
        assert set(statuses(answer)) <= {200, BAD}, bodies

    kept = Sandbox(db=server.db)
    assert len(kept.customers()) == len(kept.stored()) > 20
    assert len(kept.ignored()) > 100
    assert set(kept.attribute_types()["type"]) <= set(contract.TYPES)
