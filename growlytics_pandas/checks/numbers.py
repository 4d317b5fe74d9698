"""Which text is numbers, and which only looks like numbers: codes, telephone numbers, versions."""

from __future__ import annotations

import re
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from growlytics_pandas.cells import Mask
from growlytics_pandas.checks.profile import Profile, mask_of
from growlytics_pandas.checks.suggestion import MOST, Proposal, count_of, of_all, rest_of
from growlytics_pandas.columns.parsers import currencies, number_parser
from growlytics_pandas.contract import NUMBER
from growlytics_pandas.conversion import is_infinite, number_in
from growlytics_pandas.inference import Kind

_UTC: Final = ZoneInfo("UTC")
# A number would lose a zero, a plus or the last digits (doubles keep 15).
_CODE: Final = re.compile(r"\+[0-9]+|[+-]?0[0-9][0-9 ]*|[+-]?[0-9]{16,}")
_LONG: Final = re.compile(r"[0-9]{10,}(?:\.0)?")  # telephone numbers, ids, time stamps; few amounts are as long
_DOTTED: Final = re.compile(r"[0-9]{1,2}\.[0-9]{1,2}")
_SIX_SPACED: Final = re.compile(r"[0-9]{3} [0-9]{3}")  # a postal code of India, or a number with a group
_OF_POINTS: Final = frozenset(
    {
        *(
            "INR",
            "USD",
            "GBP",
            "JPY",
            "CNY",
            "AUD",
            "NZD",
            "SGD",
            "HKD",
            "AED",
            "SAR",
            "QAR",
            "PKR",
            "BDT",
            "LKR",
            "NPR",
        ),
        *("KRW", "THB", "PHP", "MYR", "NGN", "KES", "MXN", "TWD", "ILS"),
    }
)
"""Currencies whose amounts have a decimal point, and two decimals or none: 1,234 of them is 1234."""
_SHOWN: Final = 3


def propose_number(profile: Profile) -> Proposal | None:
    """Return how the texts of a column are read as numbers; None where they are none, or codes."""
    others = profile.others[Kind.INTEGER] + profile.others[Kind.FLOAT] + profile.others[Kind.DECIMAL]
    if sum(profile.others.values()) > others or not _is_worth_it(profile.sample):
        return None
    values, dot = _read(profile, ".")
    _, comma = _read_others(profile, dot)
    either = dot | comma
    present, read = profile.cells, profile.count(either)
    if read < MOST * present or _are_codes(profile.where(either)):
        return None
    money = sorted(currencies(profile.where(either).texts))
    if len(money) > 1:
        return _open(
            f"amounts in several currencies ({', '.join(money[:_SHOWN])}): as numbers they would be mixed up, so the "
            "column stays text; a column each would tell them apart",
            read,
        )
    return _of_marks(profile, values, dot, comma, has_money=bool(money))


def _is_worth_it(sample: Profile) -> bool:
    either = _read(sample, ".")[1] | _read(sample, ",")[1]
    return sample.count(either) >= (MOST - 0.1) * sample.cells > 0


def _read(profile: Profile, decimal: str) -> tuple[list[Any], Mask]:
    """Return the numbers, and which texts are numbers that JSON can hold."""
    parsed = number_parser(decimal).parse(profile.texts, _UTC)
    ok = parsed.ok.copy()
    for place in np.flatnonzero(ok).tolist():
        value = parsed.values[place]
        if not isinstance(value, int) and is_infinite(value):
            ok[place] = False
    return parsed.values, ok


def _read_others(profile: Profile, dot: Mask) -> tuple[list[Any], Mask]:
    """Return what is read with a decimal comma of the texts that are not read with a point."""
    rest = np.flatnonzero(~dot)
    values: list[Any] = [0] * len(dot)
    comma = np.zeros(len(dot), dtype=bool)
    if len(rest):
        found, ok = _read(profile.where(~dot), ",")
        comma[rest] = ok
        for place, value in zip(rest.tolist(), found, strict=True):
            values[place] = value
    return values, comma


def _of_marks(profile: Profile, values: list[Any], dot: Mask, comma: Mask, *, has_money: bool) -> Proposal | None:
    """Return which decimal mark there is: that of the texts which only one of the two can read."""
    present = profile.cells
    marked = mask_of(profile.texts, lambda text: "," in text or "." in text)
    if not marked.any():
        return _settled(profile, ".", dot, has_money=has_money, why="")
    both_values, both = _read(profile.where(dot & marked), ",")
    places = np.flatnonzero(dot & marked)
    own = [values[place] for place in places.tolist()]
    differs = both & np.array([one != other for one, other in zip(own, both_values, strict=True)], dtype=bool)
    only_dot = int(profile.counts[places[~both]].sum())
    unsure = int(profile.counts[places[differs]].sum())
    only_comma = profile.count(comma)
    if only_dot and only_comma:
        return _mixed_marks(profile, dot, only_dot, only_comma, unsure, has_money=has_money)
    if not only_dot and not only_comma and unsure and not _is_money_of_points(profile, places[differs].tolist()):
        example = "1,234" if any("," in profile.texts[i] for i in places[differs].tolist()) else "1.234"
        mark = example[1]
        return _open(
            f"{count_of(unsure)} like {example} can be read in two ways, and no value of the column settles it: "
            f"decimal={'.' if mark == ',' else ','!r} reads 1234, decimal={mark!r} reads 1.234",
            profile.count(dot),
        )
    if only_comma:
        ok = _read(profile, ",")[1]
        why = f"{count_of(only_comma)} can only have a decimal comma"
        return _settled(profile, ",", ok, has_money=has_money, why=why) if profile.count(ok) >= MOST * present else None
    why = f"{count_of(only_dot)} can only have a decimal point" if unsure else ""
    return _settled(profile, ".", dot, has_money=has_money, why=why)


