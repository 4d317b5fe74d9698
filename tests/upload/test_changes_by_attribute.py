"""`Client(track="attributes")`: `plan.changes.by_attribute` counts the values that differ from those last accepted."""

import contextlib
import json
import random
import sqlite3
from collections import Counter

import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas import Client, Ledger
from growlytics_pandas.__main__ import main
from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.ledger import value_log

DF = pd.DataFrame(
    {
        "id": ["a", "b", "c", "d"],
        "email": [f"{name}@example.com" for name in "abcd"],
        "City": ["Pune", "Delhi", None, "Agra"],
        "Orders": [1, 2, 3, 4],
    }
)


@pytest.fixture
def tracking(sandbox, client):
    """Return a client with the ledger of `client` that tracks attributes."""
    return Client(sandbox.api_key, sandbox.base_url, ledger=client.ledger, track="attributes")


def push(df, client, **options):
    return gp.push(df, "id", client=client, **{"progress": False} | options)


def changes(df, client):
    return gp.plan(df, "id", client=client).changes


def n_records(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT total(n_records) FROM value_segments").fetchone()[0]


def test_changes_are_counted_by_attribute(tracking):
    push(DF, tracking)
    edited = DF.assign(
        City=["Goa", "Surat", "Goa", None], Orders=[1, 2, 3, 5], email=DF["email"].str.replace("a@", "z@")
    )
    found = changes(edited, tracking)
    assert found == {"new": 0, "changed": 4, "unchanged": 0, "left_out": 0}
    # c had no city before; d has none now, and what is missing is not sent
    assert found.by_attribute == {"City": 3, "email": 1, "Orders": 1}
    assert found.not_compared == 0
    assert changes(DF, tracking).by_attribute == {}


def test_new_and_left_out_rows_do_not_count(tracking):
    push(DF[:2], tracking)
    found = changes(DF.assign(id=["a", "b", "e", None], Orders=[9, 2, 9, 9]), tracking)
    assert found == {"new": 1, "changed": 1, "unchanged": 1, "left_out": 1}
    assert found.by_attribute == {"Orders": 1}


def test_new_attribute_counts_as_changed(tracking):
    push(DF[["id", "Orders"]], tracking)
    assert changes(DF[["id", "Orders", "City"]], tracking).by_attribute == {"City": 3}


def test_it_is_off_by_default(client, path):
    push(DF, client)
    found = changes(DF.assign(Orders=0), client)
    assert (found.by_attribute, found.not_compared) == (None, 0)
    assert n_records(path) == 0


def test_untracked_customers_are_counted_apart(client, tracking):
    push(DF, tracking)
    push(DF[:1].assign(Orders=7), client)
    found = changes(DF.assign(Orders=9), tracking)
    assert (found["changed"], found.by_attribute, found.not_compared) == (4, {"Orders": 3}, 1)
    plan = gp.plan(DF.assign(Orders=9), "id", client=tracking)
    assert "values that change: Orders 3; 1 changed customer not compared by attribute" in repr(plan)


def test_repr_and_report_escape_names(tracking, tmp_path):
    push(DF.rename(columns={"City": "<b>\u202eX"}), tracking)
    plan = gp.plan(DF.rename(columns={"City": "<b>\u202eX"}).assign(**{"<b>\u202eX": "Goa"}), "id", client=tracking)
    assert "values that change: <b>⟨U+202E⟩X 4" in repr(plan)
    page = plan.to_html(tmp_path / "plan.html").read_text()
    assert "&lt;b&gt;⟨U+202E⟩X 4" in page


@pytest.mark.parametrize("forget", ["ids", "all"])
def test_forget_deletes_value_digests(tracking, path, forget):
    push(DF, tracking)
    assert n_records(path) == 4
    tracking.forget(["a"] if forget == "ids" else None)
    assert n_records(path) == (3 if forget == "ids" else 0)
    assert changes(DF.assign(Orders=9), tracking).not_compared == (1 if forget == "ids" else 4)


def test_digests_differ_by_attribute_and_project(tracking, sandbox, path):
    push(pd.DataFrame({"id": ["a"], "X": ["Pune"], "Y": ["Pune"]}), tracking)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (digests,) = connection.execute("SELECT digests FROM value_segments").fetchone()
    assert len(digests) == 4
    assert digests[:2] != digests[2:]


def test_repeated_pushes_do_not_grow_the_ledger(tracking, path, monkeypatch):
    monkeypatch.setattr(value_log, "SPARE_RECORDS", 0)
    for version in range(6):
        push(DF.assign(Orders=version), tracking)
    assert n_records(path) <= 1.25 * len(DF)
    assert changes(DF.assign(Orders=9), tracking).by_attribute == {"Orders": 4}


def test_damage_affects_only_the_counts(tracking, path):
    push(DF, tracking)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE value_segments SET digests = x'00'")
    found = changes(DF.assign(Orders=9), tracking)
    assert (found["changed"], found.by_attribute, found.not_compared) == (4, {}, 4)
    assert push(DF.assign(Orders=9), tracking, skip_unchanged=True).ok
    assert changes(DF, tracking).by_attribute == {"Orders": 4}


def test_backup_contains_the_digests(tracking, sandbox, tmp_path):
    push(DF, tracking)
    tracking.ledger.backup(tmp_path / "backup.sqlite3")
    with Ledger(tmp_path / "elsewhere.sqlite3") as other:
        other.restore(tmp_path / "backup.sqlite3")
        restored = Client(sandbox.api_key, sandbox.base_url, ledger=other, track="attributes")
        assert changes(DF.assign(Orders=9), restored).by_attribute == {"Orders": 4}


def test_batches_are_tracked_but_not_compared(tracking):
    """A plan of batches counts changed rows, not their values."""
    gp.push_batches([DF[:2], DF[2:]], "id", client=tracking, progress=False)
    assert changes(DF.assign(Orders=9), tracking).by_attribute == {"Orders": 4}
    found = gp.plan_batches([DF.assign(Orders=9)], "id", client=tracking).changes
    assert (found["changed"], found.by_attribute) == (4, None)


@pytest.mark.parametrize(("how", "words"), [({"track": "rows"}, "'attributes'"), ({"ledger": None}, "ledger")])
def test_invalid_track_is_rejected(sandbox, how, words):
    with pytest.raises(InvalidArgumentError, match=f"track: .*{words}"):
        Client(sandbox.api_key, sandbox.base_url, **{"track": "attributes"} | how)


def test_it_never_affects_what_is_sent(sandbox, tmp_path):
    sent = []
    for track in (None, "attributes"):
        with Ledger(tmp_path / f"{track}.db") as ledger:
            client = Client(sandbox.api_key, sandbox.base_url, ledger=ledger, track=track)
            frames = (DF, DF, DF.assign(Orders=[1, 2, 9, 9]), DF[:2], DF.assign(City="Pune"))
            results = [push(df, client, skip_unchanged=True) for df in frames]
            sent.append([result.outcomes[["status", "attempts"]].to_dict("list") for result in results])
    assert sent[0] == sent[1]


def body(row):
    return {name: value for name, value in row.items() if name != "id" and not pd.isna(value)}


def test_counts_match_any_history(faulty, path, monkeypatch):
    for name, size in (("MAX_SEGMENTS", 2), ("BLOCK_RECORDS", 8), ("COMPARED_ROWS", 5), ("BUFFERED_ROWS", 4)):
        monkeypatch.setattr(value_log, name, size)
    box = faulty(seed=3, success_false=0.3)
    chance = random.Random(11)
    accepted, seen = {}, set()  # id → (body, whether it was tracked), None where an answer was bad
    with Ledger(path) as ledger:
        clients = {
            track: Client(box.api_key, box.base_url, ledger=ledger, track=track) for track in (None, "attributes")
        }
        for turn in range(60):
            rows = [
                {"id": f"c{i}", "City": chance.choice(["Pune", "Goa", None]), "Orders": chance.choice([1, 2, 3])}
                for i in chance.sample(range(20), 12)
            ]
            is_tracked = chance.random() < 0.7
            df = pd.DataFrame(rows if is_tracked else [row | {"Turn": turn} for row in rows])
            counts, not_compared = Counter(), 0
            for row in df.to_dict("records"):
                known = accepted.get(row["id"])
                if row["id"] not in seen or (known and known[0] == body(row)):
                    continue
                if known is None or not known[1]:
                    not_compared += 1
                else:
                    counts.update(name for name, value in body(row).items() if known[0].get(name) != value)
            found = changes(df, clients["attributes"])
            assert (found.by_attribute, found.not_compared) == (dict(counts), not_compared), turn
            result = push(df, clients["attributes" if is_tracked else None], skip_unchanged=chance.random() < 0.5)
            for row, status in zip(df.to_dict("records"), result.outcomes["status"], strict=True):
                seen.add(row["id"])
                known = accepted.get(row["id"])
                if status == "accepted":
                    accepted[row["id"]] = (body(row), is_tracked)
                elif status == "failed" and known and known[0] != body(row):
                    accepted[row["id"]] = None
        assert {"accepted", "failed"} <= set(clients[None].history().dropna(axis=1).columns)


def test_the_command_line(sandbox, path, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GROWLYTICS_API_KEY", sandbox.api_key)
    monkeypatch.setenv("GROWLYTICS_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("GROWLYTICS_LEDGER", str(path))
    file = tmp_path / "a.csv"
    DF.to_csv(file, index=False)
    arguments = [str(file), "--id-col", "id", "--track", "attributes"]
    assert main(["push", *arguments]) == 0
    DF.assign(Orders=9).to_csv(file, index=False)
    capsys.readouterr()
    assert main(["validate", *arguments]) == 0
    assert "values that change: Orders 4" in capsys.readouterr().out
    assert main(["push", *arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["changed_values"] == {"Orders": 4}
    assert "values that change: Orders 4" in err
    assert main(["validate", *arguments[:3], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["changed_values"] is None
