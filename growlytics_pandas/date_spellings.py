"""Dates as people and spreadsheets write them: which format they are in, and how pandas is told to read them."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

_DAY_DATE: Final = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4})( [0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)?")
_YEAR_DATE: Final = re.compile(r"([0-9]{4})([/.])([0-9]{1,2})\2([0-9]{1,2})( [0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)?")
_MONTHS: Final = (
    *("", "january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_SHORT: Final = 3  # letters of a month in short
_MONTH: Final = f"({'|'.join(name for full in _MONTHS[1:] for name in (full, full[:_SHORT]))})"
_NAMED_DATE: Final = re.compile(rf"([0-9]{{1,2}})([ /-]){_MONTH}\2([0-9]{{4}}|[0-9]{{2}})", re.IGNORECASE)
_MONTH_FIRST: Final = re.compile(rf"{_MONTH} ([0-9]{{1,2}}), ([0-9]{{4}})", re.IGNORECASE)
_COMPACT: Final = re.compile(r"((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})")
COMPACT: Final = "%Y%m%d"
_FIRST_DAY, _LAST_DAY = 19_000_101, 20_991_231
# strptime takes 69 for 1969 and 68 for 2068. In dates of birth 36 to 68 are of the 20th century, so they are in doubt.
_OPEN_CENTURY: Final = range(36, 69)
_OF_TWO_DIGITS: Final = "%y"
_DAYS: Final = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FEBRUARY: Final = 2


def date_formats(text: str) -> tuple[str, ...]:
    """Return the formats that a date may be in, the one with the day first before the other.

    Examples
    --------
    >>> date_formats("31/01/2025"), date_formats("1.2.2025 09:30"), date_formats("soon")
    (('%d/%m/%Y',), ('%d.%m.%Y %H:%M', '%m.%d.%Y %H:%M'), ())
    >>> date_formats("31-Jan-25"), date_formats("January 31, 2025"), date_formats("20250131"), date_formats("30/2/2025")
    (('%d-%b-%y',), ('%B %d, %Y',), ('%Y%m%d',), ())
    """
    if match := _DAY_DATE.fullmatch(text):
        return _orders_of(match)
    if match := _YEAR_DATE.fullmatch(text):
        is_date = _is_day(match[1], int(match[3]), match[4])
        return (match[2].join(("%Y", "%m", "%d")) + _time_of(match[5], match[6]),) if is_date else ()
    if match := _COMPACT.fullmatch(text):
        return (COMPACT,) if _is_day(match[1], int(match[2]), match[3]) else ()
    return _named_format(text)


def _orders_of(match: re.Match[str]) -> tuple[str, ...]:
    first, second, year, end = match[1], match[3], match[4], _time_of(match[5], match[6])
    orders = {("%d", "%m"): (first, second), ("%m", "%d"): (second, first)}
    return tuple(
        match[2].join((*order, "%Y")) + end for order, (day, month) in orders.items() if _is_day(year, int(month), day)
    )


def _named_format(text: str) -> tuple[str, ...]:
    if match := _NAMED_DATE.fullmatch(text):
        day, separator, month, year = match.groups()
        form = separator.join(("%d", _name_of(month), "%Y" if len(year) > len("25") else _OF_TWO_DIGITS))
    elif match := _MONTH_FIRST.fullmatch(text):
        month, day, year = match.groups()
        form = f"{_name_of(month)} %d, %Y"
    else:
        return ()
    number = next(i for i, full in enumerate(_MONTHS) if full and full.startswith(month.casefold()))
    return (form,) if _is_day(year if len(year) > len("25") else f"20{year}", number, day) else ()


def _name_of(month: str) -> str:
    return "%b" if len(month) == _SHORT else "%B"


def _time_of(time: str | None, seconds: str | None) -> str:
    return "" if time is None else " %H:%M:%S" if seconds else " %H:%M"


def _is_day(year: str, month: int, day: str) -> bool:
    if not 0 < month < len(_MONTHS) or not int(year):
        return False
    return 0 < int(day) <= _DAYS[month] + (month == _FEBRUARY and calendar.isleap(int(year)))


def is_day(value: float) -> bool:
    """Tell whether a number is a date by its digits.

    Examples
    --------
    >>> is_day(20250131), is_day(20250131.0), is_day(20250132), is_day(float("inf"))
    (True, True, False, False)
    """
    return _FIRST_DAY <= value <= _LAST_DAY and value == int(value) and date_formats(str(int(value))) == (COMPACT,)


def is_of_open_century(text: str) -> bool:
    """Tell whether the year of a date is of two digits that may be of either century.

    Examples
    --------
    >>> is_of_open_century("31-Jan-45"), is_of_open_century("31-Jan-25"), is_of_open_century("31-Jan-2045")
    (True, False, False)
    """
    match = _NAMED_DATE.fullmatch(text)
    return match is not None and len(match[4]) == len("25") and is_open_year(int(match[4]))


def is_open_year(year: int) -> bool:
    """Tell whether a year may be of either century where its last two digits are all there is of it."""
    return year % 100 in _OPEN_CENTURY


def swapped(form: str) -> str:
    """Return a format with day and month in each other's place."""
    return form.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")


