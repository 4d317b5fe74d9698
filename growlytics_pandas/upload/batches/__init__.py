"""A frame in parts that are never together in memory: one plan, one push, one result over all of them.

::

    verbs          `push_batches`, `plan_batches`
    survey         the first look at a part: enough to judge the whole by
    duplicates     ids that are the same, or look so, in different parts
    parts          one part, checked and pushed on its own
    plan           the plan over all parts
    engine         where parts are looked at and pushed: here; for a cluster see `growlytics_pandas.dask`
    keeping        what a run over parts tells the ledger
    outcome_store  outcomes of finished parts, in Parquet past a size
    run            carries a plan out
    stream, seen_ids  a source that can be read only once
    result         what became of all rows
    care           the rows that need care, for a report
"""

from growlytics_pandas.upload.batches.plan import BatchPlan
from growlytics_pandas.upload.batches.result import BatchResult
from growlytics_pandas.upload.batches.verbs import plan_batches, push_batches

__all__ = ["BatchPlan", "BatchResult", "plan_batches", "push_batches"]
