"""How many requests may start now: a window that grows while it helps, a rate that finds the server's limit.

Two controls work together. The *window* is how many requests may be in flight (additive increase, multiplicative
decrease, after a doubling start). A window alone cannot keep within a limit of requests a second on a fast server, so
429 and 503 also teach a *rate*: cut below what the server lately let through, then raised along a cubic curve that is
flat near the old limit and steep beyond it. Both react to a share of the answers, never to a single one: one refused
row among hundreds accepted is that row's affair. And every cut is on trial (`noise`): bad answers that a lower speed
does not prevent are no reason to be slow. Nothing here reads a clock: `now` is monotonic seconds.
"""

import math
from dataclasses import dataclass
from typing import Final

from growlytics_pandas.http.error_rate import YOUNG_TOLERANCE, Decision, ErrorRateMonitor

BURST_SECONDS: Final = 0.05  # how much unused rate may be saved up: a window of one second stays within 5 %


class TokenBucket:
    """A token bucket: so many requests a second, with little saved up."""

    __slots__ = ("_at", "_rate", "_tokens")

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._tokens = 1.0
        self._at = -math.inf

    @property
    def is_limited(self) -> bool:
        """Whether there is a rate to keep."""
        return self._rate is not None

    def set_rate(self, now: float, rate: float | None) -> None:
        """Go on with another rate; None is none."""
        self._refill(now)
        self._rate = rate

    def tokens(self, now: float) -> int:
        """Return how many requests the rate allows now."""
        self._refill(now)
        return int(self._tokens)

    def take(self, now: float, count: int) -> None:
        """Use tokens up; more than there are become a debt."""
        self._refill(now)
        self._tokens -= count

    def empty(self, now: float) -> None:
        """Drop what was saved up."""
        self._refill(now)
        self._tokens = min(self._tokens, 0.0)

    def seconds_until_token(self, now: float) -> float:
        """Return when time alone brings the next token; infinite without a rate."""
        if self._rate is None:
            return math.inf
        self._refill(now)
        return max(0.0, 1.0 - self._tokens) / self._rate

    def _refill(self, now: float) -> None:
        if self._rate is not None and now > self._at:
            most = max(1.0, self._rate * BURST_SECONDS)
            gained = self._rate * (now - self._at)
            self._tokens = min(most, max(self._tokens, -most) + gained)
        self._at = now


class RateFinder:
    """The server's limit, found: below it after a cut, flat near it, steep beyond it (a cubic, as in TCP CUBIC)."""

    __slots__ = ("_limit", "_plateau_seconds", "_seconds", "_sent", "rate", "trial_rate")

    CUT: Final = 0.93  # of what the server let through
    TRIAL: Final = 0.85  # of that, until it is clear whether the cut helps, or
    LEAST_TRIAL: Final = 0.5  # where an older limit was so much lower
    FIRST_PLATEAU_SECONDS: Final = 1.0  # until the old limit is tried again, while the limit is little known
    MAX_PLATEAU_SECONDS: Final = 12.0  # doubled up to this while measurements agree
    MAX_DOUBLING_SECONDS: Final = 4.0  # for a rate well beyond the old limit: it has been lifted
    AGREEMENT: Final = 0.3  # relative difference of two measurements of one limit
    MAX_OVER_MEAN: Final = 1.03  # of the mean rate since the last cut: what was saved up on the server is no limit
    NEAR: Final = 0.97  # of the limit: it was measured no better
    MIN_RATE: Final = 1.0  # requests a second

    def __init__(self, limit: float = 0.0, plateau_seconds: float = FIRST_PLATEAU_SECONDS, known: float = 0.0) -> None:
        self.rate = self.CUT * limit if limit else None
        # A clear experiment is a short one, and a rate that has done well before is the best.
        self.trial_rate = self.CUT * min(self.TRIAL * limit, max(known, self.LEAST_TRIAL * limit) or math.inf)
        self._limit = limit
        self._plateau_seconds = plateau_seconds
        self._seconds = 0.0
        self._sent = 0.0

    @property
    def is_near_limit(self) -> bool:
        """Whether refusals may be due to the rate."""
        return self.rate is not None and self.rate > self.NEAR * self._limit

    def cut(self, measured: float) -> "RateFinder":
        """Return a finder that starts below what the server lately let through: `measured` requests a second."""
        if 0.0 < self._seconds <= 2.0 * self._plateau_seconds:
            measured = min(measured, self.MAX_OVER_MEAN * self._sent / self._seconds)
        measured = max(measured, self.MIN_RATE)
        agrees = abs(measured - self._limit) <= self.AGREEMENT * self._limit
        doubled = min(2.0 * self._plateau_seconds, self.MAX_PLATEAU_SECONDS)
        return RateFinder(measured, doubled if agrees else self.FIRST_PLATEAU_SECONDS, self._limit or measured)

    def advance(self, seconds: float) -> None:
        """Move along the curve; called only for time in which the rate was what held requests back."""
        rate = self.rate or self._limit
        self._seconds += seconds
        self._sent += rate * seconds
        phase = self._seconds / self._plateau_seconds - 1.0
        if phase <= 1.0:
            self.rate = self._limit * (1.0 + (1.0 - self.CUT) * phase**3)
        else:
            self.rate = rate * 2.0 ** (seconds / min(self._plateau_seconds, self.MAX_DOUBLING_SECONDS))


