"""Messages on the command line: one line each, with flags instead of Python arguments."""

import shlex
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from growlytics_pandas._text import Face
from growlytics_pandas.cli.plan_flags import FLAGS
from growlytics_pandas.http.protocol import one_line

MAX_CHARS: Final = 600  # of a line; an error ends with its remedy, which must not be cut
_FLAGS: Final = MappingProxyType(
    {
        **{flag.option: flag.names[0] for flag in FLAGS},
        "api_key": "the API key",
        "verify": "--ca-bundle",
        "df": "FILE",
        "path": "PATH",
    }
)
"""Arguments whose flags have other names."""


def as_line(text: object) -> str:
    """Return a message as one line, safe to print."""
    return one_line(str(text), MAX_CHARS)


def as_flags(options: Mapping[str, Any]) -> str:
    """Write options of a Python call as flags, quoted for a shell.

    Examples
    --------
    >>> as_flags({"types": {"Total Orders": "number"}, "errors": "drop"})
    "--type 'Total Orders=number' --errors drop"
    """
    words: list[str] = []
    for option, value in options.items():
        if option == "strip" and isinstance(value, list):
            words += [word for label in value for word in ("--strip-column", str(label))]
        elif value is True:
            words.append(_flag_of(option))
        else:
            words += [word for given in _given_values(value) for word in _words(_flag_of(option), given)]
    return shlex.join(words)


def _flag_of(option: str) -> str:
    return _FLAGS.get(option, f"--{option.replace('_', '-')}")


def _words(flag: str, given: str) -> list[str]:
    return [f"{flag}={given}"] if given.startswith("-") else [flag, given]


def _given_values(value: Any) -> Iterator[str]:
    """Yield each value of an option as one argument."""
    if isinstance(value, Mapping):
        for label, one in value.items():
            yield from (f"{label}={text}" for text in _given_values(one))
    elif isinstance(value, list):
        yield from map(str, value)
    else:
        yield "none" if value is None else str(value)


COMMAND_LINE: Final = Face(_flag_of, as_flags)
