"""Remedies: for each violation a line of pandas to paste.

In a line `df` is the frame, `types` and `rename` are the arguments of the call, `pd` and `np` are pandas and numpy. A
line keeps what it can: it empties a cell rather than a column, and fails aloud rather than lose a value.
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
_LOOKED_AT: Final = 1000  # groups of rows with one id; past that the general line is given
_NUMBERS: Final = (Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL)


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
        return repr(plain) if plain.encode(errors="ignore").decode() == plain else None
    return repr(plain) if math.isfinite(plain) else None


def _named(frame: pd.DataFrame, position: int) -> str | None:
    """Return the label of a column as Python text, None where it has none or is not the only one."""
    is_alone = not frame.columns.duplicated(keep=False)[position]
    return literal(frame.columns[position]) if is_alone else None


def column(frame: pd.DataFrame, position: int) -> str:
    """Return the expression for a column."""
    label = _named(frame, position)
    return f"df.iloc[:, {position}]" if label is None else f"df[{label}]"


def assignment(frame: pd.DataFrame, position: int, change: str) -> str:
    """Return a line that replaces a column; ``{}`` in `change` stands for the column as it is."""
    here = column(frame, position)
    changed = change.replace("{}", here)
    return f"{here} = {changed}" if _named(frame, position) else f"df.isetitem({position}, {changed})"


def emptied(frame: pd.DataFrame, position: int, rows: list[int]) -> list[str]:
    """Return a line for each row that empties its cell."""
    dtype = frame.dtypes.iloc[position]
    line = f"df.iloc[%d, {position}] = None"
    if isinstance(dtype, pd.SparseDtype) or dtype == np.bool_:  # these refuse a missing value
        keep = "{}.astype(object).where(np.arange(len(df)) != \0)"
        line = assignment(frame, position, keep).replace("%", "%%").replace("\0", "%d")
    return [line % row for row in rows]


def dropped(frame: pd.DataFrame, position: int) -> str:
    """Return a line that drops one column."""
    label = _named(frame, position)
    if label is None:
        return f"df = df.iloc[:, np.arange(df.shape[1]) != {position}]"
    return f"df = df.drop(columns=[{label}])"


# names -------------------------------------------------------------------------------------------------------------


def renamed(frame: pd.DataFrame, layout: Layout, attribute: Attribute, new: str) -> str:
    """Return a line that gives a column another name, or merges it into the column that has that name already."""
    owner = next((a for a in layout.attributes if a.name == new and a is not attribute), None)
    if owner is not None:
        return _merged(frame, layout, owner, attribute)
    label = _named(frame, attribute.position)
    if label is not None and attribute.name != name_of(attribute.column):
        return f"rename[{label}] = {new!r}"
    if label is None or isinstance(attribute.column, tuple):
        at = attribute.position
        return f"df.columns = [*df.columns[:{at}], {new!r}, *df.columns[{at + 1}:]]"
    return f"df = df.rename(columns={{{label}: {new!r}}})"


def _merged(frame: pd.DataFrame, layout: Layout, owner: Attribute, other: Attribute) -> str:
    """Return a line that fills the gaps of one column from another and drops that; an id column is left as it is."""
    if layout.id_position in (owner.position, other.position):
        return dropped(frame, owner.position if other.position == layout.id_position else other.position)
    label = _named(frame, other.position)
    if label is None or _named(frame, owner.position) is None:
        return renamed(frame, layout, other, distinct(layout, other))
    return assignment(frame, owner.position, f"{{}}.combine_first(df.pop({label}))")


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
    finite = "{}.replace([np.inf, -np.inf], np.nan)" if attribute.kind is Kind.FLOAT else "{}"
    if attribute.kind is Kind.BOOLEAN:
        return assignment(frame, attribute.position, '{}.map({True: "true", False: "false"})')
    return assignment(frame, attribute.position, AS_TEXT.replace("{}", finite))


def retyped(frame: pd.DataFrame, attribute: Attribute, known: str) -> str:
    """Return a line that makes a column of the type that the service knows, or drops it where it cannot be one."""
    label = _named(frame, attribute.position)
    if label is not None and attribute.kind in TYPE_OF and attribute.type != TYPE_OF[attribute.kind]:
        return f"types[{label}] = {known!r}"
    change = _RETYPED[known].get(attribute.kind)
    return dropped(frame, attribute.position) if change is None else assignment(frame, attribute.position, change)


_TO_BOOLEAN: Final = '.astype("boolean")'
_YES_NO: Final = '{"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}'
_IF_BOOLEAN: Final = "{}.map(lambda v: v if isinstance(v, (bool, np.bool_)) else None)"
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
        **dict.fromkeys(_NUMBERS, "{}.map({0: False, 1: True})" + _TO_BOOLEAN),
    },
    contract.DATE: {Kind.TEXT: _TO_DATE, Kind.MIXED: _TO_DATE},
}


# values ------------------------------------------------------------------------------------------------------------


Lines = str | list[str]
"""One line for all rows, or one a row."""


def of_wrong_type(frame: pd.DataFrame, attribute: Attribute, rows: list[int]) -> Lines:
    """Return what to do about values that are not, and cannot become, the type."""
    label, place = _named(frame, attribute.position), attribute.position
    if attribute.type == contract.STRING:
        unicode = '{}.map(lambda v: v.encode(errors="ignore").decode(), na_action="ignore")'
        return assignment(frame, place, unicode if attribute.kind is Kind.TEXT else AS_TEXT)
    if attribute.kind in (Kind.TEXT, Kind.MIXED):
        return emptied(frame, place, rows)
    if attribute.type == contract.BOOLEAN and attribute.kind in _NUMBERS:
        return assignment(frame, place, "{}.where({}.isin([0, 1]))")
    return dropped(frame, place) if label is None else f"del types[{label}]"


def of_infinite(frame: pd.DataFrame, attribute: Attribute, rows: list[int]) -> Lines:
    """Return what to do about numbers that JSON cannot hold."""
    dtype = frame.dtypes.iloc[attribute.position]
    if dtypes.is_float_dtype(dtype) and not isinstance(dtype, pd.SparseDtype):
        return assignment(frame, attribute.position, "{}.replace([np.inf, -np.inf], np.nan)")
    return emptied(frame, attribute.position, rows)


def of_year(frame: pd.DataFrame, attribute: Attribute, rows: list[int]) -> Lines:
    """Return what to do about dates whose year has not four digits."""
    if dtypes.is_object_dtype(frame.dtypes.iloc[attribute.position]):
        return emptied(frame, attribute.position, rows)
    between = f"{{}}.where({{}}.dt.year.between({contract.MIN_YEAR}, {contract.MAX_YEAR}))"
    return assignment(frame, attribute.position, between)


def of_fraction(frame: pd.DataFrame, attribute: Attribute, rows: list[int]) -> Lines:
    """Return what to do about fractions of a second."""
    if attribute.kind is not Kind.DATE:  # text that is read as a date stays text
        cells = [f"df.iloc[{row}, {attribute.position}]" for row in rows]
        return [f'{cell} = str(pd.Timestamp({cell}).floor("s"))' for cell in cells]
    if dtypes.is_object_dtype(frame.dtypes.iloc[attribute.position]):
        floor = '{}.map(lambda v: pd.Timestamp(v).floor("s"), na_action="ignore")'
        return assignment(frame, attribute.position, floor)
    return assignment(frame, attribute.position, '{}.dt.floor("s")')


def of_large_integer(frame: pd.DataFrame, attribute: Attribute, rows: list[int]) -> Lines:  # noqa: ARG001 - as the others
    """Return how to send integers as text, which keeps every digit."""
    label = _named(frame, attribute.position)
    if label is not None and attribute.kind is Kind.TEXT:
        return f"del types[{label}]"
    return assignment(frame, attribute.position, '{}.map(str, na_action="ignore")')


def of_long_text(frame: pd.DataFrame, attribute: Attribute, texts: list[Any]) -> str:
    """Return a line that cuts texts to what fits; of emoji and the like half as many do."""
    limit = contract.MAX_VALUE_CHARS
    fits = limit if all(len(text) == contract.count_chars(text) for text in texts) else limit // 2
    cut = f"{{}}.map(lambda v: v[:{fits}] if isinstance(v, str) else v)"
    return assignment(frame, attribute.position, cut)


def without_empty_rows(frame: pd.DataFrame, layout: Layout, positions: list[int]) -> str:
    """Return a line that leaves out rows of which only the id would be sent."""
    if not positions:
        return "# no column of this frame can be sent: mend those that are left out, or add one"
    others = [position for position in range(frame.shape[1]) if position != layout.id_position]
    label = literal(layout.id_column)
    kept = f"df.drop(columns=[{label}])" if label and positions == others else f"df.iloc[:, {positions}]"
    return f"df = df[{kept}.notna().any(axis=1)]"


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
        return f"df = df[~{here}.isin([np.inf, -np.inf])]"
    return f"df = df[{here}.map(lambda v: type(v).__name__ != {type(value).__name__!r})]"


def of_float_id(frame: pd.DataFrame, position: int, *, is_whole: bool) -> str:
    """Return a line that writes float ids as text."""
    written = 'f"{v:.0f}" if isinstance(v, float) and v.is_integer()' if is_whole else "str(v) if v == v"
    return assignment(frame, position, f"{{}}.map(lambda v: {written} else v)")


def without_long_ids(frame: pd.DataFrame, position: int, limit: int) -> str:
    """Return a line that leaves out rows whose id is too long, in the larger of the two counts."""
    counted = "len(str(v).strip().encode('utf-16-le', 'surrogatepass'))"
    return f"df = df[{column(frame, position)}.map(lambda v: {counted} <= 2 * {limit})]"


def of_same_ids(frame: pd.DataFrame, position: int, groups: list[list[int]]) -> str:
    """Return a line that keeps the last row of each id."""
    here = column(frame, position)
    values = frame.iloc[:, position]
    alike = [[values.iloc[row] for row in rows] for rows in groups[:_LOOKED_AT]]
    if any(len({(type(value), value) for value in group}) > 1 for group in alike) or len(groups) > _LOOKED_AT:
        here += '.map(lambda v: f"{v:.0f}" if isinstance(v, float) and v.is_integer() else str(v).strip())'
    return f'df = df[~{here}.duplicated(keep="last") | {column(frame, position)}.isna()]'


def of_alike_ids(frame: pd.DataFrame, layout: Layout, texts: list[str]) -> str:
    """Return a line that writes ids in one case and form, without invisible characters."""
    text = "v.lower()"
    form = ""
    if not "".join(texts).isascii():
        text = '"".join(filter(str.isprintable, v)).strip().casefold()'
        form = '.str.normalize("NFKC")' if layout.id_kind is Kind.TEXT else ""
    return assignment(frame, layout.id_position, f"{{}}{form}.map(lambda v: {text} if isinstance(v, str) else v)")
