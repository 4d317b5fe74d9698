"""Rates: kept by a token bucket, found along a cubic curve. `now` is monotonic seconds."""

import math
from typing import Final

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
