"""Runs a plan: pushes its parts, here or on a cluster; outcomes, progress, end; and writes the run to the ledger."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, Generic, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from growlytics_pandas._status import ARRIVED, Ended, Failure, Status
from growlytics_pandas.errors import DataError, GrowlyticsError, PushInterrupted
from growlytics_pandas.http.concurrency import ConcurrencyController
from growlytics_pandas.ledger.digests import BODY_DIGEST_WORDS, Digester, Digests
from growlytics_pandas.ledger.project import Project
from growlytics_pandas.ledger.types import certain_types
from growlytics_pandas.ledger.value_log import ValueDigests
from growlytics_pandas.upload.connection import Connection, PushOptions, exclusive
from growlytics_pandas.upload.delivery import CancellationToken, Delivery, interrupts
from growlytics_pandas.upload.encode import Encoded, PartDigests
from growlytics_pandas.upload.outcomes import CODES, Concluded, OutcomeBuffer, OutcomeStore, Progress, Snapshot
from growlytics_pandas.upload.parts import (
    Executor,
    LocalExecutor,
    Part,
    PartList,
    PartOrder,
    PartOutcome,
    PartPush,
    PartTask,
    PlanContext,
    compared_rows,
    types_sent,
)
from growlytics_pandas.upload.run_errors import are_too_many, interrupted, too_many_error
from growlytics_pandas.views.metrics import RunFacts
from growlytics_pandas.views.progress import open_listener

MAX_FAILURES_SHOWN: Final = 5
HANDED_OVER_ROWS: Final = 1_000  # acceptances recorded together: they arrive a few at a time, and each call costs µs

R_co = TypeVar("R_co", bound=Concluded, covariant=True)


class LastResult:
    """Holds the result for `last_result()`: the latest of this process, also after an interrupt."""

    value: Any = None


@dataclass(frozen=True)
class EndedRun(Generic[R_co]):
    """A run that has ended, and its result, which has not been shown yet."""

    run: Run
    result: R_co

    def conclude(self) -> R_co:
        """Store the result for `last_result()`, show it, and return it; raise the error that ended the run early."""
        LastResult.value = self.result
        if (error := self.show()) is not None:
            raise error
        return self.result

    def show(self) -> BaseException | None:
        """Show the result; return the error that ended the run early, if any."""
        return self.run.show_end(self.result)


class Run(ABC):
    """One run over the rows that are `unsent` in the buffers; a part without a buffer gets one when it starts.

    `LocalRun` sends from this process, `RemoteRun` has other processes send. `run` runs it without raising.
    """

    _writer: LedgerWriter | None = None

    def __init__(
        self,
        connection: Connection | None,
        options: PushOptions,
        executor: Executor,
        parts: PartList,
        context: PlanContext,
        buffers: Mapping[int, OutcomeBuffer] | None = None,
        store: OutcomeStore | None = None,
        *,
        is_retry: bool = False,
    ) -> None:
        self.options = options
        self.stop = CancellationToken()
        self.error: BaseException | None = None
        self.ended = Ended.DRY_RUN
        self.message = ""
        self.parts = parts
        self.context = context
        self.buffers: dict[int, OutcomeBuffer] = dict(buffers or {})
        self.store = store or OutcomeStore()
        self.resent: list[tuple[int, int, int]] = []  # see `PushResult.resent`
        self._connection = connection
        self._executor = executor
        self._is_retry = is_retry
        self._crash: BaseException | None = None
        listener = None if options.progress is False else open_listener(options.progress)
        self._progress = Progress(listener, options.label, self.stop.request)
        self._counts_of_part = {number: buffer.counts() for number, buffer in self.buffers.items()}  # not being sent
        self._was_reached = False
        self._retries = 0  # of finished parts, like the following
        self._answer_seconds = 0.0
        self._concurrency = 0
        self._failures: tuple[Failure, ...] = ()
        self._before = self._counts()  # of a retry: with the rows that it does not send

    # the run -------------------------------------------------------------------------------------

    def run(self) -> None:
        """Run; an error that ends the run early is kept for `show_end`."""
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
        except BaseException as problem:  # noqa: BLE001 - returned by `show_end`: what is known outlives any error
            self._crash, self.ended, self.message = problem, Ended.CRASHED, type(problem).__name__
            return
        self.ended, self.message = self._ending(), "" if self.error is None else str(self.error)

    def show_end(self, result: Concluded) -> BaseException | None:
        """Show the result; return the error to raise, if any, which has the result."""
        if self.options.dry_run:
            return None
        try:
            self._show("end", result)
        except BaseException as problem:  # noqa: BLE001 - returned, so that the result is not lost
            return problem
        if self._crash is not None:
            return self._crash
        if self.error is not None:
            self.error.result = result  # type: ignore[attr-defined]
            return self.error
        if self.stop.requested:
            return PushInterrupted(interrupted(result.counts), result)
        return None

    def facts(self, *, would_refuse: bool = False, n_left_out: int = 0) -> RunFacts:
        """Return the facts of the run; `would_refuse`: it was a dry run of a push that would raise."""
        snapshot = self.snapshot()
        samples = self._progress.close(snapshot)
        retried, retry_arrived = self._retried()
        return RunFacts(
            started=self._progress.started,
            seconds=samples[-1].elapsed_seconds,
            retries=snapshot.retries,
            ended=self.ended.value,
            base_url=self._connection.base_url if self._connection else None,
            message=self.message,
            samples=samples,
            would_refuse=would_refuse,
            label=self.options.label,
            server_text=getattr(self.error, "server_message", "") if self.message else "",
            retried=retried,
            retry_arrived=retry_arrived,
            n_left_out=n_left_out,
        )

    def _retried(self) -> tuple[int, int]:
        """Return how many rows a retry had to send, and how many of them arrived."""
        if not self._is_retry:
            return 0, 0
        after, before = (sum(counts[status] for status in ARRIVED) for counts in (self._counts(), self._before))
        return self._before[Status.UNSENT], after - before

    @property
    def confirmed(self) -> dict[str, str]:
        """Attribute → type, for types that this run fixed permanently."""
        return self._writer.confirmed if self._writer else {}

    def _ending(self) -> Ended:
        if self.error is not None:
            return Ended.STOPPED_EARLY
        return Ended.INTERRUPTED if self.stop.requested else Ended.FINISHED

    def _dry_run(self) -> None:
        """Compare with the ledger if requested."""
        project = self._connection.project if self._connection and self.options.skip_unchanged else None
        if project is not None:
            requested = {task.number: (task, project.digester) for task in self.tasks}
            for number, digests in self._executor.run_on_parts(Part.digest, self.context, requested):
                mark_unchanged(project, digests, self._buffer(requested[number][0]))

    def _deliver(self, connection: Connection) -> None:
        """Send; an error that ends the run early is raised or recorded in `error`."""
        project = connection.project
        if project is not None:
            self._writer = self._open_writer(project, connection)
        ended = Ended.CRASHED
        try:
            self._push_parts(connection)
            ended = self._ending()
        except GrowlyticsError:
            ended = Ended.STOPPED_EARLY
            raise
        finally:
            if self._writer is not None:
                self._writer.finish(self._counts(), ended, self._retried()[0])

    @abstractmethod
    def _open_writer(self, project: Project, connection: Connection) -> LedgerWriter:
        """Record the start of the run in the ledger."""

    @abstractmethod
    def _push_parts(self, connection: Connection) -> None:
        """Push the parts one by one, until a stop."""

    # the parts -------------------------------------------------------------------------------------------------

    @property
    def tasks(self) -> list[PartTask]:
        """The parts with rows to send."""
        found = ((task, self.buffers.get(task.number)) for task in self.parts.tasks)
        return [task for task, buffer in found if buffer is None or len(buffer.rows_with([Status.UNSENT]))]

    @property
    def types_sent(self) -> dict[str, str]:
        """Attribute → type of the custom attributes that are sent."""
        return types_sent(self.context.schema, self.context.dropped)

    def _buffer(self, task: PartTask) -> OutcomeBuffer:
        if task.number not in self.buffers:
            self.buffers[task.number] = self.parts.open_buffer(task)
        return self.buffers[task.number]

    def _order(self, task: PartTask, fresh: frozenset[str] = frozenset()) -> PartOrder:
        limit = self.options.max_failures
        return PartOrder(
            task,
            self._buffer(task),
            self.options.chunk_size,
            self.options.max_concurrency,
            max(1, limit - self._n_failed_and_ended()[0]) if isinstance(limit, int) else limit,
            self._was_reached,
            fresh,
        )

    def _record(self, outcome: PartOutcome) -> None:
        """Record the outcome of a finished part."""
        number = outcome.number
        counts, before = outcome.buffer.counts(), self._counts_of_part.get(number, {})
        self._was_reached |= counts[Status.ACCEPTED] > before.get(Status.ACCEPTED, 0)
        self._counts_of_part[number] = counts
        self.buffers[number] = outcome.buffer
        if outcome.table is not None:
            self.store.put(number, outcome.table)
        self._retries += outcome.end.retries
        self._answer_seconds += outcome.end.answer_seconds
        self._concurrency = outcome.end.concurrency
        self._failures = (*self._failures, *outcome.end.failures)[-MAX_FAILURES_SHOWN:]

    def _check_outcome(self, outcome: PartOutcome) -> None:
        """Stop after an error, and show the progress if it is due."""
        if outcome.error is not None:
            self._give_up(outcome.error)
        self._check_failures()
        if self.is_due():
            self._show("update")

    def _give_up(self, error: BaseException) -> None:
        self.error = self.error or error
        if not self.stop.requested:
            self.stop.request()

    def _n_failed_and_ended(self) -> tuple[int, int]:
        """Return how many rows did not clearly arrive in this run, and how many it has sent to an end."""
        counts, before = self._counts(), self._before
        accepted, failed, unknown = (
            counts[status] - before[status] for status in (Status.ACCEPTED, Status.FAILED, Status.UNKNOWN)
        )
        return failed + unknown, accepted + failed + unknown

    def _check_failures(self) -> None:
        """Check the limit over all parts; within a part, its delivery checks it."""
        limit = self.options.max_failures
        if limit is None or self.error is not None or self._executor.keeps_frames:
            return
        failed, ended = self._n_failed_and_ended()
        if are_too_many(failed, ended, limit):
            self._give_up(too_many_error(failed, ended, limit))

    # progress --------------------------------------------------------------------------------------------------

    @abstractmethod
    def _live(self) -> Mapping[int, Snapshot]:
        """Return the progress of the parts that are being sent, by number."""

    def is_due(self) -> bool:
        """Return whether the next progress update is due."""
        return self._progress.is_due()

    def snapshot(self) -> Snapshot:
        """Return the progress of the run."""
        live = self._live()
        troubled = next((each for each in live.values() if each.trouble), None)
        failures = (*self._failures, *(failure for each in live.values() for failure in each.failures))
        return Snapshot(
            self._count(live),
            retries=self._retries + sum(each.retries for each in live.values()),
            in_flight=sum(each.in_flight for each in live.values()),
            concurrency=sum(each.concurrency for each in live.values()) or self._concurrency,
            failures=failures[-MAX_FAILURES_SHOWN:],
            answer_seconds=self._answer_seconds + sum(each.answer_seconds for each in live.values()),
            trouble=troubled.trouble if troubled else "",
            server_text=troubled.server_text if troubled else "",
            is_stopping=self.stop.requested or any(each.is_stopping for each in live.values()),
        )

    def _show(self, kind: Literal["start", "update", "end"], result: Concluded | None = None) -> None:
        snapshot = self.snapshot()
        has_words = bool(snapshot.failures or snapshot.trouble or (result and result.run.message))
        error = "" if self.error is None else type(self.error).__name__
        self._progress.show(kind, snapshot, self._executor.masker() if has_words else str, result, error)

    def _counts(self) -> dict[str, int]:
        """Return status → rows, over finished, running and future parts."""
        return self._count(self._live())

    def _count(self, live: Mapping[int, Snapshot]) -> dict[str, int]:
        def known(task: PartTask) -> Mapping[str, int] | None:
            number = task.number
            if number in live:
                return live[number].counts
            if number in self.buffers and number not in self._counts_of_part:
                return self.buffers[number].counts()
            return self._counts_of_part.get(number)

        return self.parts.counts(known)


class LocalRun(Run):
    """A run that reads and sends the parts in this process."""

    _executor: LocalExecutor
    _sending: tuple[PartTask, Delivery] | None = None

    @cached_property
    def controller(self) -> ConcurrencyController:
        """The concurrency controller, which all parts share."""
        return ConcurrencyController(max_concurrency=self.options.max_concurrency, max_rate=self.options.max_rate)

    def _open_writer(self, project: Project, connection: Connection) -> LedgerWriter:
        return LedgerWriter(project, self.parts.rows, self.options.label, connection.value_digester)

    def _push_parts(self, connection: Connection) -> None:
        tasks = {task.number: task for task in self.tasks}
        with contextlib.closing(self._executor.read(self.context, tasks)) as parts:
            for part in parts:
                if self.stop.requested:
                    return
                self._push_part(part, connection)

    def _push_part(self, part: Part, connection: Connection) -> None:
        order = self._order(part.task)
        writer = self._writer.begin_part(part.task.rows, self.types_sent) if self._writer is not None else None
        try:
            outcome = _LocalPush(self, part, order, writer).run(connection, is_kept=self._executor.keeps_frames)
        finally:
            if writer is not None:
                writer.end(order.buffer)
        self._sending = None
        self._record(outcome)
        self._check_outcome(outcome)

    def look_at(self, encoded: Encoded) -> None:
        """See a chunk of rows that are `unsent`, before unchanged ones are taken out; for subclasses."""

    def tick(self, task: PartTask, delivery: Delivery) -> None:
        """Update the progress of the part that is being sent; called many times per second."""
        self._sending = task, delivery
        if self.is_due():
            self._check_failures()
            self._show("update")

    def _live(self) -> Mapping[int, Snapshot]:
        if self._sending is None:
            return {}
        task, delivery = self._sending
        return {task.number: delivery.snapshot(task.first_row)}


class _LocalPush(PartPush):
    """The push of a part by the process of its run."""

    def __init__(self, run: LocalRun, part: Part, order: PartOrder, writer: PartWriter | None) -> None:
        super().__init__(part, order, run.controller, run.stop)
        self._run, self._writer = run, writer

    def encoded(self) -> Iterator[Encoded]:
        """Yield the rows to send, chunk by chunk, after recording in the ledger that they are sent."""
        writer, size = self._writer, self.order.chunk_size
        is_compared = self._run.options.skip_unchanged
        if is_compared:
            size = max(size, compared_rows(len(self.part.frame.columns)))
        for block in self.unsent(size):
            self._run.look_at(block)
            if writer is None:
                yield block
                continue
            for encoded in self._changed(writer, block) if is_compared else (block,):
                writer.before_sending(encoded)
                yield encoded

    def _changed(self, writer: PartWriter, block: Encoded) -> Iterator[Encoded]:
        """Return the rows of a block that differ from the last accepted ones, in chunks."""
        changed = writer.changed(block)
        self.order.buffer.record_all(block.rows[~changed], Status.UNCHANGED)
        return block.take(changed).split(self.order.chunk_size)

    def record_accepted(self, rows: list[int]) -> None:
        """Record rows that arrived in the ledger."""
        if self._writer is not None:
            self._writer.record_accepted(rows)

    def tick(self, delivery: Delivery) -> None:
        """Update the progress of the run."""
        self._run.tick(self.part.task, delivery)


class RemoteRun(Run):
    """A run whose parts are sent by other processes, which report to this one."""

    _executor: RemoteExecutor
    _writer: RemoteLedgerWriter | None = None
    _reported: Mapping[int, Snapshot] = MappingProxyType({})  # number of a part → its progress

    def _open_writer(self, project: Project, connection: Connection) -> RemoteLedgerWriter:
        return RemoteLedgerWriter(project, self.parts.rows, self.options.label, connection.value_digester)

    def _push_parts(self, connection: Connection) -> None:
        if self._writer is not None:
            self._writer.announce(self.types_sent)
        with contextlib.closing(self._executor.push(self, connection)) as outcomes:
            for outcome in outcomes:
                self._reported = {n: snapshot for n, snapshot in self._reported.items() if n != outcome.number}
                self._record(outcome)
                if self._writer is not None:
                    self._writer.end_part(outcome)
                self._check_outcome(outcome)

    def begin_part(self, task: PartTask, digests: PartDigests | None) -> PartOrder:
        """Record the `digests` of a part in the ledger, and return the order to send it."""
        if self._writer is None or digests is None:
            return self._order(task)
        buffer = self._buffer(task)
        self._writer.before_sending(task.number, digests, buffer, skip_unchanged=self.options.skip_unchanged)
        return self._order(task, frozenset(self._writer.fresh))

    @property
    def digester(self) -> Digester | None:
        """The digester of the ledger; None without a ledger."""
        project = self._connection.project if self._connection else None
        return project.digester if project else None

    def record_snapshots(self, snapshots: Mapping[int, Snapshot]) -> None:
        """Record and show the progress of the parts that are being sent."""
        self._reported = snapshots
        self._was_reached |= any(snapshot.counts[Status.ACCEPTED] for snapshot in snapshots.values())
        self._check_failures()
        self._show("update")

    def _live(self) -> Mapping[int, Snapshot]:
        return self._reported


class RemoteExecutor(Executor):
    """Has other processes read and send the parts."""

    @abstractmethod
    def push(self, run: RemoteRun, connection: Connection) -> Generator[PartOutcome, None, None]:
        """Push the parts of a run, yielding outcomes as they arrive. After a stop, parts may be missing."""


# the ledger ----------------------------------------------------------------------------------------------------------


class LedgerWriter:
    """Writes one run over `rows` rows to the ledger: its start, the types that it fixes, its end.

    The order makes every crash harmless: differing digests are withdrawn and new types recorded, durably, *before* the
    first byte is sent; only an acceptance stores a digest.

    Attributes
    ----------
    confirmed : dict
        Attribute → type, for types that this run fixed permanently.
    fresh : dict
        Attribute → type, for attributes whose type the ledger does not know for certain.
    doubtful : set
        Attributes of rows whose response was lost.
    """

    def __init__(self, project: Project, rows: int, label: str | None = None, tracker: Digester | None = None) -> None:
        self.confirmed: dict[str, str] = {}
        self.fresh: dict[str, str] = {}
        self.doubtful: set[str] = set()
        self.project = project
        self.tracker = tracker
        self._types: set[str] = set()  # already looked up in the ledger
        self._registered_by_us: set[str] = set()
        self._run = project.begin_run(rows, datetime.now(UTC), label)

    def begin_part(self, rows: int, types: Mapping[str, str]) -> PartWriter:
        """Return the writer of a part that this process sends, which may have attributes of these types."""
        self.add(types)
        return PartWriter(self, rows)

    def add(self, types: Mapping[str, str]) -> None:
        """Look up which of these types are not known for certain."""
        new = {name: type_ for name, type_ in types.items() if name not in self._types}
        if new:
            self.fresh.update(uncertain_types(self.project, new))
            self._types.update(new)

    def register(self, types: Mapping[str, str]) -> None:
        """Record types as uncertain, before attributes of them are sent."""
        if types:
            registration = self.project.register(types, datetime.now(UTC), certain=False)
            if registration.conflicts:
                raise overtaken(registration.conflicts)
            self._registered_by_us.update(registration.new)

    def confirm(self, names: Sequence[str]) -> None:
        """Record that accepted bodies had these attributes: their types are now fixed."""
        if names:
            types = {name: self.fresh.pop(name) for name in names}
            self.confirmed.update(self.project.register(types, datetime.now(UTC), certain=True).new)

    def finish(self, counts: Mapping[str, int], ended: Ended, retried: int = 0) -> None:
        """Forget the types that certainly never arrived, and record the end of the run (of a retry, with its rows)."""
        self.project.forget_types(self._never_sent(), only_uncertain=True)
        if self.tracker is not None:
            self.project.tidy_values()
        self.project.end_run(self._run, counts, ended.value, sorted(self.confirmed), retried)

    def _never_sent(self) -> set[str]:
        return self._registered_by_us & (self.fresh.keys() - self.doubtful)


class PartWriter:
    """Writes a part of `rows` rows that this process sends, chunk by chunk; `end` writes the last acceptances."""

    def __init__(self, run: LedgerWriter, rows: int) -> None:
        self._run = run
        self._project = run.project
        self._rows = rows
        self._keys = np.zeros(rows, dtype="int64")
        self._body_digests = np.zeros((rows, BODY_DIGEST_WORDS), dtype="uint64")
        self._values: ValueDigests | None = None  # where they are tracked
        self._accepted: list[int] = []
        self._carriers: dict[str, npt.NDArray[np.bool_]] = {}  # fresh attribute → which rows have it

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
        self._keep_values(encoded)
        custom = list(encoded.present)
        present = np.column_stack([encoded.present[name] for name in custom]) if custom else None
        self._project.withdraw(self._digest(encoded), custom, present)

    def record_accepted(self, rows: Sequence[int]) -> None:
        """Record acceptances; they are written with the next chunk."""
        self._accepted.extend(rows)
        if self._carriers:
            arrived = [name for name, carriers in self._carriers.items() if carriers[rows].any()]
            self._run.confirm(arrived)
            for name in arrived:
                del self._carriers[name]
        if len(self._accepted) >= HANDED_OVER_ROWS:
            self._hand_over()

    def end(self, buffer: OutcomeBuffer) -> None:
        """Commit, and record which attributes may have arrived."""
        self._hand_over()
        self._project.flush()
        lost = buffer.rows_with([Status.UNKNOWN])
        self._run.doubtful.update(name for name, carriers in self._carriers.items() if carriers[lost].any())

    def _hand_over(self) -> None:
        if self._accepted:
            taken = np.array(self._accepted, dtype="int64")
            self._accepted.clear()
            self._project.accept(Digests(self._keys[taken], self._body_digests[taken]))
            if self._values is not None:
                self._project.accept_values(self._values.take(taken))

    def _keep_values(self, encoded: Encoded) -> None:
        """Keep the digests of values until it is known which rows are accepted."""
        tracker = self._run.tracker
        if tracker is None:
            return
        if self._values is None:
            names = tuple(column.name for column in encoded.columns)
            values = np.zeros((self._rows, len(names)), dtype=np.uint16)
            self._values = ValueDigests(self._body_digests[:, 0], names, values)
        self._values.values[encoded.rows] = tracker.values(encoded.columns)

    def _digest(self, encoded: Encoded) -> Digests:
        digests = Digests(self._keys[encoded.rows], self._body_digests[encoded.rows])
        if len(encoded.rows) and not digests.body_digests.any():
            digests = self._project.digest(encoded.ids, encoded.cells)
            self._keys[encoded.rows], self._body_digests[encoded.rows] = digests.keys, digests.body_digests
        return digests

    def _register_fresh(self, encoded: Encoded) -> None:
        """Record as uncertain the fresh attributes that first occur in this chunk."""
        fresh = self._run.fresh
        carried = {name: encoded.present[name] for name in fresh if name in encoded.present}
        new = {name: fresh[name] for name, sent in carried.items() if name not in self._carriers and sent.any()}
        if new:
            self._run.register(new)
            self._carriers.update({name: np.zeros(self._rows, dtype=bool) for name in new})
        for name in self._carriers.keys() & carried.keys():
            self._carriers[name][encoded.rows] = carried[name]


class RemoteLedgerWriter(LedgerWriter):
    """Writes a run whose parts other processes send: the digests of a part are recorded before it is sent.

    These processes never open the file, since SQLite in WAL mode must not be shared over a network.
    """

    def __init__(self, project: Project, rows: int, label: str | None = None, tracker: Digester | None = None) -> None:
        super().__init__(project, rows, label, tracker)
        self._under_way: dict[int, PartDigests] = {}

    def announce(self, types: Mapping[str, str]) -> None:
        """Record all types that may be sent as uncertain."""
        self.add(types)
        self.register(self.fresh)

    def before_sending(self, number: int, digests: PartDigests, buffer: OutcomeBuffer, *, skip_unchanged: bool) -> None:
        """Mark unchanged rows, and withdraw the digests of all others about to be sent."""
        if skip_unchanged:
            mark_unchanged(self.project, digests, buffer)
        going = _is_unsent(buffer, digests.rows)
        present = digests.present()
        self.project.withdraw(digests.digests.take(going), digests.names, None if present is None else present[going])
        self._under_way[number] = digests

    def end_part(self, outcome: PartOutcome) -> None:
        """Record the acceptances of a part, and which of its fresh attributes arrived or may have arrived."""
        digests = self._under_way.pop(outcome.number)
        accepted = outcome.buffer.codes()[digests.rows] == CODES[Status.ACCEPTED]
        self.project.accept(digests.digests.take(accepted))
        self.project.flush()
        self.doubtful |= outcome.doubtful
        self.confirm([name for name in self.fresh if name in outcome.arrived])

    def _never_sent(self) -> set[str]:
        return set() if self._under_way else super()._never_sent()  # else a part was interrupted: all may have arrived


def uncertain_types(project: Project, types: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes whose type the ledger currently does not know for certain.

    Looked up again, since the ledger may have changed after the plan was made.
    """
    certain = certain_types(project.known_types())
    return {name: type_ for name, type_ in types.items() if certain.get(name) != type_}


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
