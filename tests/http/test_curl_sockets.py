"""The record of libcurl's connections stays correct when its socket numbers are reused."""

import socket

from growlytics_pandas.http.curl import Sockets


def test_reused_socket_number_is_no_connection():
    """A number that a local socket has taken since is not a connection."""
    sockets = Sockets(is_tls=False)
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.create_server(("127.0.0.1", 0)) as server:
        sockets.record_socket(ours.fileno(), 0)
        sockets.record_socket(server.fileno(), 0)
        assert sockets.is_quiet(server.getsockname()[1])
        assert list(sockets._known.values()) == [server.fileno()]
    sockets.close()
