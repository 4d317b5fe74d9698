"""A process that runs out of file descriptors waits and continues with fewer connections; no row fails."""

import json
import subprocess
import sys
import threading

import pytest
from support.wire_server import accept

resource = pytest.importorskip("resource")

PUSHER = """
import json, os, resource, sys, threading, warnings

import pandas as pd
import growlytics_pandas as gp

url, transport, limit, hogged_seconds, is_flapping = (*sys.argv[1:3], int(sys.argv[3]), *map(float, sys.argv[4:]))
df = pd.DataFrame({"id": [f"c{i}" for i in range(400)], "Score": range(400)})
client = gp.Client("sk-0123456789abcdef", url, ledger=None, transport=transport)
gp.push(df.head(1), "id", client=client, progress=False)  # loads what is loaded on first use
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
hogged = []
is_over = threading.Event()

def hog():
    try:
        while True:
            hogged.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass

def let_go(n=1 << 30):
    while hogged and n:
        os.close(hogged.pop())
        n -= 1

def flap():
    while not is_over.is_set():
        hog()
        let_go(5)
        is_over.wait(0.0002)

if hogged_seconds:
    hog()
    threading.Timer(hogged_seconds, let_go).start()
if is_flapping:
    threading.Thread(target=flap, daemon=True).start()
result = gp.push(df, "id", client=client, progress=False, max_concurrency=64)
is_over.set()
print(json.dumps({"counts": result.counts, "attempts": sorted(set(result.outcomes["attempts"])), "retries": result.run.retries}))
"""


def push_with_few_files(server, transport, limit, hogged_seconds=0.0, is_flapping=0):
    found = subprocess.run(
        [sys.executable, "-c", PUSHER, server.url, transport, str(limit), str(hogged_seconds), str(is_flapping)],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def slowly(sock, request):
    threading.Event().wait(0.03)  # so that many requests are in flight at once
    return accept(sock, request)


@pytest.mark.parametrize("is_tls", [False, True], ids=["http", "https"])
def test_too_few_descriptors_cost_no_attempt(serve, transport, tls, bundle, monkeypatch, is_tls):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    server = serve(slowly, tls=tls if is_tls else None)
    found = push_with_few_files(server, transport, 48)
    assert found["counts"]["accepted"] == 400
    assert (found["attempts"], found["retries"]) == ([1], 0)
    assert server.most_at_once > 8, "it goes on with as many as there can be"
    assert len(server.requests) == 401


def test_push_waits_for_descriptors(serve, transport):
    found = push_with_few_files(serve(), transport, 64, hogged_seconds=1.0)
    assert found["counts"]["accepted"] == 400
    assert found["attempts"] == [1]


def test_varying_descriptors_cost_no_attempt(serve, transport):
    found = push_with_few_files(serve(), transport, 48, is_flapping=1)
    assert found["counts"]["accepted"] == 400
    assert (found["attempts"], found["retries"]) == ([1], 0)
