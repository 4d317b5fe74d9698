"""What the transports share: endpoint, response, interface, and the meaning of a failed request."""

import errno
import os
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

CONNECT_SECONDS: Final = 10.0  # a host that takes longer to accept a connection is down
FINAL: Final = 200  # lowest status of a final response
MAX_LINE_CHARS: Final = 300  # of a server's text in a message, report or table cell
OK: Final = 200
UNCERTAIN: Final = "the response may belong to another request"
PLAIN_SUCCESS: Final = frozenset({b'{"success":true}', b'{"success": true}'})  # recognized without parsing


class RequestFault(Enum):
    """Why a request got no usable response."""

    CONNECT = "could not connect"
    TLS = "the server's certificate or TLS set-up was refused"
    TIMEOUT = "no answer in time"
    BROKEN = "the connection broke"
    STALE = "a kept-alive connection had been closed by the server"
    TOO_LARGE = "the answer was larger than any answer of this API"
    FILES = "this process has too many open files"
    OTHER = "the request could not be made"


class Response(NamedTuple):
    """One finished request.

    `token`: the caller's argument to ``submit``. `status`: the HTTP status, 0 without a response; `fault` is then the
    reason. `was_sent`: False only if the request certainly never reached the service, so that a lost response counts as
    *unknown*, never as *failed*. `repeats`: how often the transport itself had sent the request before, on connections
    that then broke. `retry_after`: the header's values, one per line. `detail`: the HTTP library's message.

    Text from a server or library may repeat the key: `body`, `location` and `detail` are shown only by
    `retry.describe`, which decodes them and removes the key with `mask`. So they are not in the repr.
    """

    token: int
    status: int
    body: bytes
    seconds: float
    fault: RequestFault | None = None
    was_sent: bool = True
    retry_after: str | None = None
    location: str | None = None
    detail: str = ""
    repeats: int = 0
    mask: Callable[[str], str] = str

    def __repr__(self) -> str:
        return f"<Response {self.token}: {self.status or self.fault}, {len(self.body)} bytes>"


UNEVENTFUL: Final = tuple(Response._field_defaults.values())
"""The fields of a response after `seconds`, for a plain success."""


def one_line(text: str, max_chars: int = MAX_LINE_CHARS) -> str:
    r"""Return `text` as one line of at most `max_chars`, without control, bidi and other invisible characters.

    Examples
    --------
    >>> one_line("bad\x1b[31m\n  gateway")
    'bad [31m gateway'
    """
    head = text[: 16 * max_chars]  # a body can be large, mostly white space
    visible = "".join(" " if unicodedata.category(char)[0] == "C" else char for char in head)
    line = " ".join(visible.split())
    return line if len(line) <= max_chars else line[: max_chars - 1] + "…"


MAX_RESPONSE_BYTES = 1 << 20
"""A response body is truncated here [assumed: the documented one has 16 bytes]."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """URL, headers and limits of a transport's requests. `headers` contain the key, so they are not in the repr."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    timeout_seconds: float = 30.0
    verify: bool | Path = True  # a path: of the trusted certificates
    session: Any = None
    """A prepared `requests.Session`; only the requests transport can use it."""


class Transport(Protocol):
    """Sends bodies, one per request, many at once. Used from one thread, the delivery loop."""

    def submit(self, token: int, body: bytes) -> None:
        """Start one request and return at once. The caller keeps at most `max_concurrency` in flight."""

    def poll(self, timeout: float) -> list[Response]:
        """Wait at most `timeout` seconds for a response; return all that have arrived (perhaps none)."""

    def close(self) -> None:
        """Abort requests in flight. Once this returns, no thread or request of this transport is active."""


def find_fault(cause: RequestFault, *, was_sent: bool, is_stale: bool = False, code: int = 0) -> RequestFault:
    """Return the fault of a failed request: once it was sent, its response may be lost, whatever the cause.

    Parameters
    ----------
    cause : RequestFault
        What the HTTP library's error means if nothing was sent.
    was_sent : bool
        Whether any of the request may have left this process.
    is_stale : bool
        Whether a kept-alive connection broke before the first byte of the response.
    code : int
        The ``errno`` of the failure, if known.
    """
    if not was_sent:
        if are_exhausted(code):
            return RequestFault.FILES
        return RequestFault.CONNECT if cause in {RequestFault.TIMEOUT, RequestFault.BROKEN} else cause
    if cause in {RequestFault.TIMEOUT, RequestFault.TOO_LARGE}:
        return cause
    return RequestFault.STALE if is_stale else RequestFault.BROKEN


EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE})
SPARE: Final = 16  # fewer count as none, since other requests open and close some all the time


def are_exhausted(code: int = 0) -> bool:
    """Return whether the process has (almost) no file descriptors left.

    Parameters
    ----------
    code : int
        The ``errno`` of the failure, if known. Name look-ups and TLS libraries hide it (glibc reports EBUSY for a name
        look-up without a descriptor), so this also opens a few descriptors, all at once, since the missing one
        may have been released by now.
    """
    if code in EXHAUSTED:
        return True
    opened: list[int] = []
    try:
        while len(opened) < SPARE:
            opened.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in EXHAUSTED
    finally:
        for each in opened:
            os.close(each)
    return False
