"""Parsers of dates: strptime formats, ISO 8601, seconds since 1970, and the day numbers of spreadsheets.

Strptime formats are read strictly here, not by `datetime.strptime` or `pandas.to_datetime`: with ``%Y%m%d`` both read
``202511`` as 1 January 2025, both know only the month names of the process's locale, and both read the year 45 as 2045.
pandas also reads ``now`` and ``today`` in any format, and pandas 2.2 reads no year before 1678.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas.columns.dtypes import Kind, Mask, extract
from growlytics_pandas.columns.named_formats import ISO, NUMERIC_FORMATS, NamedFormat
from growlytics_pandas.columns.parsers import Characters, number_in, shapes_of

Moments = npt.NDArray[np.datetime64]
Ints = npt.NDArray[np.int64]


@dataclass(eq=False)
class Dates:
    """The dates of some texts.

    Attributes
    ----------
    values : array of datetime64[us]
        Naive. NaT for texts that were not read.
    aware : array of bool
        Which texts are instants, given with an offset or as seconds since 1970.
    """

    values: Moments
    aware: Mask

    @cached_property
    def ok(self) -> Mask:
        """Which texts were read."""
        return ~np.isnat(self.values)


_MONTHS: Final = tuple(
    names.split()
    for names in (
        "january jan januar jänner januari janvier janv enero ene gennaio gen janeiro",
        "february feb februar februari février févr fév fevrier fevr febrero febbraio fevereiro fev",
        "march mar märz maerz mär mrz mars marts maart mrt marzo março marco",
        "april apr avril avr abril abr aprile",
        "may mai maj mei mayo maggio mag maio",
        "june jun juni juin junio giugno giu junho",
        "july jul juli juillet juil julio luglio lug julho",
        "august aug augusti augustus août aout agosto ago",
        "september sep sept septembre septiembre setiembre settembre setembro set",
        "october oct oktober okt octobre octubre ottobre ott outubro out",
        "november nov novembre noviembre novembro",
        "december dec dezember dez décembre déc decembre diciembre dicembre dic dezembro desember des",
    )
)
"""The names and abbreviations of each month: in English, German, Nordic languages, Dutch, French, Spanish, Italian and
Portuguese, in which no name means two months."""
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORT: Final = 3  # letters of an abbreviated name
_OPEN_YEARS: Final = range(36, 69)
"""Two-digit years that may be of either century: strptime reads 68 as 2068, but most such births are in 1968."""
_FIRST_OF_1900S: Final = 69

_MONTH_OF: Final = MappingProxyType({name: number for number, names in enumerate(_MONTHS, 1) for name in names})
_MONTH_NAMES: Final = "|".join(sorted(_MONTH_OF, key=len, reverse=True))
_DAY_NAMES: Final = "|".join((*_DAYS, *(day[:_SHORT] for day in _DAYS), "tues", "thur", "thurs"))
_DIRECTIVES: Final = MappingProxyType(
    {
        "a": rf"(?P<a>{_DAY_NAMES})\.?",
        "b": rf"(?P<b>{_MONTH_NAMES})\.?",
        "d": r"(?P<d>[0-9]{1,2})(?:st|nd|rd|th|er|º)?",
        "f": r"(?P<f>[0-9]{1,9})",
        "H": r"(?P<H>[0-9]{1,2})",
        "I": r"(?P<I>[0-9]{1,2})",
        "m": r"(?P<m>[0-9]{1,2})",
        "M": r"(?P<M>[0-9]{2})",
        "p": r"(?P<p>[ap]\.?m\.?)",
        "S": r"(?P<S>[0-9]{2})",
        "y": r"(?P<y>[0-9]{2})",
        "Y": r"(?P<Y>[0-9]{4})",
        "z": r"(?P<z>Z|UTC|GMT|(?:UTC|GMT)?[+-][0-9]{2}(?::?[0-9]{2})?)",
    }
)
_OF_DIGITS: Final = frozenset(f"%{directive}" for directive in "dfHImMSyY")
_SAME: Final = MappingProxyType({"B": "b", "h": "b", "A": "a"})
_WHOLE: Final = MappingProxyType({"T": "%H:%M:%S", "R": "%H:%M", "F": "%Y-%m-%d"})
_TOKEN: Final = re.compile(r"%[A-Za-z%]|\s+|.", re.DOTALL)
_HALF_DAY: Final = 12
_SIXTY: Final = 60
_MICRO_DIGITS: Final = 6
_EPOCH_WEEKDAY: Final = 3  # 1 January 1970 was a Thursday


def parse_dates(texts: Sequence[str], date_format: str, zone: ZoneInfo, *, any_century: bool = False) -> Dates:
    """Read texts as dates.

    Names of months (English, German, Nordic, Dutch, French, Spanish, Italian, Portuguese) and weekdays (English) are
    full or abbreviated, in any case, with or without a period; a weekday must match the date. Days may be ordinals
    (``31st``). One digit is enough before a separator.

    Parameters
    ----------
    texts : sequence of str
        Distinct texts without surrounding white space.
    date_format : str
        A strptime format, or the name of one in `NAMED_FORMATS`.
    zone : ZoneInfo
        The zone to which dates with an offset are converted.
    any_century : bool
        Whether to read two-digit years that are ambiguous; the others are 1969 to 2035.

    Examples
    --------
    >>> parsed = parse_dates(["31/01/2025", "1/2/2025", "31/02/2025"], "%d/%m/%Y", ZoneInfo("UTC"))
    >>> parsed.values[0], parsed.ok
    (np.datetime64('2025-01-31T00:00:00.000000'), array([ True,  True, False]))
    >>> parse_dates(["31-JAN-99", "31-Jan-45"], "%d-%b-%y", ZoneInfo("UTC")).ok
    array([ True, False])
    """
    if date_format == ISO:
        found = _read_iso(texts)
    elif date_format in NUMERIC_FORMATS:
        found = _read_numbers(texts, NUMERIC_FORMATS[date_format])
    else:
        if _ALL_DIGITS.fullmatch(date_format) and any(text.endswith(".0") for text in texts):  # stored as floats
            texts = [text.removesuffix(".0") for text in texts]
        pattern = _pattern_of(date_format)
        found = _by_python(date_format, texts) if pattern is None else _read_by(pattern, texts, any_century=any_century)
    if found.aware.any():
        instants = pd.Series(found.values[found.aware]).dt.tz_localize("UTC")
        found.values[found.aware] = extract(instants, Kind.DATE, zone).values
    return found


def parse_by_first(texts: Sequence[str], formats: Iterable[str], zone: ZoneInfo) -> Moments:
    """Read each text by the first format that fits; NaT if none does."""
    dates: Moments = np.full(len(texts), np.datetime64("NaT"), dtype="M8[us]")
    for date_format in formats:
        unread = np.flatnonzero(np.isnat(dates))
        left = texts if len(unread) == len(texts) else [texts[place] for place in unread.tolist()]
        parsed = parse_dates(left, date_format, zone)
        dates[unread[parsed.ok]] = parsed.values[parsed.ok]
    return dates


# strptime formats ---------------------------------------------------------------------------------------------------


@functools.cache
def _pattern_of(date_format: str) -> re.Pattern[str] | None:
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
            if directive in seen or directive not in _DIRECTIVES:
                return None
            seen.add(directive)
            is_joined = not _OF_DIGITS.isdisjoint(tokens[max(i - 1, 0) : i] + tokens[i + 1 : i + 2])
            has_all_digits = is_joined and directive in "dHIm"  # without a separator, one digit is not enough
            pieces.append(f"(?P<{directive}>[0-9]{{2}})" if has_all_digits else _DIRECTIVES[directive])
    return re.compile("".join(pieces), re.IGNORECASE)


def _read_by(pattern: re.Pattern[str], texts: Sequence[str], *, any_century: bool = False) -> Dates:
    """Read texts by a pattern whose groups are named after directives.

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
                chars = shapes.characters(code, rows)
                dates[rows], ok = _dates_of(shape, found, chars, len(rows), any_century=any_century)
                dates[rows[~ok]] = np.datetime64("NaT")
                aware[rows] = ok & ("z" in found)
    return Dates(dates, aware)


