"""How a run goes: its speed now, its facts, and its course as a few hundred samples, however long it takes."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple

MAX_SAMPLES: Final = 400  # finer than any picture; 20 kB
MIN_LAST_SECONDS: Final = 0.1  # half of what lies between two looks; the mean of a shorter end is noise
WINDOW_SECONDS: Final = 5.0  # long enough to be calm, short enough to follow a change of pace
MIN_SECONDS: Final = 2.0  # before that an estimate is noise


class Sample(NamedTuple):
    """The state of a run at one moment. All are totals since its start, so any two samples give the means between."""

    elapsed_seconds: float
    accepted: int
    answer_seconds: float
    """Sum of the answer times of the accepted rows."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """When and how a run went. Seconds are wall time; `ended` is 'finished', 'dry run' or why it stopped early.

    `message` holds the words of the error that ended it early; `samples` the course of the run. `would_refuse`: it was
    a dry run, and with these options (``errors="raise"``) a push would refuse the frame. `label`: the name that the
    call gave it. `foreign`: the service's own words in `message`. `retried`: the rows that a retry had to send.
    """

    started: datetime
    seconds: float
    retries: int
    ended: str
    base_url: str | None
    message: str = ""
    samples: tuple[Sample, ...] = field(default=(), repr=False)
    would_refuse: bool = False
    label: str | None = None
    foreign: str = field(default="", repr=False)
    retried: int = 0


class RunMetrics:
    """Samples of one run. When it is full, every second one goes, so that it covers the run with bounded memory."""

    def __init__(self) -> None:
        self._samples: list[Sample] = [Sample(0.0, 0, 0.0)]
        self._min_gap_seconds = 0.0

    def note(self, sample: Sample) -> None:
        """Add a sample, unless it comes too soon after the last."""
        gap = sample.elapsed_seconds - self._samples[-1].elapsed_seconds
        if gap <= self._min_gap_seconds:
            return
        self._samples.append(sample)
        if len(self._samples) >= MAX_SAMPLES:
            self._samples = self._samples[::2]
            self._min_gap_seconds = sample.elapsed_seconds / MAX_SAMPLES

    def close(self, sample: Sample) -> tuple[Sample, ...]:
        """Return all samples with the last state at their end, but for those that lie just before it."""
        first, *others = self._samples
        latest = sample.elapsed_seconds - MIN_LAST_SECONDS
        return (first, *(other for other in others if other.elapsed_seconds < latest), sample)


class Stretch(NamedTuple):
    """The means between two samples; no answer time where nothing was accepted."""

    start_seconds: float
    end_seconds: float
    rows_per_second: float
    answer_milliseconds: float | None


def stretches(samples: tuple[Sample, ...], most: int = MAX_SAMPLES) -> list[Stretch]:
    """Return the means of at most `most` stretches of a run, each as long as its samples allow."""
    if len(samples) < 2:  # noqa: PLR2004 - two moments make a stretch
        return []
    step = max(1, -(-(len(samples) - 1) // most))
    picked = [*samples[:-1:step], samples[-1]]
    return [_stretch(first, last) for first, last in pairwise(picked)]


def _stretch(first: Sample, last: Sample) -> Stretch:
    seconds, rows = last.elapsed_seconds - first.elapsed_seconds, last.accepted - first.accepted
    answer = 1000 * (last.answer_seconds - first.answer_seconds) / rows if rows else None
    return Stretch(first.elapsed_seconds, last.elapsed_seconds, rows / seconds if seconds > 0 else 0.0, answer)


class Throughput:
    """Settled rows a second: over the last seconds, or over the whole run."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque()
        self._first: tuple[float, int] | None = None

    def note(self, elapsed_seconds: float, settled: int) -> None:
        """Take one look. The first counts as the start: what was settled by then is not this run's doing."""
        look = (elapsed_seconds, settled)
        self._first = self._first or look
        self._looks.append(look)
        while len(self._looks) > 2 and elapsed_seconds - self._looks[1][0] >= WINDOW_SECONDS:  # noqa: PLR2004 - a pair
            self._looks.popleft()

    def now(self) -> float:
        """Return the rows a second of the last few seconds."""
        return _speed(self._looks[0], self._looks[-1]) if self._looks else 0.0

    def overall(self) -> float:
        """Return the rows a second since the first look."""
        return _speed(self._first, self._looks[-1]) if self._first else 0.0

    def seconds_left(self, unsettled: int) -> float | None:
        """Return how long the rest takes at the present speed; None where nothing moves or it is too early to say."""
        speed = self.now()
        if not speed or self._looks[-1][0] - self._looks[0][0] < MIN_SECONDS:
            return None
        return unsettled / speed


def _speed(first: tuple[float, int], last: tuple[float, int]) -> float:
    seconds = last[0] - first[0]
    return (last[1] - first[1]) / seconds if seconds > 0 else 0.0
