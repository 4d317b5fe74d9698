"""The list of parts, and what identifies each part when it is read again."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from growlytics_pandas._rules import Rule
from growlytics_pandas._status import Status
from growlytics_pandas.columns.dtypes import Mask
from growlytics_pandas.columns.reading import Alike
from growlytics_pandas.errors import DataError
from growlytics_pandas.upload.outcomes import OutcomeBuffer, Rows


@dataclass(frozen=True, slots=True)
class PartTask:
    """One part: its first row in the whole, its profile data, and which of its ids are not unique.

    `labels` are its columns when profiled, and `ids` the digest of its ids in order; '' if it is not read again.
    """

    number: int
    first_row: int
    rows: int
    same: Alike = field(default_factory=Alike)
    alike: Alike = field(default_factory=Alike)
    labels: tuple[Hashable, ...] = field(default=(), repr=False)
    ids: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class PartList:
    """The parts of a frame, and for each part the rows that are not sent because of their id, by rule."""

    tasks: tuple[PartTask, ...] = ()
    skipped: tuple[Mapping[Rule, Rows], ...] = ()

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(task.rows for task in self.tasks)

    def count_invalid(self, task: PartTask) -> int:
        """Return how many rows of a part are not sent because of their id."""
        return sum(map(len, self.skipped[task.number].values()))

    def counts(self) -> dict[str, int]:
        """Return status → number of rows, before anything is sent."""
        invalid = sum(map(self.count_invalid, self.tasks))
        found = {Status.INVALID: invalid, Status.UNSENT: self.rows - invalid}
        return {status.value: found.get(status, 0) for status in Status}

    def open_buffer(self, task: PartTask) -> OutcomeBuffer:
        """Return the buffer of a part's outcomes: `invalid` for rows that cannot be sent, `unsent` for the rest."""
        buffer = OutcomeBuffer(task.rows)
        for rule, rows in self.skipped[task.number].items():
            buffer.note_all(rows, Status.INVALID, f"not sent: {rule}; see violations")
        return buffer

    def extended(self, task: PartTask, skipped: Mapping[Rule, Rows]) -> PartList:
        """Return the list with one more part."""
        return PartList((*self.tasks, task), (*self.skipped, skipped))


def changed(number: int, what: str) -> DataError:
    """Return the error for a part that has changed since the plan was made."""
    return DataError(
        f"part {number}: {what}; the source must return the same rows in the same order each time. Nothing of this "
        "part was sent. Sort the rows, or write the data to files first, and make the plan again."
    )


def digest_ids(has_id: Mask, exact: npt.NDArray[np.uint64]) -> bytes:
    """Digest the ids of a part in order, from the hash of each."""
    return hashlib.blake2b(has_id.tobytes() + exact.tobytes(), digest_size=16).digest()
