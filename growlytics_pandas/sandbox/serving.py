"""The sandbox's HTTP server, in a thread. Imported only when a sandbox starts, since httptools is an extra."""

import asyncio
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser, parse_url

from growlytics_pandas import contract
from growlytics_pandas.errors import GrowlyticsError, InvalidArgumentError
from growlytics_pandas.sandbox.faults import FaultDeck, Faults, Play
from growlytics_pandas.sandbox.page import PAGE_METHODS, PAGE_PATH, answer_page
from growlytics_pandas.sandbox.responses import (
    HTML_PAGE,
    MAX_BODY_BYTES,
    NOT_FOUND,
    NOT_HTTP,
    OPENAPI_PATH,
    SUCCESS,
    Response,
    answer_openapi,
    refusal,
    retry_after_text,
    wrong_method,
)
from growlytics_pandas.sandbox.rules import read_request
from growlytics_pandas.sandbox.store import SandboxStore

_RETRY_AFTER_STATUSES: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
# SO_LINGER with timeout 0, so that closing resets the connection. Two C ints, or two shorts on Windows.
_LINGER_NOT: Final = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)

_PIECE_BYTES: Final = 1 << 16

BACKLOG: Final = 2048
_ACCEPTING_ROUNDS: Final = 3
"""Iterations of the event loop that it takes to accept a connection."""


@dataclass(slots=True)
class Request:
    """One request; header names are in lower case. Without a method, what arrived is not HTTP."""

    method: str = ""
    path: str = ""
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    is_last: bool = True
    """Whether the connection ends with the response."""


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
        self._bad_answers = {
            "rate_limit": refusal(HTTPStatus.TOO_MANY_REQUESTS, "sandbox fault: rate_limit", **{"retry-after": "1"}),
            "html": HTML_PAGE,
            "success_false": refusal(HTTPStatus.OK, "sandbox fault: success_false"),
            "redirect": refusal(HTTPStatus.FOUND, "sandbox fault: redirect", location=faults.redirect or ""),
        }
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
            connection.send(self._look(request))

    def _look(self, request: Request) -> Response:
        """Return the response to anything but a customer."""
        if not request.method:
            return NOT_HTTP
        if request.path == PAGE_PATH and request.method in PAGE_METHODS:
            host = request.headers.get("host")
            return answer_page(self._store, host, request.query, self._faults, self.requests, self.deck.played)
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
                await connection.hang()
            case "truncate":
                connection.send_truncated(self._handle(request), is_json_cut=play.turn % 2 == 1)
            case _:
                connection.send(self._bad_answer(play) or self._handle(request))

    def _bad_answer(self, play: Play) -> Response | None:
        """Return the response of a fault that writes nothing; None if there is none."""
        if not play.status:
            return self._bad_answers.get(play.name)
        headers = {}
        if play.status in _RETRY_AFTER_STATUSES:
            headers["retry-after"] = retry_after_text(self._faults.retry_after, play.turn, time.time())
        return refusal(play.status, f"sandbox fault: {play.status:d}", **headers)

    def _handle(self, request: Request) -> Response:
        """Do what the service would do, and return its response."""
        if request.headers.get(contract.KEY_HEADER) != self._key:
            return refusal(HTTPStatus.UNAUTHORIZED, f"{contract.KEY_HEADER}: it is missing or wrong; send the API key")
        if len(request.body) > MAX_BODY_BYTES:
            return refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"body: it has more than {MAX_BODY_BYTES} bytes")
        try:
            self._store.apply(read_request(bytes(request.body)))
        except InvalidArgumentError as problem:
            return refusal(HTTPStatus.BAD_REQUEST, str(problem))
        except RecursionError:
            return refusal(HTTPStatus.BAD_REQUEST, "body: it is nested too deeply; send flat attributes")
        except GrowlyticsError as problem:
            return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, str(problem))
        return SUCCESS


class Connection:
    """One connection: reads requests with httptools, and answers them in order."""

    def __init__(self, app: SandboxApp, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._app, self._reader, self._writer = app, reader, writer
        self._parser = HttpRequestParser(self)
        self._complete: list[Request] = []
        self._answered = Request()

    async def serve(self) -> None:
        """Answer requests until either side ends the connection."""
        with suppress(ConnectionError, asyncio.CancelledError):  # the client has left, or the sandbox stops
            is_open = True
            while is_open and (data := await self._reader.read(_PIECE_BYTES)):
                is_open = await self._answer(data)
            self._writer.close()
            await self._writer.wait_closed()
        self._writer.transport.abort()

    async def _answer(self, data: bytes) -> bool:
        """Answer the requests that end in a piece of the stream; return whether more may follow."""
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:  # an offer, which is declined by a plain answer
            self._complete[-1].is_last = True
        except HttpParserError:
            self._complete.append(Request())
        requests, self._complete = self._complete, []
        for request in requests:
            self._answered = request
            await self._app.respond(request, self)
            if self._writer.is_closing():
                return False
        return not (requests and requests[-1].is_last)

    # what the parser calls ---------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._url = b""
        self._request = Request()

    def on_url(self, url: bytes) -> None:
        """Receive a piece of the URL."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Receive a header."""
        self._request.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """Receive a piece of the body; past the limit it is discarded, so that the client reads the response."""
        if len(self._request.body) <= MAX_BODY_BYTES:
            self._request.body += body

    def on_message_complete(self) -> None:
        """Complete the request."""
        request, url = self._request, parse_url(self._url)
        request.method = self._parser.get_method().decode()
        request.path, request.query = (url.path or b"/").decode("latin-1"), (url.query or b"").decode("latin-1")
        request.is_last = not self._parser.should_keep_alive()
        self._complete.append(request)

    # what the app calls ------------------------------------------------------------------------------------------

    def send(self, answer: Response) -> None:
        """Send a response."""
        body = b"" if self._answered.method == "HEAD" else answer.body
        self._writer.write(answer.head(is_end=self._answered.is_last) + body)

    def send_truncated(self, answer: Response, *, is_json_cut: bool) -> None:
        """Send half the JSON as if it were whole, or half of what `Content-Length` promises."""
        half = answer.body[: len(answer.body) // 2]
        if is_json_cut:
            self.send(Response(answer.status, half))
        else:
            self._writer.write(answer.head(is_end=True) + half)
            self._writer.close()

    def reset(self) -> None:
        """Reset the connection."""
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._writer.transport.abort()

    async def hang(self) -> None:
        """Wait until the client leaves."""
        while await self._reader.read(_PIECE_BYTES):
            pass


@contextmanager
def serving(app: SandboxApp, host: str, port: int) -> Iterator[int]:
    """Serve an application in a thread, on a free port if it is 0; give the port.

    Raises
    ------
    OSError
        The port is in use or not allowed.
    """
    started: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    thread = threading.Thread(
        target=asyncio.run, args=[_serve(app, host, port, started)], name="growlytics-sandbox", daemon=True
    )
    thread.start()
    port, loop, stopping = started.result()
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join()


async def _serve(
    app: SandboxApp,
    host: str,
    port: int,
    started: "Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]]",
) -> None:
    stopping = asyncio.Event()
    try:
        server = await asyncio.start_server(
            lambda reader, writer: Connection(app, reader, writer).serve(), host, port, backlog=BACKLOG
        )
    except OSError as problem:
        started.set_exception(problem)
        return
    started.set_result((server.sockets[0].getsockname()[1], asyncio.get_running_loop(), stopping))
    await stopping.wait()
    server.close()
    for _ in range(_ACCEPTING_ROUNDS):
        await asyncio.sleep(0)
    # On return, `asyncio.run` cancels all connections.
