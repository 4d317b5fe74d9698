"""SIGTERM acts like Ctrl-C: requests in flight finish, every row has an outcome, and the files are written."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

from growlytics_pandas.cli.exits import Exit
from growlytics_pandas.views.events import Listener, ProgressEvent


class Stopper:
    """Stops a push on SIGTERM, as the package does on SIGINT; before and after a push it raises KeyboardInterrupt."""

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
        if threading.current_thread() is not threading.main_thread():
            yield
            return
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
