"""The first pass over parts: a profile of each, small enough to keep and sufficient to infer the schema of the whole.

Ids shared by different parts are found by hash, then compared as text.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas._rules import Rule
from growlytics_pandas.checks.ids import LabelRows, customers_only, find_label_rows, find_same
from growlytics_pandas.checks.schema import ColumnFacts, sent_positions
from growlytics_pandas.columns.dtypes import TEXT_KINDS, Kind, Mask, Rows, absent, classify, merge, starts, tally
from growlytics_pandas.columns.frames import prepare_frame
from growlytics_pandas.columns.plan_options import Keep, PlanOptions
from growlytics_pandas.columns.reading import (
    Ids,
    SharedIdRows,
    clean,
    find_currencies,
    fold_id,
    fold_ids,
    read_ids,
)
from growlytics_pandas.columns.texts import MISSING_IDS, hash_texts
from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.upload.parts import PartList, PartTask, changed_error, digest_ids

EXAMPLE_ROWS: Final = 20  # of the first part
UNCOMPARABLE: Final = (TypeError, ArithmeticError)  # lists and dicts; a signalling NaN
SAMPLE_VALUES: Final = 1000  # distinct values per column and part, for suggestions


@dataclass(frozen=True, slots=True)
class ProfileOptions:
    """What to profile, and how columns are read."""

    id_column: Hashable
    options: PlanOptions

    def clean(self, column: pd.Series[Any], label: Hashable) -> pd.Series[Any]:
        """Return a column cleaned according to the options."""
        return clean(column, self.options.reading_of(label), ZoneInfo(self.options.timezone), self.options.region)

    def read_ids(self, column: pd.Series[Any], kind: Kind) -> Ids:
        """Read the ids in a part of the id column."""
        reading = self.options.reading_of(self.id_column)
        return read_ids(column, kind, ZoneInfo(self.options.timezone), self.options.region, reading)


@dataclass(frozen=True, slots=True)
class ColumnTally:
    """One column of one part: non-missing cells by kind, and a text for the user."""

    kinds: Counter[Kind]
    detail: str
    dtype: str
    missing: int
    sample: pd.Series[Any]
    currencies: frozenset[str]


@dataclass(frozen=True, slots=True)
class PartProfile:
    """The profile of one part: 18 bytes per row, and a tally per column."""

    labels: tuple[Hashable, ...]
    columns: tuple[ColumnTally, ...]
    has_id: Mask
    exact: npt.NDArray[np.uint64]
    folded: npt.NDArray[np.uint64]
    is_rounded: Mask
    label_rows: LabelRows
    example: pd.DataFrame

    @property
    def is_customer(self) -> Mask:
        """Which rows have the id of a customer."""
        mask = self.has_id.copy()
        for rows in self.label_rows.values():
            mask[rows] = False
        return mask

    @property
    def rows(self) -> int:
        """Rows of the part."""
        return len(self.has_id)


def profile_part(frame: pd.DataFrame, how: ProfileOptions, _task: object = None) -> PartProfile:
    """Profile a part, reading each cell once."""
    frame = prepare_frame(frame, how.id_column)
    labels = tuple(frame.columns)
    if how.id_column not in labels:
        raise InvalidArgumentError(
            f"id_col: a part has no column {how.id_column!r}; its columns are {', '.join(map(repr, labels[:10]))}."
        )
    has_id, exact, folded, is_rounded, label_rows = _hash_ids(frame, labels.index(how.id_column), how)
    customers = customers_only(frame, np.concatenate([[], *label_rows.values()]).astype("int64"))
    tallies = [_tally(frame.iloc[:, i], _sample(customers.iloc[:, i]), label, how) for i, label in enumerate(labels)]
    return PartProfile(
        labels, tuple(tallies), has_id, exact, folded, is_rounded, label_rows, example=frame.head(EXAMPLE_ROWS)
    )


def fetch_ids(frame: pd.DataFrame, how: ProfileOptions, rows: npt.NDArray[np.int64]) -> list[str]:
    """Return the ids of some rows as sent."""
    frame = prepare_frame(frame, how.id_column)
    labels: tuple[Hashable, ...] = tuple(frame.columns)
    column = frame.iloc[:, labels.index(how.id_column)]
    return how.read_ids(column.iloc[rows], classify(how.clean(column, how.id_column)).kind).texts


def _tally(column: pd.Series[Any], sample: pd.Series[Any], label: Hashable, how: ProfileOptions) -> ColumnTally:
    dtype = str(column.dtype)
    column = how.clean(column, label)
    finding = classify(column)
    return ColumnTally(
        tally(column),
        finding.detail if finding.kind is Kind.UNSUPPORTED else "",
        dtype,
        int(absent(column).sum()),
        sample,
        find_currencies(column, how.options.reading_of(label)),
    )


def _sample(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return distinct values of a column, as objects."""
    present = column[~absent(column)]
    try:
        distinct = present.drop_duplicates()
    except UNCOMPARABLE:
        distinct = present
    return distinct.iloc[:SAMPLE_VALUES].astype(object)


