"""Options kept in a file: ``push(df, **options.load("customers.toml"))``.

The file is TOML with the names of the Python call. Edit it by hand, keep it in a repository, or give it to the command
line: ``growlytics-pandas push customers.csv --options customers.toml``.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Hashable, Mapping
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np

from growlytics_pandas import contract
from growlytics_pandas._output_paths import replacing
from growlytics_pandas._text import PYTHON, message_style
from growlytics_pandas.columns.plan_options import PlanOptions
from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError
from growlytics_pandas.upload.connection import PUSH_OPTIONS, PushOptions

__all__ = ["PlanOptions", "load", "save"]

PLAN_KEYS: Final = tuple(field.name for field in fields(PlanOptions))
PUSH_KEYS: Final = tuple(name for name in PUSH_OPTIONS if name != "progress")
"""The options of a push that a file can hold: all except a function."""
KEYS: Final = ("id_col", *PLAN_KEYS, *PUSH_KEYS)


def save(path: str | os.PathLike[str], **options: Any) -> None:
    """Write options to a TOML file that `load` reads.

    Parameters
    ----------
    path : str or path
        The file. An existing file is replaced.
    **options
        ``id_col`` and the options of `growlytics_pandas.push`. Options that are None are not written.

    Raises
    ------
    InvalidArgumentError, InvalidArgumentTypeError
        An option does not exist, a value is not allowed, or the label of a column is not text.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import growlytics_pandas
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "customers.toml"
    >>> growlytics_pandas.options.save(path, id_col="email", date_format={"Joined": "%d/%m/%Y"}, strip=True)
    >>> print(path.read_text().strip())
    id_col = "email"
    strip = true
    <BLANKLINE>
    [date_format]
    Joined = "%d/%m/%Y"
    """
    _check(options)
    given = {key: options[key] for key in KEYS if options.get(key) is not None}
    values = [f"{key} = {_value(key, value)}" for key, value in given.items() if not isinstance(value, Mapping)]
    tables = [_table(key, value) for key, value in given.items() if isinstance(value, Mapping)]
    blocks = (["\n".join(values)] if values else []) + tables
    with replacing(Path(path)) as beside:
        beside.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def load(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read options from a TOML file, ready for ``**``.

    Parameters
    ----------
    path : str or path
        A file that `save` has written, or one written by hand with the same keys.

    Returns
    -------
    dict
        ``id_col``, if the file has it, and options of `growlytics_pandas.push`.

    Raises
    ------
    InvalidArgumentError, InvalidArgumentTypeError
        The file cannot be read, or a key or value in it is not allowed.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import growlytics_pandas
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "customers.toml"
    >>> growlytics_pandas.options.save(path, id_col="email", strip=["City"])
    >>> growlytics_pandas.options.load(path)
    {'id_col': 'email', 'strip': ['City']}
    """
    shown = os.fspath(path)
    try:
        options = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InvalidArgumentError(f"{shown}: it cannot be read: {error.strerror or error}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(f"{shown}: it is not TOML: {error}.") from None
    try:
        with message_style(PYTHON):  # a key of the file is called as the argument
            _check(options)
    except (InvalidArgumentError, InvalidArgumentTypeError) as error:
        raise type(error)(f"{shown}: {error}") from None
    return options


def _check(options: Mapping[str, Any]) -> None:
    for key in options:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1)
            meant = f"Did you mean {near[0]!r}?" if near else f"The options are: {', '.join(KEYS)}."
            raise InvalidArgumentError(f"{key}: there is no such option. {meant}")
    id_col = options.get("id_col")
    if id_col == "" or not isinstance(id_col, Hashable):
        raise InvalidArgumentError(f"id_col: found {id_col!r}; it must be the label of a column.")
    PlanOptions(**{key: options[key] for key in PLAN_KEYS if options.get(key) is not None})
    PushOptions(**{key: options[key] for key in PUSH_KEYS if options.get(key) is not None})


def _table(key: str, table: Mapping[Any, Any]) -> str:
    lines = [f"{_key(key, label)} = {_value(f'{key}[{label!r}]', value)}" for label, value in table.items()]
    return "\n".join([f"[{key}]", *lines])


def _key(option: str, label: Any) -> str:
    if not isinstance(label, str):
        raise InvalidArgumentTypeError(
            f"{option}: the label {label!r} is not text; the keys of a TOML file are text. Convert the labels: "
            "df.columns = df.columns.map(str)."
        )
    is_bare = label.isascii() and label.replace("-", "").replace("_", "").isalnum()
    return label if is_bare else _text(option, label)


def _value(where: str, value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(where, value)
    if isinstance(value, (int, float, np.integer, np.floating)):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple, set, frozenset)) and not any(isinstance(one, (list, tuple)) for one in value):
        return f"[{', '.join(_value(where, one) for one in value)}]"
    raise InvalidArgumentTypeError(f"{where}: found {value!r}; a TOML file holds text, numbers, booleans and lists.")


def _text(where: str, text: str) -> str:
    if not contract.is_unicode(text):
        raise InvalidArgumentError(f"{where}: found {text!r}, which is not valid Unicode text (an unpaired surrogate).")
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON allows what TOML does not
