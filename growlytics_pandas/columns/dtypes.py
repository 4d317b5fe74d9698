"""Map dtypes to attribute types, and extract the cells of a column.

The kind is decided by dtype predicates for every backing, never by dtype names; for an object column, by all of its
values. `extract` returns plain numpy arrays (or lists of text) and a mask of missing cells for every backing;
conversion starts from these.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum
from numbers import Number
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types as dtypes

from growlytics_pandas import contract
from growlytics_pandas.contract import AttributeType

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
"""Positions of rows, from 0."""


class Kind(Enum):
    """What the cells of a column are, independent of the dtype's backing."""

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
NUMBER_KINDS: Final = (Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL)
TEXT_KINDS: Final = (Kind.TEXT, Kind.MIXED)
"""Columns that contain texts."""


@dataclass(frozen=True, slots=True)
class ColumnKind:
    """What a column contains: its kind, the type it is sent as (None: nothing can be sent), and a note for the user."""

    kind: Kind
    type: AttributeType | None
    detail: str = ""


_ALL_MISSING: Final = "all missing: nothing is sent, no type is fixed"


def classify(column: pd.Series[Any]) -> ColumnKind:
    """Return the kind of a column's cells and the attribute type they are sent as."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _of_used_categories(column)
    if absent(column).all():
        return ColumnKind(Kind.EMPTY, None, _ALL_MISSING)
    if isinstance(column.dtype, pd.SparseDtype):
        return _of_dtype(pd.Series(np.asarray(column)))
    return _of_dtype(column)


def absent(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a mask of missing cells. A signalling NaN is not missing: pandas cannot compare it."""
    try:
        return column.isna()
    except InvalidOperation:
        return pd.Series([not is_signal(value) and bool(np.all(pd.isna(value))) for value in column], column.index)


