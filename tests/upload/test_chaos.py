"""Thousands of rows against a service with all kinds of faults: every outcome is true."""

import json
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas import Client, Sandbox
from growlytics_pandas.sandbox.server import DEFAULT_API_KEY

pytestmark = pytest.mark.slow

FAULTS = (
    "status.500=0.025,status.503=0.025,status.429=0.05,retry_after=1,"
    "reset_before=0.03,reset_after=0.03,truncate=0.01,hang=0.002,hang_writes=true,seed={seed}"
)
"""Every sixth request goes wrong; of those that are cut, hang or lose their answer, the customer is written."""

RUNS = [("curl", 1, 8_000), ("curl", 2, 2_000), ("requests", 4, 2_000)]


@contextmanager
def sandbox_process(db, faults):
    """A sandbox that does not share our interpreter, so that neither slows the other; give its URL."""
    command = [sys.executable, "-m", "growlytics_pandas", "sandbox", "--db", str(db), "--faults", faults]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().split()[2]
        finally:
            process.terminate()


def customers(rows):
    """Customers with gaps, and a few rows that cannot be sent."""
    df = gp.sample_customers(rows, seed=rows).drop(columns=["name", "mobile"])
    df.loc[7, "customer_id"] = None
    df.loc[11, "customer_id"] = df.loc[13, "customer_id"]
    return df


def bodies_of(plan):
    """What should arrive: row -> (id, attributes), read from the very bytes of the plan."""
    encoded = plan._part.encode(0, len(plan.frame))
    read = [json.loads(body) for body in encoded.bodies]
    return {
        row: (body["id"], {a["name"]: a["value"] for a in body["attributes"]})
        for row, body in zip(encoded.rows.tolist(), read, strict=True)
    }


@pytest.mark.parametrize(("transport", "seed", "rows"), RUNS)
def test_store_matches_the_outcomes(tmp_path, transport, seed, rows):
    db = tmp_path / "chaos.db"
    with sandbox_process(db, FAULTS.format(seed=seed)) as url:
        client = Client(DEFAULT_API_KEY, url, ledger=None, transport=transport, timeout=1.0)
        plan = gp.plan(customers(rows), "customer_id", client=client)
        result = plan.push(errors="drop", progress=False)
        print(f"\n{transport}, seed {seed}: {result!r}, {result.run.retries:,} retries")
        expected = bodies_of(plan)
        check(result, expected, Sandbox(db=db).stored())
        bring_in_the_rest(result)
    assert Sandbox(db=db).stored() == dict(expected.values()), "the store equals the plan, customer by customer"


def check(result, expected, stored):
    """Every row has one outcome, and each is true of the store."""
    outcomes, rows = result.outcomes, len(result.plan.frame)

    assert outcomes["row"].tolist() == list(range(rows)), "one outcome a row, in their order"
    assert sum(result.counts.values()) == rows
    assert result.counts["invalid"] == 3
    assert result.counts["accepted"] > 0.99 * rows
    assert result.counts["unsent"] == 0

    by_status = {status: part["row"].tolist() for status, part in outcomes.groupby("status")}
    wrong = [row for row in by_status["accepted"] if stored.get(expected[row][0]) != expected[row][1]]
    assert wrong == [], "accepted never claims what the store lacks"
    doubtful = [row for row in by_status.get("unknown", []) if expected[row][0] in stored]
    assert all(stored[expected[row][0]] == expected[row][1] for row in doubtful)
    arrived = {expected[row][0] for row in (*by_status["accepted"], *doubtful)}
    assert set(stored) == arrived, "what failed, or was never sent, is not in the store"


def bring_in_the_rest(result):
    """A few rows in 20,000 meet five bad answers in a row: what the user does is `retry`."""
    for _ in range(5):
        if result.counts["accepted"] + result.counts["invalid"] == len(result.plan.frame):
            break
        result = result.retry()


def test_retry_completes_the_push(tmp_path):
    """Attempts that run out, then further pushes of the rest: in the end the store equals the plan."""
    db = tmp_path / "chaos.db"
    df = pd.DataFrame({"id": [f"c{i}" for i in range(120)], "Score": np.arange(120)})
    with sandbox_process(db, "status.500=0.35,reset_after=0.2,seed=6") as url:
        client = Client(DEFAULT_API_KEY, url, ledger=None, timeout=1.0)
        result = gp.push(df, "id", client=client, progress=False)
        assert result.counts["failed"] + result.counts["unknown"] > 0
        for _ in range(10):
            if result.ok:
                break
            result = result.retry()
    assert result.counts["accepted"] == 120
    assert Sandbox(db=db).stored() == {f"c{i}": {"Score": i} for i in range(120)}
