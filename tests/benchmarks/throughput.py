"""Customers a second: our whole push against what people write, a vendor's client, and a bare libcurl loop.

``python tests/benchmarks/throughput.py`` measures with 7 and 20 attributes, without latency and with 50 ms. The
contestants take turns against one server, each turn in a fresh process, and the table shows medians.
"""

from dataclasses import dataclass

from contestants import CONTESTANTS
from measuring import in_fresh_process, main, medians, print_table, serving

LATENCY_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Setting:
    """One table. `seconds` is about how long a turn takes, `rows` what each contestant sends in it."""

    title: str
    columns: int
    latency_seconds: float
    concurrency: int
    rows: dict[str, int]
    rounds: int


ROWS = {
    "ours, curl": 60_000,
    "ours, requests": 4_000,
    "iterrows + requests.post": 1_500,
    "requests.Session, 64 threads": 3_000,
    "segment, 100 a request": 20_000,
    "bare encode + libcurl multi": 60_000,
}
"""Rows a turn without latency: a few seconds for each."""

SLOW_ROWS = {
    "ours, curl": 25_600,
    "ours, requests": 4_000,
    "iterrows + requests.post": 60,
    "requests.Session, 64 threads": 3_000,
    "segment, 100 a request": 8_000,
    "bare encode + libcurl multi": 25_600,
}
"""Rows a turn at 50 ms; ours and the bare loop have 256 requests in flight, so 5 s at the limit of 5,120 a second."""


SMALL = ("ours, curl", "iterrows + requests.post", "segment, 100 a request", "bare encode + libcurl multi")
"""Who takes part in the small run: those of whom something is asserted."""


def settings(small):
    if small:
        rows = {name: count // 4 for name, count in ROWS.items() if name in SMALL}
        return [Setting("7 attributes, no latency", 7, 0.0, 64, rows, 3)]
    made = []
    for columns in (7, 20):
        made += [
            Setting(f"{columns} attributes, no latency", columns, 0.0, 64, ROWS, 5),
            Setting(f"{columns} attributes, 50 ms", columns, LATENCY_SECONDS, 256, SLOW_ROWS, 3),
        ]
    return made


def measure_setting(setting):
    samples = {name: [] for name in setting.rows}
    with serving(setting.latency_seconds) as url:
        for _ in range(setting.rounds):
            for name, rows in setting.rows.items():
                samples[name].append(
                    in_fresh_process("contestants.py", name, url, rows, setting.columns, setting.concurrency)
                )
    return {
        # The best turn, too: what others do on the machine only ever takes away.
        name: medians(found) | {"best_rate": max(turn["rate"] for turn in found)}
        for name, found in samples.items()
    }


def measure(small):
    figures = {}
    for setting in settings(small):
        found = figures[setting.title] = measure_setting(setting)
        ours = found["ours, curl"]["rate"]
        print_table(
            f"Customers a second: {setting.title}",
            ["", "rows/s", "ours, curl is", "CPU µs/row", "added MB"],
            [
                [
                    name,
                    found[name]["rate"],
                    f"{ours / found[name]['rate']:.2f} x",
                    found[name]["cpu_us"],
                    found[name]["added_mb"],
                ]
                for name in CONTESTANTS
                if name in found
            ],
        )
        if setting.latency_seconds:
            limit = setting.concurrency / setting.latency_seconds
            bare = found["bare encode + libcurl multi"]["rate"]
            print(
                f"ours, curl: {ours / limit:.0%} of the {limit:,.0f} a second that {setting.concurrency} in flight allow, "
                f"the controller's ramp included; the bare loop {bare / limit:.0%}"
            )
    return figures


if __name__ == "__main__":
    main(measure)
