"""Ctrl-C while the command line is being imported ends the process without a traceback."""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, Final

INTERRUPTED: Final = 130
_NAMES: Final = ("growlytics_pandas", "growlytics-pandas")


def is_command() -> bool:
    """Return whether this process is the command line: ``python -m growlytics_pandas``, or its script."""
    if sys.argv[:1] == ["-m"]:  # the value until Python has found the module
        return any(word in _NAMES for word in sys.orig_argv)
    return bool(sys.argv) and Path(sys.argv[0]).stem in _NAMES


def await_main() -> None:
    """Exit at once on Ctrl-C, until `begin_main`."""
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and is_command() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def begin_main() -> None:
    """Restore Python's handling of Ctrl-C."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(*_: Any) -> None:
    os._exit(INTERRUPTED)


await_main()
