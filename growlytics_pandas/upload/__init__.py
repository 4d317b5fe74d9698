"""Push a plan and record the outcome of each row. A frame is one part; batches and Dask partitions are several.

::

    connection     a project: its key, its URL, its ledger, how requests are sent; the options of a push
    parts          the list of parts; a part: checked, encoded, digested, sent; executors, which read parts one by one
    part_profiles  the first pass over several parts; ids that different parts share
    plan           the plan and its result; `schema_frame` and `changes`: what it shows
    batches        frames from a source, also one that can be read only once; for a cluster see `dask`
    runner         pushes a plan from this process, or has workers push it; writes the run to the ledger
    encode         rows → request bodies, and the digests of a part
    delivery       the loop that sends bodies; `run_errors`: errors that end a run early
    outcomes       the outcome of each row; the progress of a run, for listeners and the log
    result         the result of a push; `rejects`: the rows that did not arrive
"""
