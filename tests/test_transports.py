"""One contract for both transports, over http and https, against real servers on loopback."""

import contextlib
import os
import signal
import socket
import ssl
import struct
import threading
import time
from email.utils import formatdate
from pathlib import Path

import psutil
import pytest
import requests
import trustme
from requests import exceptions
from requests.adapters import HTTPAdapter

from growlytics_pandas.errors import InvalidArgumentError, MissingDependencyError
from growlytics_pandas.retry import parse_retry_after
from growlytics_pandas.transport import open_transport
from growlytics_pandas.transport.protocol import MAX_REPLY_BYTES, Endpoint, Headers
from growlytics_pandas.transport.requests_threads import FAULTS
from growlytics_pandas.wire import WireFault

KEY = "sk-0123456789abcdef"
HEADERS = {"Accept": "application/json", "Content-Type": "application/json", "x-growlytics-key": KEY}
SUCCESS = b'{"success":true}'
THREAD_NAME = "growlytics-pandas"


def message(status, body=b"", *headers, length=None):
    lines = [f"HTTP/1.1 {status} Some Words", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Server:
    """Answers each request by `answer(sock, request)`; a false result closes the connection."""

    def __init__(self, answer, tls=None):
        self.answer, self.tls = answer, tls
        self.requests, self.n_connections, self.most_at_once = [], 0, 0
        self._at_once, self._open, self._threads, self._lock = 0, set(), [], threading.Lock()
        self.stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        self._spawn(self._accept)

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}/rest-api/customer"

    def open_connections(self):
        with self._lock:
            return len(self._open)

    def close(self):
        self.stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _spawn(self, target, *args):
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.n_connections += 1
                self._spawn(self._serve, sock)

    def _serve(self, sock):
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.suppress(OSError))
            stack.enter_context(sock)
            if self.tls:
                sock = stack.enter_context(self.tls.wrap_socket(sock, server_side=True))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open.add(sock)
            stack.callback(self._forget, sock)
            while (request := self._read(sock)) is not None:
                if not self._reply(sock, request):
                    return

    def _reply(self, sock, request):
        with self._lock:
            self.requests.append(request)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return self.answer(sock, request)
        finally:
            with self._lock:
                self._at_once -= 1

    def _forget(self, sock):
        with self._lock:
            self._open.discard(sock)

    @staticmethod
    def _read(sock):
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = sock.recv(65536)
            if not chunk:
                return None
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")), 0
        )
        while len(body) < length:
            body += sock.recv(65536)
        return head, body


def accept(sock, request):
    sock.sendall(message(200, SUCCESS))
    return True


def say(data, *, stay=True):
    def answer(sock, request):
        sock.sendall(data)
        return stay

    return answer


def reset(sock, request):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


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


@pytest.fixture(params=["requests", "curl"])
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


def ask(transport, body=b"{}", token=7):
    transport.submit(token, body)
    return collect(transport, 1)[0]


def collect(transport, count, seconds=20.0):
    replies, deadline = [], time.monotonic() + seconds
    while len(replies) < count and time.monotonic() < deadline:
        replies += transport.poll(0.5)
    assert len(replies) == count
    return replies


def our_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith(THREAD_NAME)]


