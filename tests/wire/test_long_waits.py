"""A wait that the service asks for is shown at once; one beyond the limit ends the push at once."""

import json
import time
from email.utils import formatdate

import pandas as pd
import pytest
from support.quick_delivery import deliver, open_to
from support.wire_server import SUCCESS, message

import growlytics_pandas as gp
from growlytics_pandas.errors import ServiceUnavailableError


def customers(rows):
    return pd.DataFrame({"id": [f"c{i}" for i in range(rows)], "Score": range(rows)})


def refusing(status, *values):
    data = message(status, b"", *[f"Retry-After: {value}" for value in values])
    return lambda sock, request: sock.sendall(data) or True


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("values", [["3600"], ["1", "3600"], ["3600", "1", "soon"], ["date"]], ids="-".join)
@pytest.mark.parametrize("rows", [1, 500])
def test_too_long_a_wait_ends_the_push(serve, client, status, values, rows):
    values = [formatdate(time.time() + 3601, usegmt=True) if value == "date" else value for value in values]
    server = serve(refusing(status, *values))
    began = time.monotonic()
    with pytest.raises(ServiceUnavailableError, match=r"asks for a wait of 3,60\d s") as caught:
        gp.push(customers(rows), "id", client=client(server), progress=False)
    assert time.monotonic() - began < 5
    assert str(status) in caught.value.server_message
    outcomes = caught.value.result.outcomes
    assert set(outcomes["status"]) == {"unsent"}
    assert len(server.requests) == outcomes["attempts"].sum() <= 8


def test_upsert_fails_at_once(serve, client):
    began = time.monotonic()
    with pytest.raises(ServiceUnavailableError, match="asks for a wait of 3,600 s"):
        client(serve(refusing(429, "3600"))).upsert("a", {"City": "Pune"})
    assert time.monotonic() - began < 5


def test_row_stored_before_the_wait_is_unknown(serve, transport):
    def answer(sock, request):
        if len(server.requests) > 1:
            sock.sendall(message(429, b"", "Retry-After: 3600"))
        return len(server.requests) > 1

    server = serve(answer)
    delivery, buffer = deliver(open_to(server.url, transport), ["c0"])
    assert isinstance(delivery.error, ServiceUnavailableError)
    assert buffer.counts()["unknown"] == 1


def test_long_wait_of_one_row(serve, transport):
    """While the service accepts other rows, the wait applies to one row only, and the run does not wait for it."""

    def answer(sock, request):
        is_put_off = json.loads(request[1])["id"] == "c3"
        sock.sendall(message(429, b"", "Retry-After: 3600") if is_put_off else message(200, SUCCESS))
        return True

    server = serve(answer)
    began = time.monotonic()
    delivery, buffer = deliver(open_to(server.url, transport), [f"c{i}" for i in range(300)])
    assert time.monotonic() - began < 5
    assert (buffer.counts()["accepted"], buffer.counts()["unsent"]) == (299, 1)
    assert "asks for a wait" in str(delivery.error)


def test_limiter_that_starts_midway(serve, transport):
    def answer(sock, request):
        sock.sendall(message(200, SUCCESS) if len(server.requests) <= 100 else message(429, b"", "Retry-After: 3600"))
        return True

    server = serve(answer)
    delivery, buffer = deliver(open_to(server.url, transport), [f"c{i}" for i in range(1000)])
    counts = buffer.counts()
    assert isinstance(delivery.error, ServiceUnavailableError)
    assert counts["accepted"] == 100
    assert counts["unsent"] == 900
    assert len(server.requests) == sum(buffer.attempts) <= 148, "two or three windows of 16"


@pytest.mark.parametrize("rows", [1, 30])
def test_wait_is_shown_at_once(serve, client, rows):
    began, seen = time.monotonic(), []

    def answer(sock, request):
        is_early = time.monotonic() - began < 1.5
        sock.sendall(message(429, b"", "Retry-After: 2") if is_early else message(200, SUCCESS))
        return True

    def listen(event):
        if event.trouble:
            seen.append((time.monotonic() - began, event.trouble))

    result = gp.push(customers(rows), "id", client=client(serve(answer)), progress=listen)
    assert result.counts["accepted"] == rows
    assert seen[0][0] < 1.5
    assert "HTTP 429" in seen[0][1]
    assert "Waiting 2 s" in seen[0][1]
    assert seen[-1][0] < 12
