"""A frame in parts that are never together in memory: one plan, one push, one result over all of them."""

from growlytics_pandas.upload.batches.plan import BatchPlan, BatchResult

__all__ = ["BatchPlan", "BatchResult"]
