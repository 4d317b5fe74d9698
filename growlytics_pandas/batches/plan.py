"""The plan over parts of a frame that is never whole in memory: its schema, its violations, what will go out."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from itertools import accumulate
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas.batches.duplicates import Tellings, find_suspects, settle
from growlytics_pandas.batches.engine import Engine
from growlytics_pandas.batches.parts import Common, PartTask, changed, check_part, fetch_ids, preview_part
from growlytics_pandas.batches.survey import (
    PartSurvey,
    Question,
    digest_ids,
    merge_columns,
    merge_floats,
    merge_labels,
    survey_part,
)
from growlytics_pandas.client import Client
from growlytics_pandas.columns.frames import prepare_frame
from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.identifiers import Keep, hash_texts
from growlytics_pandas.layout import ColumnFacts, Layout, NewAttributes, lay_out
from growlytics_pandas.name_rules import check_attributes, dropped_columns
from growlytics_pandas.outcomes import Book, Status
from growlytics_pandas.planning import AnyPlan, budget_of, require_count, schema_frame
from growlytics_pandas.report.tables import plural
from growlytics_pandas.rules import Rule
from growlytics_pandas.violations import build_frame, join

if TYPE_CHECKING:
    from growlytics_pandas.batches.result import BatchResult


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """The options of a plan; see `growlytics_pandas.plan`."""

    columns: Sequence[Hashable] | None = None
    rename: Mapping[Any, str] | None = None
    types: Mapping[Any, str] | None = None
    timezone: str = "UTC"
    region: str = "IN"
    keep: Keep = False
    name: str | None = None
    new_attributes: NewAttributes = "allow"

    def lay_out(
        self,
        frame: pd.DataFrame,
        id_col: Hashable,
        client: Client | None,
        facts: Sequence[ColumnFacts] | None = None,
    ) -> Layout:
        """Lay out `frame`, or all the parts that `facts` were taken from and of which it is an example."""
        workspace = client.workspace if client else None
        options = {name: getattr(self, name) for name in self.__slots__}
        known = workspace.known_types() if workspace else None
        return lay_out(prepare_frame(frame, id_col), id_col, known=known, facts=facts, **options)


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What the first look at all parts found out; the same for every client."""

    labels: tuple[Hashable, ...]
    facts: tuple[ColumnFacts, ...]
    example: pd.DataFrame
    tasks: tuple[PartTask, ...]
    without_id: tuple[npt.NDArray[np.int64], ...]
    told_once: frozenset[Rule] = frozenset()

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(task.rows for task in self.tasks)


def survey(engine: Engine, id_col: Hashable, options: PlanOptions) -> Surveyed:
    """Look at all parts, and a second time at the rows whose id may not be alone."""
    question = Question(id_col, dict(options.rename or {}), ZoneInfo(options.timezone))
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
    tellings = settle(suspects, texts, first_rows, options.keep)
    tasks = [_task(number, first_rows[number], each, tellings) for number, each in enumerate(surveys)]
    example = next((each.example for each in surveys if each.rows), surveys[0].example)
    return Surveyed(
        labels,
        tuple(merge_columns(surveys, labels)),
        example.reindex(columns=pd.Index(labels, tupleize_cols=False)) if tuple(example.columns) != labels else example,
        tuple(tasks),
        tuple(np.flatnonzero(~each.has_id) for each in surveys),
        merge_floats(surveys),
    )


def _task(number: int, first_row: int, part: PartSurvey, tellings: Tellings) -> PartTask:
    same, alike = tellings.of(number)
    return PartTask(number, first_row, part.rows, same, alike, part.labels, digest_ids(part.has_id, part.exact))


