"""One customer, written by hand: `Client.upsert` makes the same body that a push of a one-row frame makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas._rules import Rule, Severity
from growlytics_pandas._status import Status
from growlytics_pandas.checks.messages import message_text
from growlytics_pandas.columns.options import PlanOptions, ReadingArguments
from growlytics_pandas.errors import (
    ConstraintViolationError,
    CustomerRejectedError,
    InvalidArgumentError,
    InvalidArgumentTypeError,
    ServiceError,
    ServiceUnavailableError,
)
from growlytics_pandas.upload.connection import Connection
from growlytics_pandas.upload.plan import make_plan
from growlytics_pandas.upload.runner import LastResult

_ID: Final = "growlytics customer id"  # no attribute is called so
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


def upsert_one(
    connection: Connection,
    customer_id: str,
    attributes: Mapping[str, Any] | Iterable[Mapping[str, Any]],
    name: str | None,
    options: ReadingArguments,
) -> None:
    """Send one customer, with the checks, the retries and the ledger of a push; raise where it is not accepted."""
    values, types = _named(attributes)
    if unknown := sorted(map(str, PlanOptions(**options).labels() - values.keys())):
        raise InvalidArgumentError(f"options: they name {unknown[0]!r}, which is no attribute of this customer.")
    frame = pd.DataFrame({label: _cell(value) for label, value in {_ID: customer_id, **values}.items()})
    chosen = PlanOptions(columns=list(values) or None, types=types, name=name, **options)
    made = make_plan(frame, _ID, chosen, connection)
    last = LastResult.value
    try:
        result = made.push(progress=False)
    except ConstraintViolationError as error:
        raise _violated(error) from None
    finally:
        LastResult.value = last  # one customer is no push to come back to
    if not result.ok:
        raise _refusal(result.outcomes.iloc[0])


def _cell(value: Any) -> Any:
    cell = np.empty(1, dtype=object)  # filled apart: a list stays one cell
    cell[0] = value
    return cell


def _violated(error: ConstraintViolationError) -> ConstraintViolationError:
    """Say the same in the words of one customer, who has an id and attributes and no rows and columns."""
    errors = [violation for violation in error.plan.findings.violations if violation.level is Severity.ERROR]
    known = {attribute.column: attribute.known.type for attribute in error.plan.layout.attributes if attribute.known}
    lines = []
    for violation in errors[:_SHOWN]:
        text = message_text(violation, violation.details[0] if violation.details is not None else None)
        if violation.rule is Rule.TYPE_CONFLICT:
            text += f" {_conversion(str(violation.column), known[violation.column])}"
        where = "" if violation.column == _ID else f"attribute {violation.column!r}: "
        lines.append(f"  {where}{text}")
    if len(errors) > _SHOWN:
        lines.append(f"  +{len(errors) - _SHOWN} more, all in the error's .violations")
    return ConstraintViolationError("nothing was sent:\n" + "\n".join(lines), plan=error.plan)


def _conversion(name: str, wanted: str) -> str:
    explicit = f"[{{'name': {name!r}, 'type': {wanted!r}, 'value': …}}]"
    return f"Give {_SUCH[wanted]}; or say the type, and the value is converted where it can be: {explicit}."


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
            raise InvalidArgumentError(
                f"attributes[{i}]: {entry['name']!r} is given twice; one name can carry one value."
            )
        values[entry["name"]] = entry["value"]
        if entry["name"] not in contract.RESERVED_ATTRIBUTES or entry["type"] != contract.STRING:
            types[entry["name"]] = entry["type"]
    return values, types


def _require_name(where: str, name: Any) -> None:
    if not isinstance(name, str):
        raise InvalidArgumentTypeError(f"{where}: found a {type(name).__name__}; the name of an attribute is text.")
