"""Hints for columns whose type is worth a second thought, because the first push fixes it for good."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd
from pandas.api import types as dtypes

from growlytics_pandas import contract
from growlytics_pandas.conversion import as_boolean, date_in, number_in
from growlytics_pandas.inference import Kind

_ANY_ZONE: Final = ZoneInfo("UTC")
_FIRST_LOOK: Final = 50  # distinct values: most text columns are settled by the first few


def hint(column: pd.Series[Any], kind: Kind, name: str) -> str:
    """Return a line for the schema's `note`, or '' where the type is plain."""
    if name in contract.RESERVED_ATTRIBUTES:
        return ""
    near = next((r for r in contract.RESERVED_ATTRIBUTES if name.strip().lower() == r), None)
    if near is not None:
        return f"a custom attribute; rename to {near!r} if campaigns are to use it"
    if kind is Kind.TEXT:
        return _of_text(column)
    if kind is Kind.DATE:
        return "written in the zone timezone=, UTC by default" if _is_aware(column) else ""
    return _of_integers(column) if kind is Kind.INTEGER else ""


def _is_aware(column: pd.Series[Any]) -> bool:
    dtype = column.dtype
    zone = getattr(dtype.pyarrow_dtype, "tz", None) if isinstance(dtype, pd.ArrowDtype) else getattr(dtype, "tz", None)
    return zone is not None


def _of_text(column: pd.Series[Any]) -> str:
    label = column.name
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.cat.remove_unused_categories().cat.categories.to_series()
    for is_one, what, wanted in _LOOKS:
        if _all(column, is_one):
            return f"text that is all {what}; to send it so: types={{{label!r}: {wanted!r}}}"
    return ""


def _all(column: pd.Series[Any], is_one: Callable[[str], bool]) -> bool:
    """Look at the first few values, and at the rest only where those agree."""
    head = column.iloc[:_FIRST_LOOK].dropna().unique()
    return all(map(is_one, head)) and all(map(is_one, column.dropna().unique()))


_LOOKS: Final = (
    (lambda text: as_boolean(text) is not None and not text.strip().isdigit(), "yes/no", contract.BOOLEAN),
    (lambda text: number_in(text) is not None and not _is_code(text), "numbers", contract.NUMBER),
    (lambda text: date_in(text, _ANY_ZONE) is not None, "dates", contract.DATE),
)


def _is_code(text: str) -> bool:
    """Tell whether a number would lose a zero or a plus: postal codes and telephone numbers do."""
    return re.match(r"\s*(\+|-?0\d)", text) is not None


def _of_integers(column: pd.Series[Any]) -> str:
    if isinstance(column.dtype, pd.CategoricalDtype) or not dtypes.is_integer_dtype(column.dtype):
        return ""
    if column.min() == 0 and column.max() == 1:
        return f"only 0 and 1; to send it as yes/no: types={{{column.name!r}: {contract.BOOLEAN!r}}}"
    return ""
