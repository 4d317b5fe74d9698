"""Remedies for numbers and dates in another spelling than those that are read: what is beyond doubt is rewritten."""

from __future__ import annotations

import pandas as pd

from growlytics_pandas import conditions, contract
from growlytics_pandas.conditions import emptied_by, plain
from growlytics_pandas.conversion_fixes import UTC, is_right, read_as, to_number
from growlytics_pandas.date_spellings import DateForms, find_date_forms, is_day
from growlytics_pandas.fixes import Lines, assignment, combined, in_rows, remarked
from growlytics_pandas.inference import AttributeType, Kind
from growlytics_pandas.layout import Attribute
from growlytics_pandas.readings import DAYS
from growlytics_pandas.spellings import NumberStyle, find_numbers


def of_other_spelling(frame: pd.DataFrame, attribute: Attribute, rows: list[int]) -> Lines:
    """Return lines that rewrite numbers and dates of another spelling, and empty what is neither."""
    place, here = attribute.position, plain(frame, attribute)
    values = frame.iloc[rows, place].tolist()
    if attribute.type == contract.NUMBER:
        style = find_numbers(values, frame.iloc[:, place].tolist())
        if len(rows) == sum(isinstance(v, str) and v in style.texts for v in values) and not style.has_decimal_comma:
            return remarked(assignment(frame, place, style.plain(here)), style.remark)  # no other has a separator
        texts, note, change = style.texts, style.remark, style.plain(here)
        is_kept, is_lost = conditions.in_style(style), conditions.in_no_style(style)
    elif attribute.type == contract.DATE and (found := find_date_forms(values)):
        if line := _all_dates(frame, attribute, found):
            return line
        texts, note, change = found.texts, found.remark, f'{found.some_in(here)}.dt.strftime("{found.iso}")'
        is_kept, is_lost = (conditions.in_forms(found),), conditions.in_no_form(found)
    else:
        return emptied_by(frame, attribute, rows, conditions.NOT_OF[AttributeType(attribute.type or "")])
    kept = [row for row, value in zip(rows, values, strict=True) if isinstance(value, str) and value in texts]
    lost = sorted({*rows}.difference(kept))
    gone = emptied_by(frame, attribute, lost, is_lost)
    if not kept:
        return gone
    condition = conditions.picking(frame, attribute, kept, is_kept)
    mended = in_rows(frame, place, kept, f"{here}.mask(\0, {change})", note, condition)
    return combined(rows, (kept, mended), (lost, gone))


def _all_dates(frame: pd.DataFrame, attribute: Attribute, found: DateForms) -> str:
    """Return a line that makes dates of a column, where all of it is in the formats; else ''."""
    cells = frame.iloc[:, attribute.position].dropna()
    if not all(isinstance(value, str) and value in found.texts for value in cells.tolist()):
        return ""
    return remarked(assignment(frame, attribute.position, found.all_in(plain(frame, attribute))), found.remark)


def of_numbers(frame: pd.DataFrame, attribute: Attribute) -> str:
    """Return a line that makes dates of whole numbers like 20250131, where all are; else ''."""
    if attribute.kind not in (Kind.INTEGER, Kind.FLOAT) or not all(
        map(is_day, frame.iloc[:, attribute.position].dropna().tolist())
    ):
        return ""
    return assignment(frame, attribute.position, DAYS)


def of_column(frame: pd.DataFrame, attribute: Attribute, wanted: AttributeType) -> str:
    """Return a line that converts a whole column of numbers or dates in another spelling; else ''."""
    cells = frame.iloc[:, attribute.position]
    wrong = [value for value in cells.dropna().tolist() if read_as(value, wanted, UTC) is None]
    if wanted is AttributeType.DATE and wrong and (found := find_date_forms(wrong)):
        return _all_dates(frame, attribute, found)
    if wanted is not AttributeType.NUMBER or not wrong:
        return ""
    style = find_numbers(wrong, cells.tolist())
    if not all(isinstance(value, str) and value in style.texts for value in wrong):
        return ""
    return _all_numbers(frame, attribute, style)


def _all_numbers(frame: pd.DataFrame, attribute: Attribute, style: NumberStyle) -> str:
    cells = frame.iloc[:, attribute.position]
    if style.has_decimal_comma and any(
        isinstance(v, str) and "." in v and v not in style.texts for v in cells.tolist()
    ):
        return ""  # there a point is a decimal one
    bare = style.bare(cells.astype(object))
    expected = [
        None if gone else read_as(v, AttributeType.NUMBER, UTC) for v, gone in zip(bare, bare.isna(), strict=True)
    ]
    line = assignment(frame, attribute.position, f"pd.to_numeric({style.plain(plain(frame, attribute))})")
    return remarked(line, style.remark) if is_right(bare, to_number, expected) else ""
