"""Columns of text: what is stripped, what means a missing value, odd texts, and each column read only once."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas.columns.dtypes import Mask, Rows, plain_texts, starts
from growlytics_pandas.columns.parsers import ArrowTexts

INVISIBLE: Final = "\ufeff\u200b\u2060\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Byte order mark, zero width space, word joiner, marks and embeddings of writing direction, as a set of a pattern."""
_INVISIBLE: Final = INVISIBLE + "\u061c"  # the Arabic letter mark
_JOINERS: Final = "\u200c\u200d"  # inside a word they shape Indic and Arabic letters and join emoji
_QUOTES: Final = MappingProxyType({'"': '"', "“": "”", "”": "”", "„": "“”", "«": "»", "‘": "’", "'": "'"})
_INVISIBLE_ANYWHERE: Final = re.compile(f"[{_INVISIBLE}]+")
_OUTER: Final = re.compile(rf"^[\s{_JOINERS}]+|[\s{_JOINERS}]+$")
# A quick test: most texts have nothing to remove.
_SUSPECT: Final = re.compile(rf"^[\s{_JOINERS}=\"“”„«‘']|[\s{_JOINERS}]$|[{_INVISIBLE}]")
_ELISION: Final = re.compile(r"'[a-z]{1,2}[\s-]")  # 's-Hertogenbosch, 't Hooft: part of the name
_APOSTROPHES_IN_WORDS: Final = re.compile(r"(?<=\w)'(?=\w)")

MISSING_TEXTS: Final = frozenset({"nan", "NaN", "None", "NaT", "<NA>", "null", "NULL", "N/A", "n/a", "#N/A"})
"""What Python, JSON, SQL and spreadsheets write for a missing value."""

SURE_WORDS: Final = MISSING_TEXTS.union(
    {
        *("", "undefined", "\\N"),
        *("k.A.", "k. A.", "k.A", "keine Angabe", "n/c", "N/C", "s/o", "S/O"),
        *("(null)", "(blank)", "#REF!", "#VALUE!", "#DIV/0!", "#NUM!", "#NAME?", "#NULL!", "#NA", "-nan"),
        *("-", "--", "---", "–", "—", "?", "??", "."),
    }
)
"""What Python, SQL and spreadsheets write for a missing value and no column contains as a value: compared exactly."""

MISSING_WORDS: Final = frozenset(
    {
        *(word.casefold() for word in SURE_WORDS),
        *("na", "n.a.", "n.a", "n/d", "nil", "blank", "empty", "missing", "unknown", "not known", "no data"),
        *("tbd", "tba", "n.v.", "nv", "unbekannt", "entfällt", "inconnu", "non renseigné", "sans objet", "desconocido"),
        *("ninguno", "ninguna", "sin dato", "sin datos", "no aplica", "s/d", "aucun", "aucune", "nessuno", "keine"),
        *("no informado", "sin informacion", "sin información", "no disponible", "non communiqué", "non disponible"),
        *("não informado", "nao informado", "não se aplica", "não disponível", "sem informação", "não consta", "n/i"),
        *("desconhecido", "non disponibile", "sconosciuto", "onbekend", "brak", "brak danych", "nicht angegeben"),
        *("nicht bekannt", "not specified", "not given", "unspecified"),
        *("not available", "not applicable", "not provided", "(none)", "(empty)", "1.#ind", "1.#qnan", "-1.#ind"),
        *("0000-00-00", "0000-00-00 00:00:00", "00/00/0000", "00-00-0000", "00.00.0000"),
    }
)
"""Texts that mean missing in columns of numbers, dates or booleans: compared by `str.casefold`."""

MISSING_IDS: Final = SURE_WORDS.union(
    *((word, word.upper(), word.capitalize()) for word in MISSING_WORDS - {"nv"})  # NV may be a state's code
) - {""}
"""Texts that may be real values (NA is Namibia), but hardly real ids."""


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
    return [_strip_one(text) if _SUSPECT.search(text) else text for text in bare]


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


def _strip_one(text: str) -> str:
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


# odd texts -----------------------------------------------------------------------------------------------------------

