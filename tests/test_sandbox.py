"""The sandbox answers, keeps and silently ignores what the service is documented to."""

import contextlib
import datetime as dt
import json
import socket
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pandas as pd
import pytest
import requests

from growlytics_pandas import contract
from growlytics_pandas.errors import ApiKeyError, InvalidArgumentError, UsageError
from growlytics_pandas.sandbox import Sandbox
from growlytics_pandas.sandbox.app import MAX_BODY_BYTES

TIMEOUT_SECONDS = 10


@pytest.fixture(scope="module")
def running():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running):
    running.reset()
    return running


@pytest.fixture(scope="module")
def session():
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def post(sandbox, session):
    def send(body, **headers):
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        headers = {contract.KEY_HEADER: sandbox.api_key} | headers
        url = sandbox.base_url + contract.CUSTOMER_PATH
        return session.post(url, data=data, headers=headers, timeout=TIMEOUT_SECONDS)

    return send


def attribute(name, kind, value):
    return {"name": name, "type": kind, "value": value}


def customer(identifier, *attributes):
    return {"id": identifier, "attributes": list(attributes)}


def assert_refused(reply, status):
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/json"
    answer = reply.json()
    assert answer["success"] is False
    assert answer["message"]


PUBLISHED = {
    "id": "john@gmail.com",
    "name": "Purchased",
    "attributes": [
        attribute("name", "string", "John"),
        attribute("Total Orders", "number", 5),
        attribute("isPremium", "boolean", True),
        attribute("Last Order", "date", "2023-01-31 10:20:30"),
    ],
}


def test_success_is_the_documented_answer_to_the_byte(post):
    reply = post(PUBLISHED)

    assert (reply.status_code, reply.content) == (200, b'{"success":true}')


def test_a_customer_can_be_read_as_it_was_sent(post, sandbox):
    post(PUBLISHED)

    assert sandbox.stored() == {
        "john@gmail.com": {
            "name": "John",
            "Total Orders": 5,
            "isPremium": True,
            "Last Order": "2023-01-31 10:20:30",
        }
    }
    assert sandbox.event_names() == {"john@gmail.com": "Purchased"}
    assert sandbox.ignored().empty
    assert sandbox.requests == 1


def test_customers_has_a_row_a_customer_and_sensible_dtypes(post, sandbox):
    post(PUBLISHED)
    post(customer("other", attribute("Total Orders", "number", 7)))

    frame = sandbox.customers()

    assert frame["id"].tolist() == ["john@gmail.com", "other"]
    assert frame.columns.tolist() == ["id", "name", "Total Orders", "isPremium", "Last Order"]
    assert str(frame["Total Orders"].dtype) == "Int64"
    assert str(frame["isPremium"].dtype) == "boolean"
    assert frame["Last Order"].iloc[0] == pd.Timestamp("2023-01-31 10:20:30")
    assert frame.loc[1, ["name", "isPremium", "Last Order"]].isna().all()


def test_frames_of_a_new_sandbox_have_their_columns(sandbox):
    assert sandbox.customers().columns.tolist() == ["id"]
    assert sandbox.attribute_types().columns.tolist() == ["attribute", "type", "first_seen"]
    columns = ["id", "attribute", "type", "value", "reason", "known_type", "when"]
    assert sandbox.ignored().columns.tolist() == columns


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.1", 0.1),
        ("0.10", Decimal("0.10")),
        ("5e-324", 5e-324),
        ("1.7976931348623157e308", 1.7976931348623157e308),
        ("9007199254740993", 9007199254740993),
        ("1" * 5000, Decimal("1" * 5000)),
        ("0.1000000000000000055511151231257827", Decimal("0.1000000000000000055511151231257827")),
        ("1e999", Decimal("1e999")),
        ("-3", -3),
    ],
    ids=lambda value: str(value)[:24],
)
def test_no_number_is_rounded(post, sandbox, text, expected):
    body = '{"id":"a","attributes":[{"name":"n","type":"number","value":' + text + "}]}"
    assert post(body).status_code == 200

    [[value]] = [stored.values() for stored in sandbox.stored().values()]
    assert type(value) is type(expected)
    assert value == expected
    assert sandbox.customers()["n"].iloc[0] == expected


