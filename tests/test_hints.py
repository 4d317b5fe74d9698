"""A hint where a type is worth a second thought, since the first push fixes it for good; silence where it is not."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pytest

import growlytics_pandas


def note(values, dtype=None, name="x", **options):
    column = values if isinstance(values, pd.Series) else pd.Series(values, dtype=dtype)
    frame = pd.DataFrame({"id": [f"c{i}" for i in range(len(column))]})
    frame[name] = column.set_axis(frame.index)
    return growlytics_pandas.schema(frame, "id", **options)["note"].item()


TEXT_DTYPES = ["str", "string", "string[python]", "string[pyarrow]", "category", object]
INTEGER_DTYPES = ["int8", "int64", "uint8", "Int64", "UInt8", "int64[pyarrow]", "Sparse[int64]"]


@pytest.mark.parametrize("dtype", TEXT_DTYPES)
@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (["2026-01-31", None, "2026-01-31 09:30:00", "2026-01-31T09:30:00Z"], "date"),
        (["12", None, "-3.5", "1e6", "0", "0.5"], "number"),
        (["yes", None, "No", "TRUE"], "boolean"),
    ],
)
def test_text_that_is_all_dates_numbers_or_yes_no_is_hinted_in_every_backing(values, wanted, dtype):
    assert note(values, dtype).endswith(f"types={{'x': {wanted!r}}}")


def test_the_hint_can_be_pasted_and_is_then_gone():
    values = ["yes", "no", None]
    [wanted] = {word.strip("'}") for word in note(values).split() if word.startswith("'boolean'")}
    assert note(values, types={"x": wanted}) == ""


@pytest.mark.parametrize("dtype", INTEGER_DTYPES)
def test_integers_that_are_only_zero_and_one_are_hinted_as_boolean(dtype):
    assert note([0, 1, 1], dtype) == "only 0 and 1; to send it as yes/no: types={'x': 'boolean'}"


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["Pune", "12"], "str"),
        (["12", "about 12"], "str"),
        (["yes", "no", "perhaps"], "str"),
        (["2026-01-31", "31/01/2026", "soon"], "str"),
        ([""], "str"),
        ([0, 1, 2], "int64"),
        ([1, 1], "int64"),
        ([0, 0], "int64"),
        ([0.0, 1.0], "float64"),
        ([True, False], "bool"),
    ],
)
def test_a_plain_column_has_no_hint(values, dtype):
    assert note(values, dtype) == ""


@pytest.mark.parametrize("codes", [["011001", "560001"], ["+919199112112", "98"], ["007"]])
def test_codes_that_would_lose_a_zero_or_a_plus_are_not_called_numbers(codes):
    assert note(codes) == ""


def test_text_of_zeros_and_ones_is_called_numbers():
    assert note(["0", "1"]).endswith("types={'x': 'number'}")


IN_ZONE = "written in the zone timezone=, UTC by default"


@pytest.mark.parametrize("dtype", TEXT_DTYPES)
@pytest.mark.parametrize(
    ("values", "what", "wanted"),
    [
        (["7"] * 499 + ["soon", None], "numbers", "number"),
        (["2026-01-31"] * 499 + ["soon", None], "dates", "date"),
        (["yes", "no"] * 249 + ["no", "perhaps", None], "yes/no", "boolean"),
    ],
)
def test_text_that_is_mostly_of_one_type_is_counted_in_every_backing(values, what, wanted, dtype):
    assert (
        note(values, dtype) == f"499 of 500 values are {what}; with types={{'x': {wanted!r}}} the others are violations"
    )


def test_nine_in_ten_are_enough_and_fewer_are_not():
    assert note(["5"] * 9 + ["soon"]).startswith("9 of 10 values are numbers")
    assert note(["5"] * 8 + ["soon"]) == ""


def test_the_count_of_the_note_is_the_count_of_the_violations():
    values = ["7", "8.5", "1e3"] * 30 + ["soon", "n.a.", "12 kg", "0x1f"]
    assert note(values).startswith("90 of 94 values are numbers")
    frame = pd.DataFrame({"id": [f"c{i}" for i in range(94)], "x": values})
    rules = growlytics_pandas.validate(frame, "id", types={"x": "number"})["rule"].tolist()
    assert rules.count("value_wrong_type") == 4


@pytest.mark.parametrize(
    ("values", "example"),
    [
        (["1,234", "12,34,567.50", "-1,000", "999", None], "1,000"),
        (["₹1,234", "₹ 12,34,567.50", "Rs. 500", "₹5.25", "1,000 INR", "1,234", "8", None], "₹1,000"),
    ],
)
def test_numbers_with_separators_are_told_and_the_line_of_the_note_makes_numbers_of_them(values, example):
    text = note(values)
    assert text.startswith(f"text like {example}; to send numbers, remove the separators")
    df = pd.DataFrame({"id": [f"c{i}" for i in range(len(values))], "x": values})
    exec(text.partition("first: ")[2])  # the user would paste it
    assert growlytics_pandas.schema(df, "id")["type"].item() == "number"
    assert set(growlytics_pandas.validate(df, "id")["rule"]) <= {"row_empty"}


def test_amounts_in_several_currencies_are_not_made_one_kind_of_number():
    assert note(["₹ 99", "$ 99", "1,234"]).startswith("amounts in several currencies ($, ₹)")
    frame = pd.DataFrame({"id": ["a", "b"], "x": ["₹ 99", "$ 99"]})
    assert growlytics_pandas.validate(frame, "id").empty


@pytest.mark.parametrize("values", [["9876543210.0", "9123456780.0"], ["0,125", "0,500", "12,750"]])
def test_telephone_numbers_of_floats_and_decimal_commas_are_left_alone(values):
    assert note(values) == ""


@pytest.mark.parametrize(
    ("values", "example", "form"),
    [
        (["31/01/2025", "01/02/2025", None], "31/01/2025", "%d/%m/%Y"),
        (["01/31/2025", "1/2/2025"], "01/31/2025", "%m/%d/%Y"),
        (["31-01-2025", "1-2-2025"], "31-01-2025", "%d-%m-%Y"),
        (["31.01.2025 09:30", "01.02.2025 23:59"], "31.01.2025 09:30", "%d.%m.%Y %H:%M"),
        (["31/01/2025 09:30:05"], "31/01/2025 09:30:00", "%d/%m/%Y %H:%M:%S"),
        (["2025/01/31"], "2025/01/31", "%Y/%m/%d"),
        (["31 Jan 2025", "1 feb 2025"], "31 Jan 2025", "%d %b %Y"),
        (["31-May-2025", "01-FEB-2025"], "31-Jan-2025", "%d-%b-%Y"),
        (["Jan 31, 2025", "Feb 1, 2025"], "Jan 31, 2025", "%b %d, %Y"),
    ],
)
def test_dates_of_another_order_are_told_and_the_line_of_the_note_reads_them(values, example, form):
    text = note(values)
    line = f"df['x'] = pd.to_datetime(df['x'], format={form!r})"
    assert text == f"text like {example}; dates are read as 2025-01-31; convert first: {line}"
    df = pd.DataFrame({"id": [f"c{i}" for i in range(len(values))], "x": values})
    exec(line)  # the user would paste it
    assert growlytics_pandas.schema(df, "id")["type"].item() == "date"


@pytest.mark.parametrize("dtype", TEXT_DTYPES)
def test_white_space_around_dates_of_another_order_is_stripped(dtype):
    df = pd.DataFrame(
        {"id": ["c1", "c2", "c3"], "x": pd.Series([" 31/01/2025\n", "\xa001/02/2025", None], dtype=dtype)}
    )
    line = growlytics_pandas.schema(df, "id")["note"].item().partition("convert first: ")[2]
    exec(line)  # the user would paste it
    assert df["x"].dt.strftime("%m-%d").tolist()[:2] == ["01-31", "02-01"]


def test_what_a_hint_says_of_a_text_holds_for_the_line_that_mends_it():
    """One list: who follows the hint without converting first gets a line that does."""
    for text in ("1,234", "12,34,567.50", "-1,000", "₹ 5", "Rs. 1,000", "31/01/2025", "01.31.2025 09:30", "2025.1.31"):
        wanted = "number" if "," in text or " 5" in text else "date"
        assert note([text]).startswith("text like")
        df = pd.DataFrame({"id": ["c1", "c2"], "x": [text, "nothing of the kind"]})
        found = growlytics_pandas.validate(df, "id", types={"x": wanted})
        assert "empties" not in found.query("rule == 'value_wrong_type'")["fix"].iloc[0], text


def test_where_day_and_month_cannot_be_told_apart_both_formats_are_shown():
    assert note(["01/02/2025", "3/4/2025"]).endswith(
        "format='%d/%m/%Y'), or format='%m/%d/%Y' where the month stands first"
    )


def test_no_value_of_a_customer_stands_in_a_note():
    for values in (["87,654"], ["₹87,654"], ["29/08/1987"], ["1987-08-29"] * 9 + ["x"], ["8765"] * 9 + ["x"]):
        assert "87" not in note(values)


@pytest.mark.parametrize(
    "values",
    [
        ["56001"] * 95 + ["02134"],  # postal codes: a number would lose the zero
        ["56001"] * 95 + ["02134", "n/a"],
        ["9199112112", "9812345678"] * 20,  # telephone numbers
        ["9199112112"] * 95 + ["n/a"],
        ["98765 43210", "98765-43211"],
        ["F"] * 95 + ["M"] * 5,  # no booleans, though F can be one
        ["C1000", "C1001"],
        ["45/13/2025", "00/01/2025", "31/01-2025"],
        ["3,5", "12,25"],  # decimal commas
        ["€1.000"],
        ["12.9,77.5"],
        ["1,2,3"],
    ],
)
def test_the_hint_does_not_cry_wolf(values):
    assert note(values) == ""


@pytest.mark.parametrize("value", ["7", "1,000", "31/01/2025", "2025-01-31", "yes"])
@pytest.mark.parametrize("name", ["name", "email", "mobile"])
def test_a_reserved_attribute_is_text_whatever_it_looks_like(name, value):
    assert note([value] * 20, name=name) == ""


def test_of_a_long_column_some_values_are_looked_at_and_the_note_says_so():
    values = ["7"] * 30_000
    assert note(values) == "all 10,000 values looked at are numbers; to send it so: types={'x': 'number'}"
    found = note(sorted(["soon"] * 1_000 + values))  # sorted: neither its head nor its tail is like the whole
    assert " of 10,000 values looked at are numbers; with types={'x': 'number'} the others are violations" in found
    assert note(["soon" if i % 10 == 0 else "7" for i in range(40_000)][5:-5] + ["soon"] * 2_000) == ""


@pytest.mark.parametrize("dtype", TEXT_DTYPES)
def test_one_code_anywhere_in_a_long_column_is_seen(dtype):
    assert note([str(i) for i in range(1, 20_000)] + ["007"], dtype) == ""


def test_the_few_values_of_a_long_column_are_found():
    assert note([None] * 30_000 + ["7"] * 9 + ["soon"]).startswith("9 of 10 values are numbers")


@pytest.mark.parametrize("dtype", [object, "category"])
def test_dates_of_several_zones_say_in_which_one_they_are_written(dtype):
    mixed = [None, datetime(2026, 1, 31, tzinfo=ZoneInfo("Asia/Kolkata")), datetime(2026, 1, 31, tzinfo=UTC)]
    assert note(pd.Series(mixed, dtype=object).astype(dtype)) == IN_ZONE
    assert note([datetime(2026, 1, 31), date(2026, 1, 31)], object) == ""  # noqa: DTZ001 - without a zone, that is it


PARTLY_IN_ZONE = f"those with an offset are {IN_ZONE}, the others are sent as they stand"


@pytest.mark.parametrize("dtype", TEXT_DTYPES)
def test_text_with_offsets_says_in_which_zone_it_is_written(dtype):
    aware, naive = (
        ["2025-06-05T10:00:00+05:30", None, "2025-06-05 10:00Z", "soon"],
        ["2025-06-05T10:00:00", "2025-06-05"],
    )
    assert note(aware, dtype, types={"x": "date"}) == IN_ZONE
    assert note(aware + naive, dtype, types={"x": "date"}) == PARTLY_IN_ZONE
    assert note(naive, dtype, types={"x": "date"}) == ""
    assert note(aware[:2], dtype) == f"text that is all dates ({IN_ZONE}); to send it so: types={{'x': 'date'}}"
    assert note(aware, dtype, types={"x": "string"}) == "", "as text it is sent as it is"


@pytest.mark.parametrize("asked", [{}, {"types": {"x": "date"}}, {"types": {"x": "string"}}])
def test_dates_of_which_some_have_a_zone_say_what_becomes_of_both(asked):
    values = [datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 1, 31), None]  # noqa: DTZ001 - without a zone, that is it
    assert note(values, object, **asked) == PARTLY_IN_ZONE
    assert note([values[0], None, pd.NaT], object, **asked) == IN_ZONE


@pytest.mark.parametrize("values", [["7", "8"], ["7"] * 99 + ["soon"], ["7"] * 9 + ["n/a"], ["1,000"]])
@pytest.mark.parametrize(("fixed", "is_told"), [("string", False), ("number", True)])
def test_a_hint_does_not_speak_against_the_type_that_is_fixed(tmp_path, values, fixed, is_told):
    client = growlytics_pandas.Client("not-a-real-key", ledger=tmp_path / "ledger.db")
    client.declare_types({"x": fixed})
    assert bool(note(values, client=client)) is is_told


def batches_note(*parts):
    starts = range(0, 100_000, 10_000)
    frames = [
        pd.DataFrame({"id": [f"c{start + i}" for i in range(len(part))], "x": part})
        for start, part in zip(starts, parts, strict=False)
    ]
    return growlytics_pandas.plan_batches(frames, "id").schema["note"].item()


@pytest.mark.parametrize(
    "parts",
    [
        (["7"] * 50, ["7"] * 49 + ["soon"]),
        (["7"] * 50, ["soon"] * 5),
        (["7"] * 5, ["n/a"] * 50, ["-", "8"]),
        (["NULL"] * 50, ["31/01/2025"], ["01/02/2025"]),
        (["20250131"], ["20250201"], ["20250202"]),
        ([20250131], [20250201], [20250202]),
        ([20250131], [20250201], [20250202], [7]),
        ([20250131] * 4, [20250201]),
        ([1.0, None], [0.0]),
        ([0], [1]),
        ([0, 1], [2]),
        (["31-Jan-25"], ["31/01/2025"], ["2025-01-31"], ["01/02/2025"]),
        (["31-Jan-25"] * 9, ["31-Jan-45"]),
        (["12%"], ["3.5 %"] * 8, ["n/a"]),
        ([pd.Timestamp("2025-01-31", tz="Asia/Kolkata")], [pd.Timestamp("2025-02-01", tz="Asia/Kolkata")]),
        ([pd.Timestamp("2025-01-31", tz="Asia/Kolkata")], [pd.Timestamp("2025-02-01 09:00", tz="Asia/Kolkata")]),
        (["7"] * 50, ["Pune"] * 50),
        (["7"] * 50, ["007"]),
        (["1,000"], ["999"] * 5),
        (["01/02/2025"], ["31/01/2025"]),
        (["7"], [None]),
        (["yes"] * 10, ["no"] * 9 + ["perhaps"]),
        (["1,234"] * 20, ["12,5"]),
        (["1,234.5"] * 20, ["12,5"]),
        (["2025-01-31"], ["31/01/2025"]),
        (["31.01.2025"], ["2025-01-31"], ["31/01/2025"]),
        (["2025-01-31T09:30:00Z"], ["2025-01-31"]),
        ([" Delhi"], ["Pune "], [" 7"]),
        ([pd.Timestamp("2025-01-31", tz="UTC")], [pd.Timestamp("2025-01-31")]),
    ],
)
def test_a_frame_in_parts_has_the_note_that_it_has_in_one(parts):
    assert batches_note(*parts) == note([value for part in parts for value in part])


def test_categories_that_no_row_uses_do_not_count():
    column = pd.Series(["yes", "no"], dtype=pd.CategoricalDtype(["yes", "no", "perhaps", 7]))
    assert note(column).endswith("types={'x': 'boolean'}")


def test_an_arrow_dictionary_is_looked_into():
    column = pd.Series(pd.arrays.ArrowExtensionArray(pa.array(["yes", None, "no"]).dictionary_encode()))
    assert note(column).endswith("types={'x': 'boolean'}")


def test_reserved_attributes_have_no_hint_whatever_they_hold():
    assert note(["9199112112", "9812345678"], name="mobile") == ""
    assert note([9199112112, "98", 9.5], object, name="mobile") == ""


def test_labels_that_are_no_text_are_shown_so_that_they_can_be_pasted():
    frame = pd.DataFrame({0: ["a"], ("n", "sum"): ["5"]})
    assert growlytics_pandas.schema(frame, 0)["note"].item().endswith("types={('n', 'sum'): 'number'}")


def test_all_missing_says_that_no_type_is_fixed():
    assert note([None, None], "float64") == "all missing: nothing is sent, no type is fixed"
