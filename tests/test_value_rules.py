"""Values: a fix loses no more than it says, and the words tell what is allowed."""

import sys

import numpy as np
import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas.blocks import prepare
from growlytics_pandas.value_rules import check_block


def one(df, rule, **options):
    return gp.validate(df, "id", **options).query("rule == @rule").iloc[0]


def fixed(df, line, **scope):
    scope |= {"df": df.copy(), "pd": pd}
    exec(compile(line, "<fix>", "exec"), scope)
    return scope["df"]


def frame(*values, dtype=object, name="X"):
    return pd.DataFrame({"id": [f"c{i}" for i in range(len(values))], name: pd.Series(values, dtype=dtype)})


def test_a_wrong_value_costs_its_own_cell_only():
    df = frame("yes", "no", "maybe", "on")
    found = one(df, "value_wrong_type", types={"X": "boolean"})
    assert fixed(df, found["fix"])["X"].fillna("gone").tolist() == ["yes", "no", "gone", "on"]


def test_a_reserved_number_becomes_text_without_a_dot_and_keeps_gaps():
    df = frame(919211112.0, np.nan, name="mobile", dtype="float64")
    texts = fixed(df, one(df, "reserved_not_string")["fix"])["mobile"]
    assert texts[0] == "919211112"
    assert pd.isna(texts[1])


def test_the_fix_sends_what_would_be_sent_anyway():
    for values, dtype in [((1.0, 2.5), "float64"), ((True, False), "bool"), ((7, 8), "Int64"), (("a", 5.0), object)]:
        df = frame(*values, dtype=dtype, name="name")
        assert gp.preview(fixed(df, one(df, "reserved_not_string")["fix"]), "id") == gp.preview(df, "id")


def test_long_emoji_are_cut_to_what_fits():
    df = frame("🎉" * 300)
    assert fixed(df, one(df, "value_too_long")["fix"])["X"].item() == "🎉" * 256


def test_a_large_integer_keeps_its_digits_as_text():
    df = frame(2**60 + 1, None, dtype="Int64")
    assert fixed(df, one(df, "integer_unsafe")["fix"])["X"][0] == str(2**60 + 1)


def test_a_date_out_of_range_leaves_the_last_day_of_9999():
    df = frame(*np.array(["9999-12-31T23:00", "10000-01-01", "NaT"], dtype="M8[us]"), dtype="M8[us]")
    left = fixed(df, one(df, "date_out_of_range")["fix"])["X"]
    assert left.isna().tolist() == [False, True, True]


@pytest.mark.parametrize(("kind", "words"), [("number", "1e6"), ("boolean", "yes/no"), ("date", "2026-01-31")])
def test_a_wrong_type_names_what_is_read_as_the_type(kind, words):
    found = one(frame("x", "12"), "value_wrong_type", types={"X": kind})
    assert words in found["message"]
    assert found["limit"] == kind


def test_half_a_character_is_told_as_such():
    assert "Unicode" in one(frame("fine", "\ud83c"), "value_wrong_type")["message"]


def test_a_bare_customer_is_told_with_its_id():
    found = one(pd.DataFrame({"id": ["a", "b"], "X": [1, None]}), "row_empty")
    assert (found["row"], found["value"]) == (1, "b")


def test_the_101st_attribute_of_a_row_and_no_other_is_left_out():
    df = pd.DataFrame({"id": ["a", "b"], **{f"T{i}": ["x", "y"] for i in range(102)}})
    df.loc[1, "T0"] = None
    found = gp.validate(df, "id").query("rule == 'too_many_attributes'")
    assert list(zip(found["row"], found["column"], strict=True)) == [(0, "T100"), (0, "T101"), (1, "T101")]
    assert [len(body["attributes"]) for body in gp.preview(df, "id")] == [100, 100]


def test_what_was_found_does_not_keep_the_blocks_in_memory():
    """Lines are made when all blocks are checked; each finding that kept its block would keep the whole frame."""
    df = pd.DataFrame({"id": [f"c{i}" for i in range(9)], "X": [np.inf, *range(8)], "email": ["no address"] * 9})
    layout = gp.plan(df, "id").layout
    block = prepare(df, layout, frozenset(), 0, len(df))
    before = sys.getrefcount(block)
    findings = check_block(df, layout, block)
    assert {found.rule for found in findings} == {"value_not_finite", "email_invalid"}
    assert sys.getrefcount(block) == before


