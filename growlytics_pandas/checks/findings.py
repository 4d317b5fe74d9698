"""All violations of a frame or of its parts, and their DataFrame.

They are stored by column, in a few tens of bytes per violation, until the DataFrame is requested.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas._masking import printable, printable_labels, storable
from growlytics_pandas._rules import Group, Rule, Severity
from growlytics_pandas.checks.violations import Violation, fix_of, message_text
from growlytics_pandas.columns.dtypes import Rows, originals

DTYPES: Final = MappingProxyType(
    {
        "row": "Int64",
        "index": "object",
        "column": "object",
        "attribute": "str",
        "rule": "str",
        "severity": "str",
        "effect": "str",
        "value": "object",
        "limit": "object",
        "count": "int64",
        "message": "str",
        "fix": "str",
    }
)
"""The columns of a violations frame and their dtypes ("str" is pandas 3's text, and object before it)."""


class Findings:
    """All violations of a frame, or of parts of one.

    Parameters
    ----------
    violations : iterable of Violation
        Those with the same rule, column and variant are joined. They are kept in the order in which frames, reports
        and the command line list them: errors first, then by position of the column, then by first row.
    frame : DataFrame, optional
        Source of values and labels; None if each violation has its own.
    label : str
        Name of row labels in messages, such as "line"; '' to show only the position.
    drops_errors : bool
        Whether ``errors="drop"`` is used, so that no fix suggests it.
    """

    def __init__(
        self,
        violations: Iterable[Violation],
        frame: pd.DataFrame | None = None,
        *,
        label: str = "",
        drops_errors: bool = False,
    ) -> None:
        self.violations: tuple[Violation, ...] = tuple(sorted(_merge_alike(violations), key=_sort_key))
        self._frame = frame
        self._label = label
        self.drops_errors = drops_errors

    def __len__(self) -> int:
        return sum(map(len, self.violations))

    def count(self, severity: Severity) -> int:
        """Return the number of violations with a severity."""
        return sum(len(each) for each in self.violations if each.level is severity)

    @property
    def has_errors(self) -> bool:
        """Return whether any value would be rejected."""
        return any(each.level is Severity.ERROR for each in self.violations)

    def dropping(self) -> Findings:
        """Return the violations of a push with ``errors="drop"``."""
        return Findings(self.violations, self._frame, label=self._label, drops_errors=True)

    def left_out(self) -> list[Violation]:
        """Return the duplicates that ``keep=`` leaves out on request."""
        return [each for each in self.violations if each.rule is Rule.ID_DUPLICATE and each.level is Severity.WARNING]

    def error_rows(self) -> tuple[bool, Rows]:
        """Return whether an error concerns a whole column, and the rows with errors."""
        errors = [each for each in self.violations if each.level is Severity.ERROR]
        rows = [each.lost if each.rows is None else each.rows for each in errors]
        known = [each for each in rows if each is not None]
        return len(known) < len(rows), np.unique(np.concatenate(known or [_NO_ROWS]))

    def rules(self) -> dict[str, int]:
        """Return rule → number of violations, most common first."""
        counts: Counter[str] = Counter()
        for each in self.violations:
            counts[each.rule.value] += len(each)
        return dict(counts.most_common())

    def groups(self) -> list[Group]:
        """Return the violations by rule and column, in order."""
        return [self._group(each) for each in self.violations]

    def detach(self, first_row: int) -> Findings:
        """Return the violations of a part with their values and labels, and with row numbers of the whole."""
        frame = self._frame
        if frame is None:
            return self
        return Findings(
            replace(
                each,
                rows=None if each.rows is None else each.rows + first_row,
                lost=None if each.lost is None else each.lost + first_row,
                values=_values_of(each, frame),
                labels=_labels_of(each, frame),
            )
            for each in self.violations
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the violations frame: errors first, then by column and row."""
        order = self._order()
        return pd.DataFrame({name: _series(self._column(name), dtype, order) for name, dtype in DTYPES.items()})

    def _order(self) -> Rows:
        """Return the order of the rows of all violations; those of one column and severity are merged by row."""
        rows = [np.array([-1]) if each.rows is None else each.rows for each in self.violations]
        columns = [_sort_key(each)[:2] for each in self.violations]
        ranks = [sorted(set(columns)).index(each) for each in columns]
        lengths = list(map(len, self.violations))
        return np.lexsort((np.concatenate(rows or [_NO_ROWS]), np.repeat(ranks, lengths)))

    def _column(self, name: str) -> Iterator[Any]:
        for each in self.violations:
            yield from self._cells(name, each)

    def _cells(self, name: str, violation: Violation) -> Sequence[Any]:
        if name == "row":
            return [None] if violation.rows is None else violation.rows.tolist()
        if name == "index":
            return _labels_of(violation, self._frame)
        if name == "value":
            return _values_of(violation, self._frame)
        if name == "message":
            return self._messages(violation)
        return [_OF_ALL[name](violation) if name != "fix" else self.fix_text(violation)] * len(violation)

    def fix_text(self, violation: Violation) -> str:
        """Return the text of a violation's fix."""
        fix = fix_of(violation)
        return storable(fix.if_used if self.drops_errors and fix.option == "errors" else str(fix))

    def _messages(self, violation: Violation) -> list[str]:
        column = f"column {violation.column!r}: "
        if violation.rows is None:
            return [storable(column + message_text(violation, None))]
        rows = [f"row {row:,}" for row in violation.rows.tolist()]
        if self._label:
            labels = _labels_of(violation, self._frame)
            lines = [f"{label:,}" if isinstance(label, int) else str(label) for label in labels]
            rows = [f"{row} ({self._label} {line})" for row, line in zip(rows, lines, strict=False)]
        details = violation.details
        if details is None:
            text = storable(f", {column}{message_text(violation, None)}")
            return [row + text for row in rows]
        return [
            storable(f"{row}, {column}{message_text(violation, detail)}")
            for row, detail in zip(rows, detail_list(details), strict=False)
        ]

    def _group(self, violation: Violation) -> Group:
        first = violation if violation.rows is None else replace(violation, rows=violation.rows[:1])
        detail = None if first.rows is None or first.details is None else detail_list(first.details)[0]
        return Group(
            violation.rule,
            violation.level,
            violation.effect,
            violation.column,
            violation.attribute,
            violations=len(violation),
            cells=violation.count if violation.rows is None else len(violation),
            row=None if first.rows is None else int(first.rows[0]),
            value=_values_of(first, self._frame)[0],
            message=self._messages(first)[0],
            finding=storable(message_text(first, detail)),
            fix=self.fix_text(violation),
            others=_other_reasons(violation.details, detail) if violation.rule in _WITH_REASONS else "",
        )


def _other_reasons(reasons: Sequence[Any] | npt.NDArray[Any] | None, first: Any) -> str:
    """Return the most common reasons except the first one, each with the number of values."""
    counts = Counter(() if reasons is None else detail_list(reasons))
    del counts[first]
    more = f", +{len(counts) - _SHOWN_REASONS} more" if len(counts) > _SHOWN_REASONS else ""
    return ", ".join(f"{reason} ({count:,})" for reason, count in counts.most_common(_SHOWN_REASONS)) + more


_WITH_REASONS: Final = (Rule.EMAIL_INVALID, Rule.MOBILE_INVALID)
_SHOWN_REASONS: Final = 3

_RANKS: Final = {rule: rank for rank, rule in enumerate(Rule)}
_NO_ROWS: Final = np.empty(0, dtype="int64")


def _sort_key(violation: Violation) -> tuple[bool, int, int, int, str]:
    """Return the sort key of a violation."""
    first = -1 if violation.rows is None else int(violation.rows[0])
    is_error = violation.level is Severity.ERROR
    return not is_error, violation.position, first, _RANKS[violation.rule], violation.variant


def _merge_alike(violations: Iterable[Violation]) -> Iterator[Violation]:
    """Join the violations of blocks and parts by rule, column and variant."""
    alike: dict[tuple[Any, ...], list[Violation]] = {}
    for each in violations:
        alike.setdefault((each.rule, each.position, each.variant, each.rows is None), []).append(each)
    for group in alike.values():
        yield group[0] if len(group) == 1 else _merge(group)


def _merge(group: list[Violation]) -> Violation:
    first = group[0]
    names = dict.fromkeys(name for each in group for name in each.params)
    params = {name: _united([each.params[name] for each in group if name in each.params]) for name in names}
    if first.rows is None:
        count, lost = sum(each.count for each in group), _concatenated([each.lost for each in group])
        return replace(first, count=count, lost=lost, params=params)
    return replace(
        first,
        params=params,
        rows=np.concatenate([each.rows for each in group if each.rows is not None]),
        details=_concatenated([each.details for each in group]),
        values=_concatenated([each.values for each in group]),
        labels=_concatenated([each.labels for each in group]),
    )


def _united(values: list[Any]) -> Any:
    return frozenset().union(*values) if isinstance(values[0], frozenset) else values[0]


def _concatenated(parts: list[Any]) -> Any:
    if parts[0] is None:
        return None
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    return [item for part in parts for item in part]


def _series(items: Iterable[Any], dtype: str, order: Rows) -> pd.Series[Any]:
    array = np.empty(len(order), dtype=object)  # filled one by one, so that lists and tuples stay single cells
    for i, item in enumerate(items):
        array[i] = item
    array = array[order]
    return pd.Series(array, dtype=object) if dtype == "object" else pd.Series(array.tolist(), dtype=dtype)


def _labels_of(violation: Violation, frame: pd.DataFrame | None) -> Sequence[Any]:
    if violation.rows is None:
        return [None]
    if violation.labels is not None or frame is None:
        return violation.labels or []
    return printable_labels(frame.index.take(violation.rows)).tolist()


def _values_of(violation: Violation, frame: pd.DataFrame | None) -> Sequence[Any]:
    if violation.rows is None:
        return [printable(violation.value)]
    if violation.values is not None or frame is None:
        return violation.values or []
    return list(map(printable, originals(frame.iloc[violation.rows, violation.position])))


def detail_list(details: Sequence[Any] | npt.NDArray[Any]) -> Sequence[Any]:
    """Return the details of a violation as Python's own objects."""
    return details.tolist() if isinstance(details, np.ndarray) else details


_OF_ALL: Final[Mapping[str, Callable[[Violation], Any]]] = {
    "column": lambda each: each.column,
    "attribute": lambda each: None if each.attribute is None else storable(each.attribute),
    "rule": lambda each: each.rule.value,
    "severity": lambda each: each.level.value,
    "effect": lambda each: each.effect.value,
    "limit": lambda each: each.limit,
    "count": lambda each: each.count,
}
"""The columns with the same value for all rows of a violation."""
