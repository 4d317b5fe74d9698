"""A million customers in 40 Parquet files, pushed by two workers and compared with the same rows in one pandas frame.

``python tests/benchmarks/cluster.py`` (extra `dask`). Dtypes drift from file to file; ids that come twice in different
files and other faults are planted. It ends with an error unless the violations are those of the one frame, every
customer arrived with the body of the plan, and the server had one request a row sent. Then it prints times and memory.
"""

import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import dask.dataframe as dd
import distributed
import pandas as pd
import psutil
from measuring import main, print_table

sys.path.append(str(Path(__file__).parents[1]))
from support.counting_server import CountingServer, hash_of
from support.dask_customers import KEY, client_of, write_parts

import growlytics_pandas as gp
import growlytics_pandas.dask  # gives Dask frames the verbs

PARTS = 40
ROWS_A_PART, SMALL_ROWS_A_PART = 25_000, 500
COMPARED = ["row", "column", "attribute", "rule", "severity", "effect", "value", "limit", "count", "message"]
BLOCK_ROWS = 50_000  # encoded at once where the plan's bodies are compared


class Memory:
    """The most that any of some processes grew by, looked at twenty times a second."""

    def __init__(self, pids):
        self._processes = [psutil.Process(pid) for pid in pids]
        self._idle = {process.pid: process.memory_info().rss for process in self._processes}
        self._ended = threading.Event()
        self.most_mb = 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        while not self._ended.wait(0.05):
            grown = max(process.memory_info().rss - self._idle[process.pid] for process in self._processes)
            self.most_mb = max(self.most_mb, grown / 1e6)

    def end(self):
        self._ended.set()
        return self.most_mb


def require(is_true, message):
    if not is_true:
        raise SystemExit(f"cluster: {message}")


def plain(frame):
    return {name: [None if pd.isna(v) else v for v in frame[name].tolist()] for name in COMPARED}


def bodies_of(plan):
    """Customer -> hash of the body in the plan of the one frame."""
    found = {}
    for start in range(0, len(plan.frame), BLOCK_ROWS):
        encoded = plan._part.encode(start, min(start + BLOCK_ROWS, len(plan.frame)))
        found.update(zip(encoded.ids, map(hash_of, encoded.bodies), strict=True))
    return found


def timed(call):
    began = time.perf_counter()
    found = call()
    return found, time.perf_counter() - began


def measure(small):
    server = CountingServer()
    with tempfile.TemporaryDirectory() as folder:
        paths = write_parts(Path(folder), PARTS, SMALL_ROWS_A_PART if small else ROWS_A_PART)
        parts = [pd.read_parquet(path) for path in paths]
        part_mb = max(part.memory_usage(deep=True).sum() for part in parts) / 1e6
        client = client_of(server)
        one = gp.plan(pd.concat(parts, ignore_index=True), "customer_id", client=client)
        del parts
        ddf = dd.from_map(pd.read_parquet, paths, meta=pd.read_parquet(paths[0]).head(0))
        options = {"n_workers": 2, "threads_per_worker": 1, "env": {"GROWLYTICS_API_KEY": KEY}}
        with (
            distributed.LocalCluster(dashboard_address=":0", **options) as workers,
            distributed.Client(workers) as cluster,
        ):
            memory = Memory(cluster.run(os.getpid).values())
            plan, survey_seconds = timed(lambda: ddf.growlytics.plan("customer_id", client=client))
            found, check_seconds = timed(lambda: plan.violations)
            result, push_seconds = timed(lambda: plan.push(errors="drop", progress=False))
            grown_mb = memory.end()
    received = server.received()
    server.stop()
    accepted = result.counts["accepted"]
    require(plain(found) == plain(one.violations), "the violations are not those of one frame")
    require(received["customers"] == bodies_of(one), "what arrived is not the plan")
    require(
        received["requests"] == accepted == len(received["customers"]),
        f"{received['requests']} requests, {accepted} accepted",
    )
    figures = {
        "rows": len(one.frame),
        "violations": len(found),
        "survey_seconds": survey_seconds,
        "check_seconds": check_seconds,
        "push_seconds": push_seconds,
        "rate": accepted / push_seconds,
        "partition_mb": part_mb,
        "worker_mb": grown_mb,
    }
    print_table("A Dask frame of 40 files, pushed by two workers", list(figures), [list(figures.values())])
    return figures


if __name__ == "__main__":
    main(measure)
