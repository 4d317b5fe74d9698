"""The profile of one part of a larger frame: small enough to keep, sufficient to infer the schema of the whole."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas._rules import Rule
from growlytics_pandas._status import Status
from growlytics_pandas.checks.ids import LabelRows, find_label_rows
from growlytics_pandas.checks.schema import Attribute, ColumnFacts, Schema
from growlytics_pandas.columns.dtypes import Finding, Kind, Mask, absent, inspect, merge, starts, tally
from growlytics_pandas.columns.frames import prepare_frame
from growlytics_pandas.columns.options import PlanOptions
from growlytics_pandas.columns.reading import Alike, Ids, clean, find_currencies, fold_all, hash_texts, read_ids
from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.upload.outcomes import OutcomeBuffer

EXAMPLE_ROWS: Final = 20  # of the first part
UNCOMPARABLE: Final = (TypeError, ArithmeticError)  # lists and dicts; a signalling NaN
SAMPLE_VALUES: Final = 1000  # distinct values per column and part, for suggestions


@dataclass(frozen=True, slots=True)
class Question:
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


def profile_part(frame: pd.DataFrame, question: Question, _task: object = None) -> PartProfile:
    """Profile a part, reading each cell once."""
    frame = prepare_frame(frame, question.id_column)
    labels = tuple(frame.columns)
    if question.id_column not in labels:
        raise InvalidArgumentError(
            f"id_col: a part has no column {question.id_column!r}; its columns are {', '.join(map(repr, labels[:10]))}."
        )
    tallies = [_tally(frame.iloc[:, i], label, question) for i, label in enumerate(labels)]
    ids = _hash_ids(frame, labels.index(question.id_column), question)
    return PartProfile(labels, tuple(tallies), *ids, frame.head(EXAMPLE_ROWS))


def digest_ids(has_id: Mask, exact: npt.NDArray[np.uint64]) -> bytes:
    """Digest the ids of a part in order, from the hash of each."""
    return hashlib.blake2b(has_id.tobytes() + exact.tobytes(), digest_size=16).digest()


def _tally(column: pd.Series[Any], label: Hashable, question: Question) -> ColumnTally:
    dtype, sample = str(column.dtype), _sample(column)
    column = question.clean(column, label)
    finding = inspect(column)
    return ColumnTally(
        tally(column),
        finding.detail if finding.kind is Kind.UNSUPPORTED else "",
        dtype,
        int(absent(column).sum()),
        sample,
        find_currencies(column, question.options.reading_of(label)),
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
    frame: pd.DataFrame, position: int, question: Question
) -> tuple[Mask, npt.NDArray[np.uint64], npt.NDArray[np.uint64], Mask, LabelRows]:
    column = frame.iloc[:, position]
    rows, kind = len(column), inspect(question.clean(column, question.id_column)).kind
    has_id = np.zeros(rows, dtype=bool)
    exact, folded = np.zeros(rows, dtype="uint64"), np.zeros(rows, dtype="uint64")
    is_rounded = np.zeros(rows, dtype=bool)
    label_rows: dict[Rule, npt.NDArray[np.int64]] = {}
    for start, stop in starts(rows):
        ids = question.read_ids(column.iloc[start:stop], kind)
        has_id[start:stop] = ~ids.missing
        exact[start:stop] = hash_texts(ids.texts)
        texts = fold_all(ids.texts)
        folded[start:stop] = exact[start:stop] if texts is ids.texts else hash_texts(texts)
        is_rounded[start:stop] = ids.rounded
        if kind in (Kind.TEXT, Kind.MIXED):
            for rule, found in find_label_rows(frame.iloc[start:stop], position, texts).items():
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
    """Classify every column from all parts, as `inspect` would for one frame."""
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


@dataclass(frozen=True, slots=True)
class PartTask:
    """One part: its first row in the whole, its profile data, and which of its ids are not unique.

    `labels` are its columns when profiled, and `ids` the digest of its ids in order; '' if it is not read again.
    """

    number: int
    first_row: int
    rows: int
    same: Alike = field(default_factory=Alike)
    alike: Alike = field(default_factory=Alike)
    labels: tuple[Hashable, ...] = field(default=(), repr=False)
    ids: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class PartList:
    """The parts of a frame, and for each part the rows that are not sent because of their id, by rule."""

    tasks: tuple[PartTask, ...] = ()
    skipped: tuple[Mapping[Rule, npt.NDArray[np.int64]], ...] = ()

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(task.rows for task in self.tasks)

    def count_invalid(self, task: PartTask) -> int:
        """Return how many rows of a part are not sent because of their id."""
        return sum(map(len, self.skipped[task.number].values()))

    def counts(self) -> dict[str, int]:
        """Return status → number of rows, before anything is sent."""
        invalid = sum(map(self.count_invalid, self.tasks))
        found = {Status.INVALID: invalid, Status.UNSENT: self.rows - invalid}
        return {status.value: found.get(status, 0) for status in Status}

    def open_buffer(self, task: PartTask) -> OutcomeBuffer:
        """Return the buffer of a part's outcomes: `invalid` for rows that cannot be sent, `unsent` for the rest."""
        buffer = OutcomeBuffer(task.rows)
        for rule, rows in self.skipped[task.number].items():
            buffer.note_all(rows, Status.INVALID, f"not sent: {rule}; see violations")
        return buffer

    def extended(self, task: PartTask, profile: PartProfile) -> PartList:
        """Return the list with one more part."""
        return PartList((*self.tasks, task), (*self.skipped, skipped_rows(task, profile)))


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


# a part with the schema of the whole ---------------------------------------------------------------------------------


def align(frame: pd.DataFrame, labels: tuple[Hashable, ...]) -> pd.DataFrame:
    """Return a part with the columns of the whole; columns that it lacks are missing in all rows."""
    return frame if tuple(frame.columns) == labels else frame.reindex(columns=pd.Index(labels, tupleize_cols=False))


def impose(frame: pd.DataFrame, layout: Schema) -> Schema:
    """Return the schema of the whole for a part, whose cells may be of another kind."""
    return replace(
        layout,
        id_kind=inspect(layout.clean_ids(frame.iloc[:, layout.id_position])).kind,
        attributes=tuple(
            replace(attribute, kind=_local_kind(attribute, inspect(layout.clean(frame, attribute))))
            for attribute in layout.attributes
        ),
    )


def _local_kind(attribute: Attribute, found: Finding) -> Kind:
    """Return the kind to extract cells by: the part's own, or object if the whole column is mixed."""
    is_odd = attribute.kind is Kind.MIXED or found.kind in (Kind.EMPTY, Kind.UNSUPPORTED)
    return Kind.MIXED if is_odd and attribute.type is not None else found.kind
