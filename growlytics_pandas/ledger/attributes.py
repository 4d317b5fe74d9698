"""Custom attribute names ↔ numbers: a customer's attributes are kept as bits, one for each number."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from growlytics_pandas.contract import RESERVED_ATTRIBUTES
from growlytics_pandas.ledger.customers import WORD_BITS
from growlytics_pandas.ledger.database import LedgerFile


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
