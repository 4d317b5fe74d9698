"""Text that people read: counts, API keys left out of messages, HTML templates.

A message repeats what it was given, and an API key may be given in the place of something else. Only whole keys are
masked, in any case, and the pieces into which an option is cut; any other part of a key may be a word of its own.
"""

import json
import os
import re
import shlex
from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Final, Protocol
from urllib.parse import quote
from weakref import WeakValueDictionary

from jinja2 import Environment, PackageLoader, StrictUndefined

KEY_VARIABLE: Final = "GROWLYTICS_API_KEY"
MASK: Final = "[key]"
MIN_KEY_CHARS: Final = 8  # a shorter one could be part of any word; only toy keys are
MIN_PIECE_CHARS: Final = 6
_FACT: Final = "text-align:left;padding:1px 14px 1px 0;border:0;background:none"
_CUTS: Final = re.compile("[=,]")


class _Keeper(Protocol):
    def reveal(self) -> Any: ...


_KEEPERS: Final[WeakValueDictionary[int, _Keeper]] = WeakValueDictionary()


def plural(count: int, noun: str) -> str:
    """Write a count and its noun.

    Examples
    --------
    >>> plural(1, "error"), plural(2000, "row")
    ('1 error', '2,000 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


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
    """Return the command that installs an extra. The name is not on a package index, so pip takes a clone or a wheel.

    Examples
    --------
    >>> install_extra("excel")
    'pip install "PATH[excel]", where PATH is your clone of growlytics_pandas or its wheel'
    """
    return f'pip install "PATH[{extra}]", where PATH is your clone of growlytics_pandas or its wheel'


def remember(keeper: _Keeper) -> None:
    """Look for the key of `keeper` in messages, for as long as the keeper lives."""
    _KEEPERS[id(keeper)] = keeper


def without_keys(text: str) -> str:
    """Return `text` without the key of the environment and those that were given."""
    found = [os.environ.get(KEY_VARIABLE, ""), *(keeper.reveal() for keeper in list(_KEEPERS.values()))]
    for key in {each.strip() for each in found if isinstance(each, str)}:
        if len(key) >= MIN_KEY_CHARS:
            longest_first = sorted(_forms(key), key=len, reverse=True)
            text = re.sub("|".join(map(re.escape, longest_first)), MASK, text, flags=re.IGNORECASE)
    return text


def _forms(key: str) -> set[str]:
    """Return how a message of ours may write a key: quoted, in JSON, in a URL, and cut where an option is cut."""
    forms = {key, repr(key)[1:-1], json.dumps(key)[1:-1], shlex.quote(key)[1:-1], quote(key), quote(key, "")}
    pieces = {piece for piece in map(str.strip, _CUTS.split(key)) if len(piece) >= MIN_PIECE_CHARS}  # COLUMN=TYPE,…
    return {form for form in forms | pieces if form and KEY_VARIABLE not in (form, form.upper())}


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
