"""A workbook arrives as displayed: digits, dates, zeros and booleans; anything else gets a violation or a note."""

import contextlib
import datetime as dt
import gzip
import io
import pathlib
import random
import sys
import zipfile

import pandas as pd
import pytest

from growlytics_pandas.cli.excel import read_excel
from growlytics_pandas.cli.excel_marks import Marks, place_of, read_marks
from growlytics_pandas.errors import InvalidArgumentError

openpyxl = pytest.importorskip("openpyxl", reason="writes the workbooks")
xlsxwriter = pytest.importorskip("xlsxwriter", reason="needs the extra `excel`")
pytest.importorskip("python_calamine", reason="needs the extra `excel`")

FILES = pathlib.Path(__file__).parents[1] / "support" / "files"  # made by LibreOffice; the password is "secret"


def by_openpyxl(rows, *, epoch_1904=False, change=None):
    workbook = openpyxl.Workbook()
    if epoch_1904:
        workbook.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    for row in rows:
        workbook.active.append(row)
    if change is not None:
        change(workbook)
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def by_xlsxwriter(rows, *, epoch_1904=False, **options):
    stream = io.BytesIO()
    settings = {"date_1904": epoch_1904, "default_date_format": "dd/mm/yyyy hh:mm", "in_memory": True}
    with xlsxwriter.Workbook(stream, settings | options) as workbook:
        sheet = workbook.add_worksheet("Data")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return stream.getvalue()


def moment(*parts):
    return pd.Timestamp(*parts).to_pydatetime()


WRITERS = {"openpyxl": by_openpyxl, "XlsxWriter": by_xlsxwriter}


def read(data, **options):
    frame, notes = read_excel(data, "a.xlsx", **options)
    return frame, " ".join(notes)


def stored(box):
    return {id_: {name: value for name, value in found.items() if name != "id"} for id_, found in box.stored().items()}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("epoch_1904", [False, True])
def test_displayed_values_are_what_arrives(command, at, write, writer, epoch_1904):
    rows = [
        ["id", "mobile", "Code", "Orders", "Spent", "VIP", "Joined", "Seen"],
        [919211112345, 919211112345, "00123", 3, 2.5, True, dt.date(2025, 1, 31), moment(2025, 1, 31, 9, 30, 15)],
        [1234567890123456, None, "7A", 4, 3, False, dt.date(1999, 12, 31), moment(2000, 2, 29, 23, 59, 59)],
    ]
    write("a.xlsx", WRITERS[writer](rows, epoch_1904=epoch_1904))
    box = at()
    done = command("push", "a.xlsx", "--id-col", "id", "--json")
    assert done.status == 0, done.err
    assert stored(box) == {
        "919211112345": {
            "mobile": "919211112345",
            "Code": "00123",
            "Orders": 3,
            "Spent": 2.5,
            "VIP": True,
            "Joined": "2025-01-31 00:00:00",
            "Seen": "2025-01-31 09:30:15",
        },
        "1234567890123456": {
            "Code": "7A",
            "Orders": 4,
            "Spent": 3,
            "VIP": False,
            "Joined": "1999-12-31 00:00:00",
            "Seen": "2000-02-29 23:59:59",
        },
    }


@pytest.mark.parametrize("suffix", ["xlsx", "xls", "ods"])
def test_libreoffice_file_is_read_below_its_title(suffix):
    data = (FILES / f"libreoffice.{suffix}").read_bytes()
    with pytest.raises(InvalidArgumentError, match="--skip-rows 2"):
        read(data)
    frame, notes = read(data, skip_rows=2)
    assert frame.index.tolist() == [4, 5]
    first = frame.iloc[0].to_dict()
    assert first["id"] == first["mobile"] == 919211112345
    assert (first["Code"], first["VIP"], first["Score"], first["Twice"]) == ("00123", True, 2.5, 5)
    assert (first["Joined"], first["Length"]) == (pd.Timestamp("2025-01-31"), "26:30:00")
    assert first["Seen"] == pd.Timestamp("2025-01-31 09:30:15")
    assert frame.iloc[1].isna().tolist() == [False, True, False, False, True, False, True, True, True]
    assert ("2 cells with an error (#N/A, #DIV/0!; first G5)" in notes) is (suffix == "xlsx")
    assert ("in xls and ods files" in notes) is (suffix != "xlsx")


