"""CSV without spreadsheet formulas that is read back unchanged.

A cell that starts with ``=``, ``+``, ``-`` or ``@`` is a formula to a spreadsheet, and ``+91…`` is a real mobile.
Such a text gets an apostrophe before it, and so does one that starts with an apostrophe; reading takes it away again.
Only text is quoted, which distinguishes the text "12" from the number, and an empty text from a missing value.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from growlytics_pandas._masking import is_missing, written
from growlytics_pandas._output_paths import replacing, require_target
from growlytics_pandas.errors import DataError

RISKY: Final = tuple("=+-@\t\r\n＝＋－＠'")
"""What a formula can start with, in full width too; and the apostrophe itself."""
_WORDS: Final = {"": None, "True": True, "False": False}
_TOKEN: Final = re.compile(r'("[^"]*(?:""[^"]*)*"|[^",\r\n]*)(,|\r\n|\n|\r|\Z)')
_INTEGER: Final = re.compile(r"-?\d+")
_FLOAT: Final = re.compile(r"-?(?:\d+\.?\d*(?:e[+-]?\d+)?|inf)", re.IGNORECASE)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d.*")


def write_csv(frame: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write a frame as CSV (UTF-8 with a mark, so that spreadsheets know), without its index.

    Text, numbers, booleans, dates and missing values are read back as they were; anything else becomes text.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    InvalidArgumentError
        The folder does not exist, or the path is a folder.

    Examples
    --------
    >>> import pandas as pd, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "customers.csv")
    >>> print(write_csv(pd.DataFrame({"mobile": ["+919876543210"], "Orders": [3]}), path).read_text("utf-8-sig"))
    "mobile","Orders"
    "'+919876543210",3
    <BLANKLINE>
    >>> read_csv(path)["mobile"].tolist()
    ['+919876543210']
    """
    target = Path(path)
    require_target(target, example="outcomes.csv")
    columns = [list(map(_written, frame.iloc[:, i].tolist())) for i in range(frame.shape[1])]
    with (
        replacing(target) as beside,
        beside.open("w", encoding="utf-8-sig", errors="surrogatepass", newline="") as file,
    ):
        file.write(",".join(quoted(str(label)) for label in frame.columns) + "\r\n")
        file.writelines(",".join(cells) + "\r\n" for cells in zip(*columns, strict=True))
    return target


def read_csv(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read what `write_csv` wrote.

    Returns
    -------
    DataFrame
        Labels are text. Text is `str`, whole numbers `int64` (`Int64` with missing ones), others `float64`, booleans
        `bool` (`boolean`), dates `datetime64`; a column of several kinds, or of none, is `object`.

    Raises
    ------
    DataError
        The file is not CSV, or its lines have different numbers of cells.

    Examples
    --------
    >>> import pandas as pd, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "customers.csv")
    >>> read_csv(write_csv(pd.DataFrame({"id": ["0012"], "Orders": [3]}), path)).to_dict("list")
    {'id': ['0012'], 'Orders': [3]}
    """
    target = Path(path)
    with target.open(encoding="utf-8-sig", errors="surrogatepass", newline="") as file:
        records = list(_records(file.read(), target))
    if not records:
        return pd.DataFrame()
    labels = [str(_value(cell)) if cell.startswith('"') else unguarded(cell) for cell in records[0]]
    for line, record in enumerate(records[1:], start=2):
        if len(record) != len(labels):
            raise DataError(f"{target.name}, record {line:,}: found {len(record)} cells; the head has {len(labels)}.")
    columns = [_column([record[i] for record in records[1:]]) for i in range(len(labels))]
    frame = pd.DataFrame(dict(enumerate(columns)))
    frame.columns = pd.Index(labels)
    return frame


# writing -----------------------------------------------------------------------------------------------------------


def _written(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    if is_missing(value):
        return ""
    return _plain(value) or quoted(written(value))


def _plain(value: Any) -> str:
    """Return a boolean, a number or a date without quotes; '' for anything else."""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (int, np.integer)) and not isinstance(value, np.timedelta64):
        text = written(int(value))
        return text if text[-1].isdigit() else quoted(text)
    if isinstance(value, (float, np.floating)):
        return repr(float(value))
    return value.isoformat(" ") if isinstance(value, datetime) else ""


def unguarded(text: str) -> str:
    """Return the text of a cell without the apostrophe added by `write_csv`; other text unchanged.

    Examples
    --------
    >>> unguarded("'+919876543210"), unguarded("''tis"), unguarded("'0012")
    ('+919876543210', "'tis", "'0012")
    """
    return text[1:] if text.startswith("'") and text[1:].startswith(RISKY) else text


def quoted(text: str) -> str:
    """Return a text as the cell of a CSV, with an apostrophe in front if a spreadsheet could read it as a formula."""
    guard = "'" if text.startswith(RISKY) else ""
    return '"' + guard + text.replace('"', '""') + '"'


# reading -----------------------------------------------------------------------------------------------------------


def _records(text: str, path: Path) -> Iterator[list[str]]:
    """Yield the cells of each line, with their quotes."""
    record: list[str] = []
    read = 0
    for cell, end in _TOKEN.findall(text):
        read += len(cell) + len(end)
        if end or cell or record:  # not the empty rest after the last line
            record.append(cell)
        if end != ",":
            if record:
                yield record
            record = []
    if read != len(text):
        raise DataError(f"{path.name}: a quoted cell has no closing quote, or text after it.")


def _column(cells: list[str]) -> pd.Series[Any]:
    values = list(map(_value, cells))
    has_gaps = None in values
    dtypes: dict[type, Any] = {
        str: "str",
        bool: "boolean" if has_gaps else "bool",
        int: "Int64" if has_gaps else "int64",
        float: "float64",
        pd.Timestamp: None,  # datetime64, with the zone if there is one
    }
    classes = set(map(type, values)) - {type(None)}
    dtype = dtypes[classes.pop()] if len(classes) == 1 else object
    try:
        return pd.Series(values, dtype=dtype)
    except (OverflowError, TypeError, ValueError):  # integers of more than 64 bits; lone surrogates
        return pd.Series(values, dtype=object)


def _value(text: str) -> Any:
    """Return the value of a cell: quoted is text, unquoted is parsed; None if missing."""
    if text.startswith('"'):
        return unguarded(text[1:-1].replace('""', '"'))
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return _date(text) if _DATE.fullmatch(text) else unguarded(text)  # text, where a spreadsheet dropped the quotes


def _date(text: str) -> Any:
    try:
        return pd.Timestamp(text)
    except ValueError:
        return text
