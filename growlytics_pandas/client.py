"""The client of one Growlytics project: a façade over its connection and its ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Unpack

import numpy as np
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas._output_paths import require_target
from growlytics_pandas._rules import Rule, Severity
from growlytics_pandas._status import Status
from growlytics_pandas._text import facts_html, plural
from growlytics_pandas.checks.violations import message_text
from growlytics_pandas.columns.plan_options import PlanOptions, ReadingArguments, with_reading_options
from growlytics_pandas.errors import (
    ConstraintViolationError,
    CustomerRejectedError,
    InvalidArgumentError,
    InvalidArgumentTypeError,
    LedgerError,
    ServiceError,
    ServiceUnavailableError,
    UsageError,
)
from growlytics_pandas.http.api_key import SEALED, seal
from growlytics_pandas.ledger.project import Ledger, Project
from growlytics_pandas.ledger.types import require_known
from growlytics_pandas.upload.connection import Connection, PushOptions, Track, TransportName
from growlytics_pandas.upload.plan import make_plan

if TYPE_CHECKING:
    import requests


_ID: Final = "growlytics customer id"  # no attribute has this name
_EXAMPLE: Final = "{'name': 'City', 'type': 'string', 'value': 'Pune'}"
_SHOWN: Final = 10  # violations in a message
_SUCH: Final = MappingProxyType(
    {
        contract.STRING: "a text such as 'Pune'",
        contract.NUMBER: "a number such as 3",
        contract.BOOLEAN: "True or False",
        contract.DATE: "a date such as datetime.date(2025, 1, 31)",
    }
)


class Client:
    """One Growlytics project.

    Parameters
    ----------
    api_key : str, optional
        Default: the environment variable ``GROWLYTICS_API_KEY``. It is never shown, logged or stored.
    base_url : str, optional
        Default: ``GROWLYTICS_BASE_URL``, else the documented host. HTTP is allowed only for localhost.
    ledger : None, str, Path, Ledger or "auto"
        The file for known types and digests of accepted customers. "auto": ``GROWLYTICS_LEDGER``, else a file in the
        user's data directory. None turns it off.
    transport : {"auto", "requests", "curl"}
        "auto" uses libcurl if the extra ``fast`` is installed.
    timeout : float
        Maximum seconds for one request.
    verify : bool or path
        Whether to check certificates, or the path of a CA bundle.
    session : requests.Session, optional
        A prepared session (proxies, auth); its requests go through ``transport="requests"``.
    types : str or path, optional
        A JSON file of attribute types, such as ``types.json`` in a repository. The ledger reads it at the start; after
        each push the confirmed types of the ledger are written to it. A missing file is created.
    track : "attributes", optional
        Also keep a digest of two bytes of each accepted value in the ledger, so that `Plan.changes` counts the values
        that would change by attribute. It never affects what is sent. Pushes to a Dask cluster are not tracked.

    Raises
    ------
    ApiKeyError
        The key is missing, or cannot be sent in a header.
    InvalidArgumentError
        The URL, timeout or transport is invalid, or a type in the file of `types` differs from the known one.

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
        track: Track | None = None,
    ) -> None:
        given, api_key = seal(api_key), SEALED  # a verbose traceback prints the current arguments
        try:
            self._connection = Connection(
                given,
                base_url,
                ledger=ledger,
                transport=transport,
                timeout=timeout,
                verify=verify,
                session=session,
                types=types,
                track=track,
            )
        except UsageError as error:
            # The key may be in the wrong argument: hide it from the error's message and frames.
            base_url = ledger = transport = timeout = verify = types = track = SEALED  # type: ignore[assignment]
            raise error.with_traceback(None) from None

    @property
    def base_url(self) -> str:
        """The URL of the service, without a path."""
        return self._connection.base_url

    @property
    def ledger(self) -> Ledger | None:
        """The ledger; None if it is turned off."""
        return self._connection.ledger

    def types(self) -> pd.DataFrame:
        """Return which attribute types are known to be fixed.

        Returns
        -------
        DataFrame
            One row per attribute: `attribute`, `type`, `first_seen` (UTC), `source` ("accepted", "declared", or
            "uncertain": sent, but without a response that confirms it).
        """
        return self._remembered("types").types()

    def declare_types(self, types: Mapping[str, str] | str | Path) -> None:
        """Add types that were fixed elsewhere to the ledger: attribute → type, or a JSON file of that form.

        Raises
        ------
        InvalidArgumentError
            A type is invalid, or differs from the known one.
        """
        self._remembered("declare_types").declare_types(types)
        self._connection.save_types()

    def export_types(self, path: str | Path) -> None:
        """Write the known types as JSON, sorted, one a line, to keep in a repository; `declare_types` reads it."""
        require_target(Path(path), example="types.json")
        self._remembered("export_types").export_types(path)

    def forget(self, ids: Iterable[Any] | None = None) -> int:
        """Forget accepted customers, these or all; call it after edits in the dashboard.

        The next push with ``skip_unchanged=True`` sends these customers again. Types stay.

        Parameters
        ----------
        ids : iterable of str, optional
            A list, or the column of ids (``df["id"]``). An id that is not known is no error.

        Returns
        -------
        int
            How many customers were forgotten; 0 if no id is known.

        Raises
        ------
        InvalidArgumentTypeError
            A frame or a single text is not a list of ids.
        """
        return self._remembered("forget").forget(ids)

    def forget_types(self, names: Iterable[str]) -> int:
        """Forget the types of these attributes; call it if the ledger is wrong about them.

        An example is an attribute that was deleted in the dashboard. If the service still has its type, values of
        another type are silently ignored. Accepted customers stay in the ledger; `forget` removes those.

        Parameters
        ----------
        names : iterable of str
            The attributes. If the type of one is not known, an error is raised and nothing is forgotten.

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
        project = self._remembered("forget_types")
        found = require_known(names, project.known_types())
        count = project.forget_types(found)
        self._connection.save_types(without=found)
        return count

    def forget_everything(self) -> None:
        """Forget all accepted customers, their attributes and all types; call it after the project was emptied."""
        project = self._remembered("forget_everything")
        project.forget(attributes=True)
        names = list(project.known_types())
        project.forget_types(names)
        self._connection.save_types(without=names)

    def history(self) -> pd.DataFrame:
        """Return the runs of this project, one row each: start, rows, counts by status, seconds, end, label, retried.

        A retry is a row of its own; `retried` is the number of rows that it sent again, and 0 for other runs. Its
        counts include the rows that arrived before.
        """
        return self._remembered("history").history()

    def _remembered(self, method: str) -> Project:
        project = self._connection.project
        if project is None:
            raise InvalidArgumentError(f"Client.{method}: this client has no ledger (ledger=None).")
        return project

    @with_reading_options
    def upsert(
        self,
        id: str,  # noqa: A002 - the API's word
        attributes: Mapping[str, Any] | Iterable[Mapping[str, Any]],
        *,
        name: str | None = None,
        **options: Unpack[ReadingArguments],
    ) -> None:
        """Create or update one customer, with the checks and retries of a push.

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
            How values are read, as for `growlytics_pandas.plan`, by attribute instead of by column; ``strip=True`` and
            a list of `na_values` also apply to the id.

        Raises
        ------
        ConstraintViolationError
            A value would be rejected; nothing was sent.
        CustomerRejectedError, AuthenticationError, EndpointError, ServiceUnavailableError
            The service refused the customer, or could not be reached.

        Examples
        --------
        >>> from growlytics_pandas import Sandbox
        >>> with Sandbox() as sandbox:
        ...     sandbox.client.upsert("asha@example.com", {"City": "Pune", "Total Orders": 3})
        ...     sandbox.stored()["asha@example.com"]
        {'City': 'Pune', 'Total Orders': 3}
        """
        _upsert(self._connection, id, attributes, name, options)

    def __repr__(self) -> str:
        shown = self.base_url if hasattr(self, "_connection") else "that failed to initialize"
        return f"<Client {shown}>"

    def _repr_html_(self) -> str:
        """Show where it sends and what the ledger remembers; a ledger that is not there yet is not created."""
        return facts_html("Client of Growlytics", {"to": self.base_url, **self._remembered_facts()})

    def _remembered_facts(self) -> dict[str, str]:
        if self.ledger is None:
            return {"ledger": "none"}
        facts = {"ledger": str(self.ledger.path)}
        if not self.ledger.path.exists():
            return facts | {"remembers": "nothing yet"}
        try:
            types, runs = len(self.types()), int((self.history()["retried"].fillna(0) == 0).sum())
        except LedgerError as error:
            return facts | {"remembers": str(error)}
        return facts | {"remembers": f"{plural(types, 'attribute type')}, {plural(runs, 'run')}"}


# one customer, written by hand: the body is the one that a push of a one-row frame makes ----------------------------


def _upsert(
    connection: Connection,
    customer_id: str,
    attributes: Mapping[str, Any] | Iterable[Mapping[str, Any]],
    name: str | None,
    options: ReadingArguments,
) -> None:
    """Send one customer, with the checks, the retries and the ledger of a push; raise where it is not accepted."""
    values, types = _named(attributes)
    if unknown := sorted(map(str, PlanOptions(**options).labels() - values.keys())):
        raise InvalidArgumentError(f"options: {unknown[0]!r} is not an attribute of this customer.")
    frame = pd.DataFrame({label: _cell(value) for label, value in {_ID: customer_id, **values}.items()})
    chosen = PlanOptions(columns=list(values) or None, types=types, name=name, **options)
    made = make_plan(frame, _ID, chosen, connection)
    try:
        ended = made._push(PushOptions(progress=False))  # not `push`, which would replace the last result
    except ConstraintViolationError as error:
        raise _violated(error) from None
    if (problem := ended.show()) is not None:
        raise problem
    if not ended.result.ok:
        raise _refusal(ended.result.outcomes.iloc[0])


def _cell(value: Any) -> Any:
    cell = np.empty(1, dtype=object)  # filled apart: a list stays one cell
    cell[0] = value
    return cell


def _violated(error: ConstraintViolationError) -> ConstraintViolationError:
    """Return the same error for one customer, with attributes instead of rows and columns."""
    errors = [violation for violation in error.plan._findings.violations if violation.level is Severity.ERROR]
    known = {attribute.column: attribute.known.type for attribute in error.plan._schema.attributes if attribute.known}
    lines = []
    for violation in errors[:_SHOWN]:
        text = message_text(violation, violation.details[0] if violation.details is not None else None)
        if violation.rule is Rule.TYPE_CONFLICT:
            text += f" {_conversion(str(violation.column), known[violation.column])}"
        where = "" if violation.column == _ID else f"attribute {violation.column!r}: "
        lines.append(f"  {where}{text}")
    if len(errors) > _SHOWN:
        lines.append(f"  +{len(errors) - _SHOWN} more; the error's .violations has all")
    return ConstraintViolationError("nothing was sent:\n" + "\n".join(lines), plan=error.plan)


def _conversion(name: str, wanted: str) -> str:
    explicit = f"[{{'name': {name!r}, 'type': {wanted!r}, 'value': …}}]"
    return f"Give {_SUCH[wanted]}; or give the type, and the value is converted if possible: {explicit}."


def _refusal(outcome: pd.Series[Any]) -> ServiceError:
    is_unknown = outcome["status"] == Status.UNKNOWN
    status = None if pd.isna(outcome["http_status"]) else int(outcome["http_status"])
    retryable = is_unknown or status is None or status in contract.RETRY_STATUSES
    error = ServiceUnavailableError if retryable else CustomerRejectedError
    note = " It may have arrived; the same upsert again is safe." if is_unknown else ""
    return error(
        f"the customer was not accepted: {outcome['error']}.{note}",
        status=status,
        attempts=int(outcome["attempts"]),
        server_message=outcome["error"],
        retryable=retryable,
    )


def _named(attributes: Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return name → value and name → explicit type."""
    if isinstance(attributes, Mapping):
        for name in attributes:
            _require_name(f"attributes[{name!r}]", name)
        return dict(attributes), {}
    if isinstance(attributes, str) or not isinstance(attributes, Iterable):
        raise InvalidArgumentTypeError(
            f"attributes: found a {type(attributes).__name__}; it must be a dict such as {{'City': 'Pune'}}, or a list "
            f"of mappings such as {_EXAMPLE}."
        )
    values: dict[str, Any] = {}
    types: dict[str, str] = {}
    for i, entry in enumerate(attributes):
        if not isinstance(entry, Mapping) or not {"name", "type", "value"} <= set(entry):
            raise InvalidArgumentTypeError(
                f"attributes[{i}]: it must be a mapping with 'name', 'type' and 'value', such as {_EXAMPLE}."
            )
        _require_name(f"attributes[{i}]['name']", entry["name"])
        if entry["name"] in values:
            raise InvalidArgumentError(f"attributes[{i}]: {entry['name']!r} is given twice; give it once.")
        values[entry["name"]] = entry["value"]
        if entry["name"] not in contract.RESERVED_ATTRIBUTES or entry["type"] != contract.STRING:
            types[entry["name"]] = entry["type"]
    return values, types


def _require_name(where: str, name: Any) -> None:
    if not isinstance(name, str):
        raise InvalidArgumentTypeError(f"{where}: found a {type(name).__name__}; an attribute name must be text.")
