"""The id may be a level of the index: the result of a group by is pushed unchanged."""

import numpy as np
import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas.errors import InvalidArgumentError

ORDERS = pd.DataFrame(
    {
        "email": ["a@example.com", "b@example.com", "a@example.com"],
        "city": ["Pune", "Delhi", "Pune"],
        "amount": [1, 2, 3],
    }
)
BIG = 9007199254740993


def test_grouped_frame_is_pushed_unchanged(sandbox):
    totals = ORDERS.groupby("email").agg(Total=("amount", "sum"))
    assert totals.growlytics.push("email", client=sandbox.client, progress=False).ok
    assert sandbox.stored() == {
        "a@example.com": {"email": "a@example.com", "Total": 4},
        "b@example.com": {"email": "b@example.com", "Total": 2},
    }
    assert totals.columns.tolist() == ["Total"]  # the frame is as it was


FRAMES = {
    "one level": ORDERS.drop_duplicates("email").set_index("email"),
    "a level of several": ORDERS.drop_duplicates("email").set_index(["city", "email"]),
    "labels of several levels": ORDERS.groupby("email").agg({"amount": ["sum", "max"]}),
    "no columns": ORDERS.drop_duplicates("email").set_index("email")[[]],
}


@pytest.mark.parametrize("case", FRAMES)
def test_level_gives_the_bodies_of_a_column(case):
    frame = FRAMES[case]
    flat = frame.set_axis(pd.Index(list(frame.columns), tupleize_cols=False, dtype=object), axis=1)
    flat = flat.assign(email=frame.index.get_level_values("email")).reset_index(drop=True)
    flat = flat[["email", *flat.columns[:-1]]]
    assert gp.preview(frame, "email") == gp.preview(flat, "email")
    assert gp.plan_batches([frame], "email").preview() == gp.preview(flat, "email")
    assert gp.schema(frame, "email")["attribute"].tolist() == gp.schema(flat, "email")["attribute"].tolist()


def test_violations_name_row_label_and_level(sandbox):
    frame = pd.DataFrame({"n": [1, 2, 3]}, index=pd.Index(["a", None, "a"], name="id"))
    found = gp.validate(frame, "id")
    errors = found[found["severity"] == "error"]
    assert errors[["row", "column", "rule"]].values.tolist() == [
        [0, "id", "id_duplicate"],
        [1, "id", "id_missing"],
        [2, "id", "id_duplicate"],
    ]
    assert errors["index"].tolist()[::2] == ["a", "a"]
    result = gp.push(frame, "id", errors="drop", keep="first", client=sandbox.client, progress=False)
    assert result.outcomes["id"].tolist()[0] == "a"
    assert result.outcomes["index"].tolist()[0] == "a"
    assert sandbox.stored() == {"a": {"n": 1}}
    parts = gp.plan_batches([frame.iloc[:2], frame.iloc[2:]], "id").violations
    assert sorted(parts["rule"]) == sorted(found["rule"])


def test_integer_index_with_a_gap_stays_whole():
    index = pd.MultiIndex.from_arrays([pd.array([BIG, None], dtype="Int64"), ["x", "y"]], names=["id", "k"])
    assert [body["id"] for body in gp.preview(pd.DataFrame({"n": [1, 2]}, index=index), "id")] == [str(BIG)]
    coded = pd.MultiIndex(levels=[np.array([BIG]), ["x"]], codes=[[0, -1], [0, 0]], names=["id", "k"])
    assert [body["id"] for body in gp.preview(pd.DataFrame({"n": [1, 2]}, index=coded), "id")] == [str(BIG)]


def test_column_comes_before_a_level():
    frame = pd.DataFrame({"id": ["column"], "n": [1]}, index=pd.Index(["level"], name="id"))
    assert gp.preview(frame, "id")[0]["id"] == "column"


def test_ambiguous_or_nameless_level_is_no_id():
    twice = pd.DataFrame({"n": [1]}, index=pd.MultiIndex.from_arrays([["a"], ["b"]], names=["id", "id"]))
    with pytest.raises(InvalidArgumentError, match="2 levels of the index"):
        gp.plan(twice, "id")
    with pytest.raises(InvalidArgumentError, match="there is no column None"):
        gp.plan(pd.DataFrame({"n": [1]}), None)


def test_form_opens_with_the_id_of_the_index():
    pytest.importorskip("ipywidgets")
    frame = FRAMES["one level"]
    assert frame.growlytics.form("email").line.endswith("push('email')")
    assert frame.growlytics.form("email").plan().preview() == gp.preview(frame, "email")


def test_masked_report_hides_ids_in_the_index(sandbox, tmp_path):
    index = pd.Index([919876543210, 919876543211, 919876543211], name="customer")
    frame = pd.DataFrame({"n": [1, 2, 3]}, index=index)
    result = gp.push(frame, "customer", errors="drop", client=sandbox.client, progress=False)
    result.to_html(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "919876543211" not in page
    assert "919,876,543,211" not in page


def test_a_wrong_id_names_the_index():
    frame = pd.DataFrame({"City": ["Pune"]}, index=pd.Index(["a"], name="customer_id"))
    with pytest.raises(ValueError, match=r"The index has 'customer_id'\. Did you mean 'customer_id'\?"):
        gp.plan(frame, "customerid")
