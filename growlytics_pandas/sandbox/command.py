"""``python -m growlytics_pandas sandbox``: the sandbox as a command."""

import argparse
import shlex
import signal
import sys
import threading
from typing import Final

from growlytics_pandas.errors import GrowlyticsError
from growlytics_pandas.sandbox.faults import parse_faults
from growlytics_pandas.sandbox.server import DEFAULT_API_KEY, Sandbox

EXIT_WRONG_CALL: Final = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to `parser`."""
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; 0 (the default) picks a free one")
    parser.add_argument("--db", help="a file that keeps the data across restarts; without it they are temporary")
    parser.add_argument(
        "--faults", default="", help='faults to simulate, such as "latency=0.05,status.503=0.02,seed=7"'
    )
    parser.add_argument(
        "--api-key", default=DEFAULT_API_KEY, help="the only key that is accepted (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM; return the exit status."""
    # Before the first line is printed: a parent process may stop us as soon as it has read it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        _serve(arguments)
    except KeyboardInterrupt:
        return 0
    except GrowlyticsError as problem:
        sys.stderr.write(f"error: {problem}\n")
    return EXIT_WRONG_CALL


def _serve(arguments: argparse.Namespace) -> None:
    faults = parse_faults(arguments.faults)
    with Sandbox(db=arguments.db, port=arguments.port, faults=faults, api_key=arguments.api_key) as sandbox:
        ledger = sandbox.ledger_path.absolute()  # absolute, since it may be used from another directory
        sys.stdout.write(
            f"Sandbox at {sandbox.base_url} (open it in a browser to see the data; Ctrl-C stops it)\n"
            f"export GROWLYTICS_BASE_URL={sandbox.base_url}\n"
            f"export GROWLYTICS_API_KEY={shlex.quote(sandbox.api_key)}\n"
            f"export GROWLYTICS_LEDGER={shlex.quote(str(ledger))}\n"
        )
        sys.stdout.flush()
        threading.Event().wait()
