"""Random answers: what is accepted is stored, what is stored is accepted or unknown, and every run ends.

``GROWLYTICS_FUZZ_SCRIPTS=20000`` plays more than the suite does, ``GROWLYTICS_FUZZ_SEED`` others.
"""

import os

import pytest
from support.fuzzed_wire import play

pytestmark = pytest.mark.slow

SCRIPTS = int(os.environ.get("GROWLYTICS_FUZZ_SCRIPTS", "1200"))
FIRST_SEED = int(os.environ.get("GROWLYTICS_FUZZ_SEED", "1"))


def test_outcomes_are_true_for_any_response(transport):
    played, found, seed = 0, [], FIRST_SEED
    while played < SCRIPTS:
        count, wrong, _ = play(transport, seed)
        played, seed, found = played + count, seed + 1, found + wrong
    assert found == []
