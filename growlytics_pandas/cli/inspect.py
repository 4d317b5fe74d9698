"""``schema`` and ``validate``: what a file would become, and what would not arrive. Nothing is sent."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import pandas as pd

from growlytics_pandas._rules import Severity
from growlytics_pandas.cli import options
from growlytics_pandas.cli.exits import Exit
from growlytics_pandas.cli.loading import Loaded, load, open_client
from growlytics_pandas.cli.messages import as_line
from growlytics_pandas.cli.outputs import check_outputs, write_outputs
from growlytics_pandas.cli.plan_flags import add_plan, read_options
from growlytics_pandas.cli.running import Command
from growlytics_pandas.cli.signals import Stopper
from growlytics_pandas.cli.summary import Summary, count_rules
from growlytics_pandas.cli.type_warnings import find_doubts
from growlytics_pandas.upload.plan import Plan


def _add_options(parser: argparse.ArgumentParser) -> None:
    options.add_file(parser)
    add_plan(parser)
    options.add_service(parser)


def _add_schema_options(parser: argparse.ArgumentParser) -> None:
    _add_options(parser)
    options.add_saying(parser, files=())


def _add_validate_options(parser: argparse.ArgumentParser) -> None:
    _add_options(parser)
    options.add_saying(parser, files=("violations", "rejects", "report"))


def load_and_note(arguments: argparse.Namespace) -> Loaded:
    """Read and plan the file, and say what deserves a look."""
    given = read_options(arguments)
    loaded = load(arguments, open_client(arguments, needs_key=False), given)
    notes = (*loaded.notes, *(note.text for note in loaded.of_columns.values()))
    tell(notes, is_quiet=arguments.quiet)
    return replace(loaded, notes=notes)


def load_and_check(arguments: argparse.Namespace, given: Mapping[str, Any], *, needs_key: bool) -> Loaded:
    """Read, plan and check the file, and say at once what deserves a look: a push may take hours.

    Violations name the line of the file.
    """
    loaded = load(arguments, open_client(arguments, needs_key=needs_key), given)
    tell(loaded.notes, is_quiet=arguments.quiet)
    plan = _by_line(loaded)
    doubts = find_doubts(plan, loaded.of_columns)
    others = [note.text for position, note in loaded.of_columns.items() if position not in doubts]
    tell(others, is_quiet=arguments.quiet)
    tell(doubts.values(), is_quiet=False)  # a type is fixed once and for good: tomorrow is too late
    return replace(loaded, plan=plan, notes=(*loaded.notes, *others, *doubts.values()))


def _by_line(loaded: Loaded) -> Plan:
    """Return the plan with the lines of the file for labels, and violations that name lines."""
    plan, lines = loaded.plan, loaded.table.frame.index.rename("line")
    return plan._relabelled(lines, label="line")


def tell(notes: Iterable[str], *, is_quiet: bool) -> None:
    """Write notes to stderr."""
    if not is_quiet:
        sys.stderr.writelines(f"note: {as_line(note)}\n" for note in notes)


def summarise(arguments: argparse.Namespace, loaded: Loaded) -> Summary:
    """Return what can be said of a plan."""
    plan = loaded.plan
    findings = plan._findings
    return Summary(
        arguments.command,
        arguments.file,
        rows=len(plan.frame),
        counts=plan.counts,
        errors=findings.count(Severity.ERROR),
        warnings=findings.count(Severity.WARNING),
        rules=count_rules(findings),
        options=dict(loaded.options),
        notes=tuple(map(as_line, loaded.notes)),
    )


def _show_schema(arguments: argparse.Namespace, _stopper: Stopper) -> Summary:
    loaded = load_and_note(arguments)
    return Summary(
        arguments.command,
        arguments.file,
        rows=len(loaded.plan.frame),
        columns=tuple(map(_column, loaded.plan.schema.to_dict("records"))),
        options=dict(loaded.options),
        notes=tuple(map(as_line, loaded.notes)),
    )


def _column(row: dict[Any, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(pd.Series(row).to_json())
    return plain | {"note": as_line(row["note"])}


def _validate(arguments: argparse.Namespace, _stopper: Stopper) -> Summary:
    check_outputs(arguments)
    loaded = load_and_check(arguments, read_options(arguments), needs_key=False)
    summary = summarise(arguments, loaded)
    status = Exit.DATA if summary.errors else Exit.DONE
    changes = loaded.plan.changes
    summary = replace(summary, exit_status=status, would_refuse=loaded.plan.has_errors, changes=changes)
    return write_outputs(summary, arguments, loaded.plan, None)


SCHEMA: Final = Command(
    "schema", "show which columns of a file become which attributes and types", _add_schema_options, _show_schema
)
VALIDATE: Final = Command(
    "validate", "tell what of a file would not arrive, or deserves a look", _add_validate_options, _validate
)
