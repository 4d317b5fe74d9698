"""stdout and stderr of a command, also if they are closed, full, or a broken pipe."""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from growlytics_pandas._text import without_keys
from growlytics_pandas.cli.exits import Exit


def print_text(text: str, status: int) -> int:
    """Write `text` to stdout, and return the exit status: `status`, or an error if `text` cannot be written."""
    try:
        _print(without_keys(text))
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

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

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


def _print(text: str) -> None:
    """Write to stdout in its encoding; the reader may have closed the pipe (``| head``)."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up(sys.stdout)


def _give_up(stream: TextIO) -> None:
    """Redirect a stream to the null device; otherwise flushing it at exit would print an error."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
