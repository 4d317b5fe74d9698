"""``python -m growlytics_pandas``: the commands for files, the demo, and the sandbox as a server."""

import argparse
import pkgutil
import sys
from typing import Final

from growlytics_pandas import demo
from growlytics_pandas._early_interrupt import INTERRUPTED, begin_main
from growlytics_pandas._text import message_style
from growlytics_pandas.cli import ledger_command
from growlytics_pandas.cli.flags import COMMAND_LINE
from growlytics_pandas.cli.parser import Parser, add_command
from growlytics_pandas.cli.pushing import PUSH, SEGMENT
from growlytics_pandas.cli.running import EXITS, SCRIPT, Exit, program, steady_streams
from growlytics_pandas.cli.schema_commands import SCHEMA, SUGGEST, VALIDATE
from growlytics_pandas.sandbox import command as sandbox

_DESCRIPTION: Final = "Push files of customers, run a demo, or run the sandbox as a server."


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = Parser(prog=program(), description=_DESCRIPTION, epilog=EXITS)
    version = pkgutil.resolve_name("growlytics_pandas:__version__")
    parser.add_argument("--version", action="version", version=f"{SCRIPT} {version}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for one in (SCHEMA, SUGGEST, VALIDATE, PUSH, SEGMENT):
        add_command(commands, one)
    for name, module, text in (
        ("demo", demo, "push made-up customers, some with errors, to a sandbox and show the outcome"),
        ("ledger", ledger_command, "show, back up or restore the ledger of earlier pushes"),
        ("sandbox", sandbox, "run a local server with the documented API until Ctrl-C"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        module.add_arguments(command)
        command.set_defaults(run=module.run, parser=command)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    try:
        begin_main()
        with steady_streams(), message_style(COMMAND_LINE):
            parser = make_parser()
            chosen = parser.parse_args(arguments)
            if chosen.command is None:
                parser.print_help(sys.stderr)
                return Exit.CALL
            return int(chosen.run(chosen))
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
