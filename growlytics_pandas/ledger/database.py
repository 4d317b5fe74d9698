"""The ledger's file: opening, migrations, transactions, and every SQLite error as a `LedgerError`.

A mistyped path may name another file, so only a ledger or a new file is opened for writing and given private
permissions. Any other file is rejected and not changed.
"""

import os
import secrets
import sqlite3
import stat
import threading
import time
import weakref
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

from growlytics_pandas._text import SQLITE_STARTS, options_text
from growlytics_pandas.errors import InvalidArgumentError, LedgerError

APPLICATION_ID: Final = 0x47524F57  # "GROW", in the file's header: distinguishes ledgers from other SQLite files
BUSY_TIMEOUT_SECONDS: Final = 30.0  # another process's write takes milliseconds, a compaction a second or two
BUSY_PAUSE_SECONDS: Final = 0.02  # switching to WAL does not wait for locks, so opening is retried
TORN_SECONDS: Final = 1.0  # time for another process to create the ledger, which takes milliseconds
FILE_MODE: Final = 0o600  # private; SQLite gives -wal and -shm the mode of the file
HEADER_BYTES: Final = 100
SHARED_LOCK: Final = (510, 0x40000002)  # length and start of the byte range that SQLite locks while a file is open
MAGIC: Final = SQLITE_STARTS[0]
MAGIC_BYTES: Final = 8  # of a -journal, which begins with zeros until it is complete; a -wal has four
ID_PLACE: Final = slice(68, 72)  # position of the application id in the header, big-endian
COMPANIONS: Final = ("-wal", "-shm", "-journal")  # files that SQLite keeps next to the database

# Primary SQLite error name → (problem, remedy). Extended names ("SQLITE_READONLY_DIRECTORY") start with these.
PROBLEMS: Final = {
    "SQLITE_NOTADB": ("it is not an SQLite file, or it is damaged", "move it away (a new one is made)"),
    "SQLITE_CORRUPT": ("it is damaged", "move it away together with its -wal and -shm files (a new one is made)"),
    "SQLITE_READONLY": ("it cannot be written", "get write permission for it and its directory"),
    "SQLITE_CANTOPEN": ("it cannot be opened", "choose a file in a writable directory"),
    "SQLITE_PERM": ("it cannot be opened", "get read and write permission for it"),
    "SQLITE_AUTH": ("it cannot be opened", "get read and write permission for it"),
    "SQLITE_FULL": ("the disk is full", "free some space"),
    "SQLITE_IOERR": ("reading or writing it failed; the disk may be full", "check the disk"),
    "SQLITE_BUSY": (
        f"another process has held it for more than {BUSY_TIMEOUT_SECONDS:g} s",
        "wait for that push to end",
    ),
}
UNKNOWN_PROBLEM: Final = ("SQLite refused it", "move it away (a new one is made)")

KINDS: Final = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a broken link",
}
OTHER_FILE: Final = "leave it as it is"
LINKED: Final = ("it is a hard link to a ledger that is in use under another name", "use the other name")


class Identity(NamedTuple):
    """Identifies a file, whatever its path."""

    device: int
    number: int


_OPEN_HERE: Final[Counter[Identity]] = Counter()
"""The ledgers that this process has open: they are claimed, and only SQLite may open them again.

POSIX releases all locks of a process on a file when it closes any descriptor of it. Other processes do not see a
connection without its lock, and the last of them to close the ledger deletes the -wal with everything written later.
"""
_NAMES: Final[dict[Identity, str]] = {}
"""The path of each: the -wal is found by name, so a second hard link would read and write a different state."""
_OPENING: Final = threading.RLock()  # reentrant: a finalizer may run while it is held
if hasattr(os, "register_at_fork"):  # else a forked process could inherit it locked
    os.register_at_fork(before=_OPENING.acquire, after_in_parent=_OPENING.release, after_in_child=_OPENING.release)


