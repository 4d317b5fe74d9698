"""The plan: a frame, its schema, its violations, and which rows and attributes will go out."""

from __future__ import annotations

import itertools
import json
import os
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas._masking import Crowd, Masker, is_personal
from growlytics_pandas._rules import Severity
from growlytics_pandas._status import Status
from growlytics_pandas._text import plural
from growlytics_pandas.checks.doubtful_types import TYPE_OPTIONS
from growlytics_pandas.checks.findings import Findings
from growlytics_pandas.checks.frame import Precheck, check_frame, precheck
from growlytics_pandas.checks.messages import python_options
from growlytics_pandas.checks.schema import Attribute, Schema, name_of_column
from growlytics_pandas.checks.suggestions import Suggestion, as_frame, as_options, suggest_for
from growlytics_pandas.columns.chunks import Budget, prepare, starts
from growlytics_pandas.columns.extract import Mask
from growlytics_pandas.columns.options import PlanOptions
from growlytics_pandas.errors import InvalidArgumentError, LedgerError
from growlytics_pandas.ledger import Digests, Project
from growlytics_pandas.upload.encode import Encoded, encode_block
from growlytics_pandas.upload.outcomes import OutcomeBuffer
from growlytics_pandas.upload.rejects import describe, pick, want
from growlytics_pandas.views.excel import rejects_sheet, summary_table, write_workbook
from growlytics_pandas.views.html_repr import HtmlRepr
from growlytics_pandas.views.page import Page
from growlytics_pandas.views.report import plan_page
from growlytics_pandas.views.tables import Limits

if TYPE_CHECKING:
    from growlytics_pandas.client import Client
    from growlytics_pandas.upload.result import PushResult

_COPY_ON_WRITE_MAJOR = 3
MAX_CROWD_ROWS: Final = 50_000  # their values are kept for masking: a third of a second, some 50 MB
CROWD_ROWS_AT_ONCE: Final = 10_000
_COMPARED_ROWS: Final = 10_000  # a repr compares so many with the ledger: a tenth of a second


