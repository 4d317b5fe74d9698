"""A plan is a snapshot of what will be sent; a dry run and a push of it agree."""

import html
import json
import pickle
import re

import numpy as np
import pandas as pd
import pytest
from support.shown import plain

import growlytics_pandas
from growlytics_pandas.errors import ConstraintViolationError
from growlytics_pandas.upload.schema_frame import SCHEMA_DTYPES

DIRTY = pd.DataFrame(
    {
        "id": ["a", "b", None, "d", "d"],
        "City": ["Pune", None, "Goa", "Delhi", "Agra"],
        "Score": [1.5, float("inf"), 2.0, 3.0, 4.0],
    },
    index=[9, 9, 9, 9, 9],
)
CLEAN = pd.DataFrame({"id": ["a", "b"], "City": ["Pune", None], "Orders": [1, 2**60]})


def test_plan_keeps_the_frame_as_it_was():
    frame = CLEAN.copy()
    plan = growlytics_pandas.plan(frame, "id")
    frame.loc[0, "City"] = "Nowhere"
    frame["Orders"] = 0
    frame.loc[2] = ["c", "Goa", 3]
    assert [body["attributes"][0]["value"] for body in plan.preview()] == ["Pune", 2**60]
    assert len(plan.frame) == 2


def test_a_plan_leaves_the_frame_as_it_was():
    frame = DIRTY.copy()
    plan = growlytics_pandas.plan(frame, "id")
    _ = plan.violations, plan.schema, plan.preview(), repr(plan)
    pd.testing.assert_frame_equal(frame, DIRTY)


def test_counts_match_dry_run_and_push(sandbox):
    plan = growlytics_pandas.plan(DIRTY, "id", client=sandbox.client)
    assert plan.counts == {"accepted": 0, "unchanged": 0, "invalid": 3, "failed": 0, "unknown": 0, "unsent": 2}
    dry = plan.push(dry_run=True, progress=False)
    assert dry.counts == plan.counts
    assert sandbox.requests == 0
    done = plan.push(errors="drop", progress=False)
    assert (done.counts["accepted"], done.counts["invalid"]) == (2, 3)


def test_errors_refuse_the_whole_push(sandbox):
    plan = growlytics_pandas.plan(DIRTY, "id", client=sandbox.client)
    with pytest.raises(ConstraintViolationError) as caught:
        plan.push(progress=False)
    assert sandbox.requests == 0
    pd.testing.assert_frame_equal(caught.value.violations, plan.violations)
    assert caught.value.plan.push(errors="drop", progress=False).counts["accepted"] == 2


def test_preview_matches_the_bodies_sent(sandbox):
    plan = growlytics_pandas.plan(DIRTY, "id", client=sandbox.client, keep="last")
    preview = plan.preview(10)
    assert [body["id"] for body in preview] == ["a", "b", "d"]
    assert [body["id"] for body in plan.preview(1)] == ["a"]
    assert plan.preview(0) == []
    assert preview == [json.loads(body) for body in plan._part.encode(0, len(DIRTY)).bodies]
    plan.push(errors="drop", progress=False)
    stored = {body["id"]: {each["name"]: each["value"] for each in body["attributes"]} for body in preview}
    assert (
        sandbox.stored()
        == stored
        == {"a": {"City": "Pune", "Score": 1.5}, "b": {}, "d": {"City": "Agra", "Score": 4.0}}
    )


def test_a_preview_rounds_no_integer():
    frame = pd.DataFrame({"id": ["a"], "n": pd.Series([2**200], dtype=object)})
    assert growlytics_pandas.preview(frame, "id")[0]["attributes"][0]["value"] == 2**200


def test_only_the_rows_asked_for_are_encoded():
    plan = growlytics_pandas.plan(DIRTY, "id", keep="first")
    wanted = np.array([False, True, True, True, False])
    encoded = plan._part.encode(1, 5, wanted)
    assert encoded.rows.tolist() == [1, 3]
    assert [json.loads(body)["id"] for body in encoded.bodies] == ["b", "d"]


