import re
import subprocess
import sys
import threading

import nbformat
import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas._status import Failure
from growlytics_pandas.upload.outcomes import Throughput
from growlytics_pandas.views.events import ProgressEvent
from growlytics_pandas.views.metrics import duration
from growlytics_pandas.views.panel import level_of, render_html, render_text

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>\"'></div></td></table><style>*{display:none}</style>"
    "\u202egnp\u2066\u200f $$\\rule{5000px}{5000px}$$ " + "W" * 10_000
)


def customers(rows):
    return pd.DataFrame({"id": [f"asha.{i}@example.com" for i in range(rows)], "Score": range(rows)})


def event(
    kind="update",
    *,
    total=100,
    ended="",
    message="",
    failures=(),
    is_ok=None,
    n_incomplete=0,
    n_left_out=0,
    trouble="",
    **counts,
):
    is_ok = counts.keys() <= {"accepted", "unchanged"} and not n_incomplete if is_ok is None else is_ok
    counts.setdefault("unsent", total - sum(counts.values()))
    return ProgressEvent(
        kind,
        total=total,
        counts={"accepted": 0, **counts},
        elapsed_seconds=2.0,
        rows_per_second=50.0,
        retries=1,
        concurrency=16,
        in_flight=8,
        seconds_left=3.0,
        failures=failures,
        ended=ended,
        message=message,
        trouble=trouble,
        is_ok=is_ok,
        n_incomplete=n_incomplete,
        n_left_out=n_left_out,
    )


# events --------------------------------------------------------------------------------------------------------


def test_listener_gets_start_updates_and_end(faulty):
    """A listener gets the start, at most five updates a second, and the end."""
    box, events = faulty(latency=0.05), []
    gp.push(customers(600), "id", client=box.client, progress=events.append, max_concurrency=10)
    assert [one.kind for one in (events[0], events[-1])] == ["start", "end"]
    assert {one.kind for one in events[1:-1]} == {"update"}
    assert len(events) <= 3 + 5 * events[-1].elapsed_seconds
    assert all(sum(one.counts.values()) == one.total == 600 for one in events)
    settled = [one.settled for one in events]
    assert settled == sorted(settled)
    assert events[-1].ended == "finished"
    assert events[-1].rows_per_second == pytest.approx(600 / events[-1].elapsed_seconds, rel=0.1)
    assert any(one.seconds_left for one in events), "an estimate while there is something to wait for"


def test_rate_excludes_skipped_rows(sandbox):
    events, df = [], customers(400)
    gp.push(df, "id", client=sandbox.client, progress=False)
    df.loc[:9, "Score"] = -1
    gp.push(df, "id", client=sandbox.client, skip_unchanged=True, progress=events.append)
    assert events[-1].counts["unchanged"] == 390
    seconds = events[-1].elapsed_seconds - events[0].elapsed_seconds
    assert events[-1].rows_per_second * seconds == pytest.approx(10)


def test_listener_can_stop_the_push(faulty):
    box = faulty(latency=0.05)

    def stop_at_fifty(one):
        if one.counts["accepted"] >= 50 and not one.is_stopping:
            one.stop()

    with pytest.raises(gp.PushInterrupted) as caught:
        gp.push(customers(5000), "id", client=box.client, progress=stop_at_fifty)
    counts = caught.value.result.counts
    assert sum(counts.values()) == 5000
    assert counts["accepted"] == len(box.stored()) >= 50
    assert counts["unknown"] == 0
    assert gp.last_result() is caught.value.result


def test_events_have_last_failures_and_messages(faulty):
    box, events = faulty(success_false=1.0), []
    gp.push(customers(30), "id", client=box.client, progress=events.append)
    assert len(events[-1].failures) == 5
    assert {one.status for one in events[-1].failures} == {"failed"}
    assert all("success_false" in one.words for one in events[-1].failures)


def test_a_run_that_ends_early_reports_why(sandbox):
    events = []
    wrong = gp.Client("wrong-key-41c0ffee", sandbox.base_url, ledger=None)
    with pytest.raises(gp.AuthenticationError):
        gp.push(customers(30), "id", client=wrong, progress=events.append)
    assert events[-1].ended == "stopped early"
    assert "GROWLYTICS_API_KEY" in events[-1].message
    assert "41c0ffee" not in repr(events)


def test_a_wrong_key_is_not_retried(sandbox):
    events = []
    with pytest.raises(gp.AuthenticationError):
        gp.push(
            customers(2), "id", client=gp.Client("another-key", sandbox.base_url, ledger=None), progress=events.append
        )
    assert "with the right API key" in render_html(events[-1])
    assert "retry()" not in render_html(events[-1])


