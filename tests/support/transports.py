"""The transports that tests run with."""

from typing import get_args

from growlytics_pandas.upload.connection import TransportName

TRANSPORTS = tuple(sorted(set(get_args(TransportName)) - {"auto"}))
