"""The pages of a plan and of a push result, with the next steps; and the base class of objects with a page."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pandas as pd

from growlytics_pandas._masking import Masker, visible
from growlytics_pandas._output_paths import replacing, require_target
from growlytics_pandas._rules import Severity
from growlytics_pandas._status import MEANINGS, RETRYABLE, Ended, Status, is_refused
from growlytics_pandas._text import options_text, phrase, plural
from growlytics_pandas.errors import InvalidArgumentTypeError
from growlytics_pandas.views.headline import (
    Headline,
    count_rows,
    headline_of,
    lowered,
    of_all,
    status_level,
    steps_for_missing,
)
from growlytics_pandas.views.html import Count, Page, Step, StepKind, Table, render_notebook, render_report
from growlytics_pandas.views.metrics import RunFacts, duration
from growlytics_pandas.views.tables import (
    NOTEBOOK_LIMITS,
    REPORT_LIMITS,
    FailedRows,
    GroupedViolations,
    TableLimits,
    label_text,
    rows_table,
    schema_table,
    suggestions_table,
    violations_table,
)

_MAX_REASON_CHARS: Final = 400  # of the reason why a run ended early
_MAX_NOTED: Final = 3  # columns whose notes one step shows


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSummary:
    """The data for the page of a plan; `changes`: compared with the ledger."""

    base_url: str | None
    id_column: Hashable
    schema: pd.DataFrame
    findings: GroupedViolations
    counts: Mapping[str, int]
    suggestions: Sequence[Any]
    changes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultSummary:
    """The data for the page of a result; `owner`: the result in code."""

    id_column: Hashable
    schema: pd.DataFrame
    findings: GroupedViolations
    counts: Mapping[str, int]
    new_types: pd.DataFrame
    run: RunFacts
    n_incomplete: int
    note: str
    owner: str = "result"


def plan_page(plan: PlanSummary, masker: Masker, limits: TableLimits) -> Page:
    """Return the page on what a push of this plan would do."""
    errors, warnings = count_by_severity(plan.findings)
    rows, n_sendable = sum(plan.counts.values()), plan.counts[Status.UNSENT]
    is_refused = errors > 0 and not plan.findings.drops_errors
    tables = _tables(
        suggestions_table(plan.suggestions, limits),
        violations_table(plan.findings.groups(), plan.id_column, masker, limits),
        schema_table(plan.schema, {}, limits),
    )
    return Page(
        title="Plan of a push",
        headline=_refused(errors, n_sendable, rows) if is_refused else f"{of_all(n_sendable, rows)} would be sent.",
        level="bad" if is_refused else "warn" if errors or warnings else "good",
        facts=(
            *(("service", plan.base_url or "no client yet"), ("id column", label_text(plan.id_column))),
            ("attributes", _attributes(plan.schema)),
            ("violations", _severities(errors, warnings)),
            *([("changes", plan.changes)] if plan.changes else []),
            *masker.facts(),
        ),
        counts=_plan_counts(plan.counts, is_refused=is_refused),
        steps=tuple(_plan_steps(plan, errors, warnings)),
        tables=tables,
        is_masked=masker.is_on,
    )


def result_page(result: ResultSummary, failed: FailedRows, masker: Masker, limits: TableLimits) -> Page:
    """Return the page on what a push did."""
    new = dict(zip(result.new_types["attribute"], result.new_types["type"], strict=True))
    dry = result.run.ended == Ended.DRY_RUN
    how = _headline_of_dry(result) if dry else _headline_of(result)
    levels = {status: status_level(status, result.counts, result.run.n_left_out) for status in result.counts}
    tables = _tables(
        rows_table(failed, levels, masker, limits, is_dry=dry),
        violations_table(result.findings.groups(), result.id_column, masker, limits),
        schema_table(result.schema, new, limits),
    )
    return Page(
        title=how.title,
        headline=how.words,
        level=how.level,
        facts=(*_result_facts(result, failed.why), *masker.facts()),
        counts=_plan_counts(result.counts, is_refused=result.run.would_refuse)
        if dry
        else count_rows(result.counts, meanings=MEANINGS | _failed_meaning(failed), n_left_out=result.run.n_left_out),
        steps=tuple(_result_steps(result, new, failed)),
        tables=tables,
        is_masked=masker.is_on,
    )


def count_by_severity(findings: GroupedViolations) -> tuple[int, int]:
    """Return the number of errors and of warnings."""
    return findings.count(Severity.ERROR), findings.count(Severity.WARNING)


def _tables(*tables: Table | None) -> tuple[Table, ...]:
    return tuple(table for table in tables if table is not None)


def _failed_meaning(failed: FailedRows) -> dict[str, str]:
    """Return why rows failed: the service answered, or it was not reached."""
    of_failed = [(http, count) for (status, http, _), count in failed.reasons.items() if status == Status.FAILED]
    answered = sum(count for http, count in of_failed if http)
    missed = sum(count for http, count in of_failed if not http)
    if answered and missed:
        return {Status.FAILED: f"the service did not accept {answered:,}, and could not be reached for {missed:,}"}
    return {Status.FAILED: "the service could not be reached"} if missed else {}


def _plan_counts(counts: Mapping[str, int], *, is_refused: bool) -> tuple[Count, ...]:
    """Return the counts of rows that would be sent (that could be, if the push would raise) and of rows left out."""
    by_name = {count.name: count for count in count_rows(counts)}
    name = "could be sent" if is_refused else "would be sent"
    return (
        replace(
            by_name[Status.UNSENT],
            name=name,
            level="plain" if is_refused else "good",
            meaning="with all their valid values",
        ),
        *([by_name[Status.UNCHANGED]] if counts[Status.UNCHANGED] else []),
        replace(by_name[Status.INVALID], name="left out", meaning="they have no usable id: see violations"),
    )


def _refused(errors: int, n_sendable: int, rows: int) -> str:
    dropping = f"With {options_text(errors='drop')}, {lowered(of_all(n_sendable, rows))} would be sent."
    return f"{plural(errors, 'error')}: a push would {phrase('raise', 'be refused')}, and send nothing. {dropping}"


def _attributes(schema: pd.DataFrame) -> str:
    """Return the number of attributes sent, and of chosen columns if some are not sent."""
    sent = int(schema["type"].notna().sum())
    return f"{sent:,}" if sent == len(schema) else f"{sent:,} of {plural(len(schema), 'column')}"


def _severities(errors: int, warnings: int) -> str:
    return f"{plural(errors, 'error')}, {plural(warnings, 'warning')}" if errors or warnings else "none"


# a result ----------------------------------------------------------------------------------------------------------


def _headline_of(result: ResultSummary) -> Headline:
    return headline_of(
        result.counts, result.run.ended, n_incomplete=result.n_incomplete, n_left_out=result.run.n_left_out
    )


def _headline_of_dry(result: ResultSummary) -> Headline:
    counts, rows = result.counts, sum(result.counts.values())
    errors, warnings = count_by_severity(result.findings)
    words = f"{of_all(counts[Status.UNSENT], rows)} would be sent; nothing was sent."
    if result.run.would_refuse:
        words = _refused(errors, counts[Status.UNSENT], rows)
    return Headline("Dry run of a push", words, "bad" if errors else "warn" if warnings else "good")


def _result_facts(result: ResultSummary, why: str) -> tuple[tuple[str, str], ...]:
    run = result.run
    facts = [
        ("service", run.base_url or "no client yet"),
        ("started", f"{run.started:%Y-%m-%d %H:%M:%S} UTC"),
        ("duration", duration(run.seconds)),
        ("id column", label_text(result.id_column)),
        ("attributes", _attributes(result.schema)),
        ("violations", _severities(*count_by_severity(result.findings))),
    ]
    if run.retries:
        facts.append(("requests repeated", f"{run.retries:,}"))
    if result.note:
        facts.insert(0, ("result", result.note))
    if why:
        facts.append(("why", visible(why, _MAX_REASON_CHARS)))
    return tuple(facts)


# what next ---------------------------------------------------------------------------------------------------------


def _plan_steps(plan: PlanSummary, errors: int, warnings: int) -> list[Step]:
    steps = _data_steps("plan", errors, warnings)
    if any(each.value is not None for each in plan.suggestions):
        again = phrase("plan again with them", "give them in the command")
        words = f"Review the suggested options, then {again}."
        steps.insert(0, Step(words, phrase("options = plan.suggest()", "")))
    steps += _type_steps(plan)
    if errors:
        words = "Or leave out the invalid rows and values, and send the rest."
        steps.append(Step(words, phrase('plan.push(errors="drop")', options_text(errors="drop"))))
    elif sum(plan.counts.values()):
        steps.append(Step("Send it.", phrase("plan.push()", "growlytics-pandas push")))
    return steps


def _type_steps(plan: PlanSummary) -> list[Step]:
    """Return the step to look at the types that the push may fix, and at what is noted of them."""
    schema = plan.schema[plan.schema["type"].notna()]
    fresh = int((schema["known_type"].isna() & ~schema["reserved"].astype(bool)).sum())
    if not fresh:
        return []
    suggested = {repr(each.column) for each in plan.suggestions}
    noted = zip(schema["column"], schema["note"], strict=True)
    notes = [f"{label_text(column)}: {note}." for column, note in noted if note and repr(column) not in suggested]
    verb = "is" if fresh == 1 else "are"
    words = f"Check the types: {plural(fresh, 'type')} {verb} not known yet, and cannot be changed after a push."
    return [Step(" ".join([words, *notes[:_MAX_NOTED]]), phrase("plan.schema", ""), StepKind.TYPES)]


def _data_steps(owner: str, errors: int, warnings: int) -> list[Step]:
    steps = []
    if errors:
        words = f"Fix the {_counted(errors, 'error')}: each violation names its fix."
        steps.append(Step(words, phrase(f"{owner}.violations", "--violations violations.csv")))
    if warnings:
        steps.append(
            Step(f"Check the {_counted(warnings, 'warning')}: what is sent may differ from what you intended.")
        )
    return steps


def _counted(count: int, noun: str) -> str:
    """Return a count and its noun, to follow "the"."""
    return noun if count == 1 else plural(count, noun)


def _steps_again(result: ResultSummary, failed: FailedRows) -> list[Step]:
    """Return the steps for rows that did not arrive: correct those that were rejected, send the others again."""
    refused = sum(count for (status, http, _), count in failed.reasons.items() if is_refused(status, http))
    kinds = steps_for_missing(result.counts, refused, (http for _, http, _ in failed.reasons))
    steps = []
    if StepKind.CORRECT in kinds:
        words = f"Correct {plural(refused, 'row')} that the service rejected; it would reject the same data again."
        steps.append(Step(words, phrase(f"{result.owner}.rejects()", "--rejects rejects.csv"), StepKind.CORRECT))
    if StepKind.WRONG_KEY in kinds:
        words = phrase(
            "Push the frame again with a client that has the right API key; this is safe.",
            "Run the same command again with the right API key; this is safe.",
        )
        steps.append(Step(words, kind=StepKind.WRONG_KEY))
    if StepKind.WRONG_URL in kinds:
        words = phrase(
            "Push the frame again with a client that has the right URL, and without a proxy or login page that "
            "intercepts requests; this is safe.",
            "Run the same command again with the right --base-url, and without a proxy or login page that intercepts "
            "requests; this is safe.",
        )
        steps.append(Step(words, kind=StepKind.WRONG_URL))
    if StepKind.RETRY in kinds:
        which = "other" if refused else " and ".join(status for status in RETRYABLE if result.counts[status])
        how = phrase("", ", by the same command")
        words = f"Send the {which} rows again{how}; this is safe."
        call = "retry(rejected=False)" if refused else "retry()"
        steps.append(Step(words, phrase(f"{result.owner}.{call}", "--skip-unchanged"), StepKind.RETRY))
    return steps


def _result_steps(result: ResultSummary, new: Mapping[str, str], failed: FailedRows) -> list[Step]:
    errors, warnings = count_by_severity(result.findings)
    steps = []
    is_dry = result.run.ended == Ended.DRY_RUN
    if not is_dry:
        steps += _steps_again(result, failed)
    steps += _data_steps(result.owner, errors, warnings)
    if result.counts[Status.INVALID] > result.run.n_left_out and not is_dry:
        words = f"Then push the corrected {phrase('frame', 'file')}; rows that arrived are skipped."
        call = phrase("push(…, skip_unchanged=True)", "--skip-unchanged")
        steps.append(Step(words, call, StepKind.PUSH_CORRECTED))
    if new:
        verb = "Check the types: a push would fix those" if is_dry else "This push fixed the types"
        words = f"{verb} of {plural(len(new), 'attribute')}; they cannot be changed later."
        steps.append(Step(words, phrase(f"{result.owner}.new_types", "")))
    if is_dry:
        drop = '(errors="drop")' if errors else "()"
        how = f", with {options_text(errors='drop')}" * bool(errors)
        words = "If it looks right, " + phrase("push it.", f"run the same command without --dry-run{how}.")
        steps.append(Step(words, phrase(f"{result.owner}.plan.push{drop}", ""), StepKind.PUSH_DRY))
    return steps or [Step("Nothing: every row arrived with all its attributes.")]


class HtmlRepr(ABC):
    """A plan or a result, which has a page."""

    @property
    @abstractmethod
    def _mask_numbers(self) -> dict[str, dict[str, int]]:
        """The numbers of customers with the same mask, shared by all displays of a plan: see `Masker`."""

    @abstractmethod
    def _page(self, masker: Masker, limits: TableLimits) -> Page:
        """Return the page, masked by `masker` and within `limits`."""

    def to_html(self, path: str | os.PathLike[str], *, mask: bool = True) -> Path:
        """Write a report: one HTML file that needs no network, to read, print or send.

        Parameters
        ----------
        path : str or path
            The file to write. Its folder must exist; an existing file is replaced.
        mask : bool
            Whether to mask ids, names, e-mail addresses and mobile numbers.

        Returns
        -------
        Path
        """
        return write_report(self._page(Masker(mask, self._mask_numbers), REPORT_LIMITS), path)

    def _repr_html_(self) -> str:
        """Show the summary, then rows that need attention; everything is escaped, ids and values are masked."""
        return render_notebook(self._page(Masker(numbers=self._mask_numbers), NOTEBOOK_LIMITS))


def write_report(page: Page, path: str | os.PathLike[str]) -> Path:
    """Write a page to a file and return its path.

    Raises
    ------
    InvalidArgumentError, InvalidArgumentTypeError
        The folder does not exist, or `path` is not a path.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise InvalidArgumentTypeError(f"path: found a {type(path).__name__}; it must be a path, such as 'push.html'.")
    target = Path(path)
    require_target(target, example="push.html")
    with replacing(target) as beside:
        beside.write_text(render_report(page), encoding="utf-8", newline="\n")
    return target
