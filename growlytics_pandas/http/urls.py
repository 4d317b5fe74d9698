"""Which URLs the key may go to."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from growlytics_pandas import contract
from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError


def checked_url(url: str) -> str:
    """Check a base URL: https, or http to this machine, since the key goes over it. Return it as a project's name."""
    if not isinstance(url, str):
        raise InvalidArgumentTypeError(f"base_url: found a {type(url).__name__}; it must be text.")
    parts = _split(url.strip())
    if parts is None:
        raise InvalidArgumentError(
            f"base_url: found text that is no URL with https:// in front (not shown: it may be a secret); it must be "
            f"like {contract.BASE_URL!r}."
        )
    # What may be secret in it is not shown: user, password, query.
    shown = repr(f"{parts.scheme}://{parts.hostname}{parts.path}")
    if parts.scheme not in ("http", "https"):
        raise InvalidArgumentError(f"base_url: found {shown}; it must be like {contract.BASE_URL!r}.")
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise InvalidArgumentError(f"base_url: {shown} must have no user, password, query or fragment.")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise InvalidArgumentError(
            f"base_url: {shown} is plain http, over which anyone on the way reads the API key; use https. "
            "Plain http is for a server on this machine (127.0.0.1, localhost)."
        )
    return contract.canonical_url(url.strip())


def is_direct(url: str) -> bool:
    """Return whether requests to `url` go through no proxy, whatever the environment or a session says.

    A proxy would read the key and the customers in plain http, and it has no business between this machine and itself.
    For https elsewhere it passes on what it cannot read.

    Examples
    --------
    >>> is_direct("http://localhost:8000/"), is_direct("https://127.0.0.1/"), is_direct("https://example.com/")
    (True, True, False)
    """
    parts = urlsplit(url)
    return parts.scheme == "http" or is_loopback(parts.hostname or "")


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine: plain http may go there, and no proxy stands between.

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
    """Return the parts of a URL; None where it has no host, a port that cannot be, or characters of no URL."""
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if is_usable and all("!" <= char <= "~" for char in url) else None
