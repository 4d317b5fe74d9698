"""The loop that sends bodies: as many at once as the concurrency controller allows, with retries."""

import contextlib
import heapq
import math
import random
import signal
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from growlytics_pandas._status import Failure, Status
from growlytics_pandas.contract import PUSHBACK_STATUSES
from growlytics_pandas.errors import ServiceError
from growlytics_pandas.http.concurrency import OUTAGE_LIMIT_SECONDS, ConcurrencyController, ResponseStats
from growlytics_pandas.http.protocol import OK, PLAIN_SUCCESS, RequestFault, Response, Transport
from growlytics_pandas.http.retry import (
    RetryPolicy,
    Verdict,
    classify,
    describe,
    is_free,
    may_have_arrived,
    parse_retry_after,
)
from growlytics_pandas.upload.outcomes import CODES, OutcomeBuffer, Snapshot
from growlytics_pandas.upload.run_errors import (
    abort_error,
    are_too_many,
    long_wait_error,
    outage_error,
    outage_words,
    silence_words,
    too_many_error,
    unreachable_error,
    wait_words,
)

PATIENCE_SECONDS: Final = 0.05  # longest wait for responses, so that a stop is noticed quickly
GRACE_SECONDS: Final = 5.0  # for requests in flight to finish after a stop
UNREACHABLE_SECONDS: Final = 10.0  # without ever reaching the service, then the run ends
MAX_FAILURES_KEPT: Final = 5  # for listeners; the buffer has all failures
SHOWN_WAIT_SECONDS: Final = 1.0  # shorter waits are not shown
SHOWN_SILENCE_SECONDS: Final = 5.0  # without any response; shorter ones are not shown
FILES_WAIT_SECONDS: Final = 0.1  # before further requests after one that found no file descriptor
NO_ROW: Final = -1  # nothing to send at the moment: process responses, progress and a stop
_ACCEPTED: Final = CODES[Status.ACCEPTED]


@dataclass(slots=True)
class CancellationToken:
    """Set by an interrupt or the Stop button: the first request lets requests in flight finish, the second does not."""

    requested: bool = False
    at_once: bool = False

    def request(self) -> None:
        """Request a stop; a second request means at once."""
        self.at_once = self.requested
        self.requested = True


