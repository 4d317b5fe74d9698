"""How a push reaches a project: the options of a push, and the connection with key, URL, ledger and transport."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, get_args

import numpy as np

from growlytics_pandas import contract
from growlytics_pandas._masking import KEY_VARIABLE, without_keys
from growlytics_pandas._output_paths import require_target
from growlytics_pandas._text import argument, install_extra, options_text, phrase
from growlytics_pandas.columns.plan_options import F, PlanArguments, list_options
from growlytics_pandas.errors import (
    ApiKeyError,
    InvalidArgumentError,
    InvalidArgumentTypeError,
    MissingDependencyError,
    UsageError,
)
from growlytics_pandas.http.api_key import ApiKey, Headers, checked_url, find_key
from growlytics_pandas.http.concurrency import MAX_IN_FLIGHT
from growlytics_pandas.http.protocol import Endpoint, Transport
from growlytics_pandas.ledger.digests import Digester
from growlytics_pandas.ledger.project import Ledger, Project, TypesFile
from growlytics_pandas.ledger.types import KnownType
from growlytics_pandas.views.events import ProgressOption

if TYPE_CHECKING:
    import requests

Track = Literal["attributes"]
TransportName = Literal["auto", "requests", "curl"]

URL_VARIABLE: Final = "GROWLYTICS_BASE_URL"
SALT_BYTES: Final = 16
MARK_BYTES: Final = 8
_SALT: Final = os.urandom(SALT_BYTES)
VARIABLES_OF_REQUESTS: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
VARIABLES: Final = (*VARIABLES_OF_REQUESTS, "SSL_CERT_FILE")  # the first one set is used
MAX_TIMEOUT_SECONDS: Final = 86_400  # a day: the clocks of the HTTP libraries overflow at some weeks

Errors = Literal["raise", "drop"]
MAX_CONCURRENCY: Final = 65_535  # requests: the number of local ports for connections to one address
MAX_LABEL_CHARS: Final = 100


class PushArguments(TypedDict, total=False):
    """The options of a push as type checkers see them in a call; a test compares them with `PushOptions`."""

    errors: Errors
    dry_run: bool
    skip_unchanged: bool
    chunk_size: int
    max_concurrency: int
    max_rate: float | None
    max_failures: float | None
    label: str | None
    progress: ProgressOption


class PushCall(PlanArguments, PushArguments, total=False):
    """The options of a push and of its plan."""


PUSH_OPTIONS: Final = tuple(PushArguments.__annotations__)
"""The names of the options that a push has besides those of its plan."""


@dataclass(frozen=True, slots=True)
class PushOptions:
    """The options of a push and their defaults."""

    errors: Errors = "raise"
    dry_run: bool = False
    skip_unchanged: bool = False
    chunk_size: int = 1000
    max_concurrency: int = MAX_IN_FLIGHT
    max_rate: float | None = None
    max_failures: float | None = None
    label: str | None = None
    progress: ProgressOption = "auto"

    def __post_init__(self) -> None:
        if self.errors not in ("raise", "drop"):
            raise InvalidArgumentError(f"{argument('errors')}: found {self.errors!r}; allowed are 'raise', 'drop'.")
        for name in ("chunk_size", "max_concurrency"):
            found = getattr(self, name)
            if not isinstance(found, int) or isinstance(found, bool) or found < 1:
                raise InvalidArgumentError(
                    f"{argument(name)}: found {found!r}; it must be a whole number of 1 or more."
                )
        if self.max_concurrency > MAX_CONCURRENCY:
            found, most = self.max_concurrency, f"{MAX_CONCURRENCY:,}"
            raise InvalidArgumentError(
                f"{argument('max_concurrency')}: found {found!r}; it must be a whole number from 1 to {most}."
            )
        _check_label(self.label)
        for name in ("dry_run", "skip_unchanged"):
            found = getattr(self, name)
            if not isinstance(found, (bool, np.bool_)):
                raise InvalidArgumentError(f"{argument(name)}: found {found!r}; it must be True or False.")
        for name in ("max_rate", "max_failures"):
            found = getattr(self, name)
            if found is not None and not _is_finite_above_0(found):
                raise InvalidArgumentError(
                    f"{argument(name)}: found {found!r}; it must be a finite number above 0"
                    f"{phrase(', or None for no limit', '')}."
                )
        if isinstance(self.max_failures, float) and self.max_failures > 1:
            raise InvalidArgumentError(
                f"{argument('max_failures')}: found {self.max_failures!r}; a float is a share from 0 to 1, an int a "
                "number of rows."
            )

    def would_refuse(self, *, has_errors: bool) -> bool:
        """Return whether this is a dry run of a push that would raise."""
        return self.dry_run and self.errors == "raise" and has_errors


def with_push_options(function: F) -> F:
    """List the options of a push in the signature of a function that takes them as ``**options``."""
    return list_options(function, PushOptions, PUSH_OPTIONS)


def split_options(given: Mapping[str, Any]) -> tuple[PushOptions, dict[str, Any]]:
    """Return the options of a push, and the other options given in a call."""
    of_push = {name: value for name, value in given.items() if name in PUSH_OPTIONS}
    return PushOptions(**of_push), {name: value for name, value in given.items() if name not in of_push}


def _check_label(label: Any) -> None:
    if label is None:
        return
    if not isinstance(label, str):
        raise InvalidArgumentTypeError(f"{argument('label')}: found a {type(label).__name__}; it must be text.")
    if not label.strip() or not label.isprintable() or len(label) > MAX_LABEL_CHARS:
        raise InvalidArgumentError(
            f"{argument('label')}: it must be one line of 1 to {MAX_LABEL_CHARS} visible characters, such as 'nightly "
            "import'."
        )


def _is_finite_above_0(found: Any) -> bool:
    # Not math.isfinite, which fails for integers beyond the range of floats.
    return isinstance(found, (int, float)) and not isinstance(found, bool) and 0 < found <= sys.float_info.max


class Connection:
    """The part of a `Client` that a push uses, with the same parameters. The key is wrapped against tracebacks."""

    def __init__(
        self,
        key: ApiKey | None = None,
        base_url: str | None = None,
        *,
        ledger: Any = "auto",
        transport: TransportName = "auto",
        timeout: float = 30.0,
        verify: bool | str | Path = True,
        session: requests.Session | None = None,
        types: str | Path | None = None,
        track: Track | None = None,
    ) -> None:
        self._key = find_key(key)
        chosen = base_url if base_url is not None else os.environ.get(URL_VARIABLE) or contract.BASE_URL
        self.base_url = checked_url(chosen)
        if without_keys(self.base_url) != self.base_url:
            raise InvalidArgumentError(
                f"{argument('base_url')}: it contains the API key, and URLs are shown and logged; remove the key."
            )
        if transport not in get_args(TransportName):
            allowed = ", ".join(map(repr, get_args(TransportName)))
            raise InvalidArgumentError(f"{argument('transport')}: found {transport!r}; allowed are {allowed}.")
        is_number = isinstance(timeout, (int, float)) and not isinstance(timeout, bool)
        if not is_number or not 0 < timeout <= MAX_TIMEOUT_SECONDS:
            raise InvalidArgumentError(
                f"{argument('timeout')}: found {timeout!r}; it must be a number of seconds above 0, up to "
                f"{MAX_TIMEOUT_SECONDS:,}."
            )
        if session is not None and not hasattr(session, "adapters"):
            raise InvalidArgumentTypeError(
                f"session: found a {type(session).__name__}; it must be a requests.Session, or None for our own."
            )
        self._transport: TransportName = transport
        self._timeout_seconds = float(timeout)
        self._verify = verify if isinstance(verify, bool) else _bundle(verify)
        self._session = session
        self.ledger = _opened(ledger)
        if track not in (None, *get_args(Track)):
            raise InvalidArgumentError(f"{argument('track')}: found {track!r}; it must be 'attributes' or None.")
        if track and self.ledger is None:
            raise InvalidArgumentError(
                f"{argument('track')}: it needs a ledger, and there is none ({options_text(ledger=None)})."
            )
        self._is_tracking = track is not None
        self._types_file = None if types is None else self._open_types(types)

    @property
    def fingerprint(self) -> bytes:
        """A digest of the URL and key, the same for all connections of this process; it does not reveal the key."""
        return self.mark(_SALT)

    def mark(self, salt: bytes) -> bytes:
        """Return bytes that distinguish projects by URL and key, and reveal neither."""
        return hashlib.blake2b(
            f"{self.base_url}\0{self._key.reveal()}".encode(), digest_size=MARK_BYTES, salt=salt
        ).digest()

    @property
    def project(self) -> Project | None:
        """The project's part of the ledger; None without a ledger."""
        return self.ledger.project(self.base_url, self._key.reveal()) if self.ledger else None

    @property
    def value_digester(self) -> Digester | None:
        """The digester of single values for the ledger; None where they are not tracked."""
        project = self.project if self._is_tracking else None
        return project.digester if project else None

    def known_types(self) -> dict[str, KnownType] | None:
        """Return the types known to the ledger; None without a ledger."""
        project = self.project
        return None if project is None else project.known_types()

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

    def save_types(self, without: Collection[str] = ()) -> None:
        """Update the file of `types`, if there is one, `without` the attributes just forgotten."""
        if self._types_file is not None and self.project is not None:
            self._types_file.save(self.project, without=without)

    def recipe(self) -> ConnectionRecipe:
        """Return what another process needs to make this connection, without the key and the ledger."""
        if self._session is not None:
            raise InvalidArgumentError(
                "client: a prepared session cannot be sent to a worker; create the Client without session=."
            )
        salt = os.urandom(SALT_BYTES)
        mark = self._key.mark(salt)
        return ConnectionRecipe(self.base_url, self._transport, self._timeout_seconds, self._verify, salt, mark)

    def _open_types(self, path: str | Path) -> TypesFile:
        where = phrase("types", "--types-file")
        if not isinstance(path, (str, os.PathLike)):
            raise InvalidArgumentTypeError(
                f"{where}: found a {type(path).__name__}; it must be the path of a JSON file."
            )
        project = self.project
        if project is None:
            raise InvalidArgumentError(
                f"{where}: it needs a ledger, and this client has none ({options_text(ledger=None)})."
            )
        require_target(Path(path), where, "types.json")
        opened = TypesFile(Path(path).absolute())
        opened.load(project)
        return opened


