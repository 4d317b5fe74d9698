"""The public functions share one plan, shown or pushed."""

import inspect
import re
import subprocess
import sys

import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas.errors import ApiKeyError, ConstraintViolationError, InvalidArgumentError

LAZY = (
    *("requests", "pycurl", "ipywidgets", "IPython", "tqdm", "httptools", "phonenumbers", "email_validator"),
    *("matplotlib", "dask", "urllib3", "pyarrow", "asyncio"),
)


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def test_import_is_silent_and_light():
    code = f"import pandas, sys; before = set(sys.modules); import growlytics_pandas; new = set(sys.modules) - before; assert not new & set({LAZY!r}), new & set({LAZY!r})"
    done = run(code)
    assert (done.stdout, done.stderr) == ("", "")


def test_import_opens_no_socket_and_no_file(tmp_path):
    code = "import sys; sys.addaudithook(lambda name, args: name.startswith(('socket.', 'sqlite3.')) and sys.exit(name)); import growlytics_pandas"
    assert run(code).stdout == ""


def test_views_take_the_arguments_of_plan():
    common = list(inspect.signature(gp.plan).parameters.values())
    for function in (gp.schema, gp.validate):
        assert list(inspect.signature(function).parameters.values()) == common
    for function in (gp.preview, gp.push):
        own = inspect.signature(function).parameters
        assert [own[parameter.name] for parameter in common] == common


@pytest.mark.parametrize(
    "function", [gp.plan, gp.schema, gp.suggest, gp.validate, gp.preview, gp.push, gp.push_batches]
)
def test_help_shows_every_parameter(function):
    section = inspect.getdoc(function).split("Parameters\n----------\n")[1].split("\n\nReturns\n")[0]
    named = [
        name for line in section.splitlines() if line[:1].strip() for name in re.split(r",\s*", line.split(" : ")[0])
    ]
    own = list(inspect.signature(function).parameters)
    assert sorted(named) == sorted(own)
    assert section.splitlines()[1].startswith("    ")
    assert not re.search(r"Takes the arguments", inspect.getdoc(function))


def test_return_types_of_views():
    returned = {name: inspect.signature(getattr(gp, name)).return_annotation for name in ("schema", "validate", "plan")}
    assert {name: str(kind).rpartition(".")[2] for name, kind in returned.items()} == {
        "schema": "DataFrame",
        "validate": "DataFrame",
        "plan": "Plan",
    }


def test_functions_match_the_plan():
    df = gp.sample_customers(150, dirty=True)
    plan = gp.plan(df, "customer_id")
    pd.testing.assert_frame_equal(gp.schema(df, "customer_id"), plan.schema)
    pd.testing.assert_frame_equal(gp.validate(df, "customer_id"), plan.violations)
    assert gp.preview(df, "customer_id", n=5) == plan.preview(5)


def test_only_a_push_needs_a_key():
    df = pd.DataFrame({"id": ["a"], "X": [1]})
    gp.validate(df, "id")
    assert gp.push(df, "id", dry_run=True).counts["unsent"] == 1
    with pytest.raises(ApiKeyError):
        gp.push(df, "id", progress=False)


def test_errors_raise_sends_nothing(sandbox):
    df = pd.DataFrame({"id": ["a", None], "X": [1.0, float("inf")]})
    with pytest.raises(ConstraintViolationError) as caught:
        gp.push(df, "id", client=sandbox.client, progress=False)
    for words in (
        "nothing was sent: 2 violations",
        "id_missing (1)",
        "value_not_finite (1)",
        "errors='drop'",
    ):
        assert words in str(caught.value)
    assert sandbox.requests == 0
    assert caught.value.plan.push(errors="drop", progress=False).counts["accepted"] == 1


@pytest.mark.parametrize(
    "options",
    [
        {"errors": "ignore"},
        {"chunk_size": 0},
        {"chunk_size": 1.5},
        {"max_concurrency": -1},
        {"max_concurrency": 10**20},
        {"max_rate": 0},
        {"max_rate": float("inf")},
        {"max_rate": float("nan")},
        pytest.param({"max_rate": 10**400}, id="{'max_rate': 10**400}"),
        {"max_failures": float("inf")},
        {"max_failures": float("nan")},
        {"max_failures": 1.5},
        {"max_failures": True},
        {"progress": "bar"},
        {"progress": True},
        {"keep": "none"},
        {"keep": 0},
        {"new_attributes": "maybe"},
    ],
    ids=repr,
)
def test_invalid_option_shows_its_value(sandbox, options):
    ((name, value),) = options.items()
    with pytest.raises(InvalidArgumentError) as caught:
        gp.push(pd.DataFrame({"id": ["a"], "X": [1]}), "id", client=sandbox.client, **options)
    assert str(caught.value).startswith(f"{name}: found {value!r}; ")
    assert sandbox.requests == 0


def test_last_result(sandbox):
    df = pd.DataFrame({"id": ["a"], "X": [1]})
    first = gp.push(df, "id", client=sandbox.client, progress=False)
    assert gp.last_result() is first
    second = gp.push(df, "id", client=sandbox.client, dry_run=True)
    assert gp.last_result() is second
