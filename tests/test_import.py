"""`import growlytics_pandas` is fast: slow or optional modules are imported on first use."""

import importlib.metadata
import json
import pathlib
import subprocess
import sys

import growlytics_pandas

ROOT = pathlib.Path(__file__).parents[1]
# Beside pandas and what pandas brings: each takes milliseconds, and no push goes without it.
CHEAP = {"growlytics_pandas", "jinja2", "markupsafe", "orjson", "platformdirs"}
NEW_MODULES = """
import sys
import pandas
before = {name.partition(".")[0] for name in sys.modules}
import growlytics_pandas
print(*{name.partition(".")[0] for name in sys.modules} - before)
"""


def test_import_loads_nothing_slow():
    run = subprocess.run([sys.executable, "-c", NEW_MODULES], capture_output=True, text=True, check=True)
    others = {name for name in run.stdout.split() if name.lstrip("_") not in sys.stdlib_module_names}
    assert {name for name in others if not name.startswith("_")} == CHEAP


def test_tests_use_the_installed_package():
    installed = importlib.metadata.distribution("growlytics-pandas")
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    is_editable = origin.get("dir_info", {}).get("editable", False)
    home = ROOT if is_editable else pathlib.Path(installed.locate_file(""))
    assert pathlib.Path(growlytics_pandas.__file__).parents[1] == home
