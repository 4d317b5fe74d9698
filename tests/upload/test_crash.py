"""kill -9 at any moment of a push: the same command again, with skip_unchanged, makes the store equal to the frame."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest

from growlytics_pandas import Sandbox

CHUNK = 500
CONCURRENCY = 32
PATIENCE_SECONDS = 120

# A process with everything imported and nothing begun; each push is a child of it, so a round costs no start-up.
PUSHER = f"""
import json, os, signal, sys
import pandas as pd
import growlytics_pandas as gp

url, ledger = sys.argv[1:]

def frame(rows, version):
    return pd.DataFrame({{"id": [f"c{{i}}" for i in range(rows)], "V": version, "Text": [f"{{version}} of {{i}}" for i in range(rows)]}})

def push(rows, version, transport):
    client = gp.Client("sandbox-key", url, ledger=ledger, transport=transport)
    options = {{"chunk_size": {CHUNK}, "max_concurrency": {CONCURRENCY}, "progress": False}}
    result = gp.push(frame(rows, version), "id", client=client, skip_unchanged=True, **options)
    os._exit(0 if result.ok else 1)

def begin(*arguments):
    child = os.fork()
    if child == 0:
        try:
            push(*arguments)
        finally:
            os._exit(2)
    return child

for line in sys.stdin:
    child = begin(*json.loads(line))
    print("begun", flush=True)
    if sys.stdin.readline().strip() == "kill":
        os.kill(child, signal.SIGKILL)
    print(json.dumps(os.waitpid(child, 0)[1]), flush=True)
"""

SERVER = """
import sys
from growlytics_pandas import Sandbox

with Sandbox(db=sys.argv[1]) as box:
    print(box.base_url, flush=True)
    for _ in sys.stdin:
        print(box.requests, flush=True)
"""


class Child:
    """A Python process that answers a line with a line."""

    def __init__(self, source, *arguments):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen([sys.executable, "-c", source, *map(str, arguments)], text=True, **pipes)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def read(self):
        return self.process.stdout.readline().strip()

    def ask(self, line=""):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.read()


@pytest.fixture
def arena(tmp_path):
    """Start a sandbox and a pusher, each a process of its own; give the two and the sandbox's file."""
    with ExitStack() as stack:
        server = stack.enter_context(Child(SERVER, tmp_path / "sandbox.db"))
        pusher = stack.enter_context(Child(PUSHER, server.read(), tmp_path / "ledger.sqlite3"))
        yield server, pusher, Sandbox(db=tmp_path / "sandbox.db")


def kill_and_go_on(arena, rows, version, transport, share):
    """Kill a push when `share` of its requests have arrived, push again; return how it ended, and all its requests."""
    server, pusher, store = arena
    before = int(server.ask())
    order = json.dumps([rows, version, transport])
    pusher.ask(order)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while int(server.ask()) - before < share * rows and time.monotonic() < deadline:
        time.sleep(0.001)
    killed = json.loads(pusher.ask("kill")) == signal.SIGKILL
    pusher.ask(order)
    assert json.loads(pusher.ask("wait")) == 0, "the second push finds nothing wrong"
    stored = store.stored()
    wrong = [i for i in range(rows) if stored.get(f"c{i}") != {"V": version, "Text": f"{version} of {i}"}]
    assert wrong == []
    return killed, int(server.ask()) - before


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and kill -9")
@pytest.mark.parametrize(("transport", "n_long"), [("curl", 2), ("requests", 1)])
def test_rerun_after_kill_9_completes_the_push(arena, transport, n_long):
    """The store is then complete, and few rows were sent twice."""
    rng = random.Random(transport)
    # 14 moments over both transports, three of them in longer pushes; each round edits every row.
    long = 8_000 if transport == "curl" else 4_000
    rounds = [(long, rng.uniform(0.1, 0.9)) for _ in range(n_long)]
    rounds += [(1_500, rng.uniform(0.0, 0.95)) for _ in range(7 - n_long)]
    n_killed = n_halfway = 0
    for version, (rows, share) in enumerate(rounds):
        killed, requests = kill_and_go_on(arena, rows, version, transport, share)
        twice = requests - rows
        assert 0 <= twice <= CHUNK + CONCURRENCY, "the window in flight, and the chunk that was not committed yet"
        n_killed += killed
        n_halfway += killed and twice > 0
    assert n_killed >= 5
    assert n_halfway >= 2, "some deaths came in the middle of sending"
