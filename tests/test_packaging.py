"""What is published: the wheel and the sdist hold what they should and nothing else, and work where they are installed."""

import email.parser
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile

import pytest
from packaging.requirements import Requirement
from readme_renderer import markdown

import growlytics_pandas

ROOT = pathlib.Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
VERSION = growlytics_pandas.__version__
NAME = f"growlytics_pandas-{VERSION}"
KINDS = {".py", ".typed", ".jinja", ".css", ".js"}  # of files in the package
NOT_OURS = shutil.ignore_patterns("venv", "dist", "build", "__pycache__", ".venv*", ".git", ".*_cache", ".hypothesis")
JUNK = (
    "box.db",
    "ledger.sqlite3",
    ".coverage",
    "dist/old.whl",
    "growlytics_pandas/__pycache__/api.cpython-311.pyc",
    "notebooks/.ipynb_checkpoints/1-quickstart.ipynb",
    "tests/.hypothesis/examples/1",
)
RUN_COMMAND = """
import pathlib, subprocess, sys
subprocess.run([pathlib.Path(sys.executable).with_name("growlytics-pandas"), "--help"], check=True)
"""

pytestmark = pytest.mark.slow


def build(source, out, *options):
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", out, *options, source], check=True, capture_output=True, text=True
    )


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """The repository as a clone would have it."""
    return shutil.copytree(ROOT, tmp_path_factory.mktemp("clone") / "clean", ignore=NOT_OURS)


@pytest.fixture(scope="module")
def built(clean, tmp_path_factory):
    """The sdist, and the wheel made from it, of a clone in which somebody has worked."""
    used = shutil.copytree(clean, clean.parent / "used")
    for name in JUNK:
        (used / name).parent.mkdir(parents=True, exist_ok=True)
        (used / name).write_bytes(b"junk")
    out = tmp_path_factory.mktemp("dist")
    build(used, out)
    return out


@pytest.fixture(scope="module")
def wheel(built):
    [path] = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"{NAME}.dist-info/METADATA").decode()
    return email.parser.Parser().parsestr(text)


def test_wheel_contents(wheel, clean):
    """The package, its licence and its metadata, and nothing else."""
    package = {f"growlytics_pandas/{name}" for name in files(clean / "growlytics_pandas")}
    names = ["METADATA", "WHEEL", "RECORD", "licenses/LICENSE"] + ["entry_points.txt"] * (
        "scripts" in PROJECT["project"]
    )
    about = {f"{NAME}.dist-info/{name}" for name in names}
    with zipfile.ZipFile(wheel) as archive:
        assert sorted(archive.namelist()) == sorted(package | about)
    assert wheel.name == f"{NAME}-py3-none-any.whl"
    assert {"growlytics_pandas/py.typed", "growlytics_pandas/views/templates/report.html.jinja"} <= package
    assert {pathlib.PurePath(name).suffix for name in package} <= KINDS


def test_sdist_matches_pyproject(built, clean):
    roots = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    declared = {name for name in files(clean) if any(name == root or name.startswith(f"{root}/") for root in roots)}
    always = {"pyproject.toml", "PKG-INFO", ".gitignore"}  # what building from it needs
    with tarfile.open(built / f"{NAME}.tar.gz") as archive:
        held = [member.name.removeprefix(f"{NAME}/") for member in archive.getmembers() if member.isfile()]
    assert sorted(held) == sorted(declared | always)


def test_wheel_is_reproducible(wheel, clean, tmp_path):
    """Wheels from the sdist and from a clone are equal, byte for byte."""
    build(clean, tmp_path, "--wheel")
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_metadata_match_pyproject(metadata):
    project = PROJECT["project"]
    assert (metadata["Name"], metadata["Version"]) == ("growlytics-pandas", VERSION)
    assert metadata["Requires-Python"] == project["requires-python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    assert metadata.get_all("Classifier") == sorted(project["classifiers"])
    assert set(metadata.get_all("Provides-Extra")) == set(project["optional-dependencies"])
    needs = {Requirement(line) for line in metadata.get_all("Requires-Dist")}
    assert {(n.name.lower(), n.specifier) for n in needs if n.marker is None} == {
        (n.name.lower(), n.specifier) for n in map(Requirement, project["dependencies"])
    }


def test_long_description_renders(metadata):
    readme = (ROOT / "README.md").read_text()
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload() == readme
    page = markdown.render(readme)
    assert page.count("<table>") == len(re.findall(r"^\|[ :|-]+\|$", readme, re.MULTILINE)) > 0
    assert re.findall(r'(?:href|src)="(?!https://|#)', page) == []


def install(python, what):
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-compile"]
    subprocess.run([*pip, what], check=True, capture_output=True, text=True)


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A Python with the wheel and nothing else, somewhere else: how to run it, and how to add extras."""
    home = tmp_path_factory.mktemp("elsewhere")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home / "venv"], check=True)
    python = next(itertools.chain(home.glob("venv/bin/python"), home.glob("venv/Scripts/python.exe")))
    settings = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def run(*arguments):
        finished = subprocess.run(
            [python, *arguments], cwd=home, env=settings, capture_output=True, text=True, check=False
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    install(python, wheel)
    return run, lambda extras: install(python, f"{wheel}{extras}")


def test_wheel_without_extras(installed):
    """It plans, and the error of the sandbox names the extra that it needs."""
    script = """
import pandas as pd, growlytics_pandas as gp
df = pd.DataFrame({"id": ["c1"], "City": ["Pune"]})
print(gp.__file__)
print(df.growlytics.push("id", dry_run=True, progress=False).counts["unsent"])
df.growlytics.plan("id").to_html("plan.html")
try:
    gp.Sandbox().start()
except gp.errors.MissingDependencyError as error:
    print(error)
"""
    run, _ = installed
    place, unsent, words = run("-c", script).splitlines()
    assert "site-packages" in place
    assert unsent == "1"
    assert 'pip install "PATH[sandbox]"' in words


def test_readme_command_works_from_the_wheel(installed):
    run, add = installed
    assert '".[fast,sandbox]" && venv/bin/python -m growlytics_pandas demo' in (ROOT / "README.md").read_text()
    add("[fast,sandbox]")
    assert "it silently ignored 0 values" in run("-m", "growlytics_pandas", "demo")
    assert "demo" in run("-c", RUN_COMMAND)
