"""The plan: a frame, or parts of one, with its schema, its violations, and the rows and attributes to send."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import numpy as np
import pandas as pd

from growlytics_pandas._masking import Masker
from growlytics_pandas._rules import Severity
from growlytics_pandas._status import Status
from growlytics_pandas._text import caller_level, listed, options_text, plural
from growlytics_pandas.checks.findings import Findings
from growlytics_pandas.checks.ids import customers_only
from growlytics_pandas.checks.profile import Suggestion
from growlytics_pandas.checks.schema import ColumnFacts, Schema, infer_schema, name_of_column
from growlytics_pandas.checks.suggestions import Columns, as_frame, as_options, suggest_for
from growlytics_pandas.columns.frames import prepare_frame, read_frame
from growlytics_pandas.columns.plan_options import PlanOptions
from growlytics_pandas.columns.texts import TextColumns
from growlytics_pandas.errors import ConstraintViolationError, InvalidArgumentError, LedgerError, UsageError
from growlytics_pandas.upload.changes import Changes, changes_text, tally_changes
from growlytics_pandas.upload.connection import Connection, PushOptions, connection_of, require_connection
from growlytics_pandas.upload.outcomes import OutcomeBuffer, OutcomeStore
from growlytics_pandas.upload.part_profiles import ProfiledParts, profile_parts
from growlytics_pandas.upload.parts import (
    Executor,
    LocalExecutor,
    Part,
    PartList,
    PartTask,
    PlanContext,
    WholeFrame,
    check_part,
    pick_rejects,
    types_sent,
)
from growlytics_pandas.upload.rejects import Picked, Wanted, describe, stack, want
from growlytics_pandas.upload.result import Result
from growlytics_pandas.upload.runner import EndedRun, LocalRun, RemoteExecutor, RemoteRun, Run
from growlytics_pandas.upload.schema_frame import schema_frame
from growlytics_pandas.views.excel import rejects_sheet, summary_table, write_workbook
from growlytics_pandas.views.html import Page
from growlytics_pandas.views.report import HtmlRepr, PlanSummary, plan_page
from growlytics_pandas.views.tables import (
    NOTEBOOK_LIMITS,
    RejectsFrame,
    SuggestionsFrame,
    TableLimits,
    violations_frame,
)

A = TypeVar("A")

_QUICK_ROWS: Final = 10_000  # a repr compares at most this many with the ledger: 0.1 s
_COPY_ON_WRITE_MAJOR: Final = 3
RESENT_DTYPES: Final = {"part": "int64", "rows": "int64", "again": "int64"}
_SHOWN_GROUPS: Final = 10  # of violations in an error


@dataclass(frozen=True, eq=False)
class Plan(HtmlRepr):
    """What a push of this frame would do; `push` does exactly that.

    Attributes
    ----------
    frame : DataFrame
        A snapshot of the frame. A plan of parts (`plan_batches`) does not keep them, and has none.

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

    _context: PlanContext = field(repr=False)
    _options: PlanOptions = field(repr=False)
    _connection: Connection | None = field(repr=False)
    _executor: Executor = field(repr=False)
    _parts: PartList = field(repr=False)
    _profile: ProfiledParts | None = field(default=None, repr=False)  # the profile of parts that are not kept
    _known_findings: Findings | None = field(default=None, repr=False)  # of a check before this plan was made
    _known_suggestions: list[Suggestion] | None = field(default=None, repr=False)  # likewise

    @property
    def frame(self) -> pd.DataFrame:
        """The snapshot of the frame.

        Raises
        ------
        UsageError
            The plan is of parts that are not kept.
        """
        return self._part.frame

    @cached_property
    def _mask_numbers(self) -> dict[str, dict[str, int]]:
        return {}

    @property
    def _schema(self) -> Schema:
        """The columns to send, with attribute names and types."""
        return self._context.schema

    @cached_property
    def schema(self) -> pd.DataFrame:
        """One row per column sent.

        The columns are `column`, `attribute`, `type`, `dtype`, `reserved`, `missing` (cells), `distinct` (values),
        `example` (the first value; masked for the id and contacts), `known_type` and `note`. In a notebook, the display
        also has the example as it is sent, such as 11.837 for '11,837'.

        `type` is NA if nothing can be sent (see `note` or `violations`), `known_type` if the ledger knows no type,
        `distinct` for data in parts. `dtype` lists the dtypes of all parts.
        """
        is_whole = self._whole is not None
        return schema_frame(self._schema, self._context.dropped, self._suggested, self._examples, is_whole=is_whole)

    @cached_property
    def _types(self) -> pd.DataFrame:
        """The schema, without the columns for which all values must be read."""
        return schema_frame(self._schema, self._context.dropped, self._suggested)

    @cached_property
    def _findings(self) -> Findings:
        """The violations, not yet a frame: `row` counts through all parts, `index` is the label in a part."""
        if self._known_findings is not None:
            return self._known_findings
        if self._whole is not None:
            return self._whole.findings(self._suggested)
        found = dict(self._executor.run_on_parts(check_part, self._context, self._requested(None)))
        of_parts = (each for number in sorted(found) for each in found[number].violations)
        return self._context.findings(of_parts, self._parts.rows, self._suggested)

    @cached_property
    def violations(self) -> pd.DataFrame:
        """Every value that would be rejected (error) or should be checked (warning); one row per violation.

        A violation of a whole column has one row, with the number of cells in `count`.
        """
        return self._frame_of(self._findings)

    def _frame_of(self, found: Findings) -> pd.DataFrame:
        masker = Masker(numbers=self._mask_numbers)
        return violations_frame(found.to_frame(), found.groups(), self._schema.id_column, masker)

    @property
    def counts(self) -> dict[str, int]:
        """Status → number of rows, as in a dry run: `unsent` rows would be sent, `invalid` rows would not."""
        return self._parts.counts()

    @property
    def changes(self) -> Changes | None:
        """What a push would change, according to the ledger; None without a ledger.

        `new`: customers that the ledger does not know. `changed`: customers whose body differs from the last accepted
        one, or without an accepted body (`changes.not_accepted` counts these). `unchanged`: customers with the same
        body. `left_out`: rows that cannot be sent. The counts sum to all rows. Each access reads all rows.

        With ``Client(track="attributes")``, the plan of a frame also has `changes.by_attribute`: attribute → how many
        values of changed customers differ from those in their last accepted body, or were not in it. Customers whose
        last accepted push was not tracked are not in it; `changes.not_compared` counts them.
        """
        project = self._connection.project if self._connection else None
        if project is None:
            return None
        if self._whole is not None:
            digester = self._connection.value_digester if self._connection else None
            encoded = self._whole.encoded(self._parts.will_send(self._whole.task))
            digests = ((project.digest(each.ids, each.cells), each.columns) for each in encoded)
            return tally_changes(project, digests, self.counts, digester)
        found = self._executor.run_on_parts(Part.digest, self._context, self._requested(project.digester))
        return tally_changes(project, ((each.digests, ()) for _, each in found), self.counts)

    def rejects(self) -> pd.DataFrame:
        """Return the rows that would not fully arrive: see `PushResult.rejects`; `status` is that of a dry run."""
        return self._describe_rejects(self._findings, self._parts.open_buffer, [Status.INVALID], is_dry=True)

    def _describe_rejects(
        self,
        findings: Findings,
        buffer_of: Callable[[PartTask], OutcomeBuffer],
        to_fix: Sequence[Status],
        *,
        is_dry: bool,
    ) -> pd.DataFrame:
        """Return the rows with a status in `to_fix` or with a value that was left out; parts are read again."""
        if not self._executor.can_repeat:
            raise UsageError(
                "rejects: this source could be read only once, so its rows are gone; .failed and .violations have "
                "their numbers. Use a function that opens it, such as lambda: pd.read_csv(path, chunksize=100_000)."
            )
        requested: dict[int, tuple[PartTask, Wanted]] = {}
        for task in self._parts.tasks:
            last = task.first_row + task.rows
            wanted = want(findings, buffer_of(task).rows_with(to_fix), task.first_row, last)
            if len(wanted.rows) or wanted.columns or not requested:
                requested[task.number] = (task, wanted)
        parts = []
        for number, (picked, rows) in sorted(self._pick(requested), key=lambda found: found[0]):
            task = requested[number][0]
            parts.append(describe(rows, picked, findings, buffer_of(task), first=task.first_row, is_dry=is_dry))
        return RejectsFrame(stack(parts))

    def _pick(
        self, requested: Mapping[int, tuple[PartTask, Wanted]]
    ) -> Iterable[tuple[int, tuple[Picked, pd.DataFrame]]]:
        """Return the rows of the user's frame that do not fully arrive, by part."""
        return self._executor.run_on_parts(pick_rejects, self._context, requested)

    def _requested(self, argument: A) -> dict[int, tuple[PartTask, A]]:
        """Return what to run on all parts."""
        return {task.number: (task, argument) for task in self._parts.tasks}

    def preview(self, n: int = 3) -> list[dict[str, Any]]:
        """Return the first `n` request bodies exactly as they would be sent, decoded from JSON."""
        check_preview(n)
        bodies: list[bytes] = []
        for task in self._parts.tasks:
            if len(bodies) >= n:
                break
            rows = np.flatnonzero(self._parts.will_send(task))[: int(n) - len(bodies)]
            requested = {task.number: (task, rows)}
            bodies += next(iter(self._executor.run_on_parts(Part.bodies, self._context, requested)))[1]
        return [json.loads(body) for body in bodies]

    def _known_changes(self, *, is_quick: bool) -> Changes | None:
        """Return `changes`; None if they are not known, or if `is_quick` and the comparison takes long."""
        if is_quick and not self._is_quick_to_compare:
            return None
        try:
            return self.changes
        except LedgerError:  # closed or damaged: a push raises it, but a repr must not fail
            return None

    @property
    def has_errors(self) -> bool:
        """Whether any value would be rejected."""
        return self._findings.has_errors

    @cached_property
    def suggestions(self) -> pd.DataFrame:
        """The suggested options, one row each: `option`, `column`, `value`, `reason`, `cells`.

        `value` is None if a person must decide; `reason` names the choices. `growlytics_pandas.suggest` returns the
        same as the options of a call.
        """
        return SuggestionsFrame(as_frame(self._suggested))

    @cached_property
    def _suggested(self) -> list[Suggestion]:
        """The suggestions as data."""
        if self._known_suggestions is not None:
            return self._known_suggestions
        part = self._whole
        if part is None:
            return find_suggestions(self._examples, self._schema, self._options)
        if not len(others := part.prechecked.no_evidence):
            return find_suggestions(part.frame, self._schema, self._options, part.texts)
        frame = customers_only(part.frame, others)
        known = {each.name: each.known for each in self._schema.attributes if each.known}
        return find_suggestions(
            frame, infer_schema(frame, self._schema.id_column, self._options, known=known), self._options
        )

    def suggest(self) -> dict[str, Any]:
        """Return the options of this plan and the suggested ones, ready for ``**``.

        Warns
        -----
        UserWarning
            Columns for which a person must decide: `suggestions` has the choices.
        """
        undecided = [f"{each.option} of {str(each.column)!r}" for each in self._suggested if each.value is None]
        if undecided:
            warnings.warn(
                f"You must decide: {listed(undecided)}. The choices are in plan(…).suggestions; "
                "the dict has what is clear from the values.",
                stacklevel=caller_level(),
            )
        return self._suggest()

    def _suggest(self) -> dict[str, Any]:
        return self._options.joined(as_options(self._suggested), list(self._examples.columns))

    def plot(self, ax: Any = None) -> Any:
        """Draw violations by column and rule (extra ``plot``).

        Parameters
        ----------
        ax : matplotlib Axes, optional
            The axes to draw on. Default: axes of a new figure (``axes.figure``), which a notebook shows.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        MissingDependencyError
            matplotlib is not installed.
        """
        from growlytics_pandas.views.charts import plot_violations  # noqa: PLC0415 - matplotlib is optional, slow to import

        return plot_violations(self._findings, ax)

    def to_excel(self, path: str | os.PathLike[str]) -> Path:
        """Write the plan as an Excel workbook, with unmasked ids and values (extra ``excel``).

        Sheets: Summary, Rejects, Violations, Schema. For the formats and errors see `PushResult.to_excel`.
        """
        summary = summary_table(self.counts, self._findings, {})
        return write_workbook(
            {"Summary": summary, **rejects_sheet(self), "Violations": self.violations, "Schema": self.schema}, path
        )

    def _of(self, connection: Connection) -> Self:
        """Return this plan, or a new one if `connection` differs, since its ledger may know other types."""
        if connection is self._connection:
            return self
        id_column = self._schema.id_column
        if self._whole is not None:
            return make_plan(self._whole.frame, id_column, self._options, connection)  # type: ignore[return-value]
        return make_batch_plan(self._executor, id_column, self._options, connection, self._profile)  # type: ignore[return-value]

    def push(self, *, client: Any = None, **options: Any) -> PushResult:
        """Send this plan. Takes `client`, and the options of `growlytics_pandas.push` that `plan` does not take."""
        return self._push(PushOptions(**options), connection_of(client)).conclude()

    def _push(self, options: PushOptions, connection: Connection | None = None) -> EndedRun[PushResult]:
        """Send this plan through a connection; None: its own, or the one set in the environment."""
        plan = self._checked_for(options, connection)
        buffers = {0: plan._parts.open_buffer(plan._whole.task)} if plan._whole else {}
        return plan._send(options, buffers, OutcomeStore())

    def _send(
        self,
        options: PushOptions,
        buffers: Mapping[int, OutcomeBuffer],
        store: OutcomeStore,
        *,
        is_retry: bool = False,
    ) -> EndedRun[PushResult]:
        """Send the rows that are `unsent` in the buffers; a part without a buffer gets one before it is sent."""
        run_type = RemoteRun if isinstance(self._executor, RemoteExecutor) else LocalRun
        what = self._executor, self._parts, self._context
        run = run_type(self._connection, options, *what, buffers, store, is_retry=is_retry)
        run.run()
        return EndedRun(run, self._result(run))

    def _result(self, run: Run) -> PushResult:
        return PushResult(**self._facts(run))

    def _facts(self, run: Run) -> dict[str, Any]:
        """Return the fields that all results have."""
        options = run.options
        types = types_to_fix(self._schema, self._context.dropped) if options.dry_run else run.confirmed
        return {
            "plan": self,
            "new_types": pd.DataFrame({"attribute": list(types), "type": list(types.values())}, dtype="str"),
            "resent": pd.DataFrame(run.resent, columns=list(RESENT_DTYPES)).astype(RESENT_DTYPES),
            "run": run.facts(
                would_refuse=options.would_refuse(has_errors=self.has_errors),
                n_left_out=sum(map(len, self._findings.left_out())),
            ),
            "_parts": run.parts,
            "_whole": self._whole,
            "_buffers": run.buffers,
            "_store": run.store,
            "_options": options,
        }

    def _checked_for(self, options: PushOptions, connection: Connection | None) -> Self:
        """Return the plan for the connection of a push; raise for violations."""
        connection = require_connection(options, connection or self._connection)
        plan = self if connection is None else self._of(connection)
        has_errors = plan.has_errors  # for each value of `errors`: all rows are checked before the first is sent
        if has_errors and options.errors == "raise" and not options.dry_run:
            raise violations_error(plan._findings, plan._suggested, plan=plan)
        return plan

    @property
    def _whole(self) -> Part | None:
        """The only part, if it is kept in memory."""
        return self._executor.part if isinstance(self._executor, WholeFrame) else None

    @property
    def _part(self) -> Part:
        if self._whole is None:
            raise UsageError("plan: the parts of this plan are not kept in memory, so there is no frame to show.")
        return self._whole

    @property
    def _examples(self) -> pd.DataFrame:
        """The data for suggestions: the frame, or distinct values of all parts."""
        return self._part.frame if self._profile is None else self._profile.sample

    @property
    def _is_checked(self) -> bool:
        return self._whole is not None or self._known_findings is not None or "_findings" in vars(self)

    @property
    def _is_quick_to_compare(self) -> bool:
        return self._whole is not None and self._parts.rows <= _QUICK_ROWS

    def _relabelled(self, index: pd.Index[Any], label: str) -> Plan:
        """Return the plan of the same frame with other labels, which messages call `label`."""
        part = replace(self._part, frame=self._part.frame.set_axis(index))
        findings = Findings(self._findings.violations, part.frame, label=label)
        return replace(
            self,
            _executor=WholeFrame(part),
            _known_findings=findings,
            _known_suggestions=self._suggested,
        )

    def _counts_to_send(self, changes: Changes | None) -> dict[str, int]:
        """Return `counts` without the rows that are unchanged according to `changes`, if they are known."""
        if changes is None:
            return self.counts
        unsent = changes["new"] + changes["changed"]
        return {**self.counts, Status.UNSENT: unsent, Status.UNCHANGED: changes["unchanged"]}

    def _page(
        self, masker: Masker, limits: TableLimits, *, drops_errors: bool = False, skips_unchanged: bool = False
    ) -> Page:
        # The comparison of a large frame would delay a notebook.
        changes = self._known_changes(is_quick=limits is NOTEBOOK_LIMITS)
        summary = PlanSummary(
            base_url=self._connection.base_url if self._connection else None,
            id_column=self._schema.id_column,
            schema=self._types,
            findings=self._findings.dropping() if drops_errors else self._findings,
            counts=self._counts_to_send(changes) if skips_unchanged else self.counts,
            suggestions=self._suggested,
            changes=changes_text(changes) if changes else "",
        )
        return plan_page(summary, masker, limits)

    def _repr_html_(self) -> str:
        """Return a page if all parts are checked, else one line, since displaying a plan must not read them all."""
        return super()._repr_html_() if self._is_checked else f"<code>{escape(repr(self))}</code>"

    def __repr__(self) -> str:
        rows = plural(self._parts.rows, "row")
        if not self._is_checked:
            parts = plural(len(self._parts.tasks), "part")
            return f"<Plan of {rows} in {parts}; not checked yet: .violations reads all parts>"
        errors, warnings = self._findings.count(Severity.ERROR), self._findings.count(Severity.WARNING)
        attributes = plural(len(self._schema.attributes), "attribute")
        changes = self._known_changes(is_quick=True)
        compared = f"; {changes_text(changes)}" if changes else ""
        found = f"{plural(errors, 'error')}, {plural(warnings, 'warning')}"
        return f"<Plan {self.counts['unsent']:,} of {rows}, {attributes}; {found}{compared}>"


