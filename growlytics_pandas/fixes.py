"""Remedies: for each violation a line of pandas to paste.

In a line `df` is the frame, `types` and `rename` are the arguments of the call, and `pd` is pandas. A line keeps what
it can: it empties a cell rather than a column. All lines of one report can be pasted one after the other: a line that
drops rows, drops a column or renames one leaves the others right, so they go by labels. Where there are none to go by,
a line goes by position, and does nothing in a frame that has another shape by now.
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
from growlytics_pandas.inference import TYPE_OF, Kind
from growlytics_pandas.layout import Attribute, Layout, name_of

WHOLE: Final = 'f"{v:.0f}" if isinstance(v, float) and v.is_integer() else '
AS_TEXT: Final = "{}.map(lambda v: " + WHOLE + 'str(v), na_action="ignore")'
BEFORE_ROWS: Final = "  # positions: paste before any line that drops rows"
BEFORE_COLUMNS: Final = "  # position: paste before any line that drops a column"
_BY_ROW: Final = ("df.index.isin(", "pd.RangeIndex(len(df))")  # what a line has that names rows: see `in_rows`
KEEP_ONE: Final = 'keep = "first"  # in the call: the rows that share an id lie in several parts'
_TOGETHER: Final = 20  # rows in one line; a longer list would be in the way of reading it
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
    return line if named(frame, position) else f"if df.shape[1] == {frame.shape[1]}: {line}{BEFORE_COLUMNS}"


def emptied(frame: pd.DataFrame, position: int, rows: list[int], note: str = "") -> Lines:
    """Return a line that empties the cells of a column in `rows`, or one a row where they are many."""
    dtype = frame.dtypes.iloc[position]
    here = "{}"
    if isinstance(dtype, pd.SparseDtype) or (isinstance(dtype, np.dtype) and dtype.kind in "biu"):
        here = "{}.astype(object)"  # these refuse a missing value, or become floats and lose digits
    return in_rows(frame, position, rows, f"{here}.mask(\0)", note)


def in_rows(frame: pd.DataFrame, position: int, rows: list[int], change: str, note: str = "") -> Lines:
    """Return lines that change a column in `rows`, where `change` has a NUL for the condition.

    By label where labels tell rows apart, else by position. Labels of rows that are gone by then do nothing.
    """
    note = note and f"  # {note}"
    labels = [literal(label) for label in frame.index.take(rows).tolist()] if frame.index.is_unique else [None]
    together = len(rows) <= _TOGETHER
    if None not in labels:
        groups = [", ".join(map(str, labels))] if together else map(str, labels)
        line = assignment(frame, position, change) + note
        lines = [line.replace("\0", f"df.index.isin([{group}])") for group in groups]
    else:
        places = [rows] if together else [[row] for row in rows]
        guard = f"if df.shape == {frame.shape}: " if named(frame, position) is None else f"if len(df) == {len(frame)}: "
        line = guard + _bare(frame, position, change) + note + BEFORE_ROWS
        lines = [line.replace("\0", f"pd.RangeIndex(len(df)).isin({place})") for place in places]
    return lines[0] if together else lines


def _bare(frame: pd.DataFrame, position: int, change: str) -> str:
    """Return the statement alone, for a line that has a condition already."""
    here = column(frame, position)
    changed = change.replace("{}", here)
    return f"{here} = {changed}" if named(frame, position) else f"df.isetitem({position}, {changed})"


def dropped(frame: pd.DataFrame, position: int) -> str:
    """Return a line that drops one column."""
    label = named(frame, position)
    if label is None:
        width = frame.shape[1]
        return f"if df.shape[1] == {width}: df = df.iloc[:, [i for i in range({width}) if i != {position}]]"
    return f"df = df.drop(columns=[{label}], errors='ignore')"


def of_part(line: str, number: int) -> str:
    """Say of a line that goes by rows which part of a larger frame it is for: other parts may have the same labels.

    Examples
    --------
    >>> of_part("df['X'] = df['X'].mask(df.index.isin([3]))", 7)
    "df['X'] = df['X'].mask(df.index.isin([3]))  # df: part 7 alone"
    """
    if line.startswith("#") or not any(mark in line for mark in _BY_ROW):
        return line
    return f"{line}{'; ' if '  # ' in line else '  # '}df: part {number} alone"


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
    old, new = named(frame, attribute.position), _new_name(layout, attribute)
    first = lines if isinstance(lines, str) else lines[0]
    if old is None or first.startswith(("#", "if ", "types", "del ")):
        return lines
    names = [a.name.strip().casefold() for a in layout.attributes]
    if names.count(attribute.name.strip().casefold()) > 1:
        form, here = f"if {old} in df: \0", f"df[{old}]"
    elif new is not None:
        form, here = f"c = {old} if {old} in df else {new!r}; \0", "df[c]"
    else:
        return lines
    if isinstance(lines, str):
        return form.replace("\0", lines.replace(f"df[{old}]", here))
    return [form.replace("\0", line.replace(f"df[{old}]", here)) for line in lines]


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


# types -------------------------------------------------------------------------------------------------------------

_SUPPORTED: Final = (
    ({"timedelta", "timedelta64", "duration"}, "pd.to_timedelta({}).dt.total_seconds()"),
    ({"period"}, "{}.map(lambda v: v.to_timestamp(), na_action='ignore')"),
    ({"complex", "complex64", "complex128"}, "{}.map(abs, na_action='ignore')"),
    ({"bytes", "binary", "large_binary"}, "{}.map(lambda v: v.decode(errors='replace'), na_action='ignore')"),
    ({"list", "tuple", "set", "large_list"}, "{}.map(lambda v: ', '.join(map(str, v)), na_action='ignore')"),
)


def supported(frame: pd.DataFrame, attribute: Attribute) -> str:
    """Return a line that turns a column of no attribute type into one that has a type."""
    held = attribute.note if attribute.dtype == "object" else attribute.note or attribute.dtype
    words = {word.split("[")[0].split("<")[0].strip().lower() for word in held.removeprefix("Sparse[").split(",")[:1]}
    if "," in held and attribute.dtype == "object":
        words = {word.strip().lower() for word in held.split(",")}
    change = next((change for known, change in _SUPPORTED if words <= known), "{}.map(str, na_action='ignore')")
    return assignment(frame, attribute.position, change)


def as_text(frame: pd.DataFrame, attribute: Attribute) -> str:
    """Return a line that writes a column as text, as it would be sent."""
    finite = f"{{}}.replace({INFINITE}, float('nan'))" if attribute.kind is Kind.FLOAT else "{}"
    if attribute.kind is Kind.BOOLEAN:
        return assignment(frame, attribute.position, '{}.map({True: "true", False: "false"})')
    return assignment(frame, attribute.position, AS_TEXT.replace("{}", finite))


def retyped(frame: pd.DataFrame, attribute: Attribute, known: str) -> str:
    """Return a line that makes a column of the type that the service knows, or drops it where it cannot be one."""
    label = named(frame, attribute.position)
    if label is not None and attribute.kind in TYPE_OF and attribute.type != TYPE_OF[attribute.kind]:
        return f"types[{label}] = {known!r}"
    change = _RETYPED[known].get(attribute.kind)
    return dropped(frame, attribute.position) if change is None else assignment(frame, attribute.position, change)


_TO_BOOLEAN: Final = '.astype("boolean")'
_YES_NO: Final = '{"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}'
_IF_BOOLEAN: Final = "{}.map(lambda v: v if pd.api.types.is_bool(v) else None)"
_TO_NUMBER: Final = "pd.to_numeric({})"
_TO_DATE: Final = 'pd.to_datetime({}, format="ISO8601")'
_RETYPED: Final[dict[str, dict[Kind, str]]] = {
    contract.STRING: dict.fromkeys(Kind, AS_TEXT) | {Kind.BOOLEAN: '{}.map({True: "true", False: "false"})'},
    contract.NUMBER: {
        Kind.TEXT: _TO_NUMBER,
        Kind.MIXED: _TO_NUMBER,
        Kind.BOOLEAN: "{}" + _TO_BOOLEAN + '.astype("Int64")',
    },
    contract.BOOLEAN: {
        Kind.TEXT: "{}.str.strip().str.lower().map(" + _YES_NO + ")" + _TO_BOOLEAN,
        Kind.MIXED: _IF_BOOLEAN + _TO_BOOLEAN,
        **dict.fromkeys(NUMBERS, "{}.map({0: False, 1: True})" + _TO_BOOLEAN),
    },
    contract.DATE: {Kind.TEXT: _TO_DATE, Kind.MIXED: _TO_DATE},
}


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
    """Return lines that write the ids of `rows` in one case and form, without invisible characters."""
    text, form = "v.lower()", ""
    if not "".join(texts).isascii():
        text = '"".join(filter(str.isprintable, v)).strip().casefold()'
        form = '.str.normalize("NFKC")' if layout.id_kind is Kind.TEXT else ""
    one = f"{{}}{form}.map(lambda v: {text} if isinstance(v, str) else v)"
    return in_rows(frame, layout.id_position, rows, f"{{}}.mask(\0, {one})", "they become one customer")
