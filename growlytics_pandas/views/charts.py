"""Charts of plans and results (extra ``plot``). They do not use pyplot, so they need no display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, Final

from growlytics_pandas._rules import Severity
from growlytics_pandas._status import Ended, Status
from growlytics_pandas._text import install_extra, plural
from growlytics_pandas.errors import MissingDependencyError
from growlytics_pandas.views.headline import STATUS_LEVELS
from growlytics_pandas.views.metrics import Sample, stretches
from growlytics_pandas.views.tables import GroupedViolations, label_text, more_text

try:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter
    from PIL import Image  # comes with matplotlib
except ImportError as error:
    raise MissingDependencyError(f"plot: matplotlib is not installed: {install_extra('plot')}.") from error

MAX_BARS: Final = 20  # pairs of rule and column; more would be illegible
MAX_POINTS: Final = 120  # of a line
_COLOURS: Final = {"good": "#38915f", "bad": "#c8453f", "warn": "#c08a2b", "plain": "#98a1ab", "line": "#2b6cb0"}
_INK: Final = "#333a42"
_LABEL_CHARS: Final = 28  # of a column's label beside a bar
_MIN_LINE_POINTS: Final = 3  # fewer are drawn as dots
_DPI: Final = 110
_PICTURE_COLOURS: Final = 64
_TICKS: Final = "{x:,.12g}"


class NotebookAxes(Axes):
    """Axes that a notebook displays as their figure, without pyplot."""

    name = "growlytics"

    def _repr_png_(self) -> bytes:
        return _png(self.figure)


class Pictures(tuple[Any, ...]):
    """The axes of one figure; a notebook displays the figure."""

    __slots__ = ()

    def _repr_png_(self) -> bytes:
        return _png(self[0].figure)


def plot_violations(findings: GroupedViolations, ax: Any = None) -> Any:
    """Draw the number of cells with violations, by rule and column; return the axes."""
    groups = findings.groups()
    shown = groups[:MAX_BARS][::-1]
    if ax is None:
        figure = Figure(figsize=(8, 1.6 + 0.3 * max(len(shown), 1)), layout="constrained")
        ax = figure.add_subplot(axes_class=NotebookAxes)
    levels = [
        _COLOURS["bad" if severity == Severity.ERROR else "warn"] for severity in (each.severity for each in shown)
    ]
    names = [f"{each.rule}  ·  {_plain(label_text(each.column))}" for each in shown]
    _bars(ax, names, [each.cells for each in shown], levels)
    rest = more_text(len(groups) - len(shown), "rule", "column")
    n_cells = sum(each.cells for each in groups)
    cells = f"{plural(n_cells, 'cell')} in {plural(len(findings), 'violation')} (red: errors)"
    title = cells if groups else "No violations"
    ax.set_title(title, loc="left", fontsize=11, color=_INK)
    ax.set_xlabel("cells" + (f"   ({rest})" if rest else ""))
    return ax


def plot_result(counts: Mapping[str, int], samples: tuple[Sample, ...], ended: str) -> Pictures:
    """Draw the outcomes, and rows per second and response times over the run; return the three axes."""
    figure = Figure(figsize=(11, 3.2), layout="constrained")
    axes = Pictures(figure.subplots(1, 3))
    statuses = list(Status)[::-1]
    _bars(
        axes[0],
        [status.value for status in statuses],
        [counts[status] for status in statuses],
        [_COLOURS[STATUS_LEVELS[status]] for status in statuses],
    )
    axes[0].set_title("Rows" if ended == Ended.FINISHED else f"Rows ({ended})", loc="left", fontsize=11, color=_INK)
    parts = stretches(samples, MAX_POINTS)
    _line(axes[1], [(part.end_seconds, part.rows_per_second) for part in parts], "Rows accepted per second")
    answered = [(part.end_seconds, part.answer_milliseconds) for part in parts if part.answer_milliseconds is not None]
    _line(axes[2], answered, "Mean response time, ms")
    return axes


def _bars(ax: Any, names: Sequence[str], values: Sequence[int], colours: Sequence[str]) -> None:
    places = list(range(len(names)))
    bars = ax.barh(places, values, color=colours, height=0.66)
    ax.set_yticks(places, names)
    ax.bar_label(bars, labels=[f"{value:,}" for value in values], padding=4, fontsize=9, color=_INK)
    ax.set_xlim(0, 1.18 * max([1, *values]))  # room for the longest bar's number
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.xaxis.set_major_formatter(StrMethodFormatter(_TICKS))
    _quieten(ax)
    ax.grid(visible=False)
    if not names:
        ax.set_yticks([])


def _line(ax: Any, points: Sequence[tuple[float, float]], title: str) -> None:
    ax.set_title(title, loc="left", fontsize=11, color=_INK)
    if points:
        marker = "." if len(points) < _MIN_LINE_POINTS else ""
        ax.plot(*zip(*points, strict=True), color=_COLOURS["line"], linewidth=1.6, marker=marker)
    else:
        ax.text(0.5, 0.5, "nothing was sent", ha="center", va="center", transform=ax.transAxes, color=_INK)
    ax.set_ylim(bottom=0)
    ax.set_xlim(left=0)
    ax.set_xlabel("seconds")
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.xaxis.set_major_formatter(StrMethodFormatter(_TICKS))
    ax.yaxis.set_major_formatter(StrMethodFormatter(_TICKS))
    _quieten(ax)
    ax.grid(axis="y", color="#e3e6ea", linewidth=0.8)


def _quieten(ax: Any) -> None:
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color("#c3c9d0")
    ax.tick_params(colors=_INK, labelsize=9, length=0)
    ax.xaxis.label.set_color(_INK)
    ax.set_axisbelow(True)


def _plain(text: str) -> str:
    """Return a text so that matplotlib displays it literally: a dollar sign would start a formula."""
    short = text if len(text) <= _LABEL_CHARS else text[: _LABEL_CHARS - 1] + "…"
    return short.replace("\\", "\\\\").replace("$", r"\$") if "$" in short else short


def _png(figure: Any) -> bytes:
    """Return a picture of few colours: a third of the size in a saved notebook."""
    drawn, small = BytesIO(), BytesIO()
    figure.savefig(drawn, format="png", dpi=_DPI, bbox_inches="tight")
    Image.open(drawn).convert("RGB").quantize(_PICTURE_COLOURS).save(small, format="png", optimize=True)
    return small.getvalue()