def make_plan(
    engine: Engine,
    id_col: Hashable,
    options: PlanOptions,
    client: Client | None,
    execute: Callable[..., BatchResult],
    surveyed: Surveyed | None = None,
) -> BatchPlan:
    """Make the plan of all parts that `engine` gives."""
    surveyed = surveyed or survey(engine, id_col, options)
    layout = options.lay_out(surveyed.example, id_col, client, surveyed.facts)
    findings = check_attributes(surveyed.example, _counting(layout, surveyed))
    budget = budget_of(client.workspace if client else None, layout)
    if budget is not None and not engine.is_local:
        raise InvalidArgumentError(
            "columns: with what the ledger knows, a customer could have more than 100 custom attributes, and the "
            "workers do not see the ledger. Send fewer columns, or push without a cluster, or with Client(ledger=None)."
        )
    return BatchPlan(
        engine=engine,
        client=client,
        surveyed=surveyed,
        common=Common(layout, surveyed.labels, dropped_columns(findings), surveyed.told_once, budget),
        column_violations=_for_every_part(build_frame(findings, surveyed.example.index)),
        _execute=execute,
        _replan=lambda other: make_plan(engine, id_col, options, other, execute, surveyed),
    )


def _for_every_part(found: pd.DataFrame) -> pd.DataFrame:
    """Let lines that read text pass over parts in which the column is empty, and so of no text."""
    found["fix"] = [
        f"if df[{column!r}].notna().any(): {line}"
        if rule == Rule.TYPE_DOUBTFUL and not line.startswith(("#", "("))
        else line
        for rule, column, line in zip(found["rule"], found["column"], found["fix"], strict=True)
    ]
    return found


def _counting(layout: Layout, surveyed: Surveyed) -> Layout:
    """Let the checks of whole columns, which see only the example, count the cells of all parts."""
    more = surveyed.rows - len(surveyed.example)
    return replace(layout, attributes=tuple(replace(a, missing=a.missing - more) for a in layout.attributes))


@dataclass(frozen=True, eq=False)
class BatchPlan(AnyPlan):
    """What a push of all parts would do; `push` does exactly that.

    Attributes
    ----------
    surveyed : Surveyed
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

    engine: Engine = field(repr=False)
    client: Client | None = field(repr=False)
    surveyed: Surveyed = field(repr=False)
    common: Common = field(repr=False)
    column_violations: pd.DataFrame = field(repr=False)
    _execute: Callable[..., BatchResult] = field(repr=False)
    _replan: Callable[[Client], BatchPlan] = field(repr=False)

    @property
    def layout(self) -> Layout:
        """Which columns are sent, as what."""
        return self.common.layout

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return self.surveyed.rows

    @cached_property
    def schema(self) -> pd.DataFrame:
        """One row per column sent, as `Plan.schema`; `dtype` lists those of all parts."""
        return schema_frame(self.layout, self.common.dropped)

    @cached_property
    def violations(self) -> pd.DataFrame:
        """Everything that will not arrive (error) or deserves a look (warning), as for one frame of all parts.

        `row` counts through all parts, `index` is the label in its part. The lines in `fix` are for one frame.
        """
        tasks = {task.number: task for task in self.surveyed.tasks}
        found = dict(self.engine.run(check_part, self.common, tasks))
        return join([self.column_violations, *(found[number] for number in sorted(found))])

    @property
    def counts(self) -> dict[str, int]:
        """Status → number of rows, as a dry run would tell: `unsent` would be sent, `invalid` would not."""
        invalid = sum(map(len, self.surveyed.without_id)) + sum(len(task.same.rows) for task in self.surveyed.tasks)
        found = {Status.INVALID: invalid, Status.UNSENT: self.rows - invalid}
        return {status.value: found.get(status, 0) for status in Status}

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

    def open_book(self, task: PartTask) -> Book:
        """Open the book of a part: rows that cannot be sent are settled, all others `unsent`."""
        book = Book(task.rows)
        skipped = {Rule.ID_MISSING: self.surveyed.without_id[task.number], Rule.ID_DUPLICATE: task.same.rows}
        for rule, rows in skipped.items():
            book.note_all(np.asarray(rows, dtype="int64"), Status.INVALID, f"not sent: {rule}; see violations")
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
        return "violations" in self.__dict__

    def __repr__(self) -> str:
        looked = "" if self._is_checked else "; not checked yet: .violations reads all parts"
        return f"<BatchPlan of {plural(self.rows, 'row')} in {plural(len(self.surveyed.tasks), 'part')}{looked}>"
