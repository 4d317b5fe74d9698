import random
import re
import subprocess
import sys

import phonenumbers
import pytest
from email_validator import validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from growlytics_pandas.columns.contacts import (
    PLAIN_EMAIL,
    PLAIN_INDIAN_MOBILE,
    Problem,
    _plain_mobile,
    invalid_emails,
    invalid_mobiles,
    normalize_texts,
)
from growlytics_pandas.columns.plan_options import check_region
from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)  # lone surrogates included
UGLY = [
    "\ud800",
    "9" * 10_000,
    "a" * 10_000,
    "@" * 10_000,
    '"' * 10_000,
    "\x00",
    "\u202e99",
    "<@>",
    "a@[",
    "a@xn--zz.com",
    "+",
    "((",
    "a@" + "1" * 4000 + ".com",
]


def find_email_reason(value):
    problems = invalid_emails([value])
    return problems[0].reason if problems else None


def find_mobile_reason(value, region="IN"):
    problems = invalid_mobiles([value], region)
    return problems[0].reason if problems else None


@pytest.mark.parametrize(
    ("value", "region", "is_landline"),
    [
        ("022 2345 6789", "IN", True),
        ("+91 44 2345 6789", "IN", True),
        ("9919211112", "IN", False),
        ("020 7946 0018", "GB", True),
        ("07400 123456", "GB", False),
        ("030 123456", "DE", True),
        ("(415) 555-0132", "US", False),  # landlines and mobiles share area codes
    ],
)
def test_landline_numbers_are_named(value, region, is_landline):
    assert (find_mobile_reason(value, region) == "a landline number") == is_landline


@pytest.mark.parametrize(
    "value",
    [
        "asha@example.com",
        "Asha.Nair+shop@Mail.Example.co.in",
        "a_b-c@ex-ample.info",
        "o'neil@example.org",
        "आशा@उदाहरण.भारत",
        "a@" + "b" * 63 + ".com",
    ],
)
def test_possible_address_is_valid(value):
    assert invalid_emails([value]) == []


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "empty"),
        ("asha.example.com", "no @ sign"),
        ("@example.com", "nothing before the @"),
        ("asha@", "nothing after the @"),
        ("asha@example", "the part after the @ has no dot"),
        (" asha@example.com", "whitespace around it"),
        ("asha@example.com\n", "whitespace around it"),
        ("asha@example.com\xa0", "whitespace around it"),
        ("asha\u200b@example.com", "a character that cannot be seen, U+200B"),
        ("asha@exam\xa0ple.com", "a character that cannot be seen, U+00A0"),
        ("a" * 250 + "@example.com", "262 characters: an address has at most 254"),
    ],
)
def test_invalid_address_has_a_plain_reason(value, reason):
    assert find_email_reason(value) == reason


@pytest.mark.parametrize(
    "value",
    [
        "a..b@example.com",
        "a@b@example.com",
        "Asha <asha@example.com>",
        "asha@example.com, ravi@example.com",
        "a@-x.com",
        "a@x.123",
        "a@shop.local",
        "a@shop.TEST",
        "a@test.localhost",
        "a@xn--zz.com",
        "a b@example.com",
    ],
)
def test_library_refusals_are_one_short_line(value):
    reason = find_email_reason(value)
    assert reason
    assert len(reason) <= 120
    assert "\n" not in reason


@pytest.mark.parametrize(
    "value",
    [
        "9919211112",
        "+919919211112",
        "919919211112",
        "09919211112",
        "+91 99192 11112",
        "(+91) 99192-11112",
        "+1 650 253 0000",
        "+447400123456",
    ],
)
def test_possible_mobile_is_valid(value):
    assert invalid_mobiles([value], "IN") == []


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "empty"),
        ("9919211112 ", "whitespace around it"),
        ("\u202d9919211112", "a character that cannot be seen, U+202D"),
        ("99192\xa011112", "a character that cannot be seen, U+00A0"),
        ("9919211112.0", "it ends in .0: the column was read as floats"),
        ("99192111123", "11 digits: too long for IN"),
        ("+9199192111123", "11 digits: too long for IN"),
        ("99192111", "8 digits: too short for IN"),
        ("1", "1 digit: too short for a number"),
        ("9919211112/9919211113", "several numbers in one cell"),
        ("+1650253000", "9 digits: too short for +1"),
        ("+9999919211112", "no country's code at its start"),
        ("5919211112", "no number of IN has these digits"),
        ("9919211112, 9919211113", "the character ',' in it"),
        ("not given", "a letter in it"),
        ("९९१९२१११११२", "digits other than 0 to 9"),
        ("+", "no digits"),
        ("9" * 41, "41 characters: too long for a number"),
    ],
)
def test_invalid_mobile_has_a_plain_reason(value, reason):
    assert find_mobile_reason(value) == reason


def test_region_decides_the_country_of_a_number():
    assert find_mobile_reason("07400123456", "gb") is None
    assert find_mobile_reason("07400123456", "US") is not None
    assert find_mobile_reason("+919919211112", "US") is None


def test_positions_include_repeated_values():
    values = ["a@example.com", "x", "b@example.com", "x", "y"]
    assert invalid_emails(values) == [Problem(1, "no @ sign"), Problem(3, "no @ sign"), Problem(4, "no @ sign")]
    assert [problem.position for problem in invalid_mobiles(["1", "9919211112", "1"], "IN")] == [0, 2]
    assert invalid_emails([]) == invalid_mobiles([], "IN") == []


