"""Columns as people keep them: what is meant is told, and the line of a hint sends it so and misreads nothing."""

import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import growlytics_pandas as gp

TEXT_DTYPES = ["str", "string", "string[python]", "string[pyarrow]", "category", object, pd.ArrowDtype(pa.string())]
GONE = "not sent"


def frame(values, dtype=object):
    column = values if isinstance(values, pd.Series) else pd.Series(values, dtype=dtype)
    return pd.DataFrame({"id": [f"c{i}" for i in range(len(column))], "x": column})


def hint_of(df):
    [attribute] = gp.plan(df, "id").layout.attributes
    assert attribute.note == attribute.hint.text
    return attribute.hint


def sent(df, **options):
    bodies = gp.preview(df, "id", n=len(df), **options)
    values = [next((each["value"] for each in body["attributes"]), GONE) for body in bodies]
    return [value.removesuffix(" 00:00:00") if isinstance(value, str) else value for value in values]


def pasted(df, line):
    scope = {"df": df.copy(), "pd": pd}
    exec(line, scope)
    return scope["df"]


DAY, NEXT = "2025-01-31", "2025-02-01"
WORDS = ["NA", "N/A", "n/a", "NULL", "null", "None", "nan", "-", "--", "?", "", " - ", "NaN"]
CASES = {  # values, the type that is meant, what is sent once the line is pasted, the values that stay as they are
    "numbers and a word": (["1", "2.5", "-3", "NA"], "number", [1, 2.5, -3, GONE], []),
    "numbers and many words": (["7", *WORDS], "number", [7, *[GONE] * len(WORDS)], []),
    "padded numbers and words": ([" 7", "8\xa0", "NA "], "number", [7, 8, GONE], []),
    "numbers, a word and another": (["1"] * 19 + ["NA", "1e400x"], "number", [1] * 19 + [GONE, GONE], ["1e400x"]),
    "numbers, words and infinity": (
        ["1"] * 39 + ["NA", "inf", "1e400"],
        "number",
        [1] * 39 + [GONE] * 3,
        ["inf", "1e400"],
    ),
    "amounts and one without bounds": (["1,234"] * 19 + ["1e400"], "number", [1234] * 19 + [GONE], ["1e400"]),
    "dates and a word": ([DAY, f"{NEXT} 09:30", "NULL"], "date", [DAY, f"{NEXT} 09:30:00", GONE], []),
    "dates, a word and years": ([DAY] * 19 + ["-", "2025"], "date", [DAY] * 19 + [GONE, GONE], ["2025"]),
    "dates with offsets and a word": (
        ["2025-01-31T10:00:00+05:30", "2025-01-31T10:00:00Z", "-"],
        "date",
        ["2025-01-31 04:30:00", "2025-01-31 10:00:00", GONE],
        [],
    ),
    "yes, no and a word": (["yes", "No ", "?"], "boolean", [True, False, GONE], []),
    "yes, no, a word and another": (
        ["yes", "No"] * 10 + ["?", "perhaps"],
        "boolean",
        [True, False] * 10 + [GONE, GONE],
        ["perhaps"],
    ),
    "amounts and a word": (["1,234.50", "99", "-"], "number", [1234.5, 99, GONE], []),
    "prices and a word": (["1,234.50", "₹ 99", "99", "-"], "number", [1234.5, 99, 99, GONE], []),
    "amounts and others": (["1,234"] * 19 + ["soon"], "number", [1234] * 19 + [GONE], ["soon"]),
    "per cent": (["12%", "3.5 %", "-4%"], "number", [12, 3.5, -4], []),
    "per cent, a word and a number": (["12%"] * 19 + ["-", "5"], "number", [12] * 19 + [GONE, GONE], ["5"]),
    "days first and a word": (["31/01/2025", "01/02/2025", "NA"], "date", [DAY, NEXT, GONE], []),
    "days first and others": (["31/01/2025"] * 19 + ["31/02/2025"], "date", [DAY] * 19 + [GONE], ["31/02/2025"]),
    "month by name": (["31-Jan-25", "01-Feb-25"], "date", [DAY, NEXT], []),
    "month by name, four digits": (["31-jan-2025", "1-FEB-2025", None], "date", [DAY, NEXT, GONE], []),
    "month first by name": (["Jan 31, 2025", "Feb 1, 2025"], "date", [DAY, NEXT], []),
    "month in full": (["31 January 2025", "01 February 2025"], "date", [DAY, NEXT], []),
    "a leap day": (["29-Feb-00", "29-Feb-24"], "date", ["2000-02-29", "2024-02-29"], []),
    "the last century": (["31-Jan-69", "31-Jan-99"], "date", ["1969-01-31", "1999-01-31"], []),
    "three forms": (["31/01/2025", "2025-01-31", "31-Jan-25", "01/02/2025"], "date", [DAY, DAY, DAY, NEXT], []),
    "four forms and a word": (
        [" 31/01/2025", "2025-01-31 09:30", "31-Jan-25", "20250201", "NA"],
        "date",
        [DAY, "2025-01-31 09:30:00", DAY, NEXT, GONE],
        [],
    ),
    "forms, and a day or month": (
        [*["2025-01-31", "31-Jan-25"] * 9, "01/02/2025"],
        "date",
        [DAY] * 18 + [GONE],
        ["01/02/2025"],
    ),
    "forms, and days and months in either order": (
        [*["2025-01-31", "31-Jan-25"] * 9, "31/01/2025", "01/31/2025"],
        "date",
        [DAY] * 18 + [GONE, GONE],
        ["31/01/2025", "01/31/2025"],
    ),
    "forms, and an offset": (
        [*["2025-01-31", "31-Jan-25"] * 9, "2025-01-31T10:00:00+05:30"],
        "date",
        [DAY] * 18 + [GONE],
        ["2025-01-31T10:00:00+05:30"],
    ),
    "digits": (["20250131", "20250201", "20240229"], "date", [DAY, NEXT, "2024-02-29"], []),
}


