"""Progress as events with listeners: silent, text, or whatever the caller passes."""

from typing import Literal

from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.progress.events import Listener, ProgressEvent
from growlytics_pandas.progress.text import TextProgress

ProgressOption = Literal["auto", "text", False] | Listener

__all__ = ["Listener", "ProgressEvent", "ProgressOption", "open_listener"]


def open_listener(progress: ProgressOption) -> Listener:
    """Return the listener that the `progress` argument asks for."""
    if callable(progress):
        return progress
    if progress is False:
        return _silent
    if progress in ("auto", "text"):
        return TextProgress()
    raise InvalidArgumentError(
        f"progress: found {progress!r}; allowed are 'auto', 'text', False, or a function that takes a ProgressEvent."
    )


def _silent(_event: ProgressEvent) -> None:
    """Say nothing."""
