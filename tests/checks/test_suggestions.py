"""Columns as people write them, the options suggested for them, and what is then sent."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import growlytics_pandas
import growlytics_pandas as gp
from growlytics_pandas.checks.suggestions import Columns, as_frame, as_options, suggest_for
from growlytics_pandas.columns.dtypes import classify
from growlytics_pandas.columns.plan_options import Reading
from growlytics_pandas.columns.reading import clean, read_values
from growlytics_pandas.columns.texts import strip_texts
from growlytics_pandas.contract import AttributeType

UTC_ZONE = ZoneInfo("UTC")
NOT_SENT = "not sent"


def frame_of(values, label="x", dtype=object):
    """A frame of ids and one column."""
    column = values if isinstance(values, pd.Series) else pd.Series(values, dtype=dtype)
    frame = pd.DataFrame({"id": [f"c{i}" for i in range(len(column))]})
    frame[label] = column.set_axis(frame.index)
    return frame


def suggestions(frame, *, id_col="id", zone=UTC_ZONE, region="IN", known=None, given=None, reading=None):
    place = list(frame.columns).index(id_col)
    names = {i: str(label) for i, label in enumerate(frame.columns)}
    kinds = {i: classify(frame.iloc[:, i]).kind for i in names}
    return suggest_for(
        Columns(frame, place, names, lambda _: reading or Reading(), kinds, zone, region, known or {}, given or {})
    )


def suggested(values, label="x", dtype=object, **options):
    found = [one for one in suggestions(frame_of(values, label, dtype), **options) if one.column == label]
    return as_options(found), found


def sent(values, options, label="x", dtype=object, zone="UTC"):
    """The type and the values that a push sends with these options."""
    column = frame_of(values, label, dtype)[label]
    formats = options.get("date_format", {}).get(label, ())
    reading = Reading(
        strip=label in options.get("strip", ()),
        na_values=tuple(options.get("na_values", {}).get(label, ())),
        normalize=options.get("normalize", {}).get(label),
        date_formats=(formats,) if isinstance(formats, str) else tuple(formats),
        decimal=options.get("decimal", {}).get(label),
    )
    zone = ZoneInfo(options.get("timezone", zone))
    cleaned = clean(column, reading, zone, "IN")
    finding = classify(cleaned)
    wanted = "date" if formats else "number" if reading.decimal else options.get("types", {}).get(label)
    target = AttributeType(wanted) if wanted else finding.type
    values = read_values(column, finding.kind, target, zone, "IN", reading)
    written = values.values.tolist() if isinstance(values.values, np.ndarray) else list(values.values)
    texts = [str(v).removesuffix(" 00:00:00") if isinstance(v, datetime) else v for v in written]
    return target.value, [v if is_sent else NOT_SENT for v, is_sent in zip(texts, values.sent.tolist(), strict=True)]


DAY, NEXT = "2025-01-31", "2025-02-01"
TIME = "2025-01-31 09:30:00"
MESSY = {
    # what it is: (label, values, options, type, what is sent)
    # dates ------------------------------------------------------------------------------------------------------------
    "days first": ("x", ["31/01/2025", "01/02/2025", None], {"date_format": "%d/%m/%Y"}, "date", [DAY, NEXT, NOT_SENT]),
    "months first": ("x", ["01/31/2025", "2/1/2025"], {"date_format": "%m/%d/%Y"}, "date", [DAY, NEXT]),
    "hyphens": ("x", ["31-01-2025", "1-2-2025"], {"date_format": "%d-%m-%Y"}, "date", [DAY, NEXT]),
    "points and a time": ("x", ["31.01.2025 09:30"], {"date_format": "%d.%m.%Y %H:%M"}, "date", [TIME]),
    "spaces": ("x", ["31 01 2025", "01 02 2025"], {"date_format": "%d %m %Y"}, "date", [DAY, NEXT]),
    "the year first": ("x", ["2025/01/31", "2025/2/1"], {"date_format": "%Y/%m/%d"}, "date", [DAY, NEXT]),
    "two digits of the year": ("x", ["31/01/25", "01/02/25"], {"date_format": "%d/%m/%y"}, "date", [DAY, NEXT]),
    "two digits of the last century": ("x", ["31-Jan-69"], {"date_format": "%d-%b-%y"}, "date", ["1969-01-31"]),
    "month names": ("x", ["31-Jan-2025", "1-FEB-2025"], {"date_format": "%d-%b-%Y"}, "date", [DAY, NEXT]),
    "month names in full": ("x", ["31 January 2025", "1 Feb 2025"], {"date_format": "%d %b %Y"}, "date", [DAY, NEXT]),
    "American letters": ("x", ["Jan 31, 2025", "February 1, 2025"], {"date_format": "%b %d, %Y"}, "date", [DAY, NEXT]),
    "ordinals": ("x", ["31st Jan 2025", "1st Feb 2025"], {"date_format": "%d %b %Y"}, "date", [DAY, NEXT]),
    "AM and PM": ("x", ["31/01/2025 9:30 AM"], {"date_format": "%d/%m/%Y %I:%M %p"}, "date", [TIME]),
    "weekdays settle the order": ("x", ["Sat 01/02/2025"], {"date_format": "%a %d/%m/%Y"}, "date", [NEXT]),
    "mail headers": (
        *("x", ["Fri, 31 Jan 2025 15:00:00 +0530", "Fri, 31 Jan 2025 09:30:00 GMT"]),
        *({"date_format": "%a, %d %b %Y %H:%M:%S %z"}, "date", [TIME, TIME]),
    ),
    "ISO 8601": ("x", [DAY, "2025-01-31T09:30:00"], {"date_format": "ISO8601"}, "date", [DAY, TIME]),
    "ISO 8601 with zones": (
        *("x", ["2025-01-31T15:00:00+05:30", "2025-01-31T09:30:00Z", "2025-01-31 09:30 UTC"]),
        *({"date_format": "ISO8601"}, "date", [TIME, TIME, TIME]),
    ),
    "one birthday of digits": ("DOB", ["19900102"], {"date_format": "%Y%m%d"}, "date", ["1990-01-02"]),
    "only digits": (
        "x",
        ["20250131", "20250201", "20240229"],
        {"date_format": "%Y%m%d"},
        "date",
        [DAY, NEXT, "2024-02-29"],
    ),
    "digits with a time": (
        *("x", ["20250131093000", "20250201093000", "20250202093000"]),
        *({"date_format": "%Y%m%d%H%M%S"}, "date", [TIME, "2025-02-01 09:30:00", "2025-02-02 09:30:00"]),
    ),
    "seconds since 1970": ("created_at", ["1738315800"], {"date_format": "epoch_s"}, "date", [TIME]),
    "milliseconds since 1970": ("Updated", ["1738315800000"], {"date_format": "epoch_ms"}, "date", [TIME]),
    "day numbers of a spreadsheet": ("Joined", ["45688", "45689"], {"date_format": "excel"}, "date", [DAY, NEXT]),
    "day numbers among dates": (
        *("x", ["31/01/2025", "30/01/2025", "45689"]),
        *({"date_format": ["%d/%m/%Y", "excel"]}, "date", [DAY, "2025-01-30", NEXT]),
    ),
    "day numbers that are numbers, among dates": (
        *("x", ["31/01/2025", "30/01/2025", 45689]),
        *({"date_format": ["%d/%m/%Y", "excel"]}, "date", [DAY, "2025-01-30", NEXT]),
    ),
    "dates and text of dates": (
        "x",
        [datetime(2025, 1, 31), "31/01/2025"],  # noqa: DTZ001 - as pandas has it
        {"date_format": "%d/%m/%Y"},
        "date",
        [DAY, DAY],
    ),
    "days, some with a time": (
        *("x", ["31/01/2025", "01/02/2025 09:30"]),
        *({"date_format": ["%d/%m/%Y", "%d/%m/%Y %H:%M"]}, "date", [DAY, "2025-02-01 09:30:00"]),
    ),
    "five formats, padding and a word": (
        *("x", [" 31/01/2025", "31/01/2025", DAY, "31-Jan-25", "20250201", "31.01.2025", "NA"]),
        *(
            {
                "strip": True,
                "na_values": ["NA"],
                "date_format": ["%d/%m/%Y", "ISO8601", "%d-%b-%y", "%Y%m%d", "%d.%m.%Y"],
            },
            "date",
            [DAY, DAY, DAY, DAY, NEXT, DAY, NOT_SENT],
        ),
    ),
    "dates of nobody": (
        *("x", ["31/01/2025", "0000-00-00", "00/00/0000"]),
        *({"na_values": ["00/00/0000", "0000-00-00"], "date_format": "%d/%m/%Y"}, "date", [DAY, NOT_SENT, NOT_SENT]),
    ),
    "nine of ten": (
        *("x", ["31/01/2025"] * 9 + ["soon"]),
        *({"date_format": "%d/%m/%Y"}, "date", [DAY] * 9 + [NOT_SENT]),
    ),
    # numbers ----------------------------------------------------------------------------------------------------------
    "plain numbers": ("x", ["1", "2.5", "-3", "1e3"], {"types": "number"}, "number", [1, Decimal("2.5"), -3, 1000]),
    "numbers and a word": ("x", ["7", "n/a"], {"na_values": ["n/a"], "types": "number"}, "number", [7, NOT_SENT]),
    "padded numbers": ("x", [" 7", "8\xa0"], {"strip": True, "types": "number"}, "number", [7, 8]),
    "every digit": ("x", ["0.1234567890123456789"], {"types": "number"}, "number", [Decimal("0.1234567890123456789")]),
    "thousands": ("x", ["1,234.50", "99"], {"decimal": "."}, "number", [Decimal("1234.50"), 99]),
    "lakhs": ("x", ["1,23,456", "12,34,567.5"], {"decimal": "."}, "number", [123456, Decimal("1234567.5")]),
    "a decimal comma": ("x", ["1.234,50", "5,5"], {"decimal": ","}, "number", [Decimal("1234.50"), Decimal("5.5")]),
    "spaces between groups": ("x", ["1\u202f234", "12 345,5"], {"decimal": ","}, "number", [1234, Decimal("12345.5")]),
    "apostrophes": ("x", ["1'234.50", "5"], {"decimal": "."}, "number", [Decimal("1234.50"), 5]),
    "rupees": ("x", ["₹1,234", "Rs. 500/-", "INR 5", "7"], {"decimal": "."}, "number", [1234, 500, 5, 7]),
    "euros": ("x", ["1.234,50 €", "€ 5,00"], {"decimal": ","}, "number", [Decimal("1234.50"), Decimal("5.00")]),
    "losses in brackets": ("x", ["(5)", "1,000.00"], {"decimal": "."}, "number", [-5, Decimal("1000.00")]),
    "per cent": ("x", ["12%", "3.5 %"], {"decimal": "."}, "number", [12, Decimal("3.5")]),
    "numbers and text of numbers": (
        "x",
        [1, "2", "n/a"],
        {"na_values": ["n/a"], "types": "number"},
        "number",
        [1, 2, NOT_SENT],
    ),
    # yes and no -------------------------------------------------------------------------------------------------------
    "yes and no": (
        "x",
        ["yes", "No ", "?"],
        {"strip": True, "na_values": ["?"], "types": "boolean"},
        "boolean",
        [True, False, NOT_SENT],
    ),
    "ja and nein": (
        "x",
        ["Ja", "NEIN", "k.A."],
        {"na_values": ["k.A."], "types": "boolean"},
        "boolean",
        [True, False, NOT_SENT],
    ),
    "J and N": ("x", ["J", "n", None], {"types": "boolean"}, "boolean", [True, False, NOT_SENT]),
    "O and N": ("x", ["O", "N", "oui"], {"types": "boolean"}, "boolean", [True, False, True]),
    "S and N": ("x", ["S", "N", "não"], {"types": "boolean"}, "boolean", [True, False, False]),
    "sim and não": ("x", ["Sim", "Não"], {"types": "boolean"}, "boolean", [True, False]),
    "T and F": ("x", ["T", "F"], {"types": "boolean"}, "boolean", [True, False]),
    "only yes": ("x", ["Yes", None], {"types": "boolean"}, "boolean", [True, NOT_SENT]),
    "booleans and words": ("x", [True, "no"], {"types": "boolean"}, "boolean", [True, False]),
    # text -------------------------------------------------------------------------------------------------------------
    "padded text": ("City", [" Pune", "Goa\t", "\u200bDelhi"], {"strip": True}, "string", ["Pune", "Goa", "Delhi"]),
    "missing by words": (
        "City",
        ["Pune", "", "NA", "null", "-"],
        {"na_values": ["", "-", "NA", "null"]},
        "string",
        ["Pune", *[NOT_SENT] * 4],
    ),
    "guarded codes stay text": ("x", ["'411001", "'411002"], {"strip": True}, "string", ["411001", "411002"]),
    "guarded as a formula": ("x", ['="0012"', '="0013"'], {"strip": True}, "string", ["0012", "0013"]),
}


@pytest.mark.parametrize("case", MESSY)
def test_messy_column_is_sent_with_care(case):
    label, values, wanted, type_, expected = MESSY[case]
    options, _ = suggested(values, label)
    assert {key: True if key == "strip" else value[label] for key, value in options.items()} == wanted
    found_type, found = sent(values, options, label)
    assert found_type == type_
    if case != "numbers and text of numbers":
        assert found == expected


TEXT_DTYPES = ["str", "string", "string[python]", "string[pyarrow]", "category", object, pd.ArrowDtype(pa.string())]


TIERS = ["Gold"] * 5 + ["Silver"] * 4


@pytest.mark.parametrize("dtype", [object, "str", "category"])
@pytest.mark.parametrize("more", [["gold", "GOLD"], ["gold ", "GOLD"], ["gold", "SILVER"]], ids=str)
def test_categories_in_several_cases_are_left_open(more, dtype):
    df = frame_of(pd.Series([*TIERS, *more], dtype=dtype), "Tier")
    options = gp.suggest(df, "id")
    assert "normalize" not in options
    found = gp.validate(df, "id", **options).query("rule == 'value_case'")
    assert found[["column", "severity", "count"]].to_numpy().tolist() == [["Tier", "warning", 2]]
    assert "normalize={'Tier': 'lower'}" in found["fix"].item()
    assert gp.validate(df, "id", **options, normalize={"Tier": "lower"}).empty


@pytest.mark.parametrize(
    ("label", "values"),
    [
        ("Tier", TIERS),
        ("Tier", ["Gold", "gold"] * 5),
        ("Note", ["Called", "called", "Paid", "paid", "Asked"]),
        ("Code", [*TIERS, "gold"]),
        ("VIP", ["yes"] * 5 + ["Yes", "No"]),
        ("Note", [*(f"note {i}" for i in range(60)), "Note 1"] * 4),
        ("name", ["Asha"] * 5 + ["asha", "Ravi"]),
    ],
)
def test_other_texts_in_several_cases_are_no_categories(label, values):
    assert "value_case" not in set(gp.validate(frame_of(values, label), "id")["rule"])


@pytest.mark.parametrize("word", ["J/N", "O/N", "S/N", "ja/nein", "ja/nee", "oui/non", "sí/no", "sim/não", "tak/nie"])
def test_yes_and_no_of_other_languages(word):
    df = frame_of([*word.split("/")] * 3, "Newsletter")
    assert gp.suggest(df, "id") == {"types": {"Newsletter": "boolean"}}
    yes, no = (body["attributes"][0]["value"] for body in gp.preview(df, "id", n=2, **gp.suggest(df, "id")))
    assert (yes, no) == (True, False)


@pytest.mark.parametrize(
    "letters", ["O A B AB", "N", "O", "O N A B", "N S E W", "S M L N", "J K N", "N N", "O O", "S T N"]
)
def test_letters_without_their_counterpart_are_text(letters):
    assert gp.suggest(frame_of(letters.split() * 3), "id") == {}


@pytest.mark.parametrize("label", ["Region", "customer_type", "Zona", "Size"])
def test_letters_of_kinds_are_left_open(label):
    plan = gp.plan(frame_of(["S", "N"] * 3, label), "id")
    assert plan.suggest() == {}
    assert plan.violations[["rule", "severity"]].to_numpy().tolist() == [["type_doubtful", "warning"]]


@pytest.mark.parametrize("dtype", TEXT_DTYPES, ids=str)
@pytest.mark.parametrize("case", ["days first", "rupees", "numbers and a word", "yes and no", "missing by words"])
def test_suggestion_ignores_the_text_backing(case, dtype):
    label, values, _, type_, expected = MESSY[case]
    options, _ = suggested(values, label, dtype)
    assert options == suggested(values, label)[0]
    assert sent(values, options, label, dtype) == (type_, expected)


WORDS = ["", "-", "--", "–", "?", ".", "NA", "na", "N/A", "n/a", "#N/A", "n.a.", "NaN", "nan", "None", "NONE", "null"]
WORDS += [
    "NULL",
    "nil",
    "NaT",
    "<NA>",
    "\\N",
    "undefined",
    "unknown",
    "Not Available",
    "(blank)",
    "#REF!",
    "#DIV/0!",
    "TBD",
]


@pytest.mark.parametrize("word", [*WORDS, " n/a "])
@pytest.mark.parametrize("values", [["7", "8"], ["31/01/2025"], ["yes", "no"]])
def test_missing_words_are_recognised_in_any_type(word, values):
    options, found = suggested([*values, word, word])
    assert options["na_values"] == {"x": [word.strip()]}
    assert next(one.cells for one in found if one.option == "na_values") == 2
    assert sent([*values, word], options)[1][-1] == NOT_SENT


ALONE = {
    "order numbers like days": ("Order no", ["20250131", "20250201", "20240229"]),
    "postal codes": ("x", ["56001"] * 95 + ["02134"]),
    "codes with zeros": ("x", ["00123", "00124"]),
    "pin codes": ("Pincode", ["411001", "411002"]),
    "spaced pin codes": ("x", ["560 001", "110 001"]),
    "telephone numbers": ("Tel", ["9876543210", "9812345678"]),
    "telephone numbers under another name": ("x", ["9876543210", "9812345678"]),
    "telephone numbers of floats": ("x", ["9876543210.0", "9812345678.0"]),
    "telephone numbers with a code": ("x", ["+919876543210", "+91 98123 45678"]),
    "tax numbers": ("x", ["27AAPFU0939F1ZV", "29AAPFU0939F1ZV"]),
    "permanent account numbers": ("PAN", ["AAPFU0939F", "BBPFU0939F"]),
    "ids of many digits": ("x", ["1234567890123456", "1234567890123457"]),
    "order numbers": ("Order No", ["1001", "1002"]),
    "versions": ("Version", ["1.9", "1.10"]),
    "long versions": ("x", ["1.2.3", "1.10.0"]),
    "F and M": ("x", ["F"] * 95 + ["M"] * 5),
    "only F": ("x", ["F", "F"]),
    "coordinates": ("x", ["12.9,77.5", "13.0,77.6"]),
    "lists of digits": ("x", ["1,2,3"]),
    "times of day": ("x", ["12:30", "09:15"]),
    "months": ("x", ["Jan 2025", "Feb 2025"]),
    "years and others": ("x", ["2025", "soon"]),
    "words": ("x", ["NA", "-"]),
    "codes of countries": ("Country", ["IN", "NA", "US"]),
    "seven of ten": ("x", ["7"] * 7 + ["soon"] * 3),
    "quantities": ("x", ["5 kg", "7 kg"]),
    "names": ("x", ["Asha Rao", "May June"]),
}


@pytest.mark.parametrize("case", ALONE)
def test_column_resembling_a_type_is_unchanged(case):
    label, values = ALONE[case]
    options, found = suggested(values, label)
    assert not {"types", "date_format", "decimal", "na_values"} & options.keys()
    assert [one.option for one in found if one.option != "rename"] == []
    assert sent(values, options, label) == ("string", values)


OPEN = {  # label, values, the option, and what the reason must name
    "day or month": (
        "x",
        ["01/02/2025", "3/4/2025"],
        "date_format",
        ["%d/%m/%Y", "%m/%d/%Y", "2025-02-01", "2025-01-02"],
    ),
    "both orders": ("x", ["31/01/2025", "01/31/2025"], "date_format", ["both orders", "1 only the month first"]),
    "both orders, and a day that may be either": (
        "x",
        ["31/01/2025", "01/31/2025", "01/02/2025"],
        "date_format",
        ["both orders", "either"],
    ),
    "day, month or year": ("x", ["25-01-31", "25-02-28"], "date_format", ["%y-%m-%d", "%d-%m-%y"]),
    "an open century": ("x", ["31-Jan-25", "31-Jan-45"], "date_format", ["century"]),
    "births of either century": ("x", ["12/05/78", "31/12/30"], "date_format", ["century"]),
    "thousands or thousandths": ("x", ["1,234", "5,678"], "decimal", ["1234", "1.234"]),
    "points of either kind": ("x", ["1.234", "5.678"], "decimal", ["1234", "1.234"]),
    "euros of either kind": ("x", ["€1.000", "€2.000"], "decimal", ["1234", "1.234"]),
    "both marks": ("x", ["1.5", "2,5", "1,234"], "decimal", ["decimal point", "decimal comma"]),
    "two currencies": ("x", ["₹ 99", "$ 99", "1,234"], "decimal", ["INR", "USD"]),
    "per cent and fractions": ("x", ["12%"] * 19 + ["0.12"], "decimal", ["%"]),
    "versions or numbers": ("x", ["1.9", "1.10"], "types", ["version"]),
    "guarded dates": ("x", ["'31/01/2025", "'01/02/2025"], "date_format", ["%d/%m/%Y", "marked as text"]),
}


@pytest.mark.parametrize("case", OPEN)
def test_ambiguity_names_both_parsers(case):
    label, values, option, named = OPEN[case]
    options, found = suggested(values, label)
    assert not {"types", "date_format", "decimal"} & options.keys()
    [undecided] = [one for one in found if one.value is None]
    assert undecided.option == option
    assert [word for word in named if word not in undecided.reason] == []
    assert sent(values, options, label)[0] == "string"


def test_zeros_and_ones_are_numbers_by_default():
    for values in (
        pd.Series([0, 1, 1]),
        pd.Series([0, 1, None], dtype="float64"),
        pd.Series([0, 1, None], dtype="Int64"),
    ):
        [one] = suggestions(frame_of(values))
        assert (one.option, one.column, one.value) == ("types", "x", None)
    for values in ([0, 1, 2], [1, 1], [0.0, 1.0]):
        assert suggestions(frame_of(pd.Series(values))) == []


@pytest.mark.parametrize("dtype", ["int64", "Int64", "float64", "int64[pyarrow]", object])
def test_whole_numbers_can_be_dates(dtype):
    values = pd.Series([20250131, 20250201, 20240229], dtype=dtype)
    options, _ = suggested(values)
    assert options == {"date_format": {"x": "%Y%m%d"}}
    assert sent(values, options) == ("date", [DAY, NEXT, "2024-02-29"])
    for others in ([20250131, 20250201], [*range(20250101, 20250140)], [20250131, 20250201, 20250202, 7]):
        assert suggestions(frame_of(pd.Series(others, dtype=dtype))) == []


def test_spreadsheet_days_need_a_date_label():
    assert suggested(pd.Series([45688, 45689.5]), "Joined")[0] == {"date_format": {"Joined": "excel"}}
    for label in ("Spend", "Days since joined", "Response time", "Joined count"):
        assert suggestions(frame_of(pd.Series([45688, 45689]), label)) == []


# cells, counts, reasons -----------------------------------------------------------------------------------------------


def test_reason_is_one_sentence_without_values():
    for values in (["29/08/1987"], ["87,654.25"], ["8765"] * 9 + ["x"], [" 8765"], ["₹ 8,765"]):
        for one in suggestions(frame_of(values)):
            assert "87" not in one.reason
            assert "\n" not in one.reason
    [one] = [one for one in suggestions(frame_of(["7"] * 18 + ["soon", "n/a", None])) if one.option == "types"]
    assert one.cells == 18
    assert "18 of 19 values" in one.reason
    assert "1 value is not" in one.reason


def test_suggestions_are_a_table_and_options():
    found = suggestions(frame_of([" 7", "n/a"], "Spend"))
    table = as_frame(found)
    assert table.columns.tolist() == ["option", "column", "value", "reason", "cells"]
    assert table["option"].tolist() == ["strip", "na_values", "types"]
    assert as_options(found) == {"strip": ["Spend"], "na_values": {"Spend": ["n/a"]}, "types": {"Spend": "number"}}
    assert as_frame([]).dtypes.astype(str).to_dict() == table.dtypes.astype(str).to_dict()
    assert as_options([]) == {}


def test_long_column_is_profiled_in_full():
    many = [f"{i % 12 + 1:02}/{i % 12 + 1:02}/{1900 + i % 100}" for i in range(5000)]
    assert suggested([*many, "31/01/2025"])[0] == {"date_format": {"x": "%d/%m/%Y"}}
    numbers = [str(i) for i in range(1, 20_000)]
    assert suggested(numbers)[0] == {"types": {"x": "number"}}
    assert suggested([*numbers, "007"])[0] == {}


@pytest.mark.parametrize(
    "write",
    [
        lambda i: f"{i % 28 + 1:02}/{i % 12 + 1:02}/{1000 + i // 28}",
        lambda i: f"₹ {i // 100:,}.{i % 100:02}",
        lambda i: f"{i:05}",
        lambda i: f"{i}e2" if i % 50 else f"é {i}",
        lambda i: f"{i} %" if i % 3 else None,
        lambda i: f"  {i}" if i % 9 == 0 else str(i),
    ],
    ids=["dates", "amounts", "leading zeros", "a few words", "gaps", "spaces"],
)
def test_arrow_and_objects_get_the_same(write):
    texts = [write(i) for i in range(1, 20_000)]
    frames = [
        pd.DataFrame({"id": range(1, 20_000), "x": pd.Series(texts, dtype=d)}) for d in ("string[pyarrow]", object)
    ]
    of_arrow, of_objects = (growlytics_pandas.plan(frame[3:], "id").suggestions for frame in frames)
    assert of_arrow["value"].tolist() == of_objects["value"].tolist()
    assert of_arrow["reason"].tolist() == of_objects["reason"].tolist()


def test_fixed_type_is_not_contradicted():
    assert suggested(["7", "8"], known={"x": "string"})[0] == {}
    assert suggested(["7", "8"], known={"x": "date"})[0] == {}
    assert suggested(["1,234.5"], known={"x": "number"})[0] == {"decimal": {"x": "."}}
    assert suggested(["31/01/2025"], known={"x": "date"})[0] == {"date_format": {"x": "%d/%m/%Y"}}
    assert suggested(["7", "n/a"], given={"x": "number"})[0] == {"na_values": {"x": ["n/a"]}}


def test_given_options_are_not_suggested_again():
    assert (
        suggested([" 31/01/2025", "NA"], reading=Reading(strip=True, na_values=("NA",), date_formats=("%d/%m/%Y",)))[0]
        == {}
    )
    assert suggested([" 1,234.5", "NA"], reading=Reading(strip=True))[0] == {
        "na_values": {"x": ["NA"]},
        "decimal": {"x": "."},
    }


@pytest.mark.parametrize("name", ["name", "email", "mobile"])
@pytest.mark.parametrize("value", ["7", "1,000", "31/01/2025", "2025-01-31", "yes"])
def test_reserved_attribute_is_always_text(name, value):
    assert not {"types", "date_format", "decimal"} & suggested([value] * 20, name)[0].keys()


def test_strange_columns_are_no_error():
    values = [[], [None], [pd.NaT], ["\ud800"], ["\0"], ["a\nb"], [float("nan")], [Decimal("1.5")], [2**70], [b"x"]]
    for cells in values:
        as_options(suggestions(frame_of(cells)))
    for empty in (
        pd.Series([], dtype="str"),
        pd.Series([], dtype="category"),
        pd.Series([], dtype="datetime64[ns, UTC]"),
    ):
        assert suggestions(frame_of(empty)) == []


# whatever is suggested ------------------------------------------------------------------------------------------------

KINDS_OF_TEXT = (
    st.dates().map(lambda day: f"{day.day:02}/{day.month:02}/{day.year:04}"),
    st.dates().map(lambda day: f"{day.month}-{day.day}-{day.year:04}"),
    st.dates().map(lambda day: day.isoformat()),
    st.integers(-(10**6), 10**6).map(lambda n: f"{n:,}"),
    st.decimals(-(10**6), 10**6, places=2).map(lambda n: f"₹ {n:,}"),
    st.integers(0, 10**6).map(str),
    st.sampled_from(["yes", "No", "NA", "-", "", " n/a"]),
    st.text(max_size=8),
)


@given(
    st.lists(st.one_of(*KINDS_OF_TEXT), min_size=1, max_size=12)
    | st.one_of(*(st.lists(k, min_size=1, max_size=12) for k in KINDS_OF_TEXT))
)
def test_suggestion_parses_the_stated_count(values):
    options, found = suggested(values)
    for one in found:
        if one.option in ("types", "decimal", "date_format") and one.value is not None:
            type_, read = sent(values, options)
            assert type_ == {"decimal": "number", "date_format": "date"}.get(one.option, one.value)
            assert sum(value is not NOT_SENT for value in read) == one.cells
            cleaned = [text for text in strip_texts(values) if text not in options.get("na_values", {}).get("x", ())]
            assert one.cells >= len(cleaned) * 0.9


def test_codes_that_lost_zeros_are_noticed():
    zips = [501.0 if i % 10 == 0 else 10_000.0 + i for i in range(100)]
    df = pd.DataFrame({"id": [f"c{i}" for i in range(100)], "ZIP": [*zips[:-1], np.nan]})
    for options in ({}, {"types": {"ZIP": "string"}}):
        (message,) = gp.validate(df, "id", **options).query("column == 'ZIP'")["message"]
        assert "10 of 99 codes are shorter than 5 digits" in message
    df["ZIP"] = [f"{code:.0f}".zfill(5) for code in zips]
    assert gp.validate(df, "id").empty


@pytest.mark.parametrize(
    "codes", [[1, 91, 44], [10_000, 20_000], [1, 2, 3, 20_000], [2.5, 10_000.0, 10_001.0]], ids=repr
)
def test_codes_of_several_lengths_are_not_always_short(codes):
    df = pd.DataFrame({"id": range(len(codes)), "Code": codes}).astype({"id": str})
    found = gp.validate(df, "id", types={"Code": "string"})
    assert not found["message"].str.contains("shorter").any()


def test_leading_zeros_of_numbers_are_noticed():
    df = pd.DataFrame({"id": ["a", "b", "c"], "ZIP": ["02572", "10001", "0"]})
    found = gp.validate(df, "id", types={"ZIP": "number"})
    assert "as in 02572" in found["message"].item()
    assert gp.validate(df.assign(ZIP=["2572", "10001", "0"]), "id", types={"ZIP": "number"}).empty


@pytest.mark.parametrize(
    ("value", "other", "choice"),
    [
        ("31/01/2025", "approx 2023", {"date_format": {"x": "%d/%m/%Y"}}),
        ("₹ 1,234.50", "₹ 1.5 lakh", {"decimal": {"x": "."}}),
        ("yes", "maybe", {"types": {"x": "boolean"}}),
    ],
)
@pytest.mark.parametrize(("n_others", "expected"), [(5, "suggested"), (20, "to decide"), (60, "text")])
def test_column_that_is_mostly_of_a_type_is_no_silent_text(value, other, choice, n_others, expected):
    no = "no" if value == "yes" else value
    df = pd.DataFrame(
        {"id": range(100), "x": [value, no] * ((100 - n_others) // 2) + [other] * (n_others + n_others % 2)}
    )
    plan = gp.plan(df.head(100), "id")
    assert plan.suggest() == (choice if expected == "suggested" else {})
    doubts = plan.violations.query("rule == 'type_doubtful'")["fix"].tolist()
    assert bool(doubts) == (expected != "text")
    if expected == "to decide":
        ((option, of_column),) = choice.items()
        assert f"{option}={of_column}" in doubts[0]
        assert "types={'x': 'string'}" in doubts[0]


def test_row_of_totals_settles_no_type():
    df = pd.DataFrame(
        {"id": ["a", "b", "c", "Total"], "Orders": ["12", "7", "9", "5,432"], "Visits": ["1", "2", "3", ""]}
    )
    plan = gp.plan(df, "id")
    assert plan.suggest()["types"] == {"Orders": "number", "Visits": "number"}
    typed = gp.plan(df, "id", types={"Orders": "number", "Visits": "number"})
    assert typed.violations["rule"].tolist() == ["row_is_total"]


def test_codes_above_a_row_of_totals_are_doubtful():
    df = pd.DataFrame({"id": ["a", "b", "c", "Total"], "PLZ": [1067, 10115, 80331, ""]})
    assert "leading zeros" in gp.validate(df, "id").query("column == 'PLZ'")["message"].iloc[0]


def test_numbers_with_lost_zeros_stay_doubtful_as_text():
    df = pd.DataFrame(
        {
            "id": range(10),
            "Agent Code": [554, 6, 120, 431, 222, 999, 800, 13, 141, 277],
            "Country code": [1, 44, 91, 49, 49, 44, 48, 33, 39, 7],
        }
    )
    for options in ({}, {"types": {"Agent Code": "string"}}):
        found = gp.validate(df, "id", **options).query("column == 'Agent Code'")
        assert "leading zeros" in found["message"].iloc[0]
    assert "as if" not in " ".join(gp.validate(df, "id").query("column == 'Country code'")["message"])


@pytest.mark.parametrize("values", [["31/01/2025"], ["₹ 1,234.50"], ["yes", "no"]])
def test_word_among_dates_and_numbers_may_mean_missing(values):
    df = pd.DataFrame({"id": range(40), "x": [*(values * 40)[:37], *["never"] * 3]})
    options = gp.suggest(df, "id")
    assert "na_values" not in options
    plan = gp.plan(df, "id", **options)
    fixes = plan.violations.query("rule == 'value_wrong_type'")["fix"]
    assert fixes.str.contains("na_values={'x': ['never']}", regex=False).tolist() == [True] * 3
    assert not gp.plan(df, "id", **options, na_values={"x": ["never"]}).has_errors


def test_short_postal_codes_have_lost_zeros_however_many():
    df = pd.DataFrame({"id": range(4), "ZIP": [2139, 2108, 7030, 10001]})
    for options in ({}, {"types": {"ZIP": "string"}}):
        assert "leading zeros" in gp.validate(df, "id", **options)["message"].iloc[0]


def test_amounts_with_the_word_for_euros():
    df = pd.DataFrame({"id": range(3), "Montant": ["1 234,50 euros", "12,00 Euro", "7 EUR"]})
    assert gp.suggest(df, "id") == {"decimal": {"Montant": ","}}
    assert [body["attributes"][0]["value"] for body in gp.preview(df, "id", decimal={"Montant": ","})] == [
        1234.5,
        12,
        7,
    ]


def test_short_postal_codes_as_text_are_a_warning():
    """As text they stay wrong: the zeros were lost earlier."""
    codes = ["28001", "9601", "8001", None, "46001"]
    df = pd.DataFrame({"id": list("abcde"), "PLZ": codes})
    found = gp.validate(df, "id").query("rule == 'type_doubtful'")
    assert "2 of 4 codes are shorter than 5 digits" in found["message"].item()
    assert gp.suggest(df, "id") == {}
    for others in (["28001", "09601"], ["28001", "46001"], ["SW1A 1AA", "E1 6AN"], ["12345-6789", "12345"]):
        assert gp.validate(pd.DataFrame({"id": ["a", "b"], "PLZ": others}), "id").empty


@pytest.mark.parametrize("label", ["CP", "CP livraison", "Code postal"])
def test_french_postal_codes(label):
    df = pd.DataFrame({"id": range(4), label: [1000, 6000, 75011, 13001]})
    assert "leading zeros" in gp.validate(df, "id")["message"].iloc[0]


def test_lost_zeros_stay_a_warning_after_the_first_push(sandbox):
    df = pd.DataFrame({"id": range(4), "Pincode": [411001, 96828, 400012, 110001]})
    gp.push(df, "id", client=sandbox.client, progress=False)
    found = gp.validate(df, "id", client=sandbox.client).iloc[0]
    assert "leading zeros" in found["message"]
    assert "rename={'Pincode': 'Pincode (text)'}" in found["fix"]
    assert gp.validate(df, "id", client=sandbox.client, types={"Pincode": "number"}).empty


def test_given_words_for_missing_do_not_hide_others():
    df = pd.DataFrame({"id": range(20), "Bemerkung": ["gut", "  ", "offen", "ok"] * 5})
    for words in (["offen"], {"Bemerkung": ["offen"]}):
        options = gp.suggest(df, "id", na_values=words, strip=["Bemerkung"])
        assert options["na_values"]["Bemerkung"] == ["offen", ""]
        assert len(gp.preview(df, "id", **options)[1]["attributes"]) == 0


def test_words_for_missing_of_other_languages():
    df = pd.DataFrame({"id": range(6), "Anrede": ["Frau", "k.A.", "Herr", "Herr", "keine Angabe", "Frau"]})
    assert sorted(gp.suggest(df, "id")["na_values"]["Anrede"]) == ["k.A.", "keine Angabe"]
