"""E-mail addresses and mobile numbers: whether they are plausible, and one spelling for each.

Campaigns use ``email`` and ``mobile``, and the service returns success whatever they contain. An ASCII pattern
accepts plainly valid values; all others are checked by email-validator and phonenumbers, which know the rules but take
tens of microseconds per value. The patterns accept nothing that the libraries reject.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import filterfalse
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from growlytics_pandas.contract import INDIA

if TYPE_CHECKING:
    from phonenumbers import PhoneMetadata, PhoneNumber

INDIAN_CALLING_CODE: Final = 91
MAX_EMAIL_CHARS: Final = 254  # characters in an address, RFC 5321 as corrected by erratum 1690 of RFC 3696
MAX_MOBILE_CHARS: Final = 40  # characters; E.164 has 15 digits, the rest allows for signs and spaces between them
MAX_REASON_CHARS: Final = 120  # characters in a reason, so that it fits on one line in a frame

# Addresses of up to 64 characters, so that no part of one can be too long. Special-use domains, double hyphens
# (Punycode) and non-ASCII addresses are left to the library. Possessive quantifiers prevent backtracking.
MAX_PLAIN_CHARS: Final = 64
SPECIAL_DOMAINS: Final = ("arpa", "invalid", "local", "localhost", "onion", "test")
PLAIN_EMAIL: Final = re.compile(
    rf"(?!.{{{MAX_PLAIN_CHARS + 1}}})[A-Za-z0-9_+-]++(?:\.[A-Za-z0-9_+-]++)*+@(?:[A-Za-z0-9]++(?:-[A-Za-z0-9]++)*+\.)++"
    rf"(?!(?i:{'|'.join(SPECIAL_DOMAINS)})\Z)[A-Za-z]{{2,24}}"
)
PLAIN_INDIAN_MOBILE: Final = re.compile(r"(?:\+?91[ -]?|0)?(?P<national>[6-9][0-9]{4}[ -]?[0-9]{5})")
# The same for Arrow, in RE2 syntax; lengths and domains are checked beside it.
RE2_EMAIL: Final = r"^[A-Za-z0-9_+\-]+(\.[A-Za-z0-9_+\-]+)*@([A-Za-z0-9]+(-[A-Za-z0-9]+)*\.)+[A-Za-z]{2,24}\z"
RE2_INDIAN_MOBILE: Final = r"^(\+?91[ \-]?|0)?[6-9][0-9]{4}[ \-]?[0-9]{5}\z"
_NEVER: Final = re.compile(r"(?!)")
_SEVERAL: Final = re.compile(r"[0-9][0-9 ().-]{6,}\s*/\s*[+(]*[0-9][0-9 ().+-]{6,}")
FOREIGN_TO_MOBILES: Final = re.compile(r"[^0-9+\-(). /]")
_MAILTO: Final = re.compile(r"mailto:([^?]*)(?:\?.*)?", re.IGNORECASE | re.DOTALL)
_WITH_NAME: Final = re.compile(r"[^<>]*<\s*([^<>\s]+)\s*>")
_BRACKETS: Final = MappingProxyType({"(": ")", "[": "]"})


@dataclass(frozen=True, slots=True)
class Problem:
    """One invalid value.

    Attributes
    ----------
    position : int
        Its position in the given values, from 0.
    reason : str
        What is wrong, in one short line.
    """

    position: int
    reason: str


def invalid_emails(values: Sequence[str]) -> list[Problem]:
    """Find values that are not valid e-mail addresses. The domain is not looked up.

    Parameters
    ----------
    values : sequence of str
        The addresses, without missing ones. Each distinct value is checked once.

    Returns
    -------
    list of Problem
        One per rejected value, in the order of `values`. An address at a special-use domain (``.test``, ``.local``)
        is rejected; ``example.com`` and similar domains are not.

    Examples
    --------
    >>> invalid_emails(["asha@example.com", "asha.example.com"])
    [Problem(position=1, reason='no @ sign')]
    """
    return _find_problems(values, PLAIN_EMAIL, _check_email)


def invalid_mobiles(values: Sequence[str], region: str) -> list[Problem]:
    """Find values that are not valid mobile numbers.

    Parameters
    ----------
    values : sequence of str
        The numbers, without missing ones. Each distinct value is checked once.
    region : str
        Two-letter code of the country for numbers without a country code.

    Returns
    -------
    list of Problem
        One per rejected value, in the order of `values`. Landline numbers are rejected in countries that give
        them other numbers than mobiles.

    Examples
    --------
    >>> invalid_mobiles(["9919211112", "+91 99192 11112", "99192111123", "022 2345 6789"], "IN")
    [Problem(position=2, reason='11 digits: too long for IN'), Problem(position=3, reason='a landline number')]
    """
    code = region.upper()
    return _find_problems(values, _plain_mobile(code), partial(_check_mobile, region=code))


def normalize_texts(texts: Sequence[str], how: str, region: str) -> list[str]:
    """Normalize contacts; texts that are not an address or number are left unchanged.

    Parameters
    ----------
    texts : sequence of str
        Distinct texts.
    how : {"lower", "email", "E.164", "national"}
        "lower": lower case. "email": the address alone, in lower case. "E.164": ``+919919211112``. "national": the
        digits without the code of `region`; numbers of other countries as for "E.164".
    region : str
        Two-letter code of the country for mobile numbers without a country code.

    Examples
    --------
    >>> normalize_texts(["Asha Rao <Asha@Example.com>", "mailto:asha@example.com"], "email", "IN")
    ['asha@example.com', 'asha@example.com']
    >>> normalize_texts(["099192 11112", "9919211112.0", "+1 650-253-0000", "call me"], "E.164", "IN")
    ['+919919211112', '+919919211112', '+16502530000', 'call me']
    """
    if how == "lower":
        return list(map(str.lower, texts))
    if how == "email":
        return list(map(_email, texts))
    return _normalize_mobiles(texts, region.upper(), is_national=how == "national")


def _normalize_mobiles(texts: Sequence[str], region: str, *, is_national: bool) -> list[str]:
    plain = _plain_mobile(region)
    prefix = "" if is_national else f"+{country_code(region)}"
    found = []
    for text in texts:
        match = plain.fullmatch(text)
        if match is not None:
            found.append(prefix + match["national"].replace(" ", "").replace("-", ""))
        else:
            found.append(_normalize_mobile(text, region, is_national=is_national))
    return found


def mobile_spellings(values: Sequence[str], region: str) -> list[str | None]:
    """Return how each mobile number is spelled: its prefix and separators; None for values that are not mobiles.

    Digits without separators count as a mobile only if they are plain, since many ids have as many digits.

    Examples
    --------
    >>> mobile_spellings(["9919211112", "+91 99192-11112", "(099192) 11112", "1234567890", "CRM-1"], "IN")
    ['', '+91 -', '() ', None, None]
    """
    code = region.upper()
    plain = _plain_mobile(code)
    found: list[str | None] = []
    for value in values:
        if match := plain.fullmatch(value):
            found.append(value[: match.start("national")] + re.sub("[0-9]", "", match["national"]))
        else:
            found.append(re.sub("[0-9]", "", value) if _is_marked_mobile(value, code) else None)
    return found


def _is_marked_mobile(value: str, region: str) -> bool:
    """Return whether a value with a sign or separator is a valid mobile number."""
    if value.isdigit() or FOREIGN_TO_MOBILES.search(value) or not sum(map(str.isdigit, value)) >= _MIN_DIGITS:
        return False
    import phonenumbers  # noqa: PLC0415 - see above

    try:
        number = _parse_phone(value[: MAX_MOBILE_CHARS + 1], region)
    except phonenumbers.NumberParseException:
        return False
    kinds = phonenumbers.PhoneNumberType
    return phonenumbers.number_type(number) in (kinds.MOBILE, kinds.FIXED_LINE_OR_MOBILE)


_MIN_DIGITS: Final = 8  # of a mobile number in any country, except for a few islands


def _email(text: str) -> str:
    """Return the address in a text; the text itself if it contains none or several."""
    found = text.strip()
    if match := _MAILTO.fullmatch(found):
        found = unquote(match[1])
    if match := _WITH_NAME.fullmatch(found):
        found = match[1]
        if match := _MAILTO.fullmatch(found):
            found = unquote(match[1])
    if len(found) > 1 and _BRACKETS.get(found[0]) == found[-1]:
        found = found[1:-1]
    found = found.strip().rstrip(";,").rstrip()
    return found.lower() if found.count("@") == 1 else text


def region_of(number: str) -> str:
    """Return the main region of the calling code of a number like ``+33612345678``; '' if it has none."""
    import phonenumbers  # noqa: PLC0415 - see above

    try:
        code = phonenumbers.parse(number).country_code or 0
    except phonenumbers.NumberParseException:
        return ""
    return str(phonenumbers.region_code_for_country_code(code))


def country_code(region: str) -> int:
    """Return the calling code of a region."""
    if region == INDIA:
        return INDIAN_CALLING_CODE
    import phonenumbers  # noqa: PLC0415 - its tables take tens of milliseconds to import

    return int(phonenumbers.country_code_for_region(region))


def _normalize_mobile(value: str, region: str, *, is_national: bool) -> str:
    import phonenumbers  # noqa: PLC0415 - see above

    text = value.strip().removesuffix(".0")  # a float converted to text
    if text[:4].lower() == "tel:":
        text = text[4:]
    if any(map(str.isalpha, text)) or len(text) > MAX_MOBILE_CHARS:  # the library would convert letters to digits
        return value
    try:
        number = _parse_phone(text, region)
    except phonenumbers.NumberParseException:
        return value
    if number.extension or not phonenumbers.is_valid_number(number):
        return value
    if is_national and number.country_code == country_code(region):
        return str(phonenumbers.national_significant_number(number))
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _parse_phone(text: str, region: str) -> "PhoneNumber":
    """Read a number. A trunk zero in brackets, as in +48 (0)501 234 567, is removed where the number has none."""
    import phonenumbers  # noqa: PLC0415 - see above

    number = phonenumbers.parse(text, region)
    if _TRUNK_ZERO in text and not phonenumbers.is_valid_number(number):
        without = phonenumbers.parse(text.replace(_TRUNK_ZERO, "", 1), region)
        return without if phonenumbers.is_valid_number(without) else number
    return number


_TRUNK_ZERO: Final = "(0)"


def _find_problems(values: Sequence[str], plain: re.Pattern[str], check: Callable[[str], str | None]) -> list[Problem]:
    odd = dict.fromkeys(filterfalse(plain.fullmatch, values))
    reasons = {value: reason for value in odd if (reason := check(value)) is not None}
    if not reasons:
        return []
    return [Problem(position, reasons[value]) for position, value in enumerate(values) if value in reasons]


def _plain_mobile(region: str) -> re.Pattern[str]:
    """Return the pattern of plain mobile numbers of `region`, built from the library's data.

    Numbers that could belong to another country, or start with a prefix to strip, are left to the library.
    """
    if region == INDIA:
        return PLAIN_INDIAN_MOBILE
    from phonenumbers import PhoneMetadata, region_code_for_country_code  # noqa: PLC0415 - see above

    known = PhoneMetadata.metadata_for_region(region)
    if known is None or known.mobile is None or not known.mobile.national_number_pattern:
        return _NEVER
    prefixes = (str(known.country_code), known.international_prefix, known.national_prefix_for_parsing)
    not_prefixed = "(?!" + "|".join(f"(?:{prefix})" for prefix in prefixes if prefix) + ")"
    of_length = "(?=(?:" + "|".join(f".{{{n}}}" for n in known.mobile.possible_length) + r")\Z)"
    is_main = region_code_for_country_code(known.country_code or 0) == region  # among regions that share the code
    start = _plain_start(known, is_main=is_main)
    pattern = f"{start}{not_prefixed}{of_length}(?P<national>{known.mobile.national_number_pattern})"
    return re.compile(pattern, re.ASCII)  # its \d must not take the digits of other scripts


def _plain_start(known: "PhoneMetadata", *, is_main: bool) -> str:
    """Return the pattern of what may precede a national number: its country code or a trunk prefix."""
    is_trunk_simple = known.national_prefix and known.national_prefix == known.national_prefix_for_parsing
    trunk = known.national_prefix if is_trunk_simple and not known.national_prefix_transform_rule else ""
    code = rf"\+{known.country_code}" if is_main else ""
    return "(?:" + "|".join(start for start in (code, trunk) if start) + ")?"


def _check_email(value: str) -> str | None:
    if stray := _find_stray_space(value):
        return stray
    if len(value) > MAX_EMAIL_CHARS:
        return f"{len(value)} characters: an address has at most {MAX_EMAIL_CHARS}"
    local, at, domain = value.rpartition("@")
    if not at:
        return "no @ sign"
    if not local or not domain:
        return f"nothing {'after' if local else 'before'} the @"
    if "." not in domain:
        return "the part after the @ has no dot"
    return _ask_email_validator(value)


def _ask_email_validator(value: str) -> str | None:
    from email_validator import validate_email  # noqa: PLC0415 - most frames never need it

    try:
        validate_email(value, check_deliverability=False)
    except ValueError as refused:  # its own error, or one from its Unicode tables
        words = " ".join(str(refused).split()).rstrip(".").replace("@-sign", "@")
        return (words[:1].lower() + words[1:])[:MAX_REASON_CHARS]
    return None


def _check_mobile(value: str, region: str) -> str | None:
    if stray := _find_stray_space(value):
        return stray
    if foreign := FOREIGN_TO_MOBILES.search(value):
        return _name_character(foreign[0])
    n_digits = sum(map(str.isdigit, value))
    if n_digits == 0 or _SEVERAL.search(value):
        return "several numbers in one cell" if n_digits else "no digits"
    if len(value) > MAX_MOBILE_CHARS:
        return f"{len(value)} characters: too long for a number"
    if value.endswith(".0"):
        return "it ends in .0: the column was read as floats"
    return _ask_phonenumbers(value, region, n_digits)


def _ask_phonenumbers(value: str, region: str, n_digits: int) -> str | None:
    import phonenumbers  # noqa: PLC0415 - its tables take tens of milliseconds to import

    unreadable = phonenumbers.NumberParseException
    try:
        number = _parse_phone(value, region)
    except unreadable as refused:
        if refused.error_type == unreadable.INVALID_COUNTRY_CODE:
            return "no country's code at its start"
        too = "long" if refused.error_type == unreadable.TOO_LONG else "short"
        return f"{_count(n_digits)}: too {too} for a number"
    if not phonenumbers.is_valid_number(number):
        return _explain(number, region)
    is_landline = phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.FIXED_LINE
    return "a landline number" if is_landline else None


def _explain(number: "PhoneNumber", region: str) -> str:
    import phonenumbers  # noqa: PLC0415 - see above

    is_home = phonenumbers.country_code_for_region(region) == number.country_code
    where = region if is_home else f"+{number.country_code}"
    digits = phonenumbers.national_significant_number(number)
    if len(set(digits)) == 1:
        return "one digit throughout"
    found = _count(len(digits))
    lengths = phonenumbers.ValidationResult
    kind = phonenumbers.PhoneNumberType.MOBILE
    match phonenumbers.is_possible_number_for_type_with_reason(number, kind):
        case lengths.TOO_LONG:
            return f"{found}: too long for {where}"
        case lengths.TOO_SHORT | lengths.IS_POSSIBLE_LOCAL_ONLY:
            return f"{found}: too short for {where}"
        case _:
            return f"no number of {where} has these digits"


def _count(n_digits: int) -> str:
    return f"{n_digits} digit{'s' if n_digits > 1 else ''}"


def _find_stray_space(value: str) -> str | None:
    if not value:
        return "empty"
    if value != value.strip():
        return "whitespace around it"
    if value.isascii() and value.isprintable():
        return None
    for char in value:
        if char != " " and unicodedata.category(char)[0] in "CZ":  # controls, formats, surrogates; separators
            return f"a character that cannot be seen, U+{ord(char):04X}"
    return None


def _name_character(char: str) -> str:
    if char.isalpha():
        return "a letter in it"
    if char.isdecimal():
        return "digits other than 0 to 9"
    return f"the character {char!a} in it"
