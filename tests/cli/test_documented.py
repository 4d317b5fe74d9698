"""Every option of a push has a flag, and --help is the reference of the command line."""

import argparse
import inspect

import growlytics_pandas
from growlytics_pandas.__main__ import make_parser

COMMANDS = ("schema", "suggest", "validate", "push")
# The client, whose own arguments are options, and arguments that make no sense for a file.
NOT_AN_OPTION = {"df", "client", "progress"}
OTHER_NAMES = {"columns": "--column", "types": "--type", "na_values": "--na", "verify": "--ca-bundle"}


def actions(name):
    (commands,) = [action for action in make_parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return [a for a in commands.choices[name]._actions if a.dest != "help" and a.help != argparse.SUPPRESS]


def test_every_option_is_there_with_its_default():
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


def test_statuses_are_in_the_first_help_and_lines_fit_a_terminal(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert "exit status:" in command("--help").out
    for name in COMMANDS:
        first, *others = command(name, "--help").out.splitlines()
        assert first.endswith(f" {name} FILE --id-col COLUMN [options]")
        assert [line for line in others if len(line) > 80] == []
    assert "--id-col COLUMN --attribute NAME --members PATH [options]" in command("segment", "--help").out


def test_help_lists_statuses_and_file_formats(command):
    done = command("push", "--help")
    assert done.status == 0
    for words in ("how a file is read", "exit status", "130", "--na NA", "GROWLYTICS_API_KEY"):
        assert words in done.out
