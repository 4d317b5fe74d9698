"""How close a push comes to the best that a limited server allows, compared with a carefully written client.

``python tests/benchmarks/limits.py`` pushes to each server of `limited_server.py` with the default options. The share
is the least possible time over the time of the whole push (its plan included); refused is the share of all requests
that a limit or an outage refused, those refused at random apart.
"""

import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import requests
from contestants import HEADERS, PATH, naive_body
from customers import make_customers
from limited_server import CASES
from measuring import KEY, main, print_table, serving
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

import growlytics_pandas as gp

AT_ONCE, SMALL_AT_ONCE = 2, 3
"""Cases that run at the same time, each with its server: most of their time is waiting."""

SMALL = {
    "200 ms per response": 2_500,
    "token bucket, 100 per second": 1_500,
    "at most 20 at once, else 503": 3_000,
    "queue, 300 per second": 2_500,
    "bucket, 200 per second, 5 % 503 at random": 2_500,
}
"""Cases of the small run, with fewer rows; none of them needs so many a second that a busy machine is the limit."""

CAREFUL_THREADS = 16
STATUSES = (429, 500, 502, 503, 504)


def ours(frame, url):
    client = gp.Client(KEY, url, ledger=None, transport="curl")
    return gp.push(frame, "email", client=client, progress=False).counts["accepted"]


def careful(frame, url):
    """16 threads, one session, and urllib3's retries: a carefully written client."""
    retry = Retry(5, backoff_factor=0.5, backoff_jitter=0.5, status_forcelist=STATUSES, allowed_methods=None)
    session = requests.Session()
    session.headers.update(HEADERS)
    session.mount("http://", HTTPAdapter(pool_maxsize=CAREFUL_THREADS, max_retries=retry))

    def send(record):
        try:
            return session.post(url + PATH, json=record, timeout=30).ok
        except requests.RequestException:
            return False

    frame["Last Order Date"] = frame["Last Order Date"].astype(str)
    records = [naive_body(row, frame.columns) for _, row in frame.iterrows()]
    with ThreadPoolExecutor(CAREFUL_THREADS) as pool:
        return sum(pool.map(send, records))


def turn(send, name, rows):
    """Send `rows` customers to a new server and return the figures."""
    frame = make_customers(rows)
    gp.validate(frame.head(50), "email")  # loads what is loaded on first use
    with serving(name, "limited_server.py") as url:
        began = time.perf_counter()
        accepted = send(frame, url)
        seconds = time.perf_counter() - began
        counts = requests.get(url, timeout=30).json()
    return {
        "rows": rows,
        "seconds": seconds,
        "share": CASES[name].best_seconds(accepted) / seconds,
        "refused": counts["refused"] / sum(counts.values()),
        "unaccepted": rows - accepted,
    }


def turns(send, chosen, at_once=AT_ONCE):
    """Run some cases, each in a fresh process; return case -> figures."""
    with ProcessPoolExecutor(at_once, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        begun = {name: pool.submit(turn, send, name, rows) for name, rows in chosen.items()}
        return {name: future.result() for name, future in begun.items()}


def measure(small):
    chosen = SMALL if small else {name: case.rows for name, case in CASES.items()}
    figures = turns(ours, chosen, SMALL_AT_ONCE if small else AT_ONCE)
    print_table(
        "A push to limited servers",
        ["", "rows", "seconds", "share of the best", "refused", "not accepted"],
        [_line(name, found) for name, found in figures.items()],
    )
    if not small:
        others = turns(careful, chosen)
        print_table(
            f"{CAREFUL_THREADS} threads, requests.Session and urllib3's Retry",
            ["", "rows", "seconds", "share of the best", "refused", "not accepted"],
            [_line(name, found) for name, found in others.items()],
        )
        figures = {name: {"ours": found, "careful": others[name]} for name, found in figures.items()}
    return figures


def _line(name, found):
    return [
        name,
        found["rows"],
        found["seconds"],
        f"{found['share']:.0%}",
        f"{found['refused']:.1%}",
        found["unaccepted"],
    ]


if __name__ == "__main__":
    main(measure)
