"""Progress as a tqdm bar: in a terminal, in a log."""

from typing import Any, Final

from growlytics_pandas.progress.environment import is_terminal
from growlytics_pandas.progress.events import ProgressEvent
from growlytics_pandas.progress.tone import Tone, tone_of

LOG_SECONDS: Final = 10.0  # between two lines where nobody watches
SCREEN_SECONDS: Final = 0.1  # tqdm's own
_NOTHING_TO_TELL: Final = ("unsent", "accepted")  # the bar itself shows them


class TextProgress:
    """A tqdm bar that counts settled rows, with the counts of what went wrong beside it."""

    def __init__(self) -> None:
        self._bar: Any = None

    def __call__(self, event: ProgressEvent) -> None:
        """Draw one event."""
        if event.kind == "start":
            self._bar = _open_bar(event)
        if self._bar is None:
            return
        shown = {name: n for name, n in event.counts.items() if n and name not in _NOTHING_TO_TELL}
        self._bar.set_postfix({**shown, **({"retries": event.retries} if event.retries else {})}, refresh=False)
        self._bar.update(event.settled - self._bar.n)
        if event.kind == "end":
            self._close(event)

    def _close(self, event: ProgressEvent) -> None:
        if tone_of(event) is not Tone.GOOD and is_terminal():
            self._bar.colour = "red"
        self._bar.refresh()
        self._bar.close()
        self._bar = None


def _open_bar(event: ProgressEvent) -> Any:
    # Here, because it takes time to import. Not tqdm.auto: its notebook bar is frozen at 0 % in every saved notebook.
    from tqdm import tqdm  # noqa: PLC0415

    return tqdm(
        total=event.total,
        initial=event.settled,
        desc="push",
        unit=" rows",
        dynamic_ncols=True,
        mininterval=SCREEN_SECONDS if is_terminal() else LOG_SECONDS,
    )
