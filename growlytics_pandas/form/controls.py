"""The controls of the form: the table of columns, and the buttons for dry run, push and stop."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Any, Final

import ipywidgets

from growlytics_pandas._masking import Masker, storable
from growlytics_pandas._status import Ended
from growlytics_pandas._text import plural
from growlytics_pandas.checks.schema import name_of
from growlytics_pandas.errors import AuthenticationError, PushInterrupted
from growlytics_pandas.form.fields import button, show, wide
from growlytics_pandas.form.in_notebook import BUSY_CLASS, COLUMNS_CLASS, FRAME_CLASS
from growlytics_pandas.form.snippets import column_text, error_html, note_html, old_html, reading_text
from growlytics_pandas.form.state import ColumnState, FormState, joined
from growlytics_pandas.upload.plan import PushResult
from growlytics_pandas.views.events import Listener, ProgressEvent
from growlytics_pandas.views.panel import render_html

PAGE_COLUMNS: Final = 40  # per page: each has four widgets, and thousands take a browser seconds
AS_FOUND: Final = "auto"
SUGGESTED: Final = "suggested"
UNSEEN_LABEL: Final = {"description_width": "0"}  # for screen readers; on screen, the table has headings
HEADS: Final = ("column", "attribute name", "read as", "becomes")
TEMPLATE: Final = "minmax(86px, 1.3fr) minmax(84px, 1.1fr) minmax(116px, 1.1fr) minmax(110px, 1.5fr)"


class ColumnGrid:
    """A table with one row per column, in pages; `on_change` is called after every change."""

    def __init__(self, state: FormState, on_change: Callable[[ColumnState], None]) -> None:
        self._state = state
        self._on_change = on_change
        self._becomes: Mapping[int, str] = {}
        self._rows: dict[int, ColumnRow] = {}
        self._page = 0
        self._table = ipywidgets.GridBox(
            layout=ipywidgets.Layout(grid_template_columns=TEMPLATE, grid_gap="0", align_items="stretch")
        )
        self._table.add_class(COLUMNS_CLASS)
        frame = ipywidgets.Box(
            [self._table],
            layout=ipywidgets.Layout(
                display="block",
                max_height="560px",
                padding="0 0 6px",
                overflow="auto",
                border="1px solid rgba(128, 128, 128, 0.35)",
            ),
        )
        frame.add_class(FRAME_CLASS)
        self._before, self._after = (
            _page_button("arrow-left", "Previous columns"),
            _page_button("arrow-right", "More columns"),
        )
        self._before.on_click(lambda _: self._turn(-1))
        self._after.on_click(lambda _: self._turn(1))
        self._where = ipywidgets.Label()
        pager = ipywidgets.HBox([self._before, self._where, self._after])
        pager.layout.display = "none" if len(state.columns) <= PAGE_COLUMNS else None
        self.widget = ipywidgets.VBox([frame, pager], layout=wide("6px 0"))
        self._cell = ipywidgets.Layout(width="auto", min_width="0", margin="0")  # shared: each is a model of its own
        self._turn(0)

    def show(self, state: FormState, becomes: Mapping[int, str] | None) -> None:
        """Show other state, without calling `on_change`; `becomes`: position → HTML, None if it is not known."""
        self._state = state
        self._becomes = self._becomes if becomes is None else becomes
        for column in state.columns:
            if column.position in self._rows:
                self._rows[column.position].show(column, self._becomes)

    def _turn(self, pages: int) -> None:
        """Show another page; its rows are created when they are first shown."""
        columns = self._state.columns
        last = max(0, (len(columns) - 1) // PAGE_COLUMNS)
        self._page = min(max(self._page + pages, 0), last)
        start = self._page * PAGE_COLUMNS
        shown = columns[start : start + PAGE_COLUMNS]
        heads = [ipywidgets.HTML(f"<b>{head}</b>", layout=self._cell) for head in HEADS]
        self._table.children = [*heads, *(widget for column in shown for widget in self._row(column).widgets)]
        self._where.value = f"columns {start + 1:,} to {start + len(shown):,} of {len(columns):,}"

    def _row(self, column: ColumnState) -> ColumnRow:
        if column.position not in self._rows:
            self._rows[column.position] = ColumnRow(column, self._becomes, self._cell, self._on_change)
        return self._rows[column.position]


class ColumnRow:
    """The fields of one column."""

    def __init__(
        self,
        column: ColumnState,
        becomes: Mapping[int, str],
        layout: Any,
        on_change: Callable[[ColumnState], None],
    ) -> None:
        self._on_change = on_change
        self._is_showing = False
        self._own_name = storable(name_of(column.label))
        called = column_text(column)
        self.send = ipywidgets.Checkbox(description=called, indent=False, layout=layout)
        self.name = ipywidgets.Text(
            description=f"Attribute name of {called}", style=UNSEEN_LABEL, continuous_update=False, layout=layout
        )
        self.type = ipywidgets.Dropdown(
            description=f"Read {called} as", style=UNSEEN_LABEL, options=list(readings_of(column)), layout=layout
        )
        self.becomes = ipywidgets.HTML(layout=layout)
        self.widgets = (self.send, self.name, self.type, self.becomes)
        self.show(column, becomes)
        for field in (self.send, self.name, self.type):
            field.observe(self._changed, "value")

    def show(self, column: ColumnState, becomes: Mapping[int, str]) -> None:
        """Show a choice, and what becomes of the column, without calling `on_change`."""
        self._is_showing = True
        try:
            self._column = column
            self.send.value = column.is_sent
            self.name.value = self._own_name if column.name is None else column.name
            readings = readings_of(column)
            if list(readings) != list(self.type.options):
                self.type.options = list(readings)
            self.type.value = next(words for words, reading in readings.items() if reading == column.reading)
            self.name.disabled = not column.is_sent
            self.type.disabled = len(readings) == 1
            self.becomes.value = becomes.get(column.position, "")
        finally:
            self._is_showing = False

    def _changed(self, _change: Any) -> None:
        if self._is_showing:
            return
        name = None if self.name.value in ("", self._own_name) else self.name.value
        reading = readings_of(self._column)[self.type.value]
        self._on_change(replace(self._column, is_sent=self.send.value, name=name, reading=reading).fitting())


def readings_of(column: ColumnState) -> dict[str, Mapping[str, Any]]:
    """Return the ways to read a column by name: unchanged, as suggested, as offered, or as one of the types."""
    found: dict[str, Mapping[str, Any]] = {AS_FOUND: {}}
    if column.suggestion:
        found[SUGGESTED] = column.suggestion
    offered = [(reading_text(offer), joined(column.reading, offer)) for offer in (*column.choices, *column.offers)]
    types: list[tuple[str, dict[str, Any]]] = [(name, {"types": name}) for name in column.types if column.is_sent]
    for words, reading in [*offered, *types]:
        if reading not in found.values():
            found.setdefault(words, reading)
    if column.reading not in found.values():
        found[reading_text(column.reading)] = column.reading
    return found


def _page_button(icon: str, tooltip: str) -> Any:
    return button("", icon, tooltip, width="40px")


class Actions:
    """The buttons that act on the state, and the outcome of the newest run.

    Parameters
    ----------
    push : callable
        Pushes; its arguments are whether it is a dry run, and a listener for the progress.
    draw : callable
        Returns a result as HTML; its second argument is whether values are masked.
    on_end : callable
        Called when a run has ended.
    """

    def __init__(
        self,
        push: Callable[[bool, Listener], PushResult],
        draw: Callable[[PushResult, bool], str],
        on_end: Callable[[], None],
    ) -> None:
        self._draw = draw
        self._on_end = on_end
        self.result: PushResult | None = None
        self._event: ProgressEvent | None = None
        self._n_to_retry = 0
        self._is_pushed = False
        self._note, self._is_off = "", False
        self._choice = self._choice_of_result = ""
        self._is_busy = threading.Lock()
        self._thread: threading.Thread | None = None
        self._dry_run = button("Dry run", "search", "Show the outcome of each row without sending anything")
        self._push = button("Push", "upload", "Send the rows", style="primary")
        self._stop = button("Stop", "stop", "Finish the requests in flight, and send no others")
        self._retry = button(
            "Retry", "repeat", "Send the rows that did not arrive again; this is safe", style="primary"
        )
        self._dry_run.on_click(lambda _: self._begin(partial(push, True, self._show_event)))
        self._push.on_click(lambda _: self._begin(partial(push, False, self._show_event)))
        self._retry.on_click(lambda _: self._run_retry())
        self._stop.on_click(lambda _: self._ask_to_stop())
        self.buttons = (self._dry_run, self._push, self._stop, self._retry)
        self.reason = ipywidgets.HTML()
        self._draw_outcome: Callable[[bool], str] | None = None
        self._is_masked = True
        self.widget = self._outcome = ipywidgets.HTML(layout=wide())
        self._enable()

    def offer(self, text: str, note: str, choice: str, *, is_off: bool, is_masked: bool) -> None:
        """Show what the button would push, with a note, or why it is off; mark a result of another choice as old."""
        self._is_masked = is_masked
        self._push.description = text
        self._note, self._is_off = note, is_off
        self._choice = choice
        self._enable()
        if not self._is_busy.locked():
            self._show_outcome()

    @property
    def outcome(self) -> str:
        """The outcome of the newest run as masked HTML; '' before the first."""
        return str(self._outcome.value) if self._is_busy.locked() else self._outcome_html(is_masked=True)

    def wait(self) -> None:
        """Wait until the current run has ended."""
        if self._thread is not None:
            self._thread.join()

    @property
    def is_current(self) -> bool:
        """Whether the outcome, or the progress, is that of the present state."""
        return (self._draw_outcome is not None or self._is_busy.locked()) and not self._is_old

    @property
    def _is_old(self) -> bool:
        return self._choice != self._choice_of_result

    def _enable(self) -> None:
        is_busy = self._is_busy.locked()
        for start in (self._dry_run, self._push):  # not disabled while busy: that would lose the keyboard's focus
            (start.add_class if is_busy else start.remove_class)(BUSY_CLASS)
        self._push.disabled = self._is_off
        is_done = self._is_pushed and not is_busy and not self._is_old
        self._push.button_style = "" if self._is_off or is_done else "primary"
        self.reason.value = "" if is_busy or (is_done and not self._is_off) else note_html(self._note)
        can_stop = is_busy and self._event is not None and not self._event.is_stopping
        self._stop.layout.display = None if can_stop else "none"
        n_to_retry = 0 if is_busy or self._is_old else self._n_to_retry
        self._retry.description = f"Retry {plural(n_to_retry, 'row')}"
        self._retry.layout.display = None if n_to_retry else "none"

    def _begin(self, run: Callable[[], PushResult]) -> None:
        """Start a run. The lock prevents that a second click starts another."""
        if not self._is_busy.acquire(blocking=False):
            return
        self._event = None
        self._choice_of_result = self._choice
        self._enable()
        # Some kernels find the cell for the output by the context, so it is copied. The thread is a daemon, so that
        # a kernel can shut down; the ledger has the accepted rows.
        work = contextvars.copy_context()
        self._thread = threading.Thread(target=work.run, args=(self._run, run), name="growlytics-form", daemon=True)
        self._thread.start()

    def _run(self, run: Callable[[], PushResult]) -> None:
        try:
            self._draw_outcome = cache(self._carry_out(run))
        finally:
            self._is_busy.release()
            self._enable()
            self._show_outcome()
            self._on_end()

    def _carry_out(self, run: Callable[[], PushResult]) -> Callable[[bool], str]:
        """Run it and return what draws the outcome, also of an error: nobody would see one raised on a thread."""
        self._n_to_retry, self._is_pushed, can_retry = 0, False, True
        result: PushResult | None
        try:
            result = run()
        except (Exception, PushInterrupted) as error:  # noqa: BLE001 - see the docstring
            result = getattr(error, "result", None)  # its page has the reason, too
            can_retry = not isinstance(error, AuthenticationError)
            if result is None:
                return partial(_error_html, error)
        self.result = result
        self._is_pushed = result.run.ended != Ended.DRY_RUN
        if can_retry and self._is_pushed:
            self._n_to_retry = result._n_to_retry
        return partial(self._draw, result)

    def _run_retry(self) -> None:
        if self.result is not None:
            self._begin(partial(self.result.retry, rejected=False))
            self._dry_run.focus()  # the button that had it disappears

    def _show_event(self, event: ProgressEvent) -> None:
        is_first = self._event is None
        self._event = event
        show(self._outcome, render_html(event))
        if is_first:
            self._enable()

    def _show_outcome(self) -> None:
        show(self._outcome, self._outcome_html(is_masked=self._is_masked))

    def _outcome_html(self, *, is_masked: bool) -> str:
        html = self._draw_outcome(is_masked) if self._draw_outcome else ""
        return old_html(html) if html and self._is_old else html

    def _ask_to_stop(self) -> None:
        """Request a stop once: a second request would abort the requests in flight."""
        if self._event is not None and not self._event.is_stopping:
            self._stop.layout.display = "none"
            self._dry_run.focus()  # the button that had it disappears
            self._event.stop()


def _error_html(error: BaseException, is_masked: bool) -> str:
    return error_html(error, Masker(is_masked))
