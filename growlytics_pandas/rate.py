"""Rates: measured over a second, kept by a token bucket, found along a cubic curve. `now` is monotonic seconds."""

import math
from typing import Final

BURST_SECONDS: Final = 0.05  # how much unused rate may be saved up: a window of one second stays within 5 %
METER_BINS: Final = 10  # full bins a second


class Meter:
    """Events of the last second, in bins of a tenth: one addition a batch."""

    __slots__ = ("_bins", "_slot")

    def __init__(self) -> None:
        self._bins = [0] * (METER_BINS + 1)
        self._slot = 0

    def add(self, now: float, count: int) -> None:
        """Count events."""
        self._roll(now)
        self._bins[self._slot % len(self._bins)] += count

    def total(self, now: float) -> int:
        """Return the events of the last second and the begun bin."""
        self._roll(now)
        return sum(self._bins)

    def per_second(self, now: float) -> float:
        """Return the rate over the last second and the begun bin; a shorter history counts as a whole second.

        A limiter lets a second's worth through at once, so a rate over less would be far too high.
        """
        return self.total(now) / (1.0 + now % (1.0 / METER_BINS))

    def _roll(self, now: float) -> None:
        slot = int(now * METER_BINS)
        for passed in range(max(self._slot + 1, slot - METER_BINS), slot + 1):
            self._bins[passed % len(self._bins)] = 0
        self._slot = max(slot, self._slot)


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

    __slots__ = ("_limit", "_plateau_seconds", "_seconds", "_sent", "rate")

    CUT: Final = 0.93  # of what the server let through
    FIRST_PLATEAU_SECONDS: Final = 1.0  # until the old limit is tried again, while the limit is little known
    MAX_PLATEAU_SECONDS: Final = 12.0  # doubled up to this while measurements agree
    MAX_DOUBLING_SECONDS: Final = 4.0  # for a rate well beyond the old limit: it has been lifted
    AGREEMENT: Final = 0.3  # relative difference of two measurements of one limit
    MAX_OVER_MEAN: Final = 1.03  # of the mean rate since the last cut: what was saved up on the server is no limit
    MIN_RATE: Final = 1.0  # requests a second

    def __init__(self) -> None:
        self.rate: float | None = None
        self._limit = 0.0
        self._plateau_seconds = self.FIRST_PLATEAU_SECONDS
        self._seconds = 0.0
        self._sent = 0.0

    def cut(self, measured: float) -> None:
        """Go below what the server lately let through: `measured` requests a second."""
        if 0.0 < self._seconds <= 2.0 * self._plateau_seconds:
            measured = min(measured, self.MAX_OVER_MEAN * self._sent / self._seconds)
        measured = max(measured, self.MIN_RATE)
        agrees = abs(measured - self._limit) <= self.AGREEMENT * self._limit
        doubled = min(2.0 * self._plateau_seconds, self.MAX_PLATEAU_SECONDS)
        self._plateau_seconds = doubled if agrees else self.FIRST_PLATEAU_SECONDS
        self._limit = measured
        self._seconds = self._sent = 0.0
        self.rate = self.CUT * measured

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
