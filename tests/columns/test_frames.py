"""Frames of every kind are read without loss: the same rows give the same bodies, whatever holds them."""

import datetime as dt
import decimal
import io
import json
import sqlite3
import uuid
from collections import namedtuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import growlytics_pandas as gp
from growlytics_pandas.columns.frames import read_frame
from growlytics_pandas.errors import InvalidArgumentTypeError

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
BIG = 9007199254740993  # the first whole number that a float cannot hold


class Stream:
    """Something of another library that hands out Arrow data and nothing else."""

    def __init__(self, table):
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


class Array:
    def __init__(self, batch):
        self._batch = batch

    def __arrow_c_array__(self, requested_schema=None):
        return self._batch.__arrow_c_array__(requested_schema)


def bodies(frame, **options):
    return gp.preview(frame, "id", n=10_000, **options)


def bodies_of_batches(frames, **options):
    return gp.plan_batches(frames, "id", **options).preview(10_000)


def rows_of(columns):
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


# no digit is lost -------------------------------------------------------------------------------------------------------


GAPS = {"id": ["a", "b", "c"], "n": [BIG, None, -BIG], "b": [True, None, False]}
TABLE = pa.table(GAPS)
ROWS = rows_of(GAPS)
Row = namedtuple("Row", GAPS)  # noqa: PYI024 - as database drivers make them
ROW_READERS = {
    "Table": lambda: TABLE,
    "RecordBatch": lambda: TABLE.to_batches()[0],
    "RecordBatchReader": TABLE.to_reader,
    "any stream": lambda: Stream(TABLE),
    "any array": lambda: Array(TABLE.to_batches()[0]),
    "dicts": lambda: ROWS,
    "named tuples": lambda: [Row(**row) for row in ROWS],
}


@pytest.mark.parametrize("kind", ROW_READERS)
def test_gaps_keep_integer_digits_everywhere(kind):
    make = ROW_READERS[kind]
    expected = [{"n": BIG, "b": True}, {}, {"n": -BIG, "b": False}]
    found = [{a["name"]: a["value"] for a in body["attributes"]} for body in bodies(make())]
    assert found == expected
    found = gp.push_batches([make()], "id", types={"n": "number", "b": "boolean"}, dry_run=True)
    assert found.counts["unsent"] == 3
    assert gp.schema(make(), "id")["type"].tolist() == ["number", "boolean"]
    assert set(gp.validate(make(), "id")["severity"]) <= {"warning"}
    assert gp.push(make(), "id", dry_run=True).counts["unsent"] == 3


@pytest.mark.parametrize("kind", ROW_READERS)
def test_id_beside_a_gap_is_the_same_customer(kind, sandbox):
    columns = {"id": [BIG, None, BIG - 1], "n": [1, 2, 3]}
    table, rows = pa.table(columns), rows_of(columns)
    row = namedtuple("Row", columns)  # noqa: PYI024
    makers = {
        "Table": table,
        "RecordBatch": table.to_batches()[0],
        "RecordBatchReader": table.to_reader(),
        "any stream": Stream(table),
        "any array": Array(table.to_batches()[0]),
        "dicts": rows,
        "named tuples": [row(**one) for one in rows],
    }
    types = {"n": "number"}  # a reader can be read only once
    gp.push_batches([makers[kind]], "id", types=types, errors="drop", client=sandbox.client, progress=False)
    assert set(sandbox.stored()) == {str(BIG), str(BIG - 1)}


def test_rows_one_by_one_keep_digits(sandbox):
    rows = iter([{"id": "a", "n": BIG}, {"id": "b"}, {"id": "c", "n": None, "d": dt.date(2025, 1, 31)}])
    types = {"n": "number", "d": "date"}
    gp.push_batches(rows, "id", types=types, client=sandbox.client, progress=False, errors="drop")
    assert sandbox.stored()["a"] == {"n": BIG}
    assert sandbox.stored()["b"] == {}


