"""Partitions profiled and pushed on the workers of a cluster."""

from __future__ import annotations

import itertools
import pkgutil
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final, TypeVar

import dask
import numpy as np
import pandas as pd
from distributed import Client as Cluster
from distributed import Future

from growlytics_pandas._status import Failure, Status
from growlytics_pandas._text import install_extra
from growlytics_pandas.dask.coordinator import HANDLER, Coordinator
from growlytics_pandas.dask.worker import push_on_worker
from growlytics_pandas.errors import DataError, GrowlyticsError, ServiceUnavailableError, UsageError
from growlytics_pandas.http.protocol import one_line
from growlytics_pandas.ledger.digests import Digester
from growlytics_pandas.upload.encode import PartDigests
from growlytics_pandas.upload.outcomes import OutcomeBuffer
from growlytics_pandas.upload.part_list import PartTask
from growlytics_pandas.upload.parts import Common, Job, PartOutcome, Step, digest_part
from growlytics_pandas.upload.progress import Snapshot

C = TypeVar("C")
T = TypeVar("T")

POLL_SECONDS: Final = 0.02  # interval of the check for finished futures
STALL_SECONDS: Final = 60.0  # without any worker, then the run ends
_VERSION: Final = "growlytics_pandas:__version__"
_SAME_VERSION: Final = (
    "Install the same version of it, and of your own modules, on scheduler and workers: " + install_extra("dask,fast")
)
TASKS_A_THREAD: Final = 2  # submitted at a time: one running, one queued


class ClusterExecutor:
    """Runs steps on the workers, one task per partition. Nothing returned is lazy, so nothing runs twice."""

    can_repeat = True
    is_local = False
    keeps_frames = False

    def __init__(self, ddf: Any, cluster: Cluster) -> None:
        _require_package(cluster)
        self._parts = ddf.to_delayed()
        self._cluster = cluster

    def run(self, step: Step[C, T], common: C, tasks: Mapping[int, Any] | None = None) -> Iterator[tuple[int, T]]:
        """Run a step on each partition, yielding results as they arrive."""
        requested: Mapping[int, Any] = dict.fromkeys(range(len(self._parts))) if tasks is None else tasks
        waiting = deque(requested.items())
        running: dict[Future, int] = {}
        try:
            while waiting or running:
                while waiting and len(running) < self.width():
                    number, task = waiting.popleft()
                    running[self.submit(number, partial(_look, step, common, task))] = number
                for future in _done(running):
                    number = running.pop(future)
                    yield number, _profiled(future, number)
        finally:
            _drop(running)

    def digest(
        self, common: Common, tasks: Mapping[int, PartTask], digester: Digester
    ) -> Iterator[tuple[int, PartDigests]]:
        """Digest the rows to send, for each partition."""
        return self.run(digest_part, common, {number: (task, digester) for number, task in tasks.items()})

    def masker(self) -> Callable[[str], str] | None:
        """Return None: the frames are on the workers."""
        return None

    def push(self, job: Job) -> Iterator[PartOutcome]:
        """Push on the workers, yielding the outcome of each part as it arrives."""
        push = _ClusterPush(self, self._cluster, job)
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

    def width(self) -> int:
        """Return how many tasks are submitted at a time."""
        threads: int = sum(self._cluster.nthreads().values())
        return TASKS_A_THREAD * max(1, threads)


