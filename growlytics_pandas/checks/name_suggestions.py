"""What a column's label indicates about its values, and suggestions for attribute names.

A label may indicate ids, codes, dates or contacts. Suggestions are valid names, and the reserved names that campaigns
use.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Final

import numpy as np

from growlytics_pandas import contract
from growlytics_pandas._labels import is_full_name, is_part_of_name, listed, words_of
from growlytics_pandas._text import argument, plural
from growlytics_pandas.checks.profile import Profile, Suggestion
from growlytics_pandas.columns.contacts import (
    PLAIN_EMAIL,
    country_code,
    invalid_emails,
    invalid_mobiles,
    mobile_spellings,
    normalize_texts,
)
from growlytics_pandas.columns.parsers import shapes_of
from growlytics_pandas.columns.reading import fold
from growlytics_pandas.columns.texts import strip_texts

_ID_ANYWHERE: Final = listed(
    """
    pin pincode zip zipcode postal postcode plz postleitzahl gstin aadhaar aadhar isbn imei ean upc sku hsn ifsc msisdn
    version barcode uuid guid passport ssn iban swift
    """
)
_ID_AT_END: Final = listed(
    """
    id ids code codes no nr num number phone mobile mob tel telephone cell whatsapp fax contact account acct
    card gst pan ref reference invoice ticket ver build release batch voucher coupon licence license key serial
    docket awb plot flat door room roll token otp cin tin din vat folio policy model
    """
)
_DATE_ANYWHERE: Final = listed(
    """
    date dates dt dob doj datetime timestamp time birth birthday birthdate epoch created updated modified joined
    joining registered anniversary expiry expires signup enrolled activated
    """
)
_TIME_ANYWHERE: Final = listed("seen last active login visit visited ms millis")
_DATE_AT_END: Final = frozenset({"at", "on", "ts"})
_NO_DATE: Final = listed(
    """
    count days day n no num number amount total id year years month months age diff duration zone hours minutes
    seconds times by value score code
    """
)


OLD_INDEX: Final = re.compile(r"Unnamed: \d+(?:\.\d+)?|index|level_\d+")
"""Labels that pandas gives an index that was written to a file."""


def is_id_like(name: str) -> bool:
    """Return whether a label indicates ids or codes, so that digits are not amounts.

    Examples
    --------
    >>> [is_id_like(name) for name in ("Pincode", "Invoice No", "No of Orders", "Phone Calls", "Spend")]
    [True, True, False, False, False]
    """
    words = words_of(name)
    return bool(words) and (not _ID_ANYWHERE.isdisjoint(words) or words[-1] in _ID_AT_END)


def is_code_like(name: str) -> bool:
    """Return whether a label indicates codes of digits that may begin with zeros, such as postal codes.

    Examples
    --------
    >>> [is_code_like(name) for name in ("Pincode", "PLZ", "Country code", "Invoice No", "Order id")]
    [True, True, True, False, False]
    """
    words = words_of(name)
    return bool(words) and (not _ID_ANYWHERE.isdisjoint(words) or words[-1] in ("code", "codes"))


def is_date_like(name: str) -> bool:
    """Return whether a label indicates dates.

    Examples
    --------
    >>> [is_date_like(name) for name in ("Joined", "created_at", "DOB", "Days since joined", "Spend")]
    [True, True, True, False, False]
    """
    words = words_of(name)
    if not words or not _NO_DATE.isdisjoint(words):
        return False
    return not _DATE_ANYWHERE.isdisjoint(words) or (len(words) > 1 and words[-1] in _DATE_AT_END)


def is_time_like(name: str) -> bool:
    """Return whether a label indicates dates or points in time, as epoch numbers hold.

    Examples
    --------
    >>> [is_time_like(name) for name in ("Last seen", "Last seen ms", "joined", "Last order id", "Spend")]
    [True, True, True, False, False]
    """
    words = words_of(name)
    return is_date_like(name) or (not _TIME_ANYWHERE.isdisjoint(words) and (_NO_DATE | _ID_AT_END).isdisjoint(words))


def is_day_like(name: str) -> bool:
    """Return whether a label indicates days, unlike times such as a response time.

    Examples
    --------
    >>> is_day_like("Joined"), is_day_like("Response time")
    (True, False)
    """
    return is_date_like(name) and "time" not in words_of(name)


_PLAIN_EMAIL_CHARS: Final = "abcdefghijklmnopqrstuvwxyz0123456789@._%+-"
_SAMPLED: Final = 200  # distinct values: enough to recognize contacts
_PAIR: Final = 2  # distinct values
_MOST: Final = 0.5  # share of them that must be addresses or numbers
_OF_OTHERS: Final = listed(
    """
    manager agent owner referrer referred referral referee father mother spouse guardian emergency alternate
    alternative alt secondary second other old previous sender support sales staff employee rep seller vendor
    nominee backup company product item city store file domain first last middle nick brand opt verified status
    count valid type bounce model os sent opened campaign
    """
)
_NOT_ADDRESSES: Final = _OF_OTHERS | {"id", "ids"}  # ids may be addresses, and are called what they are
_COMPANY: Final = listed(
    "gmbh ag kg ohg ug ev ltd limited llp pvt inc corp corporation llc plc sarl sas bv nv spa srl oy"
)
"""Words of companies' names."""
_WORDS_OF: Final = {
    "email": re.compile(r"e ?mail.*|.* ?e ?mail(?: ?(?:id|addr|address|adresse))?|mail ?(?:id|address)|mail"),
    "mobile": re.compile(
        r"(?:.* |customer|contact|client|user|primary)?"
        r"(?:mobile|mobil|mob|phone|cell|cellphone|telephone|telefon|telefono|telefone|telefoon|tel|handy|ruf|movil"
        r"|celular|cellulare|portable|whatsapp|msisdn|ph)"
        r"(?: ?(?:no|nr|num|number|nos|nummer|numero))?"
        r"|(?:.* )?contact ?(?:no|number|num)?|contacts"
    ),
}