@dataclass(frozen=True, slots=True)
class ConnectionRecipe:
    """How to connect, from another process, to the same project with the key of *that* environment."""

    base_url: str
    transport: TransportName
    timeout_seconds: float
    verify: bool | str | Path
    salt: bytes
    key_mark: bytes

    def make(self) -> Connection:
        """Make the connection; it has no ledger."""
        made = Connection(
            None,
            self.base_url,
            ledger=None,
            transport=self.transport,
            timeout=self.timeout_seconds,
            verify=self.verify,
        )
        if find_key(None).mark(self.salt) != self.key_mark:
            raise ApiKeyError(
                f"{KEY_VARIABLE}: the key in this worker's environment differs from the client's, so it may belong to "
                "another project. Nothing was sent from this worker; start the workers with the same key."
            )
        return made


def connection_of(client: Any) -> Connection | None:
    """Return the connection of a `Client`, None for None; raise for anything else, with a remedy."""
    if client is None:
        return None
    found = getattr(client, "_connection", None)
    if isinstance(found, Connection):
        return found
    remedy = "use its .client" if hasattr(client, "client") else "create one: growlytics_pandas.Client(api_key=…)"
    raise InvalidArgumentTypeError(f"client: found a {type(client).__name__}; it must be a Client: {remedy}.")


