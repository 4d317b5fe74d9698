"""Ctrl-C while the command line is being imported ends the process without a traceback.

Imports only what Python has already loaded, since a traceback is possible until `await_main` has run.
"""

import _signal as signal  # type: ignore[import-not-found]  # built in; `signal` itself takes a millisecond to load
import os
import sys

INTERRUPTED = 130
_NAMES = ("growlytics_pandas", "growlytics-pandas")


def is_command() -> bool:
    """Return whether this process is the command line: ``python -m growlytics_pandas``, or its script."""
    if sys.argv[:1] == ["-m"]:  # the value until Python has found the module
        return any(word in _NAMES for word in sys.orig_argv)
    return bool(sys.argv) and os.path.basename(sys.argv[0]).partition(".")[0] in _NAMES  # noqa: PTH119 - see above


def await_main() -> None:
    """Exit at once on Ctrl-C, until `begin_main`."""
    if is_command() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def begin_main() -> None:
    """Restore Python's handling of Ctrl-C."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(*_: object) -> None:
    os._exit(INTERRUPTED)


await_main()
