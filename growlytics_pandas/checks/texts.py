"""Texts that are too long or odd: placeholders for a missing value, the text of floats, white space, damage."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas._rules import Rule
from growlytics_pandas.columns.contacts import PLAIN_INDIAN_MOBILE
from growlytics_pandas.columns.dtypes import Mask, plain_texts
from growlytics_pandas.columns.reading import too_long
from growlytics_pandas.columns.texts import TextBytes, TextColumn
from growlytics_pandas.contract import INDIA

CONTACTS: Final = ("email", "mobile")
MISSING_TEXTS: Final = frozenset({"nan", "NaN", "None", "NaT", "<NA>", "null", "NULL", "N/A", "n/a", "#N/A"})
"""What Python, JSON, SQL and spreadsheets write for a missing value."""
MISSING_IDS: Final = MISSING_TEXTS | {"NA", "undefined"}
"""Texts that may be real values (NA is Namibia), but hardly real ids."""

_SEPARATOR: Final = "\x02"
_ASCII_SPACES: Final = " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f"
_OTHER_SPACES: Final = "\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_UNDECODED: Final = re.compile(r"[Â-ô][\x80-\xbfŒœŠšŸŽžƒˆ˜–—‘’‚“”„†‡•…‰‹›€™]+")


def are_in(texts: Sequence[str], words: frozenset[str]) -> Mask | None:
    """Return a mask of texts that are in `words`; None if none is.

    Examples
    --------
    >>> are_in(["Pune", "nan"], MISSING_TEXTS), are_in(["Pune", "Nandi"], MISSING_TEXTS)
    (array([False,  True]), None)
    """
    if words.isdisjoint(texts):  # the common case, and fast
        return None
    return np.fromiter(map(words.__contains__, texts), dtype=bool, count=len(texts))


def end_like_floats(texts: Sequence[str]) -> Mask:
    """Return a mask of texts that look like whole floats.

    Examples
    --------
    >>> end_like_floats(["1001.0", "1001", "v1.0", "1.2.0"])
    array([ True, False, False, False])
    """
    if f".0{_SEPARATOR}" not in _SEPARATOR.join([*texts, ""]):
        return np.zeros(len(texts), dtype=bool)
    found = (text.endswith(".0") and text[:-2].isdecimal() for text in texts)
    return np.fromiter(found, dtype=bool, count=len(texts))


def are_padded(texts: Sequence[str]) -> Mask | None:
    """Return a mask of texts with surrounding white space (or only white space); None if there are none.

    Examples
    --------
    >>> are_padded(["Pune ", "Navi Mumbai"]), are_padded(["Pune"])
    (array([ True, False]), None)
    """
    joined = _SEPARATOR.join(["", *texts, ""])
    spaces = _ASCII_SPACES if joined.isascii() else _ASCII_SPACES + _OTHER_SPACES
    if not any(space in joined and (space + _SEPARATOR in joined or _SEPARATOR + space in joined) for space in spaces):
        return None
    return np.fromiter((text != text.strip() for text in texts), dtype=bool, count=len(texts))


def are_damaged(texts: Sequence[str]) -> Mask | None:
    """Return a mask of texts with replacement characters, NUL, or UTF-8 decoded as cp1252; None if there are none.

    Examples
    --------
    >>> are_damaged(["MÃ¼nchen", "München", "SÃO PAULO"])
    array([ True, False, False])
    """
    joined = _SEPARATOR.join(texts)
    if "\x00" not in joined and (joined.isascii() or not ("\ufffd" in joined or _UNDECODED.search(joined))):
        return None
    found = np.fromiter(map(_is_damaged, texts), dtype=bool, count=len(texts))
    return found if found.any() else None


def _is_damaged(text: str) -> bool:
    if "\ufffd" in text or "\x00" in text:
        return True
    return any(_was_decoded_wrongly(found[0]) for found in _UNDECODED.finditer(text))


def _was_decoded_wrongly(text: str) -> bool:
    """Return whether characters are UTF-8 bytes decoded as cp1252 or latin-1."""
    for encoding in ("cp1252", "latin-1"):
        try:
            return len(text.encode(encoding).decode("utf-8")) < len(text)
        except UnicodeError:
            continue
    return False


# a whole column -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TextFinding:
    """The cells that violate a rule in a block of rows, and how to get their texts."""

    rule: Rule
    mask: Mask
    texts: Callable[[Mask], list[str]]


def find_in(texts: list[str], *, is_odd: bool = True) -> Iterator[TextFinding]:
    """Find texts that are too long and, with `is_odd`, odd ones."""
    for rule, find in _FINDERS if is_odd else _FINDERS[:1]:
        mask = find(texts)
        if mask is not None and mask.any():
            yield TextFinding(rule, mask, lambda wanted: list(compress(texts, wanted.tolist())))


_FINDERS: Final[tuple[tuple[Rule, Callable[[list[str]], Mask | None]], ...]] = (
    (Rule.VALUE_TOO_LONG, lambda texts: too_long(texts, contract.MAX_VALUE_CHARS)),
    (Rule.VALUE_STRINGIFIED, lambda texts: are_in(texts, MISSING_TEXTS)),
    (Rule.VALUE_WHITESPACE, are_padded),
    (Rule.TEXT_DAMAGED, are_damaged),
)


class DistinctTexts:
    """A column with repeated texts, each checked once."""

    is_contact = False

    def __init__(self, codes: npt.NDArray[np.int32], texts: list[str]) -> None:
        self._codes = codes
        self._texts = texts
        self.missing: Mask = codes < 0
        self._odd = {found.rule: found.mask for found in find_in(texts)}

    def find(self, start: int, stop: int) -> Iterator[TextFinding]:
        """Find odd texts in rows `start` to `stop`."""
        codes = self._codes[start:stop]
        for rule, odd in self._odd.items():
            mask = odd[codes] & (codes >= 0)
            if mask.any():
                yield TextFinding(rule, mask, lambda wanted: [self._texts[code] for code in codes[wanted].tolist()])


class PlainTexts:
    """A column whose bytes show no odd text; `is_contact`: all of its texts are plainly valid contacts."""

    def __init__(self, missing: Mask, *, is_contact: bool) -> None:
        self.missing = missing
        self.is_contact = is_contact

    def find(self, _start: int, _stop: int) -> Iterator[TextFinding]:
        """Find nothing."""
        return iter(())


def screen(column: pd.Series[Any], texts: TextColumn, name: str, region: str) -> DistinctTexts | PlainTexts | None:
    """Screen a whole text column; None if its texts must be checked one by one."""
    coded = _distinct_texts(column, texts)
    if coded is not None:
        return DistinctTexts(*coded)
    found = texts.bytes
    if found is None or not _is_plain(found):
        return None
    return PlainTexts(found.missing, is_contact=name in CONTACTS and are_plain(found, name, region))


def _distinct_texts(column: pd.Series[Any], texts: TextColumn) -> tuple[npt.NDArray[np.int32], list[str]] | None:
    """Return the code of each cell (-1: missing) and the distinct texts; None if most texts differ."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, distinct = column.cat.codes.to_numpy().astype("int32"), column.cat.categories.tolist()
        distinct = plain_texts(distinct)
    elif texts.mostly_differs:
        return None
    else:
        codes, distinct = texts.distinct
    is_sendable = all(map(contract.is_unicode, distinct))  # lone surrogates are a violation of their own
    return (codes, distinct) if is_sendable and len(distinct) * 2 <= len(codes) else None


