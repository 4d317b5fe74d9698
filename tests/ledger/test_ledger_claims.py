"""A path to anything but a ledger is rejected, and the existing file is unchanged."""

import contextlib
import os
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas import Client, LedgerError
from growlytics_pandas.errors import UsageError
from growlytics_pandas.ledger import Ledger
from growlytics_pandas.ledger.database import MIGRATIONS, migrate

posix = pytest.mark.skipif(os.name != "posix", reason="these kinds of files are POSIX")


def customers(rows=3):
    return pd.DataFrame({"id": [f"c{i}" for i in range(rows)], "Score": range(rows)})


def database(path, *, wal=False, application_id=0):
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE notes (text)")
        other.execute("INSERT INTO notes VALUES ('mine')")
        other.execute(f"PRAGMA application_id = {application_id}")
    if wal:
        other.execute("PRAGMA journal_mode = WAL")
    other.close()
    return path


def others(folder):
    """Files of other programs, by what they are."""
    made = {
        "text": folder / "notes.txt",
        "short": folder / "short",
        "sqlite": database(folder / "a.db"),
        "sqlite in WAL": database(folder / "b.db", wal=True),
        "sqlite with an id": database(folder / "c.db", application_id=77),
        "damaged sqlite": folder / "d.db",
    }
    made["text"].write_text("id,name\n" * 100)
    made["short"].write_bytes(b"x")
    made["damaged sqlite"].write_bytes(database(folder / "e.db").read_bytes()[:100] + b"rubbish" * 100)
    for path in made.values():
        path.chmod(0o644)
    return made


def state(path):
    facts = path.stat()
    return (
        facts.st_mode,
        facts.st_mtime_ns,
        facts.st_ino,
        path.read_bytes(),
        sorted(p.name for p in path.parent.iterdir()),
    )


KINDS = ["text", "short", "sqlite", "sqlite in WAL", "sqlite with an id", "damaged sqlite"]


@pytest.mark.parametrize("link", ["", "symbolic", "hard"])
@pytest.mark.parametrize("kind", KINDS)
def test_foreign_file_is_refused_untouched(sandbox, tmp_path, kind, link):
    target = named = others(tmp_path)[kind]
    if link:
        named = tmp_path / "ledger.sqlite3"
        named.symlink_to(target) if link == "symbolic" else named.hardlink_to(target)
    before = state(target)
    with pytest.raises(LedgerError):
        gp.push(customers(), "id", client=Client(sandbox.api_key, sandbox.base_url, ledger=named), progress=False)
    assert state(target) == before
    assert sandbox.stored() == {}


@posix
def test_foreign_database_in_use_is_refused(sandbox, tmp_path):
    """What it has written is still in its -wal."""
    path = database(tmp_path / "other.db", wal=True)
    path.chmod(0o644)
    with sqlite3.connect(path) as other:
        other.execute("INSERT INTO notes VALUES ('more')")
        other.commit()
        before = state(path)
        with pytest.raises(LedgerError, match="another program"):
            Client(sandbox.api_key, sandbox.base_url, ledger=path).types()
        assert state(path) == before
    other.close()


@posix
def test_special_file_is_not_a_ledger(tmp_path):
    """No device, pipe, socket, folder or dangling link is a ledger."""
    os.mkfifo(tmp_path / "pipe", 0o644)
    (tmp_path / "folder").mkdir(mode=0o755)
    (tmp_path / "loose").symlink_to(tmp_path / "nothing")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    listener = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(tmp_path)  # a socket's path may not be long
    try:
        listener.bind("socket")
    finally:
        os.chdir(here)
    paths = [tmp_path / name for name in ("pipe", "folder", "loose", "loop", "socket")]
    before = [(path.lstat().st_mode, path.lstat().st_mtime_ns) for path in paths]
    for path in paths:
        with pytest.raises(LedgerError, match=r"it is (a|no) |cannot be opened"):
            Client("claims-key-1", ledger=path).types()
    listener.close()
    assert [(path.lstat().st_mode, path.lstat().st_mtime_ns) for path in paths] == before
    assert not (tmp_path / "nothing").exists()


@posix
def test_a_device_is_refused_untouched(null_device):
    before = null_device.lstat().st_mode
    with pytest.raises(LedgerError, match="it is a device"):
        Client("claims-key-1", ledger=null_device).types()
    assert null_device.lstat().st_mode == before
    assert not list(null_device.parent.glob("null-*")), "no journal beside it"


