"""`pytest --live`: the contract tests use the real service instead of a sandbox, and print each request beforehand."""

import json
import secrets
import time
from datetime import UTC, datetime

import pytest

from growlytics_pandas import Client, Sandbox
from growlytics_pandas.errors import GrowlyticsError
from growlytics_pandas.http.retry import classify, describe, parse_retry_after

CLIENTS = pytest.StashKey()
SERVICE = pytest.StashKey()
MADE_UP_KEY = "growlytics-pandas-contract-no-such-key"
WRONG_PATH = "/growlytics-pandas-contract-no-such-path"
POLL_SECONDS = 5.0
LOOK_CHARS = 40  # of a value that the user must check


class Service:
    """The service under test: a sandbox, or the real one.

    The key stays inside clients, which hide it from tracebacks. The real service has no way to read a customer back:
    what `shows` asserts on the sandbox becomes a line with what the user should check in the dashboard.
    """

    def __init__(self, clients, sandbox=None, say=None):
        self.clients, self.sandbox, self.say = clients, sandbox, say
        # 38 characters: with "-a" it has the 40 of the longest id that the vendor's pages allow.
        self.prefix = f"growlytics-pandas-contract-{datetime.now(UTC):%y%m%d}-{secrets.token_hex(2)}"
        self.planned, self.allowed, self.sent = 0, 0, 0
        self.test, self.to_check = "", {}

    def id(self, letter):
        return f"{self.prefix}-{letter}"

    def ask(self, body, why, client="right"):
        """Send one body once, without retries and redirects."""
        assert self.sent < self.allowed, "a test asks more often than its mark says"
        self.sent += 1
        if self.say:
            self.say(f"live request {self.sent} of {self.planned}: {why}")
        reply = send(self.clients[client], json.dumps(body).encode())
        assert reply.fault is None, f"no answer: {describe(reply)}"
        assert reply.retry_after is None or parse_retry_after(reply.retry_after, time.time()) is not None
        return reply

    def shows(self, letter, **attributes):
        """The attributes of a customer that the service has now; None: no such attribute."""
        if self.sandbox is None:
            # The last value of an attribute is the one that the user sees in the dashboard.
            self.to_check |= {(self.id(letter), name): (value, self.test) for name, value in attributes.items()}
            return
        stored = self.sandbox.stored()[self.id(letter)]
        assert {name: stored.get(name) for name in attributes} == attributes


def send(client, body):
    transport = client._connection.open_transport(1)
    try:
        transport.submit(0, body)
        replies = []
        while not replies:
            replies = transport.poll(POLL_SECONDS)  # the client's own time limit ends the wait
        return replies[0]
    finally:
        transport.close()


def make_clients(**settings):
    """A correct client; one with an unknown key; one that posts to a path that does not exist."""
    right = Client(**settings, ledger=None)
    lost = settings | {"base_url": right.base_url + WRONG_PATH}
    return {
        "right": right,
        "stranger": Client(MADE_UP_KEY, right.base_url, ledger=None),
        "lost": Client(**lost, ledger=None),
    }


def verdict(reply):
    return classify(reply).name


def pytest_addoption(parser):
    parser.addoption("--live", action="store_true", help="run the contract tests, and only them, on the real service")


def pytest_configure(config):
    config.addinivalue_line("markers", "asks(n): a contract test that sends so many requests")
    if config.option.live:
        try:
            config.stash[CLIENTS] = make_clients()  # here, before the tests hide the environment
        except GrowlyticsError as error:
            raise pytest.UsageError(f"--live: {error}") from None


def pytest_collection_modifyitems(config, items):
    if config.option.live:
        others = [item for item in items if "service" not in item.fixturenames]
        items[:] = [item for item in items if "service" in item.fixturenames]
        config.hook.pytest_deselected(items=others)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session):
    config = session.config
    if not config.option.live:
        return
    reporter = config.pluginmanager.get_plugin("terminalreporter")

    capturing = config.pluginmanager.get_plugin("capturemanager")

    def say(text):
        with capturing.global_and_fixture_disabled():
            if reporter._tw.width_of_current_line:
                reporter.write_line("")
            reporter.write_line(text)

    service = config.stash[SERVICE] = Service(config.stash[CLIENTS], say=say)
    service.planned = sum(requests_of(item) for item in session.items)
    service.planned += any("first_answer" in item.fixturenames for item in session.items)
    say(f"LIVE: {service.planned} request(s) to {service.clients['right'].base_url}, into the project of your key.")
    say(f"They write customers whose ids begin with {service.prefix}, and attributes that begin with 'gp contract'.")


def pytest_terminal_summary(terminalreporter, config):
    service = config.stash.get(SERVICE, None)
    if not config.option.live or service is None:
        return
    terminalreporter.section(f"live: {service.sent} of {service.planned} requests sent")
    if service.to_check:
        terminalreporter.write_line("The responses do not show the rest. Check in the dashboard that:")
    for (customer, name), (value, test) in service.to_check.items():
        shown = "is absent" if value is None else f"is {shorten(value)}"
        terminalreporter.write_line(f"- {customer}: {name!r} {shown} ({test})")
    terminalreporter.write_line(f"Then delete the customers {service.prefix}-…")


def shorten(value):
    shown = repr(value)
    return shown if len(shown) <= LOOK_CHARS else f"{shown[:LOOK_CHARS]}… ({len(value)} characters)"


def requests_of(item):
    mark = item.get_closest_marker("asks")
    return mark.args[0] if mark else 0


@pytest.fixture(scope="session")
def endpoint(pytestconfig):
    """The real service with --live, else a sandbox: the tests are the same for both."""
    if pytestconfig.option.live:
        yield pytestconfig.stash[SERVICE]
        return
    with Sandbox() as sandbox:
        yield Service(make_clients(api_key=sandbox.api_key, base_url=sandbox.base_url), sandbox)


@pytest.fixture
def service(endpoint, request):
    endpoint.allowed = endpoint.sent + requests_of(request.node)
    endpoint.test = request.node.name.removeprefix("test_").replace("_", " ")
    return endpoint
