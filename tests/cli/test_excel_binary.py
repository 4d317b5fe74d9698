"""An xlsb arrives as displayed, or raises: no cell is skipped silently."""

import contextlib
import datetime as dt
import random

import pandas as pd
import pytest
from support.xlsb_writer import Short, Sum, WholeDate, Zeros, write_xlsb

from growlytics_pandas.cli.excel import read_excel
from growlytics_pandas.errors import InvalidArgumentError

pytest.importorskip("python_calamine", reason="needs the extra `excel`")

ROWS = [
    ["id", "mobile", "Code", "Pin", "Orders", "Spent", "VIP", "Joined", "Seen", "Twice", "Score"],
    [
        *("12345678", 919211112345, "00123", Zeros(123), 3, 2.5, True),
        *(dt.date(2025, 1, 31), pd.Timestamp(2025, 1, 31, 9, 30, 15).to_pydatetime(), Sum(2), "#N/A"),
    ],
    [
        *(1234567890123456, None, "7A", Zeros(45678), -4, 3, False),
        *(dt.date(1999, 12, 31), pd.Timestamp(2000, 2, 29, 23, 59, 59).to_pydatetime(), Sum(0), 5),
    ],
]


def read(data, **options):
    frame, notes = read_excel(data, "a.xlsb", **options)
    return frame, " ".join(notes)


@pytest.mark.parametrize("epoch_1904", [False, True])
def test_displayed_values_are_what_arrives(command, at, write, epoch_1904):
    write("a.xlsb", write_xlsb(ROWS, epoch_1904=epoch_1904))
    box = at()
    done = command("push", "a.xlsb", "--id-col", "id", "--json")
    assert done.status == 0, done.err
    assert {id_: {name: found[name] for name in found.keys() - {"id"}} for id_, found in box.stored().items()} == {
        "12345678": {
            "mobile": "919211112345",
            "Code": "00123",
            "Pin": "00123",
            "Orders": 3,
            "Spent": 2.5,
            "VIP": True,
            "Joined": "2025-01-31 00:00:00",
            "Seen": "2025-01-31 09:30:15",
            "Twice": 2,
        },
        "1234567890123456": {
            "Code": "7A",
            "Pin": "45678",
            "Orders": -4,
            "Spent": 3,
            "VIP": False,
            "Joined": "1999-12-31 00:00:00",
            "Seen": "2000-02-29 23:59:59",
            "Twice": 0,
            "Score": 5,
        },
    }
    notes = " ".join(done.data["notes"])
    assert "1 cell with an error (#N/A; first K2)" in notes
    assert "'Pin': its cell format displays leading zeros" in notes
    assert "cells with an error are missing without a count" not in notes  # that is for other kinds of workbook


def test_numbers_beyond_a_double_are_violations(command, write):
    write("a.xlsb", write_xlsb([["id", "V"], [9999999999999999, 1], [12, 2]]))
    done = command("validate", "a.xlsb", "--id-col", "id", "--json")
    assert [rule["rule"] for rule in done.data["rules"] if rule["severity"] == "error"] == ["id_rounded"]
    assert "line 2" in done.data["rules"][0]["first"]


def test_uncalculated_formulas_are_missing():
    rows = [["id", "V"], ["a", Sum(0)], ["b", Sum(2)]]
    frame, notes = read(write_xlsb(rows, is_uncalculated=True))
    assert frame["V"].tolist()[1] == 2
    assert pd.isna(frame["V"].tolist()[0])
    assert "1 formula (first B2) without a result" in notes
    assert read(write_xlsb(rows))[0]["V"].tolist() == [0, 2]


def test_hidden_rows_are_noted():
    frame, notes = read(write_xlsb([["id"], ["a"], ["b"]], hidden=[2]))
    assert frame["id"].tolist() == ["a", "b"]
    assert "1 hidden row is read too" in notes


@pytest.mark.parametrize("cell", [Short("Pune"), WholeDate(45688)])
def test_cells_that_would_be_lost_are_refused(command, write, cell):
    write("a.xlsb", write_xlsb([["id", "V"], ["a", "Goa"], ["b", cell]]))
    done = command("validate", "a.xlsb", "--id-col", "id")
    assert done.status == 2
    assert "a.xlsb, sheet 'Data': row 3" in done.err
    assert "save it as xlsx" in done.err


def test_stray_cell_far_away_is_refused():
    with pytest.raises(InvalidArgumentError, match="GR1048576"):
        read(write_xlsb([["x"] * 200], first_row=1_048_575))


def test_damage_never_ends_in_another_error():
    chance = random.Random(5)
    whole = write_xlsb(ROWS, is_compressed=False)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 5, 50])):
            data[chance.randrange(30, len(data))] = chance.randrange(256)
        data = data[: chance.randrange(len(data))] if chance.random() < 0.3 else data
        with contextlib.suppress(InvalidArgumentError):
            read(bytes(data))
