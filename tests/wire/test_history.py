"""If any attempt of a row may have arrived, it ends accepted or unknown, never failed; its types stay uncertain."""

import itertools
import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.quick_delivery import deliver, open_to
from support.wire_server import SUCCESS, message, reset

import growlytics_pandas as gp
from growlytics_pandas import Ledger
from growlytics_pandas._status import Status
from growlytics_pandas.errors import ServiceError
from growlytics_pandas.http.protocol import RequestFault, Response

AFTERWARDS = {
    "moved": message(302, b"", "Location: http://127.0.0.1:9/login"),
    "no such key": message(401),
    "forbidden": message(403),
    "no such path": message(404),
    "wrong method": message(405),
    "refused": message(422, b'{"success":false}'),
    "too many": message(429, b"", "Retry-After: 0"),
    "not just now": message(503),
    "a page": message(200, b"<!doctype html><p>Sign in"),
    "no success": message(200, b'{"success":false}'),
    "other JSON": message(200, b"[]"),
    "a proxy's password": message(407),
}
UNUSABLE = {
    "two lengths": message(200, SUCCESS, "Content-Length: 5"),
    "a large head": message(200, SUCCESS, *[f"X-{i}: {'y' * 1000}" for i in range(400)]),
    "a large body": message(200, SUCCESS + b" " * (1 << 20)),
    "no chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + SUCCESS,
    "no gzip": message(200, b"\x1f\x8b" + SUCCESS, "Content-Encoding: gzip"),
    "no known encoding": message(200, b"\x00" + SUCCESS, "Content-Encoding: br"),
    "a cut body": message(200, SUCCESS, length=50),
    "an empty body": message(200),
    "half a status line": b"HTTP/1.1 20",
    "no HTTP": b"220 smtp.example ready\r\n",
    "a strange status": message(799, SUCCESS),
    "an error in the middle of the work": message(500),
    "a gateway that lost the answer": message(504),
}


class OneStored:
    """Stores the first request of each customer and loses its answer; then it answers `afterwards`."""

    def __init__(self, afterwards):
        self.afterwards = afterwards
        self.stored = set()

    def __call__(self, sock, request):
        name = json.loads(request[1])["id"]
        if name not in self.stored:
            self.stored.add(name)
            return reset(sock, request)
        sock.sendall(self.afterwards)
        return True


@pytest.fixture
def remembering(client, tmp_path):
    with Ledger(tmp_path / "ledger.sqlite3") as ledger:
        yield lambda server: client(server, ledger=ledger)


@pytest.mark.parametrize("afterwards", AFTERWARDS.values(), ids=AFTERWARDS)
def test_stored_row_is_never_failed(serve, transport, afterwards):
    """Whatever its next attempt meets."""
    _, buffer = deliver(open_to(serve(OneStored(afterwards)).url, transport), ["c0"])
    assert buffer.counts()["unknown"] == 1
    assert "an earlier attempt may have arrived" in buffer.errors[0]


@pytest.mark.parametrize("data", UNUSABLE.values(), ids=UNUSABLE)
def test_damaged_success_is_unknown(serve, transport, data):
    server = serve(lambda sock, request: sock.sendall(data))  # and then it closes
    delivery, buffer = deliver(open_to(server.url, transport), ["c0", "c1"])
    assert buffer.counts()["unknown"] == 2
    assert delivery.error is None, "it was reached"
    assert len(server.requests) <= sum(buffer.attempts)


@pytest.mark.parametrize("afterwards", ["moved", "no such key", "refused"])
def test_type_of_an_unknown_row_is_kept(serve, remembering, afterwards):
    client = remembering(serve(OneStored(AFTERWARDS[afterwards])))
    try:
        result = gp.push(pd.DataFrame({"id": ["a"], "Score": [1]}), "id", client=client, progress=False)
    except ServiceError as error:
        result = error.result
    assert result.counts["unknown"] == 1
    types = client.types().set_index("attribute")
    assert types.loc["Score", ["type", "source"]].tolist() == ["number", "uncertain"]


