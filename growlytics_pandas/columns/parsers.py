"""Parsers of booleans and of numbers as people and spreadsheets write them, and the shapes of the texts they read.

Numbers: ``1,23,456.50``, ``1.234,50 €``, ``(5)``, ``12 %``. Suggestions try the same parsers that the options select,
so a suggested option reads exactly what was tried.

A shape is a text with every digit replaced by 1: a pattern is matched once per shape, and digits are read in bulk.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, NamedTuple, overload

import numpy as np
import numpy.typing as npt

_DIGITS: Final = bytes.maketrans(b"0123456789", b"1" * 10)
_DIGITS_OF_TEXTS: Final = str.maketrans("0123456789", "1" * 10)
_CHUNK: Final = 100_000  # texts: their characters are a few megabytes
_PIECE: Final = 1 << 15  # texts of an Arrow array looked at together
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

    def __init__(self, names: list[str], codes: npt.NDArray[np.integer[Any]], encode: Callable[[], Encoded]) -> None:
        self.names = names
        self.codes = codes
        self._encode = encode

    @classmethod
    def of(cls, texts: Sequence[str]) -> Shapes:
        """Find the shapes of texts, by Arrow where it is installed."""
        if len(texts) > _MANY:
            with suppress(ImportError, UnicodeEncodeError):  # pyarrow is optional, and needs valid Unicode
                import pyarrow as pa  # noqa: PLC0415

                return cls.of_arrow(ArrowTexts([pa.array(texts, pa.large_string())]))
        names = [text.translate(_DIGITS_OF_TEXTS) for text in texts]
        places = {name: place for place, name in enumerate(dict.fromkeys(names))}
        codes = np.fromiter(map(places.__getitem__, names), dtype="int64", count=len(names))
        return cls(list(places), codes, lambda: Encoded.of(texts))

    @classmethod
    def of_arrow(cls, texts: ArrowTexts) -> Shapes:
        """Find the shapes of texts in Arrow arrays."""
        import pyarrow as pa  # noqa: PLC0415 - optional; who has an Arrow array has it

        places: dict[str, int] = {}
        codes = [np.empty(0, dtype="int32")]
        for piece in texts.pieces():
            data, bounds = _buffers(piece.cast(pa.large_string()))
            shapes = pa.py_buffer(data[bounds[0] : bounds[-1]].tobytes().translate(_DIGITS))
            made = pa.LargeStringArray.from_buffers(len(piece), pa.py_buffer(bounds - bounds[0]), shapes)
            found = made.dictionary_encode()
            of_piece = [places.setdefault(name, len(places)) for name in found.dictionary.to_pylist()]
            codes.append(np.array(of_piece, dtype="int32")[found.indices.to_numpy()])
        return cls(list(places), np.concatenate(codes), lambda: _encoded(texts.whole()))

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
        spread: npt.NDArray[np.bool_] = of_shapes[self.codes]
        return spread

    def characters(self, code: int, rows: npt.NDArray[np.int64]) -> Characters:
        """Return the characters of the texts at some positions, all of one shape."""
        data, starts = self._encoded
        return Characters(data, starts[rows], self.names[code])


def _buffers(array: Any) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return the bytes of a large_string array, and where in them its texts begin and the last one ends."""
    _, offsets, data = array.buffers()
    bounds = np.frombuffer(offsets, dtype="int64")[array.offset : array.offset + len(array) + 1]
    return np.frombuffer(data, dtype="uint8") if data is not None else np.empty(0, dtype="uint8"), bounds


def _encoded(array: Any) -> Encoded:
    data, bounds = _buffers(array)
    return Encoded(data, bounds[:-1])


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

    def take(self, places: npt.NDArray[np.int64]) -> list[str]:
        """Return the texts at some positions."""
        return [self[place] for place in places.tolist()]


