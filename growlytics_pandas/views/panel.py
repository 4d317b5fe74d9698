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
from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Any, Final

from growlytics_pandas._status import Failure
from growlytics_pandas.http.protocol import one_line
from growlytics_pandas.views.events import ProgressEvent, Tone, tone_of

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
_MIN_WHOLE: Final = 10  # smaller numbers are shown with tenths

# JupyterLab's colours, which follow its theme; the fallbacks are legible on white and on black.
_INK: Final = {
    Tone.RUNNING: ("--jp-brand-color1", "#3b82c4"),
    Tone.GOOD: ("--jp-success-color1", "#3a9a56"),
    Tone.FAIR: ("--jp-warn-color1", "#c77f1a"),
    Tone.BAD: ("--jp-error-color1", "#d9483b"),
}
_STATUS_TONES: Final = {
    "accepted": Tone.GOOD,
    "unchanged": Tone.GOOD,
    "invalid": Tone.FAIR,
    "unknown": Tone.BAD,
    "failed": Tone.BAD,
}
_STATUS_OPACITY: Final = {"unchanged": 0.5, "unknown": 0.55}  # distinguishes adjacent segments of one colour
_HEADLINES: Final = {
    "finished": "Push finished",
    "interrupted": "Push stopped",
    "stopped early": "Push stopped early",
    "crashed": "Push crashed",
}

