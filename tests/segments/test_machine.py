"""After any joins, leaves, failures, crashes and concurrent runs, a clean run matches the service and sends no stayers."""

import tempfile
import time
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from support.wrapped_client import WrappedClient

import growlytics_pandas as gp
from growlytics_pandas import Sandbox
from growlytics_pandas.errors import GrowlyticsError, PushInterrupted, UsageError
from growlytics_pandas.sandbox import Faults
from growlytics_pandas.segments.members import locked, read_members

IDS = ["c0", "c1", "c2", "c3"]
segments = st.sets(st.sampled_from(IDS))
RUN_ENDS = ["finished", "finished", "dies", "dies", "interrupt", "interrupt twice"]


class Death(BaseException):
    """The process is killed here."""


class EndingTransport:
    """The real transport for a number of responses; then the run ends as given, and further responses are lost."""

    name = "ending"

    def __init__(self, inner, how, answers, at_death, stop):
        self.inner, self.how, self.answers = inner, how, answers
        self.at_death, self.stop = at_death, stop
        self.sent = []
        self.close = inner.close

    def submit(self, token, body):
        self.inner.submit(token, body)

    def poll(self, timeout):
        replies = self.inner.poll(timeout)
        self.answers -= len(replies)
        if self.how == "finished" or self.answers > 0 or not replies:
            return replies
        if self.how == "dies":
            self.at_death()
            raise Death
        how, self.how = self.how, "finished"
        self.stop()
        if how == "interrupt":
            return replies
        self.stop()
        return []


class EndingClient(WrappedClient):
    how, answers = "finished", 0

    def wrap(self, inner):
        return EndingTransport(inner, self.how, self.answers, self.at_death, self.stop)


class SegmentMachine(RuleBasedStateMachine):
    @initialize(seed=st.integers(0, 1000))
    def start(self, seed):
        self.directory = tempfile.TemporaryDirectory()
        self.members = Path(self.directory.name) / "vip.csv"
        self.box = Sandbox(faults=Faults(seed=seed, success_false=0.1, reset_after=0.05)).start()
        self.ever = set()
        self.client = EndingClient(self.box.api_key, self.box.base_url, ledger=None)
        self.client.at_death = self.freeze
        self.client.stop = self.stop
        self.event = None
        self.frozen = None

    def freeze(self):
        """Copy the file at this moment, as a killed process would leave it."""
        self.frozen = self.members.read_bytes() if self.members.exists() else None

    def stop(self):
        self.event.stop()

    def watch(self, event):
        self.event = event

    def let_requests_arrive(self):
        """Wait for requests on a cut connection, whose order relative to the next run's requests is undefined."""
        before = -1
        while before != self.box.requests:
            before = self.box.requests
            time.sleep(0.02)

    def push(self, ids, **options):
        self.ever |= ids
        options = {
            "members": self.members,
            "client": self.client,
            "allow_empty": True,
            "progress": self.watch,
        } | options
        return gp.push_segment(pd.DataFrame({"id": sorted(ids)}, dtype=object), "id", "Is VIP", **options)

    @rule(ids=segments, how=st.sampled_from(RUN_ENDS), answers=st.integers(0, 3), resend=st.booleans())
    def push_and_end(self, ids, how, answers, resend):
        self.client.how, self.client.answers = how, answers
        try:
            self.result = self.push(ids, resend=resend)
        except PushInterrupted as interrupted:
            self.result = interrupted.result
            self.let_requests_arrive()
        except Death:
            self.let_requests_arrive()
            if self.frozen is None:
                self.members.unlink(missing_ok=True)
            else:
                self.members.write_bytes(self.frozen)
            return
        except GrowlyticsError as error:
            self.result = error.result
        assert sum(self.result.counts.values()) == len(self.result.outcomes)
        self.client.how = "finished"

    @rule(ids=segments)
    def push_while_another_run_is_working(self, ids):
        before = self.members.read_bytes() if self.members.exists() else None
        requests = self.box.requests
        with locked(self.members), pytest.raises(UsageError):
            self.push(ids)
        assert self.box.requests == requests
        assert before == (self.members.read_bytes() if self.members.exists() else None)

    @rule(ids=segments)
    def dry_run(self, ids):
        before = self.members.read_bytes() if self.members.exists() else None
        self.push(ids, dry_run=True)
        assert before == (self.members.read_bytes() if self.members.exists() else None)

    @rule(ids=segments, retried=st.booleans())
    def push_until_clean(self, ids, retried):
        self.client.how = "finished"
        known = read_members(self.members) or {}
        stayers = {id_ for id_ in ids if known.get(id_)}
        result = self.push(ids)
        sent = set(result.outcomes.loc[result.outcomes["attempts"] > 0, "id"])
        assert not sent & stayers, "who stayed was sent"
        assert sent <= ids | set(known)
        for _ in range(50):
            if result.ok:
                break
            result = result.retry() if retried else self.push(ids)
        assert set(read_members(self.members)) == ids
        assert all(read_members(self.members).values())
        stored = self.box.stored()
        flags = {id_: stored.get(id_, {}).get("Is VIP", False) for id_ in self.ever}
        assert flags == {id_: id_ in ids for id_ in self.ever}

    def teardown(self):
        if hasattr(self, "box"):
            self.box.stop()
            self.directory.cleanup()


@pytest.mark.slow
def test_service_matches_segment_after_clean_run():
    run = settings(
        max_examples=10,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    run_state_machine_as_test(SegmentMachine, settings=run)
