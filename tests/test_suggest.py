"""`suggest` returns options that are ready for a call."""

import json
import shlex
import warnings

import pandas as pd
import pytest
from support.shown import plain

import growlytics_pandas as gp
from growlytics_pandas import options
from growlytics_pandas.__main__ import main

FRAME = pd.DataFrame(
    {
        "id": ["c1", "c2", "c3", "c4"],
        "Joined": ["31/01/2025", "28/02/2025", "NULL", "15/03/2025"],
        "At": ["2025-01-31", "2025-02-01", "2025-02-02", "2025-02-03"],
        "City": [" Pune", "Goa ", "Delhi", "Agra"],
        "Day": ["01/02/2025", "02/03/2025", "03/04/2025", "04/05/2025"],
    }
)


def test_suggested_options_can_be_pushed(sandbox):
    suggested = FRAME.growlytics.suggest("id")
    assert suggested["date_format"] == {"Joined": "%d/%m/%Y", "At": "ISO8601"}
    assert suggested["na_values"] == {"Joined": ["NULL"]}
    assert suggested["strip"] == ["City"]
    assert gp.push(FRAME, "id", client=sandbox.client, progress=False, **suggested).ok
    assert sandbox.stored()["c1"] == {
        "Joined": "2025-01-31 00:00:00",
        "At": "2025-01-31 00:00:00",
        "City": "Pune",
        "Day": "01/02/2025",
    }


@pytest.mark.parametrize(
    "suggest",
    [lambda df: df.growlytics.suggest("id"), lambda df: gp.suggest(df, "id"), lambda df: gp.plan(df, "id").suggest()],
)
def test_what_a_person_must_decide_is_a_warning(suggest):
    with pytest.warns(UserWarning, match="You must decide: date_format of 'Day'. The choices are in") as caught:
        suggest(FRAME)
    assert caught[0].filename == __file__, "it names the line of the caller"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        suggest(FRAME.drop(columns="Day"))


def test_second_push_gets_the_same_suggestions(sandbox):
    texts = {"VIP": ["Yes", "No"], "Orders": ["7", "8"], "Spend": ["₹ 1,234.50", "₹ 99"]}
    days = {"Joined": ["2025-01-31", "2025-02-01"], "Seen": ["31/01/2025", "28/02/2025"]}
    df = pd.DataFrame({"id": ["c1", "c2"], **texts, **days})
    first = df.growlytics.suggest("id", client=sandbox.client)
    assert first["types"] == {"VIP": "boolean", "Orders": "number"}
    assert gp.push(df, "id", client=sandbox.client, progress=False, **first).ok
    assert df.growlytics.suggest("id", client=sandbox.client) == first
    again = gp.plan(df, "id", client=sandbox.client, **first)
    assert not again.has_errors
    assert again.suggestions.empty


def test_plan_shows_reasons_and_open_questions():
    found = gp.plan(FRAME, "id").suggestions
    assert found.columns.tolist() == ["option", "column", "value", "reason", "cells"]
    assert found["reason"].str.len().gt(0).all()
    assert found.set_index("column").loc["Day", "value"] is None


@pytest.mark.parametrize("rows", [5, 20_000])  # ids of large frames are not counted
def test_ids_that_mean_missing_are_suggested(rows):
    ids = [f"c{row}" for row in range(rows)]
    ids[1:4] = ["N/A", "nan", "N/A"]
    df = pd.DataFrame({"id": ids, "City": "Pune"})
    suggested = gp.suggest(df, "id")
    assert suggested == {"na_values": {"id": ["N/A", "nan"]}}
    assert gp.plan(df, "id").suggestions["cells"].tolist() == [3]
    assert gp.validate(df, "id", **suggested)["rule"].tolist() == ["id_missing"] * 3


