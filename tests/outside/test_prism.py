"""A validating proxy by others, fed with our OpenAPI document, lets every request of a push through."""

import contextlib
import socket
import subprocess
import time

import pytest
import requests

import growlytics_pandas as gp
from growlytics_pandas import Client, contract

pytestmark = pytest.mark.outside

PACKAGE = "@stoplight/prism-cli@5.14.2"  # the newest that runs on Node 18 and 20
N_ROWS = 5000
START_SECONDS = 30
TIMEOUT_SECONDS = 10


def free_port():
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def prism(npm, running, quiet_environment, tmp_path_factory):
    """The URL of a prism that refuses, in the sandbox's place, whatever its document forbids."""
    folder = tmp_path_factory.mktemp("prism")
    program = npm("prism", PACKAGE) / "node_modules" / ".bin" / "prism"
    document = folder / "openapi.json"
    document.write_bytes(requests.get(running.base_url + "/openapi.json", timeout=TIMEOUT_SECONDS).content)
    port = free_port()
    options = ["--errors", "--host", "127.0.0.1", "--port", str(port), "--verboseLevel", "error"]
    command = [program, "proxy", document, running.base_url, *options]
    with (folder / "prism.log").open("wb") as log:
        process = subprocess.Popen(command, env=quiet_environment, stdout=log, stderr=log)
    try:
        wait_for(port, process, folder / "prism.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def wait_for(port, process, log):
    end = time.monotonic() + START_SECONDS
    while True:
        with contextlib.closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)


def test_requests_of_a_dirty_push_are_valid(prism, sandbox):
    client = Client(sandbox.api_key, prism, ledger=None)
    plan = gp.plan(gp.sample_customers(N_ROWS, dirty=True), "customer_id", client=client)
    start = time.monotonic()
    result = plan.push(errors="drop", progress=False)
    print(f"{sandbox.requests} requests through prism in {time.monotonic() - start:.1f} s")

    assert result.counts["accepted"] == plan.counts["unsent"] > N_ROWS - 50
    assert result.counts["failed"] == result.counts["unknown"] == 0
    assert len(sandbox.stored()) == result.counts["accepted"]
    assert sandbox.ignored().empty


@pytest.mark.parametrize(
    "attribute",
    [
        {"name": "Orders", "type": "number", "value": "3"},
        {"name": "mobile", "type": "number", "value": 9919211112},
        {"name": "n" * 50, "type": "string", "value": "x"},
        {"name": "Last Order", "type": "date", "value": "2026-01-31T18:30:00Z"},
        {"name": "City", "type": "text", "value": "Pune"},
    ],
    ids=lambda attribute: attribute["name"][:20],
)
def test_a_wrong_request_is_rejected(prism, sandbox, attribute):
    reply = requests.post(
        prism + contract.CUSTOMER_PATH,
        json={"id": "a", "attributes": [attribute]},
        headers={contract.KEY_HEADER: sandbox.api_key},
        timeout=TIMEOUT_SECONDS,
    )

    assert (reply.status_code, sandbox.requests) == (422, 0)
