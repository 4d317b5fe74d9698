"""The rows that need care, gathered for a report: the first of them, and all of them by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from growlytics_pandas._masking import Masker
from growlytics_pandas._status import MEANINGS, Status
from growlytics_pandas.upload.outcomes import CODES, OutcomeBuffer, Rows
from growlytics_pandas.upload.parts import Part
from growlytics_pandas.views.tables import FailedRows

WITHHELD: Final = "the service's words may repeat values, so they are not shown here: see .failed"
_STATUSES: Final = tuple(Status)
_NEVER_SENT: Final = CODES[Status.INVALID]  # the words are ours: no server can have repeated a value


@dataclass(frozen=True, slots=True)
class PartOutcomes:
    """The outcomes of a part: `words` are masked already, `describe` gives the outcome frame of some rows."""

    book: OutcomeBuffer
    words: Mapping[int, str]
    describe: Callable[[Rows], pd.DataFrame]


def gather_failed_rows(
    parts: Iterable[PartOutcomes], statuses: Sequence[Status], most: int, labels: str = "index", why: str = ""
) -> FailedRows:
    """Return the rows with one of `statuses`, the first `most` of them one by one, and `why` the run ended early."""
    total, reasons = 0, Counter[tuple[str, int, str]]()
    first: list[pd.DataFrame] = []
    for part in parts:
        rows = part.book.rows_with(statuses)
        if total < most or not first:
            shown = rows[: max(0, most - total)]
            table = part.describe(shown).reset_index(drop=True)
            table["error"] = pd.Series([part.words.get(row) for row in shown.tolist()], dtype="string")
            first.append(table)
        total += len(rows)
        reasons.update(_count_reasons(part.book, rows, part.words))
    return FailedRows(total, pd.concat(first, ignore_index=True), reasons, labels, why)


def withhold_words(book: OutcomeBuffer, veil: Masker) -> Mapping[int, str]:
    """Return row → why, of a part whose frame is gone: nothing shows which of the service's words are values."""
    if not veil.is_on:
        return book.errors
    foreign = {row for row in book.errors if book.http_status[row] and book.status[row] != _NEVER_SENT}
    return {row: WITHHELD if row in foreign else veil.words(words) for row, words in book.errors.items()}


def mask_words(part: Part, book: OutcomeBuffer, veil: Masker, why: str) -> tuple[Mapping[int, str], str]:
    """Return row → why, and why the run ended, without the values of any customer of the part."""
    if not veil.is_on:
        return book.errors, why
    noted = np.fromiter(book.errors, dtype="int64", count=len(book.errors))
    foreign = noted[book.codes()[noted] != _NEVER_SENT]
    if not len(foreign):
        return book.errors, veil.words(why)
    secrets = zip(foreign.tolist(), part.personal_values(foreign), strict=True)
    crowd = part.crowd({why, *(book.errors[row] for row in foreign.tolist())})
    masked = {row: crowd.hide(veil.words(book.errors[row], own)) for row, own in secrets}
    return {**book.errors, **masked}, crowd.hide(why)


def _count_reasons(book: OutcomeBuffer, rows: Rows, words: Mapping[int, str]) -> Counter[tuple[str, int, str]]:
    """Count rows by status, HTTP status and words. Most rows of a run that ended early have no words."""
    codes, http = book.codes(), np.frombuffer(book.http_status, dtype="uint16")
    silent = np.zeros(len(codes), dtype=bool)
    silent[rows] = True
    worded = [row for row in words if silent[row]]
    reasons = Counter((_STATUSES[codes[row]].value, int(http[row]), words[row]) for row in worded)
    silent[worded] = False
    pairs, counts = np.unique(np.column_stack([codes, http])[silent], axis=0, return_counts=True)
    for (code, status), count in zip(pairs.tolist(), counts.tolist(), strict=True):
        reasons[_STATUSES[code].value, status, MEANINGS[_STATUSES[code]]] += count
    return reasons