def snapshot(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep the frame as it is now, whatever happens to it: free under copy-on-write, a copy before pandas 3."""
    has_copy_on_write = int(pd.__version__.split(".")[0]) >= _COPY_ON_WRITE_MAJOR
    return frame.copy(deep=not has_copy_on_write)


def budget_of(workspace: Project | None, layout: Schema) -> Budget | None:
    """Return what earlier pushes count towards the 100; None where no customer can reach it."""
    if workspace is None:
        return None
    names = {*workspace.known_types(), *(attribute.name for attribute in layout.attributes)}
    if len(names - set(contract.RESERVED_ATTRIBUTES)) <= contract.MAX_CUSTOM_ATTRIBUTES:
        return None

    def budget(ids: Sequence[str], names: Sequence[str]) -> Any:
        keys = workspace.keys(ids)
        return workspace.count_attributes(keys), workspace.has_attributes(keys, names)

    return budget


class AnyPlan(HtmlRepr):
    """What every plan of a push can do, whether of one frame or of parts."""

    client: Client | None
    options: PlanOptions

    if TYPE_CHECKING:  # one has it as a field, for which a property here would be the default

        @property
        def layout(self) -> Schema:
            """Which columns are sent, as what."""

    @property
    @abstractmethod
    def schema(self) -> pd.DataFrame:
        """One row per column sent."""

    @property
    @abstractmethod
    def _examples(self) -> pd.DataFrame:
        """What suggestions are made from: the frame, or distinct values of all parts."""

    @property
    @abstractmethod
    def findings(self) -> Findings:
        """The violations, before they are made into a frame."""

    @cached_property
    def violations(self) -> pd.DataFrame:
        """Every value that will be rejected (error) or deserves a look (warning); one row per violation.

        What is a property of a column has one row, with the number of cells in `count`.
        """
        return self.findings.to_frame()

    @property
    @abstractmethod
    def counts(self) -> dict[str, int]:
        """Status → number of rows, as a dry run would tell."""

    @property
    @abstractmethod
    def changes(self) -> dict[str, int] | None:
        """What a push would change, by what the ledger knows now; None without a ledger.

        `new`: customers that it does not know. `changed`: those whose body differs from the one last accepted, or of
        which none is on record. `unchanged`: those whose body is the one last accepted. `left_out`: rows that cannot be
        sent. They sum to all rows. All bodies are made for it, at each look.
        """

    @abstractmethod
    def rejects(self) -> pd.DataFrame:
        """Return the rows that would not fully arrive: see `PushResult.rejects`; `status` is that of a dry run."""

    def changes_line(self, *, is_quick: bool = False) -> str:
        """Return `changes` in a line; '' without a ledger, or where a quick look is wanted and it would take long."""
        if is_quick and not self._is_quick_to_compare:
            return ""
        try:
            changes = self.changes
        except LedgerError:  # closed meanwhile, or damaged: a push says so, and a repr never fails
            return ""
        return changes_text(changes) if changes else ""

    @property
    def _is_quick_to_compare(self) -> bool:
        return False

    @property
    def has_errors(self) -> bool:
        """Whether anything would not arrive."""
        return self.findings.has_errors

    @cached_property
    def suggestions(self) -> pd.DataFrame:
        """What the data call for: `option`, `column`, `value`, `reason`, `cells`; one row a suggestion.

        `value` is None where a person must decide; `reason` says between what. `growlytics_pandas.suggest` gives the
        same as the options of a call.
        """
        return as_frame(self._suggested)

    @cached_property
    def _suggested(self) -> list[Suggestion]:
        """The suggestions as data."""
        return find_suggestions(self._examples, self.layout, self.options)

    def suggest(self) -> dict[str, Any]:
        """Return the options of this plan and those that the data call for, ready for ``**``."""
        return self.options.joined(as_options(self._suggested), list(self._examples.columns))

    def plot(self, ax: Any = None) -> Any:
        """Draw violations by column and rule (extra ``plot``).

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw. Default: a figure of its own, ``axes.figure``; a notebook shows it.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        MissingDependencyError
            matplotlib is not installed.
        """
        from growlytics_pandas.views.charts import plot_violations  # noqa: PLC0415 - matplotlib is optional, slow to import

        return plot_violations(self.findings, ax)

    def to_excel(self, path: str | os.PathLike[str]) -> Path:
        """Write the plan as an Excel workbook, with ids and values as they are (extra ``excel``).

        Sheets: Summary, Rejects, Violations, Schema; how they are written, and the errors: see `PushResult.to_excel`.
        """
        summary = summary_table(self.counts, self.findings, {})
        return write_workbook(
            {"Summary": summary, **rejects_sheet(self), "Violations": self.violations, "Schema": self.schema}, path
        )

    def _page(self, veil: Masker, limits: Limits) -> Page:
        return plan_page(self, veil, limits)


@dataclass(frozen=True, eq=False)
class Plan(AnyPlan):
    """What a push of this frame would do; `push` does exactly that.

    Attributes
    ----------
    frame : DataFrame
        A snapshot; later changes to the original do not reach it.

    Examples
    --------
    >>> import pandas as pd
    >>> import growlytics_pandas
    >>> df = pd.DataFrame({"email": ["asha@example.com", None], "City": ["Pune", "Delhi"]})
    >>> plan = growlytics_pandas.plan(df, "email")
    >>> plan.counts["unsent"], plan.counts["invalid"]
    (1, 1)
    >>> plan.violations["rule"].tolist()
    ['id_missing']
    """

    frame: pd.DataFrame
    layout: Schema = field(repr=False)
    client: Client | None = field(repr=False)
    budget: Budget | None = field(repr=False)
    options: PlanOptions = field(repr=False)
    _execute: Callable[..., PushResult] = field(repr=False)
    _replan: Callable[[Client], Plan] = field(repr=False)

    @cached_property
    def screening(self) -> Precheck:
        """Which columns and rows are left out, and why."""
        return precheck(self.frame, self.layout)

    @cached_property
    def schema(self) -> pd.DataFrame:
        """One row per column sent: `column`, `attribute`, `type`, `dtype`, `reserved`, `missing`, `known_type`, `note`.

        `type` is NA where nothing can be sent (`note` says why, or `violations`), `known_type` where the ledger knows
        nothing.
        """
        return schema_frame(self.layout, self.screening.dropped, self._suggested)

    @cached_property
    def findings(self) -> Findings:
        """The violations, before they are made into a frame."""
        return check_frame(self.frame, self.layout, self.screening, self.budget, self._suggested)

    @property
    def _examples(self) -> pd.DataFrame:
        """What suggestions are made from."""
        return self.frame

    @property
    def counts(self) -> dict[str, int]:
        """Status → number of rows, as a dry run would tell: `unsent` would be sent, `invalid` would not."""
        invalid = int(self.screening.skipped.sum())
        found = {Status.INVALID: invalid, Status.UNSENT: len(self.frame) - invalid}
        return {status.value: found.get(status, 0) for status in Status}

    @property
    def changes(self) -> dict[str, int] | None:
        """What a push would change, by what the ledger knows now; None without a ledger.

        `new`: customers that it does not know. `changed`: those whose body differs from the one last accepted, or of
        which none is on record. `unchanged`: those whose body is the one last accepted. `left_out`: rows that cannot be
        sent. They sum to all rows. All bodies are made for it, at each look.
        """
        workspace = self.client.workspace if self.client else None
        if workspace is None:
            return None
        wanted = self.to_send()
        blocks = (self.encode(start, stop, wanted) for start, stop in starts(len(self.frame)))
        digests = (workspace.digest(block.ids, block.bodies) for block in blocks)
        return tally_changes(workspace, digests, self.counts)

    def rejects(self) -> pd.DataFrame:
        """Return the rows that would not fully arrive: see `PushResult.rejects`; `status` is that of a dry run."""
        return self.describe_rejects(self.open_book(), [Status.INVALID], is_dry=True)

    def describe_rejects(self, book: OutcomeBuffer, care: Iterable[Status], *, is_dry: bool) -> pd.DataFrame:
        """Return the rows with a status of `care`, or of which a value is left out."""
        wanted = want(self.findings, book.rows_with(care), 0, len(self.frame))
        picked = pick(self.frame, self.layout, self.screening.dropped, self.budget, wanted)
        statuses = book.statuses(picked.rows)
        rows = self.source_rows(picked.rows)
        return describe(rows, picked, self.findings, statuses, book.errors, is_dry=is_dry)

    def source_rows(self, rows: Any) -> pd.DataFrame:
        """Return rows of the user's frame."""
        found: pd.DataFrame = self.frame.iloc[rows]
        return found

    def preview(self, n: int = 3) -> list[dict[str, Any]]:
        """Return the first `n` bodies exactly as they would be sent, read back from their JSON."""
        rows = np.flatnonzero(self.to_send())[: require_count(n)]
        first, last = (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, 0)
        wanted = self.to_send()
        blocks = (self.encode(first + start, first + stop, wanted) for start, stop in starts(last - first))
        return [json.loads(body) for block in blocks for body in block.bodies]

    def encode(self, start: int, stop: int, wanted: Any = None) -> Encoded:
        """Return what goes out of rows `start` to `stop` (of those `wanted`)."""
        rows = (start, stop)
        return encode_rows(self.frame, self.layout, self.screening, rows, budget=self.budget, wanted=wanted)

    def to_send(self) -> Mask:
        """Return which rows would be sent."""
        return ~self.screening.skipped

    def open_book(self) -> OutcomeBuffer:
        """Open the book: rows that cannot be sent are settled, all others `unsent`."""
        book = OutcomeBuffer(len(self.frame))
        for rule, rows in self.screening.skipped_by.items():
            book.note_all(rows, Status.INVALID, f"not sent: {rule}; see violations")
        return book

    def types_sent(self) -> dict[str, str]:
        """Return attribute → type of the custom attributes that go out."""
        return types_sent(self.layout, self.screening.dropped)

    def ids(self, rows: Any) -> list[str]:
        """Return the ids of rows as they are sent, '' where there is none."""
        column = self.frame.iloc[:, self.layout.id_position].iloc[rows]
        return self.layout.read_ids(column).texts

    def personal_values(self, rows: Any) -> list[tuple[Any, ...]]:
        """Return for each row its id and whatever else tells who the customer is."""
        layout = self.layout
        places = [a.position for a in layout.attributes if is_personal(a.name, a.column, layout.id_column)]
        columns = [self.frame.iloc[:, place].iloc[rows].astype(object).tolist() for place in places]
        return list(zip(self.ids(rows), *columns, strict=True))

    def crowd(self, texts: Iterable[str]) -> Crowd:
        """Return what masks all customers of the frame in `texts`: a server may speak of any of them."""
        return self._whole_crowd if len(self.frame) <= MAX_CROWD_ROWS else Crowd(self._personal(), texts)

    @cached_property
    def _whole_crowd(self) -> Crowd:
        return Crowd(self._personal())

    def _personal(self) -> Iterator[Any]:
        for start, stop in starts(len(self.frame), CROWD_ROWS_AT_ONCE):
            yield from itertools.chain.from_iterable(self.personal_values(slice(start, stop)))

    def of(self, client: Client) -> Plan:
        """Return the plan for `client`, whose ledger may know other types: this one if it was made for it."""
        return self if client is self.client else self._replan(client)

    def push(self, **options: Any) -> PushResult:
        """Carry this plan out; takes the options of `growlytics_pandas.push` that come after the plan's own."""
        return self._execute(self, **options)

    def __repr__(self) -> str:
        errors, warnings = self.findings.count(Severity.ERROR), self.findings.count(Severity.WARNING)
        going, attributes = plural(len(self.frame), "row"), plural(len(self.layout.attributes), "attribute")
        found = f"{plural(errors, 'error')}, {plural(warnings, 'warning')}"
        changes = self.changes_line(is_quick=True)
        compared = f"; {changes}" if changes else ""
        return f"<Plan {self.counts['unsent']:,} of {going}, {attributes}; {found}{compared}>"

    @property
    def _is_quick_to_compare(self) -> bool:
        return len(self.frame) <= _COMPARED_ROWS


def tally_changes(workspace: Project, digests: Iterable[Digests], counts: Mapping[str, int]) -> dict[str, int]:
    """Compare bodies with the ledger: see `Plan.changes`. `counts` are those of the plan."""
    new = unchanged = rows = 0
    for each in digests:
        rows += len(each)
        unchanged += int(workspace.unchanged(each).sum())
        new += int((~workspace.seen(each.keys)).sum())
    changed = rows - new - unchanged
    unchanged += counts[Status.UNCHANGED]
    return {"new": new, "changed": changed, "unchanged": unchanged, "left_out": counts[Status.INVALID]}


def changes_text(changes: Mapping[str, int]) -> str:
    """Write changes in a line.

    Examples
    --------
    >>> changes_text({"new": 1200, "changed": 3, "unchanged": 0, "left_out": 0})
    '1,200 new, 3 changed, 0 unchanged'
    """
    shown = {name: count for name, count in changes.items() if count or name != "left_out"}
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in shown.items())


