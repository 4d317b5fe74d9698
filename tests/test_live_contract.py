"""Our assumptions about the service, tested on the sandbox or, with `pytest --live`, on the real service.

`--live` takes the key from GROWLYTICS_API_KEY and sends 18 requests, each printed on the terminal before it is sent. They
write three customers, and attributes that begin with "gp contract", always the same ones: a type is fixed for good.
What no response shows is listed at the end, to be checked in the dashboard.
"""

import json

import pytest
from support.live_service import verdict

from growlytics_pandas import contract

TEXT, NUMBER, FLAG, DATE = "gp contract text", "gp contract number", "gp contract flag", "gp contract date"
LONG, ANY, BIG = "gp contract long text", "gp contract नाम Ω 🎉", "gp contract big number"
EARLY, LATE, SMALL = "gp contract first year", "gp contract last year", "gp contract fraction"
NAME_49 = "gp contract ".ljust(contract.MAX_ATTRIBUTE_NAME_CHARS, "x")
NAME_50 = NAME_49 + "y"
EMOJI_NAME = "gp contract " + "🎉" * 19  # 31 code points, 50 UTF-16 units
FIRST_DATE = "2024-02-29 23:59:59"
WORDS = "Zoë, आशा, 𝒳 and 🎉"
TAKEN_OR_REFUSED = (
    "ACCEPTED",
    "REJECTED",
)  # either way only this row is concerned, and the push says what became of it


def attribute(name, kind, value):
    return {"name": name, "type": kind, "value": value}


def customer(service, letter, *attributes, **more):
    return {"id": service.id(letter), "attributes": list(attributes), **more}


def first_body(service):
    return customer(
        service,
        "a",
        attribute(TEXT, "string", "first"),
        attribute(NUMBER, "number", 1),
        attribute(FLAG, "boolean", True),
        attribute(DATE, "date", FIRST_DATE),
    )


@pytest.fixture(scope="session")
def first_answer(endpoint):
    """The answer to a customer with an attribute of each type; it is there before any test that changes it."""
    endpoint.allowed = endpoint.sent + 1
    return endpoint.ask(first_body(endpoint), f"customer {endpoint.id('a')}, an attribute of each type")


def test_success_is_json_with_success_true(first_answer, service):
    assert 200 <= first_answer.status < 300
    assert json.loads(first_answer.body)["success"] is True
    service.shows("a", **{TEXT: "first", NUMBER: 1, FLAG: True, DATE: FIRST_DATE})


@pytest.mark.asks(1)
def test_the_same_request_again_is_success(first_answer, service):
    assert verdict(service.ask(first_body(service), "the first request again")) == "ACCEPTED"


@pytest.mark.asks(1)
def test_an_unknown_key_is_401_or_403(service):
    reply = service.ask(customer(service, "a"), "a key that nobody has", client="stranger")
    assert reply.status in contract.KEY_STATUSES


@pytest.mark.asks(1)
def test_wrong_path_is_a_redirect_404_or_405(service):
    reply = service.ask(customer(service, "a"), "a path that is not there", client="lost")
    assert reply.status in contract.ENDPOINT_STATUSES


@pytest.mark.asks(1)
def test_invalid_body_rejects_the_row(service):
    assert verdict(service.ask({"attributes": []}, "a body without an id")) == "REJECTED"


@pytest.mark.asks(1)
def test_value_of_another_type_is_ignored(first_answer, service):
    """The response is success all the same."""
    reply = service.ask(customer(service, "a", attribute(NUMBER, "string", "two")), "text where a number is known")
    assert verdict(reply) == "ACCEPTED"
    service.shows("a", **{NUMBER: 1})


@pytest.mark.asks(1)
def test_first_value_fixes_the_type(first_answer, service):
    """It fixes the type for all customers."""
    reply = service.ask(
        customer(service, "b", attribute(NUMBER, "string", "two"), attribute(TEXT, "string", "second")),
        f"customer {service.id('b')}: text where another customer has a number",
    )
    assert verdict(reply) == "ACCEPTED"
    service.shows("b", **{NUMBER: None, TEXT: "second"})


