"""Progress in a notebook: one output that is updated while the push runs and remains as a static summary.

The server's texts are untrusted. They are escaped, isolated from the text direction around them, and put in ``code``
elements, in which notebooks do not search for formulas. Ids and values are never shown, since notebooks are saved and
shared. A notebook from someone else loses classes, style sheets and variables: so the styles are inline, each colour
has a plain fallback before it, and the text can be read without either.
"""

import contextlib
import importlib.util
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from growlytics_pandas._status import NEVER_SENT, RETRYABLE, Status
from growlytics_pandas._text import plural
from growlytics_pandas.http.protocol import one_line
from growlytics_pandas.views.events import ProgressEvent
from growlytics_pandas.views.headline import Headline, count_rows, headline_of, steps_for_missing
from growlytics_pandas.views.html import Count, StatusLevel, StepKind, render_panel
from growlytics_pandas.views.metrics import duration, rate

PATIENCE_SECONDS: Final = 2.0  # a responsive front end answers in 0.1 s; the first widget of a page takes longer
HOW_TO_STOP: Final = "To stop, interrupt the kernel: the ■ button, or the key I twice."
HOW_TO_STOP_MARIMO: Final = "To stop, interrupt the cell: the ■ button."
AT_SAVING: Final = "The state at this moment; later progress was not saved with the notebook."
PING: Final = "\r"  # invisible if it is printed in the cell by mistake
MAX_PROBES: Final = 6  # with the factor below, over about 4 s
FIRST_AGAIN_SECONDS: Final = 0.4
PROBE_FACTOR: Final = 1.8  # each wait is longer than the last
MAX_WORDS_CHARS: Final = 120  # of one failure; result.failed has the full text
MAX_MESSAGE_CHARS: Final = 1000  # an error ends with its remedy


