"""``push``: send a file, and report the outcome in any case."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pandas as pd

from growlytics_pandas._status import RETRYABLE, Status, is_refusal
from growlytics_pandas._text import plural
from growlytics_pandas.api import last_result
from growlytics_pandas.cli import options
from growlytics_pandas.cli.exits import Exit
from growlytics_pandas.cli.inspect import load_and_check, summarise
from growlytics_pandas.cli.messages import as_line
from growlytics_pandas.cli.output_files import check_outputs, write_outputs
from growlytics_pandas.cli.plan_flags import add_plan, read_options
from growlytics_pandas.cli.running import Command, explain
from growlytics_pandas.cli.signals import Stopper
from growlytics_pandas.cli.summary import FailedRow, Summary
from growlytics_pandas.errors import ConstraintViolationError, ServiceError
from growlytics_pandas.http.protocol import one_line
from growlytics_pandas.upload.plan import PushResult
from growlytics_pandas.upload.planning import changes_text
from growlytics_pandas.views.progress import open_listener

_SHOWN_FAILURES: Final = 10
SENDING: Final = (
    *("errors", "dry_run", "skip_unchanged", "chunk_size", "max_concurrency", "max_rate", "max_failures", "label"),
)


def _add_options(parser: argparse.ArgumentParser) -> None:
    options.add_file(parser)
    add_plan(parser)
    options.add_service(parser)
    options.add_sending(parser)
    options.add_output(parser, files=("report", "violations", "rejects", "outcomes"))


def _push(arguments: argparse.Namespace, stopper: Stopper) -> Summary:
    check_outputs(arguments)
    given = read_options(arguments)
    loaded = load_and_check(arguments, given, needs_key=not arguments.dry_run)
    progress = stopper.watch(None if arguments.quiet or arguments.dry_run else open_listener("text"))
    sending = {name: getattr(arguments, name) for name in SENDING}
    changes = None if arguments.quiet else loaded.plan.changes
    if changes and any(changes.values()) and not arguments.dry_run:
        sys.stderr.write(f"{one_line(arguments.file)}: {changes_text(changes)}\n")  # before it is sent
    result, error = run_to_end(loaded.plan.push, sending | {"progress": progress})
    summary = of_result(summarise(arguments, loaded), result).with_changes(changes)
    summary = of_error(summary, error, stopper)
    summary = replace(summary, next=next_step(summary, arguments))
    return write_outputs(summary, arguments, loaded.plan, result)


def of_error(summary: Summary, error: BaseException | None, stopper: Stopper) -> Summary:
    """Return `summary` with the error that ended the push."""
    if isinstance(error, ConstraintViolationError):
        return replace(
            summary,
            exit_status=Exit.DATA,
            ended="refused",
            would_refuse=False,
            new_types={},
            seconds=None,
            started=None,
        )
    if error is None:
        return summary
    summary = explain(error, summary, stopper)
    if not isinstance(error, ServiceError) or error.result is None:
        return summary
    return replace(summary, message=error.result.plan._crowd((summary.message,)).hide(summary.message))


def run_to_end(push: Callable[..., PushResult], sending: dict[str, Any]) -> tuple[PushResult, BaseException | None]:
    """Push, and return the result, also after an error; if violations prevented the push, that of a dry run."""
    before = last_result()
    try:
        return push(**sending), None
    except ConstraintViolationError as error:
        return push(dry_run=True), error
    except (Exception, KeyboardInterrupt) as error:
        result = last_result()
        if not isinstance(result, PushResult) or result is before:
            raise
        return result, error


def of_result(summary: Summary, result: PushResult) -> Summary:
    """Return `summary` with the outcome of the rows."""
    counts = result.counts
    is_dry = result.run.ended == "dry run"
    # A row that --keep leaves out is `invalid`, but not an error: the user requested it.
    n_lost = 0 if is_dry else sum(counts[status] for status in RETRYABLE)
    return replace(
        summary,
        exit_status=Exit.DATA if summary.errors or n_lost else Exit.DONE,
        ended=result.run.ended,
        would_refuse=result.run.would_refuse,
        counts=counts,
        new_types={} if result.run.would_refuse else _types(result.new_types),
        failures=_failures(result),
        refused=sum(map(is_refusal, result.failed["http_status"].fillna(0).tolist())),
        started=result.run.started.isoformat(timespec="seconds"),
        seconds=round(result.run.seconds, 3),
        retries=result.run.retries,
        base_url=result.run.base_url,
    )


def _types(table: pd.DataFrame) -> dict[str, str]:
    return dict(zip(table["attribute"], table["type"], strict=True))


def _failures(result: PushResult) -> tuple[FailedRow, ...]:
    failed = result.failed
    shown = failed[failed["status"].isin([Status.FAILED, Status.UNKNOWN])].head(_SHOWN_FAILURES)
    columns = (shown[name].tolist() for name in ("row", "index", "status", "error"))  # customers who left have no line
    hide = result.plan._crowd(shown["error"].dropna()).hide  # logs must not contain customer data
    http = [status or None for status in shown["http_status"].fillna(0).tolist()]
    return tuple(
        FailedRow(row, line, status, code, as_line(hide(str(error))))
        for (row, line, status, error), code in zip(zip(*columns, strict=True), http, strict=True)
    )


def next_step(summary: Summary, arguments: argparse.Namespace) -> str:
    """Return what to do next; '' if there is nothing to do."""
    counts = summary.counts or {}
    if summary.ended == "refused" or summary.would_refuse:
        lists = "" if arguments.violations else " --violations PATH lists them all."
        return f"correct the file, or send the rest without those values: --errors drop.{lists}"
    if summary.ended == "dry run" or summary.exit_status in (Exit.DONE, Exit.CALL, Exit.FAULT):
        return ""
    if not any(counts.get(status) for status in RETRYABLE):
        return "" if arguments.violations else "--violations PATH lists what was left out, and why."
    if summary.refused:
        rows = f"the {plural(summary.refused, 'row')} that the service rejected, and would reject again"
        lists = "" if arguments.rejects else " --rejects PATH writes them with the reasons."
        return f"correct {rows}, then run the same command again.{lists}"
    if arguments.ledger == "none":
        has_arrived = any(counts.get(status) for status in (Status.ACCEPTED, Status.UNKNOWN))
        again = "; rows that arrived are sent again, which changes nothing" if has_arrived else ""
        return f"run the same command again{again}."
    again = "" if arguments.skip_unchanged else " with --skip-unchanged"
    return f"run the same command again{again}: only the missing rows are sent."


PUSH: Final = Command("push", "send a file, and report the rows that did not arrive", _add_options, _push)
