"""The tables of a page: violations by rule and column, why rows failed, which rows, the schema.

The frames of violations and of the schema are displayed as such a table; also some of their rows (`query`, `head`, …).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, Protocol

import pandas as pd

from growlytics_pandas._labels import is_personal
from growlytics_pandas._masking import MISSING, Masker, is_missing, visible, written
from growlytics_pandas._rules import Effect, Group, Rule, Severity
from growlytics_pandas._status import ARRIVED, MEANINGS, Status
from growlytics_pandas._text import argument, options_text, phrase, plural
from growlytics_pandas.columns.frames import REJECT_LABELS
from growlytics_pandas.contract import AttributeType
from growlytics_pandas.views.html import Cell, Code, Column, Fields, Line, Mark, StatusLevel, Table, render_tables

SUGGESTIONS_TITLE: Final = "Suggested options"
TO_DECIDE: Final = "to decide"
"""The value of a suggestion that a person must decide."""
MAX_LABEL_CHARS: Final = 60  # of a column's label; an attribute's name has 49 at most
MAX_FIX_CHARS: Final = 600  # of a fix or a note; few are longer
MAX_REASON_CHARS: Final = 240  # of the service's message
MAX_FIELDS: Final = 40  # of a row to correct
MAX_FIELD_CHARS: Final = 80  # of one of its values
MAX_FINDING_CHARS: Final = 400  # of what was found
SEVERITY_LEVELS: Final[Mapping[str, StatusLevel]] = {Severity.ERROR: "bad", Severity.WARNING: "warn"}


class GroupedViolations(Protocol):
    """The violations to show."""

    @property
    def drops_errors(self) -> bool:
        """Whether the push leaves out what is invalid."""

    def __len__(self) -> int:
        """Return the number of violations."""

    def count(self, severity: Severity) -> int:
        """Return the number of violations of one severity."""

    def groups(self) -> list[Group]:
        """Return the violations by rule and column."""


@dataclass(frozen=True, slots=True)
class TableLimits:
    """Maximum number of rows of each table; the others are counted."""

    rules: int
    reasons: int
    rows: int
    columns: int


REPORT_LIMITS: Final = TableLimits(rules=60, reasons=30, rows=50, columns=200)  # for scrolling or printing
NOTEBOOK_LIMITS: Final = TableLimits(rules=10, reasons=8, rows=10, columns=0)  # for the output of a cell
FRAME_LIMITS: Final = TableLimits(rules=40, reasons=0, rows=10, columns=50)
MAX_CHOSEN_ROWS: Final = 50  # of a frame cut by the user, as by head(20)


@dataclass(frozen=True, slots=True)
class FailedRows:
    """The rows that need attention: counts by reason (status, HTTP status, text), and the first ones.

    The texts, there and in `first`, are already masked. `labels` is the name of the frame's index.
    """

    first: pd.DataFrame
    reasons: Counter[tuple[str, int, str]]
    labels: str = "index"
    why: str = ""
    """Why the run ended early; masked."""


def label_text(value: Hashable) -> str:
    """Show a column's label; in quotes if it begins or ends with white space."""
    text = str(value)
    return visible(text if text == text.strip() else f'"{text}"', MAX_LABEL_CHARS) or "(empty)"


def more_text(count: int, *nouns: str) -> str:
    """Return the line for rows of a table that are not shown; '' if all are shown.

    Examples
    --------
    >>> more_text(1, "row"), more_text(20, "rule", "column"), more_text(0, "row")
    ('+1 more row', '+20 more rules and columns', '')
    """
    return f"+{count:,} more {' and '.join(noun + 's' * (count > 1) for noun in nouns)}" if count > 0 else ""


# suggestions -------------------------------------------------------------------------------------------------------


def suggestions_table(suggestions: Sequence[Any], limits: TableLimits) -> Table | None:
    """Return suggestions (see `checks.profile`) by column; those that a person must decide come first."""
    if not suggestions:
        return None
    columns = list(dict.fromkeys(repr(each.column) for each in suggestions))
    ranked = sorted(suggestions, key=lambda each: (each.value is not None, columns.index(repr(each.column))))
    shown = ranked[: limits.rules]
    return Table(
        SUGGESTIONS_TITLE,
        (
            Column("column", "strong"),
            Column("option", "short", (Column("", "quiet"),)),
            Column("reason", "long"),
        ),
        tuple(
            (
                label_text(each.column),
                (Mark(TO_DECIDE, "warn"), argument(each.option)) if each.value is None else (_option_of(each), ""),
                visible(each.reason, MAX_REASON_CHARS),
            )
            for each in shown
        ),
        more_text(len(ranked) - len(shown), "suggestion"),
    )


