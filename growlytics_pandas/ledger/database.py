"""The ledger's file: opening, migrations, transactions, and every SQLite error as a `LedgerError`."""

import os
import secrets
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from growlytics_pandas.errors import InvalidArgumentError, LedgerError
from growlytics_pandas.ledger.claims import (
    APPLICATION_ID,
    BUSY_TIMEOUT_SECONDS,
    Identity,
    explain,
    hold,
    identity,
    ledger_error,
    let_go,
    secret_on_disk,
)

BUSY_PAUSE_SECONDS: Final = 0.02  # switching to WAL does not wait by itself, so the opening is tried again
SECRET_BYTES: Final = 32  # the key of the digests
WORTH_SHRINKING: Final = 0.25  # of the file: giving back 60 MB takes half a second
WAL_LIMIT_BYTES: Final = 16 << 20  # a compaction may grow the WAL: it is cut back to this afterwards

CLOSED: Final = ("it was closed", "make a new Ledger of this path")
"""What is found where a closed ledger is used, and the remedy."""
LOST: Final = ("it was deleted or replaced while it was in use", "push again, which begins a new one")
"""Likewise of a file whose path leads elsewhere now: what is written to it would be gone."""
OVERWRITTEN: Final = (
    "its contents were overwritten while it was in use",
    "end the processes that use it, remove its -wal and -shm files, and put the file there again (Ledger.restore does)",
)
"""Likewise of a file that another was copied over: the two would be mixed."""


EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)

# The tables, as numbered migrations: the version of a file is how many of them it has had.
FIRST: Final = (
    "CREATE TABLE secrets (secret BLOB NOT NULL)",
    "CREATE TABLE workspaces (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE)",
    """CREATE TABLE attribute_types (
        workspace INTEGER NOT NULL, attribute TEXT NOT NULL, type TEXT NOT NULL, source TEXT NOT NULL,
        first_seen INTEGER NOT NULL,  -- microseconds since 1970, UTC
        PRIMARY KEY (workspace, attribute)) WITHOUT ROWID""",
    """CREATE TABLE attribute_numbers (
        workspace INTEGER NOT NULL, attribute TEXT NOT NULL, number INTEGER NOT NULL,
        PRIMARY KEY (workspace, attribute), UNIQUE (workspace, number)) WITHOUT ROWID""",
    # One row for each write, not one a customer: a B-tree of random keys costs a page write a row (measured: 12 to
    # 29 µs a row at a million customers), an appended block of records 0.2 µs. `is_base` marks a compaction's summary.
    """CREATE TABLE segments (
        id INTEGER PRIMARY KEY AUTOINCREMENT, workspace INTEGER NOT NULL, is_base INTEGER NOT NULL,
        n_words INTEGER NOT NULL, records BLOB NOT NULL)""",
    "CREATE INDEX segments_of_workspace ON segments (workspace, id)",
    """CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT, workspace INTEGER NOT NULL, started INTEGER NOT NULL,
        rows INTEGER NOT NULL, process TEXT NOT NULL, seconds REAL, counts TEXT, new_attributes TEXT, ended TEXT)""",
)

TABLES: Final = frozenset(
    {"secrets", "workspaces", "attribute_types", "attribute_numbers", "segments", "runs"}
)  # of every version

LABELS: Final = ("ALTER TABLE runs ADD COLUMN label TEXT",)

MIGRATIONS: Final = (FIRST, LABELS)


