"""The connection to one Growlytics project: its key, its URL, how to send."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Unpack, get_args

from growlytics_pandas import contract
from growlytics_pandas._output_paths import require_target
from growlytics_pandas._text import KEY_VARIABLE, without_keys
from growlytics_pandas.columns.options import ReadingArguments, with_reading_options
from growlytics_pandas.errors import ApiKeyError, InvalidArgumentError, InvalidArgumentTypeError, UsageError
from growlytics_pandas.http import TransportName, open_transport
from growlytics_pandas.http.api_key import SEALED, ApiKey, find_key, seal
from growlytics_pandas.http.protocol import Endpoint, Headers, Transport
from growlytics_pandas.http.urls import checked_url
from growlytics_pandas.ledger import Ledger, Project, TypesFile, require_known

if TYPE_CHECKING:
    import pandas as pd
    import requests

URL_VARIABLE: Final = "GROWLYTICS_BASE_URL"
SALT_BYTES: Final = 16
_SALT: Final = os.urandom(SALT_BYTES)
MAX_TIMEOUT_SECONDS: Final = 86_400  # a day: the clocks of the HTTP libraries overflow at some weeks


class Client:
    """One Growlytics project.

    Parameters
    ----------
    api_key : str, optional
        Default: the environment variable ``GROWLYTICS_API_KEY``. It is never shown, logged or stored.
    base_url : str, optional
        Default: ``GROWLYTICS_BASE_URL``, else the documented host. Plain http is for loopback only.
    ledger : None, str, Path, Ledger or "auto"
        Where to remember types and what was accepted. "auto": ``GROWLYTICS_LEDGER``, else a file in the user's data
        directory. None turns it off.
    transport : {"auto", "requests", "curl"}
        "auto" takes libcurl where ``growlytics-pandas[fast]`` is installed.
    timeout : float
        Seconds that one request may take.
    verify : bool or path
        Whether to check certificates, or a bundle of authorities to check them with.
    session : requests.Session, optional
        A prepared session (proxies, auth); its requests go through ``transport="requests"``.
    types : str or path, optional
        A JSON file of attribute types, such as ``types.json`` in a repository. The ledger learns them at the start, and
        after each push the file has what the ledger knows for certain. It is made where there is none.

    Raises
    ------
    ApiKeyError
        No key, or one that cannot be a header.
    InvalidArgumentError
        A URL, timeout or transport that cannot be; a type in the file of `types` other than the one known.

    Examples
    --------
    >>> from growlytics_pandas import Client
    >>> Client(api_key="not-a-real-key", ledger=None)
    <Client https://dcqs-india.growlytics.in>
    """

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        ledger: Any = "auto",
        transport: TransportName = "auto",
        timeout: float = 30.0,
        verify: bool | str | Path = True,
        session: requests.Session | None = None,
        types: str | Path | None = None,
    ) -> None:
        given, api_key = seal(api_key), SEALED  # a verbose traceback prints the arguments as they are then
        try:
            self._set_up(given, base_url, ledger, transport, timeout, verify, session)
            self._types_file = None if types is None else self._open_types(types)
        except UsageError as error:
            # The key may be in the wrong place: the words of the error do not show it, nor do its frames.
            base_url = ledger = transport = timeout = verify = types = SEALED  # type: ignore[assignment]
            raise error.with_traceback(None) from None

    def _set_up(
        self,
        given: ApiKey | None,
        base_url: str | None,
        ledger: Any,
        transport: TransportName,
        timeout: float,
        verify: bool | str | Path,
        session: requests.Session | None,
    ) -> None:
        self._key = find_key(given)
        self.base_url = checked_url(base_url or os.environ.get(URL_VARIABLE) or contract.BASE_URL)
        if without_keys(self.base_url) != self.base_url:
            raise InvalidArgumentError("base_url: it holds the API key, and a URL is shown and logged; leave it out.")
        if transport not in get_args(TransportName):
            allowed = ", ".join(map(repr, get_args(TransportName)))
            raise InvalidArgumentError(f"transport: found {transport!r}; allowed are {allowed}.")
        is_number = isinstance(timeout, (int, float)) and not isinstance(timeout, bool)
        if not is_number or not 0 < timeout <= MAX_TIMEOUT_SECONDS:
            raise InvalidArgumentError(
                f"timeout: found {timeout!r}; it must be a number of seconds above 0, up to {MAX_TIMEOUT_SECONDS:,}."
            )
        self._transport: TransportName = transport
        self._timeout_seconds = float(timeout)
        self._verify = verify if isinstance(verify, bool) else _bundle(verify)
        self._session = session
        self.ledger = _opened(ledger)

    def recipe(self) -> ClientRecipe:
        """Return what another process needs to make such a client. It holds neither the key nor the ledger."""
        if self._session is not None:
            raise InvalidArgumentError("client: a prepared session cannot travel to a worker; make the Client without.")
        salt = os.urandom(SALT_BYTES)
        mark = self._key.mark(salt)
        return ClientRecipe(self.base_url, self._transport, self._timeout_seconds, self._verify, salt, mark)

    @property
    def project(self) -> bytes:
        """What is the same for all clients, of this process, of one URL and key, and from which no key is found."""
        return hashlib.blake2b(f"{self.base_url}\0{self._key.reveal()}".encode(), key=_SALT).digest()

    @property
    def workspace(self) -> Project | None:
        """The part of the ledger that is this project's; None without a ledger."""
        return self.ledger.workspace(self.base_url, self._key.reveal()) if self.ledger else None

    def types(self) -> pd.DataFrame:
        """Tell which attribute types are known to be fixed.

        Returns
        -------
        DataFrame
            One row per attribute: `attribute`, `type`, `first_seen` (UTC), `source` ("accepted", "declared", or
            "uncertain": sent, but no answer told whether it arrived).
        """
        return self._remembered("types").types()

    def declare_types(self, types: Mapping[str, str] | str | Path) -> None:
        """Teach the ledger types that are fixed from elsewhere: attribute → type, or a JSON file of that form.

        Raises
        ------
        InvalidArgumentError
            A type that cannot be, or other than the one known: a conflict is an error, not a merge.
        """
        self._remembered("declare_types").declare_types(types)
        self._save_types()

    def export_types(self, path: str | Path) -> None:
        """Write the known types as JSON, sorted, one a line, to keep in a repository; `declare_types` reads it."""
        require_target(Path(path), example="types.json")
        self._remembered("export_types").export_types(path)

    def forget(self, ids: Iterable[Any] | None = None) -> int:
        """Forget what was accepted (of these ids, or of all), for when somebody edited in the dashboard.

        The next push with ``skip_unchanged=True`` sends these customers again. Types stay.

        Parameters
        ----------
        ids : iterable of str, optional
            A list, or the column of ids (``df["id"]``). An id that is not known is no error.

        Returns
        -------
        int
            How many customers there was something to forget of; 0 where none of the ids is known.

        Raises
        ------
        InvalidArgumentTypeError
            A frame or a single text in place of the ids.
        """
        return self._remembered("forget").forget(ids)

    def forget_types(self, names: Iterable[str]) -> int:
        """Forget the types of these attributes, for when the ledger is wrong about them.

        So it is when an attribute was deleted in the dashboard. Should the service still have its type fixed, values
        of another are ignored without a word. What was accepted stays: for ``skip_unchanged`` there is `forget`.

        Parameters
        ----------
        names : iterable of str
            The attributes. One whose type is not known is an error, and nothing is forgotten then.

        Returns
        -------
        int
            How many types were forgotten.

        Examples
        --------
        >>> from growlytics_pandas import Sandbox
        >>> with Sandbox() as sandbox:
        ...     sandbox.client.declare_types({"Orders": "string"})
        ...     sandbox.client.forget_types(["Orders"])
        ...     sandbox.client.declare_types({"Orders": "number"})
        1
        """
        workspace = self._remembered("forget_types")
        found = require_known(names, workspace.known_types())
        count = workspace.forget_types(found)
        self._save_types(without=found)
        return count

    def forget_everything(self) -> None:
        """Forget what was accepted, which attributes customers have, and all types: the project was emptied."""
        workspace = self._remembered("forget_everything")
        workspace.forget(attributes=True)
        names = list(workspace.known_types())
        workspace.forget_types(names)
        self._save_types(without=names)

    def history(self) -> pd.DataFrame:
        """Tell of the runs of this project: one row each, when, rows, counts by status, seconds, end, label."""
        return self._remembered("history").history()

    def save_types(self) -> None:
        """Bring the file of `types` up to date; a push does so at its end."""
        self._save_types()

    def _open_types(self, path: str | Path) -> TypesFile:
        if not isinstance(path, (str, os.PathLike)):
            raise InvalidArgumentTypeError(f"types: found a {type(path).__name__}; it must be the path of a JSON file.")
        if self.ledger is None:
            raise InvalidArgumentError("types: it needs a ledger, and this client has none (ledger=None).")
        require_target(Path(path), "types", "types.json")
        opened = TypesFile(Path(path).absolute())
        opened.load(self._remembered("types"))
        return opened

    def _save_types(self, without: Collection[str] = ()) -> None:
        if self._types_file is not None:
            self._types_file.save(self._remembered("types"), without=without)

    def _remembered(self, method: str) -> Project:
        if self.workspace is None:
            raise InvalidArgumentError(f"Client.{method}: this client has no ledger (ledger=None).")
        return self.workspace

    def open_transport(self, max_concurrency: int) -> Transport:
        """Open a transport to this project; the caller closes it."""
        headers = Headers(
            {
                "Accept": contract.ACCEPT,
                "Content-Type": contract.CONTENT_TYPE,
                contract.KEY_HEADER: self._key.reveal(),
            }
        )
        endpoint = Endpoint(
            self.base_url + contract.CUSTOMER_PATH, headers, self._timeout_seconds, self._verify, self._session
        )
        return open_transport(self._transport, endpoint, max_concurrency)

    @with_reading_options
    def upsert(
        self,
        id: str,  # noqa: A002 - the API's word
        attributes: Mapping[str, Any] | Iterable[Mapping[str, Any]],
        *,
        name: str | None = None,
        **options: Unpack[ReadingArguments],
    ) -> None:
        """Create or update one customer, at once, with the retries of a push.

        Parameters
        ----------
        id : str
            The customer's id.
        attributes : mapping or list of mappings
            ``{name: value}`` with types inferred as for a column, or explicit
            ``[{"name": …, "type": …, "value": …}]``. A missing value (None, NaN, NaT, NA) leaves its attribute out.
        name : str, optional
            The top-level ``name`` of the published example.
        date_format, decimal, na_values, strip, normalize, timezone, region
            How values are read, as for `growlytics_pandas.plan`, with attributes in place of columns; ``strip=True``
            and a list of `na_values` hold for the id, too.

        Raises
        ------
        ConstraintViolationError
            Something in it could not arrive; nothing was sent.
        CustomerRejectedError, AuthenticationError, EndpointError, ServiceUnavailableError
            What the service said.

        Examples
        --------
        >>> from growlytics_pandas import Sandbox
        >>> with Sandbox() as sandbox:
        ...     sandbox.client.upsert("asha@example.com", {"City": "Pune", "Total Orders": 3})
        ...     sandbox.stored()["asha@example.com"]
        {'City': 'Pune', 'Total Orders': 3}
        """
        # Here, because a single customer goes the way of a one-row frame, which begins with a client.
        from growlytics_pandas.upload.single import upsert_one  # noqa: PLC0415

        upsert_one(self, id, attributes, name, options)

    def __repr__(self) -> str:
        return f"<Client {getattr(self, 'base_url', 'that could not be made')}>"


