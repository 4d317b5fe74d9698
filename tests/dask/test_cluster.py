import bisect
import os
import signal

import pandas as pd
import psutil
import pytest
from support.counting_server import CountingServer, hash_of
from support.dask_customers import KEY, client_of, small, write_parts

import growlytics_pandas as gp

dd = pytest.importorskip("dask.dataframe", reason="needs the extra `dask`")
distributed = pytest.importorskip("distributed", reason="needs the extra `dask`")
pytest.importorskip("growlytics_pandas.dask")

pytestmark = [pytest.mark.dask, pytest.mark.slow, pytest.mark.filterwarnings("default")]  # of the cluster's own making
PARTS, ROWS = 40, 500
COMPARED = ["row", "column", "attribute", "rule", "severity", "effect", "value", "limit", "count", "message"]


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("customers"), PARTS, ROWS)


@pytest.fixture(scope="module")
def ddf(paths):
    return dd.from_map(pd.read_parquet, paths, meta=pd.read_parquet(paths[0]).head(0))


@pytest.fixture(scope="module")
def whole(paths):
    return pd.concat(map(pd.read_parquet, paths), ignore_index=True)


def plain(frame):
    return {name: [None if pd.isna(v) else v for v in frame[name].tolist()] for name in COMPARED}


def test_violations_match_one_frame(cluster, ddf, whole):
    assert plain(ddf.growlytics.validate("customer_id")) == plain(gp.validate(whole, "customer_id"))
    schema, expected = ddf.growlytics.schema("customer_id"), gp.schema(whole, "customer_id")
    assert schema["type"].tolist() == expected["type"].tolist()
    assert schema["missing"].tolist() == expected["missing"].tolist()


def test_each_row_is_one_request(cluster, ddf, whole, server):
    result = ddf.growlytics.push("customer_id", client=client_of(server), errors="drop", progress=False)
    outcomes, failed = result.outcomes, result.failed  # a look at the result sends nothing
    received = server.received()
    one = gp.push(whole, "customer_id", client=client_of(server), errors="drop", dry_run=True)
    assert received["requests"] == len(received["customers"]) == one.counts["unsent"] == result.counts["accepted"]
    assert outcomes["row"].tolist() == list(range(PARTS * ROWS))
    assert outcomes["id"].fillna("").tolist() == one.outcomes["id"].fillna("").tolist()
    assert outcomes["status"].value_counts().to_dict() == {k: n for k, n in result.counts.items() if n}
    assert failed["row"].tolist() == one.failed["row"].tolist()
    assert set(received["customers"]) == set(one.outcomes["id"][one.outcomes["status"] == "unsent"])


def test_the_bodies_are_those_of_the_plan(cluster, server):
    ddf = small(900, 3)
    ddf.growlytics.push("customer_id", client=client_of(server), progress=False)
    encoded = gp.plan(ddf.compute(), "customer_id")._part.encode(0, 900)
    assert server.received()["customers"] == dict(zip(encoded.ids, map(hash_of, encoded.bodies), strict=True))


def test_second_push_sends_again(cluster, server):
    ddf = small(200, 2)
    results = [ddf.growlytics.push("customer_id", client=client_of(server), progress=False) for _ in range(2)]
    assert [result.counts["accepted"] for result in results] == [200, 200]
    assert server.received()["requests"] == 400


