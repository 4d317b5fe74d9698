"""The ledger in a push: if it cannot be used, the push raises, and no row is lost."""

import os
import sqlite3
import subprocess
import sys

import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas import Client
from growlytics_pandas.errors import LedgerError, UsageError

PUSHER = """
import sys
import pandas as pd
import growlytics_pandas as gp

key, url, ledger, me = sys.argv[1:]
df = pd.DataFrame({"id": [f"{me}-{i}" for i in range(600)], "Shared": 1, f"Only {me}": range(600)})
client = gp.Client(key, url, ledger=ledger)
print("ready", flush=True)
sys.stdin.readline()
result = gp.push(df, "id", client=client, chunk_size=50, progress=False)
assert result.ok, result
"""


def customers(rows, prefix="c"):
    return pd.DataFrame({"id": [f"{prefix}{i}" for i in range(rows)], "Score": range(rows)})


def client_of(box, ledger):
    return Client(box.api_key, box.base_url, ledger=ledger)


def push(df, client, **options):
    return gp.push(df, "id", **{"client": client, "progress": False} | options)


def newer_version(path):
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


def no_database(path):
    path.write_bytes(b"this is no database, but it is long enough to look at " * 50)


def cut_in_half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def of_another_program(path):
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bills (total)")
    connection.close()


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (newer_version, "newer"),
        (no_database, "not an SQLite file"),
        (cut_in_half, "damaged"),
        (of_another_program, "another program"),
    ],
)
def test_unusable_ledger_sends_nothing(sandbox, path, damage, found):
    """The push stops before it sends; with ledger=None it works."""
    first = client_of(sandbox, path)
    push(customers(3), first)
    first.ledger.close()
    damage(path)
    with pytest.raises(LedgerError, match=found) as caught:
        push(customers(3), client_of(sandbox, path))
    assert str(path) in str(caught.value)
    assert caught.value.path == str(path)
    assert "ledger=None" in str(caught.value)
    assert sandbox.requests == 3
    assert push(customers(3), client_of(sandbox, None)).ok


def test_deleted_ledger_starts_again(sandbox, path):
    first = client_of(sandbox, path)
    push(customers(3), first)
    first.ledger.close()
    path.unlink()
    assert push(customers(3), client_of(sandbox, path), skip_unchanged=True).counts["accepted"] == 3


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="root may write anywhere")
def test_read_only_directory_is_an_error(sandbox, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(LedgerError, match="directory"):
        push(customers(1), client_of(sandbox, tmp_path / "ledger.sqlite3"))
    tmp_path.chmod(0o700)


def test_default_ledger_from_the_environment(sandbox, path, monkeypatch):
    monkeypatch.setenv("GROWLYTICS_LEDGER", str(path))
    push(customers(3), Client(sandbox.api_key, sandbox.base_url))
    assert path.exists()
    assert push(customers(3), client_of(sandbox, path), skip_unchanged=True).counts["unchanged"] == 3


def test_sandbox_has_its_own_ledger(sandbox, monkeypatch, path):
    monkeypatch.setenv("GROWLYTICS_LEDGER", str(path))
    push(customers(3), sandbox.client)
    assert not path.exists()
    assert push(customers(3), sandbox.client, skip_unchanged=True).counts["unchanged"] == 3


class Blocker:
    """Another program that takes the ledger's write lock at a push's first update, and keeps it."""

    def __init__(self, path):
        self.path = path
        self.connection = None

    def __call__(self, event):
        if event.kind == "update" and event.counts["accepted"] and self.connection is None:
            self.connection = sqlite3.connect(self.path, isolation_level=None)
            self.connection.execute("BEGIN IMMEDIATE")

    def release(self):
        self.connection.execute("ROLLBACK")
        self.connection.close()


@pytest.fixture
def impatient(monkeypatch):
    """A ledger that waits a tenth of a second for others, not thirty."""
    monkeypatch.setattr("growlytics_pandas.ledger.database.BUSY_TIMEOUT_SECONDS", 0.1)


def test_ledger_failure_stops_the_push(faulty, path, impatient):
    """The ledger fails midway; every row still has its status."""
    box = faulty(latency=0.02)
    client, df, blocker = client_of(box, path), customers(3000), Blocker(path)
    with pytest.raises(LedgerError, match="another process") as caught:
        push(df, client, chunk_size=100, progress=blocker)
    result = caught.value.result
    blocker.release()
    assert sum(result.counts.values()) == 3000
    assert result.counts["accepted"] > 0
    assert result.counts["unsent"] > 0
    stored = {f"c{row}" for row in result.outcomes.query("status == 'accepted'")["row"]}
    assert stored <= box.stored().keys()
    assert gp.last_result() is result
    rest = push(df, client_of(box, path), skip_unchanged=True)
    assert rest.ok
    assert {id_: row["Score"] for id_, row in box.stored().items()} == dict(zip(df["id"], df["Score"], strict=True))


def test_retry_after_a_ledger_failure(faulty, path, impatient):
    box = faulty(latency=0.02)
    client, df, blocker = client_of(box, path), customers(1500), Blocker(path)
    with pytest.raises(LedgerError) as caught:
        push(df, client, chunk_size=100, progress=blocker)
    blocker.release()
    assert caught.value.result.retry().ok
    assert push(df, client, skip_unchanged=True).counts["unchanged"] == 1500


def test_concurrent_push_is_refused(faulty, path):
    box = faulty(latency=0.05)
    client = client_of(box, path)
    errors = []

    def push_inside(event):
        if event.kind == "update":
            with pytest.raises(UsageError, match=r"another push.*running") as caught:
                push(customers(2, "other"), client)
            errors.append(caught.value)

    assert push(customers(100), client, progress=push_inside).ok
    assert errors
    assert not [id_ for id_ in box.stored() if id_.startswith("other")]
    assert push(customers(2, "other"), client).ok, "and afterwards it may"


@pytest.mark.slow
def test_two_processes_share_a_ledger(sandbox, path):
    command = [sys.executable, "-c", PUSHER, sandbox.api_key, sandbox.base_url, path]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    pushers = [subprocess.Popen([*command, me], text=True, **pipes) for me in "AB"]
    for pusher in pushers:
        assert pusher.stdout.readline() == "ready\n"
    for pusher in pushers:
        pusher.stdin.write("go\n")
        pusher.stdin.flush()
    assert [pusher.communicate()[1] for pusher in pushers] == ["", ""]
    client = client_of(sandbox, path)
    for me in "AB":
        df = pd.DataFrame({"id": [f"{me}-{i}" for i in range(600)], "Shared": 1, f"Only {me}": range(600)})
        assert push(df, client, skip_unchanged=True).counts["unchanged"] == 600
    history = client.history().head(2)
    assert history["ended"].tolist() == ["finished"] * 2
    assert history["started"].max() < (history["started"] + pd.to_timedelta(history["seconds"], "s")).min(), "at once"
    assert client.types()["attribute"].tolist() == ["Only A", "Only B", "Shared"]
