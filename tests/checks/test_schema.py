"""Any frame's labels become attribute names, or the message says which word of the call to change."""

import numpy as np
import pandas as pd
import pytest

import growlytics_pandas
from growlytics_pandas.checks.schema import name_of
from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError

BASE = pd.DataFrame({"id": ["a", "b"], "City": ["Pune", None], "Orders": [1, 2]})


def names(frame, id_col="id", **options):
    """The attribute names that each row sends."""
    return [
        [each["name"] for each in body["attributes"]] for body in growlytics_pandas.preview(frame, id_col, **options)
    ]


def labelled(*labels):
    frame = BASE.copy()
    frame.columns = pd.Index(list(labels), dtype=object, tupleize_cols=False)
    return frame


# labels --------------------------------------------------------------------------------------------------------------


def test_attributes_keep_the_column_order():
    assert names(BASE) == [["City", "Orders"], ["Orders"]]


def test_labels_of_several_levels_are_joined():
    frame = BASE.copy()
    frame.columns = pd.MultiIndex.from_tuples([("id", ""), ("City", "first"), ("Orders", "sum")])
    assert names(frame, ("id", "")) == [["City_first", "Orders_sum"], ["Orders_sum"]]
    options = {"rename": {("City", "first"): "Town"}, "types": {("Orders", "sum"): "string"}}
    assert growlytics_pandas.preview(frame, ("id", ""), n=1, **options)[0]["attributes"] == [
        {"name": "Town", "type": "string", "value": "Pune"},
        {"name": "Orders_sum", "type": "string", "value": "1"},
    ]


@pytest.mark.parametrize(
    ("label", "name"),
    [
        (2024, "2024"),
        (("a", 1, ""), "a_1"),
        (("a", np.nan), "a"),
        (1.5, "1.5"),
        (True, "True"),
        (pd.Timestamp("2026-01-31"), "2026-01-31 00:00:00"),
        (None, ""),
        (np.nan, ""),
        (pd.NA, ""),
        (pd.NaT, ""),
    ],
)
def test_every_label_has_its_name(label, name):
    assert name_of(label) == name


def test_integer_labels_name_columns_and_id():
    frame = pd.DataFrame([["a", "Pune"]])
    assert names(frame, 0) == [["1"]]
    assert names(frame, 0, rename={1: "City"}) == [["City"]]


@pytest.mark.parametrize("label", [None, np.nan, pd.NA, pd.NaT, "", "  "])
def test_unnamed_column_is_a_violation(label):
    frame = labelled("id", label, 7)
    assert names(frame) == [["7"], ["7"]]
    found = growlytics_pandas.validate(frame, "id").iloc[0]
    assert found["rule"] == "attribute_name_empty"
    assert found["fix"].startswith("rename={" if isinstance(label, str) else "Give each column a unique label")


def test_duplicate_labels_are_both_reported():
    """Two columns with one label are both left out, and both are reported with a fix."""
    frame = labelled("id", "x", "x")
    violations = growlytics_pandas.validate(frame, "id")
    found = violations[violations["rule"] == "attribute_name_duplicate"]
    assert len(found) == 2
    assert names(frame) == [[], []]
    assert found["fix"].str.contains("unique label").all()


def test_renaming_onto_a_column_is_a_duplicate():
    assert names(BASE, rename={"City": "Orders"}) == [[], []]
    assert names(BASE, rename={"City": "Orders", "Orders": "City"})[0] == ["Orders", "City"]


def test_index_labels_need_not_be_unique():
    frame = BASE.set_axis(["same", "same"])
    violations = growlytics_pandas.validate(frame.assign(Orders=[1.0, float("inf")]), "id")
    found = violations[violations["rule"] == "value_not_finite"].iloc[0]
    assert (found["row"], found["index"]) == (1, "same")


def test_multiindex_is_shown_in_violations():
    frame = BASE.assign(Orders=[1.0, float("inf")])
    frame.index = pd.MultiIndex.from_tuples([("IN", 1), ("IN", 2)])
    found = growlytics_pandas.validate(frame, "id")
    assert found.loc[found["rule"] == "value_not_finite", "index"].tolist() == [("IN", 2)]


def test_all_missing_column_refuses_no_push():
    frame = labelled("id", "", "n" * 50).assign(**{"": None, "n" * 50: None, "x": 1})
    assert not growlytics_pandas.plan(frame, "id").has_errors
    assert names(frame)[0] == ["x"]


