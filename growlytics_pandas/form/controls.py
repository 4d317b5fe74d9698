"""What the user clicks in the form: the table of columns; dry run, push, stop; and the fields that all look alike."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import ipywidgets

from growlytics_pandas._masking import storable
from growlytics_pandas._text import plural
from growlytics_pandas.checks.schema import name_of
from growlytics_pandas.contract import TYPES
from growlytics_pandas.errors import PushInterrupted
from growlytics_pandas.form.choices import Choices, ColumnChoice
from growlytics_pandas.form.picture import (
    column_text,
    count_open,
    error_html,
    note_html,
    old_html,
    suggestion_text,
)
from growlytics_pandas.upload.plan import PushResult
from growlytics_pandas.views.events import Listener, ProgressEvent
from growlytics_pandas.views.panel import render_html

PAGE_COLUMNS: Final = 40  # each is four widgets, and a page of thousands takes a browser seconds
AS_FOUND: Final = "auto"
SUGGESTED: Final = "suggested"
UNSEEN_LABEL: Final = {"description_width": "0"}  # for screen readers: the column's head is what others see
HEADS: Final = ("column", "attribute name", "read as", "becomes")
TEMPLATE: Final = "minmax(86px, 1.2fr) minmax(84px, 1.2fr) minmax(90px, 1fr) minmax(100px, 0.9fr)"


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


class Actions:
    """What can be done with what is chosen.

    Parameters
    ----------
    push : callable
        Does it, given whether it is a dry run and a listener for its progress.
    draw : callable
        Returns a result as HTML, masked.
    on_end : callable
        Called when a run has ended.
    """

    def __init__(
        self,
        push: Callable[[bool, Listener], PushResult],
        draw: Callable[[PushResult], str],
        on_end: Callable[[], None],
    ) -> None:
        self._do_push = push
        self._draw = draw
        self._on_end = on_end
        self.result: PushResult | None = None
        self._event: ProgressEvent | None = None
        self._obstacle = ""
        self._choice = self._choice_of_result = ""
        self._is_busy = threading.Lock()
        self._thread: threading.Thread | None = None
        self._dry_run = button("Dry run", "search", "What would happen to each row; nothing is sent")
        self._push = button("Push", "upload", "Send it", style="primary")
        self._stop = button("Stop", "stop", "Let what is in flight finish, and start nothing more")
        self._retry = button("Retry", "repeat", "Send the rows of this push that did not arrive again; this is safe")
        self._dry_run.on_click(lambda _: self._begin(self._run_dry))
        self._push.on_click(lambda _: self._begin(self._run_push))
        self._retry.on_click(lambda _: self._begin(self.result.retry) if self.result is not None else None)
        self._stop.on_click(lambda _: self._ask_to_stop())
        self.buttons = (self._dry_run, self._push, self._stop, self._retry)
        self.reason = ipywidgets.HTML()
        self._html = ""
        self._outcome = ipywidgets.HTML(layout=wide())
        self.widget = self._outcome
        self._enable()

    def offer(self, text: str, obstacle: str, choice: str) -> None:
        """Show what the button would push, or the obstacle to that; a result of another choice is an old one."""
        self._push.description = text
        self._obstacle = obstacle
        self._choice = choice
        self._enable()
        if not self._is_busy.locked():
            self._show_outcome()

    @property
    def outcome(self) -> str:
        """What the newest run came to, as HTML, masked; '' before the first."""
        return str(self._outcome.value)

    def wait(self) -> None:
        """Wait until what runs has ended."""
        if self._thread is not None:
            self._thread.join()

    @property
    def _is_old(self) -> bool:
        return self._choice != self._choice_of_result

    def _enable(self) -> None:
        is_busy = self._is_busy.locked()
        self._dry_run.disabled = is_busy
        self._push.disabled = is_busy or bool(self._obstacle)
        self.reason.value = "" if is_busy else note_html(self._obstacle)
        self._stop.layout.display = None if is_busy else "none"
        n_open = 0 if is_busy or self._is_old or self.result is None else count_open(self.result)
        self._retry.description = f"Retry {plural(n_open, 'row')}"
        self._retry.layout.display = None if n_open else "none"

    def _begin(self, run: Callable[[], PushResult]) -> None:
        """Start a run. A second click that was on its way already finds the lock taken."""
        if not self._is_busy.acquire(blocking=False):
            return
        self._event = None
        self._choice_of_result = self._choice
        self._stop.disabled = True  # until there is something to stop
        self._enable()
        # The context goes along, for some kernels find the cell to write to in it. A daemon: a kernel that is shut
        # down does not wait, and the ledger knows what was accepted.
        work = contextvars.copy_context()
        self._thread = threading.Thread(target=work.run, args=(self._run, run), name="growlytics-form", daemon=True)
        self._thread.start()

    def _run(self, run: Callable[[], PushResult]) -> None:
        try:
            self._html = self._carry_out(run)
        finally:
            self._is_busy.release()
            self._enable()
            self._show_outcome()
            self._on_end()

    def _carry_out(self, run: Callable[[], PushResult]) -> str:
        """Do it and return what came of it as HTML; on a thread, an error that is raised is seen by nobody."""
        try:
            self.result = run()
        except (Exception, PushInterrupted) as error:  # noqa: BLE001 - as said
            result = getattr(error, "result", None)
            self.result = result or self.result
            shown = "" if isinstance(error, PushInterrupted) else error_html(error)
            return shown + (self._draw(result) if result is not None else "")
        return self._draw(self.result)

    def _run_dry(self) -> PushResult:
        return self._do_push(True, self._show_event)

    def _run_push(self) -> PushResult:
        return self._do_push(False, self._show_event)

    def _show_event(self, event: ProgressEvent) -> None:
        self._event = event
        show(self._outcome, render_html(event))
        self._stop.disabled = event.is_stopping

    def _show_outcome(self) -> None:
        show(self._outcome, old_html(self._html) if self._html and self._is_old else self._html)

    def _ask_to_stop(self) -> None:
        """Ask once: a second time would mean to stop at once."""
        if self._event is not None and not self._event.is_stopping:
            self._stop.disabled = True
            self._event.stop()


def dropdown(title: str, options: Sequence[tuple[str, Any]], value: Any) -> Any:
    """Return a choice of one, its title before it."""
    return ipywidgets.Dropdown(
        description=title,
        options=list(options),
        value=value,
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="auto", min_width="0", max_width="100%", margin="2px 16px 2px 0"),
    )


def checkbox(title: str) -> Any:
    """Return a box to tick, no wider than its title."""
    return ipywidgets.Checkbox(
        description=title, indent=False, layout=ipywidgets.Layout(width="auto", margin="2px 16px 2px 0")
    )


def button(title: str, icon: str, tooltip: str, *, style: str = "", width: str = "auto") -> Any:
    """Return a button."""
    return ipywidgets.Button(
        description=title,
        icon=icon,
        tooltip=tooltip,
        button_style=style,
        layout=ipywidgets.Layout(width=width, margin="2px 8px 2px 0"),
    )


def row(*fields: Any) -> Any:
    """Return fields beside each other, or below where there is no room."""
    return ipywidgets.Box(
        list(fields), layout=ipywidgets.Layout(display="flex", flex_flow="row wrap", align_items="center")
    )


def wide(margin: str = "4px 0") -> Any:
    """Return the layout of a part that takes the whole width; a wide table in it scrolls by itself."""
    return ipywidgets.Layout(width="100%", margin=margin, overflow="hidden", display="block")


def show(part: Any, html: str) -> None:
    """Show HTML in a part of the form, which takes no room where there is none."""
    part.value = html
    part.layout.display = "block" if html else "none"