@dataclass(frozen=True, eq=False, repr=False)
class PushResult(Result):
    """The result of a push.

    Attributes
    ----------
    new_types : DataFrame
        Attributes whose type this push fixed permanently: `attribute`, `type`. Empty without a ledger.
    resent : DataFrame
        One row for each worker lost in the middle of a part: `part`, `rows`, and the maximum number sent `again`.
        Sending the same body twice is safe.
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

    def retry(self, *, rejected: bool = True) -> PushResult:
        """Push `failed`, `unknown` and `unsent` rows again; sending the same body twice is safe.

        Parts without rows to send are not read.

        Parameters
        ----------
        rejected : bool, default True
            Also send the rows that the service rejected because of their content (HTTP 400 or 422, say). It would
            reject the same data again, unless something was changed there: correct these rows (`rejects()`) and push
            the frame again.

        Returns
        -------
        PushResult
            A new result of all rows; rows that are not sent again keep their outcome.

        Raises
        ------
        UsageError
            It was a dry run, or the source could be read only once.
        """
        self._require_push()
        return self.plan._send(*self._retried(rejected=rejected), is_retry=True).conclude()


def check_preview(n: Any) -> None:
    """Raise unless `n` is a number of bodies."""
    if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 0:
        raise InvalidArgumentError(f"n: found {n!r}; it must be a whole number of 0 or more.")


def make_plan(df: Any, id_col: Hashable, options: PlanOptions, connection: Connection | None) -> Plan:
    """Make the plan of a frame."""
    kept = snapshot(prepare_frame(read_frame(df), id_col))
    schema = infer_schema(kept, id_col, options, known=connection.known_types() if connection else None)
    part = Part.whole(kept, schema, connection)
    parts = PartList((part.task,), (part.id_check.skipped_by,))
    return Plan(part.context, options, connection, WholeFrame(part), parts)


def make_batch_plan(
    executor: Executor,
    id_col: Hashable,
    options: PlanOptions,
    connection: Connection | None,
    profile: ProfiledParts | None = None,
) -> Plan:
    """Make the plan of all parts of `executor`."""
    profile = profile or profile_parts(executor.run, id_col, options)
    schema = infer_schema_of_parts(options, profile.example, id_col, connection, profile.facts)
    context = PlanContext.of(schema, profile.labels, profile.parts.rows, connection)
    is_local = isinstance(executor, LocalExecutor)
    if context.budget is not None and not is_local:
        raise InvalidArgumentError(
            "columns: with what the ledger knows, a customer could have more than 100 custom attributes, and the "
            "workers do not see the ledger. Send fewer columns, or push without a cluster, or with Client(ledger=None)."
        )
    context = context if is_local else replace(context, knows=None)
    return Plan(context, options, connection, executor, profile.parts, profile)


def types_to_fix(schema: Schema, dropped: frozenset[int]) -> dict[str, str]:
    """Return attribute → type of the types that a push would fix: attributes to send that the ledger does not know."""
    known = {attribute.name for attribute in schema.attributes if attribute.known}
    return {name: type_ for name, type_ in types_sent(schema, dropped).items() if name not in known}


def snapshot(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a snapshot of the frame: free under copy-on-write, a copy before pandas 3."""
    has_copy_on_write = int(pd.__version__.split(".")[0]) >= _COPY_ON_WRITE_MAJOR
    return frame.copy(deep=not has_copy_on_write)


