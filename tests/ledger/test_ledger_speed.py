"""What the ledger costs: microseconds of the main thread a row, bytes of the file and of memory a customer."""

import time
import tracemalloc
from datetime import UTC, datetime

import numpy as np
import pytest
from support.ledger_rows import bodies

from growlytics_pandas.ledger import Ledger
from growlytics_pandas.ledger import digests as log

N_CUSTOMERS = 200_000
CHUNK = 1_000
NAMES = [f"attribute {n}" for n in range(20)]
TAIL = b',"attributes":[' + b'{"name":"city","type":"string","value":"Pune"},' * 6 + b"]}"


def chunks(version: int):
    for start in range(0, N_CUSTOMERS, CHUNK):
        ids = [f"user{n}@example.com" for n in range(start, start + CHUNK)]
        yield ids, [b'{"id":"user%d@example.com","v":%d%b' % (n, version, TAIL) for n in range(start, start + CHUNK)]


def push_microseconds(project, version: int, present) -> float:
    seconds = 0.0
    for ids, texts in chunks(version):
        start = time.perf_counter()
        digests = project.digest(ids, bodies(texts))
        project.withdraw(digests, NAMES, present)
        project.accept(digests)
        project.flush()
        seconds += time.perf_counter() - start
    return seconds / N_CUSTOMERS * 1e6


@pytest.mark.slow
@pytest.mark.benchmark
def test_row_costs_microseconds_and_few_bytes(tmp_path):
    """A row costs microseconds, and a customer less than 100 bytes."""
    path = tmp_path / "ledger.sqlite3"
    present = np.random.default_rng(0).random((CHUNK, len(NAMES))) > 0.1
    with Ledger(path) as ledger:
        project = ledger.project("https://api.example", "key")
        first, changed = (push_microseconds(project, version, present) for version in (1, 2))
    with Ledger(path) as ledger:
        project = ledger.project("https://api.example", "key")
        seconds = 0.0
        for ids, texts in chunks(2):
            start = time.perf_counter()
            assert project.unchanged(project.digest(ids, bodies(texts))).all()
            seconds += time.perf_counter() - start
    recognised = seconds / N_CUSTOMERS * 1e6
    n_bytes = path.stat().st_size / N_CUSTOMERS
    print(f"\nfirst push {first:.1f}, changed {changed:.1f}, recognised {recognised:.1f} µs a row; {n_bytes:.0f} bytes")
    assert max(first, changed) < 15  # about 4 on an idle machine; a row of B-tree writes took 29
    assert recognised < 8  # a million in 20 s; the encoder needs 8 s of them
    assert n_bytes < 100


def test_opening_a_ledger_needs_little_memory(tmp_path, monkeypatch):
    """Opening a ledger takes memory for its customers and a few blocks only."""
    monkeypatch.setattr(log, "BLOCK_RECORDS", 1_024)
    n_customers = 50_000
    ids = [f"user{n}@example.com" for n in range(n_customers)]
    with Ledger(tmp_path / "ledger.sqlite3") as ledger:
        project = ledger.project("https://api.example", "key")
        digests = project.digest(ids, ())
        run = project.begin_run(n_customers, datetime.now(UTC))
        project.withdraw(digests)
        project.accept(digests)
        project.end_run(run, {}, "finished")
    with Ledger(tmp_path / "ledger.sqlite3") as ledger:
        project = ledger.project("https://api.example", "key")
        first = digests.take(range(1_000))
        tracemalloc.start()
        assert project.unchanged(first).all()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak / n_customers < 80  # 33 bytes each, and room to grow; read as a whole, they took 159
