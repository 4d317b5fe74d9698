import re
import signal
import threading
import time

import pandas as pd
import pytest
from support.interrupting import Interrupter
from support.transports import TRANSPORTS

import growlytics_pandas as gp
from growlytics_pandas import Client
from growlytics_pandas.errors import TooManyFailuresError
from growlytics_pandas.http.concurrency import ConcurrencyController
from growlytics_pandas.http.protocol import RequestFault, Response
from growlytics_pandas.http.retry import RetryPolicy
from growlytics_pandas.upload.delivery import CancellationToken, Chunk, Delivery, Limits, RetryQuota
from growlytics_pandas.upload.outcomes import OutcomeBuffer


def customers(rows):
    return pd.DataFrame({"id": [f"c{i}" for i in range(rows)], "Score": range(rows)})


def client(box, transport="curl", **options):
    return Client(box.api_key, box.base_url, transport=transport, ledger=None, **options)


def push(df, box, transport="curl", **options):
    return gp.push(df, "id", client=client(box, transport), **{"progress": False, **options})


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_rows_across_chunk_borders(sandbox, transport):
    df = customers(257)
    result = push(df, sandbox, transport, chunk_size=10)
    assert result.counts["accepted"] == 257
    assert {key: value["Score"] for key, value in sandbox.stored().items()} == dict(
        zip(df["id"], df["Score"], strict=True)
    )
    assert sandbox.requests == 257


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_temporary_failures_are_retried(faulty, transport):
    box = faulty(seed=1, status={500: 0.03, 503: 0.02, 429: 0.02}, retry_after=0, reset_before=0.02, reset_after=0.02)
    result = push(customers(300), box, transport)
    assert result.counts["accepted"] == 300
    assert len(box.stored()) == 300
    assert result.run.retries > 0
    assert (result.outcomes["attempts"] > 1).any()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_attempts_include_curl_repeats(faulty, transport):
    """The attempts reported are those that the service received, also where libcurl repeats a request by itself."""
    box = faulty(seed=1, reset_after=0.2, status={503: 0.05}, retry_after=0)
    result = push(customers(400), box, transport)
    assert result.counts["accepted"] == 400
    assert result.outcomes["attempts"].sum() == box.requests > 480
    assert result.run.retries == box.requests - 400


def test_rejected_row_has_the_servers_message(faulty):
    box = faulty(seed=1, success_false=0.2)
    result = push(customers(100), box)
    refused = box.faulted()["success_false"]
    assert result.counts["failed"] == refused > 0
    assert result.counts["accepted"] == len(box.stored()) == 100 - refused
    assert result.failed["error"].notna().all()
    assert (result.failed["http_status"] == 200).all()
    assert result.failed["attempts"].eq(1).all()


def test_html_with_status_200_is_not_accepted(faulty):
    box = faulty(html=1.0)
    result = push(customers(20), box)
    assert result.counts["failed"] == 20
    assert box.stored() == {}


def test_wrong_key_stops_the_run(sandbox):
    wrong = Client("wrong-key-41c0ffee", sandbox.base_url, ledger=None)
    with pytest.raises(gp.AuthenticationError, match="GROWLYTICS_API_KEY") as caught:
        gp.push(customers(500), "id", client=wrong, progress=False)
    counts = caught.value.result.counts
    assert caught.value.status == 401
    assert sum(counts.values()) == 500
    assert sandbox.requests <= 8, "nothing is sent after the first refusal but what was in flight"
    assert counts["unsent"] >= 492
    assert "41c0ffee" not in str(caught.value) + repr(caught.value.result)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_redirect_stops_the_run(faulty, sandbox, transport):
    """The key is not sent to the other host."""
    box = faulty(redirect=sandbox.base_url + "/rest-api/customer")
    with pytest.raises(gp.EndpointError, match="not the customer API") as caught:
        push(customers(100), box, transport)
    assert sandbox.requests == 0
    assert caught.value.result.counts["accepted"] == 0
    assert sum(caught.value.result.counts.values()) == 100


def test_a_wrong_path_is_an_endpoint_error(sandbox):
    elsewhere = Client(sandbox.api_key, sandbox.base_url + "/elsewhere", ledger=None)
    with pytest.raises(gp.EndpointError) as caught:
        gp.push(customers(50), "id", client=elsewhere, progress=False)
    assert caught.value.status == 404


