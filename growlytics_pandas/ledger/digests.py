"""Ids and bodies → keyed digests. Nothing else about a customer, and nothing of the API key, is stored.

The digests are keyed with the file's secret *and* the API key, so the file alone is not enough to test guessed emails
or phone numbers against it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from growlytics_pandas.contract import canonical_url

KEY_BYTES: Final = (
    8  # of an id, cut to 63 bits: a collision can only cause an extra request (the payload covers the id)
)
PAYLOAD_BYTES: Final = 16  # of a body: two that collide by chance among 2**40 bodies have odds of 1 in 2**48
PAYLOAD_WORDS: Final = PAYLOAD_BYTES // 8
KEY_MASK: Final = np.int64(2**63 - 1)


@dataclass(frozen=True, slots=True)
class Digests:
    """The digests of some customers' ids and bodies, one element per customer."""

    keys: NDArray[np.int64]
    payloads: NDArray[np.uint64]
    """Two words per customer."""

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
    """Computes the digests of one workspace."""

    workspace: bytes
    """Identifies the workspace in the file."""
    id_secret: bytes
    body_secret: bytes

    def __repr__(self) -> str:
        return "Digester(...)"

    @classmethod
    def of(cls, secret: bytes, url: str, api_key: str) -> "Digester":
        """Return the digester of the workspace (`url`, `api_key`) in the file with this `secret`."""
        root = blake2b(encoded(f"{canonical_url(url)}\0{api_key}"), key=secret).digest()
        names = (b"workspace", b"id", b"body")
        return cls(*(blake2b(name, key=root, digest_size=32).digest() for name in names))

    def keys(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Return a key for each id."""
        seeded = blake2b(digest_size=KEY_BYTES, key=self.id_secret)
        digests = []
        for text in ids:
            state = seeded.copy()  # half the cost of creating a keyed one
            state.update(encoded(text))
            digests.append(state.digest())
        return np.frombuffer(b"".join(digests), "<i8").astype(np.int64) & KEY_MASK

    def payloads(self, bodies: Sequence[bytes]) -> NDArray[np.uint64]:
        """Return two words for each body."""
        seeded = blake2b(digest_size=PAYLOAD_BYTES, key=self.body_secret)
        digests = []
        for body in bodies:
            state = seeded.copy()
            state.update(body)
            digests.append(state.digest())
        return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64).reshape(-1, PAYLOAD_WORDS)


def encoded(text: str) -> bytes:
    """Return the bytes of a text; lone surrogates are encoded too, so that they cannot fail a run."""
    return text.encode("utf-8", "surrogatepass")
