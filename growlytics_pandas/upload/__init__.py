"""From a plan to what became of each row. A frame is one part; batches and Dask partitions are several.

::

    connection     a project: its key, its URL, its ledger, how requests are sent
    profile        the first look at a part; the list of parts
    parts          one part: checked, encoded, digested, sent
    executor       where parts are read: a frame in memory, or frames one by one; for a cluster see `dask`
    planning       what a plan is made from and shows; ids that are the same, or look so, in different parts
    plan           the plan and its result
    push_options   how to push
    runner         carries a plan out; `stream`: batches that come only once
    dispatcher     the loop that gets bodies to the service; `attempts`: the tries of each row, the ends of a run
    ledger_writer  what a run writes to the ledger
    outcomes       what became of each row
    result         what every result shows; `rejects`: the rows that did not arrive
    progress       how far a run is, for listeners and the log
"""
