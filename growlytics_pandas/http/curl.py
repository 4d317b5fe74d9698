"""libcurl: one loop, no threads, tens of thousands of requests a second."""

import contextlib
import os
import re
import select
import socket
import time
from pathlib import Path
from typing import Any, Final

import pycurl

from growlytics_pandas.errors import ServiceUnavailableError
from growlytics_pandas.http.api_key import is_direct
from growlytics_pandas.http.protocol import (
    MAX_REPLY_BYTES,
    OK,
    PLAIN_SUCCESS,
    UNEVENTFUL,
    Endpoint,
    Headers,
    Response,
    TransportError,
    are_exhausted,
    find_bundle,
)
from growlytics_pandas.http.redaction import KeyRedactor

READABLE: Final = 1  # EPOLLIN and POLLIN alike

_OF_THE_NETWORK: Final = (socket.AF_INET, socket.AF_INET6)


class Lines:
    """The sockets that libcurl has opened, by their local ports: checked for bytes that no request has asked for.

    libcurl itself checks idle connections once a second at most, and takes what waits there for the answer to the next
    request. So all are looked at together before requests start, and libcurl asks here, by the local port, before it
    sends each of them.

    Parameters
    ----------
    is_tls : bool
        The first use of each connection is not checked then: bytes of the handshake may still wait.
    """

    __slots__ = ("_condemned", "_is_tls", "_known", "_new", "_poll", "_unused", "is_multiplexed", "ready", "sockets")

    def __init__(self, *, is_tls: bool) -> None:
        self.is_multiplexed = is_tls
        """Whether bytes may come at any time: HTTP/2, where each answer names its request."""
        self.ready: dict[int, int] = {}
        """The sockets on which something waited at the last look: mostly answers that are on their way to be read."""
        self.sockets: dict[int, int] = {}
        """Port → socket of the connections that `ready` covers."""
        self._is_tls = is_tls
        self._new: list[int] = []
        self._known: dict[int, int] = {}
        self._unused: set[int] = set()
        self._condemned: set[int] = set()
        self._poll = _open_poll()

    def note_socket(self, descriptor: int, _purpose: int) -> int:
        """Take note of a socket that libcurl has made; it has no port yet, or one that another had before."""
        self._new.append(descriptor)
        self.sockets.clear()
        return 0

    def look(self) -> None:
        """Look at all connections at once."""
        self.ready = dict(self._poll.poll(0))

    def is_quiet(self, port: int) -> bool:
        """Return whether a request may go over the connection with this local port: nothing waits there."""
        self._learn()
        if port in self._condemned:
            return False
        descriptor = self._known.get(port)
        if descriptor is None:
            return True
        is_first = port in self._unused
        self._unused.discard(port)
        if is_first and self._is_tls:
            return True
        self.sockets[port] = descriptor
        return self.is_multiplexed or not _is_readable(descriptor)

    def condemn(self, port: int) -> None:
        """Let no further request over the connection with this local port."""
        self._condemned.add(port)
        self.sockets.pop(port, None)

    def close(self) -> None:
        """Give back what the operating system keeps for this."""
        if hasattr(self._poll, "close"):
            self._poll.close()

    def _learn(self) -> None:
        """Find the ports of new sockets. A port that is taken again is another connection's."""
        for descriptor in self._new:
            with contextlib.suppress(OSError):  # it was closed again: another address answered first
                sock = socket.socket(fileno=descriptor)
                try:
                    if sock.family not in _OF_THE_NETWORK:
                        continue  # closed again, and its number is that of a local socket of somebody else by now
                    port = sock.getsockname()[1]
                finally:
                    sock.detach()
                self._known[port] = descriptor
                self._unused.add(port)
                self._condemned.discard(port)
                self._poll.register(descriptor, READABLE)
        self._new.clear()


class _NoPoll:
    """Where sockets cannot be looked at together: each is looked at before it is used."""

    def __init__(self) -> None:
        self._descriptors: dict[int, int] = {}

    def register(self, descriptor: int, events: int) -> None:
        self._descriptors[descriptor] = events

    def poll(self, _timeout: float) -> dict[int, int]:
        return self._descriptors


