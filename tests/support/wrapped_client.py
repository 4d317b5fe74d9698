"""A client with a wrapped transport: for responses that get lost, and for runs that end early."""

from growlytics_pandas import Client


class WrappedClient(Client):
    """Subclasses define the wrapper of the transport."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        open_inner = self._connection.open_transport
        self._connection.open_transport = lambda max_concurrency: self.wrap(open_inner(max_concurrency))

    def wrap(self, inner):
        raise NotImplementedError
