"""Bounded looks into a sandbox's file: some rows each, found by an index, their values cut in SQL.

Nothing is counted: numbers begin at 1, and rows only ever go all at once, so the highest number is how many there are.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import takewhile
from os import PathLike
from pathlib import Path
from typing import Final, NamedTuple

from growlytics_pandas import contract

CUSTOMERS_A_PAGE: Final = 10
LISTED_ATTRIBUTES: Final = 12
"""Of a customer among others."""
MAX_ATTRIBUTES: Final = contract.MAX_CUSTOM_ATTRIBUTES + len(contract.RESERVED_ATTRIBUTES)
"""Of one who was asked for by the whole id: all."""
LATEST_IGNORED: Final = 10
GROUPED_IGNORED: Final = 1_000
"""The latest values that are counted by reason: a push that went wrong, and milliseconds."""
IGNORED_GROUPS: Final = 20
SHOWN_TYPES: Final = 200
LISTED_JSON_CHARS: Final = 2_000
"""Of a value's JSON text: 160 characters that are each two escapes long."""
ALL_JSON_CHARS: Final = 24_100
LOCK_WAIT_SECONDS: Final = 5.0
"""Far longer than a reader ever waits in SQLite's WAL mode."""
MAX_NUMBER: Final = (1 << 63) - 1
"""SQLite's largest."""

CustomerRow = tuple[int, str, str | None]


class AttributeValue(NamedTuple):
    """One attribute of one customer."""

    name: str
    type: str
    json: str
    """The beginning of the value's JSON text."""
    json_chars: int
    """How long the whole is."""


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer, and the first of the attributes."""

    number: int
    id: str
    event_name: str | None
    attributes: tuple[AttributeValue, ...]
    n_attributes: int


@dataclass(frozen=True, slots=True)
class Customers:
    """Some customers; `exact` is the one whose id is the very text that was searched for."""

    rows: tuple[Customer, ...]
    exact: Customer | None = None
    has_more: bool = False


class PinnedType(NamedTuple):
    """One attribute whose type is fixed."""

    attribute: str
    type: str
    first_seen: str


class IgnoredValue(NamedTuple):
    """One value that was dropped silently."""

    id: str
    attribute: str | None
    type: str | None
    json: str
    """The beginning of the value's JSON text."""
    json_chars: int
    """How long the whole is."""
    reason: str
    known_type: str | None
    when: str


class IgnoredGroup(NamedTuple):
    """Some of the latest ignored values that are alike, and the last of them."""

    n_values: int
    latest: IgnoredValue


class Totals(NamedTuple):
    """How many there are of each."""

    customers: int
    types: int
    ignored: int


_CUSTOMER: Final = "SELECT number, id, event_name FROM customers"
_IGNORED: Final = "SELECT id, attribute, type, substr(value, 1, ?), length(value), reason, known_type, at FROM ignored"
_ATTRIBUTES: Final = (
    "SELECT attribute, type, substr(value, 1, ?), length(value) FROM attributes JOIN attribute_types USING (attribute) "
    "WHERE customer = ? ORDER BY number LIMIT ?"
)


