import os
import signal
import stat
from pathlib import Path

import pytest
from hypothesis import settings

from growlytics_pandas import Client, Ledger, Sandbox
from growlytics_pandas.sandbox import Faults

settings.register_profile("busy", deadline=None)  # a machine under load is no failure
settings.load_profile("busy")

pytest_plugins = ["support.live_service"]  # the option --live


@pytest.fixture(autouse=True, scope="session")
def _interrupts_are_enabled():
    """A shell starts background processes with interrupts ignored; tests send interrupts, also to their subprocesses."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch, tmp_path_factory):
    """No test sees the developer's key, URL or ledger, and none leaves a ledger behind."""
    for variable in ("GROWLYTICS_API_KEY", "GROWLYTICS_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("GROWLYTICS_LEDGER", str(tmp_path_factory.mktemp("ledger") / "ledger.db"))


@pytest.fixture
def sandbox():
    with Sandbox() as running:
        yield running


@pytest.fixture
def path(tmp_path):
    """The path of a test's ledger."""
    return tmp_path / "ledger.sqlite3"


@pytest.fixture
def ledger(path):
    with Ledger(path) as ledger:
        yield ledger


@pytest.fixture
def client(sandbox, path):
    """Make a client of the sandbox with its ledger at `path`."""
    return Client(sandbox.api_key, sandbox.base_url, ledger=path)


@pytest.fixture
def faulty():
    """Make sandboxes with faults; stopped after the test."""
    started = []

    def start(**faults):
        started.append(Sandbox(faults=Faults(**faults)).start())
        return started[-1]

    yield start
    for box in started:
        box.stop()


@pytest.fixture
def null_device(tmp_path):
    """A disposable null device: as root, a failing test could replace the machine's own."""
    if not hasattr(os, "geteuid"):
        pytest.skip("no devices here")
    if os.geteuid() != 0:
        return Path("/dev/null")  # nobody but root can harm it
    node = tmp_path / "null"
    try:
        os.mknod(node, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        node.write_text("gone")
    except OSError as error:
        pytest.skip(f"no device can be made here: {error}")
    return node
