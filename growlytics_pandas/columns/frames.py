"""Read any supported frame as a pandas one without losing digits, and look up column labels.

Arrow streams become Arrow-backed columns; rows become object columns.
"""

from __future__ import annotations

import ast
import uuid
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionDtype

from growlytics_pandas._text import argument
from growlytics_pandas.columns.plan_options import is_same
from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError, MissingDependencyError

REJECT_LABELS: Final = ("status", "rule", "reason", "fix")
"""The columns that `rejects()` puts before the user's columns."""
REJECT_LABELS_IF_TAKEN: Final = tuple(f"growlytics_{label}" for label in REJECT_LABELS)
"""Their names if the user has a column of the same name."""


def count_reject_labels(columns: Collection[Any]) -> int:
    """Return how many leading columns are those of `rejects()`: all four, or none."""
    front = tuple(columns)[: len(REJECT_LABELS)]
    return len(front) if front in (REJECT_LABELS, REJECT_LABELS_IF_TAKEN) else 0


_TEXT_LABELS: Final = frozenset({"unicode", "string", "empty", "mixed"})


def read_frame(found: Any, where: str = "df: ") -> pd.DataFrame:
    """Return `found` as a pandas frame: a pandas frame unchanged, an object with an Arrow stream, or a list of dicts.

    `where` is what messages begin with.

    Raises
    ------
    InvalidArgumentTypeError
        `found` is not a frame; the message says how to make one.
    MissingDependencyError
        `found` is an Arrow stream and pyarrow is not installed.
    """
    if isinstance(found, pd.DataFrame):
        return found
    if not isinstance(found, pd.Series) and has_arrow(found):
        return _of_stream(found, where)
    if isinstance(found, (list, tuple)):
        rows = [as_row(item) for item in found]
        if rows and all(row is not None for row in rows):
            return frame_of_rows([row for row in rows if row is not None])
    raise _no_frame(found, where)


def has_arrow(found: Any) -> bool:
    """Return whether an object exports Arrow data. False for a class, even if its instances do."""
    is_object = not isinstance(found, type)
    return is_object and (hasattr(found, "__arrow_c_stream__") or hasattr(found, "__arrow_c_array__"))


def as_row(item: Any) -> Mapping[Any, Any] | None:
    """Return a row as a mapping: a dict, a Row of Spark or SQLAlchemy, or a named tuple; None for anything else."""
    if isinstance(item, Mapping):
        return item
    for name in ("asDict", "_asdict"):
        if callable(make := getattr(item, name, None)):
            return dict(make())
    found = getattr(item, "_mapping", None)
    return found if isinstance(found, Mapping) else None


def frame_of_rows(rows: Sequence[Mapping[Any, Any]]) -> pd.DataFrame:
    """Return rows as object columns: pandas would convert integers to floats if any is missing."""
    labels = list(dict.fromkeys(label for row in rows for label in row))
    columns = [_object_array([row.get(label) for row in rows]) for label in labels]
    return _frame(columns, labels, len(rows))


def prepare_frame(frame: pd.DataFrame, id_col: Hashable) -> pd.DataFrame:
    """Return a frame whose id is a column and whose dtypes can be checked; the same frame if nothing changes.

    An index level named `id_col` is copied to the first column if no column has that name. Columns of dtypes that
    other libraries define become object columns, so that their values are inspected.
    """
    level = _level_of(frame, id_col)
    if level is not None:
        values = _level_values(frame.index, level)
        frame = frame.copy(deep=False)
        frame.columns = pd.Index(list(frame.columns), dtype=object, tupleize_cols=False)
        frame.insert(0, id_col, values)
    places = [i for i, dtype in enumerate(frame.dtypes) if _is_foreign(dtype)]
    if places:
        frame = frame.copy(deep=False)
        for place in places:
            column = frame.iloc[:, place]
            objects = pd.Series(_object_array(_as_objects(column)), index=frame.index, dtype=object)
            frame.isetitem(place, objects)  # type: ignore[arg-type]  # an array would become dates
    return frame


# the id in the index -------------------------------------------------------------------------------------------------


def _level_of(frame: pd.DataFrame, id_col: Hashable) -> int | None:
    """Return the number of the index level named `id_col`; None if there is none or a column has that name."""
    if id_col is None or not any(is_same(id_col, name) for name in frame.index.names):
        return None
    if any(is_same(id_col, label) for label in frame.columns):
        return None
    levels = [number for number, name in enumerate(frame.index.names) if is_same(id_col, name)]
    if len(levels) > 1:
        raise InvalidArgumentError(
            f"{argument('id_col')}: {len(levels)} levels of the index are called {id_col!r}; rename the others."
        )
    return levels[0]


def _level_values(index: pd.Index[Any], level: int) -> pd.Series[Any]:
    if not isinstance(index, pd.MultiIndex):
        return index.to_series(index=index)
    values, codes = index.levels[level], np.asarray(index.codes[level])
    if (codes < 0).any() and isinstance(values.dtype, np.dtype) and values.dtype.kind in "iub":
        # As objects: pandas would convert to floats.
        cells = _object_array([None if code < 0 else values[code] for code in codes.tolist()])
        return pd.Series(cells, index=index, dtype=object)
    return index.get_level_values(level).to_series(index=index)


