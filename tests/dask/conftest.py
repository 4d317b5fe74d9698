"""A cluster of two workers and a server that counts, for the tests of this folder."""

import pytest
from support.counting_server import CountingServer
from support.dask_customers import KEY


@pytest.fixture(scope="module")
def cluster():
    dask = pytest.importorskip("dask", reason="needs the extra `dask`")
    distributed = pytest.importorskip("distributed", reason="needs the extra `dask`")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0", "env": {"GROWLYTICS_API_KEY": KEY}}
    # A local cluster gives up a worker that takes longer to come back; and asks four times for what kills it.
    patience = dask.config.set(
        {"distributed.deploy.lost-worker-timeout": "300s", "distributed.scheduler.allowed-failures": 1}
    )
    with patience, distributed.LocalCluster(**options) as running, distributed.Client(running) as client:
        yield client


@pytest.fixture
def server():
    running = CountingServer()
    yield running
    running.stop()
