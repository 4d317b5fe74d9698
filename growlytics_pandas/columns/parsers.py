"""What parsers return, and the shapes of the texts that they read.

A shape is a text with every digit replaced by 1: a pattern is matched once per shape, and digits are read in bulk.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
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
_CHUNK: Final = 100_000  # texts: their characters are a few megabytes
_MANY: Final = 1000  # texts: from here on Arrow is faster
_ZERO: Final = ord("0")
_NINE: Final = ord("9")


class _Encoded(NamedTuple):
    """Texts in UTF-8: all bytes, and where each text starts."""

    data: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.int64]


class Shapes:
    """The shapes of some texts.

    Attributes
    ----------
    names : list of str
        The distinct shapes: ``11/11/1111``.
    codes : array
        For each text, the position of its shape in `names`.
    """

    def __init__(
        self, texts: Sequence[str], names: list[str], codes: npt.NDArray[np.int64], encoded: _Encoded | None = None
    ) -> None:
        self._texts = texts
        self.names = names
        self.codes = codes
        self._encoded = encoded

    @classmethod
    def of(cls, texts: Sequence[str]) -> Shapes:
        """Find the shapes of texts, by Arrow where it is installed."""
        found = _by_arrow(texts) if len(texts) > _MANY else None
        if found is not None:
            return cls(texts, *found)
        known: dict[str, int] = {}
        codes: list[int] = []
        for start in range(0, len(texts), _CHUNK):
            names = _names(texts[start : start + _CHUNK])
            for name in dict.fromkeys(names):
                known.setdefault(name, len(known))
            codes += map(known.__getitem__, names)
        return cls(texts, list(known), np.array(codes, dtype="int64"))

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
        if self._encoded is None:
            joined = "".join([self._texts[row] for row in rows.tolist()]).encode("utf-32-le", "surrogatepass")
            chars: npt.NDArray[Any] = np.frombuffer(joined, dtype="<u4").reshape(len(rows), -1)
            return Characters(lambda place: chars[:, place], len(rows))
        data, starts, shape = self._encoded.data, self._encoded.starts[rows], self.names[code]
        return Characters(lambda place: data[starts + len(shape[:place].encode())], len(rows))

    def where(self, mask: npt.NDArray[np.bool_], texts: Sequence[str]) -> Shapes:
        """Return the shapes of `texts`, those that `mask` selects."""
        codes = self.codes[mask]
        used = np.bincount(codes, minlength=len(self.names)) > 0
        names = list(itertools.compress(self.names, used.tolist()))
        encoded = self._encoded and self._encoded._replace(starts=self._encoded.starts[mask])
        return Shapes(texts, names, (np.cumsum(used) - 1)[codes], encoded)


class Texts(list[str]):
    """Texts that several parsers try: their shapes are computed once."""

    @cached_property
    def shapes(self) -> Shapes:
        """The shapes of the texts."""
        return Shapes.of(self)

    def where(self, mask: npt.NDArray[np.bool_]) -> Texts:
        """Return the texts that `mask` selects."""
        kept = Texts(itertools.compress(self, mask.tolist()))
        if "shapes" in self.__dict__:
            kept.__dict__["shapes"] = self.shapes.where(mask, kept)
        return kept


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
        return Shapes(self, *_shapes_in(self._array))

    def take(self, places: npt.NDArray[np.int64]) -> list[str]:
        """Return the texts at some positions."""
        import pyarrow as pa  # noqa: PLC0415 - optional

        texts: list[str] = self._array.take(pa.array(places)).to_pylist()
        return texts

    def where(self, mask: npt.NDArray[np.bool_]) -> ArrowTexts:
        """Return the texts that `mask` selects."""
        import pyarrow as pa  # noqa: PLC0415 - optional

        kept = ArrowTexts(self._array.filter(pa.array(mask)))
        if "shapes" in self.__dict__:
            kept.__dict__["shapes"] = self.shapes.where(mask, kept)
        return kept


def shapes_of(texts: Sequence[str]) -> Shapes:
    """Return the shapes of texts.

    Examples
    --------
    >>> shapes_of(["31/01/2025", "01/02/2025", "soon"]).names
    ['11/11/1111', 'soon']
    """
    return texts.shapes if isinstance(texts, (Texts, ArrowTexts)) else Shapes.of(texts)


def _by_arrow(texts: Sequence[str]) -> tuple[list[str], npt.NDArray[np.int64], _Encoded] | None:
    """Return the distinct shapes, their codes and the encoded texts; None without Arrow or with invalid Unicode."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - pyarrow is optional

        return _shapes_in(pa.array(texts, pa.large_string()))
    except (ImportError, UnicodeEncodeError):
        return None


def _shapes_in(array: Any) -> tuple[list[str], npt.NDArray[np.int64], _Encoded]:
    """Return the distinct shapes of a large_string array, their codes and the encoded texts."""
    import pyarrow as pa  # noqa: PLC0415 - optional; who has an Arrow array has it

    _, offsets, data = array.buffers()
    shapes = pa.py_buffer(memoryview(data).tobytes().translate(_DIGITS))
    made = pa.LargeStringArray.from_buffers(len(array), offsets, shapes, None, 0, array.offset)
    found = made.dictionary_encode()
    starts = np.frombuffer(offsets, dtype="int64")[array.offset : array.offset + len(array)]
    encoded = _Encoded(np.frombuffer(data, dtype="uint8"), starts)
    return found.dictionary.to_pylist(), found.indices.to_numpy().astype("int64"), encoded


def _names(texts: Sequence[str]) -> list[str]:
    joined = "\0".join(texts)
    if joined.isascii():
        names = joined.encode().translate(_DIGITS).decode().split("\0")
    else:
        chars = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype="<u4").copy()
        chars[(chars >= _ZERO) & (chars <= _NINE)] = _ZERO + 1
        names = chars.tobytes().decode("utf-32-le", "surrogatepass").split("\0")
    if len(names) == len(texts):
        return names
    return [re.sub("[0-9]", "1", text) for text in texts]


class Characters:
    """The characters of texts of one shape, to read digits in bulk; `at` returns those at a place."""

    def __init__(self, at: Callable[[int], npt.NDArray[Any]], count: int) -> None:
        self._at = at
        self._count = count

    def number(self, start: int, end: int) -> npt.NDArray[np.int64]:
        """Return the digits from `start` to `end` as numbers."""
        value = np.zeros(self._count, dtype="int64")
        for place in range(start, end):
            value = value * 10 + (self._at(place).astype("int64") - _ZERO)
        return value


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
