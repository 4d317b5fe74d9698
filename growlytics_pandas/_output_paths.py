"""Paths of output files."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from growlytics_pandas._text import SQLITE_STARTS, argument
from growlytics_pandas.errors import InvalidArgumentError


def require_path(path: Path, where: str = "") -> Path:
    """Return `path` with ``~`` expanded; raise for a path that cannot exist.

    `where` is what messages begin with: the argument `path`, unless it is given.
    """
    where, text = where or argument("path"), str(path)
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise InvalidArgumentError(f"{where}: found {text!r}; a path cannot contain an unpaired surrogate.") from None
    if "\0" in text:
        raise InvalidArgumentError(f"{where}: found {text!r}; a path cannot contain a NUL character.")
    try:
        return path.expanduser()
    except RuntimeError:
        raise InvalidArgumentError(f"{where}: found {text!r}; there is no such home directory.") from None


def starts_as_sqlite(path: Path) -> bool:
    """Return whether a regular file is an SQLite file, such as a ledger.

    A file with a -wal is not opened to check: closing it would release the locks of a ledger in use by this process.
    """
    if not path.is_file():
        return False
    if path.with_name(path.name.removesuffix("-shm") + "-wal").exists():
        return True
    with path.open("rb") as file:
        return file.read(16).startswith(SQLITE_STARTS)


def require_target(path: Path, where: str = "", example: str = "") -> None:
    """Raise if the folder of a file does not exist or the path is a folder; `example`: a file name for the message."""
    where = where or argument("path")
    require_path(path, where)
    if not path.parent.is_dir():
        raise InvalidArgumentError(f"{where}: there is no folder {str(path.parent)!r}; create it first.")
    if path.is_dir():
        such = f", such as {str(path / example)!r}" if example else ""
        raise InvalidArgumentError(f"{where}: {str(path)!r} is a folder; choose a file in it{such}.")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`, which replaces `path` at the end if it was written completely.

    So readers of `path` see the old or the new file, and a failure keeps the old one. If `path` is a link, its target
    is replaced; a device or a pipe is written to directly.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        yield target
        return
    if starts_as_sqlite(target):
        raise InvalidArgumentError(
            f"{argument('path')}: {str(path)!r} is a database, perhaps a ledger; choose another file."
        )
    beside = target.with_name(f".{secrets.token_hex(8)}{target.suffix}")
    try:
        yield beside
        if target.exists():
            shutil.copymode(target, beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
