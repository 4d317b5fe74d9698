"""Every fact about the customer API that this package relies on, each with its source.

``[doc]``  the vendor's page "Tracking Users (Non-shopify)".
``[other]``  another of the vendor's public pages, written for another endpoint: less certain, so only a warning.
``[assumed]``  not documented: our decision, listed as an assumption in tests/README.md.
"""

import contextlib
import ipaddress
import re
import string
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

BASE_URL: Final = "https://dcqs-india.growlytics.in"  # [doc]
CUSTOMER_PATH: Final = "/rest-api/customer"  # [doc] POST, one customer per request
KEY_HEADER: Final = "x-growlytics-key"  # [doc]
ACCEPT: Final = "application/json"  # [doc]
CONTENT_TYPE: Final = "application/json"  # [doc] the body is JSON

STRING: Final = "string"  # [doc]
NUMBER: Final = "number"  # [doc]
BOOLEAN: Final = "boolean"  # [doc]
DATE: Final = "date"  # [doc] YYYY-MM-DD HH:MM:SS, no fraction, no zone
TYPES: Final = (STRING, NUMBER, BOOLEAN, DATE)  # [doc] fixed for the project when first tracked; others are ignored


class AttributeType(StrEnum):
    """The four types of the API."""

    STRING = STRING
    NUMBER = NUMBER
    BOOLEAN = BOOLEAN
    DATE = DATE


INDIA: Final = "IN"  # [assumed] the vendor's own country: the default region of mobile numbers

RESERVED_ATTRIBUTES: Final = ("name", "email", "mobile")  # [doc] always strings; used by campaigns

MAX_ATTRIBUTE_NAME_CHARS: Final = 49  # [doc] "less than 50 characters"; case-sensitive
MAX_CUSTOM_ATTRIBUTES: Final = 100  # [doc] custom attributes in one customer profile, earlier pushes included
MAX_ID_CHARS: Final = 40  # [other] browser SDK, "Track Users": warned about
MAX_VALUE_CHARS: Final = 512  # [other] core concepts, "User/Customer Profile": warned about

MIN_YEAR: Final = 1  # [assumed] the format of dates has four digits for the year
MAX_YEAR: Final = 9999  # [assumed] likewise

MAX_SAFE_INTEGER: Final = 2**53 - 1  # [assumed] a JSON reader that uses doubles rounds integers beyond it

RETRY_STATUSES: Final = frozenset({408, 425, 429, *range(500, 600)})  # [assumed] standard HTTP
KEY_STATUSES: Final = frozenset({401, 403})  # [assumed] the key is wrong: the same for every row
ENDPOINT_STATUSES: Final = frozenset({*range(300, 400), 404, 405, 407})  # [assumed] the URL or a proxy: likewise
PUSHBACK_STATUSES: Final = frozenset({429, 503})  # [assumed] too many requests
NOT_STORED_STATUSES: Final = frozenset({*range(300, 500), 501, 503, 505, 511})  # [assumed] other 5xx may have stored it
ROW_STATUSES: Final = frozenset(range(400, 500)) - RETRY_STATUSES - KEY_STATUSES - ENDPOINT_STATUSES
"""The service rejects this row: it would reject the same data again [assumed]."""


def count_chars(text: str) -> int:
    """Return the length of `text` as the service may count it.

    The larger of code points and UTF-16 units [assumed: the page says only "characters"]. They differ for emoji, which
    take two units each, and the units are never fewer.

    Examples
    --------
    >>> count_chars("Total Orders"), count_chars("🎉")
    (12, 2)
    """
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def is_unicode(text: str) -> bool:
    """Return whether `text` can be encoded as UTF-8, as JSON is sent: False for lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# the project -------------------------------------------------------------------------------------------------------

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_PERCENT: Final = re.compile(r"%([0-9a-fA-F]{2})")
_UNRESERVED: Final = frozenset(f"{string.ascii_letters}{string.digits}-._~")


def canonical_url(url: str) -> str:
    """Return the canonical form of a base URL, which identifies a project.

    Examples
    --------
    >>> canonical_url("HTTPS://DCQS-India.growlytics.in:443/")
    'https://dcqs-india.growlytics.in'
    """
    try:
        parts, port = urlsplit(url), urlsplit(url).port
    except ValueError:
        return url
    if not parts.hostname:
        return url.rstrip("/")
    host = parts.hostname.removesuffix(".")
    if ":" in host:  # IPv6
        with contextlib.suppress(ValueError):
            host = str(ipaddress.ip_address(host))
        host = f"[{host}]"
    place = host if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{port}"
    steps: list[str] = []
    for step in _PERCENT.sub(_unescaped, parts.path).rstrip("/").split("/"):
        if step == "..":
            del steps[max(1, len(steps) - 1) :]
        elif step != ".":
            steps.append(step)
    return f"{parts.scheme}://{place}{'/'.join(steps)}".rstrip("/").removesuffix(CUSTOMER_PATH)


def _unescaped(match: re.Match[str]) -> str:
    char = chr(int(match[1], 16))
    return char if char in _UNRESERVED else match[0].upper()
