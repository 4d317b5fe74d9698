"""Cells whose class writes itself in its own way: what counts is their content."""

import enum

import pandas as pd
import pytest

import growlytics_pandas as gp


class City(str, enum.Enum):  # noqa: UP042 - str() of a StrEnum is its content anyway
    PUNE = "Pune"
    GOA = "Goa"


class SilentText(str):
    __slots__ = ()

    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


class SilentFloat(float):
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


@pytest.mark.parametrize(
    ("cells", "sent"),
    [
        ([City.PUNE, City.GOA, City.PUNE], ["Pune", "Goa", "Pune"]),
        ([SilentText("x"), SilentText("y"), "z"], ["x", "y", "z"]),
        ([SilentFloat(1.5), 2.5, SilentFloat(3)], [1.5, 2.5, 3.0]),
    ],
    ids=["enumeration", "text", "float"],
)
def test_content_of_a_cell_is_checked_and_sent(cells, sent):
    column = pd.Series(cells, dtype=object)
    frame = pd.DataFrame({"id": ["a", "b", "c"], "x": column})
    assert not (gp.validate(frame, "id")["severity"] == "error").any()
    assert [body["attributes"][0]["value"] for body in gp.preview(frame, "id")] == sent
    assert len(gp.schema(frame, "id").to_string()) > 0
    as_ids = gp.preview(pd.DataFrame({"id": column, "x": 1}).drop_duplicates("id"), "id")
    assert [body["id"] for body in as_ids] == [str(value).removesuffix(".0") for value in dict.fromkeys(sent)]


def test_enum_among_other_values_is_its_content():
    frame = pd.DataFrame({"id": ["a", "b"], "x": pd.Series([City.PUNE, 1], dtype=object)})
    assert gp.preview(frame, "id", types={"x": "string"})[0]["attributes"][0]["value"] == "Pune"
