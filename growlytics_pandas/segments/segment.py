"""One segment: attribute, values and members file; its plan (joined, left, stayed), its push and its result."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas._status import ARRIVED, Status
from growlytics_pandas._text import argument, options_text, phrase, plural
from growlytics_pandas.checks.findings import Findings
from growlytics_pandas.checks.ids import IdCheck, check_ids, check_known_ids
from growlytics_pandas.checks.schema import find_id, infer_schema
from growlytics_pandas.columns.dtypes import Mask, Rows, classify
from growlytics_pandas.columns.plan_options import PlanOptions
from growlytics_pandas.errors import (
    ConstraintViolationError,
    DataError,
    GrowlyticsError,
    InvalidArgumentError,
    InvalidArgumentTypeError,
    UsageError,
)
from growlytics_pandas.segments.members import UNCONFIRMED, Purpose, locked, read_members, write_members, write_since
from growlytics_pandas.upload.connection import Connection, PushOptions, connection_of
from growlytics_pandas.upload.encode import Encoded
from growlytics_pandas.upload.outcomes import CODES, OutcomeBuffer
from growlytics_pandas.upload.parts import Part, PartList, PartTask, PlanContext, WholeFrame
from growlytics_pandas.upload.plan import Plan, PushResult
from growlytics_pandas.upload.rejects import Picked, Wanted
from growlytics_pandas.upload.runner import EndedRun, LocalRun

FEW: Final = 10  # members: if fewer, all may plausibly leave at once


@dataclass(frozen=True, slots=True)
class Segment:
    """The arguments of `push_segment` that define the segment; `plan` and `push` compare a frame with its members.

    `label` is for the texts of violations: see `Findings`.
    """

    id_col: Hashable
    attribute: str
    members: Path
    value: Any
    left: Any
    resend: bool
    allow_empty: bool
    reading: PlanOptions
    label: str = ""

    def __post_init__(self) -> None:
        _check_attribute(self.attribute, self.id_col)
        _check_values(self.value, self.left)
        for name in ("resend", "allow_empty"):
            found = getattr(self, name)
            if not isinstance(found, (bool, np.bool_)):
                raise InvalidArgumentError(f"{argument(name)}: found {found!r}; it must be True or False.")

    def purpose(self, connection: Connection | None) -> Purpose:
        """Return what the members file is for."""
        return Purpose(self.attribute, str(self.value), connection)

    def push(self, frame: pd.DataFrame, options: PushOptions, connection: Connection | None) -> EndedRun[SegmentResult]:
        """Compare the frame with the members file, and send the difference."""
        with nullcontext() if options.dry_run else locked(self.members):
            plan = self.plan(frame, connection)._checked_for(options, None)
            self._require_attribute(plan, options)
            if not options.dry_run and plan._size_warning:
                raise DataError(plan._size_warning)
            return plan._send_rows(options, plan._parts.open_buffer(plan._part.task), plan._before)

    def plan(self, frame: pd.DataFrame, connection: Connection | None) -> SegmentPlan:
        """Work out who joined, left and stayed."""
        known = connection.known_types() if connection else None
        ids = frame.iloc[:, [find_id(frame, self.id_col)]]
        id_schema = infer_schema(ids, self.id_col, self._reading_of_id(ids.columns[0]), known=None)
        checked = check_ids(ids, id_schema)
        texts = id_schema.read_ids(ids.iloc[:, 0]).texts
        before = read_members(self.members, self.purpose(connection))
        moves = compare(texts, checked.skipped, before or {})
        combined = self._combined(ids, texts, moves)
        schema = infer_schema(combined, self.id_col, self._options(), known=known)
        context = PlanContext.of(schema, tuple(combined.columns), len(combined), connection)
        spelled = check_known_ids(ids, id_schema, context.knows)
        context = replace(context, knows=None)  # asked here, since the combined frame has ids only as they are sent
        of_ids = Findings([*checked.violations, *spelled], ids).detach(0)  # with ids as the frame has them
        skipped = np.concatenate([checked.skipped, np.zeros(len(moves.leavers), dtype=bool)])
        id_check = IdCheck(of_ids.violations, skipped, checked.skipped_by)
        part = Part(combined, context, id_check, PartTask(0, 0, len(combined)))
        unchanged = {} if self.resend else {0: moves.stayers}
        return SegmentPlan(
            context,
            self._options(),
            connection,
            WholeFrame(part),
            PartList((part.task,), (checked.skipped_by,), unchanged),
            _segment=self,
            _source=frame,
            _moves=moves,
            _before=before,
        )

    def _reading_of_id(self, label: Hashable) -> PlanOptions:
        """Return only the options for the id: no option may change the value."""
        reading = self.reading.reading_of(label)
        return replace(
            self.reading,
            na_values={label: reading.na_values},
            strip=[label] if reading.strip else False,
            normalize={label: reading.normalize} if reading.normalize else None,
            new_attributes="allow",
        )

    def _options(self) -> PlanOptions:
        """Return the options for the rows to send: the ids are already read."""
        return replace(self.reading, columns=[self.attribute], na_values=None, strip=False, normalize=None, keep=False)

    def _combined(self, ids: pd.DataFrame, texts: list[str], moves: Moves) -> pd.DataFrame:
        """Return the rows of the frame followed by the customers who left, with the value to send for each."""
        leavers = list(moves.leavers)
        index = ids.index
        if leavers:
            index = pd.Index([*index.tolist(), *[None] * len(leavers)], dtype=object, tupleize_cols=False)
        columns = {
            0: pd.Series([*texts, *leavers], dtype=object),
            1: _column([self.value] * len(texts) + [self.left] * len(leavers)),
        }
        combined = pd.DataFrame(columns).set_axis(index)
        combined.columns = pd.Index([ids.columns[0], self.attribute], dtype=object, tupleize_cols=False)
        return combined

    def _require_attribute(self, plan: SegmentPlan, options: PushOptions) -> None:
        """Raise if the attribute cannot be sent, also with ``errors="drop"``: nothing of the segment would be left."""
        if plan._context.dropped and not options.dry_run:
            found = next(group for group in plan._findings.groups() if group.row is None)
            raise ConstraintViolationError(
                f"nothing was sent: {found.message} The segment has no other attribute to send, also with "
                f"{options_text(errors='drop')}. Fix: {found.fix}",
                plan=plan,
            )


def _check_attribute(attribute: Any, id_col: Hashable) -> None:
    if not isinstance(attribute, str):
        raise InvalidArgumentTypeError(
            f"{argument('attribute')}: found {attribute!r}; it must be text, such as 'Is VIP'."
        )
    if attribute in contract.RESERVED_ATTRIBUTES:
        raise InvalidArgumentError(
            f"{argument('attribute')}: {attribute!r} is a reserved attribute, which campaigns use; choose another name."
        )
    if attribute == id_col:
        raise InvalidArgumentError(f"{argument('attribute')}: {attribute!r} is the id column; choose another name.")


def _check_values(value: Any, left: Any) -> None:
    for name, found in (("value", value), ("left", left)):
        if not pd.api.types.is_scalar(found) or pd.isna(found) or classify(_column([found])).type is None:
            raise InvalidArgumentError(
                f"{argument(name)}: found {found!r}; it must be True or False, text, a number or a date. A missing "
                "value cannot be sent."
            )
    types = [classify(_column([found])).type for found in (value, left)]
    if types[0] is not types[1]:
        raise InvalidArgumentError(
            f"{argument('left')}: found {left!r}, a {types[1]}, but {argument('value')} is {value!r}, a {types[0]}; "
            "use values of one type."
        )
    if value == left:
        raise InvalidArgumentError(
            f"{argument('left')}: found {left!r}, the same as {argument('value')}; use another value for customers who "
            "left."
        )


def _column(values: list[Any]) -> pd.Series[Any]:
    return pd.Series(values, dtype=None if values else object)


@dataclass(frozen=True, eq=False, kw_only=True)
class SegmentPlan(Plan):
    """What a push of a segment would do: the rows of the frame, followed by the customers who left."""

    _segment: Segment = field(repr=False)
    _source: pd.DataFrame = field(repr=False)
    _moves: Moves = field(repr=False)
    _before: dict[str, str] | None = field(repr=False)

    @cached_property
    def _findings(self) -> Findings:
        """The violations, not yet a frame."""
        return self._part.findings(label=self._segment.label)

    @property
    def _first_leaver(self) -> int:
        """The row of the first customer who left."""
        return len(self.frame) - len(self._moves.leavers)

    @property
    def is_first_run(self) -> bool:
        """Whether there is no members file yet, so that nobody can be recognized as having left."""
        return self._before is None

    @property
    def _size_warning(self) -> str:
        """Why the frame is suspiciously small; '' if it is not, or with `allow_empty`."""
        present, known = len(self._moves.joiners) + len(self._moves.stayers), len(self._before or {})
        if self._segment.allow_empty:
            return ""
        if not present:
            found = "no customer"
        elif 2 * present < known:
            found = f"{plural(present, 'customer')}, fewer than half of the {known:,} in {argument('members')}"
        elif known >= FEW and len(self._moves.leavers) == known:
            found = f"none of the {known:,} customers in {argument('members')}"
        else:
            return ""
        left = phrase(repr(self._segment.left), json.dumps(self._segment.left, default=str))
        return (
            f"{argument('df')}: it has {found}; {plural(len(self._moves.leavers), 'customer')} would be sent "
            f"{self._segment.attribute} = {left}. Nothing was sent. If intended: "
            f"{options_text(allow_empty=True)}."
        )

    def _pick(
        self, requested: Mapping[int, tuple[PartTask, Wanted]]
    ) -> Iterable[tuple[int, tuple[Picked, pd.DataFrame]]]:
        for number, (picked, _) in super()._pick(requested):
            yield number, (picked, self._source_rows(picked.rows))

    def _source_rows(self, rows: Rows) -> pd.DataFrame:
        """Return rows of the user's frame; for customers who left, only the id."""
        first = self._first_leaver
        found, gone = self._source.iloc[rows[rows < first]], rows[rows >= first]
        if not len(gone):
            return found
        cells = np.full((len(gone), found.shape[1]), None, dtype=object)
        cells[:, find_id(found, self._segment.id_col)] = self._part.ids(gone)
        ids = pd.DataFrame(cells, columns=found.columns).set_axis(pd.Index([None] * len(gone), dtype=object))
        plain = found.astype(object).set_axis(pd.Index(found.index.tolist(), dtype=object, tupleize_cols=False))
        joined: pd.DataFrame = pd.concat([plain, ids])
        return joined

    def _of(self, connection: Connection) -> Self:
        """Return the plan for a connection, whose ledger may know other types: this one if it was made for it."""
        if connection is self._connection:
            return self
        return self._segment.plan(self._source, connection)  # type: ignore[return-value]

    def push(self, *, client: Any = None, **options: Any) -> SegmentResult:
        """Send this plan; the members file is read again."""
        return self._push(PushOptions(**options), connection_of(client)).conclude()

    def _push(self, options: PushOptions, connection: Connection | None = None) -> EndedRun[SegmentResult]:
        return self._segment.push(self._source, options, connection or self._connection)

    def _send_rows(
        self,
        options: PushOptions,
        buffer: OutcomeBuffer,
        kept: dict[str, str] | None,
        without: Iterable[int] = (),
        *,
        is_retry: bool = False,
    ) -> EndedRun[SegmentResult]:
        """Send the rows that are `unsent` in the buffer; `kept` is the content of the members file."""
        run = SegmentRun(options, self, buffer, kept, without, is_retry=is_retry)
        run.run()
        facts = self._facts(run)
        if options.dry_run and self._size_warning:
            facts["run"] = replace(facts["run"], would_refuse=True)
        left_out = np.array(sorted(run.without), dtype="int64")
        return EndedRun(run, SegmentResult(**facts, _without=left_out, _kept=run.kept))

    @property
    def _moves_text(self) -> str:
        joined, left, stayed = len(self._moves.joiners), len(self._moves.leavers), len(self._moves.stayers)
        return f"{joined:,} join, {left:,} leave, {stayed:,} stay"

    def __repr__(self) -> str:
        return f"<SegmentPlan of {self._segment.attribute!r}: {self._moves_text}>"


