"""The sandbox: a local server with the documented behaviour, and a look at what the service would not tell."""

import os
import socket
from collections import Counter
from contextlib import ExitStack
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, Self

import pandas as pd

from growlytics_pandas._text import install_extra
from growlytics_pandas.errors import (
    ApiKeyError,
    InvalidArgumentError,
    InvalidArgumentTypeError,
    MissingDependencyError,
    UsageError,
)
from growlytics_pandas.sandbox.faults import Faults
from growlytics_pandas.sandbox.store import SandboxStore, customers_frame, ignored_frame, types_frame

if TYPE_CHECKING:
    from growlytics_pandas.client import Client
    from growlytics_pandas.sandbox.serving import SandboxApp, ServerThread

HOST: Final = "127.0.0.1"
DEFAULT_API_KEY: Final = "sandbox-key"
MAX_PORT: Final = 65535


class Sandbox:
    """A local server that behaves as the service is documented, silent losses included, and shows them.

    Nothing starts before ``with`` or `start`. Only this machine can reach it.

    Parameters
    ----------
    db : str or path, optional
        A file that keeps the data across restarts; None keeps them in a temporary one until `stop`.
    port : int
        0 takes any free port.
    faults : Faults, optional
        What goes wrong, and how often.
    api_key : str
        The only key that is let in.

    Raises
    ------
    InvalidArgumentError
        The port is not one, or (on start) is in use, or `db` is not a sandbox's file.
    InvalidArgumentTypeError
        An argument is of another type, such as a dict in place of the `Faults`.
    ApiKeyError
        The key cannot be sent in a header.
    MissingDependencyError
        On start: the extra "sandbox" is not installed.

    Examples
    --------
    >>> from growlytics_pandas.sandbox import Sandbox
    >>> from growlytics_pandas import Client
    >>> with Sandbox() as sandbox:
    ...     client = Client(sandbox.api_key, sandbox.base_url, ledger=None)  # one that remembers nothing
    ...     client.upsert("asha@example.com", {"City": "Pune", "Orders": 3})
    ...     client.upsert("ravi@example.com", {"Orders": "three"})  # answered with success, and dropped
    ...     stored, ignored = sandbox.stored(), sandbox.ignored()
    >>> stored
    {'asha@example.com': {'City': 'Pune', 'Orders': 3}, 'ravi@example.com': {}}
    >>> ignored["reason"].item()
    'the attribute was first tracked with another type'
    """

    def __init__(
        self,
        *,
        db: str | PathLike[str] | None = None,
        port: int = 0,
        faults: Faults | None = None,
        api_key: str = DEFAULT_API_KEY,
    ) -> None:
        _require_types(db, port, faults, api_key)
        if not 0 <= port <= MAX_PORT:
            raise InvalidArgumentError(f"port: found {port!r}; it must be 0 to {MAX_PORT}; 0 takes any free one.")
        if not (api_key and api_key.isascii() and api_key.isprintable() and api_key == api_key.strip()):
            raise ApiKeyError(
                "api_key: it is empty, not plain ASCII or padded; give printable ASCII, such as test-key."
            )
        self.api_key = api_key
        # SQLite's in-memory name would give each connection a database of its own.
        self._db = None if db is None or db == ":memory:" else Path(db)
        self._port = port
        self._faults = faults or Faults()
        self._running: _Running | None = None
        self._client: Client | None = None

    def __repr__(self) -> str:
        state = "stopped" if self._running is None else self.base_url
        return f"<Sandbox {state}>"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Start serving; a sandbox that runs already goes on."""
        if self._running is None:
            self._running = _Running(self._db, self._port, self._faults, self.api_key)
        return self

    def stop(self) -> None:
        """Cut what is in flight, free the port and remove temporary files. Twice is fine."""
        running, client = self._running, self._client
        self._running = self._client = None
        if client is not None and client.ledger is not None:
            client.ledger.close("the sandbox that it goes with has stopped", "start it, and take its client anew")
        if running is not None:
            running.stop()

    @property
    def base_url(self) -> str:
        """The URL to give to a client; in a browser it shows what arrived and what was ignored."""
        return f"http://{HOST}:{self._require_running().port}"

    @property
    def ledger_path(self) -> Path:
        """The file for a client's ledger that goes with this sandbox: beside `db`, else it is removed on `stop`."""
        path = self._require_running().path
        return path.with_name(path.name + ".ledger")

    @property
    def client(self) -> "Client":
        """A `Client` of this sandbox, with a ledger that goes with it; always the same one while the sandbox runs."""
        if self._client is None:
            # Here, because the sandbox is used without the client too, and shares nothing but the contract with it.
            from growlytics_pandas.client import Client  # noqa: PLC0415

            self._client = Client(self.api_key, self.base_url, ledger=self.ledger_path)
        return self._client

    @property
    def requests(self) -> int:
        """Customer requests that arrived since the start or `reset`, whatever became of them."""
        return self._require_running().app.requests

    def faulted(self) -> Counter[str]:
        """Return how often each fault was played: ``"status.503"``, ``"reset_after"``, …; 0 for any other name.

        Latency is not counted: every request has it.
        """
        return Counter(self._require_running().app.deck.played)

    def customers(self) -> pd.DataFrame:
        """Return one row a customer: `id`, then one column an attribute, missing where the customer has none.

        Text is "string", dates are datetime64, booleans "boolean". Numbers are Int64 or Float64 where that holds
        every one exactly, else Python's own `int`, `float` and `Decimal`.
        """
        with self._open_store() as store:
            stored, types = store.stored(), store.attribute_types()
        return customers_frame(stored, types)

    def stored(self) -> dict[str, dict[str, Any]]:
        """Return each customer's attributes as they were sent: id -> attribute -> JSON value.

        Nothing is rounded: integers are `int`; other numbers are `float` where their digits are those that Python
        prints for it, else `Decimal`.
        """
        with self._open_store() as store:
            return store.stored()

    def event_names(self) -> dict[str, str]:
        """Return the top-level `name` that each customer's latest request with one carried."""
        with self._open_store() as store:
            return store.event_names()

    def attribute_types(self) -> pd.DataFrame:
        """Return one row a pinned attribute: `attribute`, `type`, `first_seen`."""
        with self._open_store() as store:
            return types_frame(store.attribute_types())

    def ignored(self) -> pd.DataFrame:
        """Return one row a value that the service would have dropped, answering success all the same.

        The columns are `id`, `attribute`, `type` and `value` as they were sent, `reason`, `known_type` (the pinned
        one, missing where there is none) and `when`.
        """
        with self._open_store() as store:
            return ignored_frame(store.ignored())

    def reset(self) -> None:
        """Forget all customers, pinned types and counts, in the client's ledger too; the faults begin anew."""
        with self._open_store() as store:
            store.clear()
        if self._client is not None:
            self._client.forget_everything()
        if self._running is not None:
            self._running.app.reset()

    def _open_store(self) -> SandboxStore:
        # A connection for each look: the server's own is busy in its thread.
        path = self._db if self._running is None else self._running.path
        if path is None:
            raise _not_running("its data were in a temporary file; read them before stop, or keep them with db=")
        return SandboxStore(path)

    def _require_running(self) -> "_Running":
        if self._running is None:
            raise _not_running("use it in a with block, or call start()")
        return self._running


