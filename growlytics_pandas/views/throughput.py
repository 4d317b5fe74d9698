"""How fast a run goes now, from the last few looks at it."""

from collections import deque
from typing import Final

WINDOW_SECONDS: Final = 5.0  # long enough to be calm, short enough to follow a change of pace
MIN_SECONDS: Final = 0.5  # before that a speed is noise


class Throughput:
    """Settled rows a second: over the last seconds, or over the whole run."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque()
        self._first: tuple[float, int] | None = None

    def note(self, elapsed_seconds: float, settled: int) -> None:
        """Take one look. The first counts as the start: what was settled by then is not this run's doing."""
        look = (elapsed_seconds, settled)
        self._first = self._first or look
        self._looks.append(look)
        while len(self._looks) > 2 and elapsed_seconds - self._looks[1][0] >= WINDOW_SECONDS:  # noqa: PLR2004 - a pair
            self._looks.popleft()

    def now(self) -> float:
        """Return the rows a second of the last few seconds."""
        return _between(self._looks[0], self._looks[-1]) if self._looks else 0.0

    def overall(self) -> float:
        """Return the rows a second since the first look."""
        return _between(self._first, self._looks[-1]) if self._first else 0.0

    def seconds_left(self, unsettled: int) -> float | None:
        """Return how long the rest takes at the present speed; None where nothing moves or it is too early to say."""
        speed = self.now()
        if not speed or self._looks[-1][0] - self._looks[0][0] < MIN_SECONDS:
            return None
        return unsettled / speed


def _between(first: tuple[float, int], last: tuple[float, int]) -> float:
    seconds = last[0] - first[0]
    return (last[1] - first[1]) / seconds if seconds > 0 else 0.0
