"""The record of libcurl's connections stays correct when its socket numbers are reused."""

import socket

from growlytics_pandas.http.curl import Lines


def test_a_number_that_a_local_socket_has_taken_is_no_connection():
    lines = Lines(is_tls=False)
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.create_server(("127.0.0.1", 0)) as server:
        lines.note_socket(ours.fileno(), 0)
        lines.note_socket(server.fileno(), 0)
        assert lines.is_quiet(server.getsockname()[1])
        assert list(lines._known.values()) == [server.fileno()]
    lines.close()
