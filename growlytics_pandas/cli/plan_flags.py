"""The options of a plan on the command line: one flag for each field of `PlanOptions`; flags override a file."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from growlytics_pandas import contract
from growlytics_pandas._text import PYTHON, speaking
from growlytics_pandas.columns.options import NORMALIZATIONS, PlanOptions, require_columns
from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError
from growlytics_pandas.options import PLAN_KEYS, PUSH_KEYS, load
from growlytics_pandas.upload.push_options import PushOptions

_TYPED: Final = ("types", "date_format", "decimal")  # options that give a column a type: one per column


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag: the option it sets, its arguments for argparse, and the function that returns the option's value."""

    option: str
    names: tuple[str, ...]
    arguments: Mapping[str, Any]
    read: Callable[[Any], Any]


def add_plan(parser: argparse.ArgumentParser, only: Sequence[str] = PLAN_KEYS) -> None:
    """Add the options of a plan, or `only` some of them."""
    group = parser.add_argument_group("columns, and how they are read")
    group.add_argument("--options", metavar="PATH", help="a TOML file of options; flags override it")
    group.add_argument("--id-col", metavar="COLUMN", help="the column of ids; required, here or as id_col in the file")
    for flag in (flag for flag in FLAGS if flag.option in only):
        group.add_argument(*flag.names, dest=_dest(flag), **flag.arguments)


def read_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options of the plan from flags and file; flags override the file, column by column.

    The id column and the options of a push are stored in `arguments`. Values that are not allowed raise here, before
    the file is read.
    """
    kept = load(arguments.options) if arguments.options else {}
    arguments.id_col = arguments.id_col or kept.get("id_col")
    if not arguments.id_col:
        raise InvalidArgumentError("--id-col: required, here or as id_col in the file of --options.")
    defaults = {field.name: field.default for field in fields(PushOptions)}
    for key in PUSH_KEYS:
        if getattr(arguments, key, "absent") is None:
            setattr(arguments, key, kept.get(key, defaults[key]))
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
        with speaking(PYTHON):
            if arguments.id_col == kept.get("id_col"):
                require_columns(labels, "id_col", [arguments.id_col])
            of_plan.check_columns(labels)
            if not _given(arguments):  # flags may resolve a contradiction
                of_plan.check(labels)
    except (InvalidArgumentError, InvalidArgumentTypeError) as error:
        raise type(error)(f"{arguments.options}: {error}") from None


def pair(text: str) -> tuple[str, str]:
    """Read ``COLUMN=VALUE``."""
    name, equals, value = text.rpartition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"found {text!r}; it must be like 'City=string'")
    return name, value


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for flag in FLAGS:
        value = getattr(arguments, _dest(flag), None)
        if value is None:
            continue
        read = flag.read(value)
        found[flag.option] = {**found.get(flag.option, {}), **read} if isinstance(read, dict) else read
    return found


def _override(kept: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Override the options of a file by flags; a type for a column replaces any type that the file gives it."""
    merged = dict(kept)
    named = {label for option in _TYPED if isinstance(given.get(option), dict) for label in given[option]}
    for option in _TYPED:
        if isinstance(merged.get(option), dict):
            merged[option] = {label: value for label, value in merged[option].items() if label not in named}
    for option, value in given.items():
        before = merged.get(option)
        merged[option] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
    return merged


def _dest(flag: Flag) -> str:
    return flag.names[0].lstrip("-").replace("-", "_")


def _maybe_pair(text: str) -> tuple[str | None, str]:
    """Read ``VALUE``, for all columns, or ``COLUMN=VALUE``."""
    name, _, value = text.rpartition("=")
    return name or None, value


def _lists(option: str) -> Callable[[Any], Any]:
    """Return a reader of values for all columns, or of lists by column."""

    def read(pairs: Sequence[tuple[str | None, str] | list[Any]]) -> Any:
        # argparse passes a list for "--", without calling the type function
        found = [one if isinstance(one, tuple) else (None, "--") for one in pairs]
        _refuse_both(option, found)
        if found[0][0] is None:
            return [value for _, value in found]
        by_column: dict[Any, list[str]] = {}
        for label, value in found:
            by_column.setdefault(label, []).append(value)
        return by_column

    return read


