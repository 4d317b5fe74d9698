"""How many requests may start now: a window that grows while it helps, and a rate that finds the server's limit.

Two controls work together. The *window* is how many requests may be in flight; it is doubled at first. The *rate* is
how many may start per second: a window alone cannot keep to a limit of requests per second on a fast server. Both are
cut below what the server recently accepted, then raised along a cubic curve that is flat near the old limit and
steep beyond it. 429 and 503 cut the window first, to the requests in flight that the server did not reject: where it
limits the requests at once, that ends the rejections. Where it does not, or where the server accepted far more at once
before, the rate is cut. A rejected request keeps its place in the window for a round trip, so that quick rejections do
not raise the rate; not so those that occur at any speed.

The controls react to the share of bad responses, never to a single one, which its row may have caused. A flaky
gateway fails a constant share of requests at any speed; a rate limit rejects only those above it. So every cut is a
trial: it stays if the share falls; otherwise it is undone, and that share becomes the background. Nothing here reads a
clock: `now` is monotonic seconds.

::

    ConcurrencyController     what the delivery loop asks and reports to; decides what to cut
    LimitCurve, TokenBucket   how a window or a rate is raised after a cut; how requests keep to a rate
    ErrorRateMonitor          whether there are too many bad responses, and whether a cut helped
    CircuitBreaker            when nothing succeeds any more: single probes, then the end of the run

The constants were tuned by simulation: `tests/http/test_concurrency*.py` have the simulated servers that each mechanism
is for, `tests/benchmarks/limits.py` measures real ones, and `tests/benchmarks/README.md` has its figures.
"""

from __future__ import annotations

import math
import sys
from collections import deque
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

START_IN_FLIGHT: Final = 8  # requests: low enough for a small server; doubled every round trip while all succeed
MAX_IN_FLIGHT: Final = 64  # requests: the default limit of a run
PUSHBACK_TOLERANCE: Final = 0.02  # share of responses that may be 429 or 503 before the speed is cut
FAILURE_TOLERANCE: Final = 0.05  # share that may be timeouts, resets, 5xx before the window is cut
WINDOW_CUT: Final = 0.75  # factor for failures: gentler than TCP's half, since one run is one client
LEAST_WINDOW: Final = 4  # requests; a server that accepts fewer at once is taken to limit the rate
PROVEN: Final = 0.7  # of the requests that the server accepted at once: a lower limit is not one of requests at once
LEAST_REJECTED: Final = 5  # requests before the window is cut: fewer may be chance
LEAST_MEASURE_SECONDS: Final = 0.25  # minimum to measure a rate after everything was rejected
LEAST_SILENCE: Final = 0.5  # round trips without a success before everything may be rejected
SEEN_AFTER: Final = 1.2  # round trips until responses reflect a cut
HOLD_CHANCE: Final = 1e-5  # probability of that many rejections in a row by chance; below it, everything is rejected
OUTAGE_LIMIT_SECONDS: Final = 120.0  # without any success, then the run ends


@dataclass(slots=True)
class ResponseStats:
    """Counts of the responses received in one poll."""

    good: int = 0  # accepted or permanently rejected rows: the service is up
    seconds: float = 0.0  # total time of the good ones
    pushbacks: int = 0  # 429 and 503
    pushback_seconds: float = 0.0  # their total time
    failures: int = 0  # timeouts, broken connections, any other 5xx
    unstarted: int = 0  # the process had no file descriptor left
    retry_after_seconds: float = 0.0  # the longest `Retry-After` of the pushbacks

    def record_pushback(self, retry_after_seconds: float | None, seconds: float = 0.0) -> None:
        """Count a 429 or 503 response, its `Retry-After` and its time."""
        self.pushbacks += 1
        self.pushback_seconds += seconds
        self.retry_after_seconds = max(self.retry_after_seconds, retry_after_seconds or 0.0)


