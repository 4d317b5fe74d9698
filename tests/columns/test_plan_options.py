"""The options for how a column is read have the same definition and meaning in every function."""

import datetime as dt
import inspect
import pickle
import re
from dataclasses import fields
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import growlytics_pandas as gp
from growlytics_pandas.columns.plan_options import PlanArguments, PlanOptions, check_date_format, options_of
from growlytics_pandas.columns.texts import strip_texts
from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError

MESSY = pd.DataFrame(
    {
        "id": ["'001", " 002", "003\ufeff", "NULL"],
        "Joined": ["31/01/2025", "2025-02-01", "", "n/a"],
        "Price": ["₹ 1.234,50", "(2,5)", "NULL", "7"],
        "Orders": [1, -999, 3, 4],
        "mobile": [9919211112.0, None, 9919211113.0, 9919211114.0],
        "email": ["Asha <Asha@Example.com>", "mailto:ravi@example.com", None, "x"],
        "Score": [1, "NULL", 3, 4],
        "Note": ["x", "y", "z", "w"],
    }
)
OPTIONS = {
    "exclude": ["Note"],
    "date_format": {"Joined": ["%d/%m/%Y", "ISO8601"]},
    "decimal": {"Price": ","},
    "na_values": {
        "id": ["NULL"],
        "Joined": ["", "n/a"],
        "Price": ["NULL"],
        "Orders": [-999],
        "Score": ["NULL"],
    },
    "strip": ["id"],
    "normalize": {"mobile": "E.164", "email": "email"},
}


def cells(*values, dtype=object):
    return pd.DataFrame({"id": [f"c{i}" for i in range(len(values))], "X": pd.Series(values, dtype=dtype)})


def sent(df, id_col="id", **options):
    """Return id → {attribute: value} of what would be sent."""
    bodies = gp.plan(df, id_col, **options).preview(len(df))
    return {body["id"]: {a["name"]: a["value"] for a in body["attributes"]} for body in bodies}


def values(df, **options):
    """Return what would be sent of the column X, None where nothing is."""
    return [row.get("X") for row in sent(df, **options).values()]


def rules(df, id_col="id", **options):
    return gp.validate(df, id_col, **options)["rule"].tolist()


# one definition -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["plan", "schema", "suggest", "validate", "preview", "push", "plan_batches", "push_batches"]
)
def test_every_function_lists_every_option(name):
    parameters = inspect.signature(getattr(gp, name)).parameters
    for field in fields(PlanOptions):
        assert parameters[field.name].kind is inspect.Parameter.KEYWORD_ONLY
        assert parameters[field.name].default == field.default


@pytest.mark.parametrize("name", ["plan", "schema", "suggest", "validate", "preview", "push"])
def test_accessor_has_the_same_parameters(name):
    function = list(inspect.signature(getattr(gp, name)).parameters.values())[1:]
    method = list(inspect.signature(getattr(MESSY.growlytics, name)).parameters.values())
    assert method == function


def test_type_checkers_see_the_dataclass_fields():
    assert PlanArguments.__annotations__.keys() == {field.name for field in fields(PlanOptions)}
    annotations = {name: hint.__forward_arg__ for name, hint in PlanArguments.__annotations__.items()}
    assert annotations == {field.name: field.type for field in fields(PlanOptions)}


def test_unknown_option_is_a_type_error():
    with pytest.raises(TypeError, match=r"there is no option 'date_fromat' here\. Did you mean 'date_format'"):
        gp.plan(MESSY, "id", date_fromat="%Y")


def test_an_option_of_push_is_named_as_such():
    frame = pd.DataFrame({"id": ["a"]})
    with pytest.raises(TypeError, match=r"no option 'errors' here\. 'errors' is an option of push"):
        gp.plan(frame, "id", errors="drop")
    with pytest.raises(TypeError, match=r"no option 'error' here\. Did you mean 'errors'"):
        gp.push(frame, "id", error="drop")


def test_options_can_be_pickled_and_are_copies():
    words = ["NULL"]
    options = PlanOptions(**(OPTIONS | {"na_values": words}))
    words.append("x")
    assert options.na_values == ["NULL"]
    assert pickle.loads(pickle.dumps(options)) == options


