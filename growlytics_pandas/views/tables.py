"""The tables of a page: violations by rule and column, why rows failed, which rows, the schema.

The frames of violations and of the schema are displayed as such a table. A frame derived from one (`query`, `head`,
`copy`, …) is a plain DataFrame.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import pandas as pd

from growlytics_pandas._masking import MISSING, Masker, is_personal, visible
from growlytics_pandas._rules import RULES, Effect, Group, Rule, Severity
from growlytics_pandas._status import MEANINGS, Status
from growlytics_pandas._text import plural
from growlytics_pandas.columns.frames import REJECT_LABELS, REJECT_LABELS_IF_TAKEN
from growlytics_pandas.views.conclusion import STATUS_TONES
from growlytics_pandas.views.html import Bar, Cell, Code, Column, Table, Tone, render_tables

MAX_LABEL_CHARS: Final = 60  # of a column's label; an attribute's name has 49 at most
MAX_FIX_CHARS: Final = 600  # of a fix or a note; few are longer
MAX_REASON_CHARS: Final = 240  # of the service's message
SEVERITY_TONES: Final[Mapping[str, Tone]] = {Severity.ERROR: "bad", Severity.WARNING: "warn"}


class Findings(Protocol):
    """The violations to show."""

    def __len__(self) -> int:
        """Return the number of violations."""

    def count(self, severity: Severity) -> int:
        """Return the number of violations of one severity."""

    def groups(self) -> list[Group]:
        """Return the violations by rule and column."""


class SuggestedOption(Protocol):
    """A suggestion to show."""

    @property
    def option(self) -> str:
        """The option of the call."""

    @property
    def column(self) -> Hashable:
        """The column to which it applies."""

    @property
    def value(self) -> Any:
        """The value of the option; None where a person must decide."""

    @property
    def reason(self) -> str:
        """Why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Maximum number of rows of each table; the others are counted."""

    rules: int
    reasons: int
    rows: int
    columns: int


REPORT_LIMITS: Final = Limits(rules=60, reasons=30, rows=50, columns=200)  # for scrolling or printing
NOTEBOOK_LIMITS: Final = Limits(rules=10, reasons=5, rows=10, columns=0)  # for the output of a cell
FRAME_LIMITS: Final = Limits(rules=20, reasons=0, rows=0, columns=50)


@dataclass(frozen=True, slots=True)
class FailedRows:
    """The rows that need attention: their number, the first ones, and counts by reason (status, HTTP status, text).

    The texts, there and in `first`, are already masked. `labels` is the name of the frame's index.
    """

    total: int
    first: pd.DataFrame
    reasons: Counter[tuple[str, int, str]]
    labels: str = "index"
    why: str = ""
    """Why the run ended early; masked."""


def label(value: Hashable) -> str:
    """Show a column's label; in quotes if it begins or ends with white space."""
    text = str(value)
    return visible(text if text == text.strip() else f'"{text}"', MAX_LABEL_CHARS) or "(empty)"


def left_out(count: int, nouns: str, rest: str = "") -> str:
    """Return the line for rows of a table that are not shown; '' if all are shown.

    Examples
    --------
    >>> left_out(1, "rows"), left_out(20, "rules and columns"), left_out(0, "rows")
    ('+1 more row', '+20 more rules and columns', '')
    """
    shown = nouns if count > 1 else re.sub(r"s\b", "", nouns)
    return f"+{count:,} more {shown}{rest}" if count > 0 else ""


# suggestions -------------------------------------------------------------------------------------------------------


def suggestions_table(suggestions: Sequence[SuggestedOption], limits: Limits) -> Table | None:
    """Return the suggested options with their reasons; those that a person must decide come last."""
    if not suggestions:
        return None
    ranked = sorted(suggestions, key=lambda each: each.value is None)
    shown = ranked[: limits.rules]
    return Table(
        "Suggested options",
        (Column("option", "name"), Column("column"), Column("value", "code"), Column("reason", "words", is_below=True)),
        tuple(
            (
                each.option,
                label(each.column),
                "to decide" if each.value is None else Code(visible(repr(each.value), MAX_LABEL_CHARS)),
                visible(each.reason, MAX_REASON_CHARS),
            )
            for each in shown
        ),
        left_out(len(ranked) - len(shown), "suggestions"),
    )


# violations --------------------------------------------------------------------------------------------------------


