"""The members file of a segment: the customers that the service has confirmed as members.

A CSV with the columns ``id`` and ``since``, sorted by id. `since` is the UTC date-time at which the join was confirmed;
it is empty while an id is uncertain: a request was started, and no outcome is recorded. The first line has three more
cells, which record what the file is for: ``attribute: Is VIP``, ``value: True`` and ``project: `` with a digest; the
columns below them are empty. A cell that is empty or absent, as in files of other programs, fits any purpose; the next
write adds it. The file is replaced as a whole, and is flushed to the disk when `write_members` returns.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from growlytics_pandas import contract
from growlytics_pandas._output_paths import require_target
from growlytics_pandas._text import argument, options_text
from growlytics_pandas.csv_safe import quoted, unguarded
from growlytics_pandas.errors import DataError, InvalidArgumentError, InvalidArgumentTypeError, UsageError
from growlytics_pandas.upload.connection import SALT_BYTES, Connection

HEADING: Final = ["id", "since"]
UNCONFIRMED: Final = ""
"""The `since` of an id for which a request was started, and no outcome is recorded."""
_SINCE: Final = "%Y-%m-%dT%H:%M:%SZ"
_SINCE_PATTERN: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ?")
_REMEDY: Final = "Restore it from a backup, or use another path; with a new file, nobody counts as having left."
_MODE: Final = 0o600
_ATTRIBUTE: Final = "attribute: "
_VALUE: Final = "value: "
_PROJECT: Final = "project: "
_RECORDED: Final = (_ATTRIBUTE, _VALUE, _PROJECT)


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a members file is for: an attribute, the value of its members, and the project (None without an API key)."""

    attribute: str
    value: str
    connection: Connection | None

    def cells(self) -> list[str]:
        """Return the cells of the first line that record it. They reveal neither URL nor API key."""
        salt = os.urandom(SALT_BYTES)
        project = _PROJECT + (salt + self.connection.mark(salt)).hex() if self.connection else ""
        return [_ATTRIBUTE + self.attribute, _VALUE + self.value, project]

    def require(self, path: Path, cells: list[str]) -> None:
        """Raise if a file with these cells is for something else."""
        attribute, value, project = (
            next((cell.removeprefix(name) for cell in cells if cell.startswith(name)), None) for name in _RECORDED
        )
        remedy = "Nothing was sent, and the file is unchanged. Use one file per segment and project."
        if attribute not in (None, self.attribute):
            raise InvalidArgumentError(
                f"{argument('members')}: {str(path)!r} is for the attribute {attribute!r}, and this push is for "
                f"{self.attribute!r}. {remedy}"
            )
        if value not in (None, self.value):
            raise InvalidArgumentError(
                f"{argument('members')}: {str(path)!r} is for the value {value}, and this push is for {self.value}. "
                f"{remedy} To send all members another value, empty the cell {_VALUE + '…'!r} in the first line of "
                f"the file, and push once with {options_text(resend=True)}."
            )
        if project is not None and self.connection is not None and not self._is_of_project(project):
            raise InvalidArgumentError(
                f"{argument('members')}: {str(path)!r} is for another project: it was written with another URL (each "
                f"sandbox has its own) or API key than those of {self.connection.base_url}. {remedy} If the project is "
                f"the same and only its key or URL has changed, empty the cell {_PROJECT + '…'!r} in the first line "
                "of the file."
            )

    def _is_of_project(self, project: str) -> bool:
        try:
            found = bytes.fromhex(project)
        except ValueError:
            return False
        salt, mark = found[:SALT_BYTES], found[SALT_BYTES:]
        return self.connection is not None and self.connection.mark(salt) == mark


def find_members(members: Any) -> Path:
    """Return the path of a members file, with links resolved, so that replacing the file keeps a link to it.

    Raises
    ------
    InvalidArgumentError, InvalidArgumentTypeError
        It is not a path, its folder does not exist, or it is a folder.
    """
    if not isinstance(members, (str, os.PathLike)):
        raise InvalidArgumentTypeError(
            f"{argument('members')}: found a {type(members).__name__}; it must be the path of a CSV file, such as "
            "'vip.csv'."
        )
    path = Path(os.path.realpath(members))
    require_target(path, argument("members"), "members.csv")
    return path