def test_a_wrong_url_is_not_retried(faulty):
    events = []
    with pytest.raises(gp.EndpointError):
        gp.push(customers(2), "id", client=faulty(status={404: 1.0}).client, progress=events.append)
    assert "with the right URL" in render_html(events[-1])
    assert "retry()" not in render_html(events[-1])


def test_rejected_rows_are_not_retried(faulty):
    events = []
    gp.push(customers(20), "id", client=faulty(status={422: 1.0}).client, progress=events.append)
    assert ".rejects()" in render_html(events[-1])
    assert "retry()" not in render_html(events[-1])


def test_panel_and_result_advise_the_same_retry(faulty):
    for faults, call in (({"status": {422: 0.3}}, ".retry(rejected=False)"), ({}, ".retry()")):
        events = []
        client = faulty(seed=1, success_false=0.3, **faults).client
        result = gp.push(customers(40), "id", client=client, progress=events.append)
        for shown in (render_html(events[-1]), result._repr_html_()):
            assert re.findall(r"\.retry\(.*?\)", shown) == [call]


def test_speed_excludes_rows_settled_before():
    speed = Throughput()
    for second in range(21):
        speed.record(second, 1000 + (second if second <= 10 else 10 + 100 * (second - 10)))
    assert speed.now() == pytest.approx(100)
    assert speed.overall() == pytest.approx(1010 / 20)
    assert speed.seconds_left(500) == pytest.approx(5)
    assert Throughput().seconds_left(5) is None


# the picture ---------------------------------------------------------------------------------------------------


def test_hostile_messages_are_escaped_and_cut():
    failures = tuple(Failure(row, "failed", HOSTILE) for row in range(5))
    for one in (event(failures=failures), event("end", ended="stopped early", message=HOSTILE, failures=failures)):
        html = render_html(one)
        assert not re.search(r"<(script|img|style|table|td)\b", html)
        assert html.count("<div") == html.count("</div>")
        assert not set("\u202e\u2066\u200f") & set(html)
        assert "$$" not in re.sub(r"<code .*?</code>", "", html), "notebooks typeset formulas, but not in code"
        assert len(html) < 9_000
        assert max(map(len, render_text(one).splitlines())) <= 1_000


def test_no_speed_is_shown_if_most_rows_were_skipped():
    assert "rows/s" in render_text(event("end", ended="finished", accepted=60, unchanged=40))
    assert "rows/s" not in render_text(event("end", ended="finished", accepted=1, unchanged=99))


@pytest.mark.parametrize(
    ("one", "level", "words"),
    [
        (event(accepted=40), "running", "Pushing 100 rows"),
        (event(accepted=40, trouble="Nothing has succeeded for 9 s"), "warn", "for 9 s"),
        (event("end", ended="finished", accepted=99, unchanged=1), "good", "Push finished"),
        (event("end", ended="finished", accepted=90, invalid=10), "bad", "90 of 100 rows arrived; 10 need attention"),
        (
            event("end", ended="finished", accepted=90, invalid=10, n_left_out=10),
            "good",
            "10 were left out as duplicates",
        ),
        (
            event("end", ended="finished", accepted=90, invalid=10, n_left_out=8),
            "bad",
            "8 were left out as duplicates, as requested; 2 need attention",
        ),
        (event("end", ended="finished", accepted=99, failed=1), "bad", "99 of 100 rows arrived; 1 needs attention"),
        (
            event("end", ended="finished", accepted=100, n_incomplete=7),
            "warn",
            "All 100 rows arrived, 7 of them without all attributes.",
        ),
        (
            event("end", ended="finished", accepted=99, failed=1, n_incomplete=99),
            "bad",
            "none of them with all attributes",
        ),
        (event("end", ended="interrupted", accepted=40), "bad", "Push stopped: 40 of 100 rows arrived"),
        (event("end", ended="stopped early", accepted=40), "bad", "Push stopped early"),
        (event("end", ended="crashed", accepted=40), "bad", "Push crashed"),
        (event("end", ended="finished", total=0), "good", "Push finished"),
    ],
)
def test_failed_or_stopped_run_ends_red(one, level, words):
    assert level_of(one) == level
    html, text = render_html(one), render_text(one)
    assert words in html
    assert words in text
    for status, count in one.counts.items():
        if count and status != "unsent":
            assert re.search(rf">{count}</b> {status}<", html)
            assert f"{count} {status}" in text


def test_bar_never_shows_100_percent_early():
    assert "99 %" in render_html(event(accepted=99_999, total=100_000))


def test_durations_are_readable():
    assert [duration(s) for s in (0.04, 9.94, 59.4, 59.6, 3599.7)] == [
        "0.0 s",
        "9.9 s",
        "59 s",
        "1 min 00 s",
        "1 h 00 min",
    ]


