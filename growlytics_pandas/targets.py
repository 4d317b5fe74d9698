"""Paths that something is to be written to."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from growlytics_pandas.errors import InvalidArgumentError


def require_target(path: Path, argument: str = "path", example: str = "") -> None:
    """Refuse a file whose folder is not there, or a folder in place of a file; `example` is a file's name to show."""
    if not path.parent.is_dir():
        raise InvalidArgumentError(f"{argument}: there is no folder {str(path.parent)!r}; make it first.")
    if path.is_dir():
        such = f", such as {str(path / example)!r}" if example else ""
        raise InvalidArgumentError(f"{argument}: {str(path)!r} is a folder; name a file in it{such}.")


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
    beside = target.with_name(f".{secrets.token_hex(8)}{target.suffix}")
    try:
        yield beside
        if target.exists():
            shutil.copymode(target, beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