class _ClusterPush:
    """One push: parts submitted, outcomes gathered, progress fetched from the coordinator."""

    def __init__(self, executor: ClusterExecutor, cluster: Cluster, job: Job) -> None:
        self._executor, self._cluster, self._job = executor, cluster, job
        self._run = uuid.uuid4().hex
        self._recipe = job.connection.recipe()
        self._digesting: dict[Future, PartTask] = {}
        self._pushing: dict[Future, tuple[PartTask, OutcomeBuffer]] = {}
        self._settled: list[int] = []
        self._error: GrowlyticsError | None = None
        self._seen_worker = time.monotonic()
        _install(cluster)
        limits = {
            "client": cluster.id,
            "max_concurrency": job.options.max_concurrency,
            "max_rate": job.options.max_rate,
        }
        self._call("open", limits)

    def outcomes(self) -> Iterator[PartOutcome]:
        """Submit the parts, a few at a time, and yield their outcomes."""
        waiting = deque(self._job.tasks)
        while waiting or self._digesting or self._pushing:
            if self._job.stop.requested:
                waiting.clear()
                _drop(self._digesting)
                self._digesting.clear()
            self._hand_out(waiting)
            self._take_digests()
            yield from self._gather()
            if self._job.is_due():
                self._look()
                self._require_workers()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Cancel everything, and record what is known about running parts in their buffers."""
        _drop(self._digesting)
        if self._pushing:
            self._call("look", {"stop": 2, "settled": [], "lost": []})
            _drop(self._pushing)
            for task, buffer in self._pushing.values():
                self._note_lost(task, buffer, "the run ended before the part finished")
        self._look()
        self._call("close", {})

    def _hand_out(self, waiting: deque[PartTask]) -> None:
        while waiting and len(self._digesting) + len(self._pushing) < self._executor.width():
            task = waiting.popleft()
            if self._job.digester is None:
                self._start(task, None)
            else:
                work = partial(_look, digest_part, self._job.common, (task, self._job.digester))
                self._digesting[self._executor.submit(task.number, work)] = task

    def _start(self, task: PartTask, digests: PartDigests | None) -> None:
        job = self._job
        order = job.order(task, digests)
        work = partial(
            push_on_worker,
            run=self._run,
            recipe=self._recipe,
            common=job.common,
            order=order,
            max_rate=job.options.max_rate,
        )
        self._pushing[self._executor.submit(task.number, work)] = (task, order.buffer)

    def _take_digests(self) -> None:
        for future in [future for future in self._digesting if future.done()]:
            task = self._digesting.pop(future)
            self._start(task, _profiled(future, task.number))

    def _gather(self) -> Iterator[PartOutcome]:
        done = [future for future in self._pushing if future.done()]
        if not done:
            time.sleep(POLL_SECONDS)  # in the main thread, so that an interrupt is noticed
        for future in done:
            task, buffer = self._pushing.pop(future)
            outcome = self._outcome(future, task, buffer)
            self._settled.append(task.number)
            if outcome is not None:
                yield outcome

    def _outcome(self, future: Future, task: PartTask, buffer: OutcomeBuffer) -> PartOutcome | None:
        """Return the outcome of a part; if its task failed, what is known about it; None if it never started."""
        try:
            outcome: PartOutcome = _result_of(future)
        except GrowlyticsError as problem:  # before its first request; the other parts are still gathered
            self._error = self._error or problem
            if not self._job.stop.requested:
                self._job.stop.request()
            return None
        except Exception as problem:  # noqa: BLE001 - whatever killed the task, its rows need an outcome
            return self._lost(task, buffer, problem)
        return outcome

    def _lost(self, task: PartTask, buffer: OutcomeBuffer, problem: Exception) -> PartOutcome:
        self._note_lost(task, buffer, f"the part failed on its workers ({type(problem).__name__})")
        rows = np.arange(task.rows)
        labels = pd.Index([None] * task.rows, dtype=object)
        table = buffer.describe(rows, rows + task.first_row, labels, [""] * task.rows)
        fresh = frozenset(self._job.types_sent)
        return PartOutcome(task.number, buffer, table, frozenset(), fresh, Snapshot(buffer.counts()))

    def _note_lost(self, task: PartTask, buffer: OutcomeBuffer, why: str) -> None:
        """Record the rows known to be accepted by the coordinator; all others may have arrived."""
        reply = self._call("look", {"stop": 0, "settled": [], "lost": [task.number]})
        bits = np.frombuffer(reply["accepted"].get(task.number, b""), dtype="uint8")
        buffer.note_all(np.flatnonzero(np.unpackbits(bits, count=min(task.rows, 8 * len(bits)))), Status.ACCEPTED)
        words = f"{why}: it may have arrived; pushing again is safe"
        buffer.note_all(buffer.rows_with([Status.UNSENT]), Status.UNKNOWN, words)

    def _look(self) -> None:
        stop = self._job.stop
        payload = {"stop": int(stop.requested) + int(stop.at_once), "settled": self._settled, "lost": []}
        reply = self._call("look", payload)
        self._settled = []
        self._job.resent = [tuple(each) for each in reply["resent"]]
        self._job.note_snapshots({number: _snapshot(snapshot) for number, snapshot in reply["snapshots"]})

    def _require_workers(self) -> None:
        now = time.monotonic()
        if self._cluster.nthreads():
            self._seen_worker = now
        elif now - self._seen_worker > STALL_SECONDS:
            raise ServiceUnavailableError(
                f"the cluster has had no worker for {STALL_SECONDS:.0f} s. Rows in flight are unknown, the rest "
                "unsent; growlytics_pandas.last_result().retry() sends them once there are workers again."
            )

    def _call(self, verb: str, payload: dict[str, Any]) -> dict[str, Any]:
        handler = getattr(self._cluster.scheduler, HANDLER)
        reply: dict[str, Any] = self._cluster.sync(handler, verb=verb, run=self._run, payload=payload)
        return reply


def _look(step: Step[C, T], common: C, task: Any, frame: pd.DataFrame) -> T:
    return step(frame, common, task)


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


def _install(cluster: Cluster) -> None:
    try:
        cluster.register_plugin(Coordinator())
    except Exception as problem:
        raise UsageError(
            f"the cluster's scheduler could not load growlytics_pandas ({type(problem).__name__}). {_SAME_VERSION}"
        ) from problem


def _done(running: Mapping[Future, Any]) -> list[Future]:
    """Return the futures that are done, after a short wait if there is none."""
    done = [future for future in running if future.done()]
    if not done:
        time.sleep(POLL_SECONDS)
    return done


def _profiled(future: Future, number: int) -> Any:
    """Return the profile of a partition; nothing of it has been sent yet."""
    try:
        return _result_of(future)
    except GrowlyticsError:
        raise
    except Exception as problem:
        raise DataError(
            f"partition {number}: the cluster could not read it, so nothing of it was sent "
            f"({type(problem).__name__}: {one_line(str(problem))}). Correct what computes it, or leave it out: "
            "ddf.partitions[...]."
        ) from problem


def _result_of(future: Future) -> Any:
    try:
        return future.result()
    except RuntimeError as problem:
        if "deserializ" not in str(problem):
            raise
        raise UsageError(f"a worker could not read its task ({problem}). {_SAME_VERSION}") from problem
    finally:
        future.release()


def _drop(running: Mapping[Future, Any]) -> None:
    for future in running:
        future.cancel()
        future.release()


def _snapshot(payload: Mapping[str, Any]) -> Snapshot:
    failures = tuple(itertools.starmap(Failure, payload["failures"]))
    return Snapshot(
        dict(payload["counts"]),
        payload["retries"],
        payload["in_flight"],
        payload["concurrency"],
        failures,
        payload["answer_seconds"],
        payload["trouble"],
        payload["foreign"],
    )