class ConcurrencyController:
    """Decides how many requests may start. Used by one delivery loop; pure arithmetic.

    At most `max_concurrency` requests are in flight, `start` of them at first, and at most `max_rate` start per second
    (None: as many as the server accepts). After `outage_limit_seconds` without a success, the breaker has given up.
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
        self._speed = _Speed(self._start, LimitCurve(), LimitCurve())
        self._before_cut = self._before_failures = self._speed
        self._is_window_tried = False  # whether the cut on trial is one of the window
        self._window_cut_until = -math.inf  # the trial's first round trip: what is rejected narrows the window
        self._rate_before_trial = self._least_window = 0.0  # a window below the least one is caused by a rate limit
        self._round_trip = 0.0
        self._cooling: deque[tuple[float, int]] = deque()
        self._room = 0
        self._n_accepted = 0  # requests in flight that the server has not rejected
        self._is_window_full = True
        self._pushback, self._failure = ErrorRateMonitor(PUSHBACK_TOLERANCE), ErrorRateMonitor(FAILURE_TOLERANCE)
        self._max_rate = max_rate
        self._bucket = TokenBucket(max_rate)
        self._is_rate_full = False
        self._next_rate_cut = self._resumed_at = -math.inf
        self._last_allowance = self._last_good = -math.inf
        self.breaker = CircuitBreaker(outage_limit_seconds)

    @property
    def concurrency(self) -> int:
        """Requests that may be in flight now."""
        return round(self._speed.window)

    def allowance(self, now: float, in_flight: int) -> int:
        """Return how many requests may start now."""
        self._advance(now)
        if self.breaker.is_holding:
            self._is_window_full = self._is_rate_full = False
            self._room = 1
            return int(now >= self.breaker.probe_at)
        self._n_accepted = in_flight
        self._room = self.concurrency - in_flight - self._n_cooling(now)
        if self._room <= 0:
            self._is_window_full, self._is_rate_full = True, False
            return 0
        tokens = self._bucket.tokens(now)
        self._is_rate_full = tokens < self._room
        return min(self._room, tokens)

    def seconds_until_next(self, now: float) -> float:
        """Return the seconds until the allowance may rise by itself; infinite if only a response can raise it."""
        if self.breaker.is_holding:
            return self.breaker.seconds_until_probe(now)
        if self._room <= 0:
            return max(0.0, self._cooling[0][0] - now) if self._cooling else math.inf
        return self._bucket.seconds_until_token(now)

    def record_started(self, now: float, count: int) -> None:
        """Record requests that have just started."""
        self._is_window_full = count >= self._room
        self._room -= count
        self._n_accepted += count
        self._bucket.take(now, count)
        if self.breaker.is_holding:
            self.breaker.record_probe(now)

    def record_stats(self, now: float, stats: ResponseStats) -> None:
        """Record the responses of one poll."""
        is_new_hold = False
        if stats.unstarted:
            self._cut_window(self._speed.window * WINDOW_CUT)
        if stats.pushbacks:
            self._record_pushbacks(now, stats)
        if stats.good:
            self._record_good(now, stats)
        elif stats.pushbacks or stats.failures or stats.unstarted:
            is_new_hold = self._record_no_success(now, stats)
        decision = self._pushback.record(now, stats.good, stats.pushbacks)
        measured_from = max(self._resumed_at + LEAST_MEASURE_SECONDS, self._next_rate_cut)
        if is_new_hold and self._pushback.n_good and now >= measured_from:
            self._undo_window_trial()  # no window helps where everything is rejected
            self._cut_rate(now, self._accepted_per_second(now))
        elif decision is not Decision.NOTHING:
            self._follow_pushback(now, decision)
        decision = self._failure.record(now, stats.good, stats.failures)
        if decision is not Decision.NOTHING:
            self._follow_failure(now, decision)

    def _record_pushbacks(self, now: float, stats: ResponseStats) -> None:
        self._n_accepted -= stats.pushbacks
        if self._round_trip and (not self._is_random or self._pushback.is_too_many(now)):
            wait = self._round_trip - stats.pushback_seconds / stats.pushbacks
            self._cooling.append((now + wait, stats.pushbacks))
        if self._is_window_tried and now < self._window_cut_until:
            self._speed = self._before_cut
            self._cut_to_accepted()

    def _n_cooling(self, now: float) -> int:
        """Return how many rejected requests still keep their place: a quick rejection must not raise the rate."""
        while self._cooling and self._cooling[0][0] <= now:
            self._cooling.popleft()
        return sum(count for _, count in self._cooling)

    def _advance(self, now: float) -> None:
        """Raise the limit that holds requests back, unless a cut is on trial."""
        speed, seconds = self._speed, now - self._last_allowance
        self._last_allowance = now
        if self._pushback.is_on_trial:
            return
        if self._is_rate_full and speed.rate.limit:
            speed.rate.advance(seconds)
            self._set_rate(now)
            if speed.rate.is_near_limit:
                self._pushback.disregard(now)
        elif self._is_window_full and speed.curve.limit and not self._failure.is_on_trial:
            speed.curve.advance(seconds)
            speed.window = min(speed.curve.value, float(self._max_window))
            if speed.curve.is_near_limit:
                self._pushback.disregard(now)

    def _set_rate(self, now: float) -> None:
        found = self._speed.rate.trial_value if self._pushback.is_on_trial else self._speed.rate.value
        rates = [rate for rate in (found, self._max_rate) if rate]
        self._bucket.set_rate(now, min(rates, default=None))

    def _record_good(self, now: float, stats: ResponseStats) -> None:
        if self.breaker.n_failures:
            if self.breaker.is_outage:
                self._restart(now)
            if self.breaker.is_holding and self._round_trip:  # before the first success there is nothing to resume
                self._resumed_at = now
            self.breaker = CircuitBreaker(self.breaker.limit_seconds)
        self._last_good = now
        seconds = stats.seconds / stats.good
        self._round_trip = min(seconds, 0.8 * (self._round_trip or seconds) + 0.2 * seconds)
        is_on_trial = self._pushback.is_on_trial or self._failure.is_on_trial
        if self._is_window_full and not self._speed.curve.limit and not is_on_trial:
            self._speed.window = min(self._speed.window + stats.good, float(self._max_window))

    def _record_no_success(self, now: float, stats: ResponseStats) -> bool:
        """Record responses without a success; return whether this starts a phase in which everything is rejected."""
        was_holding = self.breaker.is_holding
        self.breaker.record_failures(now, stats.pushbacks + stats.failures + stats.unstarted)
        if stats.pushbacks and now >= self._last_good + LEAST_SILENCE * self._round_trip:
            streak = math.ceil(math.log(HOLD_CHANCE) / math.log(self._pushback.tolerance(now)))
            self.breaker.record_refusals(now, stats, streak)
        if self.breaker.is_holding:
            self._pushback.postpone_trial(now)
        return self.breaker.is_holding and not was_holding

    def _restart(self, now: float) -> None:
        # Responses in an outage are unrelated to our speed, and so is a cut that they caused.
        self._is_window_tried = False
        speed = self._before_cut if self._pushback.is_on_trial else self._speed
        self._speed = _Speed(self._start, LimitCurve(), speed.rate)
        self._pushback, self._failure = ErrorRateMonitor(PUSHBACK_TOLERANCE), ErrorRateMonitor(FAILURE_TOLERANCE)
        self._set_rate(now)

    def _cut_window(self, window: float) -> None:
        speed = self._speed
        curve = speed.curve.cut(window)
        narrow = min(speed.window, curve.value, window - 0.51)  # at least one request fewer, once rounded
        self._speed = _Speed(max(1.0, narrow), curve, speed.rate)

    def _follow_failure(self, now: float, decision: Decision) -> None:
        if decision is Decision.RESTORE:
            self._restore_window(self._before_failures)
        elif decision is not Decision.KEEP:
            if decision is Decision.CUT:
                self._before_failures = self._speed
            self._cut_window(self._speed.window * WINDOW_CUT)
            self._failure.begin_trial(now + SEEN_AFTER * self._round_trip)

    def _restore_window(self, before: _Speed) -> None:
        self._speed = _Speed(max(self._speed.window, before.window), before.curve, self._speed.rate)

    def _follow_pushback(self, now: float, decision: Decision) -> None:
        if decision is Decision.CUT:
            self._cut(now)
        elif self._is_window_tried:
            self._end_window_trial(now, decision)
        elif decision is Decision.CUT_AGAIN:
            # The last cut was measured during a burst.
            self._cut_rate(now, self._speed.rate.trial_value * max(0.5, 1.0 - self._pushback.tried_share))
        else:
            if decision is Decision.RESTORE:
                self._speed = _Speed(self._speed.window, self._speed.curve, self._before_cut.rate)
            self._set_rate(now)  # the full rate again: the trial is over

    def _cut(self, now: float) -> None:
        """Cut the window first, since it costs least; the rate once it is known or the window did not help."""
        if not self._pushback.n_good:
            return
        self._before_cut = self._speed
        is_window_clear = self._speed.curve.limit or not self._is_random
        if not self._speed.rate.limit and self._n_accepted >= LEAST_WINDOW and is_window_clear:
            if self._pushback.n_bad >= LEAST_REJECTED:
                self._try_window(now)
        elif now >= max(self._next_rate_cut, self._resumed_at + 1.0):  # before, too few are accepted to measure a rate
            self._cut_rate(now, self._accepted_per_second(now))

    @property
    def _is_random(self) -> bool:
        """Whether many requests are rejected at any speed."""
        return self._pushback.background > PUSHBACK_TOLERANCE

    def _try_window(self, now: float) -> None:
        """Cut the window to what the server seems to accept at once, on trial."""
        self._is_window_tried = True
        self._rate_before_trial = self._accepted_per_second(now)
        self._least_window = PROVEN * self._pushback.good_in(self._round_trip, now)
        seen_from = now + SEEN_AFTER * self._round_trip
        self._window_cut_until = now if self._speed.curve.limit else seen_from
        self._cut_to_accepted()
        self._pushback.begin_trial(seen_from, decided_from=seen_from + self._round_trip, is_conclusive=False)

    def _end_window_trial(self, now: float, decision: Decision) -> None:
        """Keep the window if it helped and the server never accepted more at once; otherwise cut the rate."""
        if decision is Decision.KEEP and self._speed.window >= max(LEAST_WINDOW, self._least_window):
            self._is_window_tried = False
            self._pushback.forget()
            return
        window, limit = self._speed.window, self._speed.curve.limit
        self._undo_window_trial()
        is_steady = decision is Decision.KEEP and window >= LEAST_WINDOW  # then the window gives the rate
        before = max(self._rate_before_trial, self._accepted_per_second(now))
        self._cut_rate(now, limit / self._round_trip if is_steady else before)

    def _undo_window_trial(self) -> None:
        if self._is_window_tried:
            self._is_window_tried = False
            self._restore_window(self._before_cut)
        self._before_cut = self._speed

    def _accepted_per_second(self, now: float) -> float:
        return self._pushback.good_per_second(now) / (1.0 - self._pushback.background)

    def _cut_to_accepted(self) -> None:
        """Cut the window to the requests in flight that were not rejected."""
        self._cooling.clear()  # their places are no longer in the window
        self._cut_window(self._n_accepted)

    def _cut_rate(self, now: float, measured: float) -> None:
        """Cut the rate below what the server recently accepted, on trial."""
        self._speed = _Speed(self._speed.window, self._speed.curve, self._speed.rate.cut(measured))
        self._pushback.begin_trial(now + SEEN_AFTER * self._round_trip, is_blocked=self.breaker.is_holding)
        self._next_rate_cut = now + 1.0 + self._round_trip  # the measurement must not include earlier responses
        self._set_rate(now)


@dataclass(slots=True)
class _Speed:
    """The state that a cut changes, saved so that the cut can be undone."""

    window: float
    curve: LimitCurve  # of the window; without a limit the window is doubled every round trip
    rate: LimitCurve  # without a limit there is no rate


# a limit, and how to keep to it ---------------------------------------------------------------------------------------


class LimitCurve:
    """Finds a limit: below it after a cut, flat near it, steep beyond it (a cubic, as in TCP CUBIC)."""

    CUT: Final = 0.93  # of the limit that was measured
    TRIAL: Final = 0.85  # of that, until the trial shows whether the cut helps, or
    LEAST_TRIAL: Final = 0.5  # down to this, if an older limit was that much lower
    FIRST_PLATEAU_SECONDS: Final = 1.0  # before the old limit is tried again, after the first measurement
    MAX_PLATEAU_SECONDS: Final = 12.0  # doubled up to this as measurements agree
    MAX_DOUBLING_SECONDS: Final = 4.0  # to double a value well beyond the old limit, which was lifted
    AGREEMENT: Final = 0.3  # largest relative difference between two measurements of the same limit
    NEAR: Final = 0.97  # of the limit: within measurement error

    def __init__(self, limit: float = 0.0, plateau_seconds: float = FIRST_PLATEAU_SECONDS, known: float = 0.0) -> None:
        self.limit = limit
        self.value = self.CUT * limit
        # A deep cut gives a quick result; a value that worked before is the best choice.
        self.trial_value = self.CUT * min(self.TRIAL * limit, max(known, self.LEAST_TRIAL * limit) or math.inf)
        self._plateau_seconds = plateau_seconds
        self._seconds = 0.0

    @property
    def is_near_limit(self) -> bool:
        """Whether rejections may be caused by the value."""
        return self.value > self.NEAR * self.limit

    def cut(self, measured: float) -> LimitCurve:
        """Return a curve that starts below `measured`, what the server recently accepted."""
        measured = max(measured, 1.0)
        agrees = abs(measured - self.limit) <= self.AGREEMENT * self.limit
        doubled = min(2.0 * self._plateau_seconds, self.MAX_PLATEAU_SECONDS)
        return LimitCurve(measured, doubled if agrees else self.FIRST_PLATEAU_SECONDS, self.limit or measured)

    def advance(self, seconds: float) -> None:
        """Move along the curve; called only for time in which the value was the limiting factor."""
        self._seconds += seconds
        phase = self._seconds / self._plateau_seconds - 1.0
        if phase <= 1.0:
            self.value = self.limit * (1.0 + (1.0 - self.CUT) * phase**3)
        else:
            self.value *= 2.0 ** (seconds / min(self._plateau_seconds, self.MAX_DOUBLING_SECONDS))


BURST_SECONDS: Final = 0.05  # how much unused rate may accumulate: one second then exceeds the rate by at most 5 %


class TokenBucket:
    """A token bucket that limits requests per second and allows small bursts."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._tokens = 1.0
        self._at = -math.inf

    def set_rate(self, now: float, rate: float | None) -> None:
        """Change the rate; None means unlimited. A lower rate discards the accumulated tokens."""
        self._refill(now)
        if rate is not None and (self._rate is None or rate < self._rate):
            self._tokens = min(self._tokens, 0.0)
        self._rate = rate

    def tokens(self, now: float) -> int:
        """Return how many requests the rate allows now."""
        self._refill(now)
        return sys.maxsize if self._rate is None else int(self._tokens)

    def take(self, now: float, count: int) -> None:
        """Take tokens; taking more than are available leaves a debt."""
        self._refill(now)
        self._tokens -= count

    def seconds_until_token(self, now: float) -> float:
        """Return the seconds until the next token; infinite without a rate."""
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


