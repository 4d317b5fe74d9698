"""Whether a push stays as quick a row, and as small, when the frame grows.

``python tests/benchmarks/growth.py`` pushes 10,000, 100,000 and 1,000,000 rows of 20 columns, 1 % of them with a cell
that cannot be sent. Each push has a fresh process, which reads its frame from a file; its memory is the peak of the
whole push (plan, checks, violations, bodies, outcomes of what failed) over what the frame took. The figure for time is
CPU: wall time depends on the machine's other work.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from customers import make_customers
from measuring import KEY, forget_peak, in_fresh_process, main, medians, peak_mb, print_table, serving

import growlytics_pandas as gp

COLUMNS = 20
WARM_UP_ROWS = 2_000
SIZES = {"10,000": 10_000, "100,000": 100_000, "1,000,000": 1_000_000}
ROUNDS = {"10,000": 5, "100,000": 3, "1,000,000": 1}
SMALL_ROUNDS = {"10,000": 3, "100,000": 1}


def push_once(url, path):
    """Push the pickled frame at `path` after a warm-up; return CPU and wall µs a row, and MB."""
    client = gp.Client(KEY, url, ledger=None, transport="curl")
    gp.push(make_customers(WARM_UP_ROWS, COLUMNS), "email", client=client, progress=False)
    frame = pd.read_pickle(path)
    frame_mb = forget_peak()
    began, cpu_began = time.perf_counter(), time.process_time()
    result = gp.push(frame, "email", client=client, progress=False, errors="drop")
    result.failed  # noqa: B018  what a user views next counts too
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    if result.counts["accepted"] != len(frame) or result.violations.empty:
        raise SystemExit(repr(result))
    rows = len(frame)
    return {
        "cpu_us": cpu_seconds / rows * 1e6,
        "wall_us": seconds / rows * 1e6,
        "frame_mb": frame_mb,
        "added_mb": peak_mb() - frame_mb,
    }


def measure(small):
    figures = {}
    rounds = SMALL_ROUNDS if small else ROUNDS
    with serving() as url, tempfile.TemporaryDirectory() as folder:
        for name in rounds:
            path = Path(folder) / "frame.pickle"
            make_customers(SIZES[name], COLUMNS, odd=True).to_pickle(path)
            samples = [in_fresh_process("growth.py", "--push", url, path) for _ in range(rounds[name])]
            figures[name] = medians(samples)
    print_table(
        f"A push of {COLUMNS} columns as the frame grows",
        ["rows", "CPU µs/row", "wall µs/row", "process before, MB", "added at the peak, MB"],
        [[name, *found.values()] for name, found in figures.items()],
    )
    return figures


if __name__ == "__main__":
    if sys.argv[1:2] == ["--push"]:
        print(json.dumps(push_once(sys.argv[2], sys.argv[3])))
    else:
        main(measure)
