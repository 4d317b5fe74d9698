"""What a value looks like, whatever its type: counted, the shapes of a column tell which type is probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from growlytics_pandas.conversion import as_boolean, date_in, is_infinite, number_in
from growlytics_pandas.date_spellings import COMPACT, date_formats, is_of_open_century
from growlytics_pandas.spellings import (
    currency_of,
    has_decimal_comma,
    is_grouped,
    is_priced,
    keeps_digits,
    may_have_decimal_comma,
)


class Shape(StrEnum):
    """What a value looks like; dates that are not ISO 8601 are counted by their strptime format instead."""

    YES = "yes"
    NO = "no"
    NUMBER = "number"
    LONG = "many digits"
    CODE = "code"
    GROUPED = "1,000"
    PRICED = "₹1,000"
    PERCENT = "12%"
    DATE = "date"
    ABSENT = "a word for a missing value"
    OTHER = ""
    # counted beside the shape
    PADDED = "white space around it"
    AWARE = "date with an offset"
    EITHER = "1,234"  # the comma may be a decimal one
    COMMA = "1,5"  # it is
    FINE = "more digits than a float keeps"
    DAY = "20250131"
    OPEN_CENTURY = "31-Jan-45"
    # of numbers
    BIT = "0 or 1"
    ZERO = "0"
    ONE = "1"
    INTEGER = "in a column of integers"
    GAP = "missing"
    # of dates
    MOMENT = "with a zone"
    WALL = "without a zone"


MIDNIGHT_IN: Final = "midnight in "
"""Before a zone: dates that are midnights there, and not in UTC."""
SIGN: Final = "sign "
"""Before a sign of currency."""

# A number would lose a zero, a plus or the last digits (doubles keep 15): postal codes, telephone numbers, ids.
_CODE: Final = re.compile(r"\s*(\+|-?(0\d|\d{16}))")
_ANY_CODE: Final = re.compile(r"\n[ \t]*(\+|-?(0\d|\d{16}))")  # begins with a plain character: ten times as fast as "^"


def any_code(texts: Iterable[str]) -> bool:
    """Tell whether there is one code among texts: as a number it would be spoiled, and nothing would tell."""
    return _ANY_CODE.search("\n".join(["", *texts])) is not None


_WORDS_FOR_MISSING: Final = frozenset({"", "-", "--", "?", "na", "n/a", "#n/a", "nan", "none", "null"})
_PERCENT: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)? ?%")
_LONG_DIGITS: Final = 10  # telephone numbers, ids, time stamps; few amounts are as long
_ANY_ZONE: Final = ZoneInfo("UTC")
_OF_OFFSETS: Final = frozenset("Zz+-")
_DATE_CHARS: Final = len("2026-01-31")


def shape_of(text: str) -> str:
    """Tell what a text looks like: a shape, or the strptime format of a date."""
    text = text.strip()
    if text.casefold() in _WORDS_FOR_MISSING:
        return Shape.ABSENT
    yes = None if text.isdigit() else as_boolean(text)
    if yes is not None:
        return Shape.YES if yes else Shape.NO
    number = number_in(text)
    return _of_spelling(text) if number is None else _of_number(text, number)


def _of_number(text: str, number: int | Decimal) -> Shape:
    if _CODE.match(text):
        return Shape.CODE
    if isinstance(number, Decimal) and is_infinite(number):
        return Shape.OTHER
    whole = text.removesuffix(".0")  # of a telephone number that was read as a float
    return Shape.LONG if whole.isdigit() and len(whole) >= _LONG_DIGITS else Shape.NUMBER


def _of_spelling(text: str) -> str:
    if date_in(text, _ANY_ZONE) is not None:
        return Shape.DATE
    if is_grouped(text):
        return Shape.GROUPED
    if text.endswith("%"):
        return Shape.PERCENT if _PERCENT.fullmatch(text) else Shape.OTHER
    return Shape.PRICED if is_priced(text) else _format_of(text)


UNSURE: Final = "%?"  # day or month


def _format_of(text: str) -> str:
    formats = date_formats(text)
    if len(formats) > 1:
        return formats[0].replace("%d", UNSURE).replace("%m", UNSURE)
    return formats[0] if formats else Shape.OTHER


def traits_of(text: str, shape: str) -> Iterator[str]:
    """Give what is to be counted of a text beside its shape."""
    bare = text.strip()
    if text != bare:
        yield Shape.PADDED
    if shape == Shape.PRICED:
        yield SIGN + currency_of(bare)
    if shape == Shape.DATE and not _OF_OFFSETS.isdisjoint(bare[_DATE_CHARS:]):
        yield Shape.AWARE
    elif shape in (Shape.GROUPED, Shape.PRICED) and may_have_decimal_comma(bare):
        yield Shape.EITHER
    elif shape == Shape.OTHER and has_decimal_comma(bare):
        yield Shape.COMMA
    elif shape == Shape.NUMBER:
        if not keeps_digits(bare):
            yield Shape.FINE
        if date_formats(bare) == (COMPACT,):
            yield Shape.DAY
    elif shape.endswith("%y") and is_of_open_century(bare):
        yield Shape.OPEN_CENTURY
