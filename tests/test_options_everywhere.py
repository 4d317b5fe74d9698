"""The same data with the same file of options gives the same bodies, however it is sent."""

import inspect
import json
import re
from dataclasses import fields

import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas import options
from growlytics_pandas.__main__ import main
from growlytics_pandas.cli.flags import PLAN_FLAGS, PUSH_FLAGS
from growlytics_pandas.columns.plan_options import PlanOptions
from growlytics_pandas.upload.connection import PushArguments, PushOptions

MESSY = pd.DataFrame(
    {
        "id": ["'001", " 002", "003", '="004"', "NULL", "006"],
        "Joined": ["31/01/2025", "2025-02-01", "-", "28/02/2025", "1/3/2025", None],
        "Price": ["₹ 1.234,50", "(2,5)", "NULL", "7", "12 %", None],
        "Orders": [1, -999, 3, 4, 5, 6],
        "Share": [0.5, 1.5, -999.0, 2.25, 0.125, 3.0],
        "mobile": ["099192 11112", "+91 99192 11113", "NULL", "9919211114", "12", None],
        "email": ["Asha <Asha@Example.com>", "mailto:ravi@example.com", None, "x@example.com", None, "-"],
        "City": [" Pune ", "'Goa", "\u200bDelhi", "“Agra”", "x", "NULL"],
        "Note": ["a", "b", "c", "d", "e", "f"],
        "VIP": ["yes", "NO", "y", "NULL", "1", None],
    }
)
OPTIONS = {
    "id_col": "id",
    "exclude": ["Note"],
    "rename": {"City": "Town"},
    "types": {"VIP": "boolean"},
    "date_format": {"Joined": ["%d/%m/%Y", "ISO8601"]},
    "decimal": {"Price": ","},
    "na_values": ["NULL", "-", -999],
    "strip": True,
    "normalize": {"mobile": "E.164", "email": "email"},
    "timezone": "Asia/Kolkata",
    "errors": "drop",
}


@pytest.fixture
def kept(tmp_path):
    path = tmp_path / "customers.toml"
    options.save(path, **OPTIONS)
    return path


@pytest.fixture
def expected(kept):
    given = options.load(kept)
    del given["errors"]
    bodies = gp.preview(MESSY, n=99, **given)
    assert len(bodies) == 5
    return {body["id"]: body for body in bodies}


def write(frame, path):
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_json(path, orient="records", lines=True, force_ascii=False)
    return path


def pushed_from_python(box, kept):
    assert gp.push(MESSY, client=box.client, progress=False, **options.load(kept)).ok is False
    return box.stored()


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_command_line_sends_what_python_does(kept, suffix, tmp_path, monkeypatch, capsys):
    with gp.Sandbox() as box:
        here = pushed_from_python(box, kept)
    path = write(MESSY, tmp_path / f"customers{suffix}")
    with gp.Sandbox() as box:
        monkeypatch.setenv("GROWLYTICS_API_KEY", box.api_key)
        monkeypatch.setenv("GROWLYTICS_BASE_URL", box.base_url)
        assert main(["push", str(path), "--options", str(kept), "--json", "--quiet"]) == 1  # a row has no id
        printed = json.loads(capsys.readouterr().out)
        assert printed["counts"]["accepted"] == 5
        assert printed["options"]["decimal"] == {"Price": ","}
        assert box.stored() == here


def test_batches_send_what_python_does(kept):
    with gp.Sandbox() as box:
        here = pushed_from_python(box, kept)
    with gp.Sandbox() as box:
        frames = [MESSY[:2], MESSY[2:5], MESSY[5:]]
        gp.push_batches(frames, client=box.client, progress=False, **options.load(kept))
        assert box.stored() == here


