"""The schema as a frame: one row per column to send."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from growlytics_pandas._labels import is_personal
from growlytics_pandas._masking import Masker, printable, storable
from growlytics_pandas._text import options_text, phrase
from growlytics_pandas.checks.profile import Suggestion, as_options
from growlytics_pandas.checks.schema import Attribute, Schema
from growlytics_pandas.columns.dtypes import absent, originals
from growlytics_pandas.columns.plan_options import TYPE_OPTIONS
from growlytics_pandas.columns.reading import clean, read_values
from growlytics_pandas.contract import AttributeType
from growlytics_pandas.upload.encode import as_sent
from growlytics_pandas.views.tables import shown_schema

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


def schema_frame(
    schema: Schema,
    dropped: frozenset[int],
    suggestions: Sequence[Suggestion],
    frame: pd.DataFrame | None = None,
    *,
    is_whole: bool = True,
) -> pd.DataFrame:
    """Return one row per column to send: see `Plan.schema`.

    `distinct`, `example` and what is sent for it are computed from `frame`; without it they are missing, and `distinct`
    also if the frame is not all of the data.
    """
    notes: dict[str, list[str]] = {}
    for each in suggestions:
        if each.option in _NOTED:
            notes.setdefault(repr(each.column), []).append(_suggestion_note(each))
    rows = [
        {
            **_schema_row(attribute, attribute.position in dropped, notes.get(repr(attribute.column), [])),
            **({} if frame is None else _values_row(frame, attribute, schema, dropped, is_whole=is_whole)),
        }
        for attribute in schema.attributes
    ]
    found = pd.DataFrame(
        {name: pd.Series([row.get(name) for row in rows], dtype=dtype) for name, dtype in SCHEMA_DTYPES.items()}
    )
    return shown_schema(found, {repr(row["column"]): row.get("sent") for row in rows})


_NOTED = (*TYPE_OPTIONS, "na_values", "timezone")
"""Options suggested in a note; other suggestions concern violations, which are reported anyway."""


def _suggestion_note(suggestion: Suggestion) -> str:
    if suggestion.value is None:
        return suggestion.reason
    return f"{suggestion.reason}: {options_text(**as_options([suggestion]))}"


def _schema_row(attribute: Attribute, is_dropped: bool, suggested: Sequence[str]) -> dict[str, Any]:
    known = attribute.known.type if attribute.known else None
    kind = attribute.type.value if attribute.type and not is_dropped else None
    is_left_out = is_dropped and attribute.type is not None  # else its own note has the reason
    left_out = f"left out: see {phrase('violations', 'validate')}"
    note = "; ".join([left_out] * is_left_out + [attribute.note] * bool(attribute.note) + list(suggested))
    return {
        "column": attribute.column,
        "attribute": storable(attribute.name),
        "type": kind,
        "dtype": attribute.dtype,
        "reserved": attribute.is_reserved,
        "missing": attribute.missing,
        "known_type": known,
        "note": note,
    }


def _values_row(
    frame: pd.DataFrame, attribute: Attribute, schema: Schema, dropped: frozenset[int], *, is_whole: bool
) -> dict[str, Any]:
    """Return the number of distinct values; the first value, and as it is sent: masked if it identifies a customer."""
    series = frame.iloc[:, attribute.position]
    column = clean(series, attribute.reading, schema.zone, schema.region)
    are_present = (~absent(column)).to_numpy(dtype=bool)
    present = column[are_present]
    if not len(present):
        return {"distinct": 0 if is_whole else None}
    place = int(are_present.argmax())
    first = series.iloc[place : place + 1]  # as it is in the frame, before `strip` and `normalize`
    example = printable(originals(first)[0])
    sent = None if attribute.position in dropped else _sent(first, attribute, schema)
    is_yes_or_day = sent is not None and attribute.type in (AttributeType.BOOLEAN, AttributeType.DATE)
    if not is_yes_or_day and is_personal(attribute.name, attribute.column, schema.id_column):
        example, sent = Masker().identity(example), sent and Masker().identity(sent)
    return {"distinct": _distinct(present) if is_whole else None, "example": example, "sent": sent}


def _sent(cell: pd.Series[Any], attribute: Attribute, schema: Schema) -> str | None:
    """Return one cell as it is sent; None if it is not."""
    if attribute.type is None:
        return None
    if attribute.position == schema.id_position and attribute.is_reserved:
        ids = schema.read_ids(cell)
        return None if ids.missing[0] else ids.texts[0]
    how = (attribute.kind, attribute.type, schema.zone, schema.region, attribute.reading)
    return as_sent(read_values(cell, *how, is_strict=attribute.strict))[0]


def _distinct(present: pd.Series[Any]) -> int | None:
    if isinstance(present.dtype, pd.StringDtype) and present.dtype.storage == "pyarrow":
        return present.nunique()
    try:
        return len(present) - int(present.duplicated().sum())  # nunique() of old pandas compares only up to a NUL
    except (TypeError, ValueError, ArithmeticError, NotImplementedError):  # lists, a signalling NaN, another byte order
        return None
