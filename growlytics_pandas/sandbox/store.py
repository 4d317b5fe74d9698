"""The sandbox's SQLite file: what the service would store and what it would ignore, also as DataFrames."""

import sqlite3
from contextlib import suppress
from datetime import UTC, datetime
from os import PathLike, fspath
from typing import Any, Final, Self

import numpy as np
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas._text import argument, phrase
from growlytics_pandas.errors import GrowlyticsError, InvalidArgumentError
from growlytics_pandas.sandbox.rules import (
    CustomerRequest,
    Evaluation,
    evaluate,
    read_json,
    read_value,
    tracked_names,
    write_json,
)

APPLICATION_ID: Final = 0x67727377
"""The application id in the file's SQLite header ("grsw")."""

SCHEMA_VERSION: Final = 2
LOCK_WAIT_SECONDS: Final = 30.0
"""Seconds to wait for another connection's write: far longer than any write here takes."""

_SCHEMA: Final = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS customers (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, event_name TEXT, attributes TEXT NOT NULL DEFAULT '{{}}'
);
CREATE TABLE IF NOT EXISTS attribute_types (
    number INTEGER PRIMARY KEY, attribute TEXT NOT NULL UNIQUE, type TEXT NOT NULL, first_seen TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS ignored (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, attribute TEXT, type TEXT, value TEXT NOT NULL,
    reason TEXT NOT NULL, known_type TEXT, at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS ignored_by_id ON ignored (id);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""
_UPSERT: Final = """
INSERT INTO customers (id, event_name, attributes) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    event_name = ifnull(excluded.event_name, event_name), attributes = excluded.attributes
"""
_PIN: Final = "INSERT INTO attribute_types (attribute, type, first_seen) VALUES (?, ?, ?)"
_IGNORE: Final = "INSERT INTO ignored (id, attribute, type, value, reason, known_type, at) VALUES (?, ?, ?, ?, ?, ?, ?)"
ID_COLUMN: Final = "id"
ID_ATTRIBUTE_COLUMN: Final = "id (attribute)"
"""The column of an attribute that is itself named "id"."""

_UTC: Final = "datetime64[us, UTC]"
_LARGEST_EXACT_DOUBLE: Final = 2**53


class SandboxStore:
    """The sandbox's file, opened by the server or by any other reader, also after the server has stopped.

    Parameters
    ----------
    path : str or path
        The file; it is created if it does not exist.

    Raises
    ------
    InvalidArgumentError
        The file cannot be opened or is not a sandbox's.

    Examples
    --------
    >>> from growlytics_pandas.sandbox import SandboxStore
    >>> from growlytics_pandas.sandbox.rules import read_request
    >>> body = b'{"id": "a", "attributes": [{"name": "n", "type": "number", "value": 0.10}]}'
    >>> with SandboxStore(":memory:") as store:
    ...     _ = store.apply(read_request(body))
    ...     store.stored()
    {'a': {'n': 0.1}}
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = fspath(path)
        try:
            # Opened in one thread and used in another, never in two at once.
            self._db = sqlite3.connect(
                self.path, timeout=LOCK_WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._db.row_factory = sqlite3.Row
            self._prepare()
        except (sqlite3.Error, InvalidArgumentError) as problem:
            with suppress(AttributeError):  # it was not opened
                self._db.close()
            raise InvalidArgumentError(
                f"{argument('db')}: {self.path!r} cannot be the sandbox's database: {problem}; use the path of a new "
                f"file in an existing folder, or {phrase('db=None', 'no --db')} for a temporary one."
            ) from problem

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def apply(self, request: CustomerRequest) -> Evaluation:
        """Apply one request: an upsert, attribute by attribute, in one transaction.

        Raises
        ------
        GrowlyticsError
            The file cannot be written.
        """
        try:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                return self._apply(request)
        except sqlite3.Error as problem:
            raise GrowlyticsError(f"Sandbox: cannot write {self.path!r}: {problem}; check the file.") from problem

    def _apply(self, request: CustomerRequest) -> Evaluation:
        found = self.read("SELECT attributes FROM customers WHERE id = ?", request.id)
        profile = read_json(found[0]["attributes"]) if found else {}
        evaluation = evaluate(request.entries, self.types_of(tracked_names(request.entries)), profile)
        profile.update(evaluation.accepted)
        self._db.execute(_UPSERT, (request.id, request.event_name, write_json(profile)))
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        if evaluation.pinned:
            self._db.executemany(_PIN, [(name, kind, now) for name, kind in evaluation.pinned.items()])
        if evaluation.ignored:
            self._db.executemany(_IGNORE, [(request.id, *ignored, now) for ignored in evaluation.ignored])
        return evaluation

    def types_of(self, names: set[str]) -> dict[str, str]:
        """Return the fixed types of these attributes: name -> type."""
        query = "SELECT attribute, type FROM attribute_types WHERE attribute = ?"
        return {name: kind for each in names for name, kind in self.read(query, each)}

    def stored(self) -> dict[str, dict[str, Any]]:
        """Return every customer's attributes as sent: id -> attribute -> JSON value, nothing rounded."""
        rows = self.read("SELECT id, attributes FROM customers ORDER BY number")
        return {identifier: read_value(attributes) for identifier, attributes in rows}

    def event_names(self) -> dict[str, str]:
        """Return the top-level `name` of each customer's latest request that had one."""
        rows = self.read("SELECT id, event_name FROM customers WHERE event_name IS NOT NULL")
        return {identifier: event_name for identifier, event_name in rows}  # noqa: C416 - rows are no pairs to mypy

    def customers(self) -> pd.DataFrame:
        """Return one row per customer: `id`, then one column per attribute, missing if the customer has none."""
        stored = self.stored()
        columns = {ID_COLUMN: pd.Series(list(stored), dtype="string")}
        for attribute, kind in self.read("SELECT attribute, type FROM attribute_types ORDER BY number"):
            label = ID_ATTRIBUTE_COLUMN if attribute == ID_COLUMN else attribute
            columns[label] = _column([customer.get(attribute) for customer in stored.values()], kind)
        return pd.DataFrame(columns)

    def attribute_types(self) -> pd.DataFrame:
        """Return one row per fixed type, in the order in which they were fixed: `attribute`, `type`, `first_seen`."""
        rows = self.read("SELECT attribute, type, first_seen FROM attribute_types ORDER BY number")
        return _frame(rows, {"attribute": "string", "type": "string", "first_seen": _UTC})

    def ignored(self) -> pd.DataFrame:
        """Return one row per silently ignored value, in order of arrival."""
        rows = self.read("SELECT id, attribute, type, value, reason, known_type, at FROM ignored ORDER BY number")
        text = dict.fromkeys(("id", "attribute", "type", "value", "reason", "known_type"), "string")
        frame = _frame(rows, {**text, "when": _UTC})
        frame["value"] = pd.Series([read_value(value) for value in frame["value"]], dtype=object)
        return frame

    def counts(self) -> sqlite3.Row:
        """Return how many customers, types fixed by a push, and silently ignored values there are."""
        # Numbers begin at 1 and rows are only deleted all at once, so the highest number is the count.
        (row,) = self.read(
            "SELECT (SELECT ifnull(max(number), 0) FROM customers) AS customers, "
            "(SELECT count(*) FROM attribute_types WHERE attribute NOT IN (?, ?, ?)) AS types, "
            "(SELECT ifnull(max(number), 0) FROM ignored) AS ignored",
            *contract.RESERVED_ATTRIBUTES,
        )
        return row

    def read(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Return the rows of a query."""
        return self._db.execute(query, values).fetchall()

    def clear(self) -> None:
        """Delete everything, including fixed types."""
        self._db.executescript(
            "BEGIN IMMEDIATE; DELETE FROM customers; DELETE FROM attribute_types; DELETE FROM ignored; COMMIT"
        )

    def _prepare(self) -> None:
        has_tables = bool(self.read("SELECT 1 FROM sqlite_master LIMIT 1"))
        if has_tables and self._pragma("application_id") != APPLICATION_ID:
            raise InvalidArgumentError("it is the database of another program")
        if has_tables and self._pragma("user_version") != SCHEMA_VERSION:
            raise InvalidArgumentError("it was written by another version of this package")
        # Data must survive a killed process, but not a power failure: no syncing.
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA journal_mode = WAL")
        if not has_tables:
            self._db.executescript(_SCHEMA)

    def _pragma(self, name: str) -> int:
        return int(self.read(f"PRAGMA {name}")[0][0])


def _frame(rows: list[sqlite3.Row], dtypes: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(map(tuple, rows), columns=list(dtypes), dtype=object).astype(dtypes)


def _column(values: list[Any], kind: str) -> "pd.Series[Any]":
    if kind == contract.NUMBER:
        return _numbers(values)
    if kind == contract.BOOLEAN:
        return pd.Series(values, dtype="boolean")
    if kind == contract.DATE:
        # Seconds cover the years 1 to 9999; nanoseconds do not.
        return pd.Series(np.array([value or "NaT" for value in values], dtype="datetime64[s]"))
    return pd.Series(values, dtype="string")


def _numbers(values: list[Any]) -> "pd.Series[Any]":
    """Return a nullable column if it represents every number exactly, else the Python numbers unchanged."""
    present = [value for value in values if value is not None]
    limits = np.iinfo(np.int64)
    if all(type(value) is int and limits.min <= value <= limits.max for value in present):
        return pd.Series(values, dtype="Int64")
    if all(map(_fits_double, present)):
        return pd.Series([None if value is None else float(value) for value in values], dtype="Float64")
    return pd.Series([pd.NA if value is None else value for value in values], dtype=object)


def _fits_double(value: Any) -> bool:
    return type(value) is float or (type(value) is int and abs(value) <= _LARGEST_EXACT_DOUBLE)
