"""What the service does with one request, as documented: pure, so that the store only has to carry it out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final, NamedTuple

from growlytics_pandas import contract
from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.sandbox.jsontext import NumberText, read_json, write_json

_DATE_CHARS: Final = len("YYYY-MM-DD HH:MM:SS")


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
    """One attribute entry that the service would drop without a word; `value` is its JSON text."""

    name: str | None
    type: str | None
    value: str
    reason: Reason
    known_type: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of the attributes of one request."""

    accepted: dict[str, Accepted]
    ignored: list[Ignored]
    pinned: dict[str, str]
    """Types that this request pins: an attribute's first accepted value."""


class _Entry(NamedTuple):
    name: Any
    type: Any
    value: Any


def read_request(body: bytes) -> CustomerRequest:
    """Read the body of a request.

    Raises
    ------
    InvalidArgumentError
        The service would answer 400; the message says why.
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
    """Return the attribute names that `entries` use, whose pinned types `judge` needs."""
    return {entry["name"] for entry in entries if type(entry) is dict and type(entry.get("name")) is str}


def judge(entries: Iterable[Any], known_types: Mapping[str, str], held_names: Iterable[str]) -> Judgement:
    """Decide what becomes of each attribute entry.

    Parameters
    ----------
    entries : iterable
        The `attributes` of the request, in order.
    known_types : mapping of str to str
        The project's pinned types of the names in it.
    held_names : iterable of str
        The names of the attributes that the profile has already.
    """
    judgement = Judgement({}, [], {})
    held = set(held_names)
    types = dict(known_types) | dict.fromkeys(contract.RESERVED_ATTRIBUTES, contract.STRING)
    room = contract.MAX_CUSTOM_ATTRIBUTES - len(held.difference(contract.RESERVED_ATTRIBUTES))
    for entry in _read_entries(entries, judgement.ignored):
        name, declared, value = entry
        known = types.get(name) if type(name) is str else None
        reason = _refusal(entry, known)
        takes_slot = reason is None and name not in held and name not in contract.RESERVED_ATTRIBUTES
        if takes_slot and room == 0:
            reason = Reason.TOO_MANY
        if reason is not None:
            judgement.ignored.append(_ignored(entry, reason, known))
            continue
        room -= takes_slot
        held.add(name)
        types[name] = declared
        if name not in known_types:
            judgement.pinned.setdefault(name, declared)
        _accept(judgement, Accepted(name, declared, write_json(value)))
    return judgement


def _read_entries(entries: Iterable[Any], ignored: list[Ignored]) -> Iterator[_Entry]:
    for entry in entries:
        if type(entry) is dict:
            yield _Entry(entry.get("name"), entry.get("type"), entry.get("value"))
        else:
            ignored.append(Ignored(None, None, write_json(entry), Reason.NOT_AN_OBJECT))


def _accept(judgement: Judgement, accepted: Accepted) -> None:
    previous = judgement.accepted.get(accepted.name)
    if previous is not None:
        judgement.ignored.append(Ignored(*previous, Reason.OVERWRITTEN, accepted.type))
    judgement.accepted[accepted.name] = accepted


def _ignored(entry: _Entry, reason: Reason, known_type: str | None) -> Ignored:
    name = entry.name if type(entry.name) is str else None
    declared = entry.type if type(entry.type) is str else None
    return Ignored(name, declared, write_json(entry.value), reason, known_type)


def _refusal(entry: _Entry, known_type: str | None) -> Reason | None:
    """Return why the entry is ignored, None where it is not."""
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
    # Reading and writing again is exact about the form; the length rules out zones and fractions.
    try:
        return len(text) == _DATE_CHARS and datetime.fromisoformat(text).isoformat(" ") == text
    except ValueError:
        return False