class Panel:
    """A listener that displays a push in one output of the cell.

    It starts as a widget with a Stop button, if ipywidgets is installed. If the front end does not respond, so that a
    click would have no effect, it continues as plain HTML with a hint on how to interrupt. Plain HTML is updated in any
    front end, and in headless runs.
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
        if not (shown and self._shows_button):  # a widget that is already displayed updates itself
            self._output.update(bundle, raw=True)
        if button is not None:
            button.ask(event.elapsed_seconds)

    def _close(self, event: ProgressEvent) -> None:
        self._output.update(static(event), raw=True)
        _LAST_SHOWN[:] = [(_cell_number(), dict(event.counts))]
        if self._button is not None:
            with contextlib.suppress(Exception):  # the comm may be closed already
                self._button.close()

    def _draw(self, event: ProgressEvent) -> Mapping[str, Any]:
        """Update the widget if it is displayed, and return the output to display."""
        if self._button is not None and self._shows_button:
            self._button.draw(render_html(event), is_stopping=event.is_stopping)
            return {**self._button.bundle(), **static(event, AT_SAVING)}
        return static(event, "" if event.is_stopping else HOW_TO_STOP)


_LAST_SHOWN: Final[list[tuple[int, dict[str, int]]]] = []
"""The cell and the counts of the newest panel."""


def is_above(counts: Mapping[str, int]) -> bool:
    """Whether the newest panel is in the cell that is running and shows these counts, so that nothing repeats them."""
    return [(_cell_number(), dict(counts))] == _LAST_SHOWN


def _cell_number() -> int:
    from IPython.core.getipython import get_ipython  # noqa: PLC0415 - only where there is a kernel

    return int(getattr(get_ipython(), "execution_count", 0))


class MarimoPanel:
    """A listener that displays a push as the output of the running marimo cell."""

    def __call__(self, event: ProgressEvent) -> None:
        """Draw one event."""
        import marimo  # noqa: PLC0415 - only where it runs us

        hint = "" if event.kind == "end" or event.is_stopping else HOW_TO_STOP_MARIMO
        marimo.output.replace(marimo.Html(render_html(event, hint)))


def has_marimo() -> bool:
    """Whether this thread runs a cell of a marimo notebook."""
    marimo = sys.modules.get("marimo")
    return marimo is not None and bool(marimo.running_in_notebook())


def has_widgets() -> bool:
    """Whether ipywidgets is installed in this kernel; the front end may still lack its part."""
    return importlib.util.find_spec("ipywidgets") is not None


def static(event: ProgressEvent, hint: str = "") -> dict[str, str]:
    """Return `event` as output that needs neither kernel nor scripts."""
    return {"text/html": render_html(event, hint), "text/plain": render_text(event)}


class StopButton:
    """A box with HTML and a button, which is shown only when the front end has responded during this cell.

    While a cell runs, most kernels do not process clicks; which ones do depends on their versions. So the panel sends
    a probe: if the front end responds, text printed into an Output widget comes back as the widget's new state.
    Everything here is called from the main thread, except a click, which can be on any thread.
    """

    def __init__(self, stop: Callable[[], None]) -> None:
        import ipywidgets  # noqa: PLC0415 - heavy, and perhaps not there

        self._stop = stop
        self._answered = threading.Event()
        self._clicked = threading.Event()
        self._probes: list[Any] = []
        self._ask_at = 0.0
        self._is_closed = False
        self._picture = ipywidgets.HTML(layout=ipywidgets.Layout(flex="1 1 280px", min_width="0", margin="0"))
        self._button = ipywidgets.Button(
            description="Stop",
            icon="stop",
            tooltip="Finish the requests in flight, and send no others",
            layout=ipywidgets.Layout(width="auto", min_width="86px", margin="2px 0 0 12px", display="none"),
        )
        self._button.on_click(self._click)
        self._box = ipywidgets.HBox(
            [self._picture, self._button],
            # where there is no room for both, the button is above
            layout=ipywidgets.Layout(
                max_width="840px", flex_flow="row wrap-reverse", align_items="flex-end", overflow="hidden"
            ),
        )

    @property
    def is_live(self) -> bool:
        """Whether the front end responded while the cell was running."""
        return self._answered.is_set()

    def bundle(self) -> Mapping[str, Any]:
        """Return the box as output, for ``display(…, raw=True)``."""
        bundle: Mapping[str, Any] = self._box._repr_mimebundle_()
        return bundle

    def ask(self, elapsed_seconds: float) -> None:
        """Send a probe to the front end, if it is time to; `is_live` is true once it has responded.

        One probe is not enough: a page that has just loaded its first widget responds to the busy shell, which does not
        process it. That widget then waits for the shell, so each probe uses a new widget.
        """
        import ipywidgets  # noqa: PLC0415 - as above

        if self.is_live or len(self._probes) >= MAX_PROBES or elapsed_seconds < self._ask_at:
            return
        self._ask_at = max(FIRST_AGAIN_SECONDS, PROBE_FACTOR * elapsed_seconds)
        probe = ipywidgets.Output()
        self._probes.append(probe)
        probe.observe(self._on_response, "outputs")
        with probe:
            print(PING, end="", flush=True)  # noqa: T201 - into a widget that nobody sees
        _unpin(self._button)
        _unpin(probe)

    def draw(self, html: str, *, is_stopping: bool) -> None:
        """Show `html`, and the button if it works and has not been used."""
        self._picture.value = html
        self._button.layout.display = None if self.is_live and not is_stopping else "none"

    def close(self) -> None:
        """Close the widgets and clear their content, since a notebook may save their state."""
        self._is_closed = True
        self._picture.value = ""
        for widget in (self._box, self._picture, self._button):
            _close(widget)
        for probe in self._probes:
            if probe.outputs:  # others may still respond; for a closed one the kernel would report an unknown widget
                _close(probe)

    def _on_response(self, change: Any) -> None:
        self._answered.set()
        if self._is_closed:
            _close(change.owner)

    def _click(self, _button: Any) -> None:
        # Do not print or raise here: on a subshell it would be lost. A double click counts once, since a second stop
        # aborts the requests in flight.
        if not self._clicked.is_set():
            self._clicked.set()
            self._stop()


def _close(widget: Any) -> None:
    widget.layout.close()
    widget.close()


def _unpin(widget: Any) -> None:
    """Let messages of a widget reach a kernel while its main shell is busy with the cell.

    ipykernel 7.4 routes them to the shell that last sent on the widget's comm, which is the busy one. Without that
    attribute it uses the shell that the front end requested. Other versions do not have the attribute.
    """
    memory = getattr(getattr(widget, "comm", None), "__dict__", None)
    if isinstance(memory, dict):
        memory.pop("_reply_subshell_id", None)


def render_html(event: ProgressEvent, hint: str = "") -> str:
    """Return `event` as HTML without scripts, which cannot affect the page around it; `hint` is its last line."""
    return render_panel(
        level=level_of(event),
        headline=headline(event),
        percent=None if event.kind == "end" else _percent(event),
        counts=_counts(event),
        note=event.note,
        pace=pace_words(event),
        failures=_failures(event),
        trouble=one_line(event.trouble, MAX_MESSAGE_CHARS),
        message=one_line(event.message, MAX_MESSAGE_CHARS),
        hint=hint,
        next=next_step(event),
    )


def render_text(event: ProgressEvent) -> str:
    """Return `event` as a few lines of text."""
    shown = ", ".join(f"{count.rows:,} {count.name}" for count in _counts(event) if count.rows)
    lines = [f"{headline(event)} {shown or 'no rows'} ({', '.join(pace_words(event))})"]
    lines += [f"  {where}: {words}" for where, words in _failures(event)]
    trouble, message = one_line(event.trouble, MAX_MESSAGE_CHARS), one_line(event.message, MAX_MESSAGE_CHARS)
    return "\n".join([*lines, *(words for words in (event.note, trouble, message, next_step(event)) if words)])


def level_of(event: ProgressEvent) -> StatusLevel:
    """Return the level of an event; at the end of the run, that of its result."""
    if event.kind != "end":
        return "warn" if event.trouble else "running"
    return _headline(event).level


def headline(event: ProgressEvent) -> str:
    """Return the state of the push in a sentence."""
    if event.kind == "end":
        headline = _headline(event)
        return f"{headline.title}: {headline.words}"
    if event.is_stopping:
        return f"Stopping: {event.in_flight:,} in flight"
    return f"Pushing {plural(event.total, 'row')}"


def _headline(event: ProgressEvent) -> Headline:
    return headline_of(event.counts, event.ended, n_incomplete=event.n_incomplete, n_left_out=event.n_left_out)


def _counts(event: ProgressEvent) -> tuple[Count, ...]:
    names: dict[str, str] = {} if event.kind == "end" else {Status.UNSENT: "to go"}
    return count_rows(event.counts, names, n_left_out=event.n_left_out)


def _failures(event: ProgressEvent) -> list[tuple[str, str]]:
    """Return the last failures: rows and words, each words once, without those that the final message repeats."""
    alike: dict[tuple[str, str], list[str]] = {}
    for failure in event.failures:
        if failure.words not in event.message:
            alike.setdefault((failure.status, failure.words), []).append(f"{failure.row:,}")
    return [
        (f"{'row' if len(rows) == 1 else 'rows'} {', '.join(rows)} {status}", one_line(words, MAX_WORDS_CHARS))
        for (status, words), rows in alike.items()
    ]


def pace_words(event: ProgressEvent) -> list[str]:
    """Return the time taken, the speed, the requests in flight and the retries."""
    words = [duration(event.elapsed_seconds), *speed_words(event)]
    if event.kind == "end":
        words.insert(0, plural(event.total, "row"))
    else:
        if event.seconds_left is not None and not event.is_stopping:
            words.append(f"about {duration(max(event.seconds_left, 1))} left")
        words.append(f"{event.in_flight:,} of {event.concurrency:,} in flight")
    if event.retries:
        words.append(f"{event.retries:,} {'retry' if event.retries == 1 else 'retries'}")
    return words


def speed_words(event: ProgressEvent) -> list[str]:
    """Return the rows sent per second; nothing if most rows were skipped, since few would seem slow."""
    skipped = sum(event.counts.get(status, 0) for status in NEVER_SENT)
    return [] if 2 * skipped > event.settled else [rate(event.rows_per_second)]


def next_step(event: ProgressEvent) -> str:
    """Return what of the result to look at next; '' if everything arrived without a warning."""
    if event.kind != "end":
        return ""
    if event.is_ok:
        warnings = plural(event.n_warnings, "warning")
        return f"growlytics_pandas.last_result(): .violations has {warnings}." if event.n_warnings else ""
    steps = []
    n_missing = sum(event.counts.get(status, 0) for status in RETRYABLE)
    n_refused = n_missing - event.n_to_retry
    kinds = steps_for_missing(event.counts, n_refused, (failure.http_status for failure in event.failures))
    if n_missing:
        steps.append(".failed shows why rows did not arrive")
    if StepKind.WRONG_KEY in kinds:
        steps.append("push the frame again with the right API key")
    if StepKind.WRONG_URL in kinds:
        steps.append("push the frame again with the right URL")
    if StepKind.RETRY in kinds:
        some = ".retry(rejected=False) sends those not rejected again"
        steps.append(some if n_refused else ".retry() sends them again")
    if event.counts.get(Status.INVALID, 0) > event.n_left_out or event.n_incomplete:
        steps.append(".violations shows what was left out, and why")
    return f"growlytics_pandas.last_result(): {'; '.join([*steps, '.rejects() has the rows to correct'])}."


def _percent(event: ProgressEvent) -> int:
    """Round down, so that 100 means all."""
    return 100 * event.settled // event.total if event.total else 100
