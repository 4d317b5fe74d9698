"""CSV → columns of text. Strict: what pandas would mend without a word (short lines, repeated labels) is told."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import pandas as pd

from growlytics_pandas.commands.frames import ROWS_AT_ONCE, frame_of, join, text_array
from growlytics_pandas.csv_safe import unguarded
from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.report.tables import plural

_OTHER_SEPARATORS: Final = (";", "\t", "|")


@dataclass(frozen=True, slots=True)
class CsvForm:
    """How a CSV is written. `is_sure`: the user named the separator, so one column is what is meant."""

    shown: str
    sep: str
    is_sure: bool


def read_csv_text(text: Iterable[str], form: CsvForm, limit: int | None) -> pd.DataFrame:
    """Read a CSV as text; an empty cell is missing."""
    reader = csv.reader(text, delimiter=form.sep, strict=True)
    records = _records(reader, form)
    try:
        header = next(records, None)
        if header is None:
            raise InvalidArgumentError(f"{form.shown}: it is empty; the first line must be the heading.")
        _check_header(header[1], form)
        return _frame(header[1], records, limit)
    except csv.Error as error:
        raise InvalidArgumentError(
            f"{form.shown}, line {reader.line_num:,}: {error}. Perhaps a quote that does not close, or another "
            "separator: --sep."
        ) from None


def _records(reader: Any, form: CsvForm) -> Iterator[tuple[int, list[str]]]:
    """Give each record with the line it begins on; lines without any cell are left out."""
    line, width = 1, 0
    for record in reader:
        if record:
            width = width or len(record)
            if len(record) != width:
                raise InvalidArgumentError(
                    f"{form.shown}, line {line:,}: found {plural(len(record), 'cell')}; the heading has {width}. The "
                    "file may be cut short, or a cell with a separator in it lacks its quotes."
                )
            yield line, list(map(unguarded, record))
        line = reader.line_num + 1


def _check_header(header: list[str], form: CsvForm) -> None:
    other = next((sep for sep in _OTHER_SEPARATORS if sep in header[0]), None)
    if len(header) == 1 and other and not form.is_sure:
        name = "\\t" if other == "\t" else other
        raise InvalidArgumentError(
            f"{form.shown}, line 1: found one column whose heading holds {name!r}; say --sep '{name}'."
        )


def _frame(header: list[str], records: Iterator[tuple[int, list[str]]], limit: int | None) -> pd.DataFrame:
    lines: list[int] = []
    lengths: list[int] = []
    parts: list[list[Any]] = [[] for _ in header]
    while limit is None or len(lines) < limit:
        n_wanted = ROWS_AT_ONCE if limit is None else min(ROWS_AT_ONCE, limit - len(lines))
        block = list(islice(records, n_wanted))
        if not block:
            break
        lines += [line for line, _ in block]
        lengths.append(len(block))
        for column, cells in zip(parts, zip(*(record for _, record in block), strict=True), strict=True):
            column.append(text_array([cell or None for cell in cells]))
    return frame_of(header, [join(column, lengths) for column in parts], lines)
