"""A key in the wrong argument is not repeated; a command without output streams, or stopped at start, has no traceback."""

import os
import pickle
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas import Client
from growlytics_pandas.__main__ import main
from growlytics_pandas.errors import UsageError

KEY = "qz7Hk/4x&9c2e=51d8+b64d<0e"
posix = pytest.mark.skipif(os.name == "nt", reason="shells, pipes and devices of POSIX")
COMMAND = [sys.executable, "-m", "growlytics_pandas"]


@pytest.mark.parametrize("is_given", [True, False])
@pytest.mark.parametrize(
    "wrong",
    [{"transport": KEY}, {"timeout": KEY}, {"verify": KEY}, {"base_url": f"ftp://{KEY}"}, {"ledger": f"{KEY}\0"}],
)
def test_key_as_a_client_argument_is_not_shown(monkeypatch, wrong, is_given):
    monkeypatch.delenv("GROWLYTICS_API_KEY", raising=False)
    if not is_given:
        monkeypatch.setenv("GROWLYTICS_API_KEY", KEY)
    with pytest.raises(UsageError) as caught:
        Client(KEY if is_given else None, **wrong)
    assert KEY.lower() not in str(caught.value).lower()
    assert KEY.encode() not in pickle.dumps(caught.value)


def test_repr_of_a_failed_client():
    made = Client.__new__(Client)
    assert repr(made) == "<Client that failed to initialize>"


@pytest.mark.parametrize(
    "arguments",
    [
        ["push", KEY, "--id-col", "id"],
        ["push", "a.csv", "--id-col", "id", "--type", KEY],
        ["push", "a.csv", "--id-col", "id", "--errors", KEY],
        ["push", "a.csv", "--id-col", KEY],
        ["push", "a.csv", "--id-col", "id", "--max-rate", KEY],
        ["push", "a.csv", "--id-col", "id", "--report", KEY],
        ["push", "a.csv", "--id-col", "id", "--options", KEY],
        ["push", "a.csv", "--id-col", "id", "--base-url", f"ftp://{KEY}"],
        ["push", "a.csv", "--id-col", "id", "--ca-bundle", KEY],
        ["push", "a.csv", "--id-col", "id", "--ledger", f"{KEY}/x/y"],
        ["push", KEY, "--id-col", "id", "--json"],
        [KEY],
    ],
)
def test_key_on_the_command_line_is_not_shown(tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROWLYTICS_API_KEY", KEY)
    (tmp_path / "a.csv").write_text("id,Score\nc1,1\n")
    try:
        status = main(arguments)
    except SystemExit as end:
        status = end.code
    printed = "".join(capsys.readouterr())
    assert status
    assert printed
    assert KEY[:8].lower() not in printed.lower()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_full_stdout_is_a_one_line_error(sandbox, tmp_path):
    rows = tmp_path / "a.csv"
    rows.write_text("id,Score\nc1,1\n")
    environment = os.environ | {"GROWLYTICS_API_KEY": sandbox.api_key, "GROWLYTICS_BASE_URL": sandbox.base_url}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "push", str(rows), "--id-col", "id", "--ledger", "none", "--json", "--quiet"],
            stdout=full, stderr=subprocess.PIPE, text=True, env=environment, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: stdout cannot be written")
    assert "Traceback" not in done.stderr
    assert list(sandbox.stored()) == ["c1"]


@pytest.mark.skipif(os.name != "posix", reason="no SIGINT to send there")
@pytest.mark.parametrize("seconds", [0.15, 0.3, 0.5, 0.8])
def test_interrupted_import_has_no_traceback(seconds):
    process = subprocess.Popen(
        [*COMMAND, "sandbox", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate(timeout=30)
    assert "growlytics_pandas/" not in printed or "Traceback" not in printed
    is_before_the_package = bool(printed) and "growlytics_pandas/" not in printed  # while Python itself starts
    assert process.returncode in (0, 130, -signal.SIGINT) or is_before_the_package


@pytest.fixture
def pushing(sandbox, tmp_path):
    """Run a push of a small file, through a shell that opens or closes its streams; return its exit status and words."""
    (tmp_path / "a.csv").write_text("id,Score\n1,2\n2,3\n")
    (tmp_path / "key").write_text(sandbox.api_key)

    def run(streams, *, key_file="key", before=""):
        words = ["-m", "growlytics_pandas", "push", "a.csv", "--id-col", "id", "--base-url", sandbox.base_url]
        command = shlex.join([sys.executable, *words, "--ledger", "none", "--key-file", key_file])
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
        done = subprocess.run(
            ["bash", "-c", f"{before}{command} {streams}"],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr, sandbox.requests

    return run


@posix
@pytest.mark.parametrize("streams", [">&-", "2>&-", ">&- 2>&- <&-", "2>/dev/full", "2>&1 >/dev/null | true; exit 0"])
def test_push_works_with_closed_streams(pushing, streams):
    """A scheduler may close the streams, and the disk of a log may be full."""
    status, words, requests = pushing(streams)
    assert (status, requests) == (0, 2)
    assert "Traceback" not in words


@posix
def test_a_key_may_come_through_a_pipe(pushing, tmp_path, sandbox):
    """It can be read once only: `<(…)` of a shell, or a named pipe of a vault."""
    os.mkfifo(tmp_path / "pipe")
    status, words, requests = pushing("", key_file="pipe", before=f"printf {sandbox.api_key} > pipe & ")
    assert (status, requests) == (0, 2)
    assert sandbox.api_key not in words


@pytest.mark.parametrize(
    "wrong",
    [
        {"timezone": KEY},
        {"types": {"Score": KEY}},
        {"types": {KEY: "number"}},
        {"columns": [KEY]},
        {"decimal": KEY},
        {"errors": KEY},
        {"max_rate": KEY},
        {"progress": KEY},
        {KEY: 1},
    ],
)
@pytest.mark.parametrize("is_given", [True, False])
def test_key_as_an_option_is_not_shown(monkeypatch, wrong, is_given):
    monkeypatch.delenv("GROWLYTICS_API_KEY", raising=False)
    client = Client(KEY, ledger=None) if is_given else None
    if not is_given:
        monkeypatch.setenv("GROWLYTICS_API_KEY", KEY)
    with pytest.raises((UsageError, TypeError)) as caught:
        gp.push(pd.DataFrame({"id": ["a"], "Score": [1]}), "id", client=client, dry_run=True, **wrong)
    assert KEY.lower() not in str(caught.value).lower()
    assert KEY.encode() not in pickle.dumps(caught.value)


@pytest.mark.parametrize(
    "wrong", [{"base_url": "https://example.com/keys/k3y-in-1-place"}, {"ledger": "k3y-in-1-place"}]
)
def test_key_in_a_url_or_path_is_rejected(monkeypatch, tmp_path, wrong):
    """Both are shown: in a repr, in reports, in lists of files."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="contains the API key"):
        Client("k3y-in-1-place", **wrong)
    assert list(tmp_path.iterdir()) == []


def test_words_within_a_key_are_not_masked(monkeypatch, tmp_path, capsys):
    """A key may hold the name of an option, or of a file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROWLYTICS_API_KEY", "customers-a-key-file-1")
    (tmp_path / "customers.csv").write_text("id\n1\n")
    (tmp_path / "none").write_text("another-key-file-2")
    main(["validate", "customers.csv", "--id-col", "id", "--key-file", "none", "--report", "none"])
    printed = "".join(capsys.readouterr())
    assert "--report: 'none' is also the file of --key-file" in printed
