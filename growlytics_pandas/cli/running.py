"""Runs a command: every error and signal becomes an exit status and a short message, never a traceback."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from growlytics_pandas._text import without_keys
from growlytics_pandas.cli.exits import Exit, status_of
from growlytics_pandas.cli.key_file import learn_key
from growlytics_pandas.cli.signals import Stopper
from growlytics_pandas.cli.streams import print_text
from growlytics_pandas.cli.summary import Summary, as_line
from growlytics_pandas.errors import GrowlyticsError
from growlytics_pandas.http.protocol import one_line


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its options, and the function that does the work and returns a summary or raises."""

    name: str
    help: str
    add_options: Callable[[argparse.ArgumentParser], None]
    work: Callable[[argparse.Namespace, Stopper], Summary]

    def run(self, arguments: argparse.Namespace) -> int:
        """Run it, print the outcome, and return the exit status."""
        stopper = Stopper()
        learn_key(arguments)
        with stopper.listening():
            try:
                summary = self.work(arguments, stopper)
            except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - every error becomes a line in the log
                summary = explain(error, Summary(self.name, arguments.file), stopper)
        return _print(summary, arguments)


def explain(error: BaseException, summary: Summary, stopper: Stopper) -> Summary:
    """Return `summary` with the exit status and message of an error."""
    if isinstance(error, KeyboardInterrupt):
        ended = "interrupted"
        before = "" if stopper.has_begun else "before anything was sent"
        return replace(summary, exit_status=stopper.status, ended=ended, message=before)
    ended = "error" if summary.ended == "finished" else summary.ended
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


def _print(summary: Summary, arguments: argparse.Namespace) -> int:
    """Print the summary, and return the exit status: that of the command, or an error if it cannot be printed."""
    if summary.message:
        message = without_keys(summary.message)
        sys.stderr.write(f"{'stopped' if summary.ended == 'interrupted' else 'error'}: {message}\n")
    text = summary.to_json() if arguments.json else summary.to_text()
    if text and (
        arguments.json or summary.columns or summary.suggestions or summary.exit_status or not arguments.quiet
    ):
        return print_text(text, summary.exit_status)
    return summary.exit_status
