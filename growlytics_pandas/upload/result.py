"""What a push came to: one outcome a row, counts that sum to the frame, and what to do next."""

from __future__ import annotations

import os
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import pandas as pd

from growlytics_pandas._masking import Masker
from growlytics_pandas._status import RETRYABLE, Status
from growlytics_pandas._text import plural
from growlytics_pandas.checks.findings import Findings
from growlytics_pandas.csv_safe import write_csv
from growlytics_pandas.errors import InvalidArgumentError, UsageError
from growlytics_pandas.views.excel import rejects_sheet, summary_table, write_workbook
from growlytics_pandas.views.html_repr import HtmlRepr
from growlytics_pandas.views.metrics import RunFacts
from growlytics_pandas.views.page import Page
from growlytics_pandas.views.report import ResultSummary, result_page
from growlytics_pandas.views.tables import FailedRows, Limits

Table = Literal["outcomes", "failed", "violations"]
TABLES: Final[tuple[Table, ...]] = ("outcomes", "failed", "violations")
_CARE: Final = (Status.INVALID, Status.FAILED, Status.UNKNOWN)


class AnyResult(HtmlRepr):
    """What every result of a push can do, whether of one frame or of parts."""

    plan: Any  # a `Plan`, which is made above: each class of result narrows it
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
        found: Findings = self.plan.findings
        return found

    @property
    def violations(self) -> pd.DataFrame:
        """Everything found before sending, warnings too; one row per violation."""
        found: pd.DataFrame = self.plan.violations
        return found

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

    def _page_of(self, care: FailedRows, veil: Masker, limits: Limits) -> Page:
        summary = ResultSummary(
            id_column=self.plan.layout.id_column,
            columns=len(self.plan.layout.attributes),
            schema=self.plan.schema,
            findings=self.findings,
            counts=self.counts,
            new_types=self.new_types,
            run=self.run,
            is_ok=self.ok,
            is_incomplete=self.has_incomplete_rows,
            note=self.note,
        )
        return result_page(summary, care, veil, limits)
