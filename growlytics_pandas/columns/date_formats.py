"""Which values `date_format` allows."""

from __future__ import annotations

import difflib
import re
from datetime import UTC, datetime
from typing import Any, Final

from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError

NAMED_FORMATS: Final = ("ISO8601", "epoch_s", "epoch_ms", "excel")
_EXAMPLE: Final = datetime(2025, 1, 31, 9, 30, tzinfo=UTC)
_DIRECTIVE: Final = re.compile(r"%.", re.DOTALL)
_OF_LOCALE: Final = frozenset({"%c", "%x", "%D"})  # whole dates, whose order of day and month cannot be seen


def check_date_format(argument: str, form: Any) -> None:
    """Raise for what is neither a named format nor one of strptime with day, month and year."""
    if not isinstance(form, str):
        raise InvalidArgumentTypeError(
            f"{argument}: found a {type(form).__name__}; a format is text, such as '%d/%m/%Y'."
        )
    if form in NAMED_FORMATS:
        return
    if "%" not in form:
        named = {name.casefold(): name for name in NAMED_FORMATS}
        near = difflib.get_close_matches(form.casefold(), named, n=1)
        meant = f" Did you mean {named[near[0]]!r}?" if near else ""
        raise InvalidArgumentError(
            f"{argument}: found {form!r}; it must be a format such as '%d/%m/%Y', or one of "
            f"{', '.join(map(repr, NAMED_FORMATS))}.{meant}"
        )
    directives = set(_DIRECTIVE.findall(form))
    if found := sorted(_OF_LOCALE & directives):
        raise InvalidArgumentError(
            f"{argument}: found {found[0]!r}; write day, month and year one by one, as in '%d/%m/%Y'."
        )
    if "%Z" in directives:  # Python reads the name and drops it
        raise InvalidArgumentError(
            f"{argument}: found {form!r}; the name of a zone is not read, only %z, such as +05:30."
        )
    try:
        is_whole = _read(_EXAMPLE.strftime(form), form).date() == _EXAMPLE.date()
    except ValueError as error:
        raise InvalidArgumentError(f"{argument}: found {form!r}: {error}; it must be like '%d/%m/%Y'.") from None
    if not is_whole:
        raise InvalidArgumentError(f"{argument}: found {form!r}; it must contain day, month and year, as '%d/%m/%Y'.")


def _read(text: str, form: str) -> datetime:
    return datetime.strptime(text, form)  # noqa: DTZ007 - only the day matters
