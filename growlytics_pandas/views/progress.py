"""Progress as events with listeners: a notebook panel, text, silent, or whatever the caller passes."""

import warnings
from typing import Literal

from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.views.environment import has_notebook
from growlytics_pandas.views.events import Listener, ProgressEvent
from growlytics_pandas.views.panel import Panel
from growlytics_pandas.views.text import TextProgress

ProgressOption = Literal["auto", "widget", "text", False] | Listener

__all__ = ["ProgressOption", "open_listener"]


def open_listener(progress: ProgressOption) -> Listener:
    """Return the listener that the `progress` argument asks for."""
    if callable(progress):
        return Guarded(progress)
    if progress is False:
        return _silent
    if progress in ("auto", "widget"):
        return Guarded(Panel() if has_notebook() else TextProgress(), "display")
    if progress == "text":
        return Guarded(TextProgress(), "display")
    raise InvalidArgumentError(
        f"progress: found {progress!r}; allowed are 'auto', 'widget', 'text', False, "
        "or a function that takes a ProgressEvent."
    )


class Guarded:
    """A listener that may fail. It is told of once and then left alone: it must not cost the push its result."""

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
                f"progress: the {self._what} raised {type(error).__name__}: {error}. The push goes on without it.",
                RuntimeWarning,
                stacklevel=2,
            )


def _silent(_event: ProgressEvent) -> None:
    """Say nothing."""
