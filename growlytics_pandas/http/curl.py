"""The libcurl transport: one loop, no threads, tens of thousands of requests per second."""

import contextlib
import os
import re
import select
import socket
import time
from collections.abc import Mapping
from typing import Any, Final

import pycurl

from growlytics_pandas.errors import ServiceUnavailableError
from growlytics_pandas.http.api_key import is_direct, redactor
from growlytics_pandas.http.protocol import (
    CONNECT_SECONDS,
    FINAL,
    MAX_RESPONSE_BYTES,
    OK,
    PLAIN_SUCCESS,
    UNCERTAIN,
    UNEVENTFUL,
    Endpoint,
    RequestFault,
    Response,
    are_exhausted,
    find_fault,
)

LIBCURL_VERSION: Final = 0x080400  # 8.4: earlier ones limit only responses with a known size

if not hasattr(pycurl, "PREREQFUNCTION") or pycurl.version_info()[2] < LIBCURL_VERSION:
    # An older pycurl cannot check a connection before it is used again.
    raise ImportError("pycurl 7.45.7 or newer with libcurl 8.4 or newer is needed")

READABLE: Final = 1  # EPOLLIN and POLLIN alike

_OF_THE_NETWORK: Final = (socket.AF_INET, socket.AF_INET6)


class Sockets:
    """The sockets that libcurl has opened, by local port, checked for bytes that no request asked for.

    libcurl checks idle connections at most once per second, and reads unsolicited bytes as the response to the next
    request. So all sockets are polled together before requests start, and libcurl's pre-request callback checks the
    socket of each request here, by local port.

    Parameters
    ----------
    is_tls : bool
        If True, the first use of a connection is not checked: bytes of the handshake may still be unread.
    """

    __slots__ = ("_is_tls", "_known", "_new", "_poll", "_ports", "_retired", "_unused", "is_multiplexed", "quiet")

    def __init__(self, *, is_tls: bool) -> None:
        self.is_multiplexed = is_tls
        """Whether bytes may arrive at any time (HTTP/2, where each response names its request)."""
        self.quiet: set[int] = set()
        """The local ports without unread bytes at the last `check`; the others mostly have a response."""
        self._ports: dict[int, int] = {}  # socket → local port of the connections that `check` covers
        self._is_tls = is_tls
        self._new: list[int] = []
        self._known: dict[int, int] = {}
        self._unused: set[int] = set()
        self._retired: set[int] = set()
        self._poll = _open_poll()

    def record_socket(self, descriptor: int, _purpose: int) -> int:
        """Record a new socket of libcurl; it has no local port yet, or that of an earlier socket."""
        self._new.append(descriptor)
        self._ports.clear()
        self.quiet.clear()
        return 0

    def check(self) -> None:
        """Poll all connections at once."""
        if self._poll is None:
            return
        self.quiet = set(self._ports.values())
        self.quiet.difference_update([self._ports.get(descriptor) for descriptor, _ in self._poll.poll(0)])

    def is_quiet(self, port: int) -> bool:
        """Return whether a request may use the connection with this local port: it has no unread bytes."""
        if self._new:
            self._learn()
        if port in self._retired:
            return False
        descriptor = self._known.get(port)
        if descriptor is None:
            return True
        is_first = port in self._unused
        self._unused.discard(port)
        if is_first and self._is_tls:
            return True
        self._ports[descriptor] = port
        return self.is_multiplexed or not _is_readable(descriptor)

    def retire(self, port: int) -> None:
        """Send no further request over the connection with this local port."""
        self._retired.add(port)
        self._ports.pop(self._known.get(port, NO_SOCKET), None)
        self.quiet.discard(port)

    def close(self) -> None:
        """Release the poll object."""
        if self._poll is not None:
            self._poll.close()

    def _learn(self) -> None:
        """Find the local ports of new sockets. A reused port belongs to a new connection."""
        for descriptor in self._new:
            with contextlib.suppress(OSError):  # closed already: another address answered first
                sock = socket.socket(fileno=descriptor)
                try:
                    if sock.family not in _OF_THE_NETWORK:
                        continue  # closed already, and its descriptor now belongs to another socket
                    port = sock.getsockname()[1]
                finally:
                    sock.detach()
                self._known[port] = descriptor
                self._unused.add(port)
                self._retired.discard(port)
                if self._poll is not None:
                    self._poll.register(descriptor, READABLE)
        self._new.clear()


