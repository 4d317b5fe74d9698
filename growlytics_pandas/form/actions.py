"""The buttons of the form: dry run, push, stop. A push runs in a thread of its own, so that Stop is heard."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets

from growlytics_pandas.errors import PushInterrupted
from growlytics_pandas.form.fields import button, row, wide
from growlytics_pandas.form.picture import error_html, outcome_html
from growlytics_pandas.upload.plan import Plan, PushResult
from growlytics_pandas.views.events import ProgressEvent
from growlytics_pandas.views.panel import render_html


class Actions:
    """What can be done with what is chosen: `make_plan` and `options` are asked when a button is clicked."""

    def __init__(self, make_plan: Callable[[], Plan], options: Callable[[], Mapping[str, Any]]) -> None:
        self._make_plan = make_plan
        self._options = options
        self.result: PushResult | None = None
        self._event: ProgressEvent | None = None
        self._is_ready = False
        self._is_busy = threading.Lock()
        self._thread: threading.Thread | None = None
        self._dry_run = button("Dry run", "search", "What would happen to each row; nothing is sent")
        self._push = button("Push", "upload", "Send it", style="primary")
        self._stop = button("Stop", "stop", "Let what is in flight finish, and start nothing more")
        self._stop.layout.display = "none"
        self._dry_run.on_click(lambda _: self._begin(dry_run=True))
        self._push.on_click(lambda _: self._begin(dry_run=False))
        self._stop.on_click(lambda _: self._ask_to_stop())
        self._outcome = ipywidgets.HTML(layout=wide())
        self.widget = ipywidgets.VBox([row(self._dry_run, self._push, self._stop), self._outcome])

    def offer(self, text: str, *, is_ready: bool) -> None:
        """Say what the button would push, and let it be clicked or not."""
        self._push.description = text
        self._is_ready = is_ready
        self._enable()

    def wait(self) -> None:
        """Wait until what runs has ended."""
        if self._thread is not None:
            self._thread.join()

    def _enable(self) -> None:
        is_busy = self._is_busy.locked()
        self._dry_run.disabled = is_busy
        self._push.disabled = is_busy or not self._is_ready
        self._stop.layout.display = None if is_busy else "none"

    def _begin(self, *, dry_run: bool) -> None:
        """Start a run. A second click that was on its way already finds the lock taken."""
        if not self._is_busy.acquire(blocking=False):
            return
        self._event = None
        self._stop.disabled = True  # until there is something to stop
        self._enable()
        # The context goes along, for some kernels find the cell to write to in it. A daemon: a kernel that is shut
        # down does not wait, and the ledger knows what was accepted.
        work = contextvars.copy_context()
        self._thread = threading.Thread(target=work.run, args=(self._run, dry_run), name="growlytics-form", daemon=True)
        self._thread.start()

    def _run(self, dry_run: bool) -> None:
        try:
            self._outcome.value = self._carry_out(dry_run)
        finally:
            self._is_busy.release()
            self._enable()

    def _carry_out(self, dry_run: bool) -> str:
        """Do it and return what came of it as HTML; on a thread, an error that is raised is seen by nobody."""
        try:
            plan = self._make_plan()
            self.result = plan.push(**self._options(), dry_run=dry_run, progress=self._draw)
        except (Exception, PushInterrupted) as error:  # noqa: BLE001 - as said
            self.result = getattr(error, "result", None) or self.result
            shown = "" if isinstance(error, PushInterrupted) else error_html(error)
            return shown + outcome_html(getattr(error, "result", None))
        return outcome_html(self.result)

    def _draw(self, event: ProgressEvent) -> None:
        self._event = event
        self._outcome.value = render_html(event)
        self._stop.disabled = event.is_stopping

    def _ask_to_stop(self) -> None:
        """Ask once: a second time would mean to stop at once."""
        if self._event is not None and not self._event.is_stopping:
            self._stop.disabled = True
            self._event.stop()
