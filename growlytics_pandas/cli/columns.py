"""The text of a CSV as numbers, booleans and text. What could lose something stays text, and a note says so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas.cli.messages import as_flags

_INTEGER: Final = r"-?(?:0|[1-9][0-9]*)"
# An exponent has a sign, as programs write it: 12E3 is more likely a code.
_NUMBER: Final = rf"(?:{_INTEGER}(?:\.[0-9]*)?|-?\.[0-9]+)(?:[eE][+-][0-9]+)?"
_SHORT: Final = r"-?(?:\.[0-9]+|[0-9]+\.)(?:[eE][+-]?[0-9]+)?"
_CODE: Final = r"-?0[0-9]+(?:\.[0-9]*)?"
_FIRST_LOOK: Final = 200  # values: most columns of text are settled by them
_MOSTLY: Final = 0.8  # so many numbers make the others look like slips
_BLANKS: Final = ("NA", "N/A", "n/a", "na", "NaN", "nan", "NULL", "null", "None", "none", "nil", "-", "#N/A", "?")
_INT64: Final = np.iinfo("int64")


@dataclass(frozen=True, slots=True)
class Note:
    """What was decided of a column; `is_doubt` where it is text and numbers are probably meant."""

    text: str
    is_doubt: bool = False


def settle(column: pd.Series[Any]) -> tuple[pd.Series[Any], Note | None]:
    """Return a column of text as what its values are, and a note where that deserves one."""
    present = column.dropna()
    if present.empty or not _looks_typed(present.iloc[:_FIRST_LOOK]):
        return column, None
    lowered = present.str.lower()
    if lowered.isin(["true", "false"]).all():
        return column.str.lower().map({"true": True, "false": False}).astype("boolean"), None
    is_number = _matches(present, _NUMBER)
    if is_number.all():
        return _numbers(column, present)
    return column, _note_of_text(present, is_number)


def spell_out(column: pd.Series[Any]) -> pd.Series[Any]:
    """Write ``.5`` and ``5.`` in full, in a column that is to become numbers: conversion asks for that."""
    odd = column.str.fullmatch(_SHORT).fillna(False).to_numpy(dtype=bool)
    if not odd.any():
        return column
    texts = column.tolist()
    for i in np.flatnonzero(odd).tolist():
        texts[i] = re.sub(r"\.(?![0-9])", "", re.sub(r"^(-?)\.", r"\g<1>0.", texts[i]))
    return pd.Series(texts, index=column.index, dtype=column.dtype)


def _looks_typed(head: pd.Series[Any]) -> bool:
    is_one = _matches(head, f"{_NUMBER}|{_CODE}") | head.str.lower().isin(["true", "false"]).to_numpy(dtype=bool)
    return bool(is_one.mean() >= _MOSTLY / 2)


def _matches(texts: pd.Series[Any], pattern: str) -> Any:
    return texts.str.fullmatch(pattern).to_numpy(dtype=bool)


def _numbers(column: pd.Series[Any], present: pd.Series[Any]) -> tuple[pd.Series[Any], Note | None]:
    if _matches(present, _INTEGER).all():
        integers = list(map(int, present.tolist()))
        if _INT64.min <= min(integers) and max(integers) <= _INT64.max:
            return _filled(column, integers, "Int64", "int64"), None
        return column, Note(_stays(column, "whole numbers of more than 64 bits"))
    floats = list(map(float, present.tolist()))
    if any(map(_is_rounded, floats, present.tolist())):
        return column, Note(_stays(column, "whole numbers that a double would round"))
    return _filled(column, floats, "float64", "float64"), _note_of_spellings(present, floats)


def _note_of_spellings(present: pd.Series[Any], floats: list[float]) -> Note | None:
    """Say where two texts become one number: 1.1 and 1.10 may be versions."""
    texts = present.drop_duplicates()
    again = pd.Series(floats, index=present.index)[texts.index].duplicated()
    if not again.any():
        return None
    asked = as_flags({"types": {present.name: "string"}})
    return Note(
        f"column {present.name!r} is read as numbers, and some are spelt in two ways, like 1.1 and 1.10, first in line "
        f"{texts.index[int(np.argmax(again))]:,}. To keep the text: {asked}."
    )


def _is_rounded(number: float, text: str) -> bool:
    """Tell whether digits before the point are lost, as of a long id among decimals."""
    return abs(number) > contract.MAX_SAFE_INTEGER and "e" not in text.lower()


def _filled(column: pd.Series[Any], values: list[Any], with_gaps: str, without: str) -> pd.Series[Any]:
    """Put the values where `column` has some."""
    present = column.notna().to_numpy(dtype=bool)
    if present.all():
        return pd.Series(values, index=column.index, dtype=without)
    result = pd.Series([None] * len(column), index=column.index, dtype=with_gaps)
    result.iloc[np.flatnonzero(present)] = values
    return result


def _note_of_text(present: pd.Series[Any], is_number: Any) -> Note | None:
    is_code = _matches(present, _CODE)
    if (is_number | is_code).all():
        return Note(_stays(present, f"leading zeros, first in line {present.index[int(np.argmax(is_code))]:,}"))
    if is_number.mean() < _MOSTLY:
        return None
    others = present[~is_number]
    found = others.iloc[0]
    # A value is a customer's and does not belong in a log; these words are nobody's.
    blank = found if others.eq(found).all() and found in _BLANKS else ""
    is_ = "is" if len(others) == 1 else "are"
    what = f"{len(others):,} of {len(present):,} values {is_} no plain number, first in line {others.index[0]:,}"
    missing = f" If {blank!r} means missing: {as_flags({'na_values': [blank]})}." if blank else ""
    return Note(_stays(present, what) + missing, is_doubt=not is_code.any())


def _stays(column: pd.Series[Any], why: str) -> str:
    asked = as_flags({"types": {column.name: "number"}})
    return f"column {column.name!r} is read as text: {why}. To send numbers: {asked}."
