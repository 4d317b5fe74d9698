"""Rejects: the user's rows that do not fully arrive, with status, rule, reason and fix in front."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from growlytics_pandas._masking import storable
from growlytics_pandas._rules import Rule, Severity
from growlytics_pandas._status import MEANINGS, Status, is_refused
from growlytics_pandas.checks.findings import Findings, detail_list
from growlytics_pandas.checks.schema import Budget, Schema, prepare
from growlytics_pandas.checks.violations import Violation, message_text
from growlytics_pandas.columns.dtypes import Rows, starts
from growlytics_pandas.columns.frames import REJECT_LABELS, REJECT_LABELS_IF_TAKEN
from growlytics_pandas.contract import ENDPOINT_STATUSES, KEY_STATUSES
from growlytics_pandas.upload.outcomes import OutcomeBuffer

_JOINT: Final = "; "
_FIXES: Final[Mapping[str, str]] = {
    Status.FAILED: "Push the row again.",
    Status.UNKNOWN: "Push the row again; it is safe.",
    Status.UNSENT: "Push the row again.",
}
_FIX_KEY: Final = "Correct the API key, and push the row again."
_FIX_URL: Final = "Correct the URL, or remove what intercepts requests to it, and push the row again."
_FIX_REFUSED: Final = "Correct what the service reports, and push the row again."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to pick from a frame or part: rows, rows with values in columns left out, and rows never to pick."""

    rows: Rows
    columns: tuple[tuple[Rule, int], ...]
    excluded: Rows


@dataclass(frozen=True, slots=True)
class Picked:
    """Rows that do not fully arrive, ascending, and for each column left out the rows that have a value."""

    rows: Rows
    of_columns: tuple[Rows, ...]


def want(findings: Findings, to_fix: Rows, first: int, last: int) -> Wanted:
    """Return what to pick from rows `first` to `last`; `to_fix`: rows, counted from `first`, that did not arrive."""
    errors = _errors(findings)
    parts = [_within(each.rows, first, last) for each in errors if each.rows is not None]
    excluded = [_within(each.rows, first, last) for each in findings.left_out() if each.rows is not None]
    return Wanted(
        np.unique(np.concatenate([to_fix, *parts])),
        tuple((each.rule, each.position) for each in errors if each.rows is None),
        np.concatenate([to_fix[:0], *excluded]),
    )


def pick(frame: pd.DataFrame, schema: Schema, dropped: frozenset[int], budget: Budget | None, wanted: Wanted) -> Picked:
    """Find the rows that do not fully arrive."""
    of_columns = tuple(
        _over_budget(frame, schema, dropped, budget, position)
        if rule is Rule.TOO_MANY_ATTRIBUTES
        else np.flatnonzero(frame.iloc[:, position].notna().to_numpy(dtype=bool))
        for rule, position in wanted.columns
    )
    rows = np.unique(np.concatenate([wanted.rows, *of_columns]))
    return Picked(rows[~np.isin(rows, wanted.excluded)].astype("int64"), of_columns)


def describe(
    rows: pd.DataFrame,
    picked: Picked,
    findings: Findings,
    buffer: OutcomeBuffer,
    *,
    first: int,
    is_dry: bool,
) -> pd.DataFrame:
    """Put `status`, `rule`, `reason` and `fix` in front of the picked rows.

    `buffer` has the outcomes of the frame or part; `first` is the number of the part's first row in `findings`.
    """
    flaws = _flaws(findings, picked, first)
    table: dict[str, list[str | None]] = {name: [] for name in REJECT_LABELS}
    for row, status in zip(picked.rows.tolist(), buffer.statuses(picked.rows), strict=True):
        rules, reasons, fixes = ([flaw[i] for flaw in flaws.get(row, [])] for i in range(3))
        if status in _FIXES and not (is_dry and status == Status.UNSENT):
            reasons.append(buffer.errors.get(row) or MEANINGS[Status(status)])
            fixes.append(_fix(status, buffer.http_status[row]))
        cells = (status, *map(_joined, (rules, reasons, fixes)))
        for name, cell in zip(REJECT_LABELS, cells, strict=True):
            table[name].append(cell)
    taken = not set(REJECT_LABELS).isdisjoint(rows.columns)
    front = pd.DataFrame(table, index=rows.index, dtype="string").astype({"status": "str"})
    labels = [*(REJECT_LABELS_IF_TAKEN if taken else REJECT_LABELS), *rows.columns.tolist()]
    joined = pd.concat(
        [front.set_axis(range(front.shape[1]), axis=1), rows.set_axis(range(rows.shape[1]), axis=1)], axis=1
    )
    joined.columns = pd.Index(labels, tupleize_cols=False)
    return joined


def _fix(status: str, http_status: int) -> str:
    if is_refused(status, http_status):
        return _FIX_REFUSED
    if http_status in KEY_STATUSES:
        return _FIX_KEY
    return _FIX_URL if http_status in ENDPOINT_STATUSES else _FIXES[status]


def _flaws(findings: Findings, picked: Picked, first: int) -> dict[int, list[tuple[str, str, str]]]:
    """Return the rule, reason and fix of each problem of each picked row: the id first, then by column."""
    found: defaultdict[int, list[tuple[str, str, str]]] = defaultdict(list)
    of_columns = iter(picked.of_columns)
    for each in _errors(findings):
        rule, fix = each.rule.value, findings.fix_text(each)
        if each.rows is None:
            for row in next(of_columns).tolist():
                found[row].append((rule, _reason(each, None), fix))
            continue
        for place in np.flatnonzero(np.isin(each.rows - first, picked.rows)).tolist():
            detail = None if each.details is None else detail_list(each.details)[place]
            found[int(each.rows[place]) - first].append((rule, _reason(each, detail), fix))
    return found


def _errors(findings: Findings) -> list[Violation]:
    return [each for each in findings.violations if each.level is Severity.ERROR]


def _reason(violation: Violation, detail: Any) -> str:
    return storable(f"column {violation.column!r}: {message_text(violation, detail)}")


def _within(rows: Rows, first: int, last: int) -> Rows:
    return rows[(rows >= first) & (rows < last)] - first


def _joined(texts: Iterable[str]) -> str | None:
    *others, last = dict.fromkeys(texts) or [""]
    return _JOINT.join([*(text.rstrip(".") for text in others), last]) or None


def _over_budget(
    frame: pd.DataFrame, schema: Schema, dropped: frozenset[int], budget: Budget | None, position: int
) -> Rows:
    """Return the rows whose value in a column would exceed the 100 attributes."""
    none = np.zeros(0, dtype="int64")
    blocks = (prepare(frame, schema, dropped, start, stop, budget) for start, stop in starts(len(frame)))
    found = [
        np.flatnonzero(block.over_budget[position]) + block.start for block in blocks if position in block.over_budget
    ]
    return np.concatenate([none, *found])


def stack(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Join parts; a column whose dtype differs between them becomes an object column, so that no number is rounded."""
    filled = [frame for frame in frames if len(frame)] or list(frames[:1])
    dtypes = [tuple(frame.dtypes) for frame in filled]
    differing = [place for place, of_all in enumerate(zip(*dtypes, strict=True)) if len(set(of_all)) > 1]
    columns = filled[0].columns
    plain = [frame.set_axis(range(frame.shape[1]), axis=1).astype(dict.fromkeys(differing, object)) for frame in filled]
    joined: pd.DataFrame = pd.concat(plain)
    joined.columns = columns
    return joined
