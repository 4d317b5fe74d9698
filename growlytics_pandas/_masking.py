"""Masks customers' values for reports and API keys everywhere, and makes values visible and short.

Reports are sent to colleagues and notebooks are committed, so by default neither identifies customers. A mask keeps the
first character or the last two digits, enough to recognize a known value, and a number's country code: whether a number
has one decides whether messages reach it.

An API key is removed from our own messages by `without_keys`, from those of servers and libraries by `without_key`.
"""

from __future__ import annotations

import base64
import html
import json
import math
import os
import re
import shlex
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, unquote
from weakref import WeakValueDictionary

import numpy as np
import pandas as pd

NUMBERED: Final = "#2, #3, … mark different customers whose masked values look alike"
HIDDEN: Final = "•••"  # always three, so that a mask does not reveal the length
MAX_SHOWN_CHARS: Final = 120  # of one value or label in a table cell
MAX_SCANNED_CHARS: Final = 2_000  # searched for addresses and numbers before a text is truncated
MIN_MASKED_CHARS: Final = 4  # the first character of a shorter value would reveal too much
MIN_NUMBER_CHARS: Final = 9  # with its country code; a shorter number would be left with too few hidden digits
MIN_SECRET_CHARS: Final = 3  # shorter values occur in too many other words
MISSING: Final = "–"

MAX_DOUBLE_BITS: Final = 1_024  # of an integer that a double can represent
MIN_HUGE_BITS: Final = 2_000  # Python can be configured to write at most 640 digits
MAX_SECRET_WORDS: Final = 12  # a longer value is not a name

NOT_SHOWN: Final = "(the service's message, which may contain values, is in result.failed)"
_WORD: Final = re.compile(r"\w+")
_GUARDS: Final = " \t='\""  # of a spreadsheet, around an id: '0012 and 0012 are one
_HUGE: Final = "integer of"
_PRINTED: Final = frozenset({str, float, bool, type(None)})
_JOINERS: Final = "\u200c\u200d"  # part of how Indic scripts and emoji are written, and harmless
_ADDRESS: Final = re.compile(r"[^\s@<>\"',;:()\[\]{}=]{1,64}@[^\s@<>\"',;:()\[\]{}]{1,255}")
_NUMBER: Final = re.compile(
    r"(?<!\d)(?<!\d[.:])\+?\d(?:[ ().-]{0,2}\d){7,14}(?!\d)"
)  # 8 to 15 digits, as E.164 has them
_COUNTRY_CODE: Final = re.compile(  # ITU-T E.164: of one digit in two zones, of two in 42 countries, else of three
    r"\+(?:[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3})(?=\D*\d)"
)
_DATE: Final = re.compile(r"\d{4,6}-\d\d-\d\d(?!\d)|\d\d?([.-])\d\d?\1(?:19|20)\d\d(?!\d)")


def visible(text: str, limit: int = MAX_SHOWN_CHARS, *, of_chars: int = 0) -> str:
    r"""Return `text` in at most `limit` characters, with controls, bidi marks and lone surrogates spelled out.

    `of_chars` is the full length if `text` is only the beginning.

    Examples
    --------
    >>> visible("a\u202eb\n"), visible("x" * 200, 5)
    ('a⟨U+202E⟩b⟨U+000A⟩', 'xxxxx… (200 characters)')
    """
    full = max(len(text), of_chars)
    shown = "".join(map(_spelled, text[:limit]))
    return shown if full <= limit else f"{shown}… ({full:,} characters)"


