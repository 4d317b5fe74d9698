"""The flags of the command line, in tables; flags override a file of options.

Messages name these flags in place of the arguments of a Python call.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, get_args

from growlytics_pandas import contract
from growlytics_pandas._text import PYTHON, MessageStyle, message_style
from growlytics_pandas.checks.profile import LISTED
from growlytics_pandas.cli.readers import FORMATS
from growlytics_pandas.columns.named_formats import NAMED_FORMATS
from growlytics_pandas.columns.plan_options import (
    NORMALIZATIONS,
    ONLY_BY_COLUMN,
    TYPE_OPTIONS,
    PlanOptions,
    require_columns,
)
from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError
from growlytics_pandas.options import PLAN_KEYS, PUSH_KEYS, load
from growlytics_pandas.upload.connection import PushOptions, Track, TransportName

_STRIPPED: Final = "strip_columns"  # what --strip-column sets; --strip sets `strip`


def whole_number(text: str) -> int:
    """Return a count."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"found {text!r}; it must be a whole number of 1 or more")
    return int(text)


def number(text: str) -> float:
    """Return an int or a float; argparse calls it a "number" in errors."""
    return int(text) if text.isdecimal() else float(text)


# option → what argparse needs of its flag, in the order of --help ----------------------------------------------------

Flags = Mapping[str, Mapping[str, Any]]

FILE_FLAGS: Final[Flags] = {
    "format": {"choices": FORMATS, "help": "the format, if the file name does not show it"},
    "encoding": {"help": "encoding of csv, tsv and jsonl, such as cp1252 or utf-16 (default: utf-8)"},
    "sep": {"help": "separator of the cells of a csv (default: a comma; tsv: a tab)"},
    "skip_rows": {
        "type": whole_number,
        "default": 0,
        "metavar": "N",
        "help": "lines above the heading of a csv or workbook",
    },
    "sheet": {"metavar": "NAME", "help": "sheet of a workbook, or its number from 1 (default: the first)"},
    "limit": {"type": whole_number, "metavar": "N", "help": "read only the first N rows, for a trial"},
}
OF_FILE: Final = tuple(option for option in FILE_FLAGS if option != "limit")
"""How a file is read; an options file, which is for many files, does not have these."""
PLAN_FLAGS: Final[Flags] = {
    "columns": {"metavar": "COLUMN", "help": "send only this column"},
    "exclude": {"metavar": "COLUMN", "help": "leave this column out"},
    "rename": {"metavar": "COLUMN=NAME", "help": "attribute name of a column"},
    "types": {"metavar": "COLUMN=TYPE", "help": f"type of a column: {', '.join(contract.TYPES)}"},
    "date_format": {
        "metavar": "COLUMN=FORMAT",
        "help": f"format of its dates: such as %%d/%%m/%%Y, or {', '.join(NAMED_FORMATS)}; of several the first "
        "that matches is used; without COLUMN=: for all columns of --type date",
    },
    "decimal": {
        "metavar": "COLUMN=MARK",
        "help": "read its text as numbers with this decimal mark, . or ,; without COLUMN=: for all columns of "
        "--type number",
    },
    "na_values": {"metavar": "COLUMN=TEXT", "help": "text that means missing; without COLUMN=: in all columns"},
    _STRIPPED: {"metavar": "COLUMN", "help": "--strip for this column only"},
    "strip": {
        "action": "store_true",
        "help": 'remove outer white space, invisible characters and text markers, as in \'0012 and ="0012"',
    },
    "normalize": {"metavar": "COLUMN=HOW", "help": f"one spelling for one person: {', '.join(NORMALIZATIONS)}"},
    "timezone": {"help": "zone in which zone-aware dates are sent (default: UTC)"},
    "region": {"type": str.upper, "help": "country of mobile numbers without country code (default: IN)"},
    "keep": {
        "choices": ("first", "last"),
        "help": "which row to send of those with the same id (default: none)",
    },
    "name": {"metavar": "TEXT", "help": "the top-level field `name` (default: none)"},
    "new_attributes": {
        "choices": ("allow", "forbid"),
        "help": "forbid: reject attributes not in the ledger (default: allow)",
    },
}
SERVICE_FLAGS: Final[Flags] = {
    "key_file": {"metavar": "PATH", "help": "a file that contains only the API key"},
    "base_url": {"metavar": "URL", "help": "default: GROWLYTICS_BASE_URL, else the documented host"},
    "ledger": {
        "default": "auto",
        "metavar": "PATH",
        "help": "the ledger file, or none (default: GROWLYTICS_LEDGER, else a file in your user data directory)",
    },
    "track": {
        "choices": get_args(Track),
        "help": "also store a digest of two bytes per value in the ledger, to count changed values by attribute",
    },
    "types_file": {"metavar": "PATH", "help": "a JSON file of types: read at the start, updated at the end"},
}
PUSH_FLAGS: Final[Flags] = {
    "dry_run": {"action": "store_true", "help": "do everything except send requests; needs no key"},
    "skip_unchanged": {
        "action": "store_true",
        "help": "skip customers whose data was accepted before; also resumes a stopped push",
    },
    "errors": {"choices": ("raise", "drop"), "help": "drop: send only valid rows and values (default: raise)"},
    "max_rate": {"type": float, "metavar": "N", "help": "maximum requests per second"},
    "max_concurrency": {"type": int, "metavar": "N", "help": "maximum requests in flight (default: 64)"},
    "max_failures": {
        "type": number,
        "metavar": "N",
        "help": "stop after this many failed rows (50), or at this share of failed rows (0.1)",
    },
    "label": {"metavar": "TEXT", "help": "the name of this run in the history and the log"},
    "chunk_size": {"type": int, "metavar": "N", "help": "rows encoded at once (default: 1000)"},
}
TRANSPORT_FLAGS: Final[Flags] = {
    "transport": {
        "choices": get_args(TransportName),
        "default": "auto",
        "help": "the HTTP library (default: auto, libcurl if pycurl is installed)",
    },
    "timeout": {"type": float, "default": 30.0, "metavar": "SECONDS", "help": "for one request (default: 30)"},
    "ca_bundle": {"metavar": "PATH", "help": "certificate authorities to trust"},
}

