"""The form in a real JupyterLab: real clicks and keys, hostile text, and a push that can be stopped."""

import contextlib
import json
import re
import subprocess
import sys

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
    df = pd.DataFrame({"id": [f"asha.{i}@example.com" for i in range(rows)], "City": "Pune", "Score": range(rows)})
"""
OPEN = "form = df.growlytics.form(client=box.client)\nform"


def field(nb, role, **options):
    return nb.output(1).get_by_role(role, **options)


def test_choose_check_push_by_mouse_and_keys(notebook):
    nb = notebook(BEGIN + "begin(50)", OPEN, "print(sorted(box.stored()['asha.7@example.com'].items()))")
    nb.run(0)
    nb.run(1)
    output = nb.output(1)
    expect(output).to_contain_text("df.growlytics.push('id', client=box.client)", timeout=15_000)
    expect(output).not_to_contain_text("asha.")
    name = field(nb, "textbox", name="Attribute name of City")
    name.fill("Town")
    name.press("Enter")
    expect(output.locator("pre:visible")).to_contain_text("rename={'City': 'Town'}")
    field(nb, "combobox", name="Read Score as").select_option("boolean")
    expect(output).to_contain_text("value_wrong_type")
    expect(field(nb, "button", name="Push")).to_be_disabled()
    field(nb, "combobox", name="Read Score as").select_option("string")
    field(nb, "button", name="Push 50 rows").click()
    expect(output).to_contain_text("All 50 rows arrived")
    nb.run(2)
    expect(nb.output(2)).to_contain_text("[('Score', '7'), ('Town', 'Pune')]")


def test_a_segment_is_chosen_and_pushed(notebook, tmp_path):
    nb = notebook(BEGIN + "begin(50)", OPEN, "print(box.stored()['asha.7@example.com']['Is VIP'])")
    nb.run(0)
    nb.run(1)
    field(nb, "checkbox", name="Push a segment").check(timeout=15_000)
    expect(field(nb, "textbox", name="Attribute name of City")).to_be_hidden()
    for title, text in (("Attribute", "Is VIP"), ("Members file", str(tmp_path / "vip.csv"))):
        field(nb, "textbox", name=title).fill(text)
        field(nb, "textbox", name=title).press("Enter")
    expect(nb.output(1).locator("pre:visible")).to_contain_text("df.growlytics.push_segment(")
    expect(nb.output(1)).to_contain_text("50 join, 0 leave, 0 stay")
    field(nb, "button", name="Push 50 rows").click()
    expect(nb.output(1)).to_contain_text("50 joined, 0 left, 0 stayed")
    nb.run(2)
    expect(nb.output(2)).to_contain_text("True")


@pytest.mark.parametrize("kernel", ["newest", "7.3.0", "6.31.0"])
def test_push_leaves_the_cell_free_and_can_stop(notebook, kernel):
    status = "r = form.result\nprint(r.run.ended, sum(r.counts.values()), r.counts['accepted'] == len(box.stored()))"
    nb = notebook(BEGIN + "begin(20_000, latency=0.1)", OPEN, "1 + 1", status, kernel=kernel)
    nb.run(0)
    nb.run(1)
    field(nb, "button", name="Push 20,000 rows").click(timeout=15_000)
    expect(nb.output(1)).to_contain_text(re.compile(r"[1-9]\d* accepted"), timeout=10_000)
    nb.run(2, seconds=5)
    field(nb, "button", name="Stop").click(timeout=5_000)
    expect(nb.output(1)).to_contain_text("need attention", timeout=8_000)
    nb.run(3)
    expect(nb.output(3)).to_contain_text("interrupted 20000 True")


def test_a_rejected_key_is_shown_in_the_form(notebook):
    client = "wrong = gp.Client('not-the-key-at-all', box.base_url, ledger=None)\ndf.growlytics.form(client=wrong)"
    nb = notebook(BEGIN + "begin(3)", client)
    nb.run(0)
    nb.run(1)
    field(nb, "button", name="Push 3 rows").click(timeout=15_000)
    expect(nb.output(1)).to_contain_text("The service rejected the API key")
    expect(nb.output(1)).not_to_contain_text("not-the-key-at-all")


HOSTILE_FRAME = """
df = pd.DataFrame({"id": [f"{EVIL}{i}" for i in range(9)], EVIL: EVIL, LONG: LONG, "email": EVIL, "Score": 1})
"""


@pytest.mark.parametrize("width", [640, 1300])
def test_hostile_text_is_inert_in_the_form(notebook, width):
    nb = notebook(BEGIN + BAD_SERVER + HOSTILE_FRAME, "df.growlytics.form(client=client)", width=width)
    nb.run(0)
    nb.run(1)
    output = nb.output(1)
    expect(output).to_contain_text("Violations by rule and column", timeout=15_000)
    check_harmless(nb)
    output.get_by_text("Show values").click()
    output.get_by_text("Leave out invalid rows and values", exact=True).click()
    name = output.locator("input[type=text]").nth(4)
    name.fill("<img src=x onerror=alert(4)>")
    name.press("Enter")
    expect(output.locator("pre:visible")).to_contain_text("onerror=alert(4)")
    check_harmless(nb)
    field(nb, "button", name="Push").click()
    expect(output).to_contain_text("Rows that did not arrive", timeout=15_000)
    check_harmless(nb)


OWN_STYLE = ".growlytics-tables, .growlytics-form > .widget-html:first-child style"


def check_harmless(nb):
    output = nb.output(1)
    elements = FOREIGN_ELEMENTS.replace("style", f"style:not({OWN_STYLE})")
    assert_harmless(output, nb.dialogs, max_height=9_000, elements=elements)
    parts = output.locator(".widget-html")
    assert parts.evaluate_all("(all) => all.every((one) => one.scrollWidth <= one.clientWidth + 1)")


def test_saved_notebook_shows_a_masked_picture(notebook):
    nb = notebook(BEGIN + "begin(50)", OPEN)
    nb.run(0)
    nb.run(1)
    output = nb.output(1)
    name = field(nb, "textbox", name="Attribute name of City")
    name.fill("Town", timeout=15_000)
    name.press("Enter")
    expect(output.locator("pre:visible")).to_contain_text("rename={'City': 'Town'}")
    field(nb, "button", name="Push 50 rows").click()
    expect(output.get_by_text("All 50 rows arrived")).to_have_count(2, timeout=15_000)  # also in the hidden picture
    assert "asha.0" not in json.dumps(nb.save())
    nb.shut_down()
    nb.open()
    for text in ("This is a static picture", "All 50 rows arrived"):
        expect(output.get_by_text(text)).to_be_visible(timeout=15_000)
    expect(output.locator("pre:visible")).to_contain_text("rename={'City': 'Town'}")
    expect(output).not_to_contain_text("Error displaying widget")
    expect(output.get_by_role("button")).to_have_count(0)
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--stdout", str(nb.path)]
    html = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    with nb.page.context.browser.new_context(java_script_enabled=False, offline=True) as context:
        page = context.new_page()
        page.set_content(html)
        expect(page.get_by_text("This is a static picture")).to_be_visible()


def test_closing_the_form_restores_the_picture(notebook):
    nb = notebook(BEGIN + "begin(50)", OPEN, "form.widget.close()")
    nb.run(0)
    nb.run(1)
    picture = nb.output(1).get_by_text("This is a static picture")
    expect(picture).to_be_hidden(timeout=15_000)
    expect(field(nb, "button", name="Push 50 rows")).to_be_visible(timeout=15_000)
    nb.run(2)
    expect(picture).to_be_visible(timeout=15_000)


WIDTH_OF_SUGGESTED = 100  # pixels of a select that shows "suggested" with its arrow
LONG_LABELS = 'df.columns = ["id", "City of the first delivery", "Score in the loyalty programme"]\n'


@pytest.mark.parametrize("width", [400, 520])
def test_narrow_notebook_shows_whole_labels(notebook, width):
    """In a narrow notebook no label is cut, and nothing is out of view."""
    nb = notebook(BEGIN + "begin(50)\n" + LONG_LABELS, OPEN, width=width)
    nb.command("application:toggle-left-area")
    nb.run(0)
    nb.run(1)
    expect(nb.output(1)).to_contain_text("Preview of the first customers", timeout=15_000)
    labels = nb.output(1).locator(".widget-checkbox label")
    assert labels.count() >= 7
    assert labels.evaluate_all("(all) => all.every((one) => one.scrollWidth <= one.clientWidth + 1)")
    selects = nb.output(1).locator("select").all()
    assert min(one.bounding_box()["width"] for one in selects) >= WIDTH_OF_SUGGESTED
    assert nb.output(1).locator("pre:visible").evaluate("(one) => one.scrollHeight <= one.clientHeight + 1")
    edge = nb.output(1).bounding_box()
    for box in [one.bounding_box() for one in nb.output(1).locator("label, select, button, td, th").all()]:
        assert box is None or box["x"] + box["width"] <= edge["x"] + edge["width"] + 1


KEYS = ["ArrowDown", "ArrowUp", "a", "b", "x", "d", "d", "z", "m", "y", "j", "k"]


def test_keys_in_the_form_skip_notebook_shortcuts(notebook):
    nb = notebook(BEGIN + "begin(50)", OPEN, "2", "3", "4")
    nb.run(0)
    nb.run(1)
    expect(nb.output(1)).to_contain_text("Preview of the first customers", timeout=15_000)
    before = nb.page.evaluate(STATE)
    controls = [
        field(nb, "combobox", name="Id column"),
        field(nb, "combobox", name="Read Score as"),
        field(nb, "checkbox", name="Show values"),
        field(nb, "button", name="Dry run"),
    ]
    for control in controls:
        control.focus()
        for key in KEYS:
            nb.page.keyboard.press(key)
            assert nb.page.evaluate(STATE) == before, key
    field(nb, "combobox", name="Read Score as").focus()
    nb.page.keyboard.press("s")  # by keyboard: string
    expect(nb.output(1).locator("pre:visible")).to_contain_text("types={'Score': 'string'}")


STATE = """() => {
    const notebook = jupyterapp.shell.currentWidget.content;
    return [notebook.activeCellIndex, ...notebook.model.sharedModel.cells.map((one) => one.getId() + one.cell_type)];
}"""


def test_enter_keeps_the_keyboard_in_the_form(notebook):
    nb = notebook(BEGIN + "begin(5_000, latency=0.1)", OPEN)
    nb.run(0)
    nb.run(1)
    output, dry_run = nb.output(1), field(nb, "button", name="Dry run")
    expect(output).to_contain_text("Preview of the first customers", timeout=15_000)
    dry_run.press("Enter")
    expect(output).to_contain_text("Dry run of a push")
    expect(dry_run).to_be_focused()
    push = field(nb, "button", name="Push 5,000 rows")
    push.press("Enter")
    stop = field(nb, "button", name="Stop")
    expect(stop).to_be_visible(timeout=10_000)
    expect(push).to_be_focused()
    stop.press("Enter")
    expect(dry_run).to_be_focused()
    retry = field(nb, "button", name="Retry")
    expect(retry).to_be_visible(timeout=10_000)
    retry.press("Enter")
    expect(dry_run).to_be_focused()
    expect(output).to_contain_text("All 5,000 rows arrived", timeout=20_000)


def test_controls_are_named_and_reached_by_tab(notebook):
    nb = notebook(BEGIN + "begin(50)", OPEN)
    nb.run(0)
    nb.run(1)
    expect(nb.output(1)).to_contain_text("Preview of the first customers", timeout=15_000)
    for role in ("combobox", "textbox", "checkbox", "button"):
        everything = field(nb, role)
        assert everything.count() == field(nb, role, name=re.compile(r"\S")).count() > 0
    field(nb, "combobox", name="Id column").focus()
    reached = set()
    for _ in range(30):
        reached.add(nb.page.evaluate("() => document.activeElement.labels?.[0]?.innerText ?? ''"))
        reached.add(nb.page.evaluate("() => document.activeElement.innerText"))
        nb.page.keyboard.press("Tab")
    assert {"Dry run", "Push 50 rows", "Use all suggestions"} <= {text.strip() for text in reached}


WARM_UP = """
begin(3)
from IPython.core.completer import provisionalcompleter
with provisionalcompleter():  # the first one reads the sources of pandas, longer than JupyterLab waits
    list(get_ipython().Completer.completions("df.growlytics.", 14))