START_IN_FLIGHT: Final = 8  # requests: polite to a small server, doubled every round trip while all goes well
MAX_IN_FLIGHT: Final = 64  # requests: what a default run may have open at once
OUTAGE_LIMIT_SECONDS: Final = 120.0  # after so long without one success the run is given up
OUTAGE_FAILURES: Final = 10  # so many in a row, and
OUTAGE_AFTER_SECONDS: Final = 2.0  # for so long: the service is down, not a row unlucky
FIRST_OUTAGE_PROBE_SECONDS: Final = 1.0  # between the first two probes of an outage; doubled each time
MAX_OUTAGE_PROBE_SECONDS: Final = 15.0  # so that the end of an outage is noticed soon
FIRST_HOLD_PROBE_SECONDS: Final = 0.1  # the server refuses everything just now: one request at a time, so far apart
MAX_HOLD_PROBE_SECONDS: Final = 1.0  # most limiters count by the second
HOLD_CHANCE: Final = 1e-5  # that so many refusals in a row are mere background; else everything is refused just now

PUSHBACK_TOLERANCE: Final = 0.02  # share of the answers that may be 429 or 503 before the rate is cut
FAILURE_TOLERANCE: Final = 0.05  # share that may be timeouts, resets, 5xx before the window is cut
WINDOW_CUT: Final = 0.7  # factor: gentler than TCP's half, for one run is one client
LEAST_MEASURE_SECONDS: Final = 0.25  # for a rate to be measured after everything had been refused
SEEN_AFTER: Final = 1.2  # round trips until the answers show a cut
WINDOW_GROWTH: Final = 0.05  # of the window, each round trip, past the doubling start; at least one request


@dataclass(slots=True)
class ResponseStats:
    """What came back at once, as far as pacing cares."""

    good: int = 0  # the service took the row, or refused it for good: it is there
    seconds: float = 0.0  # that the good ones took, summed
    pushbacks: int = 0  # 429 and 503
    failures: int = 0  # timeouts, broken connections, any other 5xx
    unstarted: int = 0  # this process had no descriptor left for a connection
    retry_after_seconds: float = 0.0  # the longest that a pushback asked for

    def note_pushback(self, retry_after_seconds: float | None) -> None:
        """Add an answer 429 or 503, and what it asked for."""
        self.pushbacks += 1
        self.retry_after_seconds = max(self.retry_after_seconds, retry_after_seconds or 0.0)


