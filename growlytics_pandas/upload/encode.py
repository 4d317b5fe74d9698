"""Encode a block as request bodies, column by column: byte-exact JSON, all digits, missing values left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

from growlytics_pandas.columns.convert import Values, date_texts
from growlytics_pandas.columns.dtypes import Mask, starts
from growlytics_pandas.contract import RESERVED_ATTRIBUTES, AttributeType
from growlytics_pandas.ledger.digests import CellColumn, Digests, by_digits


@dataclass(frozen=True)
class Encoded:
    """Rows of a frame as they are sent. Bodies are encoded on demand: unchanged rows need none.

    Attributes
    ----------
    rows : array of int
        Positions in the frame.
    ids : list of str
        The id of each row.
    columns : tuple of CellColumn
        The attributes; cells that are not sent hold a filler.
    top_level_name : str or None
        The ``name`` next to the id, the same in each body.
    """

    rows: npt.NDArray[np.int64]
    ids: list[str]
    columns: tuple[CellColumn, ...]
    top_level_name: str | None

    @property
    def present(self) -> dict[str, Mask]:
        """Which row carries which custom attribute."""
        return {column.name: column.sent for column in self.columns if column.name not in RESERVED_ATTRIBUTES}

    @property
    def cells(self) -> Iterator[CellColumn]:
        """All that the bodies have beside the ids, as the ledger digests it."""
        yield from self.columns
        if self.top_level_name is not None:
            yield CellColumn("", "name", [self.top_level_name] * len(self.rows), np.ones(len(self.rows), dtype=bool))

    @cached_property
    def bodies(self) -> list[bytes]:
        """One request body a row."""
        return encode_rows(self.ids, self.columns, self.top_level_name)

    def take(self, chosen: Mask | slice) -> Encoded:
        """Return some of the rows."""
        columns = [
            column._replace(values=_taken(column.values, chosen), sent=column.sent[chosen]) for column in self.columns
        ]
        return Encoded(self.rows[chosen], _taken(self.ids, chosen), tuple(columns), self.top_level_name)

    def split(self, size: int) -> Iterator[Encoded]:
        """Give the rows in chunks: an empty one if there are none, so that a consumer of chunks continues."""
        for start, stop in starts(max(len(self.rows), 1), size):
            yield self.take(slice(start, stop))


@dataclass(frozen=True, slots=True)
class PartDigests:
    """Digests of a part's rows to send, and which row has which attribute (packed bits)."""

    rows: npt.NDArray[np.int64]
    digests: Digests
    names: tuple[str, ...]
    carried: npt.NDArray[np.uint8]

    def present(self) -> Mask | None:
        """Return rows × attributes; None without attributes."""
        return np.unpackbits(self.carried, axis=1, count=len(self.names)).astype(bool) if self.names else None


def _taken(items: Any, chosen: Mask | slice) -> Any:
    if isinstance(chosen, slice) or isinstance(items, np.ndarray):
        return items[chosen]
    return list(compress(items, chosen.tolist()))


def as_sent(values: Values) -> list[str | None]:
    """Return values as they are in a body, without JSON's quotes and escapes; None for those that are not sent."""
    texts = values.values if values.type is AttributeType.STRING else _WRITERS[values.type](values.values)
    return [text if sent else None for text, sent in zip(texts, values.sent.tolist(), strict=True)]


_SEPARATOR: Final = "\x1e"  # a control character that JSON escapes, so it cannot occur in the output
_ESCAPED: Final = "\\u001e"


def encode_rows(ids: list[str], columns: Sequence[CellColumn], top_level_name: str | None = None) -> list[bytes]:
    """Write one body a row.

    Attributes that all rows have are part of one template; each row adds the text of its other attributes.
    """
    template, fields = _template(columns, top_level_name)
    return [(template % row).encode() for row in zip(escaped(ids), *fields, strict=True)]


def _template(columns: Sequence[CellColumn], top_level_name: str | None) -> tuple[str, list[list[str]]]:
    """Return the template of a body, with a ``%s`` for the id and each field, and the fields.

    An optional field includes its comma: after it if it precedes the first attribute that is always present, else
    before it. Without such an attribute the fields are joined row by row.
    """
    name = "" if top_level_name is None else f'"name":{_token(top_level_name)},'
    head = '{"id":"%s",' + name.replace("%", "%%") + '"attributes":['
    if not columns:
        return head + "]}", []
    fixed = next((i for i, column in enumerate(columns) if column.sent.all()), None)
    if fixed is None:
        return head + "%s]}", [_joined(columns)]
    parts, fields = [head], []
    for i, column in enumerate(columns):
        before, after = ("," if i > fixed else ""), ("," if i < fixed else "")
        start, end = before + _prefix(column), _suffix(column) + after
        if column.sent.all():
            parts.append(start.replace("%", "%%") + "%s" + end)
            fields.append(_written(column))
        else:
            parts.append("%s")
            fields.append(_optional(column, start, end))
    return "".join(parts) + "]}", fields


def _joined(columns: Sequence[CellColumn]) -> list[str]:
    """Join the attributes of each row, if no attribute is in all rows."""
    fragments = [_optional(column, _prefix(column), _suffix(column)) for column in columns]
    return [",".join(filter(None, row)) for row in zip(*fragments, strict=True)]


def _optional(column: CellColumn, start: str, end: str) -> list[str]:
    return [
        start + text + end if sent else "" for text, sent in zip(_written(column), column.sent.tolist(), strict=True)
    ]


def _prefix(column: CellColumn) -> str:
    return f'{{"name":{_token(column.name)},"type":"{column.type}","value":{_quote(column)}'


def _suffix(column: CellColumn) -> str:
    return _quote(column) + "}"


def _quote(column: CellColumn) -> str:
    return '"' if column.type in _QUOTED else ""


def _written(column: CellColumn) -> list[str]:
    """Return the values of one column as JSON without quotes, including fillers."""
    return _WRITERS[column.type](column.values)


def escaped(texts: list[str]) -> list[str]:
    """Return texts as JSON strings without quotes: encoded in one call, then split at a separator none can contain."""
    if not texts:
        return []
    joined = _SEPARATOR.join(texts)
    if _ESCAPED in joined or joined.count(_SEPARATOR) != len(texts) - 1:
        return [_token(text)[1:-1] for text in texts]
    return _token(joined)[1:-1].split(_ESCAPED)


def _token(text: str) -> str:
    return orjson.dumps(text).decode()


def _number_tokens(values: Any) -> list[str]:
    """Return numbers as JSON, whole floats like integers: a blank cell makes a column of integers one of floats."""
    if isinstance(values, list):
        return [_float_token(str(value)) if isinstance(value, float) else str(value) for value in values]
    if not len(values):
        return []
    if values.dtype.kind == "f":
        values = by_digits(values) + 0.0  # shorter floats have an exponent where a float64 has one; -0.0 is 0
    tokens = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].decode()
    return f"{tokens},".replace(".0,", ",")[:-1].split(",")


def _float_token(text: str) -> str:
    if not text.endswith(".0"):
        return text
    return "0" if text == "-0.0" else text[:-2]


def _boolean_tokens(values: Any) -> list[str]:
    return ["true" if value else "false" for value in values.tolist()]


_WRITERS: Final[Mapping[str, Callable[[Any], list[str]]]] = {
    AttributeType.STRING: escaped,
    AttributeType.NUMBER: _number_tokens,
    AttributeType.BOOLEAN: _boolean_tokens,
    AttributeType.DATE: date_texts,
}
_QUOTED: Final = (AttributeType.STRING, AttributeType.DATE)
