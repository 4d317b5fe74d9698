"""skip_unchanged in real pushes: what arrived is not sent again, and what differs always is."""

import time

import pandas as pd
import pytest
from support.interrupting import Interrupter
from support.transports import TRANSPORTS
from support.wrapped_client import WrappedClient

import growlytics_pandas as gp
from growlytics_pandas import Client
from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError, PushInterrupted
from growlytics_pandas.upload import parts


class Crash(BaseException):
    """The process "dies" here."""


class Dying:
    """A transport that lets requests out, and then kills the process before a response is seen."""

    name = "dying"

    def __init__(self, inner, answers):
        self.inner = inner
        self.answers = answers
        self.submit = inner.submit

    def poll(self, timeout):
        replies = self.inner.poll(timeout)
        self.answers -= len(replies)
        if self.answers < 0:
            raise Crash
        return replies

    def close(self):
        self.inner.close()


class DyingClient(WrappedClient):
    """A client whose push dies at the first answer after so many."""

    answers = 0

    def wrap(self, inner):
        return Dying(inner, self.answers)


def customers(rows, version=0):
    return pd.DataFrame(
        {"id": [f"c{i}" for i in range(rows)], "City": ["Pune", "Delhi", None, "Surat"] * (rows // 4), "V": version}
    )


def push(df, client, **options):
    return gp.push(df, "id", **{"client": client, "progress": False, "skip_unchanged": True} | options)


def die(df, box, path, answers=0, **options):
    with pytest.raises(Crash):
        push(df, dying := DyingClient(box.api_key, box.base_url, ledger=path), **options)
    dying.ledger.close()


def n_sent(result):
    return int((result.outcomes["attempts"] > 0).sum())


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_second_push_sends_only_changed_rows(sandbox, path, transport):
    client = Client(sandbox.api_key, sandbox.base_url, ledger=path, transport=transport)
    df = customers(40)
    assert push(df, client).counts["accepted"] == 40
    again = push(df, client)
    assert again.counts["unchanged"] == 40
    assert again.ok
    assert sandbox.requests == 40
    df.loc[7, "City"] = "Nagpur"
    edited = push(df, client)
    assert edited.outcomes.query("status == 'accepted'")["id"].tolist() == ["c7"]
    assert sandbox.requests == 41
    assert sandbox.stored()["c7"] == {"City": "Nagpur", "V": 0}


def test_two_clients_share_a_ledger(sandbox, path):
    df = customers(8)
    for status in ("accepted", "unchanged"):
        client = Client(sandbox.api_key, sandbox.base_url, ledger=path)
        assert push(df, client).counts[status] == 8
        client.ledger.close()


def test_everything_is_sent_without_it(sandbox, client):
    push(customers(8), client)
    assert push(customers(8), client, skip_unchanged=False).counts["accepted"] == 8
    assert sandbox.requests == 16


def test_missing_ledger_is_an_error(sandbox):
    client = Client(sandbox.api_key, sandbox.base_url, ledger=None)
    with pytest.raises(InvalidArgumentError, match="ledger=None"):
        push(customers(4), client)
    assert sandbox.requests == 0


def test_pushes_of_different_columns(sandbox, client):
    df = pd.DataFrame({"id": ["a"], "City": ["Pune"], "V": [1]})
    for columns in (["City"], ["V"], ["City"]):
        assert push(df, client, columns=columns).counts["accepted"] == 1, "the last body was another one"
    assert push(df, client, columns=["City"]).counts["unchanged"] == 1
    push(df.assign(City="Delhi"), client, columns=["City", "V"])
    assert push(df, client, columns=["City"]).counts["accepted"] == 1
    assert sandbox.stored()["a"] == {"City": "Pune", "V": 1}


def test_old_values_are_sent_after_a_crash(sandbox, client, path):
    old, new = customers(8), customers(8, version=1)
    push(old, client)
    client.ledger.close()
    die(new, sandbox, path)
    assert any(row["V"] == 1 for row in sandbox.stored().values()), "some of the new values had arrived"
    fresh = Client(sandbox.api_key, sandbox.base_url, ledger=path)
    assert push(old, fresh).counts["accepted"] == 8
    assert {row["V"] for row in sandbox.stored().values()} == {0}


def test_old_values_are_sent_after_unknown(faulty, sandbox, tmp_path):
    """The kernel is interrupted twice while the service is silent: nobody knows what it has written."""
    box = faulty(hang=1.0, hang_writes=True)
    ledger = gp.Ledger(tmp_path / "ledger.sqlite3")
    silent = Client(box.api_key, box.base_url, ledger=ledger)
    with pytest.raises(PushInterrupted) as caught:
        push(customers(4, version=1), silent, progress=Interrupter(2, lambda event: event.in_flight > 0))
    assert caught.value.result.counts["unknown"] == 4
    assert {row["V"] for row in box.stored().values()} == {1}
    assert push(customers(4), silent, dry_run=True).counts["unsent"] == 4
    assert push(customers(4, version=1), silent, dry_run=True).counts["unsent"] == 4, "not believed either"


def test_a_refused_customer_is_sent_again(faulty, path):
    box = faulty(seed=1, success_false=0.3)
    client = Client(box.api_key, box.base_url, ledger=path)
    first = push(customers(40), client)
    assert first.counts["failed"] > 0
    second = push(customers(40), client)
    assert second.counts["unchanged"] == first.counts["accepted"]
    assert n_sent(second) == first.counts["failed"]


def test_retry_skips_what_was_sent_since(faulty, path):
    box = faulty(seed=2, success_false=0.3)
    client = Client(box.api_key, box.base_url, ledger=path)
    first = push(customers(40), client)
    retried = first.retry()
    assert box.requests == 40 + first.counts["failed"]
    while not retried.ok:
        retried = retried.retry()
    requests = box.requests
    late = first.retry()
    assert late.counts == retried.counts | {
        "accepted": first.counts["accepted"],
        "unchanged": first.counts["failed"],
    }
    assert late.ok
    assert box.requests == requests


@pytest.mark.parametrize("chunk_size", [1, 7, 1000])
def test_chunk_size_does_not_matter(sandbox, client, chunk_size):
    df = customers(40)
    push(df, client, chunk_size=13)
    df.loc[[0, 20, 39], "V"] = 9
    result = push(df, client, chunk_size=chunk_size)
    assert result.counts["unchanged"] == 37
    assert result.counts["accepted"] == 3
    assert sandbox.requests == 43


def test_dropped_values_are_not_compared(sandbox, client):
    df = pd.DataFrame({"id": ["a", "b", None], "V": [1.5, float("inf"), 2.0], "City": "Pune"})
    assert push(df, client, errors="drop").counts["accepted"] == 2
    again = push(df, client, errors="drop")
    assert (again.counts["unchanged"], again.counts["invalid"]) == (2, 1)
    corrected = push(df.assign(V=[1.5, 3.0, 2.0]), client, errors="drop")
    assert corrected.outcomes["status"].tolist() == ["unchanged", "accepted", "invalid"]
    assert sandbox.stored()["b"] == {"City": "Pune", "V": 3}


@pytest.mark.parametrize(("keep", "kept"), [("first", 1), ("last", 2)])
def test_keep_compares_the_row_that_is_kept(sandbox, client, keep, kept):
    df = pd.DataFrame({"id": ["a", "a"], "V": [1, 2]})
    push(df, client, keep=keep)
    assert push(df, client, keep=keep).counts["unchanged"] == 1
    other = {"first": "last", "last": "first"}[keep]
    assert push(df, client, keep=other).counts["accepted"] == 1
    assert sandbox.stored()["a"] == {"V": 3 - kept}


def test_renamed_or_retyped_attribute_is_sent(sandbox, client):
    df = pd.DataFrame({"id": ["a"], "V": [1]})
    push(df, client)
    assert push(df, client, rename={"V": "W"}, types={"V": "string"}).counts["accepted"] == 1
    assert sandbox.stored()["a"] == {"V": 1, "W": "1"}


def test_forget_sends_these_customers_again(sandbox, client):
    df = customers(8)
    push(df, client)
    assert client.forget(["c1", "c2", "nobody"]) == 2
    assert push(df, client).outcomes.query("status == 'accepted'")["id"].tolist() == ["c1", "c2"]
    assert client.forget() == 8
    assert push(df, client).counts["accepted"] == 8


@pytest.mark.parametrize(
    "ids",
    [["c1", " c2 ", None], [1, 2, 3], [1, 2, None], pd.array([1, None, 3], "Int64")],
    ids=["text", "int", "float by a missing one", "nullable"],
)
def test_forget_accepts_the_pushed_column(sandbox, client, ids):
    df = pd.DataFrame({"id": ids, "V": 1})
    accepted = gp.push(df, "id", client=client, errors="drop", progress=False).counts["accepted"]
    assert client.forget(df["id"]) == accepted == df["id"].notna().sum()
    assert client.forget(df["id"]) == 0


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (pd.DataFrame({"id": ["c1"]}), r"is a DataFrame.*df\['id'\]"),
        ([None], "NoneType"),
        ([1.5], "a float; each must"),
    ],
    ids=["frame", "missing", "fraction"],
)
def test_forget_rejects_non_ids(client, ids, words):
    with pytest.raises(InvalidArgumentTypeError, match=words):
        client.forget(ids)


