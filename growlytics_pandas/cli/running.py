"""Runs a command: every error and signal becomes an exit status and a line or two, never a traceback."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from growlytics_pandas._text import without_keys
from growlytics_pandas.cli.exits import Exit, status_of
from growlytics_pandas.cli.messages import as_line
from growlytics_pandas.cli.service import learn_key
from growlytics_pandas.cli.signals import Stopper
from growlytics_pandas.cli.streams import say
from growlytics_pandas.cli.summary import Summary
from growlytics_pandas.errors import GrowlyticsError
from growlytics_pandas.http.protocol import one_line


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its options, and the work, which returns what it came to or raises."""

    name: str
    help: str
    add_options: Callable[[argparse.ArgumentParser], None]
    work: Callable[[argparse.Namespace, Stopper], Summary]

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the options of the command to `parser`."""
        self.add_options(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it, say what it came to, and return the exit status."""
        stopper = Stopper()
        learn_key(arguments)
        with stopper.listening():
            try:
                summary = self.work(arguments, stopper)
            except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - a log gets a line, whatever went wrong
                summary = explain(error, Summary(self.name, arguments.file), stopper)
        return _say(summary, arguments)


def explain(error: BaseException, summary: Summary, stopper: Stopper) -> Summary:
    """Return `summary` with the status and words of an error."""
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
        f"{one_line(str(error))}. This is a fault of growlytics_pandas; please report it."
    )
    return replace(summary, exit_status=Exit.FAULT, ended=ended, message=words)


def _say(summary: Summary, arguments: argparse.Namespace) -> int:
    """Say what there is to say, and return the exit status: that of the command, but where its words are lost."""
    if summary.message:
        message = without_keys(summary.message)
        sys.stderr.write(f"{'stopped' if summary.ended == 'interrupted' else 'error'}: {message}\n")
    text = summary.to_json() if arguments.json else summary.to_text()
    if text and (
        arguments.json or summary.columns or summary.suggestions or summary.exit_status or not arguments.quiet
    ):
        return say(text, summary.exit_status)
    return summary.exit_status
