"""The plan over parts of a frame that is never whole in memory: its schema, its violations, what will go out."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas._masking import Masker, without
from growlytics_pandas._status import ARRIVED, Status
from growlytics_pandas._text import plural
from growlytics_pandas.checks.doubtful_types import check_suggestions, with_options
from growlytics_pandas.checks.findings import Findings
from growlytics_pandas.checks.names import check_attributes, dropped_columns
from growlytics_pandas.checks.schema import ColumnFacts, Schema, infer_schema
from growlytics_pandas.checks.violations import Violation
from growlytics_pandas.columns.frames import prepare_frame
from growlytics_pandas.columns.ids import hash_texts
from growlytics_pandas.columns.options import PlanOptions
from growlytics_pandas.errors import InvalidArgumentError, UsageError
from growlytics_pandas.upload.connection import Connection, connect
from growlytics_pandas.upload.duplicates import SharedIds, compare, find_suspects
from growlytics_pandas.upload.executor import Executor
from growlytics_pandas.upload.failed_rows import PartOutcomes, gather_failed_rows, withhold_words
from growlytics_pandas.upload.outcome_store import OutcomeStore
from growlytics_pandas.upload.outcomes import OutcomeBuffer
from growlytics_pandas.upload.parts import (
    Common,
    changed,
    check_part,
    fetch_ids,
    pick_rejects,
    preview_part,
)
from growlytics_pandas.upload.plan import AnyPlan, budget_of, require_count, tally_changes
from growlytics_pandas.upload.profile import (
    PartList,
    PartProfile,
    PartTask,
    ProfiledParts,
    Question,
    digest_ids,
    merge_columns,
    merge_labels,
    merge_samples,
    skipped_rows,
    survey_part,
)
from growlytics_pandas.upload.push_options import PushOptions
from growlytics_pandas.upload.rejects import Wanted, describe, stack, want
from growlytics_pandas.upload.result import AnyResult
from growlytics_pandas.upload.runner import Run
from growlytics_pandas.upload.schema_frame import new_types, schema_frame
from growlytics_pandas.views.metrics import RunFacts
from growlytics_pandas.views.page import Page
from growlytics_pandas.views.tables import Limits


def lay_out_parts(
    options: PlanOptions,
    frame: pd.DataFrame,
    id_col: Hashable,
    connection: Connection | None,
    facts: Sequence[ColumnFacts] | None = None,
) -> Schema:
    """Lay out `frame`, or all the parts that `facts` were taken from and of which it is an example."""
    known = connection.known_types() if connection else None
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
        PartList(tuple(tasks), tuple(map(skipped_rows, tasks, surveys))),
    )


def _task(number: int, first_row: int, part: PartProfile, shared: SharedIds) -> PartTask:
    same, alike = shared.of(number)
    return PartTask(number, first_row, part.rows, same, alike, part.labels, digest_ids(part.has_id, part.exact))


def make_plan(
    engine: Executor,
    id_col: Hashable,
    options: PlanOptions,
    connection: Connection | None,
    surveyed: ProfiledParts | None = None,
) -> BatchPlan:
    """Make the plan of all parts that `engine` gives."""
    surveyed = surveyed or survey(engine, id_col, options)
    layout = lay_out_parts(options, surveyed.example, id_col, connection, surveyed.facts)
    violations = check_attributes(layout, surveyed.parts.rows)
    budget = budget_of(connection.workspace if connection else None, layout)
    if budget is not None and not engine.is_local:
        raise InvalidArgumentError(
            "columns: with what the ledger knows, a customer could have more than 100 custom attributes, and the "
            "workers do not see the ledger. Send fewer columns, or push without a cluster, or with Client(ledger=None)."
        )
    return BatchPlan(
        engine=engine,
        _connection=connection,
        options=options,
        surveyed=surveyed,
        common=Common(layout, surveyed.labels, dropped_columns(violations), budget),
        column_violations=tuple(violations),
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
    _connection: Connection | None = field(repr=False)
    options: PlanOptions = field(repr=False)
    surveyed: ProfiledParts = field(repr=False)
    common: Common = field(repr=False)
    column_violations: tuple[Violation, ...] = field(repr=False)

    @property
    def layout(self) -> Schema:  # type: ignore[override]
        """Which columns are sent, as what."""
        return self.common.layout

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return self.surveyed.parts.rows

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
        tasks = {task.number: task for task in self.surveyed.parts.tasks}
        found = dict(self.engine.run(check_part, self.common, tasks))
        of_rows = [violation for number in sorted(found) for violation in found[number].violations]
        of_columns = [*with_options(self.column_violations, self._suggested)]
        of_columns += check_suggestions(self.layout, self._suggested, self.rows)
        return Findings([*of_columns, *of_rows])

    @property
    def counts(self) -> dict[str, int]:
        """Status → number of rows, as a dry run would tell: `unsent` would be sent, `invalid` would not."""
        return self.surveyed.parts.counts()

    @property
    def changes(self) -> dict[str, int] | None:
        """What a push would change, by what the ledger knows now: see `Plan.changes`. All parts are read for it."""
        workspace = self._connection.workspace if self._connection else None
        if workspace is None:
            return None
        found = self.engine.digest(
            self.common, {task.number: task for task in self.surveyed.parts.tasks}, workspace.digester
        )
        return tally_changes(workspace, (each.digests for _, each in found), self.counts)

    def rejects(self) -> pd.DataFrame:
        """Return the rows that would not fully arrive, read again: see `Plan.rejects`."""
        return self.describe_rejects(self.surveyed.parts.open_book, [Status.INVALID], is_dry=True)

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
        for task in self.surveyed.parts.tasks:
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
        for task in self.surveyed.parts.tasks:
            if len(bodies) >= n:
                break
            asked = {task.number: (task, n - len(bodies))}
            bodies += next(iter(self.engine.run(preview_part, self.common, asked)))[1]
        return [json.loads(body) for body in bodies]

    def of(self, connection: Connection) -> BatchPlan:
        """Return the plan for a connection, whose ledger may know other types: this one if it was made for it."""
        if connection is self._connection:
            return self
        return make_plan(self.engine, self.layout.id_column, self.options, connection, self.surveyed)

    def push(self, **options: Any) -> BatchResult:
        """Carry this plan out; takes the options of `growlytics_pandas.push` that come after the plan's own."""
        chosen = PushOptions(**options)
        plan, connection = self._settled(chosen)
        return push_parts(plan, connection, chosen)

    def _repr_html_(self) -> str:
        """Show a page once all parts have been checked; to show a plan is no reason to read them all."""
        return super()._repr_html_() if self._is_checked else f"<code>{escape(repr(self))}</code>"

    @property
    def _is_checked(self) -> bool:
        return "findings" in self.__dict__

    def __repr__(self) -> str:
        looked = "" if self._is_checked else "; not checked yet: .violations reads all parts"
        return f"<BatchPlan of {plural(self.rows, 'row')} in {plural(len(self.surveyed.parts.tasks), 'part')}{looked}>"


