"""Runs a plan of any kind of parts: encoding, delivery, outcomes, progress, end; and writes the run to the ledger."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas._status import ARRIVED, Ended, Failure, Status
from growlytics_pandas.errors import DataError, GrowlyticsError, PushInterrupted
from growlytics_pandas.http.concurrency import ConcurrencyController
from growlytics_pandas.ledger.digests import BODY_DIGEST_WORDS, Digester, Digests
from growlytics_pandas.ledger.project import Project
from growlytics_pandas.ledger.types import UNCERTAIN
from growlytics_pandas.ledger.value_log import ValueDigests
from growlytics_pandas.upload.connection import Connection, PushOptions, connect, exclusive
from growlytics_pandas.upload.dispatcher import CancellationToken, Delivery, interrupts
from growlytics_pandas.upload.encode import Encoded, PartDigests
from growlytics_pandas.upload.outcomes import CODES, Concluded, OutcomeBuffer, OutcomeStore, Progress, Snapshot
from growlytics_pandas.upload.parts import (
    Common,
    Executor,
    Part,
    PartList,
    PartOrder,
    PartOutcome,
    PartTask,
    push_part,
    types_sent,
)
from growlytics_pandas.upload.run_errors import are_too_many, interrupted, too_many_error
from growlytics_pandas.views.metrics import RunFacts
from growlytics_pandas.views.progress import open_listener

RESENT_DTYPES: Final = {"part": "int64", "rows": "int64", "again": "int64"}
MAX_FAILURES_SHOWN: Final = 5

R = TypeVar("R", bound=Concluded)


class LastResult:
    """Holds the result for `last_result()`: the latest of this process, also after an interrupt."""

    value: Any = None


HANDED_OVER_ROWS: Final = 1_000  # acceptances recorded together: they arrive a few at a time, and each call costs µs


class LedgerWriter:
    """Writes one run over `rows` rows to the ledger: before requests are sent, when they are accepted, and at the end.

    The order makes every crash harmless: differing digests are withdrawn and new types recorded, durably, *before* the
    first byte is sent; only an acceptance stores a digest.

    A part sent by this process is recorded chunk by chunk: `begin_part`, `changed`, `before_sending`,
    `record_accepted`, `end_part`. For a part sent by another process, its digests are recorded first: `announce`,
    `before_part`, `after_part`; that process never opens the file, since SQLite in WAL mode must not be shared over a
    network.

    Attributes
    ----------
    confirmed : dict
        Attribute → type, for types that this run fixed permanently.
    """

    def __init__(self, project: Project, rows: int, label: str | None = None, tracker: Digester | None = None) -> None:
        self.confirmed: dict[str, str] = {}
        self._project = project
        self._fresh: dict[str, str] = {}
        self._types: set[str] = set()  # already looked up in the ledger
        self._registered_by_us: set[str] = set()
        self._doubtful: set[str] = set()  # attributes of rows whose response was lost
        self._under_way: dict[int, PartDigests] = {}
        self._carriers: dict[str, npt.NDArray[np.bool_]] = {}
        self._accepted: list[int] = []
        self._rows = 0
        self._keys = np.zeros(0, dtype="int64")
        self._body_digests = np.zeros((0, BODY_DIGEST_WORDS), dtype="uint64")
        self._tracker = tracker
        self._tracked: ValueDigests | None = None  # of the part that is sent from here
        self._run = project.begin_run(rows, datetime.now(UTC), label)

    # a part sent by this process -------------------------------------------------------------------------------------

    def begin_part(self, rows: int, types: Mapping[str, str]) -> None:
        """Allocate the digests of a part that may send attributes of these types."""
        self._add(types)
        self._rows = rows
        self._keys = np.zeros(rows, dtype="int64")
        self._body_digests = np.zeros((rows, BODY_DIGEST_WORDS), dtype="uint64")
        self._tracked = None

    def end_part(self, buffer: OutcomeBuffer) -> None:
        """Commit, and record which attributes may have arrived."""
        self._hand_over()
        self._project.flush()
        lost = buffer.rows_with([Status.UNKNOWN])
        self._doubtful.update(name for name, carriers in self._carriers.items() if carriers[lost].any())
        self._carriers.clear()

    def changed(self, encoded: Encoded) -> npt.NDArray[np.bool_]:
        """Return which rows differ from the last accepted ones."""
        self._hand_over()
        return ~self._project.unchanged(self._digest(encoded))

    def before_sending(self, encoded: Encoded) -> None:
        """Record durably what is about to be sent. Also commits acceptances."""
        self._hand_over()
        if not len(encoded.rows):
            return
        self._register_fresh(encoded)
        self._keep_tracked(encoded)
        custom = list(encoded.present)
        present = np.column_stack([encoded.present[name] for name in custom]) if custom else None
        self._project.withdraw(self._digest(encoded), custom, present)

    def record_accepted(self, rows: Sequence[int]) -> None:
        """Record acceptances; they are written with the next chunk."""
        self._accepted.extend(rows)
        if self._carriers:
            self._confirm([name for name, carriers in self._carriers.items() if carriers[rows].any()])
        if len(self._accepted) >= HANDED_OVER_ROWS:
            self._hand_over()

    # a part sent by another process ----------------------------------------------------------------------------

    @property
    def fresh(self) -> frozenset[str]:
        """Attributes whose type the ledger does not know for certain."""
        return frozenset(self._fresh)

    def announce(self, types: Mapping[str, str]) -> None:
        """Record all types that may be sent as uncertain."""
        self._add(types)
        self._register(self._fresh)

    def before_part(self, number: int, digests: PartDigests, buffer: OutcomeBuffer, *, skip_unchanged: bool) -> None:
        """Mark unchanged rows, and withdraw the digests of all others about to be sent."""
        if skip_unchanged:
            mark_unchanged(self._project, digests, buffer)
        going = _is_unsent(buffer, digests.rows)
        present = digests.present()
        self._project.withdraw(digests.digests.take(going), digests.names, None if present is None else present[going])
        self._under_way[number] = digests

    def after_part(self, number: int, buffer: OutcomeBuffer, arrived: frozenset[str], doubtful: frozenset[str]) -> None:
        """Record the acceptances of a part, and which of its fresh attributes arrived or may have arrived."""
        digests = self._under_way.pop(number)
        accepted = buffer.codes()[digests.rows] == CODES[Status.ACCEPTED]
        self._project.accept(digests.digests.take(accepted))
        self._project.flush()
        self._doubtful |= doubtful
        self._confirm([name for name in self._fresh if name in arrived])

    # the end ---------------------------------------------------------------------------------------------------

    def finish(self, counts: Mapping[str, int], ended: Ended, retried: int = 0) -> None:
        """Forget the types that certainly never arrived, and record the end of the run (of a retry, with its rows)."""
        if not self._under_way:  # else a part was interrupted, and what it sent is unknown
            never = self._registered_by_us & (self._fresh.keys() - self._doubtful)
            self._project.forget_types(never, only_uncertain=True)
        if self._tracker is not None:
            self._project.tidy_values()
        self._project.end_run(self._run, counts, ended.value, sorted(self.confirmed), retried)

    def _hand_over(self) -> None:
        if self._accepted:
            taken = np.array(self._accepted, dtype="int64")
            self._accepted.clear()
            self._project.accept(Digests(self._keys[taken], self._body_digests[taken]))
            if self._tracked is not None:
                self._project.accept_values(self._tracked.take(taken))

    def _keep_tracked(self, encoded: Encoded) -> None:
        """Keep the digests of values until it is known which rows are accepted."""
        if self._tracker is None:
            return
        if self._tracked is None:
            names = tuple(column.name for column in encoded.columns)
            values = np.zeros((self._rows, len(names)), dtype=np.uint16)
            self._tracked = ValueDigests(self._body_digests[:, 0], names, values)
        self._tracked.values[encoded.rows] = self._tracker.values(encoded.columns)

    def _digest(self, encoded: Encoded) -> Digests:
        digests = Digests(self._keys[encoded.rows], self._body_digests[encoded.rows])
        if len(encoded.rows) and not digests.body_digests.any():
            digests = self._project.digest(encoded.ids, encoded.cells)
            self._keys[encoded.rows], self._body_digests[encoded.rows] = digests.keys, digests.body_digests
        return digests

    def _register_fresh(self, encoded: Encoded) -> None:
        """Record as uncertain the fresh attributes that first occur in this chunk."""
        carried = {name: encoded.present[name] for name in self._fresh if name in encoded.present}
        new = {name: self._fresh[name] for name, sent in carried.items() if name not in self._carriers and sent.any()}
        if new:
            self._register(new)
            self._carriers.update({name: np.zeros(self._rows, dtype=bool) for name in new})
        for name in self._carriers.keys() & carried.keys():
            self._carriers[name][encoded.rows] = carried[name]

    def _add(self, types: Mapping[str, str]) -> None:
        new = {name: type_ for name, type_ in types.items() if name not in self._types}
        if new:
            self._fresh.update(unsettled(self._project, new))
            self._types.update(new)

    def _register(self, types: Mapping[str, str]) -> None:
        if types:
            registration = self._project.register(types, datetime.now(UTC), certain=False)
            if registration.conflicts:
                raise overtaken(registration.conflicts)
            self._registered_by_us.update(registration.new)

    def _confirm(self, names: Sequence[str]) -> None:
        """Record that accepted bodies had these attributes: their types are now fixed."""
        if names:
            types = {name: self._fresh.pop(name) for name in names}
            self.confirmed.update(self._project.register(types, datetime.now(UTC), certain=True).new)
            for name in names:
                self._carriers.pop(name, None)


def unsettled(project: Project, types: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes whose type the ledger currently does not know for certain.

    Looked up again, since the ledger may have changed after the plan was made.
    """
    known = project.known_types()
    settled = {name: fact.type for name, fact in known.items() if fact.source != UNCERTAIN}
    return {name: type_ for name, type_ in types.items() if settled.get(name) != type_}


