"""`pytest --live` itself: it sends the requests that it announced, detects a service that deviates, and never shows the key."""

import os
import pathlib
import re
import socket
import subprocess
import sys

import pytest
from support.wire_server import SUCCESS, Server, accept, message, say

from growlytics_pandas import Sandbox
from growlytics_pandas.sandbox import Faults

ROOT = pathlib.Path(__file__).parents[1]
KEY = "hunted-live-41c7e0d2a9"
LOUD = ("-vv", "--showlocals", "--tb=long", "--full-trace")

pytestmark = pytest.mark.slow


def live(url, *options, key=KEY):
    """Run `pytest --live` as a user would, against a server on this machine; return status and all it printed."""
    settings = {"GROWLYTICS_BASE_URL": url} | ({"GROWLYTICS_API_KEY": key} if key else {})
    command = [sys.executable, "-m", "pytest", "--live", "-p", "no:cacheprovider", "tests/test_live_contract.py"]
    run = subprocess.run(
        [*command, *options], cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False
    )
    printed = run.stdout + run.stderr
    assert KEY not in printed
    return run.returncode, printed


def failed(printed):
    return set(re.findall(r"^FAILED \S+::(\w+)", printed, re.MULTILINE))


@pytest.fixture
def serve():
    started = []

    def start(answer):
        started.append(Server(answer))
        return f"http://localhost:{started[-1].port}"

    yield start
    for server in started:
        server.close()


def test_sends_the_announced_requests():
    """At the end, it lists what to check in the dashboard."""
    with Sandbox(api_key=KEY) as box:
        status, printed = live(box.base_url, "-q")
        assert (status, box.requests) == (0, 17)  # a sandbox does not count the path that is not there
        announced = re.findall(r"^live request (\d+) of 18: .+$", printed, re.MULTILINE)
        assert announced == [str(n) for n in range(1, 19)], "each beforehand, without -s"
        prefix = re.search(r"ids begin with (\S+),", printed)[1]
        assert all(customer.startswith(prefix) for customer in box.stored())
        assert max(len(customer) for customer in box.stored() if not customer.endswith("-too-long")) == 40
        for customer, stored in box.stored().items():
            for name, value in stored.items():
                assert f"- {customer}: {name!r} is {repr(value)[:40]}" in printed
    assert "live: 18 of 18 requests sent" in printed
    assert "18 passed" in printed


def test_one_test_announces_its_requests():
    with Sandbox(api_key=KEY) as box:
        status, printed = live(box.base_url, "-k", "an_unknown_key")
        assert (status, box.requests) == (0, 1)
    assert "LIVE: 1 request(s)" in printed


def test_missing_key_is_a_usage_error():
    status, printed = live("http://localhost:1", key=None)
    assert status == pytest.ExitCode.USAGE_ERROR
    assert "--live: no API key: set the environment variable GROWLYTICS_API_KEY" in printed


def test_failure_responses_are_detected():
    with Sandbox(api_key=KEY, faults=Faults(success_false=1.0)) as box:
        status, printed = live(box.base_url, *LOUD)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert {
        "test_success_is_json_with_success_true",
        "test_an_unknown_key_is_401_or_403",
        "test_name_of_49_characters_is_accepted",
    } <= failed(printed)


def test_other_success_format_is_detected(serve):
    status, printed = live(serve(say(message(200, b'{"status":"ok"}'))), *LOUD)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "test_success_is_json_with_success_true" in failed(printed)


def test_missing_refusals_are_detected(serve):
    """A service that accepts everything fails the tests of refusals, and no others."""
    _, printed = live(serve(accept))
    assert failed(printed) == {
        "test_an_unknown_key_is_401_or_403",
        "test_wrong_path_is_a_redirect_404_or_405",
        "test_invalid_body_rejects_the_row",
    }


def test_strict_types_are_detected(serve):
    """A service that refuses a value of another type fails the tests of types only."""

    def strict(sock, request):
        head, body = request
        refused = b"/no-such" in head or b"two" in body or b'"id"' not in body
        status = 401 if b"no-such-key" in head else 404 if b"no-such-path" in head else 400 if refused else 200
        sock.sendall(message(status, SUCCESS if status == 200 else b'{"success":false,"message":"no"}'))
        return True

    _, printed = live(serve(strict))
    assert failed(printed) == {
        "test_value_of_another_type_is_ignored",
        "test_first_value_fixes_the_type",
    }


def test_connection_failure_is_reported():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    _, printed = live(f"http://localhost:{port}", *LOUD, "-x")
    assert "could not connect" in printed
