"""FILE → plan: read the file, infer the column types, and apply the types that the ledger knows."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas._masking import KEY_VARIABLE, visible
from growlytics_pandas._rules import Rule
from growlytics_pandas.checks.schema import name_of_column
from growlytics_pandas.checks.suggestions import as_options
from growlytics_pandas.cli.csv_types import Note, complete_decimals, infer_column
from growlytics_pandas.cli.flags import as_flags, check_file, read_options
from growlytics_pandas.cli.readers import FileTable, find_source, read_source, require_file
from growlytics_pandas.cli.summary import Summary, as_line
from growlytics_pandas.client import Client
from growlytics_pandas.columns.dtypes import classify
from growlytics_pandas.columns.plan_options import TYPE_OPTIONS, PlanOptions, Reading, read_zone
from growlytics_pandas.columns.reading import clean
from growlytics_pandas.ledger import UNCERTAIN
from growlytics_pandas.upload.connection import connection_or_default
from growlytics_pandas.upload.plan import Plan, make_plan, types_to_fix

_MAX_TYPES: Final = 5  # columns named in one line
_MAX_NAME_CHARS: Final = 60


@dataclass(frozen=True, slots=True)
class Loaded:
    """A plan of a file, and notes on how the file was read.

    `of_columns`: position → note, for columns that are sent. `of_ledger`: column → type that only the ledger gives.
    """

    plan: Plan
    options: Mapping[str, Any]
    notes: tuple[str, ...]
    of_columns: Mapping[int, Note] = field(default_factory=dict)
    of_ledger: Mapping[Any, str] = field(default_factory=dict)

    def suggested(self) -> dict[str, Any]:
        """Return the given and the suggested options, and the types that another ledger may not know."""
        found = as_options(self.plan._suggested)
        typed = {label for option in TYPE_OPTIONS for label in found.get(option, ())}
        types = {label: type_ for label, type_ in self.of_ledger.items() if label not in typed}
        if types:
            found["types"] = {**types, **found.get("types", {})}
        return PlanOptions(**self.options).joined(found, list(self.plan.frame.columns))


def load_and_note(arguments: argparse.Namespace) -> Loaded:
    """Read and plan the file, and write the notes on it."""
    loaded = _load(arguments)
    notes = [note.text for note in loaded.of_columns.values()]
    write_notes(notes, is_quiet=arguments.quiet)
    return replace(loaded, notes=(*loaded.notes, *notes))


def load_and_check(arguments: argparse.Namespace) -> Loaded:
    """Read, plan and check the file, and write the notes on it before a push, which may take hours.

    Violations name the line of the file.
    """
    loaded = _load(arguments)
    plan = loaded.plan._relabelled(loaded.plan.frame.index.rename("line"), label="line")
    new = types_to_fix(plan._schema, plan._context.dropped)
    groups = [group for group in plan._findings.groups() if group.rule is Rule.TYPE_DOUBTFUL]
    doubtful = {group.column: new[group.attribute] for group in groups if group.attribute in new}
    notes, warnings = list[str](), list[str]()
    for attribute in plan._schema.attributes:
        note = loaded.of_columns.get(attribute.position)
        if note is None or attribute.column in doubtful:
            continue
        if note.is_uncertain and attribute.name in new:
            keep = as_flags({"types": {attribute.column: new[attribute.name]}})
            warnings.append(f"{note.text} To keep it a {new[attribute.name]}: {keep}.")
        else:
            notes.append(note.text)
    if doubtful:
        warnings.append(_on_types(doubtful, is_quiet=arguments.quiet))
    write_notes(notes, is_quiet=arguments.quiet)
    write_notes(warnings, is_quiet=False)  # also with --quiet: a type cannot be changed later
    return replace(loaded, plan=plan, notes=(*loaded.notes, *notes, *warnings))


def _on_types(doubtful: Mapping[Any, str], *, is_quiet: bool) -> str:
    """Return the warning of types that a push would fix; the violations have the details."""
    shown = dict(list(doubtful.items())[:_MAX_TYPES])
    more = f", +{len(doubtful) - len(shown):,} more" if len(doubtful) > len(shown) else ""
    named = ", ".join(f"{visible(repr(column), _MAX_NAME_CHARS)} {type_}" for column, type_ in shown.items())
    start, them = ("a type that looks", "it") if len(doubtful) == 1 else ("types that look", "them")
    return (
        f"{start} wrong and cannot be changed later: {named}{more}. See type_doubtful{' of validate' * is_quiet}. "
        f"To keep {them}: {as_flags({'types': shown})}"
    )


def _load(arguments: argparse.Namespace) -> Loaded:
    """Read the file and plan a push of it."""
    given = read_options(arguments)
    client = open_client(arguments)
    table = read_table(arguments)
    options = PlanOptions(**given)
    options.check(table.frame.columns)
    notes = _of_index(table.frame, table.index_columns, (arguments.id_col, *options.labels()))
    frame, of_ledger = table.frame, dict[Any, str]()
    if table.is_untyped:
        known = _known_types(frame, client, options, arguments.id_col)
        frame, notes, of_ledger = _infer_columns(frame, options, arguments.id_col, known)
        options = replace(options, types={**of_ledger, **(options.types or {})})
    plan = make_plan(frame.rename_axis(None), arguments.id_col, options, connection_or_default(client))
    sent = {attribute.position for attribute in plan._schema.attributes}
    notes = {position: note for position, note in notes.items() if position in sent - _contacts(plan, notes)}
    of_client = notes_of_client(client)
    write_notes(of_client, is_quiet=arguments.quiet)
    return Loaded(plan, given, (*table.notes, *of_client), notes, of_ledger)


def _contacts(plan: Plan, noted: Collection[int]) -> set[int]:
    """Return the positions of `noted` columns that hold contacts: a phone number is no number to send."""
    if not noted:
        return set()
    found = {
        repr(each.column)
        for each in plan._suggested
        if each.option == "rename" and each.value in contract.RESERVED_ATTRIBUTES
    }
    return {each.position for each in plan._schema.attributes if repr(each.column) in found}


def read_table(arguments: argparse.Namespace) -> FileTable:
    """Read the file according to the flags, write the notes on it, and check the columns of the options file."""
    table = read_source(find_source(arguments))
    write_notes(table.notes, is_quiet=arguments.quiet)  # also if columns are missing: it may be the wrong sheet
    check_file(arguments, table.frame.columns)
    return table


def write_notes(notes: Iterable[str], *, is_quiet: bool) -> None:
    """Write notes to stderr."""
    for note in () if is_quiet else notes:
        sys.stderr.write(f"note: {as_line(note)}\n")


def begin_summary(arguments: argparse.Namespace, loaded: Loaded) -> Summary:
    """Return the summary of a file that has been read."""
    notes = tuple(map(as_line, loaded.notes))
    rows = len(loaded.plan.frame)
    return Summary(arguments.command, arguments.file, rows=rows, options=dict(loaded.options), notes=notes)


def _of_index(frame: pd.DataFrame, levels: tuple[Any, ...], wanted: Collection[Any]) -> dict[int, Note]:
    """Return notes on index levels that are sent without a request; a push from Python does not send the index."""
    return {
        position: Note(
            f"column {label!r} is the index of the Parquet file and is sent too. To leave it out: "
            f"{as_flags({'exclude': [label]})}.",
            is_uncertain=True,
        )
        for position, label in enumerate(frame.columns)
        if label in levels and label not in wanted
    }


def _known_types(frame: pd.DataFrame, client: Client | None, options: PlanOptions, id_col: str) -> dict[str, str]:
    """Return the confirmed types of the ledger: a CSV has no types, and values of another type would be ignored."""
    if client is None or client.ledger is None:
        return {}
    table = client.types()
    sure = table[table["source"] != UNCERTAIN]
    known = dict(zip(sure["attribute"], sure["type"], strict=True))
    named = {label: name_of_column(label, options) for label in frame.columns if label != id_col}
    return {label: known[name] for label, name in named.items() if name in known and options.type_of(label) is None}


def _infer_columns(
    frame: pd.DataFrame, options: PlanOptions, id_col: str, known: Mapping[str, str]
) -> tuple[pd.DataFrame, dict[int, Note], dict[Any, str]]:
    """Infer the types of a text file's columns, except for those whose options determine how they are read.

    A column that has the `known` type of the ledger without help is read as in the first push, so that its values are
    the same; the types of the others are returned.
    """
    columns: list[pd.Series[Any]] = []
    notes: dict[int, Note] = {}
    of_ledger: dict[Any, str] = {}
    for position, label in enumerate(frame.columns):
        column, note = frame.iloc[:, position], None
        reading, wanted = options.reading_of(label), options.type_of(label)
        is_reserved = name_of_column(label, options) in contract.RESERVED_ATTRIBUTES
        if wanted is None and label != id_col and reading.normalize is None and not is_reserved:
            words = Reading(na_values=reading.na_values)
            column, note = infer_column(clean(column, words, read_zone(options.timezone), options.region))
        if label in known:
            note = None
            if known[label] != classify(column).type:
                column = frame.iloc[:, position]
                of_ledger[label] = known[label]
        if of_ledger.get(label, wanted) == contract.NUMBER and reading.decimal is None:
            column = complete_decimals(column)
        columns.append(column)
        if note is not None:
            notes[position] = note
    inferred = pd.DataFrame(dict(enumerate(columns)), index=frame.index)
    inferred.columns = frame.columns
    return inferred, notes, of_ledger


def open_client(arguments: argparse.Namespace) -> Client | None:
    """Return the client that options and environment describe; None if there is no key and nothing will be sent."""
    key = arguments.key.reveal() if arguments.key else os.environ.get(KEY_VARIABLE, "")
    if not key.strip():
        if getattr(arguments, "dry_run", True):
            return None
        require_file(arguments.file)  # which costs nothing, before the missing key is reported
    return Client(
        key,
        arguments.base_url,
        ledger=None if arguments.ledger == "none" else arguments.ledger,
        types=arguments.types_file,
        track=arguments.track,
        verify=getattr(arguments, "ca_bundle", None) or True,
        **{name: getattr(arguments, name) for name in ("transport", "timeout") if hasattr(arguments, name)},
    )


def notes_of_client(client: Client | None) -> list[str]:
    """Return a note if attribute types cannot be checked."""
    if client is None:
        return [f"no {KEY_VARIABLE} and no --key-file: types are not compared with those of earlier pushes."]
    return [] if client.ledger else ["no ledger: types are not compared with those of earlier pushes."]