def _option_of(suggestion: Any) -> Code:
    """Return the option as a call or command gives it."""
    option, column, value = suggestion.option, suggestion.column, suggestion.value
    given = [column] if value is True else value if option == "timezone" else {column: value}
    return Code(visible(options_text(**{option: given}), MAX_LABEL_CHARS))


# violations --------------------------------------------------------------------------------------------------------


_LASTING: Final = (Rule.TYPE_DOUBTFUL, Rule.CONTACT_NOT_MAPPED)


def violations_table(
    groups: Sequence[Group], id_column: Hashable, masker: Masker, limits: TableLimits, rest: str = ""
) -> Table | None:
    """Return violations by rule and column, each with the first one and its fix; `rest` ends the line below them.

    Errors come first, then what the first push would fix for good.
    """
    if not groups:
        return None
    ranked = sorted(groups, key=lambda each: (each.severity is not Severity.ERROR, each.rule not in _LASTING))
    shown, others = ranked[: limits.rules], ranked[limits.rules :]
    more = more_text(len(others), "rule", "column")
    more += f" ({plural(sum(group.violations for group in others), 'violation')})" * bool(more)
    return Table(
        "Violations by rule and column",
        (
            Column("severity", "short", (Column("effect", "quiet"),)),
            Column("column", "strong", (Column("rule", "quiet"),)),
            Column("finding", "long", (Column("fix", "long"),)),
            Column("cells", "number"),
        ),
        tuple(_violation_row(group, id_column, masker) for group in shown),
        ". ".join(part for part in (more, rest) if part),
        f"{plural(sum(group.violations for group in groups), 'violation')}. Rows are positions from 0. "
        + phrase("All of them are in .violations.", "--violations writes all of them to a file."),
    )


def _violation_row(group: Group, id_column: Hashable, masker: Masker) -> tuple[Cell, ...]:
    return (
        (_severity(group.severity), group.effect.value),
        (label_text(group.column), group.rule.value),
        (_example(group, id_column, masker), _fix(visible(group.fix, MAX_FIX_CHARS))),
        group.cells,
    )


def _severity(severity: str) -> Mark:
    return Mark(severity, SEVERITY_LEVELS[severity])


def _fix(fix: str) -> Line:
    """Return a fix as code if it is only an option; others are sentences."""
    return Code(fix) if fix.partition("=")[0].isidentifier() or fix.startswith("--") else fix


def _example(group: Group, id_column: Hashable, masker: Masker) -> str:
    is_label = group.rule in (Rule.ROW_IS_TOTAL, Rule.ROW_IS_HEADING)  # a word, and no customer's
    personal = not is_label and is_personal(group.attribute, group.column, id_column)
    value = masker.identity(group.value) if personal else masker.cell(group.value)
    where = "" if group.row is None else f"row {group.row:,}: "
    found = f"; found {_quoted(value, MAX_FINDING_CHARS)}" if value != MISSING else ""
    others = f". Also: {masker.words(group.others)}" if group.others else ""
    return f"{where}{visible(masker.words(group.finding).rstrip('.'), MAX_FINDING_CHARS)}{found}{others}"


# rows --------------------------------------------------------------------------------------------------------------


def rows_table(
    failed: FailedRows, levels: Mapping[str, StatusLevel], masker: Masker, limits: TableLimits, *, is_dry: bool
) -> Table | None:
    """Return the reasons why rows did not arrive, the most common first, each with its first rows.

    `levels`: status → its level.
    """
    if not failed.reasons:
        return None
    ranked = failed.reasons.most_common()
    shown, rest = ranked[: limits.reasons], ranked[limits.reasons :]
    listed = _listed_rows(failed, masker)
    more = more_text(len(rest), "reason")
    more += f" ({plural(sum(count for _, count in rest), 'row')})" * bool(more)
    return Table(
        _failed_title(is_dry=is_dry),
        (
            Column("status", "short", (Column("HTTP", "quiet"),)),
            Column("reason", "long", (Column("first rows", "long"),)),
            Column("rows", "number"),
        ),
        tuple(
            (
                (Mark(status, levels[status]), f"HTTP {http}" if http else ""),
                (visible(words, MAX_REASON_CHARS), _first_rows(listed.get((status, http, words), []), count)),
                count,
            )
            for (status, http, words), count in shown
        ),
        more,
        "Rows are positions from 0, with their ids. "
        + phrase("All of them are in result.failed.", "--outcomes writes all of them to a file."),
    )


