"""The key, the URL and the ledger of a command.

``--key-file`` is read once, since it may be a pipe. Its key is masked in all output of the command.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from pathlib import Path

from growlytics_pandas._text import KEY_VARIABLE
from growlytics_pandas.client import Client
from growlytics_pandas.errors import ApiKeyError
from growlytics_pandas.http.api_key import ApiKey


def open_client(arguments: argparse.Namespace, *, needs_key: bool) -> Client | None:
    """Return the client that options and environment describe; None if no key is needed and there is none."""
    key = key_of(arguments) if arguments.key_file else os.environ.get(KEY_VARIABLE, "")
    if not key.strip() and not needs_key:
        return None
    return Client(
        key,
        arguments.base_url,
        ledger=None if arguments.ledger == "none" else arguments.ledger,
        transport=getattr(arguments, "transport", "auto"),
        timeout=getattr(arguments, "timeout", 30.0),
        verify=getattr(arguments, "ca_bundle", None) or True,
        types=arguments.types_file,
        track=arguments.track,
    )


def notes_of_client(client: Client | None) -> list[str]:
    """Return a note if attribute types cannot be checked."""
    if client is None:
        return [f"no {KEY_VARIABLE} and no --key-file: types are not compared with those of earlier pushes."]
    return [] if client.ledger else ["no ledger: types are not compared with those of earlier pushes."]


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