def present_cells(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return the cells of a column that are not missing."""
    return column[(~absent(column)).to_numpy(dtype=bool)]


def is_signal(value: Any) -> bool:
    """Return whether a value is a signalling NaN, which raises in every operation."""
    return isinstance(value, Decimal) and value.is_snan()


def tally(column: pd.Series[Any]) -> Counter[Kind]:
    """Count the non-missing cells of a column by kind, for `merge`."""
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
    return Counter({classify(column).kind: present} if present else {})


def merge(kinds: Counter[Kind], detail: str) -> ColumnKind:
    """Classify a column from the tallies of its parts, as `classify` would for the whole column."""
    if not kinds:
        return ColumnKind(Kind.EMPTY, None, _ALL_MISSING)
    if len(kinds) == 1:
        kind = next(iter(kinds))
        return ColumnKind(kind, TYPE_OF.get(kind), detail if kind is Kind.UNSUPPORTED else "")
    if set(kinds) <= set(NUMBER_KINDS):
        return ColumnKind(Kind.DECIMAL if Kind.DECIMAL in kinds else Kind.FLOAT, AttributeType.NUMBER)
    return _of_mixture(kinds)


def _of_used_categories(column: pd.Series[Any]) -> ColumnKind:
    """Classify a categorical column by the categories in use, weighted by their rows if mixed."""
    used = np.unique(column.cat.codes.to_numpy())
    in_use = column.cat.categories[used[used >= 0]]
    found = classify(pd.Series(in_use, dtype=in_use.dtype))  # to_series() fails on lone surrogates
    return _of_mixture(tally(column)) if found.kind is Kind.MIXED else found


def _of_dtype(column: pd.Series[Any]) -> ColumnKind:
    dtype = column.dtype
    if dtypes.is_object_dtype(dtype):
        return _of_objects(column)
    if isinstance(dtype, pd.ArrowDtype):
        return _of_arrow(dtype)
    kind = next((kind for is_kind, kind in _PREDICATES if is_kind(dtype)), None)
    if kind is None:
        return ColumnKind(Kind.UNSUPPORTED, None, str(dtype))
    return ColumnKind(kind, TYPE_OF[kind])


# Boolean before number: is_numeric_dtype is true for booleans too.
_PREDICATES: Final = (
    (dtypes.is_bool_dtype, Kind.BOOLEAN),
    (dtypes.is_integer_dtype, Kind.INTEGER),
    (dtypes.is_float_dtype, Kind.FLOAT),
    (dtypes.is_datetime64_any_dtype, Kind.DATE),
    (lambda dtype: isinstance(dtype, pd.StringDtype), Kind.TEXT),
)


def _of_arrow(dtype: pd.ArrowDtype) -> ColumnKind:
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
    return ColumnKind(Kind.UNSUPPORTED, None, str(dtype)) if kind is None else ColumnKind(kind, TYPE_OF[kind])


_FAMILIES: Final = (
    ((bool, np.bool_), Kind.BOOLEAN),
    ((np.timedelta64,), Kind.UNSUPPORTED),  # before the integers: it is a subclass of them
    ((int, np.integer), Kind.INTEGER),
    ((float, np.floating), Kind.FLOAT),
    ((Decimal,), Kind.DECIMAL),
    ((str,), Kind.TEXT),
    ((datetime, date, np.datetime64), Kind.DATE),
)


def _family(cls: type) -> Kind:
    """Return the kind of the values of a Python or numpy class."""
    kind = next((kind for classes, kind in _FAMILIES if issubclass(cls, classes)), None)
    return kind or (Kind.TEXT if _is_identity(cls) else Kind.UNSUPPORTED)


family: Final[Callable[[type], Kind]] = functools.lru_cache(maxsize=256)(_family)


_NO_IDENTITY: Final = (
    *(Number, np.generic, bytes, bytearray, memoryview, tuple, frozenset, Enum, type),
    *(timedelta, time, pd.Period, pd.Interval, pd.DateOffset),
)


def _is_identity(cls: type) -> bool:
    """Return whether str() of a value identifies it: `uuid.UUID`, a database's ``ObjectId``, an IP address.

    Such a class defines equality by value, is hashable, and has a ``__str__`` of its own.
    """
    own = ("__str__", "__eq__", "__hash__")
    return all(getattr(cls, name) not in (None, getattr(object, name)) for name in own) and not issubclass(
        cls, _NO_IDENTITY
    )


def _of_objects(column: pd.Series[Any]) -> ColumnKind:
    """Classify an object column by the classes of all its values; for a mixture, the commonest kind gives the type."""
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


def _of_mixture(kinds: Counter[Kind]) -> ColumnKind:
    """Return the commonest type; of equally common ones the first of string, number, boolean, date."""
    totals: Counter[AttributeType] = Counter()
    for kind, attribute_type in TYPE_OF.items():
        totals[attribute_type] += kinds[kind]
    ranked = totals.most_common()  # ties keep the order of TYPE_OF
    chosen = ranked[0][0]
    parts = [f"{count:,} {t}" for t, count in ranked if count]
    if kinds[Kind.UNSUPPORTED]:
        parts.append(f"{kinds[Kind.UNSUPPORTED]:,} of no type")
    return ColumnKind(Kind.MIXED, chosen, f"mixed values ({', '.join(parts)}): sent as {chosen}")


BLOCK_ROWS: Final = 16_384
"""Rows checked at a time: enough to amortize numpy's overhead, few enough to keep memory use flat."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Extracted cells: `values` by kind, with a filler wherever `missing` is set.

    text: list of str; integer, float: numeric array; boolean: bool array; date: naive datetime64 array in the zone
    of the plan; anything else: object array.
    """

    kind: Kind
    values: Any
    missing: Mask


def extract(column: pd.Series[Any], kind: Kind, zone: ZoneInfo) -> Cells:
    """Extract the cells of `column` (a block of it) from its backing."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _of_categories(column, kind, zone)
    column = decoded(column)
    missing = absent(column).to_numpy(dtype=bool)
    extractors = _OBJECT_EXTRACTORS if dtypes.is_object_dtype(column.dtype) else _EXTRACTORS
    return extractors.get(kind, _extract_objects)(column, missing, kind, zone)


def decoded(column: pd.Series[Any]) -> pd.Series[Any]:
    """Densify a sparse column and decode an Arrow dictionary; other columns are returned unchanged."""
    if isinstance(column.dtype, pd.SparseDtype):
        return _dense(column).set_axis(column.index)
    if isinstance(column.dtype, pd.ArrowDtype):
        return _without_dictionary(column)
    return column


def _of_categories(column: pd.Series[Any], kind: Kind, zone: ZoneInfo) -> Cells:
    """Extract each category in use once, then index by code; unused categories may be of another kind."""
    codes = column.cat.codes.to_numpy()
    missing = codes < 0
    used = np.unique(codes[~missing])
    if not len(used):
        return extract(pd.Series([None] * len(codes), dtype=object), kind, zone)
    in_use = column.cat.categories[used]
    categories = extract(pd.Series(in_use, dtype=in_use.dtype), kind, zone)  # to_series() fails on lone surrogates
    places = np.where(missing, 0, np.searchsorted(used, codes))
    if isinstance(categories.values, list):
        values: Any = [categories.values[place] for place in places.tolist()]
    else:
        values = categories.values[places]
    return Cells(categories.kind, values, missing | categories.missing[places])


def _extract_texts(column: pd.Series[Any], missing: Mask, kind: Kind, _zone: ZoneInfo) -> Cells:
    values = column.tolist()
    for position in np.flatnonzero(missing).tolist():
        values[position] = ""
    return Cells(kind, values, missing)


def _extract_object_texts(column: pd.Series[Any], missing: Mask, kind: Kind, zone: ZoneInfo) -> Cells:
    """Extract text from objects; values such as `uuid.UUID` become their text."""
    cells = _extract_texts(column, missing, kind, zone)
    return Cells(kind, plain_texts(cells.values), missing)


def plain_texts(values: list[Any]) -> list[str]:
    """Return the texts of values: the same list if all are plain, as in most columns."""
    return values if set(map(type, values)) <= {str} else list(map(plain_text, values))


def plain_text(value: Any) -> str:
    """Return the text of a value: that of a subclass of str, such as a member of an enumeration, is its content."""
    return str.__str__(value) if isinstance(value, str) else str(value)


def _extract_integers(column: pd.Series[Any], missing: Mask, kind: Kind, _zone: ZoneInfo) -> Cells:
    dtype = "uint64" if dtypes.is_unsigned_integer_dtype(column.dtype) else "int64"
    return Cells(kind, _filled(column, dtype, missing), missing)


def _extract_floats(column: pd.Series[Any], missing: Mask, kind: Kind, _zone: ZoneInfo) -> Cells:
    itemsize = getattr(column.dtype, "itemsize", 8)
    values = _filled(column, {2: "float16", 4: "float32"}.get(itemsize, "float64"), missing)
    return Cells(kind, values, missing | np.isnan(values))  # Arrow and nullable floats can contain both NaN and NA


def _extract_booleans(column: pd.Series[Any], missing: Mask, kind: Kind, _zone: ZoneInfo) -> Cells:
    return Cells(kind, _filled(column, "bool", missing), missing)


def _filled(column: pd.Series[Any], dtype: str, missing: Mask) -> npt.NDArray[Any]:
    if isinstance(column.dtype, np.dtype):
        return column.to_numpy().astype(dtype)
    filler = np.dtype(dtype).type(0)  # Arrow does not accept an integer as a boolean
    return column.to_numpy(dtype=dtype, na_value=filler) if missing.any() else column.to_numpy(dtype=dtype)


def _extract_objects(column: pd.Series[Any], missing: Mask, kind: Kind, _zone: ZoneInfo) -> Cells:
    values = column.to_numpy(dtype=object)
    return Cells(kind, values, missing)


def _extract_object_integers(column: pd.Series[Any], missing: Mask, kind: Kind, zone: ZoneInfo) -> Cells:
    """Extract Python integers; they stay objects if numpy cannot hold them."""
    try:
        values = np.where(missing, 0, column.to_numpy(dtype=object)).astype("int64")
    except OverflowError:
        return _extract_objects(column, missing, Kind.DECIMAL, zone)
    return Cells(kind, values, missing)


def _extract_object_booleans(column: pd.Series[Any], missing: Mask, kind: Kind, _zone: ZoneInfo) -> Cells:
    return Cells(kind, np.where(missing, False, column.to_numpy(dtype=object)).astype(bool), missing)


def _extract_dates(column: pd.Series[Any], missing: Mask, kind: Kind, zone: ZoneInfo) -> Cells:
    if dtypes.is_object_dtype(column.dtype):
        pairs = zip(column.tolist(), missing, strict=True)
        values = [None if is_missing else naive(value, zone) for value, is_missing in pairs]
        return Cells(kind, dates_array(values), missing)
    if isinstance(column.dtype, pd.ArrowDtype):
        column = _of_arrow_dates(column)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return Cells(kind, _local(column, zone), missing)
    return Cells(kind, column.to_numpy(), missing)


def _local(column: pd.Series[Any], zone: ZoneInfo) -> npt.NDArray[np.datetime64]:
    """Convert aware dates to naive ones in `zone`.

    Dates that pandas cannot convert are converted one by one.
    """
    instants = column.dt.tz_convert(None).to_numpy()
    odd = _is_odd(instants)
    plain: pd.Series[Any] = pd.Series(np.where(odd, _EPOCH, instants) if odd.any() else instants)
    local: npt.NDArray[np.datetime64] = plain.dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None).to_numpy()
    if not odd.any():
        return local
    distinct, places = np.unique(instants[odd], return_inverse=True)
    local = _all_in_microseconds(local)
    local[odd] = dates_array([_in_zone(instant, zone) for instant in distinct])[places]
    return local


