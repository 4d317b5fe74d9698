"""The members file of a segment: who is in it, as far as the service has confirmed.

A CSV with the columns ``id`` and ``since``, sorted by id. `since` is the UTC date-time at which the join was confirmed;
it is empty while an id is in doubt: a request was begun, and no outcome is on record. The file is replaced as a whole,
and is on the disk when `write_members` returns.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from growlytics_pandas import contract
from growlytics_pandas._output_paths import require_target
from growlytics_pandas.csv_safe import guarded, unguarded
from growlytics_pandas.errors import DataError, InvalidArgumentTypeError, UsageError

HEADING: Final = ["id", "since"]
IN_DOUBT: Final = ""
"""The `since` of an id for which a request was begun, and no outcome is on record."""
_SINCE: Final = "%Y-%m-%dT%H:%M:%SZ"
_SINCE_PATTERN: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ?")
_REMEDY: Final = "Restore it from a backup, or give another path: a new file begins a segment without known leavers."
_MODE: Final = 0o600


def find_members(members: Any) -> Path:
    """Return the path of a members file, links followed: the file is replaced, and a link to it stays.

    Raises
    ------
    InvalidArgumentError, InvalidArgumentTypeError
        It is no path, its folder does not exist, or it is a folder.
    """
    if not isinstance(members, (str, os.PathLike)):
        raise InvalidArgumentTypeError(
            f"members: found a {type(members).__name__}; it must be the path of a CSV file, such as 'vip.csv'."
        )
    path = Path(os.path.realpath(members))
    require_target(path, "members", "members.csv")
    return path


def write_since(moment: datetime) -> str:
    """Write a moment, which is in UTC, as the file has it."""
    return moment.strftime(_SINCE)


def read_members(path: Path) -> dict[str, str] | None:
    """Return id → since, `IN_DOUBT` where there is none; None where there is no file.

    Raises
    ------
    DataError
        A file that is no members file, or that holds an id twice. It is not changed.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, f"it cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise _unreadable(path, "it is not UTF-8 text") from None
    lines: dict[str, int] = {}
    found: dict[str, str] = {}
    for line, id_, since in _records(path, text):
        if id_ in lines:
            raise _unreadable(path, f"lines {lines[id_]:,} and {line:,} hold the same id")
        lines[id_], found[id_] = line, since
    return found


def write_members(path: Path, members: Mapping[str, str]) -> None:
    """Replace the file: written beside it for the owner alone, flushed to the disk, then renamed.

    Raises
    ------
    UsageError
        It cannot be written. What was there stays.
    """
    beside = path.with_name(f"{path.name}.new")
    try:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()  # of a run that was killed; opened anew, so that the mode is ours
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        with open(descriptor, "w", encoding="utf-8-sig", newline="") as file:  # noqa: PTH123 - a descriptor
            file.write(",".join(HEADING) + "\r\n")
            file.writelines(f"{_quoted(id_)},{members[id_]}\r\n" for id_ in sorted(members))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise UsageError(
            f"members: {str(path)!r} cannot be written: {error.strerror or error}. What it holds is as before; the "
            "next run sends again what this file does not confirm."
        ) from error


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a members file for one run, of this or another process; refuse where another one holds it.

    The lock is the operating system's, on a file beside that stays: it ends with the process, however that ends, so no
    lock is ever left over. The members file itself cannot carry it, since it is replaced.

    Raises
    ------
    UsageError
        Another run holds it, or the lock file cannot be made.
    """
    beside = path.with_name(f".{path.name}.lock")
    try:
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT, _MODE)
    except OSError as error:
        raise UsageError(
            f"members: the lock {str(beside)!r} cannot be made: {error.strerror or error}. The folder must be writable."
        ) from error
    try:
        if not _try_lock(descriptor):
            raise UsageError(
                f"members: another run is working with {str(path)!r}; nothing was sent. Wait for it to end, and run "
                "this one again."
            )
        yield
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _sync_folder(_folder: Path) -> None:
        """Do nothing: Windows opens no folders."""

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _sync_folder(folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _quoted(text: str) -> str:
    return '"' + guarded(text).replace('"', '""') + '"'


def _records(path: Path, text: str) -> Iterator[tuple[int, str, str]]:
    """Give line, id and since of each record."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        heading = next(reader, None)
        if heading != HEADING:
            raise _unreadable(path, f"its first line must be {','.join(HEADING)}")
        line = reader.line_num + 1
        for record in reader:
            if record:
                yield (line, *_checked(path, line, record))
            line = reader.line_num + 1
    except csv.Error as error:
        raise _unreadable(path, f"line {reader.line_num:,}: {error}") from None


def _checked(path: Path, line: int, record: list[str]) -> tuple[str, str]:
    if len(record) != len(HEADING):
        raise _unreadable(path, f"line {line:,}: found {len(record)} cells; there must be {len(HEADING)}")
    id_, since = unguarded(record[0]), record[1]
    if not id_ or id_ != id_.strip() or not contract.is_unicode(id_):
        raise _unreadable(path, f"line {line:,}: its id is empty or has white space around it, so it was never sent")
    if since and not _SINCE_PATTERN.fullmatch(since):
        raise _unreadable(path, f"line {line:,}: since is no date-time such as 2026-01-31T10:00:00Z")
    return id_, since


def _unreadable(path: Path, why: str) -> DataError:
    return DataError(
        f"members: {str(path)!r} is no members file: {why}. It was not changed, and nothing was sent. {_REMEDY}"
    )
