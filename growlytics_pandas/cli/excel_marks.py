"""Facts about the cells of an xlsx beside their values: errors, formulas without a result, leading zeros, hidden rows.

The workbook reader returns an error as an empty cell, an uncalculated formula as its stored 0, and a number without
its format. This module reads them from the sheet's XML, which it parses only if a first search finds any of them.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Final
from xml.parsers import expat

_READ_BYTES: Final = 1 << 20
_LAST_BYTES: Final = 1 << 12  # the end of each chunk, which is searched for the last row
_OVERLAP_BYTES: Final = 256  # so that a sign across two chunks is found
_PLAIN_SIGNS: Final = (b't="e"', b"t='e'", b"<f>", b"<f ", b"<f/", b'hidden="', b"hidden='")  # without a regex
_SIGN: Final = re.compile(rb"<\w+:f[\s/>]")  # a formula in a file whose elements have prefixes
_PLACE: Final = re.compile(rb"""\br=["']([A-Z]{2,3})[0-9]""")  # a cell beyond column Z
_ROW: Final = re.compile(rb"""\br=["'][A-Z]*([0-9]+)["']""")
_COLUMNS_TO_Z: Final = 26
_ZEROS: Final = re.compile(r"0{2,}")
_NO_RESULT: Final = ("", "0")
_SEPARATOR: Final = " "  # between the namespace of an XML name and the name

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


def read_marks(stream: BinaryIO, sheet: str) -> Marks:
    """Read the marks of a sheet of an xlsx; none if the file is another kind of workbook."""
    marks = Marks()
    if not zipfile.is_zipfile(stream):
        return marks
    try:
        with zipfile.ZipFile(stream) as archive:
            workbook = _Workbook(archive)
            part = workbook.part_of(sheet)
            if part:
                has_signs, marks.extent = _searched(archive, part)
                if workbook.zero_styles or has_signs:
                    _SheetReader(marks, workbook).read(archive, part)
    except (KeyError, expat.ExpatError, zipfile.BadZipFile, ValueError, RuntimeError):
        return Marks(extent=marks.extent)  # the values can still be read, only without notes
    return marks


def _searched(archive: zipfile.ZipFile, part: str) -> tuple[bool, Cell]:
    """Return whether a sheet has any sign, and its extent. The search takes a tenth of the time of parsing the XML."""
    tail = b""
    has_signs = False
    last_row, n_columns = 0, _COLUMNS_TO_Z
    with archive.open(part) as file:
        while data := file.read(_READ_BYTES):
            text = tail + data
            has_signs = has_signs or any(sign in text for sign in _PLAIN_SIGNS) or _SIGN.search(text) is not None
            letters = {found[1] for found in _PLACE.finditer(text)}
            n_columns = max([n_columns, *(_column_number(each.decode()) + 1 for each in letters)])
            rows = _ROW.findall(text[-_LAST_BYTES:])
            last_row = max(last_row, int(rows[-1])) if rows else last_row
            tail = data[-_OVERLAP_BYTES:]
    return has_signs, (last_row, n_columns)


