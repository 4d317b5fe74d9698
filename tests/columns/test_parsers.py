"""Each parser reads what people and spreadsheets write, every digit of it, and nothing that could mean something else."""

from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import growlytics_pandas as gp
from growlytics_pandas.columns.date_parsers import formats_like, parse_dates
from growlytics_pandas.columns.named_formats import NAMED_FORMATS
from growlytics_pandas.columns.parsers import Texts, are_numbers, currencies, number_in, parse_booleans, parse_numbers

UTC = ZoneInfo("UTC")
KOLKATA = ZoneInfo("Asia/Kolkata")


def dates(date_format, *texts, zone=UTC):
    """The dates that a format reads, as they are sent; None where it reads none."""
    parsed = parse_dates(texts, date_format, zone)
    found = [str(value.astype("M8[s]")).replace("T", " ") for value in parsed.values]
    return [text.removesuffix(" 00:00:00") if ok else None for text, ok in zip(found, parsed.ok.tolist(), strict=True)]


def numbers(decimal, *texts):
    parsed = parse_numbers(texts, decimal)
    return [value if ok else None for value, ok in zip(parsed.values, parsed.ok.tolist(), strict=True)]


DAY, TIME = "2025-01-31", "2025-01-31 09:30:00"


@pytest.mark.parametrize(
    ("text", "date_format", "expected"),
    [
        ("31/01/2025", "%d/%m/%Y", DAY),
        ("31/1/2025", "%d/%m/%Y", DAY),
        ("01/31/2025", "%m/%d/%Y", DAY),
        ("31-01-2025", "%d-%m-%Y", DAY),
        ("31.01.2025", "%d.%m.%Y", DAY),
        ("31 01 2025", "%d %m %Y", DAY),
        ("2025/01/31", "%Y/%m/%d", DAY),
        ("2025-1-31", "%Y-%m-%d", DAY),
        ("31/01/25", "%d/%m/%y", DAY),
        ("31/01/99", "%d/%m/%y", "1999-01-31"),
        ("31/01/2025 09:30", "%d/%m/%Y %H:%M", TIME),
        ("31/01/2025, 9:30:00", "%d/%m/%Y, %H:%M:%S", TIME),
        ("31/01/2025 9:30 AM", "%d/%m/%Y %I:%M %p", TIME),
        ("31/01/2025 09:30a.m.", "%d/%m/%Y %I:%M%p", TIME),
        ("31/01/2025 9:30:00\u202fam", "%d/%m/%Y %I:%M:%S %p", TIME),
        ("31/01/2025 12:05 AM", "%d/%m/%Y %I:%M %p", "2025-01-31 00:05:00"),
        ("31/01/2025 12:05 PM", "%d/%m/%Y %I:%M %p", "2025-01-31 12:05:00"),
        ("31/01/2025 13:30 PM", "%d/%m/%Y %H:%M %p", "2025-01-31 13:30:00"),
        ("31-Jan-25", "%d-%b-%y", DAY),
        ("31-JAN-2025", "%d-%b-%Y", DAY),
        ("31 january 2025", "%d %b %Y", DAY),
        ("31 Jan. 2025", "%d %b %Y", DAY),
        ("30 Sept 2025", "%d %b %Y", "2025-09-30"),
        ("31st January 2025", "%d %B %Y", DAY),
        ("31. Jänner 2025", "%d. %B %Y", DAY),
        ("3. MÄRZ 2025", "%d. %b %Y", "2025-03-03"),
        ("1er févr. 2025", "%d %b %Y", "2025-02-01"),
        ("31 de enero de 2025", "%d de %B de %Y", DAY),
        ("5 dez 2025", "%d %b %Y", "2025-12-05"),
        ("Jan 31, 2025", "%b %d, %Y", DAY),
        ("31Jan2025", "%d%b%Y", DAY),
        ("Friday, January 31, 2025", "%A, %B %d, %Y", DAY),
        ("Fri Jan 31 09:30:00 2025", "%a %b %d %H:%M:%S %Y", TIME),
        ("Fri, 31 Jan 2025 09:30:00 GMT", "%a, %d %b %Y %H:%M:%S %z", TIME),
        ("Fri, 31 Jan 2025 15:00:00 +0530", "%a, %d %b %Y %H:%M:%S %z", TIME),
        ("Fri Jan 31 2025 15:00:00 GMT+0530", "%a %b %d %Y %H:%M:%S %z", TIME),
        ("31/01/2025 01:30 -08", "%d/%m/%Y %H:%M %z", TIME),
        ("20250131", "%Y%m%d", DAY),
        ("20250131.0", "%Y%m%d", DAY),
        ("20250131093000", "%Y%m%d%H%M%S", TIME),
        ("2025-031", "%Y-%j", DAY),
        ("31/01/0001", "%d/%m/%Y", "0001-01-31"),
        ("31/12/9999", "%d/%m/%Y", "9999-12-31"),
        ("29/02/2000", "%d/%m/%Y", "2000-02-29"),
        ("100% 31/01/2025", "100%% %d/%m/%Y", DAY),
    ],
)
def test_format_parses_its_dates(text, date_format, expected):
    assert dates(date_format, text) == [expected]


