"""Whose file stands at the ledger's path: nothing of it is changed before that is known.

A path is a slip away from another file, so only what is a ledger, or nothing at all, is opened for writing and made
the owner's only. Everything else is refused as it is.
"""

import os
import sqlite3
import stat
import threading
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, NamedTuple

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

from growlytics_pandas._output_paths import SQLITE_STARTS
from growlytics_pandas.errors import LedgerError

APPLICATION_ID: Final = 0x47524F57  # "GROW", in the file's header: tells our files from other SQLite files
BUSY_TIMEOUT_SECONDS: Final = 30.0  # another notebook's write takes milliseconds, its compaction a second or two
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

    The id of a ledger may still be in its -wal. Where there is no -wal, SQLite is kept from making one.
    """
    wal = path.with_name(f"{path.name}-wal")
    mode = "mode=ro" if wal.exists() and wal.stat().st_size else "immutable=1"
    uri = f"{path.absolute().as_uri()}?{mode}"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_SECONDS)) as connection:
            query = "SELECT (SELECT count(*) FROM sqlite_master), application_id FROM pragma_application_id"
            n_tables, owner = connection.execute(query).fetchone()
            version = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.Error as error:
        raise explain(path, error) from error
    return bool(owner == APPLICATION_ID or not (n_tables or owner or version))


def ledger_error(path: Path, found: str, remedy: str) -> LedgerError:
    """Return the error for `path`: where, what was found, the remedy, and the way to go on without a ledger."""
    message = f"ledger {path}: {found}. To go on: {remedy}, name another file, or push without a ledger (ledger=None)."
    return LedgerError(message, path=str(path))


def explain(path: Path, error: sqlite3.Error) -> LedgerError:
    """Return the `LedgerError` for an SQLite error, with SQLite's own words in it."""
    name = getattr(error, "sqlite_errorname", "")
    found, remedy = next((told for code, told in PROBLEMS.items() if name.startswith(code)), UNKNOWN_PROBLEM)
    return ledger_error(path, f"{found} ({error})", remedy)
