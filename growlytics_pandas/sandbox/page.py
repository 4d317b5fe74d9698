"""``GET /`` of the sandbox: a page with stored and ignored values, which works with and without scripts.

The page shows customers, so it is for this machine only: requests with another host name are rejected, since another
site could point its own name to this address and read the data (DNS rebinding). It contains no key and loads nothing.

Queries are bounded: a few rows each, found by an index, with values truncated in SQL. Nothing is counted: numbers begin
at 1 and rows are only deleted all at once, so the highest number is the count. All text is escaped, shortened and made
visible, and the page uses only its own script and style.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from itertools import takewhile
from os import PathLike
from pathlib import Path
from typing import Any, Final, NamedTuple, Self
from urllib.parse import parse_qsl

from jinja2 import Environment
from markupsafe import Markup

from growlytics_pandas import contract
from growlytics_pandas._masking import visible
from growlytics_pandas._text import open_templates
from growlytics_pandas.sandbox.answers import Answer, refusal
from growlytics_pandas.sandbox.faults import Faults, fault_name

PAGE_PATH: Final = "/"
PAGE_METHODS: Final = frozenset({"GET", "HEAD"})
LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
MAX_SEARCH_CHARS: Final = 1_000
"""Maximum length of an id to search for: a longer id is found by its beginning."""

CUSTOMERS_A_PAGE: Final = 10
LISTED_ATTRIBUTES: Final = 12
"""Attributes shown per customer in a list."""
MAX_ATTRIBUTES: Final = contract.MAX_CUSTOM_ATTRIBUTES + len(contract.RESERVED_ATTRIBUTES)
"""Attributes shown for a customer found by the exact id: all."""
LATEST_IGNORED: Final = 10
GROUPED_IGNORED: Final = 1_000
"""The latest ignored values that are grouped by reason: enough for one bad push, and takes milliseconds."""
IGNORED_GROUPS: Final = 20
SHOWN_TYPES: Final = 200
LISTED_JSON_CHARS: Final = 2_000
"""Characters of a value's JSON text: 160 characters of two escapes each."""
ALL_JSON_CHARS: Final = 24_100
LOCK_WAIT_SECONDS: Final = 5.0
"""Far longer than a reader waits in SQLite's WAL mode."""
MAX_NUMBER: Final = (1 << 63) - 1
"""SQLite's largest integer."""

LISTED_CHARS: Final = 160
"""Characters of a value in a list."""
ALL_CHARS: Final = 2_000
"""Characters of a value of a customer found by the exact id."""
NAME_CHARS: Final = 120
"""Characters of an id or a name."""
LINKED_CHARS: Final = 1_000
"""Characters of an id in a link: as many as can be searched for."""
REFRESH_SECONDS: Final = 10
"""Seconds between reloads without scripts: long enough to read, and to type an id."""

_TEMPLATES: Final = files("growlytics_pandas.sandbox") / "templates"
_JSON_STRING_HEAD: Final = re.compile(r'"(?:[^"\\]|\\u[0-9a-fA-F]{4}|\\[^u])*')


@dataclass(frozen=True, slots=True)
class Question:
    """The request, from the query of the URL.

    `id`: the text to search for, "" if none. `before` and `after`: the customer number from which the next page
    continues, `before` from newest to oldest, `after` in order of ids. `is_part`: only the part of the page that
    changes. `is_still`: a page that does not reload itself.
    """

    id: str = ""
    before: int | None = None
    after: int | None = None
    is_part: bool = False
    is_still: bool = False

    @classmethod
    def read(cls, query: bytes) -> Self:
        """Read the query of the URL; invalid parameters are ignored."""
        given = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True, errors="replace"))
        return cls(
            given.get("id", "")[:MAX_SEARCH_CHARS],
            _read_number(given.get("before", "")),
            _read_number(given.get("after", "")),
            given.get("part") == "live",
            given.get("live") == "off",
        )