@pytest.mark.parametrize(
    ("text", "date_format"),
    [
        ("31/02/2025", "%d/%m/%Y"),
        ("29/02/1900", "%d/%m/%Y"),
        ("31/13/2025", "%d/%m/%Y"),
        ("00/01/2025", "%d/%m/%Y"),
        ("31/01/0000", "%d/%m/%Y"),
        ("31/01/25", "%d/%m/%Y"),
        ("31/01/2025 09:30", "%d/%m/%Y"),
        ("now", "%d/%m/%Y"),
        ("today", "%Y%m%d"),
        ("202511", "%Y%m%d"),
        ("2025131", "%Y%m%d"),
        ("31/01/2025 23:59:60", "%d/%m/%Y %H:%M:%S"),
        ("31/01/2025 24:00", "%d/%m/%Y %H:%M"),
        ("31/01/2025 09:75", "%d/%m/%Y %H:%M"),
        ("31/01/2025 13:30 PM", "%d/%m/%Y %I:%M %p"),
        ("31/01/2025 09:30 PM", "%d/%m/%Y %H:%M %p"),
        ("31-Jan-45", "%d-%b-%y"),
        ("Mon, 31 Jan 2025", "%a, %d %b %Y"),
        ("31/01/2025 09:30 IST", "%d/%m/%Y %H:%M %z"),
        ("31/01/2025 09:30 +25:00", "%d/%m/%Y %H:%M %z"),
        ("३१/०१/२०२५", "%d/%m/%Y"),
        ("", "%d/%m/%Y"),
        ("31/01/2025\0", "%d/%m/%Y"),
        ("\ud800", "%d/%m/%Y"),
    ],
)
def test_a_format_reads_nothing_else(text, date_format):
    assert dates(date_format, text) == [None]


def test_two_digit_year_needs_a_clear_century():
    read = dates("%d-%b-%y", *(f"31-Jan-{year:02}" for year in range(100)))
    assert [text[:4] for text in read if text] == [*map(str, range(2000, 2036)), *map(str, range(1969, 2000))]
    assert read[36:69] == [None] * 33
    assert parse_dates(["31-Jan-45", "soon"], "%d-%b-%y", UTC, any_century=True).ok.tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-01-31", DAY),
        ("2025-01-31 09:30", TIME),
        ("2025-01-31T09:30:00", TIME),
        ("2025-01-31t09:30:00.5", TIME),
        ("2025-01-31T09:30:00Z", TIME),
        ("2025-01-31 09:30 UTC", TIME),
        ("2025-01-31 09:30:00 GMT", TIME),
        ("2025-01-31T15:00:00+05:30", TIME),
        ("2025-01-31 15:00:00.000000000+0530", TIME),
        ("2025-01-31T15:00:00+05:30[Asia/Kolkata]", TIME),
        ("20250131T093000Z", TIME),
        ("2025-01-31Z", DAY),
        ("2025-01-31 UTC", DAY),
        ("2025-02-30", None),
        ("2025-1-31", None),
        ("2025", None),
        ("2025-01", None),
        ("20250131", None),
        ("2025-W05-5", None),
        ("2025-01-31 25:00", None),
        ("soon", None),
    ],
)
def test_iso_8601_with_and_without_a_zone(text, expected):
    assert dates("ISO8601", text) == [expected]


