"""The rows that need care, gathered for a report: the first of them, and all of them by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas._masking import Masker
from growlytics_pandas._status import MEANINGS, Status
from growlytics_pandas.upload.outcomes import CODES, OutcomeBuffer
from growlytics_pandas.views.tables import FailedRows, label

if TYPE_CHECKING:
    from growlytics_pandas.upload.plan import Plan

_STATUSES: Final = tuple(Status)
Rows = npt.NDArray[np.int64]
_OUR_WORDS: Final = CODES[Status.INVALID]  # never sent, so that no server can have repeated a value


def gather_failed_rows(
    plan: Plan,
    book: OutcomeBuffer,
    rows: Rows,
    outcomes: Callable[[Rows], pd.DataFrame],
    veil: Masker,
    most: int,
    why: str = "",
) -> FailedRows:
    """Return what a report tells of `rows`, the first `most` of them one by one, and of `why` the run ended early."""
    words, why = _masked_words(plan, book, veil, why)
    first = outcomes(rows[:most])
    first["error"] = pd.Series([words.get(row) for row in rows[:most].tolist()], dtype="string")
    labels = plan.frame.index.name
    return FailedRows(
        len(rows), first, _count_reasons(book, rows, words), "index" if labels is None else label(labels), why
    )


def _count_reasons(book: OutcomeBuffer, rows: Rows, words: dict[int, str]) -> Counter[tuple[str, int, str]]:
    """Count rows by status, HTTP status and words. Most rows of a run that ended early have no words."""
    codes, http = book.codes(), np.frombuffer(book.http_status, dtype="uint16")
    silent = np.zeros(len(codes), dtype=bool)
    silent[rows] = True
    told = [row for row in words if silent[row]]
    reasons = Counter((_STATUSES[codes[row]].value, int(http[row]), words[row]) for row in told)
    silent[told] = False
    pairs, counts = np.unique(np.column_stack([codes, http])[silent], axis=0, return_counts=True)
    for (code, status), count in zip(pairs.tolist(), counts.tolist(), strict=True):
        reasons[_STATUSES[code].value, status, MEANINGS[_STATUSES[code]]] += count
    return reasons


def _masked_words(plan: Plan, book: OutcomeBuffer, veil: Masker, why: str) -> tuple[dict[int, str], str]:
    """Return row → why, and why the run ended, without the values of any row that a server has spoken of."""
    if not veil.is_on:
        return book.errors, why
    noted = np.fromiter(book.errors, dtype="int64", count=len(book.errors))
    foreign = noted[book.codes()[noted] != _OUR_WORDS]
    if not len(foreign):
        return book.errors, veil.words(why)
    secrets = plan.personal_values(foreign)
    crowd = plan.crowd({why, *(book.errors[row] for row in foreign.tolist())})
    told = zip(foreign.tolist(), secrets, strict=True)
    masked = {row: crowd.hide(veil.words(book.errors[row], own)) for row, own in told}
    return {**book.errors, **masked}, crowd.hide(why)
