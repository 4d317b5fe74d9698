"""All fixes of one report, pasted one after the other: they mend what is wrong, and touch nothing that is right."""

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import growlytics_pandas as gp

LONG = "Average Basket Value In Rupees Over The Last Twelve Months"
TAGS = {f"Tag {i}": ["x", "y", None] for i in range(101)}


def column(*values, **others):
    return pd.DataFrame({"id": ["a", "a", *"bcdefgh"][: len(values)], "X": pd.Series(values, dtype=object), **others})


NASTY = {
    "a duplicate before a bad cell": (column(1, 2, 3, "x", 4), {}),
    "text labels": (column(1, 2, 3, "x", 4).set_axis(list("vwxyz")), {}),
    "a MultiIndex": (column(1, 2, 3, "x").set_axis(pd.MultiIndex.from_product([[1, 2], ["p", "q"]])), {}),
    "dates for labels": (column(1, 2, "x").set_axis(pd.date_range("2025-01-01", periods=3)), {}),
    "labels that repeat": (column(1, 2, 3, "x", 4).set_axis([0, 1, 0, 1, 0]), {}),
    "digits that floats lose": (column(1, 2, 2**60 + 1, "x", "4"), {}),
    "a date among numbers": (column(1, 2, 3, dt.date(2025, 1, 1), [5]), {}),
    "true among numbers": (column(1, 2, True, "4"), {}),
    "yes among booleans": (column(True, False, True, "yes", 7, [1]), {}),
    "text among dates": (column(*[pd.Timestamp("2025-01-01")] * 3, "2025-02-01", "soon"), {}),
    "zones among dates": (column(*[dt.datetime(2025, 1, 1, tzinfo=dt.UTC)] * 3, dt.date(2025, 1, 1), "x"), {}),
    "types asked for": (column("1", "2", "three", "4.5", "1e999"), {"types": {"X": "number"}}),
    "fractions in text": (column("2025-01-01", "2025-01-01 10:00:00.5", "x"), {"types": {"X": "date"}}),
    "no id in between": (column(1, 2, "x", 4, "y").assign(id=["a", None, "b", " ", "c"]), {}),
    "a padded name": (column(1, 2, 3, "x", 4).rename(columns={"X": " X "}), {}),
    "names that clash": (column(1, 2, 3, "x", 4, x=[None, 1.5, None, 2.5, np.inf]), {}),
    "a clash with a reserved name": (column("a@example.com", "a", "b@x").rename(columns={"X": "Email"}), {}),
    "columns without a name": (column(1, 2, "x", **{"": [b"r", b"s", b"t"], LONG: [1, 2, 3]}), {}),
    "columns of one name": (
        column(1, 2, 3, "x", x=list("pqrs"), Y=1, Z=2).set_axis(["id", "X", "x", "Y", "Y"], axis=1),
        {},
    ),
    "whole numbers": (column(1, 2, 3, mobile=[99192, 9876543210, 2**53 + 1]), {}),
    "more than 100": (pd.DataFrame({"id": ["a", "a", "b"], **TAGS}), {}),
    "many bad cells": (
        pd.DataFrame({"id": range(60), "X": [*["x"] * 25, *range(30), *[2**60] * 5]}, dtype=object),
        {},
    ),
    "dirty samples": (gp.sample_customers(300, dirty=True).rename(columns={"customer_id": "id"}), {}),
    "dirty samples, other labels": (
        gp.sample_customers(300, dirty=True).rename(columns={"customer_id": "id"}).set_axis(range(900, 600, -1)),
        {},
    ),
}
AGAIN = ("too_many_attributes",)  # a column that is mended comes on top of the others


def pasted(df, found, **scope):
    """Return the frame after all lines, in order; only `df`, `pd` and the arguments are there to use."""
    scope |= {"df": df.copy(), "pd": pd}
    for line in found["fix"].drop_duplicates():
        exec(compile(line, "<fix>", "exec"), scope)
    return scope["df"], {name: scope[name] for name in ("types",) if name in scope}


def said(value):
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return "missing"
    if isinstance(value, (bool, np.bool_)):
        return str(value)
    return repr(int(value)) if isinstance(value, (int, float, np.number)) and value == value // 1 else str(value)


