"""The ledger's file: opening, migrations, transactions, and every SQLite error as a `LedgerError`.

A path is a slip away from another file, so only what is a ledger, or nothing at all, is opened for writing and made
the owner's only. Everything else is refused, and nothing of it is changed.
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

from growlytics_pandas._output_paths import SQLITE_STARTS
from growlytics_pandas._text import options_text
from growlytics_pandas.errors import InvalidArgumentError, LedgerError

APPLICATION_ID: Final = 0x47524F57  # "GROW", in the file's header: tells our files from other SQLite files
BUSY_TIMEOUT_SECONDS: Final = 30.0  # another notebook's write takes milliseconds, its compaction a second or two
BUSY_PAUSE_SECONDS: Final = 0.02  # switching to WAL does not wait by itself, so the opening is tried again
TORN_SECONDS: Final = 1.0  # making a ledger takes milliseconds
FILE_MODE: Final = 0o600  # the owner's only; SQLite gives -wal and -shm the mode of the file
HEADER_BYTES: Final = 100
SHARED_LOCK: Final = (510, 0x40000002)  # length and start of the bytes that SQLite locks while a file is open
MAGIC: Final = SQLITE_STARTS[0]
MAGIC_BYTES: Final = 8  # of a -journal, which begins with zeros until it is whole; a -wal has four
ID_PLACE: Final = slice(68, 72)  # of the application id in the header, most significant byte first
COMPANIONS: Final = ("-wal", "-shm", "-journal")  # what SQLite keeps beside a file

# Primary SQLite result → (what was found, the remedy). Longer names ("SQLITE_READONLY_DIRECTORY") begin with these.
PROBLEMS: Final = {
    "SQLITE_NOTADB": ("it is not an SQLite file, or it is damaged", "move it away (a new one is made)"),
    "SQLITE_CORRUPT": ("it is damaged", "move it away together with its -wal and -shm files (a new one is made)"),
    "SQLITE_READONLY": ("it cannot be written", "give yourself the right to write it and its directory"),
    "SQLITE_CANTOPEN": ("it cannot be opened", "name a file in a directory that you can write"),
    "SQLITE_PERM": ("it cannot be opened", "give yourself the right to read and write it"),
    "SQLITE_AUTH": ("it cannot be opened", "give yourself the right to read and write it"),
    "SQLITE_FULL": ("the disk is full", "make room"),
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
    stat.S_IFLNK: "a link that leads nowhere",
}
OTHER_FILE: Final = "leave it as it is"
LINKED: Final = ("it is a hard link to a ledger that is in use under another name", "use the other name")


class Identity(NamedTuple):
    """Which file it is, whatever its path."""

    device: int
    number: int


_OPEN_HERE: Final[Counter[Identity]] = Counter()
"""The ledgers that this process has open: they were claimed already, and must not be opened again but by SQLite.

POSIX drops all locks of a process on a file as soon as it closes any descriptor of it. Without its lock a connection is
not seen by other processes, and the last of them to close the ledger takes the -wal away, with what is written later.
"""
_NAMES: Final[dict[Identity, str]] = {}
"""The path of each: SQLite keeps the -wal by the name, so a second hard link would see and write another state."""
_OPENING: Final = threading.RLock()  # a finalizer may run while it is held
if hasattr(os, "register_at_fork"):  # nor is it held for ever in a forked process
    os.register_at_fork(before=_OPENING.acquire, after_in_parent=_OPENING.release, after_in_child=_OPENING.release)


def identity(path: Path) -> Identity | None:
    """Return which file is under `path`; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return Identity(found.st_dev, found.st_ino)