# dtypes of other libraries -------------------------------------------------------------------------------------------


def _is_foreign(dtype: Any) -> bool:
    """Return whether a library other than pandas defines this dtype, such as BigQuery's dbdate."""
    return isinstance(dtype, ExtensionDtype) and type(dtype).__module__.partition(".")[0] != "pandas"


def _as_objects(column: pd.Series[Any]) -> list[Any]:
    pairs = zip(column.astype(object).tolist(), column.isna().tolist(), strict=True)
    return [None if is_missing else value for value, is_missing in pairs]


# Arrow ---------------------------------------------------------------------------------------------------------------


def _of_stream(found: Any, where: str) -> pd.DataFrame:
    try:
        import pyarrow as pa  # noqa: PLC0415 - pyarrow is optional
    except ImportError:
        raise MissingDependencyError(
            f"{where}a {_class_name(found)} is read through Arrow, and pyarrow is not installed: pip install pyarrow."
        ) from None
    try:
        if hasattr(found, "__arrow_c_stream__"):
            table = pa.RecordBatchReader.from_stream(found).read_all()
        else:
            table = pa.Table.from_batches([pa.record_batch(found)])
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError, TypeError) as error:
        if _is_one_column(found):
            raise _no_frame(found, where) from None
        raise InvalidArgumentTypeError(
            f"{where}the {_class_name(found)} cannot be read through Arrow: {' '.join(str(error).split())}. Cast the "
            "column that it names to another type first, or update pyarrow."
        ) from None
    return _of_table(table)


def _is_one_column(found: Any) -> bool:
    return "Series" in type(found).__name__ or "Array" in type(found).__name__


def _of_table(table: Any) -> pd.DataFrame:
    columns = [_of_arrow(table.column(i)) for i in range(table.num_columns)]
    frame = _frame(columns, table.column_names, table.num_rows)
    written = table.schema.pandas_metadata
    return _as_pandas_had_it(frame, written) if written else frame


def _of_arrow(column: Any) -> Any:
    """Return an Arrow column as an array: Arrow-backed if the checks can read its type, else of objects."""
    import pyarrow as pa  # noqa: PLC0415 - pyarrow is optional; who has an Arrow column has it

    if isinstance(column.type, pa.BaseExtensionType):
        own = _own_array(column)
        if own is not None:
            return own
        column = _storage(column)
    if pa.types.is_dictionary(column.type):
        column = _decoded(column)
    column = _without_views(column)
    if not _is_readable(column.type):
        return _object_array(column.to_pylist())
    return pd.arrays.ArrowExtensionArray(column)


def _own_array(column: Any) -> Any:
    """Return the array of a pandas extension type, such as Period; None for other types."""
    try:
        dtype = column.type.to_pandas_dtype()
    except NotImplementedError:
        return None
    return dtype.__from_arrow__(column) if hasattr(dtype, "__from_arrow__") else None


