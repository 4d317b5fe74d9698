"""`plan.changes`: what a push would change, according to the ledger."""

import pandas as pd
import pytest

import growlytics_pandas as gp

DF = pd.DataFrame({"id": ["a", "b", "c", None], "City": ["Pune", "Delhi", "Agra", "Goa"]})


def test_counts_sum_to_the_rows(client):
    assert DF.growlytics.plan("id", client=client).changes == {"new": 3, "changed": 0, "unchanged": 0, "left_out": 1}
    DF[:2].growlytics.push("id", client=client, progress=False)
    edited = DF.assign(City=["Pune", "Mumbai", "Agra", "Goa"])
    plan = edited.growlytics.plan("id", client=client)
    assert plan.changes == {"new": 1, "changed": 1, "unchanged": 1, "left_out": 1}
    result = plan.push(errors="drop", skip_unchanged=True, progress=False)
    assert (result.counts["unchanged"], result.counts["accepted"]) == (1, 2)
    assert plan.changes == {"new": 0, "changed": 0, "unchanged": 3, "left_out": 1}


def test_lost_response_counts_as_changed(client, faulty, path):
    """The customer may have been stored, so it is not new."""
    DF[:1].growlytics.push("id", client=client, progress=False)
    client.forget(["a"])
    assert DF[:1].growlytics.plan("id", client=client).changes["changed"] == 1


def test_refused_customers_are_told_apart_from_changed_ones(faulty):
    box = faulty(status={422: 0.5}, seed=1)
    df = pd.DataFrame({"id": [f"c{i}" for i in range(20)], "City": "Pune"})
    n_failed = gp.push(df, "id", client=box.client, progress=False).counts["failed"]
    plan = gp.plan(df, "id", client=box.client)
    assert 0 < n_failed == plan.changes["changed"] == plan.changes.not_accepted
    assert f"{n_failed} of the changed are not known to have arrived before" in repr(plan)


def test_no_changes_without_a_ledger(sandbox):
    forgetful = gp.Client(sandbox.api_key, sandbox.base_url, ledger=None)
    assert DF.growlytics.plan("id", client=forgetful).changes is None
    assert DF.growlytics.plan("id").changes is None
    assert "new" not in repr(DF.growlytics.plan("id"))


def test_nothing_is_sent_or_recorded(client, sandbox):
    before = client.history()
    assert DF.growlytics.plan("id", client=client).changes
    assert sandbox.requests == 0
    assert client.types().empty
    pd.testing.assert_frame_equal(client.history(), before)


def test_parts_compare_like_one_frame(client):
    DF[:1].growlytics.push("id", client=client, progress=False)
    whole = DF.growlytics.plan("id", client=client).changes
    assert gp.plan_batches([DF[:2], DF[2:]], "id", client=client).changes == whole


def test_repr_and_report_show_them(client, tmp_path):
    plan = DF.growlytics.plan("id", client=client)
    assert "3 new, 0 changed, 0 unchanged, 1 left out" in repr(plan)
    assert "3 new, 0 changed, 0 unchanged, 1 left out" in plan.to_html(tmp_path / "plan.html").read_text()
    assert "3 new" in plan._repr_html_()


def test_segment_compares_joiners_and_leavers(client, tmp_path):
    how = {"members": tmp_path / "vip.csv", "client": client, "progress": False}
    gp.push_segment(DF[["id"]].dropna(), "id", "Is VIP", **how)
    dry = gp.push_segment(pd.DataFrame({"id": ["b", "c", "d"]}), "id", "Is VIP", dry_run=True, **how)
    assert dry.plan.changes == {"new": 1, "changed": 1, "unchanged": 2, "left_out": 0}


def test_repr_is_fast_and_never_fails(client):
    large = pd.DataFrame({"id": [f"c{i}" for i in range(10_001)], "X": 1})
    assert " new" not in repr(large.growlytics.plan("id", client=client))
    plan = DF.growlytics.plan("id", client=client)
    client.ledger.close()
    assert repr(plan).startswith("<Plan 3 of 4 rows")


# ids in another spelling ---------------------------------------------------------------------------------------------

NUMBERS = pd.DataFrame({"id": [f"111.444.{i:03d}" for i in range(50)], "City": "Pune"})
CAPITALS = pd.DataFrame({"id": [f"IN-{i:03d}" for i in range(50)], "City": "Pune"})


@pytest.mark.parametrize(
    ("first", "second", "options"),
    [
        (CAPITALS, CAPITALS, {"normalize": {"id": "lower"}}),
        (CAPITALS.assign(id=CAPITALS["id"].str.lower()), CAPITALS, {}),
        (CAPITALS, CAPITALS.assign(id=CAPITALS["id"].str.lower()), {}),
        (CAPITALS.assign(id="'" + CAPITALS["id"]), CAPITALS.assign(id="'" + CAPITALS["id"]), {"strip": ["id"]}),
        (NUMBERS.assign(id=NUMBERS["id"].str.replace(".", "", regex=False)), NUMBERS, {}),
    ],
    ids=["normalized since", "lower before", "capitals before", "stripped since", "separators since"],
)
@pytest.mark.parametrize("kind", ["whole", "parts", "read once", "segment"])
def test_ids_known_in_another_spelling_are_reported(sandbox, tmp_path, first, second, options, kind):
    gp.push(first, "id", client=sandbox.client, progress=False)
    options = {**options, "client": sandbox.client}
    if kind == "whole":
        found = gp.plan(second, "id", **options)
    elif kind == "parts":
        found = gp.plan_batches([second[:20], second[20:]], "id", **options)
    elif kind == "read once":
        found = gp.push_batches(iter([second[:20], second[20:]]), "id", dry_run=True, **options)
    else:
        found = gp.push_segment(second, "id", "Is VIP", members=tmp_path / "vip.csv", dry_run=True, **options)
    found = found.violations.query("rule == 'id_case_duplicate'")
    assert found["count"].sum() == 50
    assert set(found["severity"]) == {"warning"}


def test_new_and_known_ids_are_not_of_another_spelling(sandbox):
    gp.push(CAPITALS, "id", client=sandbox.client, progress=False)
    more = pd.DataFrame({"id": ["IN-001", "IN-999", "in-998", "Asha@Example.com"], "City": "Goa"})
    assert "id_case_duplicate" not in set(gp.validate(more, "id", client=sandbox.client)["rule"])
