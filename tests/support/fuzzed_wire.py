"""Random responses of a server that records which customers it stored.

``python tests/support/fuzzed_wire.py [SCRIPTS] [SEED] [http|https]`` plays so many scripts over each transport and prints what it
found; the suite plays a few thousand with fixed seeds.

A script is what the server does with one request: whether it stores the customer, what it writes, and whether it closes
the connection. Responses may be malformed, but a complete one is true: if it reports success, the customer is stored;
if it is an error, this request stored nothing.
"""

import contextlib
import gzip
import json
import pathlib
import random
import socket
import ssl
import struct
import sys
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

if __name__ == "__main__":
    sys.path[:0] = map(str, pathlib.Path(__file__).parents[1:3])

from growlytics_pandas._status import Status
from growlytics_pandas.upload.outcomes import OutcomeBuffer
from support.quick_delivery import deliver, open_to
from support.transports import TRANSPORTS
from support.wire_server import SUCCESS, Server

TIMEOUT_SECONDS = 0.4
RUN_SECONDS = 200.0  # far more than any run takes: a longer run hangs
ROWS = 100  # customers of one run

REFUSALS = [
    (400, 6),
    (422, 8),
    (429, 2),
    (503, 2),
    (409, 2),
    (404, 0.3),
    (405, 0.1),
    (401, 0.3),
    (403, 0.1),
    (302, 0.4),
]
ODD_STATUSES = [101, 199, 201, 202, 204, 205, 206, 226, 299, 500, 502, 504, 520, 599, 600, 777, 999, 99, 1000, 0]
INTERIM = [100, 102, 103, 110, 199]
GARBAGE = [b"x", b"\r\n", b"\r\n\r\n", b"0\r\n\r\n", b"HTTP/1.1", b"HTTP/1.1 200 OK\r\n", SUCCESS, b"\x00" * 5000]


@dataclass
class Script:
    """What the server does with one request."""

    kind: str
    stores: bool
    pieces: list = field(default_factory=list)  # bytes to write, or seconds to pause
    end: str = "stay"  # "stay", "close", "reset" or "hang"


def head(status, *lines):
    return "\r\n".join([f"HTTP/1.1 {status} Words", *lines]).encode() + b"\r\n\r\n"


def whole(status, body, *lines):
    return head(status, f"Content-Length: {len(body)}", *lines) + body


def refusal(draw):
    """A complete error response to a request that stored nothing."""
    if draw.random() < 0.15:
        return whole(200, b'{"success":false,"message":"no"}')
    statuses, weights = zip(*REFUSALS, strict=True)
    status = draw.choices(statuses, weights)[0]
    lines = ["Location: http://127.0.0.1:9/login"] if status == 302 else []
    if status in {429, 503} and draw.random() < 0.7:
        lines += [f"Retry-After: {value}" for value in draw.choice([["0"], ["0", "soon"], ["x"]])]
    return whole(status, b'{"success":false}', *lines)


def framed(draw, body, *lines, status=200):
    """A success response in one of the framings of HTTP."""
    form = draw.randrange(6)
    if form == 0:
        return head(status, *lines) + body, "close"
    if form == 1:
        return head(status, f"Content-Length: {len(body)}", "Connection: close", *lines) + body, "close"
    if form == 2:
        parts = [body[i : i + 5] for i in range(0, len(body), 5)]
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
        return head(status, "Transfer-Encoding: chunked", *lines) + chunks + b"0\r\n\r\n", "stay"
    if form == 3:
        packed = gzip.compress(body)
        return head(status, f"Content-Length: {len(packed)}", "Content-Encoding: gzip", *lines) + packed, "stay"
    if form == 4:
        return whole(status, body, *lines).replace(b"HTTP/1.1", b"HTTP/1.0", 1), "close"
    return whole(status, body, *lines), "stay"


def plain(draw):
    return Script("plain", True, [whole(200, SUCCESS)])


def refused(draw):
    return Script("refused", False, [refusal(draw)])


def interim(draw):
    before = b"".join(head(draw.choice(INTERIM), "Link: </x>") for _ in range(draw.randint(1, 3)))
    stores = draw.random() < 0.8
    answer = whole(200, SUCCESS) if stores else refusal(draw)
    pause = [0.003] if draw.random() < 0.3 else []
    return Script("interim", stores, [before, *pause, answer])


def forms(draw):
    answer, end = framed(draw, SUCCESS)
    return Script("forms", True, [answer], end)