@dataclass(frozen=True, eq=False, repr=False)
class BatchResult(AnyResult):
    """The result of a push of parts.

    Attributes
    ----------
    new_types : DataFrame
        Attributes whose type this push fixed for good: `attribute`, `type`.
    resent : DataFrame
        One row for each worker lost in the middle of a part: `part`, `rows`, of which `again` at most were sent twice.
        The same body twice changes nothing at the service.
    run : RunFacts
        When the run started, how long it took, how it ended.
    """

    plan: BatchPlan
    new_types: pd.DataFrame
    resent: pd.DataFrame
    run: RunFacts
    _books: Mapping[int, OutcomeBuffer] = field(repr=False)
    _store: OutcomeStore = field(repr=False)
    _connection: Connection | None = field(repr=False)
    _options: PushOptions = field(repr=False)

    @property
    def counts(self) -> dict[str, int]:
        """Status → number of rows, for every status; they sum to the rows of all parts."""
        total = dict.fromkeys((status.value for status in Status), 0)
        for task in self.plan.surveyed.parts.tasks:
            for status, count in self._book(task).counts().items():
                total[status] += count
        return total

    @property
    def has_incomplete_rows(self) -> bool:
        """Whether a row arrived, but not with every attribute it has: a column or a value was left out."""
        concerns_column, rows = self.findings.error_rows()
        return any(
            self._has_arrived(task, None if concerns_column else rows) for task in self.plan.surveyed.parts.tasks
        )

    @property
    def outcomes(self) -> pd.DataFrame:
        """One row per input row, in order: see `PushResult.outcomes`. Made anew at each look; nothing is sent.

        `index` is the label in its part. Rows of parts that were never begun have no `index` and `id`.
        """
        return pd.concat(list(self.outcome_parts()), ignore_index=True)

    @property
    def failed(self) -> pd.DataFrame:
        """The outcomes that need care: `invalid`, `failed`, `unknown`, and `unsent` unless it was a dry run."""
        care = self._statuses_of_care()
        parts = [frame[frame["status"].isin(care)] for frame in self.outcome_parts()]
        return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)

    def outcome_parts(self) -> Iterator[pd.DataFrame]:
        """Give the outcomes part by part, for when all would not fit in memory."""
        for task in self.plan.surveyed.parts.tasks:
            kept = self._store.get(task.number)
            yield self._blank(task) if kept is None else kept

    @property
    def outcome_files(self) -> list[Path]:
        """The Parquet files of outcomes too many to keep in memory; they are removed with this result."""
        return self._store.files

    def rejects(self) -> pd.DataFrame:
        """Return the user's own rows of what did not fully arrive, read again: see `PushResult.rejects`.

        Raises
        ------
        UsageError
            The source could be read only once.
        """
        is_dry = self.run.ended == "dry run"
        return self.plan.describe_rejects(self._book, self._statuses_of_care(), is_dry=is_dry)

    def retry(self) -> BatchResult:
        """Push again what is `failed`, `unknown` or `unsent`; parts without any are not read.

        Returns
        -------
        BatchResult
            A new result over all rows; those that had arrived keep their outcome.

        Raises
        ------
        UsageError
            The source could be read only once, or it was a dry run.
        """
        self._require_push()
        if not self.plan.engine.can_repeat:
            raise UsageError(
                "retry: this source could be read only once. Push it again with skip_unchanged=True: it sends only "
                "what is missing."
            )
        books = {number: book.copy() for number, book in self._books.items()}
        for book in books.values():
            book.reopen()
        options = replace(self._options, dry_run=False)
        return push_parts(self.plan, self._connection or connect(), options, books, self._store.copy())

    def _book(self, task: PartTask) -> OutcomeBuffer:
        return self._books.get(task.number) or self.plan.surveyed.parts.open_book(task)

    def _blank(self, task: PartTask) -> pd.DataFrame:
        rows = np.arange(task.rows)
        labels = pd.Index([None] * task.rows, dtype=object)
        return self._book(task).describe(rows, rows + task.first_row, labels, [""] * task.rows)

    def _has_arrived(self, task: PartTask, rows: npt.NDArray[np.int64] | None) -> bool:
        """Whether any row of a part arrived: of `rows`, sorted and counted through all parts, or (None) of all."""
        arrived = self._book(task).rows_with(ARRIVED)
        if rows is None:
            return len(arrived) > 0
        first, last = np.searchsorted(rows, [task.first_row, task.first_row + task.rows])
        return bool(np.isin(rows[first:last] - task.first_row, arrived).any())

    def _page(self, veil: Masker, limits: Limits) -> Page:
        why = veil.words(without(self.run.message, self.run.foreign)) if veil.is_on else self.run.message
        parts = (self._part_outcomes(task, veil) for task in self.plan.surveyed.parts.tasks)
        return self._page_of(gather_failed_rows(parts, self._statuses_of_care(), limits.rows, why=why), veil, limits)

    def _part_outcomes(self, task: PartTask, veil: Masker) -> PartOutcomes:
        book = self._book(task)

        def describe(rows: npt.NDArray[np.int64]) -> pd.DataFrame:
            kept = self._store.get(task.number)
            return (self._blank(task) if kept is None else kept).iloc[rows]

        return PartOutcomes(book, withhold_words(book, veil), describe)


def push_parts(
    plan: BatchPlan,
    connection: Connection | None,
    options: PushOptions,
    books: Mapping[int, OutcomeBuffer] | None = None,
    store: OutcomeStore | None = None,
) -> BatchResult:
    """Send the rows that are `unsent` in the books; a part without one is opened when its turn comes."""
    run = Run(connection, options, plan.engine, plan.surveyed.parts, plan.common, books, store)
    run.run()
    return run.conclude(result_of(run, plan, connection))


def result_of(run: Run, plan: BatchPlan, connection: Connection | None) -> BatchResult:
    """Return what a run came to."""
    options = run.options
    return BatchResult(
        plan=plan,
        new_types=new_types(run.confirmed, plan.layout, plan.common.dropped, is_dry=options.dry_run),
        resent=run.resent_frame(),
        run=run.facts(would_refuse=options.would_refuse(has_errors=plan.has_errors)),
        _books=run.books,
        _store=run.store,
        _connection=connection,
        _options=options,
    )
