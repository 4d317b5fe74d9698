"""The rules about single values, checked block by block on the very values that would be sent."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from growlytics_pandas import contact_fixes, contract, fixes, name_fixes, stringified, value_fixes
from growlytics_pandas.blocks import Block, Column
from growlytics_pandas.cells import Mask, originals
from growlytics_pandas.contacts import Problem, invalid_emails, invalid_mobiles
from growlytics_pandas.conversion_fixes import read_as
from growlytics_pandas.fixes import Lines
from growlytics_pandas.identifiers import too_long
from growlytics_pandas.inference import TYPE_OF, AttributeType, Kind, family
from growlytics_pandas.layout import Attribute, Layout
from growlytics_pandas.rules import Rule
from growlytics_pandas.violations import Found


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
            self._contacts(Rule.MOBILE_INVALID, partial(invalid_mobiles, region=self._layout.region))
        elif values.type is AttributeType.STRING:
            self._stringified(values.values)
        over = self._block.over_budget.get(attribute.position)
        if over is not None:
            self._too_many(over)
        return self._findings

    def _converted(self, rule: Rule, mask: Mask) -> None:
        """Report what the conversion noted on the way."""
        attribute, wanted = self._column.attribute, self._column.values.type
        what, fix_of, limit = {
            Rule.VALUE_WRONG_TYPE: (self._wrong(mask), value_fixes.of_wrong_type, wanted.value),
            Rule.VALUE_NOT_FINITE: (
                "the value is infinite or beyond the range of a double; JSON has no infinity.",
                value_fixes.of_infinite,
                None,
            ),
            Rule.DATE_OUT_OF_RANGE: (
                "the year is outside 1 to 9999, which the format YYYY-MM-DD HH:MM:SS cannot write.",
                value_fixes.of_year,
                f"{contract.MIN_YEAR}-{contract.MAX_YEAR}",
            ),
            Rule.INTEGER_UNSAFE: (
                "the integer is beyond 2^53; JSON readers that use doubles round it. An id is better sent as text.",
                value_fixes.of_large_integer,
                contract.MAX_SAFE_INTEGER,
            ),
            Rule.DATE_TRUNCATED: (
                "the fraction of a second is cut off; the format ends with seconds.",
                value_fixes.of_fraction,
                "1 s",
            ),
        }[rule]
        self._report(rule, mask, what, partial(fix_of, self._frame, attribute), limit)

    def _wrong(self, mask: Mask) -> str | list[str]:
        """Say of each value whether it could become the type."""
        attribute, wanted = self._column.attribute, self._column.values.type
        if not attribute.strict or not mask.any():
            return _wrong(attribute, wanted)
        rows = np.flatnonzero(mask) + self._block.start
        cells = self._frame.iloc[rows, attribute.position]
        return [
            _wrong(attribute, wanted)
            if read_as(value, wanted, self._layout.zone) is None
            else _foreign(value, attribute, wanted)
            for value in cells
        ]

    def _long_text(self, texts: list[str]) -> None:
        limit = contract.MAX_VALUE_CHARS
        mask = too_long(texts, limit) & self._column.sent
        if mask.any():
            long = [texts[i] for i in np.flatnonzero(mask).tolist()]
            what = [
                f"the text has {contract.count_chars(text)} characters; another page of the docs allows {limit}."
                for text in long
            ]
            fix = value_fixes.of_long_text(self._frame, self._column.attribute, long)
            self._report(Rule.VALUE_TOO_LONG, mask, what, fix, limit)

    def _stringified(self, texts: list[str]) -> None:
        gone = stringified.were_missing(texts)
        if gone is not None:
            what = "the text stands for nothing, such as 'nan', 'None' or 'NULL'; it is sent like any other."
            fix = partial(stringified.without_values, self._frame, self._column.attribute.position)
            self._report(Rule.VALUE_STRINGIFIED, gone & self._column.sent, what, fix, None)

    def _contacts(self, rule: Rule, judge: Any) -> None:
        sent, texts = self._column.sent, self._column.values.values
        positions = np.flatnonzero(sent)
        problems: list[Problem] = judge(texts if sent.all() else [texts[p] for p in positions.tolist()])
        if problems:
            mask = np.zeros(len(self._column.sent), dtype=bool)
            mask[positions[[problem.position for problem in problems]]] = True
            name = self._column.attribute.name
            what = [f"not a plausible {_CONTACT[name]}: {problem.reason}." for problem in problems]
            self._report(
                rule,
                mask,
                what,
                partial(contact_fixes.of_bad_contact, self._frame, self._column.attribute, judge),
                self._layout.region if name == "mobile" else None,
            )

    def _too_many(self, over: Mask) -> None:
        limit = contract.MAX_CUSTOM_ATTRIBUTES
        what = f"the customer has more than {limit} custom attributes; those past the {limit}th are left out."
        fix = partial(fixes.emptied, self._frame, self._column.attribute.position)
        self._report(Rule.TOO_MANY_ATTRIBUTES, over, what, fix, limit)

    def _report(
        self, rule: Rule, mask: Mask, what: str | Sequence[str], fix: str | Callable[[list[int]], Lines], limit: object
    ) -> None:
        rows = (np.flatnonzero(mask) + self._block.start).tolist()
        values = originals(self._frame.iloc[rows, self._column.attribute.position])
        attribute = self._column.attribute
        lines = _lasting(self._frame, self._layout, attribute, fix)
        self._findings.append(
            Found(rule, attribute.position, attribute.column, attribute.name, what, lines, rows, values, limit)
        )


def _lasting(
    frame: pd.DataFrame, layout: Layout, attribute: Attribute, fix: str | Callable[[list[int]], Lines]
) -> Callable[[list[int]], Lines]:
    """Return a maker of lines that outlive those which rename the column.

    It waits until all blocks are checked, so it must not keep the block that it came from.
    """

    def make(rows: list[int]) -> Lines:
        return name_fixes.after_renaming(frame, layout, attribute, fix if isinstance(fix, str) else fix(rows))

    return make


_CONTACT = {"email": "e-mail address", "mobile": "phone number"}


def _wrong(attribute: Attribute, wanted: AttributeType) -> str:
    if wanted is AttributeType.STRING and attribute.kind is Kind.TEXT:
        return "the text is not valid Unicode: half a character, which cannot be sent."
    return f"the value is not a {wanted} and cannot become one{_READ_AS[wanted]}."


def _foreign(value: Any, attribute: Attribute, wanted: AttributeType) -> str:
    found = TYPE_OF.get(family(type(value)), AttributeType.STRING)
    return (
        f"{_MANY_OF[found]} among {_MANY_OF[wanted]}; push with types={{{attribute.column!r}: {wanted.value!r}}} to "
        "convert it, or paste the fix."
    )


_MANY_OF = {
    AttributeType.STRING: "text",
    AttributeType.NUMBER: "numbers",
    AttributeType.BOOLEAN: "booleans",
    AttributeType.DATE: "dates",
}
_READ_AS = {
    AttributeType.STRING: "",
    AttributeType.NUMBER: "; text is read as a number where it is like 12, -3.50 or 1e6",
    AttributeType.BOOLEAN: "; true/false, yes/no, on/off, 1/0 are read as one",
    AttributeType.DATE: "; text is read as a date where it is like 2026-01-31 or 2026-01-31 09:30:00+05:30",
}


def _empty_rows(frame: pd.DataFrame, layout: Layout, block: Block) -> list[Found]:
    """Rows with an id and no attribute: they create a bare customer."""
    has_any = np.zeros(len(block.ids.texts), dtype=bool)
    for each in block.columns:
        has_any |= each.sent
    rows = (np.flatnonzero(~has_any & ~block.ids.missing) + block.start).tolist()
    if not rows:
        return []
    asked = [attribute.position for attribute in layout.attributes]
    is_bare = frame.iloc[rows, asked].isna().all(axis=1).tolist()
    line = value_fixes.without_empty_rows(frame, layout) if block.columns else _NO_COLUMN
    said = {
        True: ("the row has an id and no attribute to send; it creates a bare customer.", line),
        False: (
            "the row has an id and, because of the other errors, no attribute to send; it creates a bare customer.",
            "# mend the other errors of this frame first: they leave this row nothing to send",
        ),
    }
    ids = frame.iloc[rows, layout.id_position].tolist()
    what, fix = [said[bare][0] for bare in is_bare], [said[bare][1] for bare in is_bare]
    return [Found(Rule.ROW_EMPTY, layout.id_position, layout.id_column, None, what, fix, rows, ids)]


_NO_COLUMN = "# no column of this frame can be sent: mend those that are left out, or add one"
