"""The sandbox: a local server with the documented behaviour that also shows ignored values."""

import atexit
import os
from collections import Counter
from contextlib import ExitStack
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, Self

import pandas as pd

from growlytics_pandas._text import argument, facts_html, install_extra, options_text, plural
from growlytics_pandas.errors import (
    ApiKeyError,
    InvalidArgumentError,
    InvalidArgumentTypeError,
    MissingDependencyError,
    UsageError,
)
from growlytics_pandas.sandbox.faults import Faults
from growlytics_pandas.sandbox.store import SandboxStore

if TYPE_CHECKING:
    from growlytics_pandas.client import Client
    from growlytics_pandas.sandbox.serving import SandboxApp

HOST: Final = "127.0.0.1"
DEFAULT_API_KEY: Final = "sandbox-key"
MAX_PORT: Final = 65535


class Sandbox:
    """A local server with the documented behaviour of the service, which also shows the values it ignored.

    It starts with ``with`` or `start`. Only this machine can reach it.

    Parameters
    ----------
    db : str or path, optional
        A file that keeps the data across restarts. None: a temporary file, which `stop` removes.
    port : int
        0 picks a free port.
    faults : Faults, optional
        The faults to simulate, and how often.
    api_key : str
        The only key that is accepted.

    Raises
    ------
    InvalidArgumentError
        The port is invalid or (on start) in use, or `db` is not a file of a sandbox.
    InvalidArgumentTypeError
        An argument has the wrong type, such as a dict instead of `Faults`.
    ApiKeyError
        The key cannot be sent in a header.
    MissingDependencyError
        On start: the extra "sandbox" is not installed.

    Examples
    --------
    >>> from growlytics_pandas.sandbox import Sandbox
    >>> from growlytics_pandas import Client
    >>> with Sandbox() as sandbox:
    ...     client = Client(sandbox.api_key, sandbox.base_url, ledger=None)  # without a ledger
    ...     client.upsert("asha@example.com", {"City": "Pune", "Orders": 3})
    ...     client.upsert("ravi@example.com", {"Orders": "three"})  # returns success, but the value is ignored
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
            raise InvalidArgumentError(
                f"{argument('port')}: found {port!r}; it must be 0 to {MAX_PORT}; 0 picks a free port."
            )
        if not (api_key and api_key.isascii() and api_key.isprintable() and api_key == api_key.strip()):
            raise ApiKeyError(
                f"{argument('api_key')}: it is empty, not plain ASCII or padded; use printable ASCII, such as test-key."
            )
        self.api_key = api_key
        # With SQLite's in-memory name each connection would have its own database.
        self._db = None if db is None or db == ":memory:" else Path(db)
        self._port = port
        self._faults = faults or Faults()
        self._running: _Running | None = None
        self._client: Client | None = None

    def __repr__(self) -> str:
        state = "stopped" if self._running is None else self.base_url
        return f"<Sandbox {state}>"

    def _repr_html_(self) -> str:
        """Show its page, the ledger of its client, and how much it holds."""
        if self._running is None:
            return facts_html("Sandbox", {"state": "stopped; start() starts it"})
        with self._open_store() as store:
            customers, types, ignored = store.counts()
        facts = {
            "page": self.base_url,
            "ledger": str(self.ledger_path),
            "holds": f"{plural(customers, 'customer')}, {plural(types, 'attribute type')}",
            "ignored": plural(ignored, "value"),
            "received": plural(self.requests, "request"),
        }
        return facts_html("Sandbox", facts, link=self.base_url)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Start the server, unless it is running already. It runs until `stop`, or until the process ends."""
        if self._running is None:
            self._running = _Running(self._db, self._port, self._faults, self.api_key)
            atexit.register(self.stop)  # also keeps it alive where only its client has a name
        return self

    def stop(self) -> None:
        """Close connections, free the port and remove temporary files. A second call does nothing."""
        running, client = self._running, self._client
        self._running = self._client = None
        atexit.unregister(self.stop)
        if client is not None and client.ledger is not None:
            client.ledger.close("its sandbox has stopped", "start the sandbox, and use its new .client")
        if running is not None:
            running.stop()

    @property
    def base_url(self) -> str:
        """The URL for a client. In a browser it shows the stored and the ignored values."""
        return f"http://{HOST}:{self._require_running().port}"

    @property
    def ledger_path(self) -> Path:
        """The ledger file of this sandbox's client: next to `db`, or a temporary file that `stop` removes."""
        path = self._require_running().path
        return path.with_name(path.name + ".ledger")

    @property
    def client(self) -> "Client":
        """A `Client` of this sandbox, with a ledger of its own; the same object while the sandbox runs."""
        if self._client is None:
            # Imported here: the sandbox can be used without the client, and shares only the contract with it.
            from growlytics_pandas.client import Client  # noqa: PLC0415

            self._client = Client(self.api_key, self.base_url, ledger=self.ledger_path)
        return self._client

    @property
    def requests(self) -> int:
        """Customer requests received since the start or `reset`, whatever their outcome."""
        return self._require_running().app.requests

    def faulted(self) -> Counter[str]:
        """Return how often each fault occurred: ``"status.503"``, ``"reset_after"``, …; 0 for any other name.

        Latency is not counted, since every request has it.
        """
        return Counter(self._require_running().app.deck.played)

    def customers(self) -> pd.DataFrame:
        """Return one row per customer: `id`, then one column per attribute, missing if the customer has none.

        The dtypes: "string" for text, datetime64 for dates, "boolean" for booleans. Numbers are Int64 or Float64 if
        these hold all of them exactly, else objects: `int`, `float` and `Decimal`.
        """
        with self._open_store() as store:
            return store.customers()

    def stored(self) -> dict[str, dict[str, Any]]:
        """Return each customer's attributes as received: id → attribute → JSON value.

        Nothing is rounded: integers are `int`; other numbers are `float` if that is the same number, else `Decimal`.
        """
        with self._open_store() as store:
            return store.stored()

    def event_names(self) -> dict[str, str]:
        """Return the top-level `name` of each customer's latest request that had one."""
        with self._open_store() as store:
            return store.event_names()

    def attribute_types(self) -> pd.DataFrame:
        """Return one row per attribute with a fixed type: `attribute`, `type`, `first_seen`."""
        with self._open_store() as store:
            return store.attribute_types()

    def ignored(self) -> pd.DataFrame:
        """Return one row per value that the service would silently ignore.

        The columns are `id`, `attribute`, `type` and `value` as received, `reason`, `known_type` (the fixed type,
        missing if there is none) and `when`.
        """
        with self._open_store() as store:
            return store.ignored()

    def reset(self) -> None:
        """Delete all customers, fixed types and counts, also in the client's ledger, and restart the faults."""
        with self._open_store() as store:
            store.clear()
        if self._client is not None:
            self._client.forget_everything()
        if self._running is not None:
            self._running.app.reset()

    def _open_store(self) -> SandboxStore:
        # A new connection each time: the server's own is used by its thread.
        path = self._db if self._running is None else self._running.path
        if path is None:
            raise _not_running("its data was in a temporary file; read it before stop, or keep it with db=")
        return SandboxStore(path)

    def _require_running(self) -> "_Running":
        if self._running is None:
            raise _not_running("use it in a with block, or call start()")
        return self._running


