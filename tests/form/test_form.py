"""The form: it pushes, shows and writes as code exactly what is chosen."""

import json
import re
import subprocess
import sys
from dataclasses import fields
from html import unescape

import pandas as pd
import pytest
from support.shown import plain as plain_html

import growlytics_pandas as gp
from growlytics_pandas._text import message_style
from growlytics_pandas.columns.plan_options import PlanOptions
from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.form.snippets import IN_FORM, column_text
from growlytics_pandas.form.state import likely_id

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'</pre>\u202e" + "W" * 10_000


def customers(rows=4):
    return pd.DataFrame(
        {
            "email": [f"asha{i}@example.com" for i in range(rows)],
            "City": "Pune",
            "Orders": range(rows),
            "Secret Note": "call 9876543210",
        }
    )


def row(form, label):
    """Return the fields of a column."""
    return next(row for row in form._grid._rows.values() if row._column.label == label)


def picture(form):
    return plain_html(form._picture.value)


def button(form, title):
    """Return the button with a title."""

    def within(widget):
        yield widget
        for child in getattr(widget, "children", ()):
            yield from within(child)

    return next(one for one in within(form.widget) if getattr(one, "description", "") == title)


def problem(form):
    return form._problem.value


def outcome(form):
    return form._actions._outcome.value


def bodies_of(line, **names):
    """Return the request bodies of the push in a line of code."""
    plan = {}

    class AccessorOf:
        def __init__(self, df):
            self._df = df

        def push(self, *args, errors="raise", skip_unchanged=False, **options):
            plan["made"] = self._df.growlytics.plan(*args, **options)
            return errors, skip_unchanged

    class Frame:
        def __init__(self, df):
            self.growlytics, self.columns = AccessorOf(df), df.columns

    how = eval(line, {"df": Frame(names.pop("df")), **names})
    return plan["made"].preview(1000), how


