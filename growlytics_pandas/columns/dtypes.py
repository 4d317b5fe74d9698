"""From dtype to attribute type: what the cells of a column are, and what they are sent as.

Decided by dtype predicates over every backing, never by dtype names; an object column is judged by all of its values.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum, StrEnum
from numbers import Number
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd
from pandas.api import types as dtypes

from growlytics_pandas import contract


class AttributeType(StrEnum):
    """The four types of the API."""

    STRING = contract.STRING
    NUMBER = contract.NUMBER
    BOOLEAN = contract.BOOLEAN
    DATE = contract.DATE


class Kind(Enum):
    """What the cells of a column are, whatever holds them."""

    TEXT = "text"
    INTEGER = "integer"
    FLOAT = "float"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    MIXED = "mixed"
    EMPTY = "empty"
    UNSUPPORTED = "unsupported"


TYPE_OF: Final = MappingProxyType(
    {
        Kind.TEXT: AttributeType.STRING,
        Kind.INTEGER: AttributeType.NUMBER,
        Kind.FLOAT: AttributeType.NUMBER,
        Kind.DECIMAL: AttributeType.NUMBER,
        Kind.BOOLEAN: AttributeType.BOOLEAN,
        Kind.DATE: AttributeType.DATE,
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a column holds: its kind, the type it is sent as (None: nothing can be sent), and words for the user."""

    kind: Kind
    type: AttributeType | None
    detail: str = ""


_ALL_MISSING: Final = "all missing: nothing is sent, no type is fixed"


def inspect(column: pd.Series[Any]) -> Finding:
    """Tell what the cells of a column are and which attribute type they become."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _of_used_categories(column)
    if absent(column).all():
        return Finding(Kind.EMPTY, None, _ALL_MISSING)
    if isinstance(column.dtype, pd.SparseDtype):
        return _of_dtype(pd.Series(np.asarray(column)))
    return _of_dtype(column)


def absent(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return which cells are missing. A signalling NaN is not: pandas cannot compare it, and it is no empty cell."""
    try:
        return column.isna()
    except InvalidOperation:
        return pd.Series([not is_signal(value) and bool(np.all(pd.isna(value))) for value in column], column.index)


def is_signal(value: Any) -> bool:
    """Return whether a value is a signalling NaN, with which nothing can be calculated."""
    return isinstance(value, Decimal) and value.is_snan()


