"""The API key, and the URLs that it may be sent to.

The key is held so that no repr, traceback or log shows it, and checked before any library could print it.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from growlytics_pandas import contract
from growlytics_pandas._masking import KEY_VARIABLE, remember, without_key
from growlytics_pandas._text import argument, phrase
from growlytics_pandas.errors import ApiKeyError, InvalidArgumentError, InvalidArgumentTypeError

_ASSIGNMENT: Final = re.compile(rf"\W*((export|set|setx|env)\s+)?(\$env:)?{KEY_VARIABLE}\W", re.IGNORECASE)
_QUOTES: Final = "\"'`“”‘’"
SEALED: Final = "<hidden>"  # replaces the argument's value once the key is sealed


class ApiKey:
    """An API key whose repr does not show it. `reveal` is for the request header only.

    A pickle does not contain the key: unpickling reads it from the environment.
    """

    __slots__ = ("__weakref__", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        remember(self)

    def reveal(self) -> str:
        """Return the key itself."""
        return self._text

    def mark(self, salt: bytes) -> bytes:
        """Return four bytes that distinguish keys and from which no key can be recovered."""
        return hashlib.blake2b(self._text.encode(), digest_size=4, salt=salt).digest()

    def __repr__(self) -> str:
        return "<ApiKey>"

    def __reduce__(self) -> tuple[Any, ...]:
        return find_key, (None,)

    def __copy__(self) -> ApiKey:
        return self

    def __deepcopy__(self, memo: Any) -> ApiKey:
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApiKey) and other._text == self._text

    def __hash__(self) -> int:
        return hash(hashlib.sha256(self._text.encode()).digest())


def seal(api_key: str | None) -> ApiKey | None:
    """Wrap a key as given, before any error can occur: a verbose traceback prints arguments and locals."""
    return None if api_key is None else ApiKey(api_key)


def find_key(api_key: ApiKey | str | None) -> ApiKey:
    """Return the given key, or the one from the environment, stripped and checked."""
    given = api_key if isinstance(api_key, ApiKey) else seal(api_key)
    found = given or seal(os.environ.get(KEY_VARIABLE))
    if found is not None and not isinstance(found.reveal(), str):
        raise ApiKeyError(f"{argument('api_key')}: found a {type(found.reveal()).__name__}; it must be text.")
    if found is None or not found.reveal().strip():
        raise ApiKeyError(
            f"no API key: set the environment variable {KEY_VARIABLE}, or "
            f"{phrase('pass Client(api_key=…)', 'give --key-file PATH')}. "
            + phrase(
                "To try without one: with growlytics_pandas.Sandbox() as sandbox: … client=sandbox.client.",
                "To try without one: --dry-run, or python -m growlytics_pandas sandbox.",
            )
        )
    found = ApiKey(found.reveal().strip())
    if extra := _find_extra(found):
        raise ApiKeyError(f"{argument('api_key')}: found {extra}; remove it, so that only the key itself is left.")
    bad = _find_unprintable(found)
    if bad is not None:
        raise ApiKeyError(
            f"{argument('api_key')}: character {bad + 1} of {len(found.reveal())} (U+{ord(found.reveal()[bad]):04X}) "
            "is not allowed in an HTTP header; a key is printable ASCII without spaces. Copy it again from the "
            "dashboard."
        )
    return found


def _find_extra(key: ApiKey) -> str:
    """Describe text that was copied along with the key, such as a variable name or quotes; '' if there is none."""
    if _ASSIGNMENT.match(key.reveal()):
        return f"the name {KEY_VARIABLE} and a sign before the key"
    if key.reveal()[0] in _QUOTES or key.reveal()[-1] in _QUOTES:
        return "a quotation mark before or after the key"
    return ""


def _find_unprintable(key: ApiKey) -> int | None:
    return next((i for i, char in enumerate(key.reveal()) if not "!" <= char <= "~"), None)


def checked_url(url: str) -> str:
    """Check a base URL (https, or http to this machine only, since the key is sent to it) and return it normalized."""
    if not isinstance(url, str):
        raise InvalidArgumentTypeError(f"{argument('base_url')}: found a {type(url).__name__}; it must be text.")
    parts = _split(url.strip())
    if parts is None:
        raise InvalidArgumentError(
            f"{argument('base_url')}: found text that is not an https:// URL (not shown: it may be a secret); it must "
            f"be like {contract.BASE_URL!r}."
        )
    # User, password and query may be secret and are not shown.
    shown = repr(f"{parts.scheme}://{parts.hostname}{parts.path}")
    if parts.scheme not in ("http", "https"):
        raise InvalidArgumentError(f"{argument('base_url')}: found {shown}; it must be like {contract.BASE_URL!r}.")
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise InvalidArgumentError(f"{argument('base_url')}: {shown} must have no user, password, query or fragment.")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise InvalidArgumentError(
            f"{argument('base_url')}: {shown} is plain http, which exposes the API key to the network; use https. "
            "Plain http is allowed only for a server on this machine (127.0.0.1, localhost)."
        )
    return contract.canonical_url(url.strip())


def is_direct(url: str) -> bool:
    """Return whether requests to `url` bypass proxies, whatever the environment or a session configures.

    True for this machine and for plain http, where a proxy could read the key and the customers. Over https to other
    hosts, a proxy only forwards encrypted bytes.

    Examples
    --------
    >>> is_direct("http://localhost:8000/"), is_direct("https://127.0.0.1/"), is_direct("https://example.com/")
    (True, True, False)
    """
    parts = urlsplit(url)
    return parts.scheme == "http" or is_loopback(parts.hostname or "")


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine: plain http is allowed there, and no proxy is used.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("example.com")
    (True, True, False)
    """
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(url: str) -> SplitResult | None:
    """Return the parts of a URL; None if it has no host, an invalid port or invalid characters."""
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if is_usable and all("!" <= char <= "~" for char in url) else None


class Headers(dict[str, str]):
    """Request headers; the repr shows names only, since the values contain the key."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__(headers)

    def __repr__(self) -> str:
        return f"Headers({', '.join(self)})"

    __str__ = __repr__


def redactor(headers: Mapping[str, str]) -> Callable[[str], str]:
    """Return what removes the key in request headers from a text; its repr does not show the key."""
    key = next((value for name, value in headers.items() if name.lower() == contract.KEY_HEADER), "")
    return lambda text: without_key(text, key)
