"""How columns are read: cleaning, and parsing of text as dates, numbers and booleans.

::

    frames         any supported frame → a pandas one, and column labels
    plan_options   the options of a plan; those of one column are its `Reading`
    dtypes         dtype → attribute type, and the cells of a column
    reading        one column with the options of the call; ids
    texts          columns of text: what is stripped, what means missing, odd texts
    parsers        texts → booleans and numbers; `date_parsers` → dates, with `named_formats`
    contacts       e-mail addresses and mobile numbers
    convert        cells → values of an attribute type
"""
