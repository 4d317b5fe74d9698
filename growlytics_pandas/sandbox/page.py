"""``GET /`` of the sandbox: a page with stored and ignored values, which is live with scripts and works without.

The page shows customers, so it is for this machine only: requests with another host name are rejected, since another
site could point its own name to this address and read the data (DNS rebinding). It contains no key and loads nothing.

It reads a few rows per query, each found by an index. All text is escaped, shortened and made visible, and the page
uses only its own script and style.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
from collections import Counter
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from itertools import takewhile
from typing import Any, Final
from urllib.parse import parse_qsl

from jinja2 import Environment
from markupsafe import Markup

from growlytics_pandas import contract
from growlytics_pandas._masking import visible
from growlytics_pandas._text import open_templates
from growlytics_pandas.sandbox.faults import Faults
from growlytics_pandas.sandbox.responses import Response, refusal
from growlytics_pandas.sandbox.rules import read_json, write_json
from growlytics_pandas.sandbox.store import SandboxStore

PAGE_PATH: Final = "/"
PAGE_METHODS: Final = frozenset({"GET", "HEAD"})
LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
MAX_SEARCH_CHARS: Final = 1_000
"""Maximum length of an id to search for, and in a link: a longer id is found by its beginning."""

CUSTOMERS_A_PAGE: Final = 10
LISTED_ATTRIBUTES: Final = 12
"""Attributes shown per customer in a list."""
GROUPED_IGNORED: Final = 1_000
"""The latest ignored values that are grouped by reason: enough for one bad push, and takes milliseconds."""
IGNORED_GROUPS: Final = 20
SHOWN_TYPES: Final = 200

LISTED_CHARS: Final = 160
"""Characters of a value in a list."""
ALL_CHARS: Final = 2_000
"""Characters of a value of a customer found by the exact id."""
NAME_CHARS: Final = 120
"""Characters of an id or a name."""

_CUSTOMER: Final = "SELECT id, event_name, attributes FROM customers"
_TYPES: Final = "SELECT * FROM attribute_types WHERE attribute NOT IN (?, ?, ?) ORDER BY number LIMIT ?"
_IGNORED: Final = (
    "SELECT *, max(number), count(*) AS n_values FROM (SELECT * FROM ignored {} ORDER BY number DESC LIMIT ?) "
    "GROUP BY attribute, type, reason, known_type ORDER BY max(number) DESC LIMIT ?"
)  # of each group, the row with the highest number: SQLite's documented choice beside max()

_TEMPLATES: Final = files("growlytics_pandas.sandbox") / "templates"


def answer_page(
    store: SandboxStore, host: str | None, query: str, faults: Faults, requests: int, played: Counter[str]
) -> Response:
    """Return the page, or with ``part=live`` only what changes."""
    if host is not None and host.lower().removesuffix(f":{host.rpartition(':')[2]}") not in LOCAL_HOSTS:
        return refusal(HTTPStatus.FORBIDDEN, "host: the page is for this machine only; open it at 127.0.0.1")
    given = dict(parse_qsl(query, keep_blank_values=True, errors="replace"))
    template = _environment().get_template("live.html.jinja" if given.get("part") == "live" else "page.html.jinja")
    try:
        shown = read_page(store, given.get("id", "")[:MAX_SEARCH_CHARS], _page_number(given.get("page", "")))
    except sqlite3.Error as problem:
        return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, f"page: the sandbox's file cannot be read: {problem}")
    html = template.render(shown, requests=requests, faults=_fault_lines(faults, played))
    return Response(HTTPStatus.OK, html.encode(), _HEADERS)


def read_page(store: SandboxStore, text: str, page: int) -> dict[str, Any]:
    """Return what the templates show of the store: the newest customers, or those whose ids begin with `text`."""
    where, start = (
        (f"{_CUSTOMER} WHERE id >= ? ORDER BY id", [text]) if text else (f"{_CUSTOMER} ORDER BY number DESC", [])
    )
    rows = store.read(f"{where} LIMIT ? OFFSET ?", *start, CUSTOMERS_A_PAGE + 1, page * CUSTOMERS_A_PAGE)
    # Sorted by id, all ids with the prefix are adjacent: the first without it is the end.
    found = list(takewhile(lambda row: row["id"].startswith(text), rows))
    customers = [_read_customer(store, row, is_exact=row["id"] == text) for row in found[:CUSTOMERS_A_PAGE]]
    ids = [customer["id"] for customer in customers] if text else []
    of_ids = f"WHERE id IN ({', '.join('?' * len(ids))})" if text else ""
    return {
        "asked": text,
        "page_number": page,
        "has_more": len(found) > CUSTOMERS_A_PAGE,
        "customers": customers,
        "totals": store.counts(),
        "types": store.read(_TYPES, *contract.RESERVED_ATTRIBUTES, SHOWN_TYPES),
        "ignored": store.read(_IGNORED.format(of_ids), *ids, GROUPED_IGNORED, IGNORED_GROUPS),
    }


def _read_customer(store: SandboxStore, row: sqlite3.Row, *, is_exact: bool) -> dict[str, Any]:
    """Return a customer and its first attributes as (name, type, JSON text); all of them if its id was asked for."""
    profile = read_json(row["attributes"])
    names = list(profile) if is_exact else list(profile)[:LISTED_ATTRIBUTES]
    types = store.types_of(set(names))
    return {
        "id": row["id"],
        "event_name": row["event_name"],
        "attributes": [(name, types[name], write_json(profile[name])) for name in names],
        "n_more": len(profile) - len(names),
        "chars": ALL_CHARS if is_exact else LISTED_CHARS,
    }


def _fault_lines(faults: Faults, played: Counter[str]) -> list[tuple[str, str, int | None]]:
    """Return for each configured fault its name, its share, and how often it occurred (None: not counted).

    A redirect's URL is left out, since it may contain a secret.
    """
    low, high = faults.latency_range()
    lines: list[tuple[str, str, int | None]] = []
    if high > 0:
        seconds = f"{low:g} s" if low == high else f"{low:g} to {high:g} s"
        lines.append(("latency", f"{seconds}, every request", None))
    if faults.rate_limit is not None:
        lines.append(("rate_limit", f"above {faults.rate_limit:g} requests per second", played["rate_limit"]))
    if faults.redirect is not None:
        lines.append(("redirect", "every request", played["redirect"]))
    shares = [(name, share) for name, share in faults.shares() if share > 0]
    return lines + [(name, f"{100 * share:g} % of requests", played[name]) for name, share in shares]


def _page_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < len("1,000,000,000") else 0


# rendering ---------------------------------------------------------------------------------------------------------


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
_HEADERS: Final = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": SECURITY_POLICY,
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@cache
def _environment() -> Environment:
    environment = open_templates("growlytics_pandas.sandbox")
    environment.filters |= {"value": show_value, "name": _show_name}
    environment.globals |= {
        "style": STYLE,
        "script": SCRIPT,
        "grouped_ignored": GROUPED_IGNORED,
        "search_chars": MAX_SEARCH_CHARS,
        "customer_path": contract.CUSTOMER_PATH,
    }
    return environment


def show_value(text: str, limit: int = LISTED_CHARS) -> str:
    r"""Return the beginning of a stored JSON value: text without its quotes, anything else as it was sent.

    Examples
    --------
    >>> show_value('"Pune\\u202e"'), show_value("0.10")
    ('Pune⟨U+202E⟩', '0.10')
    """
    return visible(json.loads(text) if text.startswith('"') else text, limit)


def _show_name(name: str | None) -> str:
    return "–" if name is None else visible(name, NAME_CHARS) or "(empty)"