def tally(column: pd.Series[Any]) -> Counter[Kind]:
    """Count the present cells of a column by kind: what `merge` needs to judge columns that are one, cut in parts."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy()
        used, counts = np.unique(codes[codes >= 0], return_counts=True)
        kinds: Counter[Kind] = Counter()
        for category, count in zip(column.cat.categories[used], counts.tolist(), strict=True):
            kinds[family(type(category))] += count
        return kinds
    if dtypes.is_object_dtype(column.dtype):
        return _families(column)[0]
    present = int(column.notna().sum())
    return Counter({inspect(column).kind: present} if present else {})


def merge(kinds: Counter[Kind], detail: str) -> Finding:
    """Judge a column by the tallies of its parts, as `inspect` would judge it in one frame."""
    if not kinds:
        return Finding(Kind.EMPTY, None, _ALL_MISSING)
    if len(kinds) == 1:
        kind = next(iter(kinds))
        return Finding(kind, TYPE_OF.get(kind), detail if kind is Kind.UNSUPPORTED else "")
    if set(kinds) <= {Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL}:
        return Finding(Kind.DECIMAL if Kind.DECIMAL in kinds else Kind.FLOAT, AttributeType.NUMBER)
    return _of_mixture(kinds)


def _of_used_categories(column: pd.Series[Any]) -> Finding:
    """Judge a categorical column by the categories that its rows use; a mixture by how often they do."""
    used = np.unique(column.cat.codes.to_numpy())
    in_use = column.cat.categories[used[used >= 0]]
    finding = inspect(pd.Series(in_use, dtype=in_use.dtype))  # to_series() would refuse half a character
    return _of_mixture(tally(column)) if finding.kind is Kind.MIXED else finding


def _of_dtype(column: pd.Series[Any]) -> Finding:
    dtype = column.dtype
    if dtypes.is_object_dtype(dtype):
        return _of_objects(column)
    if isinstance(dtype, pd.ArrowDtype):
        return _of_arrow(dtype)
    kind = next((kind for is_kind, kind in _PREDICATES if is_kind(dtype)), None)
    if kind is None:
        return Finding(Kind.UNSUPPORTED, None, str(dtype))
    return Finding(kind, TYPE_OF[kind])


# Boolean before number: is_numeric_dtype is true for booleans too.
_PREDICATES: Final = (
    (dtypes.is_bool_dtype, Kind.BOOLEAN),
    (dtypes.is_integer_dtype, Kind.INTEGER),
    (dtypes.is_float_dtype, Kind.FLOAT),
    (dtypes.is_datetime64_any_dtype, Kind.DATE),
    (lambda dtype: isinstance(dtype, pd.StringDtype), Kind.TEXT),
)


def _of_arrow(dtype: pd.ArrowDtype) -> Finding:
    import pyarrow.types as arrow  # noqa: PLC0415 - pyarrow is optional; who has an Arrow column has it

    stored = dtype.pyarrow_dtype
    if arrow.is_dictionary(stored):
        stored = stored.value_type
    predicates = (
        (arrow.is_boolean, Kind.BOOLEAN),
        (arrow.is_integer, Kind.INTEGER),
        (arrow.is_floating, Kind.FLOAT),
        (arrow.is_decimal, Kind.DECIMAL),
        (lambda t: arrow.is_string(t) or arrow.is_large_string(t), Kind.TEXT),  # pandas has no string_view
        (lambda t: arrow.is_timestamp(t) or arrow.is_date(t), Kind.DATE),
    )
    kind = next((kind for is_kind, kind in predicates if is_kind(stored)), None)
    return Finding(Kind.UNSUPPORTED, None, str(dtype)) if kind is None else Finding(kind, TYPE_OF[kind])


_FAMILIES: Final = (
    ((bool, np.bool_), Kind.BOOLEAN),
    ((np.timedelta64,), Kind.UNSUPPORTED),  # before the integers, whose subclass it is
    ((int, np.integer), Kind.INTEGER),
    ((float, np.floating), Kind.FLOAT),
    ((Decimal,), Kind.DECIMAL),
    ((str,), Kind.TEXT),
    ((datetime, date, np.datetime64), Kind.DATE),
)


def family(cls: type) -> Kind:
    """Return the kind of the values of a Python or numpy class."""
    kind = next((kind for classes, kind in _FAMILIES if issubclass(cls, classes)), None)
    return kind or (Kind.TEXT if _is_identity(cls) else Kind.UNSUPPORTED)


_NO_IDENTITY: Final = (
    *(Number, np.generic, bytes, bytearray, memoryview, tuple, frozenset, Enum, type),
    *(timedelta, time, pd.Period, pd.Interval, pd.DateOffset),
)


def _is_identity(cls: type) -> bool:
    """Tell whether the text of a value is what the value is: `uuid.UUID`, a database's ``ObjectId``, an address.

    Such a class compares by value, can be a key, and writes itself in a form of its own.
    """
    own = ("__str__", "__eq__", "__hash__")
    return all(getattr(cls, name) not in (None, getattr(object, name)) for name in own) and not issubclass(
        cls, _NO_IDENTITY
    )


def _of_objects(column: pd.Series[Any]) -> Finding:
    """Judge an object column by the classes of all its values; the commonest kind of a mixture gives the type."""
    kinds, classes = _families(column)
    return merge(kinds, ", ".join(sorted(cls.__name__ for cls in classes)))


def _families(column: pd.Series[Any]) -> tuple[Counter[Kind], Counter[type]]:
    """Count the values of an object column by kind and by class."""
    present = column.to_numpy()[~absent(column).to_numpy()]
    classes = Counter(map(type, present.tolist()))
    kinds: Counter[Kind] = Counter()
    for cls, count in classes.items():
        kinds[family(cls)] += count
    return kinds, classes


def _of_mixture(kinds: Counter[Kind]) -> Finding:
    """Give the commonest type; between equals the first of string, number, boolean, date."""
    totals: Counter[AttributeType] = Counter()
    for kind, attribute_type in TYPE_OF.items():
        totals[attribute_type] += kinds[kind]
    ranked = totals.most_common()  # equals stay in the order of TYPE_OF
    chosen = ranked[0][0]
    parts = [f"{count:,} {t}" for t, count in ranked if count]
    if kinds[Kind.UNSUPPORTED]:
        parts.append(f"{kinds[Kind.UNSUPPORTED]:,} of no type")
    return Finding(Kind.MIXED, chosen, f"mixed values ({', '.join(parts)}): sent as {chosen}")
