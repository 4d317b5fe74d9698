"""The API key, kept where no repr, traceback or log shows it, and checked before any library can print it."""

import hashlib
import os
import re
from typing import Any, Final

from growlytics_pandas._text import KEY_VARIABLE, remember
from growlytics_pandas.errors import ApiKeyError

_ASSIGNMENT: Final = re.compile(rf"\W*((export|set|setx|env)\s+)?(\$env:)?{KEY_VARIABLE}\W", re.IGNORECASE)
_QUOTES: Final = "\"'`“”‘’"
SEALED: Final = "<hidden>"  # what an argument is rebound to once its key is sealed


class ApiKey:
    """An API key that does not show itself. `reveal` is for the request header only.

    A pickle does not hold it: where it is unpickled, the key is read from the environment.
    """

    __slots__ = ("__weakref__", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        remember(self)

    def reveal(self) -> str:
        """Return the key itself."""
        return self._text

    def mark(self, salt: bytes) -> bytes:
        """Return four bytes that tell keys apart and from which none can be found."""
        return hashlib.blake2b(self._text.encode(), digest_size=4, salt=salt).digest()

    def __repr__(self) -> str:
        return "<ApiKey>"

    def __reduce__(self) -> tuple[Any, ...]:
        return find_key, (None,)

    def __copy__(self) -> "ApiKey":
        return self

    def __deepcopy__(self, memo: Any) -> "ApiKey":
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApiKey) and other._text == self._text

    def __hash__(self) -> int:
        return hash(hashlib.sha256(self._text.encode()).digest())


def seal(api_key: str | None) -> ApiKey | None:
    """Hide a key as it was given, before anything can go wrong: a verbose traceback prints arguments and locals."""
    return None if api_key is None else ApiKey(api_key)


def find_key(api_key: ApiKey | str | None) -> ApiKey:
    """Return the key given, or that of the environment, stripped and checked."""
    given = api_key if isinstance(api_key, ApiKey) else seal(api_key)
    found = given or seal(os.environ.get(KEY_VARIABLE))
    if found is not None and not isinstance(found.reveal(), str):
        raise ApiKeyError(f"api_key: found a {type(found.reveal()).__name__}; it must be text.")
    if found is None or not found.reveal().strip():
        raise ApiKeyError(
            f"no API key: set the environment variable {KEY_VARIABLE}, or pass Client(api_key=…). "
            "To try without one: with growlytics_pandas.Sandbox() as sandbox: … client=sandbox.client."
        )
    found = ApiKey(found.reveal().strip())
    if extra := _find_extra(found):
        raise ApiKeyError(f"api_key: found {extra}; remove that: the key itself and nothing else must be left.")
    bad = _find_unprintable(found)
    if bad is not None:
        raise ApiKeyError(
            f"api_key: character {bad + 1} of {len(found.reveal())} (U+{ord(found.reveal()[bad]):04X}) cannot stand in "
            "an HTTP header; a key is printable ASCII without spaces. Copy it again from the dashboard."
        )
    return found


def _find_extra(key: ApiKey) -> str:
    """Say what stands around a key that was copied with more than itself, as from a file of variables."""
    if _ASSIGNMENT.match(key.reveal()):
        return f"the name {KEY_VARIABLE} and a sign before the key"
    if key.reveal()[0] in _QUOTES or key.reveal()[-1] in _QUOTES:
        return "a quotation mark before or after the key"
    return ""


def _find_unprintable(key: ApiKey) -> int | None:
    return next((i for i, char in enumerate(key.reveal()) if not "!" <= char <= "~"), None)
