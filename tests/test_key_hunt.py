"""The API key is searched for in everything that a push leaves behind, whether it succeeds or fails."""

import base64
import contextlib
import copy
import html
import json
import logging
import pickle
import socket
import ssl
import threading
from urllib.parse import quote

import pandas as pd
import pytest
import requests
import trustme
from IPython.core.ultratb import VerboseTB
from support.interrupting import Interrupter
from support.transports import TRANSPORTS

import growlytics_pandas as gp
from growlytics_pandas import Client, Sandbox
from growlytics_pandas.errors import ApiKeyError, ServiceError, UsageError
from growlytics_pandas.sandbox import Faults

KEY = "qz7Hk/4x&9c2e=51d8+b64d<0e"
CODED = [base64.b64encode(b"\0" * shift + KEY.encode()).decode()[4:-4] for shift in range(3)]
FORMS = {
    "plain": KEY,
    "upper": KEY.upper(),
    "json": json.dumps(KEY).replace("/", "\\/").replace("=", "\\u003d").replace("&", "\\u0026"),
    "html": html.escape(KEY).replace("/", "&#x2F;").replace("=", "&#61;"),
    "percent": quote(KEY, safe=""),
    "percent of percent": quote(quote(KEY, safe="")),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64url": base64.urlsafe_b64encode(b"x-growlytics-key: " + KEY.encode()).decode(),
    "first part": KEY[:8],
    "last part": KEY[-8:],
    "html, cut": html.escape(KEY)[:11],
}
SOUGHT = sorted({form.strip('"').lower() for form in [*FORMS.values(), *CODED, KEY[:6], KEY[-6:]]})


@pytest.fixture(autouse=True)
def _key_in_the_environment(monkeypatch, caplog):
    """Clients find the key in the environment, so that no line of a test contains it; all loggers log everything."""
    monkeypatch.setenv("GROWLYTICS_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", "requests", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)


@pytest.fixture
def box_with():
    """Make sandboxes with faults that accept the key."""
    started = []

    def start(**faults):
        started.append(Sandbox(faults=Faults(**faults), api_key=KEY).start())
        return started[-1].base_url

    yield start
    for box in started:
        box.stop()


