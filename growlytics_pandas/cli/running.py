"""Runs a command: every error and signal becomes an exit status and a short message, never a traceback."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Any, Final, TextIO

from growlytics_pandas._masking import without_keys
from growlytics_pandas._status import Ended
from growlytics_pandas.cli.summary import ERROR, Summary, as_line
from growlytics_pandas.errors import (
    ApiKeyError,
    DataError,
    GrowlyticsError,
    ServiceUnavailableError,
    TooManyFailuresError,
)
from growlytics_pandas.http.api_key import ApiKey
from growlytics_pandas.http.protocol import one_line
from growlytics_pandas.options import PLAN_KEYS
from growlytics_pandas.views.events import Listener, ProgressEvent

SCRIPT: Final = "growlytics-pandas"


class Exit(IntEnum):
    """The status of a command."""

    DONE = 0
    DATA = 1
    CALL = 2
    LATER = 3
    FAULT = 70
    INTERRUPTED = 130
    TERMINATED = 143


EXITS = """\
exit status:
    0  success: all data arrived (validate and --dry-run: would arrive)
    1  the data: some of it did not arrive (validate and --dry-run: would not)
    2  the call: an option, the file, the key, the URL or the ledger; correct
       it, then run it again
    3  the service cannot be reached or has stopped answering: run the same
       command again later
   70  a bug in this package; please report it
  130  Ctrl-C (SIGINT): requests in flight were finished, and all output files
       are written
  143  SIGTERM: the same"""
"""The statuses as in ``--help``."""


def program() -> str:
    """Return the name of the command line as called, for commands that users copy."""
    return SCRIPT if Path(sys.argv[0]).stem == SCRIPT else "python -m growlytics_pandas"


def status_of(error: GrowlyticsError) -> Exit:
    """Return the exit status of an error."""
    if isinstance(error, ServiceUnavailableError):
        return Exit.LATER
    return Exit.DATA if isinstance(error, (DataError, TooManyFailuresError)) else Exit.CALL


class Stopper:
    """Stops a push on SIGTERM, as the package does on SIGINT; before and after a push it raises KeyboardInterrupt.

    Requests in flight finish, every row has an outcome, and the files are written.
    """

    def __init__(self) -> None:
        self._stop: Callable[[], None] | None = None
        self._is_terminated = False
        self.has_begun = False

    @property
    def status(self) -> Exit:
        """The exit status of a command that was stopped."""
        return Exit.TERMINATED if self._is_terminated else Exit.INTERRUPTED

    def watch(self, listener: Listener | None) -> Listener:
        """Return a listener that stores how to stop the push, and passes events to `listener`."""

        def listen(event: ProgressEvent) -> None:
            self.has_begun = True
            self._stop = None if event.kind == "end" else event.stop
            if listener is not None:
                listener(event)

        return listen

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Handle SIGTERM while a command runs."""
        previous = signal.signal(signal.SIGTERM, self._terminate)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, previous)

    def _terminate(self, *_: Any) -> None:
        self._is_terminated = True
        if self._stop is None:
            raise KeyboardInterrupt
        self._stop()


@dataclass(frozen=True, slots=True)
class Command:
    """One command: the function that does the work and returns a summary or raises, and its options.

    `files`: the outputs that it can write. `plan_options`: those that have a flag. `sends`: whether it has the options
    of a push. `add_more` adds options of its own.
    """

    name: str
    help: str
    work: Callable[[argparse.Namespace, Stopper], Summary]
    files: tuple[str, ...] = ()
    plan_options: tuple[str, ...] = PLAN_KEYS
    sends: bool = False
    add_more: Callable[[argparse.ArgumentParser], None] | None = None

    def run(self, arguments: argparse.Namespace) -> int:
        """Run it, print the outcome, and return the exit status."""
        stopper = Stopper()
        with stopper.listening():
            try:
                _read_key(arguments)
                summary = self.work(arguments, stopper)
            except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - every error becomes a line in the log
                summary = explain(error, Summary(self.name, arguments.file), stopper)
        return _print_summary(summary, arguments)


