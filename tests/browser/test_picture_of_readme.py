"""The picture in README is a real push. `PANEL_PNG=notebooks/panel.png pytest -m browser <this file>` updates it."""

import os
import pathlib
import re
import struct

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FAILURES = re.compile(r"Last failures(.*rows? [\d, ]+ failed: HTTP){2}", re.DOTALL)
WIDTH, MAX_BYTES = 1000, 80_000
BEGIN = """
import growlytics_pandas
from growlytics_pandas.sandbox import Faults

bad_days = Faults(latency=0.05, status={503: 0.02, 422: 0.0004}, success_false=0.0004, seed=7)
sandbox = growlytics_pandas.Sandbox(faults=bad_days).start()
df = growlytics_pandas.sample_customers(20_000)
"""
PUSH = 'result = df.growlytics.push(id_col="customer_id", client=sandbox.client)'
HIDE_THE_FIRST_CELL = """() => {
    document.querySelector('.jp-CodeCell').style.display = 'none';
}"""


def test_running_push_shows_counts_and_stop(notebook, tmp_path):
    nb = notebook(BEGIN, PUSH, name="customers", width=WIDTH, height=400)
    nb.command("application:toggle-left-area")
    nb.run(0)
    nb.page.evaluate(HIDE_THE_FIRST_CELL)
    nb.start(1)
    nb.wait_for_movement(1)
    expect(nb.output(1)).to_contain_text(FAILURES, timeout=20_000)
    expect(nb.stop_button(1)).to_be_visible()
    picture = pathlib.Path(os.environ.get("PANEL_PNG", tmp_path / "panel.png"))
    nb.page.screenshot(path=picture)
    width, _ = struct.unpack(">II", picture.read_bytes()[16:24])
    assert width == WIDTH
    assert picture.stat().st_size < MAX_BYTES
    nb.stop_button(1).click()
    nb.wait(1)
