"""Rows of a file that are no customers: a repeated heading, and totals. They are left out, and customers never are."""

import re

import pandas as pd
import pytest

import growlytics_pandas as gp

NOT_CUSTOMERS = {
    "totals": ({"City": ["Pune", "Goa", None], "Spend": [1, 2, 3]}, "Total"),
    "totals below a gap": ({"City": ["Pune", None, None], "Spend": [1, None, 1]}, "Grand Total"),
    "totals as text": ({"City": ["Pune", "Goa", "-"], "Spend": ["₹ 1", "Rs. 2", "1,23,456.00"]}, "TOTAL:"),
    "totals with a comma": ({"City": ["Pune", "Goa", ""], "Spend": ["1,5", "2,5", "1.234,50"]}, "total"),
    "totals in two columns": ({"City": ["Pune", "Goa", "Grand total"], "Spend": [1, 2, 3]}, " Totals "),
    "subtotals": ({"City": ["Pune", "Goa", "N/A"], "Joined": ["2025-01-01", "2025-01-02", None]}, "Sub-total"),
    "a sum and dates": ({"Joined": [*pd.to_datetime(["2025-01-01"] * 2), None]}, "Sum"),
    "a heading": ({"City": ["Pune", "Goa", "City"], "Spend": ["1", "2", "Spend"]}, "id"),
    "a heading in capitals": ({"City": ["Pune", "Goa", " CITY "], "Spend": ["1", "2", "SPEND"]}, "ID "),
    "only ids": ({}, "Total"),
    "empty lists": ({"Tags": ['["a"]', "[]", "[]"], "Spend": [1, 2, 3]}, "Total"),
}
CUSTOMERS = {
    "the word as a surname": ({"Surname": ["Rao", "Iyer", "Total"], "City": ["Pune", "Goa", "Goa"]}, "c3"),
    "an id that is the word": ({"City": ["Pune", "Goa", "Goa"], "Spend": [1, 2, 3]}, "total"),
    "an address": ({"email": ["a@example.com", None, "total@example.com"], "Spend": [1, 2, 3]}, "total"),
    "a date": ({"Joined": pd.to_datetime(["2025-01-01"] * 3), "Spend": [1, 2, 3]}, "sum"),
    "a sum of the others": ({"Spend": [1, 2, 3], "Orders": [2, 2, 4]}, "c3"),
    "a surname in the id": ({"Spend": [1, 2, 3]}, "Anna Total"),
    "an id like its heading": ({"City": ["Pune", "Goa", "Goa"], "Spend": ["1", "2", "3"]}, "id"),
}


def frame_of(columns, last):
    return pd.DataFrame({"id": ["c1", "c2", last], **columns})


@pytest.mark.parametrize("case", NOT_CUSTOMERS)
def test_total_or_heading_row_is_left_out(case, sandbox):
    df = frame_of(*NOT_CUSTOMERS[case])
    found = gp.validate(df, "id").query("rule in ['row_is_total', 'row_is_heading']")
    assert found[["row", "severity", "effect"]].to_numpy().tolist() == [[2, "error", "row skipped"]]
    with pytest.raises(gp.errors.ConstraintViolationError):
        gp.push(df, "id", client=sandbox.client, progress=False)
    result = gp.push(df, "id", client=sandbox.client, errors="drop", progress=False)
    assert result.counts["accepted"] == 2
    assert set(sandbox.stored()) == {"c1", "c2"}
    assert result.rejects()["rule"].item() == found["rule"].item()


@pytest.mark.parametrize("case", CUSTOMERS)
def test_a_customer_is_sent_whatever_the_id(case):
    df = frame_of(*CUSTOMERS[case])
    plan = gp.plan(df, "id")
    assert plan.counts["unsent"] == 3
    assert not plan.has_errors


@pytest.mark.parametrize("case", [*NOT_CUSTOMERS, *CUSTOMERS])
def test_batches_have_the_same_rows(case):
    df = frame_of(*{**NOT_CUSTOMERS, **CUSTOMERS}[case])
    plan, parts = gp.plan(df, "id"), gp.plan_batches([df[:1], df[1:]], "id")
    assert parts.counts == plan.counts
    assert parts.violations[["row", "rule"]].to_numpy().tolist() == plan.violations[["row", "rule"]].to_numpy().tolist()


def test_columns_not_sent_do_not_count():
    df = frame_of({"City": ["Pune", "Goa", None], "Note": ["a", "b", "checked"]}, "Total")
    for options in ({"exclude": ["Note"]}, {"columns": ["City"]}):
        assert gp.validate(df, "id", **options)["rule"].tolist() == ["row_is_total"]
        assert gp.plan_batches([df[:2], df[2:]], "id", **options).counts["invalid"] == 1


