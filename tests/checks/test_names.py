"""Attribute names: length limits, clashes, and suggested names."""

import re

import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas.checks.violations import fix_of


def found(df, rule, **options):
    return gp.validate(df, "id", **options).query("rule == @rule")


def test_columns_of_one_name_are_left_out():
    df = pd.DataFrame([["a", 1, 2, 3]], columns=["id", "X", "X", "Y"])
    assert len(found(df, "attribute_name_duplicate")) == 2
    assert [a["name"] for a in gp.preview(df, "id")[0]["attributes"]] == ["Y"]


def test_clash_names_the_other_column(tmp_path):
    client = gp.Client("not-a-real-key", ledger=tmp_path / "ledger.db")
    client.declare_types({"city": "string"})
    df = pd.DataFrame({"id": ["a"], "City": ["Pune"], "EMAIL": ["a@example.com"]})
    messages = found(df, "attribute_name_case_clash", client=client)["message"].tolist()
    assert "from 'city' (an attribute of earlier pushes)" in messages[0]
    assert "from 'email' (a reserved attribute)" in messages[1]
    [message] = found(df.rename(columns={"EMAIL": "city"}), "attribute_name_case_clash").query("column == 'City'")[
        "message"
    ]
    assert "from 'city' (another column)" in message


def test_all_missing_column_breaks_no_rule():
    assert gp.validate(pd.DataFrame({"id": ["a"], "X": ["x"], "": [None]}), "id").empty


def test_clash_without_rows_is_reported():
    frame = pd.DataFrame({"id": [], "City": [], "city": []}, dtype="object")
    assert "attribute_name_case_clash" in set(gp.validate(frame, "id")["rule"])


def fixes(df, rule, **options):
    return found(df, rule, **options)["fix"].tolist()


def test_long_names_are_shortened_distinctly():
    long = "Average Basket Value In Rupees Over The Last Twelve Months"
    df = pd.DataFrame([["a", 1, 2]], columns=["id", long + " (net)", long + " (gross)"])
    renames = {}
    for violation in gp.plan(df, "id")._findings.violations:
        if violation.rule == "attribute_name_too_long":
            renames |= fix_of(violation).value
    assert len(set(renames.values())) == 2
    assert max(map(len, renames.values())) <= 49
    assert "attribute_name_too_long" not in set(gp.validate(df, "id", rename=renames)["rule"])


LONG = "Average Basket Value In Rupees Over The Last Twelve Months"


@pytest.mark.parametrize(
    ("labels", "rename", "renamed"),
    [
        (["City", "Town"], {"Town": "City"}, {"Town": "City 2"}),
        (["Town", "City"], {"Town": "City"}, {"Town": "City 2"}),
        ([1, "1"], {}, {1: "1 2"}),
        (["A", "B", "C"], {"B": "A", "C": "A"}, {"B": "A 2", "C": "A 3"}),
        (["A", "a", "C"], {"C": "A"}, {"a": "a 2", "C": "A 3"}),
        (["Full Name", "E-mail ID"], {"Full Name": "email", "E-mail ID": "email"}, {"Full Name": "email 2"}),
        (["City", "city", "CITY"], {}, {"city": "city 2", "CITY": "CITY 3"}),
        ([" City", "City "], {}, {" City": "City", "City ": "City 2"}),
        (["City", " City"], {}, {" City": "City 2"}),
        (["City", "Ci\u200bty"], {}, {"Ci\u200bty": "City 2"}),
        (["Email", "EMAIL"], {}, {"Email": "email", "EMAIL": "EMAIL 2"}),
        ([LONG, LONG + "!"], {}, {LONG: LONG[:44], LONG + "!": LONG[:44] + " 2"}),
        (["", "x"], {}, {"": "Attribute 1"}),
    ],
)
def test_name_fixes_rename_the_fewest_columns(labels, rename, renamed):
    df = pd.DataFrame([["a", *range(len(labels))]], columns=pd.Index(["id", *labels], dtype=object))
    fixes = {}
    for violation in gp.plan(df, "id", rename=rename)._findings.violations:
        if violation.rule.startswith("attribute_name"):
            fixes |= fix_of(violation).value
    assert fixes == renamed
    rules = gp.validate(df, "id", rename=rename | fixes)["rule"]
    assert not rules.str.startswith("attribute_name").any()


def test_reserved_clash_ends_as_reserved_name():
    df = pd.DataFrame({"id": ["a"], "EMAIL": ["a@example.com"]})
    assert fixes(df, "attribute_name_case_clash") == ["rename={'EMAIL': 'email'}"]


