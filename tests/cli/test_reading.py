"""The content of a file arrives unchanged: nothing is guessed, and nothing is lost."""

import gzip
import io
import sys

import pandas as pd
import pytest

from growlytics_pandas import csv_safe

CSV = "id,City,Orders\n007,NA,3\n008,Pune,\n"
STORED = {"007": {"City": "NA", "Orders": 3}, "008": {"City": "Pune"}}


def pushed(command, box, file, *options):
    done = command("push", file, "--id-col", "id", "--json", *options)
    assert done.status == 0, done.err
    return {key: {name: v for name, v in stored.items() if name != "id"} for key, stored in box.stored().items()}


def frame():
    return pd.DataFrame({"id": ["007", "008"], "City": ["NA", "Pune"], "Orders": pd.array([3, None], dtype="Int64")})


def parquet(index=False, extra=False):
    stream = io.BytesIO()
    table = frame().set_index("id", drop=not extra) if index else frame()
    table.to_parquet(stream)
    return stream.getvalue()


JSONL = '{"id": "007", "City": "NA", "Orders": 3}\n\n{"id": "008", "City": "Pune", "Orders": null}\n'
FILES = {
    "a.csv": CSV,
    "a.csv.gz": gzip.compress(CSV.encode()),
    "bom.csv": "\ufeff" + CSV,
    "windows.CSV": CSV.replace("\n", "\r\n"),
    "quoted.csv": '"id","City","Orders"\n"007","NA","3"\n\n"008","Pune",""\n',
    "a.tsv": CSV.replace(",", "\t"),
    "a.jsonl": JSONL,
    "a.ndjson.gz": gzip.compress(JSONL.encode()),
    "a.parquet": parquet(),
    "indexed.parquet": parquet(index=True),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_arrives_alike(command, at, write, name):
    assert pushed(command, at(), write(name, FILES[name])) == STORED


@pytest.mark.parametrize(("form", "name"), [("csv", "a.csv.gz"), ("jsonl", "a.jsonl"), ("parquet", "a.parquet")])
def test_stdin_arrives_too(command, at, monkeypatch, form, name):
    data = FILES[name] if isinstance(FILES[name], bytes) else FILES[name].encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert pushed(command, at(), "-", "--format", form) == STORED


def test_separators_and_encodings(command, at, write):
    write("a.csv", "id;City\n1;Orléans\n".encode("cp1252"))
    assert pushed(command, at(), "a.csv", "--sep", ";", "--encoding", "cp1252") == {"1": {"City": "Orléans"}}


@pytest.mark.parametrize("word", ["NA", "None", "null", "nan", "N/A", "-"])
def test_pandas_missing_words_stay_text(command, at, write, word):
    write("a.csv", f"id,name,City\n{word},{word},{word}\n")
    assert pushed(command, at(), "a.csv") == {word: {"name": word, "City": word}}


def test_na_makes_a_word_missing(command, at, write):
    write("a.csv", "id,City,Orders\n1,NA,3\n2,Goa,NA\n")
    assert pushed(command, at(), "a.csv", "--na", "NA") == {"1": {"Orders": 3}, "2": {"City": "Goa"}}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["3", "-1"], [3, -1]),
        (["3", ""], [3, None]),
        (["0.1", "12.50"], [0.1, 12.5]),
        (["1e-05", ""], [1e-05, None]),
        ([".5", "5."], [0.5, 5]),
        (["9007199254740993", "1"], [9007199254740993, 1]),
        (["TRUE", "false"], [True, False]),
        (["true", ""], [True, None]),
        (["00123", "7"], ["00123", "7"]),
        (["+91987", "91987"], ["+91987", "91987"]),
        (["12E3", "13E4"], ["12E3", "13E4"]),
        (["99999999999999999999", "1"], ["99999999999999999999", "1"]),
        (["9007199254740993", "1.5"], ["9007199254740993", "1.5"]),
        (["1,000", "2"], ["1,000", "2"]),
        (["yes", "no"], ["yes", "no"]),
        (["2026-01-31", ""], ["2026-01-31", None]),
        ([" 3", "4"], [" 3", "4"]),
        (["inf", "1"], ["inf", "1"]),
    ],
    ids=str,
)
def test_csv_types_are_inferred_without_loss(command, at, write, cells, expected):
    """A column of a CSV gets the type of its values, and stays text where a type could lose something."""
    write("a.csv", "id,V\n" + "".join(f'{i},"{cell}"\n' for i, cell in enumerate(cells)))
    stored = pushed(command, at(), "a.csv")
    assert [stored[str(i)].get("V") for i in range(len(cells))] == expected


def test_ids_and_reserved_columns_are_text(command, at, write):
    write("a.csv", "id,mobile\n12345678901234567890123,9876543210\n")
    assert pushed(command, at(), "a.csv") == {"12345678901234567890123": {"mobile": "9876543210"}}