# what is sent -------------------------------------------------------------------------------------------------------


def test_options_apply_to_a_messy_frame():
    assert sent(MESSY, **OPTIONS) == {
        "001": {
            "Joined": "2025-01-31 00:00:00",
            "Price": 1234.5,
            "Orders": 1,
            "mobile": "+919919211112",
            "email": "asha@example.com",
            "Score": 1,
        },
        "002": {"Joined": "2025-02-01 00:00:00", "Price": -2.5, "email": "ravi@example.com"},
        "003": {"Orders": 3, "mobile": "+919919211113", "Score": 3},
    }
    assert sorted(rules(MESSY, **OPTIONS)) == ["email_invalid", "id_missing"]


def test_schema_describes_the_parsed_values():
    schema = gp.schema(MESSY, "id", **OPTIONS).set_index("column")
    assert schema["type"].to_dict() == {
        "Joined": "date",
        "Price": "number",
        "Orders": "number",
        "mobile": "string",
        "email": "string",
        "Score": "number",
    }
    assert schema["missing"].to_dict() == {"Joined": 2, "Price": 1, "Orders": 1, "mobile": 1, "email": 1, "Score": 1}


def test_a_push_sends_what_the_plan_shows(sandbox):
    result = gp.push(MESSY, "id", errors="drop", client=sandbox.client, progress=False, **OPTIONS)
    assert result.counts["accepted"] == 3
    assert set(sandbox.stored()) == {"001", "002", "003"}


def test_retry_parses_rows_the_same_way(faulty):
    box = faulty(seed=1, status={422: 1.0})
    result = gp.push(MESSY[:3], "id", client=box.client, progress=False, **OPTIONS)
    assert result.counts["failed"] == 3
    good = faulty()
    assert result.plan._of(good.client._connection).preview(3) == result.plan.preview(3)
    assert result.plan._of(good.client._connection).push(progress=False).ok
    assert set(good.stored()) == {"001", "002", "003"}


def test_batches_send_what_one_frame_does():
    whole = gp.plan(MESSY, "id", **OPTIONS)
    parts = gp.plan_batches([MESSY[:1], MESSY[1:3], MESSY[3:]], "id", **OPTIONS)
    assert parts.preview(10) == whole.preview(10)
    assert parts.counts == whole.counts
    assert parts.violations["rule"].tolist() == whole.violations["rule"].tolist()
    assert parts.schema[["column", "type", "missing"]].equals(whole.schema[["column", "type", "missing"]])


def test_single_use_source_gets_option_types(sandbox):
    frame = pd.DataFrame({"id": ["a", "b"], "At": ["31/01/2025", "NULL"], "Price": ["1,5", "2"]})
    options = {"date_format": {"At": "%d/%m/%Y"}, "decimal": {"Price": ","}, "na_values": ["NULL"]}
    batches = (frame[i : i + 1] for i in range(2))
    result = gp.push_batches(batches, "id", client=sandbox.client, progress=False, **options)
    assert result.ok
    assert sandbox.attribute_types().set_index("attribute")["type"].to_dict() == {"At": "date", "Price": "number"}


def test_one_customer_uses_the_same_options(sandbox):
    sandbox.client.upsert(
        " 'c1",
        {"At": "31/01/2025", "Price": "1,5", "City": "NULL", "Town": ' "Pune" ', "email": "Asha <Asha@Example.com>"},
        strip=True,
        na_values=["NULL"],
        date_format={"At": "%d/%m/%Y"},
        decimal={"Price": ","},
        normalize={"email": "email"},
    )
    assert sandbox.stored()["c1"] == {
        "At": "2025-01-31 00:00:00",
        "Price": 1.5,
        "Town": "Pune",
        "email": "asha@example.com",
    }
    with pytest.raises(InvalidArgumentError, match="'Att' is not an attribute of this customer"):
        sandbox.client.upsert("c1", {"At": "31/01/2025"}, date_format={"Att": "%d/%m/%Y"})


# columns, exclude -----------------------------------------------------------------------------------------------------


def test_exclude_leaves_columns_out():
    frame = cells("x").assign(Y=1)
    assert sent(frame, exclude=["Y"]) == {"c0": {"X": "x"}}
    assert sent(frame.rename(columns={"id": "email"}), "email", exclude=["email", "Y"]) == {"c0": {"X": "x"}}


