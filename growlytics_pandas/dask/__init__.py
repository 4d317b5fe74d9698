"""`ddf.growlytics` for Dask: import this module once, and Dask DataFrames have the verbs of pandas ones.

::

    accessor    `ddf.growlytics`: schema, suggest, validate, preview, plan, push
    partitions  partitions walked in this process, when there is no cluster
    cluster     partitions looked at and pushed on the workers of a cluster
    governor    on the scheduler: one rate, one concurrency, one wish to stop, and what has been accepted so far
    lease       on a worker: pacing within what the governor grants
"""

from growlytics_pandas.errors import MissingDependencyError

try:
    import dask.dataframe  # noqa: F401 - to say early what is missing
    import distributed  # noqa: F401
except ImportError as problem:
    raise MissingDependencyError(
        f"growlytics_pandas.dask: it needs {problem.name or 'dask'}, which is not installed. "
        'Run: pip install "growlytics-pandas[dask]"'
    ) from problem

from growlytics_pandas.dask.accessor import GrowlyticsDaskAccessor

__all__ = ["GrowlyticsDaskAccessor"]
