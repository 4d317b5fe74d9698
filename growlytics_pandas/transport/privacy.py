"""Keeps the API key out of what comes back: servers and libraries repeat it in their messages."""

from collections.abc import Mapping
from typing import Final

from growlytics_pandas.contract import KEY_HEADER
from growlytics_pandas.wire import one_line

MASK: Final = "[key]"
MIN_KEY_CHARS: Final = 8  # a shorter one could be part of any word; only toy keys are


class KeyMask:
    """Replaces the key of some request headers by ``[key]``.

    Parameters
    ----------
    headers : mapping
        The request headers; their key is kept inside, and in no repr.
    """

    __slots__ = ("_key", "_key_bytes")

    def __init__(self, headers: Mapping[str, str]) -> None:
        key = next((value for name, value in headers.items() if name.lower() == KEY_HEADER), "")
        self._key = key if len(key) >= MIN_KEY_CHARS else ""
        self._key_bytes = self._key.encode("latin-1", errors="replace")

    def hide(self, body: bytes) -> bytes:
        """Return `body` without the key."""
        return body.replace(self._key_bytes, MASK.encode()) if self._key_bytes else body

    def line(self, text: str) -> str:
        """Return `text` as one short line without the key."""
        return one_line(text.replace(self._key, MASK) if self._key else text)
