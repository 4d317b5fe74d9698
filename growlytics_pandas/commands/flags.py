"""Options of the call, written as flags of the command line."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

_FLAGS: Final = MappingProxyType({"columns": "--column", "types": "--type"})
"""Flags that are not called as their option, with hyphens."""


def write_flag(option: str, value: Any) -> str:
    """Write an option of the call as flags.

    Examples
    --------
    >>> write_flag("types", {"Total Orders": "number"}), write_flag("exclude", ["a", "b"])
    ("--type 'Total Orders=number'", '--exclude a --exclude b')
    """
    flag = _FLAGS.get(option, f"--{option.replace('_', '-')}")
    if isinstance(value, Mapping):
        pairs = [(label, one) for label, many in value.items() for one in (many if isinstance(many, list) else [many])]
        return " ".join(f"{flag} {shlex.quote(f'{label}={one}')}" for label, one in pairs)
    values = value if isinstance(value, list) else [value]
    return " ".join(f"{flag} {shlex.quote(str(one))}" for one in values)
