"""Paths that something is to be written to."""

from pathlib import Path

from growlytics_pandas.errors import InvalidArgumentError


def require_target(path: Path, argument: str = "path", example: str = "") -> None:
    """Refuse a file whose folder is not there, or a folder in place of a file; `example` is a file's name to show."""
    if not path.parent.is_dir():
        raise InvalidArgumentError(f"{argument}: there is no folder {str(path.parent)!r}; make it first.")
    if path.is_dir():
        such = f", such as {str(path / example)!r}" if example else ""
        raise InvalidArgumentError(f"{argument}: {str(path)!r} is a folder; name a file in it{such}.")
