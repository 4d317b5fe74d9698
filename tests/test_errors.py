"""Exceptions: their hierarchy, details as attributes, and pickling."""

import inspect
import os
import pickle
import subprocess
import sys

import pandas as pd
import pytest

import growlytics_pandas as gp
from growlytics_pandas import errors
from growlytics_pandas.errors import (
    ConstraintViolationError,
    CustomerRejectedError,
    GrowlyticsError,
    PushInterrupted,
    ServiceError,
    TooManyFailuresError,
)

EVERY = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, BaseException)]


def test_docstring_shows_the_class_tree():
    drawn = {word for word in errors.__doc__.replace("(", " ").split() if word.endswith(("Error", "Interrupted"))}
    ours = {cls.__name__ for cls in EVERY}
    assert ours <= drawn
    assert all(issubclass(cls, GrowlyticsError) for cls in EVERY if cls is not PushInterrupted)


@pytest.mark.parametrize(
    ("cls", "base"),
    [
        ("InvalidArgumentError", ValueError),
        ("InvalidArgumentTypeError", TypeError),
        ("ApiKeyError", ValueError),
        ("MissingDependencyError", ImportError),
        ("ConstraintViolationError", ValueError),
    ],
)
def test_errors_have_builtin_bases(cls, base):
    assert issubclass(getattr(errors, cls), base)


@pytest.mark.parametrize("cls", [cls for cls in EVERY if cls is not PushInterrupted])
def test_errors_pickle(cls):
    frame = pd.DataFrame({"rule": ["id_missing"]})
    facts = {
        "status": 503,
        "attempts": 5,
        "server_message": "busy",
        "retryable": True,
        "path": "x",
        "violations": frame,
    }
    error = pickle.loads(pickle.dumps(cls("row 3 - what - limit - remedy", **facts)))
    assert type(error) is cls
    assert str(error) == "row 3 - what - limit - remedy"
    pd.testing.assert_frame_equal(error.violations, frame)
    assert {name: getattr(error, name) for name in facts if name != "violations"} == {
        name: fact for name, fact in facts.items() if name != "violations"
    }


def test_service_error_defaults():
    error = ServiceError("no answer")
    facts = (error.status, error.attempts, error.server_message, error.retryable, error.result)
    assert facts == (None, 0, "", False, None)


def test_violation_error_pickles_without_the_key():
    client = gp.Client("sk-secret-key-1", "http://127.0.0.1:9", ledger=None)
    with pytest.raises(ConstraintViolationError) as caught:
        gp.push(pd.DataFrame({"id": ["a", None], "X": [1, 2]}), "id", client=client, progress=False)
    assert caught.value.plan.counts["unsent"] == 1
    data = pickle.dumps(caught.value)
    assert b"sk-secret-key-1" not in data
    copy = pickle.loads(data)
    pd.testing.assert_frame_equal(copy.violations, caught.value.violations)
    assert copy.plan is None


def test_run_error_pickles_without_its_result(faulty):
    box = faulty(success_false=1.0)
    with pytest.raises(TooManyFailuresError) as caught:
        gp.push(pd.DataFrame({"id": list("abc"), "X": 1}), "id", client=box.client, max_failures=1, progress=False)
    assert sum(caught.value.result.counts.values()) == 3
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.server_message, copy.result) == (str(caught.value), caught.value.server_message, None)


def test_except_exception_passes_interrupts():
    assert issubclass(PushInterrupted, KeyboardInterrupt)
    assert not issubclass(PushInterrupted, Exception)


def test_interrupt_in_a_notebook_is_one_line():
    error = PushInterrupted("3 accepted, 5 unsent.", result=object())
    assert error._render_traceback_() == ["PushInterrupted: 3 accepted, 5 unsent."]
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.result) == (PushInterrupted, str(error), None)
    assert PushInterrupted().result is None


def test_common_errors_are_at_the_top():
    assert gp.ConstraintViolationError is ConstraintViolationError
    assert issubclass(CustomerRejectedError, gp.GrowlyticsError)


def test_ipython_shows_the_users_line_only():
    code = (
        "import sys, traceback\nimport growlytics_pandas as gp\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance(colors='nocolor')\n"
        "shell.run_cell('import growlytics_pandas as gp, pandas as pd')\n"
        "shell.run_cell('gp.schema(pd.DataFrame(dict(id=[1])), \"nope\")')\n"
        "shell.run_cell('gp.Client(\"a key with spaces\")')\n"
        "print(any(gp.__name__ in f.f_code.co_filename for f, _ in traceback.walk_tb(sys.last_traceback)))\n"  # %debug has all of it
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert 'gp.schema(pd.DataFrame(dict(id=[1])), "nope")' in shown
    assert "InvalidArgumentError: id_col: there is no column 'nope'" in shown
    assert "ApiKeyError: " in shown
    assert "a key with spaces" not in shown
    assert "growlytics_pandas" + os.sep not in shown
    assert shown.splitlines()[-1] == "True"
    assert len(shown.splitlines()) < 14