_SPELLED: Final = {
    "columns": ("--column",),
    "types": ("--type",),
    "na_values": ("--na", "--na-values"),
    _STRIPPED: ("--strip-column",),
    "verify": ("--ca-bundle",),
}
"""The flags that are not spelled like their options."""


def _flags_of(option: str) -> tuple[str, ...]:
    return _SPELLED.get(option, (f"--{option.replace('_', '-')}",))


def add_file(parser: argparse.ArgumentParser) -> None:
    """Add FILE, and how it is read."""
    group = parser.add_argument_group("the file")
    group.add_argument(
        "file",
        metavar="FILE",
        help="csv, tsv, jsonl, ndjson, parquet, xlsx, xls, xlsb or ods, also with .gz; - means stdin",
    )
    _add(group, FILE_FLAGS)


def add_plan(parser: argparse.ArgumentParser, only: Sequence[str] = PLAN_KEYS) -> None:
    """Add the options of a plan, or `only` some of them."""
    group = parser.add_argument_group("columns, and how they are read")
    group.add_argument(
        "--options",
        metavar="PATH",
        help="a TOML file of options; flags override it, but --exclude, --strip and --na add to it",
    )
    group.add_argument("--id-col", metavar="COLUMN", help="the column of ids; required, here or as id_col in the file")
    for option, how in PLAN_FLAGS.items():
        if option in only or (option == _STRIPPED and "strip" in only):
            again = {"action": "append", "help": f"{how['help']}; may be repeated"} if _is_of_column(option) else {}
            _add(group, {option: {**how, **again, **_NOT_GIVEN}})


def add_service(parser: argparse.ArgumentParser) -> None:
    """Add the options of the client."""
    group = parser.add_argument_group("the service (the key: GROWLYTICS_API_KEY, or --key-file)")
    _add(group, SERVICE_FLAGS)


def add_sending(parser: argparse.ArgumentParser) -> None:
    """Add the options of a push, and those of the client that matter only if something is sent."""
    group = parser.add_argument_group("sending")
    _add(group, {option: {**how, **_NOT_GIVEN} for option, how in PUSH_FLAGS.items()})
    _add(group, TRANSPORT_FLAGS)


_NOT_GIVEN: Final = {"default": None}  # then the options file counts, or else the default of a call


def _add(group: Any, flags: Flags) -> None:
    for option, how in flags.items():
        group.add_argument(*_flags_of(option), dest=option, **how)


def _is_of_column(option: str) -> bool:
    return str(PLAN_FLAGS[option].get("metavar")).startswith("COLUMN")


# the options that are given ------------------------------------------------------------------------------------------


def read_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options of the plan from flags and file; flags override the file, column by column.

    The id column, the options of a push, and as `kept` those of the options file are stored in `arguments`. Values that
    are not allowed raise here, before the file is read.
    """
    arguments.kept = kept = load(arguments.options) if arguments.options else {}
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
    kept, labels = arguments.kept, list(columns)
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
        name: _of_columns(name, value) if "=" in PLAN_FLAGS[name].get("metavar", "") else value
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
    if for_all and option in ONLY_BY_COLUMN:
        raise InvalidArgumentError(f"{flag}: found {for_all[0]!r}; it must be {PLAN_FLAGS[option]['metavar']}.")
    if for_all and found:
        raise InvalidArgumentError(f"{flag}: give it for all columns, or as COLUMN=… for each column, not both.")
    return _joined(option, for_all) if for_all else {label: _joined(option, each) for label, each in found.items()}


def _joined(option: str, values: list[str]) -> str | list[str]:
    """Return the values of one column: a list if the option takes several, else the last."""
    is_list = option == "na_values" or (option == "date_format" and len(values) > 1)
    return values if is_list else values[-1]


def _override(kept: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Override the options of a file by flags; a type for a column replaces any type that the file gives it.

    Columns to exclude or to strip, and texts that mean missing, are added to those of the file, so that a flag that a
    fix names undoes none of them.
    """
    merged = dict(kept)
    named = {label for option in TYPE_OPTIONS if isinstance(given.get(option), dict) for label in given[option]}
    for option in TYPE_OPTIONS:
        if isinstance(merged.get(option), dict):
            merged[option] = {label: value for label, value in merged[option].items() if label not in named}
    for option, value in given.items():
        before = merged.get(option)
        is_added = option in LISTED or option == "na_values"
        if isinstance(before, dict) and isinstance(value, dict):
            added = {label: _added(before[label], value[label]) for label in before.keys() & value.keys() if is_added}
            merged[option] = {**before, **value, **added}
        elif is_added and isinstance(before, list) and isinstance(value, list):
            merged[option] = _added(before, value)
        else:
            merged[option] = value
    return merged


def _added(before: Iterable[Any], more: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys([*before, *more]))


# messages ------------------------------------------------------------------------------------------------------------

_NO_FLAGS: Final = {"api_key": "the API key", "df": "FILE", "path": "PATH"}
"""The names of arguments that are no flags."""


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
    return _NO_FLAGS.get(option, _flags_of(option)[0])


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
