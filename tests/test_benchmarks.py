"""Small runs of `tests/benchmarks`, which print their tables; ratios within one run, with room for a noisy machine."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.benchmark

BENCHMARKS = Path(__file__).parent / "benchmarks"


@pytest.fixture
def measure(capfd):
    """Run one benchmark small, in a process of its own, show its table and return its figures."""

    def run(name):
        command = [sys.executable, str(BENCHMARKS / f"{name}.py"), "--small"]
        printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.rstrip()
        table, _, figures = printed.rpartition("\n")
        with capfd.disabled():
            print(table)
        return json.loads(figures)

    return run


def test_push_beats_segment_and_a_loop(measure):
    found = measure("throughput")["7 attributes, no latency"]
    rate = {name: figures["best_rate"] for name, figures in found.items()}
    ours = rate["ours, curl"]
    assert ours > 2.0 * rate["segment, 100 a request"]
    assert ours > 20.0 * rate["iterrows + requests.post"]
    assert ours > 0.5 * rate["bare encode + libcurl multi"]


def test_cost_per_row_and_memory_stay_flat(measure):
    found = measure("growth")
    small, large = found["10,000"], found["100,000"]
    assert large["cpu_us"] < 1.4 * small["cpu_us"]
    assert large["added_mb"] < 100


def test_encoding_beats_row_by_row(measure):
    found = measure("encode")
    assert found["naive"] > 5.0 * found["ours"]


def test_checks_match_pandera_in_seconds(measure):
    odd = measure("checks")["1 % odd"]
    assert odd["found"] == odd["pandera_found"] > 0
    assert odd["ours"] < 5.0, "50,000 rows"


def test_cluster_matches_one_frame(measure):
    pytest.importorskip("dask", reason="needs the extra `dask`")
    found = measure("cluster")  # it compares violations, bodies and requests itself
    assert found["worker_mb"] < 2 * found["partition_mb"] + 200


def test_throughput_on_limited_servers(measure):
    for name, found in measure("limits").items():
        least = (
            0.4 if name == "at most 20 at once, else 503" else 0.7
        )  # the start of a short run is slow where 503 means that
        assert found["share"] >= least, name
        assert found["refused"] < 0.15, name
        assert found["unaccepted"] <= 2, name
