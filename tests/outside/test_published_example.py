"""The program on the vendor's page, run by node against the sandbox."""

import subprocess

import pytest
from support import published

from growlytics_pandas import contract

pytestmark = pytest.mark.outside

PACKAGES = ("request@2.88.2", "request-promise@4.2.6")
NODE_SECONDS = 30

# As it was published, mistakes included.
EXAMPLE = """\
// Prepare Request input data
const requestBody = {
    "id":"your-system-uniqe-id",
    "name": "Purchased",
    "attributes": [
        { name: 'name', type: 'string', value: `Customer Name` },
        { name: 'email', type: 'string', value: `customer_email@gmail.com` },
        { name: 'mobile', type: 'string', value: '9919211112' }

        // Custom Attributes (Allowed Types: number, date, boolean, string)
        { name: 'City', type: 'string', value: 'Mumbai' },
        { name: 'Total Orders', type: 'number', value: 1 },
        { name: 'Is First Time Purchaser', type: 'boolean', value: true },
        { name: 'Last Order Date', type: 'date', value: 'YYYY-MM-DD HH:MM:SS' },
    ]
};

// Call API
const request = require('request-promise');
request({
    method: 'POST',
    uri: 'https://dcqs-india.growlytics.in/rest-api/customer',
    headers: {
        Accept: 'application/json',
        'x-growlytics-key': '<GROWLYTICS-API-KEY>'
    },
    body: requestBody
});
"""
COMMA = ("'9919211112' }", "'9919211112' },")
JSON = ("body: requestBody", "body: requestBody, json: true")
DATE = ("YYYY-MM-DD HH:MM:SS", published.DATE)


@pytest.fixture
def run(npm, sandbox, tmp_path, quiet_environment):
    """Run the example with these fixes, sent to the sandbox with its key."""
    folder = npm("published", *PACKAGES)

    def run_with(*fixes):
        program = EXAMPLE
        for old, new in [(contract.BASE_URL, sandbox.base_url), ("<GROWLYTICS-API-KEY>", sandbox.api_key), *fixes]:
            assert program.count(old) == 1, old
            program = program.replace(old, new)
        script = tmp_path / "example.js"
        script.write_text(program)
        environment = quiet_environment | {"NODE_PATH": str(folder / "node_modules")}
        command = ["node", "--no-deprecation", script]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=NODE_SECONDS, check=False
        )

    return run_with


def test_example_creates_its_customer(run, sandbox):
    done = run(COMMA, JSON, DATE)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    customers = sandbox.customers()
    assert customers.astype("object").to_dict("records") == [published.ROW]
    types = sandbox.attribute_types().set_index("attribute")["type"]
    assert types.to_dict() == published.RESERVED_TYPES | published.CUSTOM_TYPES
    assert sandbox.event_names() == {published.ID: published.EVENT_NAME}
    assert sandbox.ignored().empty


def test_example_date_placeholder_is_ignored(run, sandbox):
    """The date in the example is a placeholder: it is ignored, and the response is still success."""
    assert run(COMMA, JSON).returncode == 0

    assert sandbox.ignored()["attribute"].tolist() == ["Last Order Date"]
    assert "Last Order Date" not in sandbox.customers()


@pytest.mark.parametrize(
    ("fixes", "complaints"),
    # `request` and node both object to a body that is no text, and either may come first.
    [((), ["SyntaxError"]), ((COMMA,), ["Argument error, options.body", "ERR_INVALID_ARG_TYPE"])],
    ids=["as published", "with its comma"],
)
def test_unfixed_example_sends_nothing(run, sandbox, fixes, complaints):
    done = run(*fixes)

    assert done.returncode != 0
    assert any(complaint in done.stderr for complaint in complaints)
    assert sandbox.requests == 0
