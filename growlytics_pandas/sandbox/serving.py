"""The sandbox's HTTP server, in a thread. Imported only when a sandbox starts, since httptools is an extra."""

import asyncio
import socket
import struct
import sys
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser, parse_url

from growlytics_pandas import contract
from growlytics_pandas.errors import GrowlyticsError, InvalidArgumentError
from growlytics_pandas.sandbox.answers import (
    HTML_PAGE,
    MAX_BODY_BYTES,
    NOT_FOUND,
    NOT_HTTP,
    OPENAPI_PATH,
    SUCCESS,
    Answer,
    answer_openapi,
    refusal,
    retry_after_text,
    wrong_method,
)
from growlytics_pandas.sandbox.faults import FaultDeck, Faults, Play
from growlytics_pandas.sandbox.page import PAGE_METHODS, PAGE_PATH, answer_page
from growlytics_pandas.sandbox.rules import read_request
from growlytics_pandas.sandbox.store import SandboxStore

_RETRY_AFTER_STATUSES: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
# SO_LINGER with timeout 0, so that closing resets the connection. Two C ints, or two shorts on Windows.
_LINGER_NOT: Final = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

BACKLOG: Final = 2048
_CUT_ROUNDS: Final = 10
"""Iterations of the event loop in which connections are closed: accepting one takes three."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


class SandboxApp:
    """Answers requests on one event loop.

    Attributes
    ----------
    requests : int
        Customer requests that arrived, whatever their outcome.
    deck : FaultDeck
        The faults and their counts.
    """

    def __init__(self, store: SandboxStore, api_key: str, faults: Faults) -> None:
        self._store = store
        self._key = api_key
        self._faults = faults
        self.reset()

    def reset(self) -> None:
        """Reset the count and the sequence of faults."""
        self.requests = 0
        self.deck = FaultDeck(self._faults, time.monotonic)

    async def respond(self, request: Request, connection: "Connection") -> None:
        """Answer one request."""
        if request.path == contract.CUSTOMER_PATH and request.method == "POST":
            await self._play(request, connection)
        else:
            connection.send(self._look(request), has_body=request.method != "HEAD")

    def _look(self, request: Request) -> Answer:
        """Return the response to anything but a customer."""
        if request.path == PAGE_PATH and request.method in PAGE_METHODS:
            return answer_page(
                self._store, request.headers.get("host"), request.query, self._faults, self.requests, self.deck.played
            )
        if request.path == OPENAPI_PATH:
            return answer_openapi(request.method)
        if request.path == contract.CUSTOMER_PATH:
            return wrong_method("POST")
        return NOT_FOUND

    async def _play(self, request: Request, connection: "Connection") -> None:
        self.requests += 1
        play = self.deck.deal()
        if play.latency_seconds > 0:
            await asyncio.sleep(play.latency_seconds)
        match play.name:
            case "reset_before":
                connection.reset()
            case "reset_after":
                self._handle(request)
                connection.reset()
            case "hang":
                if self._faults.hang_writes:
                    self._handle(request)
                await connection.lost
            case "truncate":
                connection.send_truncated(self._handle(request), is_json_cut=play.turn % 2 == 1)
            case _:
                connection.send(self._bad_answer(play) or self._handle(request))

    def _bad_answer(self, play: Play) -> Answer | None:
        """Return the response of a fault that writes nothing; None if there is none."""
        if play.status:
            waits = play.status in _RETRY_AFTER_STATUSES
            return _fault(
                play.status, retry_after_text(self._faults.retry_after, play.turn, time.time()) if waits else ""
            )
        match play.name:
            case "rate_limit":
                return _fault(HTTPStatus.TOO_MANY_REQUESTS, "1")
            case "html":
                return HTML_PAGE
            case "success_false":
                return refusal(HTTPStatus.OK, "sandbox fault: success_false")
            case "redirect":
                return refusal(HTTPStatus.FOUND, "sandbox fault: redirect", location=self._faults.redirect or "")
            case _:
                return None

    def _handle(self, request: Request) -> Answer:
        """Do what the service would do, and return its response."""
        if request.headers.get(contract.KEY_HEADER) != self._key:
            return refusal(HTTPStatus.UNAUTHORIZED, f"{contract.KEY_HEADER}: it is missing or wrong; send the API key")
        if len(request.body) > MAX_BODY_BYTES:
            return refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"body: it has more than {MAX_BODY_BYTES} bytes")
        try:
            self._store.apply(read_request(request.body))
        except InvalidArgumentError as problem:
            return refusal(HTTPStatus.BAD_REQUEST, str(problem))
        except RecursionError:
            return refusal(HTTPStatus.BAD_REQUEST, "body: it is nested too deeply; send flat attributes")
        except GrowlyticsError as problem:
            return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, str(problem))
        return SUCCESS


def _fault(status: int, retry_after: str) -> Answer:
    headers = {"retry-after": retry_after} if retry_after else {}
    return refusal(status, f"sandbox fault: {status:d}", **headers)


class Connection(asyncio.Protocol):
    """One connection: reads requests with httptools, and answers them in order."""

    def __init__(self, app: SandboxApp, connections: set["Connection"]) -> None:
        self._app = app
        self._connections = connections
        self._parser = HttpRequestParser(self)
        self._waiting: deque[Request | None] = deque()  # None: what came is not HTTP
        self._answering: asyncio.Task[None] | None = None
        self._is_last = False
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's form
        """Let requests that are never answered end."""
        self._connections.discard(self)
        if not self.lost.done():
            self.lost.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Parse a piece of the stream."""
        if self._is_last:
            return
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:  # an offer, which is declined by a plain answer
            self._is_last = True
        except HttpParserError:
            self._is_last = True
            self._queue(None)

    # what the parser calls ---------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body = bytearray()

    def on_url(self, url: bytes) -> None:
        """Receive a piece of the URL."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Receive a header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Ask for the body, if the client waits for that."""
        if self._headers.get("expect", "").lower() == "100-continue":
            self.transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        """Receive a piece of the body; past the limit it is discarded, so that the client reads the response."""
        if len(self._body) <= MAX_BODY_BYTES:
            self._body += body

    def on_message_complete(self) -> None:
        """Queue the request."""
        self._is_last = self._is_last or not self._parser.should_keep_alive()
        url = parse_url(self._url)
        path, query = (url.path or b"/").decode("latin-1"), (url.query or b"").decode("latin-1")
        self._queue(Request(self._parser.get_method().decode(), path, query, self._headers, bytes(self._body)))

    def _queue(self, request: Request | None) -> None:
        self._waiting.append(request)
        if self._answering is None:
            self._answering = asyncio.get_running_loop().create_task(self._answer())

    async def _answer(self) -> None:
        while self._waiting:
            request = self._waiting.popleft()
            if request is None:
                self.send(NOT_HTTP)
            else:
                await self._app.respond(request, self)
        self._answering = None
        if self._is_last:
            self.transport.close()

    # what the app calls ------------------------------------------------------------------------------------------

    def send(self, answer: Answer, *, has_body: bool = True) -> None:
        """Send a response."""
        is_end = self._is_last and not self._waiting
        self.transport.write(answer.head(is_end=is_end) + (answer.body if has_body else b""))

    def send_truncated(self, answer: Answer, *, is_json_cut: bool) -> None:
        """Send half the JSON as if it were whole, or half of what `Content-Length` promises."""
        half = answer.body[: len(answer.body) // 2]
        if is_json_cut:
            self.send(Answer(answer.status, half))
        else:
            self.transport.write(answer.head(is_end=True) + half)
            self.transport.close()

    def reset(self) -> None:
        """Reset the connection."""
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self.transport.abort()


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
        try:
            asyncio.run(self._serve())
        except BaseException as problem:
            if self._ready.done():
                raise
            self._ready.set_exception(problem)
        finally:
            self._listener.close()

    async def _serve(self) -> None:
        loop, stopping = asyncio.get_running_loop(), asyncio.Event()
        connections: set[Connection] = set()
        server = await loop.create_server(
            lambda: Connection(self._app, connections), sock=self._listener, backlog=BACKLOG
        )
        self._ready.set_result((loop, stopping))
        await stopping.wait()
        server.close()
        for _ in range(_CUT_ROUNDS):  # later iterations catch connections that were just being accepted
            for connection in list(connections):
                connection.transport.abort()
            await asyncio.sleep(0)
