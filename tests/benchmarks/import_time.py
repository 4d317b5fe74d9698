"""What `import growlytics_pandas` costs over `import pandas`: medians over fresh processes."""

import argparse
import json
import re
import statistics
import subprocess
import sys

LINE = re.compile(r"^import time:\s+\d+ \|\s+(\d+) \|\s+(\S+)$", re.MULTILINE)


def seconds_of_import() -> dict[str, float]:
    """Import the package in a fresh process; return the seconds of pandas, and of what comes on top."""
    command = [sys.executable, "-X", "importtime", "-c", "import pandas; import growlytics_pandas"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    cumulative = {name: int(microseconds) / 1e6 for microseconds, name in LINE.findall(printed)}
    return {"pandas": cumulative["pandas"], "growlytics_pandas": cumulative["growlytics_pandas"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a few turns, to see that it runs")
    turns = 3 if parser.parse_args().small else 21
    seconds_of_import()  # the first fills the caches of the disk
    runs = [seconds_of_import() for _ in range(turns)]
    medians = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    for name, seconds in medians.items():
        print(f"{name:20} {seconds * 1000:6.0f} ms")
    print(json.dumps(medians))


if __name__ == "__main__":
    main()