def test_an_unreadable_number_comes_back_as_its_text(post, sandbox):
    post('{"id":"a","attributes":[{"name":"n","type":"number","value":1e99999999999999999999}]}')

    assert sandbox.stored() == {"a": {"n": "1e99999999999999999999"}}


def test_a_column_of_dates_reaches_from_year_1_to_9999(post, sandbox):
    for identifier, date in [("a", "0001-01-01 00:00:00"), ("b", "9999-12-31 23:59:59")]:
        post(customer(identifier, attribute("d", "date", date)))

    assert sandbox.customers()["d"].dt.year.tolist() == [1, 9999]


def test_a_known_id_is_updated_attribute_by_attribute(post, sandbox):
    post(customer("a", attribute("x", "number", 1), attribute("y", "number", 2)))
    post(customer("a", attribute("y", "number", 3)))
    post(customer("A", attribute("y", "number", 4)))

    assert sandbox.stored() == {"a": {"x": 1, "y": 3}, "A": {"y": 4}}


def test_missing_attributes_make_a_customer_without_any(post, sandbox):
    assert post({"id": "a"}).content == b'{"success":true}'
    assert sandbox.stored() == {"a": {}}


def test_an_attribute_called_id_does_not_hide_the_customers_id(post, sandbox):
    post(customer("a", attribute("id", "number", 7)))

    assert sandbox.customers().to_dict("list") == {"id": ["a"], "id (attribute)": [7]}


@pytest.mark.parametrize(
    "key", [{contract.KEY_HEADER: "wrong"}, {contract.KEY_HEADER: None}, {contract.KEY_HEADER: ""}]
)
def test_a_wrong_or_missing_key_is_401_and_writes_nothing(post, sandbox, key):
    reply = post(PUBLISHED, **key)

    assert_refused(reply, 401)
    assert sandbox.api_key not in reply.text
    assert sandbox.stored() == {}
    assert sandbox.requests == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'"text"',
        b"null",
        b"{}",
        b'{"id":""}',
        b'{"id":5}',
        b'{"id":null}',
        b'{"id":["a"]}',
        b'{"id":"a","attributes":{}}',
        b'{"id":"a","attributes":null}',
        b'{"id":"a","attributes":[{"name":"n","type":"number","value":NaN}]}',
        b'{"id":"a","attributes":[{"name":"n","type":"number","value":-Infinity}]}',
        b'{"id":"caf\xe9"}',
        '{"id":"a"}'.encode("utf-16"),
        b'{"id":"\\ud800"}',
        b'{"id":"a","attributes":[{"name":"n","type":"string","value":"\\uDFFF"}]}',
        b'{"id":"a"} trailing',
        b"[" * 500_000,
        b'{"id":"a","attributes":[' + b"[" * 100 + b"]" * 100 + b"]}",
    ],
    ids=lambda body: repr(body[:60]),
)
def test_a_body_that_is_not_a_customer_is_400_and_writes_nothing(post, sandbox, body):
    assert_refused(post(body), 400)
    assert sandbox.stored() == {}
    assert sandbox.ignored().empty


def test_a_whole_surrogate_pair_is_a_character(post, sandbox):
    post(rb'{"id":"a","attributes":[{"name":"n","type":"string","value":"\ud83c\udf89"}]}')

    assert sandbox.stored() == {"a": {"n": "🎉"}}


def test_a_body_of_more_than_a_mebibyte_is_413(post, sandbox):
    too_large = customer("a", attribute("n", "string", "x" * MAX_BODY_BYTES))

    assert_refused(post(too_large), 413)
    assert sandbox.stored() == {}