_SEPARATOR: Final = "\x02"
_ASCII_SPACES: Final = " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f"
_OTHER_SPACES: Final = "\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_CONTROLS: Final = re.compile(rb"\xc2[\x80-\x9f]")  # dashes, quotes and euro signs of cp1252, read as latin-1; in UTF-8
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
    """Return a mask of texts with replacement characters or NUL, or in a wrong encoding; None if there are none.

    Examples
    --------
    >>> are_damaged(["MÃ¼nchen", "München", "SÃO PAULO"])
    array([ True, False, False])
    """
    joined = _SEPARATOR.join(texts)
    if "\x00" not in joined and (joined.isascii() or not _may_be_damaged(joined)):
        return None
    found = np.fromiter(map(_is_damaged, texts), dtype=bool, count=len(texts))
    return found if found.any() else None


def _may_be_damaged(text: str) -> bool:
    return "\ufffd" in text or _UNDECODED.search(text) is not None or _has_controls(text)


def _has_controls(text: str) -> bool:
    return _CONTROLS.search(text.encode("utf-8", "surrogatepass")) is not None  # four times as fast as the text


def _is_damaged(text: str) -> bool:
    if "\ufffd" in text or "\x00" in text or _has_controls(text):
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


# columns -------------------------------------------------------------------------------------------------------------


def hash_texts(texts: list[str] | npt.NDArray[np.object_]) -> npt.NDArray[np.uint64]:
    """Hash texts to 64 bits each, so that comparing a million ids takes 8 MB."""
    return pd.util.hash_array(np.array(texts, dtype=object), categorize=False)


# the bytes of Arrow's texts: methods err on one side, True from a `may_…` method may be wrong, False is always right

_ASCII_END: Final = 0x80
_MAX_LENGTH: Final = 31  # bytes: longer texts are compared as if they had so many
_PIECE: Final = 1 << 15  # texts looked at together
_ROW: Final = 1 << 12  # bytes
_DIGITS: Final = slice(ord("0"), ord("9") + 1)


def _among(chars: bytes) -> Mask:
    """Return a mask of the 256 bytes: True for those in `chars`."""
    table = np.zeros(256, dtype=bool)
    table[list(chars)] = True
    return table


_OUTER_BYTES: Final = _among(_ASCII_SPACES.encode())
_GUARDS_BYTES: Final = _among(f"{_ASCII_SPACES}=\"'".encode())
# The first two bytes of white space, quotes and invisible characters outside ASCII; few other characters have them.
_MARK_PAIRS: Final = np.array([0xC285, 0xC2A0, 0xC2AB, 0xD89C, 0xE19A, 0xE280, 0xE281, 0xE380, 0xEFBB], dtype="uint16")
# Invisible characters: their first two bytes, and which third bytes they have.
_INVISIBLE_ENDS: Final = MappingProxyType(
    {
        0xE280: _among(b"\x8b\x8e\x8f\xaa\xab\xac\xad\xae"),
        0xE281: _among(b"\xa0\xa6\xa7\xa8\xa9"),
        0xEFBB: _among(b"\xbf"),
        0xD89C: np.ones(256, dtype=bool),  # has only two
    }
)
_INVISIBLE_LEADS: Final = _among(b"\xe2\xef\xd8")
# UTF-8 decoded as cp1252: Â to ô, then a character that a continuation byte decodes to.
_CONTROL_LEAD: Final = 0xC2  # of U+0080 to U+00BF; controls end before
_AFTER_CONTROLS: Final = 0xA0
_WRONG_LEAD: Final = 0xC3
_WRONG_SECOND: Final = _among(bytes(range(0x82, 0xB5)))
_WRONG_NEXT: Final = _among(b"\xc2\xc5\xc6\xcb\xe2")


def release_unused() -> None:
    """Give back to the system what Arrow holds in reserve after a look at a long column."""
    if pa := sys.modules.get("pyarrow"):  # optional, and slow to import
        pa.default_memory_pool().release_unused()


def bytes_of(column: pd.Series[Any]) -> TextBytes | None:
    """Return the bytes of a text column; None if it is not backed by Arrow."""
    is_arrow = isinstance(column.dtype, pd.ArrowDtype) or (
        isinstance(column.dtype, pd.StringDtype) and column.dtype.storage == "pyarrow"
    )
    if not is_arrow:
        return None
    import pyarrow as pa  # noqa: PLC0415 - optional; who has an Arrow column has it

    array = column.array.__arrow_array__()
    is_text = pa.types.is_string(array.type) or pa.types.is_large_string(array.type)
    if not is_text:
        return None
    return TextBytes(array.chunks if isinstance(array, pa.ChunkedArray) else [array])


