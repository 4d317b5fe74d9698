"""The line of code that does what the form does, to paste into a cell."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from inspect import getattr_static
from typing import Any, Final

from growlytics_pandas.form.choices import Choices

MAX_LINE_CHARS: Final = 88  # then one argument a line
MAX_LITERAL_CHARS: Final = 80  # of a label written out; a longer one is named by its position

MAX_COLUMNS_LISTED: Final = 12  # of a wider frame, those left out are listed instead, where they are fewer


@dataclass(frozen=True, slots=True)
class Names:
    """How the notebook calls the frame and the client ('' for the default client)."""

    frame: str = "df"
    client: str = ""


def find_names(frame: Any, client: Any) -> Names:
    """Look up what the notebook's variables are called; "df" and "client" where they have no plain name."""
    variables = {name: value for name, value in vars(sys.modules["__main__"]).items() if not name.startswith("_")}
    frame_name = next((name for name, value in variables.items() if value is frame), "df")
    if client is None:
        return Names(frame_name)
    by_name = (name for name, value in variables.items() if value is client)
    by_sandbox = (f"{name}.client" for name, value in variables.items() if _is_client_of(value, client))
    return Names(frame_name, next(by_name, None) or next(by_sandbox, None) or "client")


def _is_client_of(value: Any, client: Any) -> bool:
    """Whether ``value.client`` is the client, as a sandbox's is. Properties of unknown objects are not run for it."""
    has_property = isinstance(getattr_static(value, "client", None), property)
    return has_property and getattr_static(value, "_client", None) is client


def write_line(choices: Choices, names: Names) -> str:
    """Return the call of ``push`` that the choices amount to."""
    positions = {column.label: column.position for column in choices.columns}

    def literal(label: Hashable) -> str:
        return _literal(label) or f"{names.frame}.columns[{positions[label]}]"

    arguments = {**choices.plan_arguments(), **choices.push_arguments()}
    written = {name: _written(value, literal) for name, value in arguments.items()}
    if "columns" in written and len(choices.columns) > MAX_COLUMNS_LISTED > len(choices.unsent):
        written["columns"] = f"{names.frame}.columns.drop({_written([c.label for c in choices.unsent], literal)})"
    parts = [literal(choices.id_column.label)]
    parts += [f"{name}={text}" for name, text in written.items()]
    parts += [f"client={names.client}"] if names.client else []
    call = f"{names.frame}.growlytics.push"
    line = f"{call}({', '.join(parts)})"
    if len(line) <= MAX_LINE_CHARS:
        return line
    return f"{call}(\n" + "".join(f"    {part},\n" for part in parts) + ")"


def _literal(label: Hashable) -> str:
    """Write a label as Python would read it; '' where no literal gives it back, or only a long one."""
    text = repr(label)
    if len(text) > MAX_LITERAL_CHARS:
        return ""
    try:
        same = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return ""
    return text if type(same) is type(label) and same == label else ""


def _written(value: Any, literal: Callable[[Hashable], str]) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(label)}: {text!r}' for label, text in value.items())}}}"
    return repr(value)
