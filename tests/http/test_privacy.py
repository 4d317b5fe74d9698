"""The key is removed from servers' messages in every form, and nothing else is."""

import base64
import html
import json
from urllib.parse import quote

import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas.http.api_key import redactor
from growlytics_pandas.http.protocol import Response
from growlytics_pandas.http.retry import describe

KEY = "Hunted/7f3a&9c2e=51d8+b64d<0e'q"
REDACTOR = redactor({"X-Growlytics-Key": KEY})
ESCAPED = {
    "plain": KEY,
    "upper": KEY.upper(),
    "lower": KEY.lower(),
    "json": json.dumps(KEY).replace("/", "\\/").replace("=", "\\u003d").replace("&", "\\u0026"),
    "json of json": json.dumps(json.dumps(KEY).replace("/", "\\/").replace("+", "\\u002B")),
    "all as \\u": "".join(f"\\u{ord(char):04x}" for char in KEY),
    "all as \\x": "".join(f"\\x{ord(char):02X}" for char in KEY),
    "all as octal": "".join(f"\\{ord(char):03o}" for char in KEY),
    "html": html.escape(KEY),
    "html of html": html.escape(html.escape(KEY)),
    "html by names": KEY.replace("&", "&amp;").replace("/", "&sol;").replace("=", "&equals;").replace("+", "&plus;"),
    "html by numbers": "".join(f"&#{ord(char)};" for char in KEY),
    "html by hexadecimals": "".join(f"&#x{ord(char):X};" for char in KEY),
    "html of json": html.escape(json.dumps(KEY).replace("/", "\\/")),
    "percent": quote(KEY, safe=""),
    "percent, lower": quote(KEY, safe="").lower(),
    "all as percent": "".join(f"%{ord(char):02x}" for char in KEY),
    "percent of percent": quote(quote(KEY, safe="")),
    "quoted-printable": "".join(f"={ord(char):02X}" if char in "=&<" else char for char in KEY),
    "hexadecimal": KEY.encode().hex(),
    "with spaces": " ".join(KEY),
    "utf-16": KEY.encode("utf-16-le").decode(),
    "with soft hyphens": "\u00ad".join(KEY),
}
CUT = {f"the first {n}": KEY[:n] for n in (6, 7, 8, 15, 30)}
CUT |= {f"the last {n}": KEY[-n:] for n in (6, 7, 8, 15, 30)}
CUT |= {"the middle": KEY[5:20], "the first, as html": html.escape(KEY)[:20], "upper, cut": KEY.upper()[:9]}


def base64_forms():
    for before in ("", "u", "us", "use", "x-growlytics-key: "):
        for after in ("", "a", "ab"):
            raw = (before + KEY + after).encode()
            yield base64.b64encode(raw).decode()
            yield base64.urlsafe_b64encode(raw).decode()


def shown(form):
    return REDACTOR(f"no such key: {form} (see below)")


@pytest.mark.parametrize("name", [*ESCAPED, *CUT])
def test_key_is_masked_in_every_encoding(name):
    assert shown({**ESCAPED, **CUT}[name]).replace('\\"', "").replace('"', "").replace("&quot;", "") == (
        "no such key: [key] (see below)"
    )


@pytest.mark.parametrize("form", list(base64_forms()))
def test_key_in_base64_is_masked_in_any_context(form):
    left = shown(form).removeprefix("no such key: ").removesuffix(" (see below)").split("[key]")
    assert len(left) == 2
    assert len(left[1].rstrip("=")) <= 4, "what is after the key, and the bits that it shares with it"


@pytest.mark.parametrize(
    "words",
    [
        "the id is too long",
        "100 % of &amp; \\n are 'fine' <b>here</b> \\u0041 &bogus; %zz \\U00110000 &#xFFFFFFFF;",
        "Ä€😀\ud800 key hunt 7f3a",
        "",
    ],
)
def test_other_text_is_unchanged(words):
    assert REDACTOR(words) == words


def test_key_is_masked_before_truncation():
    """The end of the line may fall anywhere in the key."""
    for padding in range(255, 300):
        shown = describe(Response(0, 400, json.dumps({"message": "x" * padding + KEY}).encode(), 0.1, mask=REDACTOR))
        assert "hunted" not in shown.lower()
        assert len(shown) <= 300


@pytest.mark.parametrize("body", [html.escape(KEY), f'{{"error": {ESCAPED["json"]}}}', f"<p>{ESCAPED['html']}</p>"])
def test_messages_are_masked_after_decoding(body):
    assert describe(Response(0, 400, body.encode(), 0.1, mask=REDACTOR)) == "HTTP 400: [key]"


def test_response_repr_masks_the_key():
    assert KEY not in repr(Response(0, 400, KEY.encode(), 0.1, location=KEY, detail=KEY, mask=REDACTOR))


def test_sandbox_message_is_not_taken_for_its_key():
    with gp.Sandbox(faults=gp.sandbox.Faults(success_false=1.0)) as box:
        result = gp.push(pd.DataFrame({"id": ["a"], "Score": [1]}), "id", client=box.client, progress=False)
    assert "sandbox fault" in result.failed["error"][0]