def passes(column: str, formats: Sequence[str], options: str = "") -> str:
    """Return the expression that reads a column of dates, each in one of the formats.

    Examples
    --------
    >>> print(passes("s", ["%d/%m/%Y", "%d-%b-%y"], ', errors="coerce"'))
    pd.to_datetime(s, format="%d/%m/%Y", errors="coerce").fillna(pd.to_datetime(s, format="%d-%b-%y", errors="coerce"))
    """
    first, *rest = (f'pd.to_datetime({column}, format="{each}"{options})' for each in formats)
    return first + "".join(f".fillna({each})" for each in rest)


@dataclass(frozen=True, slots=True)
class DateForms:
    """The formats that dates of a column are written in, and what to say of them."""

    formats: tuple[str, ...]
    remark: str
    texts: frozenset[str]
    """Those that are in one of them, white space around them left aside."""

    @property
    def iso(self) -> str:
        """The ISO 8601 format with as much in it."""
        return "%Y-%m-%d %H:%M:%S" if any("%H" in form for form in self.formats) else "%Y-%m-%d"

    @property
    def trim(self) -> str:
        """What takes white space away from a column, where there is some around a date."""
        return ".str.strip()" if any(text != text.strip() for text in self.texts) else ""

    def all_in(self, column: str) -> str:
        """Return the expression that reads a column of nothing but such dates."""
        return passes(column + self.trim, self.formats, ', errors="coerce"' if len(self.formats) > 1 else "")

    def some_in(self, column: str) -> str:
        """Return the expression that reads such dates in a column, as aware ones: others there may have zones."""
        return passes(column + self.trim, self.formats, ', errors="coerce", utc=True')

    def read(self, cells: pd.Series[Any]) -> pd.Series[Any]:
        """Do what that expression does."""
        texts = cells.str.strip() if self.trim else cells
        first, *rest = (pd.to_datetime(texts, format=each, errors="coerce", utc=True) for each in self.formats)
        for each in rest:
            first = first.fillna(each)
        return first


def find_date_forms(values: Iterable[Any]) -> DateForms | None:
    """Return the formats of all texts whose date is beyond doubt; None where there is none.

    The order of day and month is that of texts that tell, where these agree. Where none tells and all look alike, it
    is that with the day first, and the remark asks.

    Examples
    --------
    >>> found = find_date_forms(["31/01/2025", "01/02/2025 ", "soon"])
    >>> found.formats, found.remark, sorted(found.texts)
    (('%d/%m/%Y',), 'day first', ['01/02/2025 ', '31/01/2025'])
    >>> find_date_forms(["31-Jan-25", "01/02/2025"]).texts, find_date_forms(["31/01/2025", "01/31/2025"])
    (frozenset({'31-Jan-25'}), None)
    """
    found = {text: date_formats(text.strip()) for text in {value for value in values if isinstance(value, str)}}
    options = {text: formats for text, formats in found.items() if formats}
    sure = settled(options.values(), has_open_century=any(is_of_open_century(text.strip()) for text in options))
    asked = ""
    if not sure and len(set(options.values())) == 1 and len(next(iter(options.values()))) > 1:
        first, other = next(iter(options.values()))
        sure, asked = frozenset((first,)), f"? else {other}"
    forms = _readable({text: fits for text, formats in options.items() if (fits := sure.intersection(formats))})
    if not forms:
        return None
    formats = tuple(sorted(set(forms.values())))
    return DateForms(formats, _remark(formats, asked), frozenset(forms))


def settled(options: Iterable[tuple[str, ...]], *, has_open_century: bool) -> frozenset[str]:
    """Return the formats that leave no doubt: where texts tell both orders of day and month, neither is among them."""
    sure = {formats[0] for formats in options if len(formats) == 1}
    return frozenset(
        form
        for form in sure
        if not (has_open_century and _OF_TWO_DIGITS in form)
        and (form.startswith("%Y") or "%m" not in form or swapped(form) not in sure)
    )


def _readable(forms: dict[str, frozenset[str]]) -> dict[str, str]:
    """Return each text that has one format, where pandas reads it: its dates may end before the year 9999."""
    read: dict[str, str] = {}
    for form in frozenset().union(*forms.values()):
        texts = [text for text, its in forms.items() if its == {form}]
        dates = pd.to_datetime(pd.Series(texts, dtype=object).str.strip(), format=form, errors="coerce")
        read.update({text: form for text, is_read in zip(texts, dates.notna(), strict=True) if is_read})
    return read


def _remark(formats: Sequence[str], asked: str) -> str:
    words = {
        f"day first{asked}": ("%d/%m", "%d-%m"),
        "month first": ("%m",),
        "25 is 2025": tuple(form for form in formats if _OF_TWO_DIGITS in form),
    }
    return ", ".join(word for word, starts in words.items() if any(form.startswith(starts) for form in formats))
