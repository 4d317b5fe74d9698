"""The ledger's file: its content, its permissions, and the errors if it cannot be used."""

import contextlib
import os
import re
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest
from support.ledger_rows import bodies

from growlytics_pandas.errors import LedgerError
from growlytics_pandas.ledger import Digests, Ledger
from growlytics_pandas.ledger.database import MIGRATIONS, LedgerFile
from growlytics_pandas.ledger.digests import Digester

URL = "https://api.example"
KEY = "a-very-secret-key"
WHEN = datetime(2024, 5, 6, tzinfo=UTC)
posix = pytest.mark.skipif(os.name == "nt", reason="POSIX permissions or limits")


def push(path, ids, version="A"):
    with Ledger(path) as ledger:
        project = ledger.project(URL, KEY)
        digests = project.digest(ids, bodies([f"{id_} {version}".encode() for id_ in ids]))
        project.withdraw(digests, ["city"])
        project.accept(digests)


def tamper(path, statement):
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def refusal(path) -> str:
    """Return the error of using the ledger at `path`; every such message shows how to continue."""
    with pytest.raises(LedgerError) as caught, Ledger(path) as ledger:
        ledger.project(URL, KEY).unchanged(Digests(np.array([1]), np.array([[1, 1]], np.uint64)))
    message = str(caught.value)
    assert caught.value.path == str(path)
    assert str(path) in message
    assert "ledger=None" in message
    return message


def test_no_id_value_or_key_is_on_the_disk(path):
    with Ledger(path) as ledger:
        project = ledger.project(URL, KEY)
        ids = ["asha@example.com", "+919211111111"]
        digests = project.digest(ids, bodies([b'{"id":"asha@example.com","v":"PlantedValue"}', b"AnotherPlantedValue"]))
        run = project.begin_run(2, WHEN)
        project.withdraw(digests, ["city"])
        project.accept(digests)
        project.register({"city": "string"}, WHEN, certain=True)
        project.end_run(run, {"accepted": 2}, "finished", ["city"])
        project.flush()
        files = sorted(path.parent.iterdir())
        assert [file.name for file in files] == ["ledger.sqlite3", "ledger.sqlite3-shm", "ledger.sqlite3-wal"]
        written = b"".join(file.read_bytes() for file in files)
    written += path.read_bytes()
    assert b"city" in written
    for secret in ("asha", "example", "9211111111", "PlantedValue", "very-secret", "api.example"):
        assert secret.encode() not in written
        assert secret.encode("utf-16-le") not in written


def test_file_alone_cannot_confirm_guessed_ids(path):
    secret = b"s" * 32
    mine, other = Digester.of(secret, URL, KEY), Digester.of(secret, URL, "another-key")
    assert mine.keys(["a"]) != other.keys(["a"])
    assert Digester.of(b"t" * 32, URL, KEY).keys(["a"]) != mine.keys(["a"])
    assert mine.body_digests(["a"], bodies(["a"])).tolist() != other.body_digests(["a"], bodies(["a"])).tolist()


@posix
def test_only_the_owner_may_read_it(path):
    path.touch(0o644)
    with Ledger(path) as ledger:
        ledger.project(URL, KEY).begin_run(1, WHEN)
        modes = {file.name: oct(file.stat().st_mode & 0o777) for file in path.parent.iterdir()}
    assert modes == dict.fromkeys(["ledger.sqlite3", "ledger.sqlite3-shm", "ledger.sqlite3-wal"], "0o600")


def test_missing_directories_are_made(tmp_path):
    path = tmp_path / "some" / "where" / "ledger.sqlite3"
    push(path, ["a"])
    assert path.exists()


