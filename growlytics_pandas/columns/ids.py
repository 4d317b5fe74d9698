"""The id of each row, as text, and which ids are the same or look the same."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from operator import ne
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas.columns.contacts import INDIA
from growlytics_pandas.columns.convert import as_text, has_lost_digits, is_infinite
from growlytics_pandas.columns.dtypes import Kind, family
from growlytics_pandas.columns.extract import Cells, Mask
from growlytics_pandas.columns.reading import DEFAULT_READING, Reading, read_cells

Keep = Literal["first", "last", False]


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of a block: `texts` as they are sent ('' where there is none), and masks of what there is to report.

    `rounded`: numbers whose last digits are lost. They count as `missing`: they may be another customer's.
    """

    texts: list[str]
    missing: Mask
    stripped: Mask
    was_float: Mask
    rounded: Mask
    too_long: Mask


def read_ids(
    column: pd.Series[Any], kind: Kind, zone: ZoneInfo, region: str = INDIA, reading: Reading = DEFAULT_READING
) -> Ids:
    """Write the ids of a block as text. White space around them goes; a whole float loses its ``.0``."""
    cells = read_cells(column, kind, zone, region, reading)
    raw, floats, rounded = _raw_texts(cells, zone)
    texts = _sendable(raw)
    was_stripped = np.zeros(len(texts), dtype=bool)
    if texts != raw:
        was_stripped = np.fromiter(map(ne, texts, raw), dtype=bool, count=len(texts))
    for position in np.flatnonzero(cells.missing | rounded).tolist():
        texts[position] = ""  # what has lost digits may be another customer's
    lengths = np.fromiter(map(len, texts), dtype="int32", count=len(texts))
    present = lengths > 0
    return Ids(
        texts,
        missing=~present,
        stripped=present & was_stripped,
        was_float=floats & (present | rounded),
        rounded=rounded & ~cells.missing,
        too_long=_too_long(texts, lengths, contract.MAX_ID_CHARS),
    )


def unread_ids(missing: Mask) -> Ids:
    """Return the ids of a block of which only is known where they are missing."""
    none = np.zeros(len(missing), dtype=bool)
    return Ids([""] * len(missing), missing, none, none, none, none)


def _raw_texts(cells: Cells, zone: ZoneInfo) -> tuple[list[str], Mask, Mask]:
    """Return the texts, which came from a float, and which are numbers that have lost digits."""
    count = len(cells.missing)
    none = np.zeros(count, dtype=bool)
    if cells.kind is Kind.TEXT:
        return cells.values, none, _in_scientific_notation(cells.values)
    if cells.kind is Kind.INTEGER:
        return list(map(str, cells.values.tolist())), none, none
    if cells.kind in (Kind.FLOAT, Kind.DECIMAL, Kind.MIXED):
        values = list(cells.values)  # not tolist(): a float32 has the digits of its own precision
        texts = ["" if gone else _id_text(v, zone) for v, gone in zip(values, cells.missing.tolist(), strict=True)]
        floats = np.fromiter((isinstance(v, (float, np.floating)) for v in values), dtype=bool, count=count)
        rounded = np.fromiter(map(has_lost_digits, values), dtype=bool, count=count)
        if cells.kind is Kind.MIXED:
            rounded |= _in_scientific_notation([v if isinstance(v, str) else "" for v in values])
        return texts, floats & ~cells.missing, rounded & ~cells.missing
    return [""] * count, none, none  # booleans, dates, lists …: no id


_SCIENTIFIC: Final = re.compile(r"\s*'?[+-]?\d(?:[.,]\d+)?[eE]\+\d+\s*")


def _in_scientific_notation(texts: list[str]) -> Mask:
    """Which texts are numbers as a spreadsheet or a float writes them when they are long: ``9.19812E+11``."""
    joined = "\n".join(texts)
    if "+" not in joined or ("e+" not in joined and "E+" not in joined):
        return np.zeros(len(texts), dtype=bool)
    return np.fromiter((_SCIENTIFIC.fullmatch(text) is not None for text in texts), dtype=bool, count=len(texts))


def _id_text(value: Any, zone: ZoneInfo) -> str:
    """Write a number or text as an id; nothing else is one."""
    if family(type(value)) not in (Kind.TEXT, Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL) or is_infinite(value):
        return ""
    return as_text(value, zone) or ""


def _sendable(raw: list[str]) -> list[str]:
    """Strip texts, and empty those that have no UTF-8: half a surrogate pair cannot be sent."""
    texts = list(map(str.strip, raw))
    joined = "".join(texts)
    if joined.isascii() or contract.is_unicode(joined):
        return texts
    return [text if contract.is_unicode(text) else "" for text in texts]


def _too_long(texts: list[str], lengths: npt.NDArray[np.int32], limit: int) -> Mask:
    """Which texts exceed `limit` in code points or UTF-16 units, of which a code point has two at most."""
    too_long = lengths > limit
    if "".join(texts).isascii():
        return too_long
    for position in np.flatnonzero((lengths > limit // 2) & ~too_long).tolist():
        too_long[position] = contract.count_chars(texts[position]) > limit
    return too_long


def too_long(texts: list[str], limit: int) -> Mask:
    """Which texts have more than `limit` characters, however they are counted."""
    return _too_long(texts, np.fromiter(map(len, texts), dtype="int32", count=len(texts)), limit)


# the same, or alike -------------------------------------------------------------------------------------------------


def fold(text: str) -> str:
    """Reduce an id to what the eye sees: no case, no zero-width characters, one form of each letter."""
    if text.isascii():
        return text.lower()
    visible = "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf")
    return unicodedata.normalize("NFKC", visible.casefold()).strip()


def fold_all(texts: list[str]) -> list[str]:
    """Fold a block of ids; the very same list where that changes none of them, as with e-mail addresses mostly."""
    joined = "".join(texts)
    return texts if joined.isascii() and joined == joined.lower() else list(map(fold, texts))


def hash_texts(texts: list[str]) -> npt.NDArray[np.uint64]:
    """Hash texts to 64 bits each, so that a million ids are compared in 8 MB."""
    return pd.util.hash_array(np.array(texts, dtype=object), categorize=False)


Groups = list[list[int]]
"""Positions of rows that belong together, each list ascending and with two rows or more."""


def find_groups(
    hashes: npt.NDArray[np.uint64], present: Mask, fetch: Callable[[npt.NDArray[np.int64]], list[str]]
) -> Groups:
    """Group rows by text. Only rows whose hash is not alone are fetched and compared as text."""
    series = pd.Series(hashes)[present]
    suspects = series.index.to_numpy()[series.duplicated(keep=False).to_numpy()]
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for row, text in zip(suspects.tolist(), fetch(suspects), strict=True):
        groups[text].append(row)
    return [rows for rows in groups.values() if len(rows) > 1]


def unkept(groups: Groups, keep: Keep) -> list[int]:
    """Return the rows that `keep` leaves out, in pandas' sense of the word, ascending."""
    kept = {"first": slice(1, None), "last": slice(None, -1), False: slice(None)}[keep]
    return sorted(row for rows in groups for row in rows[kept])