@pytest.mark.parametrize(("limit", "most"), [(5, 20), (0.1, 140)])
def test_max_failures_stops_the_run(faulty, limit, most):
    box = faulty(success_false=1.0)
    with pytest.raises(TooManyFailuresError, match="max_failures") as caught:
        push(customers(2000), box, max_failures=limit, max_concurrency=8)
    counts = caught.value.result.counts
    assert sum(counts.values()) == 2000
    assert 0 < counts["failed"] <= most
    assert counts["unsent"] == 2000 - counts["failed"] - counts["unknown"]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_lost_response_is_unknown(faulty, transport):
    box = faulty(reset_after=1.0)
    result = gp.push(customers(3), "id", client=client(box, transport), progress=False)
    assert result.counts["unknown"] == 3, "every attempt was written, and no answer ever came"
    assert len(box.stored()) == 3


def test_unreachable_service_is_failed():
    nobody = Client("some-key", "http://127.0.0.1:9", ledger=None)
    with pytest.raises(gp.ServiceUnavailableError, match="never reached") as caught:
        gp.push(customers(2), "id", client=nobody, progress=False)
    assert caught.value.result.counts["failed"] == 2, "nothing was ever sent"


def test_unreachable_service_ends_in_seconds():
    nobody = Client("some-key", "http://127.0.0.1:9", ledger=None)
    began = time.monotonic()
    with pytest.raises(gp.ServiceUnavailableError, match="never reached") as caught:
        gp.push(customers(2000), "id", client=nobody, progress=False)
    assert time.monotonic() - began < 40
    assert sum(caught.value.result.counts.values()) == 2000
    assert caught.value.result.counts["unknown"] == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_interrupt_finishes_requests_in_flight(faulty, transport):
    box = faulty(latency=0.05)
    threads = threading.active_count()
    with pytest.raises(gp.PushInterrupted) as caught:
        push(customers(5000), box, transport, max_concurrency=16, progress=Interrupter())
    counts = caught.value.result.counts
    stored = len(box.stored())
    assert sum(counts.values()) == 5000
    assert counts["unsent"] > 0
    assert counts["accepted"] == stored > 0
    assert counts["unknown"] == 0
    assert gp.last_result() is caught.value.result
    time.sleep(0.2)
    assert len(box.stored()) == stored, "nothing goes on behind the user's back"
    assert threading.active_count() <= threads
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_second_interrupt_ends_at_once(faulty, transport):
    box = faulty(hang=1.0)

    began = time.monotonic()
    with pytest.raises(gp.PushInterrupted) as caught:
        push(customers(100), box, transport, progress=Interrupter(2, lambda event: event.in_flight > 0))
    assert time.monotonic() - began < 4, "well under the grace for what is in flight"
    assert caught.value.result.counts["unknown"] == 8
    assert caught.value.result.counts["unsent"] == 92


def test_retry_after_an_interrupt(faulty):
    box = faulty(latency=0.05)
    with pytest.raises(gp.PushInterrupted) as caught:
        push(customers(600), box, progress=Interrupter())
    first = caught.value.result
    arrived = first.counts["accepted"]
    whole = first.retry()
    assert whole.counts["accepted"] == 600
    assert box.requests == 600
    assert first.counts["accepted"] == arrived, "the old result stays as it was"


def test_row_lost_on_closing_is_unknown():
    """The free try after a kept-alive connection that closed counts as no attempt, and yet it may have arrived."""

    class Script:
        name = "script"

        def __init__(self, *replies):
            self.replies = list(replies)

        def submit(self, token, body):
            pass

        def poll(self, timeout):
            return [self.replies.pop(0)]

        def close(self):
            pass

    buffer = OutcomeBuffer(1)
    Delivery(
        Script(Response(0, 0, b"", 0.01, RequestFault.STALE, was_sent=True), Response(0, 500, b"", 0.01)),
        ConcurrencyController(),
        buffer,
        limits=Limits(retry=RetryPolicy(max_attempts=1)),
        stop=CancellationToken(),
        on_accepted=lambda _rows: None,
        on_tick=lambda _delivery: None,
    ).run([Chunk([0], [b"{}"])])
    assert buffer.counts()["unknown"] == 1


def test_requests_never_exceed_max_rate(sandbox):
    began = time.monotonic()
    push(customers(60), sandbox, max_rate=40)
    assert time.monotonic() - began > 1.2, "60 requests at 40 a second"


def test_one_id_is_never_in_flight_twice(faulty):
    """With keep='last' and retries, each id has one body; the store holds the last row's."""
    box = faulty(seed=3, status={503: 0.3}, retry_after=0)
    df = pd.concat([customers(50), customers(50).assign(Score=lambda f: f["Score"] + 1000)], ignore_index=True)
    result = push(df, box, keep="last")
    assert result.counts == {"accepted": 50, "unchanged": 0, "invalid": 50, "failed": 0, "unknown": 0, "unsent": 0}
    assert {value["Score"] for value in box.stored().values()} == set(range(1000, 1050))


