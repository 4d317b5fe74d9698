"""The files that a command writes: looked at before anything is sent, written whatever happened."""

from __future__ import annotations

import argparse
import importlib.util
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pandas as pd

from growlytics_pandas.commands.exits import Exit
from growlytics_pandas.commands.summary import Summary
from growlytics_pandas.csv_safe import write_csv
from growlytics_pandas.errors import GrowlyticsError, InvalidArgumentError, MissingDependencyError
from growlytics_pandas.planning import Plan
from growlytics_pandas.result import PushResult
from growlytics_pandas.targets import require_target

_NAMES: Final = ("report", "violations", "outcomes")
_PARQUET: Final = ".parquet"
_LINES: Final = re.compile(r"(?<=df\.index\.isin\(\[)[0-9]+(?:, [0-9]+)*(?=\]\))")


def check_outputs(arguments: argparse.Namespace) -> None:
    """Refuse what could not be written, or would overwrite the file that is read."""
    seen = {Path(arguments.file).absolute(): "FILE"}
    for name, path in _asked(arguments).items():
        option = f"--{name}"
        require_target(path, option)
        if path.absolute() in seen:
            raise InvalidArgumentError(f"{option}: {str(path)!r} is {seen[path.absolute()]} too; give another name.")
        if path.suffix == _PARQUET and (name != "outcomes" or not importlib.util.find_spec("pyarrow")):
            why = "pip install pyarrow" if name == "outcomes" else "only --outcomes can be Parquet"
            raise MissingDependencyError(f"{option}: {str(path)!r} cannot be written: {why}.")
        seen[path.absolute()] = option


def write_outputs(summary: Summary, arguments: argparse.Namespace, plan: Plan, result: PushResult | None) -> Summary:
    """Write what was asked for and return the summary with what was written; a file that fails costs no other."""
    for name, path in _asked(arguments).items():
        try:
            _write(name, path, plan, result)
        except (OSError, ValueError, GrowlyticsError) as error:
            why = (error.strerror if isinstance(error, OSError) else None) or str(error)
            words = f"--{name}: {str(path)!r} could not be written: {why}."
            message = " ".join(filter(None, (summary.message, words)))
            summary = replace(summary, message=message, exit_status=summary.exit_status or Exit.CALL)
        else:
            summary = replace(summary, files={**summary.files, name: str(path)})
    return summary


def name_rows(plan: Plan) -> None:
    """Let the lines to paste name rows by position; the frame here has the lines of the file for labels.

    A user pastes them after ``pd.read_csv``, which numbers the rows from 0.
    """
    index, found = plan.frame.index, plan.violations  # the one frame that the plan, its result and its report show

    def place(lines: re.Match[str]) -> str:
        return ", ".join(map(str, index.get_indexer(pd.Index(map(int, lines[0].split(", "))))))

    made = {line: _LINES.sub(place, line) for line in found["fix"].unique()}
    found["fix"] = found["fix"].map(made)


def _asked(arguments: argparse.Namespace) -> dict[str, Path]:
    found: dict[str, Any] = {name: getattr(arguments, name, None) for name in _NAMES}
    return {name: path for name, path in found.items() if path is not None}


def _write(name: str, path: Path, plan: Plan, result: PushResult | None) -> None:
    if name == "violations":
        write_csv(plan.violations.rename(columns={"index": "line"}), path)
    elif name == "report":
        (plan if result is None else result).to_html(path)
    elif result is not None:
        if path.suffix == _PARQUET:
            result.outcomes.to_parquet(path, index=False)
        else:
            write_csv(result.outcomes, path)