def _date_formats(pairs: Any) -> Any:
    """Return one format or a list of formats, for all columns or by column."""
    found = _lists("--date-format")(pairs)
    if isinstance(found, list):
        return found[0] if len(found) == 1 else found
    return {label: forms[0] if len(forms) == 1 else forms for label, forms in found.items()}


def _decimal(pairs: Sequence[tuple[str | None, str]]) -> Any:
    _refuse_both("--decimal", pairs)
    return pairs[-1][1] if pairs[0][0] is None else dict(pairs)


def _refuse_both(option: str, pairs: Sequence[tuple[str | None, str]]) -> None:
    if len({label is None for label, _ in pairs}) > 1:
        raise InvalidArgumentError(f"{option}: give it for all columns, or as COLUMN=… for each column, not both.")


def _same(value: Any) -> Any:
    return value


_MORE: Final = "may be repeated"
_LIST: Final[dict[str, Any]] = {"action": "append", "metavar": "COLUMN"}
FLAGS: Final = (
    Flag("columns", ("--column",), {**_LIST, "help": f"send only this column; {_MORE}"}, list),
    Flag("exclude", ("--exclude",), {**_LIST, "help": f"leave this column out; {_MORE}"}, list),
    Flag(
        "rename",
        ("--rename",),
        {"action": "append", "type": pair, "metavar": "COLUMN=NAME", "help": f"attribute name of a column; {_MORE}"},
        dict,
    ),
    Flag(
        "types",
        ("--type",),
        {
            "action": "append",
            "type": pair,
            "metavar": "COLUMN=TYPE",
            "help": f"type of a column: {', '.join(contract.TYPES)}; {_MORE}",
        },
        dict,
    ),
    Flag(
        "date_format",
        ("--date-format",),
        {
            "action": "append",
            "type": _maybe_pair,
            "metavar": "COLUMN=FORMAT",
            "help": "format of its dates: such as %%d/%%m/%%Y, or ISO8601, epoch_s, epoch_ms, excel; if repeated, the "
            "first that matches is used; without COLUMN=: for all columns of --type date",
        },
        _date_formats,
    ),
    Flag(
        "decimal",
        ("--decimal",),
        {
            "action": "append",
            "type": _maybe_pair,
            "metavar": "COLUMN=MARK",
            "help": "read its text as numbers with this decimal mark, . or ,; without COLUMN=: for all columns of "
            "--type number",
        },
        _decimal,
    ),
    Flag(
        "na_values",
        ("--na", "--na-values"),
        {
            "action": "append",
            "type": _maybe_pair,
            "metavar": "COLUMN=TEXT",
            "help": f"text that means missing; without COLUMN=: in all columns; {_MORE}",
        },
        _lists("--na"),
    ),
    Flag("strip", ("--strip-column",), {**_LIST, "help": f"--strip for this column only; {_MORE}"}, list),
    Flag(
        "strip",
        ("--strip",),
        {
            "action": "store_true",
            "default": None,
            "help": 'remove outer white space, invisible characters and text markers, as in \'0012 and ="0012"',
        },
        _same,
    ),
    Flag(
        "normalize",
        ("--normalize",),
        {
            "action": "append",
            "type": pair,
            "metavar": "COLUMN=HOW",
            "help": f"one spelling for one person: {', '.join(NORMALIZATIONS)}; {_MORE}",
        },
        dict,
    ),
    Flag("timezone", ("--timezone",), {"help": "zone in which zone-aware dates are sent (default: UTC)"}, _same),
    Flag("region", ("--region",), {"help": "country of mobile numbers without country code (default: IN)"}, str.upper),
    Flag(
        "keep",
        ("--keep",),
        {"choices": ("first", "last"), "help": "which row to send of those with the same id (default: none)"},
        _same,
    ),
    Flag("name", ("--name",), {"metavar": "TEXT", "help": "the top-level field `name` (default: none)"}, _same),
    Flag(
        "new_attributes",
        ("--new-attributes",),
        {
            "choices": ("allow", "forbid"),
            "help": "forbid: reject attributes not in the ledger (default: allow)",
        },
        _same,
    ),
)
"""The flags, in the order of ``--help``. Two flags for one option are merged."""
