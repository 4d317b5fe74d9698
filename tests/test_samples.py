import numpy as np
import pandas as pd
import phonenumbers
import pytest
from email_validator import validate_email

from growlytics_pandas import contract
from growlytics_pandas.columns.contacts import invalid_emails, invalid_mobiles
from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError
from growlytics_pandas.samples import PLANTED, sample_customers

LABELS = [
    "customer_id",
    "email",
    "name",
    "mobile",
    "City",
    "Total Orders",
    "Lifetime Value",
    "Is First Time Purchaser",
    "Last Order Date",
    "Favourite Category",
    "Loyalty Points",
]
TEXT = ["customer_id", "email", "name", "mobile", "City"]


@pytest.fixture(scope="module")
def clean():
    return sample_customers(3000)


@pytest.fixture(scope="module", params=[100, 1000])
def dirty(request):
    return sample_customers(request.param, dirty=True)


def get_ids(frame):
    return [value for value in frame["customer_id"] if isinstance(value, str)]


def get_labels(frame):
    return frame.columns.tolist()


def get_custom(frame):
    return frame.loc[:, [label not in {"customer_id", *contract.RESERVED_ATTRIBUTES} for label in frame.columns]]


@pytest.mark.parametrize("dirty", [False, True])
def test_seed_determines_the_customers(dirty):
    pd.testing.assert_frame_equal(
        sample_customers(200, seed=7, dirty=dirty), sample_customers(200, seed=7, dirty=dirty)
    )
    assert not sample_customers(200, seed=8, dirty=dirty).equals(sample_customers(200, seed=7, dirty=dirty))


@pytest.mark.parametrize("n", [0, 1, 57])
def test_fewer_rows_are_the_first_rows(clean, n):
    pd.testing.assert_frame_equal(sample_customers(n), clean.iloc[:n])


def test_columns_and_types_are_as_documented(clean):
    assert get_labels(clean) == LABELS
    assert isinstance(clean.index, pd.RangeIndex)
    assert all(pd.api.types.infer_dtype(clean[label]) == "string" for label in TEXT)
    kinds = {label: str(clean[label].dtype) for label in LABELS if label not in TEXT}
    assert kinds == {
        "Total Orders": "int64",
        "Lifetime Value": "float64",
        "Is First Time Purchaser": "bool",
        "Last Order Date": "datetime64[us]",
        "Favourite Category": "category",
        "Loyalty Points": "Int64",
    }
    assert [label for label in LABELS if clean[label].isna().any()] == ["Lifetime Value", "Loyalty Points"]


def test_an_empty_frame_has_the_same_types(clean):
    assert sample_customers(0).dtypes.equals(clean.dtypes)


def test_contacts_and_ids_are_unique(clean):
    for label in ("customer_id", "email", "mobile"):
        assert clean[label].str.casefold().is_unique


@pytest.mark.slow
def test_large_frame_has_no_duplicates():
    large = sample_customers(400_000, seed=3)
    assert all(large[label].is_unique for label in ("customer_id", "email", "mobile"))
    assert invalid_emails(large["email"].tolist()) == invalid_mobiles(large["mobile"].tolist(), "IN") == []


def test_contacts_are_valid_and_fictitious(clean):
    """Valid for phonenumbers and email-validator, and nobody can be reached by them."""
    for address in clean["email"]:
        assert validate_email(address, check_deliverability=False).domain in {
            "example.com",
            "example.org",
            "example.net",
        }
    kinds = phonenumbers.PhoneNumberType
    for mobile in clean["mobile"]:
        number = phonenumbers.parse(mobile, "IN")
        assert phonenumbers.is_valid_number(number)
        assert phonenumbers.number_type(number) in {kinds.MOBILE, kinds.FIXED_LINE_OR_MOBILE}


def test_clean_values_break_no_rule(clean):
    assert np.isfinite(clean["Lifetime Value"].dropna()).all()
    assert (clean["Last Order Date"].dt.microsecond == 0).all()
    assert clean["Last Order Date"].dt.year.between(2023, 2025).all()
    assert clean["customer_id"].str.len().max() <= contract.MAX_ID_CHARS
    assert all((clean[label] == clean[label].str.strip()).all() for label in TEXT)
    assert ((clean["Total Orders"] == 1) == clean["Is First Time Purchaser"]).all()


