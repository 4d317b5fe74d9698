"""The run history of a workspace."""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.ledger.database import LedgerFile, from_microseconds, now, to_microseconds

STATUSES: Final = ("accepted", "unchanged", "invalid", "failed", "unknown", "unsent")
RUNNING: Final = "running"
KILLED: Final = "killed"  # no recorded end, and the process no longer exists
START_TIME_FIELD: Final = 19  # of /proc/<pid>/stat, counted after the command: distinguishes processes that reuse a pid

HISTORY_DTYPES: Final = {
    "run": "int64",
    "started": "datetime64[us, UTC]",
    "rows": "int64",
    **dict.fromkeys(STATUSES, "Int64"),
    "seconds": "float64",
    "new_attributes": "object",
    "ended": "str",
    "label": "string",
}


class RunHistory:
    """The runs of one workspace."""

    def __init__(self, file: LedgerFile, workspace: int) -> None:
        self._file = file
        self._workspace = workspace

    def begin(self, rows: int, started: datetime, label: str | None = None) -> int:
        """Record the start of a run and return its number."""
        with self._file.writing() as connection:
            cursor = connection.execute(
                "INSERT INTO runs (workspace, started, rows, process, label) VALUES (?, ?, ?, ?, ?)",
                (self._workspace, to_microseconds(started), rows, process_name(os.getpid()), label),
            )
            return int(cursor.lastrowid or 0)

    def end(self, run: int, counts: Mapping[str, int], ended: str, new_attributes: Sequence[str]) -> None:
        """Record how a run ended."""
        if unknown := sorted(counts.keys() - set(STATUSES)):
            raise InvalidArgumentError(f"end_run: counts has {unknown}; the statuses are {', '.join(STATUSES)}")
        facts = {status: int(n) for status, n in counts.items()}
        with self._file.writing() as connection:
            connection.execute(
                "UPDATE runs SET counts = ?, new_attributes = ?, ended = ?, seconds = max(0, (? - started) / 1e6)"
                " WHERE workspace = ? AND id = ?",
                (json.dumps(facts), json.dumps(list(new_attributes)), ended, now(), self._workspace, run),
            )

    def frame(self) -> pd.DataFrame:
        """Return one row per run, newest last: see `Project.history`."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT id, started, rows, seconds, counts, new_attributes, ended, process, label FROM runs"
                " WHERE workspace = ? ORDER BY id",
                (self._workspace,),
            ).fetchall()
        frame = pd.DataFrame([described(*row) for row in rows], columns=pd.Index(HISTORY_DTYPES))
        return frame.astype(HISTORY_DTYPES)


def described(
    run: int, started: int, rows: int, seconds: float | None, counts: str | None, names: str | None, *end: Any
) -> dict[str, Any]:
    """Return a run as a row of the history."""
    ended, process, label = end
    has_ended = ended is not None
    n_by_status = dict.fromkeys(STATUSES, 0) | json.loads(counts) if counts else dict.fromkeys(STATUSES, pd.NA)
    return {
        "run": run,
        "started": from_microseconds(started),
        "rows": rows,
        **n_by_status,
        "seconds": float("nan") if seconds is None else seconds,
        "new_attributes": tuple(json.loads(names or "[]")),
        "ended": ended if has_ended else RUNNING if is_alive(process) else KILLED,
        "label": label,
    }


def process_name(pid: int) -> str:
    """Return the identity of a process: its pid and, where the system provides it, its start time."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return str(pid)
    return f"{pid} {stat.rpartition(')')[2].split()[START_TIME_FIELD]}"


def is_alive(process: str) -> bool:
    """Return whether a process still runs; always True on Windows, where checking would kill it."""
    pid = int(process.partition(" ")[0])
    if os.name == "nt":  # os.kill would terminate it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it belongs to another user
        pass
    return process_name(pid) == process