"""


def test_completion_shows_docs_and_signatures(notebook):
    nb = notebook(BEGIN + WARM_UP, "", "import growlytics_pandas\ngrowlytics_pandas.push?")
    nb.run(0, seconds=60)
    nb.cell(1).locator(".cm-content").click()
    completer = nb.page.locator(".jp-Completer:visible")
    for _ in range(5):  # JupyterLab gives the kernel a second, which a busy machine may not keep
        nb.page.keyboard.press("ControlOrMeta+a")
        nb.page.keyboard.type("df.growlytics.")
        nb.page.keyboard.press("Tab")
        with contextlib.suppress(AssertionError):
            expect(completer).to_contain_text("push", timeout=3_000)
            break
        nb.page.keyboard.press("Escape")
        nb.cell(1).locator(".cm-content").click()
    for name in ("form", "plan", "preview", "push", "schema", "validate"):
        expect(completer).to_contain_text(name, timeout=15_000)
    nb.page.keyboard.press("Escape")
    nb.page.keyboard.type("push(")
    nb.page.keyboard.press("Shift+Tab")
    tooltip = nb.page.locator(".jp-Tooltip")
    expect(tooltip).to_contain_text("skip_unchanged", timeout=15_000)
    expect(tooltip).to_contain_text("Send every row to Growlytics")
    nb.page.keyboard.press("Escape")
    nb.run(2)
    expect(nb.output(2)).to_contain_text("Send every row to Growlytics")
    expect(nb.output(2)).to_contain_text('errors : {"raise", "drop"}')
