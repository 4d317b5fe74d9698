"""Metrics of a run: its present speed, its facts, and up to 400 samples over its whole duration."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple

MAX_SAMPLES: Final = 400  # more than any chart shows; 20 kB
MIN_LAST_SECONDS: Final = 0.1  # half the interval of samples; the mean over a shorter time would be meaningless
WINDOW_SECONDS: Final = 5.0  # long enough for a stable mean, short enough to follow changes of speed
MIN_WHOLE: Final = 10  # smaller numbers are shown with tenths
MIN_SECONDS: Final = 2.0  # before that, an estimate would be unreliable


class Sample(NamedTuple):
    """The totals of a run up to one moment; the difference of two samples gives the means between them."""

    elapsed_seconds: float
    accepted: int
    answer_seconds: float
    """Sum of the response times of the accepted rows."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Start, duration and end of a run. Seconds are wall time; `ended` is 'finished', 'dry run' or how it ended early.

    `message` is the text of the error that ended it early; `samples` are the metrics over the run. `would_refuse`: it
    was a dry run, and with these options (``errors="raise"``) a push would raise. `label`: the name given in the call.
    `foreign`: the part of `message` that is the server's text. `retried`: the rows that a retry had to send,
    `retry_arrived`: those of them that arrived.
    `n_left_out`: the `invalid` rows that ``keep=`` left out on request.
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
    retry_arrived: int = 0
    n_left_out: int = 0


class RunMetrics:
    """Samples of one run in bounded memory: at the maximum number, every second sample is dropped."""

    def __init__(self) -> None:
        self._samples: list[Sample] = [Sample(0.0, 0, 0.0)]
        self._min_gap_seconds = 0.0

    def note(self, sample: Sample) -> None:
        """Add a sample, unless it is too soon after the last one."""
        gap = sample.elapsed_seconds - self._samples[-1].elapsed_seconds
        if gap <= self._min_gap_seconds:
            return
        self._samples.append(sample)
        if len(self._samples) >= MAX_SAMPLES:
            self._samples = self._samples[::2]
            self._min_gap_seconds = sample.elapsed_seconds / MAX_SAMPLES

    def close(self, sample: Sample) -> tuple[Sample, ...]:
        """Return all samples, followed by the final state; samples just before it are dropped."""
        first, *others = self._samples
        latest = sample.elapsed_seconds - MIN_LAST_SECONDS
        return (first, *(other for other in others if other.elapsed_seconds < latest), sample)


class Stretch(NamedTuple):
    """The means between two samples; the response time is None if nothing was accepted."""

    start_seconds: float
    end_seconds: float
    rows_per_second: float
    answer_milliseconds: float | None


def stretches(samples: tuple[Sample, ...], most: int = MAX_SAMPLES) -> list[Stretch]:
    """Return the means over at most `most` intervals of a run."""
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
    """Rows per second: over the last seconds, or over the whole run."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque()
        self._first: tuple[float, int] | None = None

    def note(self, elapsed_seconds: float, rows: int) -> None:
        """Add a measurement. The first is the start: rows counted by then do not count towards the speed."""
        look = (elapsed_seconds, rows)
        self._first = self._first or look
        self._looks.append(look)
        while len(self._looks) > 2 and elapsed_seconds - self._looks[1][0] >= WINDOW_SECONDS:  # noqa: PLR2004 - a pair
            self._looks.popleft()

    def now(self) -> float:
        """Return the rows per second over the last few seconds."""
        return _speed(self._looks[0], self._looks[-1]) if self._looks else 0.0

    def overall(self) -> float:
        """Return the rows per second since the first measurement."""
        return _speed(self._first, self._looks[-1]) if self._first else 0.0

    def seconds_left(self, unsettled: int) -> float | None:
        """Return the remaining time at the present speed; None if nothing moves, or if it is too early to estimate."""
        speed = self.now()
        if not speed or self._looks[-1][0] - self._looks[0][0] < MIN_SECONDS:
            return None
        return unsettled / speed


def _speed(first: tuple[float, int], last: tuple[float, int]) -> float:
    seconds = last[0] - first[0]
    return (last[1] - first[1]) / seconds if seconds > 0 else 0.0


def duration(seconds: float) -> str:
    """Return `seconds` in readable units.

    Examples
    --------
    >>> duration(3.14), duration(75), duration(3720)
    ('3.1 s', '1 min 15 s', '1 h 02 min')
    """
    if seconds < MIN_WHOLE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def rate(rows_per_second: float) -> str:
    """Return a rate with a readable number of digits.

    Examples
    --------
    >>> rate(3.14), rate(1234.5)
    ('3.1 rows/s', '1,234 rows/s')
    """
    shown = f"{rows_per_second:,.0f}" if rows_per_second >= MIN_WHOLE else f"{rows_per_second:.1f}"
    return f"{shown} rows/s"
