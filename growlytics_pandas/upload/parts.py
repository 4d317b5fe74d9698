"""A frame, or a part of a larger one: checked, encoded, digested, pushed. Executors read parts one by one."""

from __future__ import annotations

import hashlib
import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas._labels import is_personal
from growlytics_pandas._masking import CustomerMasks, printable_labels
from growlytics_pandas._rules import Rule
from growlytics_pandas._status import Status
from growlytics_pandas.checks.findings import Findings
from growlytics_pandas.checks.ids import KnownIds, check_ids, check_known_ids
from growlytics_pandas.checks.names import check_attributes, check_parts_of_name, dropped_columns
from growlytics_pandas.checks.profile import Suggestion
from growlytics_pandas.checks.schema import Attribute, Budget, Schema, prepare
from growlytics_pandas.checks.suggestion_warnings import with_suggestions
from growlytics_pandas.checks.values import Precheck, check_frame
from growlytics_pandas.columns.dtypes import BLOCK_ROWS, ColumnKind, Kind, Mask, classify, starts
from growlytics_pandas.columns.frames import prepare_frame
from growlytics_pandas.columns.reading import Alike
from growlytics_pandas.columns.texts import TextColumns, hash_texts
from growlytics_pandas.errors import DataError, ServiceError
from growlytics_pandas.http.concurrency import ConcurrencyController
from growlytics_pandas.ledger.digests import CellColumn, Digester, Digests
from growlytics_pandas.upload.connection import Connection, PushOptions
from growlytics_pandas.upload.dispatcher import CancellationToken, Chunk, Delivery, Limits
from growlytics_pandas.upload.encode import Encoded, PartDigests
from growlytics_pandas.upload.outcomes import OutcomeBuffer, Rows, Snapshot
from growlytics_pandas.upload.rejects import Picked, Wanted, pick

C = TypeVar("C")
T = TypeVar("T")
Step = Callable[[pd.DataFrame, C, Any], T]

COMPARED_ROWS: Final = 8_192  # compared with the ledger at a time: a few MB
COMPARED_CELLS: Final = 1 << 18
MAX_MASKED_ROWS: Final = 50_000  # rows whose values are kept for masking: a third of a second, about 50 MB
MASKED_ROWS_AT_ONCE: Final = 10_000


@dataclass(frozen=True, slots=True)
class PartTask:
    """One part: its first row in the whole, its profile data, and which of its ids are not unique.

    `labels` are its columns when profiled, and `ids` the digest of its ids in order; '' if it is not read again.
    """

    number: int
    first_row: int
    rows: int
    same: Alike = field(default_factory=Alike)
    alike: Alike = field(default_factory=Alike)
    labels: tuple[Hashable, ...] = field(default=(), repr=False)
    ids: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class PartList:
    """The parts of a frame, and for each part the rows that are not sent because of their id, by rule."""

    tasks: tuple[PartTask, ...] = ()
    skipped: tuple[Mapping[Rule, Rows], ...] = ()

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(task.rows for task in self.tasks)

    def count_invalid(self, task: PartTask) -> int:
        """Return how many rows of a part are not sent because of their id."""
        return sum(map(len, self.skipped[task.number].values()))

    def counts(self) -> dict[str, int]:
        """Return status → number of rows, before anything is sent."""
        invalid = sum(map(self.count_invalid, self.tasks))
        found = {Status.INVALID: invalid, Status.UNSENT: self.rows - invalid}
        return {status.value: found.get(status, 0) for status in Status}

    def open_buffer(self, task: PartTask) -> OutcomeBuffer:
        """Return the buffer of a part's outcomes: `invalid` for rows that cannot be sent, `unsent` for the rest."""
        buffer = OutcomeBuffer(task.rows)
        for rule, rows in self.skipped[task.number].items():
            buffer.record_all(rows, Status.INVALID, f"not sent: {rule}; see violations")
        return buffer

    def extended(self, task: PartTask, skipped: Mapping[Rule, Rows]) -> PartList:
        """Return the list with one more part."""
        return PartList((*self.tasks, task), (*self.skipped, skipped))


