"""A sheet of a workbook → columns with the types of its cells. Notes report what a spreadsheet may hide.

Excel stores every number as a double. A whole number below 2^53 is exact and becomes an integer; a larger one stays a
float, which the checks report as rounded.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas._text import install_extra, plural
from growlytics_pandas.cli.excel_binary import WORKBOOK_PART, read_binary_marks
from growlytics_pandas.cli.excel_marks import Cell, Marks, place_of, read_marks
from growlytics_pandas.cli.records import frame_of, narrow, objects
from growlytics_pandas.errors import InvalidArgumentError, MissingDependencyError
from growlytics_pandas.http.protocol import one_line

EXCEL_FORMATS: Final = ("xlsx", "xls", "xlsb", "ods")
EXCEL_SUFFIXES: Final = {".xlsx": "xlsx", ".xlsm": "xlsx", ".xls": "xls", ".xlsb": "xlsb", ".ods": "ods"}
_DIGITS_KEPT: Final = 10**15  # a spreadsheet keeps 15 digits of a number and replaces the others by 0
_ROWS_SEARCHED: Final = 20  # rows below a title that may be the heading
_MIN_COLUMNS_UNDER_TITLE: Final = 3
_MIN_ROUNDED: Final = 2
_SHOWN_SHEETS: Final = 10
_MAX_CELLS: Final = 200_000_000  # all rows of a sheet with 190 columns: about 10 GB of memory
_ISO_DURATION: Final = re.compile(r"-?PT\d+H\d+M\d+(?:\.\d+)?S")  # the format of durations in ods
_LESS_SEEN: Final = (
    "in xls and ods files, cells with an error are read as missing but not counted, and formats, such as leading "
    "zeros, are not read"
)
_ENCRYPTED: Final = b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e"  # the stream of an xlsx with a password
_COMPOUND: Final = b"\xd0\xcf\x11\xe0"
_WORKBOOK_STARTS: Final = (_COMPOUND, b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a sheet, and the marks of the cells."""

    name: str
    rows: list[list[Any]]
    marks: Marks
    merged: Sequence[tuple[Cell, Cell]]