def _by_place(data: npt.NDArray[np.uint8], length: int, extreme: Callable[..., Any]) -> npt.NDArray[np.uint8]:
    """Return the extreme byte at each place of texts of one length; long rows of many texts are fast in numpy."""
    row = length * max(1, _ROW // length)
    whole = len(data) // row * row
    of_rows = extreme(data[:whole].reshape(-1, row), axis=0) if whole else data[:0]
    found: npt.NDArray[np.uint8] = extreme(np.concatenate([of_rows, data[whole:]]).reshape(-1, length), axis=0)
    return found


class _Part:
    """Some texts of an Arrow array: `data` has their bytes, `starts` and `stops` bound those that have characters."""

    def __init__(self, array: Any, first_row: int) -> None:
        self.array = array
        _, offsets, data = array.buffers()
        width = np.dtype("int64" if str(array.type) == "large_string" else "int32")
        bounds = np.frombuffer(offsets, dtype=width)[array.offset : array.offset + len(array) + 1]
        self.data = np.frombuffer(data, dtype="uint8") if data is not None else np.empty(0, dtype="uint8")
        self.data = self.data[int(bounds[0]) : int(bounds[-1])]
        self._bounds = bounds - bounds[0]
        self.first_row = first_row

    @cached_property
    def _filled(self) -> Mask | slice:
        """Which texts have characters; all of them as a slice, which copies nothing."""
        filled = self._bounds[1:] > self._bounds[:-1]
        if self.array.null_count:
            filled &= self._valid
        return slice(None) if filled.all() else filled

    @property
    def _valid(self) -> Mask:
        valid: Mask = self.array.is_valid().to_numpy(zero_copy_only=False)
        return valid

    @cached_property
    def starts(self) -> npt.NDArray[Any]:
        """Where the texts with characters begin."""
        starts: npt.NDArray[Any] = self._bounds[:-1][self._filled]
        return starts

    @cached_property
    def stops(self) -> npt.NDArray[Any]:
        """Where the texts with characters end."""
        stops: npt.NDArray[Any] = self._bounds[1:][self._filled]
        return stops

    def places(self, mask: Mask) -> Rows:
        """Return the places of the texts with characters that `mask` selects."""
        selected = np.flatnonzero(mask)
        return selected if isinstance(self._filled, slice) else np.flatnonzero(self._filled)[selected]

    @property
    def empty(self) -> Rows:
        """The places of the texts without characters."""
        if isinstance(self._filled, slice):
            return np.empty(0, dtype="int64")
        return np.flatnonzero(~self._filled & self._valid)

    @property
    def invisible(self) -> Rows:
        """The places of the texts with invisible characters; a text can be there several times."""
        places = np.flatnonzero(_INVISIBLE_LEADS[self.data])
        pairs, thirds = self.pairs(places), self.data[np.minimum(places + 2, len(self.data) - 1)]
        found = np.zeros(len(places), dtype=bool)
        for pair, ends in _INVISIBLE_ENDS.items():
            found |= (pairs == pair) & ends[thirds]
        return np.searchsorted(self._bounds, places[found], side="right") - 1

    def rows(self, places: Rows) -> Rows:
        """Return the rows of the column for places in this part."""
        return places + self.first_row

    def pairs(self, places: npt.NDArray[Any]) -> npt.NDArray[np.uint16]:
        """Return two bytes each as one number."""
        after = np.minimum(places + 1, len(self.data) - 1)
        pairs: npt.NDArray[np.uint16] = self.data[np.maximum(places, 0)].astype("uint16") << 8 | self.data[after]
        return pairs

    def near(self, table: Mask) -> Rows:
        """Return the places of the texts whose length and first two bytes are in a table."""
        lasts = self.stops - 1
        seconds = self.data[np.minimum(self.starts + 1, lasts)]
        return self.places(table[np.minimum(lasts - self.starts + 1, _MAX_LENGTH), self.data[self.starts], seconds])

    def may_begin_or_end(self, first: Mask, *, is_ascii: bool) -> Mask:
        """Return a mask of the texts with characters that may begin with white space or `first`, or end with space."""
        found: Mask = first[self.data[self.starts]] | _OUTER_BYTES[self.data[self.stops - 1]]
        if not is_ascii:
            for places in (self.starts, self.stops - 2, self.stops - 3):
                found |= np.isin(self.pairs(places), _MARK_PAIRS, kind="table")
        return found

    def may_be_damaged(self, *, is_ascii: bool) -> bool:
        """Return whether a text may contain NUL or U+FFFD, or be decoded as another encoding."""
        data = self.data
        if len(data) and not data.all():
            return True
        if is_ascii:
            return False
        places = np.flatnonzero(data[:-2] == _WRONG_LEAD)
        if (_WRONG_SECOND[data[places + 1]] & _WRONG_NEXT[data[places + 2]]).any():
            return True
        places = np.flatnonzero(data[:-1] == _CONTROL_LEAD)
        if (data[places + 1] < _AFTER_CONTROLS).any():
            return True
        places = np.flatnonzero(data[:-2] == 0xEF)  # noqa: PLR2004 - U+FFFD is EF BF BD
        return bool(((data[places + 1] == 0xBF) & (data[places + 2] == 0xBD)).any())  # noqa: PLR2004

    def range_of_shape(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]] | None:
        """Return the smallest and the largest byte at each place; None if lengths differ or a text is empty."""
        lengths = self.stops - self.starts
        length = int(lengths[0]) if len(lengths) else 0
        is_gapless = len(self.data) == length * len(lengths)  # no bytes under missing cells
        if not is_gapless or len(self.empty) or not (lengths == length).all():
            return None
        if not length:  # all are missing
            return self.data, self.data
        low, high = (_by_place(self.data, length, extreme) for extreme in (np.min, np.max))
        return low, high