def _hash_ids(
    frame: pd.DataFrame, position: int, how: ProfileOptions
) -> tuple[Mask, npt.NDArray[np.uint64], npt.NDArray[np.uint64], Mask, LabelRows]:
    column = frame.iloc[:, position]
    rows, kind = len(column), classify(how.clean(column, how.id_column)).kind
    has_id = np.zeros(rows, dtype=bool)
    exact, folded = np.zeros(rows, dtype="uint64"), np.zeros(rows, dtype="uint64")
    is_rounded = np.zeros(rows, dtype=bool)
    label_rows: dict[Rule, npt.NDArray[np.int64]] = {}
    sent = sent_positions(frame, position, how.options)
    for start, stop in starts(rows):
        ids = how.read_ids(column.iloc[start:stop], kind)
        has_id[start:stop] = ~ids.missing
        exact[start:stop] = hash_texts(ids.texts)
        texts = fold_ids(ids.texts)
        folded[start:stop] = exact[start:stop] if texts is ids.texts else hash_texts(texts)
        is_rounded[start:stop] = ids.rounded
        if kind in TEXT_KINDS:
            for rule, found in find_label_rows(frame, start, position, sent, texts).items():
                label_rows[rule] = np.concatenate([label_rows.get(rule, found[:0]), found + start])
    return has_id, exact, folded, is_rounded, label_rows


# the whole, from its parts --------------------------------------------------------------------------------------------


def merge_labels(profiles: Iterable[PartProfile]) -> tuple[Hashable, ...]:
    """Return the columns of all parts, in the order in which they first appear."""
    distinct = list(dict.fromkeys(profile.labels for profile in profiles))
    if len(distinct) == 1:
        return distinct[0]
    if any(len(set(labels)) < len(labels) for labels in distinct):
        raise InvalidArgumentError("the parts have different columns, and some twice; give each part the same ones.")
    return tuple(dict.fromkeys(label for labels in distinct for label in labels))


def merge_columns(profiles: Sequence[PartProfile], labels: Sequence[Hashable]) -> list[ColumnFacts]:
    """Classify every column from all parts, as `classify` would for one frame."""
    return [_merge_column(profiles, i, label) for i, label in enumerate(labels)]


def _merge_column(profiles: Sequence[PartProfile], position: int, label: Hashable) -> ColumnFacts:
    tallies = [found for profile in profiles if (found := _of(profile, position, label)) is not None]
    absent = sum(profile.rows for profile in profiles) - sum(sum(t.kinds.values()) + t.missing for t in tallies)
    kinds: Counter[Kind] = sum((each.kinds for each in tallies), Counter())
    details = dict.fromkeys(each.detail for each in tallies if each.detail)
    finding = merge(kinds, ", ".join(details))
    return ColumnFacts(
        finding,
        ", ".join(dict.fromkeys(each.dtype for each in tallies)),
        sum(each.missing for each in tallies) + max(0, absent),
        frozenset().union(*(each.currencies for each in tallies)),
    )


def merge_samples(profiles: Sequence[PartProfile], labels: Sequence[Hashable]) -> pd.DataFrame:
    """Return a frame with distinct values of each column from all parts, padded with missing cells."""
    columns = []
    for position, label in enumerate(labels):
        samples = [found.sample for profile in profiles if (found := _of(profile, position, label)) is not None]
        joined = pd.concat(samples, ignore_index=True)
        try:
            columns.append(joined.drop_duplicates(ignore_index=True))
        except UNCOMPARABLE:
            columns.append(joined)
    frame = pd.DataFrame(dict(enumerate(columns)))
    return frame.set_axis(pd.Index(labels, tupleize_cols=False), axis=1)


def _of(profile: PartProfile, position: int, label: Hashable) -> ColumnTally | None:
    if position < len(profile.labels) and profile.labels[position] == label:
        return profile.columns[position]
    return profile.columns[profile.labels.index(label)] if label in profile.labels else None


def skipped_rows(task: PartTask, profile: PartProfile) -> dict[Rule, npt.NDArray[np.int64]]:
    """Return the rows of a part that are not sent because of their id, by rule."""
    return {
        Rule.ID_MISSING: np.flatnonzero(~profile.has_id & ~profile.is_rounded),
        Rule.ID_ROUNDED: np.flatnonzero(profile.is_rounded),
        Rule.ID_DUPLICATE: task.same.rows,
        **profile.label_rows,
    }


@dataclass(frozen=True, slots=True)
class ProfiledParts:
    """The profiles of all parts; independent of the client."""

    labels: tuple[Hashable, ...]
    facts: tuple[ColumnFacts, ...]
    example: pd.DataFrame
    sample: pd.DataFrame
    parts: PartList


# ids that different parts share --------------------------------------------------------------------------------------


class SeenIds:
    """A growing set of hashes, in sorted runs of doubling length, so that each hash is re-sorted only a few times."""

    def __init__(self) -> None:
        self._runs: list[npt.NDArray[np.uint64]] = []

    def among(self, hashes: npt.NDArray[np.uint64]) -> Mask:
        """Return which of `hashes` are in the set."""
        found = np.zeros(len(hashes), dtype=bool)
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
            found |= run[places] == hashes
        return found

    def add(self, hashes: npt.NDArray[np.uint64]) -> None:
        """Add `hashes`."""
        if not len(hashes):
            return
        self._runs.append(np.sort(hashes))
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate([self._runs[-1], last]))


