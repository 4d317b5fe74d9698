"""Ids and attributes → keyed digests. Nothing else about a customer, and nothing of the API key, is stored.

The digests are keyed with the file's secret *and* the API key, so the file alone is not enough to test guessed emails
or phone numbers against it.

The digest of a row is the sum of the digests of its id and its cells, mixed. So it needs no body, whole columns are
digested at once, and the order of the columns does not matter. Texts are digested with SipHash, which pandas has for
arrays; numbers, booleans and dates by adding a secret and mixing.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from growlytics_pandas.contract import canonical_url

PAYLOAD_WORDS: Final = 2  # 128 bits: two rows that collide by chance among 2**40 have odds of 1 in 2**48
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
    payloads: NDArray[np.uint64]
    """Two words per customer."""

    @classmethod
    def none(cls) -> "Digests":
        """Return the digests of nobody."""
        return cls(np.empty(0, np.int64), np.empty((0, PAYLOAD_WORDS), np.uint64))

    @classmethod
    def joined(cls, parts: "Sequence[Digests]") -> "Digests":
        """Return the digests of all parts, in order."""
        return cls(np.concatenate([part.keys for part in parts]), np.concatenate([part.payloads for part in parts]))

    def __len__(self) -> int:
        return len(self.keys)

    def __repr__(self) -> str:
        return f"Digests({len(self)} customers)"

    def take(self, rows: "NDArray[np.integer] | NDArray[np.bool_] | Sequence[int]") -> "Digests":
        """Return the digests of these rows: positions, or a mask."""
        rows = np.asarray(rows)
        rows = rows if rows.dtype == np.bool_ else rows.astype(np.int64, copy=False)
        return Digests(self.keys[rows], self.payloads[rows])


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
        return Digests(self.keys(ids), self.payloads(ids, columns))

    def keys(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Return a key for each id."""
        secrets = _secrets_of(self.id_secret, "", "id")
        return _hash_texts(ids, secrets.texts[:1])[:, 0].view(np.int64) & KEY_MASK

    def payloads(self, ids: Sequence[str], columns: Iterable[CellColumn]) -> NDArray[np.uint64]:
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