def test_retry_resets_attempts_not_unknown(faulty):
    """A retry has all its attempts again; a row that may have arrived stays unknown."""
    box = faulty(seed=1, reset_after=1.0)
    first = push(customers(2), box)
    assert first.counts["unknown"] == 2
    box.stop()
    with pytest.raises(gp.ServiceUnavailableError, match="never reached") as caught:
        first.retry()
    again = caught.value.result
    assert again.counts["unknown"] == 2, "nobody listens now, but what was sent before may have arrived"
    assert again.outcomes["attempts"].tolist() == [6, 6]
    assert again.outcomes["error"].str.contains(r"^could not connect.*an earlier attempt may have arrived").all()
    assert first.outcomes["error"].notna().all(), "the first result is as it was"


def test_time_without_requests_is_no_outage(sandbox):
    """A million unchanged rows take longer than the patience with a service that cannot be reached."""
    past = 0.0

    def chunks():
        nonlocal past
        past = 60.0
        yield Chunk([], [])
        yield Chunk([0], [b'{"id":"c0","attributes":[]}'])

    buffer = OutcomeBuffer(1)
    delivery = Delivery(
        client(sandbox)._connection.open_transport(4),
        ConcurrencyController(),
        buffer,
        limits=Limits(),
        stop=CancellationToken(),
        on_accepted=lambda rows: None,
        on_tick=lambda running: None,
        clock=lambda: time.monotonic() + past,
    )
    delivery.run(chunks())
    assert delivery.error is None
    assert buffer.counts()["accepted"] == 1


@pytest.mark.slow
def test_progress_reports_an_outage():
    box = gp.Sandbox().start()
    port = int(box.base_url.rpartition(":")[2])
    events, again = [], []

    def listen(event):
        events.append(event)
        if len(events) == 2:
            box.stop()
        elif event.trouble and not again:
            again.append(gp.Sandbox(port=port, api_key=box.api_key).start())

    result = push(customers(3000), box, progress=listen, max_rate=1000)
    again[0].stop()
    troubles = [event.trouble for event in events]
    assert any(re.match(r"Nothing has succeeded for \d+ s: .*onnect", words) for words in troubles)
    assert troubles[0] == troubles[-1] == ""
    assert result.counts["accepted"] > 2500


@pytest.mark.slow
def test_progress_reports_requests_without_a_response(faulty):
    events = []
    box = faulty(hang=1.0)
    client = gp.Client(box.api_key, base_url=box.base_url, timeout=7, ledger=None)

    def listen(event):
        events.append(event.trouble)
        if event.trouble:
            event.stop()
            event.stop()

    with pytest.raises(KeyboardInterrupt):
        gp.push(customers(3), "id", client=client, progress=listen)
    assert any(re.match(r"No response for [56] s to \d requests?;", words) for words in events)


# the quota of retries -----------------------------------------------------------------------------------------------


def test_quota_of_successes_serves_late_retries():
    budget = RetryQuota()
    budget.record_success(1000)
    assert sum(budget.try_spend(0.0) for _ in range(1000)) == 600
    budget.record_success(10**6)
    assert sum(budget.try_spend(0.0) for _ in range(10**4)) == 4000


def test_waiting_rows_go_fast_after_an_outage():
    budget, now, waiting = RetryQuota(), 0.0, 2000
    while budget.try_spend(now):
        pass
    while waiting:
        sent = 0
        while sent < min(waiting, 100) and budget.try_spend(now):
            sent += 1
        budget.record_success(sent, sent)
        waiting -= sent
        now += 0.05
    assert now < 5


def test_retry_waits_only_without_quota():
    budget = RetryQuota()
    assert budget.seconds_until_next(0.0) == 0.0
    while budget.try_spend(0.0):
        pass
    assert budget.seconds_until_next(0.1) == pytest.approx(0.1)
    assert budget.try_spend(0.21)


def test_quota_slows_retries_but_never_stops_them():
    budget = RetryQuota()
    spent = sum(budget.try_spend(0.0) for _ in range(1000))
    assert spent == 100
    assert budget.seconds_until_next(0.0) == pytest.approx(0.2)
    assert sum(budget.try_spend(10.0) for _ in range(1000)) == 50
    budget.record_success(20)
    assert sum(budget.try_spend(10.0) for _ in range(1000)) == 10
