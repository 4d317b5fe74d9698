"""The plan: a frame, its schema, its violations, and which rows and attributes will go out."""

from __future__ import annotations

import json
import os
from abc import abstractmethod
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas._masking import Crowd, Masker
from growlytics_pandas._rules import Severity
from growlytics_pandas._status import ARRIVED, Status
from growlytics_pandas._text import plural
from growlytics_pandas.checks.chunks import Budget, starts
from growlytics_pandas.checks.findings import Findings
from growlytics_pandas.checks.frame import Precheck, precheck
from growlytics_pandas.checks.schema import Schema, infer_schema, name_of_column
from growlytics_pandas.checks.suggestions import Suggestion, as_frame, as_options, suggest_for
from growlytics_pandas.columns.extract import Mask
from growlytics_pandas.columns.frames import prepare_frame, read_frame
from growlytics_pandas.columns.options import PlanOptions
from growlytics_pandas.errors import ConstraintViolationError, InvalidArgumentError, LedgerError
from growlytics_pandas.ledger import Digests, Project
from growlytics_pandas.upload.connection import Connection, connect
from growlytics_pandas.upload.encode import Encoded
from growlytics_pandas.upload.executor import whole_frame
from growlytics_pandas.upload.failed_rows import PartOutcomes, gather_failed_rows, mask_words
from growlytics_pandas.upload.outcomes import OutcomeBuffer
from growlytics_pandas.upload.parts import Part
from growlytics_pandas.upload.profile import PartTask
from growlytics_pandas.upload.push_options import PushOptions, resolve_connection
from growlytics_pandas.upload.rejects import describe, pick, want
from growlytics_pandas.upload.result import AnyResult
from growlytics_pandas.upload.runner import Run
from growlytics_pandas.upload.schema_frame import new_types, schema_frame, types_sent
from growlytics_pandas.views.excel import rejects_sheet, summary_table, write_workbook
from growlytics_pandas.views.html_repr import HtmlRepr
from growlytics_pandas.views.metrics import RunFacts
from growlytics_pandas.views.page import Page
from growlytics_pandas.views.report import PlanSummary, plan_page
from growlytics_pandas.views.tables import NOTEBOOK_LIMITS, Limits
from growlytics_pandas.views.tables import label as show_label

_COPY_ON_WRITE_MAJOR = 3
_SHOWN_GROUPS: Final = 10  # of violations in an error
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

    layout: Schema
    options: PlanOptions
    _connection: Connection | None

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

    @abstractmethod
    def of(self, connection: Connection) -> Self:
        """Return the plan for a connection, whose ledger may know other types: this one if it was made for it."""

    def _settled(self, options: PushOptions) -> tuple[Self, Connection | None]:
        """Return the plan for the connection of these options, and that connection; refuse what could not arrive."""
        connection = resolve_connection(options, self._connection)
        plan = self if connection is None else self.of(connection)
        has_errors = plan.has_errors  # whatever `errors` says: every row is checked before the first is sent
        if has_errors and options.errors == "raise" and not options.dry_run:
            raise refusal(plan.findings, plan._suggested, plan=plan)  # noqa: SLF001 - of the same class
        return plan, connection

    def _page(self, veil: Masker, limits: Limits) -> Page:
        summary = PlanSummary(
            base_url=self._connection.base_url if self._connection else None,
            id_column=self.layout.id_column,
            columns=len(self.layout.attributes),
            schema=self.schema,
            findings=self.findings,
            counts=self.counts,
            suggestions=self._suggested,
            changes=self.changes_line(is_quick=limits is NOTEBOOK_LIMITS),  # a notebook does not wait for a large frame
        )
        return plan_page(summary, veil, limits)


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
    _connection: Connection | None = field(repr=False)
    budget: Budget | None = field(repr=False)
    options: PlanOptions = field(repr=False)

    @cached_property
    def screening(self) -> Precheck:
        """Which columns and rows are left out, and why."""
        return precheck(self.frame, self.layout)

    @cached_property
    def _part(self) -> Part:
        return Part(self.frame, self.layout, self.screening, self.budget, PartTask(0, 0, len(self.frame)))

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
        return self._part.findings(self._suggested)

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
        workspace = self._connection.workspace if self._connection else None
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
        """Return what is sent of rows `start` to `stop` (of those `wanted`)."""
        return self._part.encode(start, stop, wanted)

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
        """Return attribute → type of the custom attributes that are sent."""
        return types_sent(self.layout, self.screening.dropped)

    def ids(self, rows: Any) -> list[str]:
        """Return the ids of rows as they are sent, '' where there is none."""
        return self._part.ids(rows)

    def crowd(self, texts: Iterable[str]) -> Crowd:
        """Return what masks all customers of the frame in `texts`: a server may speak of any of them."""
        return self._part.crowd(texts)

    def of(self, connection: Connection) -> Plan:
        """Return the plan for a connection, whose ledger may know other types: this one if it was made for it."""
        if connection is self._connection:
            return self
        return make_plan(self.frame, self.layout.id_column, self.options, connection)

    def push(self, **options: Any) -> PushResult:
        """Carry this plan out; takes the options of `growlytics_pandas.push` that come after the plan's own."""
        chosen = PushOptions(**options)
        plan, connection = self._settled(chosen)
        return push_frame(plan, plan._part, connection, chosen, plan.open_book())  # noqa: SLF001 - of the same class

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


