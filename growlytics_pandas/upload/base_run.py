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
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar

from growlytics_pandas._masking import without_words
from growlytics_pandas._status import Status
from growlytics_pandas.client import Client
from growlytics_pandas.errors import GrowlyticsError, PushInterrupted, UsageError
from growlytics_pandas.upload.dispatcher import CancellationToken, Delivery
from growlytics_pandas.upload.outcomes import Failure, OutcomeBuffer
from growlytics_pandas.upload.plan import AnyPlan
from growlytics_pandas.upload.push_options import PushOptions
from growlytics_pandas.upload.result import AnyResult, PushResult, RunFacts
from growlytics_pandas.upload.run_errors import interrupted
from growlytics_pandas.upload.run_log import RunLog
from growlytics_pandas.views.events import Listener, ProgressEvent
from growlytics_pandas.views.metrics import RunMetrics, Sample
from growlytics_pandas.views.progress import open_listener
from growlytics_pandas.views.throughput import Throughput

if TYPE_CHECKING:
    from growlytics_pandas.upload.batches.result import BatchResult

TICK_SECONDS: Final = 0.2

R = TypeVar("R", bound=AnyResult)


class LastResult:
    """The slot behind `last_result()`: the newest result of this process, also after an interrupt."""

    value: PushResult | BatchResult | None = None


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


class BaseRun(ABC, Generic[R]):
    """One run. A class of it says what is pushed, and how far it is."""

    def __init__(self, client: Client | None, options: PushOptions) -> None:
        self.options = options
        self.stop = CancellationToken()
        self.error: BaseException | None = None
        self._client = client
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
    def _rehearse(self) -> R:
        """Do everything but the requests: what the ledger knows to be unchanged is told apart, too."""

    @abstractmethod
    def _deliver(self, client: Client) -> None:
        """Send; what ends it early is raised, or noted in `error`."""

    @abstractmethod
    def _result(self, ended: str, message: str = "") -> R:
        """Return the result as things stand."""

    def run_to_end(self) -> R:
        """Do it, and return the result; where the run ends early, raise with the result on the error."""
        self._accepted_before = self.pulse().counts[Status.ACCEPTED]
        if self.options.dry_run or self._client is None:
            return _kept(self._rehearse())
        self._tell("start")
        try:
            with exclusive(self._client), interrupts(self.stop):
                try:
                    self._deliver(self._client)
                finally:
                    self._client.save_types()
        except GrowlyticsError as problem:
            self.error = problem
        except BaseException as problem:
            # for last_result(), too: what is known outlives any error
            self._tell("end", _kept(self._result("crashed", type(problem).__name__)))
            raise
        return self._close()

    def _close(self) -> R:
        result = _kept(self._result(self._ending(), "" if self.error is None else str(self.error)))
        self._tell("end", result)
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

    def _facts(self, plan: AnyPlan, ended: str, message: str) -> RunFacts:
        pulse = self.pulse()
        samples = self._timeline.close(self._sample(pulse))
        return RunFacts(
            self._started,
            samples[-1].elapsed_seconds,
            pulse.retries,
            ended,
            self._client.base_url if self._client else None,
            message,
            samples,
            self.options.would_refuse(plan),
            self.options.label,
            getattr(self.error, "server_message", "") if message else "",
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

    def _tell(self, kind: Literal["start", "update", "end"], result: R | None = None) -> None:
        self._last_tick = time.monotonic()
        pulse = self.pulse()
        sample = self._sample(pulse)
        self._timeline.note(sample)
        total, unsettled = sum(pulse.counts.values()), pulse.counts[Status.UNSENT]
        self._write_log(kind, pulse, result)
        self._speed.note(sample.elapsed_seconds, total - unsettled)
        run = result.run if result else None
        is_told = bool(pulse.failures or pulse.trouble or (run and run.message))
        mask = self._masker(pulse) if is_told else str
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

    def _write_log(self, kind: str, pulse: Snapshot, result: R | None) -> None:
        if kind == "start":
            self._log.start(pulse.counts[Status.UNSENT])
        elif result is None:
            self._log.look(is_paused=bool(pulse.trouble), retries=pulse.retries)
        else:
            error = "" if self.error is None else type(self.error).__name__
            self._log.end(result.run.ended, error, result.counts, result.run.seconds)


def _kept(result: R) -> R:
    """Put a result where `last_result()` finds it."""
    LastResult.value = result  # type: ignore[assignment]
    return result


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
def exclusive(client: Client) -> Iterator[None]:
    """Hold a project for one push of this process: two at once could have one id in flight twice.

    The project, not the client or its ledger: two clients may have the same URL and key.
    """
    place = (os.getpid(), client.project)
    # One step, so that no lock is needed, which a fork could leave closed.
    if _PUSHING.setdefault(place, token := object()) is not token:
        raise UsageError("another push of this process to the same project is running; wait for it to end.")
    workspace = client.workspace
    try:
        if workspace is not None:
            workspace.in_use = True
        yield
    finally:
        if workspace is not None:
            workspace.in_use = False
        del _PUSHING[place]
