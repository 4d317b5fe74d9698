"""Lines for mobile numbers and addresses: what can be mended is mended, and only what cannot is emptied."""

import pandas as pd
import pyarrow as pa
import pytest

import growlytics_pandas as gp

ARROW = pd.ArrowDtype(pa.string())
DICTIONARY = pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))
DTYPES = ["str", "string", "string[python]", "string[pyarrow]", "category", object, ARROW, DICTIONARY]
GOOD, WRONG = 9_876_543_210, 12_345


def mended(df):
    lines = gp.validate(df, "id").query("rule == 'mobile_invalid'")["fix"].drop_duplicates().tolist()
    scope = {"df": df.copy(), "pd": pd}
    for line in lines:
        exec(line, scope)  # the user would paste it
    assert gp.validate(scope["df"], "id").query("rule == 'mobile_invalid'").empty
    return scope["df"]["mobile"].astype(object), lines


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 1500])
@pytest.mark.parametrize("start", ["", " "])
def test_the_fraction_of_numbers_that_were_floats_is_cut_and_the_number_stays(dtype, count, start):
    one = [f"{start}{GOOD}.0", f"{start}{GOOD}", "nan", None, f"{WRONG}.0"]
    df = pd.DataFrame({"id": [f"c{i}" for i in range(5 * count)], "mobile": pd.Series(one * count, dtype=dtype)})
    after, lines = mended(df)
    assert after[:5].fillna("none").tolist() == [str(GOOD), str(GOOD), "none", "none", "none"]
    assert set(after.dropna()) == {str(GOOD)}
    assert len(lines) == 2


@pytest.mark.parametrize("write", [str, "{}".format])
def test_a_column_of_floats_that_was_made_text_loses_no_number(write):
    df = pd.DataFrame({"id": list("abc"), "mobile": pd.Series([GOOD, None, GOOD + 1], dtype="float64").map(write)})
    after, lines = mended(df)
    assert after.tolist()[::2] == [str(GOOD), str(GOOD + 1)]
    assert [line for line in lines if "empties 1 value" in line] == lines[1:]


def test_where_the_rest_is_no_number_nothing_is_cut():
    df = pd.DataFrame({"id": list("ab"), "mobile": [f"{WRONG}.0", "99.0"]})
    after, [line] = mended(df)
    assert after.isna().all()
    assert "removesuffix" not in line


def test_the_end_of_an_address_is_left_alone():
    df = pd.DataFrame({"id": list("ab"), "email": ["asha@example.com.0", " ravi@example.com"]})
    lines = gp.validate(df, "id")["fix"].tolist()
    assert not any("removesuffix" in line for line in lines)
