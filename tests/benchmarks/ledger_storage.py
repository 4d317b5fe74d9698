"""Which storage suits the ledger: our log in SQLite, a row per customer in SQLite, or LMDB (if it is installed).

``python tests/benchmarks/ledger_storage.py`` does to each what a push does to the ledger, with random digests: in chunks
of 1,000 customers it looks them up, withdraws before sending and accepts after. Each storage is filled in one process
and opened in another. It is filled in chunks of a million, the last 100,000 customers in chunks of 1,000; these are
timed. ``--sizes 20000000`` takes a quarter of an hour and 5 GB of disk. ``--sizes 100000000 --chunk 1000`` fills in
chunks of 1,000 throughout, as a push does.
"""

import argparse
import json
import sqlite3
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from measuring import in_fresh_process, peak_mb, print_table

from growlytics_pandas.ledger.digests import Digests
from growlytics_pandas.ledger.project import Ledger

try:
    import lmdb
except ImportError:
    lmdb = None

CHUNK = 1_000
FILLED_CHUNK = 1_000_000
TIMED_ROWS = 100_000
SIZES, SMALL_SIZES = (1_000_000,), (20_000,)
NAMES = ("City", "Plan", "Joined")
LMDB_MAP_BYTES = 64 << 30  # address space; the file grows as needed


class OurLog:
    """The ledger as it is."""

    def __init__(self, directory):
        self._ledger = Ledger(directory / "ledger.sqlite3")
        self._project = self._ledger.project("https://api.example", "not-a-real-key")

    def unchanged(self, digests):
        return self._project.unchanged(digests)

    def push(self, digests):
        self._project.withdraw(digests, NAMES)
        self._project.accept(digests)

    def close(self):
        self._project.end_run(self._project.begin_run(0, datetime.now(UTC)), {}, "finished")  # as a push does
        self._ledger.close()


class SqliteRows:
    """A row per customer. A commit survives the end of the process, and a changed body's withdrawal a power failure."""

    def __init__(self, directory):
        self._connection = sqlite3.connect(directory / "rows.sqlite3", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA cache_size = -65536")  # 64 MB
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS customers (key INTEGER PRIMARY KEY, body_digest BLOB, attributes BLOB)"
        )

    def _stored(self, digests):
        rows = self._connection.execute(
            "SELECT key, body_digest FROM customers WHERE key IN (SELECT value FROM json_each(?))",
            (json.dumps(digests.keys.tolist()),),
        )
        return dict(rows.fetchall())

    def unchanged(self, digests):
        stored = self._stored(digests)
        sent = digests.body_digests.tobytes()
        return np.array([stored.get(key) == sent[16 * i : 16 * i + 16] for i, key in enumerate(digests.keys.tolist())])

    def push(self, digests):
        replaces = any(self._stored(digests).values())
        none, sent = b"\0" * 8, digests.body_digests.tobytes()
        keys = digests.keys.tolist()
        self._write([(key, None, none) for key in keys], "FULL" if replaces else "NORMAL")
        self._write([(key, sent[16 * i : 16 * i + 16], none) for i, key in enumerate(keys)], "NORMAL")

    def _write(self, rows, synchronous):
        self._connection.execute(f"PRAGMA synchronous = {synchronous}")
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT OR REPLACE INTO customers VALUES (?, ?, ?)", sorted(rows))
        self._connection.execute("COMMIT")

    def close(self):
        self._connection.close()


class Lmdb:
    """A record per customer in LMDB, which is flushed to disk only where a changed body is withdrawn.

    A power failure may then damage the file as a whole; flushing every commit is far slower.
    """

    def __init__(self, directory):
        self._env = lmdb.open(str(directory / "lmdb"), map_size=LMDB_MAP_BYTES, sync=False)

    def _stored(self, digests):
        keys = digests.keys.astype(">i8").tobytes()
        with self._env.begin() as transaction:
            return dict(transaction.cursor().getmulti([keys[8 * i : 8 * i + 8] for i in range(len(digests))]))

    def unchanged(self, digests):
        stored = self._stored(digests)
        keys, sent = digests.keys.astype(">i8").tobytes(), digests.body_digests.tobytes()
        return np.array(
            [stored.get(keys[8 * i : 8 * i + 8], b"")[:16] == sent[16 * i : 16 * i + 16] for i in range(len(digests))]
        )

    def push(self, digests):
        replaces = any(any(found[:16]) for found in self._stored(digests).values())
        keys, sent, none = digests.keys.astype(">i8").tobytes(), digests.body_digests.tobytes(), b"\0" * 8
        self._write([(keys[8 * i : 8 * i + 8], b"\0" * 24) for i in range(len(digests))])
        if replaces:
            self._env.sync(True)
        self._write([(keys[8 * i : 8 * i + 8], sent[16 * i : 16 * i + 16] + none) for i in range(len(digests))])

    def _write(self, records):
        with self._env.begin(write=True) as transaction:
            transaction.cursor().putmulti(sorted(records))

    def close(self):
        self._env.close()


STORAGES = {"our log": OurLog, "SQLite rows": SqliteRows} | ({"LMDB": Lmdb} if lmdb else {})