# the id --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["email", "mobile", "name"])
def test_reserved_id_column_is_also_sent(name):
    frame = BASE.rename(columns={"id": name})
    bodies = growlytics_pandas.preview(frame, name)
    assert bodies[0]["attributes"][0] == {"name": name, "type": "string", "value": "a"}
    renamed = growlytics_pandas.preview(BASE, "id", rename={"id": name})
    assert renamed == bodies


def test_an_id_attribute_is_the_id_as_sent():
    frame = pd.DataFrame({"mobile": [9199211112.0, None, 919821.0]})
    assert growlytics_pandas.preview(frame, "mobile") == [
        {"id": text, "attributes": [{"name": "mobile", "type": "string", "value": text}]}
        for text in ("9199211112", "919821")
    ]
    padded = pd.DataFrame({"email": [" a@example.com "]})
    assert growlytics_pandas.preview(padded, "email")[0]["attributes"][0]["value"] == "a@example.com"


def test_columns_decides_whether_id_is_sent():
    frame = BASE.rename(columns={"id": "email"})
    assert names(frame, "email", columns=["Orders"]) == [["Orders"], ["Orders"]]
    assert names(BASE, columns=["id", "Orders"])[0] == ["id", "Orders"]


# columns= ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "columns",
    [
        ["Orders", "City"],
        ("Orders", "City"),
        pd.Index(["Orders", "City"]),
        np.array(["Orders", "City"], dtype=object),
        pd.Series(["Orders", "City"]),
        {"Orders": 1, "City": 2},
        ["Orders", "City", "Orders"],
    ],
    ids=lambda columns: type(columns).__name__,
)
def test_columns_takes_labels_and_keeps_order(columns):
    assert names(BASE, columns=columns)[0] == ["Orders", "City"]


def test_columns_of_a_frame_can_be_sliced():
    assert names(BASE, columns=BASE.columns[1:])[0] == ["City", "Orders"]
    assert names(BASE, columns=(label for label in BASE if label != "id"))[0] == ["City", "Orders"]


@pytest.mark.parametrize("none", [[], (), BASE.columns[:0]], ids=["list", "tuple", "index"])
def test_empty_columns_are_refused(none):
    with pytest.raises(InvalidArgumentError, match=r"columns: the list is empty.*omit columns to send all"):
        names(BASE, columns=none)


