"""The API key is found, checked before any library can print it, and never shown."""

import copy
import logging
import pickle
import traceback

import pytest
from support.transports import TRANSPORTS

from growlytics_pandas import Client
from growlytics_pandas._masking import KEY_VARIABLE
from growlytics_pandas.errors import ApiKeyError, AuthenticationError
from growlytics_pandas.http.api_key import ApiKey, find_key

SECRET = "sk-Very-Secret-0123456789"


def shown(error):
    """Everything that a user, a log or a report could see of an exception."""
    return "".join(traceback.format_exception(error)) + repr(vars(error))


def test_argument_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, "from-outside")
    assert find_key(None).reveal() == "from-outside"
    assert find_key(SECRET).reveal() == SECRET


@pytest.mark.parametrize("text", [f" {SECRET}", f"{SECRET}\n", f"\t{SECRET}\r\n"], ids=ascii)
def test_white_space_around_a_key_is_stripped(text):
    assert find_key(text).reveal() == SECRET


@pytest.mark.parametrize("text", [None, "", "  ", "\n"], ids=repr)
def test_missing_key_error_names_three_ways(text, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, "")
    with pytest.raises(ApiKeyError) as caught:
        Client(text)
    for remedy in (KEY_VARIABLE, "api_key", "Sandbox"):
        assert remedy in str(caught.value)


@pytest.mark.parametrize("bad", ["\n", "\r", "\x00", " ", "é", "\u200b", "键", "🎉", "\x7f"], ids=ascii)
def test_invalid_header_key_is_not_shown(bad):
    with pytest.raises(ApiKeyError) as caught:
        Client(SECRET + bad + "tail")
    assert f"character {len(SECRET) + 1} " in str(caught.value)
    assert SECRET not in shown(caught.value)


@pytest.mark.parametrize(
    ("around", "message"),
    [
        ("GROWLYTICS_API_KEY={}", KEY_VARIABLE),
        ("export GROWLYTICS_API_KEY={}\n", KEY_VARIABLE),
        ("GROWLYTICS_API_KEY = '{}'", KEY_VARIABLE),
        ("growlytics_api_key: {}", KEY_VARIABLE),
        ('"GROWLYTICS_API_KEY": "{}"', KEY_VARIABLE),
        ("GROWLYTICS_API_KEY={}\nOTHER=1", KEY_VARIABLE),
        ('"{}"', "quotation mark"),
        ("'{}'\n", "quotation mark"),
        ("“{}”", "quotation mark"),
        ("{}'", "quotation mark"),
    ],
    ids=ascii,
)
def test_text_copied_with_a_key_is_refused(around, message, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, around.format(SECRET))
    with pytest.raises(ApiKeyError) as caught:
        Client()
    assert message in str(caught.value)
    assert "remove" in str(caught.value)
    assert SECRET not in shown(caught.value)
    frame = caught.tb
    while frame := frame.tb_next:
        assert not [
            name for name, value in frame.tb_frame.f_locals.items() if isinstance(value, str) and SECRET in value
        ]


@pytest.mark.parametrize("key", ["dGVzdA==", "a=b", "GROWLYTICS_API_KEY2", "key'with'quotes"])
def test_a_key_may_hold_any_sign_of_a_header(key):
    assert find_key(key).reveal() == key


def test_non_text_key_is_refused_and_not_shown():
    with pytest.raises(ApiKeyError) as caught:
        Client(SECRET.encode())
    assert "bytes" in str(caught.value)
    assert SECRET not in shown(caught.value)


def test_no_repr_of_a_client_shows_the_key():
    client = Client(SECRET, ledger=None)
    for text in (repr(client), str(client), f"{client!r:>50}", repr(vars(client)), str(list(vars(client).values()))):
        assert SECRET not in text


def test_pickled_key_is_empty_and_reads_the_env(monkeypatch):
    data = pickle.dumps(find_key(SECRET))
    assert SECRET.encode() not in data
    with pytest.raises(ApiKeyError):
        pickle.loads(data)
    monkeypatch.setenv(KEY_VARIABLE, "key-of-the-worker")
    assert pickle.loads(data).reveal() == "key-of-the-worker"


def test_a_copied_key_is_the_same_key():
    key = find_key(SECRET)
    assert copy.copy(key) == copy.deepcopy(key) == key == ApiKey(SECRET)
    assert hash(key) == hash(ApiKey(SECRET))
    assert key != ApiKey("other")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_refused_key_is_in_no_error_or_log(sandbox, transport, caplog):
    caplog.set_level(logging.DEBUG)
    client = Client(SECRET, sandbox.base_url, transport=transport, ledger=None)
    with pytest.raises(AuthenticationError) as caught:
        client.upsert("a", {"City": "Pune"})
    assert SECRET not in shown(caught.value)
    assert SECRET not in caplog.text
    assert SECRET.encode() not in pickle.dumps(caught.value)