# too many bad responses -----------------------------------------------------------------------------------------------

METER_BINS: Final = 10  # full bins per second
MEMORY: Final = 0.99  # share of the background kept per bin: some ten seconds, longer than a rate limit takes to show
YOUNG_SECONDS: Final = 1.0  # after the first response: too early to measure a rate, since a limiter counts per second
YOUNG_TOLERANCE: Final = 0.3  # share that may be bad in that time: a real limit soon rejects nearly everything
MARGIN: Final = 1.25  # factor up to which a share still counts as background
DEVIATIONS: Final = 2.0  # standard deviations above that: not by chance
MAX_BACKGROUND: Final = 0.4  # share; above it the cut stays whatever the trial shows, to spare a server in trouble
FALLEN: Final = 0.25  # of the share before: the trial's hypothesis "it fell"; the decision flips at about half
MIN_SHARE: Final = 0.01  # before a cut, and
MAX_SHARE: Final = 0.9  # after it: no hypothesis has probability 0 or 1
RISEN: Final = 3.0  # times the share before: the trial's hypothesis "the cut was far too small"
LEAST_KNOWN: Final = 50  # responses needed for a background rate
EVIDENCE: Final = 5.0  # natural logarithm: the best hypothesis is 150 times as likely as the next
LEAST_BAD: Final = 3  # in a trial, for a decision against the cut: a few occur at the end of a limiter's second
TRIAL_SECONDS: Final = 3.0  # after this the best hypothesis is accepted