def test_import_and_accessor_load_no_widgets():
    code = (
        "import sys, pandas as pd, growlytics_pandas; dir(pd.DataFrame({'a': [1]}).growlytics); "
        "print([m for m in sys.modules if m.startswith(('ipywidgets', 'growlytics_pandas.form'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_form_opens_with_a_likely_id():
    df = customers().assign(id=range(4))
    form = df.growlytics.form()
    assert form.line == "df.growlytics.push('id')"
    assert form.plan().preview(10) == df.growlytics.preview("id", n=10)


def test_nothing_is_sent_before_a_click(sandbox, capfd):
    form = customers().growlytics.form(client=sandbox.client)
    form._leave_out.value = True
    assert sandbox.requests == 0
    assert form.result is None
    assert capfd.readouterr() == ("", "")


LABELS = {
    "plain": ["id", "a", "b", "c"],
    "no text": ["id", 1, 2.5, None],
    "tuples": [("id", ""), ("orders", "sum"), ("orders", "mean"), ("x", 1)],
    "no literals": ["id", pd.Timestamp("2026-01-31"), float("nan"), "W" * 500],
    "hostile": ["id", HOSTILE, "a'b\"c\\", "\u202eevil\n"],
    "repeated": ["id", "a", "a", "c"],
    "surrogate": ["id", "\ud800", "b", "c"],
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("width", [0, 12])
def test_shown_call_makes_the_same_bodies(labels, width):
    more = [f"More {i}" for i in range(width)]  # more columns than MAX_COLUMNS_LISTED
    df = pd.DataFrame([["x1", 1, "two", 3.0, *more], ["x2", 4, "five", 6.0, *more]])
    df.columns = pd.Index([*labels, *more], dtype=object, tupleize_cols=False)
    form = df.growlytics.form()
    rows = [form._grid._rows[column.position] for column in form._state.columns]
    rows[1].name.value = "New 'name'"
    rows[1].type.value = "string"
    rows[2].send.value = False
    form._keep.value = "last"
    form._leave_out.value = True
    bodies, how = bodies_of(form.line, df=df)
    assert bodies == form.plan().preview(1000)
    assert len(bodies) == 2
    assert how == ("drop", False)
    if labels is not LABELS["repeated"]:
        assert {"name": "New 'name'", "type": "string", "value": "1"} in bodies[0]["attributes"]


def test_campaign_id_column_is_also_sent():
    df = customers()
    form = df.growlytics.form()
    assert row(form, "email").send.value
    row(form, "email").send.value = False
    bodies, _ = bodies_of(form.line, df=df)
    assert "email" not in {item["name"] for item in bodies[0]["attributes"]}
    assert bodies == form.plan().preview(1000)


def test_previous_id_column_becomes_an_attribute():
    df = customers().assign(customer_id=["a", "b", "c", "d"])
    form = df.growlytics.form()
    form._id.value = list(df.columns).index("City")
    assert form.line == "df.growlytics.push('City')"
    assert row(form, "customer_id").send.value
    assert not row(form, "City").send.value


def test_none_requires_a_column_and_all_resets():
    df = customers().rename(columns={"email": "id"})
    form = df.growlytics.form()
    button(form, "None").click()
    assert "columns: the list is empty" in problem(form)
    button(form, "All").click()
    assert form.line == "df.growlytics.push('id')"


def test_violations_follow_changes_before_push():
    """Violations follow each change, and the button waits for them."""
    df = customers(2).assign(email=["a@example.com"] * 2)
    form = df.growlytics.form()
    assert "id_duplicate" in picture(form)
    assert form._actions._push.disabled
    assert form._actions._push.description == "Push"
    assert "2 errors" in form._actions.reason.value
    assert "“Of rows with the same id”: send only the last" in picture(form)
    assert "errors=" not in picture(form)
    assert "● 2" in row(form, "email").becomes.value
    assert "values that cannot be sent" in form._legend.value
    form._keep.value = "first"
    assert "would be sent" in picture(form)
    form._leave_out.value = True
    assert form._actions._push.description == "Push 1 row"
    assert "Not decided yet: Orders." in form._actions.reason.value
    assert not form._actions._push.disabled
    row(form, "Orders").type.value = "number"
    assert form._actions.reason.value == ""
    button(form, "Dry run").click()
    form.wait()
    assert "Dry run of a push" in outcome(form)
    assert picture(form) == "", "the outcome shows the same"
    row(form, "City").type.value = "number"
    assert "value_wrong_type" in picture(form)
    assert "or leave out" not in picture(form), "it is ticked"
    assert "● " in row(form, "City").becomes.value


def test_invalid_choice_is_reported_and_undone():
    form = customers().growlytics.form()
    button(form, "None").click()
    assert "InvalidArgumentError" in problem(form)
    assert "columns: the list is empty" in problem(form)
    assert form._actions._push.disabled
    assert "see the error" in form._actions.reason.value
    button(form, "All").click()
    assert "would be sent" in picture(form)
    assert problem(form) == ""
    assert not form._actions._push.disabled


def test_clearing_a_name_restores_the_label():
    form = customers().growlytics.form()
    row(form, "City").name.value = "Town"
    assert form.line == "df.growlytics.push('email', rename={'City': 'Town'})"
    row(form, "City").name.value = ""
    assert form.line == "df.growlytics.push('email')"
    assert row(form, "City").name.value == "City"


def test_push_shows_the_outcome_of_every_row(sandbox):
    form = customers().growlytics.form(client=sandbox.client)
    row(form, "City").name.value = "Town"
    form._actions._push.click()
    form.wait()
    assert form.result.ok
    assert sandbox.stored()["asha1@example.com"]["Town"] == "Pune"
    assert "All 4 rows arrived" in outcome(form)
    assert gp.last_result() is form.result
    assert not form._actions._push.disabled


def test_dry_run_sends_nothing_and_needs_no_key():
    form = customers().growlytics.form()
    form._actions._dry_run.click()
    form.wait()
    assert form.result.counts["unsent"] == 4
    assert "nothing was" in outcome(form)


def test_main_button_is_what_to_do_next(sandbox, faulty):
    form = customers().growlytics.form(client=sandbox.client)
    push, retry = form._actions._push, form._actions._retry
    assert push.button_style == "primary"
    button(form, "Dry run").click()
    form.wait()
    assert push.button_style == "primary"
    push.click()
    form.wait()
    assert push.button_style == ""
    form._skip.value = True
    form._skip.value = False
    row(form, "City").name.value = "Town"
    assert push.button_style == "primary"
    other = customers(40).growlytics.form(client=faulty(seed=1, success_false=0.2).client)
    push, retry = other._actions._push, other._actions._retry
    push.click()
    other.wait()
    assert (push.button_style, retry.button_style, retry.layout.display) == ("", "primary", None)


def test_outcome_speaks_of_controls_and_the_result_of_options(sandbox):
    df = phones("+1 650-253-0000", "6502530001", "(650) 253-0002").assign(Day=["31/01/2025", "x", None])
    df.loc[3] = df.loc[2]
    form = df.growlytics.form("id", client=sandbox.client)
    form._leave_out.value = True
    form._actions._push.click()
    form.wait()
    assert "“Region of phone numbers”" in outcome(form)
    assert not re.search(r"\b(errors|region|normalize|keep|types|date_format)\b=", unescape(outcome(form)))
    assert form.result.violations["message"].str.contains("region='US'").any()


def test_marks_count_each_value_once():
    df = phones("+1 650-253-0000", "6502530001", "(650) 253-0002", "12")
    form = df.growlytics.form("id")
    marks = re.findall(r"● ([\d,]+)", row(form, "mobile").becomes.value)
    assert len([each for each in groups(form) if each.column == "mobile"]) > 1
    assert [int(each) <= len(df) for each in marks] == [True]


def test_push_without_a_key_shows_the_fix():
    form = customers().growlytics.form()
    form._actions._push.click()
    form.wait()
    assert "ApiKeyError" in outcome(form)
    assert "GROWLYTICS_API_KEY" in outcome(form)
    assert not form._actions._push.disabled


def test_stop_gives_every_row_an_outcome(faulty):
    box = faulty(latency=0.05)
    form = customers(3000).growlytics.form(client=box.client)
    seen = []
    form._actions._outcome.observe(seen.append, "value")

    def stop_when_it_moves(change):
        if "to go" in change.new:
            form._actions._stop.click()

    form._actions._outcome.observe(stop_when_it_moves, "value")
    form._actions._push.click()
    form._actions._push.click()  # a double click is one push
    form.wait()
    assert form.result.run.ended == "interrupted"
    assert form.result.counts["unsent"] > 0
    assert sum(form.result.counts.values()) == 3000
    assert len(box.stored()) == form.result.counts["accepted"]


def test_retry_sends_the_rest_of_the_current_push(faulty):
    box = faulty(latency=0.05)
    form = customers(1000).growlytics.form(client=box.client)
    retry = form._actions._retry
    assert retry.layout.display == "none"

    def stop_when_it_moves(change):
        if "to go" in change.new:
            form._actions._stop.click()

    form._actions._outcome.observe(stop_when_it_moves, "value")
    form._actions._push.click()
    form.wait()
    form._actions._outcome.unobserve_all()
    n_open = form.result.counts["unsent"]
    assert retry.layout.display is None
    assert retry.description == f"Retry {n_open:,} rows"
    form._skip.value = True
    assert retry.layout.display == "none"
    form._skip.value = False
    retry.click()
    form.wait()
    assert form.result.ok
    assert len(box.stored()) == 1000
    assert "All 1,000 rows arrived" in outcome(form)
    assert retry.layout.display == "none"


def test_retry_counts_only_rows_that_it_sends(faulty):
    form = customers(100).growlytics.form(client=faulty(seed=1, status={422: 0.2}, success_false=0.2).client)
    form._actions._push.click()
    form.wait()
    n_rejected = int((form.result.outcomes["http_status"] == 422).sum())
    n_others = form.result.counts["failed"] - n_rejected
    assert n_rejected > 0 < n_others
    assert form._actions._retry.description == f"Retry {n_others} rows"
    form._actions._retry.click()
    form.wait()
    assert form.result.run.retried == n_others


def test_retry_is_not_offered_if_all_rows_were_rejected(faulty):
    form = customers().growlytics.form(client=faulty(status={422: 1.0}).client)
    form._actions._push.click()
    form.wait()
    assert form._actions._retry.layout.display == "none"
    assert "Correct 4 rows that the service rejected" in outcome(form)


def test_plan_gives_way_to_the_progress(faulty):
    form = customers(1000).growlytics.form(client=faulty(latency=0.05).client)
    plans = []

    def look(change):
        if "to go" in change.new:
            plans.append(picture(form))

    form._actions._outcome.observe(look, "value")
    form._actions._push.click()
    form.wait()
    assert plans
    assert set(plans) == {""}


def test_result_is_marked_as_old_after_a_change(sandbox):
    form = customers().growlytics.form(client=sandbox.client)
    form._actions._push.click()
    form.wait()
    assert "Old result" not in outcome(form)
    row(form, "City").name.value = "Town"
    assert "Old result" in outcome(form)
    assert "All 4 rows arrived" in outcome(form)
    row(form, "City").name.value = "City"
    assert "Old result" not in outcome(form)


def test_next_steps_name_the_form_variable(sandbox, monkeypatch):
    form = customers().growlytics.form(client=sandbox.client)
    form._actions._dry_run.click()
    form.wait()
    assert "growlytics_pandas.last_result()" in outcome(form)
    monkeypatch.setattr(sys.modules["__main__"], "my_form", form, raising=False)
    form._actions._dry_run.click()
    form.wait()
    assert "my_form.result" in outcome(form)


def test_frame_is_read_again_with_the_choices(sandbox, monkeypatch):
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "winners", customers().assign(Score="n/a"), raising=False)
    form = main.winners.growlytics.form(client=sandbox.client)
    row(form, "City").name.value = "Town"
    row(form, "Orders").send.value = False
    form._leave_out.value = True
    form._actions._dry_run.click()
    form.wait()
    again = button(form, "Read winners again")
    monkeypatch.setattr(main, "winners", customers(7).assign(Level=3))
    again.click()
    assert form.line == (
        "winners.growlytics.push(\n"
        "    'email',\n"
        "    columns=['email', 'City', 'Secret Note', 'Level'],\n"
        "    rename={'City': 'Town'},\n"
        "    errors='drop',\n"
        "    client=…,\n"
        ")  # replace … with the client that you gave to form()"
    )
    assert "All 7 rows would be sent" in picture(form)
    assert "Old result" in outcome(form)
    monkeypatch.setattr(main, "winners", "no frame at all")
    again.click()
    assert "InvalidArgumentTypeError" in problem(form)
    assert len(form.plan().frame) == 7


def test_unnamed_frame_is_read_again_as_it_is():
    df = customers()
    form = df.growlytics.form()
    df.loc[0, "City"] = "Delhi"
    assert form.plan().preview(1)[0]["attributes"][1]["value"] == "Pune"
    button(form, "Read df again").click()
    assert form.plan().preview(1)[0]["attributes"][1]["value"] == "Delhi"


def test_reading_again_keeps_the_id_if_present(monkeypatch):
    main = sys.modules["__main__"]
    labels = [("orders", "sum"), ("id", ""), ("x", 1)]
    frame = pd.DataFrame([[1, "a", 2], [3, "b", 4]])
    frame.columns = pd.Index(labels, dtype=object, tupleize_cols=False)
    monkeypatch.setattr(main, "winners", frame, raising=False)
    form = frame.growlytics.form(("id", ""))
    again = button(form, "Read winners again")
    again.click()
    assert form.line == "winners.growlytics.push(('id', ''))"
    monkeypatch.setattr(main, "winners", customers())
    again.click()
    assert form.line == "winners.growlytics.push('email')"
    by_index = customers().set_index("email")
    monkeypatch.setattr(main, "winners", by_index)
    again.click()
    assert form.line == by_index.growlytics.form("email").line


def test_rejected_key_is_reported_and_hidden(sandbox):
    client = gp.Client("a-secret-that-is-wrong", sandbox.base_url, ledger=None)
    form = customers().growlytics.form(client=client)
    form._actions._push.click()
    form.wait()
    assert outcome(form).count("rejected the API key") == 1
    assert "a client that has the right API key" in outcome(form)
    assert form._actions._retry.layout.display == "none"
    everything = json.dumps(form._repr_mimebundle_(), default=str) + outcome(form) + form.line + repr(form)
    assert "a-secret" not in everything


def test_values_are_masked_unless_requested():
    """Values are masked unless they are requested, and always in the saved picture."""
    form = customers().growlytics.form()
    assert "asha1@example.com" not in picture(form)
    assert "9876543210" not in picture(form)
    form._show_values.value = True
    assert "asha1@example.com" in picture(form)
    saved = form._repr_mimebundle_()
    assert set(saved) >= {"text/html", "text/plain", "application/vnd.jupyter.widget-view+json"}
    assert "asha1" not in saved["text/html"] + saved["text/plain"]


def test_outcome_shows_values_while_that_is_ticked(faulty):
    form = customers().growlytics.form(client=faulty(status={422: 1.0}).client)
    form._show_values.value = True
    form._actions._push.click()
    form.wait()
    assert "asha1@example.com" in outcome(form)
    saved = form._repr_mimebundle_()
    assert "asha1" not in saved["text/html"] + saved["text/plain"]
    assert "a•••" in saved["text/html"]
    form._show_values.value = False
    assert "asha1" not in outcome(form)
    assert "a•••" in outcome(form)


def test_push_uses_the_frame_that_was_shown(sandbox):
    df = customers()
    form = df.growlytics.form(client=sandbox.client)
    df["Added Later"] = 1
    df.loc[0, "City"] = "Delhi"
    form._actions._push.click()
    form.wait()
    assert "Added Later" not in sandbox.stored()["asha0@example.com"]
    assert sandbox.stored()["asha0@example.com"]["City"] == "Pune"


def test_sample_is_labelled_and_dry_run_is_full(monkeypatch):
    monkeypatch.setattr("growlytics_pandas.form.widget.CHECKED_ROWS", 3)
    df = customers(5)
    df.loc[4, "email"] = None
    form = df.growlytics.form()
    assert "For the first 3 rows; a dry run checks all 5." in picture(form)
    form._actions._dry_run.click()
    form.wait()
    assert form.result.counts["invalid"] == 1


def test_hostile_text_stays_text_everywhere():
    df = pd.DataFrame({"id": [HOSTILE, "b"], HOSTILE: [HOSTILE, "x"], "email": HOSTILE})
    form = df.growlytics.form()
    form._show_values.value = True
    row(form, "email").name.value = HOSTILE
    shown = picture(form) + form._code.value + form._repr_mimebundle_()["text/html"]
    assert "<script" not in shown
    assert "<img" not in shown
    assert "\u202e" not in shown
    assert len(form._repr_mimebundle_()["text/plain"]) < 15_000
    for title, _ in form._id.options:
        assert len(title) < 100
        assert "\u202e" not in title


def test_wide_frame_shows_every_column_in_pages():
    df = pd.DataFrame({"id": ["a"], **{f"C{i}": [i] for i in range(99)}})
    form = df.growlytics.form()
    grid = form._grid
    assert "columns 1 to 40 of 100" in grid._where.value
    grid._after.click()
    grid._after.click()
    assert "columns 81 to 100 of 100" in grid._where.value
    row(form, "C98").send.value = False
    grid._before.click()
    assert len(form.plan()._schema.attributes) == 98
    bodies, _ = bodies_of(form.line, df=df)
    assert bodies == form.plan().preview(10)


def test_shown_call_uses_notebook_variables(sandbox, monkeypatch):
    main = sys.modules["__main__"]
    mine, box = customers(), sandbox
    monkeypatch.setattr(main, "winners", mine, raising=False)
    line = mine.growlytics.form(client=box.client).line
    assert line == "winners.growlytics.push('email', client=…)  # replace … with the client that you gave to form()"
    monkeypatch.setattr(main, "the_box", box, raising=False)
    assert mine.growlytics.form(client=box.client).line == "winners.growlytics.push('email', client=the_box.client)"


def test_name_lookup_runs_no_notebook_code(sandbox, monkeypatch):
    class Lazy:
        looks = 0

        @property
        def client(self):
            Lazy.looks += 1

    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "lazy", Lazy(), raising=False)
    monkeypatch.setattr(main, "stopped", gp.Sandbox(), raising=False)
    assert "client=…" in customers().growlytics.form(client=sandbox.client).line
    assert Lazy.looks == 0