@pytest.mark.parametrize("dtype", TEXT_DTYPES, ids=str)
@pytest.mark.parametrize("case", CASES)
def test_the_line_sends_what_is_meant_and_leaves_the_rest_in_place(case, dtype):
    values, wanted, expected, left = CASES[case]
    df = frame(values, dtype)
    hint = hint_of(df)
    assert hint.wanted == wanted
    assert "\n" not in hint.line
    after = pasted(df, hint.line)
    assert gp.schema(after, "id")["type"].item() == wanted, "without types="
    assert sent(after) == expected
    assert [v for v in after["x"].tolist() if isinstance(v, str)] == left
    if left:
        assert gp.validate(after, "id")["rule"].tolist().count("value_wrong_type") == len(left)


@pytest.mark.parametrize("dtype", TEXT_DTYPES, ids=str)
@pytest.mark.parametrize("case", [name for name in CASES if "word" in name and "offsets" not in name])
def test_words_for_a_missing_value_are_told_with_a_line_that_makes_them_missing(case, dtype):
    values, wanted, expected, left = CASES[case]
    hint = hint_of(frame(values, dtype))
    first = hint.line.split("; ")[0]
    assert first in hint.text
    after = pasted(frame(values, dtype), first)
    assert after["x"].isna().sum() == expected.count(GONE) - len(left)
    if "make these missing first" in hint.text:
        assert sent(after, types={"x": wanted}) == expected


@pytest.mark.parametrize("share", [0.05, 0.3, 0.9])
def test_however_many_values_are_missing_by_a_word_the_others_are_numbers(share):
    values = ["NA" if i % 100 < share * 100 else str(i % 97) for i in range(1000)]
    text = hint_of(frame(values)).text
    assert text.startswith(
        f"all {1000 - int(share * 1000)} values are numbers, besides {int(share * 1000)} that say 'NA'"
    )


def test_words_alone_or_among_names_are_text():
    for values in (
        ["NA", "-", ""],
        [""] * 9,
        ["Pune", "NA"],
        ["F", "NA"],
        ["A-1", "-"],
        ["011001", "-"],
        ["12:30", "?"],
    ):
        assert hint_of(frame(values)).text == "", values


def test_digits_that_a_float_would_lose_are_left_to_types():
    df = frame(["0.1234567890123456789", "NA"])
    after = pasted(df, hint_of(df).line)
    assert after["x"].tolist()[0] == "0.1234567890123456789"
    assert hint_of(after).line == ""
    assert hint_of(frame(["12,345,678,901,234,567.5"])).line == ""


def test_where_the_order_of_day_and_month_is_open_the_line_says_so():
    hint = hint_of(frame(["01/02/2025", "NA"]))
    assert "or format='%m/%d/%Y' where the month stands first" in hint.text
    choice = "# if the day stands first (else format='%m/%d/%Y'): "
    assert hint.line.startswith(choice)  # a remark: it does nothing
    assert sent(pasted(frame(["01/02/2025", "NA"]), hint.line.removeprefix(choice))) == [NEXT, GONE]


def test_years_of_two_digits_that_may_be_of_either_century_are_not_read():
    for values in (["31-Jan-45"], ["31-Jan-25", "31-Jan-45"]):
        hint = hint_of(frame(values))
        assert (hint.wanted, hint.line[:1]) == ("date", "#")
        assert "century is open" in hint.text


@pytest.mark.parametrize(
    "values",
    [
        ["20250131", "20250201"],  # by chance, perhaps
        ["20250131", "20250201", "20251301"],
        [f"{n}" for n in range(20_250_101, 20_250_140)],  # ids
        ["18500101", "18500102", "18500103"],
    ],
)
def test_digits_that_are_no_dates_are_numbers(values):
    assert hint_of(frame(values)).wanted == "number"


@pytest.mark.parametrize(
    "values",
    [
        ["560 001", "110 001"],  # postal codes
        ["9876543210.0", "9812345678.0", "nan"],
        ["31-Feb-25", "30-Feb-25"],
        ["100%", "5", "7", "8"],
        ["May", "June"],
        ["12-05", "13-06"],
        ["1-2-3", "4-5-6"],
        ["20%off", "10%off"],
        ["2025", "2024x"],
    ],
)
def test_nothing_is_said_of_what_only_looks_alike(values):
    assert hint_of(frame(values)).wanted in (None, "number")
    assert "%" not in hint_of(frame(values)).text


