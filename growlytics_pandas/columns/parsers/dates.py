"""Parsers of dates: strptime formats, ISO 8601, seconds since 1970, and the day numbers of spreadsheets."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from growlytics_pandas.columns.convert import number_in
from growlytics_pandas.columns.dtypes import AttributeType, Kind
from growlytics_pandas.columns.extract import Mask, extract
from growlytics_pandas.columns.parsers.parsed import Parsed, Parser
from growlytics_pandas.columns.parsers.strptime import DateFormat, Moments, read_by

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
        of the 1900 system, with fractions of a day).

    Examples
    --------
    >>> parsed = date_parser("%d/%m/%Y").parse(["31/01/2025", "soon"], ZoneInfo("UTC"))
    >>> parsed.values[0], parsed.ok
    (np.datetime64('2025-01-31T00:00:00.000000'), array([ True, False]))
    """
    read = _NAMED.get(date_format) or DateFormat(date_format).read
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
_NO_DAY: Final = 60  # 29 February 1900, which Lotus 1-2-3 had, and so has the 1900 system
_MILLISECONDS_A_DAY: Final = 86_400_000  # what spreadsheets keep of a time


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
    """Read digits that a float made ``20250131.0`` of."""

    def read_digits(texts: Sequence[str]) -> tuple[Moments, Mask, Mask]:
        has_fraction = any(text.endswith(".0") for text in texts)
        return read([text.removesuffix(".0") for text in texts] if has_fraction else texts)

    return read_digits


_NAMED: Final[MappingProxyType[str, _Read]] = MappingProxyType(
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
