"""The checks of values, after those of columns and ids: block by block, on exactly the values that would be sent.

Columns of plain text are looked at as a whole, so that their texts are not looked at one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import compress
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas._rules import Rule
from growlytics_pandas.checks.findings import detail_list
from growlytics_pandas.checks.profile import may_be_placeholder
from growlytics_pandas.checks.schema import Block, Budget, Column, Schema, check_rows, prepare
from growlytics_pandas.checks.violations import Violation
from growlytics_pandas.columns.contacts import (
    MAX_PLAIN_CHARS,
    PLAIN_INDIAN_MOBILE,
    RE2_EMAIL,
    RE2_INDIAN_MOBILE,
    SPECIAL_DOMAINS,
    Problem,
    invalid_emails,
    invalid_mobiles,
)
from growlytics_pandas.columns.convert import as_boolean, as_date, as_number
from growlytics_pandas.columns.dtypes import (
    TEXT_KINDS,
    TYPE_OF,
    Kind,
    Mask,
    Rows,
    absent,
    family,
    originals,
    plain_texts,
    starts,
)
from growlytics_pandas.columns.reading import too_long
from growlytics_pandas.columns.texts import (
    MISSING_TEXTS,
    MISSING_WORDS,
    TextBytes,
    TextColumn,
    TextColumns,
    are_damaged,
    are_in,
    are_padded,
)
from growlytics_pandas.contract import INDIA, AttributeType

_LIMITS: Final[Mapping[Rule, Any]] = {
    Rule.DATE_OUT_OF_RANGE: f"{contract.MIN_YEAR}-{contract.MAX_YEAR}",
    Rule.INTEGER_UNSAFE: contract.MAX_SAFE_INTEGER,
    Rule.DATE_TRUNCATED: "1 s",
}
_OF_COLUMN: Final = frozenset({Rule.INTEGER_UNSAFE, Rule.DATE_TRUNCATED})
"""Rules of the conversion that are reported once per column, with a count."""


CONTACTS: Final = ("email", "mobile")

# whole columns of text ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TextFinding:
    """The cells that violate a rule in a block of rows, and how to get their texts."""

    rule: Rule
    mask: Mask
    texts: Callable[[Mask], list[str]]


def find_in(texts: list[str], *, is_odd: bool = True) -> Iterator[TextFinding]:
    """Find texts that are too long and, with `is_odd`, odd ones."""
    for rule, find in _FINDERS if is_odd else _FINDERS[:1]:
        mask = find(texts)
        if mask is not None and mask.any():
            yield TextFinding(rule, mask, lambda wanted: list(compress(texts, wanted.tolist())))


_FINDERS: Final[tuple[tuple[Rule, Callable[[list[str]], Mask | None]], ...]] = (
    (Rule.VALUE_TOO_LONG, lambda texts: too_long(texts, contract.MAX_VALUE_CHARS)),
    (Rule.VALUE_STRINGIFIED, lambda texts: are_in(texts, MISSING_TEXTS)),
    (Rule.VALUE_WHITESPACE, are_padded),
    (Rule.TEXT_DAMAGED, are_damaged),
)


class OddTexts:
    """A column with repeated texts, some of them odd: `odd` has the masks of the distinct texts by rule."""

    is_contact = False

    def __init__(self, codes: npt.NDArray[np.int32], texts: list[str], odd: Mapping[Rule, Mask]) -> None:
        self._codes = codes
        self._texts = texts
        self._odd = odd

    def find(self, start: int, stop: int) -> Iterator[TextFinding]:
        """Find odd texts in rows `start` to `stop`."""
        codes = self._codes[start:stop]
        for rule, odd in self._odd.items():
            mask = odd[codes] & (codes >= 0)
            if mask.any():
                yield TextFinding(rule, mask, lambda wanted: [self._texts[code] for code in codes[wanted].tolist()])


class PlainTexts:
    """A column without odd texts; `is_contact`: all of its texts are plainly valid contacts."""

    def __init__(self, *, is_contact: bool) -> None:
        self.is_contact = is_contact

    def find(self, _start: int, _stop: int) -> Iterator[TextFinding]:
        """Find nothing."""
        return iter(())


def precheck_texts(column: pd.Series[Any], texts: TextColumn, name: str, region: str) -> OddTexts | PlainTexts | None:
    """Check a text column as a whole; None if its texts must be checked one by one."""
    is_categorical = isinstance(column.dtype, pd.CategoricalDtype)
    if is_categorical or not texts.mostly_differs:
        distinct = plain_texts(column.cat.categories.tolist()) if is_categorical else texts.distinct()
        is_sendable = all(map(contract.is_unicode, distinct))  # lone surrogates are a violation of their own
        if is_sendable and len(distinct) * 2 <= len(column):
            odd = {found.rule: found.mask for found in find_in(distinct)}
            if not odd:  # the usual case: no code of any cell is needed
                return PlainTexts(is_contact=False)
            codes = column.cat.codes.to_numpy() if is_categorical else texts.factorize()[0]
            return OddTexts(codes.astype("int32"), distinct, odd)
    found = texts.bytes()
    if found is None or not _has_no_odd_text(found):
        return None
    return PlainTexts(is_contact=name in CONTACTS and are_plain(found, name, region))


def _has_no_odd_text(found: TextBytes) -> bool:
    return not (
        found.max_bytes > contract.MAX_VALUE_CHARS
        or found.may_have_outer_space()
        or found.may_be_damaged()
        or found.has_any(MISSING_TEXTS)
    )


def are_plain(found: TextBytes, name: str, region: str) -> bool:
    """Return whether all texts of a column are plainly valid as the contact `name`; False if any needs a full check.

    Uses patterns in RE2 syntax, so that Arrow matches the column without creating Python strings. Mobiles of one
    shape are all plain if the smallest and the largest digits at each place make plain mobiles.
    """
    if name == "email":
        return (
            found.max_bytes <= MAX_PLAIN_CHARS
            and not found.may_end_with(SPECIAL_DOMAINS)
            and found.all_match(RE2_EMAIL)
        )
    if region.upper() != INDIA:
        return False
    if found.range_of_shape is not None:
        return all(map(PLAIN_INDIAN_MOBILE.fullmatch, found.range_of_shape))
    return found.all_match(RE2_INDIAN_MOBILE)


TextChecks = Mapping[int, OddTexts | PlainTexts]
"""Position → a text column that was looked at as a whole."""
NO_TEXT_CHECKS: Final[TextChecks] = MappingProxyType({})


def check_texts(frame: pd.DataFrame, schema: Schema, dropped: frozenset[int], texts: TextColumns) -> TextChecks:
    """Check each text column that is sent unchanged as a whole."""
    found = {
        attribute.position: precheck_texts(
            frame.iloc[:, attribute.position], texts[attribute.position], attribute.name, schema.region
        )
        for attribute in schema.attributes
        if attribute.kind is Kind.TEXT
        and attribute.type is AttributeType.STRING
        and not attribute.reading.cleans
        and attribute.position not in dropped
    }
    if isinstance(found.get(schema.id_position), OddTexts):
        del found[schema.id_position]  # ids are sent without surrounding white space
    return {position: one for position, one in found.items() if one is not None}


def valid_columns(schema: Schema, text_checks: TextChecks) -> TextChecks:
    """Return the columns that need no check text by text: no contacts, or plainly valid contacts."""
    contacts = {attribute.position for attribute in schema.attributes if attribute.name in CONTACTS}
    return {place: one for place, one in text_checks.items() if one.is_contact or place not in contacts}


def check_block(
    frame: pd.DataFrame, schema: Schema, block: Block, text_checks: TextChecks = NO_TEXT_CHECKS
) -> list[Violation]:
    """Check the values of a block of rows."""
    violations: list[Violation] = []
    for column in block.columns:
        found = text_checks.get(column.attribute.position)
        violations += _ColumnCheck(frame, schema, block, column, found).run()
    return violations


class _ColumnCheck:
    """The checks of one column of a block."""

    def __init__(
        self,
        frame: pd.DataFrame,
        schema: Schema,
        block: Block,
        column: Column,
        text_check: OddTexts | PlainTexts | None,
    ) -> None:
        self._frame, self._schema, self._block, self._column = frame, schema, block, column
        self._text_check = text_check

    def run(self) -> Iterator[Violation]:
        values, attribute = self._column.values, self._column.attribute
        for rule, mask in values.found.items():
            yield from self._converted(rule, mask)
        if values.type is AttributeType.STRING:
            yield from self._texts()
        if self._text_check is not None and self._text_check.is_contact:
            pass
        elif attribute.name == "email":
            yield from self._contacts(Rule.EMAIL_INVALID, invalid_emails)
        elif attribute.name == "mobile":
            yield from self._contacts(Rule.MOBILE_INVALID, partial(invalid_mobiles, region=self._schema.region))
        over = self._block.over_budget.get(attribute.position)
        if over is not None:
            lost = np.flatnonzero(over) + self._block.start
            yield replace(self._once(Rule.TOO_MANY_ATTRIBUTES, over, limit=contract.MAX_CUSTOM_ATTRIBUTES), lost=lost)

    def _converted(self, rule: Rule, mask: Mask) -> Iterator[Violation]:
        """Report what the conversion recorded."""
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
        """Mask of cells in a mixed column that are of another type but could be converted."""
        read, found = _READERS[self._column.values.type], np.zeros_like(mask)
        places = np.flatnonzero(mask)
        cells = self._frame.iloc[places + self._block.start, self._column.attribute.position]
        found[places] = [read(value, self._schema.zone) is not None for value in cells]
        return found

    def _texts(self) -> Iterator[Violation]:
        """Report texts that are too long or odd; for numbers converted to text only the length is checked."""
        start, attribute = self._block.start, self._column.attribute
        if self._text_check is not None:
            findings = self._text_check.find(start, start + len(self._block.ids.texts))
        else:
            findings = find_in(self._column.values.values, is_odd=attribute.kind in TEXT_KINDS)
        for found in findings:
            mask = found.mask & self._column.sent
            if not mask.any() or (found.rule is Rule.VALUE_STRINGIFIED and attribute.name in CONTACTS):
                continue  # the check of contacts reports placeholders itself
            if found.rule is Rule.VALUE_TOO_LONG:
                chars = np.array(list(map(contract.count_chars, found.texts(mask))))
                yield self._by_row(found.rule, mask, limit=contract.MAX_VALUE_CHARS, details=chars)
            elif found.rule is Rule.VALUE_STRINGIFIED:
                yield self._once(found.rule, mask, words=frozenset(found.texts(mask)))
            else:
                yield self._once(found.rule, mask)

    def _contacts(self, rule: Rule, find: Any) -> Iterator[Violation]:
        sent, texts = self._column.sent, self._column.values.values
        positions = np.flatnonzero(sent)
        problems: list[Problem] = find(texts if sent.all() else [texts[p] for p in positions.tolist()])
        limit = self._schema.region if rule is Rule.MOBILE_INVALID else None
        found: dict[str, list[tuple[int, str]]] = {}
        words: set[str] = set()
        counts = Counter(texts[positions[problem.position]].strip() for problem in problems)
        for problem in problems:
            row = int(positions[problem.position])
            word = texts[row].strip()
            # The fix names them, so none may be a customer's name, which has capitals.
            is_repeated = word == word.lower() and may_be_placeholder(word, counts[word])
            is_word = word.casefold() in MISSING_WORDS or is_repeated
            found.setdefault("missing" if is_word else "", []).append((row, problem.reason))
            words.update([word] if is_word else [])
        for variant, rows in found.items():
            mask = np.zeros(len(sent), dtype=bool)
            mask[[row for row, _ in rows]] = True
            params = {"words": frozenset(words)} if variant else {}
            details = [reason for _, reason in rows]
            yield self._by_row(rule, mask, limit=limit, details=details, variant=variant, params=params)

    def _by_row(self, rule: Rule, mask: Mask, **more: Any) -> Violation:
        rows = np.flatnonzero(mask) + self._block.start
        return Violation(rule, *self._column.attribute.place, rows=rows, **more)

    def _once(self, rule: Rule, mask: Mask, **more: Any) -> Violation:
        """Report a property of the column, with its count and first value."""
        attribute, rows = self._column.attribute, np.flatnonzero(mask)
        first = originals(self._frame.iloc[[int(rows[0]) + self._block.start], attribute.position])[0]
        return Violation.of_column(rule, attribute.place, len(rows), value=first, **more)


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


def _empty_rows(frame: pd.DataFrame, schema: Schema, block: Block, skipped: Mask) -> list[Violation]:
    """Report rows that are sent without attributes, which create a customer without attributes."""
    has_any = np.zeros(len(block.ids.texts), dtype=bool)
    for each in block.columns:
        has_any |= each.sent
    rows = np.flatnonzero(~has_any & ~skipped[block.start : block.start + len(has_any)]) + block.start
    if not len(rows):
        return []
    asked = [attribute.position for attribute in schema.attributes]
    is_bare = np.ones(len(rows), dtype=bool)
    for position in asked:
        is_bare &= absent(frame.iloc[rows, position]).to_numpy(dtype=bool)
    return [
        Violation(Rule.ROW_EMPTY, *schema.id_place, rows=rows[chosen], variant=variant)
        for variant, chosen in (("", is_bare), ("errors", ~is_bare))
        if chosen.any()
    ]


@dataclass(frozen=True, slots=True)
class BeforeValues:
    """The result of the checks before values: columns and rows that are not sent, and why."""

    violations: tuple[Violation, ...]
    dropped: frozenset[int]
    skipped: Mask
    skipped_by: Mapping[Rule, Rows]

    @property
    def not_customers(self) -> Rows:
        """The rows of headings and totals, ascending."""
        found = [rows for rule, rows in self.skipped_by.items() if rule in (Rule.ROW_IS_HEADING, Rule.ROW_IS_TOTAL)]
        return np.sort(np.concatenate([np.empty(0, dtype="int64"), *found]))

    @property
    def no_evidence(self) -> Rows:
        """The rows whose values say nothing about types: the same, and the last rows if they have no id, ascending."""
        is_left_out = np.zeros(len(self.skipped), dtype=bool)
        is_left_out[self.skipped_by.get(Rule.ID_MISSING, [])] = True
        is_left_out[self.not_customers] = True
        customers = np.flatnonzero(~is_left_out)
        first = int(customers[-1]) + 1 if len(customers) else 0
        return np.union1d(self.not_customers, np.arange(first, len(is_left_out))) if first else self.not_customers


def check_frame(
    frame: pd.DataFrame,
    schema: Schema,
    checked: BeforeValues,
    budget: Budget | None = None,
    texts: TextColumns | None = None,
) -> list[Violation]:
    """Check every value too, block by block, and return all violations.

    `texts`: the text columns of the frame, if some were read before.
    """
    violations = list(checked.violations)
    text_checks = check_texts(frame, schema, checked.dropped, texts or TextColumns(frame))
    settled = valid_columns(schema, text_checks)
    id_is_sent = any(attribute.position == schema.id_position for attribute in schema.attributes)
    needs_ids = budget is not None or (id_is_sent and schema.id_position not in settled)
    without_id = None if needs_ids else _without_id(checked, len(frame))
    others = checked.not_customers
    listed = [each for each in schema.attributes if each.kind in TEXT_KINDS and each.position not in settled]
    for start, stop in starts(len(frame), check_rows(frame.shape[1], len(listed))):
        block = prepare(frame, schema, checked.dropped, start, stop, budget, settled, without_id)
        violations += _of_customers(check_block(frame, schema, block, text_checks), others)
        violations += _empty_rows(frame, schema, block, checked.skipped)
        del block  # else two blocks are in memory while the next one is prepared
    return _naming_columns(violations)


def _of_customers(violations: Iterable[Violation], others: Rows) -> Iterator[Violation]:
    """Leave out the values of rows that are no customers."""
    for each in violations:
        if each.rows is None or not len(others) or not (odd := np.isin(each.rows, others)).any():
            yield each
        elif not odd.all():
            details = None if each.details is None else list(compress(detail_list(each.details), ~odd))
            yield replace(each, rows=each.rows[~odd], details=details)


def _without_id(checked: BeforeValues, rows: int) -> Mask:
    mask = np.zeros(rows, dtype=bool)
    for rule in (Rule.ID_MISSING, Rule.ID_ROUNDED):
        mask[checked.skipped_by.get(rule, [])] = True
    return mask


def _naming_columns(violations: list[Violation]) -> list[Violation]:
    """List all columns past the 100th in the violations of the attribute limit."""
    columns = frozenset(each.column for each in violations if each.rule is Rule.TOO_MANY_ATTRIBUTES)
    if not columns:
        return violations
    return [
        replace(each, params={"columns": columns}) if each.rule is Rule.TOO_MANY_ATTRIBUTES else each
        for each in violations
    ]
