"""``types=`` converts what can become the type, and names every value that cannot."""

# ruff: noqa: DTZ001 - naive dates are the subject

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import growlytics_pandas
from growlytics_pandas.contract import MAX_SAFE_INTEGER

HUGE = 10**5000  # more digits than Python writes


def convert(values, wanted=None, dtype=None, **options):
    """Return what each row sends, and the rules that fired: row → rule, or rule → cells of the whole column."""
    column = values if isinstance(values, pd.Series) else pd.Series(values, dtype=dtype)
    frame = pd.DataFrame({"id": [f"c{i}" for i in range(len(column))]})
    frame["x"] = column.set_axis(frame.index)
    plan = growlytics_pandas.plan(frame, "id", types=wanted and {"x": wanted}, **options)
    sent = [body["attributes"][0]["value"] if body["attributes"] else None for body in plan.preview(len(frame))]
    found = plan.violations[plan.violations["rule"] != "row_empty"]
    types = {attribute["type"] for body in plan.preview(len(frame)) for attribute in body["attributes"]}
    assert types <= {wanted or plan.schema["type"].item()}
    rows = zip(found["row"].tolist(), found["rule"].tolist(), found["count"].tolist(), strict=True)
    return sent, {(rule if row is pd.NA else row): (count if row is pd.NA else rule) for row, rule, count in rows}


WRONG, INFINITE, UNSAFE = "value_wrong_type", "value_not_finite", "integer_unsafe"
RANGE, CUT = "date_out_of_range", "date_truncated"


# to string -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "dtype", "texts"),
    [
        ([9199112112.0, None, -0.0, 0.5], "float64", ["9199112112", None, "0", "0.5"]),
        ([0.1, 2.0], "float32", ["0.1", "2"]),
        ([1e15, -1e15], "float64", ["1000000000000000", "-1000000000000000"]),
        ([Decimal("1.00"), Decimal("1.10"), Decimal("1E+3")], object, ["1", "1.10", "1000"]),
        ([7, None], "Int64", ["7", None]),
        ([2**64 - 1], "uint64", [str(2**64 - 1)]),
        ([2**80, 1], object, [str(2**80), "1"]),
        ([True, None], "boolean", ["true", None]),
        ([dt.datetime(2026, 1, 31, 9), None], "datetime64[us]", ["2026-01-31 09:00:00", None]),
        ([dt.date(2026, 1, 31)], object, ["2026-01-31 00:00:00"]),
        (["a", 1, 2.0, True, None], object, ["a", "1", "2", "true", None]),
        ([9199112112.0, "98"], "category", ["9199112112", "98"]),
    ],
)
def test_numbers_become_text_with_their_digits(values, dtype, texts):
    assert convert(values, "string", dtype) == (texts, {})


def test_imprecise_floats_keep_digits_and_warn():
    texts = ["1000000000000000", "1" + "0" * 22, "1" + "0" * 23]
    assert convert([1e15, 1e22, 1e23], "string", "float64") == (texts, {UNSAFE: 2})


def test_float_mobiles_lose_the_point_zero():
    frame = pd.DataFrame({"id": ["a", "b"], "mobile": [9199211112.0, None]})
    bodies = growlytics_pandas.preview(frame, "id")
    assert bodies[0]["attributes"] == [{"name": "mobile", "type": "string", "value": "9199211112"}]
    assert bodies[1]["attributes"] == []
    assert "reserved_not_string" in growlytics_pandas.validate(frame, "id")["rule"].tolist()


def test_infinity_lists_and_huge_ints_are_no_text():
    values = [float("inf"), Decimal("-Infinity"), [1], b"x", HUGE, "fine"]
    sent, found = convert(values, "string", object)
    assert sent == [None, None, None, None, None, "fine"]
    assert found == {0: INFINITE, 1: INFINITE, 2: WRONG, 3: WRONG, 4: INFINITE}


