"""Small pieces of the form's HTML and text: notes, errors, code, and what a suggestion reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

from growlytics_pandas._masking import Masker, visible
from growlytics_pandas._text import PYTHON, MessageStyle
from growlytics_pandas.contract import BOOLEAN
from growlytics_pandas.form.state import KEEPS, ColumnState
from growlytics_pandas.views.tables import label

MAX_SUGGESTION_CHARS: Final = 80
SHOWN_WORDS: Final = 3  # words that mean missing
_EXAMPLE: Final = datetime(2025, 1, 31, 21, 30, tzinfo=UTC)
_NAMED: Final = {
    "ISO8601": "2025-01-31",
    "epoch_s": "seconds since 1970",
    "epoch_ms": "milliseconds since 1970",
    "excel": "day number of a spreadsheet",
}
_NORMAL: Final = {
    "lower": "lower case",
    "email": "a@b.com → address alone",
    "E.164": "→ +919876543210",
    "national": "→ 9876543210",
}
MAX_ERROR_LINES: Final = 12
MAX_ERROR_CHARS: Final = 400  # of one line of an error
_CODE: Final = (
    "margin:0;padding:8px 10px;border:1px solid rgba(128, 128, 128, 0.35);border-radius:3px;"
    "white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.5;user-select:all;font-size:12px;"
    "background:none;color:inherit;font-family:var(--jp-code-font-family, ui-monospace, monospace)"
)
_ERROR: Final = (
    "border-left:4px solid var(--jp-error-color1, #d24b4b);padding-left:10px;margin:4px 0;line-height:1.5;"
    "overflow-wrap:anywhere;white-space:pre-wrap"
)
NOTE_STYLE: Final = "opacity:.8;line-height:1.5;overflow-wrap:anywhere;white-space:normal"


def note_html(words: str) -> str:
    """Return a note in small type; '' if it is empty."""
    return f'<div style="{NOTE_STYLE}">{escape(words)}</div>' if words else ""


def old_html(outcome: str) -> str:
    """Return the outcome of earlier state, collapsed."""
    summary = f'<summary style="{NOTE_STYLE};cursor:pointer">Old result: the form has changed since.</summary>'
    return f'<details style="margin:4px 0">{summary}<div style="opacity:.7">{outcome}</div></details>'


def code_html(line: str) -> str:
    """Return the line to paste; one click selects all of it."""
    return (
        '<div style="margin:6px 0 2px"><b>The same push as code</b></div>'
        f'<pre class="tex2jax_ignore mathjax_ignore" style="{_CODE}">{escape(line)}</pre>'
    )


def error_html(error: BaseException, masker: Masker | None = None) -> str:
    """Return the message of an error, masked, without a traceback."""
    lines = [visible((masker or Masker()).words(line), MAX_ERROR_CHARS) for line in str(error).splitlines()] or [""]
    more = [f"+{len(lines) - MAX_ERROR_LINES} more lines"] if len(lines) > MAX_ERROR_LINES else []
    words = "\n".join([*lines[:MAX_ERROR_LINES], *more])
    return (
        f'<div class="tex2jax_ignore mathjax_ignore" style="{_ERROR}"><b>{escape(type(error).__name__)}</b>: '
        f"<bdi>{escape(words)}</bdi></div>"
    )


def column_text(column: ColumnState) -> str:
    """Return the name of a column in the form."""
    return label(column.label) + (f" ({column.repeats} columns)" if column.repeats > 1 else "")


def control_text(given: Mapping[str, Any]) -> str:
    """Name the controls of the form for options of a call."""
    return " and ".join(text for option, value in given.items() for text in _controls(option, value))


IN_FORM: Final = MessageStyle(lambda name: f"{name}= in the code", control_text, is_python=True)


def _controls(option: str, value: Any) -> list[str]:
    if option == "errors":
        return ["“Leave out invalid rows and values”"]
    if option == "keep":
        return [f"“Of rows with the same id”: {words}" for words, keep in KEEPS.items() if keep == value]
    if option == "exclude":
        return [f"no tick at {label(column)}" for column in value]
    if isinstance(value, str):  # a time zone, which has no control
        return [PYTHON.options({option: value})]
    control = "attribute name" if option == "rename" else "read as"
    by_column = value if isinstance(value, Mapping) else dict.fromkeys(value, True)
    return [
        f"“{control}” of {label(column)}: {one if option in ('rename', 'types') else suggestion_text({option: one})}"
        for column, one in by_column.items()
    ]


def suggestion_text(suggestion: Mapping[str, Any]) -> str:
    """Describe a suggestion by an example with made-up values: "31/01/2025 → date"."""
    parts = []
    if "date_format" in suggestion:
        forms = suggestion["date_format"]
        parts.append(f"{', '.join(map(_dated, [forms] if isinstance(forms, str) else forms))} → date")
    if "decimal" in suggestion:
        parts.append(f"{'1.234,50' if suggestion['decimal'] == ',' else '1,234.50'} → number")
    if "types" in suggestion:
        parts.append("yes, no → boolean" if suggestion["types"] == BOOLEAN else f"→ {suggestion['types']}")
    if "normalize" in suggestion:
        parts.append(_NORMAL[suggestion["normalize"]])
    if "strip" in suggestion:
        parts.append("stripped")
    if "na_values" in suggestion:
        words = [str(word) or "blank" for word in suggestion["na_values"]]
        more = f" +{len(words) - SHOWN_WORDS}" if len(words) > SHOWN_WORDS else ""
        parts.append(f"{', '.join(words[:SHOWN_WORDS])}{more} missing")
    return visible("; ".join(parts), MAX_SUGGESTION_CHARS)


def _dated(form: str) -> str:
    """Return an example of a date format; a description for a format with a name."""
    return _EXAMPLE.strftime(form) if "%" in form else _NAMED.get(form, form)
