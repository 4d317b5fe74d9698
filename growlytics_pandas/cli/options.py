"""The parser and the options of the commands.

The parser repeats no secret: no abbreviations, no values of unknown options in errors, no ``--key``.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, get_args

from growlytics_pandas._text import without_keys
from growlytics_pandas.cli.exits import Exit, describe_exits
from growlytics_pandas.cli.readers import FORMATS
from growlytics_pandas.http import TransportName
from growlytics_pandas.upload.connection import Track

KEY_OPTIONS: Final = ("--key", "--api-key", "--apikey", "--token")
_WHY_NO_KEY: Final = (
    "an API key is no argument: lists of processes and the logs of schedulers show arguments. Set GROWLYTICS_API_KEY, "
    "or give --key-file PATH. If that was a real key, replace it in the dashboard."
)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line: what is wrong, and where help is."""

    def __init__(self, *args: Any, **options: Any) -> None:
        # With abbreviations, ``--key SECRET`` would be taken for ``--key-file``.
        fixed: dict[str, Any] = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False}
        super().__init__(*args, **fixed | options)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the call and exit."""
        sys.stderr.write(f"error: {without_keys(message.rstrip('.'))}. See {self.prog} --help.\n")
        sys.exit(Exit.CALL)

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """Parse, naming what is not known without the values, which may be secret."""
        known, unknown = self.parse_known_args(args, namespace)
        if unknown:
            names = [word.partition("=")[0] for word in unknown if word.startswith("-")]
            more = len(unknown) - len(names)
            said = ", ".join(names) or f"{more} argument{'s' if more > 1 else ''} more than there is place for"
            self.error(f"not understood: {said}")
        return known


class RefuseKey(argparse.Action):
    """Say why a key is no argument; never repeat it."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        """Refuse."""
        parser.error(_WHY_NO_KEY)


def refuse_keys(parser: argparse.ArgumentParser) -> None:
    """Take the options that people try, only to refuse them."""
    parser.add_argument(*KEY_OPTIONS, action=RefuseKey, nargs="?", help=argparse.SUPPRESS)


READING: Final = """\
how a file is read:
  Nothing is guessed that could change a value. A file is read whole: a CSV of 1 GB takes about 4 GB of memory where
  pyarrow is installed and 7 GB where it is not, JSON lines of 1 GB about 2 GB.
  csv, tsv  The id column, name, email and mobile are text. A column is numbers where each value is one, written in
            full (12, -3.50, 1e-05); with a leading zero or a plus anywhere (00123, +91…) it stays text. true/false
            in any case is boolean. Dates stay text: --type "Last Order=date" reads ISO 8601, such as 2025-01-31, and
            --date-format "Last Order=%d/%m/%Y" others (in a crontab, write \\% for %). A column whose type the ledger
            knows is read as that type. Only an empty cell is missing: NA, None and null are text, unless --na NA;
            white space around such a word is ignored. UTF-8, or UTF-16 with a mark, unless --encoding. A line with
            too few or too many cells is an error. A first line such as sep=; names the separator. An apostrophe
            before =, +, -, @ or another apostrophe, as this package writes it into a CSV against formulas, is removed.
  jsonl     One JSON object a line; numbers, text and booleans are what they are in JSON, null is missing.
  parquet   As its schema says, every digit kept; the levels of a named index are columns. Needs pyarrow.
  xlsx, xls, xlsb, ods  A sheet of a workbook (extra excel). Numbers are numbers, with all digits below 2^53; dates are
            dates, times and durations text. A code shown with leading zeros by its format is that text (xlsx,
            xlsb). Cells with an error, and formulas that no spreadsheet program has calculated, are missing, and a
            note counts them (xlsx, xlsb). The first row with cells is the heading.
  Gzip is recognised by itself. The `line` of violations and outcomes is that of the file, where the heading of a csv
  is 1; of a workbook it is the row of the sheet; of a parquet it is the row, from 0."""


def epilog() -> str:
    """Return the end of every ``--help``."""
    return f"{READING}\n\n{describe_exits()}"


def add_file(parser: argparse.ArgumentParser) -> None:
    """Add the file and how to read it."""
    group = parser.add_argument_group("the file")
    group.add_argument(
        "file",
        metavar="FILE",
        help="csv, tsv, jsonl, ndjson, parquet, xlsx, xls, xlsb, ods, also with .gz; - is stdin",
    )
    group.add_argument("--format", choices=FORMATS, help="what it is, where the name does not tell")
    group.add_argument("--encoding", help="of csv, tsv and jsonl (default: utf-8), such as cp1252 or utf-16")
    group.add_argument("--sep", help="between the cells of a csv (default: a comma; tsv: a tab)")
    group.add_argument(
        "--skip-rows", type=_count, default=0, metavar="N", help="csv and workbooks: lines above the heading"
    )
    group.add_argument("--sheet", metavar="NAME", help="of a workbook, or its number from 1 (default: the first)")
    group.add_argument("--limit", type=_count, metavar="N", help="only the first N rows, for a trial")


def add_service(parser: argparse.ArgumentParser) -> None:
    """Add which project, and what is remembered of it."""
    group = parser.add_argument_group("the service (the key: GROWLYTICS_API_KEY, or --key-file)")
    group.add_argument("--key-file", metavar="PATH", help="a file that holds the API key and nothing else")
    group.add_argument("--base-url", metavar="URL", help="default: GROWLYTICS_BASE_URL, else the documented host")
    group.add_argument(
        "--ledger", default="auto", metavar="PATH", help="or none; default: GROWLYTICS_LEDGER, else your own"
    )
    group.add_argument(
        "--track", choices=get_args(Track), help="also remember two bytes a value, to count what changes by attribute"
    )
    group.add_argument("--types-file", metavar="PATH", help="a JSON file of types: read first, kept up to date")
    refuse_keys(parser)


def add_sending(parser: argparse.ArgumentParser) -> None:
    """Add the options of a push."""
    group = parser.add_argument_group("sending")
    group.add_argument(
        "--dry-run", action="store_true", default=None, help="do everything but the requests; needs no key"
    )
    group.add_argument(
        "--skip-unchanged",
        action="store_true",
        default=None,
        help="leave out what was accepted before; also how to resume",
    )
    group.add_argument("--errors", choices=("raise", "drop"), help="drop: send what can arrive (default: raise)")
    group.add_argument("--max-rate", type=float, metavar="N", help="requests a second, at most")
    group.add_argument("--max-concurrency", type=int, metavar="N", help="requests in flight, at most (default: 64)")
    group.add_argument(
        "--max-failures",
        type=_count_or_share,
        metavar="N",
        help="stop after so many failed rows (50), or such a share (0.1)",
    )
    group.add_argument("--label", metavar="TEXT", help="what to call this run in the history and the log")
    group.add_argument("--chunk-size", type=int, metavar="N", help="rows encoded at once (default: 1000)")
    group.add_argument(
        "--transport",
        choices=get_args(TransportName),
        default="auto",
        help="(default: auto, libcurl where it is installed)",
    )
    group.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS", help="of one request (default: 30)")
    group.add_argument("--ca-bundle", metavar="PATH", help="authorities to check the certificate with")


def add_saying(parser: argparse.ArgumentParser, *, files: tuple[str, ...]) -> None:
    """Add what is said and written."""
    group = parser.add_argument_group("what is told")
    group.add_argument("--json", action="store_true", help="one JSON object on stdout, and nothing else there")
    group.add_argument(
        "--quiet",
        action="store_true",
        help="say nothing where all is well, but for types in doubt; no progress",
    )
    for name in files:
        group.add_argument(f"--{name}", type=Path, metavar="PATH", help=_FILES[name])


_FILES: Final = {
    "report": "write a report, as .html; ids, names, emails and mobiles are masked",
    "violations": "write all violations, as .csv, safe to open in a spreadsheet, or .xlsx",
    "rejects": "write the rows that did not fully arrive, with reasons in front, as .csv or .xlsx; correct and push it",
    "outcomes": "write what became of each row, as .csv, .parquet or .xlsx",
}


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"found {text!r}; it must be a whole number from 1 up")
    return int(text)


def _count_or_share(text: str) -> float:
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"found {text!r}; it must be rows such as 50, or a share as 0.1") from None
