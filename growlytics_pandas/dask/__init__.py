"""`ddf.growlytics` for Dask: import this module once, and Dask DataFrames have the methods of pandas ones.

::

    accessor     `ddf.growlytics`: schema, suggest, validate, preview, plan, push
    partitions   partitions computed in this process, when there is no cluster
    cluster      partitions profiled and pushed on the workers of a cluster
    coordinator  on the scheduler: one rate, one concurrency, one request to stop, and what has been accepted so far
    worker       on a worker: the push of one partition within what the coordinator grants
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
