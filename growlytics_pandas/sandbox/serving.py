"""The sandbox as an ASGI application, and uvicorn in a thread: imported only when a sandbox starts.

uvicorn is an extra, and asyncio takes time to import.
"""

import asyncio
import importlib
import importlib.util
import logging
import socket
import struct
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from concurrent.futures import Future
from functools import cache
from http import HTTPStatus
from typing import Any, Final, cast

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from growlytics_pandas import contract
from growlytics_pandas.errors import GrowlyticsError, InvalidArgumentError
from growlytics_pandas.sandbox.answers import (
    HEAD_TOO_LARGE,
    HTML_PAGE,
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    NOT_FOUND,
    NOT_HTTP,
    OPENAPI_PATH,
    SUCCESS,
    Answer,
    answer_openapi,
    redirect_to,
    refusal,
    retry_after_text,
    status_fault,
)
from growlytics_pandas.sandbox.faults import FaultDeck, FaultKind, Faults, Play
from growlytics_pandas.sandbox.page import PAGE_METHODS, PAGE_PATH, answer_page
from growlytics_pandas.sandbox.rules import read_request
from growlytics_pandas.sandbox.store import SandboxStore

TRANSPORT_EXTENSION: Final = "growlytics.transport"
"""The scope's key for the protocol's transport, which is needed to reset a connection."""

_KEY_HEADER: Final = contract.KEY_HEADER.encode()
_RETRY_AFTER_STATUSES: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_RATE_LIMIT_RETRY_AFTER: Final = "1"
# SO_LINGER with timeout 0, so that closing resets the connection. Two C ints, or two shorts on Windows.
_LINGER_NOT: Final = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)

BACKLOG: Final = 2048
KEEP_ALIVE_SECONDS: Final = 75
"""Seconds an idle connection is kept, as in common reverse proxies."""

_CUT_ROUNDS: Final = 10
"""Iterations of the event loop in which connections are closed: accepting one takes three."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class SandboxApp:
    """Answers customer requests on one event loop.

    Attributes
    ----------
    requests : int
        Customer requests that arrived, whatever their outcome.
    deck : FaultDeck
        The faults and their counts.
    """

    def __init__(self, store: SandboxStore, api_key: str, faults: Faults) -> None:
        self._store = store
        self._key = api_key.encode()
        self._faults = faults
        self.reset()

    def reset(self) -> None:
        """Reset the count and the sequence of faults."""
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
        """Return the response of a fault that writes nothing; None if there is none."""
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
        """Do what the service would do, and return its response."""
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
    """Return the body; None if the client disconnected. A body that is too large is cut just above the limit."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        if len(body) <= MAX_BODY_BYTES:
            # The rest is read and discarded: a client that is still sending would miss the response.
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


@cache
def _silent_logger() -> logging.Logger:
    # Not from getLogger: uvicorn's warnings are caused by simulated faults, and a notebook would show them.
    logger = logging.Logger("growlytics_pandas.sandbox", logging.CRITICAL)  # noqa: LOG001 - see above
    logger.addHandler(logging.NullHandler())
    return logger


class _Flow(FlowControl):
    """Resumes reading only if no request is queued: uvicorn would buffer all that a client sends without reading."""

    def __init__(self, transport: asyncio.Transport, waiting: Collection[object]) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if not self._waiting:
            super().resume_reading()


class SandboxProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with its transport in the scope, without logging, and with bounded buffers."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.logger = _silent_logger()
        self.access_log = False
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Store the transport."""
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)

    def data_received(self, data: bytes) -> None:
        """Parse `data`; reject an endless head, which the parser would buffer and copy again with each piece."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._end_with(HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Add the transport to the scope."""
        super().on_message_begin()
        scope = cast("dict[str, Any]", self.scope)  # our own extension, unknown to uvicorn's types
        scope["extensions"] = {TRANSPORT_EXTENSION: self.transport}

    def on_headers_complete(self) -> None:
        """Start the response."""
        super().on_headers_complete()
        self._head_bytes = 0

    def on_body(self, body: bytes) -> None:
        """Receive a piece of the body."""
        super().on_body(body)
        self._head_bytes = 0

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's message, as plain text
        """Answer a request that is not HTTP in the sandbox's error format."""
        self._end_with(NOT_HTTP)

    def _end_with(self, answer: Answer) -> None:
        headers = (*answer.headers, (b"content-length", b"%d" % len(answer.body)), (b"connection", b"close"))
        lines = [b"%s: %s\r\n" % header for header in headers]
        self.transport.write(b"".join([STATUS_LINE[answer.status], *lines, b"\r\n", answer.body]))
        self.transport.close()


class ServerThread:
    """Serves an application on a bound socket, in a thread, until `stop`."""

    def __init__(self, app: SandboxApp, listener: socket.socket) -> None:
        self._app = app
        self._listener = listener
        self._ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=self._run, name="growlytics-sandbox", daemon=True)
        self._thread.start()
        self._loop, self._stopping = self._ready.result()

    def stop(self) -> None:
        """Close all connections and wait for the thread to end."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        # uvicorn's own Server handles signals and logs; its parts do neither.
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(self._serve())
        except BaseException as problem:
            if self._ready.done():
                raise
            self._ready.set_exception(problem)
        finally:
            self._listener.close()

    async def _serve(self) -> None:
        loop, stopping, state = asyncio.get_running_loop(), asyncio.Event(), ServerState()
        config = _configure(self._app)
        server = await loop.create_server(
            lambda: SandboxProtocol(config=config, server_state=state, app_state={}, _loop=loop),
            sock=self._listener,
            backlog=BACKLOG,
        )
        self._ready.set_result((loop, stopping))
        await stopping.wait()
        server.close()
        await _cut(state)


def _configure(app: SandboxApp) -> Config:
    config = Config(
        app,
        http=SandboxProtocol,
        interface="asgi3",
        lifespan="off",
        log_config=None,  # leave the host's logging alone
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        ws="none",
    )
    config.load()
    return config


async def _cut(state: ServerState) -> None:
    """Close every connection and task; later iterations catch connections that were just being accepted."""
    for _ in range(_CUT_ROUNDS):
        for connection in list(state.connections):
            connection.transport.abort()
        for task in list(state.tasks):
            task.cancel()
        await asyncio.sleep(0)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's if it is installed: 50 % more requests per second."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    return factory
