"""The HTML below the form's fields: violations, a preview, errors. Everything is escaped, values are masked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from growlytics_pandas._labels import is_personal
from growlytics_pandas._masking import Masker
from growlytics_pandas._rules import Severity
from growlytics_pandas._status import Status
from growlytics_pandas._text import message_style, plural
from growlytics_pandas.checks.suggestions import Suggestion
from growlytics_pandas.checks.violations import Violation, fix_of
from growlytics_pandas.columns.plan_options import PHONE_NORMALIZATIONS, TYPE_OPTIONS
from growlytics_pandas.form.snippets import IN_FORM, NOTE_STYLE, decision_text, suggestion_text
from growlytics_pandas.form.state import ColumnState, FormState
from growlytics_pandas.views.html import Column, Step, StepKind, Table, ink, render_notebook
from growlytics_pandas.views.tables import NOTEBOOK_LIMITS, SEVERITY_LEVELS, SUGGESTIONS_TITLE, label_text, more_text

if TYPE_CHECKING:
    from growlytics_pandas.upload.plan import Plan, PushResult

PREVIEWED_CUSTOMERS: Final = 2  # side by side also in a narrow notebook
PREVIEWED_ATTRIBUTES: Final = 12
MAX_LISTED: Final = 5  # columns beside the buttons

_MARKS: Final = {
    Severity.ERROR: "values that cannot be sent",
    Severity.WARNING: "values that are sent, perhaps not as you intended",
}


def plan_html(plan: Plan, state: FormState, masker: Masker, all_rows: int, moves: str = "") -> str:
    """Return what a push would do, as HTML.

    `all_rows` is the number of rows of the whole frame; `moves` comes first: who joins and who leaves a segment.
    """
    with message_style(IN_FORM):
        page = plan._page(masker, NOTEBOOK_LIMITS, drops_errors=state.leaves_out, skips_unchanged=state.skips_unchanged)
    errors, rows = plan._findings.count(Severity.ERROR), len(plan.frame)
    is_refused = errors > 0 and not state.leaves_out  # what helps is beside the button
    headline = f"{plural(errors, 'error')}, so a push would send nothing." if is_refused else page.headline
    is_sample = rows < all_rows
    sample = f"For the first {rows:,} rows; a dry run checks all {all_rows:,}. " if is_sample else ""
    preview = _preview(plan, masker)
    return render_notebook(
        replace(
            page,
            headline=moves + sample + headline,
            steps=tuple(replace(step, code="") for step in page.steps if step.kind is StepKind.TYPES),
            tables=tuple(table for table in (*page.tables, preview) if table and table.title != SUGGESTIONS_TITLE),
        )
    )


def _preview(plan: Plan, masker: Masker) -> Table | None:
    """Return the first request bodies side by side, one row per attribute."""
    bodies = plan.preview(PREVIEWED_CUSTOMERS)
    if not bodies:
        return None
    columns = {attribute.name: attribute.column for attribute in plan._schema.attributes}
    types = {item["name"]: item["type"] for body in bodies for item in body["attributes"]}
    values = [{item["name"]: item["value"] for item in body["attributes"]} for body in bodies]
    shown = list(types)[:PREVIEWED_ATTRIBUTES]
    id_column = plan._schema.id_column
    rows = [
        (
            f"{label_text(name)} ({types[name]})",
            *(_value(one, name, columns.get(name), id_column, masker) for one in values),
        )
        for name in shown
    ]
    heads = [Column(masker.identity(body["id"])) for body in bodies]
    return Table(
        "Preview of the first customers",
        (Column("attribute", "strong"), *heads),
        tuple(rows),
        more_text(len(types) - len(shown), "attribute"),
    )


def _value(values: Mapping[str, Any], name: str, column: Any, id_column: Any, masker: Masker) -> str:
    if name not in values:
        return "–"
    value = values[name]
    if isinstance(value, bool):
        return str(value).lower()
    return masker.identity(value) if is_personal(name, column, id_column) else masker.cell(value)


def becomes_html(plan: Plan, state: FormState) -> dict[int, str]:
    """Return position → HTML, for the id and the columns sent: type, values with violations, and what is suggested."""
    counts = _count_values(plan._findings.violations)
    types = {state.id_position: "id"}
    types |= {one.position: one.type.value if one.type else "not sent" for one in plan._schema.attributes}
    decisions: defaultdict[str, list[Suggestion]] = defaultdict(list)
    for one in _to_decide(plan):
        decisions[repr(one.column)].append(one)
    columns = (column for column in state.columns if column.position in types)
    return {
        column.position: _becomes(column, types[column.position], counts, decisions[repr(column.label)])
        for column in columns
    }


def _count_values(violations: Sequence[Violation]) -> Counter[tuple[str, Severity]]:
    """Return the number of values with violations, by column and severity.

    A value with several violations counts once. A violation of the whole column may not say which of its
    values it concerns; the number is then a lower bound.
    """
    alike: defaultdict[tuple[str, int, Severity], list[Violation]] = defaultdict(list)
    for each in violations:
        alike[repr(each.column), each.position, each.level].append(each)  # NaN does not equal itself, its repr does
    counts: Counter[tuple[str, Severity]] = Counter()
    for (column, _, severity), found in alike.items():
        rows = [each.rows for each in found if each.rows is not None]
        n_known = len(np.unique(np.concatenate(rows))) if rows else 0
        counts[column, severity] += max(n_known, *(each.count for each in found if each.rows is None), 0)
    return counts


def _to_decide(plan: Plan) -> list[Suggestion]:
    return [one for one in plan._suggested if one.value is None]


def _becomes(
    column: ColumnState, type_: str, counts: Mapping[tuple[str, Severity], int], decisions: Sequence[Suggestion]
) -> str:
    found = {severity: counts[repr(column.label), severity] for severity in Severity}
    marks = "".join(f" {_mark(severity, f' {count:,}')}" for severity, count in found.items() if count)
    is_type = not column.is_suggested and list(column.reading) == ["types"]
    notes = [suggestion_text(column.reading)] if column.reading and not is_type else []
    if not column.suggestion.items() <= column.reading.items():
        notes.append(f"suggested: {suggestion_text(column.suggestion)}")
    notes += [f"to decide: {decision_text(one, type_)}" for one in decisions]
    note_style = f"{NOTE_STYLE};font-size:90%;line-height:1.35"
    shown = "".join(f'<div style="{note_style}">{escape(words)}</div>' for words in notes)
    return f'<span style="line-height:1.4">{escape(type_)}{marks}</span>{shown}'


def choices_of(plan: Plan) -> list[dict[str, Any]]:
    """Return the options among which a person must decide, as a call gives them."""
    return [{one.option: {one.column: choice}} for one in _to_decide(plan) for choice in one.choices]


def offers_of(plan: Plan) -> list[dict[str, Any]]:
    """Return the options that may be chosen for columns, as a call gives them: of fixes, and of what is to decide."""
    fixes = [{**fix.before, fix.option: fix.value} for fix in map(fix_of, plan._findings.violations) if fix.option]
    phones = [each.column for each in plan._schema.attributes if each.name == "mobile"]
    return [*choices_of(plan), *fixes, *({"normalize": dict.fromkeys(phones, how)} for how in PHONE_NORMALIZATIONS)]


def legend_html(plan: Plan) -> str:
    """Return the legend of the marks beside the types; '' if there are none."""
    marks = [f"{_mark(severity)} {_MARKS[severity]}" for severity in Severity if plan._findings.count(severity)]
    return f'<div style="{NOTE_STYLE}">{"&ensp;".join(marks)}</div>' if marks else ""


def _mark(severity: Severity, count: str = "") -> str:
    return f'<span style="{ink("color", SEVERITY_LEVELS[severity])};white-space:nowrap">●{count}</span>'


def outcome_html(result: PushResult, plan: Plan, owner: str, *, is_masked: bool) -> str:
    """Return the outcome of a run, and the expression that returns it in code.

    `plan`: that of the result in the words of the form. The result itself has the words of a call.
    """
    with message_style(IN_FORM):
        shown = replace(result, plan=plan)
        page = shown._page(Masker(is_masked, result._mask_numbers), NOTEBOOK_LIMITS, owner)
    why = "".join(value for name, value in page.facts if name == "why")
    html = render_notebook(
        replace(
            page,
            headline=f"{page.headline} {why[:1].upper()}{why[1:]}",
            facts=tuple(fact for fact in page.facts if fact[0] != "why"),
            steps=tuple(
                _of_controls(step)
                for step in page.steps
                if not (result.run.would_refuse and step.kind is StepKind.PUSH_DRY)  # the button is off
            ),
        )
    )
    return f'{html}<div style="{NOTE_STYLE}">In code: <code>result = {escape(owner)}</code></div>'


def _of_controls(step: Step) -> Step:
    """Return a step with the form's controls instead of code, if there are any."""
    match step.kind:
        case StepKind.RETRY:
            return Step(f"{step.text} Click “Retry”.")
        case StepKind.WRONG_KEY:
            return Step("Open a form with a client that has the right API key, and push again; this is safe.")
        case StepKind.WRONG_URL:
            return Step("Open a form with a client that has the right URL, and push again; this is safe.")
        case StepKind.PUSH_CORRECTED:
            words = "tick “Skip unchanged customers” to skip the rows that arrived."
            return Step(f"Then correct the frame, read it again, and push; {words}")
        case StepKind.PUSH_DRY:
            return Step(step.text)
    return step