def read_excel(
    data: bytes, shown: str, *, sheet: str | None = None, skip_rows: int = 0, limit: int | None = None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read a sheet of a workbook: its name, its number from 1, or the first that is not hidden.

    `shown`: the file's name for messages. `skip_rows`: rows of the sheet above the heading. `limit` does not count
    empty rows. Return the frame, whose index is the row number of the sheet, and notes.
    """
    found, notes = _read_sheet(data, shown, sheet)
    where = f"{shown}, sheet {found.name!r}"
    at = _heading_row(found, where, skip_rows)
    heading = found.rows[at]
    places = [place for place in range(len(heading)) if any(row[place] != "" for row in found.rows[at:])]
    body = [number for number in range(at + 1, len(found.rows)) if not _is_empty(found.rows[number])]
    n_empty = body[-1] - at - len(body) if body else 0
    body = body[:limit]
    labels = [_label(heading[place]) for place in places]
    columns = [_column(found, place, body) for place in places]
    lines = [number + 1 for number in body]
    frame = frame_of(labels, [pd.Series(values) for values, _ in columns], lines)
    notes += [] if found.marks.extent[0] else [f"{shown}: {_LESS_SEEN}."]
    notes += [f"{where}: {text}." for text in _notes_of(found, at, lines, n_empty)]
    for label, (_, texts) in zip(labels, columns, strict=True):
        notes += [f"{where}, column {label!r}: {text}." for text in texts]
    return frame, tuple(notes)


# the workbook -----------------------------------------------------------------------------------------------------


def _read_sheet(data: bytes, shown: str, wanted: str | None) -> tuple[Sheet, list[str]]:
    try:
        import python_calamine as calamine  # noqa: PLC0415 - optional
    except ImportError:
        raise MissingDependencyError(f"{shown}: python-calamine is not installed: {install_extra('excel')}.") from None
    if not data.startswith(_WORKBOOK_STARTS):
        raise InvalidArgumentError(
            f"{shown}: it is not a workbook, despite its name. Some programs write text or HTML under such a name: "
            "open it in a spreadsheet program and save it as xlsx, or use --format csv."
        )
    try:
        with calamine.load_workbook(io.BytesIO(data)) as workbook:
            name, notes = _chosen(workbook.sheets_metadata, shown, wanted, calamine)
            marks = _marks_of(data, name)
            _require_readable(marks, f"{shown}, sheet {name!r}")
            read = workbook.get_sheet_by_name(name)
            rows: list[list[Any]] = read.to_python(skip_empty_area=False)
            merged = getattr(read, "merged_cell_ranges", None) or ()
    except InvalidArgumentError:
        raise
    except BaseException as error:
        # The reader is written in Rust; a damaged file can make it panic, which is a BaseException in Python.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        if isinstance(error, calamine.PasswordError) or (data.startswith(_COMPOUND) and _ENCRYPTED in data):
            raise InvalidArgumentError(f"{shown}: the workbook has a password. Save a copy without one.") from None
        raise InvalidArgumentError(
            f"{shown}: the workbook is damaged or truncated ({one_line(str(error), 200)}). Open it in a spreadsheet "
            "program and save it again."
        ) from None
    return Sheet(name, rows, marks, merged), notes


def _marks_of(data: bytes, sheet: str) -> Marks:
    """Return the marks of a sheet; none for an xls or ods."""
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return Marks()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        is_binary = WORKBOOK_PART in archive.namelist()
        return read_binary_marks(archive, sheet) if is_binary else read_marks(archive, sheet)


def _require_readable(marks: Marks, where: str) -> None:
    """Raise if the reader would skip cells of the sheet, or if the sheet would not fit into memory.

    All cells between the first and the last need memory, also empty ones.
    """
    if marks.unread is not None:
        raise InvalidArgumentError(
            f"{where}: row {marks.unread[0] + 1:,} has cells in a format that Excel does not write and that cannot be "
            "read. Open the workbook in a spreadsheet program and save it as xlsx."
        )
    rows, columns = marks.extent
    if rows * columns > _MAX_CELLS:
        raise InvalidArgumentError(
            f"{where}: its last cell is {place_of((rows - 1, columns - 1))}, so it has {rows * columns:,} cells, too "
            "many to read. Is there a stray cell far from the data? Copy the data to a new sheet, or save it as CSV."
        )


def _chosen(sheets: Sequence[Any], shown: str, wanted: str | None, calamine: Any) -> tuple[str, list[str]]:
    """Return the name of the sheet to read, and a note if there are other visible sheets."""
    names = [one.name for one in sheets if one.typ == calamine.SheetTypeEnum.WorkSheet]
    visible = [
        one.name for one in sheets if one.name in names and one.visible == calamine.SheetVisibleEnum.Visible
    ] or names
    if not names:
        raise InvalidArgumentError(f"{shown}: the workbook has no worksheet.")
    if wanted is None:
        others = [name for name in visible if name != visible[0]]
        note = f"{shown}: sheet {visible[0]!r} is read. To read another ({_listed(others)}): --sheet NAME."
        return visible[0], [note] if others else []
    if wanted in names:
        return wanted, []
    if wanted.isdecimal() and 1 <= int(wanted) <= len(names):
        return names[int(wanted) - 1], []
    raise InvalidArgumentError(
        f"--sheet: {shown} has no sheet {wanted!r}; its sheets are {_listed(names)}. Numbers count from 1."
    )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN_SHEETS
    return ", ".join(map(repr, names[:_SHOWN_SHEETS])) + (f", +{more} more" if more > 0 else "")


# the heading ------------------------------------------------------------------------------------------------------


def _heading_row(sheet: Sheet, where: str, skip_rows: int) -> int:
    """Return the position of the heading among the rows read."""
    rows = sheet.rows
    at = next((i for i in range(skip_rows, len(rows)) if not _is_empty(rows[i])), None)
    if at is None:
        after = f" below row {skip_rows:,}" if skip_rows else ""
        raise InvalidArgumentError(f"{where}: it is empty{after}; the first row with cells must be the heading.")
    near = range(at + 1, min(len(rows), at + 1 + _ROWS_SEARCHED))
    below = next((i for i in near if _count(rows[i]) >= _MIN_COLUMNS_UNDER_TITLE), None)
    if _count(rows[at]) == 1 and below is not None and _is_heading(rows[below]):
        raise InvalidArgumentError(
            f"{where}, row {at + 1:,}: it has a single cell, so it is a title and not the heading of the columns "
            f"below. Row {below + 1:,} looks like the heading: --skip-rows {below}."
        )
    return at


def _is_heading(row: Sequence[Any]) -> bool:
    texts = [cell for cell in row if cell != ""]
    return all(isinstance(cell, str) for cell in texts) and len(set(texts)) == len(texts)


def _is_empty(row: Iterable[Any]) -> bool:
    return all(cell == "" for cell in row)


def _count(row: Iterable[Any]) -> int:
    return sum(cell != "" for cell in row)


def _label(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


# columns ----------------------------------------------------------------------------------------------------------


def _column(sheet: Sheet, place: int, body: Sequence[int]) -> tuple[Any, list[str]]:
    """Return the cells of a column as an array of their common type, or as objects; and notes."""
    notes: list[str] = []
    marks = sheet.marks
    cells = [sheet.rows[number][place] for number in body]
    if gaps := marks.uncalculated:
        cells = ["" if (number, place) in gaps else cell for number, cell in zip(body, cells, strict=True)]
    widths = [marks.widths.get((number, place), 0) for number in body] if marks.widths else []
    if any(widths):
        notes.append("its cell format displays leading zeros, so its numbers are read as text with these zeros")
        cells = [_with_zeros(cell, width) for cell, width in zip(cells, widths, strict=True)]
    cells = [None if cell == "" else _duration(cell) for cell in cells]
    classes = set(map(type, cells)) - {type(None)}
    if not classes:
        return objects(cells), notes
    if classes <= {float, int}:
        return _numbers(cells, notes), notes
    if classes <= {dt.date, dt.datetime}:
        return pd.Series(cells, dtype="datetime64[us]"), notes
    if classes & {dt.time, dt.timedelta}:
        notes.append("times and durations are read as text, such as 09:30:00")
    return narrow([_plain(cell) for cell in cells]), notes


def _with_zeros(cell: Any, width: int) -> Any:
    """Return a whole number as text with the leading zeros that its format displays; any other cell unchanged."""
    is_whole = not isinstance(cell, bool) and isinstance(cell, int | float) and float(cell).is_integer()
    return f"{int(cell):0{width}d}" if is_whole else cell


def _duration(cell: Any) -> Any:
    """Return the duration for a duration text of an ods; any other cell unchanged."""
    is_one = isinstance(cell, str) and cell.startswith(("PT", "-PT")) and _ISO_DURATION.fullmatch(cell)
    return pd.Timedelta(cell).floor("s").to_pytimedelta() if is_one else cell


def _numbers(cells: Sequence[Any], notes: list[str]) -> Any:
    numbers = [_whole(cell) for cell in cells]
    present = [number for number in numbers if number is not None]
    long = [number for number in present if isinstance(number, int) and abs(number) >= _DIGITS_KEPT]
    if len(long) >= _MIN_ROUNDED and all(number % 10 == 0 for number in long):
        notes.append(
            "its numbers with 16 digits end in 0. A spreadsheet keeps only 15 digits; store such numbers as text"
        )
    if all(isinstance(number, int) for number in present):
        return narrow(numbers)
    if any(float(number).is_integer() and abs(number) > contract.MAX_SAFE_INTEGER for number in present):
        return objects(numbers)  # integers stay exact beside floats
    return np.array([np.nan if cell is None else cell for cell in cells], dtype="float64")


def _whole(cell: Any) -> Any:
    """Return an exact whole number as an integer; any other cell unchanged."""
    is_whole = isinstance(cell, float) and cell.is_integer() and abs(cell) <= contract.MAX_SAFE_INTEGER
    return int(cell) if is_whole else cell


def _plain(cell: Any) -> Any:
    """Return a cell of a column with mixed types; a time or duration as text."""
    if isinstance(cell, dt.timedelta):
        seconds = round(cell.total_seconds())
        sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
        return f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    if isinstance(cell, dt.time):
        return cell.isoformat("seconds")
    if isinstance(cell, dt.date) and not isinstance(cell, dt.datetime):
        return dt.datetime.combine(cell, dt.time())
    return _whole(cell)


# notes ------------------------------------------------------------------------------------------------------------


def _notes_of(sheet: Sheet, at: int, lines: Sequence[int], n_empty: int) -> list[str]:
    """Return notes on the rows below the heading."""
    if not lines:
        return ["there are no rows"]
    rows = frozenset(line - 1 for line in lines)
    notes = [f"{plural(n_empty, 'empty row')} between other rows {_is(n_empty)} skipped"] if n_empty else []
    errors = {cell: word for cell, word in sheet.marks.errors.items() if cell[0] in rows}
    if errors:
        words = ", ".join(word for word, _ in Counter(errors.values()).most_common(3))
        found = f"{plural(len(errors), 'cell')} with an error ({words}; first {place_of(min(errors))})"
        notes.append(f"{found} {_is(len(errors))} read as missing")
    formulas = [cell for cell in sheet.marks.uncalculated if cell[0] in rows]
    if formulas:
        found = f"{plural(len(formulas), 'formula')} (first {place_of(min(formulas))}) without a result"
        notes.append(
            f"{found} {_is(len(formulas))} read as missing: no spreadsheet program has calculated the workbook. Open "
            "it in one and save it"
        )
    if hidden := len(rows & sheet.marks.hidden_rows):
        notes.append(f"{plural(hidden, 'hidden row')} {_is(hidden)} read too")
    merged = [start for start, end in sheet.merged if end[0] > at and start[0] <= max(rows)]
    if merged:
        found = f"{plural(len(merged), 'merged range')} below the heading (first {place_of(min(merged))})"
        notes.append(f"{found}: only the first cell of each has the value")
    return notes


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
