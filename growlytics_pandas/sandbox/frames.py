"""The store's rows as DataFrames."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas.sandbox.store import AttributeTypeRow, IgnoredRow

ID_COLUMN: Final = "id"
ID_ATTRIBUTE_COLUMN: Final = "id (attribute)"
"""The column of an attribute that is itself named "id"."""

_UTC: Final = "datetime64[us, UTC]"
_LARGEST_EXACT_DOUBLE: Final = 2**53


def customers_frame(stored: Mapping[str, Mapping[str, Any]], types: Iterable[AttributeTypeRow]) -> pd.DataFrame:
    """Return one row a customer: `id`, then one column an attribute, missing where the customer has none."""
    columns = {ID_COLUMN: pd.Series(list(stored), dtype="string")}
    for attribute in types:
        label = ID_ATTRIBUTE_COLUMN if attribute.attribute == ID_COLUMN else attribute.attribute
        values = [customer.get(attribute.attribute) for customer in stored.values()]
        columns[label] = _column(values, attribute.type)
    return pd.DataFrame(columns)


def types_frame(types: Sequence[AttributeTypeRow]) -> pd.DataFrame:
    """Return one row a pinned attribute: `attribute`, `type`, `first_seen`."""
    return pd.DataFrame(
        {
            "attribute": pd.Series([row.attribute for row in types], dtype="string"),
            "type": pd.Series([row.type for row in types], dtype="string"),
            "first_seen": pd.Series([row.first_seen for row in types], dtype=_UTC),
        }
    )


def ignored_frame(rows: Sequence[IgnoredRow]) -> pd.DataFrame:
    """Return one row a silently ignored value."""
    return pd.DataFrame(
        {
            "id": pd.Series([row.id for row in rows], dtype="string"),
            "attribute": pd.Series([row.attribute for row in rows], dtype="string"),
            "type": pd.Series([row.type for row in rows], dtype="string"),
            "value": _objects([row.value for row in rows]),
            "reason": pd.Series([row.reason.value for row in rows], dtype="string"),
            "known_type": pd.Series([row.known_type for row in rows], dtype="string"),
            "when": pd.Series([row.when for row in rows], dtype=_UTC),
        }
    )


def _column(values: list[Any], kind: str) -> "pd.Series[Any]":
    if kind == contract.NUMBER:
        return _numbers(values)
    if kind == contract.BOOLEAN:
        return pd.Series(values, dtype="boolean")
    if kind == contract.DATE:
        # Seconds reach from year 1 to 9999; nanoseconds would not.
        return pd.Series(np.array([value or "NaT" for value in values], dtype="datetime64[s]"))
    return pd.Series(values, dtype="string")


def _numbers(values: list[Any]) -> "pd.Series[Any]":
    """Return a nullable column where it holds every number exactly, else the Python numbers as they are."""
    present = [value for value in values if value is not None]
    limits = np.iinfo(np.int64)
    if all(type(value) is int and limits.min <= value <= limits.max for value in present):
        return pd.Series(values, dtype="Int64")
    if all(_fits_double(value) for value in present):
        return pd.Series(values, dtype="Float64")
    return _objects([pd.NA if value is None else value for value in values])


def _fits_double(value: Any) -> bool:
    return type(value) is float or (type(value) is int and abs(value) <= _LARGEST_EXACT_DOUBLE)


def _objects(values: list[Any]) -> "pd.Series[Any]":
    # Filled one by one: from a list of lists numpy would make a table.
    cells = np.empty(len(values), dtype=object)
    for position, value in enumerate(values):
        cells[position] = value
    return pd.Series(cells, dtype=object)
