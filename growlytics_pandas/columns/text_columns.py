"""Columns of text as suggestions and checks read them: once, as distinct texts if they repeat, else as bytes."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas.columns.text_bytes import TextBytes, bytes_of
from growlytics_pandas.columns.texts import factorize_texts

_GLANCES: Final = (1_000, 50_000)  # texts: the second glance finds thousands of values that repeat


class TextColumn:
    """One column of text."""

    def __init__(self, column: pd.Series[Any]) -> None:
        self._column = column

    @cached_property
    def mostly_differs(self) -> bool:
        """Whether most texts at the start differ, so that factorizing does not pay off."""
        glances = (self._column.iloc[:rows] for rows in _GLANCES)
        return all(glance.nunique() * 2 > len(glance) for glance in glances)

    @cached_property
    def distinct(self) -> tuple[npt.NDArray[np.int32], list[str]]:
        """The code of each text (-1: missing) and the distinct texts, in order of appearance."""
        codes, texts = factorize_texts(self._column)
        return codes.astype("int32"), texts

    @cached_property
    def bytes(self) -> TextBytes | None:
        """The bytes of the texts; None if Arrow does not store them."""
        return bytes_of(self._column)


class TextColumns:
    """The text columns of a frame, by position."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self._known: dict[int, TextColumn] = {}

    def __getitem__(self, position: int) -> TextColumn:
        """Return the column at a position."""
        if position not in self._known:
            self._known[position] = TextColumn(self._frame.iloc[:, position])
        return self._known[position]

    def forget(self) -> None:
        """Free what was read."""
        self._known.clear()
