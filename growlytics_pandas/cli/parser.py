"""The argument parser and the options that the commands share.

The parser never prints a secret: no abbreviations, no values of unknown options in errors, no ``--key``.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NoReturn

from growlytics_pandas._masking import without_keys
from growlytics_pandas._text import plural
from growlytics_pandas.cli.flags import add_file, add_plan, add_sending, add_service
from growlytics_pandas.cli.output_files import add_output_file
from growlytics_pandas.cli.running import EXITS, Command, Exit

_KEY_OPTIONS: Final = ("--key", "--api-key", "--apikey", "--token")
_WHY_NO_KEY: Final = (
    "an API key cannot be an argument, since process lists and scheduler logs show arguments. Set GROWLYTICS_API_KEY, "
    "or use --key-file PATH. If that was a real key, replace it in the dashboard."
)
_OF_PYTHON: Final = {"plan": "validate", "push_segment": "segment", "push-segment": "segment"}
"""Names of Python calls → commands."""
_NEAR: Final = 0.8  # of difflib: a letter or two of a word differ


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
        commands = self._commands()
        if words and not words[0].startswith("-") and words[0] not in commands:
            self.error(_no_command(words[0], list(commands)))
        known, unknown = self.parse_known_args(words, namespace)
        if unknown:
            of_command: Parser = getattr(known, "parser", self)
            of_command.error(_not_understood(unknown, list(words), of_command, commands))
        return known

    def _commands(self) -> dict[str, Parser]:
        found = (action for action in self._actions if isinstance(action, argparse._SubParsersAction))
        return {name: command for action in found for name, command in action.choices.items()}


def _no_command(word: str, commands: list[str]) -> str:
    near = _OF_PYTHON.get(word) or next(iter(difflib.get_close_matches(word, commands, n=1, cutoff=_NEAR)), None)
    if near:
        return f"there is no command {word!r}. Did you mean {near}?"
    return f"there is no command {word!r}. The commands are: {', '.join(commands)}"


def _not_understood(unknown: list[str], words: list[str], command: Parser, commands: Mapping[str, Parser]) -> str:
    """Name what is unknown, and for the first option what may be meant: another command's option, or a near spelling.

    Values are not named, which may be secret.
    """
    names = [word.partition("=")[0] for word in unknown if word.startswith("-")]
    if not names:
        flags = {flag for flag, action in command._option_string_actions.items() if action.nargs == 0}
        before = next((flag for flag, word in pairwise(words) if word == unknown[0] and flag in flags), "")
        after = f" after {before}, which takes none" if before else ""
        return f"not understood: {plural(len(unknown), 'unexpected argument')}{after}"
    found = f"not understood: {', '.join(names)}"
    if others := [name for name, other in commands.items() if names[0] in other._option_string_actions]:
        return f"{found}. {names[0]} is an option of {_listed(others)}"
    near = _near_option(names[0], command)
    return f"{found}. Did you mean {near}?" if near else found


def _near_option(name: str, command: Parser) -> str | None:
    """Return the option of a command that is spelled almost as `name`, or the only one that begins with it."""
    options = {option.lstrip("-"): option for option in command._option_string_actions if option.startswith("--")}
    word = name.lstrip("-").lower().replace("_", "-")
    begins = [option for text, option in options.items() if text.startswith(word)]
    if len(begins) == 1 and len(word) > 1:
        return begins[0]
    return next((options[text] for text in difflib.get_close_matches(word, options, n=1, cutoff=_NEAR)), None)


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


READING: Final = """\
how a file is read:
  Reading never changes a value by guessing. The whole file is read into
  memory: a CSV of 1 GB needs about 4 GB with pyarrow and 7 GB without it; JSON
  lines of 1 GB need about 2 GB.
  csv, tsv  The id column, name, email and mobile are text. A column is read as
            numbers if all its values are numbers written in full (12, -3.50,
            1e-05); if any value has a leading zero or a plus (00123, +91…),
            the column stays text. true/false in any case is boolean. Dates
            stay text: --type "Last Order=date" reads ISO 8601, such as
            2025-01-31, and --date-format "Last Order=%d/%m/%Y" reads other
            formats (in a crontab, write \\% for %). A column whose type the
            ledger knows is read as that type. Only an empty cell is missing:
            NA, None and null are text, unless you give --na NA; white space
            around such a word is ignored. The encoding is UTF-8, or UTF-16
            with a byte order mark, unless you give --encoding. A line with too
            few or too many cells is an error. A first line such as sep=; names
            the separator. An apostrophe before =, +, -, @ or another
            apostrophe, which this package writes to prevent formulas, is
            removed.
  jsonl     One JSON object per line. Numbers, text and booleans keep their
            types; null is missing.
  parquet   Columns have the types of the schema and keep all digits; levels of
            a named index are columns too. Needs pyarrow.
  xlsx, xls, xlsb, ods  A sheet of a workbook (extra excel). Numbers keep all
            digits below 2^53; dates are dates; times and durations are text. A
            number that its format displays with leading zeros is read as that
            text (xlsx, xlsb). Cells with an error, and formulas that no
            spreadsheet program has calculated, are missing; a note counts them
            (xlsx, xlsb). The first row with cells is the heading.
  Gzip is detected. In violations and outcomes, `line` is the line of the file
  (the heading of a csv is line 1), the row of the sheet in a workbook, or the
  row from 0 in a Parquet file."""


def add_command(commands: Any, command: Command) -> None:
    """Add a command to the argument parser."""
    text = f"{READING}\n\n{EXITS}"
    parser = commands.add_parser(command.name, help=command.help, description=f"{command.help}.", epilog=text)
    add_file(parser)
    if command.add_more is not None:
        command.add_more(parser)
    add_plan(parser, command.plan_options)
    add_service(parser)
    if command.sends:
        add_sending(parser)
    _add_output(parser, command.files)
    required = (each for each in parser._actions if each.required and each.option_strings)
    flags = ["--id-col COLUMN", *(f"{each.option_strings[0]} {each.metavar}" for each in required)]
    parser.usage = f"%(prog)s FILE {' '.join(flags)} [options]"  # a list of all options is 30 lines long
    parser.set_defaults(run=command.run, parser=parser)


_QUIET_TABLE: Final = "print only the table"
_QUIET: Final = (
    "print nothing on success; otherwise one line, the errors that stop it, and in any case a warning of new types "
    "that look wrong"
)


def _add_output(parser: argparse.ArgumentParser, files: tuple[str, ...]) -> None:
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print one JSON object, and nothing else, to stdout")
    group.add_argument("--quiet", action="store_true", help=_QUIET if files else _QUIET_TABLE)
    for name in files:
        add_output_file(group, name)
