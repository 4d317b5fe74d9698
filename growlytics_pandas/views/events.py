"""The events that a push sends to its listeners while it runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from growlytics_pandas._status import Failure


def _cannot_stop() -> None:
    """Do nothing: this event does not belong to a running push."""


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """The progress of a push. A listener gets one ``start``, some ``update`` (at most five a second) and one ``end``.

    Attributes
    ----------
    counts : mapping of str to int
        Status → number of rows, `unsent` for those still to come; the sum is `total`.
    rows_per_second : float
        Rows sent per second: over the last seconds, at the end over the whole run. Rows that were skipped do not count.
    seconds_left : float or None
        The estimated remaining time; None if it cannot be estimated.
    concurrency, in_flight : int
        The number of requests allowed at once now, and of requests in flight.
    failures : tuple of Failure
        The last few: `row`, `status`, `words`.
    trouble : str
        With ``update``: the problem while no request succeeds; '' otherwise.
    is_stopping : bool
        Whether the run only finishes the requests in flight.
    ended : str
        With ``end``: "finished", "interrupted", "stopped early" or "crashed".
    message : str
        With ``end``: why it stopped early.
    note : str
        With ``end``: a note beside the counts, such as the rows of a retry, or how many customers joined and left a
        segment.
    is_ok : bool
        With ``end``: whether every row arrived with all its attributes, as `PushResult.ok`.
    n_incomplete : int
        With ``end``: number of rows that arrived without some of their attributes.
    n_warnings : int
        With ``end``: number of warnings about what was sent.
    n_left_out : int
        With ``end``: number of `invalid` rows that ``keep=`` left out on request.
    n_to_retry : int
        With ``end``: number of rows that ``retry(rejected=False)`` would send.
    stop : callable
        ``event.stop()`` stops the push like an interrupt; a second call aborts the requests in flight. It can be
        called from any thread.
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
    is_ok: bool = True
    n_incomplete: int = 0
    n_warnings: int = 0
    n_left_out: int = 0
    n_to_retry: int = 0
    stop: Callable[[], None] = field(default=_cannot_stop, repr=False, compare=False)

    @property
    def settled(self) -> int:
        """Rows whose outcome is known."""
        return self.total - self.counts.get("unsent", 0)


Listener = Callable[[ProgressEvent], None]


ProgressOption = Literal["auto", "widget", "text", False] | Listener