def _first_rows(rows: list[str], count: int) -> str:
    more = more_text(count - len(rows), "row")
    return ", ".join([*rows, more] if more else rows) if rows else ""


def _listed_rows(failed: FailedRows, masker: Masker) -> dict[tuple[str, int, str], list[str]]:
    """Return reason → the first rows with their labels, unless these are the positions, and their ids."""
    listed: dict[tuple[str, int, str], list[str]] = {}
    for row in _records(failed.first):
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


def schema_table(schema: pd.DataFrame, new: Mapping[str, str], limits: TableLimits) -> Table | None:
    """Return the attribute and type of each column; `new` are the attributes whose type the push fixed."""
    if not limits.columns or schema.empty:
        return None
    shown = schema.head(limits.columns)
    sent = getattr(schema, "_sent", {})
    has_examples = not shown["example"].isna().all()  # the schema of a report has none
    return Table(
        "Schema",
        (
            Column("column", "strong", (Column("attribute", "quiet"),)),
            Column("type", "short", (Column("known type", "quiet"),)),
            Column("dtype", "quiet"),
            Column("missing", "number"),
            *([Column("example → sent")] if has_examples else []),
            Column("note", "long"),
        ),
        tuple(_schema_row(row, new, sent, has_examples=has_examples) for row in _records(shown)),
        more_text(len(schema) - len(shown), "column"),
        "The service fixes an attribute's type at its first value; it cannot be changed later.",
    )


def _schema_row(
    row: Any, new: Mapping[str, str], sent: Mapping[str, str | None], *, has_examples: bool
) -> tuple[Cell, ...]:
    type_ = "not sent" if pd.isna(row.type) else str(row.type)
    known = "" if pd.isna(row.known_type) else str(row.known_type)
    state = "new" if row.attribute in new else "known" if known == type_ else ""
    notes = [note for note in (row.note, "name, email and mobile are always strings" * bool(row.reserved)) if note]
    return (
        (label_text(row.column), label_text(row.attribute)),
        (type_, state or (known and f"known: {known}")),
        visible(row.dtype, MAX_LABEL_CHARS),
        int(row.missing),
        *([_example_sent(row, sent.get(repr(row.column)))] if has_examples else []),
        visible("; ".join(notes), MAX_FIX_CHARS),
    )


def _example_sent(row: Any, sent: str | None) -> str:
    """Show the example of a column, and what is sent where that is not the same value written in another way."""
    if is_missing(row.example):
        return ""
    example = _quoted(written(row.example))
    if sent is None:
        return example if pd.isna(row.type) else f"{example} → not sent"
    shown = _quoted(sent)
    is_same = example == shown or (row.type in _EXACT and not isinstance(row.example, str))
    return shown if is_same else f"{example} → {shown}"


_EXACT: Final = (AttributeType.NUMBER, AttributeType.BOOLEAN)
"""The types that numbers and booleans of the frame have without a conversion."""


def _quoted(text: str, limit: int = MAX_LABEL_CHARS) -> str:
    """Show a short text; in quotes if it is empty, or begins or ends with white space, which nobody would see."""
    is_plain = text and text == text.strip()
    shown = visible(text if is_plain else repr(text), limit)
    return shown if is_plain else shown.replace(" '", "\u00a0'")  # so that the last quote stays on the line


