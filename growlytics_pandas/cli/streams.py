"""What a command says: on stdout what it came to, wherever that leads."""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from growlytics_pandas._text import without_keys
from growlytics_pandas.cli.exits import Exit


def say(text: str, status: int) -> int:
    """Write `text` to stdout, and return the exit status: `status`, but where the words are lost."""
    try:
        _print(without_keys(text))
    except OSError as error:
        _give_up(sys.stdout)
        sys.stderr.write(f"error: the standard output cannot be written: {error.strerror or error}.\n")
        return status or Exit.CALL
    return status


@contextlib.contextmanager
def steady_streams() -> Iterator[None]:
    """Let no stream end a command: a push is worth more than its log, whose disk may be full.

    A process that was started without stdout or stderr (``>&-``) has one that leads nowhere.
    """
    stdout, stderr = sys.stdout, sys.stderr
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - it may be on no disk
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
    """Write to stdout, whatever its encoding; who reads it may have gone (``| head``)."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up(sys.stdout)


def _give_up(stream: TextIO) -> None:
    """Let what is left of a stream go nowhere, or Python complains of it when it ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
