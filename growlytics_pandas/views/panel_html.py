"""An event as escaped HTML and as text: the same picture for the running panel and for what is saved.

The words of a server are foreign. They are escaped, kept in direction and on lines of their own, and stand in ``code``
elements, which notebooks leave alone when they look for formulas to typeset. Ids and values are not shown at all: what
a notebook shows gets saved, and shared. A notebook that came from someone else loses classes, style sheets and
variables: so the styles are inline, each colour has a plain one before it, and the text reads without either.
"""

from collections.abc import Iterator
from html import escape
from typing import Final

from growlytics_pandas._status import Failure
from growlytics_pandas.http.protocol import one_line
from growlytics_pandas.views.events import ProgressEvent
from growlytics_pandas.views.status_level import Tone, tone_of

MAX_WORDS_CHARS: Final = 120  # of one failure; result.failed has more
MAX_MESSAGE_CHARS: Final = 1000  # an error says what to do at its end
_SECONDS_WITH_TENTHS: Final = 10

# JupyterLab's own colours, which follow its theme; else ones that can be read on white and on black.
_INK: Final = {
    Tone.CALM: ("--jp-brand-color1", "#3b82c4"),
    Tone.GOOD: ("--jp-success-color1", "#3a9a56"),
    Tone.FAIR: ("--jp-warn-color1", "#c77f1a"),
    Tone.BAD: ("--jp-error-color1", "#d9483b"),
}
_STATUS_TONES: Final = {
    "accepted": Tone.GOOD,
    "unchanged": Tone.GOOD,
    "invalid": Tone.FAIR,
    "unknown": Tone.BAD,
    "failed": Tone.BAD,
}
_STATUS_OPACITY: Final = {"unchanged": 0.5, "unknown": 0.55}  # tells neighbours of one colour apart
_HEADLINES: Final = {
    "finished": "Push finished",
    "interrupted": "Push stopped",
    "stopped early": "Push stopped early",
    "crashed": "Push crashed",
}

_BOX: Final = (
    "font-family:var(--jp-ui-font-family, system-ui, sans-serif);font-size:13px;line-height:1.55;"
    "max-width:720px;padding:2px 0 4px;overflow-wrap:anywhere;font-variant-numeric:tabular-nums"
)
_TRACK: Final = (
    "height:6px;margin:6px 0 7px;border-radius:3px;overflow:hidden;background:rgba(128, 128, 128, 0.22);"
    "white-space:nowrap;font-size:0;line-height:0"
)
_FAINT: Final = "opacity:0.72;font-size:12px"
_CODE: Final = (
    "font-family:var(--jp-code-font-family, ui-monospace, monospace);font-size:12px;background:none;padding:0;"
    "color:inherit;white-space:normal"
)


def render_html(event: ProgressEvent, hint: str = "") -> str:
    """Return `event` as a box of HTML that runs nothing and breaks out of nothing; `hint` is a line at its end."""
    tone = tone_of(event)
    dot = f'<span style="{_ink("color", tone)}">●</span>'
    share = f'&ensp;<span style="opacity:0.72">{_percent(event)} %</span>' if event.kind != "end" else ""
    parts = [
        f'<div style="font-weight:600">{dot} {escape(headline(event))}{share}</div>',
        f'<div style="{_TRACK}">{_segments(event)}</div>',
        f"<div>{_counts_html(event)}</div>",
        f"<div>{escape(event.note)}</div>" if event.note else "",
        f'<div style="{_FAINT}">{escape(" · ".join(pace_words(event)))}</div>',
        _failures_html(event),
        f'<div style="margin-top:5px">{_foreign(event.trouble, MAX_MESSAGE_CHARS)}</div>' if event.trouble else "",
        f'<div style="margin-top:5px">{_foreign(event.message, MAX_MESSAGE_CHARS)}</div>' if event.message else "",
    ]
    parts += [
        f'<div style="margin-top:3px;{_FAINT}">{escape(words)}</div>' for words in (hint, next_step(event)) if words
    ]
    return f'<div style="{_BOX}">{"".join(parts)}</div>'


def render_text(event: ProgressEvent) -> str:
    """Return `event` as a few lines of text."""
    said = ", ".join(f"{count:,} {_name(event, status)}" for status, count in _shown(event))
    lines = [f"{headline(event)}: {said or 'no rows'} ({', '.join(pace_words(event))})"]
    lines += [
        f"  row {failure.row:,} {failure.status}: {one_line(failure.words, MAX_WORDS_CHARS)}"
        for failure in event.failures
    ]
    told = (
        event.note,
        one_line(event.trouble, MAX_MESSAGE_CHARS),
        one_line(event.message, MAX_MESSAGE_CHARS),
        next_step(event),
    )
    lines += [words for words in told if words]
    return "\n".join(lines)


