"""Remedies: for each violation a line of pandas to paste.

In a line `df` is the frame, and `pd` is pandas. A line keeps what
it can: it empties a cell rather than a column. All lines of one report can be pasted one after the other: a line that
drops rows, drops a column or renames one leaves the others right, so they go by labels, or for many cells by what is in
them: see `conditions`. Where there are no labels to go by, a line goes by position; where the frame has another shape
by now, it says so and does nothing.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Final, Literal

import numpy as np
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas.inference import Kind

# As objects: pandas before 3 makes the text "nan" of what is missing in a nullable or Arrow column.
AS_TEXT: Final = (
    '{}.astype(object).map(lambda v: f"{v:.0f}" if isinstance(v, float) and v.is_integer() else str(v), '
    'na_action="ignore")'
)
BEFORE_ROWS: Final = "positions: paste before any line that drops rows"
BEFORE_COLUMNS: Final = "position: paste before any line that drops a column"
NOT_DONE: Final = 'print("not done: rows or columns are gone by now; validate again")'
BY_PLACE: Final = "df.isetitem("
BEFORE_RESET: Final = "goes by labels: run it before any reset_index"
_BY_ROW: Final = (".mask(", "hit in zip(")  # what a line has that is for some rows: see `in_rows`
# Rows in one line. Each row of a violations frame repeats its line: with 50 labels, 100,000 rows take about 50 MB.
TOGETHER: Final = 50
NUMBERS: Final = (Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL)
INFINITE: Final = '[float("inf"), -float("inf")]'
Lines = str | list[str]
"""One line for all rows, or one a row."""


def literal(label: Hashable) -> str | None:
    """Return Python text that reads back as `label`, or None.

    Examples
    --------
    >>> literal("City"), literal(np.int64(3)), literal(("orders", "sum")), literal(float("nan"))
    ("'City'", '3', "('orders', 'sum')", None)
    """
    if isinstance(label, tuple):
        parts = list(map(literal, label))
        return None if None in parts else f"({', '.join(map(str, parts))}{',' * (len(parts) == 1)})"
    if isinstance(label, pd.Timestamp):
        return f"pd.{label!r}"
    plain = label.item() if isinstance(label, np.generic) else label
    if isinstance(plain, bool) or not isinstance(plain, (str, int, float)):
        return None
    if isinstance(plain, str):
        return repr(plain) if contract.is_unicode(plain) else None
    return repr(plain) if math.isfinite(plain) else None


def named(frame: pd.DataFrame, position: int) -> str | None:
    """Return the label of a column as Python text, None where it has none or is not the only one."""
    is_alone = not frame.columns.duplicated(keep=False)[position]
    return literal(frame.columns[position]) if is_alone else None


def column(frame: pd.DataFrame, position: int) -> str:
    """Return the expression for a column."""
    label = named(frame, position)
    return f"df.iloc[:, {position}]" if label is None else f"df[{label}]"


def assignment(frame: pd.DataFrame, position: int, change: str) -> str:
    """Return a line that replaces a column; ``{}`` in `change` stands for the column as it is."""
    line = _bare(frame, position, change)
    if named(frame, position):
        return line
    return remarked(f"{line} if df.shape[1] == {frame.shape[1]} else {NOT_DONE}", BEFORE_COLUMNS)


def remarked(line: str, remark: str) -> str:
    """Add a remark to a line, which may have one already."""
    return f"{line}{'; ' if '  # ' in line else '  # '}{remark}" if remark else line


def empties(count: int) -> str:
    """Say how many values a line empties."""
    return f"empties {count:,} value{'s' * (count != 1)}"


def emptied(frame: pd.DataFrame, position: int, rows: list[int], note: str = "", condition: str = "") -> Lines:
    """Return a line that empties the cells of a column in `rows`, or one a group where they are many."""
    dtype = frame.dtypes.iloc[position]
    here = "{}"
    if isinstance(dtype, pd.SparseDtype) or (isinstance(dtype, np.dtype) and dtype.kind in "biu"):
        here = "{}.astype(object)"  # these refuse a missing value, or become floats and lose digits
    return in_rows(frame, position, rows, f"{here}.mask(\0)", note, condition, is_emptying=True)


def in_rows(
    frame: pd.DataFrame,
    position: int,
    rows: list[int],
    change: str,
    note: str = "",
    condition: str = "",
    *,
    is_emptying: bool = False,
) -> Lines:
    """Return lines that change a column in `rows`, where `change` has a NUL for the condition.

    `condition` is one that picks these rows, if there is any. Else they go by label where labels tell rows apart, else
    by position. Labels of rows that are gone by then do nothing.
    """
    if condition:
        line = assignment(frame, position, change.replace("\0", condition))
        line = remarked(line, empties(len(rows)) if is_emptying else "")
        return remarked(line, note)
    groups = [rows[start : start + TOGETHER] for start in range(0, max(len(rows), 1), TOGETHER)]
    lines = []
    for group in groups:
        line, before = _in_group(frame, position, group, change)
        for remark in (empties(len(group)) if is_emptying else "", note, before):
            line = remarked(line, remark)
        lines.append(line)
    return lines[0] if len(lines) == 1 else [line for line, group in zip(lines, groups, strict=True) for _ in group]


def _in_group(frame: pd.DataFrame, position: int, group: list[int], change: str) -> tuple[str, str]:
    """Return a line for a few rows, and before what it is to be pasted."""
    labels = [literal(label) for label in frame.index.take(group).tolist()] if frame.index.is_unique else [None]
    if None not in labels:
        line = assignment(frame, position, change).replace("\0", f"df.index.isin([{', '.join(map(str, labels))}])")
        return line, BEFORE_RESET if frame.index.inferred_type in ("integer", "mixed-integer") else ""
    changed = change.replace("{}", column(frame, position)).replace("\0", f"pd.RangeIndex(len(df)).isin({group})")
    label = named(frame, position)
    place = position if label is None else f"df.columns.get_loc({label})"
    is_as_it_was = f"df.shape == {frame.shape}" if label is None else f"len(df) == {len(frame)}"
    return f"{BY_PLACE}{place}, {changed}) if {is_as_it_was} else {NOT_DONE}", BEFORE_ROWS


def combined(rows: list[int], *parts: tuple[list[int], Lines]) -> Lines:
    """Return the line of each of `rows`, from lines for some of them and lines for the others."""
    lines = {
        row: line
        for some, made in parts
        for row, line in zip(some, [made] * len(some) if isinstance(made, str) else made, strict=True)
    }
    found = [lines[row] for row in rows]
    return found[0] if len(set(found)) == 1 else found


def _bare(frame: pd.DataFrame, position: int, change: str) -> str:
    here = column(frame, position)
    changed = change.replace("{}", here)
    return f"{here} = {changed}" if named(frame, position) else f"{BY_PLACE}{position}, {changed})"


def dropped(frame: pd.DataFrame, position: int) -> str:
    """Return a line that drops one column."""
    label = named(frame, position)
    if label is None:
        width = frame.shape[1]
        rest = f"df.iloc[:, [i for i in range({width}) if i != {position}]]"
        return f"df = {rest} if df.shape[1] == {width} else {NOT_DONE} or df"
    return f"df = df.drop(columns=[{label}], errors='ignore')"


def of_part(line: str, number: int) -> str:
    """Say of a line for some rows which part of a larger frame it is for.

    Other parts may have the same labels, and a condition was tried on this part alone.

    Examples
    --------
    >>> of_part("df['X'] = df['X'].mask(df.index.isin([3]))", 7)
    "df['X'] = df['X'].mask(df.index.isin([3]))  # df: part 7 alone"
    """
    if line.startswith("#") or not any(mark in line for mark in _BY_ROW):
        return line
    return remarked(line, f"df: part {number} alone")


def in_call(argument: Literal["types", "rename"], label: str, value: str | None) -> str:
    """Return a line for an argument of the call: a value for the column of that label, or (None) none any more.

    It adds to a variable of that name, wherever it is, and makes one where there is none.

    Examples
    --------
    >>> exec(in_call("types", "'City'", "string"))
    >>> exec(in_call("types", "'Orders'", "number"))
    >>> types
    {'City': 'string', 'Orders': 'number'}
    """
    known = f"**globals().get({argument!r}, {{}}), **locals().get({argument!r}, {{}})"
    if value is None:
        rest = f"{{k: v for k, v in {{{known}}}.items() if k != {label}}}"
        return f"({argument} := {rest})  # leave {label} out of {argument}= in the call"
    return f"({argument} := {{{known}, {label}: {value!r}}})  # and {argument}={argument} in the call"
