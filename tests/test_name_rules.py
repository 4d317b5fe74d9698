"""Names of attributes: what is counted, what clashes, and fixes that fit the columns at hand."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas import fixes


def found(df, rule, **options):
    return gp.validate(df, "id", **options).query("rule == @rule")


def mended(df, rule, **scope):
    scope |= {"df": df, "pd": pd}
    for line in found(df, rule, **{k: v for k, v in scope.items() if k in ("rename", "types")})["fix"].unique():
        exec(compile(line, "<fix>", "exec"), scope)
    return scope["df"]


def test_both_columns_of_one_name_are_left_out_and_told():
    df = pd.DataFrame([["a", 1, 2, 3]], columns=["id", "X", "X", "Y"])
    assert len(found(df, "attribute_name_duplicate")) == 2
    assert [a["name"] for a in gp.preview(df, "id")[0]["attributes"]] == ["Y"]


def test_names_that_were_too_long_stay_apart_when_shortened():
    long = "Average Basket Value In Rupees Over The Last Twelve Months"
    df = pd.DataFrame([["a", 1, 2]], columns=["id", long + " (net)", long + " (gross)"])
    columns = mended(df, "attribute_name_too_long").columns
    assert columns.is_unique
    assert max(map(len, columns)) <= 49


def test_columns_that_clash_are_merged_without_losing_a_value():
    df = pd.DataFrame({"id": ["a", "b"], "City": ["Pune", None], "city": [None, "Delhi"]})
    assert mended(df, "attribute_name_case_clash")["City"].tolist() == ["Pune", "Delhi"]


@pytest.mark.parametrize(
    ("first", "second", "names"),
    [
        (["Pune", "Goa"], ["Pune", "Delhi"], ("City", "city")),
        (["Pune", None], ["Goa", "Delhi"], ("City", " City")),
        (["a@example.com", "b@example.com"], ["a@example.com", "c@example.com"], ("Email", "email")),
        ([2**60 + 1, None], [None, 1.5], ("N", "n")),  # as floats they would lose digits
        ([1, None], [True, False], ("N", "n")),
        ([[1], [2]], [None, "x"], ("N", "n")),
    ],
)
@pytest.mark.parametrize("index", [[0, 1], ["a", "a"]])
def test_columns_that_clash_are_kept_apart_where_one_would_cost_a_value(first, second, names, index):
    dtype = "Int64" if first[0] == 2**60 + 1 else object
    columns = {
        names[0]: pd.Series(first, index, dtype),
        names[1]: pd.Series(second, index, float if dtype == "Int64" else object),
    }
    df = pd.DataFrame({"id": ["a", "b"], **columns}, index=index)
    rule = "attribute_name_whitespace" if " City" in names else "attribute_name_case_clash"
    line = found(df, rule)["fix"].unique().item()
    assert "keeps both" in line
    after = mended(df, rule)
    held = [after[label].tolist() for label in after if label != "id"]
    assert [[v for v in cells if pd.isna(v) is not True] for cells in held] == [
        [v for v in df[label] if pd.isna(v) is not True] for label in names
    ]
    assert found(after, "attribute_name_case_clash").empty


def test_how_many_rows_differ_is_told_and_two_columns_are_compared_in_time():
    rows = 200_000
    df = pd.DataFrame({"id": range(rows), "City": "Pune", "city": ["Pune"] * (rows - 1_206) + ["Goa"] * 1_206})
    fixes = found(df, "attribute_name_case_clash")["fix"].unique()
    assert fixes.tolist() == [
        "df = df.rename(columns={'city': 'city 2'})  # keeps both: 'City' has another value in 1,206 rows"
    ]


def test_columns_of_many_parts_that_clash_are_kept_apart_for_the_parts_not_looked_at():
    parts = [
        pd.DataFrame({"id": range(at, at + 30), "City": "Pune", "city": "Goa" if at else "Pune"}) for at in (0, 30)
    ]
    fixes = gp.plan_batches(parts, "id").violations["fix"].unique()
    assert fixes.tolist() == [
        "df = df.rename(columns={'city': 'city 2'})  # keeps both: the parts were not compared with 'City'"
    ]


def test_a_clash_says_whose_the_other_name_is(tmp_path):
    client = gp.Client("not-a-real-key", ledger=tmp_path / "ledger.db")
    client.declare_types({"city": "string"})
    df = pd.DataFrame({"id": ["a"], "City": ["Pune"], "EMAIL": ["a@example.com"]})
    messages = found(df, "attribute_name_case_clash", client=client)["message"].tolist()
    assert "from 'city' (an attribute of earlier pushes, which the ledger knows)" in messages[0]
    assert "from 'email' (a reserved attribute)" in messages[1]
    [message] = found(df.rename(columns={"EMAIL": "city"}), "attribute_name_case_clash").query("column == 'City'")[
        "message"
    ]
    assert "from 'city' (another column)" in message


def test_a_clash_with_a_reserved_name_ends_in_the_reserved_one():
    df = pd.DataFrame({"id": ["a"], "E-mail": ["x"], "EMAIL": ["a@example.com"]})
    assert "email" in mended(df, "attribute_name_case_clash")


def test_the_fix_of_an_id_column_never_touches_the_ids():
    df = pd.DataFrame([["a@example.com", "b@example.com"]], columns=["email", "mail"])
    found = gp.validate(df, "email", rename={"mail": "email"}).query("rule == 'attribute_name_duplicate'")
    assert found["fix"].unique().tolist() == [fixes.in_call("rename", "'mail'", "email 1")]


@pytest.mark.parametrize(
    "label",
    [("orders", "sum"), 2024, np.int64(2024), 1.5, dt.date(2025, 1, 1), pd.Timestamp("2025-01-01"), None, float("nan")],
    ids=repr,
)
def test_fixes_are_python_whatever_the_label(label):
    columns = pd.Index(["id", label], dtype=object, tupleize_cols=False)
    df = pd.DataFrame([["a", b"raw"], ["b", b"more"]], columns=columns)
    repaired = mended(df, "type_unsupported")
    assert repaired.iloc[:, 1].tolist() == ["raw", "more"]


def test_columns_of_a_multiindex_can_be_mended():
    df = pd.DataFrame([["a", 1, 2]], columns=pd.MultiIndex.from_tuples([("id", ""), ("x", "y" * 50), ("x", "z")]))
    line = gp.validate(df, ("id", "")).query("rule == 'attribute_name_too_long'")["fix"].item()
    scope = {"df": df}
    exec(compile(line, "<fix>", "exec"), scope)
    assert gp.validate(scope["df"], ("id", "")).empty


def test_an_all_missing_column_breaks_no_rule():
    assert gp.validate(pd.DataFrame({"id": ["a"], "X": ["x"], "": [None]}), "id").empty


def test_a_clash_in_a_frame_without_rows_is_told_like_any_other():
    frame = pd.DataFrame({"id": [], "City": [], "city": []}, dtype="object")
    assert "attribute_name_case_clash" in set(gp.validate(frame, "id")["rule"])


def test_a_mistyped_name_is_told_which_known_one_is_meant_and_the_line_keeps_the_column(sandbox):
    df = pd.DataFrame({"id": ["a"], "City": ["Pune"], "Orders": [3]})
    gp.push(df, "id", client=sandbox.client, progress=False)
    mistyped = df.rename(columns={"City": "Citty"}).assign(Zebra=1)
    found = gp.validate(mistyped, "id", client=sandbox.client, new_attributes="forbid").set_index("column")
    assert "Did you mean 'City'?" in found.loc["Citty", "message"]
    assert "mean" not in found.loc["Zebra", "message"]
    scope = {"df": mistyped}
    for line in found["fix"]:
        exec(line, scope)
    assert scope["df"].equals(df)
    twice = gp.validate(mistyped.assign(Cityy="x"), "id", client=sandbox.client, new_attributes="forbid")
    assert twice["fix"].str.contains("rename").sum() == 1