def _is_odd(instants: npt.NDArray[np.datetime64]) -> Mask:
    """Mask of dates outside the nanosecond range, for which pandas' zone conversion raises or, before 3.0, wraps."""
    odd: Mask = (instants < _FIRST_PLAIN) | (instants > _LAST_PLAIN)
    return odd


def originals(column: pd.Series[Any]) -> list[Any]:
    """Return cells as Python objects; dates outside pandas' range in UTC, or as text if Python has no such date."""
    if isinstance(column.dtype, pd.DatetimeTZDtype) and _is_odd(column.dt.tz_convert(None).to_numpy()).any():
        column = column.dt.tz_convert("UTC")
    try:
        return column.tolist()
    except (OverflowError, ValueError):
        return column.astype("str").tolist()


def _dense(column: pd.Series[Any]) -> pd.Series[Any]:
    """Densify a sparse column, keeping its dtype: numpy would turn a float32 with NaN gaps into float64."""
    dense = pd.Series(np.asarray(column))
    subtype = getattr(column.dtype, "subtype", dense.dtype)
    return dense.astype(subtype) if subtype.kind == "f" else dense


def _without_dictionary(column: pd.Series[Any]) -> pd.Series[Any]:
    """Decode an Arrow dictionary, which is Arrow's categorical."""
    import pyarrow as pa  # noqa: PLC0415 - pyarrow is optional; who has an Arrow column has it

    values = pa.array(column)
    if not pa.types.is_dictionary(values.type):
        return column
    decoded = values.cast(values.type.value_type)
    return pd.Series(decoded.to_pandas(types_mapper=pd.ArrowDtype)).set_axis(column.index)