def cut(draw):
    """A response cut at any byte, in any framing."""
    answer, _ = framed(draw, SUCCESS) if draw.random() < 0.7 else (whole(200, SUCCESS), "")
    where = draw.randrange(len(answer))
    if answer.endswith(b"\r\n\r\n" + SUCCESS) and b"Content-Length" not in answer:
        where = min(where, len(answer) - 1)
    return Script(
        "cut",
        True,
        [answer[:where]] if where else [],
        draw.choice(["close", "reset", "close", "hang"][: 3 + (draw.random() < 0.05)]),
    )


def wrong_length(draw):
    length = draw.choice(
        [0, 1, 5, 15, 17, 30, 10**6, 2**63, 2**64, "-1", "x", "16, 16", "16, 5", "+16", "0x10", "1_6", ""]
    )
    lines = [f"Content-Length: {length}"] + (["Content-Length: 16"] if draw.random() < 0.2 else [])
    if draw.random() < 0.2:
        lines.append("Transfer-Encoding: chunked")
    return Script(
        "wrong length",
        True,
        [head(200, *lines) + SUCCESS],
        draw.choice(["stay", "close"]) if draw.random() < 0.5 else "close",
    )


def surplus(draw):
    """More than one response at once; the surplus may be a complete response, which could belong to another request."""
    stores = draw.random() < 0.6
    mine = (
        framed(draw, SUCCESS)[0] if stores and draw.random() < 0.5 else whole(200, SUCCESS) if stores else refusal(draw)
    )
    other = draw.choice(
        [*GARBAGE, whole(200, SUCCESS), whole(422, b'{"success":false}'), head(103) + whole(200, SUCCESS)]
    )
    if b"Content-Length" not in mine and b"chunked" not in mine:
        mine = whole(200, SUCCESS)  # else the surplus is part of the body
    pieces = [other + mine] if other.startswith(b"HTTP/1.1 200 Words") and draw.random() < 0.5 else [mine + other]
    return Script("surplus", stores, pieces)


def odd_status(draw):
    status = draw.choice(ODD_STATUSES)
    return Script(
        "odd status", True, [framed(draw, SUCCESS, status=status)[0]], "close" if draw.random() < 0.5 else "stay"
    )


def bad_form(draw):
    """Invalid chunks and gzip data."""
    chunked, zipped = "Transfer-Encoding: chunked", "Content-Encoding: gzip"
    answer = draw.choice(
        [
            head(200, chunked) + b"zz\r\n" + SUCCESS + b"\r\n0\r\n\r\n",
            head(200, chunked) + b"10\r\n" + SUCCESS + b"xx0\r\n\r\n",
            head(200, chunked) + b"10\r\n" + SUCCESS + b"\r\n",
            head(200, chunked) + b"ffffffffffffffffff\r\n" + SUCCESS,
            head(200, chunked) + SUCCESS,
            head(200, "Transfer-Encoding: gzip, chunked") + b"10\r\n" + SUCCESS + b"\r\n0\r\n\r\n",
            head(200, zipped, "Content-Length: 16") + SUCCESS,
            whole(200, gzip.compress(SUCCESS)[:20], zipped),
            whole(200, gzip.compress(SUCCESS) + b"junk", zipped),
            whole(200, SUCCESS, "Content-Encoding: br"),
            head(200, "Content-Length: 16", *[f"X-{i}: {'y' * 900}" for i in range(400)]) + SUCCESS,
            head(200, "Content-Length: 16", "X: " + "y" * 70_000) + SUCCESS,
            head(200, "Content-Length: 16", *["X: y"] * 150) + SUCCESS,
            head(200, "Content-Length: 1200000") + b" " * 1_200_000,
            b"HTTP/2 200\r\n\r\n" + SUCCESS,
            b"HTTP/1.1 200\r\nContent-Length: 16\r\n\r\n" + SUCCESS,
            b"ICY 200 OK\r\n\r\n" + SUCCESS,
            b"\r\n" + whole(200, SUCCESS),
            whole(200, SUCCESS).replace(b"\r\n", b"\n"),
            whole(200, SUCCESS).replace(b": ", b" : "),
            whole(200, SUCCESS[:-1]),
            whole(200, b""),
        ]
    )  # fmt: skip
    return Script("bad form", True, [answer], "close")


def silent(draw):
    return Script("silent", draw.random() < 0.7, [], draw.choice(["close", "reset"]))


def hang(draw):
    return Script("hang", draw.random() < 0.7, [whole(200, SUCCESS)[: draw.randrange(40)]], "hang")


