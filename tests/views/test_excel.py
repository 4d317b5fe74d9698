"""`to_excel`: a workbook with every table; text stays text, nothing becomes a formula, and no digit is lost."""

import datetime as dt
import os
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas.cli.excel import read_excel
from growlytics_pandas.errors import InvalidArgumentError, MissingDependencyError
from growlytics_pandas.views import excel as workbooks
from growlytics_pandas.views.excel import write_workbook

openpyxl = pytest.importorskip("openpyxl", reason="reads the workbooks")
pytest.importorskip("xlsxwriter", reason="needs the extra `excel`")

HOSTILE = [
    "=1+1",
    "+919876543210",
    "-2",
    "@SUM(A1)",
    "http://example.com",
    "00123",
    "{=1}",
    "mailto:a@b.c",
    "'x",
    "\t=1",
]


def sheet_of(path, name):
    return openpyxl.load_workbook(path)[name]


def cells(path, name):
    return [[cell.value for cell in row] for row in sheet_of(path, name).iter_rows()]


def written(tmp_path, values, dtype=object):
    path = write_workbook({"Data": pd.DataFrame({"V": pd.Series(values, dtype=dtype)})}, tmp_path / "a.xlsx")
    return [row[0] for row in cells(path, "Data")[1:]]


@pytest.fixture
def result(client):
    df = pd.DataFrame(
        {"id": [*HOSTILE[:3], None], "City": [*HOSTILE[:3], "Pune"], "Joined": pd.Timestamp("2025-01-31")}
    )
    return gp.push(df, "id", client=client, errors="drop", progress=False)


def test_a_result_has_a_sheet_for_each_table(result, tmp_path):
    path = result.to_excel(tmp_path / "push.xlsx")
    workbook = openpyxl.load_workbook(path)
    assert [name for name in workbook.sheetnames if name != "Rejects"] == [
        "Summary",
        "Outcomes",
        "Violations",
        "Schema",
    ]
    assert ("Rejects" in workbook.sheetnames) is hasattr(result, "rejects")
    summary = dict(cells(path, "Summary"))
    assert (summary["ended"], summary["rows accepted"], summary["rows invalid"], summary["errors"]) == (
        "finished",
        3,
        1,
        1,
    )
    assert isinstance(summary["started"], dt.datetime)
    outcomes = cells(path, "Outcomes")
    assert outcomes[0] == list(result.outcomes.columns)
    assert [row[2] for row in outcomes[1:]] == [*HOSTILE[:3], None]
    assert [row[0] for row in cells(path, "Schema")] == ["column", "City", "Joined"]
    assert len(cells(path, "Violations")) == len(result.violations) + 1


def test_plan_and_parts_have_a_workbook_too(result, tmp_path, client):
    path = result.plan.to_excel(tmp_path / "plan.xlsx")
    assert [n for n in openpyxl.load_workbook(path).sheetnames if n != "Rejects"] == ["Summary", "Violations", "Schema"]
    parts = [result.plan.frame[:2], result.plan.frame[2:]]
    batches = gp.push_batches(parts, "id", client=client, errors="drop", progress=False)
    assert len(cells(batches.to_excel(tmp_path / "b.xlsx"), "Outcomes")) == 5
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".xlsx" and "ledger" not in path.name] == []


def test_text_is_never_a_formula_or_a_link(tmp_path):
    path = write_workbook({"Data": pd.DataFrame({"=A1": HOSTILE})}, tmp_path / "a.xlsx")
    sheet = sheet_of(path, "Data")
    assert [row[0].value for row in sheet.iter_rows()] == ["=A1", *HOSTILE]
    assert {row[0].data_type for row in sheet.iter_rows()} == {"s"}
    assert not any(row[0].hyperlink for row in sheet.iter_rows())


