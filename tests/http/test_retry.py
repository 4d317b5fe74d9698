import random
import time
from email.utils import formatdate

import pytest

from growlytics_pandas.http.protocol import MAX_LINE_CHARS, RequestFault, Response, one_line
from growlytics_pandas.http.retry import (
    RetryPolicy,
    Verdict,
    classify,
    describe,
    is_free,
    may_have_arrived,
    parse_retry_after,
)

NOW = 1_700_000_000.0


def answer(status, body=b"", **kwargs):
    return Response(0, status, body, 0.1, **kwargs)


def lost(fault, **kwargs):
    return Response(0, 0, b"", 0.1, fault, **kwargs)


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, b'{"success":true}', Verdict.ACCEPTED),
        (200, b'{"success": true}', Verdict.ACCEPTED),
        (200, b' {"id":"a","success":true}\n', Verdict.ACCEPTED),
        (201, b'{"success":true}', Verdict.ACCEPTED),
        (200, b'{"success":false}', Verdict.REJECTED),
        (200, b'{"success":"true"}', Verdict.REJECTED),
        (200, b'{"success":1}', Verdict.REJECTED),
        (200, b"[true]", Verdict.REJECTED),
        (200, b"null", Verdict.REJECTED),
        (200, b" <!doctype html><p>Log in to the guest network", Verdict.REJECTED),
        (200, b"", Verdict.RETRY),
        (200, b'{"succ', Verdict.RETRY),
        (200, b'{"success":true', Verdict.RETRY),
        (500, b'{"success":true}', Verdict.RETRY),
        (400, b'{"success":true}', Verdict.REJECTED),
        (302, b'{"success":true}', Verdict.WRONG_ENDPOINT),
    ],
)
def test_only_json_success_true_is_success(status, body, verdict):
    assert classify(answer(status, body)) is verdict


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ((401, 403), Verdict.WRONG_KEY),
        ((301, 302, 307, 308, 404, 405, 407), Verdict.WRONG_ENDPOINT),
        ((408, 425, 429, 500, 502, 503, 504, 599), Verdict.RETRY),
        ((400, 402, 409, 413, 422), Verdict.REJECTED),
    ],
)
def test_status_is_about_row_key_url_or_moment(statuses, verdict):
    assert {classify(answer(status)) for status in statuses} == {verdict}


def test_every_fault_is_classified():
    """Every fault is classified, and only a TLS fault blames the URL."""
    verdicts = {fault: classify(lost(fault)) for fault in RequestFault}
    assert [fault for fault, verdict in verdicts.items() if verdict is Verdict.WRONG_ENDPOINT] == [RequestFault.TLS]
    assert {fault for fault, verdict in verdicts.items() if verdict is Verdict.RETRY} == {
        RequestFault.CONNECT, RequestFault.TIMEOUT, RequestFault.BROKEN, RequestFault.STALE, RequestFault.FILES,
    }  # fmt: skip
    assert Verdict.ACCEPTED not in verdicts.values()
    assert classify(answer(404, fault=RequestFault.TOO_LARGE)) is Verdict.WRONG_ENDPOINT


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (lost(RequestFault.TIMEOUT), True),
        (lost(RequestFault.BROKEN), True),
        (lost(RequestFault.CONNECT, was_sent=False), False),
        (answer(200, b""), True),
        (answer(200, b'{"success":false}'), False),
        (answer(504), True),
        (answer(500), True),
        (answer(503), False),
        (answer(429), False),
        (answer(302), False),
        (answer(401), False),
        (answer(700), True),
        (answer(200, fault=RequestFault.TOO_LARGE), True),
        (answer(404, fault=RequestFault.TOO_LARGE), False),
        (answer(422), False),
        (answer(500, repeats=1), True),
        (lost(RequestFault.CONNECT, was_sent=False, repeats=1), True),
    ],
)
def test_lost_response_differs_from_rejection(reply, expected):
    assert may_have_arrived(reply) is expected


