"""Digits that may be times, and texts that look like lists: reported before they fix a type for good."""

import pandas as pd
import pytest

import growlytics_pandas as gp

TIMES = [1706521244882 + 7_919_333 * i for i in range(20)]


def plan_of(values, label):
    return gp.plan(pd.DataFrame({"id": [f"c{i}" for i in range(len(values))], label: values}), "id")


@pytest.mark.parametrize("read", [int, str])
@pytest.mark.parametrize("label", ["Last seen", "Last seen ms", "lastActive", "created_at"])
def test_labels_of_times_settle_milliseconds(read, label):
    assert plan_of(list(map(read, TIMES)), label).suggest() == {"date_format": {label: "epoch_ms"}}


@pytest.mark.parametrize("read", [int, str])
def test_milliseconds_under_another_label_are_left_open(read):
    plan = plan_of(list(map(read, TIMES)), "Thing")
    [found] = plan.violations.to_dict("records")
    assert (plan.suggest(), found["rule"], found["limit"]) == ({}, "type_doubtful", "date")
    assert "date_format={'Thing': 'epoch_ms'}" in found["message"]


@pytest.mark.parametrize("read", [int, str])
@pytest.mark.parametrize(
    ("values", "label"),
    [
        (TIMES, "Order id"),
        ([1706521244882 + i for i in range(20)], "Thing"),
        ([9_876_500_000 + 997 * i for i in range(20)], "Thing"),
        ([1_706_521_244 + 99_999 * i for i in range(20)], "Thing"),
        ([1234567890128, 1734567890123, 1034567890124], "Thing"),
    ],
    ids=["ids", "numbered", "mobiles", "seconds", "barcodes"],
)
def test_other_digits_stay_alone(read, values, label):
    assert plan_of(list(map(read, values)), label).violations.empty


def test_texts_that_look_like_lists_are_reported():
    plan = plan_of(["['a', 'b']", "[]", '{"a": 1}', "[1, 2]"], "Tags")
    [found] = plan.violations.to_dict("records")
    assert (plan.suggest(), found["rule"], found["fix"]) == ({}, "type_doubtful", "exclude=['Tags']")


def test_texts_in_brackets_stay_alone():
    assert plan_of(["[VIP]", "(a, b)", "{name}"], "Tags").violations.empty
