"""Find the formats and the zone of a column's dates.

The values may settle the order of day and month. Dates with a zone may be whole days in that zone, which another zone
would move to the previous day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types as dtypes

from growlytics_pandas._labels import is_date_like, is_day_like, is_id_like, is_time_like
from growlytics_pandas._rules import Rule
from growlytics_pandas._text import argument, options_text, plural
from growlytics_pandas.checks.profile import LIKELY, Profile, Suggestion, of_all, rest_of
from growlytics_pandas.columns.date_parsers import Dates, Moments, formats_like, parse_by_first, parse_dates
from growlytics_pandas.columns.dtypes import Kind, Mask, extract, present_cells
from growlytics_pandas.columns.named_formats import ISO, NAMED_FORMATS, NUMERIC_FORMATS
from growlytics_pandas.columns.parsers import number_in, shapes_of
from growlytics_pandas.contract import DATE

_UTC: Final = ZoneInfo("UTC")
_LOOKS_ISO: Final = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}(?:[T\s].*)?", re.IGNORECASE | re.DOTALL)
_FEWEST_DIGITS: Final = len("7306")  # 1 January 1920 in a spreadsheet
_FEW_TEXTS: Final = 3
"""Distinct texts; fewer digits that look like 20250131 may be dates by chance."""
_COMPACT: Final = ("%Y%m%d", "%Y%m%d%H%M", "%Y%m%d%H%M%S")
_FIRST_YEARS: Final = MappingProxyType(
    dict.fromkeys(_COMPACT, "1900")
    | dict(sorted(((name, form.first_year) for name, form in NUMERIC_FORMATS.items()), key=itemgetter(1)))
)
"""The years from which digits are plausible dates, earliest first; up to 2100."""
_NUMERIC_ORDER: Final = re.compile(r"(?:%a,? )?%([dmy])([/. -])%[dm]\2%[dyY]")
_SHOWN_FORMATS: Final = 4
_MAX_UNREAD: Final = 2000


def propose_date(profile: Profile, name: str) -> Suggestion | None:
    """Return the formats that read the texts of a column as dates; None if they are not dates."""
    if sum(profile.others.values()) > profile.others[Kind.DATE]:
        return None
    candidates = _candidates(profile.sample, name)
    if not candidates:
        return _open_epoch(profile, name)
    tried = {form: found for form in candidates if (found := _read_plausible(profile.texts, form)).ok.any()}
    unread = ~_any_of(found.ok for found in tried.values()) if tried else np.ones(len(profile.texts), dtype=bool)
    more = {form for _, found in _formats_in(profile.where(unread).texts[:_MAX_UNREAD]) for form in found}
    for form in sorted(more - tried.keys()):
        if (found := _read_plausible(profile.texts, form)).ok.any():
            tried[form] = found
    if not tried:
        return open_century(profile)
    return _of_tried(profile, tried, name)


def _candidates(sample: Profile, name: str) -> list[str]:
    """Return the formats that the commonest texts may have; empty if most have none."""
    formats: dict[str, None] = {}
    like = sample.cells
    for rows, found in _formats_in(sample.texts):
        formats.update(dict.fromkeys(found))
        like -= 0 if found else int(sample.counts[rows].sum())
        if like < (LIKELY - 0.1) * sample.cells:
            return []
    are_dates = any(form not in NUMERIC_FORMATS for form in formats)
    return [form for form in formats if form not in NUMERIC_FORMATS or are_dates or is_time_like(name)]


def _formats_in(texts: Sequence[str]) -> Iterator[tuple[npt.NDArray[np.int64], list[str]]]:
    """Yield the formats that texts may have, with their positions; the parsers decide."""
    shapes = shapes_of(texts)
    may_be_digits = [len(shape) >= _FEWEST_DIGITS and number_in(shape) is not None for shape in shapes.names]
    for code, shape in enumerate(shapes.names):
        if not may_be_digits[code]:
            yield shapes.rows(code), formats_like(shape) + ([ISO] if _LOOKS_ISO.fullmatch(shape) else [])
    places = np.flatnonzero(shapes.spread(may_be_digits))
    if len(places):
        digits = [texts[place] for place in places.tolist()]
        read = {form: _read_plausible(digits, form).ok for form in _FIRST_YEARS}
        is_date = _any_of(read.values())
        yield places[~is_date], []
        yield places[is_date], [form for form, ok in read.items() if ok.any()]


def _read_plausible(texts: Sequence[str], form: str) -> Dates:
    """Read texts by a format; digits only if they are plausible dates."""
    found = parse_dates(texts, form, _UTC)
    if form not in _FIRST_YEARS:
        return found
    is_plausible = (found.values >= np.datetime64(_FIRST_YEARS[form])) & (found.values < np.datetime64("2100"))
    return Dates(np.where(is_plausible, found.values, np.datetime64("NaT")), found.aware & is_plausible)


def _any_of(masks: Iterable[Mask]) -> Mask:
    union: Mask = np.logical_or.reduce(list(masks))
    return union


def _of_tried(profile: Profile, tried: dict[str, Dates], name: str) -> Suggestion | None:
    present = profile.cells
    if profile.count(_any_of(found.ok for found in tried.values())) < LIKELY * present:
        return None if not _has_open_century(profile, tried) else open_century(profile)
    given, refusals = tried, list[Suggestion | None]()
    tried = _without_ambiguous_digits(profile, given, name)
    if "excel" in given.keys() - tried.keys() and is_time_like(name) and not is_date_like(name):
        refusals.append(_open_serials(profile, given["excel"]))
    if _has_open_century(profile, tried):
        tried = {form: found for form, found in tried.items() if "%y" not in form}
        refusals.append(open_century(profile))
    kept, unsettled = _in_order(profile, tried)
    refusals += unsettled
    formats = _cover(profile, kept)
    read = profile.count(_any_of(kept[form].ok for form in formats)) if formats else 0
    if read >= LIKELY * present:
        return _settled_date(profile, kept, formats, read)
    return next((one for one in refusals if one is not None), None)


def _without_ambiguous_digits(profile: Profile, tried: dict[str, Dates], name: str) -> dict[str, Dates]:
    """Leave out formats of plain digits unless something else indicates dates.

    Dates like 20250131 are recognized if all digits are valid dates, and by the label or their number. Spreadsheet day
    numbers are recognized by the label, or by dates in other formats in the column.
    """
    of_digits = {form for form in tried if form in _FIRST_YEARS}
    written = [tried[form].ok for form in tried if form not in of_digits]
    are_dates = bool(written) and profile.count(_any_of(written)) * 2 >= profile.cells
    kept = dict(tried)
    if not of_digits:
        return kept
    shapes = shapes_of(profile.texts)
    is_digits = shapes.spread([number_in(shape) is not None for shape in shapes.names])
    for form in of_digits:
        if form in _COMPACT:
            are_many = int(tried[form].ok.sum()) >= _FEW_TEXTS and not is_id_like(name)
            is_likely = are_many or is_day_like(name) or is_time_like(name)
            is_sure = are_dates or (is_likely and bool(tried[form].ok[is_digits].all()))
        elif NUMERIC_FORMATS[form].is_instant:
            is_sure = is_time_like(name)
        else:
            is_sure = is_day_like(name) or are_dates
        if not is_sure:
            del kept[form]
    return kept


def _open_serials(profile: Profile, days: Dates) -> Suggestion | None:
    """Leave open whether numbers are days of a spreadsheet, if all are of recent years."""
    is_recent = (days.values >= _RECENT[0]) & (days.values < _RECENT[1])
    if not is_recent.all():
        return None
    day = str(days.values[0])[:10]
    return _open_date(
        f"days of a spreadsheet, or numbers: {options_text(date_format='excel')} reads {profile.texts[0]} as {day}",
        profile.cells,
        "excel",
    )


_RECENT: Final = (np.datetime64("2000"), np.datetime64("2050"))


def _open_epoch(profile: Profile, name: str) -> Suggestion | None:
    """Leave open whether 13 digits are times in milliseconds, unless the label or the digits indicate codes."""
    texts = profile.texts
    are_times = all(map(_may_be_epoch_ms, texts[:_FIRST_LOOK])) and all(map(_may_be_epoch_ms, texts))
    if profile.others or is_id_like(name) or not are_times:
        return None
    numbers = sorted(map(int, texts))
    are_numbered = len(numbers) > 1 and numbers[-1] - numbers[0] < _NUMBERED * len(numbers)
    if are_numbered or (len(numbers) >= _FEW_TEXTS and all(map(_is_barcode, numbers))):
        return None
    return _open_date(
        f"times in milliseconds since 1970, or codes, judging by the 13 digits: if they are times, use "
        f"{options_text(date_format={name: 'epoch_ms'})}",
        profile.cells,
        "epoch_ms",
    )


def _may_be_epoch_ms(text: str) -> bool:
    """Return whether a text has the 13 digits of a time from 2001 to 2040, in milliseconds."""
    return _EPOCH_MS.fullmatch(text) is not None and int(text[:13]) < _EPOCH_END


def may_be_date(value: Any, name: str) -> bool:
    """Return whether a number may be a date, judging by its digits or the label."""
    try:
        if float(value) != value or abs(value) > 1e16:  # noqa: PLR2004 - digits of a time, and more than all
            return False
    except (OverflowError, ValueError, TypeError):
        return False
    is_compact = value == int(value) and str(int(value))[:2] in ("19", "20") and len(str(int(value))) in (8, 12, 14)
    return is_compact or is_time_like(name) or _may_be_epoch_ms(str(int(value)))


def _is_barcode(number: int) -> bool:
    """Return whether the last digit is the check digit of an EAN."""
    digits = list(map(int, str(number)))
    return (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0


_EPOCH_MS: Final = re.compile(r"[12][0-9]{12}")
_EPOCH_END: Final = 2_208_988_800_000  # 2040
_NUMBERED: Final = 100
"""Average step up to which numbers look like a sequence."""
_FIRST_LOOK: Final = 50  # values; they are enough to recognize most columns that have other digits


# the century --------------------------------------------------------------------------------------------------------


def _have_short_years(texts: Sequence[str]) -> Mask:
    """Return a mask of the texts that are dates with a two-digit year, whichever century it means."""
    found = np.zeros(len(texts), dtype=bool)
    for form in {form for text in shapes_of(texts).names for form in formats_like(text) if "%y" in form}:
        found |= parse_dates(texts, form, _UTC, any_century=True).ok
    return found


def _has_open_century(profile: Profile, tried: dict[str, Dates]) -> bool:
    """Return whether a two-digit year may be of either century."""
    short = [found.values[found.ok] for form, found in tried.items() if "%y" in form]
    unread = profile.texts if not tried else profile.where(~_any_of(found.ok for found in tried.values())).texts
    if _have_short_years(unread[:_MAX_UNREAD]).any():
        return True
    years = {int(year) + 1970 for values in short for year in np.unique(values.astype("M8[Y]").astype("i8"))}
    return any(year > 2025 for year in years) and any(year < 2000 for year in years)  # noqa: PLR2004 - see the reason


def open_century(profile: Profile) -> Suggestion | None:
    """Leave open the century of two-digit years; None if few texts have any."""
    sample = profile.sample
    short = _have_short_years(sample.texts)
    if not short.any() or sample.count(short) < LIKELY * sample.cells / 2:
        return None
    return _open_date(
        "two-digit years that may be of either century (45 may be 1945 or 2045, and 30 next to 78 may be 1930): "
        "write them with four digits at the source, and use %Y",
        profile.cells,
    )


# the order of day and month -----------------------------------------------------------------------------------------


def _in_order(profile: Profile, tried: dict[str, Dates]) -> tuple[dict[str, Dates], list[Suggestion | None]]:
    """Leave out the formats whose order of day and month the values contradict or do not settle."""
    kept: dict[str, Dates] = {}
    groups: dict[str, dict[str, list[str]]] = {}  # separator → what comes first → formats
    for form, found in tried.items():
        match = _NUMERIC_ORDER.match(form)
        if match is None:
            kept[form] = found
        else:
            groups.setdefault(match[2], {"d": [], "m": [], "y": []})[match[1]].append(form)
    refusals: list[Suggestion | None] = []
    for _, orders in sorted(groups.items()):
        chosen, refusal = _order_of(profile, tried, orders)
        kept.update({form: tried[form] for form in chosen})
        refusals.append(refusal)
    return kept, refusals


def _order_of(
    profile: Profile, tried: dict[str, Dates], orders: dict[str, list[str]]
) -> tuple[list[str], Suggestion | None]:
    """Return the formats of one separator that fit; if none does, the reason."""
    dates = {first: _union([tried[form] for form in forms], len(profile.texts)) for first, forms in orders.items()}
    is_day, is_month = ~np.isnat(dates["d"]), ~np.isnat(dates["m"])
    unsure = profile.count(is_day & is_month & (dates["d"] != dates["m"]))
    only_day, only_month = profile.count(is_day & ~is_month), profile.count(is_month & ~is_day)
    day_form = orders["d"][0] if orders["d"] else ""
    text = datetime(2025, 2, 1, 9, 30).strftime(day_form)  # noqa: DTZ001 - an example
    if only_day and only_month:  # a date that can be either, in this file or the next, would be read by chance
        either = f", and {unsure:,} like {text} can be either" * bool(unsure)
        return [], _open_date(
            f"both orders of day and month occur: {plural(only_day, 'value')} can only have the day first, "
            f"{only_month:,} only the month first{either}; correct them at the source",
            profile.count(is_day | is_month),
        )
    if unsure and not only_day and not only_month:
        month_form = day_form.translate(str.maketrans("dm", "md"))
        return [], _open_date(
            f"no value settles the order of day and month: {text} is 2025-02-01 with "
            f"{options_text(date_format=day_form)}, and 2025-01-02 with {options_text(date_format=month_form)}",
            profile.count(is_day & is_month),
            *(day_form, month_form),
        )
    chosen, is_read = (orders["m"], is_month) if only_month else (orders["d"], is_day)
    if chosen and _may_start_with_year(profile, dates["y"], is_read):
        return [], _open_date(
            "the year may come first or last: 25-01-31 is 2025-01-31 with "
            f"{options_text(date_format=orders['y'][0])}, and 2031-01-25 with {options_text(date_format=chosen[0])}",
            profile.count(~np.isnat(dates["y"])),
            *(orders["y"][0], chosen[0]),
        )
    return chosen or orders["y"], None


def _union(tried: Sequence[Dates], size: int) -> Moments:
    """Return the dates that any of the formats reads; NaT for other texts."""
    dates: Moments = np.full(size, np.datetime64("NaT"), dtype="M8[us]")
    for found in tried:
        dates[found.ok] = found.values[found.ok]
    return dates


def _may_start_with_year(profile: Profile, dates: Moments, is_read: Mask) -> bool:
    """Return whether the first two digits are more likely the year than the last two: they differ less."""
    is_date = ~np.isnat(dates)
    if not is_date.any() or profile.count(is_date) < profile.count(is_read):
        return False
    days = dates[is_date].astype("M8[D]")
    years, days_of_month = np.unique(days.astype("M8[Y]")), np.unique(days - days.astype("M8[M]"))
    return len(years) < len(days_of_month)


# what is suggested --------------------------------------------------------------------------------------------------


def _cover(profile: Profile, kept: dict[str, Dates]) -> list[str]:
    """Return the fewest formats that read all that any format reads, most common first; ISO 8601 wins ties."""
    formats: list[str] = []
    left = np.ones(len(profile.texts), dtype=bool)
    while True:
        counts = {form: profile.count(found.ok & left) for form, found in kept.items() if form not in formats}
        best = max(counts, key=lambda form: (counts[form], form == ISO), default=None)
        if best is None or not counts[best]:
            return formats
        formats.append(best)
        left &= ~kept[best].ok


def _settled_date(profile: Profile, kept: dict[str, Dates], formats: list[str], read: int) -> Suggestion | None:
    for i, form in enumerate(formats):
        for other in formats[i + 1 :]:
            both = kept[form].ok & kept[other].ok
            if (kept[form].values[both] != kept[other].values[both]).any():
                return _open_date(
                    f"some values can be read in two formats, {form!r} and {other!r}, as different dates", read
                )
    examples = "; ".join(
        f"{_example_date(form)} is read as {_example_meaning(form)}" for form in formats[:_SHOWN_FORMATS]
    )
    has_offset = any(kept[form].aware.any() for form in formats if form not in NUMERIC_FORMATS)
    has_none = any((kept[form].ok & ~kept[form].aware).any() for form in formats)
    zone = ""
    if has_offset:
        others = ", the others are unchanged" if has_none else ""
        zone = (
            f"; those with an offset are converted to the zone of {argument('timezone')}{others}: "
            "in UTC, 02:30 +05:30 is 21:00 of the day before"
        )
    present = profile.cells
    counted = f"{of_all(read, present)} {'are dates' if present > 1 else 'is a date'}"
    value: Any = formats[0] if len(formats) == 1 else formats
    reason = f"{counted}: {examples}{zone}{rest_of(read, present)}"
    rest, warns = present - read, Rule.TYPE_DOUBTFUL
    return Suggestion("date_format", None, value, reason, read, rest=rest, type=DATE, warns=warns)


def _example_date(form: str) -> str:
    """Return a made-up date in a format, instead of a customer's value."""
    if form in NAMED_FORMATS:
        return NAMED_FORMATS[form].example
    date = datetime(2025, 1, 31, 9, 30)  # noqa: DTZ001 - an example
    return date.strftime(form.replace("%z", "+0530"))