class _Workbook:
    """The archive part of each sheet, the styles with leading zeros, and whether the workbook has been calculated."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._names = frozenset(archive.namelist())
        targets = self._targets(archive, "", "_rels/.rels", by="Type")
        self._path = next((path for kind, path in targets.items() if kind.endswith("/officeDocument")), "")
        self._sheets: dict[str, str] = {}
        self.is_uncalculated = False
        if self._path not in self._names:
            return
        for name, attributes in elements(archive.read(self._path)):
            if name == "sheet":
                self._sheets[attributes["name"]] = next((v for k, v in attributes.items() if k.endswith(" id")), "")
            elif name == "calcPr":
                self.is_uncalculated = attributes.get("fullCalcOnLoad") in ("1", "true")
        self._parts = self._targets(archive, self._path, _relations_of(self._path), by="Id")
        kinds = self._targets(archive, self._path, _relations_of(self._path), by="Type")
        styles = next((path for kind, path in kinds.items() if kind.endswith("/styles")), "")
        self.zero_styles = _zero_styles(archive.read(styles)) if styles in self._names else {}

    zero_styles: dict[int, int] = {}  # noqa: RUF012 - replaced, never changed

    def part_of(self, sheet: str) -> str:
        """Return the part that contains a sheet; '' if there is none."""
        part = self._parts.get(self._sheets.get(sheet, ""), "") if self._sheets else ""
        return part if part in self._names else ""

    def _targets(self, archive: zipfile.ZipFile, base: str, relations: str, *, by: str) -> dict[str, str]:
        if relations not in self._names:
            return {}
        folder = PurePosixPath("/", base).parent
        found = [a for name, a in elements(archive.read(relations)) if name == "Relationship"]
        return {a[by]: str(folder / a["Target"]).lstrip("/") for a in found if "Target" in a and by in a}


class _SheetReader:
    """Collects the marks from the XML of a sheet."""

    def __init__(self, marks: Marks, workbook: _Workbook) -> None:
        self._marks = marks
        self._workbook = workbook
        self._row, self._column = -1, -1
        self._kind = ""
        self._is_formula = self._is_value = False
        self._text = ""

    def read(self, archive: zipfile.ZipFile, part: str) -> None:
        parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        with archive.open(part) as file:
            parser.ParseFile(file)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(_SEPARATOR)[2]
        if name == "c":
            self._begin_cell(attributes)
        elif name == "v":
            self._is_value, self._text = True, ""
        elif name == "f":
            self._is_formula = True
        elif name == "row":
            self._row = int(attributes["r"]) - 1 if "r" in attributes else self._row + 1
            self._column = -1
            if attributes.get("hidden") in ("1", "true"):
                self._marks.hidden_rows.add(self._row)

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        place = attributes.get("r", "").rstrip("0123456789")
        self._column = _column_number(place) if place else self._column + 1
        self._kind = attributes.get("t", "n")
        self._is_formula = self._is_value = False
        self._text = ""
        width = self._workbook.zero_styles.get(int(attributes.get("s", 0)))
        if width and self._kind == "n":
            self._marks.widths[self._row, self._column] = width

    def _characters(self, data: str) -> None:
        if self._is_value:
            self._text += data

    def _end(self, tag: str) -> None:
        name = tag.rpartition(_SEPARATOR)[2]
        if name == "v":
            self._is_value = False
        elif name == "c":
            cell = self._row, self._column
            if self._kind == "e":
                self._marks.errors[cell] = self._text
            elif self._is_formula and self._has_no_result():
                self._marks.uncalculated.add(cell)

    def _has_no_result(self) -> bool:
        """Return whether a formula has no result: programs that do not calculate store nothing or 0."""
        if self._kind == "str":  # an empty string is a result
            return False
        return self._text == "" or (self._workbook.is_uncalculated and self._text in _NO_RESULT)


def elements(data: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the elements of a small XML file, with names without namespaces."""
    found: list[tuple[str, dict[str, Any]]] = []
    parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
    parser.StartElementHandler = lambda tag, attributes: found.append((tag.rpartition(_SEPARATOR)[2], attributes))
    parser.Parse(data, True)
    yield from found


def _relations_of(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/_rels/{name}.rels".lstrip("/")


def _zero_styles(data: bytes) -> dict[int, int]:
    """Return style → number of digits, for styles that display whole numbers with leading zeros."""
    formats: dict[str, str] = {}
    styles: list[str] = []
    is_cell = False
    for name, attributes in elements(data):
        if name == "numFmt":
            formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name in ("cellXfs", "cellStyleXfs", "cellStyles", "dxfs"):
            is_cell = name == "cellXfs"
        elif name == "xf" and is_cell:
            styles.append(formats.get(attributes.get("numFmtId", ""), ""))
    return zeros_shown(styles)


def zeros_shown(formats: Sequence[str]) -> dict[int, int]:
    """Return style → number of digits, for formats that display whole numbers with leading zeros."""
    return {number: len(code) for number, code in enumerate(formats) if _ZEROS.fullmatch(code)}


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
