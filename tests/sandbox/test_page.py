"""The sandbox's page over HTTP: all is shown as text, little of a large store is read, and no script is needed."""

import json
import re
import sqlite3
import time
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from urllib.parse import unquote, urlencode

import pytest
import requests
from support.hostile import HOSTILE
from support.sandbox_http import PUBLISHED, TIMEOUT_SECONDS, assert_refused, attribute, customer

from growlytics_pandas import contract
from growlytics_pandas._masking import visible
from growlytics_pandas.sandbox import Faults, Sandbox, SandboxStore
from growlytics_pandas.sandbox.page import CUSTOMERS_A_PAGE, LISTED_ATTRIBUTES

N_MANY = 100_000


class Reading(HTMLParser):
    """A page as a browser takes it apart: tags, attributes, and the texts of links and of all."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.links, self._texts, self._open = set(), [], [], [], []
        self.feed(html)
        self.text = " ".join(" ".join(self._texts).split())

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        self._open.append(tag)
        if tag == "a":
            self.links.append([dict(attrs)["href"], ""])

    def handle_endtag(self, tag):
        self._open.pop()

    def handle_data(self, data):
        if self._open and self._open[-1] in {"style", "script"}:
            return
        self._texts.append(data)
        if "a" in self._open:
            self.links[-1][1] += data

    def handle_startendtag(self, tag, attrs):
        raise AssertionError(tag)


def get(session, box, **query):
    return session.get(f"{box.base_url}/?{urlencode(query)}", timeout=TIMEOUT_SECONDS)


@pytest.fixture
def see(sandbox, session):
    def look(box=sandbox, **query):
        reply = get(session, box, **query)
        assert reply.status_code == 200, reply.text
        return Reading(re.sub(r"<(meta|link|input|br)\b([^>]*)>", r"<\1\2></\1>", reply.text))

    return look


def shown_ids(page):
    return [text for href, text in page.links if href.startswith("./?id=") and "page=" not in href]


def test_page_shows_customers_types_and_counts(post, see):
    post(PUBLISHED)
    post(customer("ravi", attribute("Total Orders", "string", "five")))
    shown = see().text

    for words in (
        "requests 2 customers 2 types fixed 3 values ignored 1 faults played 0",
        "john@gmail.com name: Purchased",
        "isPremium boolean true",
        "Last Order date 2023-01-31 10:20:30",
        "Total Orders number 5",
        'the attribute was first tracked with another type: number , sent as string 1 "five" of ravi',
    ):
        assert words in shown
    assert re.search(r"Total Orders number \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", shown), "the type, and since when"


def test_page_without_customers_explains_itself(see):
    shown = see().text
    for words in ("None yet. They appear here as they arrive.", "Nothing.", "None were asked for."):
        assert words in shown


def test_ignored_values_are_shown_with_reasons(post, see):
    post(customer("a", attribute("n", "number", 1)))
    entries = [
        attribute("n", "string", "x"),
        attribute("m" * 50, "string", "x"),
        attribute("t", "text", "x"),
        "no object",
    ]
    post(customer("b", *entries, attribute("d", "date", "soon"), attribute("z", "number", None)))
    shown, of_one = see().text, see(id="b").text
    for reason in (
        "another type",
        "50 characters",
        "is not string, number",
        "not a JSON object",
        "calendar",
        "is null",
    ):
        assert reason in shown
        assert reason in of_one
    assert "Ignored values of these customers Nothing." in see(id="a").text


def test_customer_text_never_becomes_markup(post, see):
    rows = "table thead tbody tr th td ul li i b bdi h3 br time"
    plain = see(id="nobody").tags | set(rows.split())
    post(customer(HOSTILE, attribute("n", "number", 1)) | {"name": HOSTILE})
    post(customer(HOSTILE, attribute(HOSTILE[:40], "string", HOSTILE), attribute("n", HOSTILE, HOSTILE)))
    for query in ({}, {"id": HOSTILE}, {"id": HOSTILE[:9]}):
        page = see(**query)
        assert page.tags <= plain
        assert not [name for name, _ in page.attributes if name.startswith(("on", "style"))]
        assert visible(HOSTILE[:100]) in page.text
        assert "⟨U+202E⟩gnp⟨U+2066⟩⟨U+200F⟩" in page.text
        assert {href[:2] for href, _ in page.links} <= {"./", "#c", "#t", "#i", "#f"}
    (found,) = [href for href, text in see().links if text == visible(HOSTILE, 120)][:1]
    assert shown_ids(see(id=unquote(found.removeprefix("./?id="))))[0] == visible(HOSTILE, 120)


def test_long_value_is_cut_with_its_length(post, see):
    post(customer("a", attribute("long", "string", "W" * 900_000), attribute("n", "string", "अ" * 5000)))
    post(customer("i" * 900_000 + "\x00", attribute("n", "string", "𝄞" * 40)))
    for query in ({}, {"id": "a"}, {"id": "i" * 500}):
        page = see(**query)
        assert len(page.text) < 12_000
        assert not {char for char in page.text if "\ud800" <= char <= "\udfff"}
    assert "… (900,000 characters)" in see().text
    assert "… (900,001 characters)" in see().text
    assert "𝄞" * 40 in see().text


def test_digits_are_shown_as_they_were_sent(post, see):
    post('{"id": "a", "attributes": [{"name": "n", "type": "number", "value": 12345678901234567890.10}]}')
    assert "12345678901234567890.10" in see().text


def test_newest_come_first_in_pages(post, see):
    for number in range(2 * CUSTOMERS_A_PAGE + 3):
        post(customer(f"c{number:03}"))
    address, walked = {}, []
    for _ in range(3):
        page = see(**address)
        walked += shown_ids(page)
        steps = {text: href for href, text in page.links}
        address = {"page": steps.get("Older", "=").rsplit("=")[-1]}
    assert walked == [f"c{number:03}" for number in reversed(range(2 * CUSTOMERS_A_PAGE + 3))]
    assert "Older" not in steps
    assert shown_ids(see(page=steps["Newer"].rsplit("=")[-1])) == walked[CUSTOMERS_A_PAGE : 2 * CUSTOMERS_A_PAGE]
    assert "Newer" not in {text for _, text in see().links}


def test_search_shows_exact_id_then_prefixes(post, see):
    many = [attribute(f"a{number}", "number", number) for number in range(LISTED_ATTRIBUTES + 5)]
    for identifier in ("asha", "Asha", "asha\U0010ffff\U0010ffff", "asha.1", "ash", "ashb", "%", "_"):
        post(customer(identifier, *many))
    page = see(id="asha")
    assert shown_ids(page) == ["asha", "asha.1", "asha⟨U+10FFFF⟩⟨U+10FFFF⟩"]
    assert f"a{LISTED_ATTRIBUTES + 4} number {LISTED_ATTRIBUTES + 4}" in page.text
    assert page.text.count("and 5 more: click the id") == 2
    assert shown_ids(see(id="A")) == ["Asha"]
    assert shown_ids(see(id="%")) == ["%"]
    assert "There is none." in see(id="asha ").text


def test_search_hits_continue_over_pages(post, see):
    ids = [f"x{number:02}" for number in range(CUSTOMERS_A_PAGE + 5)]
    for identifier in ["w", "y", *reversed(ids)]:
        post(customer(identifier))
    first = see(id="x")
    (number,) = [href.rsplit("=")[-1] for href, text in first.links if text == "Next ids"]
    second = see(id="x", page=number)
    assert shown_ids(first) + shown_ids(second) == ids
    assert "Next ids" not in {text for _, text in second.links}


@pytest.mark.parametrize(
    "query",
    [
        "page=-1",
        "page=" + "9" * 40,
        "page=x",
        "page=٣",
        "id=%ff%00",
        "id=" + "x" * 20_000,
        "part=all&&=&a",
        "page=0&id=",
    ],
)
def test_invalid_address_still_gives_a_page(post, session, sandbox, query):
    post(PUBLISHED)
    reply = session.get(f"{sandbox.base_url}/?{query}", timeout=TIMEOUT_SECONDS)
    assert reply.status_code == 200
    assert "customers" in reply.text


def test_faults_are_shown_without_redirect_url(session, see):
    faults = Faults(status={503: 1}, latency=(0.0, 0.001), redirect="https://login.example/?key=hush")
    with Sandbox(faults=faults) as box:
        session.post(box.base_url + contract.CUSTOMER_PATH, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        page = see(box)
        assert (
            "latency 0 to 0.001 s, every request – redirect every request 1 status.503 100 % of requests 0" in page.text
        )
        assert "faults played 1" in page.text
        assert "login.example" not in page.text
        assert box.requests == 1, "looking is no customer request"


def test_policy_allows_only_the_page_itself(see, session, sandbox):
    reply = get(session, sandbox)
    policy = dict(part.strip().split(" ", 1) for part in reply.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == policy["form-action"] == "'self'"
    assert "unsafe" not in str(policy)
    for tag in ("script", "style"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", reply.text, re.DOTALL)
        assert policy[f"{tag}-src"] == f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
    assert "://" not in reply.text
    assert reply.headers["cache-control"] == "no-store"


def test_the_key_is_not_on_the_page():
    with Sandbox(api_key="hunted-2f9d1c77") as box, requests.Session() as session:
        session.trust_env = False
        headers = {contract.KEY_HEADER: box.api_key}
        session.post(box.base_url + contract.CUSTOMER_PATH, json=PUBLISHED, headers=headers, timeout=TIMEOUT_SECONDS)
        for query in ({}, {"id": "john@gmail.com"}, {"part": "live"}):
            reply = get(session, box, **query)
            assert "john@gmail.com" in reply.text
            assert box.api_key not in reply.text + str(reply.headers)


def test_foreign_site_reads_nothing(post, session, sandbox):
    post(PUBLISHED)
    reply = session.get(sandbox.base_url, headers={"host": "evil.example"}, timeout=TIMEOUT_SECONDS)
    assert_refused(reply, 403)
    assert "john" not in reply.text
    for host in ("localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:80"):
        assert session.get(sandbox.base_url, headers={"host": host}, timeout=TIMEOUT_SECONDS).status_code == 200


def test_head_has_headers_and_no_other_methods(session, sandbox):
    whole, head = get(session, sandbox), session.head(sandbox.base_url, timeout=TIMEOUT_SECONDS)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]
    for method in ("PUT", "DELETE", "OPTIONS", "POST"):
        assert_refused(session.request(method, sandbox.base_url, timeout=TIMEOUT_SECONDS), 404)


def test_unreadable_file_is_reported(tmp_path, session):
    with Sandbox(db=tmp_path / "box.db") as box:
        vandal = sqlite3.connect(tmp_path / "box.db")
        vandal.execute("DROP TABLE ignored")
        vandal.close()
        assert_refused(get(session, box), 500)


@pytest.mark.slow
def test_page_does_not_read_100_000_customers(tmp_path, see, session):
    path = tmp_path / "box.db"
    SandboxStore(path).close()
    with sqlite3.connect(path) as db:
        numbers = range(1, N_MANY + 1)
        attributes = json.dumps({f"a{a}": "v" for a in range(7)})
        db.executemany(
            "INSERT INTO customers (id, attributes) VALUES (?, ?)", ((f"c{n}@example.com", attributes) for n in numbers)
        )
        db.executemany(
            "INSERT INTO attribute_types (attribute, type, first_seen) VALUES (?, 'string', '')",
            ((f"a{a}",) for a in range(7)),
        )
        db.executemany(
            "INSERT INTO ignored (id, attribute, value, reason, at) VALUES (?, 'b', '1', 'why', '')",
            ((f"c{n}@example.com",) for n in numbers),
        )
    db.close()
    with Sandbox(db=path) as box:
        assert "customers 100,000" in see(box).text
        for query in ({}, {"page": 5_000}, {"id": "c77777@example.com"}, {"id": "c7"}, {"id": "zz"}):
            started = time.perf_counter()
            assert get(session, box, **query).status_code == 200
            assert time.perf_counter() - started < 0.25, query