@dataclass(frozen=True, slots=True)
class FaultLine:
    """A configured fault, and how often it occurred; None if that is not counted."""

    name: str
    asked: str
    played: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """The data of the page."""

    question: Question
    requests: int
    totals: Totals
    customers: Customers
    types: list[PinnedType]
    groups: list[IgnoredGroup]
    ignored: list[IgnoredValue]
    faults: list[FaultLine]
    n_faulted: int

    @property
    def older(self) -> int | None:
        """The number from which the page of older customers, or later ids, continues."""
        return self.customers.rows[-1].number if self.customers.has_more else None

    @property
    def newer(self) -> int | None:
        """The number from which the page of newer customers continues (numbers have no gaps); 0 is the first page."""
        before = self.question.before
        if self.question.id or before is None or before > self.totals.customers:
            return None
        newer = before + CUSTOMERS_A_PAGE
        return newer if newer <= self.totals.customers else 0


async def answer_page(
    scope: Mapping[str, Any], path: str | PathLike[str], faults: Faults, requests: int, played: Mapping[str, int]
) -> Answer:
    """Return the page; the file is read in another thread, so that customers' requests are not blocked."""
    if not _is_local(scope):
        return refusal(HTTPStatus.FORBIDDEN, "host: the page is for this machine only; open it at 127.0.0.1")
    lines = fault_lines(faults, Counter(played))
    return await asyncio.to_thread(_answer, scope["query_string"], path, requests, lines)


def _answer(query: bytes, path: str | PathLike[str], requests: int, faults: list[FaultLine]) -> Answer:
    question = Question.read(query)
    try:
        with view_store(path) as view:
            page = _read_page(question, view, requests, faults)
    except sqlite3.Error as problem:
        return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, f"page: the sandbox's file cannot be read: {problem}")
    return Answer(HTTPStatus.OK, render(page).encode(), _HEADERS)


def _read_page(question: Question, view: StoreView, requests: int, faults: list[FaultLine]) -> Page:
    if question.id:
        customers = view.search(question.id, question.after)
        shown = [customers.exact, *customers.rows] if customers.exact else customers.rows
        groups, ignored = [], view.ignored_of(customer.id for customer in shown)
    else:
        customers = view.newest(question.before)
        groups, ignored = view.ignored_groups(), view.ignored()
    n_faulted = sum(line.played or 0 for line in faults)
    return Page(question, requests, view.totals(), customers, view.types(), groups, ignored, faults, n_faulted)


def fault_lines(faults: Faults, played: Counter[str]) -> list[FaultLine]:
    """Return one line per configured fault. A redirect's URL is left out, since it may contain a secret."""
    low, high = faults.latency_range()
    lines = []
    if high > 0:
        seconds = f"{low:g} s" if low == high else f"{low:g} to {high:g} s"
        lines.append(FaultLine("latency", f"{seconds}, every request", None))
    if faults.rate_limit is not None:
        lines.append(FaultLine("rate_limit", f"above {faults.rate_limit:g} requests per second", played["rate_limit"]))
    if faults.redirect is not None:
        lines.append(FaultLine("redirect", "every request", played["redirect"]))
    shares = [(fault_name(kind, status), share) for kind, status, share in faults.shares() if share > 0]
    return lines + [FaultLine(name, f"{100 * share:g} % of requests", played[name]) for name, share in shares]


def _is_local(scope: Mapping[str, Any]) -> bool:
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    return all(host.lower().removesuffix(f":{host.rpartition(':')[2]}") in LOCAL_HOSTS for host in hosts)


def _read_number(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) < len(str(MAX_NUMBER))):
        return None
    return int(text) or None


CustomerRow = tuple[int, str, str | None]


