"""Requests to this machine or over plain http use no proxy; https to other hosts does, by CONNECT only."""

import contextlib
import socket
import threading

import pandas as pd
import pytest
import requests
from support.quick_delivery import deliver, open_to
from support.wire_server import KEY, ask, message

import growlytics_pandas as gp
from growlytics_pandas import Client, Sandbox

PROXY_VARIABLES = ["http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY", "HTTP_PROXY"]


class Proxy:
    """Records the requests, and opens tunnels to `target`, whatever host they are for."""

    def __init__(self, target=None):
        self.heads, self.tunnelled, self._target = [], [], target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._run, daemon=True)]
        self._threads[0].start()

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _run(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._serve, args=(sock,), daemon=True))
                self._threads[-1].start()

    def _serve(self, sock):
        with sock, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head and (data := sock.recv(65536)):
                head += data
            self.heads.append(head)
            if not head.startswith(b"CONNECT ") or self._target is None:
                sock.sendall(message(200, b'{"success":true}', "Connection: close"))
                return
            with socket.create_connection(("127.0.0.1", self._target)) as other:
                sock.sendall(b"HTTP/1.1 200 Go\r\n\r\n")
                back = threading.Thread(target=self._copy, args=(other, sock, None), daemon=True)
                back.start()
                self._copy(sock, other, self.tunnelled)
                back.join(5)

    @staticmethod
    def _copy(source, sink, kept):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if kept is not None:
                    kept.append(data)
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy():
    running = Proxy()
    yield running
    running.close()


@pytest.mark.parametrize("variable", PROXY_VARIABLES)
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "LOCALHOST"])
def test_loopback_bypasses_the_proxy(serve, client, proxy, monkeypatch, variable, host):
    monkeypatch.setenv(variable, proxy.url)
    server = serve()
    to = client(server, base_url=server.url.replace("localhost", host))
    assert gp.push(pd.DataFrame({"id": ["a"]}), "id", client=to, progress=False).ok
    assert (len(server.requests), proxy.heads) == (1, [])


def test_ipv6_loopback_bypasses_the_proxy(transport, proxy, monkeypatch):
    for variable in PROXY_VARIABLES:
        monkeypatch.setenv(variable, proxy.url)
    _, buffer = deliver(open_to("http://[::1]:9/rest-api/customer", transport), ["a"])  # nobody is there
    assert (buffer.counts()["failed"], proxy.heads) == (1, [])


@pytest.mark.parametrize("variable", PROXY_VARIABLES)
def test_https_loopback_bypasses_the_proxy(serve, transport, tls, bundle, proxy, monkeypatch, variable):
    monkeypatch.setenv(variable, proxy.url)
    server = serve(tls=tls)
    connection = open_to(server.url, transport, verify=bundle)
    assert ask(connection).status == 200
    connection.close()
    assert (len(server.requests), proxy.heads) == (1, [])


@pytest.mark.parametrize("variable", PROXY_VARIABLES)
def test_sandbox_bypasses_the_proxy(proxy, monkeypatch, variable):
    monkeypatch.setenv(variable, proxy.url)
    with Sandbox() as sandbox:
        gp.push(pd.DataFrame({"id": ["a"]}), "id", client=sandbox.client, progress=False)
        assert list(sandbox.stored()) == ["a"]
    assert proxy.heads == []


@pytest.mark.parametrize("key", ["http", "all", "all://localhost", "http://localhost"])
@pytest.mark.parametrize("is_own_adapter", [False, True])
def test_session_proxies_skip_loopback(serve, proxy, key, is_own_adapter):
    class Adapter(requests.adapters.HTTPAdapter):
        pass

    server = serve()
    with requests.Session() as session:
        session.proxies = {key: proxy.url}
        if is_own_adapter:
            session.mount("http://", Adapter())
        client = Client(KEY, server.url, ledger=None, session=session)
        assert gp.push(pd.DataFrame({"id": ["a"]}), "id", client=client, progress=False).ok
        assert session.proxies == {key: proxy.url}
    assert (len(server.requests), proxy.heads) == (1, [])


def test_plain_http_uses_no_proxy(transport, proxy, monkeypatch):
    """A client refuses such a URL; should one get so far, a proxy does not read the key."""
    for variable in PROXY_VARIABLES:
        monkeypatch.setenv(variable, proxy.url)
    delivery, buffer = deliver(open_to("http://service.invalid/rest-api/customer", transport), ["a"])
    assert (buffer.counts()["failed"], proxy.heads) == (1, [])
    assert "never reached" in str(delivery.error)


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_https_uses_the_environments_proxy(serve, transport, tls, bundle, monkeypatch, variable):
    server = serve(tls=tls)
    proxy = Proxy(server.port)
    monkeypatch.setenv(variable, proxy.url)
    connection = open_to("https://service.invalid/rest-api/customer", transport, 1, verify=bundle)
    assert {ask(connection).status for _ in range(3)} == {200}
    connection.close()
    proxy.close()
    assert len(server.requests) == 3
    assert [head.split(b" ")[:2] for head in proxy.heads] == [[b"CONNECT", b"service.invalid:443"]]
    seen = b"".join(proxy.heads + proxy.tunnelled)
    assert KEY.encode() not in seen
    assert b"x-growlytics-key" not in seen.lower()
    assert b"attributes" not in seen


@pytest.mark.parametrize(
    "answer", [message(502), message(407), b"", b"HTTP/1.1 20"], ids=["502", "407", "empty", "cut"]
)
def test_refused_tunnel_is_no_request(transport, serve, monkeypatch, answer):
    refusing = serve(lambda sock, request: sock.sendall(answer))
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{refusing.port}")
    delivery, buffer = deliver(open_to("https://service.invalid/rest-api/customer", transport), ["a"])
    assert buffer.counts()["failed"] == 1, "nothing was sent, and nothing can have arrived"
    assert delivery.error is not None
    assert {head.split(b" ")[0] for head, _ in refusing.requests} == {b"CONNECT"}
