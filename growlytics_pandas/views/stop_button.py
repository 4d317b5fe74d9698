"""The widget face of the panel: a picture that moves, and a Stop button where a click can get through."""

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

PING: Final = "\r"  # shows nothing where it is printed after all
MAX_ASKED: Final = 6  # times; with the factor, over about 4 s
FIRST_AGAIN_SECONDS: Final = 0.4
ASK_FACTOR: Final = 1.8  # each wait is longer than the last


class StopButton:
    """A box with HTML and a button. The button shows only once the front end has proven that it answers *now*.

    A cell that runs keeps most kernels from hearing a click, and which ones is a matter of their versions. So the
    panel asks: text printed into an Output widget comes back as its new state, or it does not. Everything here
    is called from the main thread, but for a click, which may come on any.
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
            tooltip="Let what is in flight finish, and start nothing more",
            layout=ipywidgets.Layout(width="auto", min_width="86px", margin="2px 0 0 12px", display="none"),
        )
        self._button.on_click(self._click)
        self._box = ipywidgets.HBox(
            [self._picture, self._button],
            layout=ipywidgets.Layout(max_width="840px", align_items="flex-start", overflow="hidden"),
        )

    @property
    def is_live(self) -> bool:
        """Whether the front end answered while the cell was running."""
        return self._answered.is_set()

    def bundle(self) -> Mapping[str, Any]:
        """Return the box as output, for ``display(…, raw=True)``."""
        bundle: Mapping[str, Any] = self._box._repr_mimebundle_()
        return bundle

    def ask(self, elapsed_seconds: float) -> None:
        """Ask the front end for a sign, if it is time to; `is_live` tells when it came.

        Once is not enough: a page that has just loaded its first widget answers to the busy shell, which does not hear
        it. And that widget then waits for the shell before it says more, so each question takes a new one.
        """
        import ipywidgets  # noqa: PLC0415 - as above

        if self.is_live or len(self._probes) >= MAX_ASKED or elapsed_seconds < self._ask_at:
            return
        self._ask_at = max(FIRST_AGAIN_SECONDS, ASK_FACTOR * elapsed_seconds)
        probe = ipywidgets.Output()
        self._probes.append(probe)
        probe.observe(self._hear, "outputs")
        with probe:
            print(PING, end="", flush=True)  # noqa: T201 - into a widget that nobody sees
        _unpin(self._button)
        _unpin(probe)

    def draw(self, html: str, *, is_stopping: bool) -> None:
        """Show `html`; the button too where it works, until it has done its work."""
        self._picture.value = html
        self._button.layout.display = None if self.is_live and not is_stopping else "none"

    def close(self) -> None:
        """Give the widgets back, empty: a notebook may save their state."""
        self._is_closed = True
        self._picture.value = ""
        for widget in (self._box, self._picture, self._button):
            _close(widget)
        for probe in self._probes:
            if probe.outputs:  # the others may answer yet, and the kernel would complain of an unknown widget
                _close(probe)

    def _hear(self, change: Any) -> None:
        self._answered.set()
        if self._is_closed:
            _close(change.owner)

    def _click(self, _button: Any) -> None:
        # Nothing is printed or raised here: on a subshell it would be lost. A double click must not mean "at once".
        if not self._clicked.is_set():
            self._clicked.set()
            self._stop()


def _close(widget: Any) -> None:
    widget.layout.close()
    widget.close()


def _unpin(widget: Any) -> None:
    """Let messages of a widget reach a kernel whose main shell is busy with the cell.

    ipykernel 7.4 sends them to the shell that last sent on the widget's comm: the busy one. Without that memory it
    takes the one which the front end asked for. Other versions have no such memory, so there is nothing to forget.
    """
    memory = getattr(getattr(widget, "comm", None), "__dict__", None)
    if isinstance(memory, dict):
        memory.pop("_reply_subshell_id", None)
