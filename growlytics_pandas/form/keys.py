"""The form keeps the keys that are typed in it.

JupyterLab takes every key outside a text input for a notebook shortcut: an arrow in a dropdown selects the next cell,
``dd`` deletes the form's cell. ipywidgets has no setting for this, so a short script marks the control that has the key
as one whose shortcuts are suppressed. Front ends that run no script are unaffected.
"""

from typing import Any, Final

import ipywidgets

FORM_CLASS: Final = "growlytics-form"
# Lumino looks at the element that has the key before any around it, so the mark is on that element. Window listeners
# come before those of the document. Keys with Ctrl or Cmd, such as Ctrl+S, still reach the notebook.
SCRIPT: Final = f"""
window.addEventListener("keydown", (event) => {{
    const control = event.target;
    if (control.closest?.(".{FORM_CLASS}")) {{
        control.toggleAttribute("data-lm-suppress-shortcuts", !(event.ctrlKey || event.metaKey));
    }}
}}, true);
"""


def keep_keys(form: Any) -> None:
    """Let the box of a form keep its keys."""
    script = {"output_type": "display_data", "data": {"application/javascript": SCRIPT}, "metadata": {}}
    runner = ipywidgets.Output(outputs=(script,), layout=ipywidgets.Layout(display="none"))
    form.add_class(FORM_CLASS)
    form.children = (*form.children, runner)