def _open_poll() -> Any:
    """Return what polls sockets together; None where there is none: each is then checked before it is used."""
    with contextlib.suppress(AttributeError, OSError):  # another system than Linux; too many open files
        return select.epoll()
    return None


def _is_readable(descriptor: int) -> bool:
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([descriptor], [], [], 0.0)[0])
    poll = select.poll()
    poll.register(descriptor, READABLE)
    return bool(poll.poll(0))


SLICE_SECONDS: Final = 0.05  # libcurl is polled at least this often, for its timers
FILES_SECONDS: Final = 0.1  # between two checks for free descriptors
IDLE_SECONDS: Final = 0.005  # while libcurl has no socket to wait for (a name is being looked up)

FAULTS: Final = {
    pycurl.E_OPERATION_TIMEDOUT: RequestFault.TIMEOUT,
    pycurl.E_FILESIZE_EXCEEDED: RequestFault.TOO_LARGE,
    pycurl.E_COULDNT_RESOLVE_HOST: RequestFault.CONNECT,
    pycurl.E_COULDNT_RESOLVE_PROXY: RequestFault.CONNECT,
    pycurl.E_COULDNT_CONNECT: RequestFault.CONNECT,
    pycurl.E_SSL_CONNECT_ERROR: RequestFault.TLS,
    pycurl.E_PEER_FAILED_VERIFICATION: RequestFault.TLS,
    pycurl.E_SSL_CACERT_BADFILE: RequestFault.TLS,
    pycurl.E_SSL_CIPHER: RequestFault.TLS,
    pycurl.E_SEND_ERROR: RequestFault.BROKEN,
    pycurl.E_RECV_ERROR: RequestFault.BROKEN,
    pycurl.E_GOT_NOTHING: RequestFault.BROKEN,
    pycurl.E_FTP_WEIRD_SERVER_REPLY: RequestFault.BROKEN,  # the response is not HTTP
    pycurl.E_HTTP2: RequestFault.BROKEN,
    92: RequestFault.BROKEN,  # CURLE_HTTP2_STREAM, CURLE_PROXY, CURLE_UNRECOVERABLE_POLL: pycurl has no names
    97: RequestFault.BROKEN,
    99: RequestFault.BROKEN,
    pycurl.E_AGAIN: RequestFault.BROKEN,
}
"""The meaning of libcurl's errors before the request was sent; others are `OTHER`."""
# In the message of a failed handshake, these are signs of an overloaded server.
HANDSHAKE_CUT: Final = ("reset", "syscall", "eof", "closed", "timed out", "broken pipe")

_AFTER: Final = re.compile(r" after \d+ (?:ms|milliseconds)\b")  # removed: one reason has the same words each time
NO_SOCKET: Final = -1
LEFTOVERS: Final = b"Leftovers after chunking"  # libcurl's log message for bytes after the last chunk


