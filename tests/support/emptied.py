"""One sandbox for many tests, emptied before each: for tests that leave no request in flight."""

import pytest

from growlytics_pandas import Sandbox

__all__ = ["running", "sandbox"]


@pytest.fixture(scope="module")
def running():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running):
    running.reset()
    return running
