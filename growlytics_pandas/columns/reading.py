"""How one column is read with the options of the call, and how ids are read.

`clean` runs before anything else, so that a column's kind, the checks and the request bodies agree: strip, then
`na_values`, then `normalize`. `read_values` parses the cleaned cells; `read_ids` converts ids to text, and
`find_groups` finds ids that are equal or look alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import ne
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types as dtypes

from growlytics_pandas import contract
from growlytics_pandas._rules import Rule
from growlytics_pandas.columns.contacts import normalize_texts
from growlytics_pandas.columns.convert import (
    Values,
    as_number,
    as_text,
    check_numbers,
    convert,
    date_in,
    has_lost_digits,
    is_infinite,
)
from growlytics_pandas.columns.date_parsers import parse_by_first
from growlytics_pandas.columns.dtypes import (
    NUMBER_KINDS,
    TEXT_KINDS,
    Cells,
    Kind,
    Mask,
    Rows,
    absent,
    classify,
    dates_array,
    decoded,
    extract,
    family,
    naive,
)
from growlytics_pandas.columns.parsers import currencies, number_in, parse_numbers, shapes_of
from growlytics_pandas.columns.plan_options import DEFAULT_READING, PHONE_NORMALIZATIONS, Keep, Reading
from growlytics_pandas.columns.texts import strip_texts
from growlytics_pandas.contract import INDIA, AttributeType


def clean(column: pd.Series[Any], reading: Reading, zone: ZoneInfo, region: str) -> pd.Series[Any]:
    """Return the cleaned column: stripped, with `na_values` missing, normalized.

    Text columns become object columns; others keep their dtype or become its nullable counterpart, so that integers
    with missing values keep their digits.
    """
    if not reading.cleans:
        return column
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _clean_categories(column, reading, zone, region)
    column = decoded(column)
    kind = classify(column).kind
    if kind is Kind.TEXT or dtypes.is_object_dtype(column.dtype):
        return _clean_objects(column, reading, zone, region)
    if reading.na_values and kind in (*NUMBER_KINDS, Kind.DATE):
        column = _without_words(column, kind, reading, zone)
    if reading.normalize in PHONE_NORMALIZATIONS and kind in NUMBER_KINDS:
        return _clean_objects(column, reading, zone, region)
    return column


def read_cells(column: pd.Series[Any], kind: Kind, zone: ZoneInfo, region: str, reading: Reading) -> Cells:
    """Clean and extract the cells of a column (a block of it); `kind` is that of the whole column."""
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
        return _read_dates(cells, reading.date_formats, zone)
    if target is AttributeType.NUMBER and reading.decimal and kind in TEXT_KINDS:
        return _read_numbers(cells, reading.decimal)
    return convert(cells, target, zone, is_strict=is_strict)


def find_currencies(column: pd.Series[Any], reading: Reading) -> frozenset[str]:
    """Return the currencies in a cleaned column that is read as numbers."""
    if reading.decimal is None:
        return frozenset()
    column = decoded(column)
    values = column.unique() if isinstance(column.dtype, pd.StringDtype) else column  # objects may not be hashable
    texts = [value for value in values.tolist() if isinstance(value, str)]
    return frozenset(currencies(shapes_of(texts).names))


# cleaning -----------------------------------------------------------------------------------------------------------


def _clean_categories(column: pd.Series[Any], reading: Reading, zone: ZoneInfo, region: str) -> pd.Series[Any]:
    """Clean each category once; two may become the same."""
    categories = pd.Series(column.cat.categories, dtype=column.cat.categories.dtype)
    cleaned = clean(categories, reading, zone, region)
    if cleaned is categories:
        return column
    codes, missing = column.cat.codes.to_numpy(), absent(column).to_numpy()
    with_none = cleaned.reindex(range(len(cleaned) + 1))  # the last one is missing, for the code -1
    return with_none.take(np.where(missing, len(cleaned), codes)).set_axis(column.index)


def _clean_objects(column: pd.Series[Any], reading: Reading, zone: ZoneInfo, region: str) -> pd.Series[Any]:
    values = column.tolist()
    for place in np.flatnonzero(absent(column).to_numpy(dtype=bool)).tolist():
        values[place] = None
    if reading.normalize in PHONE_NORMALIZATIONS:
        values = [as_text(value, zone) if _is_number(value) else value for value in values]
    are_texts = set(map(type, values)) <= {str, type(None)}  # in most columns
    texts = list(set(values) - {None} if are_texts else {value for value in values if isinstance(value, str)})
    known = dict(zip(texts, _clean_texts(texts, reading, region), strict=True))
    cleaned = np.empty(len(values), dtype=object)
    if are_texts:
        cleaned[:] = list(map({**known, None: None}.__getitem__, values))
    else:
        others = _means_missing(reading, zone)
        for i, value in enumerate(values):
            if isinstance(value, str):
                cleaned[i] = known[value]
            elif value is not None and not (others is not None and others(value)):
                cleaned[i] = value
    return pd.Series(cleaned, index=column.index, name=column.name, dtype=object)


def _clean_texts(texts: list[str], reading: Reading, region: str) -> list[str | None]:
    """Clean distinct texts; None if one means missing.

    Surrounding white space is ignored in the comparison, so '' matches cells of only white space.
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
    return family(type(value)) in NUMBER_KINDS


