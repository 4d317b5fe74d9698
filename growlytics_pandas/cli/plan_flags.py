"""The options of a plan on the command line: one flag for each field of `PlanOptions`; flags override a file.

Messages name these flags in place of the arguments of a Python call.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from growlytics_pandas import contract
from growlytics_pandas._text import PYTHON, MessageStyle, message_style
from growlytics_pandas.columns.named_formats import NAMED_FORMATS
from growlytics_pandas.columns.plan_options import NORMALIZATIONS, PlanOptions, require_columns
from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError
from growlytics_pandas.options import PLAN_KEYS, PUSH_KEYS, load
from growlytics_pandas.upload.connection import PushOptions

_TYPED: Final = ("types", "date_format", "decimal")  # options that give a column a type: one per column
_BY_COLUMN: Final = ("rename", "types", "normalize")  # options that have no value for all columns
_STRIPPED: Final = "strip_columns"  # what --strip-column sets; --strip sets `strip`


FLAGS: Final[Mapping[str, tuple[tuple[str, ...], Mapping[str, Any]]]] = {
    "columns": (("--column",), {"metavar": "COLUMN", "help": "send only this column"}),
    "exclude": (("--exclude",), {"metavar": "COLUMN", "help": "leave this column out"}),
    "rename": (("--rename",), {"metavar": "COLUMN=NAME", "help": "attribute name of a column"}),
    "types": (("--type",), {"metavar": "COLUMN=TYPE", "help": f"type of a column: {', '.join(contract.TYPES)}"}),
    "date_format": (
        ("--date-format",),
        {
            "metavar": "COLUMN=FORMAT",
            "help": f"format of its dates: such as %%d/%%m/%%Y, or {', '.join(NAMED_FORMATS)}; of several the first "
            "that matches is used; without COLUMN=: for all columns of --type date",
        },
    ),
    "decimal": (
        ("--decimal",),
        {
            "metavar": "COLUMN=MARK",
            "help": "read its text as numbers with this decimal mark, . or ,; without COLUMN=: for all columns of "
            "--type number",
        },
    ),
    "na_values": (
        ("--na", "--na-values"),
        {"metavar": "COLUMN=TEXT", "help": "text that means missing; without COLUMN=: in all columns"},
    ),
    _STRIPPED: (("--strip-column",), {"metavar": "COLUMN", "help": "--strip for this column only"}),
    "strip": (
        ("--strip",),
        {
            "action": "store_true",
            "default": None,
            "help": 'remove outer white space, invisible characters and text markers, as in \'0012 and ="0012"',
        },
    ),
    "normalize": (
        ("--normalize",),
        {"metavar": "COLUMN=HOW", "help": f"one spelling for one person: {', '.join(NORMALIZATIONS)}"},
    ),
    "timezone": (("--timezone",), {"help": "zone in which zone-aware dates are sent (default: UTC)"}),
    "region": (
        ("--region",),
        {"type": str.upper, "help": "country of mobile numbers without country code (default: IN)"},
    ),
    "keep": (
        ("--keep",),
        {"choices": ("first", "last"), "help": "which row to send of those with the same id (default: none)"},
    ),
    "name": (("--name",), {"metavar": "TEXT", "help": "the top-level field `name` (default: none)"}),
    "new_attributes": (
        ("--new-attributes",),
        {"choices": ("allow", "forbid"), "help": "forbid: reject attributes not in the ledger (default: allow)"},
    ),
}
"""Option → its flags and their arguments for argparse, in the order of ``--help``."""


def add_plan(parser: argparse.ArgumentParser, only: Sequence[str] = PLAN_KEYS) -> None:
    """Add the options of a plan, or `only` some of them."""
    group = parser.add_argument_group("columns, and how they are read")
    group.add_argument(
        "--options", metavar="PATH", help="a TOML file of options; flags override it, --exclude and --strip add to it"
    )
    group.add_argument("--id-col", metavar="COLUMN", help="the column of ids; required, here or as id_col in the file")
    for option, (names, how) in FLAGS.items():
        if option in only or (option == _STRIPPED and "strip" in only):
            again = {"action": "append", "help": f"{how['help']}; may be repeated"} if _is_of_column(option) else {}
            group.add_argument(*names, dest=option, **{**how, **again})


def _is_of_column(option: str) -> bool:
    return str(FLAGS[option][1].get("metavar")).startswith("COLUMN")


def read_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options of the plan from flags and file; flags override the file, column by column.

    The id column and the options of a push are stored in `arguments`. Values that are not allowed raise here, before
    the file is read.
    """
    kept = load(arguments.options) if arguments.options else {}
    arguments.id_col = arguments.id_col or kept.get("id_col")
    if not arguments.id_col:
        raise InvalidArgumentError("--id-col: required, here or as id_col in the file of --options.")
    for key in PUSH_KEYS:
        if getattr(arguments, key, "absent") is None:
            setattr(arguments, key, kept.get(key, getattr(PushOptions(), key)))
    given = _override({key: kept[key] for key in PLAN_KEYS if key in kept}, _given(arguments))
    PlanOptions(**given)
    PushOptions(**{key: getattr(arguments, key) for key in PUSH_KEYS if hasattr(arguments, key)})
    return given


