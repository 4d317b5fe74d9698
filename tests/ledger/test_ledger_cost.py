"""A small run of `tests/benchmarks/ledger_cost.py`, with room for a noisy machine."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "ledger_cost.py"


@pytest.mark.slow
@pytest.mark.benchmark
def test_ledger_costs_little_time_and_space(capfd):
    """The ledger costs a push little, and a customer less than 100 bytes."""
    command = [sys.executable, str(BENCHMARK), "--small"]
    for _ in range(3):  # what else the machine does only makes the ledger look dearer, never cheaper in all three
        printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.rstrip()
        table, _sep, figures = printed.rpartition("\n")
        with capfd.disabled():
            print(table)
        found = json.loads(figures)
        if found["cost"]["cpu"] < 0.25:
            break
    assert found["cost"]["cpu"] < 0.25  # about 0.1; less than 0.15 is the aim
    unchanged = found["unchanged"]
    assert unchanged["requests"] == 0
    assert unchanged["bytes"] < 100
    assert unchanged["cpu_seconds"] / unchanged["unchanged"] < 40e-6  # about half; a million in 20 s is the aim
