"""End to end, for any frame: what arrives is what the plan shows, and what the plan rejects would not have arrived."""

# ruff: noqa: DTZ001 - naive dates are the subject

import datetime as dt
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

import growlytics_pandas
from growlytics_pandas import Client, Sandbox, contract

pytestmark = pytest.mark.slow
PINNED = {f"Registration {kind}": kind for kind in contract.TYPES}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["\x1e", "\\u001e", '"', "%s", "\\"]
)
INT64 = st.integers(-(2**63), 2**63 - 1)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
DATES = st.datetimes(min_value=dt.datetime(1, 1, 3), max_value=dt.datetime(9999, 12, 29))
AWARE = DATES.map(lambda date: date.replace(tzinfo=dt.UTC))


@pytest.fixture(scope="module")
def box():
    with Sandbox() as running:
        yield running


def exactly(value):
    """A value with its digits and its kind: 1, 1.0 and True are three values."""
    if isinstance(value, bool):
        return "boolean", value
    if isinstance(value, str):
        return "text", value
    return ("integer" if isinstance(value, int) else "number"), Decimal(str(value))


def seconds(date):
    return date.replace(tzinfo=None, microsecond=0).isoformat(" ")


# what a column may hold: dtypes, cells, and what each cell is stored as ----------------------------------------------


def as_sent(number):
    """Return a float as it is sent: a whole one as an integer, unless it needs an exponent."""
    return int(number) if abs(number) < 1e16 and number == int(number) else number


KINDS = {
    "text": (["str", "string", "string[pyarrow]", "string[python]", "category", object], TEXT, str),
    "whole": (["Int64", "int64[pyarrow]", "category", object], INT64, int),
    "small": (["Int8", "int8[pyarrow]", "UInt8", "uint16[pyarrow]"], st.integers(0, 127), int),
    "endless": ([object], st.integers(-(2**90), 2**90), int),
    "float": (["float64", "Float64", "double[pyarrow]", "Sparse[float64]", "category", object], FINITE, as_sent),
    "single": (
        ["float32", "Float32", "float[pyarrow]", "Sparse[float32]"],
        st.floats(width=32, allow_nan=False, allow_infinity=False),
        lambda value: as_sent(Decimal(str(np.float32(value)))),  # its own shortest digits
    ),
    "decimal": ([object, "category"], st.decimals(-(10**9), 10**9, places=2), Decimal),
    "boolean": (["boolean", "bool[pyarrow]", "category", object], st.booleans(), bool),
    "date": (["datetime64[us]", "timestamp[us][pyarrow]", "category", object], DATES, seconds),
    "aware": (["datetime64[us, Asia/Tokyo]", object], AWARE, seconds),
    "whole day": ([object, "date32[pyarrow]"], st.dates(), lambda day: f"{day.isoformat()} 00:00:00"),
}
BROKEN = {
    "infinite": ([object, "float64"], st.sampled_from([float("inf"), float("-inf")])),
    "far future": (["datetime64[s]"], st.just(np.datetime64("12026-01-31", "s"))),
    "span": (["timedelta64[s]"], st.just(dt.timedelta(seconds=5))),
    "half a character": ([object], st.just("\ud83c")),
}


@st.composite
def columns(draw, rows):
    """Draw a column and, cell by cell, what is to be stored (None: nothing)."""
    if draw(st.integers(0, 5)) == 0:
        dtypes, cell = BROKEN[draw(st.sampled_from(sorted(BROKEN)))]
        stored = None
    else:
        dtypes, cell, stored = KINDS[draw(st.sampled_from(sorted(KINDS)))]
    gap = draw(st.sampled_from([st.nothing(), st.none()]))
    cells = draw(st.lists(gap | cell, min_size=rows, max_size=rows))
    expected = [None if value is None or stored is None else stored(value) for value in cells]
    return series(cells, draw(st.sampled_from(dtypes))), expected


def series(cells, dtype):
    if dtype == "date32[pyarrow]":
        import pyarrow as pa  # noqa: PLC0415 - its only use here

        return pd.Series(pd.array(cells, dtype=pd.ArrowDtype(pa.date32())))
    if dtype == "category":
        return pd.Series(pd.Categorical(pd.Series(cells, dtype=object)))
    return pd.Series(cells, dtype=dtype)