def _open_poll() -> Any:
    if hasattr(select, "epoll"):
        with contextlib.suppress(OSError):  # too many open files
            return select.epoll()
    return _NoPoll()


def _is_readable(descriptor: int) -> bool:
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([descriptor], [], [], 0.0)[0])
    poll = select.poll()
    poll.register(descriptor, READABLE)
    return bool(poll.poll(0))


CONNECT_SECONDS: Final = 10.0  # a host that takes longer to accept a connection is down
SLICE_SECONDS: Final = 0.05  # libcurl is asked at least so often for what its own timers have found
FILES_SECONDS: Final = 0.1  # between two looks whether there are descriptors again
IDLE_SECONDS: Final = 0.005  # while libcurl has no socket to wait for (a name is being looked up)

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

FINAL: Final = 200  # the lowest status of an answer that is one
_AFTER: Final = re.compile(r" after \d+ (?:ms|milliseconds)\b")  # else one reason would be counted as many

RETRY_AFTER_INFO: Final[int | None] = getattr(pycurl, "RETRY_AFTER", None)
LIMITING_VERSION: Final = 0x080400  # libcurl before 8.4.0 limits only answers whose size is known beforehand
LIMITS_BODIES: Final = pycurl.version_info()[2] >= LIMITING_VERSION
UPLOADED_INFO: Final = getattr(pycurl, "SIZE_UPLOAD_T", pycurl.SIZE_UPLOAD)  # the latter is deprecated
NO_SOCKET: Final = -1
LEFTOVERS: Final = b"Leftovers after chunking"  # libcurl's own words for bytes after the last chunk
UNCERTAIN: Final = "the answer is not certainly that of this request"

