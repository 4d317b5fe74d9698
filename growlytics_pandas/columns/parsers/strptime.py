"""Reading a date by a strptime format, strictly.

Not `datetime.strptime` and not `pandas.to_datetime`: with ``%Y%m%d`` both read ``202511`` as 1 January 2025, both know
the month names of the process's locale only, and both place the year 45 in this century. pandas also reads ``now`` and
``today`` in any format, and version 2.2 reads no year before 1678.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from types import MappingProxyType
from typing import Final

Read = Callable[[str], datetime | None]

MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORT: Final = 3  # letters of a name in short
OPEN_YEARS: Final = range(36, 69)
"""Years of two digits that may be of either century: strptime puts 68 into 2068, and most births are of 1968."""
_FIRST_OF_1900S: Final = 69

_ZONE: Final = r"Z|UTC|GMT|(?:UTC|GMT)?[+-][0-9]{2}(?::?[0-5][0-9])?"
_MERIDIEM: Final = r"[ap]\.?m\.?"
_NAMED: Final = MappingProxyType(
    {
        "b": "|".join((*MONTHS, "sept", *(month[:_SHORT] for month in MONTHS))),
        "a": "|".join((*DAYS, *(day[:_SHORT] for day in DAYS), "tues", "thur", "thurs")),
        "p": _MERIDIEM,
        "z": _ZONE,
        "f": "[0-9]{1,9}",
        "Y": "[0-9]{4}",
        "y": "[0-9]{2}",
    }
)
_NUMBERS: Final = MappingProxyType({"d": "", "m": "", "H": "", "I": "", "M": "[0-5][0-9]", "S": "[0-5][0-9]"})
_SAME: Final = MappingProxyType({"B": "b", "h": "b", "A": "a"})
_WHOLE: Final = MappingProxyType({"T": "%H:%M:%S", "R": "%H:%M", "F": "%Y-%m-%d"})
_TOKEN: Final = re.compile(r"%[A-Za-z%]|\s+|.", re.DOTALL)
_HALF_DAY: Final = 12


def reader_of(date_format: str) -> Read:
    """Return a function that reads one text by a format, and gives None where the text does not fit it entirely.

    Month and weekday names are English, long or short, in any case, with or without a point; a weekday must be that of
    the date. Days may have an ordinal (``31st``). One digit is enough where a separator follows. A year of two digits
    is read from 1969 to 2035; others may be of either century.

    Examples
    --------
    >>> reader_of("%d/%m/%Y")("1/2/2025"), reader_of("%Y%m%d")("202512")
    (datetime.datetime(2025, 2, 1, 0, 0), None)
    >>> reader_of("%d-%b-%y")("31-JAN-99"), reader_of("%d-%b-%y")("31-Jan-45")
    (datetime.datetime(1999, 1, 31, 0, 0), None)
    """
    pattern = _pattern_of(date_format)
    return _by_python(date_format) if pattern is None else _by_pattern(pattern)


def _pattern_of(date_format: str) -> re.Pattern[str] | None:
    """Return the format as a pattern with a group a directive; None where one is rare or comes twice."""
    for short, long in _WHOLE.items():
        date_format = date_format.replace(f"%{short}", long)
    tokens = _TOKEN.findall(date_format)
    pieces: list[str] = []
    seen: set[str] = set()
    for i, token in enumerate(tokens):
        if token.isspace():
            pieces.append(r"\s+")
        elif token[0] != "%" or token[1] == "%":
            pieces.append(re.escape(token[-1]))
        else:
            directive = _SAME.get(token[1], token[1])
            if directive in seen or directive not in (*_NAMED, *_NUMBERS):
                return None
            seen.add(directive)
            neighbours = tokens[i + 1 : i + 2] + (tokens[i - 1 : i] if i else [])
            pieces.append(_piece(directive, is_joined=any(map(_is_digits, neighbours))))
    return re.compile("".join(pieces), re.IGNORECASE)


def _is_digits(token: str) -> bool:
    return token[:1] == "%" and token[1:] in (*_NUMBERS, "Y", "y", "f")


def _piece(directive: str, *, is_joined: bool) -> str:
    """Return the pattern of a directive; `is_joined`: no separator tells where it ends, so that it has all digits."""
    if directive in _NAMED:
        point = r"\.?" if directive in ("a", "b") else ""
        return f"(?P<{directive}>{_NAMED[directive]}){point}"
    digits = _NUMBERS[directive] or ("[0-9]{2}" if is_joined else "[0-9]{1,2}")
    ordinal = "(?:st|nd|rd|th)?" if directive == "d" and not is_joined else ""
    return f"(?P<{directive}>{digits}){ordinal}"


def _by_pattern(pattern: re.Pattern[str]) -> Read:
    match_whole, places = pattern.fullmatch, pattern.groupindex
    is_day = places.keys() == {"d", "m", "Y"}  # most are, and this is the fast way
    day, month, year = (places.get(name, 0) for name in "dmY")

    def read(text: str) -> datetime | None:
        match = match_whole(text)
        if match is None:
            return None
        try:
            if is_day:
                return datetime(int(match[year]), int(match[month]), int(match[day]))  # noqa: DTZ001 - it has no zone
            return _date_of(match.groupdict())
        except ValueError:
            return None

    return read


def _date_of(found: Mapping[str, str]) -> datetime | None:
    """Return the date of the parts of a text; None where they contradict each other, or leave the century open."""
    year, hour = _year(found), _hour(found)
    if year is None or hour is None:
        return None
    month = _MONTH_OF[found["b"][:_SHORT].lower()] if "b" in found else int(found.get("m", 1))
    minute, second, fraction = int(found.get("M", 0)), int(found.get("S", 0)), found.get("f", "")
    micros = int(fraction[:6].ljust(6, "0")) | bool(fraction[6:].strip("0"))  # a loss leaves a trace, to be reported
    date = datetime(year, month, int(found.get("d", 1)), hour, minute, second, micros)  # noqa: DTZ001 - see below
    if "a" in found and date.weekday() != _DAY_OF[found["a"][:_SHORT].lower()]:
        return None
    return date.replace(tzinfo=zone_of(found["z"])) if "z" in found else date


def _year(found: Mapping[str, str]) -> int | None:
    if "y" not in found:
        return int(found.get("Y", 1900))
    year = int(found["y"])
    return None if year in OPEN_YEARS else year + (1900 if year >= _FIRST_OF_1900S else 2000)


def _hour(found: Mapping[str, str]) -> int | None:
    """Return the hour of the day; None where it contradicts AM or PM."""
    is_pm = found["p"][0] in "pP" if "p" in found else None
    if "I" in found:
        hour = int(found["I"])
        if not 1 <= hour <= _HALF_DAY:
            return None
        return hour if is_pm is None else hour % _HALF_DAY + _HALF_DAY * is_pm
    hour = int(found.get("H", 0))
    return hour if is_pm is None or is_pm is (hour >= _HALF_DAY) else None


def zone_of(text: str) -> timezone:
    """Return the zone of an offset: ``Z``, ``UTC``, ``+05:30``, ``GMT+0530``, ``-08``.

    Examples
    --------
    >>> zone_of("+0530")
    datetime.timezone(datetime.timedelta(seconds=19800))
    """
    offset = text.upper().removeprefix("UTC").removeprefix("GMT").replace(":", "")
    if offset in ("", "Z"):
        return timezone.utc  # noqa: UP017 - this is how it is compared
    minutes = int(offset[1:3]) * 60 + int(offset[3:] or 0)
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))


def _by_python(date_format: str) -> Read:
    def read(text: str) -> datetime | None:
        try:
            return datetime.strptime(text, date_format)  # noqa: DTZ007 - it has a zone where the format has
        except ValueError:
            return None

    return read


_MONTH_OF: Final = MappingProxyType({month[:_SHORT]: number for number, month in enumerate(MONTHS, 1)})
_DAY_OF: Final = MappingProxyType({day[:_SHORT]: number for number, day in enumerate(DAYS)})
