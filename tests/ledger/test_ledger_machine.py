"""Whatever is pushed, in any order, and however it ends: a changed row is never skipped."""

import signal
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from support.wrapped_client import WrappedClient

import growlytics_pandas as gp
from growlytics_pandas import Sandbox
from growlytics_pandas.errors import PushInterrupted
from growlytics_pandas.sandbox import Faults

# Few of everything, so that old values come back: that is when a wrong memory leaves out what it must send.
IDS = ["c0", "c1"]
VALUES = {"City": ["Pune", "Delhi"], "Score": [1, None]}
COLUMNS = [["City"], ["City"], ["City", "Score"], ["Score"]]
RUN_ENDS = ["finished", "finished", "crash", "crash", "interrupt", "interrupt twice"]

rows = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()})
ids = st.lists(st.sampled_from(IDS), min_size=1, unique=True)
answers = st.integers(0, 2)


class Crash(BaseException):
    """The process "dies" here."""


class Ending:
    """The real transport, until so many answers have come; then the push ends as asked, and further answers are lost."""

    name = "ending"

    def __init__(self, inner, how, answers):
        self.inner, self.how, self.answers = inner, how, answers
        self.submit, self.close = inner.submit, inner.close

    def poll(self, timeout):
        replies = self.inner.poll(timeout)
        self.answers -= len(replies)
        if self.how == "finished" or self.answers > 0 or not replies:
            return replies
        if self.how == "crash":
            raise Crash
        how, self.how = self.how, "finished"
        signal.raise_signal(signal.SIGINT)
        if how == "interrupt":
            return replies
        signal.raise_signal(signal.SIGINT)
        return []


class EndingClient(WrappedClient):
    how, answers = "finished", 0

    def wrap(self, inner):
        return Ending(inner, self.how, self.answers)


def holds(stored, row):
    """Whether a customer has every value that the row would send."""
    return all(stored.get(name) == value for name, value in row.items() if not pd.isna(value))


class PushMachine(RuleBasedStateMachine):
    @initialize(seed=st.integers(0, 1000))
    def start(self, seed):
        self.directory = tempfile.TemporaryDirectory()
        self.box = Sandbox(faults=Faults(seed=seed, success_false=0.08, reset_after=0.02)).start()
        self.frame = pd.DataFrame(
            {name: pd.Series([values[0]] * len(IDS), dtype=object) for name, values in VALUES.items()}
        )
        self.frame.index = pd.Index(IDS, name="id")
        self.result = None
        self.open()

    def open(self):
        path = Path(self.directory.name) / "ledger.sqlite3"
        self.client = EndingClient(self.box.api_key, self.box.base_url, ledger=path)

    @rule(
        chosen=ids,
        row=rows,
        columns=st.sampled_from(COLUMNS),
        skip=st.sampled_from([True, True, False]),
        chunk_size=st.sampled_from([1, 2, 1000]),
        how=st.sampled_from(RUN_ENDS),
        answers=answers,
    )
    def edit_and_push(self, chosen, row, columns, skip, chunk_size, how, answers):
        self.push_edited(chosen, row, columns, how, answers, skip_unchanged=skip, chunk_size=chunk_size)

    @rule(how=st.sampled_from(RUN_ENDS), answers=answers)
    def retry(self, how, answers):
        if self.result is None:  # no precondition: it depends on timing, and the rules to draw from must not
            return
        self.client.how, self.client.answers = how, answers
        retried = self.result.plan.frame.iloc[self.result.failed["row"].to_numpy()]
        self.run_to_end(self.result.plan.frame, self.result.retry, sent=set(retried["id"]))

    @rule()
    def another_process_goes_on(self):
        self.client.ledger.close()
        self.open()
        self.result = None

    @rule(chosen=ids, city=st.sampled_from(VALUES["City"]), how=st.sampled_from(RUN_ENDS), answers=answers)
    def edit_one_column(self, chosen, city, how, answers):
        self.push_edited(chosen, {"City": city}, ["City"], how, answers, skip_unchanged=True)

    @rule(chosen=ids)
    def forget(self, chosen):
        self.client.forget(chosen)

    @rule()
    def push_the_whole_frame_until_it_has_arrived(self):
        df = self.frame.reset_index()
        self.client.how = "finished"
        for _ in range(20):
            if self.run_to_end(df, lambda: gp.push(df, "id", client=self.client, skip_unchanged=True, progress=False)):
                break
        stored = self.box.stored()
        for row in df.to_dict("records"):
            assert holds(stored[row.pop("id")], row)

    def push_edited(self, chosen, row, columns, how, answers, **options):
        for name, value in row.items():
            self.frame.loc[chosen, name] = value
        df = self.frame.loc[chosen, columns].reset_index()
        self.client.how, self.client.answers = how, answers
        self.run_to_end(df, lambda: gp.push(df, "id", client=self.client, progress=False, **options))

    def run_to_end(self, df, push, sent=None):
        """Push; check what was left out against the store before, and what has arrived against the store after."""
        before = self.box.stored()
        result = None
        try:
            result = push()
        except PushInterrupted as interrupted:
            result = interrupted.result
        except Crash:
            self.result = None
            return False
        after = self.box.stored()
        for row, status in zip(df.to_dict("records"), result.outcomes["status"], strict=True):
            id_ = row.pop("id")
            if sent is not None and id_ not in sent:
                continue  # it arrived in the push before, and another may have changed it since
            if status == "unchanged":
                assert holds(before[id_], row), "a row that differs was left out"
            if status in ("accepted", "unchanged"):
                assert holds(after.get(id_, {}), row)
        assert self.box.ignored().empty
        self.result = result
        return result.ok

    def teardown(self):
        if hasattr(self, "box"):
            self.client.ledger.close()
            self.box.stop()
            self.directory.cleanup()


@pytest.mark.slow
def test_push_sequences_never_skip_a_change():
    run = settings(
        max_examples=12,
        stateful_step_count=50,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    run_state_machine_as_test(PushMachine, settings=run)
