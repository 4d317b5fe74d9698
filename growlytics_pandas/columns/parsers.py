"""What parsers return, and the shapes of the texts that they read.

A shape is a text with every digit replaced by 1: a pattern is matched once per shape, and digits are read in bulk.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import cached_property
from typing import Any, Final, NamedTuple, overload

import numpy as np
import numpy.typing as npt


class Parsed(NamedTuple):
    """The values of some texts, read as numbers or booleans.

    Attributes
    ----------
    values : array or list
        Numbers: a list of int and Decimal, with every digit. Booleans: a bool array. A filler where `ok` is False.
    ok : array of bool
        Which texts were read.
    """

    values: Any
    ok: npt.NDArray[np.bool_]


_DIGITS: Final = bytes.maketrans(b"0123456789", b"1" * 10)
_DIGITS_OF_TEXTS: Final = str.maketrans("0123456789", "1" * 10)
_CHUNK: Final = 100_000  # texts: their characters are a few megabytes
_MANY: Final = 1000  # texts: from here on Arrow is faster
_ZERO: Final = ord("0")


class Encoded(NamedTuple):
    """Texts in UTF-8: all bytes, and where each text starts."""

    data: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Encoded:
        """Encode texts."""
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        ends = np.cumsum([0, *map(len, encoded)])
        return cls(np.frombuffer(b"".join(encoded), dtype="uint8"), ends[:-1])


class Shapes:
    """The shapes of some texts.

    Attributes
    ----------
    names : list of str
        The distinct shapes: ``11/11/1111``.
    codes : array
        For each text, the position of its shape in `names`.
    """

    def __init__(self, names: list[str], codes: npt.NDArray[np.int64], encode: Callable[[], Encoded]) -> None:
        self.names = names
        self.codes = codes
        self._encode = encode

    @classmethod
    def of(cls, texts: Sequence[str]) -> Shapes:
        """Find the shapes of texts, by Arrow where it is installed."""
        if len(texts) > _MANY:
            with suppress(ImportError, UnicodeEncodeError):  # pyarrow is optional, and needs valid Unicode
                import pyarrow as pa  # noqa: PLC0415

                return cls.of_arrow(pa.array(texts, pa.large_string()))
        names = [text.translate(_DIGITS_OF_TEXTS) for text in texts]
        places = {name: place for place, name in enumerate(dict.fromkeys(names))}
        codes = np.fromiter(map(places.__getitem__, names), dtype="int64", count=len(names))
        return cls(list(places), codes, lambda: Encoded.of(texts))

    @classmethod
    def of_arrow(cls, array: Any) -> Shapes:
        """Find the shapes of a large_string array without missing texts."""
        import pyarrow as pa  # noqa: PLC0415 - optional; who has an Arrow array has it

        _, offsets, data = array.buffers()
        shapes = pa.py_buffer(memoryview(data).tobytes().translate(_DIGITS))
        made = pa.LargeStringArray.from_buffers(len(array), offsets, shapes, None, 0, array.offset)
        found = made.dictionary_encode()
        starts = np.frombuffer(offsets, dtype="int64")[array.offset : array.offset + len(array)]
        encoded = Encoded(np.frombuffer(data, dtype="uint8"), starts)
        return cls(found.dictionary.to_pylist(), found.indices.to_numpy().astype("int64"), lambda: encoded)

    @cached_property
    def _encoded(self) -> Encoded:
        return self._encode()

    @cached_property
    def _order(self) -> npt.NDArray[np.int64]:
        return np.argsort(self.codes, kind="stable")

    @cached_property
    def _bounds(self) -> npt.NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum(np.bincount(self.codes, minlength=len(self.names)))])

    def rows(self, code: int) -> npt.NDArray[np.int64]:
        """Return the positions of the texts of one shape."""
        return self._order[self._bounds[code] : self._bounds[code + 1]]

    def chunks(self, code: int) -> Iterator[npt.NDArray[np.int64]]:
        """Return the same positions in chunks, to limit memory."""
        rows = self.rows(code)
        return (rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK))

    def spread(self, holds: Sequence[bool] | npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Return for each text the value of its shape."""
        of_shapes: npt.NDArray[np.bool_] = np.array(holds, dtype=bool)
        return of_shapes[self.codes]

    def characters(self, code: int, rows: npt.NDArray[np.int64]) -> Characters:
        """Return the characters of the texts at some positions, all of one shape."""
        data, starts = self._encoded
        return Characters(data, starts[rows], self.names[code])