@pytest.mark.parametrize("value", UGLY)
def test_checks_raise_for_no_odd_text(value):
    assert len(invalid_emails([value])) == 1
    assert len(invalid_mobiles([value], "IN")) == 1


@given(ANY_TEXT, st.sampled_from(["IN", "US", "AR", "KZ"]))
def test_checks_raise_for_no_text(value, region):
    assert len(invalid_emails([value, value])) in {0, 2}
    assert len(invalid_mobiles([value, value], region)) in {0, 2}


@given(st.text("aZ9_+-.", max_size=12), st.text("aZ9-.", max_size=12), st.text("abINtsxn.", max_size=6))
@settings(max_examples=500)
def test_fast_email_check_is_never_laxer(local, domain, end):
    """The fast check accepts no address that the library refuses."""
    value = f"{local}@{domain}.{end}"
    if PLAIN_EMAIL.fullmatch(value):
        validate_email(value, check_deliverability=False)


@pytest.mark.parametrize("seed", range(3))
def test_fast_email_check_on_assembled_parts(seed):
    rng = random.Random(seed)
    parts = [
        "a",
        "B9",
        ".",
        "-",
        "--",
        "@",
        "+",
        "_",
        "xn--",
        "test",
        "Local",
        "arpa",
        "onion",
        "com",
        "co",
        "x" * 40,
        "x" * 64,
        "1",
    ]
    made = ("".join(rng.choices(parts, k=rng.randint(3, 9))) + rng.choice(["", ".com", "@a.in"]) for _ in range(20_000))
    plain = [value for value in made if PLAIN_EMAIL.fullmatch(value)]
    assert len(plain) > 100
    for value in plain:
        validate_email(value, check_deliverability=False)


def is_valid_number(value, region):
    return phonenumbers.is_valid_number(phonenumbers.parse(value, region))


def test_fast_indian_check_is_never_laxer():
    """The fast check accepts no Indian number that the library refuses."""
    rng = random.Random(0)
    for start in range(6000, 10_000):
        digits, gap = f"{start}{rng.randrange(10**6):06d}", rng.choice(["", " ", "-"])
        value = rng.choice(["", "0", "91", "+91", "91 ", "+91-"]) + digits[:5] + gap + digits[5:]
        assert PLAIN_INDIAN_MOBILE.fullmatch(value)
        assert is_valid_number(value, "IN"), value


def test_fast_mobile_check_is_never_laxer():
    """The fast check accepts no number of any country that the library refuses."""
    rng = random.Random(1)
    n_plain = 0
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        looks_plain = _plain_mobile(region).fullmatch
        values = [value for value in make_numbers(rng, region, 60) if looks_plain(value)]
        n_plain += len(values)
        assert [value for value in values if not is_valid_number(value, region)] == [], region
    assert n_plain > 3000


def make_numbers(rng, region, n):
    """Numbers that share some first digits with a real mobile of the country, with all possible prefixes."""
    known = phonenumbers.PhoneMetadata.metadata_for_region(region)
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    digits = phonenumbers.national_significant_number(example) if example else "5" * 9
    starts = ["", f"+{known.country_code}", f"{known.country_code}", known.national_prefix or "", "00", "+"]
    for _ in range(n):
        kept = digits[: rng.randrange(len(digits))]
        length = len(digits) - len(kept) + rng.choice([0, 0, 0, 1, -1])
        yield rng.choice(starts) + kept + "".join(rng.choices("0123456789", k=length))


@given(st.text(alphabet="+0123456789 -()", max_size=16))
def test_valid_mobile_is_valid_for_the_library(value):
    if find_mobile_reason(value) is None:
        assert is_valid_number(value, "IN")


def test_region_is_two_letters_in_any_case():
    assert [check_region(code) for code in ("in", "IN", "gb")] == ["IN", "IN", "GB"]


@pytest.mark.parametrize("region", ["India", "UK", "ZZ", "", "ın", "\ud800"])
def test_unknown_region_lists_what_is_allowed(region):
    with pytest.raises(
        InvalidArgumentError, match=re.compile(r"region: found .* two-letter codes", re.DOTALL)
    ) as caught:
        check_region(region)
    assert str(caught.value).isascii()


def test_non_text_region_is_a_type_error():
    with pytest.raises(InvalidArgumentTypeError, match="NoneType"):
        check_region(None)


def test_plain_contacts_load_no_library():
    code = (
        "import sys; from growlytics_pandas.columns.contacts import invalid_emails, invalid_mobiles;"
        "invalid_emails(['asha@example.com']); invalid_mobiles(['9919211112'], 'IN');"
        "print({'email_validator', 'phonenumbers'} & set(sys.modules))"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout == "set()\n"


@pytest.mark.parametrize("text", ["+48 (0)501 234 567", "0048 (0) 501234567", "+48 501 234 567"])
def test_trunk_zero_in_brackets_is_no_digit(text):
    assert normalize_texts([text], "E.164", "DE") == ["+48501234567"]
    assert find_mobile_reason(text, "DE") is None


@pytest.mark.parametrize("text", ["12345678 / (+91) 6860913909", "6896128811 / 00916536657194"])
def test_several_numbers_in_a_cell_are_called_so(text):
    assert find_mobile_reason(text) == "several numbers in one cell"
    assert find_mobile_reason("0171/2345678", "DE") is None
