"""The answers that the sandbox can give, good and bad."""

import json
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from growlytics_pandas import contract

MAX_BODY_BYTES: Final = 1 << 20
"""A customer of 100 attributes of 512 characters has a tenth of this [assumed]."""

MAX_HEAD_BYTES: Final = 64 << 10
"""Of the request line with all headers: eight times what common servers take [assumed]."""

_JSON_TYPE: Final = (b"content-type", contract.CONTENT_TYPE.encode())
_HTML_PAGE: Final = b"<!doctype html><title>Sign in</title><p>Please sign in to the network.</p>"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and headers of one answer; `Content-Length` is added when it is sent."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = (_JSON_TYPE,)


SUCCESS: Final = Answer(HTTPStatus.OK, b'{"success":true}')
NOT_FOUND: Final = "path: it is not known here; POST to " + contract.CUSTOMER_PATH
HTML_PAGE: Final = Answer(HTTPStatus.OK, _HTML_PAGE, ((b"content-type", b"text/html; charset=utf-8"),))
"""What a captive portal or a proxy puts in the way."""


def refusal(status: int, message: str, *headers: tuple[bytes, bytes]) -> Answer:
    """Return an answer that says why not, in the form of all error answers here [assumed]."""
    body = json.dumps({"success": False, "message": message}).encode()
    return Answer(status, body, (_JSON_TYPE, *headers))


NOT_HTTP: Final = refusal(HTTPStatus.BAD_REQUEST, "request: it is not HTTP; send HTTP/1.1")
HEAD_TOO_LARGE: Final = refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"headers: they have more than {MAX_HEAD_BYTES} bytes; send fewer"
)


def status_fault(status: int, retry_after: str | None) -> Answer:
    """Return the answer of an error status that a fault asked for."""
    headers = () if retry_after is None else ((b"retry-after", retry_after.encode()),)
    return refusal(status, f"sandbox fault: {status}", *headers)


def redirect_to(url: str) -> Answer:
    """Return a redirect."""
    return refusal(HTTPStatus.FOUND, "sandbox fault: redirect", (b"location", url.encode()))


def retry_after_text(seconds: int, turn: int, now: float) -> str:
    """Return `Retry-After` in seconds on even turns, as an HTTP date on odd ones."""
    # The date has whole seconds: rounded up, or it would ask for less than `seconds`.
    return str(seconds) if turn % 2 == 0 else formatdate(int(now) + 1 + seconds, usegmt=True)
