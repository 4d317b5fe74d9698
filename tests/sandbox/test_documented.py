"""The sandbox responds and stores as the service is documented to."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pandas as pd
import pytest
import requests
from support.sandbox_http import PUBLISHED, TIMEOUT_SECONDS, assert_refused, attribute, customer

from growlytics_pandas import contract
from growlytics_pandas.sandbox.responses import MAX_BODY_BYTES


def test_success_is_byte_for_byte_as_documented(post):
    reply = post(PUBLISHED)

    assert (reply.status_code, reply.content) == (200, b'{"success":true}')


def test_customer_reads_back_as_sent(post, sandbox):
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


def test_customers_have_one_row_each_and_dtypes(post, sandbox):
    post(PUBLISHED)
    post(customer("other", attribute("Total Orders", "number", 7)))

    frame = sandbox.customers()

    assert frame["id"].tolist() == ["john@gmail.com", "other"]
    assert frame.columns.tolist() == ["id", "name", "Total Orders", "isPremium", "Last Order"]
    assert str(frame["Total Orders"].dtype) == "Int64"
    assert str(frame["isPremium"].dtype) == "boolean"
    assert frame["Last Order"].iloc[0] == pd.Timestamp("2023-01-31 10:20:30")
    assert frame.loc[1, ["name", "isPremium", "Last Order"]].isna().all()


def test_new_sandbox_frames_have_their_columns(sandbox):
    assert sandbox.customers().columns.tolist() == ["id"]
    assert sandbox.attribute_types().columns.tolist() == ["attribute", "type", "first_seen"]
    columns = ["id", "attribute", "type", "value", "reason", "known_type", "when"]
    assert sandbox.ignored().columns.tolist() == columns


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.1", 0.1),
        ("0.10", 0.1),
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
    shown = sandbox.customers()["n"].iloc[0]
    assert shown == expected or Decimal(str(shown)) == expected


def test_unreadable_number_comes_back_as_text(post, sandbox):
    post('{"id":"a","attributes":[{"name":"n","type":"number","value":1e99999999999999999999}]}')

    assert sandbox.stored() == {"a": {"n": "1e99999999999999999999"}}


def test_dates_reach_from_year_1_to_9999(post, sandbox):
    for identifier, date in [("a", "0001-01-01 00:00:00"), ("b", "9999-12-31 23:59:59")]:
        post(customer(identifier, attribute("d", "date", date)))

    assert sandbox.customers()["d"].dt.year.tolist() == [1, 9999]


def test_known_id_is_updated_by_attribute(post, sandbox):
    post(customer("a", attribute("x", "number", 1), attribute("y", "number", 2)))
    post(customer("a", attribute("y", "number", 3)))
    post(customer("A", attribute("y", "number", 4)))

    assert sandbox.stored() == {"a": {"x": 1, "y": 3}, "A": {"y": 4}}


def test_missing_attributes_make_a_bare_customer(post, sandbox):
    assert post({"id": "a"}).content == b'{"success":true}'
    assert sandbox.stored() == {"a": {}}


def test_attribute_called_id_is_separate(post, sandbox):
    post(customer("a", attribute("id", "number", 7)))

    assert sandbox.customers().to_dict("list") == {"id": ["a"], "id (attribute)": [7]}


@pytest.mark.parametrize(
    "key", [{contract.KEY_HEADER: "wrong"}, {contract.KEY_HEADER: None}, {contract.KEY_HEADER: ""}]
)
def test_wrong_or_missing_key_is_401(post, sandbox, key):
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
    ],
    ids=lambda body: repr(body[:60]),
)
def test_invalid_customer_is_400(post, sandbox, body):
    assert_refused(post(body), 400)
    assert sandbox.stored() == {}
    assert sandbox.ignored().empty


def test_surrogate_pair_is_one_character(post, sandbox):
    post(rb'{"id":"a","attributes":[{"name":"n","type":"string","value":"\ud83c\udf89"}]}')

    assert sandbox.stored() == {"a": {"n": "🎉"}}


def test_body_over_a_mebibyte_is_413(post, sandbox):
    too_large = customer("a", attribute("n", "string", "x" * MAX_BODY_BYTES))

    assert_refused(post(too_large), 413)
    assert sandbox.stored() == {}


def test_body_in_pieces_is_read_whole(sandbox, session):
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
def test_another_path_is_404(sandbox, session, path):
    assert_refused(session.post(sandbox.base_url + path, json=PUBLISHED, timeout=TIMEOUT_SECONDS), 404)
    assert sandbox.requests == 0


def test_non_http_bytes_leave_the_server_alive(post, sandbox, capfd):
    address = ("127.0.0.1", int(sandbox.base_url.rsplit(":", 1)[1]))
    with socket.create_connection(address, timeout=TIMEOUT_SECONDS) as raw:
        raw.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert b"400" in raw.recv(4096)

    assert post(PUBLISHED).status_code == 200
    assert capfd.readouterr() == ("", "")


def test_reset_forgets_everything(post, sandbox):
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
