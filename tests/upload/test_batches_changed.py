"""A source that returns different rows later is rejected before anything of that part is sent."""

import itertools

import pandas as pd
import pytest

import growlytics_pandas as gp

FIRST = [pd.DataFrame({"id": ["a", "b"], "n": [1, 2]}), pd.DataFrame({"id": ["c", "d"], "n": [3, 4]})]
LATER = {
    "another order": [FIRST[0], FIRST[1].iloc[::-1]],
    "another id": [FIRST[0], FIRST[1].assign(id=["c", "x"])],
    "an id that is missing": [FIRST[0], FIRST[1].assign(id=["c", None])],
    "parts in another order": [FIRST[0], FIRST[0]],
    "a column that is missing": [FIRST[0], FIRST[1][["id"]]],
    "a column more": [FIRST[0], FIRST[1].assign(m=1)],
    "columns in another order": [FIRST[0], FIRST[1][["n", "id"]]],
    "fewer rows": [FIRST[0], FIRST[1].iloc[:1]],
    "more rows": [FIRST[0], pd.concat([FIRST[1], FIRST[0]])],
    "fewer parts": [FIRST[0]],
}


class Source:
    """Returns the original frames `passes` times, then others."""

    def __init__(self, later, passes):
        self._frames = itertools.chain(itertools.repeat(FIRST, passes), itertools.repeat(later))

    def __call__(self):
        return iter(next(self._frames))


@pytest.mark.parametrize("case", LATER)
@pytest.mark.parametrize("passes", [1, 2])
def test_changed_part_is_not_sent(sandbox, case, passes):
    with pytest.raises(gp.errors.DataError, match=r"part 1|before part 1") as refused:
        gp.push_batches(Source(LATER[case], passes), "id", client=sandbox.client, progress=False)
    assert set(sandbox.stored()) <= {"a", "b"}
    assert "'c'" not in str(refused.value)


def test_result_has_the_parts_sent_before(sandbox):
    with pytest.raises(gp.errors.DataError):
        gp.push_batches(Source(LATER["another order"], 2), "id", client=sandbox.client, progress=False)
    assert set(sandbox.stored()) == {"a", "b"}
    assert gp.last_result().counts == {**gp.last_result().counts, "accepted": 2, "unsent": 2}


def test_added_parts_are_unsent(sandbox):
    later = [*FIRST, pd.DataFrame({"id": ["e"], "n": [5]})]
    with pytest.raises(gp.errors.DataError, match="more than the 2 parts"):
        gp.push_batches(Source(later, 2), "id", client=sandbox.client, progress=False)
    assert "e" not in sandbox.stored()


def test_ids_changed_in_the_second_pass_only(sandbox):
    """The source differs in its second pass; the third is as the first."""
    first = [pd.DataFrame({"id": ["a", "b"], "n": [1, 2]}), pd.DataFrame({"id": ["a", "c"], "n": [3, 4]})]
    turned = [first[0].iloc[::-1], first[1].iloc[::-1]]
    passes = itertools.chain([first, turned], itertools.repeat(first))
    with pytest.raises(gp.errors.DataError, match="part 0: its ids"):
        gp.push_batches(lambda: next(passes), "id", keep="first", client=sandbox.client, progress=False)
    assert sandbox.requests == 0


def test_later_push_of_a_changed_source(sandbox):
    plan = gp.plan_batches(Source([frame.iloc[::-1] for frame in FIRST], 1), "id")
    with pytest.raises(gp.errors.DataError, match="part 0"):
        plan.push(client=sandbox.client, progress=False)
    assert sandbox.requests == 0


def test_the_same_rows_each_time_are_sent(sandbox):
    assert gp.push_batches(Source(FIRST, 1), "id", client=sandbox.client, progress=False).counts["accepted"] == 4
