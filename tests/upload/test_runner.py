"""What a push promises apart from the wire: its options, errors and events, and that every row has an outcome."""

import signal
import threading
import time
from contextlib import ExitStack

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.transports import TRANSPORTS

import growlytics_pandas as gp
from growlytics_pandas import Client, Sandbox
from growlytics_pandas.errors import (
    ApiKeyError,
    ConstraintViolationError,
    InvalidArgumentError,
    ServiceError,
    UsageError,
)
from growlytics_pandas.sandbox import Faults
from growlytics_pandas.upload.connection import exclusive
from growlytics_pandas.upload.delivery import CancellationToken, interrupts


def customers(rows):
    return pd.DataFrame({"id": [f"c{i}" for i in range(rows)], "Score": range(rows)})


def dirty():
    return pd.DataFrame({"id": ["a", "b", "b", None], "Score": [1.0, float("inf"), 2.0, 3.0]})


# options ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "allowed"),
    [
        ({"errors": "ignore"}, "'raise', 'drop'"),
        ({"chunk_size": 0}, "whole number of 1 or more"),
        ({"chunk_size": 10.0}, "whole number of 1 or more"),
        ({"max_concurrency": True}, "whole number of 1 or more"),
        ({"dry_run": "no"}, "True or False"),
        ({"skip_unchanged": 1}, "True or False"),
        ({"max_rate": 0}, "above 0"),
        ({"max_rate": "fast"}, "above 0"),
        ({"max_rate": float("nan")}, "above 0"),
        ({"max_failures": -1}, "above 0"),
        ({"max_failures": 1.5}, "share from 0 to 1"),
        ({"progress": "loud"}, "'text', False"),
    ],
)
def test_invalid_option_sends_nothing(sandbox, option, allowed):
    with pytest.raises(InvalidArgumentError, match=allowed) as caught:
        gp.push(customers(2), "id", client=sandbox.client, **{"progress": False} | option)
    assert str(caught.value).startswith(next(iter(option)))
    assert repr(next(iter(option.values()))) in str(caught.value)
    assert sandbox.requests == 0


def test_skip_unchanged_needs_a_ledger(sandbox):
    client = Client(sandbox.api_key, sandbox.base_url, ledger=None)
    with pytest.raises(InvalidArgumentError, match="ledger"):
        gp.push(customers(2), "id", client=client, skip_unchanged=True, progress=False)
    assert sandbox.requests == 0


def test_dry_run_needs_no_key():
    result = gp.push(dirty(), "id", dry_run=True, progress=False)
    assert result.counts == {"accepted": 0, "unchanged": 0, "invalid": 3, "failed": 0, "unknown": 0, "unsent": 1}
    assert result.new_types["type"].tolist() == ["number"]
    assert result.run.base_url is None


def test_missing_key_error_shows_the_fix():
    with pytest.raises(ApiKeyError, match="GROWLYTICS_API_KEY"):
        gp.push(customers(1), "id", progress=False)


# violations ---------------------------------------------------------------------------------------------------------


def test_violation_error_summary(sandbox):
    with pytest.raises(ConstraintViolationError) as caught:
        gp.push(dirty(), "id", client=sandbox.client, progress=False)
    message, violations = str(caught.value), caught.value.violations
    errors = violations[violations["severity"] == "error"]
    assert message.startswith(f"nothing was sent: {len(errors)} violations")
    for rule, found in errors.groupby("rule"):
        assert f"{rule} ({found['count'].sum()}): {found['message'].iloc[0]}\n    {found['fix'].iloc[0]}" in message
    assert "errors='drop'" in message
    assert sandbox.requests == 0


def test_plan_of_a_violation_error_can_drop(sandbox):
    """Its push with errors="drop" leaves the rejected values out."""
    with pytest.raises(ConstraintViolationError) as caught:
        gp.push(dirty(), "id", client=sandbox.client, progress=False)
    result = caught.value.plan.push(errors="drop", progress=False)
    assert result.counts["accepted"] == 1
    assert result.counts["invalid"] == 3
    assert not result.ok
    assert sandbox.stored() == {"a": {"Score": 1.0}}


