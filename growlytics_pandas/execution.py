"""Carries a plan out: encoding, delivery, outcomes, result."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from growlytics_pandas.blocks import starts
from growlytics_pandas.client import Client
from growlytics_pandas.delivery import Chunk, Delivery, Limits, StopFlag
from growlytics_pandas.errors import ConstraintViolationError, InvalidArgumentError, PushInterrupted
from growlytics_pandas.outcomes import RETRYABLE, Book, Status
from growlytics_pandas.pacing import Pacer
from growlytics_pandas.planning import Plan
from growlytics_pandas.progress import Listener, ProgressEvent, ProgressOption, open_listener
from growlytics_pandas.result import PushResult, RunFacts
from growlytics_pandas.rules import Severity

Errors = Literal["raise", "drop"]
TICK_SECONDS: Final = 0.2
_SHOWN_RULES: Final = 10


@dataclass(frozen=True, slots=True)
class PushOptions:
    """How to push; the defaults are written here, once."""

    errors: Errors = "raise"
    dry_run: bool = False
    skip_unchanged: bool = False
    chunk_size: int = 1000
    max_concurrency: int = 64
    max_rate: float | None = None
    max_failures: float | None = None
    progress: ProgressOption = "auto"
    client: Client | None = None

    def __post_init__(self) -> None:
        if self.errors not in ("raise", "drop"):
            raise InvalidArgumentError(f"errors: found {self.errors!r}; allowed are 'raise', 'drop'.")
        for argument in ("chunk_size", "max_concurrency"):
            found = getattr(self, argument)
            if not isinstance(found, int) or isinstance(found, bool) or found < 1:
                raise InvalidArgumentError(f"{argument}: found {found!r}; it must be a whole number from 1 up.")
        for argument in ("max_rate", "max_failures"):
            found = getattr(self, argument)
            if found is not None and (not isinstance(found, (int, float)) or isinstance(found, bool) or not found > 0):
                raise InvalidArgumentError(f"{argument}: found {found!r}; it must be a number above 0, or None.")
        if isinstance(self.max_failures, float) and self.max_failures > 1:
            raise InvalidArgumentError(
                f"max_failures: found {self.max_failures!r}; a float is a share from 0 to 1, an int a number of rows."
            )


class LastResult:
    """The slot behind `last_result()`: the newest result of this process, also after an interrupt."""

    value: PushResult | None = None


def execute(plan: Plan, **options: Any) -> PushResult:
    """Push `plan`. The options are those of `PushOptions`."""
    chosen = PushOptions(**options)
    book = Book(len(plan.frame))
    invalid = np.flatnonzero(plan.screening.skipped)
    book.note_all(invalid, Status.INVALID, "not sent: see violations")
    if chosen.errors == "raise" and plan.has_errors and not chosen.dry_run:
        raise _refusal(plan)
    return _Run(plan, chosen, book).carry_out()


class _Run:
    """One run over the rows of a plan that are still `unsent` in its book."""

    def __init__(self, plan: Plan, options: PushOptions, book: Book) -> None:
        self.plan = plan
        self.options = options
        self.book = book
        self.stop = StopFlag()
        self.started = datetime.now(UTC)
        self.clock_start = time.monotonic()
        self.listener: Listener = open_listener(options.progress)
        self.last_tick = 0.0
        self.delivery: Delivery | None = None

    def carry_out(self) -> PushResult:
        if self.options.dry_run:
            return self._finish("dry run")
        client = self.options.client or self.plan.client or Client()
        todo = self.book.rows_with([Status.UNSENT])
        self._tell("start")
        with interrupts(self.stop):
            if len(todo):
                self._deliver(client, todo)
        return self._close(client)

    def _deliver(self, client: Client, todo: Any) -> None:
        self.delivery = Delivery(
            client.open_transport(self.options.max_concurrency),
            Pacer(max_concurrency=self.options.max_concurrency, max_rate=self.options.max_rate),
            self.book,
            limits=Limits(max_failures=self.options.max_failures, max_waiting=4 * self.options.chunk_size),
            stop=self.stop,
            on_accepted=lambda _rows: None,
            on_tick=self._tick,
        )
        wanted = np.zeros(len(self.plan.frame), dtype=bool)
        wanted[todo] = True
        self.delivery.run(self._chunks(wanted))

    def _chunks(self, wanted: Any) -> Iterator[Chunk]:
        for start, stop in starts(len(self.plan.frame), self.options.chunk_size):
            if wanted[start:stop].any():
                rows, bodies = self.plan.encode(start, stop, wanted)
                yield Chunk(rows.tolist(), bodies)

    def _close(self, client: Client) -> PushResult:
        error = self.delivery.error if self.delivery else None
        ended = "stopped early" if error else "interrupted" if self.stop.requested else "finished"
        result = self._finish(ended, client)
        self._tell("end", ended)
        if error is not None:
            error.result = result
            raise error
        if self.stop.requested:
            raise PushInterrupted(_interrupted(result), result)
        return result

    def _finish(self, ended: str, client: Client | None = None) -> PushResult:
        result = PushResult(
            plan=self.plan,
            violations=self.plan.violations,
            new_types=_new_types(self.plan),
            run=RunFacts(
                self.started,
                time.monotonic() - self.clock_start,
                self.delivery.retries if self.delivery else 0,
                ended,
                client.base_url if client else None,
            ),
            _book=self.book,
            _again=self._again,
        )
        LastResult.value = result
        return result

    def _again(self, book: Book) -> PushResult:
        book.note_all(book.rows_with(RETRYABLE), Status.UNSENT)
        return _Run(self.plan, self.options, book).carry_out()

    # progress --------------------------------------------------------------------------------------------------

    def _tick(self, _delivery: Delivery) -> None:
        if time.monotonic() - self.last_tick >= TICK_SECONDS:
            self._tell("update")

    def _tell(self, kind: Literal["start", "update", "end"], message: str = "") -> None:
        self.last_tick = time.monotonic()
        seconds = self.last_tick - self.clock_start
        counts, delivery = self.book.counts(), self.delivery
        self.listener(
            ProgressEvent(
                kind,
                total=len(self.plan.frame),
                counts=counts,
                elapsed_seconds=seconds,
                rows_per_second=counts[Status.ACCEPTED] / seconds if seconds else 0.0,
                retries=delivery.retries if delivery else 0,
                concurrency=delivery.pacer.concurrency if delivery else 0,
                in_flight=delivery.in_flight if delivery else 0,
                message=message,
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


def _interrupted(result: PushResult) -> str:
    said = ", ".join(f"{count:,} {status}" for status, count in result.counts.items() if count)
    return f"{said}. The result is in last_result(); its retry() goes on."


def _refusal(plan: Plan) -> ConstraintViolationError:
    """Say what would not arrive, rule by rule, with the first example and its remedy."""
    errors = plan.violations[plan.violations["severity"] == Severity.ERROR]
    counts = errors["rule"].value_counts()
    lines = [f"  {rule}: {count:,}" for rule, count in counts.head(_SHOWN_RULES).items()]
    if len(counts) > _SHOWN_RULES:
        lines.append(f"  +{len(counts) - _SHOWN_RULES} more rules")
    first = errors.iloc[0]
    return ConstraintViolationError(
        f"nothing was sent: {len(errors):,} violations would keep data from arriving.\n"
        + "\n".join(lines)
        + f"\nThe first: {first['message']}\n  {first['fix']}\n"
        "All are in the error's .violations. Mend them, or push with errors='drop' to leave out what cannot arrive.",
        violations=plan.violations,
        plan=plan,
    )


def _new_types(plan: Plan) -> pd.DataFrame:
    fresh = [a for a in plan.layout.attributes if a.type is not None and a.known is None and not a.is_reserved]
    return pd.DataFrame(
        {
            "attribute": pd.Series([a.name for a in fresh], dtype="str"),
            "type": pd.Series([str(a.type) for a in fresh], dtype="str"),
        }
    )
