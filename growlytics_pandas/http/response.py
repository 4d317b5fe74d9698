"""What a transport reports of one request: the words that transports, retry and delivery share."""

import unicodedata
from collections.abc import Callable
from enum import Enum
from typing import Final, NamedTuple

MAX_LINE_CHARS: Final = 300  # of a foreign text that ends up in a message, a report, a table cell


OK: Final = 200
PLAIN_SUCCESS: Final = frozenset({b'{"success":true}', b'{"success": true}'})  # known at sight, without parsing


class TransportError(Enum):
    """Why a request got no usable answer."""

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

    `token` is what the caller gave to ``submit``. `status` is the HTTP status, 0 where there was no answer; then
    `fault` says why. `was_sent` is False only where the request certainly never reached the service, so that a lost
    answer counts as *unknown*, never as *failed*. `repeats`: how often the transport itself had sent it before, on
    connections that then broke. `retry_after`: the header's values, one a line. `detail` holds the lower library's
    words.

    What a server or a library says may repeat the key: `body`, `location` and `detail` are shown by `retry.describe`
    only, which decodes them and lets `mask` take the key out. So they are not in the repr.
    """

    token: int
    status: int
    body: bytes
    seconds: float
    fault: TransportError | None = None
    was_sent: bool = True
    retry_after: str | None = None
    location: str | None = None
    detail: str = ""
    repeats: int = 0
    mask: Callable[[str], str] = str

    def __repr__(self) -> str:
        return f"<Response {self.token}: {self.status or self.fault}, {len(self.body)} bytes>"


UNEVENTFUL: Final = tuple(Response._field_defaults.values())
"""The fields of a reply after `seconds` when all went well."""


def one_line(text: str, max_chars: int = MAX_LINE_CHARS) -> str:
    r"""Return `text` as one line of at most `max_chars`, without control, bidi and other invisible characters.

    Examples
    --------
    >>> one_line("bad\x1b[31m\n  gateway")
    'bad [31m gateway'
    """
    head = text[: 16 * max_chars]  # a body can be large, and most of it may be white space
    visible = "".join(" " if unicodedata.category(char)[0] == "C" else char for char in head)
    line = " ".join(visible.split())
    return line if len(line) <= max_chars else line[: max_chars - 1] + "…"
