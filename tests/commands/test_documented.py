"""README's tables are those of the parser, and no option of a push is out of a scheduler's reach."""

import argparse
import inspect
import pathlib

import growlytics_pandas
from growlytics_pandas.__main__ import make_parser
from growlytics_pandas.commands.exits import MEANINGS
from growlytics_pandas.commands.summary import KEYS

README = (pathlib.Path(__file__).parents[2] / "README.md").read_text()
COMMANDS = ("schema", "suggest", "validate", "push")
# What a file has no use for, and the client, whose own arguments are options.
NOT_AN_OPTION = {"df", "client", "progress"}
OTHER_NAMES = {"columns": "--column", "na_values": "--na", "verify": "--ca-bundle"}


def table(marker):
    behind = README.split(f"<!-- {marker} -->\n\n")[1].split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in behind.splitlines()[2:]]


def actions(name):
    (commands,) = [action for action in make_parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return [a for a in commands.choices[name]._actions if a.dest != "help" and a.help != argparse.SUPPRESS]


def test_the_table_of_options_is_that_of_the_parser():
    found = {}
    for name in COMMANDS:
        for action in actions(name):
            words = [action.option_strings[0], action.metavar or ""] if action.option_strings else ["FILE"]
            shown = action.help.replace("%%", "%")  # as --help prints it
            found.setdefault((f"`{' '.join(words).strip()}`", shown), []).append(name)
    expected = [
        [option, "all" if len(names) == len(COMMANDS) else ", ".join(names), text]
        for (option, text), names in found.items()
    ]
    assert table("command table") == expected


def test_the_tables_of_statuses_and_keys_are_those_of_the_package():
    assert table("exit table") == [[str(status.value), words] for status, words in MEANINGS.items()]
    assert table("key table") == [[f"`{key}`", words] for key, words in KEYS.items()]


def test_every_option_of_push_and_of_the_client_is_there_with_its_default():
    options = {action.option_strings[0]: action for action in actions("push") if action.option_strings}
    parameters = dict(inspect.signature(growlytics_pandas.push).parameters)
    parameters |= dict(inspect.signature(growlytics_pandas.Client).parameters)
    for name, parameter in parameters.items():
        if name in NOT_AN_OPTION | {"api_key", "session"}:
            continue
        option = options[OTHER_NAMES.get(name, f"--{name.replace('_', '-')}")]
        if parameter.default not in (inspect.Parameter.empty, None, False, True):
            shown = f"(default: {parameter.default:.0f})" if isinstance(parameter.default, float) else parameter.default
            assert option.default == parameter.default or str(shown) in option.help, name


def test_help_tells_the_statuses_and_how_files_are_read(command):
    done = command("push", "--help")
    assert done.status == 0
    for words in ("how a file is read", "exit status", "130", "--na NA", "GROWLYTICS_API_KEY"):
        assert words in done.out
