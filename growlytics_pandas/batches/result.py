"""What a push of parts came to: one outcome a row, counts that sum to all rows, and what to do next."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from growlytics_pandas.batches.outcome_store import OutcomeStore
from growlytics_pandas.batches.parts import PartTask
from growlytics_pandas.csv_safe import write_csv
from growlytics_pandas.errors import UsageError
from growlytics_pandas.outcomes import MEANINGS, Book, Status
from growlytics_pandas.result import RunFacts

if TYPE_CHECKING:
    from growlytics_pandas.batches.plan import BatchPlan

_CARE = (Status.INVALID, Status.FAILED, Status.UNKNOWN)


@dataclass(frozen=True, eq=False)
class BatchResult:
    """The result of a push of parts.

    Attributes
    ----------
    violations : DataFrame
        Everything found before sending, warnings too; one row per violation.
    new_types : DataFrame
        Attributes whose type this push fixed for good: `attribute`, `type`.
    resent : DataFrame
        One row for each worker lost in the middle of a part: `part`, `rows`, of which `again` at most were sent twice.
        The same body twice changes nothing at the service.
    run : RunFacts
        When the run started, how long it took, how it ended.
    """

    plan: BatchPlan
    violations: pd.DataFrame
    new_types: pd.DataFrame
    resent: pd.DataFrame
    run: RunFacts
    _books: Mapping[int, Book] = field(repr=False)
    _store: OutcomeStore = field(repr=False)
    _again: Callable[[BatchResult], BatchResult] | None = field(repr=False)

    @property
    def counts(self) -> dict[str, int]:
        """Status → number of rows, for every status; they sum to the rows of all parts."""
        total = dict.fromkeys((status.value for status in Status), 0)
        for task in self.plan.surveyed.tasks:
            for status, count in self._book(task).counts().items():
                total[status] += count
        return total

    @property
    def ok(self) -> bool:
        """Whether every row arrived (now or, unchanged, before) with every attribute it has."""
        counts = self.counts
        arrived = counts[Status.ACCEPTED] + counts[Status.UNCHANGED]
        return arrived == self.plan.rows and not (self.violations["severity"] == "error").any()

    @property
    def outcomes(self) -> pd.DataFrame:
        """One row per input row, in order: see `PushResult.outcomes`. Made anew at each look; nothing is sent.

        `index` is the label in its part. Rows of parts that were never begun have no `index` and `id`.
        """
        return pd.concat(list(self.outcome_parts()), ignore_index=True)

    @property
    def failed(self) -> pd.DataFrame:
        """The outcomes that need care: `invalid`, `failed`, `unknown`, and `unsent` unless it was a dry run."""
        care = _CARE if self.run.ended == "dry run" else (*_CARE, Status.UNSENT)
        parts = [frame[frame["status"].isin(care)] for frame in self.outcome_parts()]
        return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)

    def outcome_parts(self) -> Iterator[pd.DataFrame]:
        """Give the outcomes part by part, for when all would not fit in memory."""
        for task in self.plan.surveyed.tasks:
            kept = self._store.get(task.number)
            yield self._blank(task) if kept is None else kept

    @property
    def outcome_files(self) -> list[Path]:
        """The Parquet files of outcomes too many to keep in memory; they are removed with this result."""
        return self._store.files

    def retry(self) -> BatchResult:
        """Push again what is `failed`, `unknown` or `unsent`; parts without any are not read.

        Returns
        -------
        BatchResult
            A new result over all rows; those that had arrived keep their outcome.

        Raises
        ------
        UsageError
            The source could be read only once.
        """
        if self._again is None:
            raise UsageError(
                "retry: this source could be read only once. Push it anew with skip_unchanged=True: only what is "
                "missing goes out."
            )
        return self._again(self)

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write the outcomes as CSV; no cell runs as a formula in a spreadsheet."""
        return write_csv(self.outcomes, path)

    def _book(self, task: PartTask) -> Book:
        return self._books.get(task.number) or self.plan.open_book(task)

    def _blank(self, task: PartTask) -> pd.DataFrame:
        rows = np.arange(task.rows)
        labels = pd.Index([None] * task.rows, dtype=object)
        return self._book(task).describe(rows, rows + task.first_row, labels, [""] * task.rows)

    def __repr__(self) -> str:
        said = ", ".join(f"{count:,} {status}" for status, count in self.counts.items() if count) or "no rows"
        return f"<BatchResult {self.run.ended}: {said}; {len(self.violations):,} violations; {self.run.seconds:.1f} s>"

    def _repr_html_(self) -> str:
        """Return the counts with their meaning; no customer data."""
        lines = [
            f"<tr><td>{status}</td><td>{count:,}</td><td>{escape(MEANINGS[Status(status)])}</td></tr>"
            for status, count in self.counts.items()
            if count
        ]
        head = f"{escape(self.run.ended)} after {self.run.seconds:.1f} s; {len(self.violations):,} violations"
        return f"<p>{head}</p><table>{''.join(lines)}</table>"
