"""All the checks of a frame, in order: attributes, ids, values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas._rules import Rule
from growlytics_pandas.checks.chunks import Budget, check_rows, prepare
from growlytics_pandas.checks.doubtful_types import check_suggestions, with_options
from growlytics_pandas.checks.findings import Findings
from growlytics_pandas.checks.ids import check_ids
from growlytics_pandas.checks.names import check_attributes, dropped_columns
from growlytics_pandas.checks.schema import Schema
from growlytics_pandas.checks.suggestion import Suggestion
from growlytics_pandas.checks.values import check_block, screen_columns, settled_columns
from growlytics_pandas.checks.violations import Violation
from growlytics_pandas.columns.dtypes import Mask, starts


@dataclass(frozen=True, slots=True)
class Precheck:
    """What is known before the values are checked: columns and rows of which nothing is sent, and why."""

    violations: tuple[Violation, ...]
    dropped: frozenset[int]
    skipped: Mask
    skipped_by: Mapping[Rule, npt.NDArray[np.int64]]


def precheck(frame: pd.DataFrame, layout: Schema) -> Precheck:
    """Check names, types and ids."""
    attributes = check_attributes(layout, len(frame))
    ids = check_ids(frame, layout)
    return Precheck((*attributes, *ids.violations), dropped_columns(attributes), ids.skipped, ids.skipped_by)


def check_frame(
    frame: pd.DataFrame,
    layout: Schema,
    checked: Precheck,
    budget: Budget | None = None,
    suggestions: Sequence[Suggestion] = (),
) -> Findings:
    """Check every value too, block by block, and return all violations."""
    violations = [*with_options(checked.violations, suggestions)]
    violations += check_suggestions(layout, suggestions, len(frame))
    screens = screen_columns(frame, layout, checked.dropped)
    settled = settled_columns(layout, screens)
    id_is_sent = any(attribute.position == layout.id_position for attribute in layout.attributes)
    needs_ids = budget is not None or (id_is_sent and layout.id_position not in settled)
    without_id = None if needs_ids else _without_id(checked, len(frame))
    for start, stop in starts(len(frame), check_rows(frame.shape[1])):
        block = prepare(frame, layout, checked.dropped, start, stop, budget, settled, without_id)
        violations += check_block(frame, layout, block, screens)
    return Findings(_naming_columns(violations), frame)


def _without_id(checked: Precheck, rows: int) -> Mask:
    mask = np.zeros(rows, dtype=bool)
    for rule in (Rule.ID_MISSING, Rule.ID_ROUNDED):
        mask[checked.skipped_by[rule]] = True
    return mask


def _naming_columns(violations: list[Violation]) -> list[Violation]:
    """Let the violations of the 100 attributes name all columns past the 100th."""
    columns = frozenset(each.column for each in violations if each.rule is Rule.TOO_MANY_ATTRIBUTES)
    if not columns:
        return violations
    return [
        replace(each, params={"columns": columns}) if each.rule is Rule.TOO_MANY_ATTRIBUTES else each
        for each in violations
    ]
