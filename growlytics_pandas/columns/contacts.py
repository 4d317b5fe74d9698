"""Plausibility of e-mail addresses and mobile numbers, a block of one column at a time.

Campaigns are sent with ``email`` and ``mobile``, and the service answers success whatever stands there. What is
plainly valid is settled by one ASCII pattern; the rest goes to email-validator and phonenumbers, which know the rules
but take tens of microseconds a value. The patterns accept nothing that the libraries refuse.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import filterfalse
from typing import TYPE_CHECKING, Final

from growlytics_pandas._text import argument
from growlytics_pandas.columns.text_bytes import TextBytes
from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError

if TYPE_CHECKING:
    from phonenumbers import PhoneMetadata, PhoneNumber

INDIA: Final = "IN"  # the vendor's own country, and the default region
INDIAN_CALLING_CODE: Final = 91
MAX_EMAIL_CHARS: Final = 254  # characters in an address, RFC 5321 as corrected by erratum 1690 of RFC 3696
MAX_MOBILE_CHARS: Final = 40  # characters; E.164 has 15 digits, the rest is room for signs and spaces between them
MAX_REASON_CHARS: Final = 120  # characters of a reason, so that it stays one line in a frame

# Addresses of up to 64 characters, so that no part of one can be too long. Special-use domains, double hyphens
# (Punycode) and everything not ASCII are left to the library. Possessive, so that no text can make it backtrack.
PLAIN_EMAIL: Final = re.compile(
    r"(?!.{65})[A-Za-z0-9_+-]++(?:\.[A-Za-z0-9_+-]++)*+@(?:[A-Za-z0-9]++(?:-[A-Za-z0-9]++)*+\.)++"
    r"(?!(?i:arpa|invalid|local|localhost|onion|test)\Z)[A-Za-z]{2,24}"
)
PLAIN_INDIAN_MOBILE: Final = re.compile(r"(?:\+?91[ -]?|0)?(?P<national>[6-9][0-9]{4}[ -]?[0-9]{5})")
MAX_PLAIN_CHARS: Final = 64
_SPECIAL: Final = ("arpa", "invalid", "local", "localhost", "onion", "test")
_RE2_EMAIL: Final = r"^[A-Za-z0-9_+\-]+(\.[A-Za-z0-9_+\-]+)*@([A-Za-z0-9]+(-[A-Za-z0-9]+)*\.)+[A-Za-z]{2,24}\z"
_RE2_INDIAN_MOBILE: Final = r"^(\+?91[ \-]?|0)?[6-9][0-9]{4}[ \-]?[0-9]{5}\z"
NEVER: Final = re.compile(r"(?!)")
FOREIGN_TO_MOBILES: Final = re.compile(r"[^0-9+\-(). /]")


@dataclass(frozen=True, slots=True)
class Problem:
    """One value that cannot be right.

    Attributes
    ----------
    position : int
        Where it stands in the values that were given, from 0.
    reason : str
        What is wrong with it, in one short line.
    """

    position: int
    reason: str


def invalid_emails(values: Sequence[str]) -> list[Problem]:
    """Find what cannot be an e-mail address. The domain is not looked up.

    Parameters
    ----------
    values : sequence of str
        The addresses, without missing ones. Each distinct value is judged once.

    Returns
    -------
    list of Problem
        One per refused value, in the order of `values`. An address at a special-use domain (``.test``, ``.local``)
        is refused; ``example.com`` and its kin are not.

    Examples
    --------
    >>> invalid_emails(["asha@example.com", "asha.example.com"])
    [Problem(position=1, reason='no @ sign')]
    """
    return _find_problems(values, PLAIN_EMAIL, _judge_email)


def invalid_mobiles(values: Sequence[str], region: str) -> list[Problem]:
    """Find what cannot be a mobile number.

    Parameters
    ----------
    values : sequence of str
        The numbers, without missing ones. Each distinct value is judged once.
    region : str
        The country of the numbers written without one, two letters.

    Returns
    -------
    list of Problem
        One per refused value, in the order of `values`. Fixed lines pass: in many countries they cannot be told apart.

    Raises
    ------
    InvalidArgumentError
        If `region` is not a country that phonenumbers knows.

    Examples
    --------
    >>> invalid_mobiles(["9919211112", "+91 99192 11112", "99192111123"], "IN")
    [Problem(position=2, reason='11 digits: too long for IN')]
    """
    code = check_region(region)
    return _find_problems(values, _plain_mobile(code), partial(_judge_mobile, region=code))


def are_plain(found: TextBytes, name: str, region: str) -> bool:
    """Return whether all texts of a column are plainly valid as the contact `name`; False if that is open.

    The patterns are those above in the syntax of RE2, which looks through a column without making its texts.
    """
    if name == "email":
        return found.max_bytes <= MAX_PLAIN_CHARS and not found.may_end_with(_SPECIAL) and found.all_match(_RE2_EMAIL)
    return region.upper() == INDIA and found.all_match(_RE2_INDIAN_MOBILE)


def normalize_mobiles(values: Sequence[str], region: str, *, is_national: bool) -> list[str]:
    """Write phone numbers in one way; what is no possible number is left as it is.

    Parameters
    ----------
    values : sequence of str
        The numbers, without missing ones.
    region : str
        The country of the numbers written without one, two letters.
    is_national : bool
        True: the digits without the country's code, for numbers of `region`; those of other countries keep theirs.
        False: E.164.

    Examples
    --------
    >>> normalize_mobiles(["099192 11112", "+1 650-253-0000", "call me"], "IN", is_national=False)
    ['+919919211112', '+16502530000', 'call me']
    """
    code = check_region(region)
    plain = _plain_mobile(code)
    prefix = "" if is_national else f"+{_calling_code(code)}"
    found = []
    for value in values:
        match = plain.fullmatch(value)
        if match is not None:
            found.append(prefix + re.sub("[ -]", "", match["national"]))
        else:
            found.append(_normalize_mobile(value, code, is_national=is_national))
    return found


def _calling_code(region: str) -> int:
    if region == INDIA:
        return INDIAN_CALLING_CODE
    import phonenumbers  # noqa: PLC0415 - its tables take tens of milliseconds to import

    return int(phonenumbers.country_code_for_region(region))


def _normalize_mobile(value: str, region: str, *, is_national: bool) -> str:
    import phonenumbers  # noqa: PLC0415 - see above

    text = value.strip().removesuffix(".0")  # a float, made text
    if text[:4].lower() == "tel:":
        text = text[4:]
    if any(map(str.isalpha, text)) or len(text) > MAX_MOBILE_CHARS:  # the library would dial letters
        return value
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return value
    verdict = phonenumbers.is_possible_number_with_reason(number)
    if number.extension or verdict != phonenumbers.ValidationResult.IS_POSSIBLE:
        return value
    if is_national and number.country_code == _calling_code(region):
        return str(phonenumbers.national_significant_number(number))
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def check_region(region: str) -> str:
    """Return `region` in upper case.

    Parameters
    ----------
    region : str
        A country's two letters (ISO 3166-1), in either case.

    Returns
    -------
    str
        The same in upper case, as phonenumbers wants it.

    Raises
    ------
    InvalidArgumentError
        If phonenumbers does not know the country.
    InvalidArgumentTypeError
        If it is not text.

    Examples
    --------
    >>> check_region("in")
    'IN'
    """
    if not isinstance(region, str):
        raise InvalidArgumentTypeError(
            f"{argument('region')}: found a {type(region).__name__}; it must be a country's two letters, such as 'IN'."
        )
    code = region.upper() if region.isascii() else region
    if code == INDIA:  # the default costs no import
        return code
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415 - its tables take tens of milliseconds to import

    if code not in SUPPORTED_REGIONS:
        hint = " The United Kingdom is 'GB'." if code == "UK" else ""
        raise InvalidArgumentError(
            f"{argument('region')}: found {region[:MAX_MOBILE_CHARS]!a}; it must be one of {len(SUPPORTED_REGIONS)} "
            f"two-letter codes, such as 'IN' or 'GB': the country of mobile numbers written without one.{hint}"
        )
    return code


def _find_problems(values: Sequence[str], plain: re.Pattern[str], judge: Callable[[str], str | None]) -> list[Problem]:
    odd = dict.fromkeys(filterfalse(plain.fullmatch, values))
    reasons = {value: reason for value in odd if (reason := judge(value)) is not None}
    if not reasons:
        return []
    return [Problem(position, reasons[value]) for position, value in enumerate(values) if value in reasons]


def _plain_mobile(region: str) -> re.Pattern[str]:
    """Return what a plain mobile number of `region` looks like, taken from the library's own data.

    Numbers that might be read as another country's, or lose digits as a prefix, are left to the library.
    """
    if region == INDIA:
        return PLAIN_INDIAN_MOBILE
    from phonenumbers import PhoneMetadata, region_code_for_country_code  # noqa: PLC0415 - see check_region

    known = PhoneMetadata.metadata_for_region(region)
    if known is None or known.mobile is None or not known.mobile.national_number_pattern:
        return NEVER
    prefixes = (str(known.country_code), known.international_prefix, known.national_prefix_for_parsing)
    not_prefixed = "(?!" + "|".join(f"(?:{prefix})" for prefix in prefixes if prefix) + ")"
    of_length = "(?=(?:" + "|".join(f".{{{n}}}" for n in known.mobile.possible_length) + r")\Z)"
    is_main = region_code_for_country_code(known.country_code or 0) == region  # of those that share the code
    start = _plain_start(known, is_main=is_main)
    pattern = f"{start}{not_prefixed}{of_length}(?P<national>{known.mobile.national_number_pattern})"
    return re.compile(pattern, re.ASCII)  # its \d must not take the digits of other scripts


def _plain_start(known: "PhoneMetadata", *, is_main: bool) -> str:
    """Return the pattern of what may stand before a national number: its country's code or a trunk prefix."""
    is_trunk_simple = known.national_prefix and known.national_prefix == known.national_prefix_for_parsing
    trunk = known.national_prefix if is_trunk_simple and not known.national_prefix_transform_rule else ""
    code = rf"\+{known.country_code}" if is_main else ""
    return "(?:" + "|".join(start for start in (code, trunk) if start) + ")?"


