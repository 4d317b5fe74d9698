"""Digests of single values, for `Client(track="attributes")`: which attributes of changed customers would change.

A record has the values of one accepted body, two bytes each, and is found by the digest of that body. So it counts for
as long as the ledger has that body as the last accepted one: whatever makes the ledger forget the body (a withdrawal, a
lost answer, another process, `forget`) makes it forget the values, without a write here. Nothing that is sent, or left
out, depends on this; a record that is lost, or left over, costs a count only.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from growlytics_pandas.ledger.database import (
    BLOCK_RECORDS,
    BUFFERED_ROWS,
    MAX_SEGMENTS,
    RECORDS_AFTER_A_RUN,
    LedgerFile,
)

ABSENT: Final = np.uint16(0)  # in the place of a value that was not sent
SPARE_RECORDS: Final = 4_096  # superseded records that are not worth a compaction
COMPARED_ROWS: Final = 1_000_000  # customers compared in one reading of the file: 8 bytes each and 2 a value


@dataclass(frozen=True, slots=True)
class ValueDigests:
    """The values of some bodies."""

    marks: NDArray[np.uint64]
    """The first word of each body's digest."""
    names: tuple[str, ...]
    values: NDArray[np.uint16]
    """Bodies × attributes; `ABSENT` where a body lacks the attribute."""

    def __len__(self) -> int:
        return len(self.marks)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "ValueDigests":
        """Return those of some bodies."""
        return ValueDigests(self.marks[rows], self.names, self.values[rows])


def _joined(parts: Sequence[ValueDigests]) -> ValueDigests:
    """Return those of all parts, which have the same attributes."""
    return ValueDigests(
        np.concatenate([part.marks for part in parts]), parts[0].names, np.concatenate([part.values for part in parts])
    )


class ValueLog:
    """The digests of values of one project."""

    def __init__(self, file: LedgerFile, project: int) -> None:
        self._file = file
        self._project = project
        self._accepted: list[ValueDigests] = []

    def accept(self, values: ValueDigests) -> None:
        """Remember the values of accepted bodies; buffered until `flush`."""
        if self._accepted and self._accepted[0].names != values.names:
            self.flush()
        self._accepted.append(values)
        if sum(map(len, self._accepted)) >= BUFFERED_ROWS:
            self.flush()

    def flush(self) -> None:
        """Commit what was accepted."""
        if self._accepted:
            values = _joined(self._accepted)
            self._accepted.clear()
            with self._file.writing() as connection:
                self._append(connection, values)

    def read(self) -> Iterator[ValueDigests]:
        """Give what is stored, the newest first, one segment at a time."""
        self.flush()
        with self._file.reading() as connection:
            for (number,) in self._numbers(connection):
                yield self._segment(connection, number)

    def compact(self, n_customers: int, current: Callable[[], NDArray[np.uint64]], *, always: bool = False) -> None:
        """Drop the records of bodies that are no longer the last accepted ones, if there are many, or `always`.

        `current` returns the marks of those that are, of at most `n_customers`.
        """
        self.flush()
        with self._file.writing() as connection:
            n_segments, n_records = connection.execute(
                "SELECT count(*), total(n_records) FROM value_segments WHERE project = ?", (self._project,)
            ).fetchone()
            is_due = n_segments > MAX_SEGMENTS or n_records > RECORDS_AFTER_A_RUN * n_customers + SPARE_RECORDS
            if not n_segments or not (is_due or always):
                return
            wanted = Sought(np.sort(current()))
            kept: dict[tuple[str, ...], list[ValueDigests]] = {}
            for (number,) in self._numbers(connection):
                found = self._segment(connection, number)
                connection.execute("DELETE FROM value_segments WHERE id = ?", (number,))
                parts = kept.setdefault(found.names, [])
                parts.append(found.take(wanted.find(found.marks)[0]))
                if sum(map(len, parts)) >= BLOCK_RECORDS:
                    self._append(connection, _joined(kept.pop(found.names)))
            for parts in kept.values():
                self._append(connection, _joined(parts))

    def _numbers(self, connection: sqlite3.Connection) -> list[tuple[int]]:
        return connection.execute(
            "SELECT id FROM value_segments WHERE project = ? ORDER BY id DESC", (self._project,)
        ).fetchall()

    def _segment(self, connection: sqlite3.Connection, number: int) -> ValueDigests:
        """Read a segment; none of a damaged one, or of one that another process has just removed."""
        row = connection.execute("SELECT attributes, marks, digests FROM value_segments WHERE id = ?", (number,))
        try:
            attributes, marks, digests = row.fetchone()
            names = tuple(json.loads(attributes))
            values = np.frombuffer(digests, "<u2").reshape(len(names), len(marks) // 8).T
            return ValueDigests(np.frombuffer(marks, "<u8"), names, values)
        except (TypeError, ValueError):
            return ValueDigests(np.zeros(0, np.uint64), (), np.zeros((0, 0), np.uint16))

    def _append(self, connection: sqlite3.Connection, values: ValueDigests) -> None:
        if len(values):
            connection.execute(
                "INSERT INTO value_segments (project, n_records, attributes, marks, digests) VALUES (?, ?, ?, ?, ?)",
                (
                    self._project,
                    len(values),
                    json.dumps(values.names),
                    values.marks.astype("<u8").tobytes(),
                    values.values.T.astype("<u2").tobytes(),
                ),
            )


class Sought:
    """Sorted marks that are looked for; each is found once, for several records of one body are alike."""

    def __init__(self, ordered: NDArray[np.uint64]) -> None:
        self._ordered = ordered
        self.is_open = np.ones(len(ordered), np.bool_)

    def find(self, marks: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return which of `marks` are found now, and the place of each among those that are looked for."""
        if not len(self._ordered):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        places = np.minimum(np.searchsorted(self._ordered, marks), len(self._ordered) - 1)
        rows = np.flatnonzero((self._ordered[places] == marks) & self.is_open[places])
        places, first = np.unique(places[rows], return_index=True)
        self.is_open[places] = False
        return rows[first], places


class Comparison:
    """Counts the values that would change, attribute by attribute."""

    def __init__(self, log: ValueLog) -> None:
        self._log = log
        self._added: list[ValueDigests] = []
        self._counts: dict[str, int] = {}
        self._not_compared = 0

    def add(self, values: ValueDigests) -> None:
        """Compare the values that would be sent with those of the body last accepted, which `marks` is of."""
        self._added.append(values)
        if sum(map(len, self._added)) >= COMPARED_ROWS:
            self._compare()

    def result(self) -> tuple[dict[str, int], int]:
        """Return attribute → values that would change, the most first, and how many customers had no record."""
        self._compare()
        changed = {name: count for name, count in self._counts.items() if count}
        return dict(sorted(changed.items(), key=lambda item: -item[1])), self._not_compared

    def _compare(self) -> None:
        if not self._added:
            return
        asked = _joined(self._added)
        self._added.clear()
        asked = asked.take(np.argsort(asked.marks))
        sought = Sought(asked.marks)
        for stored in self._log.read():
            found, places = sought.find(stored.marks)
            known = stored.values[found]
            for at, name in enumerate(asked.names):
                old = known[:, stored.names.index(name)] if name in stored.names else ABSENT
                now = asked.values[places, at]
                count = int(((now != ABSENT) & (now != old)).sum())
                self._counts[name] = self._counts.get(name, 0) + count
        self._not_compared += int(sought.is_open.sum())