class ConcurrencyController:
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
        self._pushback, self._failure = ErrorRateMonitor(PUSHBACK_TOLERANCE), ErrorRateMonitor(FAILURE_TOLERANCE)
        self._max_rate = max_rate
        self._finder = RateFinder()
        self._before_rate_cut = self._before_window_cut = self._speed()
        self._bucket = TokenBucket(max_rate)
        self._is_rate_full = False
        self._next_rate_cut = -math.inf
        self._resumed_at = -math.inf
        self._last_allowance = -math.inf
        self._silence = _CircuitBreaker(outage_limit_seconds)

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
        return max(0.0, self._silence.probe_at - now)

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
            return self.hold_seconds(now)
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

    def note_answers(self, now: float, answers: ResponseStats) -> None:
        """Take note of the answers that came at once."""
        is_new_hold = False
        if answers.unstarted:
            self._cut_window(self._window * WINDOW_CUT)
        if answers.good:
            self._note_good(now, answers)
        elif answers.pushbacks or answers.failures or answers.unstarted:
            is_new_hold = self._note_silence(now, answers)
        advice = self._pushback.note(now, answers.good, answers.pushbacks)
        measured_since = self._resumed_at if self._pushback.n_good else math.inf
        if advice is Decision.CUT and now < measured_since + 1.0:
            advice = Decision.NOTHING  # too little has been let through to measure a rate by
        if is_new_hold and advice is Decision.NOTHING and now >= measured_since + LEAST_MEASURE_SECONDS:
            advice = Decision.CUT
        if advice is not Decision.NOTHING:
            self._follow_pushback(now, advice)
        advice = self._failure.note(now, answers.good, answers.failures)
        if advice is not Decision.NOTHING:
            self._follow_failure(now, advice)

    def outage_seconds(self, now: float) -> float:
        """Return for how long nothing has succeeded; 0.0 while the service is taken to be up."""
        return self._silence.outage_seconds(now)

    def has_given_up(self, now: float) -> bool:
        """Return whether the outage has lasted so long that the run should end."""
        return self._silence.has_given_up(now)

    def _advance_rate(self, now: float) -> None:
        if self._is_rate_full and self._finder.rate is not None and not self._pushback.is_on_trial:
            self._finder.advance(now - self._last_allowance)
            self._set_rate(now)
            if self._finder.is_near_limit:
                self._pushback.disregard(now)
        self._last_allowance = now

    def _set_rate(self, now: float) -> None:
        found = self._finder.trial_rate if self._pushback.is_on_trial else self._finder.rate
        rates = [rate for rate in (found, self._max_rate) if rate is not None]
        self._bucket.set_rate(now, min(rates, default=None))

    def _grow(self, count: int) -> None:
        step = float(count) if self._is_doubling else count * max(1.0 / self._window, WINDOW_GROWTH)
        self._window = min(self._window + step, float(self._max_window))

    def _note_good(self, now: float, answers: ResponseStats) -> None:
        if self._silence.n_failures:
            if self._silence.is_outage:
                self._restart()
            if self._silence.is_holding and self._round_trip:  # before the first good answer it was no resumption
                self._resumed_at = now
            self._silence.end()
        seconds = answers.seconds / answers.good
        self._round_trip = seconds if not self._round_trip else 0.8 * self._round_trip + 0.2 * seconds
        if self._is_window_full and self._window < self._max_window and not self._failure.is_on_trial:
            self._grow(answers.good)

    def _note_silence(self, now: float, answers: ResponseStats) -> bool:
        """Take note of answers without a good one; return whether everything is refused from now on."""
        was_holding = self._silence.is_holding
        self._silence.note_failures(now, answers.pushbacks + answers.failures + answers.unstarted)
        if answers.pushbacks:
            self._silence.note_refusals(now, answers, self._stop_streak(now))
        if self._silence.is_holding:
            self._pushback.postpone_trial(now)
        return self._silence.is_holding and not was_holding

    def _stop_streak(self, now: float) -> int:
        """Return how many refusals in a row mean that everything is refused."""
        share = max(self._pushback.tolerance(now), self._pushback.share_without(self._silence.n_refusals))
        return math.ceil(math.log(HOLD_CHANCE) / math.log(min(share, YOUNG_TOLERANCE)))

    def _restart(self) -> None:
        self._window = self._start
        self._is_doubling = True
        self._failure = ErrorRateMonitor(FAILURE_TOLERANCE)  # what failed in an outage tells nothing about our speed

    def _speed(self) -> "_Speed":
        return _Speed(self._window, self._is_doubling, self._finder)

    def _cut_window(self, window: float) -> None:
        self._window = max(1.0, min(window, self._window))
        self._is_doubling = False

    def _restore_window(self, before: "_Speed") -> None:
        self._window = max(self._window, before.window)
        self._is_doubling = before.is_doubling

    def _follow_failure(self, now: float, advice: Decision) -> None:
        if advice is Decision.RESTORE:
            self._restore_window(self._before_window_cut)
        elif advice is not Decision.KEEP:
            if advice is Decision.CUT:
                self._before_window_cut = self._speed()
            self._cut_window(self._window * WINDOW_CUT)
            self._failure.begin_trial(now + SEEN_AFTER * self._round_trip)

    def _follow_pushback(self, now: float, advice: Decision) -> None:
        if advice is Decision.RESTORE:
            self._finder = self._before_rate_cut.finder
            self._set_rate(now)
            self._restore_window(self._before_rate_cut)
        elif advice is Decision.CUT_AGAIN and self._finder.rate is not None:
            # What the last cut let through was a saved-up burst.
            self._cut_rate(now, self._finder.trial_rate * max(0.5, 1.0 - self._pushback.tried_share))
        elif advice is Decision.CUT and now >= self._next_rate_cut:
            if not self._pushback.is_on_trial:
                self._before_rate_cut = self._speed()
            self._cut_rate(now, self._pushback.good_per_second(now) / (1.0 - self._pushback.background))
        elif advice is Decision.KEEP:
            self._set_rate(now)  # the full one after a cut: the trial is over

    def _cut_rate(self, now: float, measured: float) -> None:
        self._finder = self._finder.cut(measured)
        # The next measurement must not contain answers from before this cut.
        self._next_rate_cut = now + 1.0 + self._round_trip
        self._pushback.begin_trial(now + SEEN_AFTER * self._round_trip, is_blocked=self._silence.is_holding)
        self._set_rate(now)
        self._bucket.empty(now)
        needed = 1.5 * (self._finder.rate or 0.0) * self._round_trip
        self._cut_window(max(self._window * WINDOW_CUT, needed))