def test_dirty_frame_breaks_every_rule():
    """The rules that need a ledger are not among them."""
    assert len(PLANTED) == len(set(PLANTED)) == 26


def test_dirty_ids_are_planted(dirty):
    ids, texts = dirty["customer_id"], get_ids(dirty)
    assert ids.isna().sum() == 1
    assert [value for value in ids if isinstance(value, float)] == [919211.0]
    assert [value for value in texts if value != value.strip()] == [" C000011 "]
    assert [value for value in texts if len(value) > contract.MAX_ID_CHARS] == ["C000023-" + "0" * 40]
    assert sorted({value for value in texts if texts.count(value) > 1}) == ["C000005"]
    assert {"c000020", "C000020"} <= {value for value in texts if value.upper() == "C000020"}


def test_dirty_labels_are_planted(dirty):
    labels = get_labels(dirty)
    assert "" in labels
    assert [label for label in labels if len(label) > contract.MAX_ATTRIBUTE_NAME_CHARS] == [
        "Average Basket Value In Rupees Over The Last Twelve Months"
    ]
    assert {label for label in labels if labels.count(label) > 1} == {"Segment"}
    assert {"City", "city"} <= set(labels)
    assert [label for label in labels if label != label.strip()] == [" Notes "]
    for position, label in enumerate(labels):
        assert dirty.iloc[:, position].notna().any(), label


def test_dirty_values_are_planted(dirty):
    dates = dirty["Last Order Date"]
    assert dirty["Time To Second Order"].dtype.kind == "m"
    assert {type(value) for value in dirty["Referral Code"].dropna()} == {str, int}
    assert sorted(dirty["Lifetime Value"][np.isinf(dirty["Lifetime Value"])]) == [-np.inf, np.inf]
    assert dates.dt.year.max() == contract.MAX_YEAR + 1
    assert (dates.dt.microsecond > 0).sum() == 1
    assert dirty["Loyalty Points"].max() == contract.MAX_SAFE_INTEGER + 2
    assert (dirty[" Notes "].str.len() > contract.MAX_VALUE_CHARS).sum() == 1


def test_dirty_contacts_are_planted(dirty):
    assert [problem.position for problem in invalid_emails(dirty["email"].fillna("a@example.com").tolist())] == [
        26,
        29,
        32,
    ]
    assert dirty["mobile"].dtype == "float64"
    mobiles = dirty["mobile"].dropna().astype("int64").astype(str).tolist()
    assert [mobiles[problem.position] for problem in invalid_mobiles(mobiles, "IN")] == ["99192"]


def test_dirty_rows_with_too_many_and_no_values(dirty):
    n_attributes = get_custom(dirty).notna().sum(axis=1)
    assert (n_attributes > contract.MAX_CUSTOM_ATTRIBUTES).sum() == 1
    nothing = dirty.iloc[:, 1:].isna().all(axis=1)
    assert nothing.sum() == 1
    assert dirty["customer_id"][nothing].tolist() == ["C000065"]


def test_only_the_first_100_rows_are_dirty():
    rest, clean = sample_customers(1000, dirty=True).iloc[100:], sample_customers(1000).iloc[100:]
    for label in ("customer_id", "email", "Lifetime Value", "Last Order Date", "Loyalty Points"):
        assert rest[label].dropna().tolist() == clean[label].dropna().tolist()


def test_dirty_frame_can_be_displayed(dirty):
    assert "10000-01-01" in dirty.to_string()
    assert dirty._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n": 99, "dirty": True}, "n: found 99; the rows of a dirty frame must be 100 or more"),
        ({"n": -1}, "n: found -1"),
        ({"seed": -1}, "seed: found -1"),
    ],
)
def test_invalid_count_names_its_limit(arguments, words):
    with pytest.raises(InvalidArgumentError, match=words):
        sample_customers(**arguments)


@pytest.mark.parametrize("n", [10.0, "10", True, None])
def test_count_must_be_an_integer(n):
    with pytest.raises(InvalidArgumentTypeError, match=type(n).__name__):
        sample_customers(n)
