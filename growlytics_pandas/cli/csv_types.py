"""The text of a CSV as numbers, booleans and text. A column that could lose digits stays text, with a note."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas.cli.flags import as_flags
from growlytics_pandas.columns.texts import MISSING_WORDS

_INTEGER: Final = r"-?(?:0|[1-9][0-9]*)"
# An exponent has a sign, as programs write it: 12E3 is more likely a code.
_NUMBER: Final = rf"(?:{_INTEGER}(?:\.[0-9]*)?|-?\.[0-9]+)(?:[eE][+-][0-9]+)?"
_SHORT: Final = r"-?(?:\.[0-9]+|[0-9]+\.)(?:[eE][+-]?[0-9]+)?"
_CODE: Final = r"-?0[0-9]+(?:\.[0-9]*)?"
_GROUPED: Final = r"-?[1-9][0-9]{0,2}(?:\.[0-9]{3})+"
_BELOW_1000: Final = r"-?[0-9]{1,3}"
_FIRST_LOOK: Final = 200  # values; they are enough to recognize most text columns
_MOSTLY: Final = 0.8  # from this share of numbers on, the other values are probably errors
_INT64: Final = np.iinfo("int64")


@dataclass(frozen=True, slots=True)
class Note:
    """How a column was read; `is_uncertain` if it is text, but numbers are probably meant."""

    text: str
    is_uncertain: bool = False


def infer_column(column: pd.Series[Any]) -> tuple[pd.Series[Any], Note | None]:
    """Convert a text column to the type of its values; return it with a note if the user should check it."""
    present = column.dropna()
    if present.empty or not _looks_typed(present.iloc[:_FIRST_LOOK]):
        return column, None
    lowered = present.str.lower()
    if lowered.isin(["true", "false"]).all():
        return column.str.lower().map({"true": True, "false": False}).astype("boolean"), None
    is_number = _matches(present, _NUMBER)
    if is_number.all() and _may_be_thousands(present):
        return column, None  # a violation has the two readings
    if is_number.all():
        return _numbers(column, present)
    return column, _note_of_text(present, is_number)


def _may_be_thousands(present: pd.Series[Any]) -> bool:
    """Return whether all points may separate thousands, as in 1.234."""
    has_point = present.str.contains(".", regex=False).to_numpy(dtype=bool)
    return bool(has_point.any()) and bool((_matches(present, _GROUPED) | _matches(present, _BELOW_1000)).all())


def complete_decimals(column: pd.Series[Any]) -> pd.Series[Any]:
    """Write ``.5`` as ``0.5`` and ``5.`` as ``5``, as the conversion to numbers requires."""
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
    texts = present.tolist()
    if _matches(present, _INTEGER).all():
        integers = list(map(int, texts))
        if _INT64.min <= min(integers) and max(integers) <= _INT64.max:
            return pd.Series(integers, index=present.index, dtype="Int64").reindex(column.index), None
        return column, Note(_stays(column, "it has whole numbers of more than 64 bits"))
    floats = list(map(float, texts))
    if any(map(_is_rounded, floats, texts)):
        return column, Note(_stays(column, "it has whole numbers that a double would round"))
    numbers = pd.Series(floats, index=present.index)
    return numbers.reindex(column.index), _note_of_formats(present, numbers)


def _note_of_formats(present: pd.Series[Any], numbers: pd.Series[Any]) -> Note | None:
    """Return a note if two texts become one number: 1.1 and 1.10 may be versions."""
    texts = present.drop_duplicates()
    again = numbers[texts.index].duplicated()
    if not again.any():
        return None
    flags = as_flags({"types": {present.name: "string"}})
    return Note(
        f"column {present.name!r} is read as numbers, but some are written in two ways, such as 1.1 and 1.10 (first in "
        f"line {texts.index[int(np.argmax(again))]:,}). To keep the text: {flags}."
    )


def _is_rounded(number: float, text: str) -> bool:
    """Return whether digits before the decimal point are lost, as for a long id among decimals."""
    return abs(number) > contract.MAX_SAFE_INTEGER and "e" not in text.lower()


def _note_of_text(present: pd.Series[Any], is_number: Any) -> Note | None:
    is_code = _matches(present, _CODE)
    if (is_number | is_code).all():
        where = f"first in line {present.index[int(np.argmax(is_code))]:,}"
        return Note(_stays(present, f"it has leading zeros ({where})"))
    if is_number.mean() < _MOSTLY:
        return None
    others = present[~is_number]
    found = others.iloc[0]
    # Only these words are quoted: other values are customer data, which does not belong in a log.
    blank = found if others.eq(found).all() and found.casefold() in MISSING_WORDS else ""
    are = "is not a plain number" if len(others) == 1 else "are not plain numbers"
    what = f"{len(others):,} of {len(present):,} values {are} (first in line {others.index[0]:,})"
    missing = f" If {blank!r} means missing: {as_flags({'na_values': [blank]})}." if blank else ""
    return Note(_stays(present, what) + missing, is_uncertain=not is_code.any())


def _stays(column: pd.Series[Any], why: str) -> str:
    flags = as_flags({"types": {column.name: "number"}})
    return f"column {column.name!r} is read as text: {why}. To send numbers: {flags}."