@contextlib.contextmanager
def interrupts(stop: CancellationToken) -> Iterator[None]:
    """Turn Ctrl-C and a kernel interrupt into a request to stop, so that none occurs between a response and its record.

    The first requests a stop, the second an immediate stop; the third raises KeyboardInterrupt.
    """
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        yield
        return

    def handle(*_: Any) -> None:
        if stop.at_once:
            raise KeyboardInterrupt
        stop.request()

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows and their bodies, in order."""

    rows: list[int]
    bodies: list[bytes]


@dataclass(frozen=True, slots=True)
class _AskedWait:
    """A wait that the service asked for, with nothing accepted since."""

    seconds: float
    since: float
    words: str

    @property
    def until(self) -> float:
        return self.since + self.seconds

    @property
    def is_too_long(self) -> bool:
        return self.seconds > OUTAGE_LIMIT_SECONDS


class RetryQuota:
    """Limits a run's retries in proportion to its successes, so that retries do not multiply an outage.

    With an empty quota retries wait; no row fails. The quota refills slowly even without successes. A successful retry
    costs nothing, so that rows that waited through an outage are sent at full speed once the service recovers.
    """

    DEPOSIT: Final = 0.5  # retries per success
    RESERVE: Final = 100.0  # retries available from the start
    MOST: Final = 4000.0  # maximum accumulated retries: the rows still waiting at the end are then sent at full speed
    REFILL_PER_SECOND: Final = 5.0  # retries

    __slots__ = ("_at", "_tokens")

    def __init__(self) -> None:
        self._tokens = self.RESERVE
        self._at = math.inf

    def record_success(self, n: int, n_retried: int = 0) -> None:
        """Record `n` accepted rows, `n_retried` of them after a retry."""
        self._tokens = min(self.MOST, self._tokens + self.DEPOSIT * n + n_retried)

    def try_spend(self, now: float) -> bool:
        """Take one retry from the quota; False if it must wait."""
        self._refill(now)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def seconds_until_next(self, now: float) -> float:
        """Return the seconds until the quota refills for the next retry."""
        self._refill(now)
        return max(0.0, 1.0 - self._tokens) / self.REFILL_PER_SECOND

    def _refill(self, now: float) -> None:
        passed = max(0.0, now - self._at)
        self._at = now
        if self._tokens < self.RESERVE:
            self._tokens = min(self.RESERVE, self._tokens + passed * self.REFILL_PER_SECOND)


class Delivery:
    """One run over all chunks. Single-threaded: waiting happens in the transport.

    It gives up on a row as `retry` says, and on the run after `max_failures` (rows, or a share of them). With
    `max_waiting` rows that wait for a retry, no other row is started.
    """

    def __init__(
        self,
        transport: Transport,
        controller: ConcurrencyController,
        buffer: OutcomeBuffer,
        *,
        stop: CancellationToken,
        on_accepted: Callable[[list[int]], None],
        on_tick: Callable[["Delivery"], None],
        max_failures: float | None = None,
        max_waiting: int = 4000,
        was_reached: bool = False,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - it is frozen; this and the following are for tests
        grace_seconds: float = GRACE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        uniform: Callable[[], float] = random.random,
    ) -> None:
        self.error: ServiceError | None = None
        self.accepted = 0
        self.answer_seconds = 0.0  # total for the accepted rows
        self.failed = 0
        self.last_failures: deque[Failure] = deque(maxlen=MAX_FAILURES_KEPT)
        self.controller = controller
        self._transport = transport
        self._buffer = buffer
        self._max_failures, self._max_waiting = max_failures, max_waiting
        self._retry_policy, self._grace_seconds = retry, grace_seconds
        self._stop = stop
        self._on_accepted = on_accepted
        self._on_tick = on_tick
        self._clock, self._wall_clock, self._uniform = clock, wall_clock, uniform
        self._quota = RetryQuota()
        self._attempts = Attempts(buffer, retry.stale_retries)
        self._started_again = 0
        self._in_flight: dict[int, bytes] = {}
        self._waiting: list[tuple[float, int, bytes]] = []
        self._is_only_looking = False
        self._is_unreached = not was_reached  # until the first response
        self._first_miss = math.inf
        self._asked_wait: _AskedWait | None = None
        self._unstarted: deque[tuple[int, bytes]] = deque()  # not requested yet, for lack of a file descriptor
        self._files_at = -math.inf  # when to try again for descriptors
        self._answered_at = clock()

    @property
    def in_flight(self) -> int:
        """Number of requests in flight."""
        return len(self._in_flight)

    @property
    def retries(self) -> int:
        """Repeated requests, by this loop and by the transport itself."""
        return self._started_again + self._attempts.repeated

    def snapshot(self, first_row: int = 0) -> Snapshot:
        """Return the progress made; `first_row` is the number of the first row in the whole."""
        trouble, server_text = self.trouble
        return Snapshot(
            self._buffer.counts(),
            retries=self.retries,
            in_flight=self.in_flight,
            concurrency=self.controller.concurrency,
            failures=tuple(failure._replace(row=failure.row + first_row) for failure in self.last_failures),
            answer_seconds=self.answer_seconds,
            trouble=trouble,
            server_text=server_text,
            is_stopping=self.is_stopping,
        )

    @property
    def is_stopping(self) -> bool:
        """Whether no further rows are started."""
        return self.error is not None or self._stop.requested

    @property
    def trouble(self) -> tuple[str, str]:
        """The message shown while nothing succeeds, and the part of it that is the server's; '' in normal operation."""
        if self.is_stopping:
            return "", ""
        now = self._clock()
        asked = self._asked_wait
        if asked is not None and asked.seconds >= SHOWN_WAIT_SECONDS and asked.until > now:
            return wait_words(asked.words, asked.until - now), asked.words
        words = self._last_words()
        if seconds := self.controller.breaker.outage_seconds(now):
            return outage_words(words, seconds), words
        if not self._in_flight and self._waiting and self._waiting[0][0] - now >= SHOWN_WAIT_SECONDS:
            return wait_words(words, self._waiting[0][0] - now), words
        if self._in_flight and (silent := now - self._answered_at) >= SHOWN_SILENCE_SECONDS:
            return silence_words(len(self._in_flight), silent), ""
        return "", ""

    def run(self, chunks: Iterable[Chunk]) -> None:
        """Deliver all chunks, or stop early; afterwards every started row has its outcome in the buffer."""
        fresh = _pairs(chunks)
        upcoming = next(fresh, None)
        try:
            while not self.is_stopping and (upcoming or self._in_flight or self._waiting or self._unstarted):
                upcoming = self._start(fresh, upcoming)
                self._collect()
                self._check_patience(is_fresh_left=upcoming is not None)
            self._drain()
            if self._is_unreached and self.failed and self.error is None and not self._stop.requested:
                self.error = unreachable_error(self._last_words())
        finally:
            self._transport.close()
            self._close_unfinished()
            self._on_tick(self)

    # starting --------------------------------------------------------------------------------------------------

    def _start(
        self, fresh: Iterator[tuple[int, bytes]], upcoming: tuple[int, bytes] | None
    ) -> tuple[int, bytes] | None:
        """Start as many rows as allowed, retries that are due first; return the next fresh row."""
        self._is_only_looking = False
        if self._asked_wait is not None and self._asked_wait.is_too_long:
            return upcoming  # the responses in flight will show whether it applies to all rows
        now = self._clock()
        if now < self._files_at:
            return upcoming
        if not self._in_flight:
            self._answered_at = now  # there is nothing to wait for yet
        allowance = self.controller.allowance(now, len(self._in_flight))
        started = self._start_unstarted(allowance) if self._unstarted else 0
        if self._waiting:
            started += self._start_again(now, allowance - started)
        in_flight, submit = self._in_flight, self._transport.submit
        if len(self._waiting) >= self._max_waiting:
            allowance = 0
        while started < allowance and upcoming is not None:
            row, body = upcoming
            upcoming = next(fresh, None)
            if row == NO_ROW:
                self._is_only_looking = True
                break
            in_flight[row] = body
            submit(row, body)
            started += 1
        if started:
            self.controller.record_started(now, started)
        return upcoming

    def _start_unstarted(self, allowance: int) -> int:
        """Start the rows that could not be requested for lack of a descriptor; return how many."""
        started = min(allowance, len(self._unstarted))
        for _ in range(started):
            row, body = self._unstarted.popleft()
            self._in_flight[row] = body
            self._transport.submit(row, body)
        return started

    def _start_again(self, now: float, allowance: int) -> int:
        """Start the retries that are due; return how many."""
        started = 0
        while started < allowance and self._is_retry_due(now):
            _, row, body = heapq.heappop(self._waiting)
            self._in_flight[row] = body
            self._transport.submit(row, body)
            self._started_again += 1
            started += 1
        return started

    def _is_retry_due(self, now: float) -> bool:
        return bool(self._waiting) and self._waiting[0][0] <= now and self._quota.try_spend(now)

    def _patience(self) -> float:
        """Return how long to wait for a response before there may be something else to do."""
        if self._is_only_looking:
            return 0.0
        now = self._clock()
        if now < self._files_at:
            return min(PATIENCE_SECONDS, self._files_at - now)
        wait = min(PATIENCE_SECONDS, self.controller.seconds_until_next(now))
        if self._waiting:
            wait = min(wait, max(self._waiting[0][0] - now, self._quota.seconds_until_next(now)))
        return max(wait, 0.001) if len(self._in_flight) < self.controller.concurrency else PATIENCE_SECONDS

    # recording ---------------------------------------------------------------------------------------------------

    def _collect(self) -> None:
        responses = self._transport.poll(self._patience())
        if responses:
            self._answered_at = self._clock()
            self._record_responses(responses)
        self._on_tick(self)

    def _record_responses(self, responses: list[Response]) -> None:
        """Record plain successes here, the fast path; `_handle` does the rest."""
        accepted: list[int] = []
        stats = ResponseStats()
        seconds = 0.0
        buffer, in_flight = self._buffer, self._in_flight
        status, http_status, attempts = buffer.status, buffer.http_status, buffer.attempts
        if self._is_unreached:
            self._is_unreached = not any(one.status or one.was_sent or one.repeats for one in responses)
            self._first_miss = min(self._first_miss, self._clock())
        for response in responses:
            row = response.token
            if response.repeats:
                self._attempts.record_repeats(row, response.repeats)
            if response.status == OK and response.body in PLAIN_SUCCESS:
                del in_flight[row]
                status[row] = _ACCEPTED
                http_status[row] = OK
                attempts[row] += 1
                seconds += response.seconds
                accepted.append(row)
            else:
                self._handle(response, accepted, stats)
        stats.good += len(accepted)
        stats.seconds += seconds
        self.controller.record_stats(self._clock(), stats)
        if accepted:
            self._asked_wait = None
            self.accepted += len(accepted)
            self.answer_seconds += seconds
            self._quota.record_success(len(accepted), self._attempts.count_retried(accepted) if self.retries else 0)
            self._on_accepted(accepted)
            if self._buffer.errors:
                self._forget_errors(accepted)

    def _forget_errors(self, accepted: list[int]) -> None:
        for row in accepted:
            self._buffer.errors.pop(row, None)

    def _handle(self, response: Response, accepted: list[int], stats: ResponseStats) -> None:
        row, body = response.token, self._in_flight.pop(response.token)
        verdict = classify(response)
        if response.fault is RequestFault.FILES:
            self._wait_for_files(response, body, stats)
            return
        if verdict is not Verdict.ACCEPTED:
            self._attempts.record(response)
        if verdict is Verdict.RETRY and self._attempts.is_free(response):
            heapq.heappush(self._waiting, (self._clock(), row, body))
            return
        attempts = self._attempts.count(row)
        if verdict is Verdict.ACCEPTED:
            self._buffer.record(row, Status.ACCEPTED, http_status=response.status)
            accepted.append(row)
            stats.seconds += response.seconds
        elif verdict is Verdict.RETRY:
            self._retry(response, row, body, attempts)
            asked = parse_retry_after(response.retry_after, self._wall_clock())
            if asked is not None:
                self._record_asked_wait(asked, response)
            if response.status in PUSHBACK_STATUSES:
                stats.record_pushback(asked, response.seconds)
            else:
                stats.failures += 1
        else:
            stats.good += 1  # a rejection is a response: the service is up
            stats.seconds += response.seconds
            self._fail(row, self._attempts.final_status(row), self._attempts.words(response), response.status)
            self.error = self.error or abort_error(verdict, response)

    def _retry(self, response: Response, row: int, body: bytes, attempts: int) -> None:
        wait = self._retry_policy.wait(attempts, response, self._uniform, self._wall_clock())
        self._buffer.errors[row] = words = self._attempts.words(response)
        self._buffer.http_status[row] = response.status
        if wait is None:
            self._fail(row, self._attempts.final_status(row), f"{words} ({attempts} attempts)", response.status)
        else:
            heapq.heappush(self._waiting, (self._clock() + wait, row, body))

    def _wait_for_files(self, response: Response, body: bytes, stats: ResponseStats) -> None:
        """Retry in a moment, with fewer connections; the attempt does not count."""
        stats.unstarted += 1
        self._buffer.errors[response.token] = describe(response)
        self._unstarted.append((response.token, body))
        self._files_at = self._clock() + FILES_WAIT_SECONDS

    def _record_asked_wait(self, seconds: float, response: Response) -> None:
        asked = _AskedWait(seconds, self._clock(), describe(response))
        if self._asked_wait is None or asked.until > self._asked_wait.until:
            self._asked_wait = asked

    def _fail(self, row: int, status: Status, words: str, http_status: int) -> None:
        self._buffer.record(row, status, words, http_status)
        self.last_failures.append(Failure(row, status, words, http_status))
        self.failed += 1
        limit, finished = self._max_failures, self.accepted + self.failed
        if self.error is None and are_too_many(self.failed, finished, limit):
            self.error = too_many_error(self.failed, finished, limit, words)

    # ending ----------------------------------------------------------------------------------------------------

    def _check_patience(self, *, is_fresh_left: bool) -> None:
        """End the run if no further success can be expected within the time limits."""
        now = self._clock()
        if self.error is not None:
            return
        asked = self._asked_wait
        if asked is not None and asked.is_too_long:
            if not self._in_flight or now >= asked.since + self._grace_seconds:
                self.error = long_wait_error(asked.words, asked.seconds)
        elif self._is_only_waiting(now, is_fresh_left=is_fresh_left):
            self.error = long_wait_error(self._last_words(), self._waiting[0][0] - now)
        elif self.controller.breaker.has_given_up(now):
            self.error = outage_error(self._last_words(), self.controller.breaker.outage_seconds(now))
        elif self._is_unreached and now - self._first_miss >= UNREACHABLE_SECONDS:
            self.error = unreachable_error(self._last_words())

    def _is_only_waiting(self, now: float, *, is_fresh_left: bool) -> bool:
        """Return whether the only remaining work is waiting for longer than the outage limit."""
        if self._in_flight or self._unstarted or not self._waiting or self._waiting[0][0] - now <= OUTAGE_LIMIT_SECONDS:
            return False
        return not is_fresh_left or len(self._waiting) >= self._max_waiting

    def _last_words(self) -> str:
        return next(reversed(self._buffer.errors.values()), "no response")

    def _drain(self) -> None:
        """Wait for requests in flight, up to the grace period."""
        deadline = self._clock() + self._grace_seconds
        while self._in_flight and not self._stop.at_once and self._clock() < deadline:
            self._collect()

    def _close_unfinished(self) -> None:
        """Set the outcome of every row that was started and not finished; none of them is listed as a failure."""
        buffer = self._buffer
        for row in self._in_flight:
            buffer.count_attempt(row)
            buffer.record(row, Status.UNKNOWN, "the run ended before the response arrived")
        tried = [row for row, _ in self._unstarted if buffer.attempts[row] or row in buffer.lost]
        for row in [*(row for _, row, _ in self._waiting), *tried]:  # rows never tried stay unsent
            status = Status.UNKNOWN if row in buffer.lost else Status.UNSENT
            words = f"{buffer.errors.get(row, '')} (the run ended before the next attempt)".strip()
            buffer.record(row, status, words, buffer.http_status[row])
        self._in_flight, self._waiting = {}, []
        self._unstarted.clear()


