"""Columns, built from chunks of a file and joined without changing a value."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

ROWS_AT_ONCE: Final = 20_000  # records in memory as Python objects before they become columns
_INT64: Final = np.iinfo("int64")


def text_dtype() -> Any:
    """Return the dtype of text: Arrow's if pyarrow is installed, which needs a fifth of the memory."""
    return pd.StringDtype("pyarrow" if importlib.util.find_spec("pyarrow") else "python")


def text_array(values: list[Any]) -> Any:
    """Return strings (None: missing) as an array."""
    return pd.array(values, dtype=text_dtype())


def narrow(values: list[Any]) -> Any:
    """Return values of one class as an array of that dtype, mixed values as objects; None if all are missing."""
    classes = set(map(type, values)) - {type(None)}
    if not classes:
        return None
    if classes == {str}:
        try:
            return text_array(values)
        except UnicodeEncodeError:  # a lone surrogate, which the checks report
            return objects(values)
    if classes == {float}:
        return np.array(values, dtype="float64")  # None becomes NaN
    if classes == {int} and all(value is None or _INT64.min <= value <= _INT64.max for value in values):
        return pd.array(values, dtype="Int64")
    return pd.array(values, dtype="boolean") if classes == {bool} else objects(values)


def objects(values: Sequence[Any]) -> Any:
    """Return values unchanged in an object array; a list or dict is one cell."""
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    return array


def join(parts: list[Any], lengths: list[int]) -> pd.Series[Any]:
    """Join the parts of a column (None: all values missing); as objects if their dtypes differ."""
    dtypes = {str(part.dtype) for part in parts if part is not None}
    if not dtypes:
        return pd.Series(objects([None] * sum(lengths)), dtype=object)
    if len(dtypes) > 1:
        return pd.Series(np.concatenate([_as_objects(p, n) for p, n in zip(parts, lengths, strict=True)]), dtype=object)
    dtype = next(part.dtype for part in parts if part is not None)
    arrays = [pd.array([None] * n, dtype=dtype) if p is None else p for p, n in zip(parts, lengths, strict=True)]
    joined: pd.Series[Any] = pd.concat([pd.Series(array, dtype=dtype) for array in arrays], ignore_index=True)
    return joined


def _as_objects(part: Any, length: int) -> Any:
    if part is None:
        return objects([None] * length)
    return objects([None if missing else value for value, missing in zip(part.tolist(), pd.isna(part), strict=True)])


def frame_of(labels: list[str], columns: list[pd.Series[Any]], lines: list[int]) -> pd.DataFrame:
    """Return a frame whose index is the line in the file; labels may repeat."""
    frame = pd.DataFrame(dict(enumerate(columns)), index=None if columns else range(len(lines)))
    frame.columns = pd.Index(labels, dtype=object)
    frame.index = pd.Index(lines, dtype="int64", name="line")
    return frame
