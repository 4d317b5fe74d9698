"""Seconds to check a frame of 20 columns: our `validate` compared with the same checks in pandera.

pandera runs the checks that it can express: labels, a unique id in each row, finite numbers, text of at
most 512 characters, and one type per column. Ours also checks addresses, mobiles, integers beyond 2^53, fractions of a
second, similar ids and the limit of 100, and reports each violation with its place, reason and fix. Seconds are CPU
time, since others may use the machine.

A second table has our time for a frame whose texts are dates, numbers and amounts as people write them.
"""

import os
import time

import numpy as np
import pandas as pd
from customers import make_customers
from measuring import main, medians, print_table

import growlytics_pandas as gp

os.environ["DISABLE_PANDERA_IMPORT_WARNING"] = "True"
import pandera.pandas as pa

COLUMNS = 20
MAX_CHARS = 512
MAX_NAME_CHARS = 49


def by_us(frame):
    violations = gp.validate(frame, "email")
    return int(
        violations["severity"].eq("error").sum()
    )  # warnings are about whole columns, which pandera has no word for


def by_pandera(frame):
    try:
        pandera_schema(frame).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        return len(errors.failure_cases)
    return 0


def pandera_schema(frame):
    columns = {name: pa.Column(checks=_checks_of(frame[name]), nullable=True) for name in frame.columns}
    columns["email"] = pa.Column(checks=_checks_of(frame["email"]), nullable=False, unique=True)
    names = pa.Check(lambda checked: all(0 < len(name) <= MAX_NAME_CHARS for name in checked.columns), name="labels")
    return pa.DataFrameSchema(columns, checks=names, unique_column_names=True)


def _checks_of(column):
    if pd.api.types.is_bool_dtype(column.dtype):
        return []
    if pd.api.types.is_numeric_dtype(column.dtype):
        return [pa.Check(np.isfinite, name="finite", ignore_na=True)]
    if pd.api.types.is_datetime64_any_dtype(column.dtype) or isinstance(column.dtype, pd.CategoricalDtype):
        return []
    return [pa.Check(_is_all_text, name="one type"), pa.Check.str_length(max_value=MAX_CHARS)]


def _is_all_text(column):
    return pd.api.types.infer_dtype(column, skipna=True) in {"string", "empty"}


def _clocked(check, frame):
    began = time.process_time()
    found = check(frame)
    return time.process_time() - began, found


def make_messy(rows, values):
    """Return a frame of 20 columns: an id, 13 numbers, and 6 messy texts with at most so many distinct values each."""
    random = np.random.default_rng(4)

    def texts(write):
        made = np.array([write(i) for i in range(min(rows, values))], dtype=object)
        return random.permutation(made) if len(made) == rows else made[random.integers(0, len(made), rows)]

    stamps = (pd.Timestamp("2015-01-01") + pd.to_timedelta(np.arange(min(rows, values)) * 301, unit="s")).strftime(
        "%d/%m/%Y %H:%M:%S"
    )
    frame = pd.DataFrame({"id": [f"c{i}" for i in range(rows)]})
    for i in range(13):
        frame[f"Column {i}"] = random.random(rows)
    frame["Joined"] = texts(lambda i: stamps[i])
    frame["Spent"] = texts(lambda i: f"{i // 100:,}".replace(",", ".") + f",{i % 100:02}")
    frame["Share"] = texts(lambda i: f"{i / 100_000:.5f} %")
    frame["Amount"] = texts(lambda i: f"₹ {i / 100:,.2f}")
    frame["Score"] = texts(lambda i: str(i) if i % 20 else "n/a")
    frame["Area"] = texts(lambda i: f"Ward {i}" + " " * (i % 20 == 0))
    return frame


def measure(small):
    rows = 50_000 if small else 1_000_000
    figures = {}
    for title, odd in (("clean", False), ("1 % odd", True)):
        frame = make_customers(rows, COLUMNS, odd=odd)
        samples = []
        for _ in range(3):
            (ours, n_ours), (pandera, n_pandera) = _clocked(by_us, frame), _clocked(by_pandera, frame)
            samples.append({"ours": ours, "found": n_ours, "pandera": pandera, "pandera_found": n_pandera})
        figures[title] = medians(samples)
    print_table(
        f"Checking {rows:,} rows of {COLUMNS} columns",
        ["frame", "ours, s", "violations", "pandera, s", "failure cases"],
        [[title, *found.values()] for title, found in figures.items()],
    )
    for title, values in (("at most 10,000 distinct", 10_000), ("all distinct", rows)):
        frame = make_messy(rows, values)
        checks = {"validate": lambda made: gp.validate(made, "id"), "suggest": lambda made: gp.suggest(made, "id")}
        figures[title] = medians(
            [{name: _clocked(check, frame)[0] for name, check in checks.items()} for _ in range(3)]
        )
    print_table(
        f"{rows:,} rows of {COLUMNS} columns, six of messy text",
        ["texts", "validate, s", "suggest, s"],
        [[title, *figures[title].values()] for title in ("at most 10,000 distinct", "all distinct")],
    )
    return figures


if __name__ == "__main__":
    main(measure)
