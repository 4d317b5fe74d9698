"""README's Python code runs, its links resolve, and its commands are the ones that CI runs."""

import inspect
import pathlib
import re
import tomllib

import pytest

import growlytics_pandas
from growlytics_pandas import errors

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PACKAGE = ROOT / "growlytics_pandas"
DOCS = [
    path
    for name in ("README.md", "tests/README.md", "tests/benchmarks/README.md", "notebooks/README.md", ".github/*.md")
    for path in sorted(ROOT.glob(name))
]
HERE = "https://github.com/growlytics/growlytics_pandas/blob/main/"
MAX_PICTURE_BYTES = 80_000
MAX_LINES = 250


def text_of(name):
    return (ROOT / name).read_text()


def test_every_python_block_runs_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    try:
        for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
            exec(compile(block, "README.md", "exec"), names)
    finally:
        names["sandbox"].stop()


def test_readme_is_a_front_page():
    assert len(README.splitlines()) < MAX_LINES


@pytest.mark.parametrize("verb", ["suggest", "plan", "schema", "validate", "preview", "push"])
def test_every_verb_is_in_readme(verb):
    assert f"df.growlytics.{verb}(" in README


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_that_a_doc_names_exists(path):
    prose = re.sub(r"https?://\S+", "", path.read_text())
    paths = set(re.findall(r"(?<![\w/.-])(?:tests|notebooks|growlytics_pandas|\.ci|\.github)/[\w./-]*\w", prose))
    missing = [name for name in sorted(paths) if not (ROOT / name).exists()]
    if not (ROOT / ".ci").exists():  # an sdist has neither
        missing = [name for name in missing if not name.startswith((".ci", ".github"))]
    assert missing in ([], ["tests/benchmarks/NAME.py"])


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_or_headings(path):
    text = path.read_text()
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for link in links:
        if link.startswith("#"):
            assert link[1:] in anchors, link
        elif link.startswith(HERE):
            file = link.removeprefix(HERE)
            assert (ROOT / file).exists() or (file.startswith(".") and not (ROOT / ".ci").exists()), link
        else:
            assert link.startswith("https://"), link


def test_picture_exists_and_has_alt_text():
    """The first address is that of a clone; the package index has only the second."""
    here, there, words = re.search(r'srcset="([^"]+)">\s*<img src="([^"]+)".* alt="([^"]+)"', README).groups()
    assert there.endswith(f"/main/{here}")
    assert 0 < (ROOT / here).stat().st_size < MAX_PICTURE_BYTES
    assert "Stop button" in words


def test_plan_explains_every_option():
    doc = inspect.getdoc(growlytics_pandas.push)
    for option in list(inspect.signature(growlytics_pandas.push).parameters)[1:]:
        assert re.search(rf"^(\w+, )*{option}(, \w+)* : ", doc, re.MULTILINE), option


def test_errors_are_documented():
    classes = {
        name: one for name, one in vars(errors).items() if isinstance(one, type) and one.__module__.endswith("errors")
    }
    assert all(inspect.getdoc(one) for one in classes.values())
    assert all(name in errors.__doc__ for name in classes)


def test_live_tests_are_all_in_the_table():
    assumptions = text_of("tests/README.md")
    live = text_of("tests/test_live_contract.py")
    asked = re.findall(r"^def (test_\w+)", live, re.MULTILINE)
    assert set(re.findall(r"\*\*`(test_\w+)`\*\*", assumptions)) == set(asked)


def test_docs_state_the_live_requests():
    marks = [int(n) for n in re.findall(r"@pytest.mark.asks\((\d+)\)", text_of("tests/test_live_contract.py"))]
    first = 1  # that of the fixture `first_answer`
    assert f"sends {sum(marks) + first} requests" in text_of("tests/README.md")


def test_tests_named_in_docs_exist():
    everywhere = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", text_of("tests/README.md")))
    assert named
    assert named <= set(re.findall(r"^\s*def (test_\w+)", everywhere, re.MULTILINE))


def test_guides_index_lists_every_notebook():
    index = text_of("notebooks/README.md")
    assert [path.name for path in (ROOT / "notebooks").glob("*.ipynb") if f"`{path.name}`" not in index] == []


@pytest.mark.skipif(not (ROOT / ".github").exists(), reason="an sdist has no .github")
def test_the_map_of_modules_names_each_once():
    behind = text_of(".github/CONTRIBUTING.md").split("<!-- module map -->\n\n")[1].split("\n\n")[0]
    named = [
        name.rstrip("/") for line in behind.splitlines()[2:] for name in re.findall(r"`(\w+/?)`", line.split("|")[2])
    ]
    there = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in PACKAGE.rglob("*.py")}
    assert sorted(named) == sorted(there)


@pytest.mark.skipif(not (ROOT / ".github").exists(), reason="an sdist has no .github")
def test_marks_in_commands_exist():
    known = tomllib.loads(text_of("pyproject.toml"))["tool"]["pytest"]["ini_options"]["markers"]
    used = re.findall(r"pytest (?:-\S+ )*-m (\w+|\"[^\"]+\")", text_of(".github/CONTRIBUTING.md"))
    assert used
    marks = {mark for words in used for mark in re.findall(r"\w+", words)}
    assert marks <= {"not", "and", *(line.partition(":")[0] for line in known)}


@pytest.mark.skipif(not (ROOT / ".github").exists(), reason="an sdist has neither .github nor .ci")
def test_extras_in_commands_exist():
    project = tomllib.loads(text_of("pyproject.toml"))
    commands = "\n".join(map(text_of, ("README.md", ".github/CONTRIBUTING.md", ".ci/run")))
    extras = {name for names in re.findall(r'"(?:\.|\$\(.*\))\[([\w,]+)\]"', commands) for name in names.split(",")}
    assert extras >= {"fast", "test"}
    assert extras <= set(project["project"]["optional-dependencies"])
    assert set(re.findall(r"--group (\w+)", commands)) == set(project["dependency-groups"])