class Characters(NamedTuple):
    """The characters of texts of one shape, to read digits in bulk."""

    data: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.int64]
    shape: str

    def number(self, start: int, end: int) -> npt.NDArray[np.int64]:
        """Return the digits from `start` to `end` as numbers."""
        first = len(self.shape[:start].encode("utf-8", "surrogatepass"))
        value = np.zeros(len(self.starts), dtype="int64")
        for place in range(first, first + end - start):
            value = value * 10 + (self.data[self.starts + place].astype("int64") - _ZERO)
        return value


class Texts(list[str]):
    """Texts that several parsers try: their shapes are computed once."""

    @cached_property
    def shapes(self) -> Shapes:
        """The shapes of the texts."""
        return Shapes.of(self)

    def where(self, mask: npt.NDArray[np.bool_]) -> Texts:
        """Return the texts that `mask` selects."""
        return Texts(itertools.compress(self, mask.tolist()))


class ArrowTexts(Sequence[str]):
    """The texts of an Arrow array without missing ones; they become Python strings only when read one by one."""

    def __init__(self, array: Any) -> None:
        self._array = array

    def __len__(self) -> int:
        return len(self._array)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        """Return one text, or a list of texts."""
        if isinstance(place, int):
            return self._listed[place]
        texts: list[str] = self._array[place].to_pylist()
        return texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed)

    @cached_property
    def _listed(self) -> list[str]:
        texts: list[str] = self._array.to_pylist()
        return texts

    @cached_property
    def shapes(self) -> Shapes:
        """The shapes of the texts."""
        return Shapes.of_arrow(self._array)

    def take(self, places: npt.NDArray[np.int64]) -> list[str]:
        """Return the texts at some positions."""
        import pyarrow as pa  # noqa: PLC0415 - optional

        texts: list[str] = self._array.take(pa.array(places)).to_pylist()
        return texts

    def where(self, mask: npt.NDArray[np.bool_]) -> ArrowTexts:
        """Return the texts that `mask` selects."""
        import pyarrow as pa  # noqa: PLC0415 - optional

        return ArrowTexts(self._array.filter(pa.array(mask)))


def shapes_of(texts: Sequence[str]) -> Shapes:
    """Return the shapes of texts.

    Examples
    --------
    >>> shapes_of(["31/01/2025", "01/02/2025", "soon"]).names
    ['11/11/1111', 'soon']
    """
    return texts.shapes if isinstance(texts, (Texts, ArrowTexts)) else Shapes.of(texts)


BOOLEAN_WORDS: Final = {
    **dict.fromkeys(("true", "yes", "y", "t", "on", "1"), True),
    **dict.fromkeys(("false", "no", "n", "f", "off", "0"), False),
}


_NUMBER: Final = re.compile(r"[+-]?(\d+)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


MAX_NUMBER_CHARS: Final = 400  # longer than any double; also below Python's limit for reading integers


def number_in(text: str) -> int | Decimal | None:
    """Read a number written in full: ``12``, ``-3.50``, ``1e6``; no thousands separators, no units."""
    text = text.strip()
    match = _NUMBER.fullmatch(text) if len(text) <= MAX_NUMBER_CHARS else None
    if match is None:
        return None
    return Decimal(text) if match[2] or match[3] else int(text)
