import html
import html.parser
import re

import numpy as np
import pandas as pd
import pytest
from support.shown import plain

import growlytics_pandas as gp
from growlytics_pandas._status import Status
from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError
from growlytics_pandas.upload.outcomes import RunMetrics
from growlytics_pandas.views.metrics import MAX_SAMPLES, Sample, stretches

HOSTILE = (
    '<script>document.title="run"</script><img src=x onerror="document.title=1">'
    "\"'></td></table></svg>{{ 7 * 7 }}{% raw %}$$x$$\u202egnp.\u2066\x00" + "long " * 2_000
)
ALLOWED_TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "footer", "section", "div", "span", "br"),
    *(
        "p",
        "h1",
        "h2",
        "dl",
        "dt",
        "dd",
        "ul",
        "li",
        "b",
        "i",
        "code",
        "bdi",
        "wbr",
        "nobr",
        "small",
        "figure",
        "figcaption",
    ),
    *("table", "thead", "tbody", "tr", "th", "td", "svg", "rect", "polyline"),
}


class Tags(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.stack = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs


def text_of(path):
    return plain(path.read_text(encoding="utf-8"))


def customers():
    return pd.DataFrame(
        {
            "customer": ["C-1041", "C-1042", None],
            "name": ["Asha Rao", "Ravi Kumar", "Meera Iyer"],
            "email": ["asha.rao@shop.example.com", "not an address", "meera@shop.example.com"],
            "mobile": ["+919876543210", "+919876543211", "12"],
            "Note": ["write to asha.rao@shop.example.com", "call 98765 43299", "x" * 600],
            "Score": [1.5, np.inf, 3.0],
        }
    )


SECRETS = ["asha.rao", "shop.example", "Asha", "Ravi", "Meera", "98765", "C-1041", "C-1042", "not an address"]


def pushed(box, df=None, id_col="customer", **options):
    return gp.push(
        df if df is not None else customers(), id_col, client=box.client, errors="drop", progress=False, **options
    )


def pages(source, tmp_path, **options):
    """Return the notebook HTML and the report."""
    return [source._repr_html_(), text_of(source.to_html(tmp_path / "page.html", **options))]


def test_reports_and_reprs_identify_no_customer(sandbox, tmp_path):
    result = pushed(sandbox)
    for page in [*pages(result, tmp_path), *pages(result.plan, tmp_path)]:
        assert [secret for secret in SECRETS if secret in page] == []
        assert sandbox.api_key not in page


def test_customers_in_server_messages_are_masked(faulty, tmp_path):
    box = faulty(success_false=1.0)
    result = pushed(box)
    for row, words in {0: "Asha Rao <asha.rao@shop.example.com> exists", 1: "id C-1042 is taken by Ravi Kumar"}.items():
        result._buffers[0].errors[row] = words
    for page in pages(result, tmp_path):
        assert [secret for secret in SECRETS if secret in page] == []
        assert "is taken by" in page
    assert "is taken by Ravi Kumar" in text_of(result.to_html(tmp_path / "page.html", mask=False))


def test_mask_false_shows_values_with_a_note(sandbox, tmp_path):
    page = text_of(pushed(sandbox).to_html(tmp_path / "page.html", mask=False))
    assert "not an address" in page
    assert "it is personal data" in page


def test_hostile_text_stays_text_everywhere(faulty, tmp_path):
    box = faulty(success_false=0.5, seed=1)
    rows = 12
    df = pd.DataFrame(
        {
            "customer": [f"{HOSTILE}{i}" for i in range(rows)],
            HOSTILE: [HOSTILE] * rows,
            "email": [HOSTILE] * rows,
            "Long": [HOSTILE] * rows,
            "Mixed": [HOSTILE, np.inf, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
        },
        index=pd.Index([HOSTILE] * rows, name=HOSTILE),
    )
    result = pushed(box, df, types={"Mixed": "number"})
    for row in result._buffers[0].errors:
        result._buffers[0].errors[row] = HOSTILE
    folder = tmp_path / "<img src=x onerror=alert(1)>"
    folder.mkdir()
    for source in (result, result.plan):
        for mask in (True, False):
            for page in pages(source, folder, mask=mask):
                found = Tags(page)
                assert found.tags <= ALLOWED_TAGS
                assert not [name for name, _ in found.attributes if name.startswith("on") or name in ("src", "href")]
                assert not re.search("[\u202e\u2066\x00]", page)
                assert len(page) < 200_000


def test_report_loads_nothing_from_elsewhere(sandbox, tmp_path):
    page = text_of(pushed(sandbox).to_html(tmp_path / "page.html"))
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert not re.search(r"(src|href)=|url\(|@import|<link|<script", page)


def test_report_shows_what_where_when_and_next(sandbox, tmp_path):
    result = pushed(sandbox)
    page = text_of(result.to_html(tmp_path / "page.html"))
    assert sandbox.base_url in page
    assert f"{result.run.started:%Y-%m-%d %H:%M:%S} UTC" in page
    assert "2 of 3 rows arrived, 1 of them without all attributes; 1 needs attention." in page
    for rule in result.violations["rule"]:
        assert rule in page
    for attribute in result.plan.schema["attribute"]:
        assert f"<bdi>{attribute}</bdi>" in page
    assert "skip_unchanged=True" in page
    assert "<bdi>number</bdi>" in page
    assert "<bdi>new</bdi>" in page


ONE = "1 of them without all attributes"
NONE = "none of them with all attributes"


@pytest.mark.parametrize(
    ("df", "headline"),
    [
        ({"id": ["a", "b", None], "Day": [[1], [2], [3]], "City": ["x", "y", "z"]}, f"2 of 3 rows arrived, {NONE};"),
        ({"id": ["a", "b", None], "Score": [np.inf, 1, 2]}, f"2 of 3 rows arrived, {ONE}; 1 needs attention."),
        ({"id": ["a", "b", None], "Score": [1, 2, np.inf]}, "2 of 3 rows arrived; 1 needs attention."),
        ({"id": ["a", "a"], "Day": [[1], [2]], "City": ["x", "y"]}, "0 of 2 rows arrived; 2 need attention."),
        (
            {"id": ["a", "b"], "Score": [np.inf, 1], "City": "x"},
            f"All 2 rows arrived, {ONE}.",
        ),
    ],
    ids=["a column left out", "a value of a row that arrived", "of one that did not", "no row arrived", "all arrived"],
)
def test_partly_arrived_rows_are_reported(sandbox, tmp_path, df, headline):
    result = pushed(sandbox, pd.DataFrame(df), "id")
    for page in pages(result, tmp_path):
        assert headline in page
    assert ("without all their attributes" in repr(result)) == result.has_incomplete_rows == ("attribute" in headline)


def test_early_end_shows_reason_and_next_step(sandbox, tmp_path):
    wrong = gp.Client("another-key", sandbox.base_url, ledger=None)
    with pytest.raises(gp.AuthenticationError) as caught:
        gp.push(customers().iloc[:2], "customer", client=wrong, errors="drop", progress=False)
    page = text_of(caught.value.result.to_html(tmp_path / "page.html"))
    assert "the service rejected the API key" in page
    assert "with a client that has the right API key" in page
    assert "result.retry()" not in page, "it would use the same key"
    assert "another-key" not in page


def test_dry_run_and_plan_claim_no_arrival(tmp_path):
    plan = gp.plan(customers().iloc[:1], "customer")
    assert "The one row would be sent." in plan._repr_html_()
    dry = plan.push(dry_run=True, progress=False)
    assert "would be sent; nothing was sent." in dry._repr_html_()
    assert "result.plan.push()" in text_of(dry.to_html(tmp_path / "page.html"))


def test_empty_or_flawless_push_has_a_report(sandbox, tmp_path):
    empty = pushed(sandbox, pd.DataFrame({"id": [], "City": []}), "id")
    assert "0 of 0 rows arrived." in text_of(empty.to_html(tmp_path / "page.html"))
    fine = pushed(sandbox, pd.DataFrame({"id": ["a", "b"], "City": ["Pune", "Goa"]}), "id")
    assert "All 2 rows arrived." in fine._repr_html_()
    assert "need attention" not in fine._repr_html_()


def test_odd_labels_and_multiindex_are_shown(tmp_path):
    df = pd.DataFrame(
        [["a", np.inf, np.inf, 1j, 2j]], columns=["id", ("orders", "sum"), 7, None, pd.Timestamp("2026-01-31")]
    )
    df.index = pd.MultiIndex.from_tuples([("x", 1)])
    page = text_of(gp.push(df, "id", dry_run=True, progress=False).to_html(tmp_path / "page.html"))
    for shown in ("(&#39;orders&#39;, &#39;sum&#39;)", ">7<", "2026-01-31 00:00:00"):
        assert shown in page


def test_long_tables_are_cut_with_full_counts(tmp_path):
    df = pd.DataFrame({"id": [None] * 500, "a": 1})
    result = gp.push(df, "id", dry_run=True, progress=False)
    assert "+490 more rows" in result._repr_html_()
    page = text_of(result.to_html(tmp_path / "page.html"))
    assert "+450 more rows" in page
    assert '<td class="number">500</td>' in page


def test_every_reason_names_a_row(sandbox, tmp_path):
    """Rows with a common reason come first, and fill the list."""
    df = pd.DataFrame({"id": [*map(str, range(300))], "Spend": 1})
    result = gp.push(df, "id", client=sandbox.client, progress=False)
    for row in range(298):
        result._buffers[0].record(row, Status.FAILED, "busy", 503)
    result._buffers[0].record(298, Status.FAILED, "row_is_total", 422)
    result._buffers[0].record(299, Status.UNKNOWN, "", 0)
    for page in pages(result, tmp_path):
        words = re.sub(r"<[^>]*>", "", page)
        assert [row for row in ("0", "298", "299") if f"first rows {row}" not in words] == []


@pytest.mark.parametrize(
    ("ids", "options", "is_fault"), [(["1", "2", "1"], {}, False), (["1", None, "1"], {"errors": "drop"}, True)]
)
def test_duplicates_left_out_on_request_look_like_no_fault(sandbox, ids, options, is_fault):
    df = pd.DataFrame({"id": ids, "City": ["Pune", "Goa", "Delhi"]})
    result = df.growlytics.push("id", keep="last", client=sandbox.client, progress=False, **options)
    (style,) = set(re.findall(r'style="([^"]*)">invalid<', result._repr_html_()))
    assert ("error" in style) is is_fault


def test_a_fix_too_long_for_a_page_is_cut(tmp_path):
    plan = gp.plan(pd.DataFrame({"id": ["a"], "x" * 700: [1]}), "id")
    assert plan.violations["fix"].str.len().max() > 700
    page = text_of(plan.to_html(tmp_path / "page.html"))
    assert re.search(r"x… \([\d,]+ characters\)", page)


def test_one_row_is_singular(tmp_path):
    many = pd.DataFrame({"id": ["a"], **{f"column {i:03}": [1] for i in range(201)}})
    assert "+1 more column<" in text_of(gp.plan(many, "id").to_html(tmp_path / "page.html"))
    one = gp.plan(pd.DataFrame({"id": ["a"], "x": [float("inf")]}), "id")
    assert repr(one) == "<Plan 1 of 1 row, 1 attribute; 1 error, 1 warning>"


def test_invalid_path_is_named_in_the_error(tmp_path):
    plan = gp.plan(customers(), "customer")
    with pytest.raises(InvalidArgumentError, match="path: there is no folder"):
        plan.to_html(tmp_path / "none" / "page.html")
    with pytest.raises(InvalidArgumentError, match=r"is a folder; choose a file in it, such as .*push\.html"):
        plan.to_html(tmp_path)
    with pytest.raises(InvalidArgumentTypeError, match="path: found a int"):
        plan.to_html(3)
    assert plan.to_html(str(tmp_path / "page.html")).exists()


@pytest.mark.slow
def test_a_report_of_many_rows_is_small(tmp_path):
    rows, n_failed = 250_000, 25_000
    score = np.arange(rows, dtype="float64")
    score[::10] = np.inf
    df = pd.DataFrame({"id": np.arange(rows), "Score": score, "City": "Pune"})
    result = gp.push(df, "id", dry_run=True, errors="drop", progress=False)
    assert len(result.violations) == n_failed
    result._buffers[0].errors.update({row: f"HTTP 400: row {row} of customer {row}" for row in range(n_failed)})
    result._buffers[0].record_all(np.arange(n_failed), Status.FAILED)
    path = result.to_html(tmp_path / "page.html")
    assert len(result._repr_html_()) < 100_000
    assert path.stat().st_size < 2_000_000
    assert "25,000" in text_of(path)


# the course of a run ------------------------------------------------------------------------------------------------


def test_samples_are_bounded_and_keep_totals():
    timeline = RunMetrics()
    for tick in range(100_000):
        timeline.record(Sample(tick * 0.2, tick * 7, tick * 0.35))
        assert len(timeline._samples) < MAX_SAMPLES
    samples = timeline.close(Sample(20_000.0, 700_000, 35_000.0))
    assert MAX_SAMPLES / 4 < len(samples) <= MAX_SAMPLES
    parts = stretches(samples, 50)
    assert len(parts) <= 50
    assert sum(part.rows_per_second * (part.end_seconds - part.start_seconds) for part in parts) == pytest.approx(
        700_000
    )
    assert {round(part.answer_milliseconds) for part in parts} == {50}


def test_samples_end_without_an_empty_interval():
    timeline = RunMetrics()
    for tick in range(6):
        timeline.record(Sample(tick * 0.2, tick * 7, tick * 0.35))
    samples = timeline.close(Sample(1.01, 35, 1.75))
    assert stretches(samples)[-1].rows_per_second == pytest.approx(7 / 0.21)
    assert timeline.close(Sample(0.0, 0, 0.0)) == (Sample(0.0, 0, 0.0), Sample(0.0, 0, 0.0))


def test_a_push_keeps_its_samples(faulty):
    box = faulty(latency=0.05)
    result = pushed(box, pd.DataFrame({"id": range(400), "a": 1}), "id")
    assert result.run.samples[-1].accepted == 400
    assert result.run.samples[-1].answer_seconds > 400 * 0.05


def test_next_steps_correct_or_resend_rows(faulty):
    refusing = faulty(status={422: 1.0})
    shown = gp.push(
        pd.DataFrame({"id": ["a", "b"], "X": 1}), "id", client=refusing.client, progress=False
    )._repr_html_()
    assert "result.rejects()" in shown
    assert "result.retry()" not in shown
