"""Connections for `requests` that can be aborted from another thread and record whether a request was sent.

A thread blocked in ``recv`` cannot be interrupted, and a server that occasionally sends a byte resets every read
timeout. So each connection keeps a duplicate descriptor of its socket; shutting that down wakes the thread at once,
whether it is in a connect, a TLS handshake or a read.
"""

import contextlib
import errno
import http.client
import socket
import threading
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util.wait import wait_for_write

from growlytics_pandas.http.protocol import FINAL

INTERIM: Final = (100, *range(102, 200))  # statuses of interim responses; 101 ends HTTP on a connection
SLICE_SECONDS: Final = 0.1  # interval in which a connect checks whether it should stop
CONNECTING: Final = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY, 10035})  # 10035: Windows' own


class Watch:
    """State of one thread's current request; another thread may abort it."""

    def __init__(self) -> None:
        self.was_sent = True
        self.is_watched = False
        self.n_connects = 0
        self.is_late = False
        self.has_surplus = False
        self.is_closing = False
        self._started: float | None = None
        self._connection: _Watching | None = None
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Start the clock of a request. It counts as sent until a watched adapter reports otherwise."""
        with self._lock:
            self.was_sent, self.is_watched, self.n_connects, self.is_late = True, False, 0, False
            self.has_surplus = False
            self._started = time.monotonic()

    def end(self) -> None:
        """Stop the clock; release a connection that was not kept alive."""
        with self._lock:
            self._started = None
            if self._connection is not None and self._connection.sock is None:
                self._connection.drop_spare()
                self._connection = None

    def hold(self, connection: "_Watching") -> None:
        """Record the connection in use."""
        with self._lock:
            before, self._connection = self._connection, connection
            if before is not None and before is not connection and before.sock is None:
                before.drop_spare()  # left behind by a urllib3 retry
            if self.is_closing:
                raise ConnectionAbortedError("the run was stopped")

    def is_using(self, connection: "_Watching") -> bool:
        """Return whether a request is in flight on `connection`."""
        return self._started is not None and self._connection is connection

    def cut_if_late(self, now: float, limit_seconds: float) -> None:
        """Abort a request that exceeds the total time limit."""
        with self._lock:
            if self._started is not None and now - self._started > limit_seconds:
                self.is_late = True
                self._cut()

    def cut(self) -> None:
        """Abort the current request, and let no new one start."""
        with self._lock:
            self.is_closing = True
            self._cut()

    def _cut(self) -> None:
        if self._connection is not None:
            self._connection.cut()


CURRENT: Final[ContextVar[Watch | None]] = ContextVar("watch", default=None)
"""The current thread's watch, where connections find it."""


class _Response(http.client.HTTPResponse):
    """A response that is accepted only if it certainly belongs to its request.

    http.client returns the first ``103 Early Hints`` as the response, and silently drops buffered bytes past the end of
    a response; in both cases, later responses would be attributed to the wrong rows.
    """

    def __init__(self, sock: socket.socket, connection: "_Watching", **kwargs: Any) -> None:
        super().__init__(sock, **kwargs)
        self._connection = connection
        self._sock = sock

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        if status >= FINAL:
            return version, status, reason
        while status in INTERIM:
            http.client.parse_headers(self.fp)
            version, status, reason = super()._read_status()  # type: ignore[misc]
        if status < FINAL:
            raise http.client.BadStatusLine(f"{status} {reason}".strip())
        return version, status, reason

    def begin(self) -> None:
        """Read the head, dropping lines that are not headers: urllib3 would log them, and they may repeat the key."""
        super().begin()
        if self.headers.defects or self.headers.get_payload():
            self.headers.defects.clear()
            self.headers.set_payload(None)  # type: ignore[call-overload]  # the stubs do not know None

    def _close_conn(self) -> None:
        has_surplus = self._has_surplus()
        super()._close_conn()  # type: ignore[misc]
        if has_surplus:
            watch = CURRENT.get()
            if watch is not None:
                watch.has_surplus = True
            self._connection.close()

    def _has_surplus(self) -> bool:
        """Return whether there are unread bytes after the response, in the buffer or the socket."""
        with contextlib.suppress(OSError, ValueError):  # nothing there yet, or the connection is gone
            seconds = self._sock.gettimeout()
            self._sock.settimeout(0.0)
            try:
                return bool(self.fp.peek(1))
            finally:
                self._sock.settimeout(seconds)
        return False