def test_all_rows_are_checked_before_sending(sandbox):
    """Also with errors="drop"."""
    plan, was_checked = gp.plan(dirty(), "id", client=sandbox.client), []
    plan.push(errors="drop", progress=lambda _: was_checked.append("_findings" in vars(plan)))
    assert all(was_checked)
    assert was_checked


# plans --------------------------------------------------------------------------------------------------------------


def test_plan_sends_the_frame_as_planned(sandbox):
    df = customers(3)
    plan = gp.plan(df, "id", client=sandbox.client)
    df["Score"] = -1
    df.loc[0, "id"] = "other"
    plan.push(progress=False)
    assert sandbox.stored() == {f"c{i}": {"Score": i} for i in range(3)}


def test_a_plan_can_be_pushed_twice(sandbox):
    plan = gp.plan(customers(3), "id", client=sandbox.client)
    first, second = plan.push(progress=False), plan.push(progress=False)
    assert first.counts["accepted"] == second.counts["accepted"] == 3
    assert sandbox.requests == 6


def test_plan_pushed_twice_can_skip_unchanged(sandbox):
    plan = gp.plan(customers(3), "id", client=sandbox.client)
    plan.push(progress=False)
    assert plan.push(progress=False, skip_unchanged=True).counts["unchanged"] == 3
    assert sandbox.requests == 3


@pytest.mark.parametrize("columns", [["id"], ["id", "Score"]])
def test_an_empty_frame_has_an_empty_result(sandbox, columns):
    result = gp.push(pd.DataFrame({name: [] for name in columns}), "id", client=sandbox.client, progress=False)
    assert result.ok
    assert sum(result.counts.values()) == len(result.outcomes) == len(result.failed) == 0
    assert (
        result.outcomes.columns.tolist()
        == gp.push(customers(1), "id", client=sandbox.client, progress=False).outcomes.columns.tolist()
    )


# results on errors --------------------------------------------------------------------------------------------------


def test_run_error_has_the_result(faulty):
    box = faulty(seed=5, status={401: 0.05})
    with pytest.raises(gp.AuthenticationError) as caught:
        gp.push(customers(400), "id", client=box.client, progress=False)
    result = caught.value.result
    assert gp.last_result() is result
    assert result.counts["accepted"] == len(box.stored()) > 0
    assert sum(result.counts.values()) == 400


def test_concurrent_pushes_are_refused(sandbox):
    """Two at once could have one customer in flight twice."""
    client = sandbox.client
    with exclusive(client._connection), pytest.raises(UsageError, match="another push"):
        gp.push(customers(1), "id", client=client, progress=False)
    assert gp.push(customers(1), "id", client=client, progress=False).ok


def test_concurrent_pushes_of_two_clients(sandbox):
    ledger = sandbox.client.ledger
    twin = Client(sandbox.api_key, sandbox.base_url, ledger=ledger)
    with exclusive(sandbox.client._connection), pytest.raises(UsageError, match="another push"):
        gp.push(customers(1), "id", client=twin, progress=False)


# interrupts ---------------------------------------------------------------------------------------------------------


def test_signal_handler_is_restored():
    before = signal.getsignal(signal.SIGINT)
    during = []

    def fail():
        during.append(signal.getsignal(signal.SIGINT))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), interrupts(CancellationToken()):
        fail()
    assert during != [before]
    assert signal.getsignal(signal.SIGINT) is before


def test_ignored_interrupts_stay_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts(CancellationToken()):
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_third_interrupt_is_pythons_own():
    stop = CancellationToken()
    with interrupts(stop):
        signal.raise_signal(signal.SIGINT)
        assert (stop.requested, stop.at_once) == (True, False)
        signal.raise_signal(signal.SIGINT)
        assert stop.at_once
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_push_in_a_thread(sandbox):
    results = []
    push = threading.Thread(
        target=lambda: results.append(gp.push(customers(3), "id", client=sandbox.client, progress=False))
    )
    push.start()
    push.join()
    assert results[0].ok


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_waiting_costs_no_cpu(transport):
    """A pause that a server asked for may last minutes, in which nothing is in flight."""
    opened = Client("some-key", "http://127.0.0.1:9", ledger=None, transport=transport)._connection.open_transport(4)
    try:
        began = time.process_time()
        assert opened.poll(0.5) == []
        assert time.process_time() - began < 0.2
    finally:
        opened.close()


