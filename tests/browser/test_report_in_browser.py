"""Reports in a real Chromium: hostile text runs nothing and breaks no layout, and nothing is asked of the network."""

import pandas as pd
import pytest

import growlytics_pandas as gp

pytestmark = pytest.mark.browser

RUN = "window.XSS = (window.XSS || 0) + 1; alert(1)"
HOSTILE = (
    f'</td></tr></table></div></svg></style></title><script>{RUN}</script><img src=x onerror="{RUN}">'
    f"<svg onload='{RUN}'>\"' onmouseover='{RUN}' javascript:{RUN} \u202e\u2066{{{{7*7}}}}$$x$$" + "W" * 10_000
)
WIDTHS = (400, 1200)


@pytest.fixture
def browser(chromium):
    return chromium


@pytest.fixture
def hostile_result(faulty):
    box = faulty(success_false=0.5, seed=1)
    df = pd.DataFrame(
        {"id": [f"{i} {HOSTILE}" for i in range(8)], HOSTILE: [HOSTILE] * 8, "email": HOSTILE, "Bad": 1j},
        index=[HOSTILE] * 8,
    )
    result = gp.push(df, "id", client=box.client, errors="drop", progress=False)
    for row in result._book.errors:
        result._book.errors[row] = HOSTILE
    return result


class Visit:
    """One page opened in a browser, with everything that it asked for and everything that ran."""

    def __init__(self, browser, path, width, *, bypass_csp=False):
        self.requests, self.loaded, self.dialogs = [], [], []
        self.context = browser.new_context(viewport={"width": width, "height": 800}, bypass_csp=bypass_csp)
        self.page = self.context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("requestfinished", lambda request: self.loaded.append(request.url))
        self.page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))
        self.page.goto(path.as_uri())
        self.page.mouse.move(200, 200)

    def ran(self):
        return self.page.evaluate("window.XSS || 0") + len(self.dialogs)

    def overflow(self):
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def notebook_page(html, path):
    path.write_text(f"<!doctype html><meta charset=utf-8><body>{html}</body>", encoding="utf-8")
    return path


@pytest.mark.parametrize("mask", [True, False])
def test_hostile_text_runs_nothing_and_breaks_no_layout_in_a_report(browser, hostile_result, tmp_path, mask):
    for source in (hostile_result, hostile_result.plan):
        path = source.to_html(tmp_path / "<img src=x onerror=alert(1)>.html", mask=mask)
        for width in WIDTHS:
            visit = Visit(browser, path, width, bypass_csp=True)  # the escaping alone must do, not only the policy
            assert visit.ran() == 0
            assert visit.overflow() <= 0
            assert visit.requests == [path.as_uri()]
            assert visit.page.locator("footer").bounding_box()["y"] < 12_000
            visit.context.close()


def test_hostile_text_runs_nothing_in_what_a_notebook_shows(browser, hostile_result, tmp_path):
    for number, source in enumerate((hostile_result, hostile_result.plan)):
        visit = Visit(browser, notebook_page(source._repr_html_(), tmp_path / f"{number}.html"), 1200)
        assert visit.ran() == 0
        assert visit.overflow() <= 0
        assert len(visit.requests) == 1
        visit.context.close()


def test_the_policy_of_a_report_stops_even_what_would_slip_through(browser, hostile_result, tmp_path):
    path = hostile_result.to_html(tmp_path / "page.html")
    broken = path.read_text(encoding="utf-8").replace(
        "<main>", f'<main><script>{RUN}</script><img src=x onerror="{RUN}">'
    )
    path.write_text(broken, encoding="utf-8")
    visit = Visit(browser, path, 1200)
    assert visit.ran() == 0
    assert visit.loaded == [path.as_uri()]
    visit.context.close()
    careless = Visit(browser, path, 1200, bypass_csp=True)
    assert careless.ran() >= 1, "without the policy it would run: the test above is not empty"
    careless.context.close()


def test_a_report_prints_on_paper_without_cutting_a_table(browser, sandbox, tmp_path):
    df = gp.sample_customers(200, dirty=True)
    result = gp.push(df, "customer_id", client=sandbox.client, errors="drop", progress=False)
    visit = Visit(browser, result.to_html(tmp_path / "page.html"), 680)  # A4 within its margins
    visit.page.emulate_media(media="print")
    assert visit.overflow() <= 0
    assert visit.page.pdf(format="A4").startswith(b"%PDF")
    visit.context.close()


def test_a_report_can_be_read_in_the_dark(browser, sandbox, tmp_path):
    result = gp.push(pd.DataFrame({"id": ["a"], "b": [1]}), "id", client=sandbox.client, progress=False)
    visit = Visit(browser, result.to_html(tmp_path / "page.html"), 1200)
    colours = {}
    for scheme in ("light", "dark"):
        visit.page.emulate_media(color_scheme=scheme)
        colours[scheme] = visit.page.evaluate(
            "(() => { const s = getComputedStyle(document.body);"
            " return [s.color, s.backgroundColor].map(c => c.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0)); })()"
        )
    assert colours["light"][1] - colours["light"][0] > 400
    assert colours["dark"][0] - colours["dark"][1] > 400
    visit.context.close()