def storable(text: str) -> str:
    """Return a text with lone surrogates escaped, so that files, text columns and front ends accept it."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _spelled(char: str) -> str:
    if char.isprintable() or char in _JOINERS:
        return char
    return " " if unicodedata.category(char) == "Zs" else f"⟨U+{ord(char):04X}⟩"


def mask_value(value: Any) -> str:
    """Return the masked form of an e-mail address, a number, a name or an id.

    Examples
    --------
    >>> mask_value("asha@example.com"), mask_value("+919876543210"), mask_value("Asha Rao"), mask_value(None)
    ('a•••@e•••.com', '+91•••10', 'A•••', '–')
    """
    if is_missing(value):
        return MISSING
    text = _text(value)[:MAX_SCANNED_CHARS].strip()
    local, at, domain = text.rpartition("@")
    if at and local and domain:
        dot, ending = domain.rpartition(".")[1:]
        return f"{local[0]}{HIDDEN}@{domain[0]}{HIDDEN}{dot}{ending if dot else ''}"[:MAX_SHOWN_CHARS]
    if len(text) < MIN_MASKED_CHARS:
        return HIDDEN
    if not _looks_like_number(text):
        return text[0] + HIDDEN
    country = _COUNTRY_CODE.match(text) if len(text) >= MIN_NUMBER_CHARS else None
    return f"{country[0] if country else ''}{HIDDEN}{text[-2:]}"


def scrub(text: str) -> str:
    """Mask everything in a text that looks like an e-mail address or a phone number.

    Examples
    --------
    >>> scrub("asha@example.com is taken, call +91 98765 43210 after 2026-01-31 09:30:00, not on 31.01.2026")
    'a•••@e•••.com is taken, call +91•••10 after 2026-01-31 09:30:00, not on 31.01.2026'
    """
    masked = _ADDRESS.sub(lambda match: mask_value(match[0]), text)
    return _NUMBER.sub(lambda match: match[0] if _DATE.match(match[0]) else mask_value(match[0]), masked)


@dataclass(frozen=True, slots=True)
class Masker:
    """How a page shows values: masked, or unmasked if `is_on` is False; always made visible and short.

    Identities stay distinguishable: of those with the same mask, all but the first get a number. `numbers` has them, so
    that pages which share it number a customer alike.

    Examples
    --------
    >>> masker = Masker()
    >>> [masker.identity(value) for value in ("asha@x.com", "anil@x.com", "asha@x.com", None, None)]
    ['a•••@x•••.com', 'a•••@x•••.com #2', 'a•••@x•••.com', '–', '–']
    """

    is_on: bool = True
    numbers: dict[str, dict[str, int]] = field(default_factory=dict, repr=False, compare=False)

    def identity(self, value: Any) -> str:
        """Show a value that identifies a customer."""
        if not self.is_on or is_missing(value):
            return visible(_text(value))
        mask = mask_value(value)
        numbers = self.numbers.setdefault(mask, {})
        number = numbers.setdefault(_text(value).strip(_GUARDS), len(numbers) + 1)
        return visible(mask) + (f" #{number}" if number > 1 else "")

    def facts(self) -> tuple[tuple[str, str], ...]:
        """Return what the numbers mean, for a page that has any."""
        has_numbers = self.is_on and any(len(numbers) > 1 for numbers in self.numbers.values())
        return (("masked values", NUMBERED),) if has_numbers else ()

    def label(self, value: Any) -> str:
        """Show a label of the index, which may be an id as text."""
        return self.identity(value) if isinstance(value, (str, tuple)) else self.cell(value)

    def cell(self, value: Any) -> str:
        """Show any other value."""
        text = _text(value)
        head = text[:MAX_SCANNED_CHARS]
        return visible(scrub(head) if self.is_on and not _is_quantity(value) else head, of_chars=len(text))

    def words(self, text: str, secrets: Sequence[Any] = ()) -> str:
        """Show a text of the server that may repeat what was sent: `secrets` are the values to mask."""
        if not self.is_on:
            return text
        plain = {" ".join(_text(secret).split()) for secret in secrets if not is_missing(secret)}
        for secret in sorted(plain, key=len, reverse=True):  # the longest first: a name may contain another
            if len(secret) >= MIN_SECRET_CHARS:
                masked = mask_value(secret).replace("\\", r"\\")  # a template, in which backslashes are special
                text = re.sub(re.escape(secret), masked, text, flags=re.IGNORECASE)
        return scrub(text)


class CustomerMasks:
    """The identifying values of many customers, to be masked in a server's text, which may contain any of them.

    Values are compared word by word, ignoring case and separators.

    Parameters
    ----------
    values : iterable
        The values.
    texts : iterable of str, optional
        The texts to be masked: values whose first word is in none of them are not kept.

    Examples
    --------
    >>> CustomerMasks(["C-1041", "Asha Rao"]).hide("HTTP 409: c-1041 belongs to ASHA  RAO")
    'HTTP 409: •••41 belongs to A•••'
    """

    def __init__(self, values: Iterable[Any], texts: Iterable[str] | None = None) -> None:
        sought = None if texts is None else {word for text in texts for word in _WORD.findall(_plain(text).casefold())}
        self._known: dict[tuple[str, ...], str] = {}
        for value in values:
            text = value if type(value) is str else "" if is_missing(value) else _text(value)
            if sought is not None and not ((first := _WORD.search(text)) and _folded(first[0]) in sought):
                continue
            text = text[:MAX_SCANNED_CHARS].strip()
            words = tuple(_WORD.findall(_folded(text)))
            if len(text) >= MIN_SECRET_CHARS and 0 < len(words) <= MAX_SECRET_WORDS:
                self._known[words] = text
        self._lengths = sorted({len(words) for words in self._known}, reverse=True)
        self._hidden: dict[str, str] = {}

    def hide(self, text: str) -> str:
        """Return `text` with the values masked, and everything that looks like an address or a number."""
        if text not in self._hidden:
            self._hidden[text] = scrub(self._replaced(_plain(text)))
        return self._hidden[text]

    def _replaced(self, text: str) -> str:
        found = list(_WORD.finditer(text))
        words = [match[0].casefold() for match in found]
        pieces: list[str] = []
        at = i = 0
        while i < len(words):
            size = next((n for n in self._lengths if n <= len(words) - i and tuple(words[i : i + n]) in self._known), 0)
            if size and not (i and words[i - 1] == "http"):  # the HTTP status is not a value
                masked = mask_value(self._known[tuple(words[i : i + size])])
                pieces += [text[at : found[i].start()], masked]
                at = found[i + size - 1].end()
            i += size or 1
        return "".join([*pieces, text[at:]])


def _plain(text: str) -> str:
    """Return a text normalized for comparison: URL-decoded, and with one Unicode form for accents."""
    return unicodedata.normalize("NFC", unquote(text))


def _folded(text: str) -> str:
    return text.casefold() if text.isascii() else unicodedata.normalize("NFC", text).casefold()


def replaced(text: str, server_text: str, instead: str) -> str:
    """Return `text` with its part `server_text`, the server's message, replaced."""
    return text.replace(server_text, instead) if server_text else text


