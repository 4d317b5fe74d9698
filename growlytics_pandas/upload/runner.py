"""Pushes one frame: encoding, delivery, outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from growlytics_pandas._status import Status
from growlytics_pandas.checks.chunks import starts
from growlytics_pandas.errors import GrowlyticsError
from growlytics_pandas.http.concurrency import ConcurrencyController
from growlytics_pandas.upload.base_run import BaseRun, Snapshot, pulse_of
from growlytics_pandas.upload.connection import Connection
from growlytics_pandas.upload.dispatcher import Chunk, Delivery, Limits
from growlytics_pandas.upload.encode import Encoded
from growlytics_pandas.upload.ledger_writer import LedgerWriter
from growlytics_pandas.upload.outcomes import OutcomeBuffer
from growlytics_pandas.upload.parts import MAX_CROWD_ROWS, Part
from growlytics_pandas.upload.push_options import PushOptions
from growlytics_pandas.upload.schema_frame import types_sent


class Run(BaseRun):
    """One run over the rows of a frame that are `unsent` in its book."""

    def __init__(self, connection: Connection | None, options: PushOptions, part: Part, book: OutcomeBuffer) -> None:
        super().__init__(connection, options)
        self.part = part
        self.book = book
        self._delivery: Delivery | None = None
        self._writer: LedgerWriter | None = None

    @property
    def confirmed(self) -> dict[str, str]:
        """Attribute → type of those that this run fixed for good."""
        return self._writer.confirmed if self._writer else {}

    def pulse(self) -> Snapshot:
        """Return how far the run is."""
        return pulse_of(self._delivery, self.book) if self._delivery else Snapshot(self.book.counts())

    def _masker(self, pulse: Snapshot) -> Callable[[str], str]:
        """Mask the values of all rows; of a large frame, where that takes time, leave the words of the server out."""
        return self.part.crowd(()).hide if len(self.part.frame) <= MAX_CROWD_ROWS else super()._masker(pulse)

    def _dry_run(self) -> None:
        workspace = self._connection.workspace if self._connection and self.options.skip_unchanged else None
        if workspace is not None:
            for encoded in self._encoded():
                same = workspace.unchanged(workspace.digest(encoded.ids, encoded.bodies))
                self.book.note_all(encoded.rows[same], Status.UNCHANGED)

    def _deliver(self, connection: Connection) -> None:
        workspace = connection.workspace
        types = types_sent(self.part.layout, self.part.screening.dropped)
        if workspace is not None:
            self._writer = LedgerWriter(workspace, len(self.part.frame), types, self.options.label)
        ended = "crashed"
        try:
            self._delivery = self._open_delivery(connection)
            self._delivery.run(self._chunks())
            self.error = self._delivery.error
            ended = self._ending()
        except GrowlyticsError:
            ended = "stopped early"
            raise
        finally:
            if self._writer is not None:
                self._writer.finish(self.book, ended)

    def _open_delivery(self, connection: Connection) -> Delivery:
        return Delivery(
            connection.open_transport(self.options.max_concurrency),
            ConcurrencyController(max_concurrency=self.options.max_concurrency, max_rate=self.options.max_rate),
            self.book,
            limits=Limits(max_failures=self.options.max_failures, max_waiting=4 * self.options.chunk_size),
            stop=self.stop,
            on_accepted=self._writer.note_accepted if self._writer else _forget,
            on_tick=self._tick,
        )

    def _tick(self, _delivery: Delivery) -> None:
        if self.is_due():
            self._notify("update")

    def _encoded(self) -> Iterator[Encoded]:
        """Encode, chunk by chunk, the rows that were `unsent` when the run began."""
        rows = len(self.part.frame)
        wanted = np.zeros(rows, dtype=bool)
        wanted[self.book.rows_with([Status.UNSENT])] = True
        for start, stop in starts(rows, self.options.chunk_size):
            if wanted[start:stop].any():
                yield self.part.encode(start, stop, wanted)

    def _chunks(self) -> Iterator[Chunk]:
        for encoded in self._encoded():
            going = encoded
            if self._writer is not None:
                if self.options.skip_unchanged:
                    changed = self._writer.changed(encoded)
                    self.book.note_all(encoded.rows[~changed], Status.UNCHANGED)
                    going = encoded.take(changed)
                self._writer.before_sending(going)
            yield Chunk(going.rows.tolist(), going.bodies)


def _forget(_rows: list[int]) -> None:
    """Without a ledger, nothing is remembered."""
