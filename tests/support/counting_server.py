"""A fast server in a separate process that accepts every customer, and reports the requests.

``GET /received`` gives JSON: `requests`, `customers` (id -> hash of the last body's content), and the `times` of arrival, seconds.
"""

import asyncio
import contextlib
import json
import multiprocessing
import time
import urllib.request
import zlib

import orjson

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"success":true}'


def hash_of(body):
    """Hash the content of a body: 12 and 12.0 are equal, and a part of a frame may contain either."""
    customer = orjson.loads(body)
    content = [(each["name"], each["type"], _plain(each["value"])) for each in customer["attributes"]]
    return zlib.crc32(repr((customer["id"], content)).encode())


def _plain(value):
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Protocol(asyncio.Protocol):
    def __init__(self, received, delay_seconds):
        self.received, self.delay_seconds, self.data = received, delay_seconds, b""

    def connection_made(self, transport):
        self.transport = transport
        self.received["open"] += 1
        self.received["most_open"] = max(self.received["open"], self.received["most_open"])

    def connection_lost(self, problem):
        self.received["open"] -= 1

    def data_received(self, data):
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head = self.data[:end].lower()
            if head.startswith(b"get"):
                self.send_received()
                return
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            if len(self.data) < end + 4 + length:
                return
            body, self.data = self.data[end + 4 : end + 4 + length], self.data[end + 4 + length :]
            self.record(body)

    def record(self, body):
        received = self.received
        received["requests"] += 1
        received["times"].append(time.monotonic())
        received["at_once"] += 1
        received["most_at_once"] = max(received["most_at_once"], received["at_once"])
        received["customers"][body[7 : body.index(b'"', 7)].decode()] = hash_of(body)
        if self.delay_seconds:
            asyncio.get_running_loop().call_later(self.delay_seconds, self.answer)
        else:
            self.answer()

    def answer(self):
        self.received["at_once"] -= 1
        self.transport.write(ANSWER)

    def send_received(self):
        body = json.dumps(self.received).encode()
        self.transport.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        self.transport.close()


async def serve(port, delay_seconds):
    received = {"requests": 0, "customers": {}, "times": [], "open": 0, "most_open": 0, "at_once": 0, "most_at_once": 0}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Protocol(received, delay_seconds), "127.0.0.1", 0, backlog=512)
    port.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def run(port, delay_seconds):
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(port, delay_seconds))


class CountingServer:
    def __init__(self, delay_seconds=0.0):
        ours, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=run, args=(theirs, delay_seconds), daemon=True)
        self._process.start()
        self.base_url = f"http://127.0.0.1:{ours.recv()}"

    def received(self):
        with urllib.request.urlopen(f"{self.base_url}/received", timeout=60) as reply:
            return json.load(reply)

    def stop(self):
        self._process.kill()
        self._process.join()