def test_column_both_chosen_and_excluded_fails():
    with pytest.raises(InvalidArgumentError, match="exclude: column 'X' is also in columns"):
        gp.plan(cells("x"), "id", columns=["X"], exclude=["X"])


# strip ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("  Pune\u00a0", "Pune"),
        ("\ufeffPune", "Pune"),
        ("Pu\u200bne", "Pune"),
        ("\u200e+919919211112\u202c", "+919919211112"),
        ("\u200dPune\u200c", "Pune"),
        ("'0012", "0012"),
        ("'=1+1", "=1+1"),
        ("'+919919211112", "+919919211112"),
        ("'Mumbai", "Mumbai"),
        ("'c1", "c1"),
        ('="0012"', "0012"),
        ('="a ""b"""', 'a "b"'),
        ('"Pune"', "Pune"),
        ("“Pune”", "Pune"),
        ("„Köln“", "Köln"),
        ("«Paris»", "Paris"),
        ("'Pune'", "Pune"),
        ("'O'Brien'", "O'Brien"),
        ('" \'0012 "', "0012"),
    ],
    ids=ascii,
)
def test_strip_removes_invisible_characters(text, bare):
    assert values(cells(text), strip=True) == [bare]


@pytest.mark.parametrize(
    "text",
    [
        "क्\u200dष",
        "می\u200cخواهم",
        "👨\u200d👩\u200d👧",
        '"A" and "B"',
        "5' 11\"",
        "'s-Hertogenbosch",
        "'t Hooft",
        "O'Brien",
        "=1+1",
        '"',
        "'",
    ],
    ids=ascii,
)
def test_strip_keeps_meaningful_characters(text):
    assert values(cells(text), strip=True) == [text]


def test_strip_takes_columns_or_all():
    frame = pd.DataFrame({"id": [" a"], "X": [" x"], "Y": [" y"], "n": [1]})
    assert sent(frame, strip=["X", "id"]) == {"a": {"X": "x", "Y": " y", "n": 1}}
    assert sent(frame, strip=True) == {"a": {"X": "x", "Y": "y", "n": 1}}
    assert "id_whitespace" not in rules(frame, strip=True)


@pytest.mark.parametrize("dtype", [object, "str", "category", "string[pyarrow]", pd.ArrowDtype(pa.string())], ids=str)
def test_text_is_parsed_alike_in_any_backing(dtype):
    frame = cells(" a ", None, "NULL", " b", dtype=dtype)
    assert values(frame, strip=True, na_values=["NULL"]) == ["a", None, None, "b"]
    dictionary = pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))
    assert values(frame.astype({"X": dictionary}), strip=True, na_values=["NULL"]) == ["a", None, None, "b"]


def test_guarded_digits_stay_text():
    assert values(cells("'411001", "'411002"), strip=True) == ["411001", "411002"]


# na_values ------------------------------------------------------------------------------------------------------------


def test_na_values_for_all_columns_or_one():
    frame = pd.DataFrame({"id": ["a", "NULL"], "X": ["NULL", "x"], "Y": ["NULL", "y"]})
    assert sent(frame, na_values=["NULL"]) == {"a": {}}
    assert sent(frame, na_values={"X": ["NULL"]}) == {"a": {"Y": "NULL"}, "NULL": {"X": "x", "Y": "y"}}


def test_a_missing_id_is_reported_as_missing():
    found = gp.validate(cells("x").assign(id="NULL"), "id", na_values=["NULL"])
    assert found["rule"].tolist() == ["id_missing"]
    assert "there is no id" in found["message"][0]


def test_na_values_ignore_outer_white_space():
    assert values(cells(" NULL ", "  ", "x"), na_values=["NULL", ""]) == [None, None, "x"]


def test_strip_comes_before_na_values():
    assert values(cells('"NULL"', "x"), strip=True, na_values=["NULL"]) == [None, "x"]