@dataclass(frozen=True, eq=False, repr=False)
class PushResult(AnyResult):
    """The result of a push.

    Attributes
    ----------
    new_types : DataFrame
        Attributes whose type this push fixed for good: `attribute`, `type`. Empty without a ledger's memory of before.
    run : RunFacts
        When the run started, how long it took, how it ended.

    Examples
    --------
    >>> import pandas as pd
    >>> from growlytics_pandas import Sandbox
    >>> df = pd.DataFrame({"email": ["asha@example.com"], "City": ["Pune"]})
    >>> with Sandbox() as sandbox:
    ...     result = df.growlytics.push("email", client=sandbox.client, progress=False)
    >>> result.ok, result.counts["accepted"]
    (True, 1)
    """

    plan: Plan
    new_types: pd.DataFrame
    run: RunFacts
    _part: Part = field(repr=False)
    _book: OutcomeBuffer = field(repr=False)
    _connection: Connection | None = field(repr=False)
    _options: PushOptions = field(repr=False)

    @property
    def counts(self) -> dict[str, int]:
        """Status → number of rows, for every status; they sum to the rows of the frame."""
        return self._book.counts()

    @property
    def has_incomplete_rows(self) -> bool:
        """Whether a row arrived, but not with every attribute it has: a column or a value was left out."""
        arrived = self._book.rows_with(ARRIVED)
        concerns_column, rows = self.findings.error_rows()
        return bool(len(arrived)) and (concerns_column or bool(np.isin(rows, arrived).any()))

    @cached_property
    def outcomes(self) -> pd.DataFrame:
        """One row per input row, in its order.

        `row` (0-based position), `index` (the frame's label), `id` (text as sent, NA where there is none), `status`,
        `http_status` (of the last answer, NA without one), `attempts` (requests made in the run that settled the row),
        `error` (NA where none).
        """
        return self._outcomes(np.arange(len(self.plan.frame)))

    @property
    def failed(self) -> pd.DataFrame:
        """The outcomes that need care: `invalid`, `failed`, `unknown`, and `unsent` unless it was a dry run.

        So it may have rows where ``counts["failed"]`` is 0.
        """
        return self._outcomes(self._book.rows_with(self._statuses_of_care()))

    def rejects(self) -> pd.DataFrame:
        """Return the user's own rows and columns of what did not fully arrive, with the reasons in front.

        To correct and push again: the four columns in front are not sent, as long as they stay there.

        Returns
        -------
        DataFrame
            In the order of the frame, with its index. In front `status`, `rule`, `reason` and `fix` (with the prefix
            ``growlytics_``, all four, where the frame has a column of such a name). The rows are those that are
            `invalid`, `failed` or `unknown`, `unsent` ones unless it was a dry run, and those that arrived without a
            value they have; an error of a whole column concerns each row with a value there. Several violations of a
            row are joined by "; ". A row that ``keep=`` left out, as asked for, is not among them.

        Examples
        --------
        >>> import pandas as pd
        >>> from growlytics_pandas import Sandbox
        >>> df = pd.DataFrame({"id": ["a", None], "City": ["Pune", "Delhi"]})
        >>> with Sandbox() as sandbox:
        ...     result = df.growlytics.push("id", errors="drop", client=sandbox.client, progress=False)
        >>> result.rejects()[["status", "rule", "City"]].to_dict("records")
        [{'status': 'invalid', 'rule': 'id_missing', 'City': 'Delhi'}]
        """
        is_dry = self.run.ended == "dry run"
        return self.plan.describe_rejects(self._book, self._statuses_of_care(), is_dry=is_dry)

    def retry(self) -> PushResult:
        """Push again what is `failed`, `unknown` or `unsent`; safe, since the same body twice changes nothing.

        Returns
        -------
        PushResult
            A new result over the whole frame; rows that had arrived keep their outcome.

        Raises
        ------
        UsageError
            It was a dry run.
        """
        self._require_push()
        book = self._book.copy()
        book.reopen()
        options = replace(self._options, dry_run=False)
        return push_frame(self.plan, self._part, self._connection or connect(), options, book)

    def _outcomes(self, rows: Any) -> pd.DataFrame:
        return self._part.describe(self._book, np.asarray(rows, dtype="int64"))

    def _page(self, veil: Masker, limits: Limits) -> Page:
        words, why = mask_words(self._part, self._book, veil, self.run.message)
        name = self.plan.frame.index.name
        labels = "index" if name is None else show_label(name)
        parts = [PartOutcomes(self._book, words, self._outcomes)]
        care = gather_failed_rows(parts, self._statuses_of_care(), limits.rows, labels, why)
        return self._page_of(care, veil, limits)


