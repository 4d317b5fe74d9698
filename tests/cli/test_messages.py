"""Messages name arguments in Python, and flags on the command line."""

import json
import re
import shlex
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

import growlytics_pandas
from growlytics_pandas import Client, Ledger
from growlytics_pandas._text import argument, message_style
from growlytics_pandas.cli.flags import COMMAND_LINE
from growlytics_pandas.errors import GrowlyticsError

DATA = {"id": ["1", "2"], "City": ["Pune", "Goa"], "email": ["a@x.com", "b@x.com"]}
IN_PYTHON = re.compile(r"\b\w+=(?:True|False|None|['\"\[{…])|\b\w+\['|Client|\bpd\.|\bdf\b|last_result|client=")
A_FLAG = re.compile(r"(?<!\w)--\w")

OPTIONS = [
    ({"columns": ["Town"]}, ("--column", "Town")),
    ({"exclude": ["Town"]}, ("--exclude", "Town")),
    ({"exclude": ["City"], "columns": ["City"]}, ("--exclude", "City", "--column", "City")),
    ({"rename": {"Town": "City"}}, ("--rename", "Town=City")),
    ({"types": {"Town": "date"}}, ("--type", "Town=date")),
    ({"types": {"City": "text"}}, ("--type", "City=text")),
    ({"types": {"email": "number"}}, ("--type", "email=number")),
    ({"types": {"City": "number"}, "date_format": {"City": "ISO8601"}}, ("--type", "City=number", "--date-format", "City=ISO8601")),
    ({"date_format": "%d/%m/%Y"}, ("--date-format", "%d/%m/%Y")),
    ({"date_format": {"City": "%d/%m"}}, ("--date-format", "City=%d/%m")),
    ({"date_format": {"City": "iso"}}, ("--date-format", "City=iso")),
    ({"date_format": {"email": "ISO8601"}}, ("--date-format", "email=ISO8601")),
    ({"date_format": {"id": "ISO8601"}}, ("--date-format", "id=ISO8601")),
    ({"decimal": ","}, ("--decimal", ",")),
    ({"decimal": {"City": ";"}}, ("--decimal", "City=;")),
    ({"na_values": {"Town": ["NA"]}}, ("--na", "Town=NA")),
    ({"strip": ["Town"]}, ("--strip-column", "Town")),
    ({"normalize": {"City": "upper"}}, ("--normalize", "City=upper")),
    ({"timezone": "Mars"}, ("--timezone", "Mars")),
    ({"region": "UK"}, ("--region", "UK")),
    ({"name": "\udc80"}, ("--name", "\udc80")),
    ({"chunk_size": 0}, ("--chunk-size", "0")),
    ({"max_concurrency": 0}, ("--max-concurrency", "0")),
    ({"max_concurrency": 10**6}, ("--max-concurrency", "1000000")),
    ({"max_rate": 0.0}, ("--max-rate", "0")),
    ({"max_failures": 0}, ("--max-failures", "0")),
    ({"max_failures": 2.0}, ("--max-failures", "2.0")),
    ({"label": ""}, ("--label", "")),
]  # fmt: skip
OF_CLIENT = [
    ({"base_url": "ftp://x"}, ("--base-url", "ftp://x")),
    ({"base_url": "api"}, ("--base-url", "api")),
    ({"base_url": "http://example.com"}, ("--base-url", "http://example.com")),
    ({"base_url": "https://u:p@example.com"}, ("--base-url", "https://u:p@example.com")),
    ({"timeout": 0.0}, ("--timeout", "0")),
    ({"verify": "none.pem"}, ("--ca-bundle", "none.pem")),
    ({"types": "none/types.json"}, ("--types-file", "none/types.json")),
    ({"types": "t.json", "ledger": None}, ("--types-file", "t.json", "--ledger", "none")),
    ({"ledger": "~nobody-at-all/ledger"}, ("--ledger", "~nobody-at-all/ledger")),
]
OF_SEGMENT = [
    ({"attribute": "email"}, ("--attribute", "email")),
    ({"attribute": "id"}, ("--attribute", "id")),
    ({"left": True}, ("--left", "true")),
    ({"left": 1}, ("--left", "1")),
    ({"members": "none/vip.csv"}, ("--members", "none/vip.csv")),
]


