"""The rows of parts that need care, gathered for a report: the first of them, and all of them by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

import pandas as pd

from growlytics_pandas._masking import Masker, without
from growlytics_pandas._status import MEANINGS, Status
from growlytics_pandas.upload.result import RunFacts
from growlytics_pandas.views.tables import FailedRows

WITHHELD: Final = "the service's words may repeat values, so they are not shown here: see .failed"


def gather_failed_rows(
    outcomes: Iterable[pd.DataFrame], statuses: Sequence[Status], veil: Masker, most: int, run: RunFacts
) -> FailedRows:
    """Return what a report tells of the rows with one of `statuses`, the first `most` of them one by one."""
    total, reasons = 0, Counter[tuple[str, int, str]]()
    first: list[pd.DataFrame] = []
    for table in outcomes:
        care = table[table["status"].isin(statuses)].copy()
        care["error"] = _veiled(care, veil)
        if total < most or not first:
            first.append(care.head(most - total))
        total += len(care)
        reasons.update(_count_reasons(care))
    why = veil.words(without(run.message, run.foreign)) if veil.is_on else run.message
    return FailedRows(total, pd.concat(first, ignore_index=True), reasons, why=why)


def _veiled(care: pd.DataFrame, veil: Masker) -> pd.Series[Any]:
    """Return why, without values. The frames are gone, so nothing tells which of the service's words are values."""
    if not veil.is_on:
        return care["error"]
    known = {words: veil.words(words) for words in care["error"].dropna().unique()}
    was_answered = care["http_status"].notna() & (care["status"] != Status.INVALID)
    return care["error"].map(known).astype("string").mask(was_answered & care["error"].notna(), WITHHELD)


def _count_reasons(care: pd.DataFrame) -> Counter[tuple[str, int, str]]:
    """Count rows by status, HTTP status and words; most rows of a run that ended early have no words."""
    words = care["error"].astype(object)
    meanings = care["status"].map({status.value: text for status, text in MEANINGS.items()})
    answers = care["http_status"].fillna(0).astype("int64")
    return Counter(zip(care["status"], answers.tolist(), words.mask(words.isna(), meanings), strict=True))
