"""The committed notebooks run, each on a sandbox, and show the outputs that were committed."""

import ast
import inspect
import itertools
import os
import pathlib
import re
import shutil
import time

import nbformat
import pytest
from nbclient import NotebookClient

from growlytics_pandas.accessor import GrowlyticsAccessor

FOLDER = pathlib.Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MARKS = {"dask": [pytest.mark.dask]}  # of the tests that run a notebook
CELL_SECONDS = 60
MAX_BYTES = 130_000  # of one notebook, outputs included
SHOWN = {"execute_result", "display_data", "stream"}
VARYING = re.compile(r"[\d,.]+ (s|rows/s)\b")
IS_REWRITING = "REWRITE_NOTEBOOKS" in os.environ  # write the outputs of this run into the notebooks


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(cell):
    """Return what a cell shows, as text, without the times that it took. A kernel may print in one piece or several."""
    shown = [
        "".join(output.get("text") or output.data["text/plain"] for output in group)
        for _, group in itertools.groupby(cell.outputs, lambda output: output.output_type)
    ]
    return [VARYING.sub(r"… \1", text) for text in shown]


@pytest.fixture
def _private_jupyter(tmp_path, monkeypatch):
    """No setting or start-up file of the developer's, and none left behind."""
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name))


@pytest.mark.slow
@pytest.mark.usefixtures("_private_jupyter")
@pytest.mark.filterwarnings("default")  # of nbclient and its event loop; the kernel has filters of its own
@pytest.mark.parametrize("path", [pytest.param(p, id=p.stem, marks=MARKS.get(p.stem, ())) for p in NOTEBOOKS])
def test_runs_and_key_outputs_match(path, tmp_path):
    if path.stem == "dask":
        pytest.importorskip("dask.dataframe", reason="needs the extra `dask`")
        pytest.importorskip("distributed", reason="needs the extra `dask`")
    copy = shutil.copy(path, tmp_path)
    committed, run = read(path), read(copy)
    for cell in code_cells(run):
        cell.outputs, cell.execution_count = [], None
    started = time.monotonic()
    where = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(run, timeout=CELL_SECONDS, record_timing=False, resources=where).execute()
    assert time.monotonic() - started < CELL_SECONDS
    if IS_REWRITING:
        run.metadata = committed.metadata
        nbformat.write(run, path)
        return
    keys = [
        (old, new) for old, new in zip(committed.cells, run.cells, strict=True) if "key" in old.metadata.get("tags", [])
    ]
    assert keys
    for old, new in keys:
        assert texts(new) == texts(old), old.source


def test_there_is_a_notebook_for_each_task():
    assert [path.stem for path in NOTEBOOKS] == [
        "1-quickstart",
        "2-validation-report",
        "3-enrichment-upload",
        "4-segment-joiners-and-leavers",
        "5-after-a-crash",
        "6-keep-the-ledger",
        "7-a-messy-file",
        "dask",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_notebooks_are_clean(path):
    """Executed in order, small, and without paths of a machine."""
    notebook, text = read(path), path.read_text(encoding="utf-8")
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert {output.output_type for cell in cells for output in cell.outputs} <= SHOWN
    assert set(notebook.metadata) == {"kernelspec", "language_info"}, "no widget state"
    assert len(text) < MAX_BYTES
    assert not re.search(r"/(home|root|tmp|work|Users)/|[A-Z]:\\\\", text)
    assert "widget" not in text, "a code host shows the summary, not an empty widget"


def calls_of_the_accessor(text):
    """Return the calls of `….growlytics.…` in the inline code of Markdown."""
    pieces = [code for code in re.findall(r"`([^`\n]+)`", text) if ".growlytics." in code and "(" in code]
    nodes = [node for code in pieces for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    return [node for node in nodes if getattr(getattr(node.func, "value", None), "attr", "") == "growlytics"]


TEXTS = [
    *((path.name, cell.source) for path in NOTEBOOKS for cell in read(path).cells if cell.cell_type == "markdown"),
    ("README.md", (FOLDER.parent / "README.md").read_text(encoding="utf-8")),
]


def test_calls_in_the_text_are_valid():
    calls = [(name, call) for name, text in TEXTS for call in calls_of_the_accessor(text)]
    assert {name for name, _ in calls} >= {"1-quickstart.ipynb", "README.md"}
    for name, call in calls:
        shown = f"{name}: {ast.unparse(call)}"
        signature = inspect.signature(getattr(GrowlyticsAccessor, call.func.attr))
        signature.bind(None, *call.args, **{keyword.arg: keyword.value for keyword in call.keywords})
        assert all(isinstance(one, ast.Constant) or one.id == "id_col" for one in call.args), shown