class _ShownFrame(pd.DataFrame):
    """A frame that shows itself as a table, like some of its rows; with other columns or dtypes it is a plain frame."""

    _metadata = ["_labels", "_n_rows"]  # noqa: RUF012 - pandas' own way to keep an attribute

    _labels: Any = None
    _n_rows = 0

    def __init__(self, frame: pd.DataFrame) -> None:
        super().__init__(frame)  # type: ignore[call-arg]
        self._labels = self.columns
        self._n_rows = len(self)

    @property
    def _constructor(self) -> Any:
        return lambda *args, **kwargs: self._derived(pd.DataFrame(*args, **kwargs))

    def _constructor_from_mgr(self, mgr: Any, axes: Any) -> pd.DataFrame:
        # pandas 2.2.0 would pass a manager of blocks to `_constructor`, and warn that this is deprecated
        return self._derived(pd.DataFrame._from_mgr(mgr, axes=axes))  # type: ignore[attr-defined]  # noqa: SLF001

    def _derived(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a frame that was made from this one: displayed alike if it has the same columns and dtypes."""
        if not frame.dtypes.equals(self.dtypes):
            return frame
        shown = type(self)(frame)
        for name in self._metadata:
            setattr(shown, name, getattr(self, name))
        return shown

    @property
    def _is_chosen(self) -> bool:
        """Whether these are some rows of the frame, chosen by the user."""
        return len(self) != self._n_rows

    def _table(self) -> Table | None:
        """Return the table to show; None if this is a frame like any other."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        """Show long texts in full, which pandas would cut."""
        table = self._table() if self.columns.equals(self._labels) else None
        if table is None:
            return str(pd.DataFrame(self).to_html(notebook=True, show_dimensions=True))
        return render_tables([table])


class ViolationsFrame(_ShownFrame):
    """Violations, shown by rule and column: errors first, with an example (masked) and the option that settles it."""

    _metadata = ["_labels", "_n_rows", "_groups", "_id_column", "_masker"]  # noqa: RUF012 - as above

    _groups: Sequence[Group] = ()
    _id_column: Hashable = None
    _masker = Masker()

    def _table(self) -> Table | None:
        order = f"{plural(len(self), 'violation')}, errors first; the frame itself has them in the order of its rows."
        try:
            groups = _groups_of(self) if self._is_chosen else self._groups
        except ValueError:  # somebody has changed the rules
            return None
        table = violations_table(groups, self._id_column, self._masker, FRAME_LIMITS, order)
        return table or Table("No violations", (), ())


def _groups_of(violations: pd.DataFrame) -> list[Group]:
    """Return some rows of a frame of violations by rule and column."""
    keys = [violations["severity"], violations["rule"], violations["column"].map(repr)]
    grouped = pd.DataFrame(violations).groupby(keys, sort=False)
    return [
        Group(
            Rule(first.rule),  # type: ignore[call-arg]  # by its name
            Severity(first.severity),
            Effect(first.effect),
            first.column,
            first.attribute,
            violations=n_violations,
            cells=n_cells,
            row=None,  # the message has it
            value=first.value,
            message=first.message,
            finding=first.message,
            fix=first.fix,
        )
        for first, n_violations, n_cells in zip(
            _records(grouped.head(1)), grouped.size().tolist(), grouped["count"].sum().tolist(), strict=True
        )
    ]


class SchemaFrame(_ShownFrame):
    """A schema: what each column becomes."""

    _metadata = ["_labels", "_n_rows", "_sent"]  # noqa: RUF012 - as above

    _sent: Mapping[str, str | None] = MappingProxyType({})

    def _table(self) -> Table:
        return schema_table(self, {}, FRAME_LIMITS) or Table("No columns", (), ())


def shown_schema(schema: pd.DataFrame, sent: Mapping[str, str | None]) -> SchemaFrame:
    """Return the schema with a display of its own; `sent` has the example of each column as it is sent."""
    shown = SchemaFrame(schema)
    shown._sent = dict(sent)  # noqa: SLF001 - a class of this module
    return shown


class SuggestionsFrame(_ShownFrame):
    """Suggested options with their reasons."""

    def _table(self) -> Table:
        return suggestions_table([*_records(self)], REPORT_LIMITS) or Table(
            "No suggestions beyond the options that are given", (), ()
        )


class RulesFrame(_ShownFrame):
    """The rules that are checked."""

    def _table(self) -> Table:
        columns = (
            Column("severity", "short", (Column("effect", "quiet"),)),
            Column("rule", "strong"),
            Column("meaning", "long"),
        )
        rows = tuple(((_severity(row.severity), row.effect), row.rule, row.meaning) for row in _records(self))
        return Table("Rules", columns, rows)


_URGENT: Final = (Status.FAILED, Status.UNKNOWN, Status.INVALID, Status.UNSENT)
"""Rows that did not arrive: what the service refused comes before what the checks found, which were shown earlier."""
_INCOMPLETE: Final[Mapping[str, str]] = {status.value: f"{status} without all attributes" for status in ARRIVED}
_RANKS: Final = {status.value: rank for rank, status in enumerate((*_URGENT, *ARRIVED))}


class _RowsFrame(_ShownFrame):
    """A frame of rows: the first ones by status are shown; more, if somebody has chosen some."""

    @property
    def _status(self) -> pd.Series[Any]:
        """The status of each row."""
        raise NotImplementedError

    def _shown_rows(self, title: str, columns: tuple[Column, ...]) -> tuple[pd.DataFrame, Table]:
        """Return the rows to show, what did not arrive first, and a table for them with the counts by status."""
        ranks = self._status.map(_RANKS).fillna(len(_RANKS)).to_numpy(dtype="int64")
        n_shown = MAX_CHOSEN_ROWS if self._is_chosen else FRAME_LIMITS.rows
        first = ranks.argsort(kind="stable")[:n_shown]
        counts = [(int((ranks == rank).sum()), _INCOMPLETE.get(status, status)) for status, rank in _RANKS.items()]
        found = ", ".join(f"{count:,} {words}" for count, words in counts if count)
        more = more_text(len(self) - len(first), "row")
        has_several = len(self) > 0 and ranks.min() < ranks.max()
        order = "Shown by status; the frame itself keeps the order of its rows." if has_several else ""
        lines = ". ".join(filter(None, (more, order)))
        return self.iloc[first], Table(f"{title}: {found}" if found else title, columns, (), lines)


class RejectsFrame(_RowsFrame):
    """The user's rows that did not fully arrive: `status`, `rule`, `reason` and `fix`, then the row itself."""

    @property
    def _status(self) -> pd.Series[Any]:
        return self.iloc[:, 0]  # by position: the user's columns may have the same label

    def _table(self) -> Table:
        index = "index" if self.index.name is None else label_text(self.index.name)
        columns = (
            Column(index, "strong"),
            Column("status", "short", (Column("rule", "quiet"),)),
            Column("reason", "long", (Column("fix", "long"), Column("", "long"))),
        )
        shown, table = self._shown_rows("Rows to correct", columns)
        cells = zip(shown.index.tolist(), *(shown.iloc[:, i].tolist() for i in range(shown.shape[1])), strict=True)
        labels = self.columns[len(REJECT_LABELS) :].tolist()
        rows: list[tuple[Cell, ...]] = []
        for name, status, rule, reason, fix, *values in cells:
            lines = (_plain(reason), _plain(fix), _fields(labels, values))
            rows.append((_plain(name), (_plain(status), _plain(rule)), lines))
        return replace(table, rows=tuple(rows))


class FailedFrame(_RowsFrame):
    """Outcomes of rows that need attention, each with the whole error."""

    _metadata = ["_labels", "_n_rows", "_title"]  # noqa: RUF012 - as above

    _title = ""

    @property
    def _status(self) -> pd.Series[Any]:
        return self["status"]

    def _table(self) -> Table:
        columns = (Column("row", "number"), Column("id", "strong"), Column("status", "short"), Column("HTTP", "number"))
        shown, table = self._shown_rows(self._title, (*columns, Column("error", "long")))
        rows = tuple(
            (one.row, *map(_plain, (one.id, one.status, one.http_status, one.error))) for one in _records(shown)
        )
        return replace(table, rows=rows)


def _plain(value: Any) -> str:
    """Show a value of a row of the user's, which is not masked; '–' if it is missing."""
    return MISSING if is_missing(value) else visible(written(value), MAX_FIX_CHARS)


def _fields(labels: Sequence[Hashable], values: Sequence[Any]) -> Fields:
    """Return the first values of a row with their labels, without the missing ones."""
    found = [(label_text(name), value) for name, value in zip(labels, values, strict=True) if not is_missing(value)]
    shown = [(name, visible(written(value), MAX_FIELD_CHARS)) for name, value in found[:MAX_FIELDS]]
    more = more_text(len(found) - len(shown), "value")
    return Fields((*shown, ("…", more)) if more else tuple(shown))


def _failed_title(*, is_dry: bool) -> str:
    return "Rows that a push would leave out" if is_dry else "Rows that did not arrive"


def failed_frame(frame: pd.DataFrame, *, is_dry: bool) -> FailedFrame:
    """Return outcomes of rows that did not arrive, or in a dry run would not, as a frame with its own display."""
    shown = FailedFrame(frame)
    shown._title = _failed_title(is_dry=is_dry)  # noqa: SLF001 - a class of this module
    return shown


def violations_frame(
    frame: pd.DataFrame, groups: Sequence[Group], id_column: Hashable, masker: Masker
) -> ViolationsFrame:
    """Return violations as a frame with its own display, in which `id_column` is masked."""
    shown = ViolationsFrame(frame)
    shown._groups, shown._id_column, shown._masker = groups, id_column, masker  # noqa: SLF001 - a class of this module
    return shown
