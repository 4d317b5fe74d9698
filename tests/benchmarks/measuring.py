"""What the benchmarks share: a server beside them, fresh processes to measure in, and tables."""

import argparse
import contextlib
import ctypes
import gc
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
KEY = "benchmark-key-0123456789abcdef"


@contextlib.contextmanager
def serving(argument: object = 0.0, script: str = "server.py") -> Iterator[str]:
    """Run a server in a process of its own, by default the bare one with a latency in seconds; give its base URL."""
    command = [sys.executable, str(HERE / script), str(argument)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def in_fresh_process(script: str, *arguments: object) -> dict[str, Any]:
    """Run a script of this directory and return what it printed last, read as JSON."""
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(finished.stdout.splitlines()[-1])


def forget_peak() -> float:
    """Give free memory back and start the peak anew; return what is in use now, in MB (Linux)."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # 5 resets the high-water mark
    return peak_mb()


def peak_mb() -> float:
    """Return the peak of resident memory since `forget_peak`, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def medians(samples: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the median of each figure."""
    return {name: statistics.median(sample[name] for sample in samples) for name in samples[0]}


def print_table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table: texts to the left, numbers to the right."""
    cells = [list(head)] + [[_shown(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    print(f"\n{title}")
    for first, *others in cells:
        numbers = [f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True)]
        print("  ".join([f"{first:<{widths[0]}}", *numbers]))


def _shown(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:,.2f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def main(measure: Callable[[bool], dict[str, Any]]) -> None:
    """Measure (small with ``--small``), and print the figures as one line of JSON after the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true", help="a minute's worth for all of them, for CI")
    print(json.dumps(measure(parser.parse_args().small)))
