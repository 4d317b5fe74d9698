"""A file or stdin → table: its format, compression and encoding, with an error message for each way to fail.

The first bytes show the type of a file, not its name: spreadsheets, archives, and text in other encodings.
"""

from __future__ import annotations

import argparse
import codecs
import contextlib
import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import pandas as pd

from growlytics_pandas.cli.excel import EXCEL_FORMATS, EXCEL_SUFFIXES, read_excel
from growlytics_pandas.cli.records import read_csv_text, read_json_lines
from growlytics_pandas.errors import InvalidArgumentError, MissingDependencyError
from growlytics_pandas.http.protocol import one_line

FORMATS: Final = ("csv", "tsv", "jsonl", "parquet", *EXCEL_FORMATS)
STDIN: Final = "-"
_SUFFIXES: Final = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    **EXCEL_SUFFIXES,
}
_SEPARATORS: Final = {"csv": ",", "tsv": "\t"}
_UTF_8: Final = "utf-8-sig"
_ESCAPED: Final = re.compile("[\udc80-\udcff]")  # a byte that is not UTF-8
_LOOKED_AT: Final = 512  # bytes; they show the type of a file
_GZIP_MAGIC: Final = b"\x1f\x8b"
_SAVE: Final = "save it as CSV UTF-8 in the spreadsheet program, or read it in Python: pd.read_excel(FILE, dtype=str)"
_WORKBOOK: Final = "use --format xlsx, which reads every kind of workbook, or save it as CSV UTF-8"
_UNPACK: Final = "unpack it first"
_IN_ZIP: Final = (
    (b"mimetypeapplication/vnd.oasis.opendocument", "an OpenDocument spreadsheet (ods)", _WORKBOOK),
    (b"Index/", "a Numbers spreadsheet", _SAVE),
    *(
        (name, "an Excel workbook (xlsx)", _WORKBOOK)
        for name in (b"[Content_Types].xml", b"_rels/", b"docProps/", b"xl/")
    ),
    (b"", "a zip archive", _UNPACK),
)
_MAGIC: Final = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook (xls)", _WORKBOOK),
    (b"PAR1", "Parquet", "use --format parquet"),
    (_GZIP_MAGIC, "gzip within gzip", _UNPACK),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ\x00", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
)
_MARKUP: Final = (b"<!doctype html", b"<html", b"<table", b"<?xml")
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """The file to read, and how to read it."""

    path: str
    format: str
    encoding: str
    sep: str | None
    limit: int | None
    skip: int
    sheet: str | None

    @property
    def shown(self) -> str:
        """Its name for messages."""
        return "stdin" if self.path == STDIN else self.path


@dataclass(frozen=True, slots=True)
class FileTable:
    """The content of the file; the index is the line in the file (Parquet: the row). Cells of a CSV are text.

    `index_columns`: the columns of `frame` that pandas would put in the index. `is_untyped`: all cells are text.
    """

    frame: pd.DataFrame
    index_columns: tuple[Any, ...] = ()
    is_untyped: bool = False
    notes: tuple[str, ...] = ()


def find_source(arguments: argparse.Namespace) -> Source:
    """Check the flags for reading a file, and find its format."""
    found, sep = arguments.format or _format_of(arguments.file), arguments.sep
    for flag, value, formats in (
        ("--sep", sep, _SEPARATORS),
        ("--encoding", arguments.encoding, (*_SEPARATORS, "jsonl")),
        ("--skip-rows", arguments.skip_rows, (*_SEPARATORS, *EXCEL_FORMATS)),
        ("--sheet", arguments.sheet, EXCEL_FORMATS),
    ):
        if value and found not in formats:
            raise InvalidArgumentError(f"{flag}: only for {', '.join(formats)}; the format is {found}.")
    if sep is not None and len(sep) != 1:
        if sep not in ("\\t", "tab"):
            raise InvalidArgumentError(f"--sep: found {sep!r}; it must be one character, or \\t.")
        sep = "\t"
    encoding = _encoding(arguments.encoding)
    return Source(arguments.file, found, encoding, sep, arguments.limit, arguments.skip_rows, arguments.sheet)


def read_source(source: Source) -> FileTable:
    """Read the file, up to the limit."""
    try:
        with _opened(source.path) as stream:
            return _read(source, stream)
    except UnicodeDecodeError as error:
        raise _undecodable(source.shown, error.object[error.start], error.encoding) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidArgumentError(f"{source.shown}: the gzip file is damaged or truncated ({error}).") from None
    except OSError as error:
        raise _unreadable(source.shown, error) from None


def require_file(path: str) -> None:
    """Raise if there is no such file."""
    try:
        if path != STDIN:
            Path(path).stat()
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(shown: str, error: OSError) -> InvalidArgumentError:
    return InvalidArgumentError(f"{shown}: it cannot be read: {error.strerror or error}.")


