"""Cells are extracted unchanged from every backing, whatever the block, zone or unused categories."""

# ruff: noqa: DTZ001 - naive dates are the subject

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import growlytics_pandas
from growlytics_pandas.columns.dtypes import Kind, classify, extract, naive

UTC = ZoneInfo("UTC")
EAST, WEST = "Asia/Kolkata", "America/New_York"


def sent(column, **options):
    """What each row sends for one column: its value, or None."""
    frame = pd.DataFrame({"id": [f"c{i}" for i in range(len(column))]})
    frame["x"] = column.set_axis(frame.index)
    bodies = growlytics_pandas.preview(frame, "id", n=len(frame), **options)
    return [body["attributes"][0]["value"] if body["attributes"] else None for body in bodies]


def rules(column, **options):
    frame = pd.DataFrame({"id": [f"c{i}" for i in range(len(column))]})
    frame["x"] = column.set_axis(frame.index)
    found = growlytics_pandas.validate(frame, "id", **options)
    return found.loc[found["rule"] != "row_empty", ["row", "rule"]].fillna({"row": -1}).to_records(index=False).tolist()


@pytest.mark.parametrize(
    "values",
    [
        ["a", None],
        [1, None],
        [0.5, None],
        [True, None],
        [dt.datetime(2026, 1, 31), None],
        [1, None, "a"],
    ],
    ids=["text", "integer", "float", "boolean", "date", "mixed"],
)
@pytest.mark.parametrize("dtype", ["category", object])
def test_missing_rows_alone_in_a_block(values, dtype):
    column = pd.Series(values, dtype=dtype)
    kind = classify(column).kind
    for row in range(len(values)):
        cells = extract(column.iloc[row : row + 1], kind, UTC)
        assert cells.missing.tolist() == [values[row] is None]


def test_unused_categories_may_be_anything():
    dtype = pd.CategoricalDtype([7, "all", dt.timedelta(1), (1, 2), 0.5])
    assert sent(pd.Series([7, None, 7], dtype=dtype)) == [7, None, 7]
    assert sent(pd.Series(["all"], dtype=dtype)) == ["all"]


def test_nan_and_na_are_both_missing():
    values = pa.array([0.5, None, float("nan")])
    assert sent(pd.Series(pd.arrays.ArrowExtensionArray(values))) == [0.5, None, None]
    nullable = pd.array([0.0, 0.5], dtype="Float64") / pd.array([0.0, 1.0], dtype="Float64")
    assert sent(pd.Series(nullable)) == [None, 0.5]


def test_gaps_turn_no_neighbour_into_a_float():
    for dtype in ("Int64", "UInt64", "int64[pyarrow]", "uint64[pyarrow]", object):
        assert sent(pd.Series([2**62 + 1, None, 3], dtype=dtype)) == [2**62 + 1, None, 3]


def test_integers_beside_float_columns_stay_whole():
    frame = pd.DataFrame({"id": ["a"], "n": [2**53 + 1], "half": [0.5]})
    [body] = growlytics_pandas.preview(frame, "id")
    assert body["attributes"][0]["value"] == 2**53 + 1


def test_huge_python_integers_keep_their_digits():
    column = pd.Series([1, 2**200, None, -(10**30)], dtype=object)
    assert sent(column) == [1, 2**200, None, -(10**30)]
    assert extract(column.iloc[:1], Kind.INTEGER, UTC).values.tolist() == [1]


def test_sparse_fill_values_are_sent():
    assert sent(pd.Series([0, 0, 5], dtype="Sparse[int64]")) == [0, 0, 5]
    assert sent(pd.Series([np.nan, 0.5, np.nan], dtype="Sparse[float64]")) == [None, 0.5, None]
    assert sent(pd.Series([False, True], dtype="Sparse[bool]")) == [False, True]


def test_sparse_float32_keeps_its_own_digits():
    column = pd.Series([0.1, None, 51772128.0], dtype="Sparse[float32]")
    together = sent(column)
    assert together == [0.1, None, 51772130.0]
    assert together == [sent(column.iloc[row : row + 1])[0] for row in (0, 1, 2)]


def test_list_in_a_text_column_is_one_violation():
    column = pd.Series(["a", [1, None], np.array([1, 2]), {"k": None}, "b"], dtype=object)
    assert sent(column) == ["a", None, None, None, "b"]
    assert rules(column) == [(1, "value_wrong_type"), (2, "value_wrong_type"), (3, "value_wrong_type")]


# dates ---------------------------------------------------------------------------------------------------------------


