"""Find columns of text that contain numbers, as opposed to codes, telephone numbers and versions.

Numbers may also mean others than they say: 1.234 may be 1234, and 0 and 1 may be no and yes.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from growlytics_pandas._rules import Rule
from growlytics_pandas._text import argument, options_text, phrase, plural
from growlytics_pandas.checks.profile import LIKELY, MOST, Profile, Suggestion, may_be_of_type, of_all, rest_of
from growlytics_pandas.columns.convert import is_infinite
from growlytics_pandas.columns.dtypes import Kind, Mask
from growlytics_pandas.columns.parsers import (
    Shapes,
    are_numbers,
    currencies,
    number_in,
    parse_numbers,
    shapes_of,
)
from growlytics_pandas.contract import BOOLEAN, NUMBER

# As a number these would lose a zero, a plus or the last digits (doubles keep 15).
_CODE: Final = re.compile(r"\+[0-9]{6,}|[+-]?[0-9]{16,}")
_WHOLE: Final = re.compile(r"[+-]?([0-9])[0-9][0-9 ]*")
_MAY_BE_INFINITE: Final = 300  # digits
_LONG_DIGITS: Final = re.compile(r"[0-9]{10,}(?:\.[0-9])?")
"""Telephone numbers, ids, time stamps: few amounts are as long; .0 from floats."""
_DOTTED: Final = re.compile(r"[0-9]{1,2}\.[0-9]{1,2}")
_SIX_SPACED: Final = re.compile(r"[0-9]{3} [0-9]{3}")  # an Indian postal code, or a grouped number
_OF_POINTS: Final = frozenset(
    {
        *("INR", "USD", "GBP", "JPY", "CNY", "AUD", "NZD", "SGD", "HKD", "AED", "SAR", "QAR", "PKR", "BDT", "LKR"),
        *("NPR", "KRW", "THB", "PHP", "MYR", "NGN", "KES", "MXN", "TWD", "ILS"),
    }
)
"""Currencies written with a decimal point and two decimals or none, so that 1,234 is 1234."""
_SHOWN_CURRENCIES: Final = 3
_LIKELY_PLAIN: Final = 0.75  # share of plain digits among texts from which they may be numbers


def propose_number(profile: Profile) -> Suggestion | None:
    """Return how the texts of a column are read as numbers; None if they are not numbers, or codes."""
    others = profile.others[Kind.INTEGER] + profile.others[Kind.FLOAT] + profile.others[Kind.DECIMAL]
    if sum(profile.others.values()) > others or not _is_worth_it(profile.sample):
        return None
    dot, comma = _are_finite(profile, "."), _are_finite(profile, ",")
    numbers = profile.where(dot | comma)
    present, read = profile.cells, numbers.cells
    shapes = shapes_of(numbers.texts).names
    are_plain = all(shape.isdigit() for shape in shapes)  # sizes and house numbers are mostly digits, too
    if read < (_LIKELY_PLAIN if are_plain else LIKELY) * present or _are_codes(numbers):
        return None
    money = sorted(currencies(shapes))
    if len(money) > 1:
        return _open_number(
            f"amounts in several currencies ({_counted_by_currency(numbers, money)}): as numbers they would be mixed, "
            "so the column stays text; use one column per currency",
            read,
        )
    return _of_marks(profile, dot, comma, frozenset(money))


def _counted_by_currency(numbers: Profile, money: Sequence[str]) -> str:
    """Return the currencies with their numbers of values, the most frequent first, and a value of the rarest."""
    shapes = shapes_of(numbers.texts)
    masks = {code: shapes.spread([code in currencies([shape]) for shape in shapes.names]) for code in money}
    ranked = sorted(money, key=lambda code: -numbers.count(masks[code]))
    shown = [f"{code} {numbers.count(masks[code]):,}" for code in (*ranked[: _SHOWN_CURRENCIES - 1], ranked[-1])]
    example = numbers.where(masks[ranked[-1]]).texts[0]
    return f"{', '.join(dict.fromkeys(shown))}, such as {example!r}"


def _is_worth_it(sample: Profile) -> bool:
    return sample.count(_are_finite(sample, ".") | _are_finite(sample, ",")) >= (LIKELY - 0.1) * sample.cells > 0


def _are_finite(profile: Profile, decimal: str) -> Mask:
    """Return a mask of texts that are numbers JSON can represent."""
    ok = are_numbers(profile.texts, decimal)
    shapes = shapes_of(profile.texts)
    for code, shape in enumerate(shapes.names if ok.any() else ()):
        if "e" in shape.lower() or len(shape) > _MAY_BE_INFINITE:
            for chunk in shapes.chunks(code):
                rows = chunk[ok[chunk]]
                read = parse_numbers(profile.texts.take(rows), decimal)
                ok[rows] = [not is_infinite(value) for value in read.values]
    return ok


def _of_marks(profile: Profile, dot: Mask, comma: Mask, money: frozenset[str]) -> Suggestion | None:
    """Return the decimal mark, from texts that only one of the two marks can read."""
    shapes = shapes_of(profile.texts)
    marked = shapes.spread(["," in shape or "." in shape for shape in shapes.names])
    unsure = profile.count(dot & comma & marked)
    only_dot, only_comma = profile.count(dot & ~comma), profile.count(comma & ~dot)
    ok, mark, only, word = (
        (dot, ".", only_dot, "point") if only_dot >= only_comma else (comma, ",", only_comma, "comma")
    )
    if only_dot and only_comma and (unsure or profile.count(ok) < MOST * profile.cells):  # else a few are exceptions
        return _open_number(
            f"{plural(only_dot, 'value')} can only have a decimal point and {only_comma:,} only a decimal comma, so "
            "neither mark reads the whole column; correct one kind at the source",
            profile.count(ok),
        )
    why = f"{only:,} can only have a decimal {word}" if unsure else ""
    if unsure and not only:
        has_comma = any("," in shape for shape in shapes.names)
        if not (has_comma and money and money <= _OF_POINTS):
            mark, other = (",", ".") if has_comma else (".", ",")
            are = "is" if unsure == 1 else "are"
            return _open_number(
                f"{plural(unsure, 'value')} like 1{mark}234 {are} ambiguous, and no value of the column settles it: "
                f"{options_text(decimal=other)} reads 1234, {options_text(decimal=mark)} reads 1.234",
                profile.count(dot),
                *(other, mark),
            )
        why = f"{next(iter(money))} has a decimal point"
    return _settled_number(profile, mark, ok, money, why)


def _settled_number(profile: Profile, decimal: str, ok: Mask, money: frozenset[str], why: str) -> Suggestion | None:
    read, present = profile.count(ok), profile.cells
    if read < LIKELY * present:
        return None
    numbers = profile.where(ok)
    shapes = shapes_of(numbers.texts)
    percent = shapes.spread(["%" in shape for shape in shapes.names])
    if percent.any() and not percent.all() and not _is_percent_throughout(numbers, percent):
        return _open_number(
            f"{plural(numbers.count(percent), 'value')} with % and {numbers.count(~percent):,} without: "
            f"{options_text(decimal=decimal)} reads 12 % as 12 and leaves the others unchanged, although their unit "
            "may differ",
            read,
            decimal,
        )
    counted = f"{of_all(read, present)} are numbers" if present > 1 else "the value is a number"
    rest = rest_of(read, present)
    if decimal == "," or any(number_in(shape) is None for shape in shapes.names):
        example = _example_number(shapes.names, decimal, money, has_percent=bool(percent.any()))
        reason = f"{counted}{f' ({why})' if why else ''}: {example}{rest}"
        warns = Rule.TYPE_DOUBTFUL
        return Suggestion("decimal", None, decimal, reason, read, rest=present - read, type=NUMBER, warns=warns)
    if _may_be_versions(numbers):
        reason = (
            "values like 1.10 and 1.9 may be versions, which stay text, or numbers "
            f"({argument('types')}: number), which turns 1.10 into 1.1"
        )
        return may_be_of_type(None, reason, read, NUMBER)
    are_bits = sorted(numbers.texts[:3]) == ["0", "1"]
    bits = f"; only 0 and 1: {argument('types')} boolean sends yes/no instead" if are_bits else ""
    reason = f"{counted} written as text{rest}{bits}"
    return Suggestion("types", None, NUMBER, reason, read, rest=present - read, type=NUMBER, warns=Rule.TYPE_DOUBTFUL)


def _is_percent_throughout(numbers: Profile, percent: Mask) -> bool:
    """Return whether the few numbers without ``%`` are also percentages: none is a fraction such as 0.12."""
    if numbers.count(percent) < MOST * numbers.cells:
        return False
    bare = parse_numbers(numbers.where(~percent).texts, ".")
    return bool(bare.ok.all()) and all(number == 0 or abs(number) >= 1 for number in bare.values)


def _example_number(shapes: Sequence[str], decimal: str, money: frozenset[str], *, has_percent: bool) -> str:
    """Return a made-up example of how the signs in a column are read."""
    joined = "\n".join(shapes)
    if has_percent:
        return "12 % is read as 12"
    if "(" in joined:
        return "(5) is read as -5"
    text = "1,234.50" if decimal == "." else "1.234,50"
    if decimal == "." and re.search(r"[0-9],[0-9]{2},", joined):
        text = "1,23,456.50"
    plain = "123456.50" if len(text) > len("1,234.50") else "1234.50"
    text = " ".join([*money, text])
    return f"{text} is read as {plain}"


def _are_codes(numbers: Profile) -> bool:
    """Return whether any value is a code, which would be damaged as a number."""
    shapes = shapes_of(numbers.texts)
    are_prefixes = all(shape.startswith("+") for shape in shapes.names)  # +91, +1
    if are_prefixes or any(map(_CODE.fullmatch, shapes.names)) or _have_leading_zeros(shapes):
        return True
    is_long = shapes.spread([_LONG_DIGITS.fullmatch(shape) is not None for shape in shapes.names])
    return numbers.count(is_long) * 2 > numbers.cells or all(map(_SIX_SPACED.fullmatch, shapes.names))


def _have_leading_zeros(shapes: Shapes) -> bool:
    """Return whether a whole number of several digits begins with 0."""
    for code, shape in enumerate(shapes.names):
        match = _WHOLE.fullmatch(shape)
        if match is not None:
            for rows in shapes.chunks(code):
                if not shapes.characters(code, rows).number(*match.span(1)).all():
                    return True
    return False


def _may_be_versions(numbers: Profile) -> bool:
    """Return whether texts like 1.9 and 1.10 may be versions (as numbers, 1.10 is less than 1.9)."""
    shapes = shapes_of(numbers.texts).names
    if not all(map(_DOTTED.fullmatch, shapes)) or len({len(shape.partition(".")[2]) for shape in shapes}) == 1:
        return False
    return any(text.endswith("0") and text[-2:-1] != "." for text in numbers.texts)


def _open_number(reason: str, cells: int, *choices: str) -> Suggestion:
    warns = Rule.NUMBER_AMBIGUOUS if choices else Rule.TYPE_DOUBTFUL
    return Suggestion("decimal", None, None, reason, cells, type=NUMBER, choices=choices, warns=warns)


# columns of numbers --------------------------------------------------------------------------------------------------

_LEAST_AMBIGUOUS: Final = 10  # numbers with a fraction; fewer may have three digits by chance
_SHARE_OF_THREE_DIGITS: Final = 0.8  # nine of ten numbers do not end in zero


def _may_be_thousandths(present: pd.Series[Any]) -> bool:
    """Return whether numbers look like 1.234 for 1234, read with a decimal point.

    Fractions then have three digits (some end in zeros) and begin at 1, and no number reaches 1000.
    """
    numbers = np.abs(present.to_numpy(dtype="float64"))
    if not (numbers < 1000).all():  # noqa: PLR2004 - as above
        return False
    thousandths = np.round(1000 * numbers)
    fractions = thousandths % 1000 != 0
    if fractions.sum() < _LEAST_AMBIGUOUS or (numbers[fractions] < 1).any():
        return False
    is_exact = np.isclose(1000 * numbers, thousandths, rtol=0, atol=1e-6).all()
    return bool(is_exact) and (thousandths[fractions] % 10 != 0).mean() >= _SHARE_OF_THREE_DIGITS


def open_thousands(present: pd.Series[Any], label: Hashable) -> Suggestion | None:
    """Leave open whether the source's point is a decimal point; None if it is one."""
    if not _may_be_thousandths(present):
        return None
    example = f"{next(value for value in present.tolist() if value % 1):.3f}"
    again = phrase("read it again: pd.read_csv(…, thousands='.')", "correct it")
    reason = (
        f"all fractions have up to three digits, as {example}: if the source's point separates thousands, {again}; "
        f"if it is a decimal point, {options_text(decimal={label: '.'})} says so"
    )
    warns = Rule.NUMBER_AMBIGUOUS
    return Suggestion("decimal", label, None, reason, len(present), type=NUMBER, choices=(".",), warns=warns)


def open_bits(column: pd.Series[Any], present: pd.Series[Any], label: Hashable) -> list[Suggestion]:
    """Leave open whether numbers that are 0 and 1 mean yes/no; floats only beside gaps."""
    values = set(present.unique().tolist())
    if values != {0, 1} or (present.dtype.kind == "f" and len(present) == len(column)):
        return []
    reason = f"only 0 and 1, sent as numbers: {argument('types')} boolean sends yes/no instead"
    return [may_be_of_type(label, reason, len(present), BOOLEAN)]