@st.composite
def customers(draw):
    """Draw a frame and what the service is to hold after it: id → attribute → value."""
    rows = draw(st.integers(1, 8))
    prefix = draw(TEXT.map(str.strip))
    ids = [None if draw(st.integers(0, 9)) == 0 else f"{prefix}.{row}" for row in range(rows)]
    frame, stored = {"key": pd.Series(ids, dtype=object)}, {each: {} for each in ids if each}
    for position in range(draw(st.integers(0, 6))):
        column, expected = draw(columns(rows))
        label = f"{draw(TEXT)}{position}"
        frame[label] = column
        for each, value in zip(ids, expected, strict=True):
            if each and value is not None:
                stored[each][label] = exactly(value)
    return pd.DataFrame(frame), stored


@settings(max_examples=80, deadline=None)
@given(drawn=customers(), chunk_size=st.integers(1, 9))
def test_stored_values_match_the_frame(box, drawn, chunk_size):
    frame, expected = drawn
    box.reset()
    plan = growlytics_pandas.plan(frame, "key", client=box.client)
    result = plan.push(errors="drop", chunk_size=chunk_size, progress=False)

    found = {each: {name: exactly(value) for name, value in held.items()} for each, held in box.stored().items()}
    assert found == expected
    assert box.ignored().empty
    assert result.counts["accepted"] == len(expected)
    assert result.counts["invalid"] == len(frame) - len(expected)
    assert sum(result.counts.values()) == len(frame)
    promised = {
        body["id"]: {each["name"]: exactly(each["value"]) for each in body["attributes"]}
        for body in (json.loads(text, parse_float=Decimal) for text in plan._part.encode(0, len(frame)).bodies)
    }
    assert found == promised


# the refusals are right: a naive sender loses exactly what the violations name ---------------------------------------

PLAIN = {
    "text": TEXT,
    "number": st.integers(-99, 99) | st.floats(-9, 9),
    "boolean": st.booleans(),
    "date": DATES,
}
WORD = st.text("abc", max_size=3)
HOSTILE = {
    "mixed": st.integers(-9, 9) | WORD | st.booleans(),
    "numbers and booleans": st.integers(0, 1) | st.booleans(),
    "dates and numbers": DATES | st.integers(-9, 9),
    "text and lists": WORD | st.lists(st.integers(0, 9), max_size=2),
    "lists": st.lists(st.integers(0, 9), max_size=2),
    "dicts": st.dictionaries(WORD, st.integers(0, 9), max_size=2),
    "dates beyond": DATES.map(np.datetime64) | st.just(np.datetime64("12026-01-31", "s")),
}
LABELS = st.sampled_from(["n" * 49, "n" * 50, "é" * 50, "🎉" * 24, "🎉" * 25, *PINNED])


@st.composite
def hostile_frames(draw):
    """Draw a frame with all that the service ignores: bad values, bad names, registration types, one name twice."""
    rows = draw(st.integers(1, 5))
    frame = [("id", pd.Series([f"c{row}" for row in range(rows)]))]
    taken = {"id"}
    for position in range(draw(st.integers(1, 5))):
        cell = draw(st.sampled_from([*PLAIN.values(), *HOSTILE.values()]))
        label = draw(LABELS | st.just(f"x{position}"))
        if label in taken:
            label = f"x{position}"
        taken.add(label)
        frame.append((label, objects(draw(st.lists(st.none() | cell, min_size=rows, max_size=rows)))))
    if draw(st.booleans()):
        kinds = draw(st.lists(st.sampled_from(sorted(PLAIN)), min_size=2, max_size=3))
        frame += [("twice", objects(draw(st.lists(PLAIN[kind], min_size=rows, max_size=rows)))) for kind in kinds]
    return pd.concat([column.rename(label) for label, column in frame], axis=1)


def objects(cells):
    array = np.empty(len(cells), dtype=object)
    for position, cell in enumerate(cells):
        array[position] = cell
    return pd.Series(array, dtype=object)


