"""Remedies for single values: lines of pandas that mend or empty cells, and leave the others as they are."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd
from pandas.api import types as dtypes

from growlytics_pandas import conditions, contract
from growlytics_pandas.conditions import plain
from growlytics_pandas.conversion import BOOLEAN_WORDS, as_boolean, as_date, as_number, as_text
from growlytics_pandas.fixes import (
    AS_TEXT,
    INFINITE,
    NUMBERS,
    Lines,
    assignment,
    combined,
    dropped,
    emptied,
    empties,
    in_call,
    in_rows,
    named,
    remarked,
)
from growlytics_pandas.inference import AttributeType, Kind
from growlytics_pandas.layout import Attribute, Layout
from growlytics_pandas.spellings import NOT_OF_A_NUMBER, DateFormat, find_amounts, find_date_format, without_separators

_UTC: Final = ZoneInfo("UTC")
_MANY: Final = 20  # labels in one line
_Conversion = Callable[["pd.Series[Any]"], "pd.Series[Any]"]


def _to_boolean(cells: pd.Series[Any]) -> pd.Series[Any]:
    return cells.map(lambda v: str(v).strip().lower()).map(BOOLEAN_WORDS).astype("boolean")


def _to_number(cells: pd.Series[Any]) -> pd.Series[Any]:
    return pd.to_numeric(cells, errors="coerce")


def _to_date(cells: pd.Series[Any]) -> pd.Series[Any]:
    return pd.to_datetime(cells, format="ISO8601", errors="coerce")


# A line for a column, and what it does: tried on the column before it is offered.
_CONVERSIONS: Final[Mapping[AttributeType, tuple[str, _Conversion]]] = MappingProxyType(
    {
        AttributeType.NUMBER: ('pd.to_numeric({}, errors="coerce")', _to_number),
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
    return as_number(value) if wanted is AttributeType.NUMBER else as_boolean(value)


def of_wrong_type(frame: pd.DataFrame, attribute: Attribute, rows: list[int]) -> Lines:
    """Return what to do about values that are not the type: convert those that can become it, empty the others."""
    label, place = named(frame, attribute.position), attribute.position
    if attribute.type == contract.STRING:
        unicode = '{}.map(lambda v: v.encode(errors="ignore").decode(), na_action="ignore")'
        return assignment(frame, place, unicode if attribute.kind is Kind.TEXT else AS_TEXT)
    if attribute.strict:
        return _converted(frame, attribute, rows)
    if attribute.kind in (Kind.TEXT, Kind.MIXED):
        return _written_otherwise(frame, attribute, rows)
    if attribute.type == contract.BOOLEAN and attribute.kind in NUMBERS:
        return remarked(assignment(frame, place, "{}.where({}.isin([0, 1]))"), empties(len(rows)))
    return dropped(frame, place) if label is None else in_call("types", label, None)


def _written_otherwise(frame: pd.DataFrame, attribute: Attribute, rows: list[int]) -> Lines:
    """Return lines that rewrite numbers and dates of another spelling, and empty what is neither."""
    place, here = attribute.position, plain(frame, attribute)
    cells = frame.iloc[rows, place].tolist()
    if attribute.type == contract.NUMBER:
        amounts = find_amounts(cells)
        change, note = without_separators(here), _comma_in(amounts)
        good = {row for row, value in zip(rows, cells, strict=True) if isinstance(value, str) and value in amounts}
        if len(good) == len(rows):  # no other cell has a separator
            return remarked(assignment(frame, place, change), note)
        is_kept, is_lost = conditions.ONLY_AMOUNT, conditions.NOT_OF[AttributeType.NUMBER]
    elif attribute.type == contract.DATE and (found := find_date_format(cells)):
        if line := _all_dates(frame, attribute, found):
            return line
        trimmed = here + found.trim
        dates = f'pd.to_datetime({trimmed}, format="{found.format}", errors="coerce", utc=True)'  # others have zones
        change = f'{dates}.dt.strftime("{found.iso}")'
        note, good = (
            found.remark,
            {row for row, value in zip(rows, cells, strict=True) if isinstance(value, str) and value in found.texts},
        )
        is_kept, is_lost = (conditions.in_format(found),), conditions.in_no_format(found)
    else:
        return _emptied(frame, attribute, rows, conditions.NOT_OF[AttributeType(attribute.type or "")])
    kept, lost = [row for row in rows if row in good], [row for row in rows if row not in good]
    gone = _emptied(frame, attribute, lost, is_lost)
    if not kept:
        return gone
    condition = conditions.picking(frame, attribute, kept, is_kept)
    mended = in_rows(frame, place, kept, f"{here}.mask(\0, {change})", note, condition)
    return combined(rows, (kept, mended), (lost, gone))


def _emptied(
    frame: pd.DataFrame, attribute: Attribute, rows: list[int], candidates: Sequence[conditions.Condition]
) -> Lines:
    """Return a line that empties cells of a column, or several where no condition picks them."""
    condition = conditions.picking(frame, attribute, rows, candidates, is_emptying=True)
    return emptied(frame, attribute.position, rows, condition=condition)


def _comma_in(amounts: frozenset[str]) -> str:
    return "a comma is taken for a separator of thousands" if any("," in text for text in amounts) else ""


def _all_dates(frame: pd.DataFrame, attribute: Attribute, found: DateFormat) -> str:
    """Return a line that makes dates of a column, where all of it is in the format; else ''."""
    cells = frame.iloc[:, attribute.position].dropna()
    if not all(isinstance(value, str) and value in found.texts for value in cells.tolist()):
        return ""
    here = plain(frame, attribute) + found.trim
    line = assignment(frame, attribute.position, f'pd.to_datetime({here}, format="{found.format}")')
    return remarked(line, found.remark)


def of_other_spelling(frame: pd.DataFrame, attribute: Attribute, wanted: AttributeType) -> str:
    """Return a line that converts a whole column of numbers or dates in another spelling; else ''."""
    cells = frame.iloc[:, attribute.position]
    wrong = [value for value in cells.dropna().tolist() if read_as(value, wanted, _UTC) is None]
    if wanted is AttributeType.DATE and wrong and (found := find_date_format(wrong)):
        return _all_dates(frame, attribute, found)
    amounts = find_amounts(wrong)
    if wanted is not AttributeType.NUMBER or not wrong or not all(isinstance(v, str) and v in amounts for v in wrong):
        return ""
    bare = cells.astype(object).replace(NOT_OF_A_NUMBER, "", regex=True)
    expected = [None if gone else read_as(v, wanted, _UTC) for v, gone in zip(bare, bare.isna(), strict=True)]
    line = assignment(frame, attribute.position, f"pd.to_numeric({without_separators(plain(frame, attribute))})")
    return remarked(line, _comma_in(amounts)) if _is_right(bare, _to_number, expected) else ""


def _converted(frame: pd.DataFrame, attribute: Attribute, rows: list[int]) -> Lines:
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
        one = read_as(cell, wanted, _UTC)
        if one is None:
            lost.append(row)
        else:
            (exact if _is_same(one, cell, convert(cell)) else others).append(row)
    cells = f"pd.Series([({change}) if hit else v for v, hit in zip({{}}, \0)], df.index, object)"
    asked = f"# push with types={{{attribute.column!r}: {str(wanted)!r}}}, which reads every digit"
    condition = conditions.picking(frame, attribute, exact, conditions.FOREIGN_TO[wanted])
    mended = in_rows(frame, place, exact, cells, condition=condition)
    gone = _emptied(frame, attribute, lost, conditions.NOT_OF[wanted])
    return combined(rows, (exact, mended), (others, asked), (lost, gone))


def of_convertible(frame: pd.DataFrame, attribute: Attribute, wanted: AttributeType) -> str:
    """Return a line that converts a column, where pandas does it as we would; else ''."""
    cells = frame.iloc[:, attribute.position]
    change, convert = _CONVERSIONS[wanted]
    expected = [None if gone else read_as(v, wanted, _UTC) for v, gone in zip(cells, cells.isna(), strict=True)]
    if not _is_right(cells, convert, expected):
        if not _is_right(cells.map(_strip), convert, expected):
            return ""
        change = change.replace("{}", _STRIPPED)
    lost = sum(one is None for one in expected) - int(cells.isna().sum())
    line = assignment(frame, attribute.position, change if lost else change.replace(', errors="coerce"', ""))
    return remarked(line, f"{empties(lost)} that cannot be a {wanted}") if lost else line


def of_unseen(frame: pd.DataFrame, attribute: Attribute, wanted: AttributeType) -> str:
    """Return a line that converts a column whatever is in it."""
    change = _CONVERSIONS[wanted][0].replace("{}", _STRIPPED)
    return remarked(assignment(frame, attribute.position, change), f"empties what cannot be a {wanted}")


def _is_right(cells: pd.Series[Any], convert: _Conversion, expected: list[Any]) -> bool:
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


def of_infinite(frame: pd.DataFrame, attribute: Attribute, rows: list[int]) -> Lines:
    """Return what to do about numbers that JSON cannot hold."""
    dtype = frame.dtypes.iloc[attribute.position]
    if dtypes.is_float_dtype(dtype) and not isinstance(dtype, pd.SparseDtype):
        line = assignment(frame, attribute.position, f'{{}}.replace({INFINITE}, float("nan"))')
        return remarked(line, empties(len(rows)))
    return _emptied(frame, attribute, rows, conditions.INFINITE)


def of_year(frame: pd.DataFrame, attribute: Attribute, rows: list[int]) -> Lines:
    """Return what to do about dates whose year has not four digits."""
    if dtypes.is_object_dtype(frame.dtypes.iloc[attribute.position]):
        return emptied(frame, attribute.position, rows)
    between = f"{{}}.where({{}}.dt.year.between({contract.MIN_YEAR}, {contract.MAX_YEAR}))"
    return remarked(assignment(frame, attribute.position, between), empties(len(rows)))


def of_fraction(frame: pd.DataFrame, attribute: Attribute, rows: list[int]) -> Lines:  # noqa: ARG001 - as the others
    """Return what to do about fractions of a second."""
    dtype = frame.dtypes.iloc[attribute.position]
    floor = '.map(lambda v: pd.Timestamp(v).floor("s") if hasattr(v, "microsecond") else v, na_action="ignore")'
    if attribute.kind is not Kind.DATE:  # text that is read as a date stays text
        cut = plain(frame, attribute) + r'.replace(r"^(\s*\d{4}-\d\d-\d\d.*\d)[.,]\d+", r"\1", regex=True)'
        return assignment(frame, attribute.position, cut if attribute.kind is Kind.TEXT else cut + floor)
    if dtypes.is_object_dtype(dtype):
        return assignment(frame, attribute.position, "{}" + floor)
    return assignment(frame, attribute.position, '{}.dt.floor("s")')


def of_large_integer(frame: pd.DataFrame, attribute: Attribute, rows: list[int]) -> Lines:  # noqa: ARG001 - as the others
    """Return how to send integers as text, which keeps every digit."""
    label = named(frame, attribute.position)
    if attribute.known is not None and attribute.known.type == contract.NUMBER:  # text would be ignored
        return "# the service knows it as a number: send its digits as text under a new name, or leave it"
    if attribute.strict:  # text is not what its other lines make of the column
        return "# mend the values of other types in this column, then look again"
    if label is not None and attribute.kind is Kind.TEXT:
        return in_call("types", label, None)
    return assignment(frame, attribute.position, AS_TEXT)


def of_long_text(frame: pd.DataFrame, attribute: Attribute, texts: list[Any]) -> str:
    """Return a line that cuts texts to what fits; of emoji and the like half as many do."""
    limit = contract.MAX_VALUE_CHARS
    fits = limit if all(len(text) == contract.count_chars(text) for text in texts) else limit // 2
    cut = f"{{}}.map(lambda v: v[:{fits}] if isinstance(v, str) else v)"
    return assignment(frame, attribute.position, cut) + "  # cuts them; left alone, they are sent whole"


def without_empty_rows(frame: pd.DataFrame, layout: Layout) -> str:
    """Return a line that leaves out rows of which only the id would be sent."""
    asked = [attribute.position for attribute in layout.attributes]
    others = [place for place in range(frame.shape[1]) if place not in asked]  # the id among them
    labels = [named(frame, place) for place in others]
    if None in labels or len(labels) > _MANY:
        kept, guard = f"df.iloc[:, {asked}]", f"if df.shape[1] == {frame.shape[1]}: "
    else:
        kept, guard = f"df.drop(columns=[{', '.join(map(str, labels))}])", ""
    return f"{guard}df = df[{kept}.notna().any(axis=1)]  # leaves out customers with an id and nothing else"
