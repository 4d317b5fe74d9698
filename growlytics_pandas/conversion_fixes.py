"""Remedies for columns of which some values are of another type: a line that pandas was seen to do as a push would."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd
from pandas.api import types as dtypes

from growlytics_pandas import conditions, contract
from growlytics_pandas.conditions import emptied_by
from growlytics_pandas.conversion import BOOLEAN_WORDS, as_boolean, as_date, as_number, as_text, is_infinite
from growlytics_pandas.fixes import Lines, assignment, combined, empties, in_rows, remarked
from growlytics_pandas.inference import AttributeType
from growlytics_pandas.layout import Attribute

UTC: Final = ZoneInfo("UTC")
_Conversion = Callable[["pd.Series[Any]"], "pd.Series[Any]"]


def _to_boolean(cells: pd.Series[Any]) -> pd.Series[Any]:
    return cells.map(lambda v: str(v).strip().lower()).map(BOOLEAN_WORDS).astype("boolean")


def to_number(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Make numbers of a column, as the line for it does."""
    return pd.to_numeric(cells, errors="coerce")


def _to_date(cells: pd.Series[Any]) -> pd.Series[Any]:
    return pd.to_datetime(cells, format="ISO8601", errors="coerce")


# A line for a column, and what it does: tried on the column before it is offered.
_CONVERSIONS: Final[Mapping[AttributeType, tuple[str, _Conversion]]] = MappingProxyType(
    {
        AttributeType.NUMBER: ('pd.to_numeric({}, errors="coerce")', to_number),
        AttributeType.BOOLEAN: (
            f'{{}}.map(lambda v: str(v).strip().lower()).map({BOOLEAN_WORDS}).astype("boolean")',
            _to_boolean,
        ),
        AttributeType.DATE: ('pd.to_datetime({}, format="ISO8601", errors="coerce")', _to_date),
    }
)


_STRIPPED: Final = "{}.map(lambda v: v.strip() if isinstance(v, str) else v)"


