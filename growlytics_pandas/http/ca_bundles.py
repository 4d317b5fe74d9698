"""Where the trusted certificates are: `verify`, the variables that requests and OpenSSL know, or certifi."""

import os
from pathlib import Path
from typing import Final

from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.http.protocol import Endpoint

VARIABLES_OF_REQUESTS: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
VARIABLES: Final = (*VARIABLES_OF_REQUESTS, "SSL_CERT_FILE")  # the first that is set counts


def check_bundle(endpoint: Endpoint) -> None:
    """Raise InvalidArgumentError where the bundle does not exist that a request to `endpoint` would need."""
    if not isinstance(endpoint.verify, bool):
        if not endpoint.verify.exists():
            raise InvalidArgumentError(
                f"verify: there is no file {str(endpoint.verify)!r}; it must be True, False or the path of a CA bundle."
            )
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
            "or unset the environment variable, or give Client(verify=…) the path of a CA bundle."
        )


def named_bundle(variables: tuple[str, ...] = VARIABLES) -> tuple[str, str] | None:
    """Return the environment variable that names a bundle, and its value; None where none is set."""
    return next(((name, os.environ[name]) for name in variables if os.environ.get(name)), None)


def find_bundle(verify: bool | Path) -> str | None:
    """Return the file (or directory) of trusted certificates; None leaves libcurl its own."""
    if verify is False:
        return None
    if verify is not True:
        return str(verify)
    if named := named_bundle():
        return named[1]
    try:
        import certifi  # noqa: PLC0415  optional: comes with requests and with the extra "fast"
    except ImportError:
        return None
    return str(certifi.where())
