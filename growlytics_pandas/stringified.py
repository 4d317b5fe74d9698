"""Text that a conversion to text left behind: the "nan" of a missing value, the "1001.0" of a float.

``astype(str)``, ``map(str)`` and f-strings make both, and nothing tells them from what somebody meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from growlytics_pandas.cells import Mask
from growlytics_pandas.fixes import Lines, assignment, column, emptied, remarked

MISSING_TEXTS: Final = frozenset({"nan", "NaN", "None", "NaT", "<NA>", "null", "NULL", "N/A", "n/a", "#N/A"})
"""What Python, JSON, SQL and spreadsheets write where there is nothing."""
MISSING_IDS: Final = MISSING_TEXTS | {"NA", "undefined"}
"""Such a value may be meant (NA is Namibia), such an id hardly."""


def were_missing(texts: Sequence[str], among: frozenset[str] = MISSING_TEXTS) -> Mask | None:
    """Which texts are those of missing values; None where none is.

    Examples
    --------
    >>> were_missing(["Pune", "nan"]), were_missing(["Pune", "Nandi"])
    (array([False,  True]), None)
    """
    if among.isdisjoint(texts):  # the common case, and it takes no more than a look at each
        return None
    return np.fromiter(map(among.__contains__, texts), dtype=bool, count=len(texts))


def were_floats(texts: Sequence[str]) -> Mask:
    """Which texts are those of whole floats.

    Examples
    --------
    >>> were_floats(["1001.0", "1001", "v1.0", "1.2.0"])
    array([ True, False, False, False])
    """
    found = (text.endswith(".0") and text[:-2].isdecimal() for text in texts)
    return np.fromiter(found, dtype=bool, count=len(texts))


def without_ids(frame: pd.DataFrame, position: int, rows: list[int]) -> str:
    """Return a line that drops the rows whose ids are the text of a missing value."""
    texts = {text for text in frame.iloc[rows, position] if isinstance(text, str)}
    listed = sorted(texts | {text.strip() for text in texts})
    line = f"df = df[~{column(frame, position)}.isin({listed})]"
    return remarked(line, f"drops {len(rows):,} row{'s' * (len(rows) != 1)}, if these are no ids")


def without_fraction(frame: pd.DataFrame, position: int) -> str:
    """Return a line that takes the ".0" from ids."""
    is_one = 'isinstance(v, str) and v.strip()[-2:] == ".0" and v.strip()[:-2].isdecimal()'
    line = assignment(frame, position, f"{{}}.map(lambda v: v.strip()[:-2] if {is_one} else v)")
    return remarked(line, "ids may be the same by then: validate again")


def without_values(frame: pd.DataFrame, position: int, rows: list[int]) -> Lines:
    """Return a line that empties the cells of a column that are the text of a missing value."""
    found = sorted(set(frame.iloc[rows, position]))
    here = "{}.astype(object)" if isinstance(frame.dtypes.iloc[position], pd.ArrowDtype) else "{}"
    return emptied(frame, position, rows, condition=f"{here}.isin({found})")  # it may be one of numbers by then