def _text(value: Any) -> str:
    """Return a value as text; a whole float (an integer column with missing values) without ``.0``."""
    if is_missing(value):
        return MISSING
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else written(value)


def written(value: Any) -> str:
    """Return any value as text; for an integer of more than 4,300 digits, which Python refuses to write, its size.

    Examples
    --------
    >>> written(10**5000), written([1])
    ('integer of 5,001 digits', '[1]')
    """
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a list in itself too often, an object of the user's own
        is_huge = isinstance(value, int) and value.bit_length() > MIN_HUGE_BITS
        return f"{_HUGE} {_count_digits(value):,} digits" if is_huge else f"a {type(value).__name__}"


def printable(value: Any) -> Any:
    """Return a value, or its text if pandas cannot print it, or (pandas 2) cannot query a frame that has it."""
    if type(value) in _PRINTED:
        return value
    if isinstance(value, int) and value.bit_length() > MAX_DOUBLE_BITS:
        return written(value)
    if isinstance(value, Decimal):
        return str(value) if value.is_snan() else value
    try:
        str(value)
    except Exception:  # noqa: BLE001 - as above
        return written(value)
    return value


def printable_labels(labels: pd.Index[Any]) -> pd.Index[Any]:
    """Return an index with labels that pandas cannot print replaced by their text."""
    if labels.dtype != object or isinstance(labels, pd.MultiIndex):
        return labels
    shown = np.empty(len(labels), dtype=object)
    shown[:] = list(map(printable, labels.tolist()))
    return pd.Index(shown, dtype=object, name=labels.name, tupleize_cols=False)


def _count_digits(number: int) -> int:
    digits = int(abs(number).bit_length() * math.log10(2))  # exact, or one too few
    return digits + 1 if abs(number) >= 10**digits else digits


def _is_quantity(value: Any) -> bool:
    """Return whether a value is a date or a fraction, whose digits are not a phone number."""
    return isinstance(value, date) or (isinstance(value, float) and not value.is_integer())


def is_missing(value: Any) -> bool:
    """Return whether a value is missing; False for a signalling NaN, which cannot be compared."""
    if isinstance(value, str) or (isinstance(value, Decimal) and value.is_snan()):
        return False
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _looks_like_number(text: str) -> bool:
    return sum(map(str.isdigit, text)) * 2 > len(text)


# API keys ------------------------------------------------------------------------------------------------------------

KEY_VARIABLE: Final = "GROWLYTICS_API_KEY"
MASK: Final = "[key]"
MIN_KEY_CHARS: Final = 8  # a shorter one could be part of any word; real keys are longer
MIN_PIECE_CHARS: Final = 6
PART_CHARS: Final = 8  # any part of this length reveals too much of the key
END_CHARS: Final = 6  # and so does a beginning or an end of this length
MIN_CHARS_FOR_ENDS: Final = 12  # the ends of a shorter key, such as the sandbox's, are common words
MAX_ROUNDS: Final = 5  # of unescaping: a proxy may repeat what a server has already escaped

_KEEPERS: Final[WeakValueDictionary[int, Any]] = WeakValueDictionary()
_CUTS: Final = re.compile("[=,]")
_ESCAPED: Final = re.compile(
    r"\\+u\{(?P<braced>[0-9a-f]{1,6})\}|\\+u(?P<short>[0-9a-f]{4})|\\+u(?P<long>[0-9a-f]{8})|\\+x(?P<hex>[0-9a-f]{2})"
    r"|\\+(?P<octal>[0-7]{3})|\\+(?P<char>[^\s\w\\])|[%=](?P<percent>[0-9a-f]{2})|(?P<entity>&\#?\w{1,31};?)",
    re.IGNORECASE,
)
_UNSEEN: Final = re.compile(r"[^!-~]+")


