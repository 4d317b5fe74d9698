"""The sandbox's file outlives the server, even if killed, and the command serves until it is stopped."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pandas as pd
import pytest
import requests
from support.sandbox_http import TIMEOUT_SECONDS

import growlytics_pandas
from growlytics_pandas import Client, contract
from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.sandbox import DEFAULT_API_KEY, Sandbox, SandboxStore

COMMAND = """
import argparse, sys
from growlytics_pandas.sandbox.command import add_arguments, run
parser = argparse.ArgumentParser()
add_arguments(parser)
sys.exit(run(parser.parse_args()))
"""


class Command:
    """A sandbox in a process of its own."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", COMMAND, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines = [self.process.stdout.readline().strip() for _ in range(4)]
        self.base_url = self.lines[1].removeprefix("export GROWLYTICS_BASE_URL=")
        self.ledger = self.lines[3].removeprefix("export GROWLYTICS_LEDGER=")

    def end(self, number):
        """Send a signal; return exit status and what else was printed."""
        self.process.send_signal(number)
        rest = self.process.communicate(timeout=TIMEOUT_SECONDS)
        return self.process.returncode, "".join(rest)


@pytest.fixture
def command():
    started = []

    def run(*arguments):
        started.append(Command(*arguments))
        return started[-1]

    yield run
    for one in started:
        one.process.kill()
        one.process.communicate()


@pytest.fixture
def session():
    with requests.Session() as session:
        session.trust_env = False
        yield session


def post(session, base_url, identifier, value, kind="number"):
    reply = session.post(
        base_url + contract.CUSTOMER_PATH,
        json={"id": identifier, "attributes": [{"name": "n", "type": kind, "value": value}]},
        headers={contract.KEY_HEADER: DEFAULT_API_KEY},
        timeout=TIMEOUT_SECONDS,
    )
    assert reply.content == b'{"success":true}'


def test_file_survives_restarts(tmp_path, session):
    path = tmp_path / "sandbox.db"
    with Sandbox(db=path) as first:
        post(session, first.base_url, "a", 1)
    with Sandbox(db=str(path)) as second:
        post(session, second.base_url, "a", "text", kind="string")
        assert second.stored() == {"a": {"n": 1}}

    assert second.stored() == {"a": {"n": 1}}  # a stopped sandbox with a file can still be read
    assert second.ignored()["known_type"].tolist() == ["number"]


def test_file_can_be_read_during_writes(tmp_path, session):
    path = tmp_path / "sandbox.db"
    with Sandbox(db=path) as sandbox, SandboxStore(path) as reader:
        done = threading.Event()

        def write():
            for number in range(200):
                post(session, sandbox.base_url, f"c{number}", number)
            done.set()

        writer = threading.Thread(target=write)
        writer.start()
        seen = [0]
        while not done.is_set():
            stored = reader.stored()
            assert stored == {f"c{number}": {"n": number} for number in range(len(stored))}
            seen.append(len(stored))
        writer.join()

        assert seen == sorted(seen)
        assert len(reader.stored()) == 200
        assert reader.attribute_types()[["attribute", "type"]].values.tolist() == [["n", "number"]]


def test_accepted_data_survives_a_kill(tmp_path, command, session):
    path = tmp_path / "sandbox.db"
    server = command("--db", path)
    for number in range(50):
        post(session, server.base_url, f"c{number}", number)
    server.end(signal.SIGKILL)

    with SandboxStore(path) as store:
        assert store.stored() == {f"c{number}": {"n": number} for number in range(50)}
    with Sandbox(db=path) as again:
        assert len(again.customers()) == 50


def test_failed_write_is_500(tmp_path, session):
    path = tmp_path / "sandbox.db"
    with Sandbox(db=path) as sandbox:
        vandal = sqlite3.connect(path)
        vandal.execute("DROP TABLE ignored")
        vandal.close()
        reply = session.post(
            sandbox.base_url + contract.CUSTOMER_PATH,
            json={"id": "a", "attributes": [{"name": "n"}]},
            headers={contract.KEY_HEADER: sandbox.api_key},
            timeout=TIMEOUT_SECONDS,
        )

        assert (reply.status_code, reply.json()["success"]) == (500, False)
        assert "sandbox.db" in reply.json()["message"]
        assert sandbox.stored() == {}  # all or nothing
        post(session, sandbox.base_url, "b", 1)


def not_a_database(path):
    path.write_bytes(b"not a database, but long enough to be taken for a damaged one" * 20)


def another_programs(path):
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.close()


def of_a_later_version(path):
    SandboxStore(path).close()
    later = sqlite3.connect(path)
    later.execute("PRAGMA user_version = 99")
    later.close()


@pytest.mark.parametrize("spoil", [not_a_database, another_programs, of_a_later_version])
def test_foreign_file_is_refused_untouched(tmp_path, spoil):
    path = tmp_path / "other.db"
    spoil(path)
    before = path.read_bytes()

    with pytest.raises(InvalidArgumentError, match=r"other\.db.*new file"):
        Sandbox(db=path).start()

    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["other.db"]


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"nowhere.*existing folder"):
        SandboxStore(tmp_path / "nowhere" / "sandbox.db")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_prints_exports_and_stops(command, session, number):
    server = command("--port", 0, "--api-key", DEFAULT_API_KEY)
    assert server.lines == [
        f"Sandbox at {server.base_url} (open it in a browser to see the data; Ctrl-C stops it)",
        f"export GROWLYTICS_BASE_URL={server.base_url}",
        f"export GROWLYTICS_API_KEY={DEFAULT_API_KEY}",
        f"export GROWLYTICS_LEDGER={server.ledger}",
    ]
    post(session, server.base_url, "a", 1)

    assert server.end(number) == (0, "")
    with pytest.raises(requests.ConnectionError):
        post(session, server.base_url, "a", 1)


def test_ledger_belongs_to_the_data_not_the_port(command, tmp_path):
    frame = pd.DataFrame({"id": ["a"], "n": [1]})

    def push_once(*arguments):
        server = command(*arguments)
        client = Client(DEFAULT_API_KEY, server.base_url, ledger=server.ledger)
        result = growlytics_pandas.push(frame, "id", client=client, skip_unchanged=True, progress=False)
        client.ledger.close()
        assert server.end(signal.SIGTERM) == (0, "")
        return server, {name: count for name, count in result.counts.items() if count}

    first, counts = push_once()
    assert counts == {"accepted": 1}
    assert not Path(first.ledger).exists()

    kept = ("--db", tmp_path / "box.db", "--port", first.base_url.rpartition(":")[2])
    second, counts = push_once(*kept)
    assert (second.base_url, second.ledger) == (first.base_url, f"{tmp_path}/box.db.ledger")
    assert counts == {"accepted": 1}  # a new sandbox is empty, at whatever port
    assert push_once(*kept)[1] == {"unchanged": 1}


def test_command_accepts_faults(command, session):
    server = command("--faults", "status.503=1,retry_after=3")
    reply = session.post(server.base_url + contract.CUSTOMER_PATH, timeout=TIMEOUT_SECONDS)

    assert (reply.status_code, reply.headers["retry-after"]) == (503, "3")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--faults", "hung=1"], "hung"),
        (["--port", "99999"], "65535"),
        (["--db", os.sep], "cannot be the sandbox's database"),
    ],
)
def test_command_error_is_one_line(arguments, message):
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
