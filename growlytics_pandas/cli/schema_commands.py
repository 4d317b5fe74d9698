"""``schema``, ``suggest``, ``validate``: attributes and types of a file, suggested options, and violations."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace
from typing import Any, Final

import pandas as pd

from growlytics_pandas import options
from growlytics_pandas.cli.flags import OF_FILE, SERVICE_FLAGS, as_flags
from growlytics_pandas.cli.loading import begin_summary, load_and_check, load_and_note
from growlytics_pandas.cli.output_files import add_output_file, check_outputs, write_outputs
from growlytics_pandas.cli.running import Command, Exit, Stopper, program
from growlytics_pandas.cli.summary import Summary
from growlytics_pandas.errors import InvalidArgumentError


def _show_schema(arguments: argparse.Namespace, _stopper: Stopper) -> Summary:
    loaded = load_and_note(arguments)
    schema = loaded.plan.schema.astype(object)
    return replace(begin_summary(arguments, loaded), columns=_records(schema.where(schema.notna(), None)))


def _records(frame: pd.DataFrame) -> tuple[dict[str, Any], ...]:
    return tuple({str(name): value for name, value in row.items()} for row in frame.to_dict("records"))


def _suggest(arguments: argparse.Namespace, _stopper: Stopper) -> Summary:
    check_outputs(arguments)
    if arguments.save and arguments.save.exists():
        path = shlex.quote(str(arguments.save))
        raise InvalidArgumentError(
            f"--save: {path} exists, and its settings would be lost; give a new name. To keep its settings too: "
            f"--options {path} --save NEW.toml."
        )
    loaded = load_and_note(arguments)
    flags = [each.text for each in loaded.plan._suggested]
    suggested, suggestions = loaded.suggested(), _records(loaded.plan.suggestions.assign(flag=flags))
    summary = replace(begin_summary(arguments, loaded), options=suggested, suggestions=suggestions)
    push = _command("push", arguments)
    if arguments.save is None:
        return replace(summary, next=f"{push} {as_flags({'id_col': arguments.id_col, **suggested})}")
    of_push = {key: arguments.kept[key] for key in options.PUSH_KEYS if key in arguments.kept}
    options.save(arguments.save, id_col=arguments.id_col, **suggested, **of_push)
    path = str(arguments.save)
    return replace(summary, files={"options": path}, next=f"{push} --options {shlex.quote(path)}")


def _command(name: str, arguments: argparse.Namespace) -> str:
    """Return another command for the same file, read in the same way, and the same project and ledger."""
    given = {key: getattr(arguments, key) for key in (*OF_FILE, *SERVICE_FLAGS)}
    default_of = arguments.parser.get_default
    flags = as_flags({key: value for key, value in given.items() if value and value != default_of(key)})
    return " ".join(filter(None, [program(), name, shlex.quote(arguments.file), flags]))


def _validate(arguments: argparse.Namespace, _stopper: Stopper) -> Summary:
    check_outputs(arguments)
    loaded = load_and_check(arguments)
    plan = loaded.plan
    status = Exit.DATA if plan.has_errors else Exit.DONE
    summary = begin_summary(arguments, loaded).with_findings(plan._findings).with_changes(plan.changes)
    summary = replace(summary, counts=plan.counts, exit_status=status, would_refuse=plan.has_errors)
    if not loaded.options and any(each.value is not None for each in plan._suggested):
        id_col = as_flags({"id_col": arguments.id_col})
        summary = replace(summary, next=f"{_command('suggest', arguments)} {id_col}")
    return write_outputs(summary, arguments, plan, None)


def _add_save(parser: argparse.ArgumentParser) -> None:
    add_output_file(parser, "save")


SCHEMA: Final = Command("schema", "show the attribute and type that each column of a file becomes", _show_schema)
SUGGEST: Final = Command("suggest", "suggest options for reading the columns of a file", _suggest, add_more=_add_save)
VALIDATE: Final = Command(
    "validate",
    "report values that would be rejected or need a check",
    _validate,
    files=("violations", "rejects", "report"),
)
