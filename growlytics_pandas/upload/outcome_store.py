"""The outcomes of finished parts: in memory while they are few, in Parquet files past that."""

from __future__ import annotations

import shutil
import weakref
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

import pandas as pd

IN_MEMORY_ROWS: Final = 2_000_000  # about 400 MB of outcomes; beyond it they go to files


class _Folder:
    """A folder that is removed with the last store that uses it."""

    def __init__(self) -> None:
        self.path = Path(mkdtemp(prefix="growlytics-outcomes-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


class OutcomeStore:
    """The outcome frame of each part, by its number."""

    def __init__(self, limit: int = IN_MEMORY_ROWS) -> None:
        self._limit = limit
        self._frames: dict[int, pd.DataFrame] = {}
        self._files: dict[int, Path] = {}
        self._folder: _Folder | None = None

    def put(self, number: int, frame: pd.DataFrame) -> None:
        """Keep the outcomes of a part, in place of those that it had."""
        self._files.pop(number, None)
        self._frames[number] = frame
        if sum(map(len, self._frames.values())) > self._limit:
            self._spill()

    def get(self, number: int) -> pd.DataFrame | None:
        """Return the outcomes of a part; None where it has none yet."""
        if number in self._files:
            return _typed(pd.read_parquet(self._files[number]))
        return self._frames.get(number)

    @property
    def files(self) -> list[Path]:
        """The files, in the order of their parts; they go with this object."""
        return [self._files[number] for number in sorted(self._files)]

    def copy(self) -> OutcomeStore:
        """Return a store that can go on without changing this one. It shares the files."""
        other = OutcomeStore(self._limit)
        other._frames, other._files, other._folder = dict(self._frames), dict(self._files), self._folder
        return other

    def _spill(self) -> None:
        self._folder = self._folder or _Folder()
        for number, frame in self._frames.items():
            path = self._folder.path / f"part-{number:06}-{id(self):x}.parquet"
            frame.assign(index=frame["index"].map(repr)).to_parquet(path)  # labels can be anything
            self._files[number] = path
        self._frames.clear()


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Give text its dtypes back."""
    return frame.astype({"index": object, "id": "string", "status": "str", "error": "string", "http_status": "Int64"})
