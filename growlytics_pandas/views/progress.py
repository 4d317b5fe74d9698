"""Listeners for progress events: a notebook panel, a bar or log lines, or the caller's function."""

import sys
import threading
import warnings
from typing import Any, Final

from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.http.protocol import one_line
from growlytics_pandas.views.events import Listener, ProgressEvent, ProgressOption
from growlytics_pandas.views.metrics import duration
from growlytics_pandas.views.panel import MarimoPanel, Panel, has_marimo, level_of, speed_words

LOG_SECONDS: Final = 10.0  # between two log lines at first
LOG_SHARE: Final = 0.05  # of the elapsed time between two later lines: about 80 lines in an hour, 140 in a day
MAX_TROUBLE_CHARS: Final = 300  # in a log line
SCREEN_SECONDS: Final = 0.1  # tqdm's default
_IN_BAR: Final = ("unsent", "accepted")  # statuses that the bar itself shows


def open_listener(progress: ProgressOption) -> Listener:
    """Return the listener that the `progress` argument asks for."""
    if callable(progress):
        return Guarded(progress)
    if progress in ("auto", "widget"):
        return Guarded(_display(), "display")
    if progress == "text":
        return Guarded(TextProgress(), "display")
    raise InvalidArgumentError(
        f"progress: found {progress!r}; allowed are 'auto', 'widget', 'text', False, "
        "or a function that takes a ProgressEvent."
    )


def _display() -> Listener:
    if has_marimo():
        return MarimoPanel()
    return Panel() if has_notebook() else TextProgress()


class Guarded:
    """A listener that may fail: the error is reported once, and the push continues without the listener."""

    def __init__(self, listener: Listener, what: str = "function") -> None:
        self._listener: Listener | None = listener
        self._what = what

    def __call__(self, event: ProgressEvent) -> None:
        """Pass one event on."""
        if self._listener is None:
            return
        try:
            self._listener(event)
        except Exception as error:  # noqa: BLE001 - whatever a caller's function raises
            self._listener = None
            warnings.warn(
                f"progress: the {self._what} raised {type(error).__name__}: {error}. The push continues without it.",
                RuntimeWarning,
                stacklevel=2,
            )


class TextProgress:
    """Shows the number of rows with an outcome, and the counts of other statuses than accepted."""

    def __init__(self) -> None:
        self._show: Any = None

    def __call__(self, event: ProgressEvent) -> None:
        """Draw one event."""
        if event.kind == "start":
            self._show = Bar(event) if is_terminal() else Log()
        if self._show is not None:
            self._show.draw(event)
        if event.kind == "end":
            self._show = None


class Bar:
    """A tqdm bar in a terminal."""

    def __init__(self, event: ProgressEvent) -> None:
        # Imported here, because it takes time. Not tqdm.auto: its bar shows 0 % in every saved notebook.
        from tqdm import tqdm  # noqa: PLC0415

        self._bar: Any = tqdm(
            total=event.total,
            initial=event.settled,
            desc="push",
            unit=" rows",
            dynamic_ncols=True,
            mininterval=SCREEN_SECONDS,
            bar_format=_bar_format(event),
        )

    def draw(self, event: ProgressEvent) -> None:
        """Draw one event; the last closes the bar."""
        waiting = {"waiting": "nothing succeeds"} if event.trouble else {}
        self._bar.bar_format = _bar_format(event)
        self._bar.set_postfix(_asides(event) | waiting, refresh=False)
        self._bar.update(event.settled - self._bar.n)
        if event.kind == "end":
            if level_of(event) != "good":
                self._bar.colour = "red"
            self._bar.refresh()
            self._bar.close()


def _bar_format(event: ProgressEvent) -> str:
    """Return tqdm's format with our own rate and time left, since skipped rows would distort tqdm's."""
    left = "" if event.seconds_left is None else f"<{duration(event.seconds_left)}"
    speed = "".join(f", {words}" for words in speed_words(event))
    return f"{{l_bar}}{{bar}}| {{n:,}}/{{total:,}} [{{elapsed}}{left}{speed}{{postfix}}]"


class Log:
    """Log lines at growing intervals, and one at the end; a bar would become one endless line in a log."""

    def __init__(self) -> None:
        self._next_seconds = LOG_SECONDS

    def draw(self, event: ProgressEvent) -> None:
        """Write a line if the interval has passed."""
        seconds = event.elapsed_seconds
        if event.kind != "end" and seconds < self._next_seconds:
            return
        self._next_seconds = seconds + max(LOG_SECONDS, LOG_SHARE * seconds)
        if sys.stderr is not None:  # as under pythonw
            sys.stderr.write(log_line(event) + "\n")
            sys.stderr.flush()


def log_line(event: ProgressEvent) -> str:
    """Return an event as one line of a log."""
    share = 100 * event.settled // event.total if event.total else 100  # rounded down, so that 100 means all
    words = [f"push: {event.settled:,}/{event.total:,} rows ({share}%)", *speed_words(event)]
    words.append(duration(event.elapsed_seconds))
    if event.seconds_left is not None and event.kind != "end":
        words.append(f"about {duration(max(event.seconds_left, 1))} left")
    words += [f"{name}={count}" for name, count in _asides(event).items()]
    return ", ".join(words) + (f". {one_line(event.trouble, MAX_TROUBLE_CHARS)}" if event.trouble else "")


def _asides(event: ProgressEvent) -> dict[str, str]:
    shown = {name: f"{n:,}" for name, n in event.counts.items() if n and name not in _IN_BAR}
    if event.retries:
        shown["retries"] = f"{event.retries:,}"
    if event.n_incomplete:
        shown["values"] = "some left out"
    if event.note:
        shown["note"] = event.note
    return shown


def has_notebook() -> bool:
    """Whether there is a kernel whose front end shows rich output, and this thread may write to it.

    A headless run has a kernel too, and cannot be distinguished. Spyder's console shows only text.
    """
    if "spyder_kernels" in sys.modules or threading.current_thread() is not threading.main_thread():
        return False
    shell = _shell()
    return getattr(shell, "kernel", None) is not None or "google.colab" in str(type(shell))


def is_terminal() -> bool:
    """Whether stderr is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()


def _shell() -> Any:
    """Return the IPython shell; None if there is none. A kernel has already imported IPython."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get_ipython() if get_ipython is not None else None
