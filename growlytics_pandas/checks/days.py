"""Dates with a zone that are whole days there, which another zone would turn into the evening before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types as dtypes

from growlytics_pandas.columns.date_parsers import date_parser
from growlytics_pandas.columns.dtypes import Kind, Mask, absent, extract

_FEW: Final = 3
"""Distinct days; fewer that are midnights in a zone that nobody named may be so by chance."""
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
"""The zone of regions that have one."""
_Read = Callable[[ZoneInfo], npt.NDArray[np.datetime64]]


def zone_of_days(column: pd.Series[Any], zone: ZoneInfo, region: str) -> str | None:
    """Return the zone in which all dates of a column are midnights, where `zone` would change their day."""
    present = column[(~absent(column)).to_numpy(dtype=bool)]
    own, is_aware = _zones_of(present)
    if not is_aware:
        return None
    return _first(lambda one: extract(present, Kind.DATE, one).values, zone, own, region)


def zone_of_texts(texts: list[str], formats: Iterable[str], zone: ZoneInfo, region: str) -> str | None:
    """Return that zone for texts that are read by `formats`, each of which names an instant."""

    def read(one: ZoneInfo) -> npt.NDArray[np.datetime64]:
        values = np.full(len(texts), np.datetime64("NaT"), dtype="M8[us]")
        for form in formats:
            parsed = date_parser(form).parse(texts, one)
            found: Mask = parsed.ok & np.isnat(values)
            values[found] = parsed.values[found]
        return values

    return _first(read, zone, None, region)


def _zones_of(present: pd.Series[Any]) -> tuple[str | None, bool]:
    """Return the name of the one zone of a column, and whether all of its dates have a zone."""
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


def _first(read: _Read, zone: ZoneInfo, own: str | None, region: str) -> str | None:
    in_zone = read(zone)
    for name, few in ((own, 1), (_ZONE_OF_REGION.get(region), _FEW)):
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
