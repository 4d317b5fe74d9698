import inspect

import pandas as pd
import pytest

import growlytics_pandas as gp

dask = pytest.importorskip("dask", reason="needs the extra `dask`")
dd = pytest.importorskip("dask.dataframe", reason="needs the extra `dask`")
pytest.importorskip("distributed", reason="needs the extra `dask`")
pytest.importorskip("growlytics_pandas.dask")

pytestmark = [pytest.mark.dask, pytest.mark.slow]


def ddf_of(frame, parts=3):
    return dd.from_pandas(frame, npartitions=parts, sort=False)


def test_partitions_are_pushed_locally(sandbox):
    frame = gp.sample_customers(60)
    result = ddf_of(frame).growlytics.push("customer_id", client=sandbox.client, progress=False)
    assert result.ok
    assert result.outcomes["id"].tolist() == frame["customer_id"].tolist()
    assert sandbox.requests == 60


@pytest.mark.parametrize("verb", ["plan", "schema", "suggest", "validate", "preview", "push"])
def test_arguments_match_the_pandas_accessor(verb):
    on_dask = getattr(ddf_of(pd.DataFrame({"id": ["a"]}), 1).growlytics, verb)
    on_pandas = getattr(pd.DataFrame({"id": ["a"]}).growlytics, verb)
    assert list(inspect.signature(on_dask).parameters) == list(inspect.signature(on_pandas).parameters)


def test_wrong_call_is_refused_before_reading():
    def never(_):
        raise RuntimeError

    ddf = dd.from_map(never, [0], meta=pd.DataFrame({"id": pd.Series(dtype="str")}))
    with pytest.raises(gp.errors.InvalidArgumentError, match="there is no column 'ID'"):
        ddf.growlytics.plan("ID")
    with pytest.raises(gp.errors.InvalidArgumentError, match="max_rate"):
        ddf.growlytics.push("id", max_rate=-1)
    with pytest.raises(TypeError, match="colums"):
        ddf.growlytics.push("id", colums=["a"])


def test_lists_converted_to_text_cause_a_warning():
    frame = pd.DataFrame({"id": ["a", "b"], "Tags": [["x"], ["y", "z"]]})
    with pytest.warns(UserWarning, match=r"'Tags'.*dataframe\.convert-string"):
        ddf_of(frame, 1).growlytics.schema("id")
    with dask.config.set({"dataframe.convert-string": False}):
        assert "type_unsupported" in ddf_of(frame, 1).growlytics.validate("id")["rule"].tolist()