def _dates_of(
    shape: str, found: Mapping[str, tuple[int, int]], chars: Characters, count: int, *, any_century: bool
) -> tuple[Moments, Mask]:
    """Return the dates of texts of one shape, and a mask: False where parts conflict or the century is ambiguous."""

    def number(name: str, default: int) -> Ints:
        return chars.number(*found[name]) if name in found else np.full(count, default, dtype="int64")

    year, ok = number("Y", 1900), np.ones(count, dtype=bool)
    if "y" in found:
        short = number("y", 0)
        ok &= any_century | (short < _OPEN_YEARS.start) | (short >= _OPEN_YEARS.stop)
        year = short + np.where(short >= _FIRST_OF_1900S, 1900, 2000)
    month = np.full(count, _MONTH_OF[shape[slice(*found["b"])].lower()]) if "b" in found else number("m", 1)
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
    ok &= (year >= 1) & (month >= 1) & (month <= len(_MONTHS)) & (day >= 1) & (hour < 2 * _HALF_DAY)
    ok &= (minute < _SIXTY) & (second < _SIXTY)
    months = ((year - 1970) * 12 + month - 1).astype("M8[M]")
    days = months.astype("M8[D]") + (day - 1)
    ok &= days.astype("M8[M]") == months
    if "a" in found:
        ok &= (days.astype("int64") + _EPOCH_WEEKDAY) % 7 == _DAY_OF[shape[slice(*found["a"])][:_SHORT].lower()]
    micros = ((hour * 60 + minute) * 60 + second) * 1_000_000 + _fraction(found, chars, count)
    if "z" in found:
        minutes, is_offset = _offset(shape, found["z"], chars, count)
        micros, ok = micros - minutes * 60_000_000, ok & is_offset
    dates: Moments = days.astype("M8[us]") + micros.astype("m8[us]")
    return dates, ok


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


