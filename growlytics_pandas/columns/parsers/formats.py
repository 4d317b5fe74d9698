"""Which formats a text may be in, by what it looks like; the parsers decide."""

from __future__ import annotations

import re
from typing import Final

_MONTH: Final = r"(?P<b>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_WEEKDAY: Final = r"(?:(?P<a>mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?(?P<after_a>,?\s+))?"
_TIME: Final = (
    r"(?:(?P<before>,?\s+|T|\s+at\s+|:)?(?P<H>[0-9]{1,2}):[0-9]{2}(?P<S>:[0-9]{2})?(?P<f>[.][0-9]{1,9})?"
    r"(?:(?P<before_p>\s*)(?P<p>[ap]\.?m\.?))?(?:(?P<before_z>\s*)(?P<z>Z|UTC|GMT|(?:UTC|GMT)?[+-][0-9]{2}:?[0-9]{2}))?)?"
)
_SHAPES: Final = tuple(
    re.compile(_WEEKDAY + date + _TIME, re.IGNORECASE)
    for date in (
        r"(?P<n1>[0-9]{1,2})(?P<s1>[/. -])(?P<n2>[0-9]{1,2})(?P<s2>[/. -])(?P<Y>[0-9]{4}|[0-9]{2}(?![0-9]))",
        r"(?P<Y>[0-9]{4})(?P<s1>[/. -])(?P<m>[0-9]{1,2})(?P<s2>[/. -])(?P<d>[0-9]{1,2})",
        (
            rf"(?P<d>[0-9]{{1,2}})(?:st|nd|rd|th)?(?P<s1>[/. -]?|,\s+|\s+of\s+){_MONTH}(?P<s2>[/. -]?|,\s*)"
            r"(?P<Y>[0-9]{4}|[0-9]{2}(?![0-9:]))"
        ),
        rf"{_MONTH}(?P<s1>[/. -]?)(?P<d>[0-9]{{1,2}})(?:st|nd|rd|th)?(?P<s2>,?\s*|[/.-])(?P<Y>[0-9]{{4}})",
        rf"(?P<Y>[0-9]{{4}})(?P<s1>[/. -]?){_MONTH}(?P<s2>[/. -]?)(?P<d>[0-9]{{1,2}})",
    )
)
_CTIME: Final = re.compile(
    rf"(?:[a-z]{{3}} )?{_MONTH}\s+[0-9]{{1,2}} [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}} [0-9]{{4}}", re.IGNORECASE
)


def formats_like(text: str) -> list[str]:
    """Return the formats that a text may be in, by its digits, names and separators; the parsers decide.

    Examples
    --------
    >>> formats_like("31/01/2025"), formats_like("Jan 31, 2025 9:30 PM"), formats_like("soon")
    (['%d/%m/%Y', '%m/%d/%Y'], ['%b %d, %Y %I:%M %p'], [])
    """
    for shape in _SHAPES:
        match = shape.fullmatch(text)
        if match is not None:
            return _formats_of(match)
    if _CTIME.fullmatch(text):
        return [("%a " if text[3:4] == " " and text[4:5].isalpha() else "") + "%b %d %H:%M:%S %Y"]
    return []


def _formats_of(match: re.Match[str]) -> list[str]:
    found = match.groupdict()
    year = "%Y" if len(found["Y"]) == len("2025") else "%y"
    start = f"%a{',' * (',' in found['after_a'])} " if found["a"] else ""
    between, end = (found["s1"], found["s2"]), _time_format(found)
    if "n1" in found:
        orders = [("%d", "%m", year), ("%m", "%d", year), *[("%y", "%m", "%d")] * (year == "%y")]
    else:
        month = "%b" if "b" in found else "%m"
        places = {"%d": match.start("d"), month: match.start("b" if "b" in found else "m"), year: match.start("Y")}
        first, second, third = sorted(places, key=places.__getitem__)
        orders = [(first, second, third)]
    spaced = [" " if one.isspace() else one for one in between]
    return [f"{start}{one}{spaced[0]}{two}{spaced[1]}{three}{end}" for one, two, three in orders]


def _time_format(found: dict[str, str | None]) -> str:
    if not found["H"]:
        return ""
    before = found["before"] or ""
    parts = [" " if before.isspace() else before, "%I" if found["p"] else "%H", ":%M", ":%S" if found["S"] else ""]
    parts += [".%f" if found["f"] else "", (" " if found["before_p"] else "") + "%p" if found["p"] else ""]
    parts += [(" " if found["before_z"] else "") + "%z" if found["z"] else ""]
    return "".join(parts)
