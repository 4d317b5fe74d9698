"""Carries a plan over parts out: part by part through an engine, with one ledger, one progress, one result."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping

import pandas as pd

from growlytics_pandas._status import Status
from growlytics_pandas.errors import GrowlyticsError
from growlytics_pandas.ledger.digests import Digester
from growlytics_pandas.upload.base_run import BaseRun, Snapshot
from growlytics_pandas.upload.batches.ledger_writer import PartsLedgerWriter, mark_unchanged
from growlytics_pandas.upload.connection import Connection, connect
from growlytics_pandas.upload.executor import Executor
from growlytics_pandas.upload.outcome_store import OutcomeStore
from growlytics_pandas.upload.outcomes import OutcomeBuffer
from growlytics_pandas.upload.parts import Common, PartDigests, PartOrder, PartOutcome, digest_part
from growlytics_pandas.upload.profile import PartTask, ProfiledParts
from growlytics_pandas.upload.push_options import PushOptions
from growlytics_pandas.upload.run_errors import are_too_many, too_many_error
from growlytics_pandas.upload.schema_frame import types_sent

RESENT_DTYPES = {"part": "int64", "rows": "int64", "again": "int64"}


class BatchRun(BaseRun):
    """One run over the rows that are `unsent` in the books; a part without a book is opened when its turn comes."""

    def __init__(
        self,
        connection: Connection | None,
        options: PushOptions,
        engine: Executor,
        profile: ProfiledParts,
        common: Common,
        books: Mapping[int, OutcomeBuffer] | None = None,
        store: OutcomeStore | None = None,
    ) -> None:
        super().__init__(connection, options)
        self.profile = profile
        self.common = common
        self.books: dict[int, OutcomeBuffer] = dict(books or {})
        self.store = store or OutcomeStore()
        self.retries = 0
        self.resent: list[tuple[int, int, int]] = []
        self.keeper: PartsLedgerWriter | None = None
        self._engine = engine
        self._live: dict[int, Snapshot] = {}
        self._settled = {number: book.counts() for number, book in self.books.items()}
        self._done: set[int] = set()
        self._was_reached = False
        self._answer_seconds = 0.0  # of the parts that are done

    # what an engine asks ---------------------------------------------------------------------------------------

    @property
    def connection(self) -> Connection:
        """What the parts are sent through."""
        return self._connection or connect()

    @property
    def confirmed(self) -> dict[str, str]:
        """Attribute → type of those that this run fixed for good."""
        return self.keeper.confirmed if self.keeper else {}

    def resent_frame(self) -> pd.DataFrame:
        """Return one row for each worker lost in the middle of a part."""
        return pd.DataFrame(self.resent, columns=list(RESENT_DTYPES)).astype(RESENT_DTYPES)

    @property
    def tasks(self) -> list[PartTask]:
        """The parts in which anything is to be sent."""
        return [t for t in self.profile.tasks if t.number not in self.books or self._has_unsent(t)]

    @property
    def types_sent(self) -> dict[str, str]:
        """Attribute → type of the custom attributes that go out."""
        return types_sent(self.common.layout, self.common.dropped)

    @property
    def max_concurrency(self) -> int:
        """Requests in flight at most, of all parts together."""
        return self.options.max_concurrency

    @property
    def max_rate(self) -> float | None:
        """Requests a second at most, of all parts together."""
        return self.options.max_rate

    @property
    def digester(self) -> Digester | None:
        """What makes digests for the ledger; None without one."""
        workspace = self._connection.workspace if self._connection else None
        return workspace.digester if workspace else None

    def order(self, task: PartTask, digests: PartDigests | None) -> PartOrder | None:
        """Say what to do with a part, and let the ledger know before."""
        book = self.books.get(task.number) or self.profile.open_book(task)
        self.books[task.number] = book
        fresh: frozenset[str] = frozenset()
        if self.keeper is not None and digests is not None:
            self.keeper.before(task.number, digests, book, skip_unchanged=self.options.skip_unchanged)
            fresh = self.keeper.fresh
        options = self.options
        left = self._failures_left()
        return PartOrder(task, book, fresh, options.chunk_size, options.max_concurrency, left, self._was_reached)

    def note_pulses(self, pulses: Mapping[int, Snapshot]) -> None:
        """Take note of how far the parts are that are under way, and show it."""
        self._live = {number: pulse for number, pulse in pulses.items() if number not in self._done}
        self._was_reached |= any(pulse.counts[Status.ACCEPTED] for pulse in self._live.values())
        self._check_failures()
        self._notify("update")

    # the run ---------------------------------------------------------------------------------------------------

    def _dry_run(self) -> None:
        workspace = self._connection.workspace if self._connection and self.options.skip_unchanged else None
        if workspace is not None:
            requested = {task.number: (task, workspace.digester) for task in self.tasks}
            for number, digests in self._engine.run(digest_part, self.common, requested):
                self.books[number] = self.profile.open_book(requested[number][0])
                mark_unchanged(workspace, digests, self.books[number])

    def _deliver(self, connection: Connection) -> None:
        workspace = connection.workspace
        self.keeper = PartsLedgerWriter(workspace, self.profile.rows, self.options.label) if workspace else None
        ended = "crashed"
        try:
            if self.keeper is not None:
                self.keeper.announce(self.types_sent)
            with contextlib.closing(self.outcomes()) as outcomes:
                for outcome in outcomes:
                    self._settle(outcome)
            ended = self._ending()
        except GrowlyticsError:
            ended = "stopped early"
            raise
        finally:
            if self.keeper is not None:
                self.keeper.finish(self._counts(), ended)

    def outcomes(self) -> Generator[PartOutcome, None, None]:
        """Push, and give the outcome of each part."""
        yield from self._engine.push(self)

    def _settle(self, outcome: PartOutcome) -> None:
        self._live.pop(outcome.number, None)
        self._done.add(outcome.number)
        counts, before = outcome.book.counts(), self._settled.get(outcome.number, {})
        self._was_reached |= counts[Status.ACCEPTED] > before.get(Status.ACCEPTED, 0)
        self._settled[outcome.number] = counts
        self.books[outcome.number] = outcome.book
        self.store.put(outcome.number, outcome.table)
        self.retries += outcome.retries
        self._answer_seconds += outcome.answer_seconds
        if self.keeper is not None:
            self.keeper.after(outcome)
        if outcome.error is not None:
            self._give_up(outcome.error)
        self._check_failures()
        self._notify("update")

    def _give_up(self, error: BaseException) -> None:
        self.error = self.error or error
        if not self.stop.requested:
            self.stop.request()

    def _failures_left(self) -> float | None:
        limit = self.options.max_failures
        return max(1, limit - self._counts()[Status.FAILED]) if isinstance(limit, int) else limit

    def _check_failures(self) -> None:
        limit = self.options.max_failures
        if limit is None or self.error is not None:
            return
        counts = self._counts()
        failed = counts[Status.FAILED] + counts[Status.UNKNOWN]
        finished = counts[Status.ACCEPTED] + failed
        if are_too_many(failed, finished, limit):
            self._give_up(too_many_error(failed, finished, limit))

    def _has_unsent(self, task: PartTask) -> bool:
        return len(self.books[task.number].rows_with([Status.UNSENT])) > 0

    # progress --------------------------------------------------------------------------------------------------

    def pulse(self) -> Snapshot:
        """Return how far the run is."""
        pulses = list(self._live.values())
        return Snapshot(
            self._counts(),
            retries=self.retries + sum(pulse.retries for pulse in pulses),
            in_flight=sum(pulse.in_flight for pulse in pulses),
            concurrency=sum(pulse.concurrency for pulse in pulses),
            failures=tuple(failure for pulse in pulses for failure in pulse.failures)[-5:],
            answer_seconds=self._answer_seconds + sum(pulse.answer_seconds for pulse in pulses),
            trouble=next((pulse.trouble for pulse in pulses if pulse.trouble), ""),
            is_stopping=self.stop.requested,
        )

    def _counts(self) -> dict[str, int]:
        """Return status → rows, of finished parts, parts under way and those to come."""
        total = dict(self.profile.counts())
        for task in self.profile.tasks:
            now = self._counts_of(task)
            if now is not None:
                invalid = self.profile.count_invalid(task)
                total[Status.INVALID] -= invalid
                total[Status.UNSENT] -= task.rows - invalid
                for status, count in now.items():
                    total[status] += count
        return total

    def _counts_of(self, task: PartTask) -> dict[str, int] | None:
        number = task.number
        if number in self._live:
            return self._live[number].counts
        if number in self.books and number not in self._settled:
            return self.books[number].counts()
        return self._settled.get(number)
