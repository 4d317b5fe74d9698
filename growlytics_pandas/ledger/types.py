"""The known attribute types of a project, since when, and from what source."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd

from growlytics_pandas._output_paths import replacing
from growlytics_pandas._text import listed, phrase
from growlytics_pandas.contract import RESERVED_ATTRIBUTES, STRING, TYPES
from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError
from growlytics_pandas.ledger.database import from_microseconds, to_microseconds

Source = Literal["accepted", "declared", "uncertain"]
ACCEPTED: Final = "accepted"  # a request with it was accepted
DECLARED: Final = "declared"  # declared by the user
UNCERTAIN: Final = "uncertain"  # a request with it was sent, without a confirmed result

TYPES_DTYPES: Final = {"attribute": "str", "type": "str", "first_seen": "datetime64[us, UTC]", "source": "str"}


@dataclass(frozen=True, slots=True)
class KnownType:
    """What the ledger knows about one attribute's type."""

    type: str
    first_seen: datetime
    source: Source
    """``"accepted"``, ``"declared"``, or ``"uncertain"`` (sent, but not confirmed)."""


@dataclass(frozen=True, slots=True)
class Registration:
    """The result of `Project.register`."""

    new: dict[str, str] = field(default_factory=dict)
    """Attributes that are newly known or newly certain, with their types."""
    conflicts: dict[str, KnownType] = field(default_factory=dict)
    """Attributes with a different known type, which is kept: another process was faster, so values may be ignored."""


Types = dict[str, KnownType]


def stored_types(connection: sqlite3.Connection, project: int) -> Types:
    """Return all types of a project by attribute, sorted by name."""
    rows = connection.execute(
        "SELECT attribute, type, first_seen, source FROM attribute_types WHERE project = ? ORDER BY attribute",
        (project,),
    )
    return {name: KnownType(type_, from_microseconds(seen), source) for name, type_, seen, source in rows}


def store_types(connection: sqlite3.Connection, project: int, changes: Types) -> None:
    """Write types of a project."""
    connection.executemany(
        "INSERT OR REPLACE INTO attribute_types (project, attribute, type, source, first_seen) VALUES (?, ?, ?, ?, ?)",
        [(project, name, fact.type, fact.source, to_microseconds(fact.first_seen)) for name, fact in changes.items()],
    )


def remove_types(
    connection: sqlite3.Connection, project: int, attributes: Iterable[str], *, only_uncertain: bool
) -> int:
    """Remove types of a project; return how many there were."""
    sources = (UNCERTAIN,) * 3 if only_uncertain else (ACCEPTED, DECLARED, UNCERTAIN)
    return connection.executemany(
        "DELETE FROM attribute_types WHERE project = ? AND attribute = ? AND source IN (?, ?, ?)",
        [(project, name, *sources) for name in set(attributes)],
    ).rowcount


def register_types(
    known: Types, types: Mapping[str, str], when: datetime, *, certain: bool
) -> tuple[Registration, Types]:
    """Return the result of sending these types and the entries to write. A known type is never overwritten."""
    registration = Registration()
    changes: Types = {}
    for name, type_ in types.items():
        before = known.get(name)
        if before is None:
            changes[name] = KnownType(type_, when, ACCEPTED if certain else UNCERTAIN)
        elif before.type != type_:
            registration.conflicts[name] = before
        elif certain and before.source == UNCERTAIN:
            changes[name] = KnownType(type_, before.first_seen, ACCEPTED)
    registration.new.update({name: fact.type for name, fact in changes.items()})
    return registration, changes


