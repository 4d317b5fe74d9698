"""A segment in the form: its fields and its plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets
import pandas as pd

from growlytics_pandas.client import Client
from growlytics_pandas.columns.options import PlanOptions
from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.form.choices import Choices, SegmentChoice
from growlytics_pandas.form.fields import checkbox, row, text_field
from growlytics_pandas.segments.members import find_members
from growlytics_pandas.segments.segment import Segment, SegmentPlan
from growlytics_pandas.upload.connection import connection_of, connection_or_default
from growlytics_pandas.upload.plan import Plan


class SegmentFields:
    """A checkbox, and below it the attribute and the members file; `on_change` is called after every change."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self.is_chosen = checkbox("Push a segment: these customers are its current members")
        self.attribute = text_field("Attribute", "Is VIP")
        self.members = text_field("Members file", "vip.csv")
        self._fields = row(self.attribute, self.members)
        self._fields.layout.display = "none"
        self.widget = ipywidgets.VBox([self.is_chosen, self._fields])
        for field in (self.is_chosen, self.attribute, self.members):
            field.observe(self._changed, "value")

    @property
    def choice(self) -> SegmentChoice | None:
        """The chosen segment; None if columns are to be pushed instead."""
        return SegmentChoice(self.attribute.value, self.members.value) if self.is_chosen.value else None

    def _changed(self, _change: Any) -> None:
        self._fields.layout.display = "flex" if self.is_chosen.value else "none"
        self._on_change()


def plan_segment(frame: pd.DataFrame, choices: Choices, chosen: SegmentChoice, client: Client | None) -> SegmentPlan:
    """Return the plan of a push of the segment."""
    for name, value in (("Attribute", chosen.attribute), ("Members file", chosen.members)):
        if not value:
            raise InvalidArgumentError(f"{name}: it is empty. A segment needs an attribute and a members file.")
    segment = Segment(
        choices.id_column.label,
        chosen.attribute,
        find_members(chosen.members),
        value=True,
        left=False,
        resend=False,
        allow_empty=False,
        reading=PlanOptions(keep="first", **choices.id_reading()),
        client=connection_or_default(client),
    )
    return segment.plan(frame, connection_of(segment.client))


def moves_text(plan: Plan) -> str:
    """Return who joins and leaves, and why a push would be refused; '' if it is no plan of a segment."""
    if not isinstance(plan, SegmentPlan):
        return ""
    return " ".join(["Segment:", f"{plan._moves_text}.", plan._size_warning, ""])