def test_types_convert_the_values_of_the_file(command, at, write):
    write("a.csv", "id,PIN,At,Price,Yes,Code\n1,011,2026-01-31T10:00:00+05:30,.5,1,1.50\n")
    types = (
        "--type",
        "PIN=number",
        "--type",
        "Price=number",
        "--type",
        "Yes=boolean",
        "--type",
        "At=date",
        "--type",
        "Code=string",
    )
    assert pushed(command, at(), "a.csv", *types) == {
        "1": {"PIN": 11, "At": "2026-01-31 04:30:00", "Price": 0.5, "Yes": True, "Code": "1.50"}
    }


def test_csv_uses_the_types_of_the_ledger(command, at, write):
    write("a.csv", "id,Code,Price,At\n1,A1,0.5,2026-01-31\n")
    pushed(command, at(), "a.csv", "--type", "At=date")
    write("a.csv", "id,Code,Price,At\n1,12,.25,2026-02-28\n")
    box = at()
    assert pushed(command, box, "a.csv") == {"1": {"Code": "12", "Price": 0.25, "At": "2026-02-28 00:00:00"}}
    assert box.ignored().empty


def test_json_lines_keep_the_types_of_json(command, at, write):
    write("a.jsonl", '{"id": 1, "V": "007", "N": 9007199254740993, "created_at": "1"}\n{"id": "2", "N": 1.5}\n')
    assert pushed(command, at(), "a.jsonl") == {
        "1": {"V": "007", "N": 9007199254740993, "created_at": "1"},
        "2": {"N": 1.5},
    }


def test_parquet_integers_with_gaps_stay_whole(command, at, write):
    table = pd.DataFrame(
        {"id": pd.array([9007199254740993, 2], dtype="Int64"), "N": pd.array([9007199254740993, None], dtype="Int64")}
    )
    stream = io.BytesIO()
    table.to_parquet(stream)
    write("a.parquet", stream.getvalue())
    assert pushed(command, at(), "a.parquet")["9007199254740993"] == {"N": 9007199254740993}


def test_columns_are_chosen_renamed_excluded(command, at, write):
    write("a.csv", ",id,city,Note\n0,1,Pune,x\n")
    assert pushed(command, at(), "a.csv", "--exclude", "", "--exclude", "Note", "--rename", "city=City") == {
        "1": {"City": "Pune"}
    }
    assert pushed(command, at(), "a.csv", "--column", "Note")["1"]["Note"] == "x"


def test_repeated_headings_are_reported(command, at, write):
    done = command("validate", write("a.csv", "id,City,City\n1,Pune,Goa\n"), "--id-col", "id", "--json")
    assert done.status == 1
    assert done.data["rules"][0]["rule"] == "attribute_name_duplicate"


def test_text_column_has_a_note_without_values(command, write):
    rows = "".join(f"{i},{i},{i}\n" for i in range(20))
    write("a.csv", f"id,Orders,Secret\n{rows}20,NA,classified\n")
    done = command("schema", "a.csv", "--id-col", "id")
    assert "'Orders' is read as text: 1 of 21 values is not a plain number (first in line 22)." in done.err
    assert "--na NA" in done.err
    assert "'Secret'" in done.err
    assert "classified" not in done.out + done.err
    write("zeros.csv", "id,Pin Code\n1,110001\n2,00123\n")
    done = command("schema", "zeros.csv", "--id-col", "id")
    assert "leading zeros (first in line 3). To send numbers: --type 'Pin Code=number'" in done.err


LINES = {
    "a.csv": ('id,Note\n1,"two\nlines"\n\n,gone\n3,"x"\n', [2, 5, 6]),
    "a.jsonl": ('{"id": 1, "Note": "x"}\n\n{"id": null, "Note": "x"}\n{"id": 3, "Note": "x"}\n', [1, 3, 4]),
}


@pytest.mark.parametrize("name", LINES)
def test_violations_name_the_line_of_the_file(command, at, write, name):
    content, lines = LINES[name]
    options = ("--id-col", "id", "--errors", "drop", "--violations", "v.csv")
    command("push", write(name, content), *options, "--outcomes", "o.parquet")
    command("push", name, *options, "--outcomes", "o.csv")
    for outcomes in (pd.read_parquet("o.parquet"), csv_safe.read_csv("o.csv")):
        assert outcomes["line"].tolist() == lines
        assert outcomes["status"].tolist() == ["accepted", "invalid", "accepted"]
        assert "index" not in outcomes
    found = csv_safe.read_csv("v.csv")
    assert found.query("rule == 'id_missing'")[["row", "line"]].to_numpy().tolist() == [[1, lines[1]]]
    assert "index" not in found


