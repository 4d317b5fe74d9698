"""On a worker: the push of one part, within the limits granted by the coordinator."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
from distributed import get_worker

from growlytics_pandas._status import Status
from growlytics_pandas.dask.coordinator import HANDLER, MAX_UNREPORTED
from growlytics_pandas.http.concurrency import ConcurrencyController
from growlytics_pandas.upload.connection import ConnectionRecipe
from growlytics_pandas.upload.dispatcher import CancellationToken, Delivery
from growlytics_pandas.upload.encode import Encoded
from growlytics_pandas.upload.outcomes import OutcomeBuffer
from growlytics_pandas.upload.parts import Common, Part, PartOrder, PartOutcome, push_part
from growlytics_pandas.upload.progress import snapshot_of

REPORT_SECONDS: Final = 0.1  # between two reports; each is a call to the scheduler
LATE_SECONDS: Final = 0.03  # a turn not used by then expires: accumulated turns would exceed the rate
CALL_SECONDS: Final = 60.0  # for a call to the scheduler, then it counts as lost
SHORT_WAIT_SECONDS: Final = 0.005  # until the grants are checked again
_OK: Final = 200

Call = Callable[..., "concurrent.futures.Future[dict[str, Any]]"]


def push_on_worker(
    frame: pd.DataFrame, run: str, recipe: ConnectionRecipe, common: Common, order: PartOrder, max_rate: float | None
) -> PartOutcome:
    """Push one part from the worker that runs this task."""
    connection = recipe.make()
    part = Part.read(frame, common, order.task)
    control = RunControl(_calling(run), order, max_rate)
    inherited = control.begin()
    try:
        outcome = push_part(part, order, connection, control)
    finally:
        control.end()
    # Rows accepted on an earlier worker may have had any of the new attributes; they were not encoded here.
    return replace(outcome, doubtful=order.fresh) if inherited else outcome


def _calling(run: str) -> Call:
    """Return a function that calls the coordinator."""
    worker = get_worker()

    def call(verb: str, payload: dict[str, Any]) -> concurrent.futures.Future[dict[str, Any]]:
        payload = {"worker": worker.address, **payload}
        handler = getattr(worker.scheduler, HANDLER)
        return asyncio.run_coroutine_threadsafe(handler(verb=verb, run=run, payload=payload), worker.loop.asyncio_loop)

    return call


class GrantedConcurrency(ConcurrencyController):
    """A controller limited by the coordinator's grants: requests in flight and turns of the rate."""

    def __init__(self, max_concurrency: int, max_rate: float | None, clock: Callable[[], float]) -> None:
        super().__init__(max_concurrency=max_concurrency)
        self.slots = 0
        self.started = 0
        self.reported = 0
        self.held_until = -math.inf
        self._seconds_a_turn = 1.0 / max_rate if max_rate else 0.0
        self._turns: deque[float] = deque()
        self._clock = clock

    @property
    def wants_turns(self) -> bool:
        """Return whether the turns are about to run out."""
        return self._seconds_a_turn > 0 and (not self._turns or self._turns[-1] < self._clock() + 2 * REPORT_SECONDS)

    def grant(self, reply: dict[str, Any]) -> None:
        """Apply the coordinator's grants."""
        now = self._clock()
        self.slots = reply["slots"]
        self.held_until = (
            -math.inf if self.is_holding else now + reply["hold"]
        )  # the worker that found that everything is rejected does the probing
        self._turns.extend(now + reply["delay"] + i * self._seconds_a_turn for i in range(reply["tokens"]))

    def allowance(self, now: float, in_flight: int) -> int:
        """Return how many requests may start now."""
        allowed = min(super().allowance(now, in_flight), self.slots - in_flight)
        allowed = min(allowed, MAX_UNREPORTED - (self.started - self.reported))
        if self._seconds_a_turn:
            allowed = min(allowed, self._turns_due(now))
        return max(0, allowed) if now >= self.held_until else 0

    def note_started(self, now: float, count: int) -> None:
        """Count requests that have just started."""
        super().note_started(now, count)
        self.started += count
        for _ in range(min(count, len(self._turns))):
            self._turns.popleft()

    def seconds_until_next(self, now: float) -> float:
        """Return the seconds until the allowance may rise by itself."""
        wait = max(super().seconds_until_next(now), SHORT_WAIT_SECONDS)
        return min(wait, max(self._turns[0] - now, 0.0)) if self._turns else wait

    def _turns_due(self, now: float) -> int:
        while self._turns and self._turns[0] < now - LATE_SECONDS:
            self._turns.popleft()
        return sum(turn <= now for turn in self._turns)