class TextBytes:
    """The texts of Arrow arrays as bytes, looked at part by part: what a column takes in memory is not taken again."""

    def __init__(self, chunks: Sequence[Any]) -> None:
        self._chunks = chunks

    def _parts(self) -> Iterator[_Part]:
        first_row = 0
        for chunk in self._chunks:
            for start, stop in starts(len(chunk), _PIECE):
                yield _Part(chunk[start:stop], first_row + start)
            first_row += len(chunk)

    @cached_property
    def texts(self) -> ArrowTexts:
        """The texts without missing ones."""
        return ArrowTexts(self._chunks)

    @property
    def rows(self) -> int:
        """How many cells the column has."""
        return sum(map(len, self._chunks))

    @cached_property
    def has_empty(self) -> bool:
        """Whether a text has no characters."""
        return any(len(part.empty) for part in self._parts())

    @cached_property
    def is_ascii(self) -> bool:
        """Whether all texts are ASCII."""
        return all(int(part.data.max(initial=0)) < _ASCII_END for part in self._parts())

    @cached_property
    def max_bytes(self) -> int:
        """The length of the longest text; no text has more characters."""
        return max((int((part.stops - part.starts).max(initial=0)) for part in self._parts()), default=0)

    def has_any(self, words: Collection[str]) -> bool:
        """Return whether a text is among `words`."""
        import pyarrow as pa  # noqa: PLC0415 - optional; who has an Arrow column has it
        from pyarrow import compute  # noqa: PLC0415

        found = (compute.is_in(chunk, value_set=pa.array(list(words), chunk.type)) for chunk in self._chunks)
        return any(compute.any(mask).as_py() for mask in found)

    def near(self, words: Collection[str]) -> Rows:
        """Return the rows whose texts may be among `words`, in any case: their length and first two bytes are."""
        table = _near_table(words)
        found = [part.rows(part.near(table)) for part in self._parts()]
        if "" in words:
            found += [part.rows(part.empty) for part in self._parts()]
        return _concatenated(found)

    def all_match(self, pattern: str) -> bool:
        """Return whether a pattern (RE2 syntax) is found in every non-missing text."""
        from pyarrow import compute  # noqa: PLC0415 - see above

        parts = (compute.match_substring_regex(part.array, pattern) for part in self._parts())
        return all(compute.all(matches).as_py() is not False for matches in parts)

    def may_end_with(self, words: Collection[str]) -> bool:
        """Return whether a text may end with one of `words`, in any case; only the last two letters are compared."""
        is_found = np.zeros(1 << 16, dtype=bool)
        for part in self._parts():
            is_found[part.pairs(part.stops - 2)] = True
        endings = {(chr(pair >> 8) + chr(pair & 0xFF)).lower() for pair in np.flatnonzero(is_found).tolist()}
        return not endings.isdisjoint(word[-2:] for word in words)

    def may_have_outer_space(self) -> bool:
        """Return whether a text may begin or end with white space, or contain nothing else."""
        return any(part.may_begin_or_end(_OUTER_BYTES, is_ascii=self.is_ascii).any() for part in self._parts())

    @cached_property
    def strip_suspects(self) -> Rows:
        """The rows whose texts may have white space or quotes around them, or invisible characters anywhere."""
        found = []
        for part in self._parts():
            mask = part.may_begin_or_end(_GUARDS_BYTES, is_ascii=self.is_ascii)
            found.append(part.rows(part.places(mask)))
            if not self.is_ascii:
                found.append(part.rows(part.invisible))
        return _concatenated(found)

    def may_be_damaged(self) -> bool:
        """Return whether a text may contain NUL or U+FFFD, or be decoded as another encoding."""
        return any(part.may_be_damaged(is_ascii=self.is_ascii) for part in self._parts())

    def are_distinct(self) -> bool:
        """Return whether no text is missing or there twice, judging by 8 bytes of each."""
        if any(chunk.null_count for chunk in self._chunks):
            return False
        hashes = np.empty(self.rows, dtype="uint64")
        for part in self._parts():
            rows = slice(part.first_row, part.first_row + len(part.array))
            hashes[rows] = hash_texts(part.array.to_numpy(zero_copy_only=False))
        hashes.sort()
        return bool((hashes[1:] != hashes[:-1]).all())

    def has_only(self, chars: str) -> bool:
        """Return whether every character is in `chars`, which are ASCII."""
        return not any(part.data.tobytes().translate(None, chars.encode()) for part in self._parts())

    @cached_property
    def range_of_shape(self) -> tuple[str, str] | None:
        """The smallest and the largest digit at each place, as two texts, if all texts differ only in their digits.

        None if they have several shapes.
        """
        low = high = np.empty(0, dtype="uint8")
        for part in self._parts():
            found = part.range_of_shape()
            if found is None:
                return None
            if len(low) and len(found[0]):
                if len(low) != len(found[0]):
                    return None
                low, high = np.minimum(low, found[0]), np.maximum(high, found[1])
            elif len(found[0]):
                low, high = found
        are_digits = (low >= _DIGITS.start) & (high < _DIGITS.stop)
        is_one = bool(len(low)) and bool((are_digits | (low == high)).all())
        return (low.tobytes().decode(), high.tobytes().decode()) if is_one else None