class AttributeValue(NamedTuple):
    """One attribute of one customer."""

    name: str
    type: str
    json: str
    """The beginning of the value's JSON text."""
    json_chars: int
    """The full length."""


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer and its first attributes."""

    number: int
    id: str
    event_name: str | None
    attributes: tuple[AttributeValue, ...]
    n_attributes: int


@dataclass(frozen=True, slots=True)
class Customers:
    """Some customers; `exact` is the one whose id equals the search text."""

    rows: tuple[Customer, ...]
    exact: Customer | None = None
    has_more: bool = False


class PinnedType(NamedTuple):
    """An attribute with a fixed type."""

    attribute: str
    type: str
    first_seen: str


class IgnoredValue(NamedTuple):
    """A silently ignored value."""

    id: str
    attribute: str | None
    type: str | None
    json: str
    """The beginning of the value's JSON text."""
    json_chars: int
    """The full length."""
    reason: str
    known_type: str | None
    when: str


class IgnoredGroup(NamedTuple):
    """The number of similar values among the latest ignored ones, and the last of them."""

    n_values: int
    latest: IgnoredValue


class Totals(NamedTuple):
    """The total numbers."""

    customers: int
    types: int
    ignored: int


_TYPES: Final = "FROM attribute_types WHERE attribute"
_CUSTOMER: Final = "SELECT number, id, event_name FROM customers"
_IGNORED: Final = "SELECT id, attribute, type, substr(value, 1, ?), length(value), reason, known_type, at FROM ignored"
_ATTRIBUTES: Final = (
    "SELECT attribute, type, substr(value, 1, ?), length(value) FROM attributes JOIN attribute_types USING (attribute) "
    "WHERE customer = ? ORDER BY number LIMIT ?"
)


