"""A violation as data: the rule, the column, the rows, and the parameters of its message."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from growlytics_pandas._rules import RULES, Rule, Severity

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that fired on one column: on some of its rows, or (`rows` None) on the column as a whole.

    Attributes
    ----------
    position : int
        Where the column is in the frame.
    rows : array of int64, optional
        0-based positions, ascending.
    details : sequence, optional
        What the message says of each row.
    count : int
        Cells concerned, of a whole column.
    lost : array of int64, optional
        Rows of a whole column whose value is not sent; None: all of them, or none where it is a warning.
    value : object
        The first value concerned, of a whole column.
    params : mapping
        What the message and the fix need; sets are united where blocks and parts are joined.
    variant : str
        Which of a rule's messages applies; '' where it has one only.
    severity : Severity, optional
        None: the rule's own.
    values, labels : sequence, optional
        The cells and the index labels of `rows`, kept where the frame will be gone.
    """

    rule: Rule
    position: int
    column: Hashable
    attribute: str | None
    rows: Rows | None = None
    details: Sequence[Any] | npt.NDArray[Any] | None = None
    count: int = 1
    lost: Rows | None = None
    value: Any = None
    limit: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)
    variant: str = ""
    severity: Severity | None = None
    values: Sequence[Any] | None = None
    labels: Sequence[Any] | None = None

    @property
    def level(self) -> Severity:
        """How grave it is."""
        return self.severity or RULES[self.rule].severity

    def __len__(self) -> int:
        return 1 if self.rows is None else len(self.rows)
