"""Find the formats and the zone of a column's dates.

The values may settle the order of day and month. Dates with a zone may be whole days in that zone, which another zone
would move to the previous day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types as dtypes

from growlytics_pandas._text import argument, options_text
from growlytics_pandas.checks.name_suggestions import is_day_like, is_id_like, is_time_like
from growlytics_pandas.checks.profile import MOST, Profile, Proposal, count_of, mask_of, of_all, rest_of
from growlytics_pandas.columns.date_parsers import date_parser, formats_like
from growlytics_pandas.columns.dtypes import Kind, Mask, absent, extract
from growlytics_pandas.columns.parsers import number_in, shapes_of
from growlytics_pandas.contract import DATE

_UTC: Final = ZoneInfo("UTC")
_ISO: Final = "ISO8601"
_COMPACT: Final = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}  # by their digits
_COMPACT_LIKE: Final = re.compile(r"(?:19|20)[0-9]{6}(?:[0-9]{4}|[0-9]{6})?(?:\.0)?")
_LOOKS_ISO: Final = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}(?:[T\s].*)?", re.IGNORECASE | re.DOTALL)
_TOO_LONG: Final = 10**16
_FEW: Final = 3
"""Distinct texts; fewer digits that look like 20250131 may be dates by chance."""
_PLAUSIBLE: Final[dict[str, tuple[int, int]]] = {  # spreadsheet dates from 1920, epoch times from 2000; up to 2100
    "excel": (7306, 73_415),
    "epoch_s": (946_684_800, 4_102_444_800),
    "epoch_ms": (946_684_800_000, 4_102_444_800_000),
}
_SHORT_YEAR: Final = re.compile(r"(?:^|[^0-9:])([0-9]{2})(?=$|[ ,T])")
_NUMERIC_ORDER: Final = re.compile(r"(?:%a,? )?%([dmy])([/. -])%([dmy])\2%([yY])|(?:%a,? )?%y([/. -])%m\5%d")
_SHOWN: Final = 4
_MAX_UNREAD: Final = 2000


@dataclass
class _Tried:
    """Which of the distinct texts a format reads."""

    values: npt.NDArray[np.datetime64]
    ok: Mask
    aware: Mask


def propose_date(profile: Profile, name: str) -> Proposal | None:
    """Return the formats that read the texts of a column as dates; None if they are not dates."""
    if sum(profile.others.values()) > profile.others[Kind.DATE]:
        return None
    candidates = _candidates(profile.sample, name)
    if not candidates:
        return _open_epoch(profile, name)
    tried = {form: found for form in candidates if (found := _try(profile, form)).ok.any()}
    unread = ~_any(found.ok for found in tried.values()) if tried else np.ones(len(profile.texts), dtype=bool)
    more = {form for _, found in _formats_in(profile.where(unread).texts[:_MAX_UNREAD]) for form in found}
    for form in sorted(more - tried.keys()):
        if (found := _try(profile, form)).ok.any():
            tried[form] = found
    if not tried:
        return _open_century(profile)
    return _of_tried(profile, tried, name)


def _candidates(sample: Profile, name: str) -> list[str]:
    """Return the formats that the commonest texts may have; empty if most have none."""
    formats: dict[str, None] = {}
    like = sample.cells
    for rows, found in _formats_in(sample.texts):
        formats.update(dict.fromkeys(found))
        like -= 0 if found else int(sample.counts[rows].sum())
        if like < (MOST - 0.1) * sample.cells:
            return []
    are_dates = any(form not in _PLAUSIBLE for form in formats)
    return [form for form in formats if form not in _PLAUSIBLE or are_dates or is_time_like(name)]


def _formats_in(texts: Sequence[str]) -> Iterator[tuple[npt.NDArray[np.int64], list[str]]]:
    """Yield the formats that texts may have, with their positions: texts of one shape have the same, unless numbers."""
    shapes = shapes_of(texts)
    for code, shape in enumerate(shapes.names):
        rows = shapes.rows(code)
        if number_in(shape) is None:
            yield rows, _formats_of(shape)
        else:
            yield from ((rows[i : i + 1], _formats_of(texts[row])) for i, row in enumerate(rows.tolist()))


def _formats_of(text: str) -> list[str]:
    """Return the formats that a text may have; the parsers decide."""
    found = formats_like(text)
    if _LOOKS_ISO.fullmatch(text):
        found.append(_ISO)
    if _COMPACT_LIKE.fullmatch(text):
        found.append(_COMPACT[len(text.removesuffix(".0"))])
    number: Any = number_in(text)
    if number is not None and abs(number) < _TOO_LONG:
        found += [form for form, (low, high) in _PLAUSIBLE.items() if low <= number <= high]
    return found


def _try(profile: Profile, form: str) -> _Tried:
    parsed = date_parser(form).parse(profile.texts, _UTC)
    ok = parsed.ok.copy()
    if form in _PLAUSIBLE or form in _COMPACT.values():
        low, high = np.datetime64("1900-01-01"), np.datetime64("2100-01-01")
        ok &= (parsed.values >= low) & (parsed.values < high)
    if form in _PLAUSIBLE:
        low_number, high_number = _PLAUSIBLE[form]
        ok &= mask_of(profile.texts, lambda text: low_number <= (number_in(text) or 0) <= high_number)
    aware = ok & parsed.aware if parsed.aware is not None else np.zeros(len(ok), dtype=bool)
    return _Tried(parsed.values, ok, aware)


def _any(masks: Iterable[Mask]) -> Mask:
    union: Mask = np.logical_or.reduce(list(masks))
    return union


def _of_tried(profile: Profile, tried: dict[str, _Tried], name: str) -> Proposal | None:
    present = profile.cells
    if profile.count(_any(found.ok for found in tried.values())) < MOST * present:
        return None if not _has_open_century(profile, tried) else _open_century(profile)
    tried, refusals = _without_ambiguous_digits(profile, tried, name), []
    if _has_open_century(profile, tried):
        tried = {form: found for form, found in tried.items() if "%y" not in form}
        refusals.append(_open_century(profile))
    kept, unsettled = _in_order(profile, tried)
    refusals += unsettled
    formats = _cover(profile, kept)
    read = profile.count(_any(kept[form].ok for form in formats)) if formats else 0
    if read >= MOST * present:
        return _settled(profile, kept, formats, read)
    return next((one for one in refusals if one is not None), None)


def _without_ambiguous_digits(profile: Profile, tried: dict[str, _Tried], name: str) -> dict[str, _Tried]:
    """Leave out formats of plain digits unless something else indicates dates.

    Dates like 20250131 are recognized if all digits are valid dates and there are several. Spreadsheet day numbers are
    recognized by the label, or by dates in other formats in the column.
    """
    of_digits = {form for form in tried if form in _COMPACT.values() or form in _PLAUSIBLE}
    written = [tried[form].ok for form in tried if form not in of_digits]
    are_dates = bool(written) and profile.count(_any(written)) * 2 >= profile.cells
    kept = dict(tried)
    if not of_digits:
        return kept
    shapes = shapes_of(profile.texts)
    is_digits = shapes.spread([number_in(shape) is not None for shape in shapes.names])
    for form in of_digits:
        if form in _COMPACT.values():
            is_sure = are_dates or (bool(tried[form].ok[is_digits].all()) and int(tried[form].ok.sum()) >= _FEW)
        else:
            is_sure = is_day_like(name) or are_dates if form == "excel" else is_time_like(name)
        if not is_sure:
            del kept[form]
    return kept


def _open_epoch(profile: Profile, name: str) -> Proposal | None:
    """Leave open whether 13 digits are times in milliseconds, unless the label or the digits indicate codes."""
    if profile.others or is_id_like(name) or not all(map(may_be_epoch_ms, profile.first(_FIRST))):
        return None
    numbers = sorted(map(int, profile.texts)) if all(map(may_be_epoch_ms, profile.texts)) else []
    are_numbered = len(numbers) > 1 and numbers[-1] - numbers[0] < _NUMBERED * len(numbers)
    are_barcodes = len(numbers) >= _FEW and all(map(_is_barcode, numbers))
    if not numbers or are_numbered or are_barcodes:
        return None
    return _open(
        f"times in milliseconds since 1970, or codes, judging by the 13 digits: if they are times, use "
        f"{options_text(date_format={name: 'epoch_ms'})}",
        profile.cells,
    )


def may_be_epoch_ms(text: str) -> bool:
    """Return whether a text has the 13 digits of a time from 2001 to 2040, in milliseconds."""
    return _EPOCH_MS.fullmatch(text) is not None and int(text[:13]) < _EPOCH_END


def _is_barcode(number: int) -> bool:
    """Return whether the last digit is the check digit of an EAN."""
    digits = list(map(int, str(number)))
    return (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0


_EPOCH_MS: Final = re.compile(r"[12][0-9]{12}")
_EPOCH_END: Final = 2_208_988_800_000  # 2040
_NUMBERED: Final = 100
"""Average step up to which numbers look like a sequence."""
_FIRST: Final = 50  # values; they are enough to recognize most columns that have other digits


# the century --------------------------------------------------------------------------------------------------------


def _has_open_century(profile: Profile, tried: dict[str, _Tried]) -> bool:
    """Return whether a two-digit year may be of either century."""
    short = [found for form, found in tried.items() if "%y" in form]
    unread = ~_any(found.ok for found in tried.values()) if tried else np.ones(len(profile.texts), dtype=bool)
    if any("%y" in form for text in profile.where(unread).texts[:_MAX_UNREAD] for form in _read_with_a_year(text)):
        return True
    years = {
        int(year) for found in short for year in np.unique(found.values[found.ok].astype("M8[Y]").astype("i8")) + 1970
    }
    return any(year > 2025 for year in years) and any(year < 2000 for year in years)  # noqa: PLR2004 - see the reason


def _read_with_a_year(text: str) -> list[str]:
    """Return the formats that read a text except for its ambiguous century."""
    found = []
    for form in formats_like(text):
        if "%y" in form:
            longer = _SHORT_YEAR.sub(lambda match: match[0].replace(match[1], f"20{match[1]}"), text)
            if date_parser(form.replace("%y", "%Y")).parse([longer], _UTC).ok[0]:
                found.append(form)
    return found


def _open_century(profile: Profile) -> Proposal | None:
    short = mask_of(profile.sample.texts, _read_with_a_year)
    if not short.any() or profile.sample.count(short) < MOST * profile.sample.cells / 2:
        return None
    return _open(
        "two-digit years that may be of either century (45 may be 1945 or 2045, and 30 next to 78 may be 1930): "
        "write them with four digits at the source, and use %Y",
        profile.cells,
    )


# the order of day and month -----------------------------------------------------------------------------------------


def _in_order(profile: Profile, tried: dict[str, _Tried]) -> tuple[dict[str, _Tried], list[Proposal | None]]:
    """Leave out the formats whose order of day and month the values contradict or do not settle."""
    kept = {form: found for form, found in tried.items() if not _NUMERIC_ORDER.match(form)}
    refusals: list[Proposal | None] = []
    separators = sorted({_separator(form) for form in tried if _NUMERIC_ORDER.match(form)})
    for separator in separators:
        group = {form: found for form, found in tried.items() if _separator(form) == separator}
        chosen, refusal = _order_of(profile, group)
        kept.update(chosen)
        refusals.append(refusal)
    return kept, refusals


def _separator(form: str) -> str:
    match = _NUMERIC_ORDER.match(form)
    return "" if match is None else match[2] or match[5]


def _first(form: str) -> str:
    return form[form.index("%a") + 2 :].lstrip(", ")[:2] if "%a" in form else form[:2]


def _order_of(profile: Profile, group: dict[str, _Tried]) -> tuple[dict[str, _Tried], Proposal | None]:
    """Return the formats of one separator that fit; if none does, the reason."""
    orders = {first: [form for form in group if _first(form) == first] for first in ("%d", "%m", "%y")}
    day, month = (_union(profile, [group[form] for form in orders[first]]) for first in ("%d", "%m"))
    both = day.ok & month.ok
    unsure = profile.count(both & (day.values != month.values))
    only_day, only_month = profile.count(day.ok & ~month.ok), profile.count(month.ok & ~day.ok)
    example = datetime(2025, 2, 1, 9, 30)  # noqa: DTZ001 - an example
    form = next(iter(orders["%d"] or orders["%m"] or orders["%y"]))
    if unsure and bool(only_day) == bool(only_month):
        other = _swapped(form)
        day_form, month_form = (form, other) if _first(form) == "%d" else (other, form)
        text = example.strftime(day_form)
        if not only_day:
            return {}, _open(
                f"no value settles the order of day and month: {text} is 2025-02-01 with "
                f"{options_text(date_format=day_form)}, and 2025-01-02 with {month_form!r}",
                profile.count(both),
            )
        return {}, _open(
            f"both orders of day and month occur: {count_of(only_day)} can only have the day first, {only_month:,} "
            f"only the month first, and {unsure:,} like {text} can be either; correct them at the source",
            profile.count(day.ok | month.ok),
        )
    if only_day and only_month:
        chosen = orders["%d"] + orders["%m"]
    elif only_month:
        chosen = orders["%m"]
    else:
        chosen = orders["%d"] or orders["%y"]
    if chosen != orders["%y"] and (refusal := _year_first(profile, group, orders, chosen)):
        return {}, refusal
    return {form: group[form] for form in chosen}, None


def _union(profile: Profile, tried: Sequence[_Tried]) -> _Tried:
    size = len(profile.texts)
    union = _Tried(np.full(size, np.datetime64("NaT"), dtype="M8[us]"), np.zeros(size, bool), np.zeros(size, bool))
    for found in tried:
        union.values[found.ok] = found.values[found.ok]
        union.ok |= found.ok
    return union


def _year_first(
    profile: Profile, group: dict[str, _Tried], orders: dict[str, list[str]], chosen: list[str]
) -> Proposal | None:
    """Reject dates like 25-01-31 in which the first two digits are more likely the year than the last two."""
    if not orders["%y"]:
        return None
    first = _union(profile, [group[form] for form in orders["%y"]])
    read = _union(profile, [group[form] for form in chosen])
    short = np.flatnonzero(first.ok)
    if not len(short) or profile.count(first.ok) < profile.count(read.ok):
        return None
    digits = [re.findall(r"[0-9]+", profile.texts[place])[:3] for place in short.tolist()]
    starts, ends = {int(one[0]) for one in digits}, {int(one[2]) for one in digits}
    if len(starts) >= len(ends):
        return None
    return _open(
        f"the year may come first or last: 25-01-31 is 2025-01-31 with {options_text(date_format=orders['%y'][0])}, "
        f"and 2031-01-25 with {chosen[0]!r}",
        profile.count(first.ok),
    )


def _swapped(form: str) -> str:
    return form.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")


# what is suggested --------------------------------------------------------------------------------------------------


def _cover(profile: Profile, kept: dict[str, _Tried]) -> list[str]:
    """Return the fewest formats that read all that any format reads, most common first; ISO 8601 wins ties."""
    formats: list[str] = []
    left = np.ones(len(profile.texts), dtype=bool)
    while True:
        counts = {form: profile.count(found.ok & left) for form, found in kept.items() if form not in formats}
        best = max(counts, key=lambda form: (counts[form], form == _ISO), default=None)
        if best is None or not counts[best]:
            return formats
        formats.append(best)
        left &= ~kept[best].ok


def _settled(profile: Profile, kept: dict[str, _Tried], formats: list[str], read: int) -> Proposal | None:
    for i, form in enumerate(formats):
        for other in formats[i + 1 :]:
            both = kept[form].ok & kept[other].ok
            if (kept[form].values[both] != kept[other].values[both]).any():
                return _open(
                    f"some values can be read in two formats, {form!r} and {other!r}, as different dates", read
                )
    examples = "; ".join(f"{_example(form)} is read as {_meant(form)}" for form in formats[:_SHOWN])
    aware, wall = (profile.count(_any(part)) for part in _parts(kept, formats))
    zone = f"; those with an offset are converted to the zone of {argument('timezone')}" if aware else ""
    zone += ", the others are unchanged" if aware and wall else ""
    present = profile.cells
    counted = f"{of_all(read, present)} {'are dates' if present > 1 else 'is a date'}"
    value: Any = formats[0] if len(formats) == 1 else formats
    reason = f"{counted}: {examples}{zone}{rest_of(read, present)}"
    return Proposal("date_format", value, DATE, reason, read, present - read)


def _parts(kept: dict[str, _Tried], formats: list[str]) -> tuple[list[Mask], list[Mask]]:
    offsets = [kept[form].aware & (form not in _PLAUSIBLE) for form in formats]
    return offsets, [kept[form].ok & ~kept[form].aware for form in formats]


def _example(form: str) -> str:
    """Return a made-up date in a format, instead of a customer's value."""
    named = {"ISO8601": "2025-01-31", "epoch_s": "1738315800", "epoch_ms": "1738315800000", "excel": "45688"}
    date = datetime(2025, 1, 31, 9, 30)  # noqa: DTZ001 - an example
    return named.get(form) or date.strftime(form.replace("%z", "+0530"))


