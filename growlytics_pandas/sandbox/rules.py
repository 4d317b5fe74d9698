"""What the service does with one request, as documented: pure functions whose result the store applies.

Every number in the JSON keeps its digits as sent.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final, NamedTuple

import orjson

from growlytics_pandas import contract
from growlytics_pandas.errors import InvalidArgumentError

_DATE_CHARS: Final = len("YYYY-MM-DD HH:MM:SS")


class Reason(StrEnum):
    """Why the service silently ignored a value; the texts are those of `Sandbox.ignored`."""

    NOT_AN_OBJECT = "the attribute is not a JSON object"
    NAME_MISSING = "the attribute has no name"
    NAME_TOO_LONG = "the name has 50 characters or more"
    TYPE_UNKNOWN = "the type is not string, number, boolean or date"
    VALUE_NULL = "the value is null or missing"
    TYPE_PINNED = "the attribute was first tracked with another type"
    VALUE_NOT_OF_TYPE = "the value is not of the declared type"
    DATE_INVALID = "the date is not YYYY-MM-DD HH:MM:SS or not in the calendar"
    TOO_MANY = "the profile has 100 custom attributes already"
    OVERWRITTEN = "overwritten in the same request"


@dataclass(frozen=True, slots=True)
class CustomerRequest:
    """The body of one request."""

    id: str
    entries: list[Any]
    event_name: str | None


class Ignored(NamedTuple):
    """An attribute entry that the service would silently ignore; `value` is its JSON text."""

    name: str | None
    type: str | None
    value: str
    reason: Reason
    known_type: str | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result for the attributes of one request."""

    accepted: dict[str, Any] = field(default_factory=dict)
    """Attribute -> its new value."""
    ignored: list[Ignored] = field(default_factory=list)
    pinned: dict[str, str] = field(default_factory=dict)
    """Types that this request fixes, by an attribute's first accepted value."""


def read_request(body: bytes) -> CustomerRequest:
    """Read the body of a request.

    Raises
    ------
    InvalidArgumentError
        The service would return 400; the message has the reason.
    """
    try:
        document = read_json(body.decode())
        write_json(document)  # refuses lone surrogates, which UTF-8 cannot store, and deep nesting
    except (ValueError, RecursionError, orjson.JSONEncodeError) as problem:
        raise InvalidArgumentError(f"body: it is not JSON in UTF-8: {problem}; send a JSON object") from problem
    if type(document) is not dict:
        raise InvalidArgumentError("body: it is not a JSON object; send id and attributes")
    identifier, entries, event_name = document.get("id"), document.get("attributes", []), document.get("name")
    if type(identifier) is not str or not identifier:
        raise InvalidArgumentError("id: it is missing, empty or not a string; send the customer's id as a string")
    if type(entries) is not list:
        raise InvalidArgumentError("attributes: it is not a list; send a list of name, type and value")
    return CustomerRequest(identifier, entries, event_name if type(event_name) is str else None)


def tracked_names(entries: Iterable[Any]) -> set[str]:
    """Return the attribute names in `entries`, whose fixed types `evaluate` needs."""
    return {entry["name"] for entry in entries if type(entry) is dict and type(entry.get("name")) is str}


def evaluate(entries: Iterable[Any], known_types: Mapping[str, str], held_names: Iterable[str]) -> Evaluation:
    """Decide for each attribute entry whether it is accepted or ignored.

    Parameters
    ----------
    entries : iterable
        The `attributes` of the request, in order.
    known_types : mapping of str to str
        The project's fixed types of these names.
    held_names : iterable of str
        The names of attributes that the profile already has.
    """
    evaluation = Evaluation()
    custom = set(held_names).difference(contract.RESERVED_ATTRIBUTES)
    types = {**known_types, **dict.fromkeys(contract.RESERVED_ATTRIBUTES, contract.STRING)}
    for entry in entries:
        if type(entry) is not dict:
            evaluation.ignored.append(_ignored(None, None, entry, Reason.NOT_AN_OBJECT))
            continue
        name: Any = entry.get("name")
        declared: Any = entry.get("type")
        value = entry.get("value")
        known = types.get(name) if type(name) is str else None
        reason = _refusal(name, declared, value, known)
        is_new = reason is None and name not in custom and name not in contract.RESERVED_ATTRIBUTES
        if is_new and len(custom) == contract.MAX_CUSTOM_ATTRIBUTES:
            reason = Reason.TOO_MANY
        if reason is not None:
            evaluation.ignored.append(_ignored(name, declared, value, reason, known))
            continue
        if is_new:
            custom.add(name)
        if name in evaluation.accepted:
            previous = evaluation.accepted[name]
            evaluation.ignored.append(_ignored(name, declared, previous, Reason.OVERWRITTEN, declared))
        if name not in known_types:
            evaluation.pinned[name] = declared
        types[name] = declared
        evaluation.accepted[name] = value
    return evaluation


