"""The sandbox's SQLite file and its rows as DataFrames: what the service would store and what it would ignore."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from os import PathLike, fspath
from typing import Any, Final, NamedTuple, Self

import numpy as np
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas._text import argument, phrase
from growlytics_pandas.errors import GrowlyticsError, InvalidArgumentError
from growlytics_pandas.sandbox.rules import (
    CustomerRequest,
    Evaluation,
    Ignored,
    Reason,
    evaluate,
    read_value,
    tracked_names,
)

APPLICATION_ID: Final = 0x67727377
"""The application id in the file's SQLite header ("grsw")."""

SCHEMA_VERSION: Final = 1
LOCK_WAIT_SECONDS: Final = 30.0
"""Seconds to wait for another connection's write: far longer than any write here takes."""

_SCHEMA: Final = """
CREATE TABLE customers (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, event_name TEXT);
CREATE TABLE attributes (
    customer INTEGER NOT NULL, attribute TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (customer, attribute)
) WITHOUT ROWID;
CREATE TABLE attribute_types (
    number INTEGER PRIMARY KEY, attribute TEXT NOT NULL UNIQUE, type TEXT NOT NULL, first_seen TEXT NOT NULL
);
CREATE TABLE ignored (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, attribute TEXT, type TEXT, value TEXT NOT NULL,
    reason TEXT NOT NULL, known_type TEXT, at TEXT NOT NULL
);
CREATE INDEX ignored_by_id ON ignored (id);
"""
ID_COLUMN: Final = "id"
ID_ATTRIBUTE_COLUMN: Final = "id (attribute)"
"""The column of an attribute that is itself named "id"."""

_UTC: Final = "datetime64[us, UTC]"
_LARGEST_EXACT_DOUBLE: Final = 2**53


class AttributeTypeRow(NamedTuple):
    """An attribute with a fixed type."""

    attribute: str
    type: str
    first_seen: datetime


class IgnoredRow(NamedTuple):
    """A value that the service would have silently ignored."""

    id: str
    attribute: str | None
    type: str | None
    value: Any
    reason: Reason
    known_type: str | None
    when: datetime


