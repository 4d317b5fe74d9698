"""A sandbox and a pusher in processes of their own, so that pushes can be killed at any moment with kill -9."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

import pytest

from growlytics_pandas import Sandbox

needs_kill_9 = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and kill -9")

# A process that has imported everything; each push is a forked child of it, so that a round needs no start-up time.
# `push(url, path, *arguments)` is defined before this and returns whether all went well.
_PUSHER = """
import json, os, signal, sys

def begin(arguments):
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if push(*sys.argv[1:], *arguments) else 1)
        finally:
            os._exit(2)
    return child

for line in sys.stdin:
    child = begin(json.loads(line))
    print("begun", flush=True)
    if sys.stdin.readline().strip() == "kill":
        os.kill(child, signal.SIGKILL)
    print(json.dumps(os.waitpid(child, 0)[1]), flush=True)
"""

_SERVER = """
import sys
from growlytics_pandas import Sandbox

with Sandbox(db=sys.argv[1]) as box:
    print(box.base_url, flush=True)
    for _ in sys.stdin:
        print(box.requests, flush=True)
"""


class _Child:
    """A Python process that writes a line for each line that it reads."""

    def __init__(self, source, *arguments):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen([sys.executable, "-c", source, *map(str, arguments)], text=True, **pipes)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()

    def read(self):
        return self._process.stdout.readline().strip()

    def ask(self, line=""):
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self.read()


class Arena:
    """The two processes, and the sandbox's store."""

    def __init__(self, server, pusher, store):
        self._server, self._pusher, self._store = server, pusher, store

    @property
    def stored(self):
        return self._store.stored()

    @property
    def requests(self):
        return int(self._server.ask())

    def push(self, *arguments):
        """Push to the end; return whether all went well."""
        self._pusher.ask(json.dumps(arguments))
        return json.loads(self._pusher.ask("wait")) == 0

    def push_and_kill(self, *arguments, after_requests, patience_seconds=120):
        """Kill a push once so many requests have arrived; return whether it was killed before it ended."""
        wanted = self.requests + after_requests
        self._pusher.ask(json.dumps(arguments))
        deadline = time.monotonic() + patience_seconds
        while self.requests < wanted and time.monotonic() < deadline:
            time.sleep(0.001)
        return json.loads(self._pusher.ask("kill")) == signal.SIGKILL

    def wait_for_arrivals(self):
        """Wait until no request arrives any more: those in flight at a kill do."""
        before = -1
        while before != (before := self.requests):
            time.sleep(0.05)


@contextmanager
def open_arena(push_source, sandbox, path):
    """Start both; `push_source` defines ``push(url, path, *arguments)``, `sandbox` is the file of the sandbox."""
    with ExitStack() as stack:
        server = stack.enter_context(_Child(_SERVER, sandbox))
        pusher = stack.enter_context(_Child(push_source + _PUSHER, server.read(), path))
        yield Arena(server, pusher, Sandbox(db=sandbox))
