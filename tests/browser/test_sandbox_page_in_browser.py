"""The sandbox's page in a real Chromium: it is live, works without scripts, and shows customers' texts as text."""

import re

import pandas as pd
import pytest
from playwright.sync_api import expect
from support.hostile import HOSTILE, LONG, Visit, assert_harmless

import growlytics_pandas as gp
from growlytics_pandas._masking import visible

pytestmark = pytest.mark.browser

WIDTHS = (400, 1200)


def push(box, *ids, **columns):
    client = gp.Client(box.api_key, box.base_url, ledger=None)
    return gp.push(pd.DataFrame({"id": list(ids), **columns}), "id", client=client, progress=False)


def figure(page, name):
    return page.locator("dl.figures div", has_text=name).locator("dd")


def test_pushed_customers_appear_by_themselves(chromium, sandbox):
    with Visit(chromium, sandbox.base_url, 1200) as visit:
        page = visit.page
        page.evaluate("window.isStillHere = true")
        expect(page.get_by_text("None yet.", exact=False).first).to_be_visible()
        push(sandbox, "asha", "ravi", Orders=[3, 1])
        expect(page.get_by_role("link", name="asha")).to_be_visible(timeout=5_000)
        push(sandbox, "ravi", Orders="three")
        expect(figure(page, "values ignored")).to_have_text("1", timeout=5_000)
        expect(page.locator("main")).to_contain_text("first tracked with another type: number, sent as string")
        assert page.evaluate("window.isStillHere"), "without loading the page again"
        assert all(url.startswith(f"{sandbox.base_url}/") for url in visit.requests)


def test_page_is_still_while_paused_or_read(chromium):
    """The page does not move while it is paused or being read, and it reports the end of the sandbox."""
    with gp.Sandbox() as box, Visit(chromium, box.base_url, 1200) as visit:
        page = visit.page
        push(box, "asha", Orders=[3])
        link = page.get_by_role("link", name="asha")
        expect(link).to_be_visible(timeout=5_000)
        link.focus()
        push(box, "ravi", Orders=[1])
        expect(figure(page, "customers")).to_have_text("2", timeout=5_000)
        expect(link).to_be_focused()
        page.get_by_role("button", name="Pause").press("Enter")
        expect(page.get_by_role("status")).to_have_text("Paused")
        push(box, "john", Orders=[1])
        page.wait_for_timeout(1_500)
        expect(figure(page, "customers")).to_have_text("2")
        page.get_by_role("button", name="Pause").press("Enter")
        expect(figure(page, "customers")).to_have_text("3", timeout=5_000)
        page.locator("h2", has_text="Customers").select_text()
        push(box, "mira", Orders=[1])
        page.wait_for_timeout(1_500)
        assert "Customers" in page.evaluate("getSelection().toString()")
        box.stop()
        expect(page.get_by_role("status")).to_contain_text("does not answer", timeout=8_000)
        expect(figure(page, "customers")).to_have_text("3")


def test_search_and_paging_without_mouse_or_js(chromium, sandbox):
    push(sandbox, *[f"asha.{number:02}" for number in range(15)], "ravi", Orders=range(16))
    with Visit(chromium, sandbox.base_url, 400, java_script_enabled=False) as visit:
        page = visit.page
        assert "Load the page again" in page.locator(".state").inner_text()
        expect(page.get_by_role("button", name="Pause")).to_be_hidden()
        page.keyboard.press("Tab")
        page.keyboard.type("asha.0")
        page.keyboard.press("Enter")
        page.wait_for_url("**/?id=asha.0")
        expect(page.locator("table.customers tbody tr")).to_have_count(10)
        page.get_by_role("link", name="asha.07").click()
        expect(page.locator("table.customers tbody tr")).to_have_count(1)
        expect(page.get_by_label("Customer id, or its beginning")).to_have_value("asha.07")
        page.get_by_role("link", name="All customers").click()
        page.get_by_role("link", name="Older").click()
        expect(page.locator("table.customers tbody tr")).to_have_count(6)
        expect(page.get_by_role("link", name="Newer")).to_be_visible()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("bypass_csp", [True, False])
def test_hostile_text_is_inert_and_stays_local(chromium, faulty, width, bypass_csp):
    """Hostile text is shown as text, and nothing leaves the host."""
    box = faulty(status={503: 0.1}, latency=0.001)
    push(box, HOSTILE, f"x{LONG}", **{HOSTILE[:40]: HOSTILE, "long": LONG, "n": 1})
    push(box, HOSTILE, n=HOSTILE)
    with Visit(chromium, box.base_url, width, bypass_csp=bypass_csp) as visit:
        for _ in range(2):
            expect(visit.page.locator("main")).to_contain_text("<script>window.XSS")
            assert_harmless(visit.page.locator("main"), visit.dialogs, max_height=6_000)
            visit.page.get_by_role("link", name=visible(HOSTILE, 120)).first.click()
            visit.page.wait_for_url(re.compile("id="))
        visit.page.wait_for_timeout(1_500)  # one interval of the script
        assert visit.ran() == 0
        assert all(url.startswith((f"{box.base_url}/", "data:,")) for url in visit.requests)


def test_page_policy_blocks_unescaped_scripts(chromium, sandbox):
    slip = "document.querySelector('main').innerHTML = '<img src=https://other.example/x onerror=\"window.XSS = 1\">'"
    for bypass, ran in ((False, 0), (True, 1)):
        with Visit(chromium, sandbox.base_url, 1200, bypass_csp=bypass) as visit:
            visit.page.evaluate(slip)
            visit.page.wait_for_timeout(500)
            assert visit.ran() == ran
            assert not [url for url in visit.loaded if "other.example" in url]


def test_the_page_is_readable_in_dark_mode(chromium, sandbox):
    for scheme, sign in (("light", 1), ("dark", -1)):
        with Visit(chromium, sandbox.base_url, 1200, color_scheme=scheme) as visit:
            ink, paper = visit.ink_and_paper()
            assert sign * (paper - ink) > 400
