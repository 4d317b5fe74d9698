"""Batches: the frames of a source, read one by one.

A source that can be read only once is pushed batch by batch: each is profiled, checked and sent before the next.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, Final

import numpy as np
import pandas as pd

from growlytics_pandas._rules import Rule
from growlytics_pandas.checks.findings import Findings
from growlytics_pandas.checks.ids import EARLIER_BATCH
from growlytics_pandas.checks.profile import Suggestion
from growlytics_pandas.checks.schema import Schema
from growlytics_pandas.checks.suggestion_warnings import with_remedies
from growlytics_pandas.columns.frames import as_row, frame_of_rows, has_arrow, prepare_frame, read_frame
from growlytics_pandas.columns.plan_options import PlanOptions
from growlytics_pandas.columns.reading import SharedIdRows
from growlytics_pandas.errors import ConstraintViolationError, DataError, InvalidArgumentError, InvalidArgumentTypeError
from growlytics_pandas.upload.connection import Connection, PushOptions, require_connection
from growlytics_pandas.upload.part_profiles import (
    PartProfile,
    ProfiledParts,
    ProfileOptions,
    SeenIds,
    compare,
    fetch_ids,
    find_suspects,
    merge_columns,
    merge_samples,
    profile_part,
    skipped_rows,
)
from growlytics_pandas.upload.parts import LocalExecutor, Part, PartList, PartTask, PlanContext, align, check_part
from growlytics_pandas.upload.plan import (
    Plan,
    PushResult,
    find_suggestions,
    infer_schema_of_parts,
    violations_error,
)
from growlytics_pandas.upload.runner import EndedRun, LocalRun

BATCH_ROWS: Final = 50_000  # single rows (Spark's toLocalIterator) are collected into frames of this size


class FrameExecutor(LocalExecutor):
    """Iterates over `frames`: a list, anything that can be iterated repeatedly, or a function that opens the source."""

    def __init__(self, frames: Any) -> None:
        self._frames = frames
        if not callable(frames):
            _require_frames(frames, "found")
        self.can_repeat = callable(frames) or (iter(frames) is not frames and not _holds_readers(frames))
        self._n_parts: int | None = None

    def walk(self, numbers: Iterable[int] | None) -> Iterator[tuple[int, pd.DataFrame]]:
        """Yield the frames of these parts (None: of all), in order; nothing is read after the last of them.

        Except after the last part of the plan, where the source must end, as it did when the plan was made.
        """
        wanted = None if numbers is None else set(numbers)
        last = None if wanted is None else max(wanted, default=-1) + 1
        number = -1
        with self._opened() as source:
            frames = as_frames(source)
            for number, frame in enumerate(islice(frames, last)):
                if wanted is None or number in wanted:
                    yield number, frame
                    if wanted is not None:
                        wanted.discard(number)
            if last is None:
                self._n_parts = number + 1
            elif last and last == self._n_parts and next(frames, None) is not None:
                raise DataError(
                    f"frames: the source has more than the {last:,} parts of the plan; the others were not "
                    "sent. Make the plan again."
                )
        if wanted:
            raise DataError(
                f"frames: the source ended before part {min(wanted)}, which existed when the plan was made."
            )

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Iterable[Any]]:
        """Open the source if it is a function, and close it afterwards: a reader holds a file."""
        if not callable(self._frames):
            yield self._frames
            return
        source = self._frames()
        _require_frames(source, "the function gave")
        try:
            yield source
        finally:
            if callable(close := getattr(source, "close", None)):
                close()


def _require_frames(source: Any, found: str) -> None:
    """Raise for anything that is not a source of frames, such as a single frame."""
    if isinstance(source, (str, os.PathLike)):
        reader = f"pyarrow.parquet.ParquetFile({str(source)!r}).iter_batches()"
        if not str(source).endswith(".parquet"):
            reader = f"pd.read_csv({str(source)!r}, chunksize=100_000)"
        raise InvalidArgumentTypeError(f"frames: {found} a path; give a function that opens it: lambda: {reader}.")
    is_stream = isinstance(source, Iterable) and hasattr(source, "read_next_batch")  # Arrow's reader gives batches
    if isinstance(source, pd.DataFrame) or (has_arrow(source) and not is_stream):
        raise InvalidArgumentTypeError(
            f"frames: {found} a {type(source).__name__} itself; it must be an iterable of frames. Read it in pieces: "
            f"{_pieces(source)}, or wrap it in a list."
        )
    if not isinstance(source, Iterable):
        raise InvalidArgumentTypeError(
            f"frames: {found} a {type(source).__name__}; it must be an iterable of DataFrames, or a function that "
            "returns one, such as lambda: pd.read_csv(path, chunksize=100_000)."
        )


def _holds_readers(frames: Any) -> bool:
    """Return whether a list contains streams, which can be read only once."""
    return isinstance(frames, (list, tuple)) and any(hasattr(frame, "read_next_batch") for frame in frames)


def _pieces(source: Any) -> str:
    """Return how to read a frame in pieces, by its methods."""
    ways = {
        "iter_slices": "lambda: df.iter_slices(100_000)",
        "to_batches": "lambda: table.to_batches(100_000)",
        "to_arrow_reader": "lambda: relation.to_arrow_reader(100_000)",
        "fetch_record_batch": "lambda: relation.fetch_record_batch(100_000)",
    }
    found = (way for method, way in ways.items() if callable(getattr(source, method, None)))
    return next(found, "lambda: pd.read_csv(path, chunksize=100_000)")


def as_frames(source: Iterable[Any]) -> Iterator[pd.DataFrame]:
    """Yield DataFrames from a source of frames of any library, lists of rows, or single rows (Spark's)."""
    rows: list[Mapping[Any, Any]] = []
    for item in source:
        row = None if isinstance(item, pd.DataFrame) else as_row(item)
        if row is None:
            if rows:
                yield frame_of_rows(rows)
                rows = []
            yield read_frame(item, where="frames: each item must be a frame, or a row as a dict; ")
            continue
        rows.append(row)
        if len(rows) == BATCH_ROWS:
            yield frame_of_rows(rows)
            rows = []
    if rows:
        yield frame_of_rows(rows)


def push_stream(
    executor: FrameExecutor,
    id_col: Hashable,
    plan_options: PlanOptions,
    connection: Connection | None,
    options: PushOptions,
) -> EndedRun[PushResult]:
    """Push batches that can be read only once."""
    if plan_options.keep == "last":
        raise InvalidArgumentError(
            "keep: 'last' must read all batches before the first is sent, but this source can be read only once. "
            "Pass a function that opens the source, or keep='first'."
        )
    connection = require_connection(options, connection)
    frames = (frame for _, frame in executor.walk(None))
    first = next(frames, None)
    if first is None:
        raise InvalidArgumentError("frames: the source is empty; it must have at least one frame, even without rows.")
    typed = replace(plan_options, types=_types_given(first, id_col, plan_options, connection))
    run = StreamRun(executor, first, frames, id_col, typed, connection, options)
    run.run()
    plan = Plan(run.context, typed, connection, executor, run.parts, run.profile(), _known_findings=run.findings)
    if isinstance(run.error, ConstraintViolationError):
        run.error.plan = plan
    return EndedRun(run, plan._result(run))


def _types_given(
    frame: pd.DataFrame, id_col: Hashable, options: PlanOptions, connection: Connection | None
) -> dict[Any, str]:
    """Return column → type, given or known to the ledger; raise instead of guessing from the first batch."""
    schema = infer_schema_of_parts(options, frame.head(0), id_col, connection)
    custom = [attribute for attribute in schema.attributes if not attribute.is_reserved]
    types = {a.column: options.type_of(a.column) or (a.known.type if a.known else None) for a in custom}
    unknown = [label for label, kind in types.items() if kind is None]
    if unknown:
        named = ", ".join(map(repr, unknown[:10])) + (f" +{len(unknown) - 10} more" if len(unknown) > 10 else "")  # noqa: PLR2004
        raise InvalidArgumentError(
            f"types: this source can be read only once, and the type of {named} is neither given nor known to the "
            "ledger. Pass types={column: type}, or a function that opens the source: "
            "lambda: pd.read_csv(path, chunksize=100_000)."
        )
    return {label: str(kind) for label, kind in types.items()}


class StreamRun(LocalRun):
    """A run whose plan grows batch by batch."""

    def __init__(
        self,
        executor: FrameExecutor,
        first: pd.DataFrame,
        others: Iterator[pd.DataFrame],
        id_col: Hashable,
        plan_options: PlanOptions,
        connection: Connection | None,
        options: PushOptions,
    ) -> None:
        nothing = prepare_frame(first.head(0), id_col)
        schema = infer_schema_of_parts(plan_options, nothing, id_col, connection)
        context = PlanContext.of(schema, tuple(nothing.columns), 0, connection)
        super().__init__(connection, options, executor, PartList(), context)
        self._sample = nothing
        self.findings = Findings(())
        self._frames = itertools.chain([first], others)
        self._id_col = id_col
        self._plan_options = plan_options
        self._profile_options = ProfileOptions(id_col, plan_options)
        self._seen = SeenIds()
        self._reported: set[tuple[str, int]] = set()

    def _push_parts(self, connection: Connection) -> None:
        """Profile, check and send each batch."""
        for frame in self._frames:
            part = self._take(frame)
            self._raise_for_errors(part)
            self._push_part(part, connection)
            if self.stop.requested:
                return

    def profile(self) -> ProfiledParts:
        """Return the profiles of all batches so far."""
        return ProfiledParts(self.context.labels, (), self._sample.head(0), self._sample, self.parts)

    def _dry_run(self) -> None:
        for frame in self._frames:
            self._take(frame)

    def _take(self, frame: pd.DataFrame) -> Part:
        """Add a batch to the plan."""
        frame = prepare_frame(frame, self._id_col)
        profile = profile_part(frame, self._profile_options)
        labels = self.context.labels
        if extra := [label for label in profile.labels if label not in labels]:
            raise DataError(
                f"batch {len(self.parts.tasks)}: it has the column {extra[0]!r}, which the first batch does not have. "
                "It and all later batches are unsent; set columns=, or give every batch the same columns."
            )
        facts = merge_columns([profile], labels)
        schema = infer_schema_of_parts(
            self._plan_options, align(profile.example, labels), self._id_col, self._connection, facts
        )
        self.context = PlanContext.of(schema, labels, len(frame), self._connection)
        fresh = [found for found in self.context.violations if (found.rule, found.position) not in self._reported]
        self._reported.update((found.rule, found.position) for found in fresh)
        task = self._task(frame, profile, schema)
        part = Part.read(frame, self.context, task)
        self.parts = self.parts.extended(task, skipped_rows(task, profile))
        self._sample = merge_samples([profile], labels)
        if any(found.rule is Rule.TYPE_CONFLICT for found in fresh):
            fresh = list(with_remedies(fresh, self._suggested()))
        self.findings = Findings([*self.findings.violations, *fresh, *check_part(part, None).violations])
        return part

    def _task(self, frame: pd.DataFrame, profile: PartProfile, schema: Schema) -> PartTask:
        suspects = find_suspects([profile])
        texts = {number: fetch_ids(frame, self._profile_options, rows) for number, rows in suspects.items()}
        first_row = self.parts.rows
        same, alike = compare(suspects, texts, [first_row], schema.keep).of(0)
        old = np.flatnonzero(self._seen.among(profile.exact) & profile.is_customer)
        self._seen.add(profile.exact[profile.is_customer])
        again = zip(same.rows.tolist(), same.sharing.tolist(), same.others.tolist(), strict=True)
        triples = {row: (row, sharing, other) for row, sharing, other in again}
        triples |= {row: (row, 2, EARLIER_BATCH) for row in old.tolist()}
        repeated = SharedIdRows.of(list(triples.values()))
        return PartTask(len(self.parts.tasks), first_row, len(frame), repeated, alike)

    def _raise_for_errors(self, part: Part) -> None:
        """Raise before this batch is sent if any of its values would be rejected and `errors` is "raise"."""
        number = part.task.number
        if self.options.errors == "raise" and self.findings.has_errors:
            sent = f"batch {number} and all later ones were not sent" if number else "nothing was sent"
            raise violations_error(self.findings, self._suggested(), sent)

    def _suggested(self) -> list[Suggestion]:
        return find_suggestions(self._sample, self.context.schema, self._plan_options)
