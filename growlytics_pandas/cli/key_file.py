"""The key of ``--key-file``: read once, since the file may be a pipe, and masked in all output of the command."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from growlytics_pandas.errors import ApiKeyError
from growlytics_pandas.http.api_key import ApiKey


def learn_key(arguments: argparse.Namespace) -> None:
    """Read a key file before anything is printed, so that its key is masked; a pipe is read when its key is needed."""
    with contextlib.suppress(OSError, ValueError, ApiKeyError):
        if Path(arguments.key_file or "").is_file():
            key_of(arguments)


def key_of(arguments: argparse.Namespace) -> str:
    """Return the key from the file of ``--key-file``."""
    known: ApiKey | None = getattr(arguments, "sealed_key", None)
    if known is None:
        known = arguments.sealed_key = ApiKey(_read(arguments.key_file))
    return known.reveal()


def _read(path: str) -> str:
    try:
        key = Path(path).read_text(encoding="utf-8-sig").strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ApiKeyError(f"--key-file: it cannot be read: {why} (its name is not shown: it may be the key).") from None
    if not key:
        raise ApiKeyError("--key-file: the file is empty; it must contain only the API key.")
    return key