@pytest.mark.parametrize("df", [pd.DataFrame(), pd.DataFrame([[1, 2]], columns=["a", "a"])], ids=["empty", "repeated"])
def test_frame_without_a_possible_id_is_refused(df):
    with pytest.raises(InvalidArgumentError, match="form: "):
        df.growlytics.form()


def test_form_without_rows_cannot_push():
    form = pd.DataFrame({"id": [], "City": []}).growlytics.form()
    assert form._actions._push.disabled


def test_id_column_can_be_given(sandbox):
    form = customers().growlytics.form("City", client=sandbox.client)
    assert form.line.startswith("df.growlytics.push('City'")
    with pytest.raises(InvalidArgumentError, match=r"no column 'Cty'\. Did you mean 'City'"):
        customers().growlytics.form("Cty", client=sandbox.client)


def messy(rows=6):
    return pd.DataFrame(
        {
            "id": [f" c{i}" for i in range(rows)],
            "Joined": ["31/01/2025", "28/02/2025", "NULL", "15/03/2025", "1/4/2025", "2/5/2025"][:rows],
            "City": "Pune",
            "VIP": ["yes", "no", "yes", "yes", "no", "no"][:rows],
        }
    )


def test_suggestions_are_preselected_and_visible():
    df = messy()
    form = df.growlytics.form("id")
    for label, words in (
        ("Joined", "31/01/2025 → date; NULL missing"),
        ("VIP", "yes, no → boolean"),
        ("id", "stripped"),
    ):
        assert row(form, label).type.value == "suggested"
        assert f">{words}<" in row(form, label).becomes.value
    assert row(form, "City").type.value == "auto"
    bodies, _ = bodies_of(form.line, df=df)
    assert bodies == form.plan().preview(1000) == gp.preview(df, "id", n=1000, **gp.suggest(df, "id"))


