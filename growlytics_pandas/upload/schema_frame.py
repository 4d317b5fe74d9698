"""The schema of a push as a frame, and which types it sends and fixes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from growlytics_pandas._masking import Masker, is_personal, printable
from growlytics_pandas.checks.doubtful_types import TYPE_OPTIONS
from growlytics_pandas.checks.messages import python_options
from growlytics_pandas.checks.schema import Attribute, Schema
from growlytics_pandas.checks.suggestion import Suggestion
from growlytics_pandas.columns.dtypes import absent
from growlytics_pandas.columns.extract import originals

SCHEMA_DTYPES = {
    "column": "object",
    "attribute": "str",
    "type": "string",
    "dtype": "str",
    "reserved": "bool",
    "missing": "int64",
    "distinct": "Int64",
    "example": "object",
    "known_type": "string",
    "note": "str",
}


def types_sent(layout: Schema, dropped: frozenset[int]) -> dict[str, str]:
    """Return attribute → type of the custom attributes that are sent."""
    return {
        attribute.name: attribute.type.value
        for attribute in layout.attributes
        if attribute.type and not attribute.is_reserved and attribute.position not in dropped
    }


def types_to_fix(layout: Schema, dropped: frozenset[int]) -> dict[str, str]:
    """Return attribute → type of what a push would fix for good: what is sent and the ledger does not know."""
    known = {attribute.name for attribute in layout.attributes if attribute.known}
    return {name: type_ for name, type_ in types_sent(layout, dropped).items() if name not in known}


def new_types(confirmed: Mapping[str, str], layout: Schema, dropped: frozenset[int], *, is_dry: bool) -> pd.DataFrame:
    """Return the types that a run fixed for good; for a dry run, those that a push would."""
    return types_frame(types_to_fix(layout, dropped) if is_dry else confirmed)


def types_frame(types: Mapping[str, str]) -> pd.DataFrame:
    """Return one row per attribute: `attribute`, `type`."""
    return pd.DataFrame({"attribute": list(types), "type": list(types.values())}, dtype="str")


def schema_frame(
    layout: Schema,
    dropped: frozenset[int],
    suggestions: Sequence[Suggestion],
    frame: pd.DataFrame | None = None,
    *,
    is_whole: bool = True,
) -> pd.DataFrame:
    """Return one row per column to send: see `Plan.schema`.

    `frame` is where `distinct` and `example` come from; without it, and `distinct` if it is not all of the data, they
    are missing.
    """
    notes: dict[str, list[str]] = {}
    for each in suggestions:
        if each.option in _NOTED:
            notes.setdefault(repr(each.column), []).append(_suggestion_note(each))
    rows = [
        (
            *_schema_row(attribute, attribute.position in dropped, notes.get(repr(attribute.column), [])),
            *((None, None) if frame is None else _values_row(frame, attribute, layout.id_column, is_whole=is_whole)),
        )
        for attribute in layout.attributes
    ]
    return pd.DataFrame(
        {
            name: pd.Series([row[_ORDER.index(name)] for row in rows], dtype=dtype)
            for name, dtype in SCHEMA_DTYPES.items()
        }
    )


_ORDER = ("column", "attribute", "type", "dtype", "reserved", "missing", "known_type", "note", "distinct", "example")
_NOTED = (*TYPE_OPTIONS, "na_values", "timezone")
"""Options that a note suggests; what others change is a violation anyway."""
_LEFT_OUT = "left out: see violations"


def _suggestion_note(suggestion: Suggestion) -> str:
    if suggestion.value is None:
        return suggestion.reason
    value: Any = {suggestion.column: suggestion.value}
    if suggestion.option == "timezone":
        value = suggestion.value
    return f"{suggestion.reason}: {python_options({suggestion.option: value})}"


def _schema_row(attribute: Attribute, is_dropped: bool, suggested: Sequence[str]) -> tuple[Any, ...]:
    known = attribute.known.type if attribute.known else None
    kind = attribute.type.value if attribute.type and not is_dropped else None
    is_left_out = is_dropped and attribute.type is not None  # else its own note says why
    note = "; ".join([_LEFT_OUT] * is_left_out + [attribute.note] * bool(attribute.note) + list(suggested))
    return (
        attribute.column,
        attribute.name.encode("utf-8", "backslashreplace").decode(),  # half a character has no place in a text column
        kind,
        attribute.dtype,
        attribute.is_reserved,
        attribute.missing,
        known,
        note,
    )


def _values_row(frame: pd.DataFrame, attribute: Attribute, id_column: Any, *, is_whole: bool) -> tuple[int | None, Any]:
    """Return how many values of a column differ, and the first of them, masked where it tells who a customer is."""
    column = frame.iloc[:, attribute.position]
    present = column[(~absent(column)).to_numpy(dtype=bool)]
    if not len(present):
        return 0 if is_whole else None, None
    example = printable(originals(present.iloc[[0]])[0])
    if is_personal(attribute.name, attribute.column, id_column):
        example = Masker().identity(example)
    return _distinct(present) if is_whole else None, example


def _distinct(present: pd.Series[Any]) -> int | None:
    try:
        return int(present.nunique())
    except (TypeError, ValueError, ArithmeticError):  # lists, or a signalling NaN, which cannot be compared
        return None
