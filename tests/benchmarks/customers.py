"""The frames of the benchmarks: made-up customers with 7 attributes (those of the API's own example) or with 20."""

import numpy as np
import pandas as pd

from growlytics_pandas import sample_customers

SEVEN = ["email", "name", "mobile", "City", "Total Orders", "Is First Time Purchaser", "Last Order Date"]
REST = ["Lifetime Value", "Favourite Category", "Loyalty Points"]
ODD_SHARE = 0.01
"""Of the rows of a frame with odd cells: each breaks one rule."""


def make_customers(rows, columns=7, *, odd=False):
    """Return a frame whose id column is ``email``; the 20 columns hold some missing values, as data do."""
    made = sample_customers(rows, seed=1)
    frame = made[SEVEN] if columns == len(SEVEN) else _widened(made[SEVEN + REST], columns)
    return _spoilt(frame) if odd else frame


def _widened(frame, columns):
    random = np.random.default_rng(2)
    rows = len(frame)
    makers = [
        lambda: np.where(random.random(rows) < 0.1, np.nan, random.normal(size=rows)),
        lambda: random.integers(0, 1000, rows),
        lambda: random.random(rows) < 0.5,
        lambda: np.datetime64("2026-01-01", "us") + random.integers(0, 10**7, rows).astype("m8[s]"),
        lambda: pd.array(random.choice(['Pune "x"', "नई दिल्ली", "Delhi\n", "Goa"], rows), dtype="str"),
    ]
    added = {f"Column {i}": makers[i % len(makers)]() for i in range(columns - frame.shape[1])}
    return pd.concat([frame, pd.DataFrame(added)], axis=1)


def _spoilt(frame):
    random = np.random.default_rng(3)
    places = random.random(len(frame)) < ODD_SHARE
    frame["Lifetime Value"] = frame["Lifetime Value"].mask(places, np.inf)
    return frame
