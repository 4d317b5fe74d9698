"""Progress: a text bar with or without a terminal, or a caller's function; neither can make a push fail."""

import subprocess
import sys

import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.views.events import ProgressEvent
from growlytics_pandas.views.progress import open_listener


def customers(rows):
    return pd.DataFrame({"id": [f"c{i}" for i in range(rows)], "Score": range(rows)})


def event(kind, unsent, total=10, **counts):
    done = {"accepted": total - unsent - sum(counts.values()), **counts, "unsent": unsent}
    return ProgressEvent(
        kind,
        total=total,
        counts=done,
        elapsed_seconds=1.0,
        rows_per_second=1.0,
        retries=0,
        concurrency=8,
        in_flight=0,
    )


@pytest.mark.parametrize("wrong", [True, None, "bar", 5], ids=repr)
def test_an_invalid_listener_is_rejected(wrong):
    with pytest.raises(InvalidArgumentError, match="'auto'"):
        open_listener(wrong)


def test_false_shows_nothing(sandbox, capfd):
    gp.push(customers(3), "id", client=sandbox.client, progress=False)
    assert capfd.readouterr() == ("", "")


def test_event_counts_sum_to_the_rows(faulty):
    events = []
    box = faulty(latency=0.02, success_false=0.1)
    result = gp.push(customers(300), "id", client=box.client, progress=events.append, max_concurrency=8)
    kinds = [one.kind for one in events]
    assert (kinds[0], kinds[-1]) == ("start", "end")
    assert kinds.count("start") == kinds.count("end") == 1
    assert "update" in kinds
    assert {sum(one.counts.values()) for one in events} == {300}
    assert {one.total for one in events} == {300}
    assert events[0].counts["unsent"] == 300
    assert dict(events[-1].counts) == result.counts
    unsent = [one.counts["unsent"] for one in events]
    assert unsent == sorted(unsent, reverse=True)


def test_failing_callback_does_not_affect_push(sandbox):
    calls = []

    def fragile(one):
        calls.append(one)
        raise RuntimeError("the chart is gone")

    with pytest.warns(RuntimeWarning, match="the chart is gone"):
        result = gp.push(customers(50), "id", client=sandbox.client, progress=fragile)
    assert result.counts["accepted"] == 50
    assert len(calls) == 1


def test_interrupt_in_a_callback_is_no_failure():
    def interrupted(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_listener(interrupted)(event("start", 10))


def test_text_bar_ends_at_all_rows(capsys):
    listener = open_listener("text")
    for one in (event("start", 10), event("update", 4), event("end", 0, failed=3)):
        listener(one)
    shown = capsys.readouterr().err
    assert "100%" in shown
    assert "10/10" in shown
    assert "failed=3" in shown


def test_text_bar_of_an_early_end_stops_there(capsys):
    listener = open_listener("text")
    for one in (event("start", 10), event("end", 6)):
        listener(one)
    shown = capsys.readouterr().err
    assert "4/10" in shown
    assert "100%" not in shown


def test_a_text_bar_without_rows_works(capsys):
    listener = open_listener("text")
    listener(event("start", 0, total=0))
    listener(event("end", 0, total=0))


@pytest.mark.parametrize("option", ["auto", "text"])
def test_push_without_a_terminal_works(option):
    code = f"""
import sys
sys.stdout = sys.stderr = None  # as under pythonw and in some services
import pandas as pd, growlytics_pandas as gp
with gp.Sandbox() as box:
    result = gp.push(pd.DataFrame({{"id": ["a"], "X": [1]}}), "id", client=box.client, progress={option!r})
sys.exit(0 if result.ok else 1)
"""
    assert subprocess.run([sys.executable, "-c", code], stdin=subprocess.DEVNULL, check=False).returncode == 0