def _is_money_of_points(profile: Profile, places: list[int]) -> bool:
    """Tell whether 1,234 is an amount in a currency that is written with a decimal point."""
    texts = [profile.texts[place] for place in places]
    return all("," in text for text in texts) and currencies(profile.texts) <= _OF_POINTS and bool(currencies(texts))


def _mixed_marks(
    profile: Profile, dot: Mask, only_dot: int, only_comma: int, unsure: int, *, has_money: bool
) -> Proposal | None:
    """Return what to do where some texts have a decimal point and others a comma: few of one kind are exceptions."""
    present = profile.cells
    is_dot = only_dot >= only_comma
    ok = dot if is_dot else _read(profile, ",")[1]
    if unsure or profile.count(ok) < MOST * present:
        return _open(
            f"{count_of(only_dot)} can only have a decimal point and {only_comma:,} only a decimal comma, so no one "
            "mark reads the column; correct one kind at the source",
            profile.count(ok),
        )
    return _settled(profile, "." if is_dot else ",", ok, has_money=has_money, why="")


def _settled(profile: Profile, decimal: str, ok: Mask, *, has_money: bool, why: str) -> Proposal | None:
    read, present = profile.count(ok), profile.cells
    if read < MOST * present:
        return None
    numbers = profile.where(ok)
    percent = mask_of(numbers.texts, lambda text: "%" in text)
    if percent.any() and not percent.all() and not _is_percent_throughout(numbers, percent):
        return _open(
            f"{count_of(numbers.count(percent))} with % and {numbers.count(~percent):,} without: decimal={decimal!r} "
            "reads 12 % as 12 and leaves the others as they are, which may be other units",
            read,
        )
    plain = decimal == "." and all(number_in(text) is not None for text in numbers.texts)
    counted = (
        f"{of_all(read, present)} {'are' if present > 1 else 'is'} numbers" if present > 1 else "the value is a number"
    )
    if plain:
        if _may_be_versions(numbers):
            return Proposal(
                "types",
                None,
                NUMBER,
                "values like 1.10 beside 1.9 may be versions, which stay text, or numbers (types: number), of which "
                "1.10 becomes 1.1",
                read,
            )
        bits = "; only 0 and 1: types boolean sends yes/no instead" if {*numbers.texts} == {"0", "1"} else ""
        return Proposal("types", NUMBER, NUMBER, f"{counted} written as text{rest_of(read, present)}{bits}", read)
    example = _example(numbers, decimal, has_money=has_money, has_percent=bool(percent.any()))
    because = f" ({why})" if why else ""
    return Proposal("decimal", decimal, NUMBER, f"{counted}{because}: {example}{rest_of(read, present)}", read)


def _is_percent_throughout(numbers: Profile, percent: Mask) -> bool:
    """Tell whether the few numbers without ``%`` are percents too: none is a fraction such as 0.12."""
    if numbers.count(percent) < MOST * numbers.cells:
        return False
    bare = number_parser(".").parse(numbers.where(~percent).texts, _UTC)
    return bool(bare.ok.all()) and all(number == 0 or abs(number) >= 1 for number in bare.values)


def _example(numbers: Profile, decimal: str, *, has_money: bool, has_percent: bool) -> str:
    """Show how the signs in a column are read, with a made-up value."""
    joined = "\n".join(numbers.sample.texts)
    if has_percent:
        return "12 % is read as 12"
    if "(" in joined:
        return "(5) is read as -5"
    text = "1,234.50" if decimal == "." else "1.234,50"
    if decimal == "." and re.search(r"[0-9],[0-9]{2},", joined):
        text = "1,23,456.50"
    plain = "123456.50" if len(text) > len("1,234.50") else "1234.50"
    if has_money:
        money = next(iter(currencies(numbers.sample.texts)), "INR")
        text = f"{money} {text}"
    return f"{text} is read as {plain}"


def _are_codes(numbers: Profile) -> bool:
    """Tell whether digits are codes, which as numbers would be spoiled: one is enough."""
    if any(map(_CODE.fullmatch, numbers.texts)):
        return True
    long = numbers.count(mask_of(numbers.texts, _LONG.fullmatch))
    return long * 2 > numbers.cells or all(map(_SIX_SPACED.fullmatch, numbers.texts))


def _may_be_versions(numbers: Profile) -> bool:
    """Tell whether texts like 1.9 and 1.10 may be versions: as numbers, 1.10 comes before 1.9."""
    if not all(map(_DOTTED.fullmatch, numbers.texts)):
        return False
    ends = [text.partition(".")[2] for text in numbers.texts]
    return len({len(end) for end in ends}) > 1 and any(len(end) > 1 and end.endswith("0") for end in ends)


def _open(reason: str, cells: int) -> Proposal:
    return Proposal("decimal", None, NUMBER, reason, cells)
