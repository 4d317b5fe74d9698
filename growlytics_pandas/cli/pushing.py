"""``push``: send a file, and report the outcome in any case.

``segment``: send the customers who joined or left a segment.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, cast

import pandas as pd

from growlytics_pandas._status import RETRYABLE, Ended, Status, is_refused
from growlytics_pandas._text import plural
from growlytics_pandas.cli.flags import OF_FILE, PUSH_FLAGS, read_options
from growlytics_pandas.cli.loading import (
    Loaded,
    begin_summary,
    load_and_check,
    notes_of_client,
    open_client,
    read_table,
    write_notes,
)
from growlytics_pandas.cli.output_files import add_output_file, check_outputs, write_outputs
from growlytics_pandas.cli.running import Command, Exit, Stopper, explain
from growlytics_pandas.cli.summary import REFUSED, FailedRow, Summary, as_line
from growlytics_pandas.columns.plan_options import PlanOptions
from growlytics_pandas.errors import ConstraintViolationError, ServiceError
from growlytics_pandas.http.protocol import one_line
from growlytics_pandas.options import PLAN_KEYS
from growlytics_pandas.segments.api import push_segment
from growlytics_pandas.segments.members import find_members
from growlytics_pandas.segments.segment import Segment, SegmentResult
from growlytics_pandas.upload.changes import changes_text
from growlytics_pandas.upload.connection import PushOptions, connection_of
from growlytics_pandas.upload.plan import PushResult
from growlytics_pandas.upload.runner import EndedRun
from growlytics_pandas.views.headline import steps_for_missing
from growlytics_pandas.views.html import StepKind
from growlytics_pandas.views.progress import open_listener

_SHOWN_FAILURES: Final = 10


def _push(arguments: argparse.Namespace, stopper: Stopper) -> Summary:
    check_outputs(arguments)
    loaded = load_and_check(arguments)
    changes = None if arguments.quiet else loaded.plan.changes
    if changes and any(changes.values()) and not arguments.dry_run:
        sys.stderr.write(f"{one_line(arguments.file)}: {changes_text(changes)}\n")  # before it is sent
    result, error = run_to_end(loaded.plan._push, arguments, stopper)
    summary = of_result(begin_summary(arguments, loaded), result).with_changes(changes)
    return _concluded(of_error(summary, error, stopper), arguments, result)


def _concluded(summary: Summary, arguments: argparse.Namespace, result: PushResult) -> Summary:
    """Write the output files, and return the summary with the next step."""
    summary = replace(summary, next=next_step(summary, arguments))
    return write_outputs(summary, arguments, result.plan, result)


def of_error(summary: Summary, error: BaseException | None, stopper: Stopper) -> Summary:
    """Return `summary` with the error that ended the push."""
    if isinstance(error, ConstraintViolationError):
        nothing: dict[str, Any] = {"new_types": {}, "seconds": None, "started": None}
        return replace(summary, exit_status=Exit.DATA, ended=REFUSED, would_refuse=False, **nothing)
    if error is None:
        return summary
    summary = explain(error, summary, stopper)
    if not isinstance(error, ServiceError) or error.result is None:
        return summary
    return replace(summary, message=error.result.plan._part.customer_masks((summary.message,)).hide(summary.message))


def run_to_end(
    push: Callable[[PushOptions], EndedRun[PushResult]], arguments: argparse.Namespace, stopper: Stopper
) -> tuple[PushResult, BaseException | None]:
    """Push, and return the result, also after an error; if violations prevented the push, that of a dry run."""
    sending = {name: getattr(arguments, name) for name in PUSH_FLAGS}
    progress = stopper.watch(None if arguments.quiet or arguments.dry_run else open_listener("text"))
    try:
        ended = push(PushOptions(**sending, progress=progress))
    except ConstraintViolationError as error:
        return push(PushOptions(dry_run=True)).result, error
    return ended.result, ended.show()


def of_result(summary: Summary, result: PushResult) -> Summary:
    """Return `summary` with the outcome of the rows."""
    counts, failed, types = result.counts, result.failed, result.new_types
    is_dry = result.run.ended == Ended.DRY_RUN
    # A row that --keep leaves out is `invalid`, but not an error: the user requested it.
    n_lost = 0 if is_dry else sum(counts[status] for status in RETRYABLE)
    summary = summary.with_findings(result._findings)
    return replace(
        summary,
        exit_status=Exit.DATA if summary.errors or n_lost else Exit.DONE,
        ended=result.run.ended,
        would_refuse=result.run.would_refuse,
        counts=counts,
        is_incomplete=not is_dry and result.has_incomplete_rows,
        new_types={} if result.run.would_refuse else dict(zip(types["attribute"], types["type"], strict=True)),
        failures=_failures(result, failed),
        refused=sum(map(is_refused, failed["status"], failed["http_status"].fillna(0))),
        started=result.run.started.isoformat(timespec="seconds"),
        seconds=round(result.run.seconds, 3),
        retries=result.run.retries,
        base_url=result.run.base_url,
    )


def _failures(result: PushResult, failed: pd.DataFrame) -> tuple[FailedRow, ...]:
    shown = failed[failed["status"].isin([Status.FAILED, Status.UNKNOWN])].head(_SHOWN_FAILURES)
    hide = result.plan._part.customer_masks(shown["error"].dropna()).hide  # logs must not contain customer data
    rows = shown["row"], shown["index"], shown["status"], shown["http_status"].fillna(0), shown["error"]
    return tuple(
        FailedRow(row, line, status, http_status or None, as_line(hide(str(error))))
        for row, line, status, http_status, error in zip(*(column.tolist() for column in rows), strict=True)
    )


def next_step(summary: Summary, arguments: argparse.Namespace) -> str:
    """Return what to do next; '' if there is nothing to do."""
    http_statuses = (failure.http_status for failure in summary.failures)
    steps = steps_for_missing(summary.counts or {}, summary.refused, http_statuses)
    if summary.ended == REFUSED or summary.would_refuse:
        lists = "" if arguments.violations else " --violations PATH lists them all."
        return f"correct the file, or send the rest without those values: --errors drop.{lists}"
    if StepKind.WRONG_KEY in steps:
        return "give the right API key, then run the same command again."
    if StepKind.WRONG_URL in steps:
        return "give the right --base-url, or remove what intercepts requests, then run the same command again."
    if summary.ended == Ended.DRY_RUN or summary.exit_status in (Exit.DONE, Exit.CALL, Exit.FAULT):
        return ""
    if not steps:
        return _next_for_rejects(arguments)
    return _next_for_failures(summary, arguments)


def _next_for_failures(summary: Summary, arguments: argparse.Namespace) -> str:
    """Return what to do about the rows that were sent and did not arrive."""
    if summary.refused:
        rows = f"the {plural(summary.refused, 'row')} that the service rejected, and would reject again"
        lists = "" if arguments.rejects else " --rejects PATH writes them with the reasons."
        return f"correct {rows}, then run the same command again.{lists}"
    if arguments.ledger == "none":
        has_arrived = any((summary.counts or {}).get(status) for status in (Status.ACCEPTED, Status.UNKNOWN))
        again = "; rows that arrived are sent again, which changes nothing" if has_arrived else ""
        return f"run the same command again{again}."
    again = "" if arguments.skip_unchanged else " with --skip-unchanged"
    return f"run the same command again{again}: only the missing rows are sent."


def _next_for_rejects(arguments: argparse.Namespace) -> str:
    """Return what to do about the rows and values that were left out, if all others arrived."""
    if arguments.command == "segment":  # FILE must contain all members
        lists = "" if arguments.rejects else " --rejects PATH lists them, and why."
        return f"correct what was left out in the file, then run the same command again.{lists}"
    given = [f"--{name.replace('_', '-')}" for name in OF_FILE if getattr(arguments, name)]
    without = f" without {', '.join(given)}" if given else ""
    if arguments.rejects is None:
        return f"--rejects PATH writes what was left out, and why: correct it there, then push that file{without}."
    return f"correct what was left out in {arguments.rejects}, then push that file{without}."


_FILES: Final = ("report", "violations", "rejects", "outcomes")
PUSH: Final = Command("push", "send a file, and report the rows that did not arrive", _push, files=_FILES, sends=True)


# the segment -------------------------------------------------------------------------------------------------------

_READING: Final = tuple(name for name in PLAN_KEYS if name in inspect.signature(push_segment).parameters)


def _add_segment_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the segment (FILE: its current members)")
    group.add_argument("--attribute", required=True, metavar="NAME", help="the attribute that marks members")
    add_output_file(group, "members", required=True)
    group.add_argument("--value", type=_value, default=True, help="sent for customers who joined (default: true)")
    group.add_argument("--left", type=_value, default=False, help="sent for customers who left (default: false)")
    group.add_argument("--resend", action="store_true", help="also send --value for customers who stayed")
    group.add_argument(
        "--allow-empty",
        action="store_true",
        help="allow a file without customers, or with fewer than half of the members",
    )


def _value(text: str) -> Any:
    """Read a value: true, false, a number, or text."""
    with contextlib.suppress(ValueError):
        value = json.loads(text.lower())
        return value if isinstance(value, (bool, int, float)) else text
    return text


def _push_segment(arguments: argparse.Namespace, stopper: Stopper) -> Summary:
    check_outputs(arguments)
    given = {key: value for key, value in read_options(arguments).items() if key in _READING}
    client = open_client(arguments)
    segment = Segment(
        arguments.id_col,
        arguments.attribute,
        find_members(arguments.members),
        value=arguments.value,
        left=arguments.left,
        resend=arguments.resend,
        allow_empty=arguments.allow_empty,
        reading=PlanOptions(**given, keep="first"),
        label="line",
    )
    table = read_table(arguments)
    segment.reading.check_columns(table.frame.columns)
    of_client = notes_of_client(client)
    write_notes(of_client, is_quiet=arguments.quiet)
    frame = table.frame.rename_axis(index="line")

    def push(options: PushOptions) -> EndedRun[SegmentResult]:
        return segment.push(frame, options, connection_of(client))

    found, error = run_to_end(push, arguments, stopper)
    result = cast("SegmentResult", found)
    loaded = Loaded(result.plan, given, (*table.notes, *of_client))
    summary = of_result(begin_summary(arguments, loaded), result)
    facts = {name: getattr(result, name) for name in ("is_first_run", "joined", "left", "stayed", "note")}
    facts = {"attribute": segment.attribute, "members": str(segment.members), **facts}
    summary = replace(summary, rows=len(frame), segment=facts)
    return _concluded(of_error(summary, error, stopper), arguments, result)


SEGMENT: Final = Command(
    "segment",
    "send the customers who joined or left a segment",
    _push_segment,
    files=_FILES,
    plan_options=_READING,
    sends=True,
    add_more=_add_segment_options,
)
