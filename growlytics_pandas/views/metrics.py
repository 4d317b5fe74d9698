"""Facts and samples of a run as displays show them: means over time, durations, rates."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple

MAX_SAMPLES: Final = 400  # more than any chart shows; 20 kB
MIN_WHOLE: Final = 10  # smaller numbers are shown with tenths


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
    `server_text`: the part of `message` that is the server's text. `retried`: the rows that a retry had to send,
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
    server_text: str = field(default="", repr=False)
    retried: int = 0
    retry_arrived: int = 0
    n_left_out: int = 0


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