@posix
def test_companion_link_is_refused_untouched(tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("mine")
    (tmp_path / "ledger.db-wal").symlink_to(other)
    with pytest.raises(LedgerError, match=r"ledger\.db-wal"):
        Client("claims-key-1", ledger=tmp_path / "ledger.db").types()
    assert other.read_text() == "mine"


@posix
def test_link_and_empty_file_become_private(tmp_path):
    made, empty, link = tmp_path / "folder" / "ledger.db", tmp_path / "empty.db", tmp_path / "link.db"
    empty.touch()
    link.symlink_to(made)
    for path in (made, empty, link):
        Client("claims-key-1", ledger=path).declare_types({"Score": "number"} if path != link else {"City": "string"})
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(Client("claims-key-1", ledger=made).types()) == 2


def test_id_still_in_the_wal_is_recognised(tmp_path):
    """A process that was killed leaves it there."""
    path, copy = tmp_path / "ledger.db", tmp_path / "killed.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        migrate(connection, 0, MIGRATIONS)
        connection.execute("COMMIT")
        for suffix in ("", "-wal"):
            (tmp_path / f"killed.db{suffix}").write_bytes((tmp_path / f"ledger.db{suffix}").read_bytes())
    assert copy.read_bytes()[68:72] == bytes(4), "the id is in the -wal only"
    Client("claims-key-1", ledger=copy).declare_types({"Score": "number"})
    assert Client("claims-key-1", ledger=copy).types()["attribute"].tolist() == ["Score"]


def test_a_path_with_a_nul_is_refused(tmp_path):
    with pytest.raises(UsageError, match="NUL"):
        Client("claims-key-1", ledger=f"{tmp_path}/a\0b")
    with pytest.raises(UsageError, match="NUL"):
        Ledger("a\0b")


@posix
@pytest.mark.parametrize("how", ["deleted", "with its folder", "replaced", "by a text"])
def test_deleted_ledger_is_created_again(sandbox, tmp_path, how):
    """A push is recorded in the existing file, never in a deleted one."""
    path = tmp_path / "folder" / "ledger.db"
    client = Client(sandbox.api_key, sandbox.base_url, ledger=path)
    assert gp.push(customers(), "id", client=client, progress=False).ok
    plan = gp.plan(customers(4), "id", client=client)
    for found in path.parent.iterdir():
        found.unlink()
    if how == "with its folder":
        path.parent.rmdir()
    elif how == "replaced":
        Client("another-key-1", ledger=path).declare_types({"Score": "string"})
    elif how == "by a text":
        path.write_text("mine")
        with pytest.raises(LedgerError, match=r"no database|not an SQLite"):
            gp.push(customers(), "id", client=client, progress=False)
        assert path.read_text() == "mine"
        return
    try:
        assert plan.push(progress=False).ok
    except LedgerError as error:
        assert "deleted or replaced" in str(error)  # noqa: PT017
    assert gp.push(customers(4), "id", client=client, progress=False).ok
    fresh = Client(sandbox.api_key, sandbox.base_url, ledger=path)
    assert fresh.types()["attribute"].tolist() == ["Score"]
    again = gp.push(customers(4), "id", client=fresh, progress=False, skip_unchanged=True)
    assert again.counts["unchanged"] == 4


@posix
def test_deletion_during_a_push_is_noticed(sandbox, tmp_path):
    path = tmp_path / "ledger.db"
    client = Client(sandbox.api_key, sandbox.base_url, ledger=path)

    def delete(event):
        if event.kind == "update":
            path.unlink(missing_ok=True)

    with pytest.raises(LedgerError, match="deleted or replaced"):
        gp.push(customers(200), "id", client=client, progress=delete, max_rate=100)
    assert sum(gp.last_result().counts.values()) == 200


@posix
@pytest.mark.parametrize("how", ["another ledger", "a text", "nothing"])
def test_ledger_copied_over_is_not_written_to(sandbox, tmp_path, how):
    """A copy keeps the place of the file, and what is in the -wal would be mixed with it."""
    path, other = tmp_path / "ledger.db", tmp_path / "other"
    client = Client(sandbox.api_key, sandbox.base_url, ledger=path)
    assert gp.push(customers(), "id", client=client, progress=False).ok
    other.write_bytes({"a text": b"mine" * 2000, "nothing": b""}.get(how, b""))
    if how == "another ledger":
        with Ledger(other) as ledger:
            ledger.project(sandbox.base_url, sandbox.api_key)
    before = sandbox.requests
    shutil.copyfile(other, path)
    with pytest.raises(LedgerError, match="overwritten"):
        gp.push(customers(), "id", client=client, progress=False)
    assert sandbox.requests == before, "nothing is sent"


@posix
def test_deleted_wal_reopens_the_ledger(sandbox, tmp_path):
    """Data written to a deleted file is lost when the process is killed."""
    path = tmp_path / "ledger.db"
    client = Client(sandbox.api_key, sandbox.base_url, ledger=path)
    assert gp.push(customers(), "id", client=client, progress=False).ok
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"ledger.db{suffix}").unlink()
    again = gp.push(customers(), "id", client=client, progress=False, skip_unchanged=True)
    assert sum(again.counts.values()) == 3
    assert (tmp_path / "ledger.db-wal").exists()