def find_suggestions(frame: pd.DataFrame, layout: Schema, options: PlanOptions) -> list[Suggestion]:
    """Return what the values of a frame call for, beyond the options given."""
    sent = layout.attributes
    id_name = name_of_column(frame.columns[layout.id_position], options)
    known = {attribute.name: attribute.known.type for attribute in sent if attribute.known}
    asked = {a.name: a.type.value for a in sent if a.type and options.type_of(a.column)}
    return suggest_for(
        frame,
        layout.id_position,
        {layout.id_position: id_name, **{attribute.position: attribute.name for attribute in sent}},
        options.reading_of,
        {layout.id_position: layout.id_kind, **{attribute.position: attribute.kind for attribute in sent}},
        layout.zone,
        layout.region,
        {**known, **asked},
    )


def require_count(n: int) -> int:
    """Return how many bodies to preview, if it can be a number of them."""
    if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 0:
        raise InvalidArgumentError(f"n: found {n!r}; it must be a whole number from 0 up.")
    return int(n)


SCHEMA_DTYPES = {
    "column": "object",
    "attribute": "str",
    "type": "string",
    "dtype": "str",
    "reserved": "bool",
    "missing": "int64",
    "known_type": "string",
    "note": "str",
}


def encode_rows(
    frame: pd.DataFrame,
    layout: Schema,
    screening: Precheck,
    rows: tuple[int, int],
    *,
    budget: Budget | None = None,
    wanted: Any = None,
) -> Encoded:
    """Return what goes out of `rows`, from the first to before the last (of those `wanted`)."""
    start, stop = rows
    block = prepare(frame, layout, screening.dropped, start, stop, budget)
    keep = ~screening.skipped[start:stop]
    if wanted is not None:
        keep &= wanted[start:stop]
    places = np.flatnonzero(keep)
    ids = block.ids.texts
    return Encoded(
        places + start,
        encode_block(block, keep, layout.top_level_name),
        ids if len(places) == len(ids) else [ids[i] for i in places.tolist()],
        {c.attribute.name: c.sent[places] for c in block.columns if not c.attribute.is_reserved},
    )


