"""The schema of a frame: which columns become which attributes; and blocks of converted rows.

The schema has the chosen columns, their names and their types. `prepare` converts a block of rows, so that checks and
encoder use the same values.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas._masking import MIN_HUGE_BITS, printable
from growlytics_pandas._text import argument, phrase
from growlytics_pandas.columns.convert import Values
from growlytics_pandas.columns.dtypes import BLOCK_ROWS, ColumnKind, Kind, Mask, absent, classify
from growlytics_pandas.columns.frames import count_reject_labels
from growlytics_pandas.columns.plan_options import (
    DEFAULT_READING,
    Keep,
    NewAttributes,
    PlanOptions,
    Reading,
    did_you_mean,
    is_same,
    read_zone,
)
from growlytics_pandas.columns.reading import (
    Ids,
    clean,
    find_currencies,
    read_ids,
    read_values,
    unread_ids,
)
from growlytics_pandas.contract import AttributeType
from growlytics_pandas.errors import DataError, InvalidArgumentError
from growlytics_pandas.ledger.types import UNCERTAIN, KnownType


@dataclass(frozen=True, slots=True)
class Attribute:
    """One column to send: its position, its attribute name and the type of its cells (None: nothing is sent)."""

    position: int
    column: Hashable
    name: str
    type: AttributeType | None
    kind: Kind
    strict: bool
    dtype: str
    missing: int
    note: str
    known: KnownType | None = None
    reading: Reading = DEFAULT_READING
    currencies: frozenset[str] = frozenset()
    unsupported: str = ""  # the classes or the dtype of values that cannot be sent

    @property
    def place(self) -> tuple[int, Hashable, str]:
        """Where its violations are."""
        return self.position, self.column, self.name

    @property
    def is_reserved(self) -> bool:
        """Whether it is a reserved attribute: always a string, and not counted in the 100."""
        return self.name in contract.RESERVED_ATTRIBUTES


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What is known about a column without its values, from one frame or from all parts."""

    column_kind: ColumnKind
    dtype: str
    missing: int
    currencies: frozenset[str] = frozenset()  # if `decimal` applies


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a frame that a plan sends."""

    id_column: Hashable
    id_position: int
    id_kind: Kind
    id_reading: Reading
    attributes: tuple[Attribute, ...]
    zone: ZoneInfo
    region: str
    keep: Keep
    new_attributes: NewAttributes
    knows_types: bool
    known_names: tuple[str, ...]
    top_level_name: str | None

    @property
    def id_place(self) -> tuple[int, Hashable, None]:
        """Where the violations of ids are."""
        return self.id_position, self.id_column, None

    def clean(self, frame: pd.DataFrame, attribute: Attribute) -> pd.Series[Any]:
        """Return the cleaned column of an attribute."""
        return clean(frame.iloc[:, attribute.position], attribute.reading, self.zone, self.region)

    def clean_ids(self, column: pd.Series[Any]) -> pd.Series[Any]:
        """Return a cleaned part of the id column."""
        return clean(column, self.id_reading, self.zone, self.region)

    def read_ids(self, column: pd.Series[Any]) -> Ids:
        """Read the ids in a part of the id column."""
        return read_ids(column, self.id_kind, self.zone, self.region, self.id_reading)


def infer_schema(
    frame: pd.DataFrame,
    id_col: Hashable,
    options: PlanOptions,
    *,
    known: Mapping[str, KnownType] | None,
    facts: Sequence[ColumnFacts] | None = None,
) -> Schema:
    """Check the arguments against the frame and determine every attribute.

    `facts`, one per column, describe all parts; `frame` is then a sample.
    """
    if options.new_attributes == "forbid" and known is None:
        raise InvalidArgumentError(
            f"{argument('new_attributes')}: 'forbid' needs a ledger that knows which attributes exist; there is none. "
            f"Set GROWLYTICS_API_KEY or give {phrase('client=…', '--key-file PATH')}, with a ledger, or use 'allow'."
        )
    options.check(frame.columns)
    id_position = find_id(frame, id_col)
    id_label = frame.columns[id_position]
    _require_text_id(id_label, options)
    positions = sent_positions(frame, id_position, options)
    zone = read_zone(options.timezone)
    attributes = tuple(
        _attribute(frame, position, options, zone, known or {}, facts[position] if facts else None)
        for position in positions
    )
    id_reading = options.reading_of(id_label)
    return Schema(
        id_column=id_col,
        id_position=id_position,
        id_kind=facts[id_position].column_kind.kind
        if facts
        else classify(clean(frame.iloc[:, id_position], id_reading, zone, options.region)).kind,
        id_reading=id_reading,
        attributes=attributes,
        zone=zone,
        region=options.region,
        keep=options.keep,
        new_attributes=options.new_attributes,
        knows_types=known is not None,
        known_names=tuple(known or ()),
        top_level_name=options.name,
    )


def name_of_column(label: Hashable, options: PlanOptions) -> str:
    """Return the attribute name of a column."""
    return (options.rename or {}).get(label, name_of(label))


def _require_text_id(label: Hashable, options: PlanOptions) -> None:
    for name in ("date_format", "decimal"):
        value = getattr(options, name)
        if isinstance(value, dict) and label in value:
            raise InvalidArgumentError(
                f"{argument(name)}: column {label!r} is the id, which is always text; remove it from {argument(name)}."
            )


def name_of(label: Hashable) -> str:
    """Return the attribute name of a column label: text unchanged, a MultiIndex label joined with ``_``.

    Examples
    --------
    >>> name_of("City"), name_of(2024), name_of(("orders", "sum")), name_of(("id", ""))
    ('City', '2024', 'orders_sum', 'id')
    """
    if isinstance(label, tuple):
        return "_".join(part for part in map(name_of, label) if part)
    if label is None or label is pd.NA or label != label:  # noqa: PLR0124 - NaN is not itself
        return ""
    if isinstance(label, int) and label.bit_length() > MIN_HUGE_BITS:
        raise DataError(f"a column is labelled with an {printable(label)}; give it a name: df.columns holds it.")
    return str(label)


def _attribute(
    frame: pd.DataFrame,
    position: int,
    options: PlanOptions,
    zone: ZoneInfo,
    known: Mapping[str, KnownType],
    facts: ColumnFacts | None,
) -> Attribute:
    label = frame.columns[position]
    name = name_of_column(label, options)
    reading = options.reading_of(label)
    facts = facts or profile_column(frame.iloc[:, position], reading, zone, options.region)
    found = facts.column_kind
    requested = options.type_of(label)
    reserved = name in contract.RESERVED_ATTRIBUTES
    is_written = reserved and found.kind is Kind.MIXED  # sent as text
    note = "" if requested or is_written else found.detail
    if reserved and requested not in (None, AttributeType.STRING):
        option = options.typed_by(label)
        given = f": found {str(requested)!r}" if option == "types" else ""
        raise InvalidArgumentError(
            f"{argument(option, label)}{given}; {name!r} is a reserved attribute and always 'string'. "
            f"Remove it from {argument(option)}, or rename the column to send it as a custom attribute."
        )
    return Attribute(
        position=position,
        column=label,
        name=name,
        type=_type_sent(found, requested, is_reserved=reserved),
        kind=found.kind,
        strict=found.kind is Kind.MIXED and requested is None and not reserved,
        dtype=facts.dtype,
        missing=facts.missing,
        note="; ".join(filter(None, (note, _uncertain_note(known.get(name))))),
        known=known.get(name),
        reading=reading,
        currencies=facts.currencies,
        unsupported=found.detail if found.kind is Kind.UNSUPPORTED else "",
    )


def profile_column(column: pd.Series[Any], reading: Reading, zone: ZoneInfo, region: str) -> ColumnFacts:
    """Profile all values of a cleaned column."""
    dtype = str(column.dtype)
    column = clean(column, reading, zone, region)
    return ColumnFacts(classify(column), dtype, int(absent(column).sum()), find_currencies(column, reading))


def _uncertain_note(known: KnownType | None) -> str:
    """Return a note on the type that a request with a lost response may have fixed."""
    if known is None or known.source != UNCERTAIN:
        return ""
    return f"perhaps fixed as {known.type} on {known.first_seen:%Y-%m-%d}: the response to that request was lost"


def _type_sent(found: ColumnKind, requested: AttributeType | None, *, is_reserved: bool) -> AttributeType | None:
    if found.kind in (Kind.EMPTY, Kind.UNSUPPORTED):
        return None
    return AttributeType.STRING if is_reserved else requested or found.type


def sent_positions(frame: pd.DataFrame, id_position: int, options: PlanOptions) -> list[int]:
    """Return the positions of the columns to send; those of `rejects()` in front of a corrected frame are not."""
    front = count_reject_labels(frame.columns)
    if options.columns is not None:
        labels = [(place, other) for place, other in enumerate(frame.columns) if place >= front]
        return [place for label in options.columns for place, other in labels if is_same(label, other)]
    excluded = set(options.exclude or ())
    id_is_reserved = name_of_column(frame.columns[id_position], options) in contract.RESERVED_ATTRIBUTES
    return [
        position
        for position, label in enumerate(frame.columns)
        if (position != id_position or id_is_reserved) and label not in excluded and position >= front
    ]


def find_id(frame: pd.DataFrame, id_col: Hashable) -> int:
    """Return the position of the id column; raise unless there is exactly one."""
    positions = [p for p, label in enumerate(frame.columns) if is_same(id_col, label)]
    if len(positions) == 1:
        return positions[0]
    if positions:
        raise InvalidArgumentError(
            f"{argument('id_col')}: {len(positions)} columns are labelled {id_col!r}; the id must be one column. "
            f"Rename the others{phrase(': df.columns = [...]', ' in the file, or in the query that makes it')}."
        )
    levels = [name for name in frame.index.names if name is not None]
    called = f" The index has {', '.join(map(repr, levels))}." if levels else ""
    similar = did_you_mean([*frame.columns, *levels], id_col)
    raise InvalidArgumentError(f"{argument('id_col')}: there is no column {id_col!r}.{called} {similar}")


MAX_CHECK_ROWS: Final = 65_536
MAX_CHECK_CELLS: Final = 1 << 21
MAX_CHECK_TEXTS: Final = 1 << 17
"""Rows, cells and texts checked at a time: texts become Python objects, 10 to 20 MB of them."""


@dataclass(frozen=True, slots=True)
class Column:
    """One attribute of a block: its values, and which of them are sent."""

    attribute: Attribute
    values: Values
    sent: Mask


@dataclass(frozen=True, slots=True)
class Block:
    """Rows `start` to `start + len(ids.texts)` of the frame. `over_budget`: columns past the 100th attribute."""

    start: int
    ids: Ids
    columns: tuple[Column, ...]
    over_budget: Mapping[int, Mask]


class Budget(Protocol):
    """The attributes of customers from earlier pushes, which count towards the 100."""

    def __call__(self, ids: Sequence[str], names: Sequence[str]) -> tuple[npt.NDArray[np.int64], Mask]:
        """Return the number of custom attributes of each customer, and which of `names` it has (ids × names)."""


def check_rows(columns: int, texts: int) -> int:
    """Return how many rows of a frame with `columns` columns are checked at a time; `texts` become Python objects."""
    rows = min(MAX_CHECK_ROWS, MAX_CHECK_CELLS // max(columns, 1), MAX_CHECK_TEXTS // max(texts, 1))
    return max(BLOCK_ROWS, rows)


def prepare(
    frame: pd.DataFrame,
    schema: Schema,
    dropped: frozenset[int],
    start: int,
    stop: int,
    budget: Budget | None = None,
    unread: Collection[int] = (),
    without_id: Mask | None = None,
) -> Block:
    """Convert rows `start` to `stop`.

    `dropped`: positions of columns that are not sent; `unread`: those whose values are not needed. `without_id`:
    mask of the frame's rows without an id, if the ids themselves are not needed.
    """
    series = [column for _, column in frame.iloc[start:stop].items()]
    ids = schema.read_ids(series[schema.id_position]) if without_id is None else unread_ids(without_id[start:stop])
    columns = [
        _without_values(series[attribute.position], schema, attribute, ids)
        if attribute.position in unread
        else _read_column(series[attribute.position], schema, attribute, ids)
        for attribute in schema.attributes
        if attribute.type is not None and attribute.position not in dropped
    ]
    over = _over_budget(columns, ids, budget)
    return Block(start, ids, tuple(_within(column, over) for column in columns), over)


def _read_column(series: pd.Series[Any], schema: Schema, attribute: Attribute, ids: Ids) -> Column:
    if attribute.position == schema.id_position and attribute.is_reserved:
        values = Values(AttributeType.STRING, ids.texts, ids.missing)  # the id as sent
    else:
        target = attribute.type or AttributeType.STRING
        values = read_values(
            series,
            attribute.kind,
            target,
            schema.zone,
            schema.region,
            attribute.reading,
            is_strict=attribute.strict,
        )
    return Column(attribute, values, values.sent)


def _without_values(series: pd.Series[Any], schema: Schema, attribute: Attribute, ids: Ids) -> Column:
    is_id = attribute.position == schema.id_position
    missing = ids.missing if is_id else absent(series).to_numpy(dtype=bool)
    return Column(attribute, Values(AttributeType.STRING, [], missing), ~missing)


def _over_budget(columns: list[Column], ids: Ids, budget: Budget | None) -> dict[int, Mask]:
    """Find the custom attributes of each row past the 100th, in column order.

    Attributes that the customer already has do not count again.
    """
    custom = [column for column in columns if not column.attribute.is_reserved]
    count, has = _earlier(custom, ids, budget)
    if len(custom) + int(count.max(initial=0)) <= contract.MAX_CUSTOM_ATTRIBUTES:
        return {}
    over = {}
    for i, column in enumerate(custom):
        added = column.sent if has is None else column.sent & ~has[:, i]
        count = count + added
        excess = added & (count > contract.MAX_CUSTOM_ATTRIBUTES)
        if excess.any():
            over[column.attribute.position] = excess
    return over


def _earlier(custom: list[Column], ids: Ids, budget: Budget | None) -> tuple[npt.NDArray[np.int64], Mask | None]:
    if budget is None:
        return np.zeros(len(ids.texts), dtype="int64"), None
    return budget(ids.texts, [column.attribute.name for column in custom])


def _within(column: Column, over: Mapping[int, Mask]) -> Column:
    excess = over.get(column.attribute.position)
    return column if excess is None else Column(column.attribute, column.values, column.sent & ~excess)
