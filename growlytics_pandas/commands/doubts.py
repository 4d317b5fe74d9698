"""Types that a push would fix for good although another is probably meant. They are told even with ``--quiet``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from growlytics_pandas.commands.columns import Note
from growlytics_pandas.hints import hint
from growlytics_pandas.layout import Attribute
from growlytics_pandas.planning import Plan, types_to_fix


def find_doubts(plan: Plan, told: Mapping[int, Note]) -> dict[int, str]:
    """Return position → what to think about, of columns whose type is new to the ledger and was not asked for.

    `told`: what was noted of columns as they were read.
    """
    new = types_to_fix(plan.layout, plan.screening.dropped)
    found = {a.position: _doubt(plan, a, told.get(a.position)) for a in plan.layout.attributes if a.name in new}
    return {position: text for position, text in found.items() if text}


def _doubt(plan: Plan, attribute: Attribute, note: Note | None) -> str:
    """Return the doubt and how to settle it, '' where there is none."""
    why = (note.text if note.is_doubt else "") if note else _hinted(plan, attribute)
    if not why or attribute.type is None:
        return ""
    keep = shlex.quote(f"{attribute.column}={attribute.type.value}")
    return f"{why} To keep it a {attribute.type.value}: --type {keep}. The first push fixes the type for good."


def _hinted(plan: Plan, attribute: Attribute) -> str:
    if not attribute.note:  # nothing was hinted at, or the type was asked for
        return ""
    found = hint(plan.frame.iloc[:, attribute.position], attribute.kind, attribute.name)
    if found.wanted in (None, attribute.type):
        return ""
    return f"column {attribute.column!r} goes out as {attribute.type}: {found.text}."