def test_values_keep_their_types(tmp_path):
    moment, day = pd.Timestamp("2025-01-31 09:30:15"), dt.date(2025, 1, 31)
    values = [1, -2.5, 10**15 - 1, True, None, np.nan, pd.NA, pd.NaT, moment, day, ""]
    assert written(tmp_path, values) == [1, -2.5, 10**15 - 1, True, *[None] * 4, moment, pd.Timestamp(day), ""]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567890123456, "1234567890123456"),
        (np.int64(-(2**62)), str(-(2**62))),
        (Decimal("0.10"), "0.10"),
        (float("inf"), "inf"),
        (("a", 1), "('a', 1)"),
        (dt.date(1899, 12, 31), "1899-12-31"),
        (pd.Timestamp("2025-01-31 09:30:15.250"), "2025-01-31 09:30:15.250000"),
        (pd.Timestamp("2025-01-31", tz="Asia/Kolkata"), "2025-01-31 00:00:00+05:30"),
        ("half \ud800", "half \\ud800"),
        ("_x000D_ \r\n\x01", "_x000D_ \r\n\x01"),
        ("\ufffe", "\ufffd"),
    ],
)
def test_unrepresentable_value_is_text(tmp_path, value, text):
    pytest.importorskip("python_calamine", reason="openpyxl does not read escaped characters")
    path = write_workbook({"Data": pd.DataFrame({"V": pd.Series([value], dtype=object)})}, tmp_path / "a.xlsx")
    assert read_excel(path.read_bytes(), "a.xlsx")[0]["V"].tolist() == [text]


@pytest.mark.parametrize("char", ["x", "😀"])
def test_text_too_long_for_a_cell_is_cut(tmp_path, char):
    (text,) = written(tmp_path, [char * 40_000])
    assert text.endswith("… (cut: 40,000 characters)")
    assert 32_700 < len(text.encode("utf-16-le")) // 2 <= 32_767
    assert written(tmp_path, ["y" * 32_767]) == ["y" * 32_767]


def test_rows_past_the_limit_go_to_another_sheet(tmp_path, monkeypatch):
    monkeypatch.setattr(workbooks, "MAX_ROWS", 4)
    path = write_workbook({"Outcomes": pd.DataFrame({"V": range(7)})}, tmp_path / "a.xlsx")
    names = openpyxl.load_workbook(path).sheetnames
    assert names == ["Outcomes", "Outcomes 2", "Outcomes 3"]
    assert [row[0] for name in names for row in cells(path, name)[1:]] == list(range(7))
    assert {cells(path, name)[0][0] for name in names} == {"V"}


def test_labels_may_repeat(tmp_path):
    frame = pd.DataFrame([[1, 2]], columns=["V", "V"])
    assert cells(write_workbook({"Data": frame}, tmp_path / "a.xlsx"), "Data") == [["V", "V"], [1, 2]]


def test_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.xlsx"
    write_workbook({"Data": pd.DataFrame({"V": [1]})}, path)
    before = path.read_bytes()
    with pytest.raises(Exception, match="Invalid Excel character"):
        write_workbook({"Data": pd.DataFrame({"V": range(300)}), "[no name]": pd.DataFrame()}, path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.xlsx"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link.xlsx").symlink_to(tmp_path / "real.xlsx")
    write_workbook({"Data": pd.DataFrame({"V": [1]})}, tmp_path / "link.xlsx")
    assert (tmp_path / "link.xlsx").is_symlink()
    assert cells(tmp_path / "real.xlsx", "Data") == [["V"], [1]]


@pytest.mark.parametrize("name", ["nowhere/a.xlsx", "a.csv", "."])
def test_an_impossible_path_is_rejected(result, tmp_path, name):
    with pytest.raises(InvalidArgumentError):
        result.to_excel(tmp_path / name)


def test_too_many_columns_are_refused(tmp_path):
    with pytest.raises(InvalidArgumentError, match="16,384"):
        write_workbook({"Rejects": pd.DataFrame(np.zeros((1, 16_385)))}, tmp_path / "a.xlsx")


def test_the_extra_is_not_installed(result, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(MissingDependencyError, match=r"PATH\[excel\]"):
        result.to_excel(tmp_path / "a.xlsx")
