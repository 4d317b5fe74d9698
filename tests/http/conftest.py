"""Each test below runs over both transports, and over http and https where the scheme matters."""

import contextlib
import ssl

import pytest
import trustme
from support.transports import TRANSPORTS
from support.wire_server import HEADERS, Server, accept

from growlytics_pandas.http.api_key import Headers
from growlytics_pandas.http.protocol import Endpoint
from growlytics_pandas.upload.connection import open_transport


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def bundle(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture(scope="module")
def tls(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture(params=["http", "https"])
def scheme(request):
    return request.param


@pytest.fixture(params=TRANSPORTS)
def name(request):
    return request.param


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for variable in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)


@pytest.fixture
def serve(scheme, tls):
    with contextlib.ExitStack() as stack:

        def start(answer=accept, **kwargs):
            server = Server(answer, **{"tls": tls if scheme == "https" else None, **kwargs})
            stack.callback(server.close)
            return server

        yield start


@pytest.fixture
def connect(name, bundle):
    with contextlib.ExitStack() as stack:

        def start(url, concurrency=4, **kwargs):
            endpoint = Endpoint(url, Headers(HEADERS), **{"verify": bundle, "timeout_seconds": 5.0, **kwargs})
            transport = open_transport(name, endpoint, concurrency)
            stack.callback(transport.close)
            return transport

        yield start