@dataclass(frozen=True, slots=True)
class Moves:
    """Who joined, left and stayed: rows of the frame, and the sorted ids of members that are no longer in it."""

    joiners: Rows
    stayers: Rows
    leavers: tuple[str, ...]


def compare(texts: list[str], skipped: Mask, before: Mapping[str, str]) -> Moves:
    """Compare ids as they are sent. An uncertain id is sent again, whether in the frame or not."""
    rows = np.flatnonzero(~skipped)
    stays = np.fromiter((before.get(texts[row], UNCONFIRMED) != UNCONFIRMED for row in rows.tolist()), bool, len(rows))
    now = {texts[row] for row in rows.tolist()}
    return Moves(rows[~stays], rows[stays], tuple(sorted(before.keys() - now)))


class SegmentRun(LocalRun):
    """A run that updates the members file: uncertain ids before the first request, confirmed ones at the end."""

    def __init__(
        self,
        options: PushOptions,
        plan: SegmentPlan,
        buffer: OutcomeBuffer,
        kept: dict[str, str] | None,
        without: Iterable[int] = (),
        *,
        is_retry: bool = False,
    ) -> None:
        what = plan._executor, plan._parts, plan._context
        super().__init__(plan._connection, options, *what, {0: buffer}, is_retry=is_retry)
        self.buffer = buffer
        self.kept = kept  # the content of the members file
        self.without = set(without)  # rows sent without the attribute, since the customer has 100 others
        self._plan = plan

    def _deliver(self, connection: Connection) -> None:
        before = self.kept or {}
        going = set(self.buffer.rows_with([Status.UNSENT]).tolist())
        moving = [(row, id_) for row, id_ in self._moving() if row in going]
        self._keep(before | {id_: UNCONFIRMED for _, id_ in moving})
        is_certain = False
        try:
            super()._deliver(connection)
            is_certain = True
        except GrowlyticsError:
            is_certain = True  # every row has an outcome
            raise
        finally:
            self._keep(self._after(before, moving, is_certain=is_certain))

    def look_at(self, encoded: Encoded) -> None:
        """Record the rows without the attribute."""
        self.without.update(encoded.rows[~encoded.present[self._plan._segment.attribute]].tolist())

    def _dry_run(self) -> None:
        super()._dry_run()
        part = self._plan._part
        if part.context.budget is not None:  # else the attribute fits
            for encoded in part.encoded(np.equal(self.buffer.codes(), CODES[Status.UNSENT])):
                self.look_at(encoded)

    def _moving(self) -> Iterator[tuple[int, str]]:
        """Yield row and id of everyone who joins or leaves."""
        plan, joiners = self._plan, self._plan._moves.joiners
        yield from zip(joiners.tolist(), plan._part.ids(joiners), strict=True)
        yield from enumerate(plan._moves.leavers, start=plan._first_leaver)

    def _after(
        self, before: Mapping[str, str], moving: Iterable[tuple[int, str]], *, is_certain: bool
    ) -> dict[str, str]:
        """Return the members according to the outcomes; ids that certainly did not arrive keep their previous entry."""
        after, codes, now = dict(before), self.buffer.codes(), write_since(datetime.now(UTC))
        arrived = {CODES[status] for status in ARRIVED}
        for row, id_ in moving:
            if int(codes[row]) in arrived and row not in self.without:
                after[id_] = now
                if row >= self._plan._first_leaver:
                    del after[id_]
            elif row in self.buffer.lost or codes[row] == CODES[Status.UNKNOWN] or not is_certain:
                after[id_] = UNCONFIRMED
        return after

    def _keep(self, members: dict[str, str]) -> None:
        if members != self.kept:
            segment = self._plan._segment
            write_members(segment.members, members, segment.purpose(self._connection))
            self.kept = members