class ArrowTexts(Sequence[str]):
    """Texts of Arrow arrays, without copies: they become Python strings only when read, piece by piece.

    `chosen`: a mask of the cells that count, none of them missing; by default all that are not missing.
    """

    def __init__(self, chunks: Sequence[Any], chosen: npt.NDArray[np.bool_] | None = None) -> None:
        self._chunks = chunks
        self._chosen = chosen

    def __len__(self) -> int:
        if self._chosen is not None:
            return int(np.count_nonzero(self._chosen))
        return sum(len(chunk) - chunk.null_count for chunk in self._chunks)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        """Return one text, or a list of texts."""
        if isinstance(place, int):
            return self.take(np.array([range(len(self))[place]]))[0]
        return self.take(np.arange(*place.indices(len(self))))

    def __iter__(self) -> Iterator[str]:
        for piece in self.pieces():
            yield from piece.to_pylist()

    def pieces(self) -> Iterator[Any]:
        """Yield the texts as short arrays."""
        first = 0
        for piece in pieces_of(self._chunks):
            stop = first + len(piece)
            found = piece.drop_null() if self._chosen is None else _filtered(piece, self._chosen[first:stop])
            if len(found):
                yield found
            first = stop

    @cached_property
    def shapes(self) -> Shapes:
        """The shapes of the texts."""
        return Shapes.of_arrow(self)

    def whole(self) -> Any:
        """Return the texts as one array of large_string."""
        import pyarrow as pa  # noqa: PLC0415 - optional; who has an Arrow array has it

        chunks = self._chunks if self._chosen is None else list(self.pieces())
        whole = [chunk.cast(pa.large_string()).drop_null() for chunk in chunks]
        return whole[0] if len(whole) == 1 else pa.concat_arrays([pa.array([], pa.large_string()), *whole])

    def take(self, places: npt.NDArray[np.int64]) -> list[str]:
        """Return the texts at some positions."""
        order = np.argsort(places, kind="stable")
        sought, taken, first = places[order], list[str](), 0
        for piece in self.pieces():
            if len(taken) == len(sought):
                break
            here = sought[len(taken) : np.searchsorted(sought, first + len(piece))] - first
            if len(here):
                taken += piece.take(here).to_pylist()
            first += len(piece)
        texts = [""] * len(taken)
        for place, text in zip(order.tolist(), taken, strict=True):
            texts[place] = text
        return texts

    def where(self, mask: npt.NDArray[np.bool_]) -> ArrowTexts:
        """Return the texts that `mask` selects."""
        chosen = self._rows()
        chosen[chosen] = mask
        return ArrowTexts(self._chunks, chosen)

    def without(self, rows: npt.NDArray[np.bool_]) -> ArrowTexts:
        """Return the texts that are not in these cells; `rows` is a mask of all cells."""
        return ArrowTexts(self._chunks, self._rows() & ~rows)

    def joined(self, texts: Sequence[str]) -> ArrowTexts:
        """Return these texts and some more."""
        import pyarrow as pa  # noqa: PLC0415 - optional

        chosen = np.concatenate([self._rows(), np.ones(len(texts), dtype=bool)])
        return ArrowTexts([*self._chunks, pa.array(texts, pa.large_string())], chosen)

    def _rows(self) -> npt.NDArray[np.bool_]:
        """Return a mask of the cells that count."""
        if self._chosen is not None:
            return self._chosen.copy()
        masks = [chunk.is_valid().to_numpy(zero_copy_only=False) for chunk in self._chunks]
        return np.concatenate([np.empty(0, dtype=bool), *masks])


def pieces_of(chunks: Sequence[Any]) -> Iterator[Any]:
    """Yield short slices of Arrow arrays."""
    for chunk in chunks:
        for start in range(0, len(chunk), _PIECE):
            yield chunk[start : start + _PIECE]


def _filtered(piece: Any, mask: npt.NDArray[np.bool_]) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - optional

    return piece if mask.all() else piece.filter(pa.array(mask))


def shapes_of(texts: Sequence[str]) -> Shapes:
    """Return the shapes of texts.

    Examples
    --------
    >>> shapes_of(["31/01/2025", "01/02/2025", "soon"]).names
    ['11/11/1111', 'soon']
    """
    return texts.shapes if isinstance(texts, (Texts, ArrowTexts)) else Shapes.of(texts)


# booleans -----------------------------------------------------------------------------------------------------------


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


_YES: Final = (
    *("true", "yes", "y", "t", "on", "1", "ja", "j", "wahr", "waar", "oui", "o", "vrai", "sí", "si", "sì", "sim", "s"),
    *("verdadero", "verdadeiro", "vero", "tak", "evet", "haan", "हाँ", "हां"),
)
_NO: Final = (
    *("false", "no", "n", "f", "off", "0", "nein", "nee", "nej", "falsch", "onwaar", "non", "faux", "não", "nao"),
    *("falso", "nie", "hayır", "hayir", "nahi", "nahin", "नहीं"),
)
BOOLEAN_WORDS: Final = {**dict.fromkeys(_YES, True), **dict.fromkeys(_NO, False)}
BOOLEAN_ONLY_WITH: Final = MappingProxyType(
    {
        "j": frozenset({"n", "ja", "nein", "nee", "nej"}),
        "o": frozenset({"n", "oui", "non"}),
        "s": frozenset({"n", "no", "sí", "si", "sì", "sim", "não", "nao"}),
        "nie": frozenset({"tak", "t", "n"}),
    }
)
"""Words that may mean something else (O is a blood group and a grade, S a size), unless all others are among these."""