def test_only_dates_with_an_offset_move_to_zone():
    texts = ["2025-01-31T09:30:00Z", "2025-01-31T09:30:00"]
    parsed = parse_dates(texts, "ISO8601", KOLKATA)
    assert dates("ISO8601", *texts, zone=KOLKATA) == ["2025-01-31 15:00:00", TIME]
    assert parsed.aware.tolist() == [True, False]
    assert dates("ISO8601", "9999-12-31T23:59:59Z", zone=KOLKATA) == ["10000-01-01"], "reported as out of range"


def test_fractions_are_kept_or_reported():
    values = parse_dates(["2025-01-31T09:30:00.123456", "2025-01-31T09:30:00.000000001"], "ISO8601", UTC).values
    assert [int(value.astype("int64") % 1_000_000) for value in values] == [123456, 1]


@pytest.mark.parametrize(
    ("date_format", "text", "expected"),
    [
        ("epoch_s", "1738315800", TIME),
        ("epoch_s", "1738315800.0", TIME),
        ("epoch_s", "-1", "1969-12-31 23:59:59"),
        ("epoch_s", "99999999999999", None),
        ("epoch_ms", "1738315800000", TIME),
        ("excel", "45688", DAY),
        ("excel", "45688.0", DAY),
        ("excel", "45688.395833333336", TIME),
        ("excel", "1", "1900-01-01"),
        ("excel", "59", "1900-02-28"),
        ("excel", "60", None),  # 29 February 1900 was no day
        ("excel", "61", "1900-03-01"),
        ("excel", "0.5", None),
        ("excel", "2958465", "9999-12-31"),
        ("excel", "2958466", None),
        ("excel", "31/01/2025", None),
    ],
)
def test_clock_and_spreadsheet_numbers(date_format, text, expected):
    assert dates(date_format, text) == [expected]


@pytest.mark.parametrize("name", NAMED_FORMATS)
def test_named_formats_read_their_example_and_are_documented(name):
    [text] = dates(name, NAMED_FORMATS[name].example)
    assert text.startswith(DAY)
    assert f'"{name}"' in gp.plan.__doc__
    assert f'"{name}"' in gp.push.__doc__


@given(
    st.dates(), st.sampled_from(["%d/%m/%Y", "%m-%d-%Y", "%d %b %Y", "%B %d, %Y", "%a %d.%m.%Y", "%Y%m%d", "ISO8601"])
)
def test_every_day_is_read_back(day, date_format):
    text = day.isoformat()
    if date_format != "ISO8601":
        year = f"{day.year:04}"  # not every platform writes the zeros
        text = day.strftime(date_format.replace("%Y", "@")).replace("@", year)
    assert dates(date_format, text) == [day.isoformat()]


@given(st.lists(st.text(max_size=20) | st.from_regex(r"[0-9/:. AMP+-]{6,20}", fullmatch=True), max_size=20))
def test_no_text_fails_and_batch_equals_single(texts):
    """No text makes a parser fail, and texts are parsed alike alone and together."""
    for parse in (
        *(partial(parse_dates, date_format=form, zone=KOLKATA) for form in ("%d/%m/%Y", "ISO8601", "excel")),
        *(partial(parse_numbers, decimal=mark) for mark in (".", ",")),
    ):
        together = parse(Texts(texts))
        for i, text in enumerate(texts):
            alone = parse([text])
            assert alone.ok[0] == together.ok[i]
            assert not alone.ok[0] or alone.values[0] == together.values[i]


@pytest.mark.parametrize(
    ("text", "formats"),
    [
        ("31/01/2025", ["%d/%m/%Y", "%m/%d/%Y"]),
        ("31-01-25 9:30 PM", ["%d-%m-%y %I:%M %p", "%m-%d-%y %I:%M %p", "%y-%m-%d %I:%M %p"]),
        ("Fri, 31 Jan 2025 09:30:00 +0530", ["%a, %d %b %Y %H:%M:%S %z"]),
        ("January 31, 2025 at 09:30", ["%b %d, %Y at %H:%M"]),
        ("2025/01/31:09:30:00", ["%Y/%m/%d:%H:%M:%S"]),
        ("31-Jan-25:09:30:00", ["%d-%b-%y:%H:%M:%S"]),
        ("1, 2, 3", []),
        ("12:30", []),
        ("Jan 2025", []),
        ("May", []),
        ("1.10", []),
        ("560 001", []),
    ],
)
def test_formats_are_suggested_by_pattern(text, formats):
    assert formats_like(text) == formats


