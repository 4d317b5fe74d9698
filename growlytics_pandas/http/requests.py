"""The `requests` transport, in threads: always available, and the one that supports a user's own session."""

import contextlib
import queue
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests import exceptions
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, LocationValueError, NewConnectionError, ProtocolError, ReadTimeoutError

from growlytics_pandas.http.api_key import is_direct, redactor
from growlytics_pandas.http.protocol import (
    CONNECT_SECONDS,
    FINAL,
    MAX_RESPONSE_BYTES,
    OK,
    UNCERTAIN,
    Endpoint,
    RequestFault,
    Response,
    find_fault,
)
from growlytics_pandas.http.requests_connections import CURRENT, Watch, WatchedAdapter

SLICE_SECONDS: Final = 0.1  # interval of the check for the total time limit
JOIN_SECONDS: Final = 1.8  # for all threads together, after their connections were cut
CUT_SECONDS: Final = 0.02  # between repeated cuts: a thread may have been between two connections
CHUNK_BYTES: Final = 1 << 16

FAULTS: Final[dict[type[BaseException], RequestFault]] = {
    exceptions.ConnectTimeout: RequestFault.CONNECT,
    exceptions.ProxyError: RequestFault.CONNECT,
    exceptions.SSLError: RequestFault.TLS,
    exceptions.Timeout: RequestFault.TIMEOUT,
    exceptions.ConnectionError: RequestFault.BROKEN,
    exceptions.ChunkedEncodingError: RequestFault.BROKEN,
    exceptions.ContentDecodingError: RequestFault.BROKEN,
    exceptions.RetryError: RequestFault.BROKEN,
    exceptions.RequestException: RequestFault.OTHER,
    LocationValueError: RequestFault.OTHER,
    HTTPError: RequestFault.BROKEN,
    OSError: RequestFault.BROKEN,
    Exception: RequestFault.OTHER,
}
"""The meaning of each error, by the nearest class; `_cause` refines it where the class is not enough."""

UNSENT: Final = frozenset({RequestFault.CONNECT, RequestFault.TLS})

Post = Callable[[bytes], requests.Response]


class RequestsTransport:
    """Requests in up to `max_concurrency` daemon threads, each started when it is first needed.

    Parameters
    ----------
    endpoint : Endpoint
        URL, headers and limits of every request. Its session is shared by the threads; until `close`, its plain
        adapters are replaced by ones whose requests can be aborted. Adapters of other classes stay, and a hanging
        request may then continue after `close` until its timeout.
    max_concurrency : int
        Maximum number of threads, and so of connections.
    """

    def __init__(self, endpoint: Endpoint, max_concurrency: int) -> None:
        self._endpoint = endpoint
        self._max_threads = max_concurrency
        self._jobs: queue.SimpleQueue[tuple[int, bytes] | None] = queue.SimpleQueue()
        self._responses: queue.SimpleQueue[Response] = queue.SimpleQueue()
        self._workers: list[_Worker] = []
        self._n_in_flight = 0
        self._next_look = 0.0
        self._borrowed = _Borrowed(endpoint.session, max_concurrency) if endpoint.session is not None else None

    def submit(self, token: int, body: bytes) -> None:
        """Start one request and return at once."""
        self._n_in_flight += 1
        if len(self._workers) < min(self._n_in_flight, self._max_threads):
            worker = _Worker(self._endpoint, self._jobs, self._responses)
            self._workers.append(worker)
            worker.start()
        self._jobs.put((token, body))

    def poll(self, timeout: float) -> list[Response]:
        """Wait at most `timeout` seconds for a response; return all that have arrived."""
        deadline = time.monotonic() + timeout
        responses = self._take(0.0)
        while not responses and (left := deadline - time.monotonic()) > 0.0:
            responses = self._take(min(left, SLICE_SECONDS))
            self._cut_late()
        self._cut_late()
        self._n_in_flight -= len(responses)
        if any(response.fault is RequestFault.FILES for response in responses):
            self._workers = [worker for worker in self._workers if not worker.is_done]
        return responses

    def close(self) -> None:
        """Abort requests in flight and end the threads."""
        for _ in self._workers:
            self._jobs.put(None)
        deadline = time.monotonic() + JOIN_SECONDS
        alive = self._workers
        while alive and time.monotonic() < deadline:
            for worker in alive:
                worker.watch.cut()
            alive[0].join(CUT_SECONDS)
            alive = [worker for worker in alive if worker.is_alive()]
        if self._borrowed is not None:
            self._borrowed.give_back()

    def _take(self, seconds: float) -> list[Response]:
        responses: list[Response] = []
        with contextlib.suppress(queue.Empty):
            if seconds > 0.0:
                responses.append(self._responses.get(timeout=seconds))
            while True:
                responses.append(self._responses.get_nowait())
        return responses

    def _cut_late(self) -> None:
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + SLICE_SECONDS
            for worker in self._workers:
                worker.watch.cut_if_late(now, self._endpoint.timeout_seconds)