def overtaken(conflicts: Mapping[str, Any]) -> DataError:
    """Return the error for types that another push has fixed in the meantime."""
    named = ", ".join(f"{name!r} ({known.type})" for name, known in conflicts.items())
    return DataError(
        f"while this push ran, another one fixed the type of {named} differently; the service would ignore our values. "
        "The remaining rows are unsent: make the plan again, which will show the conflict."
    )


def mark_unchanged(project: Project, digests: PartDigests, buffer: OutcomeBuffer) -> None:
    """Mark rows whose body equals the last accepted one as `unchanged`."""
    same = project.unchanged(digests.digests) & _is_unsent(buffer, digests.rows)
    buffer.record_all(digests.rows[same], Status.UNCHANGED)


def _is_unsent(buffer: OutcomeBuffer, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    is_unsent: npt.NDArray[np.bool_] = buffer.codes()[rows] == CODES[Status.UNSENT]
    return is_unsent


class Run:
    """One run over the rows that are `unsent` in the buffers; a part without a buffer gets one when it starts.

    `run` runs it without raising, and `conclude` shows the result or raises.
    """

    def __init__(
        self,
        connection: Connection | None,
        options: PushOptions,
        executor: Executor,
        parts: PartList,
        common: Common,
        buffers: Mapping[int, OutcomeBuffer] | None = None,
        store: OutcomeStore | None = None,
    ) -> None:
        self.options = options
        self.stop = CancellationToken()
        self.controller = ConcurrencyController(max_concurrency=options.max_concurrency, max_rate=options.max_rate)
        self.error: BaseException | None = None
        self.ended = Ended.DRY_RUN
        self.message = ""
        self.parts = parts
        self.common = common
        self.buffers: dict[int, OutcomeBuffer] = dict(buffers or {})
        self.store = store or OutcomeStore()
        self.resent: list[tuple[int, int, int]] = []
        self._connection = connection
        self._executor = executor
        self._writer: LedgerWriter | None = None
        self._crash: BaseException | None = None
        listener = None if options.progress is False else open_listener(options.progress)
        self._progress = Progress(listener, options.label, self.stop.request)
        self._live: dict[int, Callable[[], Snapshot]] = {}
        self._settled = {number: buffer.counts() for number, buffer in self.buffers.items()}
        self._done: set[int] = set()
        self._sent_part = PartTask(0, 0, 0)  # the part that this process is sending
        self._was_reached = False
        self._retries = 0  # of finished parts, like the following
        self._answer_seconds = 0.0
        self._concurrency = 0
        self._failures: tuple[Failure, ...] = ()
        self._before = self._counts()  # of a retry: with the rows that it does not send

    # the run -------------------------------------------------------------------------------------

    @property
    def is_dry(self) -> bool:
        """Whether nothing is sent."""
        return self.options.dry_run or self._connection is None

    def run(self) -> None:
        """Run; an error that ends the run early is raised by `conclude`, together with the result."""
        self._progress.start(self.snapshot())
        if self._connection is None or self.options.dry_run:
            self._dry_run()
            return
        self._show("start")
        try:
            with exclusive(self._connection), interrupts(self.stop):
                try:
                    self._deliver(self._connection)
                finally:
                    self._connection.save_types()
        except GrowlyticsError as problem:
            self.error = problem
        except BaseException as problem:  # noqa: BLE001 - raised again by `conclude`: what is known outlives any error
            self._crash, self.ended, self.message = problem, Ended.CRASHED, type(problem).__name__
            return
        self.ended, self.message = self._ending(), "" if self.error is None else str(self.error)

    def conclude(self, result: R) -> R:
        """Store the result for `last_result()` and show it; raise the error that ended the run early."""
        LastResult.value = result
        if self.is_dry:
            return result
        self._show("end", result)
        if self._crash is not None:
            raise self._crash
        if self.error is not None:
            self.error.result = result  # type: ignore[attr-defined]
            raise self.error
        if self.stop.requested:
            raise PushInterrupted(interrupted(result.counts), result)
        return result

    def facts(self, *, would_refuse: bool = False) -> RunFacts:
        """Return the facts of the run; `would_refuse`: it was a dry run of a push that would raise."""
        snapshot = self.snapshot()
        samples = self._progress.close(snapshot)
        return RunFacts(
            self._progress.started,
            samples[-1].elapsed_seconds,
            snapshot.retries,
            self.ended.value,
            self._connection.base_url if self._connection else None,
            self.message,
            samples,
            would_refuse,
            self.options.label,
            getattr(self.error, "server_message", "") if self.message else "",
            *self._retried(),
        )

    def _retried(self) -> tuple[int, int]:
        """Return how many rows a retry had to send, and how many of them arrived."""
        if not self.options.is_retry:
            return 0, 0
        after, before = (sum(counts[status] for status in ARRIVED) for counts in (self._counts(), self._before))
        return self._before[Status.UNSENT], after - before

    @property
    def confirmed(self) -> dict[str, str]:
        """Attribute → type, for types that this run fixed permanently."""
        return self._writer.confirmed if self._writer else {}

    def resent_frame(self) -> pd.DataFrame:
        """Return one row per worker lost in the middle of a part."""
        return pd.DataFrame(self.resent, columns=list(RESENT_DTYPES)).astype(RESENT_DTYPES)

    def _ending(self) -> Ended:
        if self.error is not None:
            return Ended.STOPPED_EARLY
        return Ended.INTERRUPTED if self.stop.requested else Ended.FINISHED

    def _dry_run(self) -> None:
        """Compare with the ledger if requested."""
        project = self._connection.project if self._connection and self.options.skip_unchanged else None
        if project is not None:
            tasks = {task.number: task for task in self.tasks}
            for number, digests in self._executor.digest(self.common, tasks, project.digester):
                mark_unchanged(project, digests, self._buffer(tasks[number]))

    def _deliver(self, connection: Connection) -> None:
        """Send; an error that ends the run early is raised or recorded in `error`."""
        project = connection.project
        if project is not None:
            self._writer = LedgerWriter(project, self.parts.rows, self.options.label, connection.tracker)
        ended = Ended.CRASHED
        try:
            if self._writer is not None and not self._executor.is_local:
                self._writer.announce(self.types_sent)
            with contextlib.closing(self.outcomes()) as outcomes:
                for outcome in outcomes:
                    self._settle(outcome)
            ended = self._ending()
        except GrowlyticsError:
            ended = Ended.STOPPED_EARLY
            raise
        finally:
            if self._writer is not None:
                self._writer.finish(self._counts(), ended, self._retried()[0])

    def outcomes(self) -> Generator[PartOutcome, None, None]:
        """Push, and yield the outcome of each part."""
        yield from self._executor.push(self)

    # for executors: see `Job` -------------------------------------------------------------------------------------

    @property
    def connection(self) -> Connection:
        """The connection to send through."""
        return self._connection or connect()

    @property
    def tasks(self) -> list[PartTask]:
        """The parts with rows to send."""
        return [t for t in self.parts.tasks if t.number not in self.buffers or self._has_unsent(t)]

    @property
    def types_sent(self) -> dict[str, str]:
        """Attribute → type of the custom attributes that are sent."""
        return types_sent(self.common.schema, self.common.dropped)

    @property
    def digester(self) -> Digester | None:
        """The digester of the ledger; None without a ledger."""
        project = self._connection.project if self._connection else None
        return project.digester if project else None

    def is_due(self) -> bool:
        """Return whether the next progress update is due."""
        return self._progress.is_due()

    def order(self, task: PartTask, digests: PartDigests | None = None) -> PartOrder:
        """Return the order for a part, after recording its `digests` in the ledger."""
        buffer = self._buffer(task)
        fresh: frozenset[str] = frozenset()
        if self._writer is not None and digests is not None:
            self._writer.before_part(task.number, digests, buffer, skip_unchanged=self.options.skip_unchanged)
            fresh = self._writer.fresh
        options = self.options
        return PartOrder(
            task,
            buffer,
            fresh,
            options.chunk_size,
            options.max_concurrency,
            self._failures_left(),
            self._was_reached,
            may_be_unchanged=options.skip_unchanged and digests is None,
        )

    def record_snapshots(self, snapshots: Mapping[int, Snapshot]) -> None:
        """Record and show the progress of parts that other processes are sending."""
        self._live = {n: partial(_same, snapshot) for n, snapshot in snapshots.items() if n not in self._done}
        self._was_reached |= any(snapshot.counts[Status.ACCEPTED] for snapshot in snapshots.values())
        self._check_failures()
        self._show("update")

    def push_here(self, part: Part) -> PartOutcome:
        """Send a part in this process."""
        order, self._sent_part = self.order(part.task), part.task
        if self._writer is not None:
            self._writer.begin_part(part.task.rows, self.types_sent)
        try:
            return push_part(part, order, self.connection, self, is_kept=self._executor.keeps_frames)
        finally:
            if self._writer is not None:
                self._writer.end_part(order.buffer)

    def tick(self, delivery: Delivery) -> None:
        """Update the progress of this process's delivery; called many times per second."""
        if self._sent_part.number not in self._live:
            self._live = {self._sent_part.number: partial(delivery.snapshot, self._sent_part.first_row)}
        if self.is_due():
            self._check_failures()
            self._show("update")

    def select(self, encoded: Encoded) -> Encoded:
        """Return the rows to send: with `skip_unchanged`, those that have changed."""
        if self._writer is None or not self.options.skip_unchanged:
            return encoded
        changed = self._writer.changed(encoded)
        self.buffers[self._sent_part.number].record_all(encoded.rows[~changed], Status.UNCHANGED)
        return encoded.take(changed)

    def before_sending(self, encoded: Encoded) -> None:
        """Record in the ledger what is about to be sent."""
        if self._writer is not None:
            self._writer.before_sending(encoded)

    def record_accepted(self, rows: list[int]) -> None:
        """Record rows of this process's part that arrived."""
        if self._writer is not None:
            self._writer.record_accepted(rows)

    # the parts -------------------------------------------------------------------------------------------------

    def _buffer(self, task: PartTask) -> OutcomeBuffer:
        if task.number not in self.buffers:
            self.buffers[task.number] = self.parts.open_buffer(task)
        return self.buffers[task.number]

    def _settle(self, outcome: PartOutcome) -> None:
        number = outcome.number
        self._live.pop(number, None)
        self._done.add(number)
        counts, before = outcome.buffer.counts(), self._settled.get(number, {})
        self._was_reached |= counts[Status.ACCEPTED] > before.get(Status.ACCEPTED, 0)
        self._settled[number] = counts
        self.buffers[number] = outcome.buffer
        if outcome.table is not None:
            self.store.put(number, outcome.table)
        self._retries += outcome.end.retries
        self._answer_seconds += outcome.end.answer_seconds
        self._concurrency = outcome.end.concurrency
        self._failures = (*self._failures, *outcome.end.failures)[-MAX_FAILURES_SHOWN:]
        if self._writer is not None and not self._executor.is_local:
            self._writer.after_part(number, outcome.buffer, outcome.arrived, outcome.doubtful)
        if outcome.error is not None:
            self._give_up(outcome.error)
        self._check_failures()
        if self.is_due():
            self._show("update")

    def _give_up(self, error: BaseException) -> None:
        self.error = self.error or error
        if not self.stop.requested:
            self.stop.request()

    def _failures_left(self) -> float | None:
        limit = self.options.max_failures
        return max(1, limit - self._n_failed()) if isinstance(limit, int) else limit

    def _n_failed(self) -> int:
        """Return how many rows have failed in this run."""
        return self._counts()[Status.FAILED] - self._before[Status.FAILED]

    def _check_failures(self) -> None:
        """Check the limit over all parts; within a part, its delivery checks it."""
        limit = self.options.max_failures
        if limit is None or self.error is not None or self._executor.keeps_frames:
            return
        counts = self._counts()
        failed = self._n_failed() + counts[Status.UNKNOWN]
        finished = counts[Status.ACCEPTED] + failed
        if are_too_many(failed, finished, limit):
            self._give_up(too_many_error(failed, finished, limit))

    def _has_unsent(self, task: PartTask) -> bool:
        return len(self.buffers[task.number].rows_with([Status.UNSENT])) > 0

    # progress --------------------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Return the progress of the run."""
        live = [look() for look in self._live.values()]
        troubled = next((each for each in live if each.trouble), None)
        return Snapshot(
            self._counts(),
            retries=self._retries + sum(each.retries for each in live),
            in_flight=sum(each.in_flight for each in live),
            concurrency=sum(each.concurrency for each in live) or self._concurrency,
            failures=(*self._failures, *(failure for each in live for failure in each.failures))[-MAX_FAILURES_SHOWN:],
            answer_seconds=self._answer_seconds + sum(each.answer_seconds for each in live),
            trouble=troubled.trouble if troubled else "",
            foreign=troubled.foreign if troubled else "",
            is_stopping=self.stop.requested or any(each.is_stopping for each in live),
        )

    def _show(self, kind: Literal["start", "update", "end"], result: Concluded | None = None) -> None:
        snapshot = self.snapshot()
        has_words = bool(snapshot.failures or snapshot.trouble or (result and result.run.message))
        error = "" if self.error is None else type(self.error).__name__
        self._progress.show(kind, snapshot, self._executor.masker() if has_words else str, result, error)

    def _counts(self) -> dict[str, int]:
        """Return status → rows, over finished, running and future parts."""
        total = self.parts.counts()
        for task in self.parts.tasks:
            now = self._counts_of(task)
            if now is not None:
                invalid = self.parts.count_invalid(task)
                total[Status.INVALID] -= invalid
                total[Status.UNSENT] -= task.rows - invalid
                for status, count in now.items():
                    total[status] += count
        return total

    def _counts_of(self, task: PartTask) -> dict[str, int] | None:
        number = task.number
        if number in self._live:
            return self._live[number]().counts
        if number in self.buffers and number not in self._settled:
            return self.buffers[number].counts()
        return self._settled.get(number)


def _same(snapshot: Snapshot) -> Snapshot:
    return snapshot