def test_dry_run_reports_unchanged_rows(sandbox, client):
    df = customers(8)
    push(df, client)
    df.loc[0, "V"] = 5
    for _ in range(2):
        rehearsal = push(df, client, dry_run=True)
        assert (rehearsal.counts["unchanged"], rehearsal.counts["unsent"]) == (7, 1)
    assert sandbox.requests == 8
    assert len(client.history()) == 1


def test_upsert_is_recorded_like_a_push(sandbox, client):
    client.upsert("a", {"V": 1})
    df = pd.DataFrame({"id": ["a"], "V": [1]})
    assert push(df, client).counts["unchanged"] == 1
    client.upsert("a", {"V": 2})
    assert push(df, client).counts["accepted"] == 1
    assert sandbox.stored()["a"] == {"V": 1}


def test_interrupt_while_skipping_rows(sandbox, client, monkeypatch):
    monkeypatch.setattr(parts, "COMPARED_ROWS", 2)  # else it takes less time than the interval of updates
    df = customers(4000)
    push(df, client)
    began = time.monotonic()
    with pytest.raises(PushInterrupted) as caught:
        gp.push(
            df,
            "id",
            client=client,
            skip_unchanged=True,
            chunk_size=1,
            progress=Interrupter(is_time=lambda event: event.counts["unchanged"] > 0),
        )
    assert time.monotonic() - began < 2
    counts = caught.value.result.counts
    assert counts["unchanged"] + counts["unsent"] == 4000
    assert counts["unchanged"] > 0
    assert counts["unsent"] > 0


def test_a_blank_that_makes_integers_floats_changes_one_row(sandbox):
    df = pd.DataFrame({"id": [f"c{i}" for i in range(50)], "Orders": range(50)})
    gp.push(df, "id", client=sandbox.client, progress=False)
    df["Orders"] = df["Orders"].astype(float)
    df.loc[5, "Orders"] = None
    counts = gp.push(df, "id", client=sandbox.client, progress=False, skip_unchanged=True).counts
    assert (counts["accepted"], counts["unchanged"]) == (1, 49)
