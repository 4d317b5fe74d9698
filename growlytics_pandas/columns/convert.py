"""Convert cells to values of an attribute type, with a mask for each rule that was violated or changed a value.

Each value is converted independently of other rows, so a block, a chunk and the whole frame give the same values.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from growlytics_pandas import contract
from growlytics_pandas._rules import Effect, Rule
from growlytics_pandas.columns.dtypes import (
    NUMBER_KINDS,
    TYPE_OF,
    Cells,
    Kind,
    Mask,
    dates_array,
    family,
    naive,
    plain_text,
)
from growlytics_pandas.columns.parsers import BOOLEAN_WORDS, number_in
from growlytics_pandas.contract import AttributeType


@dataclass(slots=True)
class Values:
    """One column of a block, ready to be encoded.

    `values`: for string a list of str, for boolean a bool array, for date a datetime64[s] array, for number a numeric
    array or a list of int, float and Decimal; a filler where nothing is sent. `found`: a mask for each rule that fired.
    """

    type: AttributeType
    values: Any
    missing: Mask
    found: dict[Rule, Mask] = field(default_factory=dict)

    def record(self, rule: Rule, mask: Mask) -> None:
        """Record `mask` if it marks any cell."""
        if mask.any():
            self.found[rule] = mask

    @property
    def sent(self) -> Mask:
        """Mask of the cells that are sent: neither missing nor dropped."""
        sent = ~self.missing
        for rule, mask in self.found.items():
            if rule.effect is Effect.ATTRIBUTE_DROPPED:
                sent &= ~mask
        return sent


def convert(cells: Cells, target: AttributeType, zone: ZoneInfo, *, is_strict: bool = False) -> Values:
    """Convert `cells` of any kind to `target`, cell by cell.

        `is_strict`: values of another type are violations instead of being converted, for mixed columns without an
    explicit type.
    """
    if not is_strict:
        return _CONVERTERS[target](cells, zone)
    kinds = [TYPE_OF.get(family(type(value))) for value in cells.values.tolist()]
    foreign = np.array([kind is not target for kind in kinds], dtype=bool) & ~cells.missing
    result = _CONVERTERS[target](Cells(cells.kind, cells.values, cells.missing | foreign), zone)
    result.missing = cells.missing
    result.record(Rule.VALUE_WRONG_TYPE, foreign | result.found.get(Rule.VALUE_WRONG_TYPE, False))
    return result


# string ------------------------------------------------------------------------------------------------------------


def _to_string(cells: Cells, zone: ZoneInfo) -> Values:
    if cells.kind is Kind.TEXT:
        result = Values(AttributeType.STRING, cells.values, cells.missing)
    elif cells.kind is Kind.INTEGER:
        result = Values(AttributeType.STRING, list(map(str, cells.values.tolist())), cells.missing)
    elif cells.kind is Kind.DATE:
        dates = _to_date(cells, zone)
        result = Values(AttributeType.STRING, date_texts(dates.values), dates.missing, dates.found)
    else:
        read = _number_text if cells.kind is Kind.FLOAT else lambda value: as_text(value, zone)
        result = _each(cells, AttributeType.STRING, "", read)
        if cells.kind is not Kind.BOOLEAN:
            result.record(Rule.VALUE_NOT_FINITE, _infinite(cells.values, cells.missing))
        if cells.kind is Kind.MIXED:
            result.found.update(_found_in_dates(cells, zone))
        if cells.kind in (Kind.FLOAT, Kind.MIXED):
            result.record(Rule.INTEGER_UNSAFE, _lost_digits(cells.values) & result.sent)
    _refuse_surrogates(result)
    return result


def _found_in_dates(cells: Cells, zone: ZoneInfo) -> dict[Rule, Mask]:
    """Return the masks of the dates' rules, for a mixed column that is sent as text."""
    others = np.array([family(type(value)) is not Kind.DATE for value in cells.values.tolist()], dtype=bool)
    return _to_date(Cells(cells.kind, cells.values, cells.missing | others), zone).found


def as_text(value: Any, zone: ZoneInfo) -> str | None:
    """Write one value as text, a whole number without ``.0``; None if it has no text form."""
    kind = family(type(value))
    if kind is Kind.TEXT:
        return plain_text(value)
    if kind is Kind.BOOLEAN:
        return "true" if value else "false"
    if kind is Kind.DATE:
        return date_texts(dates_array([naive(value, zone)]))[0]
    if kind is Kind.INTEGER:
        # Python refuses to write integers of more than 4300 digits.
        return "" if is_infinite(value) else str(int(value))
    if kind in (Kind.FLOAT, Kind.DECIMAL):
        return _number_text(value)
    return None


def _number_text(value: Any) -> str:
    """Write a float or Decimal with all its digits; a whole number has no decimal point, however large."""
    if isinstance(value, float) and abs(value) <= contract.MAX_SAFE_INTEGER:  # fast path for most values
        return str(int(value)) if value.is_integer() else float.__repr__(value)
    if is_infinite(value):
        return ""  # reported and not sent
    written = float.__repr__(value) if isinstance(value, float) else str(value)
    exact = value if isinstance(value, Decimal) else Decimal(written)
    if exact == exact.to_integral_value():
        return format(exact.to_integral_value() or abs(exact), "f").partition(".")[0]
    return format(exact, "f") if exact is value else written


