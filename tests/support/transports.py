"""The transports that tests run with."""

TRANSPORTS = ("curl", "requests")