@dataclass(frozen=True, slots=True)
class ClientRecipe:
    """How to make, in another process, a client that sends to the same project with the key of *that* environment."""

    base_url: str
    transport: TransportName
    timeout_seconds: float
    verify: bool | str | Path
    salt: bytes
    key_mark: bytes

    def make(self) -> Client:
        """Make the client; it has no ledger."""
        made = Client(
            None,
            self.base_url,
            ledger=None,
            transport=self.transport,
            timeout=self.timeout_seconds,
            verify=self.verify,
        )
        if find_key(None).mark(self.salt) != self.key_mark:
            raise ApiKeyError(
                f"{KEY_VARIABLE}: the key in this worker's environment is not the one of the client, so it may be of "
                "another project. Nothing was sent from here; start the workers with the same key."
            )
        return made


def require_client(client: Any) -> Client | None:
    """Return `client`, or say what to give instead."""
    if client is None or isinstance(client, Client):
        return client
    remedy = "give its .client" if hasattr(client, "client") else "make one with growlytics_pandas.Client(api_key=…)"
    raise InvalidArgumentTypeError(f"client: found a {type(client).__name__}; it must be a Client: {remedy}.")


def refuse_client_as_id(id_col: Any) -> None:
    """Refuse a client or a sandbox where the id column belongs."""
    is_sandbox = hasattr(type(id_col), "client")  # of the type: a sandbox that is stopped has no client to look at
    if is_sandbox or isinstance(id_col, Client):
        meant = "client=sandbox.client" if is_sandbox else "client=…"
        raise InvalidArgumentTypeError(
            f"id_col: found a {type(id_col).__name__}; it must be the label of the id column. Did you mean {meant}?"
        )


def default_client() -> Client | None:
    """Return the client that the environment describes; None where it holds no key."""
    return Client() if os.environ.get(KEY_VARIABLE, "").strip() else None


def _opened(ledger: Any) -> Ledger | None:
    if ledger is None or isinstance(ledger, Ledger):
        return ledger
    if not isinstance(ledger, (str, os.PathLike)):
        raise InvalidArgumentTypeError(f"ledger: found a {type(ledger).__name__}; it must be a path, 'auto' or None.")
    made = Ledger(None if ledger == "auto" else ledger)
    if any(part != without_keys(part) for part in (made.path.name, made.path.parent.name)):
        raise InvalidArgumentError("ledger: its path holds the API key, and names of files are seen; name another.")
    return made


def _bundle(verify: Any) -> Path:
    if not isinstance(verify, (str, os.PathLike)):
        raise InvalidArgumentTypeError(
            f"verify: found a {type(verify).__name__}; it must be True, False or the path of a CA bundle."
        )
    path = Path(verify)
    if not path.is_file():
        raise InvalidArgumentError(f"verify: there is no file {str(path)!r}; it must be True, False or a CA bundle.")
    return path