def test_planning_a_push_sends_nothing(cluster, server):
    plan = small(200, 2).growlytics.plan("customer_id", client=client_of(server))
    assert plan.counts["unsent"] == 200
    assert plan.push(dry_run=True).counts["unsent"] == 200
    assert len(plan.preview(2)) == 2
    assert server.received()["requests"] == 0


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7])
def test_killed_worker_costs_no_row(cluster, server, share):
    rows, killed = 6000, []

    def kill(event):
        if not killed and event.counts["accepted"] > share * rows:
            killed.append(next(iter(cluster.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)

    cluster.wait_for_workers(2)
    result = small(rows, 6).growlytics.push("customer_id", client=client_of(server), progress=kill)
    received = server.received()
    assert killed
    assert result.counts["accepted"] == rows == len(received["customers"])
    assert result.outcomes["row"].tolist() == list(range(rows))
    assert received["requests"] - rows <= result.resent["again"].sum()
    assert result.resent["again"].sum() <= len(result.resent) * 600


def most_in_a_second(times):
    return max(bisect.bisect_left(times, start + 1) - place for place, start in enumerate(times))


def test_rate_is_for_the_whole_cluster(cluster, server):
    rate, seen = 200, 0
    for _ in range(4):  # a machine that stalls lets requests arrive together, so the best of four counts
        result = small(500, 5).growlytics.push("customer_id", client=client_of(server), max_rate=rate, progress=False)
        times = server.received()["times"][seen:]
        seen += len(times)
        most = most_in_a_second(times)
        assert result.counts["accepted"] == len(times) == 500
        if most <= 1.05 * rate:
            return
    pytest.fail(f"{most} requests in one second; {rate} were allowed")


def push_while_growing(server, rows, rate):
    """Push four parts on one worker, which a second one joins; return the result and how many workers took part."""
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": ":0", "env": {"GROWLYTICS_API_KEY": KEY}}
    with distributed.LocalCluster(**options) as running, distributed.Client(running) as growing:

        def grow(event):
            if event.counts["accepted"] > 100:
                running.scale(2)

        with distributed.get_task_stream(client=growing) as stream:
            result = small(rows, 4).growlytics.push(
                "customer_id", client=client_of(server), max_rate=rate, progress=grow
            )
        return result, len({task["worker"] for task in stream.data})


def test_cluster_may_grow_during_a_push(server):
    rows, rate, seen = 2800, 400, 0  # a part takes 1.75 s alone, and the second worker comes during the second part
    for _ in range(3):  # as above, the best counts
        result, n_workers = push_while_growing(server, rows, rate)
        times = server.received()["times"][seen:]
        seen += len(times)
        most = most_in_a_second(times)
        assert (result.counts["accepted"], len(times), n_workers) == (rows, rows, 2)
        if most <= 1.05 * rate:
            return
    pytest.fail(f"{most} requests in one second; {rate} were allowed")


def test_concurrency_is_for_the_whole_cluster(cluster):
    slow = CountingServer(delay_seconds=0.02)
    try:
        result = small(600, 6).growlytics.push("customer_id", client=client_of(slow), max_concurrency=6, progress=False)
        assert result.counts["accepted"] == 600
        assert slow.received()["most_at_once"] <= 6
    finally:
        slow.stop()


def test_stop_reaches_workers_and_retry_goes_on(cluster, server):
    rows, stops = 6000, []

    def stop(event):
        if event.counts["accepted"] > 300 and not stops:
            stops.append(event.stop())

    with pytest.raises(gp.PushInterrupted) as stopped:
        small(rows, 6).growlytics.push("customer_id", client=client_of(server), progress=stop, max_rate=2000)
    result = stopped.value.result
    assert gp.last_result() is result
    assert 300 < result.counts["accepted"] < rows
    assert sum(result.counts.values()) == rows == len(result.outcomes)
    assert server.received()["requests"] == result.counts["accepted"] + result.counts["unknown"]
    again = result.retry()
    assert again.counts["accepted"] == rows
    assert server.received()["requests"] == rows + result.counts["unknown"]


def test_client_keeps_the_ledger_of_a_cluster(cluster, server, tmp_path):
    client = client_of(server, tmp_path / "ledger.db")
    first = small(400, 4).growlytics.push("customer_id", client=client, progress=False)
    assert first.new_types["attribute"].tolist() == ["City", "Total Orders"]
    assert set(client.types()["source"]) == {"accepted"}
    frame = small(400, 4).compute()
    frame.loc[frame.index[7], "City"] = "Elsewhere"
    changed = dd.from_pandas(frame, npartitions=4, sort=False)
    second = changed.growlytics.push("customer_id", client=client, skip_unchanged=True, progress=False)
    assert (second.counts["accepted"], second.counts["unchanged"]) == (1, 399)
    third = gp.push(frame, "customer_id", client=client, skip_unchanged=True, progress=False)
    assert third.counts["unchanged"] == 400
    assert client.history()["ended"].tolist() == ["finished"] * 3


def test_worker_with_another_key_sends_nothing(cluster, server):
    stranger = gp.Client("another-key", server.base_url, ledger=None)
    with pytest.raises(gp.errors.ApiKeyError, match="differs from the client's") as refused:
        small(100, 2).growlytics.push("customer_id", client=stranger, progress=False)
    assert KEY not in str(refused.value)
    assert server.received()["requests"] == 0


def test_a_refused_key_ends_the_run_at_once(cluster, sandbox):
    client = gp.Client(KEY, sandbox.base_url, ledger=None)  # the sandbox has another one
    with pytest.raises(gp.AuthenticationError) as refused:
        small(2000, 8).growlytics.push("customer_id", client=client, progress=False)
    assert sum(refused.value.result.counts.values()) == 2000
    assert sandbox.requests < 200


def test_workers_need_little_memory(cluster, tmp_path, server):
    parts = write_parts(tmp_path, 4, 20_000)
    partition = max(pd.read_parquet(path).memory_usage(deep=True).sum() for path in parts)
    workers = [psutil.Process(pid) for pid in cluster.run(os.getpid).values()]
    idle = {worker.pid: worker.memory_info().rss for worker in workers}
    grown = []

    def watch(_event):
        grown.extend(worker.memory_info().rss - idle[worker.pid] for worker in workers)

    ddf = dd.from_map(pd.read_parquet, parts, meta=pd.read_parquet(parts[0]).head(0))
    ddf = ddf[["customer_id", "Orders", "City"]]
    ddf.growlytics.push("customer_id", client=client_of(server), errors="drop", progress=watch)
    assert max(grown) < 2 * partition + 200e6