def date_texts(dates: npt.NDArray[np.datetime64]) -> list[str]:
    """Write dates in the API's format. Each ISO text has exactly one ``T``, so replacing it is safe."""
    texts: list[str] = np.datetime_as_string(dates.astype("M8[s]")).tolist()
    return "\n".join(texts).replace("T", " ").split("\n") if texts else []


def _refuse_surrogates(result: Values) -> None:
    """Mark text with lone surrogates, which UTF-8 cannot encode."""
    try:
        "".join(result.values).encode()
    except UnicodeEncodeError:
        bad = np.array([not contract.is_unicode(text) for text in result.values])
        result.found[Rule.VALUE_WRONG_TYPE] = result.found.get(Rule.VALUE_WRONG_TYPE, np.zeros_like(bad)) | bad
        result.values = [text if fine else "" for text, fine in zip(result.values, (~bad).tolist(), strict=True)]


# number ------------------------------------------------------------------------------------------------------------


def _to_number(cells: Cells, _zone: ZoneInfo) -> Values:
    if isinstance(cells.values, np.ndarray) and cells.values.dtype.kind in "iuf":
        result = Values(AttributeType.NUMBER, cells.values, cells.missing)
    elif cells.kind is Kind.BOOLEAN:
        result = Values(AttributeType.NUMBER, cells.values.astype("int64"), cells.missing)
    elif cells.kind is Kind.DATE:
        return _refused(cells, AttributeType.NUMBER, np.zeros(len(cells.missing), dtype="int64"))
    else:
        result = _each(cells, AttributeType.NUMBER, 0, as_number)
    return check_numbers(result)


def check_numbers(result: Values) -> Values:
    """Record which numbers become infinite or lose digits when parsed as doubles; infinite ones become 0."""
    if isinstance(result.values, list) and _are_exact(result.values):
        return result
    infinite = _infinite(result.values, result.missing)
    result.record(Rule.VALUE_NOT_FINITE, infinite)
    if isinstance(result.values, list) and infinite.any():
        result.values = [0 if away else value for value, away in zip(result.values, infinite.tolist(), strict=True)]
    result.record(Rule.INTEGER_UNSAFE, _unsafe(result.values) & result.sent)
    return result


def _are_exact(numbers: list[Any]) -> bool:
    """Return whether no number is so large that a double loses its digits; most columns have none."""
    try:
        doubles = np.fromiter(map(float, numbers), dtype="float64", count=len(numbers))
    except (OverflowError, ValueError):  # too large for a double, or a signalling NaN
        return False
    return bool((np.abs(doubles) < contract.MAX_SAFE_INTEGER).all())


def as_number(value: Any) -> int | float | Decimal | None:
    """Read one value as a number, keeping every digit; None if it is not a number."""
    kind = family(type(value))
    if kind in (Kind.INTEGER, Kind.BOOLEAN):
        return int(value)
    if kind is Kind.FLOAT:
        # np.float32 has its own shortest digits.
        return float(value) if isinstance(value, float) else Decimal(str(value))
    if kind is Kind.DECIMAL:
        return Decimal(value)
    return number_in(plain_text(value)) if kind is Kind.TEXT else None


def _infinite(values: Any, missing: Mask) -> Mask:
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        return np.isinf(values) & ~missing
    if isinstance(values, np.ndarray) and values.dtype.kind in "iu":
        return np.zeros(len(values), dtype=bool)
    return np.fromiter(map(is_infinite, values), dtype=bool, count=len(missing)) & ~missing


def is_infinite(value: Any) -> bool:
    """Return whether a number is infinite, or becomes infinite when parsed as a double."""
    if isinstance(value, (float, np.floating)):
        return bool(np.isinf(value))
    if isinstance(value, Decimal):
        return value.is_snan() or bool(np.isinf(float(value)))
    return isinstance(value, int) and abs(value) > _DOUBLE_MAX


_DOUBLE_MAX: Final = int(np.finfo("float64").max)


def _unsafe(values: Any) -> Mask:
    """Mask of the numbers that have lost digits, or lose them when parsed as doubles."""
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        return np.abs(values) >= exact_limit(values.dtype)
    limit = contract.MAX_SAFE_INTEGER
    if isinstance(values, np.ndarray) and values.dtype.kind in "iu":
        return (values > limit) | (values < -limit)
    return np.fromiter(map(_is_unsafe, values), dtype=bool, count=len(values))


def _lost_digits(values: Any) -> Mask:
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        return np.abs(values) >= exact_limit(values.dtype)
    return np.fromiter(map(has_lost_digits, values), dtype=bool, count=len(values))


def exact_limit(dtype: Any) -> int:
    """Return the limit above which floats of a dtype cannot represent every integer: 2^53 for a double."""
    return 1 << (int(np.finfo(dtype).nmant) + 1)


