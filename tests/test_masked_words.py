"""A server may name anyone in its words: where values are masked, its words do not show them either."""

import json
import re
import socket
import threading

import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas import Client
from growlytics_pandas.errors import ServiceError
from growlytics_pandas.masking import Crowd
from growlytics_pandas.progress.summary import render_html, render_text

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
TRANSPORTS = ["curl", "requests"]


def unmasked(text):
    return [pattern for pattern in SOUGHT if re.search(rf"(?<![a-z]){pattern}(?![a-z])", text.lower())]


@pytest.fixture
def naming():
    """A server that names all customers in every answer, in other case and with other signs between the words."""
    listener = socket.create_server(("127.0.0.1", 0))
    said = "taken by CUST-7741, id=cust_8852? or 'cust-9963' (ASHA  RAO; Vikram O'Neill, zoë müller lüdenscheidt) "
    said += "asha@example.com VIKRAM@example.com +91 98765 43212"
    state = {"status": 400}

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                body = json.dumps({"message": said.replace("cust_8852", "cust-8852")}).encode()
                head = f"HTTP/1.1 {state['status']} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
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
def test_no_masked_report_panel_or_summary_shows_who_a_server_speaks_of(naming, tmp_path, transport, status, options):
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
def test_batches_show_nobody_either(naming, tmp_path, status):
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


def test_a_crowd_masks_its_own_only():
    crowd = Crowd(["401", "C-1", "no", None, "Asha Rao", 7741.0, "x" * 5000])
    assert (
        crowd.hide("HTTP 401: 401 is C-1, no Asha, asha.rao! and 7741")
        == "HTTP 401: ••• is •••, no Asha, A•••! and •••41"
    )
    assert Crowd([]).hide("HTTP 400: bad") == "HTTP 400: bad"
