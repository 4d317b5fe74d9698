"""Every dtype in the table is sent with the type and the JSON that the table lists."""

# ruff: noqa: DTZ001 - naive dates are the subject

import datetime as dt
import json
from collections import Counter
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import growlytics_pandas
from growlytics_pandas.columns.dtypes import classify, merge, tally

NOON = dt.datetime(2026, 1, 31, 12, 30, 5)
DAY = dt.datetime(2026, 1, 31)
KOLKATA = ZoneInfo("Asia/Kolkata")
MORNING = dt.datetime(2026, 1, 31, 5, 30, tzinfo=KOLKATA)  # midnight in UTC


class Case(NamedTuple):
    label: str
    make: object
    type: str | None
    tokens: list


def plain(label, dtype, values, kind, tokens):
    return Case(label, lambda: pd.Series(values, dtype=dtype), kind, tokens)


def whole(dtype):
    """A whole-number dtype, with its own largest value, and a missing one where it can hold that."""
    name = dtype.lower().removesuffix("[pyarrow]")
    largest = int(np.iinfo(name).max)
    has_missing = dtype != name
    values = [42, largest, None] if has_missing else [42, largest]
    return plain(dtype, dtype, values, "number", ["42", str(largest), None][: len(values)])


def arrow(label, kind, values, attribute_type, tokens):
    return Case(label, lambda: pd.Series(pd.array(values, dtype=pd.ArrowDtype(kind))), attribute_type, tokens)


def dictionary(label, values, kind, tokens):
    encoded = pa.array(values).dictionary_encode()
    return Case(label, lambda: pd.Series(pd.arrays.ArrowExtensionArray(encoded)), kind, tokens)


def cells(label, values, kind, tokens):
    """An object column, made cell by cell: a list stays a cell."""
    array = np.empty(len(values), dtype=object)
    for position, value in enumerate(values):
        array[position] = value
    return Case(label, lambda: pd.Series(array, dtype=object), kind, tokens)


def category(label, values, kind, tokens, categories=None):
    dtype = "category" if categories is None else pd.CategoricalDtype(categories)
    return plain(label, dtype, values, kind, tokens)


WHOLE = [
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"),
    *("int8[pyarrow]", "int16[pyarrow]", "int32[pyarrow]", "int64[pyarrow]"),
    *("uint8[pyarrow]", "uint16[pyarrow]", "uint32[pyarrow]", "uint64[pyarrow]"),
]
TEXTS, TEXT_TOKENS = ["Pune", None, "मुंबई"], ['"Pune"', None, '"मुंबई"']
FLOATS, FLOAT_TOKENS = [0.1, None, -2.5], ["0.1", None, "-2.5"]
BOOLS, BOOL_TOKENS = [True, None, False], ["true", None, "false"]
DATES, DATE_TOKENS = [DAY, None, NOON], ['"2026-01-31 00:00:00"', None, '"2026-01-31 12:30:05"']
DECIMALS, DECIMAL_TOKENS = [Decimal("12.50"), None, Decimal("-0.01")], ["12.50", None, "-0.01"]
AWARE = [MORNING, None]

