"""Each fault occurs on the wire, is counted, and writes only what it documents."""

import json
import math
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime

import pytest
import requests
from support.sandbox_http import TIMEOUT_SECONDS

from growlytics_pandas import contract
from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.sandbox import Faults, parse_faults
from growlytics_pandas.sandbox.faults import FaultDeck

WRITTEN = {"a": {"n": 1}}


@pytest.fixture
def session():
    with requests.Session() as session:
        session.trust_env = False
        yield session


def post(session, sandbox, identifier="a", **options):
    return session.post(
        sandbox.base_url + contract.CUSTOMER_PATH,
        json={"id": identifier, "attributes": [{"name": "n", "type": "number", "value": 1}]},
        headers={contract.KEY_HEADER: sandbox.api_key},
        **{"timeout": TIMEOUT_SECONDS, "allow_redirects": False} | options,
    )


def open_with_a_request_sent(sandbox):
    """Return a raw connection on which one good request was sent."""
    body = json.dumps({"id": "a", "attributes": [{"name": "n", "type": "number", "value": 1}]})
    host, port = sandbox.base_url.removeprefix("http://").split(":")
    raw = socket.create_connection((host, int(port)), timeout=TIMEOUT_SECONDS)
    raw.sendall(
        f"POST {contract.CUSTOMER_PATH} HTTP/1.1\r\nHost: {host}\r\n{contract.KEY_HEADER}: {sandbox.api_key}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    return raw


def wait_until(condition):
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_no_faults_by_default(faulty, session):
    sandbox = faulty()
    assert post(session, sandbox).content == b'{"success":true}'
    assert sandbox.faulted() == {}
    assert sandbox.faulted()["hang"] == 0


def test_status_fault_is_json_and_writes_nothing(faulty, session):
    sandbox = faulty(status={500: 1.0})
    reply = post(session, sandbox)

    assert (reply.status_code, reply.json()["success"]) == (500, False)
    assert "retry-after" not in reply.headers
    assert sandbox.stored() == {}
    assert sandbox.faulted() == {"status.500": 1}


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_alternates_seconds_and_date(faulty, session, status):
    sandbox = faulty(status={status: 1.0}, retry_after=7)
    before = time.time()

    seconds, date = (post(session, sandbox).headers["retry-after"] for _ in range(2))

    assert seconds == "7"
    assert before + 7 <= parsedate_to_datetime(date).timestamp() <= time.time() + 8
    assert sandbox.faulted() == {f"status.{status}": 2}


def test_rate_limit_is_429_for_the_excess(faulty, session):
    sandbox = faulty(rate_limit=20)  # a burst of two
    replies = [post(session, sandbox, str(number)) for number in range(10)]

    accepted = [reply for reply in replies if reply.status_code == 200]
    limited = [reply for reply in replies if reply.status_code == 429]
    assert len(accepted) >= 2
    assert limited
    assert len(accepted) + len(limited) == 10
    assert {reply.headers["retry-after"] for reply in limited} == {"1"}
    assert len(sandbox.stored()) == len(accepted)
    assert sandbox.faulted() == {"rate_limit": len(limited)}


def test_rate_limit_holds_over_time():
    now = 0.0
    deck = FaultDeck(Faults(rate_limit=100), lambda: now)
    passed = 0
    for _ in range(1000):  # five seconds at twice the rate
        passed += not deck.deal().name
        now += 0.005

    assert passed == pytest.approx(500, abs=12)


@pytest.mark.parametrize(("fault", "written"), [("reset_before", {}), ("reset_after", WRITTEN)])
def test_reset_is_a_tcp_reset(faulty, fault, written):
    sandbox = faulty(**{fault: 1.0})
    with open_with_a_request_sent(sandbox) as raw, pytest.raises(ConnectionResetError):
        raw.recv(4096)

    assert sandbox.stored() == written
    assert sandbox.faulted() == {fault: 1}


@pytest.mark.parametrize(("hang_writes", "written"), [(False, {}), (True, WRITTEN)])
def test_a_hang_never_answers(faulty, session, hang_writes, written):
    sandbox = faulty(hang=1.0, hang_writes=hang_writes)
    with pytest.raises(requests.ReadTimeout):
        post(session, sandbox, timeout=0.2)

    assert sandbox.stored() == written
    assert sandbox.faulted() == {"hang": 1}


@pytest.mark.parametrize("fault", [{"hang": 1.0}, {"latency": 60.0}])
def test_stop_does_not_wait_for_hanging_requests(faulty, fault):
    sandbox = faulty(**fault)
    with open_with_a_request_sent(sandbox) as raw:
        wait_until(lambda: sandbox.requests == 1)
        before = time.monotonic()
        sandbox.stop()

        assert time.monotonic() - before < 2
        assert raw.recv(4096) == b""


def test_truncation_cuts_body_or_json_in_turn(faulty, session):
    sandbox = faulty(truncate=1.0)
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError), match="IncompleteRead"):
        post(session, sandbox)
    cut = post(session, sandbox)

    assert cut.status_code == 200
    assert len(cut.content) == int(cut.headers["content-length"])
    with pytest.raises(ValueError, match=r"JSON|Unterminated|Expecting"):
        cut.json()
    assert sandbox.stored() == WRITTEN
    assert sandbox.faulted() == {"truncate": 2}


