"""Parsers of dates: strptime formats, ISO 8601, seconds since 1970, and the day numbers of spreadsheets.

Strptime formats are read strictly here, not by `datetime.strptime` or `pandas.to_datetime`: with ``%Y%m%d`` both read
``202511`` as 1 January 2025, both know only the month names of the process's locale, and both read the year 45 as 2045.
pandas also reads ``now`` and ``today`` in any format, and pandas 2.2 reads no year before 1678.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas.columns.dtypes import Kind, Mask, extract
from growlytics_pandas.columns.parsers import Characters, Parsed, Parser, number_in, shapes_of
from growlytics_pandas.contract import AttributeType

Moments = npt.NDArray[np.datetime64]
Ints = npt.NDArray[np.int64]

MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORT: Final = 3  # letters of an abbreviated name
OPEN_YEARS: Final = range(36, 69)
"""Two-digit years that may be of either century: strptime reads 68 as 2068, but most such births are in 1968."""
_FIRST_OF_1900S: Final = 69

_ZONE: Final = r"Z|UTC|GMT|(?:UTC|GMT)?[+-][0-9]{2}(?::?[0-9]{2})?"
_MERIDIEM: Final = r"[ap]\.?m\.?"
_NAMES_OF: Final = MappingProxyType(
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
_NUMBERS: Final = MappingProxyType({"d": "", "m": "", "H": "", "I": "", "M": "[0-9]{2}", "S": "[0-9]{2}"})
_SAME: Final = MappingProxyType({"B": "b", "h": "b", "A": "a"})
_WHOLE: Final = MappingProxyType({"T": "%H:%M:%S", "R": "%H:%M", "F": "%Y-%m-%d"})
_TOKEN: Final = re.compile(r"%[A-Za-z%]|\s+|.", re.DOTALL)
_HALF_DAY: Final = 12
_SIXTY: Final = 60
_MICRO_DIGITS: Final = 6
_EPOCH_WEEKDAY: Final = 3  # 1 January 1970 was a Thursday


class DateFormat:
    """A compiled format.

    Month and weekday names are English, full or abbreviated, in any case, with or without a period; a weekday must
    match the date. Days may be ordinals (``31st``). One digit is enough before a separator. Two-digit years are read as
    1969 to 2035; other two-digit years are not read, since their century is ambiguous.
    """

    def __init__(self, date_format: str) -> None:
        self._format = date_format
        self._pattern = pattern_of(date_format)

    def read(self, texts: Sequence[str]) -> tuple[Moments, Mask, Mask]:
        """Return the dates (in UTC if they have an offset), a mask of texts read and a mask of those with an offset.

        Examples
        --------
        >>> dates, ok, aware = DateFormat("%d/%m/%Y").read(["1/2/2025", "31/02/2025"])
        >>> dates[0], ok
        (np.datetime64('2025-02-01T00:00:00.000000'), array([ True, False]))
        >>> DateFormat("%Y%m%d").read(["202512"])[1], DateFormat("%d-%b-%y").read(["31-JAN-99", "31-Jan-45"])[1]
        (array([False]), array([ True, False]))
        """
        if self._pattern is None:
            return _by_python(self._format, texts)
        return read_by(self._pattern, texts)


def pattern_of(date_format: str) -> re.Pattern[str] | None:
    """Return the format as a pattern with one group per directive; None if a directive is rare or repeated."""
    for short, long in _WHOLE.items():
        date_format = date_format.replace(f"%{short}", long)
    tokens = _TOKEN.findall(date_format)
    pieces: list[str] = []
    seen: set[str] = set()
    for i, token in enumerate(tokens):
        if token.isspace():
            pieces.append(r"\s+")
        elif token[0] != "%" or token[1] == "%":
            if token[-1].isdigit():
                return None  # shapes have no digits of their own
            pieces.append(re.escape(token[-1]))
        else:
            directive = _SAME.get(token[1], token[1])
            if directive in seen or directive not in (*_NAMES_OF, *_NUMBERS):
                return None
            seen.add(directive)
            neighbours = tokens[i + 1 : i + 2] + (tokens[i - 1 : i] if i else [])
            pieces.append(_piece(directive, is_joined=any(map(_is_digits, neighbours))))
    return re.compile("".join(pieces), re.IGNORECASE)


def _is_digits(token: str) -> bool:
    return token[:1] == "%" and token[1:] in (*_NUMBERS, "Y", "y", "f")


def _piece(directive: str, *, is_joined: bool) -> str:
    """Return the pattern of a directive; `is_joined`: no separator follows, so all digits are required."""
    if directive in _NAMES_OF:
        point = r"\.?" if directive in ("a", "b") else ""
        return f"(?P<{directive}>{_NAMES_OF[directive]}){point}"
    digits = _NUMBERS[directive] or ("[0-9]{2}" if is_joined else "[0-9]{1,2}")
    ordinal = "(?:st|nd|rd|th)?" if directive == "d" and not is_joined else ""
    return f"(?P<{directive}>{digits}){ordinal}"


def read_by(pattern: re.Pattern[str], texts: Sequence[str]) -> tuple[Moments, Mask, Mask]:
    """Read texts by a pattern whose groups are named after directives. Returns the same as `DateFormat.read`.

    The pattern is matched once per shape; the digits of all texts of a shape are read together.
    """
    shapes = shapes_of(texts)
    dates: Moments = np.full(len(texts), np.datetime64("NaT"), dtype="M8[us]")
    aware = np.zeros(len(texts), dtype=bool)
    for code, shape in enumerate(shapes.names):
        match = pattern.fullmatch(shape)
        if match is not None:
            found = {name: match.span(name) for name in pattern.groupindex if match[name] is not None}
            for rows in shapes.chunks(code):
                dates[rows], ok = _dates_of(shape, found, shapes.characters(code, rows), len(rows))
                dates[rows[~ok]] = np.datetime64("NaT")
                aware[rows] = ok & ("z" in found)
    return dates, ~np.isnat(dates), aware


def _dates_of(shape: str, found: Mapping[str, tuple[int, int]], chars: Characters, count: int) -> tuple[Moments, Mask]:
    """Return the dates of texts of one shape, and a mask: False where parts conflict or the century is ambiguous."""

    def number(name: str, default: int) -> Ints:
        return chars.number(*found[name]) if name in found else np.full(count, default, dtype="int64")

    year, ok = number("Y", 1900), np.ones(count, dtype=bool)
    if "y" in found:
        short = number("y", 0)
        ok &= (short < OPEN_YEARS.start) | (short >= OPEN_YEARS.stop)
        year = short + np.where(short >= _FIRST_OF_1900S, 1900, 2000)
    month = np.full(count, _MONTH_OF[_name(shape, found["b"])]) if "b" in found else number("m", 1)
    day, hour, minute, second = number("d", 1), number("H", 0), number("M", 0), number("S", 0)
    if "p" in found:
        is_pm = shape[found["p"][0]] in "pP"
        if "I" in found:
            hour = number("I", 0)
            ok &= (hour >= 1) & (hour <= _HALF_DAY)
            hour = hour % _HALF_DAY + _HALF_DAY * is_pm
        else:
            ok &= (hour >= _HALF_DAY) == is_pm  # %p needs a 12-hour clock
    elif "I" in found:
        hour = number("I", 0)
        ok &= (hour >= 1) & (hour <= _HALF_DAY)
    ok &= (year >= 1) & (month >= 1) & (month <= len(MONTHS)) & (day >= 1) & (hour < 2 * _HALF_DAY)
    ok &= (minute < _SIXTY) & (second < _SIXTY)
    months = ((year - 1970) * 12 + month - 1).astype("M8[M]")
    days = months.astype("M8[D]") + (day - 1)
    ok &= days.astype("M8[M]") == months
    if "a" in found:
        ok &= (days.astype("int64") + _EPOCH_WEEKDAY) % 7 == _DAY_OF[_name(shape, found["a"])]
    micros = ((hour * 60 + minute) * 60 + second) * 1_000_000 + _fraction(found, chars, count)
    if "z" in found:
        minutes, is_offset = _offset(shape, found["z"], chars, count)
        micros, ok = micros - minutes * 60_000_000, ok & is_offset
    dates: Moments = days.astype("M8[us]") + micros.astype("m8[us]")
    return dates, ok


def _name(shape: str, span: tuple[int, int]) -> str:
    return shape[span[0] : span[1]][:_SHORT].lower()


def _fraction(found: Mapping[str, tuple[int, int]], chars: Characters, count: int) -> Ints:
    """Return the fraction of a second in microseconds; finer digits set the last bit: their loss is reported."""
    if "f" not in found:
        return np.zeros(count, dtype="int64")
    start, end = found["f"]
    whole_end = min(end, start + _MICRO_DIGITS)
    micros = chars.number(start, whole_end) * 10 ** (_MICRO_DIGITS - (whole_end - start))
    trace: Ints = (chars.number(whole_end, end) > 0).astype("int64")
    whole: Ints = micros | trace
    return whole


def _offset(shape: str, span: tuple[int, int], chars: Characters, count: int) -> tuple[Ints, Mask]:
    """Return offsets in minutes: ``Z``, ``UTC``, ``+05:30``, ``GMT+0530``, ``-08``."""
    digits = [place for place in range(*span) if shape[place].isdigit()]
    if not digits:
        return np.zeros(count, dtype="int64"), np.ones(count, dtype=bool)
    hours = chars.number(digits[0], digits[0] + 2)
    minutes = chars.number(digits[-2], digits[-1] + 1) if len(digits) > 2 else np.zeros(count, dtype="int64")  # noqa: PLR2004 - hours
    sign = -1 if "-" in shape[slice(*span)] else 1
    return sign * (hours * 60 + minutes), (hours < 2 * _HALF_DAY) & (minutes < _SIXTY)


def _by_python(date_format: str, texts: Sequence[str]) -> tuple[Moments, Mask, Mask]:
    """Read texts by a format with rare directives, one by one."""
    dates: Moments = np.full(len(texts), np.datetime64("NaT"), dtype="M8[us]")
    aware = np.zeros(len(texts), dtype=bool)
    for i, text in enumerate(texts):
        try:
            found = datetime.strptime(text, date_format)  # noqa: DTZ007 - it has a zone where the format has
        except ValueError:
            continue
        if found.tzinfo is not None:
            aware[i] = True
            found = found.replace(tzinfo=None) - (found.utcoffset() or timedelta())
        dates[i] = found
    return dates, ~np.isnat(dates), aware


_MONTH_OF: Final = MappingProxyType({month[:_SHORT]: number for number, month in enumerate(MONTHS, 1)})
_DAY_OF: Final = MappingProxyType({day[:_SHORT]: number for number, day in enumerate(DAYS)})


_MONTH: Final = r"(?P<b>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_WEEKDAY: Final = r"(?:(?P<a>mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?(?P<after_a>,?\s+))?"
_TIME: Final = (
    r"(?:(?P<before>,?\s+|T|\s+at\s+|:)?(?P<H>[0-9]{1,2}):[0-9]{2}(?P<S>:[0-9]{2})?(?P<f>[.][0-9]{1,9})?"
    r"(?:(?P<before_p>\s*)(?P<p>[ap]\.?m\.?))?(?:(?P<before_z>\s*)(?P<z>Z|UTC|GMT|(?:UTC|GMT)?[+-][0-9]{2}:?[0-9]{2}))?)?"
)
_SHAPES: Final = tuple(
    re.compile(_WEEKDAY + date + _TIME, re.IGNORECASE)
    for date in (
        r"(?P<n1>[0-9]{1,2})(?P<s1>[/. -])(?P<n2>[0-9]{1,2})(?P<s2>[/. -])(?P<Y>[0-9]{4}|[0-9]{2}(?![0-9]))",
        r"(?P<Y>[0-9]{4})(?P<s1>[/. -])(?P<m>[0-9]{1,2})(?P<s2>[/. -])(?P<d>[0-9]{1,2})",
        (
            rf"(?P<d>[0-9]{{1,2}})(?:st|nd|rd|th)?(?P<s1>[/. -]?|,\s+|\s+of\s+){_MONTH}(?P<s2>[/. -]?|,\s*)"
            r"(?P<Y>[0-9]{4}|[0-9]{2}(?![0-9:]))"
        ),
        rf"{_MONTH}(?P<s1>[/. -]?)(?P<d>[0-9]{{1,2}})(?:st|nd|rd|th)?(?P<s2>,?\s*|[/.-])(?P<Y>[0-9]{{4}})",
        rf"(?P<Y>[0-9]{{4}})(?P<s1>[/. -]?){_MONTH}(?P<s2>[/. -]?)(?P<d>[0-9]{{1,2}})",
    )
)
_CTIME: Final = re.compile(
    rf"(?:[a-z]{{3}} )?{_MONTH}\s+[0-9]{{1,2}} [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}} [0-9]{{4}}", re.IGNORECASE
)


def formats_like(text: str) -> list[str]:
    """Return the formats that a text may have, by its digits, names and separators; the parsers decide which fit.

    Examples
    --------
    >>> formats_like("31/01/2025"), formats_like("Jan 31, 2025 9:30 PM"), formats_like("soon")
    (['%d/%m/%Y', '%m/%d/%Y'], ['%b %d, %Y %I:%M %p'], [])
    """
    for shape in _SHAPES:
        match = shape.fullmatch(text)
        if match is not None:
            return _formats_of(match)
    if _CTIME.fullmatch(text):
        return [("%a " if text[3:4] == " " and text[4:5].isalpha() else "") + "%b %d %H:%M:%S %Y"]
    return []


def _formats_of(match: re.Match[str]) -> list[str]:
    found = match.groupdict()
    year = "%Y" if len(found["Y"]) == len("2025") else "%y"
    start = f"%a{',' * (',' in found['after_a'])} " if found["a"] else ""
    between, end = (found["s1"], found["s2"]), _time_format(found)
    if "n1" in found:
        orders = [("%d", "%m", year), ("%m", "%d", year), *[("%y", "%m", "%d")] * (year == "%y")]
    else:
        month = "%b" if "b" in found else "%m"
        places = {"%d": match.start("d"), month: match.start("b" if "b" in found else "m"), year: match.start("Y")}
        first, second, third = sorted(places, key=places.__getitem__)
        orders = [(first, second, third)]
    spaced = [" " if one.isspace() else one for one in between]
    return [f"{start}{one}{spaced[0]}{two}{spaced[1]}{three}{end}" for one, two, three in orders]


def _time_format(found: dict[str, str | None]) -> str:
    if not found["H"]:
        return ""
    before = found["before"] or ""
    parts = [" " if before.isspace() else before, "%I" if found["p"] else "%H", ":%M", ":%S" if found["S"] else ""]
    parts += [".%f" if found["f"] else "", (" " if found["before_p"] else "") + "%p" if found["p"] else ""]
    parts += [(" " if found["before_z"] else "") + "%z" if found["z"] else ""]
    return "".join(parts)


_Read = Callable[[Sequence[str]], tuple[Moments, Mask, Mask]]

ISO: Final = "ISO8601"
EPOCH_SECONDS: Final = "epoch_s"
EPOCH_MILLISECONDS: Final = "epoch_ms"
EXCEL: Final = "excel"


@functools.cache
def date_parser(date_format: str) -> Parser:
    """Return the parser that `date_format` selects.

    Parameters
    ----------
    date_format : str
        A strptime format, ``"ISO8601"``, ``"epoch_s"``, ``"epoch_ms"`` (since 1970, in UTC) or ``"excel"`` (day numbers
        of the 1900 date system, with fractions of a day).

    Examples
    --------
    >>> parsed = date_parser("%d/%m/%Y").parse(["31/01/2025", "soon"], ZoneInfo("UTC"))
    >>> parsed.values[0], parsed.ok
    (np.datetime64('2025-01-31T00:00:00.000000'), array([ True, False]))
    """
    read = _READERS.get(date_format) or DateFormat(date_format).read
    return Parser(
        _name_of(date_format),
        AttributeType.DATE,
        "date_format",
        date_format,
        functools.partial(_parse, _without_fraction(read) if _is_all_digits(date_format) else read),
    )


def _parse(read: _Read, texts: Sequence[str], zone: ZoneInfo) -> Parsed:
    values, ok, aware = read(texts)
    if aware.any():
        instants = pd.Series(values[aware]).dt.tz_localize("UTC")
        values[aware] = extract(instants, Kind.DATE, zone).values
    return Parsed(values, ok, aware)


# ISO 8601 -----------------------------------------------------------------------------------------------------------

_ISO: Final = re.compile(
    r"(?:(?P<Y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2}))"
    r"(?:(?:T|\s+)(?P<H>[0-9]{2})(?::(?P<M>[0-9]{2})(?::(?P<S>[0-9]{2})(?:[.,](?P<f>[0-9]{1,9}))?)?)?"
    r"\s*(?P<z>Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)?(?:\[[\w/+-]+\])?)?",
    re.IGNORECASE,
)
_ISO_DAY: Final = re.compile(r"(?P<Y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})\s*(?P<z>Z|UTC|GMT)", re.IGNORECASE)
_ISO_BASIC: Final = re.compile(
    r"(?P<Y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})T(?P<H>[0-9]{2})(?P<M>[0-9]{2})(?P<S>[0-9]{2})?"
    r"(?P<z>Z|[+-][0-9]{2}(?::?[0-9]{2})?)?",
    re.IGNORECASE,
)


def _read_iso(texts: Sequence[str]) -> tuple[Moments, Mask, Mask]:
    values, ok, aware = read_by(_ISO, texts)
    for pattern in () if ok.all() else (_ISO_DAY, _ISO_BASIC):
        rare, is_rare, is_aware = read_by(pattern, texts)
        values[is_rare] = rare[is_rare]
        ok, aware = ok | is_rare, aware | is_aware
    return values, ok, aware


# numbers ------------------------------------------------------------------------------------------------------------

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - in UTC
_DAY_0: Final = datetime(1899, 12, 31)  # noqa: DTZ001 - spreadsheets know no zones
_NO_DAY: Final = 60  # 29 February 1900 did not exist; the 1900 date system has it because Lotus 1-2-3 did
_MILLISECONDS_A_DAY: Final = 86_400_000  # spreadsheets store times to the millisecond


def _one_by_one(read: Callable[[str], datetime | None], *, is_aware: bool) -> _Read:
    def read_all(texts: Sequence[str]) -> tuple[Moments, Mask, Mask]:
        values: Moments = np.array(list(map(read, texts)), dtype="M8[us]")
        ok = ~np.isnat(values)
        return values, ok, ok & is_aware

    return read_all


def _since_1970(units_a_second: int) -> Callable[[str], datetime | None]:
    micros = 1_000_000 // units_a_second

    def read(text: str) -> datetime | None:
        number = number_in(text)
        return None if number is None else _shifted(_EPOCH, round(number * micros))

    return read


def _read_serial(text: str) -> datetime | None:
    number = number_in(text)
    if number is None or not number >= 1 or int(number) == _NO_DAY:
        return None
    days = number - (number > _NO_DAY)
    return _shifted(_DAY_0, round(days * _MILLISECONDS_A_DAY) * 1000)


def _shifted(start: datetime, micros: int) -> datetime | None:
    try:
        return start + timedelta(microseconds=micros)
    except OverflowError:  # before year 1 or after 9999
        return None


def _is_all_digits(date_format: str) -> bool:
    return bool(re.fullmatch(r"(?:%[YmdHMS])+", date_format))


def _without_fraction(read: _Read) -> _Read:
    """Read digits that were stored as a float, such as ``20250131.0``."""

    def read_digits(texts: Sequence[str]) -> tuple[Moments, Mask, Mask]:
        has_fraction = any(text.endswith(".0") for text in texts)
        return read([text.removesuffix(".0") for text in texts] if has_fraction else texts)

    return read_digits


_READERS: Final[MappingProxyType[str, _Read]] = MappingProxyType(
    {
        ISO: _read_iso,
        EPOCH_SECONDS: _one_by_one(_since_1970(1), is_aware=True),
        EPOCH_MILLISECONDS: _one_by_one(_since_1970(1000), is_aware=True),
        EXCEL: _one_by_one(_read_serial, is_aware=False),
    }
)


# names --------------------------------------------------------------------------------------------------------------

_NAMES: Final = MappingProxyType(
    {
        ISO: "ISO 8601",
        EPOCH_SECONDS: "seconds since 1970",
        EPOCH_MILLISECONDS: "milliseconds since 1970",
        EXCEL: "spreadsheet day number",
    }
)
_WORDS: Final = MappingProxyType(
    {
        "%d": "day",
        "%m": "month",
        "%b": "month name",
        "%B": "month name",
        "%Y": "year",
        "%y": "year",
        "%H": "hour",
        "%I": "hour",
        "%M": "minute",
        "%S": "second",
        "%f": "fraction",
        "%p": "AM/PM",
        "%z": "offset",
        "%a": "weekday",
        "%A": "weekday",
    }
)


def _name_of(date_format: str) -> str:
    named = _NAMES.get(date_format)
    return named or re.sub("%.", lambda directive: _WORDS.get(directive[0], directive[0]), date_format)