class _Worker(threading.Thread):
    """One thread, one request at a time."""

    def __init__(
        self,
        endpoint: Endpoint,
        jobs: "queue.SimpleQueue[tuple[int, bytes] | None]",
        responses: "queue.SimpleQueue[Response]",
    ) -> None:
        super().__init__(name="growlytics-pandas-requests", daemon=True)
        self.watch = Watch()
        self.is_done = False  # the thread has no connection and cannot open one
        self._endpoint = endpoint
        self._mask = redactor(endpoint.headers)
        self._jobs = jobs
        self._responses = responses

    def run(self) -> None:
        CURRENT.set(self.watch)
        with contextlib.ExitStack() as stack:
            post: Post | None = None
            while not self.is_done and (job := self._jobs.get()) is not None and not self.watch.is_closing:
                token, body = job
                self.watch.begin()
                started = time.monotonic()
                try:
                    post = post or _open_session(self._endpoint, stack)
                    response = self._read(token, post(body), started)
                except Exception as error:  # noqa: BLE001  a thread that died would lose its row
                    response = self._fail(token, error, started)
                self.watch.end()
                self._responses.put(response)

    def _read(self, token: int, response: requests.Response, started: float) -> Response:
        with contextlib.closing(response):
            body, is_full = _read_body(response)
        if self.watch.is_late:
            # http.client accepts headers cut off by the end of the connection.
            raise exceptions.ReadTimeout("the answer came too slowly")
        if response.status_code < FINAL or (self.watch.has_surplus and not is_full):
            raise ProtocolError(UNCERTAIN)
        if response.status_code == OK and not is_full:  # the rest does not matter
            seconds = time.monotonic() - started
            return Response(token, OK, body, seconds, repeats=_count_repeats(response), mask=self._mask)
        fault = RequestFault.TOO_LARGE if is_full else None
        return Response(
            token,
            response.status_code,
            b"" if is_full else body,
            time.monotonic() - started,
            fault,
            retry_after=_retry_after(response),
            location=response.headers.get("Location"),
            repeats=_count_repeats(response),
            mask=self._mask,
        )

    def _fail(self, token: int, error: Exception, started: float) -> Response:
        watch, cause = self.watch, _cause(error, self.watch)
        was_sent = watch.was_sent if watch.is_watched else cause not in UNSENT and not _is_refused_here(error)
        is_stale = watch.is_watched and watch.n_connects == 0 and _is_unanswered(error)
        fault = find_fault(cause, was_sent=was_sent, is_stale=is_stale, code=_errno(error))
        self.is_done = fault is RequestFault.FILES
        # Messages of other errors can contain a header's value in a form that the redactor misses.
        detail = type(error).__name__ if fault is RequestFault.OTHER else f"{type(error).__name__}: {_innermost(error)}"
        return Response(token, 0, b"", time.monotonic() - started, fault, was_sent, detail=detail, mask=self._mask)


class _Borrowed:
    """A user's session, with its plain adapters replaced during a run."""

    def __init__(self, session: requests.Session, max_concurrency: int) -> None:
        self._session = session
        self._adapters = dict(session.adapters)
        for prefix, adapter in self._adapters.items():
            # A subclass has its own purpose (certificates, source addresses), so it stays.
            if type(adapter) is HTTPAdapter:
                session.adapters[prefix] = WatchedAdapter(pool_maxsize=max_concurrency, max_retries=adapter.max_retries)

    def give_back(self) -> None:
        for prefix, adapter in self._adapters.items():
            if self._session.adapters.get(prefix) is not adapter:
                self._session.adapters[prefix].close()
                self._session.adapters[prefix] = adapter


class _NoNetrc(AuthBase):
    """An auth that adds nothing: without one, requests would send credentials from .netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def _open_session(endpoint: Endpoint, stack: contextlib.ExitStack) -> Post:
    if endpoint.session is not None:
        return _post_by(endpoint.session, endpoint)
    session = stack.enter_context(requests.Session())
    session.headers.clear()
    for prefix in ("https://", "http://"):
        session.mount(prefix, WatchedAdapter(pool_connections=1, pool_maxsize=1))
    return _post_prepared(session, endpoint)


def _timeouts(endpoint: Endpoint) -> tuple[float, float]:
    return min(endpoint.timeout_seconds, CONNECT_SECONDS), endpoint.timeout_seconds


def _verify(endpoint: Endpoint) -> bool | str | None:
    """Return `verify` for requests; None uses the session and requests' variables, without SSL_CERT_FILE."""
    if endpoint.verify is False:
        return False
    return None if endpoint.verify is True else str(endpoint.verify)