class Counts(NamedTuple):
    """How much a sandbox holds."""

    customers: int
    types: int
    ignored: int


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
    {'a': {'n': Decimal('0.10')}}
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = fspath(path)
        try:
            # Opened in one thread and used in another, never in two at once.
            self._db = sqlite3.connect(
                self.path, timeout=LOCK_WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as problem:
            raise self._unusable(str(problem)) from problem
        try:
            self._prepare()
        except sqlite3.Error as problem:
            self._db.close()
            raise self._unusable(str(problem)) from problem
        except InvalidArgumentError:
            self._db.close()
            raise

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
            with self._transaction():
                customer, held = self._find_customer(request)
                evaluation = evaluate(request.entries, self._types_of(request), held)
                self._write_attributes(customer, evaluation)
                self._write_ignored(request.id, evaluation.ignored)
        except sqlite3.Error as problem:
            raise GrowlyticsError(f"Sandbox: cannot write {self.path!r}: {problem}; check the file.") from problem
        return evaluation

    def stored(self) -> dict[str, dict[str, Any]]:
        """Return every customer's attributes as sent: id -> attribute -> JSON value, nothing rounded."""
        with self._transaction("DEFERRED"):
            customers: dict[int, tuple[str, dict[str, Any]]] = {
                number: (identifier, {}) for number, identifier in self._customers()
            }
            rows = self._db.execute("SELECT customer, attribute, value FROM attributes")
            for number, attribute, value in rows:
                customers[number][1][attribute] = read_value(value)
        return dict(customers.values())

    def event_names(self) -> dict[str, str]:
        """Return the top-level `name` of each customer's latest request that had one."""
        return dict(self._db.execute("SELECT id, event_name FROM customers WHERE event_name IS NOT NULL"))

    def attribute_types(self) -> list[AttributeTypeRow]:
        """Return the fixed types, in the order in which they were fixed."""
        rows = self._db.execute("SELECT attribute, type, first_seen FROM attribute_types ORDER BY number")
        return [AttributeTypeRow(name, kind, datetime.fromisoformat(seen)) for name, kind, seen in rows]

    def ignored(self) -> list[IgnoredRow]:
        """Return the silently ignored values, in order of arrival."""
        rows = self._db.execute(
            "SELECT id, attribute, type, value, reason, known_type, at FROM ignored ORDER BY number"
        )
        return [
            IgnoredRow(customer, name, kind, read_value(value), Reason(reason), known, datetime.fromisoformat(at))
            for customer, name, kind, value, reason, known, at in rows
        ]

    def counts(self) -> Counts:
        """Return how many customers, types fixed by a push, and silently ignored values there are."""
        # Numbers begin at 1 and rows are only deleted all at once, so the highest number is the count.
        (row,) = self.read(
            "SELECT (SELECT ifnull(max(number), 0) FROM customers), "
            "(SELECT count(*) FROM attribute_types WHERE attribute NOT IN (?, ?, ?)), "
            "(SELECT ifnull(max(number), 0) FROM ignored)",
            *contract.RESERVED_ATTRIBUTES,
        )
        return Counts(*row)

    def read(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Return the rows of a query."""
        cursor = self._db.cursor()
        cursor.row_factory = sqlite3.Row
        return cursor.execute(query, values).fetchall()

    def clear(self) -> None:
        """Delete everything, including fixed types."""
        with self._transaction():
            for table in ("customers", "attributes", "attribute_types", "ignored"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - the four names above

    def _prepare(self) -> None:
        if self._has_tables():
            self._check_owner()
        # Data must survive a killed process, but not a power failure: no syncing.
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA journal_mode = WAL")
        with self._transaction():
            if not self._has_tables():
                for statement in _SCHEMA.split(";"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _check_owner(self) -> None:
        if self._pragma("application_id") != APPLICATION_ID:
            raise self._unusable("it is the database of another program")
        if self._pragma("user_version") != SCHEMA_VERSION:
            raise self._unusable("it was written by another version of this package")

    def _unusable(self, found: str) -> InvalidArgumentError:
        return InvalidArgumentError(
            f"{argument('db')}: {self.path!r} cannot be the sandbox's database: {found}; "
            f"use the path of a new file in an existing folder, or {phrase('db=None', 'no --db')} for a temporary one."
        )

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"PRAGMA {name}").fetchone()[0])

    def _has_tables(self) -> bool:
        return self._db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None

    @contextmanager
    def _transaction(self, mode: str = "IMMEDIATE") -> Iterator[None]:
        self._db.execute(f"BEGIN {mode}")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # some failures have already ended it
                self._db.execute("ROLLBACK")
            raise

    def _customers(self) -> list[tuple[int, str]]:
        return self._db.execute("SELECT number, id FROM customers ORDER BY number").fetchall()

    def _find_customer(self, request: CustomerRequest) -> tuple[int, list[str]]:
        """Return the customer's number and the names of its attributes, creating the customer if needed."""
        found = self._db.execute("SELECT number FROM customers WHERE id = ?", (request.id,)).fetchone()
        if found is None:
            new = self._db.execute(
                "INSERT INTO customers (id, event_name) VALUES (?, ?)", (request.id, request.event_name)
            )
            return int(new.lastrowid or 0), []
        number = int(found[0])
        if request.event_name is not None:
            self._db.execute("UPDATE customers SET event_name = ? WHERE number = ?", (request.event_name, number))
        held = self._db.execute("SELECT attribute FROM attributes WHERE customer = ?", (number,))
        return number, [name for (name,) in held]

    def _types_of(self, request: CustomerRequest) -> dict[str, str]:
        types = {}
        for name in tracked_names(request.entries):
            found = self._db.execute("SELECT type FROM attribute_types WHERE attribute = ?", (name,)).fetchone()
            if found is not None:
                types[name] = found[0]
        return types

    def _write_attributes(self, customer: int, evaluation: Evaluation) -> None:
        if evaluation.pinned:
            now = _now()
            self._db.executemany(
                "INSERT INTO attribute_types (attribute, type, first_seen) VALUES (?, ?, ?)",
                [(name, kind, now) for name, kind in evaluation.pinned.items()],
            )
        self._db.executemany(
            "INSERT OR REPLACE INTO attributes (customer, attribute, value) VALUES (?, ?, ?)",
            [(customer, accepted.name, accepted.value) for accepted in evaluation.accepted.values()],
        )

    def _write_ignored(self, identifier: str, ignored: list[Ignored]) -> None:
        if ignored:
            now = _now()
            self._db.executemany(
                "INSERT INTO ignored (id, attribute, type, value, reason, known_type, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (identifier, entry.name, entry.type, entry.value, entry.reason.value, entry.known_type, now)
                    for entry in ignored
                ],
            )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def customers_frame(stored: Mapping[str, Mapping[str, Any]], types: Iterable[AttributeTypeRow]) -> pd.DataFrame:
    """Return one row per customer: `id`, then one column per attribute, missing if the customer has none."""
    columns = {ID_COLUMN: pd.Series(list(stored), dtype="string")}
    for attribute in types:
        label = ID_ATTRIBUTE_COLUMN if attribute.attribute == ID_COLUMN else attribute.attribute
        values = [customer.get(attribute.attribute) for customer in stored.values()]
        columns[label] = _column(values, attribute.type)
    return pd.DataFrame(columns)


def types_frame(types: Sequence[AttributeTypeRow]) -> pd.DataFrame:
    """Return one row per fixed type: `attribute`, `type`, `first_seen`."""
    dtypes = {"attribute": "string", "type": "string", "first_seen": _UTC}
    return pd.DataFrame(types, columns=list(dtypes), dtype=object).astype(dtypes)


def ignored_frame(rows: Sequence[IgnoredRow]) -> pd.DataFrame:
    """Return one row per silently ignored value."""
    text = dict.fromkeys(("id", "attribute", "type", "reason", "known_type"), "string")
    plain = [row._asdict() | {"reason": row.reason.value} for row in rows]
    return pd.DataFrame(plain, columns=IgnoredRow._fields, dtype=object).astype({**text, "when": _UTC})


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
    if all(_fits_double(value) for value in present):
        return pd.Series([None if value is None else float(value) for value in values], dtype="Float64")
    return pd.Series([pd.NA if value is None else value for value in values], dtype=object)


def _fits_double(value: Any) -> bool:
    if type(value) is Decimal:  # such as 1234.50
        return Decimal(str(float(value))) == value
    return type(value) is float or (type(value) is int and abs(value) <= _LARGEST_EXACT_DOUBLE)