def write_since(moment: datetime) -> str:
    """Format a UTC date-time for the file."""
    return moment.strftime(_SINCE)


def read_members(path: Path, purpose: Purpose | None = None) -> dict[str, str] | None:
    """Return id → since, `UNCONFIRMED` if it is empty; None if there is no file.

    Raises
    ------
    InvalidArgumentError
        The file is for another purpose.
    DataError
        The file is not a members file, or contains an id twice. It is not changed.
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
    for line, id_, since in _records(path, text, purpose):
        if id_ in lines:
            raise _unreadable(path, f"lines {lines[id_]:,} and {line:,} contain the same id")
        lines[id_], found[id_] = line, since
    return found


def write_members(path: Path, members: Mapping[str, str], purpose: Purpose | None = None) -> None:
    """Replace the file: write a new one next to it (mode 600), flush it to disk, and rename it.

    Raises
    ------
    UsageError
        It cannot be written. The old file is unchanged.
    """
    beside = path.with_name(f"{path.name}.new")
    try:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()  # left by a killed run; a new file has the right mode
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        with open(descriptor, "w", encoding="utf-8-sig", newline="") as file:  # noqa: PTH123 - a descriptor
            cells = purpose.cells() if purpose else []
            file.write(",".join([*HEADING, *map(quoted, cells)]) + "\r\n")
            end = "," * len(cells) + "\r\n"
            file.writelines(f"{quoted(id_)},{members[id_]}{end}" for id_ in sorted(members))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise UsageError(
            f"{argument('members')}: {str(path)!r} cannot be written: {error.strerror or error}. The file is "
            "unchanged; the next run sends the unconfirmed customers again."
        ) from error


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock a members file for one run, and raise if another run, of this or another process, has locked it.

    SQLite locks a file beside it, on every system, and the lock ends with the process, even a killed one. The members
    file itself cannot be locked, since it is replaced.

    Raises
    ------
    UsageError
        Another run has locked it, or the lock file cannot be created.
    """
    beside = path.with_name(f".{path.name}.lock")
    with contextlib.ExitStack() as stack:
        try:
            connection = stack.enter_context(contextlib.closing(sqlite3.connect(beside, 0, isolation_level=None)))
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                found = f"another run is working with {str(path)!r}; nothing was sent. Wait until it ends, then run "
                raise UsageError(f"{argument('members')}: {found}this one again.") from None
            raise UsageError(
                f"{argument('members')}: the lock file {str(beside)!r} cannot be used: {error}. Check the folder."
            ) from error
        yield


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":  # it cannot open folders
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _records(path: Path, text: str, purpose: Purpose | None) -> Iterator[tuple[int, str, str]]:
    """Yield line, id and since of each record, if the file is for `purpose` or does not say what it is for."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        heading = next(reader, [])
        cells = heading[len(HEADING) :]
        if heading[: len(HEADING)] != HEADING or any(cell and not cell.startswith(_RECORDED) for cell in cells):
            raise _unreadable(path, f"its first line must begin with {','.join(HEADING)}")
        if purpose is not None:
            purpose.require(path, cells)
        line = reader.line_num + 1
        for record in reader:
            if record:
                yield (line, *_checked(path, line, record))
            line = reader.line_num + 1
    except csv.Error as error:
        raise _unreadable(path, f"line {reader.line_num:,}: {error}") from None


def _checked(path: Path, line: int, record: list[str]) -> tuple[str, str]:
    if len(record) < len(HEADING) or any(record[len(HEADING) :]):
        raise _unreadable(path, f"line {line:,}: found {len(record)} cells; there must be {len(HEADING)}")
    id_, since = unguarded(record[0]), record[1]
    if not id_ or id_ != id_.strip() or not contract.is_unicode(id_):
        raise _unreadable(path, f"line {line:,}: the id is empty or has white space around it")
    if since and not _SINCE_PATTERN.fullmatch(since):
        raise _unreadable(path, f"line {line:,}: since is not a date-time such as 2026-01-31T10:00:00Z")
    return id_, since


def _unreadable(path: Path, why: str) -> DataError:
    return DataError(
        f"{argument('members')}: {str(path)!r} is not a valid members file: {why}. It is unchanged, and nothing was "
        f"sent. {_REMEDY}"
    )