def _ignored(name: Any, declared: Any, value: Any, reason: Reason, known_type: str | None = None) -> Ignored:
    return Ignored(_text(name), _text(declared), write_json(value), reason, known_type)


def _text(value: Any) -> str | None:
    return value if type(value) is str else None


def _refusal(name: Any, declared: Any, value: Any, known_type: str | None) -> Reason | None:
    """Return why the entry is ignored; None if it is accepted."""
    if type(name) is not str or not name:
        return Reason.NAME_MISSING
    if (len(name) if name.isascii() else contract.count_chars(name)) > contract.MAX_ATTRIBUTE_NAME_CHARS:
        return Reason.NAME_TOO_LONG
    if declared not in contract.TYPES:
        return Reason.TYPE_UNKNOWN
    return _value_refusal(declared, value, known_type)


def _value_refusal(declared: str, value: Any, known_type: str | None) -> Reason | None:
    if value is None:
        return Reason.VALUE_NULL
    if known_type is not None and declared != known_type:
        return Reason.TYPE_PINNED
    if type(value) is not _FORMS[declared]:
        return Reason.VALUE_NOT_OF_TYPE
    return Reason.DATE_INVALID if declared == contract.DATE and not _is_date(value) else None


def _is_date(text: str) -> bool:
    # Parsing and formatting again checks the exact form; the length excludes zones and fractions.
    try:
        return len(text) == _DATE_CHARS and datetime.fromisoformat(text).isoformat(" ") == text
    except ValueError:
        return False


# JSON without rounding -----------------------------------------------------------------------------------------------

NumberText: Final = orjson.Fragment
"""A JSON number as written, which `write_json` writes unchanged: ``0.10`` stays ``0.10``."""

_FORMS: Final[dict[str, type[Any]]] = {
    contract.STRING: str,
    contract.DATE: str,
    contract.BOOLEAN: bool,
    contract.NUMBER: NumberText,
}


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a JSON number")


_DECODER: Final = json.JSONDecoder(parse_float=NumberText, parse_int=NumberText, parse_constant=_refuse_constant)


def read_json(text: str) -> Any:
    """Return a JSON value, its numbers as `NumberText`; raise ValueError or RecursionError if it is not one."""
    return _DECODER.decode(text)


def write_json(value: Any) -> str:
    """Return a value from `read_json` as JSON text with the same digits."""
    return orjson.dumps(value).decode()


def read_value(text: str) -> Any:
    """Return a stored JSON value as Python objects, with nothing rounded.

    Integers are `int`. Other numbers are `float` if the float's shortest representation is the same number, else
    `Decimal`: so 0.10 is 0.1, and a column of amounts has one type.
    """
    return json.loads(text, parse_float=_exact_fraction, parse_int=_exact_integer)


def _exact_integer(text: str) -> int | Decimal:
    try:
        return int(text)
    except ValueError:  # Python reads at most 4300 digits; Decimal reads more
        return Decimal(text)


def _exact_fraction(text: str) -> float | Decimal | str:
    try:
        exact = Decimal(text)
    except InvalidOperation:  # an exponent beyond the range of Decimal
        return text
    nearest = float(text)
    return nearest if Decimal(repr(nearest)) == exact else exact