def suggest_names(
    names: Mapping[int, str],
    labels: Sequence[Hashable],
    known: Collection[str],
    texts_of: Callable[[int], Profile | None],
    texts: Collection[int],
    region: str,
) -> list[Suggestion]:
    """Suggest names: first the reserved names that campaigns use, then valid names.

    `texts` are the positions of the columns of text.
    """
    contacts = _contacts(names, labels, texts_of, texts, region)
    renamed = {suggestion.column for suggestion in contacts if suggestion.value}
    return contacts + _fitting(names, labels, renamed, {one.value for one in contacts}, known)


# contacts -----------------------------------------------------------------------------------------------------------


def _contacts(
    names: Mapping[int, str],
    labels: Sequence[Hashable],
    texts_of: Callable[[int], Profile | None],
    texts: Collection[int],
    region: str,
) -> list[Suggestion]:
    found: list[Suggestion] = []
    for reserved, fits in _FITS.items():
        if reserved in names.values():
            continue
        if reserved == "name" and any(map(is_part_of_name, names.values())):
            fits = _count_whole_names  # noqa: PLW2901 - beside first names, "Name" may be the last name
        likely = [place for place, name in names.items() if _is_meant(name, reserved)]
        if reserved == "name":
            likely = [place for place in likely if _varies(texts_of(place))]
        counted = {place: count for place in likely if (count := _holds(texts_of(place), fits, region))}
        if not counted and reserved == "email":  # addresses are unmistakable, whatever the label is
            own = [place for place in texts if _NOT_ADDRESSES.isdisjoint(words_of(names[place]))]
            counted = {place: count for place in own if (count := _holds(texts_of(place), fits, region))}
        for place, cells in counted.items():
            others = " and ".join(repr(labels[other]) for other in counted if other != place)
            so_does = f", and so does {others}; campaigns" if others else ", and campaigns"
            reason = f"it contains {_WHAT[reserved]}{so_does} use only the attribute {reserved!r}"
            reason += ": rename one" if others else ""
            found.append(Suggestion("rename", labels[place], None if others else reserved, reason, cells))
    return found


def _is_meant(name: str, reserved: str) -> bool:
    words = words_of(name)
    if not _OF_OTHERS.isdisjoint(words):
        return False
    return is_full_name(name) if reserved == "name" else _WORDS_OF[reserved].fullmatch(" ".join(words)) is not None


def _varies(profile: Profile | None) -> bool:
    """Return whether a column has more than two repeated words, such as yes and no for "is a customer"."""
    return profile is not None and (len(profile.texts) > _PAIR or len(profile.texts) == profile.cells)


def _holds(profile: Profile | None, fits: Callable[[Sequence[str], str], int], region: str) -> int:
    """Return the number of cells of a column if `fits` accepts most of them; 0 otherwise."""
    if profile is None or not profile.texts:
        return 0
    texts = profile.texts[:_SAMPLED]
    return profile.cells if fits(texts, region) > _MOST * len(texts) else 0


