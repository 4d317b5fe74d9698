"""Progress as events with listeners: silent, text, or whatever the caller passes."""

import warnings
from typing import Literal

from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.progress.events import Listener, ProgressEvent
from growlytics_pandas.progress.text import TextProgress

ProgressOption = Literal["auto", "text", False] | Listener

__all__ = ["Listener", "ProgressEvent", "ProgressOption", "open_listener"]


def open_listener(progress: ProgressOption) -> Listener:
    """Return the listener that the `progress` argument asks for."""
    if callable(progress):
        return Guarded(progress)
    if progress is False:
        return _silent
    if progress in ("auto", "text"):
        return TextProgress()
    raise InvalidArgumentError(
        f"progress: found {progress!r}; allowed are 'auto', 'text', False, or a function that takes a ProgressEvent."
    )


class Guarded:
    """A caller's listener. One that fails is told of once and then left alone: it must not cost the push its result."""

    def __init__(self, listener: Listener) -> None:
        self._listener: Listener | None = listener

    def __call__(self, event: ProgressEvent) -> None:
        """Pass one event on."""
        if self._listener is None:
            return
        try:
            self._listener(event)
        except Exception as error:  # noqa: BLE001 - whatever a caller's function raises
            self._listener = None
            warnings.warn(
                f"progress: the function raised {type(error).__name__}: {error}. The push goes on without it.",
                RuntimeWarning,
                stacklevel=2,
            )


def _silent(_event: ProgressEvent) -> None:
    """Say nothing."""