def _means_missing(reading: Reading, zone: ZoneInfo) -> Callable[[Any], bool] | None:
    """Return a test for single numbers and dates; None if no word is a number or date."""
    numbers, dates = set(_numbers_in(reading.na_values)), set(_dates_in(reading.na_values, zone))
    if not numbers and not dates:
        return None

    def test(value: Any) -> bool:
        kind = family(type(value))
        if kind in NUMBER_KINDS:
            return value in numbers
        return kind is Kind.DATE and np.datetime64(naive(value, zone), "us") in dates

    return test


def _without_words(column: pd.Series[Any], kind: Kind, reading: Reading, zone: ZoneInfo) -> pd.Series[Any]:
    """Make missing the numbers or dates listed in `na_values`."""
    words = _dates_in(reading.na_values, zone) if kind is Kind.DATE else _numbers_in(reading.na_values)
    if not words:
        return column
    cells = extract(column, kind, zone)
    if kind is Kind.DATE:
        hit = np.isin(cells.values.astype("M8[us]"), np.array(words, dtype="M8[us]"))
    else:
        numbers: Any = words
        if cells.values.dtype.kind in "iu":  # as integers, since floats have fewer digits
            limits = np.iinfo(cells.values.dtype)
            numbers = [int(word) for word in words if word == int(word) and limits.min <= word <= limits.max]
        elif cells.values.dtype.kind == "f":
            numbers = np.array(words, dtype=cells.values.dtype)
        hit = pd.Series(cells.values).isin(numbers).to_numpy()
    hit = hit & ~cells.missing
    if not hit.any():
        return column
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu":
        nullable: Any = column.dtype.name.replace("i", "I").replace("u", "U")  # "int64" → "Int64"
        column = column.astype(nullable)
    return column.mask(hit)


def _numbers_in(words: Iterable[str]) -> list[Any]:
    numbers = [number for word in words if (number := number_in(word)) is not None]
    return [number for number in numbers if not is_infinite(number)]


def _dates_in(words: Iterable[str], zone: ZoneInfo) -> list[Any]:
    return [np.datetime64(found, "us") for word in words if (found := date_in(word, zone)) is not None]


# parsing ------------------------------------------------------------------------------------------------------------


