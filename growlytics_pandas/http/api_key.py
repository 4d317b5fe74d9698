"""The API key, the URLs that it may be sent to, and its removal from messages of servers and libraries.

The key is held so that no repr, traceback or log shows it, and checked before any library could print it.
"""

from __future__ import annotations

import base64
import hashlib
import html
import ipaddress
import os
import re
import string
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from growlytics_pandas import contract
from growlytics_pandas._text import KEY_VARIABLE, MASK, MIN_KEY_CHARS, argument, phrase, remember
from growlytics_pandas.errors import ApiKeyError, InvalidArgumentError, InvalidArgumentTypeError

_ASSIGNMENT: Final = re.compile(rf"\W*((export|set|setx|env)\s+)?(\$env:)?{KEY_VARIABLE}\W", re.IGNORECASE)
_QUOTES: Final = "\"'`“”‘’"
SEALED: Final = "<hidden>"  # replaces the argument's value once the key is sealed

PART_CHARS: Final = 8  # any part of this length reveals too much of the key
END_CHARS: Final = 6  # and so does a beginning or an end of this length
MIN_CHARS_FOR_ENDS: Final = 12  # the ends of a shorter key, such as the sandbox's, are common words
MAX_ROUNDS: Final = 5  # of unescaping: a proxy may repeat what a server has already escaped

_ESCAPED: Final = re.compile(
    r"\\+u\{(?P<braced>[0-9a-f]{1,6})\}|\\+u(?P<short>[0-9a-f]{4})|\\+u(?P<long>[0-9a-f]{8})|\\+x(?P<hex>[0-9a-f]{2})"
    r"|\\+(?P<octal>[0-7]{3})|\\+(?P<char>[^\s\w\\])|[%=](?P<percent>[0-9a-f]{2})|(?P<entity>&\#?\w{1,31};?)",
    re.IGNORECASE,
)
_UNSEEN: Final = re.compile(r"[^!-~]+")
_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)  # keeps lengths, as lower() does not


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


class KeyRedactor:
    r"""Replaces the key by ``[key]`` in text from elsewhere: in any case, escaped or encoded, and longer parts of it.

    It unescapes the text round by round and searches each round for the key. Matches are replaced in the original text,
    so that everything else is unchanged.

    Parameters
    ----------
    key : str
        Not shown in the repr.

    Examples
    --------
    >>> KeyRedactor("not-a/real=key")(r'{"key": "NOT-A\/REAL\u003dKEY"}')
    '{"key": "[key]"}'
    """

    __slots__ = ("_key", "_parts")

    def __init__(self, key: str) -> None:
        self._key = key if len(key) >= MIN_KEY_CHARS else ""
        self._parts: frozenset[str] | None = None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> KeyRedactor:
        """Return the redactor for the key in request headers."""
        return cls(next((value for name, value in headers.items() if name.lower() == contract.KEY_HEADER), ""))

    def __repr__(self) -> str:
        return "<KeyRedactor>"

    def __call__(self, words: str) -> str:
        """Return `words` without the key."""
        return self._replaced(words) if self._key and words else words

    def _replaced(self, words: str) -> str:
        if self._parts is None:  # most runs never need them
            self._parts = _parts_of(self._key)
        marked = bytearray(len(words))
        for text, starts in _readings(words):
            for at, size in _found(text, self._parts):
                start, end = starts[at], starts[at + size]
                marked[start:end] = b"\1" * (end - start)
        pieces, at = [], 0
        for run in re.finditer(rb"\x01+", marked):
            pieces += [words[at : run.start()], MASK]
            at = run.start() + len(words[run.start() : run.end()].rstrip())
        return "".join([*pieces, words[at:]])


def _parts_of(key: str) -> frozenset[str]:
    """Return, in lower case, the parts of a key and of its encodings that would reveal it."""
    raw = key.encode("latin-1", errors="replace")
    forms = [key, raw.hex(), *(_base64_at(raw, shift) for shift in range(3))]
    forms += [form.translate(str.maketrans("+/", "-_")) for form in forms[2:]]
    parts = {form[i : i + PART_CHARS] for form in forms for i in range(len(form) - PART_CHARS + 1)}
    if len(key) >= MIN_CHARS_FOR_ENDS:
        parts |= {key[i : i + END_CHARS] for i in (0, 1, len(key) - END_CHARS - 1, len(key) - END_CHARS)}
    return frozenset(part.translate(_LOWER) for part in parts)


def _base64_at(raw: bytes, shift: int) -> str:
    """Return the base64 of bytes at an offset, without the ends that depend on adjacent bytes."""
    coded = base64.b64encode(b"\0" * shift + raw).decode()
    first = (8 * shift + 5) // 6
    return coded[first : (8 * (shift + len(raw))) // 6]


def _found(text: str, parts: frozenset[str]) -> Iterator[tuple[int, int]]:
    for size in (PART_CHARS, END_CHARS):
        for i in range(len(text) - size + 1):
            if text[i : i + size] in parts:
                yield i, size


def _readings(words: str) -> Iterator[tuple[str, list[int]]]:
    """Yield `words` in lower case with ever more escapes undone, each with its characters' positions in `words`."""
    text, starts = words, list(range(len(words) + 1))
    yield text.translate(_LOWER), starts
    for _ in range(MAX_ROUNDS):
        undone, starts = _substituted(_ESCAPED, _unescaped, text, starts)
        if undone == text:
            break
        text = undone
        yield text.translate(_LOWER), starts
    joined, starts = _substituted(_UNSEEN, lambda _: "", text, starts)
    if joined != text:
        yield joined.translate(_LOWER), starts


def _substituted(
    pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str], text: str, starts: list[int]
) -> tuple[str, list[int]]:
    pieces: list[str] = []
    places: list[int] = []
    at = 0
    for match in pattern.finditer(text):
        piece = replace(match)
        pieces += [text[at : match.start()], piece]
        places += starts[at : match.start()]
        places += [starts[match.start()]] * len(piece)
        at = match.end()
    return "".join([*pieces, text[at:]]), places + starts[at:]


def _unescaped(match: re.Match[str]) -> str:
    kind, found = match.lastgroup, match[match.lastgroup or 0]
    if kind == "entity":
        return html.unescape(found)
    if kind == "char":
        return found
    code = int(found, 8 if kind == "octal" else 16)
    return chr(code) if code <= sys.maxunicode else match[0]
