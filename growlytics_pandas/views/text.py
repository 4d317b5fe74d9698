"""Progress as text: a tqdm bar in a terminal, a line now and then in a log."""

import sys
from typing import Any, Final

from growlytics_pandas.http.protocol import one_line
from growlytics_pandas.views.environment import is_terminal
from growlytics_pandas.views.events import ProgressEvent
from growlytics_pandas.views.panel_html import duration
from growlytics_pandas.views.status_level import Tone, tone_of

LOG_SECONDS: Final = 10.0  # between two lines where nobody watches, at first
LOG_SHARE: Final = 0.05  # of the time so far: an hour takes about 80 lines, a day 140
MAX_TROUBLE_CHARS: Final = 300  # a line of a log
SCREEN_SECONDS: Final = 0.1  # tqdm's own
_NOTHING_TO_TELL: Final = ("unsent", "accepted")  # the bar itself shows them


class TextProgress:
    """Counts settled rows, with the counts of what went wrong beside them."""

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
    """A tqdm bar on a screen."""

    def __init__(self, event: ProgressEvent) -> None:
        # Here, because it takes time to import. Not tqdm.auto: its bar is frozen at 0 % in every saved notebook.
        from tqdm import tqdm  # noqa: PLC0415

        self._bar: Any = tqdm(
            total=event.total,
            initial=event.settled,
            desc="push",
            unit=" rows",
            dynamic_ncols=True,
            mininterval=SCREEN_SECONDS,
        )

    def draw(self, event: ProgressEvent) -> None:
        """Draw one event; the last closes the bar."""
        waiting = {"waiting": "nothing succeeds"} if event.trouble else {}
        self._bar.set_postfix(_asides(event) | waiting, refresh=False)
        self._bar.update(event.settled - self._bar.n)
        if event.kind == "end":
            if tone_of(event) is not Tone.GOOD:
                self._bar.colour = "red"
            self._bar.refresh()
            self._bar.close()


class Log:
    """Lines in a log, ever rarer, and one at the end: a bar would redraw itself into one endless line."""

    def __init__(self) -> None:
        self._next_seconds = LOG_SECONDS

    def draw(self, event: ProgressEvent) -> None:
        """Write a line if it is time to."""
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
    words = [f"push: {event.settled}/{event.total} rows ({share}%)", f"{event.rows_per_second:.0f} rows/s"]
    words.append(duration(event.elapsed_seconds))
    if event.seconds_left is not None and event.kind != "end":
        words.append(f"about {duration(max(event.seconds_left, 1))} left")
    words += [f"{name}={count}" for name, count in _asides(event).items()]
    return ", ".join(words) + (f". {one_line(event.trouble, MAX_TROUBLE_CHARS)}" if event.trouble else "")


def _asides(event: ProgressEvent) -> dict[str, int | str]:
    shown: dict[str, int | str] = {name: n for name, n in event.counts.items() if n and name not in _NOTHING_TO_TELL}
    if event.retries:
        shown["retries"] = event.retries
    if event.is_incomplete:
        shown["values"] = "some left out"
    if event.note:
        shown["segment"] = event.note
    return shown
