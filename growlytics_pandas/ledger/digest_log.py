"""The log of withdrawals and acceptances, and what a push asks of it.

A block of customers is written as one segment: a record for each, its key, the digest of the body last accepted (zero
where there is none) and the custom attributes ever sent. Segments are only appended; a compaction writes the sum of
them anew. `Customers` is that sum in memory, brought up to date from the file before each question.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from growlytics_pandas.contract import RESERVED_ATTRIBUTES
from growlytics_pandas.ledger.customers import WORD_BITS, Customers, Records, count_bits, joined, widened
from growlytics_pandas.ledger.database import LedgerFile
from growlytics_pandas.ledger.digests import Digests

MAX_SEGMENTS: Final = 4_096  # reading one costs some 10 µs; a push of a million rows in chunks of 1,000 writes 2,000
SPARE_RECORDS: Final = 16_384  # superseded records that are not worth a compaction
MAX_RECORDS_A_CUSTOMER: Final = 2  # a withdrawal and an acceptance: what a first push writes
BASE_RECORDS: Final = 1_000_000  # records a segment of a compaction; SQLite takes blobs of up to 1e9 bytes
BUFFERED_ROWS: Final = 4_096  # acceptances kept in memory before they are written; losing them costs requests only


class AttributeNumbers:
    """The numbers of one workspace's custom attributes: 0, 1, 2, … in the order of their first sending, for good."""

    def __init__(self, file: LedgerFile, workspace: int) -> None:
        self._file = file
        self._workspace = workspace
        self._numbers: dict[str, int] = {}

    def bits(self, names: Sequence[str], present: NDArray[np.bool_] | None, n_rows: int) -> NDArray[np.uint64]:
        """Return the bits of the attributes that each row has; `present` is rows × names, None where all are there.

        New names get a number. Reserved names take none of the profile's slots, so they have no bit.
        """
        columns = [at for at, name in enumerate(names) if name not in RESERVED_ATTRIBUTES]
        numbers = self._assigned([names[at] for at in columns])
        n_words = max(numbers, default=0) // WORD_BITS + 1
        unpacked = np.zeros((n_rows, n_words * WORD_BITS), np.bool_)
        unpacked[:, numbers] = True if present is None else present[:, columns]
        return np.packbits(unpacked, axis=1, bitorder="little").view("<u8").astype(np.uint64, copy=False)

    def present(self, names: Sequence[str], bits: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Return which of `names` the bits of each row hold, as rows × names."""
        self._load()
        numbers = np.array([self._numbers.get(name, -1) for name in names], np.int64)
        within = (numbers >= 0) & (numbers < bits.shape[1] * WORD_BITS)
        words, shifts = np.divmod(numbers[within], WORD_BITS)
        held = np.zeros((len(bits), len(names)), np.bool_)
        held[:, within] = (bits[:, words] >> shifts.astype(np.uint64)) & np.uint64(1)
        return held

    def _assigned(self, names: Sequence[str]) -> list[int]:
        """Return the number of each name; a new one is the count of those before it."""
        if not self._numbers.keys() >= set(names):
            with self._file.writing() as connection:
                self._load()
                unnumbered = [name for name in dict.fromkeys(names) if name not in self._numbers]
                new = {name: len(self._numbers) + at for at, name in enumerate(unnumbered)}
                connection.executemany(
                    "INSERT INTO attribute_numbers (workspace, attribute, number) VALUES (?, ?, ?)",
                    [(self._workspace, name, number) for name, number in new.items()],
                )
            self._numbers.update(new)
        return [self._numbers[name] for name in names]

    def _load(self) -> None:
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT attribute, number FROM attribute_numbers WHERE workspace = ?", (self._workspace,)
            )
            self._numbers = dict(rows.fetchall())


class PayloadLog:
    """The accepted payloads and sent attributes of one workspace."""

    def __init__(self, file: LedgerFile, workspace: int) -> None:
        self._file = file
        self._workspace = workspace
        self._customers = Customers()
        self._last_segment = 0
        self._n_segments = 0
        self._n_records = 0
        self._attributes = AttributeNumbers(file, workspace)
        self._accepted: list[Digests] = []

    def find(self, keys: NDArray[np.int64]) -> Records:
        """Return what is known of each key."""
        return self._state(keys)[0]

    def count_attributes(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many custom attributes each customer was ever sent."""
        return count_bits(self.find(keys).attributes)

    def has_attributes(self, keys: NDArray[np.int64], names: Sequence[str]) -> NDArray[np.bool_]:
        """Return whether each customer (row) was ever sent each attribute (column)."""
        return self._attributes.present(names, self.find(keys).attributes)

    def withdraw(self, digests: Digests, names: Sequence[str], present: NDArray[np.bool_] | None) -> None:
        """Write down that these bodies are about to be sent: see `Project.withdraw`."""
        bits = self._attributes.bits(names, present, len(digests))
        known, own = self._state(digests.keys)
        # A lost withdrawal would hide a change, so it must outlive a power cut; what else is lost costs requests only.
        replaces = is_stored(known) & ~is_same(known, digests)
        with self._file.writing(durable=bool(replaces.any())) as connection:
            if self._refresh(connection):
                known, own = self._customers.find(digests.keys)
            intended = intention(known, digests, bits)
            # What another process left open is claimed by writing it again: its own answer then settles nothing.
            is_open = ~is_stored(known) & ~own
            records = intended.take(is_open | differs(known, intended))
            segment = self._append(connection, records)
        self._applied(segment, records)
        self._compact_if_due()

    def accept(self, digests: Digests) -> None:
        """Remember these bodies as accepted: see `Project.accept`."""
        self._accepted.append(digests)
        if sum(map(len, self._accepted)) >= BUFFERED_ROWS:
            self.flush()

    def flush(self) -> None:
        """Commit what was accepted."""
        if not self._accepted:
            return
        digests = Digests(
            np.concatenate([part.keys for part in self._accepted]),
            np.concatenate([part.payloads for part in self._accepted]),
        )
        with self._file.writing() as connection:
            self._refresh(connection)
            known, own = self._customers.find(digests.keys)
            # Not own: another process sent this customer something since. Which of the two arrived last is not known,
            # so neither is believed, and a record of zeros tells the other.
            payloads = np.where(own[:, None], digests.payloads, np.uint64(0))
            records = Records(digests.keys, payloads, known.attributes).take(~is_same(known, digests))
            segment = self._append(connection, records)
        self._accepted.clear()
        self._applied(segment, records)
        self._compact_if_due()

    def forget(self, keys: NDArray[np.int64] | None, *, attributes: bool) -> int:
        """Forget accepted payloads: see `Project.forget`."""
        self.flush()
        with self._file.writing(durable=True) as connection:
            self._refresh(connection)
            known = self._customers.all() if keys is None else self._customers.find(np.unique(keys))[0]
            found = is_stored(known) | (attributes & known.attributes.any(axis=1))
            known = known.take(found)
            kept = known.attributes * np.uint64(not attributes)
            forgotten = Records(known.keys, np.zeros_like(known.payloads), kept)
            segment = self._append(connection, forgotten)
        self._applied(segment, forgotten)
        if len(forgotten):
            self._compact(drop_empty=attributes)  # so that the forgotten digests leave the file too
            self._file.shrink()
        return len(forgotten)

    def _state(self, keys: NDArray[np.int64]) -> tuple[Records, NDArray[np.bool_]]:
        self.flush()
        with self._file.reading() as connection:
            self._refresh(connection)
        return self._customers.find(keys)

    def _refresh(self, connection: sqlite3.Connection) -> bool:
        """Take in what other processes wrote; return whether there was any."""
        rows = connection.execute(
            "SELECT id, is_base, n_words, records FROM segments WHERE workspace = ? AND id > ? ORDER BY id",
            (self._workspace, self._last_segment),
        ).fetchall()
        if not rows:
            return False
        base = [self._parsed(row) for row in rows if row[1]]
        news = [self._parsed(row) for row in rows if not row[1]]
        if base:
            self._replace(joined(base), len(base))
        if news:
            records = joined(news)
            self._customers.put(records, own=False)
            self._n_segments += len(news)
            self._n_records += len(records)
        self._last_segment = rows[-1][0]
        return True

    def _replace(self, base: Records, n_segments: int) -> None:
        """Start from a compaction's summary; what stayed the same is still own."""
        known, own = self._customers.find(base.keys)
        self._customers = Customers()
        self._customers.put(base, own=own & ~differs(known, base))
        self._n_segments, self._n_records = n_segments, len(base)

    def _parsed(self, row: tuple[int, int, int, bytes]) -> Records:
        try:
            return Records.from_bytes(row[3], row[2])
        except (TypeError, ValueError) as error:
            raise self._file.damaged(f"segment {row[0]} is cut") from error

    def _append(self, connection: sqlite3.Connection, records: Records, *, is_base: bool = False) -> int:
        """Write a segment, if there is anything in it, and return its number."""
        if not len(records) and not is_base:  # an empty base says that everything is forgotten
            return self._last_segment
        cursor = connection.execute(
            "INSERT INTO segments (workspace, is_base, n_words, records) VALUES (?, ?, ?, ?)",
            (self._workspace, is_base, records.attributes.shape[1], records.to_bytes()),
        )
        return int(cursor.lastrowid or 0)

    def _applied(self, segment: int, records: Records) -> None:
        """Bring the memory up to a segment that has just been committed."""
        if len(records):
            self._customers.put(records, own=True)
            self._n_segments += 1
            self._n_records += len(records)
            self._last_segment = segment

    def _compact_if_due(self) -> None:
        most_records = MAX_RECORDS_A_CUSTOMER * len(self._customers) + SPARE_RECORDS
        if self._n_segments > MAX_SEGMENTS or self._n_records > most_records:
            self._compact()

    def _compact(self, *, drop_empty: bool = False) -> None:
        """Write the sum of all segments in place of them; later segments reuse the room.

        A customer of whom nothing is known may be one whose request is under way, so dropping those is the exception.
        """
        with self._file.writing() as connection:
            self._refresh(connection)
            everyone = self._customers.all()
            if drop_empty:
                everyone = everyone.take(is_stored(everyone) | everyone.attributes.any(axis=1))
            last = self._last_segment
            starts = range(0, max(len(everyone), 1), BASE_RECORDS)
            for start in starts:
                part = everyone.take(slice(start, start + BASE_RECORDS))
                last = self._append(connection, part, is_base=True)
            connection.execute(
                "DELETE FROM segments WHERE workspace = ? AND id <= ?", (self._workspace, self._last_segment)
            )
        self._last_segment, self._n_segments, self._n_records = last, len(starts), len(everyone)


def is_stored(known: Records) -> NDArray[np.bool_]:
    """Return whether a payload is stored, for each customer."""
    stored: NDArray[np.bool_] = (known.payloads != 0).any(axis=1)
    return stored


def is_same(known: Records, digests: Digests) -> NDArray[np.bool_]:
    """Return whether the payload stored is the one of `digests`, for each customer."""
    same: NDArray[np.bool_] = (known.payloads == digests.payloads).all(axis=1)
    return same


def intention(known: Records, digests: Digests, bits: NDArray[np.uint64]) -> Records:
    """Return the state before these bodies go out: other payloads withdrawn, attributes counted as sent already."""
    payloads = np.where(is_same(known, digests)[:, None], known.payloads, np.uint64(0))
    n_words = max(bits.shape[1], known.attributes.shape[1])
    return Records(digests.keys, payloads, widened(known.attributes, n_words) | widened(bits, n_words))


def differs(known: Records, other: Records) -> NDArray[np.bool_]:
    """Return whether the states differ, for each customer."""
    n_words = max(known.attributes.shape[1], other.attributes.shape[1])
    same_attributes = widened(known.attributes, n_words) == widened(other.attributes, n_words)
    same: NDArray[np.bool_] = (known.payloads == other.payloads).all(axis=1) & same_attributes.all(axis=1)
    return ~same
