"""The sandbox as an ASGI application: one endpoint, the documented behaviour, and the faults it is asked for."""

import asyncio
import socket
import struct
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any, Final

from growlytics_pandas import contract
from growlytics_pandas.errors import GrowlyticsError, InvalidArgumentError
from growlytics_pandas.sandbox.answers import (
    HTML_PAGE,
    MAX_BODY_BYTES,
    NOT_FOUND,
    SUCCESS,
    Answer,
    redirect_to,
    refusal,
    retry_after_text,
    status_fault,
)
from growlytics_pandas.sandbox.faults import FaultDeck, FaultKind, Faults, Play
from growlytics_pandas.sandbox.openapi import OPENAPI_PATH, answer_openapi
from growlytics_pandas.sandbox.page import PAGE_METHODS, PAGE_PATH, answer_page
from growlytics_pandas.sandbox.rules import read_request
from growlytics_pandas.sandbox.store import SandboxStore

TRANSPORT_EXTENSION: Final = "growlytics.transport"
"""Where the protocol puts its transport in the scope: a connection can only be reset through it."""

_KEY_HEADER: Final = contract.KEY_HEADER.encode()
_RETRY_AFTER_STATUSES: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_RATE_LIMIT_RETRY_AFTER: Final = "1"
# SO_LINGER on, for no time: closing resets. Two C ints, two shorts on Windows.
_LINGER_NOT: Final = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class SandboxApp:
    """Answers customer requests on one event loop.

    Attributes
    ----------
    requests : int
        Customer requests that arrived, whatever became of them.
    deck : FaultDeck
        What goes wrong, and the count of it.
    """

    def __init__(self, store: SandboxStore, api_key: str, faults: Faults) -> None:
        self._store = store
        self._key = api_key.encode()
        self._faults = faults
        self.reset()

    def reset(self) -> None:
        """Start counting, and the sequence of faults, anew."""
        self.requests = 0
        self.deck = FaultDeck(self._faults, time.monotonic)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = await _read_body(receive)
        if body is None:
            return
        if scope["path"] == PAGE_PATH and scope["method"] in PAGE_METHODS:
            await _send(send, await answer_page(scope, self._store.path, self._faults, self.requests, self.deck.played))
        elif scope["path"] == OPENAPI_PATH:
            await _send(send, answer_openapi(scope["method"]))
        elif scope["path"] != contract.CUSTOMER_PATH:
            await _send(send, refusal(HTTPStatus.NOT_FOUND, NOT_FOUND))
        elif scope["method"] != "POST":
            await _send(send, refusal(HTTPStatus.METHOD_NOT_ALLOWED, "method: use POST", (b"allow", b"POST")))
        else:
            await self._play(scope, receive, send, body)

    async def _play(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        self.requests += 1
        play = self.deck.deal()
        if play.latency_seconds > 0:
            await asyncio.sleep(play.latency_seconds)
        if play.kind is FaultKind.RESET_BEFORE:
            await _reset(scope, receive)
        elif play.kind is FaultKind.RESET_AFTER:
            self._handle(scope, body)
            await _reset(scope, receive)
        elif play.kind is FaultKind.HANG:
            if self._faults.hang_writes:
                self._handle(scope, body)
            await _wait_for_disconnect(receive)
        elif play.kind is FaultKind.TRUNCATE:
            await _send_truncated(scope, receive, send, self._handle(scope, body), turn=play.turn)
        else:
            await _send(send, self._bad_answer(play) or self._handle(scope, body))

    def _bad_answer(self, play: Play) -> Answer | None:
        """Return the whole answer of a fault that writes nothing, None where there is no such fault."""
        match play.kind:
            case FaultKind.STATUS:
                return status_fault(play.status, self._retry_after(play))
            case FaultKind.RATE_LIMIT:
                return status_fault(HTTPStatus.TOO_MANY_REQUESTS, _RATE_LIMIT_RETRY_AFTER)
            case FaultKind.HTML:
                return HTML_PAGE
            case FaultKind.SUCCESS_FALSE:
                return refusal(HTTPStatus.OK, "sandbox fault: success_false")
            case FaultKind.REDIRECT:
                return redirect_to(self._faults.redirect or "")
            case _:
                return None

    def _retry_after(self, play: Play) -> str | None:
        if play.status not in _RETRY_AFTER_STATUSES:
            return None
        return retry_after_text(self._faults.retry_after, play.turn, time.time())

    def _handle(self, scope: Scope, body: bytes) -> Answer:
        """Do what the service would do, and return its answer."""
        if not self._has_key(scope):
            return refusal(HTTPStatus.UNAUTHORIZED, f"{contract.KEY_HEADER}: it is missing or wrong; send the API key")
        if len(body) > MAX_BODY_BYTES:
            return refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"body: it has more than {MAX_BODY_BYTES} bytes")
        try:
            self._store.apply(read_request(body))
        except InvalidArgumentError as problem:
            return refusal(HTTPStatus.BAD_REQUEST, str(problem))
        except GrowlyticsError as problem:
            return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, str(problem))
        return SUCCESS

    def _has_key(self, scope: Scope) -> bool:
        return any(name == _KEY_HEADER and value == self._key for name, value in scope["headers"])


async def _read_body(receive: Receive) -> bytes | None:
    """Return the body, None where the client went away. Of one that is too large, a little more than the limit."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        if len(body) <= MAX_BODY_BYTES:
            # The rest is read and dropped: a client that is still sending would miss the answer.
            body += message["body"]
        if not message["more_body"]:
            return body


async def _send(send: Send, answer: Answer) -> None:
    headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _send_truncated(scope: Scope, receive: Receive, send: Send, answer: Answer, *, turn: int) -> None:
    half = answer.body[: len(answer.body) // 2]
    if turn % 2:
        await _send(send, Answer(answer.status, half, answer.headers))
        return
    headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": half, "more_body": True})
    scope["extensions"][TRANSPORT_EXTENSION].close()
    await _wait_for_disconnect(receive)


async def _reset(scope: Scope, receive: Receive) -> None:
    transport = scope["extensions"][TRANSPORT_EXTENSION]
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    transport.abort()
    await _wait_for_disconnect(receive)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