def test_reasons_are_wrapped_in_a_terminal_and_never_cut(tmp_path, monkeypatch, capsys):
    days = [*(f"{day:02d}/01/2025" for day in range(1, 29)), "31/13/2025"]
    file = tmp_path / "customers.csv"
    pd.DataFrame({"id": range(29), "A column with a long name": days}).to_csv(file, index=False)
    assert main(["suggest", str(file), "--id-col", "id"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("--date-format")]
    assert line.startswith("--date-format 'A column with a long name=%d/%m/%Y'  28 of 29 values are dates")
    assert line.endswith("--errors drop)")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    for columns in ("110", "70"):
        monkeypatch.setenv("COLUMNS", columns)
        main(["suggest", str(file), "--id-col", "id"])
        table = capsys.readouterr().out.partition("next: ")[0].partition("\n")[2]
        assert max(map(len, table.splitlines())) <= int(columns)
        assert " ".join(table.split()).endswith(" ".join(line.split()))


def test_the_command_line_writes_suggestions_as_flags(tmp_path, capsys):
    file = tmp_path / "customers.csv"
    FRAME.to_csv(file, index=False)
    report = tmp_path / "report.html"
    main(["suggest", str(file), "--id-col", "id"])
    flags = [line.partition("  ")[0] for line in capsys.readouterr().out.splitlines()[2:-1]]
    assert flags == [
        *("--na Joined=NULL", "--date-format Joined=%d/%m/%Y", "--date-format At=ISO8601", "--strip-column City"),
        "--date-format 'Day=?' (to decide)",
    ]
    main(["validate", str(file), "--id-col", "id", "--report", str(report)])
    shown = plain(report.read_text("utf-8"))
    assert "--strip-column City" in shown
    assert "na_values" not in shown


def test_suggested_options_leave_none_to_suggest():
    suggested = gp.suggest(FRAME, "id")
    assert gp.suggest(FRAME, "id", **suggested) == suggested
    again = gp.plan(FRAME, "id", **suggested).suggestions
    assert again["value"].isna().all()  # what is open stays open


def test_parts_get_the_same_suggestions():
    plan = gp.plan_batches([FRAME[:1], FRAME[1:3], FRAME[3:]], "id")
    assert plan.suggest() == gp.suggest(FRAME, "id")
    assert plan.suggestions.equals(gp.plan(FRAME, "id").suggestions)
    given_ = plan.suggest()
    assert gp.plan_batches([FRAME], "id", **given_).preview(9) == gp.preview(FRAME, "id", n=9, **given_)


@pytest.mark.dask
@pytest.mark.slow
def test_partitions_get_the_same_suggestions():
    dd = pytest.importorskip("dask.dataframe", reason="needs the extra `dask`")
    pytest.importorskip("growlytics_pandas.dask")
    ddf = dd.from_pandas(FRAME, npartitions=2, sort=False)
    assert ddf.growlytics.suggest("id") == gp.suggest(FRAME, "id")


def test_given_options_are_kept():
    found = gp.suggest(FRAME, "id", date_format={"Day": "%d/%m/%Y"}, timezone="Asia/Kolkata", exclude=["City"])
    assert found["date_format"] == {"Day": "%d/%m/%Y", "Joined": "%d/%m/%Y", "At": "ISO8601"}
    assert (found["timezone"], found["exclude"], "strip" in found) == ("Asia/Kolkata", ["City"], False)


def test_option_for_all_is_split_by_column():
    """Where one column needs another value, the option lists the columns."""
    found = gp.suggest(FRAME, "id", types={"Day": "date"}, date_format="%d/%m/%Y")
    assert found["date_format"] == {"Day": "%d/%m/%Y", "Joined": "%d/%m/%Y", "At": "ISO8601"}
    assert gp.schema(FRAME, "id", **found).set_index("column")["type"].to_dict() == {
        "Joined": "date",
        "At": "date",
        "City": "string",
        "Day": "date",
    }


@pytest.fixture
def file(tmp_path):
    FRAME.to_csv(tmp_path / "customers.csv", index=False)
    return tmp_path / "customers.csv"


def test_saved_file_can_be_pushed_with(file, tmp_path, capsys):
    kept = tmp_path / "customers.toml"
    assert main(["suggest", str(file), "--id-col", "id", "--save", str(kept), "--json", "--quiet"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert options.load(kept) == {"id_col": "id"} | gp.suggest(FRAME, "id") == {"id_col": "id"} | printed["options"]
    assert printed["files"] == {"options": str(kept)}
    assert {"option": "strip", "column": "City", "value": True}.items() <= next(
        row for row in printed["suggestions"] if row["option"] == "strip"
    ).items()
    assert main(["push", str(file), "--options", str(kept), "--dry-run", "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["new_types"] == {
        "Joined": "date",
        "At": "date",
        "City": "string",
        "Day": "string",
    }


def test_command_prints_the_flags(file, capsys):
    assert main(["suggest", str(file), "--id-col", "id"]) == 0
    shown = capsys.readouterr().out
    (line,) = [line for line in shown.splitlines() if line.startswith("next: ")]
    assert "--date-format Joined=%d/%m/%Y --date-format At=ISO8601 --na Joined=NULL --strip-column City" in line


def test_flags_match_the_file(file, tmp_path, capsys):
    kept = tmp_path / "customers.toml"
    options.save(kept, id_col="id", na_values=["--", "-"], strip=True, decimal={"Day": ","}, keep="last")
    main(["suggest", str(file), "--options", str(kept)])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("next: ")]
    assert main(["schema", *shlex.split(line.partition(" push ")[2]), "--json", "--quiet"]) == 0
    by_flags = json.loads(capsys.readouterr().out)["options"]
    main(["suggest", str(file), "--options", str(kept), "--json", "--quiet"])
    assert by_flags == json.loads(capsys.readouterr().out)["options"]


def test_the_file_to_save_must_be_toml(file, tmp_path, capsys):
    assert main(["suggest", str(file), "--id-col", "id", "--save", str(tmp_path / "a.json")]) == 2
    assert "the name must end in .toml" in capsys.readouterr().err
