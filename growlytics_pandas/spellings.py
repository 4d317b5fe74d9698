"""Numbers and dates as people and spreadsheets write them: what to take away, which format it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import pandas as pd

from growlytics_pandas.conversion import number_in

CURRENCY: Final = r"(?:[₹$€£¥]|Rs\.?|INR)"
NOT_OF_A_NUMBER: Final = r"Rs\.?|INR|[,₹$€£¥\s]"
_SIGN: Final = rf"\s*(?:{CURRENCY}\s*)?"
_WESTERN, _INDIAN = r"\d{1,3}(?:,\d{3})+", r"\d{1,2}(?:,\d\d)+,\d{3}"
# A comma counts where it groups digits, as in 78,841 and 1,23,456; in 78,84 it is a decimal point, and left alone.
_AMOUNT: Final = re.compile(rf"{_SIGN}[+-]?{_SIGN}(?:{_WESTERN}|{_INDIAN}|\d+)(?:\.\d+)?{_SIGN}", re.ASCII)
_DECIMAL_COMMA: Final = re.compile(r"^\D*\d+,\d{1,2}\D*$|\.\d+,", re.ASCII)
_EITHER: Final = re.compile(r"^[^,]*,[^,.]*$")
_ORDERS: Final = ("%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%Y/%m/%d")
_FORMATS: Final = (
    *("".join(parts) for parts in product(_ORDERS, ("", " %H:%M", " %H:%M:%S"))),
    *("%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%d %B %Y"),
)


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


@dataclass(frozen=True, slots=True)
class DateFormat:
    """A format that dates are written in, and what to say of it."""

    format: str
    remark: str
    texts: frozenset[str]
    """Those that are in it."""

    @property
    def iso(self) -> str:
        """The ISO 8601 format with as much in it."""
        return "%Y-%m-%d %H:%M:%S" if "%H" in self.format else "%Y-%m-%d"


def find_date_format(values: Sequence[Any]) -> DateFormat | None:
    """Return the one format of all texts that look like dates, None where they look like several or none.

    Examples
    --------
    >>> found = find_date_format(["31/01/2025", "01/02/2025", "soon"])
    >>> found.format, found.remark, sorted(found.texts)
    ('%d/%m/%Y', 'day first', ['01/02/2025', '31/01/2025'])
    """
    texts = pd.Series(sorted({value for value in values if isinstance(value, str)}), dtype=object)
    in_format = {each: _matching(texts, each) for each in _FORMATS}
    dates: frozenset[str] = frozenset().union(*in_format.values())
    fitting = [each for each, found in in_format.items() if dates and found == dates]
    if not fitting:
        return None
    best = fitting[0]
    order = "day first" if best.startswith(("%d/", "%d-%m")) else ""
    remark = f"{order}? else {fitting[1]}" if len(fitting) > 1 and order else order
    return DateFormat(best, remark or ("month first" if best.startswith("%m") else ""), dates)


def _matching(texts: pd.Series[Any], written: str) -> frozenset[str]:
    is_date = pd.to_datetime(texts, format=written, errors="coerce").notna()
    return frozenset(texts[is_date.to_numpy(dtype=bool)])
