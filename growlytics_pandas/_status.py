"""The statuses of a row, and how a row that did not arrive is described."""

from enum import StrEnum
from typing import Final, NamedTuple

from growlytics_pandas.contract import ENDPOINT_STATUSES, KEY_STATUSES, RETRY_STATUSES


class Status(StrEnum):
    """What became of a row. Every row has exactly one, so they always sum to the rows of the frame."""

    ACCEPTED = "accepted"
    UNCHANGED = "unchanged"
    INVALID = "invalid"
    FAILED = "failed"
    UNKNOWN = "unknown"
    UNSENT = "unsent"


MEANINGS: Final = {
    Status.ACCEPTED: "the service answered success",
    Status.UNCHANGED: "the ledger knows that exactly this was accepted before; not sent again",
    Status.INVALID: "we did not send it: see violations",
    Status.FAILED: "the service refused it, or it never got there",
    Status.UNKNOWN: "the answer was lost: it may have arrived; pushing again is safe",
    Status.UNSENT: "the run ended first, or it was a dry run",
}

ARRIVED: Final = (Status.ACCEPTED, Status.UNCHANGED)
"""The statuses of rows that the service has, by this push or an earlier one."""
RETRYABLE: Final = (Status.FAILED, Status.UNKNOWN, Status.UNSENT)
"""The statuses that `PushResult.retry` sends again."""


class Failure(NamedTuple):
    """A row that did not arrive: its 0-based position, its status, and the server's words or ours."""

    row: int
    status: str
    words: str


_REFUSALS: Final = frozenset(range(400, 500)) - RETRY_STATUSES - KEY_STATUSES - ENDPOINT_STATUSES


def is_refusal(http_status: float | None) -> bool:
    """Return whether the service refused a row for what it holds: the same request would be refused again.

    Examples
    --------
    >>> [is_refusal(status) for status in (422, 429, 503, None)]
    [True, False, False, False]
    """
    return http_status in _REFUSALS