def _by_python(date_format: str, texts: Sequence[str]) -> Dates:
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
    return Dates(dates, aware)


_DAY_OF: Final = MappingProxyType({day[:_SHORT]: number for number, day in enumerate(_DAYS)})


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


def _read_iso(texts: Sequence[str]) -> Dates:
    found = _read_by(_ISO, texts)
    for pattern in () if found.ok.all() else (_ISO_DAY, _ISO_BASIC):
        rare = _read_by(pattern, texts)
        found = Dates(np.where(rare.ok, rare.values, found.values), found.aware | rare.aware)
    return found


# numbers ------------------------------------------------------------------------------------------------------------

_ALL_DIGITS: Final = re.compile(r"(?:%[YmdHMS])+")


def _read_numbers(texts: Sequence[str], form: NamedFormat) -> Dates:
    def read_one(text: str) -> datetime | None:
        number = number_in(text)
        try:
            return None if number is None or form.read is None else form.read(number)
        except OverflowError:  # before year 1 or after 9999
            return None

    values: Moments = np.array(list(map(read_one, texts)), dtype="M8[us]")
    return Dates(values, ~np.isnat(values) & form.is_instant)


# the formats of a text ----------------------------------------------------------------------------------------------

_PART: Final = re.compile(
    r"(?P<a>mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?"
    rf"|(?P<b>{_MONTH_NAMES})(?![^\W\d_])\.?"
    r"|(?P<H>[0-9]{1,2}):[0-9]{2}(?P<S>:[0-9]{2})?(?![:0-9])(?P<f>\.[0-9]{1,9})?(?:(?P<before_p>\s*)(?P<p>[ap]\.?m\.?))?"
    r"(?:(?P<before_z>\s*)(?P<z>Z|UTC|GMT|(?:UTC|GMT)?[+-][0-9]{2}:?[0-9]{2}))?"
    r"|(?P<n>[0-9]+)(?:st|nd|rd|th|er|º)?",
    re.IGNORECASE,
)
_N: Final = "%[nN]"
_BY: Final = r"(?:[/-]|[.,]?\s*|\s+(?:of|de)\s+)"
_LAYOUT: Final = re.compile(
    rf"(?:%a,?\s+)?(?:{_N}[/. -]{_N}[/. -](?:%N|%Y)|%Y[/. -]{_N}[/. -]{_N}"
    rf"|{_N}{_BY}%b{_BY}(?:%N|%Y)|%b{_BY}{_N}{_BY}%Y|%Y{_BY}%b{_BY}{_N})"
    r"(?:(?:,?\s+|T|\s+at\s+|:)?%[HI]:%M(?::%S)?(?:\.%f)?(?: ?%p)?(?: ?%z)?)?"
    rf"|(?:%a )?%b\s+{_N} %H:%M:%S %Y"
)
_ORDERS: Final = MappingProxyType(
    {
        "nnY": ("dmY", "mdY"),
        "nnn": ("dmy", "mdy", "ymd"),
        "Ynn": ("Ymd",),
        "nbY": ("dbY",),
        "nbn": ("dby",),
        "bnY": ("bdY",),
        "Ybn": ("Ybd",),
    }
)
"""The numbers (n), month name (b) and year of four digits (Y) of a text, and what they may be."""


def formats_like(text: str) -> list[str]:
    """Return the formats that a text may have, by its digits, names and separators; the parsers decide which fit.

    Examples
    --------
    >>> formats_like("31/01/2025"), formats_like("Jan 31, 2025 9:30 PM"), formats_like("soon")
    (['%d/%m/%Y', '%m/%d/%Y'], ['%b %d, %Y %I:%M %p'], [])
    """
    layout = _PART.sub(_directive, text)
    if "%" in text or not _LAYOUT.fullmatch(layout):
        return []
    layout = re.sub(r"\s+", " ", layout)
    orders = _ORDERS["".join(re.findall("%([nNbY])", layout)).replace("N", "n")]
    form = re.sub("%[nNbY]", "%{}", layout)
    return [form.format(*order) for order in orders]


def _directive(part: re.Match[str]) -> str:
    """Return the directive of a part of a text; ``%n`` and ``%N`` are numbers of one and two digits."""
    if part["H"]:
        pieces = ["%I" if part["p"] else "%H", ":%M", ":%S" if part["S"] else "", ".%f" if part["f"] else ""]
        pieces += [" " if part["before_p"] else "", "%p" if part["p"] else ""]
        return "".join([*pieces, " " if part["before_z"] else "", "%z" if part["z"] else ""])
    if part["n"]:
        return {1: "%n", 2: "%N", 4: "%Y"}.get(len(part["n"]), part[0])
    return "%a" if part["a"] else "%b"
