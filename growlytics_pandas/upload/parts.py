"""A frame, or a part of a larger one: checked, encoded, digested, pushed. Executors read parts one by one."""

from __future__ import annotations

import hashlib
import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas._labels import is_personal
from growlytics_pandas._masking import CustomerMasks, printable_labels
from growlytics_pandas._rules import Rule
from growlytics_pandas._status import Status
from growlytics_pandas.checks.findings import Findings
from growlytics_pandas.checks.ids import IdCheck, KnownIds, check_ids, check_known_ids
from growlytics_pandas.checks.names import check_attributes, check_split_names, dropped_columns
from growlytics_pandas.checks.profile import Suggestion
from growlytics_pandas.checks.schema import Attribute, Budget, Schema, prepare
from growlytics_pandas.checks.suggestion_warnings import with_suggestions
from growlytics_pandas.checks.values import BeforeValues, check_frame
from growlytics_pandas.checks.violations import Violation
from growlytics_pandas.columns.dtypes import BLOCK_ROWS, ColumnKind, Kind, Mask, Rows, classify, starts
from growlytics_pandas.columns.frames import prepare_frame
from growlytics_pandas.columns.reading import SharedIdRows
from growlytics_pandas.columns.texts import TextColumns, hash_texts
from growlytics_pandas.errors import DataError, LedgerError, ServiceError
from growlytics_pandas.http.concurrency import ConcurrencyController
from growlytics_pandas.ledger.digests import CellColumn, Digester, Digests
from growlytics_pandas.ledger.project import Project
from growlytics_pandas.upload.connection import Connection
from growlytics_pandas.upload.delivery import CancellationToken, Chunk, Delivery
from growlytics_pandas.upload.encode import Encoded, PartDigests
from growlytics_pandas.upload.outcomes import OutcomeBuffer, Snapshot
from growlytics_pandas.upload.rejects import Picked, Wanted, pick

A = TypeVar("A")
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
    same: SharedIdRows = field(default_factory=SharedIdRows)
    alike: SharedIdRows = field(default_factory=SharedIdRows)
    labels: tuple[Hashable, ...] = field(default=(), repr=False)
    ids: bytes = field(default=b"", repr=False)

    def describe_unread(self, buffer: OutcomeBuffer) -> pd.DataFrame:
        """Return the outcomes of all rows as a frame, without index and ids, which only the part itself has."""
        rows = np.arange(self.rows)
        labels = pd.Index([None] * self.rows, dtype=object)
        return buffer.describe(rows, rows + self.first_row, labels, [""] * self.rows)


@dataclass(frozen=True, slots=True)
class PartList:
    """The parts of a frame, and for each part the rows that are not sent because of their id, by rule.

    `unchanged`: number of a part → rows that are not sent either, since these customers stayed in a segment.
    """

    tasks: tuple[PartTask, ...] = ()
    skipped: tuple[Mapping[Rule, Rows], ...] = ()
    unchanged: Mapping[int, Rows] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(task.rows for task in self.tasks)

    def counts(self, known: Callable[[PartTask], Mapping[str, int] | None] = lambda _: None) -> dict[str, int]:
        """Return status → number of rows: of each part the `known` ones, else (None) those before anything is sent."""
        total = dict.fromkeys((status.value for status in Status), 0)
        for task in self.tasks:
            for status, count in (known(task) or self._planned(task)).items():
                total[status] += count
        return total

    def _planned(self, task: PartTask) -> dict[str, int]:
        invalid = sum(map(len, self.skipped[task.number].values()))
        unchanged = len(self.unchanged.get(task.number, ()))
        return {
            Status.INVALID: invalid,
            Status.UNCHANGED: unchanged,
            Status.UNSENT: task.rows - invalid - unchanged,
        }

    def open_buffer(self, task: PartTask) -> OutcomeBuffer:
        """Return the buffer of a part's outcomes: `unsent` for rows to send, `invalid` or `unchanged` for others."""
        buffer = OutcomeBuffer(task.rows)
        if task.number in self.unchanged:
            buffer.record_all(self.unchanged[task.number], Status.UNCHANGED)
        for rule, rows in self.skipped[task.number].items():
            buffer.record_all(rows, Status.INVALID, f"not sent: {rule}; see violations")
        return buffer

    def will_send(self, task: PartTask) -> Mask:
        """Return which rows of a part are to be sent."""
        mask = np.ones(task.rows, dtype=bool)
        for rows in self.skipped[task.number].values():
            mask[rows] = False
        if task.number in self.unchanged:
            mask[self.unchanged[task.number]] = False
        return mask

    def extended(self, task: PartTask, skipped: Mapping[Rule, Rows]) -> PartList:
        """Return the list with one more part."""
        return PartList((*self.tasks, task), (*self.skipped, skipped))


