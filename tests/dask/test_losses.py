"""Failures of a cluster: workers that die repeatedly, no workers, workers without the package, a lost client."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from support.dask_customers import KEY, client_of, small

import growlytics_pandas as gp

dd = pytest.importorskip("dask.dataframe", reason="needs the extra `dask`")
distributed = pytest.importorskip("distributed", reason="needs the extra `dask`")
cluster_module = pytest.importorskip("growlytics_pandas.dask.cluster")

pytestmark = [pytest.mark.dask, pytest.mark.slow, pytest.mark.filterwarnings("default")]  # of the cluster's own making


def deadly(number, folder):
    """Read a partition; the second one kills its worker as long as the file `deadly` exists."""
    if number == 1 and (folder / "deadly").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    return pd.DataFrame({"id": [f"{number}-{i}" for i in range(100)], "n": range(100)})


def test_part_that_kills_workers_is_unknown(cluster, server, tmp_path):
    meta = pd.DataFrame({"id": pd.Series(dtype="str"), "n": pd.Series(dtype="int64")})
    ddf = dd.from_map(deadly, range(5), folder=tmp_path, meta=meta)
    plan = ddf.growlytics.plan("id", client=client_of(server))
    assert plan.violations.empty
    (tmp_path / "deadly").touch()
    with pytest.raises(gp.errors.DataError, match="partition 1: the cluster could not read it"):
        ddf.growlytics.plan("id", client=client_of(server))
    cluster.wait_for_workers(2)
    result = plan.push(progress=False)
    outcomes = result.outcomes
    unknown = outcomes[outcomes["status"] == "unknown"]
    assert outcomes["row"].tolist() == list(range(500))
    assert set(range(100, 200)) <= set(unknown["row"])
    assert unknown["error"].str.contains("pushing again is safe").all()
    assert result.counts["accepted"] + result.counts["unknown"] == 500
    received = server.received()["customers"]
    assert all(row in received for row in outcomes.loc[outcomes["status"] == "accepted", "id"])
    (tmp_path / "deadly").unlink()
    cluster.wait_for_workers(2)
    again = result.retry()
    assert again.counts["accepted"] == 500 == len(server.received()["customers"])


def test_run_without_workers_ends_and_can_retry(server, monkeypatch):
    monkeypatch.setattr(cluster_module, "STALL_SECONDS", 1.0)
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": ":0", "env": {"GROWLYTICS_API_KEY": KEY}}
    with distributed.LocalCluster(**options) as running, distributed.Client(running) as cluster:
        gone = []

        def leave(event):
            if event.counts["accepted"] > 100 and not gone:
                gone.append(running.scale(0))

        with pytest.raises(gp.ServiceUnavailableError, match="has had no worker") as lost:
            small(4000, 8).growlytics.push("customer_id", client=client_of(server), progress=leave, max_rate=1000)
        result = lost.value.result
        assert sum(result.counts.values()) == 4000 == len(result.outcomes)
        assert 100 < result.counts["accepted"] <= len(server.received()["customers"])
        assert result.counts["unsent"] > 0
        running.scale(1)
        cluster.wait_for_workers(1)
        assert result.retry().counts["accepted"] == 4000 == len(server.received()["customers"])


@contextlib.contextmanager
def started(module, address, environment, folder):
    command = [sys.executable, "-m", module, address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    with subprocess.Popen(command, env=environment, cwd=folder, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def test_missing_package_on_workers_is_named(server, tmp_path):
    broken = tmp_path / "growlytics_pandas"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise ModuleNotFoundError('growlytics_pandas')")
    environment = {**os.environ, "GROWLYTICS_API_KEY": KEY, "PYTHONPATH": str(tmp_path)}
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0") as running,
        distributed.Client(running) as cluster,
        started("distributed.cli.dask_worker", running.scheduler_address, environment, tmp_path),
    ):
        cluster.wait_for_workers(1, timeout=30)
        with pytest.raises(gp.errors.UsageError, match="Install the same version"):
            small(100, 2).growlytics.push("customer_id", client=client_of(server), progress=False)
    assert server.received()["requests"] == 0


ORPHAN = """
import sys
import distributed, dask.dataframe, growlytics_pandas as gp, growlytics_pandas.dask
sys.path.append(sys.argv[3])
from support.dask_customers import KEY, small
cluster = distributed.Client(sys.argv[1])
client = gp.Client(KEY, sys.argv[2], ledger=None)
small(6000, 6).growlytics.push("customer_id", client=client, max_rate=300, progress=False)
"""


def test_workers_stop_when_the_client_is_lost(cluster, server):
    """Nobody would gather the outcomes, so the workers stop."""
    support = str(Path(sys.modules["support"].__file__).parents[1])
    command = [sys.executable, "-c", ORPHAN, cluster.scheduler.address, server.base_url, support]
    with subprocess.Popen(command, env={**os.environ, "GROWLYTICS_API_KEY": KEY}) as orphan:
        deadline = time.monotonic() + 60
        while server.received()["requests"] < 100:
            assert time.monotonic() < deadline
            assert orphan.poll() is None, "the client ended before it was killed"
            time.sleep(0.05)
        orphan.kill()
    still = settled(server)
    assert still < 6000
    assert small(60, 2).growlytics.push("customer_id", client=client_of(server), progress=False).ok, "it still works"


def settled(server):
    """Return the requests that a server has had, once a second passes without another."""
    before, deadline = -1, time.monotonic() + 30
    while (now := server.received()["requests"]) != before:
        assert time.monotonic() < deadline, "the workers go on without the client"
        before = now
        time.sleep(1.0)
    return now
