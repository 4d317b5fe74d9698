"""Bodies are exact to the byte: the published example, every digit, every character, in any combination of rows."""

import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import published

import growlytics_pandas
from growlytics_pandas.upload.encode import escaped

EXAMPLE = (
    '{"id":"your-system-uniqe-id",%s"attributes":['
    '{"name":"name","type":"string","value":"Customer Name"},'
    '{"name":"email","type":"string","value":"customer_email@gmail.com"},'
    '{"name":"mobile","type":"string","value":"9919211112"},'
    '{"name":"City","type":"string","value":"Mumbai"},'
    '{"name":"Total Orders","type":"number","value":1},'
    '{"name":"Is First Time Purchaser","type":"boolean","value":true},'
    '{"name":"Last Order Date","type":"date","value":"2026-01-31 18:05:09"}]}'
)


@pytest.fixture
def example():
    return pd.DataFrame([published.ROW])


def refuse(text):
    raise AssertionError(f"{text} is not JSON")


def read(body):
    """Read strict JSON with every digit."""
    return json.loads(body, parse_float=Decimal, parse_constant=refuse)


def bodies(frame, **options):
    return growlytics_pandas.plan(frame, "id", **options)._part.encode(0, len(frame)).bodies


def values(column, **options):
    frame = pd.DataFrame({"id": [f"c{i}" for i in range(len(column))]})
    frame["x"] = column.set_axis(frame.index)
    found = [read(body)["attributes"] for body in bodies(frame, **options)]
    return [attributes[0]["value"] if attributes else None for attributes in found]


# the published example -----------------------------------------------------------------------------------------------


def test_published_example_byte_for_byte(example):
    assert [body.decode() for body in bodies(example)] == [EXAMPLE % ""]
    assert growlytics_pandas.validate(example, "id").empty


def test_top_level_name_position(example):
    assert [body.decode() for body in bodies(example, name="Purchased")] == [EXAMPLE % '"name":"Purchased",']


def test_published_example_is_stored(example, sandbox):
    result = growlytics_pandas.push(example, "id", name="Purchased", client=sandbox.client, progress=False)
    assert result.ok
    assert sandbox.stored() == {published.ID: published.STORED}
    assert sandbox.event_names() == {published.ID: published.EVENT_NAME}
    assert sandbox.ignored().empty
    types = sandbox.attribute_types().set_index("attribute")["type"]
    assert types.drop(["name", "email", "mobile"], errors="ignore").to_dict() == published.CUSTOM_TYPES


# numbers -------------------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30),
    st.sampled_from([float, object]),
)
def test_finite_floats_round_trip(floats, dtype):
    sent = values(pd.Series(floats, dtype=dtype))
    assert [float(value) for value in sent] == floats  # -0.0 is sent as 0


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=30),
    st.sampled_from(["float32", "Float32", "float[pyarrow]"]),
)
def test_float32_keeps_its_shortest_digits(floats, dtype):
    sent = values(pd.Series(floats, dtype=dtype))
    assert [np.float32(str(value)) for value in sent] == [np.float32(value) for value in floats]
    assert sent == [Decimal(str(np.float32(value))) for value in floats]


def test_every_float16_keeps_its_own_digits():
    every = np.arange(2**16, dtype="uint16").view("float16")
    finite = every[np.isfinite(every)]
    sent = values(pd.Series(finite))
    assert [np.float16(str(value)) for value in sent] == finite.tolist()
    assert sent[: len(finite)] == [Decimal(str(value)) for value in finite]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**40), max_value=10**40),
        min_size=1,
        max_size=9,
    )
)
def test_decimal_keeps_every_digit(decimals):
    sent = values(pd.Series(decimals, dtype=object))
    assert [Decimal(value).as_tuple() for value in sent] == [value.as_tuple() for value in decimals]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-(2**1000), 2**1000), min_size=1, max_size=9))
def test_large_integers_stay_integers(integers):
    sent = values(pd.Series(integers, dtype=object))
    assert sent == integers
    assert {type(value) for value in sent} == {int}


# text ----------------------------------------------------------------------------------------------------------------

HARD = [
    "\x1e",
    "\\u001e",
    "\x1e\\u001e\x1e",
    '"quoted"',
    "\\",
    "ends with a backslash\\",
    "\\starts",
    "u001e",
    "NUL \x00 inside",
    "\t\n\r\x0b\x1f\x7f\x85",
    "line\u2028and\u2029paragraph",
    "100 % of %s and %(x)d %%",
    "{0} {x!r} }{",
    "नमस्ते",
    "🎉👩‍👩‍👧",
    "\ufeffBOM",
    "",
    " ",
    "null",
    "NaN",
]
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(HARD)


@pytest.mark.parametrize("dtype", ["str", "string[python]", "category", object])
def test_difficult_text_alone_and_together(dtype):
    column = pd.Series(HARD, dtype=dtype)
    assert values(column) == HARD
    for row, text in enumerate(HARD):
        assert values(column.iloc[row : row + 1]) == [text]


@settings(max_examples=100, deadline=None)
@given(st.lists(ANY_TEXT, max_size=12))
def test_any_texts_are_split_correctly(texts):
    assert [json.loads(f'"{text}"') for text in escaped(texts)] == texts