BROKEN = {
    "no such file": ("none.csv", None, (), "none.csv: it cannot be read: No such file"),
    "unknown suffix": ("a.numbers", "x", (), "does not show the format"),
    "stdin without a format": ("-", None, (), "--format"),
    "empty": ("a.csv", "", (), "it is empty"),
    "short line": ("a.csv", "id,a\n1,2\n3\n", (), "line 3: found 1 cell; the heading has 2"),
    "long line": ("a.csv", "id,a\n1,2,3\n", (), "line 2: found 3 cells"),
    "open quote": ("a.csv", 'id,a\n1,"2\n3,4\n', (), "an unclosed quote"),
    "other separator": ("a.csv", "id;a\n1;2\n", (), "--sep ';'"),
    "wrong separator": ("a.csv", "id,a\n1,2\n", ("--sep", ";"), "--sep ','"),
    "latin-1": ("a.csv", b"id,a\n1,x\n2,\xe9\n", (), "line 3: byte 0xE9 is not valid UTF-8"),
    "utf-16 without a mark": ("a.csv", "id,a\n1,2\n".encode("utf-16-le"), (), "--encoding utf-16-le"),
    "unknown encoding": ("a.csv", "id\n", ("--encoding", "utf-99"), "is not an encoding"),
    "cut gzip": ("a.csv.gz", gzip.compress(CSV.encode() * 99)[:-20], (), "damaged or truncated"),
    "json array": ("a.jsonl", '[{"id": 1}]', (), "jq -c"),
    "no json": ("a.jsonl", '{"id": 1}\n{"id":\n', (), "line 2: not JSON"),
    "key twice": ("a.jsonl", '{"id": 1, "id": 2}', (), "'id' appears twice"),
    "index named as a column": ("a.parquet", parquet(index=True, extra=True), (), "'id' is the name of a column and"),
    "no parquet": ("a.parquet", "id", (), "not a Parquet file"),
    "sep for json": ("a.jsonl", '{"id": 1}', ("--sep", ";"), "--sep: only for csv"),
    "no such column": ("a.csv", "ID,a\n1,2\n", (), "--id-col: there is no column 'id'. Did you mean 'ID'?"),
    "nothing to exclude": ("a.csv", "id,a\n1,2\n", ("--exclude", "b"), "--exclude: there is no column 'b'"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_unreadable_file_is_one_line_and_exit_2(command, write, case):
    name, content, options, words = BROKEN[case]
    if content is not None:
        write(name, content)
    done = command("schema", name, "--id-col", "id", *options)
    assert (done.status, done.out) == (2, "")
    assert words in done.err
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1


def test_line_that_is_not_utf_8_is_found_in_stdin_too(command, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'id,a\n1,"x\ny"\n2,\xe9\n')))
    done = command("schema", "-", "--format", "csv", "--id-col", "id")
    assert (done.status, "stdin, line 4: byte 0xE9 is not valid UTF-8" in done.err) == (2, True)


def test_unfinished_line_and_no_rows_are_noted(command, write):
    assert "may be truncated" in command("schema", write("a.csv", "id,a\n1,2"), "--id-col", "id").err
    assert "there are no rows" in command("schema", write("a.csv", "id,a\n"), "--id-col", "id").err


def test_limit_reads_no_further(command, write):
    write("a.csv", "id,a\n1,2\n3\n")
    done = command("schema", "a.csv", "--id-col", "id", "--limit", "1", "--json")
    assert (done.status, done.data["rows"]) == (0, 1)


@pytest.mark.parametrize("word", ["--", "-", "NA"])
def test_any_word_can_mean_missing(command, at, write, word):
    file = write("a.csv", f"id,Orders\n1,3\n2,{word}\n")
    assert pushed(command, at(), file, f"--na={word}") == {"1": {"Orders": 3}, "2": {}}


def test_empty_na_value_disables_missing_words(command, at, write):
    assert pushed(command, at(), write("a.csv", "id,City\n1,--\n"), "--na=") == {"1": {"City": "--"}}


def test_missing_word_ignores_outer_white_space(command, at, write):
    file = write("a.csv", "id,Orders,City\n1,3,  \n2,NA ,Goa\n3, -,NAB\n")
    stored = {"1": {"Orders": 3, "City": "  "}, "2": {"City": "Goa"}, "3": {"City": "NAB"}}
    assert pushed(command, at(), file, "--na=NA", "--na= - ") == stored


def test_texts_that_become_one_number(command, at, write):
    file = write("a.csv", "id,Version,Price\n1,1.1,2.50\n2,1.10,3.75\n")
    done = command("push", file, "--id-col", "id", "--dry-run")
    assert "column 'Version' is read as numbers" in done.err
    assert "line 3" in done.err
    assert "'Price'" not in done.err
    assert pushed(command, at(), file, "--type", "Version=string")["2"] == {"Version": "1.10", "Price": 3.75}


def test_points_that_may_separate_thousands_stay_text(command, at, write):
    """The two readings differ by a factor of 1000, so a person decides; other decimals are numbers."""
    text = "id,Points,Weight,Price\n1,18.528,0.528,18.52\n2,996,1.250,1.999\n"
    file = write("a.csv", text)
    assert "type_doubtful" in command("validate", file, "--id-col", "id").out
    assert "number_ambiguous" in command("validate", file, "--id-col", "id", "--type", "Points=number").out
    assert pushed(command, at(), file) == {
        "1": {"Points": "18.528", "Weight": 0.528, "Price": 18.52},
        "2": {"Points": "996", "Weight": 1.25, "Price": 1.999},
    }