def test_type_of_a_rejected_row_is_removed(serve, remembering):
    client = remembering(serve(lambda sock, request: sock.sendall(AFTERWARDS["refused"]) or True))
    result = gp.push(pd.DataFrame({"id": ["a"], "Score": [1]}), "id", client=client, progress=False)
    assert result.counts["failed"] == 1
    assert client.types().empty


def test_urllib3_retries_are_counted(serve):
    """A user's session may be configured to retry: the first copy may have been stored."""
    requests = pytest.importorskip("requests")
    retry = pytest.importorskip("urllib3.util").Retry(2, allowed_methods=None, backoff_factor=0)
    server = serve(OneStored(AFTERWARDS["refused"]))
    with requests.Session() as session:
        session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retry))
        _, buffer = deliver(open_to(server.url, "requests", session=session), ["c0"])
    assert buffer.counts()["unknown"] == 1


class Scripted:
    """A transport that plays one reply a request, and knows by itself which of them stored their row."""

    name = "scripted"

    def __init__(self, scripts):
        self.scripts = [iter(script) for script in scripts]
        self.replies = []
        self.stored = set()
        self.accepted = set()

    def submit(self, token, body):
        is_stored, fields = next(self.scripts[token])
        reply = Response(token=token, seconds=0.001, **fields)
        if is_stored:
            self.stored.add(token)
        self.replies.append(reply)

    def poll(self, timeout):
        replies, self.replies = self.replies, []
        return replies

    def close(self):
        pass


def answer(status, body=b""):
    return {"status": status, "body": body}


def fault(kind, **fields):
    return {"status": 0, "body": b"", "fault": kind, **fields}


LOST = [
    *(fault(kind) for kind in (RequestFault.TIMEOUT, RequestFault.BROKEN, RequestFault.STALE, RequestFault.OTHER)),
    {"status": 200, "body": b"", "fault": RequestFault.TOO_LARGE},
    *(answer(status) for status in (200, 204, 500, 502, 504, 520, 599, 700)),
    answer(200, b'{"succ'),
]
UNSENT = [
    fault(kind, was_sent=False)
    for kind in (RequestFault.CONNECT, RequestFault.TLS, RequestFault.FILES, RequestFault.OTHER)
]
REFUSALS = [
    *(answer(status) for status in (302, 400, 401, 403, 404, 405, 407, 409, 413, 422, 429, 503)),
    answer(200, b"<html>"),
    answer(200, b'{"success":false}'),
    {"status": 404, "body": b"", "fault": RequestFault.TOO_LARGE},
]
STEPS = st.one_of(
    st.tuples(st.booleans(), st.sampled_from(LOST)),  # stored, or not: nobody can know
    st.tuples(st.just(False), st.sampled_from(UNSENT + REFUSALS)),
    st.tuples(st.just(True), st.just(answer(200, SUCCESS))),
    st.tuples(st.just(True), st.sampled_from([{**answer(503), "repeats": 1}, {**answer(422), "repeats": 2}])),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(STEPS, min_size=1, max_size=6), min_size=1, max_size=4))
def test_outcome_of_any_history_is_true(scripts):
    rest = itertools.repeat((False, answer(422)))
    sender = Scripted([itertools.chain(script, rest) for script in scripts])
    ticks = itertools.count()
    _, buffer = deliver(sender, [f"c{i}" for i in range(len(scripts))], clock=lambda: next(ticks) * 0.01)
    for row, code in enumerate(buffer.codes()):
        status = tuple(Status)[code]
        assert status in {Status.ACCEPTED, Status.UNKNOWN} or row not in sender.stored
        assert status is not Status.ACCEPTED or row in sender.stored
    assert sum(buffer.counts().values()) == len(scripts)
