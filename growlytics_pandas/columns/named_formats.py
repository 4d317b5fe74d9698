"""The date formats that have a name of their own, unlike the formats of strptime."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Final

ISO: Final = "ISO8601"
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - in UTC
_DAY_0: Final = datetime(1899, 12, 31)  # noqa: DTZ001 - spreadsheets know no zones
_NO_DAY: Final = 60  # 29 February 1900 did not exist; the 1900 date system has it because Lotus 1-2-3 did
_MILLISECONDS_A_DAY: Final = 86_400_000  # spreadsheets store times to the millisecond


@dataclass(frozen=True, slots=True)
class NamedFormat:
    """A format of dates.

    Attributes
    ----------
    meaning : str
        What it is, for a list of formats.
    example : str
        A date of 31 January 2025.
    read : callable, optional
        Returns the naive date of a number, in UTC if it is an instant; None if no date has that number. None: dates are
        texts.
    is_instant : bool
        Whether the numbers are instants, which a time zone moves.
    first_year : str
        The year from which numbers are plausible dates.
    """

    meaning: str
    example: str
    read: Callable[[int | Decimal], datetime | None] | None = None
    is_instant: bool = False
    first_year: str = "2000"


def _of_serial(number: int | Decimal) -> datetime | None:
    if number < 1 or int(number) == _NO_DAY:
        return None
    days = number - (number > _NO_DAY)
    return _DAY_0 + timedelta(microseconds=round(days * _MILLISECONDS_A_DAY) * 1000)


NAMED_FORMATS: Final[Mapping[str, NamedFormat]] = MappingProxyType(
    {
        ISO: NamedFormat("2025-01-31", "2025-01-31"),
        "epoch_s": NamedFormat(
            "seconds since 1970",
            "1738315800",
            lambda number: _EPOCH + timedelta(microseconds=round(number * 1_000_000)),
            is_instant=True,
        ),
        "epoch_ms": NamedFormat(
            "milliseconds since 1970",
            "1738315800000",
            lambda number: _EPOCH + timedelta(microseconds=round(number * 1000)),
            is_instant=True,
        ),
        "excel": NamedFormat("day number of a spreadsheet", "45688", _of_serial, first_year="1920"),
    }
)
NUMERIC_FORMATS: Final = MappingProxyType({name: form for name, form in NAMED_FORMATS.items() if form.read})
