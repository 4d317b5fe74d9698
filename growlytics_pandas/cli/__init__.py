"""The command line, also for schedulers: ``python -m growlytics_pandas push FILE --id-col COLUMN`` and others.

::

    schema_commands  pushing   the commands
    ledger_command       show, back up and restore the ledger
    parser               the argument parser, and its errors
    flags                the flags that the commands share; they override an options file; messages name them
    loading              FILE → plan, with the types that the ledger knows
    readers              opens a file or stdin, and finds its format and encoding
    records              CSV and JSON lines → columns, strictly: a short line is an error, not a missing value
    csv_types            the text of a CSV → numbers, booleans, text; notes report the decisions
    excel                a sheet of a workbook → columns
    excel_marks  excel_binary   facts about the cells of an xlsx or xlsb that the reader does not return
    running              errors and signals → exit statuses; stdout and stderr, also when they are closed or full
    output_files         reports, violations, rejects and outcomes as files
    summary              the output: one JSON object, or a few lines of text
"""
