"""What the ledger knows of each customer of a workspace, in memory, by key: about 50 bytes a customer."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from growlytics_pandas.ledger.digests import PAYLOAD_WORDS

WORD_BITS: Final = 64
RECENT_KEYS: Final = (
    65_536  # keys sorted apart from the rest: re-sorting these with each block stays under a millisecond
)
FIRST_SLOTS: Final = 1_024
UNKNOWN: Final = -1  # the slot of a key that is not there


def record_dtype(n_words: int) -> np.dtype[np.void]:
    """Return how a record is laid out on disk, with `n_words` words of attribute bits."""
    return np.dtype([("key", "<i8"), ("payload", "<u8", (PAYLOAD_WORDS,)), ("attributes", "<u8", (n_words,))])


@dataclass(frozen=True, slots=True)
class Records:
    """The state of some customers, one element a customer."""

    keys: NDArray[np.int64]
    payloads: NDArray[np.uint64]
    """The digest of the body last accepted; zero where there is none."""
    attributes: NDArray[np.uint64]
    """Bits of the custom attributes ever sent, by attribute number."""

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def from_bytes(cls, blob: bytes, n_words: int) -> "Records":
        """Read records; ValueError if `blob` is not a whole number of them."""
        records = np.frombuffer(blob, record_dtype(n_words))
        return cls(records["key"], records["payload"], records["attributes"])

    def to_bytes(self) -> bytes:
        """Write the records as `from_bytes` reads them."""
        records = np.empty(len(self), record_dtype(self.attributes.shape[1]))
        records["key"], records["payload"], records["attributes"] = self.keys, self.payloads, self.attributes
        return records.tobytes()

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "Records":
        """Return some of the records."""
        return Records(self.keys[rows], self.payloads[rows], self.attributes[rows])


def joined(parts: list[Records]) -> Records:
    """Return the records of all parts, in order."""
    n_words = max(part.attributes.shape[1] for part in parts)
    return Records(
        np.concatenate([part.keys for part in parts]),
        np.concatenate([part.payloads for part in parts]),
        np.concatenate([widened(part.attributes, n_words) for part in parts]),
    )


def widened(attributes: NDArray[np.uint64], n_words: int) -> NDArray[np.uint64]:
    """Return the bits with at least `n_words` words a customer."""
    missing = n_words - attributes.shape[1]
    return attributes if missing <= 0 else np.pad(attributes, ((0, 0), (0, missing)))


def count_bits(attributes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the number of bits set, one count a customer."""
    as_bytes = np.ascontiguousarray(attributes).view(np.uint8)
    counts: NDArray[np.int64] = np.unpackbits(as_bytes, axis=1).sum(axis=1, dtype=np.int64)
    return counts


class KeyIndex:
    """Keys → slots 0, 1, 2, …: a hash table with linear probing, a block of keys at a time.

    The keys are digests already, so their low bits are the hash. (Measured at a million keys in blocks of 1,000: twice
    as fast as a binary search, and adding a block moves nothing.)
    """

    def __init__(self) -> None:
        self.keys = np.empty(FIRST_SLOTS, np.int64)
        self.size = 0
        self._table = np.full(2 * FIRST_SLOTS, UNKNOWN, np.int32)

    def find(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the slot of each key, `UNKNOWN` where there is none."""
        slots = np.full(len(keys), UNKNOWN, np.int64)
        mask = len(self._table) - 1
        open_rows, places = np.arange(len(keys)), keys & mask
        while len(open_rows):
            held = self._table[places]
            found = (self.keys[held] == keys[open_rows]) & (held != UNKNOWN)
            slots[open_rows[found]] = held[found]
            further = (held != UNKNOWN) & ~found
            open_rows, places = open_rows[further], (places[further] + 1) & mask
        return slots

    def add(self, keys: NDArray[np.int64]) -> None:
        """Give the next slots to distinct keys that have none yet."""
        first, self.size = self.size, self.size + len(keys)
        if self.size > len(self.keys):
            self.keys = np.resize(self.keys, max(self.size, len(self.keys) * 3 // 2))
        self.keys[first : self.size] = keys
        if 2 * self.size > len(self._table):  # half of the table stays empty
            self._table = np.full(1 << (2 * self.size).bit_length(), UNKNOWN, np.int32)
            first = 0
        self._place(np.arange(first, self.size, dtype=np.int32))

    def _place(self, slots: NDArray[np.int32]) -> None:
        mask = len(self._table) - 1
        places = self.keys[slots] & mask
        while len(slots):
            free = self._table[places] == UNKNOWN
            self._table[places[free]] = slots[free]
            further = self._table[places] != slots  # taken, or another of this block was written over it
            slots, places = slots[further], (places[further] + 1) & mask


class Customers:
    """The state of every customer of a workspace: the sum of its records, the last one of each key.

    A record is *own* when this process wrote it, and nobody else wrote of that customer since.
    """

    def __init__(self) -> None:
        self._index = KeyIndex()
        self._payloads = np.zeros((FIRST_SLOTS, PAYLOAD_WORDS), np.uint64)
        self._attributes = np.zeros((FIRST_SLOTS, 1), np.uint64)
        self._own = np.zeros(FIRST_SLOTS, np.bool_)

    def __len__(self) -> int:
        return self._index.size

    def all(self) -> Records:
        """Return every customer."""
        return Records(self._index.keys, self._payloads, self._attributes).take(slice(len(self)))

    def find(self, keys: NDArray[np.int64]) -> tuple[Records, NDArray[np.bool_]]:
        """Return the state of each key, zero where nothing is known, and whether it is own."""
        slots = self._index.find(keys)
        known = slots != UNKNOWN
        payloads = self._payloads[slots]
        attributes = self._attributes[slots]
        payloads[~known] = 0
        attributes[~known] = 0
        return Records(keys, payloads, attributes), self._own[slots] & known

    def put(self, records: Records, *, own: bool | NDArray[np.bool_]) -> None:
        """Set the state of these customers; of two records with one key, the later one counts."""
        slots = self._index.find(records.keys)
        new = slots == UNKNOWN
        if new.any():
            keys, which = np.unique(records.keys[new], return_inverse=True)
            slots[new] = len(self) + which
            self._index.add(keys)
            self._make_room()
        self._attributes = widened(self._attributes, records.attributes.shape[1])
        # Of several values for one element, numpy's assignment keeps the last.
        self._payloads[slots] = records.payloads
        self._attributes[slots] = widened(records.attributes, self._attributes.shape[1])
        self._own[slots] = own

    def _make_room(self) -> None:
        size = len(self._index.keys)
        if size > len(self._own):
            self._own = np.resize(self._own, size)
            self._payloads = np.resize(self._payloads, (size, self._payloads.shape[1]))
            self._attributes = np.resize(self._attributes, (size, self._attributes.shape[1]))
