"""Removes the API key from messages of servers and libraries, which may repeat it."""

import base64
import html
import re
import string
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from growlytics_pandas._text import MASK, MIN_KEY_CHARS
from growlytics_pandas.contract import KEY_HEADER

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
    def of(cls, headers: Mapping[str, str]) -> "KeyRedactor":
        """Return the redactor for the key in request headers."""
        return cls(next((value for name, value in headers.items() if name.lower() == KEY_HEADER), ""))

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