def has_lost_digits(value: Any) -> bool:
    """Return whether a value is a float so large that neighbouring integers round to the same float."""
    if isinstance(value, float):
        return abs(value) > contract.MAX_SAFE_INTEGER and not np.isinf(value)
    return isinstance(value, np.floating) and bool(abs(value) >= exact_limit(value.dtype)) and not np.isinf(value)


def _is_unsafe(value: Any) -> bool:
    if isinstance(value, (float, np.floating)):
        return has_lost_digits(value)
    if isinstance(value, Decimal):
        return not value.is_snan() and abs(value) > contract.MAX_SAFE_INTEGER and value == value.to_integral_value()
    return isinstance(value, int) and abs(value) > contract.MAX_SAFE_INTEGER


# boolean -----------------------------------------------------------------------------------------------------------


def _to_boolean(cells: Cells, _zone: ZoneInfo) -> Values:
    if cells.kind is Kind.BOOLEAN:
        return Values(AttributeType.BOOLEAN, cells.values, cells.missing)
    if cells.kind is Kind.DATE:
        return _refused(cells, AttributeType.BOOLEAN, np.zeros(len(cells.missing), dtype=bool))
    result = _each(cells, AttributeType.BOOLEAN, False, as_boolean)
    result.values = np.array(result.values, dtype=bool)
    return result


def as_boolean(value: Any) -> bool | None:
    """Read true/false, yes/no, on/off, 1/0 in any case; None for other values."""
    kind = family(type(value))
    if kind is Kind.BOOLEAN:
        return bool(value)
    if kind is Kind.TEXT:
        return BOOLEAN_WORDS.get(plain_text(value).strip().lower())
    if kind in NUMBER_KINDS and not is_infinite(value) and value in (0, 1):
        return bool(value)
    return None


# date --------------------------------------------------------------------------------------------------------------


def _to_date(cells: Cells, zone: ZoneInfo) -> Values:
    if cells.kind is not Kind.DATE:
        result = _each(cells, AttributeType.DATE, None, lambda value: as_date(value, zone))
        exact = dates_array(result.values)
    else:
        result = Values(AttributeType.DATE, None, cells.missing)
        exact = cells.values
    seconds = exact.astype("M8[s]")  # floors, before 1970 too
    result.values = seconds
    in_range = (seconds >= _FIRST) & (seconds <= _LAST)  # False for NaT
    result.record(Rule.DATE_OUT_OF_RANGE, result.sent & ~in_range)
    result.record(Rule.DATE_TRUNCATED, result.sent & (seconds != exact))
    return result


_FIRST: Final = np.datetime64(f"{contract.MIN_YEAR:04}-01-01T00:00:00", "s")
_LAST: Final = np.datetime64(f"{contract.MAX_YEAR:04}-12-31T23:59:59", "s")
_ISO_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?", re.ASCII)


def as_date(value: Any, zone: ZoneInfo) -> Any:
    """Read a date, or ISO 8601 text (``2026-01-31``, ``2026-01-31 09:30:00+05:30``); None for other values."""
    kind = family(type(value))
    if kind is Kind.DATE:
        return naive(value, zone)
    return date_in(plain_text(value), zone) if kind is Kind.TEXT else None


def date_in(text: str, zone: ZoneInfo) -> Any:
    """Read ISO 8601 text as a naive date in `zone`."""
    text = text.strip()
    if not _ISO_DATE.fullmatch(text):
        return None
    try:
        return naive(datetime.fromisoformat(text), zone)
    except (ValueError, OverflowError):
        return None


# all ---------------------------------------------------------------------------------------------------------------


def _each(cells: Cells, target: AttributeType, filler: Any, read: Callable[[Any], Any]) -> Values:
    """Convert value by value, each distinct text once; a value that `read` returns None for has the wrong type."""
    items = list(cells.values)  # not tolist(), which would give a float32 the digits of a float64
    if cells.kind is Kind.TEXT:
        known = {text: read(text) for text in set(items)}
        converted = [known[text] for text in items]
    else:
        missing = cells.missing.tolist()
        converted = [filler if is_missing else read(value) for value, is_missing in zip(items, missing, strict=True)]
    wrong = np.array([value is None for value in converted], dtype=bool) & ~cells.missing
    result = Values(target, converted, cells.missing)
    result.values = [filler if value is None else value for value in converted]
    result.record(Rule.VALUE_WRONG_TYPE, wrong)
    return result


def _refused(cells: Cells, target: AttributeType, filler: Any) -> Values:
    result = Values(target, filler, cells.missing)
    result.record(Rule.VALUE_WRONG_TYPE, ~cells.missing)
    return result


_CONVERTERS: Final[dict[AttributeType, Callable[[Cells, ZoneInfo], Values]]] = {
    AttributeType.STRING: _to_string,
    AttributeType.NUMBER: _to_number,
    AttributeType.BOOLEAN: _to_boolean,
    AttributeType.DATE: _to_date,
}
