"""Backup of the ledger to a single file, restore, and what neither may overwrite.

A backup uses SQLite's backup API, page by page, while other processes write. A restore writes into the ledger's file
under an exclusive lock, so no other process has the file open meanwhile or continues with data it read before.
"""

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from growlytics_pandas._text import argument, options_text
from growlytics_pandas.errors import InvalidArgumentError, LedgerError
from growlytics_pandas.ledger.database import (
    COMPANIONS,
    MIGRATIONS,
    OTHER_FILE,
    PROJECTS,
    LedgerFile,
    check_version,
    claim,
    connect,
    explain,
    from_microseconds,
    has_our_header,
    ledger_error,
    opened_to_read,
)

OPEN_ELSEWHERE_SECONDS: Final = 1.0  # a process that only reads closes it sooner
_DAMAGED: Final = ("SQLITE_NOTADB", "SQLITE_CORRUPT")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a ledger file contains. `origin` is the same for a ledger and its backups; it does not reveal the secret."""

    origin: bytes = field(repr=False)
    version: int
    projects: int
    types: int
    runs: int
    writes: int
    """How often customers were written; never decreases."""
    started: frozenset[tuple[int, int]] = field(repr=False)
    """The number and start of each run, to compare two files of the same origin."""
    last_run: datetime | None
    last_label: str | None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever recorded."""
        return not (self.types or self.runs or self.writes)

    def holds_more_than(self, other: "Facts") -> bool:
        """Whether replacing this by `other` would lose data."""
        if self.is_empty:
            return False
        if self.origin != other.origin or not self.started <= other.started:
            return True
        return self.writes > other.writes or self.types > other.types


def back_up(file: LedgerFile, target: Path, *, overwrite: bool) -> None:
    """Write the ledger to `target`: see `Ledger.backup`."""
    _require_other(file.path, target)
    if not file.path.exists():
        raise InvalidArgumentError(f"backup: there is no ledger {str(file.path)!r} yet; nothing was pushed with it.")
    with file.reading() as connection:
        here = read_facts(connection)
    try:
        there = _facts_if_any(target)
    except LedgerError as error:
        found = "a different file exists there and was not changed. Choose another name."
        raise LedgerError(f"backup {target}: {found}", path=str(target)) from error
    if there is not None and there.holds_more_than(here) and not overwrite:
        raise _refusal(target, there, here, "backup")
    with _written_beside(target) as beside:
        with file.reading() as connection, closing(sqlite3.connect(beside)) as copy:
            connection.backup(copy)
        _make_plain(beside)
        beside.replace(target)


def restore(
    file: LedgerFile, source: Path, forget: Callable[[LedgerFile], None], *, overwrite: bool, always_forget: bool
) -> None:
    """Replace the ledger by a backup: see `Ledger.restore`. The file must not be open in this process.

    `forget` forgets which bodies were accepted; it is called if the ledger loses data, or if `always_forget`.
    """
    _require_other(file.path, source)
    if not source.is_file():
        raise InvalidArgumentError(f"{argument('path')}: there is no file {str(source)!r} to restore.")
    backed_up = facts_of(source)
    there = _facts_or_removed(file.path, removes_damaged=overwrite)
    loses = there is not None and there.holds_more_than(backed_up)
    if loses and there is not None and not overwrite:
        raise _refusal(file.path, there, backed_up, "ledger")
    file.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _written_beside(file.path) as beside:
        with _opened_ledger(source) as connection, closing(sqlite3.connect(beside)) as copy:
            connection.backup(copy)
        if always_forget or loses:
            with closing(LedgerFile(beside)) as copied:
                forget(copied)
        _make_plain(beside)
        _write_over(file.path, beside)


def facts_of(path: Path) -> Facts:
    """Check that a file is an intact ledger and return what it contains; the file is not changed."""
    with _opened_ledger(path) as connection:
        found = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if found is None or found[0] != "ok":
            raise ledger_error(path, "it is damaged", "use another backup")
        return read_facts(connection)


def read_facts(connection: sqlite3.Connection) -> Facts:
    """Return what the file of a connection contains."""

    def one(query: str) -> Any:
        row = connection.execute(query).fetchone()
        return row[0] if row else None

    version = one("PRAGMA user_version")
    projects = "projects" if version > MIGRATIONS.index(PROJECTS) else "workspaces"  # their older name
    label = "label" if any(row[1] == "label" for row in connection.execute("PRAGMA table_info(runs)")) else "NULL"
    last = connection.execute(f"SELECT started, {label} FROM runs ORDER BY id DESC LIMIT 1").fetchone()  # noqa: S608
    return Facts(
        blake2b(one("SELECT secret FROM secrets") or b"", digest_size=16, person=b"origin").digest(),
        version,
        one(f"SELECT count(*) FROM {projects}"),  # noqa: S608
        one("SELECT count(*) FROM attribute_types"),
        one("SELECT seq FROM sqlite_sequence WHERE name = 'runs'") or 0,
        one("SELECT seq FROM sqlite_sequence WHERE name = 'segments'") or 0,
        frozenset(connection.execute("SELECT id, started FROM runs").fetchall()),
        from_microseconds(last[0]) if last else None,
        last[1] if last else None,
    )


