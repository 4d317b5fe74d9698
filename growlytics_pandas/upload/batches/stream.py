"""A push of batches that come only once: each is looked at, checked and sent before the next is taken."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Hashable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from growlytics_pandas.checks.findings import Findings
from growlytics_pandas.checks.ids import EARLIER_BATCH, Alike
from growlytics_pandas.checks.names import check_attributes, dropped_columns
from growlytics_pandas.checks.schema import Schema
from growlytics_pandas.client import Client
from growlytics_pandas.columns.frames import prepare_frame
from growlytics_pandas.columns.options import PlanOptions
from growlytics_pandas.errors import DataError, InvalidArgumentError
from growlytics_pandas.upload.batches.duplicates import compare, find_suspects
from growlytics_pandas.upload.batches.executor import FrameExecutor, LocalRunControl
from growlytics_pandas.upload.batches.parts import Common, Part, PartOutcome, PartTask, fetch_ids, push_part
from growlytics_pandas.upload.batches.plan import BatchPlan, ProfiledParts, lay_out_parts
from growlytics_pandas.upload.batches.profile import (
    PartProfile,
    Question,
    align,
    merge_columns,
    merge_samples,
    survey_part,
)
from growlytics_pandas.upload.batches.result import BatchResult
from growlytics_pandas.upload.batches.run import BatchRun
from growlytics_pandas.upload.batches.seen_ids import SeenIds
from growlytics_pandas.upload.plan import budget_of
from growlytics_pandas.upload.push_options import PushOptions, refusal, settle_client


def push_stream(
    engine: FrameExecutor, id_col: Hashable, plan_options: PlanOptions, client: Client | None, options: PushOptions
) -> BatchResult:
    """Push batches that can be read only once."""
    if plan_options.keep == "last":
        raise InvalidArgumentError(
            "keep: 'last' needs a look at all batches before the first is sent, and this source can be read only once. "
            "Give a function that opens it anew, or keep='first'."
        )
    client = settle_client(options, client)
    frames = (frame for _, frame in engine.walk(None))
    first = next(frames, None)
    if first is None:
        raise InvalidArgumentError("frames: the source gave none; there must be one, if only for its columns.")
    settled = replace(plan_options, types=_types_given(first, id_col, plan_options, client))
    return StreamRun(engine, itertools.chain([first], frames), id_col, settled, client, options).run_to_end()


def _types_given(frame: pd.DataFrame, id_col: Hashable, options: PlanOptions, client: Client | None) -> dict[Any, str]:
    """Return column → type, given or known to the ledger; refuse to guess from the first batch alone."""
    layout = lay_out_parts(options, frame.head(0), id_col, client)
    custom = [attribute for attribute in layout.attributes if not attribute.is_reserved]
    types = {a.column: options.type_of(a.column) or (a.known.type if a.known else None) for a in custom}
    unknown = [label for label, kind in types.items() if kind is None]
    if unknown:
        named = ", ".join(map(repr, unknown[:10])) + (f" +{len(unknown) - 10} more" if len(unknown) > 10 else "")  # noqa: PLR2004
        raise InvalidArgumentError(
            f"types: this source can be read only once, and the type of {named} is neither given nor known to the "
            "ledger. Give types={column: type}, or a function that opens the source anew: "
            "lambda: pd.read_csv(path, chunksize=100_000)."
        )
    return {label: str(kind) for label, kind in types.items()}


class StreamRun(BatchRun):
    """A run whose plan grows batch by batch."""

    def __init__(
        self,
        engine: FrameExecutor,
        frames: Iterator[pd.DataFrame],
        id_col: Hashable,
        plan_options: PlanOptions,
        client: Client | None,
        options: PushOptions,
    ) -> None:
        super().__init__(_empty_plan(engine, client), client, options)
        self._frames = frames
        self._id_col = id_col
        self._plan_options = plan_options
        self._question = Question(id_col, plan_options)
        self._seen = SeenIds()
        self._reported: set[tuple[str, int]] = set()
        self._common: Common | None = None

    @property
    def common(self) -> Common:
        """What holds for all parts so far."""
        return self._common or self.plan.common

    def outcomes(self) -> Generator[PartOutcome, None, None]:
        """Look at each batch, check it, send it."""
        reins = LocalRunControl(self)
        for frame in self._frames:
            part = self._take(frame)
            self._refuse_errors(part)
            if self.keeper is not None:
                self.keeper.announce(self.types_sent)
            order = self.order(part.task, part.digest(self.digester) if self.digester else None)
            if order is not None:
                reins.number = part.task.number
                yield push_part(part, order, self.client, reins)
            if self.stop.requested:
                return

    def _rehearse(self) -> BatchResult:
        for frame in self._frames:
            self._take(frame)
        return self._result("dry run")

    def _take(self, frame: pd.DataFrame) -> Part:
        """Add a batch to the plan."""
        frame = prepare_frame(frame, self._id_col)
        before = self.plan.surveyed
        survey = survey_part(frame, self._question)
        labels = before.labels or survey.labels
        if extra := [label for label in survey.labels if label not in labels]:
            raise DataError(
                f"batch {len(before.tasks)}: it has the column {extra[0]!r}, which the first batch had not. It and "
                "what follows is unsent; choose columns=, or give every batch the same ones."
            )
        facts = merge_columns([survey], labels)
        layout = lay_out_parts(self._plan_options, align(survey.example, labels), self._id_col, self._client, facts)
        violations = check_attributes(layout, len(frame))
        budget = budget_of(self._client.workspace if self._client else None, layout)
        self._common = Common(layout, labels, dropped_columns(violations), budget)
        fresh = [found for found in violations if (found.rule, found.position) not in self._reported]
        self._reported.update((found.rule, found.position) for found in fresh)
        task = self._task(frame, survey, layout)
        part = Part(frame, self._common, task)
        self._grow(task, survey, Findings([*fresh, *part.findings().violations]))
        return part

    def _task(self, frame: pd.DataFrame, survey: PartProfile, layout: Schema) -> PartTask:
        suspects = find_suspects([survey])
        texts = {number: fetch_ids(frame, self._question, rows) for number, rows in suspects.items()}
        first_row = self.plan.rows
        same, alike = compare(suspects, texts, [first_row], layout.keep).of(0)
        old = np.flatnonzero(self._seen.among(survey.exact) & survey.has_id)
        self._seen.add(survey.exact[survey.has_id])
        again = zip(same.rows.tolist(), same.sharing.tolist(), same.others.tolist(), strict=True)
        triples = {row: (row, sharing, other) for row, sharing, other in again}
        triples |= {row: (row, 2, EARLIER_BATCH) for row in old.tolist()}
        repeated = Alike.of(list(triples.values()))
        return PartTask(len(self.plan.surveyed.tasks), first_row, len(frame), repeated, alike)

    def _grow(self, task: PartTask, survey: PartProfile, found: Findings) -> None:
        before, findings = self.plan.surveyed, self.plan.findings
        surveyed = replace(
            before,
            labels=before.labels or survey.labels,
            sample=merge_samples([survey], before.labels or survey.labels),
            tasks=(*before.tasks, task),
            without_id=(*before.without_id, np.flatnonzero(~survey.has_id & ~survey.is_rounded)),
            rounded_id=(*before.rounded_id, np.flatnonzero(survey.is_rounded)),
        )
        self.plan = replace(self.plan, surveyed=surveyed, common=self.common)
        self.plan.__dict__["findings"] = Findings([*findings.violations, *found.violations])

    def _refuse_errors(self, part: Part) -> None:
        """Stop before this batch, if something of it could not arrive and that is no way to go on."""
        number = part.task.number
        if self.options.errors == "raise" and self.plan.has_errors:
            raise refusal(self.plan, f"batch {number} and what follows was not sent" if number else "nothing was sent")


def _empty_plan(engine: FrameExecutor, client: Client | None) -> BatchPlan:
    nothing = pd.DataFrame({"": pd.Series(dtype=object)})
    layout = lay_out_parts(PlanOptions(), nothing, "", None)
    plan = BatchPlan(
        engine,
        client,
        PlanOptions(),
        ProfiledParts((), (), nothing, nothing, (), (), ()),
        Common(layout, (), frozenset()),
        (),
        _once,
        _once,
    )
    plan.__dict__["findings"] = Findings(())
    return plan


def _once(*_: Any, **__: Any) -> Any:
    raise InvalidArgumentError("frames: this source could be read only once, and it has been.")
