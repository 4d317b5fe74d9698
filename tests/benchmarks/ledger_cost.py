"""What the ledger costs: throughput of a push with and without it, a million unchanged rows, bytes a customer.

``python tests/benchmarks/ledger_cost.py`` pushes to the bare server, with and without a ledger by turns, each turn in a
fresh process, and shows medians. CPU time is our process's own, so it says more than the clock on a busy machine.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from customers import make_customers
from measuring import KEY, in_fresh_process, main, medians, print_table, serving

import growlytics_pandas as gp
from growlytics_pandas import Client

COLUMNS = 20
ROUNDS = 5
ROWS, SMALL_ROWS = 100_000, 10_000
UNCHANGED_ROWS, SMALL_UNCHANGED_ROWS = 1_000_000, 20_000


def push_once(url, ledger, rows):
    """One turn: a first push of `rows` customers, all of whom are new to the ledger."""
    df = make_customers(rows, COLUMNS)
    plan = gp.plan(df, "email", client=Client(KEY, url, ledger=ledger or None))
    plan.violations  # noqa: B018 - checked here, outside of what is timed
    start, cpu = time.perf_counter(), time.process_time()
    result = plan.push(progress=False, errors="drop")
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    n_accepted = result.counts["accepted"]
    return {"rate": n_accepted / seconds, "cpu_us": cpu_seconds / n_accepted * 1e6}


def recognise(url, ledger, rows):
    """Push `rows` customers twice; what is timed is the second time, checks included."""
    df = make_customers(rows, COLUMNS)
    fill(df, Client(KEY, url, ledger=ledger))
    n_bytes = Path(ledger).stat().st_size
    client = Client(KEY, url, ledger=ledger)
    start, cpu = time.perf_counter(), time.process_time()
    result = gp.push(df, "email", client=client, skip_unchanged=True, progress=False)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "requests": int(result.outcomes["attempts"].sum()),
        "unchanged": result.counts["unchanged"],
        "bytes": n_bytes / rows,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def fill(df, client):
    result = gp.push(df, "email", client=client, progress=False)
    client.ledger.close()
    if not result.ok:
        raise SystemExit(f"the first push failed: {result}")


def measure_push(url, rows, rounds):
    samples = {"without": [], "with": []}
    with tempfile.TemporaryDirectory() as directory:
        for turn in range(rounds):
            for name, ledger in (("without", ""), ("with", f"{directory}/{turn}.sqlite3")):
                samples[name].append(in_fresh_process("ledger_cost.py", "push", url, ledger, rows))
    return {name: medians(found) for name, found in samples.items()}


def measure_unchanged(url, rows):
    with tempfile.TemporaryDirectory() as directory:
        return in_fresh_process("ledger_cost.py", "recognise", url, f"{directory}/ledger.sqlite3", rows)


def measure(small):
    """Measure all, print the tables, and return the figures."""
    rows, unchanged_rows = (SMALL_ROWS, SMALL_UNCHANGED_ROWS) if small else (ROWS, UNCHANGED_ROWS)
    with serving() as url:
        pushes = measure_push(url, rows, 3 if small else ROUNDS)
        unchanged = measure_unchanged(url, unchanged_rows)
    cost = {
        "clock": pushes["without"]["rate"] / pushes["with"]["rate"] - 1,
        "cpu": pushes["with"]["cpu_us"] / pushes["without"]["cpu_us"] - 1,
    }
    print_table(
        f"A first push of {rows:,} customers x {COLUMNS} attributes",
        ["", "rows/s", "CPU µs/row"],
        [[f"{name} a ledger", found["rate"], found["cpu_us"]] for name, found in pushes.items()],
    )
    print(f"the ledger costs {cost['clock']:.1%} by the clock, {cost['cpu']:.1%} in CPU time")
    print_table(
        f"{unchanged_rows:,} unchanged customers x {COLUMNS} attributes recognised",
        ["", "s", "CPU s", "requests", "bytes a customer", "peak MB"],
        [["", *(unchanged[name] for name in ("seconds", "cpu_seconds", "requests", "bytes", "peak_mb"))]],
    )
    return {"cost": cost, "pushes": pushes, "unchanged": unchanged}


if __name__ == "__main__":
    if sys.argv[1:2] in (["push"], ["recognise"]):
        _, what, url, ledger, rows = sys.argv
        print(json.dumps((push_once if what == "push" else recognise)(url, ledger, int(rows))))
    else:
        main(measure)
