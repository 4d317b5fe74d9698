"""The buffer: one status per row, so that counts always sum to the rows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from growlytics_pandas._status import MEANINGS, RETRYABLE, Status
from growlytics_pandas.upload.outcomes import MAX_ATTEMPTS_KEPT, OutcomeBuffer


def test_new_buffer_is_unsent():
    assert OutcomeBuffer(3).counts() == {**dict.fromkeys(map(str, Status), 0), "unsent": 3}
    assert sum(OutcomeBuffer(0).counts().values()) == 0
    assert OutcomeBuffer(0).rows_with(Status).tolist() == []


def test_status_meanings_and_retryable():
    assert set(MEANINGS) == set(Status)
    assert not {Status.ACCEPTED, Status.UNCHANGED, Status.INVALID} & set(RETRYABLE)


@given(st.lists(st.tuples(st.integers(0, 19), st.sampled_from(list(Status))), max_size=60))
def test_counts_sum_to_the_rows(notes):
    buffer, last = OutcomeBuffer(20), {}
    for row, status in notes:
        buffer.record(row, status)
        last[row] = status
    assert sum(buffer.counts().values()) == 20
    for status in Status:
        expected = [row for row in range(20) if last.get(row, Status.UNSENT) is status]
        assert buffer.rows_with([status]).tolist() == expected


def test_message_is_kept_until_accepted():
    buffer = OutcomeBuffer(2)
    buffer.record(0, Status.FAILED, "HTTP 400", 400)
    assert (buffer.errors, buffer.http_status[0]) == ({0: "HTTP 400"}, 400)
    buffer.record(0, Status.ACCEPTED, http_status=200)
    assert (buffer.errors, buffer.http_status[0]) == ({}, 200)


def test_many_rows_are_recorded_at_once():
    buffer = OutcomeBuffer(5)
    buffer.record_all(np.array([1, 3]), Status.INVALID, "not sent")
    buffer.record_all(np.array([], dtype="int64"), Status.FAILED, "nothing")
    assert buffer.counts()["invalid"] == 2
    assert buffer.errors == {1: "not sent", 3: "not sent"}


def test_attempts_never_overflow():
    buffer = OutcomeBuffer(1)
    assert [buffer.count_attempt(0) for _ in range(300)][-1] == MAX_ATTEMPTS_KEPT
    assert buffer.attempts[0] == MAX_ATTEMPTS_KEPT


def test_copy_is_independent():
    buffer = OutcomeBuffer(1)
    copy = buffer.copy()
    copy.record(0, Status.FAILED, "HTTP 400", 400)
    copy.count_attempt(0)
    assert (buffer.counts()["unsent"], buffer.errors, buffer.http_status[0], buffer.attempts[0]) == (1, {}, 0, 0)