def test_suggestions_can_be_declined_and_restored():
    df = messy()
    form = df.growlytics.form("id")
    suggested = form.line
    row(form, "Joined").type.value = "string"
    row(form, "VIP").type.value = "auto"
    row(form, "id").type.value = "auto"
    assert form.line == "df.growlytics.push('id', types={'Joined': 'string'})"
    (use_all,) = [button for button in buttons(form.widget) if button.description == "Use all suggestions"]
    use_all.click()
    assert form.line == suggested


def test_shown_call_omits_unsent_suggestions():
    form = messy().growlytics.form("id")
    row(form, "Joined").send.value = False
    row(form, "VIP").send.value = False
    assert form.line == "df.growlytics.push('id', columns=['City'], strip=['id'])"


def buttons(widget):
    """Every button in a widget."""
    for child in getattr(widget, "children", ()):
        if type(child).__name__ == "Button":
            yield child
        yield from buttons(child)


@pytest.mark.parametrize("index", [["a", "b", "c"], ["asha@x.com", "anil@x.com", "ravi@x.com"]])
def test_named_index_is_the_likely_id(index):
    df = pd.DataFrame({"Last seen ms": [1, 2, 3], "City": "Pune"}, index=pd.Index(index, name="Member"))
    assert df.growlytics.form().line.startswith("df.growlytics.push('Member'")


