"""FILE → frame: read, its columns settled, and the types that are known already."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas.api import plan
from growlytics_pandas.client import Client
from growlytics_pandas.commands.columns import Note, settle, spell_out
from growlytics_pandas.commands.dates import by_column, read_dates, require_dates
from growlytics_pandas.commands.sources import Source, Table, find_source, read_source
from growlytics_pandas.credentials import KEY_VARIABLE
from growlytics_pandas.errors import ApiKeyError, InvalidArgumentError
from growlytics_pandas.ledger import UNCERTAIN
from growlytics_pandas.planning import Plan


@dataclass(frozen=True, slots=True)
class Loaded:
    """A plan of a file, whose rows are labelled as pandas labels them, and what to know of how it was read.

    `of_columns`: position → a note, of columns that are sent.
    """

    plan: Plan
    source: Source
    table: Table
    notes: tuple[str, ...]
    of_columns: Mapping[int, Note]


def load(arguments: argparse.Namespace, client: Client | None) -> Loaded:
    """Read the file and plan it."""
    source = _source_of(arguments)
    table = read_source(source)
    rename, types = dict(arguments.rename or ()), dict([*(arguments.types or ()), *(arguments.type or ())])
    formats = by_column(arguments.date_format)
    require_dates(formats, types, arguments.id_col)
    asked = {
        "--id-col": (arguments.id_col,),
        "--column": arguments.column or (),
        "--rename": rename,
        "--type": types,
        "--date-format": formats,
    }
    frame = read_dates(_without(table.frame, arguments.exclude or (), asked), formats, source)
    notes = _of_index(frame, table.index_columns, asked)
    types |= dict.fromkeys(formats, contract.DATE)
    if source.is_untyped:
        types = _known_types(frame, client, rename, arguments.id_col) | types
        frame, notes = _settled(frame, {arguments.id_col: contract.STRING, **types}, rename)
    made = plan(
        frame.set_axis(table.labels),
        arguments.id_col,
        columns=arguments.column,
        rename=rename,
        types=types,
        timezone=arguments.timezone,
        region=arguments.region.upper(),
        keep=arguments.keep or False,
        name=arguments.name,
        new_attributes=arguments.new_attributes,
        client=client,
    )
    sent = {attribute.position for attribute in made.layout.attributes}
    notes = {position: note for position, note in notes.items() if position in sent}
    return Loaded(made, source, table, (*table.notes, *_notes_of_client(client)), notes)


def _source_of(arguments: argparse.Namespace) -> Source:
    return find_source(
        arguments.file,
        named=arguments.format,
        encoding=arguments.encoding,
        sep=arguments.sep,
        na=arguments.na,
        limit=arguments.limit,
        skip=arguments.skip_rows,
    )


def open_client(arguments: argparse.Namespace, *, needs_key: bool) -> Client | None:
    """Return the client that options and environment describe; None where no key is needed and none is there."""
    key = _key_in(arguments.key_file) if arguments.key_file else os.environ.get(KEY_VARIABLE, "")
    if not key.strip():
        if not needs_key:
            return None
        raise ApiKeyError(
            f"no API key: set the environment variable {KEY_VARIABLE}, or give --key-file PATH. To try without one: "
            "--dry-run, or python -m growlytics_pandas sandbox."
        )
    return Client(
        key,
        arguments.base_url,
        ledger=None if arguments.ledger == "none" else arguments.ledger,
        transport=getattr(arguments, "transport", "auto"),
        timeout=getattr(arguments, "timeout", 30.0),
        verify=getattr(arguments, "ca_bundle", None) or True,
    )


def _key_in(path: str) -> str:
    try:
        key = Path(path).read_text(encoding="utf-8-sig").strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ApiKeyError(f"--key-file: it cannot be read: {why} (its name is not shown: it may be the key).") from None
    if not key:
        raise ApiKeyError("--key-file: the file is empty; it must hold the API key and nothing else.")
    return key


def _without(frame: pd.DataFrame, excluded: Iterable[str], asked: Mapping[str, Iterable[str]]) -> pd.DataFrame:
    for label in excluded:
        if label not in set(frame.columns):
            raise InvalidArgumentError(f"--exclude: there is no column {label!r}.")
        for option, labels in asked.items():
            if label in labels:
                raise InvalidArgumentError(
                    f"--exclude: column {label!r} is asked for by {option}, too; leave out one of the two."
                )
    return frame.loc[:, ~frame.columns.isin(list(excluded))]


def _of_index(frame: pd.DataFrame, levels: tuple[Any, ...], asked: Mapping[str, Iterable[str]]) -> dict[int, Note]:
    """Note what is sent of the index though nobody asked for it: a push from Python sends no index."""
    wanted = {label for labels in asked.values() for label in labels}
    return {
        position: Note(
            f"column {label!r} is the index of the Parquet file and is sent, too. To leave it out: "
            f"--exclude {shlex.quote(str(label))}.",
            is_doubt=True,
        )
        for position, label in enumerate(frame.columns)
        if label in levels and label not in wanted
    }


def _known_types(frame: pd.DataFrame, client: Client | None, rename: dict[str, str], id_col: str) -> dict[str, str]:
    """Return the types that the ledger is sure of: a CSV has none of its own, and another would be ignored."""
    if client is None or client.ledger is None:
        return {}
    table = client.types()
    sure = table[table["source"] != UNCERTAIN]
    known = dict(zip(sure["attribute"], sure["type"], strict=True))
    named = {label: rename.get(label, label) for label in frame.columns if label != id_col}
    return {label: known[name] for label, name in named.items() if name in known}


def _settled(
    frame: pd.DataFrame, types: dict[str, str], rename: dict[str, str]
) -> tuple[pd.DataFrame, dict[int, Note]]:
    columns: list[pd.Series[Any]] = []
    notes: dict[int, Note] = {}
    for position, label in enumerate(frame.columns):
        column, note = frame.iloc[:, position], None
        if types.get(label) == contract.NUMBER:
            column = spell_out(column)
        elif label not in types and rename.get(label, label) not in contract.RESERVED_ATTRIBUTES:
            column, note = settle(column)
        columns.append(column)
        if note is not None:
            notes[position] = note
    settled = pd.DataFrame(dict(enumerate(columns)), index=frame.index)
    settled.columns = frame.columns
    return settled, notes


def _notes_of_client(client: Client | None) -> list[str]:
    if client is None:
        return [f"no {KEY_VARIABLE} and no --key-file: the types that earlier pushes fixed are not checked."]
    return [] if client.ledger else ["without a ledger, the types that earlier pushes fixed are not checked."]
