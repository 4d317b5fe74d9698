import json
from types import SimpleNamespace

import pytest

from growlytics_pandas.__main__ import main


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Call the command line in this process, in a temporary folder; return status, stdout, stderr and --json."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as end:  # argparse
            status = end.code
        out, err = capsys.readouterr()
        data = json.loads(out) if "--json" in arguments and out else None
        return SimpleNamespace(status=status, out=out, err=err, data=data)

    return call


@pytest.fixture
def at(sandbox, monkeypatch):
    """Point the environment at a sandbox: the default one or another."""

    def point(box=sandbox):
        monkeypatch.setenv("GROWLYTICS_API_KEY", box.api_key)
        monkeypatch.setenv("GROWLYTICS_BASE_URL", box.base_url)
        return box

    point()
    return point


@pytest.fixture
def write(tmp_path):
    """Write a file in the folder of the command."""

    def put(name, content):
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(data)
        return name

    return put