@dataclass(frozen=True, eq=False, repr=False)
class SegmentResult(PushResult):
    """The result of `push_segment`: one outcome per row of the frame, then one per customer who left."""

    plan: SegmentPlan
    _without: Rows = field(repr=False, kw_only=True)
    _kept: dict[str, str] | None = field(repr=False, kw_only=True)

    @property
    def joined(self) -> int:
        """Customers who joined, as accepted by the service (in a dry run: who would)."""
        return self._count(self.plan._moves.joiners)

    @property
    def left(self) -> int:
        """Customers who left, as accepted by the service (in a dry run: who would)."""
        return self._count(np.arange(self.plan._first_leaver, len(self.plan.frame)))

    @property
    def stayed(self) -> int:
        """Members who stayed."""
        return len(self.plan._moves.stayers)

    @property
    def is_first_run(self) -> bool:
        """Whether there was no members file, so that nobody could be recognized as having left."""
        return self.plan.is_first_run

    def _count(self, rows: Rows) -> int:
        wanted = [*ARRIVED, Status.UNSENT] if self._is_dry else ARRIVED
        has_arrived = np.isin(self._buffers[0].codes()[rows], [CODES[status] for status in wanted])
        return int((has_arrived & ~np.isin(rows, self._without)).sum())

    @property
    def note(self) -> str:
        """How many joined, left and stayed, in one line."""
        verbs = ("would join", "would leave") if self._is_dry else ("joined", "left")
        words = f"{self.joined:,} {verbs[0]}, {self.left:,} {verbs[1]}, {self.stayed:,} stayed"
        words += "; first run: no earlier members" if self.is_first_run else ""
        words += f"; {super().note}" if super().note else ""
        warning = self.plan._size_warning if self._is_dry else ""
        return f"{words}; {warning}" if warning else words

    def retry(self, *, rejected: bool = True) -> SegmentResult:
        """Push again what is `failed`, `unknown` or `unsent`: see `PushResult.retry`.

        Raises
        ------
        UsageError
            It was a dry run, or the members file has changed since.
        """
        self._require_push()
        segment = self.plan._segment
        with locked(segment.members):
            options, buffers, _ = self._retried(rejected=rejected)
            if read_members(segment.members, segment.purpose(self.plan._connection)) != self._kept:
                raise UsageError(
                    f"retry: {str(segment.members)!r} has changed since; another run has pushed the segment. Call "
                    "push_segment again, which sends what is missing."
                )
            return self.plan._send_rows(
                options, buffers[0], self._kept, self._without.tolist(), is_retry=True
            ).conclude()