def identity(path: Path) -> Identity | None:
    """Return the identity of the file at `path`; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return Identity(found.st_dev, found.st_ino)


def claim(path: Path) -> None:
    """Create an empty private file if none exists; raise if there is a file that is not a ledger, without changing it.

    An empty file is accepted: another process may be creating the ledger, and there is nothing to lose. So is a link to
    a ledger, but not a broken link.
    """
    with _OPENING:
        try:
            here = identity(path)
            if here is not None and here in _OPEN_HERE:
                if os.path.realpath(path) != _NAMES[here]:
                    raise ledger_error(path, *LINKED)
                return
            _check_companions(path)
            if not os.path.lexists(path):
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                with suppress(FileExistsError):  # another process was faster
                    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, FILE_MODE))
            _require_ledger(path)
            _require_sole_name(path)
        except OSError as error:
            remedy = "choose a file in a writable directory"
            raise ledger_error(path, f"it cannot be opened for writing ({error.strerror})", remedy) from error
        with suppress(OSError):  # not the owner: keep the owner's permissions
            path.chmod(FILE_MODE)


def hold(path: Path) -> Identity:
    """Claim a ledger that SQLite is about to open, until `let_go`."""
    with _OPENING:
        claim(path)
        held = identity(path)
        if held is None:
            raise ledger_error(path, "it was deleted while it was being opened", "push again to create a new one")
        _OPEN_HERE[held] += 1
        _NAMES.setdefault(held, os.path.realpath(path))
        return held


def let_go(held: Identity) -> None:
    """Record that a connection to a held ledger is closed."""
    with _OPENING:
        _OPEN_HERE[held] -= 1
        if not _OPEN_HERE[held]:
            del _OPEN_HERE[held]
            del _NAMES[held]


def _check_companions(path: Path) -> None:
    """Raise for files next to the ledger that SQLite would overwrite or delete although they are not its own."""
    for suffix in COMPANIONS:
        companion = path.with_name(path.name + suffix)
        with suppress(FileNotFoundError):  # another process may have just removed it
            if not stat.S_ISREG(companion.lstat().st_mode):
                raise ledger_error(path, f"{companion.name} next to it is not a regular file", "remove that file")
            if suffix == "-shm":  # SQLite holds locks on it, which closing it here would release
                continue
            with companion.open("rb") as file:
                start = file.read(MAGIC_BYTES)
            # zeros: a finished journal, or one that another process is just writing
            if start.strip(b"\0") and not start.startswith(SQLITE_STARTS):
                raise ledger_error(
                    path, f"{companion.name} next to it belongs to something else", "move that file away"
                )


def _require_sole_name(path: Path) -> None:
    """Raise for a file that cannot be written, or a hard link to a ledger open under another name elsewhere."""
    handle = os.open(path, os.O_RDWR)
    try:
        is_open_by_this_name = Path(os.path.realpath(path) + "-shm").exists()
        if fcntl is not None and os.fstat(handle).st_nlink > 1 and not is_open_by_this_name:
            try:
                fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, *SHARED_LOCK)
            except (BlockingIOError, PermissionError) as error:
                raise ledger_error(path, *LINKED) from error
    finally:
        os.close(handle)  # also releases the lock


def opened_to_read(path: Path, mode: str = "mode=ro") -> closing[sqlite3.Connection]:
    """Open an SQLite file without changing it; with the mode "immutable=1" its -wal is ignored, and no lock taken."""
    return closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, timeout=BUSY_TIMEOUT_SECONDS))


def secret_on_disk(path: Path) -> bytes | None:
    """Return the secret in the file itself, ignoring its -wal; None if it cannot be read."""
    try:
        with opened_to_read(path, "immutable=1") as connection:
            row = connection.execute("SELECT secret FROM secrets").fetchone()
    except sqlite3.Error:
        return None
    return row[0] if row else None


def _require_ledger(path: Path) -> None:
    mode = path.stat().st_mode if path.exists() else path.lstat().st_mode
    if not stat.S_ISREG(mode):
        raise ledger_error(path, f"it is {KINDS.get(stat.S_IFMT(mode), 'not a regular file')}", OTHER_FILE)
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    if header and not header.startswith(MAGIC):
        found, remedy = PROBLEMS["SQLITE_NOTADB"]
        raise ledger_error(path, found, remedy)
    owner = int.from_bytes(header[ID_PLACE], "big")
    if header and owner != APPLICATION_ID and (owner or not _is_new(path)):
        raise ledger_error(path, "it is an SQLite file of another program", OTHER_FILE)


def has_our_header(path: Path) -> bool:
    """Return whether a file that SQLite cannot read starts like a ledger; False if it is open in this process."""
    if identity(path) in _OPEN_HERE:
        return False
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    return header.startswith(MAGIC) and int.from_bytes(header[ID_PLACE], "big") == APPLICATION_ID


def _is_new(path: Path) -> bool:
    """Return whether a file without an application id is a ledger or about to become one.

    The file is read without locks, so it may look damaged while another process writes it: reading is retried for a
    second before it counts as damaged.
    """
    deadline = time.monotonic() + TORN_SECONDS
    while True:
        try:
            n_tables, owner, version = _contents(path)
        except sqlite3.Error as error:
            if time.monotonic() > deadline:
                raise explain(path, error) from error
            time.sleep(BUSY_PAUSE_SECONDS)
        else:
            return bool(owner == APPLICATION_ID or not (n_tables or owner or version))


def _contents(path: Path) -> tuple[int, int, int]:
    """Return the number of tables, the application id and the version of an SQLite file.

    The id of a ledger may still be in its -wal. If there is no -wal, SQLite is prevented from creating one.
    """
    wal = path.with_name(f"{path.name}-wal")
    mode = "mode=ro" if wal.exists() and wal.stat().st_size else "immutable=1"
    with opened_to_read(path, mode) as connection:
        found: tuple[int, int, int] = connection.execute(  # one query, so that all three are consistent
            "SELECT (SELECT count(*) FROM sqlite_master), application_id, user_version "
            "FROM pragma_application_id, pragma_user_version"
        ).fetchone()
        return found


def ledger_error(path: Path, found: str, remedy: str) -> LedgerError:
    """Return the error for `path`: where, the problem, the remedy, and how to continue without a ledger."""
    without = f"push without a ledger ({options_text(ledger=None)})"
    message = f"ledger {path}: {found}. To continue: {remedy}, choose another file, or {without}."
    return LedgerError(message, path=str(path))


def explain(path: Path, error: sqlite3.Error) -> LedgerError:
    """Return the `LedgerError` for an SQLite error, including SQLite's message."""
    name = getattr(error, "sqlite_errorname", "")
    found, remedy = next((problem for code, problem in PROBLEMS.items() if name.startswith(code)), UNKNOWN_PROBLEM)
    return ledger_error(path, f"{found} ({error})", remedy)