@pytest.mark.parametrize("name", [text for text in HARD if text.strip()])
def test_difficult_names_are_unchanged(name):
    frame = pd.DataFrame([["a", "v", None], ["b", "w", 1.0]], columns=["id", name, f"{name}2"])
    [first, second] = map(read, bodies(frame, name=name))
    assert first == {"id": "a", "name": name, "attributes": [{"name": name, "type": "string", "value": "v"}]}
    assert second["attributes"][1] == {"name": f"{name}2", "type": "number", "value": 1}


@pytest.mark.parametrize("text", [text for text in HARD if text.strip() == text and text])
def test_difficult_ids_are_unchanged(text):
    assert [read(body)["id"] for body in bodies(pd.DataFrame({"id": [text, "other"]}))] == [text, "other"]


def test_text_is_sent_as_utf8():
    [body] = bodies(pd.DataFrame({"id": ["é"], "City": ["मुंबई 🎉"]}))
    assert "मुंबई 🎉".encode() in body
    assert b"\\u" not in body


# rows together -------------------------------------------------------------------------------------------------------

CELLS = {
    "text": st.none() | ANY_TEXT,
    "number": st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70),
    "Int64": st.none() | st.integers(-(2**63), 2**63 - 1),
    "boolean": st.none() | st.booleans(),
    "date": st.none() | st.datetimes(),
    "category": st.none() | st.sampled_from(["Pune", "Goa", "%s"]),
    "mixed": st.none() | st.integers() | st.text("ab", max_size=2) | st.just([1]),
}
DTYPES = {"text": object, "number": object, "date": object, "mixed": object}


@st.composite
def frames(draw):
    rows = draw(st.integers(1, 7))
    kinds = draw(st.lists(st.sampled_from(sorted(CELLS)), max_size=5))
    columns = {"id": pd.Series([f"c{i}" for i in range(rows)])}
    for position, kind in enumerate(kinds):
        cell = draw(st.sampled_from([CELLS[kind], CELLS[kind], st.none()]))
        column = draw(st.lists(cell, min_size=rows, max_size=rows))
        columns[f"%{kind} {position}"] = pd.Series(column, dtype=DTYPES.get(kind, kind))
    return pd.DataFrame(columns)


@settings(max_examples=100, deadline=None)
@given(frames(), st.integers(1, 7), st.sampled_from([None, "Purchased %s"]))
def test_body_does_not_depend_on_chunks(frame, size, name):
    plan = growlytics_pandas.plan(frame, "id", name=name)
    whole = plan._part.encode(0, len(frame)).bodies
    for step in (1, size):
        parts = [plan._part.encode(start, min(start + step, len(frame))).bodies for start in range(0, len(frame), step)]
        assert [body for part in parts for body in part] == whole
    wanted = np.arange(len(frame)) % 2 == 0
    chosen = plan._part.encode(0, len(frame), wanted)
    assert chosen.bodies == [whole[row] for row in chosen.rows] == whole[::2]


@settings(max_examples=100, deadline=None)
@given(frames())
def test_attributes_in_frame_order_without_nulls(frame):
    order = [label for label in frame if label != "id"]
    for body in map(read, bodies(frame)):
        assert list(body) == ["id", "attributes"]
        sent = [attribute["name"] for attribute in body["attributes"]]
        assert sent == [label for label in order if label in sent]
        for attribute in body["attributes"]:
            assert list(attribute) == ["name", "type", "value"]
            assert attribute["value"] is not None


@pytest.mark.parametrize(
    "patterns",
    [
        ["1..", "1..", "1.."],
        [".1.", ".1.", ".1."],
        ["..1", "1..", ".1."],
        ["111", "...", "111"],
        ["...", "...", "..."],
        ["1.1", ".1.", "1.1"],
        ["11.", ".11", "1.1"],
    ],
)
def test_missing_values_keep_valid_json(patterns):
    frame = pd.DataFrame({"id": ["a", "b", "c"]})
    for column in range(3):
        frame[f"n{column}"] = pd.array([1 if row[column] == "1" else None for row in patterns], dtype="Int64")
    found = [[each["name"] for each in read(body)["attributes"]] for body in bodies(frame)]
    assert found == [[f"n{i}" for i, mark in enumerate(row) if mark == "1"] for row in patterns]


def test_no_rows_encode_to_no_bodies():
    frame = pd.DataFrame({"id": ["a"], "n": [1], "f": [0.5], "t": ["x"], "b": [True]})
    frame["d"] = pd.Timestamp("2026-01-31")
    assert growlytics_pandas.plan(frame, "id")._part.encode(0, 0).bodies == []
    assert growlytics_pandas.plan(frame, "id")._part.encode(1, 1).bodies == []


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "Float64", object])
def test_whole_floats_are_written_like_integers(dtype):
    whole = pd.DataFrame({"id": list("abc"), "n": pd.Series([3, 0, 40])})
    floats = pd.DataFrame({"id": list("abc"), "n": pd.Series([3.0, -0.0, 40.0]).astype(dtype)})
    of_floats, of_integers = (growlytics_pandas.plan(df, "id")._part.encode(0, 3).bodies for df in (floats, whole))
    assert of_floats == of_integers
