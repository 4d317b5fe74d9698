"""The types in the ledger: values that the service would silently ignore are rejected before they are sent."""

import json
from datetime import UTC, datetime

import pandas as pd
import pytest
from support.wrapped_client import WrappedClient

import growlytics_pandas as gp
from growlytics_pandas import Client
from growlytics_pandas.errors import ConstraintViolationError, DataError, InvalidArgumentError
from growlytics_pandas.http.protocol import RequestFault, Response


class Crash(BaseException):
    """The process "dies" here."""


class Cut:
    """A transport that lets requests out and loses every answer: `raising`, or by saying that nothing was sent."""

    name = "cut"

    def __init__(self, inner, *, raising):
        self.inner = inner
        self.raising = raising
        self.tokens = []

    def submit(self, token, body):
        self.tokens.append(token)
        if self.raising:
            self.inner.submit(token, body)

    def poll(self, timeout):
        if self.raising and self.inner.poll(timeout):
            raise Crash
        tokens, self.tokens = ([], self.tokens) if self.raising else (self.tokens, [])
        return [Response(token, 0, b"", 0.0, RequestFault.OTHER, was_sent=False) for token in tokens]

    def close(self):
        self.inner.close()


class CutClient(WrappedClient):
    """A client whose answers are lost."""

    raising = True

    def wrap(self, inner):
        return Cut(inner, raising=self.raising)


def frame(**columns):
    rows = max(map(len, columns.values()))
    return pd.DataFrame({"id": [f"c{i}" for i in range(rows)], **columns})


def push(df, client, **options):
    return gp.push(df, "id", client=client, progress=False, **options)


def known(client):
    return client.types().set_index("attribute")["type"].to_dict()


def sources(client):
    return client.types().set_index("attribute")["source"].to_dict()


def test_second_push_as_text_is_refused(sandbox, client):
    push(frame(Score=[1, 2]), client)
    text = frame(Score=["3", "4"])
    with pytest.raises(ConstraintViolationError) as caught:
        push(text, client)
    assert sandbox.requests == 2, "nothing was sent"
    found = caught.value.violations.query("rule == 'type_conflict'").iloc[0]
    assert found["effect"] == "attribute dropped"
    assert found["limit"] == "number"
    for word in ("'Score'", "string", "number", f"{datetime.now(UTC):%Y-%m-%d}"):
        assert word in found["message"]
    assert found["fix"] == "types={'Score': 'number'}"
    assert push(text, client, types={"Score": "number"}).ok
    assert sandbox.stored()["c1"] == {"Score": 4}
    assert sandbox.ignored().empty


def test_without_a_ledger_values_are_lost(sandbox):
    client = Client(sandbox.api_key, sandbox.base_url, ledger=None)
    push(frame(Score=[1, 2]), client)
    assert push(frame(Score=["3", "4"]), client).counts["accepted"] == 2, "the service says success"
    assert sandbox.stored() == {"c0": {"Score": 1}, "c1": {"Score": 2}}
    assert sandbox.ignored()["attribute"].tolist() == ["Score", "Score"]


def test_drop_leaves_the_conflicting_column_out(sandbox, client):
    push(frame(Score=[1]), client)
    result = push(frame(Score=["2"], City=["Pune"]), client, errors="drop")
    assert not result.ok
    assert result.new_types.to_dict("list") == {"attribute": ["City"], "type": ["string"]}
    assert sandbox.stored()["c0"] == {"Score": 1, "City": "Pune"}
    assert known(client) == {"Score": "number", "City": "string"}


def test_new_types_are_those_this_push_fixed(sandbox, client):
    first = push(frame(Score=[1], City=["Pune"]), client)
    assert dict(first.new_types.to_numpy().tolist()) == {"City": "string", "Score": "number"}
    second = push(frame(Score=[2], Vip=[True]), client)
    assert dict(second.new_types.to_numpy().tolist()) == {"Vip": "boolean"}
    assert sandbox.attribute_types().set_index("attribute")["type"].to_dict() == known(client)


def test_type_is_known_once_a_value_is_accepted(faulty, path):
    box = faulty(success_false=1.0)
    client = Client(box.api_key, box.base_url, ledger=path)
    result = push(frame(Score=[1], Gone=[None]), client)
    assert result.counts["failed"] == 1
    assert result.new_types.empty
    assert client.types().empty, "no request that carried it was accepted, and none is uncertain"


def test_type_of_refused_rows_alone_stays_open(faulty, path):
    box = faulty(seed=1, success_false=0.5)
    client = Client(box.api_key, box.base_url, ledger=path)
    df = frame(Score=list(range(30)), **{f"only {i}": [None] * i + ["x"] + [None] * (29 - i) for i in range(30)})
    outcomes = push(df, client).outcomes
    accepted = {f"only {i}" for i in outcomes.query("status == 'accepted'")["row"]}
    assert 0 < len(accepted) < 30
    assert known(client).keys() == accepted | {"Score"}
    assert set(sources(client).values()) == {"accepted"}