class RunControl:
    """Reports to the coordinator ten times per second and applies its replies, without blocking the delivery."""

    def __init__(
        self, call: Call, order: PartOrder, max_rate: float | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.pacer = GrantedConcurrency(order.max_concurrency, max_rate, clock)
        self.stop = CancellationToken()
        self._call = call
        self._order = order
        self._clock = clock
        self._attempt = 0
        self._accepted: list[int] = []
        self._last: dict[str, Any] = {"in_flight": 0, "snapshot": {}}
        self._reported_at = -math.inf
        self._pending: concurrent.futures.Future[dict[str, Any]] | None = None
        self._reported_started = 0

    def begin(self) -> int:
        """Get a first grant; record the rows accepted on a lost worker, and return how many."""
        order, buffer = self._order, self._order.buffer
        payload = {"number": order.task.number, "rows": order.task.rows}
        reply = self._call("begin", payload).result(CALL_SECONDS)
        self._attempt = reply["attempt"]
        bits = np.frombuffer(reply["accepted"], dtype="uint8")
        done = np.flatnonzero(np.unpackbits(bits, count=min(order.task.rows, 8 * len(bits))))
        buffer.note_all(done, Status.ACCEPTED)
        for row in done.tolist():
            buffer.http_status[row] = _OK
            buffer.count_attempt(row)
        self._apply(reply)
        return len(done)

    def tick(self, delivery: Delivery, buffer: OutcomeBuffer) -> None:
        """Apply the last reply, and report again if due."""
        if self._pending is not None:
            if not self._pending.done():
                return
            self._take_reply()
        pacer = self.pacer
        is_full = pacer.started - pacer.reported >= MAX_UNREPORTED // 2
        if is_full or self._clock() - self._reported_at >= REPORT_SECONDS:
            self._update_snapshot(delivery, buffer)
            self._report(is_over=False)

    def select(self, encoded: Encoded) -> Encoded:
        """Return all rows: unchanged ones have already been skipped."""
        return encoded

    def before_sending(self, encoded: Encoded) -> None:
        """Do nothing: the ledger has been prepared for the whole part."""

    def note_accepted(self, rows: list[int]) -> None:
        """Add accepted rows to the next report."""
        self._accepted += rows

    def end(self) -> None:
        """Report the rest, and release the grants."""
        with contextlib.suppress(concurrent.futures.TimeoutError, OSError):
            if self._pending is not None:
                self._pending.result(CALL_SECONDS)
            self._report(is_over=True).result(CALL_SECONDS)

    def _update_snapshot(self, delivery: Delivery, buffer: OutcomeBuffer) -> None:
        snapshot = snapshot_of(delivery, buffer, self._order.task.first_row)
        self._last = {
            "in_flight": snapshot.in_flight,
            "snapshot": {
                "counts": snapshot.counts,
                "retries": snapshot.retries,
                "in_flight": snapshot.in_flight,
                "concurrency": min(snapshot.concurrency, self.pacer.slots),
                "failures": [(int(f.row), str(f.status), str(f.words), int(f.http_status)) for f in snapshot.failures],
                "answer_seconds": snapshot.answer_seconds,
                "trouble": snapshot.trouble,
                "foreign": snapshot.foreign,
            },
        }

    def _report(self, *, is_over: bool) -> concurrent.futures.Future[dict[str, Any]]:
        pacer = self.pacer
        payload = {
            "number": self._order.task.number,
            "rows": self._order.task.rows,
            "attempt": self._attempt,
            "accepted": np.array(self._accepted, dtype="int32").tobytes(),
            "slots": pacer.slots,
            "wants": pacer.wants_turns,
            "hold": pacer.hold_seconds(self._clock()),
            "is_over": is_over,
            **self._last,
        }
        self._accepted = []
        self._reported_started = pacer.started
        self._reported_at = self._clock()
        self._pending = self._call("pace", payload)
        return self._pending

    def _take_reply(self) -> None:
        pending, self._pending = self._pending, None
        try:
            reply = pending.result() if pending is not None else {}
        except (
            OSError,
            RuntimeError,
            asyncio.CancelledError,
        ):  # the scheduler is lost: the outcome will not be gathered
            self.stop.requested = True
            return
        self.pacer.reported = self._reported_started
        self._apply(reply)

    def _apply(self, reply: dict[str, Any]) -> None:
        self.pacer.grant(reply)
        self.stop.requested |= reply["stop"] > 0
        self.stop.at_once |= reply["stop"] > 1
