"""Remedies: for each violation a line of pandas to paste.

In a line `df` is the frame, `types` and `rename` are the arguments of the call, and `pd` is pandas. A line keeps what
it can: it empties a cell rather than a column. All lines of one report can be pasted one after the other: a line that
drops rows, drops a column or renames one leaves the others right, so they go by labels, or for many cells by what is in
them: see `conditions`. Where there are no labels to go by, a line goes by position; where the frame has another shape
by now, it says so and does nothing.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pandas as pd
from pandas.api import types as dtypes

from growlytics_pandas import contract
from growlytics_pandas.inference import Kind
from growlytics_pandas.layout import Attribute, Layout, name_of

# As objects: pandas before 3 makes the text "nan" of what is missing in a nullable or Arrow column.
AS_TEXT: Final = (
    '{}.astype(object).map(lambda v: f"{v:.0f}" if isinstance(v, float) and v.is_integer() else str(v), '
    'na_action="ignore")'
)
BEFORE_ROWS: Final = "positions: paste before any line that drops rows"
BEFORE_COLUMNS: Final = "position: paste before any line that drops a column"
NOT_DONE: Final = 'print("not done: rows or columns are gone by now; validate again")'
_BY_PLACE: Final = "df.isetitem("
BEFORE_RESET: Final = "goes by labels: run it before any reset_index"
_BY_ROW: Final = (".mask(", "hit in zip(")  # what a line has that is for some rows: see `in_rows`
_IF_ONE: Final = "# if they are one customer: "
KEEP_ONE: Final = 'keep = "first"  # in the call: the rows that share an id lie in several parts'
# Rows in one line. Each row of a violations frame repeats its line: with 50 labels, 100,000 rows take about 50 MB.
TOGETHER: Final = 50
_LOOKED_AT: Final = 1000  # groups of rows with one id; past that the general line is given
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
    return f"{_BY_PLACE}{place}, {changed}) if {is_as_it_was} else {NOT_DONE}", BEFORE_ROWS


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
    return f"{here} = {changed}" if named(frame, position) else f"{_BY_PLACE}{position}, {changed})"


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


# names -------------------------------------------------------------------------------------------------------------


def renamed(frame: pd.DataFrame, layout: Layout, attribute: Attribute, new: str) -> str:
    """Return a line that gives a column another name, or merges it into the column that has that name already."""
    owner = next((a for a in layout.attributes if a.name == new and a is not attribute), None)
    if owner is not None:
        return _merged(frame, layout, owner, attribute)
    label = named(frame, attribute.position)
    if label is not None and attribute.name != name_of(attribute.column):
        return f"rename[{label}] = {new!r}"
    if label is None or isinstance(attribute.column, tuple):
        return _relabelled(frame, attribute, new)
    return f"df = df.rename(columns={{{label}: {new!r}}})"


def _relabelled(frame: pd.DataFrame, attribute: Attribute, new: str) -> str:
    """Return a line that names columns by what their label looks like; those that look the same are numbered."""
    looks = [str(label) for label in frame.columns]
    old = looks[attribute.position]
    to = repr(new)
    if looks.count(old) > 1:
        base = new.removesuffix(f" {attribute.position}")
        to = f"{_cut(base, contract.MAX_ATTRIBUTE_NAME_CHARS - len(str(len(looks))) - 1)!r} + f' {{i}}'"
    return f"df.columns = [{to} if str(c) == {old!r} else c for i, c in enumerate(df.columns)]"


def _merged(frame: pd.DataFrame, layout: Layout, owner: Attribute, other: Attribute) -> str:
    """Return a line that fills the gaps of one column from another and drops that; an id column is left as it is."""
    if layout.id_position in (owner.position, other.position):
        spare = owner if other.position == layout.id_position else other
        return renamed(frame, layout, spare, distinct(layout, spare))  # its values are not those of the ids
    label = named(frame, other.position)
    if label is None or named(frame, owner.position) is None:
        return renamed(frame, layout, other, distinct(layout, other))
    line = assignment(frame, owner.position, f"{{}}.combine_first(df.pop({label}))")
    may_be_gone = any(_is_renamed(attribute) for attribute in (owner, other))
    return f"if {{{label}, {named(frame, owner.position)}}} <= {{*df}}: {line}" if may_be_gone else line


def _is_renamed(attribute: Attribute) -> bool:
    """Whether another line gives the column another name too."""
    name = attribute.name
    return name != name.strip() or contract.count_chars(name) > contract.MAX_ATTRIBUTE_NAME_CHARS


def after_renaming(frame: pd.DataFrame, layout: Layout, attribute: Attribute, lines: Lines) -> Lines:
    """Make lines that change a column work after those of the same report that rename it or merge it."""
    if isinstance(lines, list):
        made = {line: _after_renaming(frame, layout, attribute, line) for line in set(lines)}
        return [made[line] for line in lines]
    return _after_renaming(frame, layout, attribute, lines)


def _after_renaming(frame: pd.DataFrame, layout: Layout, attribute: Attribute, line: str) -> str:
    old, new = named(frame, attribute.position), _new_name(layout, attribute)
    if old is None or line.startswith(("#", "if ", "types", "del ", _BY_PLACE)):
        return line
    names = [a.name.strip().casefold() for a in layout.attributes]
    if names.count(attribute.name.strip().casefold()) > 1:
        kept_apart = distinct(layout, attribute)  # the name that it has by then, where a merger would cost values
        form, here = f"for c in {{{old}, {kept_apart!r}}} & {{*df}}: \0", "df[c]"
    elif new is not None:
        form, here = f"c = {old} if {old} in df else {new!r}; \0", "df[c]"
    else:
        return line
    return form.replace("\0", line.replace(f"df[{old}]", here))


def _new_name(layout: Layout, attribute: Attribute) -> str | None:
    """Return the name that another line gives to a column whose own name is allowed."""
    name = attribute.name
    if name != name.strip():
        return name.strip()
    spellings = (*contract.RESERVED_ATTRIBUTES, *sorted(layout.known_names))
    alike = (known for known in spellings if known != name and known.casefold() == name.casefold())
    return None if attribute.is_reserved else next(alike, None)


def apart(frame: pd.DataFrame, layout: Layout, attribute: Attribute) -> str:
    """Return a line that gives one of the columns of one name another; an id column keeps its own."""
    if attribute.position == layout.id_position:
        attribute = next(a for a in layout.attributes if a.name == attribute.name and a is not attribute)
    return renamed(frame, layout, attribute, distinct(layout, attribute))


def distinct(layout: Layout, attribute: Attribute) -> str:
    """Return a name near that of `attribute` that fits and that no other attribute has."""
    limit = contract.MAX_ATTRIBUTE_NAME_CHARS
    taken = {_cut(other.name.strip(), limit) for other in layout.attributes if other is not attribute}
    name = _cut(attribute.name.strip(), limit)
    if name != attribute.name and name not in taken:
        return name
    end = f" {attribute.position}"
    return _cut(name, limit - len(end)) + end


def _cut(name: str, limit: int) -> str:
    while contract.count_chars(name) > limit:
        name = name[:-1]
    return name.rstrip()


# ids ---------------------------------------------------------------------------------------------------------------


def of_no_id(frame: pd.DataFrame, layout: Layout, value: Any) -> str:
    """Return a line that leaves out rows without a usable id."""
    here = column(frame, layout.id_position)
    if dtypes.is_scalar(value) and pd.isna(value):
        return f"df = df[{here}.notna()]"
    if isinstance(value, str):
        usable = "v.encode(errors='ignore').decode().strip() == v.strip() != ''"
        return f"df = df[{here}.map(lambda v: not isinstance(v, str) or {usable})]"
    if layout.id_kind is Kind.DATE:
        return assignment(frame, layout.id_position, AS_TEXT)
    if isinstance(value, (float, Decimal)):
        return f"df = df[~{here}.isin({INFINITE})]"
    return f"df = df[{here}.map(lambda v: type(v).__name__ != {type(value).__name__!r})]"


def of_float_id(frame: pd.DataFrame, position: int, *, is_whole: bool) -> str:
    """Return a line that writes float ids as text."""
    written = 'f"{v:.0f}" if isinstance(v, float) and v.is_integer()' if is_whole else "str(v) if v == v"
    return assignment(frame, position, f"{{}}.map(lambda v: {written} else v)")


def of_long_id(frame: pd.DataFrame, position: int, limit: int, text: str) -> str:
    """Return a line that shows the rows whose id is long; what to do about them is not for a line to decide."""
    here = column(frame, position)
    if len(text) > limit:
        return f"df[{here}.astype(str).str.len() > {limit}]  # look at these; they are sent as they are"
    units = "len(str(v).encode('utf-16-le', 'replace')) // 2"
    return f"df[{here}.map(lambda v: {units}) > {limit}]  # look at these; they are sent as they are"


def of_same_ids(frame: pd.DataFrame, position: int, groups: list[list[int]]) -> str:
    """Return a line that keeps the last row of each id."""
    here = column(frame, position)
    values = frame.iloc[:, position]
    alike = [[values.iloc[row] for row in rows] for rows in groups[:_LOOKED_AT]]
    if any(len({(type(value), value) for value in group}) > 1 for group in alike) or len(groups) > _LOOKED_AT:
        here += '.map(lambda v: f"{v:.0f}" if isinstance(v, float) and v.is_integer() else str(v).strip())'
    return f'df = df[~{here}.duplicated(keep="last") | {column(frame, position)}.isna()]'


def of_alike_ids(frame: pd.DataFrame, layout: Layout, rows: list[int], texts: list[str]) -> Lines:
    """Return lines that write the ids of `rows` in one case and form, without invisible characters.

    Nobody but the user knows whether they are one customer, so the lines do nothing until the remark is taken away.
    """
    text, form = "v.lower()", ""
    if not "".join(texts).isascii():
        text = '"".join(filter(str.isprintable, v)).strip().casefold()'
        form = '.str.normalize("NFKC")' if layout.id_kind is Kind.TEXT else ""
    one = f"{{}}{form}.map(lambda v: {text} if isinstance(v, str) else v)"
    lines = in_rows(frame, layout.id_position, rows, f"{{}}.mask(\0, {one})", "they become one customer")
    return f"{_IF_ONE}{lines}" if isinstance(lines, str) else [f"{_IF_ONE}{line}" for line in lines]