def test_crash_leaves_the_type_uncertain(sandbox, client, path):
    dying = CutClient(sandbox.api_key, sandbox.base_url, ledger=path)
    with pytest.raises(Crash):
        push(frame(Score=[1]), dying)
    assert sources(client) == {"Score": "uncertain"}
    schema = gp.schema(frame(Score=[1]), "id", client=client)
    assert schema["known_type"].item() == "number"
    assert "lost" in schema["note"].item()
    with pytest.raises(ConstraintViolationError, match=r"response was lost.*declare_types"):
        push(frame(Score=["a"]), client)
    assert push(frame(Score=[1]), client).ok
    assert sources(client) == {"Score": "accepted"}
    assert gp.schema(frame(Score=[1]), "id", client=client)["note"].item() == ""


def test_declare_types_settles_after_a_crash(sandbox, client, path):
    dying = CutClient(sandbox.api_key, sandbox.base_url, ledger=path)
    with pytest.raises(Crash):
        push(frame(Score=[1]), dying)
    client.declare_types({"Score": "string"})
    assert push(frame(Score=["a"]), client).counts["accepted"] == 1


def test_requests_that_never_arrived_fix_nothing(sandbox, path):
    nobody = CutClient(sandbox.api_key, sandbox.base_url, ledger=path)
    nobody.raising = False
    with pytest.raises(gp.ServiceUnavailableError, match="never reached") as caught:
        push(frame(Score=[1]), nobody)
    assert caught.value.result.counts["failed"] == 1
    assert nobody.types().empty


def test_outdated_plan_stops_before_sending(sandbox, client, path):
    plan = gp.plan(frame(Score=["1", "2"]), "id", client=client)
    push(frame(Score=[5]), Client(sandbox.api_key, sandbox.base_url, ledger=path))
    with pytest.raises(DataError, match=r"Score.*number.*make the plan again") as caught:
        plan.push(progress=False)
    assert caught.value.result.counts["unsent"] == 2
    assert sandbox.requests == 1
    assert client.history()["ended"].tolist() == ["finished", "stopped early"]


def test_plan_from_before_a_reset_restores_types(sandbox):
    df = frame(Score=[1])
    push(df, sandbox.client)
    plan = gp.plan(df, "id", client=sandbox.client)
    sandbox.reset()
    assert plan.push(progress=False).new_types["attribute"].tolist() == ["Score"]
    assert known(sandbox.client) == {"Score": "number"}


def test_name_in_another_case_is_warned_about(client):
    push(frame(City=["Pune"]), client)
    violations = gp.validate(frame(city=["Delhi"]), "id", client=client)
    assert violations["rule"].tolist() == ["attribute_name_case_clash"]
    assert "'City'" in violations["message"].item()
    assert violations["severity"].item() == "warning"


def test_new_attributes_forbid_stops_a_typo(sandbox, client):
    push(frame(City=["Pune"]), client)
    with pytest.raises(ConstraintViolationError, match="attribute_unknown"):
        push(frame(Citty=["Delhi"]), client, new_attributes="forbid")
    assert push(frame(City=["Delhi"]), client, new_attributes="forbid").ok
    assert sandbox.requests == 2


def test_declared_type_conflict_is_an_error(sandbox, client, tmp_path):
    client.declare_types({"Score": "number"})
    with pytest.raises(ConstraintViolationError, match="type_conflict"):
        push(frame(Score=["x"]), client)
    with pytest.raises(InvalidArgumentError, match="Score"):
        client.declare_types({"Score": "string", "New": "date"})
    assert known(client) == {"Score": "number"}, "nothing of it was taken"
    assert sandbox.requests == 0


def test_exported_types_load_into_another_ledger(sandbox, client, tmp_path):
    push(frame(Score=[1], City=["Pune"]), client)
    client.export_types(tmp_path / "types.json")
    assert json.loads((tmp_path / "types.json").read_text()) == {"City": "string", "Score": "number"}
    colleague = Client(sandbox.api_key, sandbox.base_url, ledger=tmp_path / "other.sqlite3")
    colleague.declare_types(tmp_path / "types.json")
    with pytest.raises(ConstraintViolationError, match="type_conflict"):
        push(frame(Score=["x"]), colleague)


def test_each_project_has_its_own_types(sandbox, client, path):
    push(frame(Score=[1]), client)
    assert Client("another-key", sandbox.base_url, ledger=path).types().empty