def page(draw):
    return Script("page", False, [whole(200, b"<!doctype html><p>Sign in</p>", "Content-Type: text/html")])


def slowly(draw):
    answer, end = framed(draw, SUCCESS)
    where = draw.randrange(1, len(answer))
    return Script("slowly", True, [answer[:where], 0.002, answer[where:]], end)


KINDS = [
    (plain, 20), (refused, 5), (interim, 10), (forms, 10), (cut, 18), (wrong_length, 8), (surplus, 10), (odd_status, 6),
    (bad_form, 8), (silent, 5), (hang, 0.15), (page, 2), (slowly, 6),
]  # fmt: skip


class FuzzedService:
    """Plays one script per request, chosen by seed, customer and attempt, so that a run can be repeated."""

    def __init__(self, seed, tls=None):
        self.seed = seed
        self.stored, self.seen = set(), Counter()
        self.kinds = defaultdict(list)
        self._lock = threading.Lock()
        self._server = Server(self._answer, tls=tls)
        self.url, self.close = self._server.url, self._server.close

    def script(self, name, attempt):
        draw = random.Random(f"{self.seed}/{name}/{attempt}")
        makers, weights = zip(*KINDS, strict=True)
        return draw.choices(makers, weights)[0](draw)

    def _answer(self, sock, request):
        name = json.loads(request[1])["id"]
        with self._lock:
            self.seen[name] += 1
            script = self.script(name, self.seen[name])
            self.kinds[name].append((script.kind, script.stores, script.pieces, script.end))
            if script.stores:
                self.stored.add(name)
        for piece in script.pieces:
            if isinstance(piece, float):
                time.sleep(piece)
            else:
                sock.sendall(piece)
        if script.end == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif script.end == "hang":
            self._server.stopping.wait(1.5 * TIMEOUT_SECONDS)
        return script.end == "stay"


def play(transport, seed, rows=ROWS, tls=None, verify=True):
    """Push `rows` customers to a fuzzed service; return the number of scripts played, and the errors found."""
    service = FuzzedService(seed, tls)
    names = [f"{seed}-{i}" for i in range(rows)]
    buffer = OutcomeBuffer(rows)
    wrong, began = [], time.monotonic()
    left = list(range(rows))
    try:
        while left:  # a run that ends early (a redirect, a rejected key) leaves rows for the next
            deliver(
                open_to(service.url, transport, timeout_seconds=TIMEOUT_SECONDS, verify=verify), names, buffer, left
            )
            left = buffer.rows_with([Status.UNSENT]).tolist()
            if time.monotonic() - began > RUN_SECONDS:
                wrong.append(f"seed {seed}: it takes more than {RUN_SECONDS:.0f} s")
                break
    finally:
        service.close()
    statuses = [tuple(Status)[code] for code in buffer.codes()]
    for row, (name, status) in enumerate(zip(names, statuses, strict=True)):
        is_stored, seen = name in service.stored, service.seen[name]
        is_right = is_stored if status is Status.ACCEPTED else status is Status.UNKNOWN or not is_stored
        if not is_right:
            wrong.append(f"{name}: {status}, stored: {is_stored}; {service.kinds[name]}; {buffer.errors.get(row)}")
        if seen > buffer.attempts[row]:
            wrong.append(f"{name}: {buffer.attempts[row]} attempts, the service saw {seen}; {service.kinds[name]}")
    if sum(buffer.counts().values()) != rows:
        wrong.append(f"seed {seed}: {buffer.counts()}")
    return sum(service.seen.values()), wrong, Counter(statuses)


def main(scripts=20_000, first_seed=1, scheme="http"):
    import trustme  # noqa: PLC0415  for https only

    tls = None
    if scheme == "https":
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("localhost").configure_cert(tls)
    for transport in TRANSPORTS:
        played, found, statuses, seed, began = 0, [], Counter(), int(first_seed), time.monotonic()
        while played < int(scripts):
            count, wrong, ended = play(transport, seed, tls=tls, verify=tls is None)
            played, seed, statuses = played + count, seed + 1, statuses + ended
            found += wrong
            for line in wrong:
                print(f"  {transport}: {line[:1500]}", flush=True)
        counts = {status.value: count for status, count in statuses.items()}
        print(
            f"{transport}, {scheme}: {played:,} scripts, {len(found)} wrong, {counts}, {time.monotonic() - began:.0f} s"
        )


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main(*sys.argv[1:])
