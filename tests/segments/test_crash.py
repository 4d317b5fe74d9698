"""kill -9 at any moment of `push_segment`: customers who leave are still sent, and the same call again completes the rest."""

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
from growlytics_pandas.segments.members import read_members

ROWS = 600
PATIENCE_SECONDS = 60

# A process that has imported everything; each push is a forked child of it, so that a round needs no start-up time.
PUSHER = """
import json, os, signal, sys
import pandas as pd
import growlytics_pandas as gp

url, members = sys.argv[1:]

def push(first, last):
    client = gp.Client("sandbox-key", url, ledger=None)
    frame = pd.DataFrame({"id": [f"c{i}" for i in range(first, last)]})
    result = gp.push_segment(
        frame, "id", "Is VIP", members=members, client=client, allow_empty=True, progress=False, max_concurrency=8
    )
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
    """A Python process that writes a line for each line that it reads."""

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


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and kill -9")
def test_leavers_are_sent_after_kill_9(tmp_path):
    rng = random.Random(17)
    members = tmp_path / "vip.csv"
    with ExitStack() as stack:
        server = stack.enter_context(Child(SERVER, tmp_path / "sandbox.db"))
        pusher = stack.enter_context(Child(PUSHER, server.read(), members))
        store = Sandbox(db=tmp_path / "sandbox.db")
        n_halfway = 0
        ever = set()
        for turn in range(8):
            # Half of those who are about to join, or to leave, are uncertain when the process dies …
            first = rng.randrange(2_000)
            before, order = int(server.ask()), json.dumps([first, first + ROWS])
            pusher.ask(order)
            deadline = time.monotonic() + PATIENCE_SECONDS
            share = rng.uniform(0.0, 0.9)
            while int(server.ask()) - before < share * ROWS and time.monotonic() < deadline:
                time.sleep(0.001)
            killed = json.loads(pusher.ask("kill")) == signal.SIGKILL
            ever |= {f"c{i}" for i in range(first, first + ROWS)}
            before = -1
            while before != (before := int(server.ask())):  # requests still in flight must arrive before the next run
                time.sleep(0.05)
            uncertain = [id_ for id_, since in (read_members(members) or {}).items() if not since]
            n_halfway += killed and bool(uncertain)
            # … and the next segment differs: most of them leave, some are members, some come back.
            first += rng.choice([-ROWS // 3, 0, ROWS // 3, 3 * ROWS])
            pusher.ask(json.dumps([first, first + ROWS]))
            assert json.loads(pusher.ask("wait")) == 0, turn
            inside = {f"c{i}" for i in range(first, first + ROWS)}
            ever |= inside
            stored = store.stored()
            assert {id_ for id_ in ever if stored.get(id_, {}).get("Is VIP")} == inside
            assert set(read_members(members)) == inside
            assert all(read_members(members).values())
    assert n_halfway >= 4, "some deaths came in the middle of sending"
