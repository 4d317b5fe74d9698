"""Column labels: whether two are the same, and which one a wrong label is probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Hashable, Iterable
from typing import Any, Final

import pandas as pd

from growlytics_pandas.errors import InvalidArgumentError

REJECT_LABELS: Final = ("status", "rule", "reason", "fix")
"""What `rejects()` puts in front of the user's columns."""
REJECT_LABELS_IF_TAKEN: Final = tuple(f"growlytics_{label}" for label in REJECT_LABELS)
"""The same where the user has a column of one of these names."""
_SHOWN: Final = 10
_SHOWN_MATCHES: Final = 3


def is_same(label: Hashable, other: Hashable) -> bool:
    """Tell whether two labels are the same; a missing one is the same as itself only."""
    return label is other or (label is not pd.NA and other is not pd.NA and bool(label == other))


def count_reject_labels(columns: Collection[Any]) -> int:
    """Return how many columns in front are those of `rejects()`: all four, or none."""
    front = tuple(columns)[: len(REJECT_LABELS)]
    return len(front) if front in (REJECT_LABELS, REJECT_LABELS_IF_TAKEN) else 0


def require_columns(columns: Collection[Any], argument: str, labels: Iterable[Hashable]) -> None:
    """Raise for a label that is no column, and name the columns that are spelt almost so."""
    present = set(columns)
    for label in labels:
        if label not in present:
            raise InvalidArgumentError(f"{argument}: there is no column {label!r}. {suggest(columns, label)}")


def suggest(columns: Collection[Any], label: Hashable) -> str:
    """Return a question with the columns that are spelt almost like `label`; all columns where none is."""
    shown = {str(column).casefold(): repr(column) for column in columns}  # the case of a label is easily missed
    levels = [repr(c) for c in columns if isinstance(c, tuple) and any(is_same(label, one) for one in c)]
    close = difflib.get_close_matches(str(label).casefold(), shown, n=_SHOWN_MATCHES)
    near = levels[:_SHOWN_MATCHES] or [shown[one] for one in close]
    if near:
        return f"Did you mean {' or '.join(near)}?"
    names = list(map(repr, columns))
    rest = f" +{len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"The columns are: {', '.join(names[:_SHOWN])}{rest}." if names else "The frame has no columns."
