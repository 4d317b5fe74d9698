"""DataFrames of violations and of the schema that read well in a notebook: the same columns, a display of their own.

Only the frame as it was returned has it. What is made from it (`query`, `head`, `copy`, …) is a plain DataFrame.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pandas as pd

from growlytics_pandas._masking import Masker
from growlytics_pandas._rules import Effect, Group, Rule, Severity
from growlytics_pandas.views.html import render_tables
from growlytics_pandas.views.page import Table
from growlytics_pandas.views.tables import Limits, schema_table, violations_table

FRAME_LIMITS = Limits(rules=20, reasons=0, rows=0, columns=50)


class ViolationsFrame(pd.DataFrame):
    """Violations, shown by rule and column."""

    _metadata = ["_id_column"]  # noqa: RUF012 - pandas' own way to keep an attribute

    _id_column: Hashable = None

    @property
    def _constructor(self) -> Any:
        return pd.DataFrame

    def _repr_html_(self) -> str:
        """Show what was found in each column, errors first, with an example (masked) and the option that settles it."""
        table = violations_table(_Grouped(self), self._id_column, Masker(), FRAME_LIMITS)
        return render_tables([table or Table("No violations", (), ())])


class SchemaFrame(pd.DataFrame):
    """A schema, with its notes wrapped."""

    @property
    def _constructor(self) -> Any:
        return pd.DataFrame

    def _repr_html_(self) -> str:
        """Show what each column becomes."""
        table = schema_table(self, {}, FRAME_LIMITS)
        return render_tables([table or Table("No columns", (), ())])


def violations_frame(frame: pd.DataFrame, id_column: Hashable) -> ViolationsFrame:
    """Return violations with the display of their own; `id_column` is masked in it."""
    shown = ViolationsFrame(frame)
    shown._id_column = id_column  # noqa: SLF001 - a class of this module
    return shown


class _Grouped:
    """The violations of a frame by rule and column."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def __len__(self) -> int:
        return len(self._frame)

    def count(self, severity: Severity) -> int:
        return int(self._frame["severity"].eq(severity.value).sum())

    def groups(self) -> list[Group]:
        frame = self._frame
        by = [frame["rule"].astype(object), frame["column"].map(repr), frame["fix"].astype(object)]
        groups = [_group(rows) for _, rows in frame.groupby(by, sort=False)]
        return sorted(groups, key=lambda group: (group.severity is not Severity.ERROR, -group.cells))


def _group(rows: pd.DataFrame) -> Group:
    first = rows.iloc[0]
    return Group(
        Rule(first["rule"]),
        Severity(first["severity"]),
        Effect(first["effect"]),
        first["column"],
        None if pd.isna(first["attribute"]) else first["attribute"],
        len(rows),
        int(rows["count"].sum()),
        None if pd.isna(first["row"]) else int(first["row"]),
        first["value"],
        first["message"],
        "" if pd.isna(first["fix"]) else first["fix"],
    )
