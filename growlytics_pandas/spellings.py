"""Numbers and dates as people and spreadsheets write them: what to take away, which format it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from growlytics_pandas.conversion import number_in

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
_MONTHS: Final = 12
_DAYS: Final = 31


def is_grouped(text: str) -> bool:
    """Tell whether a text is a number with separators of thousands, and nothing else."""
    return bool(_GROUPED.fullmatch(text))


def is_priced(text: str) -> bool:
    """Tell whether a text is a number with a sign of currency whose point can only be a decimal point."""
    return bool(re.search(CURRENCY, text)) and _is_amount(text) and not _POINT_MAY_GROUP.search(text)


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
    has_decimal_comma = any(map(_DECIMAL_COMMA.search, texts))
    return frozenset(text for text in texts if _is_amount(text) and not (has_decimal_comma and _EITHER.search(text)))


def _is_amount(text: str) -> bool:
    return bool(_AMOUNT.fullmatch(text)) and number_in(re.sub(NOT_OF_A_NUMBER, "", text)) is not None


def date_formats(text: str) -> tuple[str, ...]:
    """Return the formats that a date in figures may be in, the one with the day first before the other.

    Examples
    --------
    >>> date_formats("31/01/2025"), date_formats("1.2.2025 09:30"), date_formats("soon")
    (('%d/%m/%Y',), ('%d.%m.%Y %H:%M', '%m.%d.%Y %H:%M'), ())
    """
    if match := _YEAR_DATE.fullmatch(text):
        return (match[1].join(("%Y", "%m", "%d")) + _time_of(match[2], match[3]),)
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
