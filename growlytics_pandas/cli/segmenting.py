"""``segment``: send the customers who joined or left a segment."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

from growlytics_pandas.cli import options
from growlytics_pandas.cli.inspect import summarise, write_notes
from growlytics_pandas.cli.loading import Loaded, read_table
from growlytics_pandas.cli.output_files import check_outputs, write_outputs
from growlytics_pandas.cli.plan_flags import add_plan, check_file, read_options
from growlytics_pandas.cli.pushing import SENDING, next_step, of_error, of_result, run_to_end
from growlytics_pandas.cli.running import Command
from growlytics_pandas.cli.service import notes_of_client, open_client
from growlytics_pandas.cli.signals import Stopper
from growlytics_pandas.cli.summary import Summary
from growlytics_pandas.columns.options import PlanOptions
from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.segments import Segment, SegmentPlan, SegmentResult, find_members
from growlytics_pandas.upload.push_options import PushOptions
from growlytics_pandas.views.progress import open_listener

_READING: Final = ("na_values", "strip", "normalize", "timezone", "region", "name", "new_attributes")


def _add_options(parser: argparse.ArgumentParser) -> None:
    options.add_file(parser)
    group = parser.add_argument_group("the segment (FILE: its current members)")
    group.add_argument("--attribute", required=True, metavar="NAME", help="the attribute that marks members")
    group.add_argument(
        "--members",
        required=True,
        type=Path,
        metavar="PATH",
        help="a csv that this command reads and writes: the members after the last run; it contains ids in plain text, "
        "so only its owner may read it",
    )
    group.add_argument("--value", type=_value, default=True, help="sent for customers who joined (default: true)")
    group.add_argument("--left", type=_value, default=False, help="sent for customers who left (default: false)")
    group.add_argument("--resend", action="store_true", help="also send --value for customers who stayed")
    group.add_argument(
        "--allow-empty",
        action="store_true",
        help="allow a file without customers, or with fewer than half of the members",
    )
    add_plan(parser, _READING)
    options.add_service(parser)
    options.add_sending(parser)
    options.add_output(parser, files=("report", "violations", "rejects", "outcomes"))


def _value(text: str) -> Any:
    """Read a value: true, false, a number, or text."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def _push_segment(arguments: argparse.Namespace, stopper: Stopper) -> Summary:
    check_outputs(arguments)
    if arguments.members.absolute() == Path(arguments.file).absolute():
        raise InvalidArgumentError("--members: it is also FILE; give another file, which this command will write.")
    given = {key: value for key, value in read_options(arguments).items() if key in _READING}
    client = open_client(arguments, needs_key=not arguments.dry_run)
    source, table = read_table(arguments)
    check_file(arguments, table.frame.columns)
    notes = (*table.notes, *notes_of_client(client))
    write_notes(notes, is_quiet=arguments.quiet)
    reading = PlanOptions(**given, keep="first")
    reading.check_columns(table.frame.columns)
    segment = Segment(
        arguments.id_col,
        arguments.attribute,
        find_members(arguments.members),
        value=arguments.value,
        left=arguments.left,
        resend=arguments.resend,
        allow_empty=arguments.allow_empty,
        reading=reading,
        client=client,
        label="line",
    )
    frame = table.frame.rename_axis(index="line")

    def push(**how: Any) -> SegmentResult:
        return segment.push(frame, PushOptions(**how))

    progress = stopper.watch(None if arguments.quiet or arguments.dry_run else open_listener("text"))
    found, error = run_to_end(push, {name: getattr(arguments, name) for name in SENDING} | {"progress": progress})
    result = cast("SegmentResult", found)
    loaded = Loaded(result.plan, source, table, given, notes, {})
    summary = of_result(summarise(arguments, loaded), result)
    summary = replace(summary, rows=len(frame), segment=_facts(result))
    summary = of_error(summary, error, stopper)
    summary = replace(summary, next=next_step(summary, arguments))
    return write_outputs(summary, arguments, result.plan, result)


def _facts(result: SegmentResult) -> dict[str, Any]:
    plan: SegmentPlan = result.plan
    return {
        "attribute": plan._segment.attribute,
        "members": str(plan._segment.members),
        "is_first_run": result.is_first_run,
        "joined": result.joined,
        "left": result.left,
        "stayed": result.stayed,
        "note": result.note,
    }


SEGMENT: Final = Command("segment", "send the customers who joined or left a segment", _add_options, _push_segment)
