"""The violations frame: what was found, made into rows with fixed columns and dtypes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd

from growlytics_pandas.rules import RULES, Rule, Severity

DTYPES: Final = MappingProxyType(
    {
        "row": "Int64",
        "index": "object",
        "column": "object",
        "attribute": "str",
        "rule": "str",
        "severity": "str",
        "effect": "str",
        "value": "object",
        "limit": "object",
        "count": "int64",
        "message": "str",
        "fix": "str",
    }
)
"""The columns of a violations frame and their dtypes ("str" is pandas 3's text, and object before it)."""


Fix = str | Sequence[str] | Callable[[list[int]], str | list[str]]
"""What to paste: one text for all rows, or one a row, or what makes either from all rows of the column."""


@dataclass(frozen=True, slots=True)
class Found:
    """One rule that fired on one column: on some of its `rows`, or (None) on the column as a whole.

    `what` says what was found: one text for all rows, or one a row. `position` orders columns as in the frame. Rows are
    found block by block, so a `fix` that is for all of them is made at the end.
    """

    rule: Rule
    position: int
    column: Hashable
    attribute: str | None
    what: str | Sequence[str]
    fix: Fix
    rows: Sequence[int] | None = None
    values: Sequence[Any] | None = None
    limit: Any = None
    count: int = 1
    severity: Severity | None = None
    """None: the rule's own."""


def build_frame(findings: Sequence[Found], index: pd.Index[Any], first_row: int = 0) -> pd.DataFrame:
    """Make the violations frame, whole columns first, then by row and column.

    `first_row`: where this frame begins, if it is a part of a larger one.
    """
    parts = [_rows_of(found, index, first_row) for found in _with_lines(findings)]
    if not parts:
        return empty_frame()
    merged = {name: [item for part in parts for item in part[name]] for name in (*DTYPES, "position")}
    order = _order(merged)
    return pd.DataFrame({name: _series(merged[name], dtype, order) for name, dtype in DTYPES.items()})


def empty_frame() -> pd.DataFrame:
    """Return a violations frame without rows."""
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in DTYPES.items()})


def join(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Join what was found in parts of a frame. What several say of their ids as a whole is said once, counted up."""
    found = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    of_column = found["row"].isna()
    of_ids = found.loc[of_column & found["rule"].isin([Rule.ID_FLOAT, Rule.ID_STRINGIFIED])]
    if of_ids.empty:
        return found
    found.loc[of_ids.index, "count"] = of_ids.groupby("rule")["count"].transform("sum")
    again = of_ids.index[of_ids.duplicated("rule")]
    return found.iloc[np.argsort(~of_column, kind="stable")].drop(index=again).reset_index(drop=True)


def _with_lines(findings: Sequence[Found]) -> list[Found]:
    """Make the lines that need all rows which a rule found in a column."""
    waiting: defaultdict[tuple[Rule, int], list[int]] = defaultdict(list)
    makers = {}
    for found in findings:
        if callable(found.fix):
            waiting[found.rule, found.position] += found.rows or []
            makers[found.rule, found.position] = found.fix
    lines = {key: _by_row(make(waiting[key]), waiting[key]) for key, make in makers.items()}
    return [
        replace(found, fix=[lines[found.rule, found.position][row] for row in found.rows or []])
        if callable(found.fix)
        else found
        for found in findings
    ]


def _by_row(lines: str | list[str], rows: list[int]) -> dict[int, str]:
    return dict.fromkeys(rows, lines) if isinstance(lines, str) else dict(zip(rows, lines, strict=True))


def _order(merged: dict[str, list[Any]]) -> list[int]:
    rows = np.array([-1 if row is None else row for row in merged["row"]], dtype="int64")
    return list(np.lexsort((np.array(merged["position"], dtype="int64"), rows)).tolist())


def _series(items: list[Any], dtype: str, order: list[int]) -> pd.Series[Any]:
    ordered = [items[i] for i in order]
    if dtype == "str":
        return pd.Series([item if item is None else _valid(item) for item in ordered], dtype=dtype)
    if dtype != "object":
        return pd.Series(ordered, dtype=dtype)
    array = np.empty(len(ordered), dtype=object)  # filled one by one: lists and tuples stay cells
    for i, item in enumerate(ordered):
        array[i] = item
    return pd.Series(array, dtype=object)


def _valid(text: str) -> str:
    """Write half a surrogate pair as an escape: a text column cannot hold it."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _rows_of(found: Found, index: pd.Index[Any], first_row: int) -> dict[str, list[Any]]:
    facts = RULES[found.rule]
    rows = [None] if found.rows is None else [row + first_row for row in found.rows]
    count = len(rows)
    labels = [None] if found.rows is None else index.take(np.asarray(found.rows, dtype="int64")).tolist()
    return {
        "row": rows,
        "index": labels,
        "column": [found.column] * count,
        "attribute": [found.attribute] * count,
        "rule": [str(found.rule)] * count,
        "severity": [str(found.severity or facts.severity)] * count,
        "effect": [str(facts.effect)] * count,
        "value": [None] * count if found.values is None else list(found.values),
        "limit": [found.limit] * count,
        "count": [found.count] * count,
        "message": _messages(found, rows),
        "fix": _fixes(found, count),
        "position": [found.position] * count,
    }


def _fixes(found: Found, count: int) -> list[str]:
    if callable(found.fix):  # made already, by _with_lines
        return []
    return [found.fix] * count if isinstance(found.fix, str) else list(found.fix)


def _messages(found: Found, rows: Sequence[int | None]) -> list[str]:
    column = f"column {found.column!r}"
    if found.rows is None:
        return [f"{column}: {found.what}"]
    if isinstance(found.what, str):
        return [f"row {row}, {column}: {found.what}" for row in rows]
    return [f"row {row}, {column}: {what}" for row, what in zip(rows, found.what, strict=True)]
