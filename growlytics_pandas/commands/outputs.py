"""The files that a command writes: looked at before anything is sent, written whatever happened."""

from __future__ import annotations

import argparse
import importlib.util
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pandas as pd

from growlytics_pandas.commands.exits import Exit
from growlytics_pandas.commands.summary import Summary
from growlytics_pandas.csv_safe import write_csv
from growlytics_pandas.errors import GrowlyticsError, InvalidArgumentError, MissingDependencyError
from growlytics_pandas.planning import Plan
from growlytics_pandas.result import PushResult
from growlytics_pandas.targets import require_target
from growlytics_pandas.workbooks import SUFFIX, require_writer, write_workbook

_PARQUET: Final = ".parquet"
_SUFFIXES: Final = MappingProxyType(
    {
        "report": (".html", ".htm"),
        "violations": (".csv", SUFFIX),
        "outcomes": (".csv", _PARQUET, SUFFIX),
        "rejects": (".csv", SUFFIX),
    }
)
"""What can be written as what: a program that opens a file goes by the end of its name."""
_BY_LINE: Final = {"index": "line"}  # a frame read from a file has its lines for labels; Parquet: its rows


def check_outputs(arguments: argparse.Namespace) -> None:
    """Refuse what could not be written, or would overwrite the file that is read."""
    seen = {Path(arguments.file).absolute(): "FILE"}
    for name, path in _asked(arguments).items():
        option = f"--{name}"
        require_target(path, option)
        if path.absolute() in seen:
            raise InvalidArgumentError(f"{option}: {str(path)!r} is {seen[path.absolute()]} too; give another name.")
        if path.suffix.lower() not in _SUFFIXES[name]:
            allowed = " or ".join(_SUFFIXES[name])
            raise InvalidArgumentError(f"{option}: found {str(path)!r}; the name must end in {allowed}.")
        if path.suffix.lower() == _PARQUET and not importlib.util.find_spec("pyarrow"):
            raise MissingDependencyError(f"{option}: {str(path)!r} cannot be written: pip install pyarrow.")
        if path.suffix.lower() == SUFFIX:
            require_writer(f"{option}: {str(path)!r}")
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


def _asked(arguments: argparse.Namespace) -> dict[str, Path]:
    found: dict[str, Any] = {name: getattr(arguments, name, None) for name in _SUFFIXES}
    return {name: path for name, path in found.items() if path is not None}


def _write(name: str, path: Path, plan: Plan, result: PushResult | None) -> None:
    if name == "violations":
        _write_table("Violations", plan.violations.rename(columns=_BY_LINE), path)
    elif name == "rejects":
        _write_table("Rejects", (plan if result is None else result).rejects(), path)
    elif name == "report":
        (plan if result is None else result).to_html(path)
    elif result is not None:
        _write_table("Outcomes", result.outcomes.rename(columns=_BY_LINE), path)


def _write_table(title: str, table: pd.DataFrame, path: Path) -> None:
    """Write a table as what the name of the file ends in."""
    if path.suffix.lower() == SUFFIX:
        write_workbook({title: table}, path)
    elif path.suffix.lower() == _PARQUET:
        table.to_parquet(path, index=False)
    else:
        write_csv(table, path)
