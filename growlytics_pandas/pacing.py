"""How many requests may start now: a window that grows while it helps, a rate that finds the server's limit.

Two controls work together. The *window* is how many requests may be in flight (additive increase, multiplicative
decrease, after a doubling start). A window alone cannot keep within a limit of requests a second on a fast server, so
429 and 503 also teach a *rate*: cut below what the server lately let through, then raised along a cubic curve that is
flat near the old limit and steep beyond it. Both react to a share of the answers, never to a single one: one refused
row among hundreds accepted is that row's affair. Nothing here reads a clock: `now` is monotonic seconds.
"""

import math
from typing import Final

from growlytics_pandas.rate import METER_BINS, Meter, RateFinder, TokenBucket

START_IN_FLIGHT: Final = 8  # requests: polite to a small server, doubled every round trip while all goes well
MAX_IN_FLIGHT: Final = 64  # requests: what a default run may have open at once
OUTAGE_LIMIT_SECONDS: Final = 120.0  # after so long without one success the run is given up
OUTAGE_FAILURES: Final = 10  # so many in a row, and
OUTAGE_AFTER_SECONDS: Final = 2.0  # for so long: the service is down, not a row unlucky
FIRST_OUTAGE_PROBE_SECONDS: Final = 1.0  # between the first two probes of an outage; doubled each time
MAX_OUTAGE_PROBE_SECONDS: Final = 15.0  # so that the end of an outage is noticed soon
FIRST_HOLD_PROBE_SECONDS: Final = 0.1  # the server refuses everything just now: one request at a time, so far apart
MAX_HOLD_PROBE_SECONDS: Final = 1.0  # most limiters count by the second
MAX_SERVER_WAIT_SECONDS: Final = 300.0  # a longer Retry-After is not obeyed in full
HOLD_STREAK: Final = 2  # refusals in a row, without a success between them, and at least
HOLD_SHARE: Final = 0.125  # of the window: an unlucky pair among hundreds is no stop sign

PUSHBACK_TOLERANCE: Final = 0.02  # share of the answers that may be 429 or 503 before the rate is cut
FAILURE_TOLERANCE: Final = 0.05  # share that may be timeouts, resets, 5xx before the window is cut
EARLY_PUSHBACKS: Final = 4  # answers, within a second of a cut, and
EARLY_SHARE: Final = 0.25  # of the answers to what was sent since: the cut was far too little
WINDOW_CUT: Final = 0.7  # factor: gentler than TCP's half, for one run is one client
WINDOW_GROWTH: Final = 0.05  # of the window, each round trip, past the doubling start; at least one request