def test_html_with_200_writes_nothing(faulty, session):
    sandbox = faulty(html=1.0)
    reply = post(session, sandbox)

    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/html")
    assert reply.text.startswith("<!doctype html>")
    assert sandbox.stored() == {}
    assert sandbox.faulted() == {"html": 1}


def test_success_false_with_200_writes_nothing(faulty, session):
    sandbox = faulty(success_false=1.0)
    reply = post(session, sandbox)

    assert (reply.status_code, reply.json()["success"]) == (200, False)
    assert sandbox.stored() == {}
    assert sandbox.faulted() == {"success_false": 1}


def test_redirect_sends_every_request_elsewhere(faulty, session):
    elsewhere = faulty()
    sandbox = faulty(redirect=elsewhere.base_url + contract.CUSTOMER_PATH, status={500: 1.0})
    reply = post(session, sandbox)

    assert (reply.status_code, reply.headers["location"]) == (302, elsewhere.base_url + contract.CUSTOMER_PATH)
    assert sandbox.stored() == {}
    assert sandbox.faulted() == {"redirect": 1}
    assert elsewhere.requests == 0


def test_latency_delays_each_response_alone(faulty):
    sandbox = faulty(latency=(0.1, 0.2))

    def timed(number):
        with requests.Session() as session:
            session.trust_env = False
            before = time.monotonic()
            assert post(session, sandbox, str(number)).status_code == 200
            return time.monotonic() - before

    before = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        took = list(pool.map(timed, range(8)))

    assert min(took) >= 0.1
    assert time.monotonic() - before < 8 * 0.1


def fates(count=2000, **faults):
    deck = FaultDeck(Faults(**faults), time.monotonic)
    return [deck.deal().name for _ in range(count)]


def test_same_seed_gives_the_same_faults():
    faults = {"status": {500: 0.1, 429: 0.1}, "reset_after": 0.1, "hang": 0.1}

    assert fates(seed=1, **faults) == fates(seed=1, **faults)
    assert fates(seed=1, **faults) != fates(seed=2, **faults)
    assert fates(seed=1, **faults) == fates(seed=1, latency=(0.0, 1.0), **faults)


def test_shares_are_kept():
    dealt = fates(20_000, html=0.05, truncate=0.2)

    assert dealt.count("html") / len(dealt) == pytest.approx(0.05, abs=0.01)
    assert dealt.count("truncate") / len(dealt) == pytest.approx(0.2, abs=0.015)


def test_reset_restarts_the_fault_sequence(faulty, session):
    sandbox = faulty(seed=3, status={500: 0.5})

    def statuses():
        return [post(session, sandbox).status_code for _ in range(20)]

    first = statuses()
    sandbox.reset()

    assert sandbox.faulted() == {}
    assert statuses() == first
    assert set(first) == {200, 500}
    assert sandbox.faulted() == {"status.500": first.count(500)}


