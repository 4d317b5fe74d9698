"""Partitions profiled and pushed on the workers of a cluster."""

from __future__ import annotations

import math
import pkgutil
import time
import uuid
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Any, Final, TypeVar

import dask
import numpy as np
import numpy.typing as npt
import pandas as pd
from distributed import Client as Cluster
from distributed import Future, as_completed
from distributed.protocol import deserialize_bytes

from growlytics_pandas._status import Status
from growlytics_pandas._text import install_extra
from growlytics_pandas.dask.worker import TOPIC, Share, push_on_worker, start_part, stop_run
from growlytics_pandas.errors import DataError, GrowlyticsError, ServiceUnavailableError, UsageError
from growlytics_pandas.http.protocol import one_line
from growlytics_pandas.upload.connection import Connection
from growlytics_pandas.upload.encode import PartDigests
from growlytics_pandas.upload.outcomes import OutcomeBuffer, Snapshot
from growlytics_pandas.upload.parts import Part, PartOutcome, PartTask, PlanContext, Step
from growlytics_pandas.upload.runner import RemoteExecutor, RemoteRun

A = TypeVar("A")
C = TypeVar("C")
T = TypeVar("T")

POLL_SECONDS: Final = 0.02  # interval of the check for finished futures
RESULT_SECONDS: Final = 5.0  # to fetch the result of a finished task
STALL_SECONDS: Final = 60.0  # without any worker, then the run ends
_VERSION: Final = "growlytics_pandas:__version__"
_SAME_VERSION: Final = "Install the same version of it, and of your own modules, on the workers: " + install_extra(
    "dask,fast"
)
LEAST_RATE: Final = 50.0  # requests per second of one part: with less, the first request of each part would count
LEAST_SHARE: Final = 0.5  # of an equal share, to start a part with
ROUNDING: Final = 1e-9
MAX_UNREPORTED: Final = 500  # accepted rows of a lost worker that had not been reported: the most that are sent twice


class ClusterExecutor(RemoteExecutor):
    """Runs steps on the workers, one task per partition. Nothing returned is lazy, so nothing runs twice."""

    def __init__(self, ddf: Any, cluster: Cluster) -> None:
        _require_package(cluster)
        self._parts = ddf.to_delayed()
        self._cluster = cluster

    def run(self, step: Step[C, T], context: C, tasks: Mapping[int, Any] | None = None) -> Iterator[tuple[int, T]]:
        """Run a step on each partition, yielding results as they arrive."""
        requested: Mapping[int, Any] = dict.fromkeys(range(len(self._parts))) if tasks is None else tasks
        running = {
            self.submit(number, partial(_run_step, step, context, task)): number for number, task in requested.items()
        }
        try:
            for future in as_completed(list(running)):
                number = running.pop(future)
                yield number, _result_of_step(future, number)
        finally:
            _drop(running)

    def run_on_parts(
        self, step: Callable[[Part, A], T], context: PlanContext, requested: Mapping[int, tuple[PartTask, A]]
    ) -> Iterator[tuple[int, T]]:
        """Run a step on each partition requested, yielding results as they arrive."""
        return self.run(partial(_on_part, step), context, requested)

    def push(self, run: RemoteRun, connection: Connection) -> Generator[PartOutcome, None, None]:
        """Push on the workers, yielding the outcome of each part as it arrives."""
        push = _ClusterPush(self, self._cluster, run, connection)
        try:
            yield from push.outcomes()
        finally:
            push.close()

    def submit(self, number: int, work: Any) -> Future:
        """Submit `work` for a partition, under a unique key."""
        # The arguments are bound to the function, since Dask would traverse dataclasses among them.
        key = f"growlytics-{uuid.uuid4().hex}"
        step = dask.delayed(work, name=f"{key}-step", traverse=False, pure=False)
        return self._cluster.compute(step(self._parts[number], dask_key_name=key), retries=0)

    def threads(self) -> int:
        """Return how many tasks the cluster runs at a time."""
        return sum(self._cluster.nthreads().values())


@dataclass(slots=True)
class _Pushing:
    """A part on the workers: its share of the limits, and what its workers have reported.

    With a ledger, it is digested first; `buffer` is None until it is pushed.
    """

    task: PartTask
    share: float
    accepted: npt.NDArray[np.bool_]
    buffer: OutcomeBuffer | None = None
    snapshot: Snapshot | None = None
    has_begun: bool = False


_reports: Final[dict[str, SimpleQueue[dict[str, Any]]]] = {}  # run → reports of its workers


def _receive(event: tuple[float, dict[str, Any]]) -> None:
    """Hand on an event of a worker; called in the thread of the Dask client."""
    report = event[1]
    if (reports := _reports.get(report["run"])) is not None:
        reports.put(report)