class CurlTransport:
    """Requests through one libcurl multi handle; its easy handles and connections are reused.

    Parameters
    ----------
    endpoint : Endpoint
        URL, headers and limits of every request.
    max_concurrency : int
        Maximum number of requests, and so of connections, at once.
    """

    def __init__(self, endpoint: Endpoint, max_concurrency: int) -> None:
        self._endpoint = endpoint
        self._mask = redactor(endpoint.headers)
        self._max_concurrency = max_concurrency
        self._sockets = Sockets(is_tls=endpoint.url.startswith("https:"))
        self._has_new = False  # since the last check of the connections
        self._is_first_answer = True
        self._keeps_headers = False
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
        if self._keeps_headers and not exchange.keeps_headers:
            exchange.start_keeping_headers()
        exchange.handle.setopt(pycurl.POSTFIELDS, body)
        self._multi.add_handle(exchange.handle)
        self._has_new = True

    def poll(self, timeout: float) -> list[Response]:
        """Wait at most `timeout` seconds for a response; return all that have arrived."""
        deadline = time.monotonic() + timeout
        while True:
            if self._has_new:
                self._has_new = False
                self._sockets.check()
            self._multi.perform()
            responses = self._collect()
            left = deadline - time.monotonic()
            if responses or left <= 0.0:
                return responses
            self._wait(min(left, SLICE_SECONDS))

    def close(self) -> None:
        """Abort requests in flight and close all connections."""
        for exchange in self._exchanges:
            with contextlib.suppress(pycurl.error):  # idle ones are not in the multi handle
                self._multi.remove_handle(exchange.handle)
            exchange.handle.close()
        self._exchanges.clear()
        self._idle.clear()
        self._multi.close()
        self._sockets.close()

    def _collect(self) -> list[Response]:
        responses: list[Response] = []
        remove, idle = self._multi.remove_handle, self._idle
        n_left = 1
        while n_left:
            n_left, done, failed = self._multi.info_read()
            now = time.monotonic()
            for handle in done:
                exchange = handle.exchange
                chunks = exchange.chunks
                # Fast path for most responses: nothing to redact or check.
                if (
                    len(chunks) == 1
                    and chunks[0] in PLAIN_SUCCESS
                    and not exchange.keeps_headers
                    and exchange.sends == 1
                    and not exchange.n_dropped
                    and handle.getinfo(pycurl.RESPONSE_CODE) == OK
                ):
                    facts = (exchange.token, OK, chunks[0], now - exchange.started)
                    responses.append(tuple.__new__(Response, facts + UNEVENTFUL))
                    chunks.clear()
                    remove(handle)
                    idle.append(exchange)
                else:
                    responses.append(self._finish(exchange, now))
            for handle, code, words in failed:
                exchange = handle.exchange
                if code != pycurl.E_ABORTED_BY_CALLBACK:
                    responses.append(self._fail(exchange, now, code, words))
                elif exchange.n_dropped <= self._max_concurrency:
                    self._start_anew(exchange)
                else:
                    responses.append(
                        self._fail(exchange, now, pycurl.E_COULDNT_CONNECT, "it sends data before a request")
                    )
        return responses

    def _finish(self, exchange: "_Exchange", now: float) -> Response:
        handle = exchange.handle
        status: int = handle.getinfo(pycurl.RESPONSE_CODE)
        if self._is_first_answer:
            self._is_first_answer = False
            self._sockets.is_multiplexed = handle.getinfo(pycurl.INFO_HTTP_VERSION) > pycurl.CURL_HTTP_VERSION_1_1
        if status < FINAL or (exchange.keeps_headers and self._has_surplus(exchange)):
            return self._fail(exchange, now, pycurl.E_FTP_WEIRD_SERVER_REPLY, UNCERTAIN)
        body = exchange.take_body()
        seconds = now - exchange.started
        if status == OK and body in PLAIN_SUCCESS:
            response = Response(exchange.token, OK, body, seconds, repeats=max(0, exchange.sends - 1))
            if exchange.keeps_headers and not self._keeps_headers:
                exchange.stop_keeping_headers()
        else:
            self._keeps_headers = True
            response = Response(
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
        return response

    def _has_surplus(self, exchange: "_Exchange") -> bool:
        """Return whether bytes followed the response.

        libcurl drops them, and closes the connection if the response had a length. So a response with a length whose
        connection was closed without either side requesting it is not trusted.
        """
        if self._sockets.is_multiplexed:
            return False
        if exchange.is_chunked():
            self._keeps_headers = True
            if exchange.has_leftovers:
                self._sockets.retire(exchange.port)
            return exchange.has_leftovers
        if exchange.handle.getinfo(pycurl.ACTIVESOCKET) != NO_SOCKET:
            return False
        self._keeps_headers = True
        was_early = exchange.handle.getinfo(pycurl.SIZE_UPLOAD_T) < exchange.body_bytes  # so libcurl stopped sending
        return not was_early and not exchange.is_last()

    def _start_anew(self, exchange: "_Exchange") -> None:
        """Send again on another connection: this one had unread bytes, and libcurl has closed it."""
        self._multi.remove_handle(exchange.handle)
        exchange.take_body()
        exchange.headers.clear()
        self._multi.add_handle(exchange.handle)
        self._has_new = True

    def _fail(self, exchange: "_Exchange", now: float, code: int, words: str) -> Response:
        handle = exchange.handle
        was_sent = exchange.sends > 0
        fault = find_fault(
            _cause(code, words),
            was_sent=was_sent,
            is_stale=handle.getinfo(pycurl.NUM_CONNECTS) == 0 and handle.getinfo(pycurl.HEADER_SIZE) == 0,
            code=handle.getinfo(pycurl.OS_ERRNO),
        )
        response = Response(
            exchange.token,
            handle.getinfo(pycurl.RESPONSE_CODE) if fault is RequestFault.TOO_LARGE else 0,
            b"",
            now - exchange.started,
            fault,
            was_sent,
            detail=_AFTER.sub("", words) or f"libcurl error {code}",
            repeats=max(0, exchange.sends - 1),
            mask=self._mask,
        )
        exchange.take_body()
        self._keeps_headers = True
        self._release(exchange)
        return response

    def _release(self, exchange: "_Exchange") -> None:
        self._multi.remove_handle(exchange.handle)
        exchange.n_dropped = 0
        if exchange.keeps_headers:
            exchange.headers.clear()
            exchange.has_leftovers = False
        self._idle.append(exchange)

    def _wait(self, seconds: float) -> None:
        timer = self._multi.timeout()
        if timer >= 0:
            seconds = min(seconds, timer / 1000.0)
        deadline = time.monotonic() + seconds
        # An interrupted select is not an error: the caller's loop polls again.
        with contextlib.suppress(pycurl.error, InterruptedError):
            if self._multi.select(seconds) <= 0:
                # Without sockets, select returns at once, and the loop around it would use a whole core.
                time.sleep(min(max(0.0, deadline - time.monotonic()), IDLE_SECONDS))

    def _new_exchange(self) -> "_Exchange":
        exchange = _Exchange(self._new_handle(), self._sockets)
        self._exchanges.append(exchange)
        return exchange

    def _new_handle(self) -> Any:
        endpoint = self._endpoint
        handle = pycurl.Curl()
        total_ms = max(1, int(endpoint.timeout_seconds * 1000))
        handle.setopt(pycurl.URL, endpoint.url)
        handle.setopt(pycurl.POST, 1)
        # libcurl would send "Expect: 100-continue" and wait before a large body.
        handle.setopt(pycurl.HTTPHEADER, [*_header_lines(endpoint.headers), "Expect:"])
        handle.setopt(pycurl.FOLLOWLOCATION, 0)
        handle.setopt(pycurl.NOSIGNAL, 1)
        handle.setopt(pycurl.NETRC, pycurl.NETRC_IGNORED)
        # Without a proxy in the environment, libcurl need not look it up for every request.
        if is_direct(endpoint.url) or not _has_proxies():
            handle.setopt(pycurl.PROXY, "")
        handle.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        handle.setopt(pycurl.SOCKOPTFUNCTION, self._sockets.record_socket)
        handle.setopt(pycurl.TIMEOUT_MS, total_ms)
        handle.setopt(pycurl.CONNECTTIMEOUT_MS, min(total_ms, int(CONNECT_SECONDS * 1000)))
        handle.setopt(pycurl.SSL_VERIFYPEER, int(endpoint.verify is not False))
        handle.setopt(pycurl.SSL_VERIFYHOST, 2 if endpoint.verify is not False else 0)
        if not isinstance(endpoint.verify, bool):
            handle.setopt(pycurl.CAPATH if endpoint.verify.is_dir() else pycurl.CAINFO, str(endpoint.verify))
        return handle


class _Exchange:
    """One easy handle and the data received for its current request.

    `keeps_headers`: header lines are kept. This costs CPU, so it applies only to the first response of each handle, and
    to all responses after the first that was not a plain success. libcurl's verbose log costs more; it is enabled only
    for chunked responses, where nothing else shows that bytes were dropped after the last chunk.
    """

    __slots__ = (
        "_is_verbose", "_sockets", "body_bytes", "chunks", "handle", "has_leftovers", "headers", "keeps_headers",
        "n_dropped", "port", "sends", "started", "token",
    )  # fmt: skip

    def __init__(self, handle: Any, sockets: Sockets) -> None:
        self.handle = handle
        self.token = 0
        self.started = 0.0
        self.sends = 0
        self.body_bytes = 0
        self.n_dropped = 0
        self.port = 0
        self.has_leftovers = False
        self._is_verbose = False
        self.chunks: list[bytes] = []
        self.headers: list[bytes] = []
        self._sockets = sockets
        handle.exchange = self
        handle.setopt(pycurl.MAXFILESIZE, MAX_RESPONSE_BYTES)
        handle.setopt(pycurl.WRITEFUNCTION, self.chunks.append)
        handle.setopt(pycurl.PREREQFUNCTION, self.begin)
        handle.setopt(pycurl.DEBUGFUNCTION, self.on_debug)
        self.start_keeping_headers()
        self._set_verbose(is_verbose=True)

    def start_keeping_headers(self) -> None:
        self.keeps_headers = True
        self.handle.setopt(pycurl.HEADERFUNCTION, self.keep_header)

    def stop_keeping_headers(self) -> None:
        self.keeps_headers = False
        self.handle.unsetopt(pycurl.HEADERFUNCTION)
        self._set_verbose(is_verbose=False)

    def keep_header(self, line: bytes) -> int | None:
        """Keep a header line; abort on 101, which ends HTTP on the connection: libcurl would wait for more."""
        self.headers.append(line)
        return 0 if line.startswith((b"HTTP/1.1 101", b"HTTP/1.0 101")) else None

    def on_debug(self, kind: int, words: bytes) -> None:
        if kind == pycurl.INFOTYPE_TEXT and words.startswith(LEFTOVERS):
            self.has_leftovers = True

    def _set_verbose(self, *, is_verbose: bool) -> None:
        if is_verbose is not self._is_verbose:
            self._is_verbose = is_verbose
            self.handle.setopt(pycurl.VERBOSE, int(is_verbose))

    def begin(self, _address: str, _local_address: str, _port: int, local_port: int) -> int:
        """Decide whether libcurl may send the request on this connection: its pre-request callback."""
        sockets = self._sockets
        if local_port in sockets.quiet or sockets.is_quiet(local_port):
            self.sends += 1
            self.port = local_port
            return 0
        self.n_dropped += 1
        return 1

    def take_body(self) -> bytes:
        chunks = self.chunks
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        return body

    def fields(self, name: bytes) -> list[str]:
        """Return the values of a header of the final response, without those of interim responses."""
        start = max((i for i, line in enumerate(self.headers) if line.startswith(b"HTTP/")), default=0)
        split = [line.partition(b":") for line in self.headers[start:]]
        return [value.strip().decode("latin-1") for field, _, value in split if field.strip().lower() == name]

    def is_chunked(self) -> bool:
        """Return whether the response was chunked, and set the verbose log accordingly."""
        is_chunked = bool(self.fields(b"transfer-encoding"))
        self._set_verbose(is_verbose=is_chunked)
        return is_chunked

    def is_last(self) -> bool:
        """Return whether the response itself ends the connection."""
        start = next((line for line in reversed(self.headers) if line.startswith(b"HTTP/")), b"HTTP/1.0")
        is_framed = self.fields(b"content-length") or self.fields(b"transfer-encoding")
        is_closing = any("close" in value.lower() for value in self.fields(b"connection"))
        return is_closing or start.startswith(b"HTTP/1.0") or not is_framed


def _open_multi() -> Any:
    """Open the multi handle, which needs file descriptors; wait for a while if there are none left."""
    deadline = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            return pycurl.CurlMulti()
        except pycurl.error as error:
            if not are_exhausted() or time.monotonic() >= deadline:
                raise ServiceUnavailableError(f"{RequestFault.FILES.value}, so nothing was sent ({error}).") from None
        time.sleep(FILES_SECONDS)


def _header_lines(headers: Mapping[str, str]) -> list[str]:
    # A separate function, so that no traceback frame has them as locals.
    return [f"{name}: {value}" for name, value in headers.items()]


def _retry_after(exchange: _Exchange) -> str | None:
    """Return the header's values, one per line; if headers were not kept, the value parsed by libcurl."""
    if exchange.keeps_headers:
        return "\n".join(exchange.fields(b"retry-after")) or None
    seconds = exchange.handle.getinfo(pycurl.RETRY_AFTER)
    return str(int(seconds)) if seconds else None


def _has_proxies() -> bool:
    return any(name.lower().endswith("_proxy") for name in os.environ)


def _cause(code: int, words: str) -> RequestFault:
    """Return the meaning of libcurl's error; a handshake that was aborted, not rejected, is a failed connect."""
    if code == pycurl.E_SSL_CONNECT_ERROR and any(word in words.lower() for word in HANDSHAKE_CUT):
        return RequestFault.CONNECT
    return FAULTS.get(code, RequestFault.OTHER)