def test_only_stale_connections_retry_for_free():
    assert [fault for fault in RequestFault if is_free(lost(fault))] == [RequestFault.STALE]
    assert not is_free(answer(500))


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (answer(422, b'{"success":false,"message":"id is too long"}'), "HTTP 422: id is too long"),
        (answer(400, b'{"error":{"code":7,"message":"bad"}}'), "HTTP 400: bad"),
        (answer(400, b'{"errors":["first","second"]}'), "HTTP 400: first"),
        (answer(200, b'{"success":false}'), 'HTTP 200: {"success":false}'),
        (answer(500), "HTTP 500: an empty answer"),
        (
            answer(200, b"<title>Sign in</title><p>Please sign in."),
            "HTTP 200: a web page, as of a proxy or a login portal, not an answer of the service: Sign in Please sign in.",
        ),
        (answer(502, b"<html><head><title>x</title></head><h1>Bad &amp; ugly</h1>\n<hr>nginx"), "HTTP 502: Bad & ugly nginx"),
        (answer(302, location="https://elsewhere.example/x?token=1"), "HTTP 302: redirects to https://elsewhere.example/x"),
        (answer(302, location="https://a.example/x?t=1&next=/y?t=2"), "HTTP 302: redirects to https://a.example/x"),
        (answer(302, b"Log in first", location="/login"), "HTTP 302: redirects to /login; Log in first"),
        (answer(404, fault=RequestFault.TOO_LARGE), "HTTP 404: the answer was larger than any answer of this API"),
        (lost(RequestFault.TIMEOUT, detail="after 30 s"), "no answer in time: after 30 s"),
        (lost(RequestFault.BROKEN), "the connection broke"),
    ],
)  # fmt: skip
def test_server_message_is_extracted(reply, words):
    assert describe(reply) == words


def test_hostile_response_is_one_short_line():
    words = describe(answer(400, b"\x1b[31m\xe2\x80\xaeevil\r\n\x00\xff" + b"very long " * 100_000))
    assert len(words) == MAX_LINE_CHARS
    assert words.isprintable()
    assert "\u202e" not in words
    assert one_line("a\n\tb\u200bc") == "a b c"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("5\n7\n3", 7.0),
        ("soon\n2", 2.0),
        (f"2\n{formatdate(NOW + 90, usegmt=True)}", 90.0),
        (" 120 ", 120.0),
        ("1.5", 1.5),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        ("Wed, 15 Nov 2023 03:44:20 +0530", 60.0),
        ("soon", None),
        ("", None),
        (None, None),
        ("-5", None),
        ("٣", None),
        ("inf", None),
        ("9" * 5000, None),
        ("Mon, 99 Foo 99999 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text, seconds):
    assert parse_retry_after(text, NOW) == seconds


def test_retry_after_without_a_zone_is_utc(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        assert parse_retry_after("Tue Nov 14 22:14:50 2023", NOW) == 90.0
    finally:
        monkeypatch.undo()
        time.tzset()


def test_row_waits_until_the_date_of_the_service():
    reply = answer(503, retry_after=formatdate(NOW + 20, usegmt=True))
    assert RetryPolicy().wait(1, reply, lambda: 0.0, NOW) == 20.0


def test_waits_grow_with_jitter_and_a_cap():
    policy = RetryPolicy(max_attempts=5, base_seconds=0.5, cap_seconds=3.0)
    longest = [policy.wait(attempts, answer(500), lambda: 1.0, NOW) for attempts in range(1, 6)]
    assert longest == [0.5, 1.0, 2.0, 3.0, None]
    assert policy.wait(1, answer(500), lambda: 0.0, NOW) == 0.0
    assert RetryPolicy(max_attempts=10**6).wait(10**5, answer(500), lambda: 1.0, NOW) == 30.0


def test_retry_after_is_a_floor_with_jitter():
    policy = RetryPolicy()
    draw = random.Random(1).random
    waits = [policy.wait(1, answer(429, retry_after="20"), draw, NOW) for _ in range(100)]
    assert min(waits) >= 20.0
    assert 21.5 <= max(waits) <= 22.0
    assert len(set(waits)) == 100
    assert policy.wait(1, answer(429, retry_after="21600"), lambda: 0.0, NOW) == 21600.0
    assert policy.wait(6, answer(429, retry_after="1"), lambda: 0.0, NOW) is None
