"""Lines of a schema's note: pasted, they do what they say and spoil no value; names that mean a reserved attribute."""

import pandas as pd
import pyarrow as pa
import pytest

import growlytics_pandas

TEXT_DTYPES = ["str", "string", "string[python]", "string[pyarrow]", "category", object, pd.ArrowDtype(pa.string())]


def note(values, name="x", **options):
    df = pd.DataFrame({"id": [f"c{i}" for i in range(len(values))], name: values})
    return growlytics_pandas.schema(df, "id", **options)["note"].item()


@pytest.mark.parametrize("dtype", TEXT_DTYPES)
@pytest.mark.parametrize(
    ("amounts", "others", "after"),
    [
        (["63,300.33"] * 19, ["1.234,50"], [63300.33, "1.234,50"]),
        ([" 63,300.33"] * 39 + ["12,34,567"], ["1,234", "soon", "12,5"], [63300.33, "1,234", "soon", "12,5"]),
        (["1,234"] * 19, ["soon", "1234.5.6"], [1234, "soon", "1234.5.6"]),
        (["₹ 63,300.33"] * 29, ["€1.234,50", "€1.000", "Rs. 500"], [63300.33, "€1.234,50", "€1.000", 500]),
    ],
)
def test_the_line_of_the_note_never_touches_a_comma_that_does_not_part_thousands(amounts, others, after, dtype):
    values = pd.Series([*amounts, *others, None], dtype=dtype)
    text = note(values)
    df = pd.DataFrame({"id": [f"c{i}" for i in range(len(values))], "x": values})
    exec(text.partition("first: ")[2].partition("; the others")[0])  # the user would paste it
    found = growlytics_pandas.validate(df, "id").query("rule == 'value_wrong_type'")
    assert found["value"].tolist() == [value for value in after if isinstance(value, str)]
    sent = growlytics_pandas.preview(df, "id", n=100)
    numbers = {each["value"] for body in sent for each in body["attributes"]}
    assert numbers - {1234567} == {value for value in after if not isinstance(value, str)}
    assert text.endswith("the others are left as they are, and are violations")


def test_where_a_comma_may_be_either_nothing_is_said():
    assert note(["1,234"] * 19 + ["12,5"]) == ""


@pytest.mark.parametrize("dtype", TEXT_DTYPES)
@pytest.mark.parametrize(
    ("values", "after"),
    [
        (["2025-01-31", "31/01/2025 ", "01/02/2025"], ["2025-01-31", "2025-01-31", "2025-02-01"]),
        (["31.01.2025 09:30"] * 9 + ["soon"], ["2025-01-31 09:30:00"] * 9 + ["soon"]),
    ],
)
def test_dates_of_another_form_beside_others_are_read_and_the_others_stay(values, after, dtype):
    df = pd.DataFrame({"id": [f"c{i}" for i in range(len(values) + 1)], "x": pd.Series([*values, None], dtype=dtype)})
    text = growlytics_pandas.schema(df, "id")["note"].item()
    exec(text.partition("convert first: ")[2].partition("; the others")[0])  # the user would paste it
    assert [v if isinstance(v, str) else str(v).removesuffix(" 00:00:00") for v in df["x"].tolist()[:-1]] == after
    assert growlytics_pandas.schema(df, "id")["type"].item() == "date"
    assert text.endswith("; the others are left as they are, and are violations") is ("soon" in values)


def test_dates_in_several_forms_are_told_and_the_rest_is_for_validate():
    assert note(["31/01/2025", "01/31/2025", "01/02/2025", "soon"] * 3 + ["2025-01-31"] * 24) == (
        "33 of 36 values are dates, but in several forms; dates are read as 2025-01-31; with types={'x': 'date'} "
        "12 of them are violations, which validate lists"
    )
    assert note(["31/01/2025", "01/31/2025", "01/02/2025"]).startswith("3 of 3 values are dates, but in several forms")
    assert note(["2025-01-31", "31/01/2025"] * 4 + ["soon"]) == ""


@pytest.mark.parametrize("dtype", TEXT_DTYPES)
@pytest.mark.parametrize("name", ["x", "name"])
def test_white_space_around_text_is_told_and_the_line_takes_it_away(dtype, name):
    values = pd.Series([" Delhi", "Pune", None, "New Delhi\t", "Goa"], dtype=dtype)
    text = note(values, name=name)
    assert text.startswith("2 values have white space around")
    assert note(values, name=name, types={name: "string"}) == text, "who asks for text is told too"
    df = pd.DataFrame({"id": list("abcde"), name: values})
    exec(text.partition("to remove it: ")[2])  # the user would paste it
    assert df[name].dropna().tolist() == ["Delhi", "Pune", "New Delhi", "Goa"]
    assert growlytics_pandas.schema(df, "id")["note"].item() == ""


def test_digits_that_a_number_would_lose_are_not_called_numbers():
    df = pd.DataFrame({"id": list("abc"), "x": [2**60 + 1, 5, 7]})
    exec(growlytics_pandas.validate(df, "id").query("rule == 'integer_unsafe'")["fix"].item())  # makes text of it
    assert growlytics_pandas.schema(df, "id")["note"].item() == ""
    assert note([str(i) for i in range(1, 20_000)] + [str(2**60 + 1)]) == ""


@pytest.mark.parametrize(
    ("reserved", "names"),
    [
        ("email", "Email|EMAIL |E-mail|e_mail|contact_email|Email ID|Mail Id|EmailAddress|customer-email|Email1"),
        ("mobile", "Mobile|Phone|Phone Number|phone_no|Mobile Number|mobile.no|CELL PHONE|Contact No|Customer Phone"),
        ("name", "Name|Full Name|full_name|CustomerName"),
    ],
)
def test_a_column_named_almost_like_a_reserved_attribute_is_hinted(reserved, names):
    for name in names.split("|"):
        assert note(["a@example.com"], name=name) == (
            f"a custom attribute; rename to {reserved!r} if campaigns are to use it"
        ), name
        frame = pd.DataFrame({"id": ["c1"], name: ["x"], "other": ["a@example.com"]})
        notes = growlytics_pandas.schema(frame, "id", rename={"other": reserved})["note"]
        assert notes.tolist() == ["", ""], "it is sent by another column"
        by_id = growlytics_pandas.schema(frame[[name, "other"]], "other", rename={"other": reserved})["note"]
        assert by_id.tolist() == ["", ""], "the id is sent as it"


@pytest.mark.parametrize(
    "name",
    [
        "Email Opt-In",
        "email_verified",
        "First Name",
        "Product Name",
        "Username",
        "Phone Model",
        "Mobile OS",
        "Mail",
        "Cell",
    ],
)
def test_other_names_are_not_taken_for_reserved_ones(name):
    assert note(["x"], name=name) == ""