# the same bodies, whatever holds the rows -------------------------------------------------------------------------------

EDGES = [0, 1, -1, 2**53 - 1, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)]
FLOATS = [0.0, -0.0, 0.1, 1e16, 1e-7, 5e-324, 1.7976931348623157e308, 2.0**53]
MOMENTS = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)).map(lambda d: d.replace(microsecond=0))  # noqa: DTZ001
KINDS = {
    "int64": (st.sampled_from(EDGES) | st.integers(-(2**63), 2**63 - 1), pa.int64(), "Int64"),
    "uint64": (st.integers(0, 2**64 - 1), pa.uint64(), "UInt64"),
    "int8": (st.integers(-128, 127), pa.int8(), "Int8"),
    "float64": (st.sampled_from(FLOATS) | st.floats(allow_nan=False, allow_infinity=False), pa.float64(), "Float64"),
    "bool": (st.booleans(), pa.bool_(), "boolean"),
    "text": (st.text(st.characters(exclude_categories=["Cs"]), max_size=20), pa.string(), "string"),
    "large text": (st.text("aé😀'=", max_size=20), pa.large_string(), "string"),
    "category": (st.sampled_from(["x", "y", "é"]), pa.dictionary(pa.int8(), pa.string()), "category"),
    "date": (st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31)), pa.date32(), "object"),
    "date64": (st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31)), pa.date64(), "object"),
    "moment": (MOMENTS, pa.timestamp("us"), "object"),
    "moment with a zone": (MOMENTS.filter(lambda d: 2 < d.year < 9998), pa.timestamp("s", tz="Asia/Kolkata"), "object"),
    "decimal": (st.decimals(-(10**9), 10**9, places=2), pa.decimal128(20, 2), "object"),
}
if hasattr(pa, "string_view"):
    KINDS["text view"] = (st.text("aé😀'=", max_size=20), pa.string_view(), "string")


@st.composite
def columns(draw):
    """A few columns of several types, with gaps."""
    rows = draw(st.integers(1, 6))
    chosen = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4, unique=True))
    values = {kind: draw(st.lists(st.none() | KINDS[kind][0], min_size=rows, max_size=rows)) for kind in chosen}
    return {"id": [f"c{i}" for i in range(rows)], **values}


def arrow_of(values):
    arrays = {
        name: pa.array(cells, KINDS[name][1]) if name in KINDS else pa.array(cells) for name, cells in values.items()
    }
    return pa.table(arrays)


def pandas_of(values):
    arrays = {}
    for name, cells in values.items():
        if name == "moment with a zone":
            cells = arrow_of({name: cells})[name].to_pylist()  # noqa: PLW2901 - as aware dates of Python
        arrays[name] = pd.Series(cells, dtype=KINDS[name][2] if name in KINDS else "object")
    return pd.DataFrame(arrays)


@pytest.mark.skipif(int(pa.__version__.split(".")[0]) < 20, reason="pyarrow 15 itself crashes on some of these arrays")
@settings(max_examples=75, deadline=None)
@given(columns())
def test_all_frame_types_give_the_same_bodies(values):
    table, expected = arrow_of(values), bodies(pandas_of(values))
    expected = json.dumps(expected)
    rows = rows_of({name: column.to_pylist() for name, column in zip(table.column_names, table.columns, strict=True)})
    assert json.dumps(bodies(table)) == expected
    assert json.dumps(bodies(Stream(table))) == expected
    assert json.dumps(bodies(rows)) == expected
    assert json.dumps(bodies_of_batches(lambda: iter(rows))) == expected
    assert json.dumps(bodies_of_batches(table.to_batches(2))) == expected
    file = io.BytesIO()
    if "text view" not in values and "date64" not in values:
        parquet.write_table(table, file)
        assert json.dumps(bodies_of_batches(lambda: parquet.ParquetFile(file).iter_batches(2))) == expected


