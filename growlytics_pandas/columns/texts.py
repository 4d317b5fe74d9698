"""Strip invisible characters and spreadsheet guards from texts, and normalize contacts."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas.columns.contacts import normalize_mobiles
from growlytics_pandas.columns.dtypes import plain_text

NORMALIZATIONS: Final = ("lower", "email", "E.164", "national")
PHONE_NORMALIZATIONS: Final = ("E.164", "national")

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
_MAILTO: Final = re.compile(r"mailto:([^?]*)(?:\?.*)?", re.IGNORECASE | re.DOTALL)
_WITH_NAME: Final = re.compile(r"[^<>]*<\s*([^<>\s]+)\s*>")
_BRACKETS: Final = MappingProxyType({"(": ")", "[": "]"})


def factorize_texts(texts: pd.Series[Any]) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Return the code of each text (-1: missing) and the distinct texts, in order of appearance."""
    whole: Any = texts
    if texts.dtype == object:  # pandas before 3 compares object texts only up to the first NUL, unless one is missing
        whole = np.concatenate([texts.to_numpy(), np.array([None])])
    codes, distinct = pd.factorize(whole)
    return codes[: len(texts)].astype("int64", copy=False), list(map(plain_text, distinct.tolist()))


def strip_texts(texts: Sequence[str]) -> list[str]:
    r"""Remove outer white space, invisible characters and spreadsheet guards from texts.

    The joiners U+200C and U+200D are removed only at the edges: inside a word they are part of it.

    Examples
    --------
    >>> strip_texts([" Pune\u00a0", "'0012", '="0012"', '"Pune"', "'s-Hertogenbosch"])
    ['Pune', '0012', '0012', 'Pune', "'s-Hertogenbosch"]
    """
    suspect = _SUSPECT.search
    return [_strip(text) if suspect(text) else text for text in texts]


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


def normalize_texts(texts: Sequence[str], how: str, region: str) -> list[str]:
    """Normalize contacts; texts that are not an address or number are left unchanged.

    Parameters
    ----------
    texts : sequence of str
        Distinct texts.
    how : {"lower", "email", "E.164", "national"}
        "lower": lower case. "email": the address alone, in lower case. "E.164": ``+919919211112``. "national": the
        digits without the code of `region`; numbers of other countries as for "E.164".
    region : str
        Two-letter code of the country for mobile numbers without a country code.

    Examples
    --------
    >>> normalize_texts(["Asha Rao <Asha@Example.com>", "mailto:asha@example.com"], "email", "IN")
    ['asha@example.com', 'asha@example.com']
    >>> normalize_texts(["099192 11112", "9919211112.0"], "E.164", "IN")
    ['+919919211112', '+919919211112']
    """
    return _NORMALIZERS[how](texts, region)


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


def _lower(texts: Sequence[str], _region: str) -> list[str]:
    return list(map(str.lower, texts))


def _emails(texts: Sequence[str], _region: str) -> list[str]:
    return list(map(_email, texts))


def _email(text: str) -> str:
    """Return the address in a text; the text itself if it contains none or several."""
    found = text.strip()
    if match := _MAILTO.fullmatch(found):
        found = unquote(match[1])
    if match := _WITH_NAME.fullmatch(found):
        found = match[1]
        if match := _MAILTO.fullmatch(found):
            found = unquote(match[1])
    if len(found) > 1 and _BRACKETS.get(found[0]) == found[-1]:
        found = found[1:-1]
    found = found.strip().rstrip(";,").rstrip()
    return found.lower() if found.count("@") == 1 else text


_NORMALIZERS: Final[dict[str, Callable[[Sequence[str], str], list[str]]]] = {
    "lower": _lower,
    "email": _emails,
    "E.164": lambda texts, region: normalize_mobiles(texts, region, is_national=False),
    "national": lambda texts, region: normalize_mobiles(texts, region, is_national=True),
}