def mixed(numbers):
    """Return random-looking words, different ones for different numbers."""
    return pd.util.hash_array(numbers, categorize=False)


def chunks(start, stop, version, size=CHUNK):
    """Give digests of these customers: new bodies for each version."""
    for first in range(start, stop, size):
        n_rows = min(size, stop - first)
        numbers = np.arange(first, first + n_rows, dtype=np.uint64)
        body_digests = np.column_stack([mixed(numbers + np.uint64(version << 40)), mixed(numbers)])
        yield Digests((mixed(numbers) >> np.uint64(1)).astype(np.int64), body_digests)


def timed(call, start, stop, version):
    """Return the microseconds per customer of calling with each chunk: CPU time, and by the clock."""
    cpu = clock = 0.0
    for digests in chunks(start, stop, version):
        cpu_before, before = time.process_time(), time.perf_counter()
        call(digests)
        cpu, clock = cpu + time.process_time() - cpu_before, clock + time.perf_counter() - before
    return [cpu / (stop - start) * 1e6, clock / (stop - start) * 1e6]


def fill(name, directory, n_rows, chunk):
    """A first push."""
    storage = STORAGES[name](directory)
    last = max(n_rows - TIMED_ROWS, 0)
    start = time.perf_counter()
    for digests in chunks(0, last, 1, chunk):
        storage.push(digests)
    seconds = time.perf_counter() - start
    before = written()
    new = timed(storage.push, last, n_rows, 1)
    start = time.perf_counter()
    storage.close()
    seconds += time.perf_counter() - start
    return {
        "new_us": new,
        "written": (written() - before) / (n_rows - last),
        "filling_s": seconds,
        "filling_mb": peak_mb(),
        "bytes": sum(path.stat().st_blocks * 512 for path in directory.rglob("*") if path.is_file()) / n_rows,
    }


def reopen(name, directory, n_rows):
    """What a later process does: a first answer, unchanged customers, changed ones."""
    before = anonymous_mb()
    start, cpu = time.perf_counter(), time.process_time()
    storage = STORAGES[name](directory)
    assert storage.unchanged(next(chunks(0, CHUNK, 1))).all()
    opening = {"open_ms": (time.perf_counter() - start) * 1e3, "open_cpu_ms": (time.process_time() - cpu) * 1e3}
    memory = {"opening_mb": peak_mb(), "memory": (anonymous_mb() - before) * 2**20 / n_rows}
    stop = min(n_rows, TIMED_ROWS)
    calls = {"unchanged_us": timed(storage.unchanged, 0, stop, 1), "changed_us": timed(storage.push, 0, stop, 2)}
    storage.close()
    return opening | memory | calls


def written():
    """Return how many bytes this process has written to the disk, or will."""
    return int(Path("/proc/self/io").read_text().split("write_bytes:")[1].split()[0])


def anonymous_mb():
    """Return the memory in use but for mapped files, in MB."""
    return int(Path("/proc/self/status").read_text().split("RssAnon:")[1].split()[0]) / 1024


COLUMNS = {
    "new, CPU µs a row": lambda found: found["new_us"][0],
    "clock": lambda found: found["new_us"][1],
    "changed, CPU µs": lambda found: found["changed_us"][0],
    "clock ": lambda found: found["changed_us"][1],
    "unchanged, CPU µs": lambda found: found["unchanged_us"][0],
    "written, bytes a row": lambda found: found["written"],
    "file, bytes a customer": lambda found: found["bytes"],
    "memory, bytes a customer": lambda found: found["memory"],
    "opening, ms": lambda found: found["open_ms"],
    "peak, MB": lambda found: found["opening_mb"],
    "filling, s": lambda found: found["filling_s"],
    "peak, MB ": lambda found: found["filling_mb"],
}


def measure(name, n_rows, chunk):
    with tempfile.TemporaryDirectory() as directory:
        filled = in_fresh_process("ledger_storage.py", "fill", name, directory, n_rows, chunk)
        return filled | in_fresh_process("ledger_storage.py", "reopen", name, directory, n_rows)


if __name__ == "__main__":
    if sys.argv[1:2] in (["fill"], ["reopen"]):
        _, what, name, directory, *numbers = sys.argv
        print(json.dumps((fill if what == "fill" else reopen)(name, Path(directory), *map(int, numbers))))
    else:
        parser = argparse.ArgumentParser()
        parser.add_argument("--small", action="store_true")
        parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
        parser.add_argument("--storages", nargs="+", choices=STORAGES, default=list(STORAGES))
        parser.add_argument("--chunk", type=int, default=FILLED_CHUNK)
        arguments = parser.parse_args()
        figures = {}
        for size in SMALL_SIZES if arguments.small else arguments.sizes:
            figures[size] = {name: measure(name, size, arguments.chunk) for name in arguments.storages}
            rows = [[name, *(figure(found) for figure in COLUMNS.values())] for name, found in figures[size].items()]
            print_table(f"{size:,} customers", ["", *COLUMNS], rows)
        print(json.dumps(figures))
