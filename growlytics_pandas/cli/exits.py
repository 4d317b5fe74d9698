"""The exit statuses."""

from enum import IntEnum
from types import MappingProxyType
from typing import Final

from growlytics_pandas.errors import (
    DataError,
    GrowlyticsError,
    ServiceUnavailableError,
    TooManyFailuresError,
)


class Exit(IntEnum):
    """The status of a command."""

    DONE = 0
    DATA = 1
    CALL = 2
    LATER = 3
    FAULT = 70
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS: Final = MappingProxyType(
    {
        Exit.DONE: "success: all data arrived (validate and --dry-run: would arrive)",
        Exit.DATA: "the data: some of it did not arrive (validate and --dry-run: would not)",
        Exit.CALL: "the call: an option, the file, the key, the URL or the ledger; correct it, then run it again",
        Exit.LATER: "the service cannot be reached or has stopped answering: run the same command again later",
        Exit.FAULT: "a bug in this package; please report it",
        Exit.INTERRUPTED: "Ctrl-C (SIGINT): requests in flight were finished, and all output files are written",
        Exit.TERMINATED: "SIGTERM: the same",
    }
)


def status_of(error: GrowlyticsError) -> Exit:
    """Return the exit status of an error."""
    if isinstance(error, ServiceUnavailableError):
        return Exit.LATER
    return Exit.DATA if isinstance(error, (DataError, TooManyFailuresError)) else Exit.CALL


def describe_exits() -> str:
    """Return the statuses as lines for ``--help``."""
    return "\n".join(["exit status:", *(f"  {status.value:>3}  {words}" for status, words in MEANINGS.items())])