def _strip(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


# The same for one cell, which can be the type: `v` in the line.
_CELLS: Final[Mapping[AttributeType, tuple[str, Callable[[Any], Any]]]] = MappingProxyType(
    {
        AttributeType.NUMBER: (
            'v * 1 if not isinstance(v, str) else float(v) if {*v} & {*".eE"} else int(v)',
            lambda v: v * 1 if not isinstance(v, str) else float(v) if {*v} & {*".eE"} else int(v),
        ),
        AttributeType.BOOLEAN: (
            f"{BOOLEAN_WORDS}.get(str(v).strip().lower(), v == 1)",
            lambda v: BOOLEAN_WORDS.get(str(v).strip().lower(), v == 1),
        ),
        AttributeType.DATE: (
            'pd.to_datetime(v.strip(), format="ISO8601") if isinstance(v, str) else v',
            lambda v: pd.to_datetime(v.strip(), format="ISO8601", errors="coerce"),
        ),
    }
)


def read_as(value: Any, wanted: AttributeType, zone: ZoneInfo) -> Any:
    """Return what a value becomes as an attribute type, None where it cannot become it."""
    if wanted is AttributeType.DATE:
        return as_date(value, zone)
    if wanted is AttributeType.STRING:
        return as_text(value, zone)
    if wanted is AttributeType.BOOLEAN:
        return as_boolean(value)
    number = as_number(value)
    return None if isinstance(value, str) and is_infinite(number) else number  # "1e400" is none that can be sent


def of_foreign(frame: pd.DataFrame, attribute: Attribute, rows: list[int]) -> Lines:
    """Return a line that converts a mixed column, where pandas does it as we would; else lines that empty cells."""
    wanted = attribute.type or AttributeType.STRING
    return of_convertible(frame, attribute, wanted) or _cell_by_cell(frame, attribute, wanted, rows)


def _cell_by_cell(frame: pd.DataFrame, attribute: Attribute, wanted: AttributeType, rows: list[int]) -> Lines:
    """Return lines that convert the cells that can be the type, and empty those that cannot."""
    place, (change, convert) = attribute.position, _CELLS[wanted]
    exact: list[int] = []
    others: list[int] = []
    lost: list[int] = []
    for row, cell in zip(rows, frame.iloc[rows, place].tolist(), strict=True):
        one = read_as(cell, wanted, UTC)
        if one is None:
            lost.append(row)
        else:
            (exact if _is_same(one, cell, convert(cell)) else others).append(row)
    cells = f"pd.Series([({change}) if hit else v for v, hit in zip({{}}, \0)], df.index, object)"
    asked = f"# push with types={{{attribute.column!r}: {str(wanted)!r}}}, which reads every digit"
    condition = conditions.picking(frame, attribute, exact, conditions.FOREIGN_TO[wanted])
    note = _of_truths(frame.iloc[exact, place], wanted)
    mended = in_rows(frame, place, exact, cells, note, condition)
    gone = emptied_by(frame, attribute, lost, conditions.NOT_OF[wanted])
    return combined(rows, (exact, mended), (others, asked), (lost, gone))


def of_convertible(frame: pd.DataFrame, attribute: Attribute, wanted: AttributeType) -> str:
    """Return a line that converts a column, where pandas does it as we would; else ''."""
    cells = frame.iloc[:, attribute.position]
    change, convert = _CONVERSIONS[wanted]
    expected = [None if gone else read_as(v, wanted, UTC) for v, gone in zip(cells, cells.isna(), strict=True)]
    if not is_right(cells, convert, expected):
        if not is_right(cells.map(_strip), convert, expected):
            return ""
        change = change.replace("{}", _STRIPPED)
    lost = sum(one is None for one in expected) - int(cells.isna().sum())
    line = assignment(frame, attribute.position, change if lost else change.replace(', errors="coerce"', ""))
    line = remarked(line, _of_truths(cells, wanted))
    return remarked(line, f"{empties(lost)} that cannot be a {wanted}") if lost else line


def _of_truths(cells: pd.Series[Any], wanted: AttributeType) -> str:
    """Say what becomes of True among numbers."""
    has_truths = wanted is AttributeType.NUMBER and any(isinstance(value, bool) for value in cells.tolist())
    return "makes 1 of True and 0 of False" if has_truths else ""


def of_unseen(frame: pd.DataFrame, attribute: Attribute, wanted: AttributeType) -> str:
    """Return a line that converts a column whatever is in it."""
    change = _CONVERSIONS[wanted][0].replace("{}", _STRIPPED)
    return remarked(assignment(frame, attribute.position, change), f"empties what cannot be a {wanted}")


def is_right(cells: pd.Series[Any], convert: _Conversion, expected: list[Any]) -> bool:
    """Try a conversion: whether it gives each value that can be read, digit by digit, and nothing for the others."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a line that makes pandas warn is none to offer
            result = convert(cells)
    except (TypeError, ValueError, OverflowError, Warning):
        return False
    if [one is None for one in expected] != result.isna().tolist():
        return False
    if dtypes.is_datetime64_any_dtype(result.dtype):
        return all(one is None or _is_same(one, v, new) for one, v, new in zip(expected, cells, result, strict=True))
    is_wide = dtypes.is_float_dtype(result.dtype)  # such a column keeps the digits of an integer up to 2^53
    if is_wide and any(isinstance(one, int) and abs(one) > contract.MAX_SAFE_INTEGER for one in expected):
        return False
    return all(
        one is None or _is_same(one, v, new) for one, v, new in zip(expected, cells, result.tolist(), strict=True)
    )


def _is_same(one: Any, cell: Any, new: Any) -> bool:
    """Tell whether `new` is what a push would make of a cell: the same moment, or a number of the same digits."""
    if isinstance(new, pd.Timestamp):
        return bool(pd.Timestamp(_strip(cell)) == new)
    return bool(one == (Decimal(str(new)) if isinstance(one, Decimal) and isinstance(new, float) else new))