def _is_plain(found: TextBytes) -> bool:
    return not (
        found.max_bytes > contract.MAX_VALUE_CHARS
        or found.may_have_outer_space()
        or found.may_be_damaged()
        or found.has_any(MISSING_TEXTS)
    )


MAX_PLAIN_CHARS: Final = 64

_SPECIAL: Final = ("arpa", "invalid", "local", "localhost", "onion", "test")

_RE2_EMAIL: Final = r"^[A-Za-z0-9_+\-]+(\.[A-Za-z0-9_+\-]+)*@([A-Za-z0-9]+(-[A-Za-z0-9]+)*\.)+[A-Za-z]{2,24}\z"

_RE2_INDIAN_MOBILE: Final = r"^(\+?91[ \-]?|0)?[6-9][0-9]{4}[ \-]?[0-9]{5}\z"


def are_plain(found: TextBytes, name: str, region: str) -> bool:
    """Return whether all texts of a column are plainly valid as the contact `name`; False if any needs a full check.

    Uses the patterns above in RE2 syntax, so that Arrow matches the column without creating Python strings. Mobiles of
    one shape are all plain if the smallest and the largest digits at each place make plain mobiles.
    """
    if name == "email":
        return found.max_bytes <= MAX_PLAIN_CHARS and not found.may_end_with(_SPECIAL) and found.all_match(_RE2_EMAIL)
    if region.upper() != INDIA:
        return False
    if found.range_of_shape is not None:
        return all(map(PLAIN_INDIAN_MOBILE.fullmatch, found.range_of_shape))
    return found.all_match(_RE2_INDIAN_MOBILE)
