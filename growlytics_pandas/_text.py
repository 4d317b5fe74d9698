"""Text that people read: how messages name arguments and counts, and HTML for notebooks and templates.

Messages name what a call takes by `argument` and `options_text`, so that the command line speaks of its flags.
"""

import contextlib
import inspect
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

MAX_LISTED_WORDS: Final = 10
_FACT: Final = "text-align:left;padding:1px 14px 1px 0;border:0;background:none"


@dataclass(frozen=True, slots=True)
class MessageStyle:
    """How messages name what a caller gives: the name of an argument, and options with their values."""

    argument: Callable[[str], str]
    options: Callable[[Mapping[str, Any]], str]
    is_python: bool = False


PYTHON: Final = MessageStyle(
    str, lambda given: ", ".join(f"{name}={value!r}" for name, value in given.items()), is_python=True
)
# Of the current thread: while a form's push, which has its own thread, names arguments of Python, the form names its
# controls. No other thread of this package makes messages; one that did would have to copy the context of its starter.
_style: Final[ContextVar[MessageStyle]] = ContextVar("style", default=PYTHON)


@contextlib.contextmanager
def message_style(style: MessageStyle) -> Iterator[None]:
    """Make messages in the words of `style`."""
    token = _style.set(style)
    try:
        yield
    finally:
        _style.reset(token)


def argument(name: str, *columns: Hashable) -> str:
    """Name an argument, or what it gives for a column.

    Examples
    --------
    >>> argument("id_col"), argument("types", "City")  # on the command line: --id-col, --type 'City'
    ('id_col', "types['City']")
    """
    style = _style.get()
    return style.argument(name) + "".join(f"[{each!r}]" if style.is_python else f" {each!r}" for each in columns)


def options_text(**given: Any) -> str:
    """Write options as a call gives them.

    Examples
    --------
    >>> options_text(strip=["Orders"], errors="drop")  # on the command line: --strip-column Orders --errors drop
    "strip=['Orders'], errors='drop'"
    """
    return _style.get().options(given)


def phrase(python: str, command: str) -> str:
    """Return the words for Python or those for the command line, where more than the names differ."""
    return python if _style.get().is_python else command


def plural(count: int, noun: str) -> str:
    """Return a count and its noun.

    Examples
    --------
    >>> plural(1, "error"), plural(2000, "row")
    ('1 error', '2,000 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(words: Sequence[str]) -> str:
    """Return the first few words in one line, and the number of others."""
    more = len(words) - MAX_LISTED_WORDS
    return ", ".join(words[:MAX_LISTED_WORDS]) + (f", +{more:,} more" if more > 0 else "")


def caller_level() -> int:
    """Return the `stacklevel` with which a warning names the line of the user, however deep in the package it is."""
    frame, level = inspect.currentframe(), 0
    while frame and str(frame.f_globals.get("__name__")).partition(".")[0] == __package__:
        frame, level = frame.f_back, level + 1
    return level


def facts_html(title: str, facts: Mapping[str, str], link: str = "") -> str:
    """Return a title and what there is to know of it, for a notebook; the fact that is `link` is one.

    Examples
    --------
    >>> facts_html("Client", {"types": "3 <known>"}).count("3 &lt;known&gt;")
    1
    """
    shown = f'<a href="{escape(link)}" target="_blank" rel="noopener">{escape(link)}</a>'
    rows = "".join(
        f'<tr><td style="{_FACT};opacity:.75">{escape(name)}</td>'
        f'<td style="{_FACT};overflow-wrap:anywhere">{shown if value == link else escape(value)}</td></tr>'
        for name, value in facts.items()
    )
    return f'<b>{escape(title)}</b><table style="border-collapse:collapse;margin:2px 0"><tbody>{rows}</tbody></table>'


def install_extra(extra: str) -> str:
    """Return the command that installs an extra. The package is not on an index, so pip installs a clone or a wheel.

    Examples
    --------
    >>> install_extra("excel")
    'pip install "PATH[excel]", where PATH is your clone of growlytics_pandas or its wheel'
    """
    return f'pip install "PATH[{extra}]", where PATH is your clone of growlytics_pandas or its wheel'


def open_templates(package: str, finalize: Callable[[Any], Any] | None = None) -> Environment:
    """Open the folder ``templates`` of `package`; `finalize` is applied to each value before it is escaped."""
    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["thousands"] = "{:,}".format
    return environment


SQLITE_STARTS: Final = (b"SQLite format 3\0", b"7\x7f\x06\x82", b"7\x7f\x06\x83", b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7")
"""The first bytes of SQLite's files: a database, its -wal (two byte orders), its -journal.

Here, since the ledger, which is made of them, and `_output_paths`, which replaces none of them, both need it.
"""
