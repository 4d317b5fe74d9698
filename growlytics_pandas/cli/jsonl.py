"""JSON lines → columns. Values keep their JSON types: text is not converted to dates or numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import pandas as pd

from growlytics_pandas.cli.frames import ROWS_AT_ONCE, frame_of, join, narrow
from growlytics_pandas.errors import InvalidArgumentError


def read_json_lines(text: Iterable[str], shown: str, limit: int | None) -> pd.DataFrame:
    """Read one object per line; a key that is absent from a line is a missing value."""
    records = islice(_records(text, shown), limit)
    lines: list[int] = []
    lengths: list[int] = []
    parts: dict[str, list[Any]] = {}
    while block := list(islice(records, ROWS_AT_ONCE)):
        lines += [line for line, _ in block]
        for key in dict.fromkeys(key for _, record in block for key in record):
            parts.setdefault(key, [None] * len(lengths))
        lengths.append(len(block))
        for key, column in parts.items():
            column.append(narrow([record.get(key) for _, record in block]))
    if not parts:
        raise InvalidArgumentError(f"{shown}: it is empty; there must be one JSON object per line.")
    return frame_of(list(parts), [join(column, lengths) for column in parts.values()], lines)


def _records(text: Iterable[str], shown: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text, start=1):
        if not line.strip():
            continue
        where = f"{shown}, line {number:,}"
        try:
            record = json.loads(line, object_pairs_hook=_object)
        except _TwiceError as error:
            raise InvalidArgumentError(f"{where}: the key {error.args[0]!r} appears twice.") from None
        except (ValueError, RecursionError) as error:
            raise InvalidArgumentError(f"{where}: not JSON: {error}. There must be one object per line.") from None
        if not isinstance(record, dict):
            raise InvalidArgumentError(
                f"{where}: found a {type(record).__name__}; there must be one JSON object per line. "
                "To convert an array of objects: jq -c '.[]'."
            )
        yield number, record


class _TwiceError(Exception):
    """A key appears twice in one object; JSON readers silently keep the last value."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _TwiceError(next(key for key in keys if keys.count(key) > 1))
    return found