def changed(number: int, what: str) -> DataError:
    """Return the error for a part that has changed since the plan was made."""
    return DataError(
        f"part {number}: {what}; the source must return the same rows in the same order each time. Nothing of this "
        "part was sent. Sort the rows, or write the data to files first, and make the plan again."
    )


def digest_ids(has_id: Mask, exact: npt.NDArray[np.uint64]) -> bytes:
    """Digest the ids of a part in order, from the hash of each."""
    return hashlib.blake2b(has_id.tobytes() + exact.tobytes(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Common:
    """Data that all parts share."""

    schema: Schema
    labels: tuple[Hashable, ...]
    dropped: frozenset[int]
    budget: Budget | None = field(default=None, repr=False)
    knows: KnownIds | None = field(default=None, repr=False)


def types_sent(schema: Schema, dropped: frozenset[int]) -> dict[str, str]:
    """Return attribute → type of the custom attributes that are sent."""
    return {
        attribute.name: attribute.type.value
        for attribute in schema.attributes
        if attribute.type and not attribute.is_reserved and attribute.position not in dropped
    }


@dataclass(frozen=True, slots=True)
class PartOrder:
    """How to push a part: send the rows that are `unsent` in `buffer`; `fresh`: attributes new to the ledger.

    `was_reached`: the service accepted rows of an earlier part, so it is reachable.
    `may_be_unchanged`: rows are compared with the ledger on the way.
    """

    task: PartTask
    buffer: OutcomeBuffer
    fresh: frozenset[str]
    chunk_size: int
    max_concurrency: int
    max_failures: float | None = None
    was_reached: bool = False
    may_be_unchanged: bool = False


@dataclass(frozen=True, slots=True)
class PartOutcome:
    """The outcome of a part: its buffer, and which fresh attributes arrived or may have arrived.

    `table`: the frame of its outcomes; None if the part stays in memory and the frame can be built later. `end`: the
    last snapshot of its delivery.
    """

    number: int
    buffer: OutcomeBuffer
    table: pd.DataFrame | None
    arrived: frozenset[str]
    doubtful: frozenset[str]
    end: Snapshot
    error: ServiceError | None = None


class Job(Protocol):
    """What an executor needs to push parts: see `Run`."""

    options: PushOptions
    stop: CancellationToken
    common: Common
    resent: list[tuple[int, int, int]]

    @property
    def connection(self) -> Connection:
        """The connection to send through."""

    @property
    def digester(self) -> Digester | None:
        """The digester of the ledger; None without a ledger."""

    @property
    def types_sent(self) -> Mapping[str, str]:
        """Attribute → type of the custom attributes that are sent."""

    @property
    def tasks(self) -> Iterable[PartTask]:
        """The parts to push, in order."""

    def order(self, task: PartTask, digests: PartDigests | None = None) -> PartOrder:
        """Return the order for a part, after recording its `digests` in the ledger."""

    def push_here(self, part: Part) -> PartOutcome:
        """Send a part in this process."""

    def is_due(self) -> bool:
        """Return whether the next progress update is due."""

    def record_snapshots(self, snapshots: Mapping[int, Snapshot]) -> None:
        """Record and show the progress of parts that other processes are sending."""


class Executor(Protocol):
    """Runs steps on parts."""

    can_repeat: bool
    is_local: bool
    keeps_frames: bool

    def run(self, step: Step[C, T], common: C, tasks: Mapping[int, Any] | None = None) -> Iterator[tuple[int, T]]:
        """Yield number and ``step(frame, common, task)`` of each part in `tasks` (None: of all), in any order."""

    def digest(
        self, common: Common, tasks: Mapping[int, PartTask], digester: Digester
    ) -> Iterator[tuple[int, PartDigests]]:
        """Digest the rows to send, for each part."""

    def push(self, job: Job) -> Iterator[PartOutcome]:
        """Push the parts of a job, yielding outcomes as they arrive. After a stop, parts may be missing."""

    def masker(self) -> Callable[[str], str] | None:
        """Return what masks the values of all rows in a text; None if they are not available."""


class RunControl(Protocol):
    """Controls the push of a part: concurrency, stop and progress."""

    stop: CancellationToken

    @property
    def controller(self) -> ConcurrencyController:
        """The concurrency controller."""

    def tick(self, delivery: Delivery) -> None:
        """Update the progress; called many times per second."""

    def select(self, encoded: Encoded) -> Encoded:
        """Return the rows to send."""

    def before_sending(self, encoded: Encoded) -> None:
        """Prepare for sending the bodies of a chunk."""

    def record_accepted(self, rows: list[int]) -> None:
        """Record rows that arrived."""


@dataclass(frozen=True, eq=False)
class Part:
    """A frame, or a part of one, with its own row numbers from 0."""

    frame: pd.DataFrame
    schema: Schema
    prechecked: Precheck
    budget: Budget | None
    task: PartTask
    texts: TextColumns | None = None  # of a whole frame, whose text columns are read for ids, suggestions and checks
    knows: KnownIds | None = None

    @classmethod
    def whole(
        cls, frame: pd.DataFrame, schema: Schema, budget: Budget | None = None, knows: KnownIds | None = None
    ) -> Part:
        """Return a whole frame as one part, after checking names, types and ids."""
        attributes = check_attributes(schema, len(frame))
        texts = TextColumns(frame)
        ids = check_ids(frame, schema, texts=texts)
        violations = (*attributes, *ids.violations)
        checked = Precheck(violations, dropped_columns(attributes), ids.skipped, ids.skipped_by)
        return cls(frame, schema, checked, budget, PartTask(0, 0, len(frame)), texts, knows)

    @classmethod
    def read(cls, frame: pd.DataFrame, common: Common, task: PartTask) -> Part:
        """Return a part of a larger frame; raise if it has changed since the plan was made."""
        frame = prepare_frame(frame, common.schema.id_column)
        _require_same_form(frame, task)
        frame = align(frame, common.labels)
        schema = impose(frame, common.schema)
        _require_same_ids(frame, schema, task)
        ids = check_ids(frame, schema, (task.same, task.alike))
        checked = Precheck(ids.violations, common.dropped, ids.skipped, ids.skipped_by)
        return cls(frame, schema, checked, common.budget, task, knows=common.knows)

    def findings(self, suggestions: Sequence[Suggestion] | None = None) -> Findings:
        """Return the violations; they read their values from the frame."""
        known = check_known_ids(self.frame, self.schema, self.knows) if self.knows else []
        checked = replace(self.prechecked, violations=(*self.prechecked.violations, *known))
        violations = check_frame(self.frame, self.schema, checked, self.budget, self.texts)
        if suggestions is not None:
            violations += check_parts_of_name(self.schema, suggestions, len(self.frame))
        if suggestions:
            violations = with_suggestions(violations, self.schema, suggestions, len(self.frame))
        return Findings(violations, self.frame)

    def encode(self, start: int, stop: int, wanted: Mask | None = None) -> Encoded:
        """Return the encoded rows from `start` to `stop` (only those `wanted`)."""
        block = prepare(self.frame, self.schema, self.prechecked.dropped, start, stop, self.budget)
        keep = ~self.prechecked.skipped[start:stop]
        if wanted is not None:
            keep &= wanted[start:stop]
        columns = (CellColumn(c.attribute.name, c.values.type.value, c.values.values, c.sent) for c in block.columns)
        rows = np.arange(start, stop)
        encoded = Encoded(rows, block.ids.texts, tuple(columns), self.schema.top_level_name)
        return encoded if keep.all() else encoded.take(keep)

    def encoded(self, wanted: Mask, size: int = BLOCK_ROWS) -> Iterator[Encoded]:
        """Yield the encoded rows that are wanted, chunk by chunk, skipping empty chunks."""
        for start, stop in starts(len(wanted), size):
            if wanted[start:stop].any():
                yield self.encode(start, stop, wanted)

    def preview(self, n: int, wanted: Mask) -> list[bytes]:
        """Return the first `n` bodies of the wanted rows."""
        chosen = np.zeros(len(wanted), dtype=bool)
        chosen[np.flatnonzero(wanted)[:n]] = True
        return [body for encoded in self.encoded(chosen) for body in encoded.bodies]

    def ids(self, rows: Any = slice(None)) -> list[str]:
        """Return the ids of rows as sent, '' if there is none."""
        column = self.frame.iloc[:, self.schema.id_position].iloc[rows]
        return self.schema.read_ids(column).texts

    def describe(self, buffer: OutcomeBuffer, rows: Rows) -> pd.DataFrame:
        """Return the outcomes of `rows` as a frame."""
        labels = printable_labels(self.frame.index.take(rows))
        return buffer.describe(rows, rows + self.task.first_row, labels, self.ids(rows))

    def personal_values(self, rows: Any) -> list[tuple[Any, ...]]:
        """Return for each row the id and other values that identify the customer."""
        schema = self.schema
        places = [a.position for a in schema.attributes if is_personal(a.name, a.column, schema.id_column)]
        columns = [self.frame.iloc[:, place].iloc[rows].astype(object).tolist() for place in places]
        return list(zip(self.ids(rows), *columns, strict=True))

    def customer_masks(self, texts: Iterable[str]) -> CustomerMasks:
        """Return the masks for all customers of the frame in `texts`: a server message can name any of them."""
        if len(self.frame) <= MAX_MASKED_ROWS:
            return self._whole_masks
        sought = frozenset(texts)
        if sought not in self._masks:  # seconds for a million rows, so a result shown again takes the last one
            self._masks.clear()
            self._masks[sought] = CustomerMasks(self._personal(), sought)
        return self._masks[sought]

    @cached_property
    def _masks(self) -> dict[frozenset[str], CustomerMasks]:
        return {}

    @cached_property
    def _whole_masks(self) -> CustomerMasks:
        return CustomerMasks(self._personal())

    def _personal(self) -> Iterator[Any]:
        for start, stop in starts(len(self.frame), MASKED_ROWS_AT_ONCE):
            yield from itertools.chain.from_iterable(self.personal_values(slice(start, stop)))

    def digest(self, digester: Digester) -> PartDigests:
        """Digest all that would be sent."""
        names: tuple[str, ...] = ()
        rows, digests, bits = [np.empty(0, dtype="int64")], [Digests.none()], []
        for start, stop in starts(len(self.frame), compared_rows(len(self.frame.columns))):
            encoded = self.encode(start, stop)
            rows.append(encoded.rows)
            digests.append(digester.digest(encoded.ids, encoded.cells))
            names = tuple(encoded.present)
            if names:
                bits.append(np.packbits(np.column_stack(list(encoded.present.values())), axis=1))
        carried = np.concatenate(bits) if bits else np.empty((0, 0), dtype="uint8")
        return PartDigests(np.concatenate(rows), Digests.joined(digests), names, carried)


def compared_rows(columns: int) -> int:
    """Return how many rows of so many columns are compared with the ledger together."""
    return min(COMPARED_ROWS, max(1, COMPARED_CELLS // columns))


def align(frame: pd.DataFrame, labels: tuple[Hashable, ...]) -> pd.DataFrame:
    """Return a part with the columns of the whole; columns that it lacks are missing in all rows."""
    return frame if tuple(frame.columns) == labels else frame.reindex(columns=pd.Index(labels, tupleize_cols=False))


def impose(frame: pd.DataFrame, schema: Schema) -> Schema:
    """Return the schema of the whole for a part, whose cells may be of another kind."""
    return replace(
        schema,
        id_kind=classify(schema.clean_ids(frame.iloc[:, schema.id_position])).kind,
        attributes=tuple(
            replace(attribute, kind=_local_kind(attribute, classify(schema.clean(frame, attribute))))
            for attribute in schema.attributes
        ),
    )


def _local_kind(attribute: Attribute, found: ColumnKind) -> Kind:
    """Return the kind to extract cells by: the part's own, or object if the whole column is mixed."""
    is_odd = attribute.kind is Kind.MIXED or found.kind in (Kind.EMPTY, Kind.UNSUPPORTED)
    return Kind.MIXED if is_odd and attribute.type is not None else found.kind


def _require_same_ids(frame: pd.DataFrame, schema: Schema, task: PartTask) -> None:
    if not task.ids:
        return
    has_id = np.zeros(task.rows, dtype=bool)
    exact = np.zeros(task.rows, dtype="uint64")
    column = frame.iloc[:, schema.id_position]
    for start, stop in starts(task.rows):
        ids = schema.read_ids(column.iloc[start:stop])
        has_id[start:stop], exact[start:stop] = ~ids.missing, hash_texts(ids.texts)
    if digest_ids(has_id, exact) != task.ids:
        raise changed(task.number, "its ids, or their order, have changed since the plan was made")


def _require_same_form(frame: pd.DataFrame, task: PartTask) -> None:
    """Raise if the rows or columns of a part have changed since the plan was made."""
    if len(frame) != task.rows:
        raise changed(task.number, f"it has {len(frame):,} rows, and had {task.rows:,} when the plan was made")
    labels = tuple(frame.columns)
    if task.ids and labels != task.labels:
        odd = set(labels) ^ set(task.labels)
        other = next((repr(label) for label in (*labels, *task.labels) if label in odd), "")
        found = f"{other} was added or removed" if other else "their order or number differs"
        raise changed(task.number, f"its columns have changed since the plan was made: {found}")


def check_part(frame: pd.DataFrame, common: Common, task: PartTask) -> Findings:
    """Return the violations of a part's rows, with their row numbers in the whole."""
    return Part.read(frame, common, task).findings().detach(task.first_row)


def preview_part(frame: pd.DataFrame, common: Common, requested: tuple[PartTask, int]) -> list[bytes]:
    """Return the first few bodies of a part."""
    part = Part.read(frame, common, requested[0])
    return part.preview(requested[1], ~part.prechecked.skipped)


def digest_part(frame: pd.DataFrame, common: Common, requested: tuple[PartTask, Digester]) -> PartDigests:
    """Digest the rows of a part to send."""
    return Part.read(frame, common, requested[0]).digest(requested[1])


def pick_rejects(
    frame: pd.DataFrame, common: Common, requested: tuple[PartTask, Wanted]
) -> tuple[Picked, pd.DataFrame]:
    """Return the positions of a part's rows that do not fully arrive, and these rows."""
    part = Part.read(frame, common, requested[0])
    picked = pick(part.frame, part.schema, part.prechecked.dropped, part.budget, requested[1])
    return picked, part.frame.iloc[picked.rows]


def push_part(
    part: Part, order: PartOrder, connection: Connection, control: RunControl, *, is_kept: bool = False
) -> PartOutcome:
    """Send the rows of a part that are `unsent` in the order's buffer. Errors are in the outcome, not raised."""
    return _PartPush(part, order, connection, control).run_to_end(is_kept=is_kept)


@dataclass(slots=True)
class _Carriers:
    """Which rows have which of the fresh attributes, by encoded chunk."""

    fresh: frozenset[str]
    chunks: list[tuple[npt.NDArray[np.int64], dict[str, Mask]]] = field(default_factory=list)

    def record(self, encoded: Encoded) -> None:
        carried = {name: mask for name, mask in encoded.present.items() if name in self.fresh and mask.any()}
        if carried:
            self.chunks.append((encoded.rows, carried))

    def among(self, rows: npt.NDArray[np.int64]) -> frozenset[str]:
        """Return the attributes that any of `rows` has."""
        found: set[str] = set()
        for numbers, carried in self.chunks:
            chosen = np.isin(numbers, rows)
            found.update(name for name, mask in carried.items() if (mask & chosen).any())
        return frozenset(found)


class _PartPush:
    def __init__(self, part: Part, order: PartOrder, connection: Connection, control: RunControl) -> None:
        self._part, self._order, self._connection, self._control = part, order, connection, control
        self._carriers = _Carriers(order.fresh)
        self._buffer = order.buffer

    def run_to_end(self, *, is_kept: bool) -> PartOutcome:
        order, control = self._order, self._control
        delivery = Delivery(
            self._connection.open_transport(order.max_concurrency),
            control.controller,
            self._buffer,
            limits=Limits(max_failures=order.max_failures, max_waiting=4 * order.chunk_size),
            stop=control.stop,
            on_accepted=control.record_accepted,
            on_tick=control.tick,
            was_reached=order.was_reached,
        )
        delivery.run(self._chunks())
        return self._outcome(delivery, is_kept=is_kept)

    def _chunks(self) -> Iterator[Chunk]:
        wanted = np.zeros(len(self._part.frame), dtype=bool)
        wanted[self._buffer.rows_with([Status.UNSENT])] = True
        size = self._order.chunk_size
        if self._order.may_be_unchanged:
            size = max(size, compared_rows(len(self._part.frame.columns)))
        for block in self._part.encoded(wanted, size):
            for encoded in self._control.select(block).split(self._order.chunk_size):
                self._control.before_sending(encoded)
                self._carriers.record(encoded)
                yield Chunk(encoded.rows.tolist(), encoded.bodies)

    def _outcome(self, delivery: Delivery, *, is_kept: bool) -> PartOutcome:
        part, buffer = self._part, self._buffer
        return PartOutcome(
            part.task.number,
            buffer,
            None if is_kept else part.describe(buffer, np.arange(part.task.rows)),
            self._carriers.among(buffer.rows_with([Status.ACCEPTED])),
            self._carriers.among(buffer.rows_with([Status.UNKNOWN])),
            delivery.snapshot(part.task.first_row),
            delivery.error,
        )


class LocalExecutor(ABC):
    """Reads the parts in this process: one frame in memory at a time."""

    can_repeat = True
    is_local = True
    keeps_frames = False

    @abstractmethod
    def walk(self, numbers: Iterable[int] | None) -> Iterator[tuple[int, pd.DataFrame]]:
        """Yield the frames of these parts (None: of all), in order."""

    def read(self, common: Common, tasks: Mapping[int, PartTask]) -> Iterator[Part]:
        """Yield the parts, in order."""
        for number, frame in self.walk(tasks):
            yield Part.read(frame, common, tasks[number])

    def run(self, step: Step[C, T], common: C, tasks: Mapping[int, Any] | None = None) -> Iterator[tuple[int, T]]:
        """Run a step on each part."""
        for number, frame in self.walk(tasks):
            yield number, step(frame, common, tasks[number] if tasks is not None else None)

    def digest(
        self, common: Common, tasks: Mapping[int, PartTask], digester: Digester
    ) -> Iterator[tuple[int, PartDigests]]:
        """Digest the rows to send, for each part."""
        for part in self.read(common, tasks):
            yield part.task.number, part.digest(digester)

    def push(self, job: Job) -> Iterator[PartOutcome]:
        """Push part by part; the concurrency controller is shared by all parts."""
        for part in self.read(job.common, {task.number: task for task in job.tasks}):
            if job.stop.requested:
                return
            yield job.push_here(part)

    def masker(self) -> Callable[[str], str] | None:
        """Return None: the frames are not kept."""
        return None


class WholeFrame(LocalExecutor):
    """A whole frame as one part, kept in memory."""

    keeps_frames = True

    def __init__(self, part: Part) -> None:
        self.part = part

    def walk(self, numbers: Iterable[int] | None) -> Iterator[tuple[int, pd.DataFrame]]:
        """Yield the frame, if requested."""
        if numbers is None or 0 in numbers:
            yield 0, self.part.frame

    def read(self, common: Common, tasks: Mapping[int, PartTask]) -> Iterator[Part]:  # noqa: ARG002 - it is read
        """Yield the part, if requested."""
        if tasks:
            yield self.part

    def masker(self) -> Callable[[str], str] | None:
        """Return what masks the values of all rows; None for a large frame, where that takes long."""
        return self.part.customer_masks(()).hide if len(self.part.frame) <= MAX_MASKED_ROWS else None


def whole_frame(part: Part) -> tuple[WholeFrame, PartList, Common]:
    """Return a frame as a single part: its executor, the list of parts, and their common data."""
    common = Common(part.schema, tuple(part.frame.columns), part.prechecked.dropped, part.budget)
    return WholeFrame(part), PartList((part.task,), (part.prechecked.skipped_by,)), common
