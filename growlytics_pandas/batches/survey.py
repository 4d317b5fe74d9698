"""The first look at one part of a larger frame: small enough to keep, enough to judge the whole by."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas.blocks import starts
from growlytics_pandas.cells import Mask
from growlytics_pandas.columns.frames import prepare_frame
from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.hints import Hint, judge
from growlytics_pandas.id_rules import floats_among, told_once
from growlytics_pandas.identifiers import fold, hash_texts, read_ids
from growlytics_pandas.inference import Finding, Kind, inspect, merge, tally
from growlytics_pandas.layout import Attribute, ColumnFacts, Layout, name_of
from growlytics_pandas.looks import Look, look
from growlytics_pandas.rules import Rule

EXAMPLE_ROWS: Final = 20  # of the first part: what the lines of `fix` for whole columns look at


@dataclass(frozen=True, slots=True)
class Question:
    """What to look for. `zone` writes ids that are dates in mixtures."""

    id_column: Hashable
    renamed: Mapping[Any, str]
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class ColumnTally:
    """One column of one part: present cells by kind, and words for the user."""

    kinds: Counter[Kind]
    detail: str
    dtype: str
    missing: int
    look: Look


@dataclass(frozen=True, slots=True)
class PartSurvey:
    """What one part showed: 17 bytes a row, and a tally a column."""

    labels: tuple[Hashable, ...]
    columns: tuple[ColumnTally, ...]
    has_id: Mask
    exact: npt.NDArray[np.uint64]
    folded: npt.NDArray[np.uint64]
    floats: Counter[Rule]
    example: pd.DataFrame

    @property
    def rows(self) -> int:
        """Rows of the part."""
        return len(self.has_id)


def survey_part(frame: pd.DataFrame, question: Question, _task: object = None) -> PartSurvey:
    """Look at every cell of a part once."""
    frame = prepare_frame(frame, question.id_column)
    labels = tuple(frame.columns)
    if question.id_column not in labels:
        raise InvalidArgumentError(
            f"id_col: a part has no column {question.id_column!r}; its columns are {', '.join(map(repr, labels[:10]))}."
        )
    tallies = [_tally(frame.iloc[:, i], label, question) for i, label in enumerate(labels)]
    ids = _hash_ids(frame.iloc[:, labels.index(question.id_column)], question.zone)
    return PartSurvey(labels, tuple(tallies), *ids, frame.head(EXAMPLE_ROWS))


def digest_ids(has_id: Mask, exact: npt.NDArray[np.uint64]) -> bytes:
    """Digest the ids of a part in their order, by the hash of each."""
    return hashlib.blake2b(has_id.tobytes() + exact.tobytes(), digest_size=16).digest()


def _tally(column: pd.Series[Any], label: Hashable, question: Question) -> ColumnTally:
    finding = inspect(column)
    name = question.renamed.get(label, name_of(label))
    return ColumnTally(
        tally(column),
        finding.detail if finding.kind is Kind.UNSUPPORTED else "",
        str(column.dtype),
        int(column.isna().sum()),
        look(column, finding.kind, name),
    )


def _hash_ids(
    column: pd.Series[Any], zone: ZoneInfo
) -> tuple[Mask, npt.NDArray[np.uint64], npt.NDArray[np.uint64], Counter[Rule]]:
    rows, kind = len(column), inspect(column).kind
    has_id = np.zeros(rows, dtype=bool)
    exact, folded = np.zeros(rows, dtype="uint64"), np.zeros(rows, dtype="uint64")
    floats: Counter[Rule] = Counter()
    for start, stop in starts(rows):
        ids = read_ids(column.iloc[start:stop], kind, zone)
        has_id[start:stop] = ~ids.missing
        exact[start:stop] = hash_texts(ids.texts)
        folded[start:stop] = hash_texts(list(map(fold, ids.texts)))
        floats.update({rule: len(found) for rule, found in floats_among(ids, kind).items()})
    return has_id, exact, folded, floats


# the whole, from its parts --------------------------------------------------------------------------------------------


def merge_labels(surveys: Iterable[PartSurvey]) -> tuple[Hashable, ...]:
    """Return the columns of all parts, in the order in which they first appear."""
    distinct = list(dict.fromkeys(survey.labels for survey in surveys))
    if len(distinct) == 1:
        return distinct[0]
    if any(len(set(labels)) < len(labels) for labels in distinct):
        raise InvalidArgumentError("the parts have different columns, and some twice; give each part the same ones.")
    return tuple(dict.fromkeys(label for labels in distinct for label in labels))


def merge_floats(surveys: Iterable[PartSurvey]) -> frozenset[Rule]:
    """Return the rules that nearly all ids of all parts break, and that are told once for it."""
    counts: Counter[Rule] = sum((each.floats for each in surveys), Counter())
    return told_once(counts, sum(int(each.has_id.sum()) for each in surveys))


def merge_columns(surveys: Sequence[PartSurvey], labels: Sequence[Hashable]) -> list[ColumnFacts]:
    """Judge every column by all of its parts: as `inspect` would judge it, had they been one frame."""
    return [_merge_column(surveys, i, label) for i, label in enumerate(labels)]


def _merge_column(surveys: Sequence[PartSurvey], position: int, label: Hashable) -> ColumnFacts:
    tallies = [found for survey in surveys if (found := _of(survey, position, label)) is not None]
    absent = sum(survey.rows for survey in surveys) - sum(sum(t.kinds.values()) + t.missing for t in tallies)
    kinds: Counter[Kind] = sum((each.kinds for each in tallies), Counter())
    details = dict.fromkeys(each.detail for each in tallies if each.detail)
    finding = merge(kinds, ", ".join(details))
    looks = [each.look for each in tallies if each.kinds]
    return ColumnFacts(
        finding,
        ", ".join(dict.fromkeys(each.dtype for each in tallies)),
        sum(each.missing for each in tallies) + max(0, absent),
        judge(looks) if looks and not finding.detail else Hint(),
    )


def _of(survey: PartSurvey, position: int, label: Hashable) -> ColumnTally | None:
    if position < len(survey.labels) and survey.labels[position] == label:
        return survey.columns[position]
    return survey.columns[survey.labels.index(label)] if label in survey.labels else None


# the part, as the whole has it ----------------------------------------------------------------------------------------


def align(frame: pd.DataFrame, labels: tuple[Hashable, ...]) -> pd.DataFrame:
    """Give a part the columns of the whole; one that it lacks is missing in all its rows."""
    return frame if tuple(frame.columns) == labels else frame.reindex(columns=pd.Index(labels, tupleize_cols=False))


def impose(frame: pd.DataFrame, layout: Layout) -> Layout:
    """Return the layout of the whole, for a part of it, whose cells may be of another kind."""
    return replace(
        layout,
        id_kind=inspect(frame.iloc[:, layout.id_position]).kind,
        attributes=tuple(
            replace(attribute, kind=_local_kind(attribute, inspect(frame.iloc[:, attribute.position])))
            for attribute in layout.attributes
        ),
    )


def _local_kind(attribute: Attribute, found: Finding) -> Kind:
    """Return how to take the cells out: as they are here, but one by one where the whole is a mixture."""
    is_odd = attribute.kind is Kind.MIXED or found.kind in (Kind.EMPTY, Kind.UNSUPPORTED)
    return Kind.MIXED if is_odd and attribute.type is not None else found.kind