@pytest.mark.parametrize("word", [-999, -999.0, "-999", np.int64(-999), Decimal(-999)], ids=repr)
@pytest.mark.parametrize("dtype", ["int64", "Int64", "int16", "float64", "Float32", pd.ArrowDtype(pa.int64()), object])
def test_numbers_can_mean_missing(dtype, word):
    assert values(cells(1, -999, 3, dtype=dtype), na_values=[word]) == [1, None, 3]
    assert values(cells("1", "-999"), na_values=[word]) == ["1", None]


def test_arrow_decimals_can_mean_missing():
    frame = cells(Decimal("1.50"), None, Decimal(-999), dtype=pd.ArrowDtype(pa.decimal128(10, 2)))
    assert values(frame, na_values=[-999, "x", "9" * 350]) == [1.5, None, None]


def test_numeric_categories_keep_their_digits():
    big = 9007199254740993
    frame = cells(big, None, -1).astype({"X": "Int64"}).astype({"X": "category"})
    assert values(frame, na_values=[-999]) == [big, None, -1]
    assert values(frame, na_values=[-1]) == [big, None, None]
    assert values(frame, strip=True, normalize={"X": "lower"}) == [big, None, -1]


def test_no_digit_is_lost_to_a_gap():
    big = 9007199254740993
    assert values(cells(big, -1, dtype="int64"), na_values=[-1]) == [big, None]
    top = 2**64 - 1
    assert values(cells(top, 0, dtype="uint64"), na_values=["0"]) == [top, None]


@pytest.mark.parametrize("dtype", ["M8[ns]", "M8[s]", object, pd.ArrowDtype(pa.timestamp("us"))], ids=str)
def test_dates_can_mean_missing(dtype):
    frame = cells(pd.Timestamp("1900-01-01"), pd.Timestamp("2025-01-31"), dtype=dtype)
    assert values(frame, na_values=["1900-01-01"]) == [None, "2025-01-31 00:00:00"]
    assert values(frame, na_values=[dt.date(1900, 1, 1)]) == [None, "2025-01-31 00:00:00"]


def test_mixed_type_ignores_missing_words():
    assert gp.schema(cells(1, "NULL", 2), "id", na_values=["NULL"])["type"].tolist() == ["number"]
    assert rules(cells(1, "NULL", 2), na_values=["NULL"]) == ["row_empty"]


def test_column_of_missing_words_sends_nothing():
    assert gp.schema(cells("NULL", "NULL"), "id", na_values=["NULL"])["type"].isna().all()


# date_format ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "value", "written"),
    [
        ("%d/%m/%Y", "31/01/2025", "2025-01-31 00:00:00"),
        ("%d/%m/%Y", " 31/01/2025 ", "2025-01-31 00:00:00"),
        ("%d-%b-%Y %I:%M %p", "31-Jan-2025 09:30 PM", "2025-01-31 21:30:00"),
        ("ISO8601", "2025-01-31T09:30:00+05:30", "2025-01-31 04:00:00"),
        ("epoch_s", "1738315800", "2025-01-31 09:30:00"),
        ("epoch_s", 1738315800, "2025-01-31 09:30:00"),
        ("epoch_s", 1738315800.0, "2025-01-31 09:30:00"),
        ("epoch_ms", 1738315800000, "2025-01-31 09:30:00"),
        ("excel", 45688, "2025-01-31 00:00:00"),
        ("excel", 45688.5, "2025-01-31 12:00:00"),
        ("%Y%m%d", 20250131, "2025-01-31 00:00:00"),
        ("%Y%m%d", 20250131.0, "2025-01-31 00:00:00"),
    ],
)
def test_format_parses_text_and_numbers_as_dates(form, value, written):
    frame = cells(value, None, dtype=None)
    assert gp.schema(frame, "id", date_format={"X": form})["type"].tolist() == ["date"]
    assert values(frame, date_format={"X": form}) == [written, None]


def test_formats_are_tried_in_order():
    frame = cells("01/02/2025", "31/12/2025", "12/31/2025", "2025-03-04")
    read = values(frame, date_format={"X": ["%d/%m/%Y", "%m/%d/%Y", "ISO8601"]})
    assert read == [f"2025-{day} 00:00:00" for day in ("02-01", "12-31", "12-31", "03-04")]
    assert values(frame, date_format={"X": ["%m/%d/%Y", "%d/%m/%Y", "ISO8601"]})[0] == "2025-01-02 00:00:00"