class Decision(Enum):
    """What to do about one kind of bad responses."""

    NOTHING = "go on"
    CUT = "too many: cut the speed, on trial"
    KEEP = "the cut helped: keep it"
    CUT_AGAIN = "the cut was far too little"
    RESTORE = "the cut changed nothing: undo it"


class ErrorRateMonitor:
    """The share of one kind of bad responses: the last second in bins of a tenth, older ones as the background.

    A share up to `tolerance` is always acceptable.
    """

    def __init__(self, tolerance: float) -> None:
        self.n_good = self.n_bad = 0  # in the last second and the current bin
        self._tolerance = tolerance
        self._bins: deque[_Bin] = deque([_Bin(0)])
        self._calm_slot = 0
        self._known = self._known_bad = 0.0
        self._old_at = math.inf
        self._trial: _Trial | None = None
        self.tried_share = 0.0  # share of bad responses in the last decided trial

    @property
    def is_on_trial(self) -> bool:
        """Whether a cut is still being evaluated."""
        return self._trial is not None

    def record(self, now: float, good: int, bad: int) -> Decision:
        """Count responses and return the decision."""
        if (slot := int(now * METER_BINS)) != self._bins[-1].slot:
            self._roll(slot)
        self._bins[-1].good += good
        self._bins[-1].bad += bad
        self.n_good += good
        self.n_bad += bad
        if self._trial is not None:
            return self._evaluate(self._trial, now, good, bad)
        return Decision.CUT if bad and self.is_too_many(now) else Decision.NOTHING

    def begin_trial(
        self, seen_from: float, *, decided_from: float = 0.0, is_blocked: bool = False, is_conclusive: bool = True
    ) -> None:
        """Evaluate a cut by the responses from `seen_from` on; earlier ones result from the previous speed.

        `decided_from`: when the first decision may be made.
        `is_blocked`: everything was rejected before the cut, whatever the last second shows.
        `is_conclusive`: if the cut does not help, the share is the background.
        """
        n_bad, n_all = (1, 1) if is_blocked else (self.n_bad, max(1, self.n_good + self.n_bad))
        self._trial = _Trial(n_bad, n_all, self.background, seen_from, decided_from, is_conclusive)
        self.disregard(seen_from)
        if not is_conclusive:
            return
        if not is_blocked:
            # Leaving out the seconds that led to cuts would bias the background downwards.
            most = max(self._tolerance, self.background) * n_all
            self._known += n_all
            self._known_bad += min(self.n_bad, most + DEVIATIONS * math.sqrt(most))
        self.forget()

    def disregard(self, until: float) -> None:
        """Exclude the responses up to `until` from the background."""
        self._calm_slot = max(self._calm_slot, int(until * METER_BINS) + 1)

    def postpone_trial(self, until: float) -> None:
        """Evaluate only responses after `until`; earlier ones are unrelated to our speed."""
        self.disregard(until)
        if self._trial is not None:
            self._trial = replace(self._trial, seen_from=until, good=0, bad=0)

    @property
    def background(self) -> float:
        """Share of bad responses that is not caused by our speed."""
        return min(MAX_BACKGROUND, self._known_bad / max(LEAST_KNOWN, self._known))

    def tolerance(self, now: float) -> float:
        """Return the share up to which there is no cut, before allowing for chance."""
        least = self._tolerance if now >= self._old_at else YOUNG_TOLERANCE
        return max(least, MARGIN * self.background)

    def good_per_second(self, now: float) -> float:
        """Return the rate over the last second and the current bin; a shorter history counts as a whole second.

        A limiter accepts a second's worth at once, so a rate over a shorter time would be far too high.
        """
        return self.n_good / (1.0 + now % (1.0 / METER_BINS))

    def good_in(self, seconds: float, now: float) -> float:
        """Return the mean number of good responses in that many of the last second, or of the time so far."""
        since_first_request = now - self._old_at + YOUNG_SECONDS + seconds
        return self.n_good * seconds / min(1.0 + now % (1.0 / METER_BINS), since_first_request)

    def is_too_many(self, now: float) -> bool:
        """Return whether there are more bad responses than the background and chance explain."""
        expected = self.tolerance(now) * (self.n_good + self.n_bad)
        return self.n_bad >= expected + DEVIATIONS * math.sqrt(expected)

    def _evaluate(self, trial: _Trial, now: float, good: int, bad: int) -> Decision:
        decision = trial.record(now, good, bad)
        if decision is None:
            return Decision.NOTHING
        self._trial = None
        n_tried = trial.good + trial.bad
        self.tried_share = trial.bad / max(1, n_tried)
        if not trial.is_conclusive:
            return decision
        if decision is Decision.RESTORE or (decision is Decision.KEEP and self.tried_share < self.background):
            # A trial is the best measure of the background, so earlier data counts no more than the trial.
            weight = 0.0 if decision is Decision.RESTORE else min(1.0, max(n_tried, LEAST_KNOWN) / self._known)
            self._known = weight * self._known + n_tried
            self._known_bad = weight * self._known_bad + trial.bad
            if decision is Decision.RESTORE:  # the share was the same before
                self._known += trial.n_before
                self._known_bad += trial.n_bad_before
        return decision

    def forget(self) -> None:
        """Forget the last second, which was at another speed."""
        self._bins = deque([_Bin(self._bins[-1].slot)])
        self.n_good = self.n_bad = 0

    def _roll(self, slot: int) -> None:
        """Begin a new bin; bins older than a second are added to the background."""
        self._old_at = min(self._old_at, slot / METER_BINS + YOUNG_SECONDS)
        self._bins.append(_Bin(slot))
        while self._bins[0].slot < slot - METER_BINS:
            old = self._bins.popleft()
            self.n_good -= old.good
            self.n_bad -= old.bad
            if old.slot >= self._calm_slot:
                self._known = MEMORY * self._known + old.good + old.bad
                self._known_bad = MEMORY * self._known_bad + old.bad


