"""A push of a segment, which keeps the members file; and its result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import cast

import numpy as np

from growlytics_pandas._status import ARRIVED, Status
from growlytics_pandas.client import Client
from growlytics_pandas.errors import GrowlyticsError, UsageError
from growlytics_pandas.segments.members import IN_DOUBT, locked, read_members, write_members, write_since
from growlytics_pandas.segments.plan import Rows, SegmentPlan
from growlytics_pandas.upload.encode import Encoded
from growlytics_pandas.upload.outcomes import CODES, OutcomeBuffer
from growlytics_pandas.upload.push_options import PushOptions
from growlytics_pandas.upload.result import PushResult
from growlytics_pandas.upload.runner import Run


class SegmentRun(Run):
    """A run that keeps the members file: what is in doubt before the first request, what is certain at the end."""

    plan: SegmentPlan

    def __init__(
        self,
        plan: SegmentPlan,
        client: Client | None,
        options: PushOptions,
        book: OutcomeBuffer,
        kept: dict[str, str] | None,
    ) -> None:
        super().__init__(plan, client, options, book)
        self._kept = kept  # what the members file holds
        self._without: set[int] = set()  # rows sent without the attribute: the customer has 100 others

    def _deliver(self, client: Client) -> None:
        before = self._kept or {}
        going = set(self.book.rows_with([Status.UNSENT]).tolist())
        moving = [(row, id_) for row, id_ in self._moving() if row in going]
        self._keep(before | {id_: IN_DOUBT for _, id_ in moving})
        is_certain = False
        try:
            super()._deliver(client)
            is_certain = True
        except GrowlyticsError:
            is_certain = True  # every row has its outcome
            raise
        finally:
            self._keep(self._after(before, moving, is_certain=is_certain))

    def _encoded(self) -> Iterator[Encoded]:
        for encoded in super()._encoded():
            self._without.update(encoded.rows[~encoded.present[self.plan.segment.attribute]].tolist())
            yield encoded

    def _moving(self) -> Iterator[tuple[int, str]]:
        """Give row and id of everyone who joins or leaves."""
        joiners = self.plan.moves.joiners
        yield from zip(joiners.tolist(), self.plan.ids(joiners), strict=True)
        yield from enumerate(self.plan.moves.leavers, start=self.plan.first_leaver)

    def _after(
        self, before: Mapping[str, str], moving: Iterable[tuple[int, str]], *, is_certain: bool
    ) -> dict[str, str]:
        """Return who is in, by outcomes; who was not reached for certain keeps the place of before."""
        after, codes, now = dict(before), self.book.codes(), write_since(datetime.now(UTC))
        arrived = {CODES[status] for status in ARRIVED}
        for row, id_ in moving:
            if int(codes[row]) in arrived and row not in self._without:
                after[id_] = now
                if row >= self.plan.first_leaver:
                    del after[id_]
            elif row in self.book.lost or codes[row] == CODES[Status.UNKNOWN] or not is_certain:
                after[id_] = IN_DOUBT
        return after

    def _keep(self, members: dict[str, str]) -> None:
        if members != self._kept:
            write_members(self.plan.segment.members, members)
            self._kept = members

    def _result(self, ended: str, message: str = "") -> SegmentResult:
        run = self._facts(self.plan, ended, message)
        if self.options.dry_run and self.plan.doubt:
            run = replace(run, would_refuse=True)
        return SegmentResult(
            plan=self.plan,
            new_types=self._new_types(),
            run=run,
            _book=self.book,
            _again=self._again,
            _without=np.array(sorted(self._without), dtype="int64"),
        )

    def _again(self, book: OutcomeBuffer) -> SegmentResult:
        book.reopen()
        segment = self.plan.segment
        with locked(segment.members):
            if read_members(segment.members) != self._kept:
                raise UsageError(
                    f"retry: {str(segment.members)!r} has changed since; another run has sent the segment. Call "
                    "push_segment again: it sends what is missing."
                )
            options = replace(self.options, dry_run=False)
            again = SegmentRun(self.plan, self._client or Client(), options, book, self._kept)
            again._without |= self._without
            return cast("SegmentResult", again.run_to_end())


@dataclass(frozen=True, eq=False, repr=False)
class SegmentResult(PushResult):
    """The result of `push_segment`: one outcome a row of the frame, then one for each customer who left.

    Attributes
    ----------
    joined, left : int
        Customers who joined or left, and the service has accepted it (a dry run: who would).
    stayed : int
        Customers who were in before and still are.
    is_first_run : bool
        Whether there was no members file, so that no leavers were known.
    """

    plan: SegmentPlan
    _without: Rows = field(repr=False, kw_only=True)

    @property
    def joined(self) -> int:
        """Customers who joined, and the service has accepted it (a dry run: who would)."""
        return self._count(self.plan.moves.joiners)

    @property
    def left(self) -> int:
        """Customers who left, and the service has accepted it (a dry run: who would)."""
        return self._count(np.arange(self.plan.first_leaver, len(self.plan.frame)))

    @property
    def stayed(self) -> int:
        """Customers who were in before and still are."""
        return len(self.plan.moves.stayers)

    @property
    def is_first_run(self) -> bool:
        """Whether there was no members file, so that no leavers were known."""
        return self.plan.is_first_run

    def _count(self, rows: Rows) -> int:
        wanted = [*ARRIVED, Status.UNSENT] if self.run.ended == "dry run" else ARRIVED
        has_arrived = np.isin(self._book.codes()[rows], [CODES[status] for status in wanted])
        return int((has_arrived & ~np.isin(rows, self._without)).sum())

    @property
    def note(self) -> str:
        """Who joined, left and stayed, in a line."""
        verbs = ("would join", "would leave") if self.run.ended == "dry run" else ("joined", "left")
        words = f"{self.joined:,} {verbs[0]}, {self.left:,} {verbs[1]}, {self.stayed:,} stayed"
        words += "; a first run, which knows no leavers" if self.is_first_run else ""
        doubt = self.plan.doubt if self.run.ended == "dry run" else ""
        return f"{words}; {doubt}" if doubt else words
