"""On a worker: the push of one part, with its share of the run's rate and concurrency.

Worker and client talk with Dask's own means: the worker reports by events (`Worker.log_event`), and the client calls
`start_part` and `stop_run` here (`Client.run`). A part waits for `start_part` before its first request, so that a
worker that takes over from a lost one knows which rows were accepted.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from distributed import get_worker
from distributed.protocol import serialize_bytes

from growlytics_pandas._status import Status
from growlytics_pandas.columns.dtypes import Mask, Rows
from growlytics_pandas.http.concurrency import ConcurrencyController
from growlytics_pandas.upload.connection import ConnectionRecipe
from growlytics_pandas.upload.delivery import CancellationToken, Delivery
from growlytics_pandas.upload.encode import Encoded
from growlytics_pandas.upload.parts import Part, PartOrder, PartOutcome, PartPush, PlanContext

TOPIC: Final = "growlytics"  # of all runs, so that the scheduler keeps few events
REPORT_SECONDS: Final = 0.1  # between two reports
REPORTED_ROWS: Final = 250  # accepted rows that are reported at once
POLL_SECONDS: Final = 0.005
_OK: Final = 200
_RUNNING: Final = frozenset({"executing", "long-running"})

_stops: Final[dict[str, int]] = {}  # run → 1: stop, 2: at once
_starts: Final[dict[str, bytes]] = {}  # attempt → rows accepted on earlier workers, one bit each


def stop_run(run: str, level: int) -> None:
    """Stop the parts of a run that this process pushes; called by the client."""
    _stops[run] = level


def start_part(run: str, attempt: str, accepted: bytes, level: int) -> None:
    """Let an attempt start, given the rows that were accepted earlier; called by the client."""
    _stops[run] = level
    _starts[attempt] = accepted


@dataclass(frozen=True, slots=True)
class Share:
    """A part's share of the run's limits."""

    run: str
    max_concurrency: int
    max_rate: float | None


def push_on_worker(
    frame: pd.DataFrame, share: Share, recipe: ConnectionRecipe, context: PlanContext, order: PartOrder
) -> PartOutcome:
    """Push one part from the worker that runs this task."""
    connection = recipe.make()
    push = _WorkerPush(Part.read(frame, context, order.task), order, share)
    inherited = push.begin()
    outcome = push.run(connection)
    # Rows accepted on an earlier worker may have had any of the new attributes; they were not encoded here.
    doubtful = order.fresh if inherited else push.fresh_among(Status.UNKNOWN)
    return replace(outcome, arrived=push.fresh_among(Status.ACCEPTED), doubtful=doubtful)


class _WorkerPush(PartPush):
    """The push of a part by a worker: reports its progress to the client, and obeys its stop."""

    def __init__(self, part: Part, order: PartOrder, share: Share) -> None:
        controller = ConcurrencyController(max_concurrency=share.max_concurrency, max_rate=share.max_rate)
        super().__init__(part, order, controller, CancellationToken())
        self._share = share
        self._carriers: list[tuple[Rows, dict[str, Mask]]] = []  # for each chunk, which rows have which fresh attribute
        self._worker = get_worker()
        self._task = self._worker.get_current_task()
        self._accepted: list[int] = []
        self._reported_at = -math.inf

    def begin(self) -> int:
        """Wait for the start; record the rows accepted on a lost worker, and return how many."""
        attempt, task, buffer = uuid.uuid4().hex, self.order.task, self.order.buffer
        self._report({"attempt": attempt, "worker": self._worker.address})
        while attempt not in _starts and not self.stop.at_once:
            time.sleep(POLL_SECONDS)
            self._check_stop()
        bits = np.frombuffer(_starts.pop(attempt, b""), dtype="uint8")
        done = np.flatnonzero(np.unpackbits(bits, count=min(task.rows, 8 * len(bits))))
        buffer.record_all(done, Status.ACCEPTED)
        for row in done.tolist():
            buffer.http_status[row] = _OK
            buffer.count_attempt(row)
        self._check_stop()
        return len(done)

    def tick(self, delivery: Delivery) -> None:
        """Check for a stop, and report if due."""
        self._check_stop()
        now = time.monotonic()
        if len(self._accepted) < REPORTED_ROWS and now - self._reported_at < REPORT_SECONDS:
            return
        snapshot = delivery.snapshot(self.order.task.first_row)
        accepted, self._accepted = np.array(self._accepted, dtype="int32").tobytes(), []
        self._reported_at = now
        self._report({"accepted": accepted, "snapshot": serialize_bytes(snapshot)})

    def encoded(self) -> Iterator[Encoded]:
        """Yield the rows to send, chunk by chunk; the ledger has been prepared for the whole part."""
        for encoded in self.unsent(self.order.chunk_size):
            carried = {name: mask for name, mask in encoded.present.items() if name in self.order.fresh and mask.any()}
            if carried:
                self._carriers.append((encoded.rows, carried))
            yield encoded

    def fresh_among(self, status: Status) -> frozenset[str]:
        """Return the fresh attributes that any row with this status has."""
        rows, found = self.order.buffer.rows_with([status]), set[str]()
        for numbers, carried in self._carriers:
            chosen = np.isin(numbers, rows)
            found.update(name for name, mask in carried.items() if (mask & chosen).any())
        return frozenset(found)

    def record_accepted(self, rows: list[int]) -> None:
        """Add accepted rows to the next report."""
        self._accepted += rows

    def _check_stop(self) -> None:
        level = _stops.get(self._share.run, 0)
        state = self._worker.state.tasks.get(self._task)
        if state is None or state.state not in _RUNNING:  # cancelled: nobody would gather the outcome
            level = 2
        self.stop.requested |= level > 0
        self.stop.at_once |= level > 1

    def _report(self, facts: dict[str, Any]) -> None:
        self._worker.log_event(TOPIC, {"run": self._share.run, "number": self.order.task.number, **facts})