BUCKET_ROWS: Final = 8_000_000  # hashes sorted at a time: 64 MB, whatever the number of rows
Triples = defaultdict[int, list[tuple[int, int, int]]]
"""For a part: row in the part → number of rows in all parts that share its id, and the number of another one."""


@dataclass(slots=True)
class SharedIds:
    """For each part, the rows whose id is the same as another row's, and those whose id looks like another's."""

    same: Triples = field(default_factory=lambda: defaultdict(list))
    alike: Triples = field(default_factory=lambda: defaultdict(list))

    def of(self, number: int) -> tuple[SharedIdRows, SharedIdRows]:
        """Return the rows of one part."""
        return SharedIdRows.of(self.same[number]), SharedIdRows.of(self.alike[number])


def find_suspects(profiles: Sequence[PartProfile]) -> dict[int, Rows]:
    """Return, for each part, the rows whose hash is not unique; parts without such rows are left out."""
    found = {}
    exact = _repeated([profile.exact[profile.is_customer] for profile in profiles])
    folded = _repeated([profile.folded[profile.is_customer] for profile in profiles])
    for number, profile in enumerate(profiles):
        is_suspect = (np.isin(profile.exact, exact) | np.isin(profile.folded, folded)) & profile.is_customer
        if is_suspect.any():
            found[number] = np.flatnonzero(is_suspect)
    return found


def _repeated(hashes: Sequence[npt.NDArray[np.uint64]]) -> npt.NDArray[np.uint64]:
    """Return the hashes that occur more than once, computed bucket by bucket."""
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
    """Compare the suspects as text: find rows that share an id or whose ids look alike."""
    where: dict[int, tuple[int, int]] = {}
    same: defaultdict[str, list[int]] = defaultdict(list)
    for number in sorted(suspects):
        for row, text in zip(suspects[number].tolist(), texts[number], strict=True):
            same[text].append(first_rows[number] + row)
            where[first_rows[number] + row] = (number, row)
    shared = SharedIds()
    repeated = {text: rows for text, rows in same.items() if len(rows) > 1}
    nobody = [rows for text, rows in repeated.items() if text in MISSING_IDS]
    found = find_same(list(repeated.values()), keep, nobody)
    _by_part(zip(found.rows.tolist(), found.sharing.tolist(), found.others.tolist(), strict=True), where, shared.same)
    _by_part(_look_alikes(same), where, shared.alike)
    return shared


def _look_alikes(same: Mapping[str, list[int]]) -> Iterator[tuple[int, int, int]]:
    seen: defaultdict[str, list[str]] = defaultdict(list)
    for text in same:
        seen[fold_id(text)].append(text)
    for texts in seen.values():
        if len(texts) > 1:
            rows = sorted((row, text) for text in texts for row in same[text])
            for row, text in rows:
                yield row, len(rows), next(other for other, its in rows if its != text)


def _by_part(triples: Iterable[tuple[int, int, int]], where: Mapping[int, tuple[int, int]], into: Triples) -> None:
    for row, sharing, other in triples:
        number, local = where[row]
        into[number].append((local, sharing, other))


def profile_parts(
    run: Callable[..., Iterator[tuple[int, Any]]], id_col: Hashable, options: PlanOptions
) -> ProfiledParts:
    """Profile all parts with an executor's `run`, then read again the rows whose id may not be unique."""
    how = ProfileOptions(id_col, options)
    found = dict(run(profile_part, how))
    profiles = [found.pop(number) for number in sorted(found)]
    if not profiles:
        raise InvalidArgumentError("frames: the source is empty; it must have at least one frame, even without rows.")
    labels = merge_labels(profiles)
    first_rows = [0, *accumulate(each.rows for each in profiles)]
    suspects = find_suspects(profiles)
    texts = dict(run(fetch_ids, how, suspects)) if suspects else {}
    for number, found_texts in texts.items():
        if not np.array_equal(hash_texts(found_texts), profiles[number].exact[suspects[number]]):
            raise changed_error(number, "its ids, or their order, have changed since the plan was made")
    shared = compare(suspects, texts, first_rows, options.keep)
    tasks = [_task(number, first_rows[number], each, shared) for number, each in enumerate(profiles)]
    example = next((each.example for each in profiles if each.rows), profiles[0].example)
    return ProfiledParts(
        labels,
        tuple(merge_columns(profiles, labels)),
        example.reindex(columns=pd.Index(labels, tupleize_cols=False)) if tuple(example.columns) != labels else example,
        merge_samples(profiles, labels),
        PartList(tuple(tasks), tuple(map(skipped_rows, tasks, profiles))),
    )


def _task(number: int, first_row: int, part: PartProfile, shared: SharedIds) -> PartTask:
    same, alike = shared.of(number)
    return PartTask(number, first_row, part.rows, same, alike, part.labels, digest_ids(part.has_id, part.exact))
