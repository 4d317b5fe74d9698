"""`Ledger.backup` and `restore`: the ledger is copied as a single file, and nothing newer is lost."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys

import pandas as pd
import pytest
from support.ledger_rows import bodies

import growlytics_pandas as gp
from growlytics_pandas import Client, Ledger
from growlytics_pandas.__main__ import main
from growlytics_pandas.errors import InvalidArgumentError, LedgerError, UsageError

WRITER = """
import sys
from growlytics_pandas.ledger import Ledger
with Ledger(sys.argv[1]) as ledger:
    project = ledger.project("https://api.example", "key")
    print("writing", flush=True)
    for number in range(100_000):
        digests = project.digest([f"c{number}"], ())
        project.withdraw(digests, ["City"])
        project.accept(digests)
        project.flush()
"""
HOLDER = """
import sys
from growlytics_pandas.ledger import Ledger
with Ledger(sys.argv[1]) as ledger:
    ledger.project("https://api.example", "key").known_types()
    print("open", flush=True)
    sys.stdin.readline()
"""


def customers(city="Pune", rows=3):
    return pd.DataFrame({"id": [f"c{i}" for i in range(rows)], "City": city})


def push(client, df=None, **options):
    df = customers() if df is None else df
    return gp.push(df, "id", client=client, progress=False, skip_unchanged=True, **options)


@pytest.fixture
def on(sandbox, tmp_path):
    """Make clients of one project, each with a ledger of its own, as on another machine."""

    def make(name, **options):
        return Client(sandbox.api_key, sandbox.base_url, ledger=tmp_path / f"{name}.sqlite3", **options)

    return make


def test_restored_ledger_goes_on(on, tmp_path):
    here, there = on("here"), on("there")
    push(here, label="first")
    there.ledger.restore(here.ledger.backup(tmp_path / "backup"))
    assert push(there).counts["unchanged"] == 3
    assert there.types()["type"].tolist() == ["string"]
    assert there.history()["label"].iloc[0] == "first"


def test_a_backup_is_one_private_plain_file(on, tmp_path):
    push(on("here"))
    path = on("here").ledger.backup(tmp_path / "backup.sqlite3")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    if os.name != "nt":
        assert path.stat().st_mode & 0o777 == 0o600
    assert not [each.name for each in tmp_path.iterdir() if each.name.startswith((".", "backup.sqlite3-"))]


def test_backup_has_what_is_not_flushed_yet(path, tmp_path):
    with Ledger(path) as ledger:
        project = ledger.project("https://api.example", "key")
        digests = project.digest(["a"], bodies([b"body"]))
        project.withdraw(digests)
        project.accept(digests)
        ledger.backup(tmp_path / "backup")
    with Ledger(tmp_path / "backup") as copy:
        copied = copy.project("https://api.example", "key")
        assert copied.unchanged(copied.digest(["a"], bodies([b"body"]))).all()


def test_ledger_facts_contain_no_secret(on):
    client = on("here")
    push(client, label="first")
    facts = client.ledger.facts()
    assert (facts.projects, facts.types, facts.runs, facts.last_label) == (1, 1, 1, "first")
    secret = client.ledger._file.secret()
    assert secret != facts.origin
    assert repr(secret)[2:-1] not in repr(facts)


def test_each_backup_replaces_the_one_before(on, tmp_path):
    client = on("here")
    for rows in (1, 2, 3):
        push(client, customers(rows=rows))
        client.ledger.backup(tmp_path / "backup")
    there = on("there")
    there.ledger.restore(tmp_path / "backup")
    assert len(there.history()) == 3


class TestNothingNewerIsOverwritten:
    def test_ledger_with_newer_runs_is_kept(self, on, tmp_path):
        client = on("here")
        push(client)
        backup = client.ledger.backup(tmp_path / "backup")
        push(client, customers("Goa"))
        with pytest.raises(LedgerError, match="it is newer: it has 2 runs"):
            client.ledger.restore(backup)
        assert len(client.history()) == 2
        assert push(client, customers("Goa")).counts["unchanged"] == 3

    def test_newer_backup_is_kept(self, on, tmp_path):
        old, new = on("old"), on("new")
        push(old)
        new.ledger.restore(old.ledger.backup(tmp_path / "first"))
        push(new, customers("Goa"))
        backup = new.ledger.backup(tmp_path / "backup")
        before = backup.read_bytes()
        with pytest.raises(LedgerError, match="newer"):
            old.ledger.backup(backup)
        assert backup.read_bytes() == before
        old.ledger.backup(backup, overwrite=True)
        assert backup.read_bytes() != before

    def test_diverged_ledgers_are_distinguished(self, on, tmp_path):
        one, two = on("one"), on("two")
        push(one)
        two.ledger.restore(one.ledger.backup(tmp_path / "first"))
        push(one, customers("Goa"))
        push(two, customers("Agra"))
        with pytest.raises(LedgerError, match="runs that"):
            two.ledger.restore(one.ledger.backup(tmp_path / "second"))

    def test_ledger_of_another_origin_is_kept(self, on, tmp_path):
        one, two = on("one"), on("two")
        push(one)
        push(two)
        with pytest.raises(LedgerError, match="of another ledger"):
            two.ledger.restore(one.ledger.backup(tmp_path / "backup"))

    def test_older_ledger_is_replaced(self, on, tmp_path):
        one, two = on("one"), on("two")
        push(one)
        two.ledger.restore(one.ledger.backup(tmp_path / "first"))
        push(one, customers("Goa"))
        two.ledger.restore(one.ledger.backup(tmp_path / "second"))
        assert push(two, customers("Goa")).counts["unchanged"] == 3


class TestAnOlderMemory:
    """A customer who changed, and changed back after the backup, must not count as unchanged."""

    def there_and_back(self, sandbox, client, restore):
        push(client, customers("Pune"))
        backup = client.ledger.backup(client.ledger.path.with_name("backup"))
        push(client, customers("Goa"))
        restore(backup)
        result = push(client, customers("Pune"))
        return result.counts["accepted"], sandbox.stored()["c0"]["City"]

    def test_it_is_safe_over_a_newer_ledger(self, sandbox, on):
        client = on("here")
        done = self.there_and_back(sandbox, client, lambda backup: client.ledger.restore(backup, overwrite=True))
        assert done == (3, "Pune")
        assert client.types()["type"].tolist() == ["string"]

    def test_forget_makes_an_old_backup_safe(self, sandbox, on):
        """With forget=True a backup is safe though it knows nothing of later pushes."""
        client = on("here")

        def restore(backup):
            client.ledger.close()
            client.ledger.path.unlink()
            client._connection.ledger = Ledger(client.ledger.path)
            client.ledger.restore(backup, forget=True)

        assert self.there_and_back(sandbox, client, restore) == (3, "Pune")


class TestForeignFilesStay:
    def make(self, path, kind):
        if kind == "another program's":
            with contextlib.closing(sqlite3.connect(path)) as connection, connection:
                connection.execute("CREATE TABLE theirs (x)")
        else:
            path.write_bytes(b"some text, and no database at all" * 40)
        return path.read_bytes()

    @pytest.mark.parametrize("kind", ["another program's", "text"])
    @pytest.mark.parametrize("overwrite", [False, True])
    def test_no_backup_replaces_them(self, on, tmp_path, kind, overwrite):
        push(on("here"))
        before = self.make(tmp_path / "x", kind)
        with pytest.raises(LedgerError, match="a different file"):
            on("here").ledger.backup(tmp_path / "x", overwrite=overwrite)
        assert (tmp_path / "x").read_bytes() == before

    @pytest.mark.parametrize("kind", ["another program's", "text"])
    def test_they_are_not_restored(self, on, tmp_path, kind):
        push(on("here"))
        before = self.make(tmp_path / "x", kind)
        with pytest.raises(LedgerError):
            on("here").ledger.restore(tmp_path / "x", overwrite=True)
        assert (tmp_path / "x").read_bytes() == before
        assert push(on("here")).counts["unchanged"] == 3

    def test_file_of_another_program_stays(self, on, tmp_path):
        push(on("here"))
        backup = on("here").ledger.backup(tmp_path / "backup")
        before = self.make(tmp_path / "there.sqlite3", "another program's")
        with pytest.raises(LedgerError, match="another program"):
            on("there").ledger.restore(backup, overwrite=True)
        assert (tmp_path / "there.sqlite3").read_bytes() == before


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_damaged_backup_changes_nothing(on, tmp_path, share):
    push(on("here"), customers(rows=500))
    backup = on("here").ledger.backup(tmp_path / "backup")
    os.truncate(backup, int(backup.stat().st_size * share))
    with pytest.raises(LedgerError, match="damaged"):
        on("there").ledger.restore(backup)
    with pytest.raises(LedgerError, match="damaged"):
        on("here").ledger.restore(backup, overwrite=True)
    assert push(on("here"), customers(rows=500)).counts["unchanged"] == 500


def test_damaged_ledger_is_replaced_on_request(on, tmp_path):
    push(on("here"))
    backup = on("here").ledger.backup(tmp_path / "backup")
    broken = tmp_path / "there.sqlite3"
    broken.write_bytes(backup.read_bytes()[:100] + b"no database" * 500)
    with pytest.raises(LedgerError, match="overwrite=True"):
        on("there").ledger.restore(backup)
    notes = tmp_path / "there.sqlite3-journal"
    notes.write_bytes(b"my notes")
    with pytest.raises(LedgerError):
        on("there").ledger.restore(backup, overwrite=True)
    assert notes.read_bytes() == b"my notes"
    notes.unlink()
    on("there").ledger.restore(backup, overwrite=True)
    assert push(on("there")).counts["unchanged"] == 3


@pytest.mark.parametrize("start", [b"", b"SQLite format 3\0"])
def test_other_file_is_not_deleted_as_damaged(on, tmp_path, start):
    push(on("here"))
    backup = on("here").ledger.backup(tmp_path / "backup")
    notes = tmp_path / "mine.txt"
    notes.write_bytes(start + b"my notes\n" * 500)
    before = notes.read_bytes()
    with pytest.raises(LedgerError, match="not an SQLite file"):
        Ledger(notes).restore(backup, overwrite=True)
    assert notes.read_bytes() == before


def test_newer_backup_is_refused(on, tmp_path):
    push(on("here"))
    backup = on("here").ledger.backup(tmp_path / "backup")
    with contextlib.closing(sqlite3.connect(backup)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(LedgerError, match="version 99"):
        on("there").ledger.restore(backup)


def test_older_backup_is_migrated(on, tmp_path, path):
    push(on("here"))
    backup = on("here").ledger.backup(tmp_path / "backup")
    with contextlib.closing(sqlite3.connect(backup)) as connection, connection:
        connection.execute("ALTER TABLE runs DROP COLUMN label")
        connection.execute("DROP TABLE value_segments")
        connection.execute("ALTER TABLE projects RENAME TO workspaces")
        for table in ("attribute_types", "attribute_numbers", "segments", "runs"):
            connection.execute(f"ALTER TABLE {table} RENAME COLUMN project TO workspace")
        connection.execute("PRAGMA user_version = 1")
    on("there").ledger.restore(backup)
    assert on("there").history()["label"].isna().all()


def test_backup_during_writes_is_consistent(tmp_path, path):
    writer = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE)
    try:
        writer.stdout.readline()
        with Ledger(path) as ledger:
            sizes = []
            for number in range(3):
                backup = ledger.backup(tmp_path / "backup")
                with Ledger(shutil.copy(backup, tmp_path / f"copy-{number}")) as copy:
                    sizes.append(copy.facts().writes)
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()
    assert sizes == sorted(sizes)


def test_ledger_open_elsewhere_is_not_restored(on, tmp_path):
    push(on("here"))
    backup = on("here").ledger.backup(tmp_path / "backup")
    command = [sys.executable, "-c", HOLDER, tmp_path / "there.sqlite3"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        with pytest.raises(LedgerError, match="open elsewhere"):
            on("there").ledger.restore(backup)
        holder.communicate(b"\n")
    on("there").ledger.restore(backup)
    assert push(on("there")).counts["unchanged"] == 3


def test_it_is_not_restored_during_a_push(faulty, tmp_path):
    box = faulty(latency=0.05)
    client = Client(box.api_key, box.base_url, ledger=tmp_path / "here.sqlite3")
    backup = []

    def restore(event):
        if event.kind == "update" and not backup:
            backup.append(client.ledger.backup(tmp_path / "backup"))
            with pytest.raises(UsageError, match="a push of this process is running"):
                client.ledger.restore(backup[0])

    assert gp.push(customers(rows=100), "id", client=client, progress=restore).ok
    assert backup


@pytest.mark.parametrize("verb", ["backup", "restore"])
def test_an_impossible_path_is_rejected(on, tmp_path, verb):
    client = on("here")
    push(client)
    for place in (client.ledger.path, tmp_path / "none" / "backup", tmp_path):
        with pytest.raises(InvalidArgumentError):
            getattr(client.ledger, verb)(place)


def test_missing_ledger_has_no_backup(path, tmp_path):
    with pytest.raises(InvalidArgumentError, match="no ledger"):
        Ledger(path).backup(tmp_path / "backup")
    assert not path.exists()


def test_cli_shows_backs_up_and_restores(on, tmp_path, capsys):
    push(on("here"), label="nightly")
    here, there, backup = (str(tmp_path / name) for name in ("here.sqlite3", "there.sqlite3", "backup"))
    assert main(["ledger", "show", "--ledger", here]) == 0
    assert "1 project, 1 type, 1 run; the last run began 20" in capsys.readouterr().out
    assert main(["ledger", "backup", backup, "--ledger", here]) == 0
    assert main(["ledger", "restore", backup, "--ledger", there, "--json"]) == 0
    assert '"label": "nightly"' in capsys.readouterr().out
    assert push(on("there")).counts["unchanged"] == 3
    push(on("there"), customers("Goa"))
    assert main(["ledger", "restore", backup, "--ledger", there]) == 2
    assert "pass --overwrite" in capsys.readouterr().err
    assert main(["ledger", "show", "--ledger", str(tmp_path / "none")]) == 0
    assert not (tmp_path / "none").exists()