def test_plan_can_be_pushed_again(sandbox):
    plan = growlytics_pandas.plan(CLEAN, "id", client=sandbox.client)
    assert plan.push(progress=False).ok
    assert plan.push(progress=False).ok
    assert sandbox.requests == 4
    assert sandbox.stored() == {"a": {"City": "Pune", "Orders": 1}, "b": {"Orders": 2**60}}


@pytest.mark.parametrize(
    "frame", [DIRTY, CLEAN, CLEAN[["id"]], CLEAN.iloc[:0]], ids=["dirty", "clean", "bare", "empty"]
)
def test_schema_frame_has_fixed_dtypes(frame):
    schema = growlytics_pandas.schema(frame, "id")
    expected = pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in SCHEMA_DTYPES.items()})
    assert schema.dtypes.to_dict() == expected.dtypes.to_dict()
    assert schema["column"].tolist() == [label for label in frame if label != "id"]


def test_schema_shows_how_columns_are_sent():
    frame = pd.DataFrame({"id": ["a", "b"], "email": ["x@example.com", None], "n": [1, 2], "empty": [None, None]})
    schema = growlytics_pandas.schema(frame, "id", rename={"n": "Orders"}, types={"n": "string"}).set_index("attribute")
    assert schema.index.tolist() == ["email", "Orders", "empty"]
    assert schema["type"].tolist() == ["string", "string", pd.NA]
    assert schema["reserved"].tolist() == [True, False, False]
    assert schema["missing"].tolist() == [1, 0, 2]
    assert schema["dtype"].tolist() == [str(dtype) for dtype in frame.dtypes[1:]]


def test_repr_of_a_plan():
    assert repr(growlytics_pandas.plan(DIRTY, "id")) == "<Plan 2 of 5 rows, 2 attributes; 4 errors, 1 warning>"


# ids -----------------------------------------------------------------------------------------------------------------


def ids(values, dtype=None, **options):
    frame = pd.DataFrame({"id": pd.Series(values, dtype=dtype), "x": range(7, len(values) + 7)})
    plan = growlytics_pandas.plan(frame, "id", **options)
    rules = set(plan.violations["rule"])
    return [body["id"] for body in plan.preview(len(frame))], rules


def test_missing_id_makes_no_float_ids():
    assert ids([919211112, None, 7]) == (["919211112", "7"], {"id_missing", "id_float"})
    assert ids([1e16, None]) == ([], {"id_missing", "id_rounded"})


def test_duplicate_id_of_two_classes():
    assert ids([1, "1", "2"], object) == (["2"], {"id_duplicate"})
    assert ids([1, 1.0, "2"], object) == (["2"], {"id_duplicate", "id_float"})
    assert ids([1, "1", "2"], object, keep="last") == (["1", "2"], {"id_duplicate"})


def test_booleans_dates_and_lists_are_no_ids():
    assert ids([True, pd.Timestamp("2026-01-31"), [1], float("inf"), 10**5000, "a"], object) == (["a"], {"id_missing"})


def test_similar_ids_are_sent_and_reported():
    alike = ["a@x.com", "A@x.com", "a\u200b@x.com", "e\u0301@x.com", "é@x.com"]
    assert ids(alike) == (alike, {"id_case_duplicate", "id_wrapped"})
    assert ids([" a@x.com\u00a0", "b"]) == (["a@x.com", "b"], {"id_whitespace"})


def test_excluded_columns_have_no_type():
    df = pd.DataFrame({"id": ["a"], "x" * 64: ["text"], "City": ["Pune"]})
    schema = growlytics_pandas.schema(df, "id").set_index("attribute")
    assert schema["type"].isna().tolist() == [True, False]
    assert schema["note"].tolist() == ["left out: see violations", ""]
    whole, of_batches = growlytics_pandas.schema(df, "id"), growlytics_pandas.plan_batches([df], "id").schema
    assert whole["distinct"].tolist() == [1, 1]
    assert of_batches["distinct"].isna().all(), "nobody has counted over all parts"
    pd.testing.assert_frame_equal(of_batches.drop(columns="distinct"), whole.drop(columns="distinct"))
    assert "attributes: <bdi>1 of 2 columns" in growlytics_pandas.plan(df, "id")._repr_html_()


