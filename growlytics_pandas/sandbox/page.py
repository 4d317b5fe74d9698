"""``GET /`` of the sandbox: what arrived and what was dropped, for a person with a browser, with scripts or without.

The page shows customers, so it is for this machine only: a request that came for another host is refused, since a
foreign site can give its own name this address and would then read along. It holds no key, and it loads nothing.
"""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from os import PathLike
from typing import Any, Final, Self
from urllib.parse import parse_qsl

from growlytics_pandas.sandbox.answers import Answer, refusal
from growlytics_pandas.sandbox.browsing import (
    CUSTOMERS_A_PAGE,
    MAX_NUMBER,
    Customers,
    IgnoredGroup,
    IgnoredValue,
    PinnedType,
    StoreView,
    Totals,
    view_store,
)
from growlytics_pandas.sandbox.faults import Faults, fault_name
from growlytics_pandas.sandbox.rendering import SECURITY_POLICY, render

PAGE_PATH: Final = "/"
PAGE_METHODS: Final = frozenset({"GET", "HEAD"})
LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
MAX_SEARCH_CHARS: Final = 1_000
"""Of an id that is searched for: a longer one is found by its beginning."""

_HEADERS: Final = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", SECURITY_POLICY.encode()),
    (b"cache-control", b"no-store"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


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