DTYPE_TABLE = [
    *map(whole, WHOLE),
    *(plain(dtype, dtype, TEXTS, "string", TEXT_TOKENS) for dtype in ("str", "string", "string[pyarrow]")),
    arrow("large_string[pyarrow]", pa.large_string(), TEXTS, "string", TEXT_TOKENS),
    arrow("string as Arrow's own", pa.string(), TEXTS, "string", TEXT_TOKENS),
    plain("string[python]", "string[python]", TEXTS, "string", TEXT_TOKENS),
    dictionary("dictionary[pyarrow] of text", TEXTS, "string", TEXT_TOKENS),
    category("category of text", TEXTS, "string", TEXT_TOKENS),
    category("category with one not used", ["Pune"], "string", ['"Pune"'], categories=["Pune", 1, 2.5]),
    category(
        "category of Arrow text", ["Pune"], "string", ['"Pune"'], categories=pd.array(["Pune"], "string[pyarrow]")
    ),
    cells("object of str", TEXTS, "string", TEXT_TOKENS),
    cells("object of np.str_", [np.str_("Pune"), pd.NA], "string", ['"Pune"', None]),
    Case("Sparse[object]", lambda: pd.Series(pd.arrays.SparseArray(["Pune", "Goa"])), "string", ['"Pune"', '"Goa"']),
    plain("big-endian integers", ">i8", [42, 2**62], "number", ["42", str(2**62)]),
    plain("Sparse[int64]", "Sparse[int64]", [42, 0], "number", ["42", "0"]),
    dictionary("dictionary[pyarrow] of int", [42, None], "number", ["42", None]),
    category("category of int", [42, None], "number", ["42", None]),
    category("category of int with text not used", [42, None], "number", ["42", None], categories=[42, "all"]),
    cells("object of int", [42, None, 2**70], "number", ["42", None, str(2**70)]),
    cells("object of numpy integers", [np.int8(42), np.uint64(2**64 - 1)], "number", ["42", str(2**64 - 1)]),
    *(
        plain(dtype, dtype, FLOATS, "number", FLOAT_TOKENS)
        for dtype in ("float16", "float32", "float64", "Float32", "Float64", "Sparse[float64]", "Sparse[float32]")
    ),
    plain("big-endian floats", ">f4", FLOATS, "number", FLOAT_TOKENS),
    *(arrow(f"{kind}[pyarrow]", kind, FLOATS, "number", FLOAT_TOKENS) for kind in (pa.float32(), pa.float64())),
    arrow("halffloat[pyarrow]", pa.float16(), [np.float16(0.1), None], "number", ["0.1", None]),
    dictionary("dictionary[pyarrow] of float", FLOATS, "number", FLOAT_TOKENS),
    category("category of float", FLOATS, "number", FLOAT_TOKENS),
    cells("object of float", FLOATS, "number", FLOAT_TOKENS),
    cells("object of np.float32", [np.float32(0.1), np.float32("nan")], "number", ["0.1", None]),
    cells("object of int and float", [0.1, 7, 2**70, None], "number", ["0.1", "7", str(2**70), None]),
    cells("object of all numbers", [0.1, 7, Decimal("1.50"), None], "number", ["0.1", "7", "1.50", None]),
    arrow("decimal128[pyarrow]", pa.decimal128(10, 2), DECIMALS, "number", DECIMAL_TOKENS),
    arrow("decimal256[pyarrow]", pa.decimal256(50, 2), DECIMALS, "number", DECIMAL_TOKENS),
    category("category of Decimal", DECIMALS, "number", DECIMAL_TOKENS),
    cells("object of Decimal", [*DECIMALS, Decimal("NaN")], "number", [*DECIMAL_TOKENS, None]),
    plain("bool", "bool", [True, False], "boolean", ["true", "false"]),
    plain("boolean", "boolean", BOOLS, "boolean", BOOL_TOKENS),
    plain("bool[pyarrow]", "bool[pyarrow]", BOOLS, "boolean", BOOL_TOKENS),
    plain("Sparse[bool]", "Sparse[bool]", [True, False], "boolean", ["true", "false"]),
    dictionary("dictionary[pyarrow] of bool", BOOLS, "boolean", BOOL_TOKENS),
    category("category of bool", BOOLS, "boolean", BOOL_TOKENS),
    cells("object of bool", BOOLS, "boolean", BOOL_TOKENS),
    cells("object of np.bool_", [np.True_, pd.NA], "boolean", ["true", None]),
    *(
        plain(f"datetime64[{unit}]", f"datetime64[{unit}]", DATES, "date", DATE_TOKENS)
        for unit in ("s", "ms", "us", "ns")
    ),
    Case("big-endian dates", lambda: pd.Series(np.array(DATES, dtype=">M8[s]")), "date", DATE_TOKENS),
    plain("datetime64[us, UTC]", "datetime64[us, UTC]", AWARE, "date", DATE_TOKENS[:2]),
    plain("datetime64 of another zone", "datetime64[ns, America/New_York]", AWARE, "date", DATE_TOKENS[:2]),
    arrow("timestamp[pyarrow]", pa.timestamp("us"), DATES, "date", DATE_TOKENS),
    arrow("timestamp[pyarrow] of ns", pa.timestamp("ns"), DATES, "date", DATE_TOKENS),
    arrow("timestamp[pyarrow] with a zone", pa.timestamp("ms", "Asia/Tokyo"), AWARE, "date", DATE_TOKENS[:2]),
    arrow("date32[pyarrow]", pa.date32(), [DAY.date(), None], "date", DATE_TOKENS[:2]),
    arrow("date64[pyarrow]", pa.date64(), [DAY.date(), None], "date", DATE_TOKENS[:2]),
    dictionary("dictionary[pyarrow] of dates", DATES, "date", DATE_TOKENS),
    category("category of datetime", DATES, "date", DATE_TOKENS),
    category("category of aware datetime", AWARE, "date", DATE_TOKENS[:2]),
    cells("object of datetime", [*DATES, pd.NaT], "date", [*DATE_TOKENS, None]),
    cells("object of date", [DAY.date(), None], "date", DATE_TOKENS[:2]),
    cells("object of np.datetime64", [np.datetime64("2026-01-31"), np.datetime64("NaT")], "date", DATE_TOKENS[:2]),
    cells("object of mixed zones", [MORNING, pd.Timestamp(DAY, tz="UTC")], "date", [DATE_TOKENS[0]] * 2),
    cells("object of several types", ["Pune", None, "Goa", 5], "string", ['"Pune"', None, '"Goa"', None]),
    category("category of several types", ["Pune", "Pune", 5], "string", ['"Pune"', '"Pune"', None]),
    cells("object of numbers and bools", [1, 2, True], "number", ["1", "2", None]),
    cells("object of text and lists", ["Pune", [1]], "string", ['"Pune"', None]),
    plain("any", "float64", [None, None], None, [None, None]),
    arrow("null[pyarrow]", pa.null(), [None, None], None, [None, None]),
    cells("object of None", [None, pd.NA, pd.NaT, float("nan")], None, [None] * 4),
    category("category of none", [None], None, [None], categories=["Pune"]),
    plain("timedelta64[ns]", "timedelta64[ns]", [1], None, [None]),
    plain("period[D]", "period[D]", ["2026-01-31"], None, [None]),
    Case("interval[int64, right]", lambda: pd.Series(pd.interval_range(0, 1)), None, [None]),
    Case("bins of pd.cut", lambda: pd.cut(pd.Series([1.0, 9.0]), 2), None, [None, None]),
    plain("complex128", "complex128", [1j], None, [None]),
    arrow("time64[pyarrow]", pa.time64("us"), [dt.time(9)], None, [None]),
    arrow("duration[pyarrow]", pa.duration("us"), [dt.timedelta(1)], None, [None]),
    arrow("list[pyarrow]", pa.list_(pa.int64()), [[1, 2]], None, [None]),
    arrow("struct[pyarrow]", pa.struct([("a", pa.int64())]), [{"a": 1}], None, [None]),
    arrow("binary[pyarrow]", pa.binary(), [b"x"], None, [None]),
    *(
        cells(f"object of {type(value).__name__}", [value, None], None, [None, None])
        for value in (b"x", [1], {"a": 1}, dt.time(9), (1, 2), {1}, 1j, dt.timedelta(1), pd.Period("2026"))
    ),
    cells("object of np.timedelta64", [np.timedelta64(1, "s")], None, [None]),
]
BY_LABEL = {case.label: case for case in DTYPE_TABLE}


