"""The table of types in the documentation: what a column contains, in which dtypes, and what is sent.

A test builds a column of every dtype listed, so the table cannot differ from what the package does.
"""

from dataclasses import dataclass
from typing import Final

from growlytics_pandas.columns.dtypes import AttributeType


@dataclass(frozen=True, slots=True)
class TypeRow:
    """One kind of column.

    `dtypes`: as pandas prints them, or what an object column contains. `type`: None if nothing is sent. `example`: the
    JSON value of such a cell, '' if there is none.
    """

    holds: str
    dtypes: tuple[str, ...]
    type: AttributeType | None
    sent: str
    example: str


TYPE_TABLE: Final = (
    TypeRow(
        "text",
        (
            "str",
            "string",
            "string[pyarrow]",
            "large_string[pyarrow]",
            "dictionary[pyarrow] of text",
            "category of text",
            "object of str",
        ),
        AttributeType.STRING,
        "as it is",
        '"Pune"',
    ),
    TypeRow(
        "whole numbers",
        (
            *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
            *("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"),
            *("int8[pyarrow]", "int16[pyarrow]", "int32[pyarrow]", "int64[pyarrow]"),
            *("uint8[pyarrow]", "uint16[pyarrow]", "uint32[pyarrow]", "uint64[pyarrow]"),
            *("Sparse[int64]", "dictionary[pyarrow] of int", "category of int", "object of int"),
        ),
        AttributeType.NUMBER,
        "every digit, however large",
        "42",
    ),
    TypeRow(
        "numbers",
        (
            *("float16", "float32", "float64", "Float32", "Float64"),
            *("halffloat[pyarrow]", "float[pyarrow]", "double[pyarrow]"),
            *("Sparse[float64]", "category of float", "object of float"),
        ),
        AttributeType.NUMBER,
        "the shortest digits that name the same number in its own precision",
        "0.1",
    ),
    TypeRow(
        "decimals",
        ("decimal128[pyarrow]", "decimal256[pyarrow]", "category of Decimal", "object of Decimal"),
        AttributeType.NUMBER,
        "every digit, trailing zeros too",
        "12.50",
    ),
    TypeRow(
        "true or false",
        ("bool", "boolean", "bool[pyarrow]", "Sparse[bool]", "category of bool", "object of bool"),
        AttributeType.BOOLEAN,
        "`true` or `false`; 0 and 1 are numbers until `types=` says otherwise",
        "true",
    ),
    TypeRow(
        "dates",
        (
            *("datetime64[s]", "datetime64[ms]", "datetime64[us]", "datetime64[ns]", "datetime64[us, UTC]"),
            *("timestamp[pyarrow]", "timestamp[pyarrow] with a zone", "date32[pyarrow]", "date64[pyarrow]"),
            *("category of datetime", "object of datetime", "object of date"),
        ),
        AttributeType.DATE,
        "`YYYY-MM-DD HH:MM:SS`; aware dates in `timezone=`, a fraction of a second is cut off",
        '"2026-01-31 00:00:00"',
    ),
    TypeRow(
        "a mixture",
        ("object of several types", "category of several types"),
        AttributeType.STRING,
        "as the commonest type; the values of others are violations",
        '"Pune"',
    ),
    TypeRow(
        "nothing but missing values",
        ("any", "null[pyarrow]", "object of None"),
        None,
        "nothing, and no type is fixed",
        "",
    ),
    TypeRow(
        "anything else",
        (
            *("timedelta64[ns]", "period[D]", "interval[int64, right]", "complex128"),
            *("time64[pyarrow]", "duration[pyarrow]", "list[pyarrow]", "struct[pyarrow]", "binary[pyarrow]"),
            *("object of bytes", "object of list", "object of dict", "object of time"),
        ),
        None,
        "nothing: a violation says what to turn it into",
        "",
    ),
)
"""The rows of the table."""