def _read_key(arguments: argparse.Namespace) -> None:
    """Read the file of ``--key-file``, which may be a pipe, before anything is printed, so that its key is masked."""
    arguments.key = None
    if not arguments.key_file:
        return
    try:
        key = Path(arguments.key_file).read_text(encoding="utf-8-sig").strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ApiKeyError(f"--key-file: it cannot be read: {why} (its name is not shown: it may be the key).") from None
    if not key:
        raise ApiKeyError("--key-file: the file is empty; it must contain only the API key.")
    arguments.key = ApiKey(key)


def explain(error: BaseException, summary: Summary, stopper: Stopper) -> Summary:
    """Return `summary` with the exit status and message of an error."""
    if isinstance(error, KeyboardInterrupt):
        ended = Ended.INTERRUPTED.value
        before = "" if stopper.has_begun else "before anything was sent"
        return replace(summary, exit_status=stopper.status, ended=ended, message=before)
    ended = ERROR if summary.ended == Ended.FINISHED else summary.ended
    if isinstance(error, GrowlyticsError):
        return replace(summary, exit_status=status_of(error), ended=ended, message=as_line(error))
    if isinstance(error, MemoryError):
        words = "the file does not fit into memory; split it, save it as Parquet, or install pyarrow."
        return replace(summary, exit_status=Exit.CALL, ended=ended, message=words)
    place = traceback.extract_tb(error.__traceback__)[-1]
    words = (
        f"unexpected {type(error).__name__} ({Path(place.filename).name}, line {place.lineno}): "
        f"{one_line(str(error))}. This is a bug in growlytics_pandas; please report it."
    )
    return replace(summary, exit_status=Exit.FAULT, ended=ended, message=words)


def _print_summary(summary: Summary, arguments: argparse.Namespace) -> int:
    """Print the summary, and return the exit status: that of the command, or an error if it cannot be printed."""
    if summary.message:
        message = without_keys(summary.message)
        sys.stderr.write(f"{'stopped' if summary.ended == Ended.INTERRUPTED else 'error'}: {message}\n")
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    to_text = summary.to_quiet_text if arguments.quiet else summary.to_text
    text = summary.to_json() if arguments.json else to_text(width)
    is_wanted = arguments.json or summary.columns or summary.suggestions or summary.exit_status or not arguments.quiet
    return print_text(text, summary.exit_status) if text and is_wanted else summary.exit_status


# stdout and stderr, also if they are closed, full, or a broken pipe -----------------------------------------------


def print_text(text: str, status: int) -> int:
    """Write `text` to stdout, and return the exit status: `status`, or an error if `text` cannot be written."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        sys.stdout.write(without_keys(text).encode(encoding, "backslashreplace").decode(encoding) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has closed the pipe (``| head``)
        _give_up(sys.stdout)
    except OSError as error:
        _give_up(sys.stdout)
        sys.stderr.write(f"error: stdout cannot be written: {error.strerror or error}.\n")
        return status or Exit.CALL
    return status


@contextlib.contextmanager
def steady_streams() -> Iterator[None]:
    """Keep a command running if its log cannot be written, for instance because the disk is full.

    A stream that is closed at the start (``>&-``) is replaced by one to the null device.
    """
    stdout, stderr = sys.stdout, sys.stderr
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a device, not a path
        sys.stdout = stdout or nowhere
        sys.stderr = _Log(stderr or nowhere)
        try:
            yield
        finally:
            sys.stdout, sys.stderr = stdout, stderr


class _Log:
    """A stream that drops what it cannot write."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with self._dropping():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._dropping():
            self._stream.flush()

    @contextlib.contextmanager
    def _dropping(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            _give_up(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _give_up(stream: TextIO) -> None:
    """Redirect a stream to the null device; otherwise flushing it at exit would print an error."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
