"""Parts end like one frame: the same report, the same final progress message, and samples to plot."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas import Sandbox
from growlytics_pandas._masking import Masker
from growlytics_pandas.upload.result import WITHHELD
from growlytics_pandas.views.tables import REPORT_LIMITS


def cut(frame, rows):
    return [frame.iloc[start : start + rows] for start in range(0, len(frame), rows)]


def summary(source):
    """What a page says, but for times and for the lines to paste, which name a part."""
    page = source._page(Masker(), REPORT_LIMITS)
    tables = [
        [[str(cell) for cell in row[:7]] for row in table.rows]
        for table in page.tables
        if table.title != "Suggested options"  # of parts, distinct values are counted
    ]
    return page.title, page.headline, page.level, page.counts, page.steps, tables


def customers(rows, **more):
    return pd.DataFrame(
        {"id": [f"customer-{i}" for i in range(rows)], "Score": np.arange(rows, dtype="float64"), **more}
    )


def test_report_of_parts_matches_one_frame(tmp_path):
    dirty = gp.sample_customers(300, dirty=True)
    plans = gp.plan(dirty, "customer_id"), gp.plan_batches(cut(dirty, 70), "customer_id")
    assert summary(plans[1]) == summary(plans[0])
    results = []
    for plan in plans:
        with Sandbox() as box:
            results.append(plan.push(client=box.client, errors="drop", progress=False))
    assert summary(results[1]) == summary(results[0])
    assert results[1].to_html(tmp_path / "parts.html").stat().st_size > 10_000
    assert "need attention" in results[1]._repr_html_()


def test_plan_repr_does_not_read_all_parts():
    opened = []
    plan = gp.plan_batches(lambda: opened.append(1) or iter(cut(customers(20), 5)), "id")
    opens = len(opened)
    assert "not checked yet: .violations reads all parts" in plan._repr_html_()
    assert len(opened) == opens
    assert plan.violations.empty
    assert "All 20 rows would be sent." in plan._repr_html_()


def test_masked_report_omits_server_messages(faulty, tmp_path):
    """A server's message may repeat values of customers."""
    box = faulty(success_false=1.0)
    result = gp.push_batches(cut(customers(9), 4), "id", client=box.client, progress=False)
    (words,) = set(result.failed["error"])
    masked = result.to_html(tmp_path / "masked.html").read_text(encoding="utf-8")
    assert WITHHELD in masked.replace("&#39;", "'")
    assert words not in masked
    assert "customer-1" not in masked
    shown = result.to_html(tmp_path / "shown.html", mask=False).read_text(encoding="utf-8")
    assert words in shown
    assert "customer-1" in shown


@pytest.mark.parametrize(
    ("df", "is_incomplete"),
    [
        ({"Day": [[1]] * 4, "City": "x"}, True),
        ({"Rate": [1, 2, np.inf, 4]}, True),
        ({"Rate": [1, np.inf, 3, 4]}, False),
        ({"Rate": 1.0}, False),
    ],
    ids=["a column left out", "a value of a row that arrived", "of one that did not", "all arrived"],
)
@pytest.mark.parametrize("in_parts", [True, False])
def test_incomplete_rows_are_reported_at_the_end(sandbox, df, is_incomplete, in_parts):
    frame = customers(4, **df).assign(id=["a", None, "c", "d"])
    events = []
    options = {"client": sandbox.client, "errors": "drop", "progress": events.append}
    result = gp.push_batches(cut(frame, 2), "id", **options) if in_parts else gp.push(frame, "id", **options)
    assert [event.n_incomplete > 0 for event in events if event.kind != "end"].count(True) == 0
    assert (events[-1].n_incomplete > 0) == result.has_incomplete_rows == is_incomplete
    assert ("some without all their attributes" in repr(result)) == is_incomplete


def test_retry_has_its_own_metrics(faulty):
    box = faulty(success_false=0.5, seed=3, latency=0.002)
    result = gp.push_batches(cut(customers(3000), 1000), "id", client=box.client, progress=False)
    again = result.retry()
    assert again.counts["accepted"] > result.counts["accepted"] > 1000
    for run, accepted in (
        (result.run, result.counts["accepted"]),
        (again.run, again.counts["accepted"] - result.counts["accepted"]),
    ):
        assert run.samples[-1].accepted == accepted
        assert run.samples[-1].answer_seconds > 0.001 * accepted
        assert all(x <= y for first, last in pairwise(run.samples) for x, y in zip(first, last, strict=True))
        assert len(run.samples) > 2


def test_charts_of_parts(sandbox):
    pytest.importorskip("matplotlib")
    result = gp.push_batches(cut(customers(30), 10), "id", client=sandbox.client, progress=False)
    titles = [ax.get_title("left") for ax in result.plot()]
    assert titles == ["Rows", "Rows accepted per second", "Mean response time, ms"]
    assert result.plan.plot().get_title("left") == "No violations"
