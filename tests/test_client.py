"""The client's arguments: invalid ones are rejected by the constructor, never later by a library."""

import pandas as pd
import pytest

from growlytics_pandas import Client, Ledger, contract
from growlytics_pandas.errors import EndpointError, InvalidArgumentError, InvalidArgumentTypeError, LedgerError

KEY = "test-key"


def url(text):
    return Client(KEY, text, ledger=None).base_url


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://example.com", "https://example.com"),
        (" https://example.com/ \n", "https://example.com"),
        ("https://example.com/rest-api/customer", "https://example.com"),
        ("https://example.com/rest-api/customer/", "https://example.com"),
        ("https://example.com:8443/proxy", "https://example.com:8443/proxy"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_base_url_with_and_without_path(given, kept):
    assert url(given) == kept


def test_base_url_order_of_sources(monkeypatch):
    """The argument comes before the environment, and the environment before the contract."""
    assert url(None) == contract.BASE_URL
    monkeypatch.setenv("GROWLYTICS_BASE_URL", "https://outside.example")
    assert url(None) == "https://outside.example"
    assert url("https://given.example") == "https://given.example"


@pytest.mark.parametrize(
    "host", ["example.com", "127.0.0.1.example.com", "192.168.0.1", "0.0.0.0", "localhost.example.com", "[::2]"]
)
def test_plain_http_only_on_loopback(host):
    with pytest.raises(InvalidArgumentError, match="plain http"):
        url(f"http://{host}:8000")


@pytest.mark.parametrize(
    "text",
    [
        "https://user:sesame@example.com",
        "https://sesame@example.com",
        "http://user:sesame@127.0.0.1",
        "https://example.com/?key=sesame",
        "https://example.com#sesame",
        "https://user:sesame",
        "https://[sesame",
        "user:sesame@example.com",
        "sesame",
        "//sesame",
        "https://example.com\n/sesame",
        "https://example.com/se same",
    ],
)
def test_url_with_a_secret_is_not_shown(text):
    with pytest.raises(InvalidArgumentError) as caught:
        url(text)
    assert "sesame" not in str(caught.value)
    assert "base_url" in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", " ", "ftp://example.com", "https://", "https:///path", "https://example.com:99999", "?"]
)
def test_invalid_urls_are_rejected(text):
    """An empty one, too: it may be a setting that is missing, and must not mean the real service."""
    with pytest.raises(InvalidArgumentError, match="it must be like 'https://"):
        url(text)


def test_a_url_must_be_text():
    with pytest.raises(InvalidArgumentTypeError, match="found a int"):
        url(8000)


@pytest.mark.parametrize(
    "seconds", [0, -1, float("nan"), float("inf"), 1e300, pytest.param(10**400, id="10**400"), True, "30", None]
)
def test_timeout_must_be_positive(seconds):
    with pytest.raises(InvalidArgumentError, match="timeout"):
        Client(KEY, timeout=seconds, ledger=None)


def test_unknown_transport_lists_the_known():
    with pytest.raises(InvalidArgumentError, match="'requests', 'curl'"):
        Client(KEY, transport="httpx", ledger=None)


def test_verify_is_a_choice_or_a_file(tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    for fine in (True, False, bundle, str(bundle)):
        Client(KEY, verify=fine, ledger=None)
    for missing in (tmp_path / "no.pem", tmp_path):
        with pytest.raises(InvalidArgumentError, match="verify"):
            Client(KEY, verify=missing, ledger=None)
    for wrong in (None, 1):
        with pytest.raises(InvalidArgumentTypeError, match="verify"):
            Client(KEY, verify=wrong, ledger=None)


def test_a_ledger_is_a_path_auto_or_none(tmp_path):
    assert Client(KEY, ledger=None).ledger is None
    assert Client(KEY, ledger=tmp_path / "ledger.db").ledger is not None
    with pytest.raises(InvalidArgumentTypeError, match="ledger"):
        Client(KEY, ledger=7)


def test_a_broken_ledger_names_its_file(tmp_path):
    path = tmp_path / "ledger.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(LedgerError, match="ledger"):
        Client(KEY, ledger=path).types()


def test_client_without_a_ledger():
    with pytest.raises(InvalidArgumentError, match="ledger=None"):
        Client(KEY, ledger=None).types()


def test_wrong_path_is_an_endpoint_error(sandbox):
    client = Client(sandbox.api_key, sandbox.base_url + "/elsewhere", ledger=None)
    with pytest.raises(EndpointError, match="404"):
        client.upsert("a", {"City": "Pune"})


@pytest.fixture
def remembering(tmp_path):
    return Client(KEY, ledger=tmp_path / "ledger.db")


def test_type_conflict_names_a_client_method(remembering):
    remembering.declare_types({"Orders": "string", "City": "string"})
    with pytest.raises(InvalidArgumentError, match=r"client\.forget_types\(\['Orders'\]\)"):
        remembering.declare_types({"Orders": "number"})
    assert remembering.forget_types(["Orders"]) == 1
    remembering.declare_types({"Orders": "number"})
    assert dict(remembering.types()[["attribute", "type"]].to_numpy()) == {"City": "string", "Orders": "number"}


def test_forgetting_an_unknown_attribute_fails(remembering):
    remembering.declare_types({"Orders": "string"})
    with pytest.raises(InvalidArgumentError, match=r"no type for 'Oders', .*nothing was forgotten.*'Orders'"):
        remembering.forget_types(pd.Index(["Orders", "Oders"]))
    assert len(remembering.types()) == 1
    for wrong in ("Orders", None):
        with pytest.raises(InvalidArgumentTypeError, match=r"forget_types: found a \w+; it must be a list"):
            remembering.forget_types(wrong)


@pytest.mark.parametrize("types", [None, 5, ["City"]])
def test_declare_types_from_dict_or_file(remembering, types):
    with pytest.raises(InvalidArgumentTypeError, match=r"declare_types: found a \w+; it must be a dict .* or the path"):
        remembering.declare_types(types)


@pytest.mark.parametrize("session", ["a-key-where-a-session-belongs", 5, object])
def test_wrong_session_is_rejected_not_shown(session):
    with pytest.raises(
        InvalidArgumentTypeError, match=r"session: found a \w+; it must be a requests.Session"
    ) as caught:
        Client("key-12345", "https://api.example", session=session, ledger=None)
    assert "a-key-where" not in str(caught.value)


def test_notebook_shows_the_ledger(sandbox, tmp_path):
    path = tmp_path / "mine & yours.ledger"
    with Ledger(path) as ledger:
        client = Client(sandbox.api_key, sandbox.base_url, ledger=ledger)
        assert "nothing yet" in client._repr_html_()
        assert not path.exists()
        client.upsert("asha@example.com", {"City": "Pune", "Orders": 3})
        shown = client._repr_html_()
        for text in (sandbox.base_url, "mine &amp; yours.ledger", "2 attribute types, 1 run"):
            assert text in shown
        assert sandbox.api_key not in shown
    assert "closed" in client._repr_html_()
    assert "none" in Client(sandbox.api_key, sandbox.base_url, ledger=None)._repr_html_()