@settings(max_examples=50, deadline=None)
@given(st.lists(st.none() | st.integers(-(2**53), 2**53), min_size=1, max_size=6))
def test_whole_numpy_floats_match_integers(numbers):
    ids = [f"c{i}" for i in range(len(numbers))]
    numpy_frame = pd.DataFrame({"id": ids, "n": np.array(numbers, dtype="float64")})
    assert bodies(numpy_frame) == bodies(pa.table({"id": ids, "n": pa.array(numbers, "int64")}))


OF_NO_TYPE = {
    "binary": pa.array([b"x", None]),
    "list": pa.array([[1], None]),
    "struct": pa.array([{"a": 1}, None]),
    "time": pa.array([dt.time(1), None]),
    "duration": pa.array([dt.timedelta(1), None]),
    "map": pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
}


@pytest.mark.parametrize("kind", OF_NO_TYPE)
def test_untyped_column_is_reported_as_in_pandas(kind):
    table = pa.table({"id": ["a", "b"], "x": OF_NO_TYPE[kind]})
    objects = pd.DataFrame({"id": ["a", "b"], "x": pd.Series(table["x"].to_pylist(), dtype=object)})
    pd.testing.assert_frame_equal(gp.validate(table, "id"), gp.validate(objects, "id"))


def test_null_and_extension_types_are_read():
    extended = {"id": pa.array(["a", "b"]), "none": pa.nulls(2)}
    one = uuid.UUID(int=7)
    if hasattr(pa, "bool8"):
        extended["flag"] = pa.array([1, 0], pa.int8()).cast(pa.int8())
        extended["flag"] = pa.ExtensionArray.from_storage(pa.bool8(), extended["flag"])
    if hasattr(pa, "uuid"):
        extended["u"] = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([one.bytes, None], pa.binary(16)))
    first = {a["name"]: a["value"] for a in bodies(pa.table(extended))[0]["attributes"]}
    assert first == {key: v for key, v in (("flag", True), ("u", str(one))) if key in extended}


def test_arrow_from_pandas_restores_its_index():
    frame = pd.DataFrame({"w": [1, 2], "x": [3, 4]}, index=pd.Index(["a", "b"], name="id"))
    assert gp.preview(pa.Table.from_pandas(frame), "id") == gp.preview(frame, "id")
    many = frame.set_axis(pd.MultiIndex.from_tuples([("n", "sum"), ("n", "max")]), axis=1)
    assert gp.preview(pa.Table.from_pandas(many), "id") == gp.preview(many, "id")
    numbers = pd.DataFrame({1: ["a"], 2: ["b"]})
    assert read_frame(pa.Table.from_pandas(numbers)).columns.tolist() == [1, 2]
    shifted = pd.DataFrame({"id": ["a", "b", "c"]}).iloc[1:]
    assert read_frame(pa.Table.from_pandas(shifted)).index.tolist() == [1, 2]
    two = pd.DataFrame({"x": [1]}, index=pd.MultiIndex.from_tuples([("a", 5)], names=["id", "k"]))
    assert gp.preview(pa.Table.from_pandas(two), "id") == gp.preview(two, "id")


def test_arrow_duplicate_names_act_as_in_pandas():
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array([1]), pa.array(["x"])], names=["id", "n", "n"])
    frame = pd.DataFrame([["a", 1, "x"]], columns=["id", "n", "n"])
    assert gp.validate(table, "id")["rule"].tolist() == gp.validate(frame, "id")["rule"].tolist()


def test_no_columns_and_no_rows_are_a_frame():
    assert gp.push(pa.table({"id": pa.array([], "string")}), "id", dry_run=True).counts["unsent"] == 0


# dtypes of other libraries ----------------------------------------------------------------------------------------------


