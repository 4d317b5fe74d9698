"""A file or stdin → table: its format, compression and encoding, with an error message for each way to fail."""

from __future__ import annotations

import contextlib
import gzip
import io
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import pandas as pd

from growlytics_pandas.cli.contents import find_encoding, refuse_binary
from growlytics_pandas.cli.csv_text import CsvForm, read_csv_text
from growlytics_pandas.cli.excel import EXCEL_FORMATS, EXCEL_SUFFIXES, read_excel
from growlytics_pandas.cli.jsonl import read_json_lines
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
_GZIP_MAGIC: Final = b"\x1f\x8b"
_LOOKED_AT: Final = 512  # bytes; they show the type of a file


@dataclass(frozen=True, slots=True)
class Source:
    """The file to read, and how to read it."""

    path: str
    format: str
    encoding: str = "utf-8-sig"
    sep: str | None = None
    limit: int | None = None
    skip: int = 0
    sheet: str | None = None

    @property
    def is_untyped(self) -> bool:
        """Whether all cells are text, as in a CSV."""
        return self.format in _SEPARATORS

    @property
    def shown(self) -> str:
        """Its name for messages."""
        return "stdin" if self.path == STDIN else self.path


@dataclass(frozen=True, slots=True)
class Table:
    """The content of the file; the index is the line in the file (Parquet: the row). Cells of a CSV are text.

    `labels`: the index that pandas would give the frame. `index_columns`: the columns of `frame` that pandas would put
    in the index.
    """

    frame: pd.DataFrame
    labels: pd.Index[Any]
    index_columns: tuple[Any, ...] = ()
    notes: tuple[str, ...] = ()


def find_source(
    path: str,
    *,
    named: str | None,
    encoding: str | None,
    sep: str | None,
    limit: int | None,
    skip: int = 0,
    sheet: str | None = None,
) -> Source:
    """Check the options for reading a file, and find its format."""
    found = named or _format_of(path)
    if found not in _SEPARATORS and sep:
        raise InvalidArgumentError(f"--sep: only for csv and tsv; the format is {found}.")
    if found not in (*_SEPARATORS, *EXCEL_FORMATS) and skip:
        raise InvalidArgumentError(f"--skip-rows: only for csv, tsv and workbooks; the format is {found}.")
    if found not in EXCEL_FORMATS and sheet:
        raise InvalidArgumentError(f"--sheet: only for {', '.join(EXCEL_FORMATS)}; the format is {found}.")
    if sep is not None and len(sep) != 1:
        sep = {"\\t": "\t", "tab": "\t"}.get(sep) or _refuse_sep(sep)
    return Source(path, found, _encoding(encoding), sep, limit, skip, sheet)


def read_source(source: Source) -> Table:
    """Read the file, up to the limit."""
    try:
        with _opened(source.path) as stream:
            return _read(source, stream)
    except UnicodeDecodeError as error:
        raise InvalidArgumentError(_undecodable(source, error)) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidArgumentError(f"{source.shown}: the gzip file is damaged or truncated ({error}).") from None
    except OSError as error:
        raise InvalidArgumentError(f"{source.shown}: it cannot be read: {error.strerror or error}.") from None


def _read(source: Source, stream: io.BufferedReader) -> Table:
    if source.format == "parquet":
        return _read_parquet(source, stream)
    if source.format in EXCEL_FORMATS:
        frame, notes = read_excel(
            stream.read(), source.shown, sheet=source.sheet, skip_rows=source.skip, limit=source.limit
        )
        return Table(frame, pd.RangeIndex(len(frame)), notes=notes)
    start = stream.peek(_LOOKED_AT)[:_LOOKED_AT]
    refuse_binary(start, source.shown)
    encoding = find_encoding(start, source.encoding, source.shown)
    with io.TextIOWrapper(stream, encoding=encoding, newline="") as text:
        lines = _Lines(text)
        if source.is_untyped:
            sep = source.sep or _SEPARATORS[source.format]
            form = CsvForm(source.shown, sep, is_sure=source.sep is not None, skip=source.skip)
            frame = read_csv_text(lines, form, source.limit)
        else:
            frame = read_json_lines(lines, source.shown, source.limit)
        return Table(frame, pd.RangeIndex(len(frame)), notes=_notes_of(source, frame, lines.last))


class _Lines:
    """Yields the lines of a text, and keeps the last one."""

    def __init__(self, text: Iterable[str]) -> None:
        self._text = text
        self.last = ""

    def __iter__(self) -> Iterator[str]:
        for line in self._text:
            self.last = line
            yield line


def _notes_of(source: Source, frame: pd.DataFrame, last_line: str = "") -> tuple[str, ...]:
    notes = [] if len(frame) else [f"{source.shown}: there are no rows."]
    if last_line and not last_line.endswith(("\n", "\r")):
        notes.append(f"{source.shown}: the last line has no line end; the file may be truncated.")
    return tuple(notes)


def _read_parquet(source: Source, stream: BinaryIO) -> Table:
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
    notes = _notes_of(source, frame)
    return Table(frame.reset_index(drop=True), frame.index, index_columns=tuple(named), notes=notes)


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
    is_utf_8 = name is None or name.lower().replace("_", "-") in ("utf-8", "utf8")
    return "utf-8-sig" if is_utf_8 or name is None else name


def _refuse_sep(sep: str) -> str:
    raise InvalidArgumentError(f"--sep: found {sep!r}; it must be one character, or \\t.")


def _undecodable(source: Source, error: UnicodeDecodeError) -> str:
    where = f"{source.shown}{_line_of(source)}"
    found = error.object[error.start]
    name = "UTF-8" if source.encoding == "utf-8-sig" else source.encoding
    return (
        f"{where}: byte 0x{found:02X} is not valid {name}. If the file is from a spreadsheet program or Windows, use "
        "--encoding cp1252."
    )


def _line_of(source: Source) -> str:
    """Read the file again and return the line that cannot be decoded; '' if the file cannot be read again."""
    if source.path == STDIN or source.encoding != "utf-8-sig":
        return ""
    with contextlib.suppress(OSError, EOFError, zlib.error), _opened(source.path) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return f", line {number:,}"
    return ""