def _near_table(words: Collection[str]) -> Mask:
    """Return a mask of the lengths and first two bytes of words, in any case."""
    table = np.zeros((_MAX_LENGTH + 1, 256, 256), dtype=bool)
    for word in filter(None, words):
        for spelling in {word, word.upper(), word.capitalize(), word[0] + word[1:].upper()}:
            start = spelling.encode()
            table[min(len(start), _MAX_LENGTH), start[0], start[min(1, len(start) - 1)]] = True
    return table


def _concatenated(rows: Sequence[Rows]) -> Rows:
    return np.concatenate([np.empty(0, dtype="int64"), *rows])


_GLANCES: Final = (1_000, 50_000)  # texts: the second glance finds thousands of values that repeat


_FEW_DISTINCT: Final = 4_000  # texts: the days of ten years


class TextColumn:
    """One column of text, read again at each step: codes or bytes that are kept would grow with the columns."""

    def __init__(self, column: pd.Series[Any]) -> None:
        self._column = column
        self._few: list[str] | None = None

    @cached_property
    def mostly_differs(self) -> bool:
        """Whether most texts at the start differ, so that factorizing does not pay off."""
        glances = (self._column.iloc[:rows] for rows in _GLANCES)
        return all(glance.nunique() * 2 > len(glance) for glance in glances)

    def factorize(self) -> tuple[npt.NDArray[np.int64], list[str]]:
        """Return the code of each text (-1: missing) and the distinct texts, in order of appearance."""
        codes, texts = factorize_texts(self._column)
        self._few = texts if len(texts) <= _FEW_DISTINCT else None
        return codes, texts

    def distinct(self) -> list[str]:
        """Return the distinct texts, in order of appearance; a few are remembered."""
        return self.factorize()[1] if self._few is None else self._few

    def bytes(self) -> TextBytes | None:
        """Return the bytes of the texts; None if Arrow does not store them."""
        return bytes_of(self._column)


class TextColumns:
    """The text columns of a frame, by position."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self._known: dict[int, TextColumn] = {}

    def __getitem__(self, position: int) -> TextColumn:
        """Return the column at a position."""
        if position not in self._known:
            self._known[position] = TextColumn(self._frame.iloc[:, position])
        return self._known[position]
