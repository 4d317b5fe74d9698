"""The sandbox's page set as HTML: everything escaped, short and visible, and its only script and style its own."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment
from markupsafe import Markup

from growlytics_pandas import contract
from growlytics_pandas._masking import visible
from growlytics_pandas._text import open_templates
from growlytics_pandas.sandbox import browsing

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
        "limits": browsing,
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
    >>> from growlytics_pandas.sandbox.browsing import AttributeValue
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
