"""The result: one outcome per row, counts that sum, and a retry that sends only what did not arrive."""

import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas import Sandbox
from growlytics_pandas._status import Status
from growlytics_pandas.errors import AuthenticationError, UsageError
from growlytics_pandas.sandbox import Faults

COLUMNS = {
    "row": "int64",
    "index": "object",
    "id": "string",
    "status": "str",
    "http_status": "Int64",
    "attempts": "int64",
    "error": "string",
}


def customers(rows, **more):
    return pd.DataFrame({"id": [f"c{i}" for i in range(rows)], "Score": range(rows), **more})


def push(df, box, **options):
    return gp.push(df, "id", client=box.client, progress=False, **options)


def same_form(frame):
    expected = {name: pd.Series(dtype=dtype).dtype for name, dtype in COLUMNS.items()}
    return frame.dtypes.to_dict() == expected


@pytest.mark.parametrize("rows", [0, 1, 50])
def test_outcomes_have_fixed_dtypes(sandbox, rows):
    result = push(customers(rows), sandbox)
    assert same_form(result.outcomes)
    assert same_form(result.failed)
    assert result.outcomes["row"].tolist() == list(range(rows))
    assert sum(result.counts.values()) == rows
    assert set(result.counts) == set(map(str, Status))
    assert result.ok


def test_outcomes_have_labels_ids_and_messages(faulty):
    df = customers(60)
    df.index = pd.MultiIndex.from_arrays([["x"] * 60, range(60)])
    df.loc[("x", 7), "id"] = None
    result = push(df, faulty(seed=1, success_false=0.2), errors="drop")
    outcomes = result.outcomes
    assert outcomes["index"].tolist() == df.index.tolist()
    assert outcomes["id"].isna().tolist() == df["id"].isna().tolist()
    accepted = outcomes[outcomes["status"] == "accepted"]
    assert (accepted["http_status"] == 200).all()
    assert (accepted["attempts"] == 1).all()
    assert accepted["error"].isna().all()
    failed = outcomes[outcomes["status"] == "failed"]
    assert len(failed) > 0
    assert failed["error"].notna().all()
    assert outcomes.loc[7, ["status", "attempts"]].tolist() == ["invalid", 0]
    assert outcomes["http_status"].isna().tolist() == [row == 7 for row in range(60)]


def test_failed_rows_make_ok_false(faulty):
    df = customers(60)
    df.loc[3, "id"] = None
    result = push(df, faulty(seed=1, success_false=0.2), errors="drop")
    assert set(result.failed["status"]) == {"invalid", "failed"}
    assert len(result.failed) == 60 - result.counts["accepted"]
    assert not result.ok


def test_dropped_attribute_makes_ok_false(sandbox):
    result = push(customers(3, Bad=[1.0, float("inf"), 2.0]), sandbox, errors="drop")
    assert result.counts["accepted"] == 3
    assert not result.ok


def test_dry_run_has_no_failed_rows(sandbox):
    df = customers(3)
    df.loc[1, "id"] = None
    result = push(df, sandbox, dry_run=True)
    assert (result.counts["unsent"], result.counts["invalid"]) == (2, 1)
    assert result.failed["row"].tolist() == [1]
    assert sandbox.requests == 0


def test_stopped_run_has_every_row(sandbox):
    client = gp.Client("wrong", sandbox.base_url, ledger=None)
    with pytest.raises(AuthenticationError) as caught:
        gp.push(customers(200), "id", client=client, progress=False)
    result = caught.value.result
    assert sum(result.counts.values()) == 200
    assert result.counts["accepted"] == 0
    assert result.counts["unsent"] > 0
    assert result is gp.last_result()


def test_retry_sends_only_the_rest(tmp_path):
    df, db = customers(100), tmp_path / "sandbox.db"
    with Sandbox(db=db, faults=Faults(seed=1, success_false=0.3)) as box:
        port = int(box.base_url.rpartition(":")[2])
        client = gp.Client(box.api_key, box.base_url, ledger=None)
        first = gp.push(df, "id", client=client, progress=False)
    refused = first.counts["failed"]
    assert 0 < refused < 100
    before = first.outcomes.copy(deep=True)
    with Sandbox(db=db, port=port) as box:
        second = first.retry()
        assert box.requests == refused
        assert len(box.stored()) == 100
    assert second is not first
    assert second.ok
    assert second.counts["accepted"] == 100
    assert second.outcomes["error"].isna().all()
    pd.testing.assert_frame_equal(first.outcomes, before)
    assert first.counts["failed"] == refused


def test_retry_with_nothing_left(sandbox):
    result = push(customers(3), sandbox)
    again = result.retry()
    assert sandbox.requests == 3
    assert again.counts == result.counts


def test_result_keeps_the_frame_as_pushed(sandbox):
    df = customers(3)
    result = push(df, sandbox)
    df["id"] = "other"
    assert result.outcomes["id"].tolist() == ["c0", "c1", "c2"]


def test_repr_has_no_customer_data(faulty):
    result = push(customers(1200).assign(id=lambda d: "asha-" + d["id"]), faulty(seed=1, success_false=0.01))
    shown = repr(result)
    assert f"{result.counts['accepted']:,} accepted" in shown
    assert "asha" not in shown


