"""What the service does with one request, as documented: pure functions whose result the store applies.

Every number in the JSON keeps its digits as sent.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, Final, NamedTuple

from growlytics_pandas import contract
from growlytics_pandas.errors import InvalidArgumentError

_DATE_CHARS: Final = len("YYYY-MM-DD HH:MM:SS")
_SURROGATE_ESCAPE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


class Reason(Enum):
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


class Accepted(NamedTuple):
    """One attribute value to store; `value` is its JSON text."""

    name: str
    type: str
    value: str


class Ignored(NamedTuple):
    """An attribute entry that the service would silently ignore; `value` is its JSON text."""

    name: str | None
    type: str | None
    value: str
    reason: Reason
    known_type: str | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result for the attributes of one request."""

    accepted: dict[str, Accepted]
    ignored: list[Ignored]
    pinned: dict[str, str]
    """Types that this request fixes, by an attribute's first accepted value."""


class _Entry(NamedTuple):
    name: Any
    type: Any
    value: Any


def read_request(body: bytes) -> CustomerRequest:
    """Read the body of a request.

    Raises
    ------
    InvalidArgumentError
        The service would return 400; the message has the reason.
    """
    document = read_json(body)
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
    evaluation = Evaluation({}, [], {})
    held = set(held_names)
    types = dict(known_types) | dict.fromkeys(contract.RESERVED_ATTRIBUTES, contract.STRING)
    room = contract.MAX_CUSTOM_ATTRIBUTES - len(held.difference(contract.RESERVED_ATTRIBUTES))
    for entry in _read_entries(entries, evaluation.ignored):
        name, declared, value = entry
        known = types.get(name) if type(name) is str else None
        reason = _refusal(entry, known)
        takes_slot = reason is None and name not in held and name not in contract.RESERVED_ATTRIBUTES
        if takes_slot and room == 0:
            reason = Reason.TOO_MANY
        if reason is not None:
            evaluation.ignored.append(_ignored(entry, reason, known))
            continue
        room -= takes_slot
        held.add(name)
        types[name] = declared
        if name not in known_types:
            evaluation.pinned.setdefault(name, declared)
        _accept(evaluation, Accepted(name, declared, write_json(value)))
    return evaluation


def _read_entries(entries: Iterable[Any], ignored: list[Ignored]) -> Iterator[_Entry]:
    for entry in entries:
        if type(entry) is dict:
            yield _Entry(entry.get("name"), entry.get("type"), entry.get("value"))
        else:
            ignored.append(Ignored(None, None, write_json(entry), Reason.NOT_AN_OBJECT))


def _accept(evaluation: Evaluation, accepted: Accepted) -> None:
    previous = evaluation.accepted.get(accepted.name)
    if previous is not None:
        evaluation.ignored.append(Ignored(*previous, Reason.OVERWRITTEN, accepted.type))
    evaluation.accepted[accepted.name] = accepted


def _ignored(entry: _Entry, reason: Reason, known_type: str | None) -> Ignored:
    name = entry.name if type(entry.name) is str else None
    declared = entry.type if type(entry.type) is str else None
    return Ignored(name, declared, write_json(entry.value), reason, known_type)


def _refusal(entry: _Entry, known_type: str | None) -> Reason | None:
    """Return why the entry is ignored; None if it is accepted."""
    name, declared, value = entry
    if type(name) is not str or not name:
        return Reason.NAME_MISSING
    if (len(name) if name.isascii() else contract.count_chars(name)) > contract.MAX_ATTRIBUTE_NAME_CHARS:
        return Reason.NAME_TOO_LONG
    if declared not in contract.TYPES:
        return Reason.TYPE_UNKNOWN
    if value is None:
        return Reason.VALUE_NULL
    if known_type is not None and declared != known_type:
        return Reason.TYPE_PINNED
    return _value_refusal(declared, value)


def _value_refusal(declared: str, value: Any) -> Reason | None:
    found = type(value)
    if declared == contract.NUMBER:
        return None if found is NumberText else Reason.VALUE_NOT_OF_TYPE
    if declared == contract.BOOLEAN:
        return None if found is bool else Reason.VALUE_NOT_OF_TYPE
    if found is not str:
        return Reason.VALUE_NOT_OF_TYPE
    return Reason.DATE_INVALID if declared == contract.DATE and not _is_date(value) else None


def _is_date(text: str) -> bool:
    # Parsing and formatting again checks the exact form; the length excludes zones and fractions.
    try:
        return len(text) == _DATE_CHARS and datetime.fromisoformat(text).isoformat(" ") == text
    except ValueError:
        return False


class NumberText(str):
    """A JSON number as written: ``0.10`` stays ``0.10``."""

    __slots__ = ()


def _refuse_constant(text: str) -> Any:
    raise InvalidArgumentError(f"body: it has {text}, which is not JSON; send a number or leave the attribute out")


_DECODER: Final = json.JSONDecoder(parse_float=NumberText, parse_int=NumberText, parse_constant=_refuse_constant)


def read_json(body: bytes) -> Any:
    """Return the JSON value in `body`, its numbers as `NumberText`.

    Raises
    ------
    InvalidArgumentError
        The body is not UTF-8, not strict JSON, or has an escaped lone surrogate.
    RecursionError
        It is nested too deeply.
    """
    try:
        document = _DECODER.decode(body.decode("utf-8"))
        if _SURROGATE_ESCAPE.search(body):
            # Escapes can contain a lone surrogate, which cannot be stored as UTF-8.
            json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError as problem:
        raise InvalidArgumentError(f"body: byte {problem.start} is not UTF-8; send UTF-8") from problem
    except UnicodeEncodeError as problem:
        raise InvalidArgumentError("body: it has an unpaired surrogate; send valid Unicode") from problem
    except json.JSONDecodeError as problem:
        raise InvalidArgumentError(f"body: it is not JSON: {problem.msg} at {problem.pos}; send JSON") from problem
    return document


def write_json(value: Any) -> str:
    """Return a value from `read_json` as JSON text with the same digits."""
    if type(value) is NumberText:
        return str(value)
    if type(value) is list:
        return "[" + ",".join([write_json(item) for item in value]) + "]"
    if type(value) is dict:
        return "{" + ",".join([f"{json.dumps(key)}:{write_json(item)}" for key, item in value.items()]) + "}"
    return json.dumps(value)


def read_value(text: str) -> Any:
    """Return a stored JSON value as Python objects, with nothing rounded.

    Integers are `int`. Other numbers are `float` if their digits are the float's shortest representation, else
    `Decimal`: ``0.10`` is returned as ``Decimal("0.10")``, not as 0.1.
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
    same_digits = exact.as_tuple() == Decimal(repr(nearest)).as_tuple()
    return nearest if same_digits else exact