CAN_LOOK = hasattr(pycurl, "PREREQFUNCTION")
"""Older pycurl (before 7.45.7) cannot look at a connection before it is used again, so each has one request then."""


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
        self._bundle = find_bundle(endpoint.verify)
        self._mask = KeyRedactor.of(endpoint.headers)
        self._max_concurrency = max_concurrency
        self._lines = Lines(is_tls=endpoint.url.startswith("https:"))
        self._has_new = False  # since the connections were looked at
        self._is_first_answer = True
        self._is_wary = False
        self._exchanges: list[_Exchange] = []
        self._idle: list[_Exchange] = []
        self._multi = _open_multi()
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        self._multi.setopt(pycurl.M_MAXCONNECTS, max_concurrency)
        self._multi.setopt(pycurl.M_MAX_TOTAL_CONNECTIONS, max_concurrency)

    def submit(self, token: int, body: bytes) -> None:
        """Start one request and return at once."""
        exchange = self._idle.pop() if self._idle else self._new_exchange()
        exchange.token = token
        exchange.body_bytes = len(body)
        exchange.sends = 0
        exchange.started = time.monotonic()
        if self._is_wary and not exchange.is_wary:
            exchange.be_wary()
        exchange.handle.setopt(pycurl.POSTFIELDS, body)
        self._multi.add_handle(exchange.handle)
        self._has_new = True

    def poll(self, timeout: float) -> list[Response]:
        """Wait at most `timeout` seconds for a reply; return every one that is there."""
        deadline = time.monotonic() + timeout
        while True:
            if self._has_new:
                self._has_new = False
                self._lines.look()
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
        self._lines.close()

    def _collect(self) -> list[Response]:
        replies: list[Response] = []
        remove, idle = self._multi.remove_handle, self._idle
        n_left = 1
        while n_left:
            n_left, done, failed = self._multi.info_read()
            now = time.monotonic()
            for handle in done:
                exchange = handle.exchange
                chunks = exchange.chunks
                # Most answers: nothing to hide in them, nothing to look for, and the tuple made at once.
                if (
                    len(chunks) == 1
                    and chunks[0] in PLAIN_SUCCESS
                    and not exchange.is_wary
                    and exchange.sends == 1
                    and not exchange.n_dropped
                    and handle.getinfo(pycurl.RESPONSE_CODE) == OK
                ):
                    facts = (exchange.token, OK, chunks[0], now - exchange.started)
                    replies.append(tuple.__new__(Response, facts + UNEVENTFUL))
                    chunks.clear()
                    exchange.size = 0
                    remove(handle)
                    idle.append(exchange)
                else:
                    replies.append(self._finish(exchange, now))
            for handle, code, words in failed:
                exchange = handle.exchange
                if code != pycurl.E_ABORTED_BY_CALLBACK:
                    replies.append(self._fail(exchange, now, code, words))
                elif exchange.n_dropped <= self._max_concurrency:
                    self._start_anew(exchange)
                else:
                    replies.append(self._fail(exchange, now, pycurl.E_COULDNT_CONNECT, "it answers before it is asked"))
        return replies

    def _finish(self, exchange: "_Exchange", now: float) -> Response:
        handle = exchange.handle
        status: int = handle.getinfo(pycurl.RESPONSE_CODE)
        if not status:  # libcurl before 7.66 takes what has no status line for an answer of HTTP/0.9
            return self._fail(exchange, now, pycurl.E_FTP_WEIRD_SERVER_REPLY, "the answer is not HTTP")
        if self._is_first_answer:
            self._is_first_answer = False
            self._lines.is_multiplexed = handle.getinfo(pycurl.INFO_HTTP_VERSION) > pycurl.CURL_HTTP_VERSION_1_1
        if status < FINAL or (exchange.is_wary and self._has_surplus(exchange)):
            return self._fail(exchange, now, pycurl.E_FTP_WEIRD_SERVER_REPLY, UNCERTAIN)
        body = exchange.take_body()
        seconds = now - exchange.started
        if status == OK and body in PLAIN_SUCCESS:
            reply = Response(exchange.token, OK, body, seconds, repeats=max(0, exchange.sends - 1))
            if exchange.is_wary and not self._is_wary and CAN_LOOK:
                exchange.be_calm()
        else:
            self._is_wary = True
            reply = Response(
                exchange.token,
                status,
                body,
                seconds,
                retry_after=_retry_after(exchange),
                location=handle.getinfo(pycurl.REDIRECT_URL),
                repeats=max(0, exchange.sends - 1),
                mask=self._mask,
            )
        self._release(exchange)
        return reply

    def _has_surplus(self, exchange: "_Exchange") -> bool:
        """Return whether bytes came after the answer.

        libcurl drops them, and with them the connection if the answer had a length: so such an answer after which the
        connection is gone, although nobody had asked for that, is none to believe.
        """
        if self._lines.is_multiplexed:
            return False
        if exchange.is_chunked():
            self._is_wary = True
            if exchange.has_leftovers:
                self._lines.condemn(exchange.port)
            return exchange.has_leftovers
        if not CAN_LOOK or exchange.handle.getinfo(pycurl.ACTIVESOCKET) != NO_SOCKET:
            return False
        self._is_wary = True
        was_early = exchange.handle.getinfo(UPLOADED_INFO) < exchange.body_bytes  # so libcurl stopped sending
        return not was_early and not exchange.is_last()

    def _start_anew(self, exchange: "_Exchange") -> None:
        """Send on another connection: something waited on this one, which libcurl has closed now."""
        self._multi.remove_handle(exchange.handle)
        exchange.take_body()
        exchange.headers.clear()
        self._multi.add_handle(exchange.handle)
        self._has_new = True

    def _fail(self, exchange: "_Exchange", now: float, code: int, words: str) -> Response:
        handle = exchange.handle
        was_sent = exchange.sends > 0 if CAN_LOOK else handle.getinfo(pycurl.REQUEST_SIZE) > 0
        is_reused = handle.getinfo(pycurl.NUM_CONNECTS) == 0 and handle.getinfo(pycurl.HEADER_SIZE) == 0
        fault = _fault(code, words, was_sent=was_sent, is_reused=is_reused, is_full=exchange.is_full)
        if not was_sent and are_exhausted(handle.getinfo(pycurl.OS_ERRNO)):
            fault = TransportError.FILES
        reply = Response(
            exchange.token,
            handle.getinfo(pycurl.RESPONSE_CODE) if fault is TransportError.TOO_LARGE else 0,
            b"",
            now - exchange.started,
            fault,
            was_sent,
            detail=_AFTER.sub("", words) or f"libcurl error {code}",
            repeats=max(0, exchange.sends - 1),
            mask=self._mask,
        )
        exchange.take_body()
        exchange.is_full = False
        self._is_wary = True
        self._release(exchange)
        return reply

    def _release(self, exchange: "_Exchange") -> None:
        self._multi.remove_handle(exchange.handle)
        exchange.n_dropped = 0
        if exchange.is_wary:
            exchange.headers.clear()
            exchange.has_leftovers = False
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
        exchange = _Exchange(self._new_handle(), self._lines)
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
        # Without a proxy in the environment, libcurl need not ask it again at every request.
        if is_direct(endpoint.url) or not _has_proxies():
            handle.setopt(pycurl.PROXY, "")
        handle.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        if CAN_LOOK:
            handle.setopt(pycurl.SOCKOPTFUNCTION, self._lines.note_socket)
        else:
            handle.setopt(pycurl.FORBID_REUSE, 1)
        handle.setopt(pycurl.TIMEOUT_MS, total_ms)
        handle.setopt(pycurl.CONNECTTIMEOUT_MS, min(total_ms, int(CONNECT_SECONDS * 1000)))
        handle.setopt(pycurl.SSL_VERIFYPEER, int(endpoint.verify is not False))
        handle.setopt(pycurl.SSL_VERIFYHOST, 2 if endpoint.verify is not False else 0)
        if self._bundle is not None:
            handle.setopt(pycurl.CAPATH if Path(self._bundle).is_dir() else pycurl.CAINFO, self._bundle)
        return handle