def refuse(text):
    raise AssertionError(f"{text} is not JSON")


@pytest.mark.parametrize("case", DTYPE_TABLE, ids=lambda case: case.label)
def test_dtype_is_sent_as_its_type(case):
    column = case.make()
    frame = pd.DataFrame({"id": [f"c{i}" for i in range(len(column))]})
    frame["x"] = column.array
    plan = growlytics_pandas.plan(frame, "id")

    assert plan.schema["type"].item() is pd.NA if case.type is None else plan.schema["type"].item() == case.type
    for row, token in enumerate(case.tokens):
        [body] = plan._part.encode(row, row + 1).bodies
        attribute = "" if token is None else f'{{"name":"x","type":"{case.type}","value":{token}}}'
        assert body.decode() == f'{{"id":"c{row}","attributes":[{attribute}]}}'
        json.loads(body, parse_constant=refuse)


def test_commonest_type_of_a_mixture_wins():
    values = pd.Series([1, "a", 2.5, "b", "c", [1], None], dtype=object)
    finding = classify(values)
    assert finding.type == "string"
    assert finding.detail == "mixed values (3 string, 2 number, 1 of no type): sent as string"


def test_classes_of_one_type_count_together():
    values = pd.Series([1, np.int64(2), np.int8(3), "a", "b"], dtype=object)
    assert classify(values).detail == "mixed values (3 number, 2 string): sent as number"


