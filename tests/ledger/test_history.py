"""Client.history(): every run has a row, however it ended."""

import os
import signal
import subprocess
import sys

import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas import Client
from growlytics_pandas.errors import AuthenticationError, ConstraintViolationError, PushInterrupted

KILLED = """
import os, signal, sys
import pandas as pd
import growlytics_pandas as gp

def die(event):
    if event.kind == "update" and event.counts["accepted"]:
        os.kill(os.getpid(), signal.SIGKILL)

client = gp.Client(sys.argv[1], sys.argv[2], ledger=sys.argv[3])
gp.push(pd.DataFrame({"id": [f"c{i}" for i in range(5000)], "V": 1}), "id", client=client, progress=die)
"""


class Crash(BaseException):
    """An error that nobody foresaw."""


def customers(rows):
    return pd.DataFrame({"id": [f"c{i}" for i in range(rows)], "Score": range(rows)})


def push(df, client, **options):
    return gp.push(df, "id", **{"client": client, "progress": False} | options)


def last(client):
    return client.history().iloc[-1]


def test_history_has_rows_seconds_and_attributes(client):
    before = pd.Timestamp.now("UTC")
    result = push(pd.concat([customers(5), pd.DataFrame({"id": [None]})]), client, errors="drop")
    run = last(client)
    assert before.floor("us") <= run["started"] <= pd.Timestamp.now("UTC")
    assert run["rows"] == 6
    assert {status: run[status] for status in result.counts} == result.counts
    assert 0 <= run["seconds"] < 60
    assert run["new_attributes"] == ("Score",)
    assert run["ended"] == "finished"


def test_runs_are_in_order_without_dry_runs(client):
    for rows in (3, 4):
        push(customers(rows), client, skip_unchanged=True)
    push(customers(9), client, dry_run=True)
    history = client.history()
    assert history["rows"].tolist() == [3, 4]
    assert history["unchanged"].tolist() == [0, 3]
    assert history["new_attributes"].tolist() == [("Score",), ()]


def test_a_retry_is_recorded_as_such(faulty, path):
    box = faulty(success_false=0.5, seed=3)
    client = Client(box.api_key, box.base_url, ledger=path)
    result = push(customers(20), client)
    n_failed = result.counts["failed"]
    assert 0 < n_failed < 20
    result.retry()
    assert client.history()["retried"].tolist() == [0, n_failed]
    assert "1 run" in client._repr_html_()


def test_a_refused_plan_leaves_no_run(client):
    with pytest.raises(ConstraintViolationError):
        push(pd.DataFrame({"id": ["a", "a"], "Score": 1}), client)
    assert client.history().empty


def test_interrupted_run_is_recorded_as_such(faulty, path):
    box = faulty(latency=0.05)
    client = Client(box.api_key, box.base_url, ledger=path)

    def interrupt(event):
        if event.kind == "update":
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(PushInterrupted) as caught:
        push(customers(2000), client, progress=interrupt)
    run = last(client)
    assert run["ended"] == "interrupted"
    assert {status: run[status] for status in caught.value.result.counts} == caught.value.result.counts


def test_run_stopped_by_a_wrong_key(sandbox, path):
    client = Client("not-the-key", sandbox.base_url, ledger=path)
    with pytest.raises(AuthenticationError):
        push(customers(50), client)
    assert last(client)["ended"] == "stopped early"
    assert last(client)["failed"] > 0
    assert last(client)["new_attributes"] == ()


def test_crashed_run_is_recorded_with_its_result(faulty, path):
    box = faulty(latency=0.05)
    client = Client(box.api_key, box.base_url, ledger=path)

    def fail(event):
        if event.kind == "update":
            raise Crash

    with pytest.raises(Crash):
        push(customers(200), client, progress=fail)
    assert last(client)["ended"] == "crashed"
    result = gp.last_result()
    assert result.run.ended == "crashed"
    assert sum(result.counts.values()) == 200
    assert result.counts["accepted"] <= len(box.stored())


def test_running_push_is_shown_as_running(faulty, path):
    box = faulty(latency=0.05)
    client = Client(box.api_key, box.base_url, ledger=path)
    seen = []
    push(customers(100), client, progress=lambda event: event.kind == "update" and seen.append(last(client)["ended"]))
    assert set(seen) == {"running"}
    assert last(client)["ended"] == "finished"


@pytest.mark.skipif(os.name == "nt", reason="needs kill")
def test_killed_process_is_shown_as_killed(faulty, path):
    box = faulty(latency=0.05)
    command = [sys.executable, "-c", KILLED, box.api_key, box.base_url, path]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    client = Client(box.api_key, box.base_url, ledger=path)
    run = last(client)
    assert run["ended"] == "killed"
    assert run["rows"] == 5000
    assert pd.isna(run["accepted"])
    assert client.types()["source"].tolist() == ["accepted"]
