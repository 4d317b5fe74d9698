"""The effects that violations report are what happens: skipped rows, dropped attributes, everything else sent."""

import numpy as np
import pandas as pd

import growlytics_pandas as gp


def test_a_clean_frame_has_no_violations():
    assert gp.validate(gp.sample_customers(500), "customer_id").empty


def test_dropped_values_alone_are_not_sent():
    df = pd.DataFrame({"id": ["a", "b", None], "Good": [1, 2, 3], "Bad": [1.0, np.inf, 2.0], "": ["x", "y", "z"]})
    first, second = gp.preview(df, "id")
    assert [a["name"] for a in first["attributes"]] == ["Good", "Bad"]
    assert [a["name"] for a in second["attributes"]] == ["Good"]


def test_skipped_rows_are_exactly_those_unsent():
    df = gp.sample_customers(300, dirty=True)
    plan = gp.plan(df, "customer_id")
    skipped = plan.violations.query("effect == 'row skipped'")["row"].nunique()
    assert plan.counts["invalid"] == skipped
    assert len(plan.preview(1000)) == len(df) - skipped


def test_validate_does_not_change_the_frame():
    df = gp.sample_customers(200, dirty=True)
    before = df.copy(deep=True)
    gp.validate(df, "customer_id")
    pd.testing.assert_frame_equal(df, before)


def test_placeholders_among_contacts_name_na_values():
    df = pd.DataFrame({"id": ["a", "b", "c"], "mobile": ["9876543210", "NULL", "call me"]})
    fixes = gp.validate(df, "id").set_index("row")["fix"]
    assert fixes[1] == "na_values={'mobile': ['NULL']}"
    assert "at the source" in fixes[2]


def test_numbers_for_an_attribute_of_text_may_get_a_new_name(sandbox):
    gp.push(pd.DataFrame({"id": ["a"], "A": ["x"]}), "id", client=sandbox.client, progress=False)
    found = gp.validate(pd.DataFrame({"id": ["a"], "A": [1.5]}), "id", client=sandbox.client)
    [fix] = found.query("rule == 'type_conflict'")["fix"]
    assert "types={'A': 'string'}" in fix
    assert "rename={'A': 'A (number)'}" in fix
