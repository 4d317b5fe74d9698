"""`ddf.growlytics`: the methods of `df.growlytics`, for a Dask DataFrame."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from dask.dataframe.extensions import register_dataframe_accessor
from distributed import default_client

from growlytics_pandas import api
from growlytics_pandas.columns.plan_options import options_of
from growlytics_pandas.dask.cluster import ClusterExecutor
from growlytics_pandas.dask.partitions import PartitionExecutor, warn_of_converted_text
from growlytics_pandas.segments import api as segments
from growlytics_pandas.segments.segment import SegmentResult
from growlytics_pandas.upload.connection import PUSH_OPTIONS, connection_or_default, refuse_client_as_id, split_options
from growlytics_pandas.upload.part_profiles import profile_parts
from growlytics_pandas.upload.parts import Executor
from growlytics_pandas.upload.plan import Plan, PushResult, infer_schema_of_parts, make_batch_plan

F = TypeVar("F", bound=Callable[..., Any])


def _with_signature_of(function: Callable[..., Any]) -> Callable[[F], F]:
    """Give a method the signature of the pandas method, but not its name or docstring."""
    return functools.wraps(function, assigned=())  # type: ignore[return-value]


@register_dataframe_accessor("growlytics")
class GrowlyticsDaskAccessor:
    """Push this Dask DataFrame of customers to Growlytics.

    The methods take the arguments of those of ``df.growlytics``. With a `distributed.Client` in this process, its
    workers push the partitions; otherwise this process pushes them in sequence. A push runs once, when it is called,
    and its result is not lazy.
    """

    def __init__(self, ddf: Any) -> None:
        self._ddf = ddf

    @_with_signature_of(api.plan)
    def plan(self, id_col: Any, **options: Any) -> Plan:
        """Work out what a push of all partitions would do, on the cluster if there is one."""
        refuse_client_as_id(id_col)
        connection = connection_or_default(options.pop("client", None))
        chosen = options_of(options, PUSH_OPTIONS)
        infer_schema_of_parts(chosen, self._ddf._meta, id_col, None)  # noqa: SLF001 - a wrong call costs no reading
        executor = _executor_of(self._ddf)
        profile = profile_parts(executor.run, id_col, chosen)
        made = make_batch_plan(executor, id_col, chosen, connection, profile)
        warn_of_converted_text(profile.example)
        return made

    @_with_signature_of(api.push)
    def push(self, id_col: Any, **options: Any) -> PushResult:
        """Push all partitions, on the workers of the cluster if there is one. It is not lazy."""
        of_push, of_plan = split_options(options)  # checks the former before any partition is read
        return self.plan(id_col, **of_plan)._push(of_push).conclude()  # noqa: SLF001 - the same, with checked options

    @_with_signature_of(segments.push_segment)
    def push_segment(self, id_col: Any, attribute: Any, **options: Any) -> SegmentResult:
        """Send the customers who joined or left a segment. The ids are computed as one column and sent locally."""
        ddf = self._ddf
        # Without such a column, the empty frame raises the usual error.
        frame = ddf[[id_col]].compute() if id_col in ddf.columns else ddf._meta  # noqa: SLF001 - Dask's name for it
        return segments.push_segment(frame, id_col, attribute, **options)

    @_with_signature_of(api.schema)
    def schema(self, id_col: Any, **options: Any) -> Any:
        """Return the columns that would be sent, with attribute names and types."""
        return self.plan(id_col, **options).schema

    @_with_signature_of(api.suggest)
    def suggest(self, id_col: Any, **options: Any) -> dict[str, Any]:
        """Suggest options from the first rows of each partition, ready for ``**``."""
        return self.plan(id_col, **options).suggest()

    @_with_signature_of(api.validate)
    def validate(self, id_col: Any, **options: Any) -> Any:
        """Report values that would be rejected or need a check, without sending anything."""
        return self.plan(id_col, **options).violations

    @_with_signature_of(api.preview)
    def preview(self, id_col: Any, *, n: int = 3, **options: Any) -> list[dict[str, Any]]:
        """Show the first `n` request bodies exactly as they would be sent."""
        return self.plan(id_col, **options).preview(n)


def _executor_of(ddf: Any) -> Executor:
    """Return what reads the partitions: the workers of this process's cluster, or without one this process."""
    try:
        cluster = default_client()
    except ValueError:
        return PartitionExecutor(ddf)
    return ClusterExecutor(ddf, cluster)