@pytest.mark.parametrize(("df", "options"), NASTY.values(), ids=NASTY)
def test_all_fixes_of_a_report_can_be_pasted_in_order(df, options):
    found = gp.validate(df, "id", **options)
    after, left_options = pasted(df, found, **{key: dict(value) for key, value in options.items()})
    left = gp.validate(after, "id", **left_options).query("severity == 'error' and rule not in @AGAIN")
    if df.index.is_unique:
        assert left.empty, left[["message", "fix"]].to_string()


@pytest.mark.parametrize(("df", "options"), NASTY.values(), ids=NASTY)
def test_a_cell_without_a_violation_keeps_its_value(df, options):
    df = df.set_axis(df.index if df.index.is_unique else range(len(df)))  # else nothing tells rows apart
    found = gp.validate(df, "id", **options)
    after, _ = pasted(df, found, **{key: dict(value) for key, value in options.items()})
    changed = set(found.loc[found["row"].isna(), "column"])
    bad = set(zip(found["row"], found["column"], strict=True))
    assert set(after.index) <= set(df.index), "no row is made"
    for label in set(df.columns) & set(after.columns) - changed:
        if list(df.columns).count(label) > 1:
            continue
        for row, index in enumerate(df.index):
            if index in after.index and (row, label) not in bad:
                old, new = said(df[label].iloc[row]), said(after.loc[index, label])
                assert new == old or (old == "missing" and label.casefold() in {str(c).casefold() for c in changed})


def test_where_labels_are_repeated_a_line_goes_by_what_is_in_the_cells_and_outlives_dropped_rows():
    df = column("1", "2", "3", "x", "4").set_axis([0, 1, 0, 1, 0])
    after, _ = pasted(df, gp.validate(df, "id", types={"X": "number"}), types={"X": "number"})
    assert after["X"].isna().tolist() == [False, False, True, False]  # the first row had no id


def test_positions_do_nothing_once_rows_are_dropped_and_say_so(capsys):
    df = pd.DataFrame({"id": range(3), "email": ["a@example.com", "x", "y"], "Email": "x"}, index=[0, 1, 1])
    line = gp.validate(df, "id").query("rule == 'email_invalid'")["fix"].unique().item()
    assert "paste before any line that drops rows" in line
    for rows, emptied in ((3, [False, True, True]), (2, [False, False])):
        scope = {"df": df.head(rows), "pd": pd}
        exec(line, scope)
        assert scope["df"]["email"].isna().tolist() == emptied
        assert ("not done" in capsys.readouterr().out) == (rows < 3)


def test_a_row_that_is_gone_does_not_come_back():
    df = pd.DataFrame({"id": ["a", "b"], "email": ["x", "b@example.com"]})
    line = gp.validate(df, "id").query("rule == 'email_invalid'")["fix"].item()
    scope = {"df": df.iloc[1:], "pd": pd}
    exec(line, scope)
    assert scope["df"]["email"].tolist() == ["b@example.com"]


def test_many_rows_that_no_condition_tells_apart_take_few_lines():
    df = pd.DataFrame({"id": range(120), "email": "nowhere", "Email": "nowhere"})  # which may be merged
    lines = gp.validate(df, "id").query("rule == 'email_invalid'")["fix"]
    assert lines.value_counts(sort=False).tolist() == [50, 50, 20]
    assert [line.partition("# ")[2].partition(";")[0] for line in lines.unique()] == [
        *["empties 50 values"] * 2,
        "empties 20 values",
    ]


@pytest.mark.parametrize(
    ("index", "is_told"), [(range(3), True), ([7, 9, 8], True), (list("abc"), False), ([0, 1, 0], False)]
)
def test_a_line_that_goes_by_numbers_says_that_reset_index_breaks_it(index, is_told):
    df = pd.DataFrame({"id": list("abc"), "email": ["x", "b@example.com", "c@example.com"]}, index=index)
    line = gp.validate(df, "id").query("rule == 'email_invalid'")["fix"].item()
    assert ("; goes by labels: run it before any reset_index" in line) is is_told
    assert line.count("  # ") == 1, "one comment, whatever there is to say"