class LedgerFile:
    """One open ledger file. Safe to share between threads; a forked process must open its own.

    The file is made, with its directory, when it is first read or written.
    """

    def __init__(self, path: Path, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> None:
        self.path = path
        self._migrations = migrations
        self.lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._finalizer: weakref.finalize[[sqlite3.Connection, Identity], LedgerFile] | None = None
        self._closed: tuple[str, str] | None = None
        self._process = os.getpid()
        self._identity: Identity | None = None
        self._wal_identity: Identity | None = None
        self._secret: bytes | None = None

    def __repr__(self) -> str:
        return f"LedgerFile({str(self.path)!r})"

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for reads."""
        with self.lock, self._explained():
            yield self._opened()

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """Give the connection inside a transaction that holds the write lock from its start.

        The transaction is committed at the end of the block, or undone if the block raises. A commit always survives
        the end of the process; with `durable` it is also on the disk, so it survives a power cut.
        """
        with self.lock, self._explained():
            connection = self._opened()
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # After some errors SQLite has rolled back already, and says so by not being in a transaction.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def secret(self) -> bytes:
        """Return the key of this file's digests."""
        with self.reading() as connection:
            row = connection.execute("SELECT secret FROM secrets").fetchone()
        if row is None or not isinstance(row[0], bytes) or len(row[0]) != SECRET_BYTES:
            raise self.damaged("its secret is missing")
        return row[0]

    def is_lost(self) -> bool:
        """Return whether the file that is open, or its -wal, is no longer the one under its path."""
        if self._connection is None:
            return False
        wal = identity(self.path.with_name(f"{self.path.name}-wal"))
        self._wal_identity = self._wal_identity or wal
        return identity(self.path) != self._identity or wal != self._wal_identity

    def require_own(self) -> None:
        """Raise if another file was copied over the one that is open. What is in its -wal does not count.

        A new file holds its secret itself once its first writes are brought over from the -wal.
        """
        with self.lock:
            if self._connection is None or self.is_lost():
                return
            found = secret_on_disk(self.path)
            if self._secret is None:
                self._secret = found
            elif found != self._secret:
                raise ledger_error(self.path, *OVERWRITTEN)

    def shrink(self, min_share: float = 0.0) -> None:
        """Give the room that compactions left back to the disk, if it is more than this share of the file."""
        with self.reading() as connection:
            n_free = connection.execute("PRAGMA freelist_count").fetchone()[0]
            if n_free > min_share * connection.execute("PRAGMA page_count").fetchone()[0]:
                connection.executescript("PRAGMA incremental_vacuum")  # execute() would give back one page only

    def damaged(self, found: str) -> LedgerError:
        """Return the error for contents that SQLite could read but that cannot be."""
        return ledger_error(self.path, f"it is damaged: {found}", "move it away (a new one is made)")

    def close(self, found: str = CLOSED[0], remedy: str = CLOSED[1]) -> None:
        """Close the file; using it later is an error, which tells why and the remedy."""
        with self.lock:
            if self._connection is not None and self._process == os.getpid():
                with suppress(LedgerError):  # tidying: a full disk or a busy neighbour is no reason to fail here
                    self.shrink(WORTH_SHRINKING)
            self._closed = self._closed or (found, remedy)
            if self._finalizer is not None:
                self._finalizer()
            self._connection = None

    def release(self) -> None:
        """Close the connection; the next use opens the file anew."""
        with self.lock:
            if self._finalizer is not None:
                self._finalizer()
            self._connection = self._finalizer = self._secret = self._wal_identity = None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise explain(self.path, error) from error

    def _opened(self) -> sqlite3.Connection:
        if self._closed:
            raise ledger_error(self.path, *self._closed)
        if self._process != os.getpid():  # SQLite forbids carrying a connection over a fork
            raise ledger_error(self.path, "it was opened by the process this one was forked from", "make a new Ledger")
        if self.is_lost():
            raise ledger_error(self.path, *LOST)
        if self._connection is None:
            held = hold(self.path)
            try:
                self._connection = connect(self.path, self._migrations)
            except BaseException:
                let_go(held)
                raise
            self._identity = held
            self._secret = secret_on_disk(self.path)
            # Python 3.13 warns of connections that are collected open.
            self._finalizer = weakref.finalize(self, _close, self._connection, held)
        return self._connection


def _close(connection: sqlite3.Connection, held: Identity) -> None:
    connection.close()
    let_go(held)


def connect(path: Path, migrations: Sequence[Sequence[str]]) -> sqlite3.Connection:
    """Open the file and bring it to the newest version."""
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=32
        )
        try:
            prepare(connection, path, migrations)
        except sqlite3.OperationalError as error:
            connection.close()
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                raise
            time.sleep(BUSY_PAUSE_SECONDS)
        except BaseException:
            connection.close()
            raise
        else:
            return connection


def prepare(connection: sqlite3.Connection, path: Path, migrations: Sequence[Sequence[str]]) -> None:
    """Check whose file this is, switch it to WAL and run the migrations it lacks."""
    connection.execute("BEGIN")  # one look: another process may be making the file at this moment
    try:
        check_version(connection, path, migrations)
    finally:
        if connection.in_transaction:  # SQLite ends it itself after some errors
            connection.execute("ROLLBACK")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # only takes before the first table
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = check_version(connection, path, migrations)
        migrate(connection, version, migrations)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    if version == 0:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")  # so that the file itself holds its secret


def check_version(connection: sqlite3.Connection, path: Path, migrations: Sequence[Sequence[str]]) -> int:
    """Return the file's version, 0 for an empty one; refuse a newer version and the files of other programs."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    n_tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if owner != APPLICATION_ID and (owner or version or n_tables):
        raise ledger_error(path, "it is an SQLite file of another program", "leave it as it is")
    if version > len(migrations):
        found = (
            f"it has version {version}, written by a newer growlytics_pandas; this one reads up to {len(migrations)}"
        )
        raise ledger_error(path, found, "upgrade growlytics_pandas")
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if bool(version) != bool(tables) or (version and migrations is MIGRATIONS and not tables >= TABLES):
        raise ledger_error(path, "it is an SQLite file of another program", "leave it as it is")
    return version


def migrate(connection: sqlite3.Connection, version: int, migrations: Sequence[Sequence[str]]) -> None:
    """Run the migrations after `version`; a new file gets its secret too."""
    for statements in migrations[version:]:
        for statement in statements:
            connection.execute(statement)
    if version == 0:
        connection.execute("INSERT INTO secrets VALUES (?)", (secrets.token_bytes(SECRET_BYTES),))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    if version < len(migrations):
        connection.execute(f"PRAGMA user_version = {len(migrations)}")


def to_microseconds(instant: datetime) -> int:
    """Return the microseconds since 1970, UTC; an instant without a time zone could be any of 24 hours: refused."""
    if instant.tzinfo is None:
        raise InvalidArgumentError(f"{instant}: it has no time zone; give one, as in datetime.now(UTC)")
    return (instant - EPOCH) // MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """Return the instant, in UTC."""
    return EPOCH + microseconds * MICROSECOND


def now() -> int:
    """Return the microseconds of this instant."""
    return to_microseconds(datetime.now(UTC))
