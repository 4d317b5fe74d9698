"""Carries a plan out: encoding, delivery, outcomes, result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from growlytics_pandas._status import Status
from growlytics_pandas.client import Client
from growlytics_pandas.columns.chunks import starts
from growlytics_pandas.errors import GrowlyticsError
from growlytics_pandas.http.concurrency import ConcurrencyController
from growlytics_pandas.upload.base_run import BaseRun, Snapshot, pulse_of
from growlytics_pandas.upload.dispatcher import Chunk, Delivery, Limits
from growlytics_pandas.upload.encode import Encoded
from growlytics_pandas.upload.ledger_writer import LedgerWriter
from growlytics_pandas.upload.outcomes import OutcomeBuffer
from growlytics_pandas.upload.plan import MAX_CROWD_ROWS, Plan, types_frame, types_to_fix
from growlytics_pandas.upload.push_options import PushOptions, settle
from growlytics_pandas.upload.result import PushResult


def execute(plan: Plan, **options: Any) -> PushResult:
    """Push `plan`. The options are those of `PushOptions`."""
    chosen = PushOptions(**options)
    settled, client = settle(plan, chosen)
    return Run(settled, client, chosen, settled.open_book()).run_to_end()


class Run(BaseRun[PushResult]):
    """One run over the rows of a plan that are still `unsent` in its book."""

    def __init__(self, plan: Plan, client: Client | None, options: PushOptions, book: OutcomeBuffer) -> None:
        super().__init__(client, options)
        self.plan = plan
        self.book = book
        self.delivery: Delivery | None = None
        self.recorder: LedgerWriter | None = None

    def pulse(self) -> Snapshot:
        """Return how far the run is."""
        return pulse_of(self.delivery, self.book) if self.delivery else Snapshot(self.book.counts())

    def _masker(self, pulse: Snapshot) -> Callable[[str], str]:
        """Mask the values of all rows; of a large frame, where that takes time, leave the words of the server out."""
        return self.plan.crowd(()).hide if len(self.plan.frame) <= MAX_CROWD_ROWS else super()._masker(pulse)

    def _rehearse(self) -> PushResult:
        workspace = self._client.workspace if self._client and self.options.skip_unchanged else None
        if workspace is not None:
            for encoded in self._encoded():
                same = workspace.unchanged(workspace.digest(encoded.ids, encoded.bodies))
                self.book.note_all(encoded.rows[same], Status.UNCHANGED)
        return self._result("dry run")

    def _deliver(self, client: Client) -> None:
        workspace = client.workspace
        rows, types = len(self.plan.frame), self.plan.types_sent()
        self.recorder = LedgerWriter(workspace, rows, types, self.options.label) if workspace else None
        ended = "crashed"
        try:
            self.delivery = self._open_delivery(client)
            self.delivery.run(self._chunks())
            self.error = self.delivery.error
            ended = self._ending()
        except GrowlyticsError:
            ended = "stopped early"
            raise
        finally:
            if self.recorder is not None:
                self.recorder.finish(self.book, ended)

    def _open_delivery(self, client: Client) -> Delivery:
        return Delivery(
            client.open_transport(self.options.max_concurrency),
            ConcurrencyController(max_concurrency=self.options.max_concurrency, max_rate=self.options.max_rate),
            self.book,
            limits=Limits(max_failures=self.options.max_failures, max_waiting=4 * self.options.chunk_size),
            stop=self.stop,
            on_accepted=self.recorder.note_accepted if self.recorder else _forget,
            on_tick=self._tick,
        )

    def _tick(self, _delivery: Delivery) -> None:
        if self.is_due():
            self._tell("update")

    def _encoded(self) -> Iterator[Encoded]:
        """Encode, chunk by chunk, the rows that were `unsent` when the run began."""
        wanted = np.zeros(len(self.plan.frame), dtype=bool)
        wanted[self.book.rows_with([Status.UNSENT])] = True
        for start, stop in starts(len(self.plan.frame), self.options.chunk_size):
            if wanted[start:stop].any():
                yield self.plan.encode(start, stop, wanted)

    def _chunks(self) -> Iterator[Chunk]:
        for encoded in self._encoded():
            going = encoded
            if self.recorder is not None:
                if self.options.skip_unchanged:
                    changed = self.recorder.changed(encoded)
                    self.book.note_all(encoded.rows[~changed], Status.UNCHANGED)
                    going = encoded.take(changed)
                self.recorder.before_sending(going)
            yield Chunk(going.rows.tolist(), going.bodies)

    def _result(self, ended: str, message: str = "") -> PushResult:
        return PushResult(
            plan=self.plan,
            new_types=self._new_types(),
            run=self._facts(self.plan, ended, message),
            _book=self.book,
            _again=self._again,
        )

    def _again(self, book: OutcomeBuffer) -> PushResult:
        book.reopen()
        return Run(self.plan, self._client or Client(), replace(self.options, dry_run=False), book).run_to_end()

    def _new_types(self) -> pd.DataFrame:
        """Tell which types this run fixed for good; for a dry run, which it would."""
        if self.options.dry_run:
            return types_frame(types_to_fix(self.plan.layout, self.plan.screening.dropped))
        return types_frame(self.recorder.confirmed if self.recorder else {})


def _forget(_rows: list[int]) -> None:
    """Without a ledger, nothing is remembered."""