class _Exchange:
    """One easy handle and what its present request has received.

    `is_wary`: header lines are kept, which takes CPU. So it is for the first answer of each handle, and for all after
    the first that was no plain success. What libcurl says of itself takes more, so it is heard where answers are in
    chunks: nothing else shows what it has dropped after the last one.
    """

    __slots__ = (
        "_is_heard", "_lines", "body_bytes", "chunks", "handle", "has_leftovers", "headers", "is_full",
        "is_wary", "n_dropped", "port", "sends", "size", "started", "token",
    )  # fmt: skip

    def __init__(self, handle: Any, lines: Lines) -> None:
        self.handle = handle
        self.token = 0
        self.started = 0.0
        self.sends = 0
        self.size = 0
        self.is_full = False
        self.body_bytes = 0
        self.n_dropped = 0
        self.port = 0
        self.has_leftovers = False
        self._is_heard = False
        self.chunks: list[bytes] = []
        self.headers: list[bytes] = []
        self._lines = lines
        handle.exchange = self
        if LIMITS_BODIES:
            handle.setopt(pycurl.MAXFILESIZE, MAX_REPLY_BYTES)
            handle.setopt(pycurl.WRITEFUNCTION, self.chunks.append)
        else:
            handle.setopt(pycurl.WRITEFUNCTION, self.write)
        if CAN_LOOK:
            handle.setopt(pycurl.PREREQFUNCTION, self.begin)
        handle.setopt(pycurl.DEBUGFUNCTION, self.hear)
        self.be_wary()
        self._listen(is_heard=True)

    def be_wary(self) -> None:
        self.is_wary = True
        self.handle.setopt(pycurl.HEADERFUNCTION, self.keep_header)

    def be_calm(self) -> None:
        self.is_wary = False
        self.handle.unsetopt(pycurl.HEADERFUNCTION)
        self._listen(is_heard=False)

    def keep_header(self, line: bytes) -> int | None:
        """Keep a line; 101 ends HTTP on the connection, and libcurl would wait for more of it."""
        self.headers.append(line)
        return 0 if line.startswith((b"HTTP/1.1 101", b"HTTP/1.0 101")) else None

    def hear(self, kind: int, words: bytes) -> None:
        if kind == pycurl.INFOTYPE_TEXT and words.startswith(LEFTOVERS):
            self.has_leftovers = True

    def _listen(self, *, is_heard: bool) -> None:
        if is_heard is not self._is_heard:
            self._is_heard = is_heard
            self.handle.setopt(pycurl.VERBOSE, int(is_heard))

    def begin(self, _address: str, _local_address: str, _port: int, local_port: int) -> int:
        """Let libcurl send the request on this connection, or not; it asks here each time that it is about to."""
        lines = self._lines
        descriptor = lines.sockets.get(local_port)
        if (descriptor is not None and descriptor not in lines.ready) or lines.is_quiet(local_port):
            self.sends += 1
            self.port = local_port
            return 0
        self.n_dropped += 1
        return 1

    def write(self, chunk: bytes) -> int:
        self.size += len(chunk)
        if self.size > MAX_REPLY_BYTES:
            self.is_full = True
            return 0  # fewer bytes than were given: libcurl stops the transfer
        self.chunks.append(chunk)
        return len(chunk)

    def take_body(self) -> bytes:
        chunks = self.chunks
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self.size = 0
        return body

    def fields(self, name: bytes) -> list[str]:
        """Return the values of a header of the answer; interim answers before it have heads of their own."""
        start = max((i for i, line in enumerate(self.headers) if line.startswith(b"HTTP/")), default=0)
        split = [line.partition(b":") for line in self.headers[start:]]
        return [value.strip().decode("latin-1") for field, _, value in split if field.strip().lower() == name]

    def is_chunked(self) -> bool:
        """Return whether the answer came in chunks."""
        is_chunked = bool(self.fields(b"transfer-encoding"))
        self._listen(is_heard=is_chunked)
        return is_chunked

    def is_last(self) -> bool:
        """Return whether the answer says itself that the connection ends with it."""
        start = next((line for line in reversed(self.headers) if line.startswith(b"HTTP/")), b"HTTP/1.0")
        is_framed = self.fields(b"content-length") or self.fields(b"transfer-encoding")
        is_closing = any("close" in value.lower() for value in self.fields(b"connection"))
        return is_closing or start.startswith(b"HTTP/1.0") or not is_framed


