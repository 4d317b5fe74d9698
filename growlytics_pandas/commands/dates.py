"""``--date-format``: dates that are not written like 2025-01-31, read as they are asked to be, or not at all."""

from __future__ import annotations

import argparse
import enum
import re
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas.commands.frames import text_array
from growlytics_pandas.commands.sources import Source
from growlytics_pandas.date_spellings import is_open_year
from growlytics_pandas.errors import InvalidArgumentError

_EXAMPLE: Final = datetime(2025, 1, 31, 9, 30, tzinfo=UTC)
_DIRECTIVE: Final = re.compile(r"%.", re.DOTALL)
_OF_TWO_DIGITS: Final = "%y"
_OF_LOCALE: Final = frozenset({"%c", "%x", "%D"})  # whole dates, whose order of day and month cannot be seen

Formats = Mapping[str, Sequence[str]]


class _Flaw(enum.Enum):
    """Why a value cannot be read."""

    UNFIT = "it is in no format that was given"
    OPEN_CENTURY = "its year of two digits may be of either century"


def date_format(text: str) -> tuple[str, str]:
    """Read ``COLUMN=FORMAT``, a format that tells day, month and year."""
    label, equals, form = text.rpartition("=")
    if not equals or not label:
        raise argparse.ArgumentTypeError(f"found {text!r}; it must be like 'Joined=%d/%m/%Y'")
    if found := sorted(_OF_LOCALE & _directives(form)):
        raise argparse.ArgumentTypeError(f"found {found[0]!r}; spell day, month and year out, like %d/%m/%Y")
    try:
        is_whole = _date_in(_EXAMPLE.strftime(form), form).date() == _EXAMPLE.date()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"found {form!r}: {error}; it must be like %d/%m/%Y") from None
    if "%Z" in form:  # Python reads the name and drops it
        raise argparse.ArgumentTypeError(f"found {form!r}; the name of a zone is not read, only %z, such as +05:30")
    if not is_whole:
        raise argparse.ArgumentTypeError(f"found {form!r}; it must tell day, month and year, like %d/%m/%Y")
    return label, form


def _directives(form: str) -> set[str]:
    return set(_DIRECTIVE.findall(form))


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

    A value that fits none is an error: read as ISO 8601 it could be another day than the one meant. So is a year of
    two digits whose century is open: a birth in 65 would be stored as of 2065, for good.
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
    read: dict[str, str | _Flaw] = {}
    for i in np.flatnonzero(present).tolist():
        value = values[i] if isinstance(values[i], str) else repr(values[i])
        if value not in read:
            read[value] = _iso_of(value, forms)
        values[i] = read[value]
    for flaw in _Flaw:
        lines = [line for line, value in zip(column.index, values, strict=True) if value is flaw]
        if lines:
            raise _refused(flaw, label, forms, source, lines)
    return pd.Series(text_array([v if p else None for v, p in zip(values, present, strict=True)]), index=column.index)


def _iso_of(text: str, forms: Sequence[str]) -> str | _Flaw:
    for form in forms:
        try:
            found = _date_in(text.strip(), form)
        except ValueError:
            continue
        return _Flaw.OPEN_CENTURY if _is_open(found, form) else found.isoformat(sep=" ")
    return _Flaw.UNFIT


def _is_open(found: datetime, form: str) -> bool:
    return _OF_TWO_DIGITS in _directives(form) and is_open_year(found.year)


def _date_in(text: str, form: str) -> datetime:
    return datetime.strptime(text, form)  # noqa: DTZ007 - where it has no zone, it stands as it is


def _refused(
    flaw: _Flaw, label: str, forms: Sequence[str], source: Source, lines: Sequence[int]
) -> InvalidArgumentError:
    where = f"{'row' if source.has_types else 'line'} {lines[0]:,}"
    more = f", the first of {len(lines):,}," if len(lines) > 1 else ""
    at = f"--date-format: {source.shown}, {where}, column {label!r}: the value{more}"
    return InvalidArgumentError(
        f"{at} {_why_open(label, forms) if flaw is _Flaw.OPEN_CENTURY else _why_unfit(label, forms)}"
    )


def _why_unfit(label: str, forms: Sequence[str]) -> str:
    like = " or ".join(_EXAMPLE.strftime(form) for form in forms)
    another = shlex.quote(f"{label}=FORMAT")
    return (
        f"is no date like {like}. Mend it, or say how it is written (--date-format {another}, once more), or what "
        "means missing (csv: --na TEXT)."
    )


def _why_open(label: str, forms: Sequence[str]) -> str:
    form = next(form for form in forms if _OF_TWO_DIGITS in _directives(form))
    mended = shlex.quote(f"{label}={form.replace(_OF_TWO_DIGITS, '%Y')}")
    return (
        "has a year of two digits from 36 to 68, which may be of the 20th century or of the 21st. Write years with "
        f"four digits in the file, and say %Y: --date-format {mended}."
    )
