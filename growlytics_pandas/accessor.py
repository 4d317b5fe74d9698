"""`df.growlytics`: the accessor, with the functions of `growlytics_pandas.api`.

pandas makes a new accessor on every look at `df.growlytics`, even for completion, so it holds the frame and does
nothing until a method is called.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

import pandas as pd

from growlytics_pandas import api, segments

if TYPE_CHECKING:
    from growlytics_pandas.client import Client
    from growlytics_pandas.form import Form

P = ParamSpec("P")
R = TypeVar("R")
_OF_FRAME: Final = re.compile(r"^df : .*\n(?:    .*\n)+", re.MULTILINE)  # the parameter that a method has not


def _method(
    function: Callable[Concatenate[pd.DataFrame, P], R],
) -> Callable[Concatenate[GrowlyticsAccessor, P], R]:
    """Make a method of a function whose first argument is the frame, with its signature and docs."""

    @functools.wraps(function)
    def method(self: GrowlyticsAccessor, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return function(self._frame, *args, **kwargs)

    signature = inspect.signature(function)
    _, *rest = signature.parameters.values()
    me = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    method.__signature__ = signature.replace(parameters=[me, *rest])  # type: ignore[attr-defined]
    method.__doc__ = _OF_FRAME.sub("", inspect.getdoc(function) or "", count=1)
    return method


@pd.api.extensions.register_dataframe_accessor("growlytics")
class GrowlyticsAccessor:
    """Push this frame of customers to Growlytics.

    `schema`, `suggest`, `validate` and `preview` look at what a push would do, `plan` keeps it, `push` does it;
    `push_segment` sends who joined a segment and who left it. Each is also a function:
    ``growlytics_pandas.push(df, "email")``. `form` does all of it with the mouse.
    """

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def __repr__(self) -> str:
        """Show what can be done; it sends nothing."""
        rows, columns = self._frame.shape
        verbs = "schema, suggest, validate, preview, plan, push, form"
        return f"<growlytics of {rows:,} rows × {columns:,} columns: {verbs}>"

    plan = _method(api.plan)
    schema = _method(api.schema)
    suggest = _method(api.suggest)
    validate = _method(api.validate)
    preview = _method(api.preview)
    push = _method(api.push)
    push_segment = _method(segments.push_segment)

    def form(self, id_col: Hashable = None, *, client: Client | None = None) -> Form:
        """Open a form: choose the id, columns, names and types, look, dry run, push.

        Violations and a preview follow every change, and the same push is shown as a line of code to paste. The
        frame is a snapshot of now.

        Parameters
        ----------
        id_col : hashable, optional
            The column of ids to begin with. Default: the likeliest.
        client : Client, optional
            Where to push to. Default: ``Client()``, which takes the key from the environment.

        Returns
        -------
        Form
            Shows itself as the last line of a cell. `line` is the code, `result` what a push came to.

        Raises
        ------
        InvalidArgumentError
            No column can be the id.

        Examples
        --------
        >>> import growlytics_pandas
        >>> form = growlytics_pandas.sample_customers(3).growlytics.form()
        >>> form.line
        "df.growlytics.push('customer_id')"
        """
        # Here, because ipywidgets takes time to import.
        from growlytics_pandas.form import Form  # noqa: PLC0415

        return Form(self._frame, client, id_col)