# progress -----------------------------------------------------------------------------------------------------------


def test_progress_counts_sum_to_the_rows(faulty):
    box = faulty(latency=0.05, success_false=0.1)
    events = []
    result = gp.push(
        pd.concat([customers(150), dirty()]),
        "id",
        client=box.client,
        errors="drop",
        max_concurrency=8,
        progress=events.append,
    )
    kinds = [event.kind for event in events]
    assert kinds[0] == "start"
    assert kinds[-1] == "end"
    assert kinds.count("update") >= 2
    assert set(kinds) == {"start", "update", "end"}
    assert {event.total for event in events} == {154}
    assert {sum(event.counts.values()) for event in events} == {154}
    unsent = [event.counts["unsent"] for event in events]
    assert unsent == sorted(unsent, reverse=True), "a row that is done stays done"
    assert events[-1].counts == result.counts
    assert events[-1].in_flight == 0


# every row, always --------------------------------------------------------------------------------------------------

PROFILES = {
    "normal": {},
    "refusing": {"success_false": 0.3},
    "talking HTML": {"html": 0.3},
    "failing": {"status": {500: 0.1, 400: 0.1}},
    "cutting": {"reset_before": 0.1, "reset_after": 0.1, "truncate": 0.05},
    "busy": {"status": {429: 0.1}, "retry_after": 0},
    "locked": {"status": {401: 0.1}},
    "moved": {"redirect": "http://127.0.0.1:9/login"},
}


@pytest.fixture(scope="module")
def boxes():
    with ExitStack() as stack:
        yield {name: stack.enter_context(Sandbox(faults=Faults(seed=8, **faults))) for name, faults in PROFILES.items()}


IDS = st.one_of(st.none(), st.integers(0, 12).map(str), st.sampled_from(["", " 1", "a@x.com", "A@x.com", "x" * 60]))
CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.dates(), st.just([]), st.just(1j)
)


@st.composite
def frames(draw):
    rows = draw(st.integers(0, 25))
    names = draw(st.lists(st.sampled_from(["a", "A", "email", "b" * 50, "", "Score"]), max_size=4))
    columns = [draw(st.lists(IDS, min_size=rows, max_size=rows))]
    for _ in names:
        cells = draw(st.sampled_from([CELLS, st.integers(-9, 9), st.floats(), st.text(max_size=5)]))
        columns.append(draw(st.lists(cells, min_size=rows, max_size=rows)))
    df = pd.concat([_column(column) for column in columns], axis=1)
    df.columns = ["id", *names]
    return df


def _column(cells):
    array = np.empty(len(cells), dtype=object)
    array[:] = cells if len(cells) else []
    return pd.Series(array).infer_objects()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    df=frames(),
    profile=st.sampled_from(sorted(PROFILES)),
    max_failures=st.sampled_from([None, 1, 3, 0.2]),
    keep=st.sampled_from([False, "first", "last"]),
    chunk_size=st.sampled_from([1, 4, 1000]),
)
def test_statuses_partition_the_rows(boxes, df, profile, max_failures, keep, chunk_size):
    box = boxes[profile]
    box.reset()
    client = Client(box.api_key, box.base_url, ledger=None)
    try:
        result = gp.push(
            df,
            "id",
            client=client,
            errors="drop",
            keep=keep,
            max_failures=max_failures,
            chunk_size=chunk_size,
            progress=False,
        )
    except ServiceError as error:
        result = error.result
    counts, outcomes = result.counts, result.outcomes
    assert sum(counts.values()) == len(outcomes) == len(df)
    assert outcomes["row"].tolist() == list(range(len(df)))
    assert outcomes["status"].value_counts().to_dict() == {status: n for status, n in counts.items() if n}
    assert set(outcomes.loc[outcomes["status"] == "accepted", "id"]) <= set(box.stored())
    assert (outcomes.loc[outcomes["status"].isin(["invalid", "unsent"]), "attempts"] == 0).all()
    assert outcomes.loc[outcomes["status"].isin(["failed", "unknown", "invalid"]), "error"].notna().all()
