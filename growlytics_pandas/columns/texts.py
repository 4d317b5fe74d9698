"""Strip invisible characters and spreadsheet guards from texts; the texts that mean a missing value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas.columns.dtypes import plain_texts

# Byte order mark, zero width space, word joiner, marks and embeddings of writing direction: all invisible.
_INVISIBLE: Final = "\ufeff\u200b\u2060\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069"
_JOINERS: Final = "\u200c\u200d"  # inside a word they shape Indic and Arabic letters and join emoji
_QUOTES: Final = MappingProxyType({'"': '"', "“": "”", "”": "”", "„": "“”", "«": "»", "‘": "’", "'": "'"})
_INVISIBLE_ANYWHERE: Final = re.compile(f"[{_INVISIBLE}]+")
_OUTER: Final = re.compile(rf"^[\s{_JOINERS}]+|[\s{_JOINERS}]+$")
# A quick test: most texts have nothing to remove.
_SUSPECT: Final = re.compile(rf"^[\s{_JOINERS}=\"“”„«‘']|[\s{_JOINERS}]$|[{_INVISIBLE}]")
_ELISION: Final = re.compile(r"'[a-z]{1,2}[\s-]")  # 's-Hertogenbosch, 't Hooft: part of the name
_APOSTROPHES_IN_WORDS: Final = re.compile(r"(?<=\w)'(?=\w)")

SURE_WORDS: Final = frozenset(
    {
        *("", "nan", "NaN", "None", "NaT", "<NA>", "null", "NULL", "N/A", "n/a", "#N/A", "undefined", "\\N"),
        *("(null)", "(blank)", "#REF!", "#VALUE!", "#DIV/0!", "#NUM!", "#NAME?", "#NULL!", "#NA", "-nan"),
        *("-", "--", "---", "–", "—", "?", "??", "."),
    }
)
"""What Python, SQL and spreadsheets write for a missing value and no column contains as a value: compared exactly."""

MISSING_WORDS: Final = frozenset(
    {
        *(word.casefold() for word in SURE_WORDS),
        *("na", "n.a.", "n.a", "n/d", "nil", "blank", "empty", "missing", "unknown", "not known", "no data"),
        *("tbd", "tba"),
        *("not available", "not applicable", "not provided", "(none)", "(empty)", "1.#ind", "1.#qnan", "-1.#ind"),
        *("0000-00-00", "0000-00-00 00:00:00", "00/00/0000", "00-00-0000", "00.00.0000"),
    }
)
"""Texts that mean missing in columns of numbers, dates or booleans: compared by `str.casefold`."""


def factorize_texts(texts: pd.Series[Any]) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Return the code of each text (-1: missing) and the distinct texts, in order of appearance."""
    whole: Any = texts
    if texts.dtype == object:  # pandas before 3 compares object texts only up to the first NUL, unless one is missing
        whole = np.concatenate([texts.to_numpy(), np.array([None])])
    codes, distinct = pd.factorize(whole)
    listed: list[str] = distinct.tolist()
    if texts.dtype == object:
        listed = plain_texts(listed)
    return codes[: len(texts)].astype("int64", copy=False), listed


def strip_texts(texts: Sequence[str]) -> list[str]:
    r"""Remove outer white space, invisible characters and spreadsheet guards from texts.

    The joiners U+200C and U+200D are removed only at the edges: inside a word they are part of it.

    Examples
    --------
    >>> strip_texts([" Pune\u00a0", "'0012", '="0012"', '"Pune"', "'s-Hertogenbosch"])
    ['Pune', '0012', '0012', 'Pune', "'s-Hertogenbosch"]
    """
    bare = [text.strip() for text in texts]
    if not may_need_strip(bare):  # most have only white space
        return bare
    return [_strip(text) if _SUSPECT.search(text) else text for text in bare]


def may_need_strip(texts: Sequence[str]) -> bool:
    """Return whether `strip_texts` may change any of the texts."""
    firsts, lasts = {text[:1] for text in texts}, {text[-1:] for text in texts}
    if any(_SUSPECT.search(f"{char}.") for char in firsts) or any(_SUSPECT.search(f".{char}") for char in lasts):
        return True
    joined = "".join(texts)
    return not joined.isascii() and _INVISIBLE_ANYWHERE.search(joined) is not None


def is_guarded(text: str) -> bool:
    """Return whether a text has a spreadsheet guard: ``'0012``, ``="0012"`` or quotes around all of it."""
    bare = _OUTER.sub("", _INVISIBLE_ANYWHERE.sub("", text))
    return _unguarded(bare) != bare


def _strip(text: str) -> str:
    previous = None
    while text != previous:
        previous = text
        text = _OUTER.sub("", _INVISIBLE_ANYWHERE.sub("", text))
        text = _unguarded(text)
    return text


def _unguarded(text: str) -> str:
    """Remove one spreadsheet guard."""
    if len(text) > 2 and text.startswith('="') and text.endswith('"'):  # noqa: PLR2004 - the shortest is =""
        return text[2:-1].replace('""', '"')
    first, last, inner = text[:1], text[-1:], text[1:-1]
    if len(text) > 1 and last and last in _QUOTES.get(first, "") and not _is_part(inner, first + last):
        return inner.replace('""', '"')
    if first == "'" and len(text) > 1 and not _ELISION.match(text):
        return text[1:]
    return text


def _is_part(inner: str, quotes: str) -> bool:
    """Return whether quotes around a text belong to parts of it, as in ``"A" and "B"``."""
    bare = _APOSTROPHES_IN_WORDS.sub("", inner).replace('""', "")
    return any(quote in bare for quote in quotes)
