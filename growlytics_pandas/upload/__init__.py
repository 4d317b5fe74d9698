"""Push a plan and record the outcome of each row. A frame is one part; batches and Dask partitions are several.

::

    connection     a project: its key, its URL, its ledger, how requests are sent
    profile        the first pass over a part; the list of parts
    parts          one part: checked, encoded, digested, sent
    executor       reads parts: a frame in memory, or frames one by one; for a cluster see `dask`
    planning       the parts of a plan: schema frame, suggestions, changes; ids shared by different parts
    plan           the plan and its result
    push_options   the options of a push
    runner         pushes a plan; `stream`: batches that can be read only once
    encode         rows → request bodies, and the digests of a part
    dispatcher     the loop that sends bodies; `attempts`: the requests of each row, and errors that end a run
    ledger_writer  what a run writes to the ledger
    outcomes       the outcome of each row
    result         the result of a push; `rejects`: the rows that did not arrive
    progress       the progress of a run, for listeners and the log
"""
