"""Names, numbers and dates as people and spreadsheets write them: what is meant, what to take away, which format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd

from growlytics_pandas.conversion import as_boolean, date_in, number_in

CURRENCY: Final = r"(?:[₹$€£¥]|Rs\.?|INR)"
NOT_OF_A_NUMBER: Final = r"Rs\.?|INR|[,₹$€£¥\s]"
# A comma counts where it groups digits, as in 78,841 and 1,23,456; in 78,84 it is a decimal point, and left alone.
_GROUPS: Final = r"[0-9]{1,3}(?:,[0-9]{2,3})*,[0-9]{3}"
_SIGN: Final = rf"\s*(?:{CURRENCY}\s*)?"
_AMOUNT: Final = re.compile(rf"{_SIGN}[+-]?{_SIGN}(?:{_GROUPS}|[0-9]+)(?:\.[0-9]+)?{_SIGN}")
_GROUPED: Final = re.compile(rf"[+-]?{_GROUPS}(?:\.[0-9]+)?")
_POINT_MAY_GROUP: Final = re.compile(r"^[^,]*\.[0-9]{3,}[^0-9]*$")  # €1.000
_DECIMAL_COMMA: Final = re.compile(r"^\D*\d+,\d{1,2}\D*$|\.\d+,", re.ASCII)
_EITHER: Final = re.compile(r"^[^,]*,[^,.]*$")
_DAY_DATE: Final = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2[0-9]{4}( [0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)?")
_YEAR_DATE: Final = re.compile(r"[0-9]{4}([/.])[0-9]{1,2}\1[0-9]{1,2}( [0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)?")
_WITH_NAMES: Final = ("%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%d %B %Y")
_MONTH: Final = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_DAY: Final = "(?:0?[1-9]|[12][0-9]|3[01])"
_NAMED_DATE: Final = re.compile(rf"{_DAY}([ -]){_MONTH}\1[0-9]{{4}}|{_MONTH} {_DAY}, [0-9]{{4}}", re.IGNORECASE)
_MONTHS: Final = 12
_DAYS: Final = 31


def is_grouped(text: str) -> bool:
    """Tell whether a text is a number with separators of thousands, and nothing else."""
    return bool(_GROUPED.fullmatch(text))


def is_priced(text: str) -> bool:
    """Tell whether a text is a number with a sign of currency whose point can only be a decimal point."""
    return bool(re.search(CURRENCY, text)) and _is_amount(text) and not _POINT_MAY_GROUP.search(text)


def may_have_decimal_comma(text: str) -> bool:
    """Tell whether the only comma of a number may be its decimal point: ``1,234``, but not ``1,234.5``."""
    return bool(_EITHER.search(text))


def has_decimal_comma(text: str) -> bool:
    """Tell whether a comma can only be a decimal point: ``12,5``, ``1.234,50``."""
    return bool(_DECIMAL_COMMA.search(text))


def amount_pattern(*, are_priced: bool, is_sure: bool) -> str:
    """Return the pattern of numbers with separators, to paste; `is_sure`: none whose comma may be a decimal point.

    Examples
    --------
    >>> grouped = re.compile(amount_pattern(are_priced=False, is_sure=False))
    >>> [bool(grouped.fullmatch(text)) for text in ("63,300.33", "1.234,50", "1,234")]
    [True, False, True]
    """
    groups = rf"{_GROUPS}(?:\.[0-9]+)?"
    if is_sure:
        groups = r"[0-9]{1,3}(?:(?:,[0-9]{2,3})+,[0-9]{3}(?:\.[0-9]+)?|,[0-9]{3}\.[0-9]+)"
    if not are_priced:
        return rf"\s*[+-]?(?:{groups})\s*"
    return rf"{_SIGN}[+-]?{_SIGN}(?:{groups}|[0-9]+(?:\.[0-9]{{1,2}})?){_SIGN}"


def without_separators(column: str) -> str:
    """Return the expression for a column whose numbers have neither separators nor signs of currency."""
    return f'{column}.replace(r"{NOT_OF_A_NUMBER}", "", regex=True)'


def find_amounts(values: Sequence[Any]) -> frozenset[str]:
    """Return the texts that are numbers once separators and signs of currency are gone.

    Where another text has a decimal comma, one like ``1,234`` may have one too, and is left alone.

    Examples
    --------
    >>> sorted(find_amounts(["78,841.50", "₹ 1,23,456", "n/a"]))
    ['78,841.50', '₹ 1,23,456']
    >>> sorted(find_amounts(["78,841.50", "1,234", "12,5"]))
    ['78,841.50']
    """
    texts = {value for value in values if isinstance(value, str)}
    is_unsure = any(map(_DECIMAL_COMMA.search, texts))
    return frozenset(text for text in texts if _is_amount(text) and not (is_unsure and _is_either(text)))


def _is_either(text: str) -> bool:
    """Tell whether a comma, or a point, may be either: that of a fraction or that of thousands."""
    return bool(_EITHER.search(text) or _POINT_MAY_GROUP.search(text))


def _is_amount(text: str) -> bool:
    return bool(_AMOUNT.fullmatch(text)) and number_in(re.sub(NOT_OF_A_NUMBER, "", text)) is not None


def date_formats(text: str) -> tuple[str, ...]:
    """Return the formats that a date may be in, the one with the day first before the other.

    Examples
    --------
    >>> date_formats("31/01/2025"), date_formats("1.2.2025 09:30"), date_formats("soon")
    (('%d/%m/%Y',), ('%d.%m.%Y %H:%M', '%m.%d.%Y %H:%M'), ())
    """
    if match := _YEAR_DATE.fullmatch(text):
        return (match[1].join(("%Y", "%m", "%d")) + _time_of(match[2], match[3]),)
    if match := _NAMED_DATE.fullmatch(text):
        return (match[1].join(("%d", "%b", "%Y")) if match[1] else "%b %d, %Y",)
    match = _DAY_DATE.fullmatch(text)
    if match is None:
        return ()
    first, second, end = int(match[1]), int(match[3]), _time_of(match[4], match[5])
    orders = {("%d", "%m"): (first, second), ("%m", "%d"): (second, first)}
    return tuple(
        match[2].join((*order, "%Y")) + end
        for order, (day, month) in orders.items()
        if 0 < day <= _DAYS and 0 < month <= _MONTHS
    )


def _time_of(time: str | None, seconds: str | None) -> str:
    return "" if time is None else " %H:%M:%S" if seconds else " %H:%M"


_OWN: Final = r"(?:contact|customer|client|user|primary|personal|registered|my|your)?"
_NUMBER: Final = r"(?:no|num|number|nr)?"
_LIKE_RESERVED: Final = {
    "name": re.compile(r"(?:name|(?:full|customer|contact|client)(?:full)?name)"),
    "email": re.compile(rf"{_OWN}(?:work)?(?:email(?:id|addr|address)?|mailid)1?"),
    "mobile": re.compile(
        rf"{_OWN}(?:(?:mobile|cell)?phone{_NUMBER}|mobile{_NUMBER}|cell(?:no|number)|telephone{_NUMBER}|msisdn|"
        r"contact(?:no|number)|whatsapp(?:no|number))1?"
    ),
}
_NO_LETTER: Final = re.compile(r"[\W_]+")


def reserved_like(name: str) -> str | None:
    """Return the reserved attribute that a name is another spelling of; None for the name itself and all others.

    Examples
    --------
    >>> reserved_like("E-mail"), reserved_like("Phone Number"), reserved_like("email"), reserved_like("Email Opt-In")
    ('email', 'mobile', None, None)
    """
    bare = _NO_LETTER.sub("", name).casefold()
    return next((r for r, pattern in _LIKE_RESERVED.items() if r != name and pattern.fullmatch(bare)), None)


@dataclass(frozen=True, slots=True)
class DateFormat:
    """A format that dates are written in, and what to say of it."""

    format: str
    remark: str
    texts: frozenset[str]
    """Those that are in it, white space around them left aside."""

    @property
    def iso(self) -> str:
        """The ISO 8601 format with as much in it."""
        return "%Y-%m-%d %H:%M:%S" if "%H" in self.format else "%Y-%m-%d"

    @property
    def trim(self) -> str:
        """What takes white space away from a column, where there is some around a date."""
        return ".str.strip()" if any(text != text.strip() for text in self.texts) else ""


def find_date_format(values: Sequence[Any]) -> DateFormat | None:
    """Return the one format of all texts that look like dates, None where they look like several or none.

    Examples
    --------
    >>> found = find_date_format(["31/01/2025", "01/02/2025 ", "soon"])
    >>> found.format, found.remark, sorted(found.texts)
    ('%d/%m/%Y', 'day first', ['01/02/2025 ', '31/01/2025'])
    """
    texts = sorted({value for value in values if isinstance(value, str)})
    formats = dict.fromkeys(each for text in texts for each in date_formats(text.strip()))
    in_format = {each: _matching(texts, each) for each in (*formats, *_WITH_NAMES)}
    dates: frozenset[str] = frozenset().union(*in_format.values())
    fitting = [each for each, found in in_format.items() if dates and found == dates]
    if not fitting:
        return None
    best = fitting[0]
    order = "day first" if best.startswith(("%d/", "%d-%m")) else ""
    remark = f"{order}? else {fitting[1]}" if len(fitting) > 1 and order else order
    return DateFormat(best, remark or ("month first" if best.startswith("%m") else ""), dates)


def _matching(texts: list[str], written: str) -> frozenset[str]:
    stripped = pd.Series([text.strip() for text in texts], dtype=object)
    is_date = pd.to_datetime(stripped, format=written, errors="coerce").notna()
    return frozenset(text for text, fits in zip(texts, is_date, strict=True) if fits)


# what a text looks like -----------------------------------------------------------------------------------------------


class Shape(StrEnum):
    """What a text looks like; dates that are not ISO 8601 are counted by their strptime format instead."""

    YES = "yes"
    NO = "no"
    NUMBER = "number"
    LONG = "many digits"
    CODE = "code"
    GROUPED = "1,000"
    PRICED = "₹1,000"
    DATE = "date"
    PADDED = "white space around it"  # these four are counted beside the shape
    AWARE = "date with an offset"
    EITHER = "1,234"  # the comma may be a decimal one
    COMMA = "1,5"  # it is
    OTHER = ""


# A number would lose a zero, a plus or the last digits (doubles keep 15): postal codes, telephone numbers, ids.
_CODE: Final = re.compile(r"\s*(\+|-?(0\d|\d{16}))")
_ANY_CODE: Final = re.compile(r"\n[ \t]*(\+|-?(0\d|\d{16}))")  # begins with a plain character: ten times as fast as "^"


def any_code(texts: Iterable[str]) -> bool:
    """Tell whether there is one code among texts: as a number it would be spoiled, and nothing would tell."""
    return _ANY_CODE.search("\n".join(["", *texts])) is not None


_LONG_DIGITS: Final = 10  # telephone numbers, ids, time stamps; few amounts are as long
_ANY_ZONE: Final = ZoneInfo("UTC")
_OF_OFFSETS: Final = frozenset("Zz+-")
_DATE_CHARS: Final = len("2026-01-31")


def shape_of(text: str) -> str:
    """Tell what a text looks like: a shape, or the strptime format of a date."""
    text = text.strip()
    yes = None if text.isdigit() else as_boolean(text)
    if yes is not None:
        return Shape.YES if yes else Shape.NO
    if number_in(text) is not None:
        if _CODE.match(text):
            return Shape.CODE
        return Shape.LONG if text.isdigit() and len(text) >= _LONG_DIGITS else Shape.NUMBER
    if date_in(text, _ANY_ZONE) is not None:
        return Shape.DATE
    if is_grouped(text):
        return Shape.GROUPED
    return Shape.PRICED if is_priced(text) else _format_of(text)


UNSURE: Final = "%?"  # day or month


def _format_of(text: str) -> str:
    formats = date_formats(text)
    if len(formats) > 1:
        return formats[0].replace("%d", UNSURE).replace("%m", UNSURE)
    return formats[0] if formats else Shape.OTHER


def traits_of(text: str, shape: str) -> Iterator[Shape]:
    """Give what is to be counted of a text beside its shape."""
    bare = text.strip()
    if text != bare:
        yield Shape.PADDED
    if shape == Shape.DATE and not _OF_OFFSETS.isdisjoint(bare[_DATE_CHARS:]):
        yield Shape.AWARE
    elif shape in (Shape.GROUPED, Shape.PRICED) and may_have_decimal_comma(bare):
        yield Shape.EITHER
    elif shape == Shape.OTHER and has_decimal_comma(bare):
        yield Shape.COMMA