INSTANT = dt.datetime(2026, 1, 31, 20, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([INSTANT]),
        pd.Series([INSTANT], dtype="datetime64[ns, Asia/Tokyo]"),
        pd.Series(pd.array([INSTANT], dtype=pd.ArrowDtype(pa.timestamp("s", WEST)))),
        pd.Series([INSTANT], dtype=object),
        pd.Series([pd.Timestamp(INSTANT)], dtype=object),
        pd.Series([INSTANT], dtype="category"),
        pd.Series([INSTANT.astimezone(dt.timezone(dt.timedelta(hours=-3)))], dtype=object),
    ],
    ids=["us", "ns of Tokyo", "Arrow", "object", "Timestamps", "category", "fixed offset"],
)
def test_aware_dates_move_to_the_given_zone(column):
    assert sent(column) == ["2026-01-31 20:00:00"]
    assert sent(column, timezone=EAST) == ["2026-02-01 01:30:00"]
    assert sent(column, timezone=WEST) == ["2026-01-31 15:00:00"]


def test_naive_dates_do_not_move():
    naive_dates = pd.Series([dt.datetime(2026, 1, 31, 20)])
    assert sent(naive_dates, timezone=EAST) == ["2026-01-31 20:00:00"]
    assert sent(pd.Series([dt.date(2026, 1, 31)], dtype=object), timezone=WEST) == ["2026-01-31 00:00:00"]


def test_aware_and_naive_dates_in_one_column():
    column = pd.Series([INSTANT, dt.datetime(2026, 1, 31, 20), pd.NaT, None], dtype=object)
    assert sent(column, timezone=EAST) == ["2026-02-01 01:30:00", "2026-01-31 20:00:00", None, None]


def test_summer_time_follows_the_zone():
    summer = pd.Series([dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC), dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)])
    assert sent(summer, timezone=WEST) == ["2026-07-01 08:00:00", "2026-01-01 07:00:00"]


FIRST = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
LAST = dt.datetime(9999, 12, 31, 23, tzinfo=dt.UTC)


@pytest.mark.parametrize("dtype", ["datetime64[s, UTC]", "datetime64[us, UTC]", object, "category"])
@pytest.mark.parametrize(("zone", "lost"), [(EAST, 1), (WEST, 0)])
def test_zone_shift_out_of_range_is_a_violation(dtype, zone, lost):
    column = pd.Series([FIRST, LAST], dtype=object).astype(dtype)
    assert rules(column, timezone=zone) == [(lost, "date_out_of_range")]
    assert sent(column, timezone=zone)[lost] is None
    assert sent(column, timezone=zone)[1 - lost] is not None


def test_text_shifted_out_of_range_is_reported():
    column = pd.Series(["0001-01-01 00:00:00Z", "9999-12-31T23:00:00+00:00"])
    assert rules(column, timezone=WEST, types={"x": "date"}) == [(0, "date_out_of_range")]


def test_dates_at_the_nanosecond_limit_survive():
    column = pd.Series([pd.Timestamp.min.ceil("s"), pd.Timestamp.max.floor("s")]).astype("M8[ns]").dt.tz_localize("UTC")
    assert sent(column, timezone=EAST) == ["1677-09-21 06:06:12", "2262-04-12 05:17:16"]
    assert sent(column.astype(object), timezone=WEST) == ["1677-09-20 19:16:42", "2262-04-11 19:47:16"]


def test_far_date_does_not_change_its_neighbours():
    column = pd.Series([INSTANT, None, LAST, INSTANT, LAST], dtype="datetime64[us, UTC]")
    february = "2026-02-01 01:30:00"
    assert sent(column, timezone=EAST) == [february, None, None, february, None]
    assert sent(column, timezone=WEST)[2] == "9999-12-31 18:00:00"
    fine = pd.Series([pd.Timestamp("2026-01-31 20:00:00.000000001"), pd.Timestamp.max.floor("s")]).astype("M8[ns]")
    assert rules(fine.dt.tz_localize("UTC"), timezone=EAST) == [(-1, "date_truncated")]


def test_dates_of_the_first_years_are_shown():
    column = pd.Series([FIRST.replace(month=3, microsecond=500), INSTANT], dtype="datetime64[us, UTC]")
    column = column.dt.tz_convert("Asia/Tokyo")
    frame = pd.DataFrame({"id": ["a", "b"], "x": column})
    [value] = growlytics_pandas.validate(frame, "id")["value"]
    assert value == pd.Timestamp("0001-03-01 00:00:00.000500", tz="UTC")


def test_early_arrow_dates_keep_their_form():
    values = [dt.datetime(999, 2, 3, 4, 5, 6), dt.datetime(1969, 12, 31, 23, 59, 59)]
    column = pd.Series(pd.array(values, dtype=pd.ArrowDtype(pa.timestamp("us"))))
    assert sent(column) == ["0999-02-03 04:05:06", "1969-12-31 23:59:59"]


def test_one_nanosecond_is_reported():
    exact = naive(np.datetime64("2026-01-31T00:00:00.000000001"), UTC)
    assert exact.astype("M8[s]") == np.datetime64("2026-01-31") != exact
    column = pd.Series([pd.Timestamp("2026-01-31 00:00:00.000000001")], dtype=object)
    assert rules(column) == [(-1, "date_truncated")]
