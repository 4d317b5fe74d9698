"""``ledger``: show the ledger of earlier pushes, and move it to another machine as one file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from growlytics_pandas._text import plural
from growlytics_pandas.cli.running import Exit, print_text, status_of
from growlytics_pandas.cli.summary import as_line
from growlytics_pandas.errors import GrowlyticsError
from growlytics_pandas.ledger.project import Ledger


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the three actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in (
        ("show", "count what the ledger contains: projects, types, runs"),
        ("backup", "write the ledger as one file; other processes may push meanwhile"),
        ("restore", "replace the ledger by a backup, which does not contain later pushes"),
    ):
        action = actions.add_parser(name, help=text, description=f"{text}.")
        if name != "show":
            action.add_argument("path", metavar="PATH", type=Path, help="the backup file")
            action.add_argument("--overwrite", action="store_true", help="also replace a file that contains more")
        if name == "restore":
            action.add_argument(
                "--forget",
                action="store_true",
                help="forget accepted customers; use it if anything was pushed after the backup",
            )
        action.add_argument("--ledger", metavar="PATH", help="the ledger (default: GROWLYTICS_LEDGER, else your own)")
        action.add_argument("--json", action="store_true", help="one JSON object on stdout")
        action.set_defaults(parser=action)  # for its errors


def run(arguments: argparse.Namespace) -> int:
    """Run the action, print its result, and return the exit status."""
    try:
        with Ledger(arguments.ledger) as ledger:
            facts = {"ledger": str(ledger.path)}
            if arguments.action == "backup":
                facts["backup"] = str(ledger.backup(arguments.path, overwrite=arguments.overwrite))
            elif arguments.action == "restore":
                ledger.restore(arguments.path, overwrite=arguments.overwrite, forget=arguments.forget)
                facts["restored"] = str(arguments.path)
            facts |= _facts(ledger)
    except GrowlyticsError as error:
        sys.stderr.write(f"error: {as_line(error)}\n")
        return status_of(error)
    return print_text(json.dumps(facts) if arguments.json else "\n".join(_lines(facts)), Exit.DONE)


def _facts(ledger: Ledger) -> dict[str, Any]:
    if not ledger.path.exists():  # showing a ledger does not create one
        return {"projects": 0, "types": 0, "runs": 0, "last_run": None, "label": None}
    facts = ledger.facts()
    last = facts.last_run.isoformat(timespec="seconds") if facts.last_run else None
    counts = {"projects": facts.projects, "types": facts.types, "runs": facts.runs}
    return {**counts, "last_run": last, "label": facts.last_label}


def _lines(facts: Mapping[str, Any]) -> list[str]:
    paths = [f"{name}: {facts[name]}" for name in ("ledger", "backup", "restored") if name in facts]
    counts = ", ".join(plural(facts[name], name[:-1]) for name in ("projects", "types", "runs"))
    label = f" ({facts['label']})" if facts["label"] else ""
    last = f"; the last run began {facts['last_run']}{label}" if facts["last_run"] else ""
    return [*paths, f"it contains {counts}{last}"]