def types_sent(layout: Schema, dropped: frozenset[int]) -> dict[str, str]:
    """Return attribute → type of the custom attributes that go out."""
    return {
        attribute.name: attribute.type.value
        for attribute in layout.attributes
        if attribute.type and not attribute.is_reserved and attribute.position not in dropped
    }


def types_to_fix(layout: Schema, dropped: frozenset[int]) -> dict[str, str]:
    """Return attribute → type of what a push would fix for good: what goes out and the ledger does not know."""
    known = {attribute.name for attribute in layout.attributes if attribute.known}
    return {name: type_ for name, type_ in types_sent(layout, dropped).items() if name not in known}


def types_frame(types: Mapping[str, str]) -> pd.DataFrame:
    """Return one row per attribute: `attribute`, `type`."""
    return pd.DataFrame({"attribute": list(types), "type": list(types.values())}, dtype="str")


def schema_frame(layout: Schema, dropped: frozenset[int], suggestions: Sequence[Suggestion]) -> pd.DataFrame:
    """Return one row per column to send: see `Plan.schema`."""
    notes: dict[str, list[str]] = {}
    for each in suggestions:
        if each.option in _NOTED:
            notes.setdefault(repr(each.column), []).append(_suggestion_note(each))
    rows = [
        _schema_row(attribute, attribute.position in dropped, notes.get(repr(attribute.column), []))
        for attribute in layout.attributes
    ]
    return pd.DataFrame(
        {
            name: pd.Series([row[i] for row in rows], dtype=dtype)
            for i, (name, dtype) in enumerate(SCHEMA_DTYPES.items())
        }
    )


_NOTED = (*TYPE_OPTIONS, "na_values", "timezone")
"""Options that a note suggests; what others change is a violation anyway."""
_LEFT_OUT = "left out: see violations"


def _suggestion_note(suggestion: Suggestion) -> str:
    if suggestion.value is None:
        return suggestion.reason
    value: Any = {suggestion.column: suggestion.value}
    if suggestion.option == "timezone":
        value = suggestion.value
    return f"{suggestion.reason}: {python_options({suggestion.option: value})}"


def _schema_row(attribute: Attribute, is_dropped: bool, suggested: Sequence[str]) -> tuple[Any, ...]:
    known = attribute.known.type if attribute.known else None
    kind = attribute.type.value if attribute.type and not is_dropped else None
    is_left_out = is_dropped and attribute.type is not None  # else its own note says why
    note = "; ".join([_LEFT_OUT] * is_left_out + [attribute.note] * bool(attribute.note) + list(suggested))
    return (
        attribute.column,
        attribute.name.encode("utf-8", "backslashreplace").decode(),  # half a character has no place in a text column
        kind,
        attribute.dtype,
        attribute.is_reserved,
        attribute.missing,
        known,
        note,
    )
