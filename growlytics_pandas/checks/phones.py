"""Find the spelling of phone numbers, and whether numbers without a country code may be of another region."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Final

from growlytics_pandas import contract
from growlytics_pandas._rules import Rule
from growlytics_pandas._text import argument, options_text, plural
from growlytics_pandas.checks.profile import CONTACT_SAMPLE, CONTACT_SHARE, LIKELY, SAMPLE, Profile, Suggestion, mask_of
from growlytics_pandas.columns.contacts import country_code, mobile_spellings, normalize_texts, region_of
from growlytics_pandas.columns.parsers import shapes_of

_LEAST_DIGITS: Final = 7


def have_several_spellings(profile: Profile, region: str) -> bool:
    """Return whether most texts are mobile numbers, written in several ways."""
    first = profile.texts[:CONTACT_SAMPLE]
    if mobile_spellings(first, region).count(None) >= (1 - CONTACT_SHARE) * len(first) or profile.has_one_shape():
        return False
    return len(set(mobile_spellings(profile.texts, region)) - {None}) > 1


def suggest_mobile(profile: Profile, label: Hashable, region: str) -> Suggestion | None:
    """Suggest one spelling for phone numbers, or leave their region open; None if they have one spelling already."""
    is_home = region == contract.INDIA  # the service's: elsewhere a number needs its country code
    if is_home and profile.has_one_shape() and profile.texts[0][-2:-1] != ".":
        return None
    other = _other_region(profile.sample.texts, region)
    if other is not None:
        return _ask_region(label, region, other, profile.cells)
    normal = normalize_texts(profile.texts, "E.164", region)
    read = profile.where(mask_of(normal, lambda text: text.startswith("+")))
    shapes = shapes_of(read.texts)
    is_one = len(shapes.names) < 2 and not any(text.endswith(".0") for text in read.texts)  # noqa: PLR2004 - one spelling
    cells = read.count(shapes.spread([not re.fullmatch(r"\+1+", shape) for shape in shapes.names]))
    if not cells or (is_home and is_one):
        return None
    why = "without their country code" if is_one else "written in several ways"
    reason = (
        f"phone numbers are {why}: {plural(cells, 'value')} are converted to the form +{country_code(region)}…, so "
        f"that each number has one spelling; those without a country code are read as of {region}"
    )
    # a warning for ids, since each spelling would be another customer
    return Suggestion("normalize", label, "E.164", reason, cells, warns=Rule.ID_CASE_DUPLICATE)


def open_region(texts: Sequence[str], label: Hashable, region: str) -> Suggestion | None:
    """Leave the region of phone numbers open that are normalized already, if they may be of another one."""
    other = _other_region(list(dict.fromkeys(texts))[:SAMPLE], region)
    return None if other is None else _ask_region(label, region, other, sum(map(_is_without_code, texts)))


def _ask_region(label: Hashable, region: str, other: str, cells: int) -> Suggestion:
    guess = f"{options_text(region=other)}?" if other else argument("region")
    reason = (
        f"phone numbers without a country code may be of another country than {region}, and are read as of {region}: "
        f"give their region ({guess}), or write them with their codes (+44…)"
    )
    return Suggestion("normalize", label, None, reason, cells, warns=Rule.MOBILE_INVALID)


def _other_region(texts: Sequence[str], region: str) -> str | None:
    """Return the region to which numbers without a code may belong; '' if it is not known, None if `region` fits.

    It does not fit if most of the codes are of others, if the numbers are written as in North America, or if many of
    them do not exist in it.
    """
    bare = list(filter(_is_without_code, texts))
    regions = Counter(map(region_of, normalize_texts(list(filter(_has_code, texts)), "E.164", region)))
    if not bare or 2 * regions[region] >= regions.total() > 0:
        return None
    if regions:
        return regions.most_common(1)[0][0]
    if country_code(region) != country_code("US") and sum(map(_is_american, bare)) * 2 > len(bare):
        return "US"
    n_read = sum(text.startswith("+") for text in normalize_texts(bare, "E.164", region))
    return "" if n_read < LIKELY * len(bare) else None


_AMERICAN: Final = re.compile(r"\(?[2-9]\d{2}\)?[ .-]{0,2}[2-9]\d{2}[ .-]\d{4}")


def _is_american(phone: str) -> bool:
    return _AMERICAN.fullmatch(phone) is not None


def _is_without_code(phone: str) -> bool:
    return not _has_code(phone) and sum(map(str.isdigit, phone)) >= _LEAST_DIGITS


def _has_code(phone: str) -> bool:
    return phone.lstrip("( ").startswith(("+", "00"))
