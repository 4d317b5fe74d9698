"""kill -9 at any moment of `push_segment`: customers who leave are still sent, and the same call again completes the rest."""

import random

import pytest
from support.killed_pushes import needs_kill_9, open_arena

from growlytics_pandas.segments.members import read_members

ROWS = 600

PUSH = """
import pandas as pd
import growlytics_pandas as gp

def push(url, members, first, last):
    client = gp.Client("sandbox-key", url, ledger=None)
    frame = pd.DataFrame({"id": [f"c{i}" for i in range(first, last)]})
    result = gp.push_segment(
        frame, "id", "Is VIP", members=members, client=client, allow_empty=True, progress=False, max_concurrency=8
    )
    return result.ok
"""


@pytest.mark.slow
@needs_kill_9
def test_leavers_are_sent_after_kill_9(tmp_path):
    rng = random.Random(17)
    members = tmp_path / "vip.csv"
    with open_arena(PUSH, tmp_path / "sandbox.db", members) as arena:
        n_halfway = 0
        ever = set()
        for turn in range(8):
            # Half of those who are about to join, or to leave, are uncertain when the process dies …
            first = rng.randrange(2_000)
            killed = arena.push_and_kill(first, first + ROWS, after_requests=rng.uniform(0.0, 0.9) * ROWS)
            ever |= {f"c{i}" for i in range(first, first + ROWS)}
            arena.wait_for_arrivals()
            uncertain = [id_ for id_, since in (read_members(members) or {}).items() if not since]
            n_halfway += killed and bool(uncertain)
            # … and the next segment differs: most of them leave, some are members, some come back.
            first += rng.choice([-ROWS // 3, 0, ROWS // 3, 3 * ROWS])
            assert arena.push(first, first + ROWS), turn
            inside = {f"c{i}" for i in range(first, first + ROWS)}
            ever |= inside
            stored = arena.stored
            assert {id_ for id_ in ever if stored.get(id_, {}).get("Is VIP")} == inside
            assert set(read_members(members)) == inside
            assert all(read_members(members).values())
    assert n_halfway >= 4, "some deaths came in the middle of sending"