def test_a_total_among_rejects_stays_a_total(sandbox):
    df = frame_of(*NOT_CUSTOMERS["totals"])
    how = {"client": sandbox.client, "errors": "drop", "progress": False}
    rejects = gp.push(df, "id", **how).rejects()
    for options in ({}, {"columns": rejects.columns.drop("id")}):
        assert gp.push(rejects, "id", **how, **options).counts["invalid"] == 1
    assert set(sandbox.stored()) == {"c1", "c2"}


def test_totals_are_not_duplicates():
    df = pd.DataFrame({"id": ["a", "Total", "b", "Total"], "Spend": [1, 1, 2, 2]})
    assert gp.validate(df, "id")["rule"].tolist() == ["row_is_total", "row_is_total"]
    assert gp.plan(df, "id").counts["invalid"] == 2
    assert gp.plan_batches([df[:2], df[2:]], "id").counts["invalid"] == 2


SUMS = {"City": ["Pune", "Goa", "Goa", None], "Spend": [1.5, 2.0, 3.0, 6.5], "Orders": [1, 0, 2, 3]}


def test_last_row_of_sums_is_a_warning():
    df = pd.DataFrame({"id": ["c1", "c2", "c3", "c4"], **SUMS})
    assert gp.validate(df, "id")[["row", "rule", "severity"]].to_numpy().tolist() == [[3, "row_is_total", "warning"]]
    assert gp.plan(df, "id").counts["unsent"] == 4
    summed = pd.DataFrame({"id": [1, 2, 3], "Spend": [1, 2, 3], "Orders": [1, 0, 2]})
    summed.loc[3] = summed.sum()
    assert gp.validate(summed, "id")["rule"].tolist() == ["row_is_total"]


@pytest.mark.parametrize(
    "change",
    [{"City": ["Pune", "Goa", "Goa", "Goa"]}, {"Orders": [1, 0, 2, 4]}, {"Orders": [0] * 4}, {"Orders": ["x"] * 4}],
    ids=str,
)
def test_other_last_rows_are_customers(change):
    assert gp.validate(pd.DataFrame({"id": ["c1", "c2", "c3", "c4"], **SUMS, **change}), "id").empty


def test_single_customer_is_not_a_total(sandbox):
    sandbox.client.upsert("Total", {"Spend": 5})
    assert sandbox.stored() == {"Total": {"Spend": 5}}
    assert not gp.plan(pd.DataFrame({"id": ["sum"], "Spend": [5]}), "id").has_errors


def test_next_steps_name_the_total_row():
    plan = gp.plan(frame_of(*NOT_CUSTOMERS["totals"]), "id")
    shown = re.sub("<[^>]*>", "", plan._repr_html_())
    assert "row_is_total" in shown
    assert "Fix the error" in shown


@pytest.mark.parametrize(
    "label", ["TOTAL MEMBERS", "Total: 3,000 members", "Totals 2024", "Summe (3)", "total-2024", "Gesamtsumme"]
)
def test_last_row_may_begin_with_a_word_for_totals(label):
    df = pd.DataFrame({"id": ["a", "b", "c", label], "Fee": [1.5, 2.5, 3, 7], "City": ["Pune", "Goa", "Agra", None]})
    assert gp.validate(df, "id")["rule"].tolist() == ["row_is_total"]
    assert gp.plan_batches([df[:2], df[2:]], "id").violations["rule"].tolist() == ["row_is_total"]
    elsewhere = df.iloc[[3, 0, 1, 2]].assign(City="Pune")
    assert "row_is_total" not in set(gp.validate(elsewhere, "id")["rule"])


def test_customer_in_the_last_row_may_be_called_total():
    df = pd.DataFrame({"id": ["a", "b", "c", "total nutrition"], "City": ["Pune", "Goa", "Agra", "Delhi"]})
    assert gp.validate(df, "id").query("severity == 'error'").empty