def _read(source: Source, stream: io.BufferedReader) -> FileTable:
    if source.format == "parquet":
        return _read_parquet(source, stream)
    if source.format in EXCEL_FORMATS:
        frame, notes = read_excel(
            stream.read(), source.shown, sheet=source.sheet, skip_rows=source.skip, limit=source.limit
        )
        return FileTable(frame, notes=notes)
    start = stream.peek(_LOOKED_AT)[:_LOOKED_AT]
    _refuse_binary(start, source.shown)
    encoding = _marked_encoding(start, source)
    errors = "surrogateescape" if encoding == _UTF_8 else "strict"
    with io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline="") as text:
        lines = _Lines(text, source.shown)
        default = _SEPARATORS.get(source.format)
        if default:
            frame = read_csv_text(lines, source.shown, source.sep, default, source.skip, source.limit)
        else:
            frame = read_json_lines(lines, source.shown, source.limit)
        notes = _notes_of(source, frame, lines.last)
        return FileTable(frame, is_untyped=default is not None, notes=notes)


def _refuse_binary(start: bytes, shown: str) -> None:
    """Raise if the first bytes show that a file is not text; the message names its type."""
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        found: Any = next(each for each in _IN_ZIP if each[0] in start)
    elif start[257:262] == b"ustar":
        found = (b"", "a tar archive", _UNPACK)
    elif start.lstrip(codecs.BOM_UTF8 + b" \t\r\n").lower().startswith(_MARKUP):
        found = (b"", "HTML or XML, as some programs export tables", _SAVE.replace("excel", "html"))
    else:
        found = next((each for each in _MAGIC if start.startswith(each[0])), None)
    if found:
        raise InvalidArgumentError(f"{shown}: its content is {found[1]}; {found[2]}.")


def _marked_encoding(start: bytes, source: Source) -> str:
    """Return the encoding of the byte order mark (BOM) at the start; the one requested if there is none."""
    requested, shown = source.encoding, source.shown
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


class _Lines:
    """Yields the lines of a text, and keeps the last one; bytes that are not UTF-8, which are escaped, raise."""

    def __init__(self, text: Iterable[str], shown: str) -> None:
        self._text = text
        self._shown = shown
        self.last = ""

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(self._text, start=1):
            if not line.isascii() and (found := _ESCAPED.search(line)):
                raise _undecodable(f"{self._shown}, line {number:,}", ord(found[0]) & 0xFF, "UTF-8")
            self.last = line
            yield line


def _notes_of(source: Source, frame: pd.DataFrame, last_line: str = "") -> tuple[str, ...]:
    notes = [] if len(frame) else [f"{source.shown}: there are no rows."]
    if last_line and not last_line.endswith(("\n", "\r")):
        notes.append(f"{source.shown}: the last line has no line end; the file may be truncated.")
    return tuple(notes)


def _read_parquet(source: Source, stream: BinaryIO) -> FileTable:
    try:
        # with numpy dtypes, a column of whole numbers with a missing value would become floats
        frame = pd.read_parquet(io.BytesIO(stream.read()), dtype_backend="pyarrow")
    except ImportError:
        raise MissingDependencyError(f"{source.shown}: Parquet needs pyarrow: pip install pyarrow.") from None
    except (ValueError, OSError) as error:
        raise InvalidArgumentError(f"{source.shown}: not a Parquet file: {one_line(str(error))}") from None
    named = [level for level in frame.index.names if level is not None]
    if twice := [level for level in named if level in frame.columns]:
        raise InvalidArgumentError(
            f"{source.shown}: {twice[0]!r} is the name of a column and of an index level; rename one of them."
        )
    frame = (frame.reset_index(named) if named else frame).iloc[: source.limit]
    return FileTable(frame.reset_index(drop=True), index_columns=tuple(named), notes=_notes_of(source, frame))


@contextlib.contextmanager
def _opened(path: str) -> Iterator[io.BufferedReader]:
    with contextlib.ExitStack() as stack:
        raw: Any = sys.stdin.buffer if path == STDIN else stack.enter_context(Path(path).open("rb"))
        if not hasattr(raw, "peek"):
            raw = io.BufferedReader(raw)
        start = raw.peek(2)[:2]
        yield io.BufferedReader(gzip.GzipFile(fileobj=raw)) if start == _GZIP_MAGIC else raw


def _format_of(path: str) -> str:
    if path == STDIN:
        raise InvalidArgumentError(f"FILE: stdin needs its format: --format {'|'.join(FORMATS)}.")
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    last = [suffix for suffix in suffixes if suffix != ".gz"][-1:]
    if not last or last[0] not in _SUFFIXES:
        raise InvalidArgumentError(
            f"FILE: the name {path!r} does not show the format; use --format {'|'.join(FORMATS)}."
        )
    return _SUFFIXES[last[0]]


def _encoding(name: str | None) -> str:
    try:
        "".encode(name or "utf-8")
    except LookupError:
        raise InvalidArgumentError(
            f"--encoding: found {name!r}, which is not an encoding; use one such as utf-8, cp1252, latin-1 or utf-16."
        ) from None
    return _UTF_8 if name is None or codecs.lookup(name).name == "utf-8" else name


def _undecodable(where: str, byte: int, encoding: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{where}: byte 0x{byte:02X} is not valid {encoding}. If the file is from a spreadsheet program or Windows, "
        "use --encoding cp1252."
    )
