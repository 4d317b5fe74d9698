"""`ddf.growlytics` for Dask: importing this module gives Dask DataFrames the methods of ``df.growlytics``.

::

    accessor    `ddf.growlytics`: schema, suggest, validate, preview, plan, push
    partitions  partitions computed in this process, without a cluster
    cluster     partitions profiled and pushed on the workers of a cluster, each with a share of the run's limits
    worker      on a worker: the push of one partition
"""

from growlytics_pandas._text import install_extra
from growlytics_pandas.errors import MissingDependencyError

try:
    import dask.dataframe  # noqa: F401 - to say early what is missing
    import distributed  # noqa: F401
except ImportError as problem:
    raise MissingDependencyError(
        f"growlytics_pandas.dask: it needs {problem.name or 'dask'}, which is not installed. "
        f"Run: {install_extra('dask')}."
    ) from problem

from growlytics_pandas.dask.accessor import GrowlyticsDaskAccessor

__all__ = ["GrowlyticsDaskAccessor"]
