"""Frames of Polars and DuckDB in every verb: the same rows give the bodies that Arrow and pandas give."""

import datetime as dt
import decimal
import json

import pandas as pd
import pyarrow as pa
import pytest

import growlytics_pandas as gp
from growlytics_pandas.errors import InvalidArgumentTypeError

pl = pytest.importorskip("polars", reason="needs the dependency group `outside`")
duckdb = pytest.importorskip("duckdb", reason="needs the dependency group `outside`")
pytestmark = pytest.mark.outside
BIG = 9007199254740993
ROWS = {
    "id": [BIG, BIG + 2, -BIG, None],
    "n": [BIG, None, 0, 2**63 - 1],
    "x": [0.1, None, 1e16, 5e-324],
    "b": [True, None, False, True],
    "t": ["é😀", None, "'=1", ""],
    "d": [dt.date(2025, 1, 31), None, dt.date(1, 1, 1), dt.date(9999, 12, 31)],
    "when": [dt.datetime(2025, 1, 31, 12), None, dt.datetime(1970, 1, 1), dt.datetime(2262, 4, 12)],  # noqa: DTZ001
    "amount": [decimal.Decimal("1.50"), None, decimal.Decimal("0.00"), decimal.Decimal("-3.25")],
}
TABLE = pa.table(ROWS)


def bodies(frame):
    return json.dumps(gp.preview(frame, "id", n=10))


def relation():
    connection = duckdb.connect()
    connection.register("customers", TABLE)
    return connection.sql("select * from customers")


def nullable():
    kinds = {"id": "Int64", "n": "Int64", "x": "Float64", "b": "boolean", "t": "string"}
    return pd.DataFrame({name: pd.Series(cells, dtype=kinds.get(name, "object")) for name, cells in ROWS.items()})


HOLDERS = {
    "Polars": lambda: pl.from_arrow(TABLE),
    "Polars of rows": lambda: pl.DataFrame(TABLE.to_pylist()),
    "DuckDB relation": relation,
    "DuckDB table": lambda: relation().to_arrow_table(),
    "nullable pandas": nullable,
    "Arrow-backed pandas": lambda: TABLE.to_pandas(types_mapper=pd.ArrowDtype),
    "dicts": TABLE.to_pylist,
    "dicts of Polars": lambda: pl.from_arrow(TABLE).to_dicts(),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_every_frame_library_gives_same_bodies(holder):
    make, expected = HOLDERS[holder], bodies(TABLE)
    assert bodies(make()) == expected
    assert json.dumps(gp.plan_batches(lambda: [make()], "id").preview(10)) == expected
    assert gp.push(make(), "id", dry_run=True).counts == gp.push(TABLE, "id", dry_run=True).counts


def test_polars_frame_keeps_every_digit(sandbox):
    frame = pl.DataFrame({"id": [BIG, None], "n": [BIG, 1]})
    gp.push(frame, "id", errors="drop", client=sandbox.client, progress=False)
    assert sandbox.stored() == {str(BIG): {"n": BIG}}


def test_categories_and_enums_are_text():
    frame = pl.DataFrame(
        {
            "id": ["a", "b"],
            "c": pl.Series(["x", None], dtype=pl.Categorical),
            "e": pl.Series(["y", "z"], dtype=pl.Enum(["y", "z"])),
        }
    )
    assert gp.schema(frame, "id")["type"].tolist() == ["string", "string"]
    assert bodies(frame) == bodies(pd.DataFrame({"id": ["a", "b"], "c": ["x", None], "e": ["y", "z"]}))


def test_duckdb_types():
    query = "select 'a' as id, 9007199254740993::hugeint as h, 'x'::enum('x') as e, 7::utinyint as u"
    assert gp.preview(duckdb.sql(query), "id")[0]["attributes"] == [
        {"name": "h", "type": "number", "value": BIG},
        {"name": "e", "type": "string", "value": "x"},
        {"name": "u", "type": "number", "value": 7},
    ]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: pl.LazyFrame({"id": ["a"]}), r"\.collect\(\)"),
        (lambda: pl.LazyFrame({"id": ["a"]}).group_by("id"), r"\.collect\(\)"),
        (lambda: pl.DataFrame({"id": ["a"]}).group_by("id"), r"\.agg\("),
        (lambda: pl.Series([1]), r"Series\.to_frame\(\)"),
        (duckdb.connect, r"connection\.sql"),
        (lambda: pl.DataFrame({"id": ["a"], "n": pl.Series([1], dtype=pl.Int128)}), "Cast the column"),
    ],
    ids=["lazy", "lazy groups", "groups", "one column", "a connection", "128 bits"],
)
def test_not_a_frame_error_shows_the_fix(make, words):
    with pytest.raises(InvalidArgumentTypeError, match=words):
        gp.push(make(), "id", dry_run=True)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: pl.DataFrame({"id": ["a"]}), r"iter_slices\(100_000\)"),
        (relation, r"to_arrow_reader\(100_000\)"),
        (lambda: TABLE, r"to_batches\(100_000\)"),
    ],
    ids=["Polars", "DuckDB", "Arrow"],
)
def test_one_frame_for_batches_shows_the_split(make, words):
    with pytest.raises(InvalidArgumentTypeError, match=words):
        gp.push_batches(make(), "id", dry_run=True)


def test_duckdb_reader_is_pushed_in_batches(sandbox):
    reader = relation().to_arrow_reader(2)
    types = dict.fromkeys(ROWS, "string") | {"n": "number", "x": "number", "b": "boolean", "amount": "number"}
    types = {name: kind for name, kind in types.items() if name != "id"} | {"d": "date", "when": "date"}
    gp.push_batches(reader, "id", types=types, errors="drop", client=sandbox.client, progress=False)
    assert set(sandbox.stored()) == {str(BIG), str(BIG + 2), str(-BIG)}
