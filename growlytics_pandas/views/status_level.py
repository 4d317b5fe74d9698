"""How a run is going, in one word that decides its colour."""

from enum import Enum

from growlytics_pandas.views.events import ProgressEvent


class Tone(Enum):
    """`BAD`: something did not arrive that should have. `FAIR`: rows or values were left out, or nothing succeeds."""

    CALM = "calm"
    GOOD = "good"
    FAIR = "fair"
    BAD = "bad"


def tone_of(event: ProgressEvent) -> Tone:
    """Return the tone: calm while it goes its way, and at the end that of the worst row."""
    if event.kind != "end":
        return Tone.FAIR if event.trouble else Tone.CALM
    if event.ended != "finished" or any(event.counts.get(status) for status in ("failed", "unknown", "unsent")):
        return Tone.BAD
    return Tone.FAIR if event.counts.get("invalid") or event.is_incomplete else Tone.GOOD