def test_html_escapes_hostile_text(sandbox):
    hostile = "<script>alert(1)</script>"
    df = pd.DataFrame({"id": [hostile, hostile], hostile: [1, 2], " <b>x": [hostile, hostile]})
    html = push(df, sandbox, errors="drop")._repr_html_()
    assert "<script>" not in html
    assert "<b>x" not in html


def test_html_escapes_server_messages(faulty):
    html = push(customers(5), faulty(html=1.0))._repr_html_()
    assert "<html" not in html.lower()
    assert "retry()" in html


def test_html_holds_no_customer_data(faulty):
    df = pd.DataFrame({"email": ["asha@example.com", "not an address"], "City": ["Pune", "Delhi"]})
    html = gp.push(df, "email", client=faulty(success_false=1.0).client, progress=False)._repr_html_()
    for value in ("asha@example.com", "not an address", "Pune"):
        assert value not in html


def test_dry_run_shows_whether_push_refuses(sandbox):
    df = customers(3)
    df.loc[0, "id"] = None
    shown = {}
    for errors in ("raise", "drop"):
        result = push(df, sandbox, dry_run=True, errors=errors)
        shown[errors] = (result.run.would_refuse, "which a push would reject" in repr(result), result._repr_html_())
    assert shown["raise"][:2] == (True, True)
    assert "1 error: a push would raise, and send nothing. With errors=&#39;drop&#39;, 2 of 3 rows" in shown["raise"][2]
    assert shown["drop"][:2] == (False, False)
    assert "2 of 3 rows would be sent; nothing was sent." in shown["drop"][2]
    assert "</b> could be sent" in shown["raise"][2]
    assert "</b> would be sent" in shown["drop"][2]
    assert not push(customers(3), sandbox, dry_run=True).run.would_refuse
    assert not push(df, sandbox, errors="drop").run.would_refuse


def test_a_dry_run_is_not_retried(sandbox):
    for result in (
        push(customers(2), sandbox, dry_run=True),
        gp.push_batches([customers(2)], "id", client=sandbox.client, dry_run=True, progress=False),
    ):
        with pytest.raises(UsageError, match=r"result\.plan\.push\(\) sends it"):
            result.retry()
    assert sandbox.requests == 0


def test_rows_left_out_by_keep_are_ok(sandbox):
    result = push(pd.DataFrame({"id": ["a", "a", "b"], "Score": [1, 2, 3]}), sandbox, keep="last")
    assert (result.counts["accepted"], result.counts["invalid"], result.ok) == (2, 1, True)
    assert not push(pd.DataFrame({"id": ["a", "a", "b"]}), sandbox, errors="drop").ok


def stopped_between_tries(box, rows=200):
    """Push to a service that is overloaded for nearly all rows, and stop after a second."""

    def listen(event):
        if event.elapsed_seconds > 1:
            event.stop()
        events.append(event)

    events = []
    with pytest.raises(gp.PushInterrupted) as caught:
        gp.push(customers(rows), "id", client=box.client, progress=listen)
    return caught.value.result, events[-1]


def test_rows_stopped_between_attempts_are_unsent(faulty):
    result, end = stopped_between_tries(faulty(seed=1, status={503: 0.9, 422: 0.05}, latency=0.02))
    tried = result.outcomes.query("attempts > 0 and http_status == 503")
    assert len(tried) > 0
    assert set(tried["status"]) <= {"unsent", "unknown"}
    assert all(failure.status == "failed" and "422" in failure.words for failure in end.failures)


def test_retry_reports_its_own_rows(faulty):
    first = push(customers(60), faulty(seed=1, success_false=0.2))
    n_failed = first.counts["failed"]
    again = first.retry()
    arrived = n_failed - again.counts["failed"]
    assert (first.note, first.run.retried, again.run.retried) == ("", 0, n_failed)
    assert again.note == f"{n_failed} rows retried, {arrived} arrived"
    assert again.note in repr(again)
    assert again.note in again._repr_html_()


def test_retry_leaves_rejected_rows(faulty):
    box = faulty(seed=1, status={422: 0.2}, success_false=0.2)
    first = push(customers(100), box)
    rejected = first.outcomes.query("http_status == 422")
    n_others = first.counts["failed"] - len(rejected)
    assert len(rejected) > 0 < n_others
    before = box.requests
    again = first.retry()
    assert again.run.retried == n_others <= box.requests - before
    kept = again.outcomes.loc[rejected.index]
    pd.testing.assert_frame_equal(kept, rejected)
    assert again.note == f"{n_others} rows retried, {again.counts['accepted'] - first.counts['accepted']} arrived"


def test_plan_push_and_sandbox_count_same_types(sandbox):
    df = customers(3, email=["a@example.com", "b@example.com", "c@example.com"])
    plan = gp.plan(df, "id", client=sandbox.client)
    assert "1 type is not known yet" in plan._repr_html_()
    assert len(plan.push(progress=False).new_types) == 1
    assert "1 attribute type<" in sandbox._repr_html_()
