"""`Client(types="types.json")`: the file is read at the start and updated from the ledger after each push."""

import json

import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas import Client
from growlytics_pandas.__main__ import main
from growlytics_pandas.errors import AuthenticationError, InvalidArgumentError, InvalidArgumentTypeError


@pytest.fixture
def file(tmp_path):
    return tmp_path / "types.json"


@pytest.fixture
def connect(sandbox, tmp_path, file):
    def make(name="ledger", **options):
        ledger = tmp_path / f"{name}.sqlite3"
        return Client(sandbox.api_key, sandbox.base_url, **{"ledger": ledger, "types": file} | options)

    return make


def push(client, **columns):
    return gp.push(pd.DataFrame({"id": ["a"], **columns}), "id", client=client, progress=False)


def test_first_push_writes_a_sorted_file(connect, file):
    client = connect()
    assert not file.exists()
    push(client, Orders=[3], City=["Pune"])
    assert file.read_text() == '{\n  "City": "string",\n  "Orders": "number"\n}\n'
    assert [each.name for each in file.parent.iterdir() if each.name.endswith(".tmp")] == []


def test_another_machine_reads_the_types(connect, file):
    push(connect(), Orders=[3])
    plan = gp.plan(pd.DataFrame({"id": ["a"], "Orders": ["x"]}), "id", client=connect("other"))
    assert "type_conflict" in plan.violations["rule"].tolist()


def test_partial_and_single_pushes_update_it(connect, file):
    client = connect()
    gp.push_batches([pd.DataFrame({"id": ["a"], "City": "Pune"})], "id", client=client, progress=False)
    client.upsert("b", {"VIP": True})
    assert json.loads(file.read_text()) == {"City": "string", "VIP": "boolean"}


def test_file_is_unchanged_without_news(connect, file):
    push(connect(), Orders=[3])
    file.write_text(json.dumps({"Orders": "number"}))  # written otherwise
    push(connect(), Orders=[4])
    assert file.read_text() == '{"Orders": "number"}'


def test_what_others_added_meanwhile_stays(connect, file):
    client = connect()
    push(client, Orders=[3])
    file.write_text(json.dumps({"Orders": "number", "Theirs": "date"}))
    push(client, City=["Pune"])
    assert json.loads(file.read_text()) == {"City": "string", "Orders": "number", "Theirs": "date"}


def test_conflicting_type_stays_with_a_warning(connect, file):
    client = connect()
    push(client, Orders=[3])
    file.write_text(json.dumps({"Orders": "string"}))
    with pytest.warns(UserWarning, match="and the ledger have different types for 'Orders'"):
        push(client, City=["Pune"])
    assert json.loads(file.read_text()) == {"City": "string", "Orders": "string"}
    with pytest.raises(InvalidArgumentError, match="Orders"):
        connect()


def test_early_stop_keeps_what_is_certain(sandbox, tmp_path, file):
    client = Client("wrong-key", sandbox.base_url, ledger=tmp_path / "ledger.sqlite3", types=file)
    with pytest.raises(AuthenticationError):
        push(client, Orders=[3])
    assert not file.exists()


def test_declared_and_forgotten_types_are_written(connect, file):
    client = connect()
    client.declare_types({"Orders": "number", "City": "string"})
    client.forget_types(["City"])
    assert json.loads(file.read_text()) == {"Orders": "number"}
    client.forget_everything()
    assert json.loads(file.read_text()) == {}


def test_unwritable_file_is_only_a_warning(connect, file):
    client = connect()
    file.mkdir()
    with pytest.warns(UserWarning, match="could not be updated"):
        assert push(client, Orders=[3]).ok


@pytest.mark.parametrize("text", ["{", "[]", '{"a": "text"}'])
def test_invalid_file_is_refused_at_the_start(connect, file, text):
    file.write_text(text)
    with pytest.raises(InvalidArgumentError):
        connect()


def test_a_wrong_call_is_refused(connect, tmp_path):
    with pytest.raises(InvalidArgumentTypeError, match="types"):
        connect(types={"City": "string"})
    with pytest.raises(InvalidArgumentError, match="ledger"):
        connect(ledger=None)
    with pytest.raises(InvalidArgumentError, match="no folder"):
        connect(types=tmp_path / "none" / "types.json")


def test_command_line_uses_the_types_file(sandbox, file, monkeypatch, tmp_path):
    monkeypatch.setenv("GROWLYTICS_API_KEY", sandbox.api_key)
    (tmp_path / "a.csv").write_text("id,Orders\na,3\n")
    call = [
        "push",
        str(tmp_path / "a.csv"),
        "--id-col",
        "id",
        "--base-url",
        sandbox.base_url,
        "--types-file",
        str(file),
    ]
    assert main(call) == 0
    assert json.loads(file.read_text()) == {"Orders": "number"}