def _meant(form: str) -> str:
    parsed = date_parser(form).parse([_example(form)], _UTC)
    text = str(parsed.values[0].astype("M8[s]")).replace("T", " ").removesuffix(" 00:00:00")
    return f"{text} in UTC" if parsed.aware is not None and parsed.aware[0] else text


def _open(reason: str, cells: int) -> Proposal:
    return Proposal("date_format", None, DATE, reason, cells)


_FEW_DAYS: Final = 3
"""Distinct days; fewer may be midnights in an unnamed zone by chance."""
_ZONE_OF_REGION: Final = MappingProxyType(
    {
        "IN": "Asia/Kolkata",
        "LK": "Asia/Colombo",
        "NP": "Asia/Kathmandu",
        "BD": "Asia/Dhaka",
        "PK": "Asia/Karachi",
        "AE": "Asia/Dubai",
        "SG": "Asia/Singapore",
        "JP": "Asia/Tokyo",
        "GB": "Europe/London",
        "DE": "Europe/Berlin",
        "FR": "Europe/Paris",
        "IT": "Europe/Rome",
        "NL": "Europe/Amsterdam",
        "CH": "Europe/Zurich",
    }
)
"""The zone of regions that have only one."""
_Read = Callable[[ZoneInfo], npt.NDArray[np.datetime64]]


