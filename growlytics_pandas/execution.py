"""Carries a plan out: encoding, delivery, outcomes, result."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd

from growlytics_pandas.blocks import starts
from growlytics_pandas.client import Client
from growlytics_pandas.delivery import Chunk, Delivery, Limits, StopFlag
from growlytics_pandas.encoding import Encoded
from growlytics_pandas.endings import interrupted
from growlytics_pandas.errors import GrowlyticsError, PushInterrupted, UsageError
from growlytics_pandas.options import PushOptions, settle
from growlytics_pandas.outcomes import Book, Status
from growlytics_pandas.pacing import Pacer
from growlytics_pandas.planning import Plan, types_frame, types_to_fix
from growlytics_pandas.progress import Listener, ProgressEvent, Speedometer, open_listener
from growlytics_pandas.recording import Recorder
from growlytics_pandas.result import PushResult, RunFacts
from growlytics_pandas.timeline import Sample, Timeline

if TYPE_CHECKING:
    from growlytics_pandas.batches.result import BatchResult

TICK_SECONDS: Final = 0.2


class LastResult:
    """The slot behind `last_result()`: the newest result of this process, also after an interrupt."""

    value: PushResult | BatchResult | None = None


def execute(plan: Plan, **options: Any) -> PushResult:
    """Push `plan`. The options are those of `PushOptions`."""
    chosen = PushOptions(**options)
    settled, client = settle(plan, chosen)
    return Run(settled, client, chosen, settled.open_book()).carry_out()


class Run:
    """One run over the rows of a plan that are still `unsent` in its book."""

    def __init__(self, plan: Plan, client: Client | None, options: PushOptions, book: Book) -> None:
        self.plan = plan
        self.client = client
        self.options = options
        self.book = book
        self.stop = StopFlag()
        self.started = datetime.now(UTC)
        self.clock_start = time.monotonic()
        self.listener: Listener = open_listener(options.progress)
        self.last_tick = 0.0
        self.speed = Speedometer()
        self.timeline = Timeline()
        self.delivery: Delivery | None = None
        self.recorder: Recorder | None = None

    def carry_out(self) -> PushResult:
        """Do it, and return the result; where the run ends early, raise with the result on the error."""
        if self.options.dry_run or self.client is None:
            return self._rehearse()
        self._tell("start")
        error: BaseException | None = None
        try:
            with exclusive(self.client), interrupts(self.stop):
                self._deliver(self.client)
        except GrowlyticsError as problem:
            error = problem
        except BaseException as problem:
            # for last_result(), too: what is known outlives any error
            self._tell("end", self._result("crashed", type(problem).__name__))
            raise
        return self._close(error or (self.delivery.error if self.delivery else None))

    def _rehearse(self) -> PushResult:
        """Everything but the requests: what the ledger knows to be unchanged is told apart, too."""
        workspace = self.client.workspace if self.client and self.options.skip_unchanged else None
        if workspace is not None:
            for encoded in self._encoded():
                same = workspace.unchanged(workspace.digest(encoded.ids, encoded.bodies))
                self.book.note_all(encoded.rows[same], Status.UNCHANGED)
        return self._result("dry run")

    def _deliver(self, client: Client) -> None:
        workspace = client.workspace
        self.recorder = Recorder(workspace, len(self.plan.frame), self.plan.types_sent()) if workspace else None
        ended = "crashed"
        try:
            self.delivery = self._open_delivery(client)
            self.delivery.run(self._chunks())
            ended = self._ending(self.delivery.error)
        except GrowlyticsError as problem:
            ended = self._ending(problem)
            raise
        finally:
            if self.recorder is not None:
                self.recorder.finish(self.book, ended)

    def _open_delivery(self, client: Client) -> Delivery:
        return Delivery(
            client.open_transport(self.options.max_concurrency),
            Pacer(max_concurrency=self.options.max_concurrency, max_rate=self.options.max_rate),
            self.book,
            limits=Limits(max_failures=self.options.max_failures, max_waiting=4 * self.options.chunk_size),
            stop=self.stop,
            on_accepted=self.recorder.note_accepted if self.recorder else _forget,
            on_tick=self._tick,
        )

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

    def _ending(self, error: BaseException | None) -> str:
        if error is not None:
            return "stopped early"
        return "interrupted" if self.stop.requested else "finished"

    def _close(self, error: BaseException | None) -> PushResult:
        result = self._result(self._ending(error), "" if error is None else str(error))
        self._tell("end", result)
        if error is not None:
            error.result = result  # type: ignore[attr-defined]
            raise error
        if self.stop.requested:
            raise PushInterrupted(interrupted(result.counts), result)
        return result

    def _result(self, ended: str, message: str = "") -> PushResult:
        result = PushResult(
            plan=self.plan,
            violations=self.plan.violations,
            new_types=self._new_types(),
            run=RunFacts(
                self.started,
                time.monotonic() - self.clock_start,
                self.delivery.retries if self.delivery else 0,
                ended,
                self.client.base_url if self.client else None,
                message,
                self.timeline.close(self._sample()),
                self.options.would_refuse(self.plan),
            ),
            _book=self.book,
            _again=self._again,
        )
        LastResult.value = result
        return result

    def _again(self, book: Book) -> PushResult:
        book.reopen()
        return Run(self.plan, self.client or Client(), replace(self.options, dry_run=False), book).carry_out()

    def _new_types(self) -> pd.DataFrame:
        """Tell which types this run fixed for good; for a dry run, which it would."""
        if self.options.dry_run:
            return types_frame(types_to_fix(self.plan.layout, self.plan.screening.dropped))
        return types_frame(self.recorder.confirmed if self.recorder else {})

    # progress --------------------------------------------------------------------------------------------------

    def _tick(self, _delivery: Delivery) -> None:
        if time.monotonic() - self.last_tick >= TICK_SECONDS:
            self._tell("update")

    def _sample(self) -> Sample:
        delivery = self.delivery
        return Sample(
            time.monotonic() - self.clock_start,
            delivery.accepted if delivery else 0,
            delivery.answer_seconds if delivery else 0.0,
        )

    def _tell(self, kind: Literal["start", "update", "end"], result: PushResult | None = None) -> None:
        self.last_tick = time.monotonic()
        seconds = self.last_tick - self.clock_start
        counts, delivery = self.book.counts(), self.delivery
        self.timeline.note(self._sample())
        unsettled = counts[Status.UNSENT]
        self.speed.note(seconds, len(self.plan.frame) - unsettled)
        self.listener(
            ProgressEvent(
                kind,
                total=len(self.plan.frame),
                counts=counts,
                elapsed_seconds=seconds,
                rows_per_second=self.speed.overall() if kind == "end" else self.speed.now(),
                retries=delivery.retries if delivery else 0,
                concurrency=delivery.pacer.concurrency if delivery else 0,
                in_flight=delivery.in_flight if delivery else 0,
                seconds_left=self.speed.seconds_left(unsettled),
                failures=tuple(delivery.last_failures) if delivery else (),
                trouble=delivery.trouble if delivery else "",
                is_stopping=delivery.is_stopping if delivery else False,
                ended=result.run.ended if result else "",
                message=result.run.message if result else "",
                is_incomplete=result.has_incomplete_rows if result else False,
                stop=self.stop.request,
            )
        )


@contextlib.contextmanager
def interrupts(stop: StopFlag) -> Iterator[None]:
    """Turn Ctrl-C and a kernel interrupt into a request to stop, so that none falls between a reply and its booking.

    The first asks to stop, the second to stop at once, the third is Python's own.
    """
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        yield
        return

    def handle(*_: Any) -> None:
        if stop.at_once:
            raise KeyboardInterrupt
        stop.request()

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _forget(_rows: list[int]) -> None:
    """Without a ledger, nothing is remembered."""


@contextlib.contextmanager
def exclusive(client: Client) -> Iterator[None]:
    """Hold a project for one push of this process: two at once could have one id in flight twice."""
    workspace = client.workspace
    lock = workspace.pushing if workspace is not None else client.pushing
    if not lock.acquire(blocking=False):
        raise UsageError("another push of this process to the same project is running; wait for it to end.")
    try:
        yield
    finally:
        lock.release()
