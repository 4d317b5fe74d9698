"""What a push came to: one outcome a row, counts that sum to the frame, and what to do next."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd

from growlytics_pandas._masking import Masker, printable_labels
from growlytics_pandas._status import ARRIVED, RETRYABLE, Status
from growlytics_pandas._text import plural
from growlytics_pandas.checks.findings import Findings
from growlytics_pandas.csv_safe import write_csv
from growlytics_pandas.errors import InvalidArgumentError, UsageError
from growlytics_pandas.upload.outcomes import OutcomeBuffer
from growlytics_pandas.views.excel import rejects_sheet, summary_table, write_workbook
from growlytics_pandas.views.failed_rows import gather_failed_rows
from growlytics_pandas.views.html_repr import HtmlRepr
from growlytics_pandas.views.metrics import Sample
from growlytics_pandas.views.page import Page
from growlytics_pandas.views.report import result_page
from growlytics_pandas.views.tables import Limits

if TYPE_CHECKING:
    from growlytics_pandas.upload.plan import AnyPlan, Plan


Table = Literal["outcomes", "failed", "violations"]
TABLES: Final[tuple[Table, ...]] = ("outcomes", "failed", "violations")
_CARE: Final = (Status.INVALID, Status.FAILED, Status.UNKNOWN)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """When and how a run went. Seconds are wall time; `ended` is 'finished', 'dry run' or why it stopped early.

    `message` holds the words of the error that ended it early; `samples` the course of the run. `would_refuse`: it was
    a dry run, and with these options (``errors="raise"``) a push would refuse the frame. `label`: the name that the
    call gave it. `foreign`: the service's own words in `message`.
    """

    started: datetime
    seconds: float
    retries: int
    ended: str
    base_url: str | None
    message: str = ""
    samples: tuple[Sample, ...] = field(default=(), repr=False)
    would_refuse: bool = False
    label: str | None = None
    foreign: str = field(default="", repr=False)


class AnyResult(HtmlRepr):
    """What every result of a push can do, whether of one frame or of parts."""

    plan: AnyPlan
    new_types: pd.DataFrame
    run: RunFacts

    if TYPE_CHECKING:  # one has it as a cached property

        @property
        def outcomes(self) -> pd.DataFrame:
            """One row per input row, in its order."""

    @property
    @abstractmethod
    def counts(self) -> dict[str, int]:
        """Status → number of rows, for every status; they sum to all rows."""

    @abstractmethod
    def rejects(self) -> pd.DataFrame:
        """Return the user's own rows of what did not fully arrive: see `PushResult.rejects`."""

    @property
    @abstractmethod
    def has_incomplete_rows(self) -> bool:
        """Whether a row arrived, but not with every attribute it has: a column or a value was left out."""

    @property
    def ok(self) -> bool:
        """Whether every row arrived (now or, unchanged, before) with every attribute it has.

        Rows that ``keep=`` left out, as asked for, do not count against it.
        """
        return not any(self.counts[s] for s in RETRYABLE) and not self.findings.has_errors

    @property
    def findings(self) -> Findings:
        """The violations, before they are made into a frame."""
        return self.plan.findings

    @property
    def violations(self) -> pd.DataFrame:
        """Everything found before sending, warnings too; one row per violation."""
        return self.plan.violations

    def _require_push(self) -> None:
        """Refuse to retry what was never tried."""
        if self.run.ended == "dry run":
            raise UsageError(
                "retry: this was a dry run, so there is nothing to try again; result.plan.push() sends it."
            )

    def to_csv(self, path: str | os.PathLike[str], table: Table = "outcomes") -> Path:
        """Write `outcomes`, `failed` or `violations` as CSV, with ids and values as they are.

        No cell runs as a formula in a spreadsheet; `growlytics_pandas.csv_safe.read_csv` reads it back.

        Raises
        ------
        InvalidArgumentError
            Another table, a folder that is not there, or a folder in place of a file.
        """
        if table not in TABLES:
            raise InvalidArgumentError(f"table: found {table!r}; allowed are {', '.join(map(repr, TABLES))}.")
        frame: pd.DataFrame = getattr(self, table)
        return write_csv(frame, path)

    def to_excel(self, path: str | os.PathLike[str]) -> Path:
        """Write the result as an Excel workbook, with ids and values as they are (extra ``excel``).

        Sheets: Summary, Rejects (where the source can be read again), Outcomes, Violations, Schema. Text stays text, no
        cell runs as a formula, dates are dates. What a sheet cannot hold is text: whole numbers of more than 15 digits,
        dates with a zone or a fraction of a second. A text of more than 32,767 characters is cut, and says so. Rows
        beyond 1,048,576 go on in another sheet.

        Raises
        ------
        InvalidArgumentError
            A folder that is not there, a folder in place of a file, or a name that does not end in ``.xlsx``.
        MissingDependencyError
            XlsxWriter is not installed.
        """
        tables = {"Outcomes": self.outcomes, "Violations": self.violations, "Schema": self.plan.schema}
        return write_workbook({"Summary": self._summary(), **rejects_sheet(self), **tables}, path)

    def _summary(self) -> pd.DataFrame:
        """Return what the run came to, as lines of a table."""
        run = self.run
        facts: dict[str, Any] = {
            "started": run.started.replace(tzinfo=None, microsecond=0),
            "label": run.label,
            "ended": run.ended,
        }
        facts |= {"message": run.message, "seconds": round(run.seconds, 1), "retries": run.retries}
        return summary_table(self.counts, self.findings, facts | {"service": run.base_url})

    def plot(self) -> Any:
        """Draw the outcomes, and the rows a second and answer times over the run (extra ``plot``).

        Returns
        -------
        tuple of matplotlib Axes
            Three, of one figure, ``axes[0].figure``; a notebook shows it.

        Raises
        ------
        MissingDependencyError
            matplotlib is not installed.
        """
        from growlytics_pandas.views.charts import plot_result  # noqa: PLC0415 - matplotlib is optional, and slow to import

        return plot_result(self.counts, self.run.samples, self.run.ended)

    @property
    def note(self) -> str:
        """What there is to say of the run as a whole, beside the counts by status; '' mostly."""
        return ""

    def _statuses_of_care(self) -> tuple[Status, ...]:
        """Return the statuses of rows that need care."""
        return _CARE if self.run.ended == "dry run" else (*_CARE, Status.UNSENT)

    def __repr__(self) -> str:
        said = ", ".join(f"{count:,} {status}" for status, count in self.counts.items() if count) or "no rows"
        said += ", not all with every attribute" if self.has_incomplete_rows else ""
        found = plural(len(self.findings), "violation")
        ended = self.run.ended + (", which a push would refuse" if self.run.would_refuse else "")
        note = f"{self.note}; " if self.note else ""
        return f"<{type(self).__name__} {ended}: {note}{said}; {found}; {self.run.seconds:.1f} s>"


