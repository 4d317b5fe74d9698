"""`df.growlytics`: the accessor, with the functions of `growlytics_pandas.api`.

pandas may create the accessor merely for completion, so the constructor only stores the frame.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar, Unpack

import pandas as pd

from growlytics_pandas import api
from growlytics_pandas.columns.plan_options import PlanArguments, with_plan_options
from growlytics_pandas.segments import api as segments

if TYPE_CHECKING:
    from growlytics_pandas.client import Client
    from growlytics_pandas.form.widget import Form

P = ParamSpec("P")
R = TypeVar("R")
_OF_FRAME: Final = re.compile(r"^df : .*\n(?:    .*\n)+", re.MULTILINE)  # the parameter that methods do not have


def _method(
    function: Callable[Concatenate[pd.DataFrame, P], R],
) -> Callable[Concatenate[GrowlyticsAccessor, P], R]:
    """Return a method for a function whose first argument is the frame, with its signature and docstring."""

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

    `schema`, `suggest`, `validate` and `preview` show what a push would do; `plan` returns it as an object; `push`
    sends it. `push_segment` sends only the customers who joined or left a segment. Each is also a function:
    ``growlytics_pandas.push(df, "email")``. `form` opens a form for all of this.
    """

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def __repr__(self) -> str:
        """Return the size of the frame and the methods."""
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

    @with_plan_options
    def form(self, id_col: Hashable = None, *, client: Client | None = None, **options: Unpack[PlanArguments]) -> Form:
        """Open a form to choose the id, columns, names and types, check them, and push.

        Violations and a preview are updated after every change, and the form shows the same push as a line of code. The
        form works on a snapshot of the frame. It can also push a segment: see `push_segment`.

        Parameters
        ----------
        id_col : hashable, optional
            The id column selected at first. Default: the most likely one.
        client : Client, optional
            The project to push to. Default: ``Client()``, which takes the key from the environment.
        **options
            The options of `plan`, chosen at first.

        Returns
        -------
        Form
            Displayed as the last line of a cell. `line` is the code, `result` the result of a push.

        Raises
        ------
        InvalidArgumentError
            No column is suitable as the id, or an option is invalid.
        UsageError
            The notebook is one of marimo, which does not show the form's widgets.

        Examples
        --------
        >>> import growlytics_pandas
        >>> form = growlytics_pandas.sample_customers(3).growlytics.form()
        >>> form.line
        "df.growlytics.push('customer_id')"
        """
        # Imported here: ipywidgets takes time to import.
        from growlytics_pandas.form.widget import Form  # noqa: PLC0415

        return Form(self._frame, client, id_col, **options)
