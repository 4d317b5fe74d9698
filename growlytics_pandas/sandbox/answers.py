"""The responses of the sandbox, and the documented API as an OpenAPI document generated from `contract.py`."""

import json
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Final

from growlytics_pandas import contract

MAX_BODY_BYTES: Final = 1 << 20
"""Ten times a customer with 100 attributes of 512 characters [assumed]."""

MAX_HEAD_BYTES: Final = 64 << 10
"""Limit of the request line with all headers: eight times that of common servers [assumed]."""

_JSON_TYPE: Final = (b"content-type", contract.CONTENT_TYPE.encode())
_HTML_PAGE: Final = b"<!doctype html><title>Sign in</title><p>Please sign in to the network.</p>"

OPENAPI_PATH: Final = "/openapi.json"
OPENAPI_VERSION: Final = "3.1.0"
"""The first version whose schemas are plain JSON Schema, with `const`."""

MAX_ATTRIBUTES: Final = contract.MAX_CUSTOM_ATTRIBUTES + len(contract.RESERVED_ATTRIBUTES)
"""Limit of a first request; the service also counts attributes from earlier requests."""

_SECURITY: Final = "key"
_DATE_PARTS: Final = {
    "%Y": "[0-9]{4}",
    "%m": "(0[1-9]|1[0-2])",
    "%d": "(0[1-9]|[12][0-9]|3[01])",
    "%H": "([01][0-9]|2[0-3])",
    "%M": "[0-5][0-9]",
    "%S": "[0-5][0-9]",
}
_REFUSALS: Final = {
    HTTPStatus.BAD_REQUEST: "The body is not a customer",
    HTTPStatus.UNAUTHORIZED: "The key is missing or wrong",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"The body has more than {MAX_BODY_BYTES} bytes",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: f"Request line and headers have more than {MAX_HEAD_BYTES} bytes",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The sandbox cannot write its file",
}
_EXAMPLE: Final = {
    "id": "asha@example.com",
    "attributes": [
        {"name": "email", "type": contract.STRING, "value": "asha@example.com"},
        {"name": "Total Orders", "type": contract.NUMBER, "value": 3},
        {"name": "Is First Time Purchaser", "type": contract.BOOLEAN, "value": False},
        {"name": "Last Order Date", "type": contract.DATE, "value": "2026-01-31 18:30:00"},
    ],
}
_DESCRIPTION: Final = (
    "Create or update one customer per request, as documented on the vendor's page. The service, and so the sandbox, "
    "silently ignores values that do not match this document and still returns success. The responses to bad requests "
    "are the sandbox's own, since the page documents none. Simulated faults can replace any response."
)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and headers of a response; `Content-Length` is added when it is sent."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = (_JSON_TYPE,)


SUCCESS: Final = Answer(HTTPStatus.OK, b'{"success":true}')
NOT_FOUND: Final = "path: unknown; POST to " + contract.CUSTOMER_PATH
HTML_PAGE: Final = Answer(HTTPStatus.OK, _HTML_PAGE, ((b"content-type", b"text/html; charset=utf-8"),))
"""What a captive portal or a proxy returns."""


def refusal(status: int, message: str, *headers: tuple[bytes, bytes]) -> Answer:
    """Return an error response with a message, in the sandbox's format [assumed]."""
    body = json.dumps({"success": False, "message": message}).encode()
    return Answer(status, body, (_JSON_TYPE, *headers))


NOT_HTTP: Final = refusal(HTTPStatus.BAD_REQUEST, "request: it is not HTTP; send HTTP/1.1")
HEAD_TOO_LARGE: Final = refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"headers: they have more than {MAX_HEAD_BYTES} bytes; send fewer"
)


def status_fault(status: int, retry_after: str | None) -> Answer:
    """Return the response of a simulated error status."""
    headers = () if retry_after is None else ((b"retry-after", retry_after.encode()),)
    return refusal(status, f"sandbox fault: {status}", *headers)


def redirect_to(url: str) -> Answer:
    """Return a redirect."""
    return refusal(HTTPStatus.FOUND, "sandbox fault: redirect", (b"location", url.encode()))