def push_frame(
    plan: Plan, part: Part, connection: Connection | None, options: PushOptions, book: OutcomeBuffer
) -> PushResult:
    """Send the rows that are `unsent` in the book."""
    run = Run(connection, options, *whole_frame(part), {0: book})
    run.run()
    return run.conclude(
        PushResult(
            plan=plan,
            new_types=new_types(run.confirmed, part.layout, part.screening.dropped, is_dry=options.dry_run),
            run=run.facts(would_refuse=options.would_refuse(has_errors=plan.has_errors)),
            _part=part,
            _book=book,
            _connection=connection,
            _options=options,
        )
    )


def make_plan(df: Any, id_col: Hashable, options: PlanOptions, connection: Connection | None) -> Plan:
    """Make the plan of a frame."""
    kept = snapshot(prepare_frame(read_frame(df), id_col))
    layout = infer_schema(kept, id_col, options, known=connection.known_types() if connection else None)
    budget = budget_of(connection.workspace if connection else None, layout)
    return Plan(kept, layout, connection, budget, options)


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


def refusal(
    findings: Findings, suggestions: Sequence[Suggestion], sent: str = "nothing was sent", plan: Any = None
) -> ConstraintViolationError:
    """Return the error of values that would be rejected: by rule and column, each with its fix."""
    errors = [group for group in findings.groups() if group.severity is Severity.ERROR]
    n_errors = findings.count(Severity.ERROR)
    lines = [f"  {group.rule} ({group.cells:,}): {group.message}\n    {group.fix}" for group in errors[:_SHOWN_GROUPS]]
    if len(errors) > _SHOWN_GROUPS:
        lines.append(f"  +{len(errors) - _SHOWN_GROUPS:,} more, by rule and column")
    has_suggestions = any(each.value is not None for each in suggestions)
    suggested = "Options that the data call for: .plan.suggestions, or **suggest(df, id_col) in the call. "
    return ConstraintViolationError(
        f"{sent}: {plural(n_errors, 'violation')} of severity error.\n"
        + "\n".join(lines)
        + "\nAll are in the error's .violations. "
        + suggested * has_suggestions
        + "To leave those values out and send the rest: errors='drop'.",
        plan=plan,
    )
