"""The connections of libcurl: before one is used again, it is checked for bytes that no request has asked for.

libcurl itself checks idle connections once a second at most, and takes what waits there for the answer to the next
request. So all are looked at together before requests start, and libcurl asks here, by the local port, before it sends
each of them.
"""

import contextlib
import select
import socket
from typing import Any, Final

READABLE: Final = 1  # EPOLLIN and POLLIN alike

_OF_THE_NETWORK: Final = (socket.AF_INET, socket.AF_INET6)


class Lines:
    """The sockets that libcurl has opened, by their local ports.

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
