"""Servers with limits, as gateways and services have them: what each lets through, and the best that it allows.

``python tests/benchmarks/limited_server.py NAME`` prints its port and serves until it is ended. ``GET`` of any path
returns how many requests were accepted, how many were refused, and how many were refused at random. Time counts from
the first request. No refusal carries ``Retry-After``: that is the harder case.
"""

import asyncio
import json
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass

import uvloop
from server import ANSWER, BACKLOG, Answering

IN_FLIGHT = 64
"""The requests that a push has in flight by default: with an answer's latency, the most that is possible."""

REFUSAL_SECONDS = 0.01
"""A refusal is answered sooner than a request that is served."""

REFUSED, AT_RANDOM = 503, -503
"""A refusal for a limit's sake; one that no speed prevents."""


class Free:
    """No limit: every request is served after the latency."""

    def judge(self, _now: float, _open: int) -> int:
        """Return 0 to serve the request, or how it is refused: a status, or `AT_RANDOM`."""
        return 0


class Bucket(Free):
    """A token bucket that saves up one second."""

    def __init__(self, rate: float) -> None:
        self._rate, self._tokens, self._at = rate, rate, 0.0

    def judge(self, now: float, _open: int) -> int:
        self._tokens, self._at = min(self._rate, self._tokens + (now - self._at) * self._rate), now
        if self._tokens < 1.0:
            return 429
        self._tokens -= 1.0
        return 0


class FixedWindow(Free):
    """So many requests in each second by the clock; those refused do not count."""

    def __init__(self, rate: int) -> None:
        self._rate, self._second, self._count = rate, 0, 0

    def judge(self, now: float, _open: int) -> int:
        if int(now) != self._second:
            self._second, self._count = int(now), 0
        self._count += 1
        return 429 if self._count > self._rate else 0


class AtOnce(Free):
    """So many requests open at once, a 503 beyond."""

    def __init__(self, most: int) -> None:
        self._most = most

    def judge(self, _now: float, n_open: int) -> int:
        return REFUSED if n_open >= self._most else 0


class Unlucky(Free):
    """A share of the requests is refused at random, however few there are."""

    def __init__(self, share: float) -> None:
        self._share, self._random = share, random.Random(5)

    def judge(self, _now: float, _open: int) -> int:
        return AT_RANDOM if self._random.random() < self._share else 0


class Outage(Free):
    """Everything is refused between two moments."""

    def __init__(self, start: float, seconds: float) -> None:
        self._start, self._end = start, start + seconds

    def judge(self, now: float, _open: int) -> int:
        return REFUSED if self._start <= now < self._end else 0


@dataclass(frozen=True, slots=True)
class Case:
    """One server.

    `rate` is the most customers a second that it lets through, `saved` how many it takes at once beyond that, and
    `lost` the seconds of its outage. `queue` serves one after the other, at `rate`, whatever is open.
    """

    rows: int
    rate: float
    limits: Callable[[], list[Free]] = list
    latency: float = 0.05
    saved: float = 0.0
    lost: float = 0.0
    queue: bool = False

    def best_seconds(self, rows: int) -> float:
        """Return the least time in which `rows` customers can be accepted."""
        return self.lost + self.latency + max(0.0, rows - self.saved) / self.rate


CASES = {
    "200 ms per response": Case(6_400, IN_FLIGHT / 0.2, latency=0.2),
    "1 s per response": Case(2_560, IN_FLIGHT, latency=1.0),
    "token bucket, 100 per second": Case(2_500, 100, lambda: [Bucket(100)], saved=100),
    "token bucket, 500 per second": Case(12_500, 500, lambda: [Bucket(500)], saved=500),
    "fixed window, 200 per second": Case(5_000, 200, lambda: [FixedWindow(200)], saved=200),
    "at most 20 at once, else 503": Case(10_000, 20 / 0.05, lambda: [AtOnce(20)]),
    "queue, 300 per second": Case(6_000, 300, queue=True),
    "10 % 503 at random": Case(20_000, 0.9 * IN_FLIGHT / 0.05, lambda: [Unlucky(0.1)]),
    "outage of 10 s": Case(12_800, IN_FLIGHT / 0.1, lambda: [Outage(5.0, 10.0)], latency=0.1, lost=10.0),
    "bucket, 200 per second, 5 % 503 at random": Case(
        5_000, 200, lambda: [Unlucky(0.05), Bucket(200)], latency=0.1, saved=200
    ),
    "at most 30 at once, 200 ms, outage of 4 s": Case(
        4_500, 30 / 0.2, lambda: [Outage(6.0, 4.0), AtOnce(30)], latency=0.2, lost=4.0
    ),
}


class Service:
    """What the connections of one server share: its limits, what is open, and the counts."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.counts = {"accepted": 0, "refused": 0, "at_random": 0}
        self._limits = case.limits()
        self._began: float | None = None
        self._free_at = 0.0
        self._n_open = 0

    def serve(self, clock: float) -> tuple[float, int]:
        """Return after how many seconds a request is answered, and with which status; `end` follows a 200."""
        self._began = clock if self._began is None else self._began
        now = clock - self._began
        verdict = next(filter(None, (limit.judge(now, self._n_open) for limit in self._limits)), 0)
        if verdict:
            self.counts["at_random" if verdict == AT_RANDOM else "refused"] += 1
            return REFUSAL_SECONDS, abs(verdict)
        self._n_open += 1
        self.counts["accepted"] += 1
        if not self.case.queue:
            return self.case.latency, 200
        self._free_at = max(self._free_at, now) + 1.0 / self.case.rate
        return self._free_at - now + self.case.latency, 200

    def end(self) -> None:
        """Note that a served request has its answer."""
        self._n_open -= 1


class Limited(Answering):
    """One connection of a server with limits."""

    def __init__(self, service: Service) -> None:
        super().__init__(0.0)
        self._service = service

    def answer(self, request: bytes) -> None:
        if request.startswith(b"GET"):
            self._transport.write(_response("200 OK", json.dumps(self._service.counts).encode()))
            return
        seconds, status = self._service.serve(asyncio.get_running_loop().time())
        self._call_later(seconds, self._finish, status)

    def _finish(self, status: int) -> None:
        if status == 200:
            self._service.end()
        self._transport.write(ANSWER if status == 200 else _response(f"{status} Refused", b'{"success":false}'))


def _response(status: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def serve(case: Case) -> None:
    service = Service(case)
    server = await asyncio.get_running_loop().create_server(lambda: Limited(service), "127.0.0.1", 0, backlog=BACKLOG)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(CASES[sys.argv[1]]))
