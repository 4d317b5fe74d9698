"""CSV → columns of text. Errors that pandas repairs silently (short lines, repeated labels) are raised.

The apostrophe that `csv_safe` writes before a possible formula is removed, so that a file written by this package can
be pushed.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, Final

import pandas as pd

from growlytics_pandas._text import plural
from growlytics_pandas.cli.frames import ROWS_AT_ONCE, frame_of, join, text_array
from growlytics_pandas.csv_safe import unguarded
from growlytics_pandas.errors import InvalidArgumentError

_OTHER_SEPARATORS: Final = (";", "\t", "|")
_SEPARATOR_LINE: Final = re.compile(r'"?sep=(.)"?\1*[\r\n]*', re.IGNORECASE)
"""A first line that defines the separator for Excel."""


@dataclass(frozen=True, slots=True)
class CsvForm:
    """How a CSV is written. `is_sure`: the user named the separator, so a single column is intended.

    `skip`: lines above the heading.
    """

    shown: str
    sep: str
    is_sure: bool
    skip: int = 0


def read_csv_text(text: Iterable[str], form: CsvForm, limit: int | None) -> pd.DataFrame:
    """Read a CSV as text; an empty cell is missing."""
    lines, form, skipped = _without_lines_above(iter(text), form)
    reader = csv.reader(lines, delimiter=form.sep, strict=True)
    records = _records(reader, form, skipped)
    try:
        header = next(records, None)
        if header is None:
            raise InvalidArgumentError(f"{form.shown}: it is empty; the first line must be the heading.")
        _check_header(header[1], form)
        return _frame(header[1], records, limit)
    except csv.Error as error:
        raise InvalidArgumentError(
            f"{form.shown}, line {reader.line_num + skipped:,}: {error}. Check for an unclosed quote, or give the "
            "separator: --sep."
        ) from None


def _without_lines_above(lines: Iterator[str], form: CsvForm) -> tuple[Iterator[str], CsvForm, int]:
    """Return the lines from the heading on, how they are written, and how many lines are above it.

    A first line such as ``sep=;`` is skipped; it names the separator unless the user does.
    """
    first = next(lines, None)
    if first is None:
        return lines, form, 0
    named = _SEPARATOR_LINE.fullmatch(first)
    if named and not form.is_sure:
        form = replace(form, sep=named[1], is_sure=True)
    skip = max(form.skip, 1 if named else 0)
    return islice(chain([first], lines), skip, None), form, skip


def _records(reader: Any, form: CsvForm, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line it begins on; lines without any cell are left out."""
    line, width, heading = skipped + 1, 0, 0
    for record in reader:
        if record:
            if not width:
                width, heading = len(record), line
            if len(record) != width:
                raise _ragged(form, line, len(record), width, is_first=line == heading + 1)
            yield line, list(map(unguarded, record))
        line = reader.line_num + skipped + 1


def _ragged(form: CsvForm, line: int, found: int, width: int, *, is_first: bool) -> InvalidArgumentError:
    remedy = "The file may be truncated, or a cell that contains the separator is not quoted."
    if is_first and found > width:
        remedy = f"{remedy} If there are lines above the heading, skip them: --skip-rows N."
    return InvalidArgumentError(
        f"{form.shown}, line {line:,}: found {plural(found, 'cell')}; the heading has {width}. {remedy}"
    )


def _check_header(header: list[str], form: CsvForm) -> None:
    other = next((sep for sep in _OTHER_SEPARATORS if sep in header[0]), None)
    if len(header) == 1 and other and not form.is_sure:
        name = "\\t" if other == "\t" else other
        raise InvalidArgumentError(
            f"{form.shown}, line 1: found one column, whose heading contains {name!r}; use --sep '{name}'."
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
