"""Reports in a real Chromium: hostile text runs nothing and breaks no layout, and there are no network requests."""

import re
import zlib

import pandas as pd
import pytest
from support.hostile import LONG, RUN, Visit

import growlytics_pandas as gp

pytestmark = pytest.mark.browser

WIDTHS = (400, 1200)


@pytest.fixture
def browser(chromium):
    return chromium


@pytest.fixture
def hostile_result(faulty):
    box = faulty(success_false=0.5, seed=1)
    df = pd.DataFrame(
        {"id": [f"{i} {LONG}" for i in range(8)], LONG: [LONG] * 8, "email": LONG, "Bad": 1j},
        index=[LONG] * 8,
    )
    result = gp.push(df, "id", client=box.client, errors="drop", progress=False)
    for row in result._buffers[0].errors:
        result._buffers[0].errors[row] = LONG
    return result


def notebook_page(html, path):
    path.write_text(
        f"<!doctype html><meta charset=utf-8><body style='font: 13px sans-serif'>{html}</body>", encoding="utf-8"
    )
    return path


@pytest.mark.parametrize("mask", [True, False])
def test_hostile_text_is_inert_in_a_report(browser, hostile_result, tmp_path, mask):
    for source in (hostile_result, hostile_result.plan):
        path = source.to_html(tmp_path / "<img src=x onerror=alert(1)>.html", mask=mask)
        for width in WIDTHS:
            # Escaping alone must be enough, without the content security policy.
            visit = Visit(browser, path.as_uri(), width, bypass_csp=True)
            assert visit.ran() == 0
            assert visit.overflow() <= 0
            assert visit.requests == [path.as_uri()]
            assert visit.page.locator("footer").bounding_box()["y"] < 12_000
            visit.context.close()


def test_hostile_text_is_inert_in_a_notebook(browser, hostile_result, tmp_path):
    for number, source in enumerate((hostile_result, hostile_result.plan)):
        visit = Visit(browser, notebook_page(source._repr_html_(), tmp_path / f"{number}.html").as_uri(), 1200)
        assert visit.ran() == 0
        assert visit.overflow() <= 0
        assert len(visit.requests) == 1
        visit.context.close()


def test_report_policy_blocks_unescaped_scripts(browser, hostile_result, tmp_path):
    path = hostile_result.to_html(tmp_path / "page.html")
    broken = path.read_text(encoding="utf-8").replace(
        "<main>", f'<main><script>{RUN}</script><img src=x onerror="{RUN}">'
    )
    path.write_text(broken, encoding="utf-8")
    visit = Visit(browser, path.as_uri(), 1200)
    assert visit.ran() == 0
    assert visit.loaded == [path.as_uri()]
    visit.context.close()
    careless = Visit(browser, path.as_uri(), 1200, bypass_csp=True)
    assert careless.ran() >= 1, "without the policy it would run: the test above is not empty"
    careless.context.close()


def test_printed_report_cuts_no_table(browser, sandbox, tmp_path):
    df = gp.sample_customers(200, dirty=True)
    result = gp.push(df, "customer_id", client=sandbox.client, errors="drop", progress=False)
    visit = Visit(browser, result.to_html(tmp_path / "page.html").as_uri(), 680)  # A4 within its margins
    visit.page.emulate_media(media="print")
    assert visit.overflow() <= 0
    assert visit.page.pdf(format="A4").startswith(b"%PDF")
    visit.context.close()


@pytest.mark.parametrize("width", [400, 520])
def test_narrow_screen_shows_the_whole_report(browser, sandbox, tmp_path, width):
    plan = gp.plan(gp.sample_customers(200, dirty=True), "customer_id", client=sandbox.client)
    visit = Visit(browser, plan.to_html(tmp_path / "page.html").as_uri(), width)
    assert visit.overflow() <= 0
    assert visit.page.locator(".scroll").evaluate_all("(all) => all.every((one) => one.scrollWidth <= one.clientWidth)")
    for text in ("value_whitespace", "warning", "white space", "strip=['email']"):
        assert visit.page.locator("table td:visible", has_text=text).count(), text
    severities = visit.page.locator("td b", has_text=re.compile("error|warning"))
    assert severities.evaluate_all("(all) => all.length > 9 && all.every((one) => one.getClientRects().length === 1)")
    visit.context.close()


def test_notebook_tables_fit_a_narrow_cell(browser, tmp_path):
    df = pd.DataFrame(
        {"id": ["'1", "'1", "'2"], "Pincode": [411001, 11001, 1], "Joined": ["31/01/2025", "30/01/2025", None]}
    )
    plan = gp.plan(df, "id")
    for name in ("schema", "violations", "suggestions"):
        page = notebook_page(getattr(plan, name)._repr_html_(), tmp_path / f"{name}.html")
        visit = Visit(browser, page.as_uri(), 400)
        assert visit.page.locator("table tr").count() > 2
        assert visit.page.locator("div").first.evaluate("(one) => one.scrollWidth <= one.clientWidth"), name
        assert not has_texts_beside(visit)
        visit.context.close()
        visit = Visit(browser, page.as_uri(), 1200)
        assert has_texts_beside(visit), "half of the width would be empty"
        visit.context.close()