def test_numbers_beyond_a_double_are_violations(command, write):
    write("a.xlsx", by_openpyxl([["id", "V"], [9999999999999999, 1], [12, 2]]))
    done = command("validate", "a.xlsx", "--id-col", "id", "--json")
    assert done.status == 1
    assert [rule["rule"] for rule in done.data["rules"] if rule["severity"] == "error"] == ["id_rounded"]
    assert "line 2" in done.data["rules"][0]["first"]


def test_digits_replaced_by_zeros_are_noted():
    frame, notes = read(by_openpyxl([["card"], [1234567890123450], [4321567890123450]]))
    assert frame["card"].tolist() == [1234567890123450, 4321567890123450]
    assert "15 digits" in notes
    assert "15 digits" not in read(by_openpyxl([["card"], [1234567890123456], [4321567890123450]]))[1]


def test_codes_keep_their_leading_zeros(command, at, write):
    def change(workbook):
        for row in (2, 3):
            workbook.active.cell(row, 2).number_format = "00000"

    write("a.xlsx", by_openpyxl([["id", "Pin"], ["a", 123], ["b", 45678], ["c", 7]], change=change))
    box = at()
    done = command("push", "a.xlsx", "--id-col", "id", "--json")
    assert {id_: found["Pin"] for id_, found in stored(box).items()} == {"a": "00123", "b": "45678", "c": "7"}
    assert any("leading zeros" in note for note in done.data["notes"])


def test_errors_are_missing_and_counted(command, at, write):
    write("a.xlsx", by_openpyxl([["id", "V", "W"], ["a", "#N/A", 1], ["b", 2, "#REF!"]]))
    box = at()
    done = command("push", "a.xlsx", "--id-col", "id", "--json")
    assert stored(box) == {"a": {"W": 1}, "b": {"V": 2}}
    assert any("2 cells with an error (#N/A, #REF!; first B2)" in note for note in done.data["notes"])


@pytest.mark.parametrize("writer", WRITERS)
def test_uncalculated_formulas_are_missing(writer):
    frame, notes = read(WRITERS[writer]([["id", "V"], ["a", "=1+1"], ["b", 5]]))
    assert frame["V"].tolist()[1] == 5
    assert pd.isna(frame["V"].tolist()[0])
    assert "1 formula (first B2) without a result" in notes


def test_results_of_formulas_are_values():
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, ["id", "V"])
        sheet.write_formula(1, 0, '="a"', None, "a")
        sheet.write_formula(1, 1, "=1+1", None, 2)
    frame, notes = read(stream.getvalue())
    assert frame.to_dict("list") == {"id": ["a"], "V": [2]}
    assert "formula" not in notes


def test_title_as_heading_names_the_heading_row():
    def merge(workbook):
        workbook.active.merge_cells("A1:C1")

    data = by_openpyxl([["Customers of May"], [], ["id", "City", "Orders"], ["a", "Pune", 3]], change=merge)
    with pytest.raises(InvalidArgumentError, match=r"row 1.*Row 3 looks like the heading: --skip-rows 2"):
        read(data)
    frame, _ = read(data, skip_rows=2)
    assert frame.to_dict("list") == {"id": ["a"], "City": ["Pune"], "Orders": [3]}
    assert frame.index.tolist() == [4]


def test_the_rows_to_skip_reach_the_reader(command, at, write):
    write("a.xlsx", by_openpyxl([["Customers of May"], [], ["id", "City", "Orders"], ["a", "Pune", 3]]))
    box = at()
    assert command("push", "a.xlsx", "--id-col", "id").status == 2
    assert command("push", "a.xlsx", "--id-col", "id", "--skip-rows", "2").status == 0
    assert stored(box) == {"a": {"City": "Pune", "Orders": 3}}


def test_workbook_with_another_suffix_is_read(command, at, write):
    write("a.csv", by_openpyxl([["id", "V"], ["a", 3]]))
    box = at()
    assert "--format xlsx" in command("push", "a.csv", "--id-col", "id").err
    assert command("push", "a.csv", "--id-col", "id", "--format", "xlsx").status == 0
    assert stored(box) == {"a": {"V": 3}}