def test_mixed_number_classes_are_one_type():
    frame = pd.DataFrame({"id": ["a", "b", "c"], "x": pd.Series([1, 0.5, Decimal("1.50")], dtype=object)})
    assert growlytics_pandas.schema(frame, "id")["note"].item() == ""


@pytest.mark.parametrize(("values", "word"), [([1, 0.5], "float"), ([1, 0.5, Decimal("1.50")], "decimal")])
def test_numbers_in_a_text_attribute_are_named(values, word):
    frame = pd.DataFrame({"id": list("abc")[: len(values)], "mobile": pd.Series(values, dtype=object)})
    [message, *_] = growlytics_pandas.validate(frame, "id")["message"]
    assert f"the {word} values are converted to text" in message


def test_mixed_column_names_each_type():
    frame = pd.DataFrame({"id": ["a", "b"], "x": pd.Series([[1], {"a": 1}], dtype=object)})
    assert growlytics_pandas.schema(frame, "id")["note"].item() == "dict, list"


def test_tie_does_not_depend_on_row_order():
    values = [1, "a", True, dt.datetime(2026, 1, 31)]
    assert classify(pd.Series(values, dtype=object)) == classify(pd.Series(values[::-1], dtype=object))


@pytest.mark.parametrize("values", [["Pune", 5, 5], ["Pune", "Goa", "Agra", 5, 5], [True, None, 2, 2.5]], ids=repr)
def test_mixed_category_is_typed_by_its_rows(values):
    column = pd.Series(values, dtype=object)
    assert classify(column.astype("category")) == classify(column)


PARTS = {
    "of text and of numbers": [["Pune", "Goa"], [5, 6, 7]],
    "each a mixture": [["Pune", 5, [1]], ["Goa", 6, 7]],
    "of whole numbers and of floats": [pd.Series([1, 2]), pd.Series([0.5])],
    "of whole numbers and of floats as objects": [[1, 2], [0.5]],
    "of whole numbers and of Decimal": [pd.Series([1, 2]), [Decimal("1.50")]],
    "of every kind of number": [pd.Series([1]), [0.5], [Decimal("1.50")]],
    "of text and of nothing": [[None, None], ["Pune"]],
    "of nothing": [[None], [None, None]],
    "of lists": [[[1]], [None, [2]]],
    "one alone": [["Pune", "Goa", None]],
}


@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
def test_parts_are_typed_as_one_frame(parts):
    columns = [part if isinstance(part, pd.Series) else pd.Series(part, dtype=object) for part in parts]
    whole = classify(pd.concat(columns, ignore_index=True))
    assert merge(sum(map(tally, columns), Counter()), "list") == whole


def test_late_value_of_another_type_counts():
    column = pd.Series([1] * 10_000 + ["x"], dtype=object)
    frame = pd.DataFrame({"id": range(10_001), "x": column})
    violations = growlytics_pandas.validate(frame, "id")
    assert violations.loc[violations["rule"] == "value_wrong_type", "row"].tolist() == [10_000]


@pytest.mark.parametrize("label", ["object of list", "bins of pd.cut", "timedelta64[ns]", "struct[pyarrow]"])
def test_untyped_column_error_says_what_to_do(label):
    column = BY_LABEL[label].make()
    frame = pd.DataFrame({"id": [f"c{i}" for i in range(len(column))], "x": column})
    found = growlytics_pandas.validate(frame, "id").iloc[0]
    assert (found["rule"], found["severity"], found["column"]) == ("type_unsupported", "error", "x")
    assert pd.isna(found["row"])
    assert found["fix"].endswith("exclude=['x']")
    note = growlytics_pandas.schema(frame, "id")["note"].item()
    for text in (found["message"], note):
        assert any(word in text for word in ("list", "interval", "timedelta64", "struct"))