@pytest.mark.asks(1)
def test_update_keeps_other_attributes(first_answer, service):
    reply = service.ask(customer(service, "a", attribute(FLAG, "boolean", False)), "one of the attributes, changed")
    assert verdict(reply) == "ACCEPTED"
    service.shows("a", **{FLAG: False, TEXT: "first"})


@pytest.mark.asks(1)
def test_a_null_value_clears_nothing(first_answer, service):
    reply = service.ask(customer(service, "a", attribute(DATE, "date", None)), "null where a date is known")
    assert verdict(reply) in TAKEN_OR_REFUSED
    service.shows("a", **{DATE: FIRST_DATE})


@pytest.mark.asks(1)
def test_empty_attributes_are_success(service):
    assert verdict(service.ask(customer(service, "b"), "a customer without attributes")) == "ACCEPTED"


@pytest.mark.asks(1)
def test_top_level_name_is_accepted(service):
    """The published example has `name` at the top level."""
    body = customer(service, "b", name="Purchased")
    assert verdict(service.ask(body, "with a top-level name")) == "ACCEPTED"


@pytest.mark.asks(1)
def test_text_in_any_script_is_accepted(service):
    reply = service.ask(customer(service, "b", attribute(ANY, "string", WORDS)), "Devanagari, accents and emoji")
    assert verdict(reply) == "ACCEPTED"
    service.shows("b", **{ANY: WORDS})


@pytest.mark.asks(1)
def test_years_1_to_9999_are_stored_as_sent(service):
    early, late = "0001-01-01 00:00:00", "9999-12-31 23:59:59"
    reply = service.ask(
        customer(service, "b", attribute(EARLY, "date", early), attribute(LATE, "date", late)), "the outermost dates"
    )
    assert verdict(reply) == "ACCEPTED"
    service.shows("b", **{EARLY: early, LATE: late})


@pytest.mark.asks(1)
def test_numbers_are_stored_as_doubles(service):
    body = customer(
        service,
        "b",
        attribute(BIG, "number", contract.MAX_SAFE_INTEGER),
        attribute(SMALL, "number", 0.1234567890123456),
    )
    assert verdict(service.ask(body, "a large integer and a long fraction")) == "ACCEPTED"
    service.shows("b", **{BIG: contract.MAX_SAFE_INTEGER, SMALL: 0.1234567890123456})


@pytest.mark.asks(1)
def test_long_id_affects_only_its_row(service):
    body = {"id": service.id("b") + "-too-long", "attributes": []}
    assert verdict(service.ask(body, "an id of 49 characters")) in TAKEN_OR_REFUSED


@pytest.mark.asks(1)
def test_long_value_affects_only_its_row(service):
    value = "x" * (contract.MAX_VALUE_CHARS + 1)
    reply = service.ask(customer(service, "b", attribute(LONG, "string", value)), "a text of 513 characters")
    assert verdict(reply) in TAKEN_OR_REFUSED
    service.shows("b", **{LONG: value})


@pytest.mark.asks(1)
def test_name_of_49_characters_is_accepted(service):
    reply = service.ask(customer(service, "b", attribute(NAME_49, "number", 1)), "a name of 49 characters")
    assert verdict(reply) == "ACCEPTED"
    service.shows("b", **{NAME_49: 1})


@pytest.mark.asks(1)
def test_name_of_50_characters_is_ignored(service):
    """One name has 50 code points, the other 50 UTF-16 units."""
    body = customer(service, "b", attribute(NAME_50, "number", 1), attribute(EMOJI_NAME, "number", 1))
    assert verdict(service.ask(body, "a name of 50 characters, and one of 50 UTF-16 units")) in TAKEN_OR_REFUSED
    service.shows("b", **{NAME_50: None, EMOJI_NAME: None})