# numbers --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", 12),
        ("-3.50", Decimal("-3.50")),
        ("+5", 5),
        ("1e6", Decimal("1e6")),
        (".5", Decimal("0.5")),
        ("1,234", 1234),
        ("1,234,567.89", Decimal("1234567.89")),
        ("1,23,456", 123456),
        ("12,34,56,789.5", Decimal("123456789.5")),
        ("1 234 567", 1234567),
        ("1\u00a0234", 1234),
        ("1\u202f234.5", Decimal("1234.5")),
        ("1'234.50", Decimal("1234.50")),
        ("1’234", 1234),
        ("₹1,234", 1234),
        ("₹ 1,23,456.50", Decimal("123456.50")),
        ("Rs. 500", 500),
        ("Rs 500/-", 500),
        ("INR 5", 5),
        ("5 USD", 5),
        ("US$5.25", Decimal("5.25")),
        ("-$5", -5),
        ("$-5", -5),
        ("($1,234.50)", Decimal("-1234.50")),
        ("(5)", -5),
        ("\u22125", -5),
        ("5-", -5),
        ("12%", 12),
        ("12.5 %", Decimal("12.5")),
        ("(12 %)", -12),
        ("12345678901234567890", 12345678901234567890),
        ("0.1234567890123456789", Decimal("0.1234567890123456789")),
        *((text, None) for text in ("1,2,3", "12,34", "0,125", "1,234,56", "1,23", "01,234", "1.234,50", "560 0012")),
        *(
            (text, None)
            for text in ("--5", "(-5)", "5 kg", "₹5%", "$5 USD", "$ 5 €", "5 %%", "12.9,77.5", "", "x", "1_000")
        ),
        *((text, None) for text in ("98765 43210", "1 23 456", "1,234 567", "0x1f", "inf", "nan", "१२", "KGS 5")),
    ],
)
def test_numbers_with_a_decimal_point(text, expected):
    assert numbers(".", text) == [expected]
    assert are_numbers([text], ".").tolist() == [expected is not None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", 12),
        ("12,5", Decimal("12.5")),
        ("0,125", Decimal("0.125")),
        ("1.234", 1234),
        ("1.234,50 €", Decimal("1234.50")),
        ("1.234.567,8", Decimal("1234567.8")),
        ("€1.000", 1000),
        ("1 234 567,5", Decimal("1234567.5")),
        ("1'234,5", Decimal("1234.5")),
        ("(1,5)", Decimal("-1.5")),
        ("3,5 %", Decimal("3.5")),
        *((text, None) for text in ("1234.5", "1.5", "-3.5", "1,23,456", "1.234.56", "1.2.3")),
    ],
)
def test_numbers_with_a_decimal_comma(text, expected):
    assert numbers(",", text) == [expected]
    assert are_numbers([text], ",").tolist() == [expected is not None]


def test_currency_sign_and_code_are_one():
    assert currencies(["₹ 5", "Rs. 5", "INR 5", "5", "rs 5/-"]) == {"INR"}
    assert currencies(["$5", "5 USD", "5 EUR"]) == {"USD", "EUR"}
    assert currencies(["Rsvp", "COMRSX 5", "5 kg"]) == set()


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**12), max_value=10**12))
def test_every_grouping_of_a_number_parses(number):
    grouped = f"{number:,}"
    swapped = grouped.translate({ord(","): ".", ord("."): ","})
    assert numbers(".", str(number), grouped, grouped.replace(",", " "), f"₹ {grouped}") == [number] * 4
    assert numbers(",", swapped) == [number]


@given(st.from_regex(r"[+-]?[0-9]{1,6}(\.[0-9]{1,4})?([eE][+-]?[0-9]{1,2})?", fullmatch=True))
def test_plain_number_matches_types_number(text):
    assert numbers(".", text) == [number_in(text)]


def test_yes_and_no():
    parsed = parse_booleans(["yes", "NO", "True", "f", "1", "0", "perhaps", ""])
    assert parsed.values[parsed.ok].tolist() == [True, False, True, False, True, False]
    assert parsed.ok.tolist() == [True] * 6 + [False] * 2


def test_no_text_is_no_error():
    for date_format in ("ISO8601", "%d/%m/%Y", "epoch_s", "excel"):
        assert parse_dates([], date_format, UTC).values.dtype == np.dtype("M8[us]")
    assert parse_numbers([], ".").values == []
    assert len(parse_booleans([]).ok) == 0