def test_unparsed_date_is_a_violation_of_its_cell():
    frame = cells("31/01/2025", "never", True)
    found = gp.validate(frame, "id", date_format={"X": "%d/%m/%Y"})
    assert found[found["rule"] == "value_wrong_type"]["row"].tolist() == [1, 2]
    assert values(frame, date_format={"X": "%d/%m/%Y"}) == ["2025-01-31 00:00:00", None, None]


def test_dates_among_texts_stay_dates():
    frame = cells(pd.Timestamp("2025-01-31 09:30"), "01/02/2025", dt.date(2025, 3, 4))
    assert values(frame, date_format={"X": "%d/%m/%Y"}) == [
        "2025-01-31 09:30:00",
        "2025-02-01 00:00:00",
        "2025-03-04 00:00:00",
    ]
    real = cells("2025-01-31", dtype="M8[s]")
    assert values(real, date_format={"X": "%d/%m/%Y"}) == ["2025-01-31 00:00:00"]


def test_instants_are_written_in_the_zone():
    assert values(cells(0), date_format={"X": "epoch_s"}, timezone="Asia/Kolkata") == ["1970-01-01 05:30:00"]


def test_format_for_all_declared_date_columns():
    frame = cells("31/01/2025").assign(Y="31/01/2025")
    assert sent(frame, date_format="%d/%m/%Y", types={"X": "date"}) == {
        "c0": {"X": "2025-01-31 00:00:00", "Y": "31/01/2025"}
    }
    assert values(cells("31/01/2025"), date_format=["ISO8601", "%d/%m/%Y"], types={"X": "date"}) == [
        "2025-01-31 00:00:00"
    ]
    with pytest.raises(InvalidArgumentError, match=r"date_format: without a column .* types declares as 'date'"):
        gp.plan(frame, "id", date_format="%d/%m/%Y")


# decimal --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mark", "text", "number"),
    [
        (",", "1.234,50", 1234.5),
        (",", "1 234,50 €", 1234.5),
        (".", "1,23,456.50", 123456.5),
        (".", "₹ 99", 99),
        (".", "Rs. 99", 99),
        (".", "(5)", -5),
        (".", "12 %", 12),
        (".", "1'234.5", 1234.5),
    ],
)
def test_text_is_read_as_a_number(mark, text, number):
    frame = cells(text, 7, None)
    assert gp.schema(frame, "id", decimal={"X": mark})["type"].tolist() == ["number"]
    assert values(frame, decimal={"X": mark}) == [number, 7, None]


def test_decimal_for_all_declared_number_columns():
    frame = cells("1,5").assign(Y="1,5")
    assert sent(frame, decimal=",", types={"X": "number"}) == {"c0": {"X": 1.5, "Y": "1,5"}}
    with pytest.raises(InvalidArgumentError, match=r"decimal: without a column .* types declares as 'number'"):
        gp.plan(frame, "id", decimal=",")


def test_unparsed_number_is_a_violation():
    found = gp.validate(cells("1,5", "many"), "id", decimal={"X": ","})
    assert found[found["rule"] == "value_wrong_type"]["row"].tolist() == [1]


def test_mixed_currencies_are_a_violation():
    frame = cells("₹ 5", "$ 5", "7")
    assert "currencies_mixed" in rules(frame, decimal={"X": "."})
    assert values(frame, decimal={"X": "."}) == [None, None, None]
    assert values(frame) == ["₹ 5", "$ 5", "7"]
    parts = gp.plan_batches([frame[:1], frame[1:]], "id", decimal={"X": "."})
    assert "currencies_mixed" in parts.violations["rule"].tolist()
    assert "currencies_mixed" not in rules(cells("₹ 5", "Rs. 5", "INR 5"), decimal={"X": "."})


