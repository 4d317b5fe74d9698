"""Each test here runs over both transports, against servers of its own on loopback."""

import contextlib
import os
import ssl

import pytest
import trustme
from support.transports import TRANSPORTS
from support.wire_server import KEY, Server, accept

from growlytics_pandas import Client

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@pytest.fixture(params=TRANSPORTS)
def transport(request):
    return request.param


@pytest.fixture(autouse=True)
def _no_settings_of_the_network(monkeypatch):
    for variable in [name for name in os.environ if name.lower().endswith("_proxy") or name in BUNDLES]:
        monkeypatch.delenv(variable)


@pytest.fixture
def serve():
    """Start servers that answer as a test wants; closed after it."""
    with contextlib.ExitStack() as stack:

        def start(answer=accept, **options):
            server = Server(answer, **options)
            stack.callback(server.close)
            return server

        yield start


@pytest.fixture
def client(transport):
    """Make a client of a server, over this test's transport."""

    def make(server, **options):
        settings = {"base_url": server.url, "transport": transport, "ledger": None, "timeout": 5.0}
        return Client(KEY, **settings | options)

    return make


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
    """A certificate for this machine, and for a service behind a proxy."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "service.invalid").configure_cert(context)
    return context
