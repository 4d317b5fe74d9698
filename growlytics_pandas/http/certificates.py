"""The trusted certificates: `verify`, the variables of requests and OpenSSL, or certifi."""

import os
from pathlib import Path
from typing import Final

from growlytics_pandas._text import argument, phrase
from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.http.protocol import Endpoint

VARIABLES_OF_REQUESTS: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


VARIABLES: Final = (*VARIABLES_OF_REQUESTS, "SSL_CERT_FILE")  # the first one set is used


def check_bundle(endpoint: Endpoint) -> None:
    """Raise InvalidArgumentError if the certificate bundle for requests to `endpoint` does not exist."""
    if not isinstance(endpoint.verify, bool):
        if not endpoint.verify.exists():
            raise missing_bundle(endpoint.verify)
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
            f"or unset the environment variable, or give {phrase('Client(verify=…)', '--ca-bundle')} the path of a CA "
            "bundle."
        )


def missing_bundle(path: Path) -> InvalidArgumentError:
    """Return the error of a bundle of certificates that does not exist."""
    allowed = phrase("True, False or the path of a CA bundle", "the path of a CA bundle")
    return InvalidArgumentError(f"{argument('verify')}: there is no file {str(path)!r}; it must be {allowed}.")


def named_bundle(variables: tuple[str, ...] = VARIABLES) -> tuple[str, str] | None:
    """Return the environment variable that names a bundle, and its value; None if none is set."""
    return next(((name, os.environ[name]) for name in variables if os.environ.get(name)), None)


def find_bundle(verify: bool | Path) -> str | None:
    """Return the file (or directory) of trusted certificates; None for libcurl's default."""
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