def claim(path: Path) -> None:
    """Make the file, empty and the owner's only, where there is none; refuse what is there and no ledger, untouched.

    An empty file is taken, too: another process may be making the ledger, and there is nothing in it to lose. So is a
    link to a ledger, but no link that leads nowhere.
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
            remedy = "name a file in a directory that you can write"
            raise ledger_error(path, f"it cannot be opened for writing ({error.strerror})", remedy) from error
        with suppress(OSError):  # not the owner: whoever is has decided
            path.chmod(FILE_MODE)


def hold(path: Path) -> Identity:
    """Claim a ledger that SQLite is about to open, until `let_go`."""
    with _OPENING:
        claim(path)
        held = identity(path)
        if held is None:
            raise ledger_error(path, "it was deleted while it was opened", "push again, which begins a new one")
        _OPEN_HERE[held] += 1
        _NAMES.setdefault(held, os.path.realpath(path))
        return held


def let_go(held: Identity) -> None:
    """Tell that a connection to a held ledger is closed."""
    with _OPENING:
        _OPEN_HERE[held] -= 1
        if not _OPEN_HERE[held]:
            del _OPEN_HERE[held]
            del _NAMES[held]


def _check_companions(path: Path) -> None:
    """Refuse what SQLite would overwrite or delete beside the file though it is none of its own."""
    for suffix in COMPANIONS:
        companion = path.with_name(path.name + suffix)
        with suppress(FileNotFoundError):  # or another process has just removed it
            if not stat.S_ISREG(companion.lstat().st_mode):
                raise ledger_error(path, f"{companion.name} beside it is not a regular file", "remove that")
            if suffix == "-shm":  # SQLite's locks are on it, and this process would lose them by closing it
                continue
            with companion.open("rb") as file:
                start = file.read(MAGIC_BYTES)
            # zeros: a journal that is finished, or that another process is writing at this moment
            if start.strip(b"\0") and not start.startswith(SQLITE_STARTS):
                raise ledger_error(path, f"{companion.name} beside it is a file of something else", "move that away")


def _require_sole_name(path: Path) -> None:
    """Refuse what cannot be written, and a hard link to a ledger that another process has open by another name."""
    handle = os.open(path, os.O_RDWR)
    try:
        is_open_by_this_name = Path(os.path.realpath(path) + "-shm").exists()
        if fcntl is not None and os.fstat(handle).st_nlink > 1 and not is_open_by_this_name:
            try:
                fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, *SHARED_LOCK)
            except (BlockingIOError, PermissionError) as error:
                raise ledger_error(path, *LINKED) from error
    finally:
        os.close(handle)  # and the lock with it


def secret_on_disk(path: Path) -> bytes | None:
    """Return the secret in the file itself, whatever is in its -wal; None where there is none to read."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as connection:
            row = connection.execute("SELECT secret FROM secrets").fetchone()
    except sqlite3.Error:
        return None
    return row[0] if row else None


def _require_ledger(path: Path) -> None:
    mode = path.stat().st_mode if path.exists() else path.lstat().st_mode
    if not stat.S_ISREG(mode):
        raise ledger_error(path, f"it is {KINDS.get(stat.S_IFMT(mode), 'no regular file')}", OTHER_FILE)
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    if header and not header.startswith(MAGIC):
        found, remedy = PROBLEMS["SQLITE_NOTADB"]
        raise ledger_error(path, found, remedy)
    owner = int.from_bytes(header[ID_PLACE], "big")
    if header and owner != APPLICATION_ID and (owner or not _is_new(path)):
        raise ledger_error(path, "it is an SQLite file of another program", OTHER_FILE)


def has_our_header(path: Path) -> bool:
    """Return whether a file that SQLite cannot read begins as a ledger does; not if it is open here."""
    if identity(path) in _OPEN_HERE:
        return False
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    return header.startswith(MAGIC) and int.from_bytes(header[ID_PLACE], "big") == APPLICATION_ID


def _is_new(path: Path) -> bool:
    """Return whether a file without an application id is a ledger all the same, or will be one.

    The file is read without locks, so what another process is writing at this moment may look damaged: it is read again
    for a second before that counts.
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

    The id of a ledger may still be in its -wal. Where there is no -wal, SQLite is kept from making one.
    """
    wal = path.with_name(f"{path.name}-wal")
    mode = "mode=ro" if wal.exists() and wal.stat().st_size else "immutable=1"
    uri = f"{path.absolute().as_uri()}?{mode}"
    with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_SECONDS)) as connection:
        found: tuple[int, int, int] = connection.execute(  # one look, so that all three are of one moment
            "SELECT (SELECT count(*) FROM sqlite_master), application_id, user_version "
            "FROM pragma_application_id, pragma_user_version"
        ).fetchone()
        return found


def ledger_error(path: Path, found: str, remedy: str) -> LedgerError:
    """Return the error for `path`: where, what was found, the remedy, and the way to go on without a ledger."""
    without = f"push without a ledger ({options_text(ledger=None)})"
    message = f"ledger {path}: {found}. To go on: {remedy}, name another file, or {without}."
    return LedgerError(message, path=str(path))


def explain(path: Path, error: sqlite3.Error) -> LedgerError:
    """Return the `LedgerError` for an SQLite error, with SQLite's own words in it."""
    name = getattr(error, "sqlite_errorname", "")
    found, remedy = next((told for code, told in PROBLEMS.items() if name.startswith(code)), UNKNOWN_PROBLEM)
    return ledger_error(path, f"{found} ({error})", remedy)


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
