"""The sandbox's OpenAPI document allows exactly what the sandbox takes whole."""

import jsonschema
import pytest
import requests
from support.sandbox_http import PUBLISHED, TIMEOUT_SECONDS, assert_refused, attribute, customer

from growlytics_pandas import contract


@pytest.fixture(scope="module")
def document(running):
    return requests.get(running.base_url + "/openapi.json", timeout=TIMEOUT_SECONDS).json()


@pytest.fixture(scope="module")
def accepts(document):
    schema = {"$ref": "#/components/schemas/Customer", "components": document["components"]}
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema).is_valid


def test_document_has_the_real_path_and_header(document):
    [(path, methods)] = document["paths"].items()
    [scheme] = document["components"]["securitySchemes"].values()

    assert (path, list(methods)) == (contract.CUSTOMER_PATH, ["post"])
    assert (scheme["in"], scheme["name"]) == ("header", contract.KEY_HEADER)


def test_document_never_leads_to_the_real_service(document):
    assert document["servers"] == [{"url": "/"}]
    assert "growlytics.in" not in str(document)


def test_reading_it_needs_no_key_and_is_uncounted(sandbox, session):
    url = sandbox.base_url + "/openapi.json"

    assert session.get(url, timeout=TIMEOUT_SECONDS).headers["content-type"] == "application/json"
    assert session.head(url, timeout=TIMEOUT_SECONDS).content == b""
    assert_refused(session.post(url, timeout=TIMEOUT_SECONDS), 405)
    assert sandbox.requests == 0


def test_example_in_the_document_is_stored(document, accepts, post, sandbox):
    example = document["components"]["schemas"]["Customer"]["example"]

    assert accepts(example)
    assert post(example).status_code == 200
    assert sandbox.ignored().empty


LONGEST = "n" * contract.MAX_ATTRIBUTE_NAME_CHARS
CUSTOMERS = [
    PUBLISHED,
    {"id": "a"},
    {"id": ""},
    {"id": 5},
    {"attributes": []},
    {"id": "a", "attributes": {}},
    customer("a" * (contract.MAX_ID_CHARS + 1)),
    customer("a", "text"),
    customer("a", {"name": "n", "type": "string"}),
    customer("a", {"name": "n", "value": "v"}),
    customer("a", attribute("", "string", "v")),
    customer("a", attribute(LONGEST, "string", "v")),
    customer("a", attribute(LONGEST + "n", "string", "v")),
    customer("a", attribute("n", "text", "v")),
    customer("a", attribute("n", "string", 5)),
    customer("a", attribute("n", "string", None)),
    customer("a", attribute("n", "string", "v" * (contract.MAX_VALUE_CHARS + 1))),
    customer("a", attribute("n", "number", 0.5)),
    customer("a", attribute("n", "number", "5")),
    customer("a", attribute("n", "number", True)),
    customer("a", attribute("n", "boolean", False)),
    customer("a", attribute("n", "boolean", 0)),
    customer("a", attribute("n", "date", "2026-02-28 23:59:59")),
    customer("a", attribute("n", "date", "2026-02-28T23:59:59")),
    customer("a", attribute("n", "date", "2026-02-28 24:00:00")),
    customer("a", attribute("n", "date", "2026-02-28 23:59:59 ")),
    customer("a", attribute("n", "date", "2026-02-28")),
    *[customer("a", attribute(name, "string", "5")) for name in contract.RESERVED_ATTRIBUTES],
    *[customer("a", attribute(name, "number", 5)) for name in contract.RESERVED_ATTRIBUTES],
    customer("a", *[attribute(f"n{i}", "number", i) for i in range(100)], *PUBLISHED["attributes"][:1]),
    customer("a", *[attribute(f"n{i}", "number", i) for i in range(104)]),
]


@pytest.mark.parametrize("body", CUSTOMERS, ids=lambda body: str(body)[:80])
def test_document_agrees_with_the_server(accepts, post, sandbox, body):
    arrived_whole = post(body).status_code == 200 and sandbox.ignored().empty

    assert accepts(body) == arrived_whole