def connect() -> Connection:
    """Return the connection set in the environment; raise if a setting is missing."""
    try:
        return Connection()
    except UsageError as error:
        raise error.with_traceback(None) from None  # frames could show a URL with the key in it


def connection_or_default(client: Any) -> Connection | None:
    """Return the connection of a `Client`, else the one set in the environment; None if that has no key."""
    return connection_of(client) or (connect() if os.environ.get(KEY_VARIABLE, "").strip() else None)


def require_connection(options: PushOptions, connection: Connection | None) -> Connection | None:
    """Return the connection of a push: this one, or the one that is now set in the environment.

    None for a dry run without a key. Raises if a setting is missing, or if `skip_unchanged` lacks a ledger.
    """
    if connection is None:
        connection = connection_or_default(None) if options.dry_run else connect()
    if options.skip_unchanged and (connection is None or connection.ledger is None):
        lacks = (
            f"this client has none ({options_text(ledger=None)})"
            if connection
            else "no client is set: set GROWLYTICS_API_KEY"
        )
        raise InvalidArgumentError(f"{argument('skip_unchanged')}: it needs a ledger, and {lacks}.")
    return connection


_PUSHING: Final[dict[tuple[int, bytes], object]] = {}
"""The pushes in progress: process id (which a fork changes) and project."""


@contextlib.contextmanager
def exclusive(connection: Connection) -> Iterator[None]:
    """Allow only one push per project in this process: two could have the same id in flight.

    By project, not by connection or ledger, since two connections may have the same URL and key.
    """
    place = (os.getpid(), connection.fingerprint)
    # A single atomic operation, since a fork could leave a lock held.
    if _PUSHING.setdefault(place, token := object()) is not token:
        raise UsageError("another push of this process to the same project is running; wait for it to end.")
    project = connection.project
    try:
        if project is not None:
            project.in_use = True
        yield
    finally:
        if project is not None:
            project.in_use = False
        del _PUSHING[place]


def refuse_client_as_id(id_col: Any) -> None:
    """Raise if a client or a sandbox was given as the id column."""
    is_sandbox = hasattr(type(id_col), "client")  # of the type: a stopped sandbox has no client
    if is_sandbox or isinstance(getattr(id_col, "_connection", None), Connection):
        meant = "client=sandbox.client" if is_sandbox else "client=…"
        raise InvalidArgumentTypeError(
            f"{argument('id_col')}: found a {type(id_col).__name__}; it must be the label of the id column. Did you "
            f"mean {meant}?"
        )


