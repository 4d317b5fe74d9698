"""The rules about single values, checked block by block on the very values that would be sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas._rules import Rule
from growlytics_pandas.checks.chunks import Block, Column
from growlytics_pandas.checks.schema import Schema
from growlytics_pandas.checks.texts import CONTACTS, DistinctTexts, PlainTexts, find_in, screen
from growlytics_pandas.checks.violations import Violation
from growlytics_pandas.columns.contacts import Problem, invalid_emails, invalid_mobiles
from growlytics_pandas.columns.convert import as_boolean, as_date, as_number
from growlytics_pandas.columns.dtypes import TYPE_OF, AttributeType, Kind, Mask, absent, family, originals

_LIMITS: Final[Mapping[Rule, Any]] = {
    Rule.DATE_OUT_OF_RANGE: f"{contract.MIN_YEAR}-{contract.MAX_YEAR}",
    Rule.INTEGER_UNSAFE: contract.MAX_SAFE_INTEGER,
    Rule.DATE_TRUNCATED: "1 s",
}
_OF_COLUMN: Final = frozenset({Rule.INTEGER_UNSAFE, Rule.DATE_TRUNCATED})
"""What the conversion finds and is a property of the column: reported once, with a count."""


Screens = Mapping[int, DistinctTexts | PlainTexts]
"""Position → a column of text that was looked at as a whole."""
NO_SCREENS: Final[Screens] = MappingProxyType({})


def screen_columns(frame: pd.DataFrame, layout: Schema, dropped: frozenset[int]) -> Screens:
    """Look at the columns of text that are sent as they are, each as a whole."""
    found = {
        attribute.position: screen(frame.iloc[:, attribute.position], attribute.name, layout.region)
        for attribute in layout.attributes
        if attribute.kind is Kind.TEXT
        and attribute.type is AttributeType.STRING
        and not attribute.reading.cleans
        and attribute.position not in dropped
    }
    if isinstance(found.get(layout.id_position), DistinctTexts):
        del found[layout.id_position]  # ids are sent without the white space around them
    return {position: one for position, one in found.items() if one is not None}


def settled_columns(layout: Schema, screens: Screens) -> Screens:
    """Return the screened columns whose texts no check needs: no contacts, or contacts that are plainly valid."""
    contacts = {attribute.position for attribute in layout.attributes if attribute.name in CONTACTS}
    return {place: one for place, one in screens.items() if one.is_contact or place not in contacts}


def check_block(frame: pd.DataFrame, layout: Schema, block: Block, screens: Screens = NO_SCREENS) -> list[Violation]:
    """Check the values of a block of rows."""
    violations: list[Violation] = []
    for column in block.columns:
        screened = screens.get(column.attribute.position)
        violations += _ColumnCheck(frame, layout, block, column, screened).run()
    return violations + _empty_rows(frame, layout, block)


class _ColumnCheck:
    """The checks of one column of a block."""

    def __init__(
        self,
        frame: pd.DataFrame,
        layout: Schema,
        block: Block,
        column: Column,
        screened: DistinctTexts | PlainTexts | None,
    ) -> None:
        self._frame, self._layout, self._block, self._column = frame, layout, block, column
        self._screened = screened

    def run(self) -> Iterator[Violation]:
        values, attribute = self._column.values, self._column.attribute
        for rule, mask in values.found.items():
            yield from self._converted(rule, mask)
        if values.type is AttributeType.STRING:
            yield from self._texts()
        if self._screened is not None and self._screened.is_contact:
            pass
        elif attribute.name == "email":
            yield from self._contacts(Rule.EMAIL_INVALID, invalid_emails)
        elif attribute.name == "mobile":
            yield from self._contacts(Rule.MOBILE_INVALID, partial(invalid_mobiles, region=self._layout.region))
        over = self._block.over_budget.get(attribute.position)
        if over is not None:
            lost = np.flatnonzero(over) + self._block.start
            yield replace(self._once(Rule.TOO_MANY_ATTRIBUTES, over, limit=contract.MAX_CUSTOM_ATTRIBUTES), lost=lost)

    def _converted(self, rule: Rule, mask: Mask) -> Iterator[Violation]:
        """Report what the conversion noted on the way."""
        limit = self._column.values.type.value if rule is Rule.VALUE_WRONG_TYPE else _LIMITS.get(rule)
        if rule in _OF_COLUMN:
            is_float = rule is Rule.INTEGER_UNSAFE and self._column.attribute.kind is Kind.FLOAT
            yield self._once(rule, mask, variant="float" if is_float else "", limit=limit)
        elif rule is Rule.VALUE_WRONG_TYPE:
            yield from self._wrong(mask, limit)
        else:
            yield self._by_row(rule, mask, limit=limit)

    def _wrong(self, mask: Mask, limit: Any) -> Iterator[Violation]:
        attribute, wanted = self._column.attribute, self._column.values.type
        if wanted is AttributeType.STRING and attribute.kind is Kind.TEXT:
            yield self._by_row(Rule.VALUE_WRONG_TYPE, mask, variant="unicode", limit=limit)
            return
        foreign = self._foreign(mask) if attribute.strict else np.zeros_like(mask)
        if foreign.any():
            cells = self._frame.iloc[np.flatnonzero(foreign) + self._block.start, attribute.position]
            details = [_A_VALUE_OF[TYPE_OF.get(family(type(value)), AttributeType.STRING)] for value in cells]
            yield self._by_row(Rule.VALUE_WRONG_TYPE, foreign, variant="foreign", limit=limit, details=details)
        if (mask & ~foreign).any():
            yield self._by_row(Rule.VALUE_WRONG_TYPE, mask & ~foreign, limit=limit)

    def _foreign(self, mask: Mask) -> Mask:
        """Which cells of a mixture are of another type, and could be converted to the column's."""
        read, found = _READERS[self._column.values.type], np.zeros_like(mask)
        places = np.flatnonzero(mask)
        cells = self._frame.iloc[places + self._block.start, self._column.attribute.position]
        found[places] = [read(value, self._layout.zone) is not None for value in cells]
        return found

    def _texts(self) -> Iterator[Violation]:
        """Report texts that are too long or odd; numbers made text are only measured."""
        start, attribute = self._block.start, self._column.attribute
        if self._screened is not None:
            findings = self._screened.find(start, start + len(self._block.ids.texts))
        else:
            findings = find_in(self._column.values.values, is_odd=attribute.kind in (Kind.TEXT, Kind.MIXED))
        for found in findings:
            mask = found.mask & self._column.sent
            if not mask.any() or (found.rule is Rule.VALUE_STRINGIFIED and attribute.name in CONTACTS):
                continue  # the own check of contacts reports words that are none
            if found.rule is Rule.VALUE_TOO_LONG:
                chars = np.array(list(map(contract.count_chars, found.texts(mask))))
                yield self._by_row(found.rule, mask, limit=contract.MAX_VALUE_CHARS, details=chars)
            elif found.rule is Rule.VALUE_STRINGIFIED:
                yield self._once(found.rule, mask, words=frozenset(found.texts(mask)))
            else:
                yield self._once(found.rule, mask)

    def _contacts(self, rule: Rule, judge: Any) -> Iterator[Violation]:
        sent, texts = self._column.sent, self._column.values.values
        positions = np.flatnonzero(sent)
        problems: list[Problem] = judge(texts if sent.all() else [texts[p] for p in positions.tolist()])
        if problems:
            mask = np.zeros(len(sent), dtype=bool)
            mask[positions[[problem.position for problem in problems]]] = True
            limit = self._layout.region if rule is Rule.MOBILE_INVALID else None
            yield self._by_row(rule, mask, limit=limit, details=[problem.reason for problem in problems])

    def _by_row(self, rule: Rule, mask: Mask, **more: Any) -> Violation:
        attribute, rows = self._column.attribute, np.flatnonzero(mask) + self._block.start
        return Violation(rule, attribute.position, attribute.column, attribute.name, rows=rows, **more)

    def _once(self, rule: Rule, mask: Mask, *, variant: str = "", limit: Any = None, **params: Any) -> Violation:
        """Report a property of the column, with its count and first value."""
        attribute, rows = self._column.attribute, np.flatnonzero(mask)
        first = originals(self._frame.iloc[[int(rows[0]) + self._block.start], attribute.position])[0]
        return Violation(
            rule,
            attribute.position,
            attribute.column,
            attribute.name,
            count=len(rows),
            value=first,
            limit=limit,
            params=params,
            variant=variant,
        )


