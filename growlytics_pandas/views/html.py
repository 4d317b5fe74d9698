"""The content of a page, and its rendering as HTML: everything is escaped, nothing is loaded from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, Final, Literal

from jinja2 import Environment
from markupsafe import Markup, escape

from growlytics_pandas._text import open_templates, phrase

StatusLevel = Literal["running", "good", "warn", "bad", "plain"]
Align = Literal["text", "short", "strong", "quiet", "long", "number"]
MAX_CHARS: Final = 2_000  # of any text; a safeguard, since pages use much lower limits


@dataclass(frozen=True, slots=True)
class Column:
    """The heading of a table's column, and the look of its cells.

    `below`: the further lines of its cells. On a narrow screen the cells of a row are set as a card, in which long
    texts take the whole width.
    """

    title: str
    align: Align = "text"
    below: tuple[Column, ...] = ()


@dataclass(frozen=True, slots=True)
class Code:
    """A line to paste."""

    code: str


@dataclass(frozen=True, slots=True)
class Fields:
    """The names and values of a row of the user's."""

    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A word in the colour of its meaning; the first one of a row marks the row."""

    text: str
    level: StatusLevel


Line = str | int | Code | Fields | Mark
Cell = Line | tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table cut to a readable length; `more` is the line about the rows that were left out.

    A cell of a column with further lines is a tuple of all its lines.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: str = ""
    note: str = ""

    @property
    def has_long_texts(self) -> bool:
        """Whether a column has texts that need the whole width of a narrow screen."""
        return any(column.align == "long" for column in self.columns)

    @property
    def is_wide(self) -> bool:
        """Whether further columns of any length need room beside the long texts."""
        return self.has_long_texts and any(column.align == "text" for column in self.columns)

    @property
    def headings(self) -> list[Column]:
        """The columns, with the titles of all lines that some row has."""
        found = {part.title for row in self.rows for _, lines in self.cells(row) for part, _ in lines}

        def title(column: Column) -> str:
            further = [part.title for part in column.below if part.title in found]
            return ", ".join(filter(None, [column.title, *further]))

        return [replace(column, title=title(column)) for column in self.columns]

    def cells(self, row: Sequence[Cell]) -> list[tuple[Column, list[tuple[Column, Line]]]]:
        """Return the cells of a row, each with its lines: without those that add nothing."""
        split = [cell if isinstance(cell, tuple) else (cell,) for cell in row]
        nothing = ("", "–", split[0][0])
        return [
            (
                column,
                [(column, first)] * (first != "")
                + [(part, line) for part, line in zip(column.below, further, strict=True) if line not in nothing],
            )
            for column, (first, *further) in zip(self.columns, split, strict=True)
        ]


class StepKind(StrEnum):
    """What a next step does, for pages beside controls that do the same."""

    TYPES = "types"
    """Look at the types of a plan."""
    CORRECT = "correct"
    """Correct the rows that the service rejected."""
    RETRY = "retry"
    WRONG_KEY = "wrong key"
    WRONG_URL = "wrong URL"
    """Correct the URL, or remove what intercepts requests to it."""
    PUSH_CORRECTED = "push corrected"
    PUSH_DRY = "push dry"
    """Push what a dry run has shown."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Step:
    """A next step, with code to paste if there is any."""

    text: str
    code: str = ""
    kind: StepKind = StepKind.OTHER


@dataclass(frozen=True, slots=True)
class Count:
    """The number of rows with one status. `opacity` distinguishes adjacent segments of one colour in a bar."""

    name: str
    rows: int
    share: float
    level: StatusLevel
    opacity: float = 1.0
    percent: str = ""
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """The content of a report, or (with shorter tables) of a notebook output."""

    title: str
    headline: str
    level: StatusLevel
    facts: tuple[tuple[str, str], ...]
    counts: tuple[Count, ...]
    steps: tuple[Step, ...]
    tables: tuple[Table, ...]
    is_masked: bool = True


@cache
def _environment() -> Environment:
    environment = open_templates("growlytics_pandas.views", _storable)
    environment.globals["ink"] = ink
    environment.globals["MAX_WHOLE_CHARS"] = MAX_WHOLE_CHARS
    environment.filters["unbroken"] = unbroken
    return environment


# JupyterLab's colours, which follow its theme; the fallbacks are legible on white and on black.
_INK: Final[Mapping[StatusLevel, tuple[str, str]]] = {
    "running": ("--jp-brand-color1", "#3b82c4"),
    "good": ("--jp-success-color1", "#3a9a56"),
    "warn": ("--jp-warn-color0", "#c77f1a"),
    "bad": ("--jp-error-color1", "#d9483b"),
    "plain": ("--jp-ui-font-color3", "#8a94a0"),
}


def ink(name: str, level: StatusLevel) -> str:
    """Return a colour twice: a plain one first, because variables are removed from an untrusted notebook."""
    variable, plain = _INK[level]
    return f"{name}:{plain};{name}:var({variable}, {plain})"


MAX_WHOLE_CHARS: Final = 30  # of a word, such as a date or a label, that is not broken
_PIECE: Final = r"[^_]{1,30}_?|_"  # of a longer word, which may break between its pieces


def unbroken(text: str) -> Markup:
    """Escape a text whose words break only if they are very long.

    Examples
    --------
    >>> unbroken("due 2025-01-31")
    Markup('due <nobr>2025-01-31</nobr>')
    """
    return Markup("").join(map(_unbroken, re.split(r"(\s+)", _storable(text))))


def _unbroken(word: str) -> Markup:
    if len(word) > MAX_WHOLE_CHARS:
        return Markup("<wbr>").join(re.findall(_PIECE, word))
    if re.search(r"\S[-/?={(\[]\S", word):
        return Markup("<nobr>{}</nobr>").format(word)
    return escape(word)


def _storable(value: Any) -> Any:
    """Cut every text, and remove lone surrogates, which no file can contain."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return value[:MAX_CHARS].encode(errors="replace").decode()
    return value


def render_report(page: Page) -> str:
    """Return a page as one HTML document that needs no network."""
    made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    unmasked = phrase("; to_html(path, mask=False) shows them", "")
    return _environment().get_template("report.html.jinja").render(page=page, made=made, unmasked=unmasked)


def render_notebook(page: Page) -> str:
    """Return a page as HTML for a notebook, with inline styles only, since a reopened notebook loses any others."""
    return _environment().get_template("notebook.html.jinja").render(page=page)


def render_panel(**parts: Any) -> str:
    """Return the panel of a push as HTML for a notebook, with inline styles only."""
    return _environment().get_template("panel.html.jinja").render(**parts)


def render_tables(tables: Sequence[Table]) -> str:
    """Return tables as HTML for a notebook, with inline styles only."""
    shown = _environment().get_template("tables.html.jinja").render(tables=tables)
    return f'<div class="tex2jax_ignore mathjax_ignore" style="max-width: 90em">{shown}</div>'
