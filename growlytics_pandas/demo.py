"""``python -m growlytics_pandas demo``: all steps of a push, with made-up customers and a local sandbox."""

import argparse
import sys
from collections.abc import Iterable
from typing import Any, Final

import pandas as pd

from growlytics_pandas import api
from growlytics_pandas._text import PYTHON, message_style
from growlytics_pandas.samples import MIN_DIRTY_ROWS, sample_customers
from growlytics_pandas.sandbox.server import Sandbox
from growlytics_pandas.upload.plan import PushResult

_SHOWN_ATTRIBUTES: Final = 18  # the demo's frame has a hundred more, all similar
_SHOWN_OF_SCHEMA: Final = ("column", "type", "missing", "note")
_ID: Final = "customer_id"
_NEXT: Final = """
Next, with a file of your own (the first command sends nothing, and shows the options that it saves):
    growlytics-pandas suggest customers.csv --id-col email --save customers.toml
    growlytics-pandas push customers.csv --options customers.toml
or in a notebook (pip install jupyterlab), on a sandbox first:
    import pandas as pd, growlytics_pandas
    df = pd.read_csv("customers.csv")
    df.growlytics.form(client=growlytics_pandas.Sandbox().start().client)"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to `parser`."""
    parser.add_argument("--rows", type=int, default=2000, help="number of made-up customers (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random customers (default: %(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Show each step of a push and return the exit status."""
    if arguments.rows < MIN_DIRTY_ROWS:
        sys.stderr.write(f"error: --rows: found {arguments.rows}; the demo needs {MIN_DIRTY_ROWS} or more.\n")
        return 2
    df = sample_customers(arguments.rows, seed=arguments.seed, dirty=True)
    with (
        pd.option_context("display.width", 150, "display.max_colwidth", 60, "display.max_columns", 20),
        message_style(PYTHON),  # what it shows is a session in Python
        Sandbox() as box,
    ):
        plan = api.plan(df, _ID, client=box.client)
        _say(f"{len(df):,} made-up customers, {df.shape[1]} columns; some have planted errors.")
        _say("\n--- df.growlytics.schema(id_col): how each column is sent, as an attribute with its name ---")
        _say_schema(plan.schema.head(_SHOWN_ATTRIBUTES))
        _show(
            "df.growlytics.validate(id_col): rejected values (errors), and values to check (warnings)",
            _by_rule(plan.violations),
        )
        _say("\n--- … and how to fix each: an option of the call, or a correction ---")
        for rule, fix in _fixes(plan.violations):
            _say(f"{rule}\n    {fix}")
        _say("\n--- df.growlytics.push(id_col, errors='drop') -> sandbox ---")
        result = plan.push(errors="drop")
        _say(repr(result))
        _show("result.failed: rows that did not arrive, and why", result.failed[["row", "id", "status", "error"]])
        _show("what the sandbox stored", box.customers().iloc[:, :6].head())
        _show("attribute types that are now fixed", box.attribute_types().head(_SHOWN_ATTRIBUTES))
        stored, ignored = len(box.stored()), len(box.ignored())
        _say(f"\nThe sandbox has {stored:,} customers; it silently ignored {ignored:,} value{'s' * (ignored != 1)}.")
        clean = _push_clean(box)
    _say(_NEXT)
    return 0 if stored == result.counts["accepted"] and not ignored and clean.ok else 1


def _push_clean(box: Sandbox) -> PushResult:
    """Push a small frame without errors, as most pushes are."""
    box.reset()
    df = sample_customers(5)[[_ID, "email", "City", "Total Orders", "Last Order Date"]]
    _show("most pushes look like this: a frame, …", df)
    plan = api.plan(df, _ID, client=box.client)
    _show("… df.growlytics.plan(id_col).schema, …", plan.schema[["attribute", "type", "missing"]])
    _say("\n--- … and plan.push() ---")
    result = plan.push()
    _say(repr(result))
    return result


def _say_schema(schema: pd.DataFrame) -> None:
    """Show the schema in 80 columns: labels may be long, so they are last, and notes are below them."""
    _say("type     missing  column")
    for column, kind, missing, note in zip(*(schema[name] for name in _SHOWN_OF_SCHEMA), strict=True):
        _say(f"{'–' if pd.isna(kind) else kind:<7}  {missing:>7,}  {column!r}")  # one is empty, one begins with a space
        if note:
            _say(f"{'':18}  {note}")


def _by_rule(violations: pd.DataFrame) -> pd.DataFrame:
    return violations.groupby(["rule", "severity", "effect"], sort=False)["count"].sum().reset_index()


def _fixes(violations: pd.DataFrame) -> Iterable[tuple[str, str]]:
    first = violations.drop_duplicates("rule")
    return zip(first["rule"], first["fix"], strict=True)


def _show(title: str, frame: pd.DataFrame) -> None:
    _say(f"\n--- {title} ---\n{frame.to_string(index=False)}")


def _say(text: Any) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