@pytest.mark.parametrize("dtype", [object, "category", "string"])
def test_white_space_around_a_contact_is_stripped_and_only_what_stays_wrong_is_emptied(dtype):
    emails = [" spaced@example.com ", "right@example.com", " wrong ", "nowhere", None]
    mobiles = ["9919211112", "\t9919211113", None, "12", " 12 "]
    df = pd.DataFrame({"id": list("abcde"), "email": emails, "mobile": mobiles})
    df = df.astype({"email": dtype, "mobile": dtype})
    found = gp.validate(df, "id").query("rule in ['email_invalid', 'mobile_invalid']")
    after = pasted(df, found)[0].astype(object)
    assert after["email"].fillna("gone").tolist() == ["spaced@example.com", "right@example.com", *["gone"] * 3]
    assert after["mobile"].fillna("gone").tolist() == ["9919211112", "9919211113", *["gone"] * 3]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((1, "4", 2), [1, 4, 2]),
        ((1, "4", 2.5, 3, None, "x"), [1, 4, 2.5, 3, None, None]),
        ((True, False, False, "yes", "maybe"), [True, False, False, True, None]),
    ],
)
def test_a_value_that_can_become_the_type_of_its_column_does(values, expected):
    df = pd.DataFrame({"id": range(len(values)), "X": pd.Series(values, dtype=object)})
    found = gp.validate(df, "id").query("rule == 'value_wrong_type'")
    assert "types={'X': " in found["message"].iloc[0]
    after = pasted(df, found)[0]["X"]
    assert after.astype(object).where(after.notna(), None).tolist() == expected


def test_ids_that_look_alike_are_made_one_only_by_who_knows_that_they_are_one():
    df = pd.DataFrame({"id": ["A@x.com", "a@x.com", "B@x.com", "B@x.com"], "X": range(4)})
    found = gp.validate(df, "id").query("rule == 'id_case_duplicate'")
    pd.testing.assert_frame_equal(pasted(df, found)[0], df)
    uncommented = found.assign(fix=found["fix"].str.removeprefix("# if they are one customer: "))
    assert pasted(df, uncommented)[0]["id"].tolist() == ["a@x.com", "a@x.com", "B@x.com", "B@x.com"]


def test_an_id_that_is_too_long_is_shown_and_not_dropped():
    df = pd.DataFrame({"id": ["a" * 41, "🎉" * 25, "b"], "X": range(3)})
    found = gp.validate(df, "id").query("rule == 'id_too_long'")
    shown = [eval(line, {"df": df})["X"].tolist() for line in found["fix"]]
    assert [0 in shown[0], 1 in shown[1], 2 in [*shown[0], *shown[1]]] == [True, True, False]
    pd.testing.assert_frame_equal(pasted(df, found)[0], df)


def test_a_row_that_errors_have_emptied_is_not_dropped():
    df = pd.DataFrame({"id": ["a", "b", "c"], "X": pd.Series([1, "x", None], dtype=object), "Y": None})
    df.loc[3] = ["d", 4, None]
    found = gp.validate(df, "id").query("rule == 'row_empty'").set_index("row")
    assert "because of the other errors" in found.loc[1, "message"]
    assert "because" not in found.loc[2, "message"]
    assert pasted(df, found)[0]["id"].tolist() == ["a", "b", "d"]


def test_numbers_among_dates_make_no_warning_and_only_they_are_emptied():
    day = pd.Timestamp("2000-01-01")
    df = pd.DataFrame({"id": ["a", "b", "c"], "When": pd.Series([0, day, day], dtype=object)})
    found = gp.validate(df, "id").query("rule == 'value_wrong_type'")
    exec(found["fix"].item())
    assert df["When"].isna().tolist() == [True, False, False]


