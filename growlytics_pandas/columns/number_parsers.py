"""Parsers of numbers as people and spreadsheets write them, and of booleans.

Numbers: ``1,23,456.50``, ``1.234,50 €``, ``(5)``, ``12 %``. Suggestions try the same parsers that the options select,
so a suggested option reads exactly what was tried.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from growlytics_pandas.columns.dtypes import Mask
from growlytics_pandas.columns.parsers import BOOLEAN_WORDS, MAX_NUMBER_CHARS, Parsed, shapes_of


def parse_booleans(texts: Sequence[str]) -> Parsed:
    """Read true/false, yes/no, y/n, t/f, on/off and 1/0, in any case.

    Examples
    --------
    >>> parse_booleans(["Yes", "no", "perhaps"])
    Parsed(values=array([ True, False, False]), ok=array([ True,  True, False]))
    """
    found = [BOOLEAN_WORDS.get(text.lower()) for text in texts]
    ok = np.array([value is not None for value in found], dtype=bool)
    return Parsed(np.array([bool(value) for value in found], dtype=bool), ok)


_MARKS: Final = (".", ",")

_SIGNS_OF: Final = MappingProxyType(
    {
        "₹": "INR",
        "$": "USD",
        "€": "EUR",
        "£": "GBP",
        "¥": "JPY",
        "₩": "KRW",
        "₽": "RUB",
        "₺": "TRY",
        "₪": "ILS",
        "₫": "VND",
        "₱": "PHP",
        "฿": "THB",
        "₦": "NGN",
        "₴": "UAH",
        "৳": "BDT",
        "﷼": "IRR",
        "₨": "INR",
        "RS.": "INR",
        "RS": "INR",
        "US$": "USD",
        "A$": "AUD",
        "C$": "CAD",
        "S$": "SGD",
        "HK$": "HKD",
        "R$": "BRL",
    }
)
_CODES: Final = (
    *("INR", "USD", "EUR", "GBP", "JPY", "CNY", "AUD", "CAD", "SGD", "AED", "SAR", "QAR", "KWD", "OMR", "BHD", "CHF"),
    *("SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "TRY", "RUB", "ZAR", "NGN", "KES", "EGP", "BRL", "MXN", "ARS", "CLP"),
    *("COP", "IDR", "MYR", "THB", "PHP", "VND", "KRW", "HKD", "TWD", "NZD", "PKR", "BDT", "LKR", "NPR", "ILS", "UAH"),
)
_CURRENCY: Final = "|".join(
    ("US\\$", "HK\\$", "[ACSR]\\$", "[Rr][Ss]\\.?", "INR|inr|Inr", *_CODES[1:], "[₹$€£¥₩₽₺₪₫₱฿₦₴৳﷼₨]")
)
_SPACES: Final = " \u00a0\u2007\u2009\u202f"  # plain, not to break at, as wide as a digit, thin, narrow
_GAP: Final = f"[{_SPACES}]*"
_SIGN: Final = "[+\u2212-]"


def parse_numbers(texts: Sequence[str], decimal: str) -> Parsed:
    """Read texts as numbers.

    Digits may be grouped by the other mark, by spaces or by apostrophes, in threes or in the Indian style. One currency
    before or after the number is removed, and so is ``%``; parentheses mean minus. Every digit is kept.

    Parameters
    ----------
    texts : sequence of str
        Distinct texts without surrounding white space.
    decimal : {".", ","}
        The decimal mark.

    Examples
    --------
    >>> parsed = parse_numbers(["1,23,456.50", "₹ 99", "(5)", "12 %", "1,2,3"], ".")
    >>> parsed.values, parsed.ok
    ([Decimal('123456.50'), 99, -5, 12, 0], array([ True,  True,  True,  True, False]))
    """
    values: list[int | Decimal] = [0] * len(texts)
    ok = are_numbers(texts, decimal)
    shapes = shapes_of(texts)
    table = str.maketrans({**dict.fromkeys(f"{_SPACES}'’{',' if decimal == '.' else '.'}"), decimal: "."})
    for code, shape in enumerate(shapes.names):
        form = _form_of(shape, decimal)
        if form is not None:
            rows = [row for row in shapes.rows(code).tolist() if ok[row]]
            digits = [texts[row][form.start : form.end] for row in rows]
            for row, value in zip(rows, _values(digits, form, table), strict=True):
                values[row] = value
    return Parsed(values, ok)


def are_numbers(texts: Sequence[str], decimal: str) -> Mask:
    """Return a mask of the texts that `parse_numbers` reads, without reading their values.

    Examples
    --------
    >>> are_numbers(["1,234", "12,5", "soon"], ".")
    array([ True, False, False])
    """
    shapes = shapes_of(texts)
    ok = shapes.spread([_form_of(shape, decimal) is not None for shape in shapes.names])
    for code, shape in enumerate(shapes.names):
        form = _form_of(shape, decimal)
        if form is not None and form.is_grouped:
            for rows in shapes.chunks(code):  # 0,125 has a decimal comma
                ok[rows] = shapes.characters(code, rows).number(form.start, form.start + 1) != 0
    return ok


def currencies(texts: Iterable[str]) -> set[str]:
    """Return the currencies of amounts, by their codes; the sign ``$`` counts as USD.

    Examples
    --------
    >>> sorted(currencies(["₹ 5", "Rs. 5", "$5", "5"]))
    ['INR', 'USD']
    """
    found: set[str] = set()
    for text in texts:
        match = None if text.isdigit() else _ANY_CURRENCY.search(text)
        if match is not None:
            written = match[0].upper()
            found.add(_SIGNS_OF.get(written, written))
    return found


def _pattern_of(decimal: str) -> re.Pattern[str]:
    mark = re.escape(decimal)
    other = "," if decimal == "." else r"\."
    grouped = "|".join(
        [
            rf"[1-9][0-9]{{0,2}}(?:{other}[0-9]{{3}})+",
            rf"[1-9][0-9]{{0,2}}(?:(?P<gap>[{_SPACES}])[0-9]{{3}})(?:(?P=gap)[0-9]{{3}})*",
            r"[1-9][0-9]{0,2}(?:(?P<quote>['’])[0-9]{3})(?:(?P=quote)[0-9]{3})*",
            *([r"[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}"] if decimal == "." else []),
        ]
    )
    exponent = r"(?:[eE][+-]?[0-9]+)?"
    number = rf"(?P<number>(?P<grouped>{grouped})(?:{mark}[0-9]+)?|(?:[0-9]+(?:{mark}[0-9]+)?|{mark}[0-9]+){exponent})"
    before = rf"(?:(?P<before>{_CURRENCY}){_GAP})?"
    after = rf"(?:{_GAP}(?P<after>{_CURRENCY})|(?P<percent>{_GAP}%)|(?P<only>/-))?"
    signed = rf"(?P<sign>{_SIGN})?{_GAP}{before}(?P<sign_2>{_SIGN})?{number}(?P<trailing>-)?{after}"
    return re.compile(rf"(?:(?P<open>\(){_GAP})?{signed}(?(open){_GAP}\)(?:{_GAP}%)?)")


_ANY_CURRENCY: Final = re.compile(rf"(?<![A-Za-z])(?:{_CURRENCY})(?![A-Za-z])")


@dataclass(frozen=True, slots=True)
class _Form:
    """Where the digits are in the texts of one shape."""

    start: int
    end: int
    is_negative: bool
    is_grouped: bool
    is_whole: bool


@functools.lru_cache(maxsize=4096)
def _form_of(shape: str, decimal: str) -> _Form | None:
    """Return where the digits are in texts of a shape; None if the shape is not a number."""
    match = _PATTERNS[decimal].fullmatch(shape) if len(shape) <= MAX_NUMBER_CHARS else None
    if match is None:
        return None
    signs = [match[name] for name in ("sign", "sign_2", "trailing", "open") if match[name]]
    if len(signs) > 1 or (match["before"] and (match["after"] or match["percent"])):
        return None
    number = match["number"]
    return _Form(
        *match.span("number"),
        is_negative=bool(signs) and signs[0] != "+",
        is_grouped=match["grouped"] is not None,
        is_whole=decimal not in number and "e" not in number.lower(),
    )


def _values(digits: list[str], form: _Form, table: Mapping[int, Any]) -> Iterable[int | Decimal]:
    """Return the numbers of texts of one form."""
    if digits and (form.is_grouped or not form.is_whole):
        digits = "\n".join(digits).translate(table).split("\n")
    numbers: Iterable[int | Decimal] = map(int if form.is_whole else Decimal, digits)
    return [-number for number in numbers] if form.is_negative else numbers


_PATTERNS: Final = MappingProxyType({decimal: _pattern_of(decimal) for decimal in _MARKS})
