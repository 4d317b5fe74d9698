"""The rules about single values, checked block by block on the very values that would be sent."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas.blocks import Block, Column
from growlytics_pandas.cells import Mask
from growlytics_pandas.contacts import Problem, invalid_emails, invalid_mobiles
from growlytics_pandas.identifiers import too_long
from growlytics_pandas.inference import AttributeType
from growlytics_pandas.layout import Attribute, Layout
from growlytics_pandas.rules import Rule
from growlytics_pandas.violations import Found, assignment


def check_block(frame: pd.DataFrame, layout: Layout, block: Block) -> list[Found]:
    """Check the values of a block of rows."""
    findings: list[Found] = []
    for column in block.columns:
        checker = _Checker(frame, layout, block, column)
        findings += checker.check()
    return findings + _empty_rows(frame, layout, block)


class _Checker:
    """The checks of one column of a block."""

    def __init__(self, frame: pd.DataFrame, layout: Layout, block: Block, column: Column) -> None:
        self._frame = frame
        self._layout = layout
        self._block = block
        self._column = column
        self._findings: list[Found] = []

    def check(self) -> list[Found]:
        values, attribute = self._column.values, self._column.attribute
        for rule, mask in values.found.items():
            self._converted(rule, mask)
        if values.type is AttributeType.STRING:
            self._long_text(values.values)
        if attribute.name == "email":
            self._contacts(Rule.EMAIL_INVALID, invalid_emails)
        elif attribute.name == "mobile":
            self._contacts(Rule.MOBILE_INVALID, lambda texts: invalid_mobiles(texts, self._layout.region))
        over = self._block.over_budget.get(attribute.position)
        if over is not None:
            self._too_many(over)
        return self._findings

    def _converted(self, rule: Rule, mask: Mask) -> None:
        """Report what the conversion noted on the way."""
        wanted = self._column.values.type
        what, change, limit = {
            Rule.VALUE_WRONG_TYPE: (
                f"the value is not a {wanted} and cannot become one.",
                _COERCED[wanted],
                wanted.value,
            ),
            Rule.VALUE_NOT_FINITE: (
                "the value is infinite or beyond the range of a double; JSON has no infinity.",
                "{}.replace([float('inf'), float('-inf')], float('nan'))",
                None,
            ),
            Rule.DATE_OUT_OF_RANGE: (
                "the year is outside 1 to 9999, which the format YYYY-MM-DD HH:MM:SS cannot write.",
                "{}.where({} < '9999-12-31')",
                f"{contract.MIN_YEAR}-{contract.MAX_YEAR}",
            ),
            Rule.INTEGER_UNSAFE: (
                "the integer is beyond 2^53; JSON readers that use doubles round it. An id is better sent as text.",
                '{}.astype("string")',
                contract.MAX_SAFE_INTEGER,
            ),
            Rule.DATE_TRUNCATED: (
                "the fraction of a second is cut off; the format ends with seconds.",
                '{}.dt.floor("s")',
                "1 s",
            ),
        }[rule]
        self._add(rule, mask, what, change, limit)

    def _long_text(self, texts: list[str]) -> None:
        limit = contract.MAX_VALUE_CHARS
        mask = too_long(texts, limit) & self._column.sent
        if mask.any():
            what = [
                f"the text has {contract.count_chars(texts[i])} characters; another page of the docs allows {limit}."
                for i in np.flatnonzero(mask).tolist()
            ]
            self._add(Rule.VALUE_TOO_LONG, mask, what, f"{{}}.str.slice(0, {limit})", limit)

    def _contacts(self, rule: Rule, judge: Any) -> None:
        positions = np.flatnonzero(self._column.sent)
        texts = self._column.values.values
        problems: list[Problem] = judge([texts[p] for p in positions.tolist()])
        if problems:
            mask = np.zeros(len(self._column.sent), dtype=bool)
            mask[positions[[problem.position for problem in problems]]] = True
            name = self._column.attribute.name
            what = [f"not a plausible {_CONTACT[name]}: {problem.reason}." for problem in problems]
            place = self._column.attribute.position
            fix = [f"df.iloc[{row}, {place}] = None" for row in (np.flatnonzero(mask) + self._block.start).tolist()]
            self._report(rule, mask, what, fix, self._layout.region if name == "mobile" else None)

    def _too_many(self, over: Mask) -> None:
        limit = contract.MAX_CUSTOM_ATTRIBUTES
        what = f"the customer has more than {limit} custom attributes; those past the {limit}th are left out."
        column = self._column.attribute.column
        self._report(Rule.TOO_MANY_ATTRIBUTES, over, what, f"df = df.drop(columns={[column]!r})", limit)

    def _add(self, rule: Rule, mask: Mask, what: str | Sequence[str], change: str, limit: object) -> None:
        self._report(rule, mask, what, assignment(self._frame, self._column.attribute.position, change), limit)

    def _report(
        self, rule: Rule, mask: Mask, what: str | Sequence[str], fix: str | Sequence[str], limit: object
    ) -> None:
        rows = (np.flatnonzero(mask) + self._block.start).tolist()
        values = _originals(self._frame, self._column.attribute, rows)
        attribute = self._column.attribute
        self._findings.append(
            Found(rule, attribute.position, attribute.column, attribute.name, what, fix, rows, values, limit)
        )


_CONTACT = {"email": "e-mail address", "mobile": "phone number"}
_COERCED = {
    AttributeType.STRING: "{}.map(str, na_action='ignore')",
    AttributeType.NUMBER: 'pd.to_numeric({}, errors="coerce")',
    AttributeType.BOOLEAN: '{}.where({}.isin([True, False])).astype("boolean")',
    AttributeType.DATE: 'pd.to_datetime({}, errors="coerce")',
}


def _originals(frame: pd.DataFrame, attribute: Attribute, rows: list[int]) -> list[Any]:
    """Return cells as they are; as text where Python has no such date, which Arrow may hold."""
    column = frame.iloc[:, attribute.position].iloc[rows]
    try:
        return column.tolist()
    except (OverflowError, ValueError):
        return column.astype("str").tolist()


def _empty_rows(frame: pd.DataFrame, layout: Layout, block: Block) -> list[Found]:
    """Rows with an id and no attribute: they create a bare customer."""
    has_any = np.zeros(len(block.ids.texts), dtype=bool)
    for each in block.columns:
        has_any |= each.sent
    rows = (np.flatnonzero(~has_any & ~block.ids.missing) + block.start).tolist()
    if not rows:
        return []
    what = "the row has an id and no attribute to send; it creates a bare customer."
    column = layout.id_column
    fix = f"df = df[df.drop(columns={[column]!r}).notna().any(axis=1)]"
    ids = frame.iloc[rows, layout.id_position].tolist()
    return [Found(Rule.ROW_EMPTY, layout.id_position, column, None, what, fix, rows, ids)]