@posix
@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_foreign_companion_is_refused_untouched(tmp_path, suffix):
    notes = tmp_path / f"ledger.db{suffix}"
    notes.write_text("my notes")
    with pytest.raises(LedgerError, match="something else"):
        Client("claims-key-1", ledger=tmp_path / "ledger.db").types()
    assert [found.name for found in tmp_path.iterdir()] == [notes.name]
    assert notes.read_text() == "my notes"


@posix
def test_backup_never_replaces_a_device(tmp_path):
    """As root, a renamed file would replace it."""
    client = Client("claims-key-1", ledger=tmp_path / "ledger.db")
    client.declare_types({"Score": "number"})
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(LedgerError, match="was not changed"):
        client.ledger.backup(pipe)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_no_output_replaces_a_ledger(tmp_path):
    client = Client("claims-key-1", ledger=tmp_path / "ledger.csv")
    client.declare_types({"Score": "number"})
    before = (tmp_path / "ledger.csv").read_bytes()
    plan = gp.plan(customers(), "id", client=client)
    writes = [client.export_types, plan.to_html, lambda path: gp.csv_safe.write_csv(customers(), path)]
    for write in writes:
        with pytest.raises(UsageError, match="database"):
            write(tmp_path / "ledger.csv")
    assert (tmp_path / "ledger.csv").read_bytes() == before


@pytest.mark.parametrize("path", ["a\0b", "~no-such-user-here/a", "a\ud800b"])
def test_an_impossible_path_is_a_usage_error(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    client = Client("claims-key-1", ledger=tmp_path / "ledger.db")
    client.declare_types({"Score": "number"})
    plan = gp.plan(customers(), "id", client=client)
    for call in (lambda p: Client("claims-key-1", ledger=p), client.ledger.backup, client.ledger.restore):
        with pytest.raises(UsageError):
            call(path)
    if not path.startswith("~"):  # elsewhere that is a folder of this name, as in pandas
        for call in (plan.to_html, client.export_types, lambda p: gp.csv_safe.write_csv(customers(), p)):
            with pytest.raises(UsageError):
                call(path)


def test_foreign_database_with_our_id_is_refused(tmp_path):
    for version in (0, 1, 2):
        path = database(tmp_path / f"{version}.db", application_id=0x47524F57)
        with contextlib.closing(sqlite3.connect(path)) as other:
            other.execute(f"PRAGMA user_version = {version}")
        before = path.read_bytes()
        with pytest.raises(LedgerError, match="another program"):
            Ledger(path).project("https://example.com", "not-a-real-key")
        assert path.read_bytes() == before


def test_hard_link_to_a_ledger_in_use_is_refused(tmp_path):
    one, two = tmp_path / "one.sqlite3", tmp_path / "two.sqlite3"
    with Ledger(one) as ledger:
        ledger.project("https://example.com", "not-a-real-key")
        os.link(one, two)
        with pytest.raises(LedgerError, match="hard link"):
            Ledger(two).project("https://example.com", "not-a-real-key")
        code = f"from growlytics_pandas.ledger import Ledger\nLedger({str(two)!r}).project('https://example.com', 'k')"
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert "hard link to a ledger that is in use" in other.stderr
    with Ledger(two) as ledger:
        ledger.project("https://example.com", "not-a-real-key")
