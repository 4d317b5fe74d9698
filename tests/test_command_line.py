import subprocess
import sys

from growlytics_pandas.__main__ import main


def run(*arguments):
    command = [sys.executable, "-m", "growlytics_pandas", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_demo_shows_each_step_and_ends_well():
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


def test_a_demo_of_too_few_rows_says_how_many_it_needs(capsys):
    assert main(["demo", "--rows", "5"]) == 2
    assert "100 or more" in capsys.readouterr().err


def test_without_a_command_the_commands_are_listed(capsys):
    assert main([]) == 2
    said = capsys.readouterr().err
    assert "demo" in said
    assert "sandbox" in said