_READERS: Final[Mapping[AttributeType, Callable[[Any, Any], Any]]] = {
    AttributeType.STRING: lambda value, _zone: None if family(type(value)) is Kind.UNSUPPORTED else "",
    AttributeType.NUMBER: lambda value, _zone: as_number(value),
    AttributeType.BOOLEAN: lambda value, _zone: as_boolean(value),
    AttributeType.DATE: as_date,
}
_A_VALUE_OF: Final[Mapping[AttributeType, str]] = {
    AttributeType.STRING: "text",
    AttributeType.NUMBER: "a number",
    AttributeType.BOOLEAN: "a boolean",
    AttributeType.DATE: "a date",
}


def _empty_rows(frame: pd.DataFrame, layout: Schema, block: Block) -> list[Violation]:
    """Rows with an id and no attribute: they create a bare customer."""
    has_any = np.zeros(len(block.ids.texts), dtype=bool)
    for each in block.columns:
        has_any |= each.sent
    rows = np.flatnonzero(~has_any & ~block.ids.missing) + block.start
    if not len(rows):
        return []
    asked = [attribute.position for attribute in layout.attributes]
    is_bare = np.ones(len(rows), dtype=bool)
    for position in asked:
        is_bare &= absent(frame.iloc[rows, position]).to_numpy(dtype=bool)
    return [
        Violation(Rule.ROW_EMPTY, layout.id_position, layout.id_column, None, rows=rows[chosen], variant=variant)
        for variant, chosen in (("", is_bare), ("errors", ~is_bare))
        if chosen.any()
    ]
