"""What a parser is and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from growlytics_pandas.columns.dtypes import AttributeType
from growlytics_pandas.columns.extract import Mask


class Parsed(NamedTuple):
    """The values of some texts.

    Attributes
    ----------
    values : array or list
        Dates: datetime64[us], without a zone, in that of the plan. Numbers: a list of int and Decimal, every digit
        kept. Booleans: a bool array. A filler where `ok` is False.
    ok : array of bool
        Which texts were read.
    aware : array of bool, optional
        Dates only: which texts name an instant, by an offset or as seconds since 1970.
    """

    values: Any
    ok: Mask
    aware: Mask | None = None


@dataclass(frozen=True, slots=True)
class Parser:
    """One way to read text.

    Attributes
    ----------
    name : str
        For people: "day/month/year".
    type : AttributeType
        The type of the values.
    option, value : str
        What selects it in a call: ``date_format="%d/%m/%Y"``.
    parse : callable
        Reads distinct texts, without white space around them; dates that name an instant are converted to the zone.
    """

    name: str
    type: AttributeType
    option: str
    value: str
    parse: Callable[[Sequence[str], ZoneInfo], Parsed]