def _judge_email(value: str) -> str | None:
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
    except ValueError as refused:  # its own error, or one of the Unicode tables below it
        words = " ".join(str(refused).split()).rstrip(".").replace("@-sign", "@")
        return (words[:1].lower() + words[1:])[:MAX_REASON_CHARS]
    return None


def _judge_mobile(value: str, region: str) -> str | None:
    if stray := _find_stray_space(value):
        return stray
    if foreign := FOREIGN_TO_MOBILES.search(value):
        return _name_foreign(foreign[0])
    n_digits = sum(map(str.isdigit, value))
    if n_digits == 0:
        return "no digits"
    if len(value) > MAX_MOBILE_CHARS:
        return f"{len(value)} characters: too long for a number"
    if value.endswith(".0"):
        return "it ends in .0: the column was read as floats"
    return _ask_phonenumbers(value, region, n_digits)


def _ask_phonenumbers(value: str, region: str, n_digits: int) -> str | None:
    import phonenumbers  # noqa: PLC0415 - its tables take tens of milliseconds to import

    unreadable = phonenumbers.NumberParseException
    try:
        number = phonenumbers.parse(value, region)
    except unreadable as refused:
        if refused.error_type == unreadable.INVALID_COUNTRY_CODE:
            return "no country's code at its start"
        too = "long" if refused.error_type == unreadable.TOO_LONG else "short"
        return f"{_count(n_digits)}: too {too} for a number"
    return None if phonenumbers.is_valid_number(number) else _say_why(number, region)


def _say_why(number: "PhoneNumber", region: str) -> str:
    import phonenumbers  # noqa: PLC0415 - see above

    is_home = phonenumbers.country_code_for_region(region) == number.country_code
    where = region if is_home else f"+{number.country_code}"
    found = _count(len(phonenumbers.national_significant_number(number)))
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


def _name_foreign(char: str) -> str:
    if char.isalpha():
        return "a letter in it"
    if char.isdecimal():
        return "digits other than 0 to 9"
    return f"the character {char!a} in it"
