"""The statuses of a row, how a run can end, and the record of a row that did not arrive."""

from enum import StrEnum
from typing import Final, NamedTuple

from growlytics_pandas.contract import ROW_STATUSES


class Status(StrEnum):
    """The outcome of a row. Every row has exactly one, so the counts always sum to the rows of the frame."""

    ACCEPTED = "accepted"
    UNCHANGED = "unchanged"
    INVALID = "invalid"
    FAILED = "failed"
    UNKNOWN = "unknown"
    UNSENT = "unsent"


MEANINGS: Final = {
    Status.ACCEPTED: "the service returned success",
    Status.UNCHANGED: "the same data was accepted before, according to the ledger; not sent again",
    Status.INVALID: "not sent: see violations",
    Status.FAILED: "the service did not accept it",
    Status.UNKNOWN: "no clear response: it may have arrived; pushing again is safe",
    Status.UNSENT: "the run ended first",
}

ARRIVED: Final = (Status.ACCEPTED, Status.UNCHANGED)
"""The statuses of rows that arrived, in this push or an earlier one."""
RETRYABLE: Final = (Status.FAILED, Status.UNKNOWN, Status.UNSENT)
"""The statuses that `PushResult.retry` sends again."""
NEVER_SENT: Final = (Status.UNCHANGED, Status.INVALID)
"""The statuses of rows that a push skips."""


class Ended(StrEnum):
    """How a run ended. Its facts have the value, which is plain text."""

    FINISHED = "finished"
    DRY_RUN = "dry run"
    INTERRUPTED = "interrupted"
    STOPPED_EARLY = "stopped early"
    CRASHED = "crashed"


class Failure(NamedTuple):
    """A row that did not arrive: its 0-based position, its status, the error text, the HTTP status or 0."""

    row: int
    status: str
    words: str
    http_status: int = 0


def is_refused(status: str, http_status: float) -> bool:
    """Return whether the service rejected a row because of its content, so that it would reject the same data again.

    Not an `unknown` row: an earlier attempt may have arrived. Not an answer without an error status, such as a page of
    a proxy: the next may be another.

    Examples
    --------
    >>> [is_refused("failed", http_status) for http_status in (422, 429, 503, 200, 0)]
    [True, False, False, False, False]
    >>> is_refused("unknown", 422)
    False
    """
    return status == Status.FAILED and http_status in ROW_STATUSES
