"""Lines to paste from the command line: they mend the file as pandas reads it, and hit the rows that they mean."""

import pathlib

import pandas as pd
import pytest

from growlytics_pandas import csv_safe

READ_CSV = {"dtype": str, "keep_default_na": False, "na_values": [""]}
READ_JSON = {"lines": True, "dtype": False}


def pasted(df, found):
    for line in found["fix"].drop_duplicates():
        scope = {"df": df, "pd": pd}
        exec(compile(line, "<fix>", "exec"), scope)
        df = scope["df"].copy()  # before pandas 3, a slice that is written to warns, and does as it is told
    return df


def one_after_the_other(df, found):
    """Paste each line into the frame as it is read, too: a user may want only that one."""
    for line in found["fix"].drop_duplicates():
        exec(compile(line, "<fix>", "exec"), {"df": df.copy(), "pd": pd})
    return pasted(df, found)


@pytest.fixture
def validate(command):
    def call(path, *options):
        done = command("validate", path, "--id-col", "id", "--violations", "v.csv", "--report", "r.html", *options)
        return done, csv_safe.read_csv("v.csv")

    return call


def test_the_lines_of_a_csv_go_by_the_rows_of_pandas(validate, write):
    """The command knows rows by their line; blank lines and cells of several lines move those away from the rows."""
    bad = [f"{i},wrong{i},9" for i in range(40)]  # which labels can name
    text = 'id,email,mobile\na,a@example.com,9919211112\n\nb,nowhere,9919211113\n"c\nc",c@example.com,12\n\n\n'
    path = write("messy.csv", text + "d, d@example.com ,9919211114\n" + "\n".join(bad) + "\n")
    done, found = validate(path)
    assert done.status == 0, "these are warnings"
    assert found.query("row == 1")["line"].tolist() == [4]
    assert "isin([1," in pathlib.Path("r.html").read_text()
    before = pd.read_csv(path, **READ_CSV)
    expected = before.copy()
    expected.loc[expected["email"].str.startswith(("nowhere", "wrong")), "email"] = float("nan")
    expected.loc[expected["mobile"].isin(["12", "9"]), "mobile"] = float("nan")
    expected["email"] = expected["email"].str.strip()
    pd.testing.assert_frame_equal(pasted(before, found), expected)


TEXT = "007, a@x.com ,NA,1\n007,x@example.com,Goa,2\n\n 8 ,nowhere,Pune,3\n,b@example.com,Goa,4\n9,c@example.com,Goa,\n"
JSON = (
    '{"id":"007","email":" a@x.com ","L":[1,2],"N":1}\n\n{"id":"007","email":"x@example.com","N":2}\n'
    '{"id":" 8 ","email":"nowhere","N":" 3 "}\n{"id":null,"N":4}\n{"id":"9","N":5}\n'
)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_mended_file_arrives(command, at, validate, write, name):
    is_csv = name == "a.csv"
    _, found = validate(write(name, "id,email,City,N\n" + TEXT if is_csv else JSON))
    df = pd.read_csv(name, **READ_CSV) if is_csv else pd.read_json(name, **READ_JSON)
    df = one_after_the_other(df, found)
    df.to_csv(name, index=False) if is_csv else df.to_json(name, orient="records", lines=True)
    assert validate(name)[0].status == 0
    assert command("push", name, "--id-col", "id").status == 0
    arrived = at().stored()
    assert set(arrived) == {"007", "8", "9"}, "the last of those that share an id"
    city = {"City": "Goa"} if is_csv else {}
    assert arrived["007"] == {"email": "x@example.com", "N": 2, **city}
    assert "email" not in arrived["8"]


