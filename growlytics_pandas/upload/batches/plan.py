"""The plan over parts of a frame that is never whole in memory: its schema, its violations, what will go out."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas._rules import Rule
from growlytics_pandas._status import Status
from growlytics_pandas._text import plural
from growlytics_pandas.checks.doubtful_types import check_suggestions, with_options
from growlytics_pandas.checks.findings import Findings
from growlytics_pandas.checks.names import check_attributes, dropped_columns
from growlytics_pandas.checks.schema import ColumnFacts, Schema, infer_schema
from growlytics_pandas.checks.violations import Violation
from growlytics_pandas.client import Client
from growlytics_pandas.columns.frames import prepare_frame
from growlytics_pandas.columns.ids import hash_texts
from growlytics_pandas.columns.options import PlanOptions
from growlytics_pandas.errors import InvalidArgumentError, UsageError
from growlytics_pandas.upload.batches.duplicates import SharedIds, compare, find_suspects
from growlytics_pandas.upload.batches.executor import Executor
from growlytics_pandas.upload.batches.parts import (
    Common,
    PartTask,
    changed,
    check_part,
    digest_part,
    fetch_ids,
    pick_rejects,
    preview_part,
)
from growlytics_pandas.upload.batches.profile import (
    PartProfile,
    Question,
    digest_ids,
    merge_columns,
    merge_labels,
    merge_samples,
    survey_part,
)
from growlytics_pandas.upload.outcomes import OutcomeBuffer
from growlytics_pandas.upload.plan import AnyPlan, budget_of, require_count, schema_frame, tally_changes
from growlytics_pandas.upload.rejects import Wanted, describe, stack, want

if TYPE_CHECKING:
    from growlytics_pandas.upload.batches.result import BatchResult


@dataclass(frozen=True, slots=True)
class ProfiledParts:
    """What the first look at all parts found out; the same for every client."""

    labels: tuple[Hashable, ...]
    facts: tuple[ColumnFacts, ...]
    example: pd.DataFrame
    sample: pd.DataFrame
    tasks: tuple[PartTask, ...]
    without_id: tuple[npt.NDArray[np.int64], ...]
    rounded_id: tuple[npt.NDArray[np.int64], ...]

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(task.rows for task in self.tasks)

    def skipped(self, task: PartTask) -> dict[Rule, npt.NDArray[np.int64]]:
        """Return the rows of a part that are not sent for their id, by rule."""
        without, rounded = self.without_id[task.number], self.rounded_id[task.number]
        return {Rule.ID_MISSING: without, Rule.ID_ROUNDED: rounded, Rule.ID_DUPLICATE: task.same.rows}

    def count_invalid(self, task: PartTask) -> int:
        """Return how many rows of a part are not sent for their id."""
        return sum(map(len, self.skipped(task).values()))


def lay_out_parts(
    options: PlanOptions,
    frame: pd.DataFrame,
    id_col: Hashable,
    client: Client | None,
    facts: Sequence[ColumnFacts] | None = None,
) -> Schema:
    """Lay out `frame`, or all the parts that `facts` were taken from and of which it is an example."""
    workspace = client.workspace if client else None
    known = workspace.known_types() if workspace else None
    return infer_schema(prepare_frame(frame, id_col), id_col, options, known=known, facts=facts)


def survey(engine: Executor, id_col: Hashable, options: PlanOptions) -> ProfiledParts:
    """Look at all parts, and a second time at the rows whose id may not be alone."""
    question = Question(id_col, options)
    found = dict(engine.run(survey_part, question))
    surveys = [found.pop(number) for number in sorted(found)]
    if not surveys:
        raise InvalidArgumentError("frames: the source gave none; there must be one, if only for its columns.")
    labels = merge_labels(surveys)
    first_rows = [0, *accumulate(each.rows for each in surveys)]
    suspects = find_suspects(surveys)
    texts = dict(engine.run(fetch_ids, question, suspects)) if suspects else {}
    for number, found_texts in texts.items():
        if not np.array_equal(hash_texts(found_texts), surveys[number].exact[suspects[number]]):
            raise changed(number, "its ids, or their order, are not those of the first look")
    shared = compare(suspects, texts, first_rows, options.keep)
    tasks = [_task(number, first_rows[number], each, shared) for number, each in enumerate(surveys)]
    example = next((each.example for each in surveys if each.rows), surveys[0].example)
    return ProfiledParts(
        labels,
        tuple(merge_columns(surveys, labels)),
        example.reindex(columns=pd.Index(labels, tupleize_cols=False)) if tuple(example.columns) != labels else example,
        merge_samples(surveys, labels),
        tuple(tasks),
        tuple(np.flatnonzero(~each.has_id & ~each.is_rounded) for each in surveys),
        tuple(np.flatnonzero(each.is_rounded) for each in surveys),
    )


def _task(number: int, first_row: int, part: PartProfile, shared: SharedIds) -> PartTask:
    same, alike = shared.of(number)
    return PartTask(number, first_row, part.rows, same, alike, part.labels, digest_ids(part.has_id, part.exact))


def make_plan(
    engine: Executor,
    id_col: Hashable,
    options: PlanOptions,
    client: Client | None,
    execute: Callable[..., BatchResult],
    surveyed: ProfiledParts | None = None,
) -> BatchPlan:
    """Make the plan of all parts that `engine` gives."""
    surveyed = surveyed or survey(engine, id_col, options)
    layout = lay_out_parts(options, surveyed.example, id_col, client, surveyed.facts)
    violations = check_attributes(layout, surveyed.rows)
    budget = budget_of(client.workspace if client else None, layout)
    if budget is not None and not engine.is_local:
        raise InvalidArgumentError(
            "columns: with what the ledger knows, a customer could have more than 100 custom attributes, and the "
            "workers do not see the ledger. Send fewer columns, or push without a cluster, or with Client(ledger=None)."
        )
    return BatchPlan(
        engine=engine,
        client=client,
        options=options,
        surveyed=surveyed,
        common=Common(layout, surveyed.labels, dropped_columns(violations), budget),
        column_violations=tuple(violations),
        _execute=execute,
        _replan=lambda other: make_plan(engine, id_col, options, other, execute, surveyed),
    )


@dataclass(frozen=True, eq=False)
class BatchPlan(AnyPlan):
    """What a push of all parts would do; `push` does exactly that.

    Attributes
    ----------
    surveyed : ProfiledParts
        What the first look at the parts found out.

    Examples
    --------
    >>> import pandas as pd
    >>> import growlytics_pandas
    >>> frames = [pd.DataFrame({"id": ["a", "b"]}), pd.DataFrame({"id": ["b", "c"]})]
    >>> plan = growlytics_pandas.plan_batches(frames, "id")
    >>> plan.counts["unsent"], plan.violations["rule"].unique().tolist()
    (2, ['row_empty', 'id_duplicate'])
    """

    engine: Executor = field(repr=False)
    client: Client | None = field(repr=False)
    options: PlanOptions = field(repr=False)
    surveyed: ProfiledParts = field(repr=False)
    common: Common = field(repr=False)
    column_violations: tuple[Violation, ...] = field(repr=False)
    _execute: Callable[..., BatchResult] = field(repr=False)
    _replan: Callable[[Client], BatchPlan] = field(repr=False)

    @property
    def layout(self) -> Schema:
        """Which columns are sent, as what."""
        return self.common.layout

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return self.surveyed.rows

    @cached_property
    def schema(self) -> pd.DataFrame:
        """One row per column sent, as `Plan.schema`; `dtype` lists those of all parts."""
        return schema_frame(self.layout, self.common.dropped, self._suggested)

    @property
    def _examples(self) -> pd.DataFrame:
        """What suggestions are made from: distinct values of all parts."""
        return self.surveyed.sample

    @cached_property
    def findings(self) -> Findings:
        """The violations, before they are made into a frame: `row` counts through all parts, `index` is a part's."""
        tasks = {task.number: task for task in self.surveyed.tasks}
        found = dict(self.engine.run(check_part, self.common, tasks))
        of_rows = [violation for number in sorted(found) for violation in found[number].violations]
        of_columns = [*with_options(self.column_violations, self._suggested)]
        of_columns += check_suggestions(self.layout, self._suggested, self.rows)
        return Findings([*of_columns, *of_rows])

    @property
    def counts(self) -> dict[str, int]:
        """Status → number of rows, as a dry run would tell: `unsent` would be sent, `invalid` would not."""
        invalid = sum(map(self.surveyed.count_invalid, self.surveyed.tasks))
        found = {Status.INVALID: invalid, Status.UNSENT: self.rows - invalid}
        return {status.value: found.get(status, 0) for status in Status}

    @property
    def changes(self) -> dict[str, int] | None:
        """What a push would change, by what the ledger knows now: see `Plan.changes`. All parts are read for it."""
        workspace = self.client.workspace if self.client else None
        if workspace is None:
            return None
        asked = {task.number: (task, workspace.digester) for task in self.surveyed.tasks}
        found = self.engine.run(digest_part, self.common, asked)
        return tally_changes(workspace, (each.digests for _, each in found), self.counts)

    def rejects(self) -> pd.DataFrame:
        """Return the rows that would not fully arrive, read again: see `Plan.rejects`."""
        return self.describe_rejects(self.open_book, [Status.INVALID], is_dry=True)

    def describe_rejects(
        self, book_of: Callable[[PartTask], OutcomeBuffer], care: Sequence[Status], *, is_dry: bool
    ) -> pd.DataFrame:
        """Return the rows with a status of `care`, or of which a value is left out; their parts are read again."""
        if not self.engine.can_repeat:
            raise UsageError(
                "rejects: this source could be read only once, so the rows are gone; .failed and .violations have "
                "their numbers. Give a function that opens it, such as lambda: pd.read_csv(path, chunksize=100_000)."
            )
        asked: dict[int, tuple[PartTask, Wanted]] = {}
        for task in self.surveyed.tasks:
            last = task.first_row + task.rows
            wanted = want(self.findings, book_of(task).rows_with(care), task.first_row, last)
            if len(wanted.rows) or wanted.columns or not asked:
                asked[task.number] = (task, wanted)
        found = dict(self.engine.run(pick_rejects, self.common, asked))
        parts = []
        for number in sorted(found):
            (picked, rows), task = found[number], asked[number][0]
            book = book_of(task)
            statuses, first = book.statuses(picked.rows), task.first_row
            parts.append(describe(rows, picked, self.findings, statuses, book.errors, first=first, is_dry=is_dry))
        return stack(parts)

    def preview(self, n: int = 3) -> list[dict[str, Any]]:
        """Return the first `n` bodies exactly as they would be sent, read back from their JSON."""
        bodies: list[bytes] = []
        n = require_count(n)
        for task in self.surveyed.tasks:
            if len(bodies) >= n:
                break
            asked = {task.number: (task, n - len(bodies))}
            bodies += next(iter(self.engine.run(preview_part, self.common, asked)))[1]
        return [json.loads(body) for body in bodies]

    def open_book(self, task: PartTask) -> OutcomeBuffer:
        """Open the book of a part: rows that cannot be sent are settled, all others `unsent`."""
        book = OutcomeBuffer(task.rows)
        for rule, rows in self.surveyed.skipped(task).items():
            book.note_all(rows, Status.INVALID, f"not sent: {rule}; see violations")
        return book

    def of(self, client: Client) -> BatchPlan:
        """Return the plan for `client`, whose ledger may know other types: this one if it was made for it."""
        return self if client is self.client else self._replan(client)

    def push(self, **options: Any) -> BatchResult:
        """Carry this plan out; takes the options of `growlytics_pandas.push` that come after the plan's own."""
        return self._execute(self, **options)

    def _repr_html_(self) -> str:
        """Show a page once all parts have been checked; to show a plan is no reason to read them all."""
        return super()._repr_html_() if self._is_checked else f"<code>{escape(repr(self))}</code>"

    @property
    def _is_checked(self) -> bool:
        return "findings" in self.__dict__

    def __repr__(self) -> str:
        looked = "" if self._is_checked else "; not checked yet: .violations reads all parts"
        return f"<BatchPlan of {plural(self.rows, 'row')} in {plural(len(self.surveyed.tasks), 'part')}{looked}>"
