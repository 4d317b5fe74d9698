"""The partitions of a Dask DataFrame, computed in this process; and a warning about text converted by Dask."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import dask
import pandas as pd

from growlytics_pandas.upload.parts import LocalExecutor

OPTION = "dataframe.convert-string"
_SAMPLED = 20  # rows
_BRACKETS = {("[", "]"), ("{", "}"), ("(", ")")}


class PartitionExecutor(LocalExecutor):
    """Computes the partitions one by one with the synchronous scheduler."""

    def __init__(self, ddf: Any) -> None:
        self._parts = ddf.to_delayed()

    def walk(self, numbers: Iterable[int] | None) -> Iterator[tuple[int, pd.DataFrame]]:
        """Yield the frames of these partitions (None: of all), in order."""
        for number in range(len(self._parts)) if numbers is None else sorted(numbers):
            yield number, dask.compute(self._parts[number], scheduler="synchronous")[0]


def warn_of_converted_text(example: pd.DataFrame) -> None:
    """Warn if Dask has converted lists and other objects to text."""
    if dask.config.get(OPTION, None) is False:
        return
    odd = [
        label
        for position, label in enumerate(example.columns)
        if isinstance(example.dtypes.iloc[position], pd.StringDtype) and _looks_converted(example.iloc[:, position])
    ]
    if odd:
        warnings.warn(
            f"columns {', '.join(map(repr, odd[:10]))}: their text looks like lists or dicts that Dask converted to "
            f"text ({OPTION} is on). They would be sent as text. To keep them as objects, read the data within "
            f"dask.config.set({{{OPTION!r}: False}}).",
            UserWarning,
            stacklevel=4,
        )


def _looks_converted(column: pd.Series[Any]) -> bool:
    texts = column.head(_SAMPLED).dropna().tolist()
    return bool(texts) and all((text[:1], text[-1:]) in _BRACKETS for text in texts)
