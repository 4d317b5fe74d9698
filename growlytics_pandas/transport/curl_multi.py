"""libcurl: one loop, no threads, tens of thousands of requests a second."""

import contextlib
import os
import re
import time
from pathlib import Path
from typing import Any, Final

import pycurl

from growlytics_pandas.transport.privacy import KeyMask
from growlytics_pandas.transport.protocol import MAX_REPLY_BYTES, Endpoint, Headers
from growlytics_pandas.wire import OK, PLAIN_SUCCESS, UNEVENTFUL, Reply, WireFault

CONNECT_SECONDS: Final = 10.0  # a host that takes longer to accept a connection is down
SLICE_SECONDS: Final = 0.05  # libcurl is asked at least so often for what its own timers have found
IDLE_SECONDS: Final = 0.005  # while libcurl has no socket to wait for (a name is being looked up)
LENGTH_DIGITS: Final = 9  # by so much the heads of two requests differ: Content-Length
BUNDLE_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")  # as requests and OpenSSL do

CONNECT_CODES: Final = frozenset(
    {pycurl.E_COULDNT_RESOLVE_HOST, pycurl.E_COULDNT_RESOLVE_PROXY, pycurl.E_COULDNT_CONNECT, pycurl.E_INTERFACE_FAILED}
)
TLS_CODES: Final = frozenset(
    {
        pycurl.E_SSL_CONNECT_ERROR,
        pycurl.E_PEER_FAILED_VERIFICATION,
        pycurl.E_SSL_CACERT,
        pycurl.E_SSL_CACERT_BADFILE,
        pycurl.E_SSL_CERTPROBLEM,
        pycurl.E_SSL_CIPHER,
        pycurl.E_SSL_ISSUER_ERROR,
        pycurl.E_SSL_ENGINE_INITFAILED,
        pycurl.E_SSL_ENGINE_NOTFOUND,
        pycurl.E_SSL_ENGINE_SETFAILED,
        pycurl.E_USE_SSL_FAILED,
        pycurl.E_SSL_INVALIDCERTSTATUS,
    }
)
BROKEN_CODES: Final = frozenset(
    {
        pycurl.E_SEND_ERROR,
        pycurl.E_RECV_ERROR,
        pycurl.E_GOT_NOTHING,
        pycurl.E_PARTIAL_FILE,
        pycurl.E_HTTP2,
        getattr(pycurl, "E_HTTP2_STREAM", 92),  # the names are missing in older pycurl, the numbers are libcurl's
        getattr(pycurl, "E_HTTP3", 95),
        getattr(pycurl, "E_PROXY", 97),
        pycurl.E_FTP_WEIRD_SERVER_REPLY,  # CURLE_WEIRD_SERVER_REPLY: what came back is not HTTP
        pycurl.E_BAD_CONTENT_ENCODING,
        pycurl.E_SEND_FAIL_REWIND,
        getattr(pycurl, "E_UNRECOVERABLE_POLL", 99),
        pycurl.E_AGAIN,
    }
)
HANDSHAKE_CUT: Final = ("reset", "syscall", "eof", "closed", "timed out", "broken pipe")  # an overloaded server's ways

_AFTER: Final = re.compile(r" after \d+ (?:ms|milliseconds)\b")  # else one reason would be counted as many

RETRY_AFTER_INFO: Final[int | None] = getattr(pycurl, "RETRY_AFTER", None)
"""Older pycurl cannot ask libcurl for this header; a callback for each header line must, which takes some CPU."""


