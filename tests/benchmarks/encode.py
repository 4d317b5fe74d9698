"""Microseconds to write one body: our columns at a time against json.dumps a row at a time, with 20 attributes."""

import json
import time

from contestants import bare_bodies, naive_body
from customers import make_customers
from measuring import main, medians, print_table

import growlytics_pandas as gp

COLUMNS = 20
CHUNK_ROWS = 1000  # the default chunk_size of a push
NAIVE_SHARE = 20  # the naive way is measured on a 20th of the rows
ROUNDS = 5


def by_us(frame):
    """Encode as a push does: from the frame to bytes, missing values and all conversions included."""
    plan = gp.plan(frame, "email")
    return [body for start in range(0, len(frame), CHUNK_ROWS) for body in _bodies(plan, start, len(frame))]


def _bodies(plan, start, rows):
    return plan._part.encode(start, min(start + CHUNK_ROWS, rows)).bodies


def naively(frame):
    return [json.dumps(naive_body(row, frame.columns)).encode() for _, row in frame.iterrows()]


def barely(frame):
    return list(bare_bodies(frame))


def _clocked(encode, frame):
    began = time.process_time()
    bodies = encode(frame)
    microseconds = (time.process_time() - began) / len(frame) * 1e6
    if len(bodies) != len(frame):
        raise SystemExit(f"{len(bodies)} bodies of {len(frame)} rows")
    return microseconds


def measure(small):
    frame = make_customers(20_000 if small else 100_000, COLUMNS)
    few = frame.head(len(frame) // NAIVE_SHARE)
    samples = [
        {"ours": _clocked(by_us, frame), "bare": _clocked(barely, frame), "naive": _clocked(naively, few)}
        for _ in range(ROUNDS)
    ]
    figures = medians(samples)
    names = {"ours": "ours", "bare": "bare fragments, no checks", "naive": "iterrows + json.dumps"}
    print_table(
        f"Writing a body of {COLUMNS} attributes",
        ["", "CPU µs/row", "ours is"],
        [[label, figures[name], f"{figures[name] / figures['ours']:.2f} x"] for name, label in names.items()],
    )
    return figures


if __name__ == "__main__":
    main(measure)
