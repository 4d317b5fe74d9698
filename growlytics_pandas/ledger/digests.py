"""Ids and attributes → keyed digests, and the log of them. Nothing else about a customer is stored, nothing of the key.

The digests are keyed with the file's secret *and* the API key, so the file alone is not enough to test guessed emails
or phone numbers against it.

The digest of a row is the sum of the digests of its id and its cells, mixed. So it needs no body, whole columns are
digested at once, and the order of the columns does not matter. Texts are digested with SipHash, which pandas has for
arrays; numbers, booleans and dates by adding a secret and mixing.

The log: a block of customers is written as one segment, with a record for each customer of its key, the digest of the
last accepted body (zero if none) and the custom attributes ever sent. Segments are only appended; a compaction replaces
them by their combined state. `Customers` is that state in memory, 35 to 50 bytes per customer, refreshed from the file
before each query. All that handles many customers does so in blocks, so that 100 million fit in the memory of a laptop.
`tests/benchmarks/README.md` compares this with LMDB and with one row per customer.
"""

import sqlite3
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from growlytics_pandas.contract import RESERVED_ATTRIBUTES, canonical_url
from growlytics_pandas.ledger.database import (
    BLOCK_RECORDS,
    BUFFERED_ROWS,
    MAX_SEGMENTS,
    RECORDS_AFTER_A_RUN,
    LedgerFile,
)

BODY_DIGEST_WORDS: Final = 2  # 128 bits: two rows that collide by chance among 2**40 have odds of 1 in 2**48
KEY_MASK: Final = np.int64(2**63 - 1)  # an id has 63 bits: a collision can only cause an extra request
MAX_PLAIN_FLOAT: Final = 1e16  # larger floats are written with an exponent
VALUE_DIGESTS: Final = 2**16 - 1
SIPHASH_KEY_CHARS: Final = 16
_INT64: Final = np.iinfo("int64")
_GLANCE: Final = 256  # texts; enough to estimate whether most are repeated


class CellColumn(NamedTuple):
    """One attribute of some customers, as it is sent."""

    name: str
    type: str
    values: Any
    """A list of texts or numbers, or an array of numbers, booleans or dates."""
    sent: NDArray[np.bool_]
    """Which cells are sent at all."""


@dataclass(frozen=True, slots=True)
class Digests:
    """The digests of some customers' ids and bodies, one element per customer."""

    keys: NDArray[np.int64]
    body_digests: NDArray[np.uint64]
    """Two words per customer."""

    @classmethod
    def none(cls) -> "Digests":
        """Return the digests of nobody."""
        return cls(np.empty(0, np.int64), np.empty((0, BODY_DIGEST_WORDS), np.uint64))

    @classmethod
    def joined(cls, parts: "Sequence[Digests]") -> "Digests":
        """Return the digests of all parts, in order."""
        return cls(np.concatenate([part.keys for part in parts]), np.concatenate([part.body_digests for part in parts]))

    def __len__(self) -> int:
        return len(self.keys)

    def __repr__(self) -> str:
        return f"Digests({len(self)} customers)"

    def take(self, rows: "NDArray[np.integer] | NDArray[np.bool_] | Sequence[int]") -> "Digests":
        """Return the digests of these rows: positions, or a mask."""
        rows = np.asarray(rows)
        rows = rows if rows.dtype == np.bool_ else rows.astype(np.int64, copy=False)
        return Digests(self.keys[rows], self.body_digests[rows])


