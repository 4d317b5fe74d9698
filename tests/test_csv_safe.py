import csv

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import growlytics_pandas as gp
from growlytics_pandas.csv_safe import read_csv, write_csv
from growlytics_pandas.errors import DataError, InvalidArgumentError

FORMULAS = [
    "=1+1",
    "+919876543210",
    "-5",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "'=1",
    "'",
    "''",
    "＝1",
    '=cmd|"/C calc"!A0',
]


def cells_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_no_cell_or_label_is_a_formula(tmp_path):
    frame = pd.DataFrame({"=HYPERLINK(1)": FORMULAS, "City": ["Pune"] * len(FORMULAS)})
    cells = cells_of(write_csv(frame, tmp_path / "x.csv"))
    assert all(cell[0] not in "=+-@\t\r\n＝" for row in cells for cell in row)


def test_mobiles_and_formulas_round_trip(tmp_path):
    frame = pd.DataFrame({"=mobile": FORMULAS})
    pd.testing.assert_frame_equal(read_csv(write_csv(frame, tmp_path / "x.csv")), frame)


def test_values_and_similar_text_round_trip(tmp_path):
    frame = pd.DataFrame(
        {
            "text": ["12", "", None, "0091", "True"],
            "whole": [-12, 0, 7, 2**53 + 1, -(2**63)],
            "gaps": pd.array([1, None, 3, None, 5], dtype="Int64"),
            "float": [0.1, -1e300, np.nan, np.inf, -np.inf],
            "flag": [True, False, True, True, False],
            "day": pd.to_datetime(["2026-01-31 09:30:00.123456", None, *["1999-12-31 00:00:00.5"] * 3]),
            "zoned": pd.Series(pd.to_datetime(["2026-01-31 09:30:00+05:30"] * 5)),
            "nothing": pd.Series([None] * 5, dtype=object),
        }
    )
    back = read_csv(write_csv(frame, tmp_path / "x.csv"))
    pd.testing.assert_frame_equal(back.drop(columns=["day", "zoned"]), frame.drop(columns=["day", "zoned"]))
    assert back["day"].tolist()[0] == frame["day"].tolist()[0]
    assert back["day"].isna().tolist() == [False, True, False, False, False]
    assert back["zoned"].tolist() == frame["zoned"].tolist()


@given(st.lists(st.text(st.characters(exclude_categories=[])), min_size=1, max_size=5))
def test_any_text_is_read_back_exactly(tmp_path_factory, texts):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    frame = pd.DataFrame({"text": pd.Series(texts, dtype=object)})
    assert read_csv(write_csv(frame, path))["text"].tolist() == texts


def test_mobiles_without_quotes_are_kept(tmp_path):
    """A spreadsheet may save the file without quotes."""
    path = tmp_path / "saved.csv"
    path.write_text("mobile,Orders\n'+919876543210,3\n'+919876543211,4\n", encoding="utf-8")
    back = read_csv(path)
    assert back["mobile"].tolist() == ["+919876543210", "+919876543211"]
    assert back["Orders"].tolist() == [3, 4]


def test_broken_file_error_has_the_place(tmp_path):
    path = tmp_path / "broken.csv"
    path.write_text('"a","b"\r\n"1"\r\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"broken\.csv, record 2: found 1 cells; the head has 2"):
        read_csv(path)
    path.write_text('"a\r\n', encoding="utf-8")
    with pytest.raises(DataError, match="a quoted cell has no closing quote"):
        read_csv(path)


def test_an_empty_frame_keeps_its_columns(tmp_path):
    assert read_csv(write_csv(pd.DataFrame({"a": [], "b": []}), tmp_path / "x.csv")).columns.tolist() == ["a", "b"]
    assert read_csv(write_csv(pd.DataFrame(), tmp_path / "x.csv")).empty


def test_result_is_written_with_all_rows(tmp_path):
    df = pd.DataFrame({"mobile": ["+919876543210", None, "=1+1"], "City": ["Pune", "Delhi", "Goa"]})
    result = gp.push(df, "mobile", dry_run=True, errors="drop", progress=False)
    back = read_csv(result.to_csv(tmp_path / "outcomes.csv"))
    assert back["id"].tolist()[::2] == ["+919876543210", "=1+1"]
    assert back["status"].tolist() == result.outcomes["status"].tolist()
    assert len(read_csv(result.to_csv(tmp_path / "violations.csv", "violations"))) == len(result.violations)


def test_a_wrong_table_or_folder_is_named(tmp_path):
    result = gp.push(pd.DataFrame({"id": ["a"], "b": [1]}), "id", dry_run=True, progress=False)
    with pytest.raises(InvalidArgumentError, match="table: found 'rows'; allowed are 'outcomes'"):
        result.to_csv(tmp_path / "x.csv", "rows")
    with pytest.raises(InvalidArgumentError, match="there is no folder"):
        result.to_csv(tmp_path / "none" / "x.csv")
    with pytest.raises(InvalidArgumentError, match=r"is a folder; choose a file in it, such as .*outcomes\.csv"):
        result.to_csv(tmp_path)
