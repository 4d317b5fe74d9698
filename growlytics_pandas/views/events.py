"""What a push reports to its listeners while it runs, and how it is going in one word that decides its colour."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from growlytics_pandas._status import Failure


def _cannot_stop() -> None:
    """Do nothing: this event is of no running push."""


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """How far a push is. A listener gets one ``start``, some ``update`` (five a second at most) and one ``end``.

    Attributes
    ----------
    counts : mapping of str to int
        Status → rows, of which `unsent` are those still to come; together they are `total`.
    rows_per_second : float
        Rows settled a second: over the last seconds, at the end over the whole run.
    seconds_left : float or None
        What is left at that speed; None where nothing can be said.
    concurrency, in_flight : int
        How many requests may be under way now, and how many are.
    failures : tuple of Failure
        The last few: `row`, `status`, `words`.
    trouble : str
        With ``update``: what is the matter while nothing succeeds any more; '' while all goes its way.
    is_stopping : bool
        Whether the run is letting what is in flight finish, and nothing else.
    ended : str
        With ``end``: "finished", "interrupted", "stopped early" or "crashed".
    message : str
        With ``end``: why it stopped early.
    note : str
        With ``end``: what there is to say of the run beside the counts: the rows of a retry, who joined a segment.
    is_incomplete : bool
        With ``end``: whether a row arrived, but not with every attribute it has.
    stop : callable
        ``event.stop()`` asks the push to stop, as an interrupt does; a second time, at once. From any thread.
    """

    kind: Literal["start", "update", "end"]
    total: int
    counts: Mapping[str, int]
    elapsed_seconds: float
    rows_per_second: float
    retries: int
    concurrency: int
    in_flight: int
    seconds_left: float | None = None
    failures: tuple[Failure, ...] = ()
    trouble: str = ""
    is_stopping: bool = False
    ended: str = ""
    message: str = ""
    note: str = ""
    is_incomplete: bool = False
    stop: Callable[[], None] = field(default=_cannot_stop, repr=False, compare=False)

    @property
    def settled(self) -> int:
        """Rows whose outcome is known."""
        return self.total - self.counts.get("unsent", 0)


Listener = Callable[[ProgressEvent], None]


class Tone(Enum):
    """`BAD`: something did not arrive that should have. `FAIR`: rows or values were left out, or nothing succeeds."""

    CALM = "calm"
    GOOD = "good"
    FAIR = "fair"
    BAD = "bad"


def tone_of(event: ProgressEvent) -> Tone:
    """Return the tone: calm while it goes its way, and at the end that of the worst row."""
    if event.kind != "end":
        return Tone.FAIR if event.trouble else Tone.CALM
    if event.ended != "finished" or any(event.counts.get(status) for status in ("failed", "unknown", "unsent")):
        return Tone.BAD
    return Tone.FAIR if event.counts.get("invalid") or event.is_incomplete else Tone.GOOD
