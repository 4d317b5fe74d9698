"""The violations frame: fixed columns and dtypes, positions and labels, every violation, original values."""

import json
import re
import tracemalloc

import numpy as np
import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas.__main__ import main
from growlytics_pandas.checks.findings import DTYPES
from growlytics_pandas.columns import dtypes as blocks

COLUMNS = [
    "row",
    "index",
    "column",
    "attribute",
    "rule",
    "severity",
    "effect",
    "value",
    "limit",
    "count",
    "message",
    "fix",
]


@pytest.fixture(scope="module")
def dirty():
    return gp.validate(gp.sample_customers(300, dirty=True), "customer_id")


def same_form(found):
    expected = {name: pd.Series(dtype=dtype).dtype for name, dtype in DTYPES.items()}
    return list(found.columns) == COLUMNS and found.dtypes.to_dict() == expected


@pytest.mark.parametrize(
    "df",
    [
        pd.DataFrame({"id": ["a"], "City": ["Pune"]}),
        pd.DataFrame({"id": pd.Series(dtype="str"), "City": pd.Series(dtype="str")}),
        pd.DataFrame({"id": ["a", "a"], "City": ["Pune", None]}),
        gp.sample_customers(100, dirty=True).rename(columns={"customer_id": "id"}),
    ],
    ids=["clean", "no rows", "one rule", "dirty"],
)
def test_columns_and_dtypes_are_stable(df):
    assert same_form(gp.validate(df, "id"))


def test_row_is_position_and_index_is_label():
    df = pd.DataFrame({"id": ["a", None, None], "X": [1, 2, 3]}, index=["p", "q", "q"])
    found = gp.validate(df, "id")
    assert found["row"].tolist() == [1, 2]
    assert found["index"].tolist() == ["q", "q"]


def test_labels_of_a_multiindex_are_tuples():
    index = pd.MultiIndex.from_tuples([("x", 1), ("x", 2)])
    found = gp.validate(pd.DataFrame({"id": ["a", None], "X": [1, 2]}, index=index), "id")
    assert found["index"].tolist() == [("x", 2)]


def test_column_violation_has_no_row_but_a_count():
    df = pd.DataFrame({"id": ["a", "b", "c"], "Wait": pd.to_timedelta([1, None, 2], unit="D")})
    found = gp.validate(df, "id").iloc[0]
    assert found["rule"] == "type_unsupported"
    assert found["row"] is pd.NA
    assert found["index"] is None
    assert (found["column"], found["attribute"], found["count"]) == ("Wait", "Wait", 2)


def test_every_violation_is_listed():
    df = pd.DataFrame({"id": [None] * 5000, "X": [np.inf] * 5000})
    counts = gp.validate(df, "id")["rule"].value_counts()
    assert counts.to_dict() == {"id_missing": 5000, "value_not_finite": 5000}


def test_frame_display_and_cli_share_one_order(capsys, tmp_path):
    """Errors first, then by position of the column, then by row; whole columns before their rows."""
    df = pd.DataFrame(
        {
            "City": ["Pune ", "Goa", "Goa", "Goa"],
            "Spend": [1.0, np.inf, 3.0, np.inf],
            "id": ["a", "a", None, " b"],
            "Note": [b"1", b"2", b"3", b"4"],
        }
    )
    plan = gp.plan(df, "id")
    expected = ["value_not_finite", "id_duplicate", "id_missing", "type_unsupported"]
    assert list(dict.fromkeys(plan.violations.query("severity == 'error'")["rule"])) == expected
    assert plan.violations["severity"].is_monotonic_increasing
    for _, found in plan.violations.groupby(["severity", "column"]):
        assert found["row"].astype("float").fillna(-1).is_monotonic_increasing
    rules = list(dict.fromkeys(plan.violations["rule"]))
    assert list(dict.fromkeys(group.rule.value for group in plan._findings.groups())) == rules
    shown = re.sub("<[^>]*>", "", plan.violations._repr_html_())
    assert sorted(rules, key=shown.index) == rules
    path = tmp_path / "c.jsonl"
    path.write_text(
        '{"City": "Pune ", "Spend": 1, "id": "a"}\n{"City": "x", "Spend": [2], "id": "a"}\n'
        '{"City": null, "Spend": 3, "id": null}\n'
    )
    assert main(["validate", str(path), "--id-col", "id", "--json", "--ledger", "none"]) == 1
    listed = [rule["rule"] for rule in json.loads(capsys.readouterr().out)["rules"]]
    assert listed == list(dict.fromkeys(gp.validate(pd.read_json(path, lines=True), "id")["rule"]))