def _example_meaning(form: str) -> str:
    parsed = parse_dates([_example_date(form)], form, _UTC)
    text = str(parsed.values[0].astype("M8[s]")).replace("T", " ").removesuffix(" 00:00:00")
    return f"{text} in UTC" if parsed.aware[0] else text


def _open_date(reason: str, cells: int, *choices: str) -> Suggestion:
    return Suggestion("date_format", None, None, reason, cells, type=DATE, choices=choices, warns=Rule.TYPE_DOUBTFUL)


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


def zone_of_days(column: pd.Series[Any], zone: ZoneInfo, region: str) -> str | None:
    """Return the zone in which all dates of a column are midnights, if `zone` would change their days; else None."""
    present = present_cells(column)
    own, is_aware = _zones_of(present)
    if not is_aware:
        return None
    return _first_zone(lambda one: extract(present, Kind.DATE, one).values, zone, own, region)


def zone_of_texts(texts: Sequence[str], formats: Iterable[str], zone: ZoneInfo, region: str) -> str | None:
    """Return the same for texts that `formats` read as instants."""
    return _first_zone(lambda one: parse_by_first(texts, formats, one), zone, None, region)


def may_be_days(texts: Sequence[str], formats: Iterable[str], region: str) -> bool:
    """Return whether `formats` read all texts as midnights of the region, as `zone_of_texts` requires."""
    local = _in_zone(lambda one: parse_by_first(texts, formats, one), _ZONE_OF_REGION.get(region))
    return local is not None and _are_midnights(local)


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


def _first_zone(read: Callable[[ZoneInfo], Moments], zone: ZoneInfo, own: str | None, region: str) -> str | None:
    in_zone = read(zone)
    for name, few in ((own, 1), (_ZONE_OF_REGION.get(region), _FEW_DAYS)):
        local = _in_zone(read, name)
        if name is None or local is None or not _are_midnights(local):
            continue
        days = local.astype("M8[D]")
        if len(np.unique(days)) >= few and bool((in_zone.astype("M8[D]") != days).any()):
            return name
    return None


def _in_zone(read: Callable[[ZoneInfo], Moments], name: str | None) -> Moments | None:
    """Return dates read in a zone; None if there is no such zone."""
    if name is None or "/" not in name:
        return None
    try:
        return read(ZoneInfo(name))
    except (KeyError, ValueError, OSError):
        return None


def _are_midnights(dates: Moments) -> bool:
    return bool((dates == dates.astype("M8[D]")).all())
