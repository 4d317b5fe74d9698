"""CSV and JSON lines → columns, in chunks, without changing a value.

Errors that pandas repairs silently (short lines, repeated labels) are raised. Of a CSV, the apostrophe that `csv_safe`
writes before a possible formula is removed, so that a file written by this package can be pushed. Values of JSON keep
their types.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Final

import numpy as np
import pandas as pd

from growlytics_pandas._text import plural
from growlytics_pandas.csv_safe import unguarded
from growlytics_pandas.errors import InvalidArgumentError

_ROWS_AT_ONCE: Final = 20_000  # records in memory as Python objects before they become columns
_INT64: Final = np.iinfo("int64")
_SEPARATORS: Final = (";", "\t", "|", ",")
_SEPARATOR_LINE: Final = re.compile(r'"?sep=(.)"?\1*[\r\n]*', re.IGNORECASE)
"""A first line that defines the separator for Excel."""


def read_csv_text(
    text: Iterable[str], shown: str, sep: str | None, default_sep: str, skip: int, limit: int | None
) -> pd.DataFrame:
    """Read a CSV as text; an empty cell is missing.

    `sep` is the separator that the user named. A first line such as ``sep=;`` is skipped; it replaces the default.
    `skip`: lines above the heading.
    """
    text = iter(text)
    first = next(text, "")
    named = _SEPARATOR_LINE.fullmatch(first)
    skip = max(skip, 1 if named else 0)
    sep = sep or (named[1] if named else default_sep)
    reader = csv.reader(islice(chain([first], text), skip, None), delimiter=sep, strict=True)
    records = _csv_records(reader, shown, skip)
    try:
        _, heading = next(records, (0, []))
        if not heading:
            raise InvalidArgumentError(f"{shown}: it is empty; the first line must be the heading.")
        _check_heading(heading, shown)
        blocks = (
            (lines, {place: [cell or None for cell in cells] for place, cells in enumerate(zip(*rows, strict=True))})
            for lines, rows in _blocks(records, limit)
        )
        columns, lines = _join(blocks, range(len(heading)))
    except csv.Error as error:
        raise InvalidArgumentError(
            f"{shown}, line {reader.line_num + skip:,}: {error}. Check for an unclosed quote. The separator is "
            f"{_named(sep)}; if the file has another, use --sep."
        ) from None
    return frame_of(heading, columns.values(), lines)


def _csv_records(reader: Any, shown: str, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line it begins on; lines without any cell are left out."""
    line, width, heading = skipped + 1, 0, 0
    for record in reader:
        if record:
            if not width:
                width, heading = len(record), line
            if len(record) != width:
                raise _ragged(f"{shown}, line {line:,}", record, width, is_first=line == heading + 1)
            yield line, list(map(unguarded, record))
        line = reader.line_num + skipped + 1


def _ragged(where: str, record: list[str], width: int, *, is_first: bool) -> InvalidArgumentError:
    found, other = len(record), _other_separator(record)
    remedy = "The file may be truncated, or a cell that contains the separator is not quoted."
    if is_first and other:
        remedy = f"If {_named(other)} separates the cells: --sep {_named(other)}."
    elif is_first and found > width:
        remedy = f"{remedy} If there are lines above the heading, skip them: --skip-rows N."
    return InvalidArgumentError(f"{where}: found {plural(found, 'cell')}; the heading has {width}. {remedy}")


def _check_heading(heading: list[str], shown: str) -> None:
    if other := _other_separator(heading):
        name = _named(other)
        raise InvalidArgumentError(f"{shown}: found one column, whose heading contains {name}; use --sep {name}.")


def _other_separator(record: list[str]) -> str | None:
    """Return a separator in the only cell of a record."""
    return next((sep for sep in _SEPARATORS if sep in record[0]), None) if len(record) == 1 else None


def _named(sep: str) -> str:
    return "'\\t'" if sep == "\t" else f"'{sep}'"