def retry_after_text(seconds: int, turn: int, now: float) -> str:
    """Return `Retry-After` in seconds on even turns, as an HTTP date on odd ones."""
    # Dates have whole seconds: rounded up, since rounding down would ask for less than `seconds`.
    return str(seconds) if turn % 2 == 0 else formatdate(int(now) + 1 + seconds, usegmt=True)


def answer_openapi(method: str) -> Answer:
    """Return the response to a request for the document."""
    if method not in {"GET", "HEAD"}:
        return refusal(HTTPStatus.METHOD_NOT_ALLOWED, "method: use GET", (b"allow", b"GET, HEAD"))
    return Answer(HTTPStatus.OK, json.dumps(describe_api()).encode())


def describe_api() -> dict[str, Any]:
    """Return the document: requests without ignored values, and the responses to them."""
    return {
        "openapi": OPENAPI_VERSION,
        "info": {"title": "Growlytics customers", "version": "1", "description": _DESCRIPTION},
        # Only this server: a tool that sends every possible request must not find the real service here.
        "servers": [{"url": "/"}],
        "paths": {contract.CUSTOMER_PATH: {"post": _operation()}},
        "components": {
            "securitySchemes": {_SECURITY: {"type": "apiKey", "in": "header", "name": contract.KEY_HEADER}},
            "schemas": {
                "Customer": _customer(),
                **{_title(kind): _attribute(kind) for kind in contract.TYPES},
                "Success": _answer(success=True),
                "Refusal": _answer(success=False, message={"type": "string", "minLength": 1}),
            },
        },
    }


def _operation() -> dict[str, Any]:
    return {
        "operationId": "upsertCustomer",
        "summary": "Create or update one customer",
        "security": [{_SECURITY: []}],
        "requestBody": {"required": True, "content": _json("Customer")},
        "responses": {
            f"{HTTPStatus.OK:d}": _response("Accepted; values that do not match were ignored", "Success"),
            **{f"{status:d}": _response(reason, "Refusal") for status, reason in _REFUSALS.items()},
        },
    }


def _response(description: str, schema: str) -> dict[str, Any]:
    return {"description": description, "content": _json(schema)}


def _json(schema: str) -> dict[str, Any]:
    return {contract.CONTENT_TYPE: {"schema": _reference(schema)}}


def _reference(schema: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema}"}


def _customer() -> dict[str, Any]:
    kinds = [_reference(_title(kind)) for kind in contract.TYPES]
    return {
        "type": "object",
        "example": _EXAMPLE,
        "required": ["id"],
        "properties": {
            "id": {
                "type": "string",
                "minLength": 1,
                "description": f"E-mail address, mobile number or your own id; at most {contract.MAX_ID_CHARS} "
                "characters, according to another page of the vendor",
            },
            "name": {"type": "string", "description": "Used in the published example, but not in its table of fields"},
            "attributes": {"type": "array", "maxItems": MAX_ATTRIBUTES, "items": {"oneOf": kinds}},
        },
    }


def _attribute(kind: str) -> dict[str, Any]:
    name: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": contract.MAX_ATTRIBUTE_NAME_CHARS}
    if kind != contract.STRING:
        name["not"] = {"enum": list(contract.RESERVED_ATTRIBUTES)}
    return {
        "type": "object",
        "required": ["name", "type", "value"],
        "properties": {"name": name, "type": {"const": kind}, "value": _value(kind)},
    }


def _value(kind: str) -> dict[str, Any]:
    if kind == contract.DATE:
        return {"type": "string", "pattern": _date_pattern()}
    return {"type": kind}


def _date_pattern() -> str:
    pattern = contract.DATE_FORMAT
    for directive, expression in _DATE_PARTS.items():
        pattern = pattern.replace(directive, expression)
    return f"^{pattern}$"


def _title(kind: str) -> str:
    return f"{kind.capitalize()}Attribute"


def _answer(*, success: bool, **more: dict[str, Any]) -> dict[str, Any]:
    properties = {"success": {"const": success}, **more}
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }
