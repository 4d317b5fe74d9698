"""After any operations, a project gives the same answers as a plain dict."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from support.ledger_rows import bodies

from growlytics_pandas.ledger import Ledger
from growlytics_pandas.ledger import digests as log

WHEN = datetime(2024, 1, 1, tzinfo=UTC)
IDS = [f"user-{n}" for n in range(4)]
BODIES = ["A", "B", "C"]
NAMES = ["email", *(f"a{n}" for n in range(70))]
TYPES = ["string", "number"]

customers = st.lists(st.sampled_from(IDS), min_size=1, unique=True)


class LedgerMachine(RuleBasedStateMachine):
    @initialize()
    def start(self):
        self.directory = tempfile.TemporaryDirectory()
        self.path = Path(self.directory.name) / "ledger.sqlite3"
        self.accepted: dict[str, str] = {}  # as the file has it
        self.buffered: dict[str, str] = {}  # and what a crash may still lose
        self.sent: dict[str, set[str]] = {id_: set() for id_ in IDS}
        self.types: dict[str, tuple[str, str]] = {}
        self.open()

    def open(self):
        self.ledger = Ledger(self.path)
        self.project = self.ledger.project("https://api.example", "key")

    def digest(self, project, ids, body):
        return project.digest(ids, bodies([f"{id_} {body}".encode() for id_ in ids]))

    def settle(self):
        self.accepted |= self.buffered
        self.buffered = {}

    def withdraw(self, project, ids, body, names, present):
        self.settle()  # a withdrawal commits what is buffered first
        project.withdraw(self.digest(project, ids, body), names, present)
        for row, id_ in enumerate(ids):
            self.sent[id_] |= {name for at, name in enumerate(names) if present[row, at] and name != "email"}
            if self.accepted.get(id_) != body:
                self.accepted.pop(id_, None)

    @rule(
        ids=customers,
        body=st.sampled_from(BODIES),
        names=st.lists(st.sampled_from(NAMES), unique=True, max_size=4),
        data=st.data(),
    )
    def send(self, ids, body, names, data):
        present = np.array(
            data.draw(
                st.lists(
                    st.lists(st.booleans(), min_size=len(names), max_size=len(names)),
                    min_size=len(ids),
                    max_size=len(ids),
                )
            ),
            dtype=bool,
        ).reshape(len(ids), len(names))
        self.withdraw(self.project, ids, body, names, present)
        answered = data.draw(st.lists(st.booleans(), min_size=len(ids), max_size=len(ids)))
        self.project.accept(self.digest(self.project, ids, body).take(np.array(answered)))
        self.buffered |= {id_: body for id_, answer in zip(ids, answered, strict=True) if answer}

    @rule(ids=customers, body=st.sampled_from(BODIES))
    def another_process_sends(self, ids, body):
        self.project.flush()
        with Ledger(self.path) as other:
            project = other.project("https://api.example", "key")
            self.withdraw(project, ids, body, [], np.zeros((len(ids), 0), bool))
            project.accept(self.digest(project, ids, body))
        self.accepted |= dict.fromkeys(ids, body)

    @rule()
    def crash(self):
        self.ledger._file.close()  # nothing is flushed
        self.buffered = {}
        self.open()

    @rule()
    def close_and_open(self):
        self.ledger.close()
        self.settle()
        self.open()

    @rule(ids=st.none() | customers, attributes=st.booleans())
    def forget(self, ids, attributes):
        self.settle()
        chosen = IDS if ids is None else ids
        expected = sum(id_ in self.accepted or (attributes and bool(self.sent[id_])) for id_ in chosen)
        assert self.project.forget(ids, attributes=attributes) == expected
        for id_ in chosen:
            self.accepted.pop(id_, None)
            if attributes:
                self.sent[id_] = set()

    @rule(types=st.dictionaries(st.sampled_from(NAMES[1:4]), st.sampled_from(TYPES), max_size=2), certain=st.booleans())
    def register(self, types, certain):
        registration = self.project.register(types, WHEN, certain=certain)
        before = dict(self.types)
        for name, type_ in types.items():
            known, source = before.get(name, (type_, ""))
            if known == type_ and source != "accepted":
                self.types[name] = (type_, "accepted" if certain else "uncertain")
        assert registration.new.keys() == {name for name in types if self.types.get(name) != before.get(name)}
        assert registration.conflicts.keys() == {
            name for name in types if before.get(name, (types[name],))[0] != types[name]
        }

    @rule()
    def compare_body_digests(self):
        self.settle()
        for body in BODIES:
            are_unchanged = self.project.unchanged(self.digest(self.project, IDS, body)).tolist()
            assert are_unchanged == [self.accepted.get(id_) == body for id_ in IDS]

    @rule()
    def compare_attributes(self):
        self.settle()
        held = self.project.has_attributes(self.project.keys(IDS), NAMES).tolist()
        assert held == [[name in self.sent[id_] for name in NAMES] for id_ in IDS]

    @invariant()
    def types_agree(self):
        if hasattr(self, "project"):
            assert {name: (fact.type, fact.source) for name, fact in self.project.known_types().items()} == self.types

    def teardown(self):
        if hasattr(self, "ledger"):
            self.ledger.close()
            self.directory.cleanup()


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(log, "MAX_SEGMENTS", 4)


@pytest.mark.slow
class TestLedgerModel(LedgerMachine.TestCase):
    settings = settings(max_examples=35, stateful_step_count=25, deadline=None)