class _ClusterPush:
    """One push: parts submitted, each with a share of the limits; reports and outcomes gathered."""

    def __init__(self, executor: ClusterExecutor, cluster: Cluster, run: RemoteRun, connection: Connection) -> None:
        self._executor, self._cluster, self._run = executor, cluster, run
        self._id = uuid.uuid4().hex
        self._recipe = connection.recipe()
        self._parts: dict[Future, _Pushing] = {}
        self._sent_level = 0
        self._error: GrowlyticsError | None = None
        self._seen_worker = time.monotonic()
        _reports[self._id] = SimpleQueue()
        cluster.subscribe_topic(TOPIC, _receive)

    def outcomes(self) -> Iterator[PartOutcome]:
        """Submit the parts, a few at a time, and yield their outcomes."""
        waiting = deque(self._run.tasks)
        while waiting or self._parts:
            if self._run.stop.requested:
                waiting.clear()
            self._hand_out(waiting)
            self._take_reports()
            for future in _done(self._parts):
                part = self._parts.pop(future)
                try:
                    outcome = self._finish(future, part)
                except _NotFetched:
                    self._parts[future] = part
                    continue
                if outcome is not None:
                    yield outcome
            self._pass_on_stop()
            if self._run.is_due():
                self._run.record_snapshots(
                    {each.task.number: each.snapshot for each in self._parts.values() if each.snapshot}
                )
                self._require_workers()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Cancel everything, and record what is known about running parts in their buffers."""
        if self._parts:
            self._stop_workers(2)
            self._take_reports()
            _drop(self._parts)
            for each in self._parts.values():
                _note_lost(each, "the run ended before the part finished")
        del _reports[self._id]

    def _hand_out(self, waiting: deque[PartTask]) -> None:
        """Start parts, one per thread. Their shares never add up to more than the whole limits."""
        options, digester = self._run.options, self._run.digester
        n_parts = len(waiting) + len(self._parts)
        by_rate = math.inf if options.max_rate is None else options.max_rate // LEAST_RATE
        slots = int(max(1, min(self._executor.threads(), n_parts, options.max_concurrency, by_rate)))
        while waiting and len(self._parts) < slots:
            free = 1.0 - sum(each.share for each in self._parts.values())
            share = min(free, 1.0 / slots)
            if share < LEAST_SHARE / slots:  # the cluster has grown: wait until earlier parts end
                return
            task = waiting.popleft()
            part = _Pushing(task, share, np.zeros(task.rows, dtype=bool))
            if digester is None:
                self._push(part, None)
            else:
                work = partial(_run_step, partial(_on_part, Part.digest), self._run.context, (task, digester))
                self._parts[self._executor.submit(task.number, work)] = part

    def _push(self, part: _Pushing, digests: PartDigests | None) -> None:
        options = self._run.options
        order = self._run.begin_part(part.task, digests)
        part.buffer = order.buffer
        limits = Share(
            self._id,
            max(1, int(options.max_concurrency * part.share + ROUNDING)),
            None if options.max_rate is None else options.max_rate * part.share,
        )
        work = partial(push_on_worker, share=limits, recipe=self._recipe, context=self._run.context, order=order)
        self._parts[self._executor.submit(part.task.number, work)] = part

    def _take_reports(self) -> None:
        running = {each.task.number: each for each in self._parts.values()}
        reports = _reports[self._id]
        while not reports.empty():
            report = reports.get()
            each = running.get(report["number"])
            if each is None:
                continue
            if "attempt" in report:
                self._begin(each, report)
            else:
                each.accepted[np.frombuffer(report["accepted"], dtype="int32")] = True
                each.snapshot = deserialize_bytes(report["snapshot"])

    def _begin(self, each: _Pushing, report: Mapping[str, Any]) -> None:
        """Let a worker start a part; if another one had begun it, that one is lost."""
        if each.has_begun:
            in_flight = each.snapshot.in_flight if each.snapshot else 0
            self._run.resent.append((each.task.number, each.task.rows, min(each.task.rows, in_flight + MAX_UNREPORTED)))
        each.has_begun = True
        accepted = np.packbits(each.accepted).tobytes()
        self._cluster.run(
            start_part,
            self._id,
            report["attempt"],
            accepted,
            self._sent_level,
            workers=[report["worker"]],
            on_error="ignore",
        )

    def _pass_on_stop(self) -> None:
        stop = self._run.stop
        level = int(stop.requested) + int(stop.at_once)
        if level > self._sent_level:
            self._stop_workers(level)

    def _stop_workers(self, level: int) -> None:
        self._sent_level = level
        self._cluster.run(stop_run, self._id, level, on_error="ignore")

    def _finish(self, future: Future, part: _Pushing) -> PartOutcome | None:
        """Return the outcome of a part, as far as it is known; None if it only begins now or never began."""
        if part.buffer is None:
            digests = _result_of_step(future, part.task.number, RESULT_SECONDS)
            if not self._run.stop.requested:
                self._push(part, digests)
            return None
        try:
            outcome: PartOutcome = _result_of(future, RESULT_SECONDS)
        except _NotFetched:
            raise
        except GrowlyticsError as problem:  # before its first request; the other parts are still gathered
            self._error = self._error or problem
            if not self._run.stop.requested:
                self._run.stop.request()
            return None
        except Exception as problem:  # noqa: BLE001 - whatever killed the task, its rows need an outcome
            return self._lost(part, part.buffer, problem)
        return outcome

    def _lost(self, part: _Pushing, buffer: OutcomeBuffer, problem: Exception) -> PartOutcome:
        _note_lost(part, f"the part failed on its workers ({type(problem).__name__})")
        fresh, end = frozenset(self._run.types_sent), Snapshot(buffer.counts())
        return PartOutcome(part.task.number, buffer, part.task.describe_unread(buffer), end, doubtful=fresh)

    def _require_workers(self) -> None:
        now = time.monotonic()
        if self._executor.threads():
            self._seen_worker = now
        elif now - self._seen_worker > STALL_SECONDS:
            raise ServiceUnavailableError(
                f"the cluster has had no worker for {STALL_SECONDS:.0f} s. Rows in flight are unknown, the rest "
                "unsent; growlytics_pandas.last_result().retry() sends them once there are workers again."
            )


def _note_lost(each: _Pushing, why: str) -> None:
    """Record the rows that were reported as accepted; all others may have arrived."""
    if each.buffer is None:
        return
    each.buffer.record_all(np.flatnonzero(each.accepted), Status.ACCEPTED)
    words = f"{why}: it may have arrived; pushing again is safe"
    each.buffer.record_all(each.buffer.rows_with([Status.UNSENT]), Status.UNKNOWN, words)


def _run_step(step: Step[C, T], context: C, task: Any, frame: pd.DataFrame) -> T:
    return step(frame, context, task)


def _on_part(
    step: Callable[[Part, A], T], frame: pd.DataFrame, context: PlanContext, requested: tuple[PartTask, A]
) -> T:
    return step(Part.read(frame, context, requested[0]), requested[1])


def _require_package(cluster: Cluster) -> None:
    """Check the version of this package on the workers: a task that a worker cannot unpickle would never end."""
    # A function of the standard library, so that it also runs on a worker without the package.
    ours = pkgutil.resolve_name(_VERSION)
    found = cluster.run(pkgutil.resolve_name, _VERSION, on_error="return")
    odd = {address: version for address, version in found.items() if version != ours}
    if odd:
        address, version = next(iter(odd.items()))
        found_version = f"version {version}" if isinstance(version, str) else f"none ({one_line(repr(version))})"
        raise UsageError(
            f"the worker {address} has {found_version} of growlytics-pandas, and this process {ours}. {_SAME_VERSION}"
        )


def _done(running: Mapping[Future, Any]) -> list[Future]:
    """Return the futures that are done, after a short wait if there is none."""
    done = [future for future in running if future.done()]
    if not done:
        time.sleep(POLL_SECONDS)
    return done


def _result_of_step(future: Future, number: int, seconds: float | None = None) -> Any:
    """Return the result of a step, before which nothing of the partition has been sent."""
    try:
        return _result_of(future, seconds)
    except (GrowlyticsError, _NotFetched):
        raise
    except Exception as problem:
        raise DataError(
            f"partition {number}: the cluster could not read it, so nothing of it was sent "
            f"({type(problem).__name__}: {one_line(str(problem))}). Correct what computes it, or leave it out: "
            "ddf.partitions[...]."
        ) from problem


class _NotFetched(Exception):  # noqa: N818 - not an error
    """The worker may have died with the result: the task runs again, and this thread must let it start."""


def _result_of(future: Future, seconds: float | None = None) -> Any:
    is_over = True
    try:
        return future.result(timeout=seconds)
    except TimeoutError as problem:
        is_over = future.status == "error"  # the task's own error
        if is_over:
            raise
        raise _NotFetched from problem
    except RuntimeError as problem:
        if "deserializ" not in str(problem):
            raise
        raise UsageError(f"a worker could not read its task ({problem}). {_SAME_VERSION}") from problem
    finally:
        if is_over:
            future.release()


def _drop(running: Mapping[Future, Any]) -> None:
    for future in running:
        future.cancel()
        future.release()
