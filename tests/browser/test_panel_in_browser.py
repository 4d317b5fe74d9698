import json
import re

import pytest
from playwright.sync_api import expect
from support.hostile import BAD_SERVER, FOREIGN_ELEMENTS, assert_harmless

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BEGIN = """
import pandas as pd
import growlytics_pandas as gp
from growlytics_pandas.sandbox import Faults

def begin(rows, **faults):
    global box, df
    box = gp.Sandbox(faults=Faults(**faults)).start()
    df = pd.DataFrame({"id": [f"asha.{i}@example.com" for i in range(rows)], "Score": range(rows)})
"""
PUSH = "result = df.growlytics.push('id', client=box.client)"
SHOW_RESULT = """
result = gp.last_result()
box_rows = len(box.stored())
print("sum", sum(result.counts.values()), "same", result.counts["accepted"] == box_rows, "ended", result.run.ended)
"""


@pytest.mark.parametrize("kernel", ["newest", "7.3.0"])
def test_stop_click_leaves_an_outcome_per_row(notebook, kernel):
    nb = notebook(BEGIN + "begin(20_000, latency=0.1)", PUSH, SHOW_RESULT, kernel=kernel)
    nb.run(0)
    nb.start(1)
    nb.wait_for_movement(1)
    nb.stop_button(1).click(timeout=5_000)
    nb.wait(1, seconds=5)
    expect(nb.output(1)).to_contain_text("Push stopped")
    expect(nb.output(1)).to_contain_text(re.compile(r"PushInterrupted: .*accepted.*unsent"))
    expect(nb.output(1)).not_to_contain_text("Traceback")
    expect(nb.stop_button(1)).to_have_count(0)
    nb.run(2)
    expect(nb.output(2)).to_contain_text("sum 20000 same True ended interrupted")


def test_dead_clicks_show_how_to_interrupt(notebook):
    nb = notebook(BEGIN + "begin(20_000, latency=0.1)", PUSH, SHOW_RESULT, kernel="6.31.0")
    nb.run(0)
    nb.start(1)
    nb.wait_for_movement(1)
    expect(nb.output(1)).to_contain_text("interrupt the kernel", timeout=5_000)
    nb.wait_for_movement(1)
    expect(nb.stop_button(1)).to_have_count(0)
    nb.interrupt()
    nb.wait(1, seconds=8)
    expect(nb.output(1)).to_contain_text("Push stopped")
    expect(nb.output(1)).not_to_contain_text("Traceback")
    nb.run(2)
    expect(nb.output(2)).to_contain_text("sum 20000 same True ended interrupted")


def test_saved_notebook_is_readable(notebook):
    nb = notebook(BEGIN + "begin(60, latency=0.02, success_false=0.1, seed=2)", PUSH)
    nb.run(0)
    nb.run(1)
    expect(nb.output(1)).to_contain_text("need attention")
    saved = nb.save()
    (panel,) = saved["cells"][1]["outputs"]
    assert set(panel["data"]) == {"text/html", "text/plain"}, "static: no widget whose state is gone"
    assert "asha." not in json.dumps(saved["cells"][1]["outputs"]), "rows and the server's words, no customers"
    assert "widgets" not in saved["metadata"]
    saved["cells"].insert(0, {"cell_type": "markdown", "id": "strange", "metadata": {}, "source": "from someone else"})
    strange = nb.path.with_name("strange.ipynb")
    strange.write_text(json.dumps(saved))
    for path in (nb.path, strange):  # one trusted, one whose styles and scripts are stripped
        nb.page.goto(f"{nb.url}/lab/tree/{path.name}?reset")
        output = nb.output(1)
        expect(output).to_contain_text("Push finished", timeout=15_000)
        expect(output).to_contain_text(re.compile(r"rows? [\d, ]+ failed: HTTP 200: sandbox fault"))
        expect(output).not_to_contain_text("Error displaying widget")
    nb.path = strange


HOSTILE_FRAME = """
df = pd.DataFrame({EVIL: [f"{EVIL}{i}" for i in range(40)], LONG: range(40), "x" + EVIL[:40]: "v"})
"""


def test_hostile_text_is_inert_in_the_panel(notebook):
    nb = notebook(
        BEGIN + BAD_SERVER + HOSTILE_FRAME,
        "import warnings; warnings.simplefilter('ignore')\n"
        "result = df.growlytics.push(EVIL, errors='drop', client=client, max_rate=20)",
        "df.growlytics.push(EVIL, errors='drop', client=client, max_failures=3)",
        width=1000,
    )
    nb.run(0)
    nb.start(1)
    expect(nb.output(1)).to_contain_text("Last failures", timeout=10_000)
    check_harmless(nb, nb.output(1))
    nb.wait(1)
    expect(nb.output(1)).to_contain_text("<script>window.XSS")
    check_harmless(nb, nb.output(1))
    nb.start(2)
    expect(nb.output(2)).to_contain_text("Push stopped early", timeout=15_000)
    check_harmless(nb, nb.output(2).locator(".jp-RenderedHTML").first)


def check_harmless(nb, output):
    assert_harmless(output, nb.dialogs, max_height=600, elements=f"{FOREIGN_ELEMENTS}, table")
    assert output.bounding_box()["width"] <= nb.cell(1).bounding_box()["width"]
