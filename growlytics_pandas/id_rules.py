"""The rules about ids, which need a look at the whole frame: which rows have one, and which share one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import is_scalar

from growlytics_pandas import contract, fixes, id_fixes, stringified
from growlytics_pandas.blocks import starts
from growlytics_pandas.cells import Mask, originals
from growlytics_pandas.identifiers import Groups, Ids, Keep, find_groups, fold, fold_all, hash_texts, unkept
from growlytics_pandas.inference import Kind
from growlytics_pandas.layout import Layout
from growlytics_pandas.rules import Rule, Severity
from growlytics_pandas.violations import Fix, Found


@dataclass(frozen=True, slots=True)
class IdCheck:
    """What was found about the ids, and the rows that are not sent for it."""

    findings: tuple[Found, ...]
    skipped: Mask
    skipped_by: Mapping[Rule, npt.NDArray[np.int64]]


def check_ids(frame: pd.DataFrame, layout: Layout) -> IdCheck:
    """Read all ids once, block by block; keep 16 bytes a row to find those that are the same or look so."""
    rows = len(frame)
    column = frame.iloc[:, layout.id_position]
    missing = np.ones(rows, dtype=bool)
    exact, folded = np.zeros(rows, dtype="uint64"), np.zeros(rows, dtype="uint64")
    reporter = _Reporter(frame, layout)
    for start, stop in starts(rows):
        ids = layout.read_ids(column.iloc[start:stop])
        missing[start:stop] = ids.missing
        exact[start:stop] = hash_texts(ids.texts)
        seen = fold_all(ids.texts)
        folded[start:stop] = exact[start:stop] if seen is ids.texts else hash_texts(seen)
        reporter.report_block(start, ids)
    present = ~missing
    groups = find_groups(exact, present, _fetcher(column, layout, str))
    alike = find_groups(folded, present, _fetcher(column, layout, fold))
    doubled = np.array(unkept(groups, layout.keep), dtype="int64")
    skipped = missing.copy()
    skipped[doubled] = True
    reporter.report_floats(told_once(reporter.count_floats(), int(present.sum())))
    reporter.report_duplicates(groups)
    reporter.report_alike(alike, exact)
    skipped_by = {Rule.ID_MISSING: np.flatnonzero(missing), Rule.ID_DUPLICATE: doubled}
    return IdCheck(tuple(reporter.findings), skipped, skipped_by)


@dataclass(frozen=True, slots=True)
class Told:
    """Rows of a part, and what a look at all parts tells of each."""

    rows: tuple[int, ...] = ()
    what: tuple[str, ...] = ()


def check_ids_of_part(
    frame: pd.DataFrame, layout: Layout, same: Told, alike: Told, once: Collection[Rule] = ()
) -> IdCheck:
    """Check the ids of a part.

    Which are the `same` or `alike` in other parts, and what is told `once` for all, has been found out before.
    """
    missing = np.ones(len(frame), dtype=bool)
    reporter = _Reporter(frame, layout)
    for start, stop in starts(len(frame)):
        ids = layout.read_ids(frame.iloc[start:stop, layout.id_position])
        missing[start:stop] = ids.missing
        reporter.report_block(start, ids)
    doubled = np.array(same.rows, dtype="int64")
    skipped = missing.copy()
    skipped[doubled] = True
    reporter.report_floats(once)
    reporter.tell_same(list(same.rows), same.what, id_fixes.KEEP_ONE)
    reporter.tell_alike(list(alike.rows), alike.what)
    skipped_by = {Rule.ID_MISSING: np.flatnonzero(missing), Rule.ID_DUPLICATE: doubled}
    return IdCheck(tuple(reporter.findings), skipped, skipped_by)


def floats_among(ids: Ids, kind: Kind) -> dict[Rule, list[int]]:
    """Return which ids of a block are whole floats, and which the text of one, of which there may be one a row."""
    found = {Rule.ID_FLOAT: [row for row in np.flatnonzero(ids.was_float).tolist() if "." not in ids.texts[row]]}
    if kind in _HOLD_TEXT:
        found[Rule.ID_STRINGIFIED] = np.flatnonzero(stringified.were_floats(ids.texts)).tolist()
    return found


def told_once(counts: Mapping[Rule, int], n_ids: int) -> frozenset[Rule]:
    """Return the rules that are told once for the whole column: nearly all of its ids break them."""
    return frozenset(rule for rule, count in counts.items() if count > 1 and count >= _NEARLY_ALL * n_ids)


def tell_same(groups: Groups, keep: Keep) -> list[tuple[int, str]]:
    """Return each row that `keep` leaves out, with what there is to say."""
    left_out = set(unkept(groups, keep))
    said = left_out_by(keep)
    pairs = [(row, rows) for rows in groups for row in rows if row in left_out]
    return [(row, f"{len(rows)} rows have this id, such as row {_other(row, rows)}{said}.") for row, rows in pairs]


def left_out_by(keep: Keep) -> str:
    """Return what to add of a row that shares its id, where the user has said which of them to send."""
    return "" if keep is False else f"; keep={keep!r} leaves this row out"


def tell_alike(row: int, other: int) -> tuple[int, str]:
    """Return a row whose id looks like that of another one, with what there is to say."""
    return row, (
        f"the id looks like that of row {other} but is another customer (case, form or invisible characters). "
        "Where they are one customer, give them one id."
    )


def _fetcher(
    column: pd.Series[Any], layout: Layout, change: Callable[[str], str]
) -> Callable[[npt.NDArray[np.int64]], list[str]]:
    def fetch(rows: npt.NDArray[np.int64]) -> list[str]:
        return list(map(change, layout.read_ids(column.iloc[rows]).texts))

    return fetch


_HOLD_TEXT: Final = (Kind.TEXT, Kind.MIXED)
_NAMED: Final = 3  # columns: enough to know where to look
_NEARLY_ALL: Final = 0.9  # share of the ids: what is true of so many has one cause, and rows would say no more


class _Reporter:
    """Turns masks and groups into findings about the id column."""

    def __init__(self, frame: pd.DataFrame, layout: Layout) -> None:
        self.findings: list[Found] = []
        self._frame = frame
        self._layout = layout
        self._column = frame.iloc[:, layout.id_position]
        self._floats: dict[Rule, list[int]] = {Rule.ID_FLOAT: [], Rule.ID_STRINGIFIED: []}

    def report_block(self, start: int, ids: Ids) -> None:
        self._no_id(start, ids)
        self._broken(start, ids)
        strip = self._assign("{}.map(lambda v: v.strip() if isinstance(v, str) else v)")
        self._masked(start, ids.stripped, Rule.ID_WHITESPACE, "white space around the id is stripped.", strip)
        self._stringified(start, ids)
        if ids.too_long.any():
            limit = contract.MAX_ID_CHARS
            rows = np.flatnonzero(ids.too_long)
            what = [
                f"the id has {contract.count_chars(ids.texts[r])} characters; the browser SDK allows {limit}."
                for r in rows.tolist()
            ]
            place = self._layout.id_position
            fix = [id_fixes.of_long_id(self._frame, place, limit, ids.texts[r]) for r in rows.tolist()]
            self._add(Rule.ID_TOO_LONG, (rows + start).tolist(), what, fix, limit)

    def _no_id(self, start: int, ids: Ids) -> None:
        rows = (np.flatnonzero(ids.missing) + start).tolist()
        values = originals(self._column.iloc[rows])
        what = list(map(_unusable, originals(self._layout.clean_ids(self._column.iloc[rows]))))
        samples = dict(zip(what, values, strict=True))  # one a kind: the line is the same for all of it
        lines = {said: id_fixes.of_no_id(self._frame, self._layout, value) for said, value in samples.items()}
        self._add(Rule.ID_MISSING, rows, what, [lines[said] for said in what])

    def _broken(self, start: int, ids: Ids) -> None:
        """Report floats that are no whole numbers, or not the ones they were."""
        floats = np.flatnonzero(ids.was_float).tolist()
        rows = [row + start for row in floats if "." in ids.texts[row]]
        line = id_fixes.of_float_id(self._frame, self._layout.id_position, is_whole=False)
        self._add(Rule.ID_FLOAT, rows, "the id is a float with a fraction.", line)
        lost = "the id is a float beyond 2^53: its last digits are lost already; read the column as text."
        again = f'# read the file again: df = pd.read_csv(path, dtype={{{self._layout.id_column!r}: "string"}})'
        self._masked(start, ids.rounded, Rule.INTEGER_UNSAFE, lost, again, contract.MAX_SAFE_INTEGER)

    def _stringified(self, start: int, ids: Ids) -> None:
        for rule, rows in floats_among(ids, self._layout.id_kind).items():
            self._floats[rule] += [row + start for row in rows]
        holds_text = self._layout.id_kind in _HOLD_TEXT
        gone = stringified.were_missing(ids.texts, stringified.MISSING_IDS) if holds_text else None
        if gone is not None:
            what = "the id is text that stands for nothing, such as 'nan', 'None' or 'NULL': perhaps there is none."
            fix = partial(stringified.without_ids, self._frame, self._layout.id_position)
            self._masked(start, gone, Rule.ID_STRINGIFIED, what, fix)

    def count_floats(self) -> Counter[Rule]:
        """Count the whole floats, and the texts of such, that were met."""
        return Counter({rule: len(rows) for rule, rows in self._floats.items()})

    def report_floats(self, once: Collection[Rule]) -> None:
        """Report whole floats, and the texts of such: one by one, or all together where that is to be `once`."""
        place, column = self._layout.id_position, self._layout.id_column
        lines = {
            Rule.ID_FLOAT: id_fixes.of_float_id(self._frame, place, is_whole=True),
            Rule.ID_STRINGIFIED: stringified.without_fraction(self._frame, place),
        }
        for rule, rows in self._floats.items():
            of_row, of_column = _FLOATS[rule]
            if rows and rule in once:
                self.findings.append(Found(rule, place, column, None, of_column, lines[rule], count=len(rows)))
            else:
                self._add(rule, rows, of_row, lines[rule])

    def report_duplicates(self, groups: Groups) -> None:
        told = tell_same(groups, self._layout.keep)
        if told:
            self.tell_same([row for row, _ in told], [what for _, what in told], self._keeping_one(groups))

    def _keeping_one(self, groups: Groups) -> str:
        """Return a line that leaves one row of each id, with what it drops and whether that holds anything else."""
        which: Literal["first", "last"] = "first" if self._layout.keep == "first" else "last"
        line = id_fixes.of_same_ids(self._frame, self._layout.id_position, groups)
        n_dropped = sum(map(len, groups)) - len(groups)
        remark = f"drops {n_dropped:,} row{'s' * (n_dropped != 1)}, keeps the {which} of each id"
        return fixes.remarked(line.replace('keep="last"', f'keep="{which}"'), remark + self._lost_by(groups, which))

    def _lost_by(self, groups: Groups, which: Literal["first", "last"]) -> str:
        """Say how many rows hold a value that the one of their id that is kept has not, and in which columns."""
        rows = [row for group in groups for row in group]
        group_of = np.repeat(np.arange(len(groups)), list(map(len, groups)))
        is_lost, columns = np.zeros(len(rows), dtype=bool), []
        for attribute in self._layout.attributes:
            codes = pd.Series(_codes(self._frame.iloc[rows, attribute.position]))
            differs = ((codes >= 0) & (codes != codes.groupby(group_of).transform(which))).to_numpy()
            is_lost |= differs
            columns += [repr(attribute.column)] if differs.any() else []
        if not columns:
            return ""
        named = ", ".join(columns[:_NAMED]) + (f" and {len(columns) - _NAMED} more" if len(columns) > _NAMED else "")
        return f" although {int(is_lost.sum()):,} of those dropped held other values, in {named}"

    def tell_same(self, rows: list[int], what: Sequence[str], fix: str) -> None:
        # Who says keep="first" has decided: the row is reported, and no reason to refuse the push.
        severity = None if self._layout.keep is False else Severity.WARNING
        self._add(Rule.ID_DUPLICATE, rows, what, fix, severity=severity)

    def report_alike(self, groups: Groups, exact: npt.NDArray[np.uint64]) -> None:
        differing = [rows for rows in groups if len(set(exact[rows].tolist())) > 1]
        told = [tell_alike(row, _differing(row, rows, exact)) for rows in differing for row in rows]
        self.tell_alike([row for row, _ in told], [what for _, what in told])

    def tell_alike(self, rows: list[int], what: Sequence[str]) -> None:
        if rows:
            values = originals(self._column.iloc[rows])
            lines = id_fixes.of_alike_ids(self._frame, self._layout, rows, values)
            self._add(Rule.ID_CASE_DUPLICATE, rows, what, lines)

    def _assign(self, change: str) -> str:
        return fixes.assignment(self._frame, self._layout.id_position, change)

    def _masked(self, start: int, mask: Mask, rule: Rule, what: str, fix: Fix, limit: object = None) -> None:
        self._add(rule, (np.flatnonzero(mask) + start).tolist(), what, fix, limit)

    def _add(
        self,
        rule: Rule,
        rows: list[int],
        what: str | Sequence[str],
        fix: Fix,
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
                    originals(self._column.iloc[rows]),
                    limit,
                    severity=severity,
                )
            )


_FLOATS: Final = {
    Rule.ID_FLOAT: (
        "the id is a float and is written without '.0'.",
        "float ids are written without '.0'.",
    ),
    Rule.ID_STRINGIFIED: (
        "the id is text that a float becomes, with '.0' at its end; without it, it is another customer.",
        "ids with '.0' at their end are text that floats become; without it, they are other customers.",
    ),
}
"""What there is to say of one row, and of the whole column."""


def _codes(cells: pd.Series[Any]) -> npt.NDArray[np.int64]:
    """Return a number for each distinct value, -1 for what is missing."""
    values = cells.astype(object)
    try:
        return pd.factorize(values)[0]
    except TypeError:  # lists and dicts
        return pd.factorize(values.map(repr, na_action="ignore"))[0]


def _unusable(value: Any) -> str:
    """Say why a value is no id."""
    if is_scalar(value) and pd.isna(value):
        return "there is no id; every customer needs one."
    if isinstance(value, str):
        if not value:
            return "the id is empty text; every customer needs one."
        found = "white space only" if not value.strip() else "not valid Unicode text"
        return f"the id is {found}; it must be text."
    found = "infinite" if isinstance(value, (float, Decimal)) else f"a {type(value).__name__}"
    return f"the id is {found}; it must be text or a number."


def _other(row: int, rows: list[int]) -> int:
    return rows[1] if row == rows[0] else rows[0]


def _differing(row: int, rows: list[int], exact: npt.NDArray[np.uint64]) -> int:
    return next(other for other in rows if exact[other] != exact[row])
