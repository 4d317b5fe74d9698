"""The form: its fields, and what it shows for their values."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import ipywidgets
import pandas as pd

from growlytics_pandas._masking import Masker
from growlytics_pandas._text import message_style, plural
from growlytics_pandas.checks.suggestions import Suggestion, as_options
from growlytics_pandas.client import Client
from growlytics_pandas.columns.frames import prepare_frame, read_frame
from growlytics_pandas.columns.plan_options import PHONE_NORMALIZATIONS, PlanOptions, is_same, options_of
from growlytics_pandas.contract import INDIA
from growlytics_pandas.errors import GrowlyticsError, InvalidArgumentError, UsageError
from growlytics_pandas.form.controls import Actions, ColumnGrid
from growlytics_pandas.form.fields import button, checkbox, dropdown, row, show, text_field, wide
from growlytics_pandas.form.in_notebook import REGION_CLASS, InNotebook
from growlytics_pandas.form.rendering import (
    becomes_html,
    button_text,
    choices_of,
    legend_html,
    obstacle_text,
    offers_of,
    outcome_html,
    plan_html,
    undecided_text,
)
from growlytics_pandas.form.snippets import IN_FORM, REGION_TITLE, code_html, column_text, error_html
from growlytics_pandas.form.state import (
    KEEPS,
    FormState,
    SegmentChoice,
    find_name,
    find_names,
    find_value,
    first_choices,
    likely_id,
    write_line,
)
from growlytics_pandas.segments.members import find_members
from growlytics_pandas.segments.segment import Segment, SegmentPlan
from growlytics_pandas.upload.connection import PUSH_OPTIONS, connection_or_default, refuse_client_as_id
from growlytics_pandas.upload.plan import Plan, PushResult, make_plan, snapshot
from growlytics_pandas.views.events import Listener
from growlytics_pandas.views.panel import has_marimo

CHECKED_ROWS: Final = 200_000  # the first rows, checked after each change in about a second
SUGGESTED_ROWS: Final = 20_000  # the first rows, from which options are suggested; the others may violate them
CHOOSE_ID: Final = ("choose the id column …", -1)  # not None, for which ipywidgets shows nothing
AT_SAVING: Final = "This is a static picture. Run the cell again to use the form."


class Form:
    """A form that pushes one frame; it checks each choice at once, and shows the push as code.

    The form works on a snapshot of the frame; after a correction, click "Read df again". Values are masked unless you
    tick "Show values"; the picture saved with the notebook is always masked.

    Examples
    --------
    >>> import growlytics_pandas
    >>> form = growlytics_pandas.sample_customers(3).growlytics.form()
    >>> form.line
    "df.growlytics.push('customer_id')"
    """

    def __init__(
        self, frame: pd.DataFrame, client: Client | None = None, id_col: Hashable = None, **options: Any
    ) -> None:
        if has_marimo():
            raise UsageError(
                "form: it needs Jupyter; marimo does not show its widgets. Use df.growlytics.plan(…) and .push(…)."
            )
        refuse_client_as_id(id_col)
        self._names = find_names(frame, client)
        self._client = client
        self._source = frame
        self._is_variable = bool(find_name(frame))
        table = read_frame(frame)
        id_col = likely_id(table) if id_col is None else id_col
        self._frame = snapshot(prepare_frame(table, id_col))
        self._readings = 1  # how often the frame was read
        self._options = options_of(options, PUSH_OPTIONS)
        self._options.check(list(self._frame.columns))
        if options and id_col is not None:  # refuses what a plan refuses
            self._make_plan(self._frame.head(0), id_col, self._options.given())
        self._state = first_choices(self._frame, id_col).with_options(self._options)
        self._state = self._state.with_suggestions(self._suggested(self._state))
        self._checked: Plan | Exception | None = None
        self._worded: Plan
        self._make_options()
        self._actions = Actions(self._push, self._draw_result, self._refresh)
        self._legend = ipywidgets.HTML()
        self._problem, self._code, self._picture = (ipywidgets.HTML(layout=wide()) for _ in range(3))
        self._columns, self._table = ipywidgets.VBox(), ipywidgets.VBox()
        self._tools = self._make_tools()
        self._make_columns()
        self.widget = self._arrange()
        self._in_notebook = InNotebook(self.widget, self._static)
        self._refresh()

    @property
    def line(self) -> str:
        """The line of code for the chosen push."""
        return write_line(self._state, self._names)

    @property
    def result(self) -> PushResult | None:
        """The result of the newest dry run or push; None before the first."""
        return self._actions.result

    def plan(self) -> Plan:
        """Return the plan of the chosen push, over the whole frame."""
        return self._plan(self._frame)

    def wait(self) -> None:
        """Wait until the current dry run or push has ended."""
        self._actions.wait()

    def _ipython_display_(self) -> None:
        """Show the form; a masked picture of it is saved with the notebook."""
        self._in_notebook.show(self._repr_mimebundle_())

    def _repr_mimebundle_(self, **_: Any) -> Mapping[str, Any]:
        """Return the form as a widget, with its masked picture for front ends without widgets."""
        bundle: Mapping[str, Any] = self.widget._repr_mimebundle_()
        return {**bundle, **self._static()}

    def _static(self) -> dict[str, str]:
        parts = (code_html(self.line), self._actions.outcome, "" if self._actions.is_current else self._draw(True))
        html = f'{"".join(parts)}<div style="opacity:.75">{AT_SAVING}</div>'
        return {"text/html": html, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<Form of {plural(len(self._frame), 'row')}: {self.line}>"

    # fields ------------------------------------------------------------------------------------------------------

    def _make_columns(self) -> None:
        """Create the fields that depend on the columns."""
        ids = [(column_text(column), column.position) for column in self._state.columns if column.repeats == 1]
        if self._state.has_id:
            self._id = dropdown("Id column", ids, self._state.id_position)
        else:
            self._id = dropdown("Id column", [CHOOSE_ID, *ids], CHOOSE_ID[1])
        self._id.observe(self._take_id, "value")
        self._grid = ColumnGrid(self._state, lambda column: self._choose(self._state.with_column(column)))
        self._table.children = (self._grid.widget, self._tools)
        self._columns.children = (row(self._id, self._keep, self._region), self._segment.widget, self._table)

    def _make_options(self) -> None:
        self._keep = dropdown("Of rows with the same id", list(KEEPS.items()), self._state.keep)
        self._leave_out = checkbox("Leave out invalid rows and values")
        self._skip = checkbox("Skip unchanged customers")
        self._show_values = checkbox("Show values")
        self._region = text_field(REGION_TITLE, INDIA)
        self._region.value = self._state.region
        self._region.layout.display = "none"
        self._region.add_class(REGION_CLASS)
        self._segment = SegmentFields(lambda segment: self._choose(replace(self._state, segment=segment)))
        for field in (self._keep, self._leave_out, self._skip, self._region):
            field.observe(self._take_options, "value")
        self._show_values.observe(lambda _: self._show(), "value")

    def _make_tools(self) -> Any:
        """Create the buttons that change all columns."""
        everything, nothing = button("All", "", "Send every column"), button("None", "", "Send no column")
        suggested = button("Use all suggestions", "", "Read every column as suggested")
        suggested.on_click(lambda _: self._take_suggestions())
        everything.on_click(lambda _: self._choose(self._state.with_all(is_sent=True)))
        nothing.on_click(lambda _: self._choose(self._state.with_all(is_sent=False)))
        return row(everything, nothing, suggested, self._legend)

    def _arrange(self) -> Any:
        name = self._names.frame
        again = button(f"Read {name} again", "refresh", f"Read the current {name}, and keep the state made here")
        again.on_click(lambda _: self._read_again())
        return ipywidgets.VBox(
            [
                self._columns,
                row(self._leave_out, self._skip, self._show_values),
                row(*self._actions.buttons, again, self._actions.reason),
                self._problem,
                self._actions.widget,
                self._code,
                self._picture,
            ],
            layout=ipywidgets.Layout(max_width="980px", overflow="hidden"),
        )

    # changes -----------------------------------------------------------------------------------------------------

    def _choose(self, state: FormState) -> None:
        self._state = state
        self._show_columns()  # at once: the checks may take a second
        self._refresh()

    def _show_columns(self, becomes: Mapping[int, str] | None = None) -> None:
        self._grid.show(self._state, becomes)
        self._table.layout.display = "none" if self._state.segment else None  # it sends only its own attribute

    def _take_id(self, change: Any) -> None:
        if change.new == CHOOSE_ID[1]:
            self._choose(replace(self._state, has_id=False))
            return
        state = self._state.with_id(change.new)
        self._choose(state.with_suggestions(self._suggested(state)))

    def _take_suggestions(self) -> None:
        """Choose all suggestions, with those for the values as they are read at the moment."""
        of_choices = self._checked._suggest() if isinstance(self._checked, Plan) else {}
        self._choose(self._state.with_suggestions({**self._suggested(self._state), **of_choices}))

    def _suggested(self, state: FormState) -> Mapping[str, Any]:
        """Return the options with which the form was opened, and those suggested for the first rows.

        {} if planning them fails: the form then shows the error.
        """
        if not state.has_id:
            return {}
        start = first_choices(self._frame, state.id_column.label).with_options(self._options)
        given = replace(start, region=state.region).plan_arguments()
        given.pop("columns", None)
        try:
            return self._make_plan(self._frame.head(SUGGESTED_ROWS), state.id_column.label, given)._suggest()
        except GrowlyticsError:
            return {}

    def _read_again(self) -> None:
        """Read the current frame: the value of its variable, or else the object with which the form was opened."""
        try:
            found = find_value(self._names.frame) if self._is_variable else None
            table = read_frame(self._source if found is None else found)
            id_label = self._state.id_column.label if self._state.has_id else None
            if not any(is_same(id_label, label) for label in (*table.columns, *table.index.names)):
                id_label = likely_id(table)
            frame = snapshot(prepare_frame(table, id_label))
            fresh = first_choices(frame, id_label).with_options(self._options)
        except Exception as error:  # noqa: BLE001 - in the log of a kernel nobody reads it
            show(self._problem, error_html(error))
            return
        self._frame = frame
        self._readings += 1
        self._state = self._state.carried_over(fresh.with_suggestions(self._suggested(fresh)))
        self._make_columns()
        self._refresh()

    def _take_options(self, _change: Any) -> None:
        state = replace(
            self._state,
            keep=self._keep.value,
            leaves_out=self._leave_out.value,
            skips_unchanged=self._skip.value,
        )
        region = self._region.value.strip() or INDIA
        if region != state.region:
            state = state.with_region(region, self._suggested(replace(state, region=region)))
        self._choose(state)

    def _plan(self, frame: pd.DataFrame) -> Plan:
        state = self._state
        if state.missing:
            raise InvalidArgumentError(f"form: {state.missing}.")
        if state.segment:
            return plan_segment(frame, state, state.segment, self._client)
        return self._make_plan(frame, state.id_column.label, state.plan_arguments())

    def _make_plan(self, frame: pd.DataFrame, id_col: Hashable, arguments: Mapping[str, Any]) -> Plan:
        return make_plan(frame, id_col, options_of(arguments), connection_or_default(self._client))

    def _push(self, is_dry: bool, progress: Listener) -> PushResult:
        show(self._picture, "")  # the progress takes its place
        plan, arguments = self.plan(), self._state.push_arguments()
        self._worded = self._in_own_words(plan)
        return plan.push(**arguments, dry_run=is_dry, progress=progress)

    def _in_own_words(self, plan: Plan) -> Plan:
        """Return the same plan with texts in the words of the form, as it is before the push."""
        if isinstance(self._checked, Plan) and len(self._checked.frame) == len(plan.frame):
            return self._checked
        worded = replace(plan)
        with message_style(IN_FORM):
            _ = worded._findings, worded._types
        return worded

    def _draw_result(self, result: PushResult, is_masked: bool) -> str:
        name = find_name(self)
        owner = f"{name}.result" if name else "growlytics_pandas.last_result()"
        return outcome_html(result, self._worded, owner, is_masked=is_masked)

    def _refresh(self) -> None:
        """Check the state and show the outcome, also of an error: nobody reads the log of a kernel."""
        try:
            # for a segment all rows, since a customer who is not among them has left
            self._checked = self._plan(self._frame if self._state.segment else self._frame.head(CHECKED_ROWS))
            with message_style(IN_FORM):  # this plan is not the one that is pushed
                suggested = self._checked._suggested
            self._state = self._state.with_offers(
                as_options(suggested), offers_of(self._checked), choices_of(self._checked)
            )
            self._region.layout.display = "flex" if self._has_phones(suggested) else "none"
        except Exception as error:  # noqa: BLE001 - see the docstring
            self._checked = error
        self._show()

    def _has_phones(self, suggested: Sequence[Suggestion]) -> bool:
        return self._state.has_phones or any(
            one.option == "normalize" and not one.choices and one.value in (None, *PHONE_NORMALIZATIONS)
            for one in suggested
        )

    def _show(self) -> None:
        self._code.value = code_html(self.line)
        checked, rows, becomes = self._checked, len(self._frame), None
        is_masked = not self._show_values.value
        if isinstance(checked, Plan):
            becomes = {} if self._state.segment else becomes_html(checked, self._state)
            obstacle = obstacle_text(checked, self._state, self._names.frame, rows)
            note = " ".join(filter(None, [obstacle, undecided_text(checked)]))
            text = "Push" if obstacle else button_text(checked, self._state, rows)
            shown = ("" if self._state.segment else legend_html(checked), "", self._draw(is_masked))
        else:
            text = "Push"
            note = obstacle = f"Push is off: {self._state.missing or 'see the error below'}."
            shown = ("", "" if self._state.missing else self._draw(is_masked), "")
        self._show_columns(becomes)
        choice = f"{self._readings} {self.line}"
        self._actions.offer(text, note, choice, is_off=bool(obstacle), is_masked=is_masked)
        for part, html in zip((self._legend, self._problem, self._picture), shown, strict=True):
            show(part, html)
        if self._actions.is_current:  # the outcome shows the same, for all rows
            show(self._picture, "")
        self._in_notebook.redraw()

    def _draw(self, is_masked: bool) -> str:
        masker = Masker(is_masked)
        if isinstance(self._checked, Plan):
            masker = Masker(is_masked, self._checked._mask_numbers)
            moves = moves_text(self._checked)
            return plan_html(self._checked, self._state, masker, len(self._frame), moves)
        return error_html(self._checked, masker) if self._checked is not None else ""


class SegmentFields:
    """A checkbox, and below it the attribute and the members file.

    `on_change` is called after every change, with the chosen segment; None if columns are to be pushed instead.
    """

    def __init__(self, on_change: Callable[[SegmentChoice | None], None]) -> None:
        self._on_change = on_change
        self.is_chosen = checkbox("Push a segment: these customers are its current members")
        self.attribute = text_field("Attribute", "Is VIP")
        self.members = text_field("Members file", "vip.csv")
        self._fields = row(self.attribute, self.members)
        self._fields.layout.display = "none"
        self.widget = ipywidgets.VBox([self.is_chosen, self._fields])
        for field in (self.is_chosen, self.attribute, self.members):
            field.observe(self._changed, "value")

    def _changed(self, _change: Any) -> None:
        is_chosen = self.is_chosen.value
        self._fields.layout.display = "flex" if is_chosen else "none"
        self._on_change(SegmentChoice(self.attribute.value, self.members.value) if is_chosen else None)


def plan_segment(frame: pd.DataFrame, state: FormState, chosen: SegmentChoice, client: Client | None) -> SegmentPlan:
    """Return the plan of a push of the segment."""
    segment = Segment(
        state.id_column.label,
        chosen.attribute,
        find_members(chosen.members),
        value=True,
        left=False,
        resend=False,
        allow_empty=False,
        reading=PlanOptions(keep="first", **state.id_reading()),
    )
    return segment.plan(frame, connection_or_default(client))


def moves_text(plan: Plan) -> str:
    """Return how many join and leave, and why a push would be refused; '' if it is not a plan of a segment."""
    if not isinstance(plan, SegmentPlan):
        return ""
    return " ".join(["Segment:", f"{plan._moves_text}.", plan._size_warning, ""])
