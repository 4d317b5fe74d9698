"""`--date-format`: every value is read as asked, or the command says where one cannot be."""

import pytest

DAYS = "id,Joined,N\na,31/01/2025,1\nb,,2\nc, 1/2/2025 ,3\n"
OPTION = ("--date-format", "Joined=%d/%m/%Y")


@pytest.fixture
def push(command, at, write):
    def call(content, *options, name="a.csv"):
        return command("push", write(name, content), "--id-col", "id", "--json", *options)

    return call


def joined(box):
    return {customer: stored.get("Joined") for customer, stored in box.stored().items()}


def test_dates_arrive_as_dates_and_a_missing_one_stays_away(push, at):
    done = push(DAYS, *OPTION)
    assert (done.status, done.told["new_types"]["Joined"]) == (0, "date")
    assert joined(at()) == {"a": "2025-01-31 00:00:00", "b": None, "c": "2025-02-01 00:00:00"}
    assert push(DAYS, *OPTION, "--skip-unchanged").told["counts"]["unchanged"] == 3


@pytest.mark.parametrize(
    ("value", "form", "arrived"),
    [
        ("01/02/2025", "%m/%d/%Y", "2025-01-02 00:00:00"),
        ("31-Jan-25 21:05", "%d-%b-%y %H:%M", "2025-01-31 21:05:00"),
        ("20250131", "%Y%m%d", "2025-01-31 00:00:00"),
        ("31/01/2025 01:00 +0530", "%d/%m/%Y %H:%M %z", "2025-01-30 19:30:00"),
        ("31.1.1066", "%d.%m.%Y", "1066-01-31 00:00:00"),
    ],
)
def test_a_value_is_the_moment_that_its_format_says(push, at, value, form, arrived):
    assert push(f"id,When=\na,{value}\n", "--date-format", f"When=={form}").status == 0
    assert at().stored()["a"]["When="] == arrived


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_other_files_are_read_so_too(push, at, tmp_path, name):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"id": ["a", "b"], "Joined": ["31/01/2025", None]})
    path = tmp_path / "made"
    frame.to_json(path, orient="records", lines=True) if name == "a.jsonl" else frame.to_parquet(path)
    assert push(path.read_bytes(), *OPTION, name=name).status == 0
    assert joined(at()) == {"a": "2025-01-31 00:00:00", "b": None}


def test_several_forms_of_one_column_are_read_in_the_order_given(push, at):
    content = "id,Joined\na,31/01/2025\nb,2025-02-01\nc,03/04/2025\n"
    assert push(content, *OPTION, "--date-format", "Joined=%Y-%m-%d").status == 0
    assert joined(at())["b"] == "2025-02-01 00:00:00"
    assert joined(at())["c"] == "2025-04-03 00:00:00"


def test_a_value_that_does_not_fit_is_told_by_line_and_column_without_the_value(push, at):
    done = push("id,Joined\na,31/01/2025\n\nb,secret\nc,13/13/2025\n", *OPTION)
    assert (done.status, at().requests) == (2, 0)
    assert "a.csv, line 4, column 'Joined': the value, the first of 2, is no date like 31/01/2025." in done.err
    assert "secret" not in done.err
    assert "--na TEXT" in done.err
    assert push("id,Joined\na,31/01/2025\nb,never\n", *OPTION, "--na", "never").status == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--date-format", "Joined"), "it must be like 'Joined=%d/%m/%Y'"),
        (("--date-format", "Joined=%d/%m"), "found '%d/%m'; it must tell day, month and year"),
        (("--date-format", "Joined=d/m/y"), "found 'd/m/y'; it must tell day, month and year"),
        (("--date-format", "Joined=%Q"), "'Q' is a bad directive"),
        (("--date-format", "Joined=%d/%m/%Y %Z"), "only %z"),
        (("--date-format", "Joined=%x"), "found '%x'; spell day, month and year out"),
        (("--date-format", "Joined=%c"), "found '%c'; spell day, month and year out"),
        (("--date-format", "Joined=%D"), "found '%D'; spell day, month and year out"),
        (("--date-format", "Joind=%d/%m/%Y"), "--date-format: there is no column 'Joind'"),
        (("--date-format", "id=%d/%m/%Y"), "column 'id' is the id"),
        ((*OPTION, "--type", "Joined=string"), "column 'Joined' is to be a string by --type"),
        ((*OPTION, "--exclude", "Joined"), "column 'Joined' is asked for by --date-format, too"),
    ],
    ids=str,
)
def test_a_format_that_cannot_be_is_2_and_sends_nothing(push, at, options, words):
    done = push(DAYS, *options)
    assert (done.status, at().requests) == (2, 0)
    assert words in done.err


def test_a_birth_in_65_is_refused_and_never_stored_as_of_2065(push, at):
    births = "id,J\na,01-Mar-25\nb,31-Jan-65\nc,15-Mar-70\nd,01-Feb-58\n"
    done = push(births, "--date-format", "J=%d-%b-%y", "--quiet")
    assert (done.status, at().requests) == (2, 0)
    assert "a.csv, line 3, column 'J': the value, the first of 2, has a year of two digits from 36 to 68" in done.err
    assert "Write years with four digits in the file, and say %Y: --date-format J=%d-%b-%Y." in done.err
    assert "65" not in done.err
    in_full = births.replace("-25", "-2025").replace("-65", "-1965").replace("-70", "-1970").replace("-58", "-1958")
    assert push(in_full, "--date-format", "J=%d-%b-%Y").status == 0
    assert at().stored()["b"]["J"] == "1965-01-31 00:00:00"


@pytest.mark.parametrize(
    ("year", "arrived"),
    [("25", "2025"), ("35", "2035"), ("36", None), ("68", None), ("69", "1969"), ("1968", "1968"), ("2050", "2050")],
)
def test_a_year_of_two_digits_is_read_where_its_century_is_plain(push, at, year, arrived):
    forms = ("--date-format", "J=%d/%m/%y", "--date-format", "J=%d/%m/%Y")
    assert push(f"id,J\na,31/01/{year}\n", *forms).status == (0 if arrived else 2)
    assert at().stored() == ({"a": {"J": f"{arrived}-01-31 00:00:00"}} if arrived else {})


def test_the_option_that_a_note_names_does_what_it_says(push, at):
    content = "id,Joined\na,31/01/2025\nb,28/02/2025\n"
    (note,) = push(content, "--dry-run").told["notes"]
    assert f"{OPTION[0]} {OPTION[1]}." in note
    assert push(content, *OPTION).told["notes"] == []
    assert joined(at())["a"] == "2025-01-31 00:00:00"