def test_a_body_that_comes_in_pieces_is_read_whole(sandbox, session):
    def pieces():
        for byte in json.dumps(PUBLISHED).encode():
            yield bytes([byte])

    headers = {contract.KEY_HEADER: sandbox.api_key}
    reply = session.post(
        sandbox.base_url + contract.CUSTOMER_PATH, data=pieces(), headers=headers, timeout=TIMEOUT_SECONDS
    )

    assert reply.content == b'{"success":true}'


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_another_method_is_405(sandbox, session, method):
    reply = session.request(method, sandbox.base_url + contract.CUSTOMER_PATH, timeout=TIMEOUT_SECONDS)

    assert_refused(reply, 405)
    assert reply.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["", "/", "/rest-api/customers", "/rest-api/customer/", "/%2e"])
def test_another_path_is_404_and_no_customer_request(sandbox, session, path):
    assert_refused(session.post(sandbox.base_url + path, json=PUBLISHED, timeout=TIMEOUT_SECONDS), 404)
    assert sandbox.requests == 0


def test_bytes_that_are_not_http_leave_the_server_alive(post, sandbox, capfd):
    address = ("127.0.0.1", int(sandbox.base_url.rsplit(":", 1)[1]))
    with socket.create_connection(address, timeout=TIMEOUT_SECONDS) as raw:
        raw.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert b"400" in raw.recv(4096)

    assert post(PUBLISHED).status_code == 200
    assert capfd.readouterr() == ("", "")


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
def test_what_the_service_ignores_is_answered_with_success_and_shown(post, sandbox, entry, reason):
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


def test_a_type_is_pinned_for_all_customers_by_the_first_value_that_was_accepted(post, sandbox):
    post(customer("a", attribute("n", "number", "not a number")))
    post(customer("a", attribute("n", "string", "first")))
    post(customer("b", attribute("n", "number", 5), attribute("N", "number", 6)))

    assert sandbox.stored() == {"a": {"n": "first"}, "b": {"N": 6}}
    assert sandbox.attribute_types()[["attribute", "type"]].values.tolist() == [["n", "string"], ["N", "number"]]
    ignored = sandbox.ignored().iloc[-1]
    assert (ignored["id"], ignored["attribute"], ignored["type"], ignored["value"]) == ("b", "n", "number", 5)
    assert ignored["known_type"] == "string"


def test_the_101st_custom_attribute_of_a_profile_is_ignored_and_pins_nothing(post, sandbox):
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


def test_of_an_attribute_given_twice_the_last_wins_and_the_first_is_shown(post, sandbox):
    post(customer("a", attribute("n", "number", 1), attribute("n", "number", 2), attribute("n", "string", "3")))

    assert sandbox.stored() == {"a": {"n": 2}}
    assert sandbox.ignored()[["value", "reason"]].values.tolist() == [
        [1, "overwritten in the same request"],
        ["3", "the attribute was first tracked with another type"],
    ]


def test_reset_forgets_customers_types_and_counts(post, sandbox):
    post(customer("a", attribute("n", "number", 1), attribute("m", "number", "x")))

    sandbox.reset()

    assert sandbox.stored() == {}
    assert sandbox.ignored().empty
    assert sandbox.attribute_types().empty
    assert sandbox.requests == 0
    post(customer("a", attribute("n", "string", "1")))
    assert sandbox.stored() == {"a": {"n": "1"}}


def test_eight_threads_lose_no_update(sandbox):
    def push(thread):
        with requests.Session() as session:
            session.trust_env = False
            for turn in range(10):
                for identifier in ("shared", f"own-{thread}-{turn}"):
                    reply = session.post(
                        sandbox.base_url + contract.CUSTOMER_PATH,
                        json=customer(identifier, attribute(f"t{thread}n{turn}", "number", turn)),
                        headers={contract.KEY_HEADER: sandbox.api_key},
                        timeout=TIMEOUT_SECONDS,
                    )
                    assert reply.content == b'{"success":true}'

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(push, range(8)))

    stored = sandbox.stored()
    assert stored["shared"] == {f"t{thread}n{turn}": turn for thread in range(8) for turn in range(10)}
    assert len(stored) == 1 + 8 * 10
    assert sandbox.requests == 160