class OwnDtype(pd.api.extensions.ExtensionDtype):
    """A dtype as BigQuery's dbdate: neither numpy's nor pandas' own."""

    name = "own"
    type = object
    kind = "O"
    na_value = None

    @classmethod
    def construct_array_type(cls):
        return OwnArray


class OwnArray(pd.api.extensions.ExtensionArray):
    def __init__(self, values):
        self._values = np.array(values, dtype=object)

    dtype = OwnDtype()
    nbytes = 0

    def __len__(self):
        return len(self._values)

    def __getitem__(self, key):
        found = self._values[key]
        return found if np.isscalar(key) or isinstance(key, int) else type(self)(found)

    def isna(self):
        return np.array([value is None for value in self._values])

    def copy(self):
        return type(self)(self._values.copy())

    def take(self, indices, *, allow_fill=False, fill_value=None):
        return type(self)(pd.api.extensions.take(self._values, indices, allow_fill=allow_fill, fill_value=fill_value))

    @classmethod
    def _from_sequence(cls, scalars, *, dtype=None, copy=False):
        return cls(list(scalars))

    @classmethod
    def _concat_same_type(cls, arrays):
        return cls(np.concatenate([array._values for array in arrays]))


@pytest.mark.parametrize(
    "values",
    [[dt.date(2025, 1, 31), None], [BIG, None], ["x", None], [True, None], [decimal.Decimal("1.5"), None], [1.5, "x"]],
    ids=["date", "integer", "text", "boolean", "decimal", "mixture"],
)
def test_unknown_dtype_is_read_by_its_values(values):
    frame = pd.DataFrame({"id": ["a", "b"], "x": OwnArray(values)})
    objects = pd.DataFrame({"id": ["a", "b"], "x": pd.Series(values, dtype=object)})
    assert bodies(frame) == bodies(objects)
    assert bodies_of_batches([frame]) == bodies_of_batches([objects])
    assert frame["x"].dtype.name == "own"
    ids = pd.DataFrame({"id": OwnArray(["a", "b"]), "x": [1, 2]})
    assert [body["id"] for body in bodies(ids)] == ["a", "b"]


# what is no frame -------------------------------------------------------------------------------------------------------


def cursor():
    return sqlite3.connect(":memory:").execute("select 1")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: pd.DataFrame({"a": [1]}).groupby("a"), r"\.agg\("),
        (lambda: pd.DataFrame({"a": [1]}).groupby("a")["a"], r"\.agg\("),
        (lambda: pd.DataFrame({"a": [1]}).rolling(1), r"\.agg\("),
        (lambda: pa.array([1]), "a frame with one row per customer"),
        (lambda: pa.chunked_array([[1]]), "a frame with one row per customer"),
        (lambda: "big.csv", r"pd\.read_csv"),
        (lambda: iter([{"id": "a"}]), "push_batches"),
        (lambda: lambda: [pd.DataFrame()], "push_batches"),
        (lambda: {"id": ["a"]}, "dtype=object"),
        (lambda: np.zeros((2, 2)), r"pd\.DataFrame\(…, columns"),
        (list, "a list"),
        (lambda: pa.Table, "a type"),
    ],
)
def test_non_frame_error_shows_the_conversion(make, words):
    with pytest.raises(InvalidArgumentTypeError, match=words) as refused:
        gp.push(make(), "id", dry_run=True)
    assert "may make one" not in str(refused.value)


def test_the_dtypes_of_pandas_are_unchanged():
    frame = pd.DataFrame(
        {"id": ["a"], "n": pd.array([1], "Int64"), "c": pd.Categorical(["x"]), "s": pd.array(["x"], "string")}
    )
    frame["z"], frame["p"] = pd.Timestamp("2025-01-31", tz="UTC"), pd.Period("2025-01")
    frame["a"] = pd.array([1], pd.ArrowDtype(pa.int8()))
    assert gp.plan(frame, "id").frame.dtypes.tolist() == frame.dtypes.tolist()
