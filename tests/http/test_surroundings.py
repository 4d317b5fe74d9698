"""One contract for both transports, over http and https, against real servers on loopback. Proxies, sessions, keys, and which transport is taken."""

import os
import signal
import time
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from support.wire_server import HEADERS, KEY, SUCCESS, Server, accept, ask, collect, message, our_threads, reset, say

from growlytics_pandas.errors import InvalidArgumentError, MissingDependencyError
from growlytics_pandas.http.api_key import Headers
from growlytics_pandas.http.protocol import Endpoint, RequestFault
from growlytics_pandas.http.retry import describe
from growlytics_pandas.upload.connection import open_transport


def test_cookies_are_not_sent_back(serve, connect):
    server = serve(say(message(200, SUCCESS, "Set-Cookie: session=1; Path=/")))
    transport = connect(server.url, 1)
    for _ in range(3):
        ask(transport)
    assert not [head for head, _ in server.requests if b"cookie" in head.lower()]


def test_a_netrc_adds_no_foreign_credentials(serve, connect, tmp_path, monkeypatch):
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine localhost login someone password secret\ndefault login any password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve()
    ask(connect(server.url))
    assert b"authorization" not in server.requests[0][0].lower()


@pytest.mark.parametrize("scheme", ["http"], indirect=True)
def test_proxy_refusal_means_nothing_was_sent(serve, connect, monkeypatch):
    proxy = serve(say(message(502), stay=False))
    monkeypatch.setenv("https_proxy", f"http://localhost:{proxy.port}")
    reply = ask(connect("https://service.invalid/"))
    assert reply.fault in {RequestFault.CONNECT, RequestFault.BROKEN}
    assert {head.split(b" ")[0] for head, _ in proxy.requests} == {b"CONNECT"}
    assert KEY.encode() not in b"".join(head for head, _ in proxy.requests)


def test_the_key_is_in_no_repr_and_no_detail(serve, connect):
    server = serve(reset)
    transport = connect(server.url)
    reply = ask(transport)
    assert KEY not in repr(transport) + repr(vars(transport)) + repr(reply)
    assert reply.detail
    assert "\n" not in describe(reply)


def test_invalid_header_key_is_not_repeated(name, serve):
    server = serve()
    bad = Endpoint(server.url, Headers({**HEADERS, "x-growlytics-key": f"{KEY}\nX-Evil: 1"}), verify=False)
    if name == "curl":
        return  # libcurl has no such check; the key's form is checked before a transport is opened
    transport = open_transport(name, bad, 1)
    reply = ask(transport)
    transport.close()
    assert (reply.fault, reply.was_sent) == (RequestFault.OTHER, False)
    assert KEY not in repr(reply)
    assert server.requests == []


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")
@pytest.mark.parametrize("scheme", ["http"], indirect=True)
def test_a_signal_does_not_break_a_poll(serve, connect):
    signals = []
    server = serve(lambda sock, request: time.sleep(0.3) or accept(sock, request))
    transport = connect(server.url)
    previous = signal.signal(signal.SIGALRM, lambda *_: signals.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        assert ask(transport).status == 200
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert signals


@pytest.mark.parametrize("scheme", ["http"], indirect=True)
def test_given_session_is_used_and_returned(serve):
    server = serve()
    with requests.Session() as session:
        session.auth = ("someone", "secret")
        session.headers["X-Tenant"] = "7"
        before = dict(session.adapters)
        transport = open_transport("auto", Endpoint(server.url, Headers(HEADERS), session=session), 16)
        assert type(transport).__name__ == "RequestsTransport"
        for token in range(200):
            transport.submit(token, b"{}")
            if token % 16 == 15:
                collect(transport, 16)
        collect(transport, 200 % 16)
        transport.close()
        assert dict(session.adapters) == before
        assert session.post(server.url, data=b"{}", timeout=5).status_code == 200
    assert our_threads() == []
    assert len(server.requests) == 201
    assert server.n_connections <= 16 + 1
    assert all(b"X-Tenant: 7" in head and b"Authorization: Basic" in head for head, _ in server.requests)


@pytest.mark.parametrize("scheme", ["http"], indirect=True)
def test_own_adapter_of_a_session_is_kept(serve):
    class Counting(HTTPAdapter):
        calls = 0

        def send(self, *args, **kwargs):
            self.calls += 1
            return super().send(*args, **kwargs)

    server = serve(reset)
    with requests.Session() as session:
        adapter = Counting()
        session.mount("http://", adapter)
        transport = open_transport("requests", Endpoint(server.url, Headers(HEADERS), session=session), 2)
        reply = ask(transport)
        transport.close()
    assert adapter.calls == 1
    assert (reply.fault, reply.was_sent) == (RequestFault.BROKEN, True)


def test_curl_cannot_use_a_session():
    with requests.Session() as session, pytest.raises(InvalidArgumentError, match="session"):
        open_transport("curl", Endpoint("http://localhost/", Headers(HEADERS), session=session), 1)


def test_missing_pycurl_names_extra_or_falls_back(monkeypatch):
    """Without pycurl its error names the extra, and "auto" takes requests."""
    for module in ("pycurl", "growlytics_pandas.http.curl"):
        monkeypatch.setitem(__import__("sys").modules, module, None)
    endpoint = Endpoint("http://localhost/", Headers(HEADERS))
    with pytest.raises(MissingDependencyError, match=r"install it: pip install .*\[fast\]"):
        open_transport("curl", endpoint, 1)
    transport = open_transport("auto", endpoint, 1)
    transport.close()
    assert type(transport).__name__ == "RequestsTransport"


def test_auto_is_curl_if_pycurl_is_installed():
    transport = open_transport("auto", Endpoint("http://localhost/", Headers(HEADERS)), 1)
    transport.close()
    assert type(transport).__name__ == "CurlTransport"


def test_missing_ca_bundle_is_named(name, tmp_path):
    missing = tmp_path / "nowhere.pem"
    endpoint = Endpoint("https://localhost/", Headers(HEADERS), verify=Path(missing))
    with pytest.raises(InvalidArgumentError, match=r"nowhere\.pem"):
        open_transport(name, endpoint, 1)


def test_ca_bundle_from_the_environment(tls, bundle, name, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", os.fspath(bundle))
    server = Server(accept, tls=tls)
    transport = open_transport(name, Endpoint(server.url, Headers(HEADERS)), 1)
    assert ask(transport).status == 200
    transport.close()
    server.close()
