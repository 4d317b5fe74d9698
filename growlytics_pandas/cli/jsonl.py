"""JSON lines → columns, each value as JSON has it: no dates made of text, no numbers made of digits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import pandas as pd

from growlytics_pandas.cli.frames import ROWS_AT_ONCE, frame_of, join, narrow
from growlytics_pandas.errors import InvalidArgumentError


def read_json_lines(text: Iterable[str], shown: str, limit: int | None) -> pd.DataFrame:
    """Read one object a line; a key that a line lacks is missing there."""
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
        raise InvalidArgumentError(f"{shown}: it is empty; there must be one JSON object a line.")
    return frame_of(list(parts), [join(column, lengths) for column in parts.values()], lines)


def _records(text: Iterable[str], shown: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text, start=1):
        if not line.strip():
            continue
        where = f"{shown}, line {number:,}"
        try:
            record = json.loads(line, object_pairs_hook=_object)
        except _TwiceError as error:
            raise InvalidArgumentError(f"{where}: the key {error.args[0]!r} is there twice.") from None
        except (ValueError, RecursionError) as error:
            raise InvalidArgumentError(f"{where}: it is no JSON: {error}. There must be one object a line.") from None
        if not isinstance(record, dict):
            raise InvalidArgumentError(
                f"{where}: found a {type(record).__name__}; there must be one JSON object a line. An array of objects: "
                "jq -c '.[]' makes it lines."
            )
        yield number, record


class _TwiceError(Exception):
    """A key that stands twice in one object: JSON readers keep the last without a word."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _TwiceError(next(key for key in keys if keys.count(key) > 1))
    return found
