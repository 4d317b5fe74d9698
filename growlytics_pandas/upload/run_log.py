"""What a run writes to the logger `growlytics_pandas`: start, pauses, retries in bulk, end; never an id, value or key.

The service's own words may repeat what was sent, so they stay in outcomes and errors.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from growlytics_pandas._status import RETRYABLE

LOGGER: Final = logging.getLogger("growlytics_pandas")
BULK_RETRIES: Final = 100  # one line for so many


class RunLog:
    """The lines of one run.

    Parameters
    ----------
    label : str, optional
        What the user calls the run.
    """

    def __init__(self, label: str | None) -> None:
        self._name = "push" if label is None else f"push {label!r}"
        self._is_paused = False
        self._retries = 0

    def start(self, rows: int) -> None:
        """Write that a run begins, with so many rows to send."""
        LOGGER.info("%s: started, %s rows to send", self._name, f"{rows:,}")

    def look(self, *, is_paused: bool, retries: int) -> None:
        """Write what has changed: a pause, its end, or many more retries.

        Parameters
        ----------
        is_paused : bool
            Nothing succeeds for the moment: the service does not answer, or asks to wait.
        retries : int
            Requests made again since the start.
        """
        if is_paused and not self._is_paused:
            LOGGER.warning("%s: paused, the service does not answer or asks to wait", self._name)
        elif self._is_paused and not is_paused:
            LOGGER.info("%s: resumed", self._name)
        self._is_paused = is_paused
        if retries - self._retries >= BULK_RETRIES:
            LOGGER.info("%s: %s requests made again so far", self._name, f"{retries:,}")
            self._retries = retries

    def end(self, ended: str, error: str, counts: Mapping[str, int], seconds: float) -> None:
        """Write how a run ended; `error` is the name of the error that ended it, if one did."""
        lost = sum(counts[status] for status in RETRYABLE)
        level = logging.WARNING if lost or ended != "finished" else logging.INFO
        level = logging.ERROR if error or ended == "crashed" else level
        rows = ", ".join(f"{count:,} {status}" for status, count in counts.items() if count) or "no rows"
        why = f" ({error})" if error else ""
        LOGGER.log(level, "%s: %s%s after %.1f s: %s", self._name, ended, why, seconds, rows)
