"""schemathesis, which makes requests from an OpenAPI document and checks the responses, finds no problem."""

import importlib.util
import json
import subprocess
import sys

import pytest
import requests

from growlytics_pandas import contract

pytestmark = pytest.mark.outside

SEED = 7
N_STRICT, N_LOOSE, N_PROOF = 40, 200, 1  # examples; a strict document takes ten times as long to make requests from
RUN_SECONDS = 120  # many times what a run takes


@pytest.fixture
def document(sandbox):
    return requests.get(sandbox.base_url + "/openapi.json", timeout=10).json()


@pytest.fixture
def examine(sandbox, tmp_path, quiet_environment):
    """Run all checks over a document, but for those named, and return the report."""
    if importlib.util.find_spec("schemathesis") is None:
        pytest.skip("NOT TESTED: schemathesis is not installed: pip install --group outside")

    def run(document, n, *left_out):
        source, report = tmp_path / "openapi.json", tmp_path / "report.json"
        source.write_text(json.dumps(document))
        target = [source, "--url", sandbox.base_url, "--header", f"{contract.KEY_HEADER}: {sandbox.api_key}"]
        extent = ["--seed", str(SEED), "--max-examples", str(n), "--phases", "examples,coverage,fuzzing"]
        checks = ["--checks", "all", *(["--exclude-checks", ",".join(left_out)] if left_out else [])]
        output = ["--no-shrink", "--continue-on-failure", "--report", "json", "--report-json-path", report]
        done = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "run", *target, *extent, *checks, *output],
            cwd=tmp_path,
            env=quiet_environment,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        assert report.exists(), done.stdout + done.stderr
        found = json.loads(report.read_text())
        print(found["test_cases"], f"{found['running_time']:.1f} s")
        assert (found["complete"], found["errors"]) == (True, []), done.stdout
        return found

    return run


def loosen(document):
    """The document without what the sandbox ignores in silence, as the service does: only what it refuses is left."""
    properties = document["components"]["schemas"]["Customer"]["properties"]
    properties["attributes"] = {"type": "array"}
    properties["name"] = {}
    return document


def test_sandbox_matches_its_openapi(examine, document, sandbox):
    # One check is left to the next test: a value that the document forbids is mostly ignored, and that is no refusal.
    found = examine(document, N_STRICT, "negative_data_rejection")

    assert found["failures"] == []
    assert found["test_cases"]["generated"] > N_STRICT
    assert sandbox.requests > N_STRICT


def test_only_customers_are_accepted(examine, document):
    found = examine(loosen(document), N_LOOSE)

    assert found["failures"] == []
    assert found["test_cases"]["generated"] > N_LOOSE


@pytest.mark.parametrize(
    ("schema", "key", "value", "complaint"),
    [
        ("Success", "required", ["success", "id"], "JsonSchemaError"),
        ("Refusal", "required", ["reason"], "JsonSchemaError"),
        ("Customer", "minProperties", 2, "AcceptedNegativeData"),
    ],
)
def test_a_wrong_document_is_detected(examine, document, schema, key, value, complaint):
    loosen(document)["components"]["schemas"][schema][key] = value

    assert complaint in {failure["type"] for failure in examine(document, N_PROOF)["failures"]}