class CurlTransport:
    """Requests through one libcurl multi handle; its easy handles and connections are reused.

    Parameters
    ----------
    endpoint : Endpoint
        Where and how every request goes.
    max_concurrency : int
        Requests, and so at most connections, at once.
    """

    name = "curl"

    def __init__(self, endpoint: Endpoint, max_concurrency: int) -> None:
        self._endpoint = endpoint
        self._bundle = _find_bundle(endpoint.verify)
        self._mask = KeyMask(endpoint.headers)
        self._head_bytes = 0
        self._exchanges: list[_Exchange] = []
        self._idle: list[_Exchange] = []
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        self._multi.setopt(pycurl.M_MAXCONNECTS, max_concurrency)
        self._multi.setopt(pycurl.M_MAX_TOTAL_CONNECTIONS, max_concurrency)

    def submit(self, token: int, body: bytes) -> None:
        """Start one request and return at once."""
        exchange = self._idle.pop() if self._idle else self._new_exchange()
        exchange.token = token
        exchange.body_bytes = len(body)
        exchange.started = time.monotonic()
        exchange.handle.setopt(pycurl.POSTFIELDS, body)
        self._multi.add_handle(exchange.handle)

    def poll(self, timeout: float) -> list[Reply]:
        """Wait at most `timeout` seconds for a reply; return every one that is there."""
        deadline = time.monotonic() + timeout
        while True:
            self._multi.perform()
            replies = self._collect()
            left = deadline - time.monotonic()
            if replies or left <= 0.0:
                return replies
            self._wait(min(left, SLICE_SECONDS))

    def close(self) -> None:
        """Cut what is in flight, and every connection."""
        for exchange in self._exchanges:
            with contextlib.suppress(pycurl.error):  # idle ones are not in the multi handle
                self._multi.remove_handle(exchange.handle)
            exchange.handle.close()
        self._exchanges.clear()
        self._idle.clear()
        self._multi.close()

    def _collect(self) -> list[Reply]:
        replies: list[Reply] = []
        n_left = 1
        while n_left:
            n_left, done, failed = self._multi.info_read()
            now = time.monotonic()
            replies.extend([self._finish(handle.exchange, now) for handle in done])
            replies.extend([self._fail(handle.exchange, now, code, words) for handle, code, words in failed])
        return replies

    def _finish(self, exchange: "_Exchange", now: float) -> Reply:
        handle = exchange.handle
        status: int = handle.getinfo(pycurl.RESPONSE_CODE)
        if not status:  # libcurl before 7.66 takes what has no status line for an answer of HTTP/0.9
            return self._fail(exchange, now, pycurl.E_FTP_WEIRD_SERVER_REPLY, "the answer is not HTTP")
        body = exchange.take_body()
        seconds = now - exchange.started
        if not self._head_bytes:  # the first answer of all: no connection had been kept alive before
            self._head_bytes = handle.getinfo(pycurl.REQUEST_SIZE) - exchange.body_bytes
        if status == OK and body in PLAIN_SUCCESS:  # most answers: nothing to hide in it, and the tuple made at once
            reply = tuple.__new__(Reply, (exchange.token, OK, body, seconds, *UNEVENTFUL))
            if repeats := self._count_repeats(exchange):
                reply = reply._replace(repeats=repeats)
        elif status == OK:  # the only documented status: nothing else of it is looked at
            reply = Reply(exchange.token, status, self._mask.hide(body), seconds)
        else:
            location = handle.getinfo(pycurl.REDIRECT_URL)
            reply = Reply(
                exchange.token,
                status,
                self._mask.hide(body),
                seconds,
                retry_after=_retry_after(exchange),
                location=self._mask.line(location) if location else None,
                repeats=self._count_repeats(exchange),
            )
        self._release(exchange)
        return reply

    def _fail(self, exchange: "_Exchange", now: float, code: int, words: str) -> Reply:
        handle = exchange.handle
        was_sent = handle.getinfo(pycurl.REQUEST_SIZE) > 0
        is_reused = handle.getinfo(pycurl.NUM_CONNECTS) == 0 and handle.getinfo(pycurl.HEADER_SIZE) == 0
        fault = _fault(code, words, was_sent=was_sent, is_reused=is_reused, is_full=exchange.is_full)
        reply = Reply(
            exchange.token,
            handle.getinfo(pycurl.RESPONSE_CODE) if fault is WireFault.TOO_LARGE else 0,
            b"",
            now - exchange.started,
            fault,
            was_sent,
            detail=self._mask.line(_AFTER.sub("", words) or f"libcurl error {code}"),
            repeats=self._count_repeats(exchange),
        )
        exchange.take_body()
        exchange.is_full = False
        self._release(exchange)
        return reply

    def _count_repeats(self, exchange: "_Exchange") -> int:
        """Return how often libcurl had sent this request before.

        It does so by itself where a kept-alive connection breaks before a byte of the answer, and tells nobody; the
        server may have stored the first copy. But it counts the bytes of all.
        """
        size: int = exchange.handle.getinfo(pycurl.REQUEST_SIZE)
        once = self._head_bytes + exchange.body_bytes
        return round(size / once) - 1 if size > once + LENGTH_DIGITS and self._head_bytes > 0 else 0

    def _release(self, exchange: "_Exchange") -> None:
        self._multi.remove_handle(exchange.handle)
        if exchange.headers:
            exchange.headers.clear()
        self._idle.append(exchange)

    def _wait(self, seconds: float) -> None:
        timer = self._multi.timeout()
        if timer >= 0:
            seconds = min(seconds, timer / 1000.0)
        deadline = time.monotonic() + seconds
        # An interrupted select is no error: the caller's loop looks again.
        with contextlib.suppress(pycurl.error, InterruptedError):
            if self._multi.select(seconds) <= 0:
                # Without a socket to wait for, select does not wait: a loop around it would burn a whole core.
                time.sleep(min(max(0.0, deadline - time.monotonic()), IDLE_SECONDS))

    def _new_exchange(self) -> "_Exchange":
        exchange = _Exchange(self._new_handle())
        self._exchanges.append(exchange)
        return exchange

    def _new_handle(self) -> Any:
        endpoint = self._endpoint
        handle = pycurl.Curl()
        total_ms = max(1, int(endpoint.timeout_seconds * 1000))
        handle.setopt(pycurl.URL, endpoint.url)
        handle.setopt(pycurl.POST, 1)
        # libcurl would ask a server for leave ("Expect: 100-continue") before it sends a large body.
        handle.setopt(pycurl.HTTPHEADER, [*_header_lines(endpoint.headers), "Expect:"])
        handle.setopt(pycurl.FOLLOWLOCATION, 0)
        handle.setopt(pycurl.NOSIGNAL, 1)
        handle.setopt(pycurl.NETRC, pycurl.NETRC_IGNORED)
        if not any(name.lower().endswith("_proxy") for name in os.environ):
            handle.setopt(pycurl.PROXY, "")  # else libcurl asks the environment again at every request
        handle.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        handle.setopt(pycurl.TIMEOUT_MS, total_ms)
        handle.setopt(pycurl.CONNECTTIMEOUT_MS, min(total_ms, int(CONNECT_SECONDS * 1000)))
        handle.setopt(pycurl.SSL_VERIFYPEER, int(endpoint.verify is not False))
        handle.setopt(pycurl.SSL_VERIFYHOST, 2 if endpoint.verify is not False else 0)
        if self._bundle is not None:
            handle.setopt(pycurl.CAPATH if Path(self._bundle).is_dir() else pycurl.CAINFO, self._bundle)
        return handle


