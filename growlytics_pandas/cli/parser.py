"""argparse that repeats no secret: no abbreviations, no values of unknown options in errors, no ``--key``."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from growlytics_pandas._text import without_keys
from growlytics_pandas.cli.exits import Exit

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