def changed_error(number: int, what: str) -> DataError:
    """Return the error for a part that has changed since the plan was made."""
    return DataError(
        f"part {number}: {what}; the source must return the same rows in the same order each time. Nothing of this "
        "part was sent. Sort the rows, or write the data to files first, and make the plan again."
    )


def digest_ids(has_id: Mask, exact: npt.NDArray[np.uint64]) -> bytes:
    """Digest the ids of a part in order, from the hash of each."""
    return hashlib.blake2b(has_id.tobytes() + exact.tobytes(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class PlanContext:
    """What a plan knows of all its parts together.

    `violations`: those of whole columns; `dropped`: the positions of columns that are not sent because of them.
    `budget` and `knows` look customers up in the ledger: None without one, and on workers, which do not see it.
    """

    schema: Schema
    labels: tuple[Hashable, ...]
    violations: tuple[Violation, ...]
    dropped: frozenset[int]
    budget: Budget | None = field(repr=False)
    knows: KnownIds | None = field(repr=False)

    @classmethod
    def of(
        cls, schema: Schema, labels: tuple[Hashable, ...], rows: int, connection: Connection | None = None
    ) -> PlanContext:
        """Check the columns of `rows` rows, and prepare what must be looked up in the ledger."""
        violations = tuple(check_attributes(schema, rows))
        project = connection.project if connection else None
        budget, knows = (_budget_of(project, schema), _known_ids(project)) if project else (None, None)
        return cls(schema, labels, violations, dropped_columns(violations), budget, knows)

    def findings(
        self,
        of_rows: Iterable[Violation],
        rows: int,
        suggestions: Sequence[Suggestion] | None = None,
        frame: pd.DataFrame | None = None,
        label: str = "",
    ) -> Findings:
        """Return the violations of columns and of rows, and what suggestions add to them; None: none were sought.

        `frame` and `label`: see `Findings`.
        """
        violations = [*self.violations, *of_rows]
        if suggestions is not None:
            violations += check_split_names(self.schema, suggestions, rows)
        if suggestions:  # whether one is a remedy depends on all rows, so those of blocks and parts are joined first
            violations = with_suggestions(Findings(violations).violations, self.schema, suggestions, rows)
        return Findings(violations, frame, label=label)


def _budget_of(project: Project, schema: Schema) -> Budget | None:
    """Return how earlier pushes count towards the 100 attributes; None if no customer can reach the limit."""
    names = {*project.known_types(), *(attribute.name for attribute in schema.attributes)}
    if len(names - set(contract.RESERVED_ATTRIBUTES)) <= contract.MAX_CUSTOM_ATTRIBUTES:
        return None

    def budget(ids: Sequence[str], names: Sequence[str]) -> Any:
        keys = project.keys(ids)
        return project.count_attributes(keys), project.has_attributes(keys, names)

    return budget


def _known_ids(project: Project) -> KnownIds:
    """Return a function that looks ids up in the ledger."""

    def knows(ids: Sequence[str]) -> Mask:
        try:
            return project.seen(project.keys(ids))
        except LedgerError:  # closed or damaged: a push raises it
            return np.zeros(len(ids), dtype=bool)

    return knows


def types_sent(schema: Schema, dropped: frozenset[int]) -> dict[str, str]:
    """Return attribute → type of the custom attributes that are sent."""
    return {
        attribute.name: attribute.type.value
        for attribute in schema.attributes
        if attribute.type and not attribute.is_reserved and attribute.position not in dropped
    }


@dataclass(frozen=True, slots=True)
class PartOrder:
    """How to push a part: send the rows that are `unsent` in `buffer`.

    `was_reached`: the service accepted rows of an earlier part, so it is reachable. `fresh`: attributes new to the
    ledger, for a worker, which does not see it.
    """

    task: PartTask
    buffer: OutcomeBuffer
    chunk_size: int
    max_concurrency: int
    max_failures: float | None = None
    was_reached: bool = False
    fresh: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PartOutcome:
    """The outcome of a part.

    `table`: the frame of its outcomes; None if the part stays in memory and the frame can be built later. `end`: the
    last snapshot of its delivery. `arrived`, `doubtful`: from a worker, which fresh attributes arrived or may have
    arrived.
    """

    number: int
    buffer: OutcomeBuffer
    table: pd.DataFrame | None
    end: Snapshot
    error: ServiceError | None = None
    arrived: frozenset[str] = frozenset()
    doubtful: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Part:
    """A frame, or a part of one, with its own row numbers from 0."""

    frame: pd.DataFrame
    context: PlanContext  # with the schema of this part, whose cells may be of another kind
    id_check: IdCheck
    task: PartTask
    texts: TextColumns | None = None  # of a whole frame, whose text columns are read for ids, suggestions and checks

    @classmethod
    def whole(cls, frame: pd.DataFrame, schema: Schema, connection: Connection | None = None) -> Part:
        """Return a whole frame as one part, after checking names, types and ids."""
        context = PlanContext.of(schema, tuple(frame.columns), len(frame), connection)
        texts = TextColumns(frame)
        return cls(frame, context, check_ids(frame, schema, texts=texts), PartTask(0, 0, len(frame)), texts)

    @classmethod
    def read(cls, frame: pd.DataFrame, context: PlanContext, task: PartTask) -> Part:
        """Return a part of a larger frame; raise if it has changed since the plan was made."""
        frame = prepare_frame(frame, context.schema.id_column)
        _require_same_form(frame, task)
        frame = align(frame, context.labels)
        schema = impose(frame, context.schema)
        _require_same_ids(frame, schema, task)
        return cls(frame, replace(context, schema=schema), check_ids(frame, schema, (task.same, task.alike)), task)

    @property
    def schema(self) -> Schema:
        """The columns to send."""
        return self.context.schema

    @property
    def prechecked(self) -> BeforeValues:
        """What the checks before values found in the rows."""
        ids = self.id_check
        return BeforeValues(ids.violations, self.context.dropped, ids.skipped, ids.skipped_by)

    def row_findings(self) -> Findings:
        """Return the violations of the rows, without those of whole columns; they read their values from the frame."""
        violations = check_frame(self.frame, self.schema, self.prechecked, self.context.budget, self.texts)
        return Findings([*violations, *check_known_ids(self.frame, self.schema, self.context.knows)], self.frame)

    def findings(self, suggestions: Sequence[Suggestion] | None = None, label: str = "") -> Findings:
        """Return all violations of a whole frame: see `PlanContext.findings`."""
        of_rows = self.row_findings().violations
        return self.context.findings(of_rows, len(self.frame), suggestions, self.frame, label)

    def encode(self, start: int, stop: int, wanted: Mask | None = None) -> Encoded:
        """Return the encoded rows from `start` to `stop` (only those `wanted`)."""
        block = prepare(self.frame, self.schema, self.context.dropped, start, stop, self.context.budget)
        keep = ~self.id_check.skipped[start:stop]
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

    def bodies(self, rows: Rows) -> list[bytes]:
        """Return the bodies of a few rows."""
        wanted = np.zeros(len(self.frame), dtype=bool)
        wanted[rows] = True
        return [body for encoded in self.encoded(wanted) for body in encoded.bodies]

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
        raise changed_error(task.number, "its ids, or their order, have changed since the plan was made")


def _require_same_form(frame: pd.DataFrame, task: PartTask) -> None:
    """Raise if the rows or columns of a part have changed since the plan was made."""
    if len(frame) != task.rows:
        raise changed_error(task.number, f"it has {len(frame):,} rows, and had {task.rows:,} when the plan was made")
    labels = tuple(frame.columns)
    if task.ids and labels != task.labels:
        odd = set(labels) ^ set(task.labels)
        other = next((repr(label) for label in (*labels, *task.labels) if label in odd), "")
        found = f"{other} was added or removed" if other else "their order or number differs"
        raise changed_error(task.number, f"its columns have changed since the plan was made: {found}")


def check_part(part: Part, _argument: None) -> Findings:
    """Return the violations of a part's rows, with their row numbers in the whole."""
    return part.row_findings().detach(part.task.first_row)


def pick_rejects(part: Part, wanted: Wanted) -> tuple[Picked, pd.DataFrame]:
    """Return the positions of a part's rows that do not fully arrive, and these rows."""
    picked = pick(part.frame, part.schema, part.context.dropped, part.context.budget, wanted)
    return picked, part.frame.iloc[picked.rows]


class PartPush(ABC):
    """Sends the rows of a part that are `unsent` in its buffer, from the process of the run or from a worker."""

    def __init__(
        self, part: Part, order: PartOrder, controller: ConcurrencyController, stop: CancellationToken
    ) -> None:
        self.part, self.order = part, order
        self.controller, self.stop = controller, stop

    @abstractmethod
    def encoded(self) -> Iterator[Encoded]:
        """Yield the rows to send, chunk by chunk; what must be recorded before they are sent is recorded here."""

    @abstractmethod
    def record_accepted(self, rows: list[int]) -> None:
        """Record rows that arrived."""

    @abstractmethod
    def tick(self, delivery: Delivery) -> None:
        """Update the progress; called many times per second."""

    def run(self, connection: Connection, *, is_kept: bool = False) -> PartOutcome:
        """Send; errors are in the outcome, not raised. `is_kept`: the outcome needs no table."""
        part, order = self.part, self.order
        delivery = Delivery(
            connection.open_transport(order.max_concurrency),
            self.controller,
            order.buffer,
            stop=self.stop,
            on_accepted=self.record_accepted,
            on_tick=self.tick,
            max_failures=order.max_failures,
            max_waiting=4 * order.chunk_size,
            was_reached=order.was_reached,
        )
        delivery.run(Chunk(encoded.rows.tolist(), encoded.bodies) for encoded in self.encoded())
        table = None if is_kept else part.describe(order.buffer, np.arange(part.task.rows))
        end = delivery.snapshot(part.task.first_row)
        return PartOutcome(part.task.number, order.buffer, table, end, delivery.error)

    def unsent(self, size: int) -> Iterator[Encoded]:
        """Yield the rows that are `unsent`, `size` rows of the frame at a time."""
        wanted = np.zeros(len(self.part.frame), dtype=bool)
        wanted[self.order.buffer.rows_with([Status.UNSENT])] = True
        return self.part.encoded(wanted, size)


class Executor(ABC):
    """Reads the parts one by one, and runs steps on them: in this process, or on the workers of a cluster.

    `can_repeat`: the source can be read again. `keeps_frames`: it is a frame in memory.
    """

    can_repeat = True
    keeps_frames = False

    @abstractmethod
    def run(self, step: Step[C, T], context: C, tasks: Mapping[int, Any] | None = None) -> Iterator[tuple[int, T]]:
        """Yield number and ``step(frame, context, task)`` of each part in `tasks` (None: of all), in any order."""

    @abstractmethod
    def run_on_parts(
        self, step: Callable[[Part, A], T], context: PlanContext, requested: Mapping[int, tuple[PartTask, A]]
    ) -> Iterator[tuple[int, T]]:
        """Yield number and ``step(part, argument)`` of each part requested, in any order."""

    def masker(self) -> Callable[[str], str] | None:
        """Return what masks the values of all rows in a text; None if the frames are not kept."""
        return None


class LocalExecutor(Executor):
    """Reads the parts in this process: one frame in memory at a time."""

    @abstractmethod
    def walk(self, numbers: Iterable[int] | None) -> Iterator[tuple[int, pd.DataFrame]]:
        """Yield the frames of these parts (None: of all), in order."""

    def read(self, context: PlanContext, tasks: Mapping[int, PartTask]) -> Generator[Part, None, None]:
        """Yield the parts, in order."""
        for number, frame in self.walk(tasks):
            yield Part.read(frame, context, tasks[number])

    def run(self, step: Step[C, T], context: C, tasks: Mapping[int, Any] | None = None) -> Iterator[tuple[int, T]]:
        """Run a step on each part."""
        for number, frame in self.walk(tasks):
            yield number, step(frame, context, tasks[number] if tasks is not None else None)

    def run_on_parts(
        self, step: Callable[[Part, A], T], context: PlanContext, requested: Mapping[int, tuple[PartTask, A]]
    ) -> Iterator[tuple[int, T]]:
        """Run a step on each part requested."""
        for part in self.read(context, {number: task for number, (task, _) in requested.items()}):
            number = part.task.number
            yield number, step(part, requested[number][1])


class WholeFrame(LocalExecutor):
    """A whole frame as one part, kept in memory."""

    keeps_frames = True

    def __init__(self, part: Part) -> None:
        self.part = part

    def walk(self, numbers: Iterable[int] | None) -> Iterator[tuple[int, pd.DataFrame]]:
        """Yield the frame, if requested."""
        if numbers is None or 0 in numbers:
            yield 0, self.part.frame

    def read(self, context: PlanContext, tasks: Mapping[int, PartTask]) -> Generator[Part, None, None]:  # noqa: ARG002 - it is read
        """Yield the part, if requested."""
        if tasks:
            yield self.part

    def masker(self) -> Callable[[str], str] | None:
        """Return what masks the values of all rows; None for a large frame, where that takes long."""
        return self.part.customer_masks(()).hide if len(self.part.frame) <= MAX_MASKED_ROWS else None