def _count_emails(texts: Sequence[str], region: str) -> int:
    addresses = normalize_texts([text for text in texts if "@" in text], "email", region)
    return len(addresses) - len(invalid_emails(addresses))


def _count_mobiles(texts: Sequence[str], region: str) -> int:
    numbers = normalize_texts(texts, "E.164", region)
    return len(numbers) - len(invalid_mobiles(numbers, region))


def _count_people(texts: Sequence[str], _region: str) -> int:
    return sum(map(_may_be_person, texts))


def _count_whole_names(texts: Sequence[str], _region: str) -> int:
    return sum(_may_be_person(text) and len(text.split()) > 1 for text in texts)


def _may_be_person(text: str) -> bool:
    if not any(map(str.isalpha, text)) or any(char.isdigit() or char == "@" for char in text):
        return False
    return _COMPANY.isdisjoint(text.replace(".", "").casefold().split())


_FITS: Final = {"email": _count_emails, "mobile": _count_mobiles, "name": _count_people}
_WHAT: Final = {"email": "e-mail addresses", "mobile": "phone numbers", "name": "names of people"}


def have_several_spellings(profile: Profile, region: str) -> bool:
    """Return whether most texts are mobile numbers, written in several ways."""
    first = profile.texts[:_SAMPLED]
    if mobile_spellings(first, region).count(None) >= (1 - _MOST) * len(first) or profile.has_one_shape():
        return False
    return len(set(mobile_spellings(profile.texts, region)) - {None}) > 1


def suggest_normalization(profile: Profile, label: Hashable, reserved: str, region: str) -> Suggestion | None:
    """Suggest normalization for contacts that are written in several ways."""
    if not profile.texts:
        return None
    if reserved == "email":
        return _suggest_email(profile, label, region)
    return _suggest_mobile(profile, label, region)


def _suggest_email(profile: Profile, label: Hashable, region: str) -> Suggestion | None:
    if profile.has_only(_PLAIN_EMAIL_CHARS):
        return None  # the usual case
    is_plain = PLAIN_EMAIL.fullmatch
    odd = profile.where(np.array([not (text.islower() and is_plain(text)) for text in profile.texts], dtype=bool))
    if not odd.texts:
        return None
    normal = normalize_texts(odd.texts, "email", region)
    cells = odd.count(np.array([old != new for old, new in zip(odd.texts, normal, strict=True)], dtype=bool))
    if not cells:
        return None
    reason = (
        f"{plural(cells, 'value')} with capitals, a display name or mailto: Asha Rao <Asha@Example.com> is read as "
        " asha@example.com"
    )
    return Suggestion("normalize", label, "email", reason, cells)


def _suggest_mobile(profile: Profile, label: Hashable, region: str) -> Suggestion | None:
    if profile.has_one_shape() and profile.texts[0][-2:-1] != ".":
        return None
    normal = normalize_texts(profile.texts, "E.164", region)
    read = profile.where(np.array([text.startswith("+") for text in normal], dtype=bool))
    shapes = shapes_of(read.texts)
    if len(shapes.names) < 2 and not any(text.endswith(".0") for text in read.texts):  # noqa: PLR2004 - one spelling
        return None
    cells = read.count(shapes.spread([not re.fullmatch(r"\+1+", shape) for shape in shapes.names]))
    if cells and _may_be_of_another_region(profile.texts, normal, region):
        reason = (
            f"phone numbers with the code of another country stand next to numbers without a code, which {region} "
            f"would change: set {argument('region')} to their country"
        )
        return Suggestion("normalize", label, None, reason, cells)
    reason = (
        f"phone numbers are written in several ways: {plural(cells, 'value')} are converted to the form "
        f"+919919211112, so that each number has one spelling; those without a country code are read as of {region}"
    )
    return Suggestion("normalize", label, "E.164", reason, cells) if cells else None


def _may_be_of_another_region(texts: Sequence[str], normal: Sequence[str], region: str) -> bool:
    """Return whether numbers without a country code are likelier of another country: only its codes are written."""
    code = f"+{country_code(region)}"
    written = [new for text, new in zip(texts, normal, strict=True) if text.lstrip("( ").startswith(("+", "00"))]
    return 0 < len(written) < len(texts) and not any(text.startswith(code) for text in written)


# valid names -----------------------------------------------------------------------------------------------------


