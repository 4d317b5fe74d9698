"""Customers for Dask: in Parquet files with different dtypes and planted errors, or clean."""

import numpy as np
import pandas as pd

import growlytics_pandas as gp

KEY = "a-key-of-the-tests"


def customers(number, rows):
    draw = np.random.default_rng(number)
    numbers = range(number * rows, (number + 1) * rows)
    frame = pd.DataFrame(
        {
            "customer_id": [f"C{n:08}" for n in numbers],
            "Orders": draw.integers(0, 50, rows),
            "Value": draw.random(rows).round(4) * 1000,
            "City": draw.choice(["Pune", "Delhi", "Goa"], rows),
            "Premium": draw.random(rows) < 0.3,
            "Seen": pd.Timestamp("2026-01-01") + pd.to_timedelta(draw.integers(0, 10**7, rows), unit="s"),
            "Code": draw.integers(0, 9, rows),
            "email": [f"u{n}@example.com" for n in numbers],
        }
    )
    return _with_faults(_with_drift(frame, number), number)


def _with_drift(frame, number):
    if number % 3 == 1:
        frame["Orders"] = frame["Orders"].astype("float64").where(frame.index % 50 > 0)
    if number % 5 == 2:
        frame["City"] = pd.Series([None] * len(frame), dtype=object)
    if number == 4:
        frame["Code"] = frame["Code"].astype(str)  # the whole is a mixture
    return frame


def _with_faults(frame, number):
    if number == 3:
        frame.loc[3, "customer_id"] = "C00000001"  # it is in the first part too
        frame.loc[9, "customer_id"] = "c00000002"
    if number == 5:
        frame.loc[5, "customer_id"] = None
        frame.loc[6, "Value"] = np.inf
        frame.loc[8, "email"] = "nobody"
    return frame


def write_parts(folder, parts, rows):
    paths = [folder / f"{number:03}.parquet" for number in range(parts)]
    for number, path in enumerate(paths):
        customers(number, rows).to_parquet(path)
    return paths


def client_of(server, ledger=None):
    return gp.Client(KEY, server.base_url, ledger=ledger)


def small(rows, parts):
    import dask.dataframe as dd  # noqa: PLC0415  not everywhere

    frame = gp.sample_customers(rows)[["customer_id", "City", "Total Orders"]]
    return dd.from_pandas(frame, npartitions=parts, sort=False)
