"""The ledger with several processes at once; one is killed."""

import gc
import os
import subprocess
import sys
from contextlib import ExitStack

import pytest

from growlytics_pandas import Client
from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.ledger import Ledger

URL = "https://api.example"
KEY = "key"
N_PROCESSES = 3
N_CHUNKS = 40
CHUNK = 50

WRITER = """
import sys
from datetime import UTC, datetime
from growlytics_pandas.ledger import Ledger
from growlytics_pandas.ledger import digests as log
path, me, n_chunks, chunk = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
log.MAX_SEGMENTS = 20  # compactions in the middle of the others' writes
sys.stdin.readline()
with Ledger(path) as ledger:
    project = ledger.project("https://api.example", "key")
    run = project.begin_run(n_chunks * chunk, datetime.now(UTC))
    for start in range(n_chunks):
        ids = [f"{me}-{start}-{n}" for n in range(chunk)]
        digests = project.digest(ids, ())
        project.withdraw(digests, ["shared", f"only-{me}"])
        project.accept(digests)
        project.flush()
        project.register({"shared": "string", f"{me}-{start}": "number"}, datetime.now(UTC), certain=True)
    project.end_run(run, {"accepted": n_chunks * chunk}, "finished")
"""


@pytest.mark.slow
def test_concurrent_processes_lose_nothing(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    command = [sys.executable, "-c", WRITER, path]
    writers = [
        subprocess.Popen([*command, str(me), str(N_CHUNKS), str(CHUNK)], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        for me in range(N_PROCESSES)
    ]
    errors = [writer.communicate(b"go\n")[1] for writer in writers]
    assert errors == [b""] * N_PROCESSES
    with Ledger(path) as ledger:
        project = ledger.project(URL, KEY)
        ids = [f"{me}-{start}-{n}" for me in range(N_PROCESSES) for start in range(N_CHUNKS) for n in range(CHUNK)]
        assert project.unchanged(project.digest(ids, ())).all()
        held = project.has_attributes(project.keys(ids), ["shared", *(f"only-{me}" for me in range(N_PROCESSES))])
        assert held.sum(axis=0).tolist() == [len(ids)] + [N_CHUNKS * CHUNK] * N_PROCESSES
        assert len(project.known_types()) == 1 + N_PROCESSES * N_CHUNKS
        assert project.history()["ended"].tolist() == ["finished"] * N_PROCESSES


# The child sends versions 0, 1, 2, … of ten customers; what "arrived" is a line in a file. It is killed anywhere.
KILLED = """
import os, random, signal, sys, time
import numpy as np
from growlytics_pandas.ledger import Ledger
from growlytics_pandas.ledger import digests as log
from growlytics_pandas.ledger.digests import CellColumn
log.MAX_SEGMENTS = 5
path, arrived = sys.argv[1], os.open(sys.argv[2], os.O_CREAT | os.O_APPEND | os.O_WRONLY)
ids = [f"user-{n}" for n in range(10)]

def column(version):
    return [CellColumn("version", "number", [version] * len(ids), np.ones(len(ids), dtype=bool))]

def send(first):
    project = Ledger(path).project("https://api.example", "key")
    for version in range(first, first + 100_000):
        digests = project.digest(ids, column(version % 3))
        project.withdraw(digests, ["city"])
        os.write(arrived, b"%d" % (version % 3))
        project.accept(digests)
        project.flush()

random.seed(7)
for _ in range(20):
    child = os.fork()
    if child == 0:
        try:
            send(random.randrange(3))
        finally:
            os._exit(3)
    target = os.path.getsize(sys.argv[2]) + random.randrange(40)
    while os.path.getsize(sys.argv[2]) < target:  # so many bodies further, however slow the machine is
        assert os.waitpid(child, os.WNOHANG) == (0, 0), "the child ended"
        time.sleep(0.0005)
    time.sleep(0.002 * random.random())
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    last = int(open(sys.argv[2]).read()[-1:] or -1)
    with Ledger(path) as ledger:
        project = ledger.project("https://api.example", "key")
        are_unchanged = {v: project.unchanged(project.digest(ids, column(v))) for v in range(3)}
    wrong = [v for v in range(3) if v != last and are_unchanged[v].any()]
    print(last, [bool(are_unchanged[v].all()) for v in range(3)], "wrong" if wrong else "right")
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and kill")
def test_kill_never_hides_an_overwritten_body(tmp_path):
    """A kill at any moment never makes an overwritten body count as unchanged."""
    command = [sys.executable, "-W", "ignore", "-c", KILLED, tmp_path / "ledger.sqlite3", tmp_path / "arrived"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 20
    assert not [line for line in lines if "wrong" in line]
    assert any("True" in line for line in lines)  # some deaths came after the acceptance


NEIGHBOUR = """
import sys
from growlytics_pandas import Client

client = Client("sk-0123456789abcdef", "http://127.0.0.1:9", ledger=sys.argv[1])
print(sorted(client.types()["attribute"]))
client.ledger.close()
"""


@pytest.mark.parametrize("way", ["client", "backup", "link", "refused", "collected", "output", "companion"])
def test_writes_after_others_close_are_kept(path, tmp_path, way):
    def ask_neighbour():
        return subprocess.run(
            [sys.executable, "-c", NEIGHBOUR, path], capture_output=True, text=True, check=True
        ).stdout.strip()

    def open_client(ledger=path):
        return Client("sk-0123456789abcdef", "http://127.0.0.1:9", ledger=ledger)

    ours = open_client()
    ours.declare_types({"A": "number"})
    if way == "client":
        others = [open_client(), open_client()]
        others[0].types()
        others[0].ledger.close()
        others[1].types()
    elif way == "backup":
        ours.ledger.backup(tmp_path / "backup.db")
        open_client().ledger.backup(tmp_path / "second.db")
    elif way == "link":
        (tmp_path / "link.db").symlink_to(path)
        open_client(tmp_path / "link.db").types()
    elif way == "refused":
        with pytest.raises(InvalidArgumentError):
            open_client().declare_types({"A": "string"})
    elif way in ("output", "companion"):
        target = path if way == "output" else f"{path}-shm"
        with pytest.raises(InvalidArgumentError, match="is a database"):
            ours.export_types(target)
    else:
        open_client().types()
        gc.collect()
    assert ask_neighbour() == "['A']"
    ours.declare_types({"B": "number"})
    assert ask_neighbour() == "['A', 'B']"


OPENER = """
import sys
from growlytics_pandas import Ledger

print("ready", flush=True)
for path in sys.stdin:
    with Ledger(path.strip()) as ledger:
        ledger.project("https://api.example", "key")
        print("made", flush=True)
"""


def test_concurrent_creation_of_one_ledger(tmp_path):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with ExitStack() as stack:
        openers = [
            stack.enter_context(subprocess.Popen([sys.executable, "-c", OPENER], text=True, **pipes)) for _ in range(3)
        ]
        for opener in openers:
            stack.callback(opener.stdin.close)
        assert [opener.stdout.readline() for opener in openers] == ["ready\n"] * 3
        for i in range(40):
            for opener in openers:
                opener.stdin.write(f"{tmp_path / str(i)}.sqlite3\n")
                opener.stdin.flush()
            answers = [opener.stdout.readline() for opener in openers]
            dead = [opener.stderr.read() for opener, line in zip(openers, answers, strict=True) if not line]
            assert dead == []
            assert answers == ["made\n"] * 3
