"""``push(**suggest())`` of a messy frame sends what a careful analyst would have sent by hand."""

import sys
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

import growlytics_pandas as gp

sys.path.insert(0, str(Path(__file__).parent))
from test_suggestions import ALONE, MESSY, NOT_SENT, OPEN, frame_of


def sent(frame, label, options):
    """What the bodies of a push hold for a column."""
    bodies = gp.preview(frame, "id", n=len(frame), **options)
    found = {body["id"]: {each["name"]: each["value"] for each in body["attributes"]} for body in bodies}
    values = [found[one].get(label, NOT_SENT) for one in frame["id"]]
    return [value.removesuffix(" 00:00:00") if isinstance(value, str) else value for value in values]


def as_json(values):
    return [float(value) if isinstance(value, Decimal) else value for value in values]


@pytest.mark.parametrize("case", MESSY)
def test_what_is_suggested_is_sent(case):
    label, values, _, type_, expected = MESSY[case]
    frame = frame_of(values, label)
    options = gp.suggest(frame, "id")
    assert gp.schema(frame, "id", **options)["type"].item() == type_
    assert sent(frame, label, options) == as_json(expected)
    wrong = gp.validate(frame, "id", **options).query("rule == 'value_wrong_type'")
    assert len(wrong) == (case == "nine of ten")


@pytest.mark.parametrize("case", [*ALONE, *OPEN])
def test_ambiguous_values_are_sent_unchanged(case):
    label, values = {**ALONE, **OPEN}[case][:2]
    frame = frame_of(values, label)
    options = gp.suggest(frame, "id")
    name = options.get("rename", {}).get(label, label)
    stripped = [value.removeprefix("'") for value in values]
    assert sent(frame, name, options) == (stripped if "strip" in options else values)


def test_a_messy_frame_is_pushed_in_one_call(sandbox):
    customers = pd.DataFrame(
        {
            "Unnamed: 0": [0, 1, 2],
            "Customer ID": [" c1", "c2 ", "c3"],
            "E-mail": ["Asha@Example.com", "mailto:ravi@example.com", "N/A"],
            "Phone No": ["+91 99192 11112", "09812345678", "9919211113"],
            "Full Name": ["Asha Rao ", "Ravi Iyer", "Mina Das"],
            "Joined": ["31/01/2025", "01/02/2025", "NA"],
            "Spend": ["₹ 1,23,456.50", "Rs. 99", "-"],
            "VIP": ["yes", "No", "?"],
            "Pincode": ["411001", "011001", "560001"],
            "Visited": ["01/02/2025", "03/04/2025", "05/06/2025"],
            "Tags": [["a"], [], ["b"]],
        }
    )
    options = gp.suggest(customers, "Customer ID")
    result = gp.push(customers, "Customer ID", **options, client=sandbox.client, progress=False)
    assert result.counts["accepted"] == len(customers)
    assert sandbox.ignored().empty
    assert sandbox.stored() == {
        "c1": {
            "email": "asha@example.com",
            "mobile": "+919919211112",
            "name": "Asha Rao",
            "Visited": "01/02/2025",
            "Joined": "2025-01-31 00:00:00",
            "Spend": 123456.5,
            "VIP": True,
            "Pincode": "411001",
        },
        "c2": {
            "email": "ravi@example.com",
            "mobile": "+919812345678",
            "name": "Ravi Iyer",
            "Visited": "03/04/2025",
            "Joined": "2025-02-01 00:00:00",
            "Spend": 99,
            "VIP": False,
            "Pincode": "011001",
        },
        "c3": {"mobile": "+919919211113", "name": "Mina Das", "Visited": "05/06/2025", "Pincode": "560001"},
    }
