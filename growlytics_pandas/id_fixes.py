"""Remedies for ids."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import pandas as pd
from pandas.api import types as dtypes

from growlytics_pandas.fixes import AS_TEXT, INFINITE, Lines, assignment, column, in_rows
from growlytics_pandas.inference import Kind
from growlytics_pandas.layout import Layout

KEEP_ONE: Final = 'keep = "first"  # and keep=keep in the call: the rows that share an id lie in several parts'
_IF_ONE: Final = "# if they are one customer: "
_LOOKED_AT: Final = 1000  # groups of rows with one id; past that the general line is given


def of_no_id(frame: pd.DataFrame, layout: Layout, value: Any) -> str:
    """Return a line that leaves out rows without a usable id."""
    here = column(frame, layout.id_position)
    if dtypes.is_scalar(value) and pd.isna(value):
        return f"df = df[{here}.notna()]"
    if isinstance(value, str):
        usable = "v.encode(errors='ignore').decode().strip() == v.strip() != ''"
        return f"df = df[{here}.map(lambda v: not isinstance(v, str) or {usable})]"
    if layout.id_kind is Kind.DATE:
        return assignment(frame, layout.id_position, AS_TEXT)
    if isinstance(value, (float, Decimal)):
        return f"df = df[~{here}.isin({INFINITE})]"
    return f"df = df[{here}.map(lambda v: type(v).__name__ != {type(value).__name__!r})]"


def of_float_id(frame: pd.DataFrame, position: int, *, is_whole: bool) -> str:
    """Return a line that writes float ids as text: whole ones, or all."""
    whole = 'f"{v:.0f}" if isinstance(v, float) and v.is_integer()'
    others = "" if is_whole else " else str(v) if v == v"
    return assignment(frame, position, f"{{}}.map(lambda v: {whole}{others} else v)")


def of_long_id(frame: pd.DataFrame, position: int, limit: int, text: str) -> str:
    """Return a line that shows the rows whose id is long; what to do about them is not for a line to decide."""
    here = column(frame, position)
    if len(text) > limit:
        return f"df[{here}.astype(str).str.len() > {limit}]  # look at these; they are sent as they are"
    units = "len(str(v).encode('utf-16-le', 'replace')) // 2"
    return f"df[{here}.map(lambda v: {units}) > {limit}]  # look at these; they are sent as they are"


def of_same_ids(frame: pd.DataFrame, position: int, groups: list[list[int]]) -> str:
    """Return a line that keeps the last row of each id."""
    here = column(frame, position)
    values = frame.iloc[:, position]
    alike = [[values.iloc[row] for row in rows] for rows in groups[:_LOOKED_AT]]
    if any(len({(type(value), value) for value in group}) > 1 for group in alike) or len(groups) > _LOOKED_AT:
        here += '.map(lambda v: f"{v:.0f}" if isinstance(v, float) and v.is_integer() else str(v).strip())'
    return f'df = df[~{here}.duplicated(keep="last") | {column(frame, position)}.isna()]'


def of_alike_ids(frame: pd.DataFrame, layout: Layout, rows: list[int], texts: list[str]) -> Lines:
    """Return lines that write the ids of `rows` in one case and form, without invisible characters.

    Nobody but the user knows whether they are one customer, so the lines do nothing until the remark is taken away.
    """
    text, form = "v.lower()", ""
    if not "".join(texts).isascii():
        text = '"".join(filter(str.isprintable, v)).strip().casefold()'
        form = '.str.normalize("NFKC")' if layout.id_kind is Kind.TEXT else ""
    one = f"{{}}{form}.map(lambda v: {text} if isinstance(v, str) else v)"
    lines = in_rows(frame, layout.id_position, rows, f"{{}}.mask(\0, {one})", "they become one customer")
    return f"{_IF_ONE}{lines}" if isinstance(lines, str) else [f"{_IF_ONE}{line}" for line in lines]
