"""``--key-file``: read once, since it may be a pipe; its key is kept out of what is said until the command ends."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from growlytics_pandas.errors import ApiKeyError
from growlytics_pandas.http.api_key import ApiKey


def learn_key(arguments: argparse.Namespace) -> None:
    """Read the key file before anything can be said, where it is a file; a pipe waits until its key is needed."""
    with contextlib.suppress(OSError, ValueError, ApiKeyError):
        if Path(arguments.key_file or "").is_file():
            key_of(arguments)


def key_of(arguments: argparse.Namespace) -> str:
    """Return the key in the file of ``--key-file``."""
    known: ApiKey | None = getattr(arguments, "sealed_key", None)
    if known is None:
        known = arguments.sealed_key = ApiKey(_read(arguments.key_file))
    return known.reveal()


def _read(path: str) -> str:
    try:
        key = Path(path).read_text(encoding="utf-8-sig").strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ApiKeyError(f"--key-file: it cannot be read: {why} (its name is not shown: it may be the key).") from None
    if not key:
        raise ApiKeyError("--key-file: the file is empty; it must hold the API key and nothing else.")
    return key
