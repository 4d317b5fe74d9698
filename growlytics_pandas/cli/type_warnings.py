"""Types that the first push would fix although another is probably meant: shown even with ``--quiet``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from growlytics_pandas._rules import Rule
from growlytics_pandas.cli.columns import Note
from growlytics_pandas.upload.plan import Plan
from growlytics_pandas.upload.planning import types_to_fix


def find_doubts(plan: Plan, noted: Mapping[int, Note]) -> dict[int, str]:
    """Return position → what to think about, of columns whose type is new to the ledger and was not asked for.

    `noted`: what was noted of columns as they were read.
    """
    new = types_to_fix(plan._layout, plan._common.dropped)
    groups = {group.attribute: group for group in plan._findings.groups() if group.rule is Rule.TYPE_DOUBTFUL}
    found = {}
    for attribute in plan._layout.attributes:
        note = noted.get(attribute.position)
        if attribute.name in groups and attribute.name in new:
            group = groups[attribute.name]
            found[attribute.position] = (
                f"{group.message} {_keep(attribute.column, new[attribute.name])} Fix: {group.fix}"
            )
        elif note and note.is_doubt and attribute.name in new:
            found[attribute.position] = f"{note.text} {_keep(attribute.column, new[attribute.name])}"
    return found


def _keep(column: object, type_: str) -> str:
    return f"To keep it a {type_}: --type {shlex.quote(f'{column}={type_}')}."
