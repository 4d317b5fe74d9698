"""The connections of libcurl: before one is used again, it is checked for bytes that no request has asked for.

libcurl itself checks idle connections once a second at most, and takes what waits there for the answer to the next
request. So it asks here, with the local port, just before each request is sent.
"""

import contextlib
import select
import socket
from collections.abc import Callable
from typing import Any, Final

WAITING: Final = select.POLLIN | select.POLLHUP | select.POLLERR if hasattr(select, "poll") else 0

Look = Callable[[int], list[Any]]


class Lines:
    """The sockets that libcurl has opened, by their local ports.

    Parameters
    ----------
    is_tls : bool
        The first look at each connection says nothing then: bytes of the handshake may still wait.
    """

    __slots__ = ("_condemned", "_is_tls", "_known", "_new", "_unused", "is_multiplexed", "looks")

    def __init__(self, *, is_tls: bool) -> None:
        self.is_multiplexed = is_tls
        """Whether bytes may come at any time: HTTP/2, where each answer names its request."""
        self.looks: dict[int, Look] = {}
        """Port → a look at a connection in use: with 0 it returns an empty list where nothing waits."""
        self._is_tls = is_tls
        self._new: list[int] = []
        self._known: dict[int, Look] = {}
        self._unused: set[int] = set()
        self._condemned: set[int] = set()

    def note_socket(self, descriptor: int, _purpose: int) -> int:
        """Take note of a socket that libcurl has made; it has no port yet, or one that another had before."""
        self._new.append(descriptor)
        self.looks.clear()
        return 0

    def is_quiet(self, port: int) -> bool:
        """Return whether a request may go over the connection with this local port: nothing waits there."""
        self._learn()
        if port in self._condemned:
            return False
        look = self._known.get(port)
        if look is None:
            return True
        is_first = port in self._unused
        self._unused.discard(port)
        if is_first and self._is_tls:
            return True
        self.looks[port] = look
        return self.is_multiplexed or not look(0)

    def condemn(self, port: int) -> None:
        """Let no further request over the connection with this local port."""
        self._condemned.add(port)
        self.looks.pop(port, None)

    def _learn(self) -> None:
        """Find the ports of new sockets. A port that is taken again is another connection's."""
        for descriptor in self._new:
            with contextlib.suppress(OSError):  # it was closed again: another address answered first
                sock = socket.socket(fileno=descriptor)
                try:
                    port = sock.getsockname()[1]
                finally:
                    sock.detach()
                self._known[port] = _look_at(descriptor)
                self._unused.add(port)
                self._condemned.discard(port)
        self._new.clear()


def _look_at(descriptor: int) -> Look:
    if not WAITING:  # Windows
        return lambda _: select.select([descriptor], [], [], 0.0)[0]
    poll = select.poll()
    poll.register(descriptor, WAITING)
    return poll.poll
