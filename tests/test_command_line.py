import subprocess
import sys

import pytest

import growlytics_pandas
from growlytics_pandas.__main__ import main


def run(*arguments):
    command = [sys.executable, "-m", "growlytics_pandas", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_demo_runs_every_step():
    done = run("demo", "--rows", "150")
    assert done.returncode == 0, done.stderr
    for shown in (
        "schema",
        "validate",
        "id_duplicate",
        "147 accepted, 3 invalid",
        "what the sandbox stored",
        "ignored 0",
    ):
        assert shown in done.stdout, shown
    assert "150/150" in done.stderr, "a progress bar"


def test_demo_with_too_few_rows(capsys):
    assert main(["demo", "--rows", "5"]) == 2
    assert "100 or more" in capsys.readouterr().err


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert (end.value.code, capsys.readouterr().out) == (0, f"growlytics-pandas {growlytics_pandas.__version__}\n")


@pytest.mark.parametrize(
    ("script", "shown"),
    [
        ("/usr/bin/growlytics-pandas", "growlytics-pandas"),
        ("growlytics-pandas.exe", "growlytics-pandas"),
        ("/lib/growlytics_pandas/__main__.py", "python -m growlytics_pandas"),
    ],
)
def test_help_shows_the_command_as_called(capsys, monkeypatch, script, shown):
    monkeypatch.setattr(sys, "argv", [script])
    with pytest.raises(SystemExit):
        main(["push", "--help"])
    assert capsys.readouterr().out.startswith(f"usage: {shown} push FILE ")
    with pytest.raises(SystemExit):
        main(["push"])
    assert capsys.readouterr().err.endswith(f"See {shown} push --help.\n")


def test_no_command_lists_the_commands(capsys):
    assert main([]) == 2
    printed = capsys.readouterr().err
    assert "demo" in printed
    assert "sandbox" in printed
