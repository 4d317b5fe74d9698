"""Values that the service ignores get a success response, and are shown."""

import datetime as dt

import pandas as pd
import pytest
from support.sandbox_http import attribute, customer

from growlytics_pandas import contract

LONG = "n" * contract.MAX_ATTRIBUTE_NAME_CHARS


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("text", "the attribute is not a JSON object"),
        ({"type": "string", "value": "x"}, "the attribute has no name"),
        (attribute("", "string", "x"), "the attribute has no name"),
        (attribute(5, "string", "x"), "the attribute has no name"),
        (attribute(["n"], "string", "x"), "the attribute has no name"),
        (attribute(LONG + "n", "string", "x"), "the name has 50 characters or more"),
        (attribute("🎉" * 25, "string", "x"), "the name has 50 characters or more"),
        (attribute("n", "integer", 5), "the type is not string, number, boolean or date"),
        (attribute("n", "String", "x"), "the type is not string, number, boolean or date"),
        (attribute("n", None, "x"), "the type is not string, number, boolean or date"),
        (attribute("n", ["string"], "x"), "the type is not string, number, boolean or date"),
        (attribute("n", "string", None), "the value is null or missing"),
        ({"name": "n", "type": "string"}, "the value is null or missing"),
        (attribute("n", "string", 5), "the value is not of the declared type"),
        (attribute("n", "number", "5"), "the value is not of the declared type"),
        (attribute("n", "number", True), "the value is not of the declared type"),
        (attribute("n", "number", [1, 2.5, {"a": None}]), "the value is not of the declared type"),
        (attribute("n", "boolean", 1), "the value is not of the declared type"),
        (attribute("n", "boolean", "true"), "the value is not of the declared type"),
        (attribute("n", "date", 1700000000), "the value is not of the declared type"),
        (attribute("n", "date", "2024-01-01"), "the date is not YYYY-MM-DD HH:MM:SS or not in the calendar"),
        (attribute("n", "date", "2024-01-01T00:00:00"), "the date is not YYYY-MM-DD HH:MM:SS or not in the calendar"),
        (attribute("n", "date", "2023-02-29 00:00:00"), "the date is not YYYY-MM-DD HH:MM:SS or not in the calendar"),
        (attribute("n", "date", "2024-01-01 24:00:00"), "the date is not YYYY-MM-DD HH:MM:SS or not in the calendar"),
        (attribute("n", "date", "2024-01-01 00:00:00.5"), "the date is not YYYY-MM-DD HH:MM:SS or not in the calendar"),
        (
            attribute("n", "date", "2024-01-01 00:00+00:00"),
            "the date is not YYYY-MM-DD HH:MM:SS or not in the calendar",
        ),
        (attribute("n", "date", "٢٠٢٤-01-01 00:00:00"), "the date is not YYYY-MM-DD HH:MM:SS or not in the calendar"),
        (attribute("email", "number", 5), "the attribute was first tracked with another type"),
        (attribute("mobile", "number", 919812345678), "the attribute was first tracked with another type"),
    ],
    ids=repr,
)
def test_ignored_values_are_success_and_shown(post, sandbox, entry, reason):
    reply = post(customer("a", entry, attribute("kept", "number", 1)))

    assert reply.content == b'{"success":true}'
    assert sandbox.stored() == {"a": {"kept": 1}}
    [row] = sandbox.ignored().to_dict("records")
    assert (row["id"], row["reason"]) == ("a", reason)
    assert row["value"] == (entry.get("value") if isinstance(entry, dict) else entry)
    assert row["when"] <= pd.Timestamp.now(dt.UTC)


def test_a_name_of_49_characters_is_kept(post, sandbox):
    post(customer("a", attribute(LONG, "string", "x")))

    assert sandbox.stored() == {"a": {LONG: "x"}}


def test_first_accepted_value_sets_the_type(post, sandbox):
    post(customer("a", attribute("n", "number", "not a number")))
    post(customer("a", attribute("n", "string", "first")))
    post(customer("b", attribute("n", "number", 5), attribute("N", "number", 6)))

    assert sandbox.stored() == {"a": {"n": "first"}, "b": {"N": 6}}
    assert sandbox.attribute_types()[["attribute", "type"]].values.tolist() == [["n", "string"], ["N", "number"]]
    ignored = sandbox.ignored().iloc[-1]
    assert (ignored["id"], ignored["attribute"], ignored["type"], ignored["value"]) == ("b", "n", "number", 5)
    assert ignored["known_type"] == "string"


def test_attribute_101_is_ignored_and_untyped(post, sandbox):
    for start in range(0, contract.MAX_CUSTOM_ATTRIBUTES, 50):
        post(customer("a", *[attribute(f"c{number}", "number", number) for number in range(start, start + 50)]))
    post(
        customer("a", attribute("late", "number", 1), attribute("email", "string", "e"), attribute("c0", "number", -1))
    )

    stored = sandbox.stored()["a"]
    assert len(stored) == contract.MAX_CUSTOM_ATTRIBUTES + 1
    assert (stored["email"], stored["c0"]) == ("e", -1)
    [row] = sandbox.ignored().to_dict("records")
    assert (row["attribute"], row["reason"]) == ("late", "the profile has 100 custom attributes already")
    assert "late" not in sandbox.attribute_types()["attribute"].tolist()
    post(customer("b", attribute("late", "string", "free in another profile")))
    assert sandbox.stored()["b"] == {"late": "free in another profile"}


def test_last_of_a_repeated_attribute_wins(post, sandbox):
    post(customer("a", attribute("n", "number", 1), attribute("n", "number", 2), attribute("n", "string", "3")))

    assert sandbox.stored() == {"a": {"n": 2}}
    assert sandbox.ignored()[["value", "reason"]].values.tolist() == [
        [1, "overwritten in the same request"],
        ["3", "the attribute was first tracked with another type"],
    ]