def zone_of_days(column: pd.Series[Any], zone: ZoneInfo, region: str) -> str | None:
    """Return the zone in which all dates of a column are midnights, if `zone` would change their days; else None."""
    present = column[(~absent(column)).to_numpy(dtype=bool)]
    own, is_aware = _zones_of(present)
    if not is_aware:
        return None
    return _first_zone(lambda one: extract(present, Kind.DATE, one).values, zone, own, region)


def zone_of_texts(texts: Sequence[str], formats: Iterable[str], zone: ZoneInfo, region: str) -> str | None:
    """Return the same for texts that `formats` read as instants."""

    def read(one: ZoneInfo) -> npt.NDArray[np.datetime64]:
        values = np.full(len(texts), np.datetime64("NaT"), dtype="M8[us]")
        for form in formats:
            parsed = date_parser(form).parse(texts, one)
            found: Mask = parsed.ok & np.isnat(values)
            values[found] = parsed.values[found]
        return values

    return _first_zone(read, zone, None, region)


def _zones_of(present: pd.Series[Any]) -> tuple[str | None, bool]:
    """Return the name of the column's zone if it has exactly one, and whether all of its dates have a zone."""
    dtype: Any = present.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        dtype = dtype.categories.dtype
    if isinstance(dtype, pd.ArrowDtype):
        tz = getattr(dtype.pyarrow_dtype, "tz", None)
        return tz, tz is not None
    if isinstance(dtype, pd.DatetimeTZDtype):
        return str(dtype.tz), True
    if not dtypes.is_object_dtype(dtype):
        return None, False
    zones = {str(getattr(value, "tzinfo", None)) for value in present.tolist()}
    return (next(iter(zones)) if len(zones) == 1 else None), "None" not in zones


def _first_zone(read: _Read, zone: ZoneInfo, own: str | None, region: str) -> str | None:
    in_zone = read(zone)
    for name, few in ((own, 1), (_ZONE_OF_REGION.get(region), _FEW_DAYS)):
        if name is None or "/" not in name:
            continue
        try:
            local = read(ZoneInfo(name))
        except (KeyError, ValueError, OSError):
            continue
        days = local.astype("M8[D]")
        are_midnights = bool((local == days).all())
        if are_midnights and len(np.unique(days)) >= few and bool((in_zone.astype("M8[D]") != days).any()):
            return name
    return None
