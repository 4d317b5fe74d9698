"""The form in JupyterLab: its keys are not taken as notebook shortcuts, and a static picture of it is saved.

JupyterLab treats every key outside a text input as a notebook shortcut: an arrow key in a dropdown selects the next
cell, ``dd`` deletes the form's cell. And a saved widget reopens as "model not found", even if HTML is saved beside it.
ipywidgets has no setting for either, so a short script runs in the page. It suppresses shortcuts for the focused
control. It also moves the form out of its output, and reports this by clicking a hidden button; then the output is
replaced by one without a view, and the output above it, which the page hides, by a static picture of the form.
A front end that does not run scripts keeps the plain widget.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import ipywidgets

FORM_CLASS: Final = "growlytics-form"
COLUMNS_CLASS: Final = "growlytics-form-columns"
FRAME_CLASS: Final = "growlytics-form-frame"
REGION_CLASS: Final = "growlytics-form-region"
BUSY_CLASS: Final = "growlytics-form-busy"
MOVED_CLASS: Final = "growlytics-form-moved"
NO_PICTURE: Final = {"text/html": "", "text/plain": ""}
NO_VIEW: Final = {  # what ipywidgets leaves as the output of a closed widget; JupyterLab hides it
    "application/vnd.jupyter.widget-view+json": {"version_major": 2, "version_minor": 0, "model_id": ""},
    "text/plain": "",
}
# Lumino checks the focused element before its ancestors, so the attribute is set on that element. Window listeners run
# before those of the document. Keys with Ctrl or Cmd, such as Ctrl+S, still reach the notebook.
SCRIPT: Final = f"""
window.addEventListener("keydown", (event) => {{
    const control = event.target;
    if (control.closest?.(".{FORM_CLASS}")) {{
        control.toggleAttribute("data-lm-suppress-shortcuts", !(event.ctrlKey || event.metaKey));
    }}
}}, true);
function move(attempts) {{
    const form = element.closest(".{FORM_CLASS}");
    const output = form?.closest(".jp-OutputArea-output");
    const picture = output?.closest(".jp-OutputArea-child")?.previousElementSibling;
    if (!picture) {{  // the script may run before the form is in the page
        if (attempts) setTimeout(move, 50, attempts - 1);
        return;
    }}
    const home = document.createElement("div");
    home.className = "jp-OutputArea-output";
    output.after(home);
    home.append(form);
    picture.style.setProperty("display", "none", "important");
    new MutationObserver(() => picture.style.removeProperty("display")).observe(home, {{childList: true}});
    form.querySelector(".{MOVED_CLASS}").click();
}}
move(100);
"""


# ipywidgets cuts long labels, fades disabled controls so that they are illegible in a dark theme, where it also draws
# black arrows, and has no settings for these, nor for narrow screens: there, each column takes two lines. The labels in
# the table of columns are for screen readers.
STYLE: Final = f"""<style>
.{FORM_CLASS} {{ container-type: inline-size; }}
.{FORM_CLASS} .widget-checkbox, .{FORM_CLASS} .widget-checkbox label {{
    height: auto; white-space: normal; overflow-wrap: anywhere; line-height: 1.4;
}}
.{FORM_CLASS} .widget-checkbox label {{ display: flex; align-items: flex-start; }}
.{FORM_CLASS} .widget-checkbox input {{ flex: none; margin: 2px 6px 0 0; }}
.{FORM_CLASS} select {{ appearance: auto; background-image: none !important; padding-right: 2px; height: 28px; }}
.{FORM_CLASS} :disabled {{ opacity: .75 !important; }}
.{FORM_CLASS} button:disabled, .{FORM_CLASS} .{BUSY_CLASS} {{
    background: none !important; color: inherit !important; opacity: .75 !important; box-shadow: none !important;
    border: 1px dashed; cursor: default;
}}
.{FORM_CLASS} button:focus-visible {{ outline: 2px solid; outline-offset: 1px; }}
.{COLUMNS_CLASS} .widget-label {{ position: absolute; clip-path: inset(50%); }}
.{COLUMNS_CLASS} > * {{
    position: relative; box-sizing: border-box; padding: 3px 8px; border-top: 1px solid rgba(128, 128, 128, 0.25);
}}
.{COLUMNS_CLASS} > :nth-child(-n + 4) {{ border-top: 0; opacity: .75; }}
.{COLUMNS_CLASS} > .widget-text, .{COLUMNS_CLASS} > .widget-dropdown {{ height: auto; align-items: flex-start; }}
.{COLUMNS_CLASS} > .widget-checkbox {{ padding-top: 8px; }}
.{COLUMNS_CLASS} > .widget-html {{ height: auto; padding-top: 4px; }}
.{REGION_CLASS} input {{ max-width: 4.5em; }}
@container (max-width: 520px) {{
    .{FRAME_CLASS} {{ max-height: none !important; }}
    .{COLUMNS_CLASS} {{ grid-template-columns: minmax(0, 1.3fr) minmax(0, 1fr) !important; }}
    .{COLUMNS_CLASS} > :nth-child(4n + 3), .{COLUMNS_CLASS} > :nth-child(4n) {{ border-top: 0; padding-bottom: 10px; }}
    .{COLUMNS_CLASS} > :nth-child(3), .{COLUMNS_CLASS} > :nth-child(4) {{ display: none; }}
    .{FORM_CLASS} > * > * > .widget-dropdown {{ height: auto; flex-wrap: wrap; }}
}}
</style>"""


class InNotebook:
    """Displays a form's box; `draw` returns the output that is saved instead of it, a static picture."""

    def __init__(self, box: Any, draw: Callable[[], Mapping[str, Any]]) -> None:
        self._draw = draw
        self._outputs: list[tuple[Any, Any]] = []
        self._is_moved = False
        moved = ipywidgets.Button(tabbable=False, layout=ipywidgets.Layout(display="none"))
        moved.add_class(MOVED_CLASS)
        moved.on_click(lambda _: self._replace())
        script = {"output_type": "display_data", "data": {"application/javascript": SCRIPT}, "metadata": {}}
        runner = ipywidgets.Output(outputs=(script,), layout=ipywidgets.Layout(display="none"))
        box.add_class(FORM_CLASS)
        box.children = (ipywidgets.HTML(STYLE, layout=ipywidgets.Layout(display="none")), *box.children, moved, runner)

    def show(self, form: Mapping[str, Any]) -> None:
        """Display the form, below an output for its picture."""
        from IPython.display import display  # noqa: PLC0415 - only where there is a kernel

        picture = display(NO_PICTURE, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        self._outputs.append((picture, display(dict(form), raw=True, display_id=True)))  # type: ignore[no-untyped-call]

    def redraw(self) -> None:
        """Update the picture to the current state of the form."""
        if self._is_moved:
            for picture, _ in self._outputs:
                picture.update(self._draw(), raw=True)

    def _replace(self) -> None:
        self._is_moved = True
        for _, form in self._outputs:
            form.update(NO_VIEW, raw=True)
        self.redraw()