def remember(keeper: Any) -> None:
    """Mask the key that `keeper.reveal()` returns in our messages, as long as the keeper exists."""
    _KEEPERS[id(keeper)] = keeper


def without_keys(text: str) -> str:
    """Return one of our texts without the key of the environment and keys passed as arguments.

    Our messages quote arguments, and a key may be passed as the wrong one. Only whole keys are masked, and the pieces
    into which an option is split: other parts of a key may be ordinary words.
    """
    found = [os.environ.get(KEY_VARIABLE, ""), *(keeper.reveal() for keeper in list(_KEEPERS.values()))]
    keys = {each.strip() for each in found if isinstance(each, str)}
    return _redacted(text, set().union(*(_whole(key) for key in keys if len(key) >= MIN_KEY_CHARS)))


def without_key(text: str, key: str) -> str:
    r"""Return a text from elsewhere without a key: also without longer parts of it, and its usual encodings.

    Examples
    --------
    >>> without_key(r'{"key": "NOT-A\/REAL\u003dKEY"}', "not-a/real=key")
    '{"key": "[key]"}'
    """
    return _redacted(text, _parts(key)) if len(key) >= MIN_KEY_CHARS else text


def _whole(key: str) -> set[str]:
    """Return the forms of a key in our messages, in lower case: quoted, in JSON, in a URL, and split like an option."""
    forms = {key, repr(key)[1:-1], json.dumps(key)[1:-1], shlex.quote(key)[1:-1], quote(key), quote(key, "")}
    pieces = {piece for piece in map(str.strip, _CUTS.split(key)) if len(piece) >= MIN_PIECE_CHARS}  # COLUMN=TYPE,…
    return {_lowered(form) for form in forms | pieces if form and KEY_VARIABLE not in (form, form.upper())}


@lru_cache(maxsize=16)
def _parts(key: str) -> frozenset[str]:
    """Return, in lower case, the parts of a key and of its encodings that would reveal it."""
    raw = key.encode("latin-1", errors="replace")
    forms = [key, raw.hex(), *(_base64_at(raw, shift) for shift in range(3))]
    forms += [form.translate(str.maketrans("+/", "-_")) for form in forms[2:]]
    parts = {form[i : i + PART_CHARS] for form in forms for i in range(len(form) - PART_CHARS + 1)}
    if len(key) >= MIN_CHARS_FOR_ENDS:
        parts |= {key[i : i + END_CHARS] for i in (0, 1, len(key) - END_CHARS - 1, len(key) - END_CHARS)}
    return frozenset(map(_lowered, parts))


def _base64_at(raw: bytes, shift: int) -> str:
    """Return the base64 of bytes at an offset, without the ends that depend on adjacent bytes."""
    coded = base64.b64encode(b"\0" * shift + raw).decode()
    first = (8 * shift + 5) // 6
    return coded[first : (8 * (shift + len(raw))) // 6]


def _redacted(text: str, sought: Iterable[str]) -> str:
    """Replace what is sought, in lower case, also where it is escaped: the text is searched, unescaped round by round.

    Matches are replaced in the original text, so that everything else is unchanged.
    """
    marked = bytearray(len(text))
    for reading, starts in _readings(text):
        for each in sought:
            at = reading.find(each)
            while at >= 0:
                start, end = starts[at], starts[at + len(each)]
                marked[start:end] = b"\1" * (end - start)
                at = reading.find(each, at + 1)
    pieces, at = [], 0
    for run in re.finditer(rb"\x01+", marked):
        pieces += [text[at : run.start()], MASK]
        at = run.start() + len(text[run.start() : run.end()].rstrip())
    return "".join([*pieces, text[at:]])


def _readings(text: str) -> Iterator[tuple[str, list[int]]]:
    """Yield a text in lower case with ever more escapes undone, each with its characters' positions in the text."""
    reading, starts = text, list(range(len(text) + 1))
    yield _lowered(reading), starts
    for _ in range(MAX_ROUNDS):
        undone, starts = _substituted(_ESCAPED, _unescaped, reading, starts)
        if undone == reading:
            break
        reading = undone
        yield _lowered(reading), starts
    joined, starts = _substituted(_UNSEEN, lambda _: "", reading, starts)
    if joined != reading:
        yield _lowered(joined), starts


def _lowered(text: str) -> str:
    """Return a text in lower case with as many characters: only "İ" would become two."""
    return text.replace("İ", "i").lower()


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