def _require_types(db: Any, port: Any, faults: Any, api_key: Any) -> None:
    for name, found, allowed, words in (
        ("db", db, (str, PathLike, type(None)), "a path, or None for a temporary file"),
        ("port", port, (int,), "a whole number; 0 picks a free port"),
        (
            "faults",
            faults,
            (Faults, type(None)),
            "a Faults, such as growlytics_pandas.sandbox.Faults(status={503: 0.1})",
        ),
        ("api_key", api_key, (str,), "text"),
    ):
        if not isinstance(found, allowed) or isinstance(found, bool):
            raise InvalidArgumentTypeError(f"{argument(name)}: found a {type(found).__name__}; it must be {words}.")


class _Running:
    """The resources of a running sandbox: socket, file, thread."""

    def __init__(self, db: Path | None, port: int, faults: Faults, api_key: str) -> None:
        serving = _import_serving()
        with ExitStack() as opening:
            self.path = db or Path(opening.enter_context(TemporaryDirectory(prefix="growlytics-"))) / "sandbox.db"
            store = opening.enter_context(SandboxStore(self.path))
            self.app: SandboxApp = serving.SandboxApp(store, api_key, faults)
            try:
                self.port: int = opening.enter_context(serving.serving(self.app, HOST, port))
            except OSError as problem:
                raise InvalidArgumentError(
                    f"{argument('port')}: it cannot listen on {HOST}:{port}: {os.strerror(problem.errno or 0)}; stop "
                    f"what is using it, or use {options_text(port=0)}."
                ) from problem
            self._resources = opening.pop_all()

    def stop(self) -> None:
        self._resources.close()


def _import_serving() -> ModuleType:
    try:
        # Imported here: httptools is an extra, and most imports of the package do not need the sandbox.
        from growlytics_pandas.sandbox import serving  # noqa: PLC0415
    except ImportError as problem:
        raise MissingDependencyError(
            f"Sandbox: it needs {problem.name}, which is not installed: {install_extra('sandbox')}."
        ) from problem
    return serving


def _not_running(remedy: str) -> UsageError:
    return UsageError(f"Sandbox: it is not running; {remedy}.")
