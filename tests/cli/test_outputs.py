"""No output of a command overwrites an input, the ledger or another output."""

import json
import subprocess
import sys

import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas.__main__ import main
from growlytics_pandas._output_paths import replacing

ROWS = "id,Score\nc1,1\nc2,2\n"


@pytest.fixture
def files(tmp_path, monkeypatch, sandbox):
    """Every file that a push can read, each with a name that an output may have."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROWLYTICS_BASE_URL", sandbox.base_url)
    monkeypatch.delenv("GROWLYTICS_LEDGER", raising=False)
    made = {"file": ROWS, "key_file": sandbox.api_key, "options": 'id_col = "id"\n', "ca_bundle": "no certificate"}
    paths = {name: tmp_path / f"{name}.csv" for name in (*made, "ledger")}
    for name, text in made.items():
        paths[name].write_text(text)
    gp.Client(sandbox.api_key, sandbox.base_url, ledger=paths["ledger"]).declare_types({"Score": "number"})
    return paths


def push(files, *more):
    call = ["push", str(files["file"]), "--key-file", str(files["key_file"]), "--options", str(files["options"])]
    return main([*call, "--ledger", str(files["ledger"]), "--ca-bundle", str(files["ca_bundle"]), *map(str, more)])


@pytest.mark.parametrize("how", ["as it is", "relative", "symbolic link", "hard link"])
@pytest.mark.parametrize("option", ["--violations", "--outcomes"])
@pytest.mark.parametrize("name", ["file", "key_file", "options", "ca_bundle", "ledger"])
def test_output_over_an_input_is_refused(files, sandbox, capsys, name, option, how):
    target = named = files[name]
    if how == "relative":
        named = f"../{target.parent.name}/./{target.name}"
    elif how != "as it is":
        named = target.with_name("out.csv")
        named.symlink_to(target) if how == "symbolic link" else named.hardlink_to(target)
    before = target.read_bytes()
    assert push(files, option, named) == 2
    assert f"{option}: " in capsys.readouterr().err
    assert target.read_bytes() == before
    assert sandbox.stored() == {}


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_output_over_sqlite_files_is_refused(files, sandbox, suffix):
    named = files["ledger"].with_name("out.csv")
    named.symlink_to(f"{files['ledger']}{suffix}")
    assert push(files, "--outcomes", named) == 2
    assert sandbox.stored() == {}


def test_output_over_the_env_ledger_is_refused(files, sandbox, monkeypatch):
    monkeypatch.setenv("GROWLYTICS_LEDGER", str(files["ledger"]))
    before = files["ledger"].read_bytes()
    call = ["push", str(files["file"]), "--key-file", str(files["key_file"]), "--id-col", "id"]
    assert main([*call, "--outcomes", str(files["ledger"])]) == 2
    assert files["ledger"].read_bytes() == before


@pytest.mark.parametrize("how", ["same", "symbolic link", "hard link"])
def test_two_outputs_are_two_files(files, sandbox, how):
    one, other = files["file"].with_name("one.csv"), files["file"].with_name("other.csv")
    if how == "same":
        other = one
    else:
        one.write_text("old")
        other.symlink_to(one) if how == "symbolic link" else other.hardlink_to(one)
    assert push(files, "--violations", one, "--outcomes", other) == 2
    assert sandbox.stored() == {}


def test_a_file_read_from_stdin_is_no_output(files, tmp_path):
    call = [sys.executable, "-m", "growlytics_pandas", "validate", "-", "--format", "csv", "--id-col", "id"]
    with files["file"].open() as rows:
        done = subprocess.run([*call, "--violations", files["file"]], stdin=rows, capture_output=True, check=False)
    assert (done.returncode, files["file"].read_text()) == (2, ROWS)


def test_suggestions_are_not_saved_over_the_file(tmp_path):
    rows = tmp_path / "rows.toml"
    rows.write_text(ROWS)
    assert main(["suggest", str(rows), "--format", "csv", "--id-col", "id", "--save", str(rows)]) == 2
    assert rows.read_text() == ROWS


def test_output_is_replaced_whole_with_its_mode(tmp_path):
    old, link = tmp_path / "out.csv", tmp_path / "link.csv"
    old.write_text("old")
    old.chmod(0o640)
    link.symlink_to(old)
    with pytest.raises(KeyError), replacing(link) as beside:  # noqa: PT012
        beside.write_text("half")
        raise KeyError
    assert old.read_text() == "old"
    with replacing(link) as beside:
        beside.write_text("new")
        assert old.read_text() == "old"
    assert (old.read_text(), old.stat().st_mode & 0o777, link.is_symlink()) == ("new", 0o640, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.csv", "out.csv"]


def test_failed_report_keeps_the_old_one(tmp_path, sandbox):
    """In Python, as on the command line."""
    result = gp.push(pd.DataFrame({"id": ["a"], "Score": [1]}), "id", client=sandbox.client, progress=False)
    for write in (result.to_csv, result.to_html, result.plan.to_html):
        target = tmp_path / "out"
        hard = tmp_path / "hard"
        target.write_text("old")
        hard.hardlink_to(target)
        write(target)
        assert target.read_text(encoding="utf-8") != "old"
        assert hard.read_text() == "old", "what else is linked to the old file keeps it"
        hard.unlink()
    assert json.dumps(sorted(path.name for path in tmp_path.iterdir())) == '["out"]'


def test_a_device_is_written_to_as_it_is(null_device):
    before = null_device.lstat().st_mode
    with replacing(null_device) as target:
        target.write_text("gone")
    assert null_device.lstat().st_mode == before
