"""README cannot rot: its Python runs, its tables are those of the package, its commands are the ones CI runs."""

import inspect
import pathlib
import re

import pytest

import growlytics_pandas
from growlytics_pandas.outcomes import MEANINGS
from growlytics_pandas.rules import RULES
from growlytics_pandas.type_table import TYPE_TABLE

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def table(marker):
    """The rows of the table behind a marker, each as its cells."""
    behind = README.split(f"<!-- {marker} -->\n\n")[1].split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in behind.splitlines()[2:]]


def test_every_python_block_runs_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    try:
        for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
            exec(compile(block, "README.md", "exec"), names)
    finally:
        names["sandbox"].stop()


def test_the_rule_table_is_that_of_the_package():
    expected = [[f"`{rule}`", str(facts.severity), str(facts.effect), facts.meaning] for rule, facts in RULES.items()]
    assert table("rule table") == expected


def test_the_status_table_is_that_of_the_package():
    assert table("status table") == [[f"`{status}`", meaning] for status, meaning in MEANINGS.items()]


def test_the_type_table_is_that_of_the_package():
    expected = [
        [row.holds, ", ".join(f"`{dtype}`" for dtype in row.dtypes), f"`{row.type}`" if row.type else "–", row.sent]
        for row in TYPE_TABLE
    ]
    assert table("type table") == expected


@pytest.mark.parametrize("word", ["plan", "schema", "validate", "preview", "push"])
def test_every_door_is_in_readme(word):
    assert f"df.growlytics.{word}(" in README


def test_the_options_of_push_are_all_in_readme():
    section = README.split("## Options of push")[1].split("\n## ")[0]
    for option in list(inspect.signature(growlytics_pandas.push).parameters)[2:]:
        assert f"`{option}`" in section, option


def test_every_test_that_an_assumption_names_exists_and_every_contract_test_is_named():
    section = README.split("## Assumptions")[1].split("\n## ")[0]
    live = (ROOT / "tests" / "test_live_contract.py").read_text()
    everywhere = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert set(re.findall(r"`(test_\w+)`", section)) <= set(re.findall(r"^def (test_\w+)", everywhere, re.MULTILINE))
    asked = re.findall(r"^def (test_\w+)", live, re.MULTILINE)
    assert set(re.findall(r"\*\*`(test_\w+)`\*\*", section)) == set(asked)


def test_readme_says_how_many_requests_a_live_run_sends():
    live = (ROOT / "tests" / "test_live_contract.py").read_text()
    marks = [int(n) for n in re.findall(r"@pytest.mark.asks\((\d+)\)", live)]
    first = 1  # that of the fixture `first_answer`
    assert f"sends {sum(marks) + first} requests" in README
