"""`df.growlytics`: a door to the functions of `growlytics_pandas.api`.

pandas makes a new accessor on every look at `df.growlytics`, even for completion, so it holds the frame and does
nothing until a method is called.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import pandas as pd

from growlytics_pandas import api

P = ParamSpec("P")
R = TypeVar("R")


def _method(
    function: Callable[Concatenate[pd.DataFrame, P], R],
) -> "Callable[Concatenate[GrowlyticsAccessor, P], R]":
    """Make a method of a function whose first argument is the frame, with its signature and docs."""

    @functools.wraps(function)
    def method(self: "GrowlyticsAccessor", /, *args: P.args, **kwargs: P.kwargs) -> R:
        return function(self._frame, *args, **kwargs)

    signature = inspect.signature(function)
    _, *rest = signature.parameters.values()
    me = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    method.__signature__ = signature.replace(parameters=[me, *rest])  # type: ignore[attr-defined]
    return method


@pd.api.extensions.register_dataframe_accessor("growlytics")
class GrowlyticsAccessor:
    """Push this frame of customers to Growlytics.

    `schema`, `validate` and `preview` look at what a push would do, `plan` keeps it, `push` does it. Each is also a
    function: ``growlytics_pandas.push(df, "email")``.
    """

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    plan = _method(api.plan)
    schema = _method(api.schema)
    validate = _method(api.validate)
    preview = _method(api.preview)
    push = _method(api.push)