class StoreView:
    """A read-only snapshot of a sandbox's file."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def totals(self) -> Totals:
        """Return how many customers, types fixed by a push, and ignored values there are."""
        tables = ("customers", "attribute_types", "ignored")
        found = [self._db.execute(f"SELECT max(number) FROM {table}").fetchone()[0] or 0 for table in tables]  # noqa: S608 - the three names above
        (n_reserved,) = self._db.execute(
            f"SELECT count(*) {_TYPES} IN (?, ?, ?)", contract.RESERVED_ATTRIBUTES
        ).fetchone()
        return Totals(found[0], found[1] - n_reserved, found[2])

    def newest(self, before: int | None) -> Customers:
        """Return a page of customers, newest first: those before a number, or the newest if None."""
        rows = self._db.execute(
            f"{_CUSTOMER} WHERE number < ? ORDER BY number DESC LIMIT ?",
            (before or MAX_NUMBER, CUSTOMERS_A_PAGE + 1),
        ).fetchall()
        return Customers(self._list(rows[:CUSTOMERS_A_PAGE]), None, len(rows) > CUSTOMERS_A_PAGE)

    def search(self, text: str, after: int | None) -> Customers:
        """Return the customer with this id, and a page of customers whose ids start with it, sorted by id.

        `after` is the number of the last customer on the previous page.
        """
        last = self._db.execute("SELECT id FROM customers WHERE number = ?", (after,)).fetchone()
        rows = self._db.execute(
            f"{_CUSTOMER} WHERE id {'>' if last else '>='} ? ORDER BY id LIMIT ?",
            (last[0] if last else text, CUSTOMERS_A_PAGE + 1),
        )
        # Sorted by id, all ids with the prefix are adjacent: the first without it is the end.
        found = list(takewhile(lambda row: row[1].startswith(text), rows))
        has_exact = bool(found) and found[0][1] == text
        exact = self._read_customer(found[0], MAX_ATTRIBUTES, ALL_JSON_CHARS) if has_exact else None
        others = self._list(found[has_exact:CUSTOMERS_A_PAGE])
        return Customers(others, exact, len(found) > CUSTOMERS_A_PAGE)

    def types(self) -> list[PinnedType]:
        """Return the first types fixed by a push, in the order in which they were fixed."""
        rows = self._db.execute(
            f"SELECT attribute, type, first_seen {_TYPES} NOT IN (?, ?, ?) ORDER BY number LIMIT ?",
            (*contract.RESERVED_ATTRIBUTES, SHOWN_TYPES),
        )
        return [PinnedType(*row) for row in rows]

    def ignored(self) -> list[IgnoredValue]:
        """Return the latest ignored values, newest first."""
        rows = self._db.execute(f"{_IGNORED} ORDER BY number DESC LIMIT ?", (LISTED_JSON_CHARS, LATEST_IGNORED))
        return [IgnoredValue(*row) for row in rows]

    def ignored_of(self, ids: Iterable[str]) -> list[IgnoredValue]:
        """Return the latest ignored values of these customers, by customer, newest first."""
        query = f"{_IGNORED} WHERE id = ? ORDER BY number DESC LIMIT ?"
        found = (self._db.execute(query, (LISTED_JSON_CHARS, one, LATEST_IGNORED)) for one in ids)
        return [IgnoredValue(*row) for rows in found for row in rows]

    def ignored_groups(self) -> list[IgnoredGroup]:
        """Return the latest ignored values grouped by attribute, types and reason, newest group first."""
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
    """Open a read-only snapshot of the file, on its own connection, so that the server is not blocked."""
    address = f"{Path(path).absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=LOCK_WAIT_SECONDS, isolation_level=None)) as db:
        db.execute("BEGIN")
        yield StoreView(db)


def _own(name: str) -> Markup:
    """Return one of our files unchanged, so that it matches its hash in the content security policy."""
    return Markup((_TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704 - no value is in it


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


SCRIPT: Final = _own("page.js")
STYLE: Final = _own("page.css")
SECURITY_POLICY: Final = (
    f"default-src 'none'; script-src {_hash(SCRIPT)}; style-src {_hash(STYLE)}; connect-src 'self'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", SECURITY_POLICY.encode()),
    (b"cache-control", b"no-store"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


def render(page: Any) -> str:
    """Return the page, or only the part that changes."""
    name = "live.html.jinja" if page.question.is_part else "page.html.jinja"
    return _environment().get_template(name).render(page=page)


@cache
def _environment() -> Environment:
    environment = open_templates("growlytics_pandas.sandbox")
    environment.filters |= {"value": show_value, "name": _show_name, "time": _show_time}
    environment.globals |= {
        "style": STYLE,
        "script": SCRIPT,
        "grouped_ignored": GROUPED_IGNORED,
        "all_chars": ALL_CHARS,
        "linked_chars": LINKED_CHARS,
        "refresh_seconds": REFRESH_SECONDS,
        "customer_path": contract.CUSTOMER_PATH,
    }
    return environment


def show_value(held: Any, limit: int = LISTED_CHARS) -> str:
    r"""Return the beginning of a stored value: text without its quotes, anything else as the JSON that was sent.

    Examples
    --------
    >>> from growlytics_pandas.sandbox.page import AttributeValue
    >>> show_value(AttributeValue("City", "string", '"Pune\\u202e"', 12))
    'Pune⟨U+202E⟩'
    >>> show_value(AttributeValue("Orders", "number", "0.10", 4))
    '0.10'
    """
    is_whole = held.json_chars == len(held.json)
    text = _read_string(held.json, is_whole=is_whole) if held.json.startswith('"') else held.json
    if is_whole:
        return visible(text, limit)
    return f"{visible(text[:limit], limit)}… ({held.json_chars:,} characters of JSON)"


def _read_string(text: str, *, is_whole: bool) -> str:
    if is_whole:
        return str(json.loads(text))
    head = _JSON_STRING_HEAD.match(text)  # stops before a truncated escape
    return str(json.loads(f'{head[0]}"')) if head else text


def _show_name(name: str | None) -> str:
    return "–" if name is None else visible(name, NAME_CHARS) or "(empty)"


def _show_time(text: str) -> str:
    """Return a stored time (UTC) without fraction and zone."""
    return text[:19].replace("T", " ")