def test_mixed_date_reports_its_truncation():
    values = ["x", dt.datetime(2026, 1, 31, 0, 0, 0, 500), np.datetime64("12026-01-31")]
    assert convert(values, "string", object) == (["x", "2026-01-31 00:00:00", None], {CUT: 1, 2: RANGE})


@pytest.mark.parametrize("dtype", [object, "string[python]"])
def test_lone_surrogate_is_a_violation(dtype):
    sent, found = convert(["fine", "\ud83c", "\udf89 half", "🎉"], dtype=dtype)
    assert sent == ["fine", None, None, "🎉"]
    assert found == {1: WRONG, 2: WRONG}


def test_lone_surrogate_in_a_mixed_column():
    assert convert(["a", "b", "\ud800", 5], "string", object) == (["a", "b", None, "5"], {2: WRONG})


# to number -----------------------------------------------------------------------------------------------------------


def test_text_to_number_keeps_every_digit():
    texts = ["12", "-3.50", " 1e6 ", "+7", "1,000", "12 kg", "", "nan", "inf", "0x10", "1_000", "٣", None]
    sent, found = convert(texts, "number")
    assert sent[:4] == [12, -3.5, 1e6, 7]
    assert sent[4:] == [None] * 9
    assert found == dict.fromkeys(range(4, 12), WRONG)


def test_text_number_keeps_trailing_zeros():
    frame = pd.DataFrame({"id": ["a"], "x": ["2.50"]})
    [body] = growlytics_pandas.plan(frame, "id", types={"x": "number"})._part.encode(0, 1).bodies
    assert b'"value":2.50}' in body


def test_numbers_beyond_a_double_are_left_out():
    largest = int(np.finfo("float64").max)
    values = [1, HUGE, -HUGE, 2**1024 - 1, Decimal("1E+400"), float("-inf"), largest]
    sent, found = convert(values, dtype=object)
    assert sent == [1, None, None, None, None, None, largest]
    assert found == {**dict.fromkeys(range(1, 6), INFINITE), UNSAFE: 1}
    assert convert(["1e400", "1" * 500, "9" * 399, "5"], "number") == (
        [None, None, None, 5],
        {0: INFINITE, 1: WRONG, 2: INFINITE},
    )


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "Float64", "double[pyarrow]", "Sparse[float64]"])
def test_infinity_is_left_out_in_every_backing(dtype):
    sent, found = convert([0.5, float("inf"), float("-inf"), None], dtype=dtype)
    assert sent == [0.5, None, None, None]
    assert found == {1: INFINITE, 2: INFINITE}


@pytest.mark.parametrize("dtype", ["int64", "uint64", "Int64", "int64[pyarrow]", object])
def test_unsafe_integers_are_sent_with_a_warning(dtype):
    values = [MAX_SAFE_INTEGER, MAX_SAFE_INTEGER + 1, 0]
    assert convert(values, dtype=dtype) == (values, {UNSAFE: 1})


def test_booleans_become_numbers_but_dates_do_not():
    assert convert([True, None, False], "number", "boolean") == ([1, None, 0], {})
    assert convert([dt.datetime(2026, 1, 31), None], "number") == ([None, None], {0: WRONG})


# to boolean ----------------------------------------------------------------------------------------------------------


def test_yes_no_spellings_become_booleans():
    words = ["yes", "No", " TRUE", "false", "Y", "n", "on", "OFF", "1", "0", "t", "f"]
    sent, found = convert(words, "boolean")
    assert sent == [True, False] * 6
    assert found == {}


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([0, 1, 2], "int64"),
        ([0.0, 1.0, 0.5], "float64"),
        ([Decimal(0), Decimal(1), Decimal("1.1")], object),
        (["0", "1", "maybe"], "str"),
        ([False, 1, "perhaps"], object),
        (pd.Categorical([0, 1, 7]), None),
    ],
)
def test_only_0_and_1_become_booleans(values, dtype):
    assert convert(values, "boolean", dtype) == ([False, True, None], {2: WRONG})