@contextmanager
def _opened_ledger(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a ledger read-only; raise if the file is not a ledger."""
    try:
        with opened_to_read(path) as connection:
            if check_version(connection, path, MIGRATIONS) == 0:
                raise ledger_error(path, "it is empty, not a ledger", "use another backup")
            yield connection
    except sqlite3.Error as error:
        raise explain(path, error) from error


def _facts_if_any(path: Path) -> Facts | None:
    """Return what would be overwritten; None if there is nothing."""
    if path.exists() and not path.is_file():
        raise ledger_error(path, "it is not a regular file", OTHER_FILE)
    if not path.exists() or not path.stat().st_size:
        return None
    with _opened_ledger(path) as connection:
        return read_facts(connection)


def _facts_or_removed(path: Path, *, removes_damaged: bool) -> Facts | None:
    """Return what the ledger at `path` contains; None if there is none, or a damaged one, which is then removed."""
    try:
        return _facts_if_any(path)
    except LedgerError as error:
        cause = error.__cause__
        if not (isinstance(cause, sqlite3.Error) and cause.sqlite_errorname.startswith(_DAMAGED)):
            raise
        is_ours = has_our_header(path)
        if not (is_ours and removes_damaged):
            remedy = f"restore with {options_text(overwrite=True)}, which removes it" if is_ours else OTHER_FILE
            raise ledger_error(path, "it is not an SQLite file, or it is damaged", remedy) from error
    for end in ("", "-wal", "-shm"):  # not a -journal: a ledger has none, so it may belong to something else
        path.with_name(path.name + end).unlink(missing_ok=True)
    return None


def _refusal(path: Path, there: Facts, other: Facts, what: str) -> LedgerError:
    if there.origin != other.origin:
        found = "it contains the data of another ledger"
    elif there.runs <= other.runs:
        found = "it has runs that the replacement does not have"
    else:
        found = f"it is newer: it has {there.runs:,} runs, and the replacement {other.runs:,}"
    return LedgerError(
        f"{what} {path}: {found}. Nothing was changed. Choose another file, or pass {options_text(overwrite=True)}.",
        path=str(path),
    )


def _require_other(path: Path, other: Path) -> None:
    if path == other or (path.exists() and other.exists() and path.samefile(other)):
        raise InvalidArgumentError(f"{argument('path')}: {str(other)!r} is the ledger itself; choose another file.")


@contextmanager
def _written_beside(target: Path) -> Iterator[Path]:
    """Yield an empty private file in the folder of `target`; it is removed afterwards if it still exists."""
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    claim(beside)
    try:
        yield beside
    except sqlite3.Error as error:
        raise explain(target, error) from error
    finally:
        for end in ("", *COMPANIONS):
            with suppress(OSError):
                beside.with_name(beside.name + end).unlink(missing_ok=True)


def _make_plain(path: Path) -> None:
    """Migrate a copy to the newest version, as a single file with all data flushed to disk."""
    with closing(connect(path, MIGRATIONS)) as connection:
        found = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if found[0] != "ok":
            raise ledger_error(path, f"the copy is damaged ({found[0]})", "check the disk")
        connection.execute("PRAGMA journal_mode = DELETE")
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_over(path: Path, source: Path) -> None:
    """Copy a file into the ledger's file, which no other connection may have open."""
    claim(path)
    try:
        with (
            closing(sqlite3.connect(path, timeout=OPEN_ELSEWHERE_SECONDS, isolation_level=None)) as ledger,
            closing(sqlite3.connect(source)) as connection,
        ):
            ledger.execute("PRAGMA locking_mode = EXCLUSIVE")
            if ledger.execute("PRAGMA journal_mode = DELETE").fetchone()[0] != "delete":
                raise _open_elsewhere(path)
            ledger.execute("BEGIN EXCLUSIVE")
            ledger.execute("ROLLBACK")  # the lock is held until the connection is closed
            connection.backup(ledger)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname.startswith("SQLITE_BUSY"):
            raise _open_elsewhere(path) from error
        raise


def _open_elsewhere(path: Path) -> LedgerError:
    return LedgerError(
        f"ledger {path}: it is open elsewhere: in another process, or in another Client or Ledger of this one. Nothing "
        "was changed. Close them (in a notebook, restart the kernel), and restore again before the first push.",
        path=str(path),
    )
