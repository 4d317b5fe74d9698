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


def test_it_sends_the_requests_that_it_announced_and_says_what_to_look_at():
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


def test_a_single_test_announces_only_its_own_requests():
    with Sandbox(api_key=KEY) as box:
        status, printed = live(box.base_url, "-k", "an_unknown_key")
        assert (status, box.requests) == (0, 1)
    assert "LIVE: 1 request(s)" in printed


def test_without_a_key_it_is_a_usage_error_that_names_the_remedy():
    status, printed = live("http://localhost:1", key=None)
    assert status == pytest.ExitCode.USAGE_ERROR
    assert "--live: no API key: set the environment variable GROWLYTICS_API_KEY" in printed


def test_a_service_that_says_no_is_found():
    with Sandbox(api_key=KEY, faults=Faults(success_false=1.0)) as box:
        status, printed = live(box.base_url, *LOUD)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert {
        "test_success_is_json_whose_success_is_true",
        "test_an_unknown_key_is_401_or_403",
        "test_a_name_of_49_characters_is_taken",
    } <= failed(printed)


def test_another_form_of_success_is_found(serve):
    status, printed = live(serve(say(message(200, b'{"status":"ok"}'))), *LOUD)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "test_success_is_json_whose_success_is_true" in failed(printed)


def test_a_service_that_takes_everything_fails_the_tests_of_refusals_and_no_other(serve):
    _, printed = live(serve(accept))
    assert failed(printed) == {
        "test_an_unknown_key_is_401_or_403",
        "test_a_path_that_is_not_there_is_a_redirect_404_or_405",
        "test_a_body_that_is_no_customer_is_refused_without_blame_on_key_or_url",
    }


def test_a_service_that_refuses_another_type_fails_the_tests_of_types(serve):
    def strict(sock, request):
        head, body = request
        refused = b"/no-such" in head or b"two" in body or b'"id"' not in body
        status = 401 if b"no-such-key" in head else 404 if b"no-such-path" in head else 400 if refused else 200
        sock.sendall(message(status, SUCCESS if status == 200 else b'{"success":false,"message":"no"}'))
        return True

    _, printed = live(serve(strict))
    assert failed(printed) == {
        "test_a_value_of_another_type_is_answered_with_success_and_ignored",
        "test_the_first_type_of_an_attribute_holds_for_all_customers",
    }


def test_where_nobody_listens_the_words_say_so():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    _, printed = live(f"http://localhost:{port}", *LOUD, "-x")
    assert "could not connect" in printed
