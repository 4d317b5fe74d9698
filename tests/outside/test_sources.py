"""Frames of other libraries, as batches: what arrives is what the same rows in one pandas frame say."""

import pandas as pd
import pytest

import growlytics_pandas as gp

pytestmark = pytest.mark.outside


@pytest.fixture(scope="module")
def frame():
    """Gaps, Unicode, dates and booleans: whatever a library might write differently."""
    made = gp.sample_customers(3_000)[["customer_id", "City", "Total Orders", "Lifetime Value", "Last Order Date"]]
    made["Premium"] = pd.array([None, True, False] * 1000, dtype="boolean")
    return made


def stored_of(push):
    with gp.Sandbox() as sandbox:
        result = push(sandbox.client)
        assert (result.counts["accepted"], sandbox.requests) == (3_000, 3_000)
        return sandbox.stored()


@pytest.fixture(scope="module")
def expected(frame):
    return stored_of(lambda client: gp.push(frame, "customer_id", client=client, progress=False))


def test_slices_of_a_polars_frame(frame, expected):
    polars = pytest.importorskip("polars", reason="needs the dependency group `outside`")
    source = polars.from_pandas(frame)
    found = stored_of(
        lambda client: gp.push_batches(lambda: source.iter_slices(1_000), "customer_id", client=client, progress=False)
    )
    assert found == expected


def test_batches_of_a_duckdb_query(frame, expected):
    duckdb = pytest.importorskip("duckdb", reason="needs the dependency group `outside`")
    connection = duckdb.connect()
    connection.register("customers", frame)
    query = "select * from customers order by customer_id"
    found = stored_of(
        lambda client: gp.push_batches(
            lambda: connection.sql(query).to_arrow_reader(1_000), "customer_id", client=client, progress=False
        )
    )
    assert found == expected


def test_row_groups_of_a_parquet_file(frame, expected, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    frame.to_parquet(tmp_path / "customers.parquet", row_group_size=1_000)
    found = stored_of(
        lambda client: gp.push_batches(
            lambda: parquet.ParquetFile(tmp_path / "customers.parquet").iter_batches(1_000),
            "customer_id",
            client=client,
            progress=False,
        )
    )
    assert found == expected
