"""The course of a run as two small lines: rows a second, and how long an answer took."""

from collections.abc import Sequence
from typing import Final

from growlytics_pandas.views.metrics import Sample, stretches
from growlytics_pandas.views.page import Curve

MAX_POINTS: Final = 80  # a curve is a hand wide
MIN_POINTS: Final = 3  # fewer show no course
_HEADROOM: Final = 0.9  # of the box that the highest point reaches


def draw_curves(samples: tuple[Sample, ...]) -> tuple[Curve, ...]:
    """Return the curves of a run; none where it was too short to have a course."""
    parts = stretches(samples, MAX_POINTS)
    if len(parts) < MIN_POINTS:
        return ()
    answered = [(part.end_seconds, part.answer_milliseconds) for part in parts if part.answer_milliseconds is not None]
    rates = [(part.end_seconds, part.rows_per_second) for part in parts]
    curves = [_curve("rows accepted a second", rates, "{:,.0f}/s")]
    if len(answered) >= MIN_POINTS:
        curves.append(_curve("mean time to an answer", answered, "{:,.0f} ms"))
    return tuple(curves)


def _curve(title: str, points: Sequence[tuple[float, float]], unit: str) -> Curve:
    highest, end = max(value for _, value in points), points[-1][0]
    scale = _HEADROOM * 100 / highest if highest else 0.0
    line = " ".join(f"{100 * at / end:.1f},{100 - scale * value:.1f}" for at, value in points)
    return Curve(title, line, f"at most {unit.format(highest)}", f"{end:,.1f} s")
