"""The file type by the first bytes, not the name: spreadsheets, archives, and text in other encodings."""

from __future__ import annotations

import codecs
from typing import Final

from growlytics_pandas.errors import InvalidArgumentError

_SAVE: Final = "save it as CSV UTF-8 in the spreadsheet program, or read it in Python: pd.read_excel(FILE, dtype=str)"
_WORKBOOK: Final = "use --format xlsx, which reads every kind of workbook, or save it as CSV UTF-8"
_EXPORT: Final = "export the table as CSV"
_UNPACK: Final = "unpack it first"
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_IN_ZIP: Final = (
    (b"mimetypeapplication/vnd.oasis.opendocument", "an OpenDocument spreadsheet (ods)"),
    (b"Index/", "a Numbers spreadsheet"),
    (b"[Content_Types].xml", "an Excel workbook (xlsx)"),
    (b"_rels/", "an Excel workbook (xlsx)"),
    (b"docProps/", "an Excel workbook (xlsx)"),
    (b"xl/", "an Excel workbook (xlsx)"),
)
_BY_MAGIC: Final = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook (xls)", _WORKBOOK),
    (b"PAR1", "Parquet", "use --format parquet"),
    (b"\x1f\x8b", "gzip within gzip", _UNPACK),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ\x00", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!", "a rar archive", _UNPACK),
    (b"ARROW1", "Arrow IPC (Feather)", "read it in Python: pd.read_feather(FILE, dtype_backend='pyarrow')"),
    (b"SQLite format 3\x00", "an SQLite database", _EXPORT),
    (b"%PDF", "a PDF", _EXPORT),
    (b"{\\rtf", "a text document (rtf)", _EXPORT),
)
_MARKUP: Final = (b"<!doctype html", b"<html", b"<table", b"<?xml")
_TAR: Final = slice(257, 262)
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8"),
)
_UTF_8: Final = "utf-8-sig"


def refuse_binary(start: bytes, shown: str) -> None:
    """Raise if the first bytes show that a file is not text; the message names its type."""
    kind, remedy = _content(start)
    if kind:
        raise InvalidArgumentError(f"{shown}: its content is {kind}; {remedy}.")


def find_encoding(start: bytes, requested: str, shown: str) -> str:
    """Return the encoding of the byte order mark (BOM) at the start; `requested` if there is none."""
    marked = next((name for mark, name in _MARKS if start.startswith(mark)), None)
    if marked is None:
        if requested == _UTF_8 and b"\x00" in start[:4]:
            ending = "le" if start[1:2] == b"\x00" else "be"
            raise InvalidArgumentError(
                f"{shown}: it begins with NUL bytes, so it is UTF-16 without a byte order mark "
                f"(--encoding utf-16-{ending}), or not text."
            )
        return requested
    if requested != _UTF_8 and not codecs.lookup(requested).name.startswith(marked):
        raise InvalidArgumentError(
            f"--encoding: found {requested!r}, but {shown} begins with the byte order mark of "
            f"{marked.upper()}; omit the option."
        )
    return _UTF_8 if marked == "utf-8" else marked  # a codec with an explicit byte order keeps the mark as text


def _content(start: bytes) -> tuple[str, str]:
    """Return the file type and the remedy; two empty strings for text."""
    if start.startswith(_ZIP):
        kind = next((kind for name, kind in _IN_ZIP if name in start), "")
        if not kind:
            return "a zip archive", _UNPACK
        return kind, _SAVE if "Numbers" in kind else _WORKBOOK
    if start[_TAR] == b"ustar":
        return "a tar archive", _UNPACK
    if start.lstrip(codecs.BOM_UTF8 + b" \t\r\n").lower().startswith(_MARKUP):
        return "HTML or XML, as some programs export tables", _SAVE.replace("excel", "html")
    return next(((kind, remedy) for magic, kind, remedy in _BY_MAGIC if start.startswith(magic)), ("", ""))
