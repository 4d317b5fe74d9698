"""marimo notebooks: a push shows its progress as the cell's output, and the form raises an error that names Jupyter."""

import subprocess
import sys

import pytest

pytest.importorskip("marimo", reason="needs the dependency group `outside`")
pytestmark = pytest.mark.outside

NOTEBOOK = """
import marimo
app = marimo.App()

@app.cell
def one():
    import growlytics_pandas as gp
    box = gp.Sandbox().start()
    df = gp.sample_customers(40)
    result = df.growlytics.push("customer_id", client=box.client)
    box.stop()
    return df,

@app.cell
def two(df):
    try:
        df.growlytics.form()
    except Exception as error:
        words = str(error)
    words
    return
"""


def test_marimo_shows_progress_but_no_form(tmp_path):
    (tmp_path / "notebook.py").write_text(NOTEBOOK)
    command = [sys.executable, "-m", "marimo", "export", "html", "notebook.py", "-o", "page.html", "--no-sandbox"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Push finished" in page
    assert "form: it needs Jupyter" in page
