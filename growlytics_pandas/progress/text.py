"""Progress as a tqdm bar: in a terminal, in a notebook, in a log."""

from typing import Any

from growlytics_pandas.progress.events import ProgressEvent

_NOTHING_YET = ("unsent",)


class TextProgress:
    """A tqdm bar that counts finished rows, with the counts of what went wrong beside it."""

    def __init__(self) -> None:
        self._bar: Any = None

    def __call__(self, event: ProgressEvent) -> None:
        """Draw one event."""
        if event.kind == "start":
            # Here, because it brings asyncio along, and widgets in a notebook: not for who only imports the package.
            from tqdm.auto import tqdm  # noqa: PLC0415

            self._bar = tqdm(total=event.total, desc="push", unit=" rows", dynamic_ncols=True)
        if self._bar is None:
            return
        self._bar.update(event.total - event.counts.get("unsent", 0) - self._bar.n)
        shown = {name: n for name, n in event.counts.items() if n and name not in (*_NOTHING_YET, "accepted")}
        self._bar.set_postfix({**shown, **({"retries": event.retries} if event.retries else {})}, refresh=False)
        if event.kind == "end":
            self._bar.refresh()
            self._bar.close()
