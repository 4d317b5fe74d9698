"""A server in a process of its own that accepts every customer, fast, and can tell what it was sent.

``GET /told`` gives JSON: `requests`, `customers` (id -> hash of what the last body said), and the `times` of arrival, seconds.
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
    """Hash what a body says: 12 and 12.0 are one number, and a part of a frame may hold either."""
    customer = orjson.loads(body)
    said = [(each["name"], each["type"], _plain(each["value"])) for each in customer["attributes"]]
    return zlib.crc32(repr((customer["id"], said)).encode())


def _plain(value):
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Protocol(asyncio.Protocol):
    def __init__(self, told, delay_seconds):
        self.told, self.delay_seconds, self.data = told, delay_seconds, b""

    def connection_made(self, transport):
        self.transport = transport
        self.told["open"] += 1
        self.told["most_open"] = max(self.told["open"], self.told["most_open"])

    def connection_lost(self, problem):
        self.told["open"] -= 1

    def data_received(self, data):
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head = self.data[:end].lower()
            if head.startswith(b"get"):
                self.tell()
                return
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            if len(self.data) < end + 4 + length:
                return
            body, self.data = self.data[end + 4 : end + 4 + length], self.data[end + 4 + length :]
            self.note(body)

    def note(self, body):
        told = self.told
        told["requests"] += 1
        told["times"].append(time.monotonic())
        told["at_once"] += 1
        told["most_at_once"] = max(told["most_at_once"], told["at_once"])
        told["customers"][body[7 : body.index(b'"', 7)].decode()] = hash_of(body)
        if self.delay_seconds:
            asyncio.get_running_loop().call_later(self.delay_seconds, self.answer)
        else:
            self.answer()

    def answer(self):
        self.told["at_once"] -= 1
        self.transport.write(ANSWER)

    def tell(self):
        body = json.dumps(self.told).encode()
        self.transport.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        self.transport.close()


async def serve(port, delay_seconds):
    told = {"requests": 0, "customers": {}, "times": [], "open": 0, "most_open": 0, "at_once": 0, "most_at_once": 0}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Protocol(told, delay_seconds), "127.0.0.1", 0, backlog=512)
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

    def told(self):
        with urllib.request.urlopen(f"{self.base_url}/told", timeout=60) as reply:
            return json.load(reply)

    def stop(self):
        self._process.kill()
        self._process.join()