def _read_dates(cells: Cells, formats: tuple[str, ...], zone: ZoneInfo) -> Values:
    """Read texts and numbers by the first format that fits each; dates stay unchanged."""
    items, codes = _distinct(cells)
    texts = [as_text(item, zone) if _is_number(item) else item if isinstance(item, str) else "" for item in items]
    dates = parse_by_first([(text or "").strip() for text in texts], formats, zone)
    if cells.kind is Kind.MIXED:
        own = [i for i, item in enumerate(items) if family(type(item)) is Kind.DATE]
        dates[own] = dates_array([naive(items[i], zone) for i in own])
    wrong = np.isnat(dates)
    return _spread(convert(Cells(Kind.DATE, dates, wrong), AttributeType.DATE, zone), wrong, codes, cells.missing)


def _read_numbers(cells: Cells, decimal: str) -> Values:
    """Read texts as numbers; numbers stay unchanged."""
    items, codes = _distinct(cells)
    texts = items if cells.kind is Kind.TEXT else [item if isinstance(item, str) else "" for item in items]
    parsed = parse_numbers([text.strip() for text in texts], decimal)
    numbers, wrong = parsed.values, ~parsed.ok
    for i, item in enumerate(items if cells.kind is Kind.MIXED else ()):
        if not isinstance(item, str):
            number = as_number(item)
            numbers[i], wrong[i] = (0 if number is None else number), number is None
    return _spread(check_numbers(Values(AttributeType.NUMBER, numbers, wrong)), wrong, codes, cells.missing)


def _distinct(cells: Cells) -> tuple[list[Any], npt.NDArray[np.int64]]:
    """Return the distinct texts and numbers, and all other values, with each cell's position among them."""
    if isinstance(cells.values, np.ndarray) and cells.values.dtype.kind in "iuf":
        distinct, places = np.unique(cells.values, return_inverse=True)
        return distinct.tolist(), places.reshape(-1)
    values = cells.values if isinstance(cells.values, list) else cells.values.tolist()
    if cells.kind is Kind.TEXT:
        place = {text: i for i, text in enumerate(set(values))}
        return list(place), np.fromiter(map(place.__getitem__, values), dtype="int64", count=len(values))
    place = {text: i for i, text in enumerate({value for value in values if isinstance(value, str)} | {""})}
    items: list[Any] = list(place)
    codes = np.full(len(values), place[""], dtype="int64")
    for i, (value, is_missing) in enumerate(zip(values, cells.missing.tolist(), strict=True)):
        if isinstance(value, str):
            codes[i] = place[value]
        elif not is_missing:
            codes[i] = len(items)
            items.append(value)
    return items, codes


