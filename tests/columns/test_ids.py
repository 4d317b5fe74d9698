"""Ids as text, and which of them are equal."""

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from growlytics_pandas.columns.dtypes import classify
from growlytics_pandas.columns.reading import find_groups, fold_case, read_ids, too_long, unkept
from growlytics_pandas.columns.texts import hash_texts


def read(*values, dtype=object):
    column = pd.Series(values, dtype=dtype)
    return read_ids(column, classify(column).kind, ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("values", "dtype", "texts"),
    [
        (["a", None], "str", ["a", ""]),
        (["a", None], "string[pyarrow]", ["a", ""]),
        (["b", "a", "b"], "category", ["b", "a", "b"]),
        ([2**63, 1], "uint64", [str(2**63), "1"]),
        ([2**60 + 1, None], "Int64", [str(2**60 + 1), ""]),
        ([2**60 + 1, None], "int64[pyarrow]", [str(2**60 + 1), ""]),
        ([2.0, None], "Float64", ["2", ""]),
        ([1, "x", 2.0, None], object, ["1", "x", "2", ""]),
        ([True, False], "bool", ["", ""]),
    ],
)
def test_every_backing_gives_the_same_texts(values, dtype, texts):
    assert read(*values, dtype=dtype).texts == texts


def test_id_length_counts_code_points_or_utf_16():
    """The length of an id is the larger count of code points and UTF-16 units."""
    assert too_long(["a" * 40, "a" * 41, "🎉" * 20, "🎉" * 21], 40).tolist() == [False, True, False, True]


def test_hash_collisions_are_resolved_by_text():
    texts = ["a", "b", "a", "c", "b", "d"]
    same = np.zeros(len(texts), dtype="uint64")
    groups = find_groups(same, np.ones(len(texts), dtype=bool), lambda found: [texts[row] for row in found.tolist()])
    assert sorted(groups) == [[0, 2], [1, 4]]


def test_only_shared_hashes_are_compared_as_text():
    texts = ["a", "b", "a", "c"]
    fetched = []
    find_groups(hash_texts(texts), np.ones(4, dtype=bool), lambda found: fetched.extend(found.tolist()) or ["a", "a"])
    assert fetched == [0, 2]


def test_rows_without_an_id_are_in_no_group():
    texts = ["", "", "a"]
    assert find_groups(hash_texts(texts), np.array([False, False, True]), lambda found: [""] * len(found)) == []


def test_keep_matches_pandas():
    groups = [[0, 2, 5], [1, 3]]
    column = pd.Series(["a", "b", "a", "b", "c", "a"])
    for keep in ("first", "last", False):
        assert unkept(groups, keep) == np.flatnonzero(column.duplicated(keep=keep)).tolist()


def test_fold_unifies_lookalikes():
    assert fold_case("Strasse") == fold_case("STRAßE")
    assert fold_case("a\u200bb\ufeff") == "ab"
    assert fold_case("ab") != fold_case("a b")
