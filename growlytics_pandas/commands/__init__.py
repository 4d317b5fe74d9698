"""The command line for schedulers: ``python -m growlytics_pandas schema|suggest|validate|push FILE --id-col COLUMN``.

::

    looking  suggesting  pushing  segmenting  the commands
    parser  options      what can be said on the command line
    plan_flags           one flag for each option of a plan, over those of a file
    sources              a file or stdin, its format, its encoding
    contents             bytes → text: encodings, marks
    csv_text  jsonl      records → columns, strictly: a short line is an error, not a missing value
    columns  frames      the text of a CSV → numbers, booleans, text; notes say what was decided
    excel  excel_marks   a sheet of a workbook → columns; what an xlsx says beside the values
    loading              FILE → plan, with the types that the ledger knows
    doubts               types that are about to be fixed though another is probably meant
    key_files            --key-file, read once
    running  stopping    errors and signals → exit statuses, which are in `exits`
    saying               stdout and stderr, wherever they lead
    ledger_command       backup and restore of what earlier pushes left behind
    outputs              reports, violations, outcomes as files
    summary  wording     what is said: one JSON object, or a few lines
"""

from typing import Final

from growlytics_pandas.commands.looking import SCHEMA, VALIDATE
from growlytics_pandas.commands.options import epilog
from growlytics_pandas.commands.parser import Parser
from growlytics_pandas.commands.pushing import PUSH
from growlytics_pandas.commands.running import Command
from growlytics_pandas.commands.segmenting import SEGMENT
from growlytics_pandas.commands.suggesting import SUGGEST

COMMANDS: Final[tuple[Command, ...]] = (SCHEMA, SUGGEST, VALIDATE, PUSH, SEGMENT)

__all__ = ["COMMANDS", "Command", "Parser", "epilog"]
