"""The outcome of each row, and the progress of a run.

Delivery writes the outcomes to a buffer; a store has those of finished parts. A run takes snapshots of them, from which
events for a listener, the samples of a chart and the log are made.
"""

from __future__ import annotations

import logging
import shutil
import time
import weakref
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas._masking import NOT_SHOWN, replaced
from growlytics_pandas._status import NEVER_SENT, RETRYABLE, Ended, Failure, Status, is_refused
from growlytics_pandas.columns.dtypes import Rows
from growlytics_pandas.views.events import Listener, ProgressEvent
from growlytics_pandas.views.metrics import MAX_SAMPLES, RunFacts, Sample

IN_MEMORY_ROWS: Final = 2_000_000  # about 400 MB of outcomes; above it they are written to files


class _Folder:
    """A folder that is removed with the last store that uses it."""

    def __init__(self) -> None:
        self.path = Path(mkdtemp(prefix="growlytics-outcomes-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


class OutcomeStore:
    """The outcome frame of each part, by its number."""

    def __init__(self) -> None:
        self._frames: dict[int, pd.DataFrame] = {}
        self._files: dict[int, Path] = {}
        self._folder: _Folder | None = None

    def put(self, number: int, frame: pd.DataFrame) -> None:
        """Store the outcomes of a part, replacing earlier ones."""
        self._files.pop(number, None)
        self._frames[number] = frame
        if sum(map(len, self._frames.values())) > IN_MEMORY_ROWS:
            self._spill()

    def get(self, number: int) -> pd.DataFrame | None:
        """Return the outcomes of a part; None if it has none yet."""
        if number in self._files:
            return _typed(pd.read_parquet(self._files[number]))
        return self._frames.get(number)

    @property
    def files(self) -> list[Path]:
        """The files, in the order of their parts; they are removed with this object."""
        return [self._files[number] for number in sorted(self._files)]

    def copy(self) -> OutcomeStore:
        """Return an independent copy, which shares the files."""
        other = OutcomeStore()
        other._frames, other._files, other._folder = dict(self._frames), dict(self._files), self._folder
        return other

    def _spill(self) -> None:
        self._folder = self._folder or _Folder()
        for number, frame in self._frames.items():
            path = self._folder.path / f"part-{number:06}-{id(self):x}.parquet"
            frame.assign(index=frame["index"].map(repr)).to_parquet(path)  # labels can be anything
            self._files[number] = path
        self._frames.clear()


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Restore the dtypes of text."""
    return frame.astype({"index": object, "id": "string", "status": "str", "error": "string", "http_status": "Int64"})


_ORDER: Final = tuple(Status)
CODES: Final = {status: code for code, status in enumerate(_ORDER)}
"""The code of each status, one byte."""
MAX_ATTEMPTS_KEPT: Final = 255


class OutcomeBuffer:
    """Status, HTTP status and number of attempts of each row, in four bytes; error texts only where there is one."""

    def __init__(self, rows: int) -> None:
        self.status = bytearray([CODES[Status.UNSENT]]) * rows
        self.http_status = array("H", bytes(2 * rows))
        self.attempts = bytearray(rows)
        self.errors: dict[int, str] = {}
        self.lost: set[int] = set()
        """Rows with a lost response, in this run or an earlier one: they may have arrived."""

    def copy(self) -> OutcomeBuffer:
        """Return an independent copy."""
        other = OutcomeBuffer(0)
        other.status, other.http_status = self.status[:], self.http_status[:]
        other.attempts, other.errors, other.lost = self.attempts[:], dict(self.errors), set(self.lost)
        return other

    def reopen(self, *, rejected: bool = True) -> None:
        """Set the rows that `PushResult.retry` sends again to `unsent`, with no attempts."""
        self.lost.update(self.rows_with([Status.UNKNOWN]).tolist())
        rows = self.rows_to_retry(rejected=rejected)
        self.record_all(rows, Status.UNSENT)
        np.frombuffer(self.attempts, dtype="uint8")[rows] = 0
        for row in rows.tolist():
            self.errors.pop(row, None)

    def rows_to_retry(self, *, rejected: bool) -> Rows:
        """Return the rows that did not arrive; those that the service rejected only if `rejected`."""
        rows = self.rows_with(RETRYABLE)
        return rows if rejected else rows[~np.isin(rows, list(self.refused(rows)))]

    def record(self, row: int, status: Status, error: str = "", http_status: int = 0) -> None:
        """Set the outcome of a row."""
        self.status[row] = CODES[status]
        self.http_status[row] = http_status
        if error:
            self.errors[row] = error
        else:
            self.errors.pop(row, None)

    def record_all(self, rows: npt.NDArray[np.int64], status: Status, error: str = "") -> None:
        """Set the outcome of many rows."""
        np.frombuffer(self.status, dtype="uint8")[rows] = CODES[status]
        if error:
            self.errors.update(dict.fromkeys(rows.tolist(), error))

    def count_attempt(self, row: int) -> int:
        """Count a request for a row and return the total."""
        attempts = min(self.attempts[row] + 1, MAX_ATTEMPTS_KEPT)
        self.attempts[row] = attempts
        return attempts

    def codes(self) -> npt.NDArray[np.uint8]:
        """Return a copy of the status codes, one byte per row."""
        return np.frombuffer(bytes(self.status), dtype="uint8")

    def statuses(self, rows: npt.NDArray[np.int64]) -> list[str]:
        """Return the statuses of `rows`."""
        return [_ORDER[code].value for code in self.codes()[rows].tolist()]

    def refused(self, rows: npt.NDArray[np.int64]) -> set[int]:
        """Return those of `rows` that the service refused and would refuse again."""
        return {row for row in rows.tolist() if is_refused(_ORDER[self.status[row]], self.http_status[row])}

    def counts(self) -> dict[str, int]:
        """Return status → rows, for all statuses; they sum to the rows."""
        found = np.bincount(self.codes(), minlength=len(_ORDER)).tolist()
        return {status.value: found[code] for code, status in enumerate(_ORDER)}

    def describe(
        self, rows: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64], labels: pd.Index[Any], ids: Sequence[str]
    ) -> pd.DataFrame:
        """Return the outcomes of `rows` as a frame, with these row numbers, index labels and ids."""
        http_status = np.frombuffer(self.http_status, dtype="uint16")[rows].astype("int64")
        statuses = np.array([status.value for status in Status], dtype=object)
        return pd.DataFrame(
            {
                "row": numbers,
                "index": pd.Series(labels.to_numpy(), dtype=object),
                "id": pd.Series([text or None for text in ids], dtype="string"),
                "status": pd.Series(statuses[self.codes()[rows]], dtype="str"),
                "http_status": pd.Series(http_status, dtype="Int64").mask(http_status == 0),
                "attempts": np.frombuffer(bytes(self.attempts), dtype="uint8")[rows].astype("int64"),
                "error": pd.Series([self.errors.get(row) for row in rows.tolist()], dtype="string"),
            }
        )

    def rows_with(self, statuses: Iterable[Status]) -> npt.NDArray[np.int64]:
        """Return the positions of the rows that have one of `statuses`."""
        return np.flatnonzero(np.isin(self.codes(), [CODES[status] for status in statuses]))


# progress ------------------------------------------------------------------------------------------------------------

LOGGER: Final = logging.getLogger("growlytics_pandas")
LOGGER.addHandler(logging.NullHandler())  # a program that does not configure logging prints nothing
BULK_RETRIES: Final = 100  # retries per log line


class RunLog:
    """The log lines of one run.

    Parameters
    ----------
    label : str, optional
        The user's name for the run.
    """

    def __init__(self, label: str | None) -> None:
        self._name = "push" if label is None else f"push {label!r}"
        self._is_paused = False
        self._retries = 0

    def start(self, rows: int) -> None:
        """Log the start of a run and the number of rows to send."""
        LOGGER.info("%s: started, %s rows to send", self._name, f"{rows:,}")

    def update(self, *, is_paused: bool, retries: int) -> None:
        """Log changes: a pause, its end, or many more retries.

        Parameters
        ----------
        is_paused : bool
            Nothing currently succeeds: the service does not respond, or asks to wait.
        retries : int
            Retried requests since the start.
        """
        if is_paused and not self._is_paused:
            LOGGER.warning("%s: paused, the service does not respond or asks to wait", self._name)
        elif self._is_paused and not is_paused:
            LOGGER.info("%s: resumed", self._name)
        self._is_paused = is_paused
        if retries - self._retries >= BULK_RETRIES:
            LOGGER.info("%s: %s requests retried so far", self._name, f"{retries:,}")
            self._retries = retries

    def end(self, ended: str, error: str, counts: Mapping[str, int], seconds: float) -> None:
        """Log the end of a run; `error` is the name of the error that ended it, if any."""
        lost = sum(counts[status] for status in RETRYABLE)
        level = logging.WARNING if lost or ended != Ended.FINISHED else logging.INFO
        level = logging.ERROR if error or ended == Ended.CRASHED else level
        rows = ", ".join(f"{count:,} {status}" for status, count in counts.items() if count) or "no rows"
        why = f" ({error})" if error else ""
        LOGGER.log(level, "%s: %s%s after %.1f s: %s", self._name, ended, why, seconds, rows)


TICK_SECONDS: Final = 0.2
MIN_LAST_SECONDS: Final = 0.1  # half the interval of samples; the mean over a shorter time would be meaningless
WINDOW_SECONDS: Final = 5.0  # long enough for a stable mean, short enough to follow changes of speed
MIN_SECONDS: Final = 2.0  # before that, an estimate would be unreliable


class Concluded(Protocol):
    """The part of a result shown at the end of a run."""

    @property
    def run(self) -> RunFacts:
        """The facts of the run."""

    @property
    def counts(self) -> dict[str, int]:
        """Status → number of rows."""

    @property
    def note(self) -> str:
        """A line about the run as a whole, in addition to the counts."""

    @property
    def ok(self) -> bool:
        """Whether every row arrived with all its attributes."""

    @property
    def _n_incomplete(self) -> int:
        """How many rows arrived without all their attributes."""

    @property
    def _n_warnings(self) -> int:
        """The number of warnings about what was sent."""

    @property
    def _n_to_retry(self) -> int:
        """How many rows a retry would send, without those that the service rejected."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The progress of a run, or of the push of a part."""

    counts: dict[str, int]
    retries: int = 0
    in_flight: int = 0
    concurrency: int = 0
    failures: tuple[Failure, ...] = ()
    answer_seconds: float = 0.0
    trouble: str = ""
    server_text: str = ""
    """The part of `trouble` that is the server's."""
    is_stopping: bool = False


class RunMetrics:
    """Samples of one run in bounded memory: at the maximum number, every second sample is dropped."""

    def __init__(self) -> None:
        self._samples: list[Sample] = [Sample(0.0, 0, 0.0)]
        self._min_gap_seconds = 0.0

    def record(self, sample: Sample) -> None:
        """Add a sample, unless it is too soon after the last one."""
        gap = sample.elapsed_seconds - self._samples[-1].elapsed_seconds
        if gap <= self._min_gap_seconds:
            return
        self._samples.append(sample)
        if len(self._samples) >= MAX_SAMPLES:
            self._samples = self._samples[::2]
            self._min_gap_seconds = sample.elapsed_seconds / MAX_SAMPLES

    def close(self, sample: Sample) -> tuple[Sample, ...]:
        """Return all samples, followed by the final state; samples just before it are dropped."""
        first, *others = self._samples
        latest = sample.elapsed_seconds - MIN_LAST_SECONDS
        return (first, *(other for other in others if other.elapsed_seconds < latest), sample)


class Throughput:
    """Rows per second: over the last seconds, or over the whole run."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque()
        self._first: tuple[float, int] | None = None

    def record(self, elapsed_seconds: float, rows: int) -> None:
        """Add a measurement. The first is the start: rows counted by then do not count towards the speed."""
        look = (elapsed_seconds, rows)
        self._first = self._first or look
        self._looks.append(look)
        while len(self._looks) > 2 and elapsed_seconds - self._looks[1][0] >= WINDOW_SECONDS:  # noqa: PLR2004 - a pair
            self._looks.popleft()

    def now(self) -> float:
        """Return the rows per second over the last few seconds."""
        return _speed(self._looks[0], self._looks[-1]) if self._looks else 0.0

    def overall(self) -> float:
        """Return the rows per second since the first measurement."""
        return _speed(self._first, self._looks[-1]) if self._first else 0.0

    def seconds_left(self, unsettled: int) -> float | None:
        """Return the remaining time at the present speed; None if nothing moves, or if it is too early to estimate."""
        speed = self.now()
        if not speed or self._looks[-1][0] - self._looks[0][0] < MIN_SECONDS:
            return None
        return unsettled / speed


def _speed(first: tuple[float, int], last: tuple[float, int]) -> float:
    seconds = last[0] - first[0]
    return (last[1] - first[1]) / seconds if seconds > 0 else 0.0


class Progress:
    """The clock of a run and its listener, which is called at most five times per second."""

    def __init__(self, listener: Listener | None, label: str | None, stop: Callable[[], None]) -> None:
        self.started = datetime.now(UTC)
        self._stop = stop
        self._clock_start = time.monotonic()
        self._last_tick = 0.0
        self._listener = listener
        self._sent = Throughput()
        self._settled = Throughput()
        self._timeline = RunMetrics()
        self._furthest = Sample(0.0, 0, 0.0)
        self._accepted_before = 0
        self._log = RunLog(label)

    def start(self, snapshot: Snapshot) -> None:
        """Start the clock; rows accepted by an earlier run do not count towards the speed."""
        self._accepted_before = snapshot.counts[Status.ACCEPTED]

    def is_due(self) -> bool:
        """Return whether the next progress update is due."""
        return time.monotonic() - self._last_tick >= TICK_SECONDS

    def close(self, snapshot: Snapshot) -> tuple[Sample, ...]:
        """Return the samples of the run, up to this snapshot."""
        return self._timeline.close(self._sample(snapshot))

    def show(
        self,
        kind: Literal["start", "update", "end"],
        snapshot: Snapshot,
        mask: Callable[[str], str] | None,
        result: Concluded | None = None,
        error: str = "",
    ) -> None:
        """Send an event to the listener and write the log.

        `mask` removes customers' values from a server's message; None: such messages are not shown.
        """
        self._last_tick = time.monotonic()
        sample = self._sample(snapshot)
        self._timeline.record(sample)
        self._write_log(kind, snapshot, result, error)
        if self._listener is not None:
            self._listener(self._event(kind, snapshot, sample, mask, result))

    def _event(
        self,
        kind: Literal["start", "update", "end"],
        snapshot: Snapshot,
        sample: Sample,
        mask: Callable[[str], str] | None,
        result: Concluded | None,
    ) -> ProgressEvent:
        total, unsettled = sum(snapshot.counts.values()), snapshot.counts[Status.UNSENT]
        settled = total - unsettled
        self._settled.record(sample.elapsed_seconds, settled)
        self._sent.record(sample.elapsed_seconds, settled - sum(snapshot.counts[status] for status in NEVER_SENT))
        run = result.run if result else None
        hide = mask or (lambda _words: NOT_SHOWN)
        return ProgressEvent(
            kind,
            total=total,
            counts=snapshot.counts,
            elapsed_seconds=sample.elapsed_seconds,
            rows_per_second=self._sent.overall() if kind == "end" else self._sent.now(),
            retries=snapshot.retries,
            concurrency=snapshot.concurrency,
            in_flight=snapshot.in_flight,
            seconds_left=self._settled.seconds_left(unsettled),
            failures=tuple(failure._replace(words=_shown_words(failure, mask)) for failure in snapshot.failures),
            trouble=replaced(snapshot.trouble, snapshot.server_text, hide(snapshot.server_text)),
            is_stopping=snapshot.is_stopping,
            ended=run.ended if run else "",
            message=replaced(run.message, run.server_text, hide(run.server_text)) if run else "",
            note=result.note if result else "",
            is_ok=result is None or result.ok,
            n_incomplete=result._n_incomplete if result else 0,  # noqa: SLF001 - not for users
            n_warnings=result._n_warnings if result else 0,  # noqa: SLF001 - as above
            n_left_out=run.n_left_out if run else 0,
            n_to_retry=result._n_to_retry if result else 0,  # noqa: SLF001 - not for users
            stop=self._stop,
        )

    def _sample(self, snapshot: Snapshot) -> Sample:
        """Return the current sample. Counts lost with a worker are not subtracted, so that no rate is negative."""
        accepted, last = snapshot.counts[Status.ACCEPTED] - self._accepted_before, self._furthest
        self._furthest = Sample(
            time.monotonic() - self._clock_start,
            max(accepted, last.accepted),
            max(snapshot.answer_seconds, last.answer_seconds),
        )
        return self._furthest

    def _write_log(self, kind: str, snapshot: Snapshot, result: Concluded | None, error: str) -> None:
        if kind == "start":
            self._log.start(snapshot.counts[Status.UNSENT])
        elif result is None:
            self._log.update(is_paused=bool(snapshot.trouble), retries=snapshot.retries)
        else:
            self._log.end(result.run.ended, error, snapshot.counts, result.run.seconds)


def _shown_words(failure: Failure, mask: Callable[[str], str] | None) -> str:
    if mask is not None:
        return mask(failure.words)
    return f"HTTP {failure.http_status}" if failure.http_status else failure.words
