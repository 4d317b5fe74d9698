"""The ids that a stream of batches has shown so far, as 64-bit hashes: 8 bytes a row."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from growlytics_pandas.columns.extract import Mask


class SeenIds:
    """A growing set of hashes, in sorted runs of doubling length: each hash is sorted again a few times only."""

    def __init__(self) -> None:
        self._runs: list[npt.NDArray[np.uint64]] = []

    def among(self, hashes: npt.NDArray[np.uint64]) -> Mask:
        """Return which of `hashes` were there before."""
        found = np.zeros(len(hashes), dtype=bool)
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
            found |= run[places] == hashes
        return found

    def add(self, hashes: npt.NDArray[np.uint64]) -> None:
        """Remember `hashes`."""
        if not len(hashes):
            return
        self._runs.append(np.sort(hashes))
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate([self._runs[-1], last]))
