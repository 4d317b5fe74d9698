import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas._masking import Masker, mask_value, scrub, visible


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("asha@example.com", "a•••@e•••.com"),
        ("asha@localhost", "a•••@l•••"),
        ("+919876543210", "+91•••10"),
        ("+1 202 555 0123", "+1•••23"),
        ("+353 1 234 5678", "+353•••78"),
        ("+1-202", "•••02"),  # too few digits to show a code
        (919876543210, "•••10"),
        ("Asha Rao", "A•••"),
        ("आशा राव", "आ•••"),
        ("c17", "•••"),
        ("", "•••"),
        (None, "–"),
        (float("nan"), "–"),
        (pd.NA, "–"),
        (["asha@example.com", "x"], "[•••@e•••.com', 'x']"),
    ],
)
def test_mask_shows_a_letter_or_two_digits(value, shown):
    assert mask_value(value) == shown


def test_mask_hides_the_length():
    assert mask_value("Asha Rao") == mask_value("A" * 10_000)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("asha.rao+x@mail.example.co.in is taken", "a•••@m•••.in is taken"),
        ("call 98765 43210 or (022) 2345-6789", "call •••10 or (•••89"),
        ("on 2026-01-31 09:30:00, row 12345", "on 2026-01-31 09:30:00, row 12345"),
        ("year 12026-01-31 00:00:00", "year 12026-01-31 00:00:00"),
        ("9007199254740993 is beyond 2^53", "9007199254740993 is beyond 2^53"),
    ],
)
def test_contacts_in_text_are_masked_not_dates(text, shown):
    assert scrub(text) == shown


def test_values_in_server_messages_are_masked():
    masker = Masker()
    secrets = ("C-1041", "Asha", "Asha  Rao", None)
    assert masker.words("customer C-1041 (Asha Rao) exists", secrets) == "customer •••41 (A•••) exists"
    assert Masker(is_on=False).words("customer C-1041", ("C-1041",)) == "customer C-1041"


def test_invisible_and_long_text():
    assert visible("a\u202eb\u200b\x1b") == "a⟨U+202E⟩b⟨U+200B⟩⟨U+001B⟩"
    assert visible("\ud800") == "⟨U+D800⟩"
    assert visible("क्\u200dष 👩\u200d👩") == "क्\u200dष 👩\u200d👩"
    assert visible("x" * 10_000) == "x" * 120 + "… (10,000 characters)"


def test_masking_hostile_text_is_fast():
    for text in ("@" * 10_000, "a" * 100_000, "1" * 100_000, "1 " * 50_000, "a@" * 50_000):
        assert len(Masker().cell(text)) < 500
        assert len(Masker().identity(text)) < 500


@pytest.mark.parametrize("label", ["E-mail", "Phone", "Full Name", "first_name", "WhatsApp No"])
def test_contacts_under_other_labels(label):
    df = pd.DataFrame({"id": ["c1", "c2"], label: ["Asha Raghunathan \ufffd", "Ravi Krishnamurthy"]})
    plan = gp.plan(df, "id")
    assert "text_damaged" in plan.violations["rule"].tolist()
    for shown in (plan._repr_html_(), plan.violations._repr_html_(), plan.schema._repr_html_()):
        assert "Raghunathan" not in shown


def test_rejects_show_whole_reasons(sandbox):
    df = pd.DataFrame({"id": ["a", None], "x" * 60: [float("inf"), 1.0], "City": "Pune"})
    result = gp.push(df, "id", client=sandbox.client, errors="drop", progress=False)
    rejects = result.rejects()
    assert rejects["reason"].str.len().min() > 50
    for reason in rejects["reason"].str.split("'").str[-1]:
        assert reason in rejects._repr_html_()


def test_common_words_are_not_masked():
    df = pd.DataFrame({"id": ["c1"], "Product Name": ["Basket \ufffd"]})
    assert "Basket" in gp.validate(df, "id")._repr_html_()


def test_masked_ids_stay_distinguishable():
    df = pd.DataFrame({"id": ["asha@x.com", "anil@x.com", "asha@x.com", "anil@x.com"]})
    shown = df.growlytics.plan("id").push(dry_run=True, errors="drop", progress=False)._repr_html_()
    assert shown.count("(a•••@x•••.com)") == 2
    assert shown.count("(a•••@x•••.com #2)") == 2
    assert "mark different customers whose masked values look alike" in shown


def test_mask_numbers_agree_between_displays():
    df = pd.DataFrame({"id": ["asha@x.com", "anil@x.com", "anil@x.com"], "City": "Pune"})
    plan = gp.plan(df, "id")
    assert "a•••@x•••.com #2" not in plan.violations._repr_html_()  # the first customer that is shown has no number
    result = plan.push(dry_run=True, errors="drop", progress=False)
    assert "a•••@x•••.com #2" not in result.violations._repr_html_()
    assert "(a•••@x•••.com)" in result._repr_html_()


def test_formula_guard_does_not_change_the_mask(sandbox):
    df = pd.DataFrame({"id": ["'100050", "'100150", "'100050"], "City": "Pune"})
    result = gp.push(df, "id", strip=["id"], client=sandbox.client, errors="drop", progress=False)
    shown = result._repr_html_()
    assert "•••50" in shown
    assert "•••50 #2" not in shown


def test_note_on_masked_values_is_only_where_they_are_masked():
    masker = Masker()
    assert masker.facts() == ()
    for address in ("asha@x.com", "anil@x.com"):
        masker.identity(address)
    assert masker.facts()
    assert Masker(is_on=False, numbers=masker.numbers).facts() == ()
