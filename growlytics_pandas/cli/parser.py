"""The argument parser and the options that the commands share.

The parser never prints a secret: no abbreviations, no values of unknown options in errors, no ``--key``.
"""

import argparse
import difflib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, get_args

from growlytics_pandas._text import without_keys
from growlytics_pandas.cli.plan_flags import add_plan
from growlytics_pandas.cli.readers import FORMATS
from growlytics_pandas.cli.running import EXITS, Command, Exit
from growlytics_pandas.upload.connection import Track, TransportName

_KEY_OPTIONS: Final = ("--key", "--api-key", "--apikey", "--token")
_WHY_NO_KEY: Final = (
    "an API key cannot be an argument, since process lists and scheduler logs show arguments. Set GROWLYTICS_API_KEY, "
    "or use --key-file PATH. If that was a real key, replace it in the dashboard."
)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line that refers to ``--help``."""

    def __init__(self, *args: Any, **options: Any) -> None:
        # With abbreviations, ``--key SECRET`` would be read as ``--key-file``.
        fixed: dict[str, Any] = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False}
        super().__init__(*args, **fixed | options)

    def error(self, message: str) -> NoReturn:
        """Print the error and exit."""
        end = "" if message.endswith("?") else "."
        sys.stderr.write(f"error: {without_keys(message.rstrip('.'))}{end} See {self.prog} --help.\n")
        sys.exit(Exit.CALL)

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """Parse; errors name unknown options without their values, which may be secret."""
        words = sys.argv[1:] if args is None else args
        is_sandbox = words[:1] == ["sandbox"]  # its key is no secret
        if not is_sandbox and any(word.partition("=")[0] in _KEY_OPTIONS for word in words):
            self.error(_WHY_NO_KEY)
        known, unknown = self.parse_known_args(words, namespace)
        if unknown:
            names = [word.partition("=")[0] for word in unknown if word.startswith("-")]
            more = len(unknown) - len(names)
            found = ", ".join(names) or f"{more} unexpected argument{'s' if more > 1 else ''}"
            of_command: Parser = getattr(known, "parser", self)
            near = difflib.get_close_matches(names[0], of_command._option_string_actions, n=1) if names else []
            of_command.error(f"not understood: {found}" + (f". Did you mean {near[0]}?" if near else ""))
        return known


READING: Final = """\
how a file is read:
  Reading never changes a value by guessing. The whole file is read into memory: a CSV of 1 GB needs about 4 GB with
  pyarrow and 7 GB without it; JSON lines of 1 GB need about 2 GB.
  csv, tsv  The id column, name, email and mobile are text. A column is read as numbers if all its values are numbers
            written in full (12, -3.50, 1e-05); if any value has a leading zero or a plus (00123, +91…), the column
            stays text. true/false in any case is boolean. Dates stay text: --type "Last Order=date" reads ISO 8601,
            such as 2025-01-31, and --date-format "Last Order=%d/%m/%Y" reads other formats (in a crontab, write \\%
            for %). A column whose type the ledger knows is read as that type. Only an empty cell is missing: NA, None
            and null are text, unless you give --na NA; white space around such a word is ignored. The encoding is
            UTF-8, or UTF-16 with a byte order mark, unless you give --encoding. A line with too few or too many cells
            is an error. A first line such as sep=; names the separator. An apostrophe before =, +, -, @ or another
            apostrophe, which this package writes to prevent formulas, is removed.
  jsonl     One JSON object per line. Numbers, text and booleans keep their types; null is missing.
  parquet   Columns have the types of the schema and keep all digits; levels of a named index are columns too. Needs
            pyarrow.
  xlsx, xls, xlsb, ods  A sheet of a workbook (extra excel). Numbers keep all digits below 2^53; dates are dates; times
            and durations are text. A number that its format displays with leading zeros is read as that text (xlsx,
            xlsb). Cells with an error, and formulas that no spreadsheet program has calculated, are missing; a note
            counts them (xlsx, xlsb). The first row with cells is the heading.
  Gzip is detected. In violations and outcomes, `line` is the line of the file (the heading of a csv is line 1), the
  row of the sheet in a workbook, or the row from 0 in a Parquet file."""


def add_command(commands: Any, command: Command) -> None:
    """Add a command to the argument parser."""
    text = f"{READING}\n\n{EXITS}"
    parser = commands.add_parser(command.name, help=command.help, description=f"{command.help}.", epilog=text)
    _add_file(parser)
    if command.add_more is not None:
        command.add_more(parser)
    add_plan(parser, command.plan_options)
    _add_service(parser)
    if command.sends:
        _add_sending(parser)
    _add_output(parser, command.files)
    parser.set_defaults(run=command.run, parser=parser)


def _add_file(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the file")
    group.add_argument(
        "file",
        metavar="FILE",
        help="csv, tsv, jsonl, ndjson, parquet, xlsx, xls, xlsb or ods, also with .gz; - means stdin",
    )
    group.add_argument("--format", choices=FORMATS, help="the format, if the file name does not show it")
    group.add_argument("--encoding", help="encoding of csv, tsv and jsonl, such as cp1252 or utf-16 (default: utf-8)")
    group.add_argument("--sep", help="separator of the cells of a csv (default: a comma; tsv: a tab)")
    group.add_argument(
        "--skip-rows", type=_count, default=0, metavar="N", help="lines above the heading of a csv or workbook"
    )
    group.add_argument("--sheet", metavar="NAME", help="sheet of a workbook, or its number from 1 (default: the first)")
    group.add_argument("--limit", type=_count, metavar="N", help="read only the first N rows, for a trial")


def _add_service(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the service (the key: GROWLYTICS_API_KEY, or --key-file)")
    group.add_argument("--key-file", metavar="PATH", help="a file that contains only the API key")
    group.add_argument("--base-url", metavar="URL", help="default: GROWLYTICS_BASE_URL, else the documented host")
    group.add_argument(
        "--ledger",
        default="auto",
        metavar="PATH",
        help="the ledger file, or none (default: GROWLYTICS_LEDGER, else a file in your user data directory)",
    )
    group.add_argument(
        "--track",
        choices=get_args(Track),
        help="also store a digest of two bytes per value in the ledger, to count changed values by attribute",
    )
    group.add_argument(
        "--types-file", metavar="PATH", help="a JSON file of types: read at the start, updated at the end"
    )


def _add_sending(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("sending")
    group.add_argument(
        "--dry-run", action="store_true", default=None, help="do everything except send requests; needs no key"
    )
    group.add_argument(
        "--skip-unchanged",
        action="store_true",
        default=None,
        help="skip customers whose data was accepted before; also resumes a stopped push",
    )
    group.add_argument(
        "--errors",
        choices=("raise", "drop"),
        help="drop: send only valid rows and values (default: raise)",
    )
    group.add_argument("--max-rate", type=float, metavar="N", help="maximum requests per second")
    group.add_argument("--max-concurrency", type=int, metavar="N", help="maximum requests in flight (default: 64)")
    group.add_argument(
        "--max-failures",
        type=number,
        metavar="N",
        help="stop after this many failed rows (50), or at this share of failed rows (0.1)",
    )
    group.add_argument("--label", metavar="TEXT", help="the name of this run in the history and the log")
    group.add_argument("--chunk-size", type=int, metavar="N", help="rows encoded at once (default: 1000)")
    group.add_argument(
        "--transport",
        choices=get_args(TransportName),
        default="auto",
        help="the HTTP library (default: auto, libcurl if pycurl is installed)",
    )
    group.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS", help="for one request (default: 30)")
    group.add_argument("--ca-bundle", metavar="PATH", help="certificate authorities to trust")


def _add_output(parser: argparse.ArgumentParser, files: tuple[str, ...]) -> None:
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print one JSON object, and nothing else, to stdout")
    group.add_argument(
        "--quiet",
        action="store_true",
        help="print only problems and type warnings; no progress",
    )
    for name in files:
        group.add_argument(f"--{name}", type=Path, metavar="PATH", help=_FILES[name])


_FILES: Final = {
    "report": "write a report (.html); ids, names, emails and mobiles are masked",
    "violations": "write all violations (.csv, safe to open in a spreadsheet, or .xlsx)",
    "rejects": "write the rows that did not fully arrive, after columns with the reasons (.csv or .xlsx); correct them "
    "and push this file",
    "outcomes": "write the outcome of each row (.csv, .parquet or .xlsx)",
}


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"found {text!r}; it must be a whole number of 1 or more")
    return int(text)


def number(text: str) -> float:
    """Return an int or a float; argparse calls it a "number" in errors."""
    return int(text) if text.isdecimal() else float(text)
