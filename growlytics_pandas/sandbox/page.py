"""``GET /`` of the sandbox: what arrived and what was dropped, for a person with a browser, with scripts or without.

The page shows customers, so it is for this machine only: a request that came for another host is refused, since a
foreign site can give its own name this address and would then read along. It holds no key, and it loads nothing.

Looks into the file are bounded: some rows each, found by an index, their values cut in SQL. Nothing is counted: numbers
begin at 1, and rows only ever go all at once, so the highest number is how many there are. All is escaped, short and
visible, and the page's only script and style are its own.
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
"""Of an id that is searched for: a longer one is found by its beginning."""

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

LISTED_CHARS: Final = 160
"""Of a value among others."""
ALL_CHARS: Final = 2_000
"""Of a value of a customer who was asked for by the whole id."""
NAME_CHARS: Final = 120
"""Of an id or a name."""
LINKED_CHARS: Final = 1_000
"""Of an id in a link: as many as can be searched for."""
REFRESH_SECONDS: Final = 10
"""Between two looks of a browser without scripts: long enough to read, and to type an id."""

_TEMPLATES: Final = files("growlytics_pandas.sandbox") / "templates"
_JSON_STRING_HEAD: Final = re.compile(r'"(?:[^"\\]|\\u[0-9a-fA-F]{4}|\\[^u])*')


@dataclass(frozen=True, slots=True)
class Question:
    """What the address asks for.

    `id` is the text to search for, "" where there is none. `before` and `after` are the customer numbers from which
    another page of customers goes on: `before` from the newest to older ones, `after` in the order of ids. `is_part`
    asks for what changes alone, `is_still` for a page that does not load itself again.
    """

    id: str = ""
    before: int | None = None
    after: int | None = None
    is_part: bool = False
    is_still: bool = False

    @classmethod
    def read(cls, query: bytes) -> Self:
        """Read the query of the address; what cannot be read is left out."""
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
    """One fault that was asked for, and how often it was played; None where that is not counted."""

    name: str
    asked: str
    played: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """What the page shows."""

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
        """The number from which older customers, or later ids, go on."""
        return self.customers.rows[-1].number if self.customers.has_more else None

    @property
    def newer(self) -> int | None:
        """The number from which newer customers go on, as numbers have no gaps; 0 is the first page."""
        before = self.question.before
        if self.question.id or before is None or before > self.totals.customers:
            return None
        newer = before + CUSTOMERS_A_PAGE
        return newer if newer <= self.totals.customers else 0


async def answer_page(
    scope: Mapping[str, Any], path: str | PathLike[str], faults: Faults, requests: int, played: Mapping[str, int]
) -> Answer:
    """Return the page; the file is read in another thread, so that customers' requests go on meanwhile."""
    if not _is_local(scope):
        return refusal(HTTPStatus.FORBIDDEN, "host: the page is for this machine only; open it by 127.0.0.1")
    lines = fault_lines(faults, Counter(played))
    return await asyncio.to_thread(_answer, scope["query_string"], path, requests, lines)


def _answer(query: bytes, path: str | PathLike[str], requests: int, faults: list[FaultLine]) -> Answer:
    question = Question.read(query)
    try:
        with view_store(path) as view:
            page = _look(question, view, requests, faults)
    except sqlite3.Error as problem:
        return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, f"page: the sandbox's file cannot be read: {problem}")
    return Answer(HTTPStatus.OK, render(page).encode(), _HEADERS)


def _look(question: Question, view: StoreView, requests: int, faults: list[FaultLine]) -> Page:
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
    """Return one line a fault that was asked for. A redirect's URL is left out: it may hold what is secret."""
    low, high = faults.latency_range()
    lines = []
    if high > 0:
        seconds = f"{low:g} s" if low == high else f"{low:g} to {high:g} s"
        lines.append(FaultLine("latency", f"{seconds}, every request", None))
    if faults.rate_limit is not None:
        lines.append(FaultLine("rate_limit", f"above {faults.rate_limit:g} requests a second", played["rate_limit"]))
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


def _own(name: str) -> Markup:
    """Return a file of ours as it stands: the same text that its hash in the policy is of."""
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
    """Return the page, or what changes of it."""
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
    head = _JSON_STRING_HEAD.match(text)  # stops before an escape that was cut in two
    return str(json.loads(f'{head[0]}"')) if head else text


def _show_name(name: str | None) -> str:
    return "–" if name is None else visible(name, NAME_CHARS) or "(empty)"


def _show_time(text: str) -> str:
    """Write a stored time, which is UTC, without its fraction and zone."""
    return text[:19].replace("T", " ")