class _Watching(HTTPConnection):
    """A connection that reports to its thread's watch. Subclasses implement `_dial`."""

    _spare: socket.socket | None = None

    def response_class(self, sock: socket.socket, *_: Any, **kwargs: Any) -> _Response:  # type: ignore[override]
        """Create the response object; called by http.client."""
        return _Response(sock, self, **kwargs)

    def __str__(self) -> str:
        """Return the text used in error messages."""
        return f"{self.host}:{self.port}"

    def _dial(self) -> socket.socket:
        return super()._new_conn()

    def _new_conn(self) -> socket.socket:
        sock = self._dial()
        self.drop_spare()
        try:
            self._spare = sock.dup()
        except OSError as error:  # too many open files
            sock.close()
            raise NewConnectionError(self, f"no connection: {error}") from error
        watch = CURRENT.get()
        if watch is not None:
            watch.n_connects += 1
            try:
                watch.hold(self)
            except ConnectionAbortedError:
                sock.close()
                raise
        return sock

    def connect(self) -> None:
        watch = CURRENT.get()
        was_sent = watch is not None and watch.was_sent  # on another connection, before a urllib3 retry
        try:
            super().connect()
        finally:
            if watch is not None:
                watch.was_sent = was_sent  # the CONNECT to a proxy is not the request

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        watch = CURRENT.get()
        if watch is not None:
            watch.hold(self)
        super().putrequest(*args, **kwargs)

    def send(self, data: Any) -> None:
        if self.sock is None and self.auto_open:
            self.connect()
        watch = CURRENT.get()
        if watch is not None:
            watch.was_sent = True
        super().send(data)

    def cut(self) -> None:
        if self._spare is not None:
            with contextlib.suppress(OSError):
                self._spare.shutdown(socket.SHUT_RDWR)

    def drop_spare(self) -> None:
        if self._spare is not None:
            self._spare.close()
            self._spare = None

    def close(self) -> None:
        super().close()
        watch = CURRENT.get()
        # http.client closes before the body of a final response is read; that read must stay abortable.
        if watch is None or not watch.is_using(self):
            self.drop_spare()


class _Watched(_Watching):
    """A watched connection whose connect can also be aborted."""

    def _dial(self) -> socket.socket:
        try:
            return _dial(self)
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "no connection in time") from error
        except OSError as error:
            raise NewConnectionError(self, f"no connection: {error}") from error


class _WatchedTLS(_Watched, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTLS

    def _validate_conn(self, conn: Any) -> None:
        """Connect, without urllib3's warning on every request of a user who chose ``verify=False``."""
        if conn.sock is None:
            conn.connect()


class WatchedAdapter(HTTPAdapter):
    """requests' own adapter with connections that can be aborted."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools use watched connections."""
        super().init_poolmanager(*args, **kwargs)
        _watch_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        """Use watched connections behind HTTP proxies too; SOCKS keeps its own connections."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        if str(proxy).lower().startswith("socks"):
            manager.pool_classes_by_scheme = {
                scheme: type("_SocksPool", (pool,), {"ConnectionCls": _watched(pool.ConnectionCls)})
                for scheme, pool in manager.pool_classes_by_scheme.items()
            }
        else:
            _watch_pools(manager)
        return manager

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Send one request, counted as sent once its first byte has left."""
        watch = CURRENT.get()
        if watch is not None:
            watch.is_watched, watch.was_sent = True, False
        return super().send(request, *args, **kwargs)


def _watched(connection: type[Any]) -> type[Any]:
    return type("_WatchedSocks", (_Watching, connection), {})


def _watch_pools(manager: Any) -> None:
    pools: Mapping[str, type[HTTPConnectionPool]] = {"http": _Pool, "https": _TLSPool}
    manager.pool_classes_by_scheme = pools


def _dial(connection: _Watched) -> socket.socket:
    """Connect to the first address that answers; stop when the thread's watch is closing."""
    seconds = connection.timeout
    deadline = time.monotonic() + float(seconds) if isinstance(seconds, int | float) else float("inf")
    failure: OSError = OSError("the name has no address")
    host = connection._dns_host.strip("[]")  # noqa: SLF001  urllib3 reads it in the very method that this replaces
    for family, kind, protocol, _, address in socket.getaddrinfo(host, connection.port, 0, socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            for option in connection.socket_options or ():
                sock.setsockopt(*option)
            if connection.source_address:
                sock.bind(connection.source_address)
            _connect(sock, address, deadline)
        except OSError as error:
            sock.close()
            failure = error
        else:
            sock.settimeout(connection.timeout)
            return sock
    raise failure


def _connect(sock: socket.socket, address: Any, deadline: float) -> None:
    sock.setblocking(False)
    code = sock.connect_ex(address)
    watch = CURRENT.get()
    while code in CONNECTING:
        if watch is not None and watch.is_closing:
            raise ConnectionAbortedError("the run was stopped")
        if time.monotonic() > deadline:
            raise TimeoutError("no connection in time")
        if wait_for_write(sock, SLICE_SECONDS):
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, errno.errorcode.get(code, "cannot connect"))