def test_all_faults_at_once_are_accounted_for(faulty):
    shares = {"reset_before": 0.1, "reset_after": 0.1, "truncate": 0.1, "html": 0.1, "success_false": 0.1}
    sandbox = faulty(seed=5, status={500: 0.1, 503: 0.1}, **shares)

    def push(number):
        with requests.Session() as session:
            session.trust_env = False
            try:
                return post(session, sandbox, str(number)).content == b'{"success":true}'
            except requests.RequestException:
                return False

    with ThreadPoolExecutor(8) as pool:
        accepted = sum(pool.map(push, range(200)))

    played = sandbox.faulted()
    assert sandbox.requests == 200
    assert accepted + played.total() == 200
    assert len(sandbox.stored()) == accepted + played["reset_after"] + played["truncate"]


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        ({"hang": 1.5}, r"^hang: found 1\.5; it must be a share between 0 and 1\.$"),
        ({"hang": -0.1}, "hang"),
        ({"html": math.nan}, "html"),
        ({"hang": 0.6, "html": 0.6}, r"1\.2 in total; it must be at most 1"),
        ({"status": {200: 0.1}}, "300 to 599"),
        ({"status": {500: 2}}, r"status\.500"),
        ({"latency": -1}, "latency"),
        ({"latency": (2, 1)}, "latency"),
        ({"latency": math.inf}, "latency"),
        ({"latency": "5"}, r"^latency: found '5'; it must be seconds"),
        ({"latency": (1, 2, 3)}, r"^latency: found \(1, 2, 3\); .* or a \(low, high\) pair"),
        ({"latency": [0, 1]}, "latency"),
        ({"hang": "0.1"}, r"^hang: found '0\.1'; it must be a share"),
        ({"status": 503}, r"^status: found 503; it must be .*such as \{503: 0\.1\}"),
        ({"status": {503: "often"}}, r"^status\.503: found 'often'"),
        ({"status": {"503": 0.1}}, r"^status: found \{'503': 0\.1\}; it must be HTTP statuses 300 to 599"),
        ({"seed": "a"}, "seed"),
        ({"rate_limit": "5"}, "rate_limit"),
        ({"rate_limit": math.inf}, "rate_limit"),
        ({"retry_after": "1"}, "retry_after"),
        ({"retry_after": math.inf}, "retry_after"),
        ({"hang_writes": "no"}, "hang_writes"),
        ({"redirect": 5}, "redirect"),
        ({"rate_limit": 0}, "rate_limit"),
        ({"retry_after": 0.5}, "retry_after"),
        ({"redirect": "ftp://x"}, "redirect"),
        ({"redirect": "http://x/\r\nx: y"}, "redirect"),
    ],
    ids=repr,
)
def test_impossible_faults_are_refused_by_name(faults, message):
    with pytest.raises(InvalidArgumentError, match=message):
        Faults(**faults)


def test_shares_may_fill_up_to_exactly_one():
    assert "" not in fates(html=0.1, hang=0.2, truncate=0.3, status={500: 0.4})


@pytest.mark.parametrize(
    ("line", "faults"),
    [
        ("", Faults()),
        ("latency=0.05,status.503=0.02", Faults(latency=0.05, status={503: 0.02})),
        (" latency=0.01..0.05 , seed=7 ", Faults(latency=(0.01, 0.05), seed=7)),
        ("hang=.5,hang_writes=true,retry_after=0", Faults(hang=0.5, hang_writes=True, retry_after=0)),
        ("rate_limit=500,redirect=http://x/?a=b", Faults(rate_limit=500, redirect="http://x/?a=b")),
    ],
)
def test_faults_can_be_read_from_one_line(line, faults):
    assert parse_faults(line) == faults


@pytest.mark.parametrize(
    "line", ["hung=0.1", "status=0.1", "hang", "hang=often", "status.x=1", "hang_writes=1", "seed=a"]
)
def test_unknown_fault_lists_what_is_allowed(line):
    with pytest.raises(InvalidArgumentError, match=r": found .*; it must be "):
        parse_faults(line)


def test_client_that_leaves_does_not_stop_server(faulty, session):
    sandbox = faulty(seed=0, latency=0.05)
    threads = threading.active_count()
    for _ in range(5):
        open_with_a_request_sent(sandbox).close()

    wait_until(lambda: sandbox.requests == 5)
    assert post(session, sandbox).content == b'{"success":true}'
    assert threading.active_count() == threads
