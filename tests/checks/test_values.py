"""Values: violations of single cells and of whole columns."""

import sys

import numpy as np
import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas.checks.schema import prepare
from growlytics_pandas.checks.values import check_block


def one(df, rule, **options):
    return gp.validate(df, "id", **options).query("rule == @rule").iloc[0]


def frame(*values, dtype=object, name="X"):
    return pd.DataFrame({"id": [f"c{i}" for i in range(len(values))], name: pd.Series(values, dtype=dtype)})


def test_a_lone_surrogate_is_reported():
    assert "Unicode" in one(frame("fine", "\ud83c"), "value_wrong_type")["message"]


def test_bare_customer_is_reported_with_its_id():
    found = one(pd.DataFrame({"id": ["a", "b"], "X": [1, None]}), "row_empty")
    assert (found["row"], found["value"]) == (1, "b")


def test_only_the_101st_attribute_is_left_out():
    df = pd.DataFrame({"id": ["a", "b"], **{f"T{i}": ["x", "y"] for i in range(102)}})
    df.loc[1, "T0"] = None
    found = gp.validate(df, "id").query("rule == 'too_many_attributes'")
    assert list(zip(found["column"], found["count"], strict=True)) == [("T100", 1), ("T101", 2)]
    assert [len(body["attributes"]) for body in gp.preview(df, "id")] == [100, 100]


def test_violations_do_not_keep_blocks_alive():
    """The frame is made after all blocks are checked; a finding that kept its block would keep the whole frame."""
    df = pd.DataFrame({"id": [f"c{i}" for i in range(9)], "X": [np.inf, *range(8)], "email": ["no address"] * 9})
    schema = gp.plan(df, "id")._schema
    block = prepare(df, schema, frozenset(), 0, len(df))
    before = sys.getrefcount(block)
    findings = check_block(df, schema, block)
    assert {found.rule for found in findings} == {"value_not_finite", "email_invalid"}
    assert sys.getrefcount(block) == before


def test_wrong_type_differs_from_unconvertible():
    found = gp.validate(frame(1, 2, 3, "4", "five"), "id").query("rule == 'value_wrong_type'")
    assert found["row"].tolist() == [3, 4]
    assert found["fix"].iloc[0] == "types={'X': 'number'}"
    assert "errors='drop'" in found["fix"].iloc[1]


@pytest.mark.parametrize("kind", ["number", "boolean", "date"])
def test_limit_of_a_wrong_type_is_the_type(kind):
    found = one(frame("x", "2025"), "value_wrong_type", types={"X": kind})
    assert found["limit"] == kind


def test_unsafe_integers_are_kept_by_their_fix():
    df = frame(2**60 + 1, None, dtype="Int64")
    assert one(df, "integer_unsafe")["fix"].endswith("types={'X': 'string'}")
    body = gp.preview(df, "id", types={"X": "string"})[0]
    assert body["attributes"][0]["value"] == str(2**60 + 1)


def test_imprecise_floats_are_always_reported():
    df = frame(1577134800018164905.0, 1.5, None, dtype="float64")
    for types in (None, {"X": "string"}, {"X": "number"}):
        assert one(df, "integer_unsafe", types=types)["count"] == 1


def test_column_properties_are_reported_once():
    """Placeholders, white space and damaged text are properties of a column."""
    df = frame("NULL", " Pune", "MÃ¼nchen", "Pune", "nan", None)
    found = gp.validate(df.iloc[:-1], "id").set_index("rule")
    assert found["count"].to_dict() == {"value_stringified": 2, "value_whitespace": 1, "text_damaged": 1}
    assert found.loc["value_stringified", "fix"] == "na_values={'X': ['NULL', 'nan']}"
    assert found.loc["value_whitespace", "fix"] == "strip=['X']"


@pytest.mark.parametrize("dtype", ["str", object])
def test_cp1252_read_as_latin_1_is_damaged(dtype):
    """Its dashes, quotes and euro signs become control characters, which no text has otherwise."""
    text = "verão – “kit” € 5 … fim"
    good = pd.DataFrame({"id": ["a", "b"], "Note": pd.Series([text, "°C ½ × £ Ångström"], dtype=dtype)})
    assert gp.validate(good, "id").empty
    bad = good.assign(Note=good["Note"].where(good["id"] == "b", text.encode("cp1252").decode("latin-1")))
    assert gp.validate(bad, "id").set_index("rule").loc["text_damaged", "count"] == 1