def _spread(distinct: Values, wrong: Mask, codes: npt.NDArray[np.int64], missing: Mask) -> Values:
    """Return the values of all cells from the distinct ones; `wrong` marks distinct values that could not be read."""
    is_array = isinstance(distinct.values, np.ndarray)
    taken = distinct.values[codes] if is_array else list(map(distinct.values.__getitem__, codes.tolist()))
    result = Values(distinct.type, taken, missing)
    distinct.found[Rule.VALUE_WRONG_TYPE] = wrong | distinct.found.get(Rule.VALUE_WRONG_TYPE, False)
    for rule, mask in distinct.found.items():
        result.record(rule, mask[codes] & ~missing)
    return result


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of a block: `texts` as they are sent ('' if there is none), and masks of what is reported.

    `rounded`: numbers that lost their last digits. They count as `missing`, since they may be another customer's.
    """

    texts: list[str]
    missing: Mask
    stripped: Mask
    was_float: Mask
    rounded: Mask
    too_long: Mask


def read_ids(
    column: pd.Series[Any], kind: Kind, zone: ZoneInfo, region: str = INDIA, reading: Reading = DEFAULT_READING
) -> Ids:
    """Return the ids of a block as text, without surrounding white space; a whole float without ``.0``."""
    cells = read_cells(column, kind, zone, region, reading)
    raw, floats, rounded = _raw_texts(cells, zone)
    texts = _sendable(raw)
    was_stripped = np.zeros(len(texts), dtype=bool)
    if texts != raw:
        was_stripped = np.fromiter(map(ne, texts, raw), dtype=bool, count=len(texts))
    for position in np.flatnonzero(cells.missing | rounded).tolist():
        texts[position] = ""  # an id that lost digits may be another customer's
    lengths = np.fromiter(map(len, texts), dtype="int32", count=len(texts))
    present = lengths > 0
    return Ids(
        texts,
        missing=~present,
        stripped=present & was_stripped,
        was_float=floats & (present | rounded),
        rounded=rounded & ~cells.missing,
        too_long=_too_long(texts, lengths, contract.MAX_ID_CHARS),
    )


def unread_ids(missing: Mask) -> Ids:
    """Return the ids of a block for which only the missing ones are known."""
    none = np.zeros(len(missing), dtype=bool)
    return Ids([""] * len(missing), missing, none, none, none, none)


def _raw_texts(cells: Cells, zone: ZoneInfo) -> tuple[list[str], Mask, Mask]:
    """Return the texts, a mask of those from floats, and a mask of numbers that have lost digits."""
    count = len(cells.missing)
    none = np.zeros(count, dtype=bool)
    if cells.kind is Kind.TEXT:
        return cells.values, none, _in_scientific_notation(cells.values)
    if cells.kind is Kind.INTEGER:
        return list(map(str, cells.values.tolist())), none, none
    if cells.kind in (Kind.FLOAT, Kind.DECIMAL, Kind.MIXED):
        values = list(cells.values)  # not tolist(), which would give a float32 the digits of a float64
        texts = [
            "" if is_missing else _id_text(v, zone)
            for v, is_missing in zip(values, cells.missing.tolist(), strict=True)
        ]
        floats = np.fromiter((isinstance(v, (float, np.floating)) for v in values), dtype=bool, count=count)
        rounded = np.fromiter(map(has_lost_digits, values), dtype=bool, count=count)
        if cells.kind is Kind.MIXED:
            rounded |= _in_scientific_notation([v if isinstance(v, str) else "" for v in values])
        return texts, floats & ~cells.missing, rounded & ~cells.missing
    return [""] * count, none, none  # booleans, dates, lists … are not ids


_SCIENTIFIC: Final = re.compile(r"\s*'?[+-]?\d(?:[.,]\d+)?[eE]\+\d+\s*")


def _in_scientific_notation(texts: list[str]) -> Mask:
    """Mask of texts in scientific notation, as spreadsheets and floats write long numbers: ``9.19812E+11``."""
    joined = "\n".join(texts)
    if "+" not in joined or ("e+" not in joined and "E+" not in joined):
        return np.zeros(len(texts), dtype=bool)
    return np.fromiter((_SCIENTIFIC.fullmatch(text) is not None for text in texts), dtype=bool, count=len(texts))


def _id_text(value: Any, zone: ZoneInfo) -> str:
    """Write a number or text as an id; '' for other values."""
    if family(type(value)) not in (Kind.TEXT, *NUMBER_KINDS) or is_infinite(value):
        return ""
    return as_text(value, zone) or ""


def _sendable(raw: list[str]) -> list[str]:
    """Strip texts, and empty those with lone surrogates, which UTF-8 cannot encode."""
    texts = list(map(str.strip, raw))
    joined = "".join(texts)
    if joined.isascii() or contract.is_unicode(joined):
        return texts
    return [text if contract.is_unicode(text) else "" for text in texts]


def _too_long(texts: list[str], lengths: npt.NDArray[np.int32], limit: int) -> Mask:
    """Mask of texts that exceed `limit` in code points or UTF-16 units; a code point has at most two units."""
    too_long = lengths > limit
    if "".join(texts).isascii():
        return too_long
    for position in np.flatnonzero((lengths > limit // 2) & ~too_long).tolist():
        too_long[position] = contract.count_chars(texts[position]) > limit
    return too_long


def too_long(texts: list[str], limit: int) -> Mask:
    """Mask of texts of more than `limit` characters, counted in code points or UTF-16 units."""
    return _too_long(texts, np.fromiter(map(len, texts), dtype="int32", count=len(texts)), limit)


# the same, or alike -------------------------------------------------------------------------------------------------


def fold_case(text: str) -> str:
    """Fold an id to what a reader sees: case, zero-width characters and Unicode forms are ignored."""
    if text.isascii():
        return text.lower()
    visible = "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf")
    return unicodedata.normalize("NFKC", visible.casefold()).strip()


def fold_case_all(texts: list[str]) -> list[str]:
    """Fold a block of ids; returns the same list object if none changes, as for most e-mail addresses."""
    joined = "".join(texts)
    return texts if joined.isascii() and joined == joined.lower() else list(map(fold_case, texts))


_SEPARATED: Final = re.compile(r"\+?\(?[0-9]+(?:[ ./()-]+[0-9]+)+")
_POINTS: Final = re.compile(r"[0-9]+\.[0-9]+(?:\.[0-9]+\.[0-9]+)?")  # a decimal number; an address of the internet
_LEAST_DIGITS: Final = 8  # shorter ids may differ only in where the separator is: 1-12 and 11-2


def fold_id(text: str) -> str:
    """Fold an id as `fold_case` does, and remove the separators of a long number.

    Examples
    --------
    >>> fold_id("035.873.557-20"), fold_id("Asha@Example.com"), fold_id("1-12")
    ('03587355720', 'asha@example.com', '1-12')
    """
    return without_separators(fold_case(text))


def without_separators(text: str) -> str:
    """Return only the digits of a long number; any other text unchanged."""
    if not _SEPARATED.fullmatch(text) or _POINTS.fullmatch(text):
        return text
    digits = "".join(filter(str.isdecimal, text))
    return digits if len(digits) >= _LEAST_DIGITS else text


def fold_ids(texts: list[str]) -> list[str]:
    """Fold a block of ids; returns the same list object if none changes, as for most e-mail addresses."""
    begins = {text[:1] for text in texts}
    is_separated = not begins.isdisjoint(_STARTS_OF_NUMBERS) and any(map(_SEPARATED.fullmatch, texts))
    return list(map(fold_id, texts)) if is_separated else fold_case_all(texts)


_STARTS_OF_NUMBERS: Final = frozenset("+(0123456789")


Groups = list[list[int]]
"""Positions of rows that belong together, each list ascending and with two rows or more."""


@dataclass(frozen=True, slots=True)
class SharedIdRows:
    """Rows with the same or a similar id as another row: how many rows share it, and one of the others."""

    rows: Rows = field(default_factory=lambda: np.empty(0, dtype="int64"))
    sharing: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype="int64"))
    others: Rows = field(default_factory=lambda: np.empty(0, dtype="int64"))

    @classmethod
    def of(cls, triples: Sequence[tuple[int, int, int]]) -> SharedIdRows:
        """Build from (row, number of rows that share the id, another row), in any order."""
        table = np.array(sorted(triples), dtype="int64").reshape(-1, 3)
        return cls(table[:, 0], table[:, 1], table[:, 2])


def find_groups(hashes: npt.NDArray[np.uint64], present: Mask, fetch: Callable[[Rows], list[str]]) -> Groups:
    """Group rows by text. Only rows whose hash is not unique are fetched and compared as text."""
    series = pd.Series(hashes)[present]
    suspects = series.index.to_numpy()[series.duplicated(keep=False).to_numpy()]
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for row, text in zip(suspects.tolist(), fetch(suspects), strict=True):
        groups[text].append(row)
    return [rows for rows in groups.values() if len(rows) > 1]


def unkept(groups: Groups, keep: Keep) -> list[int]:
    """Return the rows that `keep` (with pandas' meaning) leaves out, ascending."""
    kept = {"first": slice(1, None), "last": slice(None, -1), False: slice(None)}[keep]
    return sorted(row for rows in groups for row in rows[kept])
