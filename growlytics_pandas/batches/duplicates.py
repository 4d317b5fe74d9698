"""Ids that are the same, or look so, in different parts: found by hash, settled by text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from growlytics_pandas.batches.survey import PartSurvey
from growlytics_pandas.id_rules import Told, tell_alike, tell_same
from growlytics_pandas.identifiers import Keep, fold

BUCKET_ROWS: Final = 8_000_000  # hashes sorted at once: 64 MB, whatever the number of rows

Rows = npt.NDArray[np.int64]


@dataclass(slots=True)
class Tellings:
    """What to tell of the rows of each part: of ids that are the same, and of ids that look so."""

    same: defaultdict[int, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    alike: defaultdict[int, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))

    def of(self, number: int) -> tuple[Told, Told]:
        """Return what to tell of a part."""
        return _told(self.same[number]), _told(self.alike[number])


def _told(pairs: list[tuple[int, str]]) -> Told:
    return Told(tuple(row for row, _ in pairs), tuple(what for _, what in pairs))


def find_suspects(surveys: Sequence[PartSurvey]) -> dict[int, Rows]:
    """Return, for each part, the rows whose hash is not alone; parts without any are left out."""
    found = {}
    exact = _repeated([survey.exact[survey.has_id] for survey in surveys])
    folded = _repeated([survey.folded[survey.has_id] for survey in surveys])
    for number, survey in enumerate(surveys):
        is_suspect = (np.isin(survey.exact, exact) | np.isin(survey.folded, folded)) & survey.has_id
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


def settle(
    suspects: Mapping[int, Rows], texts: Mapping[int, Sequence[str]], first_rows: Sequence[int], keep: Keep
) -> Tellings:
    """Compare the suspects as text, and tell each row what its id has in common with which other one."""
    where: dict[int, tuple[int, int]] = {}
    same: defaultdict[str, list[int]] = defaultdict(list)
    for number in sorted(suspects):
        for row, text in zip(suspects[number].tolist(), texts[number], strict=True):
            same[text].append(first_rows[number] + row)
            where[first_rows[number] + row] = (number, row)
    tellings = Tellings()
    _deal(tell_same([rows for rows in same.values() if len(rows) > 1], keep), where, tellings.same)
    _deal(_tell_alike(same), where, tellings.alike)
    return tellings


def _tell_alike(same: Mapping[str, list[int]]) -> list[tuple[int, str]]:
    looks: defaultdict[str, list[str]] = defaultdict(list)
    for text in same:
        looks[fold(text)].append(text)
    told = []
    for texts in looks.values():
        if len(texts) > 1:
            rows = sorted((row, text) for text in texts for row in same[text])
            told += [tell_alike(row, next(o for o, other in rows if other != text)) for row, text in rows]
    return told


def _deal(
    told: list[tuple[int, str]],
    where: Mapping[int, tuple[int, int]],
    into: defaultdict[int, list[tuple[int, str]]],
) -> None:
    for row, what in sorted(told):
        number, local = where[row]
        into[number].append((local, what))
