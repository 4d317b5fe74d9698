"""The distinct texts of a column are counted and cleaned as its cells are, in bulk."""

from collections import Counter

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from growlytics_pandas.checks.profile import SAMPLE, clean_profile, profile_of
from growlytics_pandas.columns.dtypes import Kind
from growlytics_pandas.columns.parsers import Texts, shapes_of
from growlytics_pandas.columns.texts import MISSING_WORDS, may_need_strip, strip_texts

PADDED = st.text(st.sampled_from("ab1 '=\"\t\u00a0\u200b\ufeff"), max_size=6)
CELLS = st.lists(st.one_of(st.none(), PADDED, st.sampled_from(["NA", " n/a", "-", ""])), max_size=20)


@given(CELLS)
def test_cleaned_profile_counts_stripped_cells(cells):
    column = pd.Series(cells, dtype=object)
    found = clean_profile(profile_of(column, Kind.TEXT))
    present = [cell for cell in cells if cell is not None]
    stripped = strip_texts(present)
    words = Counter(text for text in stripped if text.casefold() in MISSING_WORDS)
    assert found.words == words
    assert dict(zip(found.profile.texts, found.profile.counts.tolist(), strict=True)) == Counter(stripped) - words
    assert found.stripped == sum(old != new for old, new in zip(present, stripped, strict=True))


@given(st.lists(PADDED, max_size=10))
def test_stripped_texts_are_recognised_at_once(texts):
    assert may_need_strip(texts) or strip_texts(texts) == texts


@given(st.lists(st.text(st.sampled_from("09a/₹\0"), max_size=5), max_size=12), st.data())
def test_patterns_of_a_subset_match_the_whole(texts, data):
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts))), dtype=bool)
    many = Texts(texts)
    assert [many.shapes.names[code] for code in many.shapes.codes.tolist()] == [
        text.replace("0", "1").replace("9", "1") for text in texts
    ]
    some = many.where(mask)
    alone = shapes_of(list(some))
    assert [some.shapes.names[code] for code in some.shapes.codes.tolist()] == [
        alone.names[code] for code in alone.codes.tolist()
    ]
    assert set(some.shapes.names) == set(alone.names)


def test_patterns_of_many_texts_match_few():
    few = ["31/01/2025", "₹ 5", "a\0b", "", "\ud800"]
    many = shapes_of(few[:4] * 30_000)
    assert many.names == shapes_of(few).names[:4]
    assert many.codes.tolist() == [0, 1, 2, 3] * 30_000
    assert shapes_of(few * 30_000).names == shapes_of(few).names


def test_sample_has_commonest_and_represents_all():
    texts = ["common"] * 50_000 + [f"rare {i}" for i in range(20_000)]
    profile = profile_of(pd.Series(texts), Kind.TEXT)
    assert len(profile.sample.texts) == SAMPLE
    assert "common" in profile.sample.texts
    assert 0.95 < profile.sample.cells / profile.cells < 1.05
    assert profile.sample.texts == profile_of(pd.Series(texts), Kind.TEXT).sample.texts
