"""`--outcomes` and `--violations` as workbooks."""

import pytest

openpyxl = pytest.importorskip("openpyxl", reason="reads the workbooks")
pytest.importorskip("xlsxwriter", reason="needs the extra `excel`")


def test_outcomes_and_violations_as_workbooks(command, at, write, tmp_path):
    at()
    write("a.csv", "id,V\n00123,=1\n,2\n")
    done = command(
        "push", "a.csv", "--id-col", "id", "--errors", "drop", "--outcomes", "o.xlsx", "--violations", "v.xlsx"
    )
    assert done.status == 1
    outcomes = list(openpyxl.load_workbook(tmp_path / "o.xlsx")["Outcomes"].values)
    assert outcomes[0][:4] == ("row", "line", "id", "status")
    assert [row[1:4] for row in outcomes[1:]] == [(2, "00123", "accepted"), (3, None, "invalid")]
    assert "line" in next(openpyxl.load_workbook(tmp_path / "v.xlsx")["Violations"].values)