@pytest.mark.dask
@pytest.mark.slow
def test_dask_sends_what_python_does(kept):
    dd = pytest.importorskip("dask.dataframe", reason="needs the extra `dask`")
    pytest.importorskip("growlytics_pandas.dask")
    with gp.Sandbox() as box:
        here = pushed_from_python(box, kept)
    with gp.Sandbox() as box:
        ddf = dd.from_pandas(MESSY, npartitions=3, sort=False)
        ddf.growlytics.push(client=box.client, progress=False, **options.load(kept))
        assert box.stored() == here


def test_dry_run_and_plan_match_the_push(kept, expected):
    given = options.load(kept)
    result = gp.push(MESSY, dry_run=True, progress=False, **given)
    assert {body["id"]: body for body in result.plan.preview(99)} == expected


def test_type_checkers_see_the_options_of_a_push():
    annotations = {name: hint.__forward_arg__ for name, hint in PushArguments.__annotations__.items()}
    assert annotations == {field.name: field.type for field in fields(PushOptions)}


@pytest.mark.parametrize("name", ["plan", "schema", "push", "plan_batches", "push_batches", "push_segment"])
def test_docstrings_name_every_option(name):
    function = getattr(gp, name)
    documented = set(re.findall(r"\w+", inspect.getdoc(function)))
    assert set(inspect.signature(function).parameters) <= documented


# the flags of the command line ----------------------------------------------------------------------------------------


def preview(path, *flags, capsys):
    assert main(["schema", str(path), *flags, "--json", "--quiet"]) == 0
    printed = json.loads(capsys.readouterr().out)
    return {row["column"]: row["type"] for row in printed["columns"]}, printed["options"]


def test_flags_override_the_file_by_column(kept, tmp_path, capsys):
    path = write(MESSY, tmp_path / "a.csv")
    flags = ("--type", "Price=string", "--decimal", "Share=.", "--rename", "VIP=Is VIP", "--region", "gb")
    types, given = preview(path, "--options", str(kept), *flags, capsys=capsys)
    assert types["Price"] == "string"
    assert given["rename"] == {"City": "Town", "VIP": "Is VIP"}
    assert given["decimal"] == {"Share": "."}
    assert given["date_format"] == OPTIONS["date_format"]
    assert given["region"] == "GB"


def test_flags_match_the_dataclass():
    assert PLAN_FLAGS.keys() - {"strip_columns"} == {field.name for field in fields(PlanOptions)}
    assert PUSH_FLAGS.keys() == {*options.PUSH_KEYS}


def test_each_option_has_a_flag(tmp_path, capsys):
    path = write(MESSY, tmp_path / "a.csv")
    flags = [
        *("--id-col", "id", "--exclude", "Note", "--rename", "City=Town", "--type", "VIP=boolean", "--strip"),
        *("--date-format", "Joined=%d/%m/%Y", "--date-format", "Joined=ISO8601", "--decimal", "Price=,"),
        *("--na", "NULL", "--na=-", "--na=-999", "--normalize", "mobile=E.164", "--normalize", "email=email"),
        *("--timezone", "Asia/Kolkata"),
    ]
    _, given = preview(path, *flags, capsys=capsys)
    wanted = {key: value for key, value in OPTIONS.items() if key not in ("id_col", "errors")}
    assert given == wanted | {"na_values": ["NULL", "-", "-999"]}


