"""What a push of parts came to: one outcome a row, counts that sum to all rows, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas._masking import Masker
from growlytics_pandas._status import ARRIVED, Status
from growlytics_pandas.errors import UsageError
from growlytics_pandas.upload.batches.failed_rows import gather_failed_rows
from growlytics_pandas.upload.batches.outcome_store import OutcomeStore
from growlytics_pandas.upload.batches.parts import PartTask
from growlytics_pandas.upload.outcomes import OutcomeBuffer
from growlytics_pandas.upload.result import AnyResult, RunFacts
from growlytics_pandas.views.page import Page
from growlytics_pandas.views.report import result_page
from growlytics_pandas.views.tables import Limits

if TYPE_CHECKING:
    from growlytics_pandas.upload.batches.plan import BatchPlan


@dataclass(frozen=True, eq=False, repr=False)
class BatchResult(AnyResult):
    """The result of a push of parts.

    Attributes
    ----------
    new_types : DataFrame
        Attributes whose type this push fixed for good: `attribute`, `type`.
    resent : DataFrame
        One row for each worker lost in the middle of a part: `part`, `rows`, of which `again` at most were sent twice.
        The same body twice changes nothing at the service.
    run : RunFacts
        When the run started, how long it took, how it ended.
    """

    plan: BatchPlan
    new_types: pd.DataFrame
    resent: pd.DataFrame
    run: RunFacts
    _books: Mapping[int, OutcomeBuffer] = field(repr=False)
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
    def has_incomplete_rows(self) -> bool:
        """Whether a row arrived, but not with every attribute it has: a column or a value was left out."""
        concerns_column, rows = self.findings.error_rows()
        return any(self._has_arrived(task, None if concerns_column else rows) for task in self.plan.surveyed.tasks)

    @property
    def outcomes(self) -> pd.DataFrame:
        """One row per input row, in order: see `PushResult.outcomes`. Made anew at each look; nothing is sent.

        `index` is the label in its part. Rows of parts that were never begun have no `index` and `id`.
        """
        return pd.concat(list(self.outcome_parts()), ignore_index=True)

    @property
    def failed(self) -> pd.DataFrame:
        """The outcomes that need care: `invalid`, `failed`, `unknown`, and `unsent` unless it was a dry run."""
        care = self._statuses_of_care()
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

    def rejects(self) -> pd.DataFrame:
        """Return the user's own rows of what did not fully arrive, read again: see `PushResult.rejects`.

        Raises
        ------
        UsageError
            The source could be read only once.
        """
        is_dry = self.run.ended == "dry run"
        return self.plan.describe_rejects(self._book, self._statuses_of_care(), is_dry=is_dry)

    def retry(self) -> BatchResult:
        """Push again what is `failed`, `unknown` or `unsent`; parts without any are not read.

        Returns
        -------
        BatchResult
            A new result over all rows; those that had arrived keep their outcome.

        Raises
        ------
        UsageError
            The source could be read only once, or it was a dry run.
        """
        self._require_push()
        if self._again is None:
            raise UsageError(
                "retry: this source could be read only once. Push it anew with skip_unchanged=True: only what is "
                "missing goes out."
            )
        return self._again(self)

    def _book(self, task: PartTask) -> OutcomeBuffer:
        return self._books.get(task.number) or self.plan.open_book(task)

    def _blank(self, task: PartTask) -> pd.DataFrame:
        rows = np.arange(task.rows)
        labels = pd.Index([None] * task.rows, dtype=object)
        return self._book(task).describe(rows, rows + task.first_row, labels, [""] * task.rows)

    def _has_arrived(self, task: PartTask, rows: npt.NDArray[np.int64] | None) -> bool:
        """Whether any row of a part arrived: of `rows`, sorted and counted through all parts, or (None) of all."""
        arrived = self._book(task).rows_with(ARRIVED)
        if rows is None:
            return len(arrived) > 0
        first, last = np.searchsorted(rows, [task.first_row, task.first_row + task.rows])
        return bool(np.isin(rows[first:last] - task.first_row, arrived).any())

    def _page(self, veil: Masker, limits: Limits) -> Page:
        care = gather_failed_rows(self.outcome_parts(), self._statuses_of_care(), veil, limits.rows, self.run)
        return result_page(self, care, veil, limits)