def read_json_lines(text: Iterable[str], shown: str, limit: int | None) -> pd.DataFrame:
    """Read one object per line; a key that is absent from a line is a missing value."""
    blocks = (
        (lines, {key: [record.get(key) for record in records] for key in dict.fromkeys(chain(*records))})
        for lines, records in _blocks(_json_records(text, shown), limit)
    )
    columns, lines = _join(blocks)
    if not columns:
        raise InvalidArgumentError(f"{shown}: it is empty; there must be one JSON object per line.")
    return frame_of(list(columns), columns.values(), lines)


def _json_records(text: Iterable[str], shown: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text, start=1):
        if not line.strip():
            continue
        where = f"{shown}, line {number:,}"
        try:
            record = json.loads(line, object_pairs_hook=_object)
        except (ValueError, RecursionError) as error:
            raise InvalidArgumentError(f"{where}: not JSON: {error}. There must be one object per line.") from None
        if not isinstance(record, dict):
            raise InvalidArgumentError(
                f"{where}: found a {type(record).__name__}; there must be one JSON object per line. "
                "To convert an array of objects: jq -c '.[]'."
            )
        yield number, record


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; a key that appears twice is an error, since JSON readers silently keep the last value."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} appears twice")
    return found


# columns -----------------------------------------------------------------------------------------------------------


def _blocks(records: Iterator[tuple[int, Any]], limit: int | None) -> Iterator[tuple[list[int], list[Any]]]:
    """Yield the lines and the records of each block, up to the limit."""
    records = islice(records, limit)
    while block := list(islice(records, _ROWS_AT_ONCE)):
        yield [line for line, _ in block], [record for _, record in block]


def _join(
    blocks: Iterable[tuple[list[int], Mapping[Any, list[Any]]]], labels: Iterable[Any] = ()
) -> tuple[dict[Any, pd.Series[Any]], pd.Index[int]]:
    """Return the columns of all blocks and their lines; a column whose dtype differs between blocks has objects."""
    parts: dict[Any, list[pd.Series[Any]]] = {label: [] for label in labels}
    lines: list[int] = []
    for numbers, columns in blocks:
        lines += numbers
        for label, values in columns.items():
            array = narrow(values)
            parts.setdefault(label, []).extend([] if array is None else [pd.Series(array, index=numbers)])
    for column in parts.values():
        if len({part.dtype for part in column}) != 1:
            column[:] = [pd.Series(dtype=object), *(part.astype(object) for part in column)]
    index = pd.Index(lines, dtype="int64")
    return {label: pd.concat(column).reindex(index) for label, column in parts.items()}, index


def frame_of(
    labels: list[str], columns: Iterable[pd.Series[Any]], lines: Sequence[int] | pd.Index[int]
) -> pd.DataFrame:
    """Return a frame whose index is the line in the file; labels may repeat."""
    index = pd.Index(np.array(lines, dtype="int64"), name="line")
    frame = pd.DataFrame({place: column.array for place, column in enumerate(columns)}, index=index)
    return frame.set_axis(pd.Index(labels, dtype=object), axis=1)


def narrow(values: list[Any]) -> Any:
    """Return values of one class as an array of that dtype, mixed values as objects; None if all are missing."""
    classes = set(map(type, values)) - {type(None)}
    if not classes:
        return None
    if classes == {str}:
        try:
            return _text_array(values)
        except UnicodeEncodeError:  # a lone surrogate, which the checks report
            return objects(values)
    if classes == {float}:
        return np.array(values, dtype="float64")  # None becomes NaN
    if classes == {int} and all(value is None or _INT64.min <= value <= _INT64.max for value in values):
        return pd.array(values, dtype="Int64")
    return pd.array(values, dtype="boolean") if classes == {bool} else objects(values)


def _text_array(values: list[Any]) -> Any:
    """Return text (None: missing) as an array: Arrow's, which needs a fifth of the memory, if pyarrow is installed."""
    dtype: Any = pd.StringDtype("pyarrow") if importlib.util.find_spec("pyarrow") else pd.StringDtype("python")
    return pd.array(values, dtype=dtype)


def objects(values: Sequence[Any]) -> Any:
    """Return values unchanged in an object array; a list or dict is one cell."""
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    return array
