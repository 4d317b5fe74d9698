"""What all runs have in common, of one frame or of parts: the clock, the progress, interrupts, the end."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, Protocol, TypeVar

from growlytics_pandas._masking import without_words
from growlytics_pandas._status import Failure, Status
from growlytics_pandas.errors import GrowlyticsError, PushInterrupted, UsageError
from growlytics_pandas.upload.connection import Connection
from growlytics_pandas.upload.dispatcher import CancellationToken, Delivery
from growlytics_pandas.upload.outcomes import OutcomeBuffer
from growlytics_pandas.upload.push_options import PushOptions
from growlytics_pandas.upload.run_errors import interrupted
from growlytics_pandas.upload.run_log import RunLog
from growlytics_pandas.views.events import Listener, ProgressEvent
from growlytics_pandas.views.metrics import RunFacts, RunMetrics, Sample
from growlytics_pandas.views.progress import open_listener
from growlytics_pandas.views.throughput import Throughput

TICK_SECONDS: Final = 0.2


class Concluded(Protocol):
    """What the end of a run shows of its result."""

    @property
    def run(self) -> RunFacts:
        """How the run went."""

    @property
    def counts(self) -> dict[str, int]:
        """Status → number of rows."""

    @property
    def note(self) -> str:
        """What there is to say of the run, beside the counts."""

    @property
    def has_incomplete_rows(self) -> bool:
        """Whether a row arrived without some of its attributes."""


R = TypeVar("R", bound=Concluded)


class LastResult:
    """The slot behind `last_result()`: the newest result of this process, also after an interrupt."""

    value: Any = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How far a run is, or its push of a part."""

    counts: dict[str, int]
    retries: int = 0
    in_flight: int = 0
    concurrency: int = 0
    failures: tuple[Failure, ...] = ()
    answer_seconds: float = 0.0
    trouble: str = ""
    is_stopping: bool = False


def pulse_of(delivery: Delivery, book: OutcomeBuffer) -> Snapshot:
    """Return how far a delivery is."""
    return Snapshot(
        book.counts(),
        delivery.retries,
        delivery.in_flight,
        delivery.pacer.concurrency,
        tuple(delivery.last_failures),
        delivery.answer_seconds,
        delivery.trouble,
        delivery.is_stopping,
    )


