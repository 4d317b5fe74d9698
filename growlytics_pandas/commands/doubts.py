"""Types that a push would fix for good although another is probably meant. They are told even with ``--quiet``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from growlytics_pandas.commands.columns import Note
from growlytics_pandas.layout import Attribute
from growlytics_pandas.planning import Plan, types_to_fix


def find_doubts(plan: Plan, told: Mapping[int, Note]) -> dict[int, str]:
    """Return position → what to think about, of columns whose type is new to the ledger and was not asked for.

    `told`: what was noted of columns as they were read.
    """
    new = types_to_fix(plan.layout, plan.screening.dropped)
    found = {a.position: _doubt(a, told.get(a.position)) for a in plan.layout.attributes if a.name in new}
    return {position: text for position, text in found.items() if text}


def _doubt(attribute: Attribute, note: Note | None) -> str:
    """Return the doubt and how to settle it, '' where there is none."""
    why = (note.text if note.is_doubt else "") if note else _hinted(attribute)
    if not why or attribute.type is None:
        return ""
    keep = shlex.quote(f"{attribute.column}={attribute.type.value}")
    return f"{why} To keep it a {attribute.type.value}: --type {keep}. The first push fixes the type for good."


def _hinted(attribute: Attribute) -> str:
    if attribute.hint.wanted in (None, attribute.type):
        return ""
    return f"column {attribute.column!r} goes out as {attribute.type}: {attribute.hint.text}."
