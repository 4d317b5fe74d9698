"""Facts about the cells of an xlsx beside their values: errors, formulas without a result, leading zeros, hidden rows.

The workbook reader returns an error as an empty cell, an uncalculated formula as its stored 0, and a number without
its format. This module reads them from the sheet's XML, which it parses only if a first search finds any of them.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import PurePosixPath
from typing import Final
from xml.etree.ElementTree import Element, ParseError, fromstring, iterparse

_LAST_BYTES: Final = 1 << 16  # before the end of the last row, which are searched for its number
_SIGNS: Final = (b't="e"', b"t='e'", b"<f>", b"<f ", b"<f/", b":f>", b":f ", b":f/", b"hidden=")
_PLACE: Final = re.compile(rb"""\br=["']([A-Z]{2,3})[0-9]""")  # a cell beyond column Z
_ROW: Final = re.compile(rb"""\br=["'][A-Z]*([0-9]+)["']""")
_COLUMNS_TO_Z: Final = 26
_ZEROS: Final = re.compile(r"0{2,}")
_TRUE: Final = ("1", "true")

Cell = tuple[int, int]
"""Row and column, from 0."""


@dataclass(slots=True)
class Marks:
    """The marks of one sheet. `widths`: cell → number of digits, for numbers displayed with leading zeros."""

    errors: dict[Cell, str] = field(default_factory=dict)
    uncalculated: set[Cell] = field(default_factory=set)
    widths: dict[Cell, int] = field(default_factory=dict)
    hidden_rows: set[int] = field(default_factory=set)
    extent: Cell = (0, 0)
    """The number of rows and columns up to the last cell, or more."""
    unread: Cell | None = None
    """The first cell that the workbook reader skips or misreads."""


def read_marks(archive: zipfile.ZipFile, sheet: str) -> Marks:
    """Read the marks of a sheet of an xlsx."""
    marks = Marks()
    try:
        workbook = fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - expat limits entities
        data = archive.read(_part_of(sheet, workbook, targets(archive, "xl/_rels/workbook.xml.rels")))
        marks.extent = _extent(data)
        widths = _zero_styles(archive)
        calculation = workbook.find("{*}calcPr")
        is_uncalculated = calculation is not None and calculation.get("fullCalcOnLoad") in _TRUE
        if widths or any(sign in data for sign in _SIGNS):
            _read_cells(data, marks, widths, is_uncalculated=is_uncalculated)
    except (KeyError, ParseError, zipfile.BadZipFile, ValueError, RuntimeError):
        return Marks(extent=marks.extent)  # the values can still be read, only without notes
    return marks


def targets(archive: zipfile.ZipFile, relations: str) -> dict[str, str]:
    """Return relation → part of a workbook."""
    root = fromstring(archive.read(relations))  # noqa: S314 - expat limits entities
    found = {one.attrib["Id"]: one.attrib["Target"] for one in root.iterfind("{*}Relationship")}
    return {key: str(PurePosixPath("/xl", target)).lstrip("/") for key, target in found.items()}


def zeros_shown(formats: Sequence[str]) -> dict[int, int]:
    """Return style → number of digits, for formats that display whole numbers with leading zeros."""
    return {number: len(code) for number, code in enumerate(formats) if _ZEROS.fullmatch(code)}


def _part_of(sheet: str, workbook: Element, parts: Mapping[str, str]) -> str:
    (found,) = [one for one in workbook.iterfind("{*}sheets/{*}sheet") if one.get("name") == sheet]
    return next(parts[value] for key, value in found.items() if key.endswith("}id"))


def _zero_styles(archive: zipfile.ZipFile) -> dict[int, int]:
    if "xl/styles.xml" not in archive.namelist():
        return {}
    root = fromstring(archive.read("xl/styles.xml"))  # noqa: S314 - expat limits entities
    formats = {one.get("numFmtId"): one.get("formatCode", "") for one in root.iterfind("{*}numFmts/{*}numFmt")}
    return zeros_shown([formats.get(style.get("numFmtId"), "") for style in root.iterfind("{*}cellXfs/{*}xf")])


def _extent(data: bytes) -> Cell:
    """Return the number of rows and columns of a sheet. The search takes a fraction of the time of parsing."""
    letters = {found[1] for found in _PLACE.finditer(data)}
    last = data.rfind(b"row>")
    rows = _ROW.findall(data, max(0, last - _LAST_BYTES), max(0, last))
    return int(rows[-1]) if rows else 0, max([_COLUMNS_TO_Z, *(_column_number(each.decode()) + 1 for each in letters)])


def _read_cells(data: bytes, marks: Marks, widths: Mapping[int, int], *, is_uncalculated: bool) -> None:
    no_result = ("", "0") if is_uncalculated else ("",)
    row = -1
    for _, element in iterparse(BytesIO(data)):  # noqa: S314 - expat limits entities
        if not element.tag.endswith("}row"):
            continue
        row, column = int(element.get("r", row + 2)) - 1, -1
        if element.get("hidden") in _TRUE:
            marks.hidden_rows.add(row)
        for cell in element:
            place = cell.get("r", "").rstrip("0123456789")
            column = _column_number(place) if place else column + 1
            kind = cell.get("t", "n")
            if kind == "e":
                marks.errors[row, column] = cell.findtext("{*}v", "")
            elif kind == "n" and (width := widths.get(int(cell.get("s", 0)))):
                marks.widths[row, column] = width
            is_formula = len(cell) and cell[0].tag.endswith("}f")  # it comes before the value
            # Programs that do not calculate store nothing or 0; an empty string (kind "str") is a result.
            if is_formula and kind not in ("e", "str") and (cell.findtext("{*}v") or "") in no_result:
                marks.uncalculated.add((row, column))
        element.clear()


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter.upper()) - ord("A") + 1
    return number - 1


def place_of(cell: Cell) -> str:
    """Return the name of a cell in a spreadsheet.

    Examples
    --------
    >>> place_of((6, 27))
    'AB7'
    """
    row, column = cell
    letters = ""
    number = column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row + 1}"
