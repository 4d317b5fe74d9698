"""The responses of the sandbox, and the documented API as an OpenAPI document generated from `contract.py`."""

import json
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Final

from growlytics_pandas import contract

MAX_BODY_BYTES: Final = 1 << 20
"""Ten times a customer with 100 attributes of 512 characters [assumed]."""

OPENAPI_PATH: Final = "/openapi.json"
OPENAPI_VERSION: Final = "3.1.0"
"""The first version whose schemas are plain JSON Schema, with `const`."""

MAX_ATTRIBUTES: Final = contract.MAX_CUSTOM_ATTRIBUTES + len(contract.RESERVED_ATTRIBUTES)
"""Limit of a first request; the service also counts attributes from earlier requests."""

_DATE_PATTERN: Final = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]) ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"
_REFUSALS: Final = {
    HTTPStatus.BAD_REQUEST: "The body is not a customer",
    HTTPStatus.UNAUTHORIZED: "The key is missing or wrong",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"The body has more than {MAX_BODY_BYTES} bytes",
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
class Response:
    """Status, body and headers of a response; `Content-Length` is added."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": contract.CONTENT_TYPE})

    def head(self, *, is_end: bool) -> bytes:
        """Return status line and headers; `is_end`: the connection is closed after this response."""
        lines = [f"HTTP/1.1 {self.status:d} {_PHRASES.get(self.status, '')}", f"content-length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines += ["connection: close"] if is_end else []
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


_PHRASES: Final[dict[int, str]] = {status: status.phrase for status in HTTPStatus}


def refusal(status: int, message: str, **headers: str) -> Response:
    """Return an error response with a message, in the sandbox's format [assumed]."""
    body = json.dumps({"success": False, "message": message}).encode()
    return Response(status, body, {"content-type": contract.CONTENT_TYPE, **headers})


def wrong_method(allowed: str) -> Response:
    """Return the response to a method that a path does not have."""
    return refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"method: use {allowed}", allow=allowed)


SUCCESS: Final = Response(HTTPStatus.OK, b'{"success":true}')
NOT_FOUND: Final = refusal(HTTPStatus.NOT_FOUND, "path: unknown; POST to " + contract.CUSTOMER_PATH)
NOT_HTTP: Final = refusal(HTTPStatus.BAD_REQUEST, "request: it is not HTTP; send HTTP/1.1")
HTML_PAGE: Final = Response(
    HTTPStatus.OK,
    b"<!doctype html><title>Sign in</title><p>Please sign in to the network.</p>",
    {"content-type": "text/html; charset=utf-8"},
)
"""What a captive portal or a proxy returns."""


def retry_after_text(seconds: int, turn: int, now: float) -> str:
    """Return `Retry-After` in seconds on even turns, as an HTTP date on odd ones."""
    # Dates have whole seconds: rounded up, since rounding down would ask for less than `seconds`.
    return str(seconds) if turn % 2 == 0 else formatdate(int(now) + 1 + seconds, usegmt=True)


def answer_openapi(method: str) -> Response:
    """Return the response to a request for the document."""
    if method not in {"GET", "HEAD"}:
        return wrong_method("GET, HEAD")
    return Response(HTTPStatus.OK, json.dumps(describe_api()).encode())


def describe_api() -> dict[str, Any]:
    """Return the document: requests without ignored values, and the responses to them."""
    responses = {
        f"{status:d}": {"description": description, "content": _content("Refusal")}
        for status, description in _REFUSALS.items()
    }
    accepted = {"description": "Accepted; values that do not match were ignored", "content": _content("Success")}
    upsert = {
        "operationId": "upsertCustomer",
        "summary": "Create or update one customer",
        "security": [{"key": []}],
        "requestBody": {"required": True, "content": _content("Customer")},
        "responses": {"200": accepted, **responses},
    }
    message = {"type": "string", "minLength": 1}
    return {
        "openapi": OPENAPI_VERSION,
        "info": {"title": "Growlytics customers", "version": "1", "description": _DESCRIPTION},
        # Only this server: a tool that sends every possible request must not find the real service here.
        "servers": [{"url": "/"}],
        "paths": {contract.CUSTOMER_PATH: {"post": upsert}},
        "components": {
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": contract.KEY_HEADER}},
            "schemas": {
                "Customer": _object(id=_ID, name=_NAME, attributes=_attributes())
                | {"required": ["id"], "example": _EXAMPLE},
                "Success": _object(success={"const": True}) | {"additionalProperties": False},
                "Refusal": _object(success={"const": False}, message=message) | {"additionalProperties": False},
            },
        },
    }


_ID: Final = {
    "type": "string",
    "minLength": 1,
    "description": f"E-mail address, mobile number or your own id; at most {contract.MAX_ID_CHARS} characters, "
    "according to another page of the vendor",
}
_NAME: Final = {"type": "string", "description": "Used in the published example, but not in its table of fields"}


def _content(schema: str) -> dict[str, Any]:
    return {contract.CONTENT_TYPE: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _attributes() -> dict[str, Any]:
    values = {kind: {"type": kind} for kind in contract.TYPES}
    values[contract.DATE] = {"type": "string", "pattern": _DATE_PATTERN}
    name = {"type": "string", "minLength": 1, "maxLength": contract.MAX_ATTRIBUTE_NAME_CHARS}
    custom = {**name, "not": {"enum": list(contract.RESERVED_ATTRIBUTES)}}
    entries = [
        _object(name=name if kind == contract.STRING else custom, type={"const": kind}, value=value)
        for kind, value in values.items()
    ]
    return {"type": "array", "maxItems": MAX_ATTRIBUTES, "items": {"oneOf": entries}}