def test_known_id_label_wins_over_the_index():
    df = pd.DataFrame({"Customer ID": ["a", "b"], "City": "Pune"}, index=pd.Index([7, 8], name="row"))
    assert df.growlytics.form().line == "df.growlytics.push('Customer ID')"


def test_addresses_are_likelier_ids_than_phone_numbers():
    df = pd.DataFrame({"Phone": ["9919211112", "9919211113"], "Email Address": ["a@x.com", "b@x.com"]})
    assert likely_id(df) == "Email Address"


@pytest.mark.parametrize("label", ["Kundennr", "Customer Number", "N° client", "cust_no"])
def test_customer_numbers_are_likelier_than_contacts(label):
    df = pd.DataFrame({"email": ["a@x.com", "b@x.com"], "E-Mail": ["a@x.com", "b@x.com"], label: ["K1", "K2"]})
    assert likely_id(df) == label
    assert likely_id(df.assign(**{label: "K1"})) == "email"


def opened(df):
    """Return the id column with which the form opens; None if the user has to choose it."""
    form = df.growlytics.form()
    return form._state.id_column.label if form._state.has_id else None


NUMBERS = ["000123456", "000123457", "000123458"]
ADDRESSES = ["a@x.com", "b@x.com", "c@x.com"]
MOBILES = ["9815908301", "9351819093", "9351819094"]
SHARED = ["9815908301", "9351819093", "9351819093"]
LIKELIER = {
    "Patient ID": {"Patient ID": NUMBERS, "Mobile": SHARED},
    "Id huésped": {"Phone": MOBILES, "Email": ADDRESSES, "Id huésped": NUMBERS},
    "Student Code": {"Contact No": MOBILES, "Student Code": NUMBERS},
    "UHID": {"Email": ADDRESSES, "UHID": NUMBERS},
    "Loyalty ID": {"E-mail": ADDRESSES, "Loyalty ID": NUMBERS},
    "Email ID": {"Order ID": NUMBERS, "Voter ID": NUMBERS, "Mobile": MOBILES, "Email ID": ADDRESSES},
    "Mobile": {"City": ["Pune"] * 3, "Transaction ID": NUMBERS, "Mobile": MOBILES},
    "Guest ID": {"Order ID": NUMBERS, "Mobile": SHARED, "email": ["a@x.com"] * 3, "Guest ID": ["7", "7", "8"]},
}


@pytest.mark.parametrize("label", LIKELIER)
def test_customers_ids_are_likelier_than_addresses_and_these_than_phones(label):
    assert opened(pd.DataFrame(LIKELIER[label])) == label


def test_id_with_a_few_gaps_is_likelier_than_shared_phones():
    uhid = pd.Series([f"UH{i:06}" for i in range(3000)])
    uhid[:6], uhid[10:14] = None, uhid[20:24].tolist()
    mobile = pd.Series([str(9815908301 + i) for i in range(3000)])
    mobile[:89], mobile[100:222] = None, mobile[300:422].tolist()
    assert opened(pd.DataFrame({"Mobile": mobile, "UHID": uhid})) == "UHID"


@pytest.mark.parametrize("columns", [{"Mobile": SHARED}, {"Order ID": NUMBERS}, {"Voter ID": NUMBERS, "Phone": SHARED}])
def test_shared_phones_and_ids_of_orders_are_no_likely_ids(columns):
    assert opened(pd.DataFrame(columns)) is None


def test_region_settles_phone_numbers():
    phones = ["0171 1234567", "+49 171 2345678", "0049 1713456789", "+43 664 1234567"] * 5
    df = pd.DataFrame({"id": range(20), "mobile": phones})
    form = df.growlytics.form()
    assert "normalize" not in form.line
    form._region.value = "DE"
    assert "normalize={'mobile': 'E.164'}, region='DE'" in form.line


@pytest.mark.parametrize("label", ["E-mail", "Partner key", "member_uuid"])
def test_unique_column_with_an_id_word_is_likely(label):
    df = pd.DataFrame({"City": ["Pune", "Goa"], label: ["a@x.com", "b@x.com"]})
    assert df.growlytics.form().line.startswith(f"df.growlytics.push({label!r}")


def test_without_a_likely_id_push_is_off():
    df = pd.DataFrame({"Last seen ms": [1706521244882, 1706521244883], "City": ["Pune", "Goa"]})
    form = df.growlytics.form()
    assert button(form, "Push").disabled
    assert form._id.label == "choose the id column …"
    assert form.line == "df.growlytics.push(id_col=…)"
    assert "choose the id column" in form._actions.reason.value
    assert problem(form) == "", "said once"
    form._id.value = 1
    assert form.line.startswith("df.growlytics.push('City'")
    assert not button(form, "Push 2 rows").disabled


def test_plan_counts_unchanged_rows_if_they_are_skipped(sandbox):
    df = customers()
    gp.push(df, "email", client=sandbox.client, progress=False)
    df.loc[0, "City"] = "Goa"
    form = df.growlytics.form("email", client=sandbox.client)
    assert button(form, "Push 4 rows")
    form._skip.value = True
    assert button(form, "Push 1 row")
    assert "1 of 4 rows would be sent" in picture(form)
    assert "<b>3</b> unchanged" in picture(form)


def test_push_is_off_with_nothing_to_send(sandbox):
    df = customers()
    gp.push(df, "email", client=sandbox.client, progress=False)
    form = df.growlytics.form("email", client=sandbox.client)
    form._skip.value = True
    assert button(form, "Push").disabled
    assert "Push is off: no customer has changed." in form._actions.reason.value
    form._skip.value = False
    assert not button(form, "Push 4 rows").disabled
    invalid = df.assign(email=None).growlytics.form("email", client=sandbox.client)
    invalid._leave_out.value = True
    assert button(invalid, "Push").disabled
    assert "every row is invalid" in invalid._actions.reason.value


def test_names_of_customers_are_no_ids():
    assert likely_id(pd.DataFrame({"Customer": ["Asha Rao", "Ravi Iyer"], "City": ["Pune", "Goa"]})) is None
    assert likely_id(pd.DataFrame({"City": ["Pune", "Goa"], "customer": [7, 9]})) == "customer"


def test_use_all_sends_an_id_that_is_a_contact():
    df = pd.DataFrame({"Customer E-mail": ["a@example.com", "b@example.com"], "City": ["Pune", "Goa"]})
    form = df.growlytics.form("Customer E-mail")
    button(form, "Use all suggestions").click()
    assert form.plan().preview() == gp.preview(df, "Customer E-mail", **gp.suggest(df, "Customer E-mail"))
    assert form.plan().preview()[0]["attributes"][0]["name"] == "email"


def test_front_columns_of_rejects_are_not_listed():
    rejects = gp.plan(pd.DataFrame({"id": ["a", None], "City": ["Pune", "Goa"]}), "id").rejects()
    assert list(rejects.growlytics.form("id")._grid._rows) == [4, 5]


def test_what_a_chosen_type_needs_is_offered_at_once():
    df = pd.DataFrame({"id": list("abc"), "Blob": [1706521244882, 1717954527520, 1725626167602]})
    form = df.growlytics.form()
    row(form, "Blob").type.value = "date"
    assert form.plan().has_errors
    assert "suggested: milliseconds since 1970 → date" in row(form, "Blob").becomes.value
    assert "“read as” of Blob: milliseconds since 1970 → date" in picture(form)
    row(form, "Blob").type.value = "suggested"
    assert form.line == "df.growlytics.push('id', date_format={'Blob': 'epoch_ms'})"
    assert not form.plan().has_errors


def test_reserved_attribute_offers_only_text():
    df = pd.DataFrame(
        {"id": list("abc"), "Phone": ["31/01/2025", "28/02/2025", "15/03/2025"], "email": "a@example.com"}
    )
    form = df.growlytics.form("id")
    assert set(row(form, "email").type.options) == {"auto", "string"}
    row(form, "Phone").type.value = "date"
    row(form, "Phone").name.value = "mobile"
    assert row(form, "Phone").type.value == "auto"
    assert not {"number", "boolean", "date"} & set(row(form, "Phone").type.options)
    assert problem(form) == ""
    row(form, "Phone").type.value = "string"
    assert problem(form) == ""


def phones(*texts):
    return pd.DataFrame({"id": range(len(texts)), "mobile": texts, "City": "Pune"})


def test_region_of_phone_numbers_can_be_chosen():
    df = phones("415-200-1234", "415-200-1235", "415-200-1236")
    form = df.growlytics.form("id")
    assert "mobile_invalid" in picture(form)
    assert "set “Region of phone numbers” to its country" in picture(form)
    assert form._region.layout.display == "flex"
    form._region.value = "US"
    assert "mobile_invalid" not in picture(form)
    row(form, "mobile").type.value = "phone with +code"
    assert form.line == "df.growlytics.push('id', normalize={'mobile': 'E.164'}, region='US')"
    bodies, _ = bodies_of(form.line, df=df)
    assert bodies == form.plan().preview(10)
    assert bodies[0]["attributes"][0]["value"] == "+14152001234"
    form._region.value = "XX"
    assert "two-letter codes" in problem(form)
    assert customers().growlytics.form()._region.layout.display == "none"


def test_suggested_types_have_an_example():
    df = pd.DataFrame({"id": [1, 2], "Visits": ["7", "12"], "Active": ["yes", "no"]})
    form = df.growlytics.form("id")
    for label, words in {"Visits": "7 → number", "Active": "yes, no → boolean"}.items():
        assert f">{words}<" in row(form, label).becomes.value


def test_categories_in_several_cases_need_no_region():
    df = pd.DataFrame({"id": range(7), "Tier": ["Gold"] * 6 + ["gold"]})
    form = df.growlytics.form("id")
    assert form._region.layout.display == "none"
    row(form, "Tier").type.value = "lower case"
    assert form.line == "df.growlytics.push('id', normalize={'Tier': 'lower'})"


DECISIONS = {
    "region": (phones("+1 650-253-0000", "6502530001", "(650) 253-0002"), "mobile", "“Region of phone numbers”"),
    "date_format": (
        pd.DataFrame({"id": [1, 2], "Joined": ["01/02/2025", "03/04/2025"]}),
        "Joined",
        "string, 31/01/2025 → date or 01/31/2025 → date",
    ),
    "decimal": (
        pd.DataFrame({"id": [1, 2], "Price": ["1.234", "2.345"]}),
        "Price",
        "string, 1.234,50 → number or 1,234.50 → number",
    ),
    "types": (pd.DataFrame({"id": [1, 2, 3], "Active": [0, 1, None]}), "Active", "number or boolean"),
    "exclude": (pd.DataFrame({"id": [1, 2], "Tags": ["['a']", "['b', 'c']"]}), "Tags", "whether to send it"),
}


@pytest.mark.parametrize("case", DECISIONS.values(), ids=DECISIONS)
def test_what_is_to_decide_is_shown_with_its_choices(case):
    df, label, words = case
    form = df.growlytics.form("id")
    assert f"to decide: {words}<" in row(form, label).becomes.value
    for choice in re.split(", | or ", words):
        if "→" in choice or choice in ("boolean", "number", "string"):
            row(form, label).type.value = "auto"
            row(form, label).type.value = choice
            assert "to decide" not in row(form, label).becomes.value
            bodies, _ = bodies_of(form.line, df=df)
            assert bodies == form.plan().preview(10)
            assert row(form, label).type.value == choice


@pytest.mark.parametrize("missing", [[], ["–"]])
def test_decision_can_be_changed_directly(missing):
    texts = ["1.234", "2.345", "3.456", "4.567", *missing * 2]
    df = pd.DataFrame({"id": range(len(texts)), "Price": texts})
    form = df.growlytics.form("id")
    also = ", na_values={'Price': ['–']}" if missing else ""
    readings = {"1.234,50 → number": ",", "1,234.50 → number": "."}
    for words in [*readings, *readings]:
        row(form, "Price").type.value = words
        assert form.line == f"df.growlytics.push('id', decimal={{'Price': '{readings[words]}'}}{also})"
        assert row(form, "Price").type.value == words
        assert "suggested" not in row(form, "Price").becomes.value
    button(form, "Read df again").click()
    assert row(form, "Price").type.value == words
    row(form, "Price").type.value = "string"
    assert set(readings) <= set(row(form, "Price").type.options)


def plain(form):
    """Choose no reading."""
    for one in form._grid._rows.values():
        one.type.value = "auto"


def as_type(label, type_):
    """Choose a type for a column."""

    def choose(form):
        plain(form)
        row(form, label).type.value = type_

    return choose


def own_names(form):
    """Send each column by its label."""
    for one in form._grid._rows.values():
        one.name.value = ""


FIXES = {
    "types": ({"id": ["a"], "Code": [2**60]}, plain, "integer_unsafe"),
    "date_format": (
        {"id": ["a", "b"], "Day": ["31/01/2025", "28/02/2025"]},
        as_type("Day", "date"),
        "value_wrong_type",
    ),
    "decimal": ({"id": ["a", "b"], "Price": ["1.234,50", "2,75"]}, as_type("Price", "number"), "value_wrong_type"),
    "na_values": ({"id": ["a", "b", "c"], "City": ["Pune", "NULL", "Goa"]}, plain, "value_stringified"),
    "strip": ({"id": ["a", "b"], "City": [" Pune", "Goa"]}, plain, "value_whitespace"),
    "normalize": ({"id": [" abc", "ABC"], "City": "Pune"}, lambda _: None, "id_case_duplicate"),
    "rename": ({"id": ["a"], " City ": ["Pune"]}, own_names, "attribute_name_whitespace"),
    "exclude": (
        {"id": list("abc"), "Unnamed: 0": range(3), "City": "Pune"},
        lambda f: button(f, "All").click(),
        "index_column",
    ),
    "timezone": (
        {"id": list("abcd"), "Day": pd.date_range("2025-01-01", periods=4, tz="Asia/Kolkata")},
        plain,
        "date_shifted",
    ),
    "keep": ({"id": ["a", "a"], "City": ["Pune", "Goa"]}, plain, "id_duplicate"),
    "errors": ({"id": ["a", None], "City": "Pune"}, plain, "id_missing"),
}


