"""``suggest``: the options that a file calls for, as flags, or as a file for ``--options``."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from growlytics_pandas import options as options_file
from growlytics_pandas.cli import options
from growlytics_pandas.cli.inspect import load_and_note
from growlytics_pandas.cli.messages import as_flags, as_line
from growlytics_pandas.cli.outputs import require_apart
from growlytics_pandas.cli.plan_flags import add_plan
from growlytics_pandas.cli.running import Command
from growlytics_pandas.cli.signals import Stopper
from growlytics_pandas.cli.summary import Summary
from growlytics_pandas.errors import InvalidArgumentError


def _add_options(parser: argparse.ArgumentParser) -> None:
    options.add_file(parser)
    add_plan(parser)
    options.add_service(parser)
    options.add_saying(parser, files=())
    parser.add_argument("--save", type=Path, metavar="PATH", help="write the options to a .toml file, for --options")


def _suggest(arguments: argparse.Namespace, _stopper: Stopper) -> Summary:
    _check_target(arguments)
    loaded = load_and_note(arguments)
    suggestions = tuple(
        {str(name): _plain(value) for name, value in row.items()} for row in loaded.plan.suggestions.to_dict("records")
    )
    suggested = loaded.suggested()
    summary = Summary(
        arguments.command,
        arguments.file,
        rows=len(loaded.plan.frame),
        options=suggested,
        suggestions=suggestions,
        notes=tuple(map(as_line, loaded.notes)),
    )
    shown = shlex.quote(arguments.file)
    if arguments.save is None:
        return replace(summary, next=f"push {shown} {as_flags({'id_col': arguments.id_col, **suggested})}")
    options_file.save(arguments.save, id_col=arguments.id_col, **suggested)
    path = str(arguments.save)
    return replace(summary, files={"options": path}, next=f"push {shown} --options {shlex.quote(path)}")


def _check_target(arguments: argparse.Namespace) -> None:
    if arguments.save is None:
        return
    require_apart(arguments, {"save": arguments.save})
    if arguments.save.suffix.lower() != ".toml":
        raise InvalidArgumentError(f"--save: found {str(arguments.save)!r}; the name must end in .toml.")


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, bool, int, list)) else str(value)


SUGGEST: Final = Command("suggest", "suggest how the columns of a file are to be read", _add_options, _suggest)
