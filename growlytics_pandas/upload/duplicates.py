"""Ids that are the same, or look so, in different parts: found by hash, settled by text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from growlytics_pandas.checks.ids import Alike, find_same
from growlytics_pandas.columns.dtypes import Mask
from growlytics_pandas.columns.reading import Keep, fold
from growlytics_pandas.upload.profile import PartProfile


class SeenIds:
    """A growing set of hashes, in sorted runs of doubling length: each hash is sorted again a few times only."""

    def __init__(self) -> None:
        self._runs: list[npt.NDArray[np.uint64]] = []

    def among(self, hashes: npt.NDArray[np.uint64]) -> Mask:
        """Return which of `hashes` were there before."""
        found = np.zeros(len(hashes), dtype=bool)
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
            found |= run[places] == hashes
        return found

    def add(self, hashes: npt.NDArray[np.uint64]) -> None:
        """Remember `hashes`."""
        if not len(hashes):
            return
        self._runs.append(np.sort(hashes))
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate([self._runs[-1], last]))


BUCKET_ROWS: Final = 8_000_000  # hashes sorted at once: 64 MB, whatever the number of rows

Rows = npt.NDArray[np.int64]


Triples = defaultdict[int, list[tuple[int, int, int]]]
"""By part: row in the part, rows of all parts that share its id, and another one of them in the whole."""


@dataclass(slots=True)
class SharedIds:
    """The rows of each part whose id is that of another row, and those whose id looks like that of another."""

    same: Triples = field(default_factory=lambda: defaultdict(list))
    alike: Triples = field(default_factory=lambda: defaultdict(list))

    def of(self, number: int) -> tuple[Alike, Alike]:
        """Return those of one part."""
        return Alike.of(self.same[number]), Alike.of(self.alike[number])


def find_suspects(profiles: Sequence[PartProfile]) -> dict[int, Rows]:
    """Return, for each part, the rows whose hash is not alone; parts without any are left out."""
    found = {}
    exact = _repeated([profile.exact[profile.has_id] for profile in profiles])
    folded = _repeated([profile.folded[profile.has_id] for profile in profiles])
    for number, profile in enumerate(profiles):
        is_suspect = (np.isin(profile.exact, exact) | np.isin(profile.folded, folded)) & profile.has_id
        if is_suspect.any():
            found[number] = np.flatnonzero(is_suspect)
    return found


def _repeated(hashes: Sequence[npt.NDArray[np.uint64]]) -> npt.NDArray[np.uint64]:
    """Return the hashes that occur more than once, one bucket of them at a time."""
    buckets = np.uint64(1 + sum(map(len, hashes)) // BUCKET_ROWS)
    found = [np.empty(0, dtype="uint64")]
    for bucket in range(int(buckets)):
        part = np.concatenate([found[0], *(each[each % buckets == np.uint64(bucket)] for each in hashes)])
        part.sort()
        found.append(np.unique(part[1:][part[1:] == part[:-1]]))
    return np.concatenate(found)


def compare(
    suspects: Mapping[int, Rows], texts: Mapping[int, Sequence[str]], first_rows: Sequence[int], keep: Keep
) -> SharedIds:
    """Compare the suspects as text: which rows share an id, or have one that looks like another."""
    where: dict[int, tuple[int, int]] = {}
    same: defaultdict[str, list[int]] = defaultdict(list)
    for number in sorted(suspects):
        for row, text in zip(suspects[number].tolist(), texts[number], strict=True):
            same[text].append(first_rows[number] + row)
            where[first_rows[number] + row] = (number, row)
    shared = SharedIds()
    found = find_same([rows for rows in same.values() if len(rows) > 1], keep)
    _by_part(zip(found.rows.tolist(), found.sharing.tolist(), found.others.tolist(), strict=True), where, shared.same)
    _by_part(_look_alikes(same), where, shared.alike)
    return shared


def _look_alikes(same: Mapping[str, list[int]]) -> Iterator[tuple[int, int, int]]:
    seen: defaultdict[str, list[str]] = defaultdict(list)
    for text in same:
        seen[fold(text)].append(text)
    for texts in seen.values():
        if len(texts) > 1:
            rows = sorted((row, text) for text in texts for row in same[text])
            for row, text in rows:
                yield row, len(rows), next(other for other, its in rows if its != text)


def _by_part(triples: Iterable[tuple[int, int, int]], where: Mapping[int, tuple[int, int]], into: Triples) -> None:
    for row, sharing, other in triples:
        number, local = where[row]
        into[number].append((local, sharing, other))