def x_of(body):
    return next((each["value"] for each in body["attributes"] if each["name"] == "X"), None)


@pytest.mark.parametrize("dtype", [object, "category", "string"])
@pytest.mark.parametrize(
    ("kind", "values", "sent"),
    [
        ("number", ("78,841.50", "₹ 500", "12", "1,23,456"), (78841.5, 500, 12, 123456)),
        ("number", ("78,841.50", "78,84", "n/a", "12"), (78841.5, None, None, 12)),
        ("number", ("1,234", "12,5"), (None, None)),
        ("number", ("₹ 500", "Rs. 20", "€3"), (500, 20, 3)),
        ("number", ("9,007,199,254,740,991", "1.5"), (9007199254740991, 1.5)),
        ("date", ("31/01/2025", "01/02/2025"), ("2025-01-31 00:00:00", "2025-02-01 00:00:00")),
        ("date", ("01/31/2025", None), ("2025-01-31 00:00:00", None)),
        ("date", ("31.01.2025 10:30", "2025-03-04", "soon"), ("2025-01-31 10:30:00", "2025-03-04 00:00:00", None)),
        ("date", ("31/01/2025", "01/31/2025"), (None, None)),
    ],
)
def test_another_spelling_is_converted_and_the_rest_is_counted(kind, values, sent, dtype):
    df = frame(*values, dtype=dtype)
    found = gp.validate(df, "id", types={"X": kind}).query("rule == 'value_wrong_type'")
    after = df
    for line in found["fix"].drop_duplicates():
        after = fixed(after, line)
    bodies = gp.preview(after, "id", n=9, types={"X": kind})
    assert tuple(map(x_of, bodies)) == sent
    n_lost = sent.count(None) - values.count(None)
    told = found["fix"][found["fix"].str.contains("empties")].unique().tolist()
    assert [f"# empties {n_lost} value" in line for line in told] == [True] * bool(n_lost)


def test_a_date_that_reads_both_ways_asks():
    assert one(frame("01/02/2025"), "value_wrong_type", types={"X": "date"})["fix"].endswith(
        "# day first? else %m/%d/%Y"
    )


@pytest.mark.parametrize("dtype", [object, "category", "string"])
@pytest.mark.parametrize(
    ("known", "values", "sent"),
    [
        ("number", ("5", "n/a"), (5, None)),
        ("number", ("5", "1,000"), (5, 1000)),
        ("number", ("5", str(2**53 - 1), "x"), (5, 2**53 - 1, None)),
        ("date", ("31/01/2025", "01/02/2025"), ("2025-01-31 00:00:00", "2025-02-01 00:00:00")),
        ("date", ("2025-01-31", "soon"), ("2025-01-31 00:00:00", None)),
        ("boolean", ("yes", "on", "perhaps"), (True, True, None)),
    ],
)
def test_a_type_conflict_on_messy_data_keeps_what_can_be_converted(tmp_path, known, values, sent, dtype):
    client = gp.Client("key", ledger=tmp_path / "l.db")
    client.declare_types({"X": known})
    df = frame(*values, dtype=dtype)
    line = one(df, "type_conflict", client=client)["fix"]
    after = fixed(df, line)
    assert list(map(x_of, gp.preview(after, "id", client=client))) == list(sent)
    assert ("# empties 1 value that cannot be" in line) is (None in sent)


@pytest.mark.parametrize(("known", "first"), [("number", "5"), ("date", "2025-01-31"), ("boolean", "yes")])
def test_a_type_conflict_over_parts_has_a_line_that_fails_in_none(tmp_path, known, first):
    client = gp.Client("key", ledger=tmp_path / "l.db")
    client.declare_types({"X": known})
    parts = [frame(first, first), frame("n/a", first).assign(id=["d", "e"])]
    line = gp.plan_batches(parts, "id", client=client).violations.query("rule == 'type_conflict'")["fix"].item()
    assert [fixed(part, line)["X"].notna().tolist() for part in parts] == [[True, True], [False, True]]
    assert line.endswith(f"# empties what cannot be a {known}")


def test_a_large_integer_that_the_service_knows_as_a_number_stays_one(tmp_path):
    client = gp.Client("key", ledger=tmp_path / "l.db")
    client.declare_types({"X": "number"})
    df = frame(2**60, 1)
    after = fixed(df, one(df, "integer_unsafe", client=client)["fix"])
    assert gp.validate(after, "id", client=client)["rule"].tolist() == ["integer_unsafe"]
