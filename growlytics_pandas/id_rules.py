"""The rules about ids, which need a look at the whole frame: which rows have one, and which share one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas.blocks import starts
from growlytics_pandas.cells import Mask
from growlytics_pandas.identifiers import Groups, Ids, find_groups, fold, hash_texts, read_ids, unkept
from growlytics_pandas.inference import Kind
from growlytics_pandas.layout import Layout
from growlytics_pandas.rules import Rule, Severity
from growlytics_pandas.violations import Found, assignment


_WHOLE: Final = '{}.astype("Int64").astype("string")'
_WHOLE_IN_MIXTURE: Final = "{}.map(lambda id: str(int(id)) if isinstance(id, float) and id == id else id)"


@dataclass(frozen=True, slots=True)
class IdCheck:
    """What was found about the ids, and the rows that are not sent for it."""

    findings: tuple[Found, ...]
    skipped: Mask


def check_ids(frame: pd.DataFrame, layout: Layout) -> IdCheck:
    """Read all ids once, block by block; keep 16 bytes a row to find those that are the same or look so."""
    rows = len(frame)
    column = frame.iloc[:, layout.id_position]
    missing = np.ones(rows, dtype=bool)
    exact, folded = np.zeros(rows, dtype="uint64"), np.zeros(rows, dtype="uint64")
    reporter = _Reporter(frame, layout)
    for start, stop in starts(rows):
        ids = read_ids(column.iloc[start:stop], layout.id_kind, layout.zone)
        missing[start:stop] = ids.missing
        exact[start:stop] = hash_texts(ids.texts)
        folded[start:stop] = hash_texts(list(map(fold, ids.texts)))
        reporter.report_block(start, ids)
    present = ~missing
    groups = find_groups(exact, present, _fetcher(column, layout, str))
    alike = find_groups(folded, present, _fetcher(column, layout, fold))
    skipped = missing.copy()
    skipped[unkept(groups, layout.keep)] = True
    reporter.report_duplicates(groups)
    reporter.report_alike(alike, exact)
    return IdCheck(tuple(reporter.findings), skipped)


def _fetcher(
    column: pd.Series[Any], layout: Layout, change: Callable[[str], str]
) -> Callable[[npt.NDArray[np.int64]], list[str]]:
    def fetch(rows: npt.NDArray[np.int64]) -> list[str]:
        return list(map(change, read_ids(column.iloc[rows], layout.id_kind, layout.zone).texts))

    return fetch


class _Reporter:
    """Turns masks and groups into findings about the id column."""

    def __init__(self, frame: pd.DataFrame, layout: Layout) -> None:
        self.findings: list[Found] = []
        self._frame = frame
        self._layout = layout
        self._column = frame.iloc[:, layout.id_position]

    def report_block(self, start: int, ids: Ids) -> None:
        column = f"df[{self._layout.id_column!r}]"
        limit = contract.MAX_ID_CHARS
        self._masked(start, ids.missing, Rule.ID_MISSING, "no usable id.", f"df = df[{column}.notna()]")
        self._masked(
            start,
            ids.stripped,
            Rule.ID_WHITESPACE,
            "white space around the id is stripped.",
            self._assign("{}.str.strip()"),
        )
        self._masked(
            start,
            ids.was_float,
            Rule.ID_FLOAT,
            "the id is a float and is written without '.0'.",
            self._assign(_WHOLE if self._layout.id_kind is Kind.FLOAT else _WHOLE_IN_MIXTURE),
        )
        self._masked(
            start,
            ids.rounded,
            Rule.INTEGER_UNSAFE,
            "the id is a float beyond 2^53: its last digits are lost already; read the column as text.",
            self._assign('{}.astype("string")'),
            contract.MAX_SAFE_INTEGER,
        )
        if ids.too_long.any():
            rows = np.flatnonzero(ids.too_long)
            what = [
                f"the id has {contract.count_chars(ids.texts[r])} characters; the browser SDK allows {limit}."
                for r in rows.tolist()
            ]
            self._add(Rule.ID_TOO_LONG, (rows + start).tolist(), what, f"df = df[{column}.str.len() <= {limit}]", limit)

    def report_duplicates(self, groups: Groups) -> None:
        left_out = set(unkept(groups, self._layout.keep))
        pairs = [(row, rows) for rows in groups for row in rows if row in left_out]
        keep, column = self._layout.keep, self._layout.id_column
        said = "" if keep is False else f"; keep={keep!r} leaves this row out"
        what = [f"{len(rows)} rows have this id, such as row {_other(row, rows)}{said}." for row, rows in pairs]
        fix = f'df = df.drop_duplicates({[column]!r}, keep="last")'
        # Who says keep="first" has decided: the row is reported, and no reason to refuse the push.
        severity = None if keep is False else Severity.WARNING
        self._add(Rule.ID_DUPLICATE, [row for row, _ in pairs], what, fix, severity=severity)

    def report_alike(self, groups: Groups, exact: npt.NDArray[np.uint64]) -> None:
        differing = [rows for rows in groups if len(set(exact[rows].tolist())) > 1]
        pairs = [(row, rows) for rows in differing for row in rows]
        what = [
            f"the id looks like that of row {_differing(row, rows, exact)} but is another customer (case, form or "
            "invisible characters)."
            for row, rows in pairs
        ]
        self._add(Rule.ID_CASE_DUPLICATE, [row for row, _ in pairs], what, self._assign("{}.str.strip().str.lower()"))

    def _assign(self, change: str) -> str:
        return assignment(self._frame, self._layout.id_position, change)

    def _masked(self, start: int, mask: Mask, rule: Rule, what: str, fix: str, limit: object = None) -> None:
        self._add(rule, (np.flatnonzero(mask) + start).tolist(), what, fix, limit)

    def _add(
        self,
        rule: Rule,
        rows: list[int],
        what: str | Sequence[str],
        fix: str,
        limit: object = None,
        severity: Severity | None = None,
    ) -> None:
        if rows:
            self.findings.append(
                Found(
                    rule,
                    self._layout.id_position,
                    self._layout.id_column,
                    None,
                    what,
                    fix,
                    rows,
                    self._column.iloc[rows].tolist(),
                    limit,
                    severity=severity,
                )
            )


def _other(row: int, rows: list[int]) -> int:
    return rows[1] if row == rows[0] else rows[0]


def _differing(row: int, rows: list[int], exact: npt.NDArray[np.uint64]) -> int:
    return next(other for other in rows if exact[other] != exact[row])
