"""Progress in a notebook: one output that moves while the push runs and stays as a static summary."""

import contextlib
from collections.abc import Mapping
from typing import Any, Final

from growlytics_pandas.views.environment import has_widgets
from growlytics_pandas.views.events import ProgressEvent
from growlytics_pandas.views.panel_html import render_html, render_text
from growlytics_pandas.views.stop_button import StopButton

PATIENCE_SECONDS: Final = 2.0  # a front end that answers does so in 0.1 s; the first widget of a page takes longer
HOW_TO_STOP: Final = "To stop, interrupt the kernel: the ■ button, or the key I twice."
AT_SAVING: Final = "So far when this was shown; how the push went on was not saved with the notebook."


class Panel:
    """A listener that shows a push in one output of the cell.

    It begins as a widget, if there are widgets, for the sake of its Stop button. As long as no click would get through
    it goes on as plain HTML and says how to interrupt: such output moves in any front end, and under a headless run.
    """

    def __init__(self) -> None:
        self._output: Any = None
        self._button: StopButton | None = None
        self._shows_button = False

    def __call__(self, event: ProgressEvent) -> None:
        """Draw one event."""
        if self._output is None:
            self._open(event)
        elif event.kind == "end":
            self._close(event)
        else:
            self._update(event)

    def _open(self, event: ProgressEvent) -> None:
        from IPython.display import display  # noqa: PLC0415 - only where there is a kernel

        self._button = StopButton(event.stop) if has_widgets() else None
        self._shows_button = self._button is not None
        self._output = display(self._draw(event), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        if self._button is not None:
            self._button.ask(event.elapsed_seconds)

    def _update(self, event: ProgressEvent) -> None:
        shown, button = self._shows_button, self._button
        if button is not None:
            self._shows_button = button.is_live or event.elapsed_seconds < PATIENCE_SECONDS
        bundle = self._draw(event)
        if not (shown and self._shows_button):  # else what is there moves by itself
            self._output.update(bundle, raw=True)
        if button is not None:
            button.ask(event.elapsed_seconds)

    def _close(self, event: ProgressEvent) -> None:
        self._output.update(static(event), raw=True)
        if self._button is not None:
            with contextlib.suppress(Exception):  # a comm that is gone is as good as closed
                self._button.close()

    def _draw(self, event: ProgressEvent) -> Mapping[str, Any]:
        """Draw into the widget where that is what shows, and return the output to show."""
        if self._button is not None and self._shows_button:
            self._button.draw(render_html(event), is_stopping=event.is_stopping)
            return {**self._button.bundle(), **static(event, AT_SAVING)}
        return static(event, "" if event.is_stopping else HOW_TO_STOP)


def static(event: ProgressEvent, hint: str = "") -> dict[str, str]:
    """Return `event` as output that needs no kernel and no script."""
    return {"text/html": render_html(event, hint), "text/plain": render_text(event)}
