"""The ways of sending customers that `throughput.py` compares, each run in a fresh process.

``python tests/benchmarks/contestants.py NAME URL ROWS COLUMNS CONCURRENCY`` prints its figures as JSON. The frame is
made before the clock starts; a first push of a few rows loads what is loaded on first use, for every contestant alike.
"""

import json
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import orjson
import pandas as pd
import pycurl
import requests
from customers import make_customers
from measuring import KEY, forget_peak, peak_mb
from segment.analytics.client import Client as SegmentClient

import growlytics_pandas as gp

PATH = "/rest-api/customer"
HEADERS = {"Accept": "application/json", "Content-Type": "application/json", "x-growlytics-key": KEY}
TYPES = {"i": "number", "u": "number", "f": "number", "b": "boolean", "M": "date"}
WARM_UP_ROWS = 50
SEGMENT_BATCH = 100
CHUNK_ROWS = 1000


def ours_curl(frame, url, concurrency):
    _push(frame, url, concurrency, "curl")


def ours_requests(frame, url, concurrency):
    _push(frame, url, concurrency, "requests")


def _push(frame, url, concurrency, transport):
    client = gp.Client(KEY, url, ledger=None, transport=transport)
    result = gp.push(frame, "email", client=client, progress=False, max_concurrency=concurrency)
    if not result.ok:
        raise SystemExit(repr(result))


def naive(frame, url, _concurrency):
    """A plain loop, the first thing that people write."""
    for _, row in frame.iterrows():
        body = naive_body(row, frame.columns)
        requests.post(url + PATH, headers=HEADERS, data=json.dumps(body), timeout=30).raise_for_status()


def naive_body(row, columns):
    attributes = []
    for column in columns:
        value = row[column]
        if pd.isna(value):
            continue
        if isinstance(value, pd.Timestamp):
            attributes.append({"name": column, "type": "date", "value": value.strftime("%Y-%m-%d %H:%M:%S")})
        elif isinstance(value, (bool, np.bool_)):
            attributes.append({"name": column, "type": "boolean", "value": bool(value)})
        elif isinstance(value, str):
            attributes.append({"name": column, "type": "string", "value": value})
        else:
            attributes.append({"name": column, "type": "number", "value": float(value)})
    return {"id": row["email"], "attributes": attributes}


def session_threads(frame, url, _concurrency):
    """One requests.Session per thread in 64 threads, the next thing that people write."""
    local = threading.local()

    def send(row):
        if not hasattr(local, "session"):
            local.session = requests.Session()
            local.session.headers.update(HEADERS)
        local.session.post(url + PATH, data=json.dumps(naive_body(row, frame.columns)), timeout=30).raise_for_status()

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(send, (row for _, row in frame.iterrows())))


def segment(frame, url, _concurrency):
    """segment-analytics-python, which sends 100 customers a request, from one thread."""
    problems = []
    client = SegmentClient(
        KEY,
        host=url,
        max_queue_size=len(frame) + 1,
        upload_size=SEGMENT_BATCH,
        gzip=False,
        on_error=lambda error, _items: problems.append(error),
    )
    for record in frame.to_dict("records"):
        client.identify(record["email"], record)
    client.flush()
    client.join()
    if problems:
        raise SystemExit(repr(problems[0]))


def bare(frame, url, concurrency):
    """Bodies and libcurl's multi handle, and nothing else: no checks, retries, pacing or outcomes."""
    multi = pycurl.CurlMulti()
    multi.setopt(pycurl.M_MAXCONNECTS, concurrency)
    free = [_handle(url) for _ in range(concurrency)]
    fresh = bare_bodies(frame)
    n_in_flight, n_accepted = 0, 0
    is_over = False
    while True:
        while free and not is_over:
            body = next(fresh, None)
            if body is None:
                is_over = True
                break
            handle = free.pop()
            handle.answer = bytearray()
            handle.setopt(pycurl.WRITEFUNCTION, handle.answer.extend)
            handle.setopt(pycurl.POSTFIELDS, body)
            multi.add_handle(handle)
            n_in_flight += 1
        if not n_in_flight:
            break
        multi.perform()
        n_left = 1
        while n_left:
            n_left, done, failed = multi.info_read()
            if failed:
                raise SystemExit(repr(failed))
            for handle in done:
                n_accepted += handle.getinfo(pycurl.RESPONSE_CODE) == 200 and orjson.loads(handle.answer)["success"]
                multi.remove_handle(handle)
                free.append(handle)
            n_in_flight -= len(done)
        if not free or is_over:
            multi.select(0.05)
    if n_accepted != len(frame):
        raise SystemExit(f"{n_accepted} of {len(frame)} accepted")


def _handle(url):
    handle = pycurl.Curl()
    handle.setopt(pycurl.URL, url + PATH)
    handle.setopt(pycurl.POST, 1)
    handle.setopt(pycurl.NOSIGNAL, 1)
    handle.setopt(pycurl.TIMEOUT_MS, 30_000)
    handle.setopt(pycurl.HTTPHEADER, [*(f"{name}: {value}" for name, value in HEADERS.items()), "Expect:"])
    return handle


def bare_bodies(frame):
    """Write bodies column by column, a chunk at a time, as tersely as can be."""
    for start in range(0, len(frame), CHUNK_ROWS):
        chunk = frame.iloc[start : start + CHUNK_ROWS]
        columns = [_fragments(column, chunk[column]) for column in chunk.columns]
        ids = [orjson.dumps(text).decode() for text in chunk["email"].tolist()]
        for row_id, attributes in zip(ids, zip(*columns, strict=True), strict=True):
            yield f'{{"id":{row_id},"attributes":[{",".join(filter(None, attributes))}]}}'.encode()


def _fragments(name, column):
    kind = TYPES.get(column.dtype.kind, "string")
    start = f'{{"name":"{name}","type":"{kind}","value":'
    if kind == "date":
        texts = np.datetime_as_string(column.to_numpy().astype("M8[s]")).tolist()
        fragments = [f'{start}"{text.replace("T", " ")}"}}' for text in texts]
    elif kind == "boolean":
        fragments = [start + ("true}" if value else "false}") for value in column.tolist()]
    elif kind == "number":
        fragments = [f"{start}{value!r}}}" for value in column.tolist()]
    else:
        fragments = [f"{start}{orjson.dumps(value).decode()}}}" for value in column.tolist()]
    missing = column.isna()
    if missing.any():
        fragments = [None if is_missing else text for text, is_missing in zip(fragments, missing.tolist(), strict=True)]
    return fragments


CONTESTANTS: dict[str, Callable] = {
    "ours, curl": ours_curl,
    "ours, requests": ours_requests,
    "iterrows + requests.post": naive,
    "requests.Session, 64 threads": session_threads,
    "segment, 100 a request": segment,
    "bare encode + libcurl multi": bare,
}


def measure(name, url, rows, columns, concurrency):
    send = CONTESTANTS[name]
    frame = make_customers(rows, columns)
    send(make_customers(WARM_UP_ROWS, columns), url, concurrency)
    before = forget_peak()
    began, cpu_began = time.perf_counter(), time.process_time()
    send(frame, url, concurrency)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    return {"rate": rows / seconds, "cpu_us": cpu_seconds / rows * 1e6, "added_mb": peak_mb() - before}


if __name__ == "__main__":
    _, chosen, base_url, n_rows, n_columns, n_at_once = sys.argv
    print(json.dumps(measure(chosen, base_url, int(n_rows), int(n_columns), int(n_at_once))))