@pytest.mark.parametrize("unit", ["s", "ns"])
def test_dates_never_become_booleans(unit):
    assert convert(np.array(["1970-01-01"], dtype=f"M8[{unit}]"), "boolean") == ([None], {0: WRONG})


def test_nothing_becomes_boolean_unrequested():
    """Zeros and ones stay numbers and "yes" stays text until a type is requested."""
    assert convert([0, 1]) == ([0, 1], {"type_doubtful": 2})
    assert convert([0, 1], "number") == ([0, 1], {})
    assert convert(["yes", "no"]) == (["yes", "no"], {"type_doubtful": 2})


# to date -------------------------------------------------------------------------------------------------------------


def test_iso_text_becomes_a_date():
    texts = ["2026-01-31", "2026-01-31 09:30:05", "2026-01-31T09:30:05Z", "2026-01-31T09:30:05+05:30", " 2026-01-31 "]
    bad = ["31/01/2026", "2026-02-30", "20260131", "2026-W05-6", "", "today", "2026-01-31 25:00:00"]
    sent, found = convert([*texts, *bad, None], "date")
    assert sent[:5] == [
        "2026-01-31 00:00:00",
        "2026-01-31 09:30:05",
        "2026-01-31 09:30:05",
        "2026-01-31 04:00:05",
        "2026-01-31 00:00:00",
    ]
    assert sent[5:] == [None] * 8
    assert found == dict.fromkeys(range(5, 12), WRONG)


def test_numbers_become_no_dates():
    assert convert([20260131, None], "date", "Int64") == ([None, None], {0: WRONG})


@pytest.mark.parametrize("dtype", ["datetime64[ms]", "datetime64[us]", "datetime64[ns]", object, "category"])
def test_fraction_of_a_second_is_truncated(dtype):
    """A fraction of a second is cut off and reported, never rounded, before 1970 too."""
    values = [
        dt.datetime(2026, 1, 31, 23, 59, 59, 999000),
        dt.datetime(1969, 12, 31, 23, 59, 59, 1000),
        dt.datetime(1960, 1, 1),
    ]
    sent, found = convert(pd.Series(values, dtype=object).astype(dtype))
    assert sent == ["2026-01-31 23:59:59", "1969-12-31 23:59:59", "1960-01-01 00:00:00"]
    assert found == {CUT: 2}


@pytest.mark.parametrize("dtype", ["datetime64[s]", "timestamp[s][pyarrow]", object])
def test_years_beyond_four_digits_are_invalid(dtype):
    texts = [
        "0001-01-01T00:00:00",
        "9999-12-31T23:59:59",
        "0000-12-31T23:59:59",
        "10000-01-01",
        "-0044-03-15",
        "250000-01-01",
    ]
    column = pd.Series(np.array(texts, dtype="M8[s]"))
    column = pd.Series(list(column.to_numpy()), dtype=object) if dtype is object else column.astype(dtype)
    sent, found = convert(column)
    assert sent == ["0001-01-01 00:00:00", "9999-12-31 23:59:59", None, None, None, None]
    assert found == dict.fromkeys(range(2, 6), RANGE)


# violations ----------------------------------------------------------------------------------------------------------


def test_each_unconvertible_value_is_a_row():
    frame = pd.DataFrame({"id": ["a", "b", "c"], "Age": ["41", "n/a", "?"]}, index=["x", "y", "y"])
    violations = growlytics_pandas.validate(frame, "id", types={"Age": "number"})
    wrong = violations[violations["rule"] == WRONG]
    assert wrong["row"].tolist() == [1, 2]
    assert wrong["index"].tolist() == ["y", "y"]
    assert wrong["value"].tolist() == ["n/a", "?"]
    assert wrong["limit"].tolist() == ["number", "number"]
    assert set(wrong["severity"]) == {"error"}


def test_types_ignore_missing_values():
    for wanted in ("string", "number", "boolean", "date"):
        values = {"string": "a", "number": "1", "boolean": "yes", "date": "2026-01-31"}[wanted]
        sent, found = convert([values, None], wanted)
        assert sent[1] is None
        assert found == {}
