"""A project is one URL and one key, however they are written, with one ledger and one push at a time per process."""

import os
import threading

import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas import Client
from growlytics_pandas.contract import canonical_url
from growlytics_pandas.errors import UsageError
from growlytics_pandas.ledger import Ledger
from growlytics_pandas.upload.connection import exclusive

KEY = "project-key-5a1c"
SPELLINGS = [
    "https://example.com",
    "HTTPS://EXAMPLE.com/",
    "https://example.com:443",
    "https://example.com:0443//",
    "https://example.com:",
    "https://example.com./",
    "https://example.com/rest-api/customer",
    "https://example.com/rest-api/customer/",
    "https://example.com/./a/..",
    " https://example.com ",
]


def customers(rows):
    return pd.DataFrame({"id": [f"c{i}" for i in range(rows)], "Score": range(rows)})


@pytest.mark.parametrize("url", SPELLINGS)
def test_spellings_of_a_url_are_one_project(url):
    assert Client(KEY, url, ledger=None).base_url == "https://example.com"
    assert (
        Client(KEY, url, ledger=None)._connection.fingerprint
        == Client(KEY, SPELLINGS[0], ledger=None)._connection.fingerprint
    )


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("http://LOCALHOST:80/", "http://localhost"),
        ("http://127.0.0.1:8080/a%2fb/%7Ec/", "http://127.0.0.1:8080/a%2Fb/~c"),
        ("http://[0:0::1]:80/x", "http://[::1]/x"),
        ("https://example.com:80/Path", "https://example.com:80/Path"),
        ("https://example.com/a//b/../..", "https://example.com/a"),
        ("https://example.com:99999", "https://example.com:99999"),
        ("no url/", "no url"),
    ],
)
def test_different_urls_stay_different(url, canonical):
    assert canonical_url(url) == canonical
    assert canonical_url(canonical) == canonical


def test_another_key_or_host_is_another_project():
    projects = {
        Client(k, u, ledger=None)._connection.fingerprint
        for k in (KEY, f"{KEY}2")
        for u in ("https://a.com", "https://b.com")
    }
    assert len(projects) == 4


def test_spellings_of_a_url_share_the_ledger(sandbox, tmp_path):
    """What was accepted under one spelling is unchanged under the other."""
    path = tmp_path / "ledger.db"
    spelt = sandbox.base_url.replace("http://127.0.0.1", "HTTP://127.0.0.1") + "/./"
    first = gp.push(customers(3), "id", client=Client(sandbox.api_key, sandbox.base_url, ledger=path), progress=False)
    again = Client(sandbox.api_key, spelt, ledger=path)
    second = gp.push(customers(3), "id", client=again, progress=False, skip_unchanged=True)
    assert (first.counts["accepted"], second.counts["unchanged"]) == (3, 3)
    assert len(again.history()) == 2


def test_ledger_accepts_any_url_spelling(tmp_path):
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert ledger.project("https://example.com", KEY) is ledger.project("HTTPS://Example.com:443/", KEY)


@pytest.mark.parametrize("ledgers", ["none", "one file", "two files", "one of two"])
def test_clients_of_one_project_take_turns(sandbox, tmp_path, ledgers):
    paths = {
        "none": (None, None),
        "one file": (tmp_path / "a.db", tmp_path / "a.db"),
        "two files": (tmp_path / "a.db", tmp_path / "b.db"),
        "one of two": (tmp_path / "a.db", None),
    }[ledgers]
    one, other = (Client(sandbox.api_key, sandbox.base_url, ledger=path) for path in paths)
    caught, is_in, is_over = [], threading.Event(), threading.Event()

    def hold():
        def listen(event):
            if event.kind == "update":
                is_in.set()
                is_over.wait(10)

        caught.append(gp.push(customers(40), "id", client=one, progress=listen, max_rate=40).counts["accepted"])

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert is_in.wait(10)
        with pytest.raises(UsageError, match="another push"):
            gp.push(customers(40), "id", client=other, progress=False)
    finally:
        is_over.set()
        thread.join()
    assert caught == [40]
    assert gp.push(customers(40), "id", client=other, progress=False).ok


def test_one_of_many_threads_holds_a_project():
    client = Client(KEY, "https://example.com", ledger=None)
    start, held, refused = threading.Barrier(16), [], []
    end = threading.Barrier(16)

    def try_it():
        start.wait()
        try:
            with exclusive(client._connection):
                held.append(1)
                end.wait()
        except UsageError:
            refused.append(1)
            end.wait()

    threads = [threading.Thread(target=try_it) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(held), len(refused)) == (1, 15)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_fork_does_not_wait_for_its_parent():
    client = Client(KEY, "https://example.com", ledger=None)
    with exclusive(client._connection):
        child = os.fork()
        if not child:
            try:
                with exclusive(client._connection):
                    os._exit(0)
            finally:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