def _pairs(chunks: Iterable[Chunk]) -> Iterator[tuple[int, bytes]]:
    """Yield row and body of each; `NO_ROW` for a chunk without rows, since creating it took time."""
    for chunk in chunks:
        if not chunk.rows:
            yield NO_ROW, b""
        yield from zip(chunk.rows, chunk.bodies, strict=True)


class Attempts:
    """The attempts of one run.

    Attributes
    ----------
    repeated : int
        Requests that the transport repeated by itself after a kept-alive connection broke.
    """

    def __init__(self, buffer: OutcomeBuffer, stale_retries: int) -> None:
        self.repeated = 0
        self._buffer = buffer
        self._stale_retries = stale_retries
        self._free: defaultdict[int, int] = defaultdict(int)
        self._repeats: defaultdict[int, int] = defaultdict(int)

    def record(self, response: Response) -> None:
        """Record if a response leaves open whether its row arrived, also if the run then ends."""
        if may_have_arrived(response):
            self._buffer.lost.add(response.token)

    def final_status(self, row: int) -> Status:
        """Return the final status of a row that was not accepted: `unknown` if any attempt may have arrived."""
        return Status.UNKNOWN if row in self._buffer.lost else Status.FAILED

    def record_repeats(self, row: int, count: int) -> None:
        """Record requests that the transport repeated; like free attempts, they do not count."""
        self.repeated += count
        self._repeats[row] += count
        for _ in range(count):
            self._buffer.count_attempt(row)

    def is_free(self, response: Response) -> bool:
        """Return whether this attempt does not count, since the server had closed a kept-alive connection."""
        row = response.token
        if not is_free(response) or self._free[row] >= self._stale_retries:
            return False
        self._free[row] += 1
        self._buffer.count_attempt(row)
        return True

    def count(self, row: int) -> int:
        """Count an attempt for a row, and return how many were counted so far."""
        attempts = self._buffer.count_attempt(row)
        return attempts - self._free.get(row, 0) - self._repeats.get(row, 0)

    def count_retried(self, rows: Iterable[int]) -> int:
        """Return how many of `rows` were retried by the run itself."""
        attempts = self._buffer.attempts
        return sum(attempts[row] - self._repeats.get(row, 0) > 1 for row in rows)

    def words(self, response: Response) -> str:
        """Return why an attempt failed, adding whether an earlier one may have arrived although this one did not."""
        is_last_open = may_have_arrived(response) and not response.repeats  # `repeats` are earlier ones
        lost = response.token in self._buffer.lost and not is_last_open
        return describe(response) + ("; an earlier attempt may have arrived" if lost else "")
