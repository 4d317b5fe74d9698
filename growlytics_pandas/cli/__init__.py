"""The command line for schedulers: ``python -m growlytics_pandas schema|suggest|validate|push FILE --id-col COLUMN``.

::

    inspect  pushing     the commands
    ledger_command       backup and restore of what earlier pushes left behind
    options              the parser, and what can be said on the command line
    plan_flags           one flag for each option of a plan, over those of a file
    service              the key, the URL and the ledger
    loading              FILE → plan, with the types that the ledger knows
    readers              a file or stdin, its format, its encoding
    contents             bytes → text: encodings, marks
    csv_text  jsonl      records → columns, strictly: a short line is an error, not a missing value
    columns  frames      the text of a CSV → numbers, booleans, text; notes say what was decided
    excel                a sheet of a workbook → columns
    excel_marks  excel_binary   what an xlsx or xlsb contains besides the values
    running  signals     errors and signals → exit statuses, which are in `exits`
    streams              stdout and stderr, wherever they lead
    output_files         reports, violations, outcomes as files
    summary              what is said: one JSON object, or a few lines
    messages             flags in place of the arguments of Python
"""