SECRET_BYTES: Final = 32  # the key of the digests
WORTH_SHRINKING: Final = 0.25  # share of the file: freeing 60 MB takes half a second
WAL_LIMIT_BYTES: Final = 16 << 20  # a compaction may grow the WAL, which is truncated to this afterwards

CLOSED: Final = ("it was closed", "create a new Ledger with this path")
"""Problem and remedy when a closed ledger is used."""
LOST: Final = ("it was deleted or replaced while it was in use", "push again to create a new one")
"""The same for a file whose path now names another file: anything written to it would be lost."""
OVERWRITTEN: Final = (
    "its contents were overwritten while it was in use",
    "end the processes that use it, remove its -wal and -shm files, and copy the file again (or use Ledger.restore)",
)
"""The same for a file that was overwritten by another: their contents would be mixed."""


# What is known of customers is written in segments, many records each, and compacted when there is much to sum up.
BLOCK_RECORDS: Final = 65_536  # records handled at a time, also in segments of many: a few MB
BUFFERED_ROWS: Final = 4_096  # acceptances buffered in memory; losing them only costs repeated requests
MAX_SEGMENTS: Final = 4_096  # reading one costs some 10 µs
RECORDS_AFTER_A_RUN: Final = 1.25  # per customer; a compaction makes the next opening fast

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)

# The tables, as numbered migrations: a file's version is the number of migrations applied.
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
    # One row per write, not per customer: a B-tree of random keys costs a page write per row (measured: 12 to 29 µs
    # per row at a million customers), an appended block of records 0.2 µs. `is_base` marks a compaction's result.
    """CREATE TABLE segments (
        id INTEGER PRIMARY KEY AUTOINCREMENT, workspace INTEGER NOT NULL, is_base INTEGER NOT NULL,
        n_words INTEGER NOT NULL, records BLOB NOT NULL)""",
    "CREATE INDEX segments_of_workspace ON segments (workspace, id)",
    """CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT, workspace INTEGER NOT NULL, started INTEGER NOT NULL,
        rows INTEGER NOT NULL, process TEXT NOT NULL, seconds REAL, counts TEXT, new_attributes TEXT, ended TEXT)""",
)

TABLES: Final = frozenset({"secrets", "attribute_types", "attribute_numbers", "segments", "runs"})  # of every version

LABELS: Final = ("ALTER TABLE runs ADD COLUMN label TEXT",)

VALUES: Final = (
    """CREATE TABLE value_segments (
        id INTEGER PRIMARY KEY AUTOINCREMENT, workspace INTEGER NOT NULL, n_records INTEGER NOT NULL,
        attributes TEXT NOT NULL, marks BLOB NOT NULL, digests BLOB NOT NULL)""",
    "CREATE INDEX value_segments_of_workspace ON value_segments (workspace, id)",
)

PROJECTS: Final = (
    "ALTER TABLE workspaces RENAME TO projects",
    *(
        f"ALTER TABLE {table} RENAME COLUMN workspace TO project"
        for table in ("attribute_types", "attribute_numbers", "segments", "runs", "value_segments")
    ),
)

MIGRATIONS: Final = (FIRST, LABELS, VALUES, PROJECTS)