def violations_table(findings: Findings, id_column: Hashable, masker: Masker, limits: Limits) -> Table | None:
    """Return violations by rule and column, each with an example and its fix."""
    groups = findings.groups()
    if not groups:
        return None
    shown, rest = groups[: limits.rules], groups[limits.rules :]
    most = max(group.cells for group in groups)
    return Table(
        "Violations by rule and column",
        (
            *(Column("rule", "name"), Column("column"), Column("cells", "number"), Column("", "bar")),
            *(
                Column("severity", "severity"),
                Column("effect", "name"),
                Column("example", "words", is_below=True),
                Column("fix", "code", is_below=True),
            ),
        ),
        tuple(_violation_row(group, id_column, masker, most) for group in shown),
        left_out(len(rest), "rules and columns", f" ({plural(sum(g.violations for g in rest), 'violation')})"),
        f"{plural(len(findings), 'violation')}. Rows are positions from 0. "
        "All of them are in .violations; on the command line, --violations writes them to a file.",
    )


def _violation_row(group: Group, id_column: Hashable, masker: Masker, most: int) -> tuple[Cell, ...]:
    return (
        group.rule.value,
        label(group.column),
        group.cells,
        Bar(group.cells / most, SEVERITY_TONES.get(group.severity, "plain")),
        group.severity.value,
        group.effect.value,
        _example(group, id_column, masker),
        _fix(visible(group.fix, MAX_FIX_CHARS)),
    )


def _fix(fix: str) -> Cell:
    """Return a fix as code if it is only an option; others are sentences."""
    return Code(fix) if fix.partition("=")[0].isidentifier() or fix.startswith("--") else fix


def _example(group: Group, id_column: Hashable, masker: Masker) -> str:
    meaning = RULES[group.rule].meaning
    personal = is_personal(group.attribute, group.column, id_column)
    shown = masker.identity(group.value) if personal else masker.cell(group.value)
    where = "the whole column" if group.row is None else f"row {group.row:,}"
    return f"{where}: {meaning}" + (f"; found {shown}" if shown != MISSING else "")


# rows --------------------------------------------------------------------------------------------------------------


def rows_table(failed: FailedRows, masker: Masker, limits: Limits) -> Table | None:
    """Return the reasons why rows did not arrive, the most common first, each with its first rows."""
    if not failed.reasons:
        return None
    ranked = failed.reasons.most_common()
    shown, rest = ranked[: limits.reasons], ranked[limits.reasons :]
    most = ranked[0][1]
    listed = _listed_rows(failed, masker, limits)
    return Table(
        "Rows that did not arrive",
        (
            *(Column("status"), Column("HTTP", "number"), Column("rows", "number"), Column("", "bar")),
            *(Column("reason", "words", is_below=True), Column("first rows", "words", is_below=True)),
        ),
        tuple(
            (
                status,
                str(http or MISSING),
                count,
                Bar(count / most, STATUS_TONES[status]),
                visible(words, MAX_REASON_CHARS),
                _first_rows(listed.get((status, http, words), []), count),
            )
            for (status, http, words), count in shown
        ),
        left_out(len(rest), "reasons", f" ({plural(sum(count for _, count in rest), 'row')})"),
        "Rows are positions from 0, with their ids. All of them are in result.failed.",
    )


def _first_rows(rows: list[str], count: int) -> str:
    more = left_out(count - len(rows), "rows")
    return ", ".join([*rows, more] if more else rows) if rows else ""


def _listed_rows(failed: FailedRows, masker: Masker, limits: Limits) -> dict[tuple[str, int, str], list[str]]:
    """Return reason → the first rows with their labels, unless these are the positions, and their ids."""
    listed: dict[tuple[str, int, str], list[str]] = {}
    for row in _records(failed.first.head(limits.rows)):
        words = MEANINGS[Status(row.status)] if pd.isna(row.error) else str(row.error)
        http = 0 if pd.isna(row.http_status) else int(row.http_status)
        is_position, is_id = str(row.index) == str(row.row), str(row.index) == str(row.id)
        names = [] if is_position or is_id else [f"{failed.labels} {masker.label(row.index)}"]
        names += [] if pd.isna(row.id) else [masker.identity(row.id)]
        shown = f" ({', '.join(names)})" if names else ""
        listed.setdefault((row.status, http, words), []).append(f"{row.row:,}{shown}")
    return listed


def _records(frame: pd.DataFrame) -> Iterable[Any]:
    """Return the rows as named tuples, with fields that pandas' stubs do not know."""
    return frame.itertuples(index=False)


# schema ------------------------------------------------------------------------------------------------------------


def schema_table(schema: pd.DataFrame, new: Mapping[str, str], limits: Limits) -> Table | None:
    """Return the attribute and type of each column; `new` are the attributes whose type the push fixed."""
    if not limits.columns or schema.empty:
        return None
    shown = schema.head(limits.columns)
    return Table(
        "Schema",
        (
            *(Column("column"), Column("attribute"), Column("type", "name"), Column("known type", "name")),
            *(Column("dtype", "name"), Column("missing", "number"), Column("note", "words", is_below=True)),
        ),
        tuple(_schema_row(row, new) for row in _records(shown)),
        left_out(len(schema) - len(shown), "columns"),
        "The service fixes an attribute's type at its first value; it cannot be changed later.",
    )


