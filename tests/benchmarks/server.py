"""A server that only answers: raw asyncio on uvloop, so that what is measured is the client.

``python tests/benchmarks/server.py [LATENCY_SECONDS]`` prints its port and serves until it is ended. It answers every
path alike: the customer API's and that of segment's ``/v1/batch``.
"""

import asyncio
import sys

import uvloop

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"success":true}'
BACKLOG = 4096


class Answering(asyncio.Protocol):
    """One connection: counts the bytes of each request by its Content-Length, and answers."""

    def __init__(self, latency_seconds: float) -> None:
        self._latency_seconds = latency_seconds
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._call_later = asyncio.get_running_loop().call_later

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._end_of_request()) is not None:
            request, self._buffer = self._buffer[:end], self._buffer[end:]
            self.answer(request)

    def answer(self, _request: bytes) -> None:
        """Answer one whole request, at once or after the latency."""
        if self._latency_seconds:
            self._call_later(self._latency_seconds, self._transport.write, ANSWER)
        else:
            self._transport.write(ANSWER)

    def _end_of_request(self) -> int | None:
        """Return where the first request in the buffer ends; None while it is not whole."""
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return None
        headers = self._buffer[:head].lower()
        start = headers.find(b"content-length:")
        length = int(headers[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
        end = head + 4 + length
        return end if len(self._buffer) >= end else None


async def serve(latency_seconds: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(latency_seconds), "127.0.0.1", 0, backlog=BACKLOG)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0))
