"""`Client.upsert`: one customer, with the checks and the retries of a push."""

import ast
import datetime as dt
import decimal

import numpy as np
import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas import Client
from growlytics_pandas.errors import (
    AuthenticationError,
    ConstraintViolationError,
    CustomerRejectedError,
    InvalidArgumentError,
    InvalidArgumentTypeError,
    ServiceUnavailableError,
)


def test_mapping_gets_the_types_of_a_column(sandbox):
    when = dt.datetime(2025, 3, 14, 9, 26)  # noqa: DTZ001 - naive is what is sent
    attributes = {"City": "Pune", "Orders": np.int64(3), "Value": decimal.Decimal("1.10"), "VIP": True, "Since": when}
    sandbox.client.upsert("a", attributes)
    types = sandbox.attribute_types().set_index("attribute")["type"].to_dict()
    assert types == {"City": "string", "Orders": "number", "Value": "number", "VIP": "boolean", "Since": "date"}
    assert sandbox.stored()["a"]["Since"] == "2025-03-14 09:26:00"
    assert sandbox.ignored().empty


def test_the_body_is_that_of_a_one_row_push(sandbox):
    values = {"name": "Asha", "City": "Pune", "Orders": 3}
    sandbox.client.upsert("a", values)
    gp.push(pd.DataFrame([{"id": "b", **values}]), "id", client=sandbox.client, progress=False)
    stored = sandbox.stored()
    assert stored["a"] == stored["b"]


def test_explicit_triples_keep_their_types(sandbox):
    triples = [
        {"name": "Pin", "type": "string", "value": 411001},
        {"name": "email", "type": "string", "value": "a@example.com"},
        {"name": "Since", "type": "date", "value": "2025-03-14"},
        {"name": "VIP", "type": "boolean", "value": "yes"},
    ]
    sandbox.client.upsert("a", triples, name="Purchased")
    expected = {"Pin": "411001", "email": "a@example.com", "Since": "2025-03-14 00:00:00", "VIP": True}
    assert sandbox.stored()["a"] == expected
    assert sandbox.event_names() == {"a": "Purchased"}


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NaT, pd.NA, np.nan], ids=repr)
def test_missing_value_is_left_out(sandbox, missing):
    sandbox.client.upsert("a", {"City": "Pune", "Orders": missing})
    assert sandbox.stored()["a"] == {"City": "Pune"}


def test_many_attributes_and_none(sandbox):
    sandbox.client.upsert("many", {f"Tag {i}": i for i in range(100)})
    sandbox.client.upsert("bare", {})
    assert {key: len(value) for key, value in sandbox.stored().items()} == {"many": 100, "bare": 0}


def test_attribute_named_id(sandbox):
    sandbox.client.upsert("a", {"id": "x", "index": 1})
    assert sandbox.stored()["a"] == {"id": "x", "index": 1}


@pytest.mark.parametrize(
    ("customer", "attributes", "rule"),
    [
        ("a", {"City": ["Pune"]}, "type_unsupported"),
        ("a", {"Value": float("inf")}, "value_not_finite"),
        ("a", {"x" * 50: 1}, "attribute_name_too_long"),
        ("a", {"": 1}, "attribute_name_empty"),
        ("a", {f"Tag {i}": i for i in range(101)}, "too_many_attributes"),
        ("a", [{"name": "Orders", "type": "number", "value": "three"}], "value_wrong_type"),
        (None, {"City": "Pune"}, "id_missing"),
        (" ", {"City": "Pune"}, "id_missing"),
        (True, {"City": "Pune"}, "id_missing"),
    ],
)
def test_invalid_values_send_nothing(sandbox, customer, attributes, rule):
    with pytest.raises(ConstraintViolationError) as caught:
        sandbox.client.upsert(customer, attributes)
    assert rule in set(caught.value.violations["rule"])
    assert sandbox.requests == 0


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ([{"name": "City", "value": "Pune"}], InvalidArgumentTypeError),
        (["City"], InvalidArgumentTypeError),
        ("City", InvalidArgumentTypeError),
        (5, InvalidArgumentTypeError),
        (None, InvalidArgumentTypeError),
        ([{"name": 5, "type": "string", "value": "x"}], InvalidArgumentTypeError),
        ([{"name": ["City"], "type": "string", "value": "x"}], InvalidArgumentTypeError),
        ([{"name": "City", "type": "text", "value": "x"}], InvalidArgumentError),
        ([{"name": "City", "type": "string", "value": "x"}] * 2, InvalidArgumentError),
        ([{"name": "email", "type": "number", "value": 1}], InvalidArgumentError),
    ],
)
def test_wrong_form_of_attributes(sandbox, attributes, error):
    with pytest.raises(error):
        sandbox.client.upsert("a", attributes)
    assert sandbox.requests == 0


def test_wrong_key_is_an_authentication_error(sandbox):
    with pytest.raises(AuthenticationError) as caught:
        Client("wrong", sandbox.base_url, ledger=None).upsert("a", {"City": "Pune"})
    assert (caught.value.status in (401, 403), caught.value.attempts, caught.value.retryable) == (True, 1, False)
    assert caught.value.server_message


def test_rejection_has_the_servers_message(faulty):
    with pytest.raises(CustomerRejectedError) as caught:
        faulty(success_false=1.0).client.upsert("a", {"City": "Pune"})
    error = caught.value
    assert (error.status, error.attempts, error.retryable) == (200, 1, False)
    assert error.server_message in str(error)


def test_temporary_failure_is_retried(faulty):
    box = faulty(seed=1, status={500: 0.5})  # with this seed the first request fails and the second does not
    box.client.upsert("a", {"City": "Pune"})
    assert box.stored() == {"a": {"City": "Pune"}}
    assert box.requests == 2


@pytest.mark.slow
def test_lasting_failure_is_unavailable(faulty):
    with pytest.raises(ServiceUnavailableError) as caught:
        faulty(status={500: 1.0}).client.upsert("a", {"City": "Pune"})
    assert (caught.value.status, caught.value.retryable) == (500, True)
    assert caught.value.attempts > 1


def test_last_result_is_not_replaced(sandbox):
    result = gp.push(pd.DataFrame({"id": ["a"], "X": [1]}), "id", client=sandbox.client, progress=False)
    sandbox.client.upsert("b", {"X": 2})
    assert gp.last_result() is result


def test_messages_do_not_mention_a_frame(sandbox):
    with pytest.raises(ConstraintViolationError) as caught:
        sandbox.client.upsert("", {"City": "Pune"})
    assert "growlytics customer id" not in str(caught.value)


@pytest.mark.parametrize(
    ("first", "other", "such"),
    [
        (3, "4", "a number such as 3"),
        (True, "no", "True or False"),
        (dt.date(2025, 1, 31), "2025-02-01", "a date such"),
    ],
)
def test_type_conflict_message_fits_upsert(sandbox, first, other, such):
    client = sandbox.client
    client.upsert("a", {"X": first})
    with pytest.raises(ConstraintViolationError) as caught:
        client.upsert("b", {"X": other})
    message = str(caught.value)
    assert f"Give {such}" in message
    assert "types=" not in message
    (explicit,) = ast.literal_eval(message.partition("if possible: ")[2].rstrip(".").replace("…", repr(other)))
    client.upsert("b", [explicit])
    assert set(sandbox.stored()) == {"a", "b"}
    assert sandbox.ignored().empty
