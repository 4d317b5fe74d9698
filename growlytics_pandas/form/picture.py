"""The HTML below the form's fields: violations, a preview, errors. Everything is escaped, values are masked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any, Final

from growlytics_pandas._masking import Masker, is_personal, visible
from growlytics_pandas._rules import Severity
from growlytics_pandas._status import RETRYABLE, Status
from growlytics_pandas._text import plural
from growlytics_pandas.contract import BOOLEAN
from growlytics_pandas.form.choices import Choices, ColumnChoice, Names
from growlytics_pandas.views.html import Column, Page, Step, Table, ink, render_notebook
from growlytics_pandas.views.report import DRY_RUN
from growlytics_pandas.views.tables import NOTEBOOK_LIMITS, SEVERITY_TONES, label, left_out

if TYPE_CHECKING:
    from growlytics_pandas.upload.plan import Plan, PushResult

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
PREVIEWED_CUSTOMERS: Final = 2  # side by side also in a narrow notebook
PREVIEWED_ATTRIBUTES: Final = 12
MAX_ERROR_LINES: Final = 12
MAX_ERROR_CHARS: Final = 400  # of one line of an error

_MARKS: Final = {
    Severity.ERROR: "values that cannot be sent",
    Severity.WARNING: "values that are sent, perhaps not as you intended",
}
_NOTE: Final = "opacity:.8;line-height:1.5;overflow-wrap:anywhere;white-space:normal"
_CODE: Final = (
    "margin:0;padding:8px 10px;border:1px solid rgba(128, 128, 128, 0.35);border-radius:3px;max-height:220px;"
    "overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.5;user-select:all;font-size:12px;"
    "background:none;color:inherit;font-family:var(--jp-code-font-family, ui-monospace, monospace)"
)
_ERROR: Final = (
    "border-left:4px solid var(--jp-error-color1, #d24b4b);padding-left:10px;margin:4px 0;line-height:1.5;"
    "overflow-wrap:anywhere;white-space:pre-wrap"
)


def plan_html(plan: Plan, choices: Choices, names: Names, masker: Masker, all_rows: int, moves: str = "") -> str:
    """Return what a push would do, as HTML.

    `all_rows` is the number of rows of the whole frame; `moves` comes first: who joins and who leaves a segment.
    """
    page = plan._page(masker, NOTEBOOK_LIMITS)
    rows = len(plan.frame)
    is_sample = rows < all_rows
    sample = f"For the first {rows:,} rows; a dry run checks all {all_rows:,}. " if is_sample else ""
    is_leaving_out = choices.leaves_out and plan.has_errors
    preview = _preview(plan, masker)
    return render_notebook(
        replace(
            page,
            headline=moves + sample + (_left_out(plan) if is_leaving_out else page.headline),
            tone="warn" if is_leaving_out else page.tone,
            steps=_steps(page, choices, names, has_errors=plan.has_errors),
            tables=(*page.tables, preview) if preview is not None else page.tables,
        )
    )


def _left_out(plan: Plan) -> str:
    n_sendable, rows = plan.counts[Status.UNSENT], len(plan.frame)
    return f"{n_sendable:,} of {rows:,} rows would be sent; invalid rows and values are left out."


def _steps(page: Page, choices: Choices, names: Names, *, has_errors: bool) -> tuple[Step, ...]:
    types = [replace(step, code="") for step in page.steps if step.code == "plan.schema"]
    if has_errors and not choices.leaves_out:
        words = (
            f"Change how columns are read above, or correct the values in {names.frame} and click “Read {names.frame} "
            "again”, or tick “Leave out invalid rows and values”."
        )
        return (Step(words), *types)
    return (
        *types,
        Step("Dry run shows the outcome of each row without sending anything; Push sends the rows."),
    )


def _preview(plan: Plan, masker: Masker) -> Table | None:
    """Return the first request bodies side by side, one row per attribute."""
    bodies = plan.preview(PREVIEWED_CUSTOMERS)
    if not bodies:
        return None
    columns = {attribute.name: attribute.column for attribute in plan._layout.attributes}
    types = {item["name"]: item["type"] for body in bodies for item in body["attributes"]}
    values = [{item["name"]: item["value"] for item in body["attributes"]} for body in bodies]
    shown = list(types)[:PREVIEWED_ATTRIBUTES]
    id_column = plan._layout.id_column
    rows = [
        (f"{label(name)} ({types[name]})", *(_value(one, name, columns.get(name), id_column, masker) for one in values))
        for name in shown
    ]
    heads = [Column(masker.identity(body["id"])) for body in bodies]
    return Table(
        "Preview of the first customers",
        (Column("attribute"), *heads),
        tuple(rows),
        left_out(len(types) - len(shown), "attributes"),
    )


def _value(values: Mapping[str, Any], name: str, column: Any, id_column: Any, masker: Masker) -> str:
    if name not in values:
        return "–"
    value = values[name]
    if isinstance(value, bool):
        return str(value).lower()
    return masker.identity(value) if is_personal(name, column, id_column) else masker.cell(value)


def becomes_html(plan: Plan, id_position: int) -> dict[int, str]:
    """Return position → HTML, for the id and the columns sent: the type, and how many values have violations."""
    counts: Counter[tuple[str, Severity]] = Counter()
    for group in plan._findings.groups():
        counts[_key(group.column), group.severity] += group.cells

    def becomes(column: Any, type_: str) -> str:
        return _becomes(type_, {severity: counts[_key(column), severity] for severity in Severity})

    attributes = plan._layout.attributes
    sent = {one.position: becomes(one.column, one.type.value if one.type else "not sent") for one in attributes}
    return {id_position: becomes(plan._layout.id_column, "id"), **sent}


def _key(column: Any) -> str:
    return repr(column)  # NaN does not equal itself, but its repr does


def _becomes(type_: str, counts: Mapping[Severity, int]) -> str:
    marks = "".join(
        f' <span style="{ink("color", SEVERITY_TONES[severity])};white-space:nowrap">● {count:,}</span>'
        for severity, count in counts.items()
        if count
    )
    return f'<span style="line-height:1.6">{escape(type_)}{marks}</span>'


def legend_html(plan: Plan) -> str:
    """Return the legend of the marks beside the types; '' if there are none."""
    found = {group.severity for group in plan._findings.groups()}
    marks = (
        f'<span style="{ink("color", SEVERITY_TONES[severity])}">●</span> {meaning}'
        for severity, meaning in _MARKS.items()
        if severity in found
    )
    return f'<div style="{_NOTE}">{"&ensp;".join(marks)}</div>' if found else ""


def note_html(words: str) -> str:
    """Return a note in small type; '' if it is empty."""
    return f'<div style="{_NOTE}">{escape(words)}</div>' if words else ""


def old_html(outcome: str) -> str:
    """Return the outcome of earlier choices, collapsed."""
    summary = f'<summary style="{_NOTE};cursor:pointer">Old result: the form has changed since.</summary>'
    return f'<details style="margin:4px 0">{summary}<div style="opacity:.7">{outcome}</div></details>'


def code_html(line: str) -> str:
    """Return the line to paste; one click selects all of it."""
    return (
        '<div style="margin:6px 0 2px"><b>The same push as code</b></div>'
        f'<pre class="tex2jax_ignore mathjax_ignore" style="{_CODE}">{escape(line)}</pre>'
    )


def outcome_html(result: PushResult, owner: str) -> str:
    """Return the outcome of a run, masked, and the expression that returns it in code."""
    page = render_notebook(result._page(Masker(numbers=result._mask_numbers), NOTEBOOK_LIMITS, owner))
    return f'{page}<div style="{_NOTE}">In code: <code>result = {escape(owner)}</code></div>'


def count_open(result: PushResult) -> int:
    """Return how many rows a retry would send."""
    is_dry = result.run.ended == DRY_RUN
    return 0 if is_dry else sum(result.counts[status] for status in RETRYABLE)


def error_html(error: BaseException, masker: Masker | None = None) -> str:
    """Return the message of an error, masked, without a traceback."""
    lines = [visible((masker or Masker()).words(line), MAX_ERROR_CHARS) for line in str(error).splitlines()] or [""]
    more = [f"+{len(lines) - MAX_ERROR_LINES} more lines"] if len(lines) > MAX_ERROR_LINES else []
    words = "\n".join([*lines[:MAX_ERROR_LINES], *more])
    return (
        f'<div class="tex2jax_ignore mathjax_ignore" style="{_ERROR}"><b>{escape(type(error).__name__)}</b>: '
        f"<bdi>{escape(words)}</bdi></div>"
    )


def column_text(column: ColumnChoice) -> str:
    """Return the name of a column in the form."""
    return label(column.label) + (f" ({column.repeats} columns)" if column.repeats > 1 else "")


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


def button_text(plan: Plan, choices: Choices, all_rows: int) -> str:
    """Return the text of the Push button, with the number of rows if it is known."""
    if len(plan.frame) < all_rows or choices.skips_unchanged:
        return "Push"
    n_sendable = plan.counts[Status.UNSENT]
    return f"Push {n_sendable:,} {'row' if n_sendable == 1 else 'rows'}"


def obstacle_text(plan: Plan, choices: Choices, all_rows: int) -> str:
    """Return why a push would send nothing, judging by the checked rows; '' if it would."""
    if plan.has_errors and not choices.leaves_out:
        errors = plan._findings.count(Severity.ERROR)
        return f"Push is off: {plural(errors, 'error')}. Correct them, or tick “Leave out invalid rows and values”."
    if plan.counts[Status.UNSENT] or len(plan.frame) < all_rows:
        return ""
    return f"Push is off: {'no row has a usable id' if all_rows else 'there are no rows'}."
