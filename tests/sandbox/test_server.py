"""The sandbox starts, stops and stays on this machine."""

import contextlib
import gc
import socket
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pandas as pd
import pytest
import requests
from support.sandbox_http import PUBLISHED, TIMEOUT_SECONDS

import growlytics_pandas
from growlytics_pandas.errors import (
    ApiKeyError,
    InvalidArgumentError,
    InvalidArgumentTypeError,
    LedgerError,
    UsageError,
)
from growlytics_pandas.sandbox import Sandbox


def test_client_is_cached_and_uses_this_sandbox(sandbox):
    sandbox.client.upsert("a", {"n": 1})

    assert sandbox.stored() == {"a": {"n": 1}}
    assert sandbox.client is sandbox.client
    assert sandbox.api_key not in repr(sandbox.client)


def test_nothing_starts_in_the_constructor():
    before = threading.active_count()
    sandbox = Sandbox()

    assert threading.active_count() == before
    with pytest.raises(UsageError, match=r"is not running.*start\(\)"):
        _ = sandbox.base_url
    with pytest.raises(UsageError, match="db="):
        sandbox.customers()
    sandbox.stop()


def test_stop_frees_port_thread_and_files(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = threading.active_count()
    with warnings.catch_warnings(), Sandbox() as sandbox, requests.Session() as session:
        warnings.simplefilter("error")
        session.trust_env = False
        session.get(sandbox.base_url, timeout=TIMEOUT_SECONDS)  # leaves a connection open
        port = int(sandbox.base_url.rsplit(":", 1)[1])
        assert list(tmp_path.iterdir())
        sandbox.stop()
        sandbox.stop()

    assert threading.active_count() == before
    assert list(tmp_path.iterdir()) == []
    with contextlib.closing(socket.socket()) as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    with Sandbox(port=port) as again:
        assert again.base_url.endswith(f":{port}")


def test_client_after_stop_explains_itself():
    frame = pd.DataFrame({"id": ["a"], "n": [1]})
    with Sandbox() as sandbox:
        client = sandbox.client
        growlytics_pandas.push(frame, "id", client=client, progress=False)
    with pytest.raises(LedgerError, match=r"sandbox has stopped.*new .client"):
        growlytics_pandas.push(frame, "id", client=client, progress=False)
    with sandbox:
        assert growlytics_pandas.push(frame, "id", client=sandbox.client, progress=False).ok


def test_start_can_be_called_again():
    sandbox = Sandbox().start()
    try:
        url = sandbox.base_url
        assert sandbox.start().base_url == url
    finally:
        sandbox.stop()
    with sandbox:
        assert sandbox.stored() == {}


def test_memory_database_is_a_temporary_file(session):
    with Sandbox(db=":memory:") as sandbox:
        sandbox.client.upsert("a", {"n": 1})
        assert sandbox.stored() == {"a": {"n": 1}}


def test_several_sandboxes_share_nothing(post, sandbox):
    with Sandbox(api_key="other") as other:
        post(PUBLISHED)
        assert other.stored() == {}
        assert other.base_url != sandbox.base_url


def test_port_in_use_is_named_with_the_fix(sandbox):
    port = int(sandbox.base_url.rsplit(":", 1)[1])
    with pytest.raises(InvalidArgumentError, match=rf"127\.0\.0\.1:{port}.*port=0"):
        Sandbox(port=port).start()


def test_only_this_machine_can_reach_it(sandbox):
    port = int(sandbox.base_url.rsplit(":", 1)[1])
    with contextlib.closing(socket.socket()) as probe:
        assert probe.connect_ex(("127.0.0.2", port)) != 0


@pytest.mark.parametrize("key", ["", " spaced ", "two\nlines", "ключ"])
def test_invalid_header_key_is_not_shown(key):
    with pytest.raises(ApiKeyError) as caught:
        Sandbox(api_key=key)
    assert not key.strip() or key not in str(caught.value)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(InvalidArgumentError, match="65535"):
        Sandbox(port=port)


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ({"port": "8123"}, "port: found a str; it must be a whole number"),
        ({"port": 1.5}, "port: found a float"),
        (
            {"faults": {"status": {503: 0.1}}},
            "faults: found a dict; it must be a Faults, such as growlytics_pandas.san",
        ),
        ({"db": 5}, "db: found a int; it must be a path"),
        ({"api_key": None}, "api_key: found a NoneType; it must be text"),
    ],
    ids=repr,
)
def test_constructor_rejects_wrong_types(argument, words):
    with pytest.raises(InvalidArgumentTypeError) as caught:
        Sandbox(**argument)
    assert str(caught.value).startswith(words)


def test_the_key_is_not_in_the_repr():
    with Sandbox(api_key="very-secret") as sandbox:
        assert sandbox.base_url in repr(sandbox)
        assert "very-secret" not in repr(sandbox)


def test_missing_extra_is_named_at_start():
    # A process of its own, in which httptools cannot be imported.
    program = """
import sys
sys.modules["httptools"] = None
from growlytics_pandas.sandbox import Sandbox
from growlytics_pandas.errors import MissingDependencyError
try:
    Sandbox().start()
except MissingDependencyError as problem:
    print(problem)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)

    assert 'pip install "PATH[sandbox]"' in done.stdout
    assert done.stderr == ""


def test_notebook_shows_page_and_contents():
    box = Sandbox()
    assert "stopped" in box._repr_html_()
    with box:
        box.client.upsert("asha@example.com", {"City": "Pune", "Orders": 3})
        shown = box._repr_html_()
        assert f'<a href="{box.base_url}"' in shown
        for text in (str(box.ledger_path), "1 customer,", "2 attribute types", "0 values", "1 request<"):
            assert text in shown
        assert box.api_key not in shown


def test_sandbox_lives_as_long_as_its_client_may_need_it():
    client = Sandbox().start().client
    gc.collect()
    client.upsert("asha@example.com", {"City": "Pune"})
    assert client.ledger.path.exists()


def test_sandbox_ends_with_the_process(tmp_path):
    code = "import growlytics_pandas as gp; print(gp.Sandbox().start().ledger_path.parent)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not done.stderr
    assert not Path(done.stdout.strip()).exists()
