"""A missing certificate bundle ends a push before anything is sent, and the error names the setting."""

import os

import pandas as pd
import pytest
import requests
from support.quick_delivery import open_to
from support.wire_server import KEY, ask

import growlytics_pandas as gp
from growlytics_pandas import Client
from growlytics_pandas.errors import InvalidArgumentError


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_missing_bundle_ends_the_push(serve, client, tls, tmp_path, monkeypatch, variable):
    monkeypatch.setenv(variable, str(tmp_path / "gone.pem"))
    server = serve(tls=tls)
    with pytest.raises(InvalidArgumentError, match=rf"{variable}: there is no file .*gone\.pem"):
        gp.push(pd.DataFrame({"id": ["a"]}), "id", client=client(server), progress=False)
    with pytest.raises(InvalidArgumentError, match=variable):
        client(server).upsert("a", {"City": "Pune"})
    assert server.n_connections == 0


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_bundle_of_the_environment_is_used(serve, transport, tls, bundle, monkeypatch, variable):
    monkeypatch.setenv(variable, os.fspath(bundle))
    connection = open_to(serve(tls=tls).url, transport)
    assert ask(connection).status == 200
    connection.close()


def test_missing_bundle_without_verification(serve, client, tls, tmp_path, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "gone.pem"))
    frame = pd.DataFrame({"id": ["a"]})
    assert gp.push(frame, "id", client=client(serve()), progress=False).ok
    assert gp.push(frame, "id", client=client(serve(tls=tls), verify=False), progress=False).ok


def test_session_keeps_its_own_bundle(serve, tls, bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "gone.pem"))
    with requests.Session() as session:
        session.trust_env = False
        session.verify = os.fspath(bundle)
        client = Client(KEY, serve(tls=tls).url, ledger=None, session=session)
        assert gp.push(pd.DataFrame({"id": ["a"]}), "id", client=client, progress=False).ok