def _proxies(url: str) -> dict[str, str]:
    """Return proxy settings that override those of the environment and the session if `url` is to be direct.

    requests looks up this key before all others.
    """
    parts = urlsplit(url)
    return {f"{parts.scheme}://{parts.hostname}": ""} if is_direct(url) else {}


def _post_by(session: requests.Session, endpoint: Endpoint) -> Post:
    """Post with the session's own ``request``: an auth may sign the body, and a subclass may extend it."""
    auth = None if session.auth else _NoNetrc()
    headers, timeout, verify = dict(endpoint.headers), _timeouts(endpoint), _verify(endpoint)
    if not isinstance(session.get_adapter(endpoint.url), WatchedAdapter):
        # Surplus bytes are not checked there; with one request per connection, responses cannot be mixed up.
        headers["Connection"] = "close"

    def post(body: bytes) -> requests.Response:
        return session.post(
            endpoint.url,
            data=body,
            headers=headers,
            auth=auth,
            timeout=timeout,
            verify=verify,
            proxies=_proxies(endpoint.url),
            stream=True,
            allow_redirects=False,
        )

    return post


def _post_prepared(session: requests.Session, endpoint: Endpoint) -> Post:
    """Post copies of one prepared request: half the work of ``request``, and cookies are never sent back."""
    request = requests.Request("POST", endpoint.url, headers=dict(endpoint.headers), data=b"{}", auth=_NoNetrc())
    template = session.prepare_request(request)
    settings: dict[str, Any] = dict(
        session.merge_environment_settings(endpoint.url, _proxies(endpoint.url), True, _verify(endpoint), None)
    )
    timeout = _timeouts(endpoint)

    def post(body: bytes) -> requests.Response:
        prepared = template.copy()
        prepared.body = body
        prepared.headers["Content-Length"] = str(len(body))
        return session.send(prepared, timeout=timeout, allow_redirects=False, **settings)

    return post


def _read_body(response: requests.Response) -> tuple[bytes, bool]:
    """Return the body, and whether it was truncated for its size."""
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_content(CHUNK_BYTES):
        size += len(chunk)
        if size > MAX_RESPONSE_BYTES:
            return b"", True
        chunks.append(chunk)
    promised = response.headers.get("Content-Length", "")
    # urllib3 before 2.0 accepts a truncated body.
    if promised.isdigit() and "Content-Encoding" not in response.headers and size < int(promised):
        raise exceptions.ChunkedEncodingError(f"{size} of {promised} bytes of the answer arrived")
    return b"".join(chunks), False


def _count_repeats(response: requests.Response) -> int:
    """Return how often urllib3 had sent the request before: a user's session may configure retries."""
    return len(getattr(getattr(response.raw, "retries", None), "history", ()))


def _retry_after(response: requests.Response) -> str | None:
    """Return the header's values, one per line; requests would join them with commas, which dates also contain."""
    headers = getattr(response.raw, "headers", None)
    lines = headers.getlist("Retry-After") if headers is not None else [response.headers.get("Retry-After")]
    return "\n".join(line.strip() for line in lines if line) or None


def _cause(error: Exception, watch: Watch) -> RequestFault:
    inner = _innermost(error)
    if watch.is_late or isinstance(inner, ReadTimeoutError):
        return RequestFault.TIMEOUT
    # A handshake that was aborted, not rejected, is a failed connect: an overloaded server.
    if isinstance(inner, NewConnectionError | ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return RequestFault.CONNECT
    return next(FAULTS[kind] for kind in type(error).__mro__ if kind in FAULTS)


def _is_refused_here(error: Exception) -> bool:
    """Return whether requests itself refused to send, because of an invalid URL or header."""
    is_usage = isinstance(error, exceptions.RequestException) and isinstance(error, ValueError)
    return is_usage and not isinstance(_innermost(error), HTTPError)


def _is_unanswered(error: Exception) -> bool:
    """Return whether the connection broke before the first byte of a response."""
    first = error.args[0] if error.args else None
    is_dead = isinstance(
        _innermost(error), ConnectionError
    )  # the built-in class: a reset, or a close without a response
    return type(error) is exceptions.ConnectionError and isinstance(first, ProtocolError) and is_dead


def _errno(error: BaseException) -> int:
    inner = _innermost(error)
    codes = [getattr(found, "errno", None) for found in (inner, inner.__cause__)]
    return next((code for code in codes if isinstance(code, int)), 0)


def _innermost(error: BaseException) -> BaseException:
    """Return the innermost wrapped error: its message has no object addresses."""
    for inner in (getattr(error, "reason", None), *reversed(error.args)):
        if isinstance(inner, BaseException) and inner is not error:
            return _innermost(inner)
    return error