IDS = ["a", "b", "b", "d", None, "f"]
FRAME = pd.DataFrame(
    {
        "id": IDS,
        "email": ["a@example.com", "x@example.com", " b@example.com ", "nowhere", "e@example.com", "nope"],
        "Spent": pd.Categorical(["1", "2", "1,000", "x", None, "3"]),
        "N": [1, 2, 3, 4, 5, 6],
        " pad ": ["p", "q", "r", "s", "t", "u"],
    }
)
INDEXES = {
    "none": FRAME,
    "one that is not from 0": FRAME.set_axis(pd.RangeIndex(2, 14, 2)),
    "one out of order": FRAME.set_axis([1, 0, 3, 2, 5, 4]),
    "text": FRAME.set_axis(list("zyxwvu")),
    "the ids": FRAME.set_index("id"),
    "the ids and another": FRAME.set_index(["id", "N"]),
    "named, beside the ids": FRAME.set_index("N"),
}


@pytest.mark.parametrize("backend", [{}, {"dtype_backend": "pyarrow"}], ids=["numpy", "arrow"])
@pytest.mark.parametrize("kind", INDEXES)
def test_a_mended_parquet_file_arrives_whatever_its_index(command, at, validate, kind, backend):
    INDEXES[kind].to_parquet("a.parquet")
    options = ("--type", "Spent=number")
    _, found = validate("a.parquet", *options)
    df = one_after_the_other(pd.read_parquet("a.parquet", **backend), found)
    df.to_parquet("a.parquet")
    done, found = validate("a.parquet", *options)
    assert (done.status, found.empty) == (0, True)
    assert command("push", "a.parquet", "--id-col", "id", *options).status == 0
    assert at().stored() == {
        "a": {"email": "a@example.com", "Spent": 1, "N": 1, "pad": "p"},
        "b": {"email": "b@example.com", "Spent": 1000, "N": 3, "pad": "r"},
        "d": {"N": 4, "pad": "s"},
        "f": {"Spent": 3, "N": 6, "pad": "u"},
    }


def test_of_labels_that_repeat_the_lines_that_fit_no_more_do_nothing(validate):
    index = pd.MultiIndex.from_arrays([IDS, [1, 1, 2, 2, 3, 3]], names=["id", None])
    FRAME.drop(columns="id").set_axis(index).to_parquet("a.parquet")
    for _ in range(2):  # the first time rows are dropped, so lines that go by positions wait for the second
        found = validate("a.parquet", "--type", "Spent=number")[1]
        one_after_the_other(pd.read_parquet("a.parquet"), found).to_parquet("a.parquet")
    found = validate("a.parquet", "--type", "Spent=number")[1]
    assert found.empty, found["message"].tolist()
    assert pd.read_parquet("a.parquet")["email"].fillna("").tolist() == ["a@example.com", "b@example.com", "", ""]


def test_digits_that_are_to_stay_are_an_option_where_a_file_has_no_types(at, command, validate, write):
    lines = {
        "a.csv": "id,Loyalty No\na,9007199254740993\n",
        "a.jsonl": '{"id": "a", "Loyalty No": 9007199254740993}\n',
    }
    for name, content in lines.items():
        for options in ((), ("--type", "Loyalty No=number")):
            _, found = validate(write(name, content), *options)
            assert found["fix"].tolist() == ["# say --type 'Loyalty No=string'"], name
        done, found = validate(name, "--type", "Loyalty No=string")
        assert (done.status, found.empty) == (0, True)


def test_a_line_that_changes_an_argument_is_a_remark_in_the_words_of_the_command(at, command, validate, write):
    write("a.jsonl", '{"id": "1", "Total Orders": 3}\n')
    command("push", "a.jsonl", "--id-col", "id")
    _, found = validate(write("b.jsonl", '{"id": "1", "Total Orders": 3}\n'), "--type", "Total Orders=string")
    assert found.query("rule == 'type_conflict'")["fix"].tolist() == ["# say --type 'Total Orders=number'"]
    _, found = validate(write("c.jsonl", '{"id": "1", "When Seen": 3}\n'), "--type", "When Seen=date")
    assert "# leave out --type of 'When Seen'" in found["fix"].tolist()
