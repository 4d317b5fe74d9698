"""Time zones by name, and which one is probably meant by what is none."""

import difflib
from contextlib import suppress
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from growlytics_pandas.errors import InvalidArgumentError

_WELL_KNOWN: Final = {
    **dict.fromkeys(("IST", "INDIA", "MUMBAI", "DELHI", "+05:30", "UTC+5:30", "UTC+05:30"), "Asia/Kolkata"),
    **dict.fromkeys(("PST", "PDT", "PT"), "America/Los_Angeles"),
    **dict.fromkeys(("CDT", "CT"), "America/Chicago"),
    **dict.fromkeys(("EDT", "ET"), "America/New_York"),
    **dict.fromkeys(("Z", "+00:00"), "UTC"),
    "BST": "Europe/London",
    "CEST": "Europe/Berlin",
    "GST": "Asia/Dubai",
    "SGT": "Asia/Singapore",
    "JST": "Asia/Tokyo",
    "AEST": "Australia/Sydney",
}


def read_zone(timezone: str) -> ZoneInfo:
    """Return the time zone of that name.

    Examples
    --------
    >>> read_zone("Asia/Kolkata")
    zoneinfo.ZoneInfo(key='Asia/Kolkata')
    """
    with suppress(KeyError, ValueError, TypeError, OSError):  # their messages repeat what may be an API key
        return ZoneInfo(timezone)
    raise InvalidArgumentError(
        f"timezone: found {timezone!r}; it must be the name of a zone, such as 'UTC' or 'Asia/Kolkata'."
        f"{_suggest(timezone)}"
    )


def _suggest(timezone: Any) -> str:
    if not isinstance(timezone, str):
        return ""
    meant = _WELL_KNOWN.get(timezone.strip().upper())
    if meant is None and not any(map(str.isdigit, timezone)):  # 'UTC+1' is not a way to write 'UTC'
        zones = {zone.casefold(): zone for zone in sorted(available_timezones())}
        meant = next((zones[near] for near in difflib.get_close_matches(timezone.strip().casefold(), zones, n=1)), None)
    return "" if meant is None else f" Did you mean {meant!r}?"
