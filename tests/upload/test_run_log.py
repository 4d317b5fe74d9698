"""The logger `growlytics_pandas` gets a few lines per run, with its label and never an id, value or key; so does the history."""

import json
import logging
import subprocess
import sys
import time

import pandas as pd
import pytest
from support.wire_server import SUCCESS, Server, message

import growlytics_pandas as gp
from growlytics_pandas import Client
from growlytics_pandas.__main__ import main
from growlytics_pandas.errors import AuthenticationError, InvalidArgumentError, ServiceError
from growlytics_pandas.ledger import Ledger
from growlytics_pandas.ledger.database import MIGRATIONS, LedgerFile
from growlytics_pandas.upload.outcomes import RunLog

SECRETS = ("asha@example.com", "HuntedValue", "hunted-key-4711", "HuntedColumn")


@pytest.fixture(autouse=True)
def _all_levels(caplog):
    caplog.set_level(logging.DEBUG, logger="growlytics_pandas")


def customers(rows=3):
    return pd.DataFrame({"id": [f"{i}-{SECRETS[0]}" for i in range(rows)], "HuntedColumn": "HuntedValue"})


def push(client, rows=3, **options):
    return gp.push(customers(rows), "id", client=client, progress=False, **options)


def lines(caplog):
    return [(r.levelname, r.getMessage()) for r in caplog.records if r.name == "growlytics_pandas"]


def test_run_logs_its_start_and_end(client, caplog):
    push(client, label="nightly import")
    (first, start), (last, end) = lines(caplog)
    assert (first, start) == ("INFO", "push 'nightly import': started, 3 rows to send")
    assert last == "INFO"
    assert end.startswith("push 'nightly import': finished after 0.")
    assert end.endswith("s: 3 accepted")


def test_runs_of_parts_and_without_label(client, caplog):
    gp.push_batches([customers(2), customers(5)[2:]], "id", client=client, progress=False)
    assert [text.split(":")[0] for _, text in lines(caplog)] == ["push", "push"]
    assert "5 accepted" in lines(caplog)[1][1]


def test_dry_run_is_not_logged(client, caplog):
    push(client, dry_run=True)
    assert lines(caplog) == []


def test_log_levels_of_failed_and_stopped_runs(sandbox, path, caplog, faulty):
    push(Client(*at(faulty(success_false=1.0)), ledger=path))
    assert lines(caplog)[-1][0] == "WARNING"
    with pytest.raises(AuthenticationError):
        push(Client("not-the-key", sandbox.base_url, ledger=path))
    level, text = lines(caplog)[-1]
    assert level == "ERROR"
    assert "stopped early (AuthenticationError)" in text


def at(box):
    return box.api_key, box.base_url


def test_retry_after_is_logged_as_a_pause(path, caplog):
    wait, begun = message(429, b"", "Retry-After: 3"), time.monotonic()
    answer = lambda: wait if time.monotonic() < begun + 2 else message(200, SUCCESS)  # noqa: E731
    server = Server(lambda sock, _request: sock.sendall(answer()) or True)
    try:
        push(Client("k", server.url.removesuffix("/rest-api/customer"), ledger=path), rows=40)
    finally:
        server.close()
    found = lines(caplog)
    assert [level for level, _ in found] == ["INFO", "WARNING", "INFO", "INFO"]
    assert "paused, the service" in found[1][1]
    assert "resumed" in found[2][1]


def test_retries_are_logged_in_bulk(caplog):
    log = RunLog("x")
    for retries in (0, 99, 100, 150, 200, 1_200):
        log.update(is_paused=False, retries=retries)
    assert [text for _, text in lines(caplog)] == [
        f"push 'x': {count} requests retried so far" for count in ("100", "200", "1,200")
    ]


def test_a_pause_and_its_end_are_logged_once(caplog):
    log = RunLog(None)
    for is_paused in (False, True, True, False, False):
        log.update(is_paused=is_paused, retries=0)
    assert [level for level, _ in lines(caplog)] == ["WARNING", "INFO"]


@pytest.mark.parametrize("status", [200, 401, 404, 422])
def test_no_id_value_or_key_is_logged(path, caplog, status):
    echo = json.dumps({"success": False, "message": " ".join(SECRETS)}).encode()
    server = Server(lambda sock, _request: sock.sendall(message(status, echo)) or True)
    client = Client(SECRETS[2], server.url.removesuffix("/rest-api/customer"), ledger=path)
    try:
        push(client, rows=2, max_failures=1)
    except ServiceError:
        pass
    finally:
        server.close()
    assert len(lines(caplog)) >= 2
    assert not [word for word in SECRETS if word in caplog.text]


def test_nothing_is_printed_without_logging(sandbox, tmp_path):
    script = (
        "import sys, pandas as pd, growlytics_pandas as gp\n"
        "client = gp.Client('wrong', sys.argv[1], ledger=None)\n"
        "try:\n    gp.push(pd.DataFrame({'id': ['a'], 'V': 1}), 'id', client=client, progress=False)\n"
        "except gp.AuthenticationError:\n    pass\n"
    )
    done = subprocess.run([sys.executable, "-c", script, sandbox.base_url], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_history_shows_the_label(client):
    push(client, label="first")
    result = push(client)
    gp.push_batches([customers()], "id", client=client, progress=False, label="parts")
    labels = client.history()["label"]
    assert labels.fillna("none").tolist() == ["first", "none", "parts"]
    assert (result.run.label, gp.last_result().run.label) == (None, "parts")


def test_label_of_a_plan_and_the_command_line(client, monkeypatch, tmp_path):
    gp.plan(customers(), "id", client=client).push(label="of a plan", progress=False)
    (tmp_path / "a.csv").write_text("id,V\na,1\n")
    monkeypatch.setenv("GROWLYTICS_API_KEY", client._connection._key.reveal())
    file = tmp_path / "a.csv"
    url, ledger = client.base_url, str(client.ledger.path)
    assert main(["push", str(file), "--id-col", "id", "--label", "cron", "--base-url", url, "--ledger", ledger]) == 0
    assert client.history()["label"].tolist() == ["of a plan", "cron"]


@pytest.mark.parametrize("label", ["", "  ", "two\nlines", "x" * 101, "\u202e"])
def test_invalid_label_sends_nothing(client, label):
    with pytest.raises(InvalidArgumentError, match="label"):
        push(client, label=label)
    with pytest.raises(TypeError, match="label"):
        push(client, label=3)
    assert client.history().empty


def test_older_ledger_keeps_its_history(path):
    old = LedgerFile(path, migrations=MIGRATIONS[:1])
    with old.writing() as connection:
        connection.execute("INSERT INTO workspaces (digest) VALUES (x'00')")
        connection.execute("INSERT INTO runs (workspace, started, rows, process) VALUES (1, 0, 5, '1')")
    old.close()
    with Ledger(path) as ledger:
        project = ledger.project("https://api.example", "k")
        project.begin_run(1, pd.Timestamp.now("UTC").to_pydatetime(), "new")
        assert project.history()["label"].tolist() == ["new"]
    with LedgerFile(path).reading() as connection:
        assert connection.execute("SELECT rows, label FROM runs ORDER BY id").fetchall() == [(5, None), (1, "new")]
