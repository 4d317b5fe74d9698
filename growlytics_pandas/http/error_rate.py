"""Decide whether bad responses are caused by our speed, by evaluating each cut as a trial.

A flaky gateway fails a constant share of requests at any speed; a rate limit rejects only those above it. So when there
are too many bad responses, the speed is cut on trial: if their share falls, our speed was the cause and the cut stays;
if it stays about the same, the cut is undone and that share becomes the background rate. Nothing here reads a clock:
`now` is monotonic seconds.
"""

import math
from collections import deque
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

METER_BINS: Final = 10  # full bins per second
MEMORY: Final = (
    0.99  # share of the background kept per bin: about ten seconds, far longer than a rate limit takes to show
)
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

    Parameters
    ----------
    tolerance : float
        Share that is always acceptable.
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

    def _evaluate(self, trial: "_Trial", now: float, good: int, bad: int) -> Decision:
        advice = trial.record(now, good, bad)
        if advice is None:
            return Decision.NOTHING
        self._trial = None
        n_tried = trial.good + trial.bad
        self.tried_share = trial.bad / max(1, n_tried)
        if not trial.is_conclusive:
            return advice
        if advice is Decision.RESTORE or (advice is Decision.KEEP and self.tried_share < self.background):
            # A trial is the best measure of the background, so earlier data counts no more than the trial.
            weight = 0.0 if advice is Decision.RESTORE else min(1.0, max(n_tried, LEAST_KNOWN) / self._known)
            self._known = weight * self._known + n_tried
            self._known_bad = weight * self._known_bad + trial.bad
            if advice is Decision.RESTORE:  # the share was the same before
                self._known += trial.n_before
                self._known_bad += trial.n_bad_before
        return advice

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
        (best, advice), (second, _), *_ = sorted(self._likelihoods(), key=lambda pair: pair[0], reverse=True)
        is_over = now >= self.seen_from + TRIAL_SECONDS
        if (best - second < EVIDENCE and not is_over) or now < self.decided_from:
            return None
        # If everything is rejected, the controller holds instead of cutting again.
        if advice is not Decision.KEEP and (self.bad < LEAST_BAD or not self.good):
            return Decision.KEEP if is_over else None
        return advice

    def _likelihoods(self) -> list[tuple[float, Decision]]:
        # Cuts tend to follow seconds that were bad by chance, hence a standard deviation to either side.
        deviation = math.sqrt(self.n_bad_before)
        least = self._within((self.n_bad_before - deviation) / self.n_before)
        most = self._within((self.n_bad_before + deviation) / self.n_before)
        fallen = max(FALLEN * least, min(self.background, 0.8 * least))
        shares = [(fallen, Decision.KEEP), (min(RISEN * most, (1.0 + most) / 2.0), Decision.CUT_AGAIN)]
        if self.n_bad_before <= MAX_BACKGROUND * self.n_before:
            shares.append((least, Decision.RESTORE))
        return [(self.bad * math.log(share) + self.good * math.log1p(-share), advice) for share, advice in shares]

    @staticmethod
    def _within(share: float) -> float:
        return min(max(share, MIN_SHARE), MAX_SHARE)
