"""The digests of two rows differ exactly if their bodies do, for any dtypes and any other rows in the frame."""

import json
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import growlytics_pandas as gp
from growlytics_pandas.ledger.digests import Digester

DIGESTER = Digester.of(b"s" * 32, "https://api.example", "key")
OPTIONS = {"types": {"mixed": "string", "number": "number"}, "strip": False}

TEXTS = st.sampled_from(["", "a", "a\0", "a\0b", "Pune", "पुणे", "1", "1.0", "true", "2025-01-31", None])
NUMBERS = st.sampled_from(
    [0, 1, -1, 2**53 - 1, 2**63, 2**70, 0.0, -0.0, 1.0, 0.1, 1e300, Decimal("1.50"), True, "7", None]
)
DATES = st.sampled_from([date(2025, 1, 31), pd.Timestamp(2025, 1, 31, 9, 30), pd.Timestamp(1969, 12, 31), None])
ROWS = st.fixed_dictionaries(
    {
        "text": TEXTS,
        "number": NUMBERS,
        "mixed": st.one_of(TEXTS, NUMBERS, DATES),
        "date": DATES,
        "flag": st.sampled_from([True, False, None]),
        "email": st.sampled_from(["a@example.com", "b@example.com", None]),
    }
)


def encoded(frame, **options):
    return gp.plan(frame, "id", **options)._part.encode(0, len(frame))


def meanings(frame, **options):
    """Return what each body says; the order of attributes means nothing."""
    for body in encoded(frame, **options).bodies:
        read = json.loads(body, parse_float=str)
        yield read | {"attributes": {a["name"]: (a["type"], repr(a["value"])) for a in read["attributes"]}}


def digests(frame, **options):
    rows = encoded(frame, **options)
    return [tuple(words) for words in DIGESTER.body_digests(rows.ids, rows.cells).tolist()]


@given(st.lists(ROWS, min_size=2, max_size=6), st.lists(st.sampled_from(["x", "y"]), min_size=6, max_size=6))
def test_digests_are_equal_iff_bodies_are(rows, ids):
    frames = [pd.DataFrame([row], dtype=object).assign(id=id_) for row, id_ in zip(rows, ids, strict=False)]
    meant = [next(meanings(frame, **OPTIONS)) for frame in frames]
    words = [digests(frame, **OPTIONS)[0] for frame in frames]
    for i in range(len(rows)):
        for j in range(i):
            assert (words[i] == words[j]) == (meant[i] == meant[j]), (meant[i], meant[j])


@given(st.lists(ROWS, min_size=1, max_size=300))
def test_digest_does_not_depend_on_chunks(rows):
    frame = pd.DataFrame(rows, dtype=object).assign(id=[f"c{i}" for i in range(len(rows))])
    together = digests(frame, **OPTIONS)
    plan = gp.plan(frame, "id", **OPTIONS)
    for i in range(0, len(rows), 37):
        alone = plan._part.encode(i, i + 1)
        assert [tuple(words) for words in DIGESTER.body_digests(alone.ids, alone.cells).tolist()] == [together[i]]


@pytest.mark.parametrize(
    ("column", "other"),
    [
        ([1, 2], pd.array([1, 2], dtype="Int64")),
        ([1, 2], np.array([1, 2], dtype="uint8")),
        ([1, 2], np.array([1, 2], dtype=object)),
        ([1, 2**63 - 1], np.array([1, 2**63 - 1], dtype="uint64")),
        ([0.5, 0.1], np.array([0.5, 0.1], dtype="float32")),
        ([0.5, 0.1], pd.array([0.5, 0.1], dtype="Float64")),
        (["a", "b"], pd.Categorical(["a", "b"])),
        ([True, False], pd.array([True, False], dtype="boolean")),
        (pd.to_datetime(["2025-01-31", "1970-01-01"]), [date(2025, 1, 31), date(1970, 1, 1)]),
    ],
    ids=["Int64", "uint8", "object", "uint64", "float32", "Float64", "category", "boolean", "dates"],
)
def test_digest_does_not_depend_on_dtype(column, other):
    frames = [pd.DataFrame({"id": ["a", "b"], "x": values}) for values in (column, other)]
    assert list(meanings(frames[0])) == list(meanings(frames[1]))
    assert digests(frames[0]) == digests(frames[1])


def test_what_changes_a_digest():
    """Names, types and missing values; not the order of columns."""
    frame = pd.DataFrame({"id": ["a"], "x": ["1"], "y": ["2"]})
    first = digests(frame)
    assert digests(frame[["y", "id", "x"]]) == first
    others = [
        digests(frame.rename(columns={"x": "y", "y": "x"})),
        digests(frame, types={"x": "number"}),
        digests(frame.assign(y=pd.NA)),
        digests(frame.assign(id="b")),
        digests(frame, name="x"),
    ]
    assert len({tuple(each) for each in [first, *others]}) == 1 + len(others)
    assert digests(frame.assign(y=pd.NA)) == digests(frame[["id", "x"]])
