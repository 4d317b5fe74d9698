"""Numbers and dates in other spellings, where the type is asked for: what is beyond doubt is read, by a line that says so."""

import re

import pandas as pd
import pyarrow as pa
import pytest

import growlytics_pandas as gp

DTYPES = ["str", "string", "string[pyarrow]", "category", object, pd.ArrowDtype(pa.string())]
GONE = "not sent"
DAY, NEXT = "2025-01-31 00:00:00", "2025-02-01 00:00:00"


def frame(values, dtype=object):
    return pd.DataFrame({"id": [f"c{i}" for i in range(len(values))], "x": pd.Series(values, dtype=dtype)})


def lines_of(df, **options):
    found = gp.validate(df, "id", **options)
    return found.loc[found["row"].notna() & (found["rule"] != "row_empty"), "fix"].drop_duplicates().tolist()


def pasted(df, lines):
    scope = {"df": df.copy(), "pd": pd, "types": {}}
    for line in lines:
        exec(line, scope)
    return scope["df"]


def sent(df, **options):
    bodies = gp.preview(df, "id", n=len(df), **options)
    return [next((each["value"] for each in body["attributes"]), GONE) for body in bodies]


CASES = {  # values, type, what is sent once the lines are pasted, words of their remarks
    "spaces": (
        ["1 000", "1\xa0234\xa0567.5", "2\u2009000", "3\u202f500", "7"],
        "number",
        [1000, 1234567.5, 2000, 3500, 7],
        "",
    ),
    "spaces that part no thousands": (["98765 43210", "1 00", "7"], "number", [GONE, GONE, 7], ""),
    "parentheses": (["(5)", "(₹ 1,234.50)", "7"], "number", [-5, -1234.5, 7], "(5) is taken for -5"),
    "parentheses and words": (["(5)", "(none)", "(-5)", "7"], "number", [-5, GONE, GONE, 7], "(5) is taken for -5"),
    "decimal commas": (["1.234,50", "5,5", "7", "1 234,5"], "number", [1234.5, 5.5, 7, 1234.5], "for a decimal point"),
    "decimal commas and words": (["5,5", "-0,25", "n/a", "12.5"], "number", [5.5, -0.25, GONE, 12.5], "decimal point"),
    "decimal commas and prices": (["€ 5,50", "€ 7", "(3,5)"], "number", [5.5, 7, -3.5], "decimal point"),
    "a comma in doubt": (["5,5", "1,234", "7"], "number", [GONE, GONE, 7], ""),
    "a comma and a point in doubt": (["5,5", "1.000"], "number", [GONE, 1], ""),
    "commas of both kinds": (["78,841.50", "78,84"], "number", [78841.5, GONE], ""),
    "a month by name": (["31-Jan-25", "1-feb-25"], "date", [DAY, NEXT], "25 is 2025"),
    "a month by name, in full": (["31-January-2025", "1-February-2025"], "date", [DAY, NEXT], ""),
    "a month by name and ISO": (["31-Jan-2025", "2025-02-01", "soon"], "date", [DAY, NEXT, GONE], ""),
    "digits": (["20250131", "20250201"], "date", [DAY, NEXT], ""),
    "digits and others": (["20250131", "20251301", "45000", "2025131"], "date", [DAY, GONE, GONE, GONE], ""),
    "several forms": (
        ["31/01/2025", "2025-01-31", "31-Jan-25", "01/02/2025", "20250131", "45000"],
        "date",
        [DAY, DAY, DAY, NEXT, DAY, GONE],
        "day first",
    ),
    "nothing but several forms": (["31/01/2025", "31-Jan-25", "01/02/2025"], "date", [DAY, DAY, NEXT], "day first"),
    "a form, and a day or month": (["31-Jan-25", "01/02/2025"], "date", [DAY, GONE], "25 is 2025"),
    "a form, and both orders": (["31-Jan-2025", "01/31/2025", "31/01/2025"], "date", [DAY, GONE, GONE], ""),
    "an open century": (["31-Jan-25", "31-Jan-45", "31-Jan-2025"], "date", [GONE, GONE, DAY], ""),
    "no day": (["31/02/2025", "31/01/2025"], "date", [GONE, DAY], "day first"),
}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("count", [1, 60])
@pytest.mark.parametrize("case", CASES)
def test_what_is_beyond_doubt_is_read_and_the_rest_is_counted(case, count, dtype):
    values, wanted, expected, words = CASES[case]
    df = frame(values * count, dtype)
    lines = lines_of(df, types={"x": wanted})
    after = pasted(df, lines)
    assert sent(after, types={"x": wanted}) == expected * count
    remarks = " ".join(line.partition("  # ")[2] for line in lines)
    assert words in remarks
    n_lost = sum(int(n.replace(",", "")) for line in lines for n in re.findall(r"empties ([\d,]+) value", line))
    if len(lines) <= 2:
        assert n_lost == expected.count(GONE) * count
    assert (
        pasted(df, lines[::-1])["x"].astype(object).fillna("gone").tolist()
        == after["x"].astype(object).fillna("gone").tolist()
    )


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(
    ("known", "values", "expected"),
    [
        ("number", ["(5)", "1 000", "7"], [-5, 1000, 7]),
        ("number", ["5,5", "1.234,50"], [5.5, 1234.5]),
        ("date", ["31-Jan-25", "31/01/2025"], [DAY, DAY]),
        ("date", ["20250131", None], [DAY, GONE]),
    ],
)
def test_a_type_that_the_service_knows_is_met_by_other_spellings(tmp_path, known, values, expected, dtype):
    client = gp.Client("not-a-real-key", ledger=tmp_path / "l.db")
    client.declare_types({"x": known})
    df = frame(values, dtype)
    [line] = gp.validate(df, "id", client=client).query("rule == 'type_conflict'")["fix"]
    assert sent(pasted(df, [line]), client=client) == expected


