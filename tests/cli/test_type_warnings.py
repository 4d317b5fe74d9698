"""A type cannot be changed later, so a command warns if another is probably meant, also with --quiet."""

import re

import pandas as pd
import pytest

SCORES = "id,Score\n" + "".join(f"c{i},{'-' if i == 50 else i}\n" for i in range(100))
FLAGS = '{"id": "a", "Flag": 0}\n{"id": "b", "Flag": 1}\n'
TIMES = "id,At\na,2025-01-31\nb,2025-02-01\n"
NOT_ISO = "id,At\na,31/01/2025\nb,01/02/2025\n"
DAY_FIRST = "--date-format At=%d/%m/%Y"
YES = "id,Mother's\na,yes\nb,no\n"
QUESTIONABLE = {  # a file, the flags that take the type meant, the one that keeps the type
    "a number or a dash": ("a.csv", SCORES, "--na Score=- --type Score=number", "Score=string"),
    "dates": ("a.csv", TIMES, "--date-format At=ISO8601", "At=string"),
    "dates of another form": ("a.csv", NOT_ISO, DAY_FIRST, "At=string"),
    "yes/no": ("a.csv", YES, """--type 'Mother'"'"'s=boolean'""", """'Mother'"'"'s=string'"""),
    "0 and 1": ("a.jsonl", FLAGS, "--type boolean", "Flag=number"),
    "dates in JSON": ("a.jsonl", '{"id": "a", "At": "2025-01-31"}\n', "--date-format At=ISO8601", "At=string"),
}
QUIET = ("--id-col", "id", "--quiet")


@pytest.mark.parametrize("command_line", [("push",), ("push", "--dry-run"), ("validate",)], ids=" ".join)
@pytest.mark.parametrize("case", QUESTIONABLE)
def test_type_warning_and_fix_even_when_quiet(command, at, write, case, command_line):
    name, content, meant, kept = QUESTIONABLE[case]
    done = command(command_line[0], write(name, content), *command_line[1:], *QUIET, "--json")
    assert done.status == 0
    (line,) = done.err.splitlines()
    assert line.startswith("note: a type that looks wrong and cannot be changed later: ")
    assert line.endswith(f"To keep it: --type {kept}")
    assert done.data["notes"] == [line.removeprefix("note: ")]
    (doubtful,) = (found for found in done.data["rules"] if found["rule"] == "type_doubtful")
    assert meant in f"{doubtful['first']} {doubtful['fix']}"


def test_doubtful_types_are_one_line_before_they_are_sent(command, at, write):
    columns = ",".join(f"D{i}" for i in range(7))
    write("a.csv", f"id,{columns}\n" + "".join(f"{id_}{',2025-01-31' * 7}\n" for id_ in "ab"))
    done = command("push", "a.csv", *QUIET)
    assert (done.status, done.out) == (0, "")
    (line,) = done.err.splitlines()
    assert "'D0' string, 'D1' string, 'D2' string, 'D3' string, 'D4' string, +2 more" in line
    assert "see type_doubtful of validate" in line.casefold()


def test_a_phone_number_is_no_number_to_send(command, write):
    phones = "".join(f"c{i},98{i:08d}\n" for i in range(8)) + "x,+91 98200 00001\n"
    for name in ("schema", "suggest", "validate"):
        done = command(name, write("a.csv", f"id,Phone\n{phones}"), "--id-col", "id")
        assert "Phone=number" not in done.err
    assert "--rename Phone=mobile" in done.out


@pytest.mark.parametrize("kind", ["number", "string"])
def test_given_or_known_type_has_no_warning(command, at, write, kind):
    write("a.csv", SCORES)
    given = command("push", "a.csv", *QUIET, "--type", f"Score={kind}", "--na", "-")
    assert (given.status, given.err) == (0, "")
    known = command("push", "a.csv", *QUIET, "--na", "-")
    assert (known.status, known.err) == (0, "")


def test_unsent_or_lossy_column_has_no_warning(command, at, write):
    write("a.csv", "id,City,At,Pin\n1,Pune,2025-01-31,110001\n2,Goa,2025-02-01,00123\n")
    assert command("push", "a.csv", *QUIET, "--dry-run", "--exclude", "At").err == ""
    loud = command("push", "a.csv", "--id-col", "id", "--dry-run", "--column", "City")
    assert loud.err == "", "no notes on columns that are not sent"
    assert "leading zeros" in command("push", "a.csv", "--id-col", "id", "--dry-run").err


@pytest.fixture
def indexed(tmp_path):
    frame = pd.DataFrame({"id": ["a", "b"], "City": ["Pune", "Goa"]}, index=pd.Index([5, 6], name="Row"))
    frame.to_parquet(tmp_path / "r.parquet")
    return "r.parquet"


def test_parquet_index_as_attribute_is_reported(command, at, indexed):
    (line,) = command("push", indexed, *QUIET, "--dry-run").err.splitlines()
    assert "'Row' is the index of the Parquet file and is sent too" in line
    assert "--exclude Row" in line
    assert "'Row' is the index" in command("schema", indexed, "--id-col", "id").err
    for option in (("--exclude", "Row"), ("--column", "City"), ("--type", "Row=number"), ("--rename", "Row=Line")):
        assert command("push", indexed, *QUIET, "--dry-run", *option).err == "", option
    assert command("push", indexed, *QUIET, "--exclude", "Row").status == 0
    assert at().stored() == {"a": {"City": "Pune"}, "b": {"City": "Goa"}}


def test_index_with_the_ids_has_no_warning(command, at, tmp_path):
    frame = pd.DataFrame({"City": ["Pune", "Goa"]}, index=pd.Index(["a", "b"], name="id"))
    frame.to_parquet(tmp_path / "r.parquet")
    assert command("push", "r.parquet", *QUIET).err == ""


OF_PANDAS = re.compile(r"\bdf\b|\bpd\.|\.str\.|types=|format=")


def test_fix_for_two_id_columns_applies(command, write):
    done = command("validate", write("a.csv", "id,id\na,b\n"), "--id-col", "id")
    assert done.status == 2
    assert "Rename the others in the file" in done.err
    assert not OF_PANDAS.search(done.err)