def _storage(column: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415

    name = column.type.extension_name
    stored = pa.chunked_array([chunk.storage for chunk in column.chunks], type=column.type.storage_type)
    if name == "arrow.bool8":
        return stored.cast(pa.bool_())
    if name == "arrow.uuid":
        texts = [None if value is None else str(uuid.UUID(bytes=value)) for value in stored.to_pylist()]
        return pa.chunked_array([pa.array(texts, type=pa.large_string())])
    return stored


def _decoded(column: Any) -> Any:
    """Return the values of a dictionary, which is Arrow's categorical; a cast cannot decode views."""
    import pyarrow as pa  # noqa: PLC0415

    chunks = [_without_views(pa.chunked_array([c.dictionary])).combine_chunks().take(c.indices) for c in column.chunks]
    return pa.chunked_array(chunks) if chunks else pa.chunked_array([], type=column.type.value_type)


def _without_views(column: Any) -> Any:
    """Return text views as a text type that pandas supports; pyarrow before 18 cannot cast them."""
    import pyarrow as pa  # noqa: PLC0415

    if not hasattr(pa, "string_view") or column.type != pa.string_view():
        return column
    try:
        return column.cast(pa.large_string())
    except pa.ArrowNotImplementedError:
        return pa.chunked_array([pa.array(column.to_pylist(), type=pa.large_string())])


def _is_readable(stored: Any) -> bool:
    import pyarrow.types as arrow  # noqa: PLC0415

    is_one = (arrow.is_boolean, arrow.is_integer, arrow.is_floating, arrow.is_decimal, arrow.is_string)
    others = (arrow.is_large_string, arrow.is_timestamp, arrow.is_date, arrow.is_null)
    return any(is_kind(stored) for is_kind in (*is_one, *others))


def _as_pandas_had_it(frame: pd.DataFrame, written: Mapping[str, Any]) -> pd.DataFrame:
    """Restore the index and the labels that a frame had before pandas wrote it to Arrow."""
    fields = {str(column.get("field_name") or column["name"]): column["name"] for column in written["columns"]}
    names, places, levels = list(frame.columns), [], []
    ranges = [level for level in written["index_columns"] if isinstance(level, Mapping)]
    for field in written["index_columns"]:
        if isinstance(field, str) and names.count(field) == 1:
            places.append(names.index(field))
            levels.append(fields.get(field))
    index = [frame.iloc[:, place].array for place in places]
    kept = [place for place in range(len(names)) if place not in places]
    frame, labels = frame.iloc[:, kept], [fields.get(names[place], names[place]) for place in kept]
    frame.columns = _original_labels(labels, written.get("column_indexes") or [])
    if len(index) > 1:
        return frame.set_axis(pd.MultiIndex.from_arrays(index, names=levels))
    if index:
        return frame.set_axis(pd.Index(index[0], name=levels[0]))
    made = [pd.RangeIndex(r["start"], r["stop"], r["step"], name=r["name"]) for r in ranges if r["kind"] == "range"]
    return frame.set_axis(made[0]) if made and len(made[0]) == len(frame) else frame


def _original_labels(labels: list[Any], written: Sequence[Mapping[str, Any]]) -> pd.Index[Any]:
    """Return the original labels: Arrow stores them as text."""
    plain = pd.Index(labels, dtype=object, tupleize_cols=False)
    try:
        if len(written) > 1:
            tuples = [ast.literal_eval(label) for label in labels]
            return pd.MultiIndex.from_tuples(tuples, names=[level["name"] for level in written])
        if written and written[0]["pandas_type"] not in _TEXT_LABELS:
            typed: pd.Index[Any] = plain.astype(written[0]["numpy_type"])
            return typed
    except (ValueError, TypeError, SyntaxError):
        return plain
    return plain


# making frames -------------------------------------------------------------------------------------------------------


def _frame(columns: Sequence[Any], labels: Iterable[Any], rows: int) -> pd.DataFrame:
    # With an explicit dtype: pandas would infer text and dates from objects.
    series = {i: pd.Series(column, dtype=column.dtype, copy=False) for i, column in enumerate(columns)}
    frame = pd.DataFrame(series, index=range(rows))
    frame.columns = pd.Index(list(labels), dtype=object, tupleize_cols=False)
    return frame


def _object_array(values: Sequence[Any]) -> Any:
    """Return an object array of the values unchanged; lists and dicts are single cells."""
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    return array


# unsupported inputs ------------------------------------------------------------------------------------------------

_GROUPS: Final = "Aggregate the groups first: .agg(…). id_col can name a level of the resulting index."
_OF_PACKAGE: Final = {
    "dask": "Import growlytics_pandas.dask and call ddf.growlytics.push(…), or use .compute().",
    "pyspark": "Use growlytics_pandas.push_batches(df.toLocalIterator, …).",
    "snowflake": "Use growlytics_pandas.push_batches(df.to_local_iterator, …).",
    "duckdb": "Use a query, connection.sql('select …'), or .to_arrow_table() of its result.",
    "numpy": "Use pd.DataFrame(…, columns=[…]).",
}
_OF_CLASS: Final = {
    "LazyFrame": "It has not been computed yet: use .collect().",
    "LazyGroupBy": "It has not been computed yet: use .agg(…).collect().",
    "Series": "Use Series.to_frame().",
    "Styler": "Use its .data.",
    "str": "Read the file first, such as with pd.read_csv(path, dtype=str) or pd.read_parquet(path).",
    "dict": "For columns, use pd.DataFrame(…, dtype=object), which keeps every digit; for rows, pass a list of dicts.",
    "list": "Each item must be a row as a dict; for other items, use pd.DataFrame(…, columns=[…], dtype=object).",
}
_OF_METHOD: Final = {
    "__fspath__": _OF_CLASS["str"],
    "to_table": "Use .to_table().",
    "to_arrow": "Use .to_arrow().",
    "to_frame": "Use .to_frame().",
    "agg": "Use .agg(…).",
    "__next__": "For an iterator of frames, use growlytics_pandas.push_batches(…).",
    "to_pandas": "Use .to_pandas(); whole numbers in columns with missing values may lose digits.",
    "__call__": "For a function that returns frames, use growlytics_pandas.push_batches(…).",
}


def _no_frame(found: Any, where: str) -> InvalidArgumentTypeError:
    package, kind = type(found).__module__.partition(".")[0].lstrip("_"), _class_name(found)
    origin = "" if package in ("builtins", "pandas") else f" of {package}"
    return InvalidArgumentTypeError(
        f"{where}found a {kind}{origin}; it must be a frame with one row per customer: a pandas DataFrame, or an "
        f"object that exports Arrow data (Polars, pyarrow, DuckDB). {_remedy(found, package, kind)}".rstrip()
    )


def _remedy(found: Any, package: str, kind: str) -> str:
    if kind in _OF_CLASS:
        return _OF_CLASS[kind]
    if "GroupBy" in kind:
        return _GROUPS
    if package in _OF_PACKAGE:
        return _OF_PACKAGE[package]
    return next((words for method, words in _OF_METHOD.items() if callable(getattr(found, method, None))), "")


def _class_name(found: Any) -> str:
    return type(found).__name__