def _open_multi() -> Any:
    """Open the multi handle, which takes descriptors: where there are none left, wait for a while."""
    deadline = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            return pycurl.CurlMulti()
        except pycurl.error as error:
            if not are_exhausted() or time.monotonic() >= deadline:
                raise ServiceUnavailableError(f"{TransportError.FILES.value}, so nothing was sent ({error}).") from None
        time.sleep(FILES_SECONDS)


def _header_lines(headers: Headers) -> list[str]:
    # Apart, so that no frame of a traceback has them among its locals.
    return [f"{name}: {value}" for name, value in headers.items()]


def _retry_after(exchange: _Exchange) -> str | None:
    """Return the header's lines; of an answer whose header lines were not kept, what libcurl has made of it."""
    if exchange.is_wary:
        return "\n".join(exchange.fields(b"retry-after")) or None
    seconds = exchange.handle.getinfo(RETRY_AFTER_INFO) if RETRY_AFTER_INFO is not None else 0
    return str(int(seconds)) if seconds else None


def _has_proxies() -> bool:
    return any(name.lower().endswith("_proxy") for name in os.environ)


def _fault(code: int, words: str, *, was_sent: bool, is_reused: bool, is_full: bool) -> TransportError:
    if is_full or code == pycurl.E_FILESIZE_EXCEEDED:
        return TransportError.TOO_LARGE
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return TransportError.TIMEOUT if was_sent else TransportError.CONNECT
    if was_sent:  # whatever it is, it has cost an answer
        return TransportError.STALE if is_reused else TransportError.BROKEN
    if code in TLS_CODES:
        # A handshake that is cut is an overloaded server; one that is refused is a wrong certificate or port.
        is_cut = code == pycurl.E_SSL_CONNECT_ERROR and any(word in words.lower() for word in HANDSHAKE_CUT)
        return TransportError.CONNECT if is_cut else TransportError.TLS
    return TransportError.CONNECT if code in CONNECT_CODES or code in BROKEN_CODES else TransportError.OTHER
