"""The outcome of each row: a buffer that delivery writes to, and a store for finished parts."""

from __future__ import annotations

import shutil
import weakref
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas._status import RETRYABLE, Status, is_refused

IN_MEMORY_ROWS: Final = 2_000_000  # about 400 MB of outcomes; above it they are written to files


class _Folder:
    """A folder that is removed with the last store that uses it."""

    def __init__(self) -> None:
        self.path = Path(mkdtemp(prefix="growlytics-outcomes-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


class OutcomeStore:
    """The outcome frame of each part, by its number."""

    def __init__(self, limit: int = IN_MEMORY_ROWS) -> None:
        self._limit = limit
        self._frames: dict[int, pd.DataFrame] = {}
        self._files: dict[int, Path] = {}
        self._folder: _Folder | None = None

    def put(self, number: int, frame: pd.DataFrame) -> None:
        """Store the outcomes of a part, replacing earlier ones."""
        self._files.pop(number, None)
        self._frames[number] = frame
        if sum(map(len, self._frames.values())) > self._limit:
            self._spill()

    def get(self, number: int) -> pd.DataFrame | None:
        """Return the outcomes of a part; None if it has none yet."""
        if number in self._files:
            return _typed(pd.read_parquet(self._files[number]))
        return self._frames.get(number)

    @property
    def files(self) -> list[Path]:
        """The files, in the order of their parts; they are removed with this object."""
        return [self._files[number] for number in sorted(self._files)]

    def copy(self) -> OutcomeStore:
        """Return an independent copy, which shares the files."""
        other = OutcomeStore(self._limit)
        other._frames, other._files, other._folder = dict(self._frames), dict(self._files), self._folder
        return other

    def _spill(self) -> None:
        self._folder = self._folder or _Folder()
        for number, frame in self._frames.items():
            path = self._folder.path / f"part-{number:06}-{id(self):x}.parquet"
            frame.assign(index=frame["index"].map(repr)).to_parquet(path)  # labels can be anything
            self._files[number] = path
        self._frames.clear()


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Restore the dtypes of text."""
    return frame.astype({"index": object, "id": "string", "status": "str", "error": "string", "http_status": "Int64"})


Rows = npt.NDArray[np.int64]
_ORDER: Final = tuple(Status)
CODES: Final = {status: code for code, status in enumerate(_ORDER)}
"""The code of each status, one byte."""
MAX_ATTEMPTS_KEPT: Final = 255


class OutcomeBuffer:
    """Status, HTTP status and number of attempts of each row, in four bytes; error texts only where there is one."""

    def __init__(self, rows: int) -> None:
        self.status = bytearray([CODES[Status.UNSENT]]) * rows
        self.http_status = array("H", bytes(2 * rows))
        self.attempts = bytearray(rows)
        self.errors: dict[int, str] = {}
        self.lost: set[int] = set()
        """Rows with a lost response, in this run or an earlier one: they may have arrived."""

    def copy(self) -> OutcomeBuffer:
        """Return an independent copy."""
        other = OutcomeBuffer(0)
        other.status, other.http_status = self.status[:], self.http_status[:]
        other.attempts, other.errors, other.lost = self.attempts[:], dict(self.errors), set(self.lost)
        return other

    def reopen(self) -> None:
        """Set the rows that `PushResult.retry` sends again to `unsent`, with no attempts."""
        self.lost.update(self.rows_with([Status.UNKNOWN]).tolist())
        rows = self.rows_to_retry()
        self.note_all(rows, Status.UNSENT)
        np.frombuffer(self.attempts, dtype="uint8")[rows] = 0
        for row in rows.tolist():
            self.errors.pop(row, None)

    def rows_to_retry(self) -> Rows:
        """Return the rows that did not arrive, without those that the service would refuse again."""
        refused = self.refused(self.rows_with([Status.FAILED]))
        return np.setdiff1d(self.rows_with(RETRYABLE), np.fromiter(refused, "int64", len(refused)))

    def note(self, row: int, status: Status, error: str = "", http_status: int = 0) -> None:
        """Set the outcome of a row."""
        self.status[row] = CODES[status]
        self.http_status[row] = http_status
        if error:
            self.errors[row] = error
        else:
            self.errors.pop(row, None)

    def note_all(self, rows: npt.NDArray[np.int64], status: Status, error: str = "") -> None:
        """Set the outcome of many rows."""
        np.frombuffer(self.status, dtype="uint8")[rows] = CODES[status]
        if error:
            self.errors.update(dict.fromkeys(rows.tolist(), error))

    def count_attempt(self, row: int) -> int:
        """Count a request for a row and return the total."""
        attempts = min(self.attempts[row] + 1, MAX_ATTEMPTS_KEPT)
        self.attempts[row] = attempts
        return attempts

    def codes(self) -> npt.NDArray[np.uint8]:
        """Return a copy of the status codes, one byte per row."""
        return np.frombuffer(bytes(self.status), dtype="uint8")

    def statuses(self, rows: npt.NDArray[np.int64]) -> list[str]:
        """Return the statuses of `rows`."""
        return [_ORDER[code].value for code in self.codes()[rows].tolist()]

    def refused(self, rows: npt.NDArray[np.int64]) -> set[int]:
        """Return those of `rows` that the service refused and would refuse again."""
        return {row for row in rows.tolist() if is_refused(_ORDER[self.status[row]], self.http_status[row])}

    def counts(self) -> dict[str, int]:
        """Return status → rows, for all statuses; they sum to the rows."""
        found = np.bincount(self.codes(), minlength=len(_ORDER)).tolist()
        return {status.value: found[code] for code, status in enumerate(_ORDER)}

    def describe(
        self, rows: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64], labels: pd.Index[Any], ids: Sequence[str]
    ) -> pd.DataFrame:
        """Return the outcomes of `rows` as a frame, with these row numbers, index labels and ids."""
        http_status = np.frombuffer(self.http_status, dtype="uint16")[rows].astype("int64")
        statuses = np.array([status.value for status in Status], dtype=object)
        return pd.DataFrame(
            {
                "row": numbers,
                "index": pd.Series(labels.to_numpy(), dtype=object),
                "id": pd.Series([text or None for text in ids], dtype="string"),
                "status": pd.Series(statuses[self.codes()[rows]], dtype="str"),
                "http_status": pd.Series(http_status, dtype="Int64").mask(http_status == 0),
                "attempts": np.frombuffer(bytes(self.attempts), dtype="uint8")[rows].astype("int64"),
                "error": pd.Series([self.errors.get(row) for row in rows.tolist()], dtype="string"),
            }
        )

    def rows_with(self, statuses: Iterable[Status]) -> npt.NDArray[np.int64]:
        """Return the positions of the rows that have one of `statuses`."""
        return np.flatnonzero(np.isin(self.codes(), [CODES[status] for status in statuses]))
