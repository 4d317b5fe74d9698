"""The table of columns in the form: send or not, attribute name, type, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import ipywidgets

from growlytics_pandas._masking import storable
from growlytics_pandas.checks.schema import name_of
from growlytics_pandas.contract import TYPES
from growlytics_pandas.form.choices import Choices, ColumnChoice
from growlytics_pandas.form.fields import button, wide
from growlytics_pandas.form.picture import column_text, suggestion_text

PAGE_COLUMNS: Final = 40  # each is four widgets, and a page of thousands takes a browser seconds
AS_FOUND: Final = "auto"
SUGGESTED: Final = "suggested"
UNSEEN_LABEL: Final = {"description_width": "0"}  # for screen readers: the column's head is what others see
HEADS: Final = ("column", "attribute name", "read as", "becomes")
TEMPLATE: Final = "minmax(110px, 1.2fr) minmax(110px, 1.2fr) minmax(110px, 1fr) minmax(110px, 0.9fr)"


class ColumnGrid:
    """One row a column, a page at a time; `on_change` is told of every new choice."""

    def __init__(self, choices: Choices, on_change: Callable[[ColumnChoice], None]) -> None:
        self._choices = choices
        self._on_change = on_change
        self._becomes: Mapping[int, str] = {}
        self._rows: dict[int, ColumnRow] = {}
        self._page = 0
        self._table = ipywidgets.GridBox(
            layout=ipywidgets.Layout(grid_template_columns=TEMPLATE, grid_gap="0 8px", align_items="center")
        )
        frame = ipywidgets.Box(
            [self._table],
            layout=ipywidgets.Layout(
                display="block", max_height="330px", overflow="auto", border="1px solid rgba(128, 128, 128, 0.35)"
            ),
        )
        self._before, self._after = (
            _page_button("arrow-left", "The columns before"),
            _page_button("arrow-right", "More columns"),
        )
        self._before.on_click(lambda _: self._turn(-1))
        self._after.on_click(lambda _: self._turn(1))
        self._where = ipywidgets.Label()
        pager = ipywidgets.HBox([self._before, self._where, self._after])
        pager.layout.display = "none" if len(choices.columns) <= PAGE_COLUMNS else None
        self.widget = ipywidgets.VBox([frame, pager], layout=wide("6px 0"))
        self._layouts = _Schemas()
        self._turn(0)

    def show(self, choices: Choices) -> None:
        """Show other choices, without telling of them."""
        self._choices = choices
        for column in choices.columns:
            if column.position in self._rows:
                self._rows[column.position].show(column)

    def show_becomes(self, becomes: Mapping[int, str]) -> None:
        """Show what each column becomes: HTML by position."""
        self._becomes = becomes
        for position, row in self._rows.items():
            row.becomes.value = becomes.get(position, "")

    def _turn(self, pages: int) -> None:
        """Show another page; its rows are made when they are first looked at."""
        columns = self._choices.columns
        last = max(0, (len(columns) - 1) // PAGE_COLUMNS)
        self._page = min(max(self._page + pages, 0), last)
        start = self._page * PAGE_COLUMNS
        shown = columns[start : start + PAGE_COLUMNS]
        heads = [ipywidgets.HTML(f"<b>{head}</b>", layout=self._layouts.head) for head in HEADS]
        self._table.children = [*heads, *(widget for column in shown for widget in self._row(column).widgets)]
        self._where.value = f"columns {start + 1:,} to {start + len(shown):,} of {len(columns):,}"
        self._before.disabled, self._after.disabled = self._page == 0, self._page == last

    def _row(self, column: ColumnChoice) -> ColumnRow:
        if column.position not in self._rows:
            self._rows[column.position] = row = ColumnRow(column, self._layouts, self._tell)
            row.becomes.value = self._becomes.get(column.position, "")
        return self._rows[column.position]

    def _tell(self, column: ColumnChoice) -> None:
        self._choices = self._choices.with_column(column)
        self._on_change(column)


class ColumnRow:
    """The fields of one column."""

    def __init__(self, column: ColumnChoice, layouts: _Schemas, on_change: Callable[[ColumnChoice], None]) -> None:
        self._column = column
        self._on_change = on_change
        self._is_showing = False
        self._own_name = storable(name_of(column.label))
        self.send = ipywidgets.Checkbox(description=column_text(column), indent=False, layout=layouts.cell)
        called = column_text(column)
        self.name = ipywidgets.Text(
            description=f"Attribute name of {called}", style=UNSEEN_LABEL, continuous_update=False, layout=layouts.cell
        )
        self.type = ipywidgets.Dropdown(
            description=f"Read {called} as", style=UNSEEN_LABEL, options=_readings(column), layout=layouts.cell
        )
        self.becomes = ipywidgets.HTML(layout=layouts.cell)
        self.widgets = (self.send, self.name, self.type, self.becomes)
        self.show(column)
        for field in (self.send, self.name, self.type):
            field.observe(self._changed, "value")

    def show(self, column: ColumnChoice) -> None:
        """Show a choice, without telling of it."""
        self._is_showing = True
        try:
            self._column = column
            self.send.value = column.is_sent
            self.name.value = self._own_name if column.name is None else column.name
            if _readings(column) != list(self.type.options):
                self.type.options = _readings(column)
            # None would mean that nothing is chosen
            self.type.value = SUGGESTED if column.is_suggested else column.type or AS_FOUND
            self.name.disabled = not column.is_sent
            self.type.disabled = not column.is_sent and not column.suggestion
        finally:
            self._is_showing = False

    def _changed(self, _change: Any) -> None:
        if self._is_showing:
            return
        name = None if self.name.value in ("", self._own_name) else self.name.value
        chosen = self.type.value
        self.show(
            replace(
                self._column,
                is_sent=self.send.value,
                name=name,
                type=chosen if chosen in TYPES else None,
                is_suggested=chosen == SUGGESTED,
            )
        )
        self._on_change(self._column)


class _Schemas:
    """Layouts that all rows share: each would be a model of its own in the browser."""

    def __init__(self) -> None:
        self.cell = ipywidgets.Layout(width="auto", min_width="0", margin="1px 6px")
        self.head = ipywidgets.Layout(width="auto", margin="2px 6px")


def _readings(column: ColumnChoice) -> list[tuple[str, str]]:
    """Return the ways to read a column: as it is found, as suggested, as one of the types."""
    suggested = [(suggestion_text(column.suggestion), SUGGESTED)] if column.suggestion else []
    return [(AS_FOUND, AS_FOUND), *suggested, *((name, name) for name in TYPES)]


def _page_button(icon: str, tooltip: str) -> Any:
    return button("", icon, tooltip, width="40px")
