"""Servers with scripted responses, and helpers for transports."""

import contextlib
import socket
import struct
import threading
import time

KEY = "sk-0123456789abcdef"
HEADERS = {"Accept": "application/json", "Content-Type": "application/json", "x-growlytics-key": KEY}
SUCCESS = b'{"success":true}'
THREAD_NAME = "growlytics-pandas"


def message(status, body=b"", *headers, length=None):
    lines = [f"HTTP/1.1 {status} Some Words", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Server:
    """Answers each request by `answer(sock, request)`; a false result closes the connection."""

    def __init__(self, answer, tls=None):
        self.answer, self.tls = answer, tls
        self.requests, self.n_connections, self.most_at_once = [], 0, 0
        self._at_once, self._open, self._threads, self._lock = 0, set(), [], threading.Lock()
        self.stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        self._spawn(self._accept)

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}/rest-api/customer"

    def open_connections(self):
        with self._lock:
            return len(self._open)

    def close(self):
        self.stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _spawn(self, target, *args):
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.n_connections += 1
                self._spawn(self._serve, sock)

    def _serve(self, sock):
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.suppress(OSError))
            stack.enter_context(sock)
            if self.tls:
                sock = stack.enter_context(self.tls.wrap_socket(sock, server_side=True))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open.add(sock)
            stack.callback(self._forget, sock)
            while (request := self._read(sock)) is not None:
                if not self._reply(sock, request):
                    return

    def _reply(self, sock, request):
        with self._lock:
            self.requests.append(request)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return self.answer(sock, request)
        finally:
            with self._lock:
                self._at_once -= 1

    def _forget(self, sock):
        with self._lock:
            self._open.discard(sock)

    @staticmethod
    def _read(sock):
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = sock.recv(65536)
            if not chunk:
                return None
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")), 0
        )
        while len(body) < length:
            body += sock.recv(65536)
        return head, body


def accept(sock, request):
    sock.sendall(message(200, SUCCESS))
    return True


def say(data, *, stay=True):
    def answer(sock, request):
        sock.sendall(data)
        return stay

    return answer


def reset(sock, request):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def ask(transport, body=b"{}", token=7):
    transport.submit(token, body)
    return collect(transport, 1)[0]


def collect(transport, count, seconds=20.0):
    replies, deadline = [], time.monotonic() + seconds
    while len(replies) < count and time.monotonic() < deadline:
        replies += transport.poll(0.5)
    assert len(replies) == count
    return replies


def our_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith(THREAD_NAME)]


def wait_until(condition, seconds=2.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()