def _of_arrow_dates(column: pd.Series[Any]) -> pd.Series[Any]:
    """Convert Arrow dates and timestamps to numpy-backed ones: Arrow's own formatting prints fractions."""
    import pyarrow as pa  # noqa: PLC0415 - pyarrow is optional; who has an Arrow column has it

    array = pa.array(column)
    if pa.types.is_date(array.type):
        array = array.cast(pa.timestamp("ms"))
    instants = pd.Series(array.cast(pa.timestamp(array.type.unit)).to_numpy(zero_copy_only=False))
    return instants if array.type.tz is None else instants.dt.tz_localize("UTC")


def naive(value: date | np.datetime64, zone: ZoneInfo) -> Any:
    """Return one date as a naive one: an aware one converted to `zone`, a plain date as its midnight.

    A date that the conversion moves outside the years 1 to 9999 becomes one in the year 10000.
    """
    if isinstance(value, np.datetime64):
        return _in_microseconds(value)
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - naive is what is sent
    if isinstance(value, pd.Timestamp):
        instant = value.to_datetime64()
        return _in_microseconds(instant) if value.tz is None else _in_zone(instant, zone)
    try:
        return value if value.tzinfo is None else value.astimezone(zone).replace(tzinfo=None)
    except OverflowError:
        return _BEYOND


def _in_zone(instant: np.datetime64, zone: ZoneInfo) -> Any:
    """Convert one instant, given in UTC, to `zone`."""
    exact = _in_microseconds(instant)
    return exact if exact == _BEYOND else naive(exact.item().replace(tzinfo=UTC), zone)


def dates_array(values: list[datetime | np.datetime64 | None]) -> npt.NDArray[np.datetime64]:
    """Return one array of naive dates; dates out of range become the year 10000, so that they are still reported."""
    return np.array(values, dtype="M8[us]")


def _all_in_microseconds(values: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    whole = values.astype("M8[us]")
    return np.where(whole == values, whole, (whole.astype("i8") | 1).astype("M8[us]"))  # as for one value


def _in_microseconds(value: np.datetime64) -> Any:
    year = int(value.astype("M8[Y]").astype("i8")) + _EPOCH_YEAR
    if not contract.MIN_YEAR <= year <= contract.MAX_YEAR:
        return _BEYOND
    whole = value.astype("M8[us]")
    if whole == value:
        return whole
    return (whole.astype("i8") | 1).astype("M8[us]")  # nanoseconds set the last bit, so that their loss is reported


_EPOCH_YEAR = 1970
_EPOCH = np.datetime64("1970-01-01", "s")
_FIRST_PLAIN = np.datetime64("1678-01-01", "s")  # nanoseconds begin in 1677 and end in 2262
_LAST_PLAIN = np.datetime64("2261-12-31", "s")
_BEYOND = np.datetime64("10000-01-01", "us")

_EXTRACTORS = {
    Kind.TEXT: _extract_texts,
    Kind.INTEGER: _extract_integers,
    Kind.FLOAT: _extract_floats,
    Kind.BOOLEAN: _extract_booleans,
    Kind.DATE: _extract_dates,
}
_OBJECT_EXTRACTORS = {
    Kind.TEXT: _extract_object_texts,
    Kind.INTEGER: _extract_object_integers,
    Kind.BOOLEAN: _extract_object_booleans,
    Kind.DATE: _extract_dates,
}


def starts(rows: int, size: int = BLOCK_ROWS) -> Iterator[tuple[int, int]]:
    """Yield the bounds of blocks of `size` rows."""
    for start in range(0, rows, size):
        yield start, min(start + size, rows)
