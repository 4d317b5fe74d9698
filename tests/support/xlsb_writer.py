"""Writes a small workbook as xlsb with the records that Excel uses ([MS-XLSB]); LibreOffice can also open it."""

import io
import struct
import zipfile
from dataclasses import dataclass

import pandas as pd

TYPES = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/>
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Override PartName="/xl/worksheets/sheet1.bin" ContentType="application/vnd.ms-excel.worksheet"/>
<Override PartName="/xl/styles.bin" ContentType="application/vnd.ms-excel.styles"/>
</Types>"""
RELATIONS = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>"""
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
FORMATS = (0, 14, 22, 164)  # of the styles: general, date, date and time, ZEROS
ZEROS = "00000"
EPOCHS = (pd.Timestamp("1899-12-30"), pd.Timestamp("1904-01-01"))
ONE_DAY = pd.Timedelta(days=1)
ERRORS = {"#DIV/0!": 0x07, "#N/A": 0x2A}


@dataclass(frozen=True)
class Zeros:
    """A number displayed with leading zeros."""

    number: int


@dataclass(frozen=True)
class Sum:
    """The formula =1+1, with its stored result."""

    result: float


@dataclass(frozen=True)
class Short:
    """A text in a record without its column, as SheetJS writes it."""

    text: str


@dataclass(frozen=True)
class WholeDate:
    """A date stored as an integer, which Excel never does."""

    days: int


def write_xlsb(rows, *, epoch_1904=False, is_uncalculated=False, hidden=(), first_row=0, is_compressed=True):
    """Return the bytes of a workbook of one sheet, `Data`. Rows are lists of cells; None is no cell, a date a date."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED if is_compressed else zipfile.ZIP_STORED) as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        archive.writestr("_rels/.rels", _relations(("officeDocument", "xl/workbook.bin")))
        archive.writestr(
            "xl/_rels/workbook.bin.rels", _relations(("worksheet", "worksheets/sheet1.bin"), ("styles", "styles.bin"))
        )
        archive.writestr("xl/workbook.bin", _workbook(epoch_1904, is_uncalculated))
        archive.writestr("xl/styles.bin", _styles())
        archive.writestr("xl/worksheets/sheet1.bin", _sheet(rows, epoch_1904, hidden, first_row))
    return stream.getvalue()


def _relations(*targets):
    return RELATIONS.format(
        "".join(
            f'<Relationship Id="rId{n}" Type="{OFFICE}/{kind}" Target="{t}"/>' for n, (kind, t) in enumerate(targets)
        )
    )


def _workbook(epoch_1904, is_uncalculated):
    sheet = struct.pack("<II", 0, 1) + _text("rId0") + _text("Data")
    calculation = struct.pack("<IIIdIH", 0, 1, 100, 0.001, 1, int(is_uncalculated))
    return b"".join(
        [
            _record(131),
            _record(153, struct.pack("<III", int(epoch_1904), 0, 0)),
            _record(143),
            _record(156, sheet),
            _record(144),
            _record(157, calculation),
            _record(132),
        ]
    )


def _styles():
    font = struct.pack("<HHHHBBBB", 220, 0, 400, 0, 0, 2, 0, 0) + bytes(8) + b"\x00" + _text("Arial")
    style = [struct.pack("<HHHHHBBHH", 0, code, 0, 0, 0, 0, 0, 0x1010, 1) for code in FORMATS]
    master = struct.pack("<HHHHHBBHH", 0xFFFF, 0, 0, 0, 0, 0, 0, 0x1010, 0)
    return b"".join(
        [
            _record(278),
            *_group(615, _record(44, struct.pack("<H", 164) + _text(ZEROS))),
            *_group(611, _record(43, font)),
            *_group(603, _record(45, bytes(68))),
            *_group(613, _record(46, bytes(51))),
            *_group(626, _record(47, master)),
            *_group(617, *(_record(47, each) for each in style)),
            _record(279),
        ]
    )


def _group(kind, *records):
    return [_record(kind, struct.pack("<I", len(records))), *records, _record(kind + 1)]


def _sheet(rows, epoch_1904, hidden, first_row):
    width = max(map(len, rows), default=1)
    parts = [
        _record(129),
        _record(148, struct.pack("<IIII", first_row, first_row + max(len(rows), 1) - 1, 0, width - 1)),
        _record(145),
    ]
    for number, row in enumerate(rows, first_row):
        flags = 0x10 if number in hidden else 0
        parts.append(_record(0, struct.pack("<IIHBBBII", number, 0, 300, 0, flags, 0, 1, 0) + struct.pack("<I", width)))
        parts += [_cell(column, value, epoch_1904) for column, value in enumerate(row) if value is not None]
    return b"".join([*parts, _record(146), _record(130)])


def _cell(column, value, epoch_1904):
    if isinstance(value, Short):
        return _record(17, struct.pack("<I", 0) + _text(value.text))
    kind, data, style = _stored(value, epoch_1904)
    return _record(kind, struct.pack("<II", column, style) + data)


def _stored(value, epoch_1904):
    """Return the record of a value, its data and its style."""
    if isinstance(value, bool):
        found = 4, bytes([value]), 0
    elif isinstance(value, str):
        found = (3, bytes([ERRORS[value]]), 0) if value in ERRORS else (6, _text(value), 0)
    elif isinstance(value, int | float):
        found = *_number(value), 0
    elif isinstance(value, Zeros):
        found = *_number(value.number), 3
    elif isinstance(value, WholeDate):
        found = 2, struct.pack("<i", value.days << 2 | 2), 1
    elif isinstance(value, Sum):
        formula = b"\x1e\x01\x00\x1e\x01\x00\x03"
        found = 9, struct.pack("<dHI", value.result, 0, len(formula)) + formula + bytes(4), 0
    else:
        moment = pd.Timestamp(value)
        found = 5, struct.pack("<d", (moment - EPOCHS[epoch_1904]) / ONE_DAY), 1 if moment == moment.normalize() else 2
    return found


def _number(value):
    """Return the record and its data: RK if Excel would use it."""
    if isinstance(value, int) and abs(value) < 1 << 29:
        return 2, struct.pack("<i", value << 2 | 2)
    return 5, struct.pack("<d", value)


def _text(value):
    data = value.encode("utf-16-le")
    return struct.pack("<I", len(data) // 2) + data


def _record(kind, data=b""):
    head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size = len(data)
    while size > 0x7F:
        head += bytes([size & 0x7F | 0x80])
        size >>= 7
    return head + bytes([size]) + data