@dataclass(slots=True)
class _Bin:
    """The responses of a tenth of a second."""

    slot: int
    good: int = 0
    bad: int = 0


@dataclass(slots=True)
class _Trial:
    """Compares the responses after a cut with the share before it."""

    n_bad_before: int
    n_before: int
    background: float
    seen_from: float
    decided_from: float
    is_conclusive: bool
    good: int = 0
    bad: int = 0

    def record(self, now: float, good: int, bad: int) -> Decision | None:
        """Count responses; return the decision once there is one."""
        if now < self.seen_from:
            return None
        self.good += good
        self.bad += bad
        (best, decision), (second, _), *_ = sorted(self._likelihoods(), key=lambda pair: pair[0], reverse=True)
        is_over = now >= self.seen_from + TRIAL_SECONDS
        if (best - second < EVIDENCE and not is_over) or now < self.decided_from:
            return None
        # If everything is rejected, the controller holds instead of cutting again.
        if decision is not Decision.KEEP and (self.bad < LEAST_BAD or not self.good):
            return Decision.KEEP if is_over else None
        return decision

    def _likelihoods(self) -> list[tuple[float, Decision]]:
        # Cuts tend to follow seconds that were bad by chance, hence a standard deviation to either side.
        deviation = math.sqrt(self.n_bad_before)
        bounds = ((self.n_bad_before + each) / self.n_before for each in (-deviation, deviation))
        least, most = (min(max(share, MIN_SHARE), MAX_SHARE) for share in bounds)
        fallen = max(FALLEN * least, min(self.background, 0.8 * least))
        shares = [(fallen, Decision.KEEP), (min(RISEN * most, (1.0 + most) / 2.0), Decision.CUT_AGAIN)]
        if self.n_bad_before <= MAX_BACKGROUND * self.n_before:
            shares.append((least, Decision.RESTORE))
        return [(self.bad * math.log(share) + self.good * math.log1p(-share), decision) for share, decision in shares]