class BaseRun(ABC):
    """One run: `run` does it, whatever happens, and `conclude` shows the result or raises. Classes say what is sent."""

    def __init__(self, connection: Connection | None, options: PushOptions) -> None:
        self.options = options
        self.stop = CancellationToken()
        self.error: BaseException | None = None
        self.ended = "dry run"
        self.message = ""
        self._crash: BaseException | None = None
        self._connection = connection
        self._started = datetime.now(UTC)
        self._clock_start = time.monotonic()
        self._last_tick = 0.0
        self._listener: Listener = open_listener(options.progress)
        self._speed = Throughput()
        self._timeline = RunMetrics()
        self._furthest = Sample(0.0, 0, 0.0)
        self._accepted_before = 0
        self._log = RunLog(options.label)

    @abstractmethod
    def pulse(self) -> Snapshot:
        """Return how far the run is."""

    @abstractmethod
    def _dry_run(self) -> None:
        """Do everything but the requests, with a comparison with the ledger where that is requested."""

    @abstractmethod
    def _deliver(self, connection: Connection) -> None:
        """Send; what ends it early is raised, or recorded in `error`."""

    @property
    def is_dry(self) -> bool:
        """Whether nothing is sent."""
        return self.options.dry_run or self._connection is None

    def run(self) -> None:
        """Do it; an error that ends it early is raised by `conclude`, when there is a result to go with it."""
        self._accepted_before = self.pulse().counts[Status.ACCEPTED]
        if self._connection is None or self.options.dry_run:
            self._dry_run()
            return
        self._notify("start")
        try:
            with exclusive(self._connection), interrupts(self.stop):
                try:
                    self._deliver(self._connection)
                finally:
                    self._connection.save_types()
        except GrowlyticsError as problem:
            self.error = problem
        except BaseException as problem:  # noqa: BLE001 - raised again by `conclude`: what is known outlives any error
            self._crash, self.ended, self.message = problem, "crashed", type(problem).__name__
            return
        self.ended, self.message = self._ending(), "" if self.error is None else str(self.error)

    def conclude(self, result: R) -> R:
        """Keep the result for `last_result()` and show it; raise what ended the run early, with the result."""
        LastResult.value = result
        if self.is_dry:
            return result
        self._notify("end", result)
        if self._crash is not None:
            raise self._crash
        if self.error is not None:
            self.error.result = result  # type: ignore[attr-defined]
            raise self.error
        if self.stop.requested:
            raise PushInterrupted(interrupted(result.counts), result)
        return result

    def _ending(self) -> str:
        if self.error is not None:
            return "stopped early"
        return "interrupted" if self.stop.requested else "finished"

    def facts(self, *, would_refuse: bool = False) -> RunFacts:
        """Return how the run went; `would_refuse`: it was a dry run of what a push would refuse."""
        pulse = self.pulse()
        samples = self._timeline.close(self._sample(pulse))
        return RunFacts(
            self._started,
            samples[-1].elapsed_seconds,
            pulse.retries,
            self.ended,
            self._connection.base_url if self._connection else None,
            self.message,
            samples,
            would_refuse,
            self.options.label,
            getattr(self.error, "server_message", "") if self.message else "",
        )

    def _masker(self, _pulse: Snapshot) -> Callable[[str], str]:
        """Return what takes customers' values out of a server's words; where no frame is at hand, the words go."""
        return without_words

    # progress --------------------------------------------------------------------------------------------------

    def is_due(self) -> bool:
        """Whether it is time for another look at how far things are."""
        return time.monotonic() - self._last_tick >= TICK_SECONDS

    def _sample(self, pulse: Snapshot) -> Sample:
        """Return where the run is. What a lost worker takes with it is not taken back: no rate is below 0."""
        accepted, last = pulse.counts[Status.ACCEPTED] - self._accepted_before, self._furthest
        self._furthest = Sample(
            time.monotonic() - self._clock_start,
            max(accepted, last.accepted),
            max(pulse.answer_seconds, last.answer_seconds),
        )
        return self._furthest

    def _notify(self, kind: Literal["start", "update", "end"], result: Concluded | None = None) -> None:
        self._last_tick = time.monotonic()
        pulse = self.pulse()
        sample = self._sample(pulse)
        self._timeline.note(sample)
        total, unsettled = sum(pulse.counts.values()), pulse.counts[Status.UNSENT]
        self._write_log(kind, pulse, result)
        self._speed.note(sample.elapsed_seconds, total - unsettled)
        run = result.run if result else None
        has_words = bool(pulse.failures or pulse.trouble or (run and run.message))
        mask = self._masker(pulse) if has_words else str
        self._listener(
            ProgressEvent(
                kind,
                total=total,
                counts=pulse.counts,
                elapsed_seconds=sample.elapsed_seconds,
                rows_per_second=self._speed.overall() if kind == "end" else self._speed.now(),
                retries=pulse.retries,
                concurrency=pulse.concurrency,
                in_flight=pulse.in_flight,
                seconds_left=self._speed.seconds_left(unsettled),
                failures=tuple(failure._replace(words=mask(failure.words)) for failure in pulse.failures),
                trouble=mask(pulse.trouble),
                is_stopping=pulse.is_stopping,
                ended=run.ended if run else "",
                message=run.message.replace(run.foreign, mask(run.foreign)) if run else "",
                note=result.note if result else "",
                is_incomplete=result.has_incomplete_rows if result else False,
                stop=self.stop.request,
            )
        )

    def _write_log(self, kind: str, pulse: Snapshot, result: Concluded | None) -> None:
        if kind == "start":
            self._log.start(pulse.counts[Status.UNSENT])
        elif result is None:
            self._log.look(is_paused=bool(pulse.trouble), retries=pulse.retries)
        else:
            error = "" if self.error is None else type(self.error).__name__
            self._log.end(result.run.ended, error, result.counts, result.run.seconds)


@contextlib.contextmanager
def interrupts(stop: CancellationToken) -> Iterator[None]:
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


_PUSHING: Final[dict[tuple[int, bytes], object]] = {}
"""What is being pushed to: the process, which a fork changes, and the project."""


@contextlib.contextmanager
def exclusive(connection: Connection) -> Iterator[None]:
    """Hold a project for one push of this process: two at once could have one id in flight twice.

    The project, not the connection or its ledger: two may have the same URL and key.
    """
    place = (os.getpid(), connection.project)
    # One step, so that no lock is needed, which a fork could leave closed.
    if _PUSHING.setdefault(place, token := object()) is not token:
        raise UsageError("another push of this process to the same project is running; wait for it to end.")
    workspace = connection.workspace
    try:
        if workspace is not None:
            workspace.in_use = True
        yield
    finally:
        if workspace is not None:
            workspace.in_use = False
        del _PUSHING[place]