def wait_until(condition, seconds=2.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_a_request_is_exactly_what_the_page_asks_for(serve, connect):
    server = serve()
    reply = ask(connect(server.url), b'{"id":"\xc3\xa9"}')
    assert (reply.token, reply.status, reply.body, reply.fault, reply.was_sent) == (7, 200, SUCCESS, None, True)
    assert 0.0 < reply.seconds < 5.0
    head, body = server.requests[0]
    lines = head.split(b"\r\n")
    headers = dict(line.split(b": ", 1) for line in lines[1:])
    assert lines[0] == b"POST /rest-api/customer HTTP/1.1"
    assert {name: headers.get(name) for name in (b"Accept", b"Content-Type", b"x-growlytics-key")} == {
        b"Accept": b"application/json", b"Content-Type": b"application/json", b"x-growlytics-key": KEY.encode(),
    }  # fmt: skip
    assert headers[b"Host"] == f"localhost:{server.port}".encode()
    assert headers[b"Content-Length"] == b"11"
    assert not {line.lower() for line in headers} & {b"expect", b"cookie", b"authorization", b"transfer-encoding"}
    assert body == b'{"id":"\xc3\xa9"}'


def test_a_large_body_goes_without_asking_for_leave(serve, connect):
    server = serve()
    body = b'"' + b"x" * 3_000_000 + b'"'
    assert ask(connect(server.url), body).status == 200
    assert b"expect" not in server.requests[0][0].lower()
    assert server.requests[0][1] == body


def test_two_thousand_bodies_arrive_once_each_with_their_own_token(serve, connect):
    def echo(sock, request):
        sock.sendall(message(200, request[1]))
        return True

    server = serve(echo)
    transport = connect(server.url, 16)
    replies, sent = [], 0
    while len(replies) < 2000:
        while sent < 2000 and sent - len(replies) < 16:
            transport.submit(sent, b"body-%d" % sent)
            sent += 1
        replies += transport.poll(1.0)
    assert sorted(body for _, body in server.requests) == sorted(b"body-%d" % n for n in range(2000))
    assert {(reply.token, reply.body) for reply in replies} == {(n, b"body-%d" % n) for n in range(2000)}
    assert server.n_connections <= 16
    assert 1 < server.most_at_once <= 16


def test_requests_wait_for_slow_answers_side_by_side(serve, connect):
    barrier = threading.Barrier(8, timeout=5)

    def together(sock, request):
        barrier.wait()
        return accept(sock, request)

    server = serve(together)
    transport = connect(server.url, 8)
    for token in range(8):
        transport.submit(token, b"{}")
    assert {reply.status for reply in collect(transport, 8)} == {200}
    assert server.most_at_once == 8


def test_poll_waits_no_longer_than_it_was_told(serve, connect):
    transport = connect(serve(lambda sock, request: time.sleep(0.3) or accept(sock, request)).url)
    transport.submit(1, b"{}")
    started = time.monotonic()
    assert transport.poll(0.1) == []
    assert time.monotonic() - started < 0.25
    assert collect(transport, 1)[0].status == 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed_so_the_key_stays(serve, connect, status):
    elsewhere = serve()
    server = serve(say(message(status, b"moved", f"Location: {elsewhere.url}?k={KEY}")))
    reply = ask(connect(server.url))
    assert (reply.status, reply.location) == (status, f"{elsewhere.url}?k=[key]")
    assert elsewhere.requests == []
    assert elsewhere.n_connections == 0


@pytest.mark.parametrize(("value", "seconds"), [("17", 17), (formatdate(time.time() + 1000, usegmt=True), 1000)])
def test_retry_after_is_passed_on_as_seconds_or_as_a_date(serve, connect, value, seconds):
    transport = connect(serve(say(message(429, b"", f"retry-AFTER:  {value} "))).url)
    for reply in (ask(transport), ask(transport)):
        assert parse_retry_after(reply.retry_after, time.time()) == pytest.approx(
            seconds, abs=60 if seconds > 60 else 0
        )
    server = serve(say(message(429)))
    assert ask(connect(server.url)).retry_after is None


def test_the_words_of_an_error_come_without_the_key(serve, connect):
    reply = ask(connect(serve(say(message(400, f'{{"message":"no such key {KEY}"}}'.encode()))).url))
    assert (reply.status, reply.body) == (400, b'{"message":"no such key [key]"}')


def test_a_server_that_cannot_be_reached_is_told_apart(connect, bundle):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    for url in (f"http://localhost:{port}/", "http://no-such-host.invalid/"):
        reply = ask(connect(url))
        assert (reply.status, reply.fault, reply.was_sent) == (0, WireFault.CONNECT, False)
        assert reply.detail


@pytest.mark.parametrize("scheme", ["https"], indirect=True)
def test_a_certificate_of_a_stranger_is_refused_before_anything_is_sent(serve, connect):
    server = serve()
    reply = ask(connect(server.url, verify=True))
    assert (reply.status, reply.fault, reply.was_sent) == (0, WireFault.TLS, False)
    assert "certificate" in reply.detail.lower()
    wrong_name = ask(connect(server.url.replace("localhost", "127.0.0.1")))
    assert (wrong_name.fault, wrong_name.was_sent) == (WireFault.TLS, False)
    assert server.requests == []
    assert ask(connect(server.url, verify=False), b"{}").status == 200


@pytest.mark.parametrize("scheme", ["http"], indirect=True)
def test_tls_to_a_plain_server_blames_the_url(serve, connect):
    server = serve(say(message(400)))
    reply = ask(connect(server.url.replace("http:", "https:"), timeout_seconds=0.3))
    assert reply.fault in {WireFault.TLS, WireFault.CONNECT}
    assert not reply.was_sent


def test_a_handshake_that_is_cut_is_tried_again(connect):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drop():
            with contextlib.suppress(OSError):
                sock, _ = listener.accept()
                sock.recv(10)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.close()

        thread = threading.Thread(target=drop)
        thread.start()
        reply = ask(connect(f"https://localhost:{listener.getsockname()[1]}/"))
        thread.join()
    assert (reply.fault, reply.was_sent) == (WireFault.CONNECT, False)


def test_a_reset_after_the_body_was_read_may_have_been_written(serve, connect):
    server = serve(reset)
    reply = ask(connect(server.url))
    assert (reply.status, reply.fault, reply.was_sent) == (0, WireFault.BROKEN, True)
    assert len(server.requests) == 1


def test_a_close_without_an_answer_is_a_broken_connection(serve, connect):
    reply = ask(connect(serve(lambda sock, request: False).url))
    assert (reply.status, reply.fault, reply.was_sent) == (0, WireFault.BROKEN, True)


@pytest.mark.parametrize("delay", [0.0, 0.1])
def test_a_kept_alive_connection_that_was_closed_costs_no_row(serve, connect, delay):
    server = serve(say(message(200, SUCCESS), stay=False))
    transport = connect(server.url, 1)
    replies = []
    for _ in range(20):
        replies.append(ask(transport))
        time.sleep(delay / 10)
    assert {reply.fault for reply in replies} <= {None, WireFault.STALE}
    assert replies[0].status == 200
    assert sum(reply.status == 200 for reply in replies) >= 10


def test_a_connection_that_dies_as_it_is_used_again_is_stale_or_renewed(serve, connect):
    seen = []

    def once_then_reset(sock, request):
        fresh = id(sock) not in seen
        seen.append(id(sock))
        return accept(sock, request) if fresh else reset(sock, request)

    server = serve(once_then_reset)
    transport = connect(server.url, 1)
    assert ask(transport).status == 200
    reply = ask(transport)
    assert reply.fault is WireFault.STALE or reply.status == 200
    assert reply.was_sent


def test_a_cut_body_is_a_lost_answer(serve, connect):
    transport = connect(serve(say(message(200, SUCCESS, length=500), stay=False)).url)
    reply = ask(transport)
    assert (reply.status, reply.body, reply.fault, reply.was_sent) == (0, b"", WireFault.BROKEN, True)


@pytest.mark.parametrize("headers", ["Content-Length: 50000000", "Transfer-Encoding: chunked"])
def test_a_huge_answer_is_cut_off(serve, connect, headers):
    piece = b"x" * 0x10000
    framed = b"10000\r\n" + piece + b"\r\n" if "chunked" in headers else piece
    sent = []

    def flood(sock, request):
        sock.sendall(f"HTTP/1.1 200 OK\r\n{headers}\r\n\r\n".encode())
        for _ in range(50_000_000 // len(piece)):
            sock.sendall(framed)
            sent.append(len(piece))
        return False

    transport = connect(serve(flood).url)
    reply = ask(transport)
    assert (reply.status, reply.fault, reply.was_sent) == (200, WireFault.TOO_LARGE, True)
    assert len(reply.body) <= MAX_REPLY_BYTES
    assert sum(sent) < 40_000_000


def test_what_is_not_http_is_a_broken_answer(serve, connect):
    reply = ask(connect(serve(say(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", stay=False)).url))
    assert (reply.status, reply.fault, reply.was_sent) == (0, WireFault.BROKEN, True)


def test_a_server_that_hangs_is_a_timeout_and_the_answer_unknown(serve, connect):
    server = serve(lambda sock, request: server.stopping.wait(10) and False)
    started = time.monotonic()
    reply = ask(connect(server.url, timeout_seconds=0.3))
    assert (reply.status, reply.fault, reply.was_sent) == (0, WireFault.TIMEOUT, True)
    assert 0.25 < time.monotonic() - started < 1.5


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"])
def test_a_trickling_server_cannot_hold_a_request_for_ever(serve, connect, head):
    def trickle(sock, request):
        sock.sendall(head or b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not server.stopping.wait(0.05):
            sock.sendall(b"x")
        return False

    server = serve(trickle)
    started = time.monotonic()
    reply = ask(connect(server.url, timeout_seconds=0.3))
    assert (reply.status, reply.fault, reply.was_sent) == (0, WireFault.TIMEOUT, True)
    assert time.monotonic() - started < 2.0


def test_a_handshake_that_hangs_ends_in_time(connect):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        reply = ask(connect(f"https://localhost:{listener.getsockname()[1]}/", timeout_seconds=0.3))
    assert (reply.status, reply.fault, reply.was_sent) == (0, WireFault.CONNECT, False)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx"])
def test_close_leaves_no_thread_and_no_connection_though_the_server_hangs(serve, connect, head):
    def hang(sock, request):
        sock.sendall(head)
        return not sock.recv(1) and False

    server = serve(hang)
    transport = connect(server.url, 8, timeout_seconds=30.0)
    for token in range(8):
        transport.submit(token, b"{}")
    assert wait_until(lambda: transport.poll(0.05) == [] and len(server.requests) == 8)
    started = time.monotonic()
    transport.close()
    assert time.monotonic() - started < 2.0
    assert our_threads() == []
    assert wait_until(lambda: server.open_connections() == 0)
    assert not [c for c in psutil.Process().net_connections("tcp") if c.raddr and c.raddr.port == server.port]


def test_close_ends_a_connect_and_a_handshake_that_hang(connect):
    # Nobody accepts: the handshakes of the first hang, and past the backlog the connects themselves do.
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
        transport = connect(f"https://127.0.0.1:{listener.getsockname()[1]}/", 8, timeout_seconds=30.0)
        for token in range(8):
            transport.submit(token, b"{}")
        transport.poll(0.2)
        started = time.monotonic()
        transport.close()
        assert time.monotonic() - started < 2.0
        assert our_threads() == []


def test_nothing_is_sent_after_close(serve, connect):
    server = serve(lambda sock, request: time.sleep(0.15) or accept(sock, request))
    transport = connect(server.url, 2)
    for token in range(6):
        transport.submit(token, b"{}")
    transport.poll(0.05)
    transport.close()
    seen = len(server.requests)
    time.sleep(0.2)
    assert len(server.requests) == seen <= 2
    transport.close()


def test_close_without_a_request_is_quiet(serve, connect):
    server = serve()
    connect(server.url).close()
    assert server.n_connections == 0


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
def test_proxies_come_from_the_environment_except_where_no_proxy_says_so(serve, connect, monkeypatch):
    server, proxy = serve(), serve()
    monkeypatch.setenv("http_proxy", f"http://localhost:{proxy.port}")
    assert ask(connect("http://service.invalid/rest-api/customer")).status == 200
    assert proxy.requests[0][0].startswith(b"POST http://service.invalid/rest-api/customer HTTP/1.1\r\n")
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
    assert ask(connect(server.url)).status == 200
    assert (len(server.requests), len(proxy.requests)) == (1, 1)


@pytest.mark.parametrize("scheme", ["http"], indirect=True)
def test_a_proxy_that_refuses_the_tunnel_never_saw_the_request(serve, connect, monkeypatch):
    proxy = serve(say(message(502), stay=False))
    monkeypatch.setenv("https_proxy", f"http://localhost:{proxy.port}")
    reply = ask(connect("https://service.invalid/"))
    assert reply.fault in {WireFault.CONNECT, WireFault.BROKEN}
    assert {head.split(b" ")[0] for head, _ in proxy.requests} == {b"CONNECT"}
    assert KEY.encode() not in b"".join(head for head, _ in proxy.requests)


def test_the_key_is_in_no_repr_and_no_detail(serve, connect):
    server = serve(reset)
    transport = connect(server.url)
    reply = ask(transport)
    assert KEY not in repr(transport) + repr(vars(transport)) + repr(reply)
    assert reply.detail
    assert "\n" not in reply.detail


def test_a_key_that_cannot_be_a_header_is_not_repeated(name, serve):
    server = serve()
    bad = Endpoint(server.url, Headers({**HEADERS, "x-growlytics-key": f"{KEY}\nX-Evil: 1"}), verify=False)
    if name == "curl":
        return  # libcurl has no such check; the key's form is checked before a transport is opened
    transport = open_transport(name, bad, 1)
    reply = ask(transport)
    transport.close()
    assert (reply.fault, reply.was_sent) == (WireFault.OTHER, False)
    assert KEY not in repr(reply)
    assert server.requests == []


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")
@pytest.mark.parametrize("scheme", ["http"], indirect=True)
def test_a_signal_does_not_break_a_poll(serve, connect):
    heard = []
    server = serve(lambda sock, request: time.sleep(0.3) or accept(sock, request))
    transport = connect(server.url)
    previous = signal.signal(signal.SIGALRM, lambda *_: heard.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        assert ask(transport).status == 200
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert heard


def test_every_error_of_requests_has_a_fault():
    known = [kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    missing = [kind for kind in known if issubclass(kind, requests.RequestException) and kind not in FAULTS]
    assert missing == []


@pytest.mark.parametrize("scheme", ["http"], indirect=True)
def test_a_prepared_session_is_used_and_given_back(serve):
    server = serve()
    with requests.Session() as session:
        session.auth = ("someone", "secret")
        session.headers["X-Tenant"] = "7"
        before = dict(session.adapters)
        transport = open_transport("auto", Endpoint(server.url, Headers(HEADERS), session=session), 16)
        assert transport.name == "requests"
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
def test_a_session_with_an_adapter_of_its_own_keeps_it(serve):
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
    assert (reply.fault, reply.was_sent) == (WireFault.BROKEN, True)


def test_curl_cannot_use_a_session():
    with requests.Session() as session, pytest.raises(InvalidArgumentError, match="session"):
        open_transport("curl", Endpoint("http://localhost/", Headers(HEADERS), session=session), 1)


def test_an_unknown_transport_is_named():
    with pytest.raises(InvalidArgumentError, match="carrier pigeon"):
        open_transport("carrier pigeon", Endpoint("http://localhost/", Headers(HEADERS)), 1)


def test_without_pycurl_the_extra_is_named_and_auto_takes_requests(monkeypatch):
    for module in ("pycurl", "growlytics_pandas.transport.curl_multi"):
        monkeypatch.setitem(__import__("sys").modules, module, None)
    endpoint = Endpoint("http://localhost/", Headers(HEADERS))
    with pytest.raises(MissingDependencyError, match=r"growlytics-pandas\[fast\]"):
        open_transport("curl", endpoint, 1)
    transport = open_transport("auto", endpoint, 1)
    transport.close()
    assert transport.name == "requests"


def test_auto_is_curl_where_pycurl_is_installed():
    transport = open_transport("auto", Endpoint("http://localhost/", Headers(HEADERS)), 1)
    transport.close()
    assert transport.name == "curl"


def test_a_ca_bundle_that_is_no_file_is_named(name, tmp_path):
    missing = tmp_path / "nowhere.pem"
    endpoint = Endpoint("https://localhost/", Headers(HEADERS), verify=Path(missing))
    with pytest.raises(InvalidArgumentError, match=r"nowhere\.pem"):
        open_transport(name, endpoint, 1)


def test_a_ca_bundle_can_come_from_the_environment(tls, bundle, name, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", os.fspath(bundle))
    server = Server(accept, tls=tls)
    transport = open_transport(name, Endpoint(server.url, Headers(HEADERS)), 1)
    assert ask(transport).status == 200
    transport.close()
    server.close()