def test_the_client_goes_to_this_sandbox_and_is_always_the_same(sandbox):
    sandbox.client.upsert("a", {"n": 1})

    assert sandbox.stored() == {"a": {"n": 1}}
    assert sandbox.client is sandbox.client
    assert sandbox.api_key not in repr(sandbox.client)


def test_nothing_starts_in_the_constructor():
    before = threading.active_count()
    sandbox = Sandbox()

    assert threading.active_count() == before
    with pytest.raises(UsageError, match=r"is not running.*start\(\)"):
        _ = sandbox.base_url
    with pytest.raises(UsageError, match="db="):
        sandbox.customers()
    sandbox.stop()


def test_stop_frees_port_thread_and_files_without_a_warning(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = threading.active_count()
    with warnings.catch_warnings(), Sandbox() as sandbox, requests.Session() as session:
        warnings.simplefilter("error")
        session.trust_env = False
        session.get(sandbox.base_url, timeout=TIMEOUT_SECONDS)  # leaves a connection open
        port = int(sandbox.base_url.rsplit(":", 1)[1])
        assert list(tmp_path.iterdir())
        sandbox.stop()
        sandbox.stop()

    assert threading.active_count() == before
    assert list(tmp_path.iterdir()) == []
    with contextlib.closing(socket.socket()) as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    with Sandbox(port=port) as again:
        assert again.base_url.endswith(f":{port}")


def test_start_returns_the_sandbox_and_can_be_called_again():
    sandbox = Sandbox().start()
    try:
        url = sandbox.base_url
        assert sandbox.start().base_url == url
    finally:
        sandbox.stop()
    with sandbox:
        assert sandbox.stored() == {}


def test_memory_as_the_file_is_a_temporary_one(session):
    with Sandbox(db=":memory:") as sandbox:
        sandbox.client.upsert("a", {"n": 1})
        assert sandbox.stored() == {"a": {"n": 1}}


def test_several_sandboxes_share_nothing(post, sandbox):
    with Sandbox(api_key="other") as other:
        post(PUBLISHED)
        assert other.stored() == {}
        assert other.base_url != sandbox.base_url


def test_a_port_in_use_is_named_with_the_remedy(sandbox):
    port = int(sandbox.base_url.rsplit(":", 1)[1])
    with pytest.raises(InvalidArgumentError, match=rf"127\.0\.0\.1:{port}.*port=0"):
        Sandbox(port=port).start()


def test_only_this_machine_can_reach_it(sandbox):
    port = int(sandbox.base_url.rsplit(":", 1)[1])
    with contextlib.closing(socket.socket()) as probe:
        assert probe.connect_ex(("127.0.0.2", port)) != 0


@pytest.mark.parametrize("key", ["", " spaced ", "two\nlines", "ключ"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(key):
    with pytest.raises(ApiKeyError) as caught:
        Sandbox(api_key=key)
    assert not key.strip() or key not in str(caught.value)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(InvalidArgumentError, match="65535"):
        Sandbox(port=port)


def test_the_key_is_not_in_the_repr():
    with Sandbox(api_key="very-secret") as sandbox:
        assert sandbox.base_url in repr(sandbox)
        assert "very-secret" not in repr(sandbox)


def test_without_the_extra_the_import_works_and_start_says_what_to_install():
    # A process of its own, in which uvicorn cannot be imported.
    program = """
import sys
sys.modules["uvicorn"] = None
sys.modules["starlette"] = None
from growlytics_pandas.sandbox import Sandbox
from growlytics_pandas.errors import MissingDependencyError
try:
    Sandbox().start()
except MissingDependencyError as problem:
    print(problem)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)

    assert 'pip install "growlytics-pandas[sandbox]"' in done.stdout
    assert done.stderr == ""
