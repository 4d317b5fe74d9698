"""Which text is yes and no."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from growlytics_pandas.checks.profile import Profile, mask_of
from growlytics_pandas.checks.suggestion import MOST, Proposal, of_all, rest_of
from growlytics_pandas.columns.dtypes import Kind
from growlytics_pandas.columns.number_parsers import boolean_parser
from growlytics_pandas.contract import BOOLEAN

_UTC: Final = ZoneInfo("UTC")
_ALONE: Final = frozenset({"true", "false", "yes", "no", "y"})
"""Words that mean yes or no where the other is not there; F alone may be female, and on a place."""


def propose_boolean(profile: Profile) -> Proposal | None:
    """Return that the texts of a column are yes and no; None where they are not."""
    if sum(profile.others.values()) > profile.others[Kind.BOOLEAN] or profile.is_large:
        return None
    parsed = boolean_parser().parse(profile.texts, _UTC)
    words = mask_of(profile.texts, lambda text: not text.isdigit())
    read, present = profile.count(parsed.ok), profile.cells
    if read < MOST * present or not (parsed.ok & words).any():
        return None
    yes, no = (parsed.ok & (parsed.values == value) for value in (True, False))
    is_whole = read == present and {text.casefold() for text in profile.where(parsed.ok).texts} <= _ALONE
    if not (yes.any() and no.any()) and not is_whole:
        return None
    counted = f"{of_all(read, present)} {'are' if present > 1 else 'is'}"
    reason = f"{counted} yes/no: {profile.count(yes):,} true, {profile.count(no):,} false{rest_of(read, present)}"
    return Proposal("types", BOOLEAN, BOOLEAN, reason, read)