# where there is no notebook ------------------------------------------------------------------------------------

SCRIPT = """
import sys
import pandas as pd
import growlytics_pandas as gp
loaded = {"tqdm", "ipywidgets", "IPython"} & set(sys.modules)
with gp.Sandbox() as box:
    gp.push(pd.DataFrame({"id": ["a", "b", "c"], "Score": 1}), "id", client=box.client, progress=OPTION)
print(loaded or "light", "ipywidgets" in sys.modules)
"""


@pytest.mark.parametrize("option", ["'auto'", "'widget'", "'text'"])
def test_without_a_notebook_progress_is_text(option):
    script = SCRIPT.replace("OPTION", option)
    ran = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "light False\n"
    assert "3/3" in ran.stderr
    assert ran.stderr.count("\r") <= 4, "a log gets few lines"


def test_false_shows_nothing():
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT.replace("OPTION", "False")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stderr == ""


def test_push_in_a_thread_shows_text(sandbox, capsys):
    results = []
    thread = threading.Thread(
        target=lambda: results.append(gp.push(customers(3), "id", client=sandbox.client, progress="widget"))
    )
    thread.start()
    thread.join()
    assert results[0].ok
    assert "3/3" in capsys.readouterr().err


def test_invalid_progress_lists_what_is_allowed(sandbox):
    with pytest.raises(gp.errors.InvalidArgumentError, match="'auto', 'widget', 'text', False"):
        gp.push(customers(3), "id", client=sandbox.client, progress="bar")


# a notebook without a front end --------------------------------------------------------------------------------

BEGIN = """
import sys, pandas as pd, growlytics_pandas as gp
from growlytics_pandas.sandbox import Faults
box = gp.Sandbox(faults=Faults(latency=0.01, success_false=0.1, seed=4)).start()
df = pd.DataFrame({"id": [f"asha.{i}@example.com" for i in range(50)], "Score": range(50)})
"""
CELLS = [
    BEGIN,
    "result = df.growlytics.push('id', client=box.client)\nresult",
    "result = df.growlytics.push('id', client=box.client, progress='text')\nresult",
    "sys.modules['ipywidgets'] = None; result = df.growlytics.push('id', client=box.client)",
    "df.growlytics.push('id', client=gp.Client('wrong-key', box.base_url, ledger=None))",
]


RUN = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, allow_errors=True, timeout=60).execute()
nbformat.write(notebook, sys.argv[1])
"""


@pytest.fixture(scope="module")
def headless(tmp_path_factory):
    """The cells, executed by nbclient: with a kernel, but without a front end. A separate process catches its output."""
    path = tmp_path_factory.mktemp("headless") / "notebook.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS]), path)
    subprocess.run([sys.executable, "-c", RUN, path], check=True, capture_output=True)
    return nbformat.read(path, as_version=4)


@pytest.mark.slow
@pytest.mark.parametrize("cell", [1, 3], ids=["with ipywidgets", "without"])
def test_headless_run_leaves_a_static_summary(headless, cell):
    panel = headless.cells[cell].outputs[0]
    assert set(panel.data) == {"text/html", "text/plain"}
    assert re.search(
        r"Push finished: \d+ of 50 rows arrived; \d+ need attention. \d+ accepted, \d+ failed \(50 rows",
        panel.data["text/plain"],
    )
    assert "asha" not in str(panel)
    assert "asha" not in str(headless.metadata)
    assert "sandbox fault" not in str(headless.metadata), "no widget state to be committed"


@pytest.mark.slow
def test_text_in_a_notebook_is_a_tqdm_bar(headless):
    outputs = headless.cells[2].outputs[:-1]
    assert {output.output_type for output in outputs} == {"stream"}
    assert "50/50" in "".join(output.text for output in outputs)


@pytest.mark.slow
def test_result_below_its_panel_does_not_repeat_it(headless):
    below_panel, below_bar = (headless.cells[cell].outputs[-1].data["text/html"] for cell in (1, 2))
    for shown in ("Push finished", "</b> accepted"):
        assert shown in below_bar
        assert shown not in below_panel
    assert "result.retry()" in below_panel


@pytest.mark.slow
def test_failed_run_saves_its_reason_in_the_panel(headless):
    panel, error = headless.cells[4].outputs
    assert "Push stopped early: 0 of 50 rows arrived; 50 need attention." in panel.data["text/plain"]
    assert "GROWLYTICS_API_KEY" in panel.data["text/html"]
    assert error.ename == "AuthenticationError"
    assert "wrong-key" not in str(panel)