@pytest.mark.parametrize(
    ("columns", "is_pasted"),
    [
        (pd.Index([3, 4]), True),
        (pd.MultiIndex.from_tuples([("id", ""), ("x", "sum")]), True),
        (pd.Index(["id", "Mother's"]), True),
        (pd.Index(["id", pd.Timestamp("2025-01-01")], dtype=object), False),
        (pd.Index(["id", float("nan")], dtype=object), False),
    ],
)
def test_a_line_names_the_column_so_that_it_can_be_pasted_or_there_is_none(columns, is_pasted):
    df = frame(["31/01/2025", "NA"]).set_axis(columns, axis=1)
    [attribute] = gp.plan(df, columns[0]).layout.attributes
    assert bool(attribute.hint.line) is is_pasted
    if is_pasted:
        assert gp.schema(pasted(df, attribute.hint.line), columns[0])["type"].item() == "date"


# numbers --------------------------------------------------------------------------------------------------------------

INTEGERS = ["int64", "Int64", "int64[pyarrow]", "float64", "Float64", "double[pyarrow]", object]


@pytest.mark.parametrize("dtype", INTEGERS)
def test_whole_numbers_that_are_dates_by_their_digits_become_dates(dtype):
    values = [20_250_131, 20_240_229, 20_250_201, *[None] * (dtype != "int64")]
    df = frame(values, dtype)
    hint = hint_of(df)
    assert hint.wanted == "date"
    assert hint.text.startswith("whole numbers like 20250131")
    assert sent(pasted(df, hint.line)) == [DAY, "2024-02-29", NEXT, *[GONE] * (dtype != "int64")]
    assert gp.schema(df, "id", types={"x": "number"})["note"].item() == ""


@pytest.mark.parametrize(
    "values",
    [
        [20_250_131, 20_250_201],
        list(range(20_250_101, 20_250_140)),
        [20_250_131, 20_250_201, 20_250_202, 7],
        [20_250_131.5, 20_250_201.0, 20_250_202.0],
        [19_000_000, 19_000_001, 19_000_002],
        [float("inf"), 20_250_131.0, 20_250_201.0, 20_250_202.0],
        [0.25, 0.5, None],
        [1, 0, 2, None],
        [1.0, None],
        [0.0, 1.0],
    ],
)
def test_other_numbers_have_no_hint(values):
    assert hint_of(frame(pd.Series(values))).text == ""


@pytest.mark.parametrize("dtype", ["float64", "Float64", "Int64", "double[pyarrow]", object])
def test_0_and_1_with_gaps_are_hinted_as_yes_or_no(dtype):
    df = frame([0, 1, None, 1], dtype)
    hint = hint_of(df)
    assert hint.text == "only 0 and 1; to send it as yes/no: types={'x': 'boolean'}"
    assert hint.line == ""
    assert sent(df, types={"x": "boolean"}) == [False, True, GONE, True]


# days with a zone -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", ["datetime64[ns, Asia/Kolkata]", pd.ArrowDtype(pa.timestamp("us", "Asia/Kolkata")), object]
)
def test_days_with_a_zone_say_which_zone_keeps_them(dtype):
    days = pd.Series(pd.to_datetime(["1990-05-17", None, "1985-01-01"]).tz_localize("Asia/Kolkata"))
    df = frame(days.astype(dtype))
    text = hint_of(df).text
    assert "timezone='Asia/Kolkata' keeps them" in text
    assert sent(df, timezone="Asia/Kolkata") == ["1990-05-17", GONE, "1985-01-01"]
    assert sent(df)[0] == "1990-05-16 18:30:00"


def test_other_dates_with_a_zone_are_no_days():
    for zone, hour in (("Asia/Kolkata", 9), ("UTC", 0), ("America/New_York", 0)):
        days = pd.Series(pd.to_datetime(["1990-05-17", "1985-01-01"]).tz_localize(zone) + pd.Timedelta(hours=hour))
        assert hint_of(frame(days)).text == "written in the zone timezone=, UTC by default", zone


def test_a_look_is_quick():
    n = 200_000
    drawn = np.random.default_rng(1).integers(0, 1000, n)
    columns = {
        "dates": pd.Series(pd.to_datetime("2020-01-01") + pd.to_timedelta(drawn, unit="D")).dt.strftime("%d-%b-%y"),
        "digits": pd.Series(pd.to_datetime("2020-01-01") + pd.to_timedelta(drawn, unit="D")).dt.strftime("%Y%m%d"),
        "numbers": pd.Series(drawn).astype(str).mask(drawn < 300, "NA"),
        "integers": pd.Series(np.arange(n)),
    }
    for name, column in columns.items():
        df = frame(column)
        begin = time.perf_counter()
        gp.schema(df, "id")
        assert time.perf_counter() - begin < 2, name  # some 50 ms; the rest is for a busy machine
