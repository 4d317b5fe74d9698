"""The content of a page, and its rendering as HTML: everything is escaped, nothing is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, Final, Literal

from jinja2 import Environment
from markupsafe import Markup

from growlytics_pandas._text import open_templates, phrase

StatusLevel = Literal["running", "good", "warn", "bad", "plain"]
Align = Literal["text", "name", "short", "wide", "narrow", "number", "severity", "effect"]
MAX_CHARS: Final = 2_000  # of any text; a safeguard, since pages use much lower limits


@dataclass(frozen=True, slots=True)
class Column:
    """The heading of a table's column, and the look of its cells.

    `is_below`: on a narrow screen, the cell is shown below the others of its row, so that long texts fit.
    """

    title: str
    align: Align = "text"
    is_below: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """A line to paste."""

    code: str


@dataclass(frozen=True, slots=True)
class Fields:
    """The names and values of a row of the user's."""

    fields: tuple[tuple[str, str], ...]


Cell = str | int | Code | Fields | None


@dataclass(frozen=True, slots=True)
class Table:
    """A table cut to a readable length; `more` is the line about the rows that were left out."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: str = ""
    note: str = ""

    @property
    def titles_below(self) -> list[str]:
        """The headings of the cells below the others, without columns that no row has."""
        found = {title for row in self.rows for title, _ in self.below(row)}
        return [column.title for column in self.columns if column.is_below and column.title in found]

    def below(self, row: Sequence[Cell]) -> list[tuple[str, Cell]]:
        """Return what is set below the other cells of a row: titles and cells that add something to the first cell."""
        cells = zip(self.columns, row, strict=True)
        return [
            (column.title, cell) for column, cell in cells if column.is_below and cell not in (None, "", "–", row[0])
        ]


class StepKind(StrEnum):
    """What a next step does, for pages beside controls that do the same."""

    TYPES = "types"
    """Look at the types of a plan."""
    RETRY = "retry"
    WRONG_KEY = "wrong key"
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
    return f'<div class="tex2jax_ignore mathjax_ignore" style="max-width: 90em; overflow-x: auto">{shown}</div>'
