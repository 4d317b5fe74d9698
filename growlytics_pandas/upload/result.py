"""The result of a push: one outcome per row, counts that sum to all rows, and next steps."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from growlytics_pandas._masking import NOT_SHOWN, Masker, replaced
from growlytics_pandas._rules import Severity
from growlytics_pandas._status import ARRIVED, MEANINGS, RETRYABLE, Ended, Status
from growlytics_pandas._text import plural
from growlytics_pandas.checks.findings import Findings
from growlytics_pandas.columns.dtypes import Rows
from growlytics_pandas.csv_safe import write_csv
from growlytics_pandas.errors import InvalidArgumentError, UsageError
from growlytics_pandas.upload.connection import PushOptions
from growlytics_pandas.upload.outcomes import CODES, OutcomeBuffer, OutcomeStore
from growlytics_pandas.upload.parts import Part, PartList, PartTask
from growlytics_pandas.views.excel import rejects_sheet, summary_table, write_workbook
from growlytics_pandas.views.html import Page, render_notebook
from growlytics_pandas.views.metrics import RunFacts
from growlytics_pandas.views.panel import is_above
from growlytics_pandas.views.report import HtmlRepr, ResultSummary, result_page
from growlytics_pandas.views.tables import NOTEBOOK_LIMITS, FailedRows, TableLimits, failed_frame, label_text

WITHHELD: Final = "the service's message may repeat values, so it is not shown here: see .failed"
_STATUSES: Final = tuple(Status)
_NEVER_SENT: Final = CODES[Status.INVALID]  # these texts are ours and repeat no values


Table = Literal["outcomes", "failed", "violations"]
TABLES: Final[tuple[Table, ...]] = ("outcomes", "failed", "violations")
Reason = tuple[str, int, str]
"""The status, HTTP status and text of a row."""
_TO_FIX: Final = (Status.INVALID, Status.FAILED, Status.UNKNOWN)


@dataclass(frozen=True, eq=False, repr=False)
class Result(HtmlRepr):
    """The result of a push; `PushResult` adds the plan and `retry`."""

    plan: Any  # a `Plan`, a higher layer
    new_types: pd.DataFrame
    resent: pd.DataFrame
    run: RunFacts
    _parts: PartList = field(repr=False)
    _whole: Part | None = field(repr=False)
    _buffers: Mapping[int, OutcomeBuffer] = field(repr=False)
    _store: OutcomeStore = field(repr=False)
    _options: PushOptions = field(repr=False)

    @property
    def counts(self) -> dict[str, int]:
        """Status → number of rows, for every status; they sum to all rows."""
        return self._parts.counts(lambda task: self._buffer_of(task).counts())

    @property
    def has_incomplete_rows(self) -> bool:
        """Whether any row arrived without all its attributes: a column or a value was left out."""
        return self._n_incomplete > 0

    @property
    def _n_warnings(self) -> int:
        """The number of warnings about what was sent."""
        return self._findings.count(Severity.WARNING)

    @property
    def _n_incomplete(self) -> int:
        """How many rows arrived without all their attributes."""
        concerns_column, rows = self._findings.error_rows()
        return sum(self._count_arrived(task, None if concerns_column else rows) for task in self._parts.tasks)

    @property
    def outcomes(self) -> pd.DataFrame:
        """One row per input row, in its order.

        `row` (0-based position), `index` (the frame's label), `id` (text as sent, NA without an id), `status`,
        `http_status` (of the last response, NA without one), `attempts` (requests in the run that settled the row),
        `error` (NA without one). For parts that are not kept in memory, the frame is built at each access, `index` is
        the label in the part, and rows of parts that were not started have no `index` and `id`.
        """
        return self._whole_outcomes if self._whole else _joined(list(self.outcome_parts()))

    @cached_property
    def _whole_outcomes(self) -> pd.DataFrame:
        return next(self.outcome_parts())

    @property
    def failed(self) -> pd.DataFrame:
        """The outcomes that need attention: `invalid`, `failed`, `unknown`, and (unless in a dry run) `unsent`.

        So it can have rows even if ``counts["failed"]`` is 0.
        """
        to_fix = self._statuses_to_fix()
        parts = [self._describe(task, self._buffer_of(task).rows_with(to_fix)) for task in self._parts.tasks]
        return failed_frame(_joined([part for part in parts if len(part)] or parts[:1]), is_dry=self._is_dry)

    def outcome_parts(self) -> Iterator[pd.DataFrame]:
        """Yield the outcomes part by part, for results that do not fit into memory."""
        for task in self._parts.tasks:
            yield self._describe(task, None)

    @property
    def outcome_files(self) -> list[Path]:
        """The Parquet files of outcomes that do not fit into memory; they are removed with this result."""
        return self._store.files

    def rejects(self) -> pd.DataFrame:
        """Return the original rows that did not fully arrive, with the reasons in front.

        Correct them and push the frame again: the four columns in front are not sent if they stay in front.

        Returns
        -------
        DataFrame
            In the order of the frame, with its index. In front are `status`, `rule`, `reason` and `fix` (all four with
            the prefix ``growlytics_`` if the frame has a column of such a name). It has the rows that are `invalid`,
            `failed` or `unknown`, (unless in a dry run) `unsent`, and those that arrived without one of their values;
            an error of a whole column applies to each row with a value in it. Several violations of a row are joined by
            "; ". Rows that ``keep=`` left out on request are not included. A notebook displays those that did not
            arrive first.

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
        found: pd.DataFrame = self.plan._describe_rejects(
            self._findings, self._buffer_of, self._statuses_to_fix(), is_dry=self._is_dry
        )
        return found

    @property
    def ok(self) -> bool:
        """Whether every row arrived with all its attributes, in this push or (unchanged) before it.

        Rows that ``keep=`` left out on request do not count.
        """
        return not any(self.counts[s] for s in RETRYABLE) and not self._findings.has_errors

    @property
    def _mask_numbers(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = self.plan._mask_numbers
        return found

    @property
    def _findings(self) -> Findings:
        """The violations, not yet a frame."""
        found: Findings = self.plan._findings
        return found.dropping() if self._options.errors == "drop" else found

    @cached_property
    def violations(self) -> pd.DataFrame:
        """All violations found before sending, including warnings; one row each."""
        found: pd.DataFrame = self.plan._frame_of(self._findings)
        return found

    def _require_push(self) -> None:
        """Raise for a dry run, and for a source that cannot be read again."""
        if self._is_dry:
            raise UsageError("retry: this was a dry run, so there is nothing to retry; result.plan.push() sends it.")
        if not self.plan._executor.can_repeat:
            raise UsageError(
                "retry: this source could be read only once. Push it again with skip_unchanged=True, which sends only "
                "the missing rows."
            )

    def to_csv(self, path: str | os.PathLike[str], table: Table = "outcomes") -> Path:
        """Write `outcomes`, `failed` or `violations` as CSV, with unmasked ids and values.

        No cell runs as a formula in a spreadsheet; `growlytics_pandas.csv_safe.read_csv` reads it back.

        Raises
        ------
        InvalidArgumentError
            The table is not one of these, the folder does not exist, or the path is a folder.
        """
        if table not in TABLES:
            raise InvalidArgumentError(f"table: found {table!r}; allowed are {', '.join(map(repr, TABLES))}.")
        frame: pd.DataFrame = getattr(self, table)
        return write_csv(frame, path)

    def to_excel(self, path: str | os.PathLike[str]) -> Path:
        """Write the result as an Excel workbook, with unmasked ids and values (extra ``excel``).

        Sheets: Summary, Rejects (if the source can be read again), Outcomes, Violations, Schema. Text stays text, no
        cell runs as a formula, and dates are dates. Values that Excel cannot store are written as text: whole numbers
        of more than 15 digits, dates with a zone or a fraction of a second. Text of more than 32,767 characters is cut,
        with a note. Rows after the 1,048,576th continue on another sheet.

        Raises
        ------
        InvalidArgumentError
            The folder does not exist, the path is a folder, or the name does not end in ``.xlsx``.
        MissingDependencyError
            XlsxWriter is not installed.
        """
        tables = {"Outcomes": self.outcomes, "Violations": self.violations, "Schema": self.plan.schema}
        return write_workbook({"Summary": self._summary(), **rejects_sheet(self), **tables}, path)

    def _summary(self) -> pd.DataFrame:
        """Return the facts of the run as lines of a table."""
        run = self.run
        facts: dict[str, Any] = {
            "started": run.started.replace(tzinfo=None, microsecond=0),
            "label": run.label,
            "ended": run.ended,
        }
        facts |= {"message": run.message, "seconds": round(run.seconds, 1), "retries": run.retries}
        return summary_table(self.counts, self._findings, facts | {"service": run.base_url})

    def plot(self) -> Any:
        """Draw the outcomes, and the rows per second and response times over the run (extra ``plot``).

        Returns
        -------
        tuple of matplotlib Axes
            Three axes of one figure (``axes[0].figure``), which a notebook shows.

        Raises
        ------
        MissingDependencyError
            matplotlib is not installed.
        """
        from growlytics_pandas.views.charts import plot_result  # noqa: PLC0415 - matplotlib is optional, and slow to import

        return plot_result(self.counts, self.run.samples, self.run.ended)

    @property
    def note(self) -> str:
        """A line about the run as a whole: of a retry, how many rows it sent again; else usually ''."""
        if not self.run.retried:
            return ""
        return f"{plural(self.run.retried, 'row')} retried, {self.run.retry_arrived:,} arrived"

    @property
    def _n_to_retry(self) -> int:
        """How many rows a retry would send, without those that the service rejected."""
        return sum(len(self._buffer_of(task).rows_to_retry(rejected=False)) for task in self._parts.tasks)

    @property
    def _is_dry(self) -> bool:
        return self.run.ended == Ended.DRY_RUN

    def _statuses_to_fix(self) -> tuple[Status, ...]:
        """Return the statuses of rows that need attention."""
        return _TO_FIX if self._is_dry else (*_TO_FIX, Status.UNSENT)

    def __repr__(self) -> str:
        shown = ", ".join(f"{count:,} {status}" for status, count in self.counts.items() if count) or "no rows"
        shown += ", some without all their attributes" if self.has_incomplete_rows else ""
        found = plural(len(self._findings), "violation")
        ended = self.run.ended + (", which a push would reject" if self.run.would_refuse else "")
        note = f"{self.note}; " if self.note else ""
        return f"<{type(self).__name__} {ended}: {note}{shown}; {found}; {self.run.seconds:.1f} s>"

    def _retried(self, *, rejected: bool) -> tuple[PushOptions, dict[int, OutcomeBuffer], OutcomeStore]:
        """Return the arguments for a retry, with the rows that it sends set to `unsent`."""
        buffers = {number: buffer.copy() for number, buffer in self._buffers.items()}
        for buffer in buffers.values():
            buffer.reopen(rejected=rejected)
        return (
            self._options,
            buffers,
            self._store.copy(),
        )

    def _buffer_of(self, task: PartTask) -> OutcomeBuffer:
        return self._buffers.get(task.number) or self._parts.open_buffer(task)

    def _describe(self, task: PartTask, rows: Rows | None) -> pd.DataFrame:
        """Return the outcomes of some rows of a part; None: of all."""
        buffer = self._buffer_of(task)
        if self._whole is not None:
            return self._whole.describe(buffer, np.arange(task.rows) if rows is None else rows)
        table = self._store.get(task.number)
        if table is None:  # not started
            table = task.describe_unread(buffer)
        return table if rows is None else table.iloc[rows]

    def _count_arrived(self, task: PartTask, rows: Rows | None) -> int:
        """Return how many rows of a part arrived: of `rows` (sorted, counted through all parts), or of all if None."""
        arrived = self._buffer_of(task).rows_with(ARRIVED)
        if rows is None:
            return len(arrived)
        first, last = np.searchsorted(rows, [task.first_row, task.first_row + task.rows])
        return int(np.isin(rows[first:last] - task.first_row, arrived).sum())

    def _page(self, masker: Masker, limits: TableLimits, owner: str = "result") -> Page:
        run, labels = self.run, "index"
        why = masker.words(replaced(run.message, run.server_text, NOT_SHOWN)) if masker.is_on else run.message
        parts: Iterable[PartOutcomes] = (self._masked(task, masker) for task in self._parts.tasks)
        if self._whole is not None:
            words, why = mask_words(self._whole, self._buffers[0], masker, run.message)
            parts = [PartOutcomes(self._buffers[0], words, partial(self._describe, self._parts.tasks[0]))]
            name = self._whole.frame.index.name
            labels = labels if name is None else label_text(name)
        to_fix = gather_failed_rows(parts, self._statuses_to_fix(), limits.rows, labels, why)
        summary = ResultSummary(
            id_column=self.plan._schema.id_column,
            schema=self.plan._types,
            findings=self._findings,
            counts=self.counts,
            new_types=self.new_types,
            run=run,
            n_incomplete=self._n_incomplete,
            note=self.note,
            owner=owner,
        )
        return result_page(summary, to_fix, masker, limits)

    def _repr_html_(self) -> str:
        """Show the page; where the panel of this push is just above, without what it shows."""
        page = self._page(Masker(numbers=self._mask_numbers), NOTEBOOK_LIMITS)
        return render_notebook(replace(page, headline="", counts=()) if is_above(self.counts) else page)

    def _masked(self, task: PartTask, masker: Masker) -> PartOutcomes:
        buffer = self._buffer_of(task)
        return PartOutcomes(buffer, withhold_words(buffer, masker), partial(self._describe, task))


@dataclass(frozen=True, slots=True)
class PartOutcomes:
    """The outcomes of a part: `words` are already masked; `describe` returns the outcome frame of some rows."""

    buffer: OutcomeBuffer
    words: Mapping[int, str]
    describe: Callable[[Rows], pd.DataFrame]


def gather_failed_rows(
    parts: Iterable[PartOutcomes], statuses: Sequence[Status], most: int, labels: str = "index", why: str = ""
) -> FailedRows:
    """Return the rows with one of `statuses`, and `why` the run ended early.

    One by one: the first `most` rows, and the first row of each of the `most` commonest reasons.
    """
    reasons = Counter[Reason]()
    first_of: dict[Reason, tuple[PartOutcomes, int]] = {}
    first: list[pd.DataFrame] = []
    unsent: list[pd.DataFrame] = []  # listed last, so that a stop does not hide the others
    for part in parts:
        rows = part.buffer.rows_with(statuses)
        is_unsent = np.isin(rows, part.buffer.rows_with([Status.UNSENT]))
        for tables, group in ((first, rows[~is_unsent]), (unsent, rows[is_unsent])):
            room = most - sum(map(len, tables))
            if room > 0 or not tables:
                tables.append(_describe_first(part, group[: max(0, room)]))
        for reason, (count, row) in _count_reasons(part.buffer, rows, part.words).items():
            reasons[reason] += count
            first_of.setdefault(reason, (part, row))
    listed = [table for table in (*first, *unsent) if len(table)] or first
    described = [_joined(listed).head(most)]
    for reason, _ in reasons.most_common(most):
        part, row = first_of[reason]
        described.append(_describe_first(part, np.array([row])))
    return FailedRows(pd.concat(described, ignore_index=True).drop_duplicates("row"), reasons, labels, why)


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the outcomes of several parts; of none, if the first batch could not be read, an empty frame."""
    return pd.concat(tables or [PartTask(0, 0, 0).describe_unread(OutcomeBuffer(0))], ignore_index=True)


def _describe_first(part: PartOutcomes, rows: Rows) -> pd.DataFrame:
    table = part.describe(rows).reset_index(drop=True)
    table["error"] = pd.Series([part.words.get(row) for row in rows.tolist()], dtype="string")
    return table


def withhold_words(buffer: OutcomeBuffer, masker: Masker) -> Mapping[int, str]:
    """Return row → reason for a part whose frame is not kept, so that values in messages cannot be masked."""
    if not masker.is_on:
        return buffer.errors
    answered = {row for row in buffer.errors if buffer.http_status[row] and buffer.status[row] != _NEVER_SENT}
    return {row: WITHHELD if row in answered else masker.words(words) for row, words in buffer.errors.items()}


def mask_words(part: Part, buffer: OutcomeBuffer, masker: Masker, why: str) -> tuple[Mapping[int, str], str]:
    """Return row → reason, and why the run ended, without the values of any customer of the part."""
    if not masker.is_on:
        return buffer.errors, why
    noted = np.fromiter(buffer.errors, dtype="int64", count=len(buffer.errors))
    answered = noted[buffer.codes()[noted] != _NEVER_SENT]
    if not len(answered):
        return buffer.errors, masker.words(why)
    secrets = zip(answered.tolist(), part.personal_values(answered), strict=True)
    masks = part.customer_masks({why, *(buffer.errors[row] for row in answered.tolist())})
    masked = {row: masks.hide(masker.words(buffer.errors[row], own)) for row, own in secrets}
    return {**buffer.errors, **masked}, masks.hide(why)


def _count_reasons(buffer: OutcomeBuffer, rows: Rows, words: Mapping[int, str]) -> dict[Reason, tuple[int, int]]:
    """Return status, HTTP status and text → number of rows, first row.

    Most rows of a run that ended early have no text of their own.
    """
    codes, http = buffer.codes(), np.frombuffer(buffer.http_status, dtype="uint16")
    is_silent = np.zeros(len(codes), dtype=bool)
    is_silent[rows] = True
    worded = sorted(row for row in words if is_silent[row])
    reasons: dict[Reason, tuple[int, int]] = {}
    for row in worded:
        reason = _STATUSES[codes[row]].value, int(http[row]), words[row]
        count, first = reasons.get(reason, (0, row))
        reasons[reason] = count + 1, first
    is_silent[worded] = False
    silent = np.flatnonzero(is_silent)
    found = np.unique(np.column_stack([codes, http])[silent], axis=0, return_index=True, return_counts=True)
    for (code, status), place, count in zip(*(each.tolist() for each in found), strict=True):
        reason = _STATUSES[code].value, status, MEANINGS[_STATUSES[code]]
        others, first = reasons.get(reason, (0, int(silent[place])))
        reasons[reason] = others + count, min(first, int(silent[place]))
    return reasons
