"""The limit of 100 attributes per profile: attributes of earlier pushes count."""

import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas import Client
from growlytics_pandas.errors import ConstraintViolationError


def wide(first, stop, ids=("a",)):
    return pd.DataFrame({"id": list(ids)} | {f"attribute {i}": i for i in range(first, stop)})


def push(df, client, **options):
    return gp.push(df, "id", client=client, progress=False, **options)


def n_attributes(sandbox):
    return {id_: len(stored) for id_, stored in sandbox.stored().items()}


def test_limit_counts_earlier_pushes_too(sandbox, client):
    push(wide(0, 60), client)
    push(wide(50, 100), client)
    with pytest.raises(ConstraintViolationError) as caught:
        push(wide(99, 102), client)
    violations = caught.value.violations
    assert violations["rule"].unique().tolist() == ["too_many_attributes"]
    assert violations["attribute"].tolist() == ["attribute 100", "attribute 101"]
    assert sandbox.requests == 2


def test_full_profile_can_still_be_updated(sandbox, client):
    push(wide(0, 100), client)
    assert push(wide(0, 100).assign(**{"attribute 7": -7}), client).ok
    assert sandbox.stored()["a"]["attribute 7"] == -7


def test_limit_is_per_customer(sandbox, client):
    push(wide(0, 100, ["full"]), client)
    result = push(wide(98, 110, ["full", "free"]), client, errors="drop")
    assert n_attributes(sandbox) == {"full": 100, "free": 12}
    over = result.violations.query("rule == 'too_many_attributes'")
    assert over["count"].tolist() == [1] * 10
    assert sandbox.ignored().empty, "the service had nothing to ignore"


def test_reserved_and_missing_do_not_count(sandbox, client):
    push(wide(0, 100).assign(name="Asha", email="asha@example.com", **{"attribute 3": None}), client)
    assert push(wide(100, 101), client).ok
    assert n_attributes(sandbox) == {"a": 102}


def test_retry_and_skip_unchanged_share_the_limit(faulty, tmp_path):
    box = faulty(seed=4, success_false=0.4)
    client = Client(box.api_key, box.base_url, ledger=tmp_path / "ledger.sqlite3")
    ids = [f"c{i}" for i in range(12)]
    result = push(wide(0, 104, ids), client, errors="drop")
    while result.counts["failed"]:
        result = result.retry()
    assert n_attributes(box) == dict.fromkeys(ids, 100)
    assert push(wide(0, 104, ids), client, errors="drop", skip_unchanged=True).counts["unchanged"] == 12
    assert box.ignored().empty
