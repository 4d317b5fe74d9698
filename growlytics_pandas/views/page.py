"""What a page shows, ready to be set: texts that are already masked, short and visible; no frames, no customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["good", "bad", "warn", "plain"]
Align = Literal["text", "name", "words", "number", "code", "bar", "severity"]


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a table's column and how its cells are set."""

    title: str
    align: Align = "text"


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a whole (0 to 1), drawn as a bar."""

    share: float
    tone: Tone


Cell = str | int | Bar | None


@dataclass(frozen=True, slots=True)
class Table:
    """A table cut to what one wants to read; `more` says what was left out."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do next, with the line to paste where there is one."""

    text: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows have one status."""

    name: str
    rows: int
    share: float
    percent: str
    tone: Tone
    meaning: str


@dataclass(frozen=True, slots=True)
class Curve:
    """One quantity over the run: points of a line in a box of 100 by 100, origin at the top left."""

    title: str
    points: str
    top: str
    end: str


@dataclass(frozen=True, slots=True)
class Page:
    """A report, or (with shorter tables) what a notebook shows."""

    title: str
    headline: str
    tone: Tone
    facts: tuple[tuple[str, str], ...]
    counts: tuple[Count, ...]
    steps: tuple[Step, ...]
    tables: tuple[Table, ...]
    curves: tuple[Curve, ...] = ()
    is_masked: bool = True