def test_forbidding_new_attributes_needs_a_ledger(sandbox):
    df = pd.DataFrame({"id": ["a"], "Ciyt": ["Pune"]})
    for client in (None, growlytics_pandas.Client(sandbox.api_key, sandbox.base_url, ledger=None)):
        with pytest.raises(growlytics_pandas.errors.InvalidArgumentError, match="needs a ledger"):
            growlytics_pandas.push(df, "id", new_attributes="forbid", client=client, dry_run=True, errors="drop")
        with pytest.raises(growlytics_pandas.errors.InvalidArgumentError, match="needs a ledger"):
            growlytics_pandas.plan_batches([df], "id", new_attributes="forbid", client=client)


def test_a_preview_is_of_a_number_of_rows():
    df = pd.DataFrame({"id": ["a", "b"]})
    assert growlytics_pandas.preview(df, "id", n=0) == []
    for plan in (growlytics_pandas.plan(df, "id"), growlytics_pandas.plan_batches([df], "id")):
        for wrong in (-1, 1.5, True):
            with pytest.raises(growlytics_pandas.errors.InvalidArgumentError, match="n: found"):
                plan.preview(wrong)


def test_schema_shows_distinct_and_masked_example():
    df = pd.DataFrame({"id": ["secret-1", "secret-2"], "email": ["asha@example.com"] * 2, "Orders": [3, None]})
    schema = growlytics_pandas.schema(df, "id").set_index("column")
    assert schema["distinct"].to_dict() == {"email": 1, "Orders": 1}
    assert schema.loc["Orders", "example"] == 3
    assert "asha" not in schema.loc["email", "example"]


READ = {
    "decimal": {"Points": ","},
    "types": {"VIP": "boolean", "Code": "string"},
    "date_format": {"Joined": "%d/%m/%Y"},
    "strip": ["Zip"],
    "normalize": {"email": "email"},
}


@pytest.fixture
def read_in_many_ways():
    first = {"Points": "11,837", "VIP": "yes", "Joined": "31/01/2025", "Zip": "'0012", "Spend": 1.0, "Code": 3.0}
    df = pd.DataFrame({"id": ["a"], "email": ["mailto:Asha@x.example"], **{name: [one] for name, one in first.items()}})
    return growlytics_pandas.plan(df, "id", **READ)


def test_schema_shows_the_example_as_it_is_sent(read_in_many_ways):
    schema = read_in_many_ways.schema
    assert schema.set_index("column").loc[["Points", "Zip"], "example"].tolist() == ["11,837", "'0012"]
    page = html.unescape(plain(schema._repr_html_()))
    sent = {each["name"]: each["value"] for each in read_in_many_ways.preview(1)[0]["attributes"]}
    for name, value in sent.items():
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        assert name == "email" or f"{shown}</bdi>" in page
    assert "sha" not in page


def test_an_example_that_is_not_sent_is_shown_so():
    df = pd.DataFrame({"id": ["a"] * 2, "Joined": ["x", "31/01/2025"], "Bad": [1j, 2j], "Empty": [None, None]})
    schema = growlytics_pandas.schema(df, "id", date_format={"Joined": "%d/%m/%Y"})
    assert html.unescape(schema._repr_html_()).count("→ not sent") == 1


def test_a_schema_shows_what_is_sent_where_it_differs(read_in_many_ways):
    page = html.unescape(plain(read_in_many_ways.schema._repr_html_()))
    for shown in ("11,837 → 11.837", "yes → true", "31/01/2025 → 2025-01-31 00:00:00", "'0012 → 0012", "3.0 → 3"):
        assert f"<bdi>{shown}</bdi>" in page
    assert "<bdi>1</bdi>" in page