class Pacer:
    """Decides how many requests may start. One delivery loop uses it; it is pure arithmetic.

    Parameters
    ----------
    max_concurrency : int
        Requests in flight, never more.
    max_rate : float, optional
        Requests a second, never more; None leaves it to what the server shows.
    start : int
        Requests in flight at first.
    outage_limit_seconds : float
        How long nothing may succeed before `has_given_up`.
    """

    def __init__(
        self,
        *,
        max_concurrency: int = MAX_IN_FLIGHT,
        max_rate: float | None = None,
        start: int = START_IN_FLIGHT,
        outage_limit_seconds: float = OUTAGE_LIMIT_SECONDS,
    ) -> None:
        self._max_window = max(1, max_concurrency)
        self._start = max(1.0, float(min(start, self._max_window)))
        self._window = self._start
        self._is_doubling = True
        self._round_trip = 0.0
        self._room = 0
        self._is_window_full = True
        self._next_window_cut = -math.inf
        self._successes, self._pushbacks, self._failures = Meter(), Meter(), Meter()
        self._max_rate = max_rate
        self._finder = RateFinder()
        self._bucket = TokenBucket(max_rate)
        self._is_rate_full = False
        self._next_rate_cut = -math.inf
        self._cut_seen_at = math.inf
        self._n_early = self._n_after_cut = 0
        self._last_allowance = -math.inf
        self._silence = _Silence(outage_limit_seconds)

    @property
    def concurrency(self) -> int:
        """Requests that may be in flight now."""
        return int(self._window)

    @property
    def is_paused(self) -> bool:
        """Whether the service is taken to be down, so that only single probes go out."""
        return self._silence.is_outage

    @property
    def is_holding(self) -> bool:
        """Whether everything is refused just now, so that only single probes go out."""
        return self._silence.is_holding

    def hold_seconds(self, now: float) -> float:
        """Return how long until the next probe; 0.0 while all goes well."""
        return max(0.0, self._silence.probe_at - now) if self._silence.is_holding else 0.0

    def allowance(self, now: float, in_flight: int) -> int:
        """Return how many requests may start now."""
        self._advance_rate(now)
        if self._silence.is_holding:
            self._is_window_full = self._is_rate_full = False
            self._room = 1
            return self._silence.probes(now)
        self._room = int(self._window) - in_flight
        if self._room <= 0:
            self._is_window_full, self._is_rate_full = True, False
            return 0
        if not self._bucket.is_limited:
            return self._room
        tokens = self._bucket.tokens(now)
        self._is_rate_full = tokens < self._room
        return min(self._room, tokens)

    def seconds_until_next(self, now: float) -> float:
        """Return when time alone could raise the last allowance; infinite where only a reply can."""
        if self._silence.is_holding:
            return max(0.0, self._silence.probe_at - now)
        if self._room <= 0:
            return math.inf
        return self._bucket.seconds_until_token(now)

    def note_started(self, now: float, count: int) -> None:
        """Take note of requests that have just started."""
        self._is_window_full = count >= self._room
        self._room -= count
        self._bucket.take(now, count)
        if self._silence.is_holding:
            self._silence.note_probe(now)

    def note_success(self, now: float, count: int, seconds: float) -> None:
        """Take note of `count` rows accepted, answered in `seconds` on average."""
        if count <= 0:
            return
        if self._silence.is_outage:
            self._restart()
        self._silence.end()
        self._round_trip = seconds if not self._round_trip else 0.8 * self._round_trip + 0.2 * seconds
        self._successes.add(now, count)
        if now >= self._cut_seen_at:
            self._n_after_cut += count
        if self._is_window_full and self._window < self._max_window:
            self._grow(count)

    def note_pushback(self, now: float, retry_after_seconds: float | None) -> None:
        """Take note of an answer 429 or 503."""
        self._pushbacks.add(now, 1)
        self._silence.note_refusal(now, retry_after_seconds, max(HOLD_STREAK, int(HOLD_SHARE * self._window)))
        if now < self._next_rate_cut:
            self._note_early_pushback(now)
        elif self._silence.is_holding or self._is_too_many(now, self._pushbacks, PUSHBACK_TOLERANCE):
            self._cut_rate(now, self._successes.per_second(now))

    def note_failure(self, now: float) -> None:
        """Take note of a timeout, a broken connection, or an answer 5xx other than 503."""
        self._failures.add(now, 1)
        self._silence.note_failure(now)
        if now >= self._next_window_cut and self._is_too_many(now, self._failures, FAILURE_TOLERANCE):
            self._cut_window(now, self._window * WINDOW_CUT)

    def outage_seconds(self, now: float) -> float:
        """Return for how long nothing has succeeded; 0.0 while the service is taken to be up."""
        return self._silence.outage_seconds(now)

    def has_given_up(self, now: float) -> bool:
        """Return whether the outage has lasted so long that the run should end."""
        return self._silence.has_given_up(now)

    def _advance_rate(self, now: float) -> None:
        if self._is_rate_full and self._finder.rate is not None:
            self._finder.advance(now - self._last_allowance)
            self._set_rate(now)
        self._last_allowance = now

    def _set_rate(self, now: float) -> None:
        rates = [rate for rate in (self._finder.rate, self._max_rate) if rate is not None]
        self._bucket.set_rate(now, min(rates, default=None))

    def _grow(self, count: int) -> None:
        step = float(count) if self._is_doubling else count * max(1.0 / self._window, WINDOW_GROWTH)
        self._window = min(self._window + step, float(self._max_window))

    def _restart(self) -> None:
        self._window = self._start
        self._is_doubling = True

    def _cut_window(self, now: float, window: float) -> None:
        self._window = max(1.0, min(window, self._window))
        self._is_doubling = False
        # Once a round trip: the other failures of the same window were sent before this cut could help.
        self._next_window_cut = now + max(self._round_trip, 1.0 / METER_BINS)

    def _note_early_pushback(self, now: float) -> None:
        """Cut again within the second if the last cut was far too little: what it let through was a saved-up burst."""
        if now < self._cut_seen_at or self._silence.is_holding:
            return
        self._n_early += 1
        share = self._n_early / (self._n_early + self._n_after_cut)
        if self._n_early >= EARLY_PUSHBACKS and share >= EARLY_SHARE:
            self._cut_rate(now, (self._finder.rate or 0.0) * (1.0 - share))

    def _cut_rate(self, now: float, measured: float) -> None:
        self._finder.cut(measured)
        self._set_rate(now)
        self._bucket.empty(now)
        # The next measurement must not contain answers from before this cut.
        self._next_rate_cut = now + 1.0 + self._round_trip
        self._cut_seen_at = now + 1.2 * self._round_trip
        self._n_early = self._n_after_cut = 0
        needed = 1.5 * (self._finder.rate or 0.0) * self._round_trip
        self._cut_window(now, max(self._window * WINDOW_CUT, needed))

    def _is_too_many(self, now: float, bad: Meter, tolerance: float) -> bool:
        n_bad = bad.total(now)
        expected = tolerance * (self._successes.total(now) + n_bad)
        return n_bad >= expected + 2.0 * math.sqrt(expected)  # two standard deviations above what is tolerated