AMOUNTS = {"City": ["Pune", "Goa", "Agra", None], "Spend": [1.5, 2.0, 3.0, 6.5]}
TEXT = ["1.000,50 €", "2,00 €", "3,00 €", "1.005,50 €"]
BESIDE_TEXTS = {
    "a remark": {**AMOUNTS, "Note": [None, "new", None, "as of 31 January"]},
    "a label and a remark": {**AMOUNTS, "Name": ["A", "B", "C", "Summe"], "Note": ["", "", "", "3 customers"]},
    "a remark below amounts of text": {"Note": ["x", "y", "", "Stand Januar"], "Spend": TEXT},
    "a damaged currency": {"City": ["Pune", "Goa", "Agra", None], "Spend": [*TEXT[:3], "1.005,50 â‚¬"]},
    "damaged currencies": {"Note": ["", "", "", "Stand"], "Spend": [text.replace("€", "â‚¬") for text in TEXT]},
    "two columns of sums": {"Note": ["x", "y", "", "z"], "Orders": [1, 0, 2, 3], "Visits": [2, 2, 1, 5]},
    "a large sum": {"Note": ["x", "y", "", "z"], "Spend": [100, 200, 300, 600], "Age": [30, 40, 50, None]},
    "a sum of numbers and texts": {"Note": ["x", "y", "", "z"], "Spend": [100, "200", None, 300]},
    "nullable numbers": {"Note": ["x", "y", "", "z"], "Spend": pd.array([100, 200, None, 300], dtype="Int64")},
}
NO_TOTALS = {
    "another amount": {**AMOUNTS, "Spend": [1.5, 2.0, 3.0, 6.0], "Note": ["x", "y", "", "z"]},
    "no amount": {"City": ["Pune", "Goa", "Agra", "Delhi"], "Spend": [1.5, 2.0, 3.0, None]},
    "one amount is no sum": {**AMOUNTS, "Note": ["x", "y", "", "z"], "Age": [30, 40, 50, 41]},
    "an address": {**AMOUNTS, "email": [None, None, None, "total@example.com"]},
    "a small sum": {"City": ["Pune", "Goa", "Agra", "Delhi"], "Orders": [1, 0, 2, 3]},
    "a date": {**AMOUNTS, "Joined": pd.to_datetime(["2025-01-01"] * 4)},
    "the amount of another": {"City": ["Pune", "Goa", "Agra", "Delhi"], "Spend": [None, None, 500, 500]},
    "only zeros": {"City": ["Pune", "Goa", "Agra", "Delhi"], "Spend": [0.0] * 4, "Orders": [0] * 4},
    "yes": {**AMOUNTS, "City": ["Pune", "Goa", "Agra", "Delhi"], "VIP": [True, False, True, True]},
}


@pytest.mark.parametrize("label", ["Summe", "TOTAL:"])
@pytest.mark.parametrize("case", BESIDE_TEXTS)
def test_total_row_of_sums_may_have_other_texts(case, label):
    df = pd.DataFrame({"id": ["c1", "c2", "c3", label], **BESIDE_TEXTS[case]})
    found = gp.validate(df, "id").query("rule == 'row_is_total'")
    assert found[["row", "severity"]].to_numpy().tolist() == [[3, "error"]]
    assert gp.plan(df, "id").counts["invalid"] == 1


@pytest.mark.parametrize("case", NO_TOTALS)
def test_row_with_the_label_but_without_sums_is_a_warning(case):
    df = pd.DataFrame({"id": ["c1", "c2", "c3", "Total"], **NO_TOTALS[case]})
    assert gp.plan(df, "id").counts["unsent"] == 4
    assert gp.validate(df, "id").query("rule == 'row_is_total'")["severity"].tolist() == ["warning"]


@pytest.mark.parametrize("customer", ["total-123", "Total Nutrition", "c4", "Anna Total"])
def test_sums_of_a_customer_with_texts_are_sent(customer):
    df = pd.DataFrame({"id": ["c1", "c2", "c3", customer], **BESIDE_TEXTS["a remark"]})
    assert gp.plan(df, "id").counts["unsent"] == 4
    moved = pd.DataFrame({"id": ["c1", "c2", "Total", "c3"], **BESIDE_TEXTS["a remark"]})
    assert gp.plan(moved, "id").counts["unsent"] == 4


def test_total_row_of_sums_below_many_rows():
    rows = 40_000
    df = pd.DataFrame({"id": [f"c{i}" for i in range(rows)], "Spend": [f"{i},50" for i in range(rows)], "Note": "x"})
    total = {"id": "Gesamt", "Spend": f"{rows * (rows - 1) // 2 + rows // 2},00", "Note": "as of January"}
    found = gp.plan(pd.concat([df, pd.DataFrame([total])], ignore_index=True), "id")
    assert found.counts["invalid"] == 1
    assert found.suggest()["decimal"] == {"Spend": ","}


def test_last_rows_without_an_id_settle_no_type():
    """A totals row whose label is in another column is not sent, so its numbers say nothing."""
    ids = [f"a{i}@x.com" for i in range(40)]
    df = pd.DataFrame({"Email": ids, "Customer": ids, "Orders": [str(i % 30) for i in range(40)]})
    for blank in (None, "", "n/a"):
        whole = pd.concat([df, pd.DataFrame({"Email": [blank], "Customer": ["Total"], "Orders": ["2,900"]})])
        assert gp.suggest(whole, "Email", na_values=["n/a"])["types"] == {"Orders": "number"}
    assert gp.suggest(df.assign(Email=None), "Email")["types"] == {"Orders": "number"}