def _require_types(db: Any, port: Any, faults: Any, api_key: Any) -> None:
    for name, found, allowed, words in (
        ("db", db, (str, PathLike, type(None)), "a path, or None for a temporary file"),
        ("port", port, (int,), "a whole number; 0 takes any free one"),
        (
            "faults",
            faults,
            (Faults, type(None)),
            "a Faults, such as growlytics_pandas.sandbox.Faults(status={503: 0.1})",
        ),
        ("api_key", api_key, (str,), "text"),
    ):
        if not isinstance(found, allowed) or isinstance(found, bool):
            raise InvalidArgumentTypeError(f"{name}: found a {type(found).__name__}; it must be {words}.")


class _Running:
    """What a started sandbox holds: socket, file, thread."""

    def __init__(self, db: Path | None, port: int, faults: Faults, api_key: str) -> None:
        sandbox_app, server_thread = _import_serving()
        with ExitStack() as opening:
            listener = opening.enter_context(_listen(port))
            self.port: int = listener.getsockname()[1]
            self.path = db or Path(opening.enter_context(TemporaryDirectory(prefix="growlytics-"))) / "sandbox.db"
            store = opening.enter_context(SandboxStore(self.path))
            self.app = sandbox_app(store, api_key, faults)
            opening.callback(server_thread(self.app, listener).stop)
            self._resources = opening.pop_all()

    def stop(self) -> None:
        self._resources.close()


def _import_serving() -> "tuple[type[SandboxApp], type[ServerThread]]":
    try:
        # Here, because uvicorn is an extra, and few who import the package make a sandbox.
        from growlytics_pandas.sandbox.serving import SandboxApp, ServerThread  # noqa: PLC0415
    except ImportError as problem:
        raise MissingDependencyError(
            f"Sandbox: it needs {problem.name}, which is not installed: {install_extra('sandbox')}."
        ) from problem
    return SandboxApp, ServerThread


def _listen(port: int) -> socket.socket:
    # TCP by name: asyncio turns Nagle's delay off only where a socket says so, and 40 ms a request is the difference.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            # A port whose last connections have just ended is free; elsewhere the option would share a port in use.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
    except OSError as problem:
        listener.close()
        raise InvalidArgumentError(
            f"port: it cannot listen on {HOST}:{port}: {problem.strerror}; stop what uses it, or take port=0."
        ) from problem
    return listener


def _not_running(remedy: str) -> UsageError:
    return UsageError(f"Sandbox: it is not running; {remedy}.")
