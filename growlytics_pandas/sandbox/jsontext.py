"""JSON in which every number keeps the digits that were sent."""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from growlytics_pandas.errors import InvalidArgumentError

MAX_DEPTH: Final = 64
"""Levels of nesting; the documented body has three. Python's own limit depends on who calls."""

_SURROGATE_ESCAPE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


class NumberText(str):
    """A JSON number as it was written: ``0.10`` stays ``0.10``."""

    __slots__ = ()


def _refuse_constant(text: str) -> Any:
    raise InvalidArgumentError(f"body: it has {text}, which is not JSON; send a number or leave the attribute out")


_DECODER: Final = json.JSONDecoder(parse_float=NumberText, parse_int=NumberText, parse_constant=_refuse_constant)


def read_json(body: bytes) -> Any:
    """Return the JSON value in `body`, its numbers as `NumberText`.

    Raises
    ------
    InvalidArgumentError
        The body is not UTF-8, not strict JSON, nested too deeply, or escapes half a character.
    """
    try:
        document = _DECODER.decode(body.decode("utf-8"))
        if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _is_deep(document):
            raise _too_deep()
        if _SURROGATE_ESCAPE.search(body):
            # Escapes can name half a surrogate pair, which is no character and cannot be stored as UTF-8.
            json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError as problem:
        raise InvalidArgumentError(f"body: byte {problem.start} is not UTF-8; send UTF-8") from problem
    except UnicodeEncodeError as problem:
        raise InvalidArgumentError("body: it has half a surrogate pair; send whole characters") from problem
    except json.JSONDecodeError as problem:
        raise InvalidArgumentError(f"body: it is not JSON: {problem.msg} at {problem.pos}; send JSON") from problem
    except RecursionError as problem:
        raise _too_deep() from problem
    return document


def _is_deep(document: Any) -> bool:
    level = [document]
    for _ in range(MAX_DEPTH):
        containers = [value for value in level if type(value) in {list, dict}]
        level = [item for value in containers for item in (value.values() if type(value) is dict else value)]
    return any(type(value) in {list, dict} for value in level)


def _too_deep() -> InvalidArgumentError:
    return InvalidArgumentError(f"body: it is nested deeper than {MAX_DEPTH} levels; send flat attributes")


def write_json(value: Any) -> str:
    """Return `value`, as `read_json` gave it, as JSON text with the same digits."""
    if type(value) is NumberText:
        return str(value)
    if type(value) is list:
        return "[" + ",".join([write_json(item) for item in value]) + "]"
    if type(value) is dict:
        return "{" + ",".join([f"{json.dumps(key)}:{write_json(item)}" for key, item in value.items()]) + "}"
    return json.dumps(value)


def read_value(text: str) -> Any:
    """Return a stored JSON value as Python objects, with nothing rounded.

    Integers are `int`. Other numbers are `float` where their digits are the shortest that name that float, else
    `Decimal`, so ``0.10`` comes back as ``Decimal("0.10")`` and never as 0.1.
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
    except InvalidOperation:  # an exponent that no Python number holds
        return text
    nearest = float(text)
    same_digits = exact.as_tuple() == Decimal(repr(nearest)).as_tuple()
    return nearest if same_digits else exact
