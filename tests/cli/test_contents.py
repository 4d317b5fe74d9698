"""A file's content determines its type, not its name; and a file written by this package is read back unchanged."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pandas as pd
import pytest

from growlytics_pandas import csv_safe

CSV = "id,City\n007,Pune\n008,Delhi\n"
STORED = {"007": {"City": "Pune"}, "008": {"City": "Delhi"}}


def zipped(*names):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, "application/vnd.oasis.opendocument.spreadsheet")
    return stream.getvalue()


def tarred():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.csv"))
    return stream.getvalue()


def parquet():
    stream = io.BytesIO()
    pd.DataFrame({"id": ["007"]}).to_parquet(stream)
    return stream.getvalue()


OTHERS = {
    "xlsx": (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook (xlsx)"),
    "xlsx of another writer": (zipped("xl/workbook.xml"), "an Excel workbook (xlsx)"),
    "ods": (zipped("mimetype", "content.xml"), "an OpenDocument spreadsheet (ods)"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an Excel workbook (xls)"),
    "zip": (zipped("customers.csv"), "a zip archive"),
    "tar": (tarred(), "a tar archive"),
    "bzip2": (bz2.compress(CSV.encode()), "a bzip2 archive"),
    "xz": (lzma.compress(CSV.encode()), "an xz archive"),
    "parquet": (parquet(), "--format parquet"),
    "html": (b"\xef\xbb\xbf\r\n<HTML><table><tr><td>id</td></tr></table>", "HTML or XML"),
    "xml": (b'<?xml version="1.0"?><Workbook/>', "HTML or XML"),
    "xlsx in gzip": (gzip.compress(zipped("xl/workbook.xml")), "an Excel workbook (xlsx)"),
    "gzip in gzip": (gzip.compress(gzip.compress(CSV.encode())), "gzip within gzip"),
}


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl"])
@pytest.mark.parametrize("case", OTHERS)
def test_wrong_kind_of_file_is_named(command, write, case, name):
    content, words = OTHERS[case]
    write(name, content)
    done = command("schema", name, "--id-col", "id")
    assert (done.status, done.out) == (2, "")
    assert words in done.err
    assert "cp1252" not in done.err


READ = {
    "sep": ("sep=;\n" + CSV.replace(",", ";"), ()),
    "sep in quotes, as Excel saves it": ('"sep=;"\r\n' + CSV.replace(",", ";"), ()),
    "sep in capitals, a tab": ("SEP=\t\r\n" + CSV.replace(",", "\t"), ()),
    "sep after a mark": ("\ufeffsep=|\n" + CSV.replace(",", "|"), ()),
    "sep that fills its line": ("sep=;;\n" + CSV.replace(",", ";"), ()),
    "a separator that is named": ("sep=,\n" + CSV.replace(",", ";"), ("--sep", ";")),
    "titles": ('Customers of May\n"one, two"\n\n' + CSV, ("--skip-rows", "3")),
    "a title and a separator line": ("sep=;\nCustomers\n" + CSV.replace(",", ";"), ("--skip-rows", "2")),
    "utf-16": (CSV.encode("utf-16"), ()),
    "utf-16, little end first": (b"\xff\xfe" + CSV.encode("utf-16-le"), ("--encoding", "utf-16-le")),
    "utf-16, big end first": (b"\xfe\xff" + CSV.encode("utf-16-be"), ()),
    "utf-32": (CSV.encode("utf-32"), ()),
    "utf-16 in gzip": (gzip.compress(CSV.encode("utf-16")), ("--encoding", "utf-8")),
    "Unicode text of Excel": (CSV.replace(",", "\t").encode("utf-16"), ("--sep", "\\t")),
}


def stored_of(command, box, name, *options):
    done = command("push", name, "--id-col", "id", "--json", *options)
    assert done.status == 0, done.err
    return {key: {name: v for name, v in stored.items() if name != "id"} for key, stored in box.stored().items()}


@pytest.mark.parametrize("case", READ)
def test_lines_above_the_heading_are_understood(command, at, write, case):
    content, options = READ[case]
    assert stored_of(command, at(), write("a.csv", content), *options) == STORED


def test_violation_line_counts_from_file_start(command, write, tmp_path):
    write("a.csv", "sep=;\nid;City\n;Pune\n")
    done = command("validate", "a.csv", "--id-col", "id", "--violations", "found.csv")
    assert done.status == 1
    assert csv_safe.read_csv(tmp_path / "found.csv")["line"].tolist() == [3]


def test_title_above_heading_suggests_skip_rows(command, write):
    write("a.csv", "Customers of May\nid,City\n1,Pune\n")
    done = command("schema", "a.csv", "--id-col", "id")
    assert done.status == 2
    assert "--skip-rows" in done.err


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("id,a\n1,2\n", ("--skip-rows", "9"), "it is empty"),
        ("\ufeffid,a\n1,2\n", ("--encoding", "cp1252"), "the byte order mark of UTF-8"),
        ("id,a\n1,2\n".encode("utf-16"), ("--encoding", "cp1252"), "the byte order mark of UTF-16"),
    ],
)
def test_options_that_contradict_the_file_fail(command, write, content, options, words):
    write("a.csv", content)
    done = command("schema", "a.csv", "--id-col", "id", *options)
    assert (done.status, done.out) == (2, "")
    assert words in done.err


def test_rows_are_skipped_of_csv_only(command, write):
    write("a.jsonl", '{"id": "1"}')
    done = command("schema", "a.jsonl", "--id-col", "id", "--skip-rows", "1")
    assert done.status == 2
    assert "--skip-rows: only for csv" in done.err


IDS = ["+919876543210", "-7", "=1+1", "@asha", "'0012", "''x", "'=x", "'", "plain", "ï¼‹91", "＋91"]


def test_outcomes_file_names_the_same_customers(command, at, write):
    box = at()
    frame = pd.DataFrame({"id": IDS, "=City": ["+Pune"] * len(IDS)})
    csv_safe.write_csv(frame, "in.csv")
    done = command("push", "in.csv", "--id-col", "id", "--outcomes", "out.csv")
    assert done.status == 0, done.err
    assert set(box.stored()) == set(IDS)
    assert box.stored()["'"]["=City"] == "+Pune"
    done = command("push", "out.csv", "--id-col", "id", "--column", "status")
    assert done.status == 0, done.err
    assert set(box.stored()) == set(IDS)


def test_apostrophe_of_other_programs_stays(command, at, write):
    box = at()
    write("a.csv", "id,City\n'7012345678901,'tis\n")
    assert stored_of(command, box, "a.csv") == {"'7012345678901": {"City": "'tis"}}
