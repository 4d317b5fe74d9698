"""The files that a command writes: their paths are checked before anything is sent; they are written in any case."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from growlytics_pandas._masking import Masker, visible, without_keys
from growlytics_pandas._output_paths import replacing, require_path, require_target
from growlytics_pandas.cli.readers import STDIN
from growlytics_pandas.cli.running import Exit
from growlytics_pandas.cli.summary import Summary
from growlytics_pandas.csv_safe import write_csv
from growlytics_pandas.errors import GrowlyticsError, InvalidArgumentError, MissingDependencyError
from growlytics_pandas.ledger.database import COMPANIONS
from growlytics_pandas.ledger.project import default_path
from growlytics_pandas.upload.connection import named_bundle
from growlytics_pandas.upload.plan import Plan, PushResult
from growlytics_pandas.views.excel import SUFFIX, require_writer, write_workbook
from growlytics_pandas.views.report import write_report
from growlytics_pandas.views.tables import REPORT_LIMITS

_PARQUET: Final = ".parquet"


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file that a command can write; `suffixes` are those by which other programs recognize it, () for any name."""

    suffixes: tuple[str, ...]
    help: str


OUTPUT_FILES: Final = {
    "report": OutputFile((".html", ".htm"), "write a report (.html); ids, names, emails and mobiles are masked"),
    "violations": OutputFile((".csv", SUFFIX), "write all violations (.csv, safe to open in a spreadsheet, or .xlsx)"),
    "outcomes": OutputFile((".csv", _PARQUET, SUFFIX), "write the outcome of each row (.csv, .parquet or .xlsx)"),
    "rejects": OutputFile(
        (".csv", SUFFIX),
        "write the rows that did not fully arrive, after columns with the reasons (.csv or .xlsx); correct them and "
        "push this file",
    ),
    "save": OutputFile(
        (".toml",),
        "write the options to a .toml file, for --options; not how the file is read (--sep, --encoding, …), which the "
        "command printed as next repeats",
    ),
    "members": OutputFile(
        (),
        "a csv that this command reads and writes: the members after the last run. One file per segment and project; "
        "it contains ids in plain text, so only its owner may read it",
    ),
}


def add_output_file(parser: Any, name: str, **how: Any) -> None:
    """Add the flag of an output file to a parser, or to a group of it."""
    parser.add_argument(f"--{name}", type=Path, metavar="PATH", help=OUTPUT_FILES[name].help, **how)


def check_outputs(arguments: argparse.Namespace) -> None:
    """Raise if an output cannot be written, or would overwrite an input, the ledger, or another output."""
    requested = _requested(arguments)
    _require_apart(arguments, requested)
    for name, path in requested.items():
        option = f"--{name}"
        allowed = OUTPUT_FILES[name].suffixes
        if allowed and path.suffix.lower() not in allowed:
            raise InvalidArgumentError(f"{option}: found {str(path)!r}; the name must end in {' or '.join(allowed)}.")
        if path.suffix.lower() == _PARQUET and not importlib.util.find_spec("pyarrow"):
            raise MissingDependencyError(f"{option}: {str(path)!r} cannot be written: pip install pyarrow.")
        if path.suffix.lower() == SUFFIX:
            require_writer(f"{option}: {str(path)!r}")


def _require_apart(arguments: argparse.Namespace, outputs: Mapping[str, Path]) -> None:
    """Raise if an output is the same file as another output or an input, also by another path or a link."""
    seen = [*_in_use(arguments)]
    for name, path in outputs.items():
        option = f"--{name}"
        require_target(path, option)
        if what := next((what for what, place in seen if place is not None and _is_same(place, path)), ""):
            raise InvalidArgumentError(f"{option}: {str(path)!r} is also {what}; choose another name.")
        seen.append((option, path))


def _in_use(arguments: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """Yield the files in use besides the outputs: a description, and the path or descriptor."""
    if arguments.file != "-":
        yield "FILE", arguments.file
    for stream, what in (
        (sys.stdin, "FILE" if arguments.file == "-" else "the standard input"),
        (sys.stdout, "stdout"),
    ):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # no such stream, or it has no descriptor
            yield what, stream.fileno()
    yield "the file of --key-file", arguments.key_file
    yield "the file of --options", arguments.options
    yield "the file of --types-file", getattr(arguments, "types_file", None)
    yield "the file of --ca-bundle", getattr(arguments, "ca_bundle", None)
    if named := named_bundle():
        yield f"the file of {named[0]}", named[1]
    if arguments.ledger != "none":
        ledger = default_path() if arguments.ledger == "auto" else Path(arguments.ledger)
        path = require_path(ledger, "--ledger")
        for suffix in ("", *COMPANIONS):
            yield "the ledger", f"{path}{suffix}"


def _is_same(place: Any, path: Path) -> bool:
    """Return whether an output is the file at a path or descriptor, also by a link, and if it does not exist yet.

    A device may be used twice.
    """
    with contextlib.suppress(OSError, ValueError):
        if path.exists():
            return path.is_file() and os.path.samefile(place, path)  # noqa: PTH121 - it may be a descriptor
        return not isinstance(place, int) and os.path.realpath(place) == os.path.realpath(path)
    return False


def write_outputs(summary: Summary, arguments: argparse.Namespace, plan: Plan, result: PushResult | None) -> Summary:
    """Write the requested files and add them to the summary; if one fails, the others are still written."""
    for name, path in _requested(arguments).items():
        if name == "members":  # which the push itself keeps
            continue
        try:
            _write(name, path, arguments.file, plan, result)
        except (OSError, ValueError, GrowlyticsError) as error:
            why = (error.strerror if isinstance(error, OSError) else None) or str(error)
            words = f"--{name}: {str(path)!r} could not be written: {why}."
            message = " ".join(filter(None, (summary.message, words)))
            summary = replace(summary, message=message, exit_status=summary.exit_status or Exit.CALL)
        else:
            summary = replace(summary, files={**summary.files, name: str(path)})
    return summary


def _requested(arguments: argparse.Namespace) -> dict[str, Path]:
    found: dict[str, Any] = {name: getattr(arguments, name, None) for name in OUTPUT_FILES}
    return {name: path for name, path in found.items() if path is not None}


def _write(name: str, path: Path, file: str, plan: Plan, result: PushResult | None) -> None:
    found = plan if result is None else result
    if name == "report":
        page = found._page(Masker(numbers=found._mask_numbers), REPORT_LIMITS)
        pushed = (
            "stdin" if file == STDIN else without_keys(visible(Path(file).name))
        )  # not its folders, which may be private
        write_report(replace(page, facts=(("file", pushed), *page.facts)), path)
        return
    if name == "rejects":
        table = found.rejects()
    else:
        table = found.violations if name == "violations" or result is None else result.outcomes
        table = table.rename(columns={"index": "line"})  # labels are lines of the file; Parquet: rows
    if path.suffix.lower() == SUFFIX:
        write_workbook({name.capitalize(): table}, path)
    elif path.suffix.lower() == _PARQUET:
        with replacing(path) as beside:
            table.to_parquet(beside, index=False)
    else:
        write_csv(table, path)