# wrong calls ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"columns": ["Cty"]}, "columns: there is no column 'Cty'. Did you mean 'City'?"),
        ({"rename": {"orders": "n"}}, "rename: there is no column 'orders'. Did you mean 'Orders'?"),
        ({"types": {"Ordres": "number"}}, "types: there is no column 'Ordres'. Did you mean 'Orders'?"),
        ({"types": {"zzz": "number"}}, "The columns are: 'id', 'City', 'Orders'."),
        (
            {"types": {"City": "text"}},
            "types['City']: found 'text'; allowed are 'string', 'number', 'boolean', 'date'.",
        ),
        ({"types": {"City": str}}, "types['City']: found <class 'str'>; allowed are"),
        ({"rename": {"City": "mobile"}, "types": {"City": "number"}}, "'mobile' is a reserved attribute and always"),
        ({"keep": "none"}, "keep: found 'none'; allowed are 'first', 'last', False."),
        ({"keep": 0}, "keep: found 0; allowed are"),
        ({"new_attributes": "deny"}, "new_attributes: found 'deny'; allowed are 'allow', 'forbid'."),
        ({"timezone": "Asia/Calcuta"}, "timezone: found 'Asia/Calcuta'; it must be the name of a zone"),
        ({"timezone": "Asia/Kolkatta"}, "Did you mean 'Asia/Kolkata'?"),
        ({"timezone": "asia/kolkatta"}, "Did you mean 'Asia/Kolkata'?"),
        (
            {"timezone": "IST"},
            "timezone: found 'IST'; it must be the name of a zone, such as 'UTC' or 'Asia/Kolkata'. Did",
        ),
        ({"timezone": "ist "}, "Did you mean 'Asia/Kolkata'?"),
        ({"timezone": "+05:30"}, "Did you mean 'Asia/Kolkata'?"),
        ({"timezone": "PST"}, "Did you mean 'America/Los_Angeles'?"),
        ({"timezone": None}, "timezone: found None"),
        ({"timezone": "../UTC"}, "timezone: found '../UTC'"),
        ({"region": "XX"}, "region: found 'XX'"),
        ({"name": "\ud800"}, "name: found '\\ud800', which is not valid Unicode text"),
    ],
)
def test_wrong_value_lists_what_is_allowed(options, words):
    with pytest.raises(InvalidArgumentError) as caught:
        growlytics_pandas.plan(BASE, "id", **options)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"columns": "City"}, "columns: found 'City'; it must be a list: columns=['City']."),
        ({"columns": 5}, "columns: found 5; it must be a list"),
        ({"columns": [["City"]]}, "columns: found ['City'] in the list"),
        ({"rename": ["City"]}, "rename: found a list; it must be a dict"),
        ({"rename": {"City": None}}, "rename['City']: found None; it must be text."),
        ({"rename": {"City": 3}}, "rename['City']: found 3; it must be text."),
        ({"types": "string"}, "types: found a str; it must be a dict"),
        ({"name": 3}, "name: found 3; it must be text."),
    ],
)
def test_wrong_type_lists_what_is_allowed(options, words):
    with pytest.raises(InvalidArgumentTypeError) as caught:
        growlytics_pandas.plan(BASE, "id", **options)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("frame", "id_col", "words"),
    [
        (BASE, "Id", "id_col: there is no column 'Id'. Did you mean 'id'?"),
        (BASE, ["id"], "id_col: there is no column ['id']"),
        (BASE, None, "id_col: there is no column None"),
        (labelled("id", "id", "x"), "id", "id_col: 2 columns are labelled 'id'; the id must be one column."),
        (labelled(pd.NA, "x", "y"), "id", "id_col: there is no column 'id'"),
        (labelled(("id", ""), (pd.NA, "x"), "d"), "id", "id_col: there is no column 'id'. Did you mean ('id', '')?"),
        (pd.DataFrame([range(15)]), "zzz", "The columns are: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 +5 more."),
        (pd.DataFrame(), "id", "The frame has no columns."),
    ],
)
def test_unknown_id_column_is_explained(frame, id_col, words):
    with pytest.raises(InvalidArgumentError) as caught:
        growlytics_pandas.plan(frame, id_col)
    assert words in str(caught.value)


def test_series_error_shows_how_to_make_a_frame():
    with pytest.raises(InvalidArgumentTypeError, match=r"found a Series; .*to_frame\(\)"):
        growlytics_pandas.plan(BASE["id"], "id")


# empty frames --------------------------------------------------------------------------------------------------------


def test_frame_without_rows_is_an_empty_plan():
    plan = growlytics_pandas.plan(BASE.iloc[:0], "id")
    assert plan.preview() == []
    assert len(plan.violations) == 0
    assert plan.schema["type"].isna().all()
    assert sum(plan.counts.values()) == 0


def test_id_only_frame_warns_of_bare_customers():
    assert growlytics_pandas.preview(BASE[["id"]], "id") == [
        {"id": "a", "attributes": []},
        {"id": "b", "attributes": []},
    ]
    assert growlytics_pandas.validate(BASE[["id"]], "id")["rule"].tolist() == ["row_empty", "row_empty"]


def test_offset_is_not_a_misspelt_zone():
    with pytest.raises(InvalidArgumentError) as caught:
        growlytics_pandas.schema(pd.DataFrame({"id": ["a"], "x": [1]}), "id", timezone="UTC+1")
    assert "Did you mean" not in str(caught.value)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (pd.Series([1]), "a Series; .*Series.to_frame"),
        ([1], r"a list; .*pd.DataFrame\(…"),
        (None, "a NoneType;"),
    ],
    ids=["Series", "list", "None"],
)
def test_type_error_shows_how_to_make_a_frame(found, words):
    with pytest.raises(InvalidArgumentTypeError, match=words):
        growlytics_pandas.schema(found, "id")


def test_examples_of_names_and_contacts_are_masked_in_several_languages():
    masked = ["Vorname", "Nachname", "Kunde", "Kundenname", "Nom", "Prénom", "Apellidos", "Naam", "नाम", "Telefon"]
    shown = ["Ort", "Produktname", "Firma", "Kundengruppe", "Nom du produit", "Nombre de pedidos"]
    df = pd.DataFrame({"id": ["a"], **dict.fromkeys(masked + shown, "Anna")})
    schema = growlytics_pandas.schema(df, "id")
    examples = dict(zip(schema["column"], schema["example"], strict=True))
    assert [label for label, example in examples.items() if example == "Anna"] == shown
