"""Checks on a column's bytes agree with checks text by text, and a column reads the same in any backing."""

import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import growlytics_pandas as gp
from growlytics_pandas.checks.values import are_plain
from growlytics_pandas.columns.contacts import invalid_emails, invalid_mobiles
from growlytics_pandas.columns.texts import MISSING_TEXTS, are_damaged, are_padded, end_like_floats

pa = pytest.importorskip("pyarrow")

from growlytics_pandas.columns.texts import bytes_of, may_need_strip, strip_texts  # noqa: E402

PIECES = ["a", "Z", "7", " ", "\n", "\t", "'", '"', "=", "é", "नई", "\u00a0", "\u2003", "\u3000", "\u200b", "\ufeff"]
PIECES += ["Ã¼", "Â£", "Ã©", "\ufffd", "\0", "😀", ".0", "nan", "NULL", "N/A", "@", "x" * 600, "\u200d", "\u061c"]
TEXTS = st.lists(st.lists(st.sampled_from(PIECES), max_size=4).map("".join), min_size=1, max_size=8)
GAPS = st.sets(st.integers(0, 7))
DTYPES = ["string[pyarrow]", pd.ArrowDtype(pa.string()), pd.ArrowDtype(pa.large_string())]


def arrow(texts, gaps=(), dtype="string[pyarrow]"):
    cells = [None if i in gaps else text for i, text in enumerate(["left out", *texts])]
    column = pd.Series(pd.array(cells, dtype=dtype))
    return pd.concat([column[1:3], column[3:]])  # offsets into the buffers, and two chunks


def comparable(violations):
    return violations.astype(object).where(violations.notna(), "")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@given(texts=TEXTS, gaps=GAPS)
def test_byte_precheck_misses_nothing(dtype, texts, gaps):
    column = arrow(texts, gaps, dtype)
    found = bytes_of(column)
    present = column.dropna().tolist()
    assert list(found.texts) == present == found.texts[:]
    assert [found.texts[place] for place in range(len(found.texts))] == present
    assert found.has_empty == ("" in present)
    assert found.has_any(MISSING_TEXTS) == any(text in MISSING_TEXTS for text in present)
    words = [row for row, text in enumerate(column) if not pd.isna(text) and text.lower() in {"", "nan"}]
    assert set(words) <= set(found.near({"", "nan"}).tolist())
    assert found.may_have_outer_space() or are_padded(present) is None
    assert found.may_be_damaged() or are_damaged(present) is None
    changed = [row for row, text in enumerate(column) if not pd.isna(text) and strip_texts([text]) != [text]]
    assert set(changed) <= set(found.strip_suspects.tolist())
    assert len(found.strip_suspects) or not may_need_strip(present)
    assert found.max_bytes >= max(map(len, present), default=0)
    assert found.may_end_with((".0",)) or not end_like_floats(present).any()
    assert found.has_only("aZ7") == (not "".join(present).strip("aZ7"))


@given(st.lists(st.text(st.sampled_from("079/é"), max_size=2), min_size=1, max_size=9), st.sampled_from([1, 3000]))
def test_texts_of_a_pattern_are_in_its_range(texts, copies):
    found = bytes_of(arrow(texts * copies)).range_of_shape
    shapes = {re.sub("[0-9]", "0", text) for text in texts}
    assert (found is not None) == (len(shapes) == 1 and shapes != {""})
    if found is not None:
        assert found == tuple("".join(map(extreme, zip(*texts, strict=True))) for extreme in (min, max))


@given(texts=TEXTS, gaps=GAPS, copies=st.integers(1, 3))
def test_violations_match_an_object_column(texts, gaps, copies):
    cells = [None if i in gaps else text for i, text in enumerate(texts)] * copies
    ids = [f"c{i}" for i in range(len(cells))]
    columns = [pd.array(cells, dtype=dtype) for dtype in ("string[pyarrow]", object)]
    if all(cells):
        distinct = list(dict.fromkeys(cells))  # old pandas would take "a" and "a\0" for one category
        columns.append(pd.Categorical.from_codes(list(map(distinct.index, cells)), distinct))
    first, *others = [comparable(gp.validate(pd.DataFrame({"id": ids, "City": cells}), "id")) for cells in columns]
    assert all(other.equals(first) for other in others)


def test_texts_that_differ_after_nul_are_distinct():
    frame = pd.DataFrame({"id": range(9), "City": pd.Series(["a", "a\0", "a\0" + "x" * 600] * 3, dtype=object)})
    found = gp.validate(frame, "id")
    assert found["row"].dropna().tolist() == [2, 5, 8], found.to_string()
    assert gp.schema(frame, "id").set_index("attribute")["distinct"]["City"] == 3


@given(st.lists(st.sampled_from(["asha@example.com", "a_b+c@x-y.co.in", "a@b", "a@x.test", "A@X.TEST", "a..b@x.com"])))
def test_plain_emails_are_valid(texts):
    column = arrow(texts)
    if len(texts) and are_plain(bytes_of(column), "email", "IN"):
        assert invalid_emails(column.dropna().tolist()) == []


@given(
    st.lists(
        st.sampled_from(["9919211112", "+91 99192 11112", "09919211112", "12345", "9919211112\n", "91-99192-11112"])
    )
)
def test_plain_mobiles_are_valid(texts):
    column = arrow(texts)
    if len(texts) and are_plain(bytes_of(column), "mobile", "IN"):
        assert invalid_mobiles(column.dropna().tolist(), "IN") == []


@pytest.mark.parametrize("text", ["asha@example.com", "+91 99192 11112"])
def test_ids_are_checked_alike_in_any_backing(text):
    ids = [text, text, "Total", "NAN", "nan", "12.0", " x", "'7", "id", "", None, "1e+5", *map(str, range(2000))]
    frames = [pd.DataFrame({"id": pd.array(ids, dtype=dtype), "X": 1}) for dtype in ("string[pyarrow]", object)]
    first, other = [comparable(gp.validate(frame, "id")) for frame in frames]
    assert other.equals(first)