def headline(event: ProgressEvent) -> str:
    """Return what is going on, in a few words."""
    if event.kind == "end":
        missing = _missing(event) if event.ended == "finished" else ""
        return _HEADLINES.get(event.ended, "Push ended") + (f", {missing}" if missing else "")
    if event.is_stopping:
        return f"Stopping: {event.in_flight:,} in flight"
    return f"Pushing {event.total:,} {'row' if event.total == 1 else 'rows'}"


def pace_words(event: ProgressEvent) -> list[str]:
    """Return how long, how fast, how many at once, and how often again."""
    words = [duration(event.elapsed_seconds), f"{_rate(event.rows_per_second)} rows/s"]
    if event.kind == "end":
        words.insert(0, f"{event.total:,} {'row' if event.total == 1 else 'rows'}")
    else:
        if event.seconds_left is not None and not event.is_stopping:
            words.append(f"about {duration(max(event.seconds_left, 1))} left")
        words.append(f"{event.in_flight:,} of {event.concurrency:,} in flight")
    if event.retries:
        words.append(f"{event.retries:,} {'retry' if event.retries == 1 else 'retries'}")
    return words


def next_step(event: ProgressEvent) -> str:
    """Return what to type next where not everything arrived; '' else."""
    if event.kind != "end" or tone_of(event) in (Tone.GOOD, Tone.CALM):
        return ""
    if tone_of(event) is Tone.FAIR:
        return "growlytics_pandas.last_result().violations tells what was left out, and why."
    values = " .violations tells which values were left out." if event.is_incomplete else ""
    return "growlytics_pandas.last_result() has every row: .failed tells why, .retry() sends the rest." + values


def duration(seconds: float) -> str:
    """Return `seconds` as people say them.

    Examples
    --------
    >>> duration(3.14), duration(75), duration(3720)
    ('3.1 s', '1 min 15 s', '1 h 02 min')
    """
    if seconds < _SECONDS_WITH_TENTHS:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _rate(rows_per_second: float) -> str:
    return f"{rows_per_second:,.0f}" if rows_per_second >= _SECONDS_WITH_TENTHS else f"{rows_per_second:.1f}"


def _missing(event: ProgressEvent) -> str:
    """Say what a finished push did not bring, beyond the rows left out as asked for: those are counted."""
    if tone_of(event) is Tone.BAD:
        return "not every row arrived"
    return "not every row with all its attributes" if event.is_incomplete else ""


def _percent(event: ProgressEvent) -> int:
    """Round down, so that 100 means all."""
    return 100 * event.settled // event.total if event.total else 100


def _shown(event: ProgressEvent) -> Iterator[tuple[str, int]]:
    """Give the counts to tell: `accepted` always, others where there are any."""
    for status, count in event.counts.items():
        if count or status == "accepted":
            yield status, count


def _name(event: ProgressEvent, status: str) -> str:
    return "to go" if status == "unsent" and event.kind != "end" else status


def _ink(name: str, tone: Tone) -> str:
    """Return a colour twice: the plain one is for where variables are stripped from a stranger's notebook."""
    variable, plain = _INK[tone]
    return f"{name}:{plain};{name}:var({variable}, {plain})"


def _segments(event: ProgressEvent) -> str:
    """Return the parts of the bar, each as wide as its share of the rows."""
    return "".join(
        f'<span style="display:inline-block;height:6px;width:{100 * count / event.total:.3f}%;'
        f'{_ink("background-color", tone)};opacity:{_STATUS_OPACITY.get(status, 1)}"></span>'
        for status, tone in _STATUS_TONES.items()
        if (count := event.counts.get(status, 0))
    )


def _counts_html(event: ProgressEvent) -> str:
    spans = []
    for status, count in _shown(event):
        tone = _STATUS_TONES.get(status)
        ink = _ink("color", tone) if count and tone in (Tone.FAIR, Tone.BAD) else ""
        spans.append(
            f'<span style="display:inline-block;margin-right:14px"><b style="{ink}">{count:,}</b> '
            f"{escape(_name(event, status))}</span> "
        )
    return "".join(spans)


def _failures_html(event: ProgressEvent) -> str:
    if not event.failures:
        return ""
    lines = "".join(_failure_html(failure) for failure in event.failures)
    return (
        f'<div style="margin-top:6px;padding-left:9px;border-left:2px solid;{_ink("border-left-color", Tone.BAD)}">'
        f'<div style="{_FAINT}">Last failures</div>{lines}</div>'
    )


def _failure_html(failure: Failure) -> str:
    return f"<div>row {failure.row:,} {escape(failure.status)}: {_foreign(failure.words, MAX_WORDS_CHARS)}</div>"


def _foreign(text: str, max_chars: int) -> str:
    words = escape(one_line(text, max_chars))
    return f'<code class="tex2jax_ignore mathjax_ignore" style="{_CODE}"><bdi>{words}</bdi></code>'
