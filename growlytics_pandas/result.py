"""What a push came to: one outcome a row, counts that sum to the frame, and what to do next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from growlytics_pandas.outcomes import RETRYABLE, Book, Status

if TYPE_CHECKING:
    from growlytics_pandas.planning import Plan


@dataclass(frozen=True, slots=True)
class RunFacts:
    """When and how a run went. Seconds are wall time; `ended` is 'finished', 'dry run' or why it stopped early."""

    started: datetime
    seconds: float
    retries: int
    ended: str
    base_url: str | None


@dataclass(frozen=True, eq=False)
class PushResult:
    """The result of a push.

    Attributes
    ----------
    violations : DataFrame
        Everything found before sending, warnings too; one row per violation.
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
    violations: pd.DataFrame
    new_types: pd.DataFrame
    run: RunFacts
    _book: Book = field(repr=False)
    _again: Callable[[Book], PushResult] = field(repr=False)

    @property
    def counts(self) -> dict[str, int]:
        """Status → number of rows, for every status; they sum to the rows of the frame."""
        return self._book.counts()

    @property
    def ok(self) -> bool:
        """Whether every row arrived (now or, unchanged, before) with every attribute it has."""
        arrived = self.counts[Status.ACCEPTED] + self.counts[Status.UNCHANGED]
        return arrived == len(self.plan.frame) and not (self.violations["severity"] == "error").any()

    @cached_property
    def outcomes(self) -> pd.DataFrame:
        """One row per input row, in its order.

        `row` (0-based position), `index` (the frame's label), `id` (text as sent, NA where there is none), `status`,
        `http_status` (of the last answer, NA without one), `attempts` (requests made), `error` (NA where none).
        """
        return self._outcomes(np.arange(len(self.plan.frame)))

    @property
    def failed(self) -> pd.DataFrame:
        """The outcomes that need care: `invalid`, `failed`, `unknown`, and `unsent` unless it was a dry run."""
        care = [Status.INVALID, Status.FAILED, Status.UNKNOWN]
        if self.run.ended != "dry run":
            care.append(Status.UNSENT)
        return self._outcomes(self._book.rows_with(care))

    def retry(self) -> PushResult:
        """Push again what is `failed`, `unknown` or `unsent`; safe, since the same body twice changes nothing.

        Returns
        -------
        PushResult
            A new result over the whole frame; rows that had arrived keep their outcome.
        """
        return self._again(self._book.copy())

    def _outcomes(self, rows: Any) -> pd.DataFrame:
        frame, book = self.plan.frame, self._book
        codes = book.codes()[rows]
        http_status = np.frombuffer(book.http_status, dtype="uint16")[rows].astype("int64")
        ids = self.plan.ids(rows)
        statuses = np.array([status.value for status in Status], dtype=object)
        return pd.DataFrame(
            {
                "row": np.asarray(rows, dtype="int64"),
                "index": pd.Series(frame.index.take(rows).to_numpy(), dtype=object),
                "id": pd.Series([text or None for text in ids], dtype="string"),
                "status": pd.Series(statuses[codes], dtype="str"),
                "http_status": pd.Series(http_status, dtype="Int64").mask(http_status == 0),
                "attempts": np.frombuffer(bytes(book.attempts), dtype="uint8")[rows].astype("int64"),
                "error": pd.Series([book.errors.get(row) for row in np.asarray(rows).tolist()], dtype="string"),
            }
        )

    def __repr__(self) -> str:
        said = ", ".join(f"{count:,} {status}" for status, count in self.counts.items() if count) or "no rows"
        return f"<PushResult {self.run.ended}: {said}; {len(self.violations):,} violations; {self.run.seconds:.1f} s>"

    def _repr_html_(self) -> str:
        """Summary first, then what needs care; everything escaped, nothing of the customers' data."""
        counts = "".join(f"<td>{count:,}</td>" for count in self.counts.values())
        names = "".join(f"<th>{escape(status)}</th>" for status in self.counts)
        rules = self.violations.groupby(["rule", "severity", "effect"], sort=False)["count"].sum().reset_index()
        violations = "" if rules.empty else f"<p>Violations</p>{rules.to_html(index=False, border=0)}"
        next_step = "<p><code>result.retry()</code> sends the rest.</p>" if self._has_rest() else ""
        return (
            f"<div><p><b>Push {escape(self.run.ended)}</b>: {len(self.plan.frame):,} rows, {self.run.seconds:.1f} s</p>"
            f"<table><tr>{names}</tr><tr>{counts}</tr></table>{violations}{next_step}</div>"
        )

    def _has_rest(self) -> bool:
        return any(self.counts[status] for status in RETRYABLE) and self.run.ended != "dry run"
