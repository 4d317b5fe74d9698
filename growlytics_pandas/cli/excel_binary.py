"""Facts about the cells of an xlsb that the workbook reader does not return, and cells that it skips.

The reader knows only the records that Excel writes. It silently skips the short records that other programs also write,
and returns their dates as whole numbers.
"""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from growlytics_pandas.cli.excel_marks import Marks, targets, zeros_shown

WORKBOOK_PART: Final = "xl/workbook.bin"
_RELATIONS_PART: Final = "xl/_rels/workbook.bin.rels"
_STYLES_PART: Final = "xl/styles.bin"
# The numbers of the records, from [MS-XLSB].
_ROW, _RK, _ERROR, _FORMULA_NUMBER, _FORMULA_ERROR, _FORMAT, _STYLE = 0, 2, 3, 9, 11, 44, 47
_SHEET, _CALCULATION, _STYLES, _STYLES_END = 156, 157, 617, 618
_CELL_RECORDS: Final = frozenset(range(1, 12))
_UNREAD_RECORDS: Final = frozenset({*range(13, 19), 62})  # cells without a column number, and inline rich text
_NUMBERS: Final = (_RK, 5, _FORMULA_NUMBER)
_HIDDEN: Final = 0x10
_STYLE_MASK: Final = 0xFF_FFFF
_HUNDREDTHS_OR_WHOLE: Final = 0b11  # how an RK number is stored, in its first byte
_WHOLE: Final = 0b10
_NO_TEXT: Final = 0xFFFF_FFFF
_ERRORS: Final = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}
_BUILT_IN_DATES: Final = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_QUOTED: Final = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')  # in a format: text, or a color or condition
_DATE_LETTER: Final = re.compile(r"[ymdhs]", re.IGNORECASE)


def read_binary_marks(archive: zipfile.ZipFile, sheet: str) -> Marks:
    """Read the marks of a sheet of an xlsb.

    A damaged file raises an error of any type, before the workbook reader, which could end the process, opens it.
    """
    part, is_uncalculated = _find_sheet(archive, sheet)
    data = archive.read(part) if part else b""
    cells = _Cells(data, *_styles(archive), is_uncalculated=is_uncalculated)
    for kind, start in _records(data):
        cells.take(kind, start)
    return cells.marks


@dataclass(slots=True)
class _Cells:
    """Collects the marks from the cell records."""

    data: bytes
    widths: Mapping[int, int]
    dates: frozenset[int]
    is_uncalculated: bool
    marks: Marks = field(default_factory=Marks)
    row: int = -1

    def take(self, kind: int, start: int) -> None:
        if kind == _ROW:
            (self.row,) = struct.unpack_from("<I", self.data, start)
            if self.data[start + 11] & _HIDDEN:
                self.marks.hidden_rows.add(self.row)
        elif kind in _CELL_RECORDS:
            self._take_cell(kind, start)
        elif kind in _UNREAD_RECORDS:
            self.marks.unread = self.marks.unread or (self.row, 0)

    def _take_cell(self, kind: int, start: int) -> None:
        data, marks = self.data, self.marks
        column, style = struct.unpack_from("<II", data, start)
        cell, style = (self.row, column), style & _STYLE_MASK
        marks.extent = (self.row + 1, max(marks.extent[1], column + 1))
        if kind in (_ERROR, _FORMULA_ERROR):
            marks.errors[cell] = _ERRORS.get(data[start + 8], "#?")
        elif kind == _FORMULA_NUMBER and self.is_uncalculated and not any(data[start + 8 : start + 16]):
            marks.uncalculated.add(cell)
        elif kind in _NUMBERS and style in self.widths:
            marks.widths[cell] = self.widths[style]
        elif kind == _RK and style in self.dates and data[start + 8] & _HUNDREDTHS_OR_WHOLE == _WHOLE:
            marks.unread = marks.unread or cell


def _find_sheet(archive: zipfile.ZipFile, sheet: str) -> tuple[str, bool]:
    """Return the part that contains a sheet, and whether the workbook has not been calculated."""
    parts = targets(archive, _RELATIONS_PART)
    data = archive.read(WORKBOOK_PART)
    found, is_uncalculated = "", False
    for kind, start in _records(data):
        if kind == _SHEET:
            relation, after = _text(data, start + 8)
            name, _ = _text(data, after)
            found = parts.get(relation, "") if name == sheet else found
        elif kind == _CALCULATION:
            is_uncalculated = bool(data[start + 24] & 1)
    return found, is_uncalculated


def _styles(archive: zipfile.ZipFile) -> tuple[Mapping[int, int], frozenset[int]]:
    """Return style → number of digits for styles with leading zeros, and the styles that display dates."""
    if _STYLES_PART not in archive.namelist():
        return {}, frozenset()
    data = archive.read(_STYLES_PART)
    formats: dict[int, str] = {}
    styles: list[int] = []
    is_cells = False
    for kind, start in _records(data):
        if kind == _FORMAT:
            formats[int.from_bytes(data[start : start + 2], "little")] = _text(data, start + 2)[0]
        elif kind in (_STYLES, _STYLES_END):
            is_cells = kind == _STYLES
        elif kind == _STYLE and is_cells:
            styles.append(int.from_bytes(data[start + 2 : start + 4], "little"))
    dates = {key for key, code in formats.items() if _DATE_LETTER.search(_QUOTED.sub("", code))} | _BUILT_IN_DATES
    return (
        zeros_shown([formats.get(each, "") for each in styles]),
        frozenset(number for number, each in enumerate(styles) if each in dates),
    )


def _records(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the number of each record, and the start of its content."""
    at, end = 0, len(data)
    while at < end:
        kind = data[at]
        at += 1
        if kind & 0x80:
            kind = kind & 0x7F | data[at] << 7
            at += 1
        size = shift = 0
        while True:
            byte = data[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        yield kind, at
        at += size


def _text(data: bytes, at: int) -> tuple[str, int]:
    """Return the text at a position, and the position after it; '' if the record marks it as absent."""
    (length,) = struct.unpack_from("<I", data, at)
    at += 4
    if length == _NO_TEXT:
        return "", at
    return data[at : at + 2 * length].decode("utf-16-le"), at + 2 * length
