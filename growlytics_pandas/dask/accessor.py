"""`ddf.growlytics`: the methods of `df.growlytics`, for a Dask DataFrame."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from dask.dataframe.extensions import register_dataframe_accessor
from distributed import Client as Cluster
from distributed import default_client as default_cluster

from growlytics_pandas import api
from growlytics_pandas.columns.options import options_of
from growlytics_pandas.dask.cluster import ClusterExecutor
from growlytics_pandas.dask.partitions import PartitionExecutor, warn_of_converted_text
from growlytics_pandas.segments import verbs as segments
from growlytics_pandas.segments.segment import SegmentResult
from growlytics_pandas.upload.connection import connection_or_default, refuse_client_as_id
from growlytics_pandas.upload.parts import Executor
from growlytics_pandas.upload.plan import Plan, PushResult, infer_schema_of_parts, make_batch_plan
from growlytics_pandas.upload.profile import profile_parts
from growlytics_pandas.upload.push_options import PUSH_OPTIONS, PushOptions


def plan(ddf: Any, id_col: Any, **options: Any) -> Plan:
    """Work out what a push of all partitions would do, on the cluster if there is one."""
    refuse_client_as_id(id_col)
    connection = connection_or_default(options.pop("client", None))
    chosen = options_of(options, PUSH_OPTIONS)
    infer_schema_of_parts(chosen, ddf._meta, id_col, None)  # noqa: SLF001 - the empty frame: a wrong call costs no reading
    executor = _engine_of(ddf)
    profile = profile_parts(executor.run, id_col, chosen)
    made = make_batch_plan(executor, id_col, chosen, connection, profile)
    warn_of_converted_text(profile.example)
    return made


def push(ddf: Any, id_col: Any, **options: Any) -> PushResult:
    """Push all partitions, on the workers of the cluster if there is one. It is not lazy."""
    how = {name: options.pop(name) for name in PUSH_OPTIONS if name in options}
    PushOptions(**how)  # before any partition is read
    return plan(ddf, id_col, **options).push(**how)


def push_segment(ddf: Any, id_col: Any, attribute: Any, **options: Any) -> SegmentResult:
    """Send the customers who joined or left a segment. The ids are computed as one column and sent locally."""
    if id_col not in ddf.columns:
        return segments.push_segment(ddf._meta, id_col, attribute, **options)  # noqa: SLF001 - raises the usual error
    return segments.push_segment(ddf[[id_col]].compute(), id_col, attribute, **options)


def schema(ddf: Any, id_col: Any, **options: Any) -> Any:
    """Return the columns that would be sent, with attribute names and types."""
    return plan(ddf, id_col, **options).schema


def suggest(ddf: Any, id_col: Any, **options: Any) -> dict[str, Any]:
    """Suggest options from the first rows of each partition, ready for ``**``."""
    return plan(ddf, id_col, **options).suggest()


def validate(ddf: Any, id_col: Any, **options: Any) -> Any:
    """Report values that would be rejected or need a check, without sending anything."""
    return plan(ddf, id_col, **options).violations


def preview(ddf: Any, id_col: Any, *, n: int = 3, **options: Any) -> list[dict[str, Any]]:
    """Show the first `n` request bodies exactly as they would be sent."""
    return plan(ddf, id_col, **options).preview(n)


def find_cluster() -> Cluster | None:
    """Return the distributed client of this process; None without one."""
    try:
        return default_cluster()
    except ValueError:
        return None


def _engine_of(ddf: Any) -> Executor:
    cluster = find_cluster()
    return PartitionExecutor(ddf) if cluster is None else ClusterExecutor(ddf, cluster)


def _method(function: Callable[..., Any], like: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that calls a function with arguments bound by the signature of the pandas method."""
    pandas_signature = inspect.signature(like)
    _, *rest = pandas_signature.parameters.values()
    me = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    signature = pandas_signature.replace(
        parameters=[me, *rest], return_annotation=inspect.signature(function).return_annotation
    )

    @functools.wraps(function)
    def method(self: GrowlyticsDaskAccessor, /, *args: Any, **kwargs: Any) -> Any:
        given = signature.bind(self, *args, **kwargs).arguments
        del given["self"]
        return function(self._ddf, **given)

    method.__signature__ = signature  # type: ignore[attr-defined]
    return method


@register_dataframe_accessor("growlytics")
class GrowlyticsDaskAccessor:
    """Push this Dask DataFrame of customers to Growlytics.

    The methods take the arguments of those of ``df.growlytics``. With a `distributed.Client` in this process, its
    workers push the partitions; otherwise this process pushes them in sequence. A push runs once, when it is called,
    and its result is not lazy.
    """

    def __init__(self, ddf: Any) -> None:
        self._ddf = ddf

    plan = _method(plan, api.plan)
    schema = _method(schema, api.schema)
    suggest = _method(suggest, api.suggest)
    validate = _method(validate, api.validate)
    preview = _method(preview, api.preview)
    push = _method(push, api.push)
    push_segment = _method(push_segment, segments.push_segment)