def _fitting(
    names: Mapping[int, str],
    labels: Sequence[Hashable],
    renamed: Collection[Hashable],
    used: Collection[str | None],
    known: Collection[str],
) -> list[Suggestion]:
    """Suggest names without extra white space or invisible characters, short enough and distinct."""
    sent = {place: name for place, name in names.items() if labels[place] not in renamed}
    new, alike = new_names(sent, labels, known), _alike(known)
    found: list[Suggestion] = []
    for place in sorted(new):
        old, name = names[place], new[place]
        tidy, wanted = _tidy(old), _wanted(old, alike)
        is_long = contract.count_chars(tidy) > contract.MAX_ATTRIBUTE_NAME_CHARS
        if name == wanted and name in contract.RESERVED_ATTRIBUTES:  # only contacts get these
            wanted = name = tidy
        if old in (*known, name) or not tidy:
            continue
        if is_long or (name == wanted and name not in used):
            found.append(Suggestion("rename", labels[place], name, _why(old, tidy, name, is_long=is_long), 0))
        elif old != wanted:
            reason = f"the names {old!a} and {wanted!a} look alike but differ: rename or exclude one of the columns"
            found.append(Suggestion("rename", labels[place], None, reason, 0))
    return found


def new_names(
    names: Mapping[int, str], labels: Mapping[int, Hashable] | Sequence[Hashable], known: Collection[str]
) -> dict[int, str]:
    """Return position → new name, for the fewest columns whose renaming makes all names valid and distinct.

    Of columns that clash, one keeps its name: that of an attribute known already, else the one whose label it is.
    """
    alike = _alike(known)
    used = {name_key(name) for name in names.values()} | alike.keys()
    taken: set[str] = set()
    new = {}

    def rank(place: int) -> tuple[bool, bool, bool]:
        name = names[place]
        return name not in alike.get(name_key(name), ()), name != _shortened(name), repr(name) != repr(labels[place])

    for place in sorted(names, key=rank):
        name, wanted = names[place], _wanted(names[place], alike) or f"Attribute {place}"
        if name_key(wanted) in taken:
            wanted = fitting_name(_tidy(name) or wanted, lambda one: name_key(one) in taken | used)
        taken.add(name_key(wanted))
        if wanted != name:
            new[place] = wanted
    return new


def _alike(known: Collection[str]) -> dict[str, set[str]]:
    """Return the reserved names and those of earlier pushes, by their keys."""
    found: dict[str, set[str]] = {}
    for name in (*known, *contract.RESERVED_ATTRIBUTES):
        found.setdefault(name_key(name), set()).add(name)
    return found


def _wanted(name: str, alike: Mapping[str, set[str]]) -> str:
    """Return the valid name for a column, regardless of other columns; '' if it has none."""
    fixed = alike.get(name_key(name), set())
    return name if name in fixed else next(iter(fixed)) if len(fixed) == 1 else _shortened(name)


def _shortened(name: str) -> str:
    return fitting_name(_tidy(name), lambda _: False)


def _tidy(name: str) -> str:
    """Return a name without extra white space and invisible characters; '' if it is not valid Unicode."""
    if not contract.is_unicode(name):
        return ""
    return unicodedata.normalize("NFC", " ".join(strip_texts([without_invisible(name)])[0].split()))


_INVISIBLE: Final = re.compile(r"[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\u00ad]")


def without_invisible(name: str) -> str:
    """Return a name without invisible characters and outer white space."""
    return _INVISIBLE.sub("", name).strip()


def name_key(name: str) -> str:
    """Return what two names that look alike have in common."""
    return fold(without_invisible(name))


def fitting_name(base: str, is_taken: Callable[[str], bool]) -> str:
    """Return a name cut to the allowed length, after a word if it has several, with a number if it is taken.

    Examples
    --------
    >>> fitting_name("City", {"City", "City 2"}.__contains__)
    'City 3'
    """
    for number in itertools.count(1):
        end = f" {number}" if number > 1 else ""
        name = base
        while contract.count_chars(name + end) > contract.MAX_ATTRIBUTE_NAME_CHARS:
            name = name[:-1]
        if name != base:
            words = (name + base[len(name)]).rpartition(" ")[0].rstrip(" (,-")
            name = words if len(words) > len(name) / 2 else name.rstrip()
        name += end
        if not is_taken(name):
            break
    return name


def _why(old: str, tidy: str, new: str, *, is_long: bool) -> str:
    if is_long:
        return (
            f"the name has {contract.count_chars(tidy)} characters, and {contract.MAX_ATTRIBUTE_NAME_CHARS} are allowed"
        )
    if old.casefold() == new.casefold():
        return f"earlier pushes sent it as {new!r}, and names are case-sensitive"
    return "the name has extra white space or invisible characters"
