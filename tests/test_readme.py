"""README cannot rot: its Python runs, its tables are those of the package, its commands are the ones CI runs."""

import inspect
import pathlib
import re
import runpy
import tomllib

import pytest

import growlytics_pandas
from growlytics_pandas import errors
from growlytics_pandas.outcomes import MEANINGS
from growlytics_pandas.rules import RULES
from growlytics_pandas.type_table import TYPE_TABLE

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PACKAGE = ROOT / "growlytics_pandas"
FOLDERS = "tests|notebooks|growlytics_pandas" + (r"|\.ci" if (ROOT / ".ci").exists() else "")  # an sdist has no .ci
MAX_PICTURE_BYTES = 80_000


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


def section(title):
    return README.split(f"# {title}\n")[1].split("\n##")[0]


def test_the_options_of_push_are_all_in_readme():
    options = section("Options of push")
    for option in list(inspect.signature(growlytics_pandas.push).parameters)[2:]:
        assert f"`{option}`" in options, option


def test_the_assumptions_that_ask_the_service_are_all_named():
    assumptions = section("Assumptions")
    live = (ROOT / "tests" / "test_live_contract.py").read_text()
    asked = re.findall(r"^def (test_\w+)", live, re.MULTILINE)
    assert set(re.findall(r"\*\*`(test_\w+)`\*\*", assumptions)) == set(asked)


def test_readme_says_how_many_requests_a_live_run_sends():
    live = (ROOT / "tests" / "test_live_contract.py").read_text()
    marks = [int(n) for n in re.findall(r"@pytest.mark.asks\((\d+)\)", live)]
    first = 1  # that of the fixture `first_answer`
    assert f"sends {sum(marks) + first} requests" in README


def test_every_test_that_readme_names_exists():
    everywhere = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", README))
    assert named
    assert named <= set(re.findall(r"^\s*def (test_\w+)", everywhere, re.MULTILINE))


def test_every_path_that_readme_names_exists():
    prose = re.sub(r"https?://\S+", "", README)
    paths = set(re.findall(rf"(?<![\w/.-])(?:{FOLDERS})/[\w./-]*\w", prose)) - {"tests/benchmarks/NAME.py"}
    assert len(paths) > 20
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []
    files = set(re.findall(r"`([\w*]+\.py)`", prose))
    assert files
    assert [name for name in sorted(files) if not list(PACKAGE.glob(name))] == []


def test_every_link_within_readme_leads_to_a_heading():
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", README, flags=re.DOTALL), re.MULTILINE)
    anchors = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert len(set(anchors)) == len(anchors)
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= set(anchors)


def test_the_picture_is_there_small_and_told_in_words():
    """GitHub takes the first address, which is that of the clone; the package index has only the second."""
    here, there, words = re.search(r'srcset="([^"]+)">\s*<img src="([^"]+)".* alt="([^"]+)"', README).groups()
    assert there.endswith(f"/main/{here}")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Documentation"]
    assert there.split("/")[3:5] == project.partition("#")[0].split("/")[3:5]
    assert 0 < (ROOT / here).stat().st_size < MAX_PICTURE_BYTES
    assert "Stop button" in words


def test_the_map_names_every_module_once_and_imports_go_to_its_own_row_or_one_above():
    allowed = runpy.run_path(ROOT / "tests" / "test_architecture.py")["ALLOWED"]
    rows = [re.findall(r"`(\w+/?)`", modules) for modules, _ in table("module map")]
    place = {name.rstrip("/"): number for number, names in enumerate(rows) for name in names}
    assert sorted(name.rstrip("/") for names in rows for name in names) == sorted(allowed)
    assert all((PACKAGE / name).is_dir() == name.endswith("/") for names in rows for name in names)
    upward = [(name, of) for name, needs in allowed.items() for of in needs.split() if place[of] > place[name]]
    assert upward == []


def test_every_error_is_in_the_table_with_its_remedy():
    classes = {name: one for name, one in vars(errors).items() if isinstance(one, type)}
    last = {name for name, one in classes.items() if issubclass(one, BaseException) and not one.__subclasses__()}
    rows = table("error table")
    assert {name.strip("`") for name, _, _ in rows} == last | {"UsageError"}  # raised itself, too
    assert all(meaning and remedy for _, meaning, remedy in rows)


def test_every_mark_in_a_command_is_one_that_pytest_knows():
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["markers"]
    used = re.findall(r"pytest (?:-\S+ )*-m (\w+|\"[^\"]+\")", README)
    assert used
    assert {mark for marks in used for mark in re.findall(r"\w+", marks)} <= {
        "not",
        "and",
        *(line.partition(":")[0] for line in known),
    }
