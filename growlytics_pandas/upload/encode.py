"""From a block to request bodies, column by column: byte-exact JSON, every digit kept, nothing for what is missing."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

from growlytics_pandas.checks.schema import Block, Column
from growlytics_pandas.columns.convert import Values, date_texts
from growlytics_pandas.columns.dtypes import AttributeType, Mask
from growlytics_pandas.ledger.digests import Digester
from growlytics_pandas.ledger.value_log import ABSENT


class Tracked(NamedTuple):
    """Digests of the single values of some bodies, 0 where a body lacks the attribute: bodies × attributes."""

    names: tuple[str, ...]
    values: npt.NDArray[np.uint16]


class Encoded(NamedTuple):
    """Rows of a frame as they are sent: positions, bodies, ids, and which row carries which custom attribute."""

    rows: npt.NDArray[np.int64]
    bodies: list[bytes]
    ids: list[str]
    present: dict[str, Mask]
    tracked: Tracked | None = None

    def take(self, chosen: Mask) -> "Encoded":
        """Return some of the rows."""
        places = np.flatnonzero(chosen).tolist()
        present = {name: mask[chosen] for name, mask in self.present.items()}
        tracked = self.tracked and Tracked(self.tracked.names, self.tracked.values[chosen])
        bodies, ids = [self.bodies[i] for i in places], [self.ids[i] for i in places]
        return Encoded(self.rows[chosen], bodies, ids, present, tracked)


_SEPARATOR: Final = "\x1e"  # a control character that JSON must escape, so it can be found again
_ESCAPED: Final = "\\u001e"


def encode_block(block: Block, keep: Mask, top_level_name: str | None = None) -> list[bytes]:
    """Write one body for each row of `block` where `keep` is set, in order.

    Every attribute that all rows have is baked into one template; the others bring their own text or none.
    """
    rows = None if keep.all() else np.flatnonzero(keep).tolist()
    template, fields = _template(block.columns, top_level_name)
    ids = _chosen(escaped(block.ids.texts), rows)
    columns = [_chosen(field, rows) for field in fields]
    return [(template % row).encode() for row in zip(ids, *columns, strict=True)]


def track_block(block: Block, keep: Mask, digester: Digester) -> Tracked:
    """Digest the values of each row of `block` where `keep` is set, one by one."""
    values = np.zeros((int(keep.sum()), len(block.columns)), dtype=np.uint16)
    for at, column in enumerate(block.columns):
        digests = digester.values(column.attribute.name, _written(column.values))
        values[:, at] = np.where(column.sent, digests, ABSENT)[keep]
    return Tracked(tuple(column.attribute.name for column in block.columns), values)


def _chosen(items: list[str], rows: list[int] | None) -> list[str]:
    return items if rows is None else [items[row] for row in rows]


def _template(columns: Iterable[Column], top_level_name: str | None) -> tuple[str, list[list[str]]]:
    """Return the text of a body with a ``%s`` for the id and each field, and the fields.

    A field that may be absent carries its comma: behind it before the first attribute that is always there, in front
    of it after. Without such an attribute the commas are joined row by row.
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
    """Join the attributes of each row, where no attribute is in all of them."""
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
    """Write the values of one column as JSON without the quotes, fillers included."""
    return _WRITERS[values.type](values.values)


def escaped(texts: list[str]) -> list[str]:
    """Write texts as JSON strings without their quotes: all in one call, cut apart at what none of them can hold."""
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