@pytest.fixture
def refused(command, write, at):
    """Make a wrong call in Python and on the command line, and return both messages."""
    at()
    write("a.csv", pd.DataFrame(DATA).to_csv(index=False))

    def refuse(call, *words):
        with pytest.raises(GrowlyticsError) as error:
            call()
        done = command(*words)
        assert (done.status, done.out) == (2, "")
        message, on_command_line = str(error.value), done.err.rpartition("error: ")[2]
        assert not A_FLAG.search(message), message
        assert not IN_PYTHON.search(done.err), done.err
        return message, on_command_line

    return refuse


def ids(cases):
    return [" ".join(flags).encode("ascii", "replace").decode() for _, flags in cases]


@pytest.mark.parametrize(("arguments", "flags"), OPTIONS, ids=ids(OPTIONS))
def test_an_option(refused, arguments, flags):
    frame = pd.DataFrame(DATA)
    message, on_command_line = refused(
        lambda: growlytics_pandas.push(frame, "id", progress=False, **arguments),
        *("push", "a.csv", "--id-col", "id", *flags),
    )
    assert re.match(rf"(?:{'|'.join(arguments)})(?:\[.*\])?[:;] ", message)
    names = [re.escape(flag.replace("--strip-column", "--strip")) for flag in flags if flag.startswith("--")]
    assert re.match(rf"(?:{'|'.join(names)})(?: '.*')?[:;] ", on_command_line)


def test_the_id_column(refused):
    frame = pd.DataFrame(DATA)
    message, on_command_line = refused(
        lambda: growlytics_pandas.push(frame, "Id", progress=False), "push", "a.csv", "--id-col", "Id"
    )
    assert (message, on_command_line) == (
        "id_col: there is no column 'Id'. Did you mean 'id'?",
        "--id-col: there is no column 'Id'. Did you mean 'id'?\n",
    )


@pytest.mark.parametrize(("arguments", "flags"), OF_CLIENT, ids=ids(OF_CLIENT))
def test_an_argument_of_the_client(refused, arguments, flags):
    message, on_command_line = refused(lambda: Client(**arguments), "push", "a.csv", "--id-col", "id", *flags)
    assert (message.partition(": ")[0], on_command_line.partition(": ")[0]) == (next(iter(arguments)), flags[0])


@pytest.mark.parametrize(("arguments", "flags"), OF_SEGMENT, ids=ids(OF_SEGMENT))
def test_an_argument_of_a_segment(refused, arguments, flags):
    given = {"attribute": "Is VIP", "members": "vip.csv", "progress": False} | arguments
    frame = pd.DataFrame(DATA)
    message, on_command_line = refused(
        lambda: growlytics_pandas.push_segment(frame, "id", **given),
        *("segment", "a.csv", "--id-col", "id", "--attribute", "Is VIP", "--members", "vip.csv", *flags),
    )
    assert (message.partition(": ")[0], on_command_line.partition(": ")[0]) == (next(iter(arguments)), flags[0])


@pytest.mark.parametrize(
    ("arguments", "flags"),
    [({"skip_unchanged": True}, ("--skip-unchanged",)), ({"new_attributes": "forbid"}, ("--new-attributes", "forbid"))],
    ids=str,
)
def test_an_option_that_needs_a_ledger(refused, arguments, flags):
    frame = pd.DataFrame(DATA)
    message, on_command_line = refused(
        lambda: growlytics_pandas.push(frame, "id", client=Client(ledger=None), progress=False, **arguments),
        *("push", "a.csv", "--id-col", "id", "--ledger", "none", *flags),
    )
    assert (message.partition(": ")[0], on_command_line.partition(": ")[0]) == (next(iter(arguments)), flags[0])