def _opened(ledger: Any) -> Ledger | None:
    if ledger is None or isinstance(ledger, Ledger):
        return ledger
    if not isinstance(ledger, (str, os.PathLike)):
        raise InvalidArgumentTypeError(
            f"{argument('ledger')}: found a {type(ledger).__name__}; it must be a path, 'auto' or None."
        )
    made = Ledger(None if ledger == "auto" else ledger)
    if any(part != without_keys(part) for part in (made.path.name, made.path.parent.name)):
        raise InvalidArgumentError(
            f"{argument('ledger')}: its path contains the API key, and file names are visible; choose another path."
        )
    return made


def _bundle(verify: Any) -> Path:
    if not isinstance(verify, (str, os.PathLike)):
        raise InvalidArgumentTypeError(
            f"verify: found a {type(verify).__name__}; it must be True, False or the path of a CA bundle."
        )
    path = Path(verify)
    if not path.is_file():
        raise _missing_bundle(path)
    return path


def open_transport(name: TransportName, endpoint: Endpoint, max_concurrency: int) -> Transport:
    """Return an open transport; it sends nothing and starts no thread before the first ``submit``.

    Parameters
    ----------
    name : {"auto", "requests", "curl"}
        "auto": libcurl if a recent pycurl is installed and no session is given, else requests.
    endpoint : Endpoint
        URL, headers and limits of every request.
    max_concurrency : int
        Maximum number of requests in flight.

    Raises
    ------
    MissingDependencyError
        "curl" without a recent pycurl.
    InvalidArgumentError
        "curl" with a session, or a certificate bundle that does not exist.
    """
    endpoint = _with_certificates(endpoint)
    if name == "curl" and endpoint.session is not None:
        raise InvalidArgumentError(
            f"{argument('transport')}: found 'curl' together with session=, which is for requests only. "
            f"Use {options_text(transport='requests')}, or omit session."
        )
    if name in ("auto", "curl") and endpoint.session is None:
        try:
            from growlytics_pandas.http.curl import CurlTransport  # noqa: PLC0415 - pycurl is optional

            return CurlTransport(endpoint, max_concurrency)
        except ImportError as error:
            if name == "curl":
                raise MissingDependencyError(
                    f"{argument('transport')}: found 'curl', but pycurl cannot be imported ({error}). "
                    f"Use {options_text(transport='requests')}, or install it: {install_extra('fast')}."
                ) from error
    from growlytics_pandas.http.requests import RequestsTransport  # noqa: PLC0415 - slow to import

    return RequestsTransport(endpoint, max_concurrency)


def _with_certificates(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with the path of the trusted certificates; raise if it does not exist.

    They are those of `verify`, of the variables of requests and OpenSSL, or certifi's. ``verify=True`` is left to a
    session, or to libcurl where nothing is found.
    """
    _check_bundle(endpoint)
    bundle = _find_bundle() if endpoint.verify is True and endpoint.session is None else None
    return endpoint if bundle is None else replace(endpoint, verify=Path(bundle))


def _check_bundle(endpoint: Endpoint) -> None:
    if not isinstance(endpoint.verify, bool):
        if not endpoint.verify.exists():
            raise _missing_bundle(endpoint.verify)
        return
    session = endpoint.session
    if not endpoint.verify or not endpoint.url.startswith("https:"):
        return
    if session is not None and not (session.trust_env and session.verify is True):
        return
    named = named_bundle(VARIABLES if session is None else VARIABLES_OF_REQUESTS)
    if named is not None and not Path(named[1]).exists():
        raise InvalidArgumentError(
            f"{named[0]}: there is no file {named[1]!r}, so no certificate can be checked; nothing was sent. Correct "
            f"or unset the environment variable, or give {phrase('Client(verify=…)', '--ca-bundle')} the path of a CA "
            "bundle."
        )


def _missing_bundle(path: Path) -> InvalidArgumentError:
    """Return the error of a bundle of certificates that does not exist."""
    allowed = phrase("True, False or the path of a CA bundle", "the path of a CA bundle")
    return InvalidArgumentError(f"{argument('verify')}: there is no file {str(path)!r}; it must be {allowed}.")


def named_bundle(variables: tuple[str, ...] = VARIABLES) -> tuple[str, str] | None:
    """Return the environment variable that names a bundle, and its value; None if none is set."""
    return next(((name, os.environ[name]) for name in variables if os.environ.get(name)), None)


def _find_bundle() -> str | None:
    """Return the file (or directory) of trusted certificates; None for libcurl's default."""
    if named := named_bundle():
        return named[1]
    try:
        import certifi  # noqa: PLC0415  optional: comes with requests and with the extra "fast"
    except ImportError:
        return None
    return str(certifi.where())
