"""Words that mean a missing value: candidates of `na_values`, never applied unasked."""

from __future__ import annotations

from typing import Final

SURE_WORDS: Final = frozenset(
    {
        *("", "nan", "NaN", "None", "NaT", "<NA>", "null", "NULL", "N/A", "n/a", "#N/A", "undefined", "\\N"),
        *("(null)", "(blank)", "#REF!", "#VALUE!", "#DIV/0!", "#NUM!", "#NAME?", "#NULL!", "#NA", "-nan"),
        *("-", "--", "---", "–", "—", "?", "??", "."),
    }
)
"""What Python, SQL and spreadsheets write where there is nothing, and what no text of a column is: compared exactly."""

MISSING_WORDS: Final = frozenset(
    {
        *(word.casefold() for word in SURE_WORDS),
        *("na", "n.a.", "n.a", "n/d", "nil", "blank", "empty", "missing", "unknown", "not known", "no data"),
        *("tbd", "tba"),
        *("not available", "not applicable", "not provided", "(none)", "(empty)", "1.#ind", "1.#qnan", "-1.#ind"),
        *("0000-00-00", "0000-00-00 00:00:00", "00/00/0000", "00-00-0000", "00.00.0000"),
    }
)
"""What means missing among numbers, dates and yes/no, where it can mean nothing else: compared by `str.casefold`."""