@dataclass(frozen=True, slots=True)
class Digester:
    """Computes the digests of one project."""

    project: bytes
    """Identifies the project in the file."""
    id_secret: bytes
    body_secret: bytes
    value_secret: bytes

    def __repr__(self) -> str:
        return "Digester(...)"

    @classmethod
    def of(cls, secret: bytes, url: str, api_key: str) -> "Digester":
        """Return the digester of the project (`url`, `api_key`) in the file with this `secret`."""
        root = blake2b(encoded(f"{canonical_url(url)}\0{api_key}"), key=secret).digest()
        # "workspace" is the older word for a project; another one would make all digests of existing files invalid.
        names = (b"workspace", b"id", b"body", b"value")
        return cls(*(blake2b(name, key=root, digest_size=32).digest() for name in names))

    def digest(self, ids: Sequence[str], columns: Iterable[CellColumn]) -> Digests:
        """Return the digests of customers with these attributes."""
        return Digests(self.keys(ids), self.body_digests(ids, columns))

    def keys(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Return a key for each id."""
        secrets = _secrets_of(self.id_secret, "", "id")
        return _hash_texts(ids, secrets.texts[:1])[:, 0].view(np.int64) & KEY_MASK

    def body_digests(self, ids: Sequence[str], columns: Iterable[CellColumn]) -> NDArray[np.uint64]:
        """Return two words for each row, never both zero. Rows that are not sent alike have different words."""
        words = _hash_texts(ids, _secrets_of(self.body_secret, "", "id").texts)
        for column in columns:
            cells = _hash_cells(column.values, _secrets_of(self.body_secret, column.name, column.type))
            words += cells * column.sent[:, np.newaxis]
        # Mixed, so that the same change in two rows is not the same difference between old and new words.
        words = _mixed(words + np.array(_secrets_of(self.body_secret, "", "row").integers, np.uint64))
        words[~words.any(axis=1)] = 1
        return words

    def values(self, columns: Sequence[CellColumn]) -> NDArray[np.uint16]:
        """Return two bytes for each value, 0 where nothing is sent; one change in 65,535 is not seen in them."""
        digests = np.zeros((len(columns[0].sent) if columns else 0, len(columns)), np.uint16)
        for at, column in enumerate(columns):
            secrets = _secrets_of(self.value_secret, column.name, column.type)
            one_word = _Secrets(secrets.texts[:1], secrets.integers[:1], secrets.floats[:1])
            words = _hash_cells(column.values, one_word)[:, 0] % np.uint64(VALUE_DIGESTS)
            digests[:, at] = np.where(column.sent, words + np.uint64(1), np.uint64(0))
        return digests


class _Secrets(NamedTuple):
    """What keys the digests of one attribute, a secret a word: texts, whole numbers and floats."""

    texts: tuple[str, ...]
    integers: tuple[int, ...]
    floats: tuple[int, ...]


@lru_cache(maxsize=1024)
def _secrets_of(secret: bytes, name: str, type_: str) -> _Secrets:
    seed = blake2b(encoded(f"{type_}\0{name}"), key=secret, digest_size=56).digest()
    keys = b64encode(seed[:24]).decode()
    numbers = np.frombuffer(seed[24:], "<u8").tolist()
    return _Secrets((keys[:SIPHASH_KEY_CHARS], keys[SIPHASH_KEY_CHARS:]), tuple(numbers[:2]), tuple(numbers[2:]))


def _hash_cells(values: Any, secrets: _Secrets) -> NDArray[np.uint64]:
    """Return two words for each value: the same ones for what is written alike, whatever holds it."""
    kind = values.dtype.kind if isinstance(values, np.ndarray) else ""
    if kind in ("b", "i", "M"):
        return _hash_numbers(values.astype("M8[s]") if kind == "M" else values, secrets.integers)
    if kind == "u" and (not len(values) or values.max() <= _INT64.max):
        return _hash_numbers(values, secrets.integers)
    if kind == "f":
        return _hash_floats(by_digits(values), secrets)
    items = list(values.tolist() if kind else values)
    if all(issubclass(kind, str) for kind in set(map(type, items))):
        return _hash_texts(items, secrets.texts)
    words = _hash_texts(list(map(str, items)), secrets.texts)
    whole = [i for i, item in enumerate(items) if type(item) is int and _INT64.min <= item <= _INT64.max]
    words[whole] = _hash_numbers(np.array([items[i] for i in whole], np.int64), secrets.integers)
    floats = [i for i, item in enumerate(items) if isinstance(item, float)]
    words[floats] = _hash_floats(np.array([items[i] for i in floats], np.float64), secrets)
    return words


def by_digits(floats: NDArray[Any]) -> NDArray[np.float64]:
    """Return floats as float64; those of a shorter dtype by their own digits, so that 0.1 stays 0.1."""
    return floats if floats.dtype == np.float64 else np.array(list(map(str, floats)), np.float64)


def _hash_floats(numbers: NDArray[np.float64], secrets: _Secrets) -> NDArray[np.uint64]:
    """Hash floats; a whole one like the integer, as which it is written."""
    words = _hash_numbers((numbers + 0.0).view(np.int64), secrets.floats)
    whole = (np.abs(numbers) < MAX_PLAIN_FLOAT) & (numbers == np.trunc(numbers))
    words[whole] = _hash_numbers(numbers[whole].astype(np.int64), secrets.integers)
    return words


def _hash_numbers(numbers: NDArray[Any], secrets: Sequence[int]) -> NDArray[np.uint64]:
    bits = numbers.astype(np.int64).view(np.uint64)
    return _mixed(bits[:, np.newaxis] + np.array(secrets, np.uint64))


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread the bits of each word over all of it; different words stay different."""
    return pd.util.hash_array(words.ravel(), categorize=False).reshape(words.shape)


def _hash_texts(texts: Sequence[str], keys: Sequence[str]) -> NDArray[np.uint64]:
    """Return a word for each text and key."""
    glance = texts[:_GLANCE]
    if len(set(glance)) * 2 > len(glance):
        return _hash_each(texts, keys)
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    return _hash_each(list(places), keys)[np.fromiter(map(places.__getitem__, texts), np.int64, len(texts))]


def _hash_each(texts: Sequence[str], keys: Sequence[str]) -> NDArray[np.uint64]:
    items = np.array(texts, dtype=object)
    try:
        hashed = [pd.util.hash_array(items, hash_key=key, categorize=False) for key in keys]
    except UnicodeEncodeError:
        items = np.array([encoded(text) for text in texts], dtype=object)
        hashed = [pd.util.hash_array(items, hash_key=key, categorize=False) for key in keys]
    return np.column_stack(hashed)


def encoded(text: str) -> bytes:
    """Return the bytes of a text; lone surrogates are encoded too, so that they cannot fail a run."""
    return text.encode("utf-8", "surrogatepass")


# the log -------------------------------------------------------------------------------------------------------------

WORD_BITS: Final = 64
FIRST_SLOTS: Final = 1_024
UNKNOWN: Final = -1  # the slot of a missing key


def record_dtype(n_words: int) -> np.dtype[np.void]:
    """Return the on-disk layout of a record with `n_words` words of attribute bits."""
    return np.dtype([("key", "<i8"), ("body_digest", "<u8", (BODY_DIGEST_WORDS,)), ("attributes", "<u8", (n_words,))])


@dataclass(frozen=True, slots=True)
class Records:
    """The state of some customers, one element per customer."""

    keys: NDArray[np.int64]
    body_digests: NDArray[np.uint64]
    """The digest of the last accepted body; zero if there is none."""
    attributes: NDArray[np.uint64]
    """One bit for each custom attribute ever sent, by attribute number."""

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def from_bytes(cls, blob: bytes, n_words: int) -> "Records":
        """Read records; ValueError if `blob` is not a whole number of them."""
        records = np.frombuffer(blob, record_dtype(n_words))
        return cls(records["key"], records["body_digest"], records["attributes"])

    def to_bytes(self) -> bytes:
        """Write the records as `from_bytes` reads them."""
        records = np.empty(len(self), record_dtype(self.attributes.shape[1]))
        records["key"], records["body_digest"], records["attributes"] = self.keys, self.body_digests, self.attributes
        return records.tobytes()

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "Records":
        """Return some of the records."""
        return Records(self.keys[rows], self.body_digests[rows], self.attributes[rows])

    def blocks(self, order: NDArray[np.int64] | None = None) -> "Iterator[Records]":
        """Give the records block by block, in this order; one empty block if there are none."""
        for start in range(0, max(len(self), 1), BLOCK_RECORDS):
            rows = slice(start, start + BLOCK_RECORDS)
            yield self.take(rows if order is None else order[rows])


def joined(parts: Sequence[Records]) -> Records:
    """Return the records of all parts, in order."""
    n_words = max(part.attributes.shape[1] for part in parts)
    return Records(
        np.concatenate([part.keys for part in parts]),
        np.concatenate([part.body_digests for part in parts]),
        np.concatenate([widened(part.attributes, n_words) for part in parts]),
    )


def widened(attributes: NDArray[np.uint64], n_words: int) -> NDArray[np.uint64]:
    """Return the bits with at least `n_words` words per customer."""
    missing = n_words - attributes.shape[1]
    return attributes if missing <= 0 else np.pad(attributes, ((0, 0), (0, missing)))


def count_bits(attributes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the number of bits set for each customer."""
    as_bytes = np.ascontiguousarray(attributes).view(np.uint8)
    counts: NDArray[np.int64] = np.unpackbits(as_bytes, axis=1).sum(axis=1, dtype=np.int64)
    return counts


def enlarged(array: NDArray[Any], size: int) -> NDArray[Any]:
    """Return a copy with room for `size` elements; those that were never written take no memory."""
    larger = np.empty((size, *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger


class KeyIndex:
    """Keys → slots 0, 1, 2, …, for blocks of keys.

    Keys that were added in ascending order, as a compaction writes them, are found by binary search; they are loaded
    without any work. All others are in a hash table with linear probing, since adding to it moves no data. The keys are
    digests, so their low bits serve as the hash.
    """

    def __init__(self) -> None:
        self.keys = np.empty(FIRST_SLOTS, np.int64)
        self.size = 0
        self._n_ascending = 0
        self._table = np.full(2 * FIRST_SLOTS, UNKNOWN, np.int32)

    def find(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the slot of each key, `UNKNOWN` if it has none."""
        slots = np.full(len(keys), UNKNOWN, np.int64)
        if self._n_ascending:
            ascending = self.keys[: self._n_ascending]
            order = np.argsort(keys)  # neighbours share most steps of the search: nearly twice as fast
            nearest = np.empty(len(keys), np.int64)
            nearest[order] = np.minimum(np.searchsorted(ascending, keys[order]), self._n_ascending - 1)
            slots = np.where(ascending[nearest] == keys, nearest, UNKNOWN)
        if self._n_ascending < self.size:
            self._find_hashed(keys, slots)
        return slots

    def _find_hashed(self, keys: NDArray[np.int64], slots: NDArray[np.int64]) -> None:
        mask = len(self._table) - 1
        open_rows = np.flatnonzero(slots == UNKNOWN)
        places = keys[open_rows] & mask
        while len(open_rows):
            held = self._table[places]
            found = (self.keys[held] == keys[open_rows]) & (held != UNKNOWN)
            slots[open_rows[found]] = held[found]
            further = (held != UNKNOWN) & ~found
            open_rows, places = open_rows[further], (places[further] + 1) & mask

    def add(self, keys: NDArray[np.int64]) -> None:
        """Assign the next slots to ascending keys without a slot."""
        first, self.size = self.size, self.size + len(keys)
        if self.size > len(self.keys):
            self.keys = enlarged(self.keys, max(self.size, len(self.keys) * 3 // 2))
        self.keys[first : self.size] = keys
        if self._n_ascending == first and (not first or self.keys[first - 1] < keys[0]):
            self._n_ascending = self.size
            return
        n_hashed = self.size - self._n_ascending
        if 2 * n_hashed > len(self._table):  # at least half of the table stays empty
            self._table = np.full(1 << (2 * n_hashed).bit_length(), UNKNOWN, np.int32)
            first = self._n_ascending
        for start in range(first, self.size, BLOCK_RECORDS):
            self._place(np.arange(start, min(start + BLOCK_RECORDS, self.size), dtype=np.int32))

    def _place(self, slots: NDArray[np.int32]) -> None:
        mask = len(self._table) - 1
        places = self.keys[slots] & mask
        while len(slots):
            free = self._table[places] == UNKNOWN
            self._table[places[free]] = slots[free]
            further = self._table[places] != slots  # slot taken, or overwritten by another key of this block
            slots, places = slots[further], (places[further] + 1) & mask


class Customers:
    """The state of every customer of a project: the last record of each key.

    A record is *own* if this process wrote it and no other process has written one for that customer since.
    """

    def __init__(self) -> None:
        self._index = KeyIndex()
        self._body_digests = np.zeros((FIRST_SLOTS, BODY_DIGEST_WORDS), np.uint64)
        self._attributes = np.zeros((FIRST_SLOTS, 1), np.uint64)
        self._own = np.zeros(FIRST_SLOTS, np.bool_)

    def __len__(self) -> int:
        return self._index.size

    def all(self) -> Records:
        """Return the records of all customers."""
        return Records(self._index.keys, self._body_digests, self._attributes).take(slice(len(self)))

    def find(self, keys: NDArray[np.int64]) -> tuple[Records, NDArray[np.bool_]]:
        """Return the state of each key (zero if unknown), and whether it is own."""
        slots = self._index.find(keys)
        known = slots != UNKNOWN
        body_digests = self._body_digests[slots]
        attributes = self._attributes[slots]
        body_digests[~known] = 0
        attributes[~known] = 0
        return Records(keys, body_digests, attributes), self._own[slots] & known

    def put(self, records: Records, *, own: bool | NDArray[np.bool_]) -> None:
        """Set the state of these customers; of two records with the same key, the later one counts."""
        slots = self._index.find(records.keys)
        new = slots == UNKNOWN
        if new.any():
            keys, which = np.unique(records.keys[new], return_inverse=True)
            slots[new] = len(self) + which
            self._index.add(keys)
            self._make_room()
        self._attributes = widened(self._attributes, records.attributes.shape[1])
        # With repeated indices, numpy assigns the last value.
        self._body_digests[slots] = records.body_digests
        self._attributes[slots] = widened(records.attributes, self._attributes.shape[1])
        self._own[slots] = own

    def _make_room(self) -> None:
        size = len(self._index.keys)
        if size > len(self._own):
            self._own = enlarged(self._own, size)
            self._body_digests = enlarged(self._body_digests, size)
            self._attributes = enlarged(self._attributes, size)


CUSTOMERS_A_SEGMENT: Final = 250  # and so many more are allowed: a push in chunks of 1,000 writes two for each
SPARE_RECORDS: Final = 16_384  # superseded records below which a compaction is not worth it
MAX_RECORDS_A_CUSTOMER: Final = 2  # a first push writes a withdrawal and an acceptance


class AttributeNumbers:
    """The permanent numbers of a project's custom attributes: 0, 1, 2, … in the order of their first use."""

    def __init__(self, file: LedgerFile, project: int) -> None:
        self._file = file
        self._project = project
        self._numbers: dict[str, int] = {}

    def bits(self, names: Sequence[str], present: NDArray[np.bool_] | None, n_rows: int) -> NDArray[np.uint64]:
        """Return the bits of the attributes that each row has; `present` is rows × names, None if every row has all.

        New names get a number. Reserved names do not count towards the limit, so they have no bit.
        """
        columns = [at for at, name in enumerate(names) if name not in RESERVED_ATTRIBUTES]
        numbers = self._assigned([names[at] for at in columns])
        n_words = max(numbers, default=0) // WORD_BITS + 1
        unpacked = np.zeros((n_rows, n_words * WORD_BITS), np.bool_)
        unpacked[:, numbers] = True if present is None else present[:, columns]
        return np.packbits(unpacked, axis=1, bitorder="little").view("<u8").astype(np.uint64, copy=False)

    def present(self, names: Sequence[str], bits: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Return which of `names` are set in each row's bits, as rows × names."""
        self._load()
        numbers = np.array([self._numbers.get(name, -1) for name in names], np.int64)
        within = (numbers >= 0) & (numbers < bits.shape[1] * WORD_BITS)
        words, shifts = np.divmod(numbers[within], WORD_BITS)
        held = np.zeros((len(bits), len(names)), np.bool_)
        held[:, within] = (bits[:, words] >> shifts.astype(np.uint64)) & np.uint64(1)
        return held

    def _assigned(self, names: Sequence[str]) -> list[int]:
        """Return the number of each name; new names get the next numbers."""
        if not self._numbers.keys() >= set(names):
            with self._file.writing() as connection:
                self._load()
                unnumbered = [name for name in dict.fromkeys(names) if name not in self._numbers]
                new = {name: len(self._numbers) + at for at, name in enumerate(unnumbered)}
                connection.executemany(
                    "INSERT INTO attribute_numbers (project, attribute, number) VALUES (?, ?, ?)",
                    [(self._project, name, number) for name, number in new.items()],
                )
            self._numbers.update(new)
        return [self._numbers[name] for name in names]

    def _load(self) -> None:
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT attribute, number FROM attribute_numbers WHERE project = ?", (self._project,)
            )
            self._numbers = dict(rows.fetchall())


class CustomerLog:
    """The accepted bodies and sent attributes of one project."""

    def __init__(self, file: LedgerFile, project: int) -> None:
        self._file = file
        self._project = project
        self._customers = Customers()
        self._last_segment = 0
        self._n_segments = 0
        self._n_records = 0
        self._attributes = AttributeNumbers(file, project)
        self._accepted: list[Digests] = []

    def find(self, keys: NDArray[np.int64]) -> Records:
        """Return what is known of each key."""
        return self._state(keys)[0]

    def __len__(self) -> int:
        return len(self._customers)

    def marks(self) -> NDArray[np.uint64]:
        """Return the first word of the digest of every body that is the last accepted one of its customer."""
        with self._file.reading() as connection:
            self._refresh(connection)
        everyone = self._customers.all()
        marks: NDArray[np.uint64] = everyone.body_digests[is_stored(everyone), 0]
        return marks

    def has_attributes(self, keys: NDArray[np.int64], names: Sequence[str]) -> NDArray[np.bool_]:
        """Return whether each customer (row) was ever sent each attribute (column)."""
        return self._attributes.present(names, self.find(keys).attributes)

    def withdraw(self, digests: Digests, names: Sequence[str], present: NDArray[np.bool_] | None) -> None:
        """Record that these bodies are about to be sent: see `Project.withdraw`."""
        bits = self._attributes.bits(names, present, len(digests))
        known, own = self._state(digests.keys)
        # A lost withdrawal would hide a change, so it must survive a power failure; other losses only cost requests.
        replaces = is_stored(known) & ~is_same(known, digests)
        with self._file.writing(durable=bool(replaces.any())) as connection:
            if self._refresh(connection):
                known, own = self._customers.find(digests.keys)
            intended = intention(known, digests, bits)
            # Another process's withdrawal is claimed by writing it again: its acceptance then has no effect.
            is_open = ~is_stored(known) & ~own
            records = intended.take(is_open | differs(known, intended))
            segment = self._append(connection, records)
        self._applied(segment, records)
        self._compact_if_due()

    def accept(self, digests: Digests) -> None:
        """Record these bodies as accepted: see `Project.accept`."""
        self._accepted.append(digests)
        if sum(map(len, self._accepted)) >= BUFFERED_ROWS:
            self.flush()

    def flush(self) -> None:
        """Commit the buffered acceptances."""
        if not self._accepted:
            return
        digests = Digests.joined(self._accepted)
        with self._file.writing() as connection:
            self._refresh(connection)
            known, own = self._customers.find(digests.keys)
            # Not own: another process has sent this customer a body since. Which arrived last is unknown, so neither is
            # stored, and a record of zeros notifies the other process.
            body_digests = np.where(own[:, None], digests.body_digests, np.uint64(0))
            records = Records(digests.keys, body_digests, known.attributes).take(~is_same(known, digests))
            segment = self._append(connection, records)
        self._accepted.clear()
        self._applied(segment, records)
        self._compact_if_due()

    def forget(self, keys: NDArray[np.int64] | None, *, attributes: bool) -> int:
        """Forget accepted bodies: see `Project.forget`."""
        self.flush()
        count = 0
        with self._file.writing(durable=True) as connection:
            self._refresh(connection)
            everyone = self._customers.all() if keys is None else self._customers.find(np.unique(keys))[0]
            for block in everyone.blocks():
                known = block.take(is_stored(block) | (attributes & block.attributes.any(axis=1)))
                kept = known.attributes * np.uint64(not attributes)
                self._append(connection, Records(known.keys, np.zeros_like(known.body_digests), kept))
                count += len(known)
        if count:
            self._compact(drop_empty=attributes)  # so that forgotten digests are also removed from the file
            self._file.shrink()
        return count

    def _state(self, keys: NDArray[np.int64]) -> tuple[Records, NDArray[np.bool_]]:
        self.flush()
        with self._file.reading() as connection:
            self._refresh(connection)
        return self._customers.find(keys)

    def _refresh(self, connection: sqlite3.Connection) -> bool:
        """Read what other processes wrote; return whether there was anything."""
        rows = connection.execute(
            "SELECT id, is_base, n_words, records FROM segments WHERE project = ? AND id > ? ORDER BY id",
            (self._project, self._last_segment),
        )
        first = last = self._last_segment
        before = self._customers
        news: list[Records] = []
        for number, is_base, *row in rows:
            records = self._parsed(number, *row)
            if is_base:  # the result of a compaction comes first, since that deletes what it sums up
                if self._customers is before:
                    self._customers, self._n_segments, self._n_records = Customers(), 0, 0
                known, own = before.find(records.keys)
                self._take_in([records], own=own & ~differs(known, records))  # unchanged records stay own
            else:
                news.append(records)
            if sum(map(len, news)) >= BLOCK_RECORDS:
                self._take_in(news, own=False)
                self._last_segment, news = number, []
            last = number
        self._take_in(news, own=False)
        self._last_segment = last
        return last > first

    def _take_in(self, segments: Sequence[Records], *, own: bool | NDArray[np.bool_]) -> None:
        """Apply segments to the state in memory."""
        if segments:
            records = joined(segments)
            self._customers.put(records, own=own)
            self._n_segments += len(segments)
            self._n_records += len(records)

    def _parsed(self, number: int, n_words: int, records: bytes) -> Records:
        try:
            return Records.from_bytes(records, n_words)
        except (TypeError, ValueError) as error:
            raise self._file.damaged(f"segment {number} is cut") from error

    def _append(self, connection: sqlite3.Connection, records: Records, *, is_base: bool = False) -> int:
        """Write a segment unless it is empty, and return its number."""
        if not len(records) and not is_base:  # an empty base means that everything was forgotten
            return self._last_segment
        cursor = connection.execute(
            "INSERT INTO segments (project, is_base, n_words, records) VALUES (?, ?, ?, ?)",
            (self._project, is_base, records.attributes.shape[1], records.to_bytes()),
        )
        return int(cursor.lastrowid or 0)

    def _applied(self, segment: int, records: Records) -> None:
        """Apply a segment that has just been committed to the state in memory."""
        if len(records):
            self._take_in([records], own=True)
            self._last_segment = segment

    def tidy(self) -> None:
        """Compact after a run, when no request waits for it."""
        self.flush()
        self._compact_if_due(RECORDS_AFTER_A_RUN)

    def _compact_if_due(self, records_a_customer: float = MAX_RECORDS_A_CUSTOMER) -> None:
        n_customers = len(self._customers)
        most_segments = MAX_SEGMENTS + n_customers // CUSTOMERS_A_SEGMENT
        most_records = records_a_customer * n_customers + SPARE_RECORDS
        if self._n_segments > most_segments or self._n_records > most_records:
            self._compact()

    def _compact(self, *, drop_empty: bool = False) -> None:
        """Replace all segments by their combined state, in the order of the keys; later segments reuse the space.

        An empty record may belong to a customer whose request is in flight, so they are dropped only on request.
        """
        with self._file.writing() as connection:
            self._refresh(connection)
            last, n_segments, n_records = self._last_segment, 0, 0
            everyone = self._customers.all()
            for block in everyone.blocks(np.argsort(everyone.keys)):
                part = block.take(is_stored(block) | block.attributes.any(axis=1)) if drop_empty else block
                last = self._append(connection, part, is_base=True)
                n_segments += 1
                n_records += len(part)
            connection.execute(
                "DELETE FROM segments WHERE project = ? AND id <= ?", (self._project, self._last_segment)
            )
        self._last_segment, self._n_segments, self._n_records = last, n_segments, n_records


def is_stored(known: Records) -> NDArray[np.bool_]:
    """Return whether the digest of a body is stored, for each customer."""
    stored: NDArray[np.bool_] = (known.body_digests != 0).any(axis=1)
    return stored


def is_same(known: Records, digests: Digests) -> NDArray[np.bool_]:
    """Return whether the stored digest of a body is the one in `digests`, for each customer."""
    same: NDArray[np.bool_] = (known.body_digests == digests.body_digests).all(axis=1)
    return same


def intention(known: Records, digests: Digests, bits: NDArray[np.uint64]) -> Records:
    """Return the state before these bodies are sent: differing digests withdrawn, their attributes counted as sent."""
    body_digests = np.where(is_same(known, digests)[:, None], known.body_digests, np.uint64(0))
    n_words = max(bits.shape[1], known.attributes.shape[1])
    return Records(digests.keys, body_digests, widened(known.attributes, n_words) | widened(bits, n_words))


def differs(known: Records, other: Records) -> NDArray[np.bool_]:
    """Return whether the states differ, for each customer."""
    n_words = max(known.attributes.shape[1], other.attributes.shape[1])
    same_attributes = widened(known.attributes, n_words) == widened(other.attributes, n_words)
    same: NDArray[np.bool_] = (known.body_digests == other.body_digests).all(axis=1) & same_attributes.all(axis=1)
    return ~same
