"""The extra `dask`, whether or not it is installed."""

import pickle
import subprocess
import sys

import pytest

import growlytics_pandas as gp


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_importing_the_package_brings_no_dask():
    done = run("import growlytics_pandas, sys; print({'dask', 'distributed'} & set(sys.modules))")
    assert done.stdout.strip() == "set()", done.stderr


@pytest.mark.slow
def test_without_the_extra_the_error_says_what_to_install():
    done = run("import sys; sys.modules['dask'] = None; import growlytics_pandas.dask")
    assert 'pip install "PATH[dask]"' in done.stderr


def test_what_travels_to_a_worker_holds_no_key(tmp_path):
    client = gp.Client("a-very-secret-key", "http://127.0.0.1:9", ledger=tmp_path / "ledger.db")
    travels = pickle.dumps(client._connection.recipe())
    assert b"a-very-secret-key" not in travels
    assert "a-very-secret-key" not in repr(pickle.loads(travels))
