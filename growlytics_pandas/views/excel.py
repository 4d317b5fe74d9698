"""Tables as sheets of an Excel workbook: text stays text, nothing becomes a formula, and no digit is lost."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from growlytics_pandas._masking import is_missing, storable, written
from growlytics_pandas._output_paths import replacing, require_target
from growlytics_pandas._rules import Severity
from growlytics_pandas._text import install_extra
from growlytics_pandas.errors import InvalidArgumentError, MissingDependencyError, UsageError
from growlytics_pandas.views.tables import GroupedViolations

SUFFIX: Final = ".xlsx"
MAX_ROWS: Final = 1_048_576  # per sheet, including the heading [Excel: specifications and limits]
MAX_COLUMNS: Final = 16_384  # per sheet [same source]
MAX_TEXT: Final = 32_767  # UTF-16 units in a cell [same source]
MAX_DIGITS: Final = 10**15  # a spreadsheet keeps 15 digits of a number
FIRST_YEAR: Final = 1900  # of dates in a spreadsheet
_NEITHER_XML: Final = {0xFFFE: "\ufffd", 0xFFFF: "\ufffd"}
_WIDTHS: Final = (10, 40)  # of a column, in characters
_SEEN_FOR_WIDTH: Final = 200  # rows
_SETTINGS: Final = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_MOMENT: Final = "yyyy-mm-dd hh:mm:ss"
_DAY: Final = "yyyy-mm-dd"


def write_workbook(sheets: Mapping[str, pd.DataFrame], path: str | os.PathLike[str]) -> Path:
    """Write frames as sheets of a workbook, without their index (extra ``excel``).

    Numbers, booleans and dates keep their types. Everything else is text, as are whole numbers of more than 15 digits,
    and dates that are before 1900 or have a zone or a fraction of a second. A text of more than 32,767 characters is
    cut, with a note at its end. Rows beyond 1,048,576 are in another sheet. The file is replaced only when it is
    complete.

    Parameters
    ----------
    sheets : mapping
        Name of the sheet → frame.
    path : path
        The file; its name ends in ``.xlsx``.

    Returns
    -------
    Path
        The path of the file.

    Raises
    ------
    InvalidArgumentError
        The folder does not exist, the path is a folder or has another suffix, or there are more than 16,384 columns.
    MissingDependencyError
        XlsxWriter is not installed.
    """
    target = Path(path)
    require_target(target, example="push.xlsx")
    if target.suffix.lower() != SUFFIX:
        raise InvalidArgumentError(f"path: found {str(target)!r}; the name of a workbook must end in {SUFFIX}.")
    for name, frame in sheets.items():
        if frame.shape[1] > MAX_COLUMNS:
            raise InvalidArgumentError(
                f"{name}: it has {frame.shape[1]:,} columns; a sheet of Excel has at most {MAX_COLUMNS:,}. Use to_csv."
            )
    require_writer(str(target))
    import xlsxwriter  # type: ignore[import-untyped]  # noqa: PLC0415 - optional

    with replacing(target) as beside, xlsxwriter.Workbook(str(beside), _SETTINGS) as workbook:
        workbook.use_zip64()
        writer = _Writer(workbook)
        for name, frame in sheets.items():
            writer.write(name, frame)
    return target


def rejects_sheet(source: Any) -> dict[str, pd.DataFrame]:
    """Return the sheet with the rejects of a result or plan; {} if the frames could be read only once."""
    if not hasattr(source, "rejects"):
        return {}
    try:
        return {"Rejects": source.rejects()}
    except UsageError:
        return {}


def summary_table(counts: Mapping[str, int], findings: GroupedViolations, facts: Mapping[str, Any]) -> pd.DataFrame:
    """Return a table of two columns: facts that are known, rows by status, violations by severity."""
    lines = {name: value for name, value in facts.items() if value not in (None, "")}
    lines |= {"rows": sum(counts.values())} | {f"rows {status}": count for status, count in counts.items()}
    lines |= {"errors": findings.count(Severity.ERROR), "warnings": findings.count(Severity.WARNING)}
    return pd.DataFrame(
        {"what": pd.Series(list(lines), dtype="str"), "value": pd.Series([*lines.values()], dtype=object)}
    )


def require_writer(what: str) -> None:
    """Raise if XlsxWriter is not installed."""
    if not importlib.util.find_spec("xlsxwriter"):
        raise MissingDependencyError(f"{what}: XlsxWriter is not installed: {install_extra('excel')}. Or use CSV.")


class _Writer:
    """Writes frames into an open workbook."""

    def __init__(self, workbook: Any) -> None:
        self._workbook = workbook
        self._heading = workbook.add_format({"bold": True})
        self._moment = workbook.add_format({"num_format": _MOMENT})
        self._day = workbook.add_format({"num_format": _DAY})

    def write(self, name: str, frame: pd.DataFrame) -> None:
        """Write a frame as one sheet, or as several if it has too many rows."""
        most = MAX_ROWS - 1
        for number, start in enumerate(range(0, max(len(frame), 1), most), start=1):
            self._write_sheet(name if number == 1 else f"{name} {number}", frame.iloc[start : start + most])

    def _write_sheet(self, name: str, frame: pd.DataFrame) -> None:
        sheet = self._workbook.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        columns = [frame.iloc[:, place] for place in range(frame.shape[1])]
        for place, column in enumerate(columns):
            sheet.set_column(place, place, _width(column))
            sheet.write_string(0, place, _text(written(column.name)), self._heading)
        for row, cells in enumerate(zip(*map(_values, columns), strict=True), start=1):
            for place, cell in enumerate(cells):
                self._write_cell(sheet, row, place, cell)

    def _write_cell(self, sheet: Any, row: int, place: int, cell: Any) -> None:
        if isinstance(cell, str):
            sheet.write_string(row, place, _text(cell))
        elif isinstance(cell, (bool, np.bool_)):
            sheet.write_boolean(row, place, bool(cell))
        elif is_missing(cell):
            return
        elif _is_number(cell):
            sheet.write_number(row, place, cell)
        elif isinstance(cell, date) and _is_date(cell):
            sheet.write_datetime(row, place, cell, self._moment if isinstance(cell, datetime) else self._day)
        else:
            sheet.write_string(row, place, _text(written(cell)))


def _values(column: pd.Series[Any]) -> Iterator[Any]:
    """Yield the values of a column in chunks: a list of all would need much memory."""
    part = 10_000
    for start in range(0, len(column), part):
        yield from column.iloc[start : start + part].tolist()


def _text(text: str) -> str:
    """Return a text that a cell and XML can contain; a lone surrogate is escaped."""
    text = storable(text).translate(_NEITHER_XML)
    if len(text) <= MAX_TEXT // 2 or len(text.encode("utf-16-le")) // 2 <= MAX_TEXT:
        return text
    end = f"… (cut: {len(text):,} characters)"
    return text.encode("utf-16-le")[: 2 * (MAX_TEXT - len(end))].decode("utf-16-le", "ignore") + end


def _is_number(cell: Any) -> bool:
    if isinstance(cell, (int, np.integer)):
        return abs(int(cell)) < MAX_DIGITS
    return isinstance(cell, (float, np.floating)) and bool(np.isfinite(cell))


def _is_date(cell: date) -> bool:
    """Return whether a spreadsheet can represent a date exactly."""
    if cell.year < FIRST_YEAR:
        return False
    nanoseconds = getattr(cell, "nanosecond", 0)
    return not isinstance(cell, datetime) or (cell.tzinfo is None and not cell.microsecond and not nanoseconds)


def _width(column: pd.Series[Any]) -> int:
    longest = max(map(len, map(written, [column.name, *column.iloc[:_SEEN_FOR_WIDTH].tolist()])))
    return min(max(longest + 2, _WIDTHS[0]), _WIDTHS[1])