def infer_schema_of_parts(
    options: PlanOptions,
    frame: pd.DataFrame,
    id_col: Hashable,
    connection: Connection | None,
    facts: Sequence[ColumnFacts] | None = None,
) -> Schema:
    """Return the schema of `frame`, or of all parts described by `facts`; `frame` is then a sample."""
    known = connection.known_types() if connection else None
    return infer_schema(prepare_frame(frame, id_col), id_col, options, known=known, facts=facts)


def find_suggestions(
    frame: pd.DataFrame, schema: Schema, options: PlanOptions, texts: TextColumns | None = None
) -> list[Suggestion]:
    """Return the suggestions for the values of a frame, beyond the given options."""
    sent = schema.attributes
    id_name = name_of_column(frame.columns[schema.id_position], options)
    known = {attribute.name: attribute.known.type for attribute in sent if attribute.known}
    given = {a.name: a.type.value for a in sent if a.type and options.type_of(a.column)}
    columns = Columns(
        frame,
        schema.id_position,
        {schema.id_position: id_name, **{attribute.position: attribute.name for attribute in sent}},
        options.reading_of,
        {schema.id_position: schema.id_kind, **{attribute.position: attribute.kind for attribute in sent}},
        schema.zone,
        schema.region,
        known,
        given,
        texts,
    )
    return suggest_for(columns)


def violations_error(
    findings: Findings, suggestions: Sequence[Suggestion], sent: str = "nothing was sent", plan: Any = None
) -> ConstraintViolationError:
    """Return the error for values that would be rejected: by rule and column, each with its fix."""
    errors = [group for group in findings.groups() if group.severity is Severity.ERROR]
    n_errors = findings.count(Severity.ERROR)
    lines = [f"  {group.rule} ({group.cells:,}): {group.message}\n    {group.fix}" for group in errors[:_SHOWN_GROUPS]]
    if len(errors) > _SHOWN_GROUPS:
        lines.append(f"  +{len(errors) - _SHOWN_GROUPS:,} more, by rule and column")
    has_suggestions = any(each.value is not None for each in suggestions)
    suggested = "Suggested options: .plan.suggestions, or **suggest(df, id_col) in the call. "
    return ConstraintViolationError(
        f"{sent}: {plural(n_errors, 'violation')} of severity error.\n"
        + "\n".join(lines)
        + "\nAll are in the error's .violations. "
        + suggested * has_suggestions
        + "To leave those values out and send the rest: "
        + options_text(errors="drop")
        + ".",
        plan=plan,
    )
