"""Small pieces of the form's HTML and text: notes, errors, code, and what a suggestion reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

from growlytics_pandas._masking import Masker, visible
from growlytics_pandas._text import PYTHON, MessageStyle
from growlytics_pandas.checks.suggestions import Suggestion
from growlytics_pandas.columns.named_formats import NAMED_FORMATS
from growlytics_pandas.columns.plan_options import READING_OPTIONS
from growlytics_pandas.contract import BOOLEAN, DATE, NUMBER, STRING
from growlytics_pandas.form.state import KEEPS, ColumnState, reading_of
from growlytics_pandas.views.tables import label_text

MAX_SUGGESTION_CHARS: Final = 80
SHOWN_WORDS: Final = 3  # words that mean missing
_EXAMPLE: Final = datetime(2025, 1, 31, 21, 30, tzinfo=UTC)
_TYPED: Final = {BOOLEAN: "yes, no", DATE: "2025-01-31", NUMBER: "7", STRING: "7"}
_NORMAL: Final = {
    "lower": "lower case",
    "email": "a@b.com → address alone",
    "E.164": "phone with +code",
    "national": "phone without code",
}
REGION_TITLE: Final = "Region of phone numbers"
_DECISIONS: Final = {
    "exclude": "whether to send it",
    "rename": "the attribute name",
    "normalize": f"“{REGION_TITLE}”",
    "timezone": "the time zone: form(timezone=…)",
    "date_format": "correct the values, or send text",
    "decimal": "correct the values, or send text",
}
_LOSS: Final = "leading zeros are lost: read the source as text"
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
    return label_text(column.label) + (f" ({column.repeats} columns)" if column.repeats > 1 else "")


def control_text(given: Mapping[str, Any]) -> str:
    """Name the controls of the form for options of a call."""
    by_column = {option: value for option, value in given.items() if option in READING_OPTIONS and not _is_one(value)}
    columns = dict.fromkeys(column for value in by_column.values() for column in value)
    readings = [f"“read as” of {label_text(each)}: {reading_text(reading_of(each, by_column))}" for each in columns]
    others = (text for option, value in given.items() if option not in by_column for text in _controls(option, value))
    return " and ".join([*readings, *others])


def _is_one(value: Any) -> bool:
    """Return whether the value of an option is not by column."""
    return isinstance(value, (str, bool))


_NAMES: Final = {"types": "“read as”", "region": f"“{REGION_TITLE}”", "id_col": "“Id column”"}
IN_FORM: Final = MessageStyle(lambda name: _NAMES.get(name, f"form({name}=…)"), control_text, is_python=True)


def _controls(option: str, value: Any) -> list[str]:
    match option:
        case "errors" | "region":
            return ["“Leave out invalid rows and values”" if option == "errors" else f"“{REGION_TITLE}”: {value}"]
        case "keep":
            return [f"“Of rows with the same id”: {words}" for words, keep in KEEPS.items() if keep == value]
        case "exclude":
            return [f"no tick at {label_text(column)}" for column in value]
        case "rename":
            return [f"“attribute name” of {label_text(column)}: {name}" for column, name in value.items()]
        case _ if option in READING_OPTIONS:  # not by column
            return [f"“read as” {reading_text({option: value})}"]
    return [f"form({PYTHON.options({option: value})})"]


def decision_text(suggestion: Suggestion, type_: str) -> str:
    """Name the controls for what a person must decide; `type_`: that of the attribute as it is read now."""
    if suggestion.choices:
        readings = [reading_text({suggestion.option: choice}) for choice in suggestion.choices]
        if suggestion.option == "na_values":
            return f"{readings[0]}?"
        *others, last = dict.fromkeys([type_, *readings])
        return f"{', '.join(others)} or {last}" if others else last
    return _LOSS if suggestion.is_loss else _DECISIONS.get(suggestion.option, f"{suggestion.option}=")


def reading_text(reading: Mapping[str, Any]) -> str:
    """Return the name of a reading among the choices of “read as”."""
    return str(reading["types"]) if list(reading) == ["types"] else suggestion_text(reading)


def suggestion_text(suggestion: Mapping[str, Any]) -> str:
    """Describe a suggestion by an example with made-up values: "31/01/2025 → date"."""
    parts = []
    if "date_format" in suggestion:
        forms = suggestion["date_format"]
        parts.append(f"{', '.join(map(_dated, [forms] if isinstance(forms, str) else forms))} → date")
    if "decimal" in suggestion:
        parts.append(f"{'1.234,50' if suggestion['decimal'] == ',' else '1,234.50'} → number")
    if "types" in suggestion:
        parts.append(f"{_TYPED[suggestion['types']]} → {suggestion['types']}")
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
    named = NAMED_FORMATS.get(form)
    return _EXAMPLE.strftime(form) if named is None else named.meaning