def test_one_column_is_no_title():
    assert read(by_openpyxl([["id"], ["a"], ["b"]]))[0]["id"].tolist() == ["a", "b"]


def test_empty_hidden_merged_and_total_rows(command, write):
    """Empty, hidden and merged rows are noted, and totals are violations."""

    def change(workbook):
        workbook.active.row_dimensions[2].hidden = True
        workbook.active.merge_cells("B4:B5")

    rows = [["id", "City"], ["a", "Pune"], [], ["b", "Goa"], ["c", None], ["Total", "3"], []]
    write("a.xlsx", by_openpyxl(rows, change=change))
    done = command("validate", "a.xlsx", "--id-col", "id", "--json")
    notes = " ".join(done.data["notes"])
    for words in ("1 empty row between", "1 hidden row", "1 merged range below the heading (first B4)"):
        assert words in notes
    assert done.data["rows"] == 4
    assert "row_is_total" in [rule["rule"] for rule in done.data["rules"]]


def test_times_and_durations_are_text():
    rows = [["At", "For"], [dt.time(9, 30), dt.timedelta(hours=26, minutes=5)], [None, dt.timedelta(seconds=1)]]
    frame, notes = read(by_openpyxl(rows))
    assert frame["At"].tolist()[0] == "09:30:00"
    assert frame["For"].tolist() == ["26:05:00", "00:00:01"]
    assert "read as text" in notes


def test_times_keep_their_seconds():
    chance = random.Random(7)
    moments = [moment(2024, 1, 1) + dt.timedelta(seconds=chance.randrange(10**8)) for _ in range(500)]
    for data in (by_openpyxl([["At"], *([m] for m in moments)]), by_xlsxwriter([["At"], *([m] for m in moments)])):
        assert read(data)[0]["At"].tolist() == [pd.Timestamp(m) for m in moments]


def test_mixed_column_is_a_violation(command, write):
    write("a.xlsx", by_openpyxl([["id", "V"], ["a", 1], ["b", 2], ["c", "x"]]))
    done = command("validate", "a.xlsx", "--id-col", "id", "--json")
    assert [rule["rule"] for rule in done.data["rules"] if rule["severity"] == "error"] == ["value_wrong_type"]


class TestSheets:
    @pytest.fixture
    def data(self):
        def change(workbook):
            workbook.active.title = "2024"
            workbook.create_sheet("Customers").append(["id"])
            workbook["Customers"].append(["of Customers"])
            workbook.create_sheet("Notes", 0).sheet_state = "hidden"

        return by_openpyxl([["id"], ["of 2024"]], change=change)

    @pytest.mark.parametrize(
        ("wanted", "first"),
        [(None, "of 2024"), ("2024", "of 2024"), ("3", "of Customers"), ("Customers", "of Customers")],
    )
    def test_one_is_chosen_by_name_or_number(self, data, wanted, first):
        assert read(data, sheet=wanted)[0].iloc[0, 0] == first

    def test_first_visible_sheet_is_read(self, data):
        """The first visible sheet is read, and the message names the others."""
        assert "'2024' is read. To read another ('Customers'): --sheet" in read(data)[1]

    def test_other_sheets_are_named_also_if_the_id_column_is_missing(self, command, write, data):
        write("a.xlsx", data)
        done = command("validate", "a.xlsx", "--id-col", "Kundennr")
        assert done.status == 2
        assert "To read another ('Customers'): --sheet" in done.err

    @pytest.mark.parametrize("wanted", ["0", "4", "customers", ""])
    def test_one_that_is_not_there_is_refused(self, data, wanted):
        with pytest.raises(InvalidArgumentError, match="'Notes', '2024', 'Customers'"):
            read(data, sheet=wanted)

    def test_sheet_flag_is_for_workbooks_only(self, command, at, write, data):
        write("a.xlsx", data)
        box = at()
        assert command("push", "a.xlsx", "--id-col", "id", "--sheet", "Customers").status == 0
        assert list(box.stored()) == ["of Customers"]
        write("a.csv", "id\n1\n")
        done = command("validate", "a.csv", "--id-col", "id", "--sheet", "1")
        assert done.status == 2
        assert "--sheet" in done.err

    def test_empty_sheet_is_refused(self):
        with pytest.raises(InvalidArgumentError, match="it is empty"):
            read(by_openpyxl([]))
        frame, notes = read(by_openpyxl([["id", "V"]]))
        assert frame.columns.tolist() == ["id", "V"]
        assert "there are no rows" in notes


