"""The plan of a segment: who joined, left and stayed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas._status import Status
from growlytics_pandas._text import plural
from growlytics_pandas.checks.findings import Findings
from growlytics_pandas.checks.frame import check_frame
from growlytics_pandas.checks.schema import find_id
from growlytics_pandas.columns.extract import Mask
from growlytics_pandas.segments.members import IN_DOUBT
from growlytics_pandas.upload.outcomes import CODES, OutcomeBuffer
from growlytics_pandas.upload.plan import Plan

if TYPE_CHECKING:
    from growlytics_pandas.segments.segment import Segment

FEW: Final = 10  # members: of fewer, all may well leave at once

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class SegmentPlan(Plan):
    """What a push of a segment would do: the rows of the frame, and after them those who left."""

    segment: Segment = field(repr=False)
    source: pd.DataFrame = field(repr=False)
    moves: Moves = field(repr=False)
    before: dict[str, str] | None = field(repr=False)

    @cached_property
    def findings(self) -> Findings:
        """The violations, before they are made into a frame."""
        found = check_frame(self.frame, self.layout, self.screening, self.budget)
        segment = self.segment
        return Findings(found.violations, self.frame, write_options=segment.write_options, label=segment.label)

    @property
    def first_leaver(self) -> int:
        """The row of the first who left."""
        return len(self.frame) - len(self.moves.leavers)

    @property
    def is_first_run(self) -> bool:
        """Whether there is no members file yet, so that no leavers are known."""
        return self.before is None

    @property
    def doubt(self) -> str:
        """Why the frame is suspiciously small; '' where it is not, or `allow_empty` allows it."""
        present, known = len(self.moves.joiners) + len(self.moves.stayers), len(self.before or {})
        if self.segment.allow_empty:
            return ""
        if not present:
            found = "no customer"
        elif 2 * present < known:
            found = f"{plural(present, 'customer')}, fewer than half of the {known:,} in members"
        elif known >= FEW and len(self.moves.leavers) == known:
            found = f"none of the {known:,} customers in members"
        else:
            return ""
        return (
            f"df: it has {found}; {plural(len(self.moves.leavers), 'customer')} would be sent "
            f"{self.segment.attribute} = {self.segment.left!r}. Nothing was sent. If that is meant: allow_empty=True."
        )

    def open_book(self) -> OutcomeBuffer:
        """Open the book: rows that cannot be sent are settled, those who stayed are unchanged, all others `unsent`."""
        book = super().open_book()
        book.note_all(self.moves.unsent, Status.UNCHANGED)
        return book

    @property
    def counts(self) -> dict[str, int]:
        """Status → number of rows, as a dry run would tell."""
        return self.open_book().counts()

    def source_rows(self, rows: Rows) -> pd.DataFrame:
        """Return rows of the user's frame; of those who left there is the id alone."""
        first = self.first_leaver
        found, gone = self.source.iloc[rows[rows < first]], rows[rows >= first]
        if not len(gone):
            return found
        cells = np.full((len(gone), found.shape[1]), None, dtype=object)
        cells[:, find_id(found, self.segment.id_col)] = self.ids(gone)
        ids = pd.DataFrame(cells, columns=found.columns).set_axis(pd.Index([None] * len(gone), dtype=object))
        plain = found.astype(object).set_axis(pd.Index(found.index.tolist(), dtype=object, tupleize_cols=False))
        joined: pd.DataFrame = pd.concat([plain, ids])
        return joined

    def to_send(self) -> Mask:
        """Return which rows would be sent."""
        return np.equal(self.open_book().codes(), CODES[Status.UNSENT])

    def __repr__(self) -> str:
        joined, left, stayed = len(self.moves.joiners), len(self.moves.leavers), len(self.moves.stayers)
        return f"<SegmentPlan of {self.segment.attribute!r}: {joined:,} join, {left:,} leave, {stayed:,} stay>"


@dataclass(frozen=True, slots=True)
class Moves:
    """Who joined, left and stayed: rows of the frame, and the ids of those who are not in it any more, sorted."""

    joiners: Rows
    stayers: Rows
    leavers: tuple[str, ...]
    resent: bool

    @property
    def unsent(self) -> Rows:
        """The rows of the frame that need no request."""
        return self.stayers[:0] if self.resent else self.stayers


def compare(texts: list[str], skipped: Mask, before: Mapping[str, str], *, resend: bool) -> Moves:
    """Compare ids as they are sent. One in doubt is sent again, whether it is in the frame or not."""
    rows = np.flatnonzero(~skipped)
    stays = np.fromiter((before.get(texts[row], IN_DOUBT) != IN_DOUBT for row in rows.tolist()), bool, len(rows))
    now = {texts[row] for row in rows.tolist()}
    return Moves(rows[~stays], rows[stays], tuple(sorted(before.keys() - now)), resend)
