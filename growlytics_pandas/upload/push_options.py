"""The options of a push, checked before anything is sent."""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

import numpy as np

from growlytics_pandas._text import argument, phrase
from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError
from growlytics_pandas.views.events import ProgressOption

Errors = Literal["raise", "drop"]
MAX_CONCURRENCY: Final = 65_535  # requests: the number of local ports for connections to one address
MAX_LABEL_CHARS: Final = 100


@dataclass(frozen=True, slots=True)
class PushOptions:
    """The options of a push and their defaults."""

    errors: Errors = "raise"
    dry_run: bool = False
    skip_unchanged: bool = False
    chunk_size: int = 1000
    max_concurrency: int = 64
    max_rate: float | None = None
    max_failures: float | None = None
    label: str | None = None
    progress: ProgressOption = "auto"
    client: Any = None
    is_retry: bool = False

    def __post_init__(self) -> None:
        if self.errors not in ("raise", "drop"):
            raise InvalidArgumentError(f"{argument('errors')}: found {self.errors!r}; allowed are 'raise', 'drop'.")
        for name in ("chunk_size", "max_concurrency"):
            found = getattr(self, name)
            if not isinstance(found, int) or isinstance(found, bool) or found < 1:
                raise InvalidArgumentError(
                    f"{argument(name)}: found {found!r}; it must be a whole number of 1 or more."
                )
        if self.max_concurrency > MAX_CONCURRENCY:
            found, most = self.max_concurrency, f"{MAX_CONCURRENCY:,}"
            raise InvalidArgumentError(
                f"{argument('max_concurrency')}: found {found!r}; it must be a whole number from 1 to {most}."
            )
        _check_label(self.label)
        for name in ("dry_run", "skip_unchanged"):
            found = getattr(self, name)
            if not isinstance(found, (bool, np.bool_)):
                raise InvalidArgumentError(f"{argument(name)}: found {found!r}; it must be True or False.")
        for name in ("max_rate", "max_failures"):
            found = getattr(self, name)
            if found is not None and not _is_finite_above_0(found):
                raise InvalidArgumentError(
                    f"{argument(name)}: found {found!r}; it must be a finite number above 0"
                    f"{phrase(', or None for no limit', '')}."
                )
        if isinstance(self.max_failures, float) and self.max_failures > 1:
            raise InvalidArgumentError(
                f"{argument('max_failures')}: found {self.max_failures!r}; a float is a share from 0 to 1, an int a "
                "number of rows."
            )

    def would_refuse(self, *, has_errors: bool) -> bool:
        """Return whether this is a dry run of a push that would raise."""
        return self.dry_run and self.errors == "raise" and has_errors


PUSH_OPTIONS: Final = tuple(field.name for field in fields(PushOptions) if field.name not in ("client", "is_retry"))
"""The names of the options that a push has besides those of its plan."""


def _check_label(label: Any) -> None:
    if label is None:
        return
    if not isinstance(label, str):
        raise InvalidArgumentTypeError(f"{argument('label')}: found a {type(label).__name__}; it must be text.")
    if not label.strip() or not label.isprintable() or len(label) > MAX_LABEL_CHARS:
        raise InvalidArgumentError(
            f"{argument('label')}: it must be one line of 1 to {MAX_LABEL_CHARS} visible characters, such as 'nightly "
            "import'."
        )


def _is_finite_above_0(found: Any) -> bool:
    # Not math.isfinite, which fails for integers beyond the range of floats.
    return isinstance(found, (int, float)) and not isinstance(found, bool) and 0 < found <= sys.float_info.max