def button_text(plan: Plan, state: FormState, all_rows: int) -> str:
    """Return the text of the Push button, with the number of rows if it is known."""
    counts = _counts(plan, state, all_rows)
    return "Push" if counts is None else f"Push {plural(counts[Status.UNSENT], 'row')}"


def obstacle_text(plan: Plan, state: FormState, frame_name: str, all_rows: int) -> str:
    """Return why a push would send nothing, judging by the checked rows; '' if it would."""
    if plan.has_errors and not state.leaves_out:
        errors = plan._findings.count(Severity.ERROR)
        return (
            f"Push is off: {plural(errors, 'error')}. Change how columns are read, or correct {frame_name} and click "
            f"“Read {frame_name} again”, or tick “Leave out invalid rows and values”."
        )
    counts = _counts(plan, state, all_rows)
    return "" if counts is None or counts[Status.UNSENT] else f"Push is off: {_why_none(counts, state)}."


def undecided_text(plan: Plan) -> str:
    """Return what a push would settle for good although a person should decide it; '' if there is nothing."""
    sent = {repr(each.column): label_text(each.column) for each in plan._schema.attributes}
    found = (one for one in _to_decide(plan) if one.option in TYPE_OPTIONS and repr(one.column) in sent)
    columns = list(dict.fromkeys(sent[repr(one.column)] for one in found))
    if not columns:
        return ""
    shown = ", ".join(columns[:MAX_LISTED]) + (f", +{len(columns) - MAX_LISTED} more" * (len(columns) > MAX_LISTED))
    return f"Not decided yet: {shown}. See “to decide” above: a push fixes the types for good."


def _why_none(counts: Mapping[str, int], state: FormState) -> str:
    """Return why no row is to be sent."""
    if counts.get(Status.UNCHANGED):
        return "no customer joins or leaves the segment" if state.segment else "no customer has changed"
    return "every row is invalid" if counts.get(Status.INVALID) else "there are no rows"


def _counts(plan: Plan, state: FormState, all_rows: int) -> Mapping[str, int] | None:
    """Return status → number of rows, as in a dry run; None if only some rows were compared or checked."""
    if len(plan.frame) < all_rows or (state.skips_unchanged and not plan._is_quick_to_compare):
        return None
    return plan._counts_to_send(plan._known_changes(is_quick=True) if state.skips_unchanged else None)
