"""Delivery of customers as in a push, but without a frame and with shorter waits."""

import json
import time

from growlytics_pandas.http.api_key import Headers
from growlytics_pandas.http.concurrency import ConcurrencyController
from growlytics_pandas.http.protocol import Endpoint
from growlytics_pandas.http.retry import RetryPolicy
from growlytics_pandas.upload.connection import open_transport
from growlytics_pandas.upload.delivery import CancellationToken, Chunk, Delivery, Limits
from growlytics_pandas.upload.outcomes import OutcomeBuffer
from support.wire_server import HEADERS

QUICK = RetryPolicy(max_attempts=4, base_seconds=0.005, cap_seconds=0.02)


def body_of(name):
    """Return the body for a customer without attributes."""
    return json.dumps({"id": name, "attributes": []}).encode()


def deliver(sender, names, buffer=None, rows=None, *, on_tick=lambda _delivery: None, clock=time.monotonic):
    """Deliver the customers at `rows` (all, if not given) over an open transport; return the delivery and its buffer."""
    buffer = OutcomeBuffer(len(names)) if buffer is None else buffer
    chosen = range(len(names)) if rows is None else rows
    delivery = Delivery(
        sender,
        ConcurrencyController(
            max_concurrency=16, outage_limit_seconds=5.0
        ),  # on a slow machine the last bad rows look like an outage
        buffer,
        limits=Limits(retry=QUICK, grace_seconds=1.0),
        stop=CancellationToken(),
        on_accepted=lambda _rows: None,
        on_tick=on_tick,
        clock=clock,
    )
    delivery.run([Chunk(list(chosen), [body_of(names[row]) for row in chosen])])
    return delivery, buffer


def open_to(url, transport, concurrency=16, **options):
    """Open a transport to a test server."""
    return open_transport(transport, Endpoint(url, Headers(HEADERS), **{"timeout_seconds": 5.0} | options), concurrency)
