"""All the checks of a frame, in order: attributes, ids, values."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas.blocks import Budget, prepare, starts
from growlytics_pandas.cells import Mask
from growlytics_pandas.id_rules import check_ids
from growlytics_pandas.layout import Layout
from growlytics_pandas.name_rules import check_attributes, dropped_columns
from growlytics_pandas.rules import Rule
from growlytics_pandas.value_rules import check_block
from growlytics_pandas.violations import Found, build_frame


@dataclass(frozen=True, slots=True)
class Screening:
    """What can be said before the values are looked at: columns and rows of which nothing is sent, and why."""

    findings: tuple[Found, ...]
    dropped: frozenset[int]
    skipped: Mask
    skipped_by: Mapping[Rule, npt.NDArray[np.int64]]


def screen(frame: pd.DataFrame, layout: Layout) -> Screening:
    """Check names, types and ids."""
    attributes = check_attributes(frame, layout)
    ids = check_ids(frame, layout)
    return Screening((*attributes, *ids.findings), dropped_columns(attributes), ids.skipped, ids.skipped_by)


def find_violations(
    frame: pd.DataFrame, layout: Layout, screening: Screening, budget: Budget | None = None, first_row: int = 0
) -> pd.DataFrame:
    """Check every value too, block by block, and return all violations as one frame.

    `first_row`: where this frame begins, if it is a part of a larger one.
    """
    findings = list(screening.findings)
    for start, stop in starts(len(frame)):
        block = prepare(frame, layout, screening.dropped, start, stop, budget)
        findings += check_block(frame, layout, block)
    return build_frame(findings, frame.index, first_row)