class LedgerFile:
    """An open ledger file. Safe to share between threads; a forked process must open its own.

    The file and its directory are created on first use.
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
        """Yield the connection for reads."""
        with self.lock, self._explained():
            yield self._opened()

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """Yield the connection in a transaction that holds the write lock from its start.

        The transaction is committed at the end of the block, or rolled back if the block raises. A commit always
        survives the end of the process; with `durable` it is flushed to disk and also survives a power failure.
        """
        with self.lock, self._explained():
            connection = self._opened()
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            with connection:  # commits, or rolls back
                connection.execute("BEGIN IMMEDIATE")
                yield connection

    def secret(self) -> bytes:
        """Return the key of this file's digests."""
        with self.reading() as connection:
            row = connection.execute("SELECT secret FROM secrets").fetchone()
        if row is None or not isinstance(row[0], bytes) or len(row[0]) != SECRET_BYTES:
            raise self.damaged("its secret is missing")
        return row[0]

    def is_lost(self) -> bool:
        """Return whether the path now names a different file than the open one; likewise its -wal."""
        if self._connection is None:
            return False
        wal = identity(self.path.with_name(f"{self.path.name}-wal"))
        self._wal_identity = self._wal_identity or wal
        return identity(self.path) != self._identity or wal != self._wal_identity

    def require_own(self) -> None:
        """Raise if the open file was overwritten by another one, ignoring its -wal.

        A new file contains its secret itself once its first writes are checkpointed from the -wal.
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
        """Return the space freed by compactions to the disk, if it is more than this share of the file."""
        with self.reading() as connection:
            n_free = connection.execute("PRAGMA freelist_count").fetchone()[0]
            if n_free > min_share * connection.execute("PRAGMA page_count").fetchone()[0]:
                connection.executescript("PRAGMA incremental_vacuum")  # execute() would free one page only

    def damaged(self, found: str) -> LedgerError:
        """Return the error for contents that SQLite can read but that are invalid."""
        return ledger_error(self.path, f"it is damaged: {found}", "move it away (a new one is made)")

    def close(self, found: str = CLOSED[0], remedy: str = CLOSED[1]) -> None:
        """Close the file; later use raises an error with this problem and remedy."""
        with self.lock:
            if self._connection is not None and self._process == os.getpid():
                with suppress(LedgerError):  # cleanup: a full disk or a locked file must not raise here
                    self.shrink(WORTH_SHRINKING)
            self._closed = self._closed or (found, remedy)
            self.release()

    def release(self) -> None:
        """Close the connection; the next use opens the file again."""
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
        if self._process != os.getpid():  # SQLite connections must not be used after a fork
            raise ledger_error(
                self.path, "it was opened by the process this one was forked from", "create a new Ledger"
            )
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
            # Python 3.13 warns about connections that are garbage-collected while open.
            self._finalizer = weakref.finalize(self, _close, self._connection, held)
        return self._connection


def _close(connection: sqlite3.Connection, held: Identity) -> None:
    connection.close()
    let_go(held)


def connect(path: Path, migrations: Sequence[Sequence[str]]) -> sqlite3.Connection:
    """Open the file and migrate it to the newest version."""
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
    """Check that the file is a ledger, switch it to WAL and run missing migrations."""
    connection.execute("BEGIN")  # one snapshot: another process may just be creating the file
    try:
        check_version(connection, path, migrations)
    finally:
        connection.rollback()
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # takes effect only before the first table
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        version = check_version(connection, path, migrations)
        migrate(connection, version, migrations)
    if version == 0:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")  # so that the file itself contains its secret


def check_version(connection: sqlite3.Connection, path: Path, migrations: Sequence[Sequence[str]]) -> int:
    """Return the file's version, 0 if empty; raise for a newer version or a file of another program."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    n_tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if owner != APPLICATION_ID and (owner or version or n_tables):
        raise ledger_error(path, "it is an SQLite file of another program", OTHER_FILE)
    if version > len(migrations):
        found = (
            f"it has version {version}, written by a newer growlytics_pandas; this one reads up to {len(migrations)}"
        )
        raise ledger_error(path, found, "upgrade growlytics_pandas")
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if bool(version) != bool(tables) or (version and migrations is MIGRATIONS and not tables >= TABLES):
        raise ledger_error(path, "it is an SQLite file of another program", OTHER_FILE)
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
    """Return the microseconds since 1970, UTC; raise for an instant without a time zone, which is ambiguous."""
    if instant.tzinfo is None:
        raise InvalidArgumentError(f"{instant}: it has no time zone; add one, as in datetime.now(UTC)")
    return (instant - EPOCH) // MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """Return the instant, in UTC."""
    return EPOCH + microseconds * MICROSECOND


def now() -> int:
    """Return the current time in microseconds since 1970."""
    return to_microseconds(datetime.now(UTC))
