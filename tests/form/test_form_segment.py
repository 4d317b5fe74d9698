"""A segment in the form: the button and the line of code act like `push_segment`."""

import pandas as pd
import pytest


@pytest.fixture
def opened(sandbox, tmp_path, monkeypatch):
    """Open a form of customers, with the segment filled in."""
    monkeypatch.chdir(tmp_path)

    def open_(df, attribute="Is VIP", members="vip.csv"):
        form = df.growlytics.form("email", client=sandbox.client)
        form._segment.is_chosen.value = True
        form._segment.attribute.value = attribute
        form._segment.members.value = members
        return form

    return open_


def customers(first, last):
    return pd.DataFrame({"email": [f" Asha{i}@Example.com" for i in range(first, last)], "City": "Pune"})


def flags(sandbox):
    return {id_: body["Is VIP"] for id_, body in sandbox.stored().items()}


def push(form):
    assert not form._actions._push.disabled
    form._actions._push.click()
    form.wait()
    return form.result


def test_button_sends_joiners_and_leavers(sandbox, opened):
    form = opened(customers(0, 4))
    assert "4 join, 0 leave, 0 stay" in form._picture.value
    assert push(form).joined == 4
    later = opened(customers(1, 5))
    assert "1 join, 1 leave, 3 stay" in later._picture.value
    assert later._actions._push.description == "Push 2 rows"
    result = push(later)
    assert (result.joined, result.left, result.stayed) == (1, 1, 3)
    assert flags(sandbox) == {f"asha{i}@example.com": i > 0 for i in range(5)}
    assert "City" not in sandbox.stored()["asha1@example.com"]


def test_shown_call_sends_the_same(sandbox, opened):
    df = customers(0, 3)
    form = opened(df)
    line = form.line
    assert line.startswith("df.growlytics.push_segment(")
    result = eval(line.replace("client=…", "client=client"), {"df": df, "client": sandbox.client})
    assert result.joined == 3
    assert flags(sandbox) == {f"asha{i}@example.com": True for i in range(3)}


def test_a_dry_run_sends_and_writes_nothing(sandbox, opened, tmp_path):
    form = opened(customers(0, 3))
    form._actions._dry_run.click()
    form.wait()
    assert form.result.counts["unsent"] == 3
    assert sandbox.requests == 0
    assert not (tmp_path / "vip.csv").exists()


@pytest.mark.parametrize(
    ("attribute", "members", "words"),
    [
        ("", "vip.csv", "enter the segment’s attribute"),
        ("Is VIP", "", "enter the members file"),
        ("email", "vip.csv", "reserved"),
        ("Is VIP", "no folder/vip.csv", "members:"),
    ],
)
def test_invalid_segment_cannot_be_pushed(opened, attribute, members, words):
    form = opened(customers(0, 3), attribute, members)
    assert words in (form._actions.reason.value + form._problem.value).replace("<wbr>", "")
    assert form._actions._push.disabled


def test_push_is_off_if_nobody_joins_or_leaves(opened):
    push(opened(customers(0, 3)))
    form = opened(customers(0, 3))
    assert form._actions._push.disabled
    assert "no customer joins or leaves the segment" in form._actions.reason.value


def test_small_frame_is_shown_and_refused(sandbox, opened):
    push(opened(customers(0, 10)))
    form = opened(customers(0, 2))
    assert "fewer than half of the 10" in form._picture.value
    sent = sandbox.requests
    push(form)
    assert sandbox.requests == sent
    assert "allow_empty=True" in form._actions._outcome.value.replace("<wbr>", "")


def test_unticked_checkbox_pushes_the_columns(opened):
    form = opened(customers(0, 3))
    form._segment.is_chosen.value = False
    assert "push_segment" not in form.line
    assert form.plan().preview(1)[0]["attributes"][1]["name"] == "City"


def test_reading_the_frame_again_keeps_segment(sandbox, opened):
    df = customers(0, 3)
    form = opened(df)
    df.loc[3] = customers(3, 4).loc[0]
    form._read_again()
    assert form._table.layout.display == "none"
    assert push(form).joined == 4