@pytest.mark.parametrize("name", ["violations", "schema"])
def test_plan_frames_have_their_own_html(name):
    df = pd.DataFrame({"id": ["a", "a", "secret-3"], "<b>Spend</b>": [1.5, np.inf, None]})
    frame = getattr(growlytics_pandas.plan(df, "id"), name)
    shown = frame._repr_html_()
    assert "&lt;b&gt;Spend" in shown
    assert "<b>Spend" not in shown
    assert ("attribute dropped" in shown) == (name == "violations")
    assert frame.query("index >= 0")._repr_html_() == shown
    assert type(frame[["column"]]) is type(frame.isna()) is pd.DataFrame
    again = pickle.loads(pickle.dumps(frame))
    assert again.equals(frame)
    assert again._repr_html_() == shown
    assert isinstance(frame, pd.DataFrame)
    assert frame.to_csv() == pd.DataFrame(frame).to_csv()


def test_chosen_violations_are_shown_masked():
    df = pd.DataFrame({"id": ["a", "b", "c"], "email": ["asha@x", "ravi@y", None], "Spend": [np.inf, np.inf, 1]})
    violations = growlytics_pandas.validate(df, "id")
    emails = violations[violations.rule == "email_invalid"]
    assert "r•••@y•••" in emails.tail(1)._repr_html_()
    for some in (emails, emails.tail(1), pickle.loads(pickle.dumps(emails)), violations.sort_values("row").iloc[1:]):
        shown = re.sub(r"<[^>]*>", "", some._repr_html_())
        assert f"{len(some)} violation" in shown
        assert "asha" not in shown
        assert "row 1, column" in html.unescape(some.tail(1)._repr_html_())
    assert "No violations" in emails.iloc[:0]._repr_html_()
    assert "asha" in emails.assign(rule="mine")._repr_html_(), "as any other frame"


def test_reasons_and_meanings_are_not_truncated():
    plan = growlytics_pandas.plan(pd.DataFrame({"id": ["a", "b"], "E-mail": ["a@x.com", "b@x.com"]}), "id")
    for frame, column in ((plan.suggestions, "reason"), (growlytics_pandas.rules(), "meaning")):
        assert frame[column].str.len().max() > pd.get_option("display.max_colwidth")
        assert all(text in html.unescape(plain(frame._repr_html_())) for text in frame[column])
    assert "No suggestions" in growlytics_pandas.plan(pd.DataFrame({"id": ["a"]}), "id").suggestions._repr_html_()


def test_steps_show_notes_and_new_types():
    """Only types that a push would fix are counted."""
    df = pd.DataFrame({"id": ["a", "b"], "Pincode": [411001, 411002], "City": "Pune", "email": "asha@example.com"})
    shown = growlytics_pandas.plan(df, "id")._repr_html_()
    assert "2 types are not known yet" in shown
    assert "if the numbers are codes" in shown
    assert "if the numbers are codes" not in growlytics_pandas.plan(df, "id", exclude=["Pincode"])._repr_html_()


def test_numbers_labelled_as_codes_are_a_warning():
    df = pd.DataFrame({"id": ["a"], "Pincode": [96828], "Total Orders": [3], "Zip Code": ["02134"]})
    plan = growlytics_pandas.plan(df, "id")
    notes = plan.schema.set_index("column")["note"]
    assert "dtype={'Pincode': str}" in notes["Pincode"]
    assert notes["Total Orders"] == notes["Zip Code"] == ""
    assert plan.violations[["rule", "column"]].values.tolist() == [["type_doubtful", "Pincode"]]
    assert "types" not in plan.suggest(), "a person must decide"
    assert growlytics_pandas.validate(df, "id", types={"Pincode": "number"}).empty


@pytest.mark.parametrize("label", ["PLZ", "Account No", "Postal Code"])
def test_codes_that_became_floats_are_a_warning(label):
    df = pd.DataFrame({"id": ["a", "b"], "City": "Pune", label: [400001.0, None]})
    (violation,) = growlytics_pandas.validate(df, "id").itertuples()
    assert (violation.rule, violation.limit, violation.count) == ("type_doubtful", "string", 1)