@pytest.mark.parametrize("content", ['{"City": "text"}', '["City"]', '{"City": "number"}'])
def test_a_file_of_types(refused, write, sandbox, content):
    sandbox.client.declare_types({"City": "string"})
    write("t.json", content)
    given = {"types": "t.json", "ledger": sandbox.ledger_path}
    message, on_command_line = refused(
        lambda: Client(**given),
        *("push", "a.csv", "--id-col", "id", "--types-file", "t.json", "--ledger", sandbox.ledger_path),
    )
    assert (message.partition(": ")[0], on_command_line.partition(": ")[0]) == ("declare_types", "--types-file")


def test_the_key(refused, monkeypatch):
    monkeypatch.setenv("GROWLYTICS_API_KEY", "'abcdefgh'")
    message, on_command_line = refused(Client, "push", "a.csv", "--id-col", "id")
    assert (message.partition(": ")[0], on_command_line.partition(": ")[0]) == ("api_key", "the API key")


def test_a_key_that_the_service_refuses(refused, monkeypatch):
    monkeypatch.setenv("GROWLYTICS_API_KEY", "another-key")
    frame = pd.DataFrame(DATA)
    with pytest.raises(GrowlyticsError, match=r"GROWLYTICS_API_KEY or Client\(api_key=…\)"):
        growlytics_pandas.push(frame, "id", progress=False)


def test_rejected_key_on_the_command_line(command, write, at, monkeypatch):
    at()
    monkeypatch.setenv("GROWLYTICS_API_KEY", "another-key")
    done = command("push", write("a.csv", "id,City\n1,Pune\n"), "--id-col", "id")
    assert "GROWLYTICS_API_KEY or --key-file: it may be wrong" in done.err


def test_options_file_column_names_its_file(command, write, at):
    at()
    write("a.csv", "id,City\n1,Pune\n")
    write("o.toml", 'id_col = "id"\n[types]\nTown = "date"\n')
    assert "o.toml: types: there is no column 'Town'" in command("push", "a.csv", "--options", "o.toml").err
    write("o.toml", 'id_col = "id"\n[types]\nCity = "text"\n')
    assert "o.toml: types['City']: found 'text'" in command("push", "a.csv", "--options", "o.toml").err


def test_a_backup(refused, tmp_path, monkeypatch):
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    monkeypatch.setenv("GROWLYTICS_LEDGER", str(ledger.path))
    message, on_command_line = refused(lambda: ledger.restore("none"), "ledger", "restore", "none")
    assert (message.partition(": ")[0], on_command_line.partition(": ")[0]) == ("path", "PATH")


MESSY = {
    "id": ["1", "2", "3", "3", ""],
    "Joined": ["31/01/2025", "01/02/2025", "05/06/2025", "25/12/2024", "soon"],
    "Left": ["01/02/2025", "02/03/2025", "03/04/2025", "04/05/2025", "05/06/2025"],
    "Spent": ["1,200.50", "3,400.00", "12.5", "n/a", "7"],
    "Price": ["1,234", "2,345", "3,456", "4,567", "5,678"],
    "Version": ["1.10", "1.9", "1.2", "1.3", "1.4"],
    "Contact": ["a@x.com", "b@x.com", "c@x.com", "d@x.com", "e@x.com"],
    "Pincode": ["411001", "400001", "110001", "560001", "600001"],
    "City ": [" Pune", "Goa", "Agra", "Agra", "N/A"],
    "mobile": ["98765 43210", "12", "98765 43211", "98765 43212", "98765 43213"],
    "Member": ["0", "1", "0", "1", "1"],
    "Share": ["12 %", "13 %", "0.5", "7", "15 %"],
    "Seen": ["2025-01-31T10:00:00+05:30", "2025-01-30T10:00:00", "2025-01-29T10:00:00Z", "2025-01-28T10:00:00Z", ""],
}