def test_values_by_column_and_for_all(tmp_path, capsys):
    path = write(MESSY, tmp_path / "a.csv")
    flags = ("--id-col", "id", "--na", "City=NULL", "--na", "City=-", "--strip-column", "City", "--decimal", ",")
    _, given = preview(path, *flags, "--type", "Price=number", capsys=capsys)
    assert given["na_values"] == {"City": ["NULL", "-"]}
    assert given["strip"] == ["City"]
    assert given["decimal"] == ","


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--date-format", "%d/%m/%Y"), "--date-format: without a column it applies to columns"),
        (("--date-format", "Joind=ISO8601"), "--date-format: there is no column 'Joind'. Did you mean 'Joined'"),
        (("--normalize", "City=upper"), "--normalize 'City': found 'upper'; allowed are"),
        (("--decimal", "Price=;"), "--decimal 'Price': found ';'; allowed are"),
        (("--strip-column", "city"), "--strip: there is no column 'city'. Did you mean 'City'"),
        (("--options", "none.toml"), "none.toml: it cannot be read"),
    ],
)
def test_wrong_flags_are_usage_errors(flags, message, tmp_path, capsys):
    path = write(MESSY, tmp_path / "a.csv")
    assert main(["schema", str(path), "--id-col", "id", *flags, "--quiet"]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("flags", [("--na", "x", "--na", "City=x"), ("--decimal", "City=,", "--decimal", ".")])
def test_values_for_all_columns_and_for_one_are_refused(flags, tmp_path, capsys):
    path = write(MESSY, tmp_path / "a.csv")
    assert main(["schema", str(path), "--id-col", "id", *flags]) == 2
    message = f"error: {flags[0]}: give it for all columns, or as COLUMN=… for each column, not both.\n"
    assert capsys.readouterr().err == message


def test_unknown_column_names_file_and_key(tmp_path, capsys):
    path, kept = write(MESSY, tmp_path / "a.csv"), tmp_path / "a.toml"
    options.save(kept, id_col="id", normalize={"Email": "email"})
    assert main(["push", str(path), "--options", str(kept), "--dry-run"]) == 2
    assert "a.toml: normalize: there is no column 'Email'. Did you mean 'email'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('id_col = "idd"', "a.toml: id_col: there is no column 'idd'. Did you mean 'id'"),
        ('id_col = "id"\nexclude = ["Citi"]', "a.toml: exclude: there is no column 'Citi'. Did you mean 'City'"),
        ('id_col = "id"\nexclude = ["City"]\ncolumns = ["City"]', "a.toml: exclude: column 'City' is also in columns"),
        ('id_col = "id"\ndecimal = ","', "a.toml: decimal: without a column it applies to columns that types declares"),
    ],
)
def test_column_conflict_names_file_and_key(text, message, tmp_path, capsys):
    path, kept = write(MESSY, tmp_path / "a.csv"), tmp_path / "a.toml"
    kept.write_text(text)
    assert main(["push", str(path), "--options", str(kept), "--dry-run"]) == 2
    assert message in capsys.readouterr().err


def test_flags_resolve_a_conflict_of_the_file(tmp_path, capsys):
    path, kept = write(MESSY, tmp_path / "a.csv"), tmp_path / "a.toml"
    kept.write_text('id_col = "id"\ndecimal = ","')
    _, given = preview(path, "--options", str(kept), "--type", "Price=number", capsys=capsys)
    assert given == {"decimal": ",", "types": {"Price": "number"}}


def test_the_id_column_must_be_given(tmp_path, capsys):
    path = write(MESSY, tmp_path / "a.csv")
    assert main(["push", str(path), "--dry-run"]) == 2
    assert "--id-col: required" in capsys.readouterr().err


def test_push_reads_its_options_file(tmp_path, capsys):
    path, kept = write(MESSY, tmp_path / "a.csv"), tmp_path / "a.toml"
    options.save(kept, **OPTIONS, dry_run=True)
    assert main(["push", str(path), "--options", str(kept), "--json", "--quiet"]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert (printed["ended"], printed["would_refuse"]) == ("dry run", False)
    assert main(["push", str(path), "--options", str(kept), "--errors", "raise", "--json", "--quiet"]) == 1
    assert json.loads(capsys.readouterr().out)["would_refuse"] is True


def test_na_values_keep_a_csv_column_numeric(tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_text("id,X\na,1\nb,NULL\n")
    assert preview(path, "--id-col", "id", "--na", "NULL", capsys=capsys)[0] == {"X": "number"}
    assert preview(path, "--id-col", "id", "--na", "X= NULL ", capsys=capsys)[0] == {"X": "number"}
    assert preview(path, "--id-col", "id", capsys=capsys)[0] == {"X": "string"}