class NaiveSender:
    """Sends what the schema says and drops nothing, as a loop over `json.dumps` would."""

    def __init__(self, box):
        self.session = requests.Session()
        self.session.trust_env = False
        self.box = box

    def register(self):
        """Register the ledger's types with the service."""
        samples = {"string": "a", "number": 1, "boolean": True, "date": "2026-01-31 00:00:00"}
        entries = [{"name": name, "type": kind, "value": samples[kind]} for name, kind in PINNED.items()]
        self.post(json.dumps({"id": "pins", "attributes": entries}))

    def send(self, plan):
        schema = plan.schema
        for row in range(len(plan.frame)):
            entries = []
            for position, (name, kind, dtype) in enumerate(
                zip(schema["attribute"], schema["type"], schema["dtype"], strict=True), start=1
            ):
                value = plan.frame.iloc[row, position]
                if value is not None and value is not pd.NaT:
                    entries.append({"name": name, "type": dtype if kind is pd.NA else kind, "value": self.plain(value)})
            self.post(json.dumps({"id": f"c{row}", "attributes": entries}))

    def plain(self, value):
        if isinstance(value, dt.datetime):
            return seconds(value)
        return str(value.astype("M8[s]")).replace("T", " ") if isinstance(value, np.datetime64) else value

    def post(self, body):
        headers = {contract.KEY_HEADER: self.box.api_key}
        url = self.box.base_url + contract.CUSTOMER_PATH
        reply = self.session.post(url, data=body, headers=headers, timeout=10)
        assert reply.json() == {"success": True}

    def lost(self):
        ignored = self.box.ignored()
        return set(zip(ignored["id"], ignored["attribute"], strict=True))


@pytest.fixture(scope="module")
def naive(box):
    sender = NaiveSender(box)
    yield sender
    sender.session.close()


@pytest.fixture(scope="module")
def knowing(box, tmp_path_factory):
    """A client whose ledger knows the registration types."""
    client = Client(box.api_key, box.base_url, ledger=tmp_path_factory.mktemp("ledger") / "ledger.db")
    client.declare_types(PINNED)
    return client


def named(plan):
    """The (id, attribute) pairs that violations of severity error say would not arrive."""
    pairs = set()
    for each in plan._findings.violations:
        if each.level != "error":
            continue
        column = plan.frame.iloc[:, each.position]
        rows = each.lost if each.rows is None else each.rows
        rows = column.notna().to_numpy().nonzero()[0] if rows is None else rows
        pairs |= {(f"c{row}", each.attribute) for row in rows.tolist()}
    return pairs


def check(frame, box, naive, client):
    plan = growlytics_pandas.plan(frame, "id", client=client)
    box.reset()
    naive.register()
    naive.send(plan)
    lost = naive.lost()
    assert lost == named(plan)
    assert plan.has_errors == bool(lost)
    box.reset()
    naive.register()
    for body in plan._part.encode(0, len(frame)).bodies:
        naive.post(body)
    assert naive.lost() == set()
    return lost


@settings(max_examples=80, deadline=None)
@given(frame=hostile_frames())
def test_errors_match_what_a_naive_push_loses(box, naive, knowing, frame):
    """A naive sender loses exactly what the errors report; a push loses nothing."""
    check(frame, box, naive, knowing)


def test_attributes_beyond_100_are_ignored(box, naive, knowing):
    wide = pd.DataFrame({f"n{i:03}": [i, i, i, i] for i in range(104)}, dtype=object)
    wide.iloc[1, [3, 99]] = None
    wide.iloc[2, :7] = None
    wide.iloc[3, 50] = [[1]]
    wide.insert(0, "id", [f"c{row}" for row in range(4)])
    wide.insert(9, "email", ["a@example.com"] * 4)
    lost = check(wide, box, naive, knowing)
    assert {name for each, name in lost if each == "c0"} == {"n100", "n101", "n102", "n103"}
    assert {name for each, name in lost if each == "c1"} == {"n102", "n103"}
    assert {name for each, name in lost if each == "c2"} == set()
    assert {name for each, name in lost if each == "c3"} == {"n050", "n101", "n102", "n103"}
