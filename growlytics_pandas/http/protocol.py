"""The seam between delivery and the HTTP libraries."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from growlytics_pandas.http.response import Response

MAX_REPLY_BYTES = 1 << 20
"""An answer is cut here [assumed: the documented one has 16 bytes]."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how every request of a transport goes. `headers` hold the key, so they stay out of the repr."""

    url: str
    headers: "Headers"
    timeout_seconds: float = 30.0
    verify: bool | Path = True
    session: Any = None
    """A prepared `requests.Session`; only the requests transport can use it."""


class Headers(dict[str, str]):
    """Request headers whose repr shows names only: they hold the key."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__(headers)

    def __repr__(self) -> str:
        return f"Headers({', '.join(self)})"

    __str__ = __repr__


class Transport(Protocol):
    """Sends bodies, one request each, many at once; single-threaded use by the delivery loop."""

    name: str

    def submit(self, token: int, body: bytes) -> None:
        """Start one request and return at once. The caller keeps no more than `max_concurrency` in flight."""

    def poll(self, timeout: float) -> list[Response]:
        """Wait at most `timeout` seconds for a reply; return every one that is there (perhaps none)."""

    def close(self) -> None:
        """Cut what is in flight. When this returns no thread and no request of this transport goes on."""
