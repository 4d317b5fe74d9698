"""kill -9 at any moment of a push: the same command again, with skip_unchanged, makes the store equal to the frame."""

import random

import pytest
from support.killed_pushes import needs_kill_9, open_arena

CHUNK = 500
CONCURRENCY = 32

PUSH = f"""
import pandas as pd
import growlytics_pandas as gp

def push(url, ledger, rows, version, transport):
    texts = [f"{{version}} of {{i}}" for i in range(rows)]
    frame = pd.DataFrame({{"id": [f"c{{i}}" for i in range(rows)], "V": version, "Text": texts}})
    client = gp.Client("sandbox-key", url, ledger=ledger, transport=transport)
    options = {{"chunk_size": {CHUNK}, "max_concurrency": {CONCURRENCY}, "progress": False}}
    return gp.push(frame, "id", client=client, skip_unchanged=True, **options).ok
"""


@pytest.fixture
def arena(tmp_path):
    with open_arena(PUSH, tmp_path / "sandbox.db", tmp_path / "ledger.sqlite3") as arena:
        yield arena


def kill_and_push_again(arena, rows, version, transport, share):
    """Kill a push when `share` of its requests have arrived, push again; return how it ended, and all its requests."""
    before = arena.requests
    killed = arena.push_and_kill(rows, version, transport, after_requests=share * rows)
    assert arena.push(rows, version, transport), "the second push finds nothing wrong"
    stored = arena.stored
    wrong = [i for i in range(rows) if stored.get(f"c{i}") != {"V": version, "Text": f"{version} of {i}"}]
    assert wrong == []
    return killed, arena.requests - before


@pytest.mark.slow
@needs_kill_9
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
        killed, requests = kill_and_push_again(arena, rows, version, transport, share)
        twice = requests - rows
        assert 0 <= twice <= CHUNK + CONCURRENCY, "the window in flight, and the chunk that was not committed yet"
        n_killed += killed
        n_halfway += killed and twice > 0
    assert n_killed >= 5
    assert n_halfway >= 2, "some deaths came in the middle of sending"
