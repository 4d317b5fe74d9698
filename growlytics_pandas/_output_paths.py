"""Paths that something is to be written to."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from growlytics_pandas._text import argument
from growlytics_pandas.errors import InvalidArgumentError

SQLITE_STARTS: Final = (b"SQLite format 3\0", b"7\x7f\x06\x82", b"7\x7f\x06\x83", b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7")
"""What the files of SQLite begin with: a database, its -wal (two byte orders), its -journal."""


def require_path(path: Path, where: str = "") -> Path:
    """Return `path` with the home directory in the place of ``~``; refuse what no file can be called.

    `where` is what messages begin with: the argument `path`, unless it is given.
    """
    where, text = where or argument("path"), str(path)
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise InvalidArgumentError(f"{where}: found {text!r}; half a character is in no path.") from None
    if "\0" in text:
        raise InvalidArgumentError(f"{where}: found {text!r}; no path has a NUL character.")
    try:
        return path.expanduser()
    except RuntimeError:
        raise InvalidArgumentError(f"{where}: found {text!r}; there is no such home directory.") from None


def starts_as_sqlite(path: Path) -> bool:
    """Return whether a regular file is one of SQLite's, as a ledger is.

    One with a -wal is not opened to see: a ledger that this process uses would lose its locks when that is closed.
    """
    if not path.is_file():
        return False
    if path.with_name(path.name.removesuffix("-shm") + "-wal").exists():
        return True
    with path.open("rb") as file:
        return file.read(16).startswith(SQLITE_STARTS)


def require_target(path: Path, where: str = "", example: str = "") -> None:
    """Refuse a file whose folder is not there, or a folder in place of a file; `example` is a file's name to show."""
    where = where or argument("path")
    require_path(path, where)
    if not path.parent.is_dir():
        raise InvalidArgumentError(f"{where}: there is no folder {str(path.parent)!r}; make it first.")
    if path.is_dir():
        such = f", such as {str(path / example)!r}" if example else ""
        raise InvalidArgumentError(f"{where}: {str(path)!r} is a folder; name a file in it{such}.")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; at the end it takes the place of `path`, where it was written whole.

    So whoever reads `path` has the old file or the new one, and no failure costs the old one. Where `path` is a link,
    the file that it leads to is replaced; a device or a pipe is written to as it is.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        yield target
        return
    if starts_as_sqlite(target):
        raise InvalidArgumentError(
            f"{argument('path')}: {str(path)!r} is a database, perhaps a ledger; name another file."
        )
    beside = target.with_name(f".{secrets.token_hex(8)}{target.suffix}")
    try:
        yield beside
        if target.exists():
            shutil.copymode(target, beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