class _Exchange:
    """One easy handle and what its present request has received."""

    __slots__ = ("body_bytes", "chunks", "handle", "headers", "is_full", "size", "started", "token")

    def __init__(self, handle: Any) -> None:
        self.handle = handle
        self.token = 0
        self.body_bytes = 0
        self.started = 0.0
        self.size = 0
        self.is_full = False
        self.chunks: list[bytes] = []
        self.headers: list[bytes] = []
        handle.exchange = self
        handle.setopt(pycurl.WRITEFUNCTION, self.write)
        if RETRY_AFTER_INFO is None:
            handle.setopt(pycurl.HEADERFUNCTION, self.headers.append)

    def write(self, chunk: bytes) -> int:
        self.size += len(chunk)
        if self.size > MAX_REPLY_BYTES:
            self.is_full = True
            return 0  # fewer bytes than were given: libcurl stops the transfer
        self.chunks.append(chunk)
        return len(chunk)

    def take_body(self) -> bytes:
        chunks, self.chunks, self.size = self.chunks, [], 0
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def header(self, name: bytes) -> str | None:
        for line in reversed(self.headers):
            found, _, value = line.partition(b":")
            if found.strip().lower() == name:
                return value.strip().decode("latin-1")
        return None


def _header_lines(headers: Headers) -> list[str]:
    # Apart, so that no frame of a traceback has them among its locals.
    return [f"{name}: {value}" for name, value in headers.items()]


def _retry_after(exchange: _Exchange) -> str | None:
    """Return the header, or the seconds that libcurl has made of it, be it a number or a date; 0 counts as none."""
    if RETRY_AFTER_INFO is None:
        return exchange.header(b"retry-after")
    seconds = exchange.handle.getinfo(RETRY_AFTER_INFO)
    return str(int(seconds)) if seconds else None


def _fault(code: int, words: str, *, was_sent: bool, is_reused: bool, is_full: bool) -> WireFault:
    if is_full or code == pycurl.E_FILESIZE_EXCEEDED:
        return WireFault.TOO_LARGE
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return WireFault.TIMEOUT if was_sent else WireFault.CONNECT
    if code in TLS_CODES and not was_sent:
        # A handshake that is cut is an overloaded server; one that is refused is a wrong certificate or port.
        is_cut = code == pycurl.E_SSL_CONNECT_ERROR and any(word in words.lower() for word in HANDSHAKE_CUT)
        return WireFault.CONNECT if is_cut else WireFault.TLS
    # CURLE_UNSUPPORTED_PROTOCOL is also what libcurl says of an answer that is not HTTP/1 or later.
    if code in BROKEN_CODES or code in TLS_CODES or (code == pycurl.E_UNSUPPORTED_PROTOCOL and was_sent):
        return WireFault.STALE if is_reused else WireFault.BROKEN
    return WireFault.CONNECT if code in CONNECT_CODES else WireFault.OTHER


def _find_bundle(verify: bool | Path) -> str | None:
    """Return the file (or directory) of trusted certificates; None leaves libcurl its own."""
    if verify is False:
        return None
    if verify is not True:
        return str(verify)
    for variable in BUNDLE_VARIABLES:
        if os.environ.get(variable):
            return os.environ[variable]
    try:
        import certifi  # noqa: PLC0415  optional: comes with requests and with the extra "fast"
    except ImportError:
        return None
    return str(certifi.where())