class TestRefusals:
    def test_a_newer_version(self, path):
        push(path, ["a"])
        tamper(path, "PRAGMA user_version = 99")
        assert "version 99" in refusal(path)
        assert "upgrade growlytics_pandas" in refusal(path)

    def test_random_bytes(self, path):
        path.write_bytes(os.urandom(20_000))
        assert "not an SQLite file, or it is damaged" in refusal(path)
        assert path.stat().st_size == 20_000

    @pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.9])
    def test_a_cut_file(self, path, share):
        push(path, [f"user-{n}" for n in range(2_000)])
        os.truncate(path, int(path.stat().st_size * share))
        assert "damaged" in refusal(path)

    def test_an_impossible_record(self, path):
        push(path, ["a"])
        tamper(path, "UPDATE segments SET records = substr(records, 2)")
        assert "it is damaged: segment 1 is cut" in refusal(path)

    def test_an_sqlite_file_of_another_program(self, path):
        tamper(path, "CREATE TABLE theirs (x)")
        before = path.read_bytes()
        assert "another program" in refusal(path)
        assert path.read_bytes() == before

    def test_a_path_that_is_a_directory(self, tmp_path):
        assert "it is a directory" in refusal(tmp_path)

    def test_a_parent_that_is_a_file(self, tmp_path):
        (tmp_path / "file").touch()
        assert "choose a file in a writable directory" in refusal(tmp_path / "file" / "ledger.sqlite3")

    @posix
    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
    def test_a_directory_that_is_read_only(self, tmp_path):
        tmp_path.chmod(0o500)
        assert "cannot be opened" in refusal(tmp_path / "ledger.sqlite3")

    def test_use_after_closing(self, path):
        ledger = Ledger(path)
        project = ledger.project(URL, KEY)
        ledger.close()
        ledger.close()
        with pytest.raises(LedgerError, match="was closed"):
            project.types()


class TestFullDisk:
    def test_error_names_the_ledger_and_keeps_rows(self, path):
        ledger = Ledger(path)
        project = ledger.project(URL, KEY)
        digests = project.digest(["kept"], bodies([b"kept"]))
        project.withdraw(digests)
        project.accept(digests)
        project.flush()
        with ledger._file.reading() as connection:
            connection.execute("PRAGMA max_page_count = 12").fetchall()
        many = project.digest([str(n) for n in range(9_000)], bodies([b"x"] * 9_000))
        with pytest.raises(LedgerError, match=r"the disk is full .*free some space.*ledger=None"):
            project.withdraw(many)
        assert project.unchanged(digests).tolist() == [True]
        assert not project.unchanged(many).any()
        ledger.close()

    @posix
    @pytest.mark.slow
    def test_a_write_that_the_system_refuses(self, path):
        script = """
import resource, sys
from growlytics_pandas.errors import LedgerError
from growlytics_pandas.ledger import Ledger
project = Ledger(sys.argv[1]).project("https://api.example", "key")
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
ids = [str(n) for n in range(20_000)]
try:
    project.withdraw(project.digest(ids, ()))
except LedgerError as error:
    print(error)
"""
        printed = subprocess.run(
            [sys.executable, "-c", script, path], capture_output=True, text=True, check=True
        ).stdout
        assert re.search("disk (is|may be) full.*ledger=None", printed)
        push(path, ["a"])


class TestMigrations:
    LATER = (*MIGRATIONS, ("ALTER TABLE runs ADD COLUMN remark TEXT",))

    def test_older_file_is_migrated_with_its_contents(self, path):
        push(path, ["a"])
        file = LedgerFile(path, self.LATER)
        with file.reading() as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (len(self.LATER),)
            assert connection.execute("SELECT remark FROM runs").fetchall() == []
            assert connection.execute("SELECT count(*) FROM segments").fetchone() == (2,)
        file.close()
        assert "newer growlytics_pandas" in refusal(path)

    def test_one_that_fails_changes_nothing(self, path):
        push(path, ["a"])
        file = LedgerFile(path, (*self.LATER, ("CREATE TABLE half (x)", "ALTER TABLE nowhere ADD COLUMN x")))
        with pytest.raises(LedgerError, match="nowhere"), file.reading():
            pass
        push(path, ["b"])

    def test_a_new_file_gets_them_all(self, path):
        file = LedgerFile(path, self.LATER)
        with file.reading() as connection:
            assert connection.execute("SELECT remark FROM runs").fetchall() == []
        file.close()


@posix
def test_connection_is_not_shared_with_a_fork(path):
    script = """
import os, sys
from growlytics_pandas.errors import LedgerError
from growlytics_pandas.ledger import Ledger
project = Ledger(sys.argv[1]).project("https://api.example", "key")
if os.fork() == 0:
    try:
        project.types()
    except LedgerError as error:
        print(error, flush=True)
    os._exit(0)
os.wait()
"""
    printed = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True).stdout
    assert "forked" in printed
