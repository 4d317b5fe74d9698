"""Texts that deserve a look: placeholders for a missing value, the text of floats, white space, damage."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from growlytics_pandas.columns.extract import Mask

MISSING_TEXTS: Final = frozenset({"nan", "NaN", "None", "NaT", "<NA>", "null", "NULL", "N/A", "n/a", "#N/A"})
"""What Python, JSON, SQL and spreadsheets write where there is nothing."""
MISSING_IDS: Final = MISSING_TEXTS | {"NA", "undefined"}
"""Such a value may be meant (NA is Namibia), such an id hardly."""

_SEPARATOR: Final = "\x02"
_ASCII_SPACES: Final = " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f"
_OTHER_SPACES: Final = "\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_UNDECODED: Final = re.compile(r"[Â-ô][\x80-\xbfŒœŠšŸŽžƒˆ˜–—‘’‚“”„†‡•…‰‹›€™]+")


def are_in(texts: Sequence[str], words: frozenset[str]) -> Mask | None:
    """Which texts are among `words`; None where none is.

    Examples
    --------
    >>> are_in(["Pune", "nan"], MISSING_TEXTS), are_in(["Pune", "Nandi"], MISSING_TEXTS)
    (array([False,  True]), None)
    """
    if words.isdisjoint(texts):  # the common case, and it takes no more than a look at each
        return None
    return np.fromiter(map(words.__contains__, texts), dtype=bool, count=len(texts))


def end_like_floats(texts: Sequence[str]) -> Mask:
    """Which texts are those of whole floats.

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
    """Which texts have white space around them; None where none has. A text that is nothing else counts.

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
    """Which texts hold replacement characters, NUL, or UTF-8 that was read as cp1252; None where none does.

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
    """Tell whether characters are the bytes of UTF-8, each read as one of cp1252 or latin-1."""
    for encoding in ("cp1252", "latin-1"):
        try:
            return len(text.encode(encoding).decode("utf-8")) < len(text)
        except UnicodeError:
            continue
    return False
