"""The two transports, behind one protocol. Each HTTP library is imported only when it is used."""

# ruff: noqa: PLC0415  the libraries are optional (pycurl) or slow to import (requests)

from importlib.util import find_spec
from typing import Literal

from growlytics_pandas._text import argument, install_extra, options_text
from growlytics_pandas.errors import InvalidArgumentError, MissingDependencyError
from growlytics_pandas.http.protocol import Endpoint, Transport, check_bundle

__all__ = ["Endpoint", "Transport", "TransportName", "open_transport"]

TransportName = Literal["auto", "requests", "curl"]


def open_transport(name: TransportName, endpoint: Endpoint, max_concurrency: int) -> Transport:
    """Return an open transport; it sends nothing and starts no thread before the first ``submit``.

    Parameters
    ----------
    name : {"auto", "requests", "curl"}
        "auto": libcurl if pycurl is installed and no session is given, else requests.
    endpoint : Endpoint
        URL, headers and limits of every request.
    max_concurrency : int
        Maximum number of requests in flight.

    Raises
    ------
    MissingDependencyError
        "curl" without pycurl.
    InvalidArgumentError
        "curl" with a session, an unknown name, or a certificate bundle that does not exist.
    """
    check_bundle(endpoint)
    if name == "auto":
        name = "curl" if endpoint.session is None and find_spec("pycurl") else "requests"
    if name == "requests":
        from growlytics_pandas.http.requests import RequestsTransport

        return RequestsTransport(endpoint, max_concurrency)
    if name == "curl":
        return _open_curl(endpoint, max_concurrency)
    raise InvalidArgumentError(f"{argument('transport')}: found {name!r}; allowed are 'auto', 'requests', 'curl'.")


def _open_curl(endpoint: Endpoint, max_concurrency: int) -> Transport:
    if endpoint.session is not None:
        raise InvalidArgumentError(
            f"{argument('transport')}: found 'curl' together with session=, which is for requests only. "
            f"Use {options_text(transport='requests')}, or omit session."
        )
    try:
        from growlytics_pandas.http.curl import CurlTransport
    except ImportError as error:
        raise MissingDependencyError(
            f"{argument('transport')}: found 'curl', but pycurl cannot be imported ({error}). "
            f"Use {options_text(transport='requests')}, or install it: {install_extra('fast')}."
        ) from error
    return CurlTransport(endpoint, max_concurrency)
