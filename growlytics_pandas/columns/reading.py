"""How one column is read: the options of the call for it, applied wherever its cells are taken out.

A column goes through `clean` before anything looks at it, so that its kind, the checks and the request bodies agree:
strip, then words that mean missing, then one spelling. `read_values` parses what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types as dtypes

from growlytics_pandas._rules import Rule
from growlytics_pandas.columns.convert import Values, as_text, convert, date_in, is_infinite, number_in
from growlytics_pandas.columns.dtypes import AttributeType, Kind, absent, family, inspect
from growlytics_pandas.columns.extract import Cells, Mask, dates_array, extract, naive, plain
from growlytics_pandas.columns.parsers import currencies, date_parser, number_parser
from growlytics_pandas.columns.texts import PHONE_NORMALIZATIONS, normalize_texts, strip_texts

_NUMBERS: Final = (Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL)


@dataclass(frozen=True, slots=True)
class Reading:
    """How one column is read: the options of the call, resolved for that column; the default changes nothing."""

    strip: bool = False
    na_values: tuple[str, ...] = ()
    normalize: str | None = None
    date_formats: tuple[str, ...] = ()
    decimal: str | None = None

    @property
    def cleans(self) -> bool:
        """Whether cells change before they are parsed."""
        return self.strip or bool(self.na_values) or self.normalize is not None


DEFAULT_READING: Final = Reading()


def clean(column: pd.Series[Any], reading: Reading, zone: ZoneInfo, region: str) -> pd.Series[Any]:
    """Return the column as it is read: without what strip removes, with na_values missing, normalized.

    Columns of text become object columns; others keep their dtype, or become its nullable twin, so that no digit of an
    integer is lost to a gap.
    """
    if not reading.cleans:
        return column
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _clean_categories(column, reading, zone, region)
    column = plain(column)
    kind = inspect(column).kind
    if kind is Kind.TEXT or dtypes.is_object_dtype(column.dtype):
        return _clean_objects(column, reading, zone, region)
    if reading.na_values and kind in (*_NUMBERS, Kind.DATE):
        column = _without_words(column, kind, reading, zone)
    if reading.normalize in PHONE_NORMALIZATIONS and kind in _NUMBERS:
        return _clean_objects(column, reading, zone, region)
    return column


def read_cells(column: pd.Series[Any], kind: Kind, zone: ZoneInfo, region: str, reading: Reading) -> Cells:
    """Take the cells of a column (a block of it) out of its backing, as they are read; `kind` is that of all of it."""
    return extract(clean(column, reading, zone, region), kind, zone)


def read_values(
    column: pd.Series[Any],
    kind: Kind,
    target: AttributeType,
    zone: ZoneInfo,
    region: str,
    reading: Reading,
    *,
    is_strict: bool = False,
) -> Values:
    """Read a column (a block of it) as values of the type `target`."""
    cells = read_cells(column, kind, zone, region, reading)
    if target is AttributeType.DATE and reading.date_formats and kind is not Kind.DATE:
        return _dates(cells, reading.date_formats, zone)
    if target is AttributeType.NUMBER and reading.decimal and kind in (Kind.TEXT, Kind.MIXED):
        return _numbers(cells, reading.decimal, zone)
    return convert(cells, target, zone, is_strict=is_strict)


def find_currencies(column: pd.Series[Any], reading: Reading) -> frozenset[str]:
    """Return the currencies in a column, cleaned already, that is read as numbers."""
    if reading.decimal is None:
        return frozenset()
    texts = {value for value in plain(column).tolist() if isinstance(value, str)}
    return frozenset(currencies(sorted(texts)))


# cleaning -----------------------------------------------------------------------------------------------------------


def _clean_categories(column: pd.Series[Any], reading: Reading, zone: ZoneInfo, region: str) -> pd.Series[Any]:
    """Clean each category once; two may become one."""
    categories = pd.Series(column.cat.categories, dtype=column.cat.categories.dtype)
    cleaned = clean(categories, reading, zone, region)
    if cleaned is categories:
        return column
    codes, missing = column.cat.codes.to_numpy(), absent(column).to_numpy()
    with_none = cleaned.reindex(range(len(cleaned) + 1))  # the last is missing: codes of missing cells are -1
    return with_none.take(np.where(missing, len(cleaned), codes)).set_axis(column.index)


def _clean_objects(column: pd.Series[Any], reading: Reading, zone: ZoneInfo, region: str) -> pd.Series[Any]:
    missing = absent(column).to_numpy(dtype=bool)
    values = [None if away else value for value, away in zip(column.tolist(), missing.tolist(), strict=True)]
    if reading.normalize in PHONE_NORMALIZATIONS:
        values = [as_text(value, zone) if _is_number(value) else value for value in values]
    texts = list({value for value in values if isinstance(value, str)})
    known = dict(zip(texts, _clean_texts(texts, reading, region), strict=True))
    others = _means_missing(reading, zone)
    cleaned = np.empty(len(values), dtype=object)
    if all(value is None or isinstance(value, str) for value in values):  # most columns, and the fast way
        cleaned[:] = [None if value is None else known[value] for value in values]
    else:
        for i, value in enumerate(values):
            if isinstance(value, str):
                cleaned[i] = known[value]
            elif value is not None and not (others is not None and others(value)):
                cleaned[i] = value
    return pd.Series(cleaned, index=column.index, name=column.name, dtype=object)


def _clean_texts(texts: list[str], reading: Reading, region: str) -> list[str | None]:
    """Clean distinct texts; None where one means missing.

    White space around a text or a word does not count in the comparison, so '' covers cells of white space only.
    """
    cleaned: list[Any] = strip_texts(texts) if reading.strip else list(texts)
    words = {word.strip() for word in reading.na_values}
    if words:
        cleaned = [None if text.strip() in words else text for text in cleaned]
    if reading.normalize is not None:
        present = [text for text in cleaned if text is not None]
        normalized = iter(normalize_texts(present, reading.normalize, region))
        cleaned = [None if text is None else next(normalized) for text in cleaned]
    return cleaned


def _is_number(value: Any) -> bool:
    return family(type(value)) in _NUMBERS


def _means_missing(reading: Reading, zone: ZoneInfo) -> Callable[[Any], bool] | None:
    """Return a test of single numbers and dates; None where no word is one."""
    numbers, dates = set(_numbers_in(reading.na_values)), set(_dates_in(reading.na_values, zone))
    if not numbers and not dates:
        return None

    def test(value: Any) -> bool:
        kind = family(type(value))
        if kind in _NUMBERS:
            return value in numbers
        return kind is Kind.DATE and np.datetime64(naive(value, zone), "us") in dates

    return test


def _without_words(column: pd.Series[Any], kind: Kind, reading: Reading, zone: ZoneInfo) -> pd.Series[Any]:
    """Make the numbers or dates missing that `na_values` names."""
    words = _dates_in(reading.na_values, zone) if kind is Kind.DATE else _numbers_in(reading.na_values)
    if not words:
        return column
    cells = extract(column, kind, zone)
    if kind is Kind.DATE:
        hit = np.isin(cells.values.astype("M8[us]"), np.array(words, dtype="M8[us]"))
    elif cells.values.dtype == object:
        among = set(words)
        hit = np.array([not gone and v in among for v, gone in zip(cells.values, cells.missing, strict=True)], bool)
    else:
        hit = np.isin(cells.values, _comparable(words, cells.values.dtype))
    hit &= ~cells.missing
    if not hit.any():
        return column
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu":
        nullable: Any = column.dtype.name.replace("i", "I").replace("u", "U")  # "int64" → "Int64"
        column = column.astype(nullable)
    return column.mask(hit)


def _comparable(words: list[Any], dtype: Any) -> Any:
    """Return the words that values of this dtype can equal, without a detour through floats for integers."""
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        whole = [int(word) for word in words if word == int(word) and limits.min <= word <= limits.max]
        return np.array(whole, dtype=dtype)
    return np.array(words, dtype=dtype)


def _numbers_in(words: Iterable[str]) -> list[Any]:
    numbers = [number for word in words if (number := number_in(word)) is not None]
    return [number for number in numbers if not is_infinite(number)]


def _dates_in(words: Iterable[str], zone: ZoneInfo) -> list[Any]:
    return [np.datetime64(found, "us") for word in words if (found := date_in(word, zone)) is not None]


# parsing ------------------------------------------------------------------------------------------------------------


def _dates(cells: Cells, formats: tuple[str, ...], zone: ZoneInfo) -> Values:
    """Read texts and numbers by the first format that fits each; what is a date already stays as it is."""
    items, codes = _distinct(cells)
    dates = np.full(len(items), np.datetime64("NaT"), dtype="M8[us]")
    texts = [item if isinstance(item, str) else as_text(item, zone) if _is_number(item) else None for item in items]
    unread = [i for i, text in enumerate(texts) if text is not None]
    for form in formats:
        parsed = date_parser(form).parse([(texts[i] or "").strip() for i in unread], zone)
        places = np.array(unread, dtype="int64")
        dates[places[parsed.ok]] = parsed.values[parsed.ok]
        unread = places[~parsed.ok].tolist()
    if cells.kind is Kind.MIXED:
        own = [i for i, item in enumerate(items) if family(type(item)) is Kind.DATE]
        dates[own] = dates_array([naive(items[i], zone) for i in own])
    wrong = np.isnat(dates)
    return _spread(convert(Cells(Kind.DATE, dates, wrong), AttributeType.DATE, zone), wrong, codes, cells.missing)


def _numbers(cells: Cells, decimal: str, zone: ZoneInfo) -> Values:
    """Read texts as numbers; what is a number already stays as it is."""
    items, codes = _distinct(cells)
    numbers = np.empty(len(items), dtype=object)
    numbers[:] = items
    texts = [i for i, item in enumerate(items) if isinstance(item, str)]
    parsed = number_parser(decimal).parse([items[i].strip() for i in texts], zone)
    wrong = np.zeros(len(items), dtype=bool)
    wrong[texts] = ~parsed.ok
    for i, value in zip(texts, parsed.values, strict=True):
        numbers[i] = value
    return _spread(convert(Cells(Kind.MIXED, numbers, wrong), AttributeType.NUMBER, zone), wrong, codes, cells.missing)


def _distinct(cells: Cells) -> tuple[list[Any], npt.NDArray[np.int64]]:
    """Return the distinct texts and numbers, and other values one by one, with the place of each cell among them."""
    if isinstance(cells.values, np.ndarray) and cells.values.dtype.kind in "iuf":
        distinct, places = np.unique(cells.values, return_inverse=True)
        return distinct.tolist(), places.reshape(-1)
    values = cells.values if isinstance(cells.values, list) else cells.values.tolist()
    place = {text: i for i, text in enumerate({value for value in values if isinstance(value, str)} | {""})}
    items: list[Any] = list(place)
    if cells.kind is Kind.TEXT:
        return items, np.array([place[text] for text in values], dtype="int64")
    codes = np.full(len(values), place[""], dtype="int64")
    for i, (value, is_missing) in enumerate(zip(values, cells.missing.tolist(), strict=True)):
        if isinstance(value, str):
            codes[i] = place[value]
        elif not is_missing:
            codes[i] = len(items)
            items.append(value)
    return items, codes


def _spread(distinct: Values, wrong: Mask, codes: npt.NDArray[np.int64], missing: Mask) -> Values:
    """Return the values of all cells from those of the distinct ones, of which `wrong` could not be read."""
    is_array = isinstance(distinct.values, np.ndarray)
    taken = distinct.values[codes] if is_array else [distinct.values[code] for code in codes.tolist()]
    result = Values(distinct.type, taken, missing)
    distinct.found[Rule.VALUE_WRONG_TYPE] = wrong | distinct.found.get(Rule.VALUE_WRONG_TYPE, False)
    for rule, mask in distinct.found.items():
        result.note(rule, mask[codes] & ~missing)
    return result