def check_file(arguments: argparse.Namespace, columns: Iterable[Any]) -> None:
    """Raise if the options file names a column that does not exist, or if its options contradict each other."""
    if not arguments.options:
        return
    kept, labels = load(arguments.options), list(columns)
    of_plan = PlanOptions(**{key: kept[key] for key in PLAN_KEYS if key in kept})
    try:
        with message_style(PYTHON):
            if arguments.id_col == kept.get("id_col"):
                require_columns(labels, "id_col", [arguments.id_col])
            of_plan.check_columns(labels)
            if not _given(arguments):  # flags may resolve a contradiction
                of_plan.check(labels)
    except (InvalidArgumentError, InvalidArgumentTypeError) as error:
        raise type(error)(f"{arguments.options}: {error}") from None


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options of the plan that flags give."""
    given = {name: getattr(arguments, name, None) for name in PLAN_KEYS}
    if given["strip"] is None:
        given["strip"] = getattr(arguments, _STRIPPED, None)
    return {
        name: _of_columns(name, value) if "=" in FLAGS[name][1].get("metavar", "") else value
        for name, value in given.items()
        if value is not None
    }


def _of_columns(option: str, given: list[Any]) -> Any:
    """Return what repeated flags give: ``VALUE`` for all columns, or ``COLUMN=VALUE`` as a dict."""
    flag, found = _flag_of(option), dict[str, list[str]]()
    for text in given:
        label, _, value = ("--" if text == [] else text).rpartition("=")  # argparse makes a list of "--"
        found.setdefault(label, []).append(value)
    for_all = found.pop("", None)
    if for_all and option in _BY_COLUMN:
        raise InvalidArgumentError(f"{flag}: found {for_all[0]!r}; it must be {FLAGS[option][1]['metavar']}.")
    if for_all and found:
        raise InvalidArgumentError(f"{flag}: give it for all columns, or as COLUMN=… for each column, not both.")
    return _joined(option, for_all) if for_all else {label: _joined(option, each) for label, each in found.items()}


def _joined(option: str, values: list[str]) -> str | list[str]:
    """Return the values of one column: a list if the option takes several, else the last."""
    is_list = option == "na_values" or (option == "date_format" and len(values) > 1)
    return values if is_list else values[-1]


def _override(kept: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Override the options of a file by flags; a type for a column replaces any type that the file gives it.

    Columns to exclude or to strip are added to those of the file, so that a flag that a fix names undoes none of them.
    """
    merged = dict(kept)
    named = {label for option in _TYPED if isinstance(given.get(option), dict) for label in given[option]}
    for option in _TYPED:
        if isinstance(merged.get(option), dict):
            merged[option] = {label: value for label, value in merged[option].items() if label not in named}
    for option, value in given.items():
        before = merged.get(option)
        if isinstance(before, dict) and isinstance(value, dict):
            merged[option] = {**before, **value}
        elif option in _ADDED and isinstance(before, list) and isinstance(value, list):
            merged[option] = list(dict.fromkeys([*before, *value]))
        else:
            merged[option] = value
    return merged


_ADDED: Final = frozenset({"exclude", "strip"})


# messages ------------------------------------------------------------------------------------------------------------

_OTHER_FLAGS: Final = {"api_key": "the API key", "verify": "--ca-bundle", "df": "FILE", "path": "PATH"}
"""Other arguments whose flags have other names."""


def as_flags(options: Mapping[str, Any]) -> str:
    """Write options of a Python call as flags, quoted for a shell.

    Examples
    --------
    >>> as_flags({"types": {"Total Orders": "number"}, "errors": "drop"})
    "--type 'Total Orders=number' --errors drop"
    """
    words: list[str] = []
    for option, value in options.items():
        flag = _flag_of(_STRIPPED if option == "strip" and isinstance(value, list) else option)
        if value is True:
            words.append(flag)
        else:
            words += [word for given in _given_values(value) for word in _words(flag, given)]
    return shlex.join(words)


def _flag_of(option: str) -> str:
    if option in FLAGS:
        return FLAGS[option][0][0]
    return _OTHER_FLAGS.get(option, f"--{option.replace('_', '-')}")


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


COMMAND_LINE: Final = MessageStyle(_flag_of, as_flags)
