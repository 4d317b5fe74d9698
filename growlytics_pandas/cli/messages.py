"""Messages of the package in the words of its command line, safe to print."""

import ast
import re
import shlex
from types import MappingProxyType
from typing import Final

from growlytics_pandas.http.protocol import one_line

MAX_CHARS: Final = 600  # of a line: an error says what to do at its end
_SAME: Final = (
    *("attribute", "members", "value", "left", "resend", "allow_empty"),
    *("id_col", "rename", "timezone", "region", "keep", "name", "new_attributes", "base_url", "ledger", "transport"),
    "track",
    *(
        "exclude",
        "date_format",
        "decimal",
        "strip",
        "normalize",
        "timeout",
        "errors",
        "max_rate",
        "max_concurrency",
        "max_failures",
        "label",
        "chunk_size",
        "skip_unchanged",
    ),
)
_OPTIONS: Final = MappingProxyType(
    {
        **{name: f"--{name.replace('_', '-')}" for name in _SAME},
        "columns": "--column",
        "types": "--type",
        "na_values": "--na",
        "verify": "--ca-bundle",
        "api_key": "the API key",
    }
)
"""The arguments of Python → what a user of the command says."""
_QUOTED: Final = r"(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"  # a text as repr writes it
_COLUMN: Final = rf"df\[{_QUOTED}\]"
_RESULT: Final = r"(?:growlytics_pandas\.last_result\(\)|result)"


_IN_FILE: Final = "in the file, or in the query that makes it"
_PHRASES: Final = (
    (re.compile(r"Rename the others: df\.columns = \[\.\.\.\]"), lambda _: f"Rename the others {_IN_FILE}"),
    (
        re.compile(r"types=\{('[^']*'|\"[^\"]*\"): '(\w+)'\}"),
        lambda m: "--type " + shlex.quote(f"{ast.literal_eval(m[1])}={m[2]}"),
    ),
    (re.compile(r"\bpush with --type"), lambda _: "say --type"),
    (re.compile(r"(new_attributes|keep)='?(\w+)'?"), lambda m: f"--{m[1].replace('_', '-')} {m[2]}"),
    (re.compile(r"timezone="), lambda _: "--timezone"),
    (re.compile(r"(?:GROWLYTICS_API_KEY )?or Client\(api_key=…\)"), lambda _: "GROWLYTICS_API_KEY or --key-file"),
    (re.compile(r"give client=…"), lambda _: "give --key-file PATH"),
    (re.compile(r"Client\(base_url=…\)"), lambda _: "--base-url"),
    (re.compile(r"Client\(ledger=None\)"), lambda _: "--ledger none"),
    (re.compile(r"(\bthe )?\bledger=None\b"), lambda _: "--ledger none"),
    (re.compile(rf"; {_RESULT}\.retry\(\) sends[^.]*\."), lambda _: "."),
    (re.compile(rf"look at {_RESULT}\.failed before pushing again"), lambda _: "--outcomes PATH tells why"),
    (re.compile(r"\boverwrite=True"), lambda _: "--overwrite"),
    (re.compile(r"max_failures=([\d.]+)"), lambda m: f"--max-failures {m[1]}"),
    (re.compile(r", or (?:paste the fix|None(?: for no limit)?)\b"), lambda _: ""),
    (re.compile(r"\bskip_unchanged=True"), lambda _: "--skip-unchanged"),
    (re.compile(r"\ballow_empty=True"), lambda _: "--allow-empty"),
)
_ARGUMENT: Final = re.compile(r"(\w+)(?:\[('[^\]]*')\])?: ")


def in_words(text: str) -> str:
    """Return `text` with the options of the command in place of the arguments of Python, on one line.

    Examples
    --------
    >>> in_words("'O' is text. Or push with types={'Total Orders': 'number'}.")
    "'O' is text. Or say --type 'Total Orders=number'."
    """
    for pattern, change in _PHRASES:
        text = pattern.sub(change, text)
    argument = _ARGUMENT.match(text)
    if argument and argument[1] in _OPTIONS:
        text = f"{_OPTIONS[argument[1]]}{' ' + argument[2] if argument[2] else ''}: {text[argument.end() :]}"
    return one_line(text, MAX_CHARS)