T = pd.Timestamp("2026-01-01")
LONG_DECIMAL = "0.12345678901234567890123"
READABLE = {
    "dates": ([T] * 9 + [" 2026-01-31 ", "2026-02-01\n", "\xa02026-02-02", "\t2026-02-03"], "soon", {}),
    "dates with zones": ([T] * 4 + [" 2026-01-31T10:00:00+05:30 ", "2026-02-01\n"], "soon", {}),
    "numbers": ([1, 2, 3, 4] * 2 + ["\xa05 ", " 6\n", "\t0.1", "1e3", True], "x", {}),
    "large numbers": ([1, 2, 3, 2**60 + 1] * 2 + ["\xa05 ", " 6\n", "\t0.1", True], "x", {}),
    "yes and no": ([True, False] * 4 + [" yes\n", "\xa0no", "\tY", 1, 0.0], "maybe", {}),
    "amounts": (["1", "\xa01,234 ", "₹\xa05", " 1,00,000\n", "Rs. 2"], "x", {"types": {"X": "number"}}),
    "day first": ([" 31/01/2026", "01/02/2026\xa0", "03/02/2026\n"], "soon", {"types": {"X": "date"}}),
    "with points": ([" 31.01.2026", "01.02.2026\t"], "soon", {"types": {"X": "date"}}),
    "month first, with points": ([" 01.31.2026", "02.01.2026\t"], "soon", {"types": {"X": "date"}}),
    "fractions": ([" 2026-01-31 10:00:00.5", "2026-01-31\n"], "soon", {"types": {"X": "date"}}),
}


@pytest.mark.parametrize("with_other", [True, False])
@pytest.mark.parametrize("kind", READABLE)
def test_a_line_empties_no_value_that_can_be_read(kind, with_other):
    values, other, options = READABLE[kind]
    values = [*values, other] if with_other else values
    df = pd.DataFrame({"id": [f"c{i}" for i in range(len(values))], "X": pd.Series(values, dtype=object)})
    found = gp.validate(df, "id", **options)
    assert "value_wrong_type" in set(found["rule"]) or kind == "fractions"
    after, _ = pasted(df, found, **{key: dict(value) for key, value in options.items()})
    assert after["X"].isna().tolist() == [value == other for value in values]
    assert gp.validate(after, "id", **options).query("severity == 'error'").empty
    numbers = {"\xa05 ": 5, "\t0.1": 0.1, "\xa01,234 ": 1234, " 1,00,000\n": 100_000, 2**60 + 1: 2**60 + 1}
    for value, new in zip(values, after["X"], strict=True):
        if value in numbers:
            assert (new if isinstance(value, int) else float(new)) == numbers[value]


def test_a_number_of_more_digits_than_a_line_keeps_is_left_as_it_is():
    df = column(1, 2, 3, " 4", LONG_DECIMAL)
    found = gp.validate(df.assign(id=range(5)), "id").query("rule == 'value_wrong_type'").set_index("row")
    assert found.loc[4, "fix"] == "# push with types={'X': 'number'}, which reads every digit"
    assert pasted(df, found)[0]["X"].tolist() == [1, 2, 3, 4, LONG_DECIMAL]


def test_where_other_parts_hold_white_space_too_the_line_strips_it(tmp_path):
    client = gp.Client("not-a-real-key", ledger=tmp_path / "ledger.db")
    client.declare_types({"X": "date"})
    parts = [column("2026-01-31", "2026-02-01"), column(" 2026-02-02\n", "\xa02026-02-03").assign(id=["x", "y"])]
    found = gp.plan_batches(parts, "id", client=client).violations.query("rule == 'type_conflict'")
    scope = {"df": parts[1].copy(), "pd": pd}
    exec(found["fix"].iloc[0], scope)
    assert scope["df"]["X"].astype(str).tolist() == ["2026-02-02", "2026-02-03"]


@pytest.mark.parametrize("dtype", ["category", "arrow"])
def test_a_dictionary_is_no_hindrance(dtype):
    text = pa.array([" a@example.com ", "nowhere", None]).dictionary_encode()
    emails = pd.Series(pd.arrays.ArrowExtensionArray(text)) if dtype == "arrow" else text.to_pandas()
    df = pd.DataFrame({"id": list("abc"), "email": emails})
    after = pasted(df, gp.validate(df, "id").query("rule == 'email_invalid'"))[0]
    assert after["email"].astype(object).fillna("gone").tolist() == ["a@example.com", "gone", "gone"]