class _Silence:
    """The time without a success: first single probes close together, then an outage, then the end."""

    __slots__ = (
        "_asked_until",
        "_is_last_probe_lost",
        "_limit_seconds",
        "_n_failures",
        "_n_refusals",
        "_probe_seconds",
        "_since",
        "is_holding",
        "is_outage",
        "probe_at",
    )

    def __init__(self, limit_seconds: float) -> None:
        self._limit_seconds = limit_seconds
        self.probe_at = -math.inf
        self.end()

    def end(self) -> None:
        self.is_holding = False
        self.is_outage = False
        self._n_failures = 0
        self._n_refusals = 0
        self._since = 0.0
        self._asked_until = -math.inf
        self._is_last_probe_lost = False
        self._probe_seconds = FIRST_HOLD_PROBE_SECONDS

    def note_failure(self, now: float) -> None:
        if self._n_failures == 0:
            self._since = now
        self._n_failures += 1
        self._is_last_probe_lost = self.outage_seconds(now) >= self._limit_seconds
        lasts = now - self._since >= OUTAGE_AFTER_SECONDS
        if lasts and self._n_failures >= OUTAGE_FAILURES and not self.is_outage:
            self.is_outage = True
            self._probe_seconds = FIRST_OUTAGE_PROBE_SECONDS
            self._hold(now + FIRST_OUTAGE_PROBE_SECONDS)

    def note_refusal(self, now: float, retry_after_seconds: float | None, streak: int) -> None:
        self.note_failure(now)
        self._n_refusals += 1
        if self._n_refusals >= streak:
            wait = 0.0 if self.is_holding else FIRST_HOLD_PROBE_SECONDS
            asked = min(retry_after_seconds or 0.0, MAX_SERVER_WAIT_SECONDS)
            if asked > 0.0:
                self._asked_until = max(self._asked_until, now + asked)
            self._hold(now + max(asked, wait))

    def probes(self, now: float) -> int:
        return int(now >= self.probe_at)

    def note_probe(self, now: float) -> None:
        self._hold(now + self._probe_seconds)
        longest = MAX_OUTAGE_PROBE_SECONDS if self.is_outage else MAX_HOLD_PROBE_SECONDS
        self._probe_seconds = min(2.0 * self._probe_seconds, longest)

    def outage_seconds(self, now: float) -> float:
        return now - self._since if self.is_outage else 0.0

    def has_given_up(self, now: float) -> bool:
        # A wait that the server asked for is no sign of its death, so a probe must follow it first.
        was_asked = self._is_last_probe_lost or now >= self._asked_until + MAX_OUTAGE_PROBE_SECONDS
        return was_asked and self.outage_seconds(now) >= self._limit_seconds

    def _hold(self, until: float) -> None:
        self.is_holding = True
        self.probe_at = max(until, self.probe_at)