# nothing succeeds -----------------------------------------------------------------------------------------------------

OUTAGE_FAILURES: Final = 10  # in a row, and
OUTAGE_AFTER_SECONDS: Final = 2.0  # for this long: the service is down, rather than some rows failing
FIRST_OUTAGE_PROBE_SECONDS: Final = 1.0  # between the first two probes of an outage; doubled each time
MAX_OUTAGE_PROBE_SECONDS: Final = 15.0  # so that the end of an outage is noticed soon
FIRST_HOLD_PROBE_SECONDS: Final = 0.1  # between the first two single requests while the server rejects everything
MAX_HOLD_PROBE_SECONDS: Final = 1.0  # most rate limiters count per second


@dataclass(slots=True)
class CircuitBreaker:
    """A period without success: first frequent single probes, then an outage, then the end of the run.

    It is holding if the server rejects everything, so that only single probes are sent; also in an outage.
    """

    limit_seconds: float
    is_holding: bool = False
    is_outage: bool = False
    n_failures: int = 0
    n_refusals: int = 0
    probe_at: float = -math.inf
    _since: float = 0.0
    _requested_until: float = -math.inf
    _is_last_probe_lost: bool = False
    _probe_seconds: float = FIRST_HOLD_PROBE_SECONDS

    def record_failures(self, now: float, count: int) -> None:
        """Record responses without a success."""
        if self.n_failures == 0:
            self._since = now
        self.n_failures += count
        self._is_last_probe_lost = self.outage_seconds(now) >= self.limit_seconds
        lasts = now - self._since >= OUTAGE_AFTER_SECONDS
        if lasts and self.n_failures >= OUTAGE_FAILURES and not self.is_outage:
            self.is_outage = True
            self._probe_seconds = FIRST_OUTAGE_PROBE_SECONDS
            self._hold(now + FIRST_OUTAGE_PROBE_SECONDS)

    def record_refusals(self, now: float, stats: ResponseStats, streak: int) -> None:
        """Record rejections; after `streak` of them the server rejects everything."""
        self.n_refusals += stats.pushbacks
        if self.n_refusals >= streak:
            requested = stats.retry_after_seconds  # a wait beyond the outage limit ends the run elsewhere
            if requested > 0.0:
                self._requested_until = max(self._requested_until, now + requested)
            self._hold(now + max(requested, FIRST_HOLD_PROBE_SECONDS))

    def seconds_until_probe(self, now: float) -> float:
        """Return the seconds until the next probe; 0.0 in normal operation."""
        return max(0.0, self.probe_at - now)

    def record_probe(self, now: float) -> None:
        """Record that a probe was sent, and wait for the next one."""
        self._hold(now + self._probe_seconds)
        longest = MAX_OUTAGE_PROBE_SECONDS if self.is_outage else MAX_HOLD_PROBE_SECONDS
        self._probe_seconds = min(2.0 * self._probe_seconds, longest)

    def outage_seconds(self, now: float) -> float:
        """Return the seconds since the last success; 0.0 while the service is considered up."""
        return now - self._since if self.is_outage else 0.0

    def has_given_up(self, now: float) -> bool:
        """Return whether the outage has exceeded its limit, so that the run should end."""
        # A wait that the server asked for is no sign of its death, so a probe must follow it first.
        has_waited = self._is_last_probe_lost or now >= self._requested_until + MAX_OUTAGE_PROBE_SECONDS
        return has_waited and self.outage_seconds(now) >= self.limit_seconds

    def _hold(self, until: float) -> None:
        self.is_holding = True
        self.probe_at = max(until, self.probe_at)
