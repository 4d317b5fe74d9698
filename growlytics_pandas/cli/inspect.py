"""``schema``, ``suggest``, ``validate``: attributes and types of a file, suggested options, and violations."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pandas as pd

from growlytics_pandas import options as options_file
from growlytics_pandas._rules import Rule, Severity
from growlytics_pandas.cli import options
from growlytics_pandas.cli.columns import Note
from growlytics_pandas.cli.exits import Exit
from growlytics_pandas.cli.loading import Loaded, load
from growlytics_pandas.cli.messages import as_flags, as_line
from growlytics_pandas.cli.output_files import check_outputs, require_apart, write_outputs
from growlytics_pandas.cli.plan_flags import add_plan, read_options
from growlytics_pandas.cli.running import Command
from growlytics_pandas.cli.service import open_client
from growlytics_pandas.cli.signals import Stopper
from growlytics_pandas.cli.summary import Summary, count_rules
from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.upload.plan import Plan
from growlytics_pandas.upload.planning import types_to_fix


def _add_options(parser: argparse.ArgumentParser) -> None:
    options.add_file(parser)
    add_plan(parser)
    options.add_service(parser)


def _add_schema_options(parser: argparse.ArgumentParser) -> None:
    _add_options(parser)
    options.add_output(parser, files=())


def _add_suggest_options(parser: argparse.ArgumentParser) -> None:
    _add_schema_options(parser)
    parser.add_argument("--save", type=Path, metavar="PATH", help="write the options to a .toml file, for --options")


def _add_validate_options(parser: argparse.ArgumentParser) -> None:
    _add_options(parser)
    options.add_output(parser, files=("violations", "rejects", "report"))


def load_and_note(arguments: argparse.Namespace) -> Loaded:
    """Read and plan the file, and write the notes on it."""
    given = read_options(arguments)
    loaded = load(arguments, open_client(arguments, needs_key=False), given)
    notes = (*loaded.notes, *(note.text for note in loaded.of_columns.values()))
    write_notes(notes, is_quiet=arguments.quiet)
    return replace(loaded, notes=notes)


def load_and_check(arguments: argparse.Namespace, given: Mapping[str, Any], *, needs_key: bool) -> Loaded:
    """Read, plan and check the file, and write the notes on it before a push, which may take hours.

    Violations name the line of the file.
    """
    loaded = load(arguments, open_client(arguments, needs_key=needs_key), given)
    write_notes(loaded.notes, is_quiet=arguments.quiet)
    plan = _by_line(loaded)
    warnings = type_warnings(plan, loaded.of_columns)
    others = [note.text for position, note in loaded.of_columns.items() if position not in warnings]
    write_notes(others, is_quiet=arguments.quiet)
    write_notes(warnings.values(), is_quiet=False)  # also with --quiet: a type cannot be changed later
    return replace(loaded, plan=plan, notes=(*loaded.notes, *others, *warnings.values()))


def type_warnings(plan: Plan, noted: Mapping[int, Note]) -> dict[int, str]:
    """Return position → warning for columns with a questionable type that is new to the ledger and was not given.

    `noted`: the notes from reading the columns.
    """
    new = types_to_fix(plan._layout, plan._common.dropped)
    groups = {group.attribute: group for group in plan._findings.groups() if group.rule is Rule.TYPE_DOUBTFUL}
    doubtful = [each for each in plan._findings.violations if each.rule is Rule.TYPE_DOUBTFUL]
    undecided = {each.attribute for each in doubtful if each.params["option"] is None}  # the fix keeps the type
    found = {}
    for attribute in plan._layout.attributes:
        note = noted.get(attribute.position)
        if attribute.name in groups and attribute.name in new:
            group = groups[attribute.name]
            keep = "" if attribute.name in undecided else f"{_keep(attribute.column, new[attribute.name])} Fix: "
            found[attribute.position] = f"{group.message} {keep}{group.fix}"
        elif note and note.is_uncertain and attribute.name in new:
            found[attribute.position] = f"{note.text} {_keep(attribute.column, new[attribute.name])}"
    return found


def _keep(column: object, type_: str) -> str:
    return f"To keep it a {type_}: {as_flags({'types': {column: type_}})}."


def _by_line(loaded: Loaded) -> Plan:
    """Return the plan with the lines of the file as labels, so that violations name lines."""
    plan, lines = loaded.plan, loaded.table.frame.index.rename("line")
    return plan._relabelled(lines, label="line")


def write_notes(notes: Iterable[str], *, is_quiet: bool) -> None:
    """Write notes to stderr."""
    if not is_quiet:
        sys.stderr.writelines(f"note: {as_line(note)}\n" for note in notes)


def summarise(arguments: argparse.Namespace, loaded: Loaded) -> Summary:
    """Return the summary of a plan."""
    plan = loaded.plan
    findings = plan._findings
    return replace(
        _begun(arguments, loaded),
        counts=plan.counts,
        errors=findings.count(Severity.ERROR),
        warnings=findings.count(Severity.WARNING),
        rules=count_rules(findings),
    )


def _begun(arguments: argparse.Namespace, loaded: Loaded) -> Summary:
    notes = tuple(map(as_line, loaded.notes))
    rows = len(loaded.plan.frame)
    return Summary(arguments.command, arguments.file, rows=rows, options=dict(loaded.options), notes=notes)


def _show_schema(arguments: argparse.Namespace, _stopper: Stopper) -> Summary:
    loaded = load_and_note(arguments)
    return replace(_begun(arguments, loaded), columns=tuple(map(_column, loaded.plan.schema.to_dict("records"))))


def _column(row: dict[Any, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(pd.Series(row).to_json())
    return plain | {"note": as_line(row["note"])}


def _suggest(arguments: argparse.Namespace, _stopper: Stopper) -> Summary:
    _check_target(arguments)
    loaded = load_and_note(arguments)
    suggestions = tuple(
        {str(name): _plain(value) for name, value in row.items()} for row in loaded.plan.suggestions.to_dict("records")
    )
    suggested = loaded.suggested()
    summary = replace(_begun(arguments, loaded), options=suggested, suggestions=suggestions)
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


def _validate(arguments: argparse.Namespace, _stopper: Stopper) -> Summary:
    check_outputs(arguments)
    loaded = load_and_check(arguments, read_options(arguments), needs_key=False)
    summary = summarise(arguments, loaded)
    status = Exit.DATA if summary.errors else Exit.DONE
    summary = replace(summary, exit_status=status, would_refuse=loaded.plan.has_errors)
    return write_outputs(summary.with_changes(loaded.plan.changes), arguments, loaded.plan, None)


SCHEMA: Final = Command(
    "schema", "show the attribute and type that each column of a file becomes", _add_schema_options, _show_schema
)
SUGGEST: Final = Command("suggest", "suggest options for reading the columns of a file", _add_suggest_options, _suggest)
VALIDATE: Final = Command(
    "validate", "report values that would be rejected or need a check", _add_validate_options, _validate
)