def test_values_are_the_original_cells():
    cells = [["p"], {"q": 1}, ("r",), "text", "more text", "and more", "still more"]
    df = pd.DataFrame({"id": [f"c{i}" for i in range(7)], "X": pd.Series(cells, dtype=object)})
    found = gp.validate(df, "id").query("rule == 'value_wrong_type'")
    assert found["value"].tolist() == cells[:3]


def test_messages_name_place_and_problem(dirty):
    found = dirty
    for row, column, message in zip(found["row"], found["column"], found["message"], strict=True):
        where = f"column {column!r}: " if row is pd.NA else f"row {row}, column {column!r}: "
        assert message.startswith(where)
        assert message.endswith(".")


@pytest.mark.parametrize("rule", ["id_too_long", "attribute_name_too_long", "value_too_long", "too_many_attributes"])
def test_limit_is_a_number_in_the_message(dirty, rule):
    found = dirty.query("rule == @rule").iloc[0]
    assert str(found["limit"]) in found["message"]


def test_violations_do_not_depend_on_blocks(monkeypatch):
    df = gp.sample_customers(400, dirty=True).sample(frac=1, random_state=7, ignore_index=True)
    df.loc[399, "customer_id"] = df.loc[5, "customer_id"]
    whole = gp.validate(df, "customer_id")
    assert set(whole["row"].dropna() // 137) == {0, 1, 2}
    monkeypatch.setattr(blocks.starts, "__defaults__", (137,))
    pd.testing.assert_frame_equal(gp.validate(df, "customer_id"), whole)


@pytest.mark.slow
def test_large_frame_is_checked_in_blocks(monkeypatch):
    df = gp.sample_customers(100_000).assign(**{f"Score {i}": np.arange(100_000.0) for i in range(9)})
    df.iloc[70_000, -1] = np.inf
    df.iloc[99_999, 0] = df.iloc[3, 0]
    found = gp.validate(df, "customer_id")
    assert found["row"].tolist() == [3, 99_999, 70_000]
    monkeypatch.setattr(blocks.starts, "__defaults__", (200_000,))
    pd.testing.assert_frame_equal(gp.validate(df, "customer_id"), found)


def test_violations_take_under_100_bytes_each():
    """Violations take under 100 bytes each until the frame of them is built."""
    rows = 50_000
    df = pd.DataFrame({"id": [f"c{i}" for i in range(rows)], "X": np.inf, "email": "no address"})
    plan = gp.plan(df, "id")
    gp.plan(df.head(100), "id")._findings  # noqa: B018 - what is made once
    tracemalloc.start()
    found = plan._findings
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) == 2 * rows
    assert held / len(found) < 100


def test_column_property_is_one_row():
    stamps = pd.Series(pd.date_range("2025-01-01", periods=5000, freq="ms"))
    found = gp.validate(pd.DataFrame({"id": range(5000), "At": stamps, "Note": ["NULL", "x"] * 2500}), "id")
    assert found[["rule", "count"]].to_numpy().tolist() == [["date_truncated", 4995], ["value_stringified", 2500]]
    assert found["value"].tolist() == [stamps[1], "NULL"]
    assert found["row"].isna().all()


def test_attributes_past_the_limit_are_all_named():
    """Too many attributes are one row a column and name all columns past the 100th."""
    tags = {f"T{i:03}": ["x"] * 500 for i in range(103)}
    found = gp.validate(pd.DataFrame({"id": range(500), **tags}), "id")
    assert found[["rule", "column", "count"]].to_numpy().tolist() == [
        ["too_many_attributes", f"T{i}", 500] for i in (100, 101, 102)
    ]
    assert found["message"].str.contains("'T100', 'T101', 'T102'").all()


def test_parts_join_to_the_same_violations():
    df = gp.sample_customers(400, dirty=True)
    whole = gp.plan(df, "customer_id").violations
    parts = gp.plan_batches(lambda: iter([df.iloc[:150], df.iloc[150:]]), "customer_id").violations
    pd.testing.assert_frame_equal(parts, whole)


def test_display_counts_the_other_reasons():
    phones = ["12345", "9919211112", "call me", "12345", "98", "99192111123", "5555555551"]
    shown = re.sub(
        "<[^>]*>", "", gp.plan(pd.DataFrame({"id": range(7), "mobile": phones}), "id").violations._repr_html_()
    )
    assert "too short for IN; found •••45. Also: " in shown
    assert "(1), +1 more" in shown


def test_display_has_lasting_types_before_other_warnings():
    df = pd.DataFrame({"id": range(30), "City": "Pune ", "Joined": "31/01/2025"})
    shown = re.sub("<[^>]*>", "", gp.plan(df, "id").violations._repr_html_())
    assert shown.index("type_") < shown.index("value_")
