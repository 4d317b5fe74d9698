"""The fields of the form, which all look alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets


def dropdown(title: str, options: Sequence[tuple[str, Any]], value: Any) -> Any:
    """Return a choice of one, its title before it."""
    return ipywidgets.Dropdown(options=list(options), value=value, **_titled(title))


def text_field(title: str, example: str) -> Any:
    """Return a text to enter, with an example in it."""
    return ipywidgets.Text(placeholder=example, continuous_update=False, **_titled(title))


def _titled(title: str) -> dict[str, Any]:
    layout = ipywidgets.Layout(width="auto", min_width="0", max_width="100%", margin="2px 16px 2px 0")
    return {"description": title, "style": {"description_width": "initial"}, "layout": layout}


def checkbox(title: str) -> Any:
    """Return a box to tick, no wider than its title."""
    return ipywidgets.Checkbox(
        description=title, indent=False, layout=ipywidgets.Layout(width="auto", margin="2px 16px 2px 0")
    )


def button(title: str, icon: str, tooltip: str, *, style: str = "", width: str = "auto") -> Any:
    """Return a button."""
    return ipywidgets.Button(
        description=title,
        icon=icon,
        tooltip=tooltip,
        button_style=style,
        layout=ipywidgets.Layout(width=width, margin="2px 8px 2px 0"),
    )


def row(*fields: Any) -> Any:
    """Return fields beside each other, or below where there is no room."""
    return ipywidgets.Box(
        list(fields), layout=ipywidgets.Layout(display="flex", flex_flow="row wrap", align_items="center")
    )


def wide(margin: str = "4px 0") -> Any:
    """Return the layout of a part that takes the whole width; a wide table in it scrolls by itself."""
    return ipywidgets.Layout(width="100%", margin=margin, overflow="hidden", display="block")


def show(part: Any, html: str) -> None:
    """Show HTML in a part of the form, which takes no room where there is none."""
    part.value = html
    part.layout.display = "block" if html else "none"