# normalize ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "text", "normal"),
    [
        ("lower", "Asha@Example.COM", "asha@example.com"),
        ("email", "Asha Rao <Asha@Example.com>", "asha@example.com"),
        ("email", '"Rao, Asha" <asha@example.com>', "asha@example.com"),
        ("email", "mailto:Asha@example.com?subject=hi", "asha@example.com"),
        ("email", "<asha@example.com>", "asha@example.com"),
        ("email", "(asha@example.com)", "asha@example.com"),
        ("email", "a@b.com;d@e.com", "a@b.com;d@e.com"),
        ("email", "No Address", "No Address"),
        ("E.164", "099192 11112", "+919919211112"),
        ("E.164", "+91-99192-11112", "+919919211112"),
        ("E.164", "919919211112", "+919919211112"),
        ("E.164", "9919211112.0", "+919919211112"),
        ("E.164", 9919211112, "+919919211112"),
        ("E.164", 9919211112.0, "+919919211112"),
        ("E.164", "+1 650-253-0000", "+16502530000"),
        ("E.164", "1234", "1234"),
        ("E.164", "1-800-FLOWERS", "1-800-FLOWERS"),
        ("E.164", "9919211112 x12", "9919211112 x12"),
        ("E.164", "9919211112 / 9919211113", "9919211112 / 9919211113"),
        ("national", "+91 99192 11112", "9919211112"),
        ("national", "+1 650-253-0000", "+16502530000"),
    ],
)
def test_normalize_gives_contacts_one_form(how, text, normal):
    assert values(cells(text, None, dtype=None), normalize={"X": how}) == [normal, None]


def test_regional_numbers_follow_the_region():
    assert values(cells("07400 123456"), normalize={"X": "E.164"}, region="GB") == ["+447400123456"]
    assert values(cells("+44 7400 123456"), normalize={"X": "national"}, region="gb") == ["7400123456"]


def test_normalized_duplicates_are_duplicates():
    frame = pd.DataFrame({"id": ["Asha@Example.com", "<asha@example.com>", "b@example.com"], "X": [1, 2, 3]})
    assert rules(frame, normalize={"id": "email"}) == ["id_duplicate", "id_duplicate"]
    assert sent(frame, normalize={"id": "email"}, keep="last") == {
        "asha@example.com": {"X": 2},
        "b@example.com": {"X": 3},
    }
    assert "id_duplicate" not in rules(frame)
    parts = gp.plan_batches([frame[:1], frame[1:]], "id", normalize={"id": "email"})
    assert parts.violations["rule"].tolist() == ["id_duplicate", "id_duplicate"]


def test_numeric_mobiles_are_ids_and_attributes():
    frame = pd.DataFrame({"mobile": [9919211112, 919919211112, 9919211113], "X": 1})
    assert rules(frame, "mobile", normalize={"mobile": "E.164"}) == ["id_duplicate", "id_duplicate"]
    assert sent(frame[2:], "mobile", normalize={"mobile": "E.164"}) == {
        "+919919211113": {"mobile": "+919919211113", "X": 1}
    }


