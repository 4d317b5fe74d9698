"""A server's message may contain any customer's values: where values are masked, messages do not show them either."""

import json
import re
import socket
import threading
from dataclasses import replace

import pandas as pd
import pytest
from support.transports import TRANSPORTS

import growlytics_pandas as gp
from growlytics_pandas import Client
from growlytics_pandas.__main__ import main
from growlytics_pandas._masking import CustomerMasks
from growlytics_pandas.errors import ServiceError
from growlytics_pandas.upload.outcomes import OutcomeBuffer
from growlytics_pandas.views.panel import render_html, render_text

PEOPLE = pd.DataFrame(
    {
        "id": ["CUST-7741", "CUST-8852", "CUST-9963"],
        "name": ["Asha Rao", "Vikram O'Neill", "Zoë Müller-Lüdenscheidt"],
        "email": ["asha@example.com", "vikram@example.com", "zoe@example.com"],
        "mobile": ["+919876543210", "+919876543211", "+919876543212"],
        "Score": [1, 2, 3],
    }
)
SOUGHT = [r"cust.7741", r"cust.8852", r"cust.9963", r"asha", r"vikram", r"zo.", r"987654321\d"]


def unmasked(text):
    return [pattern for pattern in SOUGHT if re.search(rf"(?<![a-z]){pattern}(?![a-z])", text.lower())]


def _whole(connection):
    """Read one request with its body, which may come later."""
    data = b""
    while True:
        data += connection.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        if length and len(body) >= int(length[1]):
            return data.decode()


@pytest.fixture
def naming():
    """A server that names all customers in every answer, in other case and with other signs between the words."""
    listener = socket.create_server(("127.0.0.1", 0))
    words = "taken by CUST-7741, id=cust_8852? or 'cust-9963' (ASHA  RAO; Vikram O'Neill, zoë müller lüdenscheidt) "
    words += "asha@example.com VIKRAM@example.com +91 98765 43212"
    state = {"status": 400}

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                request = _whole(connection)
                is_refused = state.get("refused", "") in request
                answer = {"message": words.replace("cust_8852", "cust-8852")} if is_refused else {"success": True}
                body = json.dumps(answer).encode()
                head = f"HTTP/1.1 {state['status'] if is_refused else 200} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
                head += f"Location: http://127.0.0.1:9/CUST-7741?name={'Asha%20Rao'}&id=CUST-8852\r\n\r\n"
                connection.sendall(head.encode() + body)

    thread = threading.Thread(target=serve)
    thread.start()
    state["url"] = f"http://127.0.0.1:{listener.getsockname()[1]}"
    yield state
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(("status", "options"), [(400, {}), (400, {"max_failures": 1}), (401, {}), (302, {})])
def test_server_messages_are_masked_everywhere(naming, tmp_path, transport, status, options):
    """The masked report, the panel and the summary show no customer whom a server names."""
    naming["status"] = status
    client = Client("masked-words-key", naming["url"], ledger=None, transport=transport)
    events = []
    try:
        result = gp.push(PEOPLE, "id", client=client, progress=events.append, **options)
    except ServiceError as error:
        result = error.result
    result.to_html(tmp_path / "masked.html")
    result.to_html(tmp_path / "full.html", mask=False)
    pages = [(tmp_path / "masked.html").read_text(encoding="utf-8"), result._repr_html_(), repr(result)]
    shown = [render(event) for event in events for render in (render_html, render_text)]
    for text in (*pages, *shown):
        assert unmasked(text) == []
    assert unmasked((tmp_path / "full.html").read_text(encoding="utf-8")), "in full where that is asked for"
    assert unmasked(result.outcomes["error"].str.cat(sep=" ")), "the outcomes are the user's own data"
    assert "taken by" in pages[0]


@pytest.mark.parametrize("status", [400, 401])
def test_server_messages_are_masked_in_batches(naming, tmp_path, status):
    naming["status"] = status
    client = Client("masked-words-key", naming["url"], ledger=None)
    events = []
    try:
        result = gp.push_batches([PEOPLE], "id", client=client, progress=events.append)
    except ServiceError as error:
        result = error.result
    result.to_html(tmp_path / "masked.html")
    texts = [(tmp_path / "masked.html").read_text(encoding="utf-8"), result._repr_html_()]
    texts += [render(event) for event in events for render in (render_html, render_text)]
    for text in texts:
        assert unmasked(text) == []


def test_only_given_values_are_masked():
    masks = CustomerMasks(["401", "C-1", "no", None, "Asha Rao", 7741.0, "x" * 5000])
    assert (
        masks.hide("HTTP 401: 401 is C-1, no Asha, asha.rao! and 7741")
        == "HTTP 401: ••• is •••, no Asha, A•••! and •••41"
    )
    assert CustomerMasks([]).hide("HTTP 400: bad") == "HTTP 400: bad"


@pytest.mark.parametrize("rows", [3, 60_000])
def test_other_customers_in_messages_are_masked(naming, tmp_path, rows):
    """As where a server says whose the address is. A large frame has its values looked up when the report is made."""
    naming["refused"] = "CUST-9963"
    people = pd.concat([PEOPLE, pd.DataFrame({"id": [f"more-{i}" for i in range(3, rows)]})], ignore_index=True)
    client = Client("masked-words-key", naming["url"], ledger=None)
    plan = gp.plan(people.iloc[[0, 1, 2]], "id", client=client)
    events = []
    result = plan.push(progress=events.append)
    assert result.counts["accepted"] == 2
    plan = gp.plan(people, "id", client=client)
    large = replace(result, plan=plan, _whole=plan._whole, _parts=plan._parts, _buffers={0: longer(result, rows)})
    for one in (result, large):
        one.to_html(tmp_path / "masked.html")
        assert unmasked((tmp_path / "masked.html").read_text(encoding="utf-8")) == []
        assert unmasked(one._repr_html_()) == []
    for event in events:
        assert unmasked(render_html(event) + render_text(event)) == []


def longer(result, rows):
    buffer = OutcomeBuffer(rows)
    for row in range(3):
        buffer.record(row, *(("accepted",) if row < 2 else ("failed", result.outcomes["error"][2], 400)))
    return buffer


def test_command_line_masks_server_messages(naming, tmp_path, capsys, monkeypatch):
    """What a scheduler keeps is read by many; all words are in --outcomes."""
    monkeypatch.setenv("GROWLYTICS_API_KEY", "masked-words-key")
    PEOPLE.to_csv(tmp_path / "a.csv", index=False)
    for status in (400, 401):
        naming["status"] = status
        for form in ([], ["--json"]):
            call = ["push", str(tmp_path / "a.csv"), "--id-col", "id", "--base-url", naming["url"], "--ledger", "none"]
            assert main([*call, *form]) != 0
            words = "".join(capsys.readouterr())
            assert "taken by" in words
            assert unmasked(words) == []


def test_accents_have_two_spellings():
    masks = CustomerMasks(["Zoë Müller"], ["it is Zoe\u0308 Mu\u0308ller"])
    assert masks.hide("it is Zoe\u0308 Mu\u0308ller") == "it is Z•••"
    assert CustomerMasks(["Zoe\u0308 Mu\u0308ller"]).hide("it is zoë müller") == "it is Z•••"
