"""Which segment it is: attribute, values, members file; and the way from a frame to its plan and push."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas.checks.findings import Findings
from growlytics_pandas.checks.frame import Precheck
from growlytics_pandas.checks.ids import check_ids
from growlytics_pandas.checks.messages import python_options
from growlytics_pandas.checks.names import check_attributes, dropped_columns
from growlytics_pandas.checks.schema import find_id, infer_schema
from growlytics_pandas.client import Client, require_client
from growlytics_pandas.columns.dtypes import inspect
from growlytics_pandas.columns.options import PlanOptions
from growlytics_pandas.errors import (
    ConstraintViolationError,
    DataError,
    InvalidArgumentError,
    InvalidArgumentTypeError,
)
from growlytics_pandas.segments.members import locked, read_members
from growlytics_pandas.segments.plan import Moves, SegmentPlan, compare
from growlytics_pandas.segments.run import SegmentResult, SegmentRun
from growlytics_pandas.upload.plan import budget_of
from growlytics_pandas.upload.push_options import PushOptions, settle


@dataclass(frozen=True, slots=True)
class Segment:
    """The arguments of `push_segment` that say what the segment is.

    `write_options` and `label` are for the texts of violations: see `Findings`.
    """

    id_col: Hashable
    attribute: str
    members: Path
    value: Any
    left: Any
    resend: bool
    allow_empty: bool
    reading: PlanOptions
    client: Client | None = field(repr=False)
    write_options: Callable[[Mapping[str, Any]], str] = python_options
    label: str = ""

    def __post_init__(self) -> None:
        _check_attribute(self.attribute, self.id_col)
        _check_values(self.value, self.left)
        for argument in ("resend", "allow_empty"):
            found = getattr(self, argument)
            if not isinstance(found, (bool, np.bool_)):
                raise InvalidArgumentError(f"{argument}: found {found!r}; it must be True or False.")

    def push(self, frame: pd.DataFrame, options: PushOptions) -> SegmentResult:
        """Compare the frame with the members file, and send the difference."""
        with nullcontext() if options.dry_run else locked(self.members):
            plan = self.plan(frame, require_client(options.client) or self.client)
            made, client = settle(plan, options)
            settled = cast("SegmentPlan", made)
            self._refuse_incomplete(settled, options)
            if not options.dry_run and settled.doubt:
                raise DataError(settled.doubt)
            run = SegmentRun(settled, client, options, settled.open_book(), settled.before)
            return cast("SegmentResult", run.run_to_end())

    def plan(self, frame: pd.DataFrame, client: Client | None) -> SegmentPlan:
        """Work out who joined, left and stayed."""
        workspace = client.workspace if client else None
        known = workspace.known_types() if workspace else None
        ids = frame.iloc[:, [find_id(frame, self.id_col)]]
        id_layout = infer_schema(
            ids, self.id_col, replace(self._reading_of_id(ids.columns[0]), new_attributes="allow"), known=None
        )
        checked = check_ids(ids, id_layout)
        texts = id_layout.read_ids(ids.iloc[:, 0]).texts
        before = read_members(self.members)
        moves = compare(texts, checked.skipped, before or {}, resend=self.resend)
        combined = self._combined(ids, texts, moves)
        layout = infer_schema(combined, self.id_col, self._options(), known=known)
        violations = check_attributes(layout, len(combined))
        of_ids = Findings(checked.violations, ids).detach(0).violations  # the frame's own ids, not as they are sent
        made = SegmentPlan(
            combined,
            layout,
            client,
            budget_of(workspace, layout),
            self._options(),
            lambda _plan, **options: self.push(frame, PushOptions(**options)),
            lambda other: self.plan(frame, other),
            segment=self,
            source=frame,
            moves=moves,
            before=before,
        )
        skipped = np.concatenate([checked.skipped, np.zeros(len(moves.leavers), dtype=bool)])
        precheck = Precheck((*violations, *of_ids), dropped_columns(violations), skipped, checked.skipped_by)
        vars(made)["screening"] = precheck
        return made

    def _reading_of_id(self, label: Hashable) -> PlanOptions:
        """Return the options with what concerns the id alone: no option is to change the value."""
        given = self.reading
        words = given.na_values
        listed = words.get(label, ()) if isinstance(words, Mapping) else words or ()
        strip = [label] if given.strip is True or (isinstance(given.strip, list) and label in given.strip) else False
        spelling = {key: how for key, how in (given.normalize or {}).items() if key == label}
        return replace(given, na_values={label: listed} if listed else None, strip=strip, normalize=spelling or None)

    def _options(self) -> PlanOptions:
        """Return the options of what is sent: the ids are read already."""
        return replace(self.reading, columns=[self.attribute], na_values=None, strip=False, normalize=None, keep=False)

    def _combined(self, ids: pd.DataFrame, texts: list[str], moves: Moves) -> pd.DataFrame:
        """Return the rows of the frame, and after them those who left, with what is sent for each."""
        leavers = list(moves.leavers)
        index = ids.index
        if leavers:
            index = pd.Index([*index.tolist(), *[None] * len(leavers)], dtype=object, tupleize_cols=False)
        columns = {
            0: pd.Series([*texts, *leavers], dtype=object),
            1: _column([self.value] * len(texts) + [self.left] * len(leavers)),
        }
        combined = pd.DataFrame(columns).set_axis(index)
        combined.columns = pd.Index([ids.columns[0], self.attribute], dtype=object, tupleize_cols=False)
        return combined

    def _refuse_incomplete(self, plan: SegmentPlan, options: PushOptions) -> None:
        """Refuse requests without the attribute, also with ``errors="drop"``: nothing of the segment would be left."""
        if plan.screening.dropped and not options.dry_run:
            found = next(group for group in plan.findings.groups() if group.row is None)
            raise ConstraintViolationError(
                f"nothing was sent: {found.message} Without this attribute nothing of the segment is left to send, "
                f"with errors='drop', too. Fix: {found.fix}",
                plan=plan,
            )


def _check_attribute(attribute: Any, id_col: Hashable) -> None:
    if not isinstance(attribute, str):
        raise InvalidArgumentTypeError(f"attribute: found {attribute!r}; it must be text, such as 'Is VIP'.")
    if attribute in contract.RESERVED_ATTRIBUTES:
        raise InvalidArgumentError(
            f"attribute: {attribute!r} is a reserved attribute, which campaigns are sent with; name one of your own."
        )
    if attribute == id_col:
        raise InvalidArgumentError(f"attribute: {attribute!r} is the id column; name an attribute of your own.")


def _check_values(value: Any, left: Any) -> None:
    for argument, found in (("value", value), ("left", left)):
        if not pd.api.types.is_scalar(found) or pd.isna(found) or inspect(_column([found])).type is None:
            raise InvalidArgumentError(
                f"{argument}: found {found!r}; it must be True or False, text, a number or a date. A missing value "
                "cannot be sent."
            )
    types = [inspect(_column([found])).type for found in (value, left)]
    if types[0] is not types[1]:
        raise InvalidArgumentError(
            f"left: found {left!r}, a {types[1]}, and value is {value!r}, a {types[0]}; an attribute has one type."
        )
    if value == left:
        raise InvalidArgumentError(f"left: found {left!r}, which is what value is; those who left could not be told.")


def _column(values: list[Any]) -> pd.Series[Any]:
    return pd.Series(values, dtype=None if values else object)