WORDS_ON_SEVERAL_LINES = """(cells) => {
    const broken = [];
    for (const cell of cells) {
        const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
        for (let text = texts.nextNode(); text; text = texts.nextNode()) {
            for (const word of text.data.matchAll(/(?<!\\S)\\S{1,30}(?!\\S)/g)) {
                const range = document.createRange();
                range.setStart(text, word.index);
                range.setEnd(text, word.index + word[0].length);
                if (new Set([...range.getClientRects()].map((one) => one.top)).size > 1) broken.push(word[0]);
            }
        }
    }
    return broken;
}"""


@pytest.mark.parametrize("width", [300, 520, 700, 1200])
def test_no_word_of_a_table_is_broken(browser, tmp_path, width):
    df = gp.sample_customers(100, dirty=True).assign(
        **{"letzte_bestellung_zeitpunkt": "2025-01-31T10:15:00", "E-Mail": "a@b.de"}
    )
    plan = gp.plan(df, "customer_id")
    for name in ("schema", "violations", "suggestions"):
        page = notebook_page(getattr(plan, name)._repr_html_(), tmp_path / f"{name}.html")
        visit = Visit(browser, page.as_uri(), width)
        assert visit.overflow() <= 0
        assert visit.page.locator(".growlytics-table").evaluate("(one) => one.scrollWidth <= one.clientWidth"), name
        assert visit.page.locator("td").evaluate_all(WORDS_ON_SEVERAL_LINES) == [], name
        visit.context.close()


def test_printed_tables_repeat_their_headings(browser, sandbox, tmp_path):
    df = gp.sample_customers(200, dirty=True)
    plan = gp.plan(df, "customer_id")
    result = gp.push(df, "customer_id", client=sandbox.client, errors="drop", progress=False)
    pages = [notebook_page(one._repr_html_(), tmp_path / "notebook.html") for one in (plan.violations, plan.schema)]
    for page in (*pages, plan.to_html(tmp_path / "plan.html"), result.to_html(tmp_path / "result.html")):
        visit = Visit(browser, page.as_uri(), 400)
        assert visit.page.locator("thead:visible", has_text="cells").count() == 0, "cards on the screen"
        visit.page.set_viewport_size({"width": 680, "height": 1000})  # A4 within its margins
        visit.page.emulate_media(media="print")
        displays = "(all) => all.map((one) => getComputedStyle(one).display)"
        assert set(visit.page.locator("table").evaluate_all(displays)) == {"table"}
        assert set(visit.page.locator("thead").evaluate_all(displays)) == {"table-header-group"}
        visit.context.close()


def has_texts_beside(visit):
    """Return whether the long texts of a table are beside the other cells of their row, not below them."""
    row = visit.page.locator("tbody tr").first
    return row.locator(".long").bounding_box()["y"] == row.locator("td").first.bounding_box()["y"]


def test_no_printed_page_has_only_the_footer(browser, sandbox, tmp_path):
    result = gp.push(gp.sample_customers(50), "customer_id", client=sandbox.client, progress=False)
    visit = Visit(browser, result.to_html(tmp_path / "page.html").as_uri(), 1200)
    footer = len(visit.page.locator("footer").inner_text())
    for centimetres in range(0, 24, 2):
        visit.page.add_style_tag(content=f"section:last-of-type {{ padding-top: {centimetres}cm }}")
        assert printed_letters(visit.page.pdf(format="A4"))[-1] > 1.1 * footer
    visit.context.close()


def test_a_printed_heading_stays_with_its_table(browser, sandbox, tmp_path):
    result = gp.push(gp.sample_customers(50), "customer_id", client=sandbox.client, progress=False)
    visit = Visit(browser, result.to_html(tmp_path / "page.html").as_uri(), 1200)
    visit.page.add_style_tag(content="header, footer, section:not(:last-of-type) { display: none }")
    visit.page.add_style_tag(content="* { opacity: 1 !important }")  # else the letters are in streams of their own
    parts = [visit.page.locator(f"section:last-of-type {part}").first for part in ("h2", ".note", "thead", "tbody tr")]
    least = sum(len("".join(part.inner_text().split())) for part in parts)
    n_apart = 0
    for millimetres in range(210, 270, 4):
        visit.page.add_style_tag(content=f"main::before {{ content: ''; display: block; height: {millimetres}mm }}")
        first, *_ = printed_letters(visit.page.pdf(format="A4"))
        assert first == 0 or first >= least
        n_apart += first == 0
    assert n_apart
    visit.context.close()


def printed_letters(pdf):
    """Return the number of letters on each page; Chromium writes each as four hexadecimal digits."""
    contents = re.findall(rb"/Contents (\d+) 0 R", pdf)
    streams = {
        number: zlib.decompress(stream)
        for number, stream in re.findall(
            rb"\n(\d+) 0 obj\n<<[^>]*FlateDecode[^>]*>> stream\n(.*?)\nendstream", pdf, re.DOTALL
        )
    }
    return [sum(len(text) // 4 for text in re.findall(rb"<([0-9A-Fa-f]+)>", streams[each])) for each in contents]


def test_a_report_is_readable_in_dark_mode(browser, sandbox, tmp_path):
    result = gp.push(pd.DataFrame({"id": ["a"], "b": [1]}), "id", client=sandbox.client, progress=False)
    visit = Visit(browser, result.to_html(tmp_path / "page.html").as_uri(), 1200)
    colours = {}
    for scheme in ("light", "dark"):
        visit.page.emulate_media(color_scheme=scheme)
        colours[scheme] = visit.ink_and_paper()
    assert colours["light"][1] - colours["light"][0] > 400
    assert colours["dark"][0] - colours["dark"][1] > 400
    visit.context.close()
