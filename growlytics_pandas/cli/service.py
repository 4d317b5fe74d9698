"""The project of a command: its key, URL and ledger, from flags and environment."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from growlytics_pandas._text import KEY_VARIABLE
from growlytics_pandas.client import Client
from growlytics_pandas.errors import ApiKeyError
from growlytics_pandas.http.api_key import ApiKey


def read_key(arguments: argparse.Namespace) -> None:
    """Read the file of ``--key-file``, which may be a pipe, before anything is printed, so that its key is masked."""
    arguments.key = None
    if not arguments.key_file:
        return
    try:
        key = Path(arguments.key_file).read_text(encoding="utf-8-sig").strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ApiKeyError(f"--key-file: it cannot be read: {why} (its name is not shown: it may be the key).") from None
    if not key:
        raise ApiKeyError("--key-file: the file is empty; it must contain only the API key.")
    arguments.key = ApiKey(key)


def open_client(arguments: argparse.Namespace, *, needs_key: bool) -> Client | None:
    """Return the client that options and environment describe; None if no key is needed and there is none."""
    key = arguments.key.reveal() if arguments.key else os.environ.get(KEY_VARIABLE, "")
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