class StoreView:
    """A look at one moment of a sandbox's file, which it cannot change."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def totals(self) -> Totals:
        """Return how many customers, pinned types and ignored values there are."""
        tables = ("customers", "attribute_types", "ignored")
        return Totals(*[self._db.execute(f"SELECT max(number) FROM {table}").fetchone()[0] or 0 for table in tables])  # noqa: S608 - the three names above

    def newest(self, before: int | None) -> Customers:
        """Return a page of customers, the newest first: those before a number, None begins with the newest."""
        rows = self._db.execute(
            f"{_CUSTOMER} WHERE number < ? ORDER BY number DESC LIMIT ?",
            (before or MAX_NUMBER, CUSTOMERS_A_PAGE + 1),
        ).fetchall()
        return Customers(self._list(rows[:CUSTOMERS_A_PAGE]), None, len(rows) > CUSTOMERS_A_PAGE)

    def search(self, text: str, after: int | None) -> Customers:
        """Return the customer with this id, and a page of those whose ids begin with it, in the order of ids.

        `after` is the number of the last customer of the page before.
        """
        last = self._db.execute("SELECT id FROM customers WHERE number = ?", (after,)).fetchone()
        rows = self._db.execute(
            f"{_CUSTOMER} WHERE id {'>' if last else '>='} ? ORDER BY id LIMIT ?",
            (last[0] if last else text, CUSTOMERS_A_PAGE + 1),
        )
        # In the order of ids all that begin alike stand together: the first that does not is the end.
        found = list(takewhile(lambda row: row[1].startswith(text), rows))
        has_exact = bool(found) and found[0][1] == text
        exact = self._read_customer(found[0], MAX_ATTRIBUTES, ALL_JSON_CHARS) if has_exact else None
        others = self._list(found[has_exact:CUSTOMERS_A_PAGE])
        return Customers(others, exact, len(found) > CUSTOMERS_A_PAGE)

    def types(self) -> list[PinnedType]:
        """Return the first pinned types, in the order in which they were pinned."""
        rows = self._db.execute(
            "SELECT attribute, type, first_seen FROM attribute_types ORDER BY number LIMIT ?", (SHOWN_TYPES,)
        )
        return [PinnedType(*row) for row in rows]

    def ignored(self) -> list[IgnoredValue]:
        """Return the latest ignored values, the last first."""
        rows = self._db.execute(f"{_IGNORED} ORDER BY number DESC LIMIT ?", (LISTED_JSON_CHARS, LATEST_IGNORED))
        return [IgnoredValue(*row) for row in rows]

    def ignored_of(self, ids: Iterable[str]) -> list[IgnoredValue]:
        """Return the latest ignored values of these customers, customer by customer, the last first."""
        query = f"{_IGNORED} WHERE id = ? ORDER BY number DESC LIMIT ?"
        found = (self._db.execute(query, (LISTED_JSON_CHARS, one, LATEST_IGNORED)) for one in ids)
        return [IgnoredValue(*row) for rows in found for row in rows]

    def ignored_groups(self) -> list[IgnoredGroup]:
        """Return the latest ignored values by attribute, types and reason, the last kind first."""
        groups = self._db.execute(
            "SELECT count(*), max(number) FROM (SELECT * FROM ignored ORDER BY number DESC LIMIT ?) "
            "GROUP BY attribute, type, reason, known_type ORDER BY 2 DESC LIMIT ?",
            (GROUPED_IGNORED, IGNORED_GROUPS),
        ).fetchall()
        query = f"{_IGNORED} WHERE number = ?"
        latest = (self._db.execute(query, (LISTED_JSON_CHARS, number)).fetchone() for _, number in groups)
        return [IgnoredGroup(count, IgnoredValue(*row)) for (count, _), row in zip(groups, latest, strict=True)]

    def _list(self, rows: Iterable[CustomerRow]) -> tuple[Customer, ...]:
        return tuple(self._read_customer(row, LISTED_ATTRIBUTES, LISTED_JSON_CHARS) for row in rows)

    def _read_customer(self, row: CustomerRow, most: int, json_chars: int) -> Customer:
        number = row[0]
        (n_attributes,) = self._db.execute("SELECT count(*) FROM attributes WHERE customer = ?", (number,)).fetchone()
        values = self._db.execute(_ATTRIBUTES, (json_chars, number, most))
        return Customer(*row, tuple(AttributeValue(*value) for value in values), n_attributes)


@contextmanager
def view_store(path: str | PathLike[str]) -> Iterator[StoreView]:
    """Open a look at one moment of the file: read-only, on a connection of its own, so that the server's is free."""
    address = f"{Path(path).absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=LOCK_WAIT_SECONDS, isolation_level=None)) as db:
        db.execute("BEGIN")
        yield StoreView(db)