class TestRefusals:
    def test_a_password(self, command):
        done = command("validate", FILES / "password.xlsx", "--id-col", "id")
        assert done.status == 2
        assert "has a password" in done.err

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_a_file_cut_short(self, share):
        data = by_openpyxl([["id"], ["a"]])
        with pytest.raises(InvalidArgumentError, match="damaged or truncated"):
            read(data[: int(len(data) * share)])

    @pytest.mark.parametrize("data", [b"id,City\n1,Pune\n", b"<html><table>", b"", b"\x00" * 100])
    def test_another_file_type_with_excel_suffix(self, data):
        with pytest.raises(InvalidArgumentError, match="it is not a workbook"):
            read(data)

    def test_damage_never_ends_in_another_error(self):
        chance = random.Random(11)
        for suffix in ("xls", "ods", "xlsx"):
            whole = (FILES / f"libreoffice.{suffix}").read_bytes()
            for _ in range(60):
                data = bytearray(whole)
                for _ in range(chance.choice([1, 5, 50])):
                    data[chance.randrange(600, len(data))] = chance.randrange(256)
                data = data[: chance.randrange(len(data))] if chance.random() < 0.3 else data
                with contextlib.suppress(InvalidArgumentError):
                    read(bytes(data), skip_rows=2)

    def test_a_stray_cell_far_from_the_data(self):
        def change(workbook):
            workbook.active["XFD1048576"] = "x"

        with pytest.raises(InvalidArgumentError, match="XFD1048576"):
            read(by_openpyxl([["id"], ["a"]], change=change))

    def test_the_extra_is_not_installed(self, command, write, monkeypatch):
        monkeypatch.setitem(sys.modules, "python_calamine", None)
        write("a.xlsx", by_openpyxl([["id"], ["a"]]))
        done = command("validate", "a.xlsx", "--id-col", "id")
        assert done.status == 2
        assert 'pip install "PATH[excel]"' in done.err


def test_line_is_the_row_of_the_sheet(command, at, write):
    at()
    write("a.xlsx", by_openpyxl([[], ["id", "V"], [], ["a", 1], [None, 2]]))
    done = command(
        "push", "a.xlsx", "--id-col", "id", "--errors", "drop", "--violations", "v.csv", "--outcomes", "o.csv"
    )
    assert done.status == 1
    assert pd.read_csv("v.csv")["line"].tolist() == [5]
    assert pd.read_csv("o.csv")["line"].tolist() == [4, 5]


def test_workbook_from_stdin_and_compressed(command, at, monkeypatch, write):
    data = by_openpyxl([["id", "V"], ["a", 1]])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    box = at()
    assert command("push", "-", "--format", "xlsx", "--id-col", "id").status == 0
    write("b.xlsx.gz", gzip.compress(by_openpyxl([["id", "V"], ["b", 1]])))
    assert command("push", "b.xlsx.gz", "--id-col", "id").status == 0
    assert list(box.stored()) == ["a", "b"]


def test_limit_counts_rows_with_cells():
    assert read(by_openpyxl([["id"], ["a"], [], ["b"], ["c"]]), limit=2)[0].index.tolist() == [2, 4]


def test_headings_are_text_of_filled_columns():
    frame, _ = read(by_openpyxl([["id", None, 2024, None], ["a", None, 1, "x"]]))
    assert frame.columns.tolist() == ["id", "2024", ""]


@pytest.mark.parametrize(("cell", "place"), [((0, 0), "A1"), ((6, 27), "AB7"), ((1048575, 16383), "XFD1048576")])
def test_cell_place_is_in_spreadsheet_notation(cell, place):
    assert place_of(cell) == place


def test_clean_sheet_has_no_marks():
    data = by_xlsxwriter([["id", "V"], *([f"c{i}", i] for i in range(20_000))])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert read_marks(archive, "Data") == Marks(extent=(20_001, 26))