def parse_booleans(texts: Sequence[str]) -> Parsed:
    """Read true/false, yes/no, y/n, t/f, on/off and 1/0 in any case.

    Also ja/nein, oui/non, sí/no, sim/não and the like, and their initials j/n, o/n and s/n.

    Examples
    --------
    >>> parse_booleans(["Yes", "no", "perhaps", "J"])
    Parsed(values=array([ True, False, False,  True]), ok=array([ True,  True, False,  True]))
    """
    found = [BOOLEAN_WORDS.get(text.lower()) for text in texts]
    ok = np.array([value is not None for value in found], dtype=bool)
    return Parsed(np.array([bool(value) for value in found], dtype=bool), ok)


# numbers ------------------------------------------------------------------------------------------------------------

_NUMBER: Final = re.compile(r"[+-]?(\d+)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
MAX_NUMBER_CHARS: Final = 400  # longer than any double; also below Python's limit for reading integers


def number_in(text: str) -> int | Decimal | None:
    """Read a number written in full: ``12``, ``-3.50``, ``1e6``; no thousands separators, no units."""
    text = text.strip()
    match = _NUMBER.fullmatch(text) if len(text) <= MAX_NUMBER_CHARS else None
    if match is None:
        return None
    return Decimal(text) if match[2] or match[3] else int(text)


_MARKS: Final = (".", ",")

_SIGNS_OF: Final = MappingProxyType(
    {
        "₹": "INR",
        "$": "USD",
        "€": "EUR",
        "£": "GBP",
        "¥": "JPY",
        "₩": "KRW",
        "₽": "RUB",
        "₺": "TRY",
        "₪": "ILS",
        "₫": "VND",
        "₱": "PHP",
        "฿": "THB",
        "₦": "NGN",
        "₴": "UAH",
        "৳": "BDT",
        "﷼": "IRR",
        "₨": "INR",
        "RS.": "INR",
        "RS": "INR",
        "EURO": "EUR",
        "EUROS": "EUR",
        "US$": "USD",
        "A$": "AUD",
        "C$": "CAD",
        "S$": "SGD",
        "HK$": "HKD",
        "R$": "BRL",
    }
)
_CODES: Final = (
    *("INR", "USD", "EUR", "GBP", "JPY", "CNY", "AUD", "CAD", "SGD", "AED", "SAR", "QAR", "KWD", "OMR", "BHD", "CHF"),
    *("SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "TRY", "RUB", "ZAR", "NGN", "KES", "EGP", "BRL", "MXN", "ARS", "CLP"),
    *("COP", "IDR", "MYR", "THB", "PHP", "VND", "KRW", "HKD", "TWD", "NZD", "PKR", "BDT", "LKR", "NPR", "ILS", "UAH"),
)
_CURRENCY: Final = "|".join(
    ("US\\$", "HK\\$", "[ACSR]\\$", "[Rr][Ss]\\.?", "INR|inr|Inr", "[Ee]uros?", *_CODES[1:], "[₹$€£¥₩₽₺₪₫₱฿₦₴৳﷼₨]")
)
_SPACES: Final = " \u00a0\u2007\u2009\u202f"  # plain, not to break at, as wide as a digit, thin, narrow
_GAP: Final = f"[{_SPACES}]*"
_SIGN: Final = "[+\u2212-]"


def parse_numbers(texts: Sequence[str], decimal: str) -> Parsed:
    """Read texts as numbers.

    Digits may be grouped by the other mark, by spaces or by apostrophes, in threes or in the Indian style. One currency
    before or after the number is removed, and so is ``%``; parentheses mean minus. Every digit is kept.

    Parameters
    ----------
    texts : sequence of str
        Distinct texts without surrounding white space.
    decimal : {".", ","}
        The decimal mark.

    Examples
    --------
    >>> parsed = parse_numbers(["1,23,456.50", "₹ 99", "(5)", "12 %", "1,2,3"], ".")
    >>> parsed.values, parsed.ok
    ([Decimal('123456.50'), 99, -5, 12, 0], array([ True,  True,  True,  True, False]))
    """
    values: list[int | Decimal] = [0] * len(texts)
    ok = are_numbers(texts, decimal)
    shapes = shapes_of(texts)
    table = str.maketrans({**dict.fromkeys(f"{_SPACES}'’{',' if decimal == '.' else '.'}"), decimal: "."})
    for code, shape in enumerate(shapes.names):
        form = _form_of(shape, decimal)
        if form is not None:
            rows = [row for row in shapes.rows(code).tolist() if ok[row]]
            digits = [texts[row][form.start : form.end] for row in rows]
            for row, value in zip(rows, _numbers_of_form(digits, form, table), strict=True):
                values[row] = value
    return Parsed(values, ok)


def are_numbers(texts: Sequence[str], decimal: str) -> npt.NDArray[np.bool_]:
    """Return a mask of the texts that `parse_numbers` reads, without reading their values.

    Examples
    --------
    >>> are_numbers(["1,234", "12,5", "soon"], ".")
    array([ True, False, False])
    """
    shapes = shapes_of(texts)
    ok = shapes.spread([_form_of(shape, decimal) is not None for shape in shapes.names])
    for code, shape in enumerate(shapes.names):
        form = _form_of(shape, decimal)
        if form is not None and form.is_grouped:
            for rows in shapes.chunks(code):  # 0,125 has a decimal comma
                ok[rows] = shapes.characters(code, rows).number(form.start, form.start + 1) != 0
    return ok


def currencies(texts: Iterable[str]) -> set[str]:
    """Return the currencies of amounts, by their codes; the sign ``$`` counts as USD.

    Examples
    --------
    >>> sorted(currencies(["₹ 5", "Rs. 5", "$5", "5"]))
    ['INR', 'USD']
    """
    found: set[str] = set()
    for text in texts:
        match = None if text.isdigit() else _ANY_CURRENCY.search(text)
        if match is not None:
            written = match[0].upper()
            found.add(_SIGNS_OF.get(written, written))
    return found


def _pattern_of(decimal: str) -> re.Pattern[str]:
    mark = re.escape(decimal)
    other = "," if decimal == "." else r"\."
    grouped = "|".join(
        [
            rf"[1-9][0-9]{{0,2}}(?:{other}[0-9]{{3}})+",
            rf"[1-9][0-9]{{0,2}}(?:(?P<gap>[{_SPACES}])[0-9]{{3}})(?:(?P=gap)[0-9]{{3}})*",
            r"[1-9][0-9]{0,2}(?:(?P<quote>['’])[0-9]{3})(?:(?P=quote)[0-9]{3})*",
            *([r"[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}"] if decimal == "." else []),
        ]
    )
    exponent = r"(?:[eE][+-]?[0-9]+)?"
    number = rf"(?P<number>(?P<grouped>{grouped})(?:{mark}[0-9]+)?|(?:[0-9]+(?:{mark}[0-9]+)?|{mark}[0-9]+){exponent})"
    before = rf"(?:(?P<before>{_CURRENCY}){_GAP})?"
    after = rf"(?:{_GAP}(?P<after>{_CURRENCY})|(?P<percent>{_GAP}%)|(?P<only>/-))?"
    signed = rf"(?P<sign>{_SIGN})?{_GAP}{before}(?P<sign_2>{_SIGN})?{number}(?P<trailing>-)?{after}"
    return re.compile(rf"(?:(?P<open>\(){_GAP})?{signed}(?(open){_GAP}\)(?:{_GAP}%)?)")


_ANY_CURRENCY: Final = re.compile(rf"(?<![A-Za-z])(?:{_CURRENCY})(?![A-Za-z])")


@dataclass(frozen=True, slots=True)
class _Form:
    """Where the digits are in the texts of one shape."""

    start: int
    end: int
    is_negative: bool
    is_grouped: bool
    is_whole: bool


@functools.lru_cache(maxsize=4096)
def _form_of(shape: str, decimal: str) -> _Form | None:
    """Return where the digits are in texts of a shape; None if the shape is not a number."""
    match = _PATTERNS[decimal].fullmatch(shape) if len(shape) <= MAX_NUMBER_CHARS else None
    if match is None:
        return None
    signs = [match[name] for name in ("sign", "sign_2", "trailing", "open") if match[name]]
    if len(signs) > 1 or (match["before"] and (match["after"] or match["percent"])):
        return None
    number = match["number"]
    return _Form(
        *match.span("number"),
        is_negative=bool(signs) and signs[0] != "+",
        is_grouped=match["grouped"] is not None,
        is_whole=decimal not in number and "e" not in number.lower(),
    )


def _numbers_of_form(digits: list[str], form: _Form, table: Mapping[int, Any]) -> Iterable[int | Decimal]:
    """Return the numbers of texts of one form."""
    if digits and (form.is_grouped or not form.is_whole):
        digits = "\n".join(digits).translate(table).split("\n")
    numbers: Iterable[int | Decimal] = map(int if form.is_whole else Decimal, digits)
    return [-number for number in numbers] if form.is_negative else numbers


_PATTERNS: Final = MappingProxyType({decimal: _pattern_of(decimal) for decimal in _MARKS})
