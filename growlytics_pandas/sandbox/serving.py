"""uvicorn, fitted into a thread: imported only when a sandbox starts, because uvicorn is an extra."""

import asyncio
import importlib
import importlib.util
import logging
import socket
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future
from functools import cache
from typing import Any, Final, cast

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from growlytics_pandas.sandbox.answers import HEAD_TOO_LARGE, MAX_HEAD_BYTES, NOT_HTTP, Answer
from growlytics_pandas.sandbox.app import TRANSPORT_EXTENSION, SandboxApp

BACKLOG: Final = 2048
KEEP_ALIVE_SECONDS: Final = 75
"""How long an idle connection is kept: the habit of common front servers."""

_CUT_ROUNDS: Final = 10
"""Turns of the event loop in which connections are closed: accepting one takes three."""


@cache
def _silent_logger() -> logging.Logger:
    # Not from getLogger: what uvicorn warns of here are faults that were asked for, and a notebook would show them.
    logger = logging.Logger("growlytics_pandas.sandbox", logging.CRITICAL)  # noqa: LOG001 - see above
    logger.addHandler(logging.NullHandler())
    return logger


class _Flow(FlowControl):
    """Reads on only when no request waits: uvicorn would keep all that a client sends without reading the answers."""

    def __init__(self, transport: asyncio.Transport, waiting: Collection[object]) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if not self._waiting:
            super().resume_reading()


class SandboxProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which shows its transport to the application, logs nothing and bounds what it keeps."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.logger = _silent_logger()
        self.access_log = False
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection."""
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)

    def data_received(self, data: bytes) -> None:
        """Parse `data`; refuse a head without end, which the parser would keep, and copy again with each piece."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._end_with(HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Put the transport where the application finds it."""
        super().on_message_begin()
        scope = cast("dict[str, Any]", self.scope)  # the extension is ours, so uvicorn's types do not know it
        scope["extensions"] = {TRANSPORT_EXTENSION: self.transport}

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        super().on_headers_complete()
        self._head_bytes = 0

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        super().on_body(body)
        self._head_bytes = 0

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words, in plain text
        """Answer what is not HTTP as all that is wrong is answered here."""
        self._end_with(NOT_HTTP)

    def _end_with(self, answer: Answer) -> None:
        headers = (*answer.headers, (b"content-length", b"%d" % len(answer.body)), (b"connection", b"close"))
        lines = [b"%s: %s\r\n" % header for header in headers]
        self.transport.write(b"".join([STATUS_LINE[answer.status], *lines, b"\r\n", answer.body]))
        self.transport.close()


class ServerThread:
    """Serves an application on a socket that is bound already, in a thread of its own, until `stop`."""

    def __init__(self, app: SandboxApp, listener: socket.socket) -> None:
        self._app = app
        self._listener = listener
        self._ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=self._run, name="growlytics-sandbox", daemon=True)
        self._thread.start()
        self._loop, self._stopping = self._ready.result()

    def stop(self) -> None:
        """Cut what is in flight and wait for the thread's end."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        # uvicorn's own Server would take signals and log; its parts do neither.
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
        log_config=None,  # the host's logging is the host's
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        ws="none",
    )
    config.load()
    return config


async def _cut(state: ServerState) -> None:
    """End every connection and task; later rounds catch connections that were just being accepted."""
    for _ in range(_CUT_ROUNDS):
        for connection in list(state.connections):
            connection.transport.abort()
        for task in list(state.tasks):
            task.cancel()
        await asyncio.sleep(0)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's where it is installed: half as many requests a second again."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    return factory