def test_a_point_is_not_cut_where_commas_are_decimal_ones(tmp_path):
    client = gp.Client("not-a-real-key", ledger=tmp_path / "l.db")
    client.declare_types({"x": "number"})
    df = frame(["5,5", "12.5"])
    [line] = gp.validate(df, "id", client=client).query("rule == 'type_conflict'")["fix"]
    assert 125 not in sent(pasted(df, [line]), client=client, types={"x": "number"})


def test_whole_numbers_that_are_dates_by_their_digits_are_read_where_dates_are_asked_for():
    for dtype in ("int64", "Int64", "float64", "int64[pyarrow]", object):
        df = frame([20_250_131, 20_250_201], dtype)
        assert sent(pasted(df, lines_of(df, types={"x": "date"})), types={"x": "date"}) == [DAY, NEXT]
    [line] = lines_of(frame([20_250_131, 7]), types={"x": "date"})
    assert "types" in line


# numbers among which are other values ---------------------------------------------------------------------------------


@pytest.mark.parametrize("others", [[], ["n/a"], ["n/a", "0.12345678901234567890123"]])
@pytest.mark.parametrize("count", [1, 90])
def test_a_line_that_makes_a_number_of_true_says_so(others, count):
    df = frame([*range(5), "6", True, False, *others] * count)
    lines = lines_of(df)
    assert any("makes 1 of True and 0 of False" in line for line in lines)
    assert sent(pasted(df, [line for line in lines if not line.startswith("#")]))[5:8] == [6, 1, 0]
    assert not any("True" in line.partition("  # ")[2] for line in lines_of(frame([1, 2, "3", *others] * count)))


@pytest.mark.parametrize("count", [1, 90])
def test_a_number_beyond_the_range_of_doubles_is_emptied_and_not_handed_on(count):
    df = frame([*range(9), "4", "1e400", "-1e999"] * count)
    lines = lines_of(df)
    assert not any("types=" in line for line in lines)
    after = pasted(df, lines)
    assert gp.validate(after, "id")["rule"].isin(["row_empty"]).all()
    assert sent(after)[9:12] == [4, GONE, GONE]
