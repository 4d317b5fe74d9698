"""A text file is read in one way, whether or not the ledger knows the types of its columns."""

import os
import shlex
import tomllib
from pathlib import Path

import pytest

ROWS = {
    "decimals": "id,A\na,37.5\nb,2.25\n",
    "zeros": "id,A\na,37.0\nb,37.50\n",
    "exponents": "id,A\na,1e+3\nb,.5\nc,5.\n",
    "integers with a blank": "id,A\na,1\nb,\nc,3\n",
    "decimals with a blank": "id,A\na,1.50\nb,\nc,3\n",
    "booleans": "id,A\na,TRUE\nb,false\n",
    "texts": "id,A\na,Pune\nb,12\n",
}


@pytest.mark.parametrize("content", ROWS.values(), ids=ROWS)
def test_the_second_push_of_a_file_sends_nothing(command, write, at, content):
    at()
    file = write("a.csv", content)
    counts = [
        command("push", file, "--id-col", "id", "--skip-unchanged", "--json").data["counts"]["accepted"]
        for _ in range(2)
    ]
    assert counts == [content.count("\n") - 1, 0]


def test_dates_too(command, write, at):
    at()
    file = write("a.csv", "id,Joined\na,31/01/2025\nb,2025-02-01\n")
    how = ("--date-format", "Joined=%d/%m/%Y", "--date-format", "Joined=ISO8601", "--skip-unchanged", "--json")
    assert [command("push", file, "--id-col", "id", *how).data["counts"]["accepted"] for _ in range(2)] == [2, 0]


def test_saved_options_state_the_types_that_only_the_ledger_knows(command, write, at, tmp_path):
    at()
    file = write("a.csv", "id,Newsletter,Age\na,yes,3\nb,no,4\n")
    command("push", file, "--id-col", "id", "--type", "Newsletter=boolean")
    command("suggest", file, "--id-col", "id", "--save", "o.toml")
    assert tomllib.loads((tmp_path / "o.toml").read_text()) == {"id_col": "id", "types": {"Newsletter": "boolean"}}


def test_save_does_not_replace_a_file(command, write, tmp_path):
    file = write("a.csv", "id,City\na, Pune\n")
    write("o.toml", 'id_col = "id"\nkeep = "last"\nerrors = "drop"\n')
    assert command("suggest", file, "--id-col", "id", "--save", "o.toml").status == 2
    assert command("suggest", file, "--options", "o.toml", "--save", "new.toml").status == 0
    kept = tomllib.loads((tmp_path / "new.toml").read_text())
    assert kept == {"id_col": "id", "keep": "last", "errors": "drop", "strip": ["City"]}


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="pipes have no path here")
def test_the_options_file_is_read_once_so_it_may_be_a_pipe(command, write, tmp_path):
    file = write("a.csv", "id,City\na, Pune\n")
    reading, writing = os.pipe()
    os.write(writing, b'id_col = "id"\nkeep = "last"\nerrors = "drop"\nrename = {City = "Town"}\n')
    os.close(writing)
    assert command("suggest", file, "--options", f"/dev/fd/{reading}", "--save", "new.toml").status == 0
    os.close(reading)
    kept = tomllib.loads((tmp_path / "new.toml").read_text())
    assert kept == {"id_col": "id", "keep": "last", "errors": "drop", "rename": {"City": "Town"}, "strip": ["City"]}


def test_violations_are_counted_by_column(command, write):
    file = write("a.csv", "id,A,B\na,x,1\nb,1,y\nc,2,z\n")
    done = command("validate", file, "--id-col", "id", "--type", "A=number", "--type", "B=number", "--json")
    assert [(one["rule"], one["column"], one["count"]) for one in done.data["rules"]] == [
        ("value_wrong_type", "A", 1),
        ("value_wrong_type", "B", 2),
    ]


def test_a_flag_adds_to_the_columns_that_the_file_excludes(command, write, at):
    at()
    file = write("a.csv", "id,City,Tags,IBAN\na, Pune,[],DE1\nb,Goa ,[],DE2\n")
    write("o.toml", 'id_col = "id"\nexclude = ["IBAN"]\nstrip = ["Tags"]\n')
    done = command("schema", file, "--options", "o.toml", "--exclude", "Tags", "--strip-column", "City", "--json")
    assert [column["column"] for column in done.data["columns"]] == ["City"]
    assert done.data["options"]["strip"] == ["Tags", "City"]


def test_a_flag_adds_to_the_words_that_mean_missing(command, write):
    """A fix names the words that are new; with its flag, those of the file still count."""
    file = write("a.csv", "id,Spent,City\n1,N/A,?\n2,R$ -,?\n3,5,Pune\n")
    write("o.toml", 'id_col = "id"\n[decimal]\nSpent = "."\n[na_values]\nSpent = ["N/A"]\nCity = ["?"]\n')
    done = command("validate", file, "--options", "o.toml", "--na", "Spent=R$ -", "--json")
    assert done.data["options"]["na_values"] == {"Spent": ["N/A", "R$ -"], "City": ["?"]}
    assert (done.status, done.data["errors"]) == (0, 0)
    write("o.toml", 'id_col = "id"\nna_values = ["N/A"]\n')
    done = command("validate", file, "--options", "o.toml", "--na", "?", "--json")
    assert done.data["options"]["na_values"] == ["N/A", "?"]


def test_the_next_command_of_validate_suggests_options(command, write):
    write("a.csv", "id;Joined\n1;31/01/2025\n2;28/02/2025\n")
    done = command("validate", "a.csv", "--id-col", "id", "--sep", ";")
    assert done.out.endswith("\nnext: python -m growlytics_pandas suggest a.csv --sep ';' --id-col id\n")
    done = command("validate", "a.csv", "--id-col", "id", "--sep", ";", "--date-format", "Joined=%d/%m/%Y")
    assert "next" not in done.out


def test_the_next_command_of_suggest_reads_the_file_alike(command, write, at):
    at()
    write("a.csv", "id;Stadt, Land;Joined\n1;Köln;31/01/2025\n2;Köln;28/02/2025\n".encode("cp1252"))
    reading = ("--sep", ";", "--encoding", "cp1252", "--ledger", "l.db")
    done = command("suggest", "a.csv", "--id-col", "id", *reading, "--save", "s.toml")
    (line,) = [line for line in done.out.splitlines() if line.startswith("next: ")]
    start = "next: python -m growlytics_pandas "
    assert line == f"{start}push a.csv --encoding cp1252 --sep ';' --ledger l.db --options s.toml"
    done = command(*shlex.split(line.removeprefix(start)), "--json")
    assert done.status == 0
    assert done.data["new_types"] == {"Stadt, Land": "string", "Joined": "date"}


def test_the_error_names_a_separator_that_was_not_given(command, write):
    done = command("validate", write("a.csv", "id;Stadt, Land\n1;Pune\n"), "--id-col", "id")
    assert done.status == 2
    assert "line 2: found 1 cell; the heading has 2. If ';' separates the cells: --sep ';'." in done.err
