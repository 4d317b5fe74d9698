"""What a suggestion is."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Final

from growlytics_pandas._text import plural

MOST: Final = 0.9
"""Share of the values from which the others look like exceptions."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One option for one column.

    Attributes
    ----------
    option : str
        "date_format", "decimal", "types", "na_values", "strip", "normalize", "rename", "exclude" or "timezone".
    column : hashable
        The label of the column that calls for it.
    value : object
        The option's value for that column; True for options that list columns. None: a person must decide.
    reason : str
        Why, in one sentence.
    cells : int
        How many cells it changes or reads.
    """

    option: str
    column: Hashable
    value: Any
    reason: str
    cells: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """A suggestion for the type of a column that is not named yet; `value` None: open."""

    option: str
    value: Any
    type: str
    reason: str
    cells: int


def count_of(number: int, noun: str = "value") -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> count_of(1), count_of(1200)
    ('1 value', '1,200 values')
    """
    return plural(number, noun)


def of_all(read: int, present: int) -> str:
    """Say how many values are read; and what the others become."""
    if read == present:
        return f"all {count_of(present)}" if present != 1 else "the only value"
    return f"{read:,} of {count_of(present)}"


def rest_of(read: int, present: int) -> str:
    """Say what becomes of values that are not read; '' where all are."""
    rest = present - read
    if not rest:
        return ""
    verb, them = ("is", "is a violation") if rest == 1 else ("are", "are violations")
    return f"; {count_of(rest)} {verb} not, and {them} to correct or to leave out (errors='drop')"