@dataclass(frozen=True, slots=True)
class _Speed:
    """What a cut changes, kept in case it was for nothing."""

    window: float
    is_doubling: bool
    finder: RateFinder


class _CircuitBreaker:
    """The time without a success: first single probes close together, then an outage, then the end."""

    __slots__ = (
        "_asked_until",
        "_is_last_probe_lost",
        "_limit_seconds",
        "_probe_seconds",
        "_since",
        "is_holding",
        "is_outage",
        "n_failures",
        "n_refusals",
        "probe_at",
    )

    def __init__(self, limit_seconds: float) -> None:
        self._limit_seconds = limit_seconds
        self.end()

    def end(self) -> None:
        self.is_holding = False
        self.is_outage = False
        self.n_failures = 0
        self.n_refusals = 0
        self.probe_at = -math.inf
        self._since = 0.0
        self._asked_until = -math.inf
        self._is_last_probe_lost = False
        self._probe_seconds = FIRST_HOLD_PROBE_SECONDS

    def note_failures(self, now: float, count: int) -> None:
        if self.n_failures == 0:
            self._since = now
        self.n_failures += count
        self._is_last_probe_lost = self.outage_seconds(now) >= self._limit_seconds
        lasts = now - self._since >= OUTAGE_AFTER_SECONDS
        if lasts and self.n_failures >= OUTAGE_FAILURES and not self.is_outage:
            self.is_outage = True
            self._probe_seconds = FIRST_OUTAGE_PROBE_SECONDS
            self._hold(now + FIRST_OUTAGE_PROBE_SECONDS)

    def note_refusals(self, now: float, answers: ResponseStats, streak: int) -> None:
        self.n_refusals += answers.pushbacks
        if self.n_refusals >= streak:
            asked = answers.retry_after_seconds  # one beyond the patience of a run ends it elsewhere
            if asked > 0.0:
                self._asked_until = max(self._asked_until, now + asked)
            self._hold(now + max(asked, FIRST_HOLD_PROBE_SECONDS))

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