# wrong calls ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"exclude": ["Xx"]}, "exclude: there is no column 'Xx'. Did you mean 'X'"),
        ({"strip": ["x"]}, "strip: there is no column 'x'. Did you mean 'X'"),
        ({"normalize": {"x": "lower"}}, "normalize: there is no column 'x'. Did you mean 'X'"),
        ({"date_format": {"x": "ISO8601"}}, "date_format: there is no column 'x'. Did you mean 'X'"),
        ({"decimal": {"x": ","}}, "decimal: there is no column 'x'. Did you mean 'X'"),
        ({"na_values": {"x": ["-"]}}, "na_values: there is no column 'x'. Did you mean 'X'"),
        ({"exclude": "X"}, r"exclude: found 'X'; it must be a list: exclude=\['X'\]"),
        ({"strip": "X"}, "strip: found 'X'; it must be True, False or a list of columns"),
        ({"na_values": "NULL"}, r"na_values: found 'NULL'; it must be a list: \['NULL'\]"),
        ({"na_values": {"X": "NULL"}}, r"na_values\['X'\]: found 'NULL'; it must be a list"),
        ({"na_values": [True]}, "na_values: found True in the list; each must be text or a number"),
        ({"normalize": "email"}, "normalize: found a str; it must be a dict: normalize={'Email': 'email'}"),
        (
            {"normalize": {"X": "upper"}},
            r"normalize\['X'\]: found 'upper'; allowed are 'lower', 'email', 'E.164', 'national'",
        ),
        ({"decimal": ";"}, "decimal: found ';'; allowed are '.', ','"),
        ({"decimal": {"X": "'"}}, r"decimal\['X'\]: found \"'\"; allowed are"),
        ({"date_format": {"X": "d/m/Y"}}, r"date_format\['X'\]: found 'd/m/Y'; it must be a format such as '%d/%m/%Y'"),
        ({"date_format": {"X": "ISO 8601"}}, "Did you mean 'ISO8601'"),
        ({"date_format": {"X": "%d/%m"}}, "it must contain day, month and year"),
        ({"date_format": {"X": "%Q"}}, "bad directive"),
        ({"date_format": {"X": "%x"}}, "write day, month and year one by one"),
        ({"date_format": {"X": "%d/%m/%Y %Z"}}, "only %z"),
        ({"date_format": {"X": []}}, "the list is empty"),
        ({"date_format": {"X": 3}}, r"date_format\['X'\]: found 3; it must be a format"),
        ({"date_format": {"X": [3]}}, "found a int; a format is text"),
        ({"date_format": {"id": "ISO8601"}}, "date_format: column 'id' is the id, which is always text"),
        ({"decimal": {"id": "."}}, "decimal: column 'id' is the id, which is always text"),
        (
            {"date_format": {"X": "ISO8601"}, "types": {"X": "string"}},
            r"types\['X'\]: it requests a string, but date_format",
        ),
        (
            {"date_format": {"X": "ISO8601"}, "decimal": {"X": "."}},
            r"decimal\['X'\]: it requests a number, but date_format",
        ),
        (
            {"date_format": {"X": "ISO8601"}, "rename": {"X": "name"}},
            r"date_format\['X'\]; 'name' is a reserved attribute",
        ),
    ],
)
def test_wrong_option_lists_what_is_allowed(options, message):
    with pytest.raises((InvalidArgumentError, InvalidArgumentTypeError), match=message):
        gp.plan(cells("x"), "id", **options)


def test_types_may_repeat_the_options():
    assert values(cells("31/01/2025"), date_format={"X": "%d/%m/%Y"}, types={"X": "date"}) == ["2025-01-31 00:00:00"]


# properties -----------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=8))
def test_strip_is_idempotent(texts):
    once = strip_texts(texts)
    assert strip_texts(once) == once
    assert all(text == text.strip() for text in once)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.sampled_from(["a", " a", "NULL", "", None, 1, 2.5, -999, "1,5", "'7", True]), min_size=1, max_size=12),
    st.integers(1, 5),
)
def test_parts_parse_as_the_whole(items, size):
    frame = cells(*items)
    options = {"strip": True, "na_values": ["NULL", "", -999]}
    whole = gp.plan(frame, "id", **options)
    parts = gp.plan_batches([frame[i : i + size] for i in range(0, len(frame), size)], "id", **options)
    assert parts.preview(99) == whole.preview(99)
    assert parts.schema["type"].tolist() == whole.schema["type"].tolist()


@pytest.mark.parametrize(
    ("form", "meant"),
    [
        ("MM/DD/YYYY", "%m/%d/%Y"),
        ("dd.MM.yyyy HH:mm", "%d.%m.%Y %H:%M"),
        ("D MMM YY", "%d %b %y"),
        ("dd/mm/yyyy", "%d/%m/%Y"),
        ("yyyy-mm-dd hh:mm:ss", "%Y-%m-%d %H:%M:%S"),
        ("dd-Mon-yy", "%d-%b-%y"),
        ("dd.mm.yy HHmm", "%d.%m.%y %H%M"),
        ("iso8601", "ISO8601"),
    ],
)
def test_formats_of_other_programs_are_translated(form, meant):
    with pytest.raises(InvalidArgumentError, match=re.escape(f"Did you mean {meant!r}?")):
        check_date_format("date_format", form)


def test_dict_of_options_needs_stars():
    with pytest.raises(TypeError, match=r"no option 'found' here\. A dict of options is given as \*\*found"):
        options_of({"found": {"strip": True}})


@pytest.mark.parametrize("form", ["%d/%M/%Y", "%H/%m/%Y", "%d/%m", "%M/%S/%Y"])
def test_format_without_day_month_or_year_is_refused(form):
    with pytest.raises(InvalidArgumentError, match="must contain day, month and year"):
        check_date_format("date_format", form)