def _schema_row(row: Any, new: Mapping[str, str]) -> tuple[Cell, ...]:
    known = MISSING if pd.isna(row.known_type) else str(row.known_type)
    notes = [note for note in (row.note, "name, email and mobile are always strings" * bool(row.reserved)) if note]
    return (
        label(row.column),
        label(row.attribute),
        "not sent" if pd.isna(row.type) else str(row.type),
        f"{new[row.attribute]}, new" if row.attribute in new else known,
        visible(row.dtype, MAX_LABEL_CHARS),
        int(row.missing),
        visible("; ".join(notes), MAX_FIX_CHARS),
    )


_LONG_TEXTS: Final = (*(REJECT_LABELS[2:]), *(REJECT_LABELS_IF_TAKEN[2:]), "error", "message")


class WholeTextFrame(pd.DataFrame):
    """A frame of the user's rows, whose texts a notebook shows in full; pandas would cut them after 50 characters."""

    @property
    def _constructor(self) -> Any:
        return pd.DataFrame

    def _repr_html_(self) -> str:
        widths = {name: "18em" for name in _LONG_TEXTS if name in self.columns}
        with pd.option_context("display.max_colwidth", None):
            return self.to_html(
                col_space=widths,
                notebook=True,
                max_rows=pd.get_option("display.max_rows"),
                max_cols=pd.get_option("display.max_columns"),
                show_dimensions=True,
            )


class _ShownFrame(pd.DataFrame):
    """A frame that shows itself as a table."""

    @property
    def _constructor(self) -> Any:
        return pd.DataFrame

    def _table(self) -> Table:
        raise NotImplementedError

    def _repr_html_(self) -> str:
        """Show long texts in full, which pandas would cut."""
        return render_tables([self._table()])


class ViolationsFrame(_ShownFrame):
    """Violations, shown by rule and column: errors first, with an example (masked) and the option that settles it."""

    _metadata = ["_id_column", "_masker"]  # noqa: RUF012 - pandas' own way to keep an attribute

    _id_column: Hashable = None
    _masker = Masker()

    def _table(self) -> Table:
        table = violations_table(_Grouped(self), self._id_column, self._masker, FRAME_LIMITS)
        if table is None:
            return Table("No violations", (), ())
        order = f"{plural(len(self), 'violation')}, errors first; the frame itself has them in the order of its rows."
        return replace(table, more=f"{table.more}. {order}" if table.more else order)


class SchemaFrame(_ShownFrame):
    """A schema: what each column becomes."""

    def _table(self) -> Table:
        return schema_table(self, {}, FRAME_LIMITS) or Table("No columns", (), ())


class SuggestionsFrame(_ShownFrame):
    """Suggested options with their reasons."""

    def _table(self) -> Table:
        return suggestions_table([*_records(self)], FRAME_LIMITS) or Table("No suggestions", (), ())


class RulesFrame(_ShownFrame):
    """The rules that are checked."""

    def _table(self) -> Table:
        columns = (Column("rule", "name"), Column("severity", "severity"), Column("effect", "name"))
        rows = tuple(tuple(row) for row in _records(self))
        return Table("Rules", (*columns, Column("meaning", "words")), rows)


def violations_frame(frame: pd.DataFrame, id_column: Hashable, masker: Masker) -> ViolationsFrame:
    """Return violations as a frame with its own display, in which `id_column` is masked."""
    shown = ViolationsFrame(frame)
    shown._id_column, shown._masker = id_column, masker  # noqa: SLF001 - a class of this module
    return shown


class _Grouped:
    """The violations of a frame by rule and column."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def __len__(self) -> int:
        return len(self._frame)

    def count(self, severity: Severity) -> int:
        return int(self._frame["severity"].eq(severity.value).sum())

    def groups(self) -> list[Group]:
        frame = self._frame
        by = [frame["rule"].astype(object), frame["column"].map(repr), frame["fix"].astype(object)]
        return [_group(rows) for _, rows in frame.groupby(by, sort=False)]


def _group(rows: pd.DataFrame) -> Group:
    first = rows.iloc[0]
    return Group(
        Rule(first["rule"]),
        Severity(first["severity"]),
        Effect(first["effect"]),
        first["column"],
        None if pd.isna(first["attribute"]) else first["attribute"],
        len(rows),
        int(rows["count"].sum()),
        None if pd.isna(first["row"]) else int(first["row"]),
        first["value"],
        first["message"],
        "" if pd.isna(first["fix"]) else first["fix"],
    )
