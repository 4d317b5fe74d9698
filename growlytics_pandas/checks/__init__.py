"""The checks of a frame before anything is sent, and the options that are suggested for it.

::

    schema       the attribute and the type that each column becomes
    names        the rules for attribute names and types; suggested names
    ids          the rules for ids: which rows have one, and which share one
    values       the rules for values, block by block
    violations   violations as data, and their messages and fixes
    findings     all violations of a frame, and their DataFrame

    profile              the distinct texts of a column with their counts
    suggestions          suggested options; of values that `dates`, `numbers`, `codes` and `phones` recognize
    suggestion_warnings  what suggestions add to the violations
"""