@pytest.mark.parametrize("case", FIXES.values(), ids=FIXES)
def test_every_fix_can_be_chosen_as_it_is_named(case):
    columns, prepare, rule = case
    df = pd.DataFrame(columns)
    form = df.growlytics.form("id")
    prepare(form)
    (fix,) = [group.fix for group in groups(form) if group.rule == rule]
    assert fix in unescape(picture(form))
    form = follow(fix, form, df)
    assert problem(form) == ""
    is_done = rule not in [group.rule for group in groups(form)]
    assert is_done or (rule in ("id_duplicate", "id_missing") and not form._actions._push.disabled)


def groups(form):
    """Return the violations in the words of the form, by rule and column."""
    with message_style(IN_FORM):
        return form._checked._findings.groups()


def follow(fix, form, df):
    """Choose in the form what a fix names; return the form."""
    if call := re.search(r"form\((.*)\)", fix):
        return eval(f"df.growlytics.form('id', {call[1]})", {"df": df})
    if "“Leave out invalid rows and values”" in fix:
        form._leave_out.value = True
    elif keep := re.search("“Of rows with the same id”: (.*)", fix):
        form._keep.label = keep[1]
    elif label := re.search("no tick at (.*)", fix):
        row(form, label[1]).send.value = False
    else:
        control, label, words = re.search("“(.*)” of (.*): (.*)", fix).groups()
        fields = next(one for one in form._grid._rows.values() if column_text(one._column) == label)
        if control == "attribute name":
            fields.name.value = words
        elif f"suggested: {words}<" in fields.becomes.value:
            fields.type.value = "suggested"
        else:
            fields.type.value = words
    return form


OPTIONS = {
    "rename": {"Town": "City"},
    "types": {"Code": "string"},
    "date_format": {"Joined": ["%d/%m/%Y", "ISO8601"]},
    "decimal": {"Price": ","},
    "na_values": {"Town": ["–"]},
    "strip": ["Town"],
    "normalize": {"mobile": "national"},
    "timezone": "Asia/Kolkata",
    "region": "GB",
    "keep": "last",
    "name": "customers",
    "new_attributes": "forbid",
}


def test_form_starts_with_the_options_of_a_plan(sandbox):
    df = pd.DataFrame(
        {
            "id": ["a", "b", "b"],
            "Town": [" Pune", "–", "Goa"],
            "Code": [1, 2, 3],
            "Joined": ["31/01/2025", "2025-02-28", None],
            "Price": ["1,5", "2,5", "3,5"],
            "mobile": "020 7946 0018",
        }
    )
    assert {one.name for one in fields(PlanOptions)} == {*OPTIONS, "columns", "exclude"}
    form = df.growlytics.form("id", client=sandbox.client, **OPTIONS)
    plan = gp.plan(df, "id", client=sandbox.client, **OPTIONS)
    assert form.plan()._options == plan._options
    assert form.plan().preview(10) == plan.preview(10)
    assert row(form, "Code").type.value == "string"
    assert form._keep.value == "last"
    assert df.growlytics.form("id", columns=["Town", "Code"])._state.sent[1].label == "Code"
    assert not row(df.growlytics.form("id", exclude=["Code"]), "Code").send.value
    button(form, "Read df again").click()
    assert form.plan()._options == plan._options


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"types": {"Cty": "string"}}, "no column 'Cty'"),
        ({"types": {"email": "number"}}, "email"),
        ({"keeep": "last"}, "Did you mean 'keep'"),
        ({"errors": "drop"}, "is an option of push"),
    ],
)
def test_form_refuses_options_that_a_plan_refuses(option, words):
    with pytest.raises((ValueError, TypeError), match=words):
        customers().growlytics.form("email", **option)


def test_options_are_checked_before_an_id_is_chosen():
    df = pd.DataFrame({"City": ["Pune", "Goa"], "Orders": [1, 2]})
    with pytest.raises(InvalidArgumentError, match="no column 'Cty'"):
        df.growlytics.form(types={"Cty": "string"})
    form = df.growlytics.form(types={"Orders": "string"}, keep="first")
    form._id.value = 0
    assert form.line == "df.growlytics.push('City', types={'Orders': 'string'}, keep='first')"


def test_suggestion_and_reading_can_be_combined():
    df = pd.DataFrame({"id": range(40), "mobile": ["9919211112", "call me", "099192 11113", "none"] * 10})
    form = df.growlytics.form("id")
    row(form, "mobile").type.value = "auto"
    row(form, "mobile").type.value = "phone with +code"
    row(form, "mobile").type.value = "suggested"
    assert "normalize={'mobile': 'E.164'}" in form.line
    assert "na_values={'mobile': ['none']}" in form.line


def test_words_for_missing_can_be_chosen():
    df = pd.DataFrame({"id": range(40), "Fee": ["1,234.50"] * 36 + ["TBC"] * 4})
    form = df.growlytics.form("id")
    assert "to decide: TBC missing?" in row(form, "Fee").becomes.value
    assert "“read as” of Fee: TBC missing" in picture(form)
    words = next(each for each in row(form, "Fee").type.options if "TBC missing" in each)
    row(form, "Fee").type.value = words
    assert "na_values={'Fee': ['TBC']}" in form.line
    assert "value_wrong_type" not in picture(form)


def test_dry_run_with_errors_does_not_advise_a_push():
    form = customers(2).assign(email=["a@example.com"] * 2).growlytics.form()
    button(form, "Dry run").click()
    form.wait()
    assert "push it" not in outcome(form)
    form._leave_out.value = True
    button(form, "Dry run").click()
    form.wait()
    assert "If it looks right, push it." in outcome(form)
