"""A segment of a Dask DataFrame: one column of ids, sent from this process."""

import pandas as pd
import pytest

dd = pytest.importorskip("dask.dataframe")

pytestmark = pytest.mark.dask


def test_all_partitions_join_and_leave(sandbox, tmp_path):
    import growlytics_pandas.dask  # noqa: F401, PLC0415 - registers the accessor

    how = {"members": tmp_path / "vip.csv", "client": sandbox.client, "progress": False}
    ids = pd.DataFrame({"id": [f"c{i}" for i in range(10)], "x": 1})
    first = dd.from_pandas(ids, npartitions=3).growlytics.push_segment("id", "Is VIP", **how)
    second = dd.from_pandas(ids[2:], npartitions=2).growlytics.push_segment("id", "Is VIP", **how)
    assert (first.joined, second.left, second.stayed) == (10, 2, 8)
    assert sandbox.requests == 12