def test_clashing_columns_are_renamed_apart():
    df = pd.DataFrame({"id": ["a"], "City": ["Pune"], "city": ["Goa"]})
    assert fixes(df, "attribute_name_case_clash") == ["rename={'city': 'city 2'}"] * 2


def test_duplicate_labels_ask_for_distinct_ones():
    df = pd.DataFrame([["a", 1, 2]], columns=["id", "X", "X"])
    assert set(fixes(df, "attribute_name_duplicate")) == {"Give each column a unique label first."}


def test_typo_suggests_the_known_name(sandbox):
    df = pd.DataFrame({"id": ["a"], "City": ["Pune"], "Orders": [3]})
    gp.push(df, "id", client=sandbox.client, progress=False)
    mistyped = df.rename(columns={"City": "Citty"}).assign(Zebra=1)
    options = {"client": sandbox.client, "new_attributes": "forbid"}
    messages = found(mistyped, "attribute_unknown", **options).set_index("column")
    assert "Did you mean 'City'?" in messages.loc["Citty", "message"]
    assert "mean" not in messages.loc["Zebra", "message"]
    assert messages.loc["Citty", "fix"] == "rename={'Citty': 'City'}"
    twice = found(mistyped.assign(Cityy="x"), "attribute_unknown", **options)
    assert twice["fix"].str.startswith("rename").sum() == 1


@pytest.mark.parametrize("label", ["Unnamed: 0", "index", "level_0"])
def test_old_index_warns_with_the_option(label):
    df = pd.DataFrame({"id": ["a", "b"], label: [0, 1]})
    assert fixes(df, "index_column") == [f"exclude=[{label!r}]"]
    blank = pd.DataFrame({"id": ["a", "b"], label: [7, None]})  # integers become floats
    assert fixes(blank, "index_column") == [f"exclude=[{label!r}]"]


def test_bytes_and_lists_show_the_conversion():
    df = pd.DataFrame({"id": ["a"], "X": [b"raw"], "Y": [["p"]]})
    unsupported = found(df, "type_unsupported").set_index("column")
    assert unsupported.loc["X", "fix"].startswith("Decode the bytes to text (.str.decode('utf-8')), or")
    assert unsupported.loc["Y", "fix"].endswith("exclude=['Y']")


# first and last names -------------------------------------------------------------------------------------------------

FIRST, LAST, WHOLE = ["Asha", "Ravi", None], ["Rao", "Iyer", "Sen"], ["Asha Rao", "Ravi Iyer", "Mira Sen"]


LABELS = """
First Name, Last Name | last_name, first_name | fname, lname | Given name, Surname | Vorname, Nachname | Vorname, Name
Prénom, Nom | Nombre, Apellidos | Primer nombre, Primer apellido | Nome, Cognome | Voornaam, Achternaam
"""


@pytest.mark.parametrize("labels", re.findall(r"[^|\n]+", LABELS))
def test_first_and_last_names_are_not_the_name(labels):
    first, second = labels.strip().split(", ")
    df = pd.DataFrame({"id": range(3), first: FIRST, second: LAST})
    for violations in (gp.validate(df, "id"), gp.plan_batches([df[:1], df[1:]], "id").violations):
        found = violations.query("rule == 'contact_not_mapped'")
        assert found[["column", "severity"]].to_numpy().tolist() == [[first, "warning"]]
        assert f"{first!r} and {second!r}" in found["message"].item()
        assert "'name'" in found["fix"].item()
    assert "rename" not in gp.suggest(df, "id")


@pytest.mark.parametrize(
    ("columns", "options"),
    [
        ({"name": WHOLE}, {}),
        ({"Full Name": WHOLE}, {}),
        ({"Kundenname": WHOLE, "Contact name": WHOLE}, {}),
        ({"Whole": WHOLE}, {"rename": {"Whole": "name"}}),
        ({}, {"rename": {"First Name": "name"}}),
        ({}, {"columns": ["First Name"]}),
        ({}, {"exclude": ["Last Name"]}),
        ({}, {"rename": {"First Name": "Mother first name"}}),
    ],
    ids=str,
)
def test_first_and_last_names_beside_the_name_are_no_warning(columns, options):
    df = pd.DataFrame({"id": range(3), "First Name": FIRST, "Last Name": LAST, **columns})
    assert "First Name" not in set(gp.validate(df, "id", **options)["column"])


@pytest.mark.parametrize("label", ["Nickname", "Middle name", "Last order", "Product name", "Manager last name"])
def test_first_names_alone_are_no_warning(label):
    assert gp.validate(pd.DataFrame({"id": range(3), "First Name": FIRST, label: LAST}), "id").empty
