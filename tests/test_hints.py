"""A hint where a type is worth a second thought, since the first push fixes it for good; silence where it is not."""

import pandas as pd
import pyarrow as pa
import pytest

import growlytics_pandas


def note(values, dtype=None, name="x", **options):
    column = values if isinstance(values, pd.Series) else pd.Series(values, dtype=dtype)
    frame = pd.DataFrame({"id": [f"c{i}" for i in range(len(column))]})
    frame[name] = column.set_axis(frame.index)
    return growlytics_pandas.schema(frame, "id", **options)["note"].item()


TEXT_DTYPES = ["str", "string", "string[python]", "string[pyarrow]", "category", object]
INTEGER_DTYPES = ["int8", "int64", "uint8", "Int64", "UInt8", "int64[pyarrow]", "Sparse[int64]"]


@pytest.mark.parametrize("dtype", TEXT_DTYPES)
@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (["2026-01-31", None, "2026-01-31 09:30:00", "2026-01-31T09:30:00Z"], "date"),
        (["12", None, "-3.5", "1e6", "0", "0.5"], "number"),
        (["yes", None, "No", "TRUE"], "boolean"),
    ],
)
def test_text_that_is_all_dates_numbers_or_yes_no_is_hinted_in_every_backing(values, wanted, dtype):
    assert note(values, dtype).endswith(f"types={{'x': {wanted!r}}}")


def test_the_hint_can_be_pasted_and_is_then_gone():
    values = ["yes", "no", None]
    [wanted] = {word.strip("'}") for word in note(values).split() if word.startswith("'boolean'")}
    assert note(values, types={"x": wanted}) == ""


@pytest.mark.parametrize("dtype", INTEGER_DTYPES)
def test_integers_that_are_only_zero_and_one_are_hinted_as_boolean(dtype):
    assert note([0, 1, 1], dtype) == "only 0 and 1; to send it as yes/no: types={'x': 'boolean'}"


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["Pune", "12"], "str"),
        (["12", "n/a"], "str"),
        (["yes", "no", "perhaps"], "str"),
        (["2026-01-31", "31/01/2026"], "str"),
        ([""], "str"),
        ([0, 1, 2], "int64"),
        ([1, 1], "int64"),
        ([0, 0], "int64"),
        ([0.0, 1.0], "float64"),
        ([True, False], "bool"),
    ],
)
def test_a_plain_column_has_no_hint(values, dtype):
    assert note(values, dtype) == ""


@pytest.mark.parametrize("codes", [["011001", "560001"], ["+919199112112", "98"], ["007"]])
def test_codes_that_would_lose_a_zero_or_a_plus_are_not_called_numbers(codes):
    assert note(codes) == ""


def test_text_of_zeros_and_ones_is_called_numbers():
    assert note(["0", "1"]).endswith("types={'x': 'number'}")


def test_a_late_exception_silences_the_hint():
    assert note([str(i) for i in range(5000)] + ["n/a"]) == ""


def test_categories_that_no_row_uses_do_not_count():
    column = pd.Series(["yes", "no"], dtype=pd.CategoricalDtype(["yes", "no", "perhaps", 7]))
    assert note(column).endswith("types={'x': 'boolean'}")


def test_an_arrow_dictionary_is_looked_into():
    column = pd.Series(pd.arrays.ArrowExtensionArray(pa.array(["yes", None, "no"]).dictionary_encode()))
    assert note(column).endswith("types={'x': 'boolean'}")


@pytest.mark.parametrize("name", ["Email", "EMAIL ", "Mobile", "Name"])
def test_a_column_named_almost_like_a_reserved_attribute_is_hinted(name):
    assert note(["a@example.com"], name=name) == (
        f"a custom attribute; rename to {name.strip().lower()!r} if campaigns are to use it"
    )


def test_reserved_attributes_have_no_hint_whatever_they_hold():
    assert note(["9199112112", "9812345678"], name="mobile") == ""
    assert note([9199112112, "98", 9.5], object, name="mobile") == ""


def test_labels_that_are_no_text_are_shown_so_that_they_can_be_pasted():
    frame = pd.DataFrame({0: ["a"], ("n", "sum"): ["5"]})
    assert growlytics_pandas.schema(frame, 0)["note"].item().endswith("types={('n', 'sum'): 'number'}")


def test_all_missing_says_that_no_type_is_fixed():
    assert note([None, None], "float64") == "all missing: nothing is sent, no type is fixed"
