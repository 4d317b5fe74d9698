"""Remedies for single values: lines of pandas that mend or empty cells, and leave the others as they are."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
from pandas.api import types as dtypes

from growlytics_pandas import conditions, contract
from growlytics_pandas.conditions import emptied_by, plain
from growlytics_pandas.conversion_fixes import of_foreign
from growlytics_pandas.fixes import (
    AS_TEXT,
    INFINITE,
    NUMBERS,
    Lines,
    assignment,
    dropped,
    emptied,
    empties,
    in_call,
    named,
    remarked,
)
from growlytics_pandas.inference import Kind
from growlytics_pandas.layout import Attribute, Layout
from growlytics_pandas.spelling_fixes import of_numbers, of_other_spelling

_MANY: Final = 20  # labels in one line


def of_wrong_type(frame: pd.DataFrame, attribute: Attribute, rows: list[int]) -> Lines:
    """Return what to do about values that are not the type: convert those that can become it, empty the others."""
    label, place = named(frame, attribute.position), attribute.position
    if attribute.type == contract.STRING:
        unicode = '{}.map(lambda v: v.encode(errors="ignore").decode(), na_action="ignore")'
        return assignment(frame, place, unicode if attribute.kind is Kind.TEXT else AS_TEXT)
    if attribute.strict:
        return of_foreign(frame, attribute, rows)
    if attribute.kind in (Kind.TEXT, Kind.MIXED):
        return of_other_spelling(frame, attribute, rows)
    if attribute.type == contract.BOOLEAN and attribute.kind in NUMBERS:
        return remarked(assignment(frame, place, "{}.where({}.isin([0, 1]))"), empties(len(rows)))
    if attribute.type == contract.DATE and (line := of_numbers(frame, attribute)):
        return line
    return dropped(frame, place) if label is None else in_call("types", label, None)


def of_infinite(frame: pd.DataFrame, attribute: Attribute, rows: list[int]) -> Lines:
    """Return what to do about numbers that JSON cannot hold."""
    dtype = frame.dtypes.iloc[attribute.position]
    if dtypes.is_float_dtype(dtype) and not isinstance(dtype, pd.SparseDtype):
        line = assignment(frame, attribute.position, f'{{}}.replace({INFINITE}, float("nan"))')
        return remarked(line, empties(len(rows)))
    return emptied_by(frame, attribute, rows, conditions.INFINITE)


def of_year(frame: pd.DataFrame, attribute: Attribute, rows: list[int]) -> Lines:
    """Return what to do about dates whose year has not four digits."""
    if dtypes.is_object_dtype(frame.dtypes.iloc[attribute.position]):
        return emptied(frame, attribute.position, rows)
    between = f"{{}}.where({{}}.dt.year.between({contract.MIN_YEAR}, {contract.MAX_YEAR}))"
    return remarked(assignment(frame, attribute.position, between), empties(len(rows)))


def of_fraction(frame: pd.DataFrame, attribute: Attribute, rows: list[int]) -> Lines:  # noqa: ARG001 - as the others
    """Return what to do about fractions of a second."""
    dtype = frame.dtypes.iloc[attribute.position]
    floor = '.map(lambda v: pd.Timestamp(v).floor("s") if hasattr(v, "microsecond") else v, na_action="ignore")'
    if attribute.kind is not Kind.DATE:  # text that is read as a date stays text
        cut = plain(frame, attribute) + r'.replace(r"^(\s*\d{4}-\d\d-\d\d.*\d)[.,]\d+", r"\1", regex=True)'
        return assignment(frame, attribute.position, cut if attribute.kind is Kind.TEXT else cut + floor)
    if dtypes.is_object_dtype(dtype):
        return assignment(frame, attribute.position, "{}" + floor)
    return assignment(frame, attribute.position, '{}.dt.floor("s")')


def of_large_integer(frame: pd.DataFrame, attribute: Attribute, rows: list[int]) -> Lines:  # noqa: ARG001 - as the others
    """Return how to send integers as text, which keeps every digit."""
    label = named(frame, attribute.position)
    if attribute.known is not None and attribute.known.type == contract.NUMBER:  # text would be ignored
        return "# the service knows it as a number: send its digits as text under a new name, or leave it"
    if attribute.strict:  # text is not what its other lines make of the column
        return "# mend the values of other types in this column, then look again"
    if label is not None and attribute.kind is Kind.TEXT:
        return in_call("types", label, None)
    return assignment(frame, attribute.position, AS_TEXT)


def of_long_text(frame: pd.DataFrame, attribute: Attribute, texts: list[Any]) -> str:
    """Return a line that cuts texts to what fits; of emoji and the like half as many do."""
    limit = contract.MAX_VALUE_CHARS
    fits = limit if all(len(text) == contract.count_chars(text) for text in texts) else limit // 2
    cut = f"{{}}.map(lambda v: v[:{fits}] if isinstance(v, str) else v)"
    return assignment(frame, attribute.position, cut) + "  # cuts them; left alone, they are sent whole"


def without_empty_rows(frame: pd.DataFrame, layout: Layout) -> str:
    """Return a line that leaves out rows of which only the id would be sent."""
    asked = [attribute.position for attribute in layout.attributes]
    others = [place for place in range(frame.shape[1]) if place not in asked]  # the id among them
    labels = [named(frame, place) for place in others]
    if None in labels or len(labels) > _MANY:
        kept, guard = f"df.iloc[:, {asked}]", f"if df.shape[1] == {frame.shape[1]}: "
    else:
        kept, guard = f"df.drop(columns=[{', '.join(map(str, labels))}])", ""
    return f"{guard}df = df[{kept}.notna().any(axis=1)]  # leaves out customers with an id and nothing else"