_BOX: Final = (
    "font-family:var(--jp-ui-font-family, system-ui, sans-serif);font-size:13px;line-height:1.55;"
    "max-width:720px;padding:2px 0 4px;overflow-wrap:anywhere;font-variant-numeric:tabular-nums"
)
_TRACK: Final = (
    "height:6px;margin:6px 0 7px;border-radius:3px;overflow:hidden;background:rgba(128, 128, 128, 0.22);"
    "white-space:nowrap;font-size:0;line-height:0"
)
_FAINT: Final = "opacity:0.72;font-size:12px"
_CODE: Final = (
    "font-family:var(--jp-code-font-family, ui-monospace, monospace);font-size:12px;background:none;padding:0;"
    "color:inherit;white-space:normal"
)


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
        if self._button is not None:
            with contextlib.suppress(Exception):  # the comm may be closed already
                self._button.close()

    def _draw(self, event: ProgressEvent) -> Mapping[str, Any]:
        """Update the widget if it is displayed, and return the output to display."""
        if self._button is not None and self._shows_button:
            self._button.draw(render_html(event), is_stopping=event.is_stopping)
            return {**self._button.bundle(), **static(event, AT_SAVING)}
        return static(event, "" if event.is_stopping else HOW_TO_STOP)


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
        self._picture = ipywidgets.HTML(layout=ipywidgets.Layout(flex="1 1 0", min_width="0", margin="0"))
        self._button = ipywidgets.Button(
            description="Stop",
            icon="stop",
            tooltip="Finish the requests in flight, and send no others",
            layout=ipywidgets.Layout(width="auto", min_width="86px", margin="2px 0 0 12px", display="none"),
        )
        self._button.on_click(self._click)
        self._box = ipywidgets.HBox(
            [self._picture, self._button],
            layout=ipywidgets.Layout(max_width="840px", align_items="flex-start", overflow="hidden"),
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
    tone = tone_of(event)
    dot = f'<span style="{_ink("color", tone)}">●</span>'
    share = f'&ensp;<span style="opacity:0.72">{_percent(event)} %</span>' if event.kind != "end" else ""
    parts = [
        f'<div style="font-weight:600">{dot} {escape(headline(event))}{share}</div>',
        f'<div style="{_TRACK}">{_segments(event)}</div>',
        f"<div>{_counts_html(event)}</div>",
        f"<div>{escape(event.note)}</div>" if event.note else "",
        f'<div style="{_FAINT}">{escape(" · ".join(pace_words(event)))}</div>',
        _failures_html(event),
        f'<div style="margin-top:5px">{_foreign(event.trouble, MAX_MESSAGE_CHARS)}</div>' if event.trouble else "",
        f'<div style="margin-top:5px">{_foreign(event.message, MAX_MESSAGE_CHARS)}</div>' if event.message else "",
    ]
    parts += [
        f'<div style="margin-top:3px;{_FAINT}">{escape(words)}</div>' for words in (hint, next_step(event)) if words
    ]
    return f'<div style="{_BOX}">{"".join(parts)}</div>'


def render_text(event: ProgressEvent) -> str:
    """Return `event` as a few lines of text."""
    shown = ", ".join(f"{count:,} {_name(event, status)}" for status, count in _shown(event))
    lines = [f"{headline(event)}: {shown or 'no rows'} ({', '.join(pace_words(event))})"]
    lines += [
        f"  row {failure.row:,} {failure.status}: {one_line(failure.words, MAX_WORDS_CHARS)}"
        for failure in event.failures
    ]
    notes = (
        event.note,
        one_line(event.trouble, MAX_MESSAGE_CHARS),
        one_line(event.message, MAX_MESSAGE_CHARS),
        next_step(event),
    )
    lines += [words for words in notes if words]
    return "\n".join(lines)


def headline(event: ProgressEvent) -> str:
    """Return the state of the push in a few words."""
    if event.kind == "end":
        missing = _missing(event) if event.ended == "finished" else ""
        return _HEADLINES.get(event.ended, "Push ended") + (f", {missing}" if missing else "")
    if event.is_stopping:
        return f"Stopping: {event.in_flight:,} in flight"
    return f"Pushing {event.total:,} {'row' if event.total == 1 else 'rows'}"


def pace_words(event: ProgressEvent) -> list[str]:
    """Return the time taken, the speed, the requests in flight and the retries."""
    words = [duration(event.elapsed_seconds), rate(event.rows_per_second)]
    if event.kind == "end":
        words.insert(0, f"{event.total:,} {'row' if event.total == 1 else 'rows'}")
    else:
        if event.seconds_left is not None and not event.is_stopping:
            words.append(f"about {duration(max(event.seconds_left, 1))} left")
        words.append(f"{event.in_flight:,} of {event.concurrency:,} in flight")
    if event.retries:
        words.append(f"{event.retries:,} {'retry' if event.retries == 1 else 'retries'}")
    return words


def next_step(event: ProgressEvent) -> str:
    """Return the call to make next if not everything arrived, else ''."""
    if event.kind != "end" or tone_of(event) is Tone.GOOD:
        return ""
    if tone_of(event) is Tone.FAIR:
        return "growlytics_pandas.last_result().violations shows what was left out, and why."
    values = " .violations shows which values were left out." if event.is_incomplete else ""
    return (
        "growlytics_pandas.last_result() has every row: .failed shows why, .rejects() has the rows to correct, "
        f".retry() sends the others.{values}"
    )


def duration(seconds: float) -> str:
    """Return `seconds` in readable units.

    Examples
    --------
    >>> duration(3.14), duration(75), duration(3720)
    ('3.1 s', '1 min 15 s', '1 h 02 min')
    """
    if seconds < _MIN_WHOLE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def rate(rows_per_second: float) -> str:
    """Return a rate with a readable number of digits.

    Examples
    --------
    >>> rate(3.14), rate(1234.5)
    ('3.1 rows/s', '1,234 rows/s')
    """
    shown = f"{rows_per_second:,.0f}" if rows_per_second >= _MIN_WHOLE else f"{rows_per_second:.1f}"
    return f"{shown} rows/s"


def _missing(event: ProgressEvent) -> str:
    """Return what is missing after a finished push; rows left out on request are in the counts."""
    if tone_of(event) is Tone.BAD:
        return "not every row arrived"
    return "some rows without all their attributes" if event.is_incomplete else ""


def _percent(event: ProgressEvent) -> int:
    """Round down, so that 100 means all."""
    return 100 * event.settled // event.total if event.total else 100


def _shown(event: ProgressEvent) -> Iterator[tuple[str, int]]:
    """Yield the counts to show: `accepted` always, others above 0."""
    for status, count in event.counts.items():
        if count or status == "accepted":
            yield status, count


def _name(event: ProgressEvent, status: str) -> str:
    return "to go" if status == "unsent" and event.kind != "end" else status


def _ink(name: str, tone: Tone) -> str:
    """Return a colour twice: a plain one first, because variables are removed from an untrusted notebook."""
    variable, plain = _INK[tone]
    return f"{name}:{plain};{name}:var({variable}, {plain})"


def _segments(event: ProgressEvent) -> str:
    """Return the segments of the bar, whose widths are the shares of the rows."""
    return "".join(
        f'<span style="display:inline-block;height:6px;width:{100 * count / event.total:.3f}%;'
        f'{_ink("background-color", tone)};opacity:{_STATUS_OPACITY.get(status, 1)}"></span>'
        for status, tone in _STATUS_TONES.items()
        if (count := event.counts.get(status, 0))
    )


def _counts_html(event: ProgressEvent) -> str:
    spans = []
    for status, count in _shown(event):
        tone = _STATUS_TONES.get(status)
        ink = _ink("color", tone) if count and tone in (Tone.FAIR, Tone.BAD) else ""
        spans.append(
            f'<span style="display:inline-block;margin-right:14px"><b style="{ink}">{count:,}</b> '
            f"{escape(_name(event, status))}</span> "
        )
    return "".join(spans)


def _failures_html(event: ProgressEvent) -> str:
    if not event.failures:
        return ""
    lines = "".join(_failure_html(failure) for failure in event.failures)
    return (
        f'<div style="margin-top:6px;padding-left:9px;border-left:2px solid;{_ink("border-left-color", Tone.BAD)}">'
        f'<div style="{_FAINT}">Last failures</div>{lines}</div>'
    )


def _failure_html(failure: Failure) -> str:
    return f"<div>row {failure.row:,} {escape(failure.status)}: {_foreign(failure.words, MAX_WORDS_CHARS)}</div>"


def _foreign(text: str, max_chars: int) -> str:
    words = escape(one_line(text, max_chars))
    return f'<code class="tex2jax_ignore mathjax_ignore" style="{_CODE}"><bdi>{words}</bdi></code>'
