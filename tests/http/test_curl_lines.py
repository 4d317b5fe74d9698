"""The record of libcurl's connections stays correct when its socket numbers are reused."""

import socket

from growlytics_pandas.http.curl import Lines


def test_reused_socket_number_is_no_connection():
    """A number that a local socket has taken since is not a connection."""
    lines = Lines(is_tls=False)
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.create_server(("127.0.0.1", 0)) as server:
        lines.record_socket(ours.fileno(), 0)
        lines.record_socket(server.fileno(), 0)
        assert lines.is_quiet(server.getsockname()[1])
        assert list(lines._known.values()) == [server.fileno()]
    lines.close()
