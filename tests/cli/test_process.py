"""The command as a separate process: signals, pipes, and only JSON on stdout."""

import json
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from growlytics_pandas import Sandbox
from growlytics_pandas.sandbox import Faults

COMMAND = [sys.executable, "-m", "growlytics_pandas"]
ROWS = 400
PATIENCE_SECONDS = 60
OPTIONS = ("--max-rate", "50", "--json", "--report", "r.html", "--outcomes", "o.csv")


@pytest.fixture
def slow_box(at):
    with Sandbox(faults=Faults(latency=0.01)) as box:
        yield at(box)


@pytest.fixture
def start(tmp_path):
    """Start a push of a file that takes eight seconds; kill the process after the test if it still runs."""
    pd.DataFrame({"id": [f"c{i}" for i in range(ROWS)], "V": range(ROWS)}).to_csv(tmp_path / "a.csv", index=False)
    started = []

    def begin(*options, **how):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command = [*COMMAND, "push", "a.csv", "--id-col", "id", *options]
        started.append(subprocess.Popen(command, cwd=tmp_path, **pipes, **how))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def wait_for_requests(box, process, count=20):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while box.requests < count and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert box.requests >= count


@pytest.mark.parametrize(
    ("number", "status", "ignores_ctrl_c"),
    [
        (signal.SIGTERM, 143, False),
        (signal.SIGINT, 130, False),
        pytest.param(signal.SIGTERM, 143, True, marks=pytest.mark.slow),
    ],
    ids=["SIGTERM", "SIGINT", "SIGTERM in the background of a shell"],
)
def test_signal_stops_and_reports_everything(start, slow_box, command, tmp_path, number, status, ignores_ctrl_c):
    ignore = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)} if ignores_ctrl_c else {}
    process = start(*OPTIONS, **ignore)
    wait_for_requests(slow_box, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    data = json.loads(out)
    assert (process.returncode, data["exit_status"], data["ended"]) == (status, status, "interrupted")
    counts = data["counts"]
    assert 20 <= counts["accepted"] == len(slow_box.stored()) < ROWS
    assert counts["accepted"] + counts["unsent"] == ROWS
    assert pd.read_csv(tmp_path / "o.csv")["status"].value_counts().to_dict() == {k: v for k, v in counts.items() if v}
    assert (tmp_path / "r.html").exists()
    assert "--skip-unchanged" in data["next"]
    assert "Traceback" not in err
    again = command("push", "a.csv", "--id-col", "id", "--skip-unchanged", "--json")
    assert (again.data["counts"]["unchanged"], again.status) == (counts["accepted"], 0)
    assert slow_box.requests == ROWS, "nothing was sent twice"


@pytest.mark.slow
def test_signal_before_sending_is_reported(slow_box):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [*COMMAND, "push", "-", "--format", "csv", "--id-col", "id", "--json"]
    process = subprocess.Popen(command, text=True, **pipes)
    lines = "".join(f"c{i},{i}\n" for i in range(200_000))
    process.stdin.write("id,V\n" + lines)  # more than a pipe holds: the command is reading
    process.stdin.flush()
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_SECONDS) == 143
    assert json.loads(process.stdout.read())["message"] == "before anything was sent"
    assert b"Traceback" not in process.stderr.read().encode()
    for pipe in (process.stdin, process.stdout, process.stderr):
        pipe.close()


def test_closed_pipe_gives_no_traceback(start, slow_box):
    process = start("--dry-run", "--json")
    process.stdout.close()
    err = process.stderr.read()
    assert process.wait(PATIENCE_SECONDS) == 0
    assert err == ""


@pytest.mark.slow
def test_unprintable_names_are_escaped(tmp_path):
    (tmp_path / "a.csv").write_text("id,शहर\n1,पुणे\n", encoding="utf-8")
    done = subprocess.run(
        [*COMMAND, "schema", "a.csv", "--id-col", "id", "--quiet"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u0936" in done.stdout