def test_messages_for_a_messy_file_name_flags(command, write, at):
    """All texts for a file with many errors: violations, suggestions and notes."""
    at()
    frame = pd.DataFrame(MESSY)
    write("a.csv", frame.to_csv(index=False))
    plan = growlytics_pandas.plan(frame, "id", new_attributes="forbid")
    of_python = [
        *plan.violations["fix"],
        *plan.violations["message"],
        *plan.suggestions["reason"],
        *plan.schema["note"].dropna(),
    ]
    assert sum("=" in text for text in of_python) > 10
    assert [text for text in of_python if A_FLAG.search(text)] == []
    for name in ("schema", "suggest", "validate", "push"):
        done = command(name, "a.csv", "--id-col", "id", "--new-attributes", "forbid", "--json")
        texts = texts_of({key: value for key, value in done.data.items() if key != "options"})
        assert [text for text in texts if IN_PYTHON.search(text)] == [], name
        assert A_FLAG.search(" ".join(texts)), name
        assert not IN_PYTHON.search(done.err), name


def texts_of(found):
    if isinstance(found, dict):
        return texts_of(list(found.values()))
    if isinstance(found, list):
        return [text for each in found for text in texts_of(each)]
    return [found] if isinstance(found, str) else [json.dumps(found)]


WRONG_BEFORE_READING = [
    "--chunk-size 0",
    "--max-rate -1",
    "--max-concurrency 0",
    "--max-failures 2.0",
    "--label ''",
    "--date-format Joined=%Q",
    "--date-format Joined=dmy",
    "--decimal Spend=;",
    "--type City=text",
    "--type City=number --date-format City=ISO8601",
    "--normalize City=upper",
    "--region XX",
    "--timezone Mars",
    "--base-url ftp://x",
    "--timeout 0",
]


@pytest.mark.parametrize("flags", WRONG_BEFORE_READING)
def test_push_options_are_checked_before_reading(flags, command, at):
    at()
    done = command("push", "not-there.csv", "--id-col", "id", *shlex.split(flags))
    assert (done.status, "not-there.csv" in done.err) == (2, False)
    assert flags.split()[0] in done.err


@pytest.mark.parametrize("name", ["validate", "suggest", "schema"])
def test_other_commands_check_before_reading(name, command):
    done = command(name, "not-there.csv", "--id-col", "id", "--region", "XX")
    assert (done.status, "not-there.csv" in done.err) == (2, False)


@pytest.mark.parametrize("flags", ["--chunk-size 0", "--attribute email", "--left 1", "--region XX"])
def test_segment_options_are_checked_first(flags, command, at):
    at()
    needed = ["--attribute", "Is VIP", "--members", "m.csv"]
    done = command("segment", "not-there.csv", "--id-col", "id", *needed, *shlex.split(flags))
    assert (done.status, "not-there.csv" in done.err) == (2, False)
    assert flags.split()[0] in done.err


class Unread(pd.DataFrame):
    """A frame whose columns must not be read."""

    def __getattribute__(self, name):
        if name in ("columns", "iloc", "copy", "items"):
            raise AssertionError(name)
        return super().__getattribute__(name)


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        (growlytics_pandas.push, {"chunk_size": 0}),
        (growlytics_pandas.push, {"errors": "ignore"}),
        (growlytics_pandas.push, {"region": "XX"}),
        (growlytics_pandas.plan, {"date_format": {"Joined": "%Q"}}),
        (growlytics_pandas.validate, {"timezone": "Mars"}),
        (growlytics_pandas.suggest, {"decimal": ";"}),
        (growlytics_pandas.preview, {"n": -1}),
        (growlytics_pandas.push_batches, {"max_rate": -1}),
        (growlytics_pandas.push_segment, {"max_rate": -1, "attribute": "VIP", "members": "m.csv"}),
    ],
)
def test_arguments_are_checked_before_the_frame(verb, options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GrowlyticsError):
        verb(Unread({"id": ["a"]}), "id", **options)


def test_style_of_messages_is_that_of_one_thread():
    """A form names its controls while its push, in another thread, names arguments."""
    with ThreadPoolExecutor(1) as thread, message_style(COMMAND_LINE):
        assert thread.submit(argument, "id_col").result() == "id_col"
        assert argument("id_col") == "--id-col"
    assert argument("id_col") == "id_col"