@dataclass(frozen=True, eq=False, repr=False)
class PushResult(AnyResult):
    """The result of a push.

    Attributes
    ----------
    new_types : DataFrame
        Attributes whose type this push fixed for good: `attribute`, `type`. Empty without a ledger's memory of before.
    run : RunFacts
        When the run started, how long it took, how it ended.

    Examples
    --------
    >>> import pandas as pd
    >>> from growlytics_pandas import Sandbox
    >>> df = pd.DataFrame({"email": ["asha@example.com"], "City": ["Pune"]})
    >>> with Sandbox() as sandbox:
    ...     result = df.growlytics.push("email", client=sandbox.client, progress=False)
    >>> result.ok, result.counts["accepted"]
    (True, 1)
    """

    plan: Plan
    new_types: pd.DataFrame
    run: RunFacts
    _book: OutcomeBuffer = field(repr=False)
    _again: Callable[[OutcomeBuffer], PushResult] = field(repr=False)

    @property
    def counts(self) -> dict[str, int]:
        """Status → number of rows, for every status; they sum to the rows of the frame."""
        return self._book.counts()

    @property
    def has_incomplete_rows(self) -> bool:
        """Whether a row arrived, but not with every attribute it has: a column or a value was left out."""
        arrived = self._book.rows_with(ARRIVED)
        concerns_column, rows = self.findings.error_rows()
        return bool(len(arrived)) and (concerns_column or bool(np.isin(rows, arrived).any()))

    @cached_property
    def outcomes(self) -> pd.DataFrame:
        """One row per input row, in its order.

        `row` (0-based position), `index` (the frame's label), `id` (text as sent, NA where there is none), `status`,
        `http_status` (of the last answer, NA without one), `attempts` (requests made in the run that settled the row),
        `error` (NA where none).
        """
        return self._outcomes(np.arange(len(self.plan.frame)))

    @property
    def failed(self) -> pd.DataFrame:
        """The outcomes that need care: `invalid`, `failed`, `unknown`, and `unsent` unless it was a dry run.

        So it may have rows where ``counts["failed"]`` is 0.
        """
        return self._outcomes(self._book.rows_with(self._statuses_of_care()))

    def rejects(self) -> pd.DataFrame:
        """Return the user's own rows and columns of what did not fully arrive, with the reasons in front.

        To correct and push again: the four columns in front are not sent, as long as they stay there.

        Returns
        -------
        DataFrame
            In the order of the frame, with its index. In front `status`, `rule`, `reason` and `fix` (with the prefix
            ``growlytics_``, all four, where the frame has a column of such a name). The rows are those that are
            `invalid`, `failed` or `unknown`, `unsent` ones unless it was a dry run, and those that arrived without a
            value they have; an error of a whole column concerns each row with a value there. Several violations of a
            row are joined by "; ". A row that ``keep=`` left out, as asked for, is not among them.

        Examples
        --------
        >>> import pandas as pd
        >>> from growlytics_pandas import Sandbox
        >>> df = pd.DataFrame({"id": ["a", None], "City": ["Pune", "Delhi"]})
        >>> with Sandbox() as sandbox:
        ...     result = df.growlytics.push("id", errors="drop", client=sandbox.client, progress=False)
        >>> result.rejects()[["status", "rule", "City"]].to_dict("records")
        [{'status': 'invalid', 'rule': 'id_missing', 'City': 'Delhi'}]
        """
        is_dry = self.run.ended == "dry run"
        return self.plan.describe_rejects(self._book, self._statuses_of_care(), is_dry=is_dry)

    def retry(self) -> PushResult:
        """Push again what is `failed`, `unknown` or `unsent`; safe, since the same body twice changes nothing.

        Returns
        -------
        PushResult
            A new result over the whole frame; rows that had arrived keep their outcome.

        Raises
        ------
        UsageError
            It was a dry run.
        """
        self._require_push()
        return self._again(self._book.copy())

    def _outcomes(self, rows: Any) -> pd.DataFrame:
        rows = np.asarray(rows, dtype="int64")
        return self._book.describe(rows, rows, printable_labels(self.plan.frame.index.take(rows)), self.plan.ids(rows))

    def _page(self, veil: Masker, limits: Limits) -> Page:
        rows = self._book.rows_with(self._statuses_of_care())
        care = gather_failed_rows(self.plan, self._book, rows, self._outcomes, veil, limits.rows, self.run.message)
        return result_page(self, care, veil, limits)
