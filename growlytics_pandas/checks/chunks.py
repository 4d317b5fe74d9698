"""A run of rows in wire form: what the checks look at and what the encoder writes are the same values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas.checks.schema import Attribute, Schema
from growlytics_pandas.columns.convert import Values
from growlytics_pandas.columns.dtypes import BLOCK_ROWS, AttributeType, Mask
from growlytics_pandas.columns.reading import Ids, read_values, unread_ids

MAX_CHECK_ROWS: Final = 65_536
MAX_CHECK_CELLS: Final = 1 << 21
"""Rows and cells checked together; most columns of text are not made into objects for it."""


@dataclass(frozen=True, slots=True)
class Column:
    """One attribute of a block: its values, and which of them go out."""

    attribute: Attribute
    values: Values
    sent: Mask


@dataclass(frozen=True, slots=True)
class Block:
    """Rows `start` to `start + len(ids.texts)` of the frame. `over_budget`: columns whose cells exceed the 100."""

    start: int
    ids: Ids
    columns: tuple[Column, ...]
    over_budget: Mapping[int, Mask]


class Screened(Protocol):
    """A column of text of which all is known that the checks report."""

    @property
    def missing(self) -> Mask:
        """Which cells of the column are missing."""


class Budget(Protocol):
    """What customers have from earlier pushes: it counts towards the 100."""

    def __call__(self, ids: Sequence[str], names: Sequence[str]) -> tuple[npt.NDArray[np.int64], Mask]:
        """Return the number of custom attributes of each customer, and (ids × names) which of `names` it has."""


def check_rows(columns: int) -> int:
    """Return how many rows of so many columns are checked together."""
    return min(MAX_CHECK_ROWS, max(BLOCK_ROWS, MAX_CHECK_CELLS // max(columns, 1)))


def prepare(
    frame: pd.DataFrame,
    layout: Schema,
    dropped: frozenset[int],
    start: int,
    stop: int,
    budget: Budget | None = None,
    screened: Mapping[int, Screened] | None = None,
    without_id: Mask | None = None,
) -> Block:
    """Convert rows `start` to `stop`.

    `dropped` holds the positions of columns of which nothing is sent; `screened` those whose values nobody needs.
    `without_id` says which rows of the frame have no id, where nobody needs the ids themselves.
    """
    series = [column for _, column in frame.iloc[start:stop].items()]
    ids = layout.read_ids(series[layout.id_position]) if without_id is None else unread_ids(without_id[start:stop])
    known = screened or {}
    columns = [
        _without_values(
            attribute,
            ids.missing if attribute.position == layout.id_position else known[attribute.position].missing[start:stop],
        )
        if attribute.position in known
        else _column(series[attribute.position], layout, attribute, ids)
        for attribute in layout.attributes
        if attribute.type is not None and attribute.position not in dropped
    ]
    over = _over_budget(columns, ids, budget)
    return Block(start, ids, tuple(_within(column, over) for column in columns), over)


def _column(series: pd.Series[Any], layout: Schema, attribute: Attribute, ids: Ids) -> Column:
    if attribute.position == layout.id_position and attribute.is_reserved:
        values = Values(AttributeType.STRING, ids.texts, ids.missing)  # the id, as it is sent
    else:
        target = attribute.type or AttributeType.STRING
        values = read_values(
            series,
            attribute.kind,
            target,
            layout.zone,
            layout.region,
            attribute.reading,
            is_strict=attribute.strict,
        )
    return Column(attribute, values, values.sent)


def _without_values(attribute: Attribute, missing: Mask) -> Column:
    return Column(attribute, Values(AttributeType.STRING, [], missing), ~missing)


def _over_budget(columns: list[Column], ids: Ids, budget: Budget | None) -> dict[int, Mask]:
    """Find the custom attributes of each row past the 100th, in the order of the columns.

    An attribute that the customer has already takes no further place.
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