def declared_types(known: Types, types: Mapping[str, str], when: datetime) -> Types:
    """Return the entries to write for these declarations, which make uncertain types certain."""
    conflicts = {
        name: f"{name!r} (declared {types[name]}, known as {fact.type}, {fact.source} on {fact.first_seen:%Y-%m-%d})"
        for name, fact in known.items()
        if fact.source != UNCERTAIN and types.get(name, fact.type) != fact.type
    }
    if conflicts:
        remedy = phrase(f"call client.forget_types([{listed(list(map(repr, conflicts)))}]) first", "use a new ledger")
        raise InvalidArgumentError(
            f"{where_declared()}: the ledger knows other types: {listed(list(conflicts.values()))}. A type is fixed "
            "when it is first tracked: declare the known type. If the ledger is wrong, as after the attribute was "
            f"deleted in the dashboard, {remedy}."
        )
    unsettled = [name for name in types if name not in known or known[name].source == UNCERTAIN]
    seen = {name: known[name].first_seen if name in known else when for name in unsettled}
    return {name: KnownType(types[name], seen[name], DECLARED) for name in unsettled}


def where_declared() -> str:
    """Return what messages begin with: types are declared by a method, or by a file that the command line names."""
    return phrase("declare_types", "--types-file")


def check_types(types: Mapping[str, str], where: str) -> None:
    """Raise InvalidArgumentError unless all names and types are valid."""
    wrong = [f"{name!r}: {type_!r}" for name, type_ in types.items() if not is_possible(name, type_)]
    if wrong:
        raise InvalidArgumentError(
            f"{where}: invalid types: {listed(wrong)}. Names are non-empty texts; types are "
            f"{', '.join(TYPES)}; {', '.join(RESERVED_ATTRIBUTES)} are always {STRING}"
        )


def require_known(names: Iterable[str], known: Types) -> list[str]:
    """Return the names as a list; raise if any type is unknown, since a mistyped name would have no effect."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise InvalidArgumentTypeError(
            f"forget_types: found a {type(names).__name__}; it must be a list of attributes, such as ['City']."
        )
    found = list(names)
    strangers = [repr(name) for name in found if not isinstance(name, str) or name not in known]
    if strangers:
        raise InvalidArgumentError(
            f"forget_types: the ledger knows no type for {listed(strangers)}, so nothing was forgotten. Known are "
            f"{listed(list(map(repr, known))) or 'none'}; client.types() shows them."
        )
    return found


def is_possible(name: object, type_: object) -> bool:
    """Return whether an attribute with this name can have this type."""
    allowed = (STRING,) if name in RESERVED_ATTRIBUTES else TYPES
    return isinstance(name, str) and bool(name) and type_ in allowed


def read_types(path: Path) -> dict[str, str]:
    """Return the types in a JSON file written by `write_types`."""
    try:
        pairs = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=check_distinct)
    except (OSError, ValueError) as error:
        raise unusable(path, str(error)) from error
    if not isinstance(pairs, dict):
        raise unusable(path, f"it contains a {type(pairs).__name__}")
    return pairs


def certain_types(known: Types) -> dict[str, str]:
    """Return the types that are not uncertain, by attribute."""
    return {name: fact.type for name, fact in known.items() if fact.source != UNCERTAIN}


def write_types(path: Path, types: Mapping[str, str]) -> None:
    """Write types as JSON, sorted, one per line; the file is replaced atomically."""
    text = json.dumps(types, indent=2, sort_keys=True, ensure_ascii=False)
    with replacing(path) as beside:
        beside.write_text(text + "\n", encoding="utf-8", newline="\n")


def check_distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object's pairs as a dict; ValueError if a name occurs twice."""
    types = dict(pairs)
    if len(types) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"duplicate names: {listed(sorted({name for name in names if names.count(name) > 1}))}")
    return types


def unusable(path: Path, found: str) -> InvalidArgumentError:
    """Return the error for an unreadable file of types."""
    return InvalidArgumentError(
        f'{where_declared()}: {path}: {found}. It must be a JSON object of the form {{"attribute": "type"}}'
        f"{phrase(', as export_types writes it', '')}"
    )


def types_frame(known: Types) -> pd.DataFrame:
    """Return the types as a frame, one row per attribute."""
    rows = [(name, fact.type, fact.first_seen, fact.source) for name, fact in known.items()]
    return pd.DataFrame(rows, columns=pd.Index(TYPES_DTYPES)).astype(TYPES_DTYPES)
