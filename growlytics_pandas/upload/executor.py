"""Executors that read and push the parts of a larger frame in this process, one at a time."""

from __future__ import annotations

import contextlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

import pandas as pd

from growlytics_pandas.columns.frames import as_row, frame_of_rows, has_arrow, read_frame
from growlytics_pandas.errors import DataError, InvalidArgumentTypeError
from growlytics_pandas.ledger.digests import Digester
from growlytics_pandas.upload.encode import PartDigests
from growlytics_pandas.upload.parts import MAX_CROWD_ROWS, C, Common, Job, Part, PartOutcome, Step, T
from growlytics_pandas.upload.profile import PartList, PartTask

BATCH_ROWS: Final = 50_000  # single rows (Spark's toLocalIterator) are collected into frames of this size


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
        return self.part.crowd(()).hide if len(self.part.frame) <= MAX_CROWD_ROWS else None


def whole_frame(part: Part) -> tuple[WholeFrame, PartList, Common]:
    """Return a frame as a single part: its executor, the list of parts, and their common data."""
    common = Common(part.layout, tuple(part.frame.columns), part.screening.dropped, part.budget)
    return WholeFrame(part), PartList((part.task,), (part.screening.skipped_by,)), common


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
