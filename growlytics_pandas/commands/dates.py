"""``--date-format``: dates that are not written like 2025-01-31, read as they are asked to be, or not at all."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas.commands.frames import text_array
from growlytics_pandas.commands.sources import Source
from growlytics_pandas.errors import InvalidArgumentError

_EXAMPLE: Final = datetime(2025, 1, 31, 9, 30, tzinfo=UTC)

Formats = Mapping[str, Sequence[str]]


def date_format(text: str) -> tuple[str, str]:
    """Read ``COLUMN=FORMAT``, a format that tells day, month and year."""
    label, equals, form = text.rpartition("=")
    if not equals or not label:
        raise argparse.ArgumentTypeError(f"found {text!r}; it must be like 'Joined=%d/%m/%Y'")
    try:
        is_whole = _date_in(_EXAMPLE.strftime(form), form).date() == _EXAMPLE.date()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"found {form!r}: {error}; it must be like %d/%m/%Y") from None
    if "%Z" in form:  # Python reads the name and drops it
        raise argparse.ArgumentTypeError(f"found {form!r}; the name of a zone is not read, only %z, such as +05:30")
    if not is_whole:
        raise argparse.ArgumentTypeError(f"found {form!r}; it must tell day, month and year, like %d/%m/%Y")
    return label, form


def by_column(pairs: Sequence[tuple[str, str]] | None) -> dict[str, list[str]]:
    """Return column → its formats, in the order in which they were given."""
    found: dict[str, list[str]] = {}
    for label, form in pairs or ():
        found.setdefault(label, []).append(form)
    return found


def require_dates(formats: Formats, types: Mapping[str, str], id_col: str) -> None:
    """Refuse a format for what is not to be a date."""
    for label in formats:
        if label == id_col:
            raise InvalidArgumentError(f"--date-format: column {label!r} is the id, which is text.")
        if types.get(label, contract.DATE) != contract.DATE:
            raise InvalidArgumentError(
                f"--date-format: column {label!r} is to be a {types[label]} by --type; leave out one of the two."
            )


def read_dates(frame: pd.DataFrame, formats: Formats, source: Source) -> pd.DataFrame:
    """Return the frame with those columns in ISO 8601, which `--type` reads; the first format that fits a value holds.

    A value that fits none is an error: read as ISO 8601 it could be another day than the one meant.
    """
    if not formats:
        return frame
    columns = [frame.iloc[:, position] for position in range(frame.shape[1])]
    for label, forms in formats.items():
        places = np.flatnonzero(frame.columns == label).tolist()
        if not places:
            raise InvalidArgumentError(f"--date-format: there is no column {label!r}.")
        for place in places:
            columns[place] = _in_iso(columns[place], label, forms, source)
    made = pd.DataFrame(dict(enumerate(columns)), index=frame.index)
    made.columns = frame.columns
    return made


def _in_iso(column: pd.Series[Any], label: str, forms: Sequence[str], source: Source) -> pd.Series[Any]:
    present = column.notna().to_numpy(dtype=bool)
    values = column.astype(object).tolist()
    read: dict[Any, str | None] = {None: None}
    for i in np.flatnonzero(present).tolist():
        value = values[i] if isinstance(values[i], str) else repr(values[i])
        if value not in read:
            read[value] = _iso_of(value, forms)
        values[i] = read[value]
    wrong = np.flatnonzero(present & np.array([value is None for value in values], dtype=bool))
    if len(wrong):
        raise _unfit(label, forms, source, int(column.index[wrong[0]]), len(wrong))
    return pd.Series(text_array([v if p else None for v, p in zip(values, present, strict=True)]), index=column.index)


def _iso_of(text: str, forms: Sequence[str]) -> str | None:
    for form in forms:
        try:
            return _date_in(text.strip(), form).isoformat(sep=" ")
        except ValueError:
            continue
    return None


def _date_in(text: str, form: str) -> datetime:
    return datetime.strptime(text, form)  # noqa: DTZ007 - where it has no zone, it stands as it is


def _unfit(label: str, forms: Sequence[str], source: Source, line: int, count: int) -> InvalidArgumentError:
    where = f"{'row' if source.has_types else 'line'} {line:,}"
    like = " or ".join(_EXAMPLE.strftime(form) for form in forms)
    more = f", the first of {count:,}," if count > 1 else ""
    another = shlex.quote(f"{label}=FORMAT")
    return InvalidArgumentError(
        f"--date-format: {source.shown}, {where}, column {label!r}: the value{more} is no date like {like}. Mend it, "
        f"or say how it is written (--date-format {another}, once more), or what means missing (csv: --na TEXT)."
    )
