"""Encode a block as request bodies, column by column: byte-exact JSON, all digits, missing values left out."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

from growlytics_pandas.checks.schema import Block, Column
from growlytics_pandas.columns.convert import Values, date_texts
from growlytics_pandas.columns.dtypes import AttributeType, Mask


class Encoded(NamedTuple):
    """Encoded rows of a frame: positions, bodies, ids, and which row has which custom attribute."""

    rows: npt.NDArray[np.int64]
    bodies: list[bytes]
    ids: list[str]
    present: dict[str, Mask]

    def take(self, chosen: Mask) -> "Encoded":
        """Return some of the rows."""
        places = np.flatnonzero(chosen).tolist()
        present = {name: mask[chosen] for name, mask in self.present.items()}
        return Encoded(self.rows[chosen], [self.bodies[i] for i in places], [self.ids[i] for i in places], present)


_SEPARATOR: Final = "\x1e"  # a control character that JSON escapes, so it cannot occur in the output
_ESCAPED: Final = "\\u001e"


def encode_block(block: Block, keep: Mask, top_level_name: str | None = None) -> list[bytes]:
    """Write one body for each row of `block` where `keep` is set, in order.

    Attributes that all rows have are part of one template; each row adds the text of its other attributes.
    """
    rows = None if keep.all() else np.flatnonzero(keep).tolist()
    template, fields = _template(block.columns, top_level_name)
    ids = _chosen(escaped(block.ids.texts), rows)
    columns = [_chosen(field, rows) for field in fields]
    return [(template % row).encode() for row in zip(ids, *columns, strict=True)]


def _chosen(items: list[str], rows: list[int] | None) -> list[str]:
    return items if rows is None else [items[row] for row in rows]


def _template(columns: Iterable[Column], top_level_name: str | None) -> tuple[str, list[list[str]]]:
    """Return the template of a body, with a ``%s`` for the id and each field, and the fields.

    An optional field includes its comma: after it if it precedes the first attribute that is always present, else
    before it. Without such an attribute the fields are joined row by row.
    """
    columns = list(columns)
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
            fields.append(_written(column.values))
        else:
            parts.append("%s")
            fields.append(_optional(column, start, end))
    return "".join(parts) + "]}", fields


def _joined(columns: list[Column]) -> list[str]:
    """Join the attributes of each row, if no attribute is in all rows."""
    fragments = [_optional(column, _prefix(column), _suffix(column)) for column in columns]
    return [",".join(filter(None, row)) for row in zip(*fragments, strict=True)]


def _optional(column: Column, start: str, end: str) -> list[str]:
    texts = _written(column.values)
    return [start + text + end if sent else "" for text, sent in zip(texts, column.sent.tolist(), strict=True)]


def _prefix(column: Column) -> str:
    name, kind = _token(column.attribute.name), column.values.type.value
    return f'{{"name":{name},"type":"{kind}","value":{_quote(column)}'


def _suffix(column: Column) -> str:
    return _quote(column) + "}"


def _quote(column: Column) -> str:
    return '"' if column.values.type in _QUOTED else ""


def _written(values: Values) -> list[str]:
    """Return the values of one column as JSON without quotes, including fillers."""
    return _WRITERS[values.type](values.values)


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
    if isinstance(values, list) or values.dtype == np.float16:
        return list(map(str, values))  # a float16's own digits; orjson would write those of a float32
    if not len(values):
        return []
    written = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)
    return written[1:-1].decode().split(",")


def _boolean_tokens(values: Any) -> list[str]:
    return ["true" if value else "false" for value in values.tolist()]


_WRITERS: Final[Mapping[AttributeType, Callable[[Any], list[str]]]] = {
    AttributeType.STRING: escaped,
    AttributeType.NUMBER: _number_tokens,
    AttributeType.BOOLEAN: _boolean_tokens,
    AttributeType.DATE: date_texts,
}
_QUOTED: Final = (AttributeType.STRING, AttributeType.DATE)
