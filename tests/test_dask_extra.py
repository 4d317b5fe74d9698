"""The extra `dask`, whether or not it is installed."""

import pickle
import subprocess
import sys

import pytest

import growlytics_pandas as gp


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_import_does_not_load_dask():
    done = run("import growlytics_pandas, sys; print({'dask', 'distributed'} & set(sys.modules))")
    assert done.stdout.strip() == "set()", done.stderr


@pytest.mark.slow
def test_missing_extra_names_install():
    done = run("import sys; sys.modules['dask'] = None; import growlytics_pandas.dask")
    assert 'pip install "PATH[dask]"' in done.stderr


def test_no_key_is_sent_to_workers(tmp_path):
    client = gp.Client("a-very-secret-key", "http://127.0.0.1:9", ledger=tmp_path / "ledger.db")
    travels = pickle.dumps(client._connection.recipe())
    assert b"a-very-secret-key" not in travels
    assert "a-very-secret-key" not in repr(pickle.loads(travels))
