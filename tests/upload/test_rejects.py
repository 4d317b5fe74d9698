"""`rejects()` returns the user's rows that did not fully arrive; corrected and pushed again, all arrive."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas.errors import ConstraintViolationError, UsageError

FRONT = ["status", "rule", "reason", "fix"]
HOW = {"errors": "drop", "progress": False}


@pytest.fixture
def dirty():
    """Two rows without a usable id, one with a value that cannot be sent, one with two, two that are fine."""
    return pd.DataFrame(
        {
            "id": ["a", None, "c", "d", "e", "a2"],
            "Score": [1.0, 2.0, np.inf, np.inf, 5.0, 6.0],
            "Since": ["2025-01-01", "2025-01-02", "2025-01-03", "soon", "2025-01-05", "2025-01-06"],
        },
        index=["p", "q", "r", "s", "t", "u"],
    )


def types(**more):
    return {"types": {"Since": "date"}, **HOW, **more}


def test_rejects_start_with_status_and_rule(dirty, sandbox):
    result = dirty.growlytics.push("id", client=sandbox.client, **types())
    rejects = result.rejects()
    assert list(rejects.columns) == [*FRONT, "id", "Score", "Since"]
    assert list(rejects.index) == ["q", "r", "s"]
    assert rejects["status"].tolist() == ["invalid", "accepted", "accepted"]
    assert rejects["rule"].tolist() == ["id_missing", "value_not_finite", "value_not_finite; value_wrong_type"]
    assert rejects["reason"].str.contains("column '").all()
    assert rejects["fix"].notna().all()
    pd.testing.assert_frame_equal(rejects[["id", "Score", "Since"]], dirty.loc[["q", "r", "s"]])


def test_corrected_rejects_can_be_pushed(dirty, sandbox):
    result = dirty.growlytics.push("id", client=sandbox.client, **types())
    rejects = result.rejects()
    rejects.loc["q", "id"] = "b"
    rejects.loc[["r", "s"], "Score"] = [3.0, 4.0]
    rejects.loc["s", "Since"] = "2025-01-04"
    again = rejects.growlytics.push("id", client=sandbox.client, **types(errors="raise"))
    assert again.ok
    assert again.rejects().empty
    assert sandbox.stored() == {
        id_: {"Score": score, "Since": f"2025-01-0{day} 00:00:00"}
        for id_, score, day in [("a", 1, 1), ("b", 2, 2), ("c", 3, 3), ("d", 4, 4), ("e", 5, 5), ("a2", 6, 6)]
    }
    assert set(sandbox.attribute_types()["attribute"]) == {"Score", "Since"}  # the columns in front are not sent


def test_rejects_have_the_servers_message(faulty):
    box = faulty(seed=1, success_false=0.5)
    df = pd.DataFrame({"id": [f"c{i}" for i in range(20)], "X": 1})
    result = df.growlytics.push("id", client=box.client, progress=False)
    rejects = result.rejects()
    assert rejects.index.tolist() == result.failed["row"].tolist()
    assert 0 < len(rejects) < 20
    assert set(rejects["status"]) == {"failed"}
    assert rejects["rule"].isna().all()
    assert rejects["reason"].tolist() == result.failed["error"].tolist()
    assert rejects["fix"].str.contains("ush the row again").all()


def test_unsent_rows_are_rejects(dirty, faulty):
    with pytest.raises(gp.AuthenticationError) as stopped:
        dirty.growlytics.push("id", client=faulty(status={401: 1.0}).client, max_concurrency=1, **types())
    result = stopped.value.result
    rejects = result.rejects()
    assert len(rejects) == 6
    assert rejects["status"].tolist() == result.outcomes["status"].tolist()
    assert rejects["reason"].notna().all()
    last = rejects["fix"].str.split("; ").str[-1]
    assert last[rejects["status"] == "failed"].str.match("Correct the API key, and push the row again").all()
    assert last[rejects["status"] == "unsent"].eq("Push the row again.").all()


@pytest.mark.parametrize("status", [302, 404, 405, 407])
def test_a_wrong_url_is_corrected_before_rows_are_pushed_again(faulty, status):
    df = pd.DataFrame({"id": ["a", "b"], "X": [1, 2]})
    with pytest.raises(gp.EndpointError) as stopped:
        df.growlytics.push("id", client=faulty(status={status: 1.0}).client, max_concurrency=1, **HOW)
    result = stopped.value.result
    assert result.rejects()["fix"].tolist() == [
        "Correct the URL, or remove what intercepts requests to it, and push the row again.",
        "Push the row again.",
    ]
    page = result._repr_html_()
    assert "with a client that has the right URL" in page
    assert ".retry(" not in page, "it would use the same URL"


def test_rows_left_out_by_keep_are_no_rejects(sandbox):
    df = pd.DataFrame({"id": ["a", "a", None], "X": [1, 2, 3]})
    result = df.growlytics.push("id", keep="last", client=sandbox.client, **HOW)
    assert result.rejects()["X"].tolist() == [3]


def test_keep_false_rejects_all_duplicates(sandbox):
    df = pd.DataFrame({"id": ["a", "b", "a"], "X": [1, 2, 3]})
    rejects = df.growlytics.push("id", client=sandbox.client, **HOW).rejects()
    assert rejects["X"].tolist() == [1, 3]
    assert set(rejects["rule"]) == {"id_duplicate"}


def test_column_error_rejects_rows_with_a_value(sandbox):
    df = pd.DataFrame({"id": ["a", "b", "c"], "Tags": [["x"], None, ["y"]], "X": 1})
    rejects = df.growlytics.push("id", client=sandbox.client, **HOW).rejects()
    assert rejects["id"].tolist() == ["a", "c"]
    assert set(rejects["rule"]) == {"type_unsupported"}
    assert set(rejects["status"]) == {"accepted"}


def test_rejects_beyond_100_attributes(sandbox):
    wide = pd.DataFrame({"id": ["a", "b"], **{f"A{i}": pd.array([1, 1], dtype="Int64") for i in range(101)}})
    wide.loc[1, "A50"] = pd.NA
    rejects = wide.growlytics.push("id", client=sandbox.client, **HOW).rejects()
    assert rejects["id"].tolist() == ["a"]
    assert rejects["rule"].tolist() == ["too_many_attributes"]


def test_chosen_rows_are_shown_like_all_and_in_full():
    df = pd.DataFrame({"id": [None] * 80, "Number": range(80)})
    rejects = df.growlytics.plan("id").rejects()
    for some, n_shown in ((rejects, 10), (rejects.head(20), 20), (rejects[rejects["Number"] < 75], 50)):
        page = some._repr_html_()
        assert "Rows to correct" in page
        assert page.count("Number</bdi>") == n_shown
        assert (f"+{len(some) - n_shown} more rows" in page) == (len(some) > n_shown)


def test_front_columns_are_never_attributes(dirty):
    rejects = dirty.growlytics.plan("id").rejects()
    columns = {"columns": rejects.columns.drop("id")}
    assert gp.schema(rejects, "id", **columns)["column"].tolist() == ["Score", "Since"]
    assert gp.plan_batches([rejects], "id", **columns).schema["column"].tolist() == ["Score", "Since"]


def test_rejects_of_a_plan_and_a_dry_run(dirty):
    plan = dirty.growlytics.plan("id", types={"Since": "date"})
    rejects = plan.rejects()
    assert rejects["status"].tolist() == ["invalid", "unsent", "unsent"]
    assert rejects["reason"].notna().all()
    dry = dirty.growlytics.push("id", dry_run=True, types={"Since": "date"}, progress=False)
    pd.testing.assert_frame_equal(rejects, dry.rejects())


def test_rejects_of_a_refused_push(dirty, sandbox):
    with pytest.raises(ConstraintViolationError) as refused:
        dirty.growlytics.push("id", client=sandbox.client, types={"Since": "date"})
    assert len(refused.value.plan.rejects()) == 3


def test_users_columns_of_the_same_names(sandbox):
    df = pd.DataFrame({"id": [None, "b"], "status": ["gold", "silver"], "fix": [1, 2]})
    rejects = df.growlytics.push("id", client=sandbox.client, **HOW).rejects()
    assert list(rejects.columns) == [*(f"growlytics_{name}" for name in FRONT), "id", "status", "fix"]
    rejects["id"] = "a"
    assert rejects.growlytics.push("id", client=sandbox.client, progress=False).ok
    assert sandbox.stored()["a"] == {"status": "gold", "fix": 1}


@pytest.mark.parametrize(
    "df",
    [
        pd.DataFrame({"id": ["a"], "X": [1]}),
        pd.DataFrame({"id": [None], "X": [1]}).iloc[:0],
        pd.DataFrame([[None, 1, 2]], columns=["id", "x", "x"]),
        pd.DataFrame({("id", ""): [None], ("a", "b"): [1]}),
        pd.DataFrame({"id": [None]}, index=pd.MultiIndex.from_tuples([("x", 1)])),
        pd.DataFrame({"id": pd.Series([None], dtype="category")}),
    ],
    ids=["nothing wrong", "no rows", "repeated labels", "multiindex", "multiindex rows", "category"],
)
def test_rejects_keep_labels_and_dtypes(df):
    id_col = ("id", "") if isinstance(df.columns, pd.MultiIndex) else "id"
    rejects = df.growlytics.plan(id_col).rejects()
    assert rejects.columns.tolist()[4:] == df.columns.tolist()
    assert rejects.index.nlevels == df.index.nlevels
    assert rejects.dtypes.tolist()[4:] == df.dtypes.tolist()
    assert len(rejects) == df.iloc[:, 0].isna().sum()


# parts --------------------------------------------------------------------------------------------------------------


def test_parts_are_read_again(dirty, sandbox):
    opened = []

    def source():
        opened.append(1)
        return iter([dirty[:3], dirty[3:]])

    result = gp.push_batches(source, "id", client=sandbox.client, **types())
    rejects = result.rejects()
    whole = dirty.growlytics.plan("id", types={"Since": "date"}).rejects()
    theirs = ["status", "reason", "fix"]
    pd.testing.assert_frame_equal(rejects.drop(columns=theirs), whole.drop(columns=theirs))
    assert whole["fix"].str.contains("errors='drop'").all()
    assert not rejects["fix"].str.contains("errors='drop'").any(), "it is used already"
    assert rejects["status"].tolist() == ["invalid", "accepted", "accepted"]
    assert result.plan.rejects()["status"].tolist() == ["invalid", "unsent", "unsent"]


def test_parts_of_different_dtypes():
    parts = [pd.DataFrame({"id": [None, "a"], "N": [2**53 + 1, 1]}), pd.DataFrame({"id": [None], "N": [0.5]})]
    assert gp.plan_batches(parts, "id").rejects()["N"].tolist() == [2**53 + 1, 0.5]


def test_column_error_in_every_part():
    parts = [pd.DataFrame({"id": ["a", "b"], "T": [[1], None]}), pd.DataFrame({"id": ["c"], "T": [[2]]})]
    rejects = gp.plan_batches(parts, "id").rejects()
    assert rejects["id"].tolist() == ["a", "c"]


def test_parts_without_rejects():
    rejects = gp.plan_batches([pd.DataFrame({"id": ["a"], "X": [1]})], "id").rejects()
    assert rejects.empty
    assert list(rejects.columns) == [*FRONT, "id", "X"]


def test_generator_has_no_rejects(sandbox):
    frames = (part for part in [pd.DataFrame({"id": ["a", None], "X": [1, 2]})])
    result = gp.push_batches(frames, "id", types={"X": "number"}, client=sandbox.client, **HOW)
    with pytest.raises(UsageError, match="only once"):
        result.rejects()


# segments -----------------------------------------------------------------------------------------------------------


def test_rejects_of_a_segment(faulty, tmp_path):
    """Rows of the frame, and members who could not be removed."""
    how = {"members": tmp_path / "vip.csv", "progress": False, "allow_empty": True}
    how["members"].write_text("id,since\na,2026-01-31T10:00:00Z\n")
    df = pd.DataFrame({"City": ["Pune", "Delhi"], "id": ["b", None]}, index=[7, 8])
    box = faulty(success_false=1.0)
    result = gp.push_segment(df, "id", "Is VIP", client=box.client, errors="drop", **how)
    rejects = result.rejects()
    assert rejects["status"].tolist() == ["failed", "invalid", "failed"]
    assert rejects["City"].fillna("").tolist() == ["Pune", "Delhi", ""]
    assert rejects["id"].fillna("").tolist() == ["b", "", "a"]
    assert rejects.index.tolist()[:2] == [7, 8]


def test_rejects_are_displayed_as_cards():
    """Reason, fix and the row itself are in view in a narrow notebook; missing values are not."""
    df = pd.DataFrame({"id": ["a", None], "City": ["Pune", "<b>Delhi"], "Score": [None, 7]})
    rejects = df.growlytics.plan("id").rejects()
    shown = rejects._repr_html_()
    for text in ("id_missing", "there is no id", "Correct it at the source"):
        assert text in shown
    values = re.sub(r"<[^>]*>", "", shown)
    assert "City: &lt;b&gt;Delhi" in values
    assert "Score: 7" in values
    assert "NA" not in shown
    assert type(rejects[["City"]]) is pd.DataFrame
    rejects.loc[1, "Score"] = 8
    assert "Score: 8" in re.sub(r"<[^>]*>", "", rejects._repr_html_())
    del rejects["reason"]
    assert "1 rows × 6 columns" in rejects._repr_html_()
    assert pickle.loads(pickle.dumps(rejects)).equals(rejects)


def test_rows_that_did_not_arrive_are_displayed_first(faulty):
    """The service refuses some of the rows; most others arrive, but lose a value."""
    df = pd.DataFrame({"id": [f"c{i}" for i in range(300)], "Score": float("inf"), "X": 1})
    df.loc[250, "id"] = None
    result = df.growlytics.push("id", client=faulty(seed=2, status={422: 0.02}).client, **HOW)
    n_failed = result.counts["failed"]
    assert 0 < n_failed < 8, "so that all of them are displayed"
    rejects = result.rejects()
    assert rejects.index.tolist() == df.index.tolist()
    page = re.sub(r"<[^>]*>", "", rejects._repr_html_())
    counts = f"{n_failed} failed, 1 invalid, {299 - n_failed} accepted without all attributes"
    assert f"Rows to correct: {counts}" in page
    assert "+290 more rows. Shown by status" in page
    ids = result.failed.loc[result.failed["status"] == "failed", "id"]
    found = re.findall(r"id: (c\d+)", page)
    assert found[:n_failed] == ids.tolist()
    assert found[n_failed] == "c0"
    failed = re.sub(r"<[^>]*>", " ", result.failed._repr_html_())
    assert f"Rows that did not arrive: {n_failed} failed, 1 invalid" in failed
    assert failed.rindex(ids.iloc[-1]) < failed.index("invalid", failed.index("HTTP"))


def test_result_report_and_rejects_agree_on_what_would_be_rejected_again(faulty, tmp_path):
    """Only 4xx of rows that certainly did not arrive; not a page in a 200, and not a row with a lost response."""
    box = faulty(seed=2, status={400: 0.2}, reset_after=0.2, success_false=0.1, html=0.1)
    df = pd.DataFrame({"id": [f"c{i}" for i in range(300)], "X": 1})
    result = df.growlytics.push("id", client=box.client, progress=False)
    failed, rejects = result.failed, result.rejects()
    groups = {(status, int(http)) for status, http in zip(failed["status"], failed["http_status"], strict=True)}
    assert groups == {("failed", 400), ("failed", 200), ("unknown", 400), ("unknown", 200)}
    is_refused = (failed["status"].eq("failed") & failed["http_status"].eq(400)).to_numpy()
    assert (rejects["fix"].str.startswith("Correct what the service reports").to_numpy() == is_refused).all()
    page = result.to_html(tmp_path / "report.html").read_text()
    assert f"Correct {is_refused.sum()} rows that the service rejected" in page
    assert failed.loc[failed["status"] == "unknown", "error"].str.contains("an earlier attempt may have arrived").all()