@pytest.fixture
def hunt(caplog, capfd, tmp_path):
    """Look for the key in some texts, and in whatever was logged, printed or written beside them."""

    def look(*texts):
        written = [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
        printed = capfd.readouterr()
        logged = [record.getMessage() + repr(record.args) + (record.exc_text or "") for record in caplog.records]
        for text in (*texts, *written, *logged, printed.out, printed.err):
            assert not [form for form in SOUGHT if form in text.lower()]

    return look


def customers(rows=3):
    return pd.DataFrame({"id": [f"c{i}" for i in range(rows)], "Score": range(rows)})


def push(url, transport="curl", *, ledger=None, timeout=2.0, rows=3, **options):
    client = Client(base_url=url, ledger=ledger, transport=transport, timeout=timeout)
    return gp.push(customers(rows), "id", **{"client": client, "progress": False} | options)


def everything_of(error):
    """All that a traceback can show of an error and of those behind it: texts, and every local of our frames."""
    while error is not None:
        yield from (str(error), repr(error), repr(vars(error)))
        yield from _frames_of(error.__traceback__)
        ours = error.__traceback__
        while ours is not None and ours.tb_frame.f_code.co_filename == __file__:
            ours = ours.tb_next  # the caller's own frames show the caller's own variables
        if ours is not None:
            yield "\n".join(VerboseTB(theme_name="nocolor").structured_traceback(type(error), error, ours))
        yield from _pickled(error)
        error = error.__cause__ or error.__context__


def _frames_of(traceback):
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_code.co_filename != __file__:
            yield from map(_shown, frame.f_locals.values())
        traceback = traceback.tb_next


def _shown(value):
    try:
        return repr(value)
    except AttributeError:
        return ""  # an object that was never finished


def _pickled(error):
    if isinstance(error, gp.GrowlyticsError | KeyboardInterrupt):
        sent = pickle.dumps(error)
        again = pickle.loads(sent)
        assert (type(again), str(again)) == (type(error), str(error))
        yield sent.decode("latin-1")


def everything_in(result):
    return (repr(result), result._repr_html_(), repr(vars(result)), result.outcomes.to_csv(), repr(result.plan))


def caught(kind, call):
    with pytest.raises(kind) as info:
        call()
    return info.value


def test_successful_push_hides_the_key(box_with, hunt, tmp_path):
    events = []
    url = box_with()
    result = push(url, ledger=tmp_path / "ledger.db")
    client = gp.Client(KEY, url, ledger=result.plan._connection.ledger)
    gp.push(customers(), "id", client=client, progress=events.append, skip_unchanged=True)
    assert events
    hunt(
        *everything_in(result),
        *map(repr, events),
        repr(vars(client)),
        repr(vars(client._connection)),
        client.history().to_csv(),
    )
    assert (tmp_path / "ledger.db").exists(), "the file was among what hunt has read"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_refused_key(box_with, hunt, monkeypatch, transport):
    url = box_with()
    monkeypatch.setenv("GROWLYTICS_API_KEY", KEY + "-changed")
    error = caught(gp.AuthenticationError, lambda: push(url, transport))
    hunt(*everything_of(error), *everything_in(error.result))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_redirect_that_repeats_the_key(box_with, hunt, transport):
    url = box_with(redirect=f"http://127.0.0.1:9/login?key={KEY}")
    error = caught(gp.EndpointError, lambda: push(url, transport))
    assert "[key]" in str(error)
    hunt(*everything_of(error), *everything_in(error.result))


@pytest.fixture
def untrusted():
    """A TLS server whose certificate nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            try:
                context.wrap_socket(accepted, server_side=True).close()
            except OSError:
                accepted.close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"https://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_untrusted_certificate(untrusted, hunt, transport):
    error = caught(gp.EndpointError, lambda: push(untrusted, transport))
    hunt(*everything_of(error), *everything_in(error.result))


@pytest.mark.slow
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_connection_refused(hunt, transport):
    error = caught(gp.ServiceUnavailableError, lambda: push("http://127.0.0.1:9", transport, rows=1))
    assert error.result.counts["failed"] == 1
    hunt(*everything_of(error), *everything_in(error.result))
    client = Client(base_url="http://127.0.0.1:9", ledger=None, transport=transport)
    hunt(*everything_of(caught(gp.ServiceUnavailableError, lambda: client.upsert("c1", {"Score": 1}))))


@pytest.mark.slow
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_timeout(box_with, hunt, transport):
    result = push(box_with(hang=1.0), transport, timeout=0.05, rows=1)
    assert result.counts["unknown"] == 1
    hunt(*everything_in(result))


@pytest.mark.parametrize("bad", ["\n", "é", " "])
def test_key_not_valid_as_header(hunt, monkeypatch, bad):
    monkeypatch.setenv("GROWLYTICS_API_KEY", f"{KEY}{bad}{KEY}")
    hunt(*everything_of(caught(ApiKeyError, Client)))


@pytest.mark.parametrize(
    "wrong", [{"base_url": "ftp://x"}, {"timeout": -1}, {"transport": "pigeon"}, {"verify": "/none"}, {"ledger": 3}]
)
def test_failed_client_hides_its_key(hunt, wrong):
    call = _caller_with_key_argument(wrong)
    hunt(*everything_of(caught(UsageError, call)))


def test_key_argument_not_valid_as_header(hunt):
    hunt(*everything_of(caught(ApiKeyError, _caller_with_key_argument({}, "\n" + KEY))))


def _caller_with_key_argument(options, more=""):
    args = (KEY + more,)
    return lambda: Client(*args, **options)


def test_a_transport_that_cannot_be_opened(hunt):
    client = Client(ledger=None, transport="curl", session=requests.Session())
    call = lambda: gp.push(customers(), "id", client=client, progress=False)  # noqa: E731
    hunt(*everything_of(caught(UsageError, call)))


def test_a_damaged_ledger(box_with, hunt, tmp_path):
    url = box_with()
    damaged = tmp_path / "ledger.db"
    damaged.write_bytes(b"this is no database" * 100)
    hunt(*everything_of(caught(gp.LedgerError, lambda: push(url, ledger=damaged))))


def test_violations(box_with, hunt):
    df = pd.DataFrame({"id": ["a", "a"], "Score": [1.0, float("inf")]})
    client = Client(base_url=box_with(), ledger=None)
    error = caught(gp.ConstraintViolationError, lambda: gp.push(df, "id", client=client, progress=False))
    hunt(*everything_of(error), repr(error.plan), error.violations.to_csv())


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("presses", [1, 2, 3])
def test_an_interrupt(box_with, hunt, transport, presses):
    url = box_with(hang=1.0) if presses > 1 else box_with(latency=0.6)

    listener = Interrupter(presses, lambda event: event.in_flight > 0)
    error = caught(KeyboardInterrupt, lambda: push(url, transport, rows=50, max_rate=4, progress=listener))
    hunt(*everything_of(error), *everything_in(gp.last_result()))


@pytest.fixture
def answering():
    """A server that gives every request the same bytes, or what a function makes of its head."""
    listeners = []

    def start(answer):
        listener = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=_answer_all, args=(listener, answer))
        thread.start()
        listeners.append((listener, thread))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener, thread in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _answer_all(listener, answer):
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, contextlib.suppress(OSError):
            head = connection.recv(65536).partition(b"\r\n\r\n")[0]
            connection.sendall(answer(head) if callable(answer) else answer)


def saying(status, body, *more):
    body = body.encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", "Connection: close", *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_outcomes_mask_a_repeated_key(answering, hunt, transport):
    """A proxy's error page may print the request's headers."""

    def echo(head):
        line = next(line for line in head.decode().splitlines() if line.lower().startswith("x-growlytics-key"))
        return saying(400, f"<pre>{line}</pre>", "Content-Type: text/html")

    result = push(answering(echo), transport, rows=1)
    assert "[key]" in result.outcomes["error"].item()
    hunt(*everything_in(result))


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("form", FORMS)
def test_refusal_that_repeats_the_key(answering, hunt, tmp_path, transport, form):
    body = {"html": f"<h1>No such key</h1> {FORMS[form]}"}.get(form, f'{{"message": "no such key {FORMS[form]}."}}')
    events = []
    result = push(answering(saying(400, body)), transport, ledger=tmp_path / "l.db", progress=events.append)
    assert set(result.outcomes["status"]) == {"failed"}
    assert "[key]" in result.outcomes["error"][0]
    result.to_csv(tmp_path / "result.csv")
    result.to_html(tmp_path / "masked.html")
    result.to_html(tmp_path / "full.html", mask=False)
    hunt(*everything_in(result), *map(repr, events))


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("status", [302, 401])
@pytest.mark.parametrize("form", FORMS)
def test_run_error_that_repeats_the_key(answering, hunt, tmp_path, transport, status, form):
    location = f"Location: http://127.0.0.1:9/{FORMS[form]}/login?k={FORMS[form]}"
    url = answering(saying(status, f'{{"error": ["{"x" * 270}{FORMS[form]}"]}}', location))
    error = caught(ServiceError, lambda: push(url, transport, rows=1))
    error.result.to_html(tmp_path / "full.html", mask=False)
    hunt(*everything_of(error), *everything_in(error.result))
    hunt(*everything_of(caught(ServiceError, lambda: upsert(url, transport))))


def upsert(url, transport):
    Client(base_url=url, ledger=None, transport=transport, timeout=2.0).upsert("c1", {"Score": 1})


@pytest.mark.slow
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("line", ["{}", "HTTP/1.1 2{} OK", "HTTP/1.1 400 Bad\r\n{}\r\n: {}", "HTTP/9 {}"])
def test_invalid_http_that_repeats_the_key(answering, hunt, transport, line):
    """The libraries' messages then repeat what they have read."""
    url = answering(f"{line.format(*[FORMS['upper']] * 2)}\r\n\r\n".encode())
    with contextlib.suppress(ServiceError):
        push(url, transport, rows=1)
    hunt(*everything_in(gp.last_result()))


def test_reprs_hide_the_key(hunt):
    client = Client(ledger=None)
    key = client._connection._key
    hunt(repr(key), str(key), f"{key}", repr(copy.copy(key)), repr(vars(client)), repr(client))
    with Sandbox(api_key=KEY) as sandbox:
        hunt(
            repr(sandbox),
            repr(sandbox.client),
            repr(sandbox.client._connection.project),
            repr(vars(sandbox.client._connection.project)),
        )
